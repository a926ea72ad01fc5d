//! What the headers of an answer say about waiting: `Retry-After` (RFC 9110, 10.2.3), and how much of the
//! app's calls is used up, with Meta's estimate of when there are calls again.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::json;
use crate::domain::outbox::{Advice, ApiError, Outcome, Throttle};

/// Meta's header about calls: per business a list of kinds of calls, each with percentages of what is
/// allowed and the minutes until there are calls again.
const USAGE: &str = "x-business-use-case-usage";

/// What is longer is a mistake of whoever sent it.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What the headers of one answer say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// `Retry-After`: concerns whatever was refused.
    retry_after: Option<Duration>,
    /// Until there are calls again: concerns calls alone, and not how fast a number or a pair may go.
    calls_again: Option<Duration>,
    /// The most that is used of any allowance of calls, in percent.
    used: Option<u64>,
}

/// Reads the headers. What cannot be read says nothing.
pub(super) fn said(headers: &HeaderMap) -> Said {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let usage = text(USAGE).and_then(|usage| serde_json::from_str(usage).ok());
    let (calls_again, used) = usage.as_ref().map_or((None, None), calls);
    Said { retry_after: retry_after(headers), calls_again, used }
}

impl Said {
    /// What it says to whoever made too many calls.
    pub(super) fn of_calls(self) -> Advice {
        Advice::new(self.retry_after.max(self.calls_again), self.used)
    }

    /// An outcome with what it says about that one.
    pub(super) fn beside(self, mut outcome: Outcome) -> Outcome {
        let alone = Advice::new(self.retry_after, None);
        match &mut outcome {
            Outcome::Throttled(Throttle::Account, error) => error.advice = self.of_calls(),
            Outcome::Throttled(Throttle::Number | Throttle::Pair, error)
            | Outcome::RefusedForNow(error)
            | Outcome::RefusedForGood(error)
            | Outcome::AccountTrouble(error)
            | Outcome::Unknown { error: Some(error), .. } => error.advice = alone,
            Outcome::Accepted(_) | Outcome::NeverReached(_) | Outcome::Unknown { .. } => {}
        }
        outcome
    }

    /// The error of a call with what it says about calls.
    pub(super) fn beside_error(self, error: ApiError) -> ApiError {
        ApiError { advice: self.of_calls(), ..error }
    }
}

/// Seconds, or a date; the date counts from the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let (then, now) = (date(text)?, date(headers.get(DATE)?.to_str().ok()?)?);
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default().min(LONGEST))
}

fn calls(usage: &Value) -> (Option<Duration>, Option<u64>) {
    let businesses = usage.as_object().into_iter().flatten();
    let kinds = businesses.flat_map(|(_, kinds)| kinds.as_array().into_iter().flatten());
    let mut found = (None, None);
    for kind in kinds {
        let number = |key: &str| json::integer(kind, key).and_then(|n| u64::try_from(n).ok());
        let minutes = number("estimated_time_to_regain_access").filter(|minutes| *minutes > 0);
        let wait = minutes.map(|n| Duration::from_secs(n.saturating_mul(60)).min(LONGEST));
        let used = ["call_count", "total_cputime", "total_time"].into_iter().filter_map(number);
        found.0 = found.0.max(wait);
        found.1 = found.1.max(used.max());
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

    use super::{Said, USAGE, said};
    use crate::domain::outbox::{Advice, ApiError, Outcome, Throttle};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        pairs.iter().map(|(name, text)| (name.parse().unwrap(), value(text))).collect()
    }

    #[test]
    fn a_wait_is_read_as_seconds_and_as_a_date_by_the_servers_clock() {
        let after = |text: &str| {
            let date = "Sat, 21 Nov 2026 14:00:00 GMT";
            said(&headers(&[(RETRY_AFTER.as_str(), text), (DATE.as_str(), date)])).retry_after
        };
        assert_eq!(after("0"), Some(secs(0)));
        assert_eq!(after(" 30 "), Some(secs(30)));
        assert_eq!(after("3600"), Some(secs(3600)));
        assert_eq!(after("99999999999"), Some(secs(24 * 3600)), "somebody's mistake");
        assert_eq!(after("Sat, 21 Nov 2026 14:00:30 GMT"), Some(secs(30)));
        assert_eq!(after("Sat, 21 Nov 2026 13:00:00 GMT"), Some(secs(0)), "over already");
        for nothing in ["", "soon", "-1", "1.5", "Sat, 99 Nov 2026 14:00:30 GMT"] {
            assert_eq!(after(nothing), None, "{nothing:?}");
        }
        let date_alone = headers(&[(RETRY_AFTER.as_str(), "Sat, 21 Nov 2026 14:00:30 GMT")]);
        assert_eq!(said(&date_alone), Said::default());
    }

    #[test]
    fn the_calls_of_a_business_are_read_in_minutes_and_percent() {
        let usage = r#"{"200000000000001":[
            {"type":"whatsapp","call_count":28,"total_cputime":25,"total_time":99,
             "estimated_time_to_regain_access":0},
            {"type":"whatsapp_business_management","call_count":101,"total_cputime":2,
             "total_time":3,"estimated_time_to_regain_access":19}],"7":[{}]}"#;
        let whole = said(&headers(&[(USAGE, &usage.replace('\n', ""))]));
        let expected =
            Said { retry_after: None, calls_again: Some(secs(19 * 60)), used: Some(101) };
        assert_eq!(whole, expected);
        for nothing in ["", "{", "[]", "{\"1\":{}}", "{\"1\":[{\"call_count\":\"x\"}]}", "null"] {
            assert_eq!(said(&headers(&[(USAGE, nothing)])), Said::default(), "{nothing}");
        }
    }

    #[test]
    fn each_wait_is_told_to_the_limit_that_it_is_about_and_to_no_other() {
        let both =
            Said { retry_after: Some(secs(5)), calls_again: Some(secs(600)), used: Some(100) };
        let error = ApiError::default;
        let alone = Advice::new(Some(secs(5)), None);
        let advised = |outcome: Outcome| match both.beside(outcome) {
            Outcome::Throttled(_, error)
            | Outcome::RefusedForNow(error)
            | Outcome::AccountTrouble(error) => error.advice,
            other => panic!("{other:?}"),
        };
        let calls = Advice::new(Some(secs(600)), Some(100));
        assert_eq!(advised(Outcome::Throttled(Throttle::Account, error())), calls);
        assert_eq!(advised(Outcome::Throttled(Throttle::Number, error())), alone);
        assert_eq!(advised(Outcome::Throttled(Throttle::Pair, error())), alone);
        assert_eq!(advised(Outcome::RefusedForNow(error())), alone);
        assert_eq!(both.beside_error(error()).advice, calls);
        let kept = Outcome::NeverReached("no route".to_owned());
        assert_eq!(both.beside(kept.clone()), kept);
    }
}
