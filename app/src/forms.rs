//! Plain forms that are also commands. A form carries its command's name in `_command`, its id in `_id`, and
//! the command's fields by name; a name that ends in `:n` is a number, in `:b` a truth. Without a script the
//! server reads it; with one, the page reads it the same way and sends the command itself.

use std::collections::BTreeMap;

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

/// A form whose answer is waited for: it is carried out once, however often it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Why it was refused, the last time.
    pub fault: RwSignal<Option<String>>,
    /// Whether the answer is still on its way.
    pub busy: RwSignal<bool>,
    /// The command's id until there is an answer that it was accepted.
    id: StoredValue<Option<CommandId>>,
}

impl Asking {
    /// For a form of this command, which the server may have refused before the page woke up.
    #[must_use]
    pub fn new(command: &str) -> Self {
        let refused = page().refused(command).map(|refused| refused.why.clone());
        Self { fault: RwSignal::new(refused), busy: RwSignal::new(false), id: StoredValue::new(None) }
    }

    /// Takes the form over from the server. Calls `done` with the command's id once it is accepted.
    pub fn submit(self, event: &ev::SubmitEvent, done: impl FnOnce(CommandId, HtmlFormElement) + 'static) {
        let Some((form, fields)) = submitted(event) else { return };
        event.prevent_default();
        if self.busy.get_untracked() {
            return;
        }
        let intent = match intent(&fields) {
            Ok(intent) => intent,
            Err(bad) => return self.fault.set(Some(bad.why)),
        };
        let id = self.id.get_value().unwrap_or_else(fresh_id);
        self.id.set_value(Some(id));
        self.busy.set(true);
        let button = event.submitter().and_then(|button| button.dyn_into::<HtmlElement>().ok());
        spawn_local(async move {
            let answer = calls::execute(id, &intent).await;
            let _ = self.busy.try_set(false);
            match answer {
                Ok(_) => {
                    let _ = self.id.try_set_value(None);
                    let _ = self.fault.try_set(None);
                    done(id, form);
                }
                Err(refusal) => {
                    if !refusal.on_the_way() {
                        let _ = self.id.try_set_value(None);
                    }
                    let _ = self.fault.try_set(Some(refusal.why));
                }
            }
            if let Some(button) = button {
                focus_again(button);
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
