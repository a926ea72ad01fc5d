//! T15: from the Enter that sends a message until it stands on the screen, which shows only what is stored.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use jiff::tz::TimeZone;
use twoticks::app::keymap::{Keymap, SendKey};
use twoticks::app::{MessageStyle, Mode, Model, Settings, Setup};
use twoticks::clock::SystemClock;
use twoticks::domain::id::WaId;
use twoticks::domain::time::Clock;
use twoticks::domain::window::Outside;
use twoticks::service::Services;
use twoticks::service::thread::OnPanic;
use twoticks::store::conversation::begin_conversation;
use twoticks::term::effect::{By, Stage};
use twoticks::term::headless::Driver;
use twoticks::ui::Theme;

use crate::disk::Append;
use crate::harness::{Target, in_turn, quantile, ratio, timed};
use crate::shop::{Shop, now};

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
    let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // Nothing is sent: the sender is another target's.
    let config = shop.config("http://127.0.0.1:9".to_owned(), 80);
    let services =
        Services::start(config, Arc::clone(&clock), Arc::clone(&on_panic)).expect("threads");
    let (told, events) = channel();
    let stage = Stage::new(
        (
            services.reader(),
            services.writer(),
            &services.bus(),
            services.nudge(),
            services.templates(),
        ),
        told.clone(),
        Arc::clone(&clock),
        By { who: "bench".to_owned(), read_receipts: true },
        on_panic,
    )
    .expect("threads");
    let setup = Setup {
        account: Some(account),
        account_label: "bench".to_owned(),
        mode: Mode::Live,
        size: (120, 40),
        config_path: String::new(),
        settings: Settings {
            bell: false,
            ellipsis: twoticks::domain::text::ELLIPSIS,
            message_style: MessageStyle::Flat,
            timezone: TimeZone::UTC,
            outside: Outside::Refuse,
        },
        keymap: Keymap::new(SendKey::Enter, &BTreeMap::new()).expect("keys"),
    };
    let model = Model::new(setup, clock.now());
    let mut driver =
        Driver::open(model, Theme::default(), (told, events), stage, clock).expect("inbox");
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
