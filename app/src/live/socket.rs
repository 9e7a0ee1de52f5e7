//! The browser's side of a [`ClientSession`]: one WebSocket at a time, one timer, and the page's own events.
//! It decides nothing: what happens goes into the session, and what the session says is done.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use domain::{Actor, Pattern, Subject};
use leptos::{
    leptos_dom::helpers::{TimeoutHandle, WindowListenerHandle},
    prelude::*,
    task::spawn_local,
};
use live::{ClientConfig, ClientOutput, ClientSession, OnGap, Sid, Status};
use serde_json::value::RawValue;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, VisibilityState, WebSocket};

use super::view::Reader;
use crate::fault::Fault;

/// A page that is further behind than this fetches the view again: cheaper than the events.
const RESYNC_AFTER: u32 = 1_000;

/// How long to wait before a view is asked for again after the server could not be reached.
const REFETCH_AFTER: Duration = Duration::from_secs(2);

/// Is called with each signal: what about, what (as JSON), and who sent it.
pub(super) type Hear = Rc<dyn Fn(&Subject, &str, Option<&Actor>)>;

/// Owns the connection. Cheap to clone; never leaves the browser's thread.
#[derive(Clone)]
pub(super) struct Driver(Rc<RefCell<Inner>>);

struct Inner {
    session: ClientSession,
    readers: HashMap<Sid, Rc<dyn Reader>>,
    hearers: Vec<(Sid, Pattern, Hear)>,
    socket: Option<Socket>,
    timer: Option<TimeoutHandle>,
    listeners: Vec<WindowListenerHandle>,
    status: ArcRwSignal<Status>,
    outdated: ArcRwSignal<bool>,
    last: u64,
}

impl Inner {
    /// Milliseconds that never go back, whatever the device's clock does.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is after 1970")]
    fn now(&mut self) -> u64 {
        self.last = self.last.max(js_sys::Date::now() as u64);
        self.last
    }
}

/// An open socket and the callbacks that live as long as it does.
struct Socket {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _text: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing a socket that is closed already is not an error worth having.
        let _ = self.socket.close();
    }
}

