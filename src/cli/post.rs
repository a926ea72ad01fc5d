//! Posting webhooks from the command line, and telling what was answered.

use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

use super::Session;
use crate::api::relay::{Answered, Relay, Target};
use crate::config::SecretSource;
use crate::error::Error;

/// Meta does not publish how long it waits; nobody at a shell wants to wait longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An address on the command line.
pub(super) fn target(text: &str) -> Result<Target, String> {
    Target::parse(text)
}

/// The place of a secret on the command line, where every process can read along: never the secret itself.
pub(super) fn secret_source(text: &str) -> Result<SecretSource, String> {
    SecretSource::on_the_command_line(text)
}

/// Fetches a secret.
pub(super) fn fetch(session: &Session, source: &SecretSource) -> Result<SecretString, Error> {
    source
        .resolve(&session.env, &*session.clock)
        .map_err(|error| Error::usage("the secret cannot be had").because(&error))
}

/// Posts one after the other.
pub(super) struct Poster {
    runtime: Runtime,
    relay: Relay,
    target: Target,
}

impl Poster {
    pub(super) fn new(target: Target) -> Result<Self, Error> {
        let relay = Relay::for_targets(ANSWER_WITHIN, [&target])
            .map_err(|error| Error::failed("cannot post").because(&error))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::failed("cannot post").because(&error))?;
        Ok(Self { runtime, relay, target })
    }

    /// Posts a body, and says how long the answer took.
    pub(super) fn post(
        &self,
        session: &Session,
        body: Vec<u8>,
        signed: Option<&[u8; 32]>,
    ) -> (Result<Answered, String>, Duration) {
        let begun = session.clock.monotonic();
        let answered = self.runtime.block_on(self.relay.post(&self.target, body, signed));
        (answered, session.clock.monotonic().since(begun))
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }
}
