//! Plain forms that are also commands. A form carries its command's name in `_command`, its id in `_id`, and
//! the command's fields by name; a name that ends in `:n` is a number, in `:b` a truth. Without a script the
//! server reads it; with one, the page reads it the same way and sends the command itself.

use std::{collections::BTreeMap, time::Duration};

use domain::{CommandId, Intent};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value};
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlElement, HtmlFormElement};

use crate::{
    calls,
    context::page,
    fault::Fault,
    outbox::fresh_id,
    ui::{dynamic, focus_again},
};

/// The two hidden fields of every command's form. `form` tells apart the forms of one page.
#[component]
pub fn CommandFields(
    /// The command's name.
    command: &'static str,
    /// What tells this form apart from the page's others.
    #[prop(into)]
    form: String,
) -> impl IntoView {
    let id: CommandId = page().id(&format!("{command} {form}"));
    view! {
        <input type="hidden" name="_command" value=command />
        <input type="hidden" name="_id" value=id.to_string() />
    }
}

/// What is said when a form was refused: next to it, and at once to whoever cannot see it.
#[component]
pub fn FormError(
    /// The element's id, for `aria-describedby`.
    #[prop(into)]
    id: String,
    /// The refusal; nothing is shown while there is none.
    #[prop(into)]
    fault: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div id=id class="form-error" role="alert">
            {dynamic(move || fault.get().map(|why| view! { <p>{why}</p> }))}
        </div>
    }
}

/// The form that was submitted and the fields it would send, including the button's.
#[must_use]
pub fn submitted(event: &ev::SubmitEvent) -> Option<(HtmlFormElement, BTreeMap<String, String>)> {
    let form: HtmlFormElement = event.target()?.dyn_into().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let mut fields: BTreeMap<String, String> = js_sys::Array::from(&data)
        .iter()
        .filter_map(|pair| {
            let pair = js_sys::Array::from(&pair);
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        })
        .collect();
    if let Some(button) = event.submitter().and_then(|button| button.dyn_into::<HtmlElement>().ok())
        && let (Some(name), Some(value)) = (button.get_attribute("name"), button.get_attribute("value"))
    {
        fields.insert(name, value);
    }
    Some((form, fields))
}

/// The command that a form's fields are.
///
/// # Errors
/// If they do not fit the command they name.
pub fn intent(fields: &BTreeMap<String, String>) -> Result<Intent, Fault> {
    let name = fields.get("_command").map(String::as_str).unwrap_or_default();
    let data: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| !name.starts_with('_'))
        .map(|(name, text)| field(name, text))
        .collect();
    Intent::parse(name, &Value::Object(data).to_string())
        .map_err(|bad| Fault::new("command.malformed", bad.to_string()))
}

fn field(name: &str, text: &str) -> (String, Value) {
    match name.split_once(':') {
        Some((name, "n")) => {
            let number = text.trim().parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
            (name.to_owned(), number)
        }
        Some((name, "b")) => (name.to_owned(), Value::from(matches!(text, "true" | "on"))),
        _ => (name.to_owned(), Value::from(text)),
    }
}

/// How long to wait before what was lost on the way is sent again.
const AGAIN: Duration = Duration::from_secs(2);

/// A form whose answer is waited for, however long that takes: what was lost on the way is sent again under the same id,
/// so it is carried out once.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Why it was refused, or has to be sent again.
    pub fault: RwSignal<Option<String>>,
    /// Whether the answer is still to come.
    pub busy: RwSignal<bool>,
}

/// A command whose answer is waited for.
struct Asked<F> {
    id: CommandId,
    intent: Intent,
    button: Option<HtmlElement>,
    done: F,
}

impl Asking {
    /// For a form of this command, which the server may have refused before the page woke up.
    #[must_use]
    pub fn new(command: &str) -> Self {
        let refused = page().refused(command).map(|refused| refused.why.clone());
        Self { fault: RwSignal::new(refused), busy: RwSignal::new(false) }
    }

    /// Takes the form over from the server. Calls `done` with the command's id once it is accepted.
    pub fn submit(self, event: &ev::SubmitEvent, done: impl FnOnce(CommandId) + 'static) {
        let Some((_, fields)) = submitted(event) else { return };
        event.prevent_default();
        if self.busy.get_untracked() {
            return;
        }
        let intent = match intent(&fields) {
            Ok(intent) => intent,
            Err(bad) => return self.fault.set(Some(bad.why)),
        };
        self.busy.set(true);
        let button = event.submitter().and_then(|button| button.dyn_into::<HtmlElement>().ok());
        self.send(Asked { id: fresh_id(), intent, button, done });
    }

    fn send<F: FnOnce(CommandId) + 'static>(self, asked: Asked<F>) {
        spawn_local(async move {
            match calls::execute(asked.id, &asked.intent).await {
                Err(fault) if fault.on_the_way() || fault.too_soon() => {
                    // Nobody waits any more once the page has gone.
                    if self.fault.try_set(Some(format!("{} Trying again…", fault.why))).is_none() {
                        set_timeout(move || self.send(asked), AGAIN);
                    }
                }
                answer => {
                    let _ = self.busy.try_set(false);
                    let _ = self.fault.try_set(answer.as_ref().err().map(|fault| fault.why.clone()));
                    if answer.is_ok() {
                        (asked.done)(asked.id);
                    }
                    if let Some(button) = asked.button {
                        focus_again(button);
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use domain::chat;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_form_is_read_as_the_command_it_names() {
        let form = fields(&[
            ("_command", "chat.open_room"),
            ("_id", "x"),
            ("room", "tea"),
            ("title", "42"),
            ("private:b", "on"),
        ]);
        let room = chat::OpenRoom { room: "tea".parse().unwrap(), title: "42".into(), private: true };
        assert_eq!(intent(&form).unwrap(), Intent::ChatOpenRoom(room));
        let form = fields(&[("_command", "chat.mark_read"), ("room", "tea"), ("upto:n", "7")]);
        assert!(matches!(intent(&form).unwrap(), Intent::ChatMarkRead(read) if read.upto.0 == 7));
    }

    #[test]
    fn a_field_that_does_not_belong_is_refused() {
        let form = fields(&[("_command", "chat.mark_read"), ("room", "tea"), ("upto:n", "soon")]);
        assert_eq!(intent(&form).unwrap_err().code, "command.malformed");
    }
}
