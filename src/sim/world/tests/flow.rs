//! What becomes of messages over time, on a virtual clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    OPEN, T0, accepted, body, hours, instant, post, request, run, statuses, text, value, words,
    world, world_with,
};
use crate::domain::time::Timestamp;
use crate::sim::http::Delivery;
use crate::sim::{
    Fault, Method, PostOutcome, Request, Sample, Scenario, Strangers, Weather, Words, World,
    WorldConfig, load, save, signature,
};

#[test]
fn a_message_is_sent_delivered_read_within_the_delays() {
    let mut world = world();
    let mut send = text(OPEN, "olá");
    send["biz_opaque_callback_data"] = json!("00ff");
    let wamid = accepted(&mut world, T0, &send);
    assert!(world.advance(T0).is_empty(), "nothing happens before its time");
    let seen = run(&mut world, T0 + hours(1));
    assert_eq!(words(&seen), ["sent", "delivered", "read"]);
    let all = statuses(&seen);
    let delays = world.config().delays.clone();
    let mut last = T0;
    for ((at, status), (least, most)) in
        all.iter().zip([delays.sent, delays.delivered, delays.read])
    {
        assert!((least..=most).contains(&at.since(last)), "{status}");
        last = *at;
        assert_eq!(status["id"], wamid.as_str());
        assert_eq!(status["biz_opaque_callback_data"], "00ff");
        assert_eq!(status["recipient_id"], "15551230001");
        assert!(status["recipient_user_id"].as_str().unwrap().starts_with("US."));
        assert_eq!(status["timestamp"], (at.millis() / 1000).to_string());
        assert_eq!(status["conversation"], Value::Null);
    }
    assert_eq!(all[0].1["pricing"]["type"], "free_customer_service");
    assert_eq!(all[2].1["pricing"], Value::Null);
    let first = value(&seen[0].1);
    assert_eq!(first["contacts"][0]["wa_id"], "15551230001");
    assert_eq!(first["metadata"]["display_phone_number"], "551155500199");
    assert!(world.is_idle());
    assert_eq!(world.accepted()[0].callback.as_deref(), Some("00ff"));
}

#[test]
fn a_closed_window_is_accepted_and_fails_later() {
    let mut world = world();
    let wamid = accepted(&mut world, T0, &text("+16505551234", "hello?"));
    let seen = run(&mut world, T0 + hours(1));
    assert_eq!(words(&seen), ["failed"]);
    let failed = &statuses(&seen)[0].1;
    assert_eq!(failed["id"], wamid.as_str());
    assert_eq!(failed["errors"][0]["code"], 131_047);
    assert_eq!(failed["errors"][0]["title"], "Re-engagement message");
    assert_eq!(failed["recipient_user_id"], Value::Null);
    assert_eq!(value(&seen[0].1)["contacts"], Value::Null);

    let template = json!({
        "messaging_product": "whatsapp", "to": "+16505551234", "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
    });
    let answer = post(&mut world, T0, &template);
    assert_eq!(answer.value()["messages"][0]["message_status"], "accepted");
    let seen = run(&mut world, T0 + hours(1));
    assert_eq!(words(&seen), ["sent", "delivered", "read"]);
    assert_eq!(statuses(&seen)[0].1["pricing"]["category"], "utility");

    world.say("+16505551234", "hi", T0 + hours(2)).unwrap();
    accepted(&mut world, T0 + hours(25), &text("+16505551234", "in time"));
    accepted(&mut world, T0 + hours(26), &text("+16505551234", "too late"));
    let seen = run(&mut world, T0 + hours(30));
    assert_eq!(words(&seen), ["sent", "delivered", "read", "failed"]);
}

#[test]
fn nobody_there_fails_later() {
    let mut world = world();
    for to in ["+15551230404", "16505551234"] {
        let answer = post(&mut world, T0, &text(to, "x"));
        assert_eq!(answer.status, 200, "{to}");
    }
    let seen = run(&mut world, T0 + hours(1));
    let codes: Vec<_> =
        statuses(&seen).iter().map(|(_, s)| s["errors"][0]["code"].clone()).collect();
    assert_eq!(codes, [131_026, 131_026]);
    assert_eq!(
        world.accepted()[1].to,
        "5516505551234",
        "without a plus the country code is put in front"
    );
}

