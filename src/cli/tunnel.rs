//! The tunnel as the command line sets it up, and the hidden command that guards its tool.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Session, say};
use crate::config::{Register, SecretSource};
use crate::domain::tunnel::Kind;
use crate::error::Error;
use crate::service::callback::Consent;
use crate::service::tunnel::{Proving, TunnelConfig, guard, missing_tool};
use crate::term::workshop::Tunnels;

pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
    found.ok_or_else(|| {
        let words = Kind::ALL.map(|(word, _)| word);
        format!("must be one of {}", words.join(", "))
    })
}

/// Runs a tool and its arguments under guard; the exit code is the tool's.
pub(super) fn guard(line: &[OsString]) -> ExitCode {
    match guard::run(line) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let program = line.first().map(|word| word.to_string_lossy()).unwrap_or_default();
            say(&format!("error: {program} cannot be started: {error}"));
            ExitCode::from(127)
        }
    }
}

/// Meta's ids of the accounts' apps, in the order of the accounts.
pub(super) fn apps(session: &Session) -> Vec<Option<String>> {
    session.config.accounts.iter().map(|account| account.app_id.clone()).collect()
}

/// What starts another kind of tunnel while the inbox is open, or says what the config lacks for it.
pub(super) fn starter(session: &Session) -> Tunnels {
    let session = session.clone();
    Arc::new(move |kind| {
        let mut session = session.clone();
        session.config.tunnel.kind = kind;
        if let Some(missing) = session.config.tunnel.missing() {
            return Err(format!("{}: {missing}", kind.name()));
        }
        if let Some(missing) = missing_tool(kind) {
            return Err(missing);
        }
        config(&session).map_err(|error| error.message)
    })
}

/// The tunnel that the config asks for, if any.
pub(super) fn config(session: &Session) -> Result<Option<TunnelConfig>, Error> {
    let tunnel = &session.config.tunnel;
    if tunnel.kind == Kind::None && tunnel.public_url.is_none() {
        return Ok(None);
    }
    let guard = std::env::current_exe()
        .map_err(|error| Error::failed("cannot tell which program this is").because(&error))?;
    Ok(Some(TunnelConfig {
        kind: tunnel.kind,
        public_url: tunnel.public_url.clone(),
        destination: tunnel.destination.clone(),
        remote: tunnel.remote.clone(),
        command: tunnel.command.clone(),
        args: tunnel.args.clone(),
        guard,
        withheld: withheld(session),
        proving: Proving::default(),
        register: match tunnel.register {
            Register::Never => None,
            Register::Ask => Some(Consent::Remembered),
            Register::At(level) => Some(Consent::At(level)),
        },
    }))
}

/// Variables that hold secrets of ours: all that begin with our name, and those the config names.
fn withheld(session: &Session) -> Vec<OsString> {
    let accounts = session.config.accounts.iter();
    let secrets = accounts.flat_map(|account| {
        account.token.iter().chain(&account.app_secrets).chain(&account.verify_tokens)
    });
    let from_config = secrets.filter_map(|secret| match secret {
        SecretSource::Env(name) => Some(name.clone()),
        _ => None,
    });
    let all: BTreeSet<String> = session.env.keys().cloned().chain(from_config).collect();
    all.into_iter().map(OsString::from).collect()
}
