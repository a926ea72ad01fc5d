//! The way in: the listener's port, the tunnel's tool, and the round trip through its address.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{Private, Report};
use crate::api::callback::{Astray, Prover};
use crate::cli::{Session, network};
use crate::config::SecretSource;
use crate::domain::tunnel::Kind;
use crate::error::Error;
use crate::service::tunnel::{self, missing_tool};
use crate::store::ReadConn;
use crate::store::callback;

/// How long one request to ourselves may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The port: free, ours, or somebody else's.
pub(super) fn listener(report: &mut Report, session: &Session) -> Result<(), Error> {
    let listener = &session.config.listener;
    if !listener.enabled {
        report.note("listener", "switched off, so nothing is received (listener.enabled)");
        return Ok(());
    }
    let address = SocketAddr::from((listener.address, listener.port));
    if !listener.address.is_loopback() {
        let says = format!("it will not listen on {address}, which others can reach");
        report.wrong("listener", says, "set listener.address = \"127.0.0.1\" and use a tunnel");
        return Ok(());
    }
    match TcpListener::bind(address) {
        Ok(_) if listener.port == 0 => {
            let says = format!("{}: the inbox and listen take whatever port is free", address.ip());
            report.right("listener", says);
        }
        Ok(_) => {
            report.right("listener", format!("{address} is free; the inbox and listen take it"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let host = match listener.address {
                IpAddr::V6(ip) => format!("[{ip}]"),
                IpAddr::V4(ip) => ip.to_string(),
            };
            let url = format!("http://{host}:{}{}", listener.port, listener.path);
            match round_trip(session, &url)? {
                Ok(took) => {
                    let took = took.as_millis();
                    report.right("listener", format!("{address}: twoticks answers in {took} ms"));
                }
                Err(Astray::Answered { status: 401, .. }) => report.wrong(
                    "listener",
                    format!("{address}: a listener with another app_secret answers"),
                    "end that one, or start it again so that it has the app_secret of this config",
                ),
                Err(_astray) => report.wrong(
                    "listener",
                    format!("port {} is taken by another program", listener.port),
                    "end it, or set another listener.port",
                ),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => report.wrong(
            "listener",
            format!("port {} needs special rights", listener.port),
            "set a listener.port above 1023",
        ),
        Err(error) => report.wrong(
            "listener",
            format!("{address} cannot be listened on: {error}"),
            "set listener.address = \"127.0.0.1\"",
        ),
    }
    Ok(())
}

/// The tunnel's tool, and the address that was proved last.
pub(super) fn tunnel(report: &mut Report, session: &Session) -> Result<(), Error> {
    let wanted = &session.config.tunnel;
    let kind = wanted.kind;
    if let Some(missing) = missing_tool(kind) {
        report.wrong("tunnel", missing, "install it, or set another tunnel.kind");
        return Ok(());
    }
    let known = ReadConn::open(&session.paths.database())
        .ok()
        .and_then(|read| callback::running(&read, session.clock.now()).ok().flatten());
    let known = known.map(|address| address.url).or_else(|| {
        let base = wanted.public_url.as_ref()?;
        Some(tunnel::with_path(base, &session.config.listener.path).to_string())
    });
    report.hides(known.clone().map(Private::Host));
    match known {
        Some(url) => match round_trip(session, &url)? {
            Ok(took) => {
                report.right(
                    "tunnel",
                    format!("{url} leads here and back in {} ms", took.as_millis()),
                );
            }
            Err(astray) => {
                let remedy = if kind == Kind::None {
                    "see that your proxy is up and passes requests on to the listener's port"
                } else {
                    "start the inbox or listen, which keep the tunnel; then look again"
                };
                report.wrong("tunnel", format!("nothing comes through {url}: {astray}"), remedy);
            }
        },
        None if kind == Kind::None && session.is_simulated() => {
            report.right("tunnel", "none, and the simulator needs none");
        }
        None if kind == Kind::None => report.note(
            "tunnel",
            "none is set, so Meta reaches this machine only by a proxy of yours (see [tunnel])",
        ),
        None => {
            let says = format!("{} is set; it starts with the inbox or listen", kind.name());
            report.note("tunnel", says);
        }
    }
    Ok(())
}

/// A challenge and a signed event to an address and back, as far as there are secrets.
fn round_trip(session: &Session, url: &str) -> Result<Result<Duration, Astray>, Error> {
    let Ok(url) = url.parse::<Url>() else {
        return Ok(Err(Astray::NoAnswer(format!("{url:?} is no address"))));
    };
    let accounts = &session.config.accounts;
    let first = |of: fn(&crate::config::Account) -> &[SecretSource]| -> Option<SecretString> {
        let mut sources = accounts.iter().flat_map(of);
        sources.find_map(|source| source.resolve(&session.env, &*session.clock).ok())
    };
    let secret = first(|account| &account.app_secrets);
    let verify_token = first(|account| &account.verify_tokens);
    network::wait(async {
        let prover = Prover::new(&url, PATIENCE)?;
        let clock = &*session.clock;
        tunnel::round_trip(&prover, &url, secret.as_ref(), verify_token.as_ref(), clock).await
    })
}
