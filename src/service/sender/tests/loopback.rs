//! The same errors over loopback HTTP: the real client, sender, listener and store, and the simulator behind
//! its port.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::codes;
use crate::clock::SystemClock;
use crate::domain::error_code::{Conduct, lookup};
use crate::domain::health::{Condition, Pace, Stop, StopKind};
use crate::domain::id::{AccountId, MessageId, PhoneNumberId, WaId, WabaId};
use crate::domain::message::{Body, Message, NewMessage, Priority as Urgency, TimelineEntry};
use crate::domain::outbox::RetryPolicy;
use crate::domain::state::State;
use crate::domain::time::{Clock as _, Timestamp};
use crate::service::bus::Watcher;
use crate::service::listener::ListenerConfig;
use crate::service::listener::http::Limits;
use crate::service::sender::core::Policy;
use crate::service::writer::Priority;
use crate::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use crate::sim::{Delays, Fault, Sim, SimConfig, Strangers, World, WorldConfig};
use crate::store::prune::Keep;
use crate::store::{Rules, account, conversation, message, outbox};

const PATIENCE: Duration = Duration::from_secs(60);

struct Shop {
    sim: Sim,
    services: Services,
    watcher: Watcher,
    clock: Arc<SystemClock>,
    account: AccountId,
    written: u64,
    _dir: tempfile::TempDir,
}

fn config(dir: &std::path::Path, world: &WorldConfig, base_url: String) -> ServiceConfig {
    let account = AccountConfig {
        name: "shop".to_owned(),
        phone_number_id: PhoneNumberId::new(&world.phone_number_id),
        waba_id: Some(WabaId::new(&world.waba_id)),
        app_id: None,
        display_number: None,
        token: Some(SecretString::from(world.token.clone())),
        app_secrets: vec![SecretString::from(world.app_secret.clone())],
        verify_tokens: vec![SecretString::from(world.verify_token.clone())],
    };
    let soon = Duration::from_millis(10);
    let retry = RetryPolicy { base: soon, cap: soon, attempts: 5 };
    ServiceConfig {
        data_dir: dir.to_owned(),
        database: dir.join("twoticks.db"),
        accounts: vec![account],
        api: ApiConfig { base_url, connect_timeout: PATIENCE, timeout: PATIENCE },
        listener: ListenerConfig {
            enabled: true,
            address: ([127, 0, 0, 1], 0).into(),
            path: "/webhook".to_owned(),
            limits: Limits::default(),
        },
        keep: Keep::default(),
        sender: Policy { retry, ..Policy::default() },
        rules: Rules::default(),
    }
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = WorldConfig {
            strangers: Strangers::WindowOpen,
            delays: Delays::none(),
            ..WorldConfig::default()
        };
        let clock = Arc::new(SystemClock::new());
        let meta = World::new(7, world.clone());
        let sim =
            Sim::start(SimConfig::default(), meta, Arc::<SystemClock>::clone(&clock)).unwrap();
        let config = config(dir.path(), &world, sim.base_url());
        let on_panic = Arc::new(|panicked| panic!("{panicked:?}"));
        let mut services =
            Services::start(config, Arc::<SystemClock>::clone(&clock), on_panic).unwrap();
        let watcher = services.bus().watch();
        services.start_net().unwrap();
        let (account, written) = (AccountId(0), 0);
        let mut shop = Self { sim, services, watcher, clock, account, written, _dir: dir };
        let address = shop.until("the listener is up", |shop| {
            let health = shop.services.health();
            health.listener_address.filter(|_| health.sender == Condition::Up)
        });
        shop.sim.set_webhook(&format!("http://{address}/webhook")).unwrap();
        let reader = shop.services.reader();
        shop.account = reader.ask_and_wait("test", account::accounts).unwrap()[0].id;
        shop
    }

    fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let end = self.clock.monotonic() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(self.clock.monotonic() < end, "in vain: {what}\n{:#?}", self.services.health());
            drop(self.watcher.wait(Some(Duration::from_millis(200))));
        }
    }

    /// A message to somebody new.
    fn write(&mut self) -> MessageId {
        self.write_some(1)[0]
    }

    /// Messages to as many new people, written at once.
    fn write_some(&mut self, count: u64) -> Vec<MessageId> {
        let first = self.written;
        self.written += count;
        let (account, now) = (self.account, self.clock.now());
        let written = self.services.writer().run(Priority::Interactive, move |tx| {
            (first..first + count)
                .map(|person| {
                    let number = WaId::new(format!("1555123{person:04}"));
                    let conversation = conversation::begin_conversation(tx, account, &number, now)?;
                    let body = Body::Text { text: "hello".to_owned(), preview_url: false };
                    let priority = Urgency::Person;
                    let new = NewMessage { account, conversation, body, reply_to: None, priority };
                    outbox::enqueue(tx, &new, now)
                })
                .collect()
        });
        written.wait().unwrap()
    }

    fn next_fault(&self, fault: &Fault, times: usize) {
        self.sim.with_world(|world| world.fail_next(fault, times));
    }

    fn requests(&self) -> u64 {
        self.sim.with_world(|world| world.counts().accepted + world.counts().refused)
    }

    fn read(&self, id: MessageId) -> Message {
        self.services.reader().ask_and_wait("test", move |conn| message::message(conn, id)).unwrap()
    }

    fn life(&self, id: MessageId) -> Vec<TimelineEntry> {
        let asked = self.services.reader().ask_and_wait("life", move |c| message::timeline(c, id));
        asked.unwrap()
    }

    /// What a code made of a message, and when.
    fn came_to(&self, id: MessageId, code: i64) -> Option<(State, Timestamp)> {
        let life = self.life(id);
        life.iter().find(|step| step.code == Some(code)).map(|step| (step.state, step.at))
    }

    fn pace(&self) -> Option<Pace> {
        self.services.health().accounts.first()?.pace.clone()
    }

    /// What the account is stopped for, if it is.
    fn stop(&self) -> Option<Stop> {
        self.pace()?.stop
    }

    /// The person mends whatever the account is stopped for, and says so.
    fn mend(&self) {
        if self.stop().is_some() {
            self.services.nudge().try_now();
        }
    }

    /// When the request set out that was accepted in the end; `look` is asked meanwhile.
    fn until_accepted(&self, id: MessageId, look: impl Fn(&Self)) -> Timestamp {
        self.until("it is accepted", |shop| {
            look(shop);
            shop.read(id).state.is_accepted().then_some(())
        });
        let life = self.life(id);
        let sent = life.iter().rfind(|step| step.state == State::Sending);
        sent.expect("a request").at
    }

    /// Whatever stopped the account is over, and that is told.
    fn goes_on(&self) {
        self.until("it goes on", |shop| shop.stop().is_none().then_some(()));
    }
}

