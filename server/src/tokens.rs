//! `hubbub token …`: what programs act for people with, from the command line of whoever runs the server. It
//! works on the database, so the server must be stopped.

use backend::{Backend, TokenWish};
use clap::Subcommand;
use domain::{CommandId, Handle, Scope, SessionId, UserId};
use uuid::Uuid;

use crate::{
    config::Settings,
    run::{RunError, open},
};

/// What can be done about tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make one; its secret alone goes to standard output, and is not kept.
    Add {
        /// Whom it acts for.
        handle: Handle,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may be used for: read, command or ingest; say it once for each.
        #[arg(long, required = true, value_name = "SCOPE")]
        scope: Vec<Scope>,
        /// For how many days.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Show somebody's tokens and where they are signed in.
    List {
        /// Whose.
        handle: Handle,
    },
    /// End a token or a session.
    Revoke {
        /// Which, as `hubbub token list` shows it.
        id: SessionId,
    },
}

/// Carries it out.
///
/// # Errors
/// [`RunError`]
pub async fn manage(settings: Settings, command: TokenCommand) -> Result<(), RunError> {
    let (store, backend) = open(&settings).await?;
    let done = carry_out(&backend, command).await;
    store.close().await;
    done
}

async fn carry_out(backend: &Backend, command: TokenCommand) -> Result<(), RunError> {
    match command {
        TokenCommand::Add { handle, name, scope, days } => {
            let user = user(backend, handle).await?;
            let wish = TokenWish { name, scopes: scope.into_iter().collect(), days };
            let made = backend.make_token(CommandId(Uuid::now_v7()), user, wish).await?;
            eprintln!("It may {} until {}. Its secret:", made.caller.scopes, made.expires.day());
            println!("{}", made.token);
        }
        TokenCommand::List { handle } => {
            for session in backend.sessions_of(user(backend, handle).await?).await? {
                let name = session.name.as_deref().unwrap_or("(signed in)");
                println!("{}  until {}  {:<24} {name}", session.id, session.expires.day(), session.scopes);
            }
        }
        TokenCommand::Revoke { id } => {
            let ended = backend.revoke(id).await?;
            println!("{} is over.", ended.name.as_deref().unwrap_or("The session"));
        }
    }
    Ok(())
}

async fn user(backend: &Backend, handle: Handle) -> Result<UserId, RunError> {
    let person = backend.person_by_handle(&handle).await.map_err(backend::AccountError::from)?;
    person.map(|person| person.user).ok_or(RunError::Nobody(handle))
}
