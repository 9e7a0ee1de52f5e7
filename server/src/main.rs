//! `hubbub`: the command line. It reads the settings, and hands over.

use std::process::ExitCode;

use clap::Parser;
use server::{config, publish, run, tail, tokens, users};

/// A small shop's live floor, in one binary: one log, one contract, one fold.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    settings: config::Layer,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serve pages, API and live streams (the default).
    Serve,
    /// Bring the database up to date and stop.
    Migrate,
    /// Manage people.
    User {
        #[command(subcommand)]
        command: users::UserCommand,
    },
    /// Manage tokens: what programs act for people with.
    Token {
        #[command(subcommand)]
        command: tokens::TokenCommand,
    },
    /// Print the log of a running server as it grows.
    Tail(tail::TailArgs),
    /// Send commands to a running server.
    Publish(publish::PublishArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let settings = match config::Settings::load(cli.settings) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("hubbub: {error}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hubbub: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => run::serve(settings).await,
            Command::Migrate => run::migrate(settings).await,
            Command::User { command } => users::manage(settings, command).await,
            Command::Token { command } => tokens::manage(settings, command).await,
            Command::Tail(args) => Ok(tail::tail(args).await?),
            Command::Publish(args) => Ok(publish::publish(args).await?),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hubbub: {error}");
            ExitCode::FAILURE
        }
    }
}
