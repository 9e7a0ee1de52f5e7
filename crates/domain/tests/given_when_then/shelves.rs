//! What is sold, how many there are, and what people put into their carts.

use domain::{
    Actor, Cents, Currency, Event,
    cart::{
        AddItem, CheckedOut, ItemAdded, ItemRemoved, MAX_LINES, QuantityChanged, RemoveItem, SetQuantity,
    },
    catalog::{
        ChangePrice, ListProduct, MAX_PRICE, MAX_TITLE, PriceChanged, ProductListed, ProductRetired,
        RetireProduct,
    },
    stock::{LevelChanged, MAX_PIECES, Receive, StockReceived},
};

use super::{given, orders::ORDER};
use crate::common::{ADA, BO, CYRIL, OLGA, instant, shop::service, sku};

/// A mug at €12.50 and a lamp at €99.
pub(super) fn shelves() -> Vec<Event> {
    vec![listed("mug", "Mug", 1_250), listed("lamp", "Lamp", 9_900)]
}

fn listed(number: &str, title: &str, cents: i64) -> Event {
    let (sku, title, price_cents) = (sku(number), title.into(), Cents(cents));
    ProductListed { sku, title, price_cents, currency: Currency::Eur, description: None, category: None }
        .into()
}

pub(super) fn repriced(number: &str, cents: i64) -> Event {
    PriceChanged { sku: sku(number), price_cents: Cents(cents) }.into()
}

pub(super) fn retired(number: &str) -> Event {
    ProductRetired { sku: sku(number) }.into()
}

/// So many pieces are there, and so many of them can be had.
pub(super) fn level(number: &str, on_hand: u32, available: u32) -> Event {
    LevelChanged { sku: sku(number), on_hand, available }.into()
}

/// Ada puts something into her cart.
pub(super) fn added(number: &str, quantity: u32, cents: i64) -> Event {
    ItemAdded { user: ADA, sku: sku(number), quantity, price_cents: Cents(cents) }.into()
}

fn list(title: &str, cents: i64) -> ListProduct {
    ListProduct {
        sku: sku("mug"),
        title: title.into(),
        price_cents: Cents(cents),
        description: None,
        category: None,
    }
}

fn put(number: &str, quantity: u32) -> AddItem {
    AddItem { sku: sku(number), quantity }
}

fn set(number: &str, quantity: u32) -> SetQuantity {
    SetQuantity { sku: sku(number), quantity }
}

fn receive(number: &str, quantity: u32) -> Receive {
    Receive { sku: sku(number), quantity }
}

#[test]
fn the_staff_and_a_service_put_a_product_on_sale() {
    given([]).when(BO, list(" Mug ", 1_250)).then([listed("mug", "Mug", 1_250)]);
    given([]).when_actor(service(), list("Mug", 1_250)).then([listed("mug", "Mug", 1_250)]);
    given([]).when(ADA, list("Mug", 1_250)).then_refused("account.staff_only");
    given([]).when_actor(Actor::External("x".into()), list("Mug", 1)).then_refused("account.sign_in_first");
}

#[test]
fn a_number_belongs_to_one_product_until_that_is_retired() {
    given(shelves()).when(BO, list("Mug", 1_250)).then_nothing();
    let another = ListProduct { category: Some("Kitchen".into()), ..list("Mug", 1_250) };
    given(shelves()).when(BO, another).then_refused("catalog.sku_taken");
    let refusal = given(shelves()).when(BO, list("Cup", 1_250)).then_refused("catalog.sku_taken");
    assert!(refusal.to_string().contains("“Mug”"), "{refusal}");
    let then = given(shelves().into_iter().chain([retired("mug")]));
    then.when(BO, list("Cup", 990)).then([listed("mug", "Cup", 990)]);
    then.when(BO, list("Mug", 1_250)).then([listed("mug", "Mug", 1_250)]);
}

#[test]
fn titles_and_prices_are_bounded() {
    for bad in ["", " ", "a\nb", "a\u{202E}b", &"x".repeat(MAX_TITLE + 1)] {
        given([]).when(BO, list(bad, 1)).then_refused("catalog.bad_title");
    }
    for bad in [0, -1, MAX_PRICE.0 + 1, i64::MAX, i64::MIN] {
        given([]).when(BO, list("Mug", bad)).then_refused("catalog.bad_price");
        let change = ChangePrice { sku: sku("mug"), price_cents: Cents(bad) };
        given(shelves()).when(BO, change).then_refused("catalog.bad_price");
    }
    given([]).when(BO, list("Mug", MAX_PRICE.0)).then([listed("mug", "Mug", MAX_PRICE.0)]);
}

#[test]
fn a_price_changes_while_a_product_is_sold() {
    let change = |number: &str, cents| ChangePrice { sku: sku(number), price_cents: Cents(cents) };
    given(shelves()).when(BO, change("mug", 1_000)).then([repriced("mug", 1_000)]);
    given(shelves()).when(BO, change("mug", 1_250)).then_nothing();
    given(shelves()).when(BO, change("sofa", 1_000)).then_refused("catalog.no_product");
    given(shelves()).when(ADA, change("mug", 1)).then_refused("account.staff_only");
    given(shelves().into_iter().chain([retired("mug")]))
        .when(BO, change("mug", 1_000))
        .then_refused("catalog.product_retired");
}

