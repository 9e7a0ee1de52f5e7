//! The pages: rendered whole by Leptos, so that they can be read and used before any script has run. Every
//! page also takes the posts of its own forms.

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use backend::Caller;
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, generate_route_list};

use super::forms;
use crate::{problem::Problem, state::AppState};

pub(super) fn router(_: &AppState) -> Router<AppState> {
    let mut router = Router::new()
        .route("/enter/{handle}", post(forms::enter))
        .route("/sign-out", post(forms::sign_out))
        .route("/fn/{*name}", post(server_function));
    for route in generate_route_list(app::App) {
        let path = AxumRouteListing::path(&route);
        router = match path {
            "/sign-in" => router.route(path, get(page).post(forms::sign_in)),
            "/register" => router.route(path, get(page).post(forms::register)),
            "/settings" => router.route(path, get(page).post(forms::settings)),
            _ => router.route(path, get(page).post(forms::command)),
        };
    }
    router.fallback(page)
}

async fn page(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    render(&state, &caller, request, Answer::Page).await
}

/// What a page is the answer to.
#[derive(Clone)]
pub(super) enum Answer {
    /// A question for the page, or for something on it.
    Page,
    /// A form that was refused, with this status.
    Refused(StatusCode, app::Refused),
    /// A form that made a token.
    Issued(app::Issued),
}

/// What every page and server function finds in its context.
async fn context(
    state: &AppState,
    caller: &Caller,
    answer: Answer,
) -> Result<impl Fn() + Clone + Send + Sync + 'static, Problem> {
    let person = state.backend.person(caller).await?;
    let (backend, caller, demo) = (state.backend.clone(), caller.clone(), state.settings.demo);
    Ok(move || {
        provide_context(backend.clone());
        provide_context(caller.clone());
        provide_context(app::Viewer(person.clone()));
        provide_context(app::Demo(demo));
        provide_context(app::Build(env!("BUILD_ID")));
        match answer.clone() {
            Answer::Page => {}
            Answer::Refused(_, refused) => provide_context(refused),
            Answer::Issued(issued) => provide_context(issued),
        }
    })
}

/// The page at the request's path.
pub(super) async fn render(state: &AppState, caller: &Caller, request: Request, answer: Answer) -> Response {
    let status = match &answer {
        Answer::Refused(status, _) => Some(*status),
        Answer::Page | Answer::Issued(_) => None,
    };
    let context = match context(state, caller, answer).await {
        Ok(context) => context,
        Err(problem) => return problem.into_response(),
    };
    let cart = match caller.user {
        Some(_) => match state.backend.cart(caller).await {
            Ok(cart) => Some(cart),
            Err(error) => return Problem::from(error).into_response(),
        },
        None => None,
    };
    let context = move || {
        context();
        provide_context(app::InCart(cart.clone()));
    };
    let options = state.leptos.clone();
    let shell = move || app::shell(options.clone());
    let mut response = leptos_axum::render_app_async_with_context(context, shell)(request).await;
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    response
}

async fn server_function(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Response {
    match context(&state, &caller, Answer::Page).await {
        Ok(context) => leptos_axum::handle_server_fns_with_context(context, request).await.into_response(),
        Err(problem) => problem.into_response(),
    }
}
