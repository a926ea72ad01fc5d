//! What an outcome means for more than its job: the pace, the circuit, a pause of the whole account, and how
//! all that is told.

use std::time::Duration;

use super::{Answer, Core, Now, Reason, SECOND_LOOK};
use crate::domain::error_code;
use crate::domain::health::{Pace, Stop};
use crate::domain::id::ConversationId;
use crate::domain::outbox::{ApiError, LONGEST_WAIT, MEDIA_RETRY, Outcome, Throttle};
use crate::domain::time::{Monotonic, Timestamp};
use crate::store::outbox::{Fetched, Uploaded};

/// Meta tells times in whole seconds, cut off.
const META_SECOND: Duration = Duration::from_secs(1);

/// The first and the longest wait of an account that cannot send: token, payment, restriction.
pub(super) const TROUBLE: (Duration, Duration) =
    (Duration::from_secs(30), Duration::from_secs(300));

/// The first and the longest wait of an account whose calls are limited as a whole.
pub(super) const LIMITED: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(600));

/// The first and the longest wait while Meta cannot be reached.
const OFFLINE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The first and the longest wait of an open circuit breaker.
const BROKEN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(300));

/// The first and the longest wait of a pause, by its reason.
const fn waits(reason: &Reason) -> (Duration, Duration) {
    match reason {
        Reason::Trouble(_) => TROUBLE,
        Reason::Limited(_) => LIMITED,
        Reason::Offline(_) => OFFLINE,
        Reason::Circuit => BROKEN,
    }
}

#[derive(Debug)]
pub(super) struct Pause {
    pub(super) reason: Reason,
    pub(super) until: Monotonic,
    /// The same by the wall clock, to tell.
    pub(super) until_wall: Timestamp,
    wait: Duration,
    /// Before which time Meta asked not to try again.
    asked: Option<Monotonic>,
    /// A file's call told, so that one may end it.
    by_file: bool,
}

impl Pause {
    /// Whether Meta was not heard at all, or only in trouble of its own.
    const fn is_silence(&self) -> bool {
        matches!(self.reason, Reason::Circuit | Reason::Offline(_))
    }
}

impl Core {
    /// How fast it goes, and what slows it.
    #[must_use]
    pub fn gauge(&self, now: Now) -> Pace {
        let stop = self.pause.as_ref().map(|pause| Stop {
            kind: pause.reason.kind(),
            words: pause.reason.words(),
            until: pause.until_wall,
        });
        Pace {
            used: self.pace.used(now.mono),
            limit: self.pace.limit(),
            rests_until: self.rests_until.filter(|_| self.pace.is_resting(now.mono)),
            limited_people: u32::try_from(self.pace.blocked_pairs().count()).unwrap_or(u32::MAX),
            stop,
            unwritten: u32::try_from(self.unwritten.len()).unwrap_or(u32::MAX),
        }
    }

    /// A status reported that the account cannot send. What was reported before this sender began is over:
    /// the first message tells.
    pub(super) fn reported_trouble(&mut self, code: i64, at: Timestamp, now: Now) {
        let news = self
            .trouble_known
            .replace(at)
            .map_or(at + META_SECOND > self.began, |known| at > known);
        if news {
            let error = ApiError { code: Some(code), ..ApiError::default() };
            self.pause(trouble(&error), &error, now);
        }
    }

    /// What became of fetching a file. Whatever goes wrong, it is asked for again as long as its id is good.
    pub(super) fn fetched(
        &mut self,
        answer: Answer,
        tries: u32,
        until: Timestamp,
        now: Now,
        random: u64,
    ) -> Fetched {
        let error = match answer {
            Answer::Stored { path, size } => {
                self.file_passed(now);
                return Fetched::Stored { path, size };
            }
            Answer::Outcome(outcome) => match self.file_refused(outcome, now) {
                Ok(error) => error,
                Err(error) => return Fetched::Failed(error),
            },
            Answer::Uploaded(_) => ApiError::default(),
        };
        let asked = error.advice.wait().unwrap_or_default().min(LONGEST_WAIT);
        let not_before = now.wall + MEDIA_RETRY.wait(tries + 1, random).max(asked);
        if not_before > until {
            return Fetched::Failed(error);
        }
        Fetched::Retry { not_before, uses_try: true }
    }

