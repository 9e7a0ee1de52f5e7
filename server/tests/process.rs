//! The program itself: started, killed and started wrongly.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bench::process::{self, Process};
use common::{Socket, event_id};
use serde_json::{Value, json};

/// A running server, and what one does with it.
struct Floor {
    process: Process,
    url: String,
}

fn command(folder: &Path) -> Command {
    process::hubbub(Path::new(env!("CARGO_BIN_EXE_hubbub")), folder).unwrap()
}

impl Floor {
    fn start(folder: &Path) -> Self {
        let process = Process::start(command(folder)).unwrap();
        let url = format!("http://{}", process.addr);
        Self { process, url }
    }

    /// As `kill -9` does.
    fn kill(self) {
        self.process.kill().unwrap();
    }

    async fn token(&self) -> String {
        let body = json!({"handle": "ada", "password": "demo"});
        let answer =
            reqwest::Client::new().post(format!("{}/api/session", self.url)).json(&body).send().await;
        answer.unwrap().json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
    }

    async fn say(&self, token: &str, text: &str) -> Option<Value> {
        let say = reqwest::Client::new()
            .post(format!("{}/api/commands/chat.post_message", self.url))
            .bearer_auth(token)
            .json(&json!({"room": "lobby", "text": text}));
        say.send().await.ok()?.json().await.ok()
    }

    async fn said(&self) -> Vec<Value> {
        let url = format!("{}/api/events?match=chat.lobby.message_posted&limit=1000", self.url);
        let page: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        page["events"].as_array().unwrap().clone()
    }
}

