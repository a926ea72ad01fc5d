//! Keeps the tunnel: starts its tool once the listener hears, reads the public address from what it prints,
//! proves that a signed event comes through and back, and starts it anew when it ends or goes silent.
//!
//! The tool runs under a guard, a small child of our own binary ([`guard`]) that holds the other end of a
//! pipe and ends the tool when that is closed: however this process ends, nothing is left behind. The
//! listener stays on loopback; only the tool is seen from outside. Whoever has the listener has the tunnel.

pub mod guard;
mod output;
mod told;
mod tool;
mod trip;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use url::Url;

use self::output::Lines;
use self::told::Told;
pub use self::tool::is_installed;
pub use self::trip::round_trip;
use super::bus::{Bus, Interest};
use super::callback::{Callback, Consent, Trouble};
use super::reader::Reader;
use super::stop::{Stop, Stopped};
use super::writer::{Priority, Writer};
use crate::api::callback::{Astray, Prover};
use crate::domain::health::Condition;
use crate::domain::text::display_safe;
use crate::domain::time::{Clock, Monotonic};
use crate::domain::tunnel::{self, Kind, Registration, TunnelHealth};
use crate::store::callback::{self, Address};

/// Lines of the tool that are kept to say why it ended.
const KEPT_LINES: usize = 20;

/// What runs, and how.
#[derive(Clone, Debug)]
pub struct TunnelConfig {
    /// Which tool; [`Kind::None`] with an address proves a proxy of the person's own.
    pub kind: Kind,
    /// The address that is known beforehand, without the path.
    pub public_url: Option<Url>,
    /// For ssh: the host, with a user if need be.
    pub destination: Option<String>,
    /// For ssh: the port there, or `address:port`.
    pub remote: String,
    /// For [`Kind::Command`]: what the shell runs, with `{port}` for the listener's port.
    pub command: Option<String>,
    /// Further arguments of the tool.
    pub args: Vec<String>,
    /// Our own binary, which guards the tool.
    pub guard: PathBuf,
    /// Variables of the environment that the tool does not get.
    pub withheld: Vec<OsString>,
    /// When to ask again whether events come through.
    pub proving: Proving,
    /// Whether Meta is told of the address; none means that it is not even asked.
    pub register: Option<Consent>,
}

/// When to ask whether events come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proving {
    /// How long a tool may take until it prints its address.
    pub address: Duration,
    /// How long one request to ourselves may take.
    pub answer: Duration,
    /// Between two questions while all is well.
    pub every: Duration,
    /// Between two tries while it is not.
    pub again: Duration,
    /// How long a new address may take to be reachable; Cloudflare's need some seconds.
    pub patience: Duration,
    /// How long one that worked may be silent before its tool is started anew.
    pub silence: Duration,
}

impl Default for Proving {
    fn default() -> Self {
        Self {
            address: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            every: Duration::from_secs(30),
            again: Duration::from_secs(2),
            patience: Duration::from_secs(60),
            silence: Duration::from_secs(20),
        }
    }
}

/// Says which tunnel is to run, now or later; none stops it.
#[derive(Clone, Debug)]
pub struct Switch(watch::Sender<Option<TunnelConfig>>);

/// What hears it.
pub(super) struct Switched(watch::Receiver<Option<TunnelConfig>>);

impl Switch {
    pub(super) fn new() -> (Self, Switched) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), Switched(receiver))
    }

    /// Ends what runs and starts this.
    pub fn set(&self, config: Option<TunnelConfig>) {
        self.0.send_replace(config);
    }
}

impl Switched {
    /// Ends when another tunnel is wanted.
    async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody can want another one any more.
            std::future::pending::<()>().await;
        }
    }
}

/// What the tunnel needs besides its config.
#[derive(Clone)]
pub(super) struct Parts {
    /// The path of webhooks.
    pub(super) path: String,
    pub(super) app_secrets: Vec<SecretString>,
    pub(super) verify_tokens: Vec<SecretString>,
    /// Of the accounts that Meta can be asked about.
    pub(super) callbacks: Arc<[Callback<Writer>]>,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Why one run of the tool ended.
enum Ended {
    Stopped,
    /// The listener is no longer where the tool leads.
    Moved,
    /// The tool ended, or what it made does not work; why.
    Failed(String),
}

struct Tunnel {
    parts: Parts,
    config: TunnelConfig,
    /// Something changed with the listener.
    changed: Arc<Notify>,
    /// Runs that failed in a row, none of which worked in between.
    failures: u32,
    /// Whether an address is kept for other processes.
    kept: bool,
    /// What was found out about each of the callbacks.
    found: Vec<Option<Found>>,
    /// Another number once a callback was changed, or a person decided about one.
    word: i64,
}

/// What Meta was last asked about a callback, and what came of it.
struct Found {
    url: Url,
    /// The number before that. Our own change is another too, and is looked at once more.
    word: i64,
    stands: Registration,
    /// When to ask again although nothing changed; never when that would end the same.
    again: Option<Monotonic>,
    /// How long it waited for that; twice as long the next time.
    wait: Duration,
}

/// How long it takes until Meta is asked again what it refused or what a person has to decide: at first, and
/// at most. A WABA without a registered number has 200 calls an hour (Meta, rate limits).
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));

