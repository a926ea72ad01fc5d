//! Whether a send is one that Meta takes: the envelope and the bodies of every plain type.

use std::ops::RangeInclusive;

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::refusal::Refusal;
use super::check_interactive::check_interactive;
use super::field::Field;
use super::media::MediaShelf;
use super::template::{Catalogue, Filled, fill};

/// What a body may refer to.
pub(super) struct Known<'a> {
    pub(super) media: &'a MediaShelf,
    pub(super) templates: &'a Catalogue,
}

const TYPES: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
];

/// Who a send is for, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To<'a> {
    Number(&'a str),
    UserId(&'a str),
}

/// A send whose shape is right.
pub(super) struct Checked<'a> {
    pub(super) to: To<'a>,
    pub(super) kind: &'a str,
    pub(super) callback: Option<&'a str>,
    /// What a template comes to.
    pub(super) filled: Option<(String, Filled)>,
}

/// Checks the shape of a send, from the envelope to the last button.
pub(super) fn check<'a>(body: &'a Value, known: &Known<'_>) -> Result<Checked<'a>, Refusal> {
    let root = Field::root(body)?;
    product(&root)?;
    if root.get("recipient_type").is_some() {
        // Groups have no world here; Meta's answer for an unknown one is 131041.
        if root.one_of("recipient_type", &["individual", "group"])? == "group" {
            return Err(Refusal::new(131_041, "The group does not exist."));
        }
    }
    // `to` wins when both are given.
    let to = match root.text("to", 64)?.filter(|to| !to.trim().is_empty()) {
        Some(to) => To::Number(to),
        None => match root.text("recipient", 200)?.filter(|to| !to.is_empty()) {
            Some(user_id) => To::UserId(user_id),
            None => return Err(Refusal::parameter("The parameter to is required.")),
        },
    };
    let kind = if root.get("type").is_some() { root.one_of("type", &TYPES)? } else { "text" };
    root.only(&[
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        "context",
        "biz_opaque_callback_data",
        "recipient_identity_key_hash",
        "messaging_account_id",
        "paid_messaging_account_id",
        kind,
    ])?;
    if let Some(context) = root.object("context")? {
        context.only(&["message_id"])?;
        context.need_text("message_id", 1_000)?;
        if kind == "reaction" {
            return Err(Refusal::parameter("Param context is not allowed with a reaction."));
        }
    }
    root.text("recipient_identity_key_hash", 200)?;
    let callback = root.text("biz_opaque_callback_data", 512)?;
    let filled = check_body(&root, kind, known)?;
    Ok(Checked { to, kind, callback, filled })
}

/// `messaging_product` must be `whatsapp` on every call of this endpoint.
pub(super) fn product(root: &Field<'_>) -> Result<(), Refusal> {
    match root.get("messaging_product").map(Value::as_str) {
        Some(Some("whatsapp")) => Ok(()),
        Some(_) => Err(Refusal::parameter("Param messaging_product must be one of {WHATSAPP}.")),
        None => Err(Refusal::parameter("The parameter messaging_product is required.")),
    }
}

/// Checks the body; answers what a template comes to, with its id.
fn check_body(
    root: &Field<'_>,
    kind: &str,
    known: &Known<'_>,
) -> Result<Option<(String, Filled)>, Refusal> {
    if kind == "contacts" {
        root.objects("contacts", 1..=257)?.iter().try_for_each(check_contact)?;
        return Ok(None);
    }
    let body = root.need_object(kind)?;
    match kind {
        "text" => check_text(&body),
        "location" => check_location(&body),
        "reaction" => check_reaction(&body),
        "interactive" => check_interactive(&body, known.media),
        "template" => return check_template(&body, known).map(Some),
        _ => check_media(&body, kind, known.media),
    }?;
    Ok(None)
}

fn check_template(template: &Field<'_>, known: &Known<'_>) -> Result<(String, Filled), Refusal> {
    template.only(&["name", "language", "components", "namespace"])?;
    let name = template.need_text("name", 512)?;
    let language = template.need_object("language")?;
    language.only(&["code", "policy"])?;
    let code = language.need_text("code", 20)?;
    let entry = known.templates.sendable(name, code)?;
    let given = match template.get("components") {
        Some(_) => template.objects("components", 0..=20)?,
        None => Vec::new(),
    };
    Ok((entry.id.clone(), fill(entry, &given, known.media)?))
}

fn check_text(text: &Field<'_>) -> Result<(), Refusal> {
    text.only(&["body", "preview_url"])?;
    text.need_text("body", 4_096)?;
    text.flag("preview_url").map(drop)
}

