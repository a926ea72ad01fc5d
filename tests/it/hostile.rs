//! Texts that would drive a terminal, hide or reorder a line, in every place of a webhook that holds text.
//! None of it reaches the screen, a command's output or the log as it came.

use rustix::process::Signal;
use serde_json::{Value, json};

use twoticks::domain::id::ConversationId;
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::domain::time::Timestamp;
use twoticks::store::outbox::{self, Terms};
use twoticks::store::{WriteConn, account};

use crate::target::{NUMBER, SECRET, Target};
use crate::terminal::Terminal;

/// Characters that no sink may show: controls, bidi, invisible ones, and tags.
fn is_hostile(char: char) -> bool {
    matches!(char,
        '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{3164}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn strings() -> Vec<String> {
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]0;pwned\x07",
        "\x1b]0;pwned\x1b\\",
        "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
        "\x1b]52;c;cHduZWQ=\x07",
        "\x1bP1$r0m\x1b\\",
        "\x1b[2J\x1b[H",
        "\x1b[?1049l",
        "\x1b[6n",
        "\u{9b}31m",
        "\u{9d}0;pwned\u{9c}",
        "bell\x07back\x08\x08\x08",
        "over\rwritten",
        "nul\0del\x7f",
        "\x0b\x0c\x0e\x0f",
        "\u{202e}gnp.exe",
        "\u{2066}isolate\u{2069}\u{202a}\u{202b}\u{202c}\u{202d}",
        "zero\u{200b}width\u{2060}\u{feff}",
        "soft\u{ad}hyphen\u{180e}\u{3164}",
        "line\u{2028}and\u{2029}paragraph\u{85}",
        "tags\u{e0041}\u{e0042}\u{e007f}",
        "marks\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}",
        "\u{200e}\u{200f}marks of direction",
        "%s%n%x",
        "first\nsecond\ttabbed",
        "\u{10ffff}\u{fffe}\u{e000}",
        "=HYPERLINK(0)",
        "@SUM(A:A)",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// How many random texts there are besides. The long form is run by hand: `TEXTS=100000 cargo test --test it
/// hostile`.
fn random_texts() -> usize {
    std::env::var("TEXTS").map_or(300, |count| count.parse().expect("TEXTS is a number"))
}

fn random(seed: u64, count: usize) -> impl Iterator<Item = String> {
    let mut bits = seed;
    let mut next = move || {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        u32::try_from(bits >> 40).unwrap()
    };
    (0..count).map(move |_| {
        let length = next() % 12;
        (0..=length)
            .filter_map(|_| {
                let end = [0x20, 0x100, 0x3000, 0x1_0000, 0x11_0000][next() as usize % 5];
                char::from_u32(next() % end)
            })
            .collect()
    })
}

/// One webhook with `text` wherever one can be.
fn webhook(n: usize, text: &str) -> Vec<u8> {
    let wamid = |what: &str| format!("wamid.{what}{n}");
    let message = |what: &str, body: Value| {
        let mut message =
            json!({"from": "15551230001", "id": wamid(what), "timestamp": "1700000000"});
        message["type"] = json!(what);
        message.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        message
    };
    let messages = [
        message("text", json!({"text": {"body": text}})),
        message("image", json!({"image": {"caption": text, "mime_type": text, "id": "1"}})),
        message("document", json!({"document": {"filename": text, "caption": text, "id": "2"}})),
        message(
            "location",
            json!({"location": {"latitude": 1, "longitude": 2, "name": text, "address": text}}),
        ),
        message(
            "contacts",
            json!({"contacts": [{"name": {"formatted_name": text}, "phones": [{"phone": text}]}]}),
        ),
        message("reaction", json!({"reaction": {"message_id": wamid("text"), "emoji": text}})),
        message("button", json!({"button": {"text": text, "payload": text}})),
        message("system", json!({"system": {"body": text, "type": text}})),
        message(
            "unsupported",
            json!({"errors": [{"code": 131_051, "title": text, "message": text}]}),
        ),
        message("order", json!({"order": {"catalog_id": text, "text": text, "product_items": []}})),
        json!({"from": text, "id": wamid("odd"), "timestamp": "1700000000", "type": text}),
    ];
    let value = json!({
        "metadata": {"display_phone_number": text, "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": text, "username": text}, "wa_id": "15551230001"}],
        "messages": messages,
        "errors": [{"code": 1, "title": text, "error_data": {"details": text}}],
    });
    let entry = json!([
        {"id": "200000000000001", "changes": [{"field": "messages", "value": value}]},
        {"id": text, "changes": [{"field": text, "value": {"event": text}}]},
        {"id": "200000000000001", "changes": [{"field": "messages", "value": {
            "metadata": {"display_phone_number": text, "phone_number_id": text},
            "messages": messages}}]},
        {"id": "200000000000001", "changes": [
            {"field": "account_update", "value": {
                "event": text, "ban_info": {"waba_ban_state": text}}},
            {"field": "phone_number_quality_update", "value": {
                "display_phone_number": text, "event": text, "current_limit": text}},
            {"field": "phone_number_name_update", "value": {
                "display_phone_number": text, "decision": text, "requested_verified_name": text}},
            {"field": "account_review_update", "value": {"decision": text}},
            {"field": "account_alerts", "value": {
                "entity_type": text, "alert_type": text, "alert_description": text}},
            {"field": "message_template_status_update", "value": {
                "event": text, "message_template_id": n, "message_template_name": text,
                "message_template_language": text, "reason": text}},
        ]},
    ]);
    json!({"object": "whatsapp_business_account", "entry": entry}).to_string().into_bytes()
}

