//! Every rule a send is checked by, with the code it is refused with.

use serde_json::{Value, json};

use super::{OPEN, T0, post, request, text, world, world_with};
use crate::sim::{Method, Strangers};

fn of(kind: &str, body: Value) -> Value {
    let mut send = json!({ "messaging_product": "whatsapp", "to": OPEN, "type": kind });
    send[kind] = body;
    send
}

#[expect(clippy::needless_pass_by_value, reason = "every caller makes it in place")]
fn interactive(kind: &str, action: Value) -> Value {
    of("interactive", json!({ "type": kind, "body": { "text": "b" }, "action": action }))
}

fn with(mut send: Value, pointer: &str, value: Value) -> Value {
    if let Some(place) = send.pointer_mut(pointer) {
        *place = value;
    } else {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        send.pointer_mut(parent).unwrap()[key] = value;
    }
    send
}

fn buttons(count: usize) -> Value {
    let button = |n| json!({ "type": "reply", "reply": { "id": n, "title": format!("t{n}") } });
    json!({ "buttons": (0..count).map(|n| button(n.to_string())).collect::<Vec<_>>() })
}

fn list(sections: usize, rows: usize) -> Value {
    let row = |s, r| json!({ "id": format!("{s}.{r}"), "title": "row", "description": "d" });
    let section = |s| {
        let rows: Vec<Value> = (0..rows).map(|r| row(s, r)).collect();
        json!({ "title": format!("section {s}"), "rows": rows })
    };
    json!({ "button": "Choose", "sections": (0..sections).map(section).collect::<Vec<_>>() })
}

fn products(count: usize) -> Value {
    let items: Vec<Value> =
        (0..count).map(|n| json!({ "product_retailer_id": n.to_string() })).collect();
    json!({ "catalog_id": "c", "sections": [{ "title": "s", "product_items": items }] })
}

fn product_list(count: usize) -> Value {
    let send = interactive("product_list", products(count));
    with(send, "/interactive/header", json!({ "type": "text", "text": "h" }))
}

fn link() -> Value {
    json!({ "name": "cta_url", "parameters": { "display_text": "Open", "url": "https://x.example" } })
}

fn carousel(count: usize) -> Value {
    let card = |n: usize| {
        json!({
            "card_index": n, "type": "cta_url", "body": { "text": "c" }, "action": link(),
            "header": { "type": "image", "image": { "link": "https://x.example/i.png" } },
        })
    };
    interactive("carousel", json!({ "cards": (0..count).map(card).collect::<Vec<_>>() }))
}

fn flow(parameters: &Value) -> Value {
    interactive("flow", json!({ "name": "flow", "parameters": parameters }))
}

fn template(name: &str, language: &str, parameters: &[Value]) -> Value {
    let components = json!([{ "type": "body", "parameters": parameters }]);
    let body = json!({ "name": name, "language": { "code": language }, "components": components });
    of("template", body)
}

fn contact(contact: &Value) -> Value {
    of("contacts", json!([contact]))
}