/// What the table says stops the account, in its words.
fn stops(code: i64) -> Option<(StopKind, Option<String>)> {
    let entry = lookup(Some(code), 0, None);
    match (entry.class.conduct(), code) {
        (Conduct::StopsAccount, _) => {
            Some((StopKind::Trouble, Some(format!("{}; {}", entry.plain, entry.remedy))))
        }
        (_, 4 | 613 | 80_007 | 131_057) => Some((StopKind::Limited, None)),
        _ => None,
    }
}

#[test]
fn every_error_in_an_answer_over_http_does_what_the_table_says() {
    let mut shop = Shop::open();
    for number in codes() {
        let code = i64::from(number);
        shop.next_fault(&Fault::Refuse(number), 1);
        let id = shop.write();
        let (state, _) = shop.until(&format!("{code} is told"), |shop| shop.came_to(id, code));
        let conduct = lookup(Some(code), 400, None).class.conduct();
        let (expected, tries) = match conduct {
            Conduct::Retries => (State::Queued, 2),
            Conduct::Waits | Conduct::StopsAccount => (State::Queued, 1),
            Conduct::Asks => (State::Uncertain, 1),
            Conduct::Final => (State::Failed, 1),
        };
        assert_eq!(state, expected, "{code}: {conduct:?}");
        if let Some((kind, words)) = stops(code) {
            let found = shop.until(&format!("{code} stops it"), Shop::stop);
            assert_eq!(found.kind, kind, "{code}");
            assert!(words.is_none_or(|words| words == found.words), "{code}: {}", found.words);
            // It is the only one that waits: the person's word alone has to be enough.
            shop.until_accepted(id, Shop::mend);
            shop.goes_on();
        } else if expected == State::Queued {
            let steady = |shop: &Shop| assert_eq!(shop.stop(), None, "{code} stops the account");
            shop.until_accepted(id, steady);
        } else {
            assert_eq!(shop.stop(), None, "{code}");
        }
        // A status may come before the answer, which is what counts a try.
        let counted = |shop: &Shop| Some(shop.read(id)).filter(|message| message.tries == tries);
        let message = shop.until(&format!("{code}: {conduct:?}, {tries} tries"), counted);
        if expected != State::Queued {
            assert_eq!(message.trouble.and_then(|trouble| trouble.code), Some(code));
        }
    }
}

