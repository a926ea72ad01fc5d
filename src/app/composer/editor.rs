//! Editing text by graphemes and by the lines as they are wrapped on the screen.

use ratatui_textarea::{CursorMove, DataCursor, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use crate::app::action::Action;
use crate::domain::text;

/// How many edits can be undone.
const UNDO: usize = 1_000;

/// A text with a cursor.
#[derive(Debug)]
pub struct Editor {
    area: TextArea<'static>,
    many_lines: bool,
}

/// A line as it is wrapped on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the text it is part of.
    line: usize,
    /// The first character of it, counted in the line.
    from: usize,
    /// One past its last character.
    to: usize,
    /// Its graphemes, unsanitised.
    pub text: String,
}

impl Default for Editor {
    fn default() -> Self {
        Self::new("", true)
    }
}

impl Editor {
    /// A text with the cursor at its end, of one line or of many.
    #[must_use]
    pub fn new(text: &str, many_lines: bool) -> Self {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_max_histories(UNDO);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area, many_lines }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Whether the cursor stands behind the last character.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let DataCursor(line, column) = self.area.cursor();
        let lines = self.area.lines();
        line + 1 == lines.len() && lines.last().is_some_and(|last| column == last.chars().count())
    }

    /// Characters in it, line ends included.
    #[must_use]
    pub fn characters(&self) -> usize {
        let lines = self.area.lines();
        lines.iter().map(|line| line.chars().count()).sum::<usize>() + lines.len() - 1
    }

    /// Replaces the whole text in one step that can be undone.
    pub fn set(&mut self, text: &str) {
        self.area.clear();
        self.area.insert_str(text);
    }

    /// Replaces the text by another version of it and leaves the cursor where it was in the words.
    pub fn revise(&mut self, text: &str) {
        let old: Vec<char> = self.text().chars().collect();
        let new: Vec<char> = text.chars().collect();
        if old == new {
            return;
        }
        let DataCursor(line, column) = self.area.cursor();
        let lines = self.area.lines();
        let at = lines.iter().take(line).map(|line| line.chars().count() + 1).sum::<usize>();
        let behind = old.len().saturating_sub(at + column);
        let same = |(a, b): &(&char, &char)| a == b;
        let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
        let start = old.iter().zip(&new).take_while(same).count();
        let at = match (behind <= end, at + column <= start) {
            (true, _) => new.len() - behind,
            (_, true) => at + column,
            _ => new.len() - end.min(new.len() - start),
        };
        self.set(text);
        let before = new.get(..at).unwrap_or(&new);
        let line = before.iter().filter(|c| **c == '\n').count();
        let column = before.iter().rev().take_while(|c| **c != '\n').count();
        self.jump(line, column);
    }

    fn jump(&mut self, line: usize, column: usize) {
        let place = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(place(line), place(column)));
    }

    /// Empties it in one step that can be undone.
    pub fn clear(&mut self) {
        self.area.clear();
    }

    /// Types a character.
    pub fn insert(&mut self, c: char) {
        self.area.insert_char(c);
    }

    /// Puts in pasted text: line ends made alike, tabs and other controls made harmless.
    pub fn paste(&mut self, pasted: &str) {
        let mut clean = String::with_capacity(pasted.len());
        for c in pasted.replace("\r\n", "\n").chars() {
            match c {
                '\n' | '\r' | '\u{2028}' | '\u{2029}' if self.many_lines => clean.push('\n'),
                '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => clean.push(' '),
                c if c.is_control() => {}
                c => clean.push(c),
            }
        }
        self.area.insert_str(&clean);
    }

    /// Carries out an edit of the action table. Says whether it was one. `width` is that of the text on the
    /// screen, for up and down.
    pub fn edit(&mut self, action: Action, width: u16) -> bool {
        match action {
            Action::Left => self.step(false),
            Action::Right => self.step(true),
            Action::WordLeft => self.area.move_cursor(CursorMove::WordBack),
            Action::WordRight => self.area.move_cursor(CursorMove::WordForward),
            Action::LineStart => self.area.move_cursor(CursorMove::Head),
            Action::LineEnd => self.area.move_cursor(CursorMove::End),
            Action::CursorUp => self.climb(width, false),
            Action::CursorDown => self.climb(width, true),
            Action::DeleteBack => self.delete_back(),
            Action::DeleteForward => self.delete_forward(),
            Action::DeleteWord => drop_bool(self.area.delete_word()),
            Action::DeleteWordForward => drop_bool(self.area.delete_next_word()),
            Action::DeleteToStart => drop_bool(self.area.delete_line_by_head()),
            Action::DeleteToEnd => drop_bool(self.area.delete_line_by_end()),
            Action::Yank => drop_bool(self.area.paste()),
            Action::Undo => drop_bool(self.area.undo()),
            Action::Redo => drop_bool(self.area.redo()),
            Action::Newline if self.many_lines => self.area.insert_newline(),
            _ => return false,
        }
        true
    }

    /// The graphemes before and after the cursor in its line.
    fn around(&self) -> (String, String) {
        let DataCursor(line, column) = self.area.cursor();
        let text = self.area.lines().get(line).map_or("", String::as_str);
        (text.chars().take(column).collect(), text.chars().skip(column).collect())
    }

    fn step(&mut self, forward: bool) {
        let (before, after) = self.around();
        let grapheme =
            if forward { after.graphemes(true).next() } else { before.graphemes(true).next_back() };
        let by = if forward { CursorMove::Forward } else { CursorMove::Back };
        for _ in 0..grapheme.map_or(1, |grapheme| grapheme.chars().count()) {
            self.area.move_cursor(by);
        }
    }

    fn delete_back(&mut self) {
        let (before, _) = self.around();
        let chars =
            before.graphemes(true).next_back().map_or(1, |grapheme| grapheme.chars().count());
        for _ in 0..chars {
            self.area.delete_char();
        }
    }

    fn delete_forward(&mut self) {
        let (_, after) = self.around();
        let chars = after.graphemes(true).next().map_or(1, |grapheme| grapheme.chars().count());
        for _ in 0..chars {
            self.area.delete_next_char();
        }
    }

    /// Goes to the row above or below as wrapped, near the same column.
    fn climb(&mut self, width: u16, down: bool) {
        let rows = self.rows(width);
        let (row, column) = self.cursor(&rows);
        let target = if down { row.saturating_add(1) } else { row.wrapping_sub(1) };
        let Some(target) = rows.get(target) else {
            self.area.move_cursor(if down { CursorMove::End } else { CursorMove::Head });
            return;
        };
        let mut characters = target.from;
        let mut at = 0;
        for grapheme in target.text.graphemes(true) {
            at += text::width(grapheme);
            if at > column {
                break;
            }
            characters += grapheme.chars().count();
        }
        let wrapped_on = rows.iter().any(|row| row.line == target.line && row.from == target.to);
        if wrapped_on && characters == target.to {
            characters = characters.saturating_sub(1).max(target.from);
        }
        self.jump(target.line, characters);
    }

    /// The text wrapped to `width` columns, at spaces where there are any. At least one row.
    #[must_use]
    pub fn rows(&self, width: u16) -> Vec<Row> {
        let width = usize::from(width.max(2));
        let mut rows = Vec::new();
        for (number, line) in self.area.lines().iter().enumerate() {
            wrap_line(number, line, width, &mut rows);
        }
        rows
    }

    /// The row of the cursor among `rows`, and its column on the screen.
    #[must_use]
    pub fn cursor(&self, rows: &[Row]) -> (usize, usize) {
        let DataCursor(line, column) = self.area.cursor();
        let row = rows.iter().rposition(|row| row.line == line && row.from <= column).unwrap_or(0);
        let before: String = rows
            .get(row)
            .map(|row| row.text.chars().take(column.saturating_sub(row.from)).collect())
            .unwrap_or_default();
        (row, text::width(&before))
    }
}

/// The library says whether there was something to do; either way the person sees the text.
const fn drop_bool(_changed: bool) {}

fn wrap_line(number: usize, line: &str, width: usize, rows: &mut Vec<Row>) {
    let mut row = Row { line: number, from: 0, to: 0, text: String::new() };
    let mut used = 0;
    for grapheme in line.graphemes(true) {
        let cells = text::width(grapheme);
        if used + cells > width {
            let rest = carried(&row.text).to_owned();
            row.text.truncate(row.text.len() - rest.len());
            row.to -= rest.chars().count();
            let from = row.to;
            let to = from + rest.chars().count();
            used = text::width(&rest);
            rows.push(std::mem::replace(&mut row, Row { line: number, from, to, text: rest }));
        }
        row.text.push_str(grapheme);
        row.to += grapheme.chars().count();
        used += cells;
    }
    rows.push(row);
}

/// The unfinished word at the end of a full row, which moves on to the next; nothing if it fills the row.
fn carried(row: &str) -> &str {
    row.rfind(' ').and_then(|space| row.get(space + 1..)).unwrap_or("")
}
