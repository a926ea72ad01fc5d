//! `twoticks stats`: what was sent and received, how fast, what failed and why.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::output::{direction, json_line, line, time};
use super::{Session, failed};
use crate::domain::error_code;
use crate::domain::state::State;
use crate::domain::stats::{MessageCount, Spread, Stats as Counted};
use crate::domain::text::{self, display_safe};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::store::stats::stats;

#[derive(Debug, Args)]
pub(super) struct Stats {
    /// How many days, today included.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Everything there is.
    #[arg(long, conflicts_with = "days")]
    all: bool,
    /// One JSON object per line; each says in `stat` what it counts.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, wanted: &Stats) -> Result<(), Error> {
    let read = session.read()?;
    let account = session.stored_account(&read)?;
    let mut days = Days::new(session.config.timezone.clone());
    let today = days.start(session.clock.now());
    let since = if wanted.all {
        Timestamp::from_millis(i64::MIN)
    } else {
        days.start(today - Duration::from_secs(86_400) * (wanted.days - 1))
    };
    let counted = stats(&read, account.id, since, &mut |at| days.start(at)).map_err(failed)?;
    if wanted.json { print_json(&counted, &days) } else { print(&counted, &days) }
}

/// Where the days of a time zone begin. Remembers the last one: times come mostly in order.
struct Days {
    zone: TimeZone,
    last: Option<(i64, i64)>,
}

impl Days {
    const fn new(zone: TimeZone) -> Self {
        Self { zone, last: None }
    }

    fn start(&mut self, at: Timestamp) -> Timestamp {
        let millis = at.millis();
        let known = self.last.filter(|(start, end)| (*start..*end).contains(&millis));
        if let Some((start, _)) = known {
            return Timestamp::from_millis(start);
        }
        let Some((start, end)) = self.around(millis) else { return at };
        self.last = Some((start, end));
        Timestamp::from_millis(start)
    }

    fn around(&self, millis: i64) -> Option<(i64, i64)> {
        let zoned = jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(self.zone.clone());
        let start = zoned.start_of_day().ok()?;
        let end = start.tomorrow().ok()?.start_of_day().ok()?;
        Some((start.timestamp().as_millisecond(), end.timestamp().as_millisecond()))
    }

    /// `2026-11-21`, in the zone.
    fn date(&self, at: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(at.millis()).map_or_else(
            |_out_of_range| at.millis().to_string(),
            |at| at.to_zoned(self.zone.clone()).date().to_string(),
        )
    }
}

fn as_object(spread: &Spread) -> Value {
    json!({
        "count": spread.count,
        "median_ms": spread.median.as_millis(),
        "p95_ms": spread.p95.as_millis(),
    })
}

/// The fields of `more` in `stat`'s object.
fn object(stat: &str, more: Value) -> Value {
    let mut object = json!({ "stat": stat });
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn print_json(counted: &Counted, days: &Days) -> Result<(), Error> {
    for messages in &counted.messages {
        json_line(&object(
            "messages",
            json!({
                "day": days.date(messages.day), "direction": direction(messages.direction()),
                "type": messages.kind, "state": messages.state, "count": messages.count,
            }),
        ))?;
    }
    for (phase, spread) in &counted.latencies {
        let mut latency = object("latency", as_object(spread));
        latency["phase"] = json!(phase.name());
        json_line(&latency)?;
    }
    for failures in &counted.failures {
        json_line(&object(
            "failures",
            json!({ "code": failures.code, "reason": reason(failures.code), "count": failures.count }),
        ))?;
    }
    let mut answers = object("answers", json!({ "count": 0, "median_ms": null, "p95_ms": null }));
    if let Some(spread) = &counted.answers {
        answers = object("answers", as_object(spread));
    }
    answers["unanswered"] = json!(counted.unanswered);
    json_line(&answers)?;
    for hour in &counted.webhooks {
        json_line(&object("webhooks", json!({ "hour": time(hour.from), "count": hour.count })))?;
    }
    if let Some(spread) = &counted.webhooks_took {
        json_line(&object("webhook_latency", as_object(spread)))?;
    }
    for template in &counted.templates {
        json_line(&object(
            "template",
            json!({
                "name": template.name, "language": template.language, "count": template.total,
                "sent": template.sent, "delivered": template.delivered, "read": template.read,
                "failed": template.failed,
            }),
        ))?;
    }
    Ok(())
}

/// What a code means, in plain words.
fn reason(code: Option<i64>) -> &'static str {
    code.map_or("no code of Meta's", |code| error_code::shown(code, State::Failed).plain)
}

/// Whether a word for a state is among these.
fn is_in(count: &MessageCount, states: &[State]) -> bool {
    states.iter().any(|state| state.name() == count.state)
}

/// What a day comes to: in, out, and of those out sent, delivered, read, failed, and still waiting.
fn row<'a>(counts: &(impl Iterator<Item = &'a MessageCount> + Clone)) -> [u64; 7] {
    let sum = |fits: &dyn Fn(&MessageCount) -> bool| {
        counts.clone().filter(|count| fits(count)).map(|count| count.count).sum::<u64>()
    };
    let out = |states: &[State]| sum(&|count| count.outbound && is_in(count, states));
    let read = [State::Read, State::Played];
    let delivered = [State::Delivered, State::Read, State::Played];
    let sent = [State::Sent, State::Delivered, State::Read, State::Played];
    let waits = [State::Scheduled, State::Held, State::Queued, State::Sending, State::Uncertain];
    [
        sum(&|count| !count.outbound),
        sum(&|count| count.outbound),
        out(&sent),
        out(&delivered),
        out(&read),
        out(&[State::Failed]),
        out(&waits),
    ]
}

