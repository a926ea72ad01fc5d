//! The simulated world: one business number, its people, and Meta in between.
//!
//! Pure: no I/O, no clock, no threads. Requests come in through [`World::handle`], and what the world
//! does by itself (statuses, answers, webhooks and their retries) happens in [`World::advance`], which
//! need not be called before [`World::due`]. Two worlds with the same seed that are told the same at
//! the same times do the same. Nothing here is shared with the client that talks to it.

mod account;
mod callback;
mod check;
mod check_interactive;
mod fault;
mod field;
mod graph;
mod ledger;
mod limit;
mod media;
mod people;
mod post;
mod recipient;
mod send;
mod speak;
mod status;
mod template;
mod upload;

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::fault::Fault;
pub use self::ledger::{Accepted, Counts, KEPT, PostOutcome, Posted, Refused};
pub use self::media::Sample;
pub use self::post::WebhookPost;
pub use self::speak::{NobodyThere, Words};
pub use self::template::TemplateChange;

use self::callback::Callbacks;
use self::fault::Faults;
use self::ledger::{Ledger, keep};
use self::limit::{Pairs, Second};
use self::media::MediaShelf;
pub(super) use self::media::webhook_sha256;
use self::people::People;
use self::post::Posts;
pub(super) use self::status::error_entry;
use self::status::{Sent, Status};
use self::template::{Catalogue, Turn};
use self::upload::Uploads;
use super::config::WorldConfig;
use super::rng::Rng;
use super::script::Step;
use super::stamp::{maybe_millis, pairs};
use crate::domain::time::Timestamp;

/// Something the world will do by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Deed {
    Status { wamid: String, status: Status },
    Answer { person: usize, to: String },
    Unprompted,
    Scripted(Step),
    Template { id: String, turn: Turn },
}

/// A message somebody wrote.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inbound {
    person: usize,
    marked_read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Inbound,
    Outbound,
}

/// The world. See the module.
#[derive(Clone, Serialize, Deserialize)]
pub struct World {
    config: WorldConfig,
    rng: Rng,
    people: People,
    media: MediaShelf,
    templates: Catalogue,
    uploads: Uploads,
    sent: BTreeMap<String, Sent>,
    inbound: BTreeMap<String, Inbound>,
    /// What is to happen, by due time; the second number keeps the order of planning.
    #[serde(with = "pairs")]
    agenda: BTreeMap<(i64, u64), Deed>,
    planned: u64,
    posts: Posts,
    second: Second,
    pairs: Pairs,
    faults: Faults,
    token_expired: bool,
    webhooks_on: bool,
    /// Whether anybody knows where to post webhooks to. Until then they wait.
    callback_known: bool,
    /// The time of the first call, from which unprompted messages are counted.
    #[serde(with = "maybe_millis")]
    begun: Option<Timestamp>,
    ledger: Ledger,
    #[serde(default)]
    callbacks: Callbacks,
}

impl World {
    /// A new world. Equal seeds and configs make equal worlds.
    pub fn new(seed: u64, config: WorldConfig) -> Self {
        let mut people = People::default();
        for persona in &config.people {
            people.add(persona.clone());
        }
        Self {
            templates: Catalogue::new(&config.templates),
            uploads: Uploads::default(),
            config,
            rng: Rng::new(seed),
            people,
            media: MediaShelf::default(),
            sent: BTreeMap::new(),
            inbound: BTreeMap::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            posts: Posts::default(),
            second: Second::default(),
            pairs: Pairs::default(),
            faults: Faults::default(),
            token_expired: false,
            webhooks_on: true,
            callback_known: true,
            begun: None,
            ledger: Ledger::default(),
            callbacks: Callbacks::default(),
        }
    }

