//! Placing orders and what the customer and the desk do with them.

use domain::{
    Actor, Cents, Currency, Event, OrderId, Position, UserId,
    cart::CheckedOut,
    order::{
        Abort, Cancel, CancelReason, Claim, Confirm, Deliver, Dispatch, Expire, MAX_ADDRESS, MAX_REASON,
        OrderCancelled, OrderClaimed, OrderConfirmed, OrderDelivered, OrderDispatched, OrderLine,
        OrderPlaced, OrderRefunded, OrderTimedOut, Place, Refund, Wait,
    },
    review::{
        ApproveReview, CheckReview, LARGE_ORDER, MANY_ORDERS, RECENT_MILLIS, RejectReview, ReviewApproved,
        ReviewCleared, ReviewFlag, ReviewFlagged, ReviewRejected,
    },
};
use uuid::Uuid;

use super::{
    THIS, given,
    shelves::{added, repriced, retired, shelves},
};
use crate::common::{ADA, BO, CYRIL, OLGA, PEOPLE, instant, shop::service, sku};

/// The order that is there already, placed by Ada.
pub(super) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0d));
const NONE: OrderId = OrderId(Uuid::from_u128(0x404));

/// Ada's order of two mugs and a lamp.
pub(super) fn placed() -> OrderPlaced {
    let line = |number: &str, title: &str, quantity, cents| OrderLine {
        sku: sku(number),
        title: title.into(),
        quantity,
        price_cents: Cents(cents),
    };
    OrderPlaced {
        order: ORDER,
        customer: ADA,
        name: "Ada".into(),
        lines: vec![line("lamp", "Lamp", 1, 9_900), line("mug", "Mug", 2, 1_250)],
        total_cents: Cents(12_400),
        currency: Currency::Eur,
        address: None,
        recent_orders: 1,
    }
}

pub(super) fn confirmed() -> Event {
    OrderConfirmed { order: ORDER, customer: ADA }.into()
}

fn dispatched(by: UserId) -> Event {
    OrderDispatched { order: ORDER, customer: ADA, by, name: name(by) }.into()
}

fn delivered() -> Event {
    OrderDelivered { order: ORDER, customer: ADA }.into()
}

fn cancelled(by: Actor, reason: CancelReason, note: Option<&str>) -> Event {
    OrderCancelled { order: ORDER, customer: ADA, by, reason, note: note.map(str::to_owned) }.into()
}

fn refunded() -> Event {
    OrderRefunded { order: ORDER, customer: ADA, by: BO, total_cents: Cents(12_400), note: None }.into()
}

fn claimed(by: UserId) -> Event {
    OrderClaimed { order: ORDER, customer: ADA, by, name: name(by) }.into()
}

fn name(user: UserId) -> String {
    PEOPLE.iter().find(|(id, ..)| *id == user).expect("one of the people").2.into()
}

/// The order at every status: placed, confirmed, dispatched, delivered, cancelled, refunded.
fn at_every_status() -> [Vec<Event>; 6] {
    let so_far = |more: &[Event]| [&[placed().into()], more].concat();
    [
        so_far(&[]),
        so_far(&[confirmed()]),
        so_far(&[confirmed(), dispatched(BO)]),
        so_far(&[confirmed(), dispatched(BO), delivered()]),
        so_far(&[cancelled(Actor::User(ADA), CancelReason::Asked, None)]),
        so_far(&[confirmed(), dispatched(BO), delivered(), refunded()]),
    ]
}

fn place(cents: i64) -> Place {
    Place { expected_total_cents: Cents(cents), address: None }
}

fn full_cart() -> Vec<Event> {
    shelves().into_iter().chain([added("mug", 2, 1_250), added("lamp", 1, 9_900)]).collect()
}

