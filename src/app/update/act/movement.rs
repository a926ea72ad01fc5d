//! Going up and down: in the list, in a conversation, on a page.

use crate::app::action::Action;
use crate::app::chat::{self, Chat, Scroll};
use crate::app::layout;
use crate::app::list::{self, Listed as _, Load};
use crate::app::model::{Focus, Model, Overlay, Screen};
use crate::app::msg::Effect;
use crate::app::pages;
use crate::app::rows::Look;
use crate::app::update::{campaigns, hooks, open, queue, templates, workbench};
use crate::domain::conversation::Conversation;
use crate::domain::id::MessageId;
use crate::domain::message::SortKey;
use crate::domain::page::{ListPage, MessagePage};

/// Before the first message of any conversation.
const OLDEST: SortKey = SortKey { at: i64::MIN, id: MessageId(i64::MIN) };

/// Templates that a page goes on.
const PICKER_PAGE: isize = 5;

/// Carries out what goes up or down. Says whether it was that.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::Down => step(model, 1, effects),
        Action::Up => step(model, -1, effects),
        Action::Bottom => bottom(model, effects),
        Action::Top => top(model, effects),
        Action::HalfDown => half(model, 1, effects),
        Action::HalfUp => half(model, -1, effects),
        Action::NextConversation => neighbour(model, 1, effects),
        Action::PreviousConversation => neighbour(model, -1, effects),
        _ => return false,
    }
    true
}

/// One row or message up or down.
pub(super) fn step(model: &mut Model, by: isize, effects: &mut Vec<Effect>) {
    if matches!(model.overlay, Some(Overlay::Workbench)) && workbench::step(model, by) {
        return;
    }
    match &mut model.overlay {
        Some(Overlay::Jump(jump)) => return jump.step(by),
        Some(Overlay::Picker(picker)) => return picker.step(by),
        Some(_) => return scroll_page(model, by),
        None => {}
    }
    if model.screen == Screen::Templates {
        templates::step(model, by);
    } else if model.screen == Screen::Campaigns {
        campaigns::step(model, by);
    } else if model.screen == Screen::Hooks {
        hooks::step(model, by);
    } else if model.screen == Screen::Queue {
        queue::step(model, by);
    } else if model.focus == Focus::List {
        list_by(model, by, effects);
    } else {
        model.with_chat(|chat, look, height| step_message(chat, by, look, height));
    }
}

fn list_by(model: &mut Model, by: isize, effects: &mut Vec<Effect>) {
    let capacity = open::capacity(model);
    model.list.step(by, capacity);
    open::preview(model, effects);
}

/// Selects the message above or below; of one that is higher than the screen, shows more first.
fn step_message(chat: &mut Chat, by: isize, look: &Look<'_>, height: usize) {
    let view = chat.view(look, height);
    let index = chat.selected.and_then(|id| chat.page.index(id));
    let ends_on_screen = if by > 0 {
        index.is_none_or(|index| index < view.last || view.at_end)
    } else {
        index.is_none_or(|index| index > view.first || view.top.is_none_or(|top| top.row <= 0))
    };
    let tall = index.is_some_and(|index| chat.block(index, look).rows.len() > height);
    if tall && !ends_on_screen {
        chat.scroll_by(by * half_of(height), look, height);
        return;
    }
    if !chat.step(by) && by > 0 && !chat.page.more_after() {
        chat.scroll = Scroll::Tail;
    }
}

fn half_of(height: usize) -> isize {
    (height / 2).max(1).cast_signed()
}

/// Half a screen up or down.
fn half(model: &mut Model, direction: isize, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Picker(picker)) = &mut model.overlay {
        return picker.step(direction * PICKER_PAGE);
    }
    if model.overlay.is_some() {
        let rows = usize::from(layout::page(model.size).height);
        return scroll_page(model, direction * half_of(rows));
    }
    if model.screen == Screen::Templates {
        return templates::step(model, direction * PICKER_PAGE);
    }
    if model.screen == Screen::Campaigns {
        return campaigns::step(model, direction * PICKER_PAGE);
    }
    if model.screen == Screen::Hooks {
        let capacity = hooks::capacity(model);
        return hooks::step(model, direction * half_of(capacity));
    }
    if model.screen == Screen::Queue {
        let capacity = queue::capacity(model);
        return queue::step(model, direction * half_of(capacity));
    }
    match model.focus {
        Focus::List => {
            let capacity = open::capacity(model);
            list_by(model, direction * half_of(capacity), effects);
        }
        Focus::Compose => {
            model.with_chat(|chat, look, height| {
                chat.scroll_by(direction * half_of(height), look, height);
            });
        }
        Focus::Chat => {
            model.with_chat(|chat, look, height| {
                chat.scroll_by(direction * half_of(height), look, height);
                take_along(chat, direction, look, height);
            });
        }
    }
}

