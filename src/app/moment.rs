//! A point in time as people type it, for messages that are to go later: in the composer and for `--at`.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::when;
use crate::domain::time::Timestamp;

/// What can be typed, for the help of whoever asks.
pub const FORMS: &str = "14:30, tomorrow 9:00, 2026-11-24 09:00, +10m, +1h30m, or RFC 3339";

/// How far ahead a message may be put off: a year that is off by a digit is a slip, not a plan.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is no time to send at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMoment {
    /// It cannot be read.
    #[error("{0:?} is no time; write {FORMS}")]
    Unreadable(String),
    /// It is over.
    #[error("{0} is over; write a time to come")]
    Past(String),
    /// It is more than a year ahead.
    #[error("{0} is more than a year ahead")]
    TooFar(String),
}

/// Reads a time to come. A time of day without a date is the next one: today, or tomorrow once it is over.
/// What has no zone of its own is meant in `zone`.
///
/// # Errors
/// When it cannot be read, is over, or is more than a year ahead.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, NoMoment> {
    let text = text.trim();
    let unreadable = || NoMoment::Unreadable(text.to_owned());
    let present = when::zoned(now, zone);
    let at = read(text, &present).ok_or_else(unreadable)?;
    if at <= now {
        return Err(NoMoment::Past(spelled(at, zone)));
    }
    if at.since(now) > FURTHEST {
        return Err(NoMoment::TooFar(spelled(at, zone)));
    }
    Ok(at)
}

/// A time to come in full, with the offset from UTC: `Tue 24 Nov 2026 09:00 (-03:00)`.
#[must_use]
pub fn spelled(at: Timestamp, zone: &TimeZone) -> String {
    when::zoned(at, zone).strftime("%a %-d %b %Y %H:%M (%:z)").to_string()
}

fn read(text: &str, present: &Zoned) -> Option<Timestamp> {
    if let Some(span) = text.strip_prefix('+') {
        let now = Timestamp::from_millis(present.timestamp().as_millisecond());
        return span_of(span).map(|span| now + span);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(at.as_millisecond()));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [time] => {
            if let Some(time) = time_of(time) {
                let today = resolve(present.date().to_datetime(time), present)?;
                let over = today.millis() <= present.timestamp().as_millisecond();
                return if over { on(1, time, present) } else { Some(today) };
            }
            time.parse::<DateTime>()
                .ok()
                .filter(|_| time.contains(['T', 't']))
                .and_then(|at| resolve(at, present))
        }
        [day, time] => {
            let time = time_of(time)?;
            if let Some(days) = days_to(day, present) {
                return on(days, time, present);
            }
            resolve(day.parse::<Date>().ok()?.to_datetime(time), present)
        }
        _ => None,
    }
}

/// Days until a day that is called by a word: `today`, `tomorrow`, or the next of this name.
fn days_to(word: &str, present: &Zoned) -> Option<i64> {
    const NAMES: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let word = word.to_lowercase();
    match word.as_str() {
        "today" => return Some(0),
        "tomorrow" => return Some(1),
        _ => {}
    }
    let wanted =
        NAMES.iter().position(|name| word.len() >= 3 && name.starts_with(word.as_str()))?;
    let today = usize::try_from(present.weekday().to_monday_zero_offset()).ok()?;
    let days = (wanted + 7 - today) % 7;
    i64::try_from(if days == 0 { 7 } else { days }).ok()
}

/// `9:00`, `09:00` or `09:00:30`.
fn time_of(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let mut part = || -> Option<i8> {
        let part = parts.next()?;
        let digits = matches!(part.len(), 1..=2) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| digits)
    };
    let (hour, minute) = (part()?, part()?);
    let second = if text.matches(':').count() == 2 { part()? } else { 0 };
    Time::new(hour, minute, second, 0).ok().filter(|_| parts.next().is_none())
}

fn on(days: i64, time: Time, present: &Zoned) -> Option<Timestamp> {
    let day = present.date().checked_add(Span::new().try_days(days).ok()?).ok()?;
    resolve(day.to_datetime(time), present)
}

