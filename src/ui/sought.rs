//! The words that are looked for, where they stand in a text.

/// What is looked for, as the search reads it: words, whatever their case, the last one as the beginning of one.
pub(super) struct Sought(Vec<Vec<char>>);

impl Sought {
    pub(super) fn new(text: &str) -> Self {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Self(words.map(|word| word.chars().flat_map(char::to_lowercase).collect()).collect())
    }

    /// The text in parts, and whether each is a place where a word that is looked for begins.
    pub(super) fn parts<'t>(&self, text: &'t str) -> Vec<(&'t str, bool)> {
        let (mut parts, mut from, mut inside) = (Vec::new(), 0, false);
        if self.0.is_empty() {
            return vec![(text, false)];
        }
        for (at, c) in text.char_indices() {
            let begins = !std::mem::replace(&mut inside, c.is_alphanumeric());
            if !begins || at < from {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let longest = self.0.iter().filter_map(|word| beginning(rest, word)).max();
            if let Some(length) = longest {
                parts.push((text.get(from..at).unwrap_or_default(), false));
                parts.push((rest.get(..length).unwrap_or_default(), true));
                from = at + length;
            }
        }
        parts.push((text.get(from..).unwrap_or_default(), false));
        parts.retain(|(part, _)| !part.is_empty());
        parts
    }
}

/// The bytes of the text that are the word, if it begins with it.
fn beginning(text: &str, word: &[char]) -> Option<usize> {
    let mut wanted = word.iter();
    for (at, c) in text.char_indices() {
        if wanted.as_slice().is_empty() {
            return Some(at);
        }
        if !c.to_lowercase().all(|c| wanted.next() == Some(&c)) {
            return None;
        }
    }
    wanted.as_slice().is_empty().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::Sought;

    #[test]
    fn words_are_marked_where_they_begin_whatever_their_case() {
        let marked = |sought: &str, text: &str| {
            let parts = Sought::new(sought).parts(text);
            assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), text);
            let found = parts.into_iter().filter(|(_, is_found)| *is_found);
            found.map(|(part, _)| part.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(marked("azul", "O AZUL, azulado e lazuli."), ["AZUL", "azul"]);
        assert_eq!(marked("modelo azul", "modelo azul"), ["modelo", "azul"]);
        assert_eq!(marked("caf\u{e9}", "Caf\u{c9}!"), ["Caf\u{c9}"]);
        assert_eq!(marked("", "nothing"), [""; 0]);
        assert_eq!(marked("\u{30e2}\u{30c7}", "\u{30e2}\u{30c7}\u{30eb}"), ["\u{30e2}\u{30c7}"]);
    }
}
