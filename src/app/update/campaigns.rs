//! The screen of the campaigns: looking at them, deciding about one, and preparing another.

use std::sync::Arc;

use super::{open, paths, queue, templates};
use crate::app::action::{Action, Context};
use crate::app::campaigns::{CALM, Desk, SHOWN};
use crate::app::model::{Awaited, Model, Overlay, Screen};
use crate::app::msg::{Command, Course, Effect, Query, Ticket};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::app::templates::obstacle;
use crate::domain::campaign::{Campaign, DryRun, Stage, Wish};
use crate::domain::change::Changes;
use crate::domain::id::CampaignId;
use crate::domain::phone;
use crate::domain::text::display_safe;

/// Shows the campaigns.
pub(super) fn show(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen == Screen::Campaigns {
        return;
    }
    open::save_draft(model, effects);
    queue::leave(model);
    model.screen = Screen::Campaigns;
    ask(model, effects);
}

/// Carries out what means something here. Says whether it did.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    if model.campaigns.desk.is_some() {
        return prepare(model, action, effects);
    }
    match action {
        Action::NewCampaign => {
            templates::show(model, effects);
            let keys = model.keymap.keys(Context::Templates, Action::SendToMany).join(" or ");
            model.say(format!("Choose a template; {keys} sends it to many."), Weight::Done);
        }
        Action::Pause => pause(model, effects),
        Action::CancelCampaign => cancel(model, effects),
        Action::SaveResult => {
            if let Some(id) = model.campaigns.current().map(|row| row.id) {
                let file = format!("campaign-{id}.csv");
                let prompt = Prompt::offering(Question::ResultAs(id), &file);
                model.overlay = Some(Overlay::Prompt(prompt));
            }
        }
        Action::Back => queue::leave(model),
        _ => return false,
    }
    true
}

/// What can be done with one that is being prepared.
fn prepare(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let Some(desk) = &mut model.campaigns.desk else { return false };
    match action {
        Action::NextTab | Action::PreviousTab => {
            desk.problems = !desk.problems;
            desk.at = 0;
        }
        Action::MapColumns => {
            let line = desk.columns_line();
            model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Columns, &line)));
        }
        Action::SaveSkipped => {
            let left_out = desk.run().is_some_and(|run| run.plan.good() < run.plan.rows.len());
            if left_out {
                let prompt = Prompt::offering(Question::SkippedAs, "skipped.csv");
                model.overlay = Some(Overlay::Prompt(prompt));
            } else {
                model.say("No row is left out.", Weight::Done);
            }
        }
        Action::StartCampaign => ask_count(model),
        Action::TryOut if desk.tried().is_none() => {
            model.say("No row can be sent.", Weight::Warning);
        }
        Action::TryOut => {
            let prompt = Prompt::new(Question::TryOn, &model.campaigns.tester);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::Back => {
            model.campaigns.desk = None;
            ask(model, effects);
        }
        _ => return false,
    }
    true
}

/// Asks for the number of messages before anything is sent.
fn ask_count(model: &mut Model) {
    let Some(desk) = &model.campaigns.desk else { return };
    let Some(run) = desk.run() else {
        return model.say("Nothing can be sent yet.", Weight::Warning);
    };
    if desk.starting.is_busy() {
        return;
    }
    if run.plan.good() == 0 {
        return model.say("No row can be sent.", Weight::Warning);
    }
    model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Count, "")));
}

/// Asks whom the selected template goes to.
pub(super) fn ask_file(model: &mut Model) {
    let rows = model.shelf_rows();
    let Some(entry) = rows.get(model.templates.shelf.at(&rows)) else { return };
    if let Some(words) = obstacle(entry, model) {
        let name = entry.template.name.clone();
        return model.say(format!("{name} cannot be sent: {words}."), Weight::Error);
    }
    model.overlay = Some(Overlay::Prompt(Prompt::new(Question::People, "")));
}

