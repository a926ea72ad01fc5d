//! The edges of the Graph API that list, create, edit and delete templates.

use serde_json::{Value, json};

use super::super::super::config::{Quality, Template, TemplateStatus};
use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::graph::{self, Answer, select, word_parameter};
use super::create::{check_category, check_components, check_language, check_name, check_ttl};
use super::example::at_host;
use super::life::Turn;
use super::text::refused;
use super::{Entry, number};
use crate::domain::time::Timestamp;

/// What is told unasked.
const USUAL: &str = "name,parameter_format,components,language,status,category,sub_category,\
    previous_category,message_send_ttl_seconds";
/// What is told when asked for, but not of every template.
const OPTIONAL: &[&str] = &["previous_category", "message_send_ttl_seconds", "sub_category"];

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Templates that can be created in an hour, per account.
const CREATED_PER_HOUR: usize = 100;
/// Templates of an account that is not verified.
const MOST: usize = 250;
const TOO_MANY: u32 = 2_388_019;
const STATUS_FORBIDS: u32 = 2_388_039;
/// The name is locked: its template was deleted less than 30 days ago.
const LOCKED: u32 = 2_388_023;
const EXISTS: u32 = 2_388_024;

/// A template as whoever asks is told of it.
fn shown(entry: &Entry, request: &Request) -> Value {
    let mut object = entry.object();
    at_host(&mut object, request.header("host").unwrap_or("127.0.0.1"));
    object
}

