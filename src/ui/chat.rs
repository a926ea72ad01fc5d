//! The conversation: its header, and the rows of its messages with the time and state slot in front.

use ratatui::style::{Modifier, Style};

use super::glyph;
use super::paint::Canvas;
use super::sought::Sought;
use crate::app::action::{Action, Context};
use crate::app::chat::{Chat, Scroll};
use crate::app::layout::{Area, Layout, TEXT_INDENT};
use crate::app::rows::{Look, Piece, Row};
use crate::app::{Focus, MessageStyle, Model, describe};
use crate::domain::id::MessageId;
use crate::domain::message::Direction;
use crate::domain::text::{self, Markup};
use crate::domain::window::Window;

/// The column of the state slot.
const SLOT: u16 = 6;
/// The column of the pointer at a selected message.
const POINTER: u16 = 8;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    if layout.chat.is_empty() {
        return;
    }
    let Some(chat) = &model.chat else {
        nothing_open(model, layout.messages(), canvas);
        return;
    };
    header(model, chat, layout, canvas);
    let area = layout.messages();
    if chat.page.rows().is_empty() {
        empty(model, chat, area, canvas);
        return;
    }
    let look = model.look(layout.text_width());
    let view = chat.view(&look, area.height.into());
    let selected = chat.selected.filter(|_| model.focus == Focus::Chat);
    let sought = Sought::new(&chat.sought);
    let mut shift = (None, 0);
    for (at, (message, row)) in (0..).zip(&view.rows) {
        if model.settings.message_style == MessageStyle::Bubbles && shift.0 != Some(*message) {
            shift = (Some(*message), bubble_shift(chat, *message, &look, area));
        }
        draw_row((row, &sought), selected == Some(*message), shift.1, area, at, canvas);
    }
}

/// How far to the right a message of the account stands as a bubble.
fn bubble_shift(chat: &Chat, message: MessageId, look: &Look<'_>, area: Area) -> u16 {
    let outbound = |index: &usize| {
        chat.page.rows().get(*index).is_some_and(|found| found.direction == Direction::Outbound)
    };
    let Some(index) = chat.page.index(message).filter(outbound) else { return 0 };
    let width = |row: &Row| match row {
        Row::Text { pieces, .. } => pieces.iter().map(|piece| text::width(&piece.text)).sum(),
        Row::Day(_) | Row::New(_) | Row::Note { .. } => 0,
    };
    let widest: usize = chat.block(index, look).rows.iter().map(width).max().unwrap_or(0);
    let room = usize::from(area.width.saturating_sub(TEXT_INDENT + 1)).saturating_sub(widest);
    u16::try_from(room).unwrap_or(0)
}

fn header(model: &Model, chat: &Chat, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let area = layout.chat;
    let Some(row) = &chat.row else { return };
    let (new, more) = chat.new_below();
    let key = model.keymap.key(Context::Chat, Action::Bottom);
    let below = if new > 0 && chat.scroll != Scroll::Tail {
        let more = if more { "+" } else { "" };
        (theme.new, format!("{new}{more} new below, {key} shows "))
    } else if chat.scroll == Scroll::Tail {
        (theme.dim, String::new())
    } else {
        (theme.dim, format!("earlier, {key} newest "))
    };
    let right = canvas.right(area, 0, 12, &[(below.0, below.1.as_str())]);
    let name = describe::name(&row.contact);
    let handle = describe::handle(&row.contact);
    let mut used = canvas.put(area, 1, 0, right.saturating_sub(2), &name, theme.strong) + 1;
    if handle != name {
        let room = right.saturating_sub(used + 3);
        if usize::from(room) >= text::width(&handle) {
            used += 2;
            used += canvas.put(area, used, 0, room, &handle, theme.dim);
        }
    }
    let hidden = (theme.dim, "number hidden".to_owned());
    let out = (theme.held, format!("{} no marketing", glyph::opted_out(theme)));
    let facts = [row.contact.wa_id.is_none().then_some(hidden), row.opted_out.map(|_| out)];
    for (style, words) in facts.into_iter().flatten() {
        let room = right.saturating_sub(used + 3);
        if usize::from(room) >= text::width(&words) {
            used += 2;
            used += canvas.put(area, used, 0, room, &words, style);
        }
    }
}

