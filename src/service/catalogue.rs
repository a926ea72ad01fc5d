//! Keeps the catalogue of templates like Meta's: fetches it at the start, once a day, when a webhook tells of
//! something that is not in it, and when somebody asks. A fetch that fails or is cancelled leaves what there
//! was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::bus::{Bus, Interest};
use super::reader::Reader;
use super::stop::Stopped;
use super::workshop::{Outcome, Workshop};
use super::writer::{Priority, Writer};
use super::{ApiConfig, client};
use crate::api::client::Client;
use crate::api::template::template;
use crate::domain::catalogue::{Catalogue, Entry, Sync};
use crate::domain::id::{AccountId, ConversationId, WabaId};
use crate::domain::template::{Refusal, SentTemplate, Work, Worked};
use crate::domain::time::{Clock, Monotonic, Timestamp};
use crate::store::account::{NewAccount, upsert_account};
use crate::store::catalogue::{self, Kept, Told};
use crate::store::{Error, ReadConn};

/// A catalogue older than this is fetched again.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// One that is younger than this at the start was just fetched by another process.
const FRESH: Duration = Duration::from_secs(60);

/// Before a fetch that failed is tried again; the first and the longest wait.
const RETRY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(60 * 60));

/// Webhooks that tell of templates that are not here may come in hundreds; one fetch for all of them, and the
/// next not before this.
const REST: Duration = Duration::from_secs(30);

/// Templates written in one step, so that a large catalogue keeps nobody waiting.
pub const STEP: usize = 100;

/// All templates of an account, with what became of the messages sent from them.
pub fn read(
    conn: &ReadConn,
    account: AccountId,
    conversation: Option<ConversationId>,
) -> Result<Catalogue, Error> {
    let synced_at = catalogue::age(conn, account)?.synced_at;
    let kept = catalogue::templates(conn, account, conversation)?;
    Ok(Catalogue { account, entries: kept.into_iter().filter_map(entry).collect(), synced_at })
}

fn entry(kept: Kept) -> Option<Entry> {
    let mut template = template(&serde_json::from_str(&kept.json).ok()?)?;
    template.status = kept.status;
    template.quality = kept.quality;
    template.category = kept.category;
    template.reason = kept.reason;
    Some(Entry {
        template,
        paused_until: kept.paused_until,
        tally: kept.tally,
        last_used: kept.last_used,
        used_here: kept.used_here,
        last_values: kept.last.as_ref().map(SentTemplate::filling).unwrap_or_default(),
    })
}

/// Told how many templates there are, or why they could not be had, in plain words.
pub type Answer = Box<dyn FnOnce(Result<u32, String>) + Send>;

/// Told what became of work on a template.
pub type WorkAnswer = Box<dyn FnOnce(Result<Worked, Refusal>) + Send>;

enum Order {
    Sync(AccountId, Answer),
    Work(AccountId, Box<Work>, WorkAnswer),
    Cancel(AccountId),
}

/// The handle of those who want the catalogue fetched.
#[derive(Clone)]
pub struct Templates(mpsc::UnboundedSender<Order>);

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

/// What the orders come to.
pub(super) struct Orders(mpsc::UnboundedReceiver<Order>);

impl Templates {
    pub(super) fn new() -> (Self, Orders) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Orders(receiver))
    }

    /// Fetches the catalogue now, or joins the fetch that is under way. Never blocks.
    pub fn sync(&self, account: AccountId, answer: Answer) {
        if let Err(mpsc::error::SendError(Order::Sync(_, answer))) =
            self.0.send(Order::Sync(account, answer))
        {
            answer(Err("the network part is not running".to_owned()));
        }
    }

    /// Makes, changes or deletes a template at Meta. Never blocks.
    pub fn work(&self, account: AccountId, work: Work, answer: WorkAnswer) {
        let order = Order::Work(account, Box::new(work), answer);
        if let Err(mpsc::error::SendError(Order::Work(.., answer))) = self.0.send(order) {
            answer(Err(Refusal::whole("the network part is not running")));
        }
    }

    /// Gives up the fetch that is under way, if there is one.
    pub fn cancel(&self, account: AccountId) {
        drop(self.0.send(Order::Cancel(account)));
    }
}

