//! `twoticks doctor` on set-ups that are broken in one way each: it names what is wrong and what helps, and
//! nothing else.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use twoticks::clock::SystemClock;
use twoticks::domain::account::{FactKind, Saying, Standing};
use twoticks::domain::id::{PhoneNumberId, WabaId};
use twoticks::domain::time::Clock as _;
use twoticks::store::WriteConn;
use twoticks::store::account::{NewAccount, fact, upsert_account};
use twoticks::store::callback::{Address, set_address};

use crate::cli::twoticks;
use crate::meta::{Answer, serve};
use crate::target::write_private;

pub(crate) const NUMBER: &str = "100000000000001";
pub(crate) const WABA: &str = "200000000000001";
pub(crate) const APP: &str = "300000000000001";

/// What Meta knows and says.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) token: &'static str,
    token_says: Option<Value>,
    info: Value,
    app_secret: &'static str,
    number: Value,
    pub(crate) numbers: Vec<&'static str>,
    subscribers: Vec<&'static str>,
    callback: Option<&'static str>,
    date: Option<&'static str>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        let scopes = ["whatsapp_business_messaging", "whatsapp_business_management"];
        Self {
            token: "the-token",
            token_says: None,
            info: json!({
                "app_id": APP, "application": "Shop", "type": "SYSTEM_USER", "is_valid": true,
                "expires_at": 0, "scopes": scopes,
                "granular_scopes": [{"scope": scopes[0], "target_ids": [WABA]}],
            }),
            app_secret: "the-secret",
            number: json!({
                "id": NUMBER, "verified_name": "Shop", "display_phone_number": "+1 555 555 0100",
                "quality_rating": "GREEN", "status": "CONNECTED", "platform_type": "CLOUD_API",
                "throughput": {"level": "STANDARD"},
                "health_status": {"can_send_message": "AVAILABLE", "entities": []},
            }),
            numbers: vec![NUMBER],
            subscribers: vec![APP],
            callback: Some("https://hooks.example/webhook"),
            date: None,
        }
    }

    fn answer(&self, parts: &[&str], token: &str) -> (u16, Value) {
        let refused = |code: i64, subcode: i64, message: &str| {
            (
                400,
                json!({"error": {"message": message, "type": "OAuthException", "code": code,
                "error_subcode": subcode}}),
            )
        };
        let app_token = format!("{APP}|{}", self.app_secret);
        if parts.first() == Some(&APP) {
            if token != app_token {
                return refused(190, 0, "Invalid OAuth access token signature.");
            }
            return (200, json!({"data": []}));
        }
        if let Some(says) = &self.token_says {
            return (400, says.clone());
        }
        if token != self.token {
            return refused(190, 0, "Invalid OAuth access token - Cannot parse access token");
        }
        let unknown = || refused(100, 33, "Unsupported get request. Object does not exist");
        match parts {
            [] => (400, json!({})),
            ["debug_token"] => (200, json!({"data": self.info})),
            [id] if *id == NUMBER || self.numbers.contains(id) => {
                let mut number = self.number.clone();
                number["id"] = json!(id);
                number["webhook_configuration"] = json!({"application": self.callback});
                (200, number)
            }
            [id, "phone_numbers"] if *id == WABA => {
                let row = |id: &&str| json!({"id": id, "display_phone_number": "+1 555 555 0100"});
                (200, json!({"data": self.numbers.iter().map(row).collect::<Vec<_>>()}))
            }
            [id, "subscribed_apps"] if *id == WABA => {
                let row =
                    |id: &&str| json!({"whatsapp_business_api_data": {"id": id, "name": "Shop"}});
                (200, json!({"data": self.subscribers.iter().map(row).collect::<Vec<_>>()}))
            }
            _ => unknown(),
        }
    }
}

/// Meta, on a port of this machine.
pub(crate) fn meta(facts: Arc<Mutex<Facts>>) -> u16 {
    serve(move |asked| {
        let facts = facts.lock().unwrap().clone();
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        let (status, body) = facts.answer(&path, &asked.token);
        Some(Answer { date: facts.date, ..Answer::new(status, body) })
    })
}

/// A set-up in which all is right, until something is broken.
struct Case {
    home: tempfile::TempDir,
    config: String,
    facts: Facts,
    facts_shown: Arc<Mutex<Facts>>,
    /// Held for as long as the case lasts.
    taken: Option<TcpListener>,
}

