//! The one thread that reads keys. It blocks in crossterm's `read` and turns what comes into the app's
//! [`Input`]; nobody else may read from the terminal while it does.
//!
//! To let an editor have the keyboard, the thread is parked: the loop asks, wakes it with a SIGWINCH (which
//! crossterm answers with a resize), and waits until the thread says that it has let go.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind, KeyModifiers};
use rustix::process::{Signal, getpid, kill_process};

use crate::app::msg::{Input, Key, KeyCode};
use crate::service::thread::{OnPanic, Thread};

/// How close together keys must come for no hand to have typed them.
const BURST: Duration = Duration::from_millis(10);
/// How long the thread may take to let go of the keyboard. It is only ever this long when the terminal is gone.
const LET_GO: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    Park,
    Stop,
}

#[derive(Debug)]
struct Shared {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Shared {
    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, wish: Wish) {
        *self.wish() = wish;
        self.changed.notify_all();
    }
}

/// Sends the thread away from the keyboard and back. Dropping it ends the thread: whatever goes wrong at the
/// start, nobody waits for one more key.
#[derive(Debug)]
pub struct Parking {
    shared: Arc<Shared>,
    let_go: Receiver<()>,
    thread: Option<Thread>,
}

impl Parking {
    /// Waits until nobody reads from the terminal. False when the thread does not answer.
    pub fn park(&self) -> bool {
        self.leave(Wish::Park)
    }

    /// Lets the thread read again.
    pub fn release(&self) {
        self.shared.set(Wish::Read);
    }

    fn leave(&self, wish: Wish) -> bool {
        self.shared.set(wish);
        kill_process(getpid(), Signal::WINCH).is_ok() && self.let_go.recv_timeout(LET_GO).is_ok()
    }
}

impl Drop for Parking {
    /// Ends the thread and joins it. When the terminal is gone, crossterm never comes back from its read;
    /// then the thread ends with the process.
    fn drop(&mut self) {
        let let_go = self.leave(Wish::Stop);
        if let Some(thread) = self.thread.take().filter(|_| !let_go) {
            std::mem::forget(thread);
        }
    }
}

/// Starts the thread. `sink` hears every input and says whether anybody listens still.
pub fn start(
    on_panic: OnPanic,
    sink: impl Fn(Input) -> bool + Send + 'static,
) -> io::Result<Parking> {
    // Makes crossterm listen for SIGWINCH before anyone sends one.
    event::poll(Duration::ZERO)?;
    let shared = Arc::new(Shared { wish: Mutex::new(Wish::Read), changed: Condvar::new() });
    let (told, let_go) = channel();
    let reads = Arc::clone(&shared);
    let pastes = has_bracketed_paste(std::env::var("TERM").ok().as_deref());
    let thread = Thread::start("input", on_panic, move || read_all(&reads, &told, pastes, &sink))?;
    Ok(Parking { shared, let_go, thread: Some(thread) })
}

fn read_all(shared: &Shared, told: &Sender<()>, pastes: bool, sink: &dyn Fn(Input) -> bool) {
    let mut burst = Burst { trusted: pastes, ..Burst::default() };
    loop {
        {
            let mut wish = shared.wish();
            if *wish != Wish::Read && told.send(()).is_err() {
                return;
            }
            while *wish == Wish::Park {
                wish = shared.changed.wait(wish).unwrap_or_else(PoisonError::into_inner);
            }
            if *wish == Wish::Stop {
                return;
            }
        }
        match event::read() {
            Ok(event) => {
                let more = || event::poll(BURST).unwrap_or(false);
                if let Some(input) = burst.pass(event, more)
                    && !sink(input)
                {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot read from the terminal");
                return;
            }
        }
    }
}

/// Tells an Enter that was pasted from one that was pressed, where the terminal does not say: pasted keys
/// come closer together than any hand types. Without this, pasting three lines sends two messages.
#[derive(Debug, Default)]
struct Burst {
    /// The terminal marks pastes itself.
    trusted: bool,
    /// More keys were waiting right behind the last one.
    running: bool,
}

impl Burst {
    /// `more` says whether another key follows within [`BURST`].
    fn pass(&mut self, event: Event, more: impl FnOnce() -> bool) -> Option<Input> {
        self.trusted |= matches!(event, Event::Paste(_));
        let input = convert(event)?;
        if self.trusted {
            return Some(input);
        }
        let Input::Key(key) = input else { return Some(input) };
        if !matches!(key.code, KeyCode::Enter | KeyCode::Char(_) | KeyCode::Tab) {
            return Some(input);
        }
        let before = std::mem::replace(&mut self.running, more());
        if key.code == KeyCode::Enter && (before || self.running) {
            return Some(Input::Paste("\n".to_owned()));
        }
        Some(input)
    }
}

/// Whether a terminal of this name is known to mark pastes. Those that do not are few, and old.
fn has_bracketed_paste(term: Option<&str>) -> bool {
    let Some(term) = term else { return false };
    let without = ["linux", "dumb", "vt", "ansi", "cons", "sun", "screen.linux", "unknown"];
    !term.is_empty() && !without.iter().any(|name| term.starts_with(name))
}

/// What an event of crossterm means to the app; nothing for releases, mouse and unknown keys.
#[must_use]
pub fn convert(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => convert_key(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text.replace("\r\n", "\n").replace('\r', "\n"))),
        Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Mouse(_) => None,
    }
}

