use super::*;
use crate::domain::conversation::Draft;
use crate::domain::event::{IdentityChange, IdentityUpdate};
use crate::domain::outbox::Recipient;
use crate::domain::page::MessagePage;
use crate::domain::template::Fields;
use crate::store::conversation::save_draft;
use crate::store::unfinished::{keep_values, values};
use crate::store::{list, message};

fn chat_of(world: &World, wamid: &str) -> ConversationId {
    let found = message::message_by_wamid(&world.read, world.account, &Wamid::new(wamid)).unwrap();
    found.unwrap().conversation
}

fn number_change(from: &str, to: &str, at: Timestamp) -> Item {
    let mut message = inbound(
        &format!("sys-{from}-{to}"),
        phone(from),
        at,
        Body::System { kind: "user_changed_number".to_owned(), text: "changed".to_owned() },
    );
    message.change = Some(IdentityChange {
        old_wa_id: Some(WaId::new(from)),
        new_wa_id: Some(WaId::new(to)),
        old_user_id: None,
        new_user_id: None,
    });
    item(ItemKind::Message(message))
}

#[test]
fn two_contacts_that_turn_out_to_be_one_keep_everything() {
    let mut world = World::new();
    world.post(&[heard("w1", phone("1"), t(1), "by number")]);
    world.post(&[heard("w2", user("DE.1"), t(2), "by user id")]);
    let (a, b) = (chat_of(&world, "w1"), chat_of(&world, "w2"));
    assert_ne!(a, b);
    for (chat, words) in [(a, "first"), (b, "second")] {
        let draft = Draft { text: words.to_owned(), reply_to: None };
        world.do_it(|tx| save_draft(tx, chat, &draft, &Draft::default(), t(3)));
        let filled = Fields::from([("1".to_owned(), words.to_owned())]);
        world.do_it(|tx| keep_values(tx, chat, words, &filled));
    }
    let queued = world.say(b, "on its way", t(3));
    let draft = Draft { text: "second".to_owned(), reply_to: None };
    world.do_it(|tx| save_draft(tx, b, &draft, &Draft::default(), t(4)));
    world.post(&[heard("w3", both("1", "DE.1"), t(5), "together")]);
    assert_eq!(chat_of(&world, "w1"), chat_of(&world, "w2"));
    let merged = list::conversation(&world.read, b).unwrap();
    assert_eq!(merged.id, list::conversation(&world.read, a).unwrap().id, "old ids resolve");
    assert_eq!(merged.draft.unwrap().text, "first\n\nsecond");
    assert_eq!((merged.unread, merged.waiting), (3, 1));
    let filled = values(&world.read, a).unwrap();
    assert_eq!(filled.keys().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(list::counts(&world.read, world.account, t(60)).unwrap().all, 1);
    let page = message::messages(&world.read, b, MessagePage::Newest, 10).unwrap();
    assert_eq!(page.messages.len(), 4);
    let jobs = world.claim(5, t(6));
    assert_eq!(sends(&jobs), [queued]);
    let JobKind::Message(send) = &jobs[0].kind else { panic!("a message") };
    assert_eq!(send.recipient, Recipient::Phone(WaId::new("1")));
    world.sound();
}

#[test]
fn a_number_that_changed_hands_is_somebody_elses_from_then_on_whatever_came_first() {
    let items = [
        heard("before", phone("1"), t(1), "old owner"),
        number_change("1", "2", t(10)),
        heard("after", phone("1"), t(20), "new owner"),
        heard("moved", phone("2"), t(20), "old owner on the new number"),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 3, 1], [2, 0, 1, 3]] {
        let mut world = World::new();
        for index in order {
            world.post(&[items[index].clone()]);
        }
        assert_eq!(chat_of(&world, "before"), chat_of(&world, "moved"), "{order:?}");
        assert_eq!(chat_of(&world, "before"), chat_of(&world, "sys-1-2"), "{order:?}");
        assert_ne!(chat_of(&world, "before"), chat_of(&world, "after"), "{order:?}");
        let old_owner = list::conversation(&world.read, chat_of(&world, "before")).unwrap();
        assert_eq!(old_owner.contact.wa_id, Some(WaId::new("2")));
        world.sound();
    }
}

#[test]
fn a_second_user_id_on_a_number_is_another_person() {
    let mut world = World::new();
    world.post(&[heard("w1", both("1", "DE.1"), t(1), "first owner")]);
    world.post(&[heard("w2", both("1", "DE.2"), t(10), "second owner")]);
    world.post(&[heard("w3", phone("1"), t(11), "second owner")]);
    world.post(&[heard("w4", user("DE.1"), t(12), "first owner")]);
    assert_ne!(chat_of(&world, "w1"), chat_of(&world, "w2"));
    assert_eq!(chat_of(&world, "w2"), chat_of(&world, "w3"));
    assert_eq!(chat_of(&world, "w1"), chat_of(&world, "w4"));
    let first = list::conversation(&world.read, chat_of(&world, "w1")).unwrap();
    assert_eq!(first.contact.wa_id, None, "the number is not theirs any more");
    world.sound();
}

