//! The services as a whole against the simulator: everything real, over loopback, woken by the bus.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by ending"
)]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use secrecy::SecretString;
use twoticks::clock::SystemClock;
use twoticks::domain::catalogue::Sync;
use twoticks::domain::health::{Condition, Health, StopKind};
use twoticks::domain::id::{AccountId, ConversationId, MessageId, PhoneNumberId, WaId, WabaId};
use twoticks::domain::message::{
    Body, Media, MediaCopy, MediaKind, Message, NewMessage, Priority as Urgency,
};
use twoticks::domain::outbox::RetryPolicy;
use twoticks::domain::page::MessagePage;
use twoticks::domain::state::State;
use twoticks::domain::time::Clock;
use twoticks::service::bus::Watcher;
use twoticks::service::listener::ListenerConfig;
use twoticks::service::listener::http::Limits;
use twoticks::service::outgoing::take_in;
use twoticks::service::sender::core::Policy;
use twoticks::service::writer::Priority;
use twoticks::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use twoticks::sim::{Delays, Language, Persona, Sample, Sim, SimConfig, Words, World, WorldConfig};
use twoticks::store::prune::Keep;
use twoticks::store::{Rules, account, conversation, message, outbox};

const PATIENCE: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(24 * 3600);

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn world() -> WorldConfig {
    let ana = Persona {
        name: "Ana".to_owned(),
        username: None,
        number: Some("15551230001".to_owned()),
        user_id: "US.1001".to_owned(),
        language: Language::English,
        answers: false,
        reads: true,
        window_open: true,
    };
    WorldConfig { people: vec![ana], delays: Delays::none(), ..WorldConfig::default() }
}

fn config(dir: &Path, world: &WorldConfig, base_url: &str, listen: SocketAddr) -> ServiceConfig {
    let account = AccountConfig {
        name: "shop".to_owned(),
        phone_number_id: PhoneNumberId::new(&world.phone_number_id),
        waba_id: Some(WabaId::new(&world.waba_id)),
        app_id: None,
        display_number: Some(world.display_number.clone()),
        token: Some(SecretString::from(world.token.clone())),
        app_secrets: vec![SecretString::from(world.app_secret.clone())],
        verify_tokens: vec![SecretString::from(world.verify_token.clone())],
    };
    ServiceConfig {
        data_dir: dir.to_owned(),
        database: dir.join("twoticks.db"),
        accounts: vec![account],
        api: ApiConfig {
            base_url: base_url.to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
        },
        listener: ListenerConfig {
            enabled: true,
            address: listen,
            path: "/webhook".to_owned(),
            limits: Limits::default(),
        },
        keep: Keep::default(),
        sender: Policy { retry: RetryPolicy::default(), ..Policy::with_rate(80) },
        rules: Rules::default(),
    }
}

fn start(config: ServiceConfig) -> Services {
    let on_panic = Arc::new(|panicked| panic!("{panicked:?}"));
    let mut services = Services::start(config, clock(), on_panic).unwrap();
    services.start_net().unwrap();
    services
}

/// Looks after every piece of news until it is so.
fn until<T>(watcher: &Watcher, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!watcher.wait(Some(PATIENCE)).is_empty(), "waited in vain for: {what}");
    }
}

fn until_health(services: &Services, what: &str, is: impl Fn(&Health) -> bool) -> Health {
    let watcher = services.bus().watch();
    until(&watcher, what, || Some(services.health()).filter(|health| is(health)))
}

