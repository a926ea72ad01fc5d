//! What a person makes a simulated world go through: now, over HTTP, or at set times, by a scenario in TOML.
//! Both are read into the same steps, so that what one can do the other can.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Quality;
use super::world::{Fault, Sample, TemplateChange, Words, World};
use crate::domain::time::Timestamp;

/// Sends that one step may put into trouble.
const MOST_TIMES: u32 = 100_000;

/// Steps to go through, each at its time.
///
/// ```
/// # use twoticks::sim::Scenario;
/// let scenario = Scenario::parse(
///     r#"
///     [[step]]
///     at = 2.5
///     say = { from = "+15551230001", text = "hi" }
///     [[step]]
///     at = 10
///     fail = { lose = "answer", times = 3 }
///     "#,
/// );
/// assert_eq!(scenario.unwrap().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario(Vec<(Duration, Step)>);

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it, with the line or the number of the step.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let steps = (1..).zip(file.step).map(|(number, timed)| {
            let wrong = |why: String| format!("step {number}: {why}");
            let at = Duration::try_from_secs_f64(timed.at).map_err(|error| {
                wrong(format!("at = {}: {error}; give seconds from the start", timed.at))
            })?;
            let step = match (timed.say, timed.fail, timed.template) {
                (Some(say), None, None) => {
                    say.words().map_err(wrong)?;
                    Step::Say(say)
                }
                (None, Some(fail), None) => {
                    fail.trouble().map_err(wrong)?;
                    Step::Fail(fail)
                }
                (None, None, Some(turn)) => {
                    turn.change().map_err(wrong)?;
                    Step::Template(turn)
                }
                _ => return Err(wrong("give it either say, fail or template".to_owned())),
            };
            Ok((at, step))
        });
        steps.collect::<Result<_, _>>().map(Self)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    step: Vec<Timed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timed {
    at: f64,
    say: Option<Say>,
    fail: Option<Fail>,
    template: Option<TemplateTurn>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Say(Say),
    Fail(Fail),
    Template(TemplateTurn),
}

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
    fn change(&self) -> Result<TemplateChange, String> {
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
            "quality" => {
                let word = value()?;
                let known = [Quality::Green, Quality::Yellow, Quality::Red, Quality::Unknown];
                let quality = known.into_iter().find(|one| one.word().eq_ignore_ascii_case(&word));
                return quality.map(TemplateChange::Quality).ok_or_else(|| {
                    format!("quality {word:?}: give GREEN, YELLOW, RED or UNKNOWN")
                });
            }
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

/// `{"from":"+5511...","text":"hi"}`, or `{"from":"Ana","kind":"image","caption":"..."}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Say {
    from: String,
    #[serde(default)]
    kind: Option<String>,
    text: Option<String>,
    caption: Option<String>,
    filename: Option<String>,
    to: Option<String>,
    emoji: Option<String>,
    body: Option<Value>,
}

impl Say {
    fn words(&self) -> Result<Words, String> {
        let caption = self.caption.clone();
        Ok(match self.kind.as_deref().unwrap_or("text") {
            "text" => Words::Text(self.text.clone().ok_or("text is missing")?),
            "image" => Words::Image(Sample::Parcel, caption),
            "voice" => Words::Voice,
            "sticker" => Words::Sticker,
            "document" => {
                let filename = self.filename.clone().unwrap_or_else(|| "pedido.pdf".to_owned());
                Words::Document { filename, caption }
            }
            "location" => Words::Location { latitude: -23.5614, longitude: -46.6559, name: None },
            "reaction" => {
                let to = self.to.clone().ok_or("to is missing: the id of the message")?;
                Words::Reaction { to, emoji: self.emoji.clone().unwrap_or_default() }
            }
            kind => {
                Words::Raw { kind: kind.to_owned(), body: self.body.clone().unwrap_or_default() }
            }
        })
    }

    /// Says it now; answers the message's id.
    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        let words = self.words()?;
        let id = world.say_words(&self.from, &words, now).map_err(|error| error.to_string())?;
        Ok(json!({ "id": id }))
    }
}