impl Case {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let facts = Facts::new();
        let facts_shown = Arc::new(Mutex::new(facts.clone()));
        let meta = meta(Arc::clone(&facts_shown));
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for (name, secret) in
            [("token", "the-token"), ("app-secret", "the-secret"), ("verify-token", "verify")]
        {
            write_private(&home.path().join(name), secret);
        }
        let config = format!(
            "data_dir = \"data\"\nbase_url = \"http://127.0.0.1:{meta}\"\n[[account]]\nname = \"shop\"\n\
             phone_number_id = \"{NUMBER}\"\nwaba_id = \"{WABA}\"\napp_id = \"{APP}\"\n\
             token = \"file:token\"\napp_secret = \"file:app-secret\"\nverify_token = \"file:verify-token\"\n\
             [listener]\nport = {free}\n"
        );
        Self { home, config, facts, facts_shown, taken: None }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn replace(&mut self, from: &str, to: &str) {
        assert!(self.config.contains(from), "{from}");
        self.config = self.config.replace(from, to);
    }

    fn mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn data(&self) -> PathBuf {
        let data = self.at("data");
        std::fs::create_dir(&data).unwrap();
        self.mode("data", 0o700);
        data
    }

    /// A tunnel that ran here last had this address.
    fn address(&self, url: &str) {
        let now = SystemClock::new().now();
        let mut store = WriteConn::open(&self.data().join("twoticks.db"), now).unwrap();
        let address = Address { kind: "ssh".to_owned(), url: url.to_owned(), proved_at: now };
        store.write(|tx| set_address(tx, Some(&address))).unwrap();
        store.close().unwrap();
    }

    /// Meta told this of the account, in a time gone by.
    fn told(&self, kind: FactKind, value: &str) {
        let now = SystemClock::new().now();
        let mut store = WriteConn::open(&self.data().join("twoticks.db"), now).unwrap();
        let new = NewAccount {
            name: "shop".to_owned(),
            phone_number: PhoneNumberId::new(NUMBER),
            waba: Some(WabaId::new(WABA)),
            display_number: None,
        };
        let standing = Standing { display_number: None, sayings: vec![Saying::new(kind, value)] };
        store
            .write(|tx| {
                let account = upsert_account(tx, &new, now)?;
                fact::asked(tx, account, &standing, now)
            })
            .unwrap();
        store.close().unwrap();
    }

    fn doctor(&self, args: &[&str]) -> (Option<i32>, String) {
        *self.facts_shown.lock().unwrap() = self.facts.clone();
        let file = self.at("c.toml");
        if !file.exists() {
            write_private(&file, &self.config);
        }
        let mut line = vec!["--config", file.to_str().unwrap(), "doctor"];
        line.extend(args);
        let output = twoticks(self.home.path(), &line).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
    }

    fn findings(&self) -> (Option<i32>, Vec<Value>) {
        let (code, said) = self.doctor(&["--json"]);
        let rows = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (code, rows)
    }
}

fn wrong(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| finding["verdict"] == "wrong").collect()
}

#[test]
fn a_set_up_in_which_all_is_right_has_nothing_wrong() {
    let case = Case::new();
    let (code, findings) = case.findings();
    assert_eq!(wrong(&findings), [&Value::Null; 0]);
    assert_eq!(code, Some(0));
    let right = |check: &str| {
        findings.iter().any(|finding| finding["check"] == check && finding["verdict"] == "right")
    };
    let checks = [
        "config",
        "listener",
        "network",
        "clock",
        "token",
        "number",
        "waba",
        "subscription",
        "app secret",
        "webhook",
    ];
    for check in checks {
        assert!(right(check), "{check}: {findings:#?}");
    }
}

type Break = fn(&mut Case);