fn convert_key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let mut key = Key {
        code: convert_code(event.code)?,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
        shift: event.modifiers.contains(KeyModifiers::SHIFT),
    };
    if let KeyCode::Char(c) = key.code {
        // AltGr arrives as Ctrl+Alt from some terminals, with the character it makes; a letter would be a
        // real Ctrl+Alt chord.
        if key.ctrl && key.alt && !c.is_ascii_alphabetic() {
            (key.ctrl, key.alt) = (false, false);
        }
        if key.shift && !key.ctrl && c.is_lowercase() {
            let mut upper = c.to_uppercase();
            if let (Some(one), None) = (upper.next(), upper.next()) {
                key.code = KeyCode::Char(one);
            }
        }
        if key.ctrl {
            key.code = KeyCode::Char(c.to_ascii_lowercase());
        }
        // A letter carries its shift in its case.
        key.shift = false;
    }
    if key.code == KeyCode::BackTab {
        key.shift = false;
    }
    Some(key)
}

const fn convert_code(code: event::KeyCode) -> Option<KeyCode> {
    Some(match code {
        event::KeyCode::Char(c) => KeyCode::Char(c),
        event::KeyCode::Enter => KeyCode::Enter,
        event::KeyCode::Esc => KeyCode::Esc,
        event::KeyCode::Tab => KeyCode::Tab,
        event::KeyCode::BackTab => KeyCode::BackTab,
        event::KeyCode::Backspace => KeyCode::Backspace,
        event::KeyCode::Delete => KeyCode::Delete,
        event::KeyCode::Insert => KeyCode::Insert,
        event::KeyCode::Up => KeyCode::Up,
        event::KeyCode::Down => KeyCode::Down,
        event::KeyCode::Left => KeyCode::Left,
        event::KeyCode::Right => KeyCode::Right,
        event::KeyCode::Home => KeyCode::Home,
        event::KeyCode::End => KeyCode::End,
        event::KeyCode::PageUp => KeyCode::PageUp,
        event::KeyCode::PageDown => KeyCode::PageDown,
        event::KeyCode::F(number) => KeyCode::F(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crossterm::event::{
        Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers as Mods, MouseEvent,
        MouseEventKind,
    };

    use super::{Burst, convert, has_bracketed_paste};
    use crate::app::msg::{Input, Key, KeyCode};

    fn press(code: Code, modifiers: Mods) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    const fn key(code: KeyCode, ctrl: bool, alt: bool, shift: bool) -> Input {
        Input::Key(Key { code, ctrl, alt, shift })
    }

    #[test]
    fn keys_come_through_as_the_app_knows_them() {
        let ctrl_alt = Mods::CONTROL | Mods::ALT;
        let cases = [
            (press(Code::Char('a'), Mods::NONE), key(KeyCode::Char('a'), false, false, false)),
            (press(Code::Char('A'), Mods::SHIFT), key(KeyCode::Char('A'), false, false, false)),
            (press(Code::Char('ä'), Mods::SHIFT), key(KeyCode::Char('Ä'), false, false, false)),
            (press(Code::Char('j'), Mods::CONTROL), key(KeyCode::Char('j'), true, false, false)),
            (press(Code::Char('J'), Mods::CONTROL), key(KeyCode::Char('j'), true, false, false)),
            (press(Code::Char('f'), Mods::ALT), key(KeyCode::Char('f'), false, true, false)),
            // AltGr on a German keyboard.
            (press(Code::Char('@'), ctrl_alt), key(KeyCode::Char('@'), false, false, false)),
            (press(Code::Char('€'), ctrl_alt), key(KeyCode::Char('€'), false, false, false)),
            (press(Code::Char('e'), ctrl_alt), key(KeyCode::Char('e'), true, true, false)),
            (press(Code::Enter, Mods::ALT), key(KeyCode::Enter, false, true, false)),
            (press(Code::Enter, Mods::SHIFT), key(KeyCode::Enter, false, false, true)),
            (press(Code::BackTab, Mods::SHIFT), key(KeyCode::BackTab, false, false, false)),
            (press(Code::F(8), Mods::NONE), key(KeyCode::F(8), false, false, false)),
            (Event::Resize(80, 24), Input::Resize(80, 24)),
            (Event::FocusGained, Input::Focus(true)),
            (Event::Paste("a\r\nb\rc".into()), Input::Paste("a\nb\nc".into())),
        ];
        for (event, wanted) in cases {
            assert_eq!(convert(event.clone()), Some(wanted), "{event:?}");
        }
    }

    #[test]
    fn repeats_count_and_releases_do_not() {
        let of = |kind| Event::Key(KeyEvent::new_with_kind(Code::Char('x'), Mods::NONE, kind));
        assert!(convert(of(KeyEventKind::Press)).is_some());
        assert!(convert(of(KeyEventKind::Repeat)).is_some());
        assert!(convert(of(KeyEventKind::Release)).is_none());
        let mouse =
            MouseEvent { kind: MouseEventKind::Moved, column: 1, row: 1, modifiers: Mods::NONE };
        assert!(convert(Event::Mouse(mouse)).is_none());
        assert!(convert(press(Code::Null, Mods::NONE)).is_none());
    }

    /// Passes the text as keys. Keys come close together but where a bar parts them.
    fn type_in(burst: &mut Burst, text: &str) -> Vec<Input> {
        let mut rest = text.chars().peekable();
        let mut inputs = Vec::new();
        while let Some(c) = rest.next() {
            let close = rest.peek().is_some_and(|next| *next != '|');
            let code = match c {
                '|' => continue,
                '\n' => Code::Enter,
                c => Code::Char(c),
            };
            inputs.extend(burst.pass(press(code, Mods::NONE), || close));
        }
        inputs
    }

    fn sends(inputs: &[Input]) -> usize {
        let enter = key(KeyCode::Enter, false, false, false);
        inputs.iter().filter(|input| **input == enter).count()
    }

    #[test]
    fn an_unmarked_paste_of_three_lines_sends_nothing() {
        let mut burst = Burst::default();
        assert_eq!(sends(&type_in(&mut burst, "one\ntwo\nthree\n")), 0);
        assert_eq!(sends(&type_in(&mut burst, "|o|n|e|\n|")), 1, "typed by hand");
        assert_eq!(sends(&type_in(&mut burst, "|\n|\n|")), 2, "Enter alone");
    }

    #[test]
    fn a_terminal_that_marks_pastes_is_trusted() {
        let mut burst = Burst { trusted: true, ..Burst::default() };
        assert_eq!(sends(&type_in(&mut burst, "one\ntwo\n")), 2);
        let mut learned = Burst::default();
        learned.pass(Event::Paste("x".into()), || false);
        assert_eq!(sends(&type_in(&mut learned, "one\n")), 1);
    }

    #[test]
    fn terminals_without_marked_pastes_are_known() {
        for term in ["xterm-256color", "tmux-256color", "screen", "alacritty", "foot", "st"] {
            assert!(has_bracketed_paste(Some(term)), "{term}");
        }
        for term in [Some("linux"), Some("dumb"), Some("vt100"), Some(""), None] {
            assert!(!has_bracketed_paste(term), "{term:?}");
        }
    }
}
