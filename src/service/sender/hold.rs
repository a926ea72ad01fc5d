//! How long an uncertain message holds its lane: [`UNCERTAIN_HOLD`] of time in which the listener could
//! have heard the proof. Time without a listener does not count, nor does time before this sender, but
//! [`CEILING`] after it became uncertain a message holds nothing any more, heard or not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::core::Now;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::outbox::UNCERTAIN_HOLD;
use crate::domain::time::Monotonic;
use crate::store::outbox::Unresolved;

/// However little was heard: what is older holds no lane, nor does it when a sender starts.
const CEILING: Duration = Duration::from_secs(10 * 60);

/// The uncertain messages of one account.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Listener-up time before `since`.
    heard: Duration,
    /// Since when the listener has been up, if it is.
    since: Option<Monotonic>,
    held: BTreeMap<MessageId, Hold>,
    /// Looks at the store begun so far.
    looks: u64,
}

#[derive(Debug)]
struct Hold {
    lane: ConversationId,
    /// The listener-up time at which it ends.
    end: Duration,
    /// When it ends however little was heard.
    latest: Monotonic,
    over: bool,
    /// Looks begun by the time the store had it: later ones find it there or learn that it is resolved.
    /// None while it is not written down.
    stored: Option<u64>,
}

impl Holds {
    /// Takes note of whether the listener hears.
    pub(super) fn listener(&mut self, up: bool, now: Monotonic) {
        match self.since {
            None if up => self.since = Some(now),
            Some(since) if !up => {
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
        age: Duration,
        now: Monotonic,
        stored: Option<u64>,
    ) {
        let end = self.heard(now) + UNCERTAIN_HOLD;
        let latest = now + CEILING.saturating_sub(age);
        let over = latest <= now;
        self.held.entry(message).or_insert(Hold { lane, end, latest, over, stored });
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
            let age = now.wall.since(one.since);
            self.hold(one.message, one.conversation, age, now.mono, Some(0));
        }
        freed
    }

    /// Ends the holds whose time is over; returns whether there were any.
    pub(super) fn expire(&mut self, now: Monotonic) -> bool {
        let heard = self.heard(now);
        let mut any = false;
        for hold in self
            .held
            .values_mut()
            .filter(|hold| !hold.over && (hold.end <= heard || hold.latest <= now))
        {
            hold.over = true;
            any = true;
        }
        any
    }

    /// The lanes that are held.
    pub(super) fn lanes(&self) -> impl Iterator<Item = ConversationId> {
        self.held.values().filter(|hold| !hold.over).map(|hold| hold.lane)
    }

    /// When the next lane becomes free by time, if the listener stays as it is.
    pub(super) fn next_end(&self, now: Monotonic) -> Option<Monotonic> {
        let heard = self.heard(now);
        let ends = self.held.values().filter(|hold| !hold.over).map(|hold| match self.since {
            Some(_) => hold.latest.min(now + hold.end.saturating_sub(heard)),
            None => hold.latest,
        });
        ends.min()
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

    #[test]
    fn only_time_with_a_listener_counts() {
        let mut holds = Holds::default();
        let lane = ConversationId(1);
        holds.add(MessageId(5), lane, at(0));
        assert!(!holds.expire(at(100)), "nobody listened");
        assert_eq!(holds.next_end(at(100)), Some(at(600)));
        holds.listener(true, at(100));
        assert_eq!(holds.next_end(at(110)), Some(at(130)));
        holds.listener(false, at(120));
        assert!(!holds.expire(at(200)));
        assert!(holds.lanes().eq([lane]));
        holds.listener(true, at(300));
        assert_eq!(holds.next_end(at(300)), Some(at(310)));
        assert!(holds.expire(at(310)));
        assert_eq!(holds.lanes().count(), 0);
        assert_eq!(holds.next_end(at(310)), None);
        holds.add(MessageId(5), lane, at(310));
        assert_eq!(holds.lanes().count(), 0, "once only");
    }

    #[test]
    fn what_is_resolved_frees_its_lane() {
        let mut holds = Holds::default();
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
        let mut holds = Holds::default();
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
    fn an_old_uncertain_message_holds_nothing_however_often_a_sender_starts() {
        let mut holds = Holds::default();
        let left = |message, lane| Unresolved {
            message: MessageId(message),
            conversation: ConversationId(lane),
            since: Timestamp::from_secs(if message == 5 { 0 } else { 100 }),
        };
        holds.look();
        let now = Now { wall: Timestamp::from_secs(600), mono: at(0) };
        holds.refresh(&[left(5, 1)], now);
        assert_eq!(holds.lanes().count(), 0);
        holds.refresh(&[left(5, 1), left(6, 2)], now);
        assert_eq!(holds.next_end(at(0)), Some(at(100)), "without a listener");
        assert!(holds.expire(at(100)));
        assert_eq!(holds.lanes().count(), 0);
    }
}
