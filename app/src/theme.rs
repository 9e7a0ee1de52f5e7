//! Light, dark, or as the system has it. Kept in a cookie, so that the server renders the right one and
//! nothing flashes, and in the browser's storage, so that other tabs follow.

use leptos::prelude::*;

const COOKIE: &str = "theme";

/// A year, in seconds.
const MAX_AGE: u32 = 31_536_000;

/// What somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Theme::System => "Same as the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    pub(crate) fn color_scheme(self) -> &'static str {
        match self {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The colour of the browser's own edge, by what the system prefers.
    pub(crate) fn ground(self, system_dark: bool) -> &'static str {
        let dark = match self {
            Theme::System => system_dark,
            Theme::Light => false,
            Theme::Dark => true,
        };
        if dark { "#0D1117" } else { "#F7F8FA" }
    }

    fn cookie(self) -> String {
        format!("{COOKIE}={}; Path=/; Max-Age={MAX_AGE}; SameSite=Lax", self.name())
    }
}

/// What the settings page's form has just chosen; otherwise what the request's cookie says.
#[cfg(feature = "ssr")]
pub(crate) fn of_this_request() -> Theme {
    use axum::http::{header, request::Parts};

    let Some(parts) = use_context::<Parts>() else { return Theme::default() };
    let kept = || {
        parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .find_map(|cookie| cookie.trim().strip_prefix("theme="))
            .and_then(Theme::parse)
    };
    just_chosen().or_else(kept).unwrap_or_default()
}

/// The cookie that keeps what the settings page's form has just chosen.
#[cfg(feature = "ssr")]
pub(crate) fn cookie_of_this_request() -> Option<String> {
    just_chosen().map(Theme::cookie)
}

#[cfg(feature = "ssr")]
fn just_chosen() -> Option<Theme> {
    let parts = use_context::<axum::http::request::Parts>()?;
    let query = parts.uri.query().filter(|_| parts.uri.path() == "/settings")?;
    query.split('&').find_map(|pair| pair.strip_prefix("theme=")).and_then(Theme::parse)
}

#[cfg(not(feature = "ssr"))]
pub(crate) fn of_this_request() -> Theme {
    Theme::default()
}

/// What the document says now. Only in the browser.
pub(crate) fn current() -> Theme {
    document()
        .document_element()
        .and_then(|html| html.get_attribute("data-theme"))
        .and_then(|name| Theme::parse(&name))
        .unwrap_or_default()
}

/// Changes it, here and on every later page. Only in the browser.
pub(crate) fn choose(theme: Theme) {
    use wasm_bindgen::JsCast;

    show(theme);
    if let Some(html) = document().dyn_ref::<web_sys::HtmlDocument>() {
        // It fails in a sandboxed frame only, and there the choice holds for this page.
        let _ = html.set_cookie(&theme.cookie());
    }
    if let Ok(Some(storage)) = window().local_storage() {
        // Storage may be full or forbidden: other tabs then follow at their next page.
        let _ = storage.set_item(COOKIE, theme.name());
    }
}

/// Follows what another tab chose. Only in the browser.
pub(crate) fn follow() {
    let listener = window_event_listener_untyped("storage", |_| {
        let kept =
            window().local_storage().ok().flatten().and_then(|storage| storage.get_item(COOKIE).ok()?);
        if let Some(theme) = kept.as_deref().and_then(Theme::parse) {
            show(theme);
        }
    });
    on_cleanup(move || listener.remove());
}

fn show(theme: Theme) {
    if let Some(html) = document().document_element() {
        // Setting an attribute fails for bad names only.
        let _ = html.set_attribute("data-theme", theme.name());
    }
    let metas = document().query_selector_all("meta[name=theme-color], meta[name=color-scheme]");
    for nth in 0..metas.as_ref().map_or(0, web_sys::NodeList::length) {
        let Some(meta) = metas.as_ref().ok().and_then(|metas| metas.item(nth)) else { continue };
        let Ok(meta) = wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(meta) else { continue };
        let content = match meta.get_attribute("media") {
            Some(media) => theme.ground(media.contains("dark")),
            None => theme.color_scheme(),
        };
        let _ = meta.set_attribute("content", content);
    }
}

/// The theme that is not shown now: what the toggle changes to. Only in the browser.
pub(crate) fn opposite() -> Theme {
    let dark = match current() {
        Theme::Dark => true,
        Theme::Light => false,
        Theme::System => window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten()
            .is_some_and(|query| query.matches()),
    };
    if dark { Theme::Light } else { Theme::Dark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_back_from_its_cookie() {
        for theme in Theme::ALL {
            let cookie = theme.cookie();
            let value = cookie.strip_prefix("theme=").and_then(|rest| rest.split(';').next()).unwrap();
            assert_eq!(Theme::parse(value), Some(theme));
        }
        assert_eq!(Theme::parse("pink"), None);
    }
}
