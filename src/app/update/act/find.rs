//! Finding words: on a page (the keys, the life of a message, what went wrong), and in a conversation.

use crate::app::chat::{self, Anchor, Scroll};
use crate::app::model::{Focus, Model, Overlay};
use crate::app::msg::{Effect, Query, Ticket};
use crate::app::notice::Weight;
use crate::app::pages;
use crate::app::prompt::{Prompt, Question};
use crate::app::update::open;
use crate::domain::id::MessageId;
use crate::domain::page::MessagePage;

/// Asks what is looked for: on the page, or in the conversation.
pub(super) fn ask(model: &mut Model) {
    let begun = match model.overlay.take() {
        Some(page) => {
            model.beneath.push(page);
            model.found.clone()
        }
        None => model.chat.as_ref().map_or_else(String::new, |chat| chat.sought.clone()),
    };
    model.overlay = Some(Overlay::Prompt(Prompt::offering(Question::Find, &begun)));
}

/// Goes to the first line, or the newest message, that has it.
pub(super) fn accept(model: &mut Model, prompt: &Prompt, effects: &mut Vec<Effect>) {
    let words = prompt.editor.text().trim().to_owned();
    if let Some(page) = model.beneath.pop() {
        model.overlay = Some(page);
        model.found = words;
        return go(model, 0);
    }
    if let Some(chat) = &mut model.chat {
        chat.sought = words;
    }
    seek(model, None, true, effects);
}

/// Goes to the next line that has it, or the next older message.
pub(super) fn next(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.overlay.is_none() {
        return seek_on(model, true, effects);
    }
    if model.found.is_empty() {
        return ask(model);
    }
    let top = scroll(model).map_or(0, |scroll| usize::from(*scroll));
    go(model, top + 1);
}

/// Goes back to the next newer message.
pub(super) fn previous(model: &mut Model, effects: &mut Vec<Effect>) {
    seek_on(model, false, effects);
}

fn seek_on(model: &mut Model, older: bool, effects: &mut Vec<Effect>) {
    let Some(chat) = &model.chat else { return };
    if chat.sought.is_empty() {
        return ask(model);
    }
    let from = chat.target().map(|message| message.id);
    seek(model, from, older, effects);
}

fn seek(model: &mut Model, from: Option<MessageId>, older: bool, effects: &mut Vec<Effect>) {
    start(model, from, (older, true), effects);
}

fn start(
    model: &mut Model,
    from: Option<MessageId>,
    (older, asked): (bool, bool),
    effects: &mut Vec<Effect>,
) {
    model.touch();
    let ticket = model.ticket();
    let Some(chat) = model.chat.as_mut().filter(|chat| !chat.sought.is_empty()) else { return };
    chat.search.start(ticket, asked);
    let (conversation, text) = (chat.id, chat.sought.clone());
    effects.push(Effect::Run(Query::Find { conversation, text, from, older, ticket }));
}

/// Looks in the conversation that is opened for what the list was filtered by.
pub(super) fn opened(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.sought.is_empty() {
        return;
    }
    if let Some(chat) = &mut model.chat {
        chat.sought.clone_from(&model.sought);
    }
    start(model, None, (true, false), effects);
}

/// The search has an answer.
pub(in crate::app::update) fn found(
    model: &mut Model,
    ticket: Ticket,
    message: Option<MessageId>,
    effects: &mut Vec<Effect>,
) {
    let Some(chat) = &mut model.chat else { return };
    let Some(asked) = chat.search.answered(ticket) else { return };
    match message {
        Some(message) if chat.loaded => show(model, message, effects),
        found @ Some(_) => chat.found = found,
        None if asked => {
            let words = format!("No message further on here has {:?}.", chat.sought);
            model.say(words, Weight::Warning);
        }
        // It was the name that fitted.
        None => chat.sought.clear(),
    }
}

/// Selects a message that was found, wherever it is in the conversation.
pub(in crate::app::update) fn show(
    model: &mut Model,
    message: MessageId,
    effects: &mut Vec<Effect>,
) {
    let reads = model.focus == Focus::Chat;
    let Some(chat) = &mut model.chat else { return };
    if reads {
        chat.selected = Some(message);
    }
    if chat.page.index(message).is_some() {
        model.with_chat(|chat, look, height| chat.show(message, look, height));
    } else {
        chat.scroll = Scroll::At(Anchor { message, row: 0 });
        let load = chat::Load::Refresh(Some(message));
        open::ask_messages(model, MessagePage::Around(message), chat::PAGE, load, effects);
    }
    model.touch();
}

fn scroll(model: &mut Model) -> Option<&mut u16> {
    match &mut model.overlay {
        Some(
            Overlay::Help { scroll }
            | Overlay::Details { scroll }
            | Overlay::Explain { scroll, .. },
        ) => Some(scroll),
        _ => None,
    }
}

/// Puts the first line from `from` on that has the words at the top; the lines go round.
fn go(model: &mut Model, from: usize) {
    let wanted = model.found.to_lowercase();
    let has = |line: &pages::Line| {
        let words: String = line.0.iter().map(|(_, words)| words.as_str()).collect();
        words.to_lowercase().contains(&wanted)
    };
    let lines = pages::lines(model);
    let places: Vec<usize> =
        (0..lines.len()).filter(|at| lines.get(*at).is_some_and(has)).collect();
    let place = places.iter().find(|at| **at >= from).or(places.first()).copied();
    match place.and_then(|place| u16::try_from(place).ok()).filter(|_| !wanted.is_empty()) {
        Some(place) => {
            if let Some(scroll) = scroll(model) {
                *scroll = place;
            }
            model.touch();
        }
        None if wanted.is_empty() => {}
        None => model.say(format!("Nothing on this page has {:?}.", model.found), Weight::Warning),
    }
}
