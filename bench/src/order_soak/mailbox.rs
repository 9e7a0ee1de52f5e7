//! The mail as it lies in the folder, against what people were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use domain::{Envelope, Event};

use crate::Failure;

/// Whether each notification was mailed once and noted once, and nothing else was mailed. Returns how many mails.
pub(super) fn check<'a>(folder: &Path, log: impl Iterator<Item = &'a Envelope>) -> Result<usize, Failure> {
    let (mut told, mut noted) = (BTreeMap::new(), BTreeSet::new());
    for envelope in log {
        match &envelope.event {
            Event::NotificationRaised(e) => {
                told.insert(e.notification, envelope.meta.id.to_string());
            }
            Event::NotificationEmailSent(e) if !noted.insert(e.notification) => {
                return Err(format!("the mail for {} was noted twice", e.notification).into());
            }
            Event::NotificationEmailFailed(e) => {
                return Err(format!("the mail for {} failed", e.notification).into());
            }
            _ => {}
        }
    }
    if !noted.iter().eq(told.keys()) {
        return Err(format!("{} were told something, and {} mails were sent", told.len(), noted.len()).into());
    }
    let mut mailed = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()?.strip_suffix(".eml")) else {
            continue;
        };
        let mail = fs::read_to_string(&file)?;
        if mail.matches(&format!("Message-ID: <{name}@")).count() != 1 {
            return Err(format!("{} is not the mail that it is named after", file.display()).into());
        }
        mailed.insert(name.to_owned());
    }
    if mailed != told.into_values().collect() {
        return Err(format!("{} mails were sent, and {} are there", noted.len(), mailed.len()).into());
    }
    Ok(mailed.len())
}
