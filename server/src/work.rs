//! What is at work beside the server: the services and the stored projections, and couriers in demo mode.

use std::time::Duration;

use backend::{Backend, Outside};
use domain::{Cents, Position, ServiceName};
use hub::Hub;
use services::{
    Faults, ProjectionStatus, Projections, Retry, Runtime, State, Status,
    courier::{self, Report},
    mail::BadMailSettings,
};
use store::{Letter, LetterStatus, ReadError, Store};
use tokio::task::AbortHandle;

use crate::config::Settings;

/// All of it.
pub(crate) struct Work {
    store: Store,
    services: Runtime,
    projections: Projections,
    couriers: Option<AbortHandle>,
}

impl Work {
    /// Starts everything, each from where it stands.
    ///
    /// # Errors
    /// If no mail can be sent with these settings.
    pub(crate) fn start(
        backend: &Backend,
        store: &Store,
        hub: &Hub,
        settings: &Settings,
    ) -> Result<Self, BadMailSettings> {
        let bounds = services::Settings {
            retry: Retry { attempts: settings.service_attempts, ..Retry::default() },
            timeout: Duration::from_secs(settings.service_seconds),
            stuck_after: Duration::from_secs(settings.service_stuck_seconds),
            keep_handlings: settings.keep_handlings,
            keep_commands: settings.keep_service_commands,
            stop_within: Duration::from_secs(settings.drain_seconds),
            ..services::Settings::default()
        };
        let credit = Cents(settings.welcome_cents);
        let mut all = services::order_flow(&Faults::default());
        all.extend(services::hospitality(credit, &settings.mail(), bounds.clock.clone())?);
        backend.know_services(all.iter().map(|service| service.name().clone()).collect());
        Ok(Self {
            store: store.clone(),
            services: Runtime::start(store.clone(), hub, all, bounds),
            projections: Projections::start(store.clone(), hub, services::projections()),
            couriers: settings.demo.then(|| {
                let pace = Duration::from_millis(settings.courier_pace_ms);
                tokio::spawn(carry(backend.clone(), store.clone(), hub.clone(), pace)).abort_handle()
            }),
        })
    }

    /// The services that are behind and do not move.
    pub(crate) fn stuck(&self) -> Vec<String> {
        let stuck = self.services.status().into_iter().filter(|status| status.state == State::Stuck);
        stuck.map(|status| status.service.to_string()).collect()
    }

    /// How all of them are getting on.
    pub(crate) fn status(&self) -> (Vec<Status>, Vec<ProjectionStatus>) {
        (self.services.status(), self.projections.status())
    }

    /// What a service has put aside, at most `max`, in the order of the log; nothing if there is no such service.
    pub(crate) async fn letters(
        &self,
        service: &str,
        status: LetterStatus,
        max: usize,
    ) -> Option<Result<Vec<Letter>, ReadError>> {
        self.services.status().iter().find(|one| one.service.as_str() == service)?;
        Some(self.store.letters(Some(service), status, max).await)
    }

    /// How far the log has come.
    pub(crate) fn head(&self) -> Position {
        self.store.head()
    }

    /// The stored projections, to be asked.
    pub(crate) fn projections(&self) -> &Projections {
        &self.projections
    }

    /// Folds a projection anew. Whether there is such a one.
    pub(crate) fn rebuild(&self, projection: &str) -> bool {
        ServiceName::new(projection).is_ok_and(|name| self.projections.rebuild(&name))
    }

    /// Lets the services finish what they commit, in bounded time, and ends everything.
    pub(crate) async fn stop(&self) {
        if let Some(couriers) = &self.couriers {
            couriers.abort();
        }
        self.services.stop().await;
        self.projections.stop().await;
    }
}

/// Couriers for a demo, who report what they carry as any device outside does. They may be cut off anywhere.
async fn carry(backend: Backend, store: Store, hub: Hub, pace: Duration) {
    let send = |Report { id, kind, data }: Report| {
        let outside =
            Outside { source: courier::SOURCE.into(), id, kind: kind.into(), data: data.to_string() };
        let backend = backend.clone();
        async move { backend.ingest(&outside).await.map(drop).map_err(|error| error.to_string()) }
    };
    courier::run(store, hub.follow(), pace, send).await;
}
