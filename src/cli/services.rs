//! The services as the commands use them: made from the config, started in two steps, stopped in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use secrecy::SecretString;

use super::{Session, failed};
use crate::app::describe;
use crate::config::{Account, Config, SecretError, SecretSource};
use crate::domain::campaign::{Counts, Stage};
use crate::domain::id::{AccountId, CampaignId, ConversationId, PhoneNumberId, WabaId};
use crate::domain::outbox::RetryPolicy;
use crate::domain::time::{Clock, Timestamp};
use crate::error::Error;
use crate::service::bus::Bus;
use crate::service::catalogue::Templates;
use crate::service::forward::{Forwarding, Told};
use crate::service::listener::ListenerConfig;
use crate::service::listener::http::Limits;
use crate::service::office::Office;
use crate::service::reader::Reader;
use crate::service::sender::core::Policy;
use crate::service::thread::{OnPanic, Thread};
use crate::service::tunnel::Switch;
use crate::service::writer::{Priority, Writer};
use crate::service::{AccountConfig, ApiConfig, Missing, Nudge, ServiceConfig, Services};
use crate::store::account::{
    Account as StoredAccount, NewAccount, accounts, paused_since, upsert_account,
};
use crate::store::campaign::campaigns as list_campaigns;
use crate::store::prune::Keep;
use crate::store::{ReadConn, Rules, Tx, WriteConn, outbox};

/// What a panic on a thread of ours is turned into.
pub(super) fn on_panic(told: impl Fn(String) + Send + Sync + 'static) -> OnPanic {
    Arc::new(move |panicked| told(format!("the {} thread: {}", panicked.thread, panicked.message)))
}

/// The services behind a command. Stop them with [`Backstage::stop`]; dropping them does the same.
pub(super) struct Backstage {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) bus: Bus,
    pub(super) nudge: Nudge,
    pub(super) templates: Templates,
    pub(super) office: Office,
    pub(super) switch: Switch,
    // Dropped in this order: the thread hands the services back when it ends.
    starter: Option<(Thread, Receiver<Services>)>,
    services: Option<Services>,
    on_panic: OnPanic,
}

impl Backstage {
    /// Starts what reads and writes the store. Nothing is sent or received yet.
    pub(super) fn prepare(session: &Session, on_panic: OnPanic) -> Result<Self, Error> {
        let config = service_config(session);
        let services =
            Services::start(config, Arc::clone(&session.clock), Arc::clone(&on_panic))
                .map_err(|error| Error::failed("cannot start the services").because(&error))?;
        Ok(Self {
            reader: services.reader(),
            writer: services.writer(),
            bus: services.bus(),
            nudge: services.nudge(),
            templates: services.templates(),
            office: services.office_handle(),
            switch: services.switch(),
            starter: None,
            services: Some(services),
            on_panic,
        })
    }

    /// Asks for the accounts in the store, for [`Backstage::store_accounts`]: the answer comes while the
    /// screen is set up.
    pub(super) fn ask_accounts(&self) -> Receiver<Vec<StoredAccount>> {
        let (give, asked) = channel();
        self.reader.submit("accounts", move |read| {
            // Without an answer they are written anew, which says what is wrong.
            if let Ok(known) = read.and_then(accounts) {
                give.send(known).ok();
            }
        });
        asked
    }

    /// As the function of that name, over the threads that have the store open anyway.
    pub(super) fn store_accounts(
        &self,
        session: &Session,
        asked: &Receiver<Vec<StoredAccount>>,
    ) -> Result<BTreeMap<String, AccountId>, Error> {
        let wanted = wanted_accounts(session);
        if let Ok(known) = asked.recv()
            && let Some(ids) = ids_of(&wanted, &known)
        {
            return Ok(ids);
        }
        let now = session.clock.now();
        let stored =
            self.writer.run(Priority::Interactive, move |tx| upsert_all(tx, &wanted, now)).wait();
        stored.map_err(|error| cannot_open(session, &error))
    }

    /// Leaves everything but this conversation's messages to a later sender. Before [`Backstage::go_live`].
    pub(super) const fn send_only(&mut self, conversation: ConversationId) {
        if let Some(services) = &mut self.services {
            services.send_only(conversation);
        }
    }

    /// Brings webhooks here by the tunnel of the config, if it has one. Before [`Backstage::go_live`].
    pub(super) fn with_tunnel(&mut self, session: &Session) -> Result<(), Error> {
        let tunnel = super::tunnel::config(session)?;
        if let Some(services) = &mut self.services {
            services.set_apps(super::tunnel::apps(session));
            services.set_tunnel(tunnel);
        }
        Ok(())
    }