/// Takes the answer to a question of this screen; a wrong one stays where it was typed.
pub(super) fn accept(model: &mut Model, mut prompt: Prompt, effects: &mut Vec<Effect>) {
    let typed = prompt.editor.text().trim().to_owned();
    let looked_just_now = std::mem::take(&mut prompt.busy) && prompt.looked().is_some();
    let is_there = prompt.looked().is_some_and(|looked| looked.file.is_ok());
    if prompt.question == Question::People && !typed.is_empty() && !looked_just_now && !is_there {
        // The file may be there by now; that is known in a moment.
        prompt.busy = true;
        model.overlay = Some(Overlay::Prompt(prompt));
        return paths::look_at_answer(model, effects);
    }
    let taken = match prompt.question {
        Question::People => there(&prompt, &typed).and_then(|()| take_file(model, &typed, effects)),
        Question::Columns => take_columns(model, &typed),
        Question::Count => take_count(model, &typed),
        Question::TryOn => take_tester(model, &typed),
        Question::SkippedAs => save(model, &typed, |path, model| {
            let run = Arc::clone(model.campaigns.desk.as_ref()?.run()?);
            Some(Effect::SaveSkipped { run, path })
        }),
        Question::ResultAs(campaign) => {
            save(model, &typed, |path, _| Some(Effect::SaveResult { campaign, path }))
        }
        _ => Ok(None),
    };
    match taken {
        Ok(effect) => effects.extend(effect),
        Err(words) => {
            prompt.error = Some(words);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
    }
}

/// Whether a file is at the path that was typed.
fn there(prompt: &Prompt, typed: &str) -> Result<(), String> {
    match prompt.looked().map(|looked| &looked.file) {
        Some(Err(words)) => Err(format!("{}: {words}", display_safe(typed))),
        Some(Ok(_)) | None => Ok(()),
    }
}

fn save(
    model: &Model,
    path: &str,
    effect: impl FnOnce(String, &Model) -> Option<Effect>,
) -> Result<Option<Effect>, String> {
    if path.is_empty() {
        return Err("Type the name of a file that is not there yet".to_owned());
    }
    Ok(effect(path.to_owned(), model))
}

fn take_file(
    model: &mut Model,
    path: &str,
    effects: &mut Vec<Effect>,
) -> Result<Option<Effect>, String> {
    if path.is_empty() {
        return Err("Type the path of a CSV file".to_owned());
    }
    let rows = model.shelf_rows();
    let at = model.templates.shelf.at(&rows);
    let template = rows.get(at).map(|entry| entry.template.clone());
    let (Some(template), Some(account)) = (template, model.account) else { return Ok(None) };
    let wish = Wish {
        account,
        path: path.to_owned(),
        template: template.name.clone(),
        language: Some(template.language.clone()),
        columns: Vec::new(),
        constants: Vec::new(),
        country: None,
    };
    show(model, effects);
    model.campaigns.desk = Some(Desk::new(template, wish));
    Ok(plan(model))
}

fn take_columns(model: &mut Model, line: &str) -> Result<Option<Effect>, String> {
    if let Some(desk) = &mut model.campaigns.desk {
        desk.take_columns(line)?;
    }
    Ok(plan(model))
}

/// Finds out what the file comes to.
fn plan(model: &mut Model) -> Option<Effect> {
    let ticket = model.ticket();
    let desk = model.campaigns.desk.as_mut()?;
    desk.planning.start(ticket, ());
    desk.found = None;
    desk.at = 0;
    let (wish, template) = (Box::new(desk.wish.clone()), Box::new(desk.template.clone()));
    Some(Effect::Plan(ticket, wish, template))
}

fn take_count(model: &mut Model, typed: &str) -> Result<Option<Effect>, String> {
    let ticket = model.ticket();
    let Some(desk) = &mut model.campaigns.desk else { return Ok(None) };
    let Some(run) = desk.run().map(Arc::clone) else { return Ok(None) };
    let good = run.plan.good();
    if typed.replace([',', '.', ' '], "") != good.to_string() {
        return Err(format!("That is another number: {good} messages would be sent"));
    }
    desk.starting.start(ticket, ());
    // Who types the number below the words about the earlier one means it.
    let again = run.earlier.is_some();
    Ok(Some(Effect::Confirm { ticket, run, again }))
}

fn take_tester(model: &mut Model, typed: &str) -> Result<Option<Effect>, String> {
    let Some(desk) = &model.campaigns.desk else { return Ok(None) };
    let (Some(run), Some(row)) = (desk.run().map(Arc::clone), desk.tried()) else {
        return Ok(None);
    };
    let number = phone::parse_in(typed, run.country).map_err(|error| error.to_string())?;
    typed.clone_into(&mut model.campaigns.tester);
    Ok(Some(Effect::TryOut { run, row, number }))
}

/// What a file comes to was found out.
pub(super) fn planned(model: &mut Model, ticket: Ticket, found: Result<Arc<DryRun>, String>) {
    let Some(desk) = &mut model.campaigns.desk else { return };
    if desk.planning.answered(ticket).is_some() {
        desk.found = Some(found);
        model.touch();
    }
}

/// A campaign was started, or not.
pub(super) fn begun(
    model: &mut Model,
    ticket: Ticket,
    begun: Result<CampaignId, String>,
    effects: &mut Vec<Effect>,
) {
    let waited = |desk: &mut Desk| desk.starting.answered(ticket).is_some();
    let ours = model.campaigns.desk.as_mut().is_some_and(waited);
    match begun {
        Ok(id) => {
            if ours {
                model.campaigns.desk = None;
            }
            model.campaigns.selected = Some(id);
            model.say(format!("Campaign {id} is on its way."), Weight::Done);
            ask(model, effects);
        }
        Err(reason) => model.say(format!("Nothing was sent: {reason}"), Weight::Error),
    }
}

fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let ticket = model.ticket();
    model.campaigns.wait.start(ticket, ());
    model.campaigns.read_at = Some(model.now);
    model.campaigns.due = None;
    effects.push(Effect::Run(Query::Campaigns { account, limit: SHOWN, ticket }));
}

