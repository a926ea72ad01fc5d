//! Tells the other processes on a data directory that something was written, so that what one hands over
//! another takes at once: a message that `send` queues, a receipt that it waits for.
//!
//! Who hears has a datagram socket beside the database, and who commits sends a byte to each of them. It is
//! a hint and never waits: where there are no such sockets, or the path is too long for one, the others find
//! out with their next tick. A killed process leaves its socket behind; who rings next takes it away.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::bus::Bus;
use super::stop::Stopped;
use super::writer::{Priority, Writer};
use crate::domain::change::Changes;

/// How the sockets' names end.
const SUFFIX: &str = "bell";

/// Between two looks: a flood of commits elsewhere costs ten a second.
const REST: Duration = Duration::from_millis(100);

/// No data version yet.
const UNKNOWN: i64 = i64::MIN;

/// The bell of one process on one data directory.
#[derive(Debug)]
pub struct Bell {
    own: PathBuf,
}

impl Bell {
    /// The bell of whoever has this database open.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        let mut name = [0; 8];
        // Two of one name would only be one that is deaf.
        if let Err(error) = getrandom::fill(&mut name) {
            tracing::debug!(%error, "no random name");
        }
        let name = u64::from_ne_bytes(name);
        Self { own: database.with_file_name(format!("{name:016x}.{SUFFIX}")) }
    }

    /// Rings at every process that hears, this one excepted. Never blocks, never fails.
    pub fn ring(&self) {
        #[cfg(unix)]
        if let Err(error) = sockets::ring(&self.own) {
            tracing::debug!(%error, "the other processes are not told");
        }
    }
}

/// Hears of what other processes wrote.
#[derive(Clone, Debug)]
pub(super) struct Others {
    writer: Writer,
    bus: Bus,
    version: Arc<AtomicI64>,
}

impl Others {
    pub(super) fn new(writer: Writer, bus: Bus) -> Self {
        Self { writer, bus, version: Arc::new(AtomicI64::new(UNKNOWN)) }
    }

    /// Asks on the writing connection, where this process's own commits do not count, and tells everybody
    /// if another process wrote. The first time too: somebody may have read before this connection was there.
    pub(super) fn look(&self) {
        let (version, bus) = (Arc::clone(&self.version), self.bus.clone());
        drop(self.writer.run(Priority::Interactive, move |tx| {
            let now = tx.data_version()?;
            let before = version.swap(now, Ordering::Relaxed);
            if before != now {
                bus.publish(&Changes { everything: true, ..Changes::default() });
            }
            Ok(())
        }));
    }
}

/// Looks whenever another process rings, until the word to stop.
pub(super) async fn run(bell: Arc<Bell>, others: Others, stopped: Stopped) {
    #[cfg(unix)]
    if let Err(error) = sockets::hear(&bell.own, &others, stopped).await {
        tracing::debug!(%error, "other processes cannot be heard at once");
    }
    #[cfg(not(unix))]
    drop((bell, others, stopped));
}

#[cfg(unix)]
mod sockets {
    use std::fs;
    use std::io::{self, ErrorKind};
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use tokio::time::sleep;

    use super::{Others, REST, SUFFIX, Stopped};

    pub(super) fn ring(own: &Path) -> io::Result<()> {
        let Some(dir) = own.parent() else { return Ok(()) };
        let mut from = None;
        for file in fs::read_dir(dir)? {
            let path = file?.path();
            if path.extension().is_none_or(|end| end != SUFFIX) || path == own {
                continue;
            }
            let socket = match &mut from {
                Some(socket) => socket,
                none => none.insert(UnixDatagram::unbound()?),
            };
            socket.set_nonblocking(true)?;
            match socket.send_to(&[0], &path) {
                // Nobody is behind it any more.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    fs::remove_file(&path).ok();
                }
                // One that is full has been rung already.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The socket's file, which goes with it.
    struct Hung<'a>(&'a Path);

    impl Drop for Hung<'_> {
        fn drop(&mut self) {
            fs::remove_file(self.0).ok();
        }
    }

