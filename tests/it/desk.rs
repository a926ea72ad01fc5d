//! A person at the inbox: the real loop on a screen in memory, the real store, sender and listener, and the
//! simulator on loopback, whose clock moves only when the test moves it. So every state stands still until
//! it was seen.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use twoticks::api::Client;
use twoticks::app::keymap::Keymap;
use twoticks::app::{MessageStyle, Mode, Model, Settings, Setup};
use twoticks::clock::SystemClock;
use twoticks::domain::change::Changes;
use twoticks::domain::conversation::Filter;
use twoticks::domain::id::{ConversationId, PhoneNumberId, WabaId};
use twoticks::domain::page::ListPage;
use twoticks::domain::time::{Clock, Monotonic, Timestamp};
use twoticks::service::listener::ListenerConfig;
use twoticks::service::listener::http::Limits;
use twoticks::service::sender::core::Policy;
use twoticks::service::writer;
use twoticks::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use twoticks::sim::{Delays, Language, Persona, Sim, SimConfig, Weather, World, WorldConfig};
use twoticks::store::account::{NewAccount, accounts, upsert_account};
use twoticks::store::list::conversations;
use twoticks::store::prune::Keep;
use twoticks::store::{ReadConn, Rules, WriteConn};
use twoticks::term::effect::{By, Stage};
use twoticks::term::headless::Driver;
use twoticks::term::workshop::{Tunnels, Workshop};
use twoticks::ui::{Borders, Colours, Glyphs, Theme};

/// Far more than anything takes on a slow machine; what takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One step of the simulator: each thing it does by itself comes one step after the one before.
pub(crate) const STEP: Duration = Duration::from_secs(1);

/// A clock that stands until it is moved.
struct Standing {
    system: SystemClock,
    at: AtomicI64,
}

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.at.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        self.system.monotonic()
    }
}

/// The machine with its data directory and the simulator; the inbox is opened and closed on it.
pub(crate) struct Shop {
    dir: TempDir,
    pub(crate) world: WorldConfig,
    pub(crate) sim: Sim,
    standing: Arc<Standing>,
    clock: Arc<dyn Clock>,
    /// Where the API is said to be, if not at the simulator.
    pub(crate) base_url: Option<String>,
    /// Where the listener is to listen.
    pub(crate) listen: SocketAddr,
    /// The token of the config.
    pub(crate) token: Option<String>,
    /// What the config says of all that is sent and received.
    pub(crate) rules: Rules,
    /// What the config says of each kind of tunnel.
    pub(crate) tunnels: Tunnels,
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn persona(name: &str, number: &str, answers: bool) -> Persona {
    Persona {
        name: name.to_owned(),
        username: None,
        number: Some(number.to_owned()),
        user_id: format!("US.{number}"),
        language: Language::English,
        answers,
        reads: true,
        window_open: true,
    }
}

impl Shop {
    /// Ana answers what she is sent, Bob only reads it.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same in a world that is changed before it begins.
    pub(crate) fn with(change: impl FnOnce(&mut WorldConfig)) -> Self {
        let step = (STEP, STEP);
        let mut world = WorldConfig {
            people: vec![persona("Ana", "15551230001", true), persona("Bob", "15551230002", false)],
            delays: Delays { sent: step, delivered: step, read: step, played: step, answer: step },
            weather: Weather::default(),
            ..WorldConfig::default()
        };
        change(&mut world);
        let system = SystemClock::new();
        let at = AtomicI64::new(system.now().millis());
        let standing = Arc::new(Standing { system, at });
        let sim_clock: Arc<dyn Clock> = Arc::clone(&standing) as _;
        let sim =
            Sim::start(SimConfig::default(), World::new(7, world.clone()), sim_clock).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            token: Some(world.token.clone()),
            world,
            sim,
            standing,
            clock: Arc::new(SystemClock::new()),
            base_url: None,
            listen: loopback(0),
            rules: Rules::default(),
            tunnels: Arc::new(|_kind| Ok(None)),
        }
    }

    /// Lets so much time pass for the simulator.
    pub(crate) fn pass(&self, time: Duration) {
        self.standing.at.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        self.sim.tick();
    }

