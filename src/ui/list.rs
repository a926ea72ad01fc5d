//! The list: tabs, one or two lines per conversation in fixed columns, and a foot.

use ratatui::style::Style;

use super::glyph;
use super::paint::Canvas;
use crate::app::action::{Action, Context};
use crate::app::layout::{Area, Layout};
use crate::app::prompt::Question;
use crate::app::rows::Mark;
use crate::app::{Focus, Model, Overlay, describe, when};
use crate::domain::conversation::{Conversation, Counts, Filter, Preview};
use crate::domain::message::Direction;
use crate::domain::state::State;
use crate::domain::text;
use crate::domain::window::{CLOSING, CLOSING_SOON, Window};

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    if layout.list.is_empty() {
        return;
    }
    tabs(model, layout.list, canvas);
    canvas.column(layout.list_border);
    let area = layout.list_rows();
    let list = &model.list;
    if list.page.rows().is_empty() {
        empty(model, area, canvas);
    } else {
        let capacity = usize::from(layout.list_capacity());
        let lines = if layout.tall_rows { 2 } else { 1 };
        let shown = list.page.rows().iter().skip(list.top(capacity)).take(capacity);
        for (at, row) in (0_u16..).zip(shown) {
            let (_, below) = area.split_top(at * lines);
            conversation(model, row, below.split_top(lines).0, canvas);
        }
    }
    foot(model, layout, canvas);
}

/// The tabs with their counts, or the filter that is on.
fn tabs(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let list = &model.list;
    let filtering = match &model.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.question == Question::Filter,
        _ => false,
    };
    if filtering || !model.sought.is_empty() {
        let text = text::display_safe(&model.sought);
        let clear = model.keymap.key(Context::List, Action::ClearFilter);
        let tab = tab_word(list.filter);
        let used = canvas.row(
            area,
            0,
            &[(theme.label, " / "), (theme.dim, tab), (theme.strong, text.as_ref())],
        );
        if !filtering {
            canvas.right(area, 0, used + 1, &[(theme.dim, &format!("{clear} clears "))]);
        }
        return;
    }
    let labels = tab_labels(list.counts, area.width);
    let mut used = 0;
    for (words, filter) in labels {
        let on = filter == list.filter;
        let style = if on { theme.accent } else { theme.dim };
        let room = area.width.saturating_sub(used);
        used += canvas.put(area, used, 0, room, &words, style);
    }
}

/// The tabs with their counts, as long as they may be. Where a name does not fit, its beginning stands for it.
fn tab_labels(counts: Counts, width: u16) -> [(String, Filter); 4] {
    const WORDS: [[&str; 5]; 5] = [
        ["  ", "All ", "Unread ", "Wait ", "Closing "],
        [" ", "All ", "Unread ", "Wait ", "Closing "],
        [" ", "All ", "Unread ", "Wait ", "Clos "],
        [" ", "All ", "Unread ", "Wait ", "C"],
        [" ", "All ", "Unr ", "Wait ", "C"],
    ];
    let closing = if counts.closing >= Counts::MOST_CLOSING {
        format!("{}+", Counts::MOST_CLOSING - 1)
    } else {
        counts.closing.to_string()
    };
    let labels = |[gap, all, unread, wait, close]: [&str; 5]| {
        [
            (format!(" {all}{}", short_count(counts.all)), Filter::All),
            (format!("{gap}{unread}{}", short_count(counts.unread)), Filter::Unread),
            (format!("{gap}{wait}{}", short_count(counts.waiting)), Filter::Waiting),
            (format!("{gap}{close}{closing}"), Filter::Closing),
        ]
    };
    let fits = |labels: &[(String, Filter); 4]| {
        let columns: usize = labels.iter().map(|(words, _)| words.len()).sum();
        columns <= usize::from(width)
    };
    let [.., narrowest] = WORDS;
    WORDS.into_iter().map(labels).find(fits).unwrap_or_else(|| labels(narrowest))
}

/// The tab that a filter works on, in front of its text.
const fn tab_word(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "",
        Filter::Unread => "unread ",
        Filter::Waiting => "waiting ",
        Filter::Closing => "closing ",
    }
}

/// Where the text of the filter begins.
pub(super) fn filter_column(filter: Filter) -> u16 {
    let tab = u16::try_from(tab_word(filter).len()).unwrap_or(0);
    3 + tab
}