#[test]
fn everything_documented_is_taken() {
    let ana = json!({ "type": "text", "text": "Ana" });
    let contact_name = json!({ "formatted_name": "Lu", "first_name": "Lu" });
    let phones = json!([{ "phone": "+1", "type": "HOME", "wa_id": "1" }]);
    let sends = [
        text(OPEN, &"x".repeat(4_096)),
        with(text(OPEN, "x"), "/text/preview_url", json!(true)),
        with(text(OPEN, "x"), "/context", json!({ "message_id": "wamid.X" })),
        with(text(OPEN, "x"), "/biz_opaque_callback_data", json!("x".repeat(512))),
        with(text(OPEN, "x"), "/recipient_type", json!("individual")),
        with(text(OPEN, "x"), "/messaging_account_id", json!("1")),
        of("image", json!({ "link": "https://x.example/a.png", "caption": "x".repeat(1_024) })),
        of("video", json!({ "link": "http://x.example/a.mp4" })),
        of("audio", json!({ "link": "https://x.example/a.ogg", "voice": true })),
        of("document", json!({ "link": "https://x.example/a.pdf", "filename": "a.pdf" })),
        of("sticker", json!({ "link": "https://x.example/a.webp" })),
        of(
            "location",
            json!({ "latitude": "37.44", "longitude": -122.16, "name": "n", "address": "a" }),
        ),
        contact(&json!({ "name": contact_name, "phones": phones, "birthday": "2012-08-18" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "👨‍👩‍👧‍👦" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "❤️" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "🇧🇷" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "3️⃣" })),
        of("reaction", json!({ "message_id": "wamid.X", "emoji": "👍🏽" })),
        interactive("button", buttons(3)),
        with(interactive("button", buttons(1)), "/interactive/footer", json!({ "text": "f" })),
        interactive("list", list(2, 5)),
        with(interactive("list", list(1, 1)), "/interactive/body/text", json!("x".repeat(4_096))),
        interactive("cta_url", link()),
        interactive("location_request_message", json!({ "name": "send_location" })),
        interactive("request_contact_info", json!({ "name": "request_contact_info" })),
        flow(
            &json!({ "flow_message_version": "3", "flow_id": "1", "flow_cta": "Go", "mode": "draft" }),
        ),
        interactive("product", json!({ "catalog_id": "c", "product_retailer_id": "p" })),
        product_list(30),
        interactive("catalog_message", json!({ "name": "catalog_message" })),
        carousel(10),
        interactive("address_message", json!({ "name": "address_message", "parameters": {} })),
        interactive("call_permission_request", json!({ "name": "call_permission_request" })),
        interactive("voice_call", json!({ "name": "voice_call" })),
        interactive("order_details", json!({ "name": "review_and_pay", "parameters": {} })),
        interactive("order_status", json!({ "name": "review_order", "parameters": {} })),
        of("template", json!({ "name": "hello_world", "language": { "code": "en_US" } })),
        template("boas_vindas", "pt_BR", &[ana]),
    ];
    for send in &sends {
        let answer = post(&mut world(), T0, send);
        assert_eq!(answer.status, 200, "{send}\n{}", answer.value());
    }
}

/// Envelope and plain bodies.
fn plain_rules() -> Vec<(u32, Value)> {
    let send = || text(OPEN, "x");
    let long = |count| json!("x".repeat(count));
    vec![
        (100, json!([])),
        (100, json!({})),
        (100, with(send(), "/messaging_product", json!("telegram"))),
        (100, with(send(), "/to", json!(""))),
        (100, with(send(), "/to", json!(5511))),
        (131_009, with(send(), "/to", json!("ana"))),
        (131_009, with(send(), "/to", json!("+12"))),
        (
            131_009,
            json!({ "messaging_product": "whatsapp", "recipient": "US.1", "text": { "body": "x" } }),
        ),
        (131_021, with(send(), "/to", json!("+55 11 5550-0199"))),
        (131_041, with(send(), "/recipient_type", json!("group"))),
        (100, with(send(), "/recipient_type", json!("crowd"))),
        (100, with(send(), "/type", json!("poll"))),
        (100, with(send(), "/ttl", json!(60))),
        (100, with(send(), "/biz_opaque_callback_data", long(513))),
        (131_008, with(send(), "/context", json!({}))),
        (131_008, with(send(), "/text", Value::Null)),
        (100, with(send(), "/text", json!("x"))),
        (131_008, with(send(), "/text/body", Value::Null)),
        (131_008, with(send(), "/text/body", json!(" \n"))),
        (100, with(send(), "/text/body", json!(7))),
        (100, with(send(), "/text/body", long(4_097))),
        (100, with(send(), "/text/preview_url", json!("yes"))),
        (100, with(send(), "/text/bodi", json!("x"))),
        (131_008, of("image", json!({}))),
        (131_009, of("image", json!({ "id": "1", "link": "https://x.example" }))),
        (131_009, of("image", json!({ "id": "404" }))),
        (100, of("image", json!({ "link": "ftp://x.example" }))),
        (100, of("image", json!({ "link": "https://x.example", "caption": "x".repeat(1_025) }))),
        (100, of("image", json!({ "link": "https://x.example", "filename": "a.png" }))),
        (100, of("audio", json!({ "link": "https://x.example", "caption": "c" }))),
        (131_008, of("location", json!({ "latitude": 1 }))),
        (131_009, of("location", json!({ "latitude": 91, "longitude": 0 }))),
        (131_009, of("location", json!({ "latitude": 0, "longitude": "-181" }))),
        (100, of("location", json!({ "latitude": "north", "longitude": 0 }))),
        (131_009, of("contacts", json!([]))),
        (100, of("contacts", json!({}))),
        (131_008, contact(&json!({ "name": { "first_name": "Lu" } }))),
        (
            131_009,
            contact(&json!({ "name": { "formatted_name": "Lu" }, "birthday": "18.08.2012" })),
        ),
        (131_009, of("contacts", json!(vec![json!({ "name": { "formatted_name": "L" } }); 258]))),
        (131_008, of("reaction", json!({ "emoji": "👍" }))),
        (131_008, of("reaction", json!({ "message_id": "wamid.X" }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "ok" }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "3" }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "12" }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "👍👍👍" }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "👍 " }))),
        (131_009, of("reaction", json!({ "message_id": "wamid.X", "emoji": "🇧" }))),
        (
            100,
            with(
                of("reaction", json!({ "message_id": "wamid.X", "emoji": "👍" })),
                "/context",
                json!({ "message_id": "wamid.X" }),
            ),
        ),
    ]
}

