//! T5: a minute of as many webhooks as the platform sends at 1,000 messages a second, and a person who looks.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use twoticks::domain::conversation::Filter;
use twoticks::domain::id::{AccountId, ConversationId};
use twoticks::domain::page::{ListPage, MessagePage};
use twoticks::store::{ReadConn, list, message, search};

use crate::fill;
use crate::harness::{Target, figure, quantile, ratio, timed};
use crate::http::load;
use crate::shop::{self, PHONE_NUMBER, Shop, now};
use crate::webhook::Fresh;

/// Three statuses of each message sent, and some answers.
const RATE: usize = 3300;
const MINUTE: Duration = Duration::from_secs(60);
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
    let until_idle = Instant::now() + IDLE;
    let idle = look(&database, || Instant::now() < until_idle);
    let busy = AtomicBool::new(true);
    let (looks, took, mut latencies, longest) = thread::scope(|scope| {
        let looking = scope.spawn(|| look(&database, || busy.load(Ordering::Relaxed)));
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
        (looking.join().expect("reads"), took, latencies, longest)
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
        "p99 of list, page and search meanwhile",
        "ms",
        quantile(&mut looks, 0.99),
        quantile(&mut idle, 0.99),
        Target::AtMost(2.5),
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

/// What the screen asks for, every 10 ms; how long it takes, in milliseconds.
fn look(database: &Path, goes_on: impl Fn() -> bool) -> Vec<f64> {
    let read = ReadConn::open(database).expect("store");
    let mut times = Vec::new();
    while goes_on() {
        let ((), took) = timed(|| {
            let first = ListPage::First;
            list::conversations(&read, AccountId(1), Filter::All, "", first, 50, now())
                .expect("list");
            message::messages(&read, ConversationId(1), MessagePage::Newest, 100).expect("page");
            search::search(&read, fill::COMMON, None, 50).expect("search");
        });
        times.push(took.as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(10));
    }
    times
}
