//! Whether what was typed goes to the system's keyring or to files.

use super::Secret;
use super::ask::Asker;
use super::write::entries;
use crate::config::{Account, Keyring};
use crate::error::Error;
use crate::service::tunnel::is_installed;

/// The keyring that is to keep what was typed; none where files do. It is offered where it can be given a secret
/// that nobody else sees, and an account that has some there keeps to it.
pub(super) fn keyring(
    asker: &Asker,
    wanted: bool,
    known: Option<&Account>,
    secrets: &[(&'static str, Secret)],
) -> Result<Option<Keyring>, Error> {
    let keyring = Keyring::here();
    let mut typed = secrets.iter().filter(|(_, secret)| secret.place.is_none());
    let Some((key, _)) = typed.next() else { return Ok(None) };
    if !keyring.takes_input() {
        let refused = || {
            let (program, flag) = (keyring.program(), key.replace('_', "-"));
            let hand = keyring.store_by_hand(&flag);
            Error::usage(format!("{program} takes no secret from us that others could not read"))
                .hint(format!("store it by hand ({hand}) and name it: --{flag} keyring:{flag}"))
        };
        return if wanted { Err(refused()) } else { Ok(None) };
    }
    let usual = known.is_some_and(|known| entries(known).next().is_some());
    if wanted || !is_installed(keyring.program()) || !asker.asks() {
        return Ok((wanted || usual).then_some(keyring));
    }
    let words = format!(
        "Keep what you typed in the system's keyring ({}) and not in files? y or n [{}]",
        keyring.program(),
        if usual { "y" } else { "n" }
    );
    let answer = asker.shown(&words)?.to_lowercase();
    let is_yes = if answer.is_empty() { usual } else { answer.starts_with('y') };
    Ok(is_yes.then_some(keyring))
}
