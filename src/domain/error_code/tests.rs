//! Every code of Meta's list has its row, and the classes are those of the table of message states.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::table::{known, rows};
use super::{Class, Conduct, classify, classify_media, lookup, media_reason, shown};
use crate::domain::outbox::{ApiError, Outcome, Throttle};
use crate::domain::state::State;

fn class(code: i64) -> Class {
    lookup(Some(code), 400, None).class
}

fn error(code: impl Into<Option<i64>>, http_status: u16, subcode: Option<i64>) -> ApiError {
    ApiError { code: code.into(), http_status, subcode, ..ApiError::default() }
}

#[test]
fn every_listed_code_is_known() {
    let single = [
        0, 1, 2, 3, 4, 10, 33, 100, 104, 190, 200, 299, 368, 613, 80007, 130_403, 130_429, 130_472,
        130_497, 131_000, 131_005, 131_008, 131_009, 131_016, 131_020, 131_021, 131_026, 131_030,
        131_031, 131_035, 131_036, 131_037, 131_041, 131_042, 131_044, 131_045, 131_047, 131_048,
        131_049, 131_050, 131_051, 131_052, 131_053, 131_055, 131_056, 131_057, 131_059, 131_060,
        131_061, 131_062, 131_063, 131_064, 131_201, 131_215, 132_000, 132_001, 132_005, 132_007,
        132_008, 132_012, 132_015, 132_016, 132_018, 132_068, 132_069, 133_000, 133_004, 133_005,
        133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 134_011, 134_100, 134_101, 134_102,
        135_000, 136_024, 137_000, 138_000, 138_013, 138_018, 139_000, 139_004, 139_100, 139_103,
        139_200, 147_001, 147_005, 200_005, 200_007, 2_388_012, 2_388_019, 2_388_039, 2_388_040,
        2_388_047, 2_388_072, 2_388_073, 2_388_091, 2_388_093, 2_388_103, 2_388_293, 2_388_299,
        2_494_100, 2_494_164, 2_494_179, 2_593_107, 2_593_108, 2_593_109,
    ];
    for code in single {
        assert!(known(code).is_some(), "{code}");
    }
    for code in [-1, 5, 199, 300, 131_046, 131_216, 139_005, 2_593_110, i64::MAX, i64::MIN] {
        assert!(known(code).is_none(), "{code}");
    }
}

#[test]
fn waiting_costs_no_try_only_for_limits() {
    let limits = [
        (4, Throttle::Account),
        (80007, Throttle::Account),
        (130_429, Throttle::Number),
        (131_056, Throttle::Pair),
        (131_057, Throttle::Account),
    ];
    for (code, limit) in limits {
        assert_eq!(class(code), Class::Throttled(limit), "{code}");
    }
    for code in [2, 131_016, 133_004] {
        assert_eq!(class(code), Class::Passing, "{code}");
        assert_eq!(
            lookup(Some(code), 503, None).class,
            Class::Passing,
            "{code}, whatever the status"
        );
    }
}

/// What is done about each code when it is the answer to a message: written by hand from Meta's list and from the
/// table of message states, and not from the table that it judges. All that stands in neither list is final.
const TRIED_AGAIN: &[i64] = &[2, 131_016, 133_004];
const WAITS: &[i64] = &[4, 613, 80_007, 130_429, 131_056, 131_057];
const ASKS: &[i64] = &[1, 131_000];
const STOPS: &[i64] = &[
    0, 3, 10, 33, 104, 190, 200, 299, 368, 460, 463, 467, 131_005, 131_031, 131_037, 131_042,
    131_045, 131_048, 133_000, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016,
    2_388_012, 2_388_091, 2_388_093, 2_388_103, 2_494_100,
];
const FINAL: &[i64] = &[
    100, 130_403, 130_472, 130_497, 131_008, 131_009, 131_020, 131_021, 131_026, 131_030, 131_035,
    131_036, 131_041, 131_044, 131_047, 131_049, 131_050, 131_051, 131_052, 131_053, 131_055,
    131_059, 131_060, 131_061, 131_062, 131_063, 131_064, 131_201, 131_215, 132_000, 132_001,
    132_005, 132_007, 132_008, 132_012, 132_015, 132_016, 132_018, 132_068, 132_069, 134_011,
    134_100, 134_101, 134_102, 135_000, 136_024, 137_000, 138_000, 138_018, 139_000, 139_004,
    139_100, 139_101, 139_102, 139_103, 139_200, 139_299, 147_001, 147_005, 200_005, 200_007,
    2_388_019, 2_388_039, 2_388_040, 2_388_047, 2_388_072, 2_388_073, 2_388_293, 2_388_299,
    2_494_164, 2_494_179, 2_593_107, 2_593_108, 2_593_109,
];

