//! What was typed and not sent is there again, whatever else wrote in the same conversation meanwhile.

use twoticks::domain::conversation::Filter;
use twoticks::domain::id::{AccountId, ConversationId, UserId, WaId};
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::domain::page::ListPage;
use twoticks::store::{account, conversation, list, outbox};

use crate::desk::Shop;

const BOB: &str = "+15551230002";

fn account(shop: &Shop) -> AccountId {
    account::accounts(&shop.read()).unwrap()[0].id
}

/// The drafts there are.
fn drafts(shop: &Shop) -> Vec<String> {
    let (read, account) = (shop.read(), account(shop));
    let page = ListPage::First;
    let found = list::conversations(&read, account, Filter::All, "", page, 50, shop.now()).unwrap();
    found.rows.into_iter().filter_map(|row| row.draft).map(|draft| draft.text).collect()
}

/// A number's conversation as another process begins it.
fn begin(shop: &Shop) -> ConversationId {
    let (account, now) = (account(shop), shop.now());
    let number = WaId::new(BOB.trim_start_matches('+'));
    let mut store = shop.other_process();
    store.write(|tx| conversation::begin_conversation(tx, account, &number, now)).unwrap().0
}

#[test]
fn two_drafts_of_contacts_that_turn_out_to_be_one_are_both_typed_on() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let (account, now) = (account(&shop), shop.now());
    shop.other_process()
        .write(|tx| {
            let user = UserId::new("US.15551230002");
            conversation::begin_conversation_with_user(tx, account, &user, now)
        })
        .unwrap();
    inbox.until_text("US.15551230002");
    inbox.keys("<Enter>draft for U<Esc>h");
    inbox.settle();
    inbox.begin(BOB);
    inbox.keys("draft for N<Esc>i");
    inbox.until_text("> draft for N");
    inbox.settle();
    let mut both = drafts(&shop);
    both.sort();
    assert_eq!(both, ["draft for N", "draft for U"]);

    shop.sim.say("Bob", "it is me").unwrap();
    inbox.until("both drafts", |screen| {
        screen.contains("draft for U")
            && screen.contains("draft for N")
            && screen.contains("it is me")
    });
    inbox.keys("x<Esc>");
    inbox.settle();
    inbox.quit();
    assert_eq!(drafts(&shop), ["draft for U\n\ndraft for Nx"]);
}

#[test]
fn a_message_from_the_shell_leaves_what_is_typed_in_the_inbox() {
    let shop = Shop::new();
    let mut inbox = shop.open();
    inbox.begin(BOB);
    inbox.keys("a long careful answer<Esc>");
    inbox.settle();
    let (account, conversation, now) = (account(&shop), begin(&shop), shop.now());
    let body = Body::Text { text: "a script says".to_owned(), preview_url: false };
    let new =
        NewMessage { account, conversation, body, reply_to: None, priority: Priority::Person };
    shop.other_process().write(|tx| outbox::enqueue(tx, &new, now)).unwrap();
    inbox.until_text("a script says");
    inbox.settle();
    assert!(inbox.screen().contains("> a long careful answer"), "{}", inbox.screen());
    inbox.quit();
    assert_eq!(drafts(&shop), ["a long careful answer"]);
    let mut inbox = shop.open();
    inbox.keys("l");
    inbox.until_text("> a long careful answer");
    inbox.quit();
}

#[test]
fn two_inboxes_on_one_conversation_keep_what_is_typed_in_both() {
    let shop = Shop::new();
    let mut first = shop.open();
    begin(&shop);
    let mut second = shop.open();
    for inbox in [&mut first, &mut second] {
        inbox.until_text("555-123-0002");
        inbox.keys("<Enter>");
        inbox.until_text("INSERT");
    }
    second.keys("typed in the second");
    first.keys("typed in the first<Esc>");
    first.settle();
    second.keys("<Esc>");
    second.settle();
    for inbox in [&mut first, &mut second] {
        inbox.until("both texts", |screen| {
            screen.contains("typed in the first") && screen.contains("typed in the second")
        });
    }
    second.quit();
    first.quit();
    assert_eq!(drafts(&shop), ["typed in the first\n\ntyped in the second"]);
}
