//! Orders by the thousand while the server is killed again and again: some customers are too poor, some products too
//! scarce, some customers change their minds, some orders are looked at by a person, some parcels are lost. In the end
//! every order has come to its end, and stock, money and mail add up from the log alone.

mod books;
mod log;
mod mailbox;
mod people;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use domain::{EventId, OrderId, order::Status, wallet::MAX_DEPOSIT};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use self::{books::Books, log::Log, people::Market};
use crate::{
    Failure,
    process::{self, Process},
    shop::{self, Caller},
};

/// How long it may take until something has happened that must happen.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(5);

/// The server is killed within so many milliseconds after the moment that was chosen for it.
const HESITATION: u64 = 40;

/// What is done to whom.
#[derive(Debug, Clone)]
pub struct OrderSoak {
    /// The build.
    pub binary: PathBuf,
    /// How many orders, all of them on their way together.
    pub orders: usize,
    /// How often the server is killed and started again meanwhile.
    pub kills: usize,
    /// Decides who wants what, and when the server is killed.
    pub seed: u64,
}

/// What came of it. An order that is nearly right, or a cent too much, is an error.
#[derive(Debug)]
pub struct Endured {
    /// Orders that were delivered and paid.
    pub delivered: usize,
    /// Orders that were cancelled, by whomever, and undone.
    pub cancelled: usize,
    /// Orders that were delivered, and whose money went back.
    pub refunded: usize,
    /// Events in the log.
    pub events: usize,
    /// Mails, each of them once.
    pub mails: usize,
    /// How many orders were on their way at each kill.
    pub killed_at: Vec<usize>,
}

impl fmt::Display for Endured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, cancelled, refunded, events, mails, killed_at } = self;
        let orders = delivered + cancelled + refunded;
        writeln!(f, "{orders} orders: {delivered} delivered, {cancelled} cancelled, {refunded} refunded.")?;
        writeln!(f, "{events} events, {mails} mails; every order has ended, stock, money and mail add up.")?;
        writeln!(f, "Killed {} times, with so many orders on their way: {killed_at:?}", killed_at.len())
    }
}

/// How far everybody is.
#[derive(Debug, Default)]
struct Tally {
    placed: AtomicUsize,
    ended: AtomicUsize,
}

impl Tally {
    /// Two steps for each order: it is placed, it has ended.
    fn steps(&self) -> usize {
        self.placed.load(Relaxed) + self.ended.load(Relaxed)
    }

    fn on_their_way(&self) -> usize {
        self.placed.load(Relaxed).saturating_sub(self.ended.load(Relaxed))
    }
}

/// Everybody at work.
struct Crew {
    customers: JoinSet<Result<Vec<OrderId>, Failure>>,
    /// What was placed by those who are done.
    placed: Vec<OrderId>,
    staff: JoinHandle<Result<Vec<EventId>, Failure>>,
}

impl Crew {
    /// Fails if anybody has failed.
    async fn check(&mut self) -> Result<(), Failure> {
        while let Some(done) = self.customers.try_join_next() {
            self.placed.extend(done??);
        }
        if self.staff.is_finished() {
            (&mut self.staff).await??;
            return Err("the staff has gone home too early".into());
        }
        Ok(())
    }

    /// Waits until every customer has done everything.
    async fn until_all_have_ordered(&mut self) -> Result<(), Failure> {
        while !self.customers.is_empty() {
            let done = timeout(PATIENCE, self.customers.join_next()).await;
            if let Some(orders) = done.map_err(|_| "the customers do not come to an end")? {
                self.placed.extend(orders??);
            }
        }
        Ok(())
    }

