//! Every product's picture, drawn: lines of ink over one tint. What is not known here gets a parcel.

use domain::Sku;
use leptos::prelude::*;

/// What stands in a picture's SVG, 96 by 96: the shape that is tinted has the class `a`.
fn drawing(sku: &str) -> &'static str {
    match sku {
        "enamel-kettle" => {
            r#"<path class="a" d="M26 44c0-10 9-16 22-16s22 6 22 16l4 26a6 6 0 0 1-6 6H28a6 6 0 0 1-6-6z"/><path d="M34 29c2-15 26-15 28 0M72 54l13-12M45 28v-5h6v5M23 66h50"/>"#
        }
        "copper-pan" => {
            r#"<path class="a" d="M10 46h48v16a10 10 0 0 1-10 10H20a10 10 0 0 1-10-10z"/><path d="M58 50h27a3 3 0 0 1 0 6H58M26 37c-3-5 3-8 0-13M42 37c-3-5 3-8 0-13"/>"#
        }
        "bread-box" => {
            r#"<path class="a" d="M12 72V52c0-14 12-22 36-22s36 8 36 22v20z"/><path d="M12 56h72M42 64h12M20 72v5M76 72v5"/>"#
        }
        "pepper-mill" => {
            r#"<path class="a" d="M35 82h26l-4-20c-2-8 4-10 4-18s-6-9-6-14H41c0 5-6 6-6 14s6 10 4 18z"/><path d="M37 72h22"/><circle cx="48" cy="21" r="8"/>"#
        }
        "mug-speckled" => {
            r#"<path class="a" d="M22 30h42v36a10 10 0 0 1-10 10H32a10 10 0 0 1-10-10z"/><path d="M64 38h6a9 9 0 0 1 9 9v4a9 9 0 0 1-9 9h-6M31 42h.1M44 39h.1M54 47h.1M38 53h.1M50 61h.1M32 65h.1"/>"#
        }
        "carafe-smoke" => {
            r#"<path class="a" d="M42 14h12v20c0 8 14 12 14 28v14a6 6 0 0 1-6 6H34a6 6 0 0 1-6-6V62c0-16 14-20 14-28z"/><path d="M29 57h38M39 14h18"/>"#
        }
        "bowl-ash" => {
            r#"<path class="a" d="M12 40h72c0 22-14 34-28 34H40C26 74 12 62 12 40z"/><path d="M36 74v6h24v-6M25 50c3 9 8 13 14 15"/>"#
        }
        "teapot-iron" => {
            r#"<path class="a" d="M24 54c0-12 10-18 24-18s24 6 24 18-8 24-24 24-24-12-24-24z"/><path d="M24 52l-13-9M72 49c13-3 12 18-2 17M40 36c0-6 16-6 16 0M48 31v-4M28 36c4-24 36-24 40 0"/>"#
        }
        "lamp-mushroom" => {
            r#"<path class="a" d="M16 46c0-18 14-28 32-28s32 10 32 28z"/><path d="M42 46v23M54 46v23M31 78c0-7 7-9 17-9s17 2 17 9z"/>"#
        }
        "candlestick-brass" => {
            r#"<path class="a" d="M26 80c0-7 9-9 18-10V48h8v22c9 1 18 3 18 10z"/><path d="M38 48h20M43 48V28h10v20M48 28v-4M48 23c-5-4 0-8 0-11 0 3 5 7 0 11z"/>"#
        }
        "lantern-storm" => {
            r#"<path class="a" d="M35 36h26v30H35z"/><path d="M29 66h38v12H29zM36 36l4-10h16l4 10M48 61c-6-6 0-9 0-15 0 6 6 9 0 15zM27 40C22 8 74 8 69 40"/>"#
        }
        "pendant-dome" => {
            r#"<path class="a" d="M14 64c0-21 14-33 34-33s34 12 34 33z"/><path d="M48 6v19M42 31v-6h12v6M38 64c0 6 4 9 10 9s10-3 10-9"/>"#
        }
        "blanket-herringbone" => {
            r#"<path class="a" d="M16 20h64v46H16z"/><path d="M16 34l8-7 8 7 8-7 8 7 8-7 8 7 8-7 8 7M16 46l8-7 8 7 8-7 8 7 8-7 8 7 8-7 8 7M16 58l8-7 8 7 8-7 8 7 8-7 8 7 8-7 8 7M20 66v10M31 66v10M42 66v10M54 66v10M65 66v10M76 66v10"/>"#
        }
        "cushion-check" => {
            r#"<path class="a" d="M16 20c21 6 43 6 64 0-6 19-6 37 0 56-21-6-43-6-64 0 6-19 6-37 0-56z"/><path d="M37 24v48M59 24v48M20 38h56M20 58h56"/>"#
        }
        "towel-waffle" => {
            r#"<path class="a" d="M27 16h42v64H27z"/><path d="M13 16h70M27 67h42M27 73h42M37 27h.1M48 27h.1M59 27h.1M37 39h.1M48 39h.1M59 39h.1M37 51h.1M48 51h.1M59 51h.1"/>"#
        }
        "rug-runner" => {
            r#"<path class="a" d="M31 14h34v68H31z"/><path d="M35 14V8M44 14V8M52 14V8M61 14V8M35 82v6M44 82v6M52 82v6M61 82v6M48 22l9 13-9 13-9-13zM48 48l9 13-9 13-9-13z"/>"#
        }
        "shelf-walnut" => {
            r#"<path class="a" d="M10 56h76v8H10z"/><path d="M22 64l5 14M74 64l-5 14M24 56V30h9v26M33 56V36h8v20M43 56l8-27 8 3-7 24M66 56c-5-12 15-12 10 0"/>"#
        }
        "clock-station" => {
            r#"<circle class="a" cx="48" cy="48" r="33"/><path d="M48 48V28M48 48l13 8M48 20v4M48 72v4M20 48h4M72 48h4M28 28l3 3M68 28l-3 3M28 68l3-3M68 68l-3-3"/>"#
        }
        "tray-valet" => {
            r#"<path class="a" d="M8 40h80l-9 32H17z"/><path d="M8 40l9 10h62l9-10M17 50v22M79 50v22M31 61a5 5 0 1 0 10 0 5 5 0 1 0-10 0M41 61h20M56 61v4"/>"#
        }
        "radio-dial" => {
            r#"<path class="a" d="M12 34h72v40a4 4 0 0 1-4 4H16a4 4 0 0 1-4-4z"/><path d="M24 34l42-19M21 46h22M21 54h22M21 62h22M65 56l6-6"/><circle cx="65" cy="56" r="12"/>"#
        }
        "pot-terracotta" => {
            r#"<path class="a" d="M25 46h46v9H25zM30 55h36l-5 27H35z"/><path d="M48 46V24M48 34c-13 0-15-9-15-13 11 0 15 4 15 13zM48 29c0-12 7-15 15-15 0 9-4 15-15 15z"/>"#
        }
        "watering-can" => {
            r#"<path class="a" d="M32 42h36v36H32z"/><path d="M32 64L13 34M8 38l10-8M68 48c17-4 17 24 0 22M37 42c0-17 26-17 26 0"/>"#
        }
        "stool-step" => {
            r#"<path class="a" d="M22 24h52v9H22z"/><path d="M28 33l-9 49M68 33l9 49M25 52h46M22 68h52"/>"#
        }
        "birdhouse-cedar" => {
            r#"<path class="a" d="M26 42h44v38H26z"/><path d="M16 46l32-28 32 28M48 67v7"/><circle cx="48" cy="54" r="7"/>"#
        }
        _ => {
            r#"<path class="a" d="M18 34l30-14 30 14v32L48 80 18 66z"/><path d="M18 34l30 14 30-14M48 48v32M33 27l30 14"/>"#
        }
    }
}

