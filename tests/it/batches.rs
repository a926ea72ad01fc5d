//! Webhooks as large, as many and as broken as they come, from several apps: nothing good is lost for
//! anything bad beside it.

use std::time::Duration;

use serde_json::{Value, json};
use twoticks::domain::conversation::Filter;
use twoticks::domain::page::{ListPage, MessagePage};
use twoticks::domain::time::Timestamp;
use twoticks::store::event::{EffectKind, events};
use twoticks::store::{account, list, message};

use crate::target::{NUMBER, SECRET, Target, VERIFY_TOKEN, config_text, status};

/// A text that is larger than Meta's largest webhook (3 MB) fits no more.
const LARGEST: usize = 3_000_000;

fn change(number: &str, id: &str, text: &str) -> Value {
    json!({"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15555550100", "phone_number_id": number},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "15551230001"}],
        "messages": [{"from": "15551230001", "id": id, "timestamp": "1700000000",
                      "type": "text", "text": {"body": text}}],
    }})
}

fn webhook(entries: impl IntoIterator<Item = Value>) -> String {
    let entry: Vec<Value> = entries.into_iter().collect();
    json!({"object": "whatsapp_business_account", "entry": entry}).to_string()
}

fn entry(change: &Value) -> Value {
    json!({"id": "200000000000001", "changes": [change]})
}

/// How many messages Ana is seen to have written.
fn received(target: &Target) -> usize {
    let read = target.read();
    let account = account::accounts(&read).unwrap()[0].id;
    let rows = list::conversations(
        &read,
        account,
        Filter::All,
        "",
        ListPage::First,
        10,
        Timestamp::default(),
    )
    .unwrap()
    .rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    message::messages(&read, row.id, MessagePage::Newest, 5000).unwrap().messages.len()
}

fn effects(target: &Target) -> Vec<EffectKind> {
    let rows = events(&target.read(), None, 5000).unwrap();
    let newest = rows.into_iter().next().unwrap();
    newest.effects.into_iter().map(|effect| effect.kind).collect()
}

#[test]
fn a_thousand_entries_cost_one_another_nothing() {
    let target = Target::start();
    let broken = [
        json!(7),
        json!({"id": "1", "changes": "none"}),
        json!({"id": "1", "changes": [{"field": "messages", "value": []}]}),
        entry(&json!({"field": "messages", "value": {"metadata": {"phone_number_id": NUMBER},
            "messages": [{"type": "text"}, 5, null, {"id": {}, "timestamp": []}]}})),
        entry(&json!({"field": "of the future", "value": {"x": 1}})),
    ];
    let entries = (0..1000).map(|n| match n % 100 {
        50 => broken[n / 100 % broken.len()].clone(),
        _ => entry(&change(NUMBER, &format!("wamid.{n}"), "hello")),
    });
    assert_eq!(target.post(webhook(entries).as_bytes(), SECRET), 200);
    assert_eq!(received(&target), 990);
    let effects = effects(&target);
    assert_eq!(effects.iter().filter(|kind| **kind == EffectKind::Message).count(), 990);
    let unknown = effects.iter().filter(|kind| **kind == EffectKind::Unknown).count();
    assert!(unknown >= 10, "each broken one is kept with its reason: {unknown}");
}

#[test]
fn the_largest_webhook_is_stored_whole() {
    let target = Target::start();
    let of_length = |length: usize| {
        let around = webhook([entry(&change(NUMBER, "wamid.large", ""))]).len();
        let text = "a ".repeat(length).get(..length - around).unwrap().to_owned();
        webhook([entry(&change(NUMBER, "wamid.large", &text))])
    };
    let largest = of_length(LARGEST);
    assert_eq!(largest.len(), LARGEST);
    assert_eq!(target.post(largest.as_bytes(), SECRET), 200);
    assert_eq!(received(&target), 1);
    assert_eq!(target.post(of_length((3 << 20) + 1).as_bytes(), SECRET), 413);
    target.good(Duration::from_secs(1));
}

