//! What the saga of an order asks the other services for.

use domain::{
    Actor, Cents, Currency, Event, OrderId,
    order::{OrderPlaced, RequestStep, Step, StepRequested},
};
use uuid::Uuid;

use super::given;
use crate::common::{ADA, BO, OLGA};

const ORDER: OrderId = OrderId(Uuid::from_u128(0x0d));

fn orders() -> Actor {
    Actor::Service("orders".into())
}

fn placed() -> Event {
    OrderPlaced {
        order: ORDER,
        customer: ADA,
        name: "Ada".into(),
        lines: vec![],
        total_cents: Cents(0),
        currency: Currency::Eur,
        address: None,
        recent_orders: 1,
    }
    .into()
}

#[test]
fn the_saga_asks_for_every_step_of_an_order_and_as_often_as_it_must() {
    let mut before = vec![placed()];
    for step in Step::ALL {
        let requested = Event::from(StepRequested { order: ORDER, customer: ADA, step });
        for _ in 0..2 {
            let given = given(before.clone());
            given.when_actor(orders(), RequestStep { order: ORDER, step }).then([requested.clone()]);
            before.push(requested.clone());
        }
    }
}

#[test]
fn of_an_order_that_is_not_there_nothing_is_asked_for() {
    let reserve = RequestStep { order: ORDER, step: Step::Reserve };
    given([]).when_actor(orders(), reserve).then_nothing();
}

#[test]
fn only_a_service_asks_for_a_step() {
    for who in [ADA, BO, OLGA] {
        for step in Step::ALL {
            let request = RequestStep { order: ORDER, step };
            given([placed()]).when(who, request).then_refused("account.service_only");
        }
    }
}