#[test]
fn an_order_has_the_id_of_its_command_and_empties_the_cart() {
    let order = OrderId(Uuid::from_u128(THIS));
    let head = Position((PEOPLE.len() + full_cart().len()) as u64);
    let address = Some("12 St James's Square".to_owned());
    let wish = Place { address: Some(" 12 St James's Square\n".into()), ..place(12_400) };
    given(full_cart()).when(ADA, wish).then([
        OrderPlaced { order, address, ..placed() }.into(),
        CheckedOut { user: ADA, order, at: instant(head) }.into(),
    ]);
}

#[test]
fn there_must_be_something_to_order() {
    given(shelves()).when(ADA, place(0)).then_refused("order.cart_empty");
    given(full_cart()).when(CYRIL, place(12_400)).then_refused("order.cart_empty");
    given(full_cart()).when_actor(service(), place(12_400)).then_refused("account.sign_in_first");
}

#[test]
fn an_order_is_not_placed_at_a_price_that_nobody_has_seen() {
    let moved = || given(full_cart().into_iter().chain([repriced("mug", 1_500)]));
    let refusal = moved().when(ADA, place(12_400)).then_refused("order.price_moved");
    for part in ["“Mug”", "€12.50", "€15.00", "€129.00"] {
        assert!(refusal.to_string().contains(part), "{refusal}");
    }
    assert!(moved().when(ADA, place(12_900)).0.is_ok(), "who has seen the new price may have it");
    let refusal = given(full_cart()).when(ADA, place(2_500)).then_refused("order.total_moved");
    assert!(refusal.to_string().contains("€124.00") && refusal.to_string().contains("€25.00"), "{refusal}");
}

#[test]
fn what_is_not_sold_any_more_is_not_ordered() {
    let refusal = given(full_cart().into_iter().chain([retired("mug")]))
        .when(ADA, place(12_400))
        .then_refused("order.product_retired");
    assert!(refusal.to_string().contains("“Mug”"), "{refusal}");
}

#[test]
fn an_address_is_bounded() {
    for bad in ["", " \n", "a\u{7}", &"x".repeat(MAX_ADDRESS + 1)] {
        let wish = Place { address: Some(bad.into()), ..place(12_400) };
        given(full_cart()).when(ADA, wish).then_refused("order.bad_address");
    }
}

#[test]
fn orders_within_ten_minutes_are_counted_and_older_ones_are_not() {
    let now = instant(Position((PEOPLE.len() + full_cart().len() + 7) as u64));
    let out = |ago: i64| Event::from(CheckedOut { user: ADA, order: ORDER, at: now.plus_millis(-ago) });
    for (checkouts, counted) in [
        (vec![RECENT_MILLIS; 7], 1),
        (vec![RECENT_MILLIS - 1; 7], 1 + u32::try_from(MANY_ORDERS).unwrap()),
        ([vec![RECENT_MILLIS + 1; 5], vec![5_000; 2]].concat(), 3),
    ] {
        let events = checkouts.into_iter().map(out).chain(full_cart());
        let placed = given(events).when(ADA, place(12_400)).0.expect("it is granted");
        let Event::OrderPlaced(placed) = &placed[0] else { panic!("{placed:?}") };
        assert_eq!(placed.recent_orders, counted);
    }
}

#[test]
fn a_customer_cancels_their_own_order_and_the_staff_any_until_it_has_arrived() {
    let cancel = |reason: Option<&str>| Cancel { order: ORDER, reason: reason.map(str::to_owned) };
    for (nth, so_far) in at_every_status().into_iter().enumerate() {
        for who in [ADA, BO] {
            let outcome = given(so_far.clone()).when(who, cancel(Some(" too late ")));
            match nth {
                0..=2 => outcome.then([cancelled(Actor::User(who), CancelReason::Asked, Some("too late"))]),
                4 => outcome.then_nothing(),
                _ => drop(outcome.then_refused("order.delivered")),
            }
        }
        let refusal = given(so_far).when(CYRIL, cancel(None)).then_refused("order.no_order");
        let unknown = given([]).when(CYRIL, cancel(None)).then_refused("order.no_order");
        assert_eq!(refusal, unknown, "somebody else's order is no order");
    }
    for bad in ["", "a\u{7}", &"x".repeat(MAX_REASON + 1)] {
        given([placed().into()]).when(ADA, cancel(Some(bad))).then_refused("order.bad_reason");
    }
    let external = Actor::External("x".into());
    given([placed().into()]).when_actor(external, cancel(None)).then_refused("account.sign_in_first");
}

