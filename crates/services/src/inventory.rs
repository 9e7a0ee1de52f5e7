//! Keeps products for orders, gives them free, lets them go, and takes them back. All products of an order or
//! none, and never more than there are: the contract decides that, for all of an order's products at once.

use domain::Envelope;

use crate::{
    Failure, Faults, Reaction, Reactor,
    steps::{REQUESTS, carry_out},
};

/// The service that keeps the stock.
#[derive(Clone, Default)]
pub struct Inventory {
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl Reactor for Inventory {
    const NAME: &'static str = "inventory";
    const PATTERNS: &'static [&'static str] = REQUESTS;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        carry_out::<Self>(&self.faults, event, unit).await
    }
}
