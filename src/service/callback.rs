//! Where Meta posts: looked up, set for one of three levels, and put back. A change is in the store, with what
//! stood there before, when Meta hears of it: however the call ends, an address from before us is not lost.

use std::sync::{Arc, OnceLock};

use secrecy::SecretString;
use url::Url;

use super::ApiConfig;
use super::writer::{Priority, Writer};
use crate::api::callback::{Callbacks, URL_MAX, app_token};
use crate::api::{CallError, Client};
use crate::domain::error_code::{Class, lookup};
use crate::domain::id::AccountId;
use crate::domain::time::Clock;
use crate::domain::tunnel::{Level, Registration};
use crate::store::account::{NewAccount, upsert_account};
use crate::store::callback::{self, Change, Deed};
use crate::store::{self, Tx};

/// An account whose callback can be looked up and set.
#[derive(Clone, Debug)]
pub struct Registrant {
    /// The account as the store knows it.
    pub account: NewAccount,
    /// Meta's id of the app, for the level of the app.
    pub app: Option<String>,
    /// The access token.
    pub token: SecretString,
    /// The app's secret, likewise.
    pub app_secret: Option<SecretString>,
    /// What Meta proves the address with.
    pub verify_token: Option<SecretString>,
    /// The way to Meta.
    pub api: ApiConfig,
}

/// Whether the running tunnel may tell Meta of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// As the person said before; nobody said anything yet means no.
    Remembered,
    /// There, whatever was said.
    At(Level),
}

/// Why it did not come about, in Meta's words or ours; unsanitised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Surely not done, and the same again ends the same until a person changes something.
    #[error("{0}")]
    Lasting(String),
    /// Surely not done, or done without effect; it may pass.
    #[error("{0}")]
    Passing(String),
    /// Meta was told, and whether it did it is not known.
    #[error("whether Meta took it is not known: {0}")]
    Unknown(String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        let words = error.to_string();
        match error {
            CallError::NoAnswer(_) => Self::Unknown(words),
            CallError::NeverReached(_) => Self::Passing(words),
            CallError::Refused(why) => match lookup(why.code, why.http_status, why.subcode).class {
                Class::Account => Self::Lasting(words),
                Class::Ambiguous => Self::Unknown(words),
                _ => Self::Passing(words),
            },
        }
    }
}

/// Where changes are kept.
pub trait Book: Sync {
    /// Runs a job in a transaction of its own, which is durable when this returns.
    fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, String>> + Send;
}

impl Book for Writer {
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, String> {
        self.run(Priority::Interactive, job).await.map_err(|error| error.to_string())
    }
}

/// A level that is put back, and how that went.
#[derive(Debug)]
pub struct Restored {
    /// The level.
    pub level: Level,
    /// What stood there before us, if anything; unsanitised.
    pub old: Option<String>,
    /// Whether it stands there again.
    pub done: Result<(), Trouble>,
}

/// The callback of one account.
pub struct Callback<B> {
    registrant: Registrant,
    book: B,
    clock: Arc<dyn Clock>,
    /// Made once: each loads the system's certificates.
    client: OnceLock<Client>,
    app_client: OnceLock<Client>,
}

impl<B: Book> Callback<B> {
    /// That of this account; changes are kept in `book`.
    pub const fn new(registrant: Registrant, book: B, clock: Arc<dyn Clock>) -> Self {
        Self { registrant, book, clock, client: OnceLock::new(), app_client: OnceLock::new() }
    }

    /// What the person calls the account.
    pub fn name(&self) -> &str {
        &self.registrant.account.name
    }

    /// Where Meta posts now.
    ///
    /// # Errors
    /// Meta's words, or why it cannot be asked. Nothing is changed by asking.
    pub async fn current(&self) -> Result<Callbacks, Trouble> {
        let asked = self.client()?.callbacks(&self.registrant.account.phone_number).await;
        asked.map_err(|error| match Trouble::from(error) {
            Trouble::Unknown(words) => Trouble::Passing(words),
            certain => certain,
        })
    }

