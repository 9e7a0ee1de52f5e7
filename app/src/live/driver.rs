//! The browser's side of a [`Tab`]: at most one wire, one timer, a channel, locks, and the page's own events.
//! It decides nothing: what happens goes into the tab, and what the tab says is done.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use domain::{Actor, Pattern, Subject};
use leptos::{
    leptos_dom::helpers::{TimeoutHandle, WindowListenerHandle},
    prelude::*,
    task::spawn_local,
};
use live::{ClientConfig, OnGap, Sid, Tab, TabConfig, TabOutput, Wire};
use serde_json::value::RawValue;
use web_sys::VisibilityState;

use super::{
    State,
    clock::Clock,
    keep,
    neighbours::{self, Channel, Held},
    view::Reader,
    wire::{OpenWire, Said, post_signal},
};

/// A page that is further behind than this fetches the view again: cheaper than the events.
const RESYNC_AFTER: u32 = 1_000;

/// Is called with each signal: what about, what (as JSON), and who sent it.
pub(super) type Hear = Rc<dyn Fn(&Subject, &str, Option<&Actor>)>;

/// Owns the connection. Cheap to clone; never leaves the browser's thread.
#[derive(Clone)]
pub(super) struct Driver(pub(super) Rc<RefCell<Inner>>);

pub(super) struct Inner {
    tab: Tab,
    id: Sid,
    /// Where the tabs of the same person meet.
    place: String,
    /// Who is signed in here.
    user: Option<String>,
    pub(super) readers: HashMap<Sid, Rc<dyn Reader>>,
    pub(super) hearers: Vec<(Sid, Pattern, Hear)>,
    wire: Option<OpenWire>,
    probe: Option<OpenWire>,
    channel: Option<Channel>,
    /// Where all tabs say who looks at them.
    people: Option<Channel>,
    /// This tab's own lock: it is there.
    presence: Option<Held>,
    lead: Option<Held>,
    /// Counts the times this tab got the lead.
    leads: u64,
    timer: Option<TimeoutHandle>,
    listeners: Vec<WindowListenerHandle>,
    pub(super) state: State,
    clock: Clock,
    stopped: bool,
}

impl Inner {
    /// Milliseconds that have passed.
    fn now(&mut self) -> u64 {
        let steady = window().performance().map_or(0.0, |steady| steady.now());
        self.clock.now(steady, js_sys::Date::now())
    }
}

fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