/// A product's picture. Decoration: its title always stands beside it.
#[component]
pub(crate) fn Picture(
    /// Which product.
    sku: Sku,
    /// What it stands beside: each category has a tint.
    #[prop(optional_no_strip)]
    category: Option<String>,
) -> impl IntoView {
    view! {
        <span class="picture" data-category=category.map(|category| category.to_lowercase())>
            <svg viewBox="0 0 96 96" aria-hidden="true" focusable="false" inner_html=drawing(&sku.to_string())></svg>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// As in the demo's catalogue, which the page does not know.
    const KNOWN: [&str; 24] = [
        "enamel-kettle",
        "copper-pan",
        "bread-box",
        "pepper-mill",
        "mug-speckled",
        "carafe-smoke",
        "bowl-ash",
        "teapot-iron",
        "lamp-mushroom",
        "candlestick-brass",
        "lantern-storm",
        "pendant-dome",
        "blanket-herringbone",
        "cushion-check",
        "towel-waffle",
        "rug-runner",
        "shelf-walnut",
        "clock-station",
        "tray-valet",
        "radio-dial",
        "pot-terracotta",
        "watering-can",
        "stool-step",
        "birdhouse-cedar",
    ];

    #[test]
    fn every_known_product_has_a_picture_of_its_own_and_the_others_a_parcel() {
        let drawn: BTreeSet<_> = KNOWN.iter().chain(&["anything-else"]).map(|sku| drawing(sku)).collect();
        assert_eq!(drawn.len(), KNOWN.len() + 1);
        assert!(drawn.iter().all(|drawing| drawing.contains(r#"class="a""#) && drawing.ends_with("/>")));
    }
}
