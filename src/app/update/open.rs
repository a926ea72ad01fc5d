//! Opening and leaving conversations, and the reads that keep what is shown fresh.

use crate::app::chat::{self, Chat};
use crate::app::composer::Composer;
use crate::app::drafts::Edit;
use crate::app::list::{self, Load};
use crate::app::model::{Awaited, Focus, Model};
use crate::app::msg::{Command, Effect, Query, Ticket};
use crate::domain::conversation::Conversation;
use crate::domain::id::ConversationId;
use crate::domain::page::{ListPage, MessagePage};
use crate::domain::time::Timestamp;

/// Shows a conversation and gives its part of the screen the keys. What was typed in the one before is
/// saved at once.
pub(super) fn open(
    model: &mut Model,
    id: ConversationId,
    row: Option<Conversation>,
    to: Focus,
    effects: &mut Vec<Effect>,
) {
    if model.chat.as_ref().is_none_or(|chat| chat.id != id) {
        save_draft(model, effects);
        model.notice.take_if(|notice| notice.about.is_some_and(|about| about != id));
        let row = row.or_else(|| model.list.page.get(id).cloned());
        model.composer = match (model.drafts.take(id), &row) {
            (Some(edit), _) => Composer::unsaved(id, edit, model.now),
            (None, Some(row)) => Composer::new(id, model.draft_of(row)),
            (None, None) => Composer::new(id, model.drafts.get(id).cloned().unwrap_or_default()),
        };
        let chat = Chat::new(id, row);
        let page = chat.first_page();
        model.chat = Some(chat);
        let height = model.layout().map_or(0, |layout| usize::from(layout.messages().height));
        let limit = Chat::first_limit(page, height);
        ask_messages(model, page, limit, chat::Load::Open, effects);
    }
    let capacity = capacity(model);
    model.list.select(id, capacity);
    focus(model, to);
}

/// Gives a part of the screen the keys.
pub(super) fn focus(model: &mut Model, to: Focus) {
    model.focus = to;
    if to != Focus::List
        && let Some(chat) = &mut model.chat
    {
        model.kept_unread.remove(&chat.id);
        if to == Focus::Compose {
            chat.selected = None;
        }
    }
    model.touch();
}

/// Shows the selected conversation beside the list, without opening it.
pub(super) fn preview(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(id) = model.list.selected {
        let to = model.focus;
        if model.chat.as_ref().is_none_or(|chat| chat.id != id) {
            open(model, id, None, to, effects);
        }
    }
}

/// How many conversations fit into the list.
pub(super) fn capacity(model: &Model) -> usize {
    model.layout().map_or(1, |layout| usize::from(layout.list_capacity()).max(1))
}

/// Saves what is typed, if the store does not have it.
pub(super) fn save_draft(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some((conversation, edit)) = model.composer.take_unsaved() {
        write_draft(model, conversation, edit, effects);
    }
}

fn write_draft(
    model: &mut Model,
    conversation: ConversationId,
    edit: Edit,
    effects: &mut Vec<Effect>,
) {
    model.drafts.under_way(conversation, edit.clone());
    let command = Command::SaveDraft(conversation, edit.clone());
    effects.push(model.command(command, Awaited::SaveDraft(conversation, edit)));
}

/// Tries again to save the drafts of other conversations, which could not be saved before `by`.
pub(super) fn save_kept(model: &mut Model, by: Timestamp, effects: &mut Vec<Effect>) {
    for (conversation, edit) in model.drafts.take_due(by) {
        write_draft(model, conversation, edit, effects);
    }
}

/// Makes a read again that was passed over while a draft was on its way to the store.
pub(super) fn look_again(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.writes_draft() && std::mem::take(&mut model.draft_missed) {
        refresh_chat(model, effects);
    }
}

/// The composer takes in the draft of the conversation shown as this read has it. One that is older than what
/// was written here since says nothing.
pub(super) fn take_in_draft(model: &mut Model, ticket: Ticket, effects: &mut Vec<Effect>) {
    let Some(row) = model.shown() else { return };
    let stored = row.draft.clone().unwrap_or_default();
    if model.writes_draft() {
        model.draft_missed |= model.composer.differs(&stored);
    } else if !model.drafts.is_shown_by(ticket) {
        if model.composer.differs(&stored) {
            refresh_chat(model, effects);
        }
    } else if model.composer.take_in(&stored, model.now) {
        model.touch();
    }
}

/// Reads the part of the list that is held again.
pub(super) fn refresh_list(model: &mut Model, effects: &mut Vec<Effect>) {
    let (page, limit) = model.list.refresh_page(capacity(model));
    ask_list(model, page, limit, Load::Replace, effects);
}

/// Reads the list from its top, after the filter changed.
pub(super) fn reload_list(model: &mut Model, effects: &mut Vec<Effect>) {
    let limit = list::first_page(capacity(model));
    ask_list(model, ListPage::First, limit, Load::Top, effects);
}

pub(super) fn ask_list(
    model: &mut Model,
    page: ListPage,
    limit: u32,
    load: Load,
    effects: &mut Vec<Effect>,
) {
    if let Some((ticket, effect)) = model.list_query(page, limit) {
        model.list.wait.start(ticket, load);
        effects.push(effect);
    }
}

pub(super) fn ask_messages(
    model: &mut Model,
    page: MessagePage,
    limit: u32,
    load: chat::Load,
    effects: &mut Vec<Effect>,
) {
    let ticket = model.ticket();
    let Some(chat) = &mut model.chat else { return };
    chat.wait.start(ticket, load);
    effects.push(Effect::Run(Query::Messages { conversation: chat.id, page, limit, ticket }));
}

/// Reads the messages that are held again, now or after the pending read.
pub(super) fn refresh_chat(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(chat) = &mut model.chat else { return };
    if chat.wait.stale() {
        let (page, limit, load) = chat.refresh_page();
        ask_messages(model, page, limit, load, effects);
    }
}

/// Asks what Meta told since it was asked last.
pub(super) fn ask_tidings(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.account.is_some() && model.told.0.stale() {
        let ticket = model.ticket();
        model.told.0.start(ticket, ());
        effects.push(Effect::Run(Query::Told { after: model.told.1, ticket }));
    }
}

/// Reads the life of the message again, if one is shown.
pub(super) fn refresh_timeline(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(message) = model.life.known.as_ref().map(|known| known.message) else { return };
    if model.life.wait.stale() {
        ask_timeline(model, message, effects);
    }
}

pub(super) fn ask_timeline(
    model: &mut Model,
    message: crate::domain::id::MessageId,
    effects: &mut Vec<Effect>,
) {
    let ticket = model.ticket();
    model.life.wait.start(ticket, message);
    effects.push(Effect::Run(Query::Timeline { message, ticket }));
}
