//! Dead letters: what a worker puts aside, what an operator says to it about that, and how it is handled again.

use std::collections::HashSet;

use domain::{Event, Pattern, Position};
use store::{Effect, Filter, LetterStatus};

use crate::{
    handler::Mail,
    reaction::Step,
    worker::{Halt, Worker, halted},
};

impl Worker {
    /// Heeds what was said to the service since it last listened.
    pub(crate) async fn listen(&mut self) -> Result<(), Halt> {
        let pattern = Pattern::new(format!("service.{}.>", self.name())).expect("a name is a token");
        let filter = Filter::everything().matching(pattern);
        loop {
            let head = self.handler.store.head();
            let page = self.handler.store.read(self.known.heard, &filter, 100).await?;
            for recorded in &page.events {
                let Ok(envelope) = recorded.decode() else { continue };
                match envelope.event {
                    Event::ServicePaused(_) => self.known.paused = true,
                    Event::ServiceResumed(_) => self.known.paused = false,
                    Event::ServiceDeadLetterRedriven(e) => {
                        let redrive = self.letters(e.key, None, LetterStatus::Redriving);
                        self.heed(vec![redrive], recorded.meta.position).await?;
                    }
                    Event::ServiceDeadLetterDiscarded(e) => {
                        let mut effects = vec![self.letters(e.key.clone(), e.at, LetterStatus::Discarded)];
                        if e.at.is_some() {
                            effects.push(self.letters(e.key, None, LetterStatus::Redriving));
                        }
                        self.heed(effects, recorded.meta.position).await?;
                    }
                    _ => {}
                }
            }
            self.known.heard = page.next;
            if page.next >= head {
                return Ok(());
            }
        }
    }

    /// Carries out what an operator has decided about dead letters, once.
    async fn heed(&mut self, effects: Vec<Effect>, position: Position) -> Result<(), Halt> {
        let from = self.known.heeded;
        let mut unit =
            Step { effects, ..Step::default() }.into_unit(self.handler.service.name(), from, position);
        if let Some(checkpoint) = &mut unit.checkpoint {
            checkpoint.reactor = self.stream().to_string();
        }
        halted(self.handler.store.execute(unit).await)?;
        self.known.heeded = position;
        self.known.redriving = true;
        self.count_letters().await
    }

    /// Handles again what an operator wants handled again, in order.
    pub(crate) async fn redrive(&mut self) -> Result<(), Halt> {
        loop {
            let store = self.handler.store.clone();
            let letters = store.letters(Some(self.name()), LetterStatus::Redriving, 100).await?;
            if letters.is_empty() {
                break;
            }
            // A key that fails is parked again as a whole. If an operator wants it again meanwhile, it is read again.
            let mut failed: HashSet<String> = HashSet::new();
            for letter in letters {
                if failed.contains(&letter.key) {
                    continue;
                }
                let before = Position(letter.position.0.saturating_sub(1));
                let found = store.read(before, &Filter::everything(), 1).await?.events;
                let mail = found.first().and_then(|found| self.handler.mail(found, Some(letter.attempts)));
                let (key, position) = (letter.key, letter.position);
                let done = match mail {
                    // The key may have been made in another way then; the letter's is the one that counts.
                    Some(mail) => self.deliver(&Mail { key: key.clone(), ..mail }, None).await?,
                    // The service does not listen to it any more.
                    None => {
                        let done = self.letters(key.clone(), Some(position), LetterStatus::Done);
                        let step = Step { effects: vec![done], ..Step::default() };
                        self.commit(step, self.known.saved).await?.map_err(Halt::Unavailable)?;
                        true
                    }
                };
                if !done {
                    failed.insert(key);
                }
            }
        }
        self.known.redriving = false;
        self.count_letters().await
    }

    /// Puts an event aside.
    pub(crate) async fn park(&mut self, mail: &Mail, error: String, attempts: u32) -> Result<(), Halt> {
        let attempts = attempts + mail.redriven.unwrap_or(0);
        tracing::error!(service = self.name(), position = %mail.position(), error, attempts, "an event is put aside");
        let mut step = Step::default();
        if mail.redriven.is_some() {
            step.effects.push(self.letters(mail.key.clone(), None, LetterStatus::Parked));
        }
        step.effects.push(self.letter(mail, &error, attempts));
        step.commands.extend(self.handler.parking(mail, &error, attempts));
        let to = self.passed(mail, &mut step);
        if let Err(refused) = self.commit(step, to).await? {
            // A service may always say that it has failed, so this is a fault of the contract.
            return Err(Halt::Unavailable(format!("An event cannot be put aside: {refused}")));
        }
        self.known.open.remove(&mail.position());
        self.count_letters().await
    }

    /// Puts an event behind a dead letter of its key.
    pub(crate) async fn put_behind(&mut self, mail: &Mail) -> Result<(), Halt> {
        let mut step = Step { effects: vec![self.behind(mail)], ..Step::default() };
        let to = self.passed(mail, &mut step);
        if let Err(refused) = self.commit(step, to).await? {
            return Err(Halt::Unavailable(format!("An event cannot be put aside: {refused}")));
        }
        self.known.open.remove(&mail.position());
        self.known.letters += 1;
        self.progress.parked(self.known.letters);
        Ok(())
    }

    pub(crate) fn behind(&self, mail: &Mail) -> Effect {
        self.letter(mail, "It waits behind an earlier event of the same key.", 0)
    }

    fn letter(&self, mail: &Mail, error: &str, attempts: u32) -> Effect {
        Effect::Park {
            reactor: self.name().to_owned(),
            key: mail.key.clone(),
            position: mail.position(),
            error: error.to_owned(),
            attempts,
        }
    }

    pub(crate) fn letters(&self, key: String, position: Option<Position>, status: LetterStatus) -> Effect {
        Effect::SetLetters { reactor: self.name().to_owned(), key, position, status }
    }

    pub(crate) async fn count_letters(&mut self) -> Result<(), Halt> {
        let keys = self.handler.store.parked_keys(self.name()).await?;
        self.known.letters = keys.iter().map(|(_, letters)| letters).sum();
        self.known.parked = keys.into_iter().map(|(key, _)| key).collect();
        self.progress.parked(self.known.letters);
        Ok(())
    }
}