    /// What became of uploading a file. Messages wait for it, so a refusal that may pass and silence use up
    /// its tries.
    pub(super) fn uploaded(
        &mut self,
        answer: Answer,
        tries: u32,
        now: Now,
        random: u64,
    ) -> Uploaded {
        let (error, uses_try) = match answer {
            Answer::Uploaded(id) => {
                self.file_passed(now);
                return Uploaded::Arrived(id);
            }
            Answer::Outcome(outcome) => {
                let uses_try =
                    matches!(outcome, Outcome::RefusedForNow(_) | Outcome::Unknown { .. });
                match self.file_refused(outcome, now) {
                    Ok(error) => (error, uses_try),
                    Err(error) => return Uploaded::Failed(error),
                }
            }
            Answer::Stored { .. } => (ApiError::default(), true),
        };
        if uses_try && tries + 1 >= self.policy.retry.attempts {
            return Uploaded::Failed(error);
        }
        let asked = error.advice.wait().unwrap_or_default().min(LONGEST_WAIT);
        let not_before = now.wall + MEDIA_RETRY.wait(tries + 1, random).max(asked);
        Uploaded::Retry { not_before, uses_try, error }
    }

    fn file_passed(&mut self, now: Now) {
        if self.pause.as_ref().is_some_and(|pause| pause.by_file) {
            self.resume(now);
        }
    }

    /// A file did not pass: why, as an error when it never will. Only Meta's word about the account concerns
    /// more than this file; whatever else goes wrong, messages go on.
    fn file_refused(&mut self, outcome: Outcome, now: Now) -> Result<ApiError, ApiError> {
        Ok(match outcome {
            Outcome::RefusedForGood(error) => return Err(error),
            Outcome::AccountTrouble(error) => {
                if self.pause.as_ref().is_none_or(|pause| pause.by_file) {
                    self.pause(trouble(&error), &error, now);
                    if let Some(pause) = &mut self.pause {
                        pause.by_file = true;
                    }
                }
                error
            }
            Outcome::RefusedForNow(error) | Outcome::Throttled(_, error) => error,
            Outcome::NeverReached(message) => ApiError { message, ..ApiError::default() },
            Outcome::Unknown { detail: message, error } => {
                error.unwrap_or(ApiError { message, ..ApiError::default() })
            }
            Outcome::Accepted(_) => ApiError::default(),
        })
    }

