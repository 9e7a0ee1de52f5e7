//! Many readers on one thread: a raw socket each, one buffer for all, and a task that wakes, counts and sleeps.
//! They must cost little, because they share a small machine with the server they measure.

use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use crate::{
    Failure, http,
    wire::{self, Framing, Reader},
};

/// One connection in so many looks at when its texts were due.
const SAMPLE: usize = 20;

/// How many connections are opened at once.
const AT_ONCE: usize = 64;

/// How long a connection may take until it is subscribed.
const PATIENCE: Duration = Duration::from_secs(20);

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 256 << 10].into());
}

/// How a connection is opened.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The request's path and query.
    pub(crate) path: String,
    pub(crate) framing: Framing,
    /// A frame to say first.
    pub(crate) hello: Option<String>,
    /// What the server says once the connection is subscribed. Without it, an answer is enough.
    pub(crate) until: Option<&'static str>,
}

/// What all of them have read together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Texts, once for each reader.
    pub(crate) texts: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// WebSocket messages that carried them.
    pub(crate) messages: AtomicU64,
    /// Connections that the server ended.
    pub(crate) ended: AtomicUsize,
    late: Mutex<Vec<u32>>,
}

impl Tally {
    /// Takes what was measured since the last time, in microseconds, sorted.
    pub(crate) fn take_latencies(&self) -> Vec<u32> {
        let mut late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        late.sort_unstable();
        late
    }
}

/// What all readers are told to do.
enum Order {
    /// Say this frame.
    Say(Vec<u8>),
    /// Never sleep again.
    StayAwake,
}

/// Readers, all connected. They leave when this is dropped.
pub(crate) struct Crowd {
    pub(crate) tally: Arc<Tally>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Connects `size` readers. Instants in texts count from `began`.
    pub(crate) async fn gather(
        addr: SocketAddr,
        entry: Entry,
        size: usize,
        began: Instant,
    ) -> Result<Self, Failure> {
        let tally = Arc::new(Tally::default());
        let (orders, mut ordered) = mpsc::unbounded_channel();
        let (ready, mut all_ready) = mpsc::channel(1);
        let shared = tally.clone();
        let thread = std::thread::Builder::new().name("crowd".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(async move {
                    let entry = Arc::new(entry);
                    let readers = stream::iter(0..size).map(|nth| {
                        let (entry, tally) = (entry.clone(), shared.clone());
                        async move {
                            let member = tokio::time::timeout(PATIENCE, join(addr, &entry));
                            let member =
                                member.await.map_err(|_| "a reader waited too long to be served")??;
                            let sampled = (nth % SAMPLE == 0).then_some(began);
                            let stream = member.stream.clone();
                            tokio::spawn(member.follow(tally, sampled));
                            Ok::<Arc<TcpStream>, Failure>(stream)
                        }
                    });
                    let mut readers = std::pin::pin!(readers.buffer_unordered(AT_ONCE));
                    let mut streams = Vec::with_capacity(size);
                    while let Some(joined) = readers.next().await {
                        match joined {
                            Ok(stream) => streams.push(stream),
                            Err(error) => {
                                // Whoever asked may have given up.
                                let _ = ready.send(Err(error.to_string())).await;
                                return;
                            }
                        }
                    }
                    let _ = ready.send(Ok(())).await;
                    while let Some(order) = ordered.recv().await {
                        match order {
                            Order::Say(frame) => streams.iter().for_each(|stream| {
                                // A frame is small and the line has been silent. Who has left says so when it reads.
                                let _ = stream.try_write(&frame);
                            }),
                            Order::StayAwake => drop(tokio::spawn(stay_awake())),
                        }
                    }
                }),
                Err(error) => drop(ready.blocking_send(Err(error.to_string()))),
            }
        })?;
        let crowd = Self { tally, orders: Some(orders), thread: Some(thread) };
        all_ready.recv().await.ok_or("the readers' thread ended")??;
        Ok(crowd)
    }
}

impl Crowd {
    /// Lets every reader say something.
    pub(crate) fn say(&self, frame: &str) {
        self.order(Order::Say(wire::client_frame(frame)));
    }

    /// Keeps the readers' thread busy while it waits. On the same machine, whoever writes to a sleeping reader also
    /// pays for waking it; how often depends on how much faster the readers are than the writer. So a server
    /// would be charged for being fast.
    pub(crate) fn stay_awake(&self) {
        self.order(Order::StayAwake);
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The thread ends only after this is dropped.
            let _ = orders.send(order);
        }
    }
}

async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // It has told its errors already.
            let _ = thread.join();
        }
    }
}

struct Member {
    stream: Arc<TcpStream>,
    reader: Reader,
}

/// Opens one connection and waits until it is subscribed.
async fn join(addr: SocketAddr, entry: &Entry) -> Result<Member, Failure> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let upgrade = match entry.framing {
        Framing::WebSocket => wire::UPGRADE,
        Framing::Stream => "Accept: text/event-stream\r\n",
    };
    let request = format!("GET {} HTTP/1.1\r\nHost: {addr}\r\n{upgrade}\r\n", entry.path);
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::with_capacity(1024);
    let head = http::read_head(&mut stream, &mut read).await?;
    let status = read.get(9..12).unwrap_or_default();
    if status != b"101" && status != b"200" {
        let answer = String::from_utf8_lossy(&read[..head]);
        return Err(format!("{}: {}", entry.path, answer.lines().next().unwrap_or_default()).into());
    }
    if let Some(hello) = &entry.hello {
        stream.write_all(&wire::client_frame(hello)).await?;
    }
    let mut reader = Reader::new(entry.framing);
    let mut heard = Vec::new();
    reader.feed(&read[head..], |payload| heard.extend_from_slice(payload));
    while entry.until.is_some_and(|until| memchr::memmem::find(&heard, until.as_bytes()).is_none()) {
        read.clear();
        if stream.read_buf(&mut read).await? == 0 {
            return Err(format!("the server hung up: {}", String::from_utf8_lossy(&heard)).into());
        }
        reader.feed(&read, |payload| heard.extend_from_slice(payload));
    }
    Ok(Member { stream: Arc::new(stream), reader })
}

impl Member {
    async fn follow(mut self, tally: Arc<Tally>, sampled: Option<Instant>) {
        let pong = wire::client_frame(r#"{"kind":"pong"}"#);
        loop {
            let seen = match self.stream.readable().await {
                Ok(()) => BUFFER.with_borrow_mut(|buffer| self.read(buffer, &tally, sampled)),
                Err(_) => None,
            };
            let Some(seen) = seen else { break };
            if seen.ping && self.stream.try_write(&pong).is_err() {
                break;
            }
        }
        tally.ended.fetch_add(1, Relaxed);
    }

    /// Reads once. None at the end.
    fn read(&mut self, buffer: &mut [u8], tally: &Tally, sampled: Option<Instant>) -> Option<wire::Seen> {
        let read = match self.stream.try_read(buffer) {
            Ok(0) => return None,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Some(wire::Seen::default());
            }
            Err(_) => return None,
        };
        let seen = self.reader.feed(&buffer[..read], |payload| {
            if let Some(began) = sampled {
                let mut late = tally.late.lock().unwrap_or_else(PoisonError::into_inner);
                late.extend(wire::latencies(payload, began));
            }
        });
        tally.texts.fetch_add(seen.texts, Relaxed);
        tally.bytes.fetch_add(read as u64, Relaxed);
        tally.messages.fetch_add(seen.messages, Relaxed);
        (!seen.closed).then_some(seen)
    }
}
