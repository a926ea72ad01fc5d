//! What can be done with messages: sending, replying, copying, sending again.

use super::later;
use crate::app::action::{Action, Context};
use crate::app::chat::{self, Chat, Scroll};
use crate::app::composer::LIMIT;
use crate::app::describe;
use crate::app::drafts::Edit;
use crate::app::model::{Awaited, Focus, Model, Overlay};
use crate::app::moment;
use crate::app::msg::{Command, Effect, Which};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::app::templates::picker::Cause;
use crate::app::update::templates;
use crate::app::update::{open, queue};
use crate::app::when;
use crate::domain::conversation::Draft;
use crate::domain::id::MessageId;
use crate::domain::media;
use crate::domain::message::{Author, Body, Direction, MediaCopy, Message, NewMessage, Priority};
use crate::domain::outbox::Decision;
use crate::domain::page::MessagePage;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::window::{Outside, Window};

/// Carries out what is done with messages. Says whether it was that.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::Reply => reply(model),
        Action::Copy => copy(model, effects),
        Action::Resend => ask(model),
        Action::SendAgain => send_again(model, effects),
        Action::Drop => drop(model, effects),
        Action::Reschedule => later::reschedule(model),
        Action::Later => later::ask(model),
        Action::Explain => explain(model),
        Action::Details => details(model),
        Action::Expand => expand(model),
        Action::Send => send_at(model, None, effects),
        Action::Attach => ask_attachment(model, effects),
        _ => return false,
    }
    true
}

/// Sends what is written, at once or at a time to come. What will surely fail is refused here with the
/// reason, and the text stays.
pub(super) fn send_at(model: &mut Model, at: Option<Timestamp>, effects: &mut Vec<Effect>) {
    let text = model.composer.editor.text().trim().to_owned();
    if text.is_empty() && at.is_none() && begin(model, effects) {
        return;
    }
    if let Err(reason) = sendable(&text) {
        model.say_here(reason, Weight::Error);
        return;
    }
    if at.is_none() && refuse(model, effects) {
        return;
    }
    // Whether it is open at a time to come is seen when that has come.
    if let Some(at) = at {
        scheduled(model, at);
    } else {
        doubt(model);
    }
    put(model, Body::written(text), at, effects);
}

/// Asks for a file to send, if one may be sent.
fn ask_attachment(model: &mut Model, effects: &mut Vec<Effect>) {
    if !refuse(model, effects) {
        model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Attach, "")));
    }
}

/// Refuses what is to be sent while the window is shut, and lets a template be chosen. Says whether it did.
fn refuse(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    let Some(why) = shut(model) else { return false };
    let only = match model.template_key() {
        "" => "Only a template may be sent until they write.".to_owned(),
        key => format!("Only a template may be sent until they write: {key} chooses one."),
    };
    let words = format!("Not sent: {why}. {only} Your text is kept.");
    templates::pick_because(model, Cause::Refused(words), effects);
    true
}

/// Who begins to write where only a template may be sent chooses one. What is written already is there to be
/// read first. Says whether that was so.
pub(in crate::app::update) fn begin(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    if model.composer.has_words() {
        return false;
    }
    let Some(why) = shut(model) else { return false };
    let mut letters = why.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let why: String = first.chain(letters).collect();
    let key = model.keymap.key(Context::Picker, Action::Close);
    let words = format!(
        "{why}. Only a template may be sent until they write; {key} lets you write a draft."
    );
    templates::pick_because(model, Cause::Shut(words), effects);
    true
}

