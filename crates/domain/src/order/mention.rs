//! Where a text speaks of orders: by their short name, `#1a2b3c`, or by the address of their page.

use serde::{Deserialize, Serialize};

use crate::ids::OrderId;

/// So many orders of one text are noticed.
pub const MOST_MENTIONS: usize = 3;

/// The length of an id as it is written in an address.
const ID: usize = 36;

/// How a text names an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderName {
    /// By the whole id.
    Id(OrderId),
    /// By its [`OrderId::short`], which it may share with another.
    Short(String),
}

impl OrderName {
    /// Whether it may be this order's.
    #[must_use]
    pub fn fits(&self, order: OrderId) -> bool {
        match self {
            OrderName::Id(id) => *id == order,
            OrderName::Short(short) => *short == order.short(),
        }
    }
}

/// The first [`MOST_MENTIONS`] orders that a text names, each once.
#[must_use]
pub fn mentions(text: &str) -> Vec<OrderName> {
    let mut names = Vec::new();
    for (at, sign) in text.match_indices(['#', '/']) {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let name = if sign == "#" { short(before, after) } else { whole(after) };
        names.extend(name.filter(|name| !names.contains(name)));
        if names.len() == MOST_MENTIONS {
            break;
        }
    }
    names
}

/// The short name behind a `#` that begins a word. (In an address, `#` begins what is no order.)
fn short(before: &str, after: &str) -> Option<OrderName> {
    let (name, rest) = after.split_at_checked(OrderId::SHORT)?;
    let stands_alone = !before.ends_with(is_inside_a_word) && !rest.starts_with(is_inside_a_word);
    let spelt = name.bytes().all(|letter| letter.is_ascii_hexdigit());
    (stands_alone && spelt).then(|| OrderName::Short(name.to_ascii_lowercase()))
}

/// The id behind the `/` of `/orders/<id>`.
fn whole(after: &str) -> Option<OrderName> {
    let (id, rest) = after.strip_prefix("orders/")?.split_at_checked(ID)?;
    let order = id.parse().ok()?;
    (!rest.starts_with(is_inside_a_word)).then_some(OrderName::Id(order))
}

fn is_inside_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '/' | '&' | '#' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "0193a5b0-7c00-7000-8000-0000001a2b3c";

    fn short_name(text: &str) -> OrderName {
        OrderName::Short(text.into())
    }

    #[test]
    fn an_order_is_named_shortly_or_by_the_address_of_its_page() {
        let order = ORDER.parse().unwrap();
        assert_eq!(mentions("Where is #1a2b3c?"), [short_name("1a2b3c")]);
        assert_eq!(mentions("(#1A2B3C), please"), [short_name("1a2b3c")]);
        assert_eq!(mentions(&format!("/orders/{ORDER}")), [OrderName::Id(order)]);
        assert_eq!(mentions(&format!("see https://hubbub.example/orders/{ORDER}.")), [OrderName::Id(order)]);
        assert!(OrderName::Id(order).fits(order) && short_name("1a2b3c").fits(order));
        assert!(!short_name("1a2b3d").fits(order));
    }

    #[test]
    fn what_only_looks_like_it_names_none() {
        for text in [
            "",
            "#",
            "1a2b3c",
            "#1a2b3",
            "#1a2b3cd",
            "#1a2b3c-4",
            "#ünïcö",
            "#1a2b3ü",
            "no. 7#1a2b3c",
            "##1a2b3c",
            "&#1a2b3c;",
            "https://hubbub.example/#1a2b3c",
            "/orders/",
            "/orders/1a2b3c",
            "/orders/0193a5b0-7c00-7000-8000-0000001a2b3cd",
            "/orders/0193a5b0-7c00-7000-8000-0000001a2bü",
        ] {
            assert_eq!(mentions(text), [], "{text}");
        }
    }

    #[test]
    fn an_order_counts_once_and_a_heap_of_them_is_cut_short() {
        assert_eq!(mentions("#aaaaaa #aaaaaa #bbbbbb"), [short_name("aaaaaa"), short_name("bbbbbb")]);
        let heap: String = (0..500).map(|nth| format!("#{nth:06} ")).collect();
        assert_eq!(mentions(&heap).len(), MOST_MENTIONS);
    }
}
