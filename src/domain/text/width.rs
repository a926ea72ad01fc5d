//! Columns: how many a text takes, and making it take so many.
//!
//! Counted by grapheme, and as ratatui counts, so that what fits here fits there. Text is expected to be
//! sanitised: controls count as one column, but no terminal shows them so.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands for what was cut off; one column, except in terminals that draw ambiguous characters wide.
pub const ELLIPSIS: &str = "…";

/// Stands for what was cut off where such a terminal has to be reckoned with.
pub const ELLIPSIS_ASCII: &str = "~";

/// How many columns `text` takes on one line.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(grapheme_width).sum()
}

/// How many columns one grapheme takes.
pub(super) fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.len() == 1 {
        return 1;
    }
    // ratatui gives the halfwidth sound marks a column more than they take; less would overlap.
    let sound_marks = grapheme.matches(['\u{ff9e}', '\u{ff9f}']).count();
    grapheme.width() + sound_marks
}

/// What is left of a text without its first `columns`; what lies across the edge is left out whole.
#[must_use]
pub fn from_column(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if used >= columns {
            return text.get(at..).unwrap_or_default();
        }
        used += grapheme_width(grapheme);
    }
    ""
}

/// The parts of a text that a terminal keeps apart, each with the columns it takes: graphemes, except where
/// one is made of several characters of one column (a Devanagari syllable). To a terminal those are so many
/// cells, and whoever writes over the first of them has not cleared the others.
pub fn cells(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).flat_map(|grapheme| {
        let columns = grapheme_width(grapheme);
        let starts = if columns > 1 { starts(grapheme) } else { vec![0] };
        let ends: Vec<_> = starts.iter().skip(1).copied().chain([grapheme.len()]).collect();
        let whole = starts.len() == 1;
        starts.into_iter().zip(ends).filter_map(move |(start, end)| {
            let part = grapheme.get(start..end)?;
            Some((part, if whole { columns } else { 1 }))
        })
    })
}

/// Where the cells of a grapheme of several columns begin.
fn starts(grapheme: &str) -> Vec<usize> {
    let narrow = |c: char| char_width(c) < 2 && !is_symbol(c);
    if !grapheme.chars().all(narrow) {
        return vec![0];
    }
    let wide = grapheme.char_indices().filter(|(_, c)| char_width(*c) == 1);
    let starts: Vec<_> = wide.map(|(at, _)| at).collect();
    if starts.first() == Some(&0) && starts.len() == grapheme_width(grapheme) {
        starts
    } else {
        vec![0]
    }
}

/// Arrows, symbols and emoji, which join into one picture; regional indicators among them.
const fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}')
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Cuts `text` to at most `columns`, with an ellipsis if something was cut. Gives the columns taken,
/// which are fewer where a wide grapheme did not fit.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> (Cow<'_, str>, usize) {
    truncate_with(text, columns, ELLIPSIS)
}

/// [`truncate`] with another ellipsis of one column.
#[must_use]
pub fn truncate_with<'a>(text: &'a str, columns: usize, ellipsis: &str) -> (Cow<'a, str>, usize) {
    let whole = if text.is_ascii() { Some(text.len()) } else { None };
    if let Some(whole) = whole.filter(|whole| *whole <= columns) {
        return (Cow::Borrowed(text), whole);
    }
    let Some(room) = columns.checked_sub(1) else {
        return if width(text) == 0 { (Cow::Borrowed(text), 0) } else { (Cow::Borrowed(""), 0) };
    };
    let (mut end, mut kept, mut taken) = (0, 0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += grapheme_width(grapheme);
        if taken > columns {
            let cut = text.get(..end).unwrap_or_default();
            return (Cow::Owned(format!("{cut}{ellipsis}")), kept + 1);
        }
        if taken <= room {
            (end, kept) = (at + grapheme.len(), taken);
        }
    }
    (Cow::Borrowed(text), taken)
}

/// Makes `text` exactly `columns` wide: cut like [`truncate`], or filled with spaces on the right.
#[must_use]
pub fn pad(text: &str, columns: usize) -> Cow<'_, str> {
    let (cut, taken) = truncate(text, columns);
    if taken == columns {
        return cut;
    }
    let mut padded = cut.into_owned();
    padded.extend(std::iter::repeat_n(' ', columns - taken));
    Cow::Owned(padded)
}

