//! Mail: over a socket to a mail server that has its moods, and into a folder.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;
mod smtp;

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use common::{Floor, eventually, status};
use domain::{
    Actor, Event, Timestamp, UserId,
    account::{Register, Role},
    notification::{MailFault, Raise},
};
use services::{
    Service, State,
    mail::{BadMailSettings, MailSettings, mail},
};
use smtp::Mailroom;
use store::{Clock, LetterStatus};
use tempfile::TempDir;
use uuid::Uuid;

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn settings(smtp_url: String, folder: &Path) -> MailSettings {
    MailSettings {
        smtp_url,
        folder: folder.join("mail"),
        from: "Hubbub <hubbub@shop.test>".into(),
        domain: "shop.test".into(),
        site: "https://shop.test".into(),
    }
}

fn at_the_beginning() -> Clock {
    Arc::new(|| Timestamp::from_millis(0))
}

fn by_smtp(at: SocketAddr) -> Service {
    mail(&settings(format!("smtp://{at}"), Path::new("")), at_the_beginning()).unwrap()
}

async fn tell(floor: &Floor, user: UserId, text: &str) {
    let raise = Raise { user, text: text.into(), link: Some("/orders/7".into()) };
    floor.run(Actor::Service("test".into()), raise).await;
}

async fn sent(floor: &Floor) -> usize {
    floor.events("notification.email_sent").await.len()
}

async fn failed(floor: &Floor) -> Vec<MailFault> {
    let events = floor.events("notification.email_failed").await;
    events
        .iter()
        .map(|event| match event.decode().unwrap().event {
            Event::NotificationEmailFailed(e) => e.reason,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn what_somebody_is_told_is_mailed_to_them() {
    let floor = Floor::open().await;
    let room = Mailroom::default();
    let (at, _) = room.open(ANYWHERE).await;
    let runtime = floor.start(vec![by_smtp(at)]);
    tell(&floor, floor.ada, "Your order is on its way – größer als gedacht.").await;
    floor.settled(&runtime).await;
    let raised = floor.events("notification.raised").await;
    let mails = room.delivered();
    assert_eq!(mails.len(), 1);
    for line in [
        &format!("Message-ID: <{}@shop.test>", raised[0].meta.id),
        "From: Hubbub <hubbub@shop.test>",
        "To: ada <ada@shop.test>",
        "Hello ada,",
        "https://shop.test/orders/7",
    ] {
        assert!(mails[0].lines().any(|found| found == line), "no {line:?} in {}", mails[0]);
    }
    let noted = floor.events("notification.email_sent").await;
    assert_eq!((noted.len(), noted[0].meta.causation), (1, raised[0].meta.id.0));

    // And not again after a restart.
    runtime.stop().await;
    let runtime = floor.start(vec![by_smtp(at)]);
    tell(&floor, floor.olga, "Something else.").await;
    floor.settled(&runtime).await;
    assert_eq!((room.delivered().len(), sent(&floor).await), (2, 2));
}

#[tokio::test]
async fn a_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let floor = Floor::open().await;
    let room = Mailroom::default();
    let (at, _) = room.open(ANYWHERE).await;
    room.answer("ada@shop.test", &["450 busy", "421 busy", "451 still busy", "452 full", "535 who are you?"]);
    room.answer("olga@shop.test", &["550 nobody here"]);
    let runtime = floor.start(vec![by_smtp(at)]);
    tell(&floor, floor.ada, "First.").await;
    tell(&floor, floor.olga, "Not wanted.").await;
    tell(&floor, floor.ada, "Second.").await;
    floor.settled(&runtime).await;
    let subjects: Vec<String> = room
        .delivered()
        .iter()
        .map(|mail| mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned())
        .collect();
    assert_eq!(subjects, ["First.", "Second."], "in order");
    assert_eq!(failed(&floor).await, [MailFault::Refused]);
    assert_eq!(sent(&floor).await, 2);
    assert!(
        floor.letters(LetterStatus::Parked).await.is_empty(),
        "more failures than attempts, and no poison"
    );
}

#[tokio::test]
async fn mail_waits_for_a_server_that_is_down() {
    let floor = Floor::open().await;
    let room = Mailroom::default();
    let (at, accepting) = room.open(ANYWHERE).await;
    accepting.abort();
    let _ = accepting.await;
    let runtime = floor.start(vec![by_smtp(at)]);
    for nth in 0..20 {
        tell(&floor, floor.ada, &format!("Number {nth}.")).await;
    }
    eventually("it waits", async || matches!(status(&runtime, "mail").state, State::Retrying { .. })).await;
    assert!(status(&runtime, "mail").lag > 0);
    let (_, _accepting) = room.open(at).await;
    floor.settled(&runtime).await;
    assert_eq!((room.delivered().len(), sent(&floor).await), (20, 20));
    assert_eq!(status(&runtime, "mail").lag, 0);
    assert!(floor.letters(LetterStatus::Parked).await.is_empty());
}

#[tokio::test]
async fn what_has_no_address_or_has_waited_too_long_is_noted_as_failed() {
    let floor = Floor::open().await;
    let (at, accepting) = Mailroom::default().open(ANYWHERE).await;
    accepting.abort();
    let _ = accepting.await;
    let in_ages: Clock = Arc::new(|| Timestamp::from_millis(i64::MAX));
    let service = mail(&settings(format!("smtp://{at}"), Path::new("")), in_ages).unwrap();
    let runtime = floor.start(vec![service]);
    tell(&floor, floor.ada, "Too late.").await;
    floor.settled(&runtime).await;
    tell(&floor, UserId(Uuid::now_v7()), "Nobody has this id.").await;
    floor.settled(&runtime).await;
    assert_eq!(failed(&floor).await, [MailFault::Unreachable, MailFault::NoAddress]);
    assert_eq!(sent(&floor).await, 0);
}

/// Every file of the mailbox and what it says.
fn mailbox(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder.join("mail")).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mailbox_holds_each_mail_once_wherever_the_service_is_cut_off() {
    let floor = Floor::open().await;
    let folder = TempDir::new().unwrap();
    let by_file = || mail(&settings(String::new(), folder.path()), at_the_beginning()).unwrap();
    for nth in 0..5 {
        let handle = format!("person_{nth}").parse().unwrap();
        let user = UserId(Uuid::now_v7());
        let register = Register { user, handle, name: "Somebody".into(), role: Role::Customer };
        floor.run(Actor::Service("test".into()), register).await;
        for text in ["One.", "Two.", "Three.", "Four."] {
            tell(&floor, user, text).await;
        }
    }
    for round in 0..15_u64 {
        let runtime = floor.start(vec![by_file()]);
        let all = runtime.reached(floor.store.head());
        let _ = tokio::time::timeout(Duration::from_micros(500 + (round * 7_919) % 12_000), all).await;
        drop(runtime);
    }
    let runtime = floor.start(vec![by_file()]);
    floor.settled(&runtime).await;
    assert_eq!(sent(&floor).await, 20);
    let raised = floor.events("notification.raised").await;
    let expected: Vec<String> = raised.iter().map(|event| format!("{}.eml", event.meta.id)).collect();
    let found = mailbox(folder.path());
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), expected, "and no drafts");
    for (name, mail) in &found {
        let id = name.strip_suffix(".eml").unwrap();
        assert!(mail.contains(&format!("Message-ID: <{id}@shop.test>\r\n")), "{mail}");
        assert!(mail.ends_with("https://shop.test/orders/7\r\n"), "whole: {mail}");
    }
}

