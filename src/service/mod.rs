//! The background of the program: the store's threads, the sender, the listener, and the bus between them.
//!
//! [`Services`] starts everything and owns every thread: `writer`, `reader` and, after the first frame,
//! `net`. It starts without a network, a token, a free port, or even a store, and says in the health what
//! is wrong. The screen and the commands see handles only. The store is the truth; what is told on the bus is
//! a hint to read it again.

pub mod bell;
pub mod bus;
pub mod callback;
pub mod campaign;
pub mod catalogue;
mod counts;
pub mod forward;
pub mod hooks;
pub mod listener;
mod net;
pub mod office;
pub mod outgoing;
pub mod picture;
mod pulse;
pub mod random;
pub mod reader;
pub mod role;
pub mod sender;
pub mod stop;
pub mod thread;
mod tick;
pub mod tunnel;
pub mod workshop;
pub mod writer;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use self::bell::Others;
use self::bus::Bus;
use self::callback::{Callback, Registrant};
use self::catalogue::{Orders, Templates};
use self::counts::Counts;
use self::forward::Forwarding;
use self::listener::ListenerConfig;
use self::net::Net;
use self::office::Office;
use self::pulse::Pulse;
use self::reader::{Reader, ReaderThread};
use self::role::{Role, Seat};
use self::sender::core::Policy;
use self::thread::OnPanic;
use self::tick::Tick;
use self::tunnel::{Switch, Switched, TunnelConfig};
use self::writer::{Priority, Writer, WriterThread};
use crate::api::{Client, Settings, SetupError};
use crate::domain::health::Health;
use crate::domain::id::{ConversationId, PhoneNumberId, WabaId};
use crate::domain::time::Clock;
use crate::store::Rules;
use crate::store::account::{NewAccount, upsert_account};
use crate::store::event;
use crate::store::prune::Keep;

/// One business number, with its secrets resolved. They are not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The name in the config.
    pub name: String,
    /// Meta's id of the number.
    pub phone_number_id: PhoneNumberId,
    /// The WABA it belongs to.
    pub waba_id: Option<WabaId>,
    /// The app that examples of templates are uploaded to.
    pub app_id: Option<String>,
    /// The number as Meta displays it.
    pub display_number: Option<String>,
    /// The access token; without it the account only receives.
    pub token: Option<SecretString>,
    /// Each signs webhooks of the account's app; several while one replaces another. All accounts' are
    /// good for every webhook.
    pub app_secrets: Vec<SecretString>,
    /// Each proves the set-up of the webhook.
    pub verify_tokens: Vec<SecretString>,
}

/// Why secrets of an account cannot be had although the config names their places: from where, what went
/// wrong and what helps, in plain words without the secret.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// Why there is no access token.
    pub token: Option<String>,
    /// Why there is no app secret.
    pub app_secret: Option<String>,
    /// Why there is no verify token.
    pub verify_token: Option<String>,
}

/// How Meta's API is reached.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where it is; a path in it is taken as it is.
    pub base_url: String,
    /// For name look-up, connect and TLS together.
    pub connect_timeout: Duration,
    /// For a whole request.
    pub timeout: Duration,
}

impl ApiConfig {
    /// A client with this token; nothing is sent.
    ///
    /// # Errors
    /// When the address or the token is no use, or TLS cannot be set up.
    pub fn client(&self, token: SecretString) -> Result<Client, SetupError> {
        Client::new(Settings {
            base_url: self.base_url.clone(),
            token,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        })
    }
}

/// Everything the services have to know.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where files and locks are; it exists.
    pub data_dir: PathBuf,
    /// The database, which need not exist yet.
    pub database: PathBuf,
    /// All accounts.
    pub accounts: Vec<AccountConfig>,
    /// The way to Meta.
    pub api: ApiConfig,
    /// Webhooks.
    pub listener: ListenerConfig,
    /// How long the bodies of webhooks are kept.
    pub keep: Keep,
    /// Limits and retries.
    pub sender: Policy,
    /// What the person decided about all that is sent and received.
    pub rules: Rules,
}

impl ServiceConfig {
    fn new_accounts(&self) -> Vec<NewAccount> {
        let stored = self.accounts.iter().map(|account| NewAccount {
            name: account.name.clone(),
            phone_number: account.phone_number_id.clone(),
            waba: account.waba_id.clone(),
            display_number: account.display_number.clone(),
        });
        stored.collect()
    }
}

