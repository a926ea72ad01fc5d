//! The HTTP face, driven over real sockets. Nothing sleeps: everything waits for bytes or for the
//! simulator's own word.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Sim, SimConfig};
use crate::clock::SystemClock;
use crate::domain::time::{Clock, Monotonic, Timestamp};
use crate::sim::{Delays, Fault, Scenario, Strangers, World, WorldConfig, load, signature};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> WorldConfig {
    WorldConfig {
        delays: Delays::none(),
        strangers: Strangers::WindowOpen,
        rate_per_second: 100_000,
        pair_limit: false,
        ..WorldConfig::default()
    }
}

fn start(config: SimConfig, world: World) -> Sim {
    Sim::start(config, world, Arc::new(SystemClock::new())).unwrap()
}

/// A keep-alive client.
struct Client(BufReader<TcpStream>);

impl Client {
    fn to(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        self.write(method, path, body);
        self.read()
    }

    fn write(&mut self, method: &str, path: &str, body: &str) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer simulator-token\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
    }

    fn read(&mut self) -> (u16, Vec<u8>) {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or("0").parse().unwrap_or(0);
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, body)
    }

    fn send(&mut self, to: &str) -> (u16, Value) {
        let body = json!({ "messaging_product": "whatsapp", "to": to, "text": { "body": "x" } });
        let path = "/v25.0/106540352242922/messages";
        let (status, body) = self.ask("POST", path, &body.to_string());
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// What the listener got: the head and the body.
type Hook = (String, Vec<u8>);

/// A listener that answers 200 to everything and tells the test what came.
fn listener() -> (SocketAddr, Receiver<Hook>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), tell) = (stream, tell.clone()) else { return };
                std::thread::Builder::new().spawn(move || listen(stream, &tell)).unwrap();
            }
        })
        .unwrap();
    (addr, told)
}

