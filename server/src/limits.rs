//! How often an address may do what costs the server something. What is bound for each person (commands, and
//! signing in as somebody) the backend counts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, Method, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use backend::{Rate, TooMany};
use domain::UserId;

use crate::{config::Settings, problem::Problem, state::AppState};

/// Who is counted: an address, or for IPv6 its network, since whoever has one address there has very many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl Address {
    pub(crate) fn new(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 64))),
        })
    }

    /// The peer's, or what the nearest proxy says it is if proxies are trusted.
    fn of(peer: Option<SocketAddr>, headers: &HeaderMap, trust_forwarded: bool) -> Self {
        let forwarded = trust_forwarded.then(|| forwarded(headers)).flatten();
        // A request that has no peer came through none: all of them are counted as one.
        Self::new(forwarded.or(peer.map(|peer| peer.ip())).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// The last address of the last `X-Forwarded-For`: what comes before it, anybody may have written.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    let with_port = || last.parse().ok().map(|address: SocketAddr| address.ip());
    last.trim_matches(['[', ']']).parse().ok().or_else(with_port)
}

impl FromRequestParts<AppState> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Ok(Self::of(peer, &parts.headers, state.settings.trust_forwarded))
    }
}

/// The bounds for each address.
pub(crate) struct Limits {
    sign_ins: Rate<Address>,
    registrations: Rate<Address>,
    streams: Rate<Address>,
    reads: Rate<Address>,
    signals: Rate<UserId>,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            sign_ins: Rate::per_minute("attempts to sign in", settings.sign_ins_per_minute),
            registrations: Rate::per_minute("new accounts", settings.registrations_per_minute),
            streams: Rate::per_minute("new connections", settings.streams_per_minute),
            reads: Rate::per_minute("requests", settings.reads_per_minute),
            signals: Rate::per_minute("signals", settings.signals_per_second.saturating_mul(60)),
        }
    }

    /// Before somebody signs in, whether it will succeed or not.
    pub(crate) fn sign_in(&self, address: &Address) -> Result<(), TooMany> {
        self.sign_ins.check(address)
    }

    /// Before somebody registers.
    pub(crate) fn register(&self, address: &Address) -> Result<(), TooMany> {
        self.registrations.check(address)
    }

    /// Before a live stream is opened.
    pub(crate) fn open_stream(&self, address: &Address) -> Result<(), TooMany> {
        self.streams.check(address)
    }

    /// Before a signal is sent without a stream, which counts its own.
    pub(crate) fn signal(&self, user: UserId) -> Result<(), TooMany> {
        self.signals.check(&user)
    }

    fn read(&self, address: &Address) -> Result<(), TooMany> {
        self.reads.check(address)
    }
}

/// Counts what is read of the API.
pub(crate) async fn count_reads(
    State(state): State<AppState>,
    address: Address,
    request: Request,
    next: Next,
) -> Response {
    match gets(&request).then(|| state.limits.read(&address)) {
        Some(Err(too_many)) => Problem::from(too_many).into_response(),
        _ => next.run(request).await,
    }
}

/// Counts live streams that are opened.
pub(crate) async fn count_streams(
    State(state): State<AppState>,
    address: Address,
    request: Request,
    next: Next,
) -> Response {
    match gets(&request).then(|| state.limits.open_stream(&address)) {
        Some(Err(too_many)) => Problem::from(too_many).into_response(),
        _ => next.run(request).await,
    }
}

fn gets(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(peer: &str, forwarded: &[&str], trust: bool) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        Address::of(peer.parse().ok(), &headers, trust).0.to_string()
    }

    #[test]
    fn a_peer_is_counted_by_its_own_address_unless_a_trusted_proxy_says_another() {
        assert_eq!(address("192.0.2.1:7", &["198.51.100.9"], false), "192.0.2.1");
        assert_eq!(address("192.0.2.1:7", &["198.51.100.9"], true), "198.51.100.9");
        // What comes first was written by whoever likes to.
        assert_eq!(address("192.0.2.1:7", &["10.0.0.1", "1.1.1.1, 198.51.100.9"], true), "198.51.100.9");
        assert_eq!(address("192.0.2.1:7", &["198.51.100.9:4711"], true), "198.51.100.9");
        assert_eq!(address("192.0.2.1:7", &["unknown"], true), "192.0.2.1");
        assert_eq!(address("", &[], true), "0.0.0.0");
    }

    #[test]
    fn all_addresses_of_a_network_of_version_6_are_one() {
        assert_eq!(address("[2001:db8:1:2:3:4:5:6]:7", &[], false), "2001:db8:1:2::");
        assert_eq!(address("192.0.2.1:7", &["[2001:db8:1:2::9]:80"], true), "2001:db8:1:2::");
        assert_eq!(address("[::ffff:192.0.2.1]:7", &[], false), "192.0.2.1");
    }
}
