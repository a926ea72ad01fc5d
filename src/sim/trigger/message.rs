//! What concerns conversations: messages, statuses, echoes, the history, identities.

use serde_json::{Value, json};

use super::{Change, Kind, Scene, extend, kind};

/// In the order in which they are listed.
pub(super) const KINDS: &[Kind] = &[
    kind("text", "a text", |scene| {
        message(scene, "text", json!({ "body": scene.body_or("Hello!") }))
    }),
    kind("image", "an image with a caption", |scene| {
        media(
            scene,
            "image",
            json!({ "caption": scene.body_or("A photo"), "mime_type": "image/jpeg" }),
        )
    }),
    kind("video", "a video", |scene| media(scene, "video", json!({ "mime_type": "video/mp4" }))),
    kind("audio", "a sound file", |scene| {
        media(scene, "audio", json!({ "mime_type": "audio/mpeg", "voice": false }))
    }),
    kind("voice", "a voice message", |scene| {
        media(scene, "audio", json!({ "mime_type": "audio/ogg; codecs=opus", "voice": true }))
    }),
    kind("document", "a document with a name", |scene| {
        let name = scene.body_or("invoice.pdf");
        media(scene, "document", json!({ "filename": name, "mime_type": "application/pdf" }))
    }),
    kind("sticker", "an animated sticker", |scene| {
        media(scene, "sticker", json!({ "mime_type": "image/webp", "animated": true }))
    }),
    kind("location", "a place", |scene| {
        let place = json!({
            "latitude": 37.4847, "longitude": -122.1473,
            "name": scene.body_or("Main Street Market"), "address": "1 Main Street",
        });
        message(scene, "location", place)
    }),
    kind("contacts", "a contact card", |scene| message(scene, "contacts", json!([card(scene)]))),
    kind("contact-request", "their own number, after they were asked for it", |scene| {
        let mut own = card(scene);
        own["origin"] = "contact_request".into();
        message(scene, "contacts", json!([own]))
    }),
    kind("reaction", "an emoji on a message of the business", |scene| {
        message(
            scene,
            "reaction",
            json!({ "message_id": scene.sent, "emoji": scene.body_or("👍") }),
        )
    }),
    kind("reaction-removed", "the emoji taken back: its key is missing", |scene| {
        message(scene, "reaction", json!({ "message_id": scene.sent }))
    }),
    kind("button-reply", "a reply button of an interactive message", |scene| {
        let chosen = json!({ "id": "yes", "title": scene.body_or("Yes") });
        answer(scene, json!({ "type": "button_reply", "button_reply": chosen }))
    }),
    kind("list-reply", "a row of a list message", |scene| {
        let row =
            json!({ "id": "row-1", "title": scene.body_or("Tomorrow"), "description": "9:00" });
        answer(scene, json!({ "type": "list_reply", "list_reply": row }))
    }),
    kind("form-reply", "a form (flow) filled in", |scene| {
        let form = json!({
            "response_json": "{\"flow_token\":\"t\",\"name\":\"Sheena\"}", "body": "Sent", "name": "flow",
        });
        answer(scene, json!({ "type": "nfm_reply", "nfm_reply": form }))
    }),
    kind("call-permission", "an answer to a request for calls", |scene| {
        let reply = json!({ "response": "accept", "response_source": "user_action" });
        answer(scene, json!({ "type": "call_permission_reply", "call_permission_reply": reply }))
    }),
    kind("button", "a quick reply of a template", |scene| {
        let button = json!({ "payload": "STOP", "text": scene.body_or("Stop") });
        replying(scene, message(scene, "button", button))
    }),
    kind("order", "an order from the catalogue", |scene| {
        let item = json!({
            "product_retailer_id": "sku-1", "quantity": 2, "item_price": 9.5, "currency": "BRL",
        });
        let order = json!({
            "catalog_id": "9001", "text": scene.body_or("Please"), "product_items": [item],
        });
        message(scene, "order", order)
    }),
    kind("reply", "a text that quotes a message of the business", |scene| {
        replying(scene, message(scene, "text", json!({ "body": scene.body_or("About this one") })))
    }),
    kind("forwarded", "a forwarded text", |scene| {
        with(text(scene, "Look"), "context", json!({ "forwarded": true }))
    }),
    kind("forwarded-often", "a text forwarded more than five times", |scene| {
        with(text(scene, "Look"), "context", json!({ "frequently_forwarded": true }))
    }),
    kind("product-inquiry", "a question about a product of the catalogue", |scene| {
        let product = json!({ "catalog_id": "9001", "product_retailer_id": "sku-1" });
        let context =
            json!({ "from": scene.display_number, "id": scene.sent, "referred_product": product });
        with(text(scene, "Is it in stock?"), "context", context)
    }),
    kind("ad", "a text from an ad that opens WhatsApp", |scene| {
        let referral = json!({
            "source_url": "https://fb.me/1", "source_id": "1201", "source_type": "ad",
            "headline": "New arrivals", "body": "Ask us", "media_type": "image",
            "image_url": "https://example.com/1.jpg", "ctwa_clid": "ARAkLkA8",
        });
        with(text(scene, "Tell me more"), "referral", referral)
    }),
    kind("no-phone", "a text of a user who hides the phone number and has a username", no_phone),
    kind("group", "a text in a group", |scene| {
        with(text(scene, "Hello all"), "group_id", "Y2FwaV9ncm91cDo".into())
    }),
    kind("edit", "their earlier message, edited", |scene| {
        let new = json!({ "type": "text", "text": { "body": scene.body_or("As I meant it") } });
        message(scene, "edit", json!({ "original_message_id": scene.received, "message": new }))
    }),
    kind("revoke", "their earlier message, deleted", |scene| {
        message(scene, "revoke", json!({ "original_message_id": scene.received }))
    }),
    kind("welcome", "the chat opened for the first time", |scene| {
        plain(scene, json!({ "type": "request_welcome" }))
    }),
    kind("unsupported", "something that is not passed on to programs", |scene| {
        let error = error(scene, 131_051, "Message type unknown", "Message type is not supported.");
        plain(
            scene,
            json!({
                "type": "unsupported", "errors": [error], "unsupported": { "type": "poll_creation" },
            }),
        )
    }),
    kind("unavailable", "a message that is not there yet (131060)", |scene| {
        let error = error(scene, 131_060, "Message unavailable", "The message is unavailable.");
        plain(scene, json!({ "type": "unsupported", "errors": [error] }))
    }),
    kind("unknown-type", "a type that no program knows yet", |scene| {
        message(scene, "hologram", json!({ "id": "1" }))
    }),
    kind("system-number", "they have another number now", |scene| {
        let new = format!("{}9", scene.from);
        let body = format!("{} changed from {} to {new}", scene.name, scene.from);
        system(scene, json!({ "body": body, "wa_id": new, "type": "user_changed_number" }))
    }),
    kind("system-user-id", "they have another user id now", |scene| {
        let body = format!("{} changed their user id", scene.name);
        let new = format!("{}7", scene.user_id());
        system(scene, json!({ "body": body, "user_id": new, "type": "user_changed_user_id" }))
    }),
    kind("system-identity", "their security code changed", |scene| {
        let identity = json!({
            "acknowledged": false, "created_timestamp": scene.timestamp(), "hash": "DF2lS5v2W6x=",
        });
        let body = "The identity of the customer changed";
        let kind = "customer_identity_changed";
        system(scene, json!({ "body": body, "type": kind, "identity": identity }))
    }),
    kind("error", "an error without a message", |scene| {
        let error = error(
            scene,
            130_429,
            "Rate limit hit",
            "Cloud API message throughput has been reached.",
        );
        messages(scene.value(json!({ "errors": [error] })))
    }),
    kind("sent", "a message of the business is on its way", |scene| status(scene, "sent")),
    kind("delivered", "it is on their device", |scene| status(scene, "delivered")),
    kind("read", "they saw it", |scene| status(scene, "read")),
    kind("played", "they played the voice message", |scene| status(scene, "played")),
    kind("failed", "it could not be delivered; --code says why", failed),
    kind("status", "the same as delivered; --set status=read changes it", |scene| {
        status(scene, "delivered")
    }),
    kind("status-no-phone", "a status about a user who hides the phone number", |scene| {
        let mut change = status(scene, "delivered");
        if let Some(status) = thing(&mut change, "statuses") {
            status.remove("recipient_id");
            status.insert("recipient_user_id".to_owned(), scene.user_id().into());
        }
        change
    }),
    kind("status-group", "a status of one member of a group", |scene| {
        let mut change = status(scene, "delivered");
        if let Some(status) = thing(&mut change, "statuses") {
            status.insert("recipient_type".to_owned(), "group".into());
            status.insert("recipient_id".to_owned(), "Y2FwaV9ncm91cDo".into());
            status.insert("recipient_participant_id".to_owned(), scene.from.clone().into());
        }
        change
    }),
    kind("echo", "a message sent from the phone of the business", |scene| {
        echo(scene, json!({ "type": "text", "text": { "body": scene.body_or("From the phone") } }))
    }),
    kind("echo-image", "an image sent from the phone of the business", |scene| {
        echo(scene, json!({ "type": "image", "image": file(json!({ "mime_type": "image/jpeg" })) }))
    }),
    kind("echo-edit", "a message of the business, edited on the phone", |scene| {
        let new = json!({ "type": "text", "text": { "body": scene.body_or("As we meant it") } });
        let edit = json!({ "original_message_id": scene.sent, "message": new });
        echo(scene, json!({ "type": "edit", "edit": edit }))
    }),
    kind("echo-revoke", "a message of the business, deleted on the phone", |scene| {
        let revoke = json!({ "original_message_id": scene.sent });
        echo(scene, json!({ "type": "revoke", "revoke": revoke }))
    }),
    kind("history", "an older conversation, after the phone was connected", history),
    kind("history-declined", "the phone does not share its history", |scene| {
        let error = error(scene, 2_593_109, "History sync is turned off", "The business declined.");
        Change {
            field: "history",
            value: scene.value(json!({ "history": [{ "errors": [error] }] })),
        }
    }),
    kind("user-id-update", "the user id of a person was replaced", |scene| {
        let update = json!({
            "wa_id": scene.from, "detail": "The user id changed",
            "user_id": { "previous": scene.user_id(), "current": format!("{}7", scene.user_id()) },
            "timestamp": scene.seconds(),
        });
        let value = scene.value(json!({ "contacts": [person(scene)], "user_id_update": [update] }));
        Change { field: "user_id_update", value }
    }),
    kind("preference-stop", "they want no marketing messages", |scene| preference(scene, "stop")),
    kind("preference-resume", "they want marketing messages again", |scene| {
        preference(scene, "resume")
    }),
    kind("phone-book", "a contact in the address book of the phone", |scene| {
        let contact = json!({
            "full_name": scene.name, "first_name": scene.name, "phone_number": scene.from,
        });
        let entry = json!({
            "type": "contact", "contact": contact, "action": "add",
            "metadata": { "timestamp": scene.timestamp() },
        });
        let value = scene.value(json!({ "state_sync": [entry] }));
        Change { field: "smb_app_state_sync", value }
    }),
];