/// Sends the file or link that was named, with what is written as its words. What Meta would refuse stays where
/// it was typed, with the reason; a path that is still being looked at is waited for.
pub(in crate::app::update) fn attach(
    model: &mut Model,
    mut prompt: Prompt,
    effects: &mut Vec<Effect>,
) {
    let named = match (prompt.path(), prompt.looked()) {
        (None, _) => Ok(prompt.editor.text().trim().to_owned()),
        (Some(path), _) if path.is_empty() => Err("Type the path of a file, or a link".to_owned()),
        (Some(path), Some(looked)) => match &looked.file {
            Ok((whole, _)) => Ok(whole.clone()),
            Err(words) => Err(format!("{path}: {words}")),
        },
        (Some(_), None) => {
            prompt.busy = true;
            model.overlay = Some(Overlay::Prompt(prompt));
            return;
        }
    };
    let words = model.composer.editor.text().trim().to_owned();
    let words = Some(words).filter(|words| !words.is_empty());
    let size = prompt.looked().and_then(|looked| Some(looked.file.as_ref().ok()?.1));
    // Whether a sticker moves is seen when it is copied.
    let fits = |body: Body| match body.file().zip(size) {
        Some((file, size)) => media::too_big(file.kind, size, true).map_or(Ok(body), Err),
        None => Ok(body),
    };
    match named.and_then(|named| media::attachment(&named, words)).and_then(fits) {
        Ok(body) => {
            doubt(model);
            put(model, body, None, effects);
        }
        Err(words) => {
            (prompt.error, prompt.busy) = (Some(words), false);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
    }
}

/// Hands a message to the conversation that is written in, in place of what is written.
fn put(model: &mut Model, body: Body, at: Option<Timestamp>, effects: &mut Vec<Effect>) {
    let Some(conversation) = model.composer.conversation else { return };
    let Some(account) = model.account else { return };
    let file = match body.file().map(|media| (&media.copy, &media.url)) {
        Some((MediaCopy::Outside { path }, _)) => Some(path.clone()),
        Some((_, url)) => url.clone(),
        None => None,
    };
    let sent = model.composer.take();
    let clears = Edit { seen: sent.seen.clone(), draft: Draft::default() };
    model.drafts.under_way(conversation, clears);
    let message = NewMessage {
        account,
        conversation,
        body,
        reply_to: sent.draft.reply_to,
        priority: Priority::Person,
    };
    let command = Command::Send { message, at, clears: Some(sent.seen.clone()) };
    effects.push(model.command(command, Awaited::Send { conversation, draft: sent, file }));
    show_newest(model, effects);
}

/// Shows the end of the conversation, where what is sent appears.
pub(in crate::app::update) fn show_newest(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(chat) = &mut model.chat {
        chat.scroll = Scroll::Tail;
        chat.selected = None;
        chat.divider = None;
        // Also when the first page is still on its way: it would lead to what is unread.
        if chat.page.more_after() || !chat.loaded {
            let load = chat::Load::Newest;
            open::ask_messages(model, MessagePage::Newest, chat::PAGE, load, effects);
        }
    }
}

/// Warns of what WhatsApp may refuse.
fn doubt(model: &mut Model) {
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    let words = match window_at(model, model.now) {
        Window::Open(_) => return,
        Window::Closed(at) => format!(
            "Sent although the 24-hour window closed {}, as the config says: WhatsApp may refuse it.",
            near(at)
        ),
        Window::Refused(at) => format!(
            "Sent although WhatsApp refused what you sent {}, as the config says: it may refuse this too.",
            near(at)
        ),
        Window::Unknown => {
            "They have not written here yet: if they never did, WhatsApp refuses this.".to_owned()
        }
    };
    model.say_here(words, Weight::Warning);
}

/// Says when the message goes, and what may come in between.
fn scheduled(model: &mut Model, at: Timestamp) {
    let zone = &model.settings.timezone;
    let words = format!("Scheduled for {}.", moment::spelled(at, zone));
    match window_at(model, at) {
        Window::Closed(end) if model.settings.outside == Outside::Refuse => {
            let ends = if end <= model.now { "ended" } else { "ends" };
            let end = when::near(end, model.now, zone);
            let words = format!(
                "{words} The 24-hour window {ends} {end}: unless they write, it is held then."
            );
            model.say(words, Weight::Warning);
        }
        Window::Refused(_) if model.settings.outside == Outside::Refuse => {
            let words = format!("{words} Unless they write before, it is held then.");
            model.say(words, Weight::Warning);
        }
        _ => model.say(words, Weight::Done),
    }
}

/// The window as it will be then, if they do not write before.
fn window_at(model: &Model, at: Timestamp) -> Window {
    model.shown().map_or(Window::Unknown, |row| row.window(at))
}

/// Why a text cannot be sent to anybody.
fn sendable(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("There is nothing to send yet.".to_owned());
    }
    let characters = text.chars().count();
    if characters > LIMIT {
        let over = characters - LIMIT;
        return Err(format!("Too long: WhatsApp takes {LIMIT} characters, this has {over} more."));
    }
    Ok(())
}

