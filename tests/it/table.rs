//! The table of templates in `tests/templates`, each on its whole way: fetched from the simulator, found in the
//! picker, filled in by keys, sent, and delivered. What the simulator got is compared with the request that is
//! written beside each from Meta's pages.

use std::path::Path;

use serde_json::{Value, json};
use twoticks::api::template::template;
use twoticks::domain::id::PhoneNumberId;
use twoticks::domain::message::Direction;
use twoticks::domain::page::MessagePage;
use twoticks::domain::state::State;
use twoticks::domain::template::{Filling, Slot, place, slots};
use twoticks::sim::{Template, World};
use twoticks::store::message;

use crate::desk::{Inbox, PATIENCE, Shop};

/// Meta's limit to one person is 45 at once, so two share them.
const PEOPLE: [&str; 2] = ["+15551230001", "+15551230002"];

/// The media ids in the table, with a file that one could be of.
const FILES: [(&str, &str); 5] = [
    ("1", "image/png"),
    ("2762702990552401", "image/png"),
    ("1003383421387256", "video/mp4"),
    ("1003383421387257", "application/pdf"),
    ("634974688087057", "application/pdf"),
];

fn table() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let inner: Vec<String> = text
        .map(|text| text.trim().trim_start_matches('[').trim_end_matches(']').to_owned())
        .collect();
    format!("[{}]", inner.join(","))
}

/// The table with media ids that the simulator knows.
fn cases(shop: &Shop) -> Vec<Value> {
    let client = shop.client();
    let number = PhoneNumberId::new(&shop.world.phone_number_id);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, b"content").unwrap();
    let mut text = table();
    for (id, mime) in FILES {
        let uploaded = runtime.block_on(async {
            let file = tokio::fs::File::open(&path).await.unwrap();
            client.upload_media(&number, "file", mime, file, 7).await.unwrap()
        });
        for key in ["id", "header.media"] {
            let with = |id: &str| format!("\"{key}\": \"{id}\"");
            text = text.replace(&with(id), &with(uploaded.as_str()));
        }
    }
    serde_json::from_str(&text).unwrap()
}

/// A case as the simulator's catalogue has it.
fn listed(case: &Value) -> Template {
    let of = &case["template"];
    let mut listed = json!({
        "name": of["name"],
        "language": of["language"],
        "category": of["category"],
        "status": of["status"],
        "named": of["parameter_format"] == "NAMED",
        "components": of["components"],
    });
    if let Some(score) = of["quality_score"]["score"].as_str() {
        listed["quality"] = score.into();
    }
    if of["rejected_reason"].is_string() {
        listed["rejected_reason"] = of["rejected_reason"].clone();
    }
    serde_json::from_value(listed).unwrap()
}

fn filling(case: &Value) -> (Vec<Slot>, Filling) {
    let template = template(&case["template"]).unwrap();
    let values = case["filling"].as_object().unwrap();
    let value = |(key, value): (&String, &Value)| {
        (place(&template, key).unwrap(), value.as_str().unwrap().to_owned())
    };
    (slots(&template), values.iter().map(value).collect())
}

/// Finds the template of a case by its name.
fn pick(inbox: &mut Inbox, case: &Value) {
    let text = |key: &str| case["template"][key].as_str().unwrap().to_owned();
    inbox.keys("t");
    // Its last line still says what became of the one before.
    inbox.until_text("Send a template to");
    inbox.driver.paste(&text("name")).unwrap();
    inbox.until_text(&format!("╭─ {}, {} ─", text("name"), text("language")));
    inbox.keys("<Enter>");
}

/// Fills in the form, field by field, and sends it.
fn send(inbox: &mut Inbox, case: &Value) {
    inbox.until_text("as they will see it");
    let (slots, filling) = filling(case);
    // The form begins at the first value that is missing.
    let first = slots.iter().position(|slot| slot.rule.is_required()).unwrap_or(0);
    let (before, after) = slots.split_at(first);
    for slot in after.iter().chain(before) {
        if let Some(value) = filling.get(&slot.place) {
            inbox.driver.paste(value).unwrap();
        }
        inbox.keys("<Down>");
    }
    inbox.until_text("Ready: Enter sends it.");
    inbox.keys("<Enter>");
}

/// What the store has of the messages that went out.
fn states(shop: &Shop) -> Vec<State> {
    let read = shop.read();
    let rows = shop.conversations();
    let mut states = Vec::new();
    for conversation in rows {
        let page = message::messages(&read, conversation, MessagePage::Newest, 100).unwrap();
        let ours = page.messages.iter().filter(|one| one.direction == Direction::Outbound);
        states.extend(ours.map(|one| one.state));
    }
    states
}

#[test]
fn every_template_of_the_table_goes_its_whole_way() {
    let plain: Vec<Value> = serde_json::from_str(&table()).unwrap();
    let shop = Shop::with(|world| world.templates = plain.iter().map(listed).collect());
    let cases = cases(&shop);
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut inbox = shop.open_live();
    let mut sent = 0;
    for (person, half) in PEOPLE.into_iter().zip(cases.chunks(cases.len().div_ceil(2))) {
        inbox.begin(person);
        inbox.keys("<Esc>");
        for case in half {
            pick(&mut inbox, case);
            let name = case["template"]["name"].as_str().unwrap();
            if let Some(why) = case["obstacle"].as_str() {
                let begins: String = why.chars().take(24).collect();
                inbox.until(why, |screen| {
                    screen.contains(&format!("{name} cannot be sent: ")) && screen.contains(&begins)
                });
                inbox.keys("<Esc>");
                continue;
            }
            send(&mut inbox, case);
            sent += 1;
            assert!(
                shop.sim
                    .wait_until(PATIENCE, |world| world.counts().accepted + world.counts().refused
                        == sent),
                "{name} never left"
            );
            let (last, refused) = shop.sim.with_world(|world| {
                let last = world.accepted().back().map(|one| one.body["template"].clone());
                (last.unwrap_or_default(), world.counts().refused)
            });
            assert_eq!(refused, 0, "{name} is refused");
            assert_eq!(last, case["request"], "{name}");
        }
    }
    assert!(sent >= 40, "{sent}");
    // Sent, delivered, read, and an answer of those who answer: each comes a step after the one before.
    while !shop.sim.with_world(|world| world.is_idle()) {
        shop.step();
        let heard = |world: &World| world.webhooks_waiting() == 0;
        assert!(shop.sim.wait_until(PATIENCE, heard), "webhooks are still on their way");
    }
    let sent = usize::try_from(sent).unwrap();
    inbox.until("every one of them delivered", |_| {
        let states = states(&shop);
        states.len() == sent
            && states.iter().all(|state| matches!(state, State::Delivered | State::Read))
    });
    inbox.quit();
}
