//! Mails what people are told: each notification is one e-mail.
//!
//! Addresses are in no event: somebody's address is their handle at the domain of the settings. An e-mail's
//! `Message-ID` is made from the event's id, so that a mail that is sent twice after a crash is recognised
//! as one.
//!
//! The service never puts an event aside. Who does not want a mail says so for good, and that is noted; whatever
//! else is in the way may be gone in a while, so the mail waits, for a day at most.

mod mailers;

use std::{
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use domain::{
    Envelope, Event, EventId, StreamId, UserId,
    account::{self, Person},
    notification::{MailFault, NoteEmailFailure, NoteEmailSent, NotificationRaised},
};
use lettre::{
    Address, Message,
    message::{Mailbox, header::ContentType},
};
use store::{Clock, Store};

use crate::{Failure, Reaction, Reactor, Service};

pub use mailers::{FileMailbox, Mailer, Smtp, Undelivered};

/// How long a mail waits for a mail server.
const GIVE_UP_AFTER_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// How mail is sent: a setting each.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Which mail server takes it: `smtp://localhost`, `smtps://user:password@mail.example`. Empty: it is put
    /// into a folder.
    pub smtp_url: String,
    /// That folder.
    pub folder: PathBuf,
    /// Who it is from: `Hubbub <hubbub@shop.example>`.
    pub from: String,
    /// Everybody's address is their handle at this domain.
    pub domain: String,
    /// Where people find the site: `https://shop.example`.
    pub site: String,
}

/// A setting with which no mail can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMailSettings {
    /// Nobody can be written to or from there.
    #[error("{0:?} is not an e-mail address")]
    Address(String),
    /// Not the address of a mail server. (It is not shown: it may hold a password.)
    #[error(
        "the address of the mail server is not understood: {0}. Use smtp://host:port, or smtps:// for TLS"
    )]
    Url(String),
}

/// The service that mails, over SMTP or into a folder as the settings say.
///
/// # Errors
/// [`BadMailSettings`].
pub fn mail(settings: &MailSettings, clock: Clock) -> Result<Service, BadMailSettings> {
    let post = Post::new(settings)?;
    Ok(if settings.smtp_url.is_empty() {
        Mailing { mailer: FileMailbox::new(&settings.folder), post, clock }.into()
    } else {
        Mailing { mailer: Smtp::new(&settings.smtp_url)?, post, clock }.into()
    })
}

/// What is the same for all mails.
#[derive(Debug, Clone)]
struct Post {
    from: Mailbox,
    domain: String,
    site: String,
}

impl Post {
    fn new(settings: &MailSettings) -> Result<Self, BadMailSettings> {
        let from = settings.from.parse().map_err(|_| BadMailSettings::Address(settings.from.clone()))?;
        Address::new("somebody", &settings.domain)
            .map_err(|_| BadMailSettings::Address(format!("somebody@{}", settings.domain)))?;
        Ok(Self { from, domain: settings.domain.clone(), site: settings.site.clone() })
    }

    /// The e-mail about a notification; nothing if that cannot be one.
    fn write(&self, event: &Envelope, told: &NotificationRaised, person: &Person) -> Option<Message> {
        let address = Address::new(person.handle.as_str(), &self.domain).ok()?;
        let NotificationRaised { text, link, .. } = told;
        let more = link.as_ref().map(|link| format!("\n{}{link}\n", self.site)).unwrap_or_default();
        let millis = u64::try_from(event.meta.time.millis()).unwrap_or_default();
        Message::builder()
            .message_id(Some(format!("<{}@{}>", event.meta.id, self.domain)))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .from(self.from.clone())
            .to(Mailbox::new(Some(person.name.clone()), address))
            .subject(text)
            .header(ContentType::TEXT_PLAIN)
            .body(format!("Hello {},\n\n{text}\n{more}", person.name))
            .ok()
    }
}

/// See the module.
struct Mailing<M> {
    mailer: M,
    post: Post,
    clock: Clock,
}

impl<M: Mailer> Reactor for Mailing<M> {
    const NAME: &'static str = "mail";
    const PATTERNS: &'static [&'static str] = &["notification.*.raised"];
    const PARALLEL: usize = 8;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::NotificationRaised(told) = &event.event else { return Ok(()) };
        let (user, notification) = (told.user, told.notification);
        match self.deliver(event, told, unit.store()).await {
            Ok(()) => unit.command("sent", NoteEmailSent { user, notification }),
            Err(Halt::Failed(reason)) => {
                unit.command("failed", NoteEmailFailure { user, notification, reason })
            }
            Err(Halt::Wait(failure)) => return Err(failure),
        };
        Ok(())
    }
}

/// Why a mail is not sent: never will be, or not now.
enum Halt {
    Failed(MailFault),
    Wait(Failure),
}

impl<M: Mailer> Mailing<M> {
    async fn deliver(&self, event: &Envelope, told: &NotificationRaised, store: &Store) -> Result<(), Halt> {
        let person = person(store, told.user).await.map_err(Halt::Wait)?;
        let message = person.and_then(|person| self.post.write(event, told, &person));
        let message = message.ok_or(Halt::Failed(MailFault::NoAddress))?;
        let EventId(id) = event.meta.id;
        self.mailer.send(&id.to_string(), &message).await.map_err(|undelivered| match undelivered {
            Undelivered::Refused(why) => {
                tracing::warn!(event = %id, why, "a mail is refused");
                Halt::Failed(MailFault::Refused)
            }
            Undelivered::Later(why) => {
                let waited = (self.clock)().millis().saturating_sub(event.meta.time.millis());
                if waited > GIVE_UP_AFTER_MILLIS {
                    tracing::warn!(event = %id, why, "a mail is given up");
                    Halt::Failed(MailFault::Unreachable)
                } else {
                    Halt::Wait(Failure::Pause(why))
                }
            }
        })
    }
}

/// Somebody, as they are now.
async fn person(store: &Store, user: UserId) -> Result<Option<Person>, Failure> {
    let mut person = None;
    for recorded in store.read_stream(&StreamId::account(user)).await? {
        if let Ok(envelope) = recorded.decode() {
            account::fold_person(&mut person, &envelope.event);
        }
    }
    Ok(person)
}