fn listen(stream: TcpStream, tell: &Sender<Hook>) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.strip_prefix("Content-Length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let answer = match head.split("hub.challenge=").nth(1) {
            Some(rest) => rest.split(['&', ' ']).next().unwrap_or("").to_owned(),
            None => "ok".to_owned(),
        };
        if tell.send((head, body)).is_err() {
            return;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_send_is_answered_and_its_statuses_are_posted() {
    let sim = start(SimConfig::default(), World::new(1, quick()));
    let mut client = Client::to(sim.addr());
    let (status, answer) = client.send("+16505551234");
    assert_eq!(status, 200);
    let wamid = answer["messages"][0]["id"].as_str().unwrap().to_owned();
    assert!(
        sim.wait_until(PATIENCE, |world| world.webhooks_waiting() == 3),
        "they wait for a callback"
    );
    let (addr, told) = listener();
    sim.set_webhook(&format!("http://{addr}/hook?a=b")).unwrap();
    for _ in 0..3 {
        let (head, body) = told.recv_timeout(PATIENCE).unwrap();
        assert!(head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{head}");
        let expected = signature("simulator-app-secret", &body);
        assert!(head.contains(&format!("X-Hub-Signature-256: {expected}\r\n")), "{head}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        let status = &body["entry"][0]["changes"][0]["value"]["statuses"][0];
        assert_eq!(status["id"], wamid.as_str());
    }
    assert!(sim.wait_until(PATIENCE, World::is_idle));
    assert_eq!(sim.verify_webhook(), Ok(()));
    let world = sim.stop().unwrap();
    assert_eq!(world.counts().posted, 3);
}

#[test]
fn only_this_machine() {
    let config = SimConfig { listen: "0.0.0.0:0".parse().unwrap(), ..SimConfig::default() };
    let refused = Sim::start(config, World::new(1, quick()), Arc::new(SystemClock::new()));
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("0.0.0.0") && error.contains("127.0.0.1"), "{error}");
    let sim = start(SimConfig::default(), World::new(1, quick()));
    for url in ["ftp://localhost", "127.0.0.1:1", "http://", "x"] {
        assert!(sim.set_webhook(url).is_err(), "{url}");
    }
    for url in ["http://localhost:1/x", "https://example.com/hook", "http://[::1]:9/a?b=c"] {
        sim.set_webhook(url).unwrap();
    }
}

#[test]
fn a_running_one_is_driven_over_http() {
    let sim = start(SimConfig::default(), World::new(1, quick()));
    let mut client = Client::to(sim.addr());
    let (status, body) =
        client.ask("POST", "/_sim/say", r#"{"from":"+5511988881234","text":"oi"}"#);
    assert_eq!(client.ask("POST", "/_sim/new_phone", r#"{"from":"+5511988881234"}"#).0, 200);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert_eq!(sim.with_world(|world| world.counts().inbound), 1);
    let (status, body) = client.ask("POST", "/_sim/say", r#"{"from":"nobody","text":"oi"}"#);
    assert_eq!(status, 400);
    assert!(String::from_utf8_lossy(&body).contains("nobody"));
    assert_eq!(client.ask("POST", "/_sim/fail", r#"{"code":131056,"times":1}"#).0, 200);
    assert_eq!(client.send("+16505551234").1["error"]["code"], 131_056);
    assert_eq!(client.send("+16505551234").0, 200);
    let (_, state) = client.ask("GET", "/_sim/state", "");
    let state: Value = serde_json::from_slice(&state).unwrap();
    assert_eq!((&state["accepted"], &state["refused"]), (&json!(1), &json!(1)));
}

#[test]
fn an_answer_can_be_lost_or_late() {
    let clock = Arc::new(Moved(Mutex::new(Timestamp::from_secs(1_780_000_000))));
    let shared: Arc<dyn Clock> = Arc::<Moved>::clone(&clock);
    let sim = Sim::start(SimConfig::default(), World::new(1, quick()), shared).unwrap();
    sim.with_world(|world| {
        world.fail_next(&Fault::LoseAnswer, 1);
        world.fail_next(&Fault::Delay(Duration::from_secs(3600)), 1);
    });
    assert_eq!(Client::to(sim.addr()).send("+16505551234").0, 0);
    assert_eq!(sim.with_world(|world| world.counts().accepted), 1);
    let mut client = Client::to(sim.addr());
    let body = r#"{"messaging_product":"whatsapp","to":"+16505551234","text":{"body":"x"}}"#;
    client.write("POST", "/v25.0/106540352242922/messages", body);
    assert!(sim.wait_until(PATIENCE, |world| world.counts().accepted == 2));
    *clock.0.lock().unwrap() = Timestamp::from_secs(1_780_003_601);
    sim.tick();
    assert_eq!(client.read().0, 200);
}

#[test]
fn a_scenario_is_gone_through_over_http() {
    let start = Timestamp::from_secs(1_780_000_000);
    let clock = Arc::new(Moved(Mutex::new(start)));
    let shared: Arc<dyn Clock> = Arc::<Moved>::clone(&clock);
    let sim = Sim::start(SimConfig::default(), World::new(1, quick()), shared).unwrap();
    let text = "[[step]]\nat = 60\nfail = { lose = \"half\", times = 2 }\n\
                [[step]]\nat = 61\nsay = { from = \"+15551230001\", text = \"oi\" }\n";
    sim.play(&Scenario::parse(text).unwrap()).unwrap();
    assert_eq!(Client::to(sim.addr()).send("+16505551234").0, 200);
    *clock.0.lock().unwrap() = start + Duration::from_secs(62);
    sim.tick();
    assert!(sim.wait_until(PATIENCE, |world| world.counts().inbound == 1));
    for _ in 0..2 {
        let mut client = Client::to(sim.addr());
        let body = r#"{"messaging_product":"whatsapp","to":"+16505551234","text":{"body":"x"}}"#;
        client.write("POST", "/v25.0/106540352242922/messages", body);
        let mut bytes = Vec::new();
        client.0.read_to_end(&mut bytes).unwrap();
        assert!(serde_json::from_slice::<Value>(&bytes).is_err(), "cut");
    }
    assert_eq!(Client::to(sim.addr()).send("+16505551234").0, 200);
    assert_eq!(sim.with_world(|world| world.counts().accepted), 4);
    let mut client = Client::to(sim.addr());
    let (status, body) = client.ask("POST", "/_sim/fail", r#"{"code":4,"colour":"red"}"#);
    assert_eq!(status, 400);
    assert!(String::from_utf8_lossy(&body).contains("unknown field `colour`"));
}

#[test]
fn an_answer_can_be_cut_or_come_twice() {
    let sim = start(SimConfig::default(), World::new(1, quick()));
    sim.with_world(|world| {
        world.fail_next(&Fault::CutAnswer, 1);
        world.fail_next(&Fault::AnswerTwice, 1);
    });
    let body = r#"{"messaging_product":"whatsapp","to":"+16505551234","text":{"body":"x"}}"#;
    let path = "/v25.0/106540352242922/messages";
    let mut cut = Client::to(sim.addr());
    cut.write("POST", path, body);
    let mut bytes = Vec::new();
    cut.0.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8(bytes).unwrap();
    let (head, body_part) = answer.split_once("\r\n\r\n").unwrap();
    let length: usize = head.rsplit_once(": ").unwrap().1.parse().unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body_part.len(), length / 2);
    let mut twice = Client::to(sim.addr());
    twice.write("POST", path, body);
    let (first, second) = (twice.read(), twice.read());
    assert_eq!((first.0, second.0), (200, 200));
    assert_eq!(first.1, second.1);
    assert_eq!(twice.send("+16505551234").0, 200, "the connection goes on");
    assert_eq!(sim.with_world(|world| world.counts().accepted), 3);
}

/// A clock that a test moves.
struct Moved(Mutex<Timestamp>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(Duration::ZERO)
    }
}

#[test]
fn the_world_is_kept_in_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("world.json");
    let config = SimConfig { keep: Some(path.clone()), ..SimConfig::default() };
    let sim = start(config, World::new(1, quick()));
    sim.say("+5511988881234", "oi").unwrap();
    drop(sim);
    let world = load(&path).unwrap().unwrap();
    assert_eq!((world.counts().inbound, world.webhooks_waiting()), (1, 1));
}

#[test]
fn a_burst_of_connections_is_served_while_all_stay_open() {
    const CLIENTS: usize = 64;
    let sim = start(SimConfig::default(), World::new(1, quick()));
    let at = sim.addr();
    let all_answered = Arc::new(Barrier::new(CLIENTS));
    let clients = (0..CLIENTS).map(|n| {
        let all_answered = Arc::clone(&all_answered);
        let work = move || {
            let mut client = Client::to(at);
            assert_eq!(client.send(&format!("+165055500{n:02}")).0, 200);
            all_answered.wait();
            assert_eq!(client.send(&format!("+165055500{n:02}")).0, 200);
        };
        std::thread::Builder::new().spawn(work).unwrap()
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().unwrap();
    }
}

#[test]
fn many_connections_at_once_lose_nothing() {
    const CLIENTS: usize = 16;
    const EACH: usize = 25;
    let (addr, told) = listener();
    let config = SimConfig { webhook: Some(format!("http://{addr}/")), ..SimConfig::default() };
    let sim = start(config, World::new(1, quick()));
    let at = sim.addr();
    let clients: Vec<JoinHandle<()>> = (0..CLIENTS)
        .map(|client| {
            let work = move || {
                let mut line = Client::to(at);
                for n in 0..EACH {
                    assert_eq!(line.send(&format!("+1650{client:03}{n:04}")).0, 200);
                }
            };
            std::thread::Builder::new().spawn(work).unwrap()
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    for _ in 0..CLIENTS * EACH * 3 {
        told.recv_timeout(PATIENCE).unwrap();
    }
    assert!(sim.wait_until(PATIENCE, World::is_idle));
    assert_eq!(sim.with_world(|world| world.counts().accepted), (CLIENTS * EACH) as u64);
}

#[test]
fn an_address_for_webhooks_is_asked_before_it_is_taken() {
    let sim = start(SimConfig::default(), World::new(1, quick()));
    let mut client = Client::to(sim.addr());
    let (addr, told) = listener();
    let hook = |url: &str| {
        let hook = json!({ "override_callback_uri": url, "verify_token": "their word" });
        json!({ "webhook_configuration": hook }).to_string()
    };
    let number = "/v25.0/106540352242922";
    let (status, body) = client.ask("POST", number, &hook("http://127.0.0.1:1/hook"));
    assert_eq!(status, 400);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["error"]["code"], 2_200, "{answer}");
    assert_eq!(client.ask("POST", number, &hook(&format!("http://{addr}/hook"))).0, 200);
    let (head, _) = told.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("GET /hook?hub.mode=subscribe&hub.challenge="), "{head}");
    assert!(head.contains("hub.verify_token=their+word"), "{head}");
    sim.say("+15551230001", "hi").unwrap();
    let (head, _) = told.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /hook"), "{head}");
}

#[test]
fn time_is_moved_on_from_outside() {
    let config = WorldConfig { review: (HOUR, HOUR), ..quick() };
    let sim = start(SimConfig::default(), World::new(1, config));
    let mut client = Client::to(sim.addr());
    let template = json!({ "name": "novo", "language": "pt_BR", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Tudo novo na loja." }] });
    let edge = "/v25.0/102290129340398/message_templates";
    assert_eq!(client.ask("POST", edge, &template.to_string()).0, 200);
    assert_eq!(sim.with_world(|world| world.webhooks_waiting()), 0);
    assert_eq!(client.ask("POST", "/_sim/advance", r#"{"seconds":3700}"#).0, 200);
    assert!(sim.wait_until(PATIENCE, |world| world.webhooks_waiting() == 1), "the review is over");
    assert_eq!(client.ask("POST", "/_sim/advance", r#"{"seconds":"1h"}"#).0, 400);
}

#[test]
fn whoever_follows_the_log_hears_of_the_next_request() {
    let sim = start(SimConfig::default(), World::new(1, quick()));
    let addr = sim.addr();
    let follower = std::thread::Builder::new()
        .spawn(move || Client::to(addr).ask("GET", "/_sim/log?from=0&follow=1", ""));
    let mut client = Client::to(addr);
    client.send("+16505551234");
    let (status, body) = follower.unwrap().join().unwrap();
    assert_eq!(status, 200);
    let page: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(page["entries"][0]["method"], "POST");
    assert_eq!(page["next"], page["entries"].as_array().unwrap().len());
    let (_, body) = client.ask("GET", "/_sim/log?from=7", "");
    let page: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(page["next"], 7, "what is not there yet is not skipped");
}