    /// Our changes so far, the newest first.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn changes(&self) -> Result<Vec<Change>, Trouble> {
        self.written(callback::changes_in).await
    }

    /// Lets Meta post to `url` by setting it for `level`, where `now` says what stands; returns what stands
    /// then. Messages may go elsewhere still: see [`in_front`].
    ///
    /// # Errors
    /// What is missing, or Meta's words.
    pub async fn set(
        &self,
        now: &Callbacks,
        level: Level,
        url: &str,
    ) -> Result<Callbacks, Trouble> {
        let change = self.change(Deed::Set, level, at(now, level), Some(url));
        let intent =
            self.written(move |tx, account| callback::intend(tx, account, &change)).await?;
        match self.tell(level, Some(url)).await {
            Ok(()) => {}
            Err(unknown @ Trouble::Unknown(_)) => return Err(unknown),
            Err(refused) => {
                // Nothing of ours stands there, so there is nothing to put back.
                if let Some(intent) = intent
                    && let Err(error) =
                        self.written(move |tx, _| callback::withdraw(tx, intent)).await
                {
                    tracing::warn!(%error, "a change that Meta refused stays noted");
                }
                return Err(refused);
            }
        }
        tracing::info!(level = level.name(), "Meta is told of the address");
        self.current().await
    }

    /// Puts back what stood there before us, for each level that we set. From then on the tunnel leaves it
    /// alone, also where this fails.
    ///
    /// # Errors
    /// When Meta or the store cannot be asked at all.
    pub async fn put_back(&self) -> Result<Vec<Restored>, Trouble> {
        let now = self.current().await?;
        let changes = self.changes().await?;
        let ours: Vec<Change> = callback::ours(&changes).into_iter().cloned().collect();
        if let Some(first) = ours.first() {
            // Noted first: a tunnel that runs would set its address again meanwhile.
            self.note(Deed::Declined, first.level, at(&now, first.level), None).await?;
        }
        let mut all = Vec::new();
        for Change { level, old, .. } in ours {
            let mut done = self.tell(level, old.as_deref()).await;
            if done.is_ok() {
                done = self.note(Deed::PutBack, level, at(&now, level), old.as_deref()).await;
            }
            all.push(Restored { level, old, done });
        }
        Ok(all)
    }

    /// Leaves it as it is, and has nobody asked any more.
    ///
    /// # Errors
    /// As for [`Callback::put_back`].
    pub async fn leave(&self) -> Result<(), Trouble> {
        let now = self.current().await?;
        self.note(Deed::Declined, Level::Number, now.effective(), now.effective()).await
    }

    /// Brings Meta to post to `url` as far as that is allowed; says how it stands.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) async fn register(
        &self,
        consent: Consent,
        url: &str,
    ) -> Result<Registration, Trouble> {
        let mut now = self.current().await?;
        let mut changes = self.changes().await?;
        if now.effective() == Some(url) {
            return Ok(Registration::Registered { before: before(&now, &changes) });
        }
        let level = match (consent, changes.first()) {
            (Consent::At(level), _) => level,
            (Consent::Remembered, Some(Change { deed: Deed::Set, level, .. })) => *level,
            (Consent::Remembered, Some(Change { deed: Deed::Declined | Deed::PutBack, .. })) => {
                return Ok(Registration::Unknown);
            }
            (Consent::Remembered, None) => {
                return Ok(Registration::Asks { old: now.effective().map(str::to_owned) });
            }
        };
        if at(&now, level) != Some(url) {
            now = self.set(&now, level, url).await?;
            changes = self.changes().await?;
        }
        match in_front(&now, level, url) {
            None => Ok(Registration::Registered { before: before(&now, &changes) }),
            Some(why) => Err(Trouble::Passing(why)),
        }
    }

    /// Tells Meta; without an address, what this level had is taken away.
    async fn tell(&self, level: Level, url: Option<&str>) -> Result<(), Trouble> {
        let Registrant { account, app, app_secret, verify_token, .. } = &self.registrant;
        let lacks = |what: &str| Trouble::Lasting(what.to_owned());
        let verify_token = verify_token
            .as_ref()
            .ok_or_else(|| lacks("no verify_token is set, and Meta proves an address with it"))?;
        if let Some(url) = url {
            self.acceptable(url)?;
        }
        match level {
            Level::Number => {
                let client = self.client()?;
                client.set_number_callback(&account.phone_number, url, verify_token).await?;
            }
            Level::Waba => {
                let waba = account.waba.as_ref();
                let waba = waba.ok_or_else(|| lacks("waba_id is not set in the config"))?;
                self.client()?.set_waba_callback(waba, url, verify_token).await?;
            }
            Level::App => {
                let (Some(app), Some(secret)) = (app, app_secret) else {
                    return Err(lacks("app_id and app_secret are needed to set the app's address"));
                };
                let url = url.ok_or_else(|| {
                    lacks("an app cannot be left without an address; set another")
                })?;
                let client = self.made(&self.app_client, || app_token(app, secret))?;
                client.set_app_callback(app, url, verify_token).await?;
            }
        }
        Ok(())
    }

    /// What Meta takes: https, and not too long. Whoever plays Meta on this machine takes what is on it.
    fn acceptable(&self, url: &str) -> Result<(), Trouble> {
        let wrong = |why: String| Err(Trouble::Lasting(why));
        let is_local = self.registrant.api.base_url.starts_with("http://");
        match url.parse::<Url>() {
            Err(error) => wrong(format!("{url:?} is no address: {error}")),
            Ok(parsed) if parsed.scheme() != "https" && !is_local => {
                wrong(format!("{url} is not https, which Meta asks for"))
            }
            Ok(_) if url.chars().count() > URL_MAX => {
                wrong(format!("{url} is longer than the {URL_MAX} characters that Meta takes"))
            }
            Ok(_) => Ok(()),
        }
    }

    fn client(&self) -> Result<Client, Trouble> {
        self.made(&self.client, || self.registrant.token.clone())
    }

    fn made(
        &self,
        kept: &OnceLock<Client>,
        token: impl FnOnce() -> SecretString,
    ) -> Result<Client, Trouble> {
        if let Some(client) = kept.get() {
            return Ok(client.clone());
        }
        let made = self.registrant.api.client(token());
        let made = made.map_err(|error| Trouble::Lasting(error.to_string()))?;
        Ok(kept.get_or_init(|| made).clone())
    }

    fn change(&self, deed: Deed, level: Level, old: Option<&str>, new: Option<&str>) -> Change {
        let (old, new) = (old.map(str::to_owned), new.map(str::to_owned));
        Change { deed, level, old, new, at: self.clock.now() }
    }

    async fn note(
        &self,
        deed: Deed,
        level: Level,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Result<(), Trouble> {
        let change = self.change(deed, level, old, new);
        self.written(move |tx, account| callback::note_change(tx, account, &change)).await
    }

    /// Runs a job about the account in the store.
    async fn written<T: Send + 'static>(
        &self,
        mut job: impl FnMut(&mut Tx<'_>, AccountId) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (account, now) = (self.registrant.account.clone(), self.clock.now());
        let write = move |tx: &mut Tx<'_>| {
            let account = upsert_account(tx, &account, now)?;
            job(tx, account)
        };
        self.book.write(write).await.map_err(Trouble::Passing)
    }
}