/// What is broken, how, and what has to be said of it: the check, words of the cause, words of the remedy.
const BROKEN: &[(&str, Break, &str, &str, &str)] = &[
    ("no account", |case| case.config = String::new(), "config", "no account", "twoticks init"),
    (
        "a key that is none",
        |case| case.config += "prot = 1\n",
        "config",
        "did you mean \"port\"",
        "init --example",
    ),
    ("no TOML", |case| case.config += "[[[\n", "config", "line ", "init --example"),
    (
        "a tunnel without its host",
        |case| case.config += "[tunnel]\nkind = \"ssh\"\n",
        "config",
        "tunnel.destination",
        "init --example",
    ),
    (
        "a config that others may write",
        |case| {
            write_private(&case.at("c.toml"), &case.config);
            case.mode("c.toml", 0o622);
        },
        "permissions",
        "others may write",
        "chmod go-w",
    ),
    (
        "a data directory that others may enter",
        |case| {
            case.data();
            case.mode("data", 0o755);
        },
        "permissions",
        "mode 755",
        "chmod 700",
    ),
    (
        "a file for a data directory",
        |case| write_private(&case.at("data"), ""),
        "permissions",
        "no directory",
        "--data-dir",
    ),
    (
        "a database that is damaged",
        |case| write_private(&case.data().join("twoticks.db"), &"x".repeat(4096)),
        "database",
        "damaged",
        "backup",
    ),
    (
        "a text index that is damaged",
        |case| {
            let path = case.data().join("twoticks.db");
            WriteConn::open(&path, SystemClock::new().now()).unwrap().close().unwrap();
            let raw = rusqlite::Connection::open(path).unwrap();
            raw.execute("UPDATE message_fts_data SET block = x'ff00ff00ff'", []).unwrap();
        },
        "database",
        "the search index is damaged",
        "db check --repair-search",
    ),
    (
        "a database that is newer",
        |case| {
            let raw = rusqlite::Connection::open(case.data().join("twoticks.db")).unwrap();
            raw.execute_batch(
                "PRAGMA application_id = 1953063787; PRAGMA user_version = 99; CREATE TABLE x (y)",
            )
            .unwrap();
            case.mode("data/twoticks.db", 0o600);
        },
        "database",
        "schema 99",
        "newest twoticks",
    ),
    (
        "a database that others may read",
        |case| {
            WriteConn::open(&case.data().join("twoticks.db"), SystemClock::new().now())
                .unwrap()
                .close()
                .unwrap();
            case.mode("data/twoticks.db", 0o644);
        },
        "database",
        "others may read",
        "chmod 600",
    ),
    (
        "an account that Meta disabled",
        |case| case.told(FactKind::Ban, "DISABLE"),
        "account",
        "Ban is DISABLE",
        "Business Support Home",
    ),
    (
        "no token",
        |case| case.replace("token = \"file:token\"\napp", "app"),
        "token",
        "no token is set",
        "Generate token",
    ),
    (
        "a token's variable that is not set",
        |case| case.replace("\"file:token\"", "\"env:NOT_SET\""),
        "token",
        "NOT_SET is not set",
        "set it",
    ),
    (
        "a token's file that is not there",
        |case| case.replace("\"file:token\"", "\"file:nothing\""),
        "token",
        "cannot read",
        "put the secret there",
    ),
    (
        "a token that others may read",
        |case| case.mode("token", 0o644),
        "token",
        "read by others",
        "chmod 600",
    ),
    (
        "a token of nobody",
        |case| case.facts.token = "another",
        "token",
        "does not take it",
        "Generate token",
    ),
    (
        "a token that has expired",
        |case| {
            case.facts.token_says = Some(json!({"error": {"code": 190, "error_subcode": 463,
            "type": "OAuthException", "message": "Error validating access token: Session has expired"}}));
        },
        "token",
        "it has expired",
        "Generate token",
    ),
    (
        "a token that ended",
        |case| case.facts.info["expires_at"] = json!(1_700_000_000),
        "token",
        "expired at 2023-11-14",
        "Generate token",
    ),
    (
        "a token that is not valid",
        |case| case.facts.info["is_valid"] = json!(false),
        "token",
        "not valid",
        "Generate token",
    ),
    (
        "a token that may not manage",
        |case| {
            case.facts.info["scopes"] = json!(["whatsapp_business_messaging"]);
        },
        "token",
        "lacks whatsapp_business_management",
        "Generate token",
    ),
    (
        "a token of another app",
        |case| case.facts.info["app_id"] = json!("9"),
        "token",
        "made for app 9",
        "account.app_id = \"9\"",
    ),
    (
        "another number's id",
        |case| case.replace(NUMBER, "999"),
        "number",
        "999 is not there",
        NUMBER,
    ),
    (
        "a number of bad quality",
        |case| case.facts.number["quality_rating"] = json!("RED"),
        "number",
        "quality is RED",
        "less marketing",
    ),
    (
        "a number that is not registered",
        |case| case.facts.number["status"] = json!("PENDING"),
        "number",
        "status is PENDING",
        "registered",
    ),
    (
        "a number that may not send",
        |case| {
            case.facts.number["health_status"] = json!({"can_send_message": "BLOCKED", "entities": [
            {"errors": [{"error_description": "No payment method.", "possible_solution": "Add one."}]}]});
        },
        "number",
        "BLOCKED: No payment method. Add one.",
        "WhatsApp Manager",
    ),
    ("another WABA's id", |case| case.replace(WABA, "888"), "waba", "888 is not there", WABA),
    (
        "no WABA",
        |case| case.replace(&format!("waba_id = \"{WABA}\"\n"), ""),
        "waba",
        "no waba_id",
        "twoticks init",
    ),
    (
        "a WABA without the number",
        |case| case.facts.numbers = vec!["77"],
        "waba",
        "none of WABA",
        "API Setup",
    ),
    (
        "an app that is not subscribed",
        |case| case.facts.subscribers = vec!["9"],
        "subscription",
        "not subscribed",
        "webhook set --level waba",
    ),
    (
        "another app's secret",
        |case| case.facts.app_secret = "another",
        "app secret",
        "not that of app",
        "App settings",
    ),
    (
        "no app secret",
        |case| case.replace("app_secret = \"file:app-secret\"\n", ""),
        "app secret",
        "no app_secret",
        "App settings",
    ),
    (
        "no verify token",
        |case| case.replace("verify_token = \"file:verify-token\"\n", ""),
        "verify token",
        "no verify_token",
        "words of your own",
    ),
    (
        "no address at Meta",
        |case| case.facts.callback = None,
        "webhook",
        "no address",
        "twoticks webhook set",
    ),
    (
        "another address at Meta",
        |case| case.address("http://127.0.0.1:9/webhook"),
        "webhook",
        "not to http://127.0.0.1:9/webhook",
        "twoticks webhook set",
    ),
    (
        "a tunnel that is down",
        |case| case.address("http://127.0.0.1:9/webhook"),
        "tunnel",
        "nothing comes through",
        "listen",
    ),
    (
        "a tunnel's tool that is missing",
        |case| case.config += "[tunnel]\nkind = \"ngrok\"\n",
        "tunnel",
        "ngrok is not installed",
        "install",
    ),
    (
        "a port that is taken",
        |case| {
            let port = case.config.rsplit("port = ").next().unwrap().trim().parse::<u16>().unwrap();
            let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
            let silent = taken.try_clone().unwrap();
            thread::Builder::new()
                .name("taken".to_owned())
                .spawn(move || silent.incoming().for_each(drop))
                .unwrap();
            case.taken = Some(taken);
        },
        "listener",
        "taken by another program",
        "listener.port",
    ),
    (
        "a listener that others can reach",
        |case| case.config += "address = \"0.0.0.0\"\n",
        "listener",
        "others can reach",
        "127.0.0.1",
    ),
    (
        "a clock that is off",
        |case| case.facts.date = Some("Tue, 14 Nov 2023 22:13:20 GMT"),
        "clock",
        "ahead of the server",
        "timedatectl",
    ),
    (
        "an address that nothing answers at",
        |case| {
            let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let line =
                case.config.lines().find(|line| line.starts_with("base_url")).unwrap().to_owned();
            case.replace(&line, &format!("base_url = \"http://127.0.0.1:{closed}\""));
        },
        "network",
        "is not reached",
        "is the network up",
    ),
    (
        "a simulator that does not run",
        |case| {
            let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let line =
                case.config.lines().find(|line| line.starts_with("base_url")).unwrap().to_owned();
            case.replace(
                &line,
                &format!("base_url = \"http://127.0.0.1:{closed}\"\nsimulator = true"),
            );
        },
        "network",
        "no simulator answers",
        "twoticks sim",
    ),
];

