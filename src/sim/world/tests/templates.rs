//! The template edges: lists, creation with all of Meta's rules, editing, deletion, and what becomes of
//! a template afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use super::{T0, hours, request, run, value, world, world_with};
use crate::domain::time::Timestamp;
use crate::sim::{Method, Quality, Request, Template, TemplateChange, World};

fn edge(world: &World, rest: &str) -> String {
    format!("/v25.0/{}/message_templates{rest}", world.config().waba_id)
}

fn ask(
    world: &mut World,
    now: Timestamp,
    method: Method,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let request = request(world, method, path, body).with_header("Host", "127.0.0.1:9");
    let answer = world.handle(now, &request);
    (answer.status, answer.value())
}

fn list(world: &mut World, query: &str) -> Value {
    let path = edge(world, query);
    let (status, body) = ask(world, T0, Method::Get, &path, &Value::Null);
    assert_eq!(status, 200, "{body}");
    body
}

fn create(world: &mut World, now: Timestamp, body: &Value) -> (u16, Value) {
    let path = edge(world, "");
    ask(world, now, Method::Post, &path, body)
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn body_of(text: &str, examples: &[&str]) -> Value {
    json!({ "type": "BODY", "text": text, "example": { "body_text": [examples] } })
}

fn template(components: &Value) -> Value {
    json!({ "name": "aviso_novo", "language": "pt_BR", "category": "MARKETING", "components": components })
}

fn plain() -> Value {
    template(&json!([body_of("Oi, {{1}}! Chegou novidade na loja.", &["Ana"])]))
}

/// Uploads a file in two pieces and answers its handle.
fn handle(world: &mut World, mime: &str) -> String {
    let app = world.config().app_id.clone();
    let path = format!("/v25.0/{app}/uploads?file_name=a&file_length=6&file_type={mime}");
    let (_, session) = ask(world, T0, Method::Post, &path, &Value::Null);
    let path = format!("/v25.0/{}", session["id"].as_str().unwrap());
    let piece = |world: &mut World, offset: &str, bytes: &[u8]| {
        let request = Request::new(Method::Post, &path, bytes)
            .with_header("Authorization", format!("OAuth {}", world.config().token))
            .with_header("file_offset", offset);
        world.handle(T0, &request).value()
    };
    assert_eq!(piece(world, "0", b"abcd")["file_offset"], 4);
    assert_eq!(ask(world, T0, Method::Get, &path, &Value::Null).1["file_offset"], 4);
    assert_eq!(piece(world, "0", b"ef")["error"]["code"], 100, "a piece in the wrong place");
    piece(world, "4", b"ef")["h"].as_str().unwrap().to_owned()
}

#[test]
fn the_shop_has_every_kind_of_template() {
    let all = Template::samples();
    let text = serde_json::to_string(&all).unwrap();
    for kind in [
        "IMAGE",
        "VIDEO",
        "DOCUMENT",
        "LOCATION",
        "QUICK_REPLY",
        "URL",
        "PHONE_NUMBER",
        "COPY_CODE",
        "OTP",
        "FLOW",
        "CATALOG",
        "MPM",
        "VOICE_CALL",
        "REQUEST_CONTACT_INFO",
        "CAROUSEL",
        "LIMITED_TIME_OFFER",
        "PAUSED",
        "REJECTED",
        "PENDING",
        "DISABLED",
        "FLAGGED",
        "RED",
        "body_text_named_params",
        "header_text_named_params",
        "FOOTER",
    ] {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
    }
    assert!(
        all.iter().filter(|one| one.name == "pedido_enviado").count() >= 4,
        "several languages"
    );
    let mut ids: Vec<_> = list(&mut world(), "?limit=100")["data"].as_array().unwrap().clone();
    ids.sort_by_key(|one| one["id"].to_string());
    ids.dedup_by_key(|one| one["id"].clone());
    assert_eq!(ids.len(), all.len(), "ids are unique");
}

#[test]
fn the_shops_own_templates_keep_metas_rules() {
    for sample in Template::samples() {
        if sample.category == "AUTHENTICATION" {
            continue;
        }
        let mut world = world_with(|config| config.templates.clear());
        let handles = ["image/png", "video/mp4", "application/pdf"];
        let handles = handles.map(|mime| (mime, handle(&mut world, mime)));
        let mut components = json!(sample.components);
        let put = |header: &mut Value| {
            let mime = match header["format"].as_str() {
                Some("IMAGE") => "image/png",
                Some("VIDEO") => "video/mp4",
                Some("DOCUMENT") => "application/pdf",
                _ => return,
            };
            let (_, handle) = handles.iter().find(|(one, _)| *one == mime).unwrap();
            header["example"]["header_handle"] = json!([handle]);
        };
        for component in components.as_array_mut().unwrap() {
            put(component);
            for card in component["cards"].as_array_mut().into_iter().flatten() {
                card["components"].as_array_mut().unwrap().iter_mut().for_each(put);
            }
        }
        let body = json!({
            "name": sample.name, "language": sample.language, "category": sample.category,
            "parameter_format": if sample.named { "named" } else { "positional" },
            "components": components,
        });
        let (status, answer) = create(&mut world, T0, &body);
        assert_eq!(status, 200, "{}: {answer}", sample.name);
    }
}

#[test]
fn the_list_comes_in_pages_that_lead_on() {
    let mut world = world();
    let total = Template::samples().len();
    let (mut seen, mut path) = (Vec::new(), edge(&world, "?limit=10&fields=name,language"));
    for _ in 0..20 {
        let (_, page) = ask(&mut world, T0, Method::Get, &path, &Value::Null);
        seen.extend(page["data"].as_array().unwrap().iter().cloned());
        assert!(page["data"][0]["components"].is_null(), "only the fields asked for");
        let Some(next) = page["paging"]["next"].as_str() else { break };
        path = next.strip_prefix("http://127.0.0.1:9").unwrap().to_owned();
    }
    assert_eq!(seen.len(), total);
    let first = list(&mut world, "?limit=3");
    assert!(first["paging"]["previous"].is_null());
    let second = list(
        &mut world,
        &format!(
            "?limit=3&after={}",
            first["paging"]["cursors"]["after"].as_str().unwrap().replace('=', "%3D")
        ),
    );
    let back = second["paging"]["previous"].as_str().unwrap();
    let (_, back) = ask(
        &mut world,
        T0,
        Method::Get,
        back.strip_prefix("http://127.0.0.1:9").unwrap(),
        &Value::Null,
    );
    assert_eq!(back["data"], first["data"]);
    let last = list(&mut world, "?limit=1000");
    assert!(last["paging"]["next"].is_null());
    assert_eq!(last["data"].as_array().unwrap().len(), total);
}

#[test]
fn the_list_is_filtered() {
    let mut world = world();
    let all = list(&mut world, "?name=pedido_enviado&limit=100");
    assert!(names(&all).len() >= 4 && names(&all).iter().all(|name| *name == "pedido_enviado"));
    let one = list(&mut world, "?name=pedido_enviado&language=ja");
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(names(&list(&mut world, "?status=paused")), ["pedido_cupom"]);
    assert_eq!(names(&list(&mut world, "?status=pending")), ["aviso_estoque"]);
    let codes = list(&mut world, "?category=AUTHENTICATION");
    assert_eq!(names(&codes), ["login_code", "codigo_acesso"]);
    for (query, words) in
        [("?limit=none", "limit"), ("?after=x!", "cursors"), ("?fields=name,colour", "colour")]
    {
        let path = edge(&world, query);
        let (status, answer) = ask(&mut world, T0, Method::Get, &path, &Value::Null);
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(100)));
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
    }
}