    /// Lets the simulator do the next thing.
    pub(crate) fn step(&self) {
        self.pass(STEP);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time of [`Shop::open_standing`].
    pub(crate) fn standing_now(&self) -> Timestamp {
        self.standing.now()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("twoticks.db")
    }

    fn api(&self) -> ApiConfig {
        ApiConfig {
            base_url: self.base_url.clone().unwrap_or_else(|| self.sim.base_url()),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }

    /// A client of the API with the account's token.
    pub(crate) fn client(&self) -> Client {
        self.api().client(SecretString::from(self.world.token.clone())).unwrap()
    }

    /// The conversations of the account, the newest first.
    pub(crate) fn conversations(&self) -> Vec<ConversationId> {
        let read = self.read();
        let account = accounts(&read).unwrap()[0].id;
        let page = ListPage::First;
        let found = conversations(&read, account, Filter::All, "", page, 100, self.now()).unwrap();
        found.rows.iter().map(|row| row.id).collect()
    }

    /// The store, as another process has it.
    pub(crate) fn other_process(&self) -> WriteConn {
        WriteConn::open(&self.database(), self.now()).unwrap()
    }

    pub(crate) fn read(&self) -> ReadConn {
        ReadConn::open(&self.database()).unwrap()
    }

    fn config(&self) -> ServiceConfig {
        let secret = |text: &str| Some(SecretString::from(text.to_owned()));
        ServiceConfig {
            data_dir: self.dir.path().to_owned(),
            database: self.database(),
            accounts: vec![AccountConfig {
                name: "shop".to_owned(),
                phone_number_id: PhoneNumberId::new(&self.world.phone_number_id),
                waba_id: Some(WabaId::new(&self.world.waba_id)),
                app_id: Some(self.world.app_id.clone()),
                display_number: Some(self.world.display_number.clone()),
                token: self.token.as_deref().and_then(secret),
                app_secrets: secret(&self.world.app_secret).into_iter().collect(),
                verify_tokens: secret(&self.world.verify_token).into_iter().collect(),
            }],
            api: self.api(),
            listener: ListenerConfig {
                enabled: true,
                address: self.listen,
                path: "/webhook".to_owned(),
                limits: Limits::default(),
            },
            keep: Keep::default(),
            sender: Policy::with_rate(80),
            rules: self.rules.clone(),
        }
    }

    /// Opens the inbox; nothing is sent or received yet.
    pub(crate) fn open(&self) -> Inbox {
        self.open_by(&self.clock)
    }

    /// Opens the inbox under a clock that stands, so that no minute turns.
    pub(crate) fn open_standing(&self) -> Inbox {
        let clock: Arc<dyn Clock> = Arc::clone(&self.standing) as _;
        self.open_by(&clock)
    }

    fn open_by(&self, clock: &Arc<dyn Clock>) -> Inbox {
        let config = self.config();
        let new = NewAccount {
            name: "shop".to_owned(),
            phone_number: PhoneNumberId::new(&self.world.phone_number_id),
            waba: Some(WabaId::new(&self.world.waba_id)),
            display_number: Some(self.world.display_number.clone()),
        };
        let now = clock.now();
        let (account, _) = self.other_process().write(|tx| upsert_account(tx, &new, now)).unwrap();
        let on_panic: twoticks::service::thread::OnPanic =
            Arc::new(|panicked| panic!("{panicked:?}"));
        let services = Services::start(config, Arc::clone(clock), Arc::clone(&on_panic)).unwrap();
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
            Arc::clone(clock),
            By { who: "sol".to_owned(), read_receipts: true, rate: None },
            on_panic,
        )
        .unwrap()
        .at("https://graph.example/v25.0", self.dir.path())
        .with(Workshop {
            office: services.office_handle(),
            switch: services.switch(),
            tunnels: Arc::clone(&self.tunnels),
            doctor: Arc::new(Vec::new),
        });
        let theme = Theme::new(Colours::Sixteen, Borders::Lines, Glyphs::Unicode);
        let setup = Setup {
            account: Some(account),
            account_label: "shop".to_owned(),
            mode: Mode::Live,
            size: (100, 30),
            config_path: String::new(),
            settings: Settings {
                bell: true,
                ellipsis: theme.ellipsis(),
                message_style: MessageStyle::Flat,
                timezone: jiff::tz::TimeZone::UTC,
                outside: self.rules.outside,
                webhook_path: "/webhook".to_owned(),
                shell: Some("twoticks".to_owned()),
            },
            keymap: Keymap::default(),
        };
        let model = Model::new(setup, now);
        let clock = Arc::clone(clock);
        let driver = Driver::open(model, theme, (told, events), stage, clock).unwrap();
        Inbox { driver, services }
    }

    /// Opens the inbox, and tells the simulator where the listener is once it is up.
    pub(crate) fn open_live(&self) -> Inbox {
        let mut inbox = self.open();
        inbox.go_live(self);
        inbox
    }
}

/// The open inbox. Keys go in, the screen comes out.
pub(crate) struct Inbox {
    // Dropped before the services, as when the program ends.
    pub(crate) driver: Driver,
    services: Services,
}

impl Inbox {
    /// Starts sending and listening.
    pub(crate) fn start_net(&mut self) {
        self.services.start_net().unwrap();
    }

