//! What a contact wants of marketing messages, and how that became known. The newest wish counts; of two
//! said at the same time, the one against.

use super::time::Timestamp;

/// A wish, said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// When, by Meta's time, or by ours for what was decided here.
    pub at: Timestamp,
    /// No more marketing; false when it is welcome again.
    pub stop: bool,
    /// How it became known.
    pub how: How,
}

/// How a wish became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The contact chose it in WhatsApp (Meta's `user_preferences` webhook).
    Chosen,
    /// The contact wrote this word of the config's lists, unsanitised.
    Wrote(String),
    /// Meta refused a template because of it (131050).
    Refused,
    /// This person decided it here, unsanitised.
    Decided(String),
}

/// The words that stop and allow marketing when they are all of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords {
    /// These stop it.
    pub stop: Vec<String>,
    /// These allow it again.
    pub allow: Vec<String>,
}

impl Keywords {
    /// Whether a text is one of the words, whatever its case and the space around it: `Some(true)` for those
    /// that stop.
    #[must_use]
    pub fn meant(&self, text: &str) -> Option<bool> {
        let folded = fold(text);
        let among = |words: &[String]| words.iter().any(|word| fold(word) == folded);
        if folded.is_empty() {
            None
        } else if among(&self.stop) {
            Some(true)
        } else {
            among(&self.allow).then_some(false)
        }
    }
}

/// A text without the differences that do not matter. Upper case first, so that ß is SS.
#[must_use]
pub fn fold(text: &str) -> String {
    text.trim().to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::Keywords;

    #[test]
    fn a_keyword_is_all_of_the_text_in_any_case() {
        let words = Keywords {
            stop: vec!["STOP".to_owned(), "Não quero".to_owned(), "Schluß".to_owned()],
            allow: vec!["START".to_owned()],
        };
        for text in ["stop", " Stop\n", "NÃO QUERO", "SCHLUSS"] {
            assert_eq!(words.meant(text), Some(true), "{text:?}");
        }
        assert_eq!(words.meant("Start"), Some(false));
        for text in ["", "  ", "please stop", "stop it", "stopp", "STOP."] {
            assert_eq!(words.meant(text), None, "{text:?}");
        }
        assert_eq!(Keywords::default().meant(""), None);
    }
}
