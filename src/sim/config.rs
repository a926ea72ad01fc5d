//! What a simulated world is made of: the business, its secrets, its limits, its people and the
//! mood of its network. Everything has a default, so that `WorldConfig::default()` is a working shop.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The simulated business and its surroundings. Saved with the world.
///
/// The secrets are made up; they open nothing but this simulator. There is no `Debug` all the same,
/// so that nobody gets used to printing such a thing.
#[derive(Clone, Serialize, Deserialize)]
pub struct WorldConfig {
    /// Id of the business phone number: the path of every send.
    pub phone_number_id: String,
    /// Id of the business account (WABA); `entry[].id` of every webhook.
    pub waba_id: String,
    /// Id of the app, as `debug_token` tells it.
    pub app_id: String,
    /// The business number as people write it: `+55 11 5550-0199`.
    pub display_number: String,
    /// The country code that is put before a `to` without a plus. Digits only.
    pub country_code: String,
    /// The name customers see.
    pub verified_name: String,
    /// The only access token that is accepted.
    pub token: String,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// The key of webhook signatures.
    pub app_secret: String,
    /// What the callback must be verified with (`hub.verify_token`).
    pub verify_token: String,
    /// Accounts beside this one, each with a number, people and templates of its own. They may belong
    /// to the same app.
    pub others: Vec<Self>,
    /// Sends accepted in any one second; Meta's default is 80, raised numbers have 1,000.
    pub rate_per_second: u32,
    /// Whether one user can be sent only one message per 6 s, 45 ahead.
    pub pair_limit: bool,
    /// How long things take.
    pub delays: Delays,
    /// The people who exist from the start.
    pub people: Vec<Persona>,
    /// What happens to a number that belongs to none of them.
    pub strangers: Strangers,
    /// The templates it begins with.
    pub templates: Vec<Template>,
    /// How long the review of a template takes, least and most. One whose name contains `reject` is
    /// rejected, any other approved.
    pub review: (Duration, Duration),
    /// How often somebody writes unasked, least and most; `None` for never.
    pub unprompted_every: Option<(Duration, Duration)>,
    /// What the network does to webhooks.
    pub weather: Weather,
    /// Statuses that fall due together share a POST, up to this many. 1 is what Meta mostly does.
    pub statuses_per_post: usize,
    /// Webhook POSTs under way at once; more than that wait.
    pub posts_in_flight: usize,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            phone_number_id: "106540352242922".to_owned(),
            waba_id: "102290129340398".to_owned(),
            app_id: "634974688087057".to_owned(),
            display_number: "+55 11 5550-0199".to_owned(),
            country_code: "55".to_owned(),
            verified_name: "Loja Sol".to_owned(),
            token: "simulator-token".to_owned(),
            scopes: ["whatsapp_business_management", "whatsapp_business_messaging"]
                .map(str::to_owned)
                .to_vec(),
            app_secret: "simulator-app-secret".to_owned(),
            verify_token: "simulator-verify-token".to_owned(),
            others: Vec::new(),
            rate_per_second: 80,
            pair_limit: true,
            delays: Delays::default(),
            people: Vec::new(),
            strangers: Strangers::WindowClosed,
            templates: Template::samples(),
            review: (Duration::from_secs(20), Duration::from_secs(60)),
            unprompted_every: None,
            weather: Weather::default(),
            statuses_per_post: 1,
            posts_in_flight: 16,
        }
    }
}

impl WorldConfig {
    /// The business number in Meta's spelling: digits only.
    pub fn business_wa_id(&self) -> String {
        self.display_number.chars().filter(char::is_ascii_digit).collect()
    }
}

/// Least and most of each wait; the seed picks in between. Each counts from the step before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delays {
    /// From the accepted request to `sent` (or to `failed`).
    pub sent: (Duration, Duration),
    /// From `sent` to `delivered`.
    pub delivered: (Duration, Duration),
    /// From `delivered` to `read`.
    pub read: (Duration, Duration),
    /// From `read` to `played`, voice messages only.
    pub played: (Duration, Duration),
    /// From `read` to a persona's answer.
    pub answer: (Duration, Duration),
}

