//! Answers from the store. One that is no longer waited for changes nothing.

use std::time::Duration;

use super::act::find;
use super::{campaigns, hooks, open, queue, templates, workbench};
use crate::app::chat::{self, Anchor, Chat, Load, Scroll};
use crate::app::life::Timeline;
use crate::app::list::{self, Came};
use crate::app::model::{Focus, Model, Overlay, Screen};
use crate::app::msg::{Effect, Reply, Ticket, Wanted};
use crate::app::notice::Weight;
use crate::app::when;
use crate::domain::conversation::Conversation;
use crate::domain::event::Tidings;
use crate::domain::message::Message;
use crate::domain::page::{ListPage, MessagePage};
use crate::domain::wish::Wish;

pub(super) fn loaded(model: &mut Model, reply: Reply, effects: &mut Vec<Effect>) {
    match reply {
        Reply::List { ticket, rows, more_above, more_below, counts } => {
            let came = Came { rows, more_above, more_below, counts };
            list_came(model, ticket, came, effects);
        }
        Reply::Messages { ticket, conversation, messages, more_before, more_after, wishes } => {
            let page = Page { messages, more_before, more_after, wishes };
            messages_came(model, ticket, *conversation, page, effects);
        }
        Reply::Timeline { ticket, message, entries, raw } => {
            if model.life.wait.answered(ticket).is_some() {
                let again = model.life.wait.take_again();
                let timeline = Some(Timeline { message, entries, raw });
                if model.life.known != timeline {
                    model.life.known = timeline;
                    model.touch();
                }
                if again {
                    open::refresh_timeline(model, effects);
                }
            }
        }
        Reply::Jump { ticket, rows } => {
            if let Some(Overlay::Jump(jump)) = &mut model.overlay
                && jump.wait.answered(ticket).is_some()
            {
                jump.found(rows);
                model.touch();
            }
        }
        Reply::Queue { ticket, came, recent } => queue::came(model, ticket, came, recent, effects),
        Reply::Hooks { ticket, came, looked } => {
            hooks::came(model, ticket, came, looked, effects);
        }
        Reply::HookBody { ticket, body } => hooks::body_came(model, ticket, body),
        Reply::Next { ticket, row } => next(model, ticket, row, effects),
        Reply::Find { ticket, message } => find::found(model, ticket, message, effects),
        Reply::Templates { ticket, catalogue, unfinished, begun } => {
            templates::came(model, ticket, (catalogue, unfinished, begun), effects);
        }
        Reply::Campaigns { ticket, rows } => campaigns::came(model, ticket, rows, effects),
        Reply::Request { ticket, text } => templates::written(model, ticket, text, effects),
        Reply::Account { ticket, told } => workbench::told(model, ticket, told, effects),
        Reply::Told { ticket, tidings } => told(model, ticket, tidings, effects),
        Reply::Failed { ticket, reason } => failed(model, ticket, &reason),
    }
}

/// What Meta told, unless it was told before the program began.
fn told(model: &mut Model, ticket: Ticket, tidings: Vec<Tidings>, effects: &mut Vec<Effect>) {
    if model.told.0.answered(ticket).is_none() {
        return;
    }
    let newest = tidings.last().map_or(0, |tidings| tidings.number);
    if let Some(heard) = model.told.1.filter(|heard| *heard < newest) {
        for tidings in tidings.into_iter().filter(|tidings| tidings.number > heard) {
            let zone = &model.settings.timezone;
            let until = tidings.until.map(|until| when::near(until, model.now, zone));
            let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
            model.news.push_back(format!("{}{until}", tidings.words));
        }
    }
    model.told.1 = model.told.1.max(Some(newest));
    if model.told.0.take_again() {
        open::ask_tidings(model, effects);
    }
}

