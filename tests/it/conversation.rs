//! Whole conversations, as the person at the screen sees them: keys in, a screen out, and between the two a
//! real SQLite file, the real sender and listener, and the simulator on loopback.

use std::net::TcpListener;
use std::time::Duration;

use twoticks::domain::id::{PhoneNumberId, WaId};
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::sim::{Fault, PostOutcome, World};
use twoticks::store::{account, conversation, outbox};

use crate::desk::{Inbox, PATIENCE, STEP, Shop, loopback, nobody, ticks};

const ANA: &str = "+15551230001";
const BOB: &str = "+15551230002";

/// Sends a text in the open conversation.
fn send(inbox: &mut Inbox, text: &str) {
    inbox.keys(&format!("{text}<Enter>"));
    inbox.until(text, |screen| ticks(screen, text).is_some());
}

#[test]
fn a_message_goes_through_every_tick_and_is_answered() {
    let shop = Shop::new();
    let mut inbox = shop.open();
    inbox.begin(ANA);
    send(&mut inbox, "is this the one?");
    inbox.until_tick("is this the one?", "⋯");

    // Its answer is held back, so that it can be seen being sent.
    shop.sim.with_world(|world| world.fail_next(&Fault::Delay(STEP / 2), 1));
    inbox.go_live(&shop);
    inbox.until_tick("is this the one?", "▸");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    shop.pass(STEP / 2);
    inbox.until_tick("is this the one?", "◌");
    shop.pass(STEP / 2);
    inbox.until_tick("is this the one?", "✓");
    shop.step();
    inbox.until_tick("is this the one?", "✓✓");
    assert!(!inbox.driver.memory().bold().contains("✓✓"), "bold is for read");
    shop.step();
    inbox.until_bold("is this the one?", "✓✓");

    // Ana answers, and is called by her name from here on.
    shop.step();
    inbox.until("the answer", |screen| screen.contains(" «  "));
    inbox.until_text("│ Ana  +1 555-123-0001");
    inbox.until_text("window 23h59m");
    assert!(shop.sim.wait_until(PATIENCE, World::is_idle));
    inbox.quit();
}

#[test]
fn a_file_is_sent_by_key_with_what_is_written_as_its_words() {
    let shop = Shop::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("menu.pdf"), "soup, 5").unwrap();
    let mut inbox = shop.open_live();
    shop.sim.say("Bob", "what is there today?").unwrap();
    inbox.until_text("what is there today?");
    inbox.keys("lithis is what there is");
    inbox.keys(&format!("<Ctrl-O>{}/me", dir.path().display()));
    inbox.until_text("menu.pdf");
    inbox.keys("<Tab><Enter>");
    inbox.until("the words, in the conversation", |screen| {
        screen.contains("this is what there is") && !screen.contains("Send a file")
    });
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    let log = shop.sim.with_world(|world| world.log_since(0));
    let sent = log.iter().rev().map(|logged| &logged["request"]);
    let body = sent.into_iter().find(|body| body["type"] == "document").unwrap();
    assert_eq!(body["type"], "document", "{body}");
    assert_eq!(body["document"]["caption"], "this is what there is", "{body}");
    assert_eq!(body["document"]["filename"], "menu.pdf", "{body}");
    inbox.quit();
}

#[test]
fn what_comes_in_is_unread_until_it_is_seen_and_can_be_quoted() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let wamid = shop.sim.say("Bob", "do you have it in blue?").unwrap();
    inbox.until("one unread", |screen| screen.contains("Unread 1") && screen.contains("Bob"));
    assert_eq!(inbox.driver.memory().bells, 1);
    shop.sim.say("Bob", "or in green?").unwrap();
    inbox.until("the newest text in the list", |screen| screen.contains("or in green?"));
    inbox.until_text("Unread 1");

    inbox.keys("l");
    inbox.until("all read", |screen| {
        screen.contains("Unread 0") && screen.contains("do you have it in blue?")
    });
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().marked_read > 0));

    inbox.keys("kkr");
    inbox.until("the message to quote, over the composer", |screen| {
        screen.contains("INSERT") && screen.matches("do you have it in blue?").count() == 2
    });
    inbox.keys("yes, in blue<Enter>");
    inbox.until("the quote above the reply", |screen| {
        ticks(screen, "| Bob: do you have it in blue?").is_some() && screen.contains("yes, in blue")
    });
    assert!(shop.sim.wait_until(PATIENCE, |world| !world.accepted().is_empty()));
    let quoted =
        shop.sim.with_world(|world| world.accepted()[0].body["context"]["message_id"].clone());
    assert_eq!(quoted, wamid);

    // Unread again by hand.
    inbox.keys("<Esc>U");
    inbox.until_text("Unread 1");
    inbox.quit();
}

