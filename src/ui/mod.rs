//! The model as cells. [`view`] reads the model and draws; it asks for nothing and changes nothing.
//!
//! Everything from outside was sanitised when it became rows or lines in `app`; what is taken from the model
//! directly passes `domain::text` in here. Every area comes from `app::layout` and is cut to the frame, so
//! no size makes it panic.

mod campaigns;
mod chat;
mod composer;
mod first;
mod glyph;
mod hints;
mod hooks;
mod list;
mod overlay;
mod pages;
mod paint;
mod queue;
mod sought;
mod status;
mod templates;
#[cfg(test)]
mod tests;
mod theme;

pub use theme::{Borders, Colours, Glyphs, Theme};

use ratatui::Frame;

use crate::app::{Mode, Model};
use crate::domain::text;
use paint::Canvas;

/// Draws the whole screen.
pub fn view(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), theme);
    let Some(layout) = model.layout_at(area.width, area.height) else {
        let words = "Please enlarge the window";
        for (row, line) in (0..area.height).zip(text::wrap(words, area.width.into())) {
            let words = words.get(line.range).unwrap_or_default();
            canvas.row(paint::whole(area), row, &[(theme.plain, words)]);
        }
        return;
    };
    let mut cursor = None;
    if model.mode == Mode::NoAccount {
        first::draw(model, &layout, &mut canvas);
    } else {
        status::draw(model, &layout, &mut canvas);
        list::draw(model, &layout, &mut canvas);
        chat::draw(model, &layout, &mut canvas);
        queue::draw(model, &layout, &mut canvas);
        templates::shelf(model, &layout, &mut canvas);
        hooks::draw(model, &layout, &mut canvas);
        campaigns::draw(model, &layout, &mut canvas);
        pages::draw_info(model, &layout, &mut canvas);
        cursor = composer::draw(model, &layout, &mut canvas);
    }
    hints::draw(model, &layout, &mut canvas);
    if model.overlay.is_some() {
        cursor = overlay::draw(model, &layout, paint::whole(area), &mut canvas);
    }
    if let Some(place) = cursor {
        frame.set_cursor_position(place);
    }
}
