//! T5: a minute of as many webhooks as the platform sends at 1,000 messages a second, and a person who looks.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use twoticks::domain::conversation::Filter;
use twoticks::domain::id::{AccountId, ConversationId};
use twoticks::domain::page::{ListPage, MessagePage};
use twoticks::store::{ReadConn, list, message, search};
use twoticks::term::headless::Driver;

use crate::harness::{Target, figure, quantile, ratio, timed, told};
use crate::http::load;
use crate::shop::{self, PHONE_NUMBER, Shop, now};
use crate::webhook::Fresh;
use crate::{desk, fill};

/// Three statuses of each message sent, and some answers.
const RATE: usize = 3300;
const MINUTE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(15);
/// Webhooks come in portions of this time.
const PORTION: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 32;

/// On a copy of the store with a million messages. The disk is shared with whatever else runs: one run of a
/// minute, and the person's reads against the same reads before it.
pub(crate) fn run(dir: &Path) -> bool {
    let shop = Shop::over(dir, &fill::store(dir, 1_000_000));
    assert_eq!(shop.account, AccountId(1), "the account of the filled store is {PHONE_NUMBER}");
    let services = shop::start(shop.config("http://127.0.0.1:9".to_owned(), 80));
    let address = shop::address(&services);
    let log = shop.database().with_file_name("twoticks.db-wal");
    let database = shop.database();
    let (handles, account) = (desk::handles(&services), shop.account);
    let busy = AtomicBool::new(true);
    let (waiting, begun) = channel();
    let (idle, looks, took, mut latencies, longest) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut inbox = desk::open(handles, account, (200, 50));
            inbox.until(PATIENCE, |screen| screen.contains(fill::NEWEST_TEXT)).expect("list");
            let until = Instant::now() + IDLE;
            let idle = look(&database, &mut inbox, || Instant::now() < until);
            waiting.send(()).expect("the load");
            (idle, look(&database, &mut inbox, || busy.load(Ordering::Relaxed)))
        });
        begun.recv().expect("the person");
        let mut fresh = Fresh::default();
        let (start, mut latencies, mut longest) = (Instant::now(), Vec::new(), 0);
        let portions = (MINUTE.as_millis() / PORTION.as_millis()) as u32;
        let each = RATE * PORTION.as_millis() as usize / 1000;
        for portion in 1..=portions {
            latencies.extend(load(address, CONNECTIONS, &fresh.requests(each)).latencies);
            longest = longest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
            let due = start + PORTION * portion;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let took = start.elapsed();
        busy.store(false, Ordering::Relaxed);
        let (idle, looks) = looking.join().expect("reads");
        (idle, looks, took, latencies, longest)
    });
    let refused = services.health().refused.total();
    assert_eq!(refused, 0, "webhooks were refused");
    services.stop();
    let sustained = latencies.len() as f64 / took.as_secs_f64();
    let rate = ratio(
        "webhooks per second for a minute",
        "/s",
        sustained,
        RATE as f64,
        Target::AtLeast(0.99),
    );
    let (mut looks, mut idle) = (looks, idle);
    let reads = ratio(
        "p99 of list, page and search, scrolling",
        "ms",
        quantile(&mut looks.reads, 0.99),
        quantile(&mut idle.reads, 0.99),
        Target::AtMost(2.5),
    );
    told(
        "p99 from a page key to its frame",
        "ms",
        quantile(&mut looks.keys, 0.99),
        quantile(&mut idle.keys, 0.99),
    );
    let slowest = figure(
        "slowest webhook, its commit included",
        "ms",
        quantile(&mut latencies, 1.0),
        Target::AtMost(250.0),
    );
    let size =
        figure("longest log", "MiB", longest as f64 / f64::from(1 << 20), Target::AtMost(64.0));
    rate & reads & slowest & size
}

/// What a person saw: how long the reads of a screen took, and a key until its frame, in milliseconds.
#[derive(Default)]
struct Seen {
    reads: Vec<f64>,
    keys: Vec<f64>,
}

/// What the screen asks for, every 10 ms, each time further down the list and up the conversation, and at
/// their ends from the start; and a page key in the real inbox, every fifth time.
fn look(database: &Path, inbox: &mut Driver, goes_on: impl Fn() -> bool) -> Seen {
    let read = ReadConn::open(database).expect("store");
    let mut seen = Seen::default();
    let (mut in_list, mut in_chat) = (ListPage::First, MessagePage::Newest);
    for round in 0_u32.. {
        if !goes_on() {
            break;
        }
        let ((), took) = timed(|| {
            let rows =
                list::conversations(&read, AccountId(1), Filter::All, "", in_list, 50, now());
            let last = rows.expect("list").rows.pop();
            in_list = last.map_or(ListPage::First, |last| ListPage::After(last.key()));
            let rows = message::messages(&read, ConversationId(1), in_chat, 100).expect("page");
            let first = rows.messages.first();
            in_chat = first.map_or(MessagePage::Newest, |first| MessagePage::Before(first.key));
            search::search(&read, fill::COMMON, None, 50).expect("search");
        });
        seen.reads.push(took.as_secs_f64() * 1e3);
        if round % 5 == 0 {
            let frames = inbox.memory().frames;
            let ((), took) = timed(|| {
                inbox.keys("<PageDown>").expect("key");
                inbox.until_frame(PATIENCE, frames).expect("frame");
            });
            seen.keys.push(took.as_secs_f64() * 1e3);
        }
        inbox.breathe().expect("inbox");
        thread::sleep(Duration::from_millis(10));
    }
    seen
}
