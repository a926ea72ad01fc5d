//! What a person wants of Meta about an account, from the screen: how it is, its profile, and where it posts.
//! Each call is made once, beside everything else; the answer finds back by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::bus::Bus;
use super::callback::{Callback, Consent, Restored};
use super::picture::Picture;
use super::stop::Stopped;
use super::writer::{Priority, Writer};
use super::{ApiConfig, client};
use crate::api::client::Client;
use crate::domain::id::{AccountId, PhoneNumberId};
use crate::domain::profile::{Profile, ProfileChange};
use crate::domain::text::display_safe;
use crate::domain::time::Clock;
use crate::domain::tunnel::{Level, Registration, Say};
use crate::store::account::{NewAccount, fact, upsert_account};

/// Before the store is tried again for the accounts' ids.
const RETRY: Duration = Duration::from_secs(60);

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Ask how the account is, and keep it.
    Standing,
    /// Its profile.
    Profile,
    /// Another profile, and how it is then.
    Change(ProfileChange),
    /// The picture of the profile.
    Picture(Picture),
    /// Where Meta is to post.
    Post(Say),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It is done; in plain words.
    Done(String),
    /// The profile as it is now.
    Profile(Box<Profile>),
}

/// Told what came of a wish, or why nothing did, in plain words.
pub type Answer = Box<dyn FnOnce(Result<Came, String>) + Send>;

struct Order {
    account: AccountId,
    wish: Wish,
    answer: Answer,
}

/// The handle of those who want something.
#[derive(Clone)]
pub struct Office(mpsc::UnboundedSender<Order>);

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").finish_non_exhaustive()
    }
}

/// What the orders come to.
pub(super) struct Orders(mpsc::UnboundedReceiver<Order>);

impl Office {
    pub(super) fn new() -> (Self, Orders) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Orders(receiver))
    }

    /// Says what is wanted. Never blocks.
    pub fn wish(&self, account: AccountId, wish: Wish, answer: Answer) {
        if let Err(mpsc::error::SendError(order)) = self.0.send(Order { account, wish, answer }) {
            (order.answer)(Err("the network part is not running".to_owned()));
        }
    }
}

/// One account that can be asked about.
pub(super) struct Desk {
    pub(super) account: NewAccount,
    pub(super) token: Result<SecretString, Option<String>>,
    /// Meta's id of the app, which files are uploaded to.
    pub(super) app: Option<String>,
}

/// What the task needs.
pub(super) struct Parts {
    pub(super) desks: Vec<Desk>,
    pub(super) callbacks: Arc<[Callback<Writer>]>,
    pub(super) api: ApiConfig,
    pub(super) orders: Orders,
    pub(super) writer: Writer,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Works until the word to stop. Nothing is made before the first order.
pub(super) async fn run(mut parts: Parts, mut stopped: Stopped) {
    let mut known: BTreeMap<AccountId, Reach> = BTreeMap::new();
    let mut calls = JoinSet::new();
    loop {
        let order = tokio::select! {
            () = stopped.wait() => break,
            order = parts.orders.0.recv() => order,
            Some(_) = calls.join_next() => continue,
        };
        let Some(order) = order else { break };
        if known.is_empty() {
            known = tokio::select! {
                () = stopped.wait() => break,
                known = parts.reach() => known,
            };
        }
        let Some(reach) = known.get(&order.account).cloned() else {
            (order.answer)(Err("the account is not in the config".to_owned()));
            continue;
        };
        let call = parts.call(reach, order.account, order.wish);
        calls.spawn(async move { (order.answer)(call.await) });
    }
    calls.shutdown().await;
}

/// How an account is reached.
#[derive(Clone)]
struct Reach {
    client: Result<Client, String>,
    number: PhoneNumberId,
    /// What the person calls it.
    name: String,
    app: Option<String>,
}

impl Parts {
    /// The accounts by their ids. Tries until the store lets it.
    async fn reach(&self) -> BTreeMap<AccountId, Reach> {
        let mut known = BTreeMap::new();
        for Desk { account, token, app } in &self.desks {
            let id = loop {
                let (account, now) = (account.clone(), self.clock.now());
                let stored = self
                    .writer
                    .run(Priority::Interactive, move |tx| upsert_account(tx, &account, now));
                match stored.await {
                    Ok(id) => break id,
                    Err(error) => tracing::debug!(%error, "the office waits for the store"),
                }
                sleep(RETRY).await;
            };
            let client = client(&self.api, token.clone());
            let (number, name) = (account.phone_number.clone(), account.name.clone());
            known.insert(id, Reach { client, number, name, app: app.clone() });
        }
        known
    }

