//! Which requests are meant: the filter of the inspector and of `twoticks events`, and the one of forwarding.

use super::conversation::Contact;
use super::hook::{Facet, Fate, Hook};
use super::time::Timestamp;

/// Chooses requests. Everything that is given has to fit; texts fit in any case of their letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookFilter {
    /// The field: `messages`, `statuses`, `account_update`, ...
    pub field: Option<String>,
    /// The type or status: `text`, `image`, `failed`, ...
    pub kind: Option<String>,
    /// A part of the name, number, username or user id of whom it is about, or of where it came from.
    pub who: Option<String>,
    /// The HTTP status.
    pub code: Option<u16>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Found anywhere in what is told of it or in its body, each of them.
    pub words: Vec<String>,
}

impl HookFilter {
    /// Reads what a person types: `field:statuses type:failed who:ana code:401 since:2h`, and words.
    ///
    /// # Errors
    /// What is wrong with a term, in plain words.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let mut filter = Self::default();
        for term in text.split_whitespace() {
            let (name, value) = term.split_once(':').unwrap_or(("", term));
            let value = value.to_lowercase();
            match name {
                // Half a term, as it is while it is typed, leaves nothing out.
                "field" | "type" | "who" | "code" | "since" if value.is_empty() => {}
                "field" => filter.field = Some(value),
                "type" => filter.kind = Some(value),
                "who" => filter.who = Some(value),
                "code" => {
                    let code = value.parse().map_err(|_no_number| {
                        format!("code:{value} is no HTTP status such as code:401")
                    })?;
                    filter.code = Some(code);
                }
                "since" => {
                    let span = span(&value)
                        .ok_or_else(|| format!("since:{value} is no span such as since:2h"))?;
                    filter.since = Some(Timestamp::from_millis(now.millis().saturating_sub(span)));
                }
                _ => filter.words.push(term.to_lowercase()),
            }
        }
        Ok(filter)
    }

    /// Whether everything fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a request is meant; `body` is what is kept of its body.
    #[must_use]
    pub fn fits(&self, hook: &Hook, body: &[u8]) -> bool {
        self.since.is_none_or(|since| hook.at() >= since)
            && self.code.is_none_or(|code| hook.code() == code)
            && names(self.field.as_ref(), hook, |facet| &facet.field)
            && names(self.kind.as_ref(), hook, |facet| &facet.kind)
            && self.who.as_ref().is_none_or(|wanted| people(hook).any(|who| has(&who, wanted)))
            && self.found(hook, body)
    }

    /// Whether each word is there. A body may have megabytes: it is looked into only for what is nowhere else.
    fn found(&self, hook: &Hook, body: &[u8]) -> bool {
        let elsewhere = |word: &&String| !told(hook).any(|text| has(&text, word));
        let left: Vec<&String> = self.words.iter().filter(elsewhere).collect();
        if left.is_empty() || body.is_empty() {
            return left.is_empty();
        }
        let text = readable(body).to_lowercase();
        left.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A body as a person reads it: Meta escapes what is not ASCII, and slashes. What cannot be read stays as it is.
fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (found, length) = unescaped(escape);
        out.push(found);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The character that an escape of JSON at the start of `text` means, and how long the escape is.
fn unescaped(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    if let Some(first) = unit(0) {
        let pair = [first, unit(6).unwrap_or(0)];
        return match char::decode_utf16(pair).next() {
            Some(Ok(found)) => (found, 6 * found.len_utf16()),
            _ => (char::REPLACEMENT_CHARACTER, 6),
        };
    }
    match text.chars().nth(1) {
        Some('n' | 't' | 'r' | 'b' | 'f') => (' ', 2),
        Some(escaped @ ('"' | '/' | '\\')) => (escaped, 2),
        _ => ('\\', 1),
    }
}

fn names(wanted: Option<&String>, hook: &Hook, of: impl Fn(&Facet) -> &String) -> bool {
    let Some(wanted) = wanted else { return true };
    match &hook.fate {
        Fate::Stored { facets, .. } => {
            facets.iter().any(|facet| of(facet).eq_ignore_ascii_case(wanted))
        }
        Fate::Passed(_) => false,
    }
}

/// `text` lies in any case; `part` is in lower case.
fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}

