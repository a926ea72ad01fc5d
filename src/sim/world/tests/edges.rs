//! The edges beside sending: what a number knows of itself and of people, its history, its limits, and numbers
//! that belong together.

use serde_json::{Value, json};

use super::office::{ask, ask_at};
use super::{OPEN, T0, accepted, hours, kim, run, statuses, text, value, world, world_with};
use crate::domain::time::Timestamp;
use crate::sim::{Fault, Method, PostOutcome, Scenario, World, WorldConfig};

const DONE: fn() -> Value = || json!({ "success": true });

fn code(answer: &Value) -> &Value {
    &answer["error"]["code"]
}

#[test]
fn a_send_bound_to_a_key_fails_once_the_person_has_another_phone() {
    let mut world = world();
    let check = |on: bool| json!({ "user_identity_change": { "enable_identity_key_check": on } });
    world.say("Ana", "oi", T0).unwrap();
    assert!(value(&run(&mut world, T0)[0].1)["contacts"][0].get("identity_key_hash").is_none());
    assert_eq!(ask(&mut world, Method::Post, "NUMBER/settings", &check(true)), DONE());
    world.say("Ana", "oi", T0).unwrap();
    let told = run(&mut world, T0);
    let hash = value(&told[0].1)["contacts"][0]["identity_key_hash"].clone();
    let bound = |hash: &Value| {
        let mut body = text("+5511988881234", "x");
        body["recipient_identity_key_hash"] = hash.clone();
        body
    };
    accepted(&mut world, T0, &bound(&hash));
    let later = T0 + hours(1);
    let seen = statuses(&run(&mut world, later));
    assert_eq!(
        (&seen[0].1["status"], &seen[0].1["recipient_identity_key_hash"]),
        (&json!("sent"), &hash)
    );
    world.renew_key("Ana", later).unwrap();
    let told = run(&mut world, later);
    let system = &value(&told[0].1)["messages"][0]["system"];
    assert_eq!(system["type"], "customer_identity_changed");
    assert_ne!(system["identity"]["hash"], hash);
    accepted(&mut world, later, &bound(&hash));
    let seen = statuses(&run(&mut world, later + hours(1)));
    assert_eq!(seen[0].1["errors"][0]["code"], 137_000);
    for wrong in [
        json!({}),
        json!({ "user_identity_change": {} }),
        json!({ "user_identity_change": { "enable_identity_key_check": "yes" } }),
        json!({ "calling": { "status": "disabled" }, "storage_configuration": { "enabled": false } }),
        json!({ "payload_encryption": { "status": "enabled" } }),
        json!({ "colour": {} }),
    ] {
        let refused = ask(&mut world, Method::Post, "NUMBER/settings", &wrong);
        assert!(refused["error"]["code"].is_u64(), "{wrong}: {refused}");
    }
    let region = json!({ "storage_configuration": { "enabled": true, "region": "br" } });
    assert_eq!(ask(&mut world, Method::Post, "NUMBER/settings", &region), DONE());
    let shown = ask(&mut world, Method::Get, "NUMBER/settings", &Value::Null);
    assert_eq!(shown["storage_configuration"]["data_localization_region"], "br");
    assert_eq!(shown["user_identity_change"]["enable_identity_key_check"], true);
}