/// Where messages went before the first of our changes that still stands; none when none does. What a level
/// did not have is what the next one says.
fn before(now: &Callbacks, changes: &[Change]) -> Option<String> {
    let ours = callback::ours(changes);
    let was = |level: Level| match ours.iter().find(|change| change.level == level) {
        Some(change) => change.old.as_deref(),
        None => at(now, level),
    };
    ours.first()?;
    let found = Level::ALL.into_iter().find_map(|(_, level)| was(level));
    Some(found.unwrap_or("no address").to_owned())
}

/// What was set for one level of the three.
#[must_use]
pub fn at(callbacks: &Callbacks, level: Level) -> Option<&str> {
    let set = match level {
        Level::Number => &callbacks.number,
        Level::Waba => &callbacks.waba,
        Level::App => &callbacks.app,
    };
    set.as_deref()
}

/// Why messages go elsewhere although `url` was set for `level`, if they do.
#[must_use]
pub fn in_front(now: &Callbacks, level: Level, url: &str) -> Option<String> {
    if now.effective() == Some(url) {
        return None;
    }
    let first =
        Level::ALL.into_iter().find_map(|(name, first)| Some((name, first, at(now, first)?)));
    Some(match first {
        Some((name, first, address)) if first != level => format!(
            "messages still go to {address}, which is set for the {name} and goes before the {}'s",
            level.name()
        ),
        Some((name, _, address)) => format!("Meta says that {address} is set for the {name}"),
        None => "Meta says that no address is set".to_owned(),
    })
}
