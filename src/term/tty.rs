//! The real terminal as a surface to draw on. A frame is one write: everything between `begin` and `commit`
//! is gathered and goes out at once, inside a synchronized update, so that neither tmux nor a slow line
//! shows half of it. Nothing is written between frames but what the person asked for.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate, SetTitle};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::input::Parking;
use super::rows::Rows;
use super::{sequence, write_now};

/// No more than this is put on the clipboard: terminals drop longer sequences, or worse.
pub const COPY_LIMIT: usize = 100 * 1024;

/// Gathers a frame. Clones share it: one is the backend's, with the other the frame is sent.
#[derive(Clone, Debug)]
pub struct Frame(Rc<RefCell<Vec<u8>>>);

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Nothing: the backend flushes several times in a frame.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the loop draws on, and asks for what is not a cell. The real one is [`Tty`]; tests have one in
/// memory.
pub trait Surface {
    /// Ratatui's side of it.
    type Backend: ratatui::backend::Backend;

    /// The grid of cells.
    fn terminal(&mut self) -> &mut Terminal<Self::Backend>;
    /// Sends what was drawn.
    fn commit(&mut self) -> io::Result<()>;
    /// Columns and rows, as they are now.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Rings the bell.
    fn bell(&mut self) -> io::Result<()>;
    /// Sets the title.
    fn title(&mut self, text: &str) -> io::Result<()>;
    /// Puts text on the clipboard.
    fn copy(&mut self, text: &str) -> Result<(), String>;
    /// Lets the person edit the text elsewhere, and waits for it.
    fn edit(&mut self, text: &str) -> Result<String, String>;
    /// Stops the process until it is continued.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the modes again after the process was stopped from outside.
    fn resumed(&mut self) -> io::Result<()>;
}

/// The terminal the process was started in.
pub struct Tty {
    terminal: Terminal<Rows<CrosstermBackend<Frame>>>,
    frame: Frame,
    out: File,
    input: Parking,
    away: Arc<AtomicBool>,
    data: PathBuf,
    log: PathBuf,
    /// A SIGCONT is on its way that was already answered.
    answered: bool,
    title: String,
}

impl Tty {
    /// Draws on stdout. The terminal must have been entered. `away` is set while another program has it;
    /// the editor's file lies in `data`.
    pub fn new(input: Parking, away: Arc<AtomicBool>, data: &Path, log: &Path) -> io::Result<Self> {
        let frame = Frame(Rc::new(RefCell::new(Vec::with_capacity(16 * 1024))));
        let terminal = Terminal::new(Rows::new(CrosstermBackend::new(frame.clone())))?;
        let out = rustix::stdio::stdout().as_fd().try_clone_to_owned()?.into();
        let (data, log) = (data.to_owned(), log.to_owned());
        Ok(Self {
            terminal,
            frame,
            out,
            input,
            away,
            data,
            log,
            answered: false,
            title: String::new(),
        })
    }

    /// Enters the modes again. The terminal may have kept nothing of the picture.
    fn enter_again(&mut self) -> io::Result<()> {
        super::enter_again(&self.log)?;
        // The shell's own stood there meanwhile.
        write_now(&sequence(&[&SetTitle(&self.title)]))?;
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

impl Surface for Tty {
    type Backend = Rows<CrosstermBackend<Frame>>;

    fn terminal(&mut self) -> &mut Terminal<Self::Backend> {
        &mut self.terminal
    }

    fn commit(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame.0.borrow_mut());
        if frame.is_empty() {
            return Ok(());
        }
        let mut all = Vec::with_capacity(frame.len() + 32);
        queue!(all, BeginSynchronizedUpdate)?;
        all.extend_from_slice(&frame);
        queue!(all, EndSynchronizedUpdate)?;
        self.out.write_all(&all)
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    fn bell(&mut self) -> io::Result<()> {
        write_now(b"\x07")
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        // The text is sanitised where it is made; a control character here would end the sequence.
        self.title = text.chars().filter(|c| !c.is_control()).take(200).collect();
        write_now(&sequence(&[&SetTitle(&self.title)]))
    }

    fn copy(&mut self, text: &str) -> Result<(), String> {
        if text.len() > COPY_LIMIT {
            return Err("longer than 100 KB: too much for the clipboard".to_owned());
        }
        write_now(&sequence(&[&CopyToClipboard::to_clipboard_from(text)]))
            .map_err(|error| format!("the terminal does not take it: {error}"))
    }

    fn edit(&mut self, text: &str) -> Result<String, String> {
        if !self.input.park() {
            return Err("the keyboard is busy; try again".to_owned());
        }
        self.away.store(true, Ordering::SeqCst);
        super::restore();
        let edited = super::editor::edit(&self.data, text);
        let entered = self.enter_again();
        self.away.store(false, Ordering::SeqCst);
        self.input.release();
        entered.map_err(|error| format!("cannot take the terminal back: {error}"))?;
        edited
    }

    fn suspend(&mut self) -> io::Result<()> {
        super::restore();
        self.answered = true;
        // Comes back when the process is continued.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        self.enter_again()
    }

    fn resumed(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.answered) {
            return Ok(());
        }
        // The shell may have changed the modes meanwhile, which only a full turn notices.
        super::restore();
        self.enter_again()
    }
}