#[track_caller]
fn assert_inert(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(line) = text.lines().find(|line| line.chars().any(is_hostile)) {
        panic!("{place}: {line:?}");
    }
}

/// The whole output of a terminal: only sequences of ours, which begin with `ESC [` and are no requests.
#[track_caller]
fn assert_screen_inert(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('\x1b') {
        assert_inert("the screen", before.replace('\r', "").as_bytes());
        let Some(after) = after.strip_prefix('[') else {
            // The title has the name of whom one writes with.
            let title = after.strip_prefix("]0;").unwrap_or_else(|| panic!("{after:.20?}"));
            let (title, after) = title.split_once(['\x07', '\x1b']).expect("the end of the title");
            assert_inert("the title", title.as_bytes());
            rest = after.trim_start_matches('\\');
            continue;
        };
        let is_end = |char: char| ('@'..='~').contains(&char);
        rest = after.split_once(is_end).expect("the end of a sequence").1;
    }
}

/// Messages of ours that wait, with these texts.
fn wait_with(target: &Target, texts: &[String]) {
    let read = target.read();
    let account = account::accounts(&read).unwrap().remove(0).id;
    let mut store =
        WriteConn::open(&target.database(), Timestamp::from_secs(1_800_000_000)).unwrap();
    let conversation = ConversationId(1);
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let body = Body::Text { text: text.clone(), preview_url: false };
        let priority = Priority::Person;
        let new = NewMessage { account, conversation, body, reply_to: None, priority };
        let later = Terms { at: Some(Timestamp::from_secs(4_000_000_000)) };
        let now = Timestamp::from_secs(1_800_000_000);
        store.write(|tx| outbox::enqueue_on(tx, &new, &later, now)).unwrap();
    }
    store.close().unwrap();
}

