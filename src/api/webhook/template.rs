//! What Meta tells of a template: its status, quality, category or text.

use serde_json::Value;

use super::json;
use crate::domain::event::{TemplateChange, TemplateUpdate};
use crate::domain::template::{Category, Quality, Status};
use crate::domain::time::Timestamp;

/// The webhook fields that are about templates.
pub(super) const FIELDS: [&str; 4] = [
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
];

/// How long the first and the second pause for low quality last (Meta, template pausing); after a third a
/// template is disabled.
const PAUSES: [(&str, u8); 2] = [("FIRST_PAUSE", 3), ("SECOND_PAUSE", 6)];

/// What a change of `field` with `value` tells of a template, if it does; `at` is the time of its entry.
pub(super) fn update(field: &str, value: &Value, at: Option<Timestamp>) -> Option<TemplateUpdate> {
    let change = match field {
        // Meta's page shows quality changes under the field of status changes: the keys decide.
        "message_template_status_update" | "message_template_quality_update"
            if value.get("new_quality_score").is_some() =>
        {
            TemplateChange::Quality(Quality::named(&json::text(value, "new_quality_score")?))
        }
        "message_template_status_update" => status(value)?,
        "message_template_components_update" => TemplateChange::Text {
            header: json::text(value, "message_template_title"),
            body: json::text(value, "message_template_element"),
            footer: json::text(value, "message_template_footer"),
        },
        // Notice comes 24 hours ahead, with the category that will be; then comes the change.
        "template_category_update" if value.get("correct_category").is_some() => {
            TemplateChange::CategorySoon
        }
        "template_category_update" => {
            TemplateChange::Category(Category::named(&json::text(value, "new_category")?))
        }
        _ => return None,
    };
    let name = json::text(value, "message_template_name")?;
    // Languages come with a hyphen in some examples; everywhere else they have an underscore.
    let language = json::text(value, "message_template_language")?.replace('-', "_");
    let summary = format!("{name} {language} {}", summary(&change, value));
    Some(TemplateUpdate { name, language, change, at, summary })
}

fn status(value: &Value) -> Option<TemplateChange> {
    let title = inner(value, "other_info", "title");
    let status = match json::text(value, "event")?.as_str() {
        // Both mean that it may be sent from now on.
        "REINSTATED" | "UNARCHIVED" => Status::Approved,
        event => Status::named(event),
    };
    let advice = inner(value, "rejection_info", "recommendation");
    let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
    let reason = inner(value, "rejection_info", "reason")
        .map(|reason| reason + &advice)
        .or_else(|| json::text(value, "reason").filter(|reason| reason != "NONE"))
        .or_else(|| title.clone());
    let pause = PAUSES.iter().find(|(word, _)| title.as_deref() == Some(word));
    let pause_hours = pause.filter(|_| status == Status::Paused).map(|(_, hours)| *hours);
    Some(TemplateChange::Status { status, reason, pause_hours })
}

/// The text at `part` of the object at `key`.
fn inner(value: &Value, key: &str, part: &str) -> Option<String> {
    value.get(key).and_then(|inner| json::text(inner, part))
}

fn summary(change: &TemplateChange, value: &Value) -> String {
    match change {
        TemplateChange::Status { status, reason, .. } => {
            let words = match status {
                Status::Approved if was_reinstated(value) => "may be sent again".to_owned(),
                Status::Approved => "approved by Meta".to_owned(),
                Status::Pending => "is under review at Meta".to_owned(),
                Status::Flagged => "will be paused by Meta unless its quality rises".to_owned(),
                Status::PendingDeletion => "is being deleted at Meta".to_owned(),
                Status::InAppeal => "is appealed".to_owned(),
                Status::LimitExceeded => {
                    "was not taken: the account has too many templates".to_owned()
                }
                other => format!("{} by Meta", other.name().to_lowercase().replace('_', " ")),
            };
            let reason = reason.as_deref().map(plain).filter(|_| *status != Status::Approved);
            reason.map_or(words.clone(), |reason| format!("{words}: {reason}"))
        }
        TemplateChange::Quality(quality) => {
            let old = json::text(value, "previous_quality_score").map(|old| spoken_quality(&old));
            let was = old.map(|old| format!(", was {old}")).unwrap_or_default();
            format!("has {} quality{was}", spoken_quality(quality.name()))
        }
        TemplateChange::Category(category) => {
            let old = json::text(value, "previous_category").map(|old| old.to_lowercase());
            let was = old.map(|old| format!(", was {old}")).unwrap_or_default();
            format!("is {} from now on{was}", category.name().to_lowercase())
        }
        TemplateChange::CategorySoon => {
            let soon = json::text(value, "correct_category").unwrap_or_default().to_lowercase();
            format!("will be {soon} within 24 hours")
        }
        TemplateChange::Text { .. } => "says something else now".to_owned(),
    }
}

fn was_reinstated(value: &Value) -> bool {
    json::text(value, "event").is_some_and(|event| event != "APPROVED")
        || inner(value, "other_info", "title").as_deref() == Some("UNPAUSE")
}

/// Meta's reasons in plain words, as far as they are known.
fn plain(reason: &str) -> String {
    match reason {
        "FIRST_PAUSE" | "SECOND_PAUSE" | "DISABLED" => "low quality".to_owned(),
        "RATE_LIMITING_PAUSE" => "it was sent to too many people at once".to_owned(),
        "UNPAUSE" => "the pause is over".to_owned(),
        word if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') => {
            word.to_lowercase().replace('_', " ")
        }
        sentence => sentence.to_owned(),
    }
}

fn spoken_quality(quality: &str) -> String {
    match quality {
        "GREEN" => "high".to_owned(),
        "YELLOW" => "medium".to_owned(),
        "RED" => "low".to_owned(),
        "UNKNOWN" => "no known".to_owned(),
        other => other.to_lowercase(),
    }
}
