//! An account's templates as they are chosen from: what Meta holds, and what became of those that were sent.

use super::id::AccountId;
use super::template::{Filling, Template};
use super::time::Timestamp;

/// All templates of an account, by name and language.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Whose.
    pub account: AccountId,
    /// By name, then language.
    pub entries: Vec<Entry>,
    /// When Meta was last asked for all of them; none for never.
    pub synced_at: Option<Timestamp>,
}

/// One template in one language.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What Meta holds.
    pub template: Template,
    /// When a pause is over, as far as Meta's rules tell.
    pub paused_until: Option<Timestamp>,
    /// What became of the messages sent from it.
    pub tally: Tally,
    /// When one was written last.
    pub last_used: Option<Timestamp>,
    /// How many of the newest templates of the conversation asked for are from it.
    pub used_here: u32,
    /// The values of the newest one sent in that conversation; if there is none, to anybody.
    pub last_values: Filling,
}

/// What became of the messages sent from a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Went out, by a `sent` or later.
    pub sent: u64,
    /// Reached the phone.
    pub delivered: u64,
    /// Were read.
    pub read: u64,
    /// Failed.
    pub failed: u64,
    /// Why they failed, by Meta's code (0 for none), the most frequent first.
    pub reasons: Vec<(i64, u64)>,
}

/// How fetching the catalogue from Meta goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Nothing is under way.
    #[default]
    Idle,
    /// It is being fetched.
    Running {
        /// Templates so far.
        templates: u32,
    },
    /// The last try came to nothing, and the old catalogue stays; why, in plain words.
    Failed(String),
}