    /// Waits until something is so.
    async fn until(&mut self, what: &str, is_so: impl Fn() -> bool) -> Result<(), Failure> {
        let begun = Instant::now();
        while !is_so() {
            self.check().await?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("{what} does not come").into());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Runs it.
///
/// # Errors
/// If anything is lost, happens twice or never ends; with the seed, by which it can be tried again.
pub async fn run(soak: &OrderSoak) -> Result<Endured, Failure> {
    endure(soak).await.map_err(|error| format!("{error} (seed {})", soak.seed).into())
}

async fn endure(soak: &OrderSoak) -> Result<Endured, Failure> {
    let folder = process::folder()?;
    let mut rng = fastrand::Rng::with_seed(soak.seed);
    let server = start(&soak.binary, folder.path())?;
    let (moved, target) = watch::channel(server.addr);
    let mut desk = Caller::persona(&target, "bo").await?;
    let market = Market::furnish(&mut desk, soak.orders, &mut rng).await?;
    let wishes = market.wishes(soak.orders, &mut rng);
    let credits: Vec<_> = wishes.iter().map(|_| people::credit(&mut rng)).collect();
    let customers = shop::customers(&target, "soak", wishes.len(), |nth| credits[nth]).await?;
    let latecomer = shop::customers(&target, "late", 1, |_| MAX_DEPOSIT).await?.remove(0);
    let readers = customers.iter().chain([&latecomer]).map(|customer| customer.caller.again());
    let mut log = Log::new(&target, readers).await?;

    let tally = Arc::new(Tally::default());
    let (end, ending) = watch::channel(None);
    let staff = people::look_after(target.clone(), desk.again(), soak.seed, tally.clone(), ending);
    let mut crew = Crew { customers: JoinSet::new(), placed: Vec::new(), staff: tokio::spawn(staff) };
    for (customer, wishes) in customers.into_iter().zip(wishes) {
        crew.customers.spawn(people::order_all(customer, wishes, tally.clone()));
    }
    let place = Place { soak, folder: folder.path(), moved };
    let (server, killed_at) = place.kill_again_and_again(server, &mut crew, &tally, rng).await?;
    crew.until_all_have_ordered().await?;
    log.until_all_have_ended(&mut crew).await?;

    // Another server finds nothing left to do; a last order comes through it after everything else.
    server.terminate().await?;
    let server = place.open()?;
    let wish = market.last_wish(&mut desk).await?;
    crew.placed.extend(people::order_all(latecomer, vec![wish], tally).await?);
    log.until_all_have_ended(&mut crew).await?;
    log.until_all_is_mailed().await?;
    end.send_replace(log.followed().last().copied());
    let heard =
        timeout(PATIENCE, &mut crew.staff).await.map_err(|_| "the staff does not hear the end")???;
    server.terminate().await?;

    if heard != log.followed() {
        return Err("the staff has heard something else than the log holds".into());
    }
    let books = Books::of(log.events())?;
    books.close(&crew.placed)?;
    let mails = mailbox::check(&folder.path().join("mail"), log.events())?;
    let count = |status| books.orders.values().filter(|order| order.status == status).count();
    Ok(Endured {
        delivered: count(Status::Delivered),
        cancelled: count(Status::Cancelled),
        refunded: count(Status::Refunded),
        events: log.events().count(),
        mails,
        killed_at,
    })
}

/// Starts a server whose own couriers leave the parcels to those of this run.
fn start(binary: &Path, folder: &Path) -> Result<Process, Failure> {
    Process::hubbub_with(binary, folder, None, &[("HUBBUB_COURIER_PACE_MS", "86400000")])
}

/// Where the servers run, one after the other.
struct Place<'a> {
    soak: &'a OrderSoak,
    folder: &'a Path,
    moved: watch::Sender<SocketAddr>,
}

impl Place<'_> {
    /// Starts the next server, and tells everybody.
    fn open(&self) -> Result<Process, Failure> {
        let server = start(&self.soak.binary, self.folder)?;
        self.moved.send_replace(server.addr);
        Ok(server)
    }

    /// Kills the server at random moments between the first order and the end of the last.
    async fn kill_again_and_again(
        &self,
        mut server: Process,
        crew: &mut Crew,
        tally: &Tally,
        mut rng: fastrand::Rng,
    ) -> Result<(Process, Vec<usize>), Failure> {
        let OrderSoak { orders, kills, .. } = *self.soak;
        let mut killed_at = Vec::new();
        for nth in 0..kills {
            let between = 2 * orders / kills;
            let steps = nth * between + rng.usize(..between.max(1));
            crew.until("the next kill", || tally.steps() >= steps).await?;
            sleep(Duration::from_millis(rng.u64(..HESITATION))).await;
            killed_at.push(tally.on_their_way());
            server.kill()?;
            server = self.open()?;
        }
        Ok((server, killed_at))
    }
}
