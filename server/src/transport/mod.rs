//! The live protocol over real connections. The protocol itself is in `live`, the events come from `hub`;
//! here bytes move between the two and a connection.
//!
//! | module | holds |
//! |---|---|
//! | `stream` | what every transport does: one session machine, one reader of the hub, one timer |
//! | `socket` | a WebSocket on a TCP stream |
//! | `ws` | `/live/ws`: the protocol over WebSocket, and bare CloudEvents |
//! | `sse` | `/live/sse`: the same frames as Server-Sent Events |
//! | `wish` | what a client without a `hello` asks for, in the query string |
//! | `signals` | which ephemeral signals somebody may send |

mod signals;
mod socket;
mod sse;
mod stream;
mod wish;
mod ws;

use domain::Scope;
use serde_json::{Value, json};

use crate::http::call::Call;

/// The calls that open a stream, and the one for clients whose stream goes one way.
pub(crate) fn calls() -> Vec<Call> {
    let text = json!({ "type": "string" });
    let wish = |call: Call| {
        call.takes(
            "query",
            "match",
            "A pattern, for example `chat.>`; may be repeated. Without: everything.",
            text.clone(),
        )
        .takes(
            "query",
            "since",
            "The cursor (or position) to read on from. Without: from now on.",
            text.clone(),
        )
        .takes("query", "on_gap", "`replay`, or `resync:<n>`.", text.clone())
        .takes(
            "query",
            "as",
            "The user for whom a page was rendered, who is here while it is connected. If the session is another's, or \
             nobody's, the stream ends with 4010.",
            text.clone(),
        )
        .anybody(Some(Scope::Read))
        .problems(&[
            (400, "request.bad_query"),
            (400, "subscription.bad_cursor"),
            (400, "subscription.bad_on_gap"),
            (400, "subscription.bad_pattern"),
            (400, "subscription.too_many"),
            (429, "request.too_many"),
            (503, "server.closing"),
        ])
    };
    vec![
        wish(Call::get("liveSocket", "/live/ws", ws::upgrade))
            .says(
                "Live",
                "Follow the log over WebSocket",
                "The client's first frame is `hello`. With the subprotocol `cloudevents.json` it says nothing, asks \
                 in the query string, and is sent bare CloudEvents, one a message.",
            )
            .answers(101, "The socket is open.", None)
            .problems(&[(400, "live.bad_handshake"), (426, "live.upgrade_required")]),
        wish(Call::get("liveStream", "/live/sse", sse::open))
            .says(
                "Live",
                "Follow the log as Server-Sent Events",
                "Events are unnamed messages whose id is the cursor; every other frame is a message named after \
                 its kind. `Last-Event-ID` reads on from there.",
            )
            .takes("query", "hello", "The text of a `hello` frame, instead of the other parameters.", text.clone())
            .takes("header", "Last-Event-ID", "The cursor of the last message that was received.", text.clone())
            .answers(200, "A stream of events.", Some(("text/event-stream", text.clone())))
            .answers(204, "There is no point in trying again.", None)
            .problems(&[(400, "subscription.bad_hello")]),
        Call::post("sendSignal", "/live/signal", signals::post)
            .says("Live", "Send an ephemeral signal", "For clients whose stream goes one way.")
            .needs(Scope::Command)
            .body(signal(), json!({ "subject": "signal.typing.lobby.<me>", "data": { "typing": true } }))
            .answers(204, "It is on its way.", None)
            .problems(&signals::PROBLEMS),
    ]
}

fn signal() -> Value {
    json!({
        "type": "object",
        "required": ["subject", "data"],
        "properties": { "subject": { "type": "string", "pattern": "^signal\\." }, "data": {} },
    })
}
