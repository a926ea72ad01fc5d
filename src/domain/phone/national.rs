//! Numbers without a country code, as lists of customers have them: read as in a default country.
//!
//! What stands before a number inside its country (a trunk zero, Brazil's carrier, Russia's 8) differs from
//! country to country, so this is libphonenumber's to say. It is asked for such numbers alone.

use std::cmp::Ordering;
use std::str::FromStr as _;

use phonenumber::{Type, country};

use super::plan::Plan;
use super::{PhoneError, digits_of, display, parse};
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
    if digits.starts_with(&country.code.to_string()) {
        return with_or_without_code(&digits, country, shown);
    }
    let refused = || Err(PhoneError::NotInCountry { typed: shown(), code: country.code });
    let Ok(number) = phonenumber::parse(Some(country.id), &digits) else { return refused() };
    let whole = digits_with_code(&number);
    // Dialled to another country: the library takes the trunk prefix of this one away too, so that only what
    // is plain to see is taken.
    let abroad = number.code().value() != country.code;
    if abroad && digits.strip_prefix("00") != Some(&whole) {
        return refused();
    }
    parse(&format!("+{whole}")).map_err(|error| error.about(shown()))
}

fn digits_with_code(number: &phonenumber::PhoneNumber) -> String {
    let national = number.national();
    let zeros = "0".repeat(usize::from(national.zeros()));
    format!("{}{zeros}{}", number.code().value(), national.value())
}

/// How far a reading is to be believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Belief {
    /// Its length is possible; nobody is known to have such a number.
    Length,
    /// The numbering plan has it.
    Valid,
    /// The same, and as that of a mobile, which nearly all of WhatsApp's are.
    Mobile,
}

/// Reads digits that begin like their country's own code: that is what they begin with, or it is left out and
/// the number inside the country begins so (Brazil's area code 55, Italy's mobiles 39x, India's 91x).
fn with_or_without_code(
    digits: &str,
    country: Country,
    shown: impl Fn() -> String,
) -> Result<WaId, PhoneError> {
    let read = |whole: String| {
        let number = phonenumber::parse(None, format!("+{whole}")).ok();
        let number = number.map_or(whole, |number| digits_with_code(&number));
        let number = parse(&format!("+{number}")).ok()?;
        let other = other_spelling(&number).map_or(Belief::Length, |other| belief(&other));
        Some((belief(&number).max(other), number))
    };
    let inside = read(format!("{}{digits}", country.code));
    match (inside, read(digits.to_owned())) {
        (None, None) => Err(PhoneError::NotInCountry { typed: shown(), code: country.code }),
        (Some((_, number)), None) | (None, Some((_, number))) => Ok(number),
        (Some((_, one)), Some((_, other))) if one == other => Ok(one),
        (Some((inside, one)), Some((outside, other))) => match inside.cmp(&outside) {
            Ordering::Greater => Ok(one),
            Ordering::Less => Ok(other),
            Ordering::Equal => Err(PhoneError::Ambiguous {
                typed: shown(),
                one: display(&one),
                other: display(&other),
            }),
        },
    }
}

fn belief(number: &WaId) -> Belief {
    let Ok(number) = phonenumber::parse(None, format!("+{number}")) else { return Belief::Length };
    match number.number_type(&phonenumber::metadata::DATABASE) {
        _ if !phonenumber::is_valid(&number) => Belief::Length,
        Type::Mobile | Type::FixedLineOrMobile => Belief::Mobile,
        _ => Belief::Valid,
    }
}

/// The other way to spell a number: WhatsApp's own id of a person may have one digit more or less than what
/// people write, Brazil's ninth digit, Mexico's 1, Argentina's 9. The other one's other is the number itself.
#[must_use]
pub fn other_spelling(number: &WaId) -> Option<WaId> {
    let digits = number.as_str();
    let (code, rest) = digits.split_at_checked(2)?;
    let (area, local) = rest.split_at_checked(2)?;
    // Landlines have no ninth digit.
    let is_mobile = |local: &str| local.starts_with(['6', '7', '8', '9']);
    let other = match (code, digits.len()) {
        ("55", 12) if is_mobile(local) => format!("55{area}9{local}"),
        ("55", 13) => {
            let short = local.strip_prefix('9').filter(|short| is_mobile(short))?;
            format!("55{area}{short}")
        }
        ("52", 12) => format!("521{rest}"),
        ("52", 13) => format!("52{}", rest.strip_prefix('1')?),
        ("54", 12) => format!("549{rest}"),
        ("54", 13) => format!("54{}", rest.strip_prefix('9')?),
        _ => return None,
    };
    Some(WaId::new(other))
}

/// The digits that stand for a number when two are compared: the same for both of its spellings.
#[must_use]
pub fn same_person(number: &WaId) -> String {
    let other = other_spelling(number).filter(|other| other > number);
    other.unwrap_or_else(|| number.clone()).to_string()
}
