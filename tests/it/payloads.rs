//! Meta's published webhook examples, and one of our own for every shape they leave out, through the real
//! listener: signed, posted, stored, shown; and the same database whatever the order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use twoticks::api::{signature as signing, webhook};
use twoticks::clock::SystemClock;
use twoticks::domain::health::Condition;
use twoticks::domain::id::{EventId, PhoneNumberId, WabaId};
use twoticks::domain::time::Timestamp;
use twoticks::service::listener::ListenerConfig;
use twoticks::service::listener::http::Limits;
use twoticks::service::sender::core::Policy;
use twoticks::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use twoticks::sim::{escaped, signature};
use twoticks::store::account::{NewAccount, upsert_account};
use twoticks::store::event::{self, EffectKind};
use twoticks::store::ingest::{RawPost, ingest};
use twoticks::store::prune::Keep;
use twoticks::store::{ReadConn, Rules, Tx, WriteConn, check, dump};

pub(crate) const PHONE_NUMBER: &str = "106540352242922";
const SECRET: &str = "app-secret-of-the-test";

/// A listener over a store of its own.
pub(crate) struct Inbox {
    dir: tempfile::TempDir,
    services: Services,
    address: SocketAddr,
}

impl Inbox {
    pub(crate) fn open() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let account = AccountConfig {
            name: "shop".into(),
            phone_number_id: PhoneNumberId::new(PHONE_NUMBER),
            waba_id: Some(WabaId::new("102290129340398")),
            app_id: None,
            display_number: Some("+55 11 5550-0199".into()),
            token: None,
            app_secrets: vec![SecretString::from(SECRET)],
            verify_tokens: vec![SecretString::from("verify")],
        };
        let config = ServiceConfig {
            data_dir: dir.path().to_owned(),
            database: dir.path().join("twoticks.db"),
            accounts: vec![account],
            api: ApiConfig {
                base_url: "http://127.0.0.1:9".into(),
                connect_timeout: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
            },
            listener: ListenerConfig {
                enabled: true,
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                path: "/webhook".into(),
                limits: Limits::default(),
            },
            keep: Keep::default(),
            sender: Policy::default(),
            rules: Rules::default(),
        };
        let mut services = Services::start(
            config,
            Arc::new(SystemClock::new()),
            Arc::new(|panic| panic!("{panic:?}")),
        )
        .expect("services");
        let news = services.bus().watch();
        services.start_net().expect("net");
        let address = loop {
            let health = services.health();
            if health.listener == Condition::Up {
                break health.listener_address.expect("address").parse().expect("address");
            }
            assert!(
                !news.wait(Some(Duration::from_secs(30))).is_empty(),
                "no listener: {health:?}"
            );
        };
        Self { dir, services, address }
    }

    pub(crate) fn read(&self) -> ReadConn {
        ReadConn::open(&self.dir.path().join("twoticks.db")).expect("store")
    }

    /// Posts one after the other over one connection; every answer must be 200.
    pub(crate) fn post(&self, bodies: &[(String, Vec<u8>)]) {
        let stream = TcpStream::connect(self.address).expect("connect");
        let mut reader = BufReader::new(stream.try_clone().expect("clone"));
        let mut writer = stream;
        for (name, body) in bodies {
            let head = format!(
                "POST /webhook HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 x-hub-signature-256: {}\r\ncontent-length: {}\r\n\r\n",
                signature(SECRET, body),
                body.len()
            );
            writer.write_all(head.as_bytes()).expect("head");
            writer.write_all(body).expect("body");
            assert_eq!(status(&mut reader), 200, "{name}");
        }
    }
}

fn status(reader: &mut BufReader<TcpStream>) -> u16 {
    let mut line = String::new();
    reader.read_line(&mut line).expect("status line");
    let status = line.split(' ').nth(1).expect("status").parse().expect("status");
    let mut length = 0;
    loop {
        line.clear();
        assert_ne!(reader.read_line(&mut line).expect("header"), 0, "the answer was cut");
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("length");
        }
    }
    let mut rest = vec![0; length];
    reader.read_exact(&mut rest).expect("body");
    status
}

/// Every fixture as Meta would post it: to our number, and with a wamid of its own, since the published
/// examples share theirs.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut bodies = Vec::new();
    for folder in ["webhooks", "webhooks-own"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("fixtures")
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        files.sort();
        for file in files {
            let name = file.file_name().expect("name").to_string_lossy().into_owned();
            let text = std::fs::read(&file).expect("fixture");
            let body = match serde_json::from_slice::<Value>(&text) {
                Ok(mut value) => {
                    settle(&mut value, &name);
                    escaped(&value)
                }
                Err(_) => text,
            };
            bodies.push((name, body));
        }
    }
    assert!(bodies.len() > 60, "only {} fixtures", bodies.len());
    bodies
}

