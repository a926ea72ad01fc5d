use std::time::Duration;

use super::*;
use crate::domain::hook::{ARRIVALS, Arrival, EffectKind, Head, HookKey};
use crate::domain::id::EventId;
use crate::domain::page::Page;
use crate::store::event::{self, Answered};
use crate::store::ingest::{Came, body_of, ingest_came, replay};
use crate::store::prune::{Keep, prune};

fn refused(why: &str) -> Arrival {
    Arrival {
        at: t(0),
        code: 401,
        took: Duration::from_micros(700),
        why: why.to_owned(),
        method: "POST".to_owned(),
        path: "/webhook".to_owned(),
        peer: Some("203.0.113.9".to_owned()),
        agent: None,
        length: Some(12),
    }
}

impl World {
    fn refuse(&mut self, after: Option<EventId>, whys: &[String]) {
        let passed = whys.iter().map(|why| (after, refused(why))).collect();
        let answered = Answered { took: Vec::new(), passed };
        self.do_it(|tx| event::note_answers(tx, &answered));
    }
}

#[test]
fn an_event_tells_how_it_came_and_how_long_that_took() {
    let mut world = World::new();
    let post = RawPost { body: b"{}".to_vec(), sha256: [1; 32], received_at: t(1) };
    let head = Head { secret: "shop".to_owned(), headers: "user-agent: meta".to_owned() };
    let came = Came { head: Some(head.clone()), signature: Some([7; 32]) };
    let done = world.do_it(|tx| ingest_came(tx, &post, &came, &[], t(1)));
    let again = world.do_it(|tx| ingest_came(tx, &post, &came, &[], t(1)));
    let took = vec![(done.event, Duration::from_micros(2_345))];
    world.do_it(|tx| event::note_answers(tx, &Answered { took: took.clone(), passed: Vec::new() }));
    let (row, _) = event::event(&world.read, done.event).unwrap();
    assert_eq!((row.head, row.took), (Some(head), Some(Duration::from_micros(2_345))));
    let (row, _) = event::event(&world.read, again.event).unwrap();
    assert!(row.duplicate && row.took.is_none());
    assert_eq!(event::kept(&world.read, done.event).unwrap().signature, Some([7; 32]));
    let heads: i64 = world
        .write
        .raw()
        .query_row("SELECT count(*) FROM event_head", [], |row| row.get(0))
        .unwrap();
    assert_eq!(heads, 1, "equal headers are kept once");
}

#[test]
fn a_name_that_changed_is_told_with_what_it_was() {
    let mut world = World::new();
    let named = |name: &str| Peer { name: Some(name.to_owned()), ..phone("1") };
    world.post(&[heard("w1", named("Ana"), t(1), "hello")]);
    let (second, _) = world.post(&[heard("w2", named("Ana Souza"), t(2), "again")]);
    let (third, _) = world.post(&[heard("w3", named("Ana Souza"), t(3), "and again")]);
    let changes = |id| event::event(&world.read, id).unwrap().0.effects[0].changes.clone();
    let renamed = changes(second.event);
    assert_eq!(renamed.len(), 1, "{renamed:?}");
    assert_eq!((renamed[0].table.as_str(), renamed[0].column.as_str()), ("contact", "name"));
    assert_eq!(renamed[0].before.as_deref(), Some("Ana"));
    assert_eq!(renamed[0].after.as_deref(), Some("Ana Souza"));
    assert_eq!(changes(third.event), []);
}

#[test]
fn replaying_changes_nothing_but_applies_what_could_not_be_before() {
    let mut world = World::new();
    let mut elsewhere = heard("w2", phone("2"), t(1), "for the second shop");
    elsewhere.phone_number = Some(PhoneNumberId::new("999"));
    let items = [heard("w1", phone("1"), t(1), "hello"), elsewhere];
    let (first, _) = world.post(&items);
    assert_eq!(first.messages.len(), 1);
    let once = crate::store::dump::logical_dump(&world.read).unwrap();
    let again = world.do_it(|tx| replay(tx, first.event, &items, t(5)));
    assert!(again.messages.is_empty());
    assert_eq!(crate::store::dump::logical_dump(&world.read).unwrap(), once);
    let (row, _) = event::event(&world.read, again.event).unwrap();
    assert_eq!(row.replay_of, Some(first.event));

    let second = NewAccount {
        name: "second".to_owned(),
        phone_number: PhoneNumberId::new("999"),
        waba: None,
        display_number: None,
    };
    world.do_it(|tx| upsert_account(tx, &second, t(6)));
    let applied = world.do_it(|tx| replay(tx, first.event, &items, t(7)));
    assert_eq!(applied.messages.len(), 1, "its number has an account now");
    let kinds = |id| -> Vec<EffectKind> {
        event::event(&world.read, id).unwrap().0.effects.iter().map(|effect| effect.kind).collect()
    };
    assert_eq!(kinds(first.event), [EffectKind::Message, EffectKind::UnknownNumber]);
    assert_eq!(kinds(applied.event), [EffectKind::Status, EffectKind::Message]);
    assert!(world.write.write(|tx| replay(tx, EventId(99), &items, t(8))).is_err());
    world.sound();
}

