//! Questions on a terminal. Secrets are not shown while they are typed, and nobody is asked where nobody
//! is.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use super::missing;
use crate::cli::say;
use crate::error::{Error, Kind};

/// Longer than any token.
const LONGEST: usize = 16 * 1024;

/// Asks, or says which flag is missing.
pub(super) struct Asker {
    asks: bool,
}

/// A row that was picked, or what was typed instead.
pub(super) struct Chosen {
    pub(super) place: usize,
    pub(super) text: String,
}

impl Asker {
    pub(super) fn new(wanted: bool) -> Self {
        Self { asks: wanted && io::stdin().is_terminal() }
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
        }
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
            let text = shown(&format!("{words}{keeps}"))?;
            let place = text.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
            match (place.filter(|place| *place < rows.len()), kept) {
                (Some(place), _) => return Ok(Chosen { place, text }),
                (None, _) if !text.is_empty() => return Ok(typed(&text)),
                (None, Some(kept)) => return Ok(typed(kept)),
                (None, None) => {}
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

/// One line that everybody may see.
pub(super) fn shown(words: &str) -> Result<String, Error> {
    prompt(words);
    line()
}

fn prompt(words: &str) {
    // Talk that nobody hears is no failure.
    write!(io::stderr(), "{words}: ").ok();
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
    prompt(&words.replace('\n', "\r\n"));
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
