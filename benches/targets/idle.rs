//! The inbox left open: a million messages, listener and sender running, nobody there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::{Target, figure};
use crate::memory::pss;
use crate::pty::{Screen, inbox, is_full};

const MINUTE: Duration = Duration::from_secs(60);

/// Starting is not idling: what follows the first frame may finish first.
const SETTLING: Duration = Duration::from_secs(10);

pub(crate) fn run(dir: &Path) -> bool {
    let mut screen = inbox(dir, 1_000_000);
    screen.wait(is_full);
    screen.during(SETTLING);
    let before = Usage::of(&screen);
    let (bytes, pieces) = screen.during(MINUTE);
    let after = Usage::of(&screen);
    let seconds = MINUTE.as_secs_f64();
    let per_thread = after.threads.iter().map(|(name, wakes)| {
        let earlier = before.threads.iter().find(|(before, _)| before == name);
        format!("{name} {}", wakes - earlier.map_or(0, |(_, wakes)| *wakes))
    });
    println!("  wake-ups by thread: {}", per_thread.collect::<Vec<_>>().join(", "));
    let wakes = (after.wakes() - before.wakes()) as f64 / seconds;
    let cpu = after.busy.abs_diff(before.busy).as_secs_f64() / seconds * 100.0;
    let often = figure("wake-ups", "/s", wakes, Target::AtMost(1.0));
    let busy = figure("CPU", "%", cpu, Target::AtMost(0.1));
    let memory = figure("proportional memory", "MB", pss(screen.process()), Target::AtMost(25.0));
    println!(
        "  written to the terminal: {bytes} bytes in {pieces} pieces; one may be the clock's minute"
    );
    let silent = figure(
        "writes beside the clock's",
        "",
        pieces.saturating_sub(1) as f64,
        Target::AtMost(0.0),
    );
    often & busy & memory & silent
}

/// What a process used so far.
struct Usage {
    /// Name with id, and voluntary context switches.
    threads: Vec<(String, u64)>,
    busy: Duration,
}

impl Usage {
    fn of(screen: &Screen) -> Self {
        let tasks = format!("/proc/{}/task", screen.process());
        let mut usage = Self { threads: Vec::new(), busy: Duration::ZERO };
        for task in fs::read_dir(tasks).expect("threads") {
            let task = task.expect("thread").path();
            let status = fs::read_to_string(task.join("status")).expect("status");
            let value = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("line");
                line.trim_start_matches(':').trim().to_owned()
            };
            let wakes = value("voluntary_ctxt_switches").parse().expect("a number");
            usage.threads.push((format!("{}/{}", value("Name"), value("Pid")), wakes));
            let schedule = fs::read_to_string(task.join("schedstat")).expect("schedstat");
            let busy = schedule.split_whitespace().next().expect("time on a core");
            usage.busy += Duration::from_nanos(busy.parse().expect("nanoseconds"));
        }
        usage
    }

    fn wakes(&self) -> u64 {
        self.threads.iter().map(|(_, wakes)| wakes).sum()
    }
}