/// One kind of trouble, e.g. `{"code":131056,"times":3}` or `{"webhooks":"off"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fail {
    code: Option<u32>,
    status: Option<u16>,
    body: Option<String>,
    accepted: Option<bool>,
    lose: Option<String>,
    twice: Option<bool>,
    delay_ms: Option<u32>,
    failed: Option<u32>,
    failed_then_delivered: Option<u32>,
    no_statuses: Option<bool>,
    webhooks: Option<String>,
    token: Option<String>,
    duplicates: Option<u16>,
    shuffle_ms: Option<u32>,
    skip_delivered: Option<u16>,
    times: Option<u32>,
}

/// What a [`Fail`] comes to.
enum Trouble {
    Fault(Fault),
    Webhooks(bool),
    Token(bool),
    /// Chances per thousand.
    Duplicates(u16),
    Shuffle(Duration),
    SkipDelivered(u16),
}

impl Fail {
    fn trouble(&self) -> Result<Trouble, String> {
        let fault = |fault| Ok(Trouble::Fault(fault));
        let millis = |millis: u32| Duration::from_millis(millis.into());
        let given = [
            self.code.map(|code| fault(Fault::Refuse(code))),
            self.status.map(|status| self.answer(status)),
            self.lose.as_deref().map(|what| match what {
                "request" => fault(Fault::LoseRequest),
                "answer" => fault(Fault::LoseAnswer),
                "half" => fault(Fault::CutAnswer),
                _ => Err(format!("lose = {what:?}: give request, answer or half")),
            }),
            self.twice.filter(|twice| *twice).map(|_| fault(Fault::AnswerTwice)),
            self.delay_ms.map(|delay| fault(Fault::Delay(millis(delay)))),
            self.failed.map(|code| fault(Fault::Fail(code))),
            self.failed_then_delivered.map(|code| fault(Fault::FailThenDeliver(code))),
            self.no_statuses.filter(|none| *none).map(|_| fault(Fault::NoStatuses)),
            self.webhooks.as_deref().map(|switch| match switch {
                "on" | "off" => Ok(Trouble::Webhooks(switch == "on")),
                _ => Err(format!("webhooks = {switch:?}: give on or off")),
            }),
            self.token.as_deref().map(|state| match state {
                "valid" | "expired" => Ok(Trouble::Token(state == "valid")),
                _ => Err(format!("token = {state:?}: give expired or valid")),
            }),
            self.duplicates.map(|chance| percent("duplicates", chance).map(Trouble::Duplicates)),
            self.shuffle_ms.map(|most| Ok(Trouble::Shuffle(millis(most)))),
            self.skip_delivered
                .map(|chance| percent("skip_delivered", chance).map(Trouble::SkipDelivered)),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(trouble), None) = (given.next(), given.next()) else {
            return Err("give one of code, status, lose, twice, delay_ms, failed, \
                        failed_then_delivered, no_statuses, webhooks, token, duplicates, \
                        shuffle_ms, skip_delivered"
                .to_owned());
        };
        let trouble = trouble?;
        if self.status.is_none() && (self.body.is_some() || self.accepted.is_some()) {
            return Err("body and accepted go with status".to_owned());
        }
        if self.times.is_some() && !matches!(trouble, Trouble::Fault(_)) {
            return Err(
                "times is for what befalls sends: this lasts until it is changed".to_owned()
            );
        }
        match self.times {
            Some(times @ (0 | MOST_TIMES..)) if times != MOST_TIMES => {
                Err(format!("times = {times}: give 1 to {MOST_TIMES}"))
            }
            _ => Ok(trouble),
        }
    }

    fn answer(&self, status: u16) -> Result<Trouble, String> {
        if !(200..=599).contains(&status) {
            return Err(format!("status = {status}: give 200 to 599"));
        }
        let body = self.body.clone().unwrap_or_else(|| "<html>Bad Gateway</html>".to_owned());
        let accepted = self.accepted.unwrap_or(false);
        Ok(Trouble::Fault(Fault::Answer { status, body, accepted }))
    }

