//! Variables in a text: what stands in double braces.

use super::ParameterFormat;

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it is.
    Plain(&'a str),
    /// A variable, by its number or name without the braces.
    Variable(&'a str),
}

/// A text in order, cut at its variables. Braces around anything but letters, digits and underscores are
/// plain text.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut plain = 0;
    // `plain` bytes at the start of `rest` were looked at and are plain.
    while let Some((before, variable, after)) = next(rest, plain) {
        match variable {
            Some(variable) => {
                if !before.is_empty() {
                    pieces.push(Piece::Plain(before));
                }
                pieces.push(Piece::Variable(variable));
                rest = after;
                plain = 0;
            }
            None => plain = before.len() + 1,
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest));
    }
    pieces
}

/// The text before the next double brace at or after `from`, the variable in it if it is one, and the rest.
fn next(text: &str, from: usize) -> Option<(&str, Option<&str>, &str)> {
    let start = from + text.get(from..)?.find("{{")?;
    let (before, braces) = text.split_at_checked(start)?;
    let inside = braces.strip_prefix("{{")?;
    let variable = inside.split_once("}}").and_then(|(name, after)| {
        let name = name.trim();
        is_name(name).then_some((name, after))
    });
    Some(match variable {
        Some((name, after)) => (before, Some(name), after),
        None => (before, None, inside),
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The variables of a text, each once, in the order in which Meta takes their values: by number, or as they
/// stand in the text.
#[must_use]
pub fn variables(text: &str, format: ParameterFormat) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Variable(variable) = piece
            && !found.contains(&variable)
        {
            found.push(variable);
        }
    }
    if format == ParameterFormat::Positional {
        found.sort_by_key(|variable| variable.parse::<u32>().unwrap_or(u32::MAX));
    }
    found
}
