//! The small texts of the protocol: what is read is written back and means the same.

#![no_main]

use std::{fmt, str::FromStr};

use domain::{Cursor, Epoch, Position};
use libfuzzer_sys::fuzz_target;
use live::{OnGap, Sid};

fuzz_target!(|text: &str| {
    returns::<Cursor>(text);
    returns::<Epoch>(text);
    returns::<Position>(text);
    returns::<Sid>(text);
    returns::<OnGap>(text);
});

/// Reads, writes, reads.
fn returns<T: FromStr + fmt::Display + fmt::Debug + PartialEq>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        let again = read.to_string().parse::<T>().ok();
        assert_eq!(again.as_ref(), Some(&read), "{text:?}");
    }
}
