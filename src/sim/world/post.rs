//! Webhooks on their way: numbered, signed, handed out when due, kept until they are answered 200 and
//! tried again with growing delays for seven days, as Meta does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::signed::{escaped, signature};
use super::super::stamp::{millis, pairs};
use super::ledger::PostOutcome;
use super::office::Hooks;
use crate::domain::time::Timestamp;

/// Seconds before each further attempt; the last one repeats. Meta says only "immediately, then with
/// decreasing frequency"; the spacing is the simulator's own.
const RETRY_AFTER: [u64; 10] = [0, 2, 5, 15, 30, 60, 120, 300, 900, 3_600];
/// How long Meta tries.
const RETRY_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// One webhook to post: these very bytes with this header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookPost {
    /// Its number in this world. A retry has the same one.
    pub id: u64,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The body.
    pub body: Vec<u8>,
    /// The value of `X-Hub-Signature-256`.
    pub signature: String,
    /// Where it goes; `None` when no address is known.
    pub to: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    body: String,
    /// Which decides where it goes.
    field: String,
    #[serde(with = "millis")]
    since: Timestamp,
    #[serde(with = "millis")]
    due: Timestamp,
    attempts: u32,
}

/// All webhooks that were not answered yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Posts {
    next: u64,
    #[serde(with = "pairs")]
    waiting: BTreeMap<u64, Waiting>,
    /// Those not under way, by due time. Rebuilt after a load: what was under way then is due again.
    #[serde(skip)]
    queue: BTreeSet<(Timestamp, u64)>,
    #[serde(skip)]
    under_way: usize,
    /// Those that nobody took in seven days.
    #[serde(default)]
    given_up: BTreeSet<u64>,
}

impl Posts {
    pub(super) fn rebuild(&mut self) {
        self.queue = self.waiting.iter().map(|(id, one)| (one.due, *id)).collect();
        self.under_way = 0;
    }

    /// Answers its number.
    pub(super) fn add(&mut self, field: &str, body: &Value, now: Timestamp, due: Timestamp) -> u64 {
        let id = self.next;
        self.next += 1;
        // Escaped JSON is ASCII, so nothing is lost here.
        let body = String::from_utf8(escaped(body)).unwrap_or_default();
        self.waiting
            .insert(id, Waiting { body, field: field.to_owned(), since: now, due, attempts: 0 });
        self.queue.insert((due, id));
        id
    }

    /// How the delivery of a webhook stands, in Meta's words.
    pub(super) fn state(&self, id: u64) -> &'static str {
        match self.waiting.get(&id) {
            None if self.given_up.contains(&id) => "FAILED",
            None => "DELIVERED",
            Some(one) if one.attempts > u32::from(!self.queue.contains(&(one.due, id))) => {
                "RETRYING"
            }
            Some(_) => "PENDING",
        }
    }

    pub(super) fn due(&self, in_flight: usize) -> Option<Timestamp> {
        let free = self.under_way < in_flight;
        self.queue.first().filter(|_| free).map(|(due, _)| *due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes what is due, at most as many as may be under way.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        in_flight: usize,
        secret: &str,
        hooks: &Hooks,
    ) -> Vec<WebhookPost> {
        let mut taken = Vec::new();
        while self.due(in_flight).is_some_and(|due| due <= now) {
            let Some((_, id)) = self.queue.pop_first() else { break };
            let Some(one) = self.waiting.get_mut(&id) else { continue };
            one.attempts += 1;
            self.under_way += 1;
            let body = one.body.clone().into_bytes();
            let signature = signature(secret, &body);
            let to = hooks.address(&one.field).cloned();
            taken.push(WebhookPost { id, attempt: one.attempts, body, signature, to });
        }
        taken
    }

    /// The field and the body of a webhook that is not answered yet.
    pub(super) fn content(&self, id: u64) -> Option<(&str, &str)> {
        self.waiting.get(&id).map(|one| (one.field.as_str(), one.body.as_str()))
    }

    /// Notes what came of an attempt. Answers its number and whether the webhook was given up;
    /// `None` when there is no such attempt under way.
    pub(super) fn settle(
        &mut self,
        id: u64,
        outcome: &PostOutcome,
        now: Timestamp,
    ) -> Option<(u32, bool)> {
        let one = self.waiting.get_mut(&id).filter(|one| !self.queue.contains(&(one.due, id)))?;
        self.under_way = self.under_way.saturating_sub(1);
        let attempt = one.attempts;
        if *outcome == PostOutcome::Answered(200) {
            self.waiting.remove(&id);
            return Some((attempt, false));
        }
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = RETRY_AFTER.get(step).or(RETRY_AFTER.last()).copied().unwrap_or(0);
        one.due = now + Duration::from_secs(wait);
        if one.due > one.since + RETRY_FOR {
            self.waiting.remove(&id);
            self.given_up.insert(id);
            return Some((attempt, true));
        }
        self.queue.insert((one.due, id));
        Some((attempt, false))
    }
}
