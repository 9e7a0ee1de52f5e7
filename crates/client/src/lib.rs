//! The live protocol from outside a browser: a [`ClientSession`] driven over a WebSocket, with tokio.
//!
//! [`Client`] is the native twin of the page's driver, and decides as little: what happens goes into the
//! session, and what the session says is done. It is a [`Stream`] of [`Update`]s and works only while it is
//! polled; who is slow at that is read on from the log by the server, and misses nothing. Being polled no more
//! and then again, as in `select!`, loses nothing either.
//!
//! ```no_run
//! # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
//! use client::{Client, Options, Update};
//! use futures::StreamExt;
//!
//! let mut client = Client::new(&Options::new("http://127.0.0.1:3000"))?;
//! client.subscribe("a".parse()?, "chat.lobby.>".parse()?, None, live::OnGap::Replay);
//! while let Some(update) = client.next().await {
//!     if let Update::Event { event, .. } = update {
//!         println!("{}", event.encode());
//!     }
//! }
//! # Ok(()) }
//! ```

mod address;
mod line;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use domain::{Actor, Cursor, Epoch, Pattern, Recorded, Subject};
use futures::{FutureExt, Stream};
use live::{ClientConfig, ClientOutput, ClientSession, OnGap, Sid, Status};
use serde_json::value::RawValue;
use tokio::time::{Instant, Sleep};

use self::{
    address::Address,
    line::{Happening, Line},
};

pub use address::BadAddress;

/// Where to connect, and as whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server's address: `http://host:port`, or `https://…`.
    pub url: String,
    /// A bearer token; without one, nobody is signed in.
    pub token: Option<String>,
    /// What the session is made with. Clients that start together should differ in their seed.
    pub session: ClientConfig,
}

impl Options {
    /// Nobody in particular, with a seed of its own.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), token: None, session: ClientConfig::new(seed()) }
    }
}

/// A number that differs from one to the next, and from process to process.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// What a client learns.
#[derive(Debug, Clone)]
pub enum Update {
    /// An event that a subscription asked for, in the log's order, once.
    Event {
        /// Which subscription.
        sid: Sid,
        /// What happened. Shared if several asked for it.
        event: Arc<Recorded>,
    },
    /// Everything for this subscription up to here has been said. Whoever keeps the cursor can go on from
    /// it in another process.
    Advanced {
        /// Which subscription.
        sid: Sid,
        /// Where it stands.
        cursor: Cursor,
    },
    /// The subscription has caught up with the log.
    Live {
        /// Which.
        sid: Sid,
    },
    /// The subscription cannot be read on from its cursor. Make up for it, then call [`Client::resynced`].
    Resync {
        /// Which.
        sid: Sid,
    },
    /// Something ephemeral.
    Signal {
        /// Under `signal.`.
        subject: Subject,
        /// Anything.
        data: Box<RawValue>,
        /// Who sent it.
        actor: Option<Actor>,
    },
    /// The server did not do something. A subscription that is named is gone.
    Refused {
        /// Which subscription, if it is one.
        sid: Option<Sid>,
        /// A stable name, for example `bad_pattern`.
        code: String,
        /// A sentence for people.
        why: String,
    },
    /// How the client is connected has changed.
    Status(Status),
    /// An attempt to connect has failed. There will be others, unless somebody gives up.
    Unreachable {
        /// The HTTP status, if the server answered with one.
        status: Option<u16>,
        /// A sentence for people.
        why: String,
    },
}

/// A connection that comes back. See the crate's text.
pub struct Client {
    address: Address,
    session: ClientSession,
    line: Line,
    began: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Client {
    /// A client that begins to connect when it is polled.
    ///
    /// # Errors
    /// [`BadAddress`], if there is no server at such an address.
    pub fn new(options: &Options) -> Result<Self, BadAddress> {
        let address = Address::new(&options.url, options.token.as_deref())?;
        let mut session = ClientSession::new(options.session.clone());
        session.start(0);
        let began = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(began));
        Ok(Self { address, session, line: Line::None, began, timer })
    }

    /// Subscribes, now and on every later connection. `since` is a cursor from [`Update::Advanced`]; without
    /// one, it begins at the head. The same name again replaces the earlier subscription.
    pub fn subscribe(&mut self, sid: Sid, pattern: Pattern, since: Option<Cursor>, on_gap: OnGap) {
        self.session.subscribe(sid, pattern, since, on_gap);
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, sid: &Sid) {
        self.session.unsubscribe(sid);
    }

    /// What [`Update::Resync`] asked for is done, and the subscription goes on from here.
    pub fn resynced(&mut self, sid: &Sid, since: Cursor) {
        self.session.resynced(sid, since);
    }

    /// Sends something ephemeral, if connected; else it is forgotten.
    pub fn signal(&mut self, subject: Subject, data: Box<RawValue>) {
        self.session.signal(subject, data);
    }

    /// Where a subscription stands.
    #[must_use]
    pub fn cursor(&self, sid: &Sid) -> Option<Cursor> {
        self.session.cursor(sid)
    }

    /// Which life of the log the server serves, while connected.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.session.epoch()
    }

    /// Milliseconds since the client was made: the clock of [`Status::Reconnecting`].
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Does what the session says. Returns what the caller has to know of it.
    fn carry_out(&mut self, output: ClientOutput) -> Option<Update> {
        match output {
            ClientOutput::Connect => self.line = Line::open(&self.address),
            ClientOutput::Disconnect => self.line = Line::None,
            ClientOutput::Send(text) => self.line.send(text),
            ClientOutput::Apply { sid, event } => return Some(Update::Event { sid, event }),
            ClientOutput::Advanced { sid, cursor } => return Some(Update::Advanced { sid, cursor }),
            ClientOutput::Live { sid } => return Some(Update::Live { sid }),
            ClientOutput::Resync { sid } => return Some(Update::Resync { sid }),
            ClientOutput::Signal { subject, data, actor } => {
                return Some(Update::Signal { subject, data, actor });
            }
            ClientOutput::Refused { sid, code, why } => return Some(Update::Refused { sid, code, why }),
            ClientOutput::Status(status) => return Some(Update::Status(status)),
            // There is no page to reload.
            ClientOutput::NewBuild(_) => {}
        }
        None
    }

    /// Whether what the session waits for is due.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.session.next_timer() else { return Poll::Pending };
        let at = self.began + Duration::from_millis(at);
        if self.timer.deadline() != at {
            self.timer.as_mut().reset(at);
        }
        self.timer.poll_unpin(context)
    }
}

impl Stream for Client {
    type Item = Update;

    /// Ends when the server has stopped the session for good: after [`Status::Stopped`].
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Update>> {
        let client = &mut *self;
        loop {
            if let Some(output) = client.session.poll() {
                match client.carry_out(output) {
                    Some(update) => return Poll::Ready(Some(update)),
                    None => continue,
                }
            }
            if client.session.next_timer().is_none() {
                return Poll::Ready(None);
            }
            // What has come is read before a timer concludes that nothing has.
            match client.line.poll(context) {
                Poll::Ready(happening) => {
                    let now = client.now();
                    match happening {
                        Happening::Opened => client.session.on_open(now),
                        Happening::Text(text) => client.session.on_text(&text, now),
                        Happening::Closed(code) => client.session.on_close(code, now),
                        Happening::NotOpened { status, why } => {
                            client.session.on_close(None, now);
                            return Poll::Ready(Some(Update::Unreachable { status, why }));
                        }
                    }
                }
                Poll::Pending => match client.poll_timer(context) {
                    Poll::Ready(()) => {
                        let now = client.now();
                        client.session.on_tick(now);
                    }
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }
}
