//! Calls to Meta from commands that have no services: one at a time, each waited for.

use secrecy::SecretString;

use super::Session;
use super::services::{api_config, secret};
use crate::api::Client;
use crate::config;
use crate::error::Error;

/// Waits for a call.
pub(super) fn wait<T>(call: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::failed("the network part cannot start").because(&error))?;
    Ok(runtime.block_on(call))
}

/// A client with this token, towards the API of the config.
pub(super) fn client(session: &Session, token: SecretString) -> Result<Client, Error> {
    api_config(&session.config).client(token).map_err(|error| Error::usage(error.to_string()))
}

/// A client with the token of this account.
pub(super) fn client_of(session: &Session, account: &config::Account) -> Result<Client, Error> {
    let token = account.token.as_ref().ok_or_else(|| {
        Error::usage(format!("account {:?} has no token", account.name))
            .hint("set `token` of the account in the config")
    })?;
    client(session, secret(session, account, "token", token)?)
}
