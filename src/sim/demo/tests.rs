use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{config, history, world};
use crate::domain::time::Timestamp;
use crate::sim::{Method, PostOutcome, Request};

const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);

/// Every message, echo and status of the past with the field it came in.
fn entries(bodies: &[Value]) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for change in bodies.iter().flat_map(|body| body["entry"][0]["changes"].as_array().unwrap()) {
        for list in ["messages", "message_echoes", "statuses"] {
            for entry in change["value"][list].as_array().into_iter().flatten() {
                all.push((list, entry.clone()));
            }
        }
    }
    all
}

#[test]
fn the_past_covers_what_an_inbox_must_show() {
    let bodies = history(NOW, &config());
    assert!(bodies.len() >= 12);
    let all = entries(&bodies);
    let kinds: BTreeSet<_> = all.iter().map(|(_, entry)| entry["type"].to_string()).collect();
    for kind in [
        "text",
        "image",
        "audio",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "order",
        "unsupported",
        "event_invite",
    ] {
        assert!(kinds.contains(&format!("\"{kind}\"")), "{kind}");
    }
    let codes: BTreeSet<_> =
        all.iter().filter_map(|(_, e)| e["errors"][0]["code"].as_u64()).collect();
    assert!(codes.is_superset(&[131_026, 131_047, 131_051].into()));
    assert!(all.iter().any(|(list, entry)| *list == "messages" && entry.get("from").is_none()));
    assert!(all.iter().any(|(_, entry)| entry["context"]["id"].is_string()));
    for (list, entry) in &all {
        assert!(!entry["id"].is_null());
        if entry["type"] == "reaction" {
            assert!(entry["reaction"]["message_id"].is_string(), "{list} {entry}");
        }
        if ["location", "contacts", "order", "event_invite"]
            .map(Value::from)
            .contains(&entry["type"])
        {
            assert!(!entry[entry["type"].as_str().unwrap()].is_null(), "{entry}");
        }
    }
}

#[test]
fn the_past_is_past_and_in_order() {
    for body in history(NOW, &config()) {
        let all = entries(std::slice::from_ref(&body));
        let times = all
            .iter()
            .filter(|(list, _)| *list != "statuses")
            .map(|(_, entry)| entry["timestamp"].as_str().unwrap().parse::<i64>().unwrap());
        let times: Vec<i64> = times.collect();
        assert!(times.is_sorted());
        assert!(times.iter().all(|at| *at < NOW.millis() / 1000));
        assert!(times.iter().all(|at| *at > NOW.millis() / 1000 - 10 * 24 * 3600));
    }
}

#[test]
fn the_past_is_the_same_for_the_same_time() {
    assert_eq!(history(NOW, &config()), history(NOW, &config()));
}

#[test]
fn names_of_the_scripts_are_those_of_the_cast() {
    assert_eq!(history(NOW, &config()).len(), super::SCRIPTS.len());
    let people = config().people;
    let ids: BTreeSet<_> = people.iter().map(|one| one.user_id.clone()).collect();
    assert_eq!(ids.len(), people.len());
}

#[test]
fn the_world_remembers_its_past() {
    let mut world = world(1, NOW);
    let mut posts = 0;
    while world.webhooks_waiting() > 0 {
        for post in world.advance(NOW) {
            assert!(post.body.len() < 100_000);
            world.webhook_answered(NOW, post.id, PostOutcome::Answered(200));
            posts += 1;
        }
    }
    assert_eq!(posts, super::SCRIPTS.len());
    let all = entries(&history(NOW, &config()));
    let ask = |world: &mut crate::sim::World, method, path: &str, body: &Value| {
        let request = Request::new(method, path, body.to_string())
            .with_header("Authorization", "Bearer simulator-token");
        world.handle(NOW, &request)
    };
    let path = format!("/v25.0/{}/messages", world.config().phone_number_id);
    let mut files = 0;
    for (list, entry) in all {
        let at = entry["timestamp"].as_str().unwrap().parse::<i64>().unwrap();
        if list == "messages" {
            let mark = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": entry["id"] });
            assert_eq!(ask(&mut world, Method::Post, &path, &mark).status, 200);
        }
        let file = &entry[entry["type"].as_str().unwrap_or("text")]["id"];
        if let Some(id) = file.as_str() {
            files += 1;
            let fresh = at > NOW.millis() / 1000 - 7 * 24 * 3600;
            let status = ask(&mut world, Method::Get, &format!("/v25.0/{id}"), &Value::Null).status;
            assert_eq!(status == 200, fresh, "{entry}");
        }
    }
    assert!(files >= 8);
    // Ana has just written, Elisa days ago.
    for (to, expected) in [("+5511988881234", "sent"), ("+554199990005", "failed")] {
        let send = json!({ "messaging_product": "whatsapp", "to": to, "text": { "body": "oi" } });
        assert_eq!(ask(&mut world, Method::Post, &path, &send).status, 200);
        let posts = world.advance(NOW + Duration::from_secs(1));
        let bodies: Vec<Value> =
            posts.iter().map(|post| serde_json::from_slice(&post.body).unwrap()).collect();
        let (_, status) =
            entries(&bodies).into_iter().find(|(list, _)| *list == "statuses").unwrap();
        assert_eq!(status["status"], expected);
        for post in posts {
            world.webhook_answered(NOW, post.id, PostOutcome::Answered(200));
        }
    }
}
