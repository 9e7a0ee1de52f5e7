//! Ten thousand connections to which nothing happens: what they hold, and what they cost.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Failure,
    crowd::Crowd,
    fanout::{Side, Transport},
};

/// What idle connections cost a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Resident memory of the process, for each.
    pub(crate) kib_each: f64,
    /// Of one core, for all.
    pub(crate) cpu_percent: f64,
}

/// Ours, then the yardstick's.
pub(crate) async fn compare(
    binary: &Path,
    transport: Transport,
    size: usize,
    run: Duration,
) -> Result<(Held, Held), Failure> {
    let ours = hold(&Side::ours(binary, transport, None).await?, size, run).await?;
    Ok((ours, hold(&Side::yardstick(transport, 256, None)?, size, run).await?))
}

async fn hold(side: &Side, size: usize, run: Duration) -> Result<Held, Failure> {
    let empty = side.process.usage()?;
    let _crowd = Crowd::gather(side.addr(), side.entry.clone(), size, Instant::now()).await?;
    // What opening them took is not what holding them takes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (from, before) = (Instant::now(), side.process.usage()?);
    tokio::time::sleep(run).await;
    let after = side.process.usage()?;
    Ok(Held {
        kib_each: (after.resident_kib - empty.resident_kib) / size as f64,
        cpu_percent: (after.cpu_s - before.cpu_s) / from.elapsed().as_secs_f64() * 100.0,
    })
}