impl Default for Delays {
    fn default() -> Self {
        let millis = |least, most| (Duration::from_millis(least), Duration::from_millis(most));
        Self {
            sent: millis(150, 500),
            delivered: millis(250, 1_200),
            read: millis(900, 4_000),
            played: millis(2_000, 5_000),
            answer: millis(1_800, 7_000),
        }
    }
}

impl Delays {
    /// No waits at all: every status is due in the millisecond of its request.
    pub fn none() -> Self {
        let zero = (Duration::ZERO, Duration::ZERO);
        Self { sent: zero, delivered: zero, read: zero, played: zero, answer: zero }
    }
}

/// What becomes of a send to a number that is nobody's. A person is made up for it, who reads and
/// never answers. Two ranges are fixed whatever this says: a number ending in `0404` is not on
/// `WhatsApp` (`failed` 131026), and whoever has a number `+1 555 123 xxxx` has just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strangers {
    /// They have just written: free text reaches them.
    WindowOpen,
    /// They never wrote: templates reach them, free text ends in `failed` 131047. As in life.
    WindowClosed,
    /// They are not on `WhatsApp`: everything ends in `failed` 131026.
    Unreachable,
}

/// A person of the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// The profile name.
    pub name: String,
    /// The user name, with its `@`, if the person took one.
    pub username: Option<String>,
    /// The `wa_id`: digits only. `None` is a person whose number is hidden from the business.
    pub number: Option<String>,
    /// The business-scoped user id, `BR.1349...`.
    pub user_id: String,
    /// What the person writes in.
    pub language: Language,
    /// Whether the person answers what the business writes.
    pub answers: bool,
    /// Whether the person has read receipts on.
    pub reads: bool,
    /// Whether the person has just written when the world begins, so that free text reaches them.
    pub window_open: bool,
}

/// The languages personas speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Language {
    Portuguese,
    English,
    Spanish,
    French,
    German,
    Arabic,
    Hebrew,
    Hindi,
    Japanese,
    Chinese,
    Korean,
}

/// A message template: a name in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language, with an underscore: `pt_BR`.
    pub language: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub category: String,
    /// Whether it can be sent.
    #[serde(default)]
    pub status: TemplateStatus,
    /// What users make of it.
    #[serde(default)]
    pub quality: Quality,
    /// Why it was rejected.
    #[serde(default)]
    pub rejected_reason: Option<String>,
    /// Whether its variables have names rather than numbers.
    #[serde(default)]
    pub named: bool,
    /// Header, body, footer, buttons and so on, as Meta lists them.
    pub components: Vec<Value>,
}

impl Template {
    /// An approved template with numbered variables.
    pub fn new(name: &str, language: &str, category: &str, components: Vec<Value>) -> Self {
        Self {
            name: name.to_owned(),
            language: language.to_owned(),
            category: category.to_owned(),
            status: TemplateStatus::Approved,
            quality: Quality::Unknown,
            rejected_reason: None,
            named: false,
            components,
        }
    }

    /// The catalogue of the shop: every kind of component, every status, several languages.
    pub fn samples() -> Vec<Self> {
        // The file is part of the program, and a test reads it.
        serde_json::from_str(include_str!("../../assets/sim/templates.json")).unwrap_or_default()
    }
}

/// Whether a template can be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "Meta's words")]
pub enum TemplateStatus {
    #[default]
    Approved,
    Pending,
    Rejected,
    Paused,
    Disabled,
    InAppeal,
    PendingDeletion,
    Flagged,
    LimitExceeded,
    Archived,
}

impl TemplateStatus {
    /// As Meta spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::PendingDeletion => "PENDING_DELETION",
            Self::Flagged => "FLAGGED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Archived => "ARCHIVED",
        }
    }
}

/// What users make of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "Meta's words")]
pub enum Quality {
    Green,
    Yellow,
    Red,
    #[default]
    Unknown,
}

impl Quality {
    /// As Meta spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What happens to webhooks on their way. Chances are per thousand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Weather {
    /// A POST is made a second time, within two seconds.
    pub duplicated: u16,
    /// Each POST waits up to this long, so that they overtake each other.
    pub shuffled_within: Duration,
    /// A `delivered` is left out because the user had the chat open: only `read` comes.
    pub delivered_skipped: u16,
}