fn draw_row(
    (row, sought): (&Row, &Sought),
    selected: bool,
    shift: u16,
    area: Area,
    at: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    match row {
        Row::Day(label) => canvas.rule(area, at, label, theme.separator),
        Row::New(count) => {
            let label = match count {
                1 => "1 new message".to_owned(),
                count => format!("{count} new messages"),
            };
            canvas.rule(area, at, &label, theme.new);
        }
        Row::Note { time, text, tone } => {
            if let Some(time) = time {
                canvas.put(area, 0, at, 5, time, theme.dim);
            }
            let room = area.width.saturating_sub(TEXT_INDENT);
            canvas.put(area, TEXT_INDENT, at, room, text, theme.tone(*tone));
        }
        Row::Text { time, mark, pieces } => {
            if let Some(time) = time {
                canvas.put(area, 0, at, 5, time, theme.dim);
            }
            if let Some(mark) = mark {
                let (style, slot) = glyph::slot(*mark, theme);
                canvas.put(area, SLOT, at, 2, &slot, style);
                if selected {
                    let pointer = glyph::pointer(theme);
                    canvas.put(area, POINTER, at, 1, pointer, theme.selected);
                }
            }
            let mut column = TEXT_INDENT + shift;
            for piece in pieces {
                let style = style(piece, canvas);
                for (part, is_found) in sought.parts(&piece.text) {
                    let style = if is_found { style.reversed() } else { style };
                    let room = area.width.saturating_sub(column);
                    column += canvas.put(area, column, at, room, part, style);
                }
            }
        }
    }
}

/// The style of a piece of a message.
pub(super) fn style(piece: &Piece, canvas: &Canvas<'_>) -> Style {
    let theme = canvas.theme;
    let mut style = theme.tone(piece.tone);
    if piece.markup.contains(Markup::MONO) {
        style = style.patch(theme.mono);
    }
    for (markup, modifier) in [
        (Markup::BOLD, Modifier::BOLD),
        (Markup::ITALIC, Modifier::ITALIC),
        (Markup::STRIKE, Modifier::CROSSED_OUT),
    ] {
        if piece.markup.contains(markup) {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn nothing_open(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let key = model.keymap.key(Context::List, Action::NewConversation);
    let words = format!("No conversation is open. {key} starts one.");
    say(&words, area, canvas);
}

fn empty(model: &Model, chat: &Chat, area: Area, canvas: &mut Canvas<'_>) {
    let words = match (&chat.error, chat.loaded) {
        (Some(reason), _) => reason.clone(),
        (None, false) => String::new(),
        (None, true) => nothing_said(model),
    };
    say(&words, area, canvas);
}

/// What can be done about an empty conversation depends on the window.
fn nothing_said(model: &Model) -> String {
    let key = model.keymap.key(Context::Chat, Action::Compose);
    match model.shown().map_or(Window::Unknown, |row| row.window(model.now)) {
        Window::Open(_) => format!("Nothing was said yet. {key} writes the first message."),
        Window::Closed(_) | Window::Refused(_) => {
            "Nothing is kept here, and the window is closed: only a template may be sent until they write."
                .to_owned()
        }
        Window::Unknown => format!(
            "Nothing was said yet. {key} writes; WhatsApp refuses it unless they wrote to your number in \
             the last 24 hours."
        ),
    }
}

/// A few quiet words in the middle of an area.
fn say(words: &str, area: Area, canvas: &mut Canvas<'_>) {
    let safe = text::display_safe(words);
    let place = area.centred(area.width.saturating_sub(4).min(50), area.height.min(4));
    for (at, line) in (0..).zip(text::wrap(&safe, place.width.into())) {
        let words = safe.get(line.range).unwrap_or_default();
        canvas.row(place, at, &[(canvas.theme.dim, words)]);
    }
}
