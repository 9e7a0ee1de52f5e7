//! Where a server is: what people write, turned into the request that opens a socket.

use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest,
    handshake::client::Request,
    http::{HeaderValue, header::AUTHORIZATION},
};
use url::Url;

/// Why nothing can be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not `http://host:port` or `https://…`.
    #[error("{0:?} is not the address of a server; it looks like http://127.0.0.1:3000")]
    Url(String),
    /// A token holds what no header can.
    #[error("the token holds characters that no token has")]
    Token,
}

/// A request that can be sent any number of times.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) request: Request,
}

impl Address {
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, BadAddress> {
        let bad = || BadAddress::Url(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| bad())?;
        let scheme = match parsed.scheme() {
            "http" => "ws",
            "https" => "wss",
            _ => return Err(bad()),
        };
        let (host, path) = (parsed.host_str().ok_or_else(bad)?, parsed.path().trim_end_matches('/'));
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut request =
            format!("{scheme}://{host}{port}{path}/live/ws").into_client_request().map_err(|_| bad())?;
        if let Some(token) = token {
            let mut bearer =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| BadAddress::Token)?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        Ok(Self { request })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_becomes_the_address_of_the_socket() {
        for (written, meant) in [
            ("http://127.0.0.1:3000", "ws://127.0.0.1:3000/live/ws"),
            ("http://[::1]:3000/", "ws://[::1]:3000/live/ws"),
            ("https://hub.example", "wss://hub.example/live/ws"),
            ("https://example.com/hub/", "wss://example.com/hub/live/ws"),
        ] {
            let address = Address::new(written, Some("t")).unwrap();
            assert_eq!(address.request.uri().to_string(), meant);
            assert_eq!(address.request.headers()[AUTHORIZATION], "Bearer t");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for bad in ["", "localhost:3000", "ftp://x", "ws://x", "http://"] {
            assert_eq!(Address::new(bad, None).unwrap_err(), BadAddress::Url(bad.into()), "{bad:?}");
        }
        assert_eq!(Address::new("http://x", Some("a\nb")).unwrap_err(), BadAddress::Token);
    }
}
