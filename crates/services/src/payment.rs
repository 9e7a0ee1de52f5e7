//! Holds the money for an order in the customer's wallet, takes it, and gives it back. What the wallet has to
//! spend, the contract decides.

use domain::{Envelope, order::Step, payment::AuthorizePayment};

use crate::{
    Failure, Faults, Reaction, Reactor,
    steps::{REQUESTS, asked_of},
};

/// The service that moves money.
#[derive(Clone, Default)]
pub struct Payment {
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl Reactor for Payment {
    const NAME: &'static str = "payment";
    const PATTERNS: &'static [&'static str] = REQUESTS;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        if let Some((order, step)) = asked_of::<Self>(event) {
            self.faults.drag(Self::NAME).await;
            let intent = match step {
                Step::Authorize => {
                    AuthorizePayment { order, simulate_fault: self.faults.fails_payment() }.into()
                }
                other => other.intent(order),
            };
            unit.command(step.name(), intent);
        }
        Ok(())
    }
}
