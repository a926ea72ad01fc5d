//! The last row: the mode, and the keys that help most.

use super::paint::Canvas;
use crate::app::action::{self, Action, Context};
use crate::app::layout::Layout;
use crate::app::{Model, Overlay, Screen, describe, queue};
use crate::domain::text;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let area = layout.hints;
    let context = model.context();
    let mut used = canvas.row(area, 0, &[(theme.mode, &format!(" {} ", context.mode_word()))]);
    if !model.pending.is_empty() {
        let keys: Vec<_> = model.pending.iter().map(ToString::to_string).collect();
        let words = format!("  {} ...", keys.join(" "));
        canvas.put(area, used, 0, area.width.saturating_sub(used), &words, theme.key);
        return;
    }
    let help = model.keymap.keys(context, Action::Help).last().map_or("", String::as_str);
    let end = canvas.right(area, 0, used + 24, &[(theme.key, help), (theme.dim, " help ")]);
    for (action, short) in offers(model, context) {
        let key = model.keymap.key(context, action);
        if key.is_empty() {
            continue;
        }
        let width = text::width(key) + text::width(short) + 3;
        if usize::from(used) + width > usize::from(end).saturating_sub(1) {
            break;
        }
        used += 2;
        used += canvas.put(area, used, 0, end - used, key, theme.key);
        used += 1;
        used += canvas.put(area, used, 0, end - used, short, theme.dim);
    }
}

/// The actions that help most here, each with its word. A question about a message has those that answer it.
fn offers(model: &Model, context: Context) -> Vec<(Action, &'static str)> {
    if let Some(Overlay::Ask(id)) = &model.overlay
        && let Some(message) = model.chat.as_ref().and_then(|chat| chat.page.get(*id))
    {
        return queue::answers(model, message);
    }
    let helpful = action::hints(context).iter().filter(|action| does_something(model, **action));
    helpful.filter_map(|action| Some((*action, action::entry(*action)?.short))).collect()
}

/// A key that could not do anything now is not offered: in an empty conversation there is nothing to answer,
/// in an empty inbox nothing to open.
fn does_something(model: &Model, action: Action) -> bool {
    match action {
        Action::Filter if model.screen == Screen::Hooks => true,
        Action::Open | Action::Read | Action::Filter => model.list.counts.all > 0,
        Action::NextUnread => model.list.counts.all > 1,
        Action::OpenFile | Action::SaveFile => {
            let selected = model.chat.as_ref().and_then(|chat| chat.selected_message());
            selected.is_some_and(|message| describe::stored_file(message).is_some())
        }
        Action::Reply | Action::Copy => {
            model.chat.as_ref().is_some_and(|chat| !chat.page.rows().is_empty())
        }
        _ => true,
    }
}