/// It once began again at once, since what it was to fetch was still missing.
#[test]
fn a_fetch_of_templates_that_was_given_up_is_not_begun_again_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    // Takes connections, and never answers.
    let silent = TcpListener::bind(loopback(0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let services = start(config(dir.path(), &world(), &url, loopback(0)));
    let fetching = |health: &Health| {
        health.accounts.iter().any(|account| matches!(account.sync, Sync::Running { .. }))
    };
    until_health(&services, "templates are fetched", fetching);
    let (account, _) = begin(&services, "15551230001");
    services.templates().cancel(account);
    until_health(&services, "the fetch is given up", |health| !fetching(health));
    // Two turns of the keeper, after each of which it looks for what is missing.
    for _ in 0..2 {
        let (told, answer) = channel();
        let unknown = AccountId(99);
        services.templates().sync(unknown, Box::new(move |result| told.send(result).unwrap()));
        assert!(answer.recv_timeout(PATIENCE).unwrap().is_err());
    }
    assert!(!fetching(&services.health()));
}

fn begin(services: &Services, number: &str) -> (AccountId, ConversationId) {
    let (number, now) = (WaId::new(number), clock().now());
    let account = {
        let watcher = services.bus().watch();
        until(&watcher, "the account is stored", || {
            services.reader().ask_and_wait("test", account::accounts).ok()?.first().map(|a| a.id)
        })
    };
    let begun = services.writer().run(Priority::Interactive, move |tx| {
        conversation::begin_conversation(tx, account, &number, now)
    });
    (account, begun.wait().unwrap())
}

fn write(
    services: &Services,
    (account, conversation): (AccountId, ConversationId),
    text: &str,
) -> MessageId {
    let body = Body::Text { text: text.to_owned(), preview_url: false };
    write_body(services, (account, conversation), body)
}

fn write_body(
    services: &Services,
    (account, conversation): (AccountId, ConversationId),
    body: Body,
) -> MessageId {
    let priority = Urgency::Person;
    let new = NewMessage { account, conversation, body, reply_to: None, priority };
    let now = clock().now();
    let written =
        services.writer().run(Priority::Interactive, move |tx| outbox::enqueue(tx, &new, now));
    written.wait().unwrap()
}

fn read(services: &Services, id: MessageId) -> Message {
    services.reader().ask_and_wait("test", move |conn| message::message(conn, id)).unwrap()
}

fn page(services: &Services, conversation: ConversationId) -> Vec<Message> {
    let asked = services.reader().ask_and_wait("test", move |conn| {
        message::messages(conn, conversation, MessagePage::Newest, 50)
    });
    asked.unwrap().messages
}

#[test]
fn a_message_is_read_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let world = world();
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let services = start(config(dir.path(), &world, &sim.base_url(), loopback(0)));
    let health = until_health(&services, "the listener is up", |health| {
        health.listener == Condition::Up && health.listener_address.is_some()
    });
    sim.set_webhook(&format!("http://{}/webhook", health.listener_address.unwrap())).unwrap();
    assert_eq!(sim.verify_webhook(), Ok(()));

    let watcher = services.bus().watch();
    let place = begin(&services, "15551230001");
    let first = write(&services, place, "hello");
    let second = write(&services, place, "are you there?");
    for id in [first, second] {
        until(&watcher, "the message is read", || {
            Some(read(&services, id)).filter(|message| message.state == State::Read)
        });
    }
    let steps = services.reader().ask_and_wait("test", move |conn| message::timeline(conn, first));
    let steps: Vec<State> = steps.unwrap().into_iter().map(|step| step.state).collect();
    assert_eq!(steps.first(), Some(&State::Queued));
    assert!(steps.contains(&State::Sending) && steps.contains(&State::Read), "{steps:?}");

    sim.say("Ana", "I am here").unwrap();
    until(&watcher, "the answer is there", || {
        let said = Body::Text { text: "I am here".to_owned(), preview_url: false };
        page(&services, place.1).into_iter().find(|message| message.body == said)
    });
    let health = until_health(&services, "the queue is empty", |health| health.queue() == 0);
    assert_eq!(health.refused.total(), 0);
    assert_eq!(health.sender, Condition::Up);
    assert!(health.last_event.is_some());
    services.stop();
}

#[test]
fn it_starts_with_nothing_and_keeps_what_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(loopback(0)).unwrap();
    let mut config =
        config(dir.path(), &world(), "http://127.0.0.1:9", taken.local_addr().unwrap());
    config.accounts[0].token = None;
    let services = start(config.clone());
    let place = begin(&services, "15551230001");
    let id = write(&services, place, "later");
    let health = until_health(&services, "both troubles are said", |health| {
        health.account_trouble.is_some()
            && matches!(health.listener, Condition::Down(_))
            && health.queue() == 1
    });
    assert!(health.account_trouble.unwrap().contains("token"));
    services.stop();

    // With a token and without a network it waits all the same.
    config.accounts[0].token = Some(SecretString::from("token"));
    let services = start(config);
    until_health(&services, "the network is missed", |health| {
        health.stops().any(|(_, stop)| stop.kind == StopKind::Offline)
    });
    let kept = read(&services, id);
    assert!(matches!(kept.state, State::Queued | State::Sending), "{:?}", kept.state);
    assert_eq!(kept.tries, 0);
}