/// Gives the items of a published example their own wamids, and our number to all.
fn settle(value: &mut Value, name: &str) {
    let changes = value["entry"].as_array_mut().into_iter().flatten().flat_map(|entry| {
        entry.get_mut("changes").and_then(Value::as_array_mut).into_iter().flatten()
    });
    for (nth, change) in changes.enumerate() {
        let Some(inner) = change.get_mut("value") else { continue };
        if let Some(number) = inner.pointer_mut("/metadata/phone_number_id") {
            *number = PHONE_NUMBER.into();
        }
        for list in ["messages", "statuses", "message_echoes"] {
            let items = inner.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            for (at, item) in items.enumerate() {
                if item.get("id").is_some_and(Value::is_string) {
                    item["id"] = format!("wamid.{name}.{nth}.{at}").into();
                }
            }
        }
    }
}

#[test]
fn every_fixture_is_stored_and_shown_as_a_message_or_an_unknown_event() {
    let inbox = Inbox::open();
    let bodies = fixtures();
    inbox.post(&bodies);
    let read = inbox.read();
    let events = event::events(&read, None, 1_000).expect("events");
    assert_eq!(events.len(), bodies.len());
    for (row, (name, _)) in events.iter().rev().zip(&bodies) {
        assert!(!row.effects.is_empty(), "{name} left no trace");
        for effect in &row.effects {
            if effect.kind == EffectKind::Message {
                let message = effect.message.unwrap_or_else(|| panic!("{name}: no message"));
                let message = twoticks::store::message::message(&read, message).expect("message");
                twoticks::store::list::conversation(&read, message.conversation)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
            } else {
                assert!(!effect.field.is_empty() || effect.detail.is_some(), "{name}: {effect:?}");
            }
        }
    }
    assert_eq!(check::check(&read).expect("check"), Vec::<String>::new());
}

#[test]
fn fixtures_in_reverse_and_again_give_the_same_database() {
    let (forward, backward) = (Inbox::open(), Inbox::open());
    let mut bodies = fixtures();
    forward.post(&bodies);
    let once = dump::logical_dump(&forward.read()).expect("dump");
    bodies.reverse();
    forward.post(&bodies);
    let again = dump::logical_dump(&forward.read()).expect("dump");
    assert_eq!(once, again, "posting everything again changed the store");
    backward.post(&bodies);
    let reversed = dump::logical_dump(&backward.read()).expect("dump");
    assert_eq!(once, reversed, "the order changed the store");
    drop((forward.services, backward.services));
}

#[test]
fn the_event_log_replayed_into_an_empty_database_gives_the_same() {
    let inbox = Inbox::open();
    let bodies = fixtures();
    inbox.post(&bodies);
    let read = inbox.read();
    let mut log = Vec::new();
    for row in event::events_after(&read, EventId(0), 1_000).expect("events") {
        let kept = event::kept(&read, row.id).expect("body");
        assert!(kept.signature.is_some(), "{}", row.id);
        log.push((row.id.to_string(), kept.body));
    }
    assert_eq!(log.len(), bodies.len());
    assert_eq!(dump_of(&log), dump::logical_dump(&read).expect("dump"));
}

/// The store after these bodies, in this order, without the listener and in one transaction.
fn dump_of(bodies: &[(String, Vec<u8>)]) -> String {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("twoticks.db");
    let now = Timestamp::from_secs(1_800_000_000);
    let mut store = WriteConn::open(&path, now).expect("store");
    let account = NewAccount {
        name: "shop".into(),
        phone_number: PhoneNumberId::new(PHONE_NUMBER),
        waba: Some(WabaId::new("102290129340398")),
        display_number: None,
    };
    let all = |tx: &mut Tx<'_>| {
        upsert_account(tx, &account, now)?;
        for (_, body) in bodies {
            let items = webhook::parse(body).unwrap_or_default();
            let sha256 = signing::sha256(body);
            ingest(tx, &RawPost { body: body.clone(), sha256, received_at: now }, &items, now)?;
        }
        Ok(())
    };
    store.write(all).expect("ingest");
    let read = ReadConn::open(&path).expect("reader");
    assert_eq!(check::check(&read).expect("check"), Vec::<String>::new());
    dump::logical_dump(&read).expect("dump")
}

#[test]
fn fixtures_in_many_orders_give_the_same_database() {
    let mut bodies = fixtures();
    let wanted = dump_of(&bodies);
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    for round in 0..12 {
        for at in (1..bodies.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = usize::try_from(state >> 33).expect("fits") % (at + 1);
            bodies.swap(at, other);
        }
        assert_eq!(dump_of(&bodies), wanted, "order {round}");
    }
}
