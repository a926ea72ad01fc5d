//! The network's floor and its load: a bare server with one thread per connection, and a client that keeps
//! a number of connections busy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// Reads headers up to the blank line and the body by its Content-Length, answers 200 and nothing else.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    accept: Option<thread::JoinHandle<()>>,
}

impl RawServer {
    /// On a free loopback port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let accept = thread::Builder::new()
            .name("raw-accept".into())
            .spawn(move || {
                thread::scope(|scope| {
                    for stream in listener.incoming() {
                        if seen.load(Ordering::Relaxed) {
                            break;
                        }
                        let stream = stream.expect("accept");
                        scope.spawn(move || serve(stream));
                    }
                });
            })
            .expect("thread");
        Self { address, stop, accept: Some(accept) }
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        if let Some(accept) = self.accept.take() {
            accept.join().expect("raw server");
        }
    }
}

fn serve(stream: TcpStream) {
    stream.set_nodelay(true).expect("nodelay");
    let mut writer = stream.try_clone().expect("clone");
    let mut reader = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("length");
            }
        }
        body.resize(length, 0);
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// What a load came to.
pub(crate) struct Load {
    /// Requests answered 200, per second.
    pub(crate) rate: f64,
    /// How long each took, in milliseconds.
    pub(crate) latencies: Vec<f64>,
}

/// Sends `requests` over `connections` kept-alive connections from one thread, as `wrk -t1` does, so that
/// the load takes as little as it can from the server beside it. Every answer must be 200.
pub(crate) fn load(address: SocketAddr, connections: usize, requests: &Arc<Vec<Vec<u8>>>) -> Load {
    let runtime = Builder::new_current_thread().enable_io().build().expect("runtime");
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let latencies = runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            clients.spawn(client(address, Arc::clone(&next), Arc::clone(requests)));
        }
        clients.join_all().await.concat()
    });
    Load { rate: requests.len() as f64 / start.elapsed().as_secs_f64(), latencies }
}

/// Takes the next request until there is none; how long each took, in milliseconds.
async fn client(
    address: SocketAddr,
    next: Arc<AtomicUsize>,
    requests: Arc<Vec<Vec<u8>>>,
) -> Vec<f64> {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    let mut answer = Vec::with_capacity(1024);
    let mut took = Vec::new();
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        stream.write_all(request).await.expect("send");
        answer.clear();
        // All answers here have an empty body, so the blank line is their end.
        while !answer.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("answer"), 0, "hung up");
        }
        let good = answer.starts_with(b"HTTP/1.1 200");
        assert!(good, "not a 200: {}", String::from_utf8_lossy(&answer));
        took.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    took
}

/// A webhook with one inbound text, number `n`, from one of 500 people: some 800 bytes, shaped as Meta
/// sends it, with a text of the length that messages have.
pub(crate) fn body(n: usize, phone_number_id: &str) -> String {
    let person = n % 500;
    let from = format!("1555{person:07}");
    let user = format!("US.{:016}", 1_349_120_865_530_274 + person);
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "551155500199", "phone_number_id": phone_number_id},
            "contacts": [{
                "profile": {"name": format!("Person {person}"), "username": format!("@person.{person}")},
                "wa_id": from, "user_id": user}],
            "messages": [{"from": from, "from_user_id": user,
                "id": format!("wamid.HBgLMTU1NTAwMDAwMDAVAgASGBQzQTRBNjU5OUFFRTAzODEw{n:010}AA=="),
                "timestamp": (1_790_000_000 + n / 50).to_string(), "type": "text",
                "text": {"body": format!("is order {n} on its way already? nobody told me when it would arrive")}}]
        }}]}]
    })
    .to_string()
}

/// [`body`] as a signed POST.
pub(crate) fn request(n: usize, path: &str, secret: &[u8], phone_number_id: &str) -> Vec<u8> {
    use std::fmt::Write as _;

    use hmac::{Hmac, KeyInit, Mac};
    let body = body(n, phone_number_id);
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("key");
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    });
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         x-hub-signature-256: sha256={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
