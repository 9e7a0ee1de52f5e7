//! Where mail goes: to a mail server, or into a folder.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp};
use uuid::Uuid;

use super::BadMailSettings;

/// How long a mail server may take for one mail: less than a service may for an event.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);

/// Why a mail was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It may work in a while.
    Later(String),
    /// It will never work.
    Refused(String),
}

/// Delivers mail.
pub trait Mailer: Send + Sync + 'static {
    /// Delivers one e-mail. The id is the same whenever the same mail is sent again.
    ///
    /// # Errors
    /// [`Undelivered`].
    fn send(&self, id: &str, message: &Message) -> impl Future<Output = Result<(), Undelivered>> + Send;
}

/// A folder with one file for each mail. The file's name is the mail's id, and it is there as a whole or not at
/// all: so each mail is there once, however often it is sent.
#[derive(Debug, Clone)]
pub struct FileMailbox {
    folder: PathBuf,
}

impl FileMailbox {
    /// Mail goes into this folder, which is made with the first one. Takes away what somebody has begun to write there
    /// and was killed over: whoever has the log has the folder too, and has begun nothing yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        if let Err(error) = clear(folder) {
            tracing::warn!(folder = %folder.display(), %error, "mails that were only begun cannot be taken away");
        }
        Self { folder: folder.to_owned() }
    }
}

/// Removes the drafts in a folder, and nothing else that somebody may have put there.
fn clear(folder: &Path) -> io::Result<()> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        if file.file_name().to_str().is_some_and(is_draft) && file.file_type()?.is_file() {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

/// The name of what becomes the mail with this id.
fn draft(id: &str) -> String {
    // Nobody else's, should somebody be at the same mail.
    format!("{id}.{:016x}.draft", fastrand::u64(..))
}

/// Whether [`draft`] has made this name.
fn is_draft(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let is_ours = parts.next() == Some("draft")
        && parts.next().is_some_and(|number| {
            number.len() == 16 && number.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
        && parts.next().is_some_and(|id| Uuid::try_parse(id).is_ok());
    is_ours && parts.next().is_none()
}

impl Mailer for FileMailbox {
    async fn send(&self, id: &str, message: &Message) -> Result<(), Undelivered> {
        let (folder, id, bytes) = (self.folder.clone(), id.to_owned(), message.formatted());
        let later = |why: String| Undelivered::Later(format!("The mailbox cannot be written: {why}."));
        tokio::task::spawn_blocking(move || put(&folder, &id, &bytes))
            .await
            .map_err(|error| later(error.to_string()))?
            .map_err(|error| later(error.to_string()))
    }
}

fn put(folder: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let file = folder.join(format!("{id}.eml"));
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let draft = folder.join(draft(id));
    let mut writing = File::create(&draft)?;
    writing.write_all(bytes)?;
    writing.sync_all()?;
    fs::rename(&draft, &file)?;
    File::open(folder)?.sync_all()
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// The one at this address.
    ///
    /// # Errors
    /// [`BadMailSettings::Url`].
    pub fn new(url: &str) -> Result<Self, BadMailSettings> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| BadMailSettings::Url(error.to_string()))?;
        Ok(Self(server.build()))
    }
}

impl Mailer for Smtp {
    async fn send(&self, _: &str, message: &Message) -> Result<(), Undelivered> {
        match tokio::time::timeout(TAKEN_WITHIN, self.0.send(message.clone())).await {
            Ok(answer) => answer.map(drop).map_err(|error| undelivered(&error)),
            Err(_) => Err(Undelivered::Later(format!("The mail server takes longer than {TAKEN_WITHIN:?}."))),
        }
    }
}

fn undelivered(error: &smtp::Error) -> Undelivered {
    // 530 to 538 are about who we are: then it is the settings' fault and not the mail's.
    let is_about_us = error.status().is_some_and(|code| (530..=538).contains(&u16::from(code)));
    if error.is_permanent() && !is_about_us {
        Undelivered::Refused(error.to_string())
    } else {
        Undelivered::Later(format!("The mail server does not take it now: {error}."))
    }
}
