//! `/live/sse`: the same frames as Server-Sent Events (HTML Standard, section 9.2). An event is an unnamed
//! message, so a stock `EventSource` sees events and nothing else; every other frame is a message named after
//! its kind. The cursor is each event's and each flush's id.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use backend::Caller;
use bytes::Bytes;
use domain::Epoch;
use futures::{FutureExt, stream};
use live::{Close, frames::OVER};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    stream::{Step, Stream},
    wish::{self, Reader},
};
use crate::{
    problem::Problem,
    session::Stale,
    state::AppState,
    wire::{Form, Gone, Wire},
};

/// How soon a stock client tries again by itself, in milliseconds.
const RETRY: &[u8] = b"retry: 2000\n\n";

pub(super) async fn open(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(stale): Extension<Stale>,
    Extension(wire): Extension<Arc<Wire>>,
    version: Version,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let epoch = state.backend.hub().epoch();
    // Who was told already that there is no point in trying again tries all the same; this ends it.
    if headers.get("last-event-id").is_some_and(|id| id == OVER) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let greeting = wish::read(query.as_deref(), &headers, epoch, state.settings.max_subscriptions)?;
    let reader = Reader::of(query.as_deref(), &caller);
    let stream = Stream::open(state, caller, stale, reader, greeting).await?;
    // Before HTTP/1.1 there were no chunks.
    let line = (version == Version::HTTP_11).then(|| wire.clone() as Arc<dyn hub::Line>);
    let mut blocks = Blocks::new(stream, epoch, wire, line);
    let reconnected = headers.contains_key("last-event-id");
    // Nor is there for who was cut off before it could be told.
    if blocks.begin().await == Some(Close::Stop) && reconnected {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let body = stream::unfold(blocks, |mut blocks| async { blocks.next().await.map(|next| (next, blocks)) });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// The blocks of one stream.
struct Blocks {
    stream: Stream,
    epoch: Epoch,
    wire: Arc<Wire>,
    /// The wire, if the hub may write to it.
    line: Option<Arc<dyn hub::Line>>,
    timer: Pin<Box<Sleep>>,
    /// What waits to be written: bytes that others write as well, mostly.
    blocks: VecDeque<Bytes>,
    /// Why the stream is over, once it is.
    over: Option<Close>,
}

impl Blocks {
    fn new(stream: Stream, epoch: Epoch, wire: Arc<Wire>, line: Option<Arc<dyn hub::Line>>) -> Self {
        let timer = Box::pin(sleep_until(stream.next_timer().into()));
        let blocks = [Bytes::from_static(RETRY)].into();
        wire.speak(Form::Chunks(epoch));
        Self { stream, epoch, wire, line, timer, blocks, over: None }
    }

    /// Takes what is there already. Returns why the stream is over, if it is.
    async fn begin(&mut self) -> Option<Close> {
        self.take().await;
        // The hub may have sent this connection away already.
        if self.over.is_none() && self.stream.feed(None).now_or_never().is_some() {
            self.take().await;
        }
        self.over
    }

    /// What hyper is to write next; `None` when the stream is over. Meanwhile the hub writes by itself.
    async fn next(&mut self) -> Option<Result<Bytes, Gone>> {
        loop {
            // What the hub has begun is finished first.
            if let Err(gone) = self.wire.flush().await {
                return Some(Err(gone));
            }
            if let Some(block) = self.blocks.pop_front() {
                self.wire.unsettle();
                return Some(Ok(block));
            }
            if self.over.is_some() {
                return None;
            }
            let due = Instant::from_std(self.stream.next_timer());
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            tokio::select! {
                () = self.stream.feed(self.line.as_ref()) => {}
                () = self.timer.as_mut() => self.stream.on_tick(),
            }
            self.take().await;
        }
    }

    async fn take(&mut self) {
        while let Some(step) = self.stream.poll().await {
            match step {
                Step::Write(frames) => {
                    self.blocks.extend(frames.iter().map(|frames| frames.blocks(self.epoch)));
                }
                Step::Close { code, .. } => {
                    self.over = Some(Close::of(Some(code)));
                    return;
                }
            }
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // The next answer on this connection is not an event stream.
        self.wire.speak(Form::Http);
    }
}
