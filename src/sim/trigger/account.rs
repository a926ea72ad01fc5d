//! What concerns the account: templates, the number, limits, security, and fields that an inbox only keeps.

use serde_json::{Value, json};

use super::{Change, Kind, Scene, extend, kind};

/// In the order in which they are listed.
pub(super) const KINDS: &[Kind] = &[
    kind("template-status", "a template was paused; --set event=APPROVED changes it", |scene| {
        let mut value = template(scene);
        extend(
            &mut value,
            json!({
                "event": "PAUSED", "reason": null,
                "other_info": { "title": "FIRST_PAUSE", "description": "Low quality." },
            }),
        );
        Change { field: "message_template_status_update", value }
    }),
    kind("template-rejected", "a template was rejected", |scene| {
        let mut value = template(scene);
        let info = json!({ "reason": "Promotional text", "recommendation": "Remove the offer" });
        extend(
            &mut value,
            json!({
                "event": "REJECTED", "reason": "INVALID_FORMAT", "rejection_info": info,
            }),
        );
        Change { field: "message_template_status_update", value }
    }),
    kind("template-quality", "the quality of a template changed", |scene| {
        let mut value = template(scene);
        let scores = json!({ "previous_quality_score": "GREEN", "new_quality_score": "YELLOW" });
        extend(&mut value, scores);
        Change { field: "message_template_quality_update", value }
    }),
    kind("template-components", "the text of a template changed", |scene| {
        let mut value = template(scene);
        extend(
            &mut value,
            json!({
                "message_template_title": "Order", "message_template_element": scene.body_or("It is on its way"),
                "message_template_footer": "Shop",
            }),
        );
        Change { field: "message_template_components_update", value }
    }),
    kind("template-category", "Meta moved a template to another category", |scene| {
        let mut value = template(scene);
        extend(&mut value, json!({ "previous_category": "UTILITY", "new_category": "MARKETING" }));
        Change { field: "template_category_update", value }
    }),
    kind("number-quality", "the number was flagged", |scene| {
        let value = json!({
            "display_phone_number": scene.display_number, "event": "FLAGGED",
            "max_daily_conversations_per_business": "TIER_2K",
        });
        Change { field: "phone_number_quality_update", value }
    }),
    kind("number-upgrade", "the number may send faster", |scene| {
        let value = json!({
            "display_phone_number": scene.display_number, "event": "THROUGHPUT_UPGRADE",
            "max_daily_conversations_per_business": "TIER_UNLIMITED",
        });
        Change { field: "phone_number_quality_update", value }
    }),
    kind("number-name", "the display name was decided about", |scene| {
        let value = json!({
            "display_phone_number": scene.display_number, "decision": "APPROVED",
            "requested_verified_name": scene.body_or("The Shop"), "rejection_reason": null,
        });
        Change { field: "phone_number_name_update", value }
    }),
    kind("account-restriction", "the account may not send for a while", |scene| {
        let info = json!({
            "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING",
            "expiration": scene.seconds() + 86_400,
        });
        account(json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [info] }))
    }),
    kind("account-violation", "the account broke a rule", |_| {
        account(json!({
            "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "SCAM" },
        }))
    }),
    kind("account-ban", "the account was disabled", |_| {
        let info = json!({ "waba_ban_state": "DISABLE", "waba_ban_date": "April 17, 2026" });
        account(json!({ "event": "DISABLED_UPDATE", "ban_info": info }))
    }),
    kind(
        "account-update",
        "a partner was added; --set event=PARTNER_REMOVED changes it",
        |scene| {
            account(json!({ "event": "PARTNER_ADDED", "waba_info": { "waba_id": scene.waba } }))
        },
    ),
    kind("account-alert", "something about the account needs attention", |scene| {
        let info = json!({
            "alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "OBA_APPROVED",
            "alert_description": scene.body_or("See the business manager"),
        });
        let value = json!({ "entity_type": "WABA", "entity_id": scene.waba, "alert_info": info });
        Change { field: "account_alerts", value }
    }),
    kind("account-review", "the review of the account ended", |_| Change {
        field: "account_review_update",
        value: json!({ "decision": "APPROVED" }),
    }),
    kind("capability", "limits of the business changed", |_| {
        let value = json!({
            "max_daily_conversations_per_business": 2000, "max_phone_numbers_per_business": 25,
        });
        Change { field: "business_capability_update", value }
    }),
    kind("security", "the PIN of the number was changed", |scene| {
        let value = json!({
            "display_phone_number": scene.display_number, "event": "PIN_CHANGED",
            "requester": "1001",
        });
        Change { field: "security", value }
    }),
    kind("business-username", "the username of the business was decided about", |scene| {
        let value = json!({
            "display_phone_number": scene.display_number, "username": scene.body_or("theshop"),
            "status": "approved",
        });
        Change { field: "business_username_update", value }
    }),
    kind("group-lifecycle", "a group was made", |scene| {
        group(scene, "group_lifecycle_update", "group_create")
    }),
    kind("group-participants", "somebody left a group", |scene| {
        group(scene, "group_participants_update", "group_participants_remove")
    }),
    kind("group-settings", "a group has another name", |scene| {
        group(scene, "group_settings_update", "group_settings_update")
    }),
    kind("group-status", "a group was suspended", |scene| {
        group(scene, "group_status_update", "group_suspend")
    }),
    kind("calls", "somebody calls", |scene| {
        let call = json!({
            "id": scene.wamid, "from": scene.from, "to": scene.display_number, "event": "connect",
            "timestamp": scene.timestamp(), "direction": "USER_INITIATED",
        });
        Change { field: "calls", value: scene.value(json!({ "calls": [call] })) }
    }),
    kind("flows", "a form got another state", |_| {
        let value = json!({
            "event": "FLOW_STATUS_CHANGE", "flow_id": "6627", "old_status": "DRAFT",
            "new_status": "PUBLISHED", "message": "The form was published.",
        });
        Change { field: "flows", value }
    }),
    kind("partner-solutions", "a partner solution changed", |_| {
        let value =
            json!({ "event": "SOLUTION_CREATED", "solution_id": "7", "solution_status": "DRAFT" });
        Change { field: "partner_solutions", value }
    }),
    kind("payment-configuration", "a way to pay changed", |_| {
        let value =
            json!({ "configuration_name": "upi", "provider_name": "razorpay", "status": "Active" });
        Change { field: "payment_configuration_update", value }
    }),
    kind("automatic-events", "an event was told from what was written", |scene| {
        let event = json!({ "id": scene.wamid, "event_name": "LeadSubmitted", "timestamp": scene.seconds() });
        Change {
            field: "automatic_events",
            value: scene.value(json!({ "automatic_events": [event] })),
        }
    }),
    kind("messaging-handovers", "another app took the conversation", |scene| {
        let value = json!({
            "messaging_product": "whatsapp", "recipient": { "phone_number_id": scene.phone_number_id },
            "sender": { "phone_number": scene.from }, "timestamp": scene.timestamp(),
            "control_passed": { "metadata": "" },
        });
        Change { field: "messaging_handovers", value }
    }),
    kind("standby", "a message for the app that has the conversation", |scene| {
        let message = json!({
            "from": scene.from, "id": scene.wamid, "timestamp": scene.timestamp(), "type": "text",
            "text": { "body": scene.body_or("For somebody else") },
        });
        Change {
            field: "standby",
            value: scene.value(json!({ "standby": { "messages": [message] } })),
        }
    }),
    kind("tracking-events", "a link in a message was followed", |scene| {
        let event =
            json!({ "event_name": "click", "timestamp": scene.seconds(), "tracking_data": {} });
        Change { field: "tracking_events", value: scene.value(json!({ "events": [event] })) }
    }),
];

fn template(scene: &Scene) -> Value {
    let name = scene.body_or("order_update");
    json!({
        "message_template_id": 594_425_479_261_596_i64, "message_template_name": name,
        "message_template_language": "en-US", "message_template_category": "UTILITY",
    })
}

const fn account(value: Value) -> Change {
    Change { field: "account_update", value }
}

fn group(scene: &Scene, field: &'static str, event: &str) -> Change {
    let group = json!({
        "timestamp": scene.timestamp(), "group_id": "Y2FwaV9ncm91cDo", "type": event,
        "request_id": "R1", "subject": scene.body_or("Neighbours"),
    });
    Change { field, value: scene.value(json!({ "groups": [group] })) }
}
