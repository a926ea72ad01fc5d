//! What is typed and not sent.

use super::*;
use crate::domain::conversation::Draft;
use crate::store::conversation::save_draft;
use crate::store::{list, message};

fn draft(text: &str) -> Draft {
    Draft { text: text.to_owned(), reply_to: None }
}

impl World {
    fn save(&mut self, chat: ConversationId, seen: &str, text: &str, at: i64) {
        self.do_it(|tx| save_draft(tx, chat, &draft(text), &draft(seen), t(at)));
    }

    fn draft(&self, chat: ConversationId) -> Option<Draft> {
        list::conversation(&self.read, chat).unwrap().draft
    }
}

#[test]
fn a_message_of_another_process_leaves_the_draft() {
    let mut world = World::new();
    let a = world.begin("1");
    world.save(a, "", "a long careful answer", 1);
    let id = world.say(a, "a script says", t(2));
    let chat = list::conversation(&world.read, a).unwrap();
    assert_eq!((chat.draft, chat.waiting), (Some(draft("a long careful answer")), 1));
    assert_eq!(chat.preview.unwrap().message, id);
    world.sound();
}

#[test]
fn a_draft_is_cleared_by_who_saw_it_whole() {
    let mut world = World::new();
    let a = world.begin("1");
    world.save(a, "", "hello", 1);
    world.save(a, "hello", "", 2);
    assert_eq!(world.draft(a), None);
    world.save(a, "", "hello", 3);
    world.save(a, "hello", "hello, and more", 4);
    world.save(a, "hello", "", 5);
    assert_eq!(world.draft(a), Some(draft("hello, and more")));
    world.sound();
}

#[test]
fn a_save_that_did_not_see_what_is_stored_keeps_both() {
    let mut world = World::new();
    let a = world.begin("1");
    world.save(a, "", "one", 1);
    world.save(a, "", "two", 2);
    assert_eq!(world.draft(a), Some(draft("one\n\ntwo")));
    // It is not told yet that its draft is a part of another one.
    world.save(a, "two", "two and a half", 3);
    assert_eq!(world.draft(a), Some(draft("one\n\ntwo and a half")));
    world.sound();
}

#[test]
fn a_draft_typed_on_after_its_conversation_became_another_keeps_both() {
    for typed_in in [0, 1] {
        let mut world = World::new();
        world.post(&[heard("w1", phone("1"), t(1), "by number")]);
        world.post(&[heard("w2", user("DE.1"), t(2), "by user id")]);
        let chats = list_of(&world);
        let texts = ["for N", "for U"];
        for (chat, text) in chats.iter().zip(texts) {
            world.save(*chat, "", text, 3);
        }
        world.post(&[heard("w3", both("1", "DE.1"), t(5), "together")]);
        let text = texts[typed_in];
        world.save(chats[typed_in], text, &format!("{text}x"), 6);
        let kept = world.draft(chats[0]).unwrap().text;
        let whole = "for N\n\nfor U".replace(text, &format!("{text}x"));
        assert_eq!(kept, whole);
        world.sound();
    }
}

/// The conversations by their age.
fn list_of(world: &World) -> Vec<ConversationId> {
    ["w1", "w2"]
        .into_iter()
        .map(|wamid| {
            let found =
                message::message_by_wamid(&world.read, world.account, &Wamid::new(wamid)).unwrap();
            found.unwrap().conversation
        })
        .collect()
}

#[test]
fn a_reply_without_a_text_adds_no_empty_paragraph_to_the_other_draft() {
    let mut world = World::new();
    let (told, _) = world.post(&[heard("w1", phone("1"), t(1), "by number")]);
    world.post(&[heard("w2", user("DE.1"), t(2), "by user id")]);
    let chats = list_of(&world);
    let reply = Draft { text: String::new(), reply_to: Some(told.messages[0]) };
    world.do_it(|tx| save_draft(tx, chats[0], &reply, &Draft::default(), t(3)));
    world.save(chats[1], "", "words", 4);
    world.post(&[heard("w3", both("1", "DE.1"), t(5), "together")]);
    let kept = world.draft(chats[0]);
    assert_eq!(kept, Some(Draft { text: "words".to_owned(), ..reply }));
    world.sound();
}