#[test]
fn the_roles_go_over_to_the_next_process_and_its_writes_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let world = world();
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let config = config(dir.path(), &world, &sim.base_url(), loopback(0));
    let first = start(config.clone());
    until_health(&first, "the first has both roles", |health| {
        health.sender == Condition::Up && health.listener == Condition::Up
    });
    let second = start(config);
    until_health(&second, "the second has none", |health| {
        health.sender == Condition::Elsewhere && health.listener == Condition::Elsewhere
    });

    let watcher = first.bus().watch();
    let place = begin(&second, "15551230001");
    let id = write(&second, place, "from the other process");
    until(&watcher, "the first heard of it and sent it", || {
        Some(read(&first, id)).filter(|message| message.state.is_accepted())
    });
    first.stop();
    until_health(&second, "the second took over", |health| {
        health.sender == Condition::Up && health.listener == Condition::Up
    });
    let id = write(&second, place, "by myself");
    let watcher = second.bus().watch();
    until(&watcher, "the second sent it", || {
        Some(read(&second, id)).filter(|message| message.state.is_accepted())
    });
}

#[test]
fn a_taken_port_leaves_the_listening_to_another_process_until_it_is_free() {
    let (world, dir) = (world(), tempfile::tempdir().unwrap());
    let taken = TcpListener::bind(loopback(0)).unwrap();
    let port = taken.local_addr().unwrap();
    let first = start(config(dir.path(), &world, "http://127.0.0.1:9", port));
    let told = until_health(&first, "the trouble is said", |health| {
        matches!(health.listener, Condition::Down(_))
    });
    assert!(format!("{told:?}").contains("is taken by another program"), "{told:?}");
    let second = start(config(dir.path(), &world, "http://127.0.0.1:9", loopback(0)));
    until_health(&second, "the second listens", |health| health.listener == Condition::Up);
    until_health(&first, "the first knows", |health| health.listener == Condition::Elsewhere);
    drop(taken);
    second.stop();
    until_health(&first, "the first listens", |health| {
        health.listener == Condition::Up && health.listener_address == Some(port.to_string())
    });
}

#[test]
fn a_process_without_a_token_leaves_the_sending_to_one_that_has_it() {
    let (world, dir) = (world(), tempfile::tempdir().unwrap());
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let with = config(dir.path(), &world, &sim.base_url(), loopback(0));
    let mut without = with.clone();
    without.accounts[0].token = None;
    let first = start(without);
    let place = begin(&first, "15551230001");
    let id = write(&first, place, "somebody will");
    let told = until_health(&first, "what is missing is said", |health| {
        health.sender == Condition::Off && health.account_trouble.is_some()
    });
    assert!(told.account_trouble.unwrap().contains("no access token"));
    let second = start(with);
    let watcher = second.bus().watch();
    until(&watcher, "the one with a token sent it", || {
        Some(read(&second, id)).filter(|message| message.state.is_accepted())
    });
    assert_eq!(first.health().sender, Condition::Off);
}

#[test]
fn a_sender_of_one_conversation_leaves_the_others_alone() {
    let (world, dir) = (world(), tempfile::tempdir().unwrap());
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let config = config(dir.path(), &world, &sim.base_url(), loopback(0));
    let on_panic = Arc::new(|panicked| panic!("{panicked:?}"));
    let mut services = Services::start(config, clock(), on_panic).unwrap();
    let (account, wanted) = begin(&services, "15551230001");
    let (_, other) = begin(&services, "15551230002");
    let waits = write(&services, (account, other), "for the inbox");
    let sent = write(&services, (account, wanted), "now");
    services.send_only(wanted);
    services.start_net().unwrap();
    let watcher = services.bus().watch();
    let state = |id| {
        let asked = services.reader().ask_and_wait("test", move |read| message::message(read, id));
        asked.unwrap().state
    };
    until(&watcher, "the message is accepted", || state(sent).is_accepted().then_some(()));
    assert_eq!(state(waits), State::Queued);
    services.stop();
}