/// Why no text may be sent now, since the window is closed.
fn shut(model: &Model) -> Option<String> {
    if model.settings.outside == Outside::Send {
        return None;
    }
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    match window_at(model, model.now) {
        Window::Open(_) | Window::Unknown => None,
        Window::Closed(at) => Some(format!("the 24-hour window closed {}", near(at))),
        Window::Refused(at) => Some(format!(
            "WhatsApp refused what you sent {}, since it holds the 24-hour window closed (131047)",
            near(at)
        )),
    }
}

fn reply(model: &mut Model) {
    let Some(message) = model.chat.as_ref().and_then(Chat::target) else { return };
    if message.wamid.is_none() {
        let words = "This message is not accepted yet: there is nothing to quote.";
        model.say(words, Weight::Warning);
        return;
    }
    model.composer.reply_to = Some(message.id);
    model.composer.touched(model.now);
    open::focus(model, Focus::Compose);
}

fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(message) = model.chat.as_ref().and_then(Chat::target) else { return };
    let path = describe::stored_file(message).filter(|_| !describe::says(message));
    if let Some(path) = path.map(|path| model.file_path(path)) {
        let words = format!("Copied: {path}");
        effects.push(Effect::Copy(path));
        return model.say(words, Weight::Done);
    }
    effects.push(Effect::Copy(describe::copied(message)));
    model.say("Copied.", Weight::Done);
}

/// Whether the person can still decide over a message.
pub(crate) const fn is_open(message: &Message) -> bool {
    matches!(message.direction, Direction::Outbound)
        && matches!(
            message.state,
            State::Failed | State::Uncertain | State::Held | State::Queued | State::Scheduled
        )
}

/// Goes to the newest message of the conversation that went wrong, from one that did not. False when there is
/// none.
pub(super) fn to_trouble(model: &mut Model) -> bool {
    if model.focus == Focus::List || selected(model).is_some_and(describe::is_troubled) {
        return false;
    }
    let rows = model.chat.iter().flat_map(|chat| chat.page.rows().iter().rev());
    let Some(found) = rows.into_iter().find(|message| describe::is_troubled(message)) else {
        return false;
    };
    let found = found.id;
    select(model, found);
    true
}

