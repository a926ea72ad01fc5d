//! The workbench: reading what it shows, asking Meta, looking at the set-up, and the tunnel.

use crate::app::action::{Action, Context};
use crate::app::layout;
use crate::app::model::{Awaited, Model, Overlay};
use crate::app::msg::{Command, Done, Effect, Query, Ticket};
use crate::app::notice::Weight;
use crate::app::pages;
use crate::app::prompt::{Prompt, Question};
use crate::app::workbench::{DEAF, HISTORY, Tab, Told};
use crate::domain::checkup::Finding;
use crate::domain::health::Condition;
use crate::domain::profile::{Part, Profile, ProfileChange};
use crate::domain::tunnel::{Kind, Registration, Say};

/// Carries out what opens the workbench, or means something on it. Says whether it was that.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::ShowAccount => show(model, Tab::Account, effects),
        Action::ShowDoctor => show(model, Tab::Doctor, effects),
        Action::ShowTunnel => show(model, Tab::Tunnel, effects),
        _ if !is_open(model) => return false,
        Action::NextTab => show(model, model.workbench.tab.next(true), effects),
        Action::PreviousTab => show(model, model.workbench.tab.next(false), effects),
        Action::Refresh => refresh(model, effects),
        Action::Choose => choose(model, effects),
        Action::LetPost | Action::LeavePost | Action::PutBack
            if model.workbench.tab != Tab::Tunnel =>
        {
            let key = model.keymap.key(Context::Workbench, Action::ShowTunnel);
            let words = format!("Where Meta posts is decided on the tunnel's tab: {key} shows it.");
            model.say(words, Weight::Warning);
        }
        Action::LetPost => post(model, Say::Here, effects),
        Action::LeavePost => post(model, Say::Stay, effects),
        Action::PutBack => post(model, Say::Back, effects),
        Action::Copy => match pages::workbench_copied(model) {
            Some(words) => {
                effects.push(Effect::Copy(words));
                model.say("Copied.", Weight::Done);
            }
            None => model.say("There is nothing to copy yet.", Weight::Warning),
        },
        _ => return false,
    }
    true
}

fn is_open(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Workbench))
}

/// Opens a tab, and asks for what it shows unless that is known.
fn show(model: &mut Model, tab: Tab, effects: &mut Vec<Effect>) {
    model.overlay = Some(Overlay::Workbench);
    model.workbench.row = if tab == Tab::Tunnel { running(model) } else { 0 };
    (model.workbench.tab, model.workbench.scroll) = (tab, 0);
    match tab {
        Tab::Account => ask_told(model, effects),
        Tab::Profile if model.workbench.profile.is_none() => refresh(model, effects),
        Tab::Doctor if model.workbench.findings.is_none() => refresh(model, effects),
        Tab::Profile | Tab::Doctor | Tab::Tunnel => {}
    }
}

/// The row of the tunnel that runs.
fn running(model: &Model) -> usize {
    let kind = model.health.tunnel.kind.unwrap_or("none");
    Kind::ALL.iter().position(|(name, _)| *name == kind).unwrap_or(0)
}

fn ask_told(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let ticket = model.ticket();
    model.workbench.wait.start(ticket, ());
    effects.push(Effect::Run(Query::Account { account, limit: HISTORY, ticket }));
}

/// Meta told something, or was asked: it is read again while it is looked at.
pub(super) fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    let looks = is_open(model) && model.workbench.tab == Tab::Account;
    if looks && model.workbench.wait.stale() {
        ask_told(model, effects);
    }
}

/// What is known of the account came.
pub(super) fn told(model: &mut Model, ticket: Ticket, told: Told, effects: &mut Vec<Effect>) {
    if model.workbench.wait.answered(ticket).is_none() {
        return;
    }
    if model.workbench.told.as_ref() != Some(&told) {
        model.workbench.told = Some(told);
        model.touch();
    }
    if model.workbench.wait.take_again() {
        ask_told(model, effects);
    }
}

/// Asks Meta, or looks at everything, once more.
fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    let command = match model.workbench.tab {
        Tab::Tunnel => return,
        Tab::Doctor => {
            if !std::mem::replace(&mut model.workbench.looks, true) {
                effects.push(Effect::Examine);
            }
            return;
        }
        Tab::Account => Command::AskAccount,
        Tab::Profile => Command::Profile,
    };
    let Some(account) = model.account else {
        model.say("No account is set up: twoticks init.", Weight::Warning);
        return;
    };
    if !std::mem::replace(&mut model.workbench.asks, true) {
        effects.push(model.command(command(account), Awaited::Workbench));
    }
}

/// What was found out about the set-up.
pub(super) fn examined(model: &mut Model, findings: Vec<Finding>) {
    model.workbench.looks = false;
    model.workbench.findings = Some(findings);
    model.touch();
}

/// Meta told the profile.
pub(super) fn profile(model: &mut Model, profile: Profile) {
    let bench = &mut model.workbench;
    (bench.asks, bench.trouble, bench.profile) = (false, None, Some(profile));
    model.touch();
}

