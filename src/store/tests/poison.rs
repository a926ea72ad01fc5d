use std::time::Duration;

use super::*;
use crate::domain::id::MediaId;
use crate::domain::message::{Media, MediaKind};
use crate::store::conversation::mark_read;
use crate::store::outbox;
use crate::store::outbox::{overdue, tend};

/// What a bug or a hand could leave in the outbox, by the number of the message.
fn poison(world: &World, n: i64, id: MessageId) {
    let sql = match n % 6 {
        1 => "UPDATE outbox SET message = NULL WHERE message = ?1",
        2 => "UPDATE message SET kind = 11, extra = '{' WHERE id = ?1",
        3 => "UPDATE message SET state = 9 WHERE id = ?1",
        4 => {
            "DELETE FROM identity WHERE contact = (SELECT c.contact FROM conversation c
                  JOIN message m ON m.conversation = c.id WHERE m.id = ?1)"
        }
        _ => return,
    };
    assert!(world.write.raw().execute(sql, [id.0]).unwrap() > 0, "{sql}");
}

#[test]
fn a_poisoned_outbox_row_is_put_aside_once_and_holds_up_nobody() {
    let mut world = World::new();
    let messages: Vec<(i64, MessageId)> = (0..120)
        .map(|n| {
            let chat = world.begin(&format!("1555{n}"));
            (n, world.say(chat, "hello", t(n)))
        })
        .collect();
    for (n, id) in &messages {
        poison(&world, *n, *id);
    }
    let (account, room) = (world.account, Room { messages: 7, receipts: 0, files: 0 });
    let mut claimed = Vec::new();
    let mut rounds = 0;
    // Nothing is due any more once a claim changes nothing.
    loop {
        rounds += 1;
        assert!(rounds < 200, "the same rows come up again and again");
        let requests: Vec<RequestId> =
            (0..7).map(|n: u128| RequestId((n + 7 * rounds).to_be_bytes())).collect();
        let (jobs, changes) = world
            .write
            .write(|tx| claim(tx, account, &requests, room, &BTreeSet::new(), t(1000)))
            .unwrap();
        claimed.extend(sends(&jobs));
        if changes.is_empty() {
            break;
        }
    }
    let good = |n: i64| matches!(n % 6, 0 | 5);
    let wanted: Vec<MessageId> =
        messages.iter().filter(|(n, _)| good(*n)).map(|(_, id)| *id).collect();
    assert_eq!(claimed, wanted);
    // Those whose row lost its message are found by whoever sends next; the rest failed as they came up.
    world.do_it(|tx| outbox::rescue(tx, t(2000)));
    for (n, id) in messages.iter().filter(|(n, _)| !good(*n)) {
        let state =
            world.write.raw().query_row("SELECT state FROM message WHERE id = ?1", [id.0], |row| {
                row.get::<_, i64>(0)
            });
        assert_eq!(state, Ok(9), "{n} is shown as failed");
    }
    let lost = message::timeline(&world.read, messages[1].1).unwrap().pop().unwrap();
    assert_eq!(lost.detail.as_deref(), Some("its place in the queue was lost"));
    let next = world.begin("19999");
    let again = world.say(next, "and on", t(2001));
    assert!(sends(&world.claim(7, t(2002))).contains(&again));
}

#[test]
fn a_file_s_row_without_its_message_is_put_aside() {
    let mut world = World::new();
    let chat = world.begin("1");
    let id = world.say(chat, "x", t(0));
    world
        .write
        .raw()
        .execute("UPDATE outbox SET kind = 3, message = NULL WHERE message = ?1", [id.0])
        .unwrap();
    assert!(world.claim(1, t(1)).is_empty());
    assert!(world.claim(1, t(2)).is_empty());
}

/// The conversation of a message is gone, which no query on its way foresees.
fn orphan(world: &World, id: MessageId) {
    let raw = world.write.raw();
    raw.execute_batch("PRAGMA foreign_keys = off").unwrap();
    raw.execute("UPDATE message SET conversation = 424242 WHERE id = ?1", [id.0]).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = on").unwrap();
}

