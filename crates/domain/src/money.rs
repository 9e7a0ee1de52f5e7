//! Money: whole cents of the shop's currency, never a fraction of one and never a float; and how numbers are written.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In what a shop counts. Said once where something with a price begins: a product, an order, a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Currency {
    /// The euro.
    #[default]
    Eur,
}

/// An amount in whole cents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Cents(pub i64);

impl Cents {
    /// Nothing.
    pub const ZERO: Cents = Cents(0);

    /// Both together; `None` where that cannot be counted any more.
    #[must_use]
    pub fn checked_add(self, other: Cents) -> Option<Cents> {
        self.0.checked_add(other.0).map(Cents)
    }

    /// What remains; `None` where that cannot be counted any more.
    #[must_use]
    pub fn checked_sub(self, other: Cents) -> Option<Cents> {
        self.0.checked_sub(other.0).map(Cents)
    }

    /// So many times; `None` where that cannot be counted any more.
    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Cents> {
        self.0.checked_mul(quantity.into()).map(Cents)
    }

    /// Both together, or as much as can be counted: for folds, which refuse nothing.
    #[must_use]
    pub fn plus(self, other: Cents) -> Cents {
        Cents(self.0.saturating_add(other.0))
    }

    /// What remains, or as little as can be counted: for folds, which refuse nothing.
    #[must_use]
    pub fn minus(self, other: Cents) -> Cents {
        Cents(self.0.saturating_sub(other.0))
    }
}

/// `€1,234.50`
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, cents) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        f.pad(&format!("{sign}€{}.{:02}", grouped(cents / 100), cents % 100))
    }
}

/// A whole number as people read it, `12,345`: every number that can be large is written by this.
#[must_use]
pub fn grouped(number: impl fmt::Display) -> String {
    in_groups(&number.to_string())
}

fn in_groups(digits: &str) -> String {
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

impl fmt::Debug for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cents({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_with_two_decimals() {
        for (cents, written) in [
            (0, "€0.00"),
            (5, "€0.05"),
            (1_250, "€12.50"),
            (-1, "-€0.01"),
            (99_999, "€999.99"),
            (123_456_700, "€1,234,567.00"),
            (i64::MIN, "-€92,233,720,368,547,758.08"),
        ] {
            assert_eq!(Cents(cents).to_string(), written);
        }
    }

    #[test]
    fn a_number_is_written_in_groups_of_three() {
        for (number, written) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_000_000, "1,000,000")]
        {
            assert_eq!(grouped(number), written);
        }
    }

    #[test]
    fn what_cannot_be_counted_is_not_wrapped_around() {
        let most = Cents(i64::MAX);
        assert_eq!(most.checked_add(Cents(1)), None);
        assert_eq!(Cents(i64::MIN).checked_sub(Cents(1)), None);
        assert_eq!(most.times(2), None);
        assert_eq!((most.plus(Cents(1)), Cents(i64::MIN).minus(Cents(1))), (most, Cents(i64::MIN)));
        assert_eq!(Cents(250).times(3), Some(Cents(750)));
    }
}
