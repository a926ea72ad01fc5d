//! What Meta's error codes mean: one table for the sender, the screen and the docs.
//!
//! The code decides, then the subcode where Meta hides the real reason there, and the HTTP status only
//! for answers whose code nobody knows: Meta asks not to build on the status, and drops it from its own
//! pages. A code says the same thing in an answer and in a `failed` webhook. Classes follow the table of
//! message states: what is not listed as passing, as a limit, as unclear or as the account's trouble is
//! final.

mod table;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::table::rows;

use super::outbox::{ApiError, Outcome, Throttle};
use super::state::State;

/// What an error means for the message and for those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Surely not accepted, and it may pass in a moment. Uses up a try.
    Passing,
    /// Refused by a limit: waits, and uses up no try.
    Throttled(Throttle),
    /// No one can say whether the message was accepted.
    Ambiguous,
    /// The account cannot send at all until a person does something: nothing else is worth trying.
    Account,
    /// Final: the customer service window is closed.
    WindowClosed,
    /// Final: the person does not want such messages.
    OptedOut,
    /// Final: this person cannot or may not be reached.
    Recipient,
    /// Final: the template cannot be used, or not like this.
    Template,
    /// Final: the file cannot be had.
    Media,
    /// Final: the request was wrong, or about something that does not concern messages.
    Request,
}

/// What the sender does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conduct {
    /// Tries again, as often as the config says.
    Retries,
    /// Waits as long as the limit asks, without using up a try.
    Waits,
    /// Asks the person, since nobody knows whether the message was accepted.
    Asks,
    /// Gives the message up.
    Final,
    /// Stops the account and keeps its queue; tries one message now and then.
    StopsAccount,
}

impl Class {
    /// What the sender does about it when Meta refuses a request so. Of a message that Meta had accepted
    /// before it failed, nothing is tried again.
    #[must_use]
    pub const fn conduct(self) -> Conduct {
        match self {
            Self::Passing => Conduct::Retries,
            Self::Throttled(_) => Conduct::Waits,
            Self::Ambiguous => Conduct::Asks,
            Self::Account => Conduct::StopsAccount,
            Self::WindowClosed
            | Self::OptedOut
            | Self::Recipient
            | Self::Template
            | Self::Media
            | Self::Request => Conduct::Final,
        }
    }
}

/// What is known of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it means for the message.
    pub class: Class,
    /// What happened, in plain words; a sentence without a full stop.
    pub plain: &'static str,
    /// What a person can do about it; a sentence without a full stop.
    pub remedy: &'static str,
}

/// Explains an error. `http_status` is 0 where there was no HTTP answer, as in a webhook.
#[must_use]
pub fn lookup(code: Option<i64>, http_status: u16, subcode: Option<i64>) -> Entry {
    let known = code.and_then(|code| {
        subcode.and_then(|subcode| table::refined(code, subcode)).or_else(|| table::known(code))
    });
    known.unwrap_or_else(|| match code {
        Some(_) => unknown_code(http_status),
        None => no_code(http_status),
    })
}

/// Explains the error of a stored message, of which the code is known and what it came to: that tells how an
/// unknown code was taken.
#[must_use]
pub fn shown(code: i64, state: State) -> Entry {
    let http_status = if state == State::Uncertain { 500 } else { 0 };
    lookup(Some(code), http_status, None)
}

/// What an error answer to a message or a read receipt comes to.
#[must_use]
pub fn classify(error: ApiError) -> Outcome {
    let entry = lookup(error.code, error.http_status, error.subcode);
    match entry.class {
        Class::Passing => Outcome::RefusedForNow(error),
        Class::Throttled(limit) => Outcome::Throttled(limit, error),
        Class::Ambiguous => Outcome::Unknown { detail: entry.plain.to_owned(), error: Some(error) },
        Class::Account => Outcome::AccountTrouble(error),
        Class::WindowClosed
        | Class::OptedOut
        | Class::Recipient
        | Class::Template
        | Class::Media
        | Class::Request => Outcome::RefusedForGood(error),
    }
}