const fn messages(value: Value) -> Change {
    Change { field: "messages", value }
}

fn person(scene: &Scene) -> Value {
    let mut person = json!({ "profile": { "name": scene.name }, "wa_id": scene.from });
    if let Some(user) = &scene.user_id {
        person["user_id"] = user.clone().into();
    }
    person
}

/// A message with its type and whatever else it has.
fn plain(scene: &Scene, rest: Value) -> Change {
    let mut message =
        json!({ "from": scene.from, "id": scene.wamid, "timestamp": scene.timestamp() });
    if let Some(user) = &scene.user_id {
        message["from_user_id"] = user.clone().into();
    }
    extend(&mut message, rest);
    messages(scene.value(json!({ "contacts": [person(scene)], "messages": [message] })))
}

fn message(scene: &Scene, kind: &str, body: Value) -> Change {
    let mut rest = json!({ "type": kind });
    rest[kind] = body;
    plain(scene, rest)
}

fn text(scene: &Scene, default: &str) -> Change {
    message(scene, "text", json!({ "body": scene.body_or(default) }))
}

fn media(scene: &Scene, kind: &str, rest: Value) -> Change {
    message(scene, kind, file(rest))
}

/// The hash is in base64 here and in hex where the file is fetched.
fn file(rest: Value) -> Value {
    let mut file = json!({
        "id": "1908647269898587",
        "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
    });
    extend(&mut file, rest);
    file
}

