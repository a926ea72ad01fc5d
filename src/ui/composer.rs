//! The bottom of the inbox: the window's gauge or the latest notice, the message being answered, and the
//! text being written.

use ratatui::layout::Position;
use ratatui::style::Style;

use super::glyph;
use super::paint::Canvas;
use crate::app::action::{Action, Context};
use crate::app::composer::LIMIT;
use crate::app::layout::{Area, Layout};
use crate::app::notice::Weight;
use crate::app::{Focus, Model, describe, when};
use crate::domain::conversation::Conversation;
use crate::domain::message::Direction;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::domain::window::{CLOSING, CLOSING_SOON, Outside, WINDOW, Window};

/// From so many characters on, the count is shown on narrow screens too.
const NEAR_LIMIT: usize = 3_500;

/// Draws it, and says where the cursor is while text is written.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) -> Option<Position> {
    if !layout.chat.is_empty() || model.notice.is_some() {
        gauge_row(model, layout.gauge, canvas);
    }
    reply_row(model, layout.reply, canvas);
    let area = layout.composer;
    if area.is_empty() {
        return None;
    }
    let theme = canvas.theme;
    let writes = model.focus == Focus::Compose;
    let mark = if writes { theme.accent } else { theme.dim };
    model.chat.as_ref()?;
    canvas.put(area, 0, 0, 1, ">", mark);
    let editor = &model.composer.editor;
    if editor.is_empty() && !writes {
        let key = model.keymap.key(Context::Chat, Action::Compose);
        canvas.put(area, 2, 0, area.width, &format!("{key} to write"), theme.dim);
        return None;
    }
    let rows = editor.rows(layout.draft_width());
    let (cursor_row, cursor_column) = editor.cursor(&rows);
    let height = usize::from(area.height);
    let top = (cursor_row + 1).saturating_sub(height);
    let style = if writes { theme.plain } else { theme.dim };
    for (at, row) in (0..).zip(rows.iter().skip(top).take(height)) {
        canvas.put(
            area,
            2,
            at,
            area.width.saturating_sub(2),
            &text::display_safe(&row.text),
            style,
        );
    }
    writes.then(|| {
        let row = u16::try_from(cursor_row - top).unwrap_or(0);
        let column = u16::try_from(cursor_column).unwrap_or(u16::MAX);
        let most = area.width.saturating_sub(1);
        Position { x: area.x + column.saturating_add(2).min(most), y: area.y + row }
    })
}

fn gauge_row(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    let theme = canvas.theme;
    if let Some(notice) = &model.notice {
        let style = match notice.weight {
            Weight::Done => theme.good,
            Weight::Warning => theme.doubt,
            Weight::Error => theme.failure,
        };
        for (row, words) in (0..).zip(model.notice_lines(area.width)) {
            canvas.row(area, row, &[(style, &words)]);
        }
        return;
    }
    let Some(row) = model.shown() else { return };
    let used = match row.window(model.now) {
        Window::Open(end) => open(model, end, area, canvas),
        Window::Closed(_) | Window::Refused(_) => {
            canvas.row(area, 0, &[(theme.dim, fitting(&shut(model, row), area.width))])
        }
        Window::Unknown => {
            let words = [
                " window unknown  they have not written here yet, it may be refused",
                " window unknown  it may be refused",
                " window unknown",
            ];
            canvas.row(area, 0, &[(theme.doubt, fitting(&words, area.width))])
        }
    };
    if let Some((style, words)) = remark(model, area, canvas) {
        canvas.right(area, 0, used + 2, &[(style, words.as_str())]);
    }
}