/// Interactive bodies of every type.
fn interactive_rules() -> Vec<(u32, Value)> {
    let long = |count: usize| json!("x".repeat(count));
    let button = || interactive("button", buttons(2));
    let footer = json!({ "text": "f", "bold": true });
    let location = json!({ "name": "send_location", "foo": 1 });
    let product = json!({ "catalog_id": "c", "product_retailer_id": "p", "foo": 1 });
    let item = "/interactive/action/sections/0/product_items/0/foo";
    vec![
        (100, with(button(), "/interactive/body/txet", json!("b"))),
        (100, with(button(), "/interactive/footer", footer)),
        (100, interactive("location_request_message", location)),
        (100, interactive("product", product)),
        (100, with(product_list(1), item, json!(1))),
        (100, with(carousel(2), "/interactive/action/cards/0/junk", json!(1))),
        (100, with(carousel(2), "/interactive/action/cards/0/body/junk", json!(1))),
        (100, with(carousel(2), "/interactive/action/cards/0/header/junk", json!(1))),
        (100, with(interactive("cta_url", link()), "/interactive/action/foo", json!(1))),
        (
            100,
            flow(&json!({ "flow_message_version": "3", "flow_id": "1", "flow_cta": "Go", "x": 1 })),
        ),
        (100, interactive("quiz", json!({}))),
        (131_008, with(button(), "/interactive/action", Value::Null)),
        (131_008, with(button(), "/interactive/body", Value::Null)),
        (131_009, with(button(), "/interactive/body/text", long(1_025))),
        (131_009, with(button(), "/interactive/footer", json!({ "text": "x".repeat(61) }))),
        (
            131_009,
            with(
                button(),
                "/interactive/header",
                json!({ "type": "text", "text": "x".repeat(61) }),
            ),
        ),
        (100, with(button(), "/interactive/header", json!({ "type": "audio" }))),
        (131_009, interactive("button", buttons(0))),
        (131_009, interactive("button", buttons(4))),
        (131_009, with(button(), "/interactive/action/buttons/0/reply/title", long(21))),
        (131_009, with(button(), "/interactive/action/buttons/0/reply/id", long(257))),
        (131_009, with(button(), "/interactive/action/buttons/1/reply/title", json!("t0"))),
        (131_009, with(button(), "/interactive/action/buttons/1/reply/id", json!("0"))),
        (100, with(button(), "/interactive/action/buttons/0/type", json!("url"))),
    ]
}

