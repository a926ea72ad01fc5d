//! Webhooks duplicated and in any order give the same database.

use proptest::prelude::*;

use super::*;
use crate::domain::event::{
    EchoMessage, ErrorReport, IdentityChange, IdentityUpdate, PreferenceUpdate, Pricing,
};
use crate::store::dump::logical_dump;

/// What one webhook item says, small enough that items meet: few people, few messages, few seconds.
#[derive(Clone, Debug)]
enum Saying {
    Message { n: u8, who: u8, at: i64, reply: bool },
    Reaction { n: u8, who: u8, target: u8, at: i64, emoji: Option<u8> },
    Edit { n: u8, who: u8, target: u8, at: i64 },
    Revoke { n: u8, who: u8, target: u8, at: i64 },
    Echo { n: u8, state: u8 },
    Status { n: u8, report: u8, at: i64, by_request: bool, who: u8 },
    NumberChange { from: u8, to: u8, at: i64 },
    UserChange { who: u8, at: i64 },
    Preference { who: u8, at: i64, stop: bool },
}

fn saying() -> impl Strategy<Value = Saying> {
    let who = 0..9_u8;
    let at = 0..40_i64;
    prop_oneof![
        4 => (0..12_u8, who.clone(), at.clone(), any::<bool>())
            .prop_map(|(n, who, at, reply)| Saying::Message { n, who, at, reply }),
        1 => (0..4_u8, who.clone(), 0..16_u8, at.clone(), proptest::option::of(0..3_u8))
            .prop_map(|(n, who, target, at, emoji)| Saying::Reaction { n, who, target, at, emoji }),
        1 => (0..3_u8, who.clone(), 0..12_u8, at.clone())
            .prop_map(|(n, who, target, at)| Saying::Edit { n, who, target, at }),
        1 => (0..3_u8, who.clone(), 0..12_u8, at.clone())
            .prop_map(|(n, who, target, at)| Saying::Revoke { n, who, target, at }),
        2 => (0..4_u8, 0..6_u8).prop_map(|(n, state)| Saying::Echo { n, state }),
        4 => (0..8_u8, 0..5_u8, at.clone(), any::<bool>(), who.clone())
            .prop_map(|(n, report, at, by_request, who)| Saying::Status { n, report, at, by_request, who }),
        1 => (0..3_u8, 0..3_u8, at.clone())
            .prop_map(|(from, to, at)| Saying::NumberChange { from, to, at }),
        1 => (who.clone(), at.clone()).prop_map(|(who, at)| Saying::UserChange { who, at }),
        1 => (who, at, any::<bool>())
            .prop_map(|(who, at, stop)| Saying::Preference { who, at, stop }),
    ]
}

/// Some of what is said is one of the words that stop and allow marketing.
const fn words(n: u8) -> &'static str {
    match n % 4 {
        0 => " Stop ",
        1 => "start",
        2 => "hello",
        _ => "stop it",
    }
}

/// Three numbers and three user ids, alone and together.
fn peer(who: u8, at: i64) -> Peer {
    let (number, id) = (format!("4915{}", who % 3), format!("DE.{}", who % 3));
    let name = Some(format!("name {}", (at / 7) % 3));
    let peer = match who / 3 {
        0 => phone(&number),
        1 => user(&id),
        _ => both(&number, &id),
    };
    Peer { name, ..peer }
}

