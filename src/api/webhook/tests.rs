//! Every webhook fixture against one expected line per item, and the promise that nothing bad costs
//! anything good.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NotJson, mend_surrogates, parse};
use crate::domain::event::{IdentityChange, Item, ItemKind, Peer};
use crate::domain::id::{PhoneNumberId, UserId, WaId};
use crate::domain::message::{Body, Context, Media};
use crate::domain::time::Timestamp;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// All fixtures as `folder/name.json`, sorted, with their bytes.
fn all() -> &'static [(String, Vec<u8>)] {
    static ALL: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    ALL.get_or_init(read_all)
}

fn read_all() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for folder in ["webhooks", "webhooks-own"] {
        for entry in std::fs::read_dir(fixtures().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                all.push((format!("{folder}/{name}"), std::fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn fixtures_mean_what_is_written_beside_them() {
    let mut actual = String::new();
    for (name, bytes) in all() {
        writeln!(actual, "# {name}").unwrap();
        for item in parse(bytes).unwrap() {
            writeln!(actual, "{}", line(&item)).unwrap();
        }
    }
    let expected = std::fs::read_to_string(fixtures().join("webhooks-expected.txt")).unwrap();
    for (actual, expected) in actual.lines().zip(expected.lines()) {
        assert_eq!(actual, expected);
    }
    assert_eq!(actual.lines().count(), expected.lines().count());
}

#[test]
fn every_item_keeps_its_own_json() {
    for (name, bytes) in all() {
        let text = String::from_utf8_lossy(bytes).into_owned();
        for item in parse(bytes).unwrap() {
            assert!(text.contains(&item.raw), "{name}: {}", item.raw);
            assert!(serde_json::from_str::<Value>(&item.raw).is_ok(), "{name}");
        }
    }
}

/// One item on one line; absent parts leave no trace.
fn line(item: &Item) -> String {
    match &item.kind {
        ItemKind::Message(message) => format!(
            "message {} at {}: {}{}{}{}",
            peer(&message.from),
            message.at.millis() / 1000,
            body(&message.body),
            context(&message.context),
            some(" group=", message.group.as_ref()),
            message.change.as_ref().map(change).unwrap_or_default(),
        ),
        ItemKind::Echo(echo) => format!(
            "echo to {} at {} {}: {}{}",
            peer(&echo.to),
            echo.at.millis() / 1000,
            echo.state.name(),
            body(&echo.body),
            context(&echo.context),
        ),
        ItemKind::Status(status) => format!(
            "status {} of {} to {} at {}{}{}{}{}",
            status.report.state().name(),
            status.wamid,
            peer(&status.recipient),
            status.at.millis() / 1000,
            some(" participant=", status.participant.as_ref()),
            some(" request=", status.request.as_ref()),
            status.error.as_ref().map_or_else(String::new, |error| format!(
                " error={} {}{}",
                error.code,
                error.title,
                some(": ", error.details.as_ref())
            )),
            status.pricing.as_ref().map_or_else(String::new, |pricing| format!(
                " pricing={}{}",
                pricing.category,
                some("/", pricing.kind.as_ref())
            )),
        ),
        ItemKind::Identity(identity) => format!(
            "identity {} at {}{}",
            peer(&identity.peer),
            identity.at.millis() / 1000,
            identity.change.as_ref().map(change).unwrap_or_default()
        ),
        ItemKind::Preference(preference) => format!(
            "preference {} at {}: {}",
            peer(&preference.peer),
            preference.at.millis() / 1000,
            preference.value
        ),
        ItemKind::Template(update) => format!("template {}", update.summary),
        ItemKind::Notice { summary, .. } => format!("notice {summary}"),
        ItemKind::Error { code, detail } => format!("error {code} {detail}"),
        ItemKind::Unknown { reason } => format!("unknown {reason}"),
    }
}

#[test]
fn what_is_kept_of_an_account_is_read_from_the_notices_that_report_it() {
    let reported = |field: &str, value: Value| {
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"id": "2", "time": 1_739_321_024, "changes": [{"field": field, "value": value}]}]});
        match parse(body.to_string().as_bytes()).unwrap().remove(0).kind {
            ItemKind::Notice { report, .. } => report,
            other => panic!("{other:?}"),
        }
    };
    let words = |field: &str, value: Value| -> Vec<String> {
        let report = reported(field, value);
        let sayings = report.into_iter().flat_map(|report| report.sayings);
        sayings
            .map(|said| {
                let until = said.until.map_or(0, |until| until.millis() / 1000);
                let parts = [said.kind.name(), &said.subject, &said.value, &said.detail];
                format!("{} {until}", parts.join("|"))
            })
            .collect()
    };
    let quality = "phone_number_quality_update";
    let upgrade = json!({"display_phone_number": "15550783881", "event": "THROUGHPUT_UPGRADE",
        "current_limit": "TIER_UNLIMITED"});
    let report = reported(quality, upgrade.clone()).unwrap();
    assert_eq!(report.display_number.as_deref(), Some("15550783881"));
    assert_eq!(report.at, Some(Timestamp::from_secs(1_739_321_024)));
    assert_eq!(
        words(quality, upgrade),
        ["throughput||HIGH| 0", "messaging_limit||TIER_UNLIMITED| 0"]
    );
    let flagged = json!({"event": "FLAGGED", "current_limit": "TIER_10K",
        "max_daily_conversations_per_business": "TIER_NOT_SET"});
    assert_eq!(words(quality, flagged), ["status||FLAGGED| 0", "messaging_limit||TIER_10K| 0"]);
    let capability = "business_capability_update";
    for (value, tier) in [
        (json!(2000), "TIER_2K"),
        (json!("TIER_2K"), "TIER_2K"),
        (json!(250), "TIER_250"),
        (json!(-1), "TIER_UNLIMITED"),
    ] {
        let said = words(capability, json!({"max_daily_conversations_per_business": value}));
        assert_eq!(said, [format!("messaging_limit||{tier}| 0")]);
    }
    for nothing in [json!("TIER_NOT_SET"), json!(null), json!("soon"), json!([1])] {
        let value = json!({"max_daily_conversations_per_business": nothing});
        assert_eq!(reported(capability, value), None);
    }
    assert_eq!(reported(quality, json!({"event": "ONBOARDING"})), None);
    let restricted = json!({"event": "ACCOUNT_RESTRICTION", "phone_number": "15550783881",
        "restriction_info": [{"restriction_type": "RESTRICTED_BIZ", "expiration": 1_739_400_000}]});
    assert_eq!(
        words("account_update", restricted),
        ["restriction|RESTRICTED_BIZ|ACTIVE| 1739400000"]
    );
    let banned = json!({"event": "DISABLED_UPDATE", "violation_info": {"violation_type": "SCAM"},
        "ban_info": {"waba_ban_state": ["SCHEDULE_FOR_DISABLE"], "waba_ban_date": "April 17, 2026"}});
    assert_eq!(
        words("account_update", banned),
        ["violation|SCAM|REPORTED| 0", "ban||SCHEDULE_FOR_DISABLE|April 17, 2026 0"]
    );
    let declined = json!({"decision": "DECLINED", "requested_verified_name": "Best Shop",
        "rejection_reason": "NAME_NOT_CONSISTENT"});
    assert_eq!(
        words("phone_number_name_update", declined),
        ["name_review||DECLINED|Best Shop, NAME_NOT_CONSISTENT 0"]
    );
    let alert = json!({"entity_type": "PHONE_NUMBER", "entity_id": "1065", "alert_info":
        {"alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": "LOW_QUALITY",
         "alert_description": "Look"}});
    assert_eq!(words("account_alerts", alert.clone()), ["alert|LOW_QUALITY|WARNING ACTIVE|Look 0"]);
    let number = reported("account_alerts", alert).unwrap().phone_number;
    assert_eq!(number.as_ref().map(PhoneNumberId::as_str), Some("1065"));
    assert_eq!(
        words("account_review_update", json!({"decision": "REJECTED"})),
        ["review||REJECTED| 0"]
    );
}