#[test]
fn one_template_is_shown_by_its_id() {
    let mut world = world();
    let found = list(&mut world, "?name=pedido_cupom&fields=id");
    let id = found["data"][0]["id"].as_str().unwrap().to_owned();
    let path =
        format!("/v25.0/{id}?fields=name,status,quality_score{{score,date}},rejected_reason");
    let (_, shown) = ask(&mut world, T0, Method::Get, &path, &Value::Null);
    assert_eq!(
        shown,
        json!({ "id": id, "name": "pedido_cupom", "status": "PAUSED",
        "quality_score": { "score": "RED" }, "rejected_reason": "NONE" })
    );
}

#[test]
fn a_template_is_reviewed_and_then_sent() {
    let mut world = world();
    let (status, answer) = create(&mut world, T0, &plain());
    assert_eq!(
        (status, &answer["status"], &answer["category"]),
        (200, &json!("PENDING"), &json!("MARKETING"))
    );
    let id = answer["id"].as_str().unwrap().to_owned();
    let seen = run(&mut world, T0 + hours(1));
    let told = value(&seen[0].1);
    assert_eq!(seen[0].1["entry"][0]["changes"][0]["field"], "message_template_status_update");
    assert!(seen[0].1["entry"][0]["time"].is_i64());
    assert_eq!(told["event"], "APPROVED");
    assert_eq!(told["message_template_id"], json!(id.parse::<u64>().unwrap()), "a number here");
    assert_eq!(told["message_template_language"], "pt-BR", "with a hyphen here");
    let (_, shown) =
        ask(&mut world, T0 + hours(1), Method::Get, &format!("/v25.0/{id}"), &Value::Null);
    assert_eq!(
        (&shown["status"], &shown["parameter_format"]),
        (&json!("APPROVED"), &json!("POSITIONAL"))
    );
    assert_eq!(shown["id"], json!(id), "a string here");
}

