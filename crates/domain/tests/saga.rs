//! The saga: its table is total and is written down; and over generated days of a shop, with everything late,
//! repeated or out of luck, every order comes to an end in which nothing is lost and nothing is owed.
//!
//! The table as it was agreed is `tests/saga.txt`; after a change of the table, look at the difference that
//! `FREEZE=1 cargo nextest run -p domain --test saga` makes there.

mod common;

use std::{collections::BTreeMap, fmt::Write, fs};

use common::{
    ADA, BO, CYRIL, OLGA, samples,
    shop::{Shop, errands, open_for, order_of, service, stocked},
};
use domain::{
    Actor, Cents, Envelope, Event, OrderId, Sku, UserId,
    order::{
        Cancel, CancelReason, Dispatch, Refund, Status, Step, Wait,
        saga::{Action, Input, Phase, Saga, next},
    },
    review::ApproveReview,
    shipment::{DeliverShipment, FailShipment, ShipmentFault},
};
use proptest::prelude::*;
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(0x0d));

#[test]
fn the_table_is_total_and_is_what_was_agreed() {
    let mut table = String::new();
    for phase in Phase::ALL {
        writeln!(table, "{phase:?}").unwrap();
        for input in Input::ALL {
            let (then, actions) = next(phase, *input);
            let actions: Vec<String> = actions.iter().map(|action| format!("{action:?}")).collect();
            let change = if then == phase { "stays".to_owned() } else { format!("{then:?}") };
            let line = format!("    {:<20} {change:<12} {}", format!("{input:?}"), actions.join(", "));
            writeln!(table, "{}", line.trim_end()).unwrap();
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saga.txt");
    if std::env::var_os("FREEZE").is_some() {
        fs::write(file, &table).unwrap();
    }
    assert!(fs::read_to_string(file).unwrap() == table, "the saga's table is not what tests/saga.txt says");
}

#[test]
fn every_event_of_an_order_is_an_input_and_no_other_is() {
    let mut inputs = vec![];
    for event in samples::all() {
        let data: serde_json::Value = serde_json::from_str(event.data().get()).unwrap();
        let of_an_order = data.get("order").is_some() && data.get("customer").is_some();
        let input = Input::of(&event);
        let asked = matches!(event, Event::OrderStepRequested(_));
        assert_eq!(input.is_some(), of_an_order && !asked, "{}", event.kind().name);
        inputs.extend(input.map(|(_, input)| input));
    }
    for input in Input::ALL.iter().filter(|input| !matches!(input, Input::TimedOut(_))) {
        assert!(inputs.contains(input), "{input:?}");
    }
}

#[test]
fn every_wait_has_a_deadline_and_no_end_has_one() {
    let mut begun = BTreeMap::<Phase, Vec<Action>>::new();
    for (phase, input) in Phase::ALL.into_iter().flat_map(|p| Input::ALL.iter().map(move |i| (p, *i))) {
        let (then, actions) = next(phase, input);
        let set = actions.iter().filter(|action| matches!(action, Action::SetDeadline(_))).count();
        let cleared = actions.contains(&Action::ClearDeadline);
        let waited = !phase.is_final() && phase != Phase::New;
        match (phase == then, then.is_final()) {
            (true, _) => assert!(set == 0 && !cleared, "{phase:?} {input:?}: nothing new to wait for"),
            (false, true) => assert!(set == 0 && cleared == waited, "{phase:?} {input:?}"),
            (false, false) => assert!(set == 1 && !cleared, "{phase:?} {input:?}"),
        }
        begun.entry(then).or_default().extend(actions);
        assert!(!phase.is_final() || then.is_final(), "{phase:?} {input:?} begins again");
    }
    for phase in Phase::ALL.into_iter().filter(|phase| !phase.is_final() && *phase != Phase::New) {
        let waits = begun[&phase].iter().filter_map(|action| match action {
            Action::SetDeadline(wait) => Some(*wait),
            _ => None,
        });
        for wait in waits {
            let (then, actions) = next(phase, Input::TimedOut(wait));
            assert_eq!(then, Phase::Cancelled, "{phase:?} ends when {wait:?} has passed");
            assert_eq!(actions.first(), Some(&Action::Abort(CancelReason::TimedOut)));
            assert!(wait.limit().as_secs() >= 30);
        }
    }
}

#[test]
fn the_actions_of_a_step_are_told_apart_by_their_labels() {
    for (phase, input) in Phase::ALL.into_iter().flat_map(|p| Input::ALL.iter().map(move |i| (p, *i))) {
        let (_, actions) = next(phase, input);
        let mut labels: Vec<&str> = actions.iter().map(|action| action.label()).collect();
        let all = labels.len();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), all, "{actions:?}");
        for action in actions {
            let deadline = matches!(action, Action::SetDeadline(_) | Action::ClearDeadline);
            assert_eq!(action.intent(ORDER).is_none(), deadline, "{action:?}");
        }
    }
}

