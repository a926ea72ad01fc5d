//! Whether an interactive send is one that Meta takes: every `interactive.type` with its limits.

use std::collections::BTreeSet;

use super::super::refusal::Refusal;
use super::check::check_media;
use super::field::Field;
use super::media::MediaShelf;

/// What one `interactive.type` allows around its action.
struct Frame {
    /// Most characters of `body.text`.
    body: usize,
    body_required: bool,
    header: &'static [&'static str],
    header_required: bool,
    footer: bool,
}

const ANY_HEADER: &[&str] = &["text", "image", "video", "document"];

/// A body and nothing else around it.
const BARE: Frame =
    Frame { body: 1_024, body_required: true, header: &[], header_required: false, footer: false };

const TYPES: [&str; 15] = [
    "button",
    "list",
    "cta_url",
    "location_request_message",
    "request_contact_info",
    "flow",
    "product",
    "product_list",
    "catalog_message",
    "carousel",
    "address_message",
    "call_permission_request",
    "voice_call",
    "order_details",
    "order_status",
];

fn frame(kind: &str) -> Frame {
    let full = Frame { header: ANY_HEADER, footer: true, ..BARE };
    match kind {
        "list" => Frame { body: 4_096, header: &["text"], ..full },
        "location_request_message" | "request_contact_info" | "carousel" => BARE,
        "product" => Frame { body_required: false, header: &[], ..full },
        "product_list" => Frame { header: &["text"], header_required: true, ..full },
        "catalog_message" => Frame { header: &[], ..full },
        _ => full,
    }
}

pub(super) fn check_interactive(root: &Field<'_>, media: &MediaShelf) -> Result<(), Refusal> {
    root.only(&["type", "header", "body", "footer", "action"])?;
    let kind = root.one_of("type", &TYPES)?;
    let frame = frame(kind);
    check_header(root, &frame, media)?;
    match root.object("body")? {
        Some(body) => words(&body, frame.body)?,
        None if frame.body_required => return Err(root.missing("body")),
        None => {}
    }
    if let Some(footer) = root.object("footer")? {
        if !frame.footer {
            return Err(root.invalid("footer", "is not allowed with this type."));
        }
        words(&footer, 60)?;
    }
    let action = root.need_object("action")?;
    match kind {
        "button" => check_buttons(&action),
        "list" => check_list(&action),
        "cta_url" => check_link(&action),
        "location_request_message" => bare(&action, "send_location"),
        "request_contact_info" => bare(&action, "request_contact_info"),
        "flow" => check_flow(&action),
        "product" => check_product(&action),
        "product_list" => check_products(&action),
        "catalog_message" | "address_message" | "call_permission_request" | "voice_call" => {
            named(&action, kind)
        }
        "carousel" => check_carousel(&action, media),
        "order_details" => {
            named(&action, "review_and_pay")?;
            action.need_object("parameters").map(drop)
        }
        _ => {
            named(&action, "review_order")?;
            action.need_object("parameters").map(drop)
        }
    }
}

/// A text whose length lies within `limits`; outside of them it is 131009 in interactive messages.
fn limited<'a>(
    at: &Field<'a>,
    key: &str,
    limits: std::ops::RangeInclusive<usize>,
) -> Result<&'a str, Refusal> {
    let text = at.text(key, usize::MAX)?.ok_or_else(|| at.missing(key))?;
    if limits.contains(&text.chars().count()) && !text.trim().is_empty() {
        return Ok(text);
    }
    let why = format!("must have from {} to {} characters.", limits.start(), limits.end());
    Err(at.invalid(key, &why))
}

/// A body or a footer: a text and nothing beside it.
fn words(at: &Field<'_>, most: usize) -> Result<(), Refusal> {
    at.only(&["text"])?;
    limited(at, "text", 1..=most).map(drop)
}

/// An action with a fixed name, and with parameters where its type has them.
fn named(action: &Field<'_>, name: &str) -> Result<(), Refusal> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &[name]).map(drop)
}

/// An action that is its name.
fn bare(action: &Field<'_>, name: &str) -> Result<(), Refusal> {
    action.only(&["name"])?;
    named(action, name)
}

fn check_header(root: &Field<'_>, frame: &Frame, media: &MediaShelf) -> Result<(), Refusal> {
    let Some(header) = root.object("header")? else {
        return if frame.header_required { Err(root.missing("header")) } else { Ok(()) };
    };
    if frame.header.is_empty() {
        return Err(root.invalid("header", "is not allowed with this type."));
    }
    header.only(&["type", "text", "sub_text", "image", "video", "document"])?;
    match header.one_of("type", frame.header)? {
        "text" => limited(&header, "text", 1..=60).map(drop),
        kind => check_media(&header.need_object(kind)?, kind, media),
    }
}

