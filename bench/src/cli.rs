//! The command line: what is measured, for how long, and what the numbers are held against.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use live::ClientConfig;

use crate::{
    Failure, appends,
    fanout::{self, Transport},
    hostile::{self, Hostile},
    idle, late, log,
    order_soak::{self, OrderSoak},
    orders::{self, Load, Rebuilt},
    process,
    report::Report,
    saturate,
    soak::{self, Soak},
    yardstick,
};

/// Numbers: ours beside a plain axum broadcast server's (or raw SQLite's), measured in the same run.
#[derive(Parser)]
#[command(version)]
pub struct Cli {
    /// Measure shortly, once, and with fewer connections.
    #[arg(long, global = true)]
    quick: bool,
    /// The build to measure.
    #[arg(long, global = true, default_value = "target/release/hubbub")]
    binary: PathBuf,
    /// Where the numbers are written as JSON.
    #[arg(long, global = true, default_value = "target/bench.json")]
    json: PathBuf,
    /// How often each comparison is made; the median counts.
    #[arg(long, global = true)]
    rounds: Option<usize>,
    /// One thing alone; without it, everything.
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Durable appends through the store, beside raw SQLite.
    Appends,
    /// Up to 50 texts a second to many readers: cost, latency, memory.
    Fanout {
        /// How they are connected.
        transport: Transport,
        /// How many.
        #[arg(default_value_t = 1000)]
        readers: usize,
    },
    /// As many events as one core of the server can deliver in time.
    Saturate {
        /// How the readers are connected.
        transport: Transport,
        /// How many.
        #[arg(default_value_t = 1000)]
        readers: usize,
    },
    /// Connections to which nothing happens.
    Idle {
        /// How they are connected.
        transport: Transport,
        /// How many.
        #[arg(default_value_t = 10_000)]
        readers: usize,
    },
    /// Late readers and a crash, over a long log.
    Late {
        /// How many events the log holds.
        #[arg(default_value_t = 1_000_000)]
        events: usize,
        /// How many readers lag behind.
        #[arg(default_value_t = 10_000)]
        laggards: usize,
    },
    /// Orders through the whole saga, so many of them on their way at once: how many a second, what each costs, and how
    /// soon it is confirmed elsewhere.
    Orders {
        /// How many are on their way at once; without it, several numbers after one another.
        at_once: Option<usize>,
        /// How many orders.
        #[arg(default_value_t = 2_000)]
        orders: usize,
    },
    /// The list of orders, folded anew over the data of a server that is stopped. (That it was is noted in its log.)
    Rebuild {
        /// The folder of its data.
        data: PathBuf,
    },
    /// Clients behind lines that break, writers, and a redeployment in the middle.
    Soak {
        /// How many clients.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
        /// How often each is cut.
        #[arg(long, default_value_t = 20)]
        cuts: usize,
        /// Decides when and where lines are cut.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Orders, all on their way together, while the server is killed again and again.
    OrderSoak {
        /// How many orders.
        #[arg(long, default_value_t = 2_000)]
        orders: usize,
        /// How often the server is killed.
        #[arg(long, default_value_t = 20)]
        kills: usize,
        /// Decides who wants what, and when the server is killed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Strangers who do everything that a server has to bear, at once, while two people go on talking.
    Hostile {
        /// How many sockets one address tries to have.
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
        /// How many clients try each of the other attacks.
        #[arg(long, default_value_t = 20)]
        each: usize,
        /// How many subscriptions one client asks for.
        #[arg(long, default_value_t = 1_000_000)]
        wishes: usize,
    },
    /// Be the server that we are measured beside.
    #[command(hide = true)]
    Yardstick,
}

impl Cli {
    /// Whether this is the server to measure, and not what measures.
    #[must_use]
    pub fn is_server(&self) -> bool {
        matches!(self.what, Some(What::Yardstick))
    }
}

/// Does what was asked for and prints one table.
///
/// # Errors
/// Whatever goes wrong, as a sentence.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    if cli.is_server() {
        return yardstick::serve().await;
    }
    let binary = cli.binary.canonicalize().map_err(|why| {
        format!("{} cannot be measured: {why}; `make build` makes it", cli.binary.display())
    })?;
    let rounds = cli.rounds.unwrap_or(if cli.quick { 1 } else { 3 });
    let mut bench = Bench { report: Report::default(), binary, quick: cli.quick, rounds };
    match cli.what {
        Some(What::Appends) => bench.appends().await?,
        Some(What::Fanout { transport, readers }) => bench.fan_out(transport, readers).await?,
        Some(What::Saturate { transport, readers }) => bench.saturate(transport, readers).await?,
        Some(What::Idle { transport, readers }) => bench.idle(transport, readers).await?,
        Some(What::Late { events, laggards }) => bench.late(events, laggards).await?,
        Some(What::Orders { at_once, orders }) => {
            let loads = at_once.map_or_else(|| bench.loads(), |at_once| vec![Load { at_once, orders }]);
            bench.orders(&loads).await?;
        }
        Some(What::Rebuild { data }) => {
            for _ in 0..bench.rounds {
                bench.rebuilt(orders::rebuild(&data).await?);
            }
        }
        Some(What::Soak { clients, cuts, seed }) => return bench.soak(clients, cuts, seed).await,
        Some(What::OrderSoak { orders, kills, seed }) => {
            let soak = OrderSoak { binary: bench.binary, orders, kills, seed };
            print!("{}", order_soak::run(&soak).await?);
            return Ok(());
        }
        Some(What::Hostile { sockets, each, wishes }) => return bench.hostile(sockets, each, wishes).await,
        None | Some(What::Yardstick) => bench.everything().await?,
    }
    bench.report.finish(&cli.json)
}