#[test]
fn a_failure_says_why_and_can_be_tried_again_or_dropped() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin("+15551230404");
    send(&mut inbox, "anybody there?");
    inbox.until_tick("anybody there?", "◌");
    shop.step();
    inbox.until_tick("anybody there?", "✗");
    inbox.until("the reason and the keys", |screen| {
        screen.contains("131026") && screen.contains("R send again") && screen.contains("fail 1")
    });

    inbox.keys("<Esc>R");
    inbox.until_text("This message");
    inbox.keys("s");
    inbox.until_tick("anybody there?", "◌");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 2));
    shop.step();
    inbox.until_tick("anybody there?", "✗");

    inbox.keys("R");
    inbox.until_text("This message");
    inbox.keys("d");
    inbox.until_tick("anybody there?", "⊘");
    inbox.until_text("fail 0");
    inbox.quit();
}

#[test]
fn an_unknown_outcome_is_shown_as_unknown_until_its_proof_comes() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    shop.sim.with_world(|world| {
        world.set_webhooks(false);
        world.fail_next(&Fault::LoseAnswer, 1);
    });
    inbox.begin(BOB);
    send(&mut inbox, "did you get this?");
    inbox.until_tick("did you get this?", "?");
    inbox.until("what is known and what can be done", |screen| {
        screen.contains("not known whether it was accepted")
            && screen.contains("R send again or drop")
    });
    shop.step();
    shop.sim.with_world(|world| world.set_webhooks(true));
    shop.sim.tick();
    inbox.until_tick("did you get this?", "✓");
    inbox.until("the doubt is gone", |screen| !screen.contains("not known whether"));
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 1);
    inbox.quit();
}

#[test]
fn what_was_written_is_there_again_sent_or_not() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(BOB);
    send(&mut inbox, "sent before the night");
    inbox.until_tick("sent before the night", "◌");
    shop.step();
    inbox.until_tick("sent before the night", "✓");
    inbox.keys("half a thou");
    inbox.until_text("half a thou");
    // Not with Ctrl-C, which would clear the line.
    inbox.keys("<Esc><Esc>");
    inbox.quit();

    // Meta goes on while nobody looks, and tries again until somebody hears it.
    shop.step();
    assert!(shop.sim.wait_until(PATIENCE, |world| {
        world.posted().iter().any(|posted| matches!(posted.outcome, PostOutcome::Failed(_)))
    }));
    let mut inbox = shop.open_live();
    inbox.until_text("half a thou");
    inbox.keys("i");
    inbox.until("the draft and the message", |screen| {
        screen.contains("> half a thou") && ticks(screen, "sent before the night") == Some("✓")
    });
    shop.pass(Duration::from_secs(3600));
    inbox.until_bold("sent before the night", "✓✓");
    inbox.keys("ght<Enter>");
    inbox.until_tick("half a thought", "◌");
    inbox.quit();
}

#[test]
fn a_closed_window_is_refused_before_anything_is_sent_and_the_text_stays() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    shop.sim
        .with_world(|world| {
            let yesterday = twoticks::domain::time::Timestamp::from_millis(
                shop.now().millis() - 25 * 3_600_000,
            );
            world.say("Bob", "see you", yesterday)
        })
        .unwrap();
    inbox.until_text("see you");
    inbox.keys("<Enter>");
    inbox.until_text("The 24-hour window closed");
    inbox.keys("<Esc>too late now<Enter>");
    inbox.until("the refusal, and what may be sent", |screen| {
        screen.contains("Not sent: the 24-hour window closed") && screen.contains("can be sent")
    });
    inbox.keys("<Esc>");
    inbox.until("the text, and why it was not sent", |screen| {
        screen.contains("Not sent: the 24-hour window closed") && screen.contains("> too late now")
    });
    let counts = shop.sim.with_world(|world| world.counts());
    assert_eq!(counts.accepted + counts.refused, 0);
    inbox.keys("<Esc>");
    inbox.quit();
}