impl Driver {
    pub(super) fn new(status: ArcRwSignal<Status>, outdated: ArcRwSignal<bool>) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
        let seed = (js_sys::Math::random() * 9.0e15) as u64;
        Self(Rc::new(RefCell::new(Inner {
            session: ClientSession::new(ClientConfig::new(seed)),
            readers: HashMap::new(),
            hearers: Vec::new(),
            socket: None,
            timer: None,
            listeners: Vec::new(),
            status,
            outdated,
            last: 0,
        })))
    }

    /// Listens to the page and begins to connect.
    pub(super) fn start(&self) {
        let on = |name: &'static str, react: fn(&mut ClientSession, u64)| {
            let driver = self.clone();
            window_event_listener_untyped(name, move |_| driver.with(react))
        };
        let listeners = vec![
            on("online", ClientSession::on_online),
            on("offline", |session, _| session.on_offline()),
            on("visibilitychange", |session, now| {
                if document().visibility_state() == VisibilityState::Visible {
                    session.on_visible(now);
                }
            }),
            // A page that comes back from the browser's back-forward cache has a dead socket.
            on("pageshow", ClientSession::on_visible),
        ];
        self.0.borrow_mut().listeners = listeners;
        self.with(|session, now| {
            session.start(now);
            if !window().navigator().on_line() {
                session.on_offline();
            }
        });
    }

    /// Ends everything.
    pub(super) fn stop(&self) {
        let mut inner = self.0.borrow_mut();
        inner.session.stop();
        inner.socket = None;
        inner.readers.clear();
        inner.hearers.clear();
        if let Some(timer) = inner.timer.take() {
            timer.clear();
        }
        for listener in inner.listeners.drain(..) {
            listener.remove();
        }
    }

    pub(super) fn subscribe(&self, sid: Sid, reader: Box<dyn Reader>) {
        let reader: Rc<dyn Reader> = reader.into();
        let (pattern, since) = (reader.pattern(), reader.cursor());
        self.0.borrow_mut().readers.insert(sid.clone(), reader);
        self.with(move |session, _| {
            session.subscribe(sid, pattern, Some(since), OnGap::Resync(RESYNC_AFTER));
        });
    }

    /// Hears every signal that the pattern matches.
    pub(super) fn hear(&self, sid: Sid, pattern: Pattern, hear: Hear) {
        self.0.borrow_mut().hearers.push((sid.clone(), pattern.clone(), hear));
        self.with(move |session, _| session.subscribe(sid, pattern, None, OnGap::Replay));
    }

    /// Sends a signal, if connected; else it is forgotten.
    pub(super) fn signal(&self, subject: Subject, data: Box<RawValue>) {
        self.with(move |session, _| session.signal(subject, data));
    }

    /// Ends what [`Self::subscribe`] or [`Self::hear`] began.
    pub(super) fn unsubscribe(&self, sid: &Sid) {
        self.0.borrow_mut().readers.remove(sid);
        self.0.borrow_mut().hearers.retain(|(held, ..)| held != sid);
        self.with(|session, _| session.unsubscribe(sid));
    }

    /// Tells the session something and does what it says.
    fn with(&self, tell: impl FnOnce(&mut ClientSession, u64)) {
        {
            let mut inner = self.0.borrow_mut();
            let now = inner.now();
            tell(&mut inner.session, now);
        }
        loop {
            // Not held while the output is carried out: what that touches may come back here.
            let output = self.0.borrow_mut().session.poll();
            match output {
                Some(output) => self.carry_out(output),
                None => break,
            }
        }
        self.sleep();
    }

    fn carry_out(&self, output: ClientOutput) {
        match output {
            ClientOutput::Connect => self.connect(),
            ClientOutput::Disconnect => drop(self.0.borrow_mut().socket.take()),
            ClientOutput::Send(text) => {
                if let Some(open) = &self.0.borrow().socket {
                    // A socket that cannot send is about to say that it is closed.
                    let _ = open.socket.send_with_str(&text);
                }
            }
            ClientOutput::Apply { sid, event } => {
                if let Some(reader) = self.reader(&sid) {
                    match event.decode() {
                        Ok(envelope) => {
                            reader.apply(&envelope);
                            if envelope.event.kind().redacts {
                                forget_first_render();
                            }
                        }
                        // A newer server says something this page does not know: keep what is understood.
                        Err(_) => self.0.borrow().outdated.set(true),
                    }
                }
            }
            ClientOutput::Advanced { sid, cursor } => {
                if let Some(reader) = self.reader(&sid) {
                    reader.advanced(cursor);
                }
            }
            ClientOutput::Resync { sid } => self.refetch(sid),
            ClientOutput::Refused { sid: Some(sid), code, why } => {
                if let Some(reader) = self.reader(&sid) {
                    reader.gone(Fault::new(code, why));
                }
            }
            ClientOutput::Refused { sid: None, code, why } => {
                leptos::logging::warn!("live: {code}: {why}");
            }
            ClientOutput::Status(status) => self.0.borrow().status.set(status),
            ClientOutput::NewBuild(_) => self.0.borrow().outdated.set(true),
            ClientOutput::Signal { subject, data, actor } => {
                let wanted = |(_, pattern, _): &&(Sid, Pattern, Hear)| pattern.matches(&subject);
                let hearers: Vec<Hear> =
                    self.0.borrow().hearers.iter().filter(wanted).map(|(.., hear)| Rc::clone(hear)).collect();
                hearers.iter().for_each(|hear| hear(&subject, data.get(), actor.as_ref()));
            }
            ClientOutput::Live { .. } => {}
        }
    }

    fn reader(&self, sid: &Sid) -> Option<Rc<dyn Reader>> {
        self.0.borrow().readers.get(sid).cloned()
    }

    fn connect(&self) {
        let location = window().location();
        let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
        let host = location.host().unwrap_or_default();
        let Ok(socket) = WebSocket::new(&format!("{scheme}://{host}/live/ws")) else {
            return self.later(|driver| driver.with(|session, now| session.on_close(None, now)));
        };
        let driver = self.clone();
        let open = Closure::<dyn FnMut()>::new(move || driver.with(ClientSession::on_open));
        let driver = self.clone();
        let text = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                driver.with(|session, now| session.on_text(&text, now));
            }
        });
        let driver = self.clone();
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let code = event.code();
            // The callback that runs now must not be dropped by what it does.
            driver.later(move |driver| {
                driver.0.borrow_mut().socket = None;
                driver.with(|session, now| session.on_close(Some(code), now));
            });
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(text.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        self.0.borrow_mut().socket = Some(Socket { socket, _open: open, _text: text, _close: close });
    }

    /// Does something after what runs now has returned.
    fn later(&self, then: impl FnOnce(&Driver) + 'static) {
        let driver = self.clone();
        spawn_local(async move { then(&driver) });
    }

    fn refetch(&self, sid: Sid) {
        let Some(reader) = self.reader(&sid) else { return };
        let driver = self.clone();
        spawn_local(async move {
            match reader.refetch().await {
                Ok(cursor) => driver.with(|session, _| session.resynced(&sid, cursor)),
                Err(fault) if fault.on_the_way() => {
                    set_timeout(move || driver.refetch(sid), REFETCH_AFTER);
                }
                Err(fault) => {
                    driver.unsubscribe(&sid);
                    reader.gone(fault);
                }
            }
        });
    }

    /// Sets the timer for what the session wants next.
    fn sleep(&self) {
        let mut inner = self.0.borrow_mut();
        if let Some(timer) = inner.timer.take() {
            timer.clear();
        }
        let Some(at) = inner.session.next_timer() else { return };
        let wait = Duration::from_millis(at.saturating_sub(inner.now()));
        let driver = self.clone();
        inner.timer = set_timeout_with_handle(move || driver.with(ClientSession::on_tick), wait).ok();
    }
}

/// What was redacted may still stand in the data that the page was rendered with. Events are applied only
/// after the page has taken it up, so nobody needs it any more.
fn forget_first_render() {
    let scripts = document().query_selector_all("script:not([src])");
    let scripts = scripts.into_iter().flat_map(|all| (0..all.length()).filter_map(move |nth| all.item(nth)));
    for script in
        scripts.filter(|script| script.text_content().is_some_and(|t| t.contains("__RESOLVED_RESOURCES")))
    {
        if let Some(parent) = script.parent_node() {
            let _ = parent.remove_child(&script);
        }
    }
    let _ = js_sys::Reflect::set(&window(), &"__RESOLVED_RESOURCES".into(), &js_sys::Array::new());
}
