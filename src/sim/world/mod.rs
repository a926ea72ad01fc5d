//! The simulated world: one business number, its people, and Meta in between.
//!
//! Pure: no I/O, no clock, no threads. Requests come in through [`World::handle`], and what the world
//! does by itself (statuses, answers, webhooks and their retries) happens in [`World::advance`], which
//! need not be called before [`World::due`]. Two worlds with the same seed that are told the same at
//! the same times do the same. Nothing here is shared with the client that talks to it.

mod account;
mod check;
mod check_interactive;
mod fault;
mod field;
mod graph;
mod history;
mod ledger;
mod limit;
mod log;
mod media;
mod neighbour;
mod office;
mod people;
mod post;
mod recipient;
mod send;
mod speak;
mod status;
mod template;
mod upload;
mod usage;

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::fault::Fault;
pub use self::ledger::{Accepted, Counts, KEPT, PostOutcome, Posted, Refused};
pub use self::media::Sample;
pub use self::office::NumberChange;
pub use self::post::WebhookPost;
pub use self::speak::{NobodyThere, Words};
pub use self::template::TemplateChange;

use self::fault::Faults;
use self::history::Told;
use self::ledger::{Ledger, keep};
use self::limit::{Pairs, Second};
use self::log::Log;
use self::media::MediaShelf;
pub(super) use self::media::webhook_sha256;
use self::neighbour::Neighbour;
use self::office::Office;
pub(super) use self::office::Verification;
use self::people::People;
use self::post::Posts;
pub(super) use self::status::error_entry;
use self::status::{Sent, Status};
use self::template::{Catalogue, Turn};
use self::upload::Uploads;
use self::usage::Usage;
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
    office: Office,
    /// The other accounts; requests for them come in here.
    others: Vec<Self>,
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
    /// Whether webhooks are handed out though no address is known: somebody takes them by hand.
    by_hand: bool,
    /// The time of the first call, from which unprompted messages are counted.
    #[serde(with = "maybe_millis")]
    begun: Option<Timestamp>,
    #[serde(with = "maybe_millis")]
    latest: Option<Timestamp>,
    ledger: Ledger,
    #[serde(default)]
    usage: Usage,
    #[serde(skip)]
    log: Log,
    /// The other numbers, as far as the call that is answered needs them.
    #[serde(skip)]
    beside: Vec<Neighbour>,
}

/// The number of an account within the id of a webhook, above the bits of its own number.
const ACCOUNT_SHIFT: u32 = 48;

impl World {
    /// A new world. Equal seeds and configs make equal worlds.
    pub fn new(seed: u64, config: WorldConfig) -> Self {
        let mut people = People::default();
        for persona in &config.people {
            people.add(persona.clone());
        }
        let mut seeds = Rng::new(seed);
        let others = config.others.iter().map(|other| Self::new(seeds.next(), other.clone()));
        Self {
            others: others.collect(),
            office: Office::default(),
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
            by_hand: true,
            begun: None,
            latest: None,
            ledger: Ledger::default(),
            usage: Usage::default(),
            log: Log::default(),
            beside: Vec::new(),
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
        let others = self.others.iter().filter_map(Self::due).min();
        [deed, post, others].into_iter().flatten().min()
    }

    /// Does all that is due by `now` and hands out the webhooks to post. Each must be settled with
    /// [`World::webhook_answered`], in any order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<WebhookPost> {
        self.live(now);
        let mut posts = Vec::new();
        if self.posts_leave() {
            let (most, secret) = (self.config.posts_in_flight, &self.config.app_secret);
            posts = self.posts.take(now, most, secret, &self.office.hooks);
        }
        for (number, other) in (1..).zip(&mut self.others) {
            let theirs = other.advance(now).into_iter();
            posts.extend(theirs.map(|post| {
                let id = post.id | (number << ACCOUNT_SHIFT);
                WebhookPost { id, ..post }
            }));
        }
        posts
    }

