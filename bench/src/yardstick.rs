//! What we are measured beside: the chat server of axum's examples, one `tokio::sync::broadcast` channel and a task
//! for each connection, at its best: a text is turned into a frame once and shared between its receivers. It
//! has no log, no subscriptions, no audiences, and a slow reader loses texts.

use std::convert::Infallible;

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::{
        Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures::{Stream, stream};
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, Receiver, Sender, error::RecvError},
};

use crate::Failure;

/// How many texts a receiver may be behind before it loses some.
const CAPACITY: usize = 1024;

/// Serves on a free port until it is killed, and says where on the first line of standard output.
pub(crate) async fn serve() -> Result<(), Failure> {
    let (texts, _) = broadcast::channel::<Utf8Bytes>(CAPACITY);
    let app = Router::new()
        .route("/say", post(|State(texts): State<Sender<_>>, body: String| async move { say(&texts, body) }))
        .route("/ws", get(|State(texts): State<Sender<_>>, upgrade| async move { socket(&texts, upgrade) }))
        .route("/sse", get(|State(texts): State<Sender<_>>| async move { events(texts.subscribe()) }))
        .with_state(texts);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("The yardstick is listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

fn say(texts: &Sender<Utf8Bytes>, body: String) -> &'static str {
    // Nobody may be listening yet.
    let _ = texts.send(body.into());
    "ok"
}

fn socket(texts: &Sender<Utf8Bytes>, upgrade: WebSocketUpgrade) -> Response {
    let texts = texts.subscribe();
    upgrade.on_upgrade(|socket| send_all(socket, texts))
}

async fn send_all(mut socket: WebSocket, mut texts: Receiver<Utf8Bytes>) {
    loop {
        match texts.recv().await {
            Ok(text) => {
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn events(texts: Receiver<Utf8Bytes>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(texts, |mut texts| async move {
        loop {
            match texts.recv().await {
                Ok(text) => return Some((Ok(Event::default().data(text.as_str())), texts)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
