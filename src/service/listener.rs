//! Receives Meta's webhooks: takes the listener role, opens the port, and stores what comes in.
//!
//! A webhook is answered 200 only when it is durable. A port that is taken, or a role that another process
//! holds, is said in the health and tried again; it never ends the program. A process that cannot have its
//! port gives the role back between its tries, so that another one may listen on its own. Only loopback is listened on:
//! a tunnel is what the internet sees, and every peer looks local, so nothing is decided by address.

pub mod http;
mod ingest;
mod ledger;
pub mod probe;
mod seats;
mod seldom;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::time::sleep;

use self::http::{Endpoint, Limits};
use self::ingest::Ingest;
use self::ledger::Ledger;
use super::bus::Bus;
use super::role::Seat;
use super::stop::{Stop, Stopped};
use super::writer::Writer;
use crate::domain::health::Condition;
use crate::domain::time::Clock;

/// The first and the longest wait before a taken port is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Off when false.
    pub enabled: bool,
    /// A loopback address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// The one path that exists, `/webhook`.
    pub path: String,
    /// Deadlines and sizes.
    pub limits: Limits,
}

/// What the listener needs besides its config.
pub(super) struct Parts {
    pub(super) config: ListenerConfig,
    /// Of every app, with the account it is of; several while one is being replaced.
    pub(super) app_secrets: Vec<(String, SecretString)>,
    /// Of every app.
    pub(super) verify_tokens: Vec<SecretString>,
    /// Why an app secret cannot be had, if so.
    pub(super) missing: Option<String>,
    pub(super) seat: Arc<Seat>,
    pub(super) writer: Writer,
    pub(super) bus: Bus,
    pub(super) clock: Arc<dyn Clock>,
}

/// Listens until the word to stop.
pub(super) async fn run(parts: Parts, mut stopped: Stopped) {
    let bus = parts.bus.clone();
    if let Some(condition) = why_not(&parts) {
        return bus.update_health(|health| health.listener = condition);
    }
    let address = parts.config.address;
    let clock = Arc::clone(&parts.clock);
    let ledger = Arc::new(Ledger::default());
    let (owners, app_secrets) = parts.app_secrets.into_iter().unzip();
    let endpoint = Arc::new(Endpoint::new(
        parts.config.path,
        app_secrets,
        parts.verify_tokens,
        parts.config.limits,
        Arc::new(Ingest::new(
            (parts.writer.clone(), bus.clone()),
            Arc::clone(&clock),
            owners,
            Arc::clone(&ledger),
        )),
        bus.clone(),
        clock,
    ));
    // The last requests are answered before their notes are written.
    let (end, ended) = Stop::new();
    let listening = async {
        keep_listening(address, &parts.seat, &endpoint, &bus, &mut stopped).await;
        end.set();
    };
    tokio::join!(listening, ledger.keep(parts.writer, ended));
    bus.update_health(|health| {
        health.listener = Condition::Off;
        health.listener_address = None;
    });
}

/// Takes the role and listens, over and over, until the word to stop.
async fn keep_listening(
    address: SocketAddr,
    seat: &Arc<Seat>,
    endpoint: &Arc<Endpoint>,
    bus: &Bus,
    stopped: &mut Stopped,
) {
    let mut wait = RETRY.0;
    loop {
        seat.want();
        let role = tokio::select! {
            role = seat.take() => role,
            () = stopped.wait() => break,
        };
        match bind(address).await {
            Ok((listener, bound)) => {
                wait = RETRY.0;
                if listen(listener, bound, endpoint, bus, stopped).await == Ended::Stopped {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%address, %error, "cannot listen");
                bus.update_health(|health| {
                    health.listener = Condition::Down(cannot_bind(address, &error));
                });
                drop(role);
                tokio::select! {
                    () = sleep(wait) => wait = (wait * 2).min(RETRY.1),
                    () = stopped.wait() => break,
                }
            }
        }
    }
}

/// Why listening ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// As asked.
    Stopped,
    /// It did not answer any more. Its connections are cut, and Meta delivers again what was on its way.
    Silent,
}

async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn listen(
    listener: TcpListener,
    bound: SocketAddr,
    endpoint: &Arc<Endpoint>,
    bus: &Bus,
    stopped: &Stopped,
) -> Ended {
    bus.update_health(|health| {
        health.listener = Condition::Up;
        health.listener_address = Some(bound.to_string());
    });
    tracing::info!(%bound, "listening");
    let probing = endpoint.limits().probing;
    tokio::select! {
        () = http::serve(listener, Arc::clone(endpoint), stopped.clone()) => Ended::Stopped,
        () = probe::until_silent(bound, endpoint.path(), &endpoint.probe, probing) => {
            bus.update_health(|health| {
                health.listener = Condition::Down("it did not answer and is built anew".to_owned());
                health.listener_address = None;
                health.listener_rebuilt += 1;
            });
            Ended::Silent
        }
    }
}

/// Why there is nothing to listen for, or no safe way to.
fn why_not(parts: &Parts) -> Option<Condition> {
    if !parts.config.enabled {
        return Some(Condition::Off);
    }
    let address = parts.config.address;
    if !address.ip().is_loopback() {
        return Some(Condition::Down(format!(
            "will not listen on {address}, which others can reach; use 127.0.0.1 and a tunnel"
        )));
    }
    if parts.app_secrets.is_empty() {
        let unset = "no app_secret is set, so no webhook could be trusted; add it to the config";
        return Some(Condition::Down(parts.missing.clone().unwrap_or_else(|| unset.to_owned())));
    }
    None
}

fn cannot_bind(address: SocketAddr, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "port {} is taken by another program; end it, or set another listener port",
            address.port()
        ),
        std::io::ErrorKind::PermissionDenied => {
            format!("port {} needs special rights; set a listener port above 1023", address.port())
        }
        _ => format!("cannot listen on {address}: {error}"),
    }
}

#[cfg(test)]
mod tests;