#[test]
fn refused_requests_stand_among_the_events_and_older_ones_make_room() {
    let mut world = World::new();
    let events: Vec<EventId> = (0..3).map(|_| world.post(&[]).0.event).collect();
    world.refuse(Some(events[0]), &["early".to_owned()]);
    world.refuse(None, &["late".to_owned(), "later".to_owned()]);
    let place = |event: EventId, arrival| HookKey { event, arrival };
    let all = [
        place(events[2], 3),
        place(events[2], 2),
        HookKey::of(events[2]),
        HookKey::of(events[1]),
        place(events[0], 1),
        HookKey::of(events[0]),
    ];
    let read = |page, limit| event::places(&world.read, page, limit).unwrap();
    assert_eq!(read(Page::First, 10).keys, all);
    let (first, rest) = (read(Page::First, 2), read(Page::After(all[1]), 9));
    assert!(first.more_below && !first.more_above && rest.more_above && !rest.more_below);
    assert_eq!([first.keys, rest.keys].concat(), all);
    let before = read(Page::Before(all[4]), 2);
    assert_eq!((before.keys.as_slice(), before.more_above), (&all[2..4], true));
    assert_eq!(read(Page::Around(all[3]), 4).keys, all[1..5]);
    assert_eq!(event::arrival(&world.read, 1).unwrap(), refused("early"));

    let flood: Vec<String> = (0..ARRIVALS + 5).map(|n| n.to_string()).collect();
    world.refuse(None, &flood);
    let kept: i64 =
        world.write.raw().query_row("SELECT count(*) FROM arrival", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, ARRIVALS);
    assert!(event::arrival(&world.read, 1).is_err(), "the oldest made room");
}

#[test]
fn old_bodies_are_let_go_in_small_steps_but_never_what_a_replay_needs() {
    let mut world = World::new();
    let day = Duration::from_secs(24 * 3600);
    let keep = Keep { age: Some(day), bytes: None };
    let post = |world: &mut World, nth: u8, items: &[Item], at: Timestamp| {
        let post = RawPost { body: vec![b'x'; 1000], sha256: [nth; 32], received_at: at };
        world.do_it(|tx| ingest(tx, &post, items, at)).event
    };
    let size = |world: &World, id| event::event(&world.read, id).unwrap().0.size;
    let odd = [item(ItemKind::Unknown { reason: "a field of tomorrow".to_owned() })];
    let unknown = post(&mut world, 250, &odd, t(0));
    let plain: Vec<EventId> = (0..150).map(|nth| post(&mut world, nth, &[], t(0))).collect();
    let young = post(&mut world, 251, &[], t(2 * 24 * 3600));
    let later = t(2 * 24 * 3600 + 60);
    assert!(world.do_it(|tx| prune(tx, &keep, later)), "a step at a time");
    assert_eq!(size(&world, plain[149]), 1000);
    assert!(!world.do_it(|tx| prune(tx, &keep, later)));
    assert!(plain.iter().all(|id| size(&world, *id) == 0));
    assert_eq!((size(&world, unknown), size(&world, young)), (1000, 1000));
    assert!(world.write.write(|tx| body_of(tx, plain[0])).is_err(), "nothing left to apply");
    assert_eq!(event::events(&world.read, None, 1_000).unwrap().len(), 152, "that they came stays");

    // By size: as many as fit after the oldest ones, once they are not quite new.
    let many: Vec<EventId> = (152..200).map(|nth| post(&mut world, nth, &[], later)).collect();
    let few = Keep { age: None, bytes: Some(10_000) };
    world.do_it(|tx| prune(tx, &few, later));
    assert_eq!(size(&world, many[0]), 1000, "too young to go");
    let hours = t(2 * 24 * 3600 + 7_400);
    world.do_it(|tx| prune(tx, &few, hours));
    let kept = many.iter().filter(|id| size(&world, **id) > 0).count();
    assert_eq!((kept, size(&world, many[47])), (10, 1000));
    world.sound();
}

/// The bodies of another business number once stayed for ever, and so did those behind one that came again.
#[test]
fn neither_another_number_nor_a_replay_nor_an_oddity_keeps_bodies_for_ever() {
    let mut world = World::new();
    let day = Duration::from_secs(24 * 3600);
    let later = t(2 * 24 * 3600);
    let post = |world: &mut World, nth: u8, kind: Option<ItemKind>, at: Timestamp| {
        let mut items: Vec<Item> = kind.map(item).into_iter().collect();
        for item in &mut items {
            if matches!(item.kind, ItemKind::Notice { .. }) {
                item.phone_number = Some(PhoneNumberId::new("999"));
            }
        }
        let post = RawPost { body: vec![b'x'; 1000], sha256: [nth; 32], received_at: at };
        world.do_it(|tx| ingest(tx, &post, &items, at)).event
    };
    let size = |world: &World, id| event::event(&world.read, id).unwrap().0.size;
    let elsewhere = ItemKind::Notice { summary: "of another number".to_owned(), report: None };
    let other = post(&mut world, 0, Some(elsewhere), t(0));
    let odd = ItemKind::Unknown { reason: "a field of tomorrow".to_owned() };
    let odd = post(&mut world, 1, Some(odd), t(0));
    let behind = post(&mut world, 2, None, t(0));
    post(&mut world, 0, None, later);
    let keep = Keep { age: Some(day), bytes: Some(2_000) };
    world.do_it(|tx| prune(tx, &keep, later));
    assert_eq!([other, odd, behind].map(|id| size(&world, id)), [0, 1000, 0]);
    let newer: Vec<EventId> = (3..5).map(|nth| post(&mut world, nth, None, later)).collect();
    world.do_it(|tx| prune(tx, &keep, later));
    assert_eq!(size(&world, odd), 0, "there is no more room for it");
    assert!(newer.iter().all(|id| size(&world, *id) == 1000));
    world.sound();
}
