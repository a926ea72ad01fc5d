//! The sanitiser: no text from outside can drive the terminal, hide itself or reorder its line.
//!
//! Controls become a visible U+FFFD, so that an escape sequence is inert and its attempt shows. Format
//! characters and other invisible ones are dropped, bidi overrides among them; what remains of them are
//! the joiners and variation selectors inside emoji, and the three flags made of tags. At most
//! [`EXTENDERS_MAX`] marks stay on one base. Both functions are idempotent.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Marks, joiners and selectors kept per base. The longest emoji in use, a family of four with skin
/// tones, takes seven.
const EXTENDERS_MAX: u8 = 8;

const ZWJ: char = '\u{200d}';
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// What follows the black flag in the flags of England, Scotland and Wales.
const TAG_FLAGS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Makes text safe for a single line: names, file names, usernames, previews, error words. Line breaks
/// and tabs become a space.
#[must_use]
pub fn display_safe(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    sanitise(text, Breaks { line: " ", tab: " " })
}

/// Makes a body safe: like [`display_safe`], but line breaks of every kind become `\n`, and a tab four
/// spaces.
#[must_use]
pub fn display_safe_multiline(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| is_plain(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    sanitise(text, Breaks { line: "\n", tab: "    " })
}

/// A phone number or user id for logs and talk that others may read: enough to tell two apart, too
/// little to write to.
#[must_use]
pub fn shorten_number(number: &str) -> String {
    let kept: Vec<char> = number.chars().filter(char::is_ascii_alphanumeric).collect();
    match kept.as_slice() {
        // Of a short one, six characters would be nearly all.
        [first, second, .., a, b, c, d] if kept.len() >= 9 => {
            let plus = if kept.iter().all(char::is_ascii_digit) { "+" } else { "" };
            format!("{plus}{first}{second}…{a}{b}{c}{d}")
        }
        _ => "…".to_owned(),
    }
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// What stands for a line break and for a tab.
#[derive(Clone, Copy)]
struct Breaks {
    line: &'static str,
    tab: &'static str,
}

/// What has been kept of the grapheme under way.
struct Cluster {
    /// Its latest base; NUL at the start of the text or of a line.
    base: char,
    /// Marks, joiners and selectors so far.
    extenders: u8,
    /// The latest character was the base itself.
    at_base: bool,
    /// Nothing but a selector or skin tone has followed the base: a joiner may come.
    joinable: bool,
    /// The latest character was a joiner: the next base belongs to the same grapheme.
    joined: bool,
}

impl Cluster {
    /// Nothing to extend: a mark in this place would sit on whatever the screen has before the text.
    const NONE: Self = Self {
        base: '\0',
        extenders: EXTENDERS_MAX,
        at_base: false,
        joinable: false,
        joined: false,
    };

    /// Takes in `char`, or answers false if it has to be dropped.
    fn takes(&mut self, char: char, next: Option<char>) -> bool {
        match char {
            ZWJ => {
                let joins = self.joinable
                    && next.is_some_and(is_pictograph)
                    && is_pictograph(self.base)
                    && self.extend(true);
                self.joined |= joins;
                joins
            }
            TEXT_STYLE | EMOJI_STYLE => {
                let styles = (next == Some(KEYCAP) && matches!(self.base, '0'..='9' | '#' | '*'))
                    || is_pictograph(self.base);
                self.at_base && styles && self.extend(true)
            }
            _ if is_invisible(char) => false,
            _ if is_mark(char) => self.extend(is_skin_tone(char)),
            _ => {
                self.begin(char);
                true
            }
        }
    }

    const fn begin(&mut self, base: char) {
        let extenders = if self.joined { self.extenders } else { 0 };
        *self = Self { base, extenders, at_base: true, joinable: true, joined: false };
    }

    const fn extend(&mut self, keeps_joinable: bool) -> bool {
        if self.extenders >= EXTENDERS_MAX {
            return false;
        }
        self.extenders += 1;
        self.at_base = false;
        self.joinable = self.joinable && keeps_joinable;
        true
    }
}

const fn is_skin_tone(char: char) -> bool {
    matches!(char, '\u{1f3fb}'..='\u{1f3ff}')
}

fn sanitise(text: &str, breaks: Breaks) -> Cow<'_, str> {
    let mut safe = String::new();
    // Bytes before this one are in `safe` or were left out.
    let mut copied = 0;
    let mut flag_end = 0;
    let mut cluster = Cluster::NONE;
    let mut rest = text.char_indices();
    while let Some((at, char)) = rest.next() {
        let tail = rest.as_str();
        let stands_for = match char {
            _ if at < flag_end => continue,
            '\r' if tail.starts_with('\n') => "",
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
                cluster = Cluster::NONE;
                breaks.line
            }
            '\t' => {
                cluster.begin(' ');
                breaks.tab
            }
            _ if char.is_control() => {
                cluster.begin(char::REPLACEMENT_CHARACTER);
                "\u{fffd}"
            }
            '\u{1f3f4}' if tail.starts_with('\u{e0067}') => {
                cluster.begin(char);
                if let Some(tags) = TAG_FLAGS.into_iter().find(|tags| tail.starts_with(tags)) {
                    flag_end = at + char.len_utf8() + tags.len();
                    cluster.extenders = EXTENDERS_MAX;
                }
                continue;
            }
            _ if cluster.takes(char, tail.chars().next()) => continue,
            _ => "",
        };
        if stands_for != text.get(at..at + char.len_utf8()).unwrap_or_default() {
            safe.push_str(text.get(copied..at).unwrap_or_default());
            safe.push_str(stands_for);
            copied = at + char.len_utf8();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    safe.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(safe)
}

/// Format characters (general category Cf) and the other code points that Unicode calls ignorable by
/// default, fillers among them. The emoji's joiner and selectors are too; [`Cluster::takes`] has looked
/// at those before.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether `char` joins the grapheme before it: accents, vowel signs, skin tones and the like.
fn is_mark(char: char) -> bool {
    if char < '\u{300}' {
        return false;
    }
    // Elsewhere a mark has no width.
    let may_take_a_column = matches!(
        char,
        '\u{900}'..='\u{1cff}'
            | '\u{2d7f}'
            | '\u{302a}'..='\u{302f}'
            | '\u{a800}'..='\u{abff}'
            | '\u{ff9e}'..='\u{ff9f}'
            | '\u{11000}'..='\u{16fff}'
            | '\u{1d100}'..='\u{1d1ff}'
            | '\u{1f3fb}'..='\u{1f3ff}'
    );
    char.width() == Some(0) || may_take_a_column && is_one_grapheme(&['a', char])
}

/// Whether `char` is a pictograph, which may be joined to another and have a selector: Unicode's rule
/// GB11 of text segmentation is what tells.
fn is_pictograph(char: char) -> bool {
    !char.is_ascii() && !is_mark(char) && is_one_grapheme(&[char, ZWJ, char])
}

fn is_one_grapheme(chars: &[char]) -> bool {
    chars.iter().collect::<String>().graphemes(true).count() == 1
}

/// Text for a cell of a table: what a spreadsheet would take for a formula is marked as text.
#[must_use]
pub fn cell_safe(text: &str) -> String {
    let text = display_safe_multiline(text);
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.into_owned() }
}

#[cfg(test)]
mod tests;
