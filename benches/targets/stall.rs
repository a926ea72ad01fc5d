//! How long the longest commit keeps the writer busy at the platform's peak, waiting for the disk left out.

use std::path::Path;
use std::time::{Duration, Instant};

use twoticks::api::{signature, webhook};
use twoticks::store::WriteJob;
use twoticks::store::ingest::{RawPost, ingest};

use crate::fill;
use crate::harness::{Target, figure, quantile};
use crate::http::body;
use crate::shop::{PHONE_NUMBER, Shop, now};

const SECONDS: usize = 30;
/// 3,300 webhooks per second, in groups as they come together.
const GROUP: usize = 33;
const GAP: Duration = Duration::from_millis(10);

/// What the writer's thread does for each group, on a copy of the store with a million messages. A thread's time
/// on a core holds everything but the waiting: for the disk's flushes, and for the machine.
pub(crate) fn run(dir: &Path) -> bool {
    let mut shop = Shop::over(dir, &fill::store(dir, 1_000_000));
    let log = shop.database().with_file_name("twoticks.db-wal");
    let (mut busy, mut whole, mut longest_log) = (Vec::new(), Vec::new(), 0);
    let start = Instant::now();
    for group in 0..SECONDS * 100 {
        let mut jobs: Vec<WriteJob> = (group * GROUP..(group + 1) * GROUP).map(job).collect();
        let (on_core, began) = (time_on_core(), Instant::now());
        let done = shop.store.commit_group(&mut jobs);
        shop.store.bound_log().expect("log");
        whole.push(began.elapsed().as_secs_f64() * 1e3);
        busy.push(time_on_core().saturating_sub(on_core).as_secs_f64() * 1e3);
        assert!(done.results.iter().all(Result::is_ok), "a webhook was refused");
        longest_log = longest_log.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
        let due = start + GAP * u32::try_from(group + 1).expect("few");
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    println!(
        "  {} webhooks in {:.1} s; with the disk a commit took {:.2} ms (p50), {:.1} (p99), {:.1} (most)",
        SECONDS * 100 * GROUP,
        start.elapsed().as_secs_f64(),
        quantile(&mut whole, 0.5),
        quantile(&mut whole, 0.99),
        quantile(&mut whole, 1.0)
    );
    println!(
        "  on a core: {:.2} ms (p50), {:.1} (p99)",
        quantile(&mut busy, 0.5),
        quantile(&mut busy, 0.99)
    );
    let stall =
        figure("longest commit on a core", "ms", quantile(&mut busy, 1.0), Target::AtMost(50.0));
    let size =
        figure("longest log", "MiB", longest_log as f64 / f64::from(1 << 20), Target::AtMost(64.0));
    stall & size
}

fn job(number: usize) -> WriteJob {
    let body = body(number, PHONE_NUMBER).into_bytes();
    let items = webhook::parse(&body).expect("a webhook");
    let post = RawPost { sha256: signature::sha256(&body), body, received_at: now() };
    Box::new(move |tx| ingest(tx, &post, &items, post.received_at).map(drop))
}

/// How long this thread has run.
fn time_on_core() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    let time = schedule.split_whitespace().next().expect("time on a core");
    Duration::from_nanos(time.parse().expect("nanoseconds"))
}
