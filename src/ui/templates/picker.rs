//! The picker: what was typed, the templates found, and the selected one as the customer would see it.

use ratatui::layout::Position;
use ratatui::style::Style;

use super::{card, fitting, notice, notice_rows};
use crate::app::action::{Action, Context};
use crate::app::layout::Area;
use crate::app::templates::picker::{Cause, Picker};
use crate::app::templates::{obstacle, obstacle_here, quality, standing};
use crate::app::{Model, describe};
use crate::domain::catalogue::{Entry, Sync};
use crate::domain::template::{Filling, Status, render, slots};
use crate::domain::text;
use crate::ui::glyph;
use crate::ui::overlay::typed;
use crate::ui::paint::Canvas;

/// Where names begin.
const NAME: u16 = 2;

pub(in crate::ui) fn draw(
    model: &Model,
    picker: &Picker,
    screen: Area,
    canvas: &mut Canvas<'_>,
) -> Position {
    let theme = canvas.theme;
    let area = screen
        .centred(screen.width.saturating_sub(4).min(116), screen.height.saturating_sub(2).min(44));
    let who = model.shown().map_or_else(String::new, |row| describe::name(&row.contact));
    let inside = canvas.frame(area, &format!("Send a template to {who}"));
    canvas.put(inside, 0, 0, 1, ">", theme.accent);
    let right = fitting(&standing(model, Context::Picker), inside, 0, 24, canvas);
    let line = Area { width: right.saturating_sub(1), ..inside };
    let cursor = typed(&picker.editor, line, NAME, 0, canvas);
    canvas.rule(inside, 1, "", theme.separator);
    let body = inside.split_top(2).1;
    let body = reason(picker, body, canvas);
    let (body, foot) = body.split_bottom(notice_rows(model, inside.width));
    if !notice(model, foot, canvas) {
        let (all, sendable) = picker.counts(|entry| obstacle_here(entry, model).is_none());
        let words = format!("{sendable} of {all} can be sent");
        if picker.selected().is_some() {
            canvas.row(foot, 0, &[(theme.dim, &words)]);
        }
    }
    if picker.selected().is_none() {
        nothing(model, picker, body, canvas);
        return cursor;
    }
    // A line of the list for each name, as long as the message keeps a fair half.
    let wanted = u16::try_from(picker.hits().count()).unwrap_or(u16::MAX);
    let half = (body.height / 2).max(3);
    let (list, below) = body.split_top(wanted.min(half));
    let capacity = usize::from(list.height);
    let top = (picker.at() + 1).saturating_sub(capacity);
    for (row, (at, entry)) in (0..).zip(picker.hits().enumerate().skip(top).take(capacity)) {
        hit(model, picker, (at, entry), list, row, canvas);
    }
    if let Some(entry) = picker.selected() {
        preview(model, entry, below, canvas);
    }
    cursor
}

/// Why the picker opened by itself. Returns what is left below.
fn reason(picker: &Picker, area: Area, canvas: &mut Canvas<'_>) -> Area {
    let theme = canvas.theme;
    let (style, reason) = match &picker.cause {
        None => return area,
        Some(Cause::Shut(words)) => (theme.doubt, words),
        Some(Cause::Refused(words)) => (theme.failure, words),
    };
    let lines = text::wrap(reason, area.width.into());
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let (place, below) = area.split_top(wanted.min(3));
    for (row, line) in (0..place.height).zip(lines) {
        canvas.row(place, row, &[(style, reason.get(line.range).unwrap_or_default())]);
    }
    let (rule, below) = below.split_top(1);
    canvas.rule(rule, 0, "", theme.separator);
    below
}

/// A template as a row: its name, its languages with the chosen one marked, what it is for, and how it does.
fn hit(
    model: &Model,
    picker: &Picker,
    (at, entry): (usize, &Entry),
    area: Area,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let selected = picker.at() == at;
    let blocked = obstacle_here(entry, model);
    if selected {
        canvas.put(area, 0, row, 1, glyph::pointer(theme), theme.selected);
    }
    let plain = match (&blocked, selected) {
        (Some(_), _) => theme.dim,
        (None, true) => theme.open_row,
        (None, false) => theme.plain,
    };
    let name_room = (area.width / 3).clamp(12, 36);
    let name = text::display_safe(&entry.template.name);
    canvas.put(area, NAME, row, name_room, &name, plain);
    let languages_at = NAME + name_room + 1;
    let languages_room = (area.width / 6).clamp(6, 24);
    languages(picker, at, area, row, (languages_at, languages_room), canvas);
    let category_at = languages_at + languages_room + 1;
    canvas.put(area, category_at, row, 9, &super::category(entry), theme.dim);
    let facts_at = category_at + 10;
    let pieces = match blocked {
        Some(_) if obstacle(entry, model).is_none() => {
            vec![(theme.failure, "no marketing".to_owned())]
        }
        Some(words) => vec![(theme.failure, short(entry, &words))],
        None => facts(entry, canvas),
    };
    let mut column = facts_at;
    for (style, words) in pieces {
        let room = area.width.saturating_sub(column);
        column += canvas.put(area, column, row, room, &words, style) + 2;
    }
    if selected {
        canvas.tint(area, row, theme.cursor_row);
    }
}

