//! What can be done with messages: sending, replying, copying, sending again.

use crate::app::action::{Action, Context};
use crate::app::chat::{self, Chat, Scroll};
use crate::app::composer::LIMIT;
use crate::app::describe;
use crate::app::model::{Awaited, Focus, Model, Overlay};
use crate::app::msg::{Command, Effect};
use crate::app::notice::Weight;
use crate::app::update::open;
use crate::app::when;
use crate::domain::conversation::Draft;
use crate::domain::message::{Body, Direction, Message, NewMessage, Priority};
use crate::domain::page::MessagePage;
use crate::domain::state::State;
use crate::domain::window::{Window, window};

/// Sends what is written. What will surely fail is refused here with the reason, and the text stays.
pub(super) fn send(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(conversation) = model.composer.conversation else { return };
    let Some(account) = model.account else { return };
    let text = model.composer.editor.text().trim().to_owned();
    if let Err(reason) = sendable(model, &text) {
        model.say(reason, Weight::Error);
        return;
    }
    if matches!(window_of(model), Window::Unknown) {
        let words = "They have not written here yet: if they never did, WhatsApp refuses this.";
        model.say(words, Weight::Warning);
    }
    let draft = model.composer.take();
    model.drafts.insert(conversation, Draft::default());
    let preview_url = text.contains("https://") || text.contains("http://");
    let message = NewMessage {
        account,
        conversation,
        body: Body::Text { text, preview_url },
        reply_to: draft.reply_to,
        priority: Priority::Person,
    };
    effects.push(model.command(Command::Send(message), Awaited::Send { conversation, draft }));
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

fn window_of(model: &Model) -> Window {
    window(model.shown().and_then(|row| row.last_inbound), model.now)
}

/// Why a text cannot be sent.
fn sendable(model: &Model, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("There is nothing to send yet.".to_owned());
    }
    let characters = text.chars().count();
    if characters > LIMIT {
        let over = characters - LIMIT;
        return Err(format!("Too long: WhatsApp takes {LIMIT} characters, this has {over} more."));
    }
    if let Window::Closed(at) = window_of(model) {
        let at = when::near(at, model.now, &model.settings.timezone);
        return Err(format!(
            "Not sent: the 24-hour window closed {at}. Only a template may be sent until they write. \
             Your text is kept."
        ));
    }
    Ok(())
}

pub(super) fn reply(model: &mut Model) {
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

pub(super) fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(message) = model.chat.as_ref().and_then(Chat::target) else { return };
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

/// Whether a message can be sent once more.
pub(crate) const fn can_go_again(message: &Message) -> bool {
    matches!(message.state, State::Failed | State::Uncertain)
}

/// Asks what is to become of the selected message, or of the newest one in trouble.
pub(super) fn ask(model: &mut Model) {
    let chat = model.chat.as_ref();
    let selected = chat.and_then(Chat::selected_message).filter(|message| is_open(message));
    match selected.or_else(|| chat.and_then(Chat::newest_in_trouble)) {
        Some(message) => model.overlay = Some(Overlay::Ask(message.id)),
        None => model.say("No message here failed or is uncertain.", Weight::Done),
    }
}

pub(super) fn send_again(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Ask(id)) = model.overlay else { return };
    let message = model.chat.as_ref().and_then(|chat| chat.page.get(id));
    if message.is_none_or(|message| !can_go_again(message)) {
        model.say("This message is not failed or uncertain any more.", Weight::Warning);
    } else {
        let command = Command::SendAgain(id);
        effects.push(model.command(command, Awaited::Other("Could not be queued again")));
    }
    model.overlay = None;
}

pub(super) fn drop(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Ask(id)) = model.overlay else { return };
    effects.push(model.command(Command::Drop(id), Awaited::Other("Could not be withdrawn")));
    model.overlay = None;
}

pub(super) fn explain(model: &mut Model) {
    let chat = model.chat.as_ref();
    let lost = |message: &&Message| describe::lost_file(message).is_some();
    let troubled = |message: &&Message| message.trouble.is_some() || lost(message);
    let target = chat
        .and_then(Chat::selected_message)
        .filter(troubled)
        .or_else(|| chat.and_then(Chat::newest_in_trouble))
        .or_else(|| chat.and_then(|chat| chat.page.rows().iter().rev().find(lost)))
        .or_else(|| chat.and_then(Chat::target));
    if let Some(message) = target {
        let message = message.id;
        select(model, message);
        model.overlay = Some(Overlay::Explain { message, scroll: 0 });
    }
}

pub(super) fn details(model: &mut Model) {
    let Some(message) = model.chat.as_ref().and_then(Chat::target).map(|message| message.id) else {
        model.overlay = Some(Overlay::Details { scroll: 0 });
        return;
    };
    select(model, message);
    model.overlay = Some(Overlay::Details { scroll: 0 });
}

fn select(model: &mut Model, message: crate::domain::id::MessageId) {
    if let Some(chat) = &mut model.chat {
        chat.selected = Some(message);
    }
}

pub(super) fn expand(model: &mut Model) {
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