#[test]
fn a_name_with_reject_in_it_is_rejected() {
    let mut world = world();
    let mut body = plain();
    body["name"] = json!("please_reject_this");
    create(&mut world, T0, &body);
    let seen = run(&mut world, T0 + hours(1));
    let told = value(&seen[0].1);
    assert_eq!((&told["event"], &told["reason"]), (&json!("REJECTED"), &json!("INVALID_FORMAT")));
    let shown = list(&mut world, "?name=please_reject_this&fields=rejected_reason,status");
    assert_eq!(shown["data"][0]["rejected_reason"], "INVALID_FORMAT");
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn refusals() -> Vec<(u64, Value)> {
    let with = |key: &str, value: Value| {
        let mut body = plain();
        body[key] = value;
        body
    };
    let body = |text: &str, examples: &[&str]| template(&json!([body_of(text, examples)]));
    let beside =
        |component: Value| template(&json!([body_of("Tudo novo na loja.", &[]), component]));
    let head = |text: &str, examples: &[&str]| {
        beside(
            json!({ "type": "HEADER", "format": "TEXT", "text": text, "example": { "header_text": examples } }),
        )
    };
    let buttons = |list: Value| beside(json!({ "type": "BUTTONS", "buttons": list }));
    let reply = |text: &str| json!({ "type": "QUICK_REPLY", "text": text });
    let url = |url: &str| json!({ "type": "URL", "text": "Ver", "url": url, "example": ["https://x.example/1"] });
    vec![
        (0, with("name", json!("Aviso"))),
        (0, with("name", json!("x".repeat(513)))),
        (0, with("name", Value::Null)),
        (0, with("language", json!("pt"))),
        (0, with("category", json!("SERVICE"))),
        (0, with("parameter_format", json!("numbered"))),
        (0, with("components", json!([]))),
        (0, with("components", json!([{ "type": "SIDEBAR" }]))),
        (0, with("message_send_ttl_seconds", json!(60))),
        (2_388_043, template(&json!([{ "type": "FOOTER", "text": "f" }]))),
        (2_388_040, body(&"x".repeat(1_025), &[])),
        (2_388_043, body("Oi, {{1}}! Chegou novidade na loja.", &[])),
        (2_388_043, body("Oi, {{1}}! Chegou novidade na loja.", &[""])),
        (2_388_072, body("Oi, {{2}}! Chegou novidade na loja.", &["a"])),
        (2_388_072, body("Oi, {{nome}}! Chegou novidade na loja.", &["a"])),
        (2_388_072, body("Um\n\n\nDois", &[])),
        (2_388_299, body("{{1}}, chegou novidade na loja.", &["a"])),
        (2_388_299, body("Chegou novidade na loja, {{1}}", &["a"])),
        (2_388_293, body("Oi, {{1}} {{2}}! Chegou novidade na loja hoje.", &["a", "b"])),
        (2_388_293, body("a{{1}}b {{2}}c", &["a", "b"])),
        (2_388_040, head(&"x".repeat(61), &[])),
        (2_388_047, head("a {{1}} {{2}}", &["a", "b"])),
        (2_388_047, head("linha\nnova", &[])),
        (2_388_047, head("Sol ☀️", &[])),
        (2_388_043, head("Oi {{1}}", &[])),
        (2_388_273, beside(json!({ "type": "HEADER", "format": "IMAGE" }))),
        (
            0,
            beside(
                json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::x"] } }),
            ),
        ),
        (2_388_040, beside(json!({ "type": "FOOTER", "text": "x".repeat(61) }))),
        (2_388_073, beside(json!({ "type": "FOOTER", "text": "Oi {{1}}" }))),
        (0, buttons(json!(vec![reply("a"); 11]))),
        (2_388_040, buttons(json!([reply(&"x".repeat(26))]))),
        (0, buttons(json!([reply("a"), url("https://x.example"), reply("b")]))),
        (
            0,
            buttons(json!([
                url("https://x.example"),
                url("https://x.example"),
                url("https://x.example")
            ])),
        ),
        (0, buttons(json!([url("x.example")]))),
        (0, buttons(json!([url("https://x.example/{{1}}/a")]))),
        (
            2_388_043,
            buttons(json!([{ "type": "URL", "text": "Ver", "url": "https://x.example/{{1}}" }])),
        ),
        (2_388_040, buttons(json!([{ "type": "COPY_CODE", "example": "x".repeat(16) }]))),
        (
            0,
            buttons(
                json!([{ "type": "PHONE_NUMBER", "text": "Ligar", "phone_number": "ramal 5" }]),
            ),
        ),
        (0, buttons(json!([{ "type": "OTP", "otp_type": "COPY_CODE", "text": "x" }]))),
        (0, buttons(json!([{ "type": "FAX", "text": "x" }]))),
        (0, beside(body_of("Outro corpo da mensagem.", &[]))),
        (
            2_388_024,
            json!({ "name": "boas_vindas", "language": "pt_BR", "category": "UTILITY",
            "components": [body_of("Tudo novo na loja.", &[])] }),
        ),
    ]
}

#[test]
fn every_rule_of_a_template_has_its_code() {
    for (subcode, body) in refusals() {
        let mut world = world();
        let (status, answer) = create(&mut world, T0, &body);
        let error = &answer["error"];
        assert_eq!((status, &error["code"]), (400, &json!(100)), "{body}\n{answer}");
        assert_eq!(error["error_subcode"].as_u64().unwrap_or(0), subcode, "{body}\n{answer}");
        if subcode != 0 {
            assert!(error["error_user_title"].is_string() && error["error_user_msg"].is_string());
        }
        assert_eq!(world.due(), None, "a refused template leaves no trace");
    }
}

#[test]
fn metas_own_words_make_an_authentication_template() {
    let mut world = world();
    let body = json!({ "name": "codigo_novo", "language": "en_US", "category": "authentication", "components": [
        { "type": "body", "add_security_recommendation": true },
        { "type": "footer", "code_expiration_minutes": 10 },
        { "type": "buttons", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }] }] });
    assert_eq!(create(&mut world, T0, &body).0, 200);
    let shown = list(&mut world, "?name=codigo_novo");
    let components = &shown["data"][0]["components"];
    assert!(
        components[0]["text"].as_str().unwrap().starts_with("*{{1}}* is your verification code.")
    );
    assert_eq!(components[1]["text"], "This code expires in 10 minutes.");
    assert_eq!(components[2]["buttons"][0]["type"], "URL");
}

