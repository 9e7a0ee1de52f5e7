//! What becomes of what a tab's session says to the page: it is folded, fetched, heard, shown.

use std::{rc::Rc, time::Duration};

use domain::Pattern;
use leptos::{prelude::*, task::spawn_local};
use live::{ClientOutput, Sid};

use super::{
    driver::{Driver, Hear},
    view::Reader,
};
use crate::fault::Fault;

/// How long to wait before a view is asked for again after the server could not be reached.
const REFETCH_AFTER: Duration = Duration::from_secs(2);

impl Driver {
    pub(super) fn show(&self, output: ClientOutput) {
        match output {
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
                        Err(_) => self.0.borrow().state.outdated.set(true),
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
            ClientOutput::Status(status) => self.0.borrow().state.status.set(status),
            ClientOutput::NewBuild(_) => self.0.borrow().state.outdated.set(true),
            ClientOutput::Signal { subject, data, actor } => {
                let wanted = |(_, pattern, _): &&(Sid, Pattern, Hear)| pattern.matches(&subject);
                let hearers: Vec<Hear> =
                    self.0.borrow().hearers.iter().filter(wanted).map(|(.., hear)| Rc::clone(hear)).collect();
                hearers.iter().for_each(|hear| hear(&subject, data.get(), actor.as_ref()));
            }
            ClientOutput::Live { .. }
            | ClientOutput::Connect
            | ClientOutput::Send(_)
            | ClientOutput::Disconnect => {}
        }
    }

    fn reader(&self, sid: &Sid) -> Option<Rc<dyn Reader>> {
        self.0.borrow().readers.get(sid).cloned()
    }

    fn refetch(&self, sid: Sid) {
        let Some(reader) = self.reader(&sid) else { return };
        let driver = self.clone();
        spawn_local(async move {
            match reader.refetch().await {
                Ok(cursor) => driver.with(|tab, _| tab.session().resynced(&sid, cursor)),
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
