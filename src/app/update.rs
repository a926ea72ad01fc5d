//! The one function that changes the model. It routes what happened; each part of it is pure, asks for
//! reads and writes as effects, and never waits.

mod act;
mod campaigns;
mod hooks;
mod input;
mod maker;
mod marketing;
mod open;
mod paths;
mod queue;
mod replies;
mod settle;
mod templates;
#[cfg(test)]
mod tests;
mod values;
mod workbench;

pub(crate) use queue::{Deed, Sure};

use super::composer::{Composer, Sent};
use super::model::{Awaited, Focus, Model, Overlay, Screen};
use super::msg::{Done, Effect, Finished, Msg, QuitCause};
use super::notice::Weight;
use super::prompt::{Prompt, Question};
use super::when;
use crate::domain::change::Changes;
use crate::domain::conversation::Draft;
use crate::domain::health::{AccountHealth, Health};
use crate::domain::id::ConversationId;
use crate::domain::template::Refusal;
use crate::domain::time::Timestamp;

/// What to ask for when the program starts: call it once, before the first [`update`].
#[must_use]
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    open::refresh_list(model, &mut effects);
    open::ask_tidings(model, &mut effects);
    settle::settle(model, &mut effects);
    effects
}

/// Takes in what happened and says what is to be done. `now` never runs backwards.
#[must_use]
pub fn update(model: &mut Model, msg: Msg, now: Timestamp) -> Vec<Effect> {
    if when::next_minute(model.now) <= now {
        model.touch();
    }
    model.now = model.now.max(now);
    let mut effects = Vec::new();
    match msg {
        Msg::Input(input) => input::input(model, input, &mut effects),
        Msg::Loaded(reply) => replies::loaded(model, reply, &mut effects),
        Msg::Changed(changes) => changed(model, &changes, &mut effects),
        Msg::Health(health) => healthy(model, *health),
        Msg::Finished(finished) => done(model, finished, &mut effects),
        Msg::NotCopied(reason) => model.say(format!("Not copied: {reason}."), Weight::Error),
        Msg::Told(Ok(words)) => model.say(words, Weight::Done),
        Msg::Told(Err(reason)) => model.say(reason, Weight::Error),
        Msg::Examined(findings) => workbench::examined(model, findings),
        Msg::Edited(result) => edited(model, result, &mut effects),
        Msg::Looked(ticket, looked) => paths::looked(model, ticket, looked, &mut effects),
        Msg::Planned(ticket, found) => campaigns::planned(model, ticket, found),
        Msg::Begun(ticket, begun) => campaigns::begun(model, ticket, begun, &mut effects),
        Msg::Deadline => {}
        Msg::Quit(cause) => {
            if let QuitCause::Panic(reason) = cause {
                model.say(format!("A part of the program failed: {reason}"), Weight::Error);
            }
            act::quit(model, &mut effects);
        }
    }
    if model.overlay.is_none() {
        model.beneath.clear();
    }
    expire(model, &mut effects);
    settle::settle(model, &mut effects);
    effects
}

/// What its time has come for: a notice that goes, a draft that is saved.
fn expire(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.now;
    if model.notice.as_ref().is_some_and(|notice| notice.until <= now) {
        model.notice = None;
        model.touch();
    }
    model.say_news();
    if model.quit_armed.is_some_and(|until| until <= now) {
        model.quit_armed = None;
    }
    if model.unreadable_until.is_some_and(|until| until <= now) {
        model.unreadable_until = None;
        changed(model, &Changes { everything: true, ..Changes::default() }, effects);
    }
    if model.composer.due().is_some_and(|due| due <= now) {
        open::save_draft(model, effects);
    }
    open::save_kept(model, now, effects);
    if model.list_closes().is_some_and(|closes| closes <= now) {
        open::refresh_list(model, effects);
    }
    queue::expire(model, effects);
    templates::expire(model, effects);
    hooks::expire(model, effects);
    campaigns::expire(model, effects);
}