    pub(crate) fn go_live(&mut self, shop: &Shop) {
        self.start_net();
        let services = &self.services;
        let watcher = services.bus().watch();
        let address = loop {
            if let Some(address) = services.health().listener_address {
                break address;
            }
            assert!(!watcher.wait(Some(PATIENCE)).is_empty(), "no listener: {services:?}");
        };
        shop.sim.set_webhook(&format!("http://{address}/webhook")).unwrap();
    }

    pub(crate) fn keys(&mut self, script: &str) {
        self.driver.keys(script).unwrap();
    }

    pub(crate) fn screen(&self) -> String {
        self.driver.screen()
    }

    /// Runs the inbox until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, wanted: impl FnMut(&str) -> bool) {
        if let Err(error) = self.driver.until(PATIENCE, wanted) {
            panic!("never came: {what}; {error}");
        }
    }

    #[track_caller]
    pub(crate) fn until_text(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Does something and waits until the services have heard of a change in the store.
    #[track_caller]
    pub(crate) fn until_heard(&self, act: impl FnOnce()) -> Changes {
        let watcher = self.services.bus().watch();
        act();
        loop {
            let news = watcher.wait(Some(PATIENCE));
            assert!(!news.is_empty(), "nothing is heard");
            // Words can be found some time after they were written, whatever is done now.
            let late_words = Changes { words: true, ..Changes::default() };
            if !news.changes.is_empty() && news.changes != late_words {
                return news.changes;
            }
        }
    }

    /// Runs the inbox until everything it asked for has been answered.
    pub(crate) fn settle(&mut self) {
        for _ in 0..3 {
            self.driver.breathe().unwrap();
            // The reader answers in the order it is asked, and the writer writes so.
            let writer = self.services.writer();
            writer.run(writer::Priority::Interactive, |_| Ok(())).wait().unwrap();
            self.services.reader().ask_and_wait("settle", |_| Ok(())).unwrap();
        }
        self.driver.breathe().unwrap();
    }

    /// Runs the inbox until the message with this text has this tick in the conversation.
    #[track_caller]
    pub(crate) fn until_tick(&mut self, text: &str, tick: &str) {
        self.until(&format!("{tick} of {text:?}"), |screen| ticks(screen, text) == Some(tick));
    }

    /// Runs the inbox until the tick of this message is bold, which is how `read` differs from `delivered`.
    #[track_caller]
    pub(crate) fn until_bold(&mut self, text: &str, tick: &str) {
        let lit = |inbox: &Self| {
            let row = inbox.screen().lines().position(|line| {
                line.rsplit_once('│').is_some_and(|(_, chat)| chat.contains(text))
            });
            let bold = inbox.driver.memory().bold();
            row.and_then(|row| bold.lines().nth(row).map(|line| line.contains(tick)))
        };
        while lit(self) != Some(true) {
            let frames = self.driver.memory().frames;
            if let Err(error) = self.driver.until_frame(PATIENCE, frames) {
                panic!("the {tick} of {text:?} does not become bold; {error}");
            }
        }
    }

    /// Starts the conversation with a number.
    #[track_caller]
    pub(crate) fn begin(&mut self, number: &str) {
        self.keys("c");
        self.until_text("number");
        self.keys(&format!("{number}<Enter>"));
        self.until_text("INSERT");
    }

    /// Quits with the keys and stops everything behind the screen.
    #[track_caller]
    pub(crate) fn quit(mut self) {
        self.keys("<Ctrl-C>");
        if self.driver.ending.is_none() {
            self.keys("<Ctrl-C><Ctrl-C>");
        }
        assert_eq!(self.driver.ending, Some(twoticks::term::run::Ending::Quit));
        drop(self.driver);
        self.services.stop();
    }
}

/// The tick slot in front of a message of ours in the conversation.
pub(crate) fn ticks<'a>(screen: &'a str, text: &str) -> Option<&'a str> {
    let lines = screen.lines().filter_map(|line| line.rsplit_once('│'));
    let mut before = lines.filter_map(|(_, chat)| chat.split_once(text));
    // A row of the same minute has no time in front of its tick. The mark of the selected message touches
    // the text, unlike the same glyph as a tick.
    before
        .find_map(|(slot, _)| slot.strip_suffix('▸').unwrap_or(slot).split_whitespace().next_back())
}
