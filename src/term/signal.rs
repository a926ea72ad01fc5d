//! The thread that hears signals. The first TERM, HUP or INT asks the loop to end in order; the second one
//! restores the terminal and ends at once. TSTP and CONT are the shell's job control. WINCH is crossterm's.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{emulate_default_handler, exit};

use crate::clock::SystemClock;
use crate::domain::time::{Clock as _, Monotonic};
use crate::service::thread::{OnPanic, Thread};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To end.
    End,
    /// To stop until continued.
    Stop,
    /// The process was continued.
    Continue,
}

/// Hears signals until it is dropped.
#[derive(Debug)]
pub struct Listening {
    handle: Handle,
    /// Joined by its own drop, after the handle was closed.
    _thread: Thread,
    away: Arc<AtomicBool>,
}

impl Listening {
    /// While another program has the terminal, Ctrl-C and Ctrl-Z are its business.
    #[must_use]
    pub fn away(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.away)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Starts the thread. `told` hears what is asked for. Without a screen there is no job control to take part in.
pub fn start(
    screen: bool,
    on_panic: OnPanic,
    told: impl Fn(Asked) + Send + 'static,
) -> io::Result<Listening> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    if screen {
        signals.add_signal(SIGTSTP)?;
        signals.add_signal(SIGCONT)?;
    }
    let handle = signals.handle();
    let away = Arc::new(AtomicBool::new(false));
    let elsewhere = Arc::clone(&away);
    let thread = Thread::start("signals", on_panic, move || {
        let clock = SystemClock::new();
        let mut asked = None;
        for signal in &mut signals {
            // The terminal has put `^C` there; what comes next begins on a line of its own.
            if !screen && signal == SIGINT && io::stderr().is_terminal() {
                writeln!(io::stderr()).ok();
            }
            hear(signal, elsewhere.load(Ordering::SeqCst), clock.monotonic(), &mut asked, &told);
        }
    })?;
    Ok(Listening { handle, _thread: thread, away })
}

/// Who asks once more within this has not waited for anything: `timeout` signals a process and then its group.
const SAME: Duration = Duration::from_millis(250);

fn hear(
    signal: i32,
    away: bool,
    now: Monotonic,
    asked: &mut Option<Monotonic>,
    told: &dyn Fn(Asked),
) {
    match signal {
        SIGINT | SIGCONT if away => {}
        SIGTSTP if away => {
            if let Err(error) = emulate_default_handler(SIGTSTP) {
                tracing::warn!(%error, "cannot stop");
            }
        }
        SIGTSTP => told(Asked::Stop),
        SIGCONT => told(Asked::Continue),
        _ => match *asked {
            None => {
                *asked = Some(now);
                told(Asked::End);
            }
            Some(first) if now.since(first) < SAME => {}
            Some(_) => {
                super::restore();
                exit(130);
            }
        },
    }
}
