//! `/live/ws`: one task for each socket. It owns the socket, the session machine and the hub connection, and
//! does nothing but carry what one says to the other.

use std::time::{Duration, Instant};

use axum::{
    Extension,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
    },
    response::Response,
};
use backend::Caller;
use bytes::Bytes;
use hub::{Delivery, Ended};
use live::{Batch, CloseCode, Limits, ServerConfig, ServerOutput, ServerSession};
use uuid::Uuid;

use super::signals;
use crate::{session::Stale, state::AppState};

/// How many bytes of frames go into one WebSocket message at most, so that a slow line shows progress.
const MESSAGE_BYTES: usize = 64 << 10;

/// How often a connection to which nothing happens is told how far the log has come.
const IDLE: Duration = Duration::from_secs(1);

/// After a drain, reconnects are spread over this time, in milliseconds.
const SPREAD_MS: u64 = 3_000;

pub(super) async fn upgrade(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(stale): Extension<Stale>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_message_size(256 << 10)
        .max_frame_size(256 << 10)
        .on_upgrade(move |socket| async move {
            if let Err(error) = Driver::run(state, caller, stale, socket).await {
                tracing::debug!(%error, "a connection ended");
            }
        })
}

struct Driver {
    socket: WebSocket,
    session: ServerSession,
    hub: hub::Connection,
    state: AppState,
    caller: Caller,
    began: Instant,
}