/// The campaigns came.
pub(super) fn came(
    model: &mut Model,
    ticket: Ticket,
    rows: Vec<Campaign>,
    effects: &mut Vec<Effect>,
) {
    if model.campaigns.wait.answered(ticket).is_none() {
        return;
    }
    let now = model.now;
    let shown = &mut model.campaigns;
    for row in rows.iter().filter(|row| row.stage == Stage::Running) {
        shown.speeds.entry(row.id).or_default().note(now, row.settled());
    }
    shown.speeds.retain(|id, _| rows.iter().any(|row| row.id == *id && !row.is_done()));
    shown.error = None;
    shown.loaded = true;
    shown.rows = rows;
    model.touch();
    if model.campaigns.wait.take_again() {
        changed(model, &Changes { outbox: true, ..Changes::default() }, effects);
    }
}

/// Something is sent, or waits: the numbers are read again, but not more often than the eye can follow.
pub(super) fn changed(model: &mut Model, changes: &Changes, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Campaigns
        || !(changes.outbox || changes.everything || !changes.conversations.is_empty())
    {
        return;
    }
    let next = model.campaigns.read_at.map_or(model.now, |at| at + CALM);
    model.campaigns.due = Some(model.campaigns.due.map_or(next, |due| due.min(next)));
    expire(model, effects);
}

/// What its time has come for.
pub(super) fn expire(model: &mut Model, effects: &mut Vec<Effect>) {
    let due = model.campaigns.due.is_some_and(|due| due <= model.now);
    if due && model.screen == Screen::Campaigns && model.campaigns.wait.stale() {
        ask(model, effects);
    }
}

/// Moves the selection.
pub(super) fn step(model: &mut Model, by: isize) {
    let shown = &mut model.campaigns;
    let moved = |at: usize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
    if let Some(desk) = &mut shown.desk {
        let count = desk.rows().len();
        desk.at = moved(desk.at, count);
        return;
    }
    let at = moved(shown.at(), shown.rows.len());
    shown.selected = shown.rows.get(at).map(|row| row.id);
}

fn pause(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(row) = model.campaigns.current() else { return };
    let (id, deed) = match row.stage {
        Stage::Running if !row.is_done() => (row.id, Course::Pause),
        Stage::Paused => (row.id, Course::Resume),
        _ => {
            let words =
                format!("Campaign {} is {}: there is nothing to pause.", row.id, row.state());
            return model.say(words, Weight::Warning);
        }
    };
    let awaited = Awaited::Other("The campaign stays as it is");
    effects.push(model.command(Command::Campaign(id, deed), awaited));
}

/// Cancels the selected one, when asked twice.
fn cancel(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(row) = model.campaigns.current() else { return };
    let (id, left) = (row.id, row.good.saturating_sub(row.settled()));
    if row.is_done() || row.stage == Stage::Cancelled {
        let words = format!("Campaign {id} is {}: nothing of it can be cancelled.", row.state());
        return model.say(words, Weight::Warning);
    }
    let draft = row.stage == Stage::Draft;
    let armed = model.campaigns.cancels.take();
    if armed.is_some_and(|(armed, until)| armed == id && until > model.now) {
        if draft {
            return effects.push(Effect::RemoveDraft(id));
        }
        let awaited = Awaited::Other("The campaign stays as it is");
        effects.push(model.command(Command::Campaign(id, Course::Cancel), awaited));
        return model.say(format!("Nothing more of campaign {id} goes."), Weight::Done);
    }
    let key = model.keymap.key(Context::Campaigns, Action::CancelCampaign).to_owned();
    let words = if draft {
        format!("Campaign {id} was never started: storing it was cut off. {key} again removes it.")
    } else {
        format!("{left} messages of campaign {id} would never go. {key} again cancels them.")
    };
    model.say(words, Weight::Warning);
    model.campaigns.cancels = model.notice.as_ref().map(|notice| (id, notice.until));
}
