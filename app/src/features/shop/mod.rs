//! What the shop sells.
//!
//! | module | holds |
//! |---|---|
//! | this | the page `/shop`: the shelf, and what of it is asked for |
//! | `product` | the page `/shop/<sku>` |
//! | `picture` | every product's drawing |
//! | `shelf` | what fits the address, pure |

mod picture;
mod product;
mod shelf;

use std::collections::BTreeSet;

use domain::{
    Sku, grouped,
    view::Snapshot,
    views::{Shop as ShopView, ShopProduct},
};
use leptos::{either::Either, ev, html, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use self::shelf::Wish;
use crate::{
    calls,
    context::page,
    features::cart::AddToCart,
    live::{self, LiveView},
    rail::sign_in_path,
    ui::{Announcer, AsOf, Icon, Loading, Problem, dynamic, follow, passing},
};

pub(crate) use picture::Picture;
pub use product::Product;

/// The page.
#[component]
pub fn Shop() -> impl IntoView {
    let loaded = Resource::new_blocking(|| (), |()| calls::shop());
    view! {
        <Title text="Shop" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(shop) => view! { <Floor shop /> }.into_any(),
                    Err(fault) => view! { <Problem fault /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// A form that was refused on this page, without a script.
#[component]
fn RefusedHere() -> impl IntoView {
    page()
        .refused("cart.add_item")
        .map(|refused| view! { <div class="form-error" role="alert"><p>{refused.why.clone()}</p></div> })
}

#[component]
fn Floor(shop: Snapshot<ShopView>) -> impl IntoView {
    let shop = live::view::<ShopView>((), shop);
    let query = use_query_map();
    let wish = Memo::new(move |_| query.with(|query| Wish::of(|name| query.get(name))));
    let (all, some) = (shop.state.clone(), shop.state.clone());
    let categories = Memo::new(move |_| all.with(shelf::categories));
    let found = Memo::new(move |_| some.with(|shop| wish.with(|wish| shelf::shelf(shop, wish))));
    let none = Memo::new(move |_| found.with(Vec::is_empty));
    let whole = shop.state.clone();
    let bare = Memo::new(move |_| whole.with(|shop| shelf::shelf(shop, &Wish::of(|_| None)).is_empty()));
    let announcer = use_context::<Announcer>().unwrap_or_default();
    Effect::new(move |before: Option<usize>| {
        let now = found.with(Vec::len);
        if before.is_some_and(|before| before != now) {
            announcer.say(format!("{}.", counted(now)));
        }
        now
    });
    view! {
        <div class="shop">
            <header class="shop-head">
                <h1>"Shop"</h1>
                <Search wish />
            </header>
            <Chips wish categories />
            <RefusedHere />
            <p class="shop-count muted">
                {dynamic(move || found.with(|found| counted(found.len())))} " "
                <AsOf />
            </p>
            {dynamic(move || {
                if none.get() {
                    return Either::Left(if bare.get() { Nothing().into_any() } else { NoMatches().into_any() });
                }
                let shop = shop.clone();
                Either::Right(
                    view! {
                        <ul class="shelf">
                            <For each=move || found.get() key=Clone::clone let:sku>
                                <Card shop=shop.clone() sku />
                            </For>
                        </ul>
                    },
                )
            })}
        </div>
    }
}

fn counted(products: usize) -> String {
    match products {
        1 => "1 product".to_owned(),
        n => format!("{} products", grouped(n)),
    }
}

/// The search field: as one types it changes what is shown, and the address.
#[component]
fn Search(wish: Memo<Wish>) -> impl IntoView {
    let first = wish.get_untracked();
    let navigate = use_navigate();
    let typed = move |event: ev::Event| {
        if let Some(input) = event.target().and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
            let path = Wish { words: input.value(), ..wish.get_untracked() }.path();
            navigate(&path, NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
        }
    };
    let field = NodeRef::<html::Input>::new();
    follow(field, move || wish.with(|wish| wish.words.clone()));
    view! {
        <form class="shop-search" role="search" method="get" action="/shop" on:submit=|event| event.prevent_default()>
            {first.category.map(|category| view! { <input type="hidden" name="category" value=category /> })}
            {first.in_stock.then(|| view! { <input type="hidden" name="stock" value="in" /> })}
            <input
                type="search"
                name="q"
                aria-label="Search the shop"
                placeholder="Search the shop"
                autocomplete="off"
                value=first.words
                node_ref=field
                on:input=typed
            />
            <button type="submit" class="button quiet asleep-only">"Search"</button>
        </form>
    }
}

/// What is shown, one tap away each; every choice is an address.
#[component]
fn Chips(wish: Memo<Wish>, categories: Memo<BTreeSet<String>>) -> impl IntoView {
    let chip = |label: String, chosen: bool, to: Wish| {
        view! {
            <li>
                <a class="chip" href=to.path() aria-current=chosen.then_some("true")>{label}</a>
            </li>
        }
    };
    view! {
        <nav aria-label="Filter">
            <ul class="chips">
                {dynamic(move || {
                    let wish = wish.get();
                    let to = |category: Option<String>| Wish { category, ..wish.clone() };
                    let stock = Wish { in_stock: !wish.in_stock, ..wish.clone() };
                    let mut chips = vec![chip("Everything".to_owned(), wish.category.is_none(), to(None))];
                    for category in categories.get() {
                        let chosen = wish.category.as_ref() == Some(&category);
                        chips.push(chip(category.clone(), chosen, to(Some(category))));
                    }
                    chips.push(chip("In stock".to_owned(), wish.in_stock, stock));
                    chips
                })}
            </ul>
        </nav>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <section class="empty">
            <Icon icon=icondata_lu::LuStore />
            <h2>"The shelves are empty"</h2>
            <p>"Nothing is sold here yet. What comes shows at once."</p>
        </section>
    }
}

#[component]
fn NoMatches() -> impl IntoView {
    view! {
        <section class="empty">
            <Icon icon=icondata_lu::LuSearch />
            <h2>"No matches"</h2>
            <p>"Nothing on the shelves is like that."</p>
            <p><a class="button quiet" href="/shop">"Clear"</a></p>
        </section>
    }
}

/// A product as it is now. Tracks through the memo.
fn product_of(shop: &LiveView<ShopView>, sku: &Sku) -> Memo<Option<ShopProduct>> {
    let (state, sku) = (shop.state.clone(), sku.clone());
    passing(move || state.with(|shop| shop.products.get(&sku).cloned()))
}

/// How many there are, in words.
#[component]
fn Stock(product: Memo<Option<ShopProduct>>) -> impl IntoView {
    let stock = move || {
        product.with(|product| match product {
            Some(product) if !product.retired => shelf::stock(product.available),
            _ => ("none", "Not sold any more".to_owned()),
        })
    };
    view! {
        <span class="stock" data-stock=move || stock().0>
            {dynamic(move || stock().1)}
        </span>
    }
}

#[component]
fn Card(shop: LiveView<ShopView>, sku: Sku) -> impl IntoView {
    let number = sku.to_string();
    let product = product_of(&shop, &sku);
    let (title, category) = product
        .with_untracked(|product| product.as_ref().map(|p| (p.title.clone(), p.category.clone())))
        .unwrap_or_default();
    let available = passing(move || {
        product.with(|product| product.as_ref().is_some_and(|p| p.available > 0 && !p.retired))
    });
    view! {
        <li class="product-card" data-sku=number>
            <a class="product-link" href=format!("/shop/{sku}")>
                <Picture sku=sku.clone() category />
                <span class="product-title">{title.clone()}</span>
            </a>
            <p class="product-facts">
                <span class="price">
                    {dynamic(move || product.with(|product| product.as_ref().map(|p| p.price.to_string())))}
                </span>
                <Stock product />
            </p>
            <AddToCart sku title available />
        </li>
    }
}

/// Where something is somebody's own and nobody is signed in.
#[component]
pub(crate) fn SignInFirst(
    /// What for.
    to: &'static str,
    /// Where to come back to.
    next: &'static str,
) -> impl IntoView {
    crate::root::set_status(401);
    view! {
        <Title text="Sign in" />
        <section class="empty">
            <Icon icon=icondata_lu::LuLock />
            <h1>{format!("Sign in to {to}")}</h1>
            <p>"It is kept for you alone."</p>
            <p><a class="button" href=sign_in_path(next)>"Sign in"</a></p>
        </section>
    }
}
