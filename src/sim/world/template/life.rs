//! What becomes of a template: review, quality, pauses, pacing, and the webhooks that tell of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::super::config::{Quality, TemplateStatus};
use super::super::fault::Fate;
use super::super::{Deed, World};
use super::part::{Parts, text, word};
use super::{Pacing, number, seconds};
use crate::domain::time::Timestamp;

/// How long the first and the second pause last; the third time the template is disabled.
const PAUSES: [u64; 2] = [3, 6];
/// How long Meta looks at the first sends of a paced template.
const ASSESSMENT: Duration = Duration::from_secs(30);
/// How long ahead a change of category is announced.
const NOTICE: Duration = Duration::from_secs(24 * 3600);

/// What happens to a template without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim::world) enum Turn {
    Review,
    EndOfPause,
    Assess,
    Remove,
    /// The category that was announced becomes true.
    Recategorise(Category),
}

/// Meta's categories of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim::world) enum Category {
    Authentication,
    Marketing,
    Utility,
}

impl Category {
    fn read(word: &str) -> Option<Self> {
        [Self::Authentication, Self::Marketing, Self::Utility]
            .into_iter()
            .find(|category| category.word().eq_ignore_ascii_case(word))
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Authentication => "AUTHENTICATION",
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
        }
    }
}

/// Something Meta does to a template, when a person or a test says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    /// Its review ends well.
    Approve,
    /// Its review ends with this reason.
    Reject(String),
    /// It is paused for its quality: 3 hours, the next time 6, the third time it is disabled.
    Pause,
    /// It is paused no longer.
    Unpause,
    /// It is disabled for good.
    Disable,
    /// Users complain of it; it can still be sent.
    Flag,
    /// Its quality is rated anew.
    Quality(Quality),
    /// Its category will change in 24 hours; Meta says so beforehand.
    Category(String),
    /// Its next sends are held for a quality assessment.
    Hold,
    /// The held sends go out.
    Release,
    /// The held sends fail with 132015, and it is paused.
    Drop,
    /// Whether its sends are refused for what it says (132007).
    Violates(bool),
}

impl World {
    /// Changes every template of that name, or the one in `language`.
    ///
    /// # Errors
    /// When there is none, or the change makes no sense.
    pub fn change_template(
        &mut self,
        now: Timestamp,
        name: &str,
        language: Option<&str>,
        change: &TemplateChange,
    ) -> Result<(), String> {
        self.live(now);
        let ids = self.templates.ids(name, language);
        if ids.is_empty() {
            let within = language.map_or_else(String::new, |language| format!(" in {language}"));
            return Err(format!("there is no template called '{name}'{within}"));
        }
        ids.iter().try_for_each(|id| self.change_one(now, id, change))
    }

    fn change_one(
        &mut self,
        now: Timestamp,
        id: &str,
        change: &TemplateChange,
    ) -> Result<(), String> {
        match change {
            TemplateChange::Approve => self.approve(now, id),
            TemplateChange::Reject(reason) => self.reject(now, id, reason),
            TemplateChange::Pause => self.pause(now, id),
            TemplateChange::Unpause => self.unpause(now, id),
            TemplateChange::Disable => self.disable(now, id),
            TemplateChange::Flag => {
                self.set_status(now, id, TemplateStatus::Flagged, Value::Null, &[]);
            }
            TemplateChange::Quality(quality) => self.rate(now, id, *quality),
            TemplateChange::Category(word) => {
                let category = Category::read(word).ok_or_else(|| {
                    format!("category {word:?}: give AUTHENTICATION, MARKETING or UTILITY")
                })?;
                self.announce_category(now, id, category);
            }
            TemplateChange::Hold => self.pace(id, Some(Pacing::Wait)),
            TemplateChange::Release => self.assess(now, id, true),
            TemplateChange::Drop => self.assess(now, id, false),
            TemplateChange::Violates(violates) => {
                if let Some(entry) = self.templates.with_id_mut(id) {
                    entry.violates = *violates;
                }
            }
        }
        Ok(())
    }

    /// Does what was planned for a template.
    pub(in crate::sim::world) fn template_turn(&mut self, at: Timestamp, id: &str, turn: Turn) {
        let Some(entry) = self.templates.with_id(id) else { return };
        let (status, pacing) = (entry.template.status, entry.pacing);
        match turn {
            // Somebody may have decided meanwhile.
            Turn::Review if status == TemplateStatus::Pending => {
                if entry.template.name.contains("reject") {
                    self.reject(at, id, "INVALID_FORMAT");
                } else {
                    self.approve(at, id);
                }
            }
            Turn::EndOfPause if status == TemplateStatus::Paused => self.unpause(at, id),
            Turn::Assess => match pacing {
                Some(Pacing::Release) => self.assess(at, id, true),
                Some(Pacing::Drop) => self.assess(at, id, false),
                Some(Pacing::Wait) | None => {}
            },
            Turn::Remove => self.remove_template(at, id),
            Turn::Recategorise(category) => self.recategorise(at, id, category),
            Turn::Review | Turn::EndOfPause => {}
        }
    }

