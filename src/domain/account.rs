//! What Meta says of a business number and its account: its name, quality, limits and troubles, each a fact
//! with its time. What is not good becomes a [`Concern`].

use std::time::Duration;

use super::throttle::{COEXISTENCE_RATE, HIGH_RATE, Limits, PeopleLimit, STANDARD_RATE};
use super::time::Timestamp;

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// The name that customers see.
    Name,
    /// Whether that name was reviewed: `APPROVED`, `DECLINED`, ...
    NameReview,
    /// What customers make of its messages: `GREEN`, `YELLOW`, `RED`, `NA`.
    Quality,
    /// `CONNECTED`, `PENDING`, `FLAGGED`, `RESTRICTED`, ...
    Status,
    /// Whether messages can be sent: `AVAILABLE`, `LIMITED`, `BLOCKED`.
    Sending,
    /// People that may be written to outside the window in 24 hours: `TIER_2K`, ...
    Limit,
    /// Messages per second: `STANDARD`, `HIGH`.
    Throughput,
    /// Whether the number is used in the WhatsApp Business app too: `yes`, `no`.
    PhoneApp,
    /// Whether the number was proved to be the business's: `VERIFIED`, ...
    Verification,
    /// `LIVE`, `SANDBOX`.
    Mode,
    /// What Meta decided about the account: `APPROVED`, `REJECTED`, ...
    Review,
    /// `DISABLE`, `SCHEDULE_FOR_DISABLE`, `REINSTATE`.
    Ban,
    /// What the account may not do for a while, one fact for each type.
    Restriction,
    /// Against which of its rules Meta says the account was, one fact for each.
    Violation,
    /// What Meta warns of, one fact for each type of warning.
    Alert,
    /// Whether the account is there: `ACCOUNT_DELETED`, `ACCOUNT_OFFBOARDED`, `ACCOUNT_RECONNECTED`.
    Account,
    /// The business's user name.
    Username,
    /// What was done with the PIN of two-step verification.
    Pin,
}

impl FactKind {
    /// All of them, in the order in which they are shown, with their words in the store and in `--json`.
    pub const ALL: [(Self, &'static str); 18] = [
        (Self::Name, "name"),
        (Self::NameReview, "name_review"),
        (Self::Quality, "quality"),
        (Self::Status, "status"),
        (Self::Sending, "sending"),
        (Self::Limit, "messaging_limit"),
        (Self::Throughput, "throughput"),
        (Self::PhoneApp, "phone_app"),
        (Self::Verification, "verification"),
        (Self::Mode, "mode"),
        (Self::Review, "review"),
        (Self::Ban, "ban"),
        (Self::Restriction, "restriction"),
        (Self::Violation, "violation"),
        (Self::Alert, "alert"),
        (Self::Account, "account"),
        (Self::Username, "username"),
        (Self::Pin, "pin"),
    ];

    /// The word in the store and in `--json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind with this word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// How a person reads it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::NameReview => "Name review",
            Self::Quality => "Quality",
            Self::Limit => "Messaging limit",
            Self::Throughput => "Throughput",
            Self::Status => "Status",
            Self::Sending => "Sending",
            Self::PhoneApp => "Phone app",
            Self::Verification => "Verification",
            Self::Mode => "Mode",
            Self::Review => "Account review",
            Self::Ban => "Ban",
            Self::Restriction => "Restriction",
            Self::Violation => "Violation",
            Self::Alert => "Alert",
            Self::Account => "Account",
            Self::Username => "User name",
            Self::Pin => "PIN",
        }
    }

    /// Whether it is said of all numbers of the account alike.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Limit
                | Self::Review
                | Self::Ban
                | Self::Restriction
                | Self::Violation
                | Self::Alert
                | Self::Account
        )
    }
}

/// What Meta says at one time about one thing, in its own words. Texts are unsanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// About what.
    pub kind: FactKind,
    /// Which of several, such as the type of a warning; empty where there is but one.
    pub subject: String,
    /// How it is.
    pub value: String,
    /// Meta's further words; empty when there are none.
    pub detail: String,
    /// When it ends, if it says so.
    pub until: Option<Timestamp>,
}

impl Saying {
    /// Something without a subject, further words or an end.
    #[must_use]
    pub fn new(kind: FactKind, value: impl Into<String>) -> Self {
        let (subject, detail) = (String::new(), String::new());
        Self { kind, subject, value: value.into(), detail, until: None }
    }
}

/// What Meta answers when it is asked about a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The number as Meta displays it.
    pub display_number: Option<String>,
    /// Everything it says.
    pub sayings: Vec<Saying>,
}

/// A saying that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What was said.
    pub saying: Saying,
    /// Since when it is so: Meta's time of a webhook, or when Meta was asked.
    pub at: Timestamp,
    /// When it was last said; later than `at` where Meta was asked again and said the same.
    pub last_at: Timestamp,
    /// A webhook told it; otherwise Meta was asked.
    pub told: bool,
}

