//! What a process holds in memory.

use std::fmt::Display;

/// The proportional memory of a process (`self` is this one), in megabytes of 1,000,000.
pub(crate) fn pss(process: impl Display) -> f64 {
    let path = format!("/proc/{process}/smaps_rollup");
    let rollup = std::fs::read_to_string(path).expect("smaps_rollup");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss");
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kibibytes * 1024.0 / 1e6
}