    /// Passes webhooks on, and tells of each try. Before [`Backstage::go_live`].
    pub(super) fn forward(&mut self, forwarding: Forwarding, told: Told) {
        if let Some(services) = &mut self.services {
            services.forward(forwarding, told);
        }
    }

    /// Starts the sender and the listener. A thread fetches the secrets first, since a command that prints
    /// one may take its time; what cannot be had is said in the health.
    pub(super) fn go_live(&mut self, session: &Session) -> Result<(), Error> {
        let Some(mut services) = self.services.take() else { return Ok(()) };
        let accounts = session.config.accounts.clone();
        let (env, clock) = (session.env.clone(), Arc::clone(&session.clock));
        let (give, back) = channel();
        let thread = Thread::start("starter", Arc::clone(&self.on_panic), move || {
            let secrets: Vec<_> =
                accounts.iter().map(|account| Fetched::fetch(account, &env, &*clock)).collect();
            services.set_secrets(|index, account| {
                if let Some(secrets) = secrets.get(index) {
                    secrets.give(account);
                }
            });
            services.set_missing(secrets.iter().map(|secrets| secrets.missing.clone()).collect());
            if let Err(error) = services.start_net() {
                tracing::error!(%error, "cannot start the network part");
            }
            // Without a receiver they are dropped, which stops them just as well.
            give.send(services).ok();
        })
        .map_err(|error| Error::failed("the system gives no more threads").because(&error))?;
        self.starter = Some((thread, back));
        Ok(())
    }

    /// Stops everything: requests under way get some seconds, everything that waits is written.
    pub(super) fn stop(mut self) {
        self.put_away();
    }

    fn put_away(&mut self) {
        if let Some((thread, back)) = self.starter.take() {
            thread.join();
            self.services = back.try_recv().ok();
        }
        if let Some(services) = self.services.take() {
            services.stop();
        }
    }
}

impl Drop for Backstage {
    fn drop(&mut self) {
        self.put_away();
    }
}

/// The secrets of an account, as far as they are to be had.
struct Fetched {
    token: Option<SecretString>,
    app_secrets: Vec<SecretString>,
    verify_tokens: Vec<SecretString>,
    missing: Missing,
}

impl Fetched {
    fn fetch(account: &Account, env: &BTreeMap<String, String>, clock: &dyn Clock) -> Self {
        // What can be had, and why the first of the others cannot.
        let fetch = |what: &str, sources: &[SecretSource]| {
            let (mut secrets, mut missing) = (Vec::new(), None);
            for source in sources {
                match source.resolve(env, clock) {
                    Ok(secret) => secrets.push(secret),
                    Err(error) => {
                        tracing::error!(account = account.name, what, %error, "secret");
                        missing.get_or_insert_with(|| cannot_be_had(what, &error));
                    }
                }
            }
            (secrets, missing)
        };
        let (token, no_token) = fetch("token", account.token.as_slice());
        let (app_secrets, no_app_secret) = fetch("app_secret", &account.app_secrets);
        let (verify_tokens, no_verify_token) = fetch("verify_token", &account.verify_tokens);
        let missing =
            Missing { token: no_token, app_secret: no_app_secret, verify_token: no_verify_token };
        Self { token: token.into_iter().next(), app_secrets, verify_tokens, missing }
    }

    fn give(&self, account: &mut AccountConfig) {
        account.token.clone_from(&self.token);
        account.app_secrets.clone_from(&self.app_secrets);
        account.verify_tokens.clone_from(&self.verify_tokens);
    }
}

/// Which secret, from where, what went wrong, and what to do.
fn cannot_be_had(what: &str, error: &SecretError) -> String {
    format!("the {what} cannot be had: {error}. Then start twoticks again")
}

/// Whether the secrets of an account can be had, for commands that are of no use without. Says the first
/// that cannot.
pub(super) fn check_secrets(session: &Session, account: &Account) -> Result<(), Error> {
    let token = account.token.iter().map(|source| ("token", source));
    let app_secrets = account.app_secrets.iter().map(|source| ("app_secret", source));
    for (what, source) in token.chain(app_secrets) {
        secret(session, account, what, source)?;
    }
    Ok(())
}

/// A secret of an account, which the config calls `what`.
pub(super) fn secret(
    session: &Session,
    account: &Account,
    what: &str,
    source: &SecretSource,
) -> Result<SecretString, Error> {
    source.resolve(&session.env, &*session.clock).map_err(|error| {
        Error::usage(format!("the {what} of account {:?} cannot be had", account.name))
            .because(&error)
    })
}