/// Runs the program until it ends by itself and returns what it complained about.
fn complaint(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "it was expected to fail");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_kept_every_acknowledged_word_once_and_a_reader_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = vec![];
    let mut cursor: Option<String> = None;
    let mut read: Vec<String> = vec![];
    for life in 0..5 {
        let server = Floor::start(folder.path());
        let token = server.token().await;
        let mut socket = Socket::open(&format!("{}/live/ws", server.url.replace("http", "ws")), None).await;
        let since = cursor.clone();
        let mut sub = json!({"sid": "a", "match": "chat.lobby.message_posted"});
        if let Some(since) = since {
            sub["since"] = since.into();
        }
        socket.send(json!({"kind": "hello", "v": 1, "subs": [sub]})).await;
        let epoch = socket.next_of("welcome").await["epoch"].as_str().unwrap().to_owned();
        // One writer, cut off in the middle of a word.
        let writer = {
            let (url, token) = (server.url.clone(), token.clone());
            tokio::spawn(async move {
                let mut said = vec![];
                for nth in 0.. {
                    let say = reqwest::Client::new()
                        .post(format!("{url}/api/commands/chat.post_message"))
                        .bearer_auth(&token)
                        .json(&json!({"room": "lobby", "text": format!("{life}.{nth}")}));
                    let Ok(answer) = say.send().await else { break };
                    let Ok(receipt) = answer.json::<Value>().await else { break };
                    said.push(event_id(&receipt).to_owned());
                }
                said
            })
        };
        let mut pending = vec![];
        while read.len() < (life + 1) * 20 {
            let frame = socket.next().await;
            match frame["kind"].as_str().unwrap() {
                "event" => pending.push(frame["event"]["id"].as_str().unwrap().to_owned()),
                "flush" => {
                    read.append(&mut pending);
                    cursor = Some(format!("{epoch}.{}", frame["pos"]));
                }
                _ => {}
            }
        }
        server.kill();
        acknowledged.extend(writer.await.unwrap());
    }
    let server = Floor::start(folder.path());
    let log: Vec<String> = server.said().await.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    for id in &acknowledged {
        assert_eq!(
            log.iter().filter(|other| *other == id).count(),
            1,
            "an acknowledged event is not there once"
        );
    }
    let from = log.iter().position(|id| *id == read[0]).unwrap();
    assert_eq!(read, log[from..from + read.len()], "a reader that resumed has a gap or a repetition");
    assert!(server.say(&server.token().await, "and on").await.is_some());
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_says_goodbye_to_every_socket_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Floor::start(folder.path());
    let url = format!("{}/live/ws", server.url.replace("http", "ws"));
    let mut sockets = vec![];
    for _ in 0..100 {
        let mut socket = Socket::open(&url, None).await;
        socket.follow("chat.>", None).await;
        sockets.push(socket);
    }
    let stopping = tokio::spawn(server.process.terminate());
    for socket in &mut sockets {
        assert_eq!(socket.next_of("bye").await["code"], 4200);
        assert_eq!(socket.next().await["code"], 4200, "the line broke instead of being closed");
    }
    stopping.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_text_is_in_no_file_of_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = Floor::start(folder.path());
    let token = server.token().await;
    let receipt = server.say(&token, "the-secret-word").await.unwrap();
    let url = format!("{}/api/events/{}", server.url, event_id(&receipt));
    let event: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    let delete = reqwest::Client::new()
        .post(format!("{}/api/commands/chat.delete_message", server.url))
        .bearer_auth(&token)
        .json(&json!({"room": "lobby", "message": event["data"]["message"]}));
    assert_eq!(delete.send().await.unwrap().status(), 200);
    let event: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    assert_eq!(event["data"]["text"], "");
    let holding = || -> Vec<String> {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let holds = |path: &PathBuf| {
            path.is_file()
                && std::fs::read(path).unwrap().windows(15).any(|bytes| bytes == b"the-secret-word")
        };
        files.filter(holds).map(|path| path.display().to_string()).collect()
    };
    // The log has forgotten it; what is folded from the log has so as soon as it is folded.
    assert!(holding().iter().all(|path| path.contains(".projections.")), "{:?}", holding());
    let folded = async {
        while !holding().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), folded).await.is_ok(), "{:?}", holding());
    server.kill();
    assert_eq!(holding(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_or_the_same_port_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Floor::start(folder.path());
    let why = complaint(command(folder.path()));
    assert!(why.contains("already"), "{why}");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = command(elsewhere.path());
    command.env("HUBBUB_ADDR", server.url.trim_start_matches("http://"));
    let why = complaint(command);
    assert!(why.contains("cannot listen on 127.0.0.1") && why.contains("HUBBUB_ADDR"), "{why}");
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_listed_and_revoked_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = command(folder.path()).arg("token").args(arguments).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let complain = |arguments: &[&str]| {
        let mut command = command(folder.path());
        command.arg("token").args(arguments);
        complaint(command)
    };
    // The first start puts the demo people in.
    Floor::start(folder.path()).kill();
    let add = ["add", "ada", "--name", "nightly report", "--scope", "read", "--scope", "command"];
    let secret = run(&add).trim_end().to_owned();
    let list = run(&["list", "ada"]);
    assert!(list.contains("nightly report") && list.contains("read command"), "{list}");
    assert!(!list.contains(&secret));
    let id = list.split_whitespace().next().unwrap();

    let server = Floor::start(folder.path());
    assert!(server.say(&secret, "by token").await.unwrap()["position"].is_u64());
    assert!(complain(&["list", "ada"]).contains("already"), "the server holds the database");
    server.kill();

    assert!(run(&["revoke", id]).contains("nightly report"));
    assert_eq!(run(&["list", "ada"]), "");
    assert!(complain(&["revoke", id]).contains("not here"));
    assert!(complain(&["list", "nobody"]).contains("nobody here is called nobody"));
    assert!(complain(&["add", "ada", "--name", "x", "--scope", "all"]).contains("not a scope"));
    let server = Floor::start(folder.path());
    assert_eq!(server.say(&secret, "too late").await.unwrap()["code"], "account.bad_token");
    server.kill();
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, hint) in [
        ("HUBBUB_COLOUR", "blue", "HUBBUB_COLOUR"),
        ("HUBBUB_ADDR", "nowhere", "--addr"),
        ("HUBBUB_DATABASE_URL", "mysql://x", "database_url"),
        ("HUBBUB_PUBLIC_URL", "hub", "public_url"),
        ("HUBBUB_WELCOME_CENTS", "-1", "welcome_cents"),
        ("HUBBUB_SMTP_URL", "nowhere", "mail server"),
        ("HUBBUB_MAIL_FROM", "nobody", "e-mail address"),
        ("HUBBUB_CONFIG", "missing.toml", "missing.toml"),
        ("HUBBUB_SITE_ROOT", "no-site", "make build"),
    ] {
        let mut command = command(folder.path());
        command.env(name, value);
        let why = complaint(command);
        assert!(why.contains(hint), "{name}: {why}");
    }
    std::fs::write(folder.path().join("hubbub.toml"), "adress = '127.0.0.1:1'").unwrap();
    let why = complaint(command(folder.path()));
    assert!(why.contains("adress") && why.contains("hubbub.toml"), "{why}");
}
