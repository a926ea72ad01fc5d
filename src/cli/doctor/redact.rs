//! What a report hides when others are to read it: numbers, ids, hosts, places, names.

use crate::cli::Session;
use crate::domain::text::shorten_number;

/// Digits from which on a run of them is a number of somebody or an id.
const DIGITS: usize = 6;

/// Hides what others need not know.
pub(in crate::cli) struct Redact {
    /// What is replaced, and by what; the longest first.
    words: Vec<(String, String)>,
}

impl Redact {
    pub(super) fn new(session: Option<&Session>) -> Self {
        let mut words = Vec::new();
        if let Some(home) = std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned)) {
            words.push((home, "~".to_owned()));
        }
        if let Some(session) = session {
            for (at, account) in (1..).zip(&session.config.accounts) {
                words.push((account.name.clone(), format!("account-{at}")));
                words.extend(account.number.clone().map(|number| (number, "+…".to_owned())));
            }
            let data = session.paths.data.display().to_string();
            words.push((data, "DATA".to_owned()));
            words.push((session.config_file.display().to_string(), "CONFIG".to_owned()));
        }
        words.retain(|(word, _)| word.chars().count() > 2);
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { words }
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, instead) in &self.words {
            text = text.replace(word, instead);
        }
        digits(&hosts(&text))
    }
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
        let known = ["127.0.0.1", "localhost", "graph.facebook.com"].contains(&host);
        hidden.push_str(if known { host } else { "…" });
        rest = behind;
    }
    hidden + rest
}

fn digits(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        if run.len() >= DIGITS {
            hidden.push_str(&shorten_number(&run));
        } else {
            hidden.push_str(&run);
        }
        run.clear();
        if c != '\0' {
            hidden.push(c);
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::{Redact, digits, hosts};

    #[test]
    fn numbers_hosts_and_names_are_hidden_and_the_rest_stays() {
        assert_eq!(digits("id 106540352242922 has 4096 of 12345"), "id +10…2922 has 4096 of 12345");
        assert_eq!(
            hosts("https://abc.example/webhook and http://127.0.0.1:80/"),
            "https://…/webhook and http://127.0.0.1:80/"
        );
        let words = vec![("Loja Sol".to_owned(), "account-1".to_owned())];
        assert_eq!(Redact { words }.hide("Loja Sol: ok"), "account-1: ok");
    }
}
