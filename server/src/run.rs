//! Start, serve, drain, stop.

use std::{convert::Infallible, io, io::Write, net::SocketAddr, sync::Arc, time::Duration};

use backend::Backend;
use hub::Hub;
use leptos::config::{Env, LeptosOptions, get_configuration};
use store::Store;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::{LogFormat, Settings},
    http,
    limits::Limits,
    listen::{self, Bounds},
    presence::Presence,
    state::AppState,
    work::Work,
};

/// What keeps the server from running. Each is a sentence for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] store::OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] store::ReadError),
    /// The address is not to be had.
    #[error("cannot listen on {addr}: {why}{hint}")]
    Listen {
        /// Which address.
        addr: SocketAddr,
        /// Why not.
        why: io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// The pages are not built.
    #[error("the pages are not at {0}; run `make build` first, or set HUBBUB_SITE_ROOT")]
    NoSite(String),
    /// Something about accounts.
    #[error(transparent)]
    Account(#[from] backend::AccountError),
    /// Nobody has this handle.
    #[error("nobody here is called {0}")]
    Nobody(domain::Handle),
    /// No mail can be sent.
    #[error(transparent)]
    Mail(#[from] services::mail::BadMailSettings),
    /// As a client of a running server.
    #[error(transparent)]
    Remote(#[from] crate::remote::RemoteError),
    /// The settings of the page's build tool are damaged.
    #[error("the build tool's settings are not understood: {0}")]
    Leptos(String),
    /// Anything of the operating system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens the store, the hub and the backend.
pub(crate) async fn open(settings: &Settings) -> Result<(Store, Backend), RunError> {
    let (store, commits) = Store::open(store::Options::new(&settings.database_url)).await?;
    let options = hub::Options {
        ring_bytes: settings.ring_bytes,
        queue_bytes: settings.queue_bytes,
        connections_per_user: settings.connections_per_person,
        ..hub::Options::default()
    };
    let hub = Hub::start(store.clone(), commits, options).await?;
    let bounds = backend::Bounds {
        commands: settings.commands_per_minute,
        sign_ins: settings.handle_sign_ins_per_minute,
    };
    Ok((store.clone(), Backend::bounded(store, hub, bounds)))
}

/// Brings the database up to date.
///
/// # Errors
/// [`RunError`]
pub async fn migrate(settings: Settings) -> Result<(), RunError> {
    let (store, _) = open(&settings).await?;
    println!("The database is up to date; the log is at position {}.", store.head());
    store.close().await;
    Ok(())
}

/// Serves until it is told to stop (Ctrl-C or SIGTERM), then drains.
///
/// # Errors
/// [`RunError`]
pub async fn serve(settings: Settings) -> Result<(), RunError> {
    log(settings.log_format);
    say(&format!("Hubbub {} with these settings:\n{settings}", env!("CARGO_PKG_VERSION")));
    let server = Server::start(settings).await?;
    say(&format!("The log is at position {}.", server.store.head()));
    say(&format!("Hubbub is listening on http://{}", server.addr));
    stop_signal().await;
    say("Stopping: saying goodbye to open connections.");
    server.stop().await?;
    say("Stopped.");
    Ok(())
}

/// Tells whoever started the server. Nobody may be listening any more; that is no reason to fall over.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub addr: SocketAddr,
    store: Store,
    hub: Hub,
    work: Arc<Work>,
    drain: watch::Sender<bool>,
    patience: Duration,
    at_work: mpsc::Receiver<Infallible>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Opens the store, puts the demo data in if it is wanted, and listens.
    ///
    /// # Errors
    /// [`RunError`]
    pub async fn start(settings: Settings) -> Result<Self, RunError> {
        let leptos = leptos_options(&settings)?;
        // Before the store is opened: a second server on the same port must not touch anything.
        let listener = TcpListener::bind(settings.addr).await.map_err(|why| RunError::Listen {
            addr: settings.addr,
            hint: match why.kind() {
                io::ErrorKind::AddrInUse => ". Another program uses the port: stop it, or set HUBBUB_ADDR",
                io::ErrorKind::PermissionDenied => ". Ports below 1024 need privileges: set HUBBUB_ADDR",
                _ => "",
            },
            why,
        })?;
        let addr = listener.local_addr()?;
        let (store, backend) = open(&settings).await?;
        if settings.demo {
            backend::demo::seed(&backend).await?;
        }
        let patience = Duration::from_secs(settings.drain_seconds);
        let (drain, draining) = watch::channel(false);
        let (_at_work, at_work) = mpsc::channel(1);
        let bounds = Bounds {
            // Behind a proxy everybody comes from the proxy's address.
            per_address: if settings.trust_forwarded { 0 } else { settings.connections_per_address },
            in_all: settings.connections,
            head: Duration::from_secs(settings.request_seconds),
            stall: Duration::from_secs(settings.stall_seconds),
        };
        let hub = backend.hub().clone();
        let stopping = draining.clone();
        let presence = Presence::start(hub.clone(), Duration::from_secs(settings.presence_grace_seconds));
        let work = Arc::new(Work::start(&backend, &store, &hub, &settings)?);
        let limits = Arc::new(Limits::new(&settings));
        let settings = Arc::new(settings);
        let app = http::router(AppState {
            backend,
            settings,
            limits,
            leptos,
            presence,
            work: work.clone(),
            draining,
            _at_work,
        });
        let serving = tokio::spawn(listen::serve(listener, app, bounds, stopping));
        Ok(Self { addr, store, hub, work, drain, patience, at_work, serving })
    }

    /// Stops accepting, says goodbye to open connections, waits for them in bounded time, ends the
    /// services, and closes the store.
    ///
    /// # Errors
    /// If serving had failed before.
    pub async fn stop(mut self) -> Result<(), RunError> {
        // Every receiver may be gone already; then there is nobody to tell.
        let _ = self.drain.send(true);
        self.hub.drain();
        let served = tokio::time::timeout(self.patience, async {
            let served = (&mut self.serving).await;
            // Sockets are no requests any more: they are waited for by what they hold.
            self.at_work.recv().await;
            served
        })
        .await;
        self.work.stop().await;
        if tokio::time::timeout(self.patience, self.store.close()).await.is_err() {
            tracing::warn!("the store was not closed in time; what was acknowledged is on disk");
        }
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(panicked)) => Err(io::Error::other(panicked).into()),
            Err(_) => {
                tracing::warn!("some connections did not leave in time");
                Ok(())
            }
        }
    }
}

fn leptos_options(settings: &Settings) -> Result<LeptosOptions, RunError> {
    // `cargo leptos watch` says everything in the environment.
    if std::env::var_os("LEPTOS_OUTPUT_NAME").is_some() {
        return get_configuration(None)
            .map(|file| file.leptos_options)
            .map_err(|error| RunError::Leptos(error.to_string()));
    }
    let root = settings.site_root.display().to_string();
    if !settings.site_root.join("pkg").is_dir() {
        return Err(RunError::NoSite(root));
    }
    Ok(LeptosOptions::builder()
        .output_name("hubbub")
        .site_root(root)
        .site_pkg_dir("pkg")
        .hash_files(true)
        .env(Env::PROD)
        .build())
}

async fn stop_signal() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let term = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let term = std::future::pending::<()>();
    tokio::select! {
        () = ctrl_c => {}
        () = term => {}
    }
}

fn log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,server=info,hub=info,store=info,services=info,backend=info".into());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second logger in one process (tests) is not worth failing for.
    let _ = match format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
