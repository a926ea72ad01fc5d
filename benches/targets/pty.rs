//! A program on a pseudo-terminal: what it writes, when, and what is on its screen by that.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::fill;

pub(crate) const COLUMNS: u16 = 200;
pub(crate) const ROWS: u16 = 50;

/// A running program. Dropping it hangs up, and kills what does not heed that.
pub(crate) struct Screen {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    written: Receiver<(Instant, Vec<u8>)>,
    cells: vt100::Parser,
    started: Instant,
    // The other end of the line.
    _master: Box<dyn MasterPty + Send>,
}

impl Screen {
    pub(crate) fn start(command: CommandBuilder) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("pseudo-terminal");
        let mut reader = pair.master.try_clone_reader().expect("reader");
        let keyboard = pair.master.take_writer().expect("writer");
        let (give, written) = channel();
        let read = move || {
            let mut bytes = vec![0; 1 << 16];
            // An error says that the program has left.
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if give.send((Instant::now(), bytes[..length].to_vec())).is_err() {
                    break;
                }
            }
        };
        drop(std::thread::Builder::new().name("pty".into()).spawn(read).expect("thread"));
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).expect("program");
        let cells = vt100::Parser::new(ROWS, COLUMNS, 0);
        Self { child, keyboard, written, cells, started, _master: pair.master }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().expect("process id")
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("keys");
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.cells.screen().contents()
    }

    /// Waits until the screen shows what is wanted; how long that took since the start.
    pub(crate) fn wait(&mut self, wanted: impl Fn(&str) -> bool) -> Duration {
        let patience = Instant::now() + Duration::from_secs(20);
        while !wanted(&self.text()) {
            let left = patience.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok((at, bytes)) => {
                    self.cells.process(&bytes);
                    if wanted(&self.text()) {
                        return at - self.started;
                    }
                }
                Err(why) => {
                    panic!("{why}; the screen never showed what was wanted:\n{}", self.text())
                }
            }
        }
        self.started.elapsed()
    }

    /// The bytes written until it was silent for so long.
    pub(crate) fn until_silent(&mut self, silence: Duration) -> usize {
        let mut count = 0;
        while let Ok((_, bytes)) = self.written.recv_timeout(silence) {
            count += bytes.len();
            self.cells.process(&bytes);
        }
        count
    }

    /// The bytes written during this time, and in how many pieces.
    pub(crate) fn during(&mut self, time: Duration) -> (usize, usize) {
        let end = Instant::now() + time;
        let (mut count, mut pieces) = (0, 0);
        loop {
            match self.written.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((_, bytes)) => {
                    count += bytes.len();
                    pieces += 1;
                    self.cells.process(&bytes);
                }
                Err(RecvTimeoutError::Timeout) => return (count, pieces),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended:\n{}", self.text()),
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The inbox on the filled store with so many messages: no network, a listener on any free port.
pub(crate) fn inbox(dir: &Path, messages: u32) -> Screen {
    let home = home(dir, messages);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_twoticks"));
    command.args(["--config".as_ref(), home.join("bench.toml").as_os_str()]);
    command.env_remove("TWOTICKS_BENCH_DIR");
    command.env("TERM", "xterm-256color");
    command.env("BENCH_SECRET", "made-up");
    Screen::start(command)
}

/// Whether the first full frame is there: the newest message in the list and in its conversation.
pub(crate) fn is_full(text: &str) -> bool {
    text.matches(fill::NEWEST_TEXT).count() >= 2
}

fn home(dir: &Path, messages: u32) -> PathBuf {
    let database = fill::store(dir, messages);
    let home = database.parent().expect("directory").to_owned();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let config = format!(
        "data_dir = \".\"\nbase_url = \"http://127.0.0.1:9\"\ntimezone = \"UTC\"\n\
         [listener]\nport = {port}\n\
         [[account]]\nname = \"bench\"\nphone_number_id = \"106540352242922\"\n\
         waba_id = \"102290129340398\"\ntoken = \"env:BENCH_SECRET\"\n\
         app_secret = \"env:BENCH_SECRET\"\nverify_token = \"env:BENCH_SECRET\"\n"
    );
    std::fs::write(home.join("bench.toml"), config).expect("config");
    home
}
