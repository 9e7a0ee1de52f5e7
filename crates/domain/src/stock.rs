//! How many there are, and who they are kept for. A product's level and an order's reservation are streams of
//! their own, but what changes both is decided at once: all products of an order or none, and never more
//! than there are. A level holds no order, so everybody may see it.

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    catalog,
    command::{Actor, Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{OrderId, Sku, UserId},
};

/// The most pieces that can be received at a time, and be there altogether.
pub const MAX_PIECES: u32 = 1_000_000;

/// So many pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StockLine {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

/// What there was not enough of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shortage {
    /// Which product.
    pub sku: Sku,
    /// What it is called.
    pub title: String,
    /// How many were wanted.
    pub wanted: u32,
    /// How many could be had.
    pub available: u32,
}

/// What the customer is told.
impl std::fmt::Display for Shortage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { title, wanted, available, .. } = self;
        match available {
            0 => write!(f, "“{title}” is sold out: somebody bought the last one a moment ago."),
            1 => write!(f, "Only 1 of “{title}” is left, and {wanted} were wanted."),
            some => write!(f, "Only {some} of “{title}” are left, and {wanted} were wanted."),
        }
    }
}

payloads! {
    /// See [`crate::Event::StockReceived`].
    StockReceived {
        /// Which product.
        sku: Sku,
        /// How many came in.
        quantity: u32,
    }
    /// See [`crate::Event::StockLevelChanged`].
    LevelChanged {
        /// Which product.
        sku: Sku,
        /// How many there are.
        on_hand: u32,
        /// How many of them are kept for nobody yet.
        available: u32,
    }
    /// See [`crate::Event::StockReserved`].
    StockReserved {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What is kept for it.
        lines: Vec<StockLine>,
    }
    /// See [`crate::Event::StockRejected`].
    StockRejected {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What was wanted.
        lines: Vec<StockLine>,
        /// What there was not enough of.
        short: Vec<Shortage>,
    }
    /// See [`crate::Event::StockReleased`].
    StockReleased {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What is not kept for it any more.
        lines: Vec<StockLine>,
    }
    /// See [`crate::Event::StockCommitted`].
    StockCommitted {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What has left the house.
        lines: Vec<StockLine>,
    }
    /// See [`crate::Event::StockReturned`].
    StockReturned {
        /// From which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What came back.
        lines: Vec<StockLine>,
    }
    /// Command `stock.receive`.
    #[serde(deny_unknown_fields)]
    Receive {
        /// Which product.
        sku: Sku,
        /// How many came in.
        quantity: u32,
    }
    /// Command `stock.reserve`.
    #[serde(deny_unknown_fields)]
    Reserve {
        /// For which order.
        order: OrderId,
    }
    /// Command `stock.release`.
    #[serde(deny_unknown_fields)]
    Release {
        /// For which order.
        order: OrderId,
    }
    /// Command `stock.commit`.
    #[serde(deny_unknown_fields)]
    Commit {
        /// For which order.
        order: OrderId,
    }
    /// Command `stock.take_back`.
    #[serde(deny_unknown_fields)]
    TakeBack {
        /// From which order.
        order: OrderId,
    }
}

refusals! {
    /// Nothing has this SKU.
    NoProduct {
        /// What was asked for.
        sku: Sku,
    } = NotFound "stock.no_product" "There is no product “{sku}”. List it first.";
    /// The quantity is out of bounds.
    BadQuantity = Invalid "stock.bad_quantity" "Between 1 and {MAX_PIECES} pieces can be received, and no more can be there altogether.";
}

/// What the stream `stock-<sku>` has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// How many there are.
    pub on_hand: u32,
    /// How many of them are kept for nobody yet.
    pub available: u32,
}

/// How far a reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The products are kept for the order.
    Reserved,
    /// There was not enough.
    Rejected,
    /// They were given free again.
    Released,
    /// They have left the house.
    Committed,
    /// They came back.
    Returned,
}

/// What the stream `reservation-<order>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose order it is for.
    pub customer: UserId,
    /// The products.
    pub lines: Vec<StockLine>,
    /// How far it is.
    pub kept: Kept,
}

/// Folds one event of a level's stream.
pub fn fold_level(level: &mut Option<Level>, event: &Event) {
    if let Event::StockLevelChanged(e) = event {
        *level = Some(Level { on_hand: e.on_hand, available: e.available });
    }
}

