//! What a command ends with when it cannot do its work: a kind that decides the exit code, a message that
//! names the value and the place, the causes below it, and a hint that says what to do next.
//!
//! Layers below have error enums of their own; the shell turns them into this one.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of ending that scripts tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The work was tried and failed.
    Failed,
    /// The command line or the config is wrong.
    Usage,
    /// Nothing matched, or only part was done.
    Partial,
    /// The outcome is not known: the wait ran out, or a message is uncertain.
    Unknown,
    /// A part of the program itself failed.
    Panic,
    /// The person or a signal interrupted it.
    Interrupted,
    /// Whoever read our output went away; not worth a word.
    BrokenPipe,
}

impl Kind {
    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Unknown => 4,
            Self::Panic => 101,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command ended without doing all its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub kind: Kind,
    /// What failed, with the value and the place.
    pub message: String,
    /// What lay behind it, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// The work was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line or the config is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds `cause` and everything it names as its own source.
    #[must_use]
    pub fn because(mut self, cause: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Writing to stdout: a reader that went away is no failure.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::BrokenPipe, "the reader of the output went away");
        }
        Self::failed("cannot write the output").because(&error)
    }
}

/// As stderr shows it: the message, the causes that say something new, the hint.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        let mut said = self.message.as_str();
        for cause in &self.causes {
            if !said.contains(cause.as_str()) {
                write!(f, "\n  caused by: {cause}")?;
            }
            said = cause;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::{Error, Kind};

    #[test]
    fn text_has_message_causes_and_hint_and_says_nothing_twice() {
        let io = std::io::Error::other("no space left on device");
        let error = Error::failed("cannot open /data/twoticks.db").because(&io).hint("free space");
        assert_eq!(
            error.to_string(),
            "error: cannot open /data/twoticks.db\n  caused by: no space left on device\n  \
             hint: free space"
        );
        let same = Error::failed("x: no space left on device").because(&io);
        assert_eq!(same.to_string(), "error: x: no space left on device");
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let codes = [
            (Kind::BrokenPipe, 0),
            (Kind::Failed, 1),
            (Kind::Usage, 2),
            (Kind::Partial, 3),
            (Kind::Unknown, 4),
            (Kind::Panic, 101),
            (Kind::Interrupted, 130),
        ];
        for (kind, code) in codes {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn a_broken_pipe_is_no_failure() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(error.kind, Kind::BrokenPipe);
    }
}
