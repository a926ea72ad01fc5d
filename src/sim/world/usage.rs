//! How many calls an account and an app have made within the hour, what Meta tells of it in the headers of
//! an answer, and the refusal of those that are too many.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::http::{Request, Response};
use super::super::refusal::Refusal;
use super::World;
use crate::domain::time::Timestamp;

const HOUR: i64 = 3_600_000;
/// Management calls in an hour of an account with a registered number, and without one.
const CALLS: [usize; 2] = [5_000, 200];

/// The times of the calls within the last hour, in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Hour(VecDeque<i64>);

impl Hour {
    fn count(&mut self, now: Timestamp) -> usize {
        while self.0.front().is_some_and(|first| *first <= now.millis() - HOUR) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Minutes until one more call is free.
    fn minutes(&self, now: Timestamp) -> i64 {
        let first = self.0.front().copied().unwrap_or_else(|| now.millis());
        (first + HOUR - now.millis() + 59_999) / 60_000
    }
}

/// The calls of both kinds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    account: Hour,
    app: Hour,
}

/// Whose limit a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Account,
    App,
    /// Sending and media have limits of their own.
    Neither,
}

impl World {
    fn counted(&self, path: &[&str]) -> Counted {
        match path {
            [first, ..] if *first == self.config.app_id || first.starts_with("upload:") => {
                Counted::App
            }
            ["debug_token" | "me" | "oauth", ..] => Counted::App,
            ["whatsapp_business", ..] | [] | [_, "messages" | "marketing_messages" | "media"] => {
                Counted::Neither
            }
            [id] if self.media.mime(id).is_some() => Counted::Neither,
            _ => Counted::Account,
        }
    }

    const fn most_calls(&self) -> usize {
        if self.office.registered { CALLS[0] } else { CALLS[1] }
    }

    /// Counts a call, unless there were too many.
    pub(super) fn count_call(&mut self, now: Timestamp, path: &[&str]) -> Result<(), Refusal> {
        let (most, counted) = (self.most_calls(), self.counted(path));
        let (hour, refusal) = match counted {
            Counted::Neither => return Ok(()),
            Counted::Account => {
                let text = "(#80007) There have been too many calls to this WhatsApp Business account. \
                            Wait a bit and try again.";
                (&mut self.usage.account, (80_007, text))
            }
            Counted::App => (&mut self.usage.app, (4, "(#4) Application request limit reached")),
        };
        if hour.count(now) >= most {
            return Err(Refusal::graph(refusal.0, None, refusal.1));
        }
        hour.0.push_back(now.millis());
        Ok(())
    }

    /// Puts the headers on an answer that Meta's have: the version, and how much of the limits is used up.
    pub(super) fn head(
        &mut self,
        now: Timestamp,
        request: &Request,
        path: &[&str],
        response: &mut Response,
    ) {
        let version = request.path.split('/').find(|part| part.starts_with('v'));
        let version = version.filter(|part| part.contains('.')).unwrap_or("v25.0");
        let mut put = |name: &str, value: String| response.headers.push((name.to_owned(), value));
        put("facebook-api-version", version.to_owned());
        let most = self.most_calls();
        let told = |hour: &mut Hour| {
            let count = hour.count(now);
            let wait = if count >= most { hour.minutes(now) } else { 0 };
            (json!({ "call_count": count * 100 / most, "total_cputime": 0, "total_time": 0 }), wait)
        };
        match self.counted(path) {
            Counted::App => put("x-app-usage", told(&mut self.usage.app).0.to_string()),
            // Whose a download would be is not in its path.
            Counted::Neither if path.first() == Some(&"whatsapp_business") => {}
            Counted::Account | Counted::Neither => {
                let (mut usage, wait) = told(&mut self.usage.account);
                usage["type"] = json!("whatsapp");
                usage["estimated_time_to_regain_access"] = json!(wait);
                let usage: Value = json!({ self.config.waba_id.as_str(): [usage] });
                put("x-business-use-case-usage", usage.to_string());
            }
        }
    }
}
