//! The sender, the store and the reading of webhooks against the simulated Meta, joined by the sender's `Transport`
//! and a `Clock` of virtual time, through trouble that follows from a seed. After the trouble everything heals, and nothing may be lost, sent twice,
//! out of order, stuck or untrue.
//!
//! `SOAK_SEEDS=10000 cargo test --test it soak` is the long form, `SOAK_FIRST=10001` with it takes others. A seed that fails is replayed, with every
//! step printed, by `SOAK_SEED=17 cargo test --test it soak -- --nocapture`.

mod dice;
mod plan;
mod run;
mod watch;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use twoticks::domain::time::Timestamp;
use twoticks::store::WriteConn;

use self::run::{Flaw, Run};
use self::watch::Watch;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Where no disk is waited for, if there is such a place: nobody cuts the power here.
fn quick_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("directory")
}

/// An empty store, so that each run need not make its own.
fn template(dir: &Path) -> Vec<u8> {
    let path = dir.join("template.db");
    let store = WriteConn::open(&path, Timestamp::default()).expect("store");
    store.close().expect("close");
    std::fs::read(&path).expect("template")
}

fn run(seed: u64, root: &Path, template: &[u8], flaw: Flaw) -> Result<Watch, String> {
    let dir: PathBuf = root.join(seed.to_string());
    std::fs::create_dir(&dir).expect("directory");
    let outcome = std::panic::catch_unwind(|| Run::new(seed, &dir, template, flaw).finish());
    std::fs::remove_dir_all(&dir).expect("directory");
    outcome.unwrap_or_else(|_| Err("it panicked".to_owned()))
}

#[test]
fn soak_nothing_is_lost_doubled_overtaken_stuck_or_untrue() {
    let dir = quick_dir();
    let template = template(dir.path());
    let one = number("SOAK_SEED");
    let first = one.or_else(|| number("SOAK_FIRST")).unwrap_or(1);
    let seeds = one.map_or_else(|| number("SOAK_SEEDS").unwrap_or(200), |_| 1);
    let last = first + seeds - 1;
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let total = Mutex::new((0, 0, 0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last {
                        break;
                    }
                    match run(seed, dir.path(), &template, Flaw::None) {
                        Ok(watch) => {
                            let mut total = total.lock().expect("total");
                            total.0 += watch.written.len();
                            total.1 += watch.undecided().len();
                            total.2 = total.2.max(watch.fastest);
                        }
                        Err(why) => {
                            // At once, since the long form is often stopped before its end.
                            eprintln!("seed {seed}: {why}");
                            failures.lock().expect("failures").push((seed, why));
                        }
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("failures");
    failures.sort();
    let lines: Vec<String> = failures
        .iter()
        .map(|(seed, why)| {
            format!(
                "seed {seed}: {why}\n  SOAK_SEED={seed} cargo test --test it soak -- --nocapture"
            )
        })
        .collect();
    assert!(lines.is_empty(), "{} of {seeds} seeds failed:\n{}", lines.len(), lines.join("\n"));
    let (written, undecided, fastest) = total.into_inner().expect("total");
    println!(
        "{seeds} seeds, {written} messages, {undecided} failed or uncertain, {fastest}/s at most"
    );
}

#[test]
fn soak_sees_the_mistakes_it_is_there_for() {
    let dir = quick_dir();
    let template = template(dir.path());
    for (flaw, words) in [
        (Flaw::RepeatsUnknown, "was accepted 2 times"),
        (Flaw::ForgetsWebhooks, "Meta reported"),
        (Flaw::Overtakes, "overtook"),
    ] {
        let seen = (1..=40).any(|seed| match run(seed, dir.path(), &template, flaw) {
            Err(why) => why.contains(words),
            Ok(_) => false,
        });
        assert!(seen, "{flaw:?} went by unseen");
    }
}

#[test]
fn soak_does_the_same_for_the_same_seed() {
    let dir = quick_dir();
    let template = template(dir.path());
    for seed in [3, 20, 163] {
        let end = || run(seed, dir.path(), &template, Flaw::None).map(|watch| watch.end).unwrap();
        let (first, second) = (end(), end());
        assert!(first.contains("text 0"), "{first}");
        assert_eq!(first, second, "seed {seed}");
    }
}