/// The media object of a message or a header: exactly one of id and link, and what its type allows.
pub(super) fn check_media(
    media: &Field<'_>,
    kind: &str,
    shelf: &MediaShelf,
) -> Result<(), Refusal> {
    media.only(match kind {
        "image" | "video" => &["id", "link", "caption", "provider"],
        "document" => &["id", "link", "caption", "filename", "provider"],
        "audio" => &["id", "link", "voice", "provider"],
        _ => &["id", "link", "provider"],
    })?;
    media.text("caption", 1_024)?;
    media.text("filename", 240)?;
    let voice = media.flag("voice")?;
    match (media.text("id", 200)?, media.url("link")?) {
        (Some(_), Some(_)) => Err(media.invalid("id", "cannot be given together with link.")),
        (None, None) => Err(media.missing("id")),
        (None, Some(_)) => Ok(()),
        (Some(id), None) => {
            let mime = shelf.mime(id).ok_or_else(|| media.invalid("id", "is not a media id."))?;
            if voice && !mime.starts_with("audio/ogg") {
                return Err(media.invalid("voice", "needs an OGG file with the OPUS codec."));
            }
            Ok(())
        }
    }
}

fn check_location(location: &Field<'_>) -> Result<(), Refusal> {
    location.only(&["latitude", "longitude", "name", "address"])?;
    location.number("latitude", -90.0..=90.0)?;
    location.number("longitude", -180.0..=180.0)?;
    location.text("name", 1_000)?;
    location.text("address", 1_000).map(drop)
}

fn check_reaction(reaction: &Field<'_>) -> Result<(), Refusal> {
    reaction.only(&["message_id", "emoji"])?;
    reaction.need_text("message_id", 1_000)?;
    reaction.need("emoji")?;
    // An empty one removes the reaction. One emoji can be many characters: families, flags.
    let emoji = reaction.text("emoji", 64)?.unwrap_or("");
    if !emoji.is_empty() && !is_one_emoji(emoji) {
        return Err(reaction.invalid("emoji", "must be one emoji."));
    }
    Ok(())
}

/// One grapheme that is drawn as a picture: a keycap, a flag, or whatever begins in a block of emoji.
fn is_one_emoji(text: &str) -> bool {
    const KEYCAP: char = '\u{20e3}';
    const FLAGS: RangeInclusive<char> = '\u{1f1e6}'..='\u{1f1ff}';
    /// Where Unicode's emoji-data.txt has characters with `Extended_Pictographic`.
    const PICTURES: [RangeInclusive<char>; 16] = [
        '\u{a9}'..='\u{a9}',
        '\u{ae}'..='\u{ae}',
        '\u{203c}'..='\u{203c}',
        '\u{2049}'..='\u{2049}',
        '\u{2122}'..='\u{2122}',
        '\u{2139}'..='\u{2139}',
        '\u{2194}'..='\u{21aa}',
        '\u{231a}'..='\u{23ff}',
        '\u{24c2}'..='\u{24c2}',
        '\u{25aa}'..='\u{27bf}',
        '\u{2934}'..='\u{2935}',
        '\u{2b05}'..='\u{2b55}',
        '\u{3030}'..='\u{303d}',
        '\u{3297}'..='\u{3299}',
        '\u{1f000}'..='\u{1f1e5}',
        '\u{1f200}'..='\u{1faff}',
    ];
    let mut chars = text.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else { return false };
    text.graphemes(true).count() == 1
        && ((matches!(first, '0'..='9' | '#' | '*') && text.ends_with(KEYCAP))
            || PICTURES.iter().any(|block| block.contains(&first))
            || (FLAGS.contains(&first) && second.is_some_and(|second| FLAGS.contains(&second))))
}

fn check_contact(contact: &Field<'_>) -> Result<(), Refusal> {
    contact.only(&["name", "phones", "emails", "addresses", "org", "urls", "birthday"])?;
    let name = contact.need_object("name")?;
    name.only(&["formatted_name", "first_name", "last_name", "middle_name", "prefix", "suffix"])?;
    name.need_text("formatted_name", 1_000)?;
    let lists: [(&str, &[&str]); 4] = [
        ("phones", &["phone", "type", "wa_id"]),
        ("emails", &["email", "type"]),
        ("urls", &["url", "type"]),
        ("addresses", &["street", "city", "state", "zip", "country", "country_code", "type"]),
    ];
    for (list, keys) in lists {
        if contact.get(list).is_some() {
            contact.objects(list, 0..=100)?.iter().try_for_each(|entry| entry.only(keys))?;
        }
    }
    if let Some(org) = contact.object("org")? {
        org.only(&["company", "department", "title"])?;
    }
    if let Some(birthday) = contact.text("birthday", 10)? {
        let shape = |(index, digit): (usize, u8)| match index {
            4 | 7 => digit == b'-',
            _ => digit.is_ascii_digit(),
        };
        if birthday.len() != 10 || !birthday.bytes().enumerate().all(shape) {
            return Err(contact.invalid("birthday", "must be YYYY-MM-DD."));
        }
    }
    Ok(())
}
