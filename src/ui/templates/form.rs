//! The form: a row for each value, and the message as the customer will see it, below or beside them.

use ratatui::layout::Position;

use super::{card, notice, notice_rows};
use crate::app::action::{Action, Context};
use crate::app::layout::Area;
use crate::app::templates::form::{Field, Form};
use crate::app::{Model, describe};
use crate::domain::template::{Flaw, Rule, wanted};
use crate::domain::text;
use crate::ui::glyph;
use crate::ui::overlay::typed;
use crate::ui::paint::Canvas;

/// From this width of the inside on the message stands beside the fields.
const BESIDE: u16 = 104;
/// The rows that the message keeps below the fields.
const CARD_ROWS: u16 = 8;
/// Where labels begin.
const LABEL: u16 = 2;

pub(in crate::ui) fn draw(
    model: &Model,
    form: &Form,
    screen: Area,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let width = screen.width.saturating_sub(4).min(150);
    let area = screen.centred(width, height(form, width, screen.height.saturating_sub(2)));
    let who = model.shown().map_or_else(String::new, |row| describe::name(&row.contact));
    let template = &form.template;
    let category = template.category.name().to_lowercase();
    let title = format!("{}, {}, {category}, to {who}", template.name, template.language);
    let inside = canvas.frame(area, &text::display_safe(&title));
    let flaws = form.flaws();
    let (body, foot) = inside.split_bottom(1 + notice_rows(model, inside.width));
    let (fields, below) = if inside.width >= BESIDE {
        let (left, right) = body.split_left(inside.width * 11 / 20);
        (left, right.split_left(2).1)
    } else {
        let room = label_room(form, inside.width);
        let help =
            help(form, &flaws, inside.width, LABEL + room + 2).map_or(0, |help| help.lines.len());
        let needed = u16::try_from(form.fields.len() + help.max(1) + 1).unwrap_or(u16::MAX);
        let most = body.height.saturating_sub(CARD_ROWS).max(body.height / 2);
        body.split_top(needed.min(most))
    };
    let cursor = rows(model, form, &flaws, fields, canvas);
    let message = (&form.sees(), template.header.as_ref());
    card(message, "as they will see it", form.scroll, below, canvas);
    bottom(model, form, &flaws, foot, canvas);
    cursor
}

/// The height of the frame: all there is when the message stands below the fields, else what is needed.
fn height(form: &Form, width: u16, most: u16) -> u16 {
    if width < BESIDE + 4 {
        return most;
    }
    let fields = u16::try_from(form.fields.len()).unwrap_or(u16::MAX);
    // The message may grow by some lines while it is filled in, and the frame is to stay where it is.
    let lines = u16::try_from(form.template.body.text.len() / 30).unwrap_or(u16::MAX);
    let buttons = u16::try_from(form.template.buttons.len()).unwrap_or(u16::MAX);
    fields.max(lines.saturating_add(buttons).saturating_add(6)).saturating_add(8).min(most)
}

/// The fields, with a line of help under the one that is typed into.
fn rows(
    model: &Model,
    form: &Form,
    flaws: &[Flaw],
    area: Area,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let theme = canvas.theme;
    if form.fields.is_empty() {
        let words = "Nothing is to be filled in.";
        canvas.row(area, 0, &[(theme.dim, words)]);
        return None;
    }
    let label_room = label_room(form, area.width);
    let value = LABEL + label_room + 2;
    let help = help(form, flaws, area.width, value);
    let rows_of_help = help.as_ref().map_or(1, |help| help.lines.len());
    let capacity = usize::from(area.height).saturating_sub(rows_of_help).max(1);
    let top = (form.at + 1).saturating_sub(capacity);
    let mut row = 0;
    let mut cursor = None;
    for (at, field) in form.fields.iter().enumerate().skip(top).take(capacity) {
        let flaw = flaws.iter().find(|flaw| flaw.place == field.slot.place);
        let here = at == form.at;
        if here {
            canvas.put(area, 0, row, 1, glyph::pointer(theme), theme.selected);
        }
        let label = text::display_safe(&field.slot.label);
        let style = if here { theme.strong } else { theme.plain };
        canvas.put(area, LABEL, row, label_room, &label, style);
        let line = area.split_top(row).1.split_top(1).0;
        let place = draw_value(model, form, (field, flaw, here), line, value, canvas);
        row += 1;
        if here {
            cursor = place;
            if let Some(Help { wrong, column, lines }) = &help {
                let style = if *wrong { theme.failure } else { theme.dim };
                let room = area.width.saturating_sub(*column);
                for (at, line) in (row..).zip(lines) {
                    canvas.put(area, *column, at, room, line, style);
                }
            }
            row += u16::try_from(rows_of_help).unwrap_or(u16::MAX);
        }
    }
    cursor
}

