//! Rows that terminals disagree about. How many columns an emoji family, a skin tone or an Indic syllable
//! takes is measured differently by tmux, by each terminal and by this program. Where the terminal takes more,
//! the rest of it covers cells that are blank to us before and after, and would stand there for ever.

use std::collections::BTreeMap;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};

use crate::domain::text;

/// A backend that writes a row whole, from left to right, when something in it changes and it holds or held
/// characters of that kind. Other rows are written as they come, and nothing is when nothing changes.
#[derive(Debug)]
pub struct Rows<B> {
    inner: B,
    /// What was written last.
    shown: Buffer,
}

impl<B: Backend> Rows<B> {
    /// Over a terminal that shows nothing yet.
    pub fn new(inner: B) -> Self {
        Self { inner, shown: Buffer::empty(Rect::ZERO) }
    }

    /// Takes the terminal's size. What stood there is written anew by whoever draws.
    fn fit(&mut self) -> Result<(), B::Error> {
        let area = Rect::from((Position::ORIGIN, self.inner.size()?));
        if self.shown.area != area {
            self.shown = Buffer::empty(area);
        }
        Ok(())
    }

    /// Takes one row's changes, and says whether it has to be written whole.
    fn take(&mut self, changes: &[(u16, u16, &Cell)]) -> bool {
        let Some((_, y, _)) = changes.first() else { return false };
        let is_odd = |shown: &Buffer| {
            (shown.area.left()..shown.area.right())
                .any(|x| shown.cell((x, *y)).is_some_and(|cell| is_odd(cell.symbol())))
        };
        let before = is_odd(&self.shown);
        for (x, y, cell) in changes {
            if let Some(place) = self.shown.cell_mut((*x, *y)) {
                place.clone_from(cell);
            }
            // What it covers is not there any more.
            let covered = text::width(cell.symbol()).max(1);
            for x in (*x..).take(covered).skip(1) {
                if let Some(place) = self.shown.cell_mut((x, *y)) {
                    place.reset();
                }
            }
        }
        before || is_odd(&self.shown)
    }
}

/// A row as it is shown, with blanks under what may be narrower in the terminal than it is here.
fn whole(shown: &Buffer, y: u16) -> Vec<(u16, u16, &Cell)> {
    let mut cells = Vec::with_capacity(usize::from(shown.area.width));
    let mut x = shown.area.left();
    while let Some(cell) = shown.cell((x, y)) {
        let end = x.saturating_add(u16::try_from(text::width(cell.symbol())).unwrap_or(1).max(1));
        if is_odd(cell.symbol()) {
            let covered = (x + 1..end).filter_map(|x| Some((x, y, shown.cell((x, y))?)));
            cells.extend(covered);
        }
        cells.push((x, y, cell));
        x = end;
    }
    cells
}

/// Whether terminals measure this cell's text differently: it is made of several characters, or is newer
/// than some of them.
fn is_odd(symbol: &str) -> bool {
    const EMOJI: char = '\u{1f000}';
    let mut chars = symbol.chars();
    let first = chars.next();
    chars.next().is_some() || first.is_some_and(|first| first >= EMOJI)
}

