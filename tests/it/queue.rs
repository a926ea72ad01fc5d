//! The queue screen and `twoticks outbox` as a person uses them, over the real services and the simulator.

use twoticks::domain::outbox::Decision;
use twoticks::domain::page::Page;
use twoticks::domain::queue::QueueFilter;
use twoticks::sim::{Fault, World};
use twoticks::store::{account, outbox};

use crate::desk::{Inbox, PATIENCE, Shop};

const BOB: &str = "+15551230002";

/// Writes to a number that is not on WhatsApp, and waits until that is known.
fn fail(shop: &Shop, inbox: &mut Inbox, text: &str) {
    inbox.begin("+15551230404");
    inbox.keys(&format!("{text}<Enter>"));
    inbox.until_tick(text, "◌");
    shop.step();
    inbox.until_tick(text, "✗");
    inbox.keys("<Esc><Esc>");
}

/// Writes to Bob while the answer is lost.
fn lose(shop: &Shop, inbox: &mut Inbox, text: &str) {
    shop.sim.with_world(|world| {
        world.set_webhooks(false);
        world.fail_next(&Fault::LoseAnswer, 1);
    });
    inbox.begin(BOB);
    inbox.keys(&format!("{text}<Enter>"));
    inbox.until_tick(text, "?");
    inbox.keys("<Esc><Esc>");
}

/// Whether the queue shows that so many messages are in a state.
fn counts(screen: &str, words: &str) -> bool {
    screen.contains("QUEUE") && screen.contains(words)
}

#[test]
fn what_failed_is_explained_sent_again_and_dropped_from_the_queue() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    fail(&shop, &mut inbox, "anybody there?");
    inbox.keys("3");
    inbox.until("the failure with its reason", |screen| {
        counts(screen, "Failed 1")
            && screen.contains("anybody there?")
            && screen.contains("131026 The person cannot receive it")
    });

    inbox.keys("x");
    inbox.until("the explanation with the life of the message", |screen| {
        screen.contains("What went wrong")
            && screen.contains("Retried")
            && screen.contains("What happened")
            && screen.contains("request ")
    });
    inbox.keys("<Esc>");

    // In its conversation and back, with the same message selected.
    inbox.keys("<Enter>");
    inbox.until("the conversation", |screen| {
        screen.contains("CHAT") && screen.contains("✗ ▸anybody there?")
    });
    inbox.keys("<Esc>");
    inbox.until("the queue again", |screen| counts(screen, "Failed 1"));

    inbox.keys("R");
    inbox.until_text("1 message queued again.");
    inbox.until("nothing in the queue once it is accepted", |screen| counts(screen, "All 0"));
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 2);
    shop.step();
    inbox.until("the second failure", |screen| counts(screen, "Failed 1"));

    inbox.keys("d");
    inbox.until_text("Withdraw 1 message");
    inbox.keys("y");
    inbox.until("an empty queue", |screen| {
        counts(screen, "All 0") && screen.contains("Nothing waits, and nothing went wrong.")
    });
    inbox.quit();
}

#[test]
fn an_uncertain_message_is_sent_twice_only_after_a_yes() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    lose(&shop, &mut inbox, "did you get this?");
    inbox.keys("3");
    inbox.until("the doubt", |screen| {
        counts(screen, "Uncertain 1") && screen.contains("not known whether it was accepted")
    });
    inbox.keys("R");
    inbox.until_text("Send again 1 message");
    inbox.keys("n");
    inbox.settle();
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 1);
    inbox.keys("Ry");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 2));
    inbox.until("nothing in doubt", |screen| counts(screen, "Uncertain 0"));
    inbox.quit();
}

#[test]
fn paused_nothing_leaves_until_it_is_resumed() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.keys("3p");
    inbox.until("the pause", |screen| screen.contains("paused since"));
    inbox.keys("1");
    inbox.begin(BOB);
    inbox.keys("for later<Enter>");
    inbox.until_tick("for later", "⋯");
    inbox.keys("<Esc><Esc>3");
    inbox.until("it waits", |screen| counts(screen, "Waiting 1") && screen.contains("for later"));
    inbox.settle();
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 0);
    inbox.keys("p");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    inbox.until("nothing waits", |screen| {
        counts(screen, "Waiting 0") && !screen.contains("paused since")
    });
    inbox.quit();
}

#[test]
fn what_another_process_decides_is_seen_in_the_queue() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    fail(&shop, &mut inbox, "one");
    inbox.keys("3");
    inbox.until("the failure", |screen| counts(screen, "Failed 1"));
    let read = shop.read();
    let account = account::accounts(&read).unwrap()[0].id;
    let found = outbox::browse(&read, account, QueueFilter::Failed, Page::First, 10).unwrap();
    let id = found.rows[0].message.id;
    let now = shop.now();
    shop.other_process().write(|tx| outbox::decide(tx, &[id], Decision::Cancel, now)).unwrap();
    inbox.until("nothing failed", |screen| counts(screen, "Failed 0"));
    inbox.quit();
}

#[test]
fn a_message_for_later_is_shown_with_its_time_changed_and_sent_when_it_has_come() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(BOB);
    inbox.keys("good morning<Ctrl-R>+2h");
    inbox.until("the time in words", |screen| {
        screen.contains("Send later") && screen.contains("(+00:00), in 2h00m")
    });
    inbox.keys("<Enter>");
    inbox.until_tick("good morning", "@");
    inbox.until("the time and the key that changes it", |screen| {
        screen.contains("scheduled for") && screen.contains("R change")
    });
    inbox.settle();
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 0);

    inbox.keys("<Esc>R");
    inbox.until_text("other time");
    inbox.keys("t+2s<Enter>");
    assert!(shop.sim.wait_until(PATIENCE, |world: &World| world.counts().accepted == 1));
    inbox.until_tick("good morning", "◌");
    inbox.quit();
}

#[test]
fn a_message_for_later_that_is_held_and_let_go_keeps_its_time() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(BOB);
    inbox.keys("good night<Ctrl-R>+2h<Enter>");
    inbox.until_tick("good night", "@");
    inbox.keys("<Esc><Esc>3");
    inbox.until("it waits for its time", |screen| {
        counts(screen, "Scheduled 1") && screen.contains("good night")
    });
    inbox.keys("H");
    inbox.until("held by hand", |screen| counts(screen, "Held 1"));
    inbox.keys("R");
    inbox.until("it waits for its time again", |screen| {
        counts(screen, "Scheduled 1") && screen.contains("goes ")
    });
    inbox.settle();
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 0);
    inbox.quit();
}

#[test]
fn all_that_failed_goes_again_with_two_keys() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(BOB);
    for text in ["first", "second", "third"] {
        shop.sim.with_world(|world| world.fail_next(&Fault::Refuse(131_026), 1));
        inbox.keys(&format!("{text}<Enter>"));
        inbox.until_tick(text, "✗");
    }
    inbox.keys("<Esc><Esc>3");
    inbox.until("three failures", |screen| counts(screen, "Failed 3"));
    inbox.keys("a");
    inbox.until_text("3 marked");
    inbox.keys("R");
    inbox.until_text("3 messages queued again.");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 3));
    inbox.until("nothing failed", |screen| counts(screen, "Failed 0"));
    inbox.quit();
}
