//! The rules of buttons: how many, in which order, and what each takes.

use super::{CODE_MAX, Found, OtpKind, Part, URL_MAX, dynamic_url, text};
use crate::domain::template::check::is_url;
use crate::domain::template::{Button, Otp, Template};

/// Buttons in all.
const ALL_MAX: usize = 10;
/// Characters on a button.
const TEXT_MAX: usize = 25;
/// Characters of a phone number.
const PHONE_MAX: usize = 20;
/// Apps that a one-time password may be filled into.
const APPS_MAX: usize = 5;
/// Characters of an Android package's name, and of the hash of its signing key.
const PACKAGE_MAX: usize = 224;
const HASH_LENGTH: usize = 11;

pub(super) fn all(template: &Template, found: &mut Found) {
    let buttons = &template.buttons;
    if buttons.len() > ALL_MAX {
        found.add(
            Part::Buttons,
            format!("there are {}, and Meta takes at most {ALL_MAX}; take some out", buttons.len()),
        );
    }
    for (words, max, is) in COUNTS {
        let count = buttons.iter().filter(|button| is(button)).count();
        if count > *max {
            found.add(
                Part::Buttons,
                format!("there are {count} {words}, and Meta takes at most {max}"),
            );
        }
    }
    grouping(buttons, found);
    for (index, button) in buttons.iter().enumerate() {
        one(Part::Button(index), button, found);
        let same = buttons.iter().take(index).any(|other| other.text() == button.text());
        if same && !is_labelled_by_meta(button) {
            found.add(
                Part::Button(index),
                format!("another one says `{}` too; Meta wants different texts", button.text()),
            );
        }
    }
}

/// A kind of button, how many there may be, and which it is.
type Count = (&'static str, usize, fn(&Button) -> bool);

const COUNTS: &[Count] = &[
    ("links", 2, |button| matches!(button, Button::Url { .. })),
    ("phone numbers", 1, |button| matches!(button, Button::Phone { .. })),
    ("offer codes", 1, |button| matches!(button, Button::CopyCode { .. })),
    ("flows", 1, |button| matches!(button, Button::Flow(_))),
    ("catalogues", 1, |button| matches!(button, Button::Catalog { .. })),
    ("calls on WhatsApp", 1, |button| matches!(button, Button::VoiceCall { .. })),
    ("requests for contact info", 1, |button| matches!(button, Button::ContactInfo { .. })),
];

/// Quick replies stand together, before or after the others.
fn grouping(buttons: &[Button], found: &mut Found) {
    let is_reply = |button: &Button| matches!(button, Button::QuickReply { .. });
    let changes = buttons
        .windows(2)
        .filter(|pair| matches!(pair, [first, second] if is_reply(first) != is_reply(second)));
    if changes.count() > 1 {
        found.add(
            Part::Buttons,
            "quick replies stand among the others; put them together, before or after the others",
        );
    }
}

const fn is_labelled_by_meta(button: &Button) -> bool {
    matches!(button, Button::CopyCode { .. } | Button::ContactInfo { .. } | Button::Otp(_))
}

fn one(part: Part, button: &Button, found: &mut Found) {
    if !is_labelled_by_meta(button) {
        found.length(part, "its text", button.text(), TEXT_MAX);
        text::single_line(part, button.text(), found);
        text::no_variables(part, button.text(), found);
    }
    match button {
        Button::Url { url, example, .. } => link(part, url, example.as_deref(), found),
        Button::Phone { number, .. } => phone(part, number, found),
        Button::CopyCode { example, .. } => match example.as_deref() {
            None | Some("") => found.add(part, "it has no example of a code; give one"),
            Some(code) => {
                found.length(part, "its example", code, CODE_MAX);
                if !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    found.add(part, format!("`{code}` may have letters a to z and digits alone"));
                }
            }
        },
        Button::Flow(flow) if flow.target.is_none() => {
            found.add(part, "it names no flow; give its id or its name");
        }
        Button::Other { kind, .. } => {
            found.add(part, format!("one of type {kind} cannot be made with this version"));
        }
        Button::QuickReply { .. }
        | Button::Otp(_)
        | Button::Flow(_)
        | Button::Catalog { .. }
        | Button::VoiceCall { .. }
        | Button::ContactInfo { .. } => {}
    }
}

fn link(part: Part, url: &str, example: Option<&str>, found: &mut Found) {
    found.length(part, "its link", url, URL_MAX);
    let (base, variable) = dynamic_url(url).unwrap_or((url, ""));
    let host = ["https://", "http://"].iter().find_map(|scheme| base.strip_prefix(scheme));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) || !is_url(base) {
        found.add(part, format!("`{url}` is no link; write it as https://example.com/"));
    }
    match variable {
        "" => {
            if example.is_some() {
                found.add(part, "it has an example and no variable; write {{1}} at the end");
            }
        }
        "{{1}}" => {
            if example.is_none_or(|example| example.trim().is_empty()) {
                found.add(part, "its variable has no example; give one");
            }
        }
        _ => found.add(
            part,
            "its link takes one variable, {{1}}, at its very end, whatever the format of the others",
        ),
    }
}

fn phone(part: Part, number: &str, found: &mut Found) {
    found.length(part, "its number", number, PHONE_MAX);
    let digits = number.strip_prefix('+').unwrap_or(number);
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        found.add(
            part,
            format!(
                "`{number}` is no number; write it with its country code, as in +5511912345678"
            ),
        );
    }
}

pub(super) fn one_time_password(otp: &Otp, found: &mut Found) {
    let part = Part::Button(0);
    for text in
        [Some(otp.text.as_str()).filter(|text| !text.is_empty()), otp.autofill_text.as_deref()]
            .into_iter()
            .flatten()
    {
        found.length(part, "its text", text, TEXT_MAX);
    }
    if otp.kind == OtpKind::CopyCode {
        return;
    }
    if otp.apps.is_empty() {
        found.add(part, "it names no app to fill the code into; give its package and hash");
    }
    if otp.apps.len() > APPS_MAX {
        found.add(
            part,
            format!("it names {} apps, and Meta takes at most {APPS_MAX}", otp.apps.len()),
        );
    }
    for (package, hash) in &otp.apps {
        if !is_package(package) {
            found.add(part, format!("`{package}` is no package; write it as com.example.app"));
        }
        if hash.chars().count() != HASH_LENGTH {
            found.add(
                part,
                format!("`{hash}` is no hash of a signing key: that has {HASH_LENGTH} characters"),
            );
        }
    }
    if otp.kind == OtpKind::ZeroTap && !otp.zero_tap_terms {
        found.add(part, "Meta's terms of zero-tap are not accepted; say that they are");
    }
}

fn is_package(package: &str) -> bool {
    let is_segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_alphabetic())
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    package.len() <= PACKAGE_MAX
        && package.split('.').count() >= 2
        && package.split('.').all(is_segment)
}
