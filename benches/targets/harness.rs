//! Rounds of two sides in turn, and a line that compares their medians.
//!
//! A machine's absolute numbers change from hour to hour; the ratio of two sides measured in turn within
//! one run does not. Every figure here is such a ratio, beside the bare floor it is compared with.

use std::time::{Duration, Instant};

/// Rounds of each side.
pub(crate) const ROUNDS: usize = 7;

/// Which side of the target is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Target {
    fn judge(self, value: f64) -> (bool, String) {
        let (sign, bound, holds) = match self {
            Self::AtLeast(bound) => (">=", bound, value >= bound),
            Self::AtMost(bound) => ("<=", bound, value <= bound),
        };
        let verdict = if holds { "ok" } else { "MISSED" };
        (holds, format!("({sign} {bound}) {verdict}"))
    }
}

/// Runs all sides in turn, [`ROUNDS`] times each, and gives the medians of what they return.
pub(crate) fn in_turn<const SIDES: usize>(
    mut sides: [&mut dyn FnMut() -> f64; SIDES],
) -> [f64; SIDES] {
    let mut measured: [Vec<f64>; SIDES] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (side, values) in sides.iter_mut().zip(&mut measured) {
            values.push(side());
        }
    }
    measured.map(|mut values| median(&mut values))
}

/// The median; the upper one of an even count.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which `part` of the values lie. Sorts them.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    values[(last as f64 * part).round() as usize]
}

/// How long one call takes.
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = call();
    (value, start.elapsed())
}

/// Prints a ratio with both its sides, the target and whether it holds.
pub(crate) fn ratio(name: &str, unit: &str, ours: f64, floor: f64, target: Target) -> bool {
    let ratio = ours / floor;
    let (holds, verdict) = target.judge(ratio);
    println!(
        "  {name:<44} ours {ours:>10.3} {unit:<3} floor {floor:>10.3} {unit:<3} ratio {ratio:>6.2} {verdict}"
    );
    holds
}

/// Prints a ratio that no target is set for.
pub(crate) fn told(name: &str, unit: &str, ours: f64, floor: f64) {
    let ratio = ours / floor;
    println!(
        "  {name:<44} ours {ours:>10.3} {unit:<3} floor {floor:>10.3} {unit:<3} ratio {ratio:>6.2} (no target)"
    );
}

/// Prints a figure that has a bound of its own.
pub(crate) fn figure(name: &str, unit: &str, value: f64, target: Target) -> bool {
    let (holds, verdict) = target.judge(value);
    println!("  {name:<44} {value:>15.3} {unit:<7} {verdict}");
    holds
}