#[test]
fn a_claim_is_won_once_and_who_lost_it_is_told_to_whom() {
    let claim = || Claim { order: ORDER };
    given([placed().into()]).when(BO, claim()).then([claimed(BO)]);
    let then = given([placed().into(), claimed(BO)]);
    then.when(BO, claim()).then_nothing();
    let refusal = then.when(OLGA, claim()).then_refused("order.claimed");
    assert!(refusal.to_string().starts_with("Bo claimed"), "{refusal}");
    then.when(ADA, claim()).then_refused("account.staff_only");
    given([]).when(BO, claim()).then_refused("order.no_order");
    let [.., cancelled, refunded] = at_every_status();
    given(cancelled).when(BO, claim()).then_refused("order.cancelled");
    given(refunded).when(BO, claim()).then_refused("order.closed");
}

#[test]
fn the_desk_dispatches_what_is_confirmed_and_who_was_second_is_told_who_was_first() {
    let dispatch = || Dispatch { order: ORDER };
    let expected = [
        "order.not_confirmed",
        "",
        "order.dispatched",
        "order.dispatched",
        "order.cancelled",
        "order.dispatched",
    ];
    for (so_far, code) in at_every_status().into_iter().zip(expected) {
        let outcome = given(so_far.clone()).when(OLGA, dispatch());
        match code {
            "" => outcome.then([dispatched(OLGA)]),
            code => {
                let refusal = outcome.then_refused(code);
                assert!(code != "order.dispatched" || refusal.to_string().starts_with("Bo "), "{refusal}");
            }
        }
        given(so_far).when(ADA, dispatch()).then_refused("account.staff_only");
    }
    given([placed().into(), confirmed(), dispatched(BO)]).when(BO, dispatch()).then_nothing();
    given([]).when(BO, Dispatch { order: NONE }).then_refused("order.no_order");
}

#[test]
fn the_desk_refunds_what_was_delivered() {
    let refund = || Refund { order: ORDER, reason: None };
    for (nth, so_far) in at_every_status().into_iter().enumerate() {
        let outcome = given(so_far.clone()).when(BO, refund());
        match nth {
            0..=2 => drop(outcome.then_refused("order.not_delivered")),
            3 => outcome.then([refunded()]),
            4 => drop(outcome.then_refused("order.cancelled")),
            _ => outcome.then_nothing(),
        }
        given(so_far).when(ADA, refund()).then_refused("account.staff_only");
    }
}

#[test]
fn a_service_is_never_told_no_about_an_order_and_nobody_else_may_speak_for_it() {
    let (order, customer) = (ORDER, ADA);
    let aborted = || cancelled(service(), CancelReason::OutOfStock, None);
    for (nth, so_far) in at_every_status().into_iter().enumerate() {
        let then = given(so_far);
        let confirm = then.when_actor(service(), Confirm { order });
        if nth == 0 {
            confirm.then([confirmed()])
        } else {
            confirm.then_nothing()
        }
        let deliver = then.when_actor(service(), Deliver { order });
        if nth == 2 {
            deliver.then([delivered()])
        } else {
            deliver.then_nothing()
        }
        let abort = then.when_actor(service(), Abort { order, reason: CancelReason::OutOfStock });
        if nth < 3 {
            abort.then([aborted()])
        } else {
            abort.then_nothing()
        }
        for (waiting_for, at) in [
            (Wait::Reserve, 0),
            (Wait::Review, 0),
            (Wait::Authorize, 0),
            (Wait::Dispatch, 1),
            (Wait::Delivery, 2),
        ] {
            let expire = then.when_actor(service(), Expire { order, waiting_for });
            let timed_out = OrderTimedOut { order, customer, waiting_for };
            if nth == at { expire.then([timed_out.into()]) } else { expire.then_nothing() }
        }
        for actor in [Actor::User(ADA), Actor::User(OLGA), Actor::External("x".into())] {
            then.when_actor(actor.clone(), Confirm { order }).then_refused("account.service_only");
            then.when_actor(actor.clone(), Deliver { order }).then_refused("account.service_only");
            then.when_actor(actor.clone(), Abort { order, reason: CancelReason::TimedOut })
                .then_refused("account.service_only");
            then.when_actor(actor.clone(), Expire { order, waiting_for: Wait::Review })
                .then_refused("account.service_only");
        }
    }
    given([]).when_actor(service(), Confirm { order: NONE }).then_nothing();
}

