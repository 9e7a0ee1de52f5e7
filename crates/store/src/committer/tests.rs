//! The committer on a database that fails on demand: what a real one does only on a bad day.

use std::sync::{Mutex, MutexGuard};

use domain::{
    Actor, Command, CommandId, Handle, Intent, MessageId, Recorded, Refusal, RoomId, StreamId, Timestamp,
    UserId,
    account::{ChangeProfile, Register, Role},
    chat::{DeleteMessage, OpenRoom, PostMessage},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::*;
use crate::{
    engine::{Acceptance, Known, Wanted},
    unit::Effect,
};

/// A log in memory, and how it shall misbehave.
#[derive(Default)]
struct Disk {
    events: Vec<Recorded>,
    acceptances: Vec<Acceptance>,
    /// The next commit fails.
    lose_commit: bool,
    /// The next commit works, and says that it has failed.
    deny_commit: bool,
    /// So many attempts to recover fail.
    unreachable: usize,
    /// So many attempts to scrub fail.
    unscrubbable: usize,
    scrubbed: Vec<Position>,
    transactions: usize,
}

#[derive(Clone, Default)]
struct Fake {
    disk: Arc<Mutex<Disk>>,
    /// The events and commands of the open transaction.
    open: Arc<Mutex<(Vec<Recorded>, Vec<Acceptance>)>>,
}

impl Fake {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    fn tail(&self) -> Tail {
        let disk = self.disk();
        let recorded_at = disk.events.last().map_or(Timestamp::default(), |event| event.meta.time);
        Tail { head: Position(disk.events.len() as u64), recorded_at }
    }
}

impl Engine for Fake {
    async fn begin(&mut self, wanted: &Wanted) -> Result<Known, Fault> {
        self.disk().transactions += 1;
        *self.open.lock().unwrap() = Default::default();
        let events = self.load(&wanted.streams).await?;
        let disk = self.disk();
        let accepted = disk.acceptances.iter().filter(|found| wanted.keys.contains(&found.key)).cloned();
        Ok(Known { accepted: accepted.collect(), events, ..Known::default() })
    }

    async fn load(&mut self, streams: &[StreamId]) -> Result<Vec<Recorded>, Fault> {
        Ok(self.disk().events.iter().filter(|event| streams.contains(&event.meta.stream)).cloned().collect())
    }

    async fn append(&mut self, events: &[Recorded]) -> Result<(), Fault> {
        self.open.lock().unwrap().0.extend_from_slice(events);
        Ok(())
    }

    async fn accept(&mut self, acceptances: &[Acceptance]) -> Result<(), Fault> {
        self.open.lock().unwrap().1.extend_from_slice(acceptances);
        Ok(())
    }

    async fn step(&mut self, _: &[(String, Position)]) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&mut self, _: &[Effect], _: Position, _: Timestamp) -> Result<Result<(), Refusal>, Fault> {
        Ok(Ok(()))
    }

    async fn redact(&mut self, stream: &StreamId, by: Position) -> Result<Vec<Recorded>, Fault> {
        let mut disk = self.disk();
        let before = |event: &&mut Recorded| event.meta.stream == *stream && event.meta.position < by;
        let blanked = disk.events.iter_mut().filter(before).filter_map(|event| {
            let blank = contract::redacted(&event.meta.kind, event.data.get())?;
            event.data = RawValue::from_string(blank).ok()?;
            Some(event.clone())
        });
        Ok(blanked.collect())
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn commit(&mut self, _: Tail) -> Result<(), Fault> {
        let mut disk = self.disk();
        if std::mem::take(&mut disk.lose_commit) {
            return Err(Fault("The disk is full.".to_owned()));
        }
        let (events, acceptances) = std::mem::take(&mut *self.open.lock().unwrap());
        disk.events.extend(events);
        disk.acceptances.extend(acceptances);
        if std::mem::take(&mut disk.deny_commit) {
            return Err(Fault("The connection was lost.".to_owned()));
        }
        Ok(())
    }

    async fn recover(&mut self) -> Result<Tail, Fault> {
        if self.disk().unreachable > 0 {
            self.disk().unreachable -= 1;
            return Err(Fault("The database is away.".to_owned()));
        }
        Ok(self.tail())
    }

    async fn since(&mut self, after: Position) -> Result<Vec<Recorded>, Fault> {
        Ok(self.disk().events.iter().filter(|event| event.meta.position > after).cloned().collect())
    }

    async fn scrub(&mut self, by: Position) -> bool {
        let mut disk = self.disk();
        let done = disk.unscrubbable == 0;
        disk.unscrubbable = disk.unscrubbable.saturating_sub(1);
        disk.scrubbed.push(by);
        done
    }

    async fn limit(&mut self, _: Option<u64>) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(self) {}
}

/// A committer at work on a fake, and the two ends of it.
struct Bench {
    fake: Fake,
    jobs: mpsc::Sender<Job>,
    commits: mpsc::Receiver<Commit>,
    head: Arc<AtomicU64>,
    user: UserId,
}

impl Bench {
    /// With one person registered.
    async fn new(batch_events: usize) -> Self {
        let fake = Fake::default();
        let (jobs, waiting) = mpsc::channel(100);
        let (publish, commits) = mpsc::channel(100);
        let head = Arc::new(AtomicU64::new(0));
        let committer = Committer {
            engine: fake.clone(),
            jobs: waiting,
            commits: publish,
            head: head.clone(),
            recent: Arc::new(Recent::new(Position::START)),
            sessions: Arc::default(),
            clock: Arc::new(|| Timestamp::from_millis(1_800_000_000_000)),
            batch_events,
            tail: Some(fake.tail()),
            memory: Memory::default(),
        };
        tokio::spawn(committer.run());
        let user = UserId(Uuid::new_v4());
        let mut bench = Self { fake, jobs, commits, head, user };
        let handle = Handle::new("ada").unwrap();
        let register = Register { user, handle, name: "Ada".into(), role: Role::Customer };
        let server = Actor::Service("accounts".into());
        bench.execute(Command::new(CommandId(Uuid::new_v4()), server, register)).await.unwrap();
        assert_eq!(bench.published().len(), 1);
        bench
    }

    fn command(&self, intent: impl Into<Intent>) -> Command {
        Command::new(CommandId(Uuid::new_v4()), Actor::User(self.user), intent)
    }

    fn renaming(&self, name: &str) -> Command {
        self.command(ChangeProfile { name: name.into() })
    }

    async fn execute(&self, command: Command) -> Result<Receipt, UnitError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Unit(command.into(), answer)).await.unwrap();
        answered.await.unwrap()
    }

    fn published(&mut self) -> Vec<u64> {
        let mut positions = Vec::new();
        while let Ok(commit) = self.commits.try_recv() {
            positions.extend(commit.events.iter().map(|event| event.meta.position.0));
        }
        positions
    }
}