fn changed(model: &mut Model, changes: &Changes, effects: &mut Vec<Effect>) {
    let concerns_list = changes.everything
        || changes.outbox
        || !changes.conversations.is_empty()
        || (changes.words && !model.sought.is_empty());
    if concerns_list && model.list.wait.stale() {
        open::refresh_list(model, effects);
    }
    if concerns_list {
        queue::changed(model, effects);
    }
    if changes.notices || changes.everything {
        open::ask_tidings(model, effects);
    }
    if changes.accounts || changes.everything {
        workbench::changed(model, effects);
    }
    templates::changed(model, changes, effects);
    campaigns::changed(model, changes, effects);
    if changes.events || changes.everything {
        hooks::changed(model, effects);
    }
    let shown = model.chat.as_ref().map(|chat| chat.id);
    if shown.is_some_and(|id| changes.everything || changes.conversations.contains(&id)) {
        open::refresh_chat(model, effects);
        open::refresh_timeline(model, effects);
    } else if concerns_list && model.screen == Screen::Queue {
        open::refresh_timeline(model, effects);
    } else if concerns_list {
        // Of a message elsewhere, it may have gone on; it is read again when it is looked at.
        let chat = model.chat.as_ref();
        let here = |message| chat.is_some_and(|chat| chat.page.index(message).is_some());
        if model.life.known.as_ref().is_some_and(|known| !here(known.message)) {
            model.life.known = None;
        }
    }
    let reads = model.focused && model.focus != Focus::List && model.screen == Screen::Inbox;
    let attended = |id| reads && shown == Some(id);
    if model.settings.bell && changes.arrivals.iter().any(|id| !attended(*id)) {
        effects.push(Effect::Bell);
    }
}

fn healthy(model: &mut Model, health: Health) {
    // Every webhook is news, but most of them change no word on the screen.
    let words = |health: &Health| {
        let zone = &model.settings.timezone;
        let shown = |at| (when::age(model.now.since(at)), when::near(at, model.now, zone));
        let age = health.last_event.map(shown);
        let notices = health.accounts.iter().flat_map(AccountHealth::notices);
        let troubles =
            [health.trouble(), model.account.and_then(|account| health.sender_trouble(account))];
        let notices: Vec<String> = notices.chain(troubles.into_iter().flatten()).collect();
        // How fast the account goes is shown by the queue alone.
        let mut accounts = health.accounts.clone();
        accounts.retain(|known| Some(known.account) == model.account);
        if model.screen != Screen::Queue {
            let account = accounts.first().map(|known| (known.paused, known.waiting));
            return (
                age,
                notices,
                account,
                Health { last_event: None, accounts: Vec::new(), ..health.clone() },
            );
        }
        (age, notices, None, Health { last_event: None, accounts, ..health.clone() })
    };
    let changed = words(&model.health) != words(&health);
    model.health = health;
    if changed {
        model.touch();
    }
}

fn edited(model: &mut Model, result: Result<String, String>, effects: &mut Vec<Effect>) {
    match (result, model.hooks.editing.take()) {
        (Ok(text), Some(event)) => hooks::edited(model, event, &text, effects),
        (Ok(text), None) => {
            model.composer.editor.set(text.trim_end_matches('\n'));
            model.composer.touched(model.now);
        }
        (Err(reason), _) => model.say(reason, Weight::Error),
    }
    model.touch();
}

/// There is no conversation with the number: it stays typed, and the reason beside it.
fn not_begun(model: &mut Model, number: &str, reason: String) {
    let mut prompt = match model.overlay.take() {
        Some(Overlay::Prompt(prompt)) if prompt.question == Question::Number => prompt,
        _ => Prompt::new(Question::Number, number),
    };
    (prompt.error, prompt.busy) = (Some(reason), false);
    model.overlay = Some(Overlay::Prompt(prompt));
    model.touch();
}

fn done(model: &mut Model, finished: Finished, effects: &mut Vec<Effect>) {
    let Some(awaited) = model.awaited.remove(&finished.id) else { return };
    match finished.result {
        Ok(done) => did(model, done, awaited, effects),
        Err(reason) => did_not(model, reason, awaited, effects),
    }
    open::look_again(model, effects);
}

/// What was asked for was done.
fn did(model: &mut Model, done: Done, awaited: Awaited, effects: &mut Vec<Effect>) {
    match (done, awaited) {
        (done, Awaited::Profile(question)) => workbench::answered(model, question, Ok(done)),
        (Done::Conversation(id), Awaited::Begin { .. }) => {
            model.overlay = None;
            queue::leave(model);
            open::open(model, id, None, Focus::Compose, effects);
            model.touch();
        }
        (Done::Decided { decided, rest }, awaited) => {
            queue::decided(model, awaited, (decided, rest), effects);
        }
        (Done::Synced(count), _) => {
            model.say(format!("{count} templates are as Meta has them."), Weight::Done);
        }
        (Done::Said(words), Awaited::Workbench) => workbench::done(model, Ok(words)),
        (Done::Profile(profile), _) => workbench::profile(model, *profile),
        (Done::Worked(result), awaited) => maker::answered(model, awaited, result, effects),
        (_, Awaited::SendTemplate { conversation, name, draft }) => {
            values::forget(model, conversation, name, effects);
            if draft.is_some() {
                stored(model, conversation, &Draft::default());
            }
        }
        (_, Awaited::Send { conversation, .. }) => stored(model, conversation, &Draft::default()),
        (_, Awaited::SaveDraft(conversation, edit)) => stored(model, conversation, &edit.draft),
        (Done::Replayed { messages, unknown }, Awaited::Replay(event)) => {
            hooks::replayed(model, event, messages, unknown);
        }
        (Done::Replayed { messages, unknown }, Awaited::ReplayEdited(event)) => {
            model.hooks.typed.remove(&event);
            hooks::replayed(model, event, messages, unknown);
        }
        _ => {}
    }
}

