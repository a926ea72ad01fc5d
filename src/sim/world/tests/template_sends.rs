//! Template sends against the components of their template: what is taken, and the code for what is not.

use std::time::Duration;

use serde_json::{Value, json};

use super::{OPEN, T0, accepted, hours, post, run, statuses, text, value, world, world_with};
use crate::sim::{Template, TemplateChange, TemplateStatus, World};

const ANA: &str = "+5511988881234";

fn send(name: &str, language: &str, components: &Value) -> Value {
    let template =
        json!({ "name": name, "language": { "code": language }, "components": components });
    json!({ "messaging_product": "whatsapp", "to": OPEN, "type": "template", "template": template })
}

fn texts(values: &[&str]) -> Value {
    let parameters = values.iter().map(|text| json!({ "type": "text", "text": text }));
    json!({ "type": "body", "parameters": parameters.collect::<Vec<_>>() })
}

fn named(values: &[(&str, &str)]) -> Value {
    let parameter = |(name, text): &(&str, &str)| json!({ "type": "text", "parameter_name": name, "text": text });
    json!({ "type": "body", "parameters": values.iter().map(parameter).collect::<Vec<_>>() })
}

fn header(kind: &str, body: Value) -> Value {
    let mut parameter = json!({ "type": kind });
    parameter[kind] = body;
    json!({ "type": "header", "parameters": [parameter] })
}