#[tokio::test]
async fn a_failed_commit_is_answered_as_such_and_told_to_nobody() {
    let mut bench = Bench::new(500).await;
    bench.fake.disk().lose_commit = true;
    let rename = bench.renaming("Ada L.");
    let refused = bench.execute(rename.clone()).await;
    assert_eq!(refused, Err(UnitError::Unavailable("The disk is full.".into())));
    assert_eq!((bench.published(), bench.head.load(Ordering::Acquire)), (vec![], 1));
    // The cache does not have the name that was never recorded: this is no repetition of it.
    let receipt = bench.execute(rename).await.unwrap();
    assert_eq!((receipt.position, receipt.events.len(), receipt.repeated), (Position(2), 1, false));
    assert_eq!(bench.published(), [2]);
}

#[tokio::test]
async fn a_commit_that_only_seemed_to_fail_is_told_once_and_found_again() {
    let mut bench = Bench::new(500).await;
    bench.fake.disk().deny_commit = true;
    let rename = bench.renaming("Ada L.");
    assert!(matches!(bench.execute(rename.clone()).await, Err(UnitError::Unavailable(_))));
    assert_eq!((bench.published(), bench.head.load(Ordering::Acquire)), (vec![2], 2));
    let receipt = bench.execute(rename).await.unwrap();
    assert_eq!((receipt.position, receipt.repeated), (Position(2), true));
    bench.execute(bench.renaming("Ada")).await.unwrap();
    assert_eq!(bench.published(), [3]);
}

