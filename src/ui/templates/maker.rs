//! The editor of a template: a row for each part, and the message as the customer will see it, below or
//! beside them.

use ratatui::layout::Position;
use ratatui::style::Style;

use super::{card, notice, notice_rows};
use crate::app::Model;
use crate::app::action::{Action, Context};
use crate::app::describe;
use crate::app::layout::Area;
use crate::app::templates::maker::{Line, Maker, Purpose};
use crate::domain::template::rules::Breach;
use crate::domain::template::{Refusal, Status, render};
use crate::domain::text;
use crate::ui::glyph;
use crate::ui::overlay::typed;
use crate::ui::paint::Canvas;

/// From this width of the inside on the message stands beside the fields.
const BESIDE: u16 = 104;
/// The rows that the message keeps below the fields.
const CARD_ROWS: u16 = 7;
/// Where labels begin.
const LABEL: u16 = 2;
/// Columns of a label.
const LABEL_ROOM: u16 = 16;
/// Where values begin.
const VALUE: u16 = LABEL + LABEL_ROOM + 1;
/// Rows of the body that are shown while it is typed into.
const BODY_ROWS: usize = 8;
/// Rows of help, or of what is wrong.
const HELP_ROWS: usize = 3;

pub(in crate::ui) fn draw(
    model: &Model,
    maker: &Maker,
    screen: Area,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let area = screen
        .centred(screen.width.saturating_sub(4).min(150), screen.height.saturating_sub(2).min(46));
    let title = match &maker.purpose {
        Purpose::New => "A new template".to_owned(),
        Purpose::Like(name, language) => format!("A template like {name}, {language}"),
        Purpose::Change(name, language) => {
            let category = maker.base().category.name().to_lowercase();
            format!("Change {name}, {language}, {category}")
        }
    };
    let inside = canvas.frame(area, &text::display_safe(&title));
    let breaches = maker.breaches();
    let (body, foot) = inside.split_bottom(foot_rows(model, maker, inside.width));
    let (fields, below) = if inside.width >= BESIDE {
        let (left, right) = body.split_left(inside.width * 11 / 20);
        (left, right.split_left(2).1)
    } else {
        body.split_top(body.height.saturating_sub(CARD_ROWS).max(body.height / 2))
    };
    let cursor = rows(maker, &breaches, fields, canvas);
    let template = maker.template();
    let message = (&render(&template, &maker.filling()), template.header.as_ref());
    card(message, "as they will see it", maker.scroll, below, canvas);
    bottom(model, maker, &breaches, foot, canvas);
    cursor
}

/// A field with the rows that it takes.
struct Shown {
    line: Line,
    words: Vec<String>,
    /// The rows below it while it is typed into: what is wrong, or a word of help.
    help: Vec<String>,
    /// Something is wrong with it.
    is_wrong: bool,
}

impl Shown {
    fn height(&self) -> usize {
        self.words.len().max(1) + self.help.len()
    }
}

fn rows(
    maker: &Maker,
    breaches: &[Breach],
    area: Area,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    let theme = canvas.theme;
    let room = area.width.saturating_sub(VALUE + 1).max(2);
    let shown: Vec<Shown> =
        maker.lines().into_iter().map(|line| field(maker, line, breaches, room)).collect();
    let at = shown.iter().position(|field| field.line == maker.at).unwrap_or(0);
    let top = first_row(&shown, at, area.height.into());
    let mut row = 0;
    let mut cursor = None;
    for field in shown.iter().skip(top) {
        let (_, rest) = area.split_top(row);
        if rest.is_empty() {
            break;
        }
        let here = field.line == maker.at;
        if here {
            canvas.put(rest, 0, 0, 1, glyph::pointer(theme), theme.selected);
        }
        let style = if here { theme.strong } else { theme.plain };
        let label = field.line.label(maker);
        canvas.put(rest, LABEL, 0, LABEL_ROOM, &text::display_safe(&label), style);
        let wrong = maker.wrong(&field.line, breaches);
        if here {
            cursor = value(maker, rest, canvas);
        } else {
            let style = if field.line.is_choice() { theme.label } else { theme.plain };
            for (at, words) in (0..rest.height).zip(&field.words) {
                canvas.put(rest, VALUE, at, room, &text::display_safe(words), style);
            }
            if !wrong.is_empty() {
                remark(maker, &field.line, rest, canvas);
            }
        }
        let below = u16::try_from(field.words.len().max(1)).unwrap_or(u16::MAX);
        let style = if field.is_wrong { theme.failure } else { theme.dim };
        for (at, words) in (below..rest.height).zip(&field.help) {
            canvas.put(rest, VALUE, at, room, words, style);
        }
        row += u16::try_from(field.height()).unwrap_or(u16::MAX).min(area.height);
    }
    cursor
}