/// One account whose templates are kept.
pub(super) struct Shop {
    pub(super) account: NewAccount,
    /// What examples are uploaded to.
    pub(super) app: Option<String>,
    pub(super) token: Result<SecretString, Option<String>>,
}

/// What the task needs.
pub(super) struct Parts {
    pub(super) shops: Vec<Shop>,
    pub(super) api: ApiConfig,
    pub(super) orders: Orders,
    /// Fetches by itself, not only when asked.
    pub(super) automatic: bool,
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Works until the word to stop.
pub(super) async fn run(mut parts: Parts, mut stopped: Stopped) {
    let news = Arc::new(Notify::new());
    let bell = Arc::clone(&news);
    let subscription = parts.bus.subscribe(Interest::Templates, move || bell.notify_one());
    let mut keeper = tokio::select! {
        keeper = Keeper::new(&mut parts) => keeper,
        () = stopped.wait() => return,
    };
    loop {
        if parts.automatic {
            drop(subscription.take());
            keeper.look().await;
        }
        let now = parts.clock.monotonic();
        let wait = keeper.due().map(|due| due.since(now));
        tokio::select! {
            () = stopped.wait() => break,
            order = parts.orders.0.recv() => match order {
                Some(order) => keeper.obey(order),
                None => break,
            },
            () = news.notified(), if parts.automatic => {}
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            Some(done) = keeper.fetches.join_next() => keeper.done(done),
            Some(done) = keeper.works.join_next() => keeper.worked(&done),
        }
    }
    keeper.fetches.shutdown().await;
    keeper.works.shutdown().await;
}

/// One account: how to reach its templates, and how that goes.
struct Stand {
    name: String,
    reach: Result<(Client, WabaId), String>,
    app: Option<String>,
    fetch: Option<Fetch>,
    /// When it is to be looked at next.
    due: Option<Monotonic>,
    /// Until when it is left alone, unless somebody asks.
    not_before: Option<Monotonic>,
    wait: Duration,
    started: bool,
}

struct Fetch {
    /// None once all is there and is being stored, which nothing breaks off.
    handle: Option<AbortHandle>,
    answers: Vec<Answer>,
}

/// What a task of the keeper came to.
enum Done {
    /// All pages, and when Meta was asked for them.
    Fetched(Result<(Vec<Told>, Timestamp), String>),
    /// They are stored: so many.
    Kept(Result<u32, String>),
}

struct Keeper {
    stands: BTreeMap<AccountId, Stand>,
    fetches: JoinSet<(AccountId, Done)>,
    /// Work on templates; each ends with whether nobody knows what became of it.
    works: JoinSet<(AccountId, bool)>,
    writer: Writer,
    reader: Reader,
    bus: Bus,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    async fn new(parts: &mut Parts) -> Self {
        let mut stands = BTreeMap::new();
        for Shop { account, app, token } in std::mem::take(&mut parts.shops) {
            let id = stored(&parts.writer, &account, &parts.clock).await;
            let unnamed = "no `waba_id` in the config; templates belong to it".to_owned();
            let reach = client(&parts.api, token)
                .and_then(|client| Ok((client, account.waba.clone().ok_or(unnamed)?)));
            let stand = Stand {
                name: account.name,
                reach,
                app,
                fetch: None,
                due: None,
                not_before: None,
                wait: RETRY.0,
                started: false,
            };
            stands.insert(id, stand);
        }
        Self {
            stands,
            fetches: JoinSet::new(),
            works: JoinSet::new(),
            writer: parts.writer.clone(),
            reader: parts.reader.clone(),
            bus: parts.bus.clone(),
            clock: Arc::clone(&parts.clock),
        }
    }