/// Keeps whatever tunnel is wanted until the word to stop.
pub(super) async fn keep(parts: Parts, mut wanted: Switched, mut stopped: Stopped) {
    while !stopped.is_set() {
        let config = wanted.0.borrow_and_update().clone();
        parts.bus.update_health(|health| health.tunnel = TunnelHealth::default());
        let Some(config) = config else {
            tokio::select! {
                () = wanted.changed() => continue,
                () = stopped.wait() => break,
            }
        };
        let (stop, inner) = Stop::new();
        let mut running = std::pin::pin!(run(parts.clone(), config, inner));
        let ended = tokio::select! {
            () = &mut running => true,
            () = wanted.changed() => false,
            () = stopped.wait() => false,
        };
        if ended {
            tokio::select! {
                () = wanted.changed() => {}
                () = stopped.wait() => {}
            }
        } else {
            stop.set();
            running.await;
        }
    }
}

async fn run(parts: Parts, config: TunnelConfig, mut stopped: Stopped) {
    let bus = parts.bus.clone();
    let kind = config.kind;
    if kind == Kind::None && config.public_url.is_none() {
        return;
    }
    bus.update_health(|health| {
        health.tunnel.kind = Some(match kind {
            Kind::None => "proxy",
            kind => kind.name(),
        });
    });
    let changed = Arc::new(Notify::new());
    let woken = Arc::clone(&changed);
    let news = bus.subscribe(Interest::Sending, move || woken.notify_one());
    let found = parts.callbacks.iter().map(|_| None).collect();
    let mut tunnel = Tunnel { parts, config, changed, failures: 0, kept: false, found, word: 0 };
    while !stopped.is_set() {
        let local = tokio::select! {
            local = tunnel.listening(&news) => local,
            () = stopped.wait() => break,
        };
        match tunnel.once(local, &news, &mut stopped).await {
            Ended::Stopped => break,
            Ended::Moved => {}
            Ended::Failed(why) => {
                tunnel.failures += 1;
                let wait = tunnel::backoff(tunnel.failures);
                tracing::warn!(why, ?wait, "the tunnel is down");
                bus.update_health(|health| {
                    health.tunnel.condition = Condition::Down(why);
                    health.tunnel.round_trip = None;
                    health.tunnel.restarts += 1;
                });
                tokio::select! {
                    () = sleep(wait) => {}
                    () = stopped.wait() => break,
                }
            }
        }
    }
    if tunnel.kept {
        tunnel.keep(None).await;
    }
    bus.update_health(|health| {
        health.tunnel.condition = Condition::Off;
        health.tunnel.url = None;
        health.tunnel.round_trip = None;
    });
}

impl Tunnel {
    /// Waits until this process listens, and says meanwhile why there is no tunnel.
    async fn listening(&self, news: &super::bus::Subscription) -> SocketAddr {
        loop {
            drop(news.take());
            let health = self.parts.bus.health();
            if let Some(address) = hears(&health) {
                return address;
            }
            let condition = match &health.listener {
                Condition::Elsewhere => Condition::Elsewhere,
                Condition::Up | Condition::Starting => Condition::Starting,
                Condition::Off => Condition::Down("the listener is off".to_owned()),
                Condition::Down(_) => Condition::Down("it waits for the listener".to_owned()),
            };
            self.parts.bus.update_health(|health| health.tunnel.condition = condition);
            self.changed.notified().await;
        }
    }