#[test]
fn a_message_that_no_query_can_read_fails_and_the_others_of_the_same_claim_go() {
    let mut world = World::new();
    let chats: Vec<_> = (0..3).map(|n| world.begin(&format!("1555{n}"))).collect();
    let ids: Vec<_> = chats.iter().map(|chat| world.say(*chat, "hello", t(1))).collect();
    let behind = world.say(chats[1], "and on", t(2));
    orphan(&world, ids[1]);
    assert_eq!(sends(&world.claim(9, t(3))), [ids[0], ids[2]]);
    assert_eq!(
        sends(&world.claim(9, t(3))),
        [behind],
        "it holds up nobody in its own conversation"
    );
    let lost = message::timeline(&world.read, ids[1]).unwrap().pop().unwrap();
    assert_eq!(lost.state, State::Failed);
    assert!(lost.detail.is_some(), "{lost:?}");
}

#[test]
fn a_scheduled_message_that_cannot_be_read_fails_when_its_time_comes_and_the_others_go() {
    let mut world = World::new();
    let chats: Vec<_> = (0..3).map(|n| world.begin(&format!("1555{n}"))).collect();
    let ids: Vec<_> = chats
        .iter()
        .map(|chat| {
            let terms = outbox::Terms { at: Some(t(100)) };
            world.write_on(*chat, text("later"), terms, t(1))
        })
        .collect();
    orphan(&world, ids[0]);
    let account = world.account;
    let look = |world: &World| overdue(&world.read, account, true, t(100)).unwrap().messages;
    let found = look(&world);
    assert_eq!(found, ids);
    world.do_it(|tx| tend(tx, &found, t(100)));
    let states = ids.iter().map(|id| {
        let state = "SELECT state FROM message WHERE id = ?1";
        world.write.raw().query_row(state, [id.0], |row| row.get::<_, u8>(0)).unwrap()
    });
    assert_eq!(states.collect::<Vec<_>>(), [9, 2, 2]);
    assert!(look(&world).is_empty(), "it comes up once");
    assert_eq!(sends(&world.claim(9, t(100))), ids[1..]);
}

#[test]
fn a_receipt_that_lost_its_message_is_put_aside_and_the_others_go() {
    let mut world = World::new();
    let chats: Vec<_> = (0..3)
        .map(|n| {
            let from = phone(&format!("4915{n}"));
            let (told, _) = world.post(&[heard(&format!("wamid.{n}"), from, t(1), "hello")]);
            let id = told.messages[0];
            let chat = world.message(id).conversation;
            world.do_it(|tx| mark_read(tx, chat, id, true, t(2)));
            chat
        })
        .collect();
    let sql = "UPDATE outbox SET wamid = NULL WHERE kind = 2 AND lane = ?1";
    assert_eq!(world.write.raw().execute(sql, [chats[1].0]).unwrap(), 1);
    let taken = world.claim(9, t(3));
    let receipts = taken.iter().filter(|job| matches!(job.kind, JobKind::ReadReceipt { .. }));
    assert_eq!(receipts.count(), 2);
    let left: i64 = world
        .write
        .raw()
        .query_row("SELECT count(*) FROM outbox WHERE wamid IS NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "it does not come up again with the next sender");
}

#[test]
fn a_download_that_cannot_be_read_is_put_aside_and_the_others_go() {
    let mut world = World::new();
    let picture = |n: u8| {
        let media =
            Media { id: Some(MediaId::new(format!("m{n}"))), ..Media::new(MediaKind::Image) };
        let body = Body::Media { media, caption: None };
        item(ItemKind::Message(inbound(
            &format!("wamid.{n}"),
            phone(&format!("4915{n}")),
            t(1),
            body,
        )))
    };
    let ids: Vec<_> = (0..3).map(|n| world.post(&[picture(n)]).0.messages[0]).collect();
    let sql = "UPDATE message SET kind = 8, extra = '{' WHERE id = ?1";
    assert_eq!(world.write.raw().execute(sql, [ids[1].0]).unwrap(), 1);
    let downloads = |jobs: &[Job]| -> Vec<MessageId> {
        jobs.iter()
            .filter_map(|job| match &job.kind {
                JobKind::MediaDownload { message, .. } => Some(*message),
                _ => None,
            })
            .collect()
    };
    let account = world.account;
    let waiting = outbox::next_due(&world.read, account, ROOM, &BTreeSet::new()).unwrap();
    assert!(waiting.is_some(), "a picture is fetched by itself");
    assert_eq!(downloads(&world.claim(9, t(3))), [ids[0], ids[2]]);
    assert!(world.claim(9, t(3) + Duration::from_secs(60)).is_empty());
}

const ROOM: Room = Room { messages: 9, receipts: 9, files: 9 };
