//! A minute of sending at the highest rate that Meta gives: the rate is kept, and memory does not grow with
//! what was sent.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::flight::Slow;
use crate::harness::{Target, figure, ratio};
use crate::memory::pss;
use crate::rate::queue;
use crate::shop::{self, Shop};

const RATE: u32 = 1000;
const SECONDS: u32 = 60;
const TAKES: Duration = Duration::from_millis(50);

/// Seconds after which everything has its size: connections are open, caches are full.
const WARM: u32 = 10;

/// Every so many seconds the memory is read.
const EVERY: u32 = 5;

/// The whole queue waits in the store from the start. Server and sender share this process; the server keeps
/// nothing.
pub(crate) fn run(dir: &Path) -> bool {
    let server = Slow::start(TAKES);
    let mut shop = Shop::open(dir);
    queue(&mut shop, RATE * SECONDS);
    let services = shop::start(shop.config(server.base_url(), RATE));
    let start = Instant::now();
    let (mut warm, mut most) = (0.0, 0.0_f64);
    for second in 1..=SECONDS {
        for _ in 0..RATE {
            server.wait(&services);
        }
        if second % EVERY == 0 {
            let memory = pss("self");
            println!(
                "  {:>6} sent in {:>6.2} s: {memory:.1} MB",
                second * RATE,
                start.elapsed().as_secs_f64()
            );
            if second == WARM {
                warm = memory;
            }
            most = most.max(memory);
        }
    }
    let sustained = f64::from(RATE * SECONDS) / start.elapsed().as_secs_f64();
    services.stop();
    let rate = ratio(
        "sent per second for a minute",
        "/s",
        sustained,
        f64::from(RATE),
        Target::AtLeast(0.97),
    );
    let flat = figure("most memory over that after 10 s", "of 1", most / warm, Target::AtMost(1.1));
    rate & flat
}