/// What was asked for was not done, for this reason. What was written comes back.
fn did_not(model: &mut Model, reason: String, awaited: Awaited, effects: &mut Vec<Effect>) {
    match awaited {
        Awaited::Workbench => workbench::done(model, Err(reason)),
        awaited @ (Awaited::Work(..) | Awaited::Delete(_)) => {
            maker::answered(model, awaited, Err(Refusal::whole(reason)), effects);
        }
        Awaited::SendTemplate { conversation, draft, .. } => {
            model.say(format!("Not queued: {reason}. What you filled in is kept."), Weight::Error);
            if let Some(draft) = draft {
                back(model, conversation, draft);
            }
        }
        Awaited::Sync => model.say(format!("Not synced: {reason}"), Weight::Error),
        Awaited::Send { conversation, draft, file } => {
            back(model, conversation, draft);
            not_sent(model, conversation, file, &reason, effects);
        }
        Awaited::SaveDraft(conversation, edit) => {
            model.say(format!("The draft is not saved yet: {reason}"), Weight::Warning);
            if model.composer.conversation == Some(conversation) {
                model.composer.not_saved(edit, model.now);
            } else {
                model.drafts.keep(conversation, edit, model.now);
            }
        }
        Awaited::KeepTemplate(purpose) => maker::not_kept(model, &purpose, &reason),
        Awaited::KeepValues(conversation, name) => {
            values::not_kept(model, conversation, name, &reason);
        }
        Awaited::Begin { number } => not_begun(model, &number, reason),
        Awaited::Decide { .. } => {
            model.say(format!("Could not be done: {reason}"), Weight::Error);
        }
        Awaited::Replay(event) | Awaited::ReplayEdited(event) => {
            model.say(format!("#{event} could not be applied: {reason}"), Weight::Error);
        }
        Awaited::Profile(question) => workbench::answered(model, question, Err(reason)),
        Awaited::Other(what) => model.say(format!("{what}: {reason}"), Weight::Error),
    }
}

/// The store has a draft, or none any more.
fn stored(model: &mut Model, conversation: ConversationId, draft: &Draft) {
    model.drafts.stored(conversation, draft, model.newest_ticket());
}

/// Says why nothing was sent. Where that was a file, its question comes back: another path that is typed now would
/// else go out as a message.
fn not_sent(
    model: &mut Model,
    conversation: ConversationId,
    file: Option<String>,
    reason: &str,
    effects: &mut Vec<Effect>,
) {
    let here = model.focus == Focus::Compose && model.composer.conversation == Some(conversation);
    match file {
        Some(file) if here && model.overlay.is_none() => {
            let error = Some(format!("not sent: {reason}"));
            let prompt = Prompt { error, ..Prompt::offering(Question::Attach, &file) };
            model.overlay = Some(Overlay::Prompt(prompt));
            paths::look_at_answer(model, effects);
        }
        Some(_) => model.say(format!("The file is not sent: {reason}."), Weight::Error),
        None => model.say(format!("Not queued: {reason}. Your text is back."), Weight::Error),
    }
    model.touch();
}

/// Puts back a text that could not be sent.
fn back(model: &mut Model, conversation: ConversationId, sent: Sent) {
    model.drafts.not_cleared(conversation);
    if model.composer.conversation == Some(conversation) {
        model.composer.put_back(sent, model.now);
        return;
    }
    let mut composer = match model.drafts.get(conversation) {
        Some(typed) => Composer::new(conversation, typed.clone()),
        None => Composer::new(conversation, Draft::default()),
    };
    composer.put_back(sent, model.now);
    if let Some((conversation, edit)) = composer.take_unsaved() {
        model.drafts.keep(conversation, edit, model.now);
    }
}