/// What became of a change of the profile. What was typed for it stays until Meta has taken it.
pub(super) fn answered(model: &mut Model, question: Question, result: Result<Done, String>) {
    let asks =
        matches!(&model.overlay, Some(Overlay::Prompt(prompt)) if prompt.question == question);
    if result.is_ok() && asks {
        model.overlay = model.beneath.pop();
    }
    match result {
        Ok(Done::Profile(told)) => {
            profile(model, *told);
            let what = if question == Question::Picture { "the new picture" } else { "it" };
            model.say(format!("Customers see {what}."), Weight::Done);
        }
        Ok(Done::Said(words)) => model.say(words, Weight::Done),
        Ok(_) => {}
        Err(reason) => not_changed(model, question, reason),
    }
}

/// Something was done, or could not be.
pub(super) fn done(model: &mut Model, result: Result<String, String>) {
    model.workbench.asks = false;
    match result {
        Ok(words) => model.say(words, Weight::Done),
        Err(reason) => {
            if model.workbench.tab == Tab::Profile {
                model.workbench.trouble = Some(reason.clone());
            }
            model.say(reason, Weight::Error);
        }
    }
}

/// Edits the part that is chosen, or starts the tunnel.
fn choose(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.workbench.tab {
        Tab::Account | Tab::Doctor => refresh(model, effects),
        Tab::Profile => {
            let Some(profile) = &model.workbench.profile else { return };
            let prompt = match model.workbench.part() {
                Some(part) => Prompt::new(Question::Profile(part), profile.text(part)),
                None => Prompt::new(Question::Picture, ""),
            };
            model.beneath.push(Overlay::Workbench);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Tab::Tunnel => {
            let kind = model.workbench.kind();
            if kind != Kind::None && model.health.listener == Condition::Off {
                return model.say(DEAF, Weight::Warning);
            }
            let command = Command::Tunnel(kind);
            effects.push(model.command(command, Awaited::Workbench));
        }
    }
}

/// Another text for a part of the profile. It stays typed until Meta would take it.
pub(super) fn accept(model: &mut Model, part: Part, mut prompt: Prompt, effects: &mut Vec<Effect>) {
    let text = prompt.editor.text().trim().to_owned();
    let text = if part == Part::Vertical { text.to_uppercase() } else { text };
    if let Some(flaw) = part.flaw(&text) {
        prompt.error = Some(flaw);
        model.overlay = Some(Overlay::Prompt(prompt));
        return;
    }
    if let Some(account) = model.account.filter(|_| !prompt.busy) {
        let change = ProfileChange { texts: vec![(part, text)], picture: None };
        (prompt.error, prompt.busy) = (None, true);
        let awaited = Awaited::Profile(Question::Profile(part));
        effects.push(model.command(Command::SetProfile(account, change), awaited));
    }
    model.overlay = Some(Overlay::Prompt(prompt));
}

/// The file of a picture. The path stays typed until Meta has the picture.
pub(super) fn accept_picture(model: &mut Model, mut prompt: Prompt, effects: &mut Vec<Effect>) {
    let path = prompt.editor.text().trim().to_owned();
    let account = model.account.filter(|_| !prompt.busy);
    if path.is_empty() && !prompt.busy {
        prompt.error = Some("Type the path of a picture.".to_owned());
    } else if let Some(account) = account {
        (prompt.error, prompt.busy) = (None, true);
        let awaited = Awaited::Profile(Question::Picture);
        effects.push(model.command(Command::SetPicture(account, path), awaited));
    }
    model.overlay = Some(Overlay::Prompt(prompt));
}

/// Why the profile is not as the question was answered.
fn not_changed(model: &mut Model, question: Question, reason: String) {
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) if prompt.question == question => {
            (prompt.error, prompt.busy) = (Some(reason), false);
            model.touch();
        }
        _ => model.say(format!("The profile was not changed: {reason}"), Weight::Error),
    }
}

/// The person's word about where Meta posts.
fn post(model: &mut Model, say: Say, effects: &mut Vec<Effect>) {
    let tunnel = &model.health.tunnel;
    let stands = &tunnel.registration;
    let why = match say {
        Say::Here if tunnel.url.is_none() => {
            Some("No tunnel works, so there is no address to tell.")
        }
        Say::Here if matches!(stands, Registration::Registered { .. }) => {
            Some("Meta posts to the tunnel already.")
        }
        Say::Stay if !matches!(stands, Registration::Asks { .. }) => {
            Some("Nothing is asked about the address now.")
        }
        Say::Back if matches!(stands, Registration::Registered { before: None }) => {
            Some("Nothing was changed by this program, so there is nothing to put back.")
        }
        Say::Here | Say::Stay | Say::Back => None,
    };
    if let Some(why) = why {
        return model.say(why, Weight::Warning);
    }
    let Some(account) = model.account else {
        return model.say("No account is set up: twoticks init.", Weight::Warning);
    };
    effects.push(model.command(Command::Post(account, say), Awaited::Workbench));
}

/// Up or down: the row that is chosen, or else the page. Says whether it moved a row.
pub(super) fn step(model: &mut Model, by: isize) -> bool {
    let rows = model.workbench.tab.rows();
    if rows == 0 {
        return false;
    }
    let row = model.workbench.row.saturating_add_signed(by).min(rows - 1);
    model.workbench.row = row;
    // A low screen shows what is around it.
    let line = pages::workbench_chosen(model);
    let height = usize::from(layout::page(model.size).height);
    let scroll = line.saturating_sub(height / 2);
    model.workbench.scroll = u16::try_from(scroll).unwrap_or(u16::MAX);
    model.touch();
    true
}