impl<B: Backend> Backend for Rows<B> {
    type Error = B::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.fit()?;
        let mut rows: BTreeMap<u16, Vec<_>> = BTreeMap::new();
        for change in content {
            rows.entry(change.1).or_default().push(change);
        }
        let odd: Vec<u16> =
            rows.iter().filter_map(|(y, changes)| self.take(changes).then_some(*y)).collect();
        for y in odd {
            rows.insert(y, whole(&self.shown, y));
        }
        self.inner.draw(rows.into_values().flatten())
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> Result<(), Self::Error> {
        if region == ClearType::All {
            self.shown.reset();
        }
        self.inner.clear_region(region)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.inner.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use unicode_width::UnicodeWidthChar;

    use super::*;

    /// A terminal that knows nothing of clusters: each character takes its own columns, and what a cell is
    /// written over is gone from all columns it took.
    struct Simple(TestBackend);

    impl Backend for Simple {
        type Error = <TestBackend as Backend>::Error;

        fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
        where
            I: Iterator<Item = (u16, u16, &'a Cell)>,
        {
            for (x, y, cell) in content {
                let mut at = x;
                for c in cell.symbol().chars() {
                    let mut one = Cell::default();
                    one.set_char(c);
                    let width = u16::try_from(c.width().unwrap_or(0)).unwrap();
                    let blank = Cell::default();
                    let rest = (at + 1..at + width).map(|x| (x, y, &blank));
                    let inside = |(x, _, _): &(u16, u16, &Cell)| *x < 20;
                    self.0.draw(std::iter::once((at, y, &one)).chain(rest).filter(inside))?;
                    at += width;
                }
            }
            Ok(())
        }

        fn hide_cursor(&mut self) -> Result<(), Self::Error> {
            self.0.hide_cursor()
        }

        fn show_cursor(&mut self) -> Result<(), Self::Error> {
            self.0.show_cursor()
        }

        fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
            self.0.get_cursor_position()
        }

        fn set_cursor_position<P: Into<Position>>(&mut self, to: P) -> Result<(), Self::Error> {
            self.0.set_cursor_position(to)
        }

        fn clear(&mut self) -> Result<(), Self::Error> {
            self.0.clear()
        }

        fn clear_region(&mut self, region: ClearType) -> Result<(), Self::Error> {
            self.0.clear_region(region)
        }

        fn size(&self) -> Result<Size, Self::Error> {
            self.0.size()
        }

        fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
            self.0.window_size()
        }

        fn flush(&mut self) -> Result<(), Self::Error> {
            self.0.flush()
        }
    }

    const FRAMES: [&str; 7] = [
        "Ana \u{1f469}\u{1f3fd} writes",
        "Ana               now",
        "Lia \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} and more",
        "Lia  x",
        "\u{92a}\u{94d}\u{930}\u{93f}\u{92f}\u{93e} here",
        "plain",
        "\u{1f1e7}\u{1f1f7}\u{1f1e7}\u{1f1f7} \u{2764}\u{fe0f}",
    ];

    fn draw<B: Backend>(terminal: &mut Terminal<B>, text: &str)
    where
        B::Error: std::fmt::Debug,
    {
        let drawn = terminal.draw(|frame| {
            let row = Rect::new(0, 0, frame.area().width, 1);
            frame.render_widget(text, row);
            frame.buffer_mut().set_string(19, 0, "|", ratatui::style::Style::new());
        });
        drawn.unwrap();
    }

    /// A skin tone stood for ever in a box that was opened over the conversation, in tmux.
    #[test]
    fn nothing_stays_of_characters_that_the_terminal_measures_wider() {
        let picture =
            |terminal: &Terminal<Rows<Simple>>| terminal.backend().inner.0.buffer().clone();
        let anew = || Terminal::new(Rows::new(Simple(TestBackend::new(20, 2)))).unwrap();
        let mut terminal = anew();
        for text in FRAMES {
            draw(&mut terminal, text);
            let mut fresh = anew();
            draw(&mut fresh, text);
            assert_eq!(picture(&terminal), picture(&fresh), "{text}");
        }
    }

    #[test]
    fn without_it_something_stays() {
        let anew = || Terminal::new(Simple(TestBackend::new(20, 2))).unwrap();
        let mut terminal = anew();
        let mut differ = 0;
        for text in FRAMES {
            draw(&mut terminal, text);
            let mut fresh = anew();
            draw(&mut fresh, text);
            differ += usize::from(terminal.backend().0.buffer() != fresh.backend().0.buffer());
        }
        assert!(differ > 0, "the terminal of the test is too good to show anything");
    }

    #[test]
    fn a_row_that_does_not_change_is_not_written() {
        let mut rows = Rows::new(TestBackend::new(20, 2));
        let mut cell = Cell::default();
        cell.set_symbol("\u{1f469}\u{1f3fd}");
        rows.draw(std::iter::once((3, 1, &cell))).unwrap();
        let mut plain = Cell::default();
        plain.set_char('a');
        rows.inner = TestBackend::new(20, 2);
        rows.draw(std::iter::once((0, 0, &plain))).unwrap();
        rows.inner.assert_buffer_lines(["a", ""].map(|line| format!("{line:20}")));
        rows.draw(std::iter::empty()).unwrap();
        rows.inner.assert_buffer_lines(["a", ""].map(|line| format!("{line:20}")));
    }
}