/// Accounts of one app have the same secrets; each is to be tried once.
fn distinct<'a>(secrets: impl Iterator<Item = &'a SecretString>) -> Vec<SecretString> {
    let mut seen = BTreeSet::new();
    secrets.filter(|secret| seen.insert(secret.expose_secret())).cloned().collect()
}

/// A client, or what is missing in plain words.
fn client(api: &ApiConfig, token: Result<SecretString, Option<String>>) -> Result<Client, String> {
    let unset = || "no access token; set `token` of the account in the config".to_owned();
    let token = token.map_err(|why| why.unwrap_or_else(unset))?;
    if token.expose_secret().is_empty() {
        return Err(unset());
    }
    api.client(token).map_err(|error| error.to_string())
}

/// The app secrets, each once, with the account they are of; a second one of an account is told apart.
fn named(accounts: &[AccountConfig]) -> Vec<(String, SecretString)> {
    let mut seen = BTreeSet::new();
    let mut named = Vec::new();
    for account in accounts {
        for (index, secret) in account.app_secrets.iter().enumerate() {
            if seen.insert(secret.expose_secret()) {
                let name = match index {
                    0 => account.name.clone(),
                    later => format!("{}, secret {}", account.name, later + 1),
                };
                named.push((name, secret.clone()));
            }
        }
    }
    named
}

/// Tells the sender that the person acted.
#[derive(Clone, Debug)]
pub struct Nudge(watch::Sender<u64>);

impl Nudge {
    /// Accounts in trouble and those that cannot reach Meta are tried at once.
    pub fn try_now(&self) {
        self.0.send_modify(|count| *count += 1);
    }
}

