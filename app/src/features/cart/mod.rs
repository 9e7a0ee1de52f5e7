//! What somebody means to buy, on every page the same, and the way from there to an order.
//!
//! | module | holds |
//! |---|---|
//! | this | [`Cart`]: the page's one cart, over which the outbox is laid |
//! | `laid` | that laying-over, pure |
//! | `add` | the form that puts a product in |
//! | `lines` | the page `/cart` |
//! | `checkout` | the page `/checkout` |

mod add;
mod checkout;
mod laid;
mod lines;

use std::collections::VecDeque;

use domain::{Intent, Sku, views::CartView};
use leptos::{ev, prelude::*};
use uuid::Uuid;

use crate::{
    context::page,
    forms,
    live::{self, LiveView},
    outbox::{Outbox, Stage, outbox},
    ui::{Announcer, Toasts, focus_page},
};

pub(crate) use add::AddToCart;
pub use checkout::Checkout;
pub(crate) use laid::is_about_a_cart;
pub use lines::CartPage;

/// So many commands are remembered to have been folded; more are never on their way at once.
const REMEMBERED: usize = 64;

/// The cart of whoever is signed in. Made by the app's root and handed down by context; cheap to clone.
#[derive(Clone)]
pub(crate) struct Cart {
    /// As it will be once what was asked for is done.
    pub shown: Memo<CartView>,
    outbox: Outbox,
}

/// Makes the page's cart live. After the connection and the outbox have been provided.
pub(crate) fn provide() {
    let Some(snapshot) = page().cart.clone() else { return };
    let view = live::view::<CartView>(snapshot.view.key, snapshot);
    let outbox = outbox();
    // The event may be here before the answer to its command: then it is not laid over once more.
    let folded = ArcRwSignal::new(VecDeque::<Uuid>::new());
    let folding = folded.clone();
    view.tap(move |_, envelope| {
        folding.update(|folded| {
            folded.push_back(envelope.meta.causation);
            if folded.len() > REMEMBERED {
                folded.pop_front();
            }
        });
    });
    let (state, entries) = (view.state.clone(), outbox.clone());
    let shown = Memo::new(move |_| {
        entries.with(|entries| {
            folded.with(|folded| {
                let ahead = entries.iter().filter(|entry| !folded.contains(&entry.id.0));
                let coming = ahead
                    .filter(|entry| !matches!(&entry.stage, Stage::Failed(fault) if !fault.on_the_way()));
                state.with(|cart| laid::laid(cart, coming.map(|entry| &entry.intent)))
            })
        })
    });
    settle(&outbox, &view);
    provide_context(Cart { shown, outbox });
}

/// The page's cart; `None` while nobody is signed in.
pub(crate) fn cart() -> Option<Cart> {
    use_context()
}

/// Forgets what the cart has folded, and says what was refused.
fn settle(outbox: &Outbox, view: &LiveView<CartView>) {
    let (outbox, cursor) = (outbox.clone(), view.cursor.clone());
    let toasts = use_context::<Toasts>().unwrap_or_default();
    let announcer = use_context::<Announcer>().unwrap_or_default();
    Effect::new(move |_| {
        let refused: Vec<_> = outbox.with(|entries| {
            let own = entries.iter().filter(|entry| is_about_a_cart(&entry.intent));
            own.filter_map(|entry| match &entry.stage {
                Stage::Failed(fault) if !fault.on_the_way() => Some((entry.id, fault.why.clone())),
                _ => None,
            })
            .collect()
        });
        outbox.settle(cursor.get().position, is_about_a_cart, |_| false);
        for (id, why) in refused {
            outbox.discard(id);
            announcer.say(why.clone());
            toasts.offer(why, "All right", None, || (), || ());
        }
    });
}

impl Cart {
    /// Carries out a form that changes the cart, taken over from the server. Says so to whoever cannot see it.
    pub(crate) fn submit(&self, event: &ev::SubmitEvent) {
        let Some((_, fields)) = forms::submitted(event) else { return };
        let Ok(intent) = forms::intent(&fields) else { return };
        event.prevent_default();
        if matches!(intent, Intent::CartRemoveItem(_)) {
            focus_page();
        }
        let said = match &intent {
            Intent::CartAddItem(add) => format!("{} is in your cart.", self.title(&add.sku)),
            Intent::CartSetQuantity(set) => format!("{}: {}.", self.title(&set.sku), set.quantity),
            Intent::CartRemoveItem(remove) => format!("{} is out of your cart.", self.title(&remove.sku)),
            _ => return,
        };
        self.outbox.send(intent);
        if let Some(announcer) = use_context::<Announcer>() {
            announcer.say(said);
        }
    }

    /// How many of a product it holds. Tracks.
    pub(crate) fn holds(&self, sku: &Sku) -> u32 {
        self.shown.with(|cart| cart.lines.get(sku).map_or(0, |line| line.quantity))
    }

    fn title(&self, sku: &Sku) -> String {
        self.shown.with_untracked(|cart| {
            cart.shop.products.get(sku).map_or_else(|| sku.to_string(), |product| product.title.clone())
        })
    }
}
