//! `bench`: see the library's text; `bench --help` says what can be measured alone.

use std::process::ExitCode;

use bench::{Failure, cli};
use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if !cli.is_server() {
        // What measures leaves the machine to what is measured.
        runtime.worker_threads(1);
    }
    let done = runtime
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(cli::run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