/// The running services. Dropping them stops: first the network, then the reader, then the writer once all
/// that waits is written.
pub struct Services {
    bus: Bus,
    clock: Arc<dyn Clock>,
    config: ServiceConfig,
    missing: Vec<Missing>,
    tunnel: (Switch, Option<Switched>),
    office: (Office, Option<office::Orders>),
    apps: Vec<Option<String>>,
    forwarding: Option<(Forwarding, forward::Told)>,
    on_panic: OnPanic,
    seats: [Arc<Seat>; 2],
    nudges: watch::Sender<u64>,
    templates: (Templates, Option<Orders>),
    pulse: Arc<Pulse>,
    others: Others,
    // Dropped in this order.
    counts: Counts,
    net: Option<Net>,
    reader: ReaderThread,
    writer: WriterThread,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Services {
    /// Starts the store's threads; nothing is sent or received before [`Services::start_net`].
    ///
    /// # Errors
    /// When the system gives no more threads. Whatever else is wrong is said in the health.
    pub fn start(
        config: ServiceConfig,
        clock: Arc<dyn Clock>,
        on_panic: OnPanic,
    ) -> io::Result<Self> {
        let (bus, writer) = (Bus::new(), Writer::default());
        let seats = [Role::Sender, Role::Listener]
            .map(|role| Arc::new(Seat::new(role, &config.data_dir, bus.clone())));
        let pulse = Arc::new(Pulse::default());
        let others = Others::new(writer.clone(), bus.clone());
        let mut tick = Tick::new(tick::Parts {
            writer: writer.clone(),
            bus: bus.clone(),
            others: others.clone(),
            clock: Arc::clone(&clock),
            accounts: config.new_accounts(),
            seats: seats.clone(),
            keep: config.keep,
            pulse: Arc::clone(&pulse),
        });
        // First of all: the screen waits for what it reads.
        let reader = ReaderThread::start(
            config.database.clone(),
            Arc::clone(&clock),
            Box::new(move |changed| tick.run(changed)),
            Arc::clone(&on_panic),
        )?;
        let writer = WriterThread::start_for(
            writer,
            config.database.clone(),
            config.rules.clone(),
            bus.clone(),
            Arc::clone(&clock),
            Arc::clone(&on_panic),
        )?;
        let counts = Counts::start(&bus, &reader.handle(), &clock);
        let (nudges, _) = watch::channel(0);
        let (templates, orders) = Templates::new();
        let (switch, switched) = Switch::new();
        let (office, wishes) = Office::new();
        Ok(Self {
            bus,
            clock,
            config,
            missing: Vec::new(),
            tunnel: (switch, Some(switched)),
            office: (office, Some(wishes)),
            apps: Vec::new(),
            forwarding: None,
            on_panic,
            seats,
            nudges,
            templates: (templates, Some(orders)),
            pulse,
            others,
            counts,
            net: None,
            reader,
            writer,
        })
    }

    /// Fills in secrets that were not at hand when the store's threads started. They count for
    /// [`Services::start_net`] alone, so call it before. `fill` is given each account with its place.
    pub fn set_secrets(&mut self, mut fill: impl FnMut(usize, &mut AccountConfig)) {
        for (index, account) in self.config.accounts.iter_mut().enumerate() {
            fill(index, account);
        }
    }

    /// Says why secrets are missing, account by account in the order of the config. Counts for
    /// [`Services::start_net`], so call it before.
    pub fn set_missing(&mut self, missing: Vec<Missing>) {
        self.missing = missing;
    }

    /// Sends the messages of this conversation alone. Counts for [`Services::start_net`], so call it before.
    pub const fn send_only(&mut self, conversation: ConversationId) {
        self.config.sender.only = Some(conversation);
    }

    /// Has webhooks brought here by this tunnel, or by none.
    pub fn set_tunnel(&self, tunnel: Option<TunnelConfig>) {
        self.tunnel.0.set(tunnel);
    }

    /// Meta's ids of the accounts' apps, in the order of the accounts. Counts for [`Services::start_net`], so
    /// call it before.
    pub fn set_apps(&mut self, apps: Vec<Option<String>>) {
        self.apps = apps;
    }

    /// Passes webhooks on, and tells of each try. Counts for [`Services::start_net`], so call it before.
    pub fn forward(&mut self, forwarding: Forwarding, told: forward::Told) {
        self.forwarding = Some((forwarding, told));
    }

    /// Starts sending and listening, as far as no other process does. Best after the first frame.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start_net(&mut self) -> io::Result<()> {
        let Some(orders) = self.templates.1.take() else { return Ok(()) };
        let (switched, wishes) = (self.tunnel.1.take(), self.office.1.take());
        let Some(wishes) = wishes else { return Ok(()) };
        // Not at the start of the threads: that would come before what the first frame reads. The tick does
        // it again if it fails.
        let (accounts, now) = (self.config.new_accounts(), self.clock.now());
        drop(self.writer().run(Priority::Interactive, move |tx| {
            accounts.iter().try_for_each(|account| upsert_account(tx, account, now).map(drop))
        }));
        self.counts.count();
        let [sender_seat, listener_seat] = self.seats.clone();
        let secrets = |of: fn(&AccountConfig) -> &[SecretString]| {
            distinct(self.config.accounts.iter().flat_map(of))
        };
        let listens = self.config.listener.enabled;
        let unverified = self.missing.iter().find_map(|missing| missing.verify_token.clone());
        if let Some(reason) = unverified.filter(|_| listens) {
            self.bus().update_health(|health| health.challenge_trouble = Some(reason));
        }
        let sender = self.sender(sender_seat);
        let callbacks: Arc<[Callback<Writer>]> = self.callbacks().into();
        let tunnel = switched.filter(|_| listens).map(|switched| {
            let parts = tunnel::Parts {
                path: self.config.listener.path.clone(),
                app_secrets: secrets(|account| &account.app_secrets),
                verify_tokens: secrets(|account| &account.verify_tokens),
                callbacks: Arc::clone(&callbacks),
                reader: self.reader(),
                writer: self.writer(),
                bus: self.bus(),
                clock: Arc::clone(&self.clock),
            };
            (parts, switched)
        });
        let office = self.office(&sender, callbacks, wishes);
        let listener = listener::Parts {
            config: self.config.listener.clone(),
            app_secrets: named(&self.config.accounts),
            verify_tokens: secrets(|account| &account.verify_tokens),
            missing: self.missing.iter().find_map(|missing| missing.app_secret.clone()),
            seat: listener_seat,
            writer: self.writer(),
            bus: self.bus(),
            clock: Arc::clone(&self.clock),
        };
        let templates = self.catalogue(&sender, orders);
        let campaigns = self.campaigns();
        let (bus, on_panic) = (self.bus(), Arc::clone(&self.on_panic));
        let forward = self.forwarding.take().map(|forwarding| self.forwarder(forwarding));
        let forward = forward.transpose()?;
        let pulse = Arc::clone(&self.pulse);
        let hearing = (self.writer.bell(), self.others.clone());
        let work = net::Work {
            sender,
            listener,
            templates,
            campaigns,
            office,
            tunnel,
            forward,
            hearing,
            pulse,
        };
        self.net = Some(Net::start(work, bus, on_panic)?);
        Ok(())
    }