fn contact(contact: &Contact) -> impl Iterator<Item = String> {
    let number = contact.wa_id.as_ref().map(|number| format!("+{number}"));
    let user = contact.user_id.as_ref().map(ToString::to_string);
    [contact.name.clone(), number, user, contact.username.clone()].into_iter().flatten()
}

fn people(hook: &Hook) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    match &hook.fate {
        Fate::Stored { facets, subjects, .. } => {
            found.extend(facets.iter().filter_map(|facet| facet.who.clone()));
            found.extend(subjects.iter().flatten().flat_map(|subject| contact(&subject.contact)));
        }
        Fate::Passed(arrival) => found.extend(arrival.peer.clone()),
    }
    found.into_iter()
}

fn told(hook: &Hook) -> impl Iterator<Item = String> {
    let mut found: Vec<String> = people(hook).collect();
    match &hook.fate {
        Fate::Stored { row, facets, .. } => {
            found.push(format!("#{}", row.id));
            for facet in facets {
                found.extend([facet.field.clone(), facet.kind.clone()]);
                found.extend(facet.code.map(|code| code.to_string()));
            }
            for effect in &row.effects {
                found.extend([effect.kind.name().to_owned(), effect.field.clone()]);
                found.extend(effect.detail.clone());
            }
            if row.duplicate {
                found.push("duplicate".to_owned());
            }
            if row.replay_of.is_some() {
                found.push("replay".to_owned());
            }
        }
        Fate::Passed(arrival) => {
            found.extend([arrival.why.clone(), arrival.path.clone(), arrival.method.clone()]);
            found.extend(arrival.agent.clone());
        }
    }
    found.into_iter()
}

/// `90s`, `15m`, `2h`, `7d`, in milliseconds.
fn span(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    Some(i64::from(number) * seconds * 1000)
}

/// The fields of webhooks (Meta, webhook fields), with `statuses` and `contacts`, which come in `messages` and are
/// told apart here.
const FIELDS: [&str; 32] = [
    "messages",
    "statuses",
    "contacts",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "user_preferences",
    "user_id_update",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "business_username_update",
    "security",
    "calls",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "partner_solutions",
    "payment_configuration_update",
    "automatic_events",
    "messaging_handovers",
    "standby",
    "tracking_events",
];

/// A field of webhooks, in lower case.
///
/// # Errors
/// That no webhook has it, and what was meant, or what there is.
pub fn known_field(field: &str) -> Result<String, String> {
    let field = field.to_lowercase();
    if FIELDS.contains(&field.as_str()) { Ok(field) } else { Err(unknown(&field)) }
}

/// That no webhook has this field, and what was meant, or what there is.
fn unknown(field: &str) -> String {
    let close = FIELDS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(field, known), *known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4);
    match close.min() {
        Some((_, known)) => format!("no webhook has a field {field:?}; did you mean {known:?}?"),
        None => format!("no webhook has a field {field:?}; there are {}", FIELDS.join(", ")),
    }
}

/// Which webhooks are passed on, by what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(Vec<(String, Option<String>)>);

