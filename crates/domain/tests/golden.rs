//! The golden samples: one frozen envelope of every version of every event type, as it stands in somebody's
//! log. Whatever this build becomes, it reads them all.

mod common;

use std::{fs, path::PathBuf};

use common::samples;
use domain::{Event, Recorded, UserId, contract::KINDS};
use uuid::Uuid;

fn path(name: &str, version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.{version}.json"))
}

fn read(name: &str, version: u16) -> String {
    fs::read_to_string(path(name, version)).unwrap_or_else(|error| {
        panic!(
            "golden/{name}.{version}.json: {error}.\n\
             A new type or version needs a golden sample. Add an event to tests/common/samples.rs, run\n    \
             FREEZE=1 cargo nextest run -p domain --test golden every_version\n\
             look at the file it writes, and commit it. A sample that exists is never changed: logs out there \
             hold events like it."
        )
    })
}

/// Every version of every type.
fn versions() -> impl Iterator<Item = (&'static str, u16)> {
    KINDS.iter().flat_map(|kind| (1..=kind.version).map(|version| (kind.name, version)))
}

/// With `FREEZE` set, writes the samples that are missing; those that exist are left alone.
fn freeze_missing() {
    if std::env::var_os("FREEZE").is_none() {
        return;
    }
    for (nth, event) in samples::all().into_iter().enumerate() {
        let kind = event.kind();
        if !path(kind.name, kind.version).exists() {
            let written = samples::envelope(nth, event).to_recorded().encode() + "\n";
            fs::write(path(kind.name, kind.version), written).expect("golden/ is writable");
        }
    }
}

#[test]
fn every_version_of_every_type_has_a_sample_that_is_read_and_written_back_byte_for_byte() {
    freeze_missing();
    for (name, version) in versions() {
        let text = read(name, version);
        let recorded: Recorded = serde_json::from_str(&text).unwrap();
        assert_eq!((recorded.meta.kind.as_ref(), recorded.meta.schema), (name, version));
        assert_eq!(recorded.encode(), text.trim_end(), "{name} version {version}");
        let envelope = recorded.decode().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(envelope.event.kind().name, name);
    }
}

#[test]
fn a_current_sample_is_written_from_its_meaning_byte_for_byte() {
    for kind in KINDS {
        let text = read(kind.name, kind.version);
        let envelope = serde_json::from_str::<Recorded>(&text).unwrap().decode().unwrap();
        assert_eq!(envelope.to_recorded().encode(), text.trim_end(), "{}", kind.name);
    }
}

#[test]
fn what_a_sample_says_of_itself_is_what_the_table_says() {
    for (name, version) in versions() {
        let envelope = serde_json::from_str::<Recorded>(&read(name, version)).unwrap().decode().unwrap();
        assert_eq!(envelope.meta.stream, envelope.event.stream(), "{name} version {version}");
        assert_eq!(envelope.meta.subject, envelope.event.subject(), "{name} version {version}");
        assert_eq!(envelope.meta.audience, envelope.event.audience(), "{name} version {version}");
    }
}

#[test]
fn no_sample_is_left_over() {
    let known: Vec<PathBuf> = versions().map(|(name, version)| path(name, version)).collect();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).unwrap() {
        let found = entry.unwrap().path();
        assert!(known.contains(&found), "{} is of no type and version in the table", found.display());
    }
}

#[test]
fn a_room_opened_in_version_1_is_lifted_to_a_public_room_opened_by_nobody_known() {
    let recorded: Recorded = serde_json::from_str(&read("chat.room_opened", 1)).unwrap();
    assert!(!recorded.data.get().contains("private"), "version 1 did not know private rooms");
    let envelope = recorded.decode().unwrap();
    let Event::ChatRoomOpened(opened) = &envelope.event else { panic!("{:?}", envelope.event) };
    assert_eq!(opened.title, "The lobby");
    assert!(!opened.private);
    assert_eq!(opened.by, UserId(Uuid::nil()));
    assert_eq!(envelope.meta.schema, 1, "the envelope still says what was stored");
    assert_eq!(envelope.to_recorded().meta.schema, 2);
}

#[test]
fn a_version_from_the_future_is_refused_by_name() {
    let text = read("chat.message_posted", 1)
        .replace("/schemas/chat.message_posted/1", "/schemas/chat.message_posted/7");
    let recorded: Recorded = serde_json::from_str(&text).unwrap();
    assert_eq!(
        recorded.decode().unwrap_err().to_string(),
        "chat.message_posted version 7 is newer than this build, which knows up to 1"
    );
}

#[test]
fn an_envelope_that_names_its_schema_by_the_path_alone_is_read() {
    let text = read("chat.room_opened", 2);
    let written_before = text.replace("hubbub:/schemas/", "/schemas/");
    assert_ne!(written_before, text);
    let recorded: Recorded = serde_json::from_str(&written_before).unwrap();
    assert_eq!(recorded.encode(), text.trim_end());
}

#[test]
fn an_unknown_type_passes_through_untouched() {
    let text = read("chat.message_edited", 1).replace("chat.message_edited", "chat.message_sung");
    let recorded: Recorded = serde_json::from_str(&text).unwrap();
    assert_eq!(recorded.encode(), text.trim_end());
    assert_eq!(recorded.decode().unwrap_err().to_string(), "unknown event type \"chat.message_sung\"");
}

#[test]
fn redaction_blanks_what_is_personal_and_the_sample_still_fits() {
    for (name, version) in versions() {
        let mut recorded: Recorded = serde_json::from_str(&read(name, version)).unwrap();
        let personal = domain::contract::kind(name).unwrap().personal;
        let Some(redacted) = domain::contract::redacted(name, recorded.data.get()) else {
            assert!(personal.is_empty(), "{name} has personal fields {personal:?} but none was blanked");
            continue;
        };
        let before: serde_json::Value = serde_json::from_str(recorded.data.get()).unwrap();
        let after: serde_json::Value = serde_json::from_str(&redacted).unwrap();
        for (field, value) in before.as_object().unwrap() {
            if personal.contains(&field.as_str()) {
                let blank = if value.is_object() { serde_json::json!({}) } else { "".into() };
                assert_eq!(after[field], blank, "{name}: {field} is personal");
            } else {
                assert_eq!(after[field], *value, "{name}: {field} is not personal");
            }
        }
        recorded.data = serde_json::value::RawValue::from_string(redacted).unwrap();
        recorded.decode().unwrap_or_else(|error| panic!("{error}"));
    }
}
