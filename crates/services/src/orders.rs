//! Runs the saga of every order: hears what has happened to it, and sends what is to be done next. What others
//! must do it asks them for, by an event that each of them finds when it comes to it.

use domain::{
    Envelope, StreamId,
    order::saga::{Action, Input, Saga},
};

use crate::{Failure, Reaction, Reactor, SequenceKey};

/// The service that drives the sagas. It remembers one for each order; the deadline of each is a timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Orders;

impl Reactor for Orders {
    const NAME: &'static str = "orders";

    /// What some phase answers to: a test holds this against the saga's table.
    const PATTERNS: &'static [&'static str] = &[
        "order.*.placed,order.*.dispatched,order.*.cancelled,order.*.refunded,order.*.timed_out",
        "stock.*.reserved,stock.*.rejected,stock.*.committed",
        "review.*.cleared,review.*.approved,review.*.rejected",
        "payment.*.authorized,payment.*.declined,payment.*.captured",
        "shipment.*.created,shipment.*.dispatched,shipment.*.delivered,shipment.*.failed",
    ];

    /// The order, whichever stream the event is in.
    fn key(event: &Envelope) -> SequenceKey {
        match Input::of(&event.event) {
            Some((order, _)) => SequenceKey::from(&StreamId::order(order)),
            None => SequenceKey::from(&event.meta.stream),
        }
    }

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Some((order, _)) = Input::of(&event.event) else { return Ok(()) };
        let key = order.to_string();
        let mut saga = unit.state(&key).await?.unwrap_or_else(|| Saga::new(order));
        for action in saga.step(&event.event) {
            match (action, action.intent(order)) {
                (_, Some(intent)) => drop(unit.command(action.label(), intent)),
                (Action::SetDeadline(wait), None) => {
                    unit.timer(&key, wait.limit(), wait.expiry(order));
                }
                (_, None) => unit.clear_timer(&key),
            }
        }
        unit.save(&key, &saga)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Pattern, Subject,
        order::saga::{Phase, next},
    };

    use super::*;

    /// What the saga's input is published as: `payment.x.authorized` for `PaymentAuthorized`.
    fn subject(input: Input) -> Subject {
        let name = match input {
            Input::TimedOut(_) => "order.timed_out".to_owned(),
            Input::PositionReported => "shipment.position_reported".to_owned(),
            other => {
                let name = format!("{other:?}");
                let second = name.rfind(char::is_uppercase).unwrap();
                format!("{}.{}", &name[..second], &name[second..]).to_lowercase()
            }
        };
        let (context, event) = name.split_once('.').unwrap();
        assert!(domain::contract::kind(&name).is_some(), "{name}");
        Subject::new(format!("{context}.x.{event}")).unwrap()
    }

    #[test]
    fn it_listens_to_what_some_phase_answers_to_and_to_nothing_else() {
        let patterns: Vec<Pattern> =
            Orders::PATTERNS.iter().map(|text| Pattern::new(*text).unwrap()).collect();
        for input in Input::ALL {
            let answered = Phase::ALL.into_iter().any(|phase| next(phase, *input) != (phase, vec![]));
            let subject = subject(*input);
            let heard = patterns.iter().any(|pattern| pattern.matches(&subject));
            // One of the deadlines is enough: they are one type.
            assert_eq!(heard, answered, "{input:?}");
        }
    }
}
