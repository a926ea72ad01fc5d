//! Numbers without a country code, as lists of customers have them: read as in a default country.
//!
//! What stands before a number inside its country (a trunk zero, Brazil's carrier, Russia's 8) differs from
//! country to country, so this is libphonenumber's to say. It is asked for such numbers alone.

use std::str::FromStr as _;

use phonenumber::country;

use super::plan::Plan;
use super::{PhoneError, digits_of, parse};
use crate::domain::id::WaId;
use crate::domain::text::{display_safe, truncate};

/// Where numbers without a country code are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    id: country::Id,
    code: u16,
}

impl Country {
    /// What a person calls it: an ISO 3166 code such as `BR`, or a calling code such as `+55`. Of countries
    /// that share one it is the main one.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let (plan, length) = Plan::of(digits)?;
            let whole = length == digits.len();
            return whole.then(|| Self::of(plan.region, plan.code))?;
        }
        let region = text.to_ascii_uppercase();
        let id = country::Id::from_str(&region).ok()?;
        let code = phonenumber::metadata::DATABASE.by_id(id.as_ref())?.country_code();
        Some(Self { id, code })
    }

    /// That of a number; of those that share a calling code the main one.
    #[must_use]
    pub fn of_number(number: &WaId) -> Option<Self> {
        let (plan, _) = Plan::of(number.as_str())?;
        Self::of(plan.region, plan.code)
    }

    fn of(region: &str, code: u16) -> Option<Self> {
        Some(Self { id: country::Id::from_str(region).ok()?, code })
    }

    /// Its calling code, without the plus.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.code
    }
}

/// Reads a number as [`parse`] does, and without a plus as it is dialled inside `country`, or from there.
pub fn parse_in(typed: &str, country: Option<Country>) -> Result<WaId, PhoneError> {
    let error = match parse(typed) {
        Err(error @ PhoneError::MissingPlus { .. }) => error,
        done => return done,
    };
    let Some(country) = country else { return Err(error) };
    let safe = display_safe(typed.trim());
    let shown = || truncate(safe.trim(), 40).0.into_owned();
    let Some(digits) = digits_of(&safe) else { return Err(error) };
    let refused = || Err(PhoneError::NotInCountry { typed: shown(), code: country.code });
    let Ok(number) = phonenumber::parse(Some(country.id), &digits) else { return refused() };
    let national = number.national();
    let zeros = "0".repeat(usize::from(national.zeros()));
    let whole = format!("{}{zeros}{}", number.code().value(), national.value());
    // Dialled to another country: the library takes the trunk prefix of this one away too, so that only what
    // is plain to see is taken.
    let abroad = number.code().value() != country.code;
    if abroad && digits.strip_prefix("00") != Some(&whole) {
        return refused();
    }
    parse(&format!("+{whole}")).map_err(|error| error.about(shown()))
}

/// The digits that stand for a number when two are compared. WhatsApp's own id of a person may have one digit
/// more or less than what people write: Brazil's ninth digit, Mexico's 1, Argentina's 9.
#[must_use]
pub fn same_person(number: &WaId) -> String {
    let digits = number.as_str();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    let mobile = |at: usize| digits.as_bytes().get(at).is_some_and(|digit| *digit >= b'6');
    if digits.starts_with("55") && digits.len() == 12 && mobile(4) {
        return format!("{}9{}", part(0..4), part(4..12));
    }
    if digits.starts_with("521") && digits.len() == 13 {
        return format!("52{}", part(3..13));
    }
    if digits.starts_with("549") && digits.len() == 13 {
        return format!("54{}", part(3..13));
    }
    digits.to_owned()
}
