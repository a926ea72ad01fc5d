//! Numbers typed, refused and shown; and the table held against libphonenumber.

use phonenumber::Mode;
use phonenumber::metadata::DATABASE;

use super::plan::codes;
use super::{Country, PhoneError, display, other_spelling, parse, parse_in, region, same_person};
use crate::domain::id::WaId;

#[test]
fn numbers_are_taken_as_people_write_them() {
    let cases = [
        ("+5511988881234", "5511988881234"),
        ("+55 11 98888-1234", "5511988881234"),
        ("  +55 (11) 98888.1234 ", "5511988881234"),
        ("+1 (555) 123-0001", "15551230001"),
        ("+49 (0)151 12345678", "4915112345678"),
        ("+33 6 12 34 56 78", "33612345678"),
        ("\u{202a}+55\u{a0}11 98888\u{2011}1234\u{202c}", "5511988881234"),
        ("＋15551230001", "15551230001"),
        ("+52 1 55 1234 5678", "5215512345678"),
        ("+39 06 1234 5678", "390612345678"),
    ];
    for (typed, digits) in cases {
        assert_eq!(parse(typed), Ok(WaId::new(digits)), "{typed:?}");
    }
}

#[test]
fn refusals_name_the_value_and_the_remedy() {
    let cases = [
        ("5511988881234", "\"5511988881234\" has no country code: write it with a plus"),
        ("0049 151 12345678", "\"0049 151 12345678\" has no country code"),
        ("", "\"\" is no phone number: write it with digits"),
        ("maria", "\"maria\" is no phone number"),
        ("+", "\"+\" is no phone number"),
        ("+1-800-FLOWERS", "\"+1-800-FLOWERS\" is no phone number"),
        ("+55 11 98888-1234 x5", "is no phone number"),
        ("+999 123456", "\"+999 123456\" begins with a country code that does not exist"),
        ("+0151 12345678", "begins with a country code that does not exist"),
        ("+1 555 01", "\"+1 555 01\" is too short: after +1 come at least 10 digits"),
        ("+44 12", "is too short: after +44 come at least 7 digits"),
        ("+1 555 123 00012", "is too long: after +1 come at most 10 digits"),
        ("+49 1234567890123456", "is too long: after +49 come at most 13 digits"),
        ("\u{1b}[31m5", "\"\u{fffd}[31m5\" is no phone number"),
    ];
    for (typed, words) in cases {
        let error = parse(typed).expect_err(typed).to_string();
        assert!(error.contains(words), "{typed:?}: {error}");
    }
    let PhoneError::NoNumber { typed } = parse(&"x".repeat(500)).expect_err("letters") else {
        panic!("letters are no number");
    };
    assert!(typed.ends_with('…') && typed.len() < 50);
}

#[test]
fn numbers_are_shown_in_groups() {
    let cases = [
        ("5511988881234", "+55 11 98888-1234"),
        ("551188881234", "+55 11 8888-1234"),
        ("15551230001", "+1 555-123-0001"),
        ("5215512345678", "+52 1 55 1234 5678"),
        ("35312", "+353 12"),
        ("1", "+1"),
        ("999123", "+999123"),
        ("0123", "+0123"),
        ("", ""),
        ("US.1349", "US.1349"),
        ("55\u{1b}[2J", "55\u{fffd}[2J"),
    ];
    for (digits, shown) in cases {
        assert_eq!(display(&WaId::new(digits)), shown, "{digits:?}");
    }
}

#[test]
fn mobile_numbers_look_as_libphonenumber_writes_them() {
    let numbers = [
        "5511988881234",
        "5521999998888",
        "12025550123",
        "14165550123",
        "447911123456",
        "33612345678",
        "393123456789",
        "34612345678",
        "351912345678",
        "31612345678",
        "41781234567",
        "4366412345678",
        "48512345678",
        "46701234567",
        "4741234567",
        "4532123456",
        "79161234567",
        "380501234567",
        "905012345678",
        "972501234567",
        "971501234567",
        "966512345678",
        "201001234567",
        "27711234567",
        "2348021234567",
        "254712123456",
        "919876543210",
        "8613123456789",
        "819012345678",
        "821020001234",
        "6281234567890",
        "60123456789",
        "6591234567",
        "639051234567",
        "84912345678",
        "66812345678",
        "61412345678",
        "64211234567",
        "5491123456789",
        "56221234567",
        "573211234567",
        "51912345678",
        "59899123456",
        "355672123456",
    ];
    for digits in numbers {
        let theirs = phonenumber::parse(None, format!("+{digits}")).expect(digits);
        let theirs = theirs.format().mode(Mode::International).to_string();
        assert_eq!(display(&WaId::new(digits)), theirs);
        assert_eq!(parse(&theirs), Ok(WaId::new(digits)));
    }
}

#[test]
fn the_table_has_every_country_code_in_order() {
    let ours: Vec<u16> = codes().collect();
    assert!(ours.is_sorted_by(|a, b| a < b));
    let theirs: Vec<u16> = (1..=999).filter(|code| DATABASE.by_code(code).is_some()).collect();
    assert_eq!(ours, theirs);
    for code in &ours {
        let prefix = |short: u16| ours.contains(&short);
        assert!(*code < 10 || !prefix(code / 10) && !prefix(code / 100), "{code}");
    }
}