#[test]
fn a_user_id_that_was_replaced_stays_the_same_person() {
    let mut world = World::new();
    world.post(&[heard("w1", user("DE.1"), t(1), "one")]);
    let update = IdentityUpdate {
        peer: Peer::default(),
        change: Some(IdentityChange {
            old_wa_id: None,
            new_wa_id: None,
            old_user_id: Some(UserId::new("DE.1")),
            new_user_id: Some(UserId::new("DE.2")),
        }),
        at: t(5),
    };
    world.post(&[item(ItemKind::Identity(update))]);
    world.post(&[heard("w2", user("DE.2"), t(6), "two")]);
    assert_eq!(chat_of(&world, "w1"), chat_of(&world, "w2"));
    let contact = list::conversation(&world.read, chat_of(&world, "w1")).unwrap().contact;
    assert_eq!(contact.user_id, Some(UserId::new("DE.2")));
    world.sound();
}

#[test]
fn the_number_that_the_answer_names_decides_and_the_typed_one_leads_to_it() {
    let mut world = World::new();
    let typed = world.begin("5511988881234");
    world.say(typed, "oi", t(1));
    let job = world.claim(1, t(2)).remove(0);
    let answer = Acceptance {
        wamid: Some(Wamid::new("w1")),
        wa_id: Some(WaId::new("551188881234")),
        ..Acceptance::default()
    };
    world.post(&[heard("in", phone("551188881234"), t(3), "oi!")]);
    world.record(&job, &Verdict::Accepted(answer), t(4));
    assert_eq!(chat_of(&world, "in"), chat_of(&world, "w1"));
    let chat = list::conversation(&world.read, typed).unwrap();
    assert_eq!(chat.contact.wa_id, Some(WaId::new("551188881234")));
    for number in ["5511988881234", "551188881234"] {
        let found =
            list::find_conversation(&world.read, world.account, &WaId::new(number)).unwrap();
        assert_eq!(found.unwrap().id, chat.id);
    }
    assert_eq!(world.begin("5511988881234"), chat.id);
    world.sound();
}

#[test]
fn a_status_tells_the_number_when_the_answer_was_lost_whatever_comes_first() {
    let mut dumps = BTreeSet::new();
    for turn in 0..4 {
        let mut world = World::new();
        let typed = world.begin("5511988881234");
        world.say(typed, "oi", t(1));
        let job = world.claim(1, t(2)).remove(0);
        world.record(&job, &unknown(), t(3));
        let reported = |report, at| {
            let ItemKind::Status(mut update) = status("w1", report, t(at), Some(job.request)).kind
            else {
                panic!("a status")
            };
            update.recipient = phone("551188881234");
            item(ItemKind::Status(update))
        };
        let mut items = vec![
            reported(Report::Sent, 4),
            reported(Report::Delivered, 5),
            reported(Report::Delivered, 5),
            heard("in", phone("551188881234"), t(6), "oi!"),
        ];
        items.rotate_left(turn);
        world.post(&items);
        assert_eq!(chat_of(&world, "in"), chat_of(&world, "w1"));
        let chat = list::conversation(&world.read, typed).unwrap();
        assert_eq!(chat.contact.wa_id, Some(WaId::new("551188881234")));
        assert_eq!(world.begin("5511988881234"), chat.id);
        world.sound();
        dumps.insert(crate::store::dump::logical_dump(&world.read).unwrap());
    }
    assert_eq!(dumps.len(), 1);
}

#[test]
fn equal_usernames_are_two_people_and_the_newest_name_is_shown() {
    let mut world = World::new();
    let named = |name: &str, peer: Peer| Peer {
        name: Some(name.to_owned()),
        username: Some("@anna".to_owned()),
        ..peer
    };
    world.post(&[heard("w1", named("new", phone("1")), t(9), "one")]);
    world.post(&[heard("w2", named("old", phone("1")), t(3), "two")]);
    world.post(&[heard("w3", named("other", phone("2")), t(4), "three")]);
    assert_ne!(chat_of(&world, "w1"), chat_of(&world, "w3"));
    let contact = list::conversation(&world.read, chat_of(&world, "w1")).unwrap().contact;
    assert_eq!(contact.name.as_deref(), Some("new"));
}
