//! The services and projections of this build: add one, and it gets a line here.

use domain::Cents;
use store::Clock;

use crate::{
    analytics::Analytics,
    faults::Faults,
    inventory::Inventory,
    mail::{BadMailSettings, MailSettings, mail},
    notifications::Notifications,
    order_list::OrderList,
    orders::Orders,
    payment::Payment,
    projection::Stored,
    reactor::Service,
    review::Review,
    search::Search,
    shipping::Shipping,
    welcome::Welcome,
};

/// Those that take an order from cart to doorstep.
#[must_use]
pub fn order_flow(faults: &Faults) -> Vec<Service> {
    vec![
        Orders.into(),
        Inventory { faults: faults.clone() }.into(),
        Review { faults: faults.clone() }.into(),
        Payment { faults: faults.clone() }.into(),
        Shipping { faults: faults.clone() }.into(),
    ]
}

/// Those that look after people: what newcomers are given, and how mail is sent.
///
/// # Errors
/// If no mail can be sent with these settings.
pub fn hospitality(
    credit: Cents,
    settings: &MailSettings,
    clock: Clock,
) -> Result<Vec<Service>, BadMailSettings> {
    Ok(vec![Welcome { credit }.into(), Notifications.into(), mail(settings, clock)?])
}

/// Every stored projection.
#[must_use]
pub fn projections() -> Vec<Stored> {
    vec![Stored::new::<OrderList>(), Stored::new::<Analytics>(), Stored::new::<Search>()]
}