fn check_buttons(action: &Field<'_>) -> Result<(), Refusal> {
    action.only(&["buttons"])?;
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for button in action.objects("buttons", 1..=3)? {
        button.only(&["type", "reply"])?;
        button.one_of("type", &["reply"])?;
        let reply = button.need_object("reply")?;
        reply.only(&["id", "title"])?;
        if !ids.insert(limited(&reply, "id", 1..=256)?) {
            return Err(reply.invalid("id", "must be unique."));
        }
        if !titles.insert(limited(&reply, "title", 1..=20)?) {
            return Err(reply.invalid("title", "must be unique."));
        }
    }
    Ok(())
}

fn check_list(action: &Field<'_>) -> Result<(), Refusal> {
    action.only(&["button", "sections"])?;
    limited(action, "button", 1..=20)?;
    let sections = action.objects("sections", 1..=10)?;
    let (mut ids, mut rows) = (BTreeSet::new(), 0);
    for section in &sections {
        section.only(&["title", "rows"])?;
        if sections.len() > 1 || section.get("title").is_some() {
            limited(section, "title", 1..=24)?;
        }
        for row in section.objects("rows", 1..=10)? {
            row.only(&["id", "title", "description"])?;
            rows += 1;
            limited(&row, "title", 1..=24)?;
            if row.get("description").is_some() {
                limited(&row, "description", 0..=72)?;
            }
            if !ids.insert(limited(&row, "id", 1..=200)?) {
                return Err(row.invalid("id", "must be unique."));
            }
        }
    }
    if rows > 10 {
        return Err(action.invalid("sections", "must have at most 10 rows in total."));
    }
    Ok(())
}

fn check_link(action: &Field<'_>) -> Result<(), Refusal> {
    named(action, "cta_url")?;
    let parameters = action.need_object("parameters")?;
    parameters.only(&["display_text", "url"])?;
    limited(&parameters, "display_text", 1..=20)?;
    parameters.url("url")?.map(drop).ok_or_else(|| parameters.missing("url"))
}

fn check_flow(action: &Field<'_>) -> Result<(), Refusal> {
    named(action, "flow")?;
    let flow = action.need_object("parameters")?;
    flow.only(&[
        "flow_message_version",
        "flow_id",
        "flow_name",
        "flow_cta",
        "flow_token",
        "flow_action",
        "flow_action_payload",
        "mode",
    ])?;
    flow.need("flow_message_version")?;
    limited(&flow, "flow_cta", 1..=30)?;
    if flow.get("flow_id").is_some() == flow.get("flow_name").is_some() {
        return Err(flow.invalid("flow_id", "or flow_name must be given, and only one of them."));
    }
    if flow.get("flow_action").is_some() {
        flow.one_of("flow_action", &["navigate", "data_exchange"])?;
    }
    if flow.get("mode").is_some() {
        flow.one_of("mode", &["draft", "published"])?;
    }
    Ok(())
}

fn check_product(action: &Field<'_>) -> Result<(), Refusal> {
    action.only(&["catalog_id", "product_retailer_id"])?;
    action.need_text("catalog_id", 200)?;
    action.need_text("product_retailer_id", 200).map(drop)
}

fn check_products(action: &Field<'_>) -> Result<(), Refusal> {
    action.only(&["catalog_id", "sections"])?;
    action.need_text("catalog_id", 200)?;
    let sections = action.objects("sections", 1..=10)?;
    let mut products = 0;
    for section in &sections {
        section.only(&["title", "product_items"])?;
        if sections.len() > 1 || section.get("title").is_some() {
            limited(section, "title", 1..=24)?;
        }
        for product in section.objects("product_items", 1..=30)? {
            product.only(&["product_retailer_id"])?;
            product.need_text("product_retailer_id", 200)?;
            products += 1;
        }
    }
    if products > 30 {
        return Err(action.invalid("sections", "must have at most 30 products in total."));
    }
    Ok(())
}

fn check_carousel(action: &Field<'_>, media: &MediaShelf) -> Result<(), Refusal> {
    action.only(&["cards"])?;
    for (index, card) in action.objects("cards", 2..=10)?.iter().enumerate() {
        card.only(&["card_index", "type", "header", "body", "action"])?;
        #[expect(clippy::cast_precision_loss, reason = "an index of at most 9")]
        let index = index as f64;
        card.number("card_index", index..=index)?;
        let kind = card.one_of("type", &["cta_url", "product", "button"])?;
        if let Some(body) = card.object("body")? {
            words(&body, 160)?;
        }
        if let Some(header) = card.object("header")? {
            header.only(&["type", "image", "video"])?;
            let kind = header.one_of("type", &["image", "video"])?;
            check_media(&header.need_object(kind)?, kind, media)?;
        }
        let action = card.need_object("action")?;
        match kind {
            "cta_url" => check_link(&action)?,
            "product" => check_product(&action)?,
            _ => check_buttons(&action)?,
        }
    }
    Ok(())
}
