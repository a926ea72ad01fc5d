//! What a report hides when others are to read it: numbers, ids, hosts, places, names.

use std::net::Ipv4Addr;

use url::{Host, Url};

use crate::cli::Session;
use crate::domain::checkup::Finding;
use crate::domain::text::shorten_number;

/// Digits from which on a run of them is a number of somebody or an id.
const DIGITS: usize = 6;

/// So many other characters may stand between two digits of one number: `(11) 5550`.
const GAP: usize = 3;

/// Words up to this length may be part of others, and are hidden only where they stand alone.
const SHORT: usize = 3;

/// Hosts that everybody has.
const KNOWN: [&str; 4] = ["127.0.0.1", "[::1]", "localhost", "graph.facebook.com"];

/// What a check learnt that others need not know.
#[derive(Clone, Debug)]
pub(super) enum Private {
    /// A business, as its customers see it.
    Name(String),
    /// A phone number, as it is written.
    Number(String),
    /// An address, or a host alone.
    Host(String),
}

/// Names of accounts that reports use for other things: they tell nobody anything.
const ORDINARY: [&str; 14] = [
    "account",
    "app",
    "business",
    "config",
    "default",
    "listener",
    "main",
    "number",
    "phone",
    "simulator",
    "test",
    "token",
    "tunnel",
    "webhook",
];

/// Hides what others need not know.
pub(in crate::cli) struct Redact {
    /// The names of the accounts, and what stands for each.
    accounts: Vec<(String, String)>,
    /// What is replaced, and by what; the longest first.
    words: Vec<(String, String)>,
}

impl Redact {
    pub(super) fn new(session: Option<&Session>, learnt: &[Private]) -> Self {
        let (mut accounts, mut words) = (Vec::new(), Vec::new());
        if let Some(home) = std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned)) {
            // The root is part of every path.
            words.extend((home.len() > 1).then(|| (home, "~".to_owned())));
        }
        if let Some(session) = session {
            let config = &session.config;
            for (at, account) in (1..).zip(&config.accounts) {
                accounts.push((account.name.clone(), format!("account-{at}")));
                words.extend(account.number.clone().map(|number| (number, "+…".to_owned())));
            }
            let data = session.paths.data.display().to_string();
            words.push((data, "DATA".to_owned()));
            words.push((session.config_file.display().to_string(), "CONFIG".to_owned()));
            let addresses = [Some(&config.base_url), config.tunnel.public_url.as_ref()];
            let hosts = addresses.into_iter().flatten().filter_map(|url| host(url.as_str()));
            words.extend(hosts.chain(config.tunnel.destination.clone()).map(hidden));
        }
        words.extend(learnt.iter().filter_map(|private| match private {
            Private::Name(name) => Some((name.clone(), "NAME".to_owned())),
            Private::Number(number) => Some((number.clone(), "+…".to_owned())),
            Private::Host(address) => host(address).map(hidden),
        }));
        words.extend(
            accounts.iter().filter(|(name, _)| !ORDINARY.contains(&name.as_str())).cloned(),
        );
        words.retain(|(word, _)| !word.trim().is_empty());
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { accounts, words }
    }

    /// What was found, without them.
    pub(super) fn of(&self, finding: &Finding) -> Finding {
        let stands_for = |name: &String| {
            let known = self.accounts.iter().find(|(account, _)| account == name);
            known.map_or_else(|| self.hide(name), |(_, instead)| instead.clone())
        };
        Finding {
            account: finding.account.as_ref().map(stands_for),
            says: self.hide(&finding.says),
            remedy: finding.remedy.as_deref().map(|remedy| self.hide(remedy)),
            ..finding.clone()
        }
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, instead) in &self.words {
            text = without(&text, word, instead);
        }
        digits(&hosts(&text))
    }
}

fn hidden(host: String) -> (String, String) {
    (host, "…".to_owned())
}

/// The host of an address, unless everybody has it.
fn host(address: &str) -> Option<String> {
    let parsed = address.parse::<Url>().ok();
    let host = parsed.as_ref().and_then(Url::host).as_ref().map(Host::to_string);
    let host = host.unwrap_or_else(|| address.to_owned());
    (!KNOWN.contains(&host.as_str())).then_some(host)
}

