//! The edges of the number, the account and the app, and several accounts side by side.

use serde_json::{Value, json};

use super::{OPEN, T0, accepted, hours, post, request, run, text, value, world, world_with};
use crate::domain::time::Timestamp;
use crate::sim::{
    Fault, Method, NumberChange, PostOutcome, Quality, Request, Response, World, WorldConfig,
    signature,
};

pub(super) fn ask(world: &mut World, method: Method, path: &str, body: &Value) -> Value {
    ask_at(world, T0, method, path, body).value()
}

pub(super) fn ask_at(
    world: &mut World,
    now: Timestamp,
    method: Method,
    path: &str,
    body: &Value,
) -> Response {
    let config = world.config();
    let path = path
        .replace("NUMBER", &config.phone_number_id)
        .replace("WABA", &config.waba_id)
        .replace("APP", &config.app_id);
    let request = request(world, method, &format!("/v25.0/{path}"), body);
    world.handle(now, &request)
}

fn with_token(world: &mut World, method: Method, path: &str, token: &str) -> Value {
    let request = Request::new(method, path, Vec::new())
        .with_header("Authorization", format!("Bearer {token}"));
    world.handle(T0, &request).value()
}

fn app_token(world: &World) -> String {
    format!("{}|{}", world.config().app_id, world.config().app_secret)
}

const DONE: fn() -> Value = || json!({ "success": true });

#[test]
fn a_number_is_deregistered_and_registered_with_its_pin() {
    let mut world = world();
    let product = |pin: &str| json!({ "messaging_product": "whatsapp", "pin": pin });
    assert_eq!(
        ask(&mut world, Method::Post, "NUMBER", &json!({ "pin": "12345" }))["error"]["code"],
        100
    );
    assert_eq!(ask(&mut world, Method::Post, "NUMBER", &json!({ "pin": "654321" })), DONE());
    assert_eq!(value(&run(&mut world, T0)[0].1)["event"], "PIN_CHANGED");
    assert_eq!(ask(&mut world, Method::Post, "NUMBER/deregister", &Value::Null), DONE());
    assert_eq!(post(&mut world, T0, &text(OPEN, "x")).value()["error"]["code"], 133_010);
    let health = ask(
        &mut world,
        Method::Get,
        "NUMBER?fields=health_status,status,is_pin_enabled",
        &Value::Null,
    );
    assert_eq!(health["health_status"]["can_send_message"], "BLOCKED");
    assert_eq!((&health["status"], &health["is_pin_enabled"]), (&json!("PENDING"), &json!(true)));
    assert_eq!(
        ask(&mut world, Method::Post, "NUMBER/register", &product("000000"))["error"]["code"],
        133_005
    );
    assert_eq!(ask(&mut world, Method::Post, "NUMBER/register", &product("654321")), DONE());
    accepted(&mut world, T0, &text(OPEN, "x"));
    for _ in 0..7 {
        ask(&mut world, Method::Post, "NUMBER/register", &product("654321"));
    }
    assert_eq!(
        ask(&mut world, Method::Post, "NUMBER/register", &product("654321"))["error"]["code"],
        133_016
    );
    let later =
        ask_at(&mut world, T0 + hours(73), Method::Post, "NUMBER/register", &product("654321"));
    assert_eq!(later.status, 200);
}