#[test]
fn a_number_that_is_forgotten_is_hidden_after_thirty_days_and_known_again_by_a_message_to_it() {
    let mut world = world_with(|config| {
        let mut lea = kim();
        lea.name = "Lea".to_owned();
        lea.number = Some("15551239999".to_owned());
        lea.user_id = "US.77".to_owned();
        lea.username = Some("@lea".to_owned());
        config.people.push(lea);
    });
    let says = |world: &mut World, at: Timestamp| {
        world.say("Lea", "hi", at).unwrap();
        let told = run(world, at);
        let value = value(&told.last().unwrap().1).clone();
        assert_eq!(value["contacts"][0].get("wa_id"), value["messages"][0].get("from"));
        value["messages"][0].get("from").cloned()
    };
    let number = Some(json!("15551239999"));
    assert_eq!(says(&mut world, T0), number);
    let forget = |world: &mut World| {
        ask_at(world, T0, Method::Delete, "NUMBER/contact_book?bsuid=US.77", &Value::Null).value()
    };
    assert_eq!(forget(&mut world), DONE());
    assert_eq!(says(&mut world, T0), number, "it is told while they have just written");
    // Saying something is itself a message with that number, so the silence is looked at by a status.
    let silent = T0 + hours(31 * 24);
    let to_id = json!({ "messaging_product": "whatsapp", "recipient": "US.77", "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } } });
    accepted(&mut world, silent, &to_id);
    let seen = statuses(&run(&mut world, silent + hours(1)));
    assert!(seen[0].1.get("recipient_id").is_none(), "{}", seen[0].1);
    let to_number = json!({ "messaging_product": "whatsapp", "to": "+15551239999", "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } } });
    accepted(&mut world, silent + hours(2), &to_number);
    accepted(&mut world, silent + hours(2), &to_id);
    let seen = statuses(&run(&mut world, silent + hours(3)));
    assert!(seen.iter().all(|(_, status)| status["recipient_id"] == "15551239999"));
    let nobody = ask(&mut world, Method::Delete, "NUMBER/contact_book?bsuid=US.0", &Value::Null);
    assert_eq!(code(&nobody), 100);
}

#[test]
fn a_user_name_is_claimed_told_and_given_up() {
    let mut world = world();
    let claim = |world: &mut World, name: &str| {
        ask(world, Method::Post, "NUMBER/username", &json!({ "username": name }))
    };
    assert_eq!(ask(&mut world, Method::Get, "NUMBER/username", &Value::Null), json!({}));
    let offered = ask(&mut world, Method::Get, "NUMBER/username_suggestions", &Value::Null);
    assert_eq!(
        offered["data"][0]["username_suggestions"],
        json!(["loja_sol", "loja.sol", "lojasol"])
    );
    for name in ["ab", "Loja Sol", "123", ".loja", "loja..sol", "www.loja", "loja.com", ""] {
        assert_eq!(code(&claim(&mut world, name)), 100, "{name:?}");
    }
    assert_eq!(code(&claim(&mut world, "taken_name")), 147_001);
    assert_eq!(claim(&mut world, "Loja_Sol"), json!({ "status": "approved" }));
    let told = run(&mut world, T0);
    assert_eq!(told[0].1["entry"][0]["changes"][0]["field"], "business_username_update");
    assert_eq!(value(&told[0].1)["username"], "loja_sol");
    let shown = ask(&mut world, Method::Get, "NUMBER?fields=username", &Value::Null);
    assert_eq!(shown["username"], "loja_sol");
    assert_eq!(ask(&mut world, Method::Delete, "NUMBER/username", &Value::Null), DONE());
    assert_eq!(value(&run(&mut world, T0)[0].1)["status"], "deleted");
    assert_eq!(code(&ask(&mut world, Method::Delete, "NUMBER/username", &Value::Null)), 100);
}

#[test]
fn the_history_of_a_message_has_its_statuses_and_what_became_of_their_webhooks() {
    let mut world = world();
    let wamid = accepted(&mut world, T0, &text(OPEN, "x"));
    world.fail_next(&Fault::Fail(131_026), 1);
    accepted(&mut world, T0, &text(OPEN, "y"));
    // The first webhook is not taken, the others are.
    let mut first = true;
    let soon = T0 + std::time::Duration::from_secs(30);
    while let Some(due) = world.due().filter(|due| *due <= soon) {
        for post in world.advance(due) {
            let status = if std::mem::take(&mut first) || post.id == 0 { 500 } else { 200 };
            world.webhook_answered(due, post.id, PostOutcome::Answered(status));
        }
    }
    let all = ask(&mut world, Method::Get, "NUMBER/message_history?limit=1", &Value::Null);
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1));
    assert!(all["paging"]["next"].is_string() && all["data"][0].get("events").is_none());
    let edge = format!("NUMBER/message_history?message_id={wamid}&fields=id,message_id,events");
    let edge = edge.replace('+', "%2B").replace("==", "%3D%3D");
    let one = ask_at(&mut world, soon, Method::Get, &edge, &Value::Null).value();
    let events = one["data"][0]["events"]["data"].as_array().unwrap();
    let words: Vec<_> = events.iter().map(|event| event["delivery_status"].clone()).collect();
    assert_eq!(words, ["SENT", "DELIVERED", "READ"]);
    let states: Vec<_> = events.iter().map(|one| one["webhook_update_state"].clone()).collect();
    assert!(states.contains(&json!("DELIVERED")), "{states:?}");
    let id = one["data"][0]["id"].as_str().unwrap().to_owned();
    let read = format!("{id}/events?status_filter=READ");
    let read = ask_at(&mut world, soon, Method::Get, &read, &Value::Null).value();
    assert_eq!(read["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(read["data"][0]["node"]["delivery_status"], "READ");
    let page = ask_at(&mut world, soon, Method::Get, &format!("{id}/events?limit=2"), &Value::Null);
    let page = page.value();
    assert_eq!(page["data"][0]["node"]["delivery_status"], "SENT", "in time's order");
    let after = page["data"][1]["cursor"].as_str().unwrap().replace('=', "%3D");
    let rest = ask(&mut world, Method::Get, &format!("{id}/events?after={after}"), &Value::Null);
    assert_eq!(rest["data"][0]["node"]["delivery_status"], "READ");
    let failed = ask(&mut world, Method::Get, "NUMBER/message_history?fields=events", &Value::Null);
    let failed = &failed["data"][0]["events"]["data"][0];
    assert_eq!(failed["error_description"], "Message undeliverable");
    let unknown =
        ask_at(&mut world, T0, Method::Get, "NUMBER/message_history?message_id=no", &Value::Null);
    assert_eq!((unknown.status, code(&unknown.value())), (422, &json!(100)));
    assert_eq!(code(&ask(&mut world, Method::Get, &format!("{id}0/events"), &Value::Null)), 100);
}

#[test]
fn the_webhooks_of_a_status_are_pending_tried_again_and_given_up() {
    let mut world = world();
    accepted(&mut world, T0, &text("+16505550404", "x"));
    let state = |world: &mut World, at: Timestamp| {
        let edge = "NUMBER/message_history?fields=events";
        let shown = ask_at(world, at, Method::Get, edge, &Value::Null).value();
        shown["data"][0]["events"]["data"][0]["webhook_update_state"].clone()
    };
    let at = world.due().unwrap();
    let posts = world.advance(at);
    assert_eq!(state(&mut world, at), "PENDING");
    world.webhook_answered(at, posts[0].id, PostOutcome::Answered(500));
    assert_eq!(state(&mut world, at), "RETRYING");
    while let Some(due) = world.due() {
        for post in world.advance(due) {
            world.webhook_answered(due, post.id, PostOutcome::Answered(500));
        }
    }
    assert_eq!(state(&mut world, T0 + hours(8 * 24)), "FAILED");
}

#[test]
fn the_headers_tell_how_much_is_used_up_and_too_many_calls_are_refused() {
    let mut world = world();
    let header = |answer: &crate::sim::Response, name: &str| {
        let found = answer.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| serde_json::from_str::<Value>(value).unwrap_or(json!(value)))
    };
    let list = |world: &mut World, at| {
        ask_at(world, at, Method::Get, "WABA/message_templates", &Value::Null)
    };
    let first = list(&mut world, T0);
    assert_eq!(header(&first, "facebook-api-version"), Some(json!("v25.0")));
    let usage = header(&first, "x-business-use-case-usage").unwrap();
    assert_eq!(usage["102290129340398"][0]["call_count"], 0);
    for _ in 1..5_000 {
        assert_eq!(ask_at(&mut world, T0, Method::Get, "NUMBER", &Value::Null).status, 200);
    }
    let refused = list(&mut world, T0 + hours(1).mul_f64(0.5));
    assert_eq!((refused.status, code(&refused.value())), (400, &json!(80_007)));
    let usage =
        header(&refused, "x-business-use-case-usage").unwrap()["102290129340398"][0].clone();
    assert_eq!(
        (&usage["call_count"], &usage["estimated_time_to_regain_access"]),
        (&json!(100), &json!(30))
    );
    // Sending has limits of its own, and so has the app.
    accepted(&mut world, T0 + hours(1).mul_f64(0.5), &text(OPEN, "x"));
    let app = ask_at(&mut world, T0 + hours(1).mul_f64(0.5), Method::Get, "me", &Value::Null);
    assert!(app.status == 200 && header(&app, "x-app-usage").is_some());
    assert_eq!(list(&mut world, T0 + hours(1)).status, 200, "an hour later all are free");
    // An account without a registered number has far fewer.
    assert_eq!(
        ask_at(&mut world, T0 + hours(3), Method::Post, "NUMBER/deregister", &Value::Null).status,
        200
    );
    for _ in 1..200 {
        assert_eq!(list(&mut world, T0 + hours(3)).status, 200);
    }
    assert_eq!(list(&mut world, T0 + hours(3)).status, 400);
}

#[test]
fn templates_are_archived_and_taken_out_again() {
    let mut world = world();
    let all = ask(&mut world, Method::Get, "WABA/message_templates?name=hello_world", &Value::Null);
    let id = all["data"][0]["id"].as_str().unwrap().to_owned();
    let ids = json!({ "hsm_ids": [id, "404"] });
    let away = ask(&mut world, Method::Post, "WABA/message_templates/archive", &ids);
    assert_eq!(away["archived_templates"], json!([id]));
    assert!(away["failed_templates"]["404"].is_string());
    assert_eq!(value(&run(&mut world, T0)[0].1)["event"], "ARCHIVED");
    let hello = json!({ "messaging_product": "whatsapp", "to": OPEN, "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } } });
    assert_eq!(code(&super::post(&mut world, T0, &hello).value()), 132_001);
    let back = ask(&mut world, Method::Post, "WABA/message_templates/unarchive", &ids);
    assert_eq!(back["unarchived_templates"], json!([id]));
    accepted(&mut world, T0, &hello);
    let none = ask(&mut world, Method::Post, "WABA/message_templates/archive", &json!({}));
    assert_eq!(code(&none), 100);
}

/// Two numbers of one account, and one of another.
fn three_numbers() -> World {
    let scenario = Scenario::parse(
        "[[account]]\nname = \"Loja Sol\"\nwaba_id = \"10\"\nphone_number_id = \"1\"\n\
         [[account]]\nname = \"Loja Lua\"\nwaba_id = \"10\"\nphone_number_id = \"2\"\n\
         [[account]]\nname = \"Loja Mar\"\nwaba_id = \"30\"\nphone_number_id = \"3\"\n",
    );
    World::new(7, scenario.unwrap().world(&WorldConfig::default()).unwrap())
}

#[test]
fn the_numbers_of_an_account_are_listed_and_share_its_templates_and_subscription() {
    let mut world = three_numbers();
    let numbers = ask(&mut world, Method::Get, "10/phone_numbers", &Value::Null);
    let ids: Vec<_> =
        numbers["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["1", "2"]);
    let first = ask(&mut world, Method::Get, "10/phone_numbers?limit=1", &Value::Null);
    let after = first["paging"]["cursors"]["after"].as_str().unwrap().replace('=', "%3D");
    let next =
        ask(&mut world, Method::Get, &format!("10/phone_numbers?after={after}"), &Value::Null);
    assert_eq!(next["data"][0]["verified_name"], "Loja Lua");
    // A template of the account is sent from both, a subscription that ends is both's.
    let components = json!([{ "type": "BODY", "text": "Welcome to our shop." }]);
    let new = json!({ "name": "welcome", "language": "en_US", "category": "UTILITY",
        "components": components });
    assert!(ask(&mut world, Method::Post, "10/message_templates", &new)["id"].is_string());
    let send = json!({ "messaging_product": "whatsapp", "to": OPEN, "type": "template",
        "template": { "name": "welcome", "language": { "code": "en_US" } } });
    let later = T0 + hours(1);
    let from = |world: &mut World, number: &str| {
        ask_at(world, later, Method::Post, &format!("{number}/messages"), &send).status
    };
    run(&mut world, later);
    assert_eq!((from(&mut world, "1"), from(&mut world, "2")), (200, 200));
    run(&mut world, later + hours(1));
    assert_eq!(
        ask_at(&mut world, later + hours(1), Method::Delete, "10/subscribed_apps", &Value::Null)
            .status,
        200
    );
    let other = world.account("2").unwrap();
    other.say(OPEN, "hi", later + hours(1)).unwrap();
    assert!(run(&mut world, later + hours(1)).is_empty(), "nobody is subscribed");
}

#[test]
fn a_user_name_moves_between_the_numbers_of_a_business_and_no_further() {
    let mut world = three_numbers();
    let token = "simulator-token-3";
    let name = |action: &str| json!({ "username": "loja", "transfer_action": action });
    assert_eq!(ask(&mut world, Method::Post, "1/username", &name("none"))["status"], "approved");
    assert_eq!(code(&ask(&mut world, Method::Post, "2/username", &name("none"))), 147_005);
    let foreign = crate::sim::Request::new(
        Method::Post,
        "/v25.0/3/username",
        name("force_transfer").to_string(),
    )
    .with_header("Authorization", format!("Bearer {token}"));
    assert_eq!(code(&world.handle(T0, &foreign).value()), 147_001);
    assert_eq!(
        ask(&mut world, Method::Post, "2/username", &name("force_transfer"))["status"],
        "approved"
    );
    assert_eq!(ask(&mut world, Method::Get, "1/username", &Value::Null), json!({}));
    assert_eq!(ask(&mut world, Method::Get, "2/username", &Value::Null)["username"], "loja");
}
