//! How the background parts are doing, as the status bar and `doctor` say it.

use super::account::Concern;
use super::catalogue::Sync;
use super::id::AccountId;
use super::time::Timestamp;
use super::tunnel::TunnelHealth;

/// Whether a background part works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Not started yet.
    #[default]
    Starting,
    /// It works.
    Up,
    /// Another process does it.
    Elsewhere,
    /// Switched off in the config, or not possible without an account, or its token.
    Off,
    /// It does not work; the reason and the remedy in plain words.
    Down(String),
}

/// How the services are doing, whole each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The webhook listener.
    pub listener: Condition,
    /// Its address, when up.
    pub listener_address: Option<String>,
    /// How often it was built anew because it did not answer its own requests.
    pub listener_rebuilt: u32,
    /// When the last good webhook came in.
    pub last_event: Option<Timestamp>,
    /// The last number a webhook was for that no account has, in words that are not sanitised.
    pub unknown_number: Option<String>,
    /// Webhooks refused since the start, by reason.
    pub refused: Refused,
    /// What brings webhooks here from outside.
    pub tunnel: TunnelHealth,
    /// Whether this process sends. What keeps single accounts from it is in their pace.
    pub sender: Condition,
    /// This process can send for no account; what the first one lacks, and what to do, in plain words.
    pub account_trouble: Option<String>,
    /// How sending goes, account by account, in the order of their ids.
    pub accounts: Vec<AccountHealth>,
    /// The store cannot be written: a full disk and the like.
    pub store_trouble: Option<String>,
    /// New messages cannot be searched for; what to do, in plain words.
    pub search_trouble: Option<String>,
    /// The part that sends and listens does not answer; what to do, in plain words.
    pub net_trouble: Option<String>,
    /// Webhooks come in, but Meta's challenge of the webhook set-up cannot be answered; why, and what helps.
    pub challenge_trouble: Option<String>,
}

impl Health {
    /// What is said of an account, made when there is nothing yet.
    pub fn account_mut(&mut self, account: AccountId, name: &str) -> &mut AccountHealth {
        let place = match self.accounts.binary_search_by_key(&account, |known| known.account) {
            Ok(place) => place,
            Err(place) => {
                let new = AccountHealth {
                    account,
                    name: name.to_owned(),
                    waiting: Waiting::default(),
                    paused: None,
                    people: People::default(),
                    concerns: Vec::new(),
                    pace: None,
                    told: None,
                    sync: Sync::Idle,
                };
                self.accounts.insert(place, new);
                place
            }
        };
        &mut self.accounts[place]
    }

    /// Messages of all accounts that wait for their turn or are under way.
    #[must_use]
    pub fn queue(&self) -> u32 {
        self.accounts.iter().map(|account| account.waiting.queue()).sum()
    }

    /// How an account sends: as this process knows, or as the one says that sends.
    #[must_use]
    pub fn pace_of<'a>(&self, account: &'a AccountHealth) -> Option<&'a Pace> {
        let told = account.told.as_ref().filter(|_| self.sender == Condition::Elsewhere);
        account.pace.as_ref().or(told)
    }

    /// What keeps accounts from sending, for whichever process sends, in the order of the accounts.
    pub fn stops(&self) -> impl Iterator<Item = (&AccountHealth, &Stop)> {
        self.accounts.iter().filter_map(|account| {
            let stop = self.pace_of(account)?.stop.as_ref()?;
            Some((account, stop))
        })
    }

    /// Something is wrong with an account, whichever it is. What to do, in plain words.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let stop = || self.stops().find(|(_, stop)| stop.kind == StopKind::Trouble);
        self.account_trouble.clone().or_else(|| stop().map(said))
    }

    /// Something is wrong with this account. What to do, in plain words.
    #[must_use]
    pub fn trouble_of(&self, account: AccountId) -> Option<String> {
        let stop = self.stop_of(account).filter(|(_, stop)| stop.kind == StopKind::Trouble);
        self.account_trouble.clone().or_else(|| stop.map(said))
    }

    /// Why nothing of this account is sent although all is well with it.
    #[must_use]
    pub fn sender_trouble(&self, account: AccountId) -> Option<String> {
        if let Condition::Down(reason) = &self.sender {
            return Some(reason.clone());
        }
        self.stop_of(account).filter(|(_, stop)| stop.kind != StopKind::Trouble).map(said)
    }

    fn stop_of(&self, account: AccountId) -> Option<(&AccountHealth, &Stop)> {
        self.stops().find(|(known, _)| known.account == account)
    }
}

