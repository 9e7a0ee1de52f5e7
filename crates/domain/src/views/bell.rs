//! What one person was told, the newest [`MOST_NOTIFICATIONS`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cart::OwnKey;
use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::{EventId, NotificationId},
    notification::MailFault,
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// How many notifications are kept behind a bell.
pub const MOST_NOTIFICATIONS: usize = 100;

/// What became of the mail about a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mailed {
    /// It was sent.
    Sent,
    /// It was given up.
    Failed(MailFault),
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BellItem {
    /// Which.
    pub notification: NotificationId,
    /// The event that raised it.
    pub event: EventId,
    /// Where it was raised.
    pub position: Position,
    /// When it was raised.
    pub time: Timestamp,
    /// What it says.
    pub text: String,
    /// Where there is more: a path on this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What became of the mail about it; `None` while, or if, none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailed: Option<Mailed>,
}

/// The bell of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bell {
    /// Whose.
    pub key: OwnKey,
    /// The newest notifications, oldest first.
    pub items: VecDeque<BellItem>,
    /// Everything up to here is read.
    pub read: Position,
}

impl Bell {
    /// How many are not read yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.items.iter().filter(|item| item.position > self.read).count()
    }

    fn mailed(&mut self, notification: NotificationId, mailed: Mailed) {
        if let Some(item) = self.items.iter_mut().rev().find(|item| item.notification == notification) {
            item.mailed = Some(mailed);
        }
    }
}

impl View for Bell {
    const NAME: &'static str = "bell";
    type Key = OwnKey;
    const KINDS: &'static [&'static str] =
        &["notification.raised", "notification.read", "notification.email_sent", "notification.email_failed"];

    fn empty(key: &OwnKey) -> Self {
        Self { key: *key, items: VecDeque::new(), read: Position::START }
    }

    fn pattern(key: &OwnKey) -> Pattern {
        Pattern::new(format!("notification.{}.>", key.user)).expect("an id is a subject token")
    }

    fn viewer(key: &OwnKey) -> Token {
        Token::User(key.user)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Token::User(self.key.user))
    }

    fn fold(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::NotificationRaised(e) => {
                self.items.push_back(BellItem {
                    notification: e.notification,
                    event: envelope.meta.id,
                    position: envelope.meta.position,
                    time: envelope.meta.time,
                    text: e.text.clone(),
                    link: e.link.clone(),
                    mailed: None,
                });
                if self.items.len() > MOST_NOTIFICATIONS {
                    self.items.pop_front();
                }
            }
            Event::NotificationRead(e) => self.read = e.upto,
            Event::NotificationEmailSent(e) => self.mailed(e.notification, Mailed::Sent),
            Event::NotificationEmailFailed(e) => self.mailed(e.notification, Mailed::Failed(e.reason)),
            _ => {}
        }
    }
}