#[test]
fn the_profile_is_shown_and_changed_within_metas_limits() {
    let mut world = world();
    let change = json!({ "messaging_product": "whatsapp", "about": "Aberto", "vertical": "RETAIL",
        "websites": ["https://lojasol.example"], "email": "oi@lojasol.example" });
    let edge = "NUMBER/whatsapp_business_profile";
    assert_eq!(ask(&mut world, Method::Post, edge, &change), DONE());
    let shown =
        ask(&mut world, Method::Get, &format!("{edge}?fields=about,vertical"), &Value::Null);
    assert_eq!(
        shown["data"][0],
        json!({ "messaging_product": "whatsapp", "about": "Aberto", "vertical": "RETAIL" })
    );
    for (key, wrong) in [
        ("about", json!("x".repeat(140))),
        ("about", json!("")),
        ("address", json!("x".repeat(257))),
        ("email", json!("nobody")),
        ("vertical", json!("SHOES")),
        ("websites", json!(["https://a.example", "https://b.example", "https://c.example"])),
        ("profile_picture_handle", json!("4::x")),
        ("colour", json!("red")),
    ] {
        let mut body = json!({ "messaging_product": "whatsapp" });
        body[key] = wrong;
        assert_eq!(ask(&mut world, Method::Post, edge, &body)["error"]["code"], 100, "{body}");
    }
    let wrong = ask(&mut world, Method::Get, &format!("{edge}?fields=colour"), &Value::Null);
    assert_eq!(wrong["error"]["code"], 100);
}

#[test]
fn a_partial_failure_to_block_holds_the_lists_and_an_error() {
    let mut world = world();
    world.say("+5511988881234", "oi", T0).unwrap();
    let users = json!({ "messaging_product": "whatsapp", "block_users": [
        { "user": "+5511988881234" }, { "user": "+16505550000" }] });
    let answer = ask_at(&mut world, T0, Method::Post, "NUMBER/block_users", &users);
    let body = answer.value();
    assert_eq!((answer.status, &body["error"]["code"]), (400, &json!(139_100)));
    assert_eq!(body["block_users"]["added_users"][0]["wa_id"], "5511988881234");
    assert_eq!(body["block_users"]["failed_users"][0]["errors"][0]["code"], 131_009);
    let refused = post(&mut world, T0, &text("+5511988881234", "x")).value();
    assert_eq!(refused["error"]["code"], 130_403);
    run(&mut world, T0);
    world.say("+5511988881234", "are you there?", T0).unwrap();
    assert!(run(&mut world, T0).is_empty(), "what they write reaches nobody");
    let list = ask(&mut world, Method::Get, "NUMBER/block_users", &Value::Null);
    assert_eq!(list["data"][0]["wa_id"], "5511988881234");
    let one =
        json!({ "messaging_product": "whatsapp", "block_users": [{ "user": "+5511988881234" }] });
    let answer = ask(&mut world, Method::Delete, "NUMBER/block_users", &one);
    assert_eq!(answer["block_users"]["removed_users"][0]["input"], "+5511988881234");
    accepted(&mut world, T0, &text("+5511988881234", "x"));
    let mut late = world_with(|_| {});
    late.say("+5511988881234", "oi", T0).unwrap();
    let answer =
        ask_at(&mut late, T0 + hours(25), Method::Post, "NUMBER/block_users", &one).value();
    assert_eq!(answer["block_users"]["failed_users"][0]["errors"][0]["code"], 131_047);
}

#[test]
fn the_app_has_a_token_of_its_own_for_its_own_edges() {
    let mut world = world();
    let app = world.config().app_id.clone();
    let (secret, user) = (world.config().app_secret.clone(), world.config().token.clone());
    let path = |secret: &str| {
        format!(
            "/v25.0/oauth/access_token?grant_type=client_credentials&client_id={app}&client_secret={secret}"
        )
    };
    let request = Request::new(Method::Get, &path(&secret), Vec::new());
    let token = world.handle(T0, &request).value()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(token, app_token(&world));
    let wrong = Request::new(Method::Get, &path("nope"), Vec::new());
    assert_eq!(world.handle(T0, &wrong).value()["error"]["code"], 1);
    let edge = format!(
        "/v25.0/{app}/subscriptions?object=whatsapp_business_account&callback_url=https%3A%2F%2Fx.example%2Fh&verify_token=v&fields=messages"
    );
    assert_eq!(with_token(&mut world, Method::Post, &edge, &user)["error"]["code"], 15);
    assert_eq!(with_token(&mut world, Method::Post, &edge, &token), DONE());
    let list = with_token(&mut world, Method::Get, &format!("/v25.0/{app}/subscriptions"), &token);
    assert_eq!(list["data"][0]["callback_url"], "https://x.example/h");
    let number = world.config().phone_number_id.clone();
    let denied = with_token(
        &mut world,
        Method::Get,
        &format!("/v25.0/{number}/whatsapp_business_profile"),
        &token,
    );
    assert_eq!(denied["error"]["code"], 10);
    // Only the fields asked for are posted.
    world.change_number(T0, &NumberChange::Quality(Quality::Red)).unwrap();
    world.say(OPEN, "hi", T0).unwrap();
    assert_eq!(run(&mut world, T0).len(), 1);
}

