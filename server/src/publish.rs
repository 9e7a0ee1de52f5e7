//! `hubbub publish`: commands for a running server, each under a key, so that repeating one is safe.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use clap::Args;
use client::BadAddress;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use crate::remote::{Remote, RemoteError, is_final};

/// The first wait after a lost answer; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What to send.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Which command, for example `chat.post_message`.
    command: String,
    /// Its data as JSON. `-` reads from standard input: one object, or many, one after another.
    #[arg(default_value = "-")]
    data: String,
    /// The idempotency key, a UUID; the second object and those after it get keys made from it. Sending
    /// the same again under the same key changes nothing. Without it, keys are made.
    #[arg(long)]
    key: Option<Uuid>,
    /// For how long one command is tried again while the server cannot be reached, in seconds.
    #[arg(long, default_value_t = 60)]
    patience: u64,
    #[command(flatten)]
    remote: Remote,
}

/// Sends commands one after another and prints the receipts, one a line. A refusal is said on standard error
/// and does not keep the next from being sent.
///
/// # Errors
/// [`RemoteError`]
pub async fn publish(args: PublishArgs) -> Result<(), RemoteError> {
    let sender = Sender::new(&args)?;
    let (mut sent, mut refused) = (0, 0);
    let objects: Box<dyn Iterator<Item = serde_json::Result<Box<RawValue>>>> = match args.data.as_str() {
        "-" => Box::new(serde_json::Deserializer::from_reader(io::stdin().lock()).into_iter()),
        data => Box::new(std::iter::once(serde_json::from_str(data))),
    };
    for object in objects {
        let object = object.map_err(|why| RemoteError::NotJson { nth: sent + 1, why })?;
        let key = match args.key {
            None => Uuid::now_v7(),
            Some(key) if sent == 0 => key,
            Some(key) => Uuid::new_v5(&key, sent.to_string().as_bytes()),
        };
        sent += 1;
        match sender.send(key, object.get()).await? {
            Ok(receipt) => writeln!(io::stdout(), "{}", receipt.trim_end())?,
            Err(why) => {
                refused += 1;
                eprintln!("Command {sent} was refused: {why}");
            }
        }
    }
    if refused > 0 { Err(RemoteError::SomeRefused { refused, sent }) } else { Ok(()) }
}

struct Sender {
    http: Client,
    url: Url,
    token: Option<String>,
    patience: Duration,
}

impl Sender {
    fn new(args: &PublishArgs) -> Result<Self, RemoteError> {
        let bad = || BadAddress::Url(args.remote.url.clone());
        let mut url = Url::parse(&args.remote.url).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad().into());
        }
        url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend([
            "api",
            "commands",
            &args.command,
        ]);
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        let patience = Duration::from_secs(args.patience);
        Ok(Self { http, url, token: args.remote.token.clone(), patience })
    }

    /// Sends one until there is an answer: its receipt, or why it was refused.
    async fn send(&self, key: Uuid, data: &str) -> Result<Result<String, String>, RemoteError> {
        let (began, mut wait) = (Instant::now(), FIRST_WAIT);
        loop {
            let mut asked = None;
            let why = match self.attempt(key, data).await {
                Ok(answer) => {
                    let status = answer.status();
                    asked = retry_after(&answer);
                    match answer.text().await {
                        Ok(receipt) if status.is_success() => return Ok(Ok(receipt)),
                        Ok(problem) => {
                            let why = sentence(status, &problem);
                            match status {
                                StatusCode::UNAUTHORIZED => {
                                    return Err(RemoteError::Refused { url: self.server(), why });
                                }
                                status if is_final(status.as_u16()) => return Ok(Err(why)),
                                _ => why,
                            }
                        }
                        Err(error) => chain(&error),
                    }
                }
                Err(error) => chain(&error),
            };
            let pause = asked.unwrap_or(wait);
            if began.elapsed() + pause > self.patience {
                return Err(RemoteError::Unreachable { url: self.server(), why });
            }
            eprintln!("Not accepted yet ({why}); the same again in {:.1} s.", pause.as_secs_f64());
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&self, key: Uuid, data: &str) -> reqwest::Result<Response> {
        let mut request = self.http.post(self.url.clone()).header("idempotency-key", key.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.header("content-type", "application/json").body(data.to_owned()).send().await
    }

    fn server(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// For how long the server wants to be left alone.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What a problem+json answer says.
fn sentence(status: StatusCode, problem: &str) -> String {
    let problem: Value = serde_json::from_str(problem).unwrap_or_default();
    match (problem["code"].as_str(), problem["detail"].as_str()) {
        (Some(code), Some(detail)) => format!("{code}: {detail}"),
        _ => format!("the server answered {status}"),
    }
}

/// An error with its causes: the outermost says only that a request failed.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
