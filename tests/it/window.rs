//! The window and opt-outs, as the person at the screen meets them, with the real sender and the simulator.

use std::time::Duration;

use twoticks::domain::health::Waiting;
use twoticks::domain::id::{ConversationId, MessageId};
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::domain::state::{HoldReason, State};
use twoticks::domain::template::{Category, SentTemplate};
use twoticks::domain::window::Outside;
use twoticks::domain::wish::Keywords;
use twoticks::store::outbox::{self, Terms};
use twoticks::store::{Rules, account, conversation, message};

use crate::desk::{Inbox, PATIENCE, Shop, ticks};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Bob wrote a day and a minute ago, and is being answered.
fn too_late(shop: &Shop) -> Inbox {
    let mut inbox = shop.open_standing();
    inbox.go_live(shop);
    shop.sim.say("Bob", "do you have it in blue?").unwrap();
    inbox.until_text("Unread 1");
    inbox.keys("l");
    inbox.until_text("Unread 0");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().marked_read > 0));
    shop.pass(DAY + Duration::from_secs(60));
    inbox.keys("i");
    // Where only a template may be sent, the picker stands in front of the composer.
    if shop.rules.outside == Outside::Refuse {
        inbox.until_text("Only a template may be sent");
        inbox.keys("<Esc>");
    }
    inbox.until_text("window closed since");
    inbox
}

#[test]
fn an_expired_window_refuses_before_any_request_leaves() {
    let shop = Shop::new();
    let mut inbox = too_late(&shop);
    let before = shop.sim.with_world(|world| world.counts().requests);
    inbox.keys("yes, in blue<Enter>");
    inbox.until_text("Not sent: the 24-hour window closed");
    inbox.keys("<Esc>");
    assert!(inbox.screen().contains("Not sent: the 24-hour window closed"), "{}", inbox.screen());
    assert!(inbox.screen().contains("> yes, in blue"), "the text stays");
    inbox.settle();
    let counts = shop.sim.with_world(|world| world.counts());
    assert_eq!((counts.requests, counts.accepted, counts.refused), (before, 0, 0));
    // Nothing was written either that could leave later.
    let waiting = shop.read();
    let account = account::accounts(&waiting).unwrap()[0].id;
    assert_eq!(outbox::queue_counts(&waiting, account).unwrap(), Waiting::default());
    inbox.quit();
}

#[test]
fn the_config_sends_it_all_the_same_and_the_refusal_is_shown() {
    let mut shop = Shop::new();
    shop.rules = Rules { outside: Outside::Send, ..Rules::default() };
    let mut inbox = too_late(&shop);
    inbox.keys("yes, in blue<Enter>");
    inbox.until("the warning", |screen| screen.contains("WhatsApp may refuse it"));
    inbox.until_tick("yes, in blue", "◌");
    shop.step();
    inbox.until_tick("yes, in blue", "✗");
    inbox.until("the reason and the keys", |screen| {
        screen.contains("131047") && screen.contains("t template")
    });
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 1);
    inbox.quit();
}

/// Writes an offer to somebody for a time to come, as another process does.
fn schedule_offer(shop: &Shop, number: &str, after: Duration) -> (ConversationId, MessageId) {
    let now = shop.standing_now();
    let account = account::accounts(&shop.read()).unwrap()[0].id;
    let number = twoticks::domain::id::WaId::new(number);
    let mut store = shop.other_process();
    let offer = SentTemplate {
        name: "offer".to_owned(),
        language: "en".to_owned(),
        category: Some(Category::Marketing),
        text: "20 % off".to_owned(),
        ..SentTemplate::default()
    };
    let written = store.write(|tx| {
        let conversation = conversation::begin_conversation(tx, account, &number, now)?;
        let new = NewMessage {
            account,
            conversation,
            body: Body::Template(Box::new(offer.clone())),
            reply_to: None,
            priority: Priority::Person,
        };
        let terms = Terms { at: Some(now + after) };
        Ok((conversation, outbox::enqueue_on(tx, &new, &terms, now)?))
    });
    written.unwrap().0
}

#[test]
fn who_writes_stop_gets_no_offer_until_a_person_undoes_it() {
    let mut shop = Shop::new();
    let words = |word: &str| vec![word.to_owned()];
    let keywords = Keywords { stop: words("STOP"), allow: words("START") };
    shop.rules = Rules { keywords, ..Rules::default() };
    let mut inbox = shop.open_standing();
    inbox.go_live(&shop);
    shop.sim.say("Bob", "do you have it in blue?").unwrap();
    inbox.until_text("Unread 1");
    let hour = Duration::from_secs(3600);
    let (_, offer) = schedule_offer(&shop, "15551230002", hour);
    shop.sim.say("Bob", "stop").unwrap();
    inbox.keys("l");
    inbox.until("who opted out, and by what", |screen| {
        screen.contains("no marketing") && screen.contains("they wrote \"stop\"")
    });
    // Its hour comes: it is held, and says why.
    shop.pass(hour + Duration::from_secs(60));
    shop.sim.say("Bob", "are you there?").unwrap();
    inbox.until_text("are you there?");
    inbox.until_tick("[template] offer", "||");
    let held = message::message(&shop.read(), offer).unwrap();
    assert_eq!(held.hold.map(|hold| hold.reason), Some(HoldReason::OptedOut));
    inbox.until_text("do not want marketing");

    // Undone, with the name of who did; what was held goes when the person lets it.
    inbox.keys("M");
    inbox.until_text("Allow marketing to Bob");
    inbox.keys("y");
    inbox.until_text("Marketing allowed again by sol");
    assert_eq!(message::message(&shop.read(), offer).unwrap().state, State::Held);
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 0);
    inbox.keys("R");
    inbox.until_text("This message");
    inbox.keys("s");
    let asked = |screen: &str| ticks(screen, "[template] offer").is_some_and(|tick| tick != "||");
    inbox.until("the offer on its way", asked);
    inbox.quit();
}
