//! T15: from the Enter that sends a message until it stands on the screen, which shows only what is stored.

use std::path::Path;
use std::time::Duration;

use twoticks::api::{signature, webhook};
use twoticks::store::ingest::{RawPost, ingest};

use crate::desk;
use crate::disk::Append;
use crate::harness::{Target, in_turn, quantile, ratio, timed};
use crate::http::body;
use crate::shop::{self, PHONE_NUMBER, Shop, now};

const MESSAGES: u32 = 200;
/// Who wrote: the first of [`body`].
const PERSON: &str = "Person 0";
const PATIENCE: Duration = Duration::from_secs(20);

/// What one frame may take, in milliseconds: the shortest time between two.
const FRAME: f64 = 16.0;

/// The real loop, model and services on a screen in memory; the floor is the disk's slowest per cent.
pub(crate) fn run(dir: &Path) -> bool {
    let mut floor = Append::in_dir(dir);
    let [ours, sync] = in_turn([&mut || p99(typed(dir)), &mut || {
        let once = |_| timed(|| floor.once()).1.as_secs_f64() * 1e3;
        p99((0..MESSAGES).map(once).collect())
    }]);
    let name = "p99 from Enter to the screen, over 3x fdatasync + frame";
    ratio(name, "ms", ours, 3.0 * sync + FRAME, Target::AtMost(1.0))
}

/// A person writes: nothing else may be answered.
fn write_first(shop: &mut Shop) {
    let at = now();
    let seconds = format!("\"timestamp\":\"{}\"", at.millis() / 1000);
    let body = body(0, PHONE_NUMBER).replace("\"timestamp\":\"1790000000\"", &seconds).into_bytes();
    let items = webhook::parse(&body).expect("a webhook");
    let post = RawPost { sha256: signature::sha256(&body), body, received_at: at };
    let (done, _) = shop.store.write(|tx| ingest(tx, &post, &items, at)).expect("webhook");
    assert_eq!(done.messages.len(), 1, "not applied");
}

fn p99(mut times: Vec<f64>) -> f64 {
    quantile(&mut times, 0.99)
}

/// Milliseconds for each message.
fn typed(dir: &Path) -> Vec<f64> {
    let mut shop = Shop::open(dir);
    let account = shop.account;
    write_first(&mut shop);
    // Nothing is sent: the sender is another target's.
    let config = shop.config("http://127.0.0.1:9".to_owned(), 80);
    let services = shop::prepare(config);
    let mut driver = desk::open(desk::handles(&services), account, (120, 40));
    driver.until(PATIENCE, |screen| screen.contains(PERSON)).expect("list");
    driver.keys("i").expect("composer");
    let times = (0..MESSAGES).map(|n| {
        // Short enough for the list to show all of it.
        let text = format!("parcel {n} has left");
        driver.keys(&text).expect("typed");
        let ((), took) = timed(|| {
            driver.keys("<Enter>").expect("sent");
            // In the list and in the conversation, and in the composer no more.
            driver.until(PATIENCE, |screen| screen.matches(&text).count() >= 2).expect("shown");
        });
        took.as_secs_f64() * 1e3
    });
    let times = times.collect();
    drop(driver);
    services.stop();
    times
}
