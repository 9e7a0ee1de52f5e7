//! Signing in and registering: plain forms, whose answers are new pages.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::home::Personas;
use crate::context::page;

/// Where to go afterwards: what the address says, or what the refused form said.
fn next() -> String {
    use_query_map().with_untracked(|query| query.get("next")).unwrap_or_default()
}

/// Sign in.
#[component]
pub fn SignIn() -> impl IntoView {
    let page = page();
    let next = next();
    let register = if next.is_empty() { "/register".to_owned() } else { format!("/register?next={next}") };
    view! {
        <Title text="Sign in" />
        <section class="gate">
            <h1>"Sign in"</h1>
            {page
                .demo
                .then(|| {
                    view! {
                        <div class="gate-demo">
                            <p>"This is a demo. Enter as one of its people, without a password."</p>
                            <Personas />
                        </div>
                    }
                })}
            <form class="stack" method="post" action="">
                <Why command="sign-in" />
                <input type="hidden" name="_next" value=next />
                <Field
                    name="handle"
                    label="Handle"
                    autocomplete="username"
                    value=page.typed("sign-in", "handle")
                />
                <Field name="password" label="Password" kind="password" autocomplete="current-password" />
                <button type="submit" class="button">"Sign in"</button>
            </form>
            <p class="gate-other">"New here? " <a class="link" href=register>"Create an account"</a></p>
        </section>
    }
}

/// Register.
#[component]
pub fn Register() -> impl IntoView {
    let page = page();
    let next = next();
    let sign_in = if next.is_empty() { "/sign-in".to_owned() } else { format!("/sign-in?next={next}") };
    view! {
        <Title text="Create an account" />
        <section class="gate">
            <h1>"Create an account"</h1>
            <form class="stack" method="post" action="">
                <Why command="register" />
                <input type="hidden" name="_id" value=page.id("register").to_string() />
                <input type="hidden" name="_next" value=next />
                <Field
                    name="handle"
                    label="Handle"
                    autocomplete="username"
                    value=page.typed("register", "handle")
                    hint="How others find you. 2 to 24 of a–z, 0–9 and _. It cannot be changed."
                />
                <Field
                    name="name"
                    label="Name"
                    autocomplete="name"
                    value=page.typed("register", "name")
                    hint="What you are shown as. It can be changed."
                />
                <Field
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 8 characters."
                />
                <button type="submit" class="button">"Create account"</button>
            </form>
            <p class="gate-other">"Already registered? " <a class="link" href=sign_in>"Sign in"</a></p>
        </section>
    }
}

/// Why the form came back.
#[component]
fn Why(command: &'static str) -> impl IntoView {
    let why = page().refused(command).map(|refused| refused.why.clone());
    why.map(|why| view! { <div class="form-error" role="alert"><p>{why}</p></div> })
}

/// A labelled field. Uncontrolled: what is typed before the page is awake stays.
#[component]
fn Field(
    name: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] value: String,
    #[prop(optional)] hint: Option<&'static str>,
) -> impl IntoView {
    let hint_id = format!("{name}-hint");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type=kind
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                required
                value=value
                aria-describedby=hint.map(|_| hint_id.clone())
            />
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}