/// Every command that prints what others wrote: into a file, and on a terminal, where JSON is as inert as the rest.
fn commands(target: &Target) {
    let config = target.home().join("c.toml");
    let config = config.to_str().unwrap();
    let export = ["chats", "export", "--all", "--format"];
    for (args, least) in [
        (&["chats", "list"][..], 10),
        (&["chats", "show", "1", "--limit", "100000"], 10_000),
        (&[&export[..], &["csv"]].concat(), 10_000),
        (&[&export[..], &["md"]].concat(), 10_000),
        (&[&export[..], &["html"]].concat(), 10_000),
        (&["search", "link"], 10),
        (&["search", "first"], 10),
        (&["events", "list"], 10_000),
        (&["events", "list", "--who", "red"], 10),
        (&["events", "show", "2"], 100),
        (&["events", "show", "6"], 100),
        (&["events", "show", "17"], 100),
        (&["outbox", "list"], 1_000),
        (&["outbox", "status"], 10),
        (&["accounts", "list"], 10),
        (&["accounts", "show", "--history", "--limit", "100000"], 0),
        (&["templates", "list"], 0),
        (&["campaigns", "list"], 0),
        (&["stats", "--all"], 10),
        (&["db", "check"], 0),
    ] {
        let output = target.beside(args);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{args:?}: {output:?}");
        assert!(output.stdout.len() >= least, "{args:?} says little: {output:?}");
        assert_inert(&format!("{args:?}"), &output.stdout);
        assert_inert(&format!("{args:?}"), &output.stderr);
        if args.last() == Some(&"csv") {
            // What a spreadsheet would take for a formula.
            for record in csv::Reader::from_reader(output.stdout.as_slice()).records() {
                let record = record.unwrap();
                let formula =
                    record.iter().find(|cell| cell.starts_with(['=', '+', '-', '@', '\t']));
                assert_eq!(formula, None, "{record:?}");
            }
        }
    }
    for args in [
        &["chats", "list", "--json"][..],
        &["chats", "show", "1", "--json", "--limit", "100000"],
        &["chats", "export", "--all", "--format", "jsonl"],
        &["chats", "export", "--all", "--format", "csv"],
        &["search", "link", "--json"],
        &["events", "list", "--json"],
        &["events", "show", "2", "--json"],
        &["outbox", "list", "--json"],
        &["accounts", "list", "--json"],
    ] {
        let args = [&["--config", config], args].concat();
        let printed = Terminal::start(target.home(), &args, &[]);
        assert_eq!(printed.end(), 0, "{args:?}");
        printed.until_closed();
        assert_screen_inert(&printed.bytes());
        assert!(!printed.bytes().is_empty(), "{args:?}");
    }
}

/// It would not see that nothing is inert if it saw nothing.
#[test]
fn what_is_hostile_is_seen() {
    for text in strings().iter().take(23).filter(|text| !text.contains('\u{300}')) {
        let seen = std::panic::catch_unwind(|| assert_inert("here", text.as_bytes()));
        assert!(seen.is_err(), "{text:?}");
    }
    for bytes in [&b"\x1b]52;c;cHduZWQ=\x07"[..], b"\x1bP1$r0m\x1b\\", b"\x1b]0;a\xc2\x9bb\x07"] {
        assert!(std::panic::catch_unwind(|| assert_screen_inert(bytes)).is_err(), "{bytes:?}");
    }
}

#[test]
fn no_hostile_text_reaches_a_sink() {
    let target = Target::start();
    // A text of digits is a number, and would begin a conversation.
    let random = random(0x5eed, random_texts())
        .filter(|text| !text.contains(|char: char| char.is_ascii_digit()));
    let texts: Vec<String> = strings().into_iter().chain(random).collect();
    for (n, text) in texts.iter().enumerate() {
        assert_eq!(target.post(&webhook(n, text), SECRET), 200, "{text:?}");
    }
    let show = target.beside(&["chats", "show", "1", "--limit", "100000"]);
    assert!(show.status.success(), "{show:?}");
    assert!(show.stdout.len() > 100 * texts.len(), "the messages are there");
    assert_inert("chats show", &show.stdout);
    target.until_printed(&format!("#{} ", texts.len()));
    assert_inert("listen", &target.printed());
    for file in std::fs::read_dir(target.home().join("data/log")).unwrap() {
        assert_inert("the log", &std::fs::read(file.unwrap().path()).unwrap());
    }
    // The control: what nobody may see as it came is in the store.
    let raw = ["twoticks.db", "twoticks.db-wal"].map(|file| target.home().join("data").join(file));
    let raw: Vec<u8> =
        raw.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect();
    assert!(raw.windows(8).any(|part| part == b"\x1b[31mred"), "the store has what came");
    wait_with(&target, &texts);
    commands(&target);
    let config = target.home().join("c.toml");
    let args = ["--config", config.to_str().unwrap()];
    let mut terminal = Terminal::start(target.home(), &args, &[]);
    terminal.until("the conversations", |screen| screen.contents().contains(" All 1"));
    // Into it, the life of a message, the help; each other screen, and something on it; the workbench.
    for key in [
        "l", "o", "\x1b", "?", "\x1b", "2", "3", "x", "\x1b", "G", "4", "\r", "\x1b", "5", "1",
        "A", "\x1b", "T", "\x1b",
    ] {
        let before = terminal.screen();
        terminal.send(key);
        terminal.until("another screen", |screen| screen.contents() != before);
    }
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    assert_screen_inert(&terminal.bytes());
}