/// Something about the account that is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// What it is about.
    pub kind: FactKind,
    /// Two or three words for the status bar; sanitised.
    pub short: String,
    /// A sentence that says what is so and what helps; unsanitised.
    pub words: String,
    /// It keeps messages from being sent, or soon may.
    pub grave: bool,
}

/// How long something is worth a word that Meta tells once, and never that it is over.
const RECENT: Duration = Duration::from_secs(30 * 86_400);

impl Fact {
    fn is_recent(&self, now: Timestamp) -> bool {
        now.since(self.at) < RECENT
    }

    /// What is not good about it; nothing when it is as it should be, or over.
    #[must_use]
    pub fn concern(&self, now: Timestamp) -> Option<Concern> {
        use FactKind as Kind;
        let Saying { kind, subject, value, detail, until } = &self.saying;
        if until.is_some_and(|until| until <= now) {
            return None;
        }
        let aside = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        let (grave, helps) = match (kind, value.as_str()) {
            (Kind::Quality, "YELLOW") => {
                (false, "some people block or report it; send less marketing, to who asked for it")
            }
            (Kind::Quality, "RED") => (
                true,
                "people block or report it; send less marketing, to who asked for it. It recovers within \
                 days, or the limit is lowered",
            ),
            (Kind::Status, "PENDING") => {
                (true, "it has to be registered with its PIN, in WhatsApp Manager > Phone numbers")
            }
            (Kind::Status, "FLAGGED") => {
                (true, "its quality was low; the limit is lowered unless it recovers within 7 days")
            }
            (Kind::Status, value) if value != "CONNECTED" => {
                (true, "see WhatsApp Manager > Phone numbers")
            }
            (Kind::NameReview, "DECLINED") => {
                (false, "ask for another in WhatsApp Manager > Phone numbers")
            }
            (Kind::NameReview, "EXPIRED") => (
                false,
                "the number has to be registered again, in WhatsApp Manager > Phone numbers",
            ),
            (Kind::Sending, "BLOCKED" | "LIMITED") => {
                (true, "do what Meta says there, in WhatsApp Manager")
            }
            (Kind::Review, "REJECTED") => {
                (true, "ask for another review in the Business Support Home")
            }
            (Kind::Ban, value) if value != "REINSTATE" => {
                (true, "ask for a review in the Business Support Home")
            }
            (Kind::Restriction, _) if until.is_some() || self.is_recent(now) => {
                (true, "it is lifted by itself; until then Meta refuses what it is about")
            }
            (Kind::Violation, _) if self.is_recent(now) => (
                false,
                "read the rule, and ask for a review in the Business Support Home if it is wrong",
            ),
            (Kind::Alert, value) if is_alarming(value) => {
                (value.contains("CRITICAL"), "see WhatsApp Manager > Account alerts")
            }
            (Kind::Account, "ACCOUNT_DELETED" | "ACCOUNT_OFFBOARDED") => {
                (true, "it is not to be had any more with this app")
            }
            _ => return None,
        };
        let title = kind.title();
        let about = if subject.is_empty() { String::new() } else { format!(" {subject}") };
        let short = match kind {
            Kind::Restriction => "restricted".to_owned(),
            Kind::Violation | Kind::Alert => title.to_lowercase(),
            Kind::Ban => "banned".to_owned(),
            Kind::NameReview => format!("name {value}"),
            _ => format!("{} {value}", title.to_lowercase()),
        };
        Some(Concern {
            kind: *kind,
            short: super::text::display_safe(&short).into_owned(),
            words: format!("{title}{about} is {value}{aside}; {helps}"),
            grave,
        })
    }
}

/// `CRITICAL ACTIVE` and the like; not what is over, nor what is only for information.
fn is_alarming(value: &str) -> bool {
    let has = |word: &str| value.split(' ').any(|part| part == word);
    (has("CRITICAL") || has("WARNING")) && !["RESOLVED", "DISMISSED", "NONE"].iter().any(|w| has(w))
}

/// What is not good of an account, the gravest first.
#[must_use]
pub fn concerns(facts: &[Fact], now: Timestamp) -> Vec<Concern> {
    let mut concerns: Vec<Concern> = facts.iter().filter_map(|fact| fact.concern(now)).collect();
    concerns.sort_by_key(|concern| !concern.grave);
    concerns
}

/// What Meta allows, as far as what it says can be read. A number that the phone app uses too is never faster.
#[must_use]
pub fn limits<'a>(sayings: impl IntoIterator<Item = &'a Saying>) -> Limits {
    let (mut limits, mut shared) = (Limits::default(), false);
    for Saying { kind, value, .. } in sayings {
        match (kind, value.as_str()) {
            (FactKind::PhoneApp, "yes") => shared = true,
            (FactKind::Throughput, "HIGH") => limits.rate = Some(HIGH_RATE),
            (FactKind::Throughput, "STANDARD") => limits.rate = Some(STANDARD_RATE),
            (FactKind::Limit, tier) => limits.people = people_limit(tier),
            _ => {}
        }
    }
    if shared {
        limits.rate = Some(COEXISTENCE_RATE);
    }
    limits
}