    /// Runs the tool once, and proves what it makes for as long as it works.
    async fn once(
        &mut self,
        local: SocketAddr,
        news: &super::bus::Subscription,
        stopped: &mut Stopped,
    ) -> Ended {
        let (tell, _) =
            watch::channel(Told { address: self.config.public_url.clone(), ..Told::default() });
        self.parts.bus.update_health(|health| health.tunnel.condition = Condition::Starting);
        let bus = self.parts.bus.clone();
        let changed = Arc::clone(&self.changed);
        let moved = async {
            loop {
                changed.notified().await;
                drop(news.take());
                if hears(&bus.health()) != Some(local) {
                    return;
                }
            }
        };
        if self.config.kind == Kind::None {
            return tokio::select! {
                why = self.prove(&tell) => Ended::Failed(why),
                () = moved => Ended::Moved,
                () = stopped.wait() => Ended::Stopped,
            };
        }
        let mut tool = match tool::start(&self.config, local) {
            Ok(tool) => tool,
            Err(why) => return Ended::Failed(why),
        };
        let kind = self.config.kind;
        let known = self.config.public_url.is_some();
        let mut lines = tool.lines();
        let mut kept = VecDeque::new();
        let ended = tokio::select! {
            () = follow(&mut lines, kind, &mut kept, (!known).then_some(&tell)) => None,
            why = self.prove(&tell) => Some(Ended::Failed(why)),
            () = moved => Some(Ended::Moved),
            () = stopped.wait() => Some(Ended::Stopped),
        };
        let status = tool.end().await;
        let said = tunnel::complaint(kind, kept.iter().map(String::as_str));
        match ended {
            None => Ended::Failed(format!("{} ended{status}: {said}", kind.name())),
            Some(Ended::Failed(why)) if tell.borrow().address.is_none() => {
                let helps = tunnel::without_address(kind);
                Ended::Failed(format!("{why}: {said}{helps}"))
            }
            Some(ended) => ended,
        }
    }

