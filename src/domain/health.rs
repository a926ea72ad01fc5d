//! How the background parts are doing, as the status bar and `doctor` say it.

use super::time::Timestamp;

/// Whether a background part works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Not started yet.
    #[default]
    Starting,
    /// It works.
    Up,
    /// Another process does it.
    Elsewhere,
    /// Switched off in the config, or not possible without an account, or its token.
    Off,
    /// It does not work; the reason and the remedy in plain words.
    Down(String),
}

/// How the services are doing, whole each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The webhook listener.
    pub listener: Condition,
    /// Its address, when up.
    pub listener_address: Option<String>,
    /// How often it was built anew because it did not answer its own requests.
    pub listener_rebuilt: u32,
    /// When the last good webhook came in.
    pub last_event: Option<Timestamp>,
    /// Webhooks refused since the start, by reason.
    pub refused: Refused,
    /// The sender.
    pub sender: Condition,
    /// Jobs waiting or under way.
    pub queue: u32,
    /// Messages failed or uncertain in the account shown.
    pub failed: u32,
    /// Something is wrong with the account: the token, payment, a restriction. What to do, in plain words.
    pub account_trouble: Option<String>,
    /// The store cannot be written: a full disk and the like.
    pub store_trouble: Option<String>,
}

/// How many requests the listener refused since its start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// No signature, or one that fits no app secret (401).
    pub signature: u64,
    /// A challenge with the wrong verify token (403).
    pub verify_token: u64,
    /// Another path than the webhook's (404).
    pub path: u64,
    /// Another method than GET and POST (405).
    pub method: u64,
    /// Too large (413).
    pub size: u64,
    /// The body came too slowly or not whole (400, 408).
    pub incomplete: u64,
    /// Good, but it could not be stored (503); Meta delivers it again.
    pub store: u64,
}

impl Refused {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.signature
            + self.verify_token
            + self.path
            + self.method
            + self.size
            + self.incomplete
            + self.store
    }
}
