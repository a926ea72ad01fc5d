//! A panic restores the terminal, whatever thread it happens on: this binary runs itself in a terminal and
//! goes down there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::Builder;

use twoticks::api::{Client, Settings};
use twoticks::clock::SystemClock;
use twoticks::config;
use twoticks::service::thread::Thread;
use twoticks::term;

use crate::terminal::Terminal;

/// How the other process is told what to do.
const HOW: &str = "GOES_DOWN";
const LOG: &str = "GOES_DOWN_LOG";
const CONFIG: &str = "GOES_DOWN_CONFIG";

fn goes_down_by(how: &str, log: &Path) -> Terminal {
    goes_down_with(how, log, "")
}

/// With this config in its hands, if the way needs one.
pub(crate) fn goes_down_with(how: &str, log: &Path, config: &str) -> Terminal {
    let args = ["--exact", "panic::goes_down", "--nocapture", "--test-threads=1"];
    let program = std::env::current_exe().unwrap();
    let env = [(HOW, how), (LOG, log.to_str().unwrap()), (CONFIG, config)];
    Terminal::run(&program, log, &args, &env)
}

/// The process that the tests below start; on its own it has nothing to do.
#[test]
fn goes_down() {
    let Ok(how) = std::env::var(HOW) else { return };
    let log = PathBuf::from(std::env::var_os(LOG).unwrap());
    term::panic::install(log.clone());
    let guard = term::enter(&log).unwrap();
    match how.as_str() {
        "drawing" => panic!("the thread that draws"),
        "telling" => {
            let path = PathBuf::from(std::env::var_os(CONFIG).unwrap());
            let none = std::collections::BTreeMap::new();
            let config = config::load(&path, true, &none).unwrap();
            let token = config.accounts[0].token.as_ref().unwrap();
            let settings = Settings::new(token.resolve(&none, &SystemClock::new()).unwrap());
            let client = Client::new(settings.clone()).unwrap();
            panic!("all it holds: {config:?} {settings:?} {client:?}")
        }
        "own" => {
            let (told, heard) = channel();
            let on_panic = Arc::new(move |panicked| told.send(panicked).unwrap());
            let thread = Thread::start("worker", on_panic, || panic!("a thread of ours")).unwrap();
            let panicked = heard.recv().unwrap();
            thread.join();
            drop(guard);
            println!("ended in order: {}: {}", panicked.thread, panicked.message);
        }
        "foreign" => {
            let thread = Builder::new().spawn(|| panic!("a thread of a library")).unwrap();
            thread.join().unwrap_err();
            println!("still on the screen");
            // Until a key is pressed: raw mode gives it without Enter.
            let mut key = [0];
            std::io::Read::read_exact(&mut std::io::stdin(), &mut key).unwrap();
            drop(guard);
        }
        how => panic!("no such way: {how}"),
    }
}

#[test]
fn of_the_thread_that_draws() {
    let log = tempfile::tempdir().unwrap();
    let terminal = goes_down_by("drawing", log.path());
    assert_eq!(terminal.end(), 101);
    terminal.assert_restored();
    let screen = terminal.screen();
    assert!(screen.contains("the thread that draws"), "{screen}");
    assert!(screen.contains("This is a mistake in twoticks."), "{screen}");
}

#[test]
fn of_a_thread_of_ours() {
    let log = tempfile::tempdir().unwrap();
    let terminal = goes_down_by("own", log.path());
    assert_eq!(terminal.end(), 0);
    terminal.assert_restored();
    let screen = terminal.screen();
    assert!(screen.contains("ended in order: worker: a thread of ours"), "{screen}");
}

#[test]
fn of_a_thread_of_a_library_which_tears_nothing_down() {
    let log = tempfile::tempdir().unwrap();
    let mut terminal = goes_down_by("foreign", log.path());
    terminal.until("a screen that is still up", |screen| {
        screen.alternate_screen()
            && screen.bracketed_paste()
            && screen.contents().contains("still on the screen")
    });
    assert!(!terminal.screen().contains("panicked"), "{}", terminal.screen());
    terminal.send("x");
    assert_eq!(terminal.end(), 0);
    terminal.assert_restored();
}
