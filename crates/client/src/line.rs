//! One socket after another: being opened, open, or none. Everything is polled, so that nothing is lost when the
//! caller turns to something else in between.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use futures::{FutureExt, Sink, Stream, future::BoxFuture};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::address::Address;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What has become of the connection.
pub(crate) enum Line {
    None,
    Opening(BoxFuture<'static, Result<Socket, Error>>),
    Open(Box<Open>),
}

/// An open socket and what waits to be sent.
pub(crate) struct Open {
    socket: Socket,
    waiting: VecDeque<String>,
    unflushed: bool,
}

/// What the socket says.
pub(crate) enum Happening {
    Opened,
    Text(Utf8Bytes),
    /// With the close code if one came.
    Closed(Option<u16>),
    NotOpened {
        status: Option<u16>,
        why: String,
    },
}

impl Line {
    /// Begins to open a socket.
    pub(crate) fn open(address: &Address) -> Self {
        if address.request.uri().scheme_str() == Some("wss") {
            // Somebody else may have chosen one for the whole process; that is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let request = address.request.clone();
        // The library's own buffer of 128 KiB is too much for a thousand clients in one process.
        let config = WebSocketConfig::default().read_buffer_size(16 << 10);
        let opened = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        Line::Opening(async { opened.await.map(|(socket, _)| socket) }.boxed())
    }

    /// Sends a text when the socket can take it.
    pub(crate) fn send(&mut self, text: String) {
        if let Line::Open(open) = self {
            open.waiting.push_back(text);
        }
    }

    /// What happens next. Pending for ever without a socket.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        let happening = match self {
            Line::None => return Poll::Pending,
            Line::Opening(opened) => match std::task::ready!(opened.poll_unpin(context)) {
                Ok(socket) => {
                    *self = Line::Open(Box::new(Open { socket, waiting: VecDeque::new(), unflushed: false }));
                    return Poll::Ready(Happening::Opened);
                }
                Err(error) => refused(&error),
            },
            Line::Open(open) => match std::task::ready!(open.poll(context)) {
                Ok(text) => return Poll::Ready(Happening::Text(text)),
                Err(code) => Happening::Closed(code),
            },
        };
        *self = Line::None;
        Poll::Ready(happening)
    }
}

impl Open {
    /// Writes what waits, then reads. An error is the end, with the close code if one came.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Option<u16>>> {
        self.poll_write(context).map_err(|_| None)?;
        loop {
            match std::task::ready!(std::pin::pin!(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Ok(text)),
                Some(Ok(Message::Close(frame))) => {
                    return Poll::Ready(Err(frame.map(|frame| frame.code.into())));
                }
                // The library answers pings by itself.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(Err(None)),
            }
        }
    }

    /// Writes as much as the socket takes. What it does not take yet is no reason to wait.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        let mut socket = std::pin::pin!(&mut self.socket);
        while !self.waiting.is_empty() {
            match socket.as_mut().poll_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(()),
            }
            if let Some(text) = self.waiting.pop_front() {
                socket.as_mut().start_send(Message::text(text))?;
                self.unflushed = true;
            }
        }
        if self.unflushed
            && let Poll::Ready(flushed) = socket.as_mut().poll_flush(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }
}

fn refused(error: &Error) -> Happening {
    match error {
        Error::Http(answer) => {
            let status = answer.status();
            let detail = answer.body().as_ref().and_then(|body| problem(body));
            let why = detail.unwrap_or_else(|| format!("The server answered {status}."));
            Happening::NotOpened { status: Some(status.as_u16()), why }
        }
        error => Happening::NotOpened { status: None, why: error.to_string() },
    }
}

/// The sentence of a problem+json answer.
fn problem(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    problem["detail"].as_str().map(str::to_owned)
}