/// A count in at most four cells.
fn short_count(count: u32) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

fn conversation(model: &Model, row: &Conversation, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let selected = model.list.selected == Some(row.id);
    let has_keys = selected && model.focus == Focus::List;
    let unread = row.unread > 0 || row.marked_unread;
    let pointer = if selected { glyph::pointer(theme) } else { " " };
    let (state, state_style) = state_cell(model, row, canvas);
    let name_style = if unread || selected { theme.open_row } else { theme.plain };
    canvas.put(area, 0, 0, 1, pointer, theme.selected);
    canvas.put(area, 1, 0, 1, state, state_style);

    let wide = area.height > 1;
    let at = row.preview.as_ref().map_or(row.activity, |preview| preview.at);
    let time = when::listed(at, model.now, &model.settings.timezone, wide);
    let time_width = if wide { 11 } else { 6 };
    let time_column = area.width.saturating_sub(u16::try_from(text::width(&time)).unwrap_or(0));
    let tick = if wide { None } else { row.preview.as_ref().and_then(outbound_slot) };
    // Unread count and tick share their cells: what came after a message of ours matters more.
    let count_column = area.width.saturating_sub(time_width.min(7) + 3);
    canvas.put(
        area,
        time_column,
        0,
        time_width,
        &time,
        if unread { theme.unread } else { theme.dim },
    );
    let end = if unread {
        let count = match row.unread {
            0 => "new".to_owned(),
            count @ 1..=99 => count.to_string(),
            _ => "99+".to_owned(),
        };
        let column = (count_column + 2).min(time_column.saturating_sub(1));
        let column = column.saturating_sub(u16::try_from(count.len()).unwrap_or(0));
        canvas.put(area, column, 0, 3, &count, theme.unread);
        column
    } else if let Some(mark) = tick {
        let (style, slot) = glyph::slot(mark, theme);
        canvas.put(area, count_column, 0, 2, &slot, style);
        count_column
    } else {
        time_column
    };
    let room = end.saturating_sub(4);
    canvas.put(area, 3, 0, room, &fitted_name(row, room.into(), theme.ellipsis()), name_style);
    if wide {
        preview_line(model, row, area, canvas);
    }
    if has_keys {
        canvas.tint(area, 0, theme.cursor_row);
    }
}

/// The name; of a number too long for its place the end, by which it is told from others.
fn fitted_name(row: &Conversation, room: usize, ellipsis: &str) -> String {
    let name = describe::name(&row.contact);
    let digits = name.starts_with('+') && name.is_ascii();
    match name.len().checked_sub(room) {
        Some(over) if over > 0 && digits => {
            let (_, tail) = name.split_at((over + 1).min(name.len()));
            format!("{ellipsis}{tail}")
        }
        _ => name,
    }
}

/// What the operator has to know first: failed, unsent draft, window closed.
fn state_cell(model: &Model, row: &Conversation, canvas: &Canvas<'_>) -> (&'static str, Style) {
    let theme = canvas.theme;
    let draft = model.draft_of(row);
    match row.window(model.now) {
        _ if row.failed > 0 => (glyph::failed(theme), theme.failure),
        _ if !draft.text.trim().is_empty() => ("D", theme.doubt),
        Window::Open(end) if row.unanswered && end.since(model.now) < CLOSING => {
            ("!", theme.failure)
        }
        Window::Open(end) if row.unanswered && end.since(model.now) < CLOSING_SOON => {
            ("!", theme.doubt)
        }
        _ if row.opted_out.is_some() => (glyph::opted_out(theme), theme.held),
        Window::Closed(_) | Window::Refused(_) => ("T", theme.dim),
        Window::Open(_) | Window::Unknown => (" ", theme.plain),
    }
}

fn outbound_slot(preview: &Preview) -> Option<Mark> {
    match (preview.direction, preview.state) {
        (Direction::Inbound, _) => None,
        (Direction::Outbound, State::Queued) if preview.tries > 0 => {
            Some(Mark::Retry(preview.tries + 1))
        }
        (Direction::Outbound, state) => Some(Mark::Outbound(state)),
    }
}

