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
}

#[derive(Debug)]
struct Hold {
    lane: ConversationId,
    /// The listener-up time at which it ends.
    end: Duration,
    /// When it ends however little was heard.
    latest: Monotonic,
    over: bool,
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

    /// A message has been uncertain for `age`.
    pub(super) fn add(
        &mut self,
        message: MessageId,
        lane: ConversationId,
        age: Duration,
        now: Monotonic,
    ) {
        let end = self.heard(now) + UNCERTAIN_HOLD;
        let latest = now + CEILING.saturating_sub(age);
        let over = latest <= now;
        self.held.entry(message).or_insert(Hold { lane, end, latest, over });
    }

    /// Takes over what the store says is uncertain; returns whether a lane became free by it.
    pub(super) fn refresh(&mut self, unresolved: &[Unresolved], now: Now) -> bool {
        let known: BTreeSet<MessageId> = unresolved.iter().map(|one| one.message).collect();
        let before = self.held.len();
        self.held.retain(|message, _| known.contains(message));
        let freed = self.held.len() < before;
        for one in unresolved {
            self.add(one.message, one.conversation, now.wall.since(one.since), now.mono);
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

    const fn at(secs: u64) -> Monotonic {
        Monotonic(Duration::from_secs(secs))
    }

    #[test]
    fn only_time_with_a_listener_counts() {
        let mut holds = Holds::default();
        let lane = ConversationId(1);
        holds.add(MessageId(5), lane, Duration::ZERO, at(0));
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
        holds.add(MessageId(5), lane, Duration::ZERO, at(310));
        assert_eq!(holds.lanes().count(), 0, "once only");
    }

    #[test]
    fn what_is_resolved_frees_its_lane() {
        let mut holds = Holds::default();
        holds.add(MessageId(5), ConversationId(1), Duration::ZERO, at(0));
        let now = Now { wall: Timestamp::from_secs(1), mono: at(1) };
        assert!(holds.refresh(&[], now));
        assert!(holds.is_empty());
        assert!(!holds.refresh(&[], now));
    }

    #[test]
    fn an_old_uncertain_message_holds_nothing_however_often_a_sender_starts() {
        let mut holds = Holds::default();
        holds.add(MessageId(5), ConversationId(1), Duration::from_secs(600), at(0));
        assert_eq!(holds.lanes().count(), 0);
        holds.add(MessageId(6), ConversationId(2), Duration::from_secs(500), at(0));
        assert_eq!(holds.next_end(at(0)), Some(at(100)), "without a listener");
        assert!(holds.expire(at(100)));
        assert_eq!(holds.lanes().count(), 0);
    }
}
