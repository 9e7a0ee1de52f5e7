//! Where the parcel is, on a small drawn map of the town.

use domain::shipment::Place;
use leptos::prelude::*;

/// The part of the world that is drawn, around the shop, in millionths of a degree: west, south, and how wide and high.
const WEST: i32 = 13_303_000;
const SOUTH: i32 = 52_451_000;
const WIDE: i32 = 150_000;
const HIGH: i32 = 130_000;

/// The drawing's size.
const SIZE: (i32, i32) = (320, 160);

/// Streets, the river, a park: always the same town.
const TOWN: &str = r#"<path class="park" d="M18 16h64v40H18z"/><path class="park" d="M236 96h58v44h-58z"/><path class="river" d="M0 122c60-30 90 10 150-14s90-70 170-62"/><path class="street" d="M0 66h320M96 0v160M188 0v160M0 140L120 0M150 160L300 0M0 100h320M268 0v160"/>"#;

/// Where a place is in the drawing; what lies outside is at its edge.
fn projected(place: Place) -> (i32, i32) {
    let share = |offset: i32, whole: i32, size: i32| {
        let at = i64::from(offset) * i64::from(size) / i64::from(whole);
        i32::try_from(at.clamp(8, i64::from(size - 8))).unwrap_or(size / 2)
    };
    let x = share(place.longitude_e6.saturating_sub(WEST), WIDE, SIZE.0);
    let y = SIZE.1 - share(place.latitude_e6.saturating_sub(SOUTH), HIGH, SIZE.1);
    (x, y)
}

/// The map, with the shop in the middle and the courier on it.
#[component]
pub(super) fn Map(
    /// Where the parcel was seen last.
    #[prop(into)]
    place: Signal<Option<Place>>,
) -> impl IntoView {
    view! {
        <div class="map">
            <svg viewBox="0 0 320 160" aria-hidden="true" focusable="false">
                <g inner_html=TOWN></g>
                <rect class="depot" x="154" y="74" width="12" height="12" />
                <g
                    class="courier"
                    data-seen=move || place.get().is_some().to_string()
                    transform=move || {
                        let (x, y) = place.get().map_or((SIZE.0 / 2, SIZE.1 / 2), projected);
                        format!("translate({x} {y})")
                    }
                >
                    <circle r="14" class="courier-halo" />
                    <circle r="6" />
                </g>
            </svg>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_drawn_inside_the_map_wherever_it_is() {
        let at = |latitude_e6, longitude_e6| projected(Place { latitude_e6, longitude_e6 });
        assert_eq!(at(SOUTH + HIGH / 2, WEST + WIDE / 2), (160, 80));
        for (latitude, longitude) in
            [(i32::MIN, i32::MIN), (i32::MAX, i32::MAX), (0, 0), (i32::MAX, i32::MIN)]
        {
            let (x, y) = at(latitude, longitude);
            assert!((8..=SIZE.0 - 8).contains(&x) && (8..=SIZE.1 - 8).contains(&y), "{x} {y}");
        }
    }
}
