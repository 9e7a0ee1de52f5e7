//! `/live/sse`: the same frames as Server-Sent Events (HTML Standard, section 9.2). An event is an unnamed
//! message, so a stock `EventSource` sees events and nothing else; every other frame is a message named after
//! its kind. The cursor is each event's and each flush's id.

use std::{convert::Infallible, mem, pin::Pin};

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backend::Caller;
use bytes::Bytes;
use domain::{Cursor, Epoch};
use futures::{FutureExt, StreamExt, stream};
use live::{Close, Outgoing, ServerFrame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    stream::{Step, Stream},
    wish,
};
use crate::{problem::Problem, session::Stale, state::AppState};

/// How soon a stock client tries again by itself, in milliseconds.
const RETRY: &[u8] = b"retry: 2000\n\n";

pub(super) async fn open(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(stale): Extension<Stale>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let epoch = state.backend.hub().epoch();
    let greeting = wish::read(query.as_deref(), &headers, epoch)?;
    let stream = Stream::open(state, caller, stale, greeting)
        .await
        .map_err(|error| Problem::new(503, "server.closing", error.to_string()))?;
    let mut blocks = Blocks::new(stream, epoch);
    let reconnected = headers.contains_key("last-event-id");
    // Who was told already that there is no point in trying again tries all the same; this ends it.
    if blocks.begin().await == Some(Close::Stop) && reconnected {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let body = stream::unfold(blocks, |mut blocks| async { blocks.next().await.map(|text| (text, blocks)) });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body.map(Ok::<Bytes, Infallible>))).into_response())
}

/// The blocks of one stream.
struct Blocks {
    stream: Stream,
    epoch: Epoch,
    timer: Pin<Box<Sleep>>,
    /// What waits to be written.
    text: Vec<u8>,
    /// Why the stream is over, once it is.
    over: Option<Close>,
}

impl Blocks {
    fn new(stream: Stream, epoch: Epoch) -> Self {
        let timer = Box::pin(sleep_until(stream.next_timer().into()));
        Self { stream, epoch, timer, text: RETRY.to_vec(), over: None }
    }

    /// Takes what is there already. Returns why the stream is over, if it is.
    async fn begin(&mut self) -> Option<Close> {
        self.take().await;
        // The hub may have sent this connection away already.
        if self.over.is_none() && self.stream.feed().now_or_never().is_some() {
            self.take().await;
        }
        self.over
    }

    /// The text to be written next; `None` when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.text.is_empty() {
                return Some(mem::take(&mut self.text).into());
            }
            if self.over.is_some() {
                return None;
            }
            let due = Instant::from_std(self.stream.next_timer());
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            tokio::select! {
                () = self.stream.feed() => {}
                () = self.timer.as_mut() => self.stream.on_tick(),
            }
            self.take().await;
        }
    }

    async fn take(&mut self) {
        while let Some(step) = self.stream.poll().await {
            match step {
                Step::Write(frames) => {
                    frames.iter().for_each(|frame| write_block(frame, self.epoch, &mut self.text));
                }
                Step::Close { code, .. } => {
                    self.over = Some(Close::of(Some(code)));
                    return;
                }
            }
        }
    }
}

/// Appends each frame as a block. Frames are JSON on one line, so each is one `data:`.
fn write_block(frame: &Outgoing, epoch: Epoch, text: &mut Vec<u8>) {
    let (name, cursor) = match frame {
        Outgoing::Events(events) => {
            return events.iter().for_each(|event| text.extend_from_slice(&event.block()));
        }
        Outgoing::Signal(_) => ("signal", None),
        Outgoing::Frame(ServerFrame::Flush(flush)) => ("flush", Some(Cursor { epoch, position: flush.pos })),
        Outgoing::Frame(frame) => (frame.kind(), None),
    };
    text.extend_from_slice(b"event: ");
    text.extend_from_slice(name.as_bytes());
    if let Some(cursor) = cursor {
        text.extend_from_slice(format!("\nid: {cursor}").as_bytes());
    }
    text.extend_from_slice(b"\ndata: ");
    frame.lines_into(text);
    text.push(b'\n');
}