/// Reads `TIER_250`, `TIER_2K`, `TIER_UNLIMITED` and the like, and bare numbers, of which -1 is none.
#[must_use]
pub fn people_limit(tier: &str) -> Option<PeopleLimit> {
    let size = tier.strip_prefix("TIER_").unwrap_or(tier);
    if matches!(size, "UNLIMITED" | "-1") {
        return Some(PeopleLimit::Unlimited);
    }
    let most = match size.strip_suffix('K') {
        Some(thousands) => thousands.parse::<u32>().ok()?.checked_mul(1000)?,
        None => size.parse().ok()?,
    };
    Some(PeopleLimit::AtMost(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(kind: FactKind, value: &str) -> Fact {
        let at = Timestamp::from_secs(0);
        Fact { saying: Saying::new(kind, value), at, last_at: at, told: true }
    }

    #[test]
    fn what_is_good_is_no_concern_and_what_is_not_says_what_helps() {
        let now = Timestamp::from_secs(60);
        for (kind, value, grave) in [
            (FactKind::Quality, "GREEN", None),
            (FactKind::Quality, "NA", None),
            (FactKind::Quality, "YELLOW", Some(false)),
            (FactKind::Quality, "RED", Some(true)),
            (FactKind::Status, "CONNECTED", None),
            (FactKind::Status, "SOMETHING_NEW", Some(true)),
            (FactKind::NameReview, "APPROVED", None),
            (FactKind::NameReview, "DECLINED", Some(false)),
            (FactKind::Sending, "AVAILABLE", None),
            (FactKind::Sending, "BLOCKED", Some(true)),
            (FactKind::Ban, "SCHEDULE_FOR_DISABLE", Some(true)),
            (FactKind::Ban, "REINSTATE", None),
            (FactKind::Alert, "WARNING ACTIVE", Some(false)),
            (FactKind::Alert, "CRITICAL RESOLVED", None),
            (FactKind::Alert, "INFORMATIONAL ACTIVE", None),
            (FactKind::Name, "Loja Sol", None),
        ] {
            let concern = fact(kind, value).concern(now);
            assert_eq!(concern.as_ref().map(|one| one.grave), grave, "{kind:?} {value}");
            if let Some(concern) = concern {
                assert!(
                    concern.words.contains(value) && concern.words.contains(';'),
                    "{concern:?}"
                );
                assert!(concern.short.len() <= 26, "{concern:?}");
            }
        }
    }

    #[test]
    fn a_restriction_is_over_at_its_end_and_a_violation_after_a_month() {
        let mut restricted = fact(FactKind::Restriction, "ACTIVE");
        restricted.saying.subject = "RESTRICTED_BIZ_INITIATED_MESSAGING".to_owned();
        restricted.saying.until = Some(Timestamp::from_secs(100));
        assert!(restricted.concern(Timestamp::from_secs(99)).is_some());
        assert_eq!(restricted.concern(Timestamp::from_secs(100)), None);
        let violated = fact(FactKind::Violation, "SCAM");
        assert!(violated.concern(Timestamp::from_secs(29 * 86_400)).is_some());
        assert_eq!(violated.concern(Timestamp::from_secs(30 * 86_400)), None);
    }

    #[test]
    fn the_gravest_comes_first() {
        let facts = [fact(FactKind::NameReview, "DECLINED"), fact(FactKind::Quality, "RED")];
        let kinds: Vec<FactKind> =
            concerns(&facts, Timestamp::from_secs(1)).iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [FactKind::Quality, FactKind::NameReview]);
    }

    #[test]
    fn limits_are_read_from_metas_words() {
        let of = |pairs: &[(FactKind, &str)]| {
            let sayings: Vec<Saying> =
                pairs.iter().map(|(kind, value)| Saying::new(*kind, *value)).collect();
            limits(&sayings)
        };
        assert_eq!(of(&[]), Limits::default());
        let app = (FactKind::PhoneApp, "yes");
        assert_eq!(of(&[app, (FactKind::Throughput, "HIGH")]).rate, Some(20));
        assert_eq!(of(&[(FactKind::Throughput, "STANDARD")]).rate, Some(80));
        for (tier, people) in [
            ("TIER_250", Some(PeopleLimit::AtMost(250))),
            ("TIER_2K", Some(PeopleLimit::AtMost(2000))),
            ("TIER_100K", Some(PeopleLimit::AtMost(100_000))),
            ("TIER_UNLIMITED", Some(PeopleLimit::Unlimited)),
            ("-1", Some(PeopleLimit::Unlimited)),
            ("2000", Some(PeopleLimit::AtMost(2000))),
            ("TIER_NOT_SET", None),
        ] {
            assert_eq!(of(&[(FactKind::Limit, tier)]).people, people, "{tier}");
        }
    }

    #[test]
    fn words_of_kinds_read_back() {
        for (kind, name) in FactKind::ALL {
            assert_eq!((kind.name(), FactKind::named(name)), (name, Some(kind)));
        }
    }
}