    fn sender(&self, seat: Arc<Seat>) -> sender::Parts {
        let why = |index| self.missing.get(index).cloned().unwrap_or_default();
        let accounts = self.config.new_accounts().into_iter().zip(&self.config.accounts);
        sender::Parts {
            accounts: accounts
                .enumerate()
                .map(|(index, (account, config))| sender::Sending {
                    account,
                    token: config.token.clone().ok_or_else(|| why(index).token),
                })
                .collect(),
            api: self.config.api.clone(),
            data_dir: self.config.data_dir.clone(),
            policy: self.config.sender,
            seat,
            on_panic: Arc::clone(&self.on_panic),
            shared: sender::Shared {
                writer: self.writer(),
                reader: self.reader(),
                bus: self.bus(),
                clock: Arc::clone(&self.clock),
            },
            try_now: self.nudges.subscribe(),
        }
    }

    fn campaigns(&self) -> campaign::Parts {
        campaign::Parts {
            automatic: self.config.sender.only.is_none(),
            writer: self.writer(),
            reader: self.reader(),
            bus: self.bus(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn catalogue(&self, sender: &sender::Parts, orders: Orders) -> catalogue::Parts {
        let both = sender.accounts.iter().zip(&self.config.accounts);
        let shop = |(one, config): (&sender::Sending, &AccountConfig)| catalogue::Shop {
            account: one.account.clone(),
            app: config.app_id.clone(),
            token: one.token.clone(),
        };
        catalogue::Parts {
            shops: both.map(shop).collect(),
            api: self.config.api.clone(),
            orders,
            automatic: self.config.sender.only.is_none(),
            writer: self.writer(),
            reader: self.reader(),
            bus: self.bus(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Meta's id of the app of an account.
    fn app_of(&self, number: &PhoneNumberId) -> Option<String> {
        let mut accounts = self.config.accounts.iter();
        accounts.find(|account| account.phone_number_id == *number)?.app_id.clone()
    }

    fn office(
        &self,
        sender: &sender::Parts,
        callbacks: Arc<[Callback<Writer>]>,
        orders: office::Orders,
    ) -> office::Parts {
        let desk = |one: &sender::Sending| office::Desk {
            account: one.account.clone(),
            token: one.token.clone(),
            app: self.app_of(&one.account.phone_number),
        };
        office::Parts {
            desks: sender.accounts.iter().map(desk).collect(),
            callbacks,
            api: self.config.api.clone(),
            orders,
            writer: self.writer(),
            bus: self.bus(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Those of the accounts that Meta can be asked about, each with its app.
    fn callbacks(&self) -> Vec<Callback<Writer>> {
        let accounts = self.config.new_accounts().into_iter().zip(&self.config.accounts);
        let callback = |(index, (account, config)): (usize, (NewAccount, &AccountConfig))| {
            let registrant = Registrant {
                account,
                app: self.apps.get(index).cloned().flatten(),
                token: config.token.clone()?,
                app_secret: config.app_secrets.first().cloned(),
                verify_token: config.verify_tokens.first().cloned(),
                api: self.config.api.clone(),
            };
            Some(Callback::new(registrant, self.writer(), Arc::clone(&self.clock)))
        };
        accounts.enumerate().filter_map(callback).collect()
    }

    fn forwarder(
        &self,
        (forwarding, told): (Forwarding, forward::Told),
    ) -> io::Result<forward::Parts> {
        // What is there already came in before anybody asked for it.
        let after = self.reader().ask_and_wait("forward from", event::newest);
        Ok(forward::Parts {
            forwarding,
            told,
            after: after.map_err(io::Error::other)?,
            reader: self.reader(),
            bus: self.bus(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// For those who write.
    #[must_use]
    pub fn writer(&self) -> Writer {
        self.writer.handle()
    }

    /// For those who read.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.handle()
    }

    /// For those who want to hear.
    #[must_use]
    pub fn bus(&self) -> Bus {
        self.bus.clone()
    }

    /// How everything is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.bus.health()
    }

    /// For those who want the templates fetched.
    #[must_use]
    pub fn templates(&self) -> Templates {
        self.templates.0.clone()
    }

    /// For those who want something of Meta about an account.
    #[must_use]
    pub fn office_handle(&self) -> Office {
        self.office.0.clone()
    }

    /// For those who start and stop the tunnel.
    #[must_use]
    pub fn switch(&self) -> Switch {
        self.tunnel.0.clone()
    }

    /// For those who hear that the person acted.
    #[must_use]
    pub fn nudge(&self) -> Nudge {
        Nudge(self.nudges.clone())
    }

    /// Stops everything in order and waits: at most some seconds for requests under way.
    pub fn stop(self) {
        drop(self);
    }
}
