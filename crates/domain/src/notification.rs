//! What somebody is told, behind the bell and by mail. Nothing here says where mail goes: addresses are in
//! no event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::{Context, State},
    envelope::Position,
    ids::{NotificationId, UserId},
    text,
};

/// The longest notification, in characters.
pub const MAX_TEXT: usize = 300;

/// The longest link, in bytes.
pub const MAX_LINK: usize = 200;

/// Why a notification was not mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailFault {
    /// Nobody knows where to send it.
    NoAddress,
    /// The mail server could not be reached for too long.
    Unreachable,
    /// The mail server did not take it.
    Refused,
}

payloads! {
    /// See [`crate::Event::NotificationRaised`].
    NotificationRaised {
        /// Who is told.
        user: UserId,
        /// The notification: the id of the command that raised it.
        notification: NotificationId,
        /// What they are told, in one line.
        text: String,
        /// Where they can see more: a path on this site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    }
    /// See [`crate::Event::NotificationRead`].
    NotificationRead {
        /// Who.
        user: UserId,
        /// Everything up to this position is read.
        upto: Position,
    }
    /// See [`crate::Event::NotificationEmailSent`].
    EmailSent {
        /// Who is told.
        user: UserId,
        /// Which notification.
        notification: NotificationId,
    }
    /// See [`crate::Event::NotificationEmailFailed`].
    EmailFailed {
        /// Who is not told by mail.
        user: UserId,
        /// Which notification.
        notification: NotificationId,
        /// Why.
        reason: MailFault,
    }
    /// Command `notification.raise`.
    #[serde(deny_unknown_fields)]
    Raise {
        /// Whom to tell.
        user: UserId,
        /// What to tell them, in one line.
        text: String,
        /// Where they can see more: a path on this site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    }
    /// Command `notification.mark_read`.
    #[serde(deny_unknown_fields)]
    MarkNotificationsRead {
        /// Everything up to this position is read.
        upto: Position,
    }
    /// Command `notification.note_email_sent`.
    #[serde(deny_unknown_fields)]
    NoteEmailSent {
        /// Who is told.
        user: UserId,
        /// Which notification.
        notification: NotificationId,
    }
    /// Command `notification.note_email_failure`.
    #[serde(deny_unknown_fields)]
    NoteEmailFailure {
        /// Who is not told by mail.
        user: UserId,
        /// Which notification.
        notification: NotificationId,
        /// Why.
        reason: MailFault,
    }
}

refusals! {
    /// The text does not fit.
    BadText = Invalid "notification.bad_text" "A notification is one line of 1 to {MAX_TEXT} characters.";
    /// The link leads elsewhere.
    BadLink = Invalid "notification.bad_link" "A notification leads to a path on this site, of at most {MAX_LINK} characters.";
    /// One cannot have read what is not there yet.
    ReadPastHead = Invalid "notification.read_past_head" "The log has not come that far yet.";
}

/// How far the mail about a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// Nothing was sent yet.
    Waiting,
    /// It was sent.
    Sent,
    /// It was given up.
    Failed,
}

/// What the stream `notification-<user>` has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inbox {
    /// Everything up to here is read.
    pub read: Position,
    /// What was raised, and how far the mail about it is.
    pub raised: BTreeMap<NotificationId, Mail>,
}

/// Folds one event of the stream.
pub fn fold(inbox: &mut Option<Inbox>, event: &Event) {
    let inbox = inbox.get_or_insert_default();
    match event {
        Event::NotificationRaised(e) => {
            inbox.raised.insert(e.notification, Mail::Waiting);
        }
        Event::NotificationRead(e) => inbox.read = e.upto,
        Event::NotificationEmailSent(e) => {
            inbox.raised.insert(e.notification, Mail::Sent);
        }
        Event::NotificationEmailFailed(e) => {
            inbox.raised.insert(e.notification, Mail::Failed);
        }
        _ => {}
    }
}

/// Whether a link stays on this site.
fn is_path(link: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    link.starts_with('/') && !link.starts_with("//") && link.len() <= MAX_LINK && link.chars().all(plain)
}

pub(crate) fn raise(state: &State, command: &Command, wanted: &Raise) -> Decision {
    account::service(command)?;
    let text = text::line(&wanted.text, MAX_TEXT).map_err(|_| Refusal::BadText)?;
    let (user, notification, link) = (wanted.user, NotificationId(command.id.0), wanted.link.clone());
    if link.as_deref().is_some_and(|link| !is_path(link)) {
        return Err(Refusal::BadLink.into());
    }
    if state.notification(user).is_some_and(|inbox| inbox.raised.contains_key(&notification)) {
        return Ok(vec![]);
    }
    Ok(vec![NotificationRaised { user, notification, text, link }.into()])
}

pub(crate) fn mark_read(
    state: &State,
    command: &Command,
    wanted: &MarkNotificationsRead,
    context: &Context,
) -> Decision {
    let user = account::acting(state, command)?.user;
    if wanted.upto > context.head {
        return Err(Refusal::ReadPastHead.into());
    }
    if state.notification(user).is_none_or(|inbox| inbox.raised.is_empty() || inbox.read >= wanted.upto) {
        return Ok(vec![]);
    }
    Ok(vec![NotificationRead { user, upto: wanted.upto }.into()])
}

fn mail(state: &State, user: UserId, notification: NotificationId) -> Option<Mail> {
    state.notification(user)?.raised.get(&notification).copied()
}

pub(crate) fn note_email_sent(state: &State, command: &Command, wanted: &NoteEmailSent) -> Decision {
    account::service(command)?;
    let NoteEmailSent { user, notification } = *wanted;
    Ok(match mail(state, user, notification) {
        Some(Mail::Waiting | Mail::Failed) => vec![EmailSent { user, notification }.into()],
        Some(Mail::Sent) | None => vec![],
    })
}

pub(crate) fn note_email_failure(state: &State, command: &Command, wanted: &NoteEmailFailure) -> Decision {
    account::service(command)?;
    let NoteEmailFailure { user, notification, reason } = *wanted;
    Ok(match mail(state, user, notification) {
        Some(Mail::Waiting) => vec![EmailFailed { user, notification, reason }.into()],
        Some(Mail::Sent | Mail::Failed) | None => vec![],
    })
}
