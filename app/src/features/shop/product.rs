//! The page `/shop/<sku>`: one product.

use domain::{Sku, view::Snapshot, views::Shop as ShopView};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{Picture, RefusedHere, Stock, product_of, shelf::Wish};
use crate::{
    calls,
    features::cart::AddToCart,
    live,
    ui::{AsOf, Loading, NotFound, Problem, dynamic},
};

/// The page.
#[component]
pub fn Product() -> impl IntoView {
    let params = use_params_map();
    let sku =
        Memo::new(move |_| params.with(|params| params.get("sku")).and_then(|sku| sku.parse::<Sku>().ok()));
    let loaded = Resource::new_blocking(|| (), |()| calls::shop());
    view! {
        <Suspense fallback=Loading>
            {move || {
                let sku = sku.get();
                Suspend::new(async move {
                    match (loaded.await, sku) {
                        (Ok(shop), Some(sku)) if shop.view.products.contains_key(&sku) => {
                            view! { <Sheet shop sku /> }.into_any()
                        }
                        (Ok(_), _) => view! { <NotFound /> }.into_any(),
                        (Err(fault), _) => view! { <Problem fault /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn Sheet(shop: Snapshot<ShopView>, sku: Sku) -> impl IntoView {
    let number = sku.to_string();
    let shop = live::view::<ShopView>((), shop);
    let product = product_of(&shop, &sku);
    let first = product.get_untracked();
    let (title, category) = first.map(|p| (p.title, p.category)).unwrap_or_default();
    let available = Memo::new(move |_| {
        product.with(|product| product.as_ref().is_some_and(|p| p.available > 0 && !p.retired))
    });
    let within = category.clone().map(|category| {
        let only = Wish { category: Some(category.clone()), ..Wish::default() };
        view! { <li><a class="link" href=only.path()>{category}</a></li> }
    });
    view! {
        <Title text=title.clone() />
        <article class="product" data-sku=number>
            <nav aria-label="Where this is">
                <ol class="crumbs">
                    <li><a class="link" href="/shop">"Shop"</a></li>
                    {within}
                </ol>
            </nav>
            <Picture sku=sku.clone() category />
            <div class="product-text">
                <h1>{title.clone()}</h1>
                <p class="lead">
                    {dynamic(move || product.with(|product| product.as_ref().and_then(|p| p.description.clone())))}
                </p>
                <p class="product-facts">
                    <span class="price">
                        {dynamic(move || product.with(|product| product.as_ref().map(|p| p.price.to_string())))}
                    </span>
                    <Stock product />
                    <AsOf />
                </p>
                <RefusedHere />
                <AddToCart sku title available several=true />
            </div>
        </article>
    }
}
