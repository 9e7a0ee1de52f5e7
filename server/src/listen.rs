//! Accepts connections and hands them to hyper, one task each. Here are the bounds that must hold before
//! anybody has said who they are: how many connections there may be, from one address and in all; how long a
//! request's head may take to arrive; how long a peer may take no byte.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{Sleep, sleep},
};
use tower::ServiceExt;

use crate::{
    limits::Address,
    problem::{PROBLEM_JSON, Problem},
    wire::Wire,
};

/// hyper's buffer for one connection: heads larger than this are refused.
const BUFFER: usize = 32 << 10;

/// What is left to the rest of the process when connections may use up the file descriptors.
const OTHER_FILES: u64 = 128;

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections from one address (one /64 network of IPv6); 0 is any number.
    pub(crate) per_address: usize,
    /// Connections in all; 0 is what the file descriptors allow.
    pub(crate) in_all: usize,
    /// How long the head of a request may take, and how long a connection may lie idle between two requests.
    pub(crate) head: Duration,
    /// How long a peer may take no byte.
    pub(crate) stall: Duration,
}

/// Serves until `draining` turns true, then lets requests under way finish and returns.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    bounds: Bounds,
    mut draining: watch::Receiver<bool>,
) {
    let places = Places::new(bounds);
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the server is gone.
            _ = draining.wait_for(|draining| *draining) => break,
        };
        // Those that are done.
        while tasks.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => {
                    let wire = Arc::new(Wire::new(stream, bounds.stall));
                    let connection = Connection { wire, place, stalled: None };
                    tasks.spawn(answer(connection, peer, bounds.head, app.clone(), draining.clone()));
                }
                // The socket's buffer is empty, so this either fits or the peer is gone.
                None => drop(stream.try_write(too_many().as_bytes())),
            },
            Err(error) => {
                // Out of file descriptors, or the peer was gone already; neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// The answer to a connection too many. Nobody has been heard, so nothing depends on the request.
fn too_many() -> String {
    let problem =
        Problem::new(503, "server.too_many_connections", "There are too many connections; try again later.");
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {PROBLEM_JSON}\r\nretry-after: 10\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn answer(
    connection: Connection,
    peer: SocketAddr,
    head: Duration,
    app: Router,
    mut draining: watch::Receiver<bool>,
) {
    let wire = connection.wire.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(wire.clone());
        app.clone().oneshot(request.map(Body::new))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut served = pin!(served);
    let done = tokio::select! {
        done = served.as_mut() => Some(done),
        // An error means that the server is gone.
        _ = draining.wait_for(|draining| *draining) => None,
    };
    let done = match done {
        Some(done) => done,
        None => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Lets the process hold as many files as the system allows, and says how many that is.
pub(crate) fn raise_file_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024)
}

/// Who holds how many connections.
struct Places {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<Address, usize>,
}

impl Places {
    fn new(mut bounds: Bounds) -> Self {
        if bounds.in_all == 0 {
            let files = raise_file_limit().saturating_sub(OTHER_FILES).max(64);
            bounds.in_all = usize::try_from(files).unwrap_or(usize::MAX);
        }
        if bounds.per_address == 0 {
            bounds.per_address = usize::MAX;
        }
        Self { bounds, taken: Arc::default() }
    }

    /// A place for one connection from this address, if there is one.
    fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = Address::new(peer);
        let mut taken = self.taken.lock().expect("no holder of this lock panics");
        let of_address = taken.of.get(&address).copied().unwrap_or_default();
        if taken.all >= self.bounds.in_all || of_address >= self.bounds.per_address {
            return None;
        }
        taken.all += 1;
        taken.of.insert(address, of_address + 1);
        Some(Place { address, taken: self.taken.clone() })
    }
}

/// One connection's place. Dropping it gives it back.
pub(crate) struct Place {
    address: Address,
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().expect("no holder of this lock panics");
        taken.all -= 1;
        if let Some(held) = taken.of.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                taken.of.remove(&self.address);
            }
        }
    }
}

/// What hyper reads from and writes to: a wire whose peer has to take a byte from time to time.
pub(crate) struct Connection {
    wire: Arc<Wire>,
    place: Place,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    /// The wire itself, for who watches over it from here on. The place is kept as long as it is served.
    pub(crate) fn into_parts(self) -> (Arc<Wire>, Place) {
        (self.wire, self.place)
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.wire.poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = self.wire.poll_write(cx, bufs) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        let stall = self.wire.stall();
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer took no byte for too long")))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper says so when it has written all that it had.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.settle();
        Poll::Ready(Ok(()))
    }

    /// The peer is told when the last who has the wire drops it, which is right after.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(per_address: usize, in_all: usize) -> Places {
        Places::new(Bounds { per_address, in_all, head: Duration::ZERO, stall: Duration::ZERO })
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = places(2, 3);
        let [a, b] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let held = [places.take(a), places.take(a)];
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(a).is_none(), "a third from one address");
        let other = places.take(b);
        assert!(other.is_some());
        assert!(places.take(b).is_none(), "a fourth in all");
        drop(held);
        assert!(places.take(a).is_some());
        drop(other);
        assert!(places.taken.lock().unwrap().of.is_empty(), "nobody is remembered who is gone");
    }
}
