//! Meta's rules for the texts of a template that is created or edited: length, variables and their
//! examples. Each is refused with the subcode Meta documents for it.

use serde_json::Value;

use super::super::super::refusal::Refusal;
use super::part::text;
use super::variables::{distinct, variables, well_formed};

/// Subcodes of code 100.
pub(super) const TOO_LONG: u32 = 2_388_040;
const NO_EXAMPLE: u32 = 2_388_043;
pub(super) const BAD_HEADER: u32 = 2_388_047;
const BAD_BODY: u32 = 2_388_072;
const BAD_FOOTER: u32 = 2_388_073;
const TOO_MANY_VARIABLES: u32 = 2_388_293;
const VARIABLE_AT_AN_END: u32 = 2_388_299;

/// Refuses with a subcode of code 100 and the words a person is shown.
pub(super) fn refused<T>(subcode: u32, title: &str, text: &str) -> Result<T, Refusal> {
    Err(Refusal::template(Some(subcode), title, text))
}

/// The text is there and not longer than `limit` characters.
pub(super) fn length<'a>(of: &'a Value, part: &str, limit: usize) -> Result<&'a str, Refusal> {
    let found = text(of, "text");
    if found.trim().is_empty() {
        return missing(part, "text");
    }
    within(found, part, limit)
}

pub(super) fn within<'a>(found: &'a str, part: &str, limit: usize) -> Result<&'a str, Refusal> {
    let count = found.chars().count();
    if count <= limit {
        return Ok(found);
    }
    let text = format!("{part} has {count} characters; {limit} are allowed.");
    refused(TOO_LONG, "Character Limit Exceeded", &text)
}

/// A field that Meta wants is not there, or has no use.
pub(super) fn missing<T>(part: &str, field: &str) -> Result<T, Refusal> {
    let text = format!("component of type {part} is missing expected field(s) ({field})");
    refused(NO_EXAMPLE, "Message template \"components\" param is missing expected field(s)", &text)
}

pub(super) fn header(header: &Value, named: bool) -> Result<(), Refusal> {
    let found = length(header, "HEADER", 60)?;
    let wrong = |text: &str| refused(BAD_HEADER, "Message Header Format Incorrect", text);
    if !well_formed(found, named) {
        return wrong("The variables of the header are not well formed.");
    }
    if distinct(found).len() > 1 {
        return wrong("The header can have one variable at most.");
    }
    if found.contains(['\n', '\r', '*']) || found.chars().any(is_emoji) {
        return wrong("The header can't have any new lines, emojis or asterisks.");
    }
    let examples = if named { "header_text_named_params" } else { "header_text" };
    check_examples(header, "HEADER", examples, found, named)
}

pub(super) fn body(body: &Value, named: bool, limit: usize) -> Result<(), Refusal> {
    let found = length(body, "BODY", limit)?;
    let wrong = |text: &str| refused(BAD_BODY, "Message Body Format Incorrect", text);
    if !well_formed(found, named) {
        return wrong("The variables of the body are not well formed, or not numbered from {{1}}.");
    }
    if found.replace('\r', "").contains("\n\n\n") {
        return wrong("The body can't have more than two new lines one after the other.");
    }
    let trimmed = found.trim();
    if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
        let title = "Leading Or Trailing Params Not Allowed";
        let text = "Variables can't be at the start or end of the template.";
        return refused(VARIABLE_AT_AN_END, title, text);
    }
    let squeezed: String = found.chars().filter(|one| !one.is_whitespace()).collect();
    if squeezed.contains("}}{{") {
        let text = "Two variables can't stand next to each other.";
        return refused(TOO_MANY_VARIABLES, "Parameters Words Ratio Exceeds Limit", text);
    }
    let count = variables(found).len();
    let words =
        found.split_whitespace().count() + found.chars().filter(|one| is_word(*one)).count();
    if count > 0 && words < 2 * count + 1 {
        let text = "This template has too many variables for its length. Reduce the number of \
                    variables or make the message longer.";
        return refused(TOO_MANY_VARIABLES, "Parameters Words Ratio Exceeds Limit", text);
    }
    let examples = if named { "body_text_named_params" } else { "body_text" };
    check_examples(body, "BODY", examples, found, named)
}

pub(super) fn footer(footer: &Value) -> Result<(), Refusal> {
    let found = length(footer, "FOOTER", 60)?;
    if found.contains(['\n', '\r']) || found.contains("{{") || found.chars().any(is_emoji) {
        let text = "The footer can't have any variables, new lines or emojis.";
        return refused(BAD_FOOTER, "Message Footer Format Incorrect", text);
    }
    Ok(())
}

/// There is one example for each variable, none of them empty.
fn check_examples(
    of: &Value,
    part: &str,
    key: &str,
    text: &str,
    named: bool,
) -> Result<(), Refusal> {
    let wanted = distinct(text);
    if wanted.is_empty() {
        return Ok(());
    }
    let list = of.get("example").and_then(|example| example.get(key)).and_then(Value::as_array);
    let Some(list) = list else { return missing(part, "example") };
    let filled = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let whole = if named {
        let has = |name: &String| {
            list.iter().any(|one| {
                one.get("param_name").and_then(Value::as_str) == Some(name)
                    && filled(one.get("example"))
            })
        };
        list.len() == wanted.len() && wanted.iter().all(has)
    } else {
        // The examples of a body are a list of lists, one for each set of values.
        let values = list.first().and_then(Value::as_array).unwrap_or(list);
        values.len() == wanted.len() && values.iter().all(|value| filled(Some(value)))
    };
    if whole { Ok(()) } else { missing(part, "example") }
}

/// Scripts that put no spaces between words: Thai, kana and Han.
const fn is_word(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// The blocks that emoji come from; letters and punctuation of every script lie outside.
const fn is_emoji(letter: char) -> bool {
    matches!(letter, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{fe0f}')
}
