//! The inspector: where webhooks come in, what is looked for, the requests, and one of them in its parts.

use super::glyph;
use super::pages::draw_lines;
use super::paint::Canvas;
use crate::app::action::{Action, Context};
use crate::app::hooks::{columns, took};
use crate::app::inspector::Part;
use crate::app::layout::{Area, Layout};
use crate::app::{Model, pages, when};
use crate::domain::health::Condition;
use crate::domain::hook::Hook;
use crate::domain::text;

/// From this width on the milliseconds of a time are shown.
const ROOMY: u16 = 100;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.hooks;
    if area.is_empty() {
        return;
    }
    head(model, area, canvas);
    let rows = layout.hook_rows();
    let list = &model.hooks.list;
    if list.page.rows().is_empty() {
        empty(model, rows, canvas);
    }
    let capacity = usize::from(rows.height);
    let shown = list.page.rows().iter().skip(list.top(capacity)).take(capacity);
    for (at, hook) in (0..).zip(shown) {
        request(model, hook, rows.split_top(at).1.split_top(1).0, canvas);
    }
    detail(model, layout.hook_detail(), canvas);
}

/// Where webhooks come in, and what is looked for.
fn head(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let health = &model.health;
    let (name, url) = match model.webhook_address() {
        Some(url) => {
            let name = if health.tunnel.url.is_some() { "URL " } else { "listens on " };
            (name, text::display_safe(&url).into_owned())
        }
        None if health.listener == Condition::Elsewhere => {
            ("", "another process listens".to_owned())
        }
        None => ("", "nothing listens".to_owned()),
    };
    let used = canvas.row(area, 0, &[(theme.dim, &format!(" {name}")), (theme.plain, &url)]);
    let key = model.keymap.key(Context::Hooks, Action::Follow);
    let follow = if model.hooks.follow { "on" } else { "off" };
    let copies = model.keymap.key(Context::Hooks, Action::Copy);
    let words = format!("{copies} copy  {key} follow {follow} ");
    canvas.right(area, 0, used + 1, &[(theme.dim, &words)]);
    let refused = health.refused.total();
    let counted =
        if refused == 0 { String::new() } else { format!("{refused} refused since the start ") };
    let end = canvas.right(area, 1, 12, &[(theme.doubt, &counted)]);
    let sought = text::display_safe(&model.hooks.sought);
    let pieces = if sought.is_empty() {
        let key = model.keymap.key(Context::Hooks, Action::Filter);
        vec![(theme.dim, format!(" all requests, newest first   {key} filter"))]
    } else {
        let far = model.hooks.below.map_or_else(String::new, |looked| {
            let back = when::near(looked.at, model.now, &model.settings.timezone);
            let words = if model.hooks.list.wait.is_busy() { "looking" } else { "looked" };
            format!("   {words} back to {back}")
        });
        vec![
            (theme.dim, " filter: ".to_owned()),
            (theme.accent, sought.into_owned()),
            (theme.dim, far),
        ]
    };
    let mut at = 0;
    for (style, words) in &pieces {
        at += canvas.put(area, at, 1, end.saturating_sub(at), words, *style);
    }
    if area.height > 3 {
        canvas.rule(area, 2, "", theme.separator);
    }
}

/// Columns of one row: place, time, code, duration, field, what, who, note.
fn widths(width: u16) -> [u16; 7] {
    let time = if width >= ROOMY { 12 } else { 9 };
    let rest = width.saturating_sub(3 + 7 + time + 5 + 7);
    let part = rest / 7;
    [7, time, 5, 6, (part * 2).clamp(8, 26), (part * 2).clamp(8, 30), (part * 2).clamp(6, 26)]
}

