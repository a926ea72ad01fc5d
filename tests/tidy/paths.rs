//! Every path that a file names, made absolute: `use` trees, `super` chains and calls alike.

use super::source::Source;

/// A path with the line it is on. The crate's own begin with `crate`.
pub type Named = (usize, Vec<String>);

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Colons,
    Other(char),
}

/// The paths in the code that is no test.
pub fn paths(source: &Source) -> Vec<Named> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = matches!(tokens[at].1, Token::Word(_))
            && tokens.get(at + 1).is_some_and(|(_, next)| *next == Token::Colons);
        if begins {
            at = tree(&tokens, at, None, &module(&source.path), &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// The module that a file is, from `crate`.
fn module(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let names = inner.split('/').filter(|name| !matches!(*name, "mod" | "lib" | "main"));
    std::iter::once("crate").chain(names).map(str::to_owned).collect()
}

/// Reads one path or tree from `at` on, below `above`, and gives where it ends.
fn tree(
    tokens: &[(usize, Token)],
    mut at: usize,
    above: Option<&[String]>,
    module: &[String],
    found: &mut Vec<Named>,
) -> usize {
    let mut path: Vec<String> = above.unwrap_or_default().to_vec();
    let first = path.is_empty();
    while let Some((line, token)) = tokens.get(at) {
        match token {
            Token::Word(word) => {
                match (word.as_str(), first) {
                    ("super", _) => {
                        if path.is_empty() {
                            path = module.to_vec();
                        }
                        path.pop();
                    }
                    ("self", true) if path.is_empty() => path = module.to_vec(),
                    ("self", _) => {}
                    (word, _) => path.push(word.to_owned()),
                }
                if tokens.get(at + 1).is_some_and(|(_, next)| *next == Token::Colons) {
                    at += 2;
                } else {
                    found.push((*line, path));
                    return at + 1;
                }
            }
            Token::Other('{') => {
                at += 1;
                let is = |at: usize, end: char| {
                    tokens.get(at).is_none_or(|(_, token)| *token == Token::Other(end))
                };
                while !is(at, '}') {
                    at = tree(tokens, at, Some(&path), module, found);
                    // Over `as name`.
                    while !is(at, ',') && !is(at, '}') {
                        at += 1;
                    }
                    if is(at, ',') {
                        at += 1;
                    }
                }
                return at + 1;
            }
            // A glob, a generic argument, a macro's end.
            Token::Colons | Token::Other(_) => {
                found.push((*line, path));
                return at;
            }
        }
    }
    at
}

fn tokens(source: &Source) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    for (line, code) in source.lines(false) {
        let mut rest = code;
        while let Some(char) = rest.chars().next() {
            let is_word = |char: char| char.is_alphanumeric() || char == '_';
            let (token, length) = if is_word(char) {
                let end = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), end)
            } else if rest.starts_with("::") {
                (Token::Colons, 2)
            } else {
                (Token::Other(char), char.len_utf8())
            };
            if !char.is_whitespace() {
                tokens.push((line, token));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

#[test]
fn paths_are_found_wherever_they_hide() {
    let source = Source::new(
        "src/ui/chat.rs",
        "use crate::domain::{self, id::{A, B}, text as t};\nuse super::super::store::Store;\nuse super::{theme, super::api::x};\nfn f() { crate::term::go::<u8>(); std::fs::read(self::q::r()) }\npub(crate) fn g() {}\n#[cfg(test)]\nuse crate::sim::x;\n",
    );
    let found: Vec<String> = paths(&source)
        .into_iter()
        .map(|(line, path)| format!("{line} {}", path.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "1 crate::domain",
            "1 crate::domain::id::A",
            "1 crate::domain::id::B",
            "1 crate::domain::text",
            "2 crate::store::Store",
            "3 crate::ui::theme",
            "3 crate::api::x",
            "4 crate::term::go",
            "4 std::fs::read",
            "4 crate::ui::chat::q::r",
        ]
    );
}