#[test]
fn a_product_is_retired_once() {
    let retire = || RetireProduct { sku: sku("mug") };
    given(shelves()).when(OLGA, retire()).then([retired("mug")]);
    given(shelves().into_iter().chain([retired("mug")])).when(BO, retire()).then_nothing();
    given([]).when(BO, retire()).then_refused("catalog.no_product");
    given(shelves()).when(CYRIL, retire()).then_refused("account.staff_only");
}

#[test]
fn what_comes_in_is_there_and_can_be_had() {
    let received = |quantity| Event::from(StockReceived { sku: sku("mug"), quantity });
    given(shelves()).when(BO, receive("mug", 3)).then([received(3), level("mug", 3, 3)]);
    given(shelves().into_iter().chain([level("mug", 5, 2)]))
        .when(BO, receive("mug", 3))
        .then([received(3), level("mug", 8, 5)]);
    given(shelves()).when(ADA, receive("mug", 3)).then_refused("account.staff_only");
    given(shelves()).when(BO, receive("sofa", 3)).then_refused("stock.no_product");
    for bad in [0, MAX_PIECES + 1, u32::MAX] {
        given(shelves()).when(BO, receive("mug", bad)).then_refused("stock.bad_quantity");
    }
    given(shelves().into_iter().chain([level("mug", MAX_PIECES, 0)]))
        .when(BO, receive("mug", 1))
        .then_refused("stock.bad_quantity");
}

#[test]
fn something_is_put_into_a_cart_at_the_price_it_has() {
    given(shelves()).when(ADA, put("mug", 2)).then([added("mug", 2, 1_250)]);
    given(shelves().into_iter().chain([added("mug", 2, 1_250), repriced("mug", 1_000)]))
        .when(ADA, put("mug", 1))
        .then([added("mug", 1, 1_000)]);
    given(shelves()).when_actor(service(), put("mug", 1)).then_refused("account.sign_in_first");
}

#[test]
fn a_cart_is_bounded() {
    for bad in [0, 100, u32::MAX] {
        given(shelves()).when(ADA, put("mug", bad)).then_refused("cart.bad_quantity");
    }
    let then = given(shelves().into_iter().chain([added("mug", 98, 1_250)]));
    then.when(ADA, put("mug", 1)).then([added("mug", 1, 1_250)]);
    then.when(ADA, put("mug", 2)).then_refused("cart.bad_quantity");
    let full = (0..MAX_LINES).map(|nth| added(&format!("thing-{nth}"), 1, 100));
    let then = given(shelves().into_iter().chain(full).chain([listed("thing-0", "Thing", 100)]));
    then.when(ADA, put("mug", 1)).then_refused("cart.full");
    then.when(ADA, put("thing-0", 1)).then([added("thing-0", 1, 100)]);
}

#[test]
fn what_is_not_sold_is_not_put_into_a_cart() {
    let refusal = given(shelves()).when(ADA, put("sofa", 1)).then_refused("cart.no_product");
    assert!(refusal.to_string().contains("sofa"), "{refusal}");
    let gone = || shelves().into_iter().chain([added("mug", 1, 1_250), retired("mug")]);
    for refusal in [
        given(gone()).when(ADA, put("mug", 1)).then_refused("cart.product_retired"),
        given(gone()).when(ADA, set("mug", 2)).then_refused("cart.product_retired"),
    ] {
        assert!(refusal.to_string().contains("“Mug”"), "{refusal}");
    }
    let removed = ItemRemoved { user: ADA, sku: sku("mug") };
    given(gone()).when(ADA, RemoveItem { sku: sku("mug") }).then([removed.into()]);
}

#[test]
fn somebody_wants_more_less_or_none_of_what_is_in_their_own_cart() {
    let filled = || shelves().into_iter().chain([added("mug", 2, 1_250)]);
    let changed = QuantityChanged { user: ADA, sku: sku("mug"), quantity: 5, price_cents: Cents(1_250) };
    given(filled()).when(ADA, set("mug", 5)).then([changed.into()]);
    given(filled()).when(ADA, set("mug", 2)).then_nothing();
    given(filled()).when(ADA, set("mug", 0)).then_refused("cart.bad_quantity");
    given(filled()).when(ADA, set("mug", 100)).then_refused("cart.bad_quantity");
    given(filled()).when(ADA, set("lamp", 1)).then_refused("cart.not_in_cart");
    given(filled()).when(ADA, set("sofa", 1)).then_refused("cart.no_product");
    given(filled()).when(CYRIL, set("mug", 5)).then_refused("cart.not_in_cart");
    let remove = || RemoveItem { sku: sku("mug") };
    given(filled()).when(ADA, remove()).then([ItemRemoved { user: ADA, sku: sku("mug") }.into()]);
    given(filled()).when(CYRIL, remove()).then_nothing();
}

#[test]
fn a_cart_that_was_checked_out_is_empty() {
    let out = CheckedOut { user: ADA, order: ORDER, at: instant(domain::Position(7)) };
    let then = given(shelves().into_iter().chain([added("mug", 2, 1_250), out.into()]));
    then.when(ADA, set("mug", 1)).then_refused("cart.not_in_cart");
    then.when(ADA, RemoveItem { sku: sku("mug") }).then_nothing();
}
