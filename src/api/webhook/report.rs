//! What notices say of a number or its account that is kept: quality, limits, restrictions and the like.

use serde_json::Value;

use super::json;
use super::notice::inner;
use crate::domain::account::{FactKind, Saying, people_limit};
use crate::domain::event::AccountReport;
use crate::domain::id::PhoneNumberId;
use crate::domain::time::Timestamp;

/// People that may be written to in 24 hours: the key of today, and the older ones.
const PEOPLE: [&str; 3] =
    ["max_daily_conversations_per_business", "max_daily_conversation_per_phone", "current_limit"];

/// What `value` of a change of `field` says; `None` when there is nothing in it to keep.
pub(super) fn report(field: &str, value: &Value, at: Option<Timestamp>) -> Option<AccountReport> {
    let (mut display, mut phone_number) = (json::text(value, "display_phone_number"), None);
    let sayings = match field {
        "phone_number_quality_update" => number(value),
        "phone_number_name_update" => name(value),
        "business_capability_update" => limit(value).into_iter().collect(),
        "account_update" => {
            display = json::text(value, "phone_number");
            account(value)
        }
        "account_alerts" => {
            if json::text(value, "entity_type").is_some_and(|kind| kind == "PHONE_NUMBER") {
                phone_number = json::text(value, "entity_id").map(PhoneNumberId::new);
            }
            alert(value).into_iter().collect()
        }
        "account_review_update" => said(FactKind::Review, json::text(value, "decision")),
        "business_username_update" => {
            let detail = json::text(value, "status").unwrap_or_default();
            let name = json::text(value, "username");
            name.map(|name| Saying { detail, ..Saying::new(FactKind::Username, name) })
                .into_iter()
                .collect()
        }
        "security" => said(FactKind::Pin, json::text(value, "event")),
        _ => Vec::new(),
    };
    let report = AccountReport { display_number: display, phone_number, at, sayings };
    (!report.sayings.is_empty()).then_some(report)
}

fn said(kind: FactKind, value: Option<String>) -> Vec<Saying> {
    value.map(|value| Saying::new(kind, value)).into_iter().collect()
}

fn limit(value: &Value) -> Option<Saying> {
    let tier = PEOPLE
        .iter()
        .filter_map(|key| json::text(value, key))
        .find(|tier| people_limit(tier).is_some())?;
    // Some shapes have a bare number; the words of the others are kept for all.
    let tier = match tier.as_str() {
        "-1" => "TIER_UNLIMITED".to_owned(),
        bare if bare.bytes().all(|byte| byte.is_ascii_digit()) => match bare.strip_suffix("000") {
            Some(thousands) if !thousands.is_empty() => format!("TIER_{thousands}K"),
            _ => format!("TIER_{bare}"),
        },
        _ => tier,
    };
    Some(Saying::new(FactKind::Limit, tier))
}

fn number(value: &Value) -> Vec<Saying> {
    let event = match json::text(value, "event").as_deref() {
        Some("FLAGGED") => Some((FactKind::Status, "FLAGGED")),
        Some("UNFLAGGED") => Some((FactKind::Status, "CONNECTED")),
        Some("THROUGHPUT_UPGRADE") => Some((FactKind::Throughput, "HIGH")),
        _ => None,
    };
    let event = event.map(|(kind, word)| Saying::new(kind, word));
    event.into_iter().chain(limit(value)).collect()
}

fn name(value: &Value) -> Vec<Saying> {
    let Some(decision) = json::text(value, "decision") else { return Vec::new() };
    let asked = json::text(value, "requested_verified_name");
    let why = json::text(value, "rejection_reason").filter(|why| why != "NONE");
    let detail: Vec<String> = [asked.clone(), why].into_iter().flatten().collect();
    // The number has the new name once that is approved, and keeps the old one otherwise.
    let name = asked.filter(|_| decision == "APPROVED");
    let review =
        Saying { detail: detail.join(", "), ..Saying::new(FactKind::NameReview, decision) };
    std::iter::once(review).chain(said(FactKind::Name, name)).collect()
}

fn account(value: &Value) -> Vec<Saying> {
    let event = json::text(value, "event").unwrap_or_default();
    let mut sayings: Vec<Saying> = json::list(value, "restriction_info")
        .iter()
        .filter_map(|info| {
            Some(Saying {
                subject: json::text(info, "restriction_type")?,
                until: json::timestamp(info, "expiration"),
                ..Saying::new(FactKind::Restriction, "ACTIVE")
            })
        })
        .collect();
    if let Some(rule) = inner(value, "violation_info", "violation_type") {
        sayings.push(Saying { subject: rule, ..Saying::new(FactKind::Violation, "REPORTED") });
    }
    // A string, or an array in older samples.
    let ban = inner(value, "ban_info", "waba_ban_state").or_else(|| {
        let states = json::list(value.get("ban_info")?, "waba_ban_state");
        states.iter().find_map(json::scalar)
    });
    if let Some(state) = ban {
        let detail = inner(value, "ban_info", "waba_ban_date").unwrap_or_default();
        sayings.push(Saying { detail, ..Saying::new(FactKind::Ban, state) });
    }
    if ["ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "ACCOUNT_RECONNECTED"].contains(&event.as_str()) {
        sayings.push(Saying::new(FactKind::Account, event));
    }
    sayings
}

fn alert(value: &Value) -> Option<Saying> {
    let info = value.get("alert_info").unwrap_or(value);
    let grade = [json::text(info, "alert_severity"), json::text(info, "alert_status")];
    let grade: Vec<String> = grade.into_iter().flatten().collect();
    let value = if grade.is_empty() { "INFORMATIONAL".to_owned() } else { grade.join(" ") };
    Some(Saying {
        subject: json::text(info, "alert_type")?,
        detail: json::text(info, "alert_description").unwrap_or_default(),
        ..Saying::new(FactKind::Alert, value)
    })
}