/// One wamid always comes with the same content, as from Meta; only then is "the same" defined.
#[expect(clippy::too_many_lines, reason = "one arm per kind of item")]
fn to_item(saying: &Saying, requests: &[RequestId]) -> Item {
    let reports = [Report::Sent, Report::Delivered, Report::Read, Report::Played, Report::Failed];
    match *saying {
        Saying::Message { n, who, at, reply } => {
            let mut message =
                inbound(&format!("in{n}-{who}-{at}-{reply}"), peer(who, at), t(at), text(words(n)));
            if reply {
                message.context.reply_to = Some(Wamid::new("out0"));
            }
            item(ItemKind::Message(message))
        }
        Saying::Reaction { n, who, target, at, emoji } => {
            let body = Body::Reaction {
                target: target_wamid(target),
                emoji: emoji.map(|n| format!("e{n}")),
            };
            let id = format!("re{n}-{who}-{target}-{at}-{emoji:?}");
            item(ItemKind::Message(inbound(&id, peer(who, at), t(at), body)))
        }
        Saying::Edit { n, who, target, at } => {
            let body = Body::Edit { target: target_wamid(target), text: format!("edited {n}") };
            let id = format!("ed{n}-{who}-{target}-{at}");
            item(ItemKind::Message(inbound(&id, peer(who, at), t(at), body)))
        }
        Saying::Revoke { n, who, target, at } => {
            let body = Body::Revoke { target: target_wamid(target) };
            let id = format!("rv{n}-{who}-{target}-{at}");
            item(ItemKind::Message(inbound(&id, peer(who, at), t(at), body)))
        }
        Saying::Echo { n, state } => {
            let states = [
                State::Accepted,
                State::Sent,
                State::Delivered,
                State::Read,
                State::Played,
                State::Failed,
            ];
            item(ItemKind::Echo(EchoMessage {
                wamid: Wamid::new(format!("echo{n}")),
                // One echo is to one person, said at one time; only its state may differ.
                to: peer((n * 2) % 9, 1),
                at: t(i64::from(n)),
                body: text(&format!("from the phone {n}")),
                context: Context::default(),
                state: states[usize::from(state)],
            }))
        }
        Saying::Status { n, report, at, by_request, who } => {
            let own = usize::from(n) < requests.len();
            let report = reports[usize::from(report)];
            let failed = report == Report::Failed;
            item(ItemKind::Status(StatusUpdate {
                wamid: if own {
                    Wamid::new(format!("out{n}"))
                } else {
                    Wamid::new(format!("echo{}", n - 4))
                },
                report,
                at: t(at),
                recipient: if by_request { peer(who, at) } else { Peer::default() },
                participant: None,
                request: requests.get(usize::from(n)).copied().filter(|_| by_request),
                error: failed.then(|| ErrorReport {
                    // Some say that the person wants no marketing.
                    code: if at % 4 == 0 { 131_050 } else { 131_000 + at },
                    title: "no".to_owned(),
                    details: None,
                }),
                pricing: (!failed).then(|| Pricing {
                    category: ["utility", "service"][usize::from(n % 2)].to_owned(),
                    kind: None,
                }),
            }))
        }
        Saying::NumberChange { from, to, at } => {
            let mut message = inbound(
                &format!("sys{from}-{to}-{at}"),
                phone(&format!("4915{from}")),
                t(at),
                Body::System { kind: "user_changed_number".to_owned(), text: "changed".to_owned() },
            );
            message.change = Some(IdentityChange {
                old_wa_id: Some(WaId::new(format!("4915{from}"))),
                new_wa_id: Some(WaId::new(format!("4915{to}"))),
                old_user_id: None,
                new_user_id: None,
            });
            item(ItemKind::Message(message))
        }
        Saying::UserChange { who, at } => item(ItemKind::Identity(IdentityUpdate {
            peer: Peer::default(),
            change: Some(IdentityChange {
                old_wa_id: None,
                new_wa_id: None,
                old_user_id: Some(UserId::new(format!("DE.{}", who % 3))),
                new_user_id: Some(UserId::new(format!("DE.{}", (who + 1) % 3))),
            }),
            at: t(at),
        })),
        Saying::Preference { who, at, stop } => item(ItemKind::Preference(PreferenceUpdate {
            peer: peer(who, at),
            value: if stop { "stop" } else { ["resume", "signup"][usize::from(who % 2)] }
                .to_owned(),
            at: t(at),
        })),
    }
}

fn target_wamid(target: u8) -> Wamid {
    match target {
        0..4 => Wamid::new(format!("out{target}")),
        4..8 => Wamid::new(format!("echo{}", target - 4)),
        _ => Wamid::new(format!("in{}-0-0-{}", (target - 8) / 2, target.is_multiple_of(2))),
    }
}

