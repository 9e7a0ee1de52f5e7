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
    Aggregate, Command, Context, Event, EventId, Position, Recorded, State, StreamId, Timestamp, decide,
    envelope::Meta,
};
use uuid::{ContextV7, Uuid};

use crate::{
    engine::{Acceptance, CommandKey, Engine, Fault, Tail},
    read::Commit,
    unit::{EventRef, Receipt, Unit, UnitError, body_hash},
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
    /// Streams that this build cannot fold, and why.
    unreadable: HashMap<StreamId, String>,
    events: Vec<Recorded>,
    written_events: usize,
    acceptances: Vec<Acceptance>,
    written_acceptances: usize,
    redactions: Vec<Recorded>,
    redacted_by: Option<Position>,
}

/// What a committed batch has brought.
pub(crate) struct Committed {
    /// How far the log has come.
    pub(crate) tail: Tail,
    /// The new events, if there are any.
    pub(crate) commit: Option<Commit>,
    /// The last event that redacted others, if there is one.
    pub(crate) redacted_by: Option<Position>,
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
        let mut keys = HashSet::new();
        let mut streams = HashSet::new();
        for command in units.flat_map(|unit| &unit.commands) {
            keys.insert(key(command));
            streams.extend(decide::streams(command));
        }
        engine.begin().await?;
        let keys: Vec<CommandKey> = keys.into_iter().collect();
        let accepted = if keys.is_empty() { Vec::new() } else { engine.accepted(&keys).await? };
        let mut batch = Self {
            engine,
            state,
            ids,
            recorded_at: tail.recorded_at,
            now: now.max(tail.recorded_at),
            head: tail.head,
            accepted: accepted.into_iter().map(|found| (found.key.clone(), found)).collect(),
            unreadable: HashMap::new(),
            events: Vec::new(),
            written_events: 0,
            acceptances: Vec::new(),
            written_acceptances: 0,
            redactions: Vec::new(),
            redacted_by: None,
        };
        batch.know(streams).await?;
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
        let bodies: Vec<(CommandKey, [u8; 32])> =
            unit.commands.iter().map(|command| (key(command), body_hash(command))).collect();
        match self.repeated(&bodies) {
            Ok(None) => {}
            Ok(Some(receipt)) => return Ok(Ok(receipt)),
            Err(error) => return Ok(Err(error)),
        }

        let mut events = Vec::new();
        let mut outcome = Ok(());
        for command in &unit.commands {
            outcome = self.command(command, &mut events).await?;
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() && !unit.effects.is_empty() {
            outcome = self.engine.apply(&unit.effects, self.now).await?.map_err(UnitError::Refused);
        }
        if let Err(error) = outcome {
            for event in &events {
                self.state.remove(&event.meta.stream);
            }
            return Ok(Err(error));
        }
        self.keep(bodies, events).await.map(Ok)
    }

    /// Writes something without meaning.
    pub(crate) async fn probe(&mut self) -> Result<(), Fault> {
        self.engine.probe().await
    }

    /// Writes what is left and commits.
    pub(crate) async fn commit(mut self) -> Result<Committed, Fault> {
        self.write().await?;
        let recorded_at = self.events.last().map_or(self.recorded_at, |event| event.meta.time);
        let tail = Tail { head: self.head, recorded_at };
        self.engine.commit(tail).await?;
        let commit = if self.events.is_empty() {
            None
        } else {
            Some(Commit { events: self.events, redactions: self.redactions, head: self.head })
        };
        Ok(Committed { tail, commit, redacted_by: self.redacted_by })
    }

    /// The receipt of the time before, if these very commands have been accepted before.
    fn repeated(&self, bodies: &[(CommandKey, [u8; 32])]) -> Result<Option<Receipt>, UnitError> {
        let before: Vec<&Acceptance> = bodies.iter().filter_map(|(key, _)| self.accepted.get(key)).collect();
        let distinct: HashSet<&CommandKey> = bodies.iter().map(|(key, _)| key).collect();
        if distinct.len() < bodies.len() {
            return Err(UnitError::CommandReused);
        }
        let Some(first) = before.first() else { return Ok(None) };
        let same = before.len() == bodies.len()
            && bodies.iter().zip(&before).all(|((_, body), found)| found.body.is_none_or(|had| had == *body))
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
        let streams = decide::streams(command);
        self.know(streams.iter().cloned()).await?;
        if let Some(why) = streams.iter().find_map(|stream| self.unreadable.get(stream)) {
            return Ok(Err(UnitError::Unavailable(why.clone())));
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
            .filter(|event| domain::contract::kind(&event.meta.kind).is_some_and(|kind| kind.redacts))
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

    /// Makes sure that the state has these streams, or that they are known to be unreadable.
    async fn know(&mut self, streams: impl IntoIterator<Item = StreamId>) -> Result<(), Fault> {
        let missing: Vec<StreamId> = streams
            .into_iter()
            .filter(|stream| !self.state.contains(stream) && !self.unreadable.contains_key(stream))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        // A stream that a failed unit was taken out of may have events of this very batch.
        self.write().await?;
        let mut loaded: HashMap<StreamId, (Aggregate, u64)> =
            missing.into_iter().map(|stream| (stream.clone(), (Aggregate::empty(&stream), 0))).collect();
        for recorded in self.engine.load(&loaded.keys().cloned().collect::<Vec<_>>()).await? {
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
        Ok(())
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

fn key(command: &Command) -> CommandKey {
    (command.actor.to_string(), command.id)
}