fn card(scene: &Scene) -> Value {
    json!({
        "name": { "formatted_name": scene.body_or("Ana Souza"), "first_name": "Ana" },
        "phones": [{ "phone": "+1 555 123 0002", "wa_id": "15551230002", "type": "Mobile" }],
    })
}

/// The list's first thing, to be changed.
fn thing<'a>(change: &'a mut Change, list: &str) -> Option<&'a mut serde_json::Map<String, Value>> {
    change.value.get_mut(list)?.get_mut(0)?.as_object_mut()
}

fn with(mut change: Change, key: &str, value: Value) -> Change {
    if let Some(message) = thing(&mut change, "messages") {
        message.insert(key.to_owned(), value);
    }
    change
}

fn replying(scene: &Scene, change: Change) -> Change {
    with(change, "context", json!({ "from": scene.display_number, "id": scene.sent }))
}

fn answer(scene: &Scene, interactive: Value) -> Change {
    replying(scene, message(scene, "interactive", interactive))
}

/// `from` and `wa_id` are left out then, not empty (Meta, business-scoped user ids).
fn no_phone(scene: &Scene) -> Change {
    let user = scene.user_id();
    let username: String = scene.name.to_lowercase().split_whitespace().collect();
    let profile = json!({ "name": scene.name, "username": format!("@{username}") });
    let message = json!({
        "from_user_id": user, "id": scene.wamid, "timestamp": scene.timestamp(), "type": "text",
        "text": { "body": scene.body_or("Hello, from nowhere") },
    });
    let person = json!({ "profile": profile, "user_id": user });
    messages(scene.value(json!({ "contacts": [person], "messages": [message] })))
}

