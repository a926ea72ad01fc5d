//! The screen of the templates: their numbers, and the selected one as a customer sees it.

use ratatui::style::Style;

use super::{card, fitting};
use crate::app::action::{Action, Context};
use crate::app::layout::{Area, Layout};
use crate::app::prompt::{Prompt, Question};
use crate::app::templates::shelf::{reasons, share};
use crate::app::templates::{obstacle, quality, standing};
use crate::app::when;
use crate::app::{Model, Overlay};
use crate::domain::catalogue::Entry;
use crate::domain::template::{Filling, render};
use crate::domain::text;
use crate::ui::glyph;
use crate::ui::paint::Canvas;

/// From this width on the selected template stands beside the list.
const BESIDE: u16 = 150;
/// From this height on it stands below the list.
const BELOW: u16 = 14;
/// From this width on there is room for every column.
const ROOMY: u16 = 100;

pub(in crate::ui) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.templates;
    if area.is_empty() {
        return;
    }
    let theme = canvas.theme;
    let rows = model.shelf_rows();
    let shelf = &model.templates.shelf;
    let (head, rest) = area.split_top(1);
    let [count, sort, mark] = heading(model, rows.len());
    let sought = text::display_safe(&shelf.sought);
    let mut used = canvas.row(
        head,
        0,
        &[
            (theme.accent, &count),
            (theme.dim, &sort),
            (theme.strong, &mark),
            (theme.strong, &sought),
        ],
    );
    if is_typed(model) {
        let (column, room) = field(model, area.width);
        used = used.max(column + room);
    }
    fitting(&standing(model, Context::Templates), head, 0, used + 2, canvas);
    let (list, pane) = if area.width >= BESIDE {
        let (list, pane) = rest.split_left(area.width - 72);
        (list, pane.split_left(2).1)
    } else if area.height >= BELOW {
        rest.split_bottom(rest.height / 2)
    } else {
        (rest, Area { height: 0, ..rest })
    };
    if rows.is_empty() {
        nothing(model, list, canvas);
        return;
    }
    let (titles, list) = list.split_top(1);
    columns_of(titles, canvas);
    let at = shelf.at(&rows);
    let capacity = usize::from(list.height);
    let top = (at + 1).saturating_sub(capacity);
    for (row, (place, entry)) in (0..).zip(rows.iter().enumerate().skip(top).take(capacity)) {
        line(model, entry, place == at, list, row, canvas);
    }
    if let Some(entry) = rows.get(at) {
        selected(model, entry, pane, canvas);
    }
}

/// What stands before the text that is sought: the count, the order, and the key when there is a text.
fn heading(model: &Model, shown: usize) -> [String; 3] {
    let shelf = &model.templates.shelf;
    let key = |action| model.keymap.key(Context::Templates, action);
    let all = model.catalogue.as_ref().map_or(0, |known| known.entries.len()).to_string();
    let seeks = is_typed(model) || !shelf.sought.is_empty();
    // As wide for every count, so that the text stays where it is typed.
    let count = if seeks {
        format!(" Templates {shown:>width$} of {all}", width = all.len())
    } else {
        format!(" Templates {all}")
    };
    let sort = format!("   {} sort: {}", key(Action::Sort), shelf.sort.name());
    let mark = if seeks { format!("   {} ", key(Action::Filter)) } else { String::new() };
    [count, sort, mark]
}

/// Whether the text that is sought is being typed.
fn is_typed(model: &Model) -> bool {
    let typed = |prompt: &Prompt| prompt.question == Question::Templates;
    matches!(&model.overlay, Some(Overlay::Prompt(prompt)) if typed(prompt))
}

/// Where the text that is sought is typed, and how many columns it has at least.
pub(in crate::ui) fn field(model: &Model, width: u16) -> (u16, u16) {
    const ROOM: u16 = 24;
    let before = heading(model, 0).concat();
    let column = u16::try_from(text::width(&before)).unwrap_or(u16::MAX);
    // On a narrow screen the text matters more than what stands before it.
    let column = if column.saturating_add(ROOM / 2) > width { 1 } else { column };
    (column, ROOM.min(width.saturating_sub(column)))
}

/// Where the columns end, from the right: last use, failed, read, delivered, sent.
fn ends(area: Area) -> [Option<u16>; 5] {
    let roomy = area.width >= ROOMY;
    let end = |from_right: u16| area.width.checked_sub(from_right);
    if roomy {
        [end(1), end(14), end(22), end(29), end(36)]
    } else {
        // What would reach into the columns on the left is left out.
        let fits = |least: u16, from_right: u16| end(from_right).filter(|_| area.width >= least);
        [fits(47, 1), fits(57, 10), fits(66, 18), None, fits(77, 25)]
    }
}

/// Writes text so that it ends before a column.
fn before(end: u16, row: u16, words: &str, style: Style, area: Area, canvas: &mut Canvas<'_>) {
    let width = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
    let from = end.saturating_sub(width);
    canvas.put(area, from, row, width, words, style);
}

/// Columns of the name, the language and what it is for.
fn starts(area: Area) -> (u16, u16, u16) {
    let name = (area.width / 3).clamp(12, 40);
    let language = 2 + name + 1;
    (name, language, language + 7)
}