impl World {
    /// `GET /{WABA-ID}/message_templates`.
    pub(in crate::sim::world) fn list_templates(&self, request: &Request) -> Answer {
        let is = |key: &str, value: &str| {
            request.query(key).is_none_or(|wanted| {
                let wanted = wanted.trim_matches(['[', ']', '"']);
                wanted.split(',').any(|one| one.trim_matches('"').eq_ignore_ascii_case(value))
            })
        };
        let meant = |entry: &&Entry| {
            let Template { name, language, category, status, quality, .. } = &entry.template;
            is("name", name)
                && is("language", language)
                && is("category", category)
                && is("status", status.word())
                && is("quality_score", quality.word())
        };
        let mut found: Vec<&Entry> = self.templates.entries.iter().filter(meant).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.order));
        let row = |entry: &Entry| (entry.order, shown(entry, request));
        let rows: Vec<_> = found.into_iter().map(row).collect();
        graph::page(&rows, request, |row| select(row, request, USUAL, OPTIONAL))
    }

    /// `GET /{template-id}`.
    pub(in crate::sim::world) fn show_template(&self, request: &Request, id: &str) -> Answer {
        let entry = self.templates.with_id(id).ok_or_else(|| Refusal::unknown_object("get", id))?;
        select(&shown(entry, request), request, USUAL, OPTIONAL)
    }

    /// `POST /{WABA-ID}/message_templates`.
    pub(in crate::sim::world) fn create_template(
        &mut self,
        now: Timestamp,
        request: &Request,
    ) -> Answer {
        let body = request.parameters()?;
        let need = |key: &str| {
            let missing = || Refusal::parameter(&format!("The parameter {key} is required."));
            body.get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .ok_or_else(missing)
        };
        let (name, language) = (need("name")?, need("language")?);
        check_name(name)?;
        check_language(language)?;
        let category = check_category(need("category")?)?;
        let named = match word_parameter(&body, "parameter_format").as_str() {
            "" | "POSITIONAL" => false,
            "NAMED" => true,
            other => {
                let known = "POSITIONAL, NAMED";
                let text =
                    format!("Param parameter_format must be one of {{{known}}} - got \"{other}\".");
                return Err(Refusal::parameter(&text));
            }
        };
        let ttl = body.get("message_send_ttl_seconds").and_then(Value::as_i64);
        ttl.map_or(Ok(()), |seconds| check_ttl(seconds, &category))?;
        let components = check_components(
            body.get("components").unwrap_or(&Value::Null),
            &category,
            named,
            &self.uploads,
        )?;
        self.free_to_create(now, name, language)?;
        let mut template = Template::new(name, language, &category, components);
        template.named = named;
        template.status = TemplateStatus::Pending;
        template.quality = Quality::Unknown;
        let id = self.rng.letters(b"123456789", 1) + &self.rng.letters(b"0123456789", 15);
        self.templates.created.push(now.millis());
        self.templates.add(id.clone(), template, ttl);
        let review = now + self.rng.span(self.config.review);
        self.plan_turn(review, &id, Turn::Review);
        Ok(json!({ "id": id, "status": "PENDING", "category": category }))
    }

    fn free_to_create(
        &mut self,
        now: Timestamp,
        name: &str,
        language: &str,
    ) -> Result<(), Refusal> {
        let catalogue = &mut self.templates;
        if catalogue.find(name, language).is_some() {
            let text = format!(
                "There is already {language} content for this template. You can create a new template \
                 and try again."
            );
            return refused(EXISTS, "Content in This Language Already Exists", &text);
        }
        catalogue.locked.retain(|(_, _, until)| *until > now.millis());
        if catalogue.locked.iter().any(|(one, code, _)| one == name && code == language) {
            let text = format!(
                "New {language} content can't be added while the existing {language} content is being \
                 deleted. Try again in 4 weeks or use another name."
            );
            return refused(LOCKED, "Message Template Language Is Being Deleted", &text);
        }
        catalogue.created.retain(|at| *at > now.millis() - HOUR);
        if catalogue.created.len() >= CREATED_PER_HOUR || catalogue.entries.len() >= MOST {
            let text = format!(
                "You can have {MOST} templates, and create {CREATED_PER_HOUR} of them in an hour."
            );
            return refused(TOO_MANY, "Message Template Limit Exceeded", &text);
        }
        Ok(())
    }

    /// `POST /{template-id}`.
    pub(in crate::sim::world) fn edit_template(
        &mut self,
        now: Timestamp,
        request: &Request,
        id: &str,
    ) -> Answer {
        let body = request.parameters()?;
        let entry =
            self.templates.with_id(id).ok_or_else(|| Refusal::unknown_object("post", id))?;
        let status = entry.template.status;
        let editable = [TemplateStatus::Approved, TemplateStatus::Rejected, TemplateStatus::Paused];
        if !editable.contains(&status) {
            let word = status.word();
            let text = format!(
                "Only a template that is APPROVED, REJECTED or PAUSED can be edited; this one is {word}."
            );
            return refused(STATUS_FORBIDS, "Message Template Can't Be Edited", &text);
        }
        let within =
            |span: i64| entry.edited.iter().filter(|at| **at > now.millis() - span).count();
        if status == TemplateStatus::Approved && (within(DAY) >= 1 || within(30 * DAY) >= 10) {
            let text =
                "An approved template can be edited once in 24 hours and ten times in 30 days.";
            return refused(STATUS_FORBIDS, "Message Template Can't Be Edited", text);
        }
        let mut category = entry.template.category.clone();
        if let Some(wanted) = body.get("category").and_then(Value::as_str) {
            let wanted = check_category(wanted)?;
            if wanted != category && status == TemplateStatus::Approved {
                let text = "The category of an approved template can't be changed.";
                return Err(Refusal::template(None, "Invalid parameter", text));
            }
            category = wanted;
        }
        let ttl = body.get("message_send_ttl_seconds").and_then(Value::as_i64);
        ttl.map_or(Ok(()), |seconds| check_ttl(seconds, &category))?;
        let named = entry.template.named;
        let components = match body.get("components") {
            Some(components) => {
                Some(check_components(components, &category, named, &self.uploads)?)
            }
            None if body.get("category").is_none() && ttl.is_none() => {
                return Err(Refusal::parameter(
                    "Give components, category or message_send_ttl_seconds.",
                ));
            }
            None => None,
        };
        let review = now + self.rng.span(self.config.review);
        let Some(entry) = self.templates.with_id_mut(id) else {
            return Err(Refusal::unknown_object("post", id));
        };
        entry.template.category = category;
        entry.ttl_seconds = ttl.or(entry.ttl_seconds);
        if let Some(components) = components {
            entry.template.components = components;
            entry.changed = true;
        }
        if status == TemplateStatus::Approved {
            entry.edited.push(now.millis());
        }
        entry.template.status = TemplateStatus::Pending;
        self.plan_turn(review, id, Turn::Review);
        Ok(json!({ "success": true }))
    }

    /// `DELETE /{WABA-ID}/message_templates`: all languages of a name, one of them, or several ids.
    pub(in crate::sim::world) fn delete_templates(
        &mut self,
        now: Timestamp,
        request: &Request,
    ) -> Answer {
        let unknown = || {
            let text = "The template does not exist, or it was deleted already.";
            Err(Refusal::template(Some(2_593_002), "Message Template Not Found", text))
        };
        let ids: Vec<String> =
            match (request.query("hsm_ids"), request.query("hsm_id"), request.query("name")) {
                (Some(list), _, _) => {
                    let list = list.trim_matches(['[', ']']).split(',');
                    list.map(|id| id.trim().trim_matches('"').to_owned())
                        .filter(|id| !id.is_empty())
                        .collect()
                }
                (None, Some(id), Some(name)) => {
                    let same =
                        self.templates.with_id(id).filter(|entry| entry.template.name == name);
                    same.map(|entry| vec![entry.id.clone()]).unwrap_or_default()
                }
                (None, None, Some(name)) => self.templates.ids(name, None),
                (None, _, None) => {
                    return Err(Refusal::parameter("The parameter name is required."));
                }
            };
        if ids.len() > 100 {
            return Err(Refusal::parameter("Param hsm_ids must have at most 100 entries."));
        }
        let known = ids.iter().filter_map(|id| self.templates.with_id(id));
        let statuses: Vec<TemplateStatus> = known.map(|entry| entry.template.status).collect();
        if statuses.len() < ids.len() || ids.is_empty() {
            return unknown();
        }
        if statuses.contains(&TemplateStatus::Disabled) {
            let text = "A disabled template can't be deleted.";
            return refused(STATUS_FORBIDS, "Message Template Can't Be Deleted", text);
        }
        for id in ids {
            self.delete_template(now, &id);
        }
        Ok(json!({ "success": true }))
    }

    fn delete_template(&mut self, now: Timestamp, id: &str) {
        let Some(entry) = self.templates.with_id(id) else { return };
        let Template { name, language, .. } = &entry.template;
        let until = now.millis() + 30 * DAY;
        let lock = (name.clone(), language.clone(), until);
        let under_way = self.in_flight(id);
        self.templates.locked.push(lock);
        if under_way {
            self.set_status(now, id, TemplateStatus::PendingDeletion, Value::Null, &[]);
            self.plan_turn(Timestamp::from_millis(until), id, Turn::Remove);
        } else {
            self.remove_template(now, id);
        }
    }

    /// `POST /{template-id}/unpause`.
    pub(in crate::sim::world) fn unpause_template(&mut self, now: Timestamp, id: &str) -> Answer {
        let entry =
            self.templates.with_id(id).ok_or_else(|| Refusal::unknown_object("post", id))?;
        if entry.template.status != TemplateStatus::Paused {
            let text = format!("The template {} is not paused.", number(id));
            return Err(Refusal::template(None, "Invalid parameter", &text));
        }
        self.unpause(now, id);
        Ok(json!({ "success": true }))
    }
}
