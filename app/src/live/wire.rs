//! A WebSocket or an EventSource, as the browser has it: opened, listened to, closed. What it says is handed on
//! as it comes; nothing is decided here.

use js_sys::{Array, encode_uri_component, futures::JsFuture};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CloseEvent, Event, EventSource, EventTarget, MessageEvent, RequestInit, WebSocket};

/// All that either of them says.
const SPOKEN: [&str; 11] =
    ["open", "message", "close", "error", "welcome", "subbed", "flush", "signal", "refused", "ping", "bye"];

/// What a wire says.
pub(super) enum Said {
    Open,
    Text(String),
    /// It is closed, or could not be opened. A WebSocket says a code.
    Closed(Option<u16>),
}

/// An open wire. Dropped, it is closed and says nothing more.
pub(super) struct OpenWire {
    socket: Socket,
    /// Lives as long as it may be called.
    listener: Closure<dyn FnMut(Event)>,
}

enum Socket {
    Web(WebSocket),
    Events(EventSource),
}

impl Socket {
    fn target(&self) -> &EventTarget {
        match self {
            Socket::Web(socket) => socket,
            Socket::Events(source) => source,
        }
    }
}

impl OpenWire {
    /// Begins to open a WebSocket, for a page that was rendered for this user.
    pub(super) fn web_socket(user: Option<&str>, on: Box<dyn FnMut(Said)>) -> Result<Self, JsValue> {
        let location = window().location();
        let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
        let host = location.host().unwrap_or_default();
        let user = user.map(|user| format!("?as={user}")).unwrap_or_default();
        Self::listen(Socket::Web(WebSocket::new(&format!("{scheme}://{host}/live/ws{user}"))?), on)
    }

    /// The same with server-sent events, and a `hello` in the address.
    pub(super) fn event_source(
        user: Option<&str>,
        hello: &str,
        on: Box<dyn FnMut(Said)>,
    ) -> Result<Self, JsValue> {
        let hello = String::from(encode_uri_component(hello));
        let user = user.map(|user| format!("&as={user}")).unwrap_or_default();
        Self::listen(Socket::Events(EventSource::new(&format!("/live/sse?hello={hello}{user}"))?), on)
    }

    fn listen(socket: Socket, mut on: Box<dyn FnMut(Said)>) -> Result<Self, JsValue> {
        let web = matches!(socket, Socket::Web(_));
        let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| match &*event.type_() {
            "open" => on(Said::Open),
            "close" => on(Said::Closed(Some(event.unchecked_ref::<CloseEvent>().code()))),
            // A WebSocket says `close` after it. An EventSource would try again by itself, but what to do is
            // decided elsewhere.
            "error" if web => {}
            "error" => on(Said::Closed(None)),
            _ => {
                if let Some(text) = event.unchecked_ref::<MessageEvent>().data().as_string() {
                    on(Said::Text(text));
                }
            }
        });
        for name in SPOKEN {
            socket.target().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref())?;
        }
        Ok(Self { socket, listener })
    }

    pub(super) fn send(&self, text: &str) {
        if let Socket::Web(socket) = &self.socket {
            // A socket that cannot send is about to say that it is closed.
            let _ = socket.send_with_str(text);
        }
    }
}

impl Drop for OpenWire {
    fn drop(&mut self) {
        for name in SPOKEN {
            // It was added, so it can be taken away.
            let _ = self
                .socket
                .target()
                .remove_event_listener_with_callback(name, self.listener.as_ref().unchecked_ref());
        }
        match &self.socket {
            // Closing a socket that is closed already is not an error worth having.
            Socket::Web(socket) => drop(socket.close()),
            Socket::Events(source) => source.close(),
        }
    }
}

/// Posts a signal, where the wire goes one way. It is forgotten if it does not arrive.
pub(super) fn post_signal(text: &str) {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&text.into());
    init.set_headers(&Array::of1(&Array::of2(&"content-type".into(), &"application/json".into())));
    let sent = JsFuture::from(window().fetch_with_str_and_init("/live/signal", &init));
    spawn_local(async move {
        let _ = sent.await;
    });
}
