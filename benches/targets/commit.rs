//! T1: one durable commit.

use std::path::Path;

use twoticks::api::{signature, webhook};
use twoticks::domain::conversation::Draft;
use twoticks::domain::id::{ConversationId, WaId};
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::store::conversation::{begin_conversation, save_draft};
use twoticks::store::ingest::{RawPost, ingest};
use twoticks::store::outbox;

use crate::disk::Append;
use crate::harness::{Target, in_turn, ratio, timed, told};
use crate::http::body;
use crate::shop::{PHONE_NUMBER, Shop, now};

const COMMITS: u32 = 300;
const PEOPLE: u32 = 100;

/// Three commits of the program, each alone in its transaction. The target is about the bare commit, which a
/// draft is: one row, and the conversation's. A message that is queued (its row, timeline, outbox and
/// conversation, with their indexes) changes some 15 pages, a webhook with one text (with the raw event, what
/// it changed, and what is known of its sender) some 20; they are printed for what they are. The text index
/// follows the commits, as in the program: once for some 256 messages here, within the time.
pub(crate) fn run(dir: &Path) -> bool {
    let mut shop = Shop::open(dir);
    let people = people(&mut shop);
    let mut floor = Append::in_dir(shop.database().parent().expect("directory"));
    let (mut drafts, mut sends, mut posts) = (0, 0, 0);
    let shop = std::cell::RefCell::new(shop);
    let [draft, send, post, append] = in_turn([
        &mut || rate(|| save(&mut shop.borrow_mut(), &people, &mut drafts)),
        &mut || rate(|| queue(&mut shop.borrow_mut(), &people, &mut sends)),
        &mut || receive(&mut shop.borrow_mut(), &mut posts),
        &mut || floor.rate(COMMITS),
    ]);
    let one_row = ratio("commit of one row (a draft)", "/s", draft, append, Target::AtLeast(0.85));
    told("commit of a queued message", "/s", send, append);
    told("commit of a webhook with one message", "/s", post, append);
    one_row
}

fn rate(mut commit: impl FnMut()) -> f64 {
    let ((), took) = timed(|| (0..COMMITS).for_each(|_| commit()));
    f64::from(COMMITS) / took.as_secs_f64()
}

/// None of them ever writes: the window of those in the webhooks closed long ago.
fn people(shop: &mut Shop) -> Vec<ConversationId> {
    let account = shop.account;
    let begin = |tx: &mut twoticks::store::Tx<'_>| {
        (0..PEOPLE)
            .map(|n| begin_conversation(tx, account, &WaId::new(format!("1666{n:07}")), now()))
            .collect()
    };
    shop.store.write(begin).expect("people").0
}

fn save(shop: &mut Shop, people: &[ConversationId], count: &mut usize) {
    *count += 1;
    let conversation = people[*count % people.len()];
    let draft =
        |number: usize| Draft { text: format!("half a thought, number {number}"), reply_to: None };
    let seen = count.checked_sub(people.len()).filter(|number| *number > 0).map(draft);
    let (seen, draft) = (seen.unwrap_or_default(), draft(*count));
    shop.store.write(|tx| save_draft(tx, conversation, &draft, &seen, now())).expect("draft");
}

fn queue(shop: &mut Shop, people: &[ConversationId], count: &mut usize) {
    *count += 1;
    let new = NewMessage {
        account: shop.account,
        conversation: people[*count % people.len()],
        body: Body::Text {
            text: format!("your parcel number {count} has left the warehouse and arrives tomorrow"),
            preview_url: false,
        },
        reply_to: None,
        priority: Priority::Person,
    };
    shop.store.write(|tx| outbox::enqueue(tx, &new, now())).expect("message");
}

/// Webhooks per second; they are made and parsed outside the clock.
fn receive(shop: &mut Shop, count: &mut usize) -> f64 {
    let mut posts: Vec<_> = (0..COMMITS)
        .map(|_| {
            *count += 1;
            let body = body(*count, PHONE_NUMBER).into_bytes();
            let items = webhook::parse(&body).expect("a webhook");
            (RawPost { sha256: signature::sha256(&body), body, received_at: now() }, items)
        })
        .collect();
    rate(|| {
        let (post, items) = posts.pop().expect("one for each commit");
        let at = post.received_at;
        let (done, _) = shop.store.write(|tx| ingest(tx, &post, &items, at)).expect("webhook");
        assert_eq!(done.messages.len(), 1, "not applied");
    })
}
