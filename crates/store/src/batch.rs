//! One transaction: the units that are decided, written and committed together.
//!
//! Decisions rest on the cached state, which already has the earlier units of the same transaction in it.
//! Rows are gathered and written in one go; a unit that fails has therefore written nothing, and is only
//! taken out of the cache again.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use domain::{
    Aggregate, Command, Context, Event, EventId, Position, Recorded, State, StreamId, Timestamp, contract,
    decide, envelope::Meta,
};
use uuid::{ContextV7, Uuid};

use crate::{
    engine::{Acceptance, CommandKey, Engine, Fault, IngestKey, Known, Tail, Wanted},
    reactor::Checkpoint,
    read::Commit,
    unit::{Effect, EventRef, Receipt, Unit, UnitError, body_hash},
};

/// A transaction in the making.
pub(crate) struct Batch<'a, E> {
    engine: &'a mut E,
    state: &'a mut State,
    ids: &'a mut ContextV7,
    /// When the last event was recorded.
    recorded_at: Timestamp,
    now: Timestamp,
    head: Position,
    /// What has been accepted, before or in this batch, of all commands of this batch.
    accepted: HashMap<CommandKey, Acceptance>,
    /// Where the reactors of this batch stand, this batch included.
    checkpoints: HashMap<String, Position>,
    /// Those who have gone on in this batch.
    stepped: HashSet<String>,
    /// What has come in from outside, before or in this batch, of all that this batch brings in.
    ingested: HashMap<IngestKey, Position>,
    /// Streams that this build cannot fold, and why.
    unreadable: HashMap<StreamId, String>,
    events: Vec<Recorded>,
    written_events: usize,
    acceptances: Vec<Acceptance>,
    written_acceptances: usize,
    redactions: Vec<Recorded>,
    redacted_by: Option<Position>,
    sessions_changed: bool,
}

/// What a committed batch has brought.
pub(crate) struct Committed {
    /// How far the log has come.
    pub(crate) tail: Tail,
    /// The new events, if there are any.
    pub(crate) commit: Option<Commit>,
    /// The last event that redacted others, if there is one.
    pub(crate) redacted_by: Option<Position>,
    /// Whether sessions began or ended.
    pub(crate) sessions_changed: bool,
}