#[test]
fn a_file_uploaded_in_pieces_becomes_the_example_of_a_header() {
    let mut world = world();
    let picture = handle(&mut world, "image/png");
    let with = |handle: &str| {
        let header = json!({ "type": "header", "format": "image", "example": { "header_handle": [handle] } });
        template(&json!([header, body_of("Tudo novo na loja.", &[])]))
    };
    let film = handle(&mut world, "video/mp4");
    assert_eq!(create(&mut world, T0, &with(&film)).0, 400, "a film is no picture");
    assert_eq!(create(&mut world, T0, &with(&picture)).0, 200);
    let shown = list(&mut world, "?name=aviso_novo");
    let header = &shown["data"][0]["components"][0];
    assert_eq!((&header["type"], &header["format"]), (&json!("HEADER"), &json!("IMAGE")));
    let address = header["example"]["header_handle"][0].as_str().unwrap();
    let path = address.strip_prefix("http://127.0.0.1:9").unwrap();
    let request = Request::new(Method::Get, path, b"");
    assert_eq!(world.handle(T0, &request).status, 200, "anybody can fetch it: {address}");
}

#[test]
fn an_approved_template_is_edited_once_a_day() {
    let mut world = world();
    let found = list(&mut world, "?name=hello_world&fields=id");
    let path = format!("/v25.0/{}", found["data"][0]["id"].as_str().unwrap());
    let edit = json!({ "components": [body_of("Hello, {{1}}! Nice to see you again.", &["Ana"])] });
    let (_, category) =
        ask(&mut world, T0, Method::Post, &path, &json!({ "category": "MARKETING" }));
    assert_eq!(category["error"]["code"], 100);
    let (_, answer) = ask(&mut world, T0, Method::Post, &path, &edit);
    assert_eq!(answer, json!({ "success": true }));
    let (_, pending) = ask(&mut world, T0, Method::Post, &path, &edit);
    assert_eq!(pending["error"]["error_subcode"], 2_388_039);
    let seen = run(&mut world, T0 + hours(1));
    let fields: Vec<_> =
        seen.iter().map(|(_, body)| body["entry"][0]["changes"][0]["field"].clone()).collect();
    assert_eq!(fields, ["message_template_status_update", "message_template_components_update"]);
    let told = value(&seen[1].1);
    assert_eq!(told["message_template_element"], "Hello, {{1}}! Nice to see you again.");
    assert_eq!(told["message_template_language"], "en_US");
    let (_, again) = ask(&mut world, T0 + hours(2), Method::Post, &path, &edit);
    assert_eq!(again["error"]["error_subcode"], 2_388_039);
    let (status, _) = ask(&mut world, T0 + hours(25), Method::Post, &path, &edit);
    assert_eq!(status, 200);
}