#[test]
fn the_answer_names_the_wa_id() {
    let mut world = world();
    let answer = post(&mut world, T0, &text("+55 (31) 98888-1234", "x")).value();
    let expected = json!([{ "input": "+55 (31) 98888-1234", "wa_id": "553188881234" }]);
    assert_eq!(answer["contacts"], expected);
    assert_eq!(answer["messaging_product"], "whatsapp");
    assert!(answer["messages"][0]["id"].as_str().unwrap().starts_with("wamid.HBg"));
    assert_eq!(answer["messages"][0]["message_status"], Value::Null);
}

#[test]
fn a_person_without_a_number_has_none_anywhere() {
    let mut world = world();
    let user_id = "US.9988776655443322";
    let send = json!({
        "messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": { "body": "x" },
    });
    let answer = post(&mut world, T0, &send).value();
    assert_eq!(answer["contacts"], json!([{ "input": user_id, "user_id": user_id }]));
    world.say("kim", "hi there", T0).unwrap();
    let seen = run(&mut world, T0 + hours(1));
    assert_eq!(words(&seen), ["sent", "delivered", "read"]);
    for (_, status) in statuses(&seen) {
        assert_eq!(status["recipient_user_id"], user_id);
        assert!(status.get("recipient_id").is_none());
    }
    let inbound =
        seen.iter().map(|(_, body)| value(body)).find(|v| v["messages"].is_array()).unwrap();
    assert!(inbound["messages"][0].get("from").is_none());
    assert_eq!(inbound["messages"][0]["from_user_id"], user_id);
    assert!(inbound["contacts"][0].get("wa_id").is_none());
    assert_eq!(inbound["contacts"][0]["profile"]["username"], "@kim.moves");
}

#[test]
fn a_voice_message_is_played_and_a_reaction_only_sent() {
    let mut world = world();
    let voice = json!({
        "messaging_product": "whatsapp", "to": OPEN, "type": "audio",
        "audio": { "link": "https://x.example/a.ogg", "voice": true },
    });
    let wamid = accepted(&mut world, T0, &voice);
    assert_eq!(words(&run(&mut world, T0 + hours(1))), ["sent", "delivered", "read", "played"]);
    for (target, expected) in [(wamid.as_str(), "sent"), ("wamid.unknown", "failed")] {
        let reaction = json!({
            "messaging_product": "whatsapp", "to": OPEN, "type": "reaction",
            "reaction": { "message_id": target, "emoji": "👍" },
        });
        accepted(&mut world, T0 + hours(1), &reaction);
        assert_eq!(words(&run(&mut world, T0 + hours(2))), [expected]);
    }
}

#[test]
fn marking_as_read() {
    let mut world = world();
    let wamid = world.say(OPEN, "hi", T0).unwrap();
    let mark = |id: &str| {
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": id,
            "typing_indicator": { "type": "text" } })
    };
    assert_eq!(post(&mut world, T0, &mark(&wamid)).value(), json!({ "success": true }));
    assert!(world.is_marked_read(&wamid));
    assert_eq!(post(&mut world, T0, &mark("wamid.other")).value()["error"]["code"], 131_009);
    let mut wrong = mark(&wamid);
    wrong["typing_indicator"]["type"] = json!("voice");
    assert_eq!(post(&mut world, T0, &wrong).value()["error"]["code"], 100);
    assert_eq!(world.max_in_any_second(), 0, "marking is no send");
}

