//! What is kept and paid for an order, its parcel, and what people are told.

use domain::{
    Actor, Cents, Currency, Event, NotificationId, Position,
    notification::{
        EmailFailed, EmailSent, MAX_TEXT, MailFault, MarkNotificationsRead, NoteEmailFailure, NoteEmailSent,
        NotificationRaised, NotificationRead, Raise,
    },
    order::OrderPlaced,
    payment::{
        AuthorizePayment, CapturePayment, Decline, PaymentAuthorized, PaymentCaptured, PaymentDeclined,
        PaymentRefunded, PaymentVoided, RefundPayment, VoidPayment,
    },
    shipment::{
        CreateShipment, DeliverShipment, DispatchShipment, FailShipment, PositionReported, ReportPosition,
        ShipmentCreated, ShipmentDelivered, ShipmentDispatched, ShipmentFailed, ShipmentFault,
    },
    stock::{
        Commit, Release, Reserve, Shortage, StockCommitted, StockLine, StockRejected, StockReleased,
        StockReserved, StockReturned, TakeBack,
    },
    wallet::{Deposit, MAX_BALANCE, MAX_DEPOSIT, Open, WalletDeposited, WalletOpened},
};
use uuid::Uuid;

use super::{
    THIS, given,
    orders::{ORDER, confirmed, placed},
    shelves::level,
};
use crate::common::{ADA, BO, OLGA, shop::service, sku};

const TOTAL: Cents = Cents(12_400);

fn so_far(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    [placed().into()].into_iter().chain(more).collect()
}

fn lines() -> Vec<StockLine> {
    vec![StockLine { sku: sku("lamp"), quantity: 1 }, StockLine { sku: sku("mug"), quantity: 2 }]
}

fn reserved() -> Event {
    StockReserved { order: ORDER, customer: ADA, lines: lines() }.into()
}

fn committed() -> Event {
    StockCommitted { order: ORDER, customer: ADA, lines: lines() }.into()
}

#[test]
fn all_products_of_an_order_are_kept_or_none() {
    let shelves = |mugs| [level("lamp", 3, 1), level("mug", 5, mugs)];
    given(so_far(shelves(2))).when_actor(service(), Reserve { order: ORDER }).then([
        reserved(),
        level("lamp", 3, 0),
        level("mug", 5, 0),
    ]);
    let short = Shortage { sku: sku("mug"), title: "Mug".into(), wanted: 2, available: 1 };
    let rejected = |short| StockRejected { order: ORDER, customer: ADA, lines: lines(), short }.into();
    given(so_far(shelves(1)))
        .when_actor(service(), Reserve { order: ORDER })
        .then([rejected(vec![short.clone()])]);
    let lamp = Shortage { sku: sku("lamp"), title: "Lamp".into(), wanted: 1, available: 0 };
    given(so_far([]))
        .when_actor(service(), Reserve { order: ORDER })
        .then([rejected(vec![lamp.clone(), Shortage { available: 0, ..short }])]);
    assert_eq!(lamp.to_string(), "“Lamp” is sold out: somebody bought the last one a moment ago.");
    let few = Shortage { wanted: 5, available: 2, ..lamp };
    assert_eq!(few.to_string(), "Only 2 of “Lamp” are left, and 5 were wanted.");
}

#[test]
fn what_is_kept_is_released_or_leaves_and_what_left_comes_back() {
    let kept = || so_far([level("lamp", 3, 0), level("mug", 5, 1), reserved()]);
    let (order, customer) = (ORDER, ADA);
    given(kept()).when_actor(service(), Release { order }).then([
        StockReleased { order, customer, lines: lines() }.into(),
        level("lamp", 3, 1),
        level("mug", 5, 3),
    ]);
    given(kept()).when_actor(service(), Commit { order }).then([
        committed(),
        level("lamp", 2, 0),
        level("mug", 3, 1),
    ]);
    let gone = || so_far([level("lamp", 2, 0), level("mug", 3, 1), reserved(), committed()]);
    given(gone()).when_actor(service(), TakeBack { order }).then([
        StockReturned { order, customer, lines: lines() }.into(),
        level("lamp", 3, 1),
        level("mug", 5, 3),
    ]);
}

