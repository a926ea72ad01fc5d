//! What Meta says of an account: facts that give the same whatever their order, and the limits that follow.

use super::*;
use crate::domain::account::{Fact, FactKind, Saying, Standing};
use crate::domain::event::AccountReport;
use crate::domain::throttle::{Limits, PeopleLimit};
use crate::store::account::{fact, limits, people_reached, set_limits};
use crate::store::dump::logical_dump;
use crate::store::outbox::rescue;

const DAY: i64 = 24 * 3600;

fn report(display: Option<&str>, at: Option<Timestamp>, said: &[(FactKind, &str)]) -> Item {
    let sayings = said.iter().map(|(kind, value)| Saying::new(*kind, *value)).collect();
    let display_number = display.map(str::to_owned);
    let report = Some(AccountReport { display_number, phone_number: None, at, sayings });
    let kind = ItemKind::Notice { summary: "news".to_owned(), report };
    Item { phone_number: None, field: "account_update".to_owned(), ..item(kind) }
}

fn standing(said: &[(FactKind, &str)]) -> Standing {
    let sayings = said.iter().map(|(kind, value)| Saying::new(*kind, *value)).collect();
    Standing { display_number: Some("+1 555 078 3881".to_owned()), sayings }
}

fn now_is(world: &World, account: AccountId) -> Vec<(FactKind, String)> {
    let facts = fact::facts(&world.read, account).unwrap();
    facts.into_iter().map(|fact| (fact.saying.kind, fact.saying.value)).collect()
}

fn with_second(world: &mut World) -> [AccountId; 2] {
    let of = |name: &str, number: &str, display: &str| NewAccount {
        name: name.to_owned(),
        phone_number: PhoneNumberId::new(number),
        waba: Some(WabaId::new("waba")),
        display_number: Some(display.to_owned()),
    };
    world.do_it(|tx| {
        let first = upsert_account(tx, &of("shop", "1065", "+1 555 078 3881"), t(0))?;
        Ok([first, upsert_account(tx, &of("second", "1066", "15550783882"), t(0))?])
    })
}

#[test]
fn facts_in_any_order_and_twice_give_the_same() {
    let items = [
        report(None, Some(t(10)), &[(FactKind::Ban, "SCHEDULE_FOR_DISABLE")]),
        report(Some("15550783881"), Some(t(20)), &[(FactKind::Status, "FLAGGED")]),
        report(Some("15550783881"), Some(t(30)), &[(FactKind::Status, "CONNECTED")]),
        report(None, Some(t(40)), &[(FactKind::Limit, "TIER_10K")]),
        report(None, Some(t(5)), &[(FactKind::Limit, "TIER_250")]),
    ];
    let mut dumps = BTreeSet::new();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 1, 4, 0, 3]] {
        let mut world = World::new();
        let [first, second] = with_second(&mut world);
        for index in order.into_iter().chain(order) {
            world.post(&[items[index].clone()]);
        }
        assert_eq!(
            now_is(&world, first),
            [
                (FactKind::Status, "CONNECTED".to_owned()),
                (FactKind::Limit, "TIER_10K".to_owned()),
                (FactKind::Ban, "SCHEDULE_FOR_DISABLE".to_owned()),
            ],
            "{order:?}"
        );
        let people = limits(&world.read, second).unwrap().people;
        assert_eq!(people, Some(PeopleLimit::AtMost(10_000)), "the newest counts, {order:?}");
        dumps.insert(logical_dump(&world.read).unwrap());
        world.sound();
    }
    assert_eq!(dumps.len(), 1);
}

#[test]
fn what_meta_says_again_is_no_news_and_what_it_says_after_a_webhook_is() {
    let mut world = World::new();
    let account = world.account;
    let ask = |world: &mut World, at, quality: &str| {
        let said = standing(&[(FactKind::Quality, quality), (FactKind::Status, "CONNECTED")]);
        world.do_it(|tx| fact::asked(tx, account, &said, at));
    };
    ask(&mut world, t(10), "GREEN");
    ask(&mut world, t(20), "GREEN");
    world.post(&[report(None, Some(t(25)), &[(FactKind::Status, "FLAGGED")])]);
    ask(&mut world, t(30), "RED");
    ask(&mut world, t(40), "RED");
    let history = fact::history(&world.read, account, 10).unwrap();
    let told: Vec<(&str, Timestamp, Timestamp, bool)> = history
        .iter()
        .map(|Fact { saying, at, last_at, told }| (&*saying.value, *at, *last_at, *told))
        .collect();
    assert_eq!(
        told,
        [
            ("RED", t(30), t(40), false),
            ("CONNECTED", t(30), t(40), false),
            ("FLAGGED", t(25), t(25), true),
            ("GREEN", t(10), t(20), false),
            ("CONNECTED", t(10), t(20), false),
        ]
    );
    // A webhook of before, delivered late, changes nothing of how it is.
    world.post(&[report(None, Some(t(15)), &[(FactKind::Status, "RESTRICTED")])]);
    let is = [(FactKind::Quality, "RED".to_owned()), (FactKind::Status, "CONNECTED".to_owned())];
    assert_eq!(now_is(&world, account), is);
    assert_eq!(fact::asked_at(&world.read, account).unwrap(), Some(t(40)));
    world.sound();
}