impl Only {
    /// Reads `messages,statuses:failed`: fields, each with a type or status if only that is meant.
    ///
    /// # Errors
    /// Which part says nothing, or names a field that no webhook has: nothing would ever be passed on.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split(',').map(|term| {
            let (field, kind) = match term.trim().split_once(':') {
                Some((field, kind)) => (field.trim(), Some(kind.trim())),
                None => (term.trim(), None),
            };
            if field.is_empty() || kind.is_some_and(str::is_empty) {
                return Err(format!(
                    "{text:?} has an empty part; write fields such as messages,statuses:failed"
                ));
            }
            let field = known_field(field)?;
            Ok((field, kind.map(str::to_lowercase)))
        });
        terms.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a webhook with these items is meant. Without terms, every one is.
    #[must_use]
    pub fn fits(&self, facets: &[Facet]) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|(field, kind)| {
                facets.iter().any(|facet| {
                    facet.field.eq_ignore_ascii_case(field)
                        && kind.as_ref().is_none_or(|kind| facet.kind.eq_ignore_ascii_case(kind))
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HookFilter, Only};
    use crate::domain::hook::{Arrival, Facet, Fate, Hook, HookKey};
    use crate::domain::id::EventId;
    use crate::domain::time::Timestamp;

    fn refused(at: i64) -> Hook {
        Hook {
            key: HookKey { event: EventId(4), arrival: 1 },
            fate: Fate::Passed(Arrival {
                at: Timestamp::from_secs(at),
                code: 401,
                took: Duration::ZERO,
                why: "bad signature".to_owned(),
                method: "POST".to_owned(),
                path: "/webhook".to_owned(),
                peer: Some("203.0.113.9".to_owned()),
                agent: None,
                length: Some(3),
            }),
        }
    }

    fn fits(text: &str, hook: &Hook) -> bool {
        HookFilter::parse(text, Timestamp::from_secs(10_000)).unwrap().fits(hook, b"")
    }

    /// Words were looked for in what the list tells alone: an order number in a message found nothing.
    #[test]
    fn words_are_found_in_the_body_as_a_person_reads_it() {
        let body = br#"{"text":{"body":"A\u00e7\u00e3o \ud83d\udc4d pedido 1182\nfim"},"url":"https:\/\/a.example\/x","odd":"\ud83d \q"}"#;
        let fits = |text: &str| {
            let filter = HookFilter::parse(text, Timestamp::from_secs(10_000)).unwrap();
            filter.fits(&refused(9_000), body)
        };
        for words in [
            "1182",
            "A\u{c7}\u{c3}O",
            "\u{1f44d}",
            "https://a.example/x",
            "signature 1182",
            "fim \\q",
        ] {
            assert!(fits(words), "{words}");
        }
        for words in ["1183", "signature 1183", "nfim", "who:1182", "u00e7"] {
            assert!(!fits(words), "{words}");
        }
        let broken = [b"caf\xe9 \\u12".as_slice(), &[0xff; 9], b"\\"].concat();
        let filter = HookFilter::parse("caf", Timestamp::from_secs(10_000)).unwrap();
        assert!(filter.fits(&refused(9_000), &broken));
    }

    #[test]
    fn every_term_has_to_fit() {
        let hook = refused(9_000);
        for text in ["", "code:401", "Signature who:113.9", "since:20m", "code: since:", "401 "] {
            assert_eq!(fits(text, &hook), text != "401 ", "{text:?}");
        }
        for text in ["code:200", "signature who:ana", "since:10m", "field:messages", "type:text"] {
            assert!(!fits(text, &hook), "{text:?}");
        }
    }

    #[test]
    fn a_term_that_says_nothing_is_named() {
        for text in ["code:abc", "since:soon", "since:5y"] {
            let wrong = HookFilter::parse(text, Timestamp::from_secs(0)).unwrap_err();
            assert!(wrong.contains(text), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_named_is_passed_on() {
        let facet = |field: &str, kind: &str| Facet {
            field: field.to_owned(),
            kind: kind.to_owned(),
            ..Facet::default()
        };
        let only = Only::parse("messages, statuses:failed").unwrap();
        assert!(only.fits(&[facet("messages", "text")]));
        assert!(only.fits(&[facet("statuses", "sent"), facet("statuses", "failed")]));
        assert!(!only.fits(&[facet("statuses", "sent")]));
        assert!(!only.fits(&[facet("account_update", "")]));
        assert!(Only::default().fits(&[]), "everything, readable or not");
        for wrong in ["", "messages,", ":failed", "statuses:"] {
            assert!(Only::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_field_that_no_webhook_has_is_not_taken_silently() {
        let said = Only::parse("message").unwrap_err();
        assert_eq!(said, "no webhook has a field \"message\"; did you mean \"messages\"?");
        let said = Only::parse("statuses,nope").unwrap_err();
        assert!(said.contains("\"nope\"; there are messages, statuses,"), "{said}");
    }
}