#[test]
fn the_stock_does_everything_once_and_only_in_its_turn() {
    let order = ORDER;
    let (customer, lines) = (ADA, lines);
    let ends: [(Vec<Event>, &str); 5] = [
        (vec![], "nothing was asked"),
        (vec![StockRejected { order, customer, lines: lines(), short: vec![] }.into()], "rejected"),
        (vec![reserved(), StockReleased { order, customer, lines: lines() }.into()], "released"),
        (vec![reserved(), committed()], "left"),
        (
            vec![reserved(), committed(), StockReturned { order, customer, lines: lines() }.into()],
            "came back",
        ),
    ];
    for (nth, (end, how)) in ends.into_iter().enumerate() {
        let then = given(so_far([level("lamp", 9, 9), level("mug", 9, 9)].into_iter().chain(end)));
        let events = |intent: domain::Intent| then.when_actor(service(), intent).0.expect(how).len();
        assert_eq!(events(Reserve { order }.into()), if nth == 0 { 3 } else { 0 }, "{how}");
        assert_eq!(events(Release { order }.into()), 0, "{how}");
        assert_eq!(events(Commit { order }.into()), 0, "{how}");
        assert_eq!(events(TakeBack { order }.into()), if nth == 3 { 3 } else { 0 }, "{how}");
    }
    given(so_far([reserved()])).when_actor(service(), TakeBack { order }).then_nothing();
    given([]).when_actor(service(), Reserve { order }).then_nothing();
    for actor in [Actor::User(OLGA), Actor::External("x".into())] {
        for intent in [
            domain::Intent::from(Reserve { order }),
            Release { order }.into(),
            Commit { order }.into(),
            TakeBack { order }.into(),
        ] {
            given(so_far([])).when_actor(actor.clone(), intent).then_refused("account.service_only");
        }
    }
}

fn deposited(cents: i64) -> Event {
    WalletDeposited { user: ADA, amount_cents: Cents(cents) }.into()
}

#[test]
fn a_wallet_is_opened_once_by_a_service() {
    let open = |cents| Open { user: ADA, credit_cents: Cents(cents) };
    let opened =
        |cents| Event::from(WalletOpened { user: ADA, currency: Currency::Eur, credit_cents: Cents(cents) });
    given([]).when_actor(service(), open(10_000)).then([opened(10_000)]);
    given([deposited(5)]).when_actor(service(), open(10_000)).then([opened(10_000)]);
    given([opened(0)]).when_actor(service(), open(10_000)).then_nothing();
    given([]).when_actor(service(), open(-1)).then_refused("wallet.bad_amount");
    given([]).when_actor(service(), open(MAX_DEPOSIT.0 + 1)).then_refused("wallet.bad_amount");
    given([]).when(OLGA, open(1)).then_refused("account.service_only");
}

#[test]
fn a_deposit_goes_into_ones_own_wallet_and_is_bounded() {
    let deposit = |cents| Deposit { amount_cents: Cents(cents) };
    given([]).when(ADA, deposit(500)).then([deposited(500)]);
    for bad in [0, -1, MAX_DEPOSIT.0 + 1, i64::MAX, i64::MIN] {
        given([]).when(ADA, deposit(bad)).then_refused("wallet.bad_amount");
    }
    given([deposited(MAX_BALANCE.0)]).when(ADA, deposit(1)).then_refused("wallet.full");
    given([]).when_actor(service(), deposit(1)).then_refused("account.sign_in_first");
}

fn authorized() -> Event {
    PaymentAuthorized { order: ORDER, customer: ADA, amount_cents: TOTAL }.into()
}

fn captured() -> Event {
    PaymentCaptured { order: ORDER, customer: ADA, amount_cents: TOTAL }.into()
}

fn voided() -> Event {
    PaymentVoided { order: ORDER, customer: ADA, amount_cents: TOTAL }.into()
}

fn declined(reason: Decline) -> Event {
    PaymentDeclined { order: ORDER, customer: ADA, amount_cents: TOTAL, reason }.into()
}

fn authorize(simulate_fault: bool) -> AuthorizePayment {
    AuthorizePayment { order: ORDER, simulate_fault }
}