/// Fills `text` with spaces on the right up to `columns`, and leaves it whole when it is wider: for lines that other
/// programs read.
#[must_use]
pub fn fill(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) < columns { pad(text, columns) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cells, fill, from_column, pad, truncate, width};
    use crate::domain::text::display_safe;

    #[test]
    fn what_other_programs_read_is_not_cut() {
        assert_eq!(fill("smb_message_echoes", 10), "smb_message_echoes");
        assert_eq!(fill("calls", 8), "calls   ");
    }

    #[test]
    fn graphemes_take_the_columns_that_terminals_give_them() {
        let cases = [
            ("", 0),
            ("hello", 5),
            ("é", 1),
            ("e\u{301}", 1),
            ("中文", 4),
            ("\u{ff21}", 2),
            ("❤\u{fe0f}", 2),
            ("❤", 1),
            ("☎\u{fe0e}", 1),
            ("👍🏽", 2),
            ("👨‍👩‍👧‍👦", 2),
            ("👩🏽‍❤\u{fe0f}‍💋‍👨🏽", 2),
            ("🇧🇷", 2),
            ("1\u{fe0f}\u{20e3}", 2),
            ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 2),
            ("각", 2),
            ("\u{1112}\u{1161}\u{11ab}", 2),
            ("שלום", 4),
            ("مرحبا", 5),
            ("สวัสดี", 4),
            ("✓✓", 2),
            ("\u{fffd}", 1),
        ];
        for (text, columns) in cases {
            assert_eq!(width(text), columns, "{text:?}");
        }
    }

    #[test]
    fn truncate_cuts_between_graphemes() {
        let cases = [
            ("hello", 5, "hello", 5),
            ("hello", 4, "hel…", 4),
            ("hello", 1, "…", 1),
            ("hello", 0, "", 0),
            ("", 0, "", 0),
            ("中文字", 6, "中文字", 6),
            ("中文字", 5, "中文…", 5),
            ("中文字", 4, "中…", 3),
            ("中", 1, "…", 1),
            ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3, "👨‍👩‍👧‍👦…", 3),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…", 2),
            ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}", 2),
        ];
        for (text, columns, cut, taken) in cases {
            assert_eq!(truncate(text, columns), (cut.into(), taken), "{text:?} at {columns}");
        }
    }

    #[test]
    fn cells_are_what_terminals_keep_apart() {
        let cases: [(&str, &[(&str, usize)]); 9] = [
            ("ab", &[("a", 1), ("b", 1)]),
            ("中", &[("中", 2)]),
            ("e\u{301}", &[("e\u{301}", 1)]),
            ("प्रिया", &[("प्", 1), ("र", 1), ("ि", 1), ("य", 1), ("ा", 1)]),
            ("👨‍👩‍👧‍👦", &[("👨‍👩‍👧‍👦", 2)]),
            ("🇧🇷", &[("🇧🇷", 2)]),
            ("❤\u{fe0f}", &[("❤\u{fe0f}", 2)]),
            ("1\u{fe0f}\u{20e3}", &[("1\u{fe0f}\u{20e3}", 2)]),
            ("ｶ\u{ff9e}", &[("ｶ\u{ff9e}", 3)]),
        ];
        for (text, expected) in cases {
            assert_eq!(cells(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn pad_fills_what_a_wide_grapheme_left() {
        assert_eq!(pad("中文字", 4), "中… ");
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(pad("abcd", 4), "abcd");
    }

    proptest! {
        #[test]
        fn cut_and_padded_text_has_the_width_it_should(text in ".*", columns in 0_usize..40) {
            let text = display_safe(&text);
            let (cut, taken) = truncate(&text, columns);
            prop_assert_eq!(width(&cut), taken);
            prop_assert!(taken <= columns);
            prop_assert_eq!(cut == text, width(&text) <= columns);
            prop_assert_eq!(width(&pad(&text, columns)), columns);
            prop_assert_eq!(cells(&text).map(|(_, columns)| columns).sum::<usize>(), width(&text));
            prop_assert_eq!(cells(&text).map(|(part, _)| part).collect::<String>(), text);
        }
    }

    #[test]
    fn what_is_left_of_a_text_begins_with_a_whole_cell() {
        assert_eq!(from_column("abcdef", 0), "abcdef");
        assert_eq!(from_column("abcdef", 4), "ef");
        assert_eq!(from_column("日本語", 1), "本語", "half of a wide one is left out");
        assert_eq!(from_column("abc", 9), "");
    }
}
