//! What of the shop is shown: the wish in the address, and what fits it. Pure.

use std::collections::BTreeSet;

use domain::{
    Sku, grouped,
    views::{Shop, ShopProduct},
};

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// Words that the title or the description has.
    pub words: String,
    /// One category only.
    pub category: Option<String>,
    /// Only what can be had now.
    pub in_stock: bool,
}

impl Wish {
    /// From the address's query.
    pub(super) fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            words: get("q").unwrap_or_default(),
            category: get("category").filter(|category| !category.is_empty()),
            in_stock: get("stock").is_some_and(|stock| stock == "in"),
        }
    }

    /// The address that asks for this.
    pub(super) fn path(&self) -> String {
        let mut query = vec![];
        let words = self.words.trim();
        if !words.is_empty() {
            query.push(format!("q={}", encoded(words)));
        }
        if let Some(category) = &self.category {
            query.push(format!("category={}", encoded(category)));
        }
        if self.in_stock {
            query.push("stock=in".to_owned());
        }
        if query.is_empty() { "/shop".to_owned() } else { format!("/shop?{}", query.join("&")) }
    }

    fn fits(&self, product: &ShopProduct) -> bool {
        let text = format!("{} {}", product.title, product.description.as_deref().unwrap_or_default());
        let text = text.to_lowercase();
        self.words.to_lowercase().split_whitespace().all(|word| text.contains(word))
            && (self.category.is_none() || self.category == product.category)
            && (!self.in_stock || product.available > 0)
    }
}

/// Everything but letters and digits as its bytes: it fits into a query whatever it is.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// What is sold and fits, by category and title.
pub(super) fn shelf(shop: &Shop, wish: &Wish) -> Vec<Sku> {
    let mut found: Vec<_> = shop.shelves().filter(|(_, product)| wish.fits(product)).collect();
    found.sort_by(|(_, a), (_, b)| (&a.category, &a.title).cmp(&(&b.category, &b.title)));
    found.into_iter().map(|(sku, _)| sku.clone()).collect()
}

/// The categories there are.
pub(super) fn categories(shop: &Shop) -> BTreeSet<String> {
    shop.shelves().filter_map(|(_, product)| product.category.clone()).collect()
}

/// How many there are, in words: so many words that one acts on, and no number that only impresses.
pub(super) fn stock(available: u32) -> (&'static str, String) {
    match available {
        0 => ("none", "Sold out".to_owned()),
        1 => ("few", "Last one".to_owned()),
        2..=5 => ("few", format!("Only {available} left")),
        _ => ("some", format!("{} in stock", grouped(available))),
    }
}

#[cfg(test)]
mod tests {
    use domain::Cents;

    use super::*;

    fn shop() -> Shop {
        let product = |title: &str, category: &str, available| ShopProduct {
            title: title.into(),
            description: Some(format!("A {title} & more.")),
            category: Some(category.into()),
            price: Cents(100),
            retired: title == "Gone",
            available,
            counted: None,
        };
        let products = [
            ("kettle", product("Kettle", "Kitchen", 3)),
            ("pan", product("Pan", "Kitchen", 0)),
            ("lamp", product("Lamp", "Light", 1)),
            ("gone", product("Gone", "Light", 9)),
        ];
        Shop {
            products: products.into_iter().map(|(sku, product)| (sku.parse().unwrap(), product)).collect(),
        }
    }

    fn found(wish: &Wish) -> Vec<String> {
        shelf(&shop(), wish).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_wish_finds_what_has_all_its_words_and_is_still_sold() {
        assert_eq!(found(&Wish::default()), ["kettle", "pan", "lamp"]);
        assert_eq!(found(&Wish { words: "MORE kett".into(), ..Wish::default() }), ["kettle"]);
        assert_eq!(found(&Wish { category: Some("Light".into()), ..Wish::default() }), ["lamp"]);
        assert_eq!(found(&Wish { in_stock: true, ..Wish::default() }), ["kettle", "lamp"]);
        assert!(found(&Wish { words: "gone".into(), ..Wish::default() }).is_empty());
        assert_eq!(categories(&shop()).into_iter().collect::<Vec<_>>(), ["Kitchen", "Light"]);
    }

    #[test]
    fn a_wish_stands_in_the_address() {
        assert_eq!(Wish::default().path(), "/shop");
        let wish = Wish { words: " tea & más ".into(), category: Some("Light".into()), in_stock: true };
        assert_eq!(wish.path(), "/shop?q=tea%20%26%20m%C3%A1s&category=Light&stock=in");
        let asked = |name: &str| (name == "stock").then(|| "maybe".to_owned());
        assert_eq!(Wish::of(asked), Wish::default());
    }

    #[test]
    fn what_is_scarce_is_said() {
        assert_eq!(stock(0).1, "Sold out");
        assert_eq!(stock(1), ("few", "Last one".into()));
        assert_eq!(stock(40), ("some", "40 in stock".into()));
        assert_eq!(stock(12_000).1, "12,000 in stock");
    }
}