#[test]
fn the_country_code_tells_the_region() {
    let of = |digits: &str| region(&WaId::new(digits));
    assert_eq!(of("5511988881234"), Some("BR"));
    assert_eq!(of("15551230001"), Some("US"));
    assert_eq!(of("883510001234567"), None);
    assert_eq!(of("999"), None);
    assert_eq!(of("Maria"), None);
}

#[test]
fn numbers_without_a_code_are_read_as_dialled_in_their_country() {
    let cases = [
        ("BR", "11 98888-1234", "5511988881234"),
        ("BR", "(011) 98888-1234", "5511988881234"),
        ("BR", "0 15 11 98888-1234", "5511988881234"),
        ("BR", "5511988881234", "5511988881234"),
        ("+55", "+1 555 123 0001", "15551230001"),
        ("DE", "0151 12345678", "4915112345678"),
        ("DE", "00351 912 345 678", "351912345678"),
        ("49", "+49 (0)151 12345678", "4915112345678"),
        ("IT", "06 1234 5678", "390612345678"),
        ("RU", "8 916 123-45-67", "79161234567"),
        ("US", "(212) 555-0100", "12125550100"),
        ("US", "1 212 555 0100", "12125550100"),
        ("MX", "55 1234 5678", "525512345678"),
        ("CA", "416 555 0100", "14165550100"),
    ];
    for (country, typed, digits) in cases {
        let country = Country::named(country).expect(country);
        assert_eq!(parse_in(typed, Some(country)), Ok(WaId::new(digits)), "{typed:?}");
    }
    // The library reads this as another person's number.
    let abroad = parse_in("011 55 11 98888 1234", Country::named("US"));
    assert!(matches!(abroad, Err(PhoneError::NotInCountry { code: 1, .. })), "{abroad:?}");
    let brazil = Country::named("br");
    for (typed, words) in [
        ("9777", "\"9777\" "),
        ("11 98888-1234 x5", "is no phone number"),
        ("119888812345678901", "\"119888812345678901\" "),
    ] {
        let error = parse_in(typed, brazil).expect_err(typed).to_string();
        assert!(error.contains(words), "{typed:?}: {error}");
    }
    for wrong in ["", "XX", "+999", "5", "Brazil", "+5511"] {
        assert_eq!(Country::named(wrong), None, "{wrong:?}");
    }
    let own = Country::of_number(&WaId::new("5511988881234"));
    assert_eq!(own.map(Country::code), Some(55));
}

#[test]
fn one_person_written_in_two_ways_is_one() {
    for (one, other) in [
        ("551188881234", "5511988881234"),
        ("5215512345678", "525512345678"),
        ("5491123456789", "541123456789"),
    ] {
        let (one, other) = (WaId::new(one), WaId::new(other));
        assert_eq!(same_person(&one), same_person(&other));
        assert_eq!(other_spelling(&one), Some(other.clone()));
        assert_eq!(other_spelling(&other), Some(one));
    }
    // A landline has no ninth digit.
    let land = WaId::new("551132345678");
    assert_eq!(same_person(&land), "551132345678");
    for alone in [
        "551132345678",
        "5511943211234",
        "12025550123",
        "",
        "5",
        "55é1188881234",
        "US.13491208655302741918",
    ] {
        assert_eq!(other_spelling(&WaId::new(alone)), None, "{alone}");
    }
}

/// The first digits were taken for the country code, and what was left for somebody else's number.
#[test]
fn a_number_that_begins_like_its_country_s_own_code_was_cut() {
    let cases = [
        ("BR", "(55) 99988-1234", "5555999881234"),
        ("BR", "5533221234", "555533221234"),
        ("BR", "5511988881234", "5511988881234"),
        ("BR", "5555999881234", "5555999881234"),
        // As WhatsApp writes it, whose ids are exported without a plus.
        ("BR", "553188887777", "553188887777"),
        ("BR", "055 99988-1234", "5555999881234"),
        ("MX", "5215512345678", "5215512345678"),
        ("AR", "541123456789", "541123456789"),
        ("IT", "392 345 6789", "393923456789"),
        ("IT", "393923456789", "393923456789"),
        ("IT", "39 333 1234567", "393331234567"),
        ("IN", "9123456789", "919123456789"),
        ("IN", "919876543210", "919876543210"),
        ("ID", "6281234567890", "6281234567890"),
        ("CO", "573211234567", "573211234567"),
        ("US", "15551230001", "15551230001"),
        ("ES", "34612345678", "34612345678"),
        // Leer's area code is 0491, and this is a mobile's.
        ("DE", "4915112345678", "4915112345678"),
        ("DE", "04915 12345", "49491512345"),
    ];
    for (country, typed, digits) in cases {
        let country = Country::named(country).expect(country);
        assert_eq!(parse_in(typed, Some(country)), Ok(WaId::new(digits)), "{typed:?}");
    }
    for (country, typed, words) in [
        ("DE", "493012345678", "may be +49 493012345678 or +49 3012345678: write it with a plus"),
        ("ID", "62212345678", "may be +62 622-1234-5678 or +62 212-345-678"),
        ("CO", "5712345678", "may be +57 571 2345678 or +57 12345678"),
    ] {
        let country = Country::named(country).expect(country);
        let error = parse_in(typed, Some(country)).expect_err(typed).to_string();
        assert!(error.contains(words), "{typed:?}: {error}");
    }
}
