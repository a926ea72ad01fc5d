//! Times and spans as the screen writes them. All are in the configured zone and change at most once a
//! minute, so that an idle screen stays still.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

/// The time in the zone. Out-of-range times fall back to the epoch.
pub(crate) fn zoned(at: Timestamp, zone: &TimeZone) -> Zoned {
    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default().to_zoned(zone.clone())
}

/// RFC 3339 in UTC, to the millisecond.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.millis())
        .map_or_else(|_out_of_range| at.millis().to_string(), |at| format!("{at:.3}"))
}

/// `14:05`.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%H:%M").to_string()
}

/// `14:05:09`, for the life of a message.
#[must_use]
pub fn clock_seconds(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%H:%M:%S").to_string()
}

/// `2025-11-14 14:05`, for a selected message.
#[must_use]
pub fn full(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The day in the zone.
#[must_use]
pub fn day(at: Timestamp, zone: &TimeZone) -> Date {
    zoned(at, zone).date()
}

/// Days from `at` to `now` by the calendar of the zone; negative in the future.
fn days_ago(at: Timestamp, now: Timestamp, zone: &TimeZone) -> i32 {
    (day(now, zone) - day(at, zone)).get_days()
}

/// The time column of the list: `14:31`, `Tue`, `14 Nov`, and `2024` (or `14 Nov 2024` when there is room).
#[must_use]
pub fn listed(at: Timestamp, now: Timestamp, zone: &TimeZone, roomy: bool) -> String {
    let then = zoned(at, zone);
    let format = match days_ago(at, now, zone) {
        ..=0 => "%H:%M",
        1..=6 => "%a",
        _ if then.year() == day(now, zone).year() => "%-d %b",
        _ if roomy => "%-d %b %Y",
        _ => "%Y",
    };
    then.strftime(format).to_string()
}

/// The label of a day in a conversation: `Today`, `Yesterday`, `Tuesday 18 November`, with the year when it
/// is another one.
#[must_use]
pub fn day_label(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let then = zoned(at, zone);
    match days_ago(at, now, zone) {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ if then.year() == day(now, zone).year() => then.strftime("%A %-d %B").to_string(),
        _ => then.strftime("%A %-d %B %Y").to_string(),
    }
}

/// A point near now: `14:31` today, `Tue 14:31` within a week, the date beyond.
#[must_use]
pub fn near(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let then = zoned(at, zone);
    let format = match days_ago(at, now, zone) {
        0 => "%H:%M",
        -6..=6 => "%a %H:%M",
        _ => "%-d %b %Y %H:%M",
    };
    then.strftime(format).to_string()
}

/// A point to the second today, to the millisecond where there is room: `14:31:07`, `14:31:07.250`; with its day
/// before: `Tue 14:31`, and the date beyond a week: `14 Nov`, `14 Nov 14:31`.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone, roomy: bool) -> String {
    let then = zoned(at, zone);
    let format = match (days_ago(at, now, zone), roomy) {
        (..=0, true) => "%H:%M:%S%.3f",
        (..=0, false) => "%H:%M:%S",
        (1..=6, _) => "%a %H:%M",
        (_, true) => "%-d %b %H:%M",
        (_, false) => "%-d %b",
    };
    then.strftime(format).to_string()
}

/// A span left, to the minute: `23h58m`, `48m`, `<1m`.
#[must_use]
pub fn left(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "<1m".to_owned(),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h{minutes:02}m"),
    }
}

/// How long something takes: `40s`, `3m20s`, `2h05m`, `3d`.
#[must_use]
pub fn takes(span: Duration) -> String {
    let seconds = span.as_millis().div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// An age, to the minute and coarser as it grows: `now`, `3m`, `2h`, `4d`.
#[must_use]
pub fn age(span: Duration) -> String {
    match span.as_secs() / 60 {
        0 => "now".to_owned(),
        minutes @ 1..60 => format!("{minutes}m"),
        minutes @ 60..1440 => format!("{}h", minutes / 60),
        minutes => format!("{}d", minutes / 1440),
    }
}

/// A span between two steps of a message: `+378ms`, `+1.3s`, `+2m16s`.
#[must_use]
pub fn step(span: Duration) -> String {
    let millis = span.as_millis();
    let seconds = span.as_secs();
    match seconds {
        0 => format!("+{millis}ms"),
        1..60 => format!("+{}.{}s", seconds, millis % 1000 / 100),
        60..3600 => format!("+{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("+{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("+{}d", seconds / 86_400),
    }
}

/// The next full minute, when every label of this module may change.
#[must_use]
pub const fn next_minute(now: Timestamp) -> Timestamp {
    let minute = 60_000;
    Timestamp::from_millis((now.millis().div_euclid(minute) + 1) * minute)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::{age, day_label, left, listed, moment, near, next_minute, step};
    use crate::domain::time::Timestamp;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    /// A list of times alone does not say that some are of last week.
    #[test]
    fn a_moment_that_is_not_of_today_has_its_day() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let now = at("2026-11-20T17:32:00Z");
        for (time, narrow, wide) in [
            ("2026-11-20T17:31:07.250Z", "14:31:07", "14:31:07.250"),
            ("2026-11-18T17:31:07Z", "Wed 14:31", "Wed 14:31"),
            ("2026-11-03T17:31:07Z", "3 Nov", "3 Nov 14:31"),
        ] {
            assert_eq!(moment(at(time), now, &zone, false), narrow);
            assert_eq!(moment(at(time), now, &zone, true), wide);
        }
    }

    #[test]
    fn list_times_grow_coarser() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        let now = at("2026-11-20T17:32:00Z");
        for (time, narrow, wide) in [
            ("2026-11-20T17:31:00Z", "14:31", "14:31"),
            ("2026-11-20T02:59:59Z", "Thu", "Thu"),
            ("2026-11-14T12:00:00Z", "Sat", "Sat"),
            ("2026-11-13T12:00:00Z", "13 Nov", "13 Nov"),
            ("2025-11-14T12:00:00Z", "2025", "14 Nov 2025"),
            ("2026-11-21T17:00:00Z", "14:00", "14:00"),
        ] {
            assert_eq!(listed(at(time), now, &zone, false), narrow, "{time}");
            assert_eq!(listed(at(time), now, &zone, true), wide, "{time}");
        }
    }

    #[test]
    fn days_are_counted_in_the_zone_across_a_clock_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = at("2026-10-25T12:00:00Z");
        assert_eq!(day_label(at("2026-10-24T21:59:00Z"), now, &zone), "Yesterday");
        assert_eq!(day_label(at("2026-10-24T22:01:00Z"), now, &zone), "Today");
        assert_eq!(day_label(at("2026-10-19T12:00:00Z"), now, &zone), "Monday 19 October");
        assert_eq!(near(at("2026-10-26T11:00:00Z"), now, &zone), "Mon 12:00");
    }

    #[test]
    fn spans_have_one_spelling() {
        assert_eq!(left(Duration::from_secs(86_280)), "23h58m");
        assert_eq!(left(Duration::from_secs(59)), "<1m");
        assert_eq!(age(Duration::from_secs(59)), "now");
        assert_eq!(age(Duration::from_secs(7_300)), "2h");
        assert_eq!(step(Duration::from_millis(378)), "+378ms");
        assert_eq!(step(Duration::from_millis(1_311)), "+1.3s");
        assert_eq!(step(Duration::from_secs(136)), "+2m16s");
        assert_eq!(next_minute(Timestamp::from_millis(60_000)).millis(), 120_000);
    }
}