    /// What became of `outcome` concerns more than its job: the pace, or the whole account. Returns how
    /// long the job has to wait after a throttle.
    pub(super) fn heed(
        &mut self,
        outcome: &Outcome,
        conversation: Option<ConversationId>,
        now: Now,
    ) -> Duration {
        let failed = matches!(
            outcome,
            Outcome::Unknown { .. } | Outcome::NeverReached(_) | Outcome::RefusedForNow(_)
        );
        let opens = self.circuit.note(now.mono, failed);
        match outcome {
            Outcome::Throttled(Throttle::Number, error) => {
                self.answered_again(now);
                let wait = self.pace.throttled(error.advice.wait(), now.mono);
                self.rests_until = Some(now.wall + wait);
                // What is claimed has no slot for a while: a process killed meanwhile would leave it uncertain.
                self.give_back(now, error);
                wait
            }
            Outcome::Throttled(Throttle::Pair, error) => {
                self.answered_again(now);
                let asked = error.advice.wait();
                match conversation {
                    Some(pair) => self.pace.pair_throttled(pair, asked, now.mono),
                    None => SECOND_LOOK.max(asked.unwrap_or_default()),
                }
            }
            Outcome::Throttled(Throttle::Account, error) => {
                self.pause(Reason::Limited(error.advice.used), error, now);
                // The account waits as a whole. A wait of the message's own would outlast the person's word
                // to try at once, where it is the only one.
                error.advice.wait().unwrap_or_default()
            }
            Outcome::AccountTrouble(error) => {
                self.pause(trouble(error), error, now);
                Duration::ZERO
            }
            Outcome::NeverReached(detail) => {
                let error = ApiError { message: detail.clone(), ..ApiError::default() };
                self.pause(Reason::Offline(detail.clone()), &error, now);
                Duration::ZERO
            }
            Outcome::Accepted(_) => {
                self.resume(now);
                if let Some(pair) = conversation {
                    self.pace.pair_accepted(pair);
                }
                Duration::ZERO
            }
            Outcome::RefusedForGood(_) => {
                self.resume(now);
                Duration::ZERO
            }
            Outcome::RefusedForNow(error) => {
                if opens || self.is_broken() {
                    self.pause(Reason::Circuit, error, now);
                } else {
                    self.resume(now);
                }
                // The service is not there for anybody so long.
                if let Some(asked) = error.advice.wait() {
                    let wait = self.pace.rest(asked, now.mono);
                    self.rests_until = Some(now.wall + wait);
                    self.give_back(now, error);
                }
                Duration::ZERO
            }
            Outcome::Unknown { detail, .. } => {
                let error = ApiError { message: detail.clone(), ..ApiError::default() };
                match &self.pause {
                    // A probe of which nothing was heard says nothing about what Meta said before.
                    Some(pause) if !pause.is_silence() => self.wait_as_long(&error, now),
                    Some(pause) => self.pause(pause.reason.clone(), &error, now),
                    None if opens => self.pause(Reason::Circuit, &error, now),
                    None => {}
                }
                Duration::ZERO
            }
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.pause.as_ref().is_some_and(|pause| pause.reason == Reason::Circuit)
    }

    /// Meta is there and answers, whatever it says.
    fn answered_again(&mut self, now: Now) {
        if self.pause.as_ref().is_some_and(Pause::is_silence) {
            self.resume(now);
        }
    }

    /// The account waits as long again as it did, or the longest that it would of itself.
    fn wait_as_long(&mut self, error: &ApiError, now: Now) {
        if let Some(pause) = &mut self.pause {
            let wait = pause.wait.min(waits(&pause.reason).1);
            pause.until = pause.until.max(now.mono + wait);
            pause.until_wall = now.wall + pause.until.since(now.mono);
        }
        self.give_back(now, error);
    }

    fn pause(&mut self, reason: Reason, error: &ApiError, now: Now) {
        let (first, most) = waits(&reason);
        let wait = match (&self.pause, error.advice.wait()) {
            // Meta knows best; but never at once, or it would be asked without end.
            (_, Some(asked)) => asked.max(SECOND_LOOK),
            // Requests that were under way together tell the same.
            (Some(pause), None) if pause.until > now.mono => pause.wait.max(first),
            (Some(pause), None) => (pause.wait * 2).min(most).max(first),
            (None, None) => first,
        };
        let before = self.pause.as_ref().and_then(|pause| pause.asked);
        let asked = before.max(error.advice.wait().map(|_| now.mono + wait));
        let until = asked.unwrap_or_default().max(now.mono + wait);
        self.pause = Some(Pause {
            reason,
            until,
            until_wall: now.wall + until.since(now.mono),
            wait,
            asked,
            by_file: false,
        });
        self.give_back(now, error);
    }

    /// It goes on, unless Meta named a time before which it shall not: what was under way by then says nothing
    /// about that.
    fn resume(&mut self, now: Now) {
        if self.pause.as_ref().and_then(|pause| pause.asked).is_some_and(|asked| asked > now.mono) {
            return;
        }
        self.circuit_closed();
        if self.pause.take().is_some() {
            self.changed();
        }
    }

    /// What was counted while it was open says nothing about what follows.
    fn circuit_closed(&mut self) {
        if self.is_broken() {
            self.circuit.reset();
        }
    }
}

fn trouble(error: &ApiError) -> Reason {
    let entry = error_code::lookup(error.code, error.http_status, error.subcode);
    Reason::Trouble(format!("{}; {}", entry.plain, entry.remedy))
}