/// The second line: state slot, what was said last or is being written, and what is left of the window.
fn preview_line(model: &Model, row: &Conversation, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let style = match row.window(model.now) {
        Window::Open(end) if end.since(model.now) < CLOSING => theme.failure,
        Window::Open(end) if end.since(model.now) < CLOSING_SOON => theme.doubt,
        _ => theme.dim,
    };
    let cell = describe::window_cell(row, model.now);
    let end = canvas.right(area, 1, 3, &[(style, cell.as_str())]);
    let room = end.saturating_sub(7);
    let draft = model.draft_of(row);
    if !draft.text.trim().is_empty() {
        let words = format!("Draft: {}", text::display_safe(draft.text.trim()));
        canvas.put(area, 6, 1, room, &words, theme.doubt);
        return;
    }
    let Some(preview) = &row.preview else {
        canvas.put(area, 6, 1, room, "nothing said yet", theme.dim);
        return;
    };
    let mark = outbound_slot(preview).unwrap_or(Mark::Inbound);
    let (style, slot) = glyph::slot(mark, theme);
    canvas.put(area, 3, 1, 2, &slot, style);
    let style = if row.unread > 0 && !preview.aside { theme.plain } else { theme.dim };
    let origin = if preview.in_group { "[group] " } else { "" };
    let used = canvas.put(area, 6, 1, room, origin, theme.dim);
    canvas.put(area, 6 + used, 1, room - used, &text::display_safe(&preview.text), style);
}

/// What to do when there is nothing to show.
fn empty(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let key = |action| model.keymap.key(Context::List, action);
    let list = &model.list;
    let words = match &list.error {
        Some(reason) => vec![(theme.failure, reason.clone())],
        None if !list.loaded => vec![(theme.dim, "loading".to_owned())],
        None if !model.sought.is_empty() => vec![
            (theme.plain, "Nobody matches.".to_owned()),
            (theme.dim, format!("{} shows all again.", key(Action::ClearFilter))),
        ],
        None => match list.filter {
            Filter::All => vec![
                (theme.plain, "No conversations yet.".to_owned()),
                (theme.dim, "They appear when somebody writes to your number.".to_owned()),
                (theme.dim, format!("{} starts one.", key(Action::NewConversation))),
            ],
            Filter::Unread => vec![
                (theme.plain, "Everything is read.".to_owned()),
                (theme.dim, format!("{} shows the next tab.", key(Action::NextTab))),
            ],
            Filter::Waiting => vec![
                (theme.plain, "Nobody waits for an answer.".to_owned()),
                (theme.dim, format!("{} shows the next tab.", key(Action::NextTab))),
            ],
            Filter::Closing => vec![
                (theme.plain, "Nobody waits whose window is open.".to_owned()),
                (theme.dim, format!("{} shows all.", key(Action::Closing))),
            ],
        },
    };
    let inner = Area { x: area.x + 2.min(area.width), width: area.width.saturating_sub(3), ..area };
    let mut at = 1;
    for (style, words) in words {
        let safe = text::display_safe(&words);
        for line in text::wrap(&safe, inner.width.into()) {
            canvas.row(inner, at, &[(style, safe.get(line.range).unwrap_or_default())]);
            at += 1;
        }
        at += 1;
    }
}

/// Which part of the list this is.
fn foot(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.list.split_bottom(1).1;
    if layout.list.height < 4 {
        return;
    }
    let list = &model.list;
    let counts = list.counts;
    let (count, what) = match list.filter {
        Filter::All if counts.all == 1 => (1, "conversation"),
        Filter::All => (counts.all, "conversations"),
        Filter::Unread => (counts.unread, "unread"),
        Filter::Waiting => (counts.waiting, "waiting"),
        Filter::Closing => (counts.closing, "closing"),
    };
    let words = if model.sought.is_empty() {
        format!(" {count} {what}")
    } else if list.page.more_after() || list.page.more_before() {
        " many match".to_owned()
    } else {
        match list.page.rows().len() {
            0 => " none matches".to_owned(),
            1 => " 1 matches".to_owned(),
            more => format!(" {more} match"),
        }
    };
    let style = canvas.theme.dim;
    let used = canvas.row(area, 0, &[(style, &words)]);
    if list.page.more_after()
        || list.top(layout.list_capacity().into()) + usize::from(layout.list_capacity())
            < list.page.rows().len()
    {
        canvas.right(area, 0, used + 1, &[(style, "more below ")]);
    }
}