/// The first field that is shown, so that the one that is typed into is whole.
fn first_row(shown: &[Shown], at: usize, capacity: usize) -> usize {
    let mut top = at;
    let mut used = shown.get(at).map_or(0, Shown::height);
    while let Some(before) = top.checked_sub(1) {
        used += shown.get(before).map_or(0, Shown::height);
        if used > capacity {
            break;
        }
        top = before;
    }
    top
}

fn field(maker: &Maker, line: Line, breaches: &[Breach], room: u16) -> Shown {
    let here = line == maker.at;
    let words: Vec<String> = if line == Line::Body {
        let editor = crate::app::composer::Editor::new(&maker.text(&line), true);
        let rows = editor.rows(room).into_iter().map(|row| row.text);
        rows.take(if here { BODY_ROWS } else { 3 }).collect()
    } else {
        vec![maker.shown(&line)]
    };
    let help = here.then(|| help(maker, &line, breaches)).flatten();
    let (is_wrong, said) = help.unwrap_or_default();
    let safe = text::display_safe(&said);
    let rows = if said.is_empty() { Vec::new() } else { text::wrap(&safe, room.into()) };
    let rows = rows.into_iter().take(HELP_ROWS);
    let help = rows.map(|row| safe.get(row.range).unwrap_or_default().to_owned()).collect();
    Shown { line, words, help, is_wrong }
}

fn help(maker: &Maker, line: &Line, breaches: &[Breach]) -> Option<(bool, String)> {
    let wrong = maker.wrong(line, breaches);
    let typed = line.is_choice() || !maker.text(line).trim().is_empty();
    if let Some(first) = wrong.first().filter(|_| typed || maker.insisted) {
        return Some((true, first.words.clone()));
    }
    if let Some(looked) = maker.looked().filter(|_| *line == Line::HeaderFile) {
        let ends = super::form::last_parts(&looked.ends);
        return match &looked.file {
            Ok((_, size)) => Some((false, describe::bytes(*size))),
            Err(_) => Some((false, ends)).filter(|(_, ends)| !ends.is_empty()),
        };
    }
    let words = match line {
        Line::Name => "small letters, digits and underscores",
        Line::Language => "a code such as en_US or pt_BR",
        Line::HeaderFile => "a PDF, JPEG, PNG or MP4 file of this machine, or an https link to one",
        Line::Example(_) | Line::HeaderExample(_) | Line::ButtonExample(_) => {
            "an example of what will stand there, for Meta's reviewers"
        }
        Line::Footer => "a short line below the text; nothing for none",
        Line::Expires => "minutes, 1 to 90, which Meta writes into the footer; nothing for none",
        Line::ButtonValue(_) if maker.text(line).is_empty() => "",
        line if line.is_choice() => "Left and Right choose",
        _ => "",
    };
    Some((false, words.to_owned())).filter(|(_, words)| !words.is_empty())
}

/// That something is wrong with a field which is not typed into.
fn remark(maker: &Maker, line: &Line, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let empty = !line.is_choice() && maker.text(line).trim().is_empty();
    let (style, words): (Style, &str) = match (empty, maker.insisted) {
        (true, false) => (theme.dim, "required"),
        (true, true) => (theme.failure, "missing"),
        (false, _) => (theme.failure, "wrong"),
    };
    canvas.right(area, 0, VALUE + 6, &[(style, words)]);
}

