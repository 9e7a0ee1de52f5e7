//! Makes the parcel of an order, sends it on its way, and calls it back. Where it is from then on, and that it has
//! arrived, the courier's device reports through the ingest.

use domain::Envelope;

use crate::{
    Failure, Faults, Reaction, Reactor,
    steps::{REQUESTS, carry_out},
};

/// The service that makes parcels.
#[derive(Clone, Default)]
pub struct Shipping {
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl Reactor for Shipping {
    const NAME: &'static str = "shipping";
    const PATTERNS: &'static [&'static str] = REQUESTS;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        carry_out::<Self>(&self.faults, event, unit).await
    }
}
