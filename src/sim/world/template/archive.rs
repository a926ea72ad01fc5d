//! `POST /{WABA-ID}/message_templates/archive` and `/unarchive`: Meta has them on a host of their own, which asks
//! for no version.

use serde_json::{Map, Value, json};

use super::super::super::config::TemplateStatus;
use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::graph::Answer;
use crate::domain::time::Timestamp;

/// Templates in one call.
const MOST: usize = 100;

impl World {
    /// Puts templates away, or takes them out again. Each answers for itself.
    pub(in crate::sim::world) fn archive_templates(
        &mut self,
        now: Timestamp,
        request: &Request,
        away: bool,
    ) -> Answer {
        let said = request.parameters()?;
        let ids: Vec<String> = match said.get("hsm_ids") {
            Some(Value::Array(list)) => {
                let text = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                list.iter().map(text).collect()
            }
            Some(Value::String(list)) => list.split(',').map(|id| id.trim().to_owned()).collect(),
            _ => return Err(Refusal::parameter("The parameter hsm_ids is required.")),
        };
        if ids.is_empty() || ids.len() > MOST {
            return Err(Refusal::parameter("Param hsm_ids must have from 1 to 100 entries."));
        }
        let (mut done, mut failed) = (Vec::new(), Map::new());
        for id in ids {
            match self.archive(now, &id, away) {
                Ok(()) => done.push(id),
                Err(why) => drop(failed.insert(id, json!(why))),
            }
        }
        let list = if away { "archived_templates" } else { "unarchived_templates" };
        Ok(json!({ list: done, "failed_templates": failed }))
    }

    fn archive(&mut self, now: Timestamp, id: &str, away: bool) -> Result<(), &'static str> {
        let entry = self.templates.with_id_mut(id).ok_or("The template does not exist.")?;
        let status = entry.template.status;
        if !away {
            let before = entry.archived.take().ok_or("The template is not archived.")?;
            entry.template.status = before;
            self.tell_status(now, id, "UNARCHIVED", json!("NONE"), &[]);
            return Ok(());
        }
        match status {
            TemplateStatus::Archived => Err("The template is archived already."),
            TemplateStatus::PendingDeletion => Err("The template is being deleted."),
            _ => {
                entry.archived = Some(status);
                self.set_status(now, id, TemplateStatus::Archived, json!("NONE"), &[]);
                Ok(())
            }
        }
    }
}
