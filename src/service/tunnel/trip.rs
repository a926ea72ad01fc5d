//! One question whether an address leads here, as Meta would ask it.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::api::callback::{Astray, Prover};
use crate::domain::time::Clock;
use crate::service::random;

/// A signed event through the address and back, and then a challenge, as far as there is a verify token: that is
/// told to nobody who did not know the app secret. Returns how long the event took.
///
/// # Errors
/// Where it got lost, or that there is no secret to sign with.
pub async fn round_trip(
    prover: &Prover,
    url: &Url,
    app_secret: Option<&SecretString>,
    verify_token: Option<&SecretString>,
    clock: &dyn Clock,
) -> Result<Duration, Astray> {
    let nonce = || random::word().map_err(|error| Astray::NoAnswer(error.to_string()));
    let Some(secret) = app_secret else {
        return Err(Astray::NoAnswer("no app_secret is set, so no event is trusted".to_owned()));
    };
    let begun = clock.monotonic();
    prover.self_test(url, secret, &nonce()?).await?;
    let took = clock.monotonic().since(begun);
    if let Some(verify_token) = verify_token {
        prover.challenge(url, verify_token, &nonce()?).await?;
    }
    Ok(took)
}
