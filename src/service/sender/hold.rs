//! Uncertain messages: how long each holds its lane, and when it is sent again without proof if the config
//! says so. Both are counted in time in which proof could have been heard: time without a listener that works
//! does not count, time in earlier processes does. Where nobody listens by choice, nothing can be
//! heard, and plain time counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::core::Now;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::outbox::UNCERTAIN_HOLD;
use crate::domain::time::Monotonic;
use crate::store::outbox::Unresolved;

/// Before a message whose sending again was asked for, and which is still uncertain, is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The uncertain messages of one account.
#[derive(Debug)]
pub(super) struct Holds {
    /// After how much hearing an uncertain message is sent again without proof.
    resend: Option<Duration>,
    /// Time that counted before `since`.
    heard: Duration,
    /// Since when time has counted, if it does.
    since: Option<Monotonic>,
    held: BTreeMap<MessageId, Hold>,
    /// Looks at the store begun so far.
    looks: u64,
}

#[derive(Debug)]
struct Hold {
    lane: ConversationId,
    /// What was heard in earlier processes.
    before: Duration,
    /// What had been heard here when it was added.
    start: Duration,
    over: bool,
    /// Looks begun by the time the store had it: later ones find it there or learn that it is resolved.
    /// None while it is not written down.
    stored: Option<u64>,
    asked: Option<Monotonic>,
}

impl Hold {
    fn heard(&self, heard: Duration) -> Duration {
        self.before + heard.saturating_sub(self.start)
    }
}

impl Holds {
    pub(super) const fn new(resend: Option<Duration>) -> Self {
        Self { resend, heard: Duration::ZERO, since: None, held: BTreeMap::new(), looks: 0 }
    }