fn list_came(
    model: &mut Model,
    ticket: Ticket,
    came: Came<Conversation>,
    effects: &mut Vec<Effect>,
) {
    let Some(load) = model.list.wait.answered(ticket) else { return };
    let capacity = open::capacity(model);
    let list = &mut model.list;
    list.filling |= !list.loaded && came.rows.is_empty();
    if list.filling && load == list::Load::Replace {
        list.selected = None;
    }
    if list.take(load, came, capacity) {
        model.touch();
    }
    let replaced = matches!(load, list::Load::Replace);
    if replaced || load == list::Load::Top {
        model.drafts.listed(ticket);
    }
    let stay = replaced && model.chat.is_some() && !model.list.filling;
    if !stay && model.focus == Focus::List && model.screen == Screen::Inbox {
        open::preview(model, effects);
    }
    if model.list.wait.take_again() {
        open::refresh_list(model, effects);
    }
}

struct Page {
    messages: Vec<Message>,
    more_before: bool,
    more_after: bool,
    wishes: Vec<Wish>,
}

fn messages_came(
    model: &mut Model,
    ticket: Ticket,
    row: Conversation,
    page: Page,
    effects: &mut Vec<Effect>,
) {
    let Some(chat) = &mut model.chat else { return };
    let Some(load) = chat.wait.answered(ticket) else { return };
    if let (Load::Refresh(around), Scroll::At(anchor)) = (load, chat.scroll)
        && page.messages.iter().all(|message| message.id != anchor.message)
    {
        if around == Some(anchor.message) {
            // The message being read is gone from the store: there is nothing to stay at.
            chat.scroll = Scroll::Tail;
        } else {
            // The person scrolled on while this was read: read again around where they are.
            let (page, limit, load) = chat.refresh_page();
            open::ask_messages(model, page, limit, load, effects);
            return;
        }
    }
    let before = (chat.page.clone(), chat.row.clone(), chat.wishes.clone(), chat.loaded);
    let first_sight = chat.row.is_none();
    let renamed = chat.id != row.id;
    chat.id = row.id;
    chat.row = Some(row);
    chat.loaded = true;
    chat.error = None;
    place(chat, page, load);
    let further = chat.select_trouble();
    let changed = before != (chat.page.clone(), chat.row.clone(), chat.wishes.clone(), chat.loaded);
    if changed || !matches!(load, Load::Refresh(_)) {
        model.touch();
    }
    if renamed {
        model.composer.conversation = model.chat.as_ref().map(|chat| chat.id);
    }
    if first_sight {
        first_seen(model, effects);
    }
    templates::met(model);
    divide(model, load);
    if let Some(found) = model.chat.as_mut().and_then(|chat| chat.found.take()) {
        find::show(model, found, effects);
    }
    if further {
        seek_trouble(model, effects);
    }
    open::take_in_draft(model, ticket, effects);
    if model.chat.as_mut().is_some_and(|chat| chat.wait.take_again()) {
        open::refresh_chat(model, effects);
    }
}

/// Puts a page of messages where it belongs.
fn place(chat: &mut Chat, page: Page, load: Load) {
    let Page { messages, more_before, more_after, wishes } = page;
    chat.take_wishes(wishes);
    match load {
        Load::Open | Load::Refresh(_) => chat.page.replace(messages, more_before, more_after),
        Load::Newest => {
            chat.page.replace(messages, more_before, false);
            chat.scroll = Scroll::Tail;
        }
        Load::Oldest => chat.page.replace(messages, false, more_after),
        Load::Trouble => {
            chat.page.replace(messages, more_before, more_after);
            if let Some(message) = chat.newest_in_trouble().map(|message| message.id) {
                chat.selected = Some(message);
                chat.scroll = Scroll::At(Anchor { message, row: 0 });
            }
        }
        Load::Before => chat.page.prepend(messages, more_before),
        Load::After => chat.page.append(messages, more_after),
    }
}

/// A conversation that was opened by its id alone is known now, and its place in the list.
fn first_seen(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(row) = model.shown().cloned() else { return };
    if model.list.page.index(row.id).is_none() {
        model.list.filter = crate::domain::conversation::Filter::All;
        model.sought.clear();
        model.list.selected = Some(row.id);
        let page = ListPage::Around(row.key());
        open::ask_list(model, page, list::PAGE, list::Load::Replace, effects);
    }
}