#[tokio::test]
async fn what_a_commit_that_only_seemed_to_fail_has_redacted_is_told_too() {
    let mut bench = Bench::new(500).await;
    let room = RoomId::new("lobby").unwrap();
    bench
        .execute(bench.command(OpenRoom { room: room.clone(), title: "Lobby".into(), private: false }))
        .await
        .unwrap();
    let post = bench.command(PostMessage { room: room.clone(), text: "oops".into(), reply_to: None });
    let message = MessageId(post.id.0);
    let posted = bench.execute(post).await.unwrap().position;
    bench.published();
    bench.fake.disk().deny_commit = true;
    let delete = bench.command(DeleteMessage { room, message });
    assert!(matches!(bench.execute(delete).await, Err(UnitError::Unavailable(_))));
    let commit = bench.commits.try_recv().unwrap();
    let told: Vec<Position> = commit.redactions.iter().map(|event| event.meta.position).collect();
    assert_eq!(told, [posted]);
    assert!(!commit.redactions[0].data.get().contains("oops"));
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_is_used_again() {
    let mut bench = Bench::new(500).await;
    bench.fake.disk().lose_commit = true;
    bench.fake.disk().unreachable = 3;
    // After a failed transaction recovery is tried at once, and again before the next one.
    for why in ["The disk is full.", "The database is away."] {
        let refused = bench.execute(bench.renaming("Ada L.")).await;
        assert_eq!(refused, Err(UnitError::Unavailable(why.into())));
    }
    bench.execute(bench.renaming("Ada L.")).await.unwrap();
    assert_eq!(bench.published(), [2]);
}

#[tokio::test]
async fn what_queues_while_one_commit_runs_shares_the_next_up_to_the_limit() {
    let mut bench = Bench::new(10).await;
    let before = bench.fake.disk().transactions;
    let mut answers = Vec::new();
    // The committer runs on this very thread: nothing is taken before the first wait.
    for nth in 0..25 {
        let (answer, answered) = oneshot::channel();
        let job = Job::Unit(bench.renaming(&format!("Ada {nth}")).into(), answer);
        bench.jobs.try_send(job).unwrap_or_else(|_| panic!("there is room"));
        answers.push(answered);
    }
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(bench.fake.disk().transactions - before, 3);
    assert_eq!(bench.published(), (2..=26).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_scrubbed_at_once_is_scrubbed_later_idle_or_not() {
    let bench = Bench::new(500).await;
    let room = RoomId::new("lobby").unwrap();
    let open = OpenRoom { room: room.clone(), title: "Lobby".into(), private: false };
    bench.execute(bench.command(open)).await.unwrap();
    let delete = async |bench: &Bench| {
        let post = bench.command(PostMessage { room: room.clone(), text: "oops".into(), reply_to: None });
        let message = MessageId(post.id.0);
        bench.execute(post).await.unwrap();
        let delete = bench.command(DeleteMessage { room: room.clone(), message });
        bench.execute(delete).await.unwrap().position
    };
    let attempts = |bench: &Bench| bench.fake.disk().scrubbed.len();

    bench.fake.disk().unscrubbable = 2;
    let by = delete(&bench).await;
    assert_eq!(attempts(&bench), 1, "tried before the answer");
    // Busy all the time, and then idle.
    for _ in 0..12 {
        tokio::time::advance(Duration::from_secs(1)).await;
        bench.execute(bench.renaming("Ada")).await.unwrap();
    }
    assert_eq!(attempts(&bench), 2);
    tokio::time::sleep(SCRUB_AGAIN * 3).await;
    assert_eq!(bench.fake.disk().scrubbed, [by; 3], "the third attempt worked, and there is no fourth");
}
