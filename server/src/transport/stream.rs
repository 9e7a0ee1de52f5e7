//! One live stream, whatever carries it: the session machine, a reader of the hub, and when something is due.
//! It does nothing but carry what one says to the other; what is left to write comes out of [`Stream::poll`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backend::Caller;
use hub::{Delivery, Ended, HubError};
use live::{CloseCode, Limits, Outcome, Outgoing, ServerConfig, ServerOutput, ServerSession, frames::Hello};
use uuid::Uuid;

use super::{signals::Signals, wish::Reader};
use crate::{presence, session::Stale, state::AppState};

/// After a drain reconnects are spread: over this time for each connection, in milliseconds ...
const SPREAD_EACH_MS: usize = 2;

/// ... but never over less or more than this.
const SPREAD_MS: (usize, usize) = (1_000, 30_000);

/// A drained page comes back no earlier than this, in milliseconds.
const RESTART_MS: u64 = 500;

/// What a client of a stream has said so far.
pub(super) enum Greeting {
    /// Nothing: it will say `hello` by itself.
    Awaited,
    /// Everything: it cannot say more.
    Said(Hello),
    /// Everything, and it keeps no view: it has no use for "fetch a fresh one", so that ends the stream.
    SaidOnce(Hello),
}

/// What the transport does next.
pub(super) enum Step {
    /// Write these frames, together.
    Write(Vec<Outgoing>),
    /// Write what is queued, then close.
    Close {
        /// See [`CloseCode`].
        code: u16,
        /// A sentence for people.
        why: String,
    },
}

pub(super) struct Stream {
    session: ServerSession,
    hub: hub::Connection,
    state: AppState,
    signals: Signals,
    /// Whose page this is, is here while it lives.
    _here: Option<presence::Guard>,
    began: Instant,
    /// When the caller's sign-in is over, in milliseconds after `began`.
    over: Option<u64>,
    /// See [`Greeting::SaidOnce`].
    keeps_no_view: bool,
}

impl Stream {
    pub(super) async fn open(
        state: AppState,
        caller: Caller,
        stale: Stale,
        reader: Reader,
        greeting: Greeting,
    ) -> Result<Self, HubError> {
        let began = Instant::now();
        let hub = state.backend.hub();
        let connection = hub.connect(caller.user, caller.session).await?;
        let mut config = ServerConfig::new(
            Uuid::now_v7().simple().to_string(),
            hub.epoch(),
            hub.published(),
            env!("BUILD_ID"),
        );
        config.limits = Limits {
            subscriptions: state.settings.max_subscriptions,
            subscribes_per_s: state.settings.subscribes_per_second,
            signals_per_s: state.settings.signals_per_second,
            ..Limits::default()
        };
        let keeps_no_view = matches!(greeting, Greeting::SaidOnce(_));
        let mut session = match greeting {
            Greeting::Awaited => ServerSession::new(config, 0),
            Greeting::Said(hello) | Greeting::SaidOnce(hello) => ServerSession::one_way(config, hello, 0),
        };
        if stale.0 || reader == Reader::AnothersPage {
            session.end(CloseCode::Unauthorised, "Your session is over. Sign in again.");
        }
        let over = state.backend.remaining_millis(&caller);
        // A program is nobody who is here.
        let _here = caller.user.filter(|_| reader == Reader::Page).map(|user| state.presence.enter(user));
        let signals = Signals::of(caller);
        Ok(Self { session, hub: connection, state, signals, _here, began, over, keeps_no_view })
    }

    /// Milliseconds since the stream began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A text message came.
    pub(super) fn on_text(&mut self, text: &str) {
        self.session.on_text(text, self.now());
    }

    /// Ends the stream.
    pub(super) fn end(&mut self, code: CloseCode, why: impl Into<String>) {
        self.session.end(code, why);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.session.is_closed()
    }

    /// When [`Stream::on_tick`] wants to be called.
    pub(super) fn next_timer(&self) -> Instant {
        let due = self.session.next_timer().unwrap_or(u64::MAX).min(self.over.unwrap_or(u64::MAX));
        // A year is never; further and the clock's arithmetic ends.
        self.began + Duration::from_millis(due.min(1 << 35))
    }

    pub(super) fn on_tick(&mut self) {
        let now = self.now();
        if self.over.is_some_and(|over| now >= over) {
            self.over = None;
            self.end(CloseCode::Unauthorised, "Your session is over. Sign in again.");
        }
        self.session.on_tick(now);
    }

    /// Waits for what the hub has, and takes it in. May be dropped at any point: nothing is lost. While there is
    /// nothing but to wait, the hub may write to the line by itself.
    pub(super) async fn feed(&mut self, line: Option<&Arc<dyn hub::Line>>) {
        match self.hub.next_lending(line).await {
            Ok(delivery) => self.delivered(delivery),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be served");
                self.end(CloseCode::Overload, "The log cannot be read right now.");
            }
        }
    }

    fn delivered(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Opened { group, outcomes, position } => {
                let lost =
                    self.keeps_no_view && outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Resync);
                self.session.on_opened(group, outcomes, position);
                if lost {
                    self.end(
                        CloseCode::BadCursor,
                        "The log has no such place (any more), or more was missed than was to be replayed. Begin without \
                         a cursor.",
                    );
                }
            }
            Delivery::Batch { group, batch } => self.session.on_batch(group, batch),
            Delivery::Live { group, position } => self.session.on_live(group, position),
            Delivery::Begun => {}
            Delivery::Signals(frames) => frames.into_iter().for_each(|frame| self.session.on_signal(frame)),
            Delivery::Ended(Ended::Session) => self.end(CloseCode::Unauthorised, "You have signed out."),
            Delivery::Ended(Ended::TooMany(most)) => {
                let why = format!("You have {most} connections open already. Close some first.");
                self.end(CloseCode::TooManyConnections, why);
            }
            Delivery::Ended(Ended::Drain | Ended::Closed) => {
                let spread = self.state.backend.hub().connections() * SPREAD_EACH_MS;
                self.session.drain(RESTART_MS, spread.clamp(SPREAD_MS.0, SPREAD_MS.1) as u64);
            }
        }
    }

    /// Does what the session asks for, as far as it is not for the transport.
    pub(super) async fn poll(&mut self) -> Option<Step> {
        while let Some(output) = self.session.poll() {
            match output {
                ServerOutput::Write(frames) => return Some(Step::Write(frames)),
                ServerOutput::Disconnect { code, why } => return Some(Step::Close { code, why }),
                ServerOutput::Open { group, subs } => {
                    if let Err(error) = self.hub.open(group, subs) {
                        tracing::warn!(%error, "subscriptions cannot be opened");
                        self.end(CloseCode::Overload, "The log cannot be read right now.");
                    }
                    // Said before more is heard: who only asks has to listen, too.
                    while let Some(delivery) = self.hub.ready() {
                        self.delivered(delivery);
                    }
                }
                ServerOutput::Close { sid } => self.hub.close(&sid),
                ServerOutput::Signal { subject, data } => {
                    if let Err(refused) = self.signals.send(&self.state, subject, &data).await {
                        self.session.refuse(refused.code(), refused.to_string());
                    }
                }
            }
        }
        None
    }
}