/// Asks what is to become of the selected message; without one, of the newest in trouble, held or waiting.
fn ask(model: &mut Model) {
    let chat = model.chat.as_ref();
    let newest = |wanted: &dyn Fn(&Message) -> bool| {
        chat?.page.rows().iter().rev().find(|message| wanted(message)).map(|message| message.id)
    };
    let index = |id: Option<MessageId>| chat.zip(id).and_then(|(chat, id)| chat.page.index(id));
    let trouble = newest(&|message| describe::is_troubled(message) && is_open(message));
    let waits = newest(&is_open);
    let selected = selected(model);
    let found = match selected {
        Some(message) => Some(message.id).filter(|_| is_open(message)),
        None => trouble.or(newest(&|message| message.state == State::Held)).or(waits),
    };
    if let Some(message) = found {
        select(model, message);
        model.overlay = Some(Overlay::Ask(message));
    } else if selected.is_some() && (trouble.is_some() || waits.is_some()) {
        let other = if trouble.is_some() {
            let next = model.keymap.key(Context::Chat, Action::NextFailed);
            format!("{next} goes to the one that is in trouble.")
        } else {
            let below = index(selected.map(|message| message.id)) < index(waits);
            let (place, way) = if below { ("below", Action::Down) } else { ("above", Action::Up) };
            let key = model.keymap.key(Context::Chat, way);
            format!("One {place} waits: {key} goes to it.")
        };
        let words = format!("There is nothing to decide about this message. {other}");
        model.say(words, Weight::Done);
    } else if model.shown().is_some_and(|row| row.failed > 0) {
        let up = model.keymap.key(Context::Chat, Action::HalfUp).to_owned();
        model.say(format!("The message that failed is further up: {up} goes there."), Weight::Done);
    } else {
        model.say("No message here failed, is uncertain or waits.", Weight::Done);
    }
}

fn send_again(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Ask(id)) = model.overlay else { return };
    let message = model.chat.as_ref().and_then(|chat| chat.page.get(id));
    let fits = |message: &&Message| message.state == State::Held || message.can_go_again();
    let decision = message.filter(fits).and_then(|message| queue::again(message.state));
    let by_phone = message.is_some_and(|message| message.author != Author::Operator);
    model.overlay = None;
    match decision {
        Some(decision) => queue::decide(model, Which::These(vec![id]), decision, effects),
        None if by_phone => {
            model.say("Only the phone that it was sent from can send it again.", Weight::Warning);
        }
        None => model.say("This message is not failed or uncertain any more.", Weight::Warning),
    }
}

fn drop(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Ask(id)) = model.overlay else { return };
    model.overlay = None;
    queue::decide(model, Which::These(vec![id]), Decision::Cancel, effects);
}

/// The message that is marked on the screen: the list keeps the keys while a conversation is only previewed.
pub(super) fn selected(model: &Model) -> Option<&Message> {
    model.chat.as_ref().filter(|_| model.focus != Focus::List)?.selected_message()
}

/// Explains the selected message; without one, the newest that went wrong.
fn explain(model: &mut Model) {
    let chat = model.chat.as_ref();
    let newest = |wanted: fn(&Message) -> bool| {
        chat?.page.rows().iter().rev().find(|message| wanted(message))
    };
    let target = selected(model)
        .or_else(|| chat.and_then(Chat::newest_in_trouble))
        .or_else(|| newest(describe::is_troubled))
        .or_else(|| chat.and_then(Chat::target));
    if let Some(message) = target {
        let message = message.id;
        select(model, message);
        model.overlay = Some(Overlay::Explain { message, scroll: 0 });
    }
}

fn details(model: &mut Model) {
    let Some(message) = model.chat.as_ref().and_then(Chat::target).map(|message| message.id) else {
        model.overlay = Some(Overlay::Details { scroll: 0 });
        return;
    };
    select(model, message);
    model.overlay = Some(Overlay::Details { scroll: 0 });
}

/// Selects a message. The keys named below a failure work in the list too, and open its conversation.
fn select(model: &mut Model, message: MessageId) {
    if model.focus == Focus::List {
        open::focus(model, Focus::Chat);
    }
    if let Some(chat) = &mut model.chat {
        chat.selected = Some(message);
    }
}

fn expand(model: &mut Model) {
    let key = model.keymap.key(Context::Chat, Action::Compose).to_owned();
    let Some(chat) = &mut model.chat else { return };
    let Some(id) = chat.target().map(|message| message.id) else {
        model.say(format!("There is no message yet. {key} writes one."), Weight::Done);
        return;
    };
    if !chat.expanded.remove(&id) {
        chat.expanded.insert(id);
    }
    chat.selected = Some(id);
}
