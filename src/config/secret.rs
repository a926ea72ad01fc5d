//! Where a secret is kept, and how it is fetched. The config holds only the place; the value is read when
//! something needs it, so the inbox opens without. A secret never appears in `Debug` or in an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use secrecy::SecretString;

use super::keyring::{Keyring, KeyringError};
use super::tool::{self, Failure};
use crate::domain::time::Clock;

/// The place a secret is kept at.
#[derive(Clone)]
pub enum SecretSource {
    /// A variable of the environment.
    Env(String),
    /// A file that only its owner may read; surrounding white space is no part of the secret.
    File(PathBuf),
    /// The first line that a shell command prints.
    Command(String),
    /// The entry of this name in the system's keyring.
    Keyring(String),
    /// Written in the config itself.
    Literal(SecretString),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            // A command line may hold a secret as an argument.
            Self::Command(_) => f.write_str("command:..."),
            Self::Keyring(name) => write!(f, "keyring:{name}"),
            Self::Literal(_) => f.write_str("(literal)"),
        }
    }
}

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set or empty.
    #[error("the variable {0} is not set; set it, or keep the secret in a file (file:PATH)")]
    Unset(String),
    /// The file cannot be read.
    #[error("cannot read {path}: {error}; put the secret there, readable by you alone")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Others may read the file.
    #[error("{path} may be read by others (mode {mode:03o}); run: chmod 600 {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else owns the file.
    #[error("{path} belongs to another user; make a copy of your own with mode 600")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file or the command gave nothing.
    #[error("{0} gave an empty secret; put it there")]
    Empty(String),
    /// The command cannot be run, or failed.
    #[error("the command for the secret failed: {0}; run it by hand to see why")]
    Command(String),
    /// The command takes too long.
    #[error(
        "the command for the secret gave nothing within {} s and was ended; run it by hand: it must not wait \
         for an answer", .0.as_secs()
    )]
    Slow(Duration),
    /// The command printed what is no UTF-8.
    #[error("the command for the secret printed what is no text; run it by hand to see")]
    NoText,
    /// The keyring does not have it, or cannot be asked.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl SecretSource {
    /// Reads `env:NAME`, `file:PATH`, `command:...`, or takes the text as the secret itself. A relative
    /// path is taken from `base`, the directory of the config file.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Ok(Self::Literal(text.to_owned().into()));
        };
        let rest = rest.trim();
        match scheme {
            "env" | "file" | "command" | "keyring" if rest.is_empty() => {
                Err(format!("{scheme}: needs something after the colon"))
            }
            "env" => Ok(Self::Env(rest.to_owned())),
            "file" => Ok(Self::File(base.join(rest))),
            "command" => Ok(Self::Command(rest.to_owned())),
            "keyring" if rest.starts_with('-') || rest.contains(char::is_control) => {
                Err(format!("keyring:{rest:?} is no name for an entry; begin it with a letter"))
            }
            "keyring" => Ok(Self::Keyring(rest.to_owned())),
            _ => {
                let near = super::read::suggestion(
                    scheme,
                    ["env", "file", "command", "keyring"].into_iter(),
                );
                if near.is_empty() {
                    return Ok(Self::Literal(text.to_owned().into()));
                }
                Err(format!("unknown place {scheme:?} for a secret{near}"))
            }
        }
    }

    /// Reads the place of a secret from the command line, which every process on the machine can read: the
    /// secret itself is not taken there. A relative path starts from the working directory.
    ///
    /// # Errors
    /// What is to be written instead.
    pub fn on_the_command_line(text: &str) -> Result<Self, String> {
        match Self::parse(text, Path::new(""))? {
            Self::Literal(_) => {
                Err("a secret does not belong on a command line, where others can read \
                                     it; write env:NAME, file:PATH, command:... or \
                                     keyring:NAME"
                    .to_owned())
            }
            place => Ok(place),
        }
    }

    /// Fetches the secret. May run a command: not for the thread that draws.
    pub fn resolve(
        &self,
        env: &BTreeMap<String, String>,
        clock: &dyn Clock,
    ) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Literal(secret) => return Ok(secret.clone()),
            Self::Env(name) => env
                .get(name)
                .cloned()
                .or_else(|| std::env::var(name).ok())
                .filter(|value| !value.trim().is_empty())
                .ok_or_else(|| SecretError::Unset(name.clone()))?,
            Self::File(path) => read_private(path)?,
            Self::Command(command) => run(command, clock)?,
            Self::Keyring(name) => Keyring::here().look_up(name, clock)?,
        };
        let secret = text.trim();
        if secret.is_empty() {
            return Err(SecretError::Empty(format!("{self:?}")));
        }
        Ok(secret.to_owned().into())
    }
}

fn read_private(path: &Path) -> Result<String, SecretError> {
    let unreadable = |error| SecretError::Unreadable { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // From the open file, so that it cannot be exchanged between the check and the reading.
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o777;
            return Err(SecretError::Open { path: path.to_owned(), mode });
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SecretError::Foreign { path: path.to_owned() });
        }
    }
    std::io::read_to_string(file).map_err(unreadable)
}

fn run(command: &str, clock: &dyn Clock) -> Result<String, SecretError> {
    let mut shell = Command::new("sh");
    let answer = tool::first_line(shell.args(["-c", command]), "", tool::TIME, clock);
    answer.map_err(|failure| match failure {
        Failure::Io(error) => SecretError::Command(error.to_string()),
        Failure::Status(status) => SecretError::Command(status),
        Failure::Slow(time) => SecretError::Slow(time),
        Failure::NoText => SecretError::NoText,
    })
}
