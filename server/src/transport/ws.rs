//! `/live/ws`: one task for each socket. With the subprotocol `cloudevents.json` it carries bare envelopes, one
//! a message, of what the query string asks for (CloudEvents, WebSockets Protocol Binding).

use std::pin::pin;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use backend::Caller;
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use live::{CloseCode, Outgoing, ServerFrame};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::{
    socket::{Received, Socket},
    stream::{Greeting, Step, Stream},
    wish::{self, Reader},
};
use crate::{listen::Connection, problem::Problem, session::Stale, state::AppState, wire::Gone};

/// The subprotocol of bare envelopes.
const CLOUD_EVENTS: &str = "cloudevents.json";

/// Which language is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// The live protocol.
    Frames,
    /// Bare envelopes, one way.
    Envelopes,
}

pub(super) async fn upgrade(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(stale): Extension<Stale>,
    mut request: Request,
) -> Result<Response, Problem> {
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Problem::new(426, "live.upgrade_required", "This address speaks WebSocket."));
    };
    let (parts, _) = request.into_parts();
    let answer = create_response(&axum::http::Request::from_parts(parts.clone(), ()))
        .map_err(|error| Problem::bad_request("live.bad_handshake", error))?;
    let mut response = answer.map(|()| Body::empty());
    let speech = if asks_for_envelopes(&parts.headers) { Speech::Envelopes } else { Speech::Frames };
    let greeting = match speech {
        Speech::Frames => Greeting::Awaited,
        Speech::Envelopes => {
            let protocol = HeaderValue::from_static(CLOUD_EVENTS);
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
            let (epoch, most) = (state.backend.hub().epoch(), state.settings.max_subscriptions);
            wish::read(parts.uri.query(), &parts.headers, epoch, most)?
        }
    };
    let reader = Reader::of(parts.uri.query(), &caller);
    let stream = Stream::open(state, caller, stale, reader, greeting).await?;
    tokio::spawn(async move {
        let socket = match upgrade.await.map(Upgraded::downcast::<TokioIo<Connection>>) {
            Ok(Ok(Parts { io, read_buf, .. })) => Socket::new(io.into_inner(), &read_buf),
            Ok(Err(_)) => return tracing::error!("a socket was accepted by somebody else"),
            Err(error) => return tracing::debug!(%error, "a socket was not opened"),
        };
        if let Err(error) = run(stream, socket, speech).await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(response.into_response())
}

fn asks_for_envelopes(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim() == CLOUD_EVENTS)
}

/// Carries what the stream and the socket say to each other, until one of them is over.
async fn run(mut stream: Stream, mut socket: Socket, speech: Speech) -> Result<(), Gone> {
    let mut timer = pin!(sleep_until(stream.next_timer().into()));
    // Bare envelopes are not what the hub would write.
    let line = (speech == Speech::Frames).then(|| socket.line());
    loop {
        while let Some(step) = stream.poll().await {
            match step {
                Step::Write(frames) => match speech {
                    Speech::Frames => socket.write(frames).await?,
                    Speech::Envelopes => write_envelopes(&mut socket, frames).await?,
                },
                Step::Close { code, why } => return socket.close(code, &why).await,
            }
        }
        let due = Instant::from_std(stream.next_timer());
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        tokio::select! {
            // What has come is read before a timer concludes that nothing has.
            biased;
            received = socket.receive() => match received? {
                Received::Text(text) if speech == Speech::Frames => stream.on_text(&text),
                Received::Text(_) => {
                    stream.end(CloseCode::BadFrame, "This socket only sends. Post commands to /api/commands.");
                }
                Received::Binary => stream.end(CloseCode::BadFrame, "Frames are text, not binary."),
                Received::Unreadable(..) if stream.is_closed() => return Ok(()),
                Received::Unreadable(code, why) => stream.end(code, why),
                Received::Closed => return Ok(()),
            },
            () = stream.feed(line.as_ref()) => socket.flush().await?,
            () = timer.as_mut() => stream.on_tick(),
        }
    }
}

/// Events as they are; of the rest only the heartbeat means something to a stock client.
async fn write_envelopes(socket: &mut Socket, frames: Vec<Outgoing>) -> Result<(), Gone> {
    if frames.iter().any(|frame| matches!(frame, Outgoing::Frame(ServerFrame::Ping))) {
        socket.ping().await?;
    }
    let events = frames.iter().flat_map(Outgoing::events);
    socket.write_each(events.map(live::Encoded::envelope)).await
}