fn request(model: &Model, hook: &Hook, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let selected = model.hooks.list.selected == Some(hook.key);
    if selected {
        canvas.put(area, 0, 0, 1, glyph::pointer(theme), theme.selected);
    }
    let told = columns(hook);
    let zone = &model.settings.timezone;
    let [id_room, time_room, code_room, took_room, field_room, what_room, who_room] =
        widths(area.width);
    let number = hook.event().map_or_else(|| "-".to_owned(), |event| event.to_string());
    let time = when::moment(hook.at(), model.now, zone, time_room >= 12);
    let code = hook.code();
    let code_style = match code {
        200..300 => theme.good,
        _ => theme.failure,
    };
    let what_style = if told.bad { theme.doubt } else { theme.plain };
    let took = took(hook.took());
    let mut column = 1;
    let cells = [
        (format!("{number:>6}"), id_room, theme.dim),
        (time, time_room + 1, theme.plain),
        (format!(" {code}"), code_room, code_style),
        (format!("{took:>5}"), took_room + 1, theme.dim),
        (told.field, field_room + 1, theme.plain),
        (told.what, what_room + 1, what_style),
        (told.who, if told.note.is_empty() { area.width } else { who_room + 1 }, theme.plain),
        (told.note, area.width, if told.bad { theme.doubt } else { theme.dim }),
    ];
    for (words, room, style) in cells {
        let left = area.width.saturating_sub(column);
        canvas.put(area, column, 0, room.saturating_sub(1).min(left), &words, style);
        column += room.min(left);
    }
    if selected {
        canvas.tint(area, 0, theme.cursor_row);
    }
}

/// What to do when there is nothing to show.
fn empty(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let hooks = &model.hooks;
    let words = match (&hooks.list.error, hooks.below) {
        (Some(reason), _) => reason.clone(),
        _ if !hooks.list.loaded => "loading".to_owned(),
        (None, Some(_)) => "None fits so far.".to_owned(),
        (None, None) if !hooks.sought.is_empty() => {
            let key = model.keymap.key(Context::Hooks, Action::Back);
            format!("No request fits. {key} shows all.")
        }
        (None, None) => {
            let hint = model.settings.shell.as_ref();
            let hint = hint.map(|shell| format!(" In a shell, {shell} trigger text makes one."));
            format!("No request has come yet.{}", hint.unwrap_or_default())
        }
    };
    let inner = Area { x: area.x + 2.min(area.width), width: area.width.saturating_sub(3), ..area };
    let safe = text::display_safe(&words);
    for (at, line) in (0..).zip(text::wrap(&safe, inner.width.into())) {
        canvas.row(inner, at, &[(theme.plain, safe.get(line.range).unwrap_or_default())]);
    }
}

/// The part of the selected request that is looked at, under its tabs.
fn detail(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    if area.height < 2 {
        return;
    }
    let theme = canvas.theme;
    canvas.rule(area, 0, "", theme.separator);
    let Some(hook) = model.hooks.selected() else { return };
    let mut used = 1;
    if let Some(event) = hook.event() {
        used += canvas.put(area, used, 0, 14, &format!(" #{event} "), theme.accent);
    }
    for part in Part::ALL {
        let style = if part == model.hooks.part { theme.accent } else { theme.dim };
        let room = area.width.saturating_sub(used);
        used += canvas.put(area, used, 0, room, &format!(" {} ", part.name()), style);
    }
    let facts = pages::hook_facts(hook);
    canvas.right(area, 0, used + 1, &[(theme.dim, &format!(" {facts} "))]);
    let inside = area.split_top(1).1;
    let inside =
        Area { x: inside.x + 1.min(inside.width), width: inside.width.saturating_sub(2), ..inside };
    let lines = pages::hook_part(model, model.hooks.part, inside.width.into());
    draw_lines(&lines, inside, canvas);
    let more = lines.len().saturating_sub(inside.height.into());
    if more > 0 {
        let key = model.keymap.key(Context::Hooks, Action::Details);
        let words = format!(" {more} more, {key} shows all ");
        canvas.right(inside, inside.height - 1, 0, &[(theme.dim, &words)]);
    }
}
