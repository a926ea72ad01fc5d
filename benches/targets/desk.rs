//! The real inbox on a screen in memory, over services that run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;

use jiff::tz::TimeZone;
use twoticks::app::keymap::{Keymap, SendKey};
use twoticks::app::{MessageStyle, Mode, Model, Settings, Setup};
use twoticks::clock::SystemClock;
use twoticks::domain::id::AccountId;
use twoticks::domain::time::Clock;
use twoticks::domain::window::Outside;
use twoticks::service::bus::Bus;
use twoticks::service::catalogue::Templates;
use twoticks::service::reader::Reader;
use twoticks::service::thread::OnPanic;
use twoticks::service::writer::Writer;
use twoticks::service::{Nudge, Services};
use twoticks::term::effect::{By, Stage};
use twoticks::term::headless::Driver;
use twoticks::ui::Theme;

/// What an inbox needs of the services.
pub(crate) type Handles = (Reader, Writer, Bus, Nudge, Templates);

pub(crate) fn handles(services: &Services) -> Handles {
    (services.reader(), services.writer(), services.bus(), services.nudge(), services.templates())
}

pub(crate) fn open(
    (reader, writer, bus, nudge, templates): Handles,
    account: AccountId,
    size: (u16, u16),
) -> Driver {
    let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (told, events) = channel();
    let handles = (reader, writer, &bus, nudge, templates);
    let by = By { who: "bench".to_owned(), read_receipts: true, rate: None };
    let stage =
        Stage::new(handles, told.clone(), Arc::clone(&clock), by, on_panic).expect("threads");
    let setup = Setup {
        account: Some(account),
        account_label: "bench".to_owned(),
        mode: Mode::Live,
        size,
        config_path: String::new(),
        settings: Settings {
            bell: false,
            ellipsis: twoticks::domain::text::ELLIPSIS,
            message_style: MessageStyle::Flat,
            timezone: TimeZone::UTC,
            outside: Outside::Refuse,
            webhook_path: "/webhook".to_owned(),
            shell: Some("twoticks".to_owned()),
        },
        keymap: Keymap::new(SendKey::Enter, &BTreeMap::new()).expect("keys"),
    };
    let model = Model::new(setup, clock.now());
    Driver::open(model, Theme::default(), (told, events), stage, clock).expect("inbox")
}