impl Driver {
    /// `user` is who is signed in: tabs of the same person, or of nobody, share a line.
    pub(super) fn new(state: State, user: Option<String>, build: String) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
        let seed = (js_sys::Math::random() * 9.0e15) as u64;
        let id = Sid::new(format!("{:07x}", seed & 0x0fff_ffff)).expect("seven digits are a name");
        let tab = Tab::new(TabConfig {
            id: id.clone(),
            client: ClientConfig { build: (!build.is_empty()).then_some(build), ..ClientConfig::new(seed) },
            shared: neighbours::are_reachable(),
            visible: is_visible(),
            wish: keep::chosen(),
            worked: keep::worked(),
        });
        Self(Rc::new(RefCell::new(Inner {
            tab,
            id,
            // Tabs of builds that do not understand each other must not meet: change the number then.
            place: format!("hubbub-1-{}", user.as_deref().unwrap_or("visitor")),
            user,
            readers: HashMap::new(),
            hearers: Vec::new(),
            wire: None,
            probe: None,
            channel: None,
            people: None,
            presence: None,
            lead: None,
            leads: 0,
            timer: None,
            listeners: Vec::new(),
            state,
            clock: Clock::default(),
            stopped: false,
        })))
    }

    /// Listens to the page and begins to connect.
    pub(super) fn start(&self) {
        let on = |name: &'static str, react: fn(&mut Tab, u64)| {
            let driver = self.clone();
            window_event_listener_untyped(name, move |_| driver.with(react))
        };
        let listeners = vec![
            on("online", |tab, now| tab.session().on_online(now)),
            on("offline", |tab, _| tab.session().on_offline()),
            on("visibilitychange", |tab, now| tab.set_visible(is_visible(), now)),
            // A page that comes back from the browser's back-forward cache has a dead socket.
            on("pageshow", |tab, now| tab.set_visible(is_visible(), now)),
            on("storage", |tab, now| tab.set_wish(keep::chosen(), now)),
        ];
        self.0.borrow_mut().listeners = listeners;
        self.say_who();
        if neighbours::are_reachable() {
            self.meet();
        } else {
            self.connect();
        }
    }

    /// Tells the other tabs who is signed in here, and hears it when that changes: they share a cookie.
    fn say_who(&self) {
        let mut inner = self.0.borrow_mut();
        let (state, user) = (inner.state.clone(), inner.user.clone().unwrap_or_default());
        let own = user.clone();
        inner.people = Channel::open("hubbub-people", move |other| {
            state.replaced.set(other != own);
        });
        if let Some(people) = &inner.people {
            people.post(&user);
        }
    }

    /// Lets the tabs of the same person know that this one is there, then connects.
    fn meet(&self) {
        let (driver, place) = (self.clone(), self.0.borrow().place.clone());
        let channel = Channel::open(&place, move |note| driver.with(|tab, now| tab.on_note(&note, now)));
        self.0.borrow_mut().channel = channel;
        let (driver, name) = (self.clone(), self.lock_of(&self.0.borrow().id));
        spawn_local(async move {
            let there = driver.clone();
            let never = neighbours::hold(&name, false, move |held| {
                there.0.borrow_mut().presence = Some(held);
                there.connect();
            });
            if never.await {
                driver.with(|tab, _| tab.go_alone());
                driver.connect();
            }
        });
    }

    fn connect(&self) {
        self.with(|tab, now| {
            tab.start(now);
            if !window().navigator().on_line() {
                tab.session().on_offline();
            }
        });
    }

    /// Ends everything.
    pub(super) fn stop(&self) {
        let mut inner = self.0.borrow_mut();
        inner.stopped = true;
        inner.tab.session().stop();
        (inner.wire, inner.probe) = (None, None);
        (inner.channel, inner.people) = (None, None);
        for held in [inner.lead.take(), inner.presence.take()].into_iter().flatten() {
            held.release();
        }
        inner.readers.clear();
        inner.hearers.clear();
        if let Some(timer) = inner.timer.take() {
            timer.clear();
        }
        for listener in inner.listeners.drain(..) {
            listener.remove();
        }
    }

    /// Follows the log for a view.
    pub(super) fn subscribe(&self, sid: Sid, reader: Box<dyn Reader>) {
        let reader: Rc<dyn Reader> = reader.into();
        let (pattern, since) = (reader.pattern(), reader.cursor());
        self.0.borrow_mut().readers.insert(sid.clone(), reader);
        self.with(move |tab, _| {
            tab.session().subscribe(sid, pattern, Some(since), OnGap::Resync(RESYNC_AFTER));
        });
    }

    /// Hears every signal that the pattern matches.
    pub(super) fn hear(&self, sid: Sid, pattern: Pattern, hear: Hear) {
        self.0.borrow_mut().hearers.push((sid.clone(), pattern.clone(), hear));
        self.with(move |tab, _| tab.session().subscribe(sid, pattern, None, OnGap::Replay));
    }

    /// Sends a signal, if connected; else it is forgotten.
    pub(super) fn signal(&self, subject: Subject, data: Box<RawValue>) {
        self.with(move |tab, _| tab.session().signal(subject, data));
    }

    /// Ends what [`Self::subscribe`] or [`Self::hear`] began.
    pub(super) fn unsubscribe(&self, sid: &Sid) {
        self.0.borrow_mut().readers.remove(sid);
        self.0.borrow_mut().hearers.retain(|(held, ..)| held != sid);
        self.with(|tab, _| tab.session().unsubscribe(sid));
    }

    /// A person has chosen a wire, or leaves it to us.
    pub(super) fn choose(&self, wish: Option<Wire>) {
        self.with(|tab, now| tab.set_wish(wish, now));
    }

    /// Tells the tab something and does what it says.
    pub(super) fn with(&self, tell: impl FnOnce(&mut Tab, u64)) {
        let now = {
            let mut inner = self.0.borrow_mut();
            if inner.stopped {
                return;
            }
            let now = inner.now();
            tell(&mut inner.tab, now);
            now
        };
        loop {
            // Not held while the output is carried out: what that touches may come back here.
            let output = self.0.borrow_mut().tab.poll(now);
            match output {
                Some(output) => self.carry_out(output),
                None => break,
            }
        }
        self.sleep();
    }

    fn carry_out(&self, output: TabOutput) {
        match output {
            TabOutput::Open(wire, hello) => self.open(wire, &hello),
            TabOutput::Close => {
                let wire = self.0.borrow_mut().wire.take();
                drop(wire);
            }
            TabOutput::Write(text) => {
                if let Some(wire) = &self.0.borrow().wire {
                    wire.send(&text);
                }
            }
            TabOutput::Signal(text) => post_signal(&text),
            TabOutput::Probe => self.probe(),
            TabOutput::Post(note) => {
                if let Some(channel) = &self.0.borrow().channel {
                    channel.post(&note);
                }
            }
            TabOutput::Elect => self.lead(false),
            TabOutput::Steal => self.lead(true),
            TabOutput::Yield => {
                if let Some(lead) = self.0.borrow_mut().lead.take() {
                    lead.release();
                }
            }
            TabOutput::Watch(tab) => self.watch(tab),
            TabOutput::Via(wire) => {
                keep::works(wire);
                self.0.borrow().state.wire.set(wire);
            }
            TabOutput::Page(output) => self.show(output),
        }
    }

    fn open(&self, wire: Wire, hello: &str) {
        let driver = self.clone();
        let on = Box::new(move |said| match said {
            Said::Open => driver.with(Tab::on_wire_open),
            Said::Text(text) => driver.with(|tab, now| tab.on_wire_text(&text, now)),
            Said::Closed(code) => driver.closed(code),
        });
        let user = self.0.borrow().user.clone();
        let opened = match wire {
            Wire::WebSocket => OpenWire::web_socket(user.as_deref(), on),
            Wire::EventSource => OpenWire::event_source(user.as_deref(), hello, on),
        };
        match opened {
            Ok(wire) => self.0.borrow_mut().wire = Some(wire),
            Err(_) => self.later(|driver| driver.closed(None)),
        }
    }

    fn closed(&self, code: Option<u16>) {
        let wire = self.0.borrow_mut().wire.take();
        drop(wire);
        self.with(|tab, now| tab.on_wire_close(code, now));
    }

    /// Tries whether a WebSocket can be opened, and closes it at once.
    fn probe(&self) {
        let driver = self.clone();
        let tried =
            OpenWire::web_socket(None, Box::new(move |said| driver.probed(matches!(said, Said::Open))));
        match tried {
            Ok(wire) => self.0.borrow_mut().probe = Some(wire),
            Err(_) => self.later(|driver| driver.probed(false)),
        }
    }

    fn probed(&self, opened: bool) {
        let probe = self.0.borrow_mut().probe.take();
        drop(probe);
        self.with(|tab, now| tab.on_probe(opened, now));
    }

    fn lead(&self, steal: bool) {
        let (driver, place) = (self.clone(), self.0.borrow().place.clone());
        spawn_local(async move {
            let nth = Rc::new(RefCell::new(0));
            let (granted, got) = (driver.clone(), Rc::clone(&nth));
            let lost = neighbours::hold(&place, steal, move |held| {
                {
                    let mut inner = granted.0.borrow_mut();
                    if inner.stopped {
                        return held.release();
                    }
                    inner.leads += 1;
                    *got.borrow_mut() = inner.leads;
                    inner.lead = Some(held);
                }
                granted.with(|tab, now| tab.on_lead(steal, now));
            });
            // What was lost may have been taken back since.
            if lost.await && driver.0.borrow().leads == *nth.borrow() {
                driver.with(Tab::on_lead_lost);
            }
        });
    }

    fn watch(&self, tab: Sid) {
        let (driver, name) = (self.clone(), self.lock_of(&tab));
        spawn_local(async move {
            neighbours::hold(&name, false, |held| held.release()).await;
            driver.with(|own, _| own.on_tab_gone(&tab));
        });
    }

    fn lock_of(&self, tab: &Sid) -> String {
        format!("{}-{tab}", self.0.borrow().place)
    }

    /// Does something after what runs now has returned.
    fn later(&self, then: impl FnOnce(&Driver) + 'static) {
        let driver = self.clone();
        spawn_local(async move { then(&driver) });
    }

    /// Sets the timer for what the tab wants next.
    fn sleep(&self) {
        let mut inner = self.0.borrow_mut();
        if let Some(timer) = inner.timer.take() {
            timer.clear();
        }
        let Some(at) = inner.tab.next_timer() else { return };
        let wait = Duration::from_millis(at.saturating_sub(inner.now()));
        let driver = self.clone();
        inner.timer = set_timeout_with_handle(move || driver.with(Tab::on_tick), wait).ok();
    }
}
