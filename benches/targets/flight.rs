//! T14: how much of what may be under way at a time is under way, against a server that takes its time.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use twoticks::service::Services;

use crate::harness::{Target, median, ratio};
use crate::rate::queue;
use crate::shop::{self, Shop};

/// How often each case is measured.
const ROUNDS: usize = 3;

/// A limit per second, requests at a time, and how long the server takes for each.
const CASES: [(u32, usize, Duration); 4] = [
    (1000, 64, Duration::from_millis(150)),
    (1000, 64, Duration::from_secs(1)),
    (80, 32, Duration::from_millis(150)),
    (80, 128, Duration::from_secs(1)),
];

/// The real sender against what arithmetic allows.
pub(crate) fn run(dir: &Path) -> bool {
    let all = CASES.map(|(limit, in_flight, takes)| {
        let roughly = f64::from(limit).min(in_flight as f64 / takes.as_secs_f64());
        // Some seconds, and whole rounds of what may be under way.
        let rounds_of = (roughly * 8.0 / in_flight as f64).ceil() as u32;
        let messages = rounds_of * in_flight as u32;
        let possible = f64::from(messages) / least(limit, in_flight, takes, messages);
        let mut rounds: Vec<f64> =
            (0..ROUNDS).map(|_| sent(dir, limit, in_flight, takes, messages)).collect();
        let name = format!("limit {limit}/s, {in_flight} at a time, {} ms", takes.as_millis());
        ratio(&name, "/s", median(&mut rounds), possible, Target::AtLeast(0.95))
    });
    all.into_iter().all(|holds| holds)
}

/// The least seconds from the first request to the last answer: whichever is longer, the limit's time for all
/// requests and the last one's answer, or one round after the other of what may be under way.
fn least(limit: u32, in_flight: usize, takes: Duration, messages: u32) -> f64 {
    let paced = f64::from(messages - 1) / f64::from(limit) + takes.as_secs_f64();
    let rounds = (f64::from(messages) / in_flight as f64).ceil() * takes.as_secs_f64();
    paced.max(rounds)
}

/// Messages per second, from the first request to the last answer.
fn sent(dir: &Path, limit: u32, in_flight: usize, takes: Duration, messages: u32) -> f64 {
    let server = Slow::start(takes);
    let mut shop = Shop::open(dir);
    queue(&mut shop, messages);
    let mut config = shop.config(server.base_url(), limit);
    config.sender.in_flight = Some(in_flight);
    let services = shop::start(config);
    let answered: Vec<Instant> = (0..messages).map(|_| server.wait(&services)).collect();
    services.stop();
    let span = answered[answered.len() - 1].duration_since(answered[0]) + takes;
    f64::from(messages) / span.as_secs_f64()
}

/// Accepts every message, and says so after some time.
pub(crate) struct Slow {
    address: SocketAddr,
    answered: Receiver<Instant>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    pub(crate) fn start(takes: Duration) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        socket.set_nonblocking(true).expect("nonblocking");
        let address = socket.local_addr().expect("address");
        let (tell, answered) = channel();
        let (stop, mut stopped) = watch::channel(false);
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(socket).expect("listener");
                let mut connections = JoinSet::new();
                loop {
                    tokio::select! {
                        accepted = listener.accept() => {
                            let (stream, _) = accepted.expect("accept");
                            connections.spawn(serve(stream, takes, tell.clone()));
                        }
                        _ = stopped.changed() => break,
                    }
                }
            });
        };
        let thread = std::thread::Builder::new().name("slow".into()).spawn(run).expect("thread");
        Self { address, answered, stop, thread: Some(thread) }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the next message has been accepted; when that was.
    pub(crate) fn wait(&self, services: &Services) -> Instant {
        let next = self.answered.recv_timeout(Duration::from_secs(20));
        next.unwrap_or_else(|why| panic!("{why}, the queue is stuck: {:?}", services.health()))
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop.send(true).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("slow server");
        }
    }
}

/// Makes every id another one.
static PLACES: AtomicU32 = AtomicU32::new(0);

async fn serve(mut stream: TcpStream, takes: Duration, answered: Sender<Instant>) {
    stream.set_nodelay(true).expect("nodelay");
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = end_of_request(&bytes) {
                break end;
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        bytes.drain(..end);
        tokio::time::sleep(takes).await;
        // Nobody listens once all have been answered.
        answered.send(Instant::now()).ok();
        let place = PLACES.fetch_add(1, Ordering::Relaxed);
        let body = format!(
            r#"{{"messaging_product":"whatsapp","contacts":[],"messages":[{{"id":"wamid.slow{place}"}}]}}"#
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Where a whole request ends, if it is there.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("headers").to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("length"));
    (bytes.len() >= head + length).then_some(head + length)
}
