//! The one thread that reads keys. It blocks in crossterm's `read` and turns what comes into the app's
//! [`Input`]; nobody else may read from the terminal while it does.
//!
//! To let an editor have the keyboard, the thread is parked: the loop asks, wakes it with a SIGWINCH (which
//! crossterm answers with a resize), and waits until the thread says that it has let go.

use std::io;
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

/// What the thread should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    Park,
    Stop,
}

#[derive(Debug)]
struct State {
    wish: Wish,
    /// Nobody reads from the terminal.
    let_go: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn new() -> Self {
        let state = State { wish: Wish::Read, let_go: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, wish: Wish) {
        self.state().wish = wish;
        self.changed.notify_all();
    }

    /// Lets go of the keyboard while that is wished. False when the thread should end.
    fn stand_by(&self) -> bool {
        let mut state = self.state();
        state.let_go = state.wish != Wish::Read;
        self.changed.notify_all();
        while state.wish == Wish::Park {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.let_go = false;
        state.wish == Wish::Read
    }

    /// Waits until the thread has let go of the keyboard, which it does after the event it waits for.
    fn wait_for_it(&self) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), LET_GO, |state| !state.let_go);
        waited.unwrap_or_else(PoisonError::into_inner).0.let_go
    }
}

/// Lets go of the keyboard when the thread ends, however it ends.
struct Gone<'a>(&'a Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.state().let_go = true;
        self.0.changed.notify_all();
    }
}

/// Sends the thread away from the keyboard and back. Dropping it ends the thread: whatever goes wrong at the
/// start, nobody waits for one more key.
#[derive(Debug)]
pub struct Parking {
    shared: Arc<Shared>,
    thread: Option<Thread>,
}

impl Parking {
    /// Waits until nobody reads from the terminal. False when the thread does not answer; then it goes on
    /// reading.
    pub fn park(&self) -> bool {
        let let_go = self.leave(Wish::Park);
        if !let_go {
            self.release();
        }
        let_go
    }

    /// Lets the thread read again.
    pub fn release(&self) {
        self.shared.set(Wish::Read);
    }

    fn leave(&self, wish: Wish) -> bool {
        self.shared.set(wish);
        kill_process(getpid(), Signal::WINCH).is_ok() && self.shared.wait_for_it()
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

/// Where keys come from.
trait Source {
    /// Waits for what comes next.
    fn read(&mut self) -> io::Result<Event>;
    /// Whether more comes at once.
    fn has_more(&mut self) -> bool;
}

struct Terminal;

impl Source for Terminal {
    fn read(&mut self) -> io::Result<Event> {
        event::read()
    }

    fn has_more(&mut self) -> bool {
        event::poll(BURST).unwrap_or(false)
    }
}

/// Starts the thread. `sink` hears every input and says whether anybody listens still.
pub fn start(
    on_panic: OnPanic,
    sink: impl Fn(Input) -> bool + Send + 'static,
) -> io::Result<Parking> {
    // Makes crossterm listen for SIGWINCH before anyone sends one.
    event::poll(Duration::ZERO)?;
    let pastes = has_bracketed_paste(std::env::var("TERM").ok().as_deref());
    read_from(Terminal, pastes, on_panic, sink)
}

fn read_from(
    mut source: impl Source + Send + 'static,
    pastes: bool,
    on_panic: OnPanic,
    sink: impl Fn(Input) -> bool + Send + 'static,
) -> io::Result<Parking> {
    let shared = Arc::new(Shared::new());
    let reads = Arc::clone(&shared);
    let run = move || {
        let _gone = Gone(&reads);
        let mut burst = Burst { trusted: pastes, ..Burst::default() };
        while reads.stand_by() {
            match source.read() {
                Ok(event) => {
                    let input = burst.pass(event, || source.has_more());
                    if input.is_some_and(|input| !sink(input)) {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot read from the terminal");
                    return;
                }
            }
        }
    };
    let thread = Thread::start("input", on_panic, run)?;
    Ok(Parking { shared, thread: Some(thread) })
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
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use crossterm::event::{
        Event, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers as Mods, MouseEvent,
        MouseEventKind,
    };

    use super::{Burst, Source, convert, has_bracketed_paste, read_from};
    use crate::app::msg::{Input, Key, KeyCode};

    /// Keys that a test presses. It hears when one is waited for.
    struct Keys(Receiver<Event>, Sender<()>);

    impl Source for Keys {
        fn read(&mut self) -> io::Result<Event> {
            self.1.send(()).map_err(io::Error::other)?;
            self.0.recv().map_err(io::Error::other)
        }

        fn has_more(&mut self) -> bool {
            false
        }
    }

    /// The thread that let go too late waited for ever for a word that nobody gave: no key worked any more.
    #[test]
    fn keys_work_after_the_thread_did_not_let_go_in_time() {
        let (keyboard, keys) = channel();
        let (waits, waiting) = channel();
        let (typed, inputs) = channel();
        let sink = move |input| typed.send(input).is_ok();
        let parking = read_from(Keys(keys, waits), true, Arc::new(|_| {}), sink).unwrap();
        waiting.recv().unwrap();
        assert!(!parking.park(), "it waits for a key");
        keyboard.send(press(Code::Char('a'), Mods::NONE)).unwrap();
        assert_eq!(inputs.recv().unwrap(), key(KeyCode::Char('a'), false, false, false));

        // And the word that came too late is not taken for the next one.
        waiting.recv().unwrap();
        assert!(!parking.park(), "it waits for a key");
        std::thread::scope(|scope| {
            let parked = scope.spawn(|| parking.park());
            while !parked.is_finished() {
                keyboard.send(Event::Resize(80, 24)).unwrap();
                std::thread::yield_now();
            }
            assert!(parked.join().unwrap());
        });
        keyboard.send(press(Code::Char('b'), Mods::NONE)).unwrap();
        assert!(inputs.try_iter().all(|input| matches!(input, Input::Resize(..))), "it reads");
        parking.release();
        let b = key(KeyCode::Char('b'), false, false, false);
        assert!(inputs.iter().any(|input| input == b));
        drop(keyboard);
    }

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
