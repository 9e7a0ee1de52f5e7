//! Where somebody is signed in, and the tokens they have given to programs: to look at, to revoke, and to make
//! another one. Plain forms, whose answers are new pages.

use domain::{Scope, account::Session};
use leptos::{either::Either, html, prelude::*, task::spawn_local};

use crate::{
    calls, clock,
    context::{Issued, page},
    fault::Fault,
    forms::CommandFields,
    ui::{Announcer, dynamic},
};

/// What the form that makes a token is called; it is no command of the contract.
pub const TOKEN: &str = "token";

/// For how many days a token can be made to last.
const LIFETIMES: [(&str, &str); 4] =
    [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "A year")];

/// Sessions and tokens of whoever looks.
#[component]
pub fn Sessions() -> impl IntoView {
    let sessions = Resource::new_blocking(|| (), |()| calls::sessions());
    view! {
        <Suspense>
            {move || Suspend::new(async move { view! { <Lists sessions=sessions.await /> } })}
        </Suspense>
    }
}

#[component]
fn Lists(sessions: Result<Vec<Session>, Fault>) -> impl IntoView {
    let sessions = match sessions {
        Ok(sessions) => sessions,
        Err(fault) => {
            return Either::Left(view! {
                <section class="card stack">
                    <h2>"Sessions and tokens"</h2>
                    <div class="form-error" role="alert"><p>{fault.why}</p></div>
                    <a class="button quiet" href="/settings" rel="external">"Try again"</a>
                </section>
            });
        }
    };
    let (tokens, browsers): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.name.is_some());
    let refused = page().refused("account.end_session").map(|refused| refused.why.clone());
    Either::Right(view! {
        <section class="card stack">
            <h2>"Signed in"</h2>
            {refused.map(|why| view! { <div class="form-error" role="alert"><p>{why}</p></div> })}
            <List sessions=browsers />
        </section>
        <section class="card stack" id="tokens">
            <h2>"Tokens"</h2>
            <p class="hint">
                "A token lets a program act for you, as far as you say. Treat it like a password: whoever has it may use it."
            </p>
            {page().issued.clone().map(|issued| view! { <Secret issued /> })}
            {if tokens.is_empty() {
                Either::Left(view! { <p class="muted">"You have not made any."</p> })
            } else {
                Either::Right(view! { <List sessions=tokens /> })
            }}
            <NewToken />
        </section>
    })
}

#[component]
fn List(sessions: Vec<Session>) -> impl IntoView {
    view! {
        <ul class="session-list">
            {sessions.into_iter().map(|session| view! { <Entry session /> }).collect_view()}
        </ul>
    }
}

/// One session or token, and how to end it. Ending asks once more, with or without a script.
#[component]
fn Entry(session: Session) -> impl IntoView {
    let user = page().viewer.as_ref().map(|person| person.user.to_string()).unwrap_or_default();
    let Session { id, name, scopes, created, expires, current } = session;
    let (title, ends, surely, yes) = match &name {
        Some(name) => (
            name.clone(),
            format!("Revoke {name}"),
            "Whatever uses this token stops working at once.",
            "Yes, revoke it",
        ),
        None => (
            "Browser".to_owned(),
            "End this session".to_owned(),
            "It is signed out there at once.",
            "Yes, end it",
        ),
    };
    let may = name.is_some().then(|| {
        let names: Vec<&str> = scopes.iter().map(Scope::name).collect();
        view! { <span class="scopes">{names.join(", ")}</span> }
    });
    let awake = clock::awake();
    let day = move |at| clock::long_day(&clock::shown(at, awake.get()).day);
    let time = move |at| clock::shown(at, awake.get()).clock;
    view! {
        <li class="session">
            <div class="session-what">
                <p class="session-name">
                    {title} {current.then(|| view! { <span class="muted">" (this one)"</span> })} {may}
                </p>
                <p class="hint">
                    {dynamic(move || {
                        format!("Since {}, {}; until {}", day(created), time(created), day(expires))
                    })}
                </p>
            </div>
            {(!current)
                .then(|| {
                    view! {
                        <details class="surely">
                            <summary class="button quiet small" aria-label=ends.clone()>
                                {if name.is_some() { "Revoke" } else { "End" }}
                            </summary>
                            <form method="post" action="/settings">
                                <CommandFields command="account.end_session" form=id.to_string() />
                                <input type="hidden" name="user" value=user />
                                <input type="hidden" name="session" value=id.to_string() />
                                <p class="hint">{surely}</p>
                                <button type="submit" class="button danger small">{yes}</button>
                            </form>
                        </details>
                    }
                })}
        </li>
    }
}