/// A time that the zone skips becomes the one after the gap; of one that it has twice, the first.
fn resolve(at: DateTime, present: &Zoned) -> Option<Timestamp> {
    let at = at.to_zoned(present.time_zone().clone()).ok()?;
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

/// `90s`, `10m`, `1h30m`, `2d`: numbers with units, the largest first.
fn span_of(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut number = String::new();
    let mut last = u64::MAX;
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        let count: u64 = number.parse().ok()?;
        number.clear();
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    // A hundred years are as good an error as a million, and can be counted with.
    let sane = number.is_empty() && last != u64::MAX && seconds <= 100 * 366 * 86_400;
    sane.then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{NoMoment, parse, spelled};
    use crate::domain::time::Timestamp;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn times_as_people_type_them() {
        let zone = TimeZone::get("America/Sao_Paulo").unwrap();
        // Friday, 14:32 there.
        let now = at("2026-11-20T17:32:00Z");
        for (typed, wanted) in [
            ("14:33", "2026-11-20T17:33:00Z"),
            ("14:32", "2026-11-21T17:32:00Z"),
            ("9:00", "2026-11-21T12:00:00Z"),
            (" 23:59:30 ", "2026-11-21T02:59:30Z"),
            ("today 15:00", "2026-11-20T18:00:00Z"),
            ("Tomorrow 9:00", "2026-11-21T12:00:00Z"),
            ("mon 9:00", "2026-11-23T12:00:00Z"),
            ("friday 15:00", "2026-11-27T18:00:00Z"),
            ("2026-11-24 09:00", "2026-11-24T12:00:00Z"),
            ("2026-11-24T09:00", "2026-11-24T12:00:00Z"),
            ("2026-11-24T09:00:00+01:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z"),
            ("+10m", "2026-11-20T17:42:00Z"),
            ("+1h30m", "2026-11-20T19:02:00Z"),
            ("+2d", "2026-11-22T17:32:00Z"),
        ] {
            assert_eq!(parse(typed, now, &zone), Ok(at(wanted)), "{typed}");
        }
    }

    #[test]
    fn what_is_no_time_to_come_is_refused_by_name() {
        let zone = TimeZone::UTC;
        let now = at("2026-11-20T17:32:00Z");
        let long = "9".repeat(30) + ":00";
        for typed in [
            "",
            "soon",
            "25:00",
            "9:60",
            "9",
            "+",
            "+10",
            "+m",
            "+1m1h",
            "+-5m",
            "9:00 tomorrow",
            "2026-13-01 9:00",
            "2026-11-24",
            "1:2:3:4",
            "+99999999999999999999d",
            "😀",
            &long,
        ] {
            assert_eq!(
                parse(typed, now, &zone),
                Err(NoMoment::Unreadable(typed.to_owned())),
                "{typed}"
            );
        }
        assert!(matches!(parse("today 9:00", now, &zone), Err(NoMoment::Past(_))));
        assert!(matches!(parse("+0m", now, &zone), Err(NoMoment::Past(_))));
        assert!(matches!(parse("2096-11-20 9:00", now, &zone), Err(NoMoment::TooFar(_))));
        let words = parse("soon", now, &zone).unwrap_err().to_string();
        assert!(words.contains("\"soon\"") && words.contains("tomorrow 9:00"), "{words}");
    }

    #[test]
    fn a_change_of_the_clock_is_told_with_the_offset() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = at("2026-03-28T12:00:00Z");
        // 02:30 does not exist on that day.
        let skipped = parse("2026-03-29 02:30", now, &zone).unwrap();
        assert_eq!(spelled(skipped, &zone), "Sun 29 Mar 2026 03:30 (+02:00)");
        let now = at("2026-10-24T12:00:00Z");
        let twice = parse("tomorrow 2:30", now, &zone).unwrap();
        assert_eq!(spelled(twice, &zone), "Sun 25 Oct 2026 02:30 (+02:00)");
    }
}
