//! The rules of texts: variables, their examples, what a line may hold.

use super::{Found, Part};
use crate::domain::template::{ParameterFormat, Piece, Text, pieces, variables};
use crate::domain::text::{Markup, markup};

/// Checks the variables of a text and their examples; returns how many there are.
pub(super) fn variables_of(
    part: Part,
    text: &Text,
    format: ParameterFormat,
    found: &mut Found,
) -> usize {
    for piece in pieces(&text.text) {
        if let Piece::Plain(plain) = piece
            && (plain.contains("{{") || plain.contains("}}"))
        {
            let wanted = match format {
                ParameterFormat::Positional => "write a variable as {{1}}",
                ParameterFormat::Named => "write a variable as {{first_name}}",
            };
            found.add(part, format!("it has double braces that hold no variable; {wanted}"));
        }
    }
    let names = variables(&text.text, format);
    match format {
        ParameterFormat::Positional => numbered(part, &names, found),
        ParameterFormat::Named => named(part, &names, found),
    }
    examples(part, text, &names, found);
    names.len()
}

fn numbered(part: Part, names: &[&str], found: &mut Found) {
    if let Some(name) = names.iter().find(|name| name.parse::<u32>().is_err()) {
        found.add(
            part,
            format!(
                "`{{{{{name}}}}}` is no number; number the variables, or set their format to NAMED"
            ),
        );
        return;
    }
    let wanted = (1..=names.len()).map(|number| number.to_string());
    if let Some((is, wanted)) =
        names.iter().zip(wanted).find(|(name, wanted)| **name != wanted.as_str())
    {
        found.add(
            part,
            format!(
                "`{{{{{is}}}}}` is out of turn: variables are numbered from 1 without a gap, so that \
                 one is `{{{{{wanted}}}}}`"
            ),
        );
    }
}

fn named(part: Part, names: &[&str], found: &mut Found) {
    for name in names {
        let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_plain {
            found.add(
                part,
                format!(
                    "`{{{{{name}}}}}` begins with a small letter and has small letters a to z, \
                     digits and underscores alone"
                ),
            );
        }
    }
}

/// Meta's reviewers want one for each variable.
fn examples(part: Part, text: &Text, names: &[&str], found: &mut Found) {
    for name in names {
        if text.example(name).is_none_or(|example| example.trim().is_empty()) {
            found.add(part, format!("`{{{{{name}}}}}` has no example; give one"));
        }
    }
    for example in &text.examples {
        if !names.contains(&example.variable.as_str()) {
            found.add(
                part,
                format!(
                    "there is an example for `{{{{{}}}}}`, which is not in it",
                    example.variable
                ),
            );
        }
    }
}

/// Variables stand neither at the start nor at the end (2388299), nor side by side.
pub(super) fn places(body: &str, found: &mut Found) {
    let pieces = pieces(body);
    let is_text =
        |piece: &Piece<'_>| matches!(piece, Piece::Plain(text) if !text.trim().is_empty());
    let is_variable = |piece: &Piece<'_>| matches!(piece, Piece::Variable(_));
    let words: Vec<&Piece<'_>> =
        pieces.iter().filter(|piece| is_text(piece) || is_variable(piece)).collect();
    if words.first().is_some_and(|first| is_variable(first)) {
        found.add(Part::Body, "it begins with a variable; put a word in front of it");
    }
    if words.len() > 1 && words.last().is_some_and(|last| is_variable(last)) {
        found.add(Part::Body, "it ends with a variable; put a word or a full stop after it");
    }
    let side_by_side = words.windows(2).find(|pair| pair.iter().all(|piece| is_variable(piece)));
    if let Some([Piece::Variable(first), Piece::Variable(second)]) = side_by_side {
        found.add(
            Part::Body,
            format!(
                "`{{{{{first}}}}}` and `{{{{{second}}}}}` stand side by side; put a word between them"
            ),
        );
    }
}

/// Too many variables for the words around them (2388293). Meta does not say how many words it wants; more
/// than two for each variable is what senders found.
pub(super) fn density(body: &str, variables: usize, found: &mut Found) {
    if variables == 0 {
        return;
    }
    let words: usize = pieces(body)
        .iter()
        .map(|piece| match piece {
            Piece::Plain(text) => text
                .split_whitespace()
                .filter(|word| word.chars().any(char::is_alphanumeric))
                .map(words_in)
                .sum(),
            Piece::Variable(_) => 0,
        })
        .sum();
    let wanted = 2 * variables + 1;
    if words < wanted {
        found.add(
            Part::Body,
            format!(
                "it has {} for {}, and Meta wants at least {wanted}; write more or fill in less",
                counted(words, "word"),
                counted(variables, "variable"),
            ),
        );
    }
}

/// `1 word`, `2 words`.
fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Scripts that write without spaces have about a word in two letters.
fn words_in(word: &str) -> usize {
    let unspaced = |c: &char| {
        matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
    };
    word.chars().filter(unspaced).count().div_ceil(2).max(1)
}

pub(super) fn single_line(part: Part, text: &str, found: &mut Found) {
    if text.contains(['\n', '\r', '\t']) {
        found.add(part, "it has a line break or a tab in it, which Meta takes in a body alone");
    }
}

pub(super) fn no_variables(part: Part, text: &str, found: &mut Found) {
    if text.contains("{{") {
        found.add(part, "it has a variable in it, which Meta does not take here");
    }
}

/// A header is shown bold as it is: Meta takes neither marks nor emojis in it (2388047).
pub(super) fn no_decoration(part: Part, text: &str, found: &mut Found) {
    let plain: String = pieces(text)
        .iter()
        .map(|piece| match piece {
            Piece::Plain(text) => text,
            Piece::Variable(_) => "x",
        })
        .collect();
    if plain.contains('*') || markup(&plain).iter().any(|span| span.markup != Markup::PLAIN) {
        found.add(part, "it has marks such as *bold* in it, which Meta does not take here");
    }
    if plain.chars().any(is_emoji) {
        found.add(part, "it has an emoji in it, which Meta does not take here");
    }
}

const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{fe0f}' | '\u{20e3}')
}