    pub(super) fn plan_turn(&mut self, at: Timestamp, id: &str, turn: Turn) {
        self.plan(at, Deed::Template { id: id.to_owned(), turn });
    }

    fn approve(&mut self, now: Timestamp, id: &str) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        entry.template.rejected_reason = None;
        let changed = std::mem::take(&mut entry.changed);
        self.set_status(now, id, TemplateStatus::Approved, json!("NONE"), &[]);
        if changed {
            self.tell_components(now, id);
        }
    }

    fn reject(&mut self, now: Timestamp, id: &str, reason: &str) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        entry.template.rejected_reason = Some(reason.to_owned());
        let info = json!({
            "reason": "The template does not follow the rules for its format.",
            "recommendation": "Read the rules for variables and examples, edit it and submit it again.",
        });
        let more = [("rejection_info", info)];
        self.set_status(now, id, TemplateStatus::Rejected, json!(reason), &more);
    }

    fn pause(&mut self, now: Timestamp, id: &str) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        let step = usize::from(entry.pauses);
        entry.pauses = entry.pauses.saturating_add(1);
        let Some(hours) = PAUSES.get(step).copied() else { return self.disable(now, id) };
        let until = now + Duration::from_secs(hours * 3600);
        let title = if step == 0 { "FIRST_PAUSE" } else { "SECOND_PAUSE" };
        let words = format!(
            "Your WhatsApp message template has been paused for {hours} hours until {} UTC because it \
             continued to have issues.",
            spoken(until)
        );
        let info = json!({ "title": title, "description": words });
        self.set_status(now, id, TemplateStatus::Paused, Value::Null, &[("other_info", info)]);
        self.plan_turn(until, id, Turn::EndOfPause);
    }

    pub(super) fn unpause(&mut self, now: Timestamp, id: &str) {
        let words = "Your WhatsApp message template is no longer paused and can be sent again.";
        let info = json!({ "title": "UNPAUSE", "description": words });
        let more = [("other_info", info)];
        self.set_status(now, id, TemplateStatus::Approved, json!("NONE"), &more);
    }

    fn disable(&mut self, now: Timestamp, id: &str) {
        let words =
            "Your WhatsApp message template has been disabled because it continued to have issues.";
        let more = [
            ("disable_info", json!({ "disable_date": seconds(now) })),
            ("other_info", json!({ "title": "DISABLED", "description": words })),
        ];
        self.set_status(now, id, TemplateStatus::Disabled, Value::Null, &more);
    }

    pub(super) fn remove_template(&mut self, now: Timestamp, id: &str) {
        self.tell_status(now, id, "DELETED", json!("NONE"), &[]);
        self.templates.entries.retain(|entry| entry.id != id);
    }

    /// Gives a template a status and tells of it.
    pub(super) fn set_status(
        &mut self,
        now: Timestamp,
        id: &str,
        status: TemplateStatus,
        reason: Value,
        more: &[(&str, Value)],
    ) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        entry.template.status = status;
        self.tell_status(now, id, status.word(), reason, more);
    }

    pub(super) fn tell_status(
        &mut self,
        now: Timestamp,
        id: &str,
        event: &str,
        reason: Value,
        more: &[(&str, Value)],
    ) {
        // This field spells languages with a hyphen in Meta's examples, the others do not.
        let Some(mut value) = self.about(id, "-") else { return };
        value.insert("event".to_owned(), json!(event));
        value.insert("reason".to_owned(), reason);
        let category = self.templates.with_id(id).map(|entry| entry.template.category.clone());
        value.insert("message_template_category".to_owned(), json!(category));
        value.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.post_account("message_template_status_update", value, now);
    }

    /// The keys every template event has.
    fn about(&self, id: &str, joint: &str) -> Option<Map<String, Value>> {
        let template = &self.templates.with_id(id)?.template;
        let value = json!({
            "message_template_id": number(id),
            "message_template_name": template.name,
            "message_template_language": template.language.replace('_', joint),
        });
        value.as_object().cloned()
    }

    fn rate(&mut self, now: Timestamp, id: &str, quality: Quality) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        let before = std::mem::replace(&mut entry.template.quality, quality);
        entry.quality_at = seconds(now);
        let Some(mut value) = self.about(id, "_") else { return };
        value.insert("previous_quality_score".to_owned(), json!(before.word()));
        value.insert("new_quality_score".to_owned(), json!(quality.word()));
        self.templates.quality_events += 1;
        // Meta's page shows it in the field of status updates, clients expect one of its own.
        let field = if self.templates.quality_events % 2 == 1 {
            "message_template_quality_update"
        } else {
            "message_template_status_update"
        };
        self.post_account(field, value, now);
    }

    /// Says that the category will change; it does so in 24 hours.
    fn announce_category(&mut self, now: Timestamp, id: &str, category: Category) {
        let Some(entry) = self.templates.with_id(id) else { return };
        let current = entry.template.category.clone();
        let Some(mut value) = self.about(id, "_") else { return };
        let at = now + NOTICE;
        value.insert("new_category".to_owned(), json!(current));
        value.insert("correct_category".to_owned(), json!(category.word()));
        value.insert("category_update_timestamp".to_owned(), json!(seconds(at)));
        self.post_account("template_category_update", value, now);
        self.plan_turn(at, id, Turn::Recategorise(category));
    }

    fn recategorise(&mut self, now: Timestamp, id: &str, category: Category) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        let previous = std::mem::replace(&mut entry.template.category, category.word().to_owned());
        entry.previous_category = Some(previous.clone());
        let Some(mut value) = self.about(id, "_") else { return };
        value.insert("previous_category".to_owned(), json!(previous));
        value.insert("new_category".to_owned(), json!(category.word()));
        self.post_account("template_category_update", value, now);
    }

    fn tell_components(&mut self, now: Timestamp, id: &str) {
        let (Some(mut value), Some(entry)) = (self.about(id, "_"), self.templates.with_id(id))
        else {
            return;
        };
        let parts = Parts::of(&entry.template.components);
        let mut put = |key: &str, part: Option<&Value>| {
            let words = part.map(|part| text(part, "text")).filter(|words| !words.is_empty());
            if let Some(words) = words {
                value.insert(format!("message_template_{key}"), json!(words));
            }
        };
        put("title", parts.header);
        put("element", parts.body);
        put("footer", parts.footer);
        let buttons = parts.buttons.iter().map(|button| {
            let mut out = json!({
                "message_template_button_type": word(button, "type"),
                "message_template_button_text": text(button, "text"),
            });
            for key in ["url", "phone_number"] {
                if let Some(found) = button.get(key) {
                    out[format!("message_template_button_{key}")] = found.clone();
                }
            }
            out
        });
        let buttons: Vec<Value> = buttons.collect();
        if !buttons.is_empty() {
            value.insert("message_template_buttons".to_owned(), Value::Array(buttons));
        }
        self.post_account("message_template_components_update", value, now);
    }

    fn pace(&mut self, id: &str, pacing: Option<Pacing>) {
        if let Some(entry) = self.templates.with_id_mut(id) {
            entry.pacing = pacing;
        }
    }

    /// Holds a send; the first one sets the time at which Meta has made up its mind.
    pub(in crate::sim::world) fn hold(&mut self, now: Timestamp, id: &str, wamid: &str) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        entry.held.push(wamid.to_owned());
        if entry.held.len() == 1 {
            self.plan_turn(now + ASSESSMENT, id, Turn::Assess);
        }
    }

    /// Whether messages of this template are still on their way.
    pub(super) fn in_flight(&self, id: &str) -> bool {
        let held = self.templates.with_id(id).is_some_and(|entry| !entry.held.is_empty());
        let of_it = |wamid: &String| {
            self.sent.get(wamid).is_some_and(|sent| sent.template.as_deref() == Some(id))
        };
        held || self.agenda.values().any(|deed| match deed {
            Deed::Status { wamid, .. } => of_it(wamid),
            _ => false,
        })
    }

    /// Lets the held sends go out, or fails them.
    fn assess(&mut self, now: Timestamp, id: &str, good: bool) {
        let Some(entry) = self.templates.with_id_mut(id) else { return };
        entry.pacing = None;
        let held = std::mem::take(&mut entry.held);
        for wamid in held {
            let fate = self.usual_fate(now, &wamid);
            let fate = if good { fate } else { Fate::Fails(132_015) };
            self.plan_statuses(now, &wamid, fate, &Value::Null);
        }
        if !good {
            self.pause(now, id);
        }
    }
}

/// `Nov 21 at 5:30 PM`, as Meta words it.
fn spoken(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%b %-d at %-I:%M %p").to_string()
}