#[test]
fn every_error_in_a_failed_status_over_http_does_what_the_table_says() {
    let mut shop = Shop::open();
    for number in codes() {
        let code = i64::from(number);
        // Meta tells times in whole seconds, and what is no newer is no news.
        shop.sim.advance(Duration::from_secs(1));
        shop.next_fault(&Fault::Fail(number), 1);
        let id = shop.write();
        let failed = shop.until(&format!("{code} is told"), |shop| {
            Some(shop.read(id)).filter(|message| message.state == State::Failed)
        });
        assert_eq!(failed.trouble.and_then(|trouble| trouble.code), Some(code));
        if let Some((StopKind::Trouble, words)) = stops(code) {
            let found = shop.until(&format!("{code} stops it"), Shop::stop);
            assert_eq!((found.kind, Some(found.words)), (StopKind::Trouble, words), "{code}");
            let probe = shop.write();
            shop.until_accepted(probe, Shop::mend);
            shop.goes_on();
        } else {
            assert_eq!(shop.stop(), None, "{code}");
        }
    }
}

/// Messages are claimed a little ahead of their slots.
const A_SECOND: Duration = Duration::from_millis(950);

#[test]
fn a_throttle_over_http_slows_what_it_is_about_and_nothing_else() {
    let mut shop = Shop::open();
    let calm = |shop: &Shop| assert_eq!(shop.stop(), None, "the account goes on");
    // Too many to one person: that one waits, the other does not.
    shop.next_fault(&Fault::Refuse(131_056), 1);
    let both = shop.write_some(2);
    let sent: Vec<_> = both.iter().map(|id| shop.until_accepted(*id, calm)).collect();
    let refused: Vec<_> = both.iter().map(|id| shop.came_to(*id, 131_056)).collect();
    let slow = usize::from(refused[0].is_none());
    let (state, at) = refused[slow].expect("one was refused");
    assert_eq!((state, refused[1 - slow]), (State::Queued, None), "and only one");
    let wait = sent[slow].since(at);
    assert!(wait >= A_SECOND, "{wait:?}");
    // Too many from the number: whatever comes next waits a second.
    shop.next_fault(&Fault::Refuse(130_429), 1);
    let first = shop.write();
    let (_, refused) = shop.until("it is told", |shop| shop.came_to(first, 130_429));
    let next = shop.write();
    for id in [first, next] {
        let wait = shop.until_accepted(id, calm).since(refused);
        assert!(wait >= A_SECOND, "{wait:?}");
        // A status may come before the answer, which is what counts a try.
        let counted = |shop: &Shop| Some(shop.read(id).tries).filter(|tries| *tries > 0);
        assert_eq!(shop.until("a try is counted", counted), 1, "a throttle uses up no try");
    }
}

#[test]
fn a_broken_service_opens_the_circuit_over_http_and_one_request_at_a_time_asks_for_it() {
    let mut shop = Shop::open();
    let html = || "<html>Service Unavailable</html>".to_owned();
    let broken = Fault::Answer { status: 503, body: html(), accepted: false };
    shop.next_fault(&broken, 11);
    let lost = shop.write_some(10);
    let found = shop.until("the circuit opens", Shop::stop);
    assert_eq!(found.kind, StopKind::Circuit);
    let asked = shop.requests();
    // The queue waits, one goes ahead, and Meta is as broken as before.
    let waiting = shop.write_some(5);
    shop.services.nudge().try_now();
    let states = |shop: &Shop| waiting.iter().map(|id| shop.read(*id).state).collect::<Vec<_>>();
    shop.until("the probe is lost", |shop| states(shop).contains(&State::Uncertain).then_some(()));
    let again = shop.until("it waits on", |shop| shop.stop().filter(|now| now.until > found.until));
    assert_eq!(again.kind, StopKind::Circuit);
    assert_eq!(states(&shop).iter().filter(|state| **state == State::Queued).count(), 4);
    // The next one finds it mended, and all go: no try was lost.
    shop.services.nudge().try_now();
    for id in waiting.iter().filter(|id| shop.read(**id).state != State::Uncertain) {
        shop.until_accepted(*id, |_| ());
        shop.until("one try is counted", |shop| (shop.read(*id).tries == 1).then_some(()));
    }
    shop.goes_on();
    assert!(lost.iter().all(|id| shop.read(*id).state == State::Uncertain), "a person decides");
    assert_eq!(shop.requests() - asked, 5, "no request was made beside these");
}