/// The chosen language in full, the others after it as far as there is room.
fn languages(
    picker: &Picker,
    at: usize,
    area: Area,
    row: u16,
    (column, room): (u16, u16),
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let (codes, chosen) = picker.languages(at);
    let Some(code) = codes.get(chosen) else { return };
    let mut used = canvas.put(area, column, row, room, &text::display_safe(code), theme.accent);
    let mut left = codes.len() - 1;
    for (place, code) in codes.iter().enumerate() {
        let safe = text::display_safe(code);
        // What does not fit is counted, and the count needs room too.
        let count = if left > 1 { 4 } else { 0 };
        let fits = usize::from(used) + 1 + text::width(&safe) + count <= usize::from(room);
        if place == chosen || !fits {
            continue;
        }
        used += 1;
        used += canvas.put(area, column + used, row, room - used, &safe, theme.dim);
        left -= 1;
    }
    if left > 0 {
        let words = format!(" +{left}");
        canvas.put(area, column + used, row, room.saturating_sub(used), &words, theme.dim);
    }
}

/// What is worth knowing of one that can be sent, the most useful first.
fn facts(entry: &Entry, canvas: &Canvas<'_>) -> Vec<(Style, String)> {
    let theme = canvas.theme;
    let mut facts = Vec::new();
    let required = slots(&entry.template).iter().filter(|slot| slot.rule.is_required()).count();
    facts.push((
        theme.dim,
        match required {
            0 => "no values".to_owned(),
            1 => "1 value  ".to_owned(),
            count => format!("{:<9}", format!("{count} values")),
        },
    ));
    if let Some((tone, words)) = quality(entry) {
        facts.push((theme.tone(tone), words.to_owned()));
    }
    if entry.used_here > 0 {
        facts.push((theme.good, format!("{}x here", entry.used_here)));
    }
    if entry.tally.sent > 0 {
        facts.push((theme.dim, format!("sent {}", entry.tally.sent)));
        let read = entry.tally.read.saturating_mul(100) / entry.tally.sent;
        facts.push((theme.dim, format!("read {read}%")));
    }
    facts
}

/// Why one cannot be sent, in a word where Meta has one. The sentence stands by the message.
fn short(entry: &Entry, words: &str) -> String {
    match &entry.template.status {
        Status::Approved | Status::Other(_) => words.to_owned(),
        status => text::display_safe(&status.name().to_lowercase().replace('_', " ")).into_owned(),
    }
}

/// The selected template as the customer would see it, with why it cannot be sent above.
fn preview(model: &Model, entry: &Entry, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let mut rest = area;
    if let Some(words) = obstacle_here(entry, model) {
        let words = format!("Cannot be sent: {words}");
        for line in text::wrap(&words, rest.width.into()) {
            let (top, below) = rest.split_top(1);
            let words = words.get(line.range).unwrap_or_default();
            canvas.row(top, 0, &[(theme.failure, words)]);
            rest = below;
        }
    }
    let sent = render(&entry.template, &Filling::new());
    let title = format!("{}, {}", entry.template.name, entry.template.language);
    let message = (&sent, entry.template.header.as_ref());
    card(message, &text::display_safe(&title), 0, rest, canvas);
}

/// What to do when there is nothing to choose.
fn nothing(model: &Model, picker: &Picker, area: Area, canvas: &mut Canvas<'_>) {
    let key = model.keymap.key(Context::Picker, Action::SyncTemplates);
    let words = if let Some(reason) = &model.templates.error {
        format!("The templates could not be read: {reason}")
    } else if !picker.is_loaded() {
        "loading".to_owned()
    } else if !picker.is_empty() {
        let nothing = "No template has that in its name, text, category or language.";
        let close = model.keymap.key(Context::Picker, Action::Close);
        match picker.cause {
            Some(Cause::Shut(_)) => format!("{nothing} {close} keeps it as your draft."),
            _ => nothing.to_owned(),
        }
    } else if syncs(model) {
        "The templates of this account are being fetched from Meta.".to_owned()
    } else if model.catalogue.as_ref().is_some_and(|known| known.synced_at.is_some()) {
        format!(
            "This account has no templates yet. They are made in the templates screen, at Meta's \
             WhatsApp Manager, or by `twoticks templates create`. {key} looks again."
        )
    } else {
        format!(
            "The templates of this account were never fetched from Meta. {key} does it now; after \
             that it is done by itself once a day, and whenever Meta tells of a change."
        )
    };
    let safe = text::display_safe(&words);
    for (at, line) in (1..area.height).zip(text::wrap(&safe, area.width.into())) {
        let words = safe.get(line.range).unwrap_or_default();
        canvas.row(area, at, &[(canvas.theme.plain, words)]);
    }
}

fn syncs(model: &Model) -> bool {
    model.account_health().is_some_and(|health| matches!(health.sync, Sync::Running { .. }))
}
