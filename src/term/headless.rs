//! The inbox without a terminal: the real loop, model and services on a screen in memory. A script of keys
//! goes in, the text of the screen comes out. For tests and benches.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::style::Modifier;

use super::effect::Stage;
use super::run::{Ending, Event, Loop, Opening};
use super::tty::Surface;
use crate::app::Model;
use crate::app::keymap::parse_key;
use crate::app::msg::{Input, Key, KeyCode, Msg};
use crate::domain::time::Clock;
use crate::ui::Theme;

/// A screen in memory, and what was asked of the terminal beside it.
#[derive(Debug)]
pub struct Memory {
    terminal: Terminal<TestBackend>,
    /// Bells rung so far.
    pub bells: usize,
    /// The title set last.
    pub title: String,
    /// The text copied last.
    pub copied: String,
    /// What the next visit to the editor makes of the text.
    pub edited: Option<Result<String, String>>,
    /// Frames drawn so far.
    pub frames: usize,
}

impl Memory {
    fn new(columns: u16, rows: u16) -> io::Result<Self> {
        let terminal = Terminal::new(TestBackend::new(columns, rows)).map_err(io::Error::other)?;
        Ok(Self {
            terminal,
            bells: 0,
            title: String::new(),
            copied: String::new(),
            edited: None,
            frames: 0,
        })
    }

    /// The screen as lines of text, without the space at their ends.
    #[must_use]
    pub fn text(&self) -> String {
        self.cells(|_| true)
    }

    /// What of the screen is bold; everything else is space.
    #[must_use]
    pub fn bold(&self) -> String {
        self.cells(|cell| cell.modifier.contains(Modifier::BOLD))
    }

    fn cells(&self, shown: impl Fn(&Cell) -> bool) -> String {
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width).max(1);
        let lines = buffer.content().chunks(width).map(|row| {
            let mut line = String::new();
            let mut covered = 0;
            for cell in row {
                // The cell behind a wide character holds nothing of its own.
                if covered > 0 {
                    covered -= 1;
                    continue;
                }
                line.push_str(if shown(cell) { cell.symbol() } else { " " });
                covered = crate::domain::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Surface for Memory {
    type Backend = TestBackend;

    fn terminal(&mut self) -> &mut Terminal<TestBackend> {
        &mut self.terminal
    }

    fn commit(&mut self) -> io::Result<()> {
        self.frames += 1;
        Ok(())
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        let area = self.terminal.backend().buffer().area;
        Ok((area.width, area.height))
    }

    fn bell(&mut self) -> io::Result<()> {
        self.bells += 1;
        Ok(())
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        text.clone_into(&mut self.title);
        Ok(())
    }

    fn copy(&mut self, text: &str) -> Result<(), String> {
        text.clone_into(&mut self.copied);
        Ok(())
    }

    fn edit(&mut self, _: &str) -> Result<String, String> {
        self.edited.take().unwrap_or_else(|| Err("there is no editor here".to_owned()))
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn resumed(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A person at the headless inbox.
pub struct Driver {
    inbox: Loop<Memory>,
    keyboard: Sender<Event>,
    clock: Arc<dyn Clock>,
    /// Why it ended, if it has.
    pub ending: Option<Ending>,
}

impl Driver {
    /// Opens the inbox on a screen of the size the model was set up with.
    pub fn open(
        model: Model,
        theme: Theme,
        (keyboard, events): (Sender<Event>, Receiver<Event>),
        stage: Stage,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let (columns, rows) = model.size();
        let surface = Memory::new(columns, rows)?;
        let inbox =
            Loop::begin(surface, Opening::ask(model, stage), theme, events, Arc::clone(&clock))?;
        Ok(Self { inbox, keyboard, clock, ending: None })
    }

    /// The screen as text.
    #[must_use]
    pub fn screen(&self) -> String {
        self.inbox.surface().text()
    }

    /// What was asked of the terminal.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        self.inbox.surface()
    }

    /// Types a script: plain characters, and keys in angle brackets as the config writes them (`<Enter>`,
    /// `<Ctrl-J>`, `<lt>` for the bracket itself).
    pub fn keys(&mut self, script: &str) -> io::Result<()> {
        for key in read_script(script)? {
            self.input(Input::Key(key))?;
        }
        Ok(())
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) -> io::Result<()> {
        self.input(Input::Paste(text.to_owned()))
    }

    /// Changes the size of the screen.
    pub fn resize(&mut self, columns: u16, rows: u16) -> io::Result<()> {
        self.inbox.surface_mut().terminal.backend_mut().resize(columns, rows);
        self.input(Input::Resize(columns, rows))
    }

    /// Feeds one input and whatever is waiting by then.
    pub fn input(&mut self, input: Input) -> io::Result<()> {
        self.keyboard.send(Event::Msg(Msg::Input(input))).map_err(io::Error::other)?;
        self.turn(Some(Duration::ZERO))
    }

    /// Takes in what has happened by now, and draws if it is to be seen.
    pub fn breathe(&mut self) -> io::Result<()> {
        self.turn(Some(Duration::ZERO))
    }

    fn turn(&mut self, at_most: Option<Duration>) -> io::Result<()> {
        if self.ending.is_none() {
            self.ending = self.inbox.turn(at_most)?;
        }
        Ok(())
    }

    /// Runs the loop until the screen is as wanted, or the inbox ended; an error with the screen when
    /// `patience` runs out first.
    pub fn until(
        &mut self,
        patience: Duration,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> io::Result<()> {
        self.wait(patience, |memory| wanted(&memory.text()))
    }

    /// Runs the loop until more than `frames` frames have been drawn.
    pub fn until_frame(&mut self, patience: Duration, frames: usize) -> io::Result<()> {
        self.wait(patience, |memory| memory.frames > frames)
    }

    fn wait(
        &mut self,
        patience: Duration,
        mut wanted: impl FnMut(&Memory) -> bool,
    ) -> io::Result<()> {
        let end = self.clock.monotonic() + patience;
        loop {
            if wanted(self.memory()) {
                return Ok(());
            }
            let left = end.since(self.clock.monotonic());
            if left.is_zero() || self.ending.is_some() {
                let screen = self.screen();
                let what = format!("waited in vain; {:?}; the screen is:\n{screen}", self.ending);
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            self.turn(Some(left))?;
        }
    }
}

fn read_script(script: &str) -> io::Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        let after = rest.strip_prefix(c).unwrap_or_default();
        if let Some((name, behind)) = after.split_once('>').filter(|_| c == '<') {
            let key = if name == "lt" { Some(plain('<')) } else { parse_key(name) };
            keys.push(key.ok_or_else(|| io::Error::other(format!("no such key: <{name}>")))?);
            rest = behind;
        } else {
            keys.push(plain(c));
            rest = after;
        }
    }
    Ok(keys)
}

const fn plain(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false, alt: false, shift: false }
}
