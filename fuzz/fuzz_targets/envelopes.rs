//! CloudEvents: parse, decode, lift to the current version, write back.

#![no_main]

use domain::Recorded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(recorded) = serde_json::from_str::<Recorded>(text) else { return };
    let written = recorded.encode();
    let again: Recorded = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(again.meta, recorded.meta);
    assert_eq!(again.encode(), written);
    let Ok(envelope) = recorded.decode() else { return };
    let lifted = envelope.to_recorded();
    let lifted_again = lifted.decode().expect("the current version is understood");
    assert_eq!(lifted_again.event, envelope.event);
    assert_eq!(lifted_again.to_recorded().encode(), lifted.encode());
});
