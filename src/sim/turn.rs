//! The words that move a running world on, over HTTP and in scenarios: what becomes of a template or of
//! the number, who reads, who wants no more marketing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Quality;
use super::world::{NumberChange, TemplateChange, World};
use crate::domain::time::Timestamp;

/// What becomes of a template, e.g. `{"name":"pedido_cupom","do":"pause"}` or, with a value,
/// `{"name":"boas_vindas","language":"pt_BR","do":"quality","value":"RED"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateTurn {
    name: String,
    language: Option<String>,
    #[serde(rename = "do")]
    action: String,
    value: Option<String>,
}

impl TemplateTurn {
    pub(super) fn change(&self) -> Result<TemplateChange, String> {
        let value = || {
            let word = &self.action;
            self.value.clone().ok_or_else(|| format!("do = {word:?} needs a value"))
        };
        let change = match self.action.as_str() {
            "approve" => TemplateChange::Approve,
            "reject" => {
                let reason = self.value.clone().unwrap_or_else(|| "INVALID_FORMAT".to_owned());
                return Ok(TemplateChange::Reject(reason));
            }
            "pause" => TemplateChange::Pause,
            "unpause" => TemplateChange::Unpause,
            "disable" => TemplateChange::Disable,
            "flag" => TemplateChange::Flag,
            "hold" => TemplateChange::Hold,
            "release" => TemplateChange::Release,
            "drop" => TemplateChange::Drop,
            "quality" => return quality(&value()?).map(TemplateChange::Quality),
            "category" => return value().map(TemplateChange::Category),
            "violates" => {
                return match value()?.as_str() {
                    "on" => Ok(TemplateChange::Violates(true)),
                    "off" => Ok(TemplateChange::Violates(false)),
                    other => Err(format!("violates {other:?}: give on or off")),
                };
            }
            other => {
                return Err(format!(
                    "do = {other:?}: give approve, reject, pause, unpause, disable, flag, hold, release, \
                     drop, quality, category or violates"
                ));
            }
        };
        match &self.value {
            None => Ok(change),
            Some(value) => Err(format!("do = {:?} takes no value, got {value:?}", self.action)),
        }
    }

    /// Makes it so now.
    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        let change = self.change()?;
        world.change_template(now, &self.name, self.language.as_deref(), &change)?;
        Ok(json!({ "success": true }))
    }
}

/// What becomes of the number: one of the three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberTurn {
    quality: Option<String>,
    limit: Option<String>,
    throughput: Option<String>,
}

impl NumberTurn {
    pub(super) fn change(&self) -> Result<NumberChange, String> {
        match (&self.quality, &self.limit, &self.throughput) {
            (Some(word), None, None) => quality(word).map(NumberChange::Quality),
            (None, Some(limit), None) => Ok(NumberChange::Limit(limit.to_uppercase())),
            (None, None, Some(word)) => match word.as_str() {
                "high" => Ok(NumberChange::Throughput(true)),
                "standard" => Ok(NumberChange::Throughput(false)),
                other => Err(format!("throughput {other:?}: give high or standard")),
            },
            _ => Err("give one of quality, limit and throughput".to_owned()),
        }
    }

    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        world.change_number(now, &self.change()?)?;
        Ok(json!({ "success": true }))
    }
}

/// Whom something happens to that has no more to it: they open the chat, or get a new phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadTurn {
    pub(super) from: String,
}

impl ReadTurn {
    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        let read = world.read(&self.from, now).map_err(|error| error.to_string())?;
        Ok(json!({ "read": read }))
    }

    /// Somebody gets a new phone.
    pub(super) fn new_phone(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        world.renew_key(&self.from, now).map_err(|error| error.to_string())?;
        Ok(json!({ "success": true }))
    }
}

/// Somebody wants no more marketing, or wants it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptOutTurn {
    pub(super) from: String,
    #[serde(default)]
    resume: bool,
}

impl OptOutTurn {
    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        world.opt_out(&self.from, !self.resume, now).map_err(|error| error.to_string())?;
        Ok(json!({ "success": true }))
    }
}

fn quality(word: &str) -> Result<Quality, String> {
    let known = [Quality::Green, Quality::Yellow, Quality::Red, Quality::Unknown];
    let found = known.into_iter().find(|one| one.word().eq_ignore_ascii_case(word));
    found.ok_or_else(|| format!("quality {word:?}: give GREEN, YELLOW, RED or UNKNOWN"))
}
