//! What becomes of the number somebody typed: Meta's reading of `to`, and the `wa_id` it answers
//! with, which in some countries is not the number typed.

use super::super::refusal::Refusal;

/// The digits of `to` with a country code in front, as Meta reads them: `+`, `-`, brackets and spaces
/// may stand in between; without a plus the business's own country code is put in front.
pub(super) fn read_number(to: &str, country_code: &str) -> Result<String, Refusal> {
    let to = to.trim();
    let (plus, rest) = to.strip_prefix('+').map_or((false, to), |rest| (true, rest));
    if rest.chars().any(|letter| !(letter.is_ascii_digit() || "-() ".contains(letter))) {
        return Err(Refusal::new(131_009, format!("'{to}' is not a phone number.")));
    }
    let mut digits = if plus { String::new() } else { country_code.to_owned() };
    digits.extend(rest.chars().filter(char::is_ascii_digit));
    // E.164 has 15 digits at most; no country has numbers of fewer than 7 with its code.
    let typed = digits.len() - if plus { 0 } else { country_code.len() };
    if typed == 0 || typed > 15 || digits.len() < 7 {
        return Err(Refusal::new(131_009, format!("'{to}' is not a phone number.")));
    }
    Ok(digits)
}

/// Whether a number can belong to anybody: a full number with a second country code in front, which
/// is what leaving out the plus produces, cannot.
pub(super) fn possible(digits: &str) -> bool {
    let lengths = match digits {
        _ if digits.starts_with('0') => return false,
        _ if digits.starts_with('1') => 11..=11,
        _ if digits.starts_with("55") => {
            let number = digits.get(4..).unwrap_or("");
            return number.len() == 8 || (number.len() == 9 && number.starts_with('9'));
        }
        _ if digits.starts_with("52") || digits.starts_with("54") => 12..=13,
        _ if digits.starts_with("91") => 12..=12,
        _ => 7..=15,
    };
    lengths.contains(&digits.len())
}

/// The `wa_id` of a number. Brazilian mobile numbers outside the area codes 11 to 28 are known without
/// the ninth digit, Mexican ones with a 1 and Argentinian ones with a 9 after the country code.
pub(super) fn wa_id(digits: &str) -> String {
    let split = |at: usize| (digits.get(..at).unwrap_or(""), digits.get(at..).unwrap_or(""));
    let (country, rest) = split(2);
    match (country, digits.len()) {
        ("52", 12) => format!("521{rest}"),
        ("54", 12) => format!("549{rest}"),
        ("55", 12 | 13) => {
            let (area, number) = split(4);
            let keeps_nine = area.get(2..).and_then(|code| code.parse().ok()).unwrap_or(0_u8) <= 28;
            match (keeps_nine, number.strip_prefix('9').filter(|short| short.len() == 8)) {
                (false, Some(short)) => format!("{area}{short}"),
                (true, None) if number.starts_with(['6', '7', '8', '9']) => {
                    format!("{area}9{number}")
                }
                _ => digits.to_owned(),
            }
        }
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{possible, read_number, wa_id};

    #[test]
    fn numbers_are_read_as_meta_reads_them() {
        // Meta's own table, for a business in India.
        for (to, country, digits) in [
            ("+16315551234", "91", "16315551234"),
            ("+1 (631) 555-1234", "91", "16315551234"),
            ("(631) 555-1234", "91", "916315551234"),
            ("1 (631) 555-1234", "91", "9116315551234"),
            ("+55 11 98888-1234", "55", "5511988881234"),
            ("11 98888-1234", "55", "5511988881234"),
        ] {
            assert_eq!(read_number(to, country).as_deref(), Ok(digits), "{to}");
        }
        for to in ["", "+", "abc", "+55 11 9888x", "+1", "+55119888812345678901", "++5511988881234"]
        {
            assert_eq!(read_number(to, "55").unwrap_err().code, 131_009, "{to}");
        }
    }

    #[test]
    fn wa_id_differs_where_metas_does() {
        for (digits, expected) in [
            ("5511988881234", "5511988881234"),
            ("551188881234", "5511988881234"),
            ("551133331234", "551133331234"),
            ("5531988881234", "553188881234"),
            ("553188881234", "553188881234"),
            ("525512345678", "5215512345678"),
            ("5215512345678", "5215512345678"),
            ("541123456789", "5491123456789"),
            ("5491123456789", "5491123456789"),
            ("16505551234", "16505551234"),
        ] {
            assert_eq!(wa_id(digits), expected, "{digits}");
        }
    }

    #[test]
    fn a_second_country_code_makes_nobody() {
        assert!(possible("5511988881234"));
        assert!(!possible("555511988881234"));
        assert!(!possible("9116315551234"));
        assert!(!possible("5516505551234"));
        assert!(!possible("0123456789"));
    }
}