#[test]
fn a_deleted_name_is_locked_for_thirty_days() {
    let mut world = world();
    let path = edge(&world, "?name=pedido_enviado");
    let (_, answer) = ask(&mut world, T0, Method::Delete, &path, &Value::Null);
    assert_eq!(answer, json!({ "success": true }));
    assert_eq!(list(&mut world, "?name=pedido_enviado")["data"], json!([]), "every language of it");
    assert!(run(&mut world, T0).iter().all(|(_, body)| value(body)["event"] == "DELETED"));
    let mut body = plain();
    body["name"] = json!("pedido_enviado");
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(create(&mut world, T0 + day * 29, &body).1["error"]["error_subcode"], 2_388_023);
    assert_eq!(create(&mut world, T0 + day * 31, &body).0, 200);
}

#[test]
fn one_language_is_deleted_by_its_id_and_a_disabled_template_not_at_all() {
    let mut world = world();
    let found = list(&mut world, "?name=pedido_enviado&language=ja&fields=id");
    let id = found["data"][0]["id"].as_str().unwrap().to_owned();
    let wrong = edge(&world, &format!("?hsm_id={id}&name=boas_vindas"));
    assert_eq!(ask(&mut world, T0, Method::Delete, &wrong, &Value::Null).0, 400);
    let path = edge(&world, &format!("?hsm_id={id}&name=pedido_enviado"));
    assert_eq!(ask(&mut world, T0, Method::Delete, &path, &Value::Null).0, 200);
    assert_eq!(list(&mut world, "?name=pedido_enviado&language=ja")["data"], json!([]));
    assert_eq!(
        list(&mut world, "?name=pedido_enviado&language=ar")["data"].as_array().unwrap().len(),
        1
    );
    let disabled = edge(&world, "?name=promo_relampago_antiga");
    let (_, answer) = ask(&mut world, T0, Method::Delete, &disabled, &Value::Null);
    assert_eq!(answer["error"]["error_subcode"], 2_388_039);
}

