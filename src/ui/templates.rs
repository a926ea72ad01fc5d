//! Templates: the picker, the form, and the message as the customer will see it.

mod form;
mod maker;
mod picker;
mod shelf;

pub(super) use form::{draw as form, last_parts};
pub(super) use maker::draw as maker;
pub(super) use picker::draw as picker;
pub(super) use shelf::{draw as shelf, field};

use ratatui::style::Style;

use super::chat;
use super::paint::Canvas;
use crate::app::Model;
use crate::app::layout::Area;
use crate::app::notice::Weight;
use crate::app::rows::Tone;
use crate::app::templates;
use crate::app::templates::card::{self, Row};
use crate::domain::catalogue::Entry;
use crate::domain::template::{Header, SentTemplate};
use crate::domain::text;

/// The widest a message is shown, about as wide as on a phone turned sideways.
const CARD_WIDTH: u16 = 66;

/// Draws the message of a template with this header into a frame that is as high as it needs; `scroll` rows of it
/// are passed over.
pub(super) fn card(
    (sent, header): (&SentTemplate, Option<&Header>),
    title: &str,
    scroll: u16,
    area: Area,
    canvas: &mut Canvas<'_>,
) {
    let width = area.width.min(CARD_WIDTH);
    if width < 8 || area.height < 3 {
        return;
    }
    let rows = card::rows(sent, header, usize::from(width) - 4);
    let needed = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2).max(3);
    let place = Area { width, height: needed.min(area.height), ..area };
    let inside = canvas.frame(place, title);
    let most = rows.len().saturating_sub(inside.height.into());
    let top = usize::from(scroll).min(most);
    for (at, row) in (0..inside.height).zip(rows.iter().skip(top)) {
        match row {
            Row::Words(pieces) => {
                let styled: Vec<(Style, &str)> = pieces
                    .iter()
                    .map(|piece| (chat::style(piece, canvas), piece.text.as_str()))
                    .collect();
                canvas.row(inside, at, &styled);
            }
            Row::Rule => canvas.rule(inside, at, "", canvas.theme.separator),
            Row::Button(words) => {
                canvas.row(inside, at, &[(canvas.theme.label, words.as_str())]);
            }
        }
    }
    let below = most - top;
    if below > 0 {
        let words = format!(" {below} more below ");
        let foot = Area { y: place.y + place.height - 1, height: 1, width: width - 2, ..place };
        canvas.right(foot, 0, 2, &[(canvas.theme.dim, &words)]);
    }
}

/// What a template is for, in a word that fits into a column.
fn category(entry: &Entry) -> String {
    text::display_safe(&templates::category(&entry.template.category)).into_owned()
}

/// The longest of the same words that fits into the right of a row, from a column on.
fn fitting(
    words: &[(Tone, String)],
    area: Area,
    row: u16,
    from: u16,
    canvas: &mut Canvas<'_>,
) -> u16 {
    let room = usize::from(area.width.saturating_sub(from));
    match words.iter().find(|(_, words)| text::width(words) <= room) {
        Some((tone, words)) => {
            canvas.right(area, row, from, &[(canvas.theme.tone(*tone), words.as_str())])
        }
        None => area.width,
    }
}

/// Rows that the latest notice takes at a width, up to three.
pub(super) fn notice_rows(model: &Model, width: u16) -> u16 {
    let Some(notice) = &model.notice else { return 1 };
    u16::try_from(notice.lines(width.into()).len()).unwrap_or(u16::MAX).clamp(1, 3)
}

/// The latest notice, for what stands in front of the place where it is usually said. Says whether there
/// was one.
pub(super) fn notice(model: &Model, area: Area, canvas: &mut Canvas<'_>) -> bool {
    let Some(notice) = &model.notice else { return false };
    let theme = canvas.theme;
    let style = match notice.weight {
        Weight::Done => theme.good,
        Weight::Warning => theme.doubt,
        Weight::Error => theme.failure,
    };
    for (row, line) in (0..area.height).zip(notice.lines(area.width.into())) {
        canvas.row(area, row, &[(style, &line)]);
    }
    true
}