#[test]
fn webhooks_are_signed_and_tried_again() {
    let mut world = world();
    world.say(OPEN, "é/👍", T0).unwrap();
    let first = world.advance(T0).remove(0);
    assert!(first.body.is_ascii());
    assert!(String::from_utf8_lossy(&first.body).contains(r#""body":"\u00e9\/\ud83d\udc4d""#));
    assert_eq!(first.signature, signature("simulator-app-secret", &first.body));
    assert_eq!(world.due(), None, "it is under way");

    let mut now = T0;
    let mut gaps = Vec::new();
    for attempt in 1..=5 {
        world.webhook_answered(now, first.id, PostOutcome::Answered(503));
        let due = world.due().unwrap();
        gaps.push(due.since(now).as_secs());
        now = due;
        let again = world.advance(now).remove(0);
        assert_eq!((again.id, again.attempt), (first.id, attempt + 1));
        assert_eq!((&again.body, &again.signature), (&first.body, &first.signature));
    }
    assert_eq!(gaps, [0, 2, 5, 15, 30]);
    world.webhook_answered(now, first.id, PostOutcome::Answered(200));
    assert!(world.is_idle());
    assert_eq!((world.counts().attempts, world.counts().posted), (6, 1));
}

#[test]
fn a_webhook_is_given_up_after_seven_days() {
    let mut world = world();
    world.say(OPEN, "x", T0).unwrap();
    while let Some(due) = world.due() {
        for post in world.advance(due) {
            world.webhook_answered(due, post.id, PostOutcome::Failed("refused".to_owned()));
        }
        assert!(due <= T0 + hours(7 * 24));
    }
    assert_eq!(world.counts().given_up, 1);
    assert!(world.is_idle());
}

#[test]
fn webhooks_that_are_off_wait() {
    let mut world = world();
    world.set_webhooks(false);
    accepted(&mut world, T0, &text(OPEN, "x"));
    let seen = run(&mut world, T0 + hours(1));
    assert!(seen.is_empty());
    assert_eq!(world.webhooks_waiting(), 3);
    world.set_webhooks(true);
    assert_eq!(words(&run(&mut world, T0 + hours(1))), ["sent", "delivered", "read"]);
}

#[test]
fn the_weather_duplicates_and_shuffles() {
    let mut world = world_with(|config| {
        instant(config);
        config.weather = Weather {
            duplicated: 1000,
            shuffled_within: Duration::from_secs(30),
            ..Weather::default()
        };
    });
    for _ in 0..10 {
        accepted(&mut world, T0, &text(OPEN, "x"));
    }
    let seen = run(&mut world, T0 + hours(1));
    let all = statuses(&seen);
    assert_eq!(all.len(), 60);
    assert!(!all.is_sorted_by_key(|(_, status)| status["status"] == "sent"));
    let distinct: std::collections::BTreeSet<_> = all.iter().map(|(_, s)| s.to_string()).collect();
    assert_eq!(distinct.len(), 30);
}

#[test]
fn statuses_of_one_moment_can_share_a_post() {
    let mut world = world_with(|config| {
        instant(config);
        config.delays.sent = (Duration::from_secs(1), Duration::from_secs(1));
        config.statuses_per_post = 20;
    });
    for _ in 0..10 {
        accepted(&mut world, T0, &text(OPEN, "x"));
    }
    let posts = world.advance(T0 + Duration::from_secs(1));
    assert_eq!(posts.len(), 2);
    assert_eq!(value(&body(&posts[0]))["statuses"].as_array().unwrap().len(), 20);
}

#[test]
fn faults_strike_the_next_sends_in_order() {
    let mut world = world();
    world.fail_next(&Fault::Refuse(131_056), 2);
    for accepted in [false, true] {
        world.fail_next(&Fault::Answer { status: 502, body: "<html>".to_owned(), accepted }, 1);
    }
    world.fail_next(&Fault::LoseRequest, 1);
    world.fail_next(&Fault::LoseAnswer, 1);
    world.fail_next(&Fault::CutAnswer, 1);
    world.fail_next(&Fault::AnswerTwice, 1);
    world.fail_next(&Fault::Delay(Duration::from_secs(9)), 1);
    let mut send = || {
        let answer = post(&mut world, T0, &text(OPEN, "x"));
        (answer.status, answer.value()["error"]["code"].as_u64(), answer.delivery)
    };
    assert_eq!(send(), (400, Some(131_056), Delivery::Now));
    assert_eq!(send(), (400, Some(131_056), Delivery::Now));
    assert_eq!(send(), (502, None, Delivery::Now));
    assert_eq!(send(), (502, None, Delivery::Now));
    assert_eq!(send().2, Delivery::Lost);
    assert_eq!(send().2, Delivery::Lost);
    assert_eq!(send().2, Delivery::Cut);
    assert_eq!(send(), (200, None, Delivery::Twice));
    assert_eq!(send(), (200, None, Delivery::After(Duration::from_secs(9))));
    assert_eq!(send(), (200, None, Delivery::Now));
    assert_eq!(world.counts().accepted, 6, "a lost answer is accepted, a lost request is not");
}

#[test]
fn a_scenario_happens_at_its_times_and_survives_a_save() {
    let mut world = world();
    let scenario = Scenario::parse(
        r#"
        [[step]]
        at = 1800
        fail = { code = 131056 }
        [[step]]
        at = 60.5
        say = { from = "+15551230001", kind = "image", caption = "here" }
        [[step]]
        at = 3000
        fail = { webhooks = "off" }
        "#,
    );
    world.play(&scenario.unwrap(), T0).unwrap();
    assert_eq!(world.due(), Some(T0 + Duration::from_millis(60_500)));
    let seen = run(&mut world, T0 + Duration::from_secs(600));
    assert_eq!(value(&seen[0].1)["messages"][0]["image"]["caption"], "here");
    let half = T0 + Duration::from_secs(1799);
    assert_eq!(post(&mut world, half, &text(OPEN, "x")).status, 200);
    let dir = tempfile::tempdir().unwrap();
    save(&world, &dir.path().join("w")).unwrap();
    let mut world = load(&dir.path().join("w")).unwrap().unwrap();
    let later = T0 + Duration::from_secs(1801);
    let refused = post(&mut world, later, &text(OPEN, "x"));
    assert_eq!(refused.value()["error"]["code"], 131_056);
    run(&mut world, T0 + Duration::from_secs(3001));
    world.say("+15551230001", "anybody?", T0 + Duration::from_secs(3002)).unwrap();
    assert!(run(&mut world, T0 + hours(2)).is_empty(), "the webhooks are off");
}

#[test]
fn a_scenario_in_which_nobody_speaks_is_refused_whole() {
    let mut world = world();
    let text = "[[step]]\nat = 0\nfail = { code = 4 }\n\
                [[step]]\nat = 1\nsay = { from = \"Nobody\", text = \"hi\" }\n";
    let refused = world.play(&Scenario::parse(text).unwrap(), T0).unwrap_err();
    assert!(refused.starts_with("step 2: ") && refused.contains("Nobody"), "{refused}");
    assert_eq!(world.due(), None);
}

#[test]
fn an_accepted_message_may_fail_or_arrive_after_it_failed_or_never_be_heard_of_again() {
    for (fault, wanted) in [
        (Fault::Fail(131_049), &["failed"][..]),
        (Fault::FailThenDeliver(131_049), &["failed", "delivered", "read"]),
        (Fault::NoStatuses, &[]),
    ] {
        let mut world = world();
        world.fail_next(&fault, 1);
        accepted(&mut world, T0, &text(OPEN, "x"));
        let seen = run(&mut world, T0 + hours(1));
        let words: Vec<_> = statuses(&seen)
            .iter()
            .map(|(_, status)| status["status"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words, wanted, "{fault:?}");
    }
}

#[test]
fn links_nobody_can_fetch_fail_later() {
    let mut world = world();
    let image = json!({
        "messaging_product": "whatsapp", "to": OPEN, "type": "image",
        "image": { "link": "https://nowhere.invalid/a.png" },
    });
    accepted(&mut world, T0, &image);
    let seen = run(&mut world, T0 + hours(1));
    assert_eq!(statuses(&seen)[0].1["errors"][0]["code"], 131_053);
}

fn get(world: &mut World, now: Timestamp, path: &str) -> crate::sim::Response {
    let request =
        request(world, Method::Get, path, &Value::Null).with_header("Host", "127.0.0.1:9");
    world.handle(now, &request)
}

#[test]
fn received_files_can_be_fetched_for_seven_days_and_an_address_for_five_minutes() {
    let mut world = world();
    world.say_words(OPEN, &Words::Image(Sample::Parcel, Some("hi".to_owned())), T0).unwrap();
    let webhook = body(&world.advance(T0)[0]);
    let image = &value(&webhook)["messages"][0]["image"];
    let id = image["id"].as_str().unwrap();
    let info = get(&mut world, T0, &format!("/v25.0/{id}")).value();
    assert_eq!(info["mime_type"], "image/png");
    assert_eq!(info["file_size"], Sample::Parcel.bytes().len());
    assert_eq!(info["sha256"].as_str().unwrap().len(), 64, "hex here");
    assert_eq!(image["sha256"].as_str().unwrap().len(), 44, "base64 in the webhook");
    let path = info["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:9").unwrap().to_owned();
    let file = get(&mut world, T0 + Duration::from_secs(299), &path);
    assert_eq!((file.status, file.body.as_slice()), (200, Sample::Parcel.bytes()));
    assert_eq!(get(&mut world, T0 + Duration::from_secs(300), &path).status, 404);
    let bare = Request::new(Method::Get, &path, Vec::new());
    assert_eq!(world.handle(T0, &bare).status, 401, "the address alone is not enough");
    assert_eq!(get(&mut world, T0 + hours(7 * 24), &format!("/v25.0/{id}")).status, 400);
}

#[test]
fn an_uploaded_file_can_be_sent_and_deleted() {
    let mut world = world();
    let path = format!("/v25.0/{}/media", world.config().phone_number_id);
    let form = "--x\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
        --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\nbytes\r\n--x--\r\n";
    let upload = |world: &mut World, form: &str| {
        let request = Request::new(Method::Post, &path, form)
            .with_header("Authorization", "Bearer simulator-token")
            .with_header("Content-Type", "multipart/form-data; boundary=x");
        world.handle(T0, &request).value()
    };
    let id = upload(&mut world, form)["id"].as_str().unwrap().to_owned();
    let send = json!({ "messaging_product": "whatsapp", "to": OPEN, "type": "image", "image": { "id": id } });
    accepted(&mut world, T0, &send);
    let voice = json!({
        "messaging_product": "whatsapp", "to": OPEN, "type": "audio", "audio": { "id": id, "voice": true },
    });
    assert_eq!(post(&mut world, T0, &voice).value()["error"]["code"], 131_009);
    let request = request(&world, Method::Delete, &format!("/v25.0/{id}"), &Value::Null);
    assert_eq!(world.handle(T0, &request).value(), json!({ "success": true }));
    assert_eq!(world.handle(T0, &request).value()["error"]["error_subcode"], 33);
    let wrong = form.replace("image/png", "image/tiff");
    assert_eq!(upload(&mut world, &wrong)["error"]["code"], 100);
}

/// A run with a bit of everything, as one text.
fn story(seed: u64) -> String {
    let config = WorldConfig {
        people: vec![super::ana(), super::kim()],
        unprompted_every: Some((Duration::from_secs(60), Duration::from_secs(600))),
        ..WorldConfig::default()
    };
    let mut world = World::new(seed, config);
    let mut told = String::new();
    for n in 0..20 {
        let now = T0 + Duration::from_secs(n * 30);
        told += &post(&mut world, now, &text("+5511988881234", "tudo bem?")).value().to_string();
        told += &post(&mut world, now, &text("bad", "x")).value().to_string();
        for (at, body) in run(&mut world, now) {
            told += &at.millis().to_string();
            told += &body.to_string();
        }
    }
    told
}

#[test]
fn a_seed_is_a_run() {
    assert_eq!(story(3), story(3));
    assert_ne!(story(3), story(4));
}

#[test]
fn a_saved_world_continues_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("world.json");
    assert!(load(&path).unwrap().is_none());
    let mut world = world_with(|config| config.strangers = Strangers::WindowOpen);
    accepted(&mut world, T0, &text("+16505551234", "x"));
    world.say("Ana", "oi", T0).unwrap();
    let under_way = world.advance(T0);
    assert_eq!(under_way.len(), 1);
    save(&world, &path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    save(&world, &path).unwrap();
    let mut loaded = load(&path).unwrap().unwrap();
    assert_eq!(loaded.counts(), world.counts());
    assert_eq!(loaded.due(), Some(T0), "the webhook under way is due again");
    let seen = run(&mut loaded, T0 + hours(1));
    assert_eq!(seen[0].1, body(&under_way[0]));
    assert_eq!(words(&seen), ["sent", "delivered", "read"]);
    world.webhook_answered(T0, under_way[0].id, PostOutcome::Answered(200));
    assert_eq!(run(&mut world, T0 + hours(1)), seen[1..], "as if it had never been saved");
    std::fs::write(&path, "{}").unwrap();
    assert!(load(&path).is_err());
}
