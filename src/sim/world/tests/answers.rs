//! What personas do.

use std::time::Duration;

use serde_json::{Value, json};

use super::{T0, accepted, hours, run, text, value, world, world_with};
use crate::domain::time::Timestamp;

const ANA: &str = "+5511988881234";

fn inbound(seen: &[(Timestamp, Value)]) -> Vec<(Timestamp, Value)> {
    let messages = seen.iter().filter_map(|(at, body)| {
        let message = value(body)["messages"].get(0)?;
        Some((*at, message.clone()))
    });
    messages.collect()
}

#[test]
fn a_persona_answers_after_reading() {
    let mut world = world();
    accepted(&mut world, T0, &text(ANA, "Oi Ana, chegou?"));
    let seen = run(&mut world, T0 + hours(1));
    let read_at =
        seen.iter().find(|(_, body)| value(body)["statuses"][0]["status"] == "read").unwrap().0;
    let answers = inbound(&seen);
    assert!(!answers.is_empty());
    for (at, message) in &answers {
        assert!(*at > read_at);
        assert_eq!(message["from"], "5511988881234");
        assert_eq!(message["from_user_id"], "BR.13491208655302741918");
    }
}

#[test]
fn several_messages_get_one_answer() {
    let mut world = world();
    for n in 0..3 {
        accepted(&mut world, T0 + Duration::from_millis(n * 200), &text(ANA, "mais uma coisa"));
    }
    let seen = run(&mut world, T0 + hours(1));
    let senders: std::collections::BTreeSet<_> = inbound(&seen).iter().map(|(at, _)| *at).collect();
    assert_eq!(senders.len(), 1, "one answer, be it of two parts");
}

#[test]
fn buttons_are_tapped() {
    let mut world = world();
    let send = json!({
        "messaging_product": "whatsapp", "to": ANA, "type": "interactive",
        "interactive": { "type": "button", "body": { "text": "Confirma?" }, "action": { "buttons": [
            { "type": "reply", "reply": { "id": "yes", "title": "Sim" } }] } },
    });
    let wamid = accepted(&mut world, T0, &send);
    let answers = inbound(&run(&mut world, T0 + hours(1)));
    let tap = &answers[0].1;
    assert_eq!(tap["context"], json!({ "from": "551155500199", "id": wamid }));
    let reply = json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": "Sim" } });
    assert_eq!(tap["interactive"], reply);
}

#[test]
fn people_write_by_themselves_when_asked_to() {
    let every = Some((Duration::from_secs(60), Duration::from_secs(120)));
    let mut world = world_with(|config| config.unprompted_every = every);
    assert!(world.advance(T0).is_empty());
    let seen = run(&mut world, T0 + Duration::from_secs(600));
    let count = inbound(&seen).len();
    assert!((5..=10).contains(&count), "{count}");
}

#[test]
fn answers_vary() {
    let mut world = world();
    let mut seen = Vec::new();
    for n in 0..20 {
        let now = T0 + Duration::from_secs(n * 120);
        accepted(&mut world, now, &text(ANA, "certo"));
        seen.extend(run(&mut world, now + Duration::from_secs(119)));
    }
    let answers = inbound(&seen);
    let kinds: std::collections::BTreeSet<_> =
        answers.iter().map(|(_, message)| message["type"].to_string()).collect();
    let texts: std::collections::BTreeSet<_> =
        answers.iter().map(|(_, message)| message["text"]["body"].to_string()).collect();
    assert!(kinds.len() >= 3, "{kinds:?}");
    assert!(texts.len() >= 5, "{texts:?}");
}