/// Replaces a word; a short one only where no letter or digit is beside it.
fn without(text: &str, word: &str, instead: &str) -> String {
    let alone = word.chars().count() <= SHORT;
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        replaced.push_str(before);
        let inside = |beside: Option<char>| alone && beside.is_some_and(char::is_alphanumeric);
        let part = inside(replaced.chars().next_back()) || inside(after.chars().next());
        replaced.push_str(if part { word } else { instead });
        rest = after;
    }
    replaced + rest
}

/// Hosts of addresses, but those that everybody has.
fn hosts(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        hidden.push_str(before);
        hidden.push_str("://");
        let end = after.find(['/', ' ', ',', ';', '?', ':', ')']).unwrap_or(after.len());
        let (host, behind) = after.split_at(end);
        hidden.push_str(if KNOWN.contains(&host) { host } else { "…" });
        rest = behind;
    }
    hidden + rest
}

/// Numbers of six and more digits, also with spaces, dashes, dots and brackets between them, as people write
/// phone numbers. Times and addresses of this machine stay.
fn digits(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(run_length(from));
        let bare: String = run.chars().filter(char::is_ascii_digit).collect();
        let is_date = bare.len() == 8 && run.len() == 10 && after.starts_with('T');
        let is_here = run.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if bare.len() < DIGITS || is_date || is_here {
            hidden.push_str(before);
            hidden.push_str(run);
        } else {
            // Its plus comes back with what is left of it.
            hidden.push_str(before.strip_suffix('+').unwrap_or(before));
            hidden.push_str(&shorten_number(&bare));
        }
        rest = after;
    }
    hidden + rest
}

/// How far the number goes that the text begins with, in bytes: to its last digit.
fn run_length(text: &str) -> usize {
    let (mut end, mut gap) = (0, 0);
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            (end, gap) = (at + 1, 0);
        } else if gap < GAP && (c.is_whitespace() || "-()+.\u{2010}\u{2011}\u{2013}".contains(c)) {
            gap += 1;
        } else {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{Private, Redact, digits, hosts};

    #[test]
    fn numbers_hosts_and_names_are_hidden_and_the_rest_stays() {
        assert_eq!(
            digits("id 106540352242922 has 4096, of 12345"),
            "id +10…2922 has 4096, of 12345"
        );
        assert_eq!(
            hosts("https://abc.example/webhook and http://127.0.0.1:80/"),
            "https://…/webhook and http://127.0.0.1:80/"
        );
        let words = vec![("Loja Sol".to_owned(), "account-1".to_owned())];
        let redact = Redact { accounts: Vec::new(), words };
        assert_eq!(redact.hide("Loja Sol: ok"), "account-1: ok");
    }

    #[test]
    fn a_number_as_meta_writes_it_was_shown_whole() {
        for number in ["+55 11 5550-0199", "+1 (555) 555-0100", "55.11.5550.0199"] {
            let said = digits(&format!("Loja Sol, {number}, quality GREEN"));
            assert!(!said.contains("5550") && !said.contains("555-"), "{said}");
            assert!(said.ends_with(", quality GREEN"), "{said}");
        }
        for plain in ["valid until 2026-11-21T18:08:51.000Z", "127.0.0.1:8787: answers in 2 ms"] {
            assert_eq!(digits(plain), plain);
        }
    }

    #[test]
    fn what_a_check_learnt_is_hidden_also_where_it_is_no_address_or_short() {
        let learnt = [
            Private::Name("Zé".to_owned()),
            Private::Host("https://my-name.trycloudflare.com/webhook".to_owned()),
            Private::Host("http://127.0.0.1:1/".to_owned()),
        ];
        let redact = Redact::new(None, &learnt);
        let said =
            redact.hide("Zé, cannot connect to my-name.trycloudflare.com, not 127.0.0.1; Zéfiro");
        assert_eq!(said, "NAME, cannot connect to …, not 127.0.0.1; Zéfiro");
    }
}
