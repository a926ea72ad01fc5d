//! The inspector's screen: reading requests, looking for some, and doing something with one.

use super::{open, queue};
use crate::app::action::{Action, Context};
use crate::app::chat::{self, Anchor, Scroll};
use crate::app::hooks as words;
use crate::app::inspector::KeptBody;
use crate::app::list::{self, Came, Listed as _, Load};
use crate::app::model::{Awaited, Focus, Model, Overlay, Screen};
use crate::app::msg::{Command, Effect, Query, Ticket};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::app::queue::CALM;
use crate::domain::hook::{Budget, Fate, Hook, HookKey, LookedTo};
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::EventId;
use crate::domain::page::{MessagePage, Page};

/// Where a program that is being developed usually answers.
const USUAL: &str = "http://127.0.0.1:3000/hook";

/// Shows the requests as they are now.
pub(super) fn show(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen == Screen::Hooks {
        return;
    }
    open::save_draft(model, effects);
    queue::leave(model);
    model.screen = Screen::Hooks;
    model.hooks.follow |= !model.hooks.list.loaded;
    refresh(model, effects);
}

/// Carries out what means something else here than elsewhere. Says whether it did.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::NextTab => model.hooks.part = model.hooks.part.next(true),
        Action::PreviousTab => model.hooks.part = model.hooks.part.next(false),
        Action::Filter => {
            let prompt = Prompt::new(Question::HookFilter, &model.hooks.sought);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Action::Back if model.hooks.sought.is_empty() => queue::leave(model),
        Action::Back => seek(model, String::new(), effects),
        Action::Details | Action::Explain => {
            if model.hooks.selected().is_some() {
                model.overlay = Some(Overlay::Details { scroll: 0 });
            }
        }
        Action::Read => open_message(model, effects),
        Action::Follow => follow(model, effects),
        Action::Replay => replay(model, effects),
        Action::ReplayTo => ask_about(model, Question::PostTo),
        Action::SaveBody => ask_about(model, Question::SaveAs),
        Action::EditBody => edit(model, effects),
        Action::CopyCurl => copy(model, effects),
        Action::Copy => copy_address(model, effects),
        _ => return false,
    }
    true
}

/// How many requests fit.
pub(super) fn capacity(model: &Model) -> usize {
    model.layout().map_or(1, |layout| usize::from(layout.hook_rows().height).max(1))
}

fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    let (page, limit) = if model.hooks.follow {
        (Page::First, list::PAGE)
    } else {
        model.hooks.list.refresh_page(capacity(model))
    };
    ask(model, page, limit, Load::Replace, effects);
}

/// Something came or was noted: reads it, but not more often than the eye can follow.
pub(super) fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Hooks {
        return;
    }
    model.hooks.calm.changed(CALM, model.now);
    expire(model, effects);
}

/// What its time has come for: the list is read again.
pub(super) fn expire(model: &mut Model, effects: &mut Vec<Effect>) {
    let due = model.screen == Screen::Hooks && model.hooks.calm.take_due(model.now);
    if due && model.hooks.list.wait.stale() {
        refresh(model, effects);
    }
}

fn ask(model: &mut Model, page: Page<HookKey>, limit: u32, load: Load, effects: &mut Vec<Effect>) {
    let ticket = model.ticket();
    let filter = model.hooks.filter.clone();
    model.hooks.list.wait.start(ticket, load);
    model.hooks.calm.read(model.now);
    effects.push(Effect::Run(Query::Hooks { filter, page, limit, budget: Budget::STEP, ticket }));
}

pub(super) fn came(
    model: &mut Model,
    ticket: Ticket,
    came: Came<Hook>,
    looked: Option<LookedTo>,
    effects: &mut Vec<Effect>,
) {
    let Some(load) = model.hooks.list.wait.answered(ticket) else { return };
    let capacity = capacity(model);
    let hooks = &mut model.hooks;
    if hooks.follow && load == Load::Replace {
        hooks.list.selected = None;
    }
    let different = hooks.take(load, came, looked, capacity);
    hooks.list.close_up(capacity);
    if different && model.screen == Screen::Hooks {
        model.touch();
    }
    if model.hooks.list.wait.take_again() {
        changed(model, effects);
    }
}