fn list_rules() -> Vec<(u32, Value)> {
    let long = |count: usize| json!("x".repeat(count));
    vec![
        (131_009, interactive("list", list(11, 1))),
        (131_009, interactive("list", list(2, 6))),
        (131_009, with(interactive("list", list(1, 1)), "/interactive/action/button", long(21))),
        (
            131_008,
            with(
                interactive("list", list(2, 1)),
                "/interactive/action/sections/0/title",
                Value::Null,
            ),
        ),
        (
            131_009,
            with(interactive("list", list(1, 1)), "/interactive/action/sections/0/title", long(25)),
        ),
        (
            131_009,
            with(
                interactive("list", list(1, 1)),
                "/interactive/action/sections/0/rows/0/title",
                long(25),
            ),
        ),
        (
            131_009,
            with(
                interactive("list", list(1, 1)),
                "/interactive/action/sections/0/rows/0/id",
                long(201),
            ),
        ),
        (
            131_009,
            with(
                interactive("list", list(1, 1)),
                "/interactive/action/sections/0/rows/0/description",
                long(73),
            ),
        ),
        (131_009, with(interactive("list", list(1, 1)), "/interactive/body/text", long(4_097))),
        (
            100,
            with(
                interactive("list", list(1, 1)),
                "/interactive/header",
                json!({ "type": "image" }),
            ),
        ),
        (
            131_009,
            with(
                interactive("cta_url", link()),
                "/interactive/action/parameters/display_text",
                long(21),
            ),
        ),
        (
            100,
            with(interactive("cta_url", link()), "/interactive/action/parameters/url", json!("x")),
        ),
    ]
}

/// The types whose action has a fixed name, products, flows and carousels.
fn action_rules() -> Vec<(u32, Value)> {
    let header = json!({ "type": "text", "text": "h" });
    let flow_both =
        json!({ "flow_message_version": "3", "flow_id": "1", "flow_name": "n", "flow_cta": "Go" });
    vec![
        (100, interactive("location_request_message", json!({ "name": "location" }))),
        (
            131_009,
            with(
                interactive("location_request_message", json!({ "name": "send_location" })),
                "/interactive/header",
                header.clone(),
            ),
        ),
        (100, interactive("request_contact_info", json!({ "name": "contact_request" }))),
        (131_009, flow(&flow_both)),
        (131_008, flow(&json!({ "flow_id": "1", "flow_cta": "Go" }))),
        (131_008, interactive("product", json!({ "catalog_id": "c" }))),
        (
            131_009,
            with(
                interactive("product", json!({ "catalog_id": "c", "product_retailer_id": "p" })),
                "/interactive/header",
                header,
            ),
        ),
        (131_008, with(product_list(1), "/interactive/header", Value::Null)),
        (131_009, product_list(31)),
        (100, interactive("catalog_message", json!({ "name": "catalog" }))),
        (131_009, carousel(1)),
        (131_009, carousel(11)),
        (131_009, with(carousel(2), "/interactive/action/cards/1/card_index", json!(5))),
        (
            131_009,
            with(carousel(2), "/interactive/action/cards/0/body/text", json!("x".repeat(161))),
        ),
        (131_008, interactive("order_details", json!({ "name": "review_and_pay" }))),
    ]
}

#[test]
fn every_rule_has_its_code() {
    let mut rules = plain_rules();
    rules.extend(interactive_rules());
    rules.extend(list_rules());
    rules.extend(action_rules());
    for (code, send) in rules {
        let mut world = world();
        let answer = post(&mut world, T0, &send);
        let error = &answer.value()["error"];
        assert_eq!(error["code"], code, "{send}\n{error}");
        assert_ne!(answer.status, 200);
        assert!(error["fbtrace_id"].is_string());
        if code != 100 {
            assert_eq!(error["error_data"]["messaging_product"], "whatsapp");
            assert!(error["message"].as_str().unwrap().starts_with(&format!("(#{code}) ")));
        }
        assert_eq!(world.counts().accepted, 0);
        assert_eq!(world.refused().front().unwrap().code, code);
        assert_eq!(world.due(), None, "a refused send leaves no trace");
    }
}