/// Folds one event of a reservation's stream.
pub fn fold_reservation(reservation: &mut Option<Reservation>, event: &Event) {
    let (customer, lines, kept) = match event {
        Event::StockReserved(e) => (e.customer, &e.lines, Kept::Reserved),
        Event::StockRejected(e) => (e.customer, &e.lines, Kept::Rejected),
        Event::StockReleased(e) => (e.customer, &e.lines, Kept::Released),
        Event::StockCommitted(e) => (e.customer, &e.lines, Kept::Committed),
        Event::StockReturned(e) => (e.customer, &e.lines, Kept::Returned),
        _ => return,
    };
    *reservation = Some(Reservation { customer, lines: lines.clone(), kept });
}

fn level(state: &State, sku: &Sku) -> Level {
    state.stock(sku).copied().unwrap_or_default()
}

fn changed(sku: &Sku, Level { on_hand, available }: Level) -> Event {
    LevelChanged { sku: sku.clone(), on_hand, available }.into()
}

/// The reservation's event, and with it the new level of every product.
fn with_levels(
    state: &State,
    event: impl Into<Event>,
    lines: &[StockLine],
    change: fn(Level, u32) -> Level,
) -> Vec<Event> {
    let levels = lines.iter().map(|line| changed(&line.sku, change(level(state, &line.sku), line.quantity)));
    [event.into()].into_iter().chain(levels).collect()
}

pub(crate) fn receive(state: &State, command: &Command, wanted: &Receive) -> Decision {
    // What is at the gates of a warehouse is known there.
    if !matches!(command.actor, Actor::External(_)) {
        account::staff_or_service(state, command)?;
    }
    let (sku, quantity) = (wanted.sku.clone(), wanted.quantity);
    catalog::product(state, &sku).map_err(|_| Refusal::NoProduct { sku: sku.clone() })?;
    let Level { on_hand, available } = level(state, &sku);
    let on_hand = on_hand
        .checked_add(quantity)
        .filter(|on_hand| quantity > 0 && *on_hand <= MAX_PIECES)
        .ok_or(Refusal::BadQuantity)?;
    let level = changed(&sku, Level { on_hand, available: available.saturating_add(quantity) });
    Ok(vec![StockReceived { sku, quantity }.into(), level])
}

pub(crate) fn reserve(state: &State, command: &Command, wanted: &Reserve) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let (Some(placed), None) = (state.order(order), state.reservation(order)) else { return Ok(vec![]) };
    let customer = placed.customer;
    let lines: Vec<StockLine> = placed
        .lines
        .iter()
        .map(|line| StockLine { sku: line.sku.clone(), quantity: line.quantity })
        .collect();
    let short: Vec<Shortage> = placed
        .lines
        .iter()
        .map(|line| Shortage {
            sku: line.sku.clone(),
            title: line.title.clone(),
            wanted: line.quantity,
            available: level(state, &line.sku).available,
        })
        .filter(|line| line.available < line.wanted)
        .collect();
    if !short.is_empty() {
        return Ok(vec![StockRejected { order, customer, lines, short }.into()]);
    }
    let reserved = StockReserved { order, customer, lines: lines.clone() };
    Ok(with_levels(state, reserved, &lines, |level, quantity| Level {
        available: level.available.saturating_sub(quantity),
        ..level
    }))
}

/// The order's reservation, if it is just so far.
fn kept(state: &State, order: OrderId, kept: Kept) -> Option<(UserId, Vec<StockLine>)> {
    state
        .reservation(order)
        .filter(|found| found.kept == kept)
        .map(|found| (found.customer, found.lines.clone()))
}

pub(crate) fn release(state: &State, command: &Command, wanted: &Release) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let Some((customer, lines)) = kept(state, order, Kept::Reserved) else { return Ok(vec![]) };
    let released = StockReleased { order, customer, lines: lines.clone() };
    Ok(with_levels(state, released, &lines, |level, quantity| Level {
        available: level.available.saturating_add(quantity),
        ..level
    }))
}

pub(crate) fn commit(state: &State, command: &Command, wanted: &Commit) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let Some((customer, lines)) = kept(state, order, Kept::Reserved) else { return Ok(vec![]) };
    let committed = StockCommitted { order, customer, lines: lines.clone() };
    Ok(with_levels(state, committed, &lines, |level, quantity| Level {
        on_hand: level.on_hand.saturating_sub(quantity),
        ..level
    }))
}

pub(crate) fn take_back(state: &State, command: &Command, wanted: &TakeBack) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let Some((customer, lines)) = kept(state, order, Kept::Committed) else { return Ok(vec![]) };
    let returned = StockReturned { order, customer, lines: lines.clone() };
    Ok(with_levels(state, returned, &lines, |level, quantity| Level {
        on_hand: level.on_hand.saturating_add(quantity),
        available: level.available.saturating_add(quantity),
    }))
}
