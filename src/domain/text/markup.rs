//! WhatsApp's own markup: `*bold*`, `_italic_`, `~strike~`, `` `code` `` and blocks in three backticks.
//!
//! A mark opens after the start, a space or punctuation and before something that is no space; it closes
//! the other way round, on the same line. Only a block of code spans lines, and inside code nothing else
//! counts. What does not pair up is plain text: `2*3*4` and `snake_case_name` stay as they are. The spans
//! tile the text, so that a screen may dim the marks or leave them out.

use std::ops::{BitOr, Range};

/// How a span looks: any mix of the constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Markup(u8);

impl Markup {
    /// As the rest of the message.
    pub const PLAIN: Self = Self(0);
    /// `*bold*`
    pub const BOLD: Self = Self(1);
    /// `_italic_`
    pub const ITALIC: Self = Self(2);
    /// `~strike~`
    pub const STRIKE: Self = Self(4);
    /// `` `code` `` and code blocks.
    pub const MONO: Self = Self(8);
    /// The marks themselves, which WhatsApp does not show.
    pub const MARK: Self = Self(16);

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Markup {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A part of a text with one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its bytes.
    pub range: Range<usize>,
    /// Its look.
    pub markup: Markup,
}

/// Reads the markup of a body. The spans follow each other without a gap, none is empty.
#[must_use]
pub fn markup(text: &str) -> Vec<Span> {
    let mut parser = Parser { text, spans: Vec::new(), hopeless: [0; MARKS.len()] };
    parser.parse(0..text.len(), Markup::PLAIN);
    parser.spans
}

struct Mark {
    token: &'static str,
    markup: Markup,
    /// The block may span lines.
    lines: bool,
    /// Nothing inside counts as markup.
    literal: bool,
}

const MARKS: [Mark; 5] = [
    Mark { token: "```", markup: Markup::MONO, lines: true, literal: true },
    Mark { token: "`", markup: Markup::MONO, lines: false, literal: true },
    Mark { token: "*", markup: Markup::BOLD, lines: false, literal: false },
    Mark { token: "_", markup: Markup::ITALIC, lines: false, literal: false },
    Mark { token: "~", markup: Markup::STRIKE, lines: false, literal: false },
];

struct Parser<'a> {
    text: &'a str,
    spans: Vec<Span>,
    /// Per mark, up to where nothing closes it: what was looked for in vain is not looked for again,
    /// which keeps the time linear.
    hopeless: [usize; MARKS.len()],
}