    /// What the world was made with.
    pub const fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// Changes the mood of the network, the delays or the limits of a running world.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut WorldConfig)) {
        change(&mut self.config);
    }

    /// When the world next does something by itself; `None` when it only waits to be asked (or for
    /// the answers to webhooks that are under way).
    pub fn due(&self) -> Option<Timestamp> {
        let deed = self.agenda.keys().next().map(|(at, _)| Timestamp::from_millis(*at));
        let post = self.posts.due(self.config.posts_in_flight).filter(|_| self.posts_leave());
        [deed, post].into_iter().flatten().min()
    }

    /// Does all that is due by `now` and hands out the webhooks to post. Each must be settled with
    /// [`World::webhook_answered`], in any order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<WebhookPost> {
        self.live(now);
        if !self.posts_leave() {
            return Vec::new();
        }
        self.posts.take(now, self.config.posts_in_flight, &self.config.app_secret)
    }

    /// Does all that is due by `now`, so that what comes next finds the world as it is then.
    fn live(&mut self, now: Timestamp) {
        if self.begun.is_none() {
            self.begun = Some(now);
            self.plan_unprompted(now);
        }
        while let Some(entry) = self.agenda.first_entry() {
            let at = Timestamp::from_millis(entry.key().0);
            if at > now {
                break;
            }
            match entry.remove() {
                Deed::Status { wamid, status } => self.announce(at, now, wamid, status),
                Deed::Answer { person, to } => self.answer(at, person, &to),
                Deed::Unprompted => self.speak_unprompted(at),
                Deed::Template { id, turn } => self.template_turn(at, &id, turn),
                Deed::Scripted(step) => {
                    if let Err(error) = self.perform(at, &step) {
                        tracing::warn!(%error, "a step of the scenario came to nothing");
                    }
                }
            }
        }
    }

    /// Posts a status together with those of the same moment, as many as may share a POST.
    fn announce(&mut self, at: Timestamp, now: Timestamp, wamid: String, status: Status) {
        let mut batch = vec![(at, wamid, status)];
        while batch.len() < self.config.statuses_per_post {
            let Some(next) = self.agenda.first_entry() else { break };
            let due = Timestamp::from_millis(next.key().0);
            if due > now || !matches!(next.get(), Deed::Status { .. }) {
                break;
            }
            if let Deed::Status { wamid, status } = next.remove() {
                batch.push((due, wamid, status));
            }
        }
        let entries =
            batch.iter().filter_map(|(at, id, status)| self.status_entry(*at, id, *status));
        let (contacts, statuses): (Vec<_>, Vec<_>) = entries.unzip();
        let contacts: Vec<Value> = contacts.into_iter().flatten().collect();
        if statuses.is_empty() {
            return;
        }
        let mut value = self.value();
        if !contacts.is_empty() {
            value.insert("contacts".to_owned(), Value::Array(contacts));
        }
        value.insert("statuses".to_owned(), Value::Array(statuses));
        self.post("messages", value, at);
    }

    /// Tells the world what came of a webhook it handed out.
    pub fn webhook_answered(&mut self, now: Timestamp, id: u64, outcome: PostOutcome) {
        let Some((attempt, given_up)) = self.posts.settle(id, &outcome, now) else { return };
        self.ledger.counts.attempts += 1;
        if outcome == PostOutcome::Answered(200) {
            self.ledger.counts.posted += 1;
        }
        self.ledger.counts.given_up += u64::from(given_up);
        keep(&mut self.ledger.posted, Posted { at: now, id, attempt, outcome });
    }

    /// Puts webhooks of the past on their way, in their order, and remembers what they tell: who
    /// wrote when, and which messages exist. This is how a demo's history arrives. Each value is the
    /// whole body of one POST.
    pub fn backfill(&mut self, now: Timestamp, bodies: &[Value]) {
        for body in bodies {
            self.remember(now, body);
            self.posts.add(body, now, now);
        }
    }

    /// Puts the next `times` sends into this kind of trouble.
    pub fn fail_next(&mut self, fault: &Fault, times: usize) {
        self.faults.add(fault, times);
    }

    /// From now on every call is refused with 190, or no longer.
    pub const fn expire_token(&mut self, expired: bool) {
        self.token_expired = expired;
    }

    /// Whether webhooks are posted. While they are not, they wait.
    pub const fn set_webhooks(&mut self, on: bool) {
        self.webhooks_on = on;
    }

    /// Whether there is a callback to post to.
    pub(super) const fn set_callback(&mut self, known: bool) {
        self.callback_known = known;
    }

    const fn posts_leave(&self) -> bool {
        self.webhooks_on && self.callback_known
    }

    /// Whether nothing is planned, waiting or under way.
    pub fn is_idle(&self) -> bool {
        self.posts.is_empty() && !self.agenda.values().any(|deed| !matches!(deed, Deed::Unprompted))
    }

    /// Webhooks not answered 200 yet.
    pub fn webhooks_waiting(&self) -> usize {
        self.posts.len()
    }

    /// How much there was of everything.
    pub const fn counts(&self) -> Counts {
        self.ledger.counts
    }

    /// The latest accepted sends, in order.
    pub const fn accepted(&self) -> &VecDeque<Accepted> {
        &self.ledger.accepted
    }

    /// The latest refused sends, in order.
    pub const fn refused(&self) -> &VecDeque<Refused> {
        &self.ledger.refused
    }

    /// The latest attempts to post webhooks, in the order of their outcomes.
    pub const fn posted(&self) -> &VecDeque<Posted> {
        &self.ledger.posted
    }

    /// The most sends, accepted or not, that arrived within any one second.
    pub const fn max_in_any_second(&self) -> usize {
        self.ledger.arrivals.most()
    }

    /// Whether an inbound message has been marked as read by the business.
    pub fn is_marked_read(&self, wamid: &str) -> bool {
        self.inbound.get(wamid).is_some_and(|inbound| inbound.marked_read)
    }

    /// Makes a loaded world whole: webhooks that were under way when it was saved are due again.
    pub(super) fn rebuild(&mut self) {
        self.posts.rebuild();
    }

    /// Does a step of a scenario when its time comes.
    pub(super) fn script(&mut self, at: Timestamp, step: Step) {
        self.plan(at, Deed::Scripted(step));
    }

    fn plan(&mut self, at: Timestamp, deed: Deed) -> (i64, u64) {
        let key = (at.millis(), self.planned);
        self.planned += 1;
        self.agenda.insert(key, deed);
        key
    }

    /// The part of a webhook's value that every one has.
    fn value(&self) -> Map<String, Value> {
        let metadata = json!({
            "display_phone_number": self.config.business_wa_id(),
            "phone_number_id": self.config.phone_number_id,
        });
        let product = ("messaging_product".to_owned(), json!("whatsapp"));
        [product, ("metadata".to_owned(), metadata)].into_iter().collect()
    }

    /// Puts a webhook on its way, through the weather.
    fn post(&mut self, field: &str, value: Map<String, Value>, at: Timestamp) {
        let changes = json!([{ "field": field, "value": Value::Object(value) }]);
        self.post_entry(&json!({ "id": self.config.waba_id, "changes": changes }), at);
    }

    /// The same for the fields of an account, whose entries tell the time.
    fn post_account(&mut self, field: &str, value: Map<String, Value>, at: Timestamp) {
        let changes = json!([{ "field": field, "value": Value::Object(value) }]);
        let time = at.millis() / 1000;
        self.post_entry(
            &json!({ "id": self.config.waba_id, "time": time, "changes": changes }),
            at,
        );
    }

    fn post_entry(&mut self, entry: &Value, at: Timestamp) {
        let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
        let jitter = (std::time::Duration::ZERO, self.config.weather.shuffled_within);
        let due = at + self.rng.span(jitter);
        self.posts.add(&body, at, due);
        if self.rng.chance(self.config.weather.duplicated) {
            let later = due + self.rng.span(super::DUPLICATE_WITHIN);
            self.posts.add(&body, at, later);
        }
    }

    fn new_wamid(&mut self, peer: &str, direction: Direction) -> String {
        wamid(&mut self.rng, peer, direction)
    }

    fn new_media_id(&mut self) -> String {
        media_id(&mut self.rng)
    }
}

/// An id of Meta's look: base64 of who, which way, and twenty random hex digits.
pub(super) fn wamid(rng: &mut Rng, peer: &str, direction: Direction) -> String {
    let digits: String = peer.chars().filter(char::is_ascii_digit).take(15).collect();
    let mut bytes = vec![0x1c, 0x18, u8::try_from(digits.len()).unwrap_or(0)];
    bytes.extend(digits.bytes());
    let way = if direction == Direction::Outbound { 0x11 } else { 0x12 };
    bytes.extend([0x15, 0x02, 0x00, way, 0x18, 0x14]);
    bytes.extend(rng.letters(b"0123456789ABCDEF", 20).bytes());
    bytes.push(0);
    format!("wamid.{}", BASE64.encode(bytes))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// An id of a file: sixteen digits.
pub(super) fn media_id(rng: &mut Rng) -> String {
    rng.letters(b"123456789", 1) + &rng.letters(b"0123456789", 15)
}

#[cfg(test)]
mod tests;
