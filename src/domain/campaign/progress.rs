//! How far a campaign is.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::id::{AccountId, CampaignId, MessageId, WaId};
use crate::domain::time::Timestamp;

/// What the person decided about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Its rows are being stored; nothing is sent. One that stays so was interrupted then.
    Draft,
    /// It is sent.
    Running,
    /// Nothing more of it goes until it is resumed.
    Paused,
    /// Nothing more of it goes.
    Cancelled,
}

impl Stage {
    /// The word for it, also in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where the messages of a campaign stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not written yet.
    pub unwritten: u32,
    /// In the queue, or held by the messaging limit and the like.
    pub waiting: u32,
    /// Of these, held.
    pub held: u32,
    /// Their requests are under way.
    pub sending: u32,
    /// Accepted by Meta and what follows from it.
    pub accepted: u32,
    /// Of these, on their phones.
    pub delivered: u32,
    /// Of these, read.
    pub read: u32,
    /// Failed.
    pub failed: u32,
    /// Nobody knows what became of them.
    pub uncertain: u32,
    /// Taken back before they went.
    pub cancelled: u32,
    /// Left out although the plan had them: they opted out meanwhile and the like.
    pub dropped: u32,
}

/// A campaign as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whose.
    pub account: AccountId,
    /// The name of its file.
    pub file: String,
    /// The template's name.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// What the person decided.
    pub stage: Stage,
    /// When it was confirmed.
    pub at: Timestamp,
    /// The rows of the file.
    pub rows: u32,
    /// Of these, those that are sent.
    pub good: u32,
    /// Where they stand.
    pub counts: Counts,
}

impl Campaign {
    /// How many are through, one way or the other; uncertain ones are, since only evidence or a person moves
    /// them.
    #[must_use]
    pub const fn settled(&self) -> u32 {
        let counts = &self.counts;
        counts.accepted + counts.failed + counts.uncertain + counts.cancelled + counts.dropped
    }

    /// Whether nothing of it moves by itself any more.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        match self.stage {
            Stage::Draft | Stage::Paused => false,
            Stage::Running => self.settled() >= self.good,
            Stage::Cancelled => self.counts.sending == 0,
        }
    }

    /// The word for where it stands: the stage, or `done`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self.stage {
            Stage::Running if self.is_done() => "done",
            stage => stage.name(),
        }
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its number as a spreadsheet counts.
    pub row: u32,
    /// What stood in the column of the phone numbers.
    pub typed: String,
    /// Whom it went to, where that could be told.
    pub to: Option<WaId>,
    /// Its message, once there is one.
    pub message: Option<MessageId>,
    /// The state of the message, `skipped`, or `waiting` before there is one.
    pub state: &'static str,
    /// Meta's code of what went wrong.
    pub code: Option<i64>,
    /// Why it was left out, or what went wrong.
    pub reason: Option<String>,
    /// When it came to stand there.
    pub at: Option<Timestamp>,
}

/// How far back the speed looks.
const SPAN: Duration = Duration::from_secs(10);

/// How fast a campaign goes, from looking at it now and then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    seen: VecDeque<(Timestamp, u32)>,
}

impl Speed {
    /// So many are through at this time.
    pub fn note(&mut self, now: Timestamp, settled: u32) {
        // Fewer than before: another campaign, or a clock that was set back.
        if self.seen.back().is_some_and(|(at, before)| *before > settled || *at > now) {
            self.seen.clear();
        }
        self.seen.push_back((now, settled));
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(|(at, _)| now.since(*at) >= SPAN)
        {
            self.seen.pop_front();
        }
    }

    /// Messages per second; none until there is something to tell from.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        let ((first, before), (last, after)) = (self.seen.front()?, self.seen.back()?);
        let seconds = last.since(*first).as_secs_f64();
        (seconds >= 0.5 && after > before).then(|| f64::from(after - before) / seconds)
    }

    /// How long `left` more take.
    #[must_use]
    pub fn eta(&self, left: u32) -> Option<Duration> {
        Some(Duration::from_secs_f64(f64::from(left) / self.per_second()?))
    }
}
