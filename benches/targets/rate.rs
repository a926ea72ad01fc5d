//! T13: the real sender against the simulator over loopback HTTP, while both cores are busy otherwise.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use twoticks::clock::SystemClock;
use twoticks::domain::id::WaId;
use twoticks::domain::message::{Body, NewMessage, Priority};
use twoticks::domain::time::Timestamp;
use twoticks::sim::{Sim, SimConfig, Strangers, World, WorldConfig};
use twoticks::store::conversation::begin_conversation;
use twoticks::store::{ReadConn, outbox};

use crate::harness::{Target, figure};
use crate::shop::{self, PHONE_NUMBER, Shop, TOKEN, WABA, now};

const SECONDS: u32 = 10;

pub(crate) fn run(dir: &Path) -> bool {
    let hours = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while hours.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let all = [80, 1000].map(|limit| at(dir, limit));
        hours.store(false, Ordering::Relaxed);
        all.into_iter().all(|holds| holds)
    })
}

fn at(dir: &Path, limit: u32) -> bool {
    let world = WorldConfig {
        phone_number_id: PHONE_NUMBER.into(),
        waba_id: WABA.into(),
        token: TOKEN.into(),
        rate_per_second: limit,
        strangers: Strangers::WindowOpen,
        ..WorldConfig::default()
    };
    let clock = Arc::new(SystemClock::new());
    let sim = Sim::start(SimConfig::default(), World::new(13, world), clock).expect("simulator");
    let mut shop = Shop::open(dir);
    let messages = limit * SECONDS;
    queue(&mut shop, messages);
    let services = shop::start(shop.config(sim.base_url(), limit));
    let patience = Duration::from_secs(u64::from(SECONDS) * 3);
    let done = sim.wait_until(patience, |world| world.counts().accepted >= u64::from(messages));
    assert!(done, "the queue does not empty: {:?}", services.health());
    services.stop();
    let (times, most, refused) = sim.with_world(|world| {
        let times: Vec<Timestamp> = world.accepted().iter().map(|one| one.at).collect();
        (times, world.max_in_any_second(), world.refused().len())
    });
    let span = times[times.len() - 1].since(times[0]).as_secs_f64();
    let sustained = (times.len() - 1) as f64 / span / f64::from(limit);
    let claimed = claims(&shop);
    let (busiest, _) = busiest_second(&times);
    println!(
        "  {limit}/s: {messages} messages in {span:.2} s; most in any second: arrived {most} (from {:.2} s on), \
         claimed {}; refused as too fast {refused}",
        busiest.since(times[0]).as_secs_f64(),
        busiest_second(&claimed).1
    );
    let under = figure(
        "most in any sliding second",
        "of 1",
        most as f64 / f64::from(limit),
        Target::AtMost(1.0),
    );
    let near = figure("sustained part of the limit", "of 1", sustained, Target::AtLeast(0.97));
    under & near
}

/// One text to each of so many people, so that only the number's limit counts.
pub(crate) fn queue(shop: &mut Shop, messages: u32) {
    let (account, now) = (shop.account, now());
    shop.store
        .write(|tx| {
            for n in 0..messages {
                let number = WaId::new(format!("1555{n:07}"));
                let new = NewMessage {
                    account,
                    conversation: begin_conversation(tx, account, &number, now)?,
                    body: Body::Text { text: format!("message {n}"), preview_url: false },
                    reply_to: None,
                    priority: Priority::Person,
                };
                outbox::enqueue(tx, &new, now)?;
            }
            Ok(())
        })
        .expect("queue");
}

fn claims(shop: &Shop) -> Vec<Timestamp> {
    let read = ReadConn::open(&shop.database()).expect("store");
    let since = Timestamp::from_millis(0);
    let requests = outbox::recent_requests(&read, shop.account, since).expect("requests");
    let mut times: Vec<Timestamp> = requests.into_iter().map(|request| request.at).collect();
    times.sort_unstable();
    times
}

/// The second that holds the most of `times`, which are in order: when it begins, and how many.
fn busiest_second(times: &[Timestamp]) -> (Timestamp, usize) {
    let within = |from: usize| {
        let end = times[from].millis() + 1000;
        (times[from], times[from..].partition_point(|time| time.millis() < end))
    };
    (0..times.len()).map(within).max_by_key(|(_, count)| *count).expect("a message")
}