    /// Takes note of whether time counts.
    pub(super) fn listener(&mut self, counts: bool, now: Monotonic) {
        match self.since {
            None if counts => self.since = Some(now),
            Some(since) if !counts => {
                self.heard += now.since(since);
                self.since = None;
            }
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// A message became uncertain just now, which the store is yet to hear.
    pub(super) fn add(&mut self, message: MessageId, lane: ConversationId, now: Monotonic) {
        self.hold(message, lane, Duration::ZERO, now, None);
    }

    /// The store has heard of it.
    pub(super) fn stored(&mut self, message: MessageId) {
        if let Some(hold) = self.held.get_mut(&message) {
            hold.stored = Some(self.looks);
        }
    }

    /// The store is looked at from now on.
    pub(super) const fn look(&mut self) {
        self.looks += 1;
    }

    fn hold(
        &mut self,
        message: MessageId,
        lane: ConversationId,
        before: Duration,
        now: Monotonic,
        stored: Option<u64>,
    ) {
        let (start, over) = (self.heard(now), before >= UNCERTAIN_HOLD);
        let asked = None;
        self.held.entry(message).or_insert(Hold { lane, before, start, over, stored, asked });
    }

    /// Takes over what the last look says is uncertain; returns whether a lane became free by it. What was
    /// written down after that look had begun is none of its business.
    pub(super) fn refresh(&mut self, unresolved: &[Unresolved], now: Now) -> bool {
        let known: BTreeSet<MessageId> = unresolved.iter().map(|one| one.message).collect();
        let before = self.held.len();
        let looks = self.looks;
        self.held.retain(|message, hold| {
            known.contains(message) || hold.stored.is_none_or(|stored| stored >= looks)
        });
        let freed = self.held.len() < before;
        for one in unresolved {
            self.hold(one.message, one.conversation, one.heard, now.mono, Some(0));
            // Its conversation may have been merged into another meanwhile.
            if let Some(hold) = self.held.get_mut(&one.message) {
                hold.lane = one.conversation;
            }
        }
        freed
    }

    /// Ends the holds whose time is over. What was heard of each has to be kept, or the next process would
    /// hold its lane again.
    pub(super) fn expire(&mut self, now: Monotonic) -> Vec<(MessageId, Duration)> {
        let heard = self.heard(now);
        let mut ended = Vec::new();
        for (message, hold) in &mut self.held {
            if !hold.over && hold.heard(heard) >= UNCERTAIN_HOLD {
                hold.over = true;
                ended.push((*message, hold.heard(heard)));
            }
        }
        ended
    }

    /// What was heard of every message, to be kept when this process ends.
    pub(super) fn all_heard(&self, now: Monotonic) -> Vec<(MessageId, Duration)> {
        let heard = self.heard(now);
        self.held.iter().map(|(message, hold)| (*message, hold.heard(heard))).collect()
    }

    /// The messages to be sent again now, each told once in a while until it is uncertain no more.
    pub(super) fn unproved(&mut self, now: Monotonic) -> Vec<MessageId> {
        let Some(resend) = self.resend else { return Vec::new() };
        let heard = self.heard(now);
        let mut due = Vec::new();
        for (message, hold) in &mut self.held {
            let again = hold.asked.is_none_or(|asked| asked + ASK_AGAIN <= now);
            if again && hold.heard(heard) >= resend {
                hold.asked = Some(now);
                due.push(*message);
            }
        }
        due
    }

    /// The lanes that are held.
    pub(super) fn lanes(&self) -> impl Iterator<Item = ConversationId> {
        self.held.values().filter(|hold| !hold.over).map(|hold| hold.lane)
    }

    /// When the next lane becomes free by time, if the listener stays as it is.
    pub(super) fn next_end(&self, now: Monotonic) -> Option<Monotonic> {
        self.next(UNCERTAIN_HOLD, now, |hold| !hold.over)
    }

    /// When the next message is to be sent again, if the listener stays as it is.
    pub(super) fn next_unproved(&self, now: Monotonic) -> Option<Monotonic> {
        let asked = self.held.values().filter_map(|hold| hold.asked).min();
        let first = self.next(self.resend?, now, |hold| hold.asked.is_none());
        first.into_iter().chain(asked.map(|asked| asked + ASK_AGAIN)).min()
    }

    fn next(
        &self,
        span: Duration,
        now: Monotonic,
        counts: impl Fn(&Hold) -> bool,
    ) -> Option<Monotonic> {
        self.since?;
        let heard = self.heard(now);
        let held = self.held.values().filter(|hold| counts(hold));
        held.map(|hold| now + span.saturating_sub(hold.heard(heard))).min()
    }

    fn heard(&self, now: Monotonic) -> Duration {
        self.heard + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Holds;
    use crate::domain::id::{ConversationId, MessageId};
    use crate::domain::time::{Monotonic, Timestamp};
    use crate::service::sender::core::Now;
    use crate::store::outbox::Unresolved;

    const fn at(secs: u64) -> Monotonic {
        Monotonic(Duration::from_secs(secs))
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn only_time_with_a_listener_counts() {
        let mut holds = Holds::new(None);
        let lane = ConversationId(1);
        holds.add(MessageId(5), lane, at(0));
        assert!(holds.expire(at(10_000)).is_empty(), "nobody listened");
        assert_eq!(holds.next_end(at(10_000)), None);
        holds.listener(true, at(10_100));
        assert_eq!(holds.next_end(at(10_110)), Some(at(10_130)));
        holds.listener(false, at(10_120));
        assert!(holds.expire(at(10_200)).is_empty());
        assert!(holds.lanes().eq([lane]));
        holds.listener(true, at(10_300));
        assert_eq!(holds.next_end(at(10_300)), Some(at(10_310)));
        assert_eq!(holds.expire(at(10_310)), [(MessageId(5), secs(30))]);
        assert_eq!(holds.lanes().count(), 0);
        assert_eq!(holds.next_end(at(10_310)), None);
        holds.add(MessageId(5), lane, at(10_310));
        assert_eq!(holds.lanes().count(), 0, "once only");
    }

    #[test]
    fn what_is_resolved_frees_its_lane() {
        let mut holds = Holds::new(None);
        holds.add(MessageId(5), ConversationId(1), at(0));
        holds.stored(MessageId(5));
        holds.look();
        let now = Now { wall: Timestamp::from_secs(1), mono: at(1) };
        assert!(holds.refresh(&[], now));
        assert!(holds.is_empty());
        assert!(!holds.refresh(&[], now));
    }

    #[test]
    fn a_look_that_began_before_an_outcome_was_written_frees_no_lane() {
        let mut holds = Holds::new(None);
        let now = Now { wall: Timestamp::from_secs(1), mono: at(1) };
        holds.look();
        holds.add(MessageId(5), ConversationId(1), at(0));
        assert!(!holds.refresh(&[], now), "not written yet");
        holds.look();
        holds.stored(MessageId(5));
        assert!(!holds.refresh(&[], now), "written after the look began");
        assert_eq!(holds.lanes().count(), 1);
        holds.look();
        assert!(holds.refresh(&[], now), "proved since");
    }

    #[test]
    fn a_hold_goes_with_its_message_into_the_conversation_it_was_merged_into() {
        let mut holds = Holds::new(None);
        holds.add(MessageId(5), ConversationId(1), at(0));
        let merged = Unresolved {
            message: MessageId(5),
            conversation: ConversationId(2),
            since: Timestamp::from_secs(0),
            heard: Duration::ZERO,
        };
        holds.refresh(&[merged], Now { wall: Timestamp::from_secs(1), mono: at(1) });
        assert!(holds.lanes().eq([ConversationId(2)]));
    }

    #[test]
    fn a_lane_is_held_once_however_often_a_sender_starts() {
        let mut first = Holds::new(None);
        first.listener(true, at(0));
        first.hold(MessageId(5), ConversationId(1), Duration::ZERO, at(0), Some(0));
        first.hold(MessageId(6), ConversationId(2), secs(30), at(0), Some(0));
        assert!(first.lanes().eq([ConversationId(1)]), "one was served before");
        let heard = first.all_heard(at(20));
        assert_eq!(heard, [(MessageId(5), secs(20)), (MessageId(6), secs(50))]);
        let mut second = Holds::new(None);
        second.listener(true, at(0));
        second.hold(MessageId(5), ConversationId(1), secs(20), at(0), Some(0));
        assert_eq!(second.next_end(at(0)), Some(at(10)));
        assert_eq!(second.expire(at(10)), [(MessageId(5), secs(30))]);
    }

    #[test]
    fn what_the_config_lets_go_again_is_told_until_it_went() {
        let mut holds = Holds::new(Some(secs(600)));
        holds.listener(true, at(0));
        holds.hold(MessageId(5), ConversationId(1), secs(100), at(0), Some(0));
        assert_eq!(holds.next_unproved(at(0)), Some(at(500)));
        assert!(holds.unproved(at(499)).is_empty());
        assert_eq!(holds.unproved(at(500)), [MessageId(5)]);
        assert!(holds.unproved(at(501)).is_empty());
        assert_eq!(holds.next_unproved(at(501)), Some(at(505)));
        assert_eq!(holds.unproved(at(505)), [MessageId(5)], "it did not go");
        let now = Now { wall: Timestamp::from_secs(506), mono: at(506) };
        holds.look();
        holds.refresh(&[], now);
        assert_eq!(holds.next_unproved(at(506)), None);
    }
}