#[test]
fn a_saga_is_kept_as_json_and_hears_of_its_own_order_only() {
    let events = samples::all();
    let placed = events.iter().find(|event| matches!(event, Event::OrderPlaced(_))).unwrap();
    let mut elsewhere = Saga::new(ORDER);
    let before = elsewhere.clone();
    for event in &events {
        assert_eq!(elsewhere.step(event), vec![], "{event:?} is of another order");
    }
    assert_eq!(elsewhere, before);
    let (order, _) = Input::of(placed).unwrap();
    let mut saga = Saga::new(order);
    assert_eq!(saga.step(placed), [Action::Request(Step::Reserve), Action::SetDeadline(Wait::Reserve)]);
    let json = serde_json::to_string(&saga).unwrap();
    assert_eq!(serde_json::from_str::<Saga>(&json).unwrap(), saga);
    assert_eq!(json, format!(r#"{{"order":"{order}","phase":"reserving"}}"#));
}

/// The kinds of everything that happened to an order, in order.
fn story(shop: &Shop, order: OrderId) -> Vec<&'static str> {
    let of = |envelope: &&Envelope| Input::of(&envelope.event).is_some_and(|(found, _)| found == order);
    shop.log.envelopes.iter().filter(of).map(|envelope| envelope.event.kind().name).collect()
}

#[test]
fn an_order_goes_its_way_from_being_placed_to_being_paid() {
    let mut shop = stocked();
    let order = order_of(&mut shop, ADA, "mug", 2);
    shop.settle();
    assert_eq!(shop.deadlines.get(&order), Some(&Wait::Dispatch));
    assert!(shop.run(Actor::User(BO), Dispatch { order }));
    shop.settle();
    assert_eq!(shop.deadlines.get(&order), Some(&Wait::Delivery));
    assert!(shop.run(service(), DeliverShipment { order }));
    shop.settle();
    let delivered = [
        "order.placed",
        "stock.reserved",
        "review.cleared",
        "payment.authorized",
        "order.confirmed",
        "shipment.created",
        "order.dispatched",
        "stock.committed",
        "shipment.dispatched",
        "shipment.delivered",
        "order.delivered",
        "payment.captured",
    ];
    assert_eq!(story(&shop, order), delivered);
    assert_eq!((shop.sagas[&order].phase, shop.deadlines.len()), (Phase::Done, 0));
    assert!(shop.run(Actor::User(BO), Refund { order, reason: None }));
    shop.settle();
    assert_eq!(
        story(&shop, order)[delivered.len()..],
        ["order.refunded", "payment.refunded", "stock.returned"]
    );
    Books::of(&shop).balance(&shop);
}

#[test]
fn the_last_one_is_sold_once_and_the_other_customer_is_told_what_was_short() {
    let mut shop = stocked();
    let mine = order_of(&mut shop, ADA, "mug", 4);
    let theirs = order_of(&mut shop, CYRIL, "mug", 2);
    shop.settle();
    assert_eq!(shop.sagas[&mine].phase, Phase::Dispatching);
    assert_eq!(story(&shop, theirs), ["order.placed", "stock.rejected", "order.cancelled"]);
    let told = shop.log.envelopes.iter().find_map(|envelope| match &envelope.event {
        Event::StockRejected(e) => Some(e.short[0].to_string()),
        _ => None,
    });
    let sentence = "Only 1 of “Mug” is left, and 2 were wanted.";
    assert_eq!(told.as_deref(), Some(sentence));
}

#[test]
fn an_order_that_is_large_waits_for_a_person() {
    let mut shop = stocked();
    let order = order_of(&mut shop, ADA, "sofa", 2);
    shop.settle();
    assert_eq!(story(&shop, order), ["order.placed", "stock.reserved", "review.flagged"]);
    assert!(shop.run(Actor::User(OLGA), ApproveReview { order, reason: None }));
    shop.settle();
    assert_eq!(shop.sagas[&order].phase, Phase::Dispatching);
}

#[test]
fn a_cancelled_order_is_undone_whenever_it_is_cancelled() {
    // After so many steps of the saga the customer changes their mind.
    for steps in 0..40 {
        let mut shop = stocked();
        let order = order_of(&mut shop, ADA, "mug", 1);
        for _ in 0..steps {
            if !shop.hear() && !shop.act(order) && !shop.serve(order, false) {
                shop.run(Actor::User(BO), Dispatch { order });
            }
        }
        assert!(shop.run(Actor::User(ADA), Cancel { order, reason: None }));
        shop.settle();
        assert_eq!(shop.sagas[&order].phase, Phase::Cancelled, "after {steps} steps");
        let books = Books::of(&shop);
        books.balance(&shop);
        assert!(books.held.values().chain(books.taken.values()).all(|amount| *amount == Cents::ZERO));
    }
}

#[test]
fn what_comes_too_late_is_undone() {
    let mut shop = stocked();
    let order = order_of(&mut shop, ADA, "mug", 1);
    // The stock and the money are asked for, but the saga hears of the answers only after it was cancelled.
    while shop.sagas.get(&order).is_none_or(|saga| saga.phase != Phase::Authorizing) {
        shop.hear();
        shop.act(order);
        shop.serve(order, false);
    }
    assert!(shop.run(Actor::User(ADA), Cancel { order, reason: None }));
    shop.settle();
    let story = story(&shop, order);
    assert!(story.contains(&"payment.voided") && story.contains(&"stock.released"), "{story:?}");
    Books::of(&shop).balance(&shop);
}

#[test]
fn the_desk_may_be_quicker_than_whoever_makes_the_parcel() {
    let mut shop = stocked();
    let order = order_of(&mut shop, ADA, "mug", 1);
    while !shop.run(Actor::User(BO), Dispatch { order }) {
        assert!(shop.hear() || shop.act(order) || shop.serve(order, false));
    }
    assert!(!story(&shop, order).contains(&"shipment.created"));
    shop.settle();
    assert!(shop.run(service(), DeliverShipment { order }));
    shop.settle();
    assert_eq!(shop.sagas[&order].phase, Phase::Done, "{:?}", story(&shop, order));
}

#[test]
fn a_parcel_that_does_not_arrive_costs_nothing() {
    let mut shop = stocked();
    let order = order_of(&mut shop, ADA, "mug", 1);
    shop.settle();
    shop.run(Actor::User(BO), Dispatch { order });
    shop.settle();
    assert!(shop.run(service(), FailShipment { order, reason: ShipmentFault::Lost }));
    shop.settle();
    let story = story(&shop, order);
    let end = ["shipment.failed", "order.cancelled", "payment.voided", "stock.returned"];
    assert_eq!(story[story.len() - 4..], end);
    Books::of(&shop).balance(&shop);
}

/// Everything added up from the log once more, knowing nothing of how it is decided.
#[derive(Debug, Default)]
struct Books {
    received: BTreeMap<Sku, i64>,
    reserved: BTreeMap<Sku, i64>,
    sold: BTreeMap<Sku, i64>,
    level: BTreeMap<Sku, (i64, i64)>,
    paid_in: BTreeMap<UserId, Cents>,
    held: BTreeMap<UserId, Cents>,
    taken: BTreeMap<UserId, Cents>,
    status: BTreeMap<OrderId, Status>,
    ended: BTreeMap<OrderId, Vec<&'static str>>,
}

impl Books {
    fn of(shop: &Shop) -> Self {
        let mut books = Self::default();
        for envelope in &shop.log.envelopes {
            books.enter(&envelope.event);
            for (sku, (on_hand, available)) in &books.level {
                let kept = books.reserved.get(sku).copied().unwrap_or(0);
                assert!(*available >= 0 && *on_hand >= *available, "{sku}: {books:#?}");
                // The level follows in the same decision: at its own event the books agree.
                if matches!(&envelope.event, Event::StockLevelChanged(e) if e.sku == *sku) {
                    assert_eq!(*available, *on_hand - kept, "{sku} after {:?}", envelope.event);
                }
            }
            for (user, held) in &books.held {
                let balance = books.balance_of(*user);
                assert!(*held >= Cents::ZERO && balance >= *held, "{user:?}: {books:#?}");
            }
        }
        books
    }

    fn balance_of(&self, user: UserId) -> Cents {
        let amount = |of: &BTreeMap<UserId, Cents>| of.get(&user).copied().unwrap_or_default();
        amount(&self.paid_in).minus(amount(&self.taken))
    }

    fn enter(&mut self, event: &Event) {
        fn add(to: &mut BTreeMap<UserId, Cents>, user: UserId, amount: i64) {
            let sum = to.entry(user).or_default();
            *sum = sum.checked_add(Cents(amount)).expect("small amounts");
        }
        let mut pieces = |lines: &[domain::stock::StockLine], reserved: i64, sold: i64| {
            for line in lines {
                *self.reserved.entry(line.sku.clone()).or_default() += reserved * i64::from(line.quantity);
                *self.sold.entry(line.sku.clone()).or_default() += sold * i64::from(line.quantity);
            }
        };
        match event {
            Event::StockReceived(e) => {
                *self.received.entry(e.sku.clone()).or_default() += i64::from(e.quantity)
            }
            Event::StockLevelChanged(e) => {
                self.level.insert(e.sku.clone(), (e.on_hand.into(), e.available.into()));
            }
            Event::StockReserved(e) => pieces(&e.lines, 1, 0),
            Event::StockReleased(e) => pieces(&e.lines, -1, 0),
            Event::StockCommitted(e) => pieces(&e.lines, -1, 1),
            Event::StockReturned(e) => pieces(&e.lines, 0, -1),
            Event::WalletOpened(e) => add(&mut self.paid_in, e.user, e.credit_cents.0),
            Event::WalletDeposited(e) => add(&mut self.paid_in, e.user, e.amount_cents.0),
            Event::PaymentAuthorized(e) => add(&mut self.held, e.customer, e.amount_cents.0),
            Event::PaymentVoided(e) => add(&mut self.held, e.customer, -e.amount_cents.0),
            Event::PaymentCaptured(e) => {
                add(&mut self.held, e.customer, -e.amount_cents.0);
                add(&mut self.taken, e.customer, e.amount_cents.0);
            }
            Event::PaymentRefunded(e) => add(&mut self.taken, e.customer, -e.amount_cents.0),
            _ => {}
        }
        let (order, status) = match event {
            Event::OrderPlaced(e) => (e.order, Status::Placed),
            Event::OrderConfirmed(e) => (e.order, Status::Confirmed),
            Event::OrderDispatched(e) => (e.order, Status::Dispatched),
            Event::OrderDelivered(e) => (e.order, Status::Delivered),
            Event::OrderCancelled(e) => (e.order, Status::Cancelled),
            Event::OrderRefunded(e) => (e.order, Status::Refunded),
            _ => return,
        };
        self.status.insert(order, status);
        let ends = self.ended.entry(order).or_default();
        if matches!(status, Status::Delivered | Status::Cancelled | Status::Refunded) {
            ends.push(event.kind().name);
        }
    }

    /// Once nothing is going on any more: what was received is there or sold, nothing is kept or held for
    /// anybody, and exactly what was delivered is paid.
    fn balance(&self, shop: &Shop) {
        for (sku, (on_hand, available)) in &self.level {
            let sold = self.sold.get(sku).copied().unwrap_or(0);
            let kept = self.reserved.get(sku).copied().unwrap_or(0);
            assert_eq!(self.received[sku], on_hand + sold, "{sku}: {self:#?}");
            assert!(kept == 0 && on_hand == available, "{sku} is kept for nobody: {self:#?}");
        }
        let (mut owed, mut gone) = (BTreeMap::<UserId, i64>::new(), BTreeMap::<Sku, i64>::new());
        for envelope in &shop.log.envelopes {
            let Event::OrderPlaced(e) = &envelope.event else { continue };
            if self.status[&e.order] == Status::Delivered {
                *owed.entry(e.customer).or_default() += e.total_cents.0;
                for line in &e.lines {
                    *gone.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
                }
            }
        }
        for (user, taken) in &self.taken {
            assert_eq!(taken.0, owed.get(user).copied().unwrap_or(0), "{user:?}: {self:#?}");
        }
        for (sku, sold) in &self.sold {
            assert_eq!(*sold, gone.get(sku).copied().unwrap_or(0), "{sku}: {self:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_order_comes_to_an_end_in_which_nothing_is_lost_and_nothing_is_owed(errands in errands(220)) {
        let mut shop = open_for(&errands);
        Books::of(&shop);
        shop.close();
        let books = Books::of(&shop);
        books.balance(&shop);
        prop_assert!(books.held.values().all(|held| *held == Cents::ZERO), "{:#?}", books);
        for (order, status) in &books.status {
            let phase = shop.sagas[order].phase;
            prop_assert!(phase.is_final(), "{:?} is {:?}", order, phase);
            let agreed = match phase {
                Phase::Done => Status::Delivered,
                Phase::Refunded => Status::Refunded,
                _ => Status::Cancelled,
            };
            prop_assert_eq!(*status, agreed, "{:?}: {:?}", order, story(&shop, *order));
            let ends: &[&str] = if phase == Phase::Refunded { &["order.delivered", "order.refunded"] } else { &[status_event(*status)] };
            prop_assert_eq!(&books.ended[order], ends);
        }
    }

    #[test]
    fn hearing_everything_twice_changes_nothing(errands in errands(120)) {
        let mut shop = open_for(&errands);
        shop.close();
        let before = shop.log.head();
        for envelope in shop.log.envelopes.clone() {
            let Some((order, _)) = Input::of(&envelope.event) else { continue };
            let saga = shop.sagas.get_mut(&order).expect("every order has a saga");
            for action in saga.step(&envelope.event) {
                let intent = match action {
                    Action::Request(step) => Some(step.intent(order)),
                    other => other.intent(order),
                };
                if let Some(intent) = intent {
                    shop.run(service(), intent);
                }
            }
        }
        prop_assert_eq!(shop.log.head(), before, "what is undone once is not undone twice");
    }
}

fn status_event(status: Status) -> &'static str {
    match status {
        Status::Delivered => "order.delivered",
        _ => "order.cancelled",
    }
}

#[test]
fn the_generated_days_see_every_phase_end_in_every_way() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut ends = BTreeMap::<String, usize>::new();
    let mut moves = BTreeMap::<(Phase, String), usize>::new();
    for _ in 0..150 {
        let mut shop = open_for(&errands(400).new_tree(&mut runner).unwrap().current());
        shop.close();
        let mut sagas = BTreeMap::<OrderId, Saga>::new();
        for envelope in &shop.log.envelopes {
            if let Event::OrderCancelled(e) = &envelope.event {
                *ends.entry(format!("{:?}", e.reason)).or_default() += 1;
            }
            let Some((order, input)) = Input::of(&envelope.event) else { continue };
            let saga = sagas.entry(order).or_insert_with(|| Saga::new(order));
            let before = saga.phase;
            saga.step(&envelope.event);
            if saga.phase != before {
                *moves.entry((before, format!("{input:?}"))).or_default() += 1;
            }
        }
        for saga in shop.sagas.values() {
            *ends.entry(format!("{:?}", saga.phase)).or_default() += 1;
        }
    }
    for end in [
        "Done",
        "Cancelled",
        "Refunded",
        "Asked",
        "OutOfStock",
        "ReviewRejected",
        "PaymentDeclined",
        "DeliveryFailed",
        "TimedOut",
    ] {
        assert!(ends.get(end).copied() > Some(5), "too few {end}: {ends:?}");
    }
    assert!(moves.len() >= 20, "{moves:#?}");
}
