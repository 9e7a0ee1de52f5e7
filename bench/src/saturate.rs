//! How many deliveries one core makes before they come late: the rate is raised until 99 of 100 no longer arrive within
//! a quarter of a second.

use std::{
    path::Path,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use crate::{
    Failure,
    crowd::Crowd,
    fanout::{Side, Transport, percentile},
    process,
};

/// When deliveries count as late, in milliseconds.
const LATE_MS: f64 = 250.0;

/// The first rate, in events a second.
const FIRST: f64 = 60.0;

/// What a server reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// While they were in time.
    pub(crate) deliveries_per_s: f64,
    pub(crate) p99_ms: f64,
}

/// Ours, then the yardstick's: the server alone on the first core, the load generator on the second.
pub(crate) async fn compare(
    binary: &Path,
    transport: Transport,
    size: usize,
    step: Duration,
) -> Result<(Reached, Reached), Failure> {
    let core = process::can_pin().then_some(0);
    let _held = core.map(|_| process::Held::to(1)).transpose()?;
    let ours = Side::ours(binary, transport, core).await?;
    let (reached, weight) = climb(&ours, size, step).await?;
    drop(ours);
    let theirs = Side::yardstick(transport, transport.unwrapped(weight), core)?;
    Ok((reached, climb(&theirs, size, step).await?.0))
}

/// Raises the rate until it is too much, then looks once more in between. Also returns what a text weighs.
async fn climb(side: &Side, size: usize, step: Duration) -> Result<(Reached, f64), Failure> {
    let began = Instant::now();
    let (crowd, weight) = side.fill(size, began).await?;
    let mut best = Reached { deliveries_per_s: 0.0, p99_ms: f64::NAN };
    let (mut rate, mut too_much) = (FIRST, f64::INFINITY);
    while rate < too_much * 0.9 {
        let reached = hold(side, &crowd, rate, step, began).await?;
        // Texts that are lost were not delivered in time either.
        let in_time = reached.p99_ms <= LATE_MS && reached.deliveries_per_s > 0.9 * rate * size as f64;
        eprintln!(
            "    {rate:.0} events/s: {:.0} deliveries/s, p99 {:.0} ms",
            reached.deliveries_per_s, reached.p99_ms
        );
        if in_time {
            best = reached;
            rate = if too_much.is_finite() { f64::midpoint(rate, too_much) } else { rate * 1.6 };
        } else {
            too_much = rate;
            rate = best.deliveries_per_s / size as f64;
            rate = f64::midpoint(rate, too_much);
            calm_down(&crowd).await;
        }
        if best.deliveries_per_s == 0.0 && too_much < FIRST / 2.0 {
            return Err("even a few events a second come too late".into());
        }
    }
    Ok((best, weight))
}

/// One rate for a while.
async fn hold(
    side: &Side,
    crowd: &Crowd,
    rate: f64,
    step: Duration,
    began: Instant,
) -> Result<Reached, Failure> {
    let warm = step / 4;
    let said = tokio::spawn(side.plan(rate, warm + step, 64).carry_out(began));
    tokio::time::sleep(warm).await;
    crowd.tally.take_latencies();
    let (from, texts) = (Instant::now(), crowd.tally.texts.load(Relaxed));
    tokio::time::sleep(step).await;
    let texts = crowd.tally.texts.load(Relaxed) - texts;
    let deliveries_per_s = texts as f64 / from.elapsed().as_secs_f64();
    let late = crowd.tally.take_latencies();
    said.await??;
    let ended = crowd.tally.ended.load(Relaxed);
    if ended > 0 {
        return Err(format!("the server ended {ended} connections at {rate:.0} events/s").into());
    }
    Ok(Reached { deliveries_per_s, p99_ms: percentile(&late, 99) })
}

/// Waits until what is under way has come.
async fn calm_down(crowd: &Crowd) {
    loop {
        let before = crowd.tally.texts.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        if crowd.tally.texts.load(Relaxed) == before {
            return;
        }
    }
}
