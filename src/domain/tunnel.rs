//! Tunnels that let Meta reach the listener: which tools there are, where their output has the public
//! address, and what their errors mean. Nothing here runs anything.

use std::time::Duration;

use super::health::Condition;
use super::text::display_safe;

/// What brings webhooks to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that this program starts; perhaps a proxy of the person's own.
    None,
    /// Cloudflare's `cloudflared`.
    Cloudflared,
    /// `ngrok`.
    Ngrok,
    /// `ssh -R` to a server that gives a public address, or to a host of one's own.
    Ssh,
    /// A shell command that prints an address.
    Command,
}

impl Kind {
    /// All of them with the words of the config.
    pub const ALL: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("cloudflared", Self::Cloudflared),
        ("ngrok", Self::Ngrok),
        ("ssh", Self::Ssh),
        ("command", Self::Command),
    ];

    /// The word of the config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cloudflared => "cloudflared",
            Self::Ngrok => "ngrok",
            Self::Ssh => "ssh",
            Self::Command => "command",
        }
    }

    /// The program that has to be installed, and how it comes to be.
    #[must_use]
    pub const fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::None | Self::Command => None,
            Self::Cloudflared => Some((
                "cloudflared",
                "brew install cloudflared, or a package from \
                 github.com/cloudflare/cloudflared/releases",
            )),
            Self::Ngrok => Some((
                "ngrok",
                "brew install ngrok, or ngrok.com/download; then: ngrok config add-authtoken TOKEN",
            )),
            Self::Ssh => {
                Some(("ssh", "apt install openssh-client, or your system's package of it"))
            }
        }
    }
}

/// Where Meta keeps the address that it posts webhooks to. The first that is set wins (Meta, webhook
/// overrides).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For one phone number; covers the field `messages`.
    Number,
    /// For one WhatsApp Business Account, likewise.
    Waba,
    /// For the app, all fields.
    App,
}

impl Level {
    /// All of them with the words of the config, in Meta's order of precedence.
    pub const ALL: [(&'static str, Self); 3] =
        [("number", Self::Number), ("waba", Self::Waba), ("app", Self::App)];

    /// The word of the config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Waba => "waba",
            Self::App => "app",
        }
    }
}

/// What a person says about where Meta is to post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// To the tunnel, now and whenever its address changes.
    Here,
    /// Where it does, and nobody is to be asked any more.
    Stay,
    /// Where it did before this program changed it.
    Back,
}

/// How the tunnel does, for the status bar and `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelHealth {
    /// The word for what is used; none when nothing is.
    pub kind: Option<&'static str>,
    /// Whether a signed event came through and back.
    pub condition: Condition,
    /// The address that Meta is to post to, path included, as far as it is known.
    pub url: Option<String>,
    /// How long the last event took there and back.
    pub round_trip: Option<Duration>,
    /// How often the tool was started again.
    pub restarts: u32,
    /// What Meta is told of the address.
    pub registration: Registration,
}

/// Whether Meta posts to the tunnel's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Not looked up, or not to be.
    #[default]
    Unknown,
    /// Meta posts there.
    Registered {
        /// Where Meta posted before this program changed it, if it did; that can be put back. Unsanitised.
        before: Option<String>,
    },
    /// Meta posts elsewhere, and the person was not asked yet.
    Asks {
        /// Where Meta posts now, if anywhere; unsanitised.
        old: Option<String>,
    },
    /// It could not be looked up or changed; why and what helps.
    Trouble(String),
}

/// The public address that a line of a tool's output tells, if it does.
#[must_use]
pub fn address(kind: Kind, line: &str) -> Option<String> {
    let line = without_escapes(line);
    match kind {
        Kind::None => None,
        // The same output has addresses of the documentation, and of the service that gives names.
        Kind::Cloudflared => https(&line).filter(|found| {
            found.ends_with(".trycloudflare.com") && found != "https://api.trycloudflare.com"
        }),
        Kind::Ngrok => {
            let started = line.contains("msg=\"started tunnel\"");
            let value = line.split(' ').find_map(|field| field.strip_prefix("url="));
            value.filter(|_| started).and_then(https)
        }
        Kind::Ssh => {
            let line = line.trim();
            let told =
                ["tunneled with tls termination, ", "Forwarding HTTP traffic from ", "HTTPS: "]
                    .iter()
                    .find_map(|words| Some(line.split_once(words)?.1));
            let alone = || line.starts_with("https://").then_some(line);
            let told = told.or_else(|| alone().filter(|line| !line.contains(' ')));
            told.and_then(https)
        }
        Kind::Command => https(&line).or_else(|| local(&line)),
    }
}

