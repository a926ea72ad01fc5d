//! What a person makes a simulated world go through: now, over HTTP, or at set times, by a scenario in TOML.
//! Both are read into the same steps, so that what one can do the other can.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::WorldConfig;
use super::setting::{self, Account, Person};
use super::turn::{NumberTurn, OptOutTurn, ReadTurn, TemplateTurn};
use super::world::{Fault, Sample, Words, World};
use crate::domain::time::Timestamp;

/// Sends that one step may put into trouble.
const MOST_TIMES: u32 = 100_000;

/// A world and the steps to go through in it, each at its time.
///
/// ```
/// # use twoticks::sim::Scenario;
/// let scenario = Scenario::parse(
///     r#"
///     [[account]]
///     name = "Loja Sol"
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
pub struct Scenario {
    accounts: Vec<Account>,
    people: Vec<Person>,
    steps: Vec<Planned>,
}

/// A step and when it is due.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    at: Duration,
    /// In which account; the first one when nothing is said.
    account: Option<String>,
    step: Step,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it, with the line or the number of the step.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.step.is_empty() && file.account.is_empty() && file.person.is_empty() {
            return Err("it has no [[step]], no [[account]] and no [[person]]".to_owned());
        }
        setting::world(&file.account, &file.person, &WorldConfig::default())?;
        let steps = (1..).zip(file.step).map(|(number, timed)| {
            let wrong = |why: String| format!("step {number}: {why}");
            let at = Duration::try_from_secs_f64(timed.at).map_err(|error| {
                wrong(format!("at = {}: {error}; give seconds from the start", timed.at))
            })?;
            let account = timed.account.clone();
            Ok(Planned { at, account, step: timed.step().map_err(wrong)? })
        });
        let steps = steps.collect::<Result<_, String>>()?;
        Ok(Self { accounts: file.account, people: file.person, steps })
    }

    /// The world it plays in: its accounts and people, and of `plain` what it does not say.
    ///
    /// # Errors
    /// When two of them have the same id.
    pub fn world(&self, plain: &WorldConfig) -> Result<WorldConfig, String> {
        setting::world(&self.accounts, &self.people, plain)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Account>,
    #[serde(default)]
    person: Vec<Person>,
    #[serde(default)]
    step: Vec<Timed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timed {
    at: f64,
    account: Option<String>,
    say: Option<Say>,
    fail: Option<Fail>,
    template: Option<TemplateTurn>,
    number: Option<NumberTurn>,
    read: Option<ReadTurn>,
    opt_out: Option<OptOutTurn>,
    new_phone: Option<ReadTurn>,
}

impl Timed {
    /// The one thing it says.
    fn step(self) -> Result<Step, String> {
        let given = [
            self.say.map(Step::Say),
            self.fail.map(|fail| Step::Fail(Box::new(fail))),
            self.template.map(Step::Template),
            self.number.map(Step::Number),
            self.read.map(Step::Read),
            self.opt_out.map(Step::OptOut),
            self.new_phone.map(Step::NewPhone),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(step), None) = (given.next(), given.next()) else {
            return Err("give it one of say, fail, template, number, read, opt_out and new_phone"
                .to_owned());
        };
        match &step {
            Step::Say(say) => say.check(),
            Step::Fail(fail) => fail.trouble().map(drop),
            Step::Template(turn) => turn.change().map(drop),
            Step::Number(turn) => turn.change().map(drop),
            Step::Read(_) | Step::OptOut(_) | Step::NewPhone(_) => Ok(()),
        }?;
        Ok(step)
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Say(Say),
    Fail(Box<Fail>),
    Template(TemplateTurn),
    Number(NumberTurn),
    Read(ReadTurn),
    OptOut(OptOutTurn),
    NewPhone(ReadTurn),
}

impl Step {
    /// Whom it needs to exist.
    fn who(&self) -> Option<&str> {
        match self {
            Self::Say(say) => Some(&say.from),
            Self::Read(turn) | Self::NewPhone(turn) => Some(&turn.from),
            Self::OptOut(turn) => Some(&turn.from),
            Self::Fail(_) | Self::Template(_) | Self::Number(_) => None,
        }
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
    /// Whether it can be said, but for the message it is about.
    fn check(&self) -> Result<(), String> {
        self.words(Some(String::new())).map(drop)
    }

    /// What is said; `latest` is the message it is about when it names none.
    fn words(&self, latest: Option<String>) -> Result<Words, String> {
        let caption = self.caption.clone();
        Ok(match self.kind.as_deref().unwrap_or("text") {
            "text" => {
                let text = self.text.clone().ok_or("text is missing")?;
                match self.to.clone() {
                    Some(to) => Words::Reply { to, text },
                    None => Words::Text(text),
                }
            }
            "image" => Words::Image(Sample::Parcel, caption),
            "voice" => Words::Voice,
            "sticker" => Words::Sticker,
            "document" => {
                let filename = self.filename.clone().unwrap_or_else(|| "pedido.pdf".to_owned());
                Words::Document { filename, caption }
            }
            "location" => Words::Location { latitude: -23.5614, longitude: -46.6559, name: None },
            "reaction" => {
                let to = self.to.clone().or(latest);
                let to = to.ok_or("to is missing: nothing was sent to them yet")?;
                Words::Reaction { to, emoji: self.emoji.clone().unwrap_or_default() }
            }
            kind => {
                Words::Raw { kind: kind.to_owned(), body: self.body.clone().unwrap_or_default() }
            }
        })
    }

    /// Says it now; answers the message's id.
    pub(super) fn perform(&self, world: &mut World, now: Timestamp) -> Result<Value, String> {
        let latest = world.last_sent_to(&self.from).map_err(|error| error.to_string())?;
        let words = self.words(latest)?;
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
    scopes: Option<String>,
    times: Option<u32>,
    on: Option<String>,
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
    Scopes(Vec<String>),
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
            self.scopes.as_deref().map(|list| {
                let list = list.split(',').map(|scope| scope.trim().to_owned());
                Ok(Trouble::Scopes(list.filter(|scope| !scope.is_empty()).collect()))
            }),
        ];
        let mut given = given.into_iter().flatten();
        let (Some(trouble), None) = (given.next(), given.next()) else {
            return Err("give one of code, status, lose, twice, delay_ms, failed, \
                        failed_then_delivered, no_statuses, webhooks, token, duplicates, \
                        shuffle_ms, skip_delivered, scopes"
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
        if self.on.is_some() {
            let of_messages = matches!(
                trouble,
                Trouble::Fault(Fault::Fail(_) | Fault::FailThenDeliver(_) | Fault::NoStatuses)
            );
            if of_messages || !matches!(trouble, Trouble::Fault(_)) {
                return Err(
                    "on goes with what befalls a call: code, status, lose, twice, delay_ms"
                        .to_owned(),
                );
            }
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
            Trouble::Fault(fault) => match self.on.as_deref() {
                None => world.fail_next(&fault, times),
                Some(edge) => world.fail_edge(edge, &fault, times),
            },
            Trouble::Scopes(scopes) => world.reconfigure(|config| config.scopes = scopes),
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
        for (number, planned) in (1..).zip(&scenario.steps) {
            let wrong = |why: String| format!("step {number}: {why}");
            let world = self.stage(planned.account.as_deref()).map_err(wrong)?;
            if let Some(who) = planned.step.who() {
                world.knows(who).map_err(|error| wrong(error.to_string()))?;
            }
        }
        for planned in &scenario.steps {
            let world = self.stage(planned.account.as_deref())?;
            world.script(now + planned.at, planned.step.clone());
        }
        Ok(())
    }

    /// The account that is named, or this one.
    pub(super) fn stage(&mut self, account: Option<&str>) -> Result<&mut Self, String> {
        match account {
            None => Ok(self),
            Some(name) => {
                self.account(name).ok_or_else(|| format!("there is no account called '{name}'"))
            }
        }
    }

    /// Does a step of a scenario.
    pub(super) fn perform(&mut self, now: Timestamp, step: &Step) -> Result<Value, String> {
        match step {
            Step::Say(say) => say.perform(self, now),
            Step::Fail(fail) => fail.perform(self),
            Step::Template(turn) => turn.perform(self, now),
            Step::Number(turn) => turn.perform(self, now),
            Step::Read(turn) => turn.perform(self, now),
            Step::OptOut(turn) => turn.perform(self, now),
            Step::NewPhone(turn) => turn.new_phone(self, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn a_scenario_that_cannot_be_is_refused_with_its_place() {
        for (text, words) in [
            ("", "it has no [[step]]"),
            ("[[step]]\nat = 1\n", "step 1: give it one of say"),
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
            (
                "[[account]]\nname = \"a\"\nwaba_id = \"1\"\n[[account]]\nname = \"b\"\nwaba_id = \"1\"\ntoken = \"t\"\n",
                "account 2: token is another one than that of a",
            ),
            (
                "[[account]]\nname = \"a\"\nphone_number_id = \"1\"\n[[account]]\nname = \"b\"\nphone_number_id = \"1\"\n",
                "account 2: the id 1",
            ),
            ("[[person]]\nname = \"a\"\nnumber = \"12\"\n", "person 1: number = \"12\""),
            ("[[step]]\nat = 1\nfail = { failed = 4, on = \"media\" }\n", "on goes with"),
            (
                "[[step]]\nat = 1\nnumber = { limit = \"1\", quality = \"RED\" }\n",
                "give one of quality",
            ),
            ("[[step]]\nat = 1\nsay = { from = \"+1\" }\n", "step 1: text is missing"),
        ] {
            let error = Scenario::parse(text).unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