    /// Does all that is due by `now`, so that what comes next finds the world as it is then.
    fn live(&mut self, now: Timestamp) {
        self.latest = self.latest.max(Some(now));
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
        for (_, id, status) in &batch {
            if let Some(sent) = self.sent.get_mut(id) {
                sent.done |= matches!(status, Status::Read | Status::Failed(_));
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
        let post = self.post("messages", value, at);
        for (at, id, status) in batch {
            if let Some(sent) = self.sent.get_mut(&id) {
                sent.told.push(Told { status, at, post });
            }
        }
    }

    /// Tells the world what came of a webhook it handed out.
    pub fn webhook_answered(&mut self, now: Timestamp, id: u64, outcome: PostOutcome) {
        let (number, own) = (id >> ACCOUNT_SHIFT, id & ((1 << ACCOUNT_SHIFT) - 1));
        let other = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(other) = other.and_then(|index| self.others.get_mut(index)) {
            other.webhook_answered(now, own, outcome);
            return;
        }
        let content = self
            .posts
            .content(id)
            .map(|(field, body)| (self.office.hooks.address(field).cloned(), body.to_owned()));
        let Some((attempt, given_up)) = self.posts.settle(id, &outcome, now) else { return };
        if let Some((to, body)) = content {
            self.log.webhook(now, to, attempt, &body, &outcome);
        }
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
            self.posts.add("messages", body, now, now);
        }
    }

    /// Puts the next `times` sends into this kind of trouble.
    pub fn fail_next(&mut self, fault: &Fault, times: usize) {
        self.faults.add(None, fault, times);
    }

    /// The same for the next calls of an edge such as `message_templates`, or of `any`. What becomes of
    /// a message afterwards is no matter of theirs.
    pub fn fail_edge(&mut self, edge: &str, fault: &Fault, times: usize) {
        self.faults.add(Some(edge), fault, times);
    }

    /// Calls that are still to run into trouble.
    #[must_use]
    pub fn faults_waiting(&self) -> usize {
        self.faults.len()
    }

    /// From now on every call is refused with 190, or no longer.
    pub const fn expire_token(&mut self, expired: bool) {
        self.token_expired = expired;
    }

    /// Whether webhooks are posted. While they are not, they wait.
    pub const fn set_webhooks(&mut self, on: bool) {
        self.webhooks_on = on;
    }

    /// The address of the app's webhooks, in every account that has none yet. From now on webhooks
    /// wait while there is none.
    pub(super) fn set_callback(&mut self, url: Option<&str>) {
        self.by_hand = false;
        if let Some(url) = url {
            self.office.hooks.app = Some(url.to_owned());
        }
        for other in &mut self.others {
            let url = url.filter(|_| other.office.hooks.app.is_none());
            other.set_callback(url);
        }
    }

    fn posts_leave(&self) -> bool {
        self.webhooks_on && (self.by_hand || self.office.hooks.address("messages").is_some())
    }

    /// Where the app's webhooks go.
    pub fn callback(&self) -> Option<&str> {
        self.office.hooks.app.as_deref()
    }

    /// The account with this name, number id or account id; this one when there is no other.
    pub fn account(&mut self, name: &str) -> Option<&mut Self> {
        let config = &self.config;
        let own = [&config.phone_number_id, &config.waba_id, &config.verified_name];
        if own.into_iter().any(|known| known == name) {
            return Some(self);
        }
        self.others.iter_mut().find_map(|other| other.account(name))
    }

    /// The log from number `from` on, oldest first: requests with their answers, webhooks with what
    /// came of them. The latest 2,000 are kept.
    pub fn log_since(&self, from: u64) -> Vec<Value> {
        self.log.since(from)
    }

    /// The latest time the world has seen.
    pub(super) const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Lets what people write unasked begin anew, after time was moved on.
    pub(super) fn forget_unprompted(&mut self, now: Timestamp) {
        self.agenda.retain(|_, deed| !matches!(deed, Deed::Unprompted));
        self.plan_unprompted(now);
        self.others.iter_mut().for_each(|other| other.forget_unprompted(now));
    }

    /// Whether nothing is planned, waiting or under way.
    pub fn is_idle(&self) -> bool {
        let planned = self.agenda.values().any(|deed| !matches!(deed, Deed::Unprompted));
        self.posts.is_empty() && !planned && self.others.iter().all(Self::is_idle)
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
        self.others.iter_mut().for_each(Self::rebuild);
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

    /// Puts a webhook on its way; answers its number.
    fn post(&mut self, field: &str, value: Map<String, Value>, at: Timestamp) -> Option<u64> {
        let changes = json!([{ "field": field, "value": Value::Object(value) }]);
        self.post_entry(field, &json!({ "id": self.config.waba_id, "changes": changes }), at)
    }

    /// The same for the fields of an account, whose entries tell the time.
    fn post_account(&mut self, field: &str, value: Map<String, Value>, at: Timestamp) {
        let changes = json!([{ "field": field, "value": Value::Object(value) }]);
        let time = at.millis() / 1000;
        let entry = json!({ "id": self.config.waba_id, "time": time, "changes": changes });
        self.post_entry(field, &entry, at);
    }

    /// Through the weather, if anybody asked for this field.
    fn post_entry(&mut self, field: &str, entry: &Value, at: Timestamp) -> Option<u64> {
        if !self.office.hooks.wants(field) {
            return None;
        }
        let body = json!({ "object": "whatsapp_business_account", "entry": [entry] });
        let jitter = (std::time::Duration::ZERO, self.config.weather.shuffled_within);
        let due = at + self.rng.span(jitter);
        let post = self.posts.add(field, &body, at, due);
        if self.rng.chance(self.config.weather.duplicated) {
            let later = due + self.rng.span(super::DUPLICATE_WITHIN);
            self.posts.add(field, &body, at, later);
        }
        Some(post)
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
