//! `hubbub tail`: the log of a running server, as it grows.

use std::{
    io::{self, IsTerminal, Write},
    str::FromStr,
};

use clap::Args;
use client::{Client, Options, Update};
use domain::{Actor, Cursor, Pattern, Position, Recorded, Subject};
use futures::StreamExt;
use live::{OnGap, Sid, Status};
use serde_json::{json, value::RawValue};

use crate::remote::{Remote, RemoteError, is_final};

/// What to follow.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Which subjects, for example `chat.lobby.>`; `>` is everything that you may see.
    pattern: Pattern,
    /// Begin after this: a cursor, a position, or `start`. Without it, with what happens from now on.
    #[arg(long)]
    since: Option<Since>,
    #[command(flatten)]
    remote: Remote,
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// After a position of whatever log the server has.
    Position(Position),
    /// After a cursor.
    Cursor(Cursor),
}

impl FromStr for Since {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let position = || text.parse().map(Since::Position).or_else(|_| text.parse().map(Since::Cursor));
        match text {
            "start" => Ok(Since::Position(Position::START)),
            _ => position().map_err(|_| "it is a cursor, a position, or `start`"),
        }
    }
}

/// Prints events until it is interrupted or the server refuses: one CloudEvents JSON a line, or, on a
/// terminal, a line for people. How it is connected is said on standard error.
///
/// # Errors
/// [`RemoteError`]
pub async fn tail(args: TailArgs) -> Result<(), RemoteError> {
    let Remote { url, token } = args.remote;
    let client = Client::new(&Options { token, ..Options::new(url.clone()) })?;
    let sid = Sid::new("tail").expect("it is the name of a subscription");
    let mut tail = Tail {
        client,
        url,
        sid,
        pattern: args.pattern,
        since: args.since,
        subscribed: false,
        begun: false,
        last: None,
        for_people: io::stdout().is_terminal(),
    };
    let followed = tokio::select! {
        // First, so that there is an ear for it before anything is printed: who reads may have enough at once.
        biased;
        _ = tokio::signal::ctrl_c() => Ok(()),
        followed = tail.follow() => followed,
    };
    if let Some(last) = tail.last {
        eprintln!("To go on from here: --since {last}");
    }
    match followed {
        // Whoever read has seen enough.
        Err(RemoteError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        followed => followed,
    }
}

struct Tail {
    client: Client,
    url: String,
    sid: Sid,
    pattern: Pattern,
    since: Option<Since>,
    subscribed: bool,
    /// The server has begun to read.
    begun: bool,
    last: Option<Cursor>,
    for_people: bool,
}

impl Tail {
    async fn follow(&mut self) -> Result<(), RemoteError> {
        let refused = |url: &str, why| Err(RemoteError::Refused { url: url.to_owned(), why });
        while let Some(update) = self.client.next().await {
            match update {
                Update::Event { event, .. } => self.print(&event)?,
                Update::Signal { subject, data, actor } => self.print_signal(&subject, &data, actor)?,
                Update::Advanced { cursor, .. } => (self.last, self.begun) = (Some(cursor), true),
                Update::Live { .. } => self.begun = true,
                Update::Resync { .. } => {
                    if let Some(why) = self.too_far() {
                        return refused(&self.url, why);
                    }
                    self.resume();
                }
                Update::Refused { why, .. } | Update::Status(Status::Stopped { why, .. }) => {
                    return refused(&self.url, why);
                }
                Update::Unreachable { status: Some(status), why } if is_final(status) => {
                    return refused(&self.url, why);
                }
                Update::Unreachable { why, .. } => eprintln!("{} cannot be reached: {why}", self.url),
                Update::Status(status) => self.on_status(&status),
            }
        }
        Ok(())
    }

    fn on_status(&mut self, status: &Status) {
        match status {
            Status::Live => {
                eprintln!("Connected to {}.", self.url);
                if !std::mem::replace(&mut self.subscribed, true) {
                    let epoch = self.client.epoch();
                    let since = self.since.and_then(|since| match since {
                        Since::Cursor(cursor) => Some(cursor),
                        // Which life of the log it is was not known before.
                        Since::Position(position) => epoch.map(|epoch| Cursor { epoch, position }),
                    });
                    self.last = since;
                    let (sid, pattern) = (self.sid.clone(), self.pattern.clone());
                    self.client.subscribe(sid, pattern, since, OnGap::Replay);
                }
            }
            Status::Reconnecting { at } => {
                let wait = at.saturating_sub(self.client.now());
                eprintln!("Not connected; the next attempt is in {:.1} s.", wait as f64 / 1000.0);
            }
            Status::Connecting | Status::Offline | Status::Stopped { .. } => {}
        }
    }

    /// Why nothing can be read from where this was to begin, if the log has not come so far.
    fn too_far(&mut self) -> Option<String> {
        let since = self.last.filter(|since| !self.begun && Some(since.epoch) == self.client.epoch())?;
        // It is no place to go on from.
        self.last = None;
        Some(format!("The log has not come to {} yet. Choose an earlier --since, or none.", since.position))
    }

    /// The server cannot read on from the cursor: it has another log than before, or has lost its place.
    fn resume(&mut self) {
        let Some(epoch) = self.client.epoch() else { return };
        let since = self.last.filter(|last| last.epoch == epoch).unwrap_or_else(|| {
            eprintln!("The server has another log than the cursor is of; this one from its start:");
            Cursor { epoch, position: Position::START }
        });
        self.client.resynced(&self.sid, since);
    }

    fn print_signal(&self, subject: &Subject, data: &RawValue, actor: Option<Actor>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.for_people {
            let actor = actor.map(|actor| actor.to_string()).unwrap_or_default();
            let data = data.get().replace(char::is_control, "\u{fffd}");
            writeln!(out, "{subject}  {actor}  {data}")
        } else {
            writeln!(out, "{}", json!({"subject": subject, "data": data, "actor": actor}))
        }
    }

    fn print(&self, event: &Recorded) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if !self.for_people {
            return writeln!(out, "{}", event.encode());
        }
        let meta = &event.meta;
        // What strangers have written must not steer a terminal.
        let data = event.data.get().replace(char::is_control, "\u{fffd}");
        writeln!(
            out,
            "{}  {}  \x1b[1m{}\x1b[0m  {}  {}  {data}",
            meta.position, meta.time, meta.kind, meta.subject, meta.actor
        )
    }
}