#[test]
fn the_overrides_of_number_and_account_win_for_messages_alone() {
    let mut world = world();
    let hook = |url: &str| json!({ "override_callback_uri": url, "verify_token": "v" });
    let to = |world: &mut World| {
        world.say(OPEN, "hi", T0).unwrap();
        world.change_number(T0, &NumberChange::Quality(Quality::Green)).unwrap();
        let posts = world.advance(T0);
        let to: Vec<_> = posts.iter().map(|post| post.to.clone().unwrap_or_default()).collect();
        for post in posts {
            world.webhook_answered(T0, post.id, PostOutcome::Answered(200));
        }
        to
    };
    let (token, app) = (app_token(&world), world.config().app_id.clone());
    let edge = format!(
        "/v25.0/{app}/subscriptions?object=whatsapp_business_account&callback_url=http%3A%2F%2Fa&verify_token=v"
    );
    assert_eq!(with_token(&mut world, Method::Post, &edge, &token), DONE());
    assert_eq!(to(&mut world), ["http://a", "http://a"]);
    assert_eq!(ask(&mut world, Method::Post, "WABA/subscribed_apps", &hook("http://w")), DONE());
    assert_eq!(to(&mut world), ["http://w", "http://a"]);
    let own = json!({ "webhook_configuration": hook("http://n") });
    assert_eq!(ask(&mut world, Method::Post, "NUMBER", &own), DONE());
    assert_eq!(to(&mut world), ["http://n", "http://a"]);
    let shown = ask(&mut world, Method::Get, "NUMBER?fields=webhook_configuration", &Value::Null);
    assert_eq!(
        shown["webhook_configuration"],
        json!({ "phone_number": "http://n",
        "whatsapp_business_account": "http://w", "application": "http://a" })
    );
    let gone = json!({ "webhook_configuration": { "override_callback_uri": "" } });
    assert_eq!(ask(&mut world, Method::Post, "NUMBER", &gone), DONE());
    assert_eq!(ask(&mut world, Method::Post, "WABA/subscribed_apps", &Value::Null), DONE());
    assert_eq!(to(&mut world), ["http://a", "http://a"]);
    assert_eq!(ask(&mut world, Method::Delete, "WABA/subscribed_apps", &Value::Null), DONE());
    assert_eq!(
        ask(&mut world, Method::Get, "WABA/subscribed_apps", &Value::Null),
        json!({ "data": [] })
    );
    assert!(to(&mut world).is_empty(), "nobody is subscribed");
    let long = json!({ "webhook_configuration": hook(&format!("https://{}", "x".repeat(200))) });
    assert_eq!(ask(&mut world, Method::Post, "NUMBER", &long)["error"]["code"], 100);
}

#[test]
fn a_token_does_what_its_scopes_allow() {
    let mut world =
        world_with(|config| config.scopes = vec!["whatsapp_business_messaging".to_owned()]);
    accepted(&mut world, T0, &text(OPEN, "x"));
    let denied = ask(&mut world, Method::Get, "WABA/message_templates", &Value::Null);
    assert_eq!(denied["error"]["code"], 200);
    let token =
        ask(&mut world, Method::Get, "debug_token?input_token=simulator-token", &Value::Null);
    assert_eq!(token["data"]["scopes"], json!(["whatsapp_business_messaging"]));
}

