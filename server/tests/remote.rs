//! `hubbub tail` and `hubbub publish`, as people and scripts use them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::process::{Output, Stdio};

use bench::relay::Relay;
use common::Floor;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::watch,
};

fn hubbub(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
    command.args(arguments).current_dir(std::env::temp_dir()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn publish(arguments: &[&str], input: &str) -> Output {
    let mut child = hubbub(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn receipts(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(arguments: &[&str]) -> Self {
        let mut child = hubbub(&[&["tail"], arguments].concat()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> Value {
        let Some(line) = self.lines.next_line().await.unwrap() else {
            let mut why = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut why).await.unwrap();
            panic!("it ended: {why}");
        };
        serde_json::from_str(&line).unwrap()
    }

    /// As Ctrl-C does. Returns what it had to say.
    async fn interrupt(self) -> String {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let output = self.child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

async fn relay(floor: &Floor) -> (Relay, String) {
    // The server stays where it is: the sender may go.
    let (_, target) = watch::channel(floor.server.addr);
    let relay = Relay::start(target).await.unwrap();
    let url = format!("http://{}", relay.addr);
    (relay, url)
}

#[tokio::test]
async fn a_tail_prints_every_event_once_however_often_the_line_breaks_and_goes_on_later() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let (relay, url) = relay(&floor).await;
    let pattern = "chat.lobby.message_posted";
    let before = floor.log(None, pattern).await;
    let mut tail = Tail::start(&[pattern, "--since", "start", "--url", &url]);
    let mut printed = vec![];
    while printed.len() < before.len() {
        printed.push(tail.next().await);
    }
    for nth in 0..3 {
        relay.cut_after(400 * nth);
        floor.say(&ada, "lobby", &format!("word {nth}")).await;
        floor.say(&ada, "lobby", "and another").await;
        while printed.len() < before.len() + 2 * (nth + 1) {
            printed.push(tail.next().await);
        }
    }
    assert_eq!(relay.cuts(), 3);
    assert_eq!(printed, floor.log(None, pattern).await);
    let said = tail.interrupt().await;
    assert!(said.contains(&format!("Connected to {url}")) && said.contains("next attempt"), "{said}");
    let cursor = said.split("--since ").nth(1).unwrap().trim();
    let later = floor.say(&ada, "lobby", "later").await;
    let mut tail = Tail::start(&[pattern, "--since", cursor, "--url", &url]);
    assert_eq!(tail.next().await["id"].as_str().unwrap(), common::event_id(&later));
}

#[tokio::test]
async fn a_tail_sees_what_its_token_may_see_and_ends_where_there_is_no_way() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let said = floor.say(&olga, "backstage", "between us").await;
    let since = (said["position"].as_u64().unwrap() - 1).to_string();
    let mut tail =
        Tail::start(&["chat.backstage.>", "--since", &since, "--url", &floor.url(""), "--token", &olga]);
    assert_eq!(tail.next().await["data"]["text"], "between us");
    tail.interrupt().await;
    for (arguments, hint) in [
        (vec!["tail", ">", "--url", &floor.url(""), "--token", "no-such-token"], "refuses"),
        // Secrets were given out that begin so.
        (vec!["tail", ">", "--url", &floor.url(""), "--token", "-o-such-token"], "refuses"),
        (vec!["tail", "a..b"], "a..b"),
        (vec!["tail", ">", "--since", "yesterday"], "cursor"),
        (vec!["tail", ">", "--since", "999999999", "--url", &floor.url("")], "not come to 999999999"),
        (vec!["tail", ">", "--url", "nowhere"], "http://127.0.0.1:3000"),
    ] {
        let output = hubbub(&arguments).output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(hint), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn many_commands_are_published_in_order_and_the_same_key_changes_nothing() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let url = floor.url("");
    let arguments = [
        "publish",
        "chat.post_message",
        "--url",
        &url,
        "--token",
        &ada,
        "--key",
        "0198f2a0-0000-7000-8000-000000000001",
    ];
    let words = "{\"room\":\"lobby\",\"text\":\"one\"}\n{\n \"room\": \"lobby\",\n \"text\": \"two\"\n}\n";
    let first = publish(&arguments, words).await;
    assert!(first.status.success(), "{first:?}");
    let second = publish(&arguments, words).await;
    let [first, second] = [receipts(&first), receipts(&second)];
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((&first["events"], &second["repeated"]), (&second["events"], &Value::Bool(true)));
    }
    let log = floor.log(None, "chat.lobby.message_posted").await;
    let texts: Vec<&str> =
        log.iter().rev().take(2).map(|event| event["data"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["two", "one"]);
    assert_eq!((first.len(), second.len()), (2, 2));
}

#[tokio::test]
async fn what_is_refused_is_said_and_the_exit_code_tells() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let url = floor.url("");
    let at = ["--url", &url, "--token", &ada];
    let good = r#"{"room":"lobby","text":"fine"}"#;
    let say = |data| [&["publish", "chat.post_message", data][..], &at[..]].concat();
    let mixed = publish(&say("-"), &format!("{{\"room\":\"nowhere\",\"text\":\"x\"}}{good}")).await;
    assert_eq!(receipts(&mixed).len(), 1);
    let said = String::from_utf8(mixed.stderr.clone()).unwrap();
    assert!(!mixed.status.success() && said.contains("1 of 2") && said.contains("Command 1"), "{said}");
    assert!(publish(&say(good), "").await.status.success());
    for (arguments, input, hint) in [
        (say("{"), "", "not JSON"),
        (say("-"), "{} what", "command 2 is not JSON"),
        (vec!["publish", "chat.sing", "{}", "--url", &url, "--token", &ada], "", "chat.sing"),
        (vec!["publish", "chat.post_message", good, "--url", &url, "--token", "none"], "", "refuses"),
        (vec!["publish", "chat.post_message", good, "--url", "ftp://x"], "", "ftp://x"),
        (
            vec!["publish", "chat.post_message", good, "--url", "http://127.0.0.1:1", "--patience", "0"],
            "",
            "reached",
        ),
    ] {
        let output = publish(&arguments, input).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(hint), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[tokio::test]
async fn who_is_asked_to_wait_waits_and_loses_nothing() {
    // One more than there are at once; the next is due after five seconds, so that no machine is too slow to be asked
    // to wait.
    let floor = Floor::with(|settings| settings.commands_per_minute = 12).await;
    let ada = floor.sign_in("ada").await;
    let url = floor.url("");
    let words = r#"{"room":"lobby","text":"patience"}"#.repeat(13);
    let output = publish(&["publish", "chat.post_message", "--url", &url, "--token", &ada], &words).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(receipts(&output).len(), 13);
    assert!(String::from_utf8(output.stderr).unwrap().contains("the same again"));
}

#[tokio::test]
async fn a_command_whose_answer_is_lost_is_sent_again_and_counts_once() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let (relay, url) = relay(&floor).await;
    relay.cut_after(40);
    let data = json!({"room": "lobby", "text": "only once"}).to_string();
    let output = publish(&["publish", "chat.post_message", &data, "--url", &url, "--token", &ada], "").await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(relay.cuts(), 1);
    let log = floor.log(None, "chat.lobby.message_posted").await;
    let same: Vec<&Value> = log.iter().filter(|event| event["data"]["text"] == "only once").collect();
    assert_eq!(same.len(), 1);
    assert_eq!(same[0]["id"].as_str().unwrap(), common::event_id(&receipts(&output)[0]));
}