    /// Starts what is due and notes when the rest is.
    async fn look(&mut self) {
        let accounts: Vec<AccountId> = self
            .stands
            .iter()
            .filter(|(_, stand)| stand.reach.is_ok() && stand.fetch.is_none())
            .map(|(account, _)| *account)
            .collect();
        for account in accounts {
            let slot = format!("catalogue {account}");
            let age = self.reader.ask(slot, move |conn| catalogue::age(conn, account)).await;
            let now = self.clock.now();
            let Some(stand) = self.stands.get_mut(&account) else { continue };
            let clock = self.clock.monotonic();
            if stand.not_before.is_some_and(|time| time > clock) {
                stand.due = stand.not_before;
                continue;
            }
            let age = age.unwrap_or_default();
            let left = |life: Duration| {
                age.synced_at.map_or(Duration::ZERO, |at| life.saturating_sub(since(at, now)))
            };
            let begins = !std::mem::replace(&mut stand.started, true);
            if age.lacks_at.is_some() || left(if begins { FRESH } else { OLD }).is_zero() {
                self.fetch(account, None);
            } else {
                stand.due = Some(clock + left(OLD));
            }
        }
    }

    fn due(&self) -> Option<Monotonic> {
        self.stands
            .values()
            .filter(|stand| stand.fetch.is_none())
            .filter_map(|stand| stand.due)
            .min()
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Sync(account, answer) => self.fetch(account, Some(answer)),
            Order::Work(account, work, answer) => self.work(account, *work, answer),
            Order::Cancel(account) => {
                let Some(stand) = self.stands.get_mut(&account) else { return };
                let Some(handle) = stand.fetch.as_ref().and_then(|fetch| fetch.handle.as_ref())
                else {
                    return;
                };
                handle.abort();
                let Some(fetch) = stand.fetch.take() else { return };
                // Whoever gave it up does not want it back at once.
                stand.not_before = Some(self.clock.monotonic() + RETRY.1);
                self.say(account, Sync::Idle);
                for answer in fetch.answers {
                    answer(Err("cancelled; the templates are as they were".to_owned()));
                }
            }
        }
    }

    fn fetch(&mut self, account: AccountId, answer: Option<Answer>) {
        let refuse = |answer: Option<Answer>, words: &str| {
            if let Some(answer) = answer {
                answer(Err(words.to_owned()));
            }
        };
        let Some(stand) = self.stands.get_mut(&account) else {
            return refuse(answer, "the account is not in the config");
        };
        if let Some(fetch) = &mut stand.fetch {
            return fetch.answers.extend(answer);
        }
        let (client, waba) = match &stand.reach {
            Ok((client, waba)) => (client.clone(), waba.clone()),
            Err(words) => return refuse(answer, words),
        };
        let clock = Arc::clone(&self.clock);
        let (bus, name) = (self.bus.clone(), stand.name.clone());
        let say = move |templates| {
            let sync = Sync::Running { templates };
            bus.update_health(|health| health.account_mut(account, &name).sync = sync);
        };
        say(0);
        let handle = self.fetches.spawn(async move {
            (account, Done::Fetched(fetch(&client, &waba, &*clock, say).await))
        });
        let answers = answer.into_iter().collect();
        stand.fetch = Some(Fetch { handle: Some(handle), answers });
    }

    fn work(&mut self, account: AccountId, work: Work, answer: WorkAnswer) {
        let Some(stand) = self.stands.get(&account) else {
            return answer(Err(Refusal::whole("the account is not in the config")));
        };
        let (client, waba) = match &stand.reach {
            Ok((client, waba)) => (client.clone(), waba.clone()),
            Err(words) => return answer(Err(Refusal::whole(words.clone()))),
        };
        let (app, writer, clock) =
            (stand.app.clone(), self.writer.clone(), Arc::clone(&self.clock));
        self.works.spawn(async move {
            let shop = Workshop { client: &client, waba: &waba, app: app.as_deref() };
            let gone = match &work {
                Work::Delete { name, only } => {
                    Some((name.clone(), only.as_ref().map(|(language, _)| language.clone())))
                }
                Work::Create(_) | Work::Edit { .. } => None,
            };
            let asked_at = clock.now();
            match shop.carry_out(work).await {
                Ok(Outcome { worked, listed }) => {
                    let known = match (listed, gone) {
                        (Some(listed), _) => {
                            let told = Told { template: listed.template, json: listed.raw };
                            let put = writer.run(Priority::Interactive, move |tx| {
                                catalogue::put(tx, account, &told, asked_at)
                            });
                            put.await.is_ok()
                        }
                        (None, Some((name, language))) => {
                            let now = clock.now();
                            let removed = writer.run(Priority::Interactive, move |tx| {
                                catalogue::remove(tx, account, &name, language.as_deref(), now)
                            });
                            removed.await.is_ok()
                        }
                        (None, None) => false,
                    };
                    answer(Ok(worked));
                    (account, !known)
                }
                Err(refusal) => {
                    let unknown = refusal.unknown;
                    answer(Err(refusal));
                    (account, unknown)
                }
            }
        });
    }

