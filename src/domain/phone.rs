//! Phone numbers as people type and read them.
//!
//! What is typed must have its country code: without the plus Meta would prepend its own. Only what is
//! surely wrong is refused, the country code and the length; whether WhatsApp knows the number, Meta
//! says. All but [`parse_in`] works on a static table and may be called per frame: libphonenumber's Rust port
//! takes 140 ms and 7 MB before its first answer, and is asked only for numbers without a country code.

mod national;
mod plan;

pub use national::{Country, other_spelling, parse_in, same_person};

use super::id::WaId;
use super::text::{display_safe, truncate};
use plan::Plan;

/// The most digits a number has (ITU-T E.164).
const MAX_DIGITS: usize = 15;

/// Why what was typed is no phone number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// No plus in front.
    #[error("\"{typed}\" has no country code: write it with a plus, such as +55 11 98888-1234")]
    MissingPlus {
        /// What was typed, made safe.
        typed: String,
    },
    /// Something other than digits, spaces, dashes, dots and parentheses, or no digits at all.
    #[error("\"{typed}\" is no phone number: write it with digits, such as +55 11 98888-1234")]
    NoNumber {
        /// What was typed, made safe.
        typed: String,
    },
    /// No country has this code.
    #[error(
        "\"{typed}\" begins with a country code that does not exist: check the digits after the plus"
    )]
    UnknownCountry {
        /// What was typed, made safe.
        typed: String,
    },
    /// Too few digits for the country.
    #[error("\"{typed}\" is too short: after +{code} come at least {least} digits")]
    TooShort {
        /// What was typed, made safe.
        typed: String,
        /// The country code.
        code: u16,
        /// The fewest digits after it.
        least: usize,
    },
    /// Too many digits for the country.
    #[error("\"{typed}\" is too long: after +{code} come at most {most} digits")]
    TooLong {
        /// What was typed, made safe.
        typed: String,
        /// The country code.
        code: u16,
        /// The most digits after it.
        most: usize,
    },
    /// No number that could be dialled inside the country that numbers without a code are taken to be from.
    #[error("\"{typed}\" is no number of +{code}: write it with a plus and its country code")]
    NotInCountry {
        /// What was typed, made safe.
        typed: String,
        /// The country code.
        code: u16,
    },
    /// It begins like its country's own code, and makes a number with that code and without.
    #[error("\"{typed}\" may be {one} or {other}: write it with a plus and its country code")]
    Ambiguous {
        /// What was typed, made safe.
        typed: String,
        /// The number if the code is left out.
        one: String,
        /// The number if it is there.
        other: String,
    },
}

impl PhoneError {
    /// The same said of what the person typed.
    fn about(self, typed: String) -> Self {
        match self {
            Self::MissingPlus { .. } => Self::MissingPlus { typed },
            Self::NoNumber { .. } => Self::NoNumber { typed },
            Self::UnknownCountry { .. } => Self::UnknownCountry { typed },
            Self::TooShort { code, least, .. } => Self::TooShort { typed, code, least },
            Self::TooLong { code, most, .. } => Self::TooLong { typed, code, most },
            Self::NotInCountry { code, .. } => Self::NotInCountry { typed, code },
            Self::Ambiguous { one, other, .. } => Self::Ambiguous { typed, one, other },
        }
    }
}

/// Reads a number as typed: a plus, the country code, and digits with spaces, dashes, dots, slashes and
/// parentheses as one likes. `(0)` after the country code, as Europeans write it, is left out.
pub fn parse(typed: &str) -> Result<WaId, PhoneError> {
    // Numbers copied from elsewhere carry invisible characters; those are no mistake of the person's.
    let safe = display_safe(typed.trim());
    let shown = || truncate(safe.trim(), 40).0.into_owned();
    let Some(number) = safe.trim().strip_prefix(['+', '＋']) else {
        let has_digits = safe.contains(|char: char| char.is_ascii_digit());
        return Err(if has_digits && digits_of(&safe).is_some() {
            PhoneError::MissingPlus { typed: shown() }
        } else {
            PhoneError::NoNumber { typed: shown() }
        });
    };
    let digits = digits_of(&number.replacen("(0)", "", 1))
        .filter(|digits| !digits.is_empty())
        .ok_or_else(|| PhoneError::NoNumber { typed: shown() })?;
    let Some((plan, code_length)) = Plan::of(&digits) else {
        return Err(PhoneError::UnknownCountry { typed: shown() });
    };
    let national = digits.len() - code_length;
    let most = plan.most.min(MAX_DIGITS - code_length);
    if national < plan.least {
        return Err(PhoneError::TooShort { typed: shown(), code: plan.code, least: plan.least });
    }
    if national > most {
        return Err(PhoneError::TooLong { typed: shown(), code: plan.code, most });
    }
    Ok(WaId::new(digits))
}

/// The digits of a number, or `None` if something else than the usual separators is between them.
fn digits_of(number: &str) -> Option<String> {
    let mut digits = String::with_capacity(number.len());
    for char in number.chars() {
        match char {
            '0'..='9' => digits.push(char),
            '-' | '(' | ')' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            _ if char.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// A number in its international form, `+55 11 98888-1234`, grouped as mobile numbers of its country
/// are. Where that is not known the digits stay in one piece. Safe to show, whatever the id holds.
#[must_use]
pub fn display(number: &WaId) -> String {
    let digits = number.as_str();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return display_safe(digits).into_owned();
    }
    let Some((plan, national)) = Plan::of(digits)
        .and_then(|(plan, length)| Some((plan, digits.get(length..)?)))
        .filter(|(_, national)| !national.is_empty())
    else {
        return format!("+{digits}");
    };
    match plan.pattern(national.len()) {
        None => format!("+{} {national}", plan.code),
        Some(pattern) => {
            let mut next = national.chars();
            let grouped = pattern.chars().filter_map(|char| match char {
                '#' => next.next(),
                separator => Some(separator),
            });
            format!("+{} {}", plan.code, grouped.collect::<String>())
        }
    }
}

/// The ISO 3166 code of the country, by the country code alone: the main one where several share it
/// (`US` for all of +1).
#[must_use]
pub fn region(number: &WaId) -> Option<&'static str> {
    let (plan, _) = Plan::of(number.as_str())?;
    Some(plan.region).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests;