fn service_config(session: &Session) -> ServiceConfig {
    let config = &session.config;
    ServiceConfig {
        data_dir: session.paths.data.clone(),
        database: session.paths.database(),
        accounts: config.accounts.iter().map(without_secrets).collect(),
        api: api_config(config),
        listener: ListenerConfig {
            enabled: config.listener.enabled,
            address: SocketAddr::from((config.listener.address, config.listener.port)),
            path: config.listener.path.clone(),
            limits: Limits::for_this_process(),
        },
        keep: Keep {
            age: session
                .config
                .events
                .keep_days
                .map(|days| Duration::from_secs(u64::from(days) * 86_400)),
            bytes: session.config.events.keep_mb.map(|mb| u64::from(mb) << 20),
        },
        sender: Policy {
            in_flight: config.sender.in_flight,
            resend_after: config.sender.resend_after,
            outside: config.sender.outside_window,
            retry: RetryPolicy {
                base: config.sender.base_delay,
                cap: config.sender.max_delay,
                attempts: config.sender.attempts,
            },
            ..Policy::new(config.sender.rate)
        },
        rules: rules(session),
    }
}

/// What the config says about all that is written to the store.
pub(super) fn rules(session: &Session) -> Rules {
    let config = &session.config;
    Rules { outside: config.sender.outside_window, keywords: config.marketing.clone() }
}

/// The way to Meta.
pub(super) fn api_config(config: &Config) -> ApiConfig {
    let base_url = config.base_url.as_str().trim_end_matches('/');
    ApiConfig {
        base_url: format!("{base_url}/{}", config.api_version),
        connect_timeout: config.sender.connect_timeout,
        timeout: config.sender.timeout,
    }
}

fn without_secrets(account: &Account) -> AccountConfig {
    AccountConfig {
        name: account.name.clone(),
        phone_number_id: PhoneNumberId::new(&account.phone_number_id),
        waba_id: account.waba_id.as_ref().map(WabaId::new),
        app_id: account.app_id.clone(),
        display_number: account.number.clone(),
        token: None,
        app_secrets: Vec::new(),
        verify_tokens: Vec::new(),
    }
}

/// The accounts of the config in the store, by Meta's id of the number. Writes only what is not there yet, so
/// that the usual start waits for no disk.
pub(super) fn store_accounts(session: &Session) -> Result<BTreeMap<String, AccountId>, Error> {
    let path = session.paths.database();
    let cannot = |error: crate::store::Error| cannot_open(session, &error);
    let wanted = wanted_accounts(session);
    let known = ReadConn::open(&path).and_then(|read| accounts(&read));
    if let Ok(known) = known
        && let Some(ids) = ids_of(&wanted, &known)
    {
        return Ok(ids);
    }
    let now = session.clock.now();
    let mut store = WriteConn::open(&path, now).map_err(cannot)?;
    let (ids, _) = store.write(|tx| upsert_all(tx, &wanted, now)).map_err(cannot)?;
    store.close().map_err(cannot)?;
    Ok(ids)
}