/// Sets the divider of new messages when a conversation opens, or when messages come while nobody looks;
/// and ties the view to where a page was asked for.
fn divide(model: &mut Model, load: Load) {
    let looks = model.focused && model.focus != Focus::List;
    let opens = load == Load::Open;
    model.with_chat(|chat, look, height| {
        let unread = chat.row.as_ref().filter(|row| row.unread > 0);
        if chat.divider.is_none() && (opens || !looks) {
            chat.divider = unread
                .and_then(|row| row.first_unread.map(|first| (first, row.unread)))
                .filter(|(first, _)| chat.page.index(*first).is_some());
        }
        if opens {
            chat.show_divider(look, height);
        }
        if load == Load::Oldest {
            chat.selected = chat.page.rows().first().map(|message| message.id);
            chat.show_start(look, height);
        }
    });
}

fn next(
    model: &mut Model,
    ticket: Ticket,
    row: Option<Box<Conversation>>,
    effects: &mut Vec<Effect>,
) {
    let Some(wanted) = model.next.answered(ticket) else { return };
    let Some(row) = row else {
        let words = match wanted {
            Wanted::Unread => "Everything is read.",
            Wanted::Failed => "No message failed or is uncertain.",
        };
        model.say(words, Weight::Done);
        return;
    };
    let to = match (wanted, model.focus) {
        (Wanted::Failed, Focus::List) => Focus::Chat,
        (_, focus) => focus,
    };
    show_row(model, *row, to, effects);
    if let Some(chat) = model.chat.as_mut().filter(|_| wanted == Wanted::Failed) {
        chat.seeks_trouble = true;
        if chat.select_trouble() {
            seek_trouble(model, effects);
        }
    }
}

/// Reads what is around the message that failed, which is not among those held.
fn seek_trouble(model: &mut Model, effects: &mut Vec<Effect>) {
    open::ask_messages(model, MessagePage::Trouble, chat::PAGE, Load::Trouble, effects);
}

/// Opens a conversation that may not be among the rows held.
pub(super) fn show_row(model: &mut Model, row: Conversation, to: Focus, effects: &mut Vec<Effect>) {
    queue::leave(model);
    let id = row.id;
    if model.list.page.index(id).is_none() {
        model.list.filter = crate::domain::conversation::Filter::All;
        model.sought.clear();
        let page = ListPage::Around(row.key());
        open::ask_list(model, page, list::PAGE, list::Load::Replace, effects);
    }
    open::open(model, id, Some(row), to, effects);
}

/// After a read that failed, before anything is read again by itself: what fails at once would be asked for
/// without an end.
const READ_AGAIN: Duration = Duration::from_secs(1);

fn failed(model: &mut Model, ticket: Ticket, reason: &str) {
    let mut known = false;
    if model.list.wait.answered(ticket).is_some() {
        model.list.error = Some(reason.to_owned());
        known = true;
    }
    if let Some(chat) = &mut model.chat
        && chat.wait.answered(ticket).is_some()
    {
        chat.error = Some(reason.to_owned());
        known = true;
    }
    known |= model.chat.as_mut().is_some_and(|chat| chat.search.answered(ticket).is_some());
    known |= model.life.wait.answered(ticket).is_some();
    if model.queue.list.wait.answered(ticket).is_some() {
        model.queue.list.error = Some(reason.to_owned());
        known = true;
    }
    if model.hooks.list.wait.answered(ticket).is_some() {
        model.hooks.list.error = Some(reason.to_owned());
        known = true;
    }
    known |= model.hooks.wait.answered(ticket).is_some();
    if let Some(Overlay::Jump(jump)) = &mut model.overlay {
        known |= jump.wait.answered(ticket).is_some();
    }
    known |= model.workbench.wait.answered(ticket).is_some();
    known |= model.next.answered(ticket).is_some();
    known |= model.request.answered(ticket).is_some();
    known |= model.told.0.answered(ticket).is_some();
    if model.campaigns.wait.answered(ticket).is_some() {
        model.campaigns.error = Some(reason.to_owned());
        known = true;
    }
    if model.templates.wait.answered(ticket).is_some() {
        model.templates.error = Some(reason.to_owned());
        known = true;
    }
    if known {
        model.unreadable_until = Some(model.now + READ_AGAIN);
        model.say(format!("Could not be read: {reason}"), Weight::Error);
    }
}
