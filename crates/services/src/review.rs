//! Has a person look at orders that are unusual. What is unusual, the contract decides: an order says what it
//! comes to and how many the customer has placed lately.

use domain::Envelope;

use crate::{
    Failure, Faults, Reaction, Reactor,
    steps::{REQUESTS, carry_out},
};

/// The service that looks at orders first.
#[derive(Clone, Default)]
pub struct Review {
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl Reactor for Review {
    const NAME: &'static str = "review";
    const PATTERNS: &'static [&'static str] = REQUESTS;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        carry_out::<Self>(&self.faults, event, unit).await
    }
}