#[test]
fn each_broken_set_up_is_named_with_its_remedy() {
    let mut failures = Vec::new();
    for (name, break_it, check, says, remedy) in BROKEN {
        let mut case = Case::new();
        break_it(&mut case);
        let (code, findings) = case.findings();
        let wrong = wrong(&findings);
        let named = wrong.iter().any(|finding| {
            let has =
                |key: &str, words: &str| finding[key].as_str().unwrap_or_default().contains(words);
            finding["check"] == *check && has("says", says) && has("remedy", remedy)
        });
        let beside = wrong.iter().filter(|finding| finding["check"] != *check).count();
        // A tunnel that is down is at the same time not where Meta posts.
        let both = name.contains("tunnel that") || name.contains("another address");
        if !named || code != Some(1) || beside > usize::from(both) {
            failures.push(format!("{name}: exit {code:?}, {wrong:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(BROKEN.len() >= 20);
}

#[test]
fn a_report_for_others_hides_what_is_nobodys_business() {
    let mut case = Case::new();
    case.facts.callback = Some("https://secret-name.example/webhook");
    case.facts.number["verified_name"] = json!("Loja Sol");
    case.facts.number["display_phone_number"] = json!("+55 11 5550-0199");
    case.address("https://secret-tunnel.invalid/webhook");
    let (code, said) = case.doctor(&["--redact"]);
    assert_eq!(code, Some(1));
    let home = case.home.path().to_str().unwrap().to_owned();
    let who = ["Loja", "11 5550", "5550-0199", "shop", "secret-name", "secret-tunnel"];
    for hidden in [NUMBER, WABA, "the-token", &home].into_iter().chain(who) {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
    assert!(said.contains("number        ok") && said.contains("quality GREEN"), "{said}");
    assert!(said.contains("WRONG") && said.contains("nothing comes through https://…"), "{said}");
}

#[test]
fn the_other_numbers_of_a_waba_are_hidden_too() {
    let mut case = Case::new();
    case.replace(NUMBER, "100000000000009");
    let (code, said) = case.doctor(&["--redact"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("this WABA has") && !said.contains("555 0100"), "{said}");
}