#[test]
fn what_another_process_writes_appears() {
    let shop = Shop::new();
    let mut inbox = shop.open();
    let account = account::accounts(&shop.read()).unwrap()[0].id;
    let now = shop.now();
    shop.other_process()
        .write(|tx| {
            let number = WaId::new("15551230002");
            let conversation = conversation::begin_conversation(tx, account, &number, now)?;
            let body = Body::Text { text: "from the shell".to_owned(), preview_url: false };
            let priority = Priority::Person;
            outbox::enqueue(
                tx,
                &NewMessage { account, conversation, body, reply_to: None, priority },
                now,
            )
        })
        .unwrap();
    inbox.until("the other's message", |screen| {
        screen.contains("from the shell") && screen.contains("queue 1")
    });
    inbox.quit();
}

#[test]
fn a_refused_token_keeps_the_queue_until_it_is_taken_again() {
    let shop = Shop::new();
    shop.sim.with_world(|world| world.expire_token(true));
    let mut inbox = shop.open_live();
    inbox.begin(BOB);
    send(&mut inbox, "one");
    inbox.until("the trouble with the account", |screen| {
        screen.contains("! Account:") && screen.contains("queue 1")
    });
    inbox.until_tick("one", "⋯");

    shop.sim.with_world(|world| world.expire_token(false));
    // What a person sends is a reason to look again at once.
    send(&mut inbox, "two");
    inbox.until_tick("one", "◌");
    inbox.until_tick("two", "◌");
    inbox.until("no trouble", |screen| !screen.contains("! Account:"));
    inbox.quit();
}

#[test]
fn without_a_token_a_network_and_a_port_what_is_typed_is_queued() {
    let taken = TcpListener::bind(loopback(0)).unwrap();
    let mut shop = Shop::new();
    shop.token = None;
    shop.base_url = Some(nobody());
    shop.listen = taken.local_addr().unwrap();
    let port = shop.listen.port();
    let mut inbox = shop.open();
    inbox.start_net();
    inbox.until("the troubles", |screen| {
        screen.contains("! Account:") && screen.contains(&format!("port {port} is taken"))
    });
    inbox.begin(BOB);
    send(&mut inbox, "for later");
    inbox.until_tick("for later", "⋯");
    inbox.until_text("queue 1");
    inbox.quit();

    // A token, but still no network.
    shop.token = Some(shop.world.token.clone());
    let mut inbox = shop.open();
    inbox.start_net();
    inbox.until_text("! Nothing is being sent:");
    inbox.keys("l");
    inbox.until_tick("for later", "⋯");
    inbox.until_text("queue 1");
    inbox.quit();

    // Everything is there.
    drop(taken);
    shop.base_url = None;
    let mut inbox = shop.open_live();
    inbox.keys("l");
    inbox.until_tick("for later", "◌");
    inbox.until("no trouble", |screen| !screen.contains(" ! "));
    inbox.quit();
}

#[test]
fn nothing_is_drawn_when_nothing_shown_changed() {
    let shop = Shop::new();
    let mut inbox = shop.open_standing();
    inbox.begin(BOB);
    send(&mut inbox, "nobody sends this yet");
    inbox.until_text("queue 1");
    inbox.settle();
    let frames = inbox.driver.memory().frames;
    for round in 0..3 {
        // Another process writes something that this screen does not show; it is heard of all the same.
        let heard = inbox.until_heard(|| {
            let new = account::NewAccount {
                name: format!("other {round}"),
                phone_number: PhoneNumberId::new("1"),
                waba: None,
                display_number: None,
            };
            let now = shop.now();
            shop.other_process().write(|tx| account::upsert_account(tx, &new, now)).unwrap();
        });
        assert!(heard.everything, "{heard:?}");
        inbox.settle();
    }
    assert_eq!(inbox.driver.memory().frames, frames, "{}", inbox.screen());
}