#[test]
fn pauses_grow_longer_and_end_by_themselves() {
    let mut world = world();
    let mut now = T0;
    let events = |world: &mut World, until: Timestamp| {
        let seen = run(world, until);
        seen.iter().map(|(at, body)| (*at, value(body).clone())).collect::<Vec<_>>()
    };
    for (hours_paused, title) in [(3, "FIRST_PAUSE"), (6, "SECOND_PAUSE")] {
        world.change_template(now, "hello_world", None, &TemplateChange::Pause).unwrap();
        let seen = events(&mut world, now + hours(12));
        assert_eq!((&seen[0].1["event"], &seen[0].1["reason"]), (&json!("PAUSED"), &Value::Null));
        assert_eq!(seen[0].1["other_info"]["title"], title);
        assert_eq!(seen[1].0, now + hours(hours_paused));
        assert_eq!(seen[1].1["other_info"]["title"], "UNPAUSE");
        now = now + hours(12);
    }
    world.change_template(now, "hello_world", None, &TemplateChange::Pause).unwrap();
    let seen = events(&mut world, now + hours(12));
    assert_eq!(seen[0].1["event"], "DISABLED");
    assert!(seen[0].1["disable_info"]["disable_date"].is_i64());
    assert_eq!(seen.len(), 1, "for good");
}

#[test]
fn a_paused_template_is_unpaused_on_request() {
    let mut world = world();
    let found = list(&mut world, "?name=pedido_cupom&fields=id");
    let path = format!("/v25.0/{}/unpause", found["data"][0]["id"].as_str().unwrap());
    assert_eq!(
        ask(&mut world, T0, Method::Post, &path, &Value::Null).1,
        json!({ "success": true })
    );
    assert_eq!(
        ask(&mut world, T0, Method::Post, &path, &Value::Null).0,
        400,
        "it is not paused now"
    );
    assert_eq!(value(&run(&mut world, T0)[0].1)["event"], "APPROVED");
}

#[test]
fn quality_is_told_in_both_fields_by_turns() {
    let mut world = world();
    for quality in [Quality::Yellow, Quality::Red] {
        let change = TemplateChange::Quality(quality);
        world.change_template(T0, "hello_world", Some("en_US"), &change).unwrap();
    }
    let seen = run(&mut world, T0);
    let field = |index: usize| seen[index].1["entry"][0]["changes"][0]["field"].clone();
    assert_eq!(
        [field(0), field(1)],
        ["message_template_quality_update", "message_template_status_update"]
    );
    let told = value(&seen[1].1);
    assert_eq!(told["previous_quality_score"], "YELLOW");
    assert_eq!(told["new_quality_score"], "RED");
}

#[test]
fn a_change_of_category_is_told_a_day_ahead() {
    let mut world = world();
    let change = TemplateChange::Category("marketing".to_owned());
    world.change_template(T0, "boas_vindas", None, &change).unwrap();
    let seen = run(&mut world, T0 + hours(48));
    assert_eq!(value(&seen[0].1)["correct_category"], "MARKETING");
    assert_eq!(seen[1].0, T0 + hours(24));
    assert_eq!(value(&seen[1].1)["previous_category"], "UTILITY");
    assert_eq!(value(&seen[1].1)["new_category"], "MARKETING");
    assert!(
        world
            .change_template(T0, "boas_vindas", None, &TemplateChange::Category("x".into()))
            .is_err()
    );
    assert!(world.change_template(T0, "no_such", None, &TemplateChange::Pause).is_err());
}

#[test]
fn no_more_than_a_hundred_templates_in_an_hour() {
    let mut world = world_with(|config| config.templates.clear());
    for number in 0..100 {
        let mut body = plain();
        body["name"] = json!(format!("aviso_{number}"));
        assert_eq!(create(&mut world, T0, &body).0, 200);
    }
    assert_eq!(create(&mut world, T0, &plain()).1["error"]["error_subcode"], 2_388_019);
    assert_eq!(create(&mut world, T0 + hours(1), &plain()).0, 200);
}