/// The first https address in a text.
fn https(text: &str) -> Option<String> {
    let at = text.find("https://")?;
    let rest = text.get(at..)?;
    let end = rest.find(|c: char| !is_plain(c)).unwrap_or(rest.len());
    let found = rest.get(..end)?.trim_end_matches(['/', '.', ',']);
    (found.len() > "https://".len()).then(|| found.to_owned())
}

/// An address on this machine, which only a test or a proxy of one's own can mean.
fn local(text: &str) -> Option<String> {
    let at = text.find("http://127.0.0.1")?;
    let rest = text.get(at..)?;
    let end = rest.find(|c: char| !is_plain(c)).unwrap_or(rest.len());
    Some(rest.get(..end)?.trim_end_matches('/').to_owned())
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

/// A line without the colours that a terminal would get.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if rest.next() == Some('[') {
            for c in rest.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        }
    }
    plain
}

/// Words of tools that say why they end or do not begin, and what helps.
const KNOWN: &[(Kind, &str, &str)] = &[
    (
        Kind::Ngrok,
        "ERR_NGROK_4018",
        "make an account at ngrok.com, then: ngrok config add-authtoken TOKEN",
    ),
    (Kind::Ngrok, "ERR_NGROK_105", "the authtoken is wrong; run: ngrok config add-authtoken TOKEN"),
    (
        Kind::Ngrok,
        "ERR_NGROK_107",
        "the authtoken was reset; run: ngrok config add-authtoken TOKEN",
    ),
    (
        Kind::Ngrok,
        "simultaneous ngrok agent sessions",
        "another ngrok of your account runs; end it",
    ),
    (Kind::Ngrok, "ERR_NGROK_108", "another ngrok of your account runs; end it"),
    (Kind::Ngrok, "ERR_NGROK_334", "the address is in use by another ngrok; end it"),
    (
        Kind::Cloudflared,
        "429 Too Many Requests",
        "Cloudflare gives no more names for now; wait some minutes",
    ),
    (
        Kind::Cloudflared,
        "failed to request quick Tunnel",
        "is the network up? Cloudflare gave no name",
    ),
    (
        Kind::Ssh,
        "Host key verification failed",
        "run ssh once by hand to see and accept the server's key",
    ),
    (
        Kind::Ssh,
        "Permission denied",
        "the server takes no key of yours; see `ssh-add -l` and tunnel.args",
    ),
    (
        Kind::Ssh,
        "remote port forwarding failed",
        "the server refuses the port; set another tunnel.remote, or allow it there",
    ),
    (
        Kind::Ssh,
        "Could not resolve hostname",
        "tunnel.destination names no host that can be looked up",
    ),
    (
        Kind::Ssh,
        "Connection refused",
        "no ssh server answers there; check tunnel.destination and the port in tunnel.args",
    ),
    (Kind::Ssh, "Connection timed out", "no ssh server answers there; is the network up?"),
];

/// What a tool said last, in words for a person: the line that matters and what helps.
#[must_use]
pub fn complaint<'l>(
    kind: Kind,
    lines: impl DoubleEndedIterator<Item = &'l str> + Clone,
) -> String {
    for line in lines.clone().rev() {
        let known = KNOWN.iter().find(|(of, words, _)| *of == kind && line.contains(words));
        if let Some((_, _, remedy)) = known {
            return format!("{}; {remedy}", short(line));
        }
    }
    let telling = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["err", "fail", "denied", "fatal", "crit"].iter().any(|word| line.contains(word))
    };
    let last = lines
        .clone()
        .rev()
        .find(telling)
        .or_else(|| lines.rev().find(|line| !line.trim().is_empty()));
    last.map_or_else(|| "it said nothing".to_owned(), short)
}

/// What helps when a tool runs and tells no address, to be said after what it told.
#[must_use]
pub const fn without_address(kind: Kind) -> &'static str {
    match kind {
        Kind::Ssh => "; a host of your own tells none: set tunnel.public_url to what leads there",
        Kind::Command => "; it has to print one that begins with https://",
        Kind::None | Kind::Cloudflared | Kind::Ngrok => "",
    }
}

/// The most of a tool's line that is shown, in characters.
const SHOWN: usize = 160;

fn short(line: &str) -> String {
    let plain = without_escapes(line);
    let safe = display_safe(plain.trim());
    let mut short: String = safe.chars().take(SHOWN).collect();
    if short.len() < safe.len() {
        short.push_str("...");
    }
    short
}

/// How long to wait before a tool is started again, after so many failures in a row.
#[must_use]
pub fn backoff(failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(60);
    let doubled = Duration::from_secs(1) * (1 << failures.saturating_sub(1).min(6));
    doubled.min(LONGEST)
}

#[cfg(test)]
mod tests;