    /// Proves the address again and again. Ends with the reason when nothing came through for too long.
    async fn prove(&mut self, tell: &watch::Sender<Told>) -> String {
        let proving = self.config.proving;
        let mut told = tell.subscribe();
        let named = told.wait_for(|told| told.address.is_some());
        if timeout(proving.address, named).await.is_err() {
            let name = self.config.kind.name();
            return format!("{name} told no public address within {:?}", proving.address);
        }
        // Whether this address worked already, and since when it does not.
        let (mut worked, mut silent) = (false, None);
        // One for each address: it loads the system's certificates.
        let mut prover: Option<(Url, Prover)> = None;
        loop {
            let Told { address: Some(base), others } = told.borrow_and_update().clone() else {
                continue;
            };
            let url = with_path(&base, &self.parts.path);
            self.parts.bus.update_health(|health| {
                let before = health.tunnel.url.replace(url.to_string());
                if before.as_deref() != Some(url.as_str()) {
                    health.tunnel.registration = Registration::Unknown;
                }
            });
            let begun = self.parts.clock.monotonic();
            let made = match prover.take().filter(|(of, _)| *of == url) {
                Some(made) => Ok(made),
                None => Prover::new(&url, proving.answer).map(|new| (url.clone(), new)),
            };
            let answer = match made {
                Ok((_, made)) => {
                    let answer = self.round_trip(&made, &url).await;
                    prover = Some((url.clone(), made));
                    answer
                }
                Err(astray) => Err(astray),
            };
            let wait = match answer {
                Ok(took) => {
                    (worked, silent) = (true, None);
                    self.failures = 0;
                    self.parts.bus.update_health(|health| {
                        health.tunnel.condition = Condition::Up;
                        health.tunnel.round_trip = Some(took);
                    });
                    self.tell(&url).await;
                    proving.every
                }
                Err(astray) => {
                    let why = astray.to_string();
                    tracing::debug!(why, "the tunnel does not work yet, or no longer");
                    if let Some(proved) = self.new_address(&url, &others).await {
                        tracing::info!(address = %display_safe(proved.as_str()), "the tunnel has another address");
                        tell.send_modify(|told| told.adopt(&proved));
                        silent = None;
                        continue;
                    }
                    // A new address takes its time; one that worked is down.
                    let patience = if worked { proving.silence } else { proving.patience };
                    if begun.since(*silent.get_or_insert(begun)) >= patience {
                        return why;
                    }
                    let condition = if worked { Condition::Down(why) } else { Condition::Starting };
                    self.parts.bus.update_health(|health| {
                        health.tunnel.condition = condition;
                        health.tunnel.round_trip = None;
                    });
                    proving.again
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                // It is dropped after this.
                _ = told.changed() => (worked, silent) = (false, None),
            }
        }
    }

    /// Keeps an address that works for other processes, and tells Meta of it as far as that is allowed.
    async fn tell(&mut self, url: &Url) {
        let kind = self.config.kind.name().to_owned();
        let proved_at = self.parts.clock.now();
        self.keep(Some(Address { kind, url: url.to_string(), proved_at })).await;
        let Some(consent) = self.config.register else { return };
        // What cannot be read is no news; the next proof looks again.
        if let Ok(word) = self.parts.reader.ask("last word", callback::last_word).await {
            self.word = word;
        }
        let mut asked = false;
        for index in 0..self.parts.callbacks.len() {
            asked |= self.ask(index, consent, url).await;
        }
        if !asked {
            return;
        }
        let mut worst = Registration::Unknown;
        for found in self.found.iter().flatten() {
            let graver =
                matches!(found.stands, Registration::Asks { .. } | Registration::Trouble(_));
            if graver || worst == Registration::Unknown {
                worst = found.stands.clone();
            }
        }
        self.parts.bus.update_health(|health| health.tunnel.registration = worst);
    }

    /// Asks Meta about one of the callbacks, and changes it where that is allowed, unless nothing new can come
    /// of it; returns whether it asked.
    async fn ask(&mut self, index: usize, consent: Consent, url: &Url) -> bool {
        let word = self.word;
        let now = self.parts.clock.monotonic();
        let (Some(callback), Some(found)) =
            (self.parts.callbacks.get(index), self.found.get_mut(index))
        else {
            return false;
        };
        let before = found.as_ref().filter(|found| found.url == *url && found.word == word);
        if before.is_some_and(|before| before.again.is_none_or(|again| now < again)) {
            return false;
        }
        let (least, most) = ASK_AGAIN;
        let wait = before.map_or(least, |before| (before.wait * 2).min(most));
        let answer = callback.register(consent, url.as_str()).await;
        let lasts = matches!(
            answer,
            Ok(Registration::Registered { .. } | Registration::Unknown) | Err(Trouble::Lasting(_))
        );
        let stands = answer.unwrap_or_else(|why| {
            let name = callback.name();
            tracing::warn!(account = name, %why, "Meta does not post to the tunnel's address");
            Registration::Trouble(format!("{name}: {}", display_safe(&why.to_string())))
        });
        let again = (!lasts).then(|| self.parts.clock.monotonic() + wait);
        *found = Some(Found { url: url.clone(), word, stands, again, wait });
        true
    }

    /// Keeps the address for other processes, with the time of its proof, or forgets it.
    async fn keep(&mut self, address: Option<Address>) {
        self.kept = address.is_some();
        let kept = self
            .parts
            .writer
            .run(Priority::Interactive, move |tx| callback::set_address(tx, address.as_ref()))
            .await;
        if let Err(error) = kept {
            tracing::debug!(%error, "the tunnel's address is not kept");
        }
    }

    /// Which of the other addresses of a tool leads here, now that the tunnel's own does not. As long as that one
    /// works it stays: a tool may print what strangers send it, and theirs could pass our questions on to it.
    async fn new_address(&self, own: &Url, others: &[Url]) -> Option<Url> {
        for base in others.iter().rev() {
            if self.leads_here(&with_path(base, &self.parts.path)).await {
                return (!self.leads_here(own).await).then(|| base.clone());
            }
        }
        None
    }

    /// Whether a signed event comes through an address. The verify token is told to none that was not proved.
    async fn leads_here(&self, url: &Url) -> bool {
        let Parts { app_secrets, clock, .. } = &self.parts;
        let Ok(prover) = Prover::new(url, self.config.proving.answer) else { return false };
        round_trip(&prover, url, app_secrets.first(), None, &**clock).await.is_ok()
    }

    /// A signed event and a challenge through the address and back.
    async fn round_trip(&self, prover: &Prover, url: &Url) -> Result<Duration, Astray> {
        let Parts { app_secrets, verify_tokens, clock, .. } = &self.parts;
        round_trip(prover, url, app_secrets.first(), verify_tokens.first(), &**clock).await
    }
}

/// Reads what a tool prints until it ends: addresses are told on if anybody asks, the last lines kept.
async fn follow(
    lines: &mut Lines,
    kind: Kind,
    kept: &mut VecDeque<String>,
    tell: Option<&watch::Sender<Told>>,
) {
    while let Some(line) = lines.next().await {
        tracing::debug!(line = %display_safe(&line), "{}", kind.name());
        let found = tunnel::address(kind, &line).and_then(|found| found.parse::<Url>().ok());
        if let (Some(found), Some(tell)) = (found, tell) {
            tell.send_if_modified(|told| told.hear(kind, found));
        }
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

fn hears(health: &crate::domain::health::Health) -> Option<SocketAddr> {
    let up = health.listener == Condition::Up;
    health.listener_address.as_ref().filter(|_| up).and_then(|address| address.parse().ok())
}

/// The tool that is not installed, with what installs it.
#[must_use]
pub fn missing_tool(kind: Kind) -> Option<String> {
    tool::missing(kind)
}

/// The address that Meta is to post to.
#[must_use]
pub fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests;
