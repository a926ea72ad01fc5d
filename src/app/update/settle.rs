//! What follows from any change: the selection stays on the screen, more is read where the view nears an
//! end, what was seen is marked as read, and the title counts.

use super::{hooks, open, queue};
use crate::app::chat::{self, Chat, Scroll};
use crate::app::describe;
use crate::app::list;
use crate::app::model::{Awaited, Focus, Model, Overlay, Screen};
use crate::app::msg::{Command, Effect};
use crate::domain::id::MessageId;
use crate::domain::page::MessagePage;
use crate::domain::text;

pub(super) fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    settle_chat(model, effects);
    if model.unreadable_until.is_none() {
        settle_list(model, effects);
        queue::settle(model, effects);
        hooks::settle(model, effects);
        settle_timeline(model, effects);
    }
    title(model, effects);
}

fn settle_list(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.list.wait.is_busy() {
        return;
    }
    if let Some((page, load)) = model.list.wanted_page(open::capacity(model)) {
        open::ask_list(model, page, list::PAGE, load, effects);
    }
}

fn settle_chat(model: &mut Model, effects: &mut Vec<Effect>) {
    let reading = model.focus == Focus::Chat;
    let attended = model.focused && model.focus != Focus::List && model.overlay.is_none();
    let unreadable = model.unreadable_until.is_some();
    let found = model.with_chat(|chat, look, height| {
        if let Some(id) = chat.selected.filter(|_| reading) {
            chat.show(id, look, height);
        }
        let view = chat.view(look, height);
        let ends = view.at_end && !chat.page.more_after();
        if ends && attended {
            chat.seen = chat.page.rows().last().map(|message| message.key);
        } else if chat.seen.is_none() {
            chat.seen = chat.page.rows().get(view.last).map(|message| message.key);
        }
        let seen = chat
            .newest_inbound()
            .filter(|(index, _)| *index < view.last || (*index == view.last && view.at_end));
        let seen = seen.map(|(_, message)| message.id);
        let wanted = if chat.wait.is_busy() || unreadable {
            None
        } else if chat.scroll == Scroll::Tail && chat.page.more_after() {
            Some((MessagePage::Newest, chat::Load::Newest))
        } else {
            chat.wanted_page(&view)
        };
        (seen, wanted)
    });
    let Some((seen, wanted)) = found else { return };
    if let Some((page, load)) = wanted {
        open::ask_messages(model, page, chat::PAGE, load, effects);
    }
    if let Some(seen) = seen.filter(|_| attended) {
        mark_read(model, seen, effects);
    }
}

fn mark_read(model: &mut Model, seen: MessageId, effects: &mut Vec<Effect>) {
    let Some(chat) = &mut model.chat else { return };
    let unread = chat.row.as_ref().is_some_and(|row| row.unread > 0 || row.marked_unread);
    if !unread || chat.marked == Some(seen) || model.kept_unread.contains(&chat.id) {
        return;
    }
    chat.marked = Some(seen);
    let command = Command::MarkRead(chat.id, seen);
    effects.push(model.command(command, Awaited::Other("Could not be marked as read")));
}

/// Reads the life of the message that details are shown of.
fn settle_timeline(model: &mut Model, effects: &mut Vec<Effect>) {
    let pane = model.layout().is_some_and(|layout| !layout.info.is_empty());
    let overlay = matches!(model.overlay, Some(Overlay::Details { .. } | Overlay::Explain { .. }));
    if !pane && !overlay {
        return;
    }
    let selected = match (&model.overlay, model.screen) {
        (Some(Overlay::Explain { message, .. }), _) => Some(*message),
        (_, Screen::Templates | Screen::Hooks | Screen::Campaigns) => None,
        (_, Screen::Queue) => model.queue.selected().map(|row| row.message.id),
        (_, Screen::Inbox) => {
            let chat = model.chat.as_ref();
            chat.and_then(Chat::selected_message).map(|message| message.id)
        }
    };
    let Some(message) = selected else { return };
    if model.life.of(message).is_none() && !model.life.wait.is_for(&message) {
        open::ask_timeline(model, message, effects);
    }
}

/// The title of the terminal: what is unread, and whose inbox it is.
fn title(model: &mut Model, effects: &mut Vec<Effect>) {
    let unread = model.list.counts.unread;
    let count = if unread > 0 { format!("({unread}) ") } else { String::new() };
    let reads = model.focus != Focus::List && model.screen == Screen::Inbox;
    let who = model.shown().filter(|_| reads);
    let who = who.map_or_else(
        || text::display_safe(&model.account_label).into_owned(),
        |row| describe::name(&row.contact),
    );
    let title = format!("{count}twoticks {who}");
    if title != model.title {
        model.title.clone_from(&title);
        effects.push(Effect::Title(title));
    }
}