    fn call(
        &self,
        Reach { client, number, name, app }: Reach,
        account: AccountId,
        wish: Wish,
    ) -> impl Future<Output = Result<Came, String>> + Send + 'static {
        let (writer, clock) = (self.writer.clone(), Arc::clone(&self.clock));
        let (bus, callbacks) = (self.bus.clone(), Arc::clone(&self.callbacks));
        async move {
            match wish {
                Wish::Standing => {
                    let found = client?.phone_number(&number).await;
                    let standing = found.map_err(|error| error.to_string())?.standing();
                    let now = clock.now();
                    let kept = writer.run(Priority::Interactive, move |tx| {
                        fact::asked(tx, account, &standing, now)
                    });
                    kept.await.map_err(|error| error.to_string())?;
                    Ok(Came::Done("This is how the account is now.".to_owned()))
                }
                Wish::Profile => profile(&client?, &number).await,
                Wish::Change(change) => {
                    let client = client?;
                    let changed = client.set_profile(&number, &change).await;
                    changed.map_err(|error| error.to_string())?;
                    Ok(as_changed(&client, &number).await)
                }
                Wish::Picture(picture) => {
                    let client = client?;
                    let app = app.ok_or(NO_APP)?;
                    let (name, mime) = (picture.name(), picture.mime);
                    let uploaded = client.upload_example(&app, &name, mime, picture.bytes).await;
                    let handle =
                        uploaded.map_err(|error| format!("it was not uploaded: {error}"))?;
                    let change = ProfileChange { texts: Vec::new(), picture: Some(handle) };
                    let changed = client.set_profile(&number, &change).await;
                    changed.map_err(|error| error.to_string())?;
                    Ok(as_changed(&client, &number).await)
                }
                Wish::Post(say) => {
                    let callback = callbacks.iter().find(|callback| callback.name() == name);
                    let callback = callback.ok_or("the account has no token to ask Meta with")?;
                    post(callback, &bus, say).await
                }
            }
        }
    }
}

/// Why no picture can be uploaded.
const NO_APP: &str = "pictures are uploaded to the app: set its app_id in the config";

/// Does what a person said about where Meta posts.
async fn post(callback: &Callback<Writer>, bus: &Bus, say: Say) -> Result<Came, String> {
    match say {
        Say::Here => {}
        Say::Stay => {
            callback.leave().await.map_err(|why| why.to_string())?;
            bus.update_health(|health| health.tunnel.registration = Registration::Unknown);
            return Ok(Came::Done("It stays as it is, and is not asked again.".to_owned()));
        }
        Say::Back => {
            let all = callback.put_back().await.map_err(|why| why.to_string())?;
            bus.update_health(|health| health.tunnel.registration = Registration::Unknown);
            return put_back(all);
        }
    }
    let url = bus.health().tunnel.url;
    let url = url.ok_or("no tunnel runs here, so there is no address to tell")?;
    let stands = callback.register(Consent::At(Level::Number), &url).await;
    let stands = stands.map_err(|why| why.to_string())?;
    bus.update_health(|health| health.tunnel.registration = stands);
    let url = display_safe(&url);
    Ok(Came::Done(format!("Meta posts to {url} from now on, and to what comes after it.")))
}

/// What putting back came to, in words.
fn put_back(all: Vec<Restored>) -> Result<Came, String> {
    let mut words = Vec::new();
    for Restored { level, old, done } in all {
        let level = level.name();
        if let Err(why) = done {
            let why = display_safe(&why.to_string()).into_owned();
            return Err(format!("what stood there for the {level} is not put back: {why}"));
        }
        let old = old.as_deref().unwrap_or("what the next level says");
        words.push(format!("For the {level} Meta posts to {} again.", display_safe(old)));
    }
    if words.is_empty() {
        return Err("nothing of ours stands there".to_owned());
    }
    Ok(Came::Done(words.join(" ")))
}

/// The profile after a change. That it cannot be read says nothing about the change.
async fn as_changed(client: &Client, number: &PhoneNumberId) -> Came {
    profile(client, number).await.unwrap_or_else(|reason| {
        Came::Done(format!("It is changed; how it stands now cannot be read: {reason}"))
    })
}

async fn profile(client: &Client, number: &PhoneNumberId) -> Result<Came, String> {
    let found = client.profile(number).await.map_err(|error| error.to_string())?;
    Ok(Came::Profile(Box::new(found)))
}
