//! A person's terminal: the binary in a pseudo-terminal, keys in, screen out. Waiting is for the next byte,
//! never for time to pass.

use std::cell::Cell;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;

/// How long anything may take before the test gives up; far more than it ever needs. An account in trouble is asked
/// again after 30 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
}

pub(crate) struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    keys: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    pid: u32,
    ended: Receiver<ExitStatus>,
    over: Cell<bool>,
    modes: String,
}

impl Terminal {
    /// Starts twoticks on 80x24 with a home of its own.
    pub(crate) fn start(home: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::run(Path::new(env!("CARGO_BIN_EXE_twoticks")), home, args, env)
    }

    /// Starts any program.
    pub(crate) fn run(program: &Path, home: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes = modes(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("HOME", home);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in env {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        // Kept open, a closed slave would hide the end of the output.
        drop(pair.slave);
        let pid = child.process_id().unwrap();
        let (tell, ended) = channel();
        thread::Builder::new()
            .name("child".to_owned())
            .spawn(move || tell.send(child.wait().unwrap()))
            .unwrap();
        let parser = vt100::Parser::new(24, 80, 0);
        let seen = Seen { parser, bytes: Vec::new(), closed: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&seen);
        thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                let mut buffer = [0; 4096];
                loop {
                    let count = output.read(&mut buffer).unwrap_or(0);
                    let mut seen = shown.0.lock().unwrap();
                    seen.bytes.extend_from_slice(&buffer[..count]);
                    seen.parser.process(&buffer[..count]);
                    seen.closed = count == 0;
                    shown.1.notify_all();
                    if count == 0 {
                        return;
                    }
                }
            })
            .unwrap();
        let keys = pair.master.take_writer().unwrap();
        Self { seen, keys, master: pair.master, pid, ended, over: Cell::new(false), modes }
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(rows, cols);
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) {
        let (lock, changed) = &*self.seen;
        let (seen, time) = changed
            .wait_timeout_while(lock.lock().unwrap(), PATIENCE, |seen| {
                !wanted(seen.parser.screen()) && !seen.closed
            })
            .unwrap();
        assert!(
            !time.timed_out() && wanted(seen.parser.screen()),
            "never came: {what}; the screen is\n{}",
            seen.parser.screen().contents()
        );
    }

    #[track_caller]
    pub(crate) fn until_text(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    pub(crate) fn screen(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Waits for the end of the frame under way and returns all that was written until now.
    #[track_caller]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let whole = |seen: &Seen| {
            let ends = |end: &[u8]| seen.bytes.windows(end.len()).rposition(|part| part == end);
            ends(b"\x1b[?2026h") <= ends(b"\x1b[?2026l")
        };
        let (lock, changed) = &*self.seen;
        let waited =
            changed.wait_timeout_while(lock.lock().unwrap(), PATIENCE, |seen| !whole(seen));
        let (seen, time) = waited.unwrap();
        assert!(!time.timed_out(), "a frame without an end");
        seen.bytes.clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(self.pid, signal);
    }

    /// Waits until the system has stopped the process, as a shell does before it can continue it.
    #[track_caller]
    pub(crate) fn until_stopped(&self) {
        let pid = self.pid.to_string();
        let state = || {
            let ps = std::process::Command::new("ps").args(["-o", "state=", "-p", &pid]).output();
            String::from_utf8(ps.unwrap().stdout).unwrap()
        };
        assert!((0..5000).any(|_| state().trim_start().starts_with('T')), "it is not stopped");
    }

    /// Waits for the end and returns the exit code.
    #[track_caller]
    pub(crate) fn end(&self) -> u32 {
        let status = self.ended.recv_timeout(PATIENCE);
        let status = status.unwrap_or_else(|_| panic!("it does not end:\n{}", self.screen()));
        self.over.set(true);
        status.exit_code()
    }

    /// Waits until all that was written has been read: the end of a program may be known before.
    pub(crate) fn until_closed(&self) {
        let (lock, changed) = &*self.seen;
        let open = |seen: &mut Seen| !seen.closed;
        drop(changed.wait_timeout_while(lock.lock().unwrap(), PATIENCE, open).unwrap());
    }

    /// Whether the terminal is as it was before the program came.
    #[track_caller]
    pub(crate) fn assert_restored(&self) {
        self.until_closed();
        let lock = &self.seen.0;
        assert_eq!(modes(&*self.master), self.modes, "the modes of the line");
        let seen = lock.lock().unwrap();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen");
        assert!(!screen.bracketed_paste(), "bracketed paste");
        assert!(!screen.hide_cursor(), "the cursor");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        for mode in ["?1004", "?2026"] {
            let last = |end: char| {
                let sequence = format!("\x1b[{mode}{end}");
                seen.bytes.windows(sequence.len()).rposition(|window| window == sequence.as_bytes())
            };
            assert!(last('h') < last('l'), "{mode} is still on");
        }
        let last = |sequence: &[u8]| {
            seen.bytes.windows(sequence.len()).rposition(|window| window == sequence)
        };
        let (kept, back) = (last(b"\x1b[22;2t"), last(b"\x1b[23;2t"));
        assert!(kept.is_some() && kept.max(last(b"\x1b]0;")) < back, "the title stays ours");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.over.get() && self.ended.try_recv().is_err() {
            // A test that failed half-way; its program must not stay behind.
            signal_to(self.pid, Signal::KILL);
        }
    }
}

/// Sends a signal to a child that has not been waited for.
pub(crate) fn signal_to(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}