    /// Makes it so from now on.
    pub(super) fn perform(&self, world: &mut World) -> Result<Value, String> {
        let times = usize::try_from(self.times.unwrap_or(1)).unwrap_or(1);
        match self.trouble()? {
            Trouble::Fault(fault) => world.fail_next(&fault, times),
            Trouble::Webhooks(on) => world.set_webhooks(on),
            Trouble::Token(valid) => world.expire_token(!valid),
            Trouble::Duplicates(chance) => {
                world.reconfigure(|config| config.weather.duplicated = chance);
            }
            Trouble::Shuffle(most) => {
                world.reconfigure(|config| config.weather.shuffled_within = most);
            }
            Trouble::SkipDelivered(chance) => {
                world.reconfigure(|config| config.weather.delivered_skipped = chance);
            }
        }
        Ok(json!({ "success": true }))
    }
}

/// Per cent as given, per thousand as used.
fn percent(name: &str, chance: u16) -> Result<u16, String> {
    if chance > 100 {
        return Err(format!("{name} = {chance}: give 0 to 100 per cent"));
    }
    Ok(chance * 10)
}

impl World {
    /// Puts the steps of a scenario on the agenda, counted from `now`. A step that says something of
    /// somebody whom nobody knows is refused at once, and then nothing of the scenario is taken.
    ///
    /// # Errors
    /// Which step names nobody.
    pub fn play(&mut self, scenario: &Scenario, now: Timestamp) -> Result<(), String> {
        for (number, (_, step)) in (1..).zip(&scenario.0) {
            if let Step::Say(say) = step {
                self.knows(&say.from).map_err(|error| format!("step {number}: {error}"))?;
            }
        }
        for (at, step) in &scenario.0 {
            self.script(now + *at, step.clone());
        }
        Ok(())
    }

    /// Does a step of a scenario.
    pub(super) fn perform(&mut self, now: Timestamp, step: &Step) -> Result<Value, String> {
        match step {
            Step::Say(say) => say.perform(self, now),
            Step::Fail(fail) => fail.perform(self),
            Step::Template(turn) => turn.perform(self, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn a_scenario_that_cannot_be_is_refused_with_its_place() {
        for (text, words) in [
            ("", "missing field `step`"),
            ("[[step]]\nat = 1\n", "step 1: give it either say, fail or template"),
            ("[[step]]\nat = -1\nfail = { code = 4 }\n", "step 1: at = -1"),
            ("[[step]]\nat = 1\nfial = { code = 4 }\n", "line 3"),
            ("[[step]]\nat = 1\nfail = { code = 4, lose = \"answer\" }\n", "step 1: give one of"),
            ("[[step]]\nat = 1\nfail = { cod = 4 }\n", "unknown field `cod`"),
            ("[[step]]\nat = 1\nfail = { lose = \"all\" }\n", "lose = \"all\": give request"),
            ("[[step]]\nat = 1\nfail = { duplicates = 200 }\n", "0 to 100 per cent"),
            ("[[step]]\nat = 1\nfail = { code = 4, times = 0 }\n", "times = 0"),
            ("[[step]]\nat = 1\nfail = { webhooks = \"off\", times = 2 }\n", "until it is changed"),
            ("[[step]]\nat = 1\nfail = { code = 4, body = \"x\" }\n", "go with status"),
            (
                "[[step]]\nat = 1\ntemplate = { name = \"a\", do = \"burn\" }\n",
                "do = \"burn\": give approve",
            ),
            (
                "[[step]]\nat = 1\ntemplate = { name = \"a\", do = \"quality\", value = \"BLUE\" }\n",
                "quality \"BLUE\": give GREEN",
            ),
            ("[[step]]\nat = 1\nsay = { from = \"+1\" }\n", "step 1: text is missing"),
        ] {
            let error = Scenario::parse(text).unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