fn said((account, stop): (&AccountHealth, &Stop)) -> String {
    format!("{}: {}", account.name, stop.words)
}

/// How sending goes for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountHealth {
    /// The account.
    pub account: AccountId,
    /// Its name in the config.
    pub name: String,
    /// Its messages that are not done.
    pub waiting: Waiting,
    /// Since when the person has had it paused.
    pub paused: Option<Timestamp>,
    /// People written to outside the window within a day.
    pub people: People,
    /// What Meta says of it that is not good, the gravest first.
    pub concerns: Vec<Concern>,
    /// How fast it sends; none unless this process sends for it.
    pub pace: Option<Pace>,
    /// The same as the process told that sends for it, if there is one; it does not tell how much is used.
    pub told: Option<Pace>,
    /// How fetching its templates goes, in this process.
    pub sync: Sync,
}

impl AccountHealth {
    /// What a person should know of it at any time, in plain words: that Meta keeps it from sending or soon may,
    /// that it is near the messaging limit, or has outcomes that are not written down.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let name = &self.name;
        let grave = self.concerns.iter().filter(|concern| concern.grave);
        let mut notices: Vec<String> =
            grave.map(|concern| format!("{name}: {}", concern.words)).collect();
        if let Some(limit) = self.people.limit.filter(|_| self.people.is_near()) {
            let used = format!(
                "{name}: at least {} of {limit} people were written to outside the window in 24 hours",
                self.people.reached
            );
            notices.push(if self.people.is_full() {
                format!("{used}; templates to others are held until there is room")
            } else {
                used
            });
        }
        let unwritten = self.pace.as_ref().map_or(0, |pace| pace.unwritten);
        if unwritten > 0 {
            notices.push(format!(
                "{name}: what became of {unwritten} requests is not written down yet; it is kept and tried again"
            ));
        }
        notices
    }
}

/// Messages of an account that are not done, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Wait for their time.
    pub scheduled: u32,
    /// Wait for a decision.
    pub held: u32,
    /// Wait for their turn or for another try.
    pub queued: u32,
    /// Their requests are under way.
    pub sending: u32,
    /// Failed.
    pub failed: u32,
    /// Nobody knows what became of them.
    pub uncertain: u32,
}

impl Waiting {
    /// Those that wait for their turn or are under way.
    #[must_use]
    pub const fn queue(&self) -> u32 {
        self.queued.saturating_add(self.sending)
    }

    /// Those that a person has to look at.
    #[must_use]
    pub const fn trouble(&self) -> u32 {
        self.failed.saturating_add(self.uncertain)
    }
}

/// How much of the messaging limit of a portfolio is used: different people written to outside the window in
/// the last 24 hours. A lower bound, since other programs and numbers of the portfolio count at Meta too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Those that this store knows of.
    pub reached: u32,
    /// What Meta allows, if it said and there is a limit.
    pub limit: Option<u32>,
}

/// How near to the messaging limit a person is warned, in percent.
const NEAR_LIMIT: u64 = 80;

impl People {
    /// Four fifths of the limit or more are used.
    #[must_use]
    pub fn is_near(&self) -> bool {
        let near = |limit: u32| u64::from(self.reached) * 100 >= u64::from(limit) * NEAR_LIMIT;
        self.limit.is_some_and(near)
    }

    /// Nobody new can be written to outside the window for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.reached >= limit)
    }
}

/// How fast an account sends, and what slows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Messages of the last second, both ways.
    pub used: u32,
    /// Messages that may go in a second.
    pub limit: u32,
    /// Until when the number rests, since Meta said that it was too fast (130429) or asked for a while.
    pub rests_until: Option<Timestamp>,
    /// People who cannot be written to for the moment, because they got too much in a short time.
    pub limited_people: u32,
    /// What keeps the whole account from sending.
    pub stop: Option<Stop>,
    /// Outcomes that the store has not taken yet.
    pub unwritten: u32,
}

/// What keeps an account from sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What kind of thing.
    pub kind: StopKind,
    /// What it is and what helps, in plain words.
    pub words: String,
    /// When a single message is tried; past while that one is under way.
    pub until: Timestamp,
}