fn button(sub_type: &str, index: impl Into<Value>, kind: &str, value: Value) -> Value {
    let mut parameter = json!({ "type": kind });
    parameter[kind] = value;
    let index = index.into();
    json!({ "type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter] })
}

fn link(name: &str) -> Value {
    json!({ "link": format!("https://x.example/{name}") })
}

fn place() -> Value {
    json!({ "latitude": -23.5, "longitude": "-46.6", "name": "Loja", "address": "Rua 1" })
}

fn code_of(world: &mut World, send: &Value) -> Option<u64> {
    post(world, T0, send).value()["error"]["code"].as_u64()
}

fn promo(values: &[(&str, &str)]) -> Value {
    let promo = json!([
        header("image", link("a.png")),
        named(values),
        button("url", 2, "text", json!("wa20"))
    ]);
    send("promo_luminarias", "pt_BR", &promo)
}

fn offer(expires: &Value) -> Value {
    let offer = json!({ "type": "limited_time_offer", "parameters": [
        { "type": "limited_time_offer", "limited_time_offer": expires }] });
    send(
        "oferta_relampago",
        "pt_BR",
        &json!([
            header("image", link("a.png")),
            texts(&["Ana", "30%"]),
            offer,
            button("copy_code", 0, "coupon_code", json!("RELAMPAGO30")),
            button("url", "1", "text", json!("ana"))
        ]),
    )
}

fn carousel(cards: usize) -> Value {
    let card = |index: usize| {
        json!({ "card_index": index, "components": [header("image", link("a.png")),
            texts(&["Sol", "R$ 1"]), button("quick_reply", "0", "payload", json!("p")),
            button("url", "1", "text", json!("7"))] })
    };
    let cards: Vec<Value> = (0..cards).map(card).collect();
    let components = json!([texts(&["Ana"]), { "type": "carousel", "cards": cards }]);
    send("vitrine_semana", "pt_BR", &components)
}

fn ten() -> [&'static str; 10] {
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
}

fn card_id() -> Value {
    let header = json!({ "type": "header", "parameters": [{ "type": "text", "text": "Ana" }] });
    send("ficha_cadastral", "pt_BR", &json!([header, texts(&ten())]))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_template_of_the_shop_can_be_sent() {
    let money = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Ana" },
        { "type": "currency", "currency":
            { "fallback_value": "R$ 9", "code": "BRL", "amount_1000": 9000 } }] });
    let all_named = [("desconto", "20%"), ("nome", "Ana"), ("dia", "sexta")];
    let sends = [
        send("hello_world", "en_US", &json!([])),
        send("pedido_enviado", "ar", &json!([texts(&["Ana", "1"])])),
        send("pedido_enviado", "en_US", &json!([money])),
        send("pedido_atrasado", "pt_BR", &json!([texts(&["Ana", "1"])])),
        send(
            "pedido_atrasado",
            "pt_BR",
            &json!([texts(&["Ana", "1"]), button("quick_reply", 1, "payload", json!("cancel"))]),
        ),
        send(
            "order_confirmation",
            "en_US",
            &json!([texts(&["A", "1"]), button("url", "0", "text", json!("1042"))]),
        ),
        send(
            "pedido_nota_fiscal",
            "pt_BR",
            &json!([
                header(
                    "document",
                    json!({ "link": "https://x.example/a.pdf", "filename": "a.pdf" })
                ),
                texts(&["A", "1", "R$ 1"])
            ]),
        ),
        send(
            "pedido_retirada",
            "pt_BR",
            &json!([header("location", place()), texts(&["A", "1", "s"])]),
        ),
        promo(&all_named),
        send("lancamento_video", "pt_BR", &json!([header("video", link("a.mp4"))])),
        send(
            "carrinho_esquecido",
            "pt_BR",
            &json!([
            { "type": "HEADER", "parameters": [{ "type": "text", "parameter_name": "nome", "text": "A" }] },
            named(&[("produto", "p"), ("prazo", "hoje")]), button("url", "0", "text", json!("abc"))]),
        ),
        offer(&json!({ "expiration_time_ms": 1_780_000_900_000_i64 })),
        carousel(3),
        send("catalogo_completo", "pt_BR", &json!([])),
        send(
            "catalogo_completo",
            "pt_BR",
            &json!([button(
                "catalog",
                "0",
                "action",
                json!({ "thumbnail_product_retailer_id": "p" })
            )]),
        ),
        send(
            "sugestoes_para_voce",
            "pt_BR",
            &json!([
                texts(&["1"]),
                button(
                    "mpm",
                    "0",
                    "action",
                    json!({ "thumbnail_product_retailer_id": "p", "sections": [] })
                )
            ]),
        ),
        send("agendar_visita", "pt_BR", &json!([texts(&["Ana"])])),
        send(
            "agendar_visita",
            "pt_BR",
            &json!([
                texts(&["Ana"]),
                button("flow", "0", "action", json!({ "flow_token": "t", "flow_action_data": {} }))
            ]),
        ),
        send(
            "codigo_acesso",
            "pt_BR",
            &json!([texts(&["123456"]), button("url", "0", "text", json!("123456"))]),
        ),
        send(
            "login_code",
            "en_US",
            &json!([texts(&["123456"]), button("url", "0", "text", json!("123456"))]),
        ),
        card_id(),
        send("pedir_contato", "pt_BR", &json!([])),
        send("volta_as_aulas", "pt_BR", &json!([texts(&["Ana", "10%"])])),
    ];
    for send in &sends {
        let answer = post(&mut world(), T0, send);
        assert_eq!(answer.status, 200, "{send}\n{}", answer.value());
        assert_eq!(answer.value()["messages"][0]["message_status"], "accepted");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_does_not_fit_its_template_has_metas_code() {
    let both = |first, second| send("pedido_enviado", "pt_BR", &json!([texts(&[first, second])]));
    let sent = |components: &Value| send("order_confirmation", "en_US", components);
    let suffix = |suffix: &str| {
        sent(&json!([texts(&["A", "1"]), button("url", "0", "text", json!(suffix))]))
    };
    let note = |header: Value| {
        send("pedido_nota_fiscal", "pt_BR", &json!([header, texts(&["A", "1", "R$ 1"])]))
    };
    let cases = [
        (
            131_008,
            json!({ "messaging_product": "whatsapp", "to": OPEN, "type": "template",
            "template": { "name": "hello_world" } }),
        ),
        (132_001, send("no_such", "en_US", &json!([]))),
        (132_001, send("hello_world", "pt_BR", &json!([]))),
        (132_001, send("aviso_estoque", "pt_BR", &json!([texts(&["a", "b"])]))),
        (132_001, send("sorteio_natal", "pt_BR", &json!([texts(&["a"])]))),
        (132_015, send("pedido_cupom", "pt_BR", &json!([texts(&["a", "b", "c"])]))),
        (132_016, send("promo_relampago_antiga", "pt_BR", &json!([texts(&["a", "b"])]))),
        (132_000, send("pedido_enviado", "pt_BR", &json!([]))),
        (132_000, send("pedido_enviado", "pt_BR", &json!([texts(&["a"])]))),
        (132_000, send("pedido_enviado", "pt_BR", &json!([texts(&["a", "b", "c"])]))),
        (132_000, send("hello_world", "en_US", &json!([texts(&["a"])]))),
        (132_000, send("hello_world", "en_US", &json!([header("text", json!("x"))]))),
        (132_000, send("ficha_cadastral", "pt_BR", &json!([texts(&ten())]))),
        (132_005, both("a", &"x".repeat(32_768))),
        (132_012, both("a", "")),
        (132_018, both("a", "two\nlines")),
        (132_018, both("a", "a     b")),
        (132_018, both("a", "\tb")),
        (132_012, send("pedido_enviado", "pt_BR", &json!([named(&[("1", "a"), ("2", "b")])]))),
        (
            132_012,
            send(
                "pedido_enviado",
                "pt_BR",
                &json!([{ "type": "body", "parameters": [
            { "type": "text", "text": "a" }, { "type": "image", "image": link("a.png") }] }]),
            ),
        ),
        (
            132_018,
            send("pedido_enviado", "pt_BR", &json!([texts(&["a", "b"]), texts(&["a", "b"])])),
        ),
        (132_012, send("pedido_nota_fiscal", "pt_BR", &json!([texts(&["A", "1", "R$ 1"])]))),
        (132_012, note(header("image", link("a.png")))),
        (131_009, note(header("document", json!({ "id": "404" })))),
        (
            131_008,
            send(
                "pedido_retirada",
                "pt_BR",
                &json!([
                    header("location", json!({ "latitude": 1, "longitude": 1 })),
                    texts(&["A", "1", "s"])
                ]),
            ),
        ),
        (
            132_012,
            send(
                "promo_luminarias",
                "pt_BR",
                &json!([
                    header("image", link("a.png")),
                    texts(&["a", "b", "c"]),
                    button("url", "2", "text", json!("x"))
                ]),
            ),
        ),
        (132_018, promo(&[("desconto", "1"), ("nome", "2"), ("data", "3")])),
        (132_018, promo(&[("desconto", "1"), ("nome", "2"), ("nome", "3")])),
        (131_008, sent(&json!([texts(&["A", "1"])]))),
        (132_018, suffix("a b")),
        (132_005, suffix(&"x".repeat(2_000))),
        (132_012, suffix("")),
        (
            132_018,
            sent(&json!([
                texts(&["A", "1"]),
                button("url", "0", "text", json!("x")),
                button("url", "1", "text", json!("x"))
            ])),
        ),
        (
            132_018,
            sent(&json!([texts(&["A", "1"]), button("quick_reply", "0", "payload", json!("x"))])),
        ),
        (132_012, sent(&json!([texts(&["A", "1"]), button("url", "0", "payload", json!("x"))]))),
        (
            132_018,
            send(
                "pedido_retirada",
                "pt_BR",
                &json!([
                    header("location", place()),
                    texts(&["A", "1", "s"]),
                    button("url", "1", "text", json!("x"))
                ]),
            ),
        ),
        (
            131_008,
            send(
                "oferta_relampago",
                "pt_BR",
                &json!([header("image", link("a.png")), texts(&["Ana", "30%"])]),
            ),
        ),
        (131_008, offer(&json!({}))),
        (131_008, send("sugestoes_para_voce", "pt_BR", &json!([texts(&["1"])]))),
        (132_000, carousel(2)),
        (100, send("hello_world", "en_US", &json!([{ "type": "sidebar" }]))),
        (131_009, send("hello_world", "en_US", &json!([button("url", "0.5", "text", json!("x"))]))),
    ];
    for (code, send) in &cases {
        let mut world = world();
        let answer = post(&mut world, T0, send);
        assert_eq!(answer.value()["error"]["code"], *code, "{send}\n{}", answer.value());
        assert_eq!(world.due(), None, "a refused send leaves no trace");
    }
}

#[test]
fn an_authentication_template_goes_to_a_number_only() {
    let mut send = send(
        "codigo_acesso",
        "pt_BR",
        &json!([texts(&["123456"]), button("url", "0", "text", json!("123456"))]),
    );
    let object = send.as_object_mut().unwrap();
    object.remove("to");
    object.insert("recipient".to_owned(), json!("US.9988776655443322"));
    assert_eq!(code_of(&mut world(), &send), Some(131_062));
}

#[test]
fn the_status_tells_the_price_of_the_category() {
    let mut world = world();
    accepted(&mut world, T0, &send("pesquisa_pedido", "pt_BR", &json!([])));
    accepted(&mut world, T0, &send("hello_world", "en_US", &json!([])));
    let all = statuses(&run(&mut world, T0 + hours(1)));
    let priced: Vec<_> = all.iter().filter(|(_, one)| one["status"] == "sent").collect();
    let category = |index: usize| priced[index].1["pricing"]["category"].as_str().unwrap();
    let mut seen = [category(0), category(1)];
    seen.sort_unstable();
    assert_eq!(seen, ["marketing", "utility"]);
    assert!(priced.iter().all(|(_, one)| one["pricing"]["type"] == "regular"));
}

#[test]
fn a_read_without_a_delivered_carries_the_price() {
    let mut world = world_with(|config| config.weather.delivered_skipped = 1000);
    accepted(&mut world, T0, &text(OPEN, "hi"));
    let all = statuses(&run(&mut world, T0 + hours(1)));
    let read = all.iter().find(|(_, one)| one["status"] == "read").unwrap();
    assert_eq!(read.1["pricing"]["category"], "service");
}

#[test]
fn a_person_answers_what_the_template_says_and_taps_its_buttons() {
    let mut world = world();
    let mut body = send(
        "pesquisa_pedido",
        "pt_BR",
        &json!([button("quick_reply", 0, "payload", json!("loved"))]),
    );
    body["to"] = json!(ANA);
    let wamid = accepted(&mut world, T0, &body);
    let seen = run(&mut world, T0 + hours(1));
    let tap = seen.iter().find_map(|(_, body)| value(body)["messages"].get(0)).unwrap();
    assert_eq!((&tap["type"], &tap["context"]["id"]), (&json!("button"), &json!(wamid)));
    let (payload, text) = (tap["button"]["payload"].as_str(), tap["button"]["text"].as_str());
    let known = [("loved", "Adorei"), ("Foi ok", "Foi ok"), ("Não gostei", "Não gostei")];
    assert!(known.contains(&(payload.unwrap(), text.unwrap())), "{tap}");
}

#[test]
fn held_sends_go_out_or_fail_when_meta_has_made_up_its_mind() {
    for (change, expected) in [
        (None, vec!["sent", "delivered", "read"]),
        (Some(TemplateChange::Release), vec!["sent", "delivered", "read"]),
        (Some(TemplateChange::Drop), vec!["failed"]),
    ] {
        let mut world = world();
        let name = if change.is_some() { "boas_vindas" } else { "novidades_pacing" };
        if change.is_some() {
            world.change_template(T0, name, None, &TemplateChange::Hold).unwrap();
        }
        let answer = post(&mut world, T0, &send(name, "pt_BR", &json!([texts(&["Ana"])])));
        let status = &answer.value()["messages"][0]["message_status"];
        assert_eq!(status, "held_for_quality_assessment");
        let soon = T0 + Duration::from_secs(20);
        assert!(run(&mut world, soon).is_empty(), "nothing is known yet");
        if let Some(change) = &change {
            world.change_template(soon, name, None, change).unwrap();
        }
        let all = statuses(&run(&mut world, T0 + hours(1)));
        let words: Vec<_> = all.iter().map(|(_, one)| one["status"].as_str().unwrap()).collect();
        assert_eq!(words, expected, "{change:?}");
        if change == Some(TemplateChange::Drop) {
            assert_eq!(all[0].1["errors"][0]["code"], 132_015);
            let again = code_of(&mut world, &send(name, "pt_BR", &json!([texts(&["Ana"])])));
            assert_eq!(again, Some(132_015), "and the template is paused");
        }
    }
}

#[test]
fn what_a_person_says_of_a_template_decides_its_sends() {
    for (change, code) in [
        (TemplateChange::Pause, Some(132_015)),
        (TemplateChange::Disable, Some(132_016)),
        (TemplateChange::Violates(true), Some(132_007)),
        (TemplateChange::Reject("SCAM".to_owned()), Some(132_001)),
        (TemplateChange::Flag, None),
    ] {
        let mut world = world();
        world.change_template(T0, "hello_world", None, &change).unwrap();
        assert_eq!(
            code_of(&mut world, &send("hello_world", "en_US", &json!([]))),
            code,
            "{change:?}"
        );
    }
}

#[test]
fn marketing_is_not_delivered_to_the_united_states() {
    let mut world = world();
    let mut body = send("pesquisa_pedido", "pt_BR", &json!([]));
    body["to"] = json!("+12025550117");
    accepted(&mut world, T0, &body);
    let all = statuses(&run(&mut world, T0 + hours(1)));
    assert_eq!(all[0].1["errors"][0]["code"], 131_049);
}

#[test]
fn a_template_of_ones_own_is_checked_like_any_other() {
    let body = json!({ "type": "body", "text": "Hi {{who}}, welcome to the shop." });
    let mut template = Template::new("own", "en", "UTILITY", vec![body]);
    template.named = true;
    template.status = TemplateStatus::Approved;
    let mut world = world_with(|config| config.templates = vec![template]);
    assert_eq!(code_of(&mut world, &send("own", "en", &json!([named(&[("who", "x")])]))), None);
    assert_eq!(code_of(&mut world, &send("own", "en", &json!([texts(&["x"])]))), Some(132_012));
    // A body that has nothing beside it may be long.
    let long = |length| send("own", "en", &json!([named(&[("who", &*"x".repeat(length))])]));
    assert_eq!(code_of(&mut world, &long(30_000)), None);
    assert_eq!(code_of(&mut world, &long(32_768)), Some(132_005));
}
