//! The other tabs of this browser: a channel to talk to them, and locks that say who leads and who is gone.
//! A lock is free as soon as its tab is, however that ended.

use js_sys::{Function, Object, Promise, Reflect, futures::JsFuture};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{BroadcastChannel, MessageEvent};

#[wasm_bindgen]
extern "C" {
    // The locks are not stable in `web-sys` yet.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// Whether this browser lets tabs talk and lock here. Plain HTTP from elsewhere than this machine has no locks.
pub(super) fn are_reachable() -> bool {
    let has = |object: &JsValue, name: &str| Reflect::has(object, &name.into()).unwrap_or(false);
    has(&window().navigator(), "locks") && has(&window(), "BroadcastChannel")
}

/// A lock that is held.
pub(super) struct Held(Function);

impl Held {
    pub(super) fn release(&self) {
        // It resolves a promise, which cannot fail.
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}

/// Waits for a lock, or takes it from whoever has it. `granted` gets it; the lock is held until it is released.
/// Returns when it is released or lost, and whether it was lost (or never to be had).
pub(super) async fn hold(name: &str, steal: bool, granted: impl FnOnce(Held) + 'static) -> bool {
    let options = Object::new();
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&options, &"steal".into(), &steal.into());
    let granted = Closure::once_into_js(move |_: JsValue| {
        let mut release = None;
        let until = Promise::new(&mut |resolve, _| release = Some(resolve));
        if let Some(release) = release {
            granted(Held(release));
        }
        until
    });
    match request_lock(name, &options, &granted) {
        Ok(over) => JsFuture::from(over).await.is_err(),
        Err(_) => true,
    }
}

/// A channel to all other tabs that have one of this name. Dropped, it is closed.
pub(super) struct Channel {
    channel: BroadcastChannel,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    pub(super) fn open(name: &str, on: impl Fn(String) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                on(text);
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Some(Self { channel, _listener: listener })
    }

    pub(super) fn post(&self, text: &str) {
        // It fails on a closed channel only.
        let _ = self.channel.post_message(&text.into());
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
