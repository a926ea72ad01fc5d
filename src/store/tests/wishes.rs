//! Who wants no marketing, how that becomes known, and how it is taken back.

use super::waits::{failed, wants};
use super::*;
use crate::domain::message::ReplyKind;
use crate::domain::outbox::Decision;
use crate::domain::state::HoldReason;
use crate::domain::template::{Category, SentTemplate};
use crate::domain::window::Outside;
use crate::domain::wish::{How, Wish};
use crate::store::conversation::begin_conversation_with_user;
use crate::store::outbox::{Terms, decide, enqueue_on};
use crate::store::wish;

impl World {
    fn opted_out(&self, conversation: ConversationId) -> Option<Timestamp> {
        crate::store::list::conversation(&self.read, conversation).unwrap().opted_out
    }

    fn wishes(&self, conversation: ConversationId) -> Vec<Wish> {
        let page = crate::domain::page::MessagePage::Newest;
        message::messages(&self.read, conversation, page, 1).unwrap().wishes
    }

    fn offer() -> Body {
        Body::Template(Box::new(SentTemplate {
            name: "offer".to_owned(),
            language: "en".to_owned(),
            category: Some(Category::Marketing),
            ..SentTemplate::default()
        }))
    }

    fn begin_user(&mut self, id: &str) -> ConversationId {
        let account = self.account;
        self.do_it(|tx| begin_conversation_with_user(tx, account, &UserId::new(id), t(0)))
    }

    fn person(&mut self, conversation: ConversationId, stop: bool, at: Timestamp) {
        self.do_it(|tx| wish::decide(tx, conversation, stop, "ana", at));
    }

    fn refuses(&mut self, conversation: ConversationId, body: Body, terms: Terms) -> Error {
        let new = NewMessage {
            account: self.account,
            conversation,
            body,
            reply_to: None,
            priority: Priority::Person,
        };
        self.write.write(|tx| enqueue_on(tx, &new, &terms, t(50))).unwrap_err()
    }
}

#[test]
fn a_keyword_or_a_button_with_it_opts_out_and_in() {
    let mut world = World::new().under(keywords());
    world.post(&[heard("w1", phone("1"), t(1), "stop sending me pictures")]);
    let a = world.begin("1");
    assert_eq!(world.opted_out(a), None);
    world.post(&[heard("w2", phone("1"), t(2), " Parar\n")]);
    assert_eq!(world.opted_out(a), Some(t(2)));
    world.post(&[heard("w3", phone("1"), t(3), "start")]);
    assert_eq!(world.opted_out(a), None);
    let button = Body::Reply {
        kind: ReplyKind::TemplateButton,
        id: None,
        title: "STOP".to_owned(),
        detail: None,
    };
    world.post(&[item(ItemKind::Message(inbound("w4", phone("1"), t(4), button)))]);
    assert_eq!(world.opted_out(a), Some(t(4)));
    let how: Vec<How> = world.wishes(a).into_iter().map(|wish| wish.how).collect();
    assert_eq!(how, ["Parar", "start", "STOP"].map(|word| How::Wrote(word.to_owned())));
    world.sound();
}

#[test]
fn a_keyword_in_a_group_is_not_said_to_us() {
    let mut world = World::new().under(keywords());
    let mut said = inbound("w1", phone("1"), t(1), text("STOP"));
    said.group = Some("group".to_owned());
    world.post(&[item(ItemKind::Message(said))]);
    let a = world.begin("1");
    assert_eq!(world.opted_out(a), None);
}

#[test]
fn who_opted_out_before_the_first_message_is_known_from_the_start() {
    let mut world = World::new();
    world.post(&[wants("stop", t(1))]);
    let a = world.begin("1");
    assert_eq!(world.opted_out(a), Some(t(1)));
    world.sound();
}

#[test]
fn a_wish_that_is_no_known_word_changes_nothing_and_is_kept() {
    let mut world = World::new();
    let a = world.begin("1");
    world.post(&[wants("STOP", t(1))]);
    let (done, _) = world.post(&[wants("perhaps", t(2))]);
    assert_eq!(done.unknown, 1);
    assert_eq!(world.opted_out(a), Some(t(1)), "Meta's word counts in any case");
}

#[test]
fn what_a_person_undoes_stays_undone_until_the_contact_says_so_again() {
    let mut world = World::new();
    let a = world.begin("1");
    world.post(&[wants("stop", t(10))]);
    // Our clock is behind Meta's.
    world.person(a, false, t(5));
    assert_eq!(world.opted_out(a), None);
    world.post(&[wants("stop", t(9))]);
    assert_eq!(world.opted_out(a), None, "said before it was undone");
    let last = world.wishes(a).pop().unwrap();
    assert_eq!((last.stop, last.how), (false, How::Decided("ana".to_owned())));
    world.post(&[wants("stop", t(11))]);
    assert_eq!(world.opted_out(a), Some(t(11)));
    world.person(a, false, t(20));
    world.person(a, true, t(21));
    assert_eq!(world.opted_out(a), Some(t(21)));
    world.sound();
}

