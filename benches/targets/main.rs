//! Speed as ratios: every target beside the bare floor it is compared with, measured in turn in one run.
//!
//! `cargo bench --bench targets` runs all, `cargo bench --bench targets -- t2 t6` those that are named.
//! One line per figure: ours, the floor, the ratio, the target, and whether it holds. Big stores are filled
//! on first use and kept in `TWOTICKS_BENCH_DIR` (`target/bench-stores` when it is not set).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a bench measures with real clocks and threads, prints, and ends at the first surprise"
)]

mod commit;
mod desk;
mod disk;
mod fill;
mod flight;
mod frame;
mod harness;
mod http;
mod idle;
mod killed;
mod memory;
mod peak;
mod plan;
mod pty;
mod rate;
mod scale;
mod shop;
mod stall;
mod start;
mod steady;
mod typed;
mod webhook;

use std::path::{Path, PathBuf};

/// A name to select it by, what it compares, and the measurement; false when a target was missed.
type Target = (&'static str, &'static str, fn(&Path) -> bool);

const TARGETS: [Target; 16] = [
    ("t1", "one durable commit against append and fdatasync", commit::run),
    ("t2", "durable webhooks against append and fdatasync, and a commit each", webhook::durable),
    ("t3", "one durable webhook against fdatasync and a bare exchange", webhook::alone),
    ("t4", "webhooks that are only verified against a bare HTTP server", webhook::verified),
    ("t5", "a minute of the platform's peak, and a person who looks", peak::run),
    ("t6", "questions to 5 million messages against 1 million", scale::run),
    ("t9", "the start against that of a bare screen", start::run),
    ("t12", "a frame against a bare one, and the bytes of a key", frame::run),
    ("t13", "the sender's rate against its limit, both cores busy", rate::run),
    ("t14", "what is under way against what may be, with a slow server", flight::run),
    ("t15", "from Enter to the screen against the disk and a frame", typed::run),
    ("t18", "the first list after a kill against a clean one", killed::run),
    ("stall", "the longest commit at the platform's peak", stall::run),
    ("minute", "a minute of sending at 1,000 a second, and the memory", steady::run),
    ("plan", "what a file of 10,000 people comes to, and a person who waits", plan::run),
    ("idle", "the inbox left open for a minute", idle::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == start::SKELETON) {
        return start::skeleton();
    }
    if let [victim, path] = &arguments[..]
        && victim == killed::VICTIM
    {
        return killed::victim(Path::new(path));
    }
    // Only `cargo bench` gives this; `cargo test --all-targets` runs us too and must not wait for it.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("nothing is measured without --bench: cargo bench --bench targets");
        return;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|name| !name.starts_with('-')).collect();
    if let Some(unknown) =
        wanted.iter().find(|name| TARGETS.iter().all(|target| target.0 != **name))
    {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.0).collect();
        panic!("there is no target {unknown:?}; there are: {}", names.join(", "));
    }
    let dir = directory();
    let mut missed = Vec::new();
    for (name, what, run) in TARGETS {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            println!("{name}: {what}");
            if !run(&dir) {
                missed.push(name);
            }
        }
    }
    if missed.is_empty() {
        println!("all targets hold");
    } else {
        println!("MISSED: {}", missed.join(", "));
    }
}

/// Where stores lie: kept ones, and those of one run in directories of their own.
fn directory() -> PathBuf {
    let dir = std::env::var_os("TWOTICKS_BENCH_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-stores"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&dir).expect("directory for the stores");
    dir
}