/// What is left of an open window, as words and as a bar.
fn open(model: &Model, end: Timestamp, area: Area, canvas: &mut Canvas<'_>) -> u16 {
    let theme = canvas.theme;
    let left = end.since(model.now);
    let (style, leads) = match left {
        left if left < CLOSING && area.width < 60 => (theme.failure, "window"),
        left if left < CLOSING => (theme.failure, "window closes in"),
        left if left < CLOSING_SOON => (theme.doubt, "window"),
        _ => (theme.good, "window"),
    };
    let columns = match area.width {
        0..60 => 0,
        60..100 => 20,
        _ => 30,
    };
    // While it is open, there is something left.
    let full = (left.as_secs() * columns / WINDOW.as_secs().max(1)).max(columns.min(1));
    let full = usize::try_from(full).unwrap_or(0);
    let (on, off) = glyph::gauge(theme);
    let rest = usize::try_from(columns).unwrap_or(0).saturating_sub(full);
    let words = format!(" {leads} {} ", when::left(left));
    let (on, off) = (on.repeat(full), off.repeat(rest));
    let near = when::near(end, model.now, &model.settings.timezone);
    let free =
        if area.width < 100 { " free text".to_owned() } else { format!(" free text until {near}") };
    canvas.row(area, 0, &[(style, &words), (style, &on), (theme.dim, &off), (theme.plain, &free)])
}

/// Why only a template may be sent, the longest words first.
fn shut(model: &Model, row: &Conversation) -> Vec<String> {
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    let (why, short) = match row.window(model.now) {
        Window::Refused(at) => (
            format!("WhatsApp refused what you sent {}: window closed (131047)", near(at)),
            "window closed (131047)".to_owned(),
        ),
        Window::Closed(at) => (format!("window closed since {}", near(at)), "window closed".into()),
        Window::Open(_) | Window::Unknown => return Vec::new(),
    };
    let (allowed, least) = match (model.settings.outside, row.opted_out) {
        (Outside::Send, _) => ("sent all the same, as the config says", "sent all the same"),
        (Outside::Refuse, None) => ("template only, until they write", "template only"),
        (Outside::Refuse, Some(_)) => {
            ("template only, and no marketing: they opted out", "template only, no marketing")
        }
    };
    let help = match model.template_key() {
        "" => String::new(),
        key => format!("  {key} template"),
    };
    vec![
        format!(" {why}  {allowed}{help}"),
        format!(" {why}  {least}{help}"),
        format!(" {short}  {least}{help}"),
        format!(" {short}  {least}"),
        format!(" {least}"),
    ]
}

/// The longest of the same words that fits; the shortest if none does.
fn fitting<T: AsRef<str>>(longest_first: &[T], columns: u16) -> &str {
    let words = longest_first.iter().map(AsRef::as_ref);
    words.clone().find(|words| text::width(words) < columns.into()).or(words.last()).unwrap_or("")
}

/// What else is to be said about the draft: its length, whether it is kept.
fn remark(model: &Model, area: Area, canvas: &Canvas<'_>) -> Option<(Style, String)> {
    let theme = canvas.theme;
    let characters = model.composer.editor.characters();
    if characters > LIMIT {
        return Some((theme.failure, format!("{characters} of {LIMIT}: too long ")));
    }
    if characters == 0 {
        return None;
    }
    if characters >= NEAR_LIMIT || area.width >= 100 {
        let kept = if model.composer.due().is_none() { "draft saved  " } else { "" };
        return Some((theme.dim, format!("{kept}{characters} of {LIMIT} ")));
    }
    model.composer.due().is_none().then(|| (theme.dim, "draft saved ".to_owned()))
}

fn reply_row(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let Some(id) = model.composer.reply_to.filter(|_| !area.is_empty()) else { return };
    let theme = canvas.theme;
    let message = model.chat.as_ref().and_then(|chat| chat.page.get(id));
    let words = match message {
        Some(message) => {
            let who = match message.direction {
                Direction::Outbound => "you".to_owned(),
                Direction::Inbound => {
                    model.shown().map_or_else(String::new, |row| describe::name(&row.contact))
                }
            };
            let at = when::clock(message.at, &model.settings.timezone);
            format!("{who} {at}: {}", describe::line(message))
        }
        None => "an earlier message".to_owned(),
    };
    let key = model.keymap.key(Context::Compose, Action::Leave);
    let cancel = format!("{key} cancels the reply ");
    let end = canvas.right(area, 0, 20, &[(theme.dim, cancel.as_str())]);
    canvas.put(area, 0, 0, 2, "| ", theme.accent);
    canvas.put(area, 2, 0, end.saturating_sub(3), &words, theme.quote);
}
