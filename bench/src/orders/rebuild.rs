//! Folding a stored projection anew over the log of a server that is stopped.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use domain::{Event, Position};
use hub::Hub;
use services::{Projection, Projections, Stored, order_list::OrderList};
use store::{Filter, Options, Store};

use crate::{Failure, process::Usage};

/// How long it may take until the old generation has caught up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was folded, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rebuilt {
    /// Events in the log, all of which were passed.
    pub(crate) log: u64,
    /// Those of them that the projection is folded from.
    pub(crate) folded: u64,
    pub(crate) took: Duration,
    /// User and system time of this process meanwhile, in seconds.
    pub(crate) cpu_s: f64,
}

/// Folds the list of orders anew, while nothing else happens.
pub(crate) async fn rebuild(folder: &Path) -> Result<Rebuilt, Failure> {
    let options = Options::new(format!("sqlite://{}", folder.join("hubbub.db").display()));
    let (store, commits) = Store::open(options).await?;
    let hub = Hub::start(store.clone(), commits, hub::Options::default()).await?;
    let projections = Projections::start(store.clone(), &hub, vec![Stored::new::<OrderList>()]);
    let head = store.head();
    if !projections.wait_for::<OrderList>(head, PATIENCE).await {
        return Err("the list of orders does not come to the end of the log".into());
    }
    let (begun, used) = (Instant::now(), Usage::own()?);
    projections.rebuild(&OrderList::NAME.parse()?);
    // That it is done is in the log.
    hub.follow().wait_for(|published| *published > head).await?;
    let (took, cpu_s) = (begun.elapsed(), Usage::own()?.cpu_s - used.cpu_s);
    let folded = noted(&store, head).await?;
    projections.stop().await;
    store.close().await;
    Ok(Rebuilt { log: head.0, folded, took, cpu_s })
}

/// How many events were folded, as the event says that was recorded after this position.
async fn noted(store: &Store, after: Position) -> Result<u64, Failure> {
    let page = store.read(after, &Filter::everything(), 1).await?;
    match page.events.first().map(domain::Recorded::decode).transpose()?.map(|envelope| envelope.event) {
        Some(Event::ServiceProjectionRebuilt(rebuilt)) => Ok(rebuilt.events),
        other => Err(format!("{other:?} instead of a projection that is built anew").into()),
    }
}