#[test]
fn a_proof_must_be_the_hmac_of_the_token() {
    let mut world = world();
    let proof = signature(&world.config().app_secret, world.config().token.as_bytes());
    let proof = proof.strip_prefix("sha256=").unwrap().to_owned();
    let right =
        ask(&mut world, Method::Get, &format!("NUMBER?appsecret_proof={proof}"), &Value::Null);
    assert!(right["id"].is_string());
    let wrong = ask(&mut world, Method::Get, "NUMBER?appsecret_proof=00", &Value::Null);
    assert_eq!(wrong["error"]["code"], 100);
}

#[test]
fn marketing_messages_take_marketing_templates_alone() {
    let mut world = world();
    let send = |name: &str, language: &str| {
        json!({ "messaging_product": "whatsapp", "to": OPEN,
        "type": "template", "product_policy": "STRICT", "message_activity_sharing": true,
        "template": { "name": name, "language": { "code": language } } })
    };
    let edge = "NUMBER/marketing_messages";
    let answer = ask(&mut world, Method::Post, edge, &send("pesquisa_pedido", "pt_BR"));
    assert!(answer["messages"][0]["id"].is_string(), "{answer}");
    assert_eq!(
        ask(&mut world, Method::Post, edge, &send("hello_world", "en_US"))["error"]["code"],
        134_100
    );
    assert_eq!(ask(&mut world, Method::Post, edge, &text(OPEN, "x"))["error"]["code"], 131_055);
}

#[test]
fn a_fault_waits_for_the_edge_it_is_meant_for() {
    let mut world = world();
    world.fail_edge("message_templates", &Fault::Refuse(80_007), 1);
    accepted(&mut world, T0, &text(OPEN, "x"));
    assert!(ask(&mut world, Method::Get, "NUMBER", &Value::Null)["id"].is_string());
    assert_eq!(
        ask(&mut world, Method::Get, "WABA/message_templates", &Value::Null)["error"]["code"],
        80_007
    );
    assert!(
        ask(&mut world, Method::Get, "WABA/message_templates", &Value::Null)["data"].is_array()
    );
    world.fail_edge(
        "any",
        &Fault::Answer { status: 502, body: "x".to_owned(), accepted: false },
        1,
    );
    assert_eq!(ask_at(&mut world, T0, Method::Get, "NUMBER", &Value::Null).status, 502);
}

#[test]
fn the_log_has_every_request_without_its_secrets() {
    let mut world = world();
    accepted(&mut world, T0, &text(OPEN, "hi"));
    ask(&mut world, Method::Get, "debug_token?input_token=simulator-token", &Value::Null);
    run(&mut world, T0 + hours(1));
    let log = world.log_since(0);
    assert_eq!(log[0]["request"]["text"]["body"], "hi");
    assert_eq!((&log[0]["status"], &log[0]["at"]), (&json!(200), &json!("2026-05-28T20:26:40Z")));
    assert_eq!(log[2]["kind"], "webhook");
    assert_eq!(
        log[2]["request"]["entry"][0]["changes"][0]["value"]["statuses"][0]["status"],
        "sent"
    );
    assert!(!json!(log).to_string().contains("simulator-token"));
    assert_eq!(world.log_since(3).len(), log.len() - 3);
    for _ in 0..2_100 {
        ask(&mut world, Method::Get, "NUMBER", &Value::Null);
    }
    assert_eq!(world.log_since(0).len(), 2_000, "the latest are kept");
}

#[test]
fn people_read_and_opt_out_when_told_to() {
    let mut world = world_with(|config| config.people[0].reads = false);
    accepted(&mut world, T0, &text("+5511988881234", "one"));
    accepted(&mut world, T0, &text("+5511988881234", "two"));
    assert_eq!(world.read("Ana", T0), Ok(2));
    let seen = run(&mut world, T0);
    let read = super::statuses(&seen).iter().filter(|(_, one)| one["status"] == "read").count();
    assert_eq!((read, world.read("Ana", T0)), (2, Ok(0)), "nothing is read twice");
    run(&mut world, T0 + hours(1));
    world.opt_out("Ana", true, T0 + hours(1)).unwrap();
    let told = run(&mut world, T0 + hours(1));
    assert_eq!(value(&told[0].1)["user_preferences"][0]["value"], "stop");
    let promo = json!({ "messaging_product": "whatsapp", "to": "+5511988881234", "type": "template",
        "template": { "name": "pesquisa_pedido", "language": { "code": "pt_BR" } } });
    accepted(&mut world, T0 + hours(1), &promo);
    let failed = super::statuses(&run(&mut world, T0 + hours(2)));
    assert_eq!(failed[0].1["errors"][0]["code"], 131_050);
}

