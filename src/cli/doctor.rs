//! `twoticks doctor`: every part of the set-up looked at, one line each, and for each that is wrong its cause
//! and what to do. Nothing is changed and nothing is sent to anybody.

mod account;
mod local;
mod redact;
mod screen;
mod way_in;

use clap::Args;
use serde_json::json;

use super::output::{json_line, line};
use super::{Global, Session};
use crate::domain::text::display_safe;
use crate::error::Error;

use self::redact::Private;
pub(super) use self::redact::Redact;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// Shorten numbers, ids, addresses and places, to show it to others.
    #[arg(long)]
    redact: bool,
}

/// How a part of the set-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    /// It works, and there is something to know.
    Note,
    Wrong,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Note => "note",
            Self::Wrong => "wrong",
        }
    }
}

/// What was found out about one part.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The part.
    check: &'static str,
    /// The account it is about, if it is about one.
    account: Option<String>,
    verdict: Verdict,
    /// What is so; unsanitised.
    says: String,
    /// What to do about it.
    remedy: Option<String>,
}

/// What was found out so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    /// The account that is being looked at.
    account: Option<String>,
    /// What the findings may hold that others need not know.
    private: Vec<Private>,
}

impl Report {
    /// Has something hidden from others.
    fn hides(&mut self, private: Option<Private>) {
        self.private.extend(private);
    }

    fn add(&mut self, check: &'static str, verdict: Verdict, says: String, remedy: Option<String>) {
        let account = self.account.clone();
        self.findings.push(Finding { check, account, verdict, says, remedy });
    }

    fn right(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Right, says.into(), None);
    }

    fn note(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Note, says.into(), None);
    }

    fn wrong(&mut self, check: &'static str, says: impl Into<String>, remedy: impl Into<String>) {
        self.add(check, Verdict::Wrong, says.into(), Some(remedy.into()));
    }

    fn wrongs(&self) -> usize {
        self.findings.iter().filter(|found| found.verdict == Verdict::Wrong).count()
    }
}

pub(super) fn run(global: &Global, doctor: &Doctor) -> Result<(), Error> {
    let mut report = Report::default();
    let session = local::config(&mut report, global);
    if !doctor.json {
        screen::terminal(&mut report);
    }
    if let Some(session) = &session {
        examine(&mut report, session)?;
    }
    let redact = doctor.redact.then(|| Redact::new(session.as_ref(), &report.private));
    for finding in &report.findings {
        let hide = |text: &str| {
            redact.as_ref().map_or_else(|| text.to_owned(), |redact| redact.hide(text))
        };
        if doctor.json {
            json_line(&json!({
                "check": finding.check,
                "account": finding.account.as_deref().map(hide),
                "verdict": finding.verdict.name(),
                "says": hide(&finding.says),
                "remedy": finding.remedy.as_deref().map(hide),
            }))?;
            continue;
        }
        for words in lines(finding) {
            line(&display_safe(&hide(&words)))?;
        }
    }
    match report.wrongs() {
        0 => Ok(()),
        1 => Err(Error::failed("1 thing is wrong")),
        more => Err(Error::failed(format!("{more} things are wrong"))),
    }
}

/// All that can be looked at with a config that is right.
fn examine(report: &mut Report, session: &Session) -> Result<(), Error> {
    local::data(report, session);
    local::database(report, session);
    way_in::listener(report, session)?;
    way_in::tunnel(report, session)?;
    for account in &session.config.accounts {
        report.account = Some(account.name.clone());
        account::examine(report, session, account)?;
    }
    report.account = None;
    Ok(())
}

/// `token         WRONG  shop: it has expired`, and the remedy on a line of its own.
fn lines(finding: &Finding) -> Vec<String> {
    let word = match finding.verdict {
        Verdict::Right => "ok",
        Verdict::Note => "note",
        Verdict::Wrong => "WRONG",
    };
    let account = finding.account.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    let first = format!("{:<13} {word:<6} {account}{}", finding.check, finding.says);
    let remedy = finding.remedy.iter().map(|remedy| format!("{:<13} {:<6} {remedy}", "", "do"));
    std::iter::once(first).chain(remedy).collect()
}
