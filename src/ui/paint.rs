//! Putting text into cells. The canvas cuts everything to its area and to the frame.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::glyph;
use super::theme::Theme;
use crate::app::layout::Area;
use crate::domain::text;

/// The most columns that one grapheme takes.
const WIDEST: u16 = 4;

/// The cells, and the look of them.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub(super) theme: &'a Theme,
}

/// The area of a frame.
pub(super) const fn whole(area: Rect) -> Area {
    Area { x: area.x, y: area.y, width: area.width, height: area.height }
}

impl<'a> Canvas<'a> {
    pub(super) const fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme }
    }

    /// Writes pieces after each other from the left of a row of the area. What does not fit is cut with an
    /// ellipsis. Gives the columns taken.
    pub(super) fn row(&mut self, area: Area, row: u16, pieces: &[(Style, &str)]) -> u16 {
        let mut used = 0;
        for (style, words) in pieces {
            let room = area.width.saturating_sub(used);
            used += self.put(area, used, row, room, words, *style);
        }
        used
    }

    /// Writes pieces so that they end at the right of a row. Nothing is written if they do not fit into
    /// what is right of `from`. Gives the column where they begin.
    pub(super) fn right(
        &mut self,
        area: Area,
        row: u16,
        from: u16,
        pieces: &[(Style, &str)],
    ) -> u16 {
        let width: usize = pieces.iter().map(|(_, words)| text::width(words)).sum();
        let room = usize::from(area.width.saturating_sub(from));
        let Some(column) = usize::from(area.width).checked_sub(width).filter(|_| width <= room)
        else {
            return area.width;
        };
        let start = u16::try_from(column).unwrap_or(area.width);
        let mut column = start;
        for (style, words) in pieces {
            column += self.put(area, column, row, area.width - column, words, *style);
        }
        start
    }

    /// Writes text into at most `room` columns from `column` of a row; gives the columns taken.
    pub(super) fn put(
        &mut self,
        area: Area,
        column: u16,
        row: u16,
        room: u16,
        words: &str,
        style: Style,
    ) -> u16 {
        let room = room.min(area.width.saturating_sub(column));
        if row >= area.height || room == 0 {
            return 0;
        }
        let (cut, taken) = text::truncate_with(words, room.into(), self.theme.ellipsis());
        self.write(area.x + column, area.y + row, &cut, style);
        u16::try_from(taken).unwrap_or(room)
    }

    /// Writes text from a cell on, as far as the frame goes. Not the buffer's own way of doing so: that puts
    /// a whole grapheme into one cell, and where a terminal keeps its parts apart, they stay behind.
    fn write(&mut self, mut x: u16, y: u16, words: &str, style: Style) {
        let end = self.buffer.area.right();
        self.uncover(x, y);
        for (part, columns) in text::cells(words).filter(|(_, columns)| *columns > 0) {
            let next = x.saturating_add(u16::try_from(columns).unwrap_or(u16::MAX));
            if next > end {
                break;
            }
            if let Some(cell) = self.buffer.cell_mut((x, y)) {
                cell.set_symbol(part).set_style(style);
            }
            for covered in x + 1..next {
                if let Some(cell) = self.buffer.cell_mut((covered, y)) {
                    cell.reset();
                }
            }
            x = next;
        }
    }

    /// Takes away a wide character whose later half is about to be written over: what is left of it would hide
    /// what comes there.
    fn uncover(&mut self, x: u16, y: u16) {
        for back in 1..=x.min(WIDEST) {
            let Some(cell) = self.buffer.cell_mut((x - back, y)) else { return };
            let symbol = cell.symbol();
            if symbol.len() > 1 && text::width(symbol) > usize::from(back) {
                cell.set_symbol(" ");
            }
        }
    }

    /// Gives all cells of a row a style.
    pub(super) fn tint(&mut self, area: Area, row: u16, style: Style) {
        if row < area.height {
            let line = Rect { x: area.x, y: area.y + row, width: area.width, height: 1 };
            self.buffer.set_style(line.intersection(self.buffer.area), style);
        }
    }

    /// Empties an area.
    pub(super) fn clear(&mut self, area: Area) {
        let blank = " ".repeat(area.width.into());
        for row in 0..area.height {
            let place = Rect { x: area.x, y: area.y + row, width: area.width, height: 1 };
            for position in place.intersection(self.buffer.area).positions() {
                if let Some(cell) = self.buffer.cell_mut(position) {
                    cell.reset();
                }
            }
            self.put(area, 0, row, area.width, &blank, Style::new());
        }
    }

    /// A horizontal line across a row, with a label in its middle.
    pub(super) fn rule(&mut self, area: Area, row: u16, label: &str, style: Style) {
        let line = glyph::frame(self.theme)[0].repeat(area.width.into());
        self.put(area, 0, row, area.width, &line, style);
        if !label.is_empty() {
            let room = area.width.saturating_sub(2).into();
            let (label, _) = text::truncate_with(label, room, self.theme.ellipsis());
            let label = format!(" {label} ");
            let column = usize::from(area.width).saturating_sub(text::width(&label)) / 2;
            self.put(area, u16::try_from(column).unwrap_or(0), row, area.width, &label, style);
        }
    }

    /// A vertical line down the area.
    pub(super) fn column(&mut self, area: Area) {
        let line = glyph::frame(self.theme)[1];
        for row in 0..area.height {
            self.put(area, 0, row, 1, line, self.theme.border);
        }
    }

    /// A frame around an area, with its inside emptied and a title; gives the inside.
    pub(super) fn frame(&mut self, area: Area, title: &str) -> Area {
        self.clear(area);
        if area.width < 4 || area.height < 3 {
            return Area { width: 0, height: 0, ..area };
        }
        let [line, side, top_left, top_right, bottom_right, bottom_left] = glyph::frame(self.theme);
        let style = self.theme.border;
        let across = line.repeat(usize::from(area.width) - 2);
        self.row(area, 0, &[(style, &format!("{top_left}{across}{top_right}"))]);
        for row in 1..area.height - 1 {
            self.put(area, 0, row, 1, side, style);
            self.put(area, area.width - 1, row, 1, side, style);
        }
        self.row(
            area,
            area.height - 1,
            &[(style, &format!("{bottom_left}{across}{bottom_right}"))],
        );
        let title = format!(" {title} ");
        self.put(area, 2, 0, area.width - 4, &title, self.theme.strong);
        Area {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height - 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::{Area, Canvas, whole};
    use crate::ui::{Borders, Colours, Glyphs, Theme};

    /// A border over the second half of a Korean letter was not drawn, and the letter stayed.
    #[test]
    fn a_frame_over_half_a_wide_letter_is_whole() {
        let theme = Theme::new(Colours::None, Borders::Ascii, Glyphs::Ascii);
        for edge in 0..5 {
            let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: 12, height: 3 });
            let mut canvas = Canvas::new(&mut buffer, &theme);
            for row in 0..3 {
                canvas.put(whole(canvas.buffer.area), 0, row, 12, "김지우김지우", Style::new());
            }
            canvas.frame(Area { x: edge, y: 0, width: 5, height: 3 }, "");
            let mut drawn = String::new();
            let mut x = 0;
            while x < 12 {
                let symbol = buffer.cell((x, 1)).unwrap().symbol();
                drawn.push_str(symbol);
                x += u16::try_from(crate::domain::text::width(symbol)).unwrap().max(1);
            }
            let column = crate::domain::text::width(drawn.split('|').next().unwrap());
            assert_eq!(column, usize::from(edge), "{drawn}");
            assert_eq!(drawn.matches('|').count(), 2, "{drawn}");
        }
    }
}
