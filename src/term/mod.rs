//! The terminal: who may write to it, in which modes it is, and that it is left as it was found.
//!
//! [`enter`] and [`restore`] are the one pair that switches modes. `restore` may be called from anywhere and
//! any number of times: the guard's drop, the panic hook, a signal. It takes no lock that a drawing thread
//! could hold. While the screen is up, stderr goes to the log, so that no library can write across it.
//!
//! One thread draws ([`run`]), one reads keys ([`input`]), one hears signals ([`signal`]). No rule of the
//! inbox lives here.

pub mod campaign;
mod editor;
pub mod effect;
mod errand;
mod files;
pub mod headless;
pub mod input;
mod opener;
mod pace;
pub mod panic;
pub mod press;
pub mod rows;
pub mod run;
pub mod signal;
pub mod tty;
pub mod workshop;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::Command;
use crossterm::cursor::{SetCursorStyle, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange,
};
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Whether the terminal is in our modes.
static UP: AtomicBool = AtomicBool::new(false);
/// The stderr we were started with, while it is redirected.
static STDERR: Mutex<Option<OwnedFd>> = Mutex::new(None);

/// Restores the terminal when dropped.
#[derive(Debug)]
#[must_use = "dropping it restores the terminal"]
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal in our modes: raw, alternate screen, bracketed paste, focus reports. No mouse: it
/// would take the terminal's own selection away. stderr goes to `log` from here on.
pub fn enter(log: &Path) -> io::Result<Guard> {
    let guard = Guard(());
    enter_again(log)?;
    Ok(guard)
}

/// Back into our modes after [`restore`]; the guard of the first entry still stands.
fn enter_again(log: &Path) -> io::Result<()> {
    enable_raw_mode()?;
    UP.store(true, Ordering::SeqCst);
    redirect_stderr(log)?;
    write_now(&sequence(&[
        &KeepTitle,
        &EnterAlternateScreen,
        &EnableBracketedPaste,
        &EnableFocusChange,
    ]))
}

/// Leaves our modes, if we are in them. Errors are of no use to anyone here: the terminal is gone.
pub fn restore() {
    if !UP.swap(false, Ordering::SeqCst) {
        return;
    }
    let leave = sequence(&[
        &EndSynchronizedUpdate,
        &DisableMouseCapture,
        &DisableFocusChange,
        &DisableBracketedPaste,
        &SetCursorStyle::DefaultUserShape,
        &LeaveAlternateScreen,
        &Show,
        &GiveTitleBack,
    ]);
    write_now(&leave).ok();
    disable_raw_mode().ok();
    let saved = STDERR.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(saved) = saved {
        rustix::stdio::dup2_stderr(saved).ok();
    }
}

fn redirect_stderr(log: &Path) -> io::Result<()> {
    let file: File = crate::paths::append_private(&log.join("stderr.log"))?;
    let saved = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
    rustix::stdio::dup2_stderr(&file)?;
    *STDERR.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
    Ok(())
}

/// Has the terminal remember the title that it had before ours (xterm, "Window manipulation", 22).
struct KeepTitle;

/// Brings back the title that it had before ours (23).
struct GiveTitleBack;

impl Command for KeepTitle {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str("\x1b[22;2t")
    }
}

impl Command for GiveTitleBack {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str("\x1b[23;2t")
    }
}

/// A piece of terminal protocol.
trait Sequence {
    fn add(&self, text: &mut String);
}

impl<C: Command> Sequence for C {
    fn add(&self, text: &mut String) {
        // Writing to a string cannot fail.
        self.write_ansi(text).ok();
    }
}

fn sequence(parts: &[&dyn Sequence]) -> Vec<u8> {
    let mut text = String::new();
    for part in parts {
        part.add(&mut text);
    }
    text.into_bytes()
}

/// Writes straight to the terminal, past the lock and the buffer of `std::io::stdout`: a thread that was
/// stopped while it held them must not keep the terminal from being restored.
fn write_now(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