/// What nobody can make anything of, each different from the others.
fn poison(n: usize) -> Vec<u8> {
    let deep =
        |open: &str, close: &str| format!("{}{n}{}", open.repeat(10_000), close.repeat(10_000));
    match n % 10 {
        0 => deep("[", "]").into_bytes(),
        1 => deep("{\"a\":", "}").into_bytes(),
        2 => format!("{{\"object\":\"whatsapp_business_account\",\"entry\":{}", deep("[", "]"))
            .into(),
        3 => [format!("{n}").as_bytes(), b"\xff\xfe\0\x80"].concat(),
        4 => format!("{{\"entry\":{n}").into_bytes(),
        5 => webhook([entry(&json!({"field": "messages", "value": {"messages": n}}))]).into_bytes(),
        6 => format!("{n}{}", "9".repeat(100_000)).into_bytes(),
        7 => format!("\"\\ud800{n}\"").into_bytes(),
        8 => {
            let number = format!("{n}e999999");
            webhook([entry(&change(NUMBER, "id", "TIME"))])
                .replace("\"1700000000\"", &number)
                .into()
        }
        _ => webhook([entry(&json!({"field": n, "value": {"messages": [[], {}, {"id": n}]}}))])
            .into(),
    }
}

#[test]
fn a_thousand_poisoned_webhooks_cost_no_good_one() {
    let target = Target::start();
    for n in 0..1000 {
        assert_eq!(target.post(&poison(n), SECRET), 200, "poison {n}");
        if n % 10 == 0 {
            let good = webhook([entry(&change(NUMBER, &format!("wamid.{n}"), "hello"))]);
            assert_eq!(target.post(good.as_bytes(), SECRET), 200);
        }
    }
    assert_eq!(received(&target), 100);
    let rows = events(&target.read(), None, 5000).unwrap();
    assert_eq!(rows.len(), 1100 + target.posted(), "each is kept once");
    assert!(rows.iter().all(|row| !row.effects.is_empty()), "and says what it was");
}

#[test]
fn every_app_s_secrets_are_taken_and_an_unknown_number_is_kept_and_told() {
    let config = config_text("").replace(
        &format!("app_secret = {SECRET:?}"),
        &format!("app_id = \"7\"\napp_secret = [{SECRET:?}, \"the old one\"]"),
    ) + "[[account]]\nname = \"same app\"\nphone_number_id = \"100000000000002\"\napp_id = \"7\"\n\
         [[account]]\nname = \"other app\"\nphone_number_id = \"100000000000003\"\napp_id = \"8\"\n\
         app_secret = \"another\"\nverify_token = [\"second word\", \"third\"]\n";
    let target = Target::with_config(&config);
    let numbers = [NUMBER, "100000000000002", "100000000000003", "999"];
    for (n, number) in numbers.into_iter().enumerate() {
        for (secret, code) in [
            (SECRET, 200),
            ("the old one", 200),
            ("another", 200),
            ("", 401),
            ("the older one", 401),
        ] {
            let id = format!("wamid.{n}.{secret}");
            let body = webhook([entry(&change(number, &id, "hello"))]);
            assert_eq!(target.post(body.as_bytes(), secret), code, "{number} {secret:?}");
        }
    }
    assert_eq!(effects(&target), [EffectKind::UnknownNumber]);
    assert_eq!(received(&target), 3);
    target.until_printed("no account has the number 15555550100 (id 999)");
    for (token, code) in
        [(VERIFY_TOKEN, 200), ("second word", 200), ("third", 200), ("fourth", 403)]
    {
        let token = token.replace(' ', "+");
        let answer = target.raw(
            format!(
                "GET /webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={token} HTTP/1.1\r\n\
                 Host: x\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
        );
        assert_eq!(status(&answer), code, "{token}");
    }
}