#[test]
fn money_is_held_if_it_is_there_and_not_held_for_something_else() {
    given(so_far([deposited(TOTAL.0)])).when_actor(service(), authorize(false)).then([authorized()]);
    let poor = declined(Decline::InsufficientFunds);
    given(so_far([deposited(TOTAL.0 - 1)])).when_actor(service(), authorize(false)).then([poor.clone()]);
    given(so_far([])).when_actor(service(), authorize(false)).then([poor.clone()]);
    let other = OrderPlaced { order: domain::OrderId(Uuid::from_u128(0x0e)), ..placed() };
    let held = PaymentAuthorized { order: other.order, customer: ADA, amount_cents: Cents(1) };
    given(so_far([deposited(TOTAL.0), other.into(), held.into()]))
        .when_actor(service(), authorize(false))
        .then([poor]);
    given(so_far([deposited(TOTAL.0)]))
        .when_actor(service(), authorize(true))
        .then([declined(Decline::SimulatedFault)]);
}

#[test]
fn a_payment_goes_its_way_once_whatever_is_asked_how_often() {
    let order = ORDER;
    let refunded = || Event::from(PaymentRefunded { order, customer: ADA, amount_cents: TOTAL });
    let ways: [(Vec<Event>, [Option<Event>; 4]); 6] = [
        (vec![], [Some(authorized()), None, None, None]),
        (vec![declined(Decline::SimulatedFault)], [None, None, None, None]),
        (vec![authorized()], [None, Some(captured()), Some(voided()), None]),
        (vec![authorized(), voided()], [None, None, None, None]),
        (vec![authorized(), captured()], [None, None, None, Some(refunded())]),
        (vec![authorized(), captured(), refunded()], [None, None, None, None]),
    ];
    for (way, [authorizing, capturing, voiding, refunding]) in ways {
        let then = given(so_far([deposited(TOTAL.0)].into_iter().chain(way)));
        then.when_actor(service(), authorize(false)).then(authorizing);
        then.when_actor(service(), CapturePayment { order }).then(capturing);
        then.when_actor(service(), VoidPayment { order }).then(voiding);
        then.when_actor(service(), RefundPayment { order }).then(refunding);
        for actor in [Actor::User(ADA), Actor::User(OLGA), Actor::External("x".into())] {
            then.when_actor(actor.clone(), authorize(false)).then_refused("account.service_only");
            then.when_actor(actor.clone(), CapturePayment { order }).then_refused("account.service_only");
            then.when_actor(actor.clone(), VoidPayment { order }).then_refused("account.service_only");
            then.when_actor(actor, RefundPayment { order }).then_refused("account.service_only");
        }
    }
}

#[test]
fn a_parcel_is_made_of_a_confirmed_order_and_goes_its_way_once() {
    let (order, customer, lost) = (ORDER, ADA, ShipmentFault::Lost);
    let created = || Event::from(ShipmentCreated { order, customer, address: None });
    let dispatched = || Event::from(ShipmentDispatched { order, customer });
    let arrived = || Event::from(ShipmentDelivered { order, customer });
    let failed = || Event::from(ShipmentFailed { order, customer, reason: lost });
    given(so_far([])).when_actor(service(), CreateShipment { order }).then_nothing();
    let ways: [(Vec<Event>, [Option<Event>; 4]); 5] = [
        (vec![], [Some(created()), None, None, None]),
        (vec![created()], [None, Some(dispatched()), None, Some(failed())]),
        (vec![created(), dispatched()], [None, None, Some(arrived()), Some(failed())]),
        (vec![created(), dispatched(), arrived()], [None, None, None, None]),
        (vec![created(), failed()], [None, None, None, None]),
    ];
    for (way, [creating, dispatching, delivering, failing]) in ways {
        let then = given(so_far([confirmed()].into_iter().chain(way)));
        then.when_actor(service(), CreateShipment { order }).then(creating);
        then.when_actor(service(), DispatchShipment { order }).then(dispatching);
        then.when_actor(service(), DeliverShipment { order }).then(delivering);
        then.when_actor(service(), FailShipment { order, reason: lost }).then(failing);
        then.when(BO, FailShipment { order, reason: lost }).then_refused("shipment.not_a_device");
    }
}

