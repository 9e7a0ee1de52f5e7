//! The settings. One struct; flags win over `HUBBUB_*`, which wins over `hubbub.toml`, which wins over the
//! defaults. An unknown key or a bad value is refused with its name.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use domain::wallet::MAX_DEPOSIT;
use serde::{Deserialize, Serialize};
use services::mail::MailSettings;

/// How the log of the process is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $env:literal;)+) => {
        /// One layer of settings: what a flag, the environment or the file says.
        #[derive(Debug, Clone, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Layer {
            /// The settings file; `hubbub.toml` is read if it is there.
            #[arg(long, env = "HUBBUB_CONFIG", global = true, value_name = "FILE")]
            #[serde(skip)]
            config: Option<PathBuf>,
            $(
                $(#[doc = $doc])+
                #[arg(long, env = $env, global = true)]
                $field: Option<$type>,
            )+
        }

        /// The settings in force.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        /// The environment variables that are settings, and those of `hubbub tail` and `hubbub publish`.
        const KNOWN: &[&str] = &["HUBBUB_CONFIG", "HUBBUB_URL", "HUBBUB_TOKEN", $($env),+];

        impl Settings {
            fn from_layers(first: Layer, second: Layer) -> Self {
                Self { $($field: first.$field.or(second.$field).unwrap_or_else(|| $default),)+ }
            }
        }

        impl fmt::Display for Settings {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "  {:<28}{}", stringify!($field), shown(&self.$field))?;)+
                Ok(())
            }
        }
    };
}

