//! Lines of the help, the details and the info pane.

use super::glyph;
use super::paint::Canvas;
use crate::app::Model;
use crate::app::layout::{Area, Layout};
use crate::app::pages::{self, Ink, Line};

/// Draws lines from the top of an area.
pub(super) fn draw_lines(lines: &[Line], area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    for (at, line) in (0..area.height).zip(lines) {
        let pieces: Vec<_> = line
            .0
            .iter()
            .map(|(ink, words)| {
                let style = match ink {
                    Ink::Heading => theme.accent,
                    Ink::Name | Ink::Dim => theme.dim,
                    Ink::Plain => theme.plain,
                    Ink::Bad => theme.failure,
                    Ink::Sign(sign) => return glyph::sign(*sign, theme),
                };
                (style, words.clone())
            })
            .collect();
        let pieces: Vec<_> = pieces.iter().map(|(style, words)| (*style, words.as_str())).collect();
        canvas.row(area, at, &pieces);
    }
}

/// The info pane of wide screens.
pub(super) fn draw_info(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    if layout.info.is_empty() {
        return;
    }
    canvas.column(layout.info_border);
    let inner =
        Area { x: layout.info.x + 1, width: layout.info.width.saturating_sub(2), ..layout.info };
    draw_lines(&pages::info(model, inner.width.into()), inner, canvas);
}
