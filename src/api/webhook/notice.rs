//! One plain line for what concerns the account and its quality.
//!
//! States and events are in Meta's own words, which are those of its pages; everything else stays in the
//! raw JSON.

use serde_json::Value;

use super::json;

/// Fields of Meta's that this inbox keeps and does not act on.
const KEPT: [&str; 9] = [
    "calls",
    "flows",
    "group_status_update",
    "partner_solutions",
    "payment_configuration_update",
    "automatic_events",
    "messaging_handovers",
    "standby",
    "tracking_events",
];

type Line = fn(&Value) -> String;

/// The fields that are told in a line, each with what words it.
pub(super) const LINES: [(&str, Line); 8] = [
    ("phone_number_quality_update", number_quality),
    ("phone_number_name_update", number_name),
    ("account_update", account),
    ("account_alerts", alert),
    ("account_review_update", |value| format!("account review: {}", word(value, "decision"))),
    ("business_capability_update", capability),
    ("security", |value| format!("{}: {}", number(value), word(value, "event"))),
    ("business_username_update", |value| {
        let (name, status) = (word(value, "username"), word(value, "status"));
        format!("{}: username {name} is {status}", number(value))
    }),
];

/// The line for `value` of a change of `field`; `None` for a field that is not known.
pub(super) fn summary(field: &str, value: &Value) -> Option<String> {
    if let Some((_, line)) = LINES.iter().find(|(name, _)| *name == field) {
        return Some(line(value));
    }
    let summary = match field {
        "group_lifecycle_update" | "group_participants_update" | "group_settings_update" => {
            groups(value)
        }
        kept if KEPT.contains(&kept) => format!("{kept}: kept, but not shown by this version"),
        _ => return None,
    };
    Some(summary)
}

/// The line for one of `state_sync[]`: the address book of the WhatsApp Business app.
pub(super) fn phone_book(value: &Value) -> String {
    let contact = value.get("contact").unwrap_or(&Value::Null);
    let who = json::text(contact, "full_name")
        .or_else(|| json::text(contact, "first_name"))
        .unwrap_or_else(|| "a contact".to_owned());
    let number = aside([json::text(contact, "phone_number")]);
    let what = match json::text(value, "action").as_deref() {
        Some("add") => "is in the address book",
        Some("remove") => "was removed from the address book",
        _ => "changed in the address book",
    };
    format!("phone app: {who}{number} {what}")
}

fn word(value: &Value, key: &str) -> String {
    json::text(value, key).unwrap_or_else(|| "(not said)".to_owned())
}

/// The text at `part` of the object at `key`.
pub(super) fn inner(value: &Value, key: &str, part: &str) -> Option<String> {
    value.get(key).and_then(|inner| json::text(inner, part))
}

/// ` (a, b)` of those parts that say something.
fn aside(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| part != "NONE").collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn number(value: &Value) -> String {
    format!("number {}", word(value, "display_phone_number"))
}

fn number_quality(value: &Value) -> String {
    let limit = json::text(value, "max_daily_conversations_per_business")
        .or_else(|| json::text(value, "current_limit"))
        .map(|limit| format!("limit {limit}"));
    let old = json::text(value, "old_limit").map(|old| format!("was {old}"));
    format!("{}: {}{}", number(value), word(value, "event"), aside([limit, old]))
}

fn number_name(value: &Value) -> String {
    let (name, decision) = (word(value, "requested_verified_name"), word(value, "decision"));
    let why = aside([json::text(value, "rejection_reason")]);
    format!("{}: name {name} is {decision}{why}", number(value))
}

fn account(value: &Value) -> String {
    // A string, or an array in older samples.
    let ban = inner(value, "ban_info", "waba_ban_state").or_else(|| {
        let states = json::list(value.get("ban_info")?, "waba_ban_state");
        states.iter().find_map(json::scalar)
    });
    let restrictions = json::list(value, "restriction_info")
        .iter()
        .map(|restriction| json::text(restriction, "restriction_type"));
    let parts = [
        json::text(value, "phone_number"),
        inner(value, "violation_info", "violation_type"),
        ban,
        inner(value, "ban_info", "waba_ban_date"),
    ];
    format!("account: {}{}", word(value, "event"), aside(parts.into_iter().chain(restrictions)))
}

fn alert(value: &Value) -> String {
    let info = value.get("alert_info").unwrap_or(value);
    let grade = aside([json::text(info, "alert_severity"), json::text(info, "alert_status")]);
    let alert = format!("alert: {}{grade}", word(info, "alert_type"));
    match json::text(info, "alert_description") {
        Some(description) => format!("{alert}: {description}"),
        None => alert,
    }
}

fn capability(value: &Value) -> String {
    let customers = json::text(value, "max_daily_conversations_per_business")
        .or_else(|| json::text(value, "max_daily_conversation_per_phone"))
        .map(|limit| match limit.as_str() {
            "-1" => "customers per day without limit".to_owned(),
            _ => format!("{limit} customers per day"),
        });
    let numbers = json::text(value, "max_phone_numbers_per_waba")
        .or_else(|| json::text(value, "max_phone_numbers_per_business"))
        .map(|limit| format!("{limit} phone numbers"));
    format!("limits of the business changed{}", aside([customers, numbers]))
}

fn groups(value: &Value) -> String {
    let groups: Vec<_> = json::list(value, "groups")
        .iter()
        .map(|group| format!("{}{}", word(group, "type"), aside([json::text(group, "subject")])))
        .collect();
    if groups.is_empty() {
        "group: changed".to_owned()
    } else {
        format!("group: {}", groups.join("; "))
    }
}
