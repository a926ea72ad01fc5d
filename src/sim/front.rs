//! The door of the simulator: takes connections and passes their bytes on to `tiny_http` behind it.
//!
//! It is there for two things `tiny_http` 0.12 cannot do. Its thread pool counts idle threads late, so
//! that a burst of connections can leave some unserved until others end; here connections are handed
//! over one at a time, each with proof that it is served. And it cannot close a connection that the
//! client wants to keep, which is what a lost answer looks like; here [`LOST`] becomes a closed
//! connection. Every thread is named and joined.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::callback::read_answer;

/// What stands in for an answer that must get lost. No HTTP begins like this.
pub(super) const LOST: &[u8] = b"\0lost\0";
/// The path that proves a connection is served.
pub(super) const HELLO: &str = "/_sim/hello";

const HELLO_WITHIN: Duration = Duration::from_secs(2);
/// Dials before a client is turned away.
const DIALS: usize = 3;

/// The open door.
pub(super) struct Front {
    addr: SocketAddr,
    hall: Arc<Hall>,
    porter: Option<JoinHandle<()>>,
}

/// What the door and its threads share.
struct Hall {
    closing: AtomicBool,
    guests: Mutex<Vec<Guest>>,
}

/// One client's connection.
struct Guest {
    client: TcpStream,
    inner: TcpStream,
    threads: [JoinHandle<()>; 2],
}

impl Guest {
    fn see_off(self) {
        hang_up(&self.client);
        hang_up(&self.inner);
        for thread in self.threads {
            thread.join().unwrap_or_default();
        }
    }
}

impl Front {
    /// Opens the door: what comes in at `listener` goes to `inner`.
    pub(super) fn open(listener: TcpListener, inner: SocketAddr) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let hall = Hall { closing: AtomicBool::new(false), guests: Mutex::new(Vec::new()) };
        let hall = Arc::new(hall);
        let inside = Arc::clone(&hall);
        let work = move || inside.receive(&listener, inner);
        let porter = Builder::new().name("sim-front".to_owned()).spawn(work)?;
        Ok(Self { addr, hall, porter: Some(porter) })
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes every connection and waits for the threads. A second call does nothing.
    pub(super) fn close(&mut self) {
        let Some(porter) = self.porter.take() else { return };
        self.hall.closing.store(true, Ordering::Release);
        // A connection of one's own ends the wait for the next one. When it cannot be made, the wait
        // has ended with an error already.
        drop(TcpStream::connect(self.addr));
        porter.join().unwrap_or_default();
        let guests = std::mem::take(&mut *self.hall.guests());
        guests.into_iter().for_each(Guest::see_off);
    }
}

impl Hall {
    fn guests(&self) -> MutexGuard<'_, Vec<Guest>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, listener: &TcpListener, inner: SocketAddr) {
        loop {
            let accepted = listener.accept();
            if self.closing.load(Ordering::Acquire) {
                return;
            }
            self.see_off_gone();
            let taken = accepted.and_then(|(client, _)| take_in(client, inner));
            match taken {
                Ok(guest) => self.guests().push(guest),
                Err(error) => tracing::warn!(%error, "the simulator turned a connection away"),
            }
        }
    }

    fn see_off_gone(&self) {
        let mut guests = self.guests();
        let gone = guests.extract_if(.., |guest| guest.threads.iter().all(JoinHandle::is_finished));
        gone.for_each(Guest::see_off);
    }
}

fn take_in(client: TcpStream, inner: SocketAddr) -> io::Result<Guest> {
    client.set_nodelay(true)?;
    let mut dialled = dial(inner);
    for _ in 1..DIALS {
        dialled = dialled.or_else(|_| dial(inner));
    }
    let inner = dialled?;
    let (from_client, to_inner) = (client.try_clone()?, inner.try_clone()?);
    let (from_inner, to_client) = (inner.try_clone()?, client.try_clone()?);
    let requests = move || pass(from_client, to_inner);
    let answers = move || pass(from_inner, to_client);
    let spawn = |name: &str| Builder::new().name(name.to_owned());
    let requests = spawn("sim-requests").spawn(requests)?;
    let answers = match spawn("sim-answers").spawn(answers) {
        Ok(answers) => answers,
        Err(error) => {
            hang_up(&client);
            requests.join().unwrap_or_default();
            return Err(error);
        }
    };
    Ok(Guest { client, inner, threads: [requests, answers] })
}

/// A connection to `tiny_http` that is known to be served.
fn dial(inner: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&inner, HELLO_WITHIN)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HELLO_WITHIN))?;
    stream.write_all(format!("GET {HELLO} HTTP/1.1\r\nHost: sim\r\n\r\n").as_bytes())?;
    read_answer(&mut stream)?;
    stream.set_read_timeout(None)?;
    Ok(stream)
}

/// Passes bytes on until one side ends or an answer is to get lost.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(count) if count > 0 => buffer.get(..count).unwrap_or(&[]),
            _ => break,
        };
        let (read, lost) = match read.strip_suffix(LOST) {
            Some(before) => (before, true),
            None => (read, false),
        };
        if to.write_all(read).is_err() || lost {
            break;
        }
    }
    hang_up(&from);
    hang_up(&to);
}

/// Ends a connection in both directions; one that has ended already is left alone.
fn hang_up(stream: &TcpStream) {
    stream.shutdown(Shutdown::Both).unwrap_or_default();
}