#[test]
fn limits_that_a_webhook_reports_are_the_named_numbers_and_the_whole_business() {
    let mut world = World::new();
    let [first, second] = with_second(&mut world);
    let both = |world: &World| [first, second].map(|account| limits(&world.read, account).unwrap());
    let tell = |world: &mut World, at, display: Option<&str>, said: &[(FactKind, &str)]| {
        world.post(&[report(display, Some(t(at)), said)]);
        both(world)
    };
    let are = |rates: [Option<u32>; 2], people| rates.map(|rate| Limits { rate, people });
    let most = Some(PeopleLimit::AtMost(2000));
    let tier = (FactKind::Limit, "TIER_2K");
    assert_eq!(tell(&mut world, 1, None, &[tier]), are([None, None], most));
    let high = (FactKind::Throughput, "HIGH");
    let raised = tell(&mut world, 2, Some("+1 555-078-3881"), &[high]);
    assert_eq!(raised, are([Some(1000), None], most), "the other number stays as it was");
    let unlimited = (FactKind::Limit, "TIER_UNLIMITED");
    let named = tell(&mut world, 3, Some("15550783882"), &[unlimited]);
    assert_eq!(named, are([Some(1000), None], Some(PeopleLimit::Unlimited)), "the business has it");
    let app = standing(&[(FactKind::PhoneApp, "yes"), (FactKind::Throughput, "STANDARD")]);
    world.do_it(|tx| fact::asked(tx, second, &app, t(100)));
    let kept = tell(&mut world, 200, Some("15550783882"), &[high])[1].rate;
    assert_eq!(kept, Some(20), "the phone app uses it too");
    world.sound();
}

#[test]
fn a_number_that_is_not_here_tells_nothing_of_those_that_are() {
    let mut world = World::new();
    let [first, second] = with_second(&mut world);
    world.post(&[report(Some("4915550000"), Some(t(1)), &[(FactKind::Status, "FLAGGED")])]);
    assert_eq!((now_is(&world, first), now_is(&world, second)), (Vec::new(), Vec::new()));
    world.post(&[report(None, None, &[(FactKind::Review, "REJECTED")])]);
    let rejected = [(FactKind::Review, "REJECTED".to_owned())];
    assert_eq!(now_is(&world, first), rejected);
    assert_eq!(now_is(&world, second), rejected);
}

#[test]
fn a_kind_of_a_later_version_is_left_out() {
    let world = World::new();
    world
        .write
        .raw()
        .execute_batch(
            "INSERT INTO account_fact VALUES (1, 'colour', '', 1, 1, 'BLUE', '', NULL, 1)",
        )
        .unwrap();
    assert_eq!(fact::facts(&world.read, world.account).unwrap(), []);
    assert_eq!(fact::history(&world.read, world.account, 9).unwrap(), []);
}

#[test]
fn what_was_written_while_the_clock_was_years_ahead_does_not_count_for_years() {
    let mut world = World::new();
    let account = world.account;
    let years = 4 * 365 * DAY;
    let limit = |tier: &str| standing(&[(FactKind::Limit, tier)]);
    world.do_it(|tx| fact::asked(tx, account, &limit("TIER_250"), t(years)));
    world.do_it(|tx| set_limits(tx, account, limits_of_people(1)));
    let chats = ["1", "2"].map(|number| world.begin(number));
    let first = world.template(chats[0], false, t(years));
    assert_eq!(sends(&world.claim(9, t(years + 1))), [first]);
    // The clock is set right, and the sender begins anew.
    world.do_it(|tx| rescue(tx, t(100)));
    assert!(people_reached(&world.read, account, t(100)).unwrap().is_full(), "in doubt, today");
    assert_eq!(people_reached(&world.read, account, t(101 + DAY)).unwrap().reached, 0);
    assert_eq!(fact::asked_at(&world.read, account).unwrap(), None, "to be asked at once");
    world.do_it(|tx| fact::asked(tx, account, &limit("TIER_10K"), t(101)));
    assert_eq!(now_is(&world, account), [(FactKind::Limit, "TIER_10K".to_owned())]);
    assert_eq!(limits(&world.read, account).unwrap().people, Some(PeopleLimit::AtMost(10_000)));
    world.sound();
}

const fn limits_of_people(most: u32) -> Limits {
    Limits { rate: None, people: Some(PeopleLimit::AtMost(most)) }
}