struct Bench {
    report: Report,
    binary: PathBuf,
    quick: bool,
    rounds: usize,
}

impl Bench {
    async fn everything(&mut self) -> Result<(), Failure> {
        let sizes: &[usize] = if self.quick { &[1_000] } else { &[1_000, 5_000] };
        let (many, events) = if self.quick { (2_000, 100_000) } else { (10_000, 1_000_000) };
        self.appends().await?;
        for transport in [Transport::Ws, Transport::Sse] {
            for readers in sizes {
                self.fan_out(transport, *readers).await?;
            }
            self.saturate(transport, 1_000).await?;
            self.idle(transport, many).await?;
        }
        self.late(events, many).await?;
        self.orders(&self.loads()).await
    }

    /// What is ordered when nothing else is said.
    fn loads(&self) -> Vec<Load> {
        let load = |(at_once, orders)| Load { at_once, orders };
        let usual = [(1, 100), (16, 1_000), (64, 2_000), (256, 4_000)];
        let quick = [(1, 40), (64, 600)];
        if self.quick { quick.map(load).to_vec() } else { usual.map(load).to_vec() }
    }

    /// So many seconds; fewer in a quick run.
    fn seconds(&self, usual: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { usual })
    }

    async fn appends(&mut self) -> Result<(), Failure> {
        eprintln!("Durable appends");
        for callers in [1, 8, 64] {
            let rates = appends::compare(callers, self.seconds(3, 1), self.rounds).await?;
            let name = format!("durable appends, {callers} callers, {:.1} rows a commit", rates.batch);
            let goal = if callers == 64 { ">= 0.60 of SQLite" } else { "" };
            self.report.add(name, "1/s", (rates.store, Some(rates.bare)), goal);
            if callers == 1 {
                let millis = (1000.0 / rates.store, Some(1000.0 / rates.bare));
                self.report.add("lone commit", "ms", millis, "<= 1.3 of SQLite");
            }
        }
        Ok(())
    }

    async fn fan_out(&mut self, transport: Transport, readers: usize) -> Result<(), Failure> {
        eprintln!("Fan-out to {readers} over {}", transport.name());
        let run = self.seconds(10, 4);
        let (ours, theirs) = fanout::compare(&self.binary, transport, readers, run, self.rounds).await?;
        let name = format!("{} x {readers}, {}/s", transport.name(), fanout::rate(readers));
        let mut add = |what: &str, unit, pick: fn(&fanout::Shown) -> f64, goal| {
            self.report.add(format!("{name}: {what}"), unit, (pick(&ours), Some(pick(&theirs))), goal);
        };
        add("deliveries", "1/s", |shown| shown.deliveries_per_s, "");
        add("server CPU", "s/million", |shown| shown.cpu_s_per_million, "ratio <= 1.0, then 0.75");
        add("server CPU, a text and one reader", "ms", |shown| shown.cpu_ms_per_text, "");
        add("server CPU, delivering alone", "s/million", |shown| shown.delivering_s_per_million, "");
        add("p50", "ms", |shown| shown.p50_ms, "");
        add("p99", "ms", |shown| shown.p99_ms, "");
        add("memory a reader", "KiB", |shown| shown.kib_per_connection, "");
        add("bytes a delivery", "bytes", |shown| shown.bytes_per_delivery, "");
        Ok(())
    }

    async fn saturate(&mut self, transport: Transport, readers: usize) -> Result<(), Failure> {
        eprintln!("As much as one core delivers to {readers} over {}", transport.name());
        if !process::can_pin() {
            self.report.remark("A process cannot be held to one core here: it had all of them.".into());
        }
        let step = self.seconds(4, 2);
        let (ours, theirs) = saturate::compare(&self.binary, transport, readers, step).await?;
        let name = format!("{} x {readers}, saturated, one core", transport.name());
        let rates = (ours.deliveries_per_s, Some(theirs.deliveries_per_s));
        self.report.add(format!("{name}: deliveries"), "1/s", rates, "ratio >= 2.5, then 7.8");
        self.report.add(format!("{name}: p99"), "ms", (ours.p99_ms, Some(theirs.p99_ms)), "< 250");
        Ok(())
    }

    async fn idle(&mut self, transport: Transport, readers: usize) -> Result<(), Failure> {
        eprintln!("{readers} idle connections over {}", transport.name());
        let run = self.seconds(30, 5);
        let (ours, theirs) = idle::compare(&self.binary, transport, readers, run).await?;
        let name = format!("{} x {readers}, idle", transport.name());
        let memory = (ours.kib_each, Some(theirs.kib_each));
        self.report.add(format!("{name}: memory each"), "KiB", memory, "<= 16, then 4");
        let cpu = (ours.cpu_percent, Some(theirs.cpu_percent));
        self.report.add(format!("{name}: CPU of one core"), "%", cpu, "");
        Ok(())
    }

    async fn late(&mut self, events: usize, laggards: usize) -> Result<(), Failure> {
        /// How many texts each laggard has missed.
        const BEHIND: u64 = 500;
        eprintln!("A log of {events} events is written");
        let folder = process::folder()?;
        let epoch = log::fill(&self.binary, folder.path(), events, 64).await?;
        late::settle(&self.binary, folder.path()).await?;
        for transport in [Transport::Ws, Transport::Sse] {
            let rate = late::replay(&self.binary, folder.path(), transport, epoch, events).await?;
            let name = format!("replay of {events} to one reader, {}", transport.name());
            self.report.add(name, "events/s", (rate, None), ">= 200000");
        }
        let run = self.seconds(5, 2);
        let lagging = late::laggards(&self.binary, folder.path(), epoch, laggards, BEHIND, run).await?;
        let name = format!("{laggards} laggards");
        let writer = (lagging.beside, Some(lagging.alone));
        self.report.add(format!("{name}: writer, beside alone"), "1/s", writer, "ratio >= 0.80");
        self.report.add(format!("{name}: catching up"), "events/s", (lagging.catching_up, None), "");
        let recovered = late::recover(&self.binary, folder.path()).await?;
        let name = format!("ready after kill -9, {events} events");
        self.report.add(name, "s", (recovered.as_secs_f64(), None), "<= 1");
        Ok(())
    }

    async fn orders(&mut self, loads: &[Load]) -> Result<(), Failure> {
        eprintln!("Orders through the whole saga");
        let served = orders::serve(&self.binary, loads).await?;
        for borne in &served.borne {
            let name = format!("orders, {} at once", borne.load.at_once);
            let goal = if borne.load.at_once >= 64 { ">= 100" } else { "" };
            self.report.add(format!("{name}: delivered and paid"), "1/s", (borne.orders_per_s, None), goal);
            self.report.add(format!("{name}: server CPU"), "ms/order", (borne.cpu_ms_per_order, None), "");
            let generator = (borne.generator_cpu_ms_per_order, None);
            self.report.add(format!("{name}: generator CPU"), "ms/order", generator, "");
            for (what, millis) in ["p50", "p99"].into_iter().zip(borne.confirmed_ms) {
                self.report.add(format!("{name}: placed to confirmed, {what}"), "ms", (millis, None), "");
            }
        }
        let all = served.rows.iter().map(|(_, rows)| rows).sum();
        self.report.add("an order leaves: rows", "rows", (all, None), "");
        for (table, rows) in served.rows.iter().filter(|(_, rows)| *rows >= 0.01) {
            self.report.add(format!("an order leaves: {table}"), "rows", (*rows, None), "");
        }
        self.report.add("an order leaves: disk", "KiB", (served.bytes / 1024.0, None), "");
        self.rebuilt(served.rebuilt);
        Ok(())
    }

    fn rebuilt(&mut self, rebuilt: Rebuilt) {
        let rate = |events: u64| (events as f64 / rebuilt.took.as_secs_f64(), None);
        let name = format!("rebuild of order_list, log of {}", rebuilt.log);
        self.report.add(format!("{name}: passed"), "events/s", rate(rebuilt.log), ">= 100000");
        self.report.add(format!("{name}: folded"), "events/s", rate(rebuilt.folded), "");
        let cpu = rebuilt.cpu_s / rebuilt.log as f64 * 1e6;
        self.report.add(format!("{name}: CPU"), "s/million", (cpu, None), "");
    }

    async fn hostile(&self, sockets: usize, each: usize, wishes: usize) -> Result<(), Failure> {
        let hostile = Hostile {
            binary: self.binary.clone(),
            settings: vec![],
            sockets,
            each,
            wishes,
            pings: true,
            growth_mib: 256.0,
        };
        let endured = hostile::run(&hostile).await?;
        print!("{endured}");
        match endured.complaints() {
            none if none.is_empty() => Ok(()),
            complaints => Err(complaints.join("; ").into()),
        }
    }

    async fn soak(&self, clients: usize, cuts: usize, seed: u64) -> Result<(), Failure> {
        let soak = Soak {
            binary: self.binary.clone(),
            clients,
            cuts,
            peace: Duration::from_secs(6),
            pause: Duration::from_millis(200),
            session: ClientConfig::new(seed),
            seed,
        };
        let endured = soak::run(&soak).await?;
        println!(
            "{clients} clients, {} cuts, {} texts: everybody ended equal to the log, nobody was refused.",
            endured.cuts, endured.texts
        );
        println!("Back after the redeployment, counted from the moment the old server was told to stop:");
        print!("{}", soak::histogram(&endured.came_back));
        Ok(())
    }
}