#[tokio::test]
async fn what_a_killed_process_had_begun_to_write_is_taken_away_and_nothing_else() {
    let floor = Floor::open().await;
    let folder = TempDir::new().unwrap();
    let by_file = || mail(&settings(String::new(), folder.path()), at_the_beginning()).unwrap();
    let runtime = floor.start(vec![by_file()]);
    tell(&floor, floor.ada, "One.").await;
    floor.settled(&runtime).await;
    runtime.stop().await;
    let raised = floor.events("notification.raised").await;
    let sent = format!("{}.eml", raised[0].meta.id);
    let begun = format!("{}.0123456789abcdef.draft", raised[0].meta.id);
    let others = ["letter.draft", "0123456789abcdef.draft", "x.0123456789abcdef.draft", "notes.txt"];
    let box_of_mail = folder.path().join("mail");
    for name in others.iter().copied().chain([begun.as_str()]) {
        fs::write(box_of_mail.join(name), "half of a").unwrap();
    }
    let runtime = floor.start(vec![by_file()]);
    floor.settled(&runtime).await;
    let mut expected: Vec<String> = others.map(str::to_owned).into();
    expected.push(sent);
    expected.sort_unstable();
    assert_eq!(mailbox(folder.path()).into_keys().collect::<Vec<_>>(), expected);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let good = settings("smtp://localhost".into(), Path::new(""));
    let refused = |settings| mail(&settings, at_the_beginning()).err().map(|error| error.to_string());
    assert_eq!(refused(good.clone()), None);
    let from = MailSettings { from: "nobody".into(), ..good.clone() };
    assert_eq!(refused(from).unwrap(), "\"nobody\" is not an e-mail address");
    let domain = MailSettings { domain: "not a domain".into(), ..good.clone() };
    assert!(refused(domain).unwrap().contains("somebody@not a domain"));
    let url = MailSettings { smtp_url: "http://secret@mail.test".into(), ..good };
    assert!(matches!(mail(&url, at_the_beginning()), Err(BadMailSettings::Url(_))));
    assert!(!refused(url).unwrap().contains("secret"));
}
