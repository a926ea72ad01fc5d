//! What every edge of the Graph API shares: narrowing to `fields`, and pages with cursors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::super::http::Request;
use super::super::refusal::Refusal;

/// The body of an answer, or why there is none.
pub(super) type Answer = Result<Value, Refusal>;

/// Rows on a page when nothing is said.
const USUAL_LIMIT: usize = 25;
/// Rows on a page at most.
const MOST: usize = 1_000;

/// The object, narrowed to `fields`; to `usual` when there are none. A key in `optional` may be missing
/// of the object; any other is refused.
pub(super) fn select(object: &Value, request: &Request, usual: &str, optional: &[&str]) -> Answer {
    let mut chosen = Map::new();
    let asked = request.query("fields").filter(|fields| !fields.trim().is_empty());
    for field in names(asked.unwrap_or(usual)).iter().map(String::as_str).chain(["id"]) {
        match object.get(field) {
            Some(value) => chosen.insert(field.to_owned(), value.clone()),
            None if optional.contains(&field) => None,
            None => {
                let text = format!("Tried accessing nonexisting field ({field})");
                return Err(Refusal::parameter(&text));
            }
        };
    }
    Ok(Value::Object(chosen))
}

/// `name,quality_score{score,date}` as names; what is asked of a nested object is given whole.
fn names(fields: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = vec![String::new()];
    for letter in fields.chars() {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 && !letter.is_whitespace() => {
                if let Some(name) = names.last_mut() {
                    name.push(letter);
                }
            }
            _ => {}
        }
    }
    // `.limit(5)` and the like narrow a nested list.
    names.retain_mut(|name| {
        name.truncate(name.find('.').unwrap_or(name.len()));
        !name.is_empty()
    });
    names
}

/// One page of `rows`, which go down by their number, the cursor. Each row is shaped by `shape`.
pub(super) fn page(
    rows: &[(u64, Value)],
    request: &Request,
    shape: impl Fn(&Value) -> Answer,
) -> Answer {
    let limit = match request.query("limit") {
        None => USUAL_LIMIT,
        Some(text) => text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| {
            Refusal::parameter(&format!("Param limit must be a positive integer - got \"{text}\"."))
        })?,
    };
    let limit = limit.min(MOST);
    let (after, before) = (cursor(request, "after")?, cursor(request, "before")?);
    let start = match (after, before) {
        (Some(after), _) => rows.iter().position(|(number, _)| *number < after),
        (None, Some(before)) => {
            let end = rows.iter().position(|(number, _)| *number <= before).unwrap_or(rows.len());
            Some(end.saturating_sub(limit))
        }
        (None, None) => Some(0),
    };
    let start = start.unwrap_or(rows.len());
    let shown = rows.get(start..(start + limit).min(rows.len())).unwrap_or(&[]);
    let data = shown.iter().map(|(_, row)| shape(row)).collect::<Result<Vec<_>, _>>()?;
    let (Some((first, _)), Some((last, _))) = (shown.first(), shown.last()) else {
        return Ok(json!({ "data": [] }));
    };
    let mut paging =
        json!({ "cursors": { "before": cursor_of(*first), "after": cursor_of(*last) } });
    if start + shown.len() < rows.len() {
        paging["next"] = json!(address(request, "after", &cursor_of(*last)));
    }
    if start > 0 {
        paging["previous"] = json!(address(request, "before", &cursor_of(*first)));
    }
    Ok(json!({ "data": data, "paging": paging }))
}

/// The cursor that a number is spelled as.
pub(super) fn cursor_of(number: u64) -> String {
    BASE64.encode(number.to_string())
}

fn cursor(request: &Request, key: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = request.query(key).filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = || {
        let bytes = BASE64.decode(text).ok()?;
        std::str::from_utf8(&bytes).ok()?.parse().ok()
    };
    read().map(Some).ok_or_else(|| Refusal::parameter("Invalid cursors values"))
}

/// The address of the same list from another place on.
fn address(request: &Request, key: &str, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let kept = request.query.iter().filter(|(name, _)| name != "after" && name != "before");
    query.extend_pairs(kept).append_pair(key, cursor);
    let host = request.header("host").unwrap_or("127.0.0.1");
    format!("http://{host}{}?{}", request.path, query.finish())
}

/// A word of the body in capitals; empty when it is not there.
pub(super) fn word_parameter(body: &Value, key: &str) -> String {
    body.get(key).and_then(Value::as_str).unwrap_or("").to_ascii_uppercase()
}