    pub(super) async fn hear(own: &Path, others: &Others, mut stopped: Stopped) -> io::Result<()> {
        let socket = tokio::net::UnixDatagram::bind(own)?;
        let _hung = Hung(own);
        // What was written before it hung rang at nobody.
        others.look();
        let mut byte = [0];
        loop {
            tokio::select! {
                biased;
                () = stopped.wait() => return Ok(()),
                heard = socket.recv(&mut byte) => heard?,
            };
            while socket.try_recv(&mut byte).is_ok() {}
            others.look();
            tokio::select! {
                () = stopped.wait() => return Ok(()),
                () = sleep(REST) => {}
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Bell, Others, run};
    use crate::clock::SystemClock;
    use crate::domain::id::PhoneNumberId;
    use crate::domain::time::Clock as _;
    use crate::service::bus::{Bus, Watcher};
    use crate::service::stop::Stop;
    use crate::service::thread::OnPanic;
    use crate::service::writer::{Priority, WriterThread};
    use crate::store::Rules;
    use crate::store::account::{NewAccount, upsert_account};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn writer(path: &Path, bus: &Bus) -> WriterThread {
        let on_panic: OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
        let clock = Arc::new(SystemClock::new());
        WriterThread::start(path.to_owned(), Rules::default(), bus.clone(), clock, on_panic)
            .unwrap()
    }

    /// Commits an account of this name.
    fn commit(writer: &WriterThread, name: &str) {
        let new = NewAccount {
            name: name.to_owned(),
            phone_number: PhoneNumberId::new(name),
            waba: None,
            display_number: None,
        };
        let now = SystemClock::new().now();
        let written =
            writer.handle().run(Priority::Interactive, move |tx| upsert_account(tx, &new, now));
        written.wait().unwrap();
    }

    fn bells(dir: &Path) -> usize {
        let files = std::fs::read_dir(dir).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension() == Some("bell".as_ref()))
            .count()
    }

    #[track_caller]
    fn until(watcher: &Watcher, what: &str, mut holds: impl FnMut(&Watcher) -> bool) {
        let clock = SystemClock::new();
        let end = clock.monotonic() + PATIENCE;
        while !holds(watcher) {
            assert!(clock.monotonic() < end, "in vain: {what}");
        }
    }

    /// Nothing ticks here: what is heard, the bell told.
    #[test]
    fn what_another_process_commits_is_heard_without_a_tick() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twoticks.db");
        let (here, there) = (Bus::new(), Bus::new());
        let (hearing, ringing) = (writer(&path, &here), writer(&path, &there));
        let watcher = here.watch();
        let hears =
            |watcher: &Watcher| watcher.wait(Some(Duration::from_millis(200))).changes.everything;
        // One that was killed left this.
        drop(std::os::unix::net::UnixDatagram::bind(dir.path().join("dead.bell")).unwrap());
        let (stop, stopped) = Stop::new();
        std::thread::scope(|scope| {
            let others = Others::new(hearing.handle(), here.clone());
            let bell = hearing.bell();
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(run(bell, others, stopped));
            });
            until(&watcher, "the first look", hears);
            for round in 0..3 {
                commit(&ringing, &format!("account {round}"));
                until(&watcher, "the commit is heard", hears);
            }
            until(&watcher, "the dead one's is taken away", |_| bells(dir.path()) == 1);
            stop.set();
        });
        assert_eq!(bells(dir.path()), 0, "it goes with whoever heard");
    }

    #[test]
    fn where_there_can_be_no_bell_nothing_is_lost_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let path = deep.join("twoticks.db");
        let bus = Bus::new();
        let writing = writer(&path, &bus);
        let (stop, stopped) = Stop::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let others = Others::new(writing.handle(), bus.clone());
        runtime.block_on(run(writing.bell(), others, stopped));
        commit(&writing, "an account");
        Bell::beside(Path::new("/nonexistent/twoticks.db")).ring();
        assert_eq!(bells(&deep), 0);
        stop.set();
    }
}
