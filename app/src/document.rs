//! The HTML document around the app, and the policy that says what may run in it.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::{root::App, theme};

/// The document. Rendered by the server only.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = theme::of_this_request();
    headers(&options);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.name()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content=theme.color_scheme() />
                {theme_color("(prefers-color-scheme: light)", theme.ground(false))}
                {theme_color("(prefers-color-scheme: dark)", theme.ground(true))}
                <meta
                    name="description"
                    content="Hubbub is a small shop’s live floor: rooms to talk in, and every event as it happens."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <link
                    rel="preload"
                    href="/fonts/inter-latin-var.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin="anonymous"
                />
                <HashedStylesheet options=options.clone() id="leptos" />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The colour of the browser's own edge.
fn theme_color(media: &'static str, color: &'static str) -> impl IntoView {
    use leptos::attr::custom::CustomAttribute;
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

#[cfg(feature = "ssr")]
fn headers(options: &LeptosOptions) {
    use axum::http::{HeaderValue, header};
    use leptos::{context::use_context, nonce::use_nonce};
    use leptos_axum::ResponseOptions;

    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    // While `cargo leptos watch` runs, the page also listens for new builds.
    let watch = std::env::var_os("LEPTOS_WATCH").map_or_else(String::new, |_| {
        let port = options.reload_port;
        format!(" ws://127.0.0.1:{port} ws://localhost:{port}")
    });
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{watch}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    if let Some(cookie) =
        theme::cookie_of_this_request().and_then(|cookie| HeaderValue::from_str(&cookie).ok())
    {
        response.append_header(header::SET_COOKIE, cookie);
    }
    // A page is one person's, and as old as its snapshot.
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

#[cfg(not(feature = "ssr"))]
fn headers(_: &LeptosOptions) {}
