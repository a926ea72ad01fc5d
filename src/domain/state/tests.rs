//! The whole table, state by cause, and the laws that hold for statuses.

use proptest::prelude::*;

use super::{Cause, HoldReason, Report, State, Step, step};

const REPORTS: [Report; 5] =
    [Report::Sent, Report::Delivered, Report::Read, Report::Played, Report::Failed];

/// One row per cause, one column per state of [`State::ALL`]: the state it leads to by the first four
/// letters of its name, `=` stays, `was` was sent, `two` sent twice, with the first letters of a
/// state after the 2 also that one, `.` forbidden.
const TABLE: &str = "
                    sche held queu send acce sent deli read play fail unce canc rece
    time came       queu .    .    .    .    .    .    .    .    .    .    .    .
    hold            held .    held .    .    .    .    .    .    .    .    .    .
    release         .    queu .    .    .    .    .    .    .    .    .    .    .
    wait again      .    sche .    .    .    .    .    .    .    .    .    .    .
    cancel          canc canc canc .    .    .    .    .    .    canc canc .    .
    claim           .    .    send .    .    .    .    .    .    .    .    .    .
    accepted        .    .    .    acce =    =    =    =    =    =    acce was  .
    deferred        .    .    .    queu =    =    =    =    =    =    .    .    .
    refused         .    .    .    fail =    =    =    =    =    =    .    .    .
    unknown         .    .    .    unce =    =    =    =    =    =    .    .    .
    send again      .    .    .    .    .    .    .    .    .    queu queu .    .
    sent            .    .    .    sent sent =    =    =    =    =    sent was  .
    delivered       .    .    .    deli deli deli =    =    =    deli deli was  .
    read            .    .    .    read read read read =    =    read read was  .
    played          .    .    .    play play play play play =    play play was  .
    failed          .    .    .    fail fail fail =    =    =    =    fail =    .
    earlier sent    sent sent sent was  two  two  two  two  two  sent was  was  .
    earlier deliv.  deli deli deli was  2del 2del two  two  two  deli was  was  .
    earlier read    read read read was  2rea 2rea 2rea two  two  read was  was  .
    earlier played  play play play was  2pla 2pla 2pla 2pla two  play was  was  .
    earlier failed  =    =    =    =    =    =    =    =    =    =    =    =    =
";

/// Every cause, one kind of hold for all.
pub(crate) fn causes() -> Vec<Cause> {
    let mut causes = vec![
        Cause::TimeCame,
        Cause::Hold(HoldReason::WindowClosed),
        Cause::Release,
        Cause::WaitAgain,
        Cause::Cancel,
        Cause::Claim,
        Cause::Accepted,
        Cause::Deferred,
        Cause::Refused,
        Cause::OutcomeUnknown,
        Cause::SendAgain,
    ];
    causes.extend(REPORTS.map(Cause::Reported));
    causes.extend(REPORTS.map(Cause::EarlierReported));
    causes
}

fn mark(from: State, cause: Cause) -> String {
    match step(from, cause) {
        Step::To(state) => state.name().chars().take(4).collect(),
        Step::Stay => "=".to_owned(),
        Step::WasSent => "was".to_owned(),
        Step::SentTwice => "two".to_owned(),
        Step::SentTwiceTo(state) => {
            format!("2{}", state.name().chars().take(3).collect::<String>())
        }
        Step::Forbidden => ".".to_owned(),
    }
}

#[test]
fn the_table_is_what_it_is() {
    let rows: Vec<&str> = TABLE.lines().skip(2).filter(|line| !line.trim().is_empty()).collect();
    let causes = causes();
    assert_eq!(rows.len(), causes.len());
    for (row, cause) in rows.iter().zip(causes) {
        let cells: Vec<&str> = row.split_whitespace().rev().take(State::ALL.len()).collect();
        for (expected, from) in cells.into_iter().rev().zip(State::ALL) {
            assert_eq!(mark(from, cause), expected, "{from:?} by {cause:?}");
        }
    }
    for reason in [
        HoldReason::OptedOut,
        HoldReason::Person,
        HoldReason::MessagingLimit,
        HoldReason::Campaign,
        HoldReason::Template,
    ] {
        for from in State::ALL {
            let closed = Cause::Hold(HoldReason::WindowClosed);
            assert_eq!(step(from, Cause::Hold(reason)), step(from, closed));
        }
    }
}

#[test]
fn names_are_distinct() {
    let mut names = State::ALL.map(State::name);
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_step_never_leads_to_where_it_starts() {
    for from in State::ALL {
        for cause in causes() {
            assert_ne!(step(from, cause), Step::To(from), "{cause:?}");
            assert_ne!(step(from, cause), Step::SentTwiceTo(from), "{cause:?}");
        }
    }
}

fn follow(from: State, causes: &[Cause]) -> State {
    causes.iter().fold(from, |state, cause| match step(state, *cause) {
        Step::To(next) | Step::SentTwiceTo(next) => next,
        Step::Stay | Step::WasSent | Step::SentTwice | Step::Forbidden => state,
    })
}

fn evidence() -> impl Strategy<Value = Cause> {
    prop_oneof![
        1 => Just(Cause::Accepted),
        5 => proptest::sample::select(REPORTS.to_vec()).prop_map(Cause::Reported),
    ]
}

fn under_way() -> impl Strategy<Value = State> {
    proptest::sample::select(vec![
        State::Sending,
        State::Uncertain,
        State::Accepted,
        State::Sent,
        State::Delivered,
        State::Read,
        State::Played,
        State::Failed,
        State::Cancelled,
    ])
}

proptest! {
    #[test]
    fn evidence_gives_the_same_state_in_any_order(
        (from, first, second) in (under_way(), proptest::collection::vec(evidence(), 0..8))
            .prop_flat_map(|(from, causes)| (Just(from), Just(causes.clone()), Just(causes).prop_shuffle())),
    ) {
        prop_assert_eq!(follow(from, &first), follow(from, &second));
    }

    #[test]
    fn evidence_repeated_changes_nothing(
        from in under_way(),
        causes in proptest::collection::vec(evidence(), 0..8),
        again in 0_usize..8,
    ) {
        let reached = follow(from, &causes);
        if let Some(cause) = causes.get(again) {
            prop_assert_eq!(follow(reached, &[*cause]), reached);
        }
        prop_assert_eq!(follow(reached, &causes), reached);
    }

    #[test]
    fn ticks_never_go_back(
        from in under_way(),
        causes in proptest::collection::vec(proptest::sample::select(causes()), 0..12),
    ) {
        let mut state = from;
        for cause in causes {
            let next = follow(state, &[cause]);
            if state.is_accepted() {
                let failed = next == State::Failed && state.rank() <= State::Sent.rank();
                prop_assert!(next.rank() >= state.rank() || failed, "{:?} to {:?}", state, next);
            }
            state = next;
        }
    }

    #[test]
    fn what_was_accepted_is_never_sent_again(
        state in under_way().prop_filter("accepted", |state| state.is_accepted()),
        causes in proptest::collection::vec(
            proptest::sample::select(causes()).prop_filter("a failure may be sent again", |cause| {
                *cause != Cause::Reported(Report::Failed)
            }),
            0..12,
        ),
    ) {
        prop_assert!(follow(state, &causes).is_accepted());
    }
}