fn some<T: std::fmt::Display>(label: &str, value: Option<&T>) -> String {
    value.map_or_else(String::new, |value| format!("{label}{value}"))
}

fn peer(peer: &Peer) -> String {
    let parts = [
        peer.wa_id.as_ref().map(ToString::to_string),
        peer.user_id.as_ref().map(ToString::to_string),
        peer.parent_user_id.as_ref().map(|id| format!("parent={id}")),
        peer.username.as_ref().map(|name| format!("username={name}")),
        peer.name.as_ref().map(|name| format!("({name})")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nobody".to_owned() } else { parts.join(" ") }
}

fn change(change: &IdentityChange) -> String {
    let number = |id: &Option<WaId>| id.as_ref().map_or("?", WaId::as_str).to_owned();
    let user = |id: &Option<UserId>| id.as_ref().map_or("?", UserId::as_str).to_owned();
    let mut text = String::new();
    if change.new_wa_id.is_some() {
        write!(text, " [{} -> {}]", number(&change.old_wa_id), number(&change.new_wa_id)).unwrap();
    }
    if change.new_user_id.is_some() {
        write!(text, " [{} -> {}]", user(&change.old_user_id), user(&change.new_user_id)).unwrap();
    }
    text
}

fn context(context: &Context) -> String {
    format!(
        "{}{}{}",
        some(" re=", context.reply_to.as_ref()),
        if context.forwarded { " forwarded" } else { "" },
        if context.frequently_forwarded { " often-forwarded" } else { "" }
    )
}

fn body(body: &Body) -> String {
    match body {
        Body::Text { text, .. } => format!("text {text:?}"),
        Body::Media { media, caption } => {
            format!("{}{}", file(media), some(" caption=", caption.as_ref()))
        }
        Body::Location { latitude, longitude, name, address } => format!(
            "location {latitude:.3},{longitude:.3}{}{}",
            some(" ", name.as_ref()),
            some(" at ", address.as_ref())
        ),
        Body::Contacts(cards) => cards.iter().fold("contacts".to_owned(), |text, card| {
            let name = card.name.as_deref().unwrap_or("-");
            let company = some(" of ", card.company.as_ref());
            format!("{text} [{name}{company} {:?} {:?}]", card.phones, card.emails)
        }),
        Body::Reaction { target, emoji } => {
            format!("reaction {} on {target}", emoji.as_deref().unwrap_or("removed"))
        }
        Body::Reply { kind, id, title, detail } => format!(
            "reply {kind:?}{} {title:?}{}",
            some(" id=", id.as_ref()),
            some(" detail=", detail.as_ref())
        ),
        Body::Interactive { kind, text, options } => {
            format!("interactive {kind} {text:?} {options:?}")
        }
        Body::Template(sent) => format!("template {} {}", sent.name, sent.language),
        Body::Order { text, items } => {
            items.iter().fold(format!("order{}", some(" ", text.as_ref())), |text, item| {
                let (id, currency) = (&item.retailer_id, &item.currency);
                format!("{text} [{} {id} {}{currency}]", item.quantity, item.price)
            })
        }
        Body::System { kind, text } => format!("system {kind} {text:?}"),
        Body::Edit { target, text } => format!("edit {target} {text:?}"),
        Body::Revoke { target } => format!("revoke {target}"),
        Body::Welcome => "welcome".to_owned(),
        Body::Unsupported { kind, code, detail } => format!(
            "unsupported{}{}{}",
            some(" ", kind.as_ref()),
            some(" ", code.as_ref()),
            some(" ", detail.as_ref())
        ),
        Body::Unknown { kind } => format!("unknown {kind}"),
    }
}

fn file(media: &Media) -> String {
    format!(
        "{}{}{}{}{}{}{}{}",
        media.kind.name(),
        some(" id=", media.id.as_ref()),
        some(" type=", media.mime_type.as_ref()),
        media.sha256.as_ref().map_or_else(String::new, |hash| format!(" sha256={hash:.8}")),
        some(" name=", media.file_name.as_ref()),
        some(" url=", media.url.as_ref()),
        if media.voice { " voice" } else { "" },
        if media.animated { " animated" } else { "" },
    )
}

fn message(id: &str) -> Value {
    json!({"id": id, "from": "16505551234", "timestamp": "1750016800", "type": "text",
        "text": {"body": id}})
}

fn post(messages: &[Value]) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
        {"field": "messages", "value": {"metadata": {"phone_number_id": "2"},
            "messages": messages}}]}]})
    .to_string()
}

