//! What the saga of an order asks a service for.

use domain::{Envelope, Event, OrderId, order::Step};

use crate::{Failure, Faults, Reaction, Reactor};

/// Where steps are asked for.
pub(crate) const REQUESTS: &[&str] = &["order.*.step_requested"];

/// The step that an event asks this service for, and of which order; nothing, if it is another's.
pub(crate) fn asked_of<R: Reactor>(event: &Envelope) -> Option<(OrderId, Step)> {
    match &event.event {
        Event::OrderStepRequested(e) if e.step.service() == R::NAME => Some((e.order, e.step)),
        _ => None,
    }
}

/// Does what an event asks this service for, if it does, as the contract says it is done.
pub(crate) async fn carry_out<R: Reactor>(
    faults: &Faults,
    event: &Envelope,
    unit: &mut Reaction,
) -> Result<(), Failure> {
    if let Some((order, step)) = asked_of::<R>(event) {
        faults.drag(R::NAME).await;
        unit.command(step.name(), step.intent(order));
    }
    Ok(())
}