fn two_accounts() -> World {
    world_with(|config| {
        config.others.push(WorldConfig {
            phone_number_id: "2".to_owned(),
            waba_id: "20".to_owned(),
            app_id: "200".to_owned(),
            verified_name: "Loja Lua".to_owned(),
            token: "second-token".to_owned(),
            app_secret: "second-secret".to_owned(),
            ..WorldConfig::default()
        });
    })
}

#[test]
fn accounts_stand_side_by_side_with_their_own_tokens_and_secrets() {
    let mut world = two_accounts();
    let first = world.config().phone_number_id.clone();
    let (own, other) = (world.config().token.clone(), "second-token");
    assert_eq!(with_token(&mut world, Method::Get, "/v25.0/2", other)["verified_name"], "Loja Lua");
    let foreign = with_token(&mut world, Method::Get, "/v25.0/2", &own);
    assert_eq!(
        (&foreign["error"]["code"], &foreign["error"]["error_subcode"]),
        (&json!(100), &json!(33))
    );
    let foreign = with_token(&mut world, Method::Get, &format!("/v25.0/{first}"), other);
    assert_eq!(foreign["error"]["error_subcode"], 33);
    assert_eq!(with_token(&mut world, Method::Get, "/v25.0/2", "nobody's")["error"]["code"], 190);
    let debug = "/v25.0/debug_token?input_token=second-token";
    assert_eq!(with_token(&mut world, Method::Get, debug, other)["data"]["app_id"], "200");
    assert_eq!(with_token(&mut world, Method::Get, debug, &own)["error"]["code"], 100);
    let send = Request::new(Method::Post, "/v25.0/2/messages", text(OPEN, "x").to_string())
        .with_header("Authorization", "Bearer second-token");
    assert_eq!(world.handle(T0, &send).status, 200);
    accepted(&mut world, T0, &text(OPEN, "x"));
    let mut accounts = std::collections::BTreeMap::new();
    while let Some(due) = world.due() {
        for post in world.advance(due) {
            let body: Value = serde_json::from_slice(&post.body).unwrap();
            let account = body["entry"][0]["id"].as_str().unwrap().to_owned();
            let secret = if account == "20" { "second-secret" } else { "simulator-app-secret" };
            assert_eq!(post.signature, signature(secret, &post.body));
            *accounts.entry(account).or_insert(0) += 1;
            world.webhook_answered(due, post.id, PostOutcome::Answered(200));
        }
    }
    assert_eq!(accounts.into_values().collect::<Vec<_>>(), [3, 3], "each three statuses");
    assert!(world.is_idle());
    assert!(world.account("Loja Lua").is_some() && world.account("Loja Mar").is_none());
}

#[test]
fn an_upload_may_name_the_product_in_the_query() {
    let mut world = world();
    let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\nPNG\r\n--x--\r\n";
    let path = format!("/v25.0/{}/media", world.config().phone_number_id);
    let upload = |world: &mut World, path: &str| {
        let request = Request::new(Method::Post, path, form)
            .with_header("Authorization", format!("Bearer {}", world.config().token))
            .with_header("Content-Type", "multipart/form-data; boundary=x");
        world.handle(T0, &request).value()
    };
    assert_eq!(upload(&mut world, &path)["error"]["code"], 100);
    assert!(upload(&mut world, &format!("{path}?messaging_product=whatsapp"))["id"].is_string());
}
