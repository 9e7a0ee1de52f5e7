//! The command line: what is measured, for how long, and what the numbers are held against.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{
    Failure,
    fanout::{self, Transport},
    report::Report,
    yardstick,
};

/// Numbers: ours beside a plain axum broadcast server's (or raw SQLite's), measured in the same run.
#[derive(Parser)]
#[command(version)]
pub struct Cli {
    /// Measure shortly, once, and with fewer connections.
    #[arg(long, global = true)]
    quick: bool,
    /// The build to measure.
    #[arg(long, global = true, default_value = "target/release/hubbub")]
    binary: PathBuf,
    /// Where the numbers are written as JSON.
    #[arg(long, global = true, default_value = "target/bench.json")]
    json: PathBuf,
    /// How often each comparison is made; the median counts.
    #[arg(long, global = true)]
    rounds: Option<usize>,
    /// One thing alone; without it, everything.
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// 50 events a second to many readers: cost, latency, memory.
    Fanout {
        /// How they are connected.
        transport: Transport,
        /// How many.
        #[arg(default_value_t = 1000)]
        readers: usize,
    },
    /// Be the server that we are measured beside.
    #[command(hide = true)]
    Yardstick,
}

/// Does what was asked for and prints one table.
///
/// # Errors
/// Whatever goes wrong, as a sentence.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.what, Some(What::Yardstick)) {
        return yardstick::serve().await;
    }
    let binary = cli.binary.canonicalize().map_err(|why| {
        format!("{} cannot be measured: {why}; `make build` makes it", cli.binary.display())
    })?;
    let rounds = cli.rounds.unwrap_or(if cli.quick { 1 } else { 3 });
    let seconds = |usual, quick| Duration::from_secs(if cli.quick { quick } else { usual });
    let mut report = Report::default();
    match cli.what {
        Some(What::Fanout { transport, readers }) => {
            fan_out(&mut report, &binary, transport, readers, seconds(10, 4), rounds).await?;
        }
        None | Some(What::Yardstick) => {
            for transport in [Transport::Ws, Transport::Sse] {
                fan_out(&mut report, &binary, transport, 1000, seconds(10, 4), rounds).await?;
            }
        }
    }
    report.finish(&cli.json)
}

async fn fan_out(
    report: &mut Report,
    binary: &Path,
    transport: Transport,
    readers: usize,
    run: Duration,
    rounds: usize,
) -> Result<(), Failure> {
    eprintln!("Fan-out to {readers} over {}", transport.name());
    let (ours, theirs) = fanout::compare(binary, transport, readers, run, rounds).await?;
    let name = format!("{}, {readers} readers, 50 events/s", transport.name());
    let mut add = |what: &str, unit, pick: fn(&fanout::Shown) -> f64, goal| {
        report.add(format!("{name}: {what}"), unit, (pick(&ours), Some(pick(&theirs))), goal);
    };
    add("deliveries", "1/s", |shown| shown.deliveries_per_s, "");
    add("server CPU", "s/million", |shown| shown.cpu_s_per_million, "ratio <= 1.0");
    add("p50", "ms", |shown| shown.p50_ms, "");
    add("p99", "ms", |shown| shown.p99_ms, "");
    add("memory a reader", "KiB", |shown| shown.kib_per_connection, "<= 16");
    add("bytes a delivery", "bytes", |shown| shown.bytes_per_delivery, "");
    add("generator CPU", "s/million", |shown| shown.generator_cpu_s_per_million, "");
    Ok(())
}
