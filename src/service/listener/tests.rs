//! The HTTP face over raw sockets, with deadlines short enough to block on.

mod durable;
mod forged;
mod rebuilt;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;

use super::http::{Endpoint, Limits, NotStored, Seen, Sink, serve};
use crate::api::callback::self_test;
use crate::domain::health::Refused;
use crate::domain::hook::Arrival;
use crate::service::bus::Bus;
use crate::service::stop::Stop;
use crate::service::thread::Thread;

const SECRET: &str = "meatyhamhock";

#[derive(Default)]
struct Kept {
    bodies: Mutex<Vec<Vec<u8>>>,
    full: std::sync::atomic::AtomicBool,
    passed: Mutex<Vec<String>>,
}

impl Sink for Kept {
    fn store(
        &self,
        body: Vec<u8>,
        _seen: Seen,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), NotStored>> + Send>> {
        let full = self.full.load(std::sync::atomic::Ordering::Relaxed);
        if !full {
            self.bodies.lock().unwrap().push(body);
        }
        Box::pin(std::future::ready(if full { Err(NotStored) } else { Ok(()) }))
    }

    fn passed(&self, arrival: Arrival) {
        self.passed.lock().unwrap().push(arrival.why);
    }
}

struct Server {
    address: SocketAddr,
    bus: Bus,
    kept: Arc<Kept>,
    log: tempfile::NamedTempFile,
    stop: Option<Stop>,
    thread: Option<Thread>,
}

fn limits() -> Limits {
    Limits {
        header: Duration::from_millis(300),
        body: Duration::from_millis(300),
        connection: Duration::from_secs(30),
        ..Limits::default()
    }
}

impl Server {
    fn start(limits: Limits) -> Self {
        let kept = Arc::new(Kept::default());
        Self::over(limits, Arc::clone(&kept), kept)
    }

    fn over(limits: Limits, kept: Arc<Kept>, sink: Arc<dyn Sink>) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let bus = Bus::new();
        let secrets = ["old secret", SECRET].map(SecretString::from).to_vec();
        let endpoint = Endpoint::new(
            "/webhook".to_owned(),
            secrets,
            vec![SecretString::from("open sesame")],
            limits,
            sink,
            bus.clone(),
            Arc::new(crate::clock::SystemClock::new()),
        );
        let (stop, stopped) = Stop::new();
        let on_panic = Arc::new(|panicked| panic!("{panicked:?}"));
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines = tracing_subscriber::fmt().with_writer(Arc::new(log.reopen().unwrap())).finish();
        let thread = Thread::start("listener", on_panic, move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            tracing::subscriber::with_default(lines, || {
                runtime.unwrap().block_on(async {
                    let listener = tokio::net::TcpListener::from_std(socket).unwrap();
                    serve(listener, Arc::new(endpoint), stopped).await;
                });
            });
        });
        Self { address, bus, kept, log, stop: Some(stop), thread: Some(thread.unwrap()) }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Everything that is answered to these bytes until the server closes.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may have answered and closed before it has read all.
        stream.write_all(request).ok();
        read_all(&mut stream)
    }

    fn post(&self, body: &[u8], signature: &str) -> String {
        self.raw(&post(body, signature))
    }

    fn works(&self) -> bool {
        status(&self.post(b"{}", &sign(b"{}"))) == 200
    }

    fn refused(&self) -> Refused {
        self.bus.health().refused
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take());
    }
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8(answer).unwrap()
}

fn sign(body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let bytes = mac.chain_update(body).finalize().into_bytes();
    bytes.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn post(body: &[u8], signature: &str) -> Vec<u8> {
    let mut request = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
         X-Hub-Signature-256: {signature}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .map_or(0, |code| code.parse().unwrap())
}

#[test]
fn every_status_and_its_count() {
    let server = Server::start(limits());
    assert_eq!(status(&server.post(b"{\"a\":1}", &sign(b"{\"a\":1}"))), 200);
    assert_eq!(*server.kept.bodies.lock().unwrap(), [b"{\"a\":1}"]);
    assert_eq!(status(&server.post(b"{\"a\":2}", &sign(b"{\"a\":1}"))), 401);
    assert_eq!(status(&server.post(b"{}", "sha256=00")), 401);
    let unsigned = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(status(&server.raw(unsigned)), 401);
    let other = server.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&other), 404);
    let method = server.raw(b"PUT /webhook HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&method), 405);
    assert!(method.to_lowercase().contains("\r\nallow: get, post\r\n"), "{method}");
    server.kept.full.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(status(&server.post(b"{}", &sign(b"{}"))), 503);
    assert_eq!(status(&server.raw(b"nonsense\r\n\r\n")), 400);
    let expected = Refused { signature: 3, path: 1, method: 1, store: 1, ..Refused::default() };
    assert_eq!(server.refused(), expected);
    assert_eq!(server.kept.bodies.lock().unwrap().len(), 1);
}