#[test]
fn a_device_says_where_a_parcel_is_while_it_is_on_its_way() {
    let (order, customer) = (ORDER, ADA);
    let report = |latitude_e6, longitude_e6| ReportPosition { order, latitude_e6, longitude_e6 };
    let seen = || Event::from(PositionReported { order, customer, latitude_e6: 5, longitude_e6: -6 });
    let courier = || Actor::External("courier/7".into());
    let created = || Event::from(ShipmentCreated { order, customer, address: None });
    let underway = || so_far([confirmed(), created(), ShipmentDispatched { order, customer }.into()]);
    given(underway()).when_actor(courier(), report(5, -6)).then([seen()]);
    given(underway()).when_actor(service(), report(5, -6)).then([seen()]);
    given(underway().into_iter().chain([seen()])).when_actor(courier(), report(5, -6)).then_nothing();
    let early = given(so_far([confirmed(), created()]));
    early.when_actor(courier(), report(5, -6)).then_refused("shipment.not_on_its_way");
    early.when_actor(courier(), DeliverShipment { order }).then_refused("shipment.not_on_its_way");
    let lost = ShipmentFailed { order, customer, reason: ShipmentFault::Lost };
    early.when_actor(courier(), FailShipment { order, reason: ShipmentFault::Lost }).then([lost.into()]);
    given([]).when_actor(courier(), report(5, -6)).then_refused("shipment.no_shipment");
    given(underway()).when(BO, report(5, -6)).then_refused("shipment.not_a_device");
    for (north, east) in [(90_000_001, 0), (-90_000_001, 0), (0, 180_000_001), (0, i32::MIN)] {
        given(underway()).when_actor(courier(), report(north, east)).then_refused("shipment.bad_position");
    }
}

fn raised(link: Option<&str>) -> Event {
    NotificationRaised {
        user: ADA,
        notification: NotificationId(Uuid::from_u128(THIS)),
        text: "It is on its way.".into(),
        link: link.map(str::to_owned),
    }
    .into()
}

#[test]
fn a_service_tells_somebody_something_that_leads_nowhere_else() {
    let raise = |text: &str, link: Option<&str>| Raise {
        user: ADA,
        text: text.into(),
        link: link.map(str::to_owned),
    };
    for link in [None, Some("/"), Some("/orders/7?from=bell#top")] {
        given([]).when_actor(service(), raise(" It is on its way. ", link)).then([raised(link)]);
    }
    given([raised(None)]).when_actor(service(), raise("It is on its way.", None)).then_nothing();
    let long = format!("/{}", "x".repeat(200));
    for bad in
        ["", "orders", "//evil.example", "https://evil.example", "/\\evil", "/a b", "/a\n", "/é", &long]
    {
        given([]).when_actor(service(), raise("Look.", Some(bad))).then_refused("notification.bad_link");
    }
    for bad in ["", "a\nb", &"x".repeat(MAX_TEXT + 1)] {
        given([]).when_actor(service(), raise(bad, None)).then_refused("notification.bad_text");
    }
    given([]).when(OLGA, raise("Look.", None)).then_refused("account.service_only");
}

#[test]
fn what_somebody_was_told_is_read_up_to_a_position() {
    let read = |upto| MarkNotificationsRead { upto: Position(upto) };
    let noted = |upto| Event::from(NotificationRead { user: ADA, upto: Position(upto) });
    given([raised(None)]).when(ADA, read(5)).then([noted(5)]);
    given([raised(None), noted(5)]).when(ADA, read(5)).then_nothing();
    given([raised(None), noted(5)]).when(ADA, read(4)).then_nothing();
    given([raised(None)]).when(BO, read(5)).then_nothing();
    given([raised(None)]).when(ADA, read(6)).then_refused("notification.read_past_head");
}

#[test]
fn a_mail_fails_until_it_is_sent_and_is_sent_once() {
    let (user, notification) = (ADA, NotificationId(Uuid::from_u128(THIS)));
    let reason = MailFault::Unreachable;
    let sent = || Event::from(EmailSent { user, notification });
    let failed = || Event::from(EmailFailed { user, notification, reason });
    let note_sent = || NoteEmailSent { user, notification };
    let note_failure = || NoteEmailFailure { user, notification, reason };
    for (way, [sending, failing]) in [
        (vec![], [None, None]),
        (vec![raised(None)], [Some(sent()), Some(failed())]),
        (vec![raised(None), failed()], [Some(sent()), None]),
        (vec![raised(None), failed(), sent()], [None, None]),
    ] {
        let then = given(way);
        then.when_actor(service(), note_sent()).then(sending);
        then.when_actor(service(), note_failure()).then(failing);
        then.when(ADA, note_sent()).then_refused("account.service_only");
        then.when(ADA, note_failure()).then_refused("account.service_only");
    }
}
