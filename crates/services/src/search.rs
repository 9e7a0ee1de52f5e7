//! Full text: what people said, what the shop sells, and what was ordered. Each is found by whoever may see the
//! event that it comes from, and a deleted text by nobody.

use domain::{Audience, Envelope, Event, Timestamp};
use serde::{Deserialize, Serialize};
use store::Findable;

use crate::projection::Projection;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// What somebody said in a room.
    Message,
    /// Something the shop sells.
    Product,
    /// What somebody ordered.
    Order,
}

/// Something that can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What it is.
    pub kind: FoundKind,
    /// Whose it is, or what it is called.
    pub title: String,
    /// What it is found by.
    pub text: String,
    /// Where it is: a path on this site.
    pub link: String,
    /// When it was said, listed or ordered.
    pub time: Timestamp,
    /// Who may find it.
    pub audience: Audience,
}

/// See the module.
#[derive(Debug)]
pub struct Search;

impl Projection for Search {
    const NAME: &'static str = "search";
    const VERSION: u32 = 1;
    const PATTERNS: &'static [&'static str] = &[
        "chat.*.message_posted",
        "chat.*.message_edited",
        "chat.*.message_deleted",
        "catalog.*.product_listed",
        "catalog.*.product_retired",
        "order.*.placed",
    ];
    type Doc = Found;

    fn keys(event: &Envelope) -> Vec<String> {
        match &event.event {
            Event::ChatMessagePosted(e) => vec![format!("message/{}", e.message)],
            Event::ChatMessageEdited(e) => vec![format!("message/{}", e.message)],
            Event::ChatMessageDeleted(e) => vec![format!("message/{}", e.message)],
            Event::CatalogProductListed(e) => vec![format!("product/{}", e.sku)],
            Event::CatalogProductRetired(e) => vec![format!("product/{}", e.sku)],
            Event::OrderPlaced(e) => vec![format!("order/{}", e.order)],
            _ => vec![],
        }
    }

    fn fold(doc: &mut Option<Found>, _: &str, event: &Envelope) {
        let (time, audience) = (event.meta.time, event.meta.audience.clone());
        match &event.event {
            Event::ChatMessagePosted(e) => {
                let (title, text, link) = (e.name.clone(), e.text.clone(), format!("/chat/{}", e.room));
                *doc = Some(Found { kind: FoundKind::Message, title, text, link, time, audience });
            }
            Event::ChatMessageEdited(e) => {
                if let Some(found) = doc {
                    found.text.clone_from(&e.text);
                }
            }
            Event::CatalogProductListed(e) => {
                let (title, text, link) = (e.title.clone(), e.title.clone(), format!("/shop/{}", e.sku));
                *doc = Some(Found { kind: FoundKind::Product, title, text, link, time, audience });
            }
            Event::OrderPlaced(e) => {
                let titles: Vec<&str> = e.lines.iter().map(|line| line.title.as_str()).collect();
                let (title, link) = (format!("Order {}", e.order), format!("/orders/{}", e.order));
                let text = format!("{} {}", e.order, titles.join(", "));
                *doc = Some(Found { kind: FoundKind::Order, title, text, link, time, audience });
            }
            Event::ChatMessageDeleted(_) | Event::CatalogProductRetired(_) => *doc = None,
            _ => {}
        }
    }

    fn findable(doc: &Found) -> Option<Findable> {
        Some(Findable { text: doc.text.clone(), audience: doc.audience.clone() })
    }
}
