//! The glyphs of states and lines, each exactly as wide as its slot. The Unicode set has only characters
//! that no terminal draws two cells wide; box-drawing lines are the exception, and have their own switch.

use ratatui::style::Style;

use super::theme::{Borders, Glyphs, Theme};
use crate::app::pages::Sign;
use crate::app::rows::Mark;
use crate::domain::state::State;

/// The two cells of a state slot, with their colour.
pub(super) fn slot(mark: Mark, theme: &Theme) -> (Style, String) {
    let pick = |unicode: &str, ascii: &str| match theme.glyphs {
        Glyphs::Unicode => unicode.to_owned(),
        Glyphs::Ascii => ascii.to_owned(),
    };
    match mark {
        Mark::Inbound => (theme.good, pick("« ", "< ")),
        Mark::Retry(number) => {
            let number = number.min(9);
            (theme.doubt, pick(&format!("↻{number}"), &format!("r{number}")))
        }
        Mark::Outbound(state) => match state {
            State::Scheduled => (theme.dim, pick("@ ", "@ ")),
            State::Held => (theme.held, pick("||", "||")),
            State::Queued => (theme.dim, pick("⋯ ", "..")),
            State::Sending => (theme.dim, pick("▸ ", "> ")),
            State::Accepted => (theme.dim, pick("◌ ", "o ")),
            State::Sent => (theme.dim, pick("✓ ", "v ")),
            State::Delivered => (theme.plain, pick("✓✓", "vv")),
            State::Read => (theme.read, pick("✓✓", "VV")),
            State::Played => (theme.read, pick("✓▸", "vp")),
            State::Failed => (theme.failure, pick("✗ ", "X ")),
            State::Uncertain => (theme.doubt, pick("? ", "? ")),
            State::Cancelled => (theme.dim, pick("⊘ ", "- ")),
            State::Received => (theme.good, pick("« ", "< ")),
        },
    }
}

/// The one cell that says a conversation has a failed message.
pub(super) const fn failed(theme: &Theme) -> &'static str {
    match theme.glyphs {
        Glyphs::Unicode => "✗",
        Glyphs::Ascii => "X",
    }
}

/// The one cell that says a contact opted out of marketing.
pub(super) const fn opted_out(theme: &Theme) -> &'static str {
    match theme.glyphs {
        Glyphs::Unicode => "⊘",
        Glyphs::Ascii => "O",
    }
}

/// A sign that the help explains, in two cells, with its colour.
pub(super) fn sign(sign: Sign, theme: &Theme) -> (Style, String) {
    match sign {
        Sign::Of(mark) => slot(mark, theme),
        Sign::Failed => (theme.failure, format!("{} ", failed(theme))),
        Sign::OptedOut => (theme.held, format!("{} ", opted_out(theme))),
        Sign::Letter(letter) => (theme.plain, format!("{letter} ")),
    }
}

/// The mark of a selected row.
pub(super) const fn pointer(theme: &Theme) -> &'static str {
    match theme.glyphs {
        Glyphs::Unicode => "▸",
        Glyphs::Ascii => ">",
    }
}

/// A full and an empty cell of the window's bar.
pub(super) const fn gauge(theme: &Theme) -> (&'static str, &'static str) {
    match (theme.glyphs, theme.borders) {
        (Glyphs::Unicode, Borders::Lines) => ("█", "░"),
        _ => ("#", "."),
    }
}

/// A chart with a column for each count, the highest one full.
pub(super) fn chart(counts: &[u32], theme: &Theme) -> String {
    let levels = match (theme.glyphs, theme.borders) {
        (Glyphs::Unicode, Borders::Lines) => ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        _ => ["_", ".", "-", "=", "+", "*", "%", "#"],
    };
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let level = |count: &u32| {
        // Whatever is not nothing rises above the ground.
        let level = (u64::from(*count) * 7).div_ceil(u64::from(most));
        levels.get(usize::try_from(level).unwrap_or(0)).copied().unwrap_or_default()
    };
    counts.iter().map(level).collect()
}

/// The characters of a frame: horizontal, vertical, and the corners from the top left clockwise.
pub(super) const fn frame(theme: &Theme) -> [&'static str; 6] {
    match theme.borders {
        Borders::Lines => ["─", "│", "╭", "╮", "╯", "╰"],
        Borders::Ascii => ["-", "|", "+", "+", "+", "+"],
    }
}

#[cfg(test)]
mod tests {
    use super::{chart, pointer, slot};
    use crate::app::rows::Mark;
    use crate::domain::state::State;
    use crate::domain::text;
    use crate::ui::{Borders, Colours, Glyphs, Theme};

    #[test]
    fn a_chart_shows_every_request_and_its_peak() {
        let lines = Theme::new(Colours::None, Borders::Lines, Glyphs::Unicode);
        assert_eq!(chart(&[0, 1, 350, 700], &lines), "▁▂▅█");
        assert_eq!(chart(&[0, 0], &lines), "▁▁");
        assert_eq!(chart(&[2], &lines), "█");
        let ascii = Theme::new(Colours::None, Borders::Ascii, Glyphs::Ascii);
        assert_eq!(chart(&[0, 1, 2, 7, u32::MAX], &ascii), "_...#");
    }

    #[test]
    fn every_slot_is_two_cells_and_told_apart_without_colour() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme::new(Colours::None, Borders::Ascii, glyphs);
            let mut seen = Vec::new();
            let outbound = State::ALL.into_iter().filter(|state| *state != State::Received);
            let marks = outbound.map(Mark::Outbound).chain([
                Mark::Inbound,
                Mark::Retry(2),
                Mark::Retry(40),
            ]);
            for mark in marks {
                let (style, glyph) = slot(mark, &theme);
                assert_eq!(text::width(&glyph), 2, "{mark:?}");
                assert!(!glyph.contains(['\u{fe0e}', '\u{fe0f}']));
                let look = (glyph, style.add_modifier);
                assert!(!seen.contains(&look), "{mark:?} looks like another: {look:?}");
                seen.push(look);
            }
            assert_eq!(text::width(pointer(&theme)), 1);
        }
    }
}