/// A token that was made just now: the only time its secret is shown.
#[component]
fn Secret(issued: Issued) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let copied = RwSignal::new(false);
    let announcer = use_context::<Announcer>().unwrap_or_default();
    let copy = move |_| {
        let Some(field) = field.get_untracked() else { return };
        field.select();
        // Where a page may not write to the clipboard, the text is selected for the person to copy.
        if !window().is_secure_context() {
            return;
        }
        let announcer = announcer.clone();
        let written = window().navigator().clipboard().write_text(&field.value());
        spawn_local(async move {
            if wasm_bindgen_futures::JsFuture::from(written).await.is_ok() {
                let _ = copied.try_set(true);
                announcer.say("Copied");
            }
        });
    };
    view! {
        <div class="secret" role="status">
            <p>
                <label for="secret">{format!("The token “{}”", issued.name)}</label>
            </p>
            <div class="secret-row">
                <input id="secret" type="text" readonly autocomplete="off" value=issued.secret node_ref=field />
                <button type="button" class="button awake-only" on:click=copy>
                    {dynamic(move || if copied.get() { "Copied" } else { "Copy" })}
                </button>
            </div>
            <p class="hint">"Copy it now: it is not shown again."</p>
        </div>
    }
}

/// Makes a token.
#[component]
fn NewToken() -> impl IntoView {
    let page = page();
    let refused = page.refused(TOKEN);
    let why = refused.map(|refused| refused.why.clone());
    let open = refused.is_some();
    let asked = |scope: Scope| match refused {
        Some(refused) => refused.values.contains_key(scope.name()),
        None => scope == Scope::Read,
    };
    let days = match page.typed(TOKEN, "days") {
        days if days.is_empty() => "90".to_owned(),
        days => days,
    };
    view! {
        <details class="new-token" open=open>
            <summary class="button quiet">"New token"</summary>
            <form class="stack" method="post" action="/settings">
                {why.map(|why| view! { <div class="form-error" role="alert"><p>{why}</p></div> })}
                <CommandFields command=TOKEN form="settings" />
                <div class="field">
                    <label for="token-name">"What is it for?"</label>
                    <input
                        id="token-name"
                        name="name"
                        type="text"
                        autocomplete="off"
                        required
                        maxlength="40"
                        value=page.typed(TOKEN, "name")
                    />
                </div>
                <fieldset class="choices">
                    <legend>"It may"</legend>
                    {Scope::FOR_TOKENS
                        .into_iter()
                        .map(|scope| {
                            view! {
                                <label class="choice">
                                    <input
                                        type="checkbox"
                                        name=scope.name()
                                        value="on"
                                        checked=asked(scope)
                                    />
                                    <span>{scope.meaning()} " " <code class="muted">{scope.name()}</code></span>
                                </label>
                            }
                        })
                        .collect_view()}
                </fieldset>
                <div class="field">
                    <label for="token-days">"It lasts"</label>
                    <select id="token-days" name="days">
                        {LIFETIMES
                            .into_iter()
                            .map(|(value, label)| {
                                view! { <option value=value selected=value == days>{label}</option> }
                            })
                            .collect_view()}
                    </select>
                </div>
                <button type="submit" class="button">"Make token"</button>
            </form>
        </details>
    }
}
