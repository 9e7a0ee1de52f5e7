//! What the demo's shop sells: homeware that lasts, a few of each. The pages draw every product by its SKU.

/// One product of demo mode.
#[derive(Debug, Clone, Copy)]
pub struct DemoProduct {
    /// Its number, by which it is also drawn.
    pub sku: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What it stands beside.
    pub category: &'static str,
    /// What one piece costs, in cents.
    pub cents: i64,
    /// How many come in; none, if it is sold out from the beginning.
    pub pieces: u32,
    /// One sentence about it.
    pub description: &'static str,
}

const fn product(
    sku: &'static str,
    title: &'static str,
    category: &'static str,
    cents: i64,
    pieces: u32,
    description: &'static str,
) -> DemoProduct {
    DemoProduct { sku, title, category, cents, pieces, description }
}

/// The catalogue.
pub const PRODUCTS: [DemoProduct; 24] = [
    product(
        "enamel-kettle",
        "Enamel kettle",
        "Kitchen",
        4_800,
        18,
        "Two litres, a beech handle, and a whistle you hear in the garden.",
    ),
    product(
        "copper-pan",
        "Copper saucepan",
        "Kitchen",
        8_900,
        6,
        "Tin-lined and heavy: it forgives whoever looks away for a minute.",
    ),
    product(
        "bread-box",
        "Roll-top bread box",
        "Kitchen",
        5_400,
        9,
        "Keeps a loaf for four days, and keeps the crumbs to itself.",
    ),
    product(
        "pepper-mill",
        "Beech pepper mill",
        "Kitchen",
        3_200,
        25,
        "A steel grinder with a guarantee longer than most kitchens last.",
    ),
    product(
        "mug-speckled",
        "Speckled mug",
        "Table",
        1_800,
        40,
        "Stoneware, 300 ml, with a handle that takes three fingers.",
    ),
    product(
        "carafe-smoke",
        "Smoked-glass carafe",
        "Table",
        3_600,
        12,
        "Mouth-blown, so that no two of them lean quite the same way.",
    ),
    product(
        "bowl-ash",
        "Ash salad bowl",
        "Table",
        2_900,
        14,
        "Turned from one piece and oiled by hand; it darkens with every dinner.",
    ),
    product(
        "teapot-iron",
        "Cast-iron teapot",
        "Table",
        6_200,
        7,
        "Stays hot for an hour, which is longer than it takes to solve most things.",
    ),
    product(
        "lamp-mushroom",
        "Mushroom lamp",
        "Light",
        12_900,
        5,
        "Dims by touch down to a glow you can fall asleep beside.",
    ),
    product(
        "candlestick-brass",
        "Brass candlestick",
        "Light",
        2_450,
        22,
        "Unlacquered: polish it every month, or let it tell its age.",
    ),
    product(
        "lantern-storm",
        "Storm lantern",
        "Light",
        4_500,
        11,
        "Burns for twenty hours, and does not mind the wind.",
    ),
    product(
        "pendant-dome",
        "Dome pendant",
        "Light",
        15_800,
        1,
        "Spun steel, white inside. The last one of its colour.",
    ),
    product(
        "blanket-herringbone",
        "Herringbone blanket",
        "Textiles",
        9_500,
        8,
        "New wool, woven slowly; large enough for two on a sofa.",
    ),
    product(
        "cushion-check",
        "Checked cushion",
        "Textiles",
        3_900,
        16,
        "Washed linen with a feather filling that finds its shape again.",
    ),
    product(
        "towel-waffle",
        "Waffle towel",
        "Textiles",
        2_200,
        30,
        "Dries you, then dries itself, before anybody else is up.",
    ),
    product(
        "rug-runner",
        "Hallway runner",
        "Textiles",
        21_000,
        3,
        "Flat-woven in wool and jute, 70 by 240, and easy to shake out.",
    ),
    product(
        "shelf-walnut",
        "Walnut shelf",
        "Study",
        7_400,
        2,
        "Holds a metre of paperbacks on two hidden brackets.",
    ),
    product(
        "clock-station",
        "Station clock",
        "Study",
        6_800,
        10,
        "Silent, readable from the door, and always one minute early.",
    ),
    product(
        "tray-valet",
        "Leather valet tray",
        "Study",
        4_200,
        13,
        "For the keys, the coins, and everything else a pocket gives back.",
    ),
    product(
        "radio-dial",
        "Dial radio",
        "Study",
        11_900,
        4,
        "One knob for the station, one for the sound, and nothing to update.",
    ),
    product(
        "pot-terracotta",
        "Terracotta pot",
        "Garden",
        1_650,
        35,
        "Frost-proof, with a saucer; it ages better than what grows in it.",
    ),
    product(
        "watering-can",
        "Long-spout watering can",
        "Garden",
        3_800,
        15,
        "Reaches the back of the shelf without moving the front.",
    ),
    product(
        "stool-step",
        "Step stool",
        "Garden",
        8_400,
        0,
        "Carries 150 kilos, folds flat, and comes indoors on Sundays.",
    ),
    product(
        "birdhouse-cedar",
        "Cedar birdhouse",
        "Garden",
        2_700,
        20,
        "The right size of door for tits, the wrong one for sparrows.",
    ),
];