fn print_row(name: &str, numbers: [u64; 7]) -> Result<(), Error> {
    let numbers = numbers.map(|number| format!("{number:>10}")).concat();
    Ok(line(&format!("{name:<11}{numbers}"))?)
}

fn print(counted: &Counted, days: &Days) -> Result<(), Error> {
    let names = ["in", "out", "sent", "delivered", "read", "failed", "waiting"];
    line(&format!("{:<11}{}", "messages", names.map(|name| format!("{name:>10}")).concat()))?;
    let mut by_day: BTreeMap<Timestamp, Vec<&MessageCount>> = BTreeMap::new();
    for count in &counted.messages {
        by_day.entry(count.day).or_default().push(count);
    }
    for (day, counts) in &by_day {
        print_row(&days.date(*day), row(&counts.iter().copied()))?;
    }
    print_row("all", row(&counted.messages.iter()))?;
    let mut kinds: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for count in &counted.messages {
        *kinds.entry((direction(count.direction()), count.kind)).or_default() += count.count;
    }
    section("by type")?;
    for ((way, kind), count) in kinds {
        line(&format!("{way:<9} {kind:<16}{count:>10}"))?;
    }
    section("how long it took                 count    median      95 %")?;
    let phases =
        counted.latencies.iter().map(|(phase, spread)| (phase_words(phase.name()), spread));
    let more = [
        ("customers waited for an answer", &counted.answers),
        ("webhooks", &counted.webhooks_took),
    ];
    let more = more.into_iter().filter_map(|(words, spread)| Some((words, spread.as_ref()?)));
    for (words, spread) in phases.chain(more) {
        let (median, p95) = (span(spread.median), span(spread.p95));
        line(&format!("{words:<30}{:>8}{median:>10}{p95:>10}", spread.count))?;
    }
    if counted.unanswered > 0 {
        line(&match counted.unanswered {
            1 => "1 conversation waits for an answer".to_owned(),
            more => format!("{more} conversations wait for an answer"),
        })?;
    }
    if !counted.failures.is_empty() {
        section("failed because")?;
        for failures in &counted.failures {
            let code = failures.code.map_or_else(|| "-".to_owned(), |code| code.to_string());
            line(&format!("{:>8}  {code:>7}  {}", failures.count, reason(failures.code)))?;
        }
    }
    let webhooks: u64 = counted.webhooks.iter().map(|hour| hour.count).sum();
    if let Some(busiest) = counted.webhooks.iter().max_by_key(|hour| hour.count) {
        section("webhooks")?;
        let (most, from) = (busiest.count, time(busiest.from));
        line(&format!("{webhooks} came; the most in an hour were {most}, from {from}"))?;
    }
    if !counted.templates.is_empty() {
        section(
            "templates                                      out      sent delivered      read    failed",
        )?;
        for template in &counted.templates {
            let name = format!("{} {}", template.name, template.language);
            let name = text::pad(&display_safe(&name), 40).into_owned();
            let numbers =
                [template.total, template.sent, template.delivered, template.read, template.failed];
            let numbers = numbers.map(|number| format!("{number:>10}")).concat();
            line(&format!("{name}{numbers}"))?;
        }
    }
    Ok(())
}

fn section(words: &str) -> Result<(), Error> {
    line("")?;
    Ok(line(words)?)
}

fn phase_words(phase: &'static str) -> &'static str {
    match phase {
        "queue" => "queued until it left",
        "accepted" => "left until accepted",
        "sent" => "left until sent",
        "delivered" => "left until delivered",
        _ => "left until read",
    }
}

/// `340 ms`, `2.3 s`, `4 min`, `3 h`, `2 d`.
fn span(span: Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0 => format!("{} ms", span.as_millis()),
        1..=119 => format!("{:.1} s", span.as_secs_f64()),
        120..=7_199 => format!("{} min", secs / 60),
        7_200..=172_799 => format!("{} h", secs / 3600),
        _ => format!("{} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::{Days, span};
    use crate::domain::time::Timestamp;

    #[test]
    fn days_begin_where_the_zone_says_and_may_be_longer() {
        let mut days = Days::new(TimeZone::get("Europe/Berlin").unwrap());
        let at = |text: &str| {
            Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
        };
        let day = days.start(at("2026-10-24T22:00:00Z"));
        assert_eq!(day, at("2026-10-24T22:00:00Z"));
        assert_eq!(days.date(day), "2026-10-25");
        // The clocks go back in the night: this day has 25 hours.
        assert_eq!(days.start(at("2026-10-25T22:59:59Z")), day);
        assert_ne!(days.start(at("2026-10-25T23:00:00Z")), day);
        assert_eq!(days.start(at("2026-10-24T21:59:59Z")), at("2026-10-23T22:00:00Z"));
    }

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        for (millis, words) in [
            (0, "0 ms"),
            (340, "340 ms"),
            (2_300, "2.3 s"),
            (240_000, "4 min"),
            (3 * 3_600_000, "3 h"),
            (3 * 86_400_000, "3 d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), words);
        }
    }
}
