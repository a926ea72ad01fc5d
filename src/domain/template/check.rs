//! Whether a value may go where it is to go: Meta's limits, in words for the field that breaks them.

use std::fmt;

use super::file::{FileSource, file_source, is_taken, takes};
use super::fill::render;
use super::slot::{HEADER_MAX, body_max};
use super::{Filling, MediaFormat, Place, Rule, SentHeader, Slot, Template, slots};

/// Characters of a link (Meta, template components).
pub(super) const URL_MAX: usize = 2000;
/// Meta refuses more spaces than this in a row in a variable (132018).
const SPACES_MAX: usize = 4;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The field.
    pub place: Place,
    /// What is wrong and what would be right, without the field's name.
    pub words: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

/// What is wrong with `value` in `slot`, if anything. Spaces around a value do not count. What it looks at
/// is the value alone; [`flaws`] looks at the whole message too.
#[must_use]
pub fn check(slot: &Slot, value: &str) -> Option<Flaw> {
    let value = value.trim();
    let words = if value.is_empty() {
        slot.rule.is_required().then(|| format!("is missing: {}", wanted(slot.rule)))
    } else {
        wrong(slot, value).or_else(|| too_long(slot, value))
    };
    words.map(|words| Flaw { place: slot.place.clone(), words })
}

/// Everything that is wrong with the values for a template, values for places that it does not have
/// included. Empty when it can be sent as far as the values are concerned.
#[must_use]
pub fn flaws(template: &Template, filling: &Filling) -> Vec<Flaw> {
    let slots = slots(template);
    let value = |place: &Place| filling.get(place).map_or("", String::as_str);
    let mut flaws: Vec<Flaw> =
        slots.iter().filter_map(|slot| check(slot, value(&slot.place))).collect();
    flaws.extend(
        filling
            .keys()
            .filter(|place| slots.iter().all(|slot| slot.place != **place))
            .map(|place| Flaw { place: place.clone(), words: unknown(&slots) }),
    );
    if flaws.is_empty() {
        flaws.extend(whole(template, filling, &slots));
    }
    flaws
}

fn unknown(slots: &[Slot]) -> String {
    if slots.is_empty() {
        return "the template has nothing to fill in".to_owned();
    }
    let places: Vec<String> = slots.iter().map(|slot| slot.place.to_string()).collect();
    format!("the template has no such place; it has {}", places.join(", "))
}

/// The parts that are too long only with their values in place, named by the longest of these (132005).
fn whole(template: &Template, filling: &Filling, slots: &[Slot]) -> Vec<Flaw> {
    let sent = render(template, filling);
    let header = match &sent.header {
        Some(SentHeader::Text { text, .. }) => text.as_str(),
        _ => "",
    };
    let parts = [
        (Rule::HeaderText, "header", header, HEADER_MAX),
        (Rule::BodyText, "body", sent.text.as_str(), body_max(template)),
    ];
    let mut flaws = Vec::new();
    for (rule, what, text, max) in parts {
        let is = text.chars().count();
        let longest = slots
            .iter()
            .filter(|slot| slot.rule == rule)
            .max_by_key(|slot| filling.get(&slot.place).map_or(0, |value| value.chars().count()));
        if let Some(slot) = longest.filter(|_| is > max) {
            let words = format!(
                "the {what} has {is} characters with it, and Meta takes at most {max}; shorten it \
                 by {}",
                is - max
            );
            flaws.push(Flaw { place: slot.place.clone(), words });
        }
    }
    flaws
}

/// What a field is to be filled in with, in plain words.
#[must_use]
pub const fn wanted(rule: Rule) -> &'static str {
    match rule {
        Rule::HeaderText | Rule::BodyText => "Meta takes no empty variable",
        Rule::Media(_) => "a file, an https link or a media id",
        Rule::Location => "latitude, longitude, name, address",
        Rule::UrlSuffix => "what stands at the end of the link",
        Rule::OfferCode => "the code to copy",
        Rule::OneTimePassword => "the one-time password",
        Rule::Payload => "what comes back when it is pressed",
        Rule::FlowToken => "what comes back with the answers",
        Rule::Product => "the article's own id",
    }
}