/// A world with four messages on their way: accepted, uncertain, and two under way.
fn started() -> (World, Vec<RequestId>) {
    let mut world = World::new().under(keywords());
    let mut requests = Vec::new();
    for n in 0..4 {
        let chat = world.begin(&format!("1555000{n}"));
        world.say(chat, "ours", t(0));
        let job = world.claim(1, t(0)).remove(0);
        match n {
            0 => world.record(&job, &accepted("out0"), t(1)),
            1 => world.record(&job, &unknown(), t(1)),
            _ => {}
        }
        requests.push(job.request);
    }
    (world, requests)
}

fn dump_after(sayings: &[Saying], posts_of: usize) -> String {
    let (mut world, requests) = started();
    let items: Vec<Item> = sayings.iter().map(|saying| to_item(saying, &requests)).collect();
    for post in items.chunks(posts_of) {
        let (done, _) = world.post(post);
        assert_eq!(done.unknown, 0, "{:?}", crate::store::event::notices(&world.read, 5));
    }
    world.sound();
    logical_dump(&world.read).unwrap()
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 32 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn duplicated_and_shuffled_webhooks_give_the_same_database(
        (sayings, shuffled) in proptest::collection::vec(saying(), 1..24).prop_flat_map(|sayings| {
            let mut twice = sayings.clone();
            twice.extend(sayings.iter().step_by(2).cloned());
            (Just(sayings), Just(twice).prop_shuffle())
        }),
        posts_of in 1..5_usize,
    ) {
        prop_assert_eq!(dump_after(&sayings, 1), dump_after(&shuffled, posts_of));
    }
}

#[test]
fn every_order_and_repetition_of_statuses_gives_the_highest() {
    let reports = [Report::Sent, Report::Delivered, Report::Read, Report::Failed];
    let mut dumps = BTreeSet::new();
    for first in 0..4 {
        for second in 0..4 {
            for third in 0..4 {
                let fourth = 6 - first - second - third;
                let order = [first, second, third, fourth];
                if order.iter().collect::<BTreeSet<_>>().len() < 4 {
                    continue;
                }
                let (mut world, _) = started();
                for index in order.into_iter().chain(order) {
                    let index = usize::try_from(index).unwrap();
                    let at = t(i64::try_from(index).unwrap());
                    world.post(&[status("out0", reports[index], at, None)]);
                }
                world.sound();
                dumps.insert(logical_dump(&world.read).unwrap());
            }
        }
    }
    assert_eq!(dumps.len(), 1);
}

#[test]
fn two_who_were_taken_for_one_until_a_number_changed_hands_get_their_own_messages_back() {
    // Both typed numbers lead to the same one, but it changed hands in between.
    let later = Saying::Status { n: 2, report: 0, at: 20, by_request: true, who: 1 };
    let earlier = Saying::Status { n: 3, report: 0, at: 10, by_request: true, who: 1 };
    let change = Saying::NumberChange { from: 1, to: 2, at: 15 };
    let told_late = dump_after(&[later.clone(), earlier.clone(), change.clone()], 1);
    assert_eq!(told_late, dump_after(&[change, later, earlier], 1));
    for number in ["15550002", "15550003"] {
        let own = |line: &&str| line.starts_with("conversation") && line.contains(number);
        assert_eq!(told_late.lines().filter(own).count(), 1, "{told_late}");
    }
}

#[test]
fn a_failure_told_first_without_a_reason_gets_the_reason_told_later() {
    let echo = Saying::Echo { n: 2, state: 5 };
    let status = Saying::Status { n: 6, report: 4, at: 2, by_request: false, who: 0 };
    let reason_last = dump_after(&[echo.clone(), status.clone()], 1);
    assert_eq!(reason_last, dump_after(&[status, echo], 1));
    assert!(reason_last.contains(" 131002 "), "{reason_last}");
}
