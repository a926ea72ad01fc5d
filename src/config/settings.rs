//! What can be set, once it is read and checked.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use url::Url;

use super::read::Place;
use super::secret::SecretSource;
use crate::domain::tunnel::{Kind, Level};
use crate::domain::window::Outside;
use crate::domain::wish::Keywords;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Business phone numbers.
    pub accounts: Vec<Account>,
    /// The data directory, if not the platform's.
    pub data_dir: Option<PathBuf>,
    /// Where the API answers; https, except on loopback.
    pub base_url: Url,
    /// What answers there is a simulator, not Meta.
    pub simulator: bool,
    /// Such as `v25.0`.
    pub api_version: String,
    /// The zone that times are shown in.
    pub timezone: TimeZone,
    /// The webhook listener.
    pub listener: Listener,
    /// What brings webhooks to the listener.
    pub tunnel: Tunnel,
    /// How long the bodies of webhooks are kept.
    pub events: Events,
    /// The sender.
    pub sender: Sender,
    /// The words by which contacts stop and allow marketing.
    pub marketing: Keywords,
    /// The screen.
    pub ui: Ui,
    /// Keys given to actions; which actions there are is not known here.
    pub keys: Vec<KeyBinding>,
    /// The log.
    pub log: Log,
    /// What is allowed but unwise.
    pub warnings: Vec<String>,
}

/// One business phone number.
#[derive(Clone, Debug)]
pub struct Account {
    /// What the person calls it.
    pub name: String,
    /// Meta's id of the number.
    pub phone_number_id: String,
    /// Meta's id of the WhatsApp Business Account.
    pub waba_id: Option<String>,
    /// Meta's id of the app.
    pub app_id: Option<String>,
    /// The number as people write it.
    pub number: Option<String>,
    /// For the API.
    pub token: Option<SecretSource>,
    /// For the signatures of webhooks: the app's, several while one replaces another.
    pub app_secrets: Vec<SecretSource>,
    /// For the challenge of the webhook set-up, likewise.
    pub verify_tokens: Vec<SecretSource>,
}

/// The webhook listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Whether to listen at all.
    pub enabled: bool,
    /// The address to bind; loopback unless the person says otherwise.
    pub address: IpAddr,
    /// The port to bind.
    pub port: u16,
    /// The path that webhooks are posted to.
    pub path: String,
}

/// What brings webhooks to the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Which tool is started.
    pub kind: Kind,
    /// The public address, where it is known beforehand; https, except on loopback.
    pub public_url: Option<Url>,
    /// For ssh: the host, with a user if need be.
    pub destination: Option<String>,
    /// For ssh: the port to open there, or `address:port`.
    pub remote: String,
    /// For `command`: what the shell runs.
    pub command: Option<String>,
    /// Further arguments of the tool.
    pub args: Vec<String>,
    /// Whether Meta is told of a new address.
    pub register: Register,
}

impl Tunnel {
    /// What the kind needs and is not set.
    #[must_use]
    pub const fn missing(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Ssh if self.destination.is_none() => Some(
                "kind \"ssh\" needs tunnel.destination, such as \"nokey@localhost.run\" or a host of yours",
            ),
            Kind::Command if self.command.is_none() => {
                Some("kind \"command\" needs tunnel.command: what the shell is to run")
            }
            _ => None,
        }
    }
}

/// Whether Meta is told of a new address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Once the person has said so.
    Ask,
    /// Never.
    Never,
    /// At once, there.
    At(Level),
}

/// How long the bodies of webhooks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events {
    /// Days at most; any number when none.
    pub keep_days: Option<u32>,
    /// Megabytes at most; any number when none.
    pub keep_mb: Option<u32>,
}

/// The sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Messages per second and account at most; whatever Meta allows the number when none.
    pub rate: Option<u32>,
    /// How long an uncertain message waits for proof before it is sent again; until the person decides when
    /// none.
    pub resend_after: Option<Duration>,
    /// Tries in all, for what may pass later.
    pub attempts: u32,
    /// The ceiling of the first wait between tries.
    pub base_delay: Duration,
    /// The ceiling of any wait between tries.
    pub max_delay: Duration,
    /// Requests under way at once, if it is not to follow from the rate.
    pub in_flight: Option<usize>,
    /// For connecting.
    pub connect_timeout: Duration,
    /// For a request as a whole.
    pub timeout: Duration,
    /// What is done with a message outside the window that is no template.
    pub outside_window: Outside,
}

/// The screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ui {
    /// Ring the terminal's bell when a message arrives.
    pub bell: bool,
    /// Tell contacts that their messages were read.
    pub read_receipts: bool,
    /// Which key sends.
    pub send_key: SendKey,
    /// How messages are drawn.
    pub message_style: MessageStyle,
    /// What lines are drawn with.
    pub borders: Charset,
    /// What ticks and marks are drawn with.
    pub glyphs: Charset,
    /// How many colours are used.
    pub colour: Colour,
    /// The program that opens files, with its arguments; the system's when none.
    pub opener: Option<String>,
}

/// Which key sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendKey {
    /// Enter sends, Ctrl-J begins a line.
    Enter,
    /// Ctrl-S sends, Enter begins a line.
    CtrlS,
}

/// How messages are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStyle {
    /// One after the other, as lines.
    Flat,
    /// In bubbles, left and right.
    Bubbles,
}

/// What lines and marks are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// ASCII where the locale says that the terminal shows no more.
    Auto,
    /// Box drawing and ticks.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// How many colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// As the environment says (`NO_COLOR`, `COLORTERM`).
    Auto,
    /// 24 bits.
    True,
    /// The terminal's 16.
    Sixteen,
    /// None.
    None,
}

/// Keys for one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    /// The action's name as `twoticks keys` shows it.
    pub action: String,
    /// Keys as written, none to take the default away.
    pub keys: Vec<String>,
    /// Where it was written.
    pub place: Place,
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least that is written.
    pub level: tracing::Level,
    /// Days that are kept.
    pub days: u16,
}