/// The body of an event came.
pub(super) fn body_came(model: &mut Model, ticket: Ticket, body: KeptBody) {
    if model.hooks.wait.answered(ticket).is_some() {
        model.hooks.body = Some(body);
        model.touch();
    }
}

/// More is read where the selection nears an end, and the body of what is selected.
pub(super) fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Hooks {
        return;
    }
    if !model.hooks.list.wait.is_busy()
        && let Some((page, load)) = model.hooks.wanted_page(capacity(model))
    {
        ask(model, page, list::PAGE, load, effects);
    }
    let selected = model.hooks.selected().and_then(Hook::event);
    if let Some(event) = selected
        && model.hooks.shown_body().is_none()
        && !model.hooks.wait.is_for(&event)
    {
        let ticket = model.ticket();
        model.hooks.wait.start(ticket, event);
        effects.push(Effect::Run(Query::HookBody { event, ticket }));
    }
}

/// Who goes somewhere looks at one request; what comes in moves nothing then.
pub(super) fn step(model: &mut Model, by: isize) {
    let capacity = capacity(model);
    model.hooks.follow = false;
    model.hooks.list.step(by, capacity);
}

/// To the oldest; while some are looked for, to the oldest that was found so far.
pub(super) fn bottom(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.hooks.list.page.more_after() && model.hooks.filter.is_empty() {
        model.hooks.follow = false;
        ask(model, Page::Before(Hook::LAST), list::PAGE, Load::Bottom, effects);
    } else {
        step(model, isize::MAX);
    }
}

/// To the newest.
pub(super) fn top(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.hooks.list.page.more_before() {
        model.hooks.list.selected = None;
        ask(model, Page::First, list::PAGE, Load::Top, effects);
    } else {
        step(model, isize::MIN);
    }
}

fn follow(model: &mut Model, effects: &mut Vec<Effect>) {
    model.hooks.follow = !model.hooks.follow;
    if model.hooks.follow {
        refresh(model, effects);
    }
}

/// Looks for other requests. What is wrong with the filter is said where it is typed.
pub(super) fn seek(model: &mut Model, text: String, effects: &mut Vec<Effect>) {
    match HookFilter::parse(&text, model.now) {
        Ok(filter) => {
            model.hooks.sought = text;
            if model.hooks.filter != filter {
                model.hooks.filter = filter;
                // Other requests are looked at from the newest on.
                model.hooks.list.selected = None;
                ask(model, Page::First, list::PAGE, Load::Top, effects);
            }
        }
        Err(reason) => {
            if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
                prompt.error = Some(reason);
            }
        }
    }
}

/// The selected event, or a word about why there is none to do anything with.
fn chosen(model: &mut Model) -> Option<EventId> {
    let selected = model.hooks.selected().map(Hook::event);
    match selected {
        Some(Some(event)) => Some(event),
        Some(None) => {
            model.say("Nothing is kept of a refused request but what is shown.", Weight::Warning);
            None
        }
        None => None,
    }
}

fn replay(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(event) = chosen(model) else { return };
    effects.push(model.command(Command::Replay(event), Awaited::Replay(event)));
}

fn ask_about(model: &mut Model, question: fn(EventId) -> Question) {
    let Some(event) = chosen(model) else { return };
    let question = question(event);
    let text = match question {
        Question::SaveAs(_) => format!("event-{event}.json"),
        _ if model.hooks.posted_to.is_empty() => USUAL.to_owned(),
        _ => model.hooks.posted_to.clone(),
    };
    model.overlay = Some(Overlay::Prompt(Prompt::offering(question, &text)));
}

/// An address or a file was named for an event.
pub(super) fn accept(model: &mut Model, prompt: Prompt, effects: &mut Vec<Effect>) {
    let text = prompt.editor.text().trim().to_owned();
    match prompt.question {
        Question::PostTo(event) if !text.is_empty() => {
            model.hooks.posted_to.clone_from(&text);
            effects.push(Effect::Post { event, url: text });
        }
        Question::SaveAs(event) if !text.is_empty() => {
            effects.push(Effect::SaveBody { event, path: text });
        }
        _ => model.overlay = Some(Overlay::Prompt(prompt)),
    }
}

