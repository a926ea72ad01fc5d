//! Sends what is in the outbox: takes the sender role, settles what an earlier holder left, and works off
//! each account's queue until the word to stop.
//!
//! Decisions are [`core`]'s; here they are carried out. Nothing polls: it is woken by a change of the outbox,
//! by an answer, or by the time that the core names. What is claimed is committed with its request id
//! before the first byte leaves.

mod allowance;
pub mod core;
mod drive;
pub mod entropy;
pub mod errand;
mod hold;
mod media;
mod pace;
mod telling;
#[cfg(test)]
mod tests;
pub mod transport;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use self::allowance::Allowance;
use self::core::Policy;
use self::drive::Driver;
use self::telling::Telling;
use self::transport::HttpTransport;
use super::bus::Bus;
use super::outgoing::clean_up;
use super::reader::Reader;
use super::role::Seat;
use super::stop::Stopped;
use super::thread::{OnPanic, join_all};
use super::writer::{Priority, Writer};
use super::{ApiConfig, client};
use crate::domain::health::{Condition, Pace, Stop, StopKind};
use crate::domain::id::AccountId;
use crate::domain::time::Clock;
use crate::store::account::NewAccount;
use crate::store::upload::needed;

/// Before the store is asked again for what the sender needs to begin; the first and the longest wait.
const BEGIN_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Between two looks for copies of files that can go.
const LET_GO: Duration = Duration::from_secs(3600);

/// How long the store may take to note that this process sends no more.
const LAST_WORD: Duration = Duration::from_secs(1);

/// One account to send for.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    pub(super) account: NewAccount,
    pub(super) token: Result<SecretString, Option<String>>,
}

/// What all of the sender shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// What the sender needs.
pub(super) struct Parts {
    pub(super) accounts: Vec<Sending>,
    pub(super) api: ApiConfig,
    pub(super) data_dir: PathBuf,
    pub(super) policy: Policy,
    pub(super) seat: Arc<Seat>,
    pub(super) shared: Shared,
    /// Told of a panic in an account's sender.
    pub(super) on_panic: OnPanic,
    /// Changes when the person wants an account in trouble to be tried now.
    pub(super) try_now: watch::Receiver<u64>,
}

/// Sends until the word to stop. A process that cannot send for any account leaves the role to one that
/// can, and only says what it lacks.
pub(super) async fn run(parts: Parts, mut stopped: Stopped) {
    let bus = parts.shared.bus.clone();
    let say = |condition| bus.update_health(|health| health.sender = condition);
    let mut senders = Vec::new();
    let mut lacking = Vec::new();
    for Sending { account, token } in parts.accounts {
        match client(&parts.api, token) {
            Ok(client) => senders.push((account, client)),
            Err(words) => lacking.push((account, words)),
        }
    }
    if senders.is_empty() {
        return bus.update_health(|health| {
            health.sender = Condition::Off;
            health.account_trouble =
                lacking.first().map(|(account, words)| format!("{}: {words}", account.name));
        });
    }
    parts.seat.want();
    let _role = tokio::select! {
        guard = parts.seat.take() => guard,
        () = stopped.wait() => return,
    };
    let accounts = senders.iter().map(|(account, _)| account);
    let accounts: Vec<NewAccount> =
        accounts.chain(lacking.iter().map(|(account, _)| account)).cloned().collect();
    let ids = tokio::select! {
        ids = begin(&parts.shared, accounts) => ids,
        () = stopped.wait() => return,
    };
    say(Condition::Up);
    if let Err(error) = media::clean_up(&parts.data_dir).await {
        tracing::warn!(%error, "partial files stay behind");
    }
    for ((account, words), id) in lacking.into_iter().zip(ids.iter().skip(senders.len())) {
        let stop = Stop { kind: StopKind::Trouble, words, until: parts.shared.clock.now() };
        let pace = Pace { stop: Some(stop), ..Pace::default() };
        let (id, told) = (*id, pace.clone());
        // Where it is not taken, the store has trouble of its own, which is told.
        drop(parts.shared.writer.run(Priority::Interactive, move |tx| errand::tell(tx, id, &told)));
        bus.update_health(|health| health.account_mut(id, &account.name).pace = Some(pace));
    }
    let mut drivers = JoinSet::new();
    for ((account, client), id) in senders.into_iter().zip(ids) {
        let driver = Driver {
            account: id,
            name: account.name,
            policy: parts.policy,
            transport: Arc::new(HttpTransport::new(client, parts.data_dir.clone())),
            entropy: Box::new(entropy::SystemEntropy),
            shared: parts.shared.clone(),
            try_now: parts.try_now.clone(),
            told: None,
            telling: Telling::default(),
            phone_number: account.phone_number,
            allowance: Allowance::default(),
            came_in: 0,
        };
        drivers.spawn(driver.run(stopped.clone()));
    }
    drivers.spawn(let_go(parts.shared.clone(), parts.data_dir.clone(), stopped.clone()));
    let failed = || say(Condition::Down("the sender failed; restart, and see the log".to_owned()));
    join_all(drivers, "sender", &parts.on_panic, failed).await;
    stopped.wait().await;
    // Before the role is free: the next one tells what it does.
    let ended = parts.shared.writer.run(Priority::Interactive, errand::end);
    if tokio::time::timeout(LAST_WORD, ended).await.is_err() {
        tracing::debug!("what the sender told stays until another one begins");
    }
    bus.update_health(|health| health.accounts.iter_mut().for_each(|account| account.pace = None));
    say(Condition::Off);
}

/// Removes the copies of files that no message needs any more: at the start, and then hourly.
async fn let_go(shared: Shared, data_dir: PathBuf, mut stopped: Stopped) {
    loop {
        let needed = shared.reader.ask("copies", needed).await;
        let gone = match needed {
            Ok(needed) => {
                let directory = data_dir.clone();
                // The thread that receives and sends waits for no disk.
                let cleaned = spawn_blocking(move || clean_up(&directory, &needed)).await;
                let cleaned = cleaned.map_err(|error| error.to_string());
                cleaned.and_then(|gone| gone.map_err(|error| error.to_string()))
            }
            Err(error) => Err(error.to_string()),
        };
        match gone {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "copies of files that were sent are removed"),
            Err(error) => tracing::warn!(error, "copies of files that were sent stay"),
        }
        tokio::select! {
            () = sleep(LET_GO) => {}
            () = stopped.wait() => return,
        }
    }
}

/// Settles what an earlier holder of the role left, and learns the accounts' ids. Tries until the store
/// lets it: without that, nothing may be sent.
async fn begin(shared: &Shared, accounts: Vec<NewAccount>) -> Vec<AccountId> {
    let mut wait = BEGIN_RETRY.0;
    loop {
        let (accounts, now) = (accounts.clone(), shared.clock.now());
        let settled =
            shared.writer.run(Priority::Interactive, move |tx| errand::begin(tx, &accounts, now));
        match settled.await {
            Ok((ids, uncertain)) => {
                if !uncertain.is_empty() {
                    tracing::warn!(
                        count = uncertain.len(),
                        "an earlier sender left uncertain messages"
                    );
                }
                return ids;
            }
            Err(error) => tracing::warn!(%error, "the sender cannot begin"),
        }
        sleep(wait).await;
        wait = (wait * 2).min(BEGIN_RETRY.1);
    }
}
