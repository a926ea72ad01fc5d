//! Tells Meta where to post: looks up what it was told, changes it where the person allowed that, and keeps
//! what stood there before.

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::api::Client;
use crate::api::callback::{Callbacks, URL_MAX, app_token};
use crate::domain::id::{AccountId, PhoneNumberId, WabaId};
use crate::domain::text::display_safe;
use crate::domain::time::Clock;
use crate::domain::tunnel::{Level, Registration};
use crate::service::ApiConfig;
use crate::service::reader::Reader;
use crate::service::writer::{Priority, Writer};
use crate::store::account::{NewAccount, upsert_account};
use crate::store::callback::{self, Change, Deed};

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

impl Registrant {
    fn number(&self) -> &PhoneNumberId {
        &self.account.phone_number
    }

    fn client(&self, token: SecretString) -> Result<Client, String> {
        self.api.client(token).map_err(|error| error.to_string())
    }

    /// Where Meta posts now.
    ///
    /// # Errors
    /// Meta's words, or why it cannot be asked.
    pub async fn current(&self) -> Result<Callbacks, String> {
        let client = self.client(self.token.clone())?;
        client.callbacks(self.number()).await.map_err(|error| error.to_string())
    }

    /// Lets Meta post to `url`; without one, what this level had is taken away.
    ///
    /// # Errors
    /// What is missing, or Meta's words.
    pub async fn set(&self, level: Level, url: Option<&str>) -> Result<(), String> {
        let Some(verify_token) = &self.verify_token else {
            return Err("no verify_token is set, and Meta proves an address with it".to_owned());
        };
        if let Some(url) = url {
            acceptable(url, self.is_local())?;
        }
        let no_waba = || "waba_id is not set in the config".to_owned();
        let waba: Result<&WabaId, String> = self.account.waba.as_ref().ok_or_else(no_waba);
        let done = match level {
            Level::Number => {
                let client = self.client(self.token.clone())?;
                client.set_number_callback(self.number(), url, verify_token).await
            }
            Level::Waba => {
                let waba = waba?;
                let client = self.client(self.token.clone())?;
                client.set_waba_callback(waba, url, verify_token).await
            }
            Level::App => {
                let (Some(app), Some(secret)) = (&self.app, &self.app_secret) else {
                    return Err(
                        "app_id and app_secret are needed to set the app's address".to_owned()
                    );
                };
                let Some(url) = url else {
                    return Err("an app cannot be left without an address; set another".to_owned());
                };
                let client = self.client(app_token(app, secret))?;
                client.set_app_callback(app, url, verify_token).await
            }
        };
        done.map_err(|error| error.to_string())
    }

    /// Whether Meta is played by something on this machine.
    fn is_local(&self) -> bool {
        self.api.base_url.starts_with("http://")
    }
}

/// What Meta takes: https, and not too long. A simulator takes what is on this machine.
fn acceptable(url: &str, local: bool) -> Result<(), String> {
    let parsed: Url = url.parse().map_err(|error| format!("{url:?} is no address: {error}"))?;
    if parsed.scheme() != "https" && !local {
        return Err(format!("{url} is not https, which Meta asks for"));
    }
    if url.chars().count() > URL_MAX {
        return Err(format!("{url} is longer than the {URL_MAX} characters that Meta takes"));
    }
    Ok(())
}

/// What was set before, in one level of the three.
#[must_use]
pub fn at(callbacks: &Callbacks, level: Level) -> Option<&str> {
    let set = match level {
        Level::Number => &callbacks.number,
        Level::Waba => &callbacks.waba,
        Level::App => &callbacks.app,
    };
    set.as_deref()
}

/// Whether the running tunnel may tell Meta of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// As the person said before; nobody said anything yet means no.
    Remembered,
    /// There, whatever was said.
    At(Level),
}

/// The store and the clock that a registration needs.
#[derive(Clone)]
pub(in crate::service) struct Books {
    pub(in crate::service) reader: Reader,
    pub(in crate::service) writer: Writer,
    pub(in crate::service) clock: Arc<dyn Clock>,
}

impl Books {
    async fn account(&self, new: &NewAccount) -> Result<AccountId, String> {
        let (new, now) = (new.clone(), self.clock.now());
        let stored =
            self.writer.run(Priority::Interactive, move |tx| upsert_account(tx, &new, now)).await;
        stored.map_err(|error| error.to_string())
    }

    async fn changes(&self, account: AccountId) -> Result<Vec<Change>, String> {
        let asked = self
            .reader
            .ask(format!("callback {account}"), move |read| callback::changes(read, account));
        asked.await.map_err(|error| error.to_string())
    }

    async fn note(&self, account: AccountId, change: Change) -> Result<(), String> {
        let noted = self
            .writer
            .run(Priority::Interactive, move |tx| callback::note_change(tx, account, &change))
            .await;
        noted.map_err(|error| error.to_string())
    }

    /// Keeps the address for other processes, or forgets it.
    pub(super) async fn address(&self, address: Option<callback::Address>) {
        let kept = self
            .writer
            .run(Priority::Interactive, move |tx| callback::set_address(tx, address.as_ref()))
            .await;
        if let Err(error) = kept {
            tracing::debug!(%error, "the tunnel's address is not kept");
        }
    }

    /// Brings Meta to post to `url` as far as that is allowed; says how it stands.
    pub(super) async fn register(
        &self,
        registrant: &Registrant,
        consent: Consent,
        url: &str,
    ) -> Registration {
        self.try_register(registrant, consent, url).await.unwrap_or_else(|why| {
            let name = &registrant.account.name;
            tracing::warn!(account = name, why, "Meta is not told of the address");
            Registration::Trouble(format!("{name}: {}", display_safe(&why)))
        })
    }

    async fn try_register(
        &self,
        registrant: &Registrant,
        consent: Consent,
        url: &str,
    ) -> Result<Registration, String> {
        let callbacks = registrant.current().await?;
        if callbacks.effective() == Some(url) {
            return Ok(Registration::Registered);
        }
        let account = self.account(&registrant.account).await?;
        let changes = self.changes(account).await?;
        let level = match (consent, changes.first()) {
            (Consent::At(level), _) => level,
            (Consent::Remembered, Some(Change { deed: Deed::Set, level, .. })) => *level,
            (Consent::Remembered, Some(Change { deed: Deed::Declined | Deed::PutBack, .. })) => {
                return Ok(Registration::Unknown);
            }
            (Consent::Remembered, None) => {
                let old = callbacks.effective().map(str::to_owned);
                return Ok(Registration::Asks { old });
            }
        };
        let old = at(&callbacks, level).map(str::to_owned);
        registrant.set(level, Some(url)).await?;
        tracing::info!(level = level.name(), "Meta posts to the tunnel's address");
        let new = Some(url.to_owned());
        let at = self.clock.now();
        self.note(account, Change { deed: Deed::Set, level, old, new, at }).await?;
        Ok(Registration::Registered)
    }
}