settings! {
    /// Where to listen.
    addr: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 3000)), "HUBBUB_ADDR";
    /// Where the log is: `sqlite://<path>`.
    database_url: String = "sqlite://data/hubbub.db".into(), "HUBBUB_DATABASE_URL";
    /// Demo mode: people, rooms and first words; personas on the start page.
    demo: bool = false, "HUBBUB_DEMO";
    /// Where the built pages are.
    site_root: PathBuf = PathBuf::from("target/site"), "HUBBUB_SITE_ROOT";
    /// The address people use, if it is not the one that is listened on: `https://hubbub.example`. With
    /// https, cookies are marked Secure.
    public_url: String = String::new(), "HUBBUB_PUBLIC_URL";
    /// How the process's own log is written.
    log_format: LogFormat = LogFormat::Human, "HUBBUB_LOG_FORMAT";
    /// How much of the newest events is kept in memory for late readers, in bytes.
    ring_bytes: usize = 16 << 20, "HUBBUB_RING_BYTES";
    /// How much may wait for one connection before it reads on from the log by itself, in bytes.
    queue_bytes: usize = 1 << 20, "HUBBUB_QUEUE_BYTES";
    /// The most subscriptions of one connection.
    max_subscriptions: usize = 128, "HUBBUB_MAX_SUBSCRIPTIONS";
    /// How many subscriptions one connection may add a second; at once, as many as it may have.
    subscribes_per_second: u32 = 20, "HUBBUB_SUBSCRIBES_PER_SECOND";
    /// How many ephemeral signals one connection may send a second.
    signals_per_second: u32 = 20, "HUBBUB_SIGNALS_PER_SECOND";
    /// How many connections one address (of IPv6: one /64 network) may have open at once; 0 is any number.
    connections_per_address: usize = 1_000, "HUBBUB_CONNECTIONS_PER_ADDRESS";
    /// How many live streams one person may have open at once.
    connections_per_person: usize = 100, "HUBBUB_CONNECTIONS_PER_PERSON";
    /// How many connections there may be in all; 0 is as many as the system lets one process have.
    connections: usize = 0, "HUBBUB_CONNECTIONS";
    /// How many commands one person may send a minute; 0 is without bound.
    commands_per_minute: u32 = 1_200, "HUBBUB_COMMANDS_PER_MINUTE";
    /// How often one address may try to sign in a minute; 0 is without bound.
    sign_ins_per_minute: u32 = 120, "HUBBUB_SIGN_INS_PER_MINUTE";
    /// How often anybody may try to sign in with one handle a minute; 0 is without bound.
    handle_sign_ins_per_minute: u32 = 30, "HUBBUB_HANDLE_SIGN_INS_PER_MINUTE";
    /// How many accounts one address may open a minute; 0 is without bound.
    registrations_per_minute: u32 = 30, "HUBBUB_REGISTRATIONS_PER_MINUTE";
    /// How many live streams one address may open a minute; 0 is without bound.
    streams_per_minute: u32 = 1_200, "HUBBUB_STREAMS_PER_MINUTE";
    /// How much one address may read of the API, in requests a minute; 0 is without bound.
    reads_per_minute: u32 = 6_000, "HUBBUB_READS_PER_MINUTE";
    /// Whether the last address in X-Forwarded-For is who asks: behind a proxy that writes it, and only there.
    trust_forwarded: bool = false, "HUBBUB_TRUST_FORWARDED";
    /// How long somebody without a connection is still shown as here, in seconds.
    presence_grace_seconds: u64 = 15, "HUBBUB_PRESENCE_GRACE_SECONDS";
    /// How long the head of a request may take to arrive, and how long its body; and how long a connection may lie
    /// idle between two requests, in seconds.
    request_seconds: u64 = 30, "HUBBUB_REQUEST_SECONDS";
    /// How long a socket may take no byte before it is cut, in seconds.
    stall_seconds: u64 = 5, "HUBBUB_STALL_SECONDS";
    /// How often a service tries to handle an event before it puts it aside.
    service_attempts: u32 = 8, "HUBBUB_SERVICE_ATTEMPTS";
    /// How long one attempt of a service may take, in seconds.
    service_seconds: u64 = 30, "HUBBUB_SERVICE_SECONDS";
    /// A service that is behind and has not moved for so long is stuck, and the server not ready, in seconds.
    service_stuck_seconds: u64 = 60, "HUBBUB_SERVICE_STUCK_SECONDS";
    /// How the handlings of services went is kept for so many of the newest events.
    keep_handlings: u64 = 1_000_000, "HUBBUB_KEEP_HANDLINGS";
    /// Which commands services have sent is kept for so many of the newest events, beyond what they have still to
    /// handle. What people and devices have sent is always kept.
    keep_service_commands: u64 = 100_000, "HUBBUB_KEEP_SERVICE_COMMANDS";
    /// How long the couriers of the demo take from one stop to the next, in milliseconds.
    courier_pace_ms: u64 = 1_500, "HUBBUB_COURIER_PACE_MS";
    /// What a newcomer's wallet holds to begin with, in cents.
    welcome_cents: i64 = 10_000, "HUBBUB_WELCOME_CENTS";
    /// Which mail server takes the mail: `smtp://host:port`, or `smtps://user:password@host` for TLS. Without one,
    /// mail is put into the folder `mail` beside the log.
    smtp_url: String = String::new(), "HUBBUB_SMTP_URL";
    /// Who mail is from.
    mail_from: String = "Hubbub <hubbub@localhost>".into(), "HUBBUB_MAIL_FROM";
    /// Mail goes to everybody's handle at this domain.
    mail_domain: String = "localhost".into(), "HUBBUB_MAIL_DOMAIN";
    /// How long a stopping server waits for its connections, in seconds.
    drain_seconds: u64 = 10, "HUBBUB_DRAIN_SECONDS";
}

fn shown(value: &impl fmt::Debug) -> String {
    let text = format!("{value:?}");
    let text = text.trim_matches('"');
    // A database address may carry a password: scheme://user:password@host.
    match (text.find("://"), text.find('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            let user = text[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}{user}:…{}", &text[..scheme + 3], &text[at..])
        }
        _ => text.to_owned(),
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A `HUBBUB_*` variable that is no setting.
    #[error("there is no setting {0}; `hubbub --help` lists them all")]
    UnknownVariable(String),
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read: {why}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        why: std::io::Error,
    },
    /// The file has an unknown key or a bad value.
    #[error("the settings file {path} is not understood: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where and why.
        why: toml::de::Error,
    },
    /// A value that cannot work.
    #[error("the setting {name} cannot be {value:?}: {why}")]
    BadValue {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// Why.
        why: &'static str,
    },
}