#[test]
fn tokens_versions_and_objects() {
    let mut world = world();
    let number = world.config().phone_number_id.clone();
    let path = format!("/v25.0/{number}");
    let ask = |world: &mut super::World, token: Option<&str>, path: &str| {
        let mut request = crate::sim::Request::new(Method::Get, path, Vec::new());
        if let Some(token) = token {
            request = request.with_header("authorization", format!("Bearer {token}"));
        }
        let answer = world.handle(T0, &request);
        let error = answer.value()["error"].clone();
        (answer.status, error["code"].as_u64(), error["error_subcode"].as_u64())
    };
    let good = world.config().token.clone();
    assert_eq!(ask(&mut world, None, &path), (401, Some(104), None));
    assert_eq!(ask(&mut world, Some("nope"), &path), (401, Some(190), None));
    assert_eq!(ask(&mut world, Some(&good), &path), (200, None, None));
    assert_eq!(ask(&mut world, Some(&good), &format!("/{number}")), (200, None, None));
    assert_eq!(ask(&mut world, Some(&good), &format!("/v9.0/{number}")), (400, Some(2_635), None));
    assert_eq!(ask(&mut world, Some(&good), "/v25.0/1"), (400, Some(100), Some(33)));
    assert_eq!(ask(&mut world, Some(&good), &format!("{path}/nothing")), (400, Some(2_500), None));
    assert_eq!(
        ask(&mut world, Some(&good), &format!("{path}?fields=nothing")),
        (400, Some(100), None)
    );
    world.expire_token(true);
    assert_eq!(ask(&mut world, Some(&good), &path), (401, Some(190), Some(463)));
}

#[test]
fn the_number_tells_what_is_asked() {
    let mut world = world();
    let number = world.config().phone_number_id.clone();
    let waba = world.config().waba_id.clone();
    let mut get = |path: String| {
        let request = request(&world, Method::Get, &path, &Value::Null);
        world.handle(T0, &request).value()
    };
    let usual = get(format!("/v25.0/{number}"));
    assert_eq!(usual["display_phone_number"], "+55 11 5550-0199");
    assert_eq!(usual["throughput"]["level"], "STANDARD");
    assert_eq!(usual["account_mode"], Value::Null);
    let narrow = get(format!("/v25.0/{number}?fields=verified_name%2Caccount_mode"));
    assert_eq!(
        narrow,
        json!({ "id": number, "verified_name": "Loja Sol", "account_mode": "LIVE" })
    );
    assert_eq!(get(format!("/v25.0/{waba}/phone_numbers"))["data"][0]["id"], number.as_str());
    let token = get("/v25.0/debug_token?input_token=simulator-token".to_owned());
    assert_eq!(token["data"]["is_valid"], true);
    let token = get("/v25.0/debug_token?input_token=other".to_owned());
    assert_eq!(token["data"]["is_valid"], false);
}

#[test]
fn throttles_answer_their_own_codes() {
    let mut world = world_with(|config| config.strangers = Strangers::WindowOpen);
    for n in 0..80 {
        let answer = post(&mut world, T0, &text(&format!("+1650555{n:04}"), "x"));
        assert_eq!(answer.status, 200);
    }
    let answer = post(&mut world, T0 + std::time::Duration::from_millis(999), &text(OPEN, "x"));
    assert_eq!((answer.status, answer.value()["error"]["code"].as_u64()), (400, Some(130_429)));
    let answer = post(&mut world, T0 + std::time::Duration::from_secs(1), &text(OPEN, "x"));
    assert_eq!(answer.status, 200);
    assert_eq!(world.max_in_any_second(), 81);

    let mut world = super::world();
    for _ in 0..45 {
        super::accepted(&mut world, T0, &text(OPEN, "x"));
    }
    let answer = post(&mut world, T0, &text(OPEN, "x"));
    assert_eq!((answer.status, answer.value()["error"]["code"].as_u64()), (400, Some(131_056)));
    assert_eq!(post(&mut world, T0, &text("+15551230002", "x")).status, 200);
}
