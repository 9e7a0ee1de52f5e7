//! The built page: whatever lies in the site's folder when the server starts. Files under `/pkg` carry a hash
//! in their name and never change; the rest is kept for a day. Precompressed files are sent as they lie on
//! disk.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderValue, Request, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::services::{ServeDir, ServeFile};

use crate::state::AppState;

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

pub(super) fn router(state: &AppState) -> Router<AppState> {
    let root = Path::new(state.leptos.site_root.as_ref());
    let entries = std::fs::read_dir(root).into_iter().flatten().filter_map(Result::ok);
    let router = entries.fold(Router::new(), |router, entry| {
        let (file, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if file.is_dir() {
            let files = ServeDir::new(file).precompressed_br().precompressed_gzip();
            router.nest_service(&format!("/{name}"), files)
        } else if name.ends_with(".br") || name.ends_with(".gz") {
            router
        } else {
            let file = ServeFile::new(file).precompressed_br().precompressed_gzip();
            router.route_service(&format!("/{name}"), file)
        }
    });
    router.layer(middleware::from_fn(cache))
}

async fn cache(request: Request<axum::body::Body>, next: Next) -> Response {
    // During development names carry no hash that changes with the content.
    let hashed = request.uri().path().starts_with("/pkg/") && !cfg!(debug_assertions);
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let value = if hashed { FOREVER } else { A_DAY };
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}