impl Settings {
    /// Puts the layers together. `given` is what flags and environment say (clap has read both).
    ///
    /// # Errors
    /// [`SettingsError`]
    pub fn load(given: Layer) -> Result<Self, SettingsError> {
        let unknown = std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .find(|name| name.starts_with("HUBBUB_") && !KNOWN.contains(&name.as_str()));
        if let Some(name) = unknown {
            return Err(SettingsError::UnknownVariable(name));
        }
        let file = match &given.config {
            Some(path) => read_file(path)?,
            None if PathBuf::from("hubbub.toml").exists() => read_file(&PathBuf::from("hubbub.toml"))?,
            None => Layer::default(),
        };
        Self::from_layers(given, file).checked()
    }

    /// The defaults, with the pages of `site_root` and the log at `database_url`, on any free port: for
    /// tests.
    ///
    /// # Errors
    /// [`SettingsError`]
    pub fn for_tests(database_url: String, site_root: PathBuf) -> Result<Self, SettingsError> {
        let given = Layer {
            addr: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            database_url: Some(database_url),
            site_root: Some(site_root),
            ..Layer::default()
        };
        Self::from_layers(given, Layer::default()).checked()
    }

    fn checked(mut self) -> Result<Self, SettingsError> {
        let bad =
            |name, value: &str, why| Err(SettingsError::BadValue { name, value: value.to_owned(), why });
        if !self.database_url.starts_with("sqlite:") {
            return bad("database_url", &shown(&self.database_url), "it must begin with sqlite://");
        }
        if !self.public_url.is_empty() {
            let url = url::Url::parse(&self.public_url).ok();
            let Some(url) = url.filter(|u| matches!(u.scheme(), "http" | "https") && u.path() == "/") else {
                return bad(
                    "public_url",
                    &self.public_url,
                    "it must be http:// or https://, a host, and no path",
                );
            };
            self.public_url = url.origin().ascii_serialization();
        }
        if self.service_attempts == 0 {
            return bad("service_attempts", "0", "an event must be tried at least once");
        }
        if !(0..=MAX_DEPOSIT.0).contains(&self.welcome_cents) {
            let cents = self.welcome_cents.to_string();
            return bad("welcome_cents", &cents, "it is at least 0 and at most 1000000");
        }
        if self.queue_bytes < 64 << 10 {
            return bad("queue_bytes", &self.queue_bytes.to_string(), "at least 65536 bytes are needed");
        }
        Ok(self)
    }

    /// How mail is sent.
    #[must_use]
    pub fn mail(&self) -> MailSettings {
        let log = Path::new(self.database_url.trim_start_matches("sqlite://"));
        let site = if self.public_url.is_empty() {
            format!("http://{}", self.addr)
        } else {
            self.public_url.clone()
        };
        MailSettings {
            smtp_url: self.smtp_url.clone(),
            folder: log.with_file_name("mail"),
            from: self.mail_from.clone(),
            domain: self.mail_domain.clone(),
            site,
        }
    }

    /// Whether people reach the server over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn read_file(path: &PathBuf) -> Result<Layer, SettingsError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|why| SettingsError::Unreadable { path: shown.clone(), why })?;
    toml::from_str(&text).map_err(|why| SettingsError::Malformed { path: shown, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let flag = Layer { demo: Some(true), ..Layer::default() };
        let file: Layer = toml::from_str("demo = false\nqueue_bytes = 70000").unwrap();
        let settings = Settings::from_layers(flag, file);
        assert!(settings.demo);
        assert_eq!(settings.queue_bytes, 70_000);
        assert_eq!(settings.ring_bytes, 16 << 20);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name() {
        let error = toml::from_str::<Layer>("adress = 'x'").unwrap_err().to_string();
        assert!(error.contains("adress"), "{error}");
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        assert_eq!(shown(&"postgres://me:secret@db/x"), "postgres://me:…@db/x");
    }

    #[test]
    fn the_mailbox_is_beside_the_log_and_links_lead_to_the_site() {
        let settings = Settings::for_tests("sqlite://some/where/hubbub.db".into(), PathBuf::new()).unwrap();
        let mail = settings.mail();
        assert_eq!(mail.folder, Path::new("some/where/mail"));
        assert_eq!(mail.site, "http://127.0.0.1:0");
        let public = Settings { public_url: "https://shop.example".into(), ..settings };
        assert_eq!(public.mail().site, "https://shop.example");
    }
}
