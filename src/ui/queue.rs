//! The queue: its tabs, how sending goes, the messages with why each is there and until when, and a foot.

use super::glyph;
use super::paint::Canvas;
use crate::app::action::{Action, Context};
use crate::app::layout::{Area, Layout};
use crate::app::queue::{self, Halt};
use crate::app::rows::mark_of;
use crate::app::{Model, describe, when};
use crate::domain::health::Condition;
use crate::domain::queue::{QueueFilter, QueueRow, Recent};
use crate::domain::text;

/// Columns of the chart at most: one for each span that is counted.
const CHART: usize = Recent::SPANS;
/// A shorter one says nothing.
const SHORTEST_CHART: usize = 8;
/// Where names and reasons begin.
const TEXT: u16 = 6;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.queue;
    if area.is_empty() {
        return;
    }
    tabs(model, area, canvas);
    sending(model, area, canvas);
    limits(model, area, canvas);
    if area.height > 3 {
        canvas.rule(area, 3, "", canvas.theme.separator);
    }
    let rows = layout.queue_rows();
    let list = &model.queue.list;
    if list.page.rows().is_empty() {
        empty(model, rows, canvas);
    }
    let capacity = usize::from(layout.queue_capacity());
    let shown = list.page.rows().iter().skip(list.top(capacity)).take(capacity);
    for (at, row) in (0_u16..).zip(shown) {
        let place = rows.split_top(at * 2).1.split_top(2).0;
        message(model, row, place, canvas);
    }
    if area.height > 5 {
        foot(model, capacity, area.split_bottom(1).1, canvas);
    }
}

fn tabs(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let list = &model.queue.list;
    let mut used = 0;
    for filter in QueueFilter::ALL {
        let style = if filter == list.filter { theme.accent } else { theme.dim };
        let gap = if used == 0 { " " } else { "  " };
        let words = format!("{} {}", filter.name(), filter.count(&list.counts));
        used += canvas.put(area, used, 0, area.width.saturating_sub(used), gap, theme.plain);
        used += canvas.put(area, used, 0, area.width.saturating_sub(used), &words, style);
    }
}

/// Whether and how fast it goes, and the chart of what went out lately.
fn sending(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let (tone, words) = queue::sending(model);
    let goes = model.pace().filter(|pace| pace.stop.is_none() && !model.is_paused());
    let rate = goes.map_or_else(String::new, |pace| match model.health.sender {
        Condition::Elsewhere => format!("  up to {}/s", pace.limit),
        _ => format!("  {} of {}/s", pace.used, pace.limit),
    });
    let used =
        canvas.row(area, 1, &[(theme.tone(tone), &format!(" {words}")), (theme.plain, &rate)]);
    let spans = &model.queue.recent.spans;
    let peak = spans.iter().max().map_or(0, |peak| i64::from(*peak) * 10_000 / Recent::SPAN_MILLIS);
    let caption = format!(" 4 min, peak {}.{}/s ", peak / 10, peak % 10);
    let room = usize::from(area.width).saturating_sub(usize::from(used) + 2 + caption.len());
    let shown = spans.get(spans.len().saturating_sub(room.min(CHART))..).unwrap_or_default();
    if shown.len() >= SHORTEST_CHART {
        let chart = glyph::chart(shown, theme);
        canvas.right(area, 1, used + 2, &[(theme.good, &chart), (theme.dim, &caption)]);
    }
}

/// The breaker and the limits, as far as there is room.
fn limits(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let mut used = 0;
    for (tone, words) in queue::limits(model) {
        let gap = if used == 0 { " " } else { "   " };
        if usize::from(used) + gap.len() + text::width(&words) > usize::from(area.width) {
            break;
        }
        used += canvas.put(area, used, 2, area.width.saturating_sub(used), gap, theme.plain);
        let room = area.width.saturating_sub(used);
        used += canvas.put(area, used, 2, room, &words, theme.tone(tone));
    }
}

/// A message: who it is for and what it says, and under that why it is here and until when.
fn message(model: &Model, row: &QueueRow, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let found = &row.message;
    let selected = model.queue.list.selected == Some(found.id);
    let marked = model.queue.marked.has(found);
    if selected {
        canvas.put(area, 0, 0, 1, glyph::pointer(theme), theme.selected);
    }
    if marked {
        canvas.put(area, 1, 0, 1, "*", theme.selected);
    }
    let (style, slot) = glyph::slot(mark_of(found), theme);
    canvas.put(area, 3, 0, 2, &slot, style);
    let time = when::listed(found.at, model.now, &model.settings.timezone, true);
    let end = canvas.right(area, 0, TEXT, &[(theme.dim, &time)]);
    let name = describe::name(&row.contact);
    let name_room = (area.width / 4).clamp(8, 24);
    let name_style = if selected { theme.open_row } else { theme.plain };
    canvas.put(area, TEXT, 0, name_room, &name, name_style);
    let column = TEXT + name_room + 2;
    let line = describe::line(found);
    canvas.put(area, column, 0, end.saturating_sub(column + 1), &line, theme.dim);
    let why = queue::why(row, model.now, Halt::of(model));
    let words = why.line(|at| queue::until(at, model));
    canvas.put(area, TEXT, 1, area.width.saturating_sub(TEXT + 1), &words, theme.tone(why.tone));
    if selected {
        canvas.tint(area, 0, theme.cursor_row);
    }
}

/// What to do when there is nothing to show.
fn empty(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let list = &model.queue.list;
    let words = match (&list.error, list.filter) {
        (Some(reason), _) => reason.clone(),
        _ if !list.loaded => "loading".to_owned(),
        (None, QueueFilter::All) => {
            let key = model.keymap.key(Context::Queue, Action::Back);
            format!("Nothing waits, and nothing went wrong. {key} goes back.")
        }
        (None, filter) => {
            let key = model.keymap.key(Context::Queue, Action::NextTab);
            format!("Nothing here is {}. {key} shows the next tab.", filter.name().to_lowercase())
        }
    };
    let inner = Area { x: area.x + 2.min(area.width), width: area.width.saturating_sub(3), ..area };
    let safe = text::display_safe(&words);
    for (at, line) in (1..).zip(text::wrap(&safe, inner.width.into())) {
        canvas.row(inner, at, &[(theme.plain, safe.get(line.range).unwrap_or_default())]);
    }
}

/// What is marked, or how many there are, and whether there is more.
fn foot(model: &Model, capacity: usize, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let queue = &model.queue;
    let list = &queue.list;
    let count = list.filter.count(&list.counts);
    let (style, words) = if queue.marked.is_empty() {
        let plural = if count == 1 { "" } else { "s" };
        (theme.dim, format!(" {count} message{plural}"))
    } else {
        let marked = queue.marked.count(&list.counts);
        let key = model.keymap.key(Context::Queue, Action::Back);
        (theme.accent, format!(" {marked} marked, {key} clears"))
    };
    let used = canvas.row(area, 0, &[(style, &words)]);
    if list.page.more_after() || list.top(capacity) + capacity < list.page.rows().len() {
        canvas.right(area, 0, used + 1, &[(theme.dim, "more below ")]);
    }
}
