//! A listener that does not answer its own requests is built anew.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use secrecy::SecretString;

use super::super::probe::Probing;
use super::super::{ListenerConfig, Parts, run};
use super::{Limits, SECRET, post, sign, status};
use crate::clock::SystemClock;
use crate::domain::health::Health;
use crate::service::bus::Bus;
use crate::service::role::{Role, Seat};
use crate::service::stop::Stop;
use crate::service::thread::{OnPanic, Thread};
use crate::service::writer::{Priority, WriterThread};
use crate::store::Rules;

fn until(bus: &Bus, what: &str, is: impl Fn(&Health) -> bool) -> Health {
    let watcher = bus.watch();
    loop {
        let health = bus.health();
        if is(&health) {
            return health;
        }
        assert!(
            !watcher.wait(Some(Duration::from_secs(60))).is_empty(),
            "never: {what}; {health:?}"
        );
    }
}

fn exchange(address: &str, request: &[u8]) -> u16 {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    status(&super::read_all(&mut stream))
}

/// One seat, and a store that does not finish: the webhook in hand keeps the seat for ever.
#[test]
fn a_wedged_listener_is_built_anew_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, clock) = (Bus::new(), Arc::new(SystemClock::new()));
    let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
    let path = dir.path().join("db");
    let writer = WriterThread::start(
        path,
        Rules::default(),
        bus.clone(),
        Arc::<SystemClock>::clone(&clock),
        Arc::clone(&on_panic),
    )
    .unwrap();
    let (release, released) = mpsc::channel::<()>();
    let stuck = writer.handle().run(Priority::Interactive, move |_| {
        released.recv().ok();
        Ok(())
    });
    let probing =
        Probing { every: Duration::from_millis(50), patience: Duration::from_millis(200) };
    let parts = Parts {
        config: ListenerConfig {
            enabled: true,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/webhook".to_owned(),
            limits: Limits { connections: 1, probing, ..Limits::default() },
        },
        app_secrets: vec![("shop".to_owned(), SecretString::from(SECRET))],
        verify_tokens: Vec::new(),
        missing: None,
        seat: Arc::new(Seat::new(Role::Listener, dir.path(), bus.clone())),
        writer: writer.handle(),
        bus: bus.clone(),
        clock,
    };
    let (stop, stopped) = Stop::new();
    let thread = Thread::start("listener", on_panic, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(run(parts, stopped));
    });
    let up = |health: &Health| health.listener_address.clone();
    let first = until(&bus, "it listens", |health| up(health).is_some());
    assert_eq!(first.listener_rebuilt, 0);
    let request = post(b"{}", &sign(b"{}"));
    assert_eq!(exchange(&up(&first).unwrap(), &request), 0, "cut without a promise");
    until(&bus, "it is built anew", |health| health.listener_rebuilt > 0);
    drop(release);
    stuck.wait().unwrap();
    let again = until(&bus, "it listens again", |health| up(health).is_some());
    assert_eq!(exchange(&up(&again).unwrap(), &request), 200);
    assert_eq!(bus.health().refused.total(), 0, "its own requests are not counted");
    stop.set();
    drop(thread);
}
