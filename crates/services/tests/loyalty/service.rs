//! Ten points for every order that arrives, and a word of thanks.

use crate::{Failure, Reaction, Reactor};
use domain::{Envelope, Event, notification::Raise};

pub(crate) struct Loyalty;

impl Reactor for Loyalty {
    const NAME: &'static str = "loyalty";
    const PATTERNS: &'static [&'static str] = &["order.*.delivered"];

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::OrderDelivered(arrived) = &event.event else { return Ok(()) };
        let user = arrived.customer;
        let points = unit.state::<u64>(&user.to_string()).await?.unwrap_or(0) + 10;
        unit.save(&user.to_string(), &points)?;
        let text = format!("Thank you! You have {points} points now.");
        unit.command("thanks", Raise { user, text, link: None });
        Ok(())
    }
}
