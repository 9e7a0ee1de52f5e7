//! The orders that a room speaks of. Whoever may see one of them sees its card under the message, live; for
//! everybody else the message is its text. A name has one live view, however often it is mentioned.

use std::time::Duration;

use domain::{
    OrderId,
    order::{OrderName, mentions},
    view::Snapshot,
    views::OrderView,
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    calls,
    context::page,
    features::orders::OrderCard,
    live::{self, Live},
    ui::{dynamic, passing},
};

/// So many orders have cards: those that were spoken of last.
const MOST_CARDS: usize = 24;

/// How long to wait before asking again what could not be answered while the page was live.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// An order that was found by a name.
#[derive(Clone)]
struct Found {
    order: OrderId,
    state: ArcRwSignal<OrderView>,
    /// What its view lives in.
    owner: Owner,
}

/// The names that the newest messages mention, with the order that each stands for; with nothing while that is
/// being asked, and where it stands for none that the reader may see.
#[derive(Clone, Copy)]
pub(super) struct Mentions(RwSignal<Vec<(OrderName, Option<Found>)>>);

/// The names of the last [`MOST_CARDS`] orders that these texts, the newest first, speak of.
pub(super) fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<OrderName> {
    let mut names = Vec::new();
    for text in texts {
        for name in mentions(text) {
            if names.len() < MOST_CARDS && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Orders by the names that were asked for.
pub(super) type Named = Vec<(OrderName, Snapshot<OrderView>)>;

/// The orders behind these names that the reader may see; `None` if nobody could say. A room can be read without
/// them.
pub(super) async fn load(names: Vec<OrderName>) -> Option<Named> {
    match names.is_empty() {
        true => Some(Vec::new()),
        false => calls::orders_named(names).await.ok(),
    }
}

/// Keeps the orders that the room speaks of, beginning with those that came with it. What could not be answered is
/// asked again: when the connection is back, or after a while.
pub(super) fn provide(wanted: Memo<Vec<OrderName>>, loaded: Option<Named>) {
    if page().viewer.is_none() {
        return;
    }
    let owner = Owner::current().unwrap_or_default();
    let mentions = Mentions(RwSignal::new(Vec::new()));
    if let Some(loaded) = loaded {
        mentions.keep(&wanted.get_untracked());
        mentions.found(&owner, loaded);
    }
    let live = use_context::<Live>().unwrap_or_default();
    let again = RwSignal::new(());
    Effect::new(move |_| {
        again.track();
        let wanted = wanted.get();
        if !live.is_live() {
            return;
        }
        let new = mentions.keep(&wanted);
        if new.is_empty() {
            return;
        }
        let owner = owner.clone();
        spawn_local(async move {
            match load(new.clone()).await {
                Some(found) => mentions.found(&owner, found),
                None => {
                    mentions.forget(&new);
                    // The room may be gone by then.
                    set_timeout(move || _ = again.try_set(()), ASK_AGAIN);
                }
            }
        });
    });
    provide_context(mentions);
}

impl Mentions {
    /// Forgets all names but these. Returns those that were not known.
    fn keep(self, wanted: &[OrderName]) -> Vec<OrderName> {
        let is_known =
            |name: &OrderName| self.0.with_untracked(|known| known.iter().any(|(known, _)| known == name));
        let new: Vec<OrderName> = wanted.iter().filter(|name| !is_known(name)).cloned().collect();
        self.0.update(|known| {
            known.retain(|(name, found)| {
                let kept = wanted.contains(name);
                if let (false, Some(found)) = (kept, found) {
                    found.owner.cleanup();
                }
                kept
            });
            known.extend(new.iter().cloned().map(|name| (name, None)));
        });
        new
    }

    /// Nobody could say what these stand for.
    fn forget(self, names: &[OrderName]) {
        let _ = self.0.try_update(|known| known.retain(|(name, _)| !names.contains(name)));
    }

    /// Makes the orders live whose names are still wanted.
    fn found(self, room: &Owner, orders: Named) {
        let _ = self.0.try_update(|known| {
            for (name, snapshot) in orders {
                let slot = known.iter_mut().find(|(known, _)| *known == name);
                let Some((_, slot @ None)) = slot else { continue };
                let owner = room.child();
                let key = snapshot.view.key;
                let state = owner.with(|| live::view::<OrderView>(key, snapshot).state);
                *slot = Some(Found { order: key.order, state, owner });
            }
        });
    }

    /// The orders behind these names, each once. Tracks.
    fn orders(self, names: &[OrderName]) -> Vec<OrderId> {
        self.0.with(|known| {
            let mut orders = Vec::new();
            for found in
                known.iter().filter(|(name, _)| names.contains(name)).filter_map(|(_, found)| found.as_ref())
            {
                if !orders.contains(&found.order) {
                    orders.push(found.order);
                }
            }
            orders
        })
    }

    fn state(self, order: OrderId) -> Option<ArcRwSignal<OrderView>> {
        self.0.with_untracked(|known| {
            let mut found = known.iter().filter_map(|(_, found)| found.as_ref());
            found.find(|found| found.order == order).map(|found| found.state.clone())
        })
    }
}

/// The cards of the orders that a message speaks of.
#[component]
pub(super) fn Cards(names: Vec<OrderName>) -> impl IntoView {
    let mentions = use_context::<Mentions>()?;
    let orders = passing(move || mentions.orders(&names));
    Some(dynamic(move || {
        let orders = orders.get();
        (!orders.is_empty()).then(|| {
            let states = orders.into_iter().filter_map(|order| mentions.state(order));
            let cards = states.map(|state| view! { <OrderCard state /> }).collect_view();
            view! { <div class="order-cards">{cards}</div> }
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_that_were_spoken_of_last_have_cards() {
        let texts: Vec<String> = (0..40).rev().map(|nth| format!("and #{nth:06}")).collect();
        let names = names(texts.iter().map(String::as_str));
        assert_eq!(names.len(), MOST_CARDS);
        assert!(names.contains(&OrderName::Short("000039".into())));
        assert!(!names.contains(&OrderName::Short("000001".into())));
    }
}