impl<'a, E: Engine> Batch<'a, E> {
    /// Opens the transaction and fetches at once what deciding these units will need.
    pub(crate) async fn open<'u>(
        engine: &'a mut E,
        state: &'a mut State,
        ids: &'a mut ContextV7,
        tail: Tail,
        now: Timestamp,
        units: impl Iterator<Item = &'u Unit>,
    ) -> Result<Self, Fault> {
        let units: Vec<&Unit> = units.collect();
        let commands: Vec<&Command> = units.iter().flat_map(|unit| &unit.commands).collect();
        let keys: HashSet<CommandKey> = commands.iter().map(|command| key(command)).collect();
        let reactors: HashSet<String> =
            units.iter().flat_map(|unit| &unit.checkpoint).map(|step| step.reactor.clone()).collect();
        let incoming: HashSet<IngestKey> = units.iter().flat_map(|unit| ingest_keys(unit)).collect();
        let streams = commands.iter().flat_map(|command| decide::streams(state, command));
        let missing: HashSet<StreamId> = streams.filter(|stream| !state.contains(stream)).collect();
        let wanted = Wanted {
            keys: keys.into_iter().collect(),
            streams: missing.iter().cloned().collect(),
            reactors: reactors.into_iter().collect(),
            incoming: incoming.into_iter().collect(),
        };
        let Known { accepted, events, checkpoints, ingested } = engine.begin(&wanted).await?;
        let mut batch = Self {
            engine,
            state,
            ids,
            recorded_at: tail.recorded_at,
            now: now.max(tail.recorded_at),
            head: tail.head,
            accepted: accepted.into_iter().map(|found| (found.key.clone(), found)).collect(),
            checkpoints: checkpoints.into_iter().collect(),
            stepped: HashSet::new(),
            ingested: ingested.into_iter().collect(),
            unreadable: HashMap::new(),
            events: Vec::new(),
            written_events: 0,
            acceptances: Vec::new(),
            written_acceptances: 0,
            redactions: Vec::new(),
            redacted_by: None,
            sessions_changed: false,
        };
        batch.learn(missing, &events);
        batch.prepare(&commands).await?;
        Ok(batch)
    }

    /// How many events have been decided.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Decides and carries out one unit, or nothing of it.
    ///
    /// # Errors
    /// A fault spoils the whole transaction; a [`UnitError`] concerns this unit alone.
    pub(crate) async fn unit(&mut self, unit: &Unit) -> Result<Result<Receipt, UnitError>, Fault> {
        let fresh = match self.fresh(unit) {
            Ok(Fresh::Commands(fresh)) => fresh,
            Ok(Fresh::Repeated(receipt)) => return Ok(Ok(receipt)),
            Err(error) => return Ok(Err(error)),
        };

        let mut events = Vec::new();
        let mut bodies = Vec::with_capacity(fresh.len());
        let mut outcome = Ok(());
        for (command, key, body) in fresh {
            outcome = self.command(command, &mut events).await?;
            if outcome.is_err() {
                break;
            }
            bodies.push((key, body));
        }
        if outcome.is_ok() && !unit.effects.is_empty() {
            let position = self.place(events.len());
            outcome = self.engine.apply(&unit.effects, position, self.now).await?.map_err(UnitError::Refused);
            self.sessions_changed |= unit.effects.iter().any(Effect::changes_sessions);
        }
        if let Err(error) = outcome {
            for event in &events {
                self.state.remove(&event.meta.stream);
            }
            return Ok(Err(error));
        }
        let receipt = self.keep(bodies, events).await?;
        self.ingested.extend(ingest_keys(unit).map(|key| (key, receipt.position)));
        if let Some(Checkpoint { reactor, to, .. }) = &unit.checkpoint {
            self.checkpoints.insert(reactor.clone(), *to);
            self.stepped.insert(reactor.clone());
        }
        Ok(Ok(receipt))
    }

    /// Writes something without meaning.
    pub(crate) async fn probe(&mut self) -> Result<(), Fault> {
        self.engine.probe().await
    }

    /// Writes what is left and commits.
    pub(crate) async fn commit(mut self) -> Result<Committed, Fault> {
        self.write().await?;
        if !self.stepped.is_empty() {
            let steps: Vec<(String, Position)> =
                self.stepped.drain().map(|reactor| (reactor.clone(), self.checkpoints[&reactor])).collect();
            self.engine.step(&steps).await?;
        }
        let recorded_at = self.events.last().map_or(self.recorded_at, |event| event.meta.time);
        let tail = Tail { head: self.head, recorded_at };
        self.engine.commit(tail).await?;
        let commit = if self.events.is_empty() {
            None
        } else {
            Some(Commit { events: self.events, redactions: self.redactions, head: self.head })
        };
        Ok(Committed { tail, commit, redacted_by: self.redacted_by, sessions_changed: self.sessions_changed })
    }

    /// What is to be decided of a unit, unless it has been carried out before.
    fn fresh<'c>(&self, unit: &'c Unit) -> Result<Fresh<'c>, UnitError> {
        if let Some(Checkpoint { reactor, from, .. }) = &unit.checkpoint {
            let at = self.checkpoints.get(reactor).copied().unwrap_or_default();
            if at != *from {
                return Err(UnitError::CheckpointMoved { reactor: reactor.clone(), at });
            }
        }
        let mut fresh: Vec<(&Command, CommandKey, [u8; 32])> =
            unit.commands.iter().map(|command| (command, key(command), body_hash(command))).collect();
        let distinct: HashSet<&CommandKey> = fresh.iter().map(|(_, key, _)| key).collect();
        if distinct.len() < fresh.len() {
            return Err(UnitError::CommandReused);
        }
        if unit.checkpoint.is_some() {
            let other = |(_, key, body): &(_, CommandKey, _)| {
                self.accepted.get(key).is_some_and(|found| !is_same(found, body))
            };
            if fresh.iter().any(other) {
                return Err(UnitError::CommandReused);
            }
            fresh.retain(|(_, key, _)| !self.accepted.contains_key(key));
        } else if let Some(receipt) = self.repeated(&fresh)? {
            return Ok(Fresh::Repeated(receipt));
        }
        if let Some(position) = ingest_keys(unit).find_map(|key| self.ingested.get(&key)) {
            let receipt = Receipt { position: *position, events: Vec::new(), repeated: true };
            return Ok(Fresh::Repeated(receipt));
        }
        Ok(Fresh::Commands(fresh))
    }

    /// The receipt of the time before, if these very commands have been accepted before.
    fn repeated(&self, commands: &[(&Command, CommandKey, [u8; 32])]) -> Result<Option<Receipt>, UnitError> {
        let before: Vec<&Acceptance> =
            commands.iter().filter_map(|(_, key, _)| self.accepted.get(key)).collect();
        let Some(first) = before.first() else { return Ok(None) };
        let same = before.len() == commands.len()
            && commands.iter().zip(&before).all(|((_, _, body), found)| is_same(found, body))
            && before[1..].iter().all(|found| found.receipt.is_none() && found.position == first.position);
        match &first.receipt {
            Some(receipt) if same => Ok(Some(Receipt { repeated: true, ..receipt.clone() })),
            _ => Err(UnitError::CommandReused),
        }
    }

    /// Decides one command and folds its events into the state.
    async fn command(
        &mut self,
        command: &Command,
        events: &mut Vec<Recorded>,
    ) -> Result<Result<(), UnitError>, Fault> {
        self.prepare(&[command]).await?;
        if !self.unreadable.is_empty() {
            let streams = decide::streams(self.state, command);
            if let Some(why) = streams.iter().find_map(|stream| self.unreadable.get(stream)) {
                return Ok(Err(UnitError::Unavailable(why.clone())));
            }
        }
        let context = Context { now: self.now, head: self.place(events.len()) };
        let decided = match domain::decide(self.state, command, &context) {
            Ok(decided) => decided,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        for event in decided {
            self.know([event.stream()]).await?;
            let version = self.state.fold(&event);
            events.push(self.record(command, &event, self.place(events.len() + 1), version));
        }
        Ok(Ok(()))
    }

    /// The position of the unit's nth event, from 1.
    fn place(&self, nth: usize) -> Position {
        Position(self.head.0 + nth as u64)
    }

    fn record(&self, command: &Command, event: &Event, position: Position, version: u64) -> Recorded {
        let kind = event.kind();
        let millis = self.now.millis().unsigned_abs();
        let nanos = u32::try_from(millis % 1000 * 1_000_000).expect("less than a second");
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(&*self.ids, millis / 1000, nanos));
        let meta = Meta {
            position,
            id: EventId(id),
            kind: Cow::Borrowed(kind.name),
            schema: kind.version,
            subject: event.subject(),
            time: self.now,
            stream: event.stream(),
            version,
            correlation: command.correlation,
            causation: command.causation,
            hop: command.hop,
            traceparent: command.traceparent.clone(),
            actor: command.actor.clone(),
            audience: event.audience(),
        };
        Recorded { meta, data: event.data() }
    }

    /// Takes an accepted unit in.
    async fn keep(
        &mut self,
        bodies: Vec<(CommandKey, [u8; 32])>,
        events: Vec<Recorded>,
    ) -> Result<Receipt, Fault> {
        self.head = self.place(events.len());
        let refs = events.iter().map(|event| EventRef {
            id: event.meta.id,
            position: event.meta.position,
            kind: event.meta.kind.clone().into_owned(),
        });
        let receipt = Receipt { position: self.head, events: refs.collect(), repeated: false };
        for (nth, (key, body)) in bodies.into_iter().enumerate() {
            let receipt = (nth == 0).then(|| receipt.clone());
            let acceptance = Acceptance { key, body: Some(body), position: self.head, receipt };
            self.accepted.insert(acceptance.key.clone(), acceptance.clone());
            self.acceptances.push(acceptance);
        }
        let redacting: Vec<(StreamId, Position)> = events
            .iter()
            .filter(|event| contract::redacts(&event.meta.kind))
            .map(|event| (event.meta.stream.clone(), event.meta.position))
            .collect();
        self.events.extend(events);
        for (stream, by) in redacting {
            self.redact(&stream, by).await?;
        }
        Ok(receipt)
    }

    async fn redact(&mut self, stream: &StreamId, by: Position) -> Result<(), Fault> {
        self.write().await?;
        for blanked in self.engine.redact(stream, by).await? {
            let at = blanked.meta.position;
            match self.events.iter_mut().find(|event| event.meta.position == at) {
                Some(of_this_batch) => *of_this_batch = blanked,
                None => self.redactions.push(blanked),
            }
        }
        self.redacted_by = Some(by);
        Ok(())
    }

    /// Makes sure that the state has what deciding on these commands rests on, in few statements for all of
    /// them. What was loaded may name more, so it is asked again until nothing new is named.
    async fn prepare(&mut self, commands: &[&Command]) -> Result<(), Fault> {
        for _ in 0..decide::MOST_ROUNDS {
            let wanted: Vec<StreamId> =
                commands.iter().flat_map(|command| decide::streams(self.state, command)).collect();
            if !self.know(wanted).await? {
                break;
            }
        }
        Ok(())
    }

    /// Makes sure that the state has these streams, or that they are known to be unreadable. Whether any of
    /// them had to be loaded.
    async fn know(&mut self, streams: impl IntoIterator<Item = StreamId>) -> Result<bool, Fault> {
        let missing: HashSet<StreamId> = streams
            .into_iter()
            .filter(|stream| !self.state.contains(stream) && !self.unreadable.contains_key(stream))
            .collect();
        if missing.is_empty() {
            return Ok(false);
        }
        // A stream that a failed unit was taken out of may have events of this very batch.
        self.write().await?;
        let events = self.engine.load(&missing.iter().cloned().collect::<Vec<_>>()).await?;
        self.learn(missing, &events);
        Ok(true)
    }

    /// Folds streams into the state of which these are all events.
    fn learn(&mut self, streams: HashSet<StreamId>, events: &[Recorded]) {
        let mut loaded: HashMap<StreamId, (Aggregate, u64)> =
            streams.into_iter().map(|stream| (stream.clone(), (Aggregate::empty(&stream), 0))).collect();
        for recorded in events {
            let stream = &recorded.meta.stream;
            match (recorded.decode(), loaded.get_mut(stream)) {
                (Ok(envelope), Some((aggregate, version))) => {
                    aggregate.fold(&envelope.event);
                    *version = recorded.meta.version;
                }
                (Err(why), _) => {
                    let why = format!("The stream {stream} cannot be read by this version of Hubbub: {why}.");
                    self.unreadable.insert(stream.clone(), why);
                }
                (Ok(_), None) => {}
            }
        }
        for (stream, (aggregate, version)) in loaded {
            if !self.unreadable.contains_key(&stream) {
                self.state.insert(stream, aggregate, version);
            }
        }
    }

    /// Writes the rows that were gathered.
    async fn write(&mut self) -> Result<(), Fault> {
        if self.written_events < self.events.len() {
            self.engine.append(&self.events[self.written_events..]).await?;
            self.written_events = self.events.len();
        }
        if self.written_acceptances < self.acceptances.len() {
            self.engine.accept(&self.acceptances[self.written_acceptances..]).await?;
            self.written_acceptances = self.acceptances.len();
        }
        Ok(())
    }
}

/// What a unit comes to.
enum Fresh<'c> {
    /// These commands are to be decided.
    Commands(Vec<(&'c Command, CommandKey, [u8; 32])>),
    /// It has been carried out before.
    Repeated(Receipt),
}

/// Whether an accepted command said this. What it said is not known once it has been redacted.
fn is_same(found: &Acceptance, body: &[u8; 32]) -> bool {
    found.body.is_none_or(|had| had == *body)
}

/// What a unit brings in from outside.
fn ingest_keys(unit: &Unit) -> impl Iterator<Item = IngestKey> {
    unit.effects.iter().filter_map(|effect| match effect {
        Effect::Ingested { source, id } => Some((source.clone(), id.clone())),
        _ => None,
    })
}

fn key(command: &Command) -> CommandKey {
    (command.actor.to_string(), command.id)
}