/// Moves the selection onto the screen after scrolling.
fn take_along(chat: &mut Chat, direction: isize, look: &Look<'_>, height: usize) {
    let view = chat.view(look, height);
    let index = chat.selected.and_then(|id| chat.page.index(id));
    let stuck = if direction > 0 { view.at_end } else { view.first == 0 };
    let on_screen = index.is_some_and(|index| index > view.first && index < view.last);
    if on_screen && !stuck {
        return;
    }
    let whole = |index: usize| if index == view.first { index + 1 } else { index }.min(view.last);
    let target = match (stuck, direction > 0) {
        (true, true) => view.last,
        (true, false) => view.first,
        (false, true) => whole(view.first),
        (false, false) => view.last.saturating_sub(1).max(whole(view.first)),
    };
    chat.selected = chat.page.rows().get(target).map(|message| message.id);
}

fn scroll_page(model: &mut Model, by: isize) {
    let lines = pages::lines(model).len();
    let height = usize::from(layout::page(model.size).height);
    let most = u16::try_from(lines.saturating_sub(height)).unwrap_or(u16::MAX);
    let by = i16::try_from(by).unwrap_or(if by < 0 { i16::MIN } else { i16::MAX });
    if matches!(model.overlay, Some(Overlay::Workbench)) {
        let scroll = &mut model.workbench.scroll;
        *scroll = (*scroll).min(most).saturating_add_signed(by).min(most);
        return;
    }
    if let Some(
        Overlay::Help { scroll } | Overlay::Details { scroll } | Overlay::Explain { scroll, .. },
    ) = &mut model.overlay
    {
        *scroll = (*scroll).min(most).saturating_add_signed(by).min(most);
    }
}

/// The last row, or the newest message.
fn bottom(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.overlay.is_some() {
        scroll_page(model, isize::MAX);
    } else if model.screen == Screen::Templates {
        templates::step(model, isize::MAX);
    } else if model.screen == Screen::Campaigns {
        campaigns::step(model, isize::MAX);
    } else if model.screen == Screen::Hooks {
        hooks::bottom(model, effects);
    } else if model.screen == Screen::Queue {
        queue::bottom(model, effects);
    } else if model.focus == Focus::List {
        if model.list.page.more_after() {
            open::ask_list(
                model,
                ListPage::Before(Conversation::LAST),
                list::PAGE,
                Load::Bottom,
                effects,
            );
        } else {
            list_by(model, isize::MAX, effects);
        }
    } else if let Some(chat) = &mut model.chat {
        chat.selected = None;
        chat.scroll = Scroll::Tail;
        if chat.page.more_after() {
            let load = chat::Load::Newest;
            open::ask_messages(model, MessagePage::Newest, chat::PAGE, load, effects);
        } else {
            chat.step(0);
        }
    }
}

/// The first row, or the oldest message.
fn top(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.overlay.is_some() {
        scroll_page(model, isize::MIN);
    } else if model.screen == Screen::Templates {
        templates::step(model, isize::MIN);
    } else if model.screen == Screen::Campaigns {
        campaigns::step(model, isize::MIN);
    } else if model.screen == Screen::Hooks {
        hooks::top(model, effects);
    } else if model.screen == Screen::Queue {
        queue::top(model, effects);
    } else if model.focus == Focus::List {
        if model.list.page.more_before() {
            model.list.selected = None;
            open::ask_list(model, ListPage::First, list::PAGE, Load::Top, effects);
        } else {
            list_by(model, isize::MIN, effects);
        }
    } else if model.chat.as_ref().is_some_and(|chat| chat.page.more_before()) {
        let load = chat::Load::Oldest;
        open::ask_messages(model, MessagePage::After(OLDEST), chat::PAGE, load, effects);
    } else {
        model.with_chat(|chat, look, height| {
            chat.selected = chat.page.rows().first().map(|message| message.id);
            chat.show_start(look, height);
        });
    }
}

/// The conversation above or below, with the keys staying where they are.
fn neighbour(model: &mut Model, by: isize, effects: &mut Vec<Effect>) {
    let capacity = open::capacity(model);
    model.list.step(by, capacity);
    open::preview(model, effects);
}