fn cannot_open(session: &Session, error: &(impl std::error::Error + 'static)) -> Error {
    let path = session.paths.database();
    Error::failed(format!("cannot open the database {}", path.display())).because(error)
}

fn wanted_accounts(session: &Session) -> Vec<NewAccount> {
    session.config.accounts.iter().map(new_account).collect()
}

/// The ids of all stored accounts, if those wanted are among them as they are wanted.
fn ids_of(wanted: &[NewAccount], known: &[StoredAccount]) -> Option<BTreeMap<String, AccountId>> {
    let is_known = |new: &NewAccount| {
        known.iter().any(|old| {
            (&old.phone_number, &old.name) == (&new.phone_number, &new.name)
                && (new.waba.is_none() || old.waba == new.waba)
                && (new.display_number.is_none() || old.display_number == new.display_number)
        })
    };
    let ids = known.iter().map(|known| (known.phone_number.to_string(), known.id));
    wanted.iter().all(is_known).then(|| ids.collect())
}

fn upsert_all(
    tx: &mut Tx<'_>,
    wanted: &[NewAccount],
    now: Timestamp,
) -> Result<BTreeMap<String, AccountId>, crate::store::Error> {
    wanted
        .iter()
        .map(|new| Ok((new.phone_number.to_string(), upsert_account(tx, new, now)?)))
        .collect()
}

pub(super) fn new_account(account: &Account) -> NewAccount {
    NewAccount {
        name: account.name.clone(),
        phone_number: PhoneNumberId::new(&account.phone_number_id),
        waba: account.waba_id.as_ref().map(WabaId::new),
        display_number: account.number.clone(),
    }
}

/// What is still to be sent, in words; nothing when all is sent. Of a campaign few messages are written at a time:
/// what counts is the rest of its rows. `again` is what sends it later, if its data is kept.
pub(super) fn still_waiting(
    session: &Session,
    account: AccountId,
    again: Option<&str>,
) -> Result<Option<String>, Error> {
    let read = session.read()?;
    let counts = outbox::queue_counts(&read, account).map_err(failed)?;
    let mut single = counts.queued + counts.sending;
    let mut campaigns = Vec::new();
    for campaign in list_campaigns(&read, account, LEFT_MAX).map_err(failed)? {
        let left = campaign.good.saturating_sub(campaign.settled());
        if campaign.stage == Stage::Running && left > 0 {
            let Counts { waiting, held, sending, .. } = campaign.counts;
            single = single.saturating_sub(waiting.saturating_sub(held) + sending);
            campaigns.push((campaign.id, left));
        }
    }
    let rest = match again {
        None => Rest::Gone,
        Some(_) if paused_since(&read, account).map_err(failed)?.is_some() => Rest::Paused,
        Some(again) => Rest::Sent(again),
    };
    Ok(left_words(single, &campaigns, rest))
}

/// What becomes of what is still to be sent.
#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    /// This sends it.
    Sent(&'a str),
    /// It waits until the person lets sending go on.
    Paused,
    /// It is thrown away.
    Gone,
}

/// Campaigns that are looked at for what is left of them: nobody runs more at a time.
const LEFT_MAX: u32 = 100;

fn left_words(single: u32, campaigns: &[(CampaignId, u32)], rest: Rest<'_>) -> Option<String> {
    let count = |number: u32| describe::count(usize::try_from(number).unwrap_or(usize::MAX));
    let messages = match single {
        0 => None,
        1 => Some("1 message".to_owned()),
        more => Some(format!("{} messages", count(more))),
    };
    let of = |(id, left): &(CampaignId, u32)| {
        let more = if messages.is_some() { "" } else { " messages" };
        format!("{}{more} of campaign {id}", count(*left))
    };
    let parts: Vec<String> = messages.clone().into_iter().chain(campaigns.iter().map(of)).collect();
    let all = campaigns.iter().fold(single, |all, (_, left)| all.saturating_add(*left));
    let (are, they) = if all == 1 { ("is", "it") } else { ("are", "they") };
    let said = format!("{} {are} still queued", parts.join(" and "));
    (all > 0).then(|| match rest {
        Rest::Sent(again) => format!("{said}; {they} will be sent when {again} runs again"),
        Rest::Paused => format!("{said}; sending is paused until you let it go on"),
        Rest::Gone => format!("{said}; the demo throws away what it has, and {they} with it"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Rest, left_words};
    use crate::domain::id::CampaignId;

    /// Of ten thousand rows the two hundred that were written ahead were told, and none while the limit held them.
    #[test]
    fn leaving_hid_what_a_campaign_still_has_to_send() {
        let said = |single, campaigns: &[(CampaignId, u32)]| {
            left_words(single, campaigns, Rest::Sent("twoticks"))
        };
        assert_eq!(said(0, &[]), None);
        let words = "1 message is still queued; it will be sent when twoticks runs again";
        assert_eq!(said(1, &[]).as_deref(), Some(words));
        let three = [(CampaignId(3), 9_800)];
        let words = "9,800 messages of campaign 3 are still queued; they will be sent when twoticks runs again";
        assert_eq!(said(0, &three).as_deref(), Some(words));
        let both = [(CampaignId(3), 9_800), (CampaignId(4), 1)];
        let words = "2 messages and 9,800 of campaign 3 and 1 of campaign 4 are still queued; they will be sent \
                     when twoticks runs again";
        assert_eq!(said(2, &both).as_deref(), Some(words));
    }

    #[test]
    fn a_demo_promises_nothing_that_it_throws_away() {
        let words = "1 message is still queued; the demo throws away what it has, and it with it";
        assert_eq!(left_words(1, &[], Rest::Gone).as_deref(), Some(words));
        let words = "2 messages are still queued; sending is paused until you let it go on";
        assert_eq!(left_words(2, &[], Rest::Paused).as_deref(), Some(words));
    }
}