impl Parser<'_> {
    fn parse(&mut self, range: Range<usize>, outer: Markup) {
        let mut plain = range.start;
        let mut at = range.start;
        while at < range.end {
            let Some((mark, end)) = self.pair_at(at, range.end, outer) else {
                at += self.after(at).map_or(1, char::len_utf8);
                continue;
            };
            let inner = at + mark.token.len()..end;
            let look = outer | mark.markup;
            self.push(plain..at, outer);
            self.push(at..inner.start, look | Markup::MARK);
            if mark.literal {
                self.push(inner, look);
            } else {
                self.parse(inner, look);
            }
            at = end + mark.token.len();
            self.push(end..at, look | Markup::MARK);
            plain = at;
        }
        self.push(plain..range.end, outer);
    }

    /// The mark that opens at `at`, and where it closes.
    fn pair_at(&mut self, at: usize, end: usize, outer: Markup) -> Option<(&'static Mark, usize)> {
        let rest = self.text.get(at..end)?;
        let (index, mark) =
            MARKS.iter().enumerate().find(|(_, mark)| rest.starts_with(mark.token))?;
        let from = at + mark.token.len();
        if outer.contains(mark.markup) || at < self.hopeless[index] || !self.opens(mark, at, from) {
            return None;
        }
        let inner = self.text.get(from..end)?;
        let inner = if mark.lines { inner } else { inner.split('\n').next()? };
        let close = inner
            .match_indices(mark.token)
            .map(|(offset, _)| from + offset)
            .find(|close| *close > from && self.closes(mark, *close));
        if close.is_none() {
            self.hopeless[index] = from + inner.len();
        }
        Some((mark, close?))
    }

    fn opens(&self, mark: &Mark, at: usize, from: usize) -> bool {
        let outside = mark.lines || !self.before(at).is_some_and(char::is_alphanumeric);
        outside
            && self.after(from).is_some_and(|next| {
                mark.lines || !next.is_whitespace() && !mark.token.starts_with(next)
            })
    }

    fn closes(&self, mark: &Mark, at: usize) -> bool {
        mark.lines
            || !self.before(at).is_some_and(char::is_whitespace)
                && !self.after(at + mark.token.len()).is_some_and(char::is_alphanumeric)
    }

    fn before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    fn after(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn push(&mut self, range: Range<usize>, markup: Markup) {
        if !range.is_empty() {
            self.spans.push(Span { range, markup });
        }
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a range that is wrong has to fail")]
mod tests {
    use proptest::prelude::*;

    use super::{Markup, Span, markup};

    /// Writes the spans as `<bi:text>`, marks as `[*]`, plain text bare.
    fn draw(text: &str) -> String {
        let looks = [
            (Markup::BOLD, 'b'),
            (Markup::ITALIC, 'i'),
            (Markup::STRIKE, 's'),
            (Markup::MONO, 'm'),
        ];
        let mut drawn = String::new();
        for Span { range, markup } in markup(text) {
            let part = &text[range];
            let look: String = looks
                .iter()
                .filter(|(bit, _)| markup.contains(*bit))
                .map(|(_, name)| name)
                .collect();
            if markup.contains(Markup::MARK) {
                drawn.extend(["[", part, "]"]);
            } else if look.is_empty() {
                drawn += part;
            } else {
                drawn.extend(["<", &look, ":", part, ">"]);
            }
        }
        drawn
    }

    #[test]
    fn reads_what_whatsapp_reads() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("*bold*", "[*]<b:bold>[*]"),
            ("a *b c* d", "a [*]<b:b c>[*] d"),
            ("_i_ ~s~", "[_]<i:i>[_] [~]<s:s>[~]"),
            ("*b _bi_ b*", "[*]<b:b >[_]<bi:bi>[_]<b: b>[*]"),
            ("(*b*), \"_i_\"!", "([*]<b:b>[*]), \"[_]<i:i>[_]\"!"),
            ("2*3*4", "2*3*4"),
            ("snake_case_name", "snake_case_name"),
            ("* b*", "* b*"),
            ("*b *", "*b *"),
            ("*b\nc*", "*b\nc*"),
            ("**", "**"),
            ("**b**", "*[*]<b:b>[*]*"),
            ("*a*b*", "[*]<b:a*b>[*]"),
            ("*open", "*open"),
            ("*a _b* c_", "[*]<b:a _b>[*] c_"),
            ("`*x*`", "[`]<m:*x*>[`]"),
            ("```a\n *b* ```", "[```]<m:a\n *b* >[```]"),
            ("```open", "```open"),
            ("*é*", "[*]<b:é>[*]"),
            ("*👍🏽*", "[*]<b:👍🏽>[*]"),
        ];
        for (text, drawn) in cases {
            assert_eq!(draw(text), drawn, "{text:?}");
        }
    }

    #[test]
    fn many_marks_without_partners_take_linear_time() {
        let text = " *a _b ~c `d ```".repeat(20_000);
        assert!(!markup(&text).is_empty());
    }

    proptest! {
        #[test]
        fn spans_tile_the_text(text in "([*_~`a \n.é]|```){0,60}") {
            let mut end = 0;
            for span in markup(&text) {
                prop_assert_eq!(span.range.start, end);
                prop_assert!(!text[span.range.clone()].is_empty());
                end = span.range.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
