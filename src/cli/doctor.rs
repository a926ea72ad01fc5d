//! `twoticks doctor`: every part of the set-up looked at, one line each, and for each that is wrong its cause
//! and what to do. Nothing is changed and nothing is sent to anybody.

mod account;
mod local;
mod redact;
mod screen;
mod way_in;

use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::output::{json_line, line};
use super::{Global, Session};
use crate::domain::checkup::{Finding, Verdict};
use crate::domain::health::{Condition, Health};
use crate::domain::text::display_safe;
use crate::domain::tunnel::TunnelHealth;
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
        let finding = redact.as_ref().map_or_else(|| finding.clone(), |redact| redact.of(finding));
        if doctor.json {
            json_line(&json!({
                "check": finding.check,
                "account": finding.account,
                "verdict": finding.verdict.name(),
                "says": finding.says,
                "remedy": finding.remedy,
            }))?;
            continue;
        }
        for words in finding.lines() {
            line(&display_safe(&words))?;
        }
    }
    match report.wrongs() {
        0 => Ok(()),
        1 => Err(Error::failed("1 thing is wrong")),
        more => Err(Error::failed(format!("{more} things are wrong"))),
    }
}

/// Looks at everything but the terminal, for the screen, which is drawn on it: the config as it is in force, and
/// what this process knows of its own listener and tunnel.
pub(super) fn on_screen(session: &Session, health: &Health) -> Vec<Finding> {
    let mut session = session.clone();
    let listening = health.listener_address.as_deref();
    let bound = listening.and_then(|address| address.parse::<SocketAddr>().ok());
    if let Some(bound) = bound {
        (session.config.listener.address, session.config.listener.port) =
            (bound.ip(), bound.port());
    }
    let session = &session;
    let mut report = Report::default();
    let (shown, accounts) = (session.config_file.display(), session.config.accounts.len());
    report.right("config", format!("{shown}, accounts: {accounts}"));
    for warning in &session.config.warnings {
        report.note("config", warning.clone());
    }
    if let Err(error) = examine(&mut report, session) {
        report.wrong("doctor", error.message, error.hint.unwrap_or_default());
    }
    running_tunnel(&mut report.findings, &health.tunnel);
    report.findings
}

/// A tunnel that runs here and was not proved yet is in no store: what is said of it is what this process knows.
fn running_tunnel(findings: &mut [Finding], tunnel: &TunnelHealth) {
    let noted = |found: &&mut Finding| found.check == "tunnel" && found.verdict == Verdict::Note;
    let (Some(kind), Some(found)) = (tunnel.kind, findings.iter_mut().find(noted)) else { return };
    match &tunnel.condition {
        Condition::Starting => found.says = format!("{kind} starts; nothing came through it yet"),
        Condition::Down(why) => {
            found.verdict = Verdict::Wrong;
            found.says = format!("{kind} is down: {why}");
            found.remedy = Some("it is started again by itself; mend what it says".to_owned());
        }
        Condition::Up | Condition::Elsewhere | Condition::Off => {}
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

#[cfg(test)]
mod tests {
    use super::{Condition, Report, TunnelHealth, Verdict, running_tunnel};

    /// On the screen it was said to start with the inbox, in the inbox, while it was down.
    #[test]
    fn a_tunnel_that_runs_here_is_told_as_it_is() {
        let told = |condition: Condition| {
            let mut report = Report::default();
            report.note("tunnel", "ngrok is set; it starts with the inbox or listen");
            let tunnel = TunnelHealth { kind: Some("ngrok"), condition, ..TunnelHealth::default() };
            running_tunnel(&mut report.findings, &tunnel);
            let found = report.findings.remove(0);
            (found.verdict, found.says)
        };
        let (verdict, says) = told(Condition::Down("no authtoken".to_owned()));
        assert_eq!((verdict, says.as_str()), (Verdict::Wrong, "ngrok is down: no authtoken"));
        let (verdict, says) = told(Condition::Starting);
        assert_eq!(verdict, Verdict::Note);
        assert!(says.contains("nothing came through it yet"), "{says}");
    }
}