#[test]
fn each_code_has_the_conduct_that_meta_and_the_table_of_states_ask_for() {
    let mut seen: BTreeMap<Conduct, BTreeSet<i64>> = BTreeMap::new();
    for (first, last, entry) in rows() {
        seen.entry(entry.class.conduct()).or_default().extend([first, last]);
    }
    for (conduct, codes) in [
        (Conduct::Retries, TRIED_AGAIN),
        (Conduct::Waits, WAITS),
        (Conduct::Asks, ASKS),
        (Conduct::StopsAccount, STOPS),
        (Conduct::Final, FINAL),
    ] {
        let codes: BTreeSet<i64> = codes.iter().copied().collect();
        let found = seen.remove(&conduct).unwrap_or_default();
        let missing: Vec<_> = codes.difference(&found).collect();
        let more: Vec<_> = found.difference(&codes).collect();
        assert!(
            missing.is_empty() && more.is_empty(),
            "{conduct:?}: not {missing:?}, but {more:?}"
        );
    }
}

/// Whoever changes a word sees which, and what else it stands beside.
#[test]
fn the_words_of_every_code() {
    let mut out = String::new();
    for (first, last, entry) in rows() {
        let codes = if first == last { first.to_string() } else { format!("{first} to {last}") };
        writeln!(out, "{codes}  {:?}\n    {}\n    {}", entry.class, entry.plain, entry.remedy)
            .unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn codes_that_are_often_mistaken_for_each_other() {
    assert_eq!(class(130_472), Class::Recipient, "an experiment, no limit");
    assert_eq!(class(131_026), Class::Recipient, "undeliverable, no malformed number");
    assert_eq!(class(131_009), Class::Request, "the malformed value");
    assert_eq!(class(131_047), Class::WindowClosed, "no template trouble");
    assert_eq!(class(132_001), Class::Template);
    assert_eq!(class(131_048), Class::Account, "spam limit of the number, no paused template");
    assert_eq!(class(132_015), Class::Template);
    assert_eq!(class(132_016), Class::Template);
    assert_eq!(class(131_050), Class::OptedOut);
}

#[test]
fn subcodes_refine_only_where_meta_hides_the_reason_there() {
    let by = |code, subcode| lookup(Some(code), 400, Some(subcode));
    assert_eq!(by(100, 33).class, Class::Account);
    assert_eq!(by(100, 2_388_073).class, Class::Template);
    assert_eq!(by(100, 4), lookup(Some(100), 400, None), "4 is no subcode");
    assert_eq!(by(100, 2_388_000), lookup(Some(100), 400, None));
    assert_ne!(by(190, 463), lookup(Some(190), 401, None));
    assert_eq!(by(190, 463).class, Class::Account);
    assert_eq!(by(190, 1), lookup(Some(190), 401, None));
    assert_eq!(by(130_429, 2_494_055).class, Class::Throttled(Throttle::Number));
    assert_eq!(by(999_999, 33).class, Class::Request, "an unknown code stays unknown");
}

#[test]
fn unknown_codes_fall_back_on_the_status() {
    let cases = [
        (Some(999_999), 0, Class::Request),
        (Some(999_999), 200, Class::Ambiguous),
        (Some(999_999), 302, Class::Ambiguous),
        (Some(999_999), 400, Class::Request),
        (Some(999_999), 401, Class::Account),
        (Some(999_999), 403, Class::Request),
        (Some(999_999), 429, Class::Throttled(Throttle::Account)),
        (Some(999_999), 500, Class::Ambiguous),
        (Some(999_999), 503, Class::Ambiguous),
        (None, 0, Class::Request),
        (None, 200, Class::Ambiguous),
        (None, 301, Class::Ambiguous),
        (None, 401, Class::Account),
        (None, 403, Class::Account),
        (None, 404, Class::Request),
        (None, 407, Class::Account),
        (None, 408, Class::Ambiguous),
        (None, 413, Class::Request),
        (None, 429, Class::Throttled(Throttle::Account)),
        (None, 500, Class::Ambiguous),
        (None, 502, Class::Ambiguous),
    ];
    for (code, status, expected) in cases {
        assert_eq!(lookup(code, status, None).class, expected, "{code:?} with {status}");
        assert_eq!(lookup(code, status, Some(33)).class, expected, "{code:?} with {status}, 33");
    }
    assert!(lookup(Some(999_999), 400, None).plain.contains("does not know"));
}

#[test]
fn words_are_short_plain_and_in_one_voice() {
    let fallbacks = [0_u16, 200, 400, 401, 404, 408, 429, 500]
        .into_iter()
        .flat_map(|status| [lookup(None, status, None), lookup(Some(999_999), status, None)]);
    for entry in rows().map(|(_, _, entry)| entry).chain(fallbacks) {
        for words in [entry.plain, entry.remedy] {
            assert!(words.starts_with(|first: char| first.is_ascii_uppercase()), "{words}");
            assert!(words.is_ascii() && !words.ends_with(['.', ' ']), "{words}");
            assert!((10..=105).contains(&words.len()), "{} bytes: {words}", words.len());
        }
    }
}

#[test]
fn outcomes_follow_the_classes() {
    assert!(matches!(classify(error(131_016, 500, None)), Outcome::RefusedForNow(_)));
    assert!(matches!(classify(error(131_056, 400, None)), Outcome::Throttled(Throttle::Pair, _)));
    assert!(matches!(classify(error(190, 401, Some(463))), Outcome::AccountTrouble(_)));
    assert!(matches!(classify(error(131_047, 400, None)), Outcome::RefusedForGood(_)));
    assert!(matches!(classify(error(131_000, 500, None)), Outcome::Unknown { error: Some(_), .. }));
    assert!(matches!(classify(error(None, 502, None)), Outcome::Unknown { error: Some(_), .. }));
}

#[test]
fn a_missing_file_is_no_trouble_of_the_account() {
    assert!(matches!(classify_media(error(100, 400, Some(33))), Outcome::RefusedForGood(_)));
    assert!(matches!(classify_media(error(None, 404, None)), Outcome::RefusedForGood(_)));
    for code in [0, 104, 190, 368, 131_031] {
        let outcome = classify_media(error(code, 401, None));
        assert!(matches!(outcome, Outcome::AccountTrouble(_)), "{code}");
    }
    assert!(matches!(classify_media(error(131_000, 500, None)), Outcome::RefusedForNow(_)));
    assert!(matches!(classify_media(error(None, 502, None)), Outcome::RefusedForNow(_)));
    let of_a_right_or_a_number =
        [3, 10, 200, 131_005, 131_042, 131_045, 131_048, 133_010].map(|code| (Some(code), 403));
    let unsaid = [(None, 401), (None, 403), (Some(999_999), 401), (None, 429)];
    for (code, status) in unsaid.into_iter().chain(of_a_right_or_a_number) {
        let outcome = classify_media(error(code, status, None));
        assert!(matches!(outcome, Outcome::RefusedForNow(_)), "{code:?} with {status}");
    }
    assert!(matches!(classify(error(100, 400, Some(33))), Outcome::AccountTrouble(_)));
}

#[test]
fn why_a_file_cannot_be_had_is_said_in_a_few_words() {
    let own = |words: &str| ApiError { message: words.to_owned(), ..ApiError::default() };
    for (error, words) in [
        (error(100, 400, Some(33)), "no longer at Meta"),
        (error(None, 404, None), "no longer at Meta"),
        (error(131_000, 500, None), "Meta does not give it, error 131000"),
        (error(None, 502, None), "Meta does not give it, HTTP 502"),
        (own("the file is damaged: its SHA-256 is 12"), "the file is damaged"),
        (own(""), "nobody says why"),
    ] {
        assert_eq!(media_reason(&error), words);
    }
}

#[test]
fn an_unknown_code_is_explained_as_it_was_taken() {
    assert!(shown(999_999, State::Uncertain).plain.contains("may have been sent"));
    assert!(shown(999_999, State::Failed).plain.contains("refused"));
    assert_eq!(shown(131_026, State::Uncertain), shown(131_026, State::Failed));
}

#[test]
fn each_class_has_one_conduct() {
    let by = |code| class(code).conduct();
    assert_eq!(by(131_016), Conduct::Retries);
    assert_eq!(by(131_056), Conduct::Waits);
    assert_eq!(by(131_000), Conduct::Asks);
    assert_eq!(by(190), Conduct::StopsAccount);
    for code in [100, 131_026, 131_047, 131_050, 131_053, 132_001] {
        assert_eq!(by(code), Conduct::Final, "{code}");
    }
}
