//! `hubbub tail` and `hubbub publish` are clients of a server that runs somewhere: where it is, who asks, and what can
//! go wrong on the way.

use clap::Args;
use client::BadAddress;

/// Which server, and as whom.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// The server's address.
    #[arg(long, env = "HUBBUB_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The token of a session (`POST /api/session`); without one, nobody is signed in.
    #[arg(long, env = "HUBBUB_TOKEN", hide_env_values = true, allow_hyphen_values = true)]
    pub token: Option<String>,
}

/// What ends a command that talks to a server.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// There can be no server there.
    #[error(transparent)]
    BadAddress(#[from] BadAddress),
    /// The server does not want to be talked to, and would not later.
    #[error("{url} refuses: {why}")]
    Refused {
        /// Which server.
        url: String,
        /// Its sentence.
        why: String,
    },
    /// The server was not reached in all the time there was.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// Which server.
        url: String,
        /// The last failure.
        why: String,
    },
    /// What is to be sent is not JSON.
    #[error("command {nth} is not JSON: {why}")]
    NotJson {
        /// Counted from 1.
        nth: u64,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// Some commands were refused; each was said with its reason.
    #[error("{refused} of {sent} commands were refused")]
    SomeRefused {
        /// How many.
        refused: u64,
        /// Of how many.
        sent: u64,
    },
    /// HTTP cannot be spoken here at all.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Nothing can be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Whether an HTTP status means that asking again cannot help.
pub(crate) fn is_final(status: u16) -> bool {
    matches!(status, 400..=407 | 409..=428)
}