fn edit(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(event) = chosen(model) else { return };
    let Some(body) = model.hooks.shown_body().filter(|body| !body.text.is_empty()) else {
        model.say("Its body is not there to be edited.", Weight::Warning);
        return;
    };
    let typed = model.hooks.typed.get(&event).cloned();
    let text = typed.unwrap_or_else(|| words::pretty(&body.text));
    model.hooks.editing = Some(event);
    effects.push(Effect::Edit(text));
}

/// The editor gave a body back: it is applied, unless nothing was changed or it is no JSON. What was typed stays
/// until it was applied.
pub(super) fn edited(model: &mut Model, event: EventId, text: &str, effects: &mut Vec<Effect>) {
    let text = text.trim_end();
    let before = model.hooks.body.as_ref().filter(|body| body.event == event);
    let same = before.is_some_and(|body| words::pretty(&body.text).trim() == text.trim());
    if same || text.is_empty() {
        model.hooks.typed.remove(&event);
        model.say("Nothing was changed, so nothing was applied.", Weight::Done);
        return;
    }
    model.hooks.typed.insert(event, text.to_owned());
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let key = model.keymap.key(Context::Hooks, Action::EditBody);
        let place = format!("line {}, column {}", error.line(), error.column());
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        let words = format!(
            "Not applied, it is no JSON: {place}: {what}. {key} goes on with what you wrote."
        );
        model.say(words, Weight::Error);
        return;
    }
    let command = Command::ReplayEdited(event, text.trim().to_owned());
    effects.push(model.command(command, Awaited::ReplayEdited(event)));
}

/// What a replay did.
pub(super) fn replayed(model: &mut Model, event: EventId, messages: usize, unknown: u32) {
    let words = match (messages, unknown) {
        (0, 0) => format!(
            "#{event} was applied again and changed no message: what has an id that is known stays as it is."
        ),
        (1, 0) => format!("#{event} was applied again: 1 new message."),
        (new, 0) => format!("#{event} was applied again: {new} new messages."),
        (_, unknown) => {
            format!("#{event} was applied again; {unknown} of its items still could not be.")
        }
    };
    model.say(words, if unknown > 0 { Weight::Warning } else { Weight::Done });
}

fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    if chosen(model).is_none() {
        return;
    }
    let address = model.health.listener_address.as_deref().unwrap_or("127.0.0.1:8787");
    let url = format!("http://{address}{}", model.settings.webhook_path);
    let Some(body) = model.hooks.shown_body().filter(|body| !body.text.is_empty()) else {
        model.say("Its body is not there to be copied.", Weight::Warning);
        return;
    };
    // Meta escapes whatever is not ASCII: this was put there for bytes that are no text, and is not what was signed.
    if body.text.contains(char::REPLACEMENT_CHARACTER) {
        let key = model.keymap.key(Context::Hooks, Action::SaveBody);
        let words = format!(
            "It has bytes that are no text. {key} saves it as it came; curl --data-binary @FILE posts that."
        );
        model.say(words, Weight::Warning);
        return;
    }
    effects.push(Effect::Copy(words::curl(&url, body.signature.as_deref(), &body.text)));
    model.say("Copied as a curl command.", Weight::Done);
}

/// The address that Meta is told.
fn copy_address(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(url) = model.webhook_address() else {
        model.say("Nothing listens here, so there is no address.", Weight::Warning);
        return;
    };
    effects.push(Effect::Copy(url));
    model.say("Copied.", Weight::Done);
}

/// Shows the message that the selected event is about.
fn open_message(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Hook { fate: Fate::Stored { subjects, .. }, .. }) = model.hooks.selected() else {
        return;
    };
    let Some(found) = subjects.iter().flatten().next().map(|subject| &subject.message) else {
        model.say("It is about no message.", Weight::Warning);
        return;
    };
    let (conversation, message) = (found.conversation, found.id);
    queue::leave(model);
    model.back_to = Screen::Hooks;
    open::open(model, conversation, None, Focus::Chat, effects);
    let Some(chat) = &mut model.chat else { return };
    chat.selected = Some(message);
    if chat.page.index(message).is_none() {
        chat.scroll = Scroll::At(Anchor { message, row: 0 });
        let load = chat::Load::Refresh(Some(message));
        open::ask_messages(model, MessagePage::Around(message), chat::PAGE, load, effects);
    }
}
