//! What `doctor` found out about the parts of the set-up.

/// How a part of the set-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Right,
    /// It works, and there is something to know.
    Note,
    /// Something has to be done.
    Wrong,
}

impl Verdict {
    /// The word in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Note => "note",
            Self::Wrong => "wrong",
        }
    }

    /// The word for a person.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// What was found out about one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The part.
    pub check: &'static str,
    /// The account it is about, if it is about one.
    pub account: Option<String>,
    /// How it is.
    pub verdict: Verdict,
    /// What is so; unsanitised.
    pub says: String,
    /// What to do about it; unsanitised.
    pub remedy: Option<String>,
}

impl Finding {
    /// What is so, with the account it is about in front.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.account {
            Some(account) => format!("{account}: {}", self.says),
            None => self.says.clone(),
        }
    }

    /// `token         WRONG  shop: it has expired`, and the remedy on a line of its own; unsanitised.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let first = format!("{:<13} {:<6} {}", self.check, self.verdict.word(), self.words());
        let remedy = self.remedy.iter().map(|remedy| format!("{:<13} {:<6} {remedy}", "", "do"));
        std::iter::once(first).chain(remedy).collect()
    }
}