/// Without `contacts`, as Meta posts it.
fn system(scene: &Scene, system: Value) -> Change {
    let mut message = json!({
        "from": scene.from, "id": scene.wamid, "timestamp": scene.timestamp(), "type": "system",
    });
    message["system"] = system;
    messages(scene.value(json!({ "messages": [message] })))
}

fn error(scene: &Scene, code: i64, title: &str, details: &str) -> Value {
    let code = scene.code.unwrap_or(code);
    json!({
        "code": code, "title": title, "message": title, "error_data": { "details": details },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}

fn status(scene: &Scene, status: &str) -> Change {
    let mut report = json!({
        "id": scene.sent, "status": status, "timestamp": scene.timestamp(),
        "recipient_id": scene.from,
    });
    if status == "sent" {
        report["pricing"] = json!({
            "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility",
        });
    }
    messages(scene.value(json!({ "statuses": [report] })))
}

fn failed(scene: &Scene) -> Change {
    let mut change = status(scene, "failed");
    let error = error(scene, 131_047, "Re-engagement message", "More than 24 hours have passed.");
    if let Some(report) = thing(&mut change, "statuses") {
        report.insert("errors".to_owned(), json!([error]));
    }
    change
}

fn echo(scene: &Scene, rest: Value) -> Change {
    let mut message = json!({
        "from": scene.display_number, "to": scene.from, "id": scene.wamid,
        "timestamp": scene.timestamp(),
    });
    extend(&mut message, rest);
    let value = scene.value(json!({ "contacts": [person(scene)], "message_echoes": [message] }));
    Change { field: "smb_message_echoes", value }
}

/// States are in capitals here.
fn history(scene: &Scene) -> Change {
    let old = json!({
        "from": scene.from, "id": scene.wamid, "timestamp": (scene.seconds() - 90_000).to_string(),
        "type": "text", "text": { "body": scene.body_or("Long ago") },
        "history_context": { "status": "READ" },
    });
    let chunk = json!({
        "metadata": { "phase": 0, "chunk_order": 1, "progress": 100 },
        "threads": [{ "id": scene.from, "messages": [old] }],
    });
    Change { field: "history", value: scene.value(json!({ "history": [chunk] })) }
}

fn preference(scene: &Scene, wish: &str) -> Change {
    let preference = json!({
        "wa_id": scene.from, "detail": format!("The user chose {wish}"),
        "category": "marketing_messages", "value": wish, "timestamp": scene.seconds(),
    });
    let value =
        scene.value(json!({ "contacts": [person(scene)], "user_preferences": [preference] }));
    Change { field: "user_preferences", value }
}
