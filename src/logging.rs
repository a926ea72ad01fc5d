//! The log: a file per day in the data directory, never the terminal. Lines are handed to a thread of
//! their own, and what cannot be written is dropped: a full disk stops no message.
//!
//! Nothing logs a token, a secret or the text of a message. Numbers are shortened ([`shorten_number`]) before they
//! get here; `Redacting` is the net below, for what slips through inside an error of a library.

use std::io::{self, Write};
use std::path::Path;

use tracing::Level;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::domain::text::shorten_number;
use crate::error::Error;

/// Writes what is left when it is dropped.
#[must_use]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Starts logging into `dir`, keeping this many days. A second call in one process leaves the first in
/// charge, which only tests do.
pub fn start(dir: &Path, level: Level, days: u16) -> Result<LogGuard, Error> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("twoticks")
        .filename_suffix("log")
        .max_log_files(usize::from(days) + 1)
        .build(dir)
        .map_err(|error| {
            Error::failed(format!("cannot write the log in {}", dir.display())).because(&error)
        })?;
    let (writer, worker) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(1024)
        .thread_name("log")
        .finish(Redacting(file));
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_thread_names(true)
        .with_max_level(level)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("the log is already open");
    }
    Ok(LogGuard { _worker: worker })
}

/// Blanks what looks like a secret or a phone number in whatever is written through it. Sees whole lines:
/// the appender writes each event at once.
struct Redacting<W>(W);

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What follows these words up to the end of the value is a secret.
const MARKS: [&str; 8] = [
    "Bearer ",
    "access_token=",
    "appsecret_proof=",
    "hub.verify_token=",
    "sha256=",
    "token=",
    "app_secret=",
    "verify_token=",
];

/// `line` without secrets, with numbers shortened.
#[must_use]
pub fn redact(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some((mark, after)) =
            MARKS.iter().find_map(|mark| rest.strip_prefix(mark).map(|after| (mark, after)))
        {
            out.push_str(mark);
            let value = leading(after, |c| !c.is_whitespace() && !"\"'&,;)}]".contains(c));
            if !value.is_empty() {
                out.push_str("[secret]");
            }
            rest = after.strip_prefix(value).unwrap_or(after);
        } else if first.is_ascii_alphanumeric() {
            let word = leading(rest, |c| c.is_ascii_alphanumeric());
            if is_number(word) && out.ends_with('+') {
                out.pop();
                out.push_str(&shorten_number(word));
            } else if is_token(word) {
                out.push_str("[secret]");
            } else {
                out.push_str(word);
            }
            rest = rest.strip_prefix(word).unwrap_or_default();
        } else {
            out.push(first);
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    out
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// Meta's tokens begin like this and are long.
fn is_token(word: &str) -> bool {
    word.starts_with("EAA") && word.len() >= 20
}

/// Digits that are a phone number if a plus is before them, which our own code and libraries write.
fn is_number(word: &str) -> bool {
    word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_and_numbers_do_not_reach_the_log() {
        let token = format!("EAA{}", "x9".repeat(40));
        let cases = [
            (format!("Authorization: Bearer {token}"), "Authorization: Bearer [secret]"),
            (
                format!("GET /v25.0/1?access_token={token}&a=1"),
                "GET /v25.0/1?access_token=[secret]&a=1",
            ),
            (format!("says {token}."), "says [secret]."),
            ("X-Hub-Signature-256: sha256=00ff".into(), "X-Hub-Signature-256: sha256=[secret]"),
            ("?hub.verify_token=abc&x=1".into(), "?hub.verify_token=[secret]&x=1"),
            ("to +15551230001 ok".into(), "to +15…0001 ok"),
            ("account 1 message 1234567890 ✓".into(), "account 1 message 1234567890 ✓"),
        ];
        for (line, wanted) in cases {
            assert_eq!(redact(&line), wanted);
        }
    }
}
