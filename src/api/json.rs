//! Tolerant reading of JSON that Meta wrote: ids and times come as strings or as numbers, optional keys
//! come as `null`, as the empty string, or not at all.
//!
//! Every function answers `None` for what is missing or of the wrong type; whether that matters is the
//! caller's decision.

use serde_json::Value;

use crate::domain::id::{UserId, WaId, Wamid};
use crate::domain::time::Timestamp;

/// Seconds from here on are milliseconds: the year 5138 in seconds, March 1973 in milliseconds.
const MILLIS_FROM: i64 = 100_000_000_000;

/// The text of a string or a number at `key`; `None` when it is empty.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    scalar(value.get(key)?)
}

/// The text of a string or a number; `None` when it is empty.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number at `key`, written as a number or as a string.
pub(super) fn integer(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A finite number at `key`, written as a number or as a string.
pub(super) fn number(value: &Value, key: &str) -> Option<f64> {
    let number = match value.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Whether `key` is `true`.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether an answer says `{"success": true}`, or `"true"`.
pub(super) fn succeeded(answer: &Value) -> bool {
    match answer.get("success") {
        Some(Value::Bool(success)) => *success,
        Some(Value::String(success)) => success == "true",
        _ => false,
    }
}

/// The elements of the array at `key`; none when there is no array.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A point in time at `key`: seconds since the epoch as Meta documents, or milliseconds.
pub(super) fn timestamp(value: &Value, key: &str) -> Option<Timestamp> {
    let count = integer(value, key)?;
    match count {
        ..=0 => None,
        MILLIS_FROM.. => Some(Timestamp::from_millis(count)),
        _ => Some(Timestamp::from_secs(count)),
    }
}

/// A phone number at `key`. Meta's captures hold spaces around it and some writers a plus before it;
/// anything but digits is no number (a hidden one, a group id).
pub(super) fn wa_id(value: &Value, key: &str) -> Option<WaId> {
    let text = text(value, key)?;
    let digits = text.trim().trim_start_matches('+');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| WaId::new(digits))
}

/// A business-scoped user id at `key`.
pub(super) fn user_id(value: &Value, key: &str) -> Option<UserId> {
    text(value, key).map(UserId::new)
}

/// A message id at `key`.
pub(super) fn wamid(value: &Value, key: &str) -> Option<Wamid> {
    text(value, key).map(Wamid::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{flag, integer, list, number, text, timestamp, wa_id};
    use crate::domain::id::WaId;
    use crate::domain::time::Timestamp;

    #[test]
    fn scalars_come_as_strings_or_numbers() {
        let value = json!({"a": "x", "b": 17, "c": "", "d": null, "e": [], "f": "18", "g": 1.5});
        assert_eq!(text(&value, "a").as_deref(), Some("x"));
        assert_eq!(text(&value, "b").as_deref(), Some("17"));
        for key in ["c", "d", "e", "missing"] {
            assert_eq!(text(&value, key), None, "{key}");
            assert_eq!(integer(&value, key), None, "{key}");
        }
        assert_eq!(integer(&value, "b"), Some(17));
        assert_eq!(integer(&value, "f"), Some(18));
        assert_eq!(number(&value, "g"), Some(1.5));
        assert!(!flag(&value, "a"));
        assert!(list(&value, "a").is_empty());
    }

    #[test]
    fn times_come_in_seconds_or_milliseconds() {
        let value = json!({"s": "1750016800", "n": 1_750_016_800, "ms": 1_750_016_800_123_i64,
            "zero": 0, "bad": "soon"});
        let second = Timestamp::from_secs(1_750_016_800);
        assert_eq!(timestamp(&value, "s"), Some(second));
        assert_eq!(timestamp(&value, "n"), Some(second));
        assert_eq!(timestamp(&value, "ms"), Some(Timestamp::from_millis(1_750_016_800_123)));
        assert_eq!(timestamp(&value, "zero"), None);
        assert_eq!(timestamp(&value, "bad"), None);
    }

    #[test]
    fn only_digits_are_a_number() {
        let value = json!({"space": "16505551234 ", "plus": "+16505551234", "n": 16_505_551_234_i64,
            "user": "US.13491208655302741918", "empty": "", "sign": "+"});
        for key in ["space", "plus", "n"] {
            assert_eq!(wa_id(&value, key), Some(WaId::new("16505551234")), "{key}");
        }
        for key in ["user", "empty", "sign"] {
            assert_eq!(wa_id(&value, key), None, "{key}");
        }
    }
}
