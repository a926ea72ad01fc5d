//! Breaking a body into lines.
//!
//! Breaks where Unicode's line breaking rules (UAX #14) allow, which is after spaces in most scripts and
//! between characters in Chinese and Japanese; a word longer than a line, such as a URL, breaks between
//! graphemes. A line never takes more columns than there are, and the lines joined are the text again but
//! for the spaces and line breaks between them.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::width::{grapheme_width, width};

/// The fewest columns that [`wrap`] works with: the widest single character takes three.
pub const MIN_COLUMNS: usize = 3;

/// One line of a wrapped text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes in the text, without the spaces it was broken at.
    pub range: Range<usize>,
    /// The columns it takes.
    pub width: usize,
}

/// Wraps sanitised text into lines of at most `columns`, of which there are taken to be at least
/// [`MIN_COLUMNS`]. Every `\n` begins a line, so that the empty text is one empty line. Spaces at the
/// start of a paragraph are kept, as its indentation.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<Line> {
    let columns = columns.max(MIN_COLUMNS);
    let mut lines = Vec::new();
    let mut at = 0;
    for paragraph in text.split('\n') {
        let taken = width(paragraph.trim_end_matches(is_space));
        if taken <= columns {
            let end = at + paragraph.trim_end_matches(is_space).len();
            lines.push(Line { range: at..end, width: taken });
        } else {
            let line = Line { range: at..at, width: 0 };
            Wrapping { columns, lines: &mut lines, line, gap: 0 }.paragraph(at, paragraph);
        }
        at += paragraph.len() + 1;
    }
    lines
}

/// Spaces at which a line may break and which may vanish there.
const fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\u{1680}' | '\u{2000}'..='\u{2006}' | '\u{2008}'..='\u{200a}' | '\u{205f}' | '\u{3000}')
}

struct Wrapping<'a> {
    columns: usize,
    lines: &'a mut Vec<Line>,
    /// The line under way, up to its last word.
    line: Line,
    /// Columns of the spaces after its last word.
    gap: usize,
}

impl Wrapping<'_> {
    fn paragraph(mut self, start: usize, paragraph: &str) {
        let mut from = 0;
        for (to, _) in unicode_linebreak::linebreaks(paragraph) {
            let Some(segment) = paragraph.get(from..to) else { continue };
            self.segment(start + from, segment);
            from = to;
        }
        self.lines.push(self.line);
    }

    /// A word with the spaces after it.
    fn segment(&mut self, at: usize, segment: &str) {
        let word = segment.trim_end_matches(is_space);
        let spaces = segment.get(word.len()..).unwrap_or_default();
        let taken = width(word);
        if self.line.width + self.gap + taken > self.columns {
            self.break_before(at);
        }
        if taken > self.columns {
            for (offset, grapheme) in word.grapheme_indices(true) {
                self.piece(at + offset, grapheme);
            }
        } else if !word.is_empty() {
            self.append(at + word.len(), taken);
        }
        self.gap += width(spaces);
    }

    /// A grapheme, or where it is wider than any line, each of its characters.
    fn piece(&mut self, at: usize, piece: &str) {
        let taken = grapheme_width(piece);
        if taken > self.columns && piece.chars().count() > 1 {
            let mut buffer = [0; 4];
            for (offset, char) in piece.char_indices() {
                self.piece(at + offset, char.encode_utf8(&mut buffer));
            }
            return;
        }
        if self.line.width + self.gap + taken > self.columns {
            self.break_before(at);
        }
        self.append(at + piece.len(), taken);
    }

    const fn append(&mut self, end: usize, taken: usize) {
        self.line.width += self.gap + taken;
        self.line.range.end = end;
        self.gap = 0;
    }

    fn break_before(&mut self, at: usize) {
        let next = Line { range: at..at, width: 0 };
        let done = std::mem::replace(&mut self.line, next);
        // Indentation wider than the line is all there was.
        if !done.range.is_empty() {
            self.lines.push(done);
        }
        self.gap = 0;
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a range that is wrong has to fail")]
mod tests {
    use proptest::prelude::*;

    use super::{MIN_COLUMNS, is_space, wrap};
    use crate::domain::text::{display_safe_multiline, width};

    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines: Vec<&str> =
            wrap(text, columns).into_iter().map(|line| &text[line.range]).collect();
        assert_eq!(lines, expected, "{text:?} at {columns}");
    }

    #[test]
    fn words_wrap_at_spaces() {
        check("", 10, &[""]);
        check("one two three", 7, &["one two", "three"]);
        check("one two three", 13, &["one two three"]);
        check("one  two   ", 5, &["one", "two"]);
        check("a b\n\nc", 10, &["a b", "", "c"]);
        check("a\n", 10, &["a", ""]);
        check("   indented text", 11, &["   indented", "text"]);
        check("            x", 5, &["x"]);
        check("well-known", 6, &["well-", "known"]);
        check("no\u{a0}break here", 8, &["no\u{a0}break", "here"]);
    }

    #[test]
    fn long_words_break_between_graphemes() {
        check("abcdefgh", 3, &["abc", "def", "gh"]);
        check("see abcdefgh", 5, &["see", "abcde", "fgh"]);
        check("abcdefgh ij", 5, &["abcde", "fgh", "ij"]);
        check("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 5, &["👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]);
        check("https://example.com/a/long/path", 20, &["https://example.com/", "a/long/path"]);
    }

    #[test]
    fn east_asian_text_wraps_without_spaces() {
        check("你好世界你好", 5, &["你好", "世界", "你好"]);
        check("你好。世界", 4, &["你", "好。", "世界"]);
        check("日本語です", 6, &["日本語", "です"]);
    }

    #[test]
    fn fewer_columns_than_a_character_takes_count_as_enough() {
        for columns in 0..=MIN_COLUMNS {
            check("中a", columns, &["中a"]);
        }
    }

    fn holds_the_laws(text: &str, columns: usize) {
        let mut end = 0;
        for line in wrap(text, columns) {
            let gap = &text[end..line.range.start];
            assert!(gap.chars().all(|char| char == '\n' || is_space(char)), "{gap:?} left out");
            let shown = &text[line.range.clone()];
            assert!(!shown.contains('\n'));
            assert_eq!(width(shown), line.width, "{shown:?}");
            assert!(line.width <= columns, "{shown:?} in {columns}");
            end = line.range.end;
        }
        assert!(text[end..].chars().all(is_space));
    }

    proptest! {
        #[test]
        fn lines_fit_and_join_to_the_text(text in "(?s).{0,200}", columns in MIN_COLUMNS..60) {
            holds_the_laws(&display_safe_multiline(&text), columns);
        }

        #[test]
        fn lines_fit_whatever_the_script(
            text in "([a-z]{1,12}|[ \\n]{1,3}|[中文、。]{1,9}|[क-ह][ा-्]{0,3}|[\u{1100}-\u{11ff}]{1,5}|👍🏽|👨‍👩‍👧|🇧🇷|e\u{301}|ｶﾞ|[א-ת]{1,6}){0,30}",
            columns in MIN_COLUMNS..30,
        ) {
            holds_the_laws(&display_safe_multiline(&text), columns);
        }
    }
}