/// The kinds of things that keep an account from sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopKind {
    /// The account itself: token, payment, a restriction. A person has to do something.
    Trouble,
    /// Meta limits its calls as a whole.
    Limited,
    /// Meta cannot be reached.
    Offline,
    /// The circuit breaker is open: too many requests failed within a minute.
    Circuit,
}

impl StopKind {
    /// The word in `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Limited => "limited",
            Self::Offline => "offline",
            Self::Circuit => "circuit",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Trouble, Self::Limited, Self::Offline, Self::Circuit];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// How many requests the listener refused since its start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// No signature, or one that fits no app secret (401).
    pub signature: u64,
    /// A challenge with the wrong verify token (403).
    pub verify_token: u64,
    /// Another path than the webhook's (404).
    pub path: u64,
    /// Another method than GET and POST (405).
    pub method: u64,
    /// Too large (413).
    pub size: u64,
    /// The body came too slowly or not whole (400, 408).
    pub incomplete: u64,
    /// Good, but it could not be stored (503); Meta delivers it again.
    pub store: u64,
}

impl Refused {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.signature
            + self.verify_token
            + self.path
            + self.method
            + self.size
            + self.incomplete
            + self.store
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Health, Pace, People, Stop, StopKind};
    use crate::domain::id::AccountId;
    use crate::domain::time::Timestamp;

    #[test]
    fn what_stops_another_process_is_said_while_it_sends_and_no_longer() {
        let mut health = Health::default();
        let stopped = |kind| {
            let until = Timestamp::from_secs(30);
            let stop = Some(Stop { kind, words: "because".to_owned(), until });
            Some(Pace { stop, ..Pace::default() })
        };
        health.account_mut(AccountId(1), "shop").told = stopped(StopKind::Trouble);
        health.account_mut(AccountId(2), "bar").told = stopped(StopKind::Circuit);
        let (shop, bar) = (AccountId(1), AccountId(2));
        assert_eq!((health.trouble(), health.sender_trouble(bar)), (None, None), "nobody sends");
        health.sender = Condition::Elsewhere;
        assert_eq!(health.trouble().as_deref(), Some("shop: because"));
        assert_eq!(health.sender_trouble(bar).as_deref(), Some("bar: because"));
        assert_eq!((health.trouble_of(bar), health.sender_trouble(shop)), (None, None));
        assert_eq!(health.pace_of(&health.accounts[0]), health.accounts[0].told.as_ref());
        // What this process knows of its own is newer.
        health.sender = Condition::Up;
        health.accounts[0].pace = Some(Pace::default());
        assert_eq!((health.trouble(), health.sender_trouble(bar)), (None, None));
        assert_eq!(health.pace_of(&health.accounts[0]), Some(&Pace::default()));
        assert_eq!(health.pace_of(&health.accounts[1]), None);
        let kinds = [StopKind::Trouble, StopKind::Limited, StopKind::Offline, StopKind::Circuit];
        assert!(kinds.into_iter().all(|kind| StopKind::named(kind.name()) == Some(kind)));
    }

    #[test]
    fn the_messaging_limit_warns_at_four_fifths_and_is_full_at_all() {
        for (reached, near, full) in
            [(0, false, false), (199, false, false), (200, true, false), (250, true, true)]
        {
            let people = People { reached, limit: Some(250) };
            assert_eq!((people.is_near(), people.is_full()), (near, full), "{reached}");
        }
        let unlimited = People { reached: 1_000_000, limit: None };
        assert!(!unlimited.is_near() && !unlimited.is_full());
    }

    #[test]
    fn accounts_stay_in_order_and_say_what_one_has_to_know() {
        let mut health = Health::default();
        health.account_mut(AccountId(2), "second");
        let first = health.account_mut(AccountId(1), "first");
        assert_eq!(first.notices(), [""; 0]);
        first.people = People { reached: 8, limit: Some(10) };
        first.pace = Some(Pace { unwritten: 2, ..Pace::default() });
        let notices = first.notices();
        assert_eq!(notices.len(), 2, "{notices:?}");
        assert!(notices[0].contains("at least 8 of 10") && notices[1].contains("not written"));
        first.people.reached = 10;
        assert!(first.notices()[0].contains("held"));
        let names: Vec<&str> = health.accounts.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["first", "second"]);
    }
}