    /// What Meta made of a template that nobody read again is in a listing.
    fn worked(&mut self, done: &Result<(AccountId, bool), tokio::task::JoinError>) {
        if let Ok((account, true)) = done {
            self.fetch(*account, None);
        }
    }

    fn done(&mut self, done: Result<(AccountId, Done), tokio::task::JoinError>) {
        // One that was cancelled was told so.
        let Ok((account, done)) = done else { return };
        let Some(stand) = self.stands.get_mut(&account) else { return };
        let result = match done {
            Done::Kept(result) => result,
            Done::Fetched(Err(words)) => Err(words),
            Done::Fetched(Ok((told, asked_at))) => {
                // It may have been given up just as the last page came.
                let Some(fetch) = &mut stand.fetch else { return };
                fetch.handle = None;
                let writer = self.writer.clone();
                self.fetches.spawn(async move {
                    (account, Done::Kept(keep(&writer, account, told, asked_at).await))
                });
                return;
            }
        };
        let Some(fetch) = stand.fetch.take() else { return };
        let sync = match &result {
            Ok(_) => {
                stand.wait = RETRY.0;
                stand.not_before = Some(self.clock.monotonic() + REST);
                Sync::Idle
            }
            Err(words) => {
                tracing::warn!(account = stand.name, words, "the templates cannot be fetched");
                stand.not_before = Some(self.clock.monotonic() + stand.wait);
                stand.wait = (stand.wait * 2).min(RETRY.1);
                Sync::Failed(words.clone())
            }
        };
        self.say(account, sync);
        for answer in fetch.answers {
            answer(result.clone());
        }
    }

    fn say(&self, account: AccountId, sync: Sync) {
        let Some(stand) = self.stands.get(&account) else { return };
        self.bus.update_health(|health| health.account_mut(account, &stand.name).sync = sync);
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(now.millis() - then.millis()).unwrap_or(0))
}

/// The account's id. Tries until the store lets it.
async fn stored(writer: &Writer, account: &NewAccount, clock: &Arc<dyn Clock>) -> AccountId {
    loop {
        let (account, now) = (account.clone(), clock.now());
        let id = writer.run(Priority::Interactive, move |tx| upsert_account(tx, &account, now));
        match id.await {
            Ok(id) => return id,
            Err(error) => tracing::debug!(%error, "the catalogue waits for the store"),
        }
        sleep(RETRY.0).await;
    }
}

/// Fetches all pages.
async fn fetch(
    client: &Client,
    waba: &WabaId,
    clock: &dyn Clock,
    say: impl Fn(u32) + Send + std::marker::Sync,
) -> Result<(Vec<Told>, Timestamp), String> {
    let asked_at = clock.now();
    let found = client.templates(waba, |count| say(u32::try_from(count).unwrap_or(u32::MAX))).await;
    let found = found.map_err(|error| error.to_string())?;
    for unreadable in &found.unreadable {
        tracing::warn!(bytes = unreadable.len(), "a template has no name or no language");
    }
    let told = found.templates.into_iter();
    let told = told.map(|listed| Told { template: listed.template, json: listed.raw });
    Ok((told.collect(), asked_at))
}

async fn keep(
    writer: &Writer,
    account: AccountId,
    told: Vec<Told>,
    asked_at: Timestamp,
) -> Result<u32, String> {
    let found = u32::try_from(told.len()).unwrap_or(u32::MAX);
    let words = |error: super::writer::WriteError| error.to_string();
    for step in told.chunks(STEP) {
        let step = step.to_vec();
        let put = writer.run(Priority::Bulk, move |tx| {
            step.iter().try_for_each(|one| catalogue::put(tx, account, one, asked_at))
        });
        put.await.map_err(words)?;
    }
    let settled =
        writer.run(Priority::Bulk, move |tx| catalogue::settle(tx, account, &told, asked_at));
    settled.await.map_err(words)?;
    Ok(found)
}