fn kinds(items: &[Item]) -> Vec<&'static str> {
    items
        .iter()
        .map(|item| match item.kind {
            ItemKind::Message(_) => "message",
            ItemKind::Unknown { .. } => "unknown",
            _ => "other",
        })
        .collect()
}

#[test]
fn what_is_no_webhook_is_unknown_or_not_json() {
    for body in ["", "{", "nope", "{}{}", "\u{1}"] {
        let NotJson { reason } = parse(body.as_bytes()).unwrap_err();
        assert!(!reason.is_empty());
    }
    for body in [
        "1",
        "[]",
        "null",
        "\"x\"",
        "{}",
        r#"{"object":"page","entry":[]}"#,
        r#"{"object":"whatsapp_business_account"}"#,
        r#"{"object":"whatsapp_business_account","entry":{}}"#,
        r#"{"object":"whatsapp_business_account","entry":[7]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{}]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[7]}]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[{}]}]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"value":7}]}]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"x","value":{}}]}]}"#,
        r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{}}]}]}"#,
    ] {
        let items = parse(body.as_bytes()).unwrap();
        assert_eq!(kinds(&items), ["unknown"], "{body}");
    }
    assert_eq!(parse(br#"{"object":"whatsapp_business_account","entry":[]}"#), Ok(vec![]));
}

#[test]
fn a_depth_bomb_costs_itself_alone() {
    let bomb = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = post(&[message("a"), json!("BOMB"), message("b")]).replace("\"BOMB\"", &bomb);
    let items = parse(body.as_bytes()).unwrap();
    assert_eq!(kinds(&items), ["message", "unknown", "message"]);
    let ItemKind::Unknown { reason } = &items[1].kind else { panic!() };
    assert!(reason.starts_with("recursion limit exceeded"), "{reason}");
    assert!(parse(bomb.as_bytes()).is_ok());
    assert!(parse("[".repeat(3 << 20).as_bytes()).is_err());
}

#[test]
fn broken_text_does_not_lose_the_post() {
    let body = post(&[message("a"), message("b")]);
    for (broken, expected) in [
        (&b"\"a\xff\""[..], "a\u{fffd}"),
        (br#""\ud83d""#, "\u{fffd}"),
        (br#""\ude00x""#, "\u{fffd}x"),
        (br#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (br#""\\ud83d\u0000\ud83d""#, "\\ud83d\0\u{fffd}"),
    ] {
        let at = body.find(r#""body":"a""#).unwrap() + r#""body":"#.len();
        let mut bytes = body.as_bytes()[..at].to_vec();
        bytes.extend_from_slice(broken);
        bytes.extend_from_slice(&body.as_bytes()[at + 3..]);
        let items = parse(&bytes).unwrap();
        assert_eq!(kinds(&items), ["message", "message"], "{expected}");
        let ItemKind::Message(message) = &items[0].kind else { panic!() };
        assert_eq!(message.body, Body::Text { text: expected.to_owned(), preview_url: false });
    }
}

#[test]
fn escapes_that_are_whole_are_left_alone() {
    for text in [r#"{"a":"\u00e4\/\"\\ \ud83d\ude00\n"}"#, "no escape", r"end\", r"\u12", "é\\é"]
    {
        assert_eq!(mend_surrogates(text), text);
    }
}

#[test]
fn the_place_does_not_leak_from_one_entry_to_the_next() {
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "time": 1_750_000_000, "changes": [
            {"field": "messages", "value": {"metadata": {"phone_number_id": "2",
                "display_phone_number": "1555"}, "messages": [message("a")]}},
            {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}]},
        {"changes": [{"value": {"messages": [{"id": "b", "from": "1"}]}}]},
    ]})
    .to_string();
    let items = parse(body.as_bytes()).unwrap();
    assert_eq!(kinds(&items), ["message", "other", "unknown"]);
    assert_eq!(items[0].phone_number.as_ref().unwrap().as_str(), "2");
    assert_eq!(items[0].waba.as_ref().unwrap().as_str(), "1");
    assert_eq!(items[1].phone_number, None);
    assert_eq!(items[1].field, "account_update");
    assert_eq!((&items[2].waba, items[2].field.as_str()), (&None, ""));
}

/// JSON of any shape, not too large.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `new` in place of the `index`-th value met on a walk through `value`.
fn replace(value: &mut Value, index: &mut usize, new: &Value) {
    if *index == 0 {
        new.clone_into(value);
    }
    *index = index.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, index, new)),
        Value::Object(map) => map.values_mut().for_each(|inner| replace(inner, index, new)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _items = parse(&bytes);
    }

    #[test]
    fn no_cut_or_flipped_fixture_panics(pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = pick.get(all()).1.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _flipped = parse(&bytes);
        let _cut = parse(&bytes[..at]);
    }

    #[test]
    fn no_fixture_with_a_foreign_value_panics_or_vanishes(pick in any::<prop::sample::Index>(),
        at in 0_usize..60, new in anything()) {
        let mut value: Value = serde_json::from_slice(&pick.get(all()).1).unwrap();
        replace(&mut value, &mut { at }, &new);
        prop_assert!(parse(value.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn one_bad_message_costs_none_of_the_others(count in 1_usize..6, at in 0_usize..6,
        bad in anything()) {
        let mut messages: Vec<_> = (0..count).map(|id| message(&format!("w{id}"))).collect();
        messages.insert(at.min(count), bad);
        let items = parse(post(&messages).as_bytes()).unwrap();
        let read = items.iter().filter(|item| matches!(&item.kind,
            ItemKind::Message(message) if message.wamid.as_str().starts_with('w'))).count();
        prop_assert_eq!(read, count);
        prop_assert_eq!(items.len(), count + 1);
    }

    #[test]
    fn one_bad_entry_costs_none_of_the_others(count in 1_usize..6, at in 0_usize..6,
        bad in anything()) {
        let one: Value = serde_json::from_str(&post(&[message("w")])).unwrap();
        let mut entries = vec![one["entry"][0].clone(); count];
        entries.insert(at.min(count), bad);
        let body = json!({"entry": entries, "object": "whatsapp_business_account"});
        let items = parse(body.to_string().as_bytes()).unwrap();
        let read = items.iter().filter(|item| matches!(item.kind, ItemKind::Message(_))).count();
        prop_assert_eq!(read, count);
        prop_assert_eq!(items.len(), count + 1);
    }
}

#[test]
fn an_app_was_not_subscribed_to_what_the_inbox_acts_on() {
    let fields: BTreeSet<&str> = super::fields().collect();
    for field in [
        "messages",
        "smb_message_echoes",
        "message_template_components_update",
        "user_id_update",
        "business_username_update",
    ] {
        assert!(fields.contains(field), "{field}");
    }
    for field in fields {
        let change = json!({ "field": field, "value": {} });
        let body = json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "time": 1, "changes": [change] }] });
        let items = parse(body.to_string().as_bytes()).unwrap();
        let is_known = |item: &Item| !matches!(&item.kind, ItemKind::Unknown { reason } if reason.contains("is not known"));
        assert!(items.iter().all(is_known), "{field}: {items:?}");
    }
}