#[test]
fn the_tunnels_own_questions_pushed_out_what_others_wanted() {
    let server = Server::start(limits());
    let ask = |challenge: &str| {
        let query =
            format!("hub.verify_token=open%20sesame&hub.challenge={challenge}&hub.mode=subscribe");
        let request =
            format!("GET /webhook?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        server.raw(request.as_bytes())
    };
    let body = self_test("00ff");
    assert!(server.post(body.as_bytes(), &sign(body.as_bytes())).ends_with("self-test 00ff"));
    assert!(ask("twoticks-self-test-00ff").ends_with("\r\n\r\ntwoticks-self-test-00ff"));
    assert_eq!(*server.kept.passed.lock().unwrap(), [""; 0]);
    assert!(ask("1158201444").ends_with("1158201444"));
    assert_eq!(*server.kept.passed.lock().unwrap(), ["challenge answered"]);
}

#[test]
fn the_challenge_is_given_back_for_the_right_token_alone() {
    let server = Server::start(limits());
    let ask = |query: &str| {
        server.raw(
            format!("GET /webhook?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
    };
    let right = "hub.verify_token=open%20sesame&hub.challenge=115%2B8&hub.mode=subscribe";
    let answer = ask(right);
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("\r\n\r\n115+8"), "{answer}");
    for wrong in [
        "",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=open",
        "hub.mode=other&hub.challenge=1&hub.verify_token=open%20sesame",
        "hub.mode=subscribe&hub.verify_token=open%20sesame",
    ] {
        assert_eq!(status(&ask(wrong)), 403, "{wrong}");
    }
    assert_eq!(server.refused().verify_token, 5);
}

#[test]
fn too_large_is_refused_unread_and_while_reading() {
    let server = Server::start(Limits { body_size: 1000, ..limits() });
    let head = "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=0\r\n";
    for length in ["1001", "9223372036854775807"] {
        let answer = server.raw(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes());
        assert_eq!(status(&answer), 413, "{length}");
    }
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..20 {
        chunked.extend_from_slice(b"64\r\n");
        chunked.extend_from_slice(&[b'x'; 100]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(status(&server.raw(&chunked)), 413);
    assert_eq!(server.refused().size, 3);
    let fits = vec![b'1'; 1000];
    assert_eq!(status(&server.post(&fits, &sign(&fits))), 200);
}

#[test]
fn what_drips_is_cut_off() {
    let server = Server::start(limits());
    let mut head = server.connect();
    head.write_all(b"POST /webhook HTTP/1.1\r\nHost: x").unwrap();
    let mut body = server.connect();
    let request = post(b"{\"a\":1}", &sign(b"{\"a\":1}"));
    body.write_all(&request[..request.len() - 1]).unwrap();
    let mut promised = server.connect();
    promised
        .write_all(
            b"POST /webhook HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\
              X-Hub-Signature-256: sha256=0\r\n\r\n",
        )
        .unwrap();
    let silent = &mut server.connect();
    assert!(matches!(status(&read_all(&mut head)), 0 | 408));
    assert_eq!(status(&read_all(&mut body)), 408);
    assert!(read_all(&mut promised).contains("HTTP/1.1 408"));
    assert_eq!(read_all(silent), "");
    assert!(server.works());
}

#[test]
fn a_whole_connection_has_a_deadline() {
    let limits = Limits { connection: Duration::from_millis(300), ..Limits::default() };
    let server = Server::start(limits);
    let mut stream = server.connect();
    stream.write_all(b"GET /webhook HTTP/1.1\r\n").unwrap();
    assert_eq!(status(&read_all(&mut stream)), 0);
    assert!(server.works());
}

#[test]
fn silent_connections_give_their_seats_to_whoever_speaks() {
    let slow = Duration::from_secs(60);
    let limits = Limits { connections: 4, header: slow, body: slow, ..Limits::default() };
    let server = Server::start(limits);
    let silent: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    assert!(server.works());
    let slow_bodies: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = server.connect();
            let request = post(b"{\"a\":1}", &sign(b"{\"a\":1}"));
            stream.write_all(&request[..request.len() - 1]).unwrap();
            stream
        })
        .collect();
    assert!(server.works());
    drop((silent, slow_bodies));
}

#[test]
fn bad_signatures_are_one_line_in_the_log_a_minute() {
    let server = Server::start(limits());
    for _ in 0..50 {
        assert_eq!(status(&server.post(b"{}", &sign(b"[]"))), 401);
    }
    assert_eq!(server.refused().signature, 50);
    let log = server.log();
    assert_eq!(log.matches("webhooks refused").count(), 1, "{log}");
}

#[test]
fn only_the_right_key_makes_a_request_the_listener_s_own() {
    let server = Server::start(limits());
    for key in ["", "x", "00000000000000000000000000000000"] {
        let request =
            format!("GET /webhook HTTP/1.1\r\nHost: x\r\nX-Twoticks-Probe: {key}\r\n\r\n");
        assert_eq!(status(&server.raw(request.as_bytes())), 403);
    }
}

#[test]
fn hostile_requests_leave_it_working() {
    let server = Server::start(limits());
    let long_line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(40 << 10));
    assert!(matches!(status(&server.raw(long_line.as_bytes())), 0 | 400 | 414 | 431));
    let headers = "X: y\r\n".repeat(100);
    let many = format!("GET /webhook HTTP/1.1\r\n{headers}\r\n");
    assert_eq!(status(&server.raw(many.as_bytes())), 431);
    for _ in 0..200 {
        let mut stream = server.connect();
        stream.write_all(b"GET / HTTP/2.0\r\n\r\n").unwrap();
    }
    let smuggled = "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}GET / HTTP/1.1\r\n\r\n";
    assert_eq!(status(&server.raw(smuggled.as_bytes())), 400);
    let body = b"{}";
    let doubled = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Hub-Signature-256: {0}\r\n\
         X-Hub-Signature-256: {0}\r\n\r\n{{}}",
        sign(body)
    );
    assert_eq!(status(&server.raw(doubled.as_bytes())), 401);
    assert!(server.works());
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let request = String::from_utf8(post(b"{}", &sign(b"{}"))).unwrap();
    let kept_alive = request.replace("Connection: close\r\n", "");
    stream.write_all(kept_alive.as_bytes()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(read_all(&mut stream).matches("HTTP/1.1 200 OK").count(), 2);
}

#[test]
fn stopping_ends_idle_connections() {
    let server = Server::start(Limits::default());
    let mut idle = server.connect();
    assert!(server.works());
    drop(server);
    assert_eq!(read_all(&mut idle), "");
}
