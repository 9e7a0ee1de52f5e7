//! A mail server for the tests: it speaks SMTP over a real socket, and answers as it is told to.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "these are tests")]

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What was delivered, and what to answer to whom.
#[derive(Clone, Default)]
pub struct Mailroom {
    delivered: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<HashMap<String, VecDeque<String>>>>,
}

impl Mailroom {
    /// Answers this, in order, to whoever wants to write to an address; afterwards it takes everything.
    pub fn answer(&self, address: &str, answers: &[&str]) {
        let answers = answers.iter().map(|&answer| answer.to_owned()).collect();
        self.answers.lock().unwrap().insert(address.to_owned(), answers);
    }

    /// The mails that were delivered, as they came.
    pub fn delivered(&self) -> Vec<String> {
        self.delivered.lock().unwrap().clone()
    }

    /// Opens for business.
    pub async fn open(&self, at: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind(at).await.unwrap();
        let (at, room) = (listener.local_addr().unwrap(), self.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(room.clone().serve(socket));
            }
        });
        (at, accepting)
    }

    async fn serve(self, socket: TcpStream) -> std::io::Result<()> {
        let (reading, mut writing) = socket.into_split();
        let mut lines = BufReader::new(reading).lines();
        writing.write_all(b"220 mail.test ready\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mail.test\r\n250 8BITMIME".to_owned(),
                "MAIL" | "RSET" | "NOOP" => "250 fine".to_owned(),
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                    let mut answers = self.answers.lock().unwrap();
                    let next = answers.get_mut(address).and_then(VecDeque::pop_front);
                    next.unwrap_or_else(|| "250 fine".to_owned())
                }
                "DATA" => {
                    writing.write_all(b"354 go on\r\n").await?;
                    let mut mail = String::new();
                    while let Some(line) = lines.next_line().await? {
                        if line == "." {
                            break;
                        }
                        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                        mail.push('\n');
                    }
                    self.delivered.lock().unwrap().push(mail);
                    "250 taken".to_owned()
                }
                "QUIT" => return writing.write_all(b"221 bye\r\n").await,
                _ => "500 what?".to_owned(),
            };
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}