#[test]
fn marketing_to_who_opted_out_is_never_written() {
    let mut world = World::new();
    world.post(&[heard("w1", phone("1"), t(1), "hi"), wants("stop", t(2))]);
    let a = world.begin("1");
    let offer = World::offer();
    let later = Terms { at: Some(t(500)) };
    for terms in [Terms::default(), later] {
        let refused = world.refuses(a, offer.clone(), terms);
        assert_eq!(refused, Error::Forbidden(HoldReason::OptedOut));
    }
    let utility = world.template(a, false, t(3));
    let free = world.say(a, "free text is no marketing", t(3));
    assert_eq!(sends(&world.claim(5, t(4))), [utility]);
    assert_eq!(world.state(free), State::Queued);
    world.person(a, false, t(5));
    world.write_on(a, offer, Terms::default(), t(6));
    world.sound();
}

#[test]
fn free_text_in_a_closed_window_is_never_written_but_may_be_planned() {
    let mut world = World::new();
    world.post(&[heard("w1", phone("1"), t(0) - std::time::Duration::from_secs(24 * 3600), "hi")]);
    let a = world.begin("1");
    let refused = world.refuses(a, text("too late"), Terms::default());
    assert_eq!(refused, Error::Forbidden(HoldReason::WindowClosed));
    let planned = world.write_on(a, text("they may write"), Terms { at: Some(t(90)) }, t(50));
    assert_eq!(world.state(planned), State::Scheduled);
    let rules = Rules { outside: Outside::Send, ..Rules::default() };
    let mut world = world.under(rules);
    let sent = world.say(a, "the config says so", t(51));
    let job = world.claim(5, t(52)).remove(0);
    assert_eq!(sends(std::slice::from_ref(&job)), [sent]);
    world.record(&job, &accepted("wamid.1"), t(53));
    world.tend_at(t(90));
    assert_eq!(world.state(planned), State::Queued, "what comes due goes as well");
    world.sound();
}

#[test]
fn an_offer_that_is_scheduled_is_held_when_they_opt_out_and_goes_when_that_is_undone() {
    for choose in [false, true] {
        let mut world = World::new();
        let a = world.begin("1");
        let id = world.write_on(a, World::offer(), Terms { at: Some(t(100)) }, t(1));
        world.post(&[wants("stop", t(50))]);
        world.tend_at(t(100));
        assert_eq!(world.held(id), Some(HoldReason::OptedOut));
        assert!(world.claim(5, t(101)).is_empty());
        if choose {
            world.do_it(|tx| decide(tx, &[id], Decision::WhenPossible, t(102)));
            assert_eq!(world.held(id), Some(HoldReason::OptedOut));
        }
        world.person(a, false, t(103));
        let state = if choose { State::Queued } else { State::Held };
        assert_eq!(world.state(id), state, "it goes by itself when that was chosen");
        if !choose {
            world.do_it(|tx| decide(tx, &[id], Decision::Release, t(104)));
        }
        assert_eq!(sends(&world.claim(5, t(105))), [id]);
        world.sound();
    }
}

#[test]
fn a_refusal_opts_out_whoever_it_was_written_to() {
    let mut world = World::new();
    let a = world.begin("1");
    world.template(a, true, t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &accepted("wamid.1"), t(3));
    for _ in 0..2 {
        world.post(&[failed("wamid.1", 131_050, t(4))]);
    }
    assert_eq!(world.opted_out(a), Some(t(4)));
    let told = Wish { at: t(4), stop: true, how: How::Refused };
    assert_eq!(world.wishes(a), [told], "once, however often it is told");
    world.sound();
}

#[test]
fn a_wish_goes_with_the_person_when_two_contacts_turn_out_to_be_one() {
    let mut world = World::new();
    world.post(&[
        heard("w1", phone("1"), t(1), "hi"),
        item(ItemKind::Message(inbound("w2", user("US.1"), t(2), text("hi")))),
        wants("stop", t(3)),
    ]);
    world.sound();
    let by_user = world.begin_user("US.1");
    assert_eq!(world.opted_out(by_user), None);
    world.post(&[heard("w3", both("1", "US.1"), t(4), "it is me")]);
    assert_eq!(world.opted_out(by_user), Some(t(3)));
    world.sound();
}
