//! `hubbub user …`: people, from the command line of whoever runs the server.

use std::io::BufRead;

use clap::{Subcommand, ValueEnum};
use domain::{CommandId, Handle, UserId, account::Role};
use uuid::Uuid;

use crate::{
    config::Settings,
    run::{RunError, open},
};

/// What can be done about people.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Add somebody; the password is read from standard input. The server must be stopped.
    Add {
        /// What they sign in with.
        handle: Handle,
        /// What they are shown as.
        #[arg(long)]
        name: Option<String>,
        /// What they may do.
        #[arg(long, value_enum, default_value = "customer")]
        role: RoleName,
    },
}

/// The roles by name.
#[derive(Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Buys and chats.
    Customer,
    /// Runs the desk.
    Desk,
    /// Watches and mends the system.
    Operator,
}

/// Carries it out.
///
/// # Errors
/// [`RunError`]
pub async fn manage(settings: Settings, command: UserCommand) -> Result<(), RunError> {
    let UserCommand::Add { handle, name, role } = command;
    let mut password = String::new();
    eprint!("Password for {handle}: ");
    std::io::stdin().lock().read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    if !(8..=200).contains(&password.chars().count()) {
        return Err(backend::AccountError::BadPassword.into());
    }
    let role = match role {
        RoleName::Customer => Role::Customer,
        RoleName::Desk => Role::Desk,
        RoleName::Operator => Role::Operator,
    };
    let (store, backend) = open(&settings).await?;
    let name = name.unwrap_or_else(|| handle.to_string());
    let (id, user) = (CommandId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    let created = backend.create(id, user, handle.clone(), name, role, password).await;
    store.close().await;
    created?;
    println!("{handle} can sign in now.");
    Ok(())
}