/// What is typed or offered, and a remark at the right.
fn draw_value(
    model: &Model,
    form: &Form,
    (field, flaw, here): (&Field, Option<&Flaw>, bool),
    line: Area,
    column: u16,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let theme = canvas.theme;
    let (style, remark) = match (flaw, field.offer().filter(|_| here)) {
        (_, Some(offer)) => {
            let key = model.keymap.key(Context::Form, Action::TakeOffer);
            (theme.dim, format!("{}, {key} takes", offer.source))
        }
        (Some(_), None) if field.is_empty() && form.insisted => {
            (theme.failure, "missing".to_owned())
        }
        (Some(_), None) if field.is_empty() => (theme.dim, "required".to_owned()),
        (Some(_), None) => (theme.failure, "wrong".to_owned()),
        (None, None) if field.is_empty() => (theme.dim, "optional".to_owned()),
        (None, None) => match field.looked().map(|looked| &looked.file) {
            Some(Ok((_, size))) => (theme.good, describe::bytes(*size)),
            _ => (theme.good, "ok".to_owned()),
        },
    };
    // The source alone where the key has no room; it stands in the hints too.
    let least = column + 12;
    let mut end = canvas.right(line, 0, least, &[(style, &remark)]);
    if end == line.width
        && let Some((short, _)) = remark.split_once(", ")
    {
        end = canvas.right(line, 0, least, &[(style, short)]);
    }
    let room = Area { width: end.saturating_sub(1).max(column + 1), ..line };
    let offer = field.offer().map(|offer| text::display_safe(&offer.value).into_owned());
    if here {
        let place = typed(&field.editor, room, column, 0, canvas);
        if let Some(offer) = offer.filter(|_| field.editor.is_at_end()) {
            let begun = text::display_safe(&field.editor.text()).into_owned();
            let ghost = offer.strip_prefix(&begun).unwrap_or_default();
            let from = place.x.saturating_sub(line.x);
            let left = room.width.saturating_sub(from);
            canvas.put(line, from, 0, left, ghost, theme.quote);
        }
        return Some(place);
    }
    let safe = field.editor.text();
    let safe = text::display_safe(&safe);
    let (style, words) = match offer {
        Some(offer) if field.is_empty() => (theme.quote, offer),
        _ => (theme.plain, safe.into_owned()),
    };
    canvas.put(room, column, 0, room.width.saturating_sub(column), &words, style);
    None
}

/// Columns that the labels take.
fn label_room(form: &Form, width: u16) -> u16 {
    let labels =
        form.fields.iter().map(|field| text::width(&text::display_safe(&field.slot.label)));
    let widest = labels.max().and_then(|width| u16::try_from(width).ok()).unwrap_or(u16::MAX);
    widest.clamp(6, (width * 2 / 5).max(6))
}

/// What is said under the field that is typed into.
struct Help {
    wrong: bool,
    column: u16,
    /// Sanitised.
    lines: Vec<String>,
}

/// What is wrong with the field, what a path can go on to, or what stands before the value. A reason is said
/// whole: where it has no room beside the labels, below them.
fn help(form: &Form, flaws: &[Flaw], width: u16, value: u16) -> Option<Help> {
    let field = form.field()?;
    let flaw = flaws.iter().find(|flaw| flaw.place == field.slot.place);
    let ends = field.looked().map(|looked| looked.ends.as_slice()).unwrap_or_default();
    let is_file = field.looked().is_some_and(|looked| looked.file.is_ok());
    let names = last_parts(ends);
    let one = |words: &str| {
        let lines = vec![text::display_safe(words).into_owned()];
        Help { wrong: false, column: value, lines }
    };
    // While a path is typed it is not wrong yet.
    if !names.is_empty() && !is_file && !form.insisted && !field.insisted {
        Some(one(&names))
    } else if let Some(flaw) = flaw.filter(|_| form.insisted || !field.is_empty()) {
        let words = text::display_safe(&flaw.words);
        let fits = text::width(&words) <= usize::from(width.saturating_sub(value));
        let column = if fits { value } else { LABEL };
        let lines = text::wrap(&words, width.saturating_sub(column).into());
        let line = |line: text::Line| words.get(line.range).unwrap_or_default().to_owned();
        let mut lines: Vec<String> = lines.into_iter().map(line).collect();
        if !names.is_empty() && !is_file {
            lines.extend(one(&names).lines);
        }
        Some(Help { wrong: true, column, lines })
    } else {
        let says = !matches!(field.slot.rule, Rule::BodyText | Rule::HeaderText);
        match &field.slot.before {
            Some(before) => Some(one(&format!("after {before}"))),
            None if says && field.is_empty() => Some(one(wanted(field.slot.rule))),
            None => None,
        }
    }
}

/// The last part of a path, with the slash of a folder.
fn last_part(path: &str) -> &str {
    let stem = path.strip_suffix('/').unwrap_or(path);
    let start = stem.rfind('/').map_or(0, |at| at + 1);
    path.get(start..).unwrap_or(path)
}

/// The names that a path can go on to, as far as they are worth reading.
pub(in crate::ui) fn last_parts(ends: &[String]) -> String {
    ends.iter().map(|end| last_part(end)).take(12).collect::<Vec<_>>().join("  ")
}

/// What is missing, or that it can go; and the text of the composer, which can be put in.
fn bottom(model: &Model, form: &Form, flaws: &[Flaw], area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let key = |action| model.keymap.key(Context::Form, action);
    if !form.draft.is_empty() {
        let draft = text::display_safe(&form.draft).into_owned();
        let words = format!("{} puts in your text: ", key(Action::PutDraft));
        canvas.row(area, 0, &[(theme.key, &words), (theme.dim, &draft)]);
    }
    if notice(model, area.split_top(1).1, canvas) {
        return;
    }
    let send = key(Action::Accept);
    if let Some(words) = &form.obstacle {
        canvas.row(area, 1, &[(theme.failure, &format!("Cannot be sent: {words}"))]);
    } else if flaws.is_empty() {
        canvas.row(area, 1, &[(theme.good, &format!("Ready: {send} sends it."))]);
    } else {
        let labels: Vec<&str> = form
            .fields
            .iter()
            .filter(|field| flaws.iter().any(|flaw| flaw.place == field.slot.place))
            .map(|field| field.slot.label.as_str())
            .collect();
        let words = format!("Not yet right: {}", labels.join(", "));
        canvas.row(area, 1, &[(theme.dim, &text::display_safe(&words))]);
    }
}