/// Why a connection is over without a goodbye.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the socket broke: {0}")]
    Socket(#[from] axum::Error),
    #[error("the socket took no byte for too long")]
    Stalled,
    #[error(transparent)]
    Hub(#[from] hub::HubError),
}

impl Driver {
    async fn run(state: AppState, caller: Caller, stale: Stale, socket: WebSocket) -> Result<(), Gone> {
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
            signals_per_s: state.settings.signals_per_second,
            ..Limits::default()
        };
        let session = ServerSession::new(config, 0);
        let mut draining = state.draining.clone();
        let mut driver = Driver { socket, session, hub: connection, state, caller, began: Instant::now() };
        if stale.0 {
            driver.session.end(CloseCode::Unauthorised, "Your session is over. Sign in again.");
        }
        let remaining = driver.state.backend.remaining_millis(&driver.caller);
        let over = async move {
            match remaining {
                Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                None => std::future::pending().await,
            }
        };
        let mut over = std::pin::pin!(over);
        let mut idle = tokio::time::interval(IDLE);
        idle.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if driver.carry_out().await? {
                return Ok(());
            }
            let timer = driver.session.next_timer().unwrap_or_default();
            let timer = driver.began + Duration::from_millis(timer);
            tokio::select! {
                // What has come is read before a timer concludes that nothing has.
                biased;
                received = driver.socket.recv() => match received {
                    Some(Ok(message)) => driver.received(message),
                    Some(Err(error)) => driver.broken(error)?,
                    None => return Ok(()),
                },
                () = &mut over => {
                    driver.session.end(CloseCode::Unauthorised, "Your session is over. Sign in again.");
                }
                delivery = driver.hub.next() => match delivery {
                    Ok(delivery) => driver.delivered(delivery),
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be served");
                        driver.session.end(CloseCode::Overload, "The log cannot be read right now.");
                    }
                },
                _ = idle.tick() => if let Some(delivery) = driver.hub.idle() {
                    driver.delivered(delivery);
                },
                () = tokio::time::sleep_until(timer.into()) => driver.session.on_tick(driver.now()),
                Ok(_) = draining.wait_for(|draining| *draining) => {
                    driver.session.drain(500, SPREAD_MS);
                }
            }
        }
    }

    /// Milliseconds since the connection began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn received(&mut self, message: Message) {
        let now = self.now();
        match message {
            Message::Text(text) => self.session.on_text(&text, now),
            Message::Binary(_) => self.session.end(CloseCode::BadFrame, "Frames are text, not binary."),
            // The library answers pings; a close is answered by it too and ends the stream.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
        }
    }

    /// A message beyond the library's own bound is refused by name; any other fault ends the connection.
    fn broken(&mut self, error: axum::Error) -> Result<(), Gone> {
        use tokio_tungstenite::tungstenite::Error;
        match error.into_inner().downcast::<Error>().map(|error| *error) {
            Ok(Error::Capacity(error)) if !self.session.is_closed() => {
                self.session.end(CloseCode::FrameTooLarge, error.to_string());
                Ok(())
            }
            Ok(error) => Err(Gone::Socket(axum::Error::new(error))),
            Err(error) => Err(Gone::Socket(axum::Error::new(error))),
        }
    }

    fn delivered(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Opened { group, outcomes, position } => {
                self.session.on_opened(group, outcomes, position);
            }
            Delivery::Batch { group, prev, position, events } => {
                self.session.on_batch(group, Batch { prev, pos: position, events: &events });
            }
            Delivery::Live { group, position } => self.session.on_live(group, position),
            Delivery::Signals(frames) => frames.into_iter().for_each(|frame| self.session.on_signal(frame)),
            Delivery::Ended(Ended::Session) => {
                self.session.end(CloseCode::Unauthorised, "You have signed out.");
            }
            Delivery::Ended(Ended::Closed) => self.session.drain(500, SPREAD_MS),
        }
    }

    /// Does what the session asks for. Returns whether the connection is over.
    async fn carry_out(&mut self) -> Result<bool, Gone> {
        while let Some(output) = self.session.poll() {
            match output {
                ServerOutput::Write(frames) => self.write(frames).await?,
                ServerOutput::Open { group, subs } => {
                    if let Err(error) = self.hub.open(group, subs).await {
                        tracing::warn!(%error, "a subscription cannot be opened");
                        self.session.end(CloseCode::Overload, "The log cannot be read right now.");
                    }
                }
                ServerOutput::Close { sid } => self.hub.close(&sid),
                ServerOutput::Signal { subject, data } => {
                    let hub = self.state.backend.hub();
                    match signals::audience(&subject, data.get().len(), self.caller.user, hub) {
                        Ok(audience) => {
                            let actor = self.caller.user.map(domain::Actor::User);
                            let frame = live::signal_frame(subject.clone(), data, actor);
                            hub.signal(subject, audience, frame)?;
                        }
                        Err((code, why)) => self.session.refuse(code, why),
                    }
                }
                ServerOutput::Disconnect { code, why } => {
                    let close = CloseFrame { code, reason: Utf8Bytes::from(shorten(&why)) };
                    self.send(Message::Close(Some(close))).await?;
                    // Closing with input unread would reset the line, and the goodbye with it.
                    let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
                    let _ = tokio::time::timeout(IDLE, answered).await;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Writes frames, separated by newlines, in as few messages as the bound allows.
    async fn write(&mut self, frames: Vec<Bytes>) -> Result<(), Gone> {
        let mut message: Vec<u8> =
            Vec::with_capacity(frames.iter().map(|f| f.len() + 1).sum::<usize>().min(MESSAGE_BYTES));
        for frame in frames {
            if !message.is_empty() && message.len() + frame.len() > MESSAGE_BYTES {
                self.send(text(std::mem::take(&mut message))).await?;
            }
            if !message.is_empty() {
                message.push(b'\n');
            }
            message.extend_from_slice(&frame);
        }
        if !message.is_empty() {
            self.send(text(message)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        let patience = Duration::from_secs(self.state.settings.stall_seconds);
        match tokio::time::timeout(patience, self.socket.send(message)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Gone::Stalled),
        }
    }
}

fn text(bytes: Vec<u8>) -> Message {
    Message::Text(Utf8Bytes::try_from(Bytes::from(bytes)).expect("frames are JSON, which is UTF-8"))
}

/// A close frame's reason has at most 123 bytes (RFC 6455, section 5.5).
fn shorten(why: &str) -> &str {
    &why[..why.floor_char_boundary(123)]
}