fn flagged() -> Event {
    ReviewFlagged { order: ORDER, customer: ADA, flags: vec![ReviewFlag::LargeOrder] }.into()
}

fn approved(by: UserId) -> Event {
    ReviewApproved { order: ORDER, customer: ADA, by, name: name(by), note: None }.into()
}

fn rejected(by: UserId) -> Event {
    ReviewRejected { order: ORDER, customer: ADA, by, name: name(by), note: None }.into()
}

#[test]
fn large_orders_and_those_of_the_hasty_wait_for_a_person() {
    let many = u32::try_from(MANY_ORDERS).unwrap();
    let check = || CheckReview { order: ORDER };
    for (total_cents, recent_orders, flags) in [
        (LARGE_ORDER, many, vec![]),
        (LARGE_ORDER.plus(Cents(1)), 1, vec![ReviewFlag::LargeOrder]),
        (Cents(1), many + 1, vec![ReviewFlag::ManyOrders]),
        (LARGE_ORDER.plus(Cents(1)), many + 1, vec![ReviewFlag::LargeOrder, ReviewFlag::ManyOrders]),
    ] {
        let then = given([OrderPlaced { total_cents, recent_orders, ..placed() }.into()]);
        let (order, customer) = (ORDER, ADA);
        let outcome = then.when_actor(service(), check());
        match flags.is_empty() {
            true => outcome.then([ReviewCleared { order, customer }.into()]),
            false => outcome.then([ReviewFlagged { order, customer, flags }.into()]),
        }
    }
    given([placed().into(), flagged()]).when_actor(service(), check()).then_nothing();
    given([]).when_actor(service(), check()).then_nothing();
    given([placed().into()]).when(OLGA, check()).then_refused("account.service_only");
}

#[test]
fn a_flagged_order_is_judged_once_and_who_was_second_is_told_who_was_first() {
    let approve = || ApproveReview { order: ORDER, reason: None };
    let reject = || RejectReview { order: ORDER, reason: None };
    let waiting = || given([placed().into(), flagged()]);
    waiting().when(BO, approve()).then([approved(BO)]);
    waiting().when(BO, reject()).then([rejected(BO)]);
    waiting().when(ADA, approve()).then_refused("account.staff_only");
    let then = given([placed().into(), flagged(), approved(BO)]);
    then.when(BO, approve()).then_nothing();
    for refusal in [
        then.when(OLGA, approve()).then_refused("review.approved"),
        then.when(OLGA, reject()).then_refused("review.approved"),
        then.when(BO, reject()).then_refused("review.approved"),
        given([placed().into(), flagged(), rejected(BO)])
            .when(OLGA, approve())
            .then_refused("review.rejected"),
    ] {
        assert!(refusal.to_string().starts_with("Bo "), "{refusal}");
    }
    given([placed().into()]).when(BO, approve()).then_refused("review.not_flagged");
    given([]).when(BO, reject()).then_refused("review.no_order");
    let gone = cancelled(Actor::User(ADA), CancelReason::Asked, None);
    given([placed().into(), flagged(), gone]).when(BO, approve()).then_refused("review.order_cancelled");
    let long = RejectReview { order: ORDER, reason: Some("x".repeat(MAX_REASON + 1)) };
    waiting().when(BO, long).then_refused("review.bad_reason");
}