#[test]
fn a_received_file_is_fetched_and_kept_and_one_that_expired_is_said_to_be_gone() {
    let (world, dir) = (world(), tempfile::tempdir().unwrap());
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let services = start(config(dir.path(), &world, &sim.base_url(), loopback(0)));
    let health = until_health(&services, "the listener is up", |health| {
        health.listener == Condition::Up && health.listener_address.is_some()
    });
    sim.set_webhook(&format!("http://{}/webhook", health.listener_address.unwrap())).unwrap();
    let watcher = services.bus().watch();
    let place = begin(&services, "15551230001");
    let now = clock().now();
    // An id of a webhook works for a week.
    for (age, sample) in [(8 * DAY, Sample::Lamp), (Duration::ZERO, Sample::Parcel)] {
        let words = Words::Image(sample, Some("look".to_owned()));
        sim.with_world(|world| world.say_words("Ana", &words, now - age)).unwrap();
    }
    sim.tick();
    let copies = until(&watcher, "both files are settled", || {
        let files = page(&services, place.1).into_iter().filter_map(|message| match message.body {
            Body::Media { media, .. } => Some(media.copy),
            _ => None,
        });
        let files: Vec<MediaCopy> = files.filter(|copy| *copy != MediaCopy::Pending).collect();
        (files.len() == 2).then_some(files)
    });
    let [MediaCopy::Failed(reason), MediaCopy::Stored { path, size }] = &copies[..] else {
        panic!("{copies:?}")
    };
    assert_eq!(reason, "no longer at Meta");
    let file = dir.path().join(path);
    assert_eq!(file.parent(), Some(dir.path().join("media").as_path()));
    assert_eq!(std::fs::read(&file).unwrap(), Sample::Parcel.bytes());
    assert_eq!(usize::try_from(*size).unwrap(), Sample::Parcel.bytes().len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(dir.path().join("media")).unwrap().count(), 1, "nothing partial");
}

/// How many commits are made while somebody reads. The long form is run by hand: `COMMITS=50000`.
fn commits() -> i64 {
    std::env::var("COMMITS").map_or(1_000, |count| count.parse().expect("COMMITS is a number"))
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_log_stays_small_while_somebody_scrolls_and_searches() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), &world(), "http://127.0.0.1:9", loopback(0));
    let log = config.database.with_extension("db-wal");
    let database = config.database.clone();
    let on_panic = Arc::new(|panicked| panic!("{panicked:?}"));
    let services = Services::start(config, clock(), on_panic).unwrap();
    let (account, conversation) = begin(&services, "15551230001");
    let size = || std::fs::metadata(&log).map_or(0, |file| file.len());
    let done = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        // A panic here must end the other thread too, or the scope waits for it for ever.
        let over = SetOnDrop(&done);
        // As the screen of another process does.
        scope.spawn(|| {
            let read = twoticks::store::ReadConn::open(&database).unwrap();
            while !done.load(Ordering::Relaxed) {
                message::messages(&read, conversation, MessagePage::Newest, 100).unwrap();
                twoticks::store::search::search(&read, "wor", None, 50).unwrap();
            }
        });
        let mut most = 0;
        for n in 0..commits() {
            write(
                &services,
                (account, conversation),
                &format!("{n} words {}", "of many ".repeat(60)),
            );
            most = size().max(most);
        }
        drop(over);
        most
    });
    assert!(most > 0 && most <= 64 << 20, "{most} bytes");
    let watcher = services.bus().watch();
    let idle = clock().monotonic() + PATIENCE;
    while size() > 8 << 20 {
        assert!(clock().monotonic() < idle, "{} bytes when idle", size());
        drop(watcher.wait(Some(Duration::from_millis(100))));
    }
    services.stop();
    assert_eq!(size(), 0, "nothing is left in it at the end");
}

#[test]
fn a_file_of_ours_goes_up_before_its_message() {
    let (world, dir) = (world(), tempfile::tempdir().unwrap());
    let sim = Sim::start(SimConfig::default(), World::new(7, world.clone()), clock()).unwrap();
    let path = dir.path().join("menu.png");
    std::fs::write(&path, b"\x89PNG\r\n\x1a\npixels").unwrap();
    let media = Media {
        kind: MediaKind::Image,
        id: None,
        url: None,
        mime_type: Some("image/png".to_owned()),
        sha256: None,
        file_name: Some("menu.png".to_owned()),
        voice: false,
        animated: false,
        copy: MediaCopy::Outside { path: path.to_str().unwrap().to_owned() },
    };
    let services = start(config(dir.path(), &world, &sim.base_url(), loopback(0)));
    let place = begin(&services, "15551230001");
    let media = take_in(dir.path(), media).unwrap();
    std::fs::remove_file(&path).unwrap();
    let id = write_body(&services, place, Body::Media { media, caption: None });
    let watcher = services.bus().watch();
    let sent = until(&watcher, "the file and its message are sent", || {
        Some(read(&services, id))
            .filter(|message| message.state.is_accepted() || message.state == State::Failed)
    });
    assert!(sent.state.is_accepted(), "{sent:?}");
}
