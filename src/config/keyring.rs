//! The system's keyring, by the tool that the system has for it: no library of ours speaks to it, and what
//! is kept there is also seen and changed by hand.

use std::io;
use std::process::Command;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::tool::{self, Failure};
use crate::domain::shell::quoted;
use crate::domain::time::Clock;

/// What entries are filed under.
const SERVICE: &str = "twoticks";

/// The tool that speaks to the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// libsecret's `secret-tool`, for the Secret Service of GNOME, KDE and `KeePassXC`.
    SecretTool,
    /// The `security` of macOS.
    Security,
}

/// Why a secret is not had from the keyring, or not kept there.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The tool is missing.
    #[error(
        "{0} is not installed, by which the keyring is asked; {1}, or keep the secret in a file (file:PATH)"
    )]
    NoTool(&'static str, &'static str),
    /// It gave nothing: the tool does not tell these apart.
    #[error(
        "the keyring gave no {name:?}: it is not there, or the keyring is locked or does not run; unlock it, \
         and if the entry is not there: {store}"
    )]
    NotGiven {
        /// The entry.
        name: String,
        /// The command that makes it.
        store: String,
    },
    /// It was not taken.
    #[error(
        "the keyring did not take {name:?} ({error}); unlock it, or keep the secret in a file (file:PATH)"
    )]
    NotTaken {
        /// The entry.
        name: String,
        /// How the tool ended.
        error: String,
    },
    /// It did not answer in time.
    #[error("the keyring did not answer within {} s; unlock it first", .0.as_secs())]
    Slow(Duration),
    /// It gave what is no UTF-8.
    #[error("what the keyring has as {name:?} is no text; store it anew: {store}")]
    NoText {
        /// The entry.
        name: String,
        /// The command that makes it.
        store: String,
    },
    /// The tool cannot be run.
    #[error("{0} cannot be run ({1}); run it by hand to see why")]
    Tool(&'static str, io::Error),
}

impl Keyring {
    /// The one of this system.
    #[must_use]
    pub const fn here() -> Self {
        if cfg!(target_os = "macos") { Self::Security } else { Self::SecretTool }
    }

    /// What its program is called.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::SecretTool => "secret-tool",
            Self::Security => "security",
        }
    }

    /// Whether it takes a secret on its input. `security` has it typed on a terminal, or among its arguments,
    /// where every process can read it.
    #[must_use]
    pub const fn takes_input(self) -> bool {
        matches!(self, Self::SecretTool)
    }

    /// The command that stores an entry and asks for the secret, to be pasted into a shell.
    #[must_use]
    pub fn store_by_hand(self, name: &str) -> String {
        let (label, name) = (quoted(&label(name)), quoted(name));
        match self {
            Self::SecretTool => {
                format!("secret-tool store --label={label} service {SERVICE} account {name}")
            }
            Self::Security => {
                format!("security add-generic-password -U -s {SERVICE} -a {name} -w")
            }
        }
    }

    /// The secret of an entry.
    pub(super) fn look_up(self, name: &str, clock: &dyn Clock) -> Result<String, KeyringError> {
        let mut command = Command::new(self.program());
        match self {
            Self::SecretTool => command.args(["lookup", "service", SERVICE, "account", name]),
            Self::Security => {
                command.args(["find-generic-password", "-s", SERVICE, "-a", name, "-w"])
            }
        };
        tool::first_line(&mut command, "", tool::TIME, clock)
            .map_err(|failure| self.error(failure, name))
    }

    /// Whether the keyring has an entry of this name, as far as it tells.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn has(self, name: &str, clock: &dyn Clock) -> Result<bool, KeyringError> {
        match self.look_up(name, clock) {
            Ok(_) | Err(KeyringError::NoText { .. }) => Ok(true),
            Err(KeyringError::NotGiven { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stores an entry, over the one of this name, and makes sure that it is given back.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn store(
        self,
        name: &str,
        secret: &SecretString,
        clock: &dyn Clock,
    ) -> Result<(), KeyringError> {
        let not_taken = |error: String| KeyringError::NotTaken { name: name.to_owned(), error };
        if !self.takes_input() {
            return Err(not_taken(format!("by hand: {}", self.store_by_hand(name))));
        }
        let label = format!("--label={}", label(name));
        let mut command = Command::new(self.program());
        command.args(["store", &label, "service", SERVICE, "account", name]);
        match tool::first_line(&mut command, secret.expose_secret(), tool::TIME, clock) {
            Err(Failure::Status(status)) => return Err(not_taken(status)),
            Err(failure) => return Err(self.error(failure, name)),
            Ok(_) => {}
        }
        let kept = self.look_up(name, clock)?;
        if kept.trim() != secret.expose_secret() {
            return Err(not_taken("it gives something else back".to_owned()));
        }
        Ok(())
    }

    fn error(self, failure: Failure, name: &str) -> KeyringError {
        let (entry, store) = (name.to_owned(), self.store_by_hand(name));
        match failure {
            Failure::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                KeyringError::NoTool(self.program(), self.install())
            }
            Failure::Io(error) => KeyringError::Tool(self.program(), error),
            Failure::Slow(time) => KeyringError::Slow(time),
            Failure::Status(_) => KeyringError::NotGiven { name: entry, store },
            Failure::NoText => KeyringError::NoText { name: entry, store },
        }
    }

    /// How it is had.
    const fn install(self) -> &'static str {
        match self {
            Self::SecretTool => {
                "install it (Debian, Ubuntu: libsecret-tools; Fedora, Arch, Homebrew: libsecret)"
            }
            Self::Security => "it comes with macOS: look at PATH",
        }
    }
}

/// How people find an entry among the others.
fn label(name: &str) -> String {
    format!("{SERVICE} {name}")
}