fn columns_of(area: Area, canvas: &mut Canvas<'_>) {
    let style = canvas.theme.dim;
    let (_, language, category) = starts(area);
    canvas.put(area, 2, 0, 10, "name", style);
    canvas.put(area, language, 0, 6, "lang", style);
    canvas.put(
        area,
        category,
        0,
        10,
        if area.width >= ROOMY { "category" } else { "status" },
        style,
    );
    if area.width >= ROOMY {
        canvas.put(area, category + 11, 0, 10, "status", style);
    }
    let titles = ["last use", "failed", "read", "deliv.", "sent"];
    for (end, title) in ends(area).into_iter().zip(titles) {
        if let Some(end) = end {
            before(end, 0, title, style, area, canvas);
        }
    }
}

fn line(
    model: &Model,
    entry: &Entry,
    selected: bool,
    area: Area,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let blocked = obstacle(entry, model).is_some();
    if selected {
        canvas.put(area, 0, row, 1, glyph::pointer(theme), theme.selected);
    }
    let style = match (blocked, selected) {
        (true, _) => theme.dim,
        (false, true) => theme.open_row,
        (false, false) => theme.plain,
    };
    let (name, language, category) = starts(area);
    let template = &entry.template;
    canvas.put(area, 2, row, name, &text::display_safe(&template.name), style);
    canvas.put(area, language, row, 6, &text::display_safe(&template.language), style);
    let mut status_at = category;
    if area.width >= ROOMY {
        let words = super::category(entry);
        canvas.put(area, category, row, 10, &words, theme.dim);
        status_at += 11;
    }
    let status = template.status.name().to_lowercase().replace('_', " ");
    let (tone, words) = match quality(entry).filter(|_| !blocked) {
        Some((tone, quality)) => (theme.tone(tone), format!("ok, {quality}")),
        None if blocked && status == "approved" => (theme.failure, "no sending".to_owned()),
        None if blocked => (theme.failure, status),
        None if status == "approved" => (theme.dim, "ok".to_owned()),
        None => (theme.doubt, status),
    };
    canvas.put(area, status_at, row, 11, &text::display_safe(&words), tone);
    let tally = &entry.tally;
    let percent = |part| share(part, tally).map(|share| format!("{share}%")).unwrap_or_default();
    let number = |number: u64| if number == 0 { String::new() } else { number.to_string() };
    let last = entry
        .last_used
        .map(|at| when::listed(at, model.now, &model.settings.timezone, area.width >= ROOMY));
    let failed = if tally.failed > 0 { theme.failure } else { theme.dim };
    let facts = [
        (theme.dim, last.unwrap_or_default()),
        (failed, number(tally.failed)),
        (theme.plain, percent(tally.read)),
        (theme.plain, percent(tally.delivered)),
        (theme.plain, number(tally.sent)),
    ];
    for (end, (style, words)) in ends(area).into_iter().zip(facts) {
        if let Some(end) = end {
            before(end, row, &words, style, area, canvas);
        }
    }
    if selected {
        canvas.tint(area, row, theme.cursor_row);
    }
}

/// What is to be known of the selected template, and the template itself.
fn selected(model: &Model, entry: &Entry, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    if area.height < 2 {
        return;
    }
    let mut rest = area;
    if area.width < BESIDE {
        let (line, below) = rest.split_top(1);
        canvas.rule(line, 0, "", theme.separator);
        rest = below;
    }
    let mut facts: Vec<(Style, String)> = Vec::new();
    if let Some(words) = obstacle(entry, model) {
        facts.push((theme.failure, format!("Cannot be sent: {words}")));
    }
    let tally = &entry.tally;
    if tally.sent + tally.failed > 0 {
        let of = |part| share(part, tally).map(|share| format!(" ({share}%)")).unwrap_or_default();
        facts.push((
            theme.plain,
            format!(
                "sent {}  delivered {}{}  read {}{}  failed {}",
                tally.sent,
                tally.delivered,
                of(tally.delivered),
                tally.read,
                of(tally.read),
                tally.failed
            ),
        ));
    } else {
        facts.push((theme.dim, "Never sent from here.".to_owned()));
    }
    facts.extend(reasons(tally).into_iter().map(|words| (theme.failure, words)));
    for (style, words) in facts {
        let safe = text::display_safe(&words);
        for line in text::wrap(&safe, rest.width.saturating_sub(2).into()) {
            let (top, below) = rest.split_top(1);
            canvas.put(top, 1, 0, top.width, safe.get(line.range).unwrap_or_default(), style);
            rest = below;
        }
    }
    let sent = render(&entry.template, &Filling::new());
    let title = format!("{}, {}", entry.template.name, entry.template.language);
    let place = Area { x: rest.x + 1, width: rest.width.saturating_sub(2), ..rest };
    let message = (&sent, entry.template.header.as_ref());
    card(message, &text::display_safe(&title), 0, place, canvas);
}

fn nothing(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let sync = model.keymap.key(Context::Templates, Action::SyncTemplates);
    let clear = model.keymap.key(Context::Templates, Action::Back);
    let words = match (&model.templates.error, &model.catalogue) {
        (Some(reason), _) => format!("The templates could not be read: {reason}"),
        (None, None) => "loading".to_owned(),
        (None, Some(known)) if !known.entries.is_empty() => {
            format!("No template has that in it. {clear} shows all again.")
        }
        (None, Some(known)) if known.synced_at.is_some() => {
            format!("This account has no templates yet. {sync} looks again.")
        }
        (None, Some(_)) => {
            format!(
                "The templates of this account were never fetched from Meta. {sync} does it now."
            )
        }
    };
    let safe = text::display_safe(&words);
    let place = Area { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    for (at, line) in (1..place.height).zip(text::wrap(&safe, place.width.into())) {
        canvas.row(place, at, &[(canvas.theme.plain, safe.get(line.range).unwrap_or_default())]);
    }
}
