//! Questions on a terminal. Secrets are not shown while they are typed, and nobody is asked where nobody
//! is.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use super::missing;
use crate::cli::say;
use crate::domain::text;
use crate::error::{Error, Kind};

/// Longer than any token.
const LONGEST: usize = 16 * 1024;

/// Asks, or says which flag is missing. While it lives, the terminal shows what is typed only where it asks for
/// something that everybody may see: a token pasted while the one before is being checked is no less secret.
pub(super) struct Asker {
    asks: bool,
    quiet: Option<Quiet>,
}

/// A row that was picked, or what was typed instead.
pub(super) struct Chosen {
    pub(super) place: usize,
    pub(super) text: String,
}

impl Asker {
    pub(super) fn new(wanted: bool) -> Self {
        let asks = wanted && io::stdin().is_terminal();
        // A terminal that cannot be kept quiet is asked all the same.
        Self { asks, quiet: asks.then(|| Quiet::new().ok()).flatten() }
    }

    /// Whether somebody is there.
    pub(super) const fn asks(&self) -> bool {
        self.asks
    }

    /// One line that nobody may see. Empty only if that means something.
    pub(super) fn hidden(
        &self,
        words: &str,
        flag: &str,
        may_be_empty: bool,
    ) -> Result<String, Error> {
        if !self.asks {
            return if may_be_empty { Ok(String::new()) } else { Err(missing(flag)) };
        }
        loop {
            let typed = hidden_line(words)?;
            say("");
            if may_be_empty || !typed.is_empty() {
                return Ok(typed);
            }
            say(NOTHING);
        }
    }

    /// One line that everybody may see.
    pub(super) fn shown(&self, words: &str) -> Result<String, Error> {
        let _seen = self.quiet.as_ref().map(Quiet::lift);
        prompt(words);
        line()
    }

    /// One of several rows by its number, or another value; without a word the one that is `kept`.
    pub(super) fn choose(
        &self,
        words: &str,
        flag: &str,
        rows: &[String],
        kept: Option<&str>,
    ) -> Result<Chosen, Error> {
        let typed = |text: &str| Chosen { place: usize::MAX, text: text.to_owned() };
        if !self.asks {
            if let Some(kept) = kept {
                return Ok(typed(kept));
            }
            let listed = rows.join("; ");
            return Err(if rows.is_empty() {
                missing(flag)
            } else {
                missing(flag).hint(format!("one of: {listed}"))
            });
        }
        for (at, row) in (1..).zip(rows) {
            say(&format!("  {at}  {row}"));
        }
        let keeps = kept.map(|kept| format!(" (Enter keeps {kept})")).unwrap_or_default();
        loop {
            let text = self.shown(&format!("{words}{keeps}"))?;
            let place = text.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
            match (place.filter(|place| *place < rows.len()), kept) {
                (Some(place), _) => return Ok(Chosen { place, text }),
                (None, _) if !text.is_empty() => return Ok(typed(&text)),
                (None, Some(kept)) => return Ok(typed(kept)),
                (None, None) => say(NOTHING),
            }
        }
    }
}

/// The next line of the input, as it comes.
pub(super) fn line() -> Result<String, Error> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Said to an empty answer where one is needed.
const NOTHING: &str = "  nothing was typed; Ctrl-C ends this with nothing written";

/// The question, broken between words. A long one has a line of its own.
fn prompt(words: &str) {
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    let lines = text::wrap(words, usize::from(columns).saturating_sub(1));
    let shown: Vec<&str> = lines.into_iter().filter_map(|line| words.get(line.range)).collect();
    let ask = if shown.len() > 1 { "\r\n> " } else { ": " };
    // Talk that nobody hears is no failure.
    write!(io::stderr(), "{}{ask}", shown.join("\r\n")).ok();
}

/// A terminal that shows nothing of what is typed, until this is dropped or a signal ends the program.
struct Quiet {
    before: Arc<Termios>,
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

/// A while in which it shows it.
struct Seen<'a>(&'a Quiet);

impl Quiet {
    fn new() -> io::Result<Self> {
        let before = Arc::new(tcgetattr(io::stdin())?);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        let back = Arc::clone(&before);
        let thread =
            std::thread::Builder::new().name("init-signals".to_owned()).spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    // The terminal may be gone; the program ends either way.
                    tcsetattr(io::stdin(), OptionalActions::Now, &back).ok();
                    emulate_default_handler(signal).ok();
                }
            })?;
        let quiet = Self { before, signals: handle, thread: Some(thread) };
        quiet.hush();
        Ok(quiet)
    }

    fn hush(&self) {
        let mut hushed = (*self.before).clone();
        hushed.local_modes.remove(LocalModes::ECHO);
        Self::set(&hushed);
    }

    fn lift(&self) -> Seen<'_> {
        Self::set(&self.before);
        Seen(self)
    }

    fn set(modes: &Termios) {
        // A terminal that is gone needs nothing.
        tcsetattr(io::stdin(), OptionalActions::Now, modes).ok();
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        Self::set(&self.before);
        self.signals.close();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        self.0.hush();
    }
}

/// Puts the terminal back, however the reading ends.
struct Raw;

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        crossterm::terminal::disable_raw_mode().ok();
    }
}

/// Asks only once nothing that is typed is shown any more: a paste is faster than the terminal.
fn hidden_line(words: &str) -> Result<String, Error> {
    crossterm::terminal::enable_raw_mode()?;
    let _raw = Raw;
    prompt(words);
    let mut typed = Vec::new();
    for byte in io::stdin().lock().bytes() {
        match byte? {
            b'\r' | b'\n' => break,
            3 => return Err(Error::new(Kind::Interrupted, "nothing was written")),
            4 if typed.is_empty() => {
                return Err(Error::new(Kind::Interrupted, "nothing was written"));
            }
            8 | 127 => {
                typed.pop();
            }
            21 => typed.clear(),
            byte if typed.len() < LONGEST && byte >= b' ' => typed.push(byte),
            _ => {}
        }
    }
    Ok(String::from_utf8_lossy(&typed).trim().to_owned())
}