fn too_long(slot: &Slot, value: &str) -> Option<String> {
    let is = value.chars().count();
    let max = slot.max.filter(|max| is > *max)?;
    Some(format!("has {is} characters, and Meta takes at most {max}"))
}

/// What is wrong with a value that is there.
fn wrong(slot: &Slot, value: &str) -> Option<String> {
    match slot.rule {
        Rule::HeaderText | Rule::BodyText => text(value),
        Rule::Media(format) => media(format, value),
        Rule::Location => location(value).err(),
        Rule::UrlSuffix => suffix(slot.before.as_deref().unwrap_or_default(), value),
        Rule::OfferCode => (!value.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then(|| "may have letters a to z and digits alone".to_owned()),
        Rule::OneTimePassword => {
            let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_punctuation();
            (!value.chars().all(is_plain))
                .then(|| "may have letters, digits and signs alone, without spaces".to_owned())
        }
        Rule::Payload | Rule::FlowToken | Rule::Product => value
            .chars()
            .any(char::is_control)
            .then(|| "has a line break or another control character in it".to_owned()),
    }
}

/// Meta takes neither line breaks nor tabs nor more than four spaces in a row in a variable (132018).
fn text(value: &str) -> Option<String> {
    if value.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return Some("has a line break in it, which Meta does not take in a variable".to_owned());
    }
    if value.contains('\t') {
        return Some("has a tab in it, which Meta does not take in a variable".to_owned());
    }
    let run = value.split(|c| c != ' ').map(str::len).max().unwrap_or_default();
    (run > SPACES_MAX).then(|| {
        format!("has {run} spaces in a row, and Meta takes at most {SPACES_MAX} in a variable")
    })
}

fn media(format: MediaFormat, value: &str) -> Option<String> {
    match file_source(value) {
        FileSource::Id(_) => None,
        FileSource::Link(link) => {
            let host = link.split_once("://").map_or("", |(_, rest)| rest);
            let has_host = host.starts_with(|c: char| c.is_alphanumeric() || c == '[');
            (!has_host || !is_url(link))
                .then(|| "is no link that Meta could fetch the file from".to_owned())
        }
        FileSource::Path(path) => {
            (!is_taken(format, path)).then(|| format!("is of another kind: {}", takes(format)))
        }
    }
}

/// The four parts of `latitude, longitude, name, address`; the address may have commas of its own.
pub(super) fn location(value: &str) -> Result<(f64, f64, String, String), String> {
    let mut parts = value.splitn(4, ',').map(str::trim);
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (Some(latitude), Some(longitude), Some(name), Some(address)) =
        (next(), next(), next(), next())
    else {
        return Err("write it as latitude, longitude, name, address, as in \
                    `-23.5614, -46.6559, MASP, Av. Paulista 1578`"
            .to_owned());
    };
    let degrees = |what: &str, text: &str, most: f64| {
        text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= most).ok_or_else(|| {
            format!("`{text}` is no {what}: that is a number from -{most} to {most}")
        })
    };
    Ok((
        degrees("latitude", latitude, 90.0)?,
        degrees("longitude", longitude, 180.0)?,
        name.to_owned(),
        address.to_owned(),
    ))
}

fn suffix(base: &str, value: &str) -> Option<String> {
    if !base.is_empty() && value.starts_with(base) {
        let end = value.strip_prefix(base).unwrap_or_default();
        return Some(format!("is the whole link; only its end is wanted: `{end}`"));
    }
    if !is_url(value) {
        return Some(
            "has a space or another sign that no link may have; write it with %, as in %20 for a \
             space"
                .to_owned(),
        );
    }
    let is = base.chars().count() + value.chars().count();
    (is > URL_MAX)
        .then(|| format!("makes a link of {is} characters, and Meta takes at most {URL_MAX}"))
}

/// Whether every character may stand in a URL as it is (RFC 3986), or is a letter of another script, which
/// browsers write with % by themselves.
pub(super) fn is_url(text: &str) -> bool {
    let percents = text.split('%').skip(1).all(|after| {
        let bytes = after.as_bytes();
        bytes.len() >= 2 && bytes.iter().take(2).all(u8::is_ascii_hexdigit)
    });
    percents
        && text.chars().all(|c| {
            c.is_alphanumeric()
                || (c.is_ascii_punctuation() && !"\"<>\\^`{|}".contains(c))
                || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
        })
}
