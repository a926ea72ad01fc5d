//! What the terminal sends for a key, told as it comes. The screen stays as it is; nothing else is read.

use std::io;

use crossterm::event::{self, Event};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::input::convert;
use crate::app::msg::{Input, Key, KeyCode};

/// A key that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// What the terminal is understood to have sent.
    pub sent: String,
    /// The key that it is in the key table, if it can be one.
    pub key: Option<Key>,
}

/// What ends it when it comes twice in a row.
const END: Key = Key { code: KeyCode::Char('c'), ctrl: true, alt: false, shift: false };

/// The keys that are pressed from its start until Ctrl-C comes twice in a row. Meanwhile the terminal is in raw
/// mode: lines that are written end in `\r\n`.
#[derive(Debug)]
pub struct Presses {
    asked: bool,
    over: bool,
}

impl Presses {
    /// Puts the terminal in raw mode.
    pub fn start() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self { asked: false, over: false })
    }

    fn take(&mut self) -> io::Result<Pressed> {
        loop {
            let event = event::read()?;
            let Event::Key(sent) = &event else { continue };
            let held: Vec<_> =
                sent.modifiers.iter_names().map(|(name, _)| name.to_lowercase() + " ").collect();
            let sent = format!("{}{:?}", held.concat(), sent.code);
            let key = match convert(event) {
                Some(Input::Key(key)) => Some(key),
                _ => None,
            };
            let end = key == Some(END);
            self.over = end && self.asked;
            self.asked = end;
            return Ok(Pressed { sent, key });
        }
    }
}

impl Iterator for Presses {
    type Item = io::Result<Pressed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let taken = self.take();
        self.over |= taken.is_err();
        Some(taken)
    }
}

impl Drop for Presses {
    fn drop(&mut self) {
        // Errors are of no use to anyone here: the terminal is gone.
        disable_raw_mode().ok();
    }
}
