//! A TCP relay that cuts: what goes to the client ends after a given byte, in the middle of whatever it is.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// One client's way to the server. It ends when this is dropped; connections that are open then go on.
pub struct Relay {
    /// Where the client connects.
    pub addr: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    target: watch::Receiver<SocketAddr>,
    left: Mutex<Option<usize>>,
    cuts: AtomicUsize,
}

impl Relay {
    /// Relays to wherever the server is now.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(target: watch::Receiver<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State { target, left: Mutex::new(None), cuts: AtomicUsize::new(0) });
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(shared.clone().carry(client));
            }
        });
        Ok(Self { addr, state, accepting })
    }

    /// Cuts the connection after so many more bytes have gone to the client.
    pub fn cut_after(&self, bytes: usize) {
        *self.state.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// How often it has cut.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    /// Carries bytes both ways until either side ends or it is time to cut.
    async fn carry(self: Arc<Self>, client: TcpStream) -> io::Result<()> {
        let target = *self.target.borrow();
        let server = TcpStream::connect(target).await?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        tokio::select! {
            up = tokio::io::copy(&mut from_client, &mut to_server) => up.map(|_| ()),
            down = self.down(&mut from_server, &mut to_client) => down,
        }
    }

    async fn down(&self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut buffer = vec![0; 8 << 10];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            let may = self.take(read);
            to.write_all(&buffer[..may.unwrap_or(read)]).await?;
            if may.is_some() {
                self.cuts.fetch_add(1, Relaxed);
                return Ok(());
            }
        }
    }

    /// How many of these bytes may still go before the cut; None without a cut.
    fn take(&self, read: usize) -> Option<usize> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match *left {
            Some(bytes) if bytes <= read => left.take(),
            Some(bytes) => {
                *left = Some(bytes - read);
                None
            }
            None => None,
        }
    }
}
