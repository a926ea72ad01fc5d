//! Whom a command is about. The ids that one command prints are those that every other one takes.

use crate::domain::conversation::Conversation;
use crate::domain::id::{AccountId, ConversationId, UserId, WaId};
use crate::domain::phone;
use crate::error::Error;
use crate::store::{self, ReadConn, list};

/// A number, a business-scoped user id, or a conversation of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    Number(WaId),
    User(UserId),
    Conversation(ConversationId),
}

/// Reads what was typed.
pub(super) fn parse(text: &str) -> Result<To, Error> {
    let text = text.trim();
    if text.starts_with('+') {
        return phone::parse(text)
            .map(To::Number)
            .map_err(|error| Error::usage(format!("{text:?} is no phone number")).because(&error));
    }
    // A number is written with its plus, so bare digits are an id.
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(id) = text.parse()
    {
        return Ok(To::Conversation(ConversationId(id)));
    }
    let (country, rest) = text.split_once('.').unwrap_or_default();
    let is_user = country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !rest.is_empty();
    if is_user {
        return Ok(To::User(UserId::new(text)));
    }
    Err(Error::usage(format!("{text:?} is no recipient"))
        .hint("write a number with its plus and country code, such as +15551230001"))
}

/// Their conversation, if there is one. One that is named by its id may be another account's.
pub(super) fn find(
    read: &ReadConn,
    account: AccountId,
    to: &To,
) -> Result<Option<Conversation>, store::Error> {
    match to {
        To::Conversation(id) => present(list::conversation(read, *id)),
        To::Number(number) => list::find_conversation(read, account, number),
        To::User(user) => list::find_conversation_with_user(read, account, user),
    }
}

/// What is not there is an answer too.
pub(super) fn present<T>(found: Result<T, store::Error>) -> Result<Option<T>, store::Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{To, parse};
    use crate::domain::id::{ConversationId, UserId, WaId};

    #[test]
    fn recipients_are_told_apart() {
        let number = To::Number(WaId::new("15551230001"));
        assert_eq!(parse("+1 555 123-0001").unwrap(), number);
        assert_eq!(parse("42").unwrap(), To::Conversation(ConversationId(42)));
        let user = "BR.13491208655302741918";
        assert_eq!(parse(user).unwrap(), To::User(UserId::new(user)));
        for wrong in ["", "+", "+12", "-7", "99999999999999999999", "Ana", "br.1", "X.1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_of_many_digits_is_still_an_id() {
        for id in [1_234_567, 15_551_230_001] {
            assert_eq!(parse(&id.to_string()).unwrap(), To::Conversation(ConversationId(id)));
        }
    }
}
