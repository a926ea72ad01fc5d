//! T15: from the Enter that sends a message until it stands on the screen, which shows only what is stored.

use std::path::Path;
use std::time::Duration;

use twoticks::domain::id::WaId;
use twoticks::store::conversation::begin_conversation;

use crate::desk;
use crate::disk::Append;
use crate::harness::{Target, in_turn, quantile, ratio, timed};
use crate::shop::{self, Shop, now};

const MESSAGES: u32 = 200;
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

fn p99(mut times: Vec<f64>) -> f64 {
    quantile(&mut times, 0.99)
}

/// Milliseconds for each message.
fn typed(dir: &Path) -> Vec<f64> {
    let mut shop = Shop::open(dir);
    let (account, at) = (shop.account, now());
    let person = WaId::new("15550000001");
    shop.store.write(|tx| begin_conversation(tx, account, &person, at)).expect("conversation");
    // Nothing is sent: the sender is another target's.
    let config = shop.config("http://127.0.0.1:9".to_owned(), 80);
    let services = shop::prepare(config);
    let mut driver = desk::open(desk::handles(&services), account, (120, 40));
    driver.until(PATIENCE, |screen| screen.contains("555-000-0001")).expect("list");
    driver.keys("i").expect("composer");
    let times = (0..MESSAGES).map(|n| {
        let text = format!("your parcel {n} is on its way");
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