/// What an error answer about a file comes to. "No such object" is here the file, whose id expired or
/// is another account's, where for a message it is the phone number itself. Asking twice does no harm, so
/// whatever else is said is merely refused for now, unless it is about the token or the account as a whole:
/// a permission or a number that is missing for files need not be missing for messages.
#[must_use]
pub fn classify_media(error: ApiError) -> Outcome {
    if is_gone(&error) {
        return Outcome::RefusedForGood(error);
    }
    match error.code {
        Some(TOKEN_LOGIN | TOKEN_MISSING | TOKEN_INVALID | RESTRICTED | LOCKED) => {
            Outcome::AccountTrouble(error)
        }
        _ => Outcome::RefusedForNow(error),
    }
}

/// The codes that condemn the token or the account whatever was asked for.
const TOKEN_LOGIN: i64 = 0;
const TOKEN_MISSING: i64 = 104;
const TOKEN_INVALID: i64 = 190;
const RESTRICTED: i64 = 368;
const LOCKED: i64 = 131_031;

fn is_gone(error: &ApiError) -> bool {
    error.http_status == 404 || error.code == Some(33) || error.subcode == Some(33)
}

/// Why a file cannot be had, in a few plain words. Without an answer of Meta's, the words of the error say
/// it: those before the first colon.
#[must_use]
pub fn media_reason(error: &ApiError) -> String {
    match (error.code, error.http_status) {
        _ if is_gone(error) => "no longer at Meta".to_owned(),
        (Some(code), _) => format!("Meta does not give it, error {code}"),
        (None, 1..) => format!("Meta does not give it, HTTP {}", error.http_status),
        (None, 0) => match error.message.split(':').next().map(str::trim) {
            Some(words) if !words.is_empty() => words.to_owned(),
            _ => "nobody says why".to_owned(),
        },
    }
}

/// Meta's own envelope with a code that is not in the table.
const fn unknown_code(http_status: u16) -> Entry {
    let (class, plain, remedy) = match http_status {
        401 => (
            Class::Account,
            "Meta refuses the access token, with an error code that this version does not know",
            "Check the account's token, then try again",
        ),
        429 => (
            Class::Throttled(Throttle::Account),
            "Meta asks to slow down, with an error code that this version does not know",
            "Nothing to do: it waits and goes by itself",
        ),
        // No status at all is a `failed` webhook: Meta is sure of that one.
        0 | 400..=499 => (
            Class::Request,
            "Meta refused it, with an error code that this version does not know",
            "Read Meta's words and look the code up in Meta's list",
        ),
        _ => (
            Class::Ambiguous,
            "Meta answered with an error code that this version does not know; it may have been sent",
            "Ask the recipient or wait for a tick before you send it again",
        ),
    };
    Entry { class, plain, remedy }
}

/// An answer without a code: often not Meta's own, but of something on the way.
const fn no_code(http_status: u16) -> Entry {
    let (class, plain, remedy) = match http_status {
        401 | 403 | 407 => (
            Class::Account,
            "Access was refused without an error code of Meta's",
            "Check the token, the API address in the config, and any proxy on the way",
        ),
        429 => (
            Class::Throttled(Throttle::Account),
            "Meta asks to slow down",
            "Nothing to do: it waits and goes by itself",
        ),
        408 => (
            Class::Ambiguous,
            "The server gave up waiting; it may have been sent",
            "Ask the recipient or wait for a tick before you send it again",
        ),
        400..=499 => (
            Class::Request,
            "The request was refused without an error code of Meta's",
            "Check the API address and the phone number id in the config",
        ),
        500..=599 => (
            Class::Ambiguous,
            "The server failed without saying how; it may have been sent",
            "Ask the recipient or wait for a tick before you send it again",
        ),
        0 => (Class::Request, "Meta says it failed and gives no code", "Read Meta's words"),
        _ => (
            Class::Ambiguous,
            "The answer makes no sense; it may have been sent",
            "Ask the recipient or wait for a tick before you send it again",
        ),
    };
    Entry { class, plain, remedy }
}
