use super::*;
use crate::store::outbox;

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