/// The field that is typed into.
fn value(maker: &Maker, area: Area, canvas: &mut Canvas<'_>) -> Option<Position> {
    let theme = canvas.theme;
    let Some(editor) = maker.editor().filter(|_| !maker.at.is_choice()) else {
        if maker.at.is_choice() {
            let words = format!("< {} >", maker.shown(&maker.at));
            canvas.put(area, VALUE, 0, area.width, &words, theme.key);
            return None;
        }
        return Some(Position { x: area.x + VALUE.min(area.width.saturating_sub(1)), y: area.y });
    };
    if maker.at != Line::Body {
        return Some(typed(editor, area, VALUE, 0, canvas));
    }
    let room = area.width.saturating_sub(VALUE + 1).max(2);
    let rows = editor.rows(room);
    let (cursor_row, cursor_column) = editor.cursor(&rows);
    let height = BODY_ROWS.min(area.height.into());
    let top = (cursor_row + 1).saturating_sub(height);
    for (at, row) in (0..).zip(rows.iter().skip(top).take(height)) {
        canvas.put(area, VALUE, at, room, &text::display_safe(&row.text), theme.strong);
    }
    let row = u16::try_from(cursor_row - top).unwrap_or(0).min(area.height.saturating_sub(1));
    let column = VALUE.saturating_add(u16::try_from(cursor_column).unwrap_or(u16::MAX));
    Some(Position { x: area.x + column.min(area.width.saturating_sub(1)), y: area.y + row })
}

/// What stands at the bottom, in a style.
fn last_words(
    model: &Model,
    maker: &Maker,
    breaches: &[Breach],
    canvas: &Canvas<'_>,
) -> (Style, String) {
    let theme = canvas.theme;
    let key = model.keymap.key(Context::Maker, Action::Submit);
    if maker.busy {
        return (theme.label, "It is on its way to Meta.".to_owned());
    }
    if let Some(refusal) = &maker.refused {
        let told = refused(refusal);
        return (theme.failure, told);
    }
    if !breaches.is_empty() {
        let mut parts: Vec<String> = Vec::new();
        for breach in breaches {
            let part = breach.part.to_string();
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        return (theme.dim, format!("Not yet right: {}", parts.join(", ")));
    }
    let words = if maker.is_change() {
        let limits = match maker.base().status {
            Status::Rejected | Status::Paused => "",
            _ => " It can be changed once in 24 hours and 10 times in 30 days.",
        };
        format!("Ready: {key} submits it, and Meta reviews it again.{limits}")
    } else {
        format!("Ready: {key} submits it for Meta's review.")
    };
    (theme.good, words)
}

/// What became of a submission that did not go well.
fn refused(refusal: &Refusal) -> String {
    let words = &refusal.words;
    if refusal.unknown {
        format!(
            "It is not known whether Meta took it: {words}. The list behind this shows it, once fetched; submit \
             it again only if it is not there."
        )
    } else {
        format!("Meta did not take it: {words}")
    }
}

fn foot_rows(model: &Model, maker: &Maker, width: u16) -> u16 {
    if maker.refused.is_none() && model.notice.is_none() {
        return 2;
    }
    let said = maker.refused.as_ref().map_or(0, |refusal| {
        let words = refused(refusal);
        text::wrap(&text::display_safe(&words), width.into()).len()
    });
    u16::try_from(said).unwrap_or(u16::MAX).clamp(1, 4).max(notice_rows(model, width)) + 1
}

/// What is missing, what Meta said, or that it can go.
fn bottom(model: &Model, maker: &Maker, breaches: &[Breach], area: Area, canvas: &mut Canvas<'_>) {
    let (_, area) = area.split_top(1);
    if notice(model, area, canvas) {
        return;
    }
    let (style, words) = last_words(model, maker, breaches, canvas);
    let safe = text::display_safe(&words);
    for (row, line) in (0..area.height).zip(text::wrap(&safe, area.width.into())) {
        canvas.row(area, row, &[(style, safe.get(line.range).unwrap_or_default())]);
    }
}
