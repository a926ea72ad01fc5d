//! `twoticks campaigns`: templates sent to the people of a file. Works beside an open inbox: everything goes
//! through the store, and whoever holds the sender role hears of it.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::outbox::hand_over;
use super::output::{self, json_line, line};
use super::services::{Backstage, check_secrets, on_panic, rules};
use super::{Session, failed, say};
use crate::app::describe::count;
use crate::app::when;
use crate::domain::campaign::{Campaign, Outcome, Speed, Stage};
use crate::domain::id::CampaignId;
use crate::domain::text::display_safe;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::service::bus::Interest;
use crate::store::account::paused_since;
use crate::store::campaign::{
    campaign, campaigns, cancel_campaign, discard, outcomes, pause, resume,
};
use crate::store::{self, ReadConn, Tx, WriteConn};
use crate::term::campaign::{ResultError, write_result};
use crate::term::signal;

/// Rows that are read at once.
const PAGE: u32 = 500;

/// The most campaigns that are listed: more than anybody looks through.
const LISTED: u32 = 1000;

/// How often the progress is looked at when nothing tells of any, and at most.
const LOOK: Duration = Duration::from_secs(1);

/// How long nothing may move, with all that waits being held, before there is nothing to wait for.
const STILL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Campaigns {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the campaigns of the account, the newest first.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Print where one stands.
    Show {
        /// Its id.
        id: i64,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show its progress until it is through. With no other process running, this one sends.
    Follow {
        /// Its id.
        id: i64,
        /// One JSON object at the end.
        #[arg(long)]
        json: bool,
    },
    /// Send nothing more of it until it is resumed; what is under way ends.
    Pause {
        /// Its id.
        id: i64,
    },
    /// Go on with a paused one.
    Resume {
        /// Its id.
        id: i64,
    },
    /// Send nothing more of it, ever.
    Cancel {
        /// Its id.
        id: i64,
    },
    /// Print what became of every row of its file, as CSV.
    Result {
        /// Its id.
        id: i64,
        /// One JSON object per row.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(session: &Session, campaigns: &Campaigns) -> Result<(), Error> {
    match campaigns.what {
        What::List { json } => list(session, json),
        What::Show { id, json } => {
            let campaign = one(&session.read()?, CampaignId(id))?;
            Ok(if json { json_line(&as_json(&campaign)) } else { show(session, &campaign) }?)
        }
        What::Follow { id, json } => {
            one(&session.read()?, CampaignId(id))?;
            check_secrets(session, session.account()?)?;
            let _log = session.start_log()?;
            let complain = on_panic(|said| tracing::error!(said, "while sending"));
            let backstage = Backstage::prepare(session, complain)?;
            follow(session, backstage, CampaignId(id), json)
        }
        What::Pause { id } => change(session, CampaignId(id), pause),
        What::Resume { id } => change(session, CampaignId(id), resume),
        What::Cancel { id } => cancel(session, CampaignId(id)),
        What::Result { id, json } => results(session, CampaignId(id), json),
    }
}

fn one(read: &ReadConn, id: CampaignId) -> Result<Campaign, Error> {
    campaign(read, id).map_err(no_campaign)
}

fn no_campaign(error: store::Error) -> Error {
    match error {
        error @ store::Error::NotFound { .. } => Error::new(Kind::Partial, error.to_string())
            .hint("twoticks campaigns list shows which there are"),
        other => failed(other),
    }
}

fn list(session: &Session, json: bool) -> Result<(), Error> {
    let read = session.read()?;
    let account = session.stored_account(&read)?;
    for campaign in campaigns(&read, account.id, LISTED).map_err(failed)? {
        if json {
            json_line(&as_json(&campaign))?;
            continue;
        }
        let text = format!(
            "{:>4}  {:<9}  {:>8} of {:<8}  {}  {} {}",
            campaign.id.0,
            campaign.state(),
            count(size(campaign.settled())),
            count(size(campaign.good)),
            when::full(campaign.at, &session.config.timezone),
            campaign.template,
            campaign.file,
        );
        line(&display_safe(&text))?;
    }
    Ok(())
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn show(session: &Session, campaign: &Campaign) -> io::Result<()> {
    let counts = &campaign.counts;
    let head = format!(
        "campaign {}, {}: {} {} to {} of {} {} of {}, {}",
        campaign.id,
        campaign.state(),
        campaign.template,
        campaign.language,
        count(size(campaign.good)),
        count(size(campaign.rows)),
        if campaign.rows == 1 { "row" } else { "rows" },
        campaign.file,
        when::full(campaign.at, &session.config.timezone),
    );
    line(&display_safe(&head))?;
    for (words, number) in [
        ("accepted", counts.accepted),
        ("  delivered", counts.delivered),
        ("  read", counts.read),
        ("failed", counts.failed),
        ("uncertain", counts.uncertain),
        ("under way", counts.sending),
        ("waiting", counts.waiting + counts.unwritten),
        ("  held", counts.held),
        ("cancelled", counts.cancelled),
        ("left out", counts.dropped),
    ] {
        if number > 0 {
            line(&format!("{words:<12} {:>8}", count(size(number))))?;
        }
    }
    Ok(())
}

fn as_json(campaign: &Campaign) -> Value {
    let counts = &campaign.counts;
    json!({
        "campaign": campaign.id.0,
        "state": campaign.state(),
        "file": campaign.file,
        "template": campaign.template,
        "language": campaign.language,
        "at": output::time(campaign.at),
        "rows": campaign.rows,
        "good": campaign.good,
        "waiting": counts.waiting + counts.unwritten,
        "held": counts.held,
        "sending": counts.sending,
        "accepted": counts.accepted,
        "delivered": counts.delivered,
        "read": counts.read,
        "failed": counts.failed,
        "uncertain": counts.uncertain,
        "cancelled": counts.cancelled,
        "left_out": counts.dropped,
    })
}

fn writer(session: &Session) -> Result<WriteConn, Error> {
    // Reading first: it says best what is missing.
    drop(session.read()?);
    let write = WriteConn::open(&session.paths.database(), session.clock.now()).map_err(failed)?;
    Ok(write.with_rules(rules(session)))
}

fn change(
    session: &Session,
    id: CampaignId,
    deed: fn(&mut Tx<'_>, CampaignId, Timestamp) -> Result<(), store::Error>,
) -> Result<(), Error> {
    let now = session.clock.now();
    let mut store = writer(session)?;
    store.write(|tx| deed(tx, id, now)).map_err(no_campaign)?;
    hand_over(session, store)?;
    Ok(show(session, &one(&session.read()?, id)?)?)
}

/// Cancels one; one that was never started, because storing it was interrupted, is removed.
fn cancel(session: &Session, id: CampaignId) -> Result<(), Error> {
    if one(&session.read()?, id)?.stage != Stage::Draft {
        return change(session, id, cancel_campaign);
    }
    let mut write = writer(session)?;
    while !write.write(|tx| discard(tx, id)).map_err(no_campaign)?.0 {}
    hand_over(session, write)?;
    say(&format!("campaign {id} was never started; it is removed"));
    Ok(())
}

fn results(session: &Session, id: CampaignId, json: bool) -> Result<(), Error> {
    let read = session.read()?;
    one(&read, id)?;
    if json {
        return each(&read, id, |outcome| Ok(json_line(&outcome_json(outcome))?));
    }
    write_result(&read, id, io::stdout().lock()).map_err(|error| match error {
        ResultError::Store(error) => failed(error),
        ResultError::File(error) => Error::from(error),
    })
}

fn each(
    read: &ReadConn,
    id: CampaignId,
    mut tell: impl FnMut(&Outcome) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = outcomes(read, id, after, PAGE).map_err(failed)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.row;
        page.iter().try_for_each(&mut tell)?;
    }
}

fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "row": outcome.row,
        "typed": outcome.typed,
        "wa_id": outcome.to.as_ref().map(ToString::to_string),
        "message": outcome.message.map(|id| id.0),
        "state": outcome.state,
        "at": outcome.at.map(output::time),
        "code": outcome.code,
        "reason": outcome.reason,
    })
}

/// What [`follow`] hears.
enum Heard {
    News,
    End,
}

/// Sends, unless another process does, and shows the progress on stderr until all are through.
pub(super) fn follow(
    session: &Session,
    mut backstage: Backstage,
    id: CampaignId,
    json: bool,
) -> Result<(), Error> {
    backstage.go_live(session)?;
    let (told, heard) = channel();
    let asked = told.clone();
    let complain = on_panic(|said| tracing::error!(said, "while sending"));
    let _signals = signal::start(false, complain, move |_| {
        // Whoever would hear it has ended.
        asked.send(Heard::End).ok();
    })
    .map_err(|error| Error::failed("cannot listen for signals").because(&error))?;
    let news = backstage.bus.subscribe(Interest::Everything, move || {
        told.send(Heard::News).ok();
    });
    let result = watch(session, &backstage, id, &heard, || drop(news.take()));
    drop(news);
    backstage.stop();
    let campaign = one(&session.read()?, id)?;
    if json {
        json_line(&as_json(&campaign))?;
    } else {
        show(session, &campaign)?;
    }
    result
}

fn watch(
    session: &Session,
    backstage: &Backstage,
    id: CampaignId,
    heard: &Receiver<Heard>,
    again: impl Fn(),
) -> Result<(), Error> {
    let mut bar = Bar::new();
    let mut moved = (session.clock.monotonic(), u32::MAX);
    let result = loop {
        again();
        let found = backstage.reader.ask_and_wait("campaign", move |read| {
            let campaign = campaign(read, id)?;
            let paused = paused_since(read, campaign.account)?.is_some();
            Ok((campaign, paused))
        });
        let now = session.clock.now();
        let (campaign, paused) = match found {
            Ok(found) => found,
            Err(error) => break Err(failed(error)),
        };
        bar.show(&campaign, now)?;
        if campaign.settled() != moved.1 {
            moved = (session.clock.monotonic(), campaign.settled());
        }
        let still = session.clock.monotonic().since(moved.0) >= STILL;
        let health = backstage.bus.health();
        if let Some(done) = judge(&campaign, still) {
            break done;
        }
        if paused {
            bar.say("sending is paused; twoticks outbox resume lets it go on");
        } else if let Some(trouble) = health.trouble_of(campaign.account).filter(|_| still) {
            bar.say(&trouble);
        } else if let Some(trouble) = health.sender_trouble(campaign.account) {
            bar.say(&trouble);
        }
        match heard.recv_timeout(LOOK) {
            Ok(Heard::End) if campaign.stage == Stage::Draft => break Err(never_started(id)),
            Ok(Heard::End) => {
                let words = format!("campaign {id} goes on when twoticks runs again");
                break Err(Error::new(Kind::Interrupted, words).hint(format!(
                    "twoticks campaigns follow {id}, the inbox or listen sends it"
                )));
            }
            Ok(Heard::News) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    bar.end();
    result
}

fn never_started(id: CampaignId) -> Error {
    Error::new(Kind::Partial, format!("campaign {id} was never started: storing it was cut off"))
        .hint(format!(
            "twoticks templates send sends its file again; twoticks campaigns cancel {id} removes it"
        ))
}

/// What following ends with, if it does.
fn judge(campaign: &Campaign, still: bool) -> Option<Result<(), Error>> {
    let (id, counts) = (campaign.id, &campaign.counts);
    let partial = |words: String| Some(Err(Error::new(Kind::Partial, words)));
    match campaign.stage {
        Stage::Paused if counts.sending == 0 => {
            partial(format!("campaign {id} is paused: twoticks campaigns resume {id}"))
        }
        // Another process may be storing it at this moment.
        Stage::Draft if still => Some(Err(never_started(id))),
        Stage::Cancelled if campaign.is_done() => partial(format!("campaign {id} is cancelled")),
        _ if campaign.is_done() && counts.uncertain > 0 => Some(Err(Error::new(
            Kind::Unknown,
            format!("nobody can say yet whether {} messages were accepted", counts.uncertain),
        )
        .hint("their statuses tell; twoticks outbox list --state uncertain lists them"))),
        _ if campaign.is_done() && counts.failed + counts.dropped > 0 => {
            let failed = counts.failed + counts.dropped;
            partial(format!("{failed} did not go: twoticks campaigns result {id} says why"))
        }
        _ if campaign.is_done() => Some(Ok(())),
        _ if still && counts.held > 0 && counts.held == counts.waiting && counts.sending == 0 => {
            partial(format!(
                "{} wait until they may go; the inbox or twoticks listen sends them then; twoticks outbox list \
                 --state held says why",
                counts.waiting + counts.unwritten
            ))
        }
        _ => None,
    }
}

/// The progress on stderr: one line that changes on a terminal, and elsewhere a line now and then.
struct Bar {
    speed: Speed,
    live: bool,
    told: Option<u32>,
    shown: Option<Timestamp>,
    said: Option<String>,
}

impl Bar {
    fn new() -> Self {
        let live = io::stderr().is_terminal();
        Self { speed: Speed::default(), live, told: None, shown: None, said: None }
    }

    fn show(&mut self, campaign: &Campaign, now: Timestamp) -> io::Result<()> {
        let settled = campaign.settled();
        // News come with every commit; a person reads ten lines a second at most.
        let soon = self.shown.is_some_and(|at| now.since(at) < Duration::from_millis(100));
        if soon && !campaign.is_done() {
            return Ok(());
        }
        self.shown = Some(now);
        self.speed.note(now, settled);
        let percent = settled.saturating_mul(100) / campaign.good.max(1);
        let tenth = percent / 10;
        if !self.live && self.told == Some(tenth) {
            return Ok(());
        }
        self.told = Some(tenth);
        let text = progress(campaign, &self.speed);
        let mut err = io::stderr().lock();
        if self.live {
            write!(err, "\r{text}\x1b[K")?;
        } else {
            writeln!(err, "{text}")?;
        }
        err.flush()
    }

    fn say(&mut self, words: &str) {
        if self.said.as_deref() != Some(words) {
            self.end();
            say(&format!("waiting: {}", display_safe(words)));
            self.said = Some(words.to_owned());
        }
    }

    fn end(&self) {
        if self.live {
            say("");
        }
    }
}

/// `4,000 of 9,500  42 %  80/s  1m08s left`.
fn progress(campaign: &Campaign, speed: &Speed) -> String {
    let (settled, good) = (campaign.settled(), campaign.good);
    let mut text = format!(
        "{} of {}  {} %",
        count(size(settled)),
        count(size(good)),
        settled.saturating_mul(100) / good.max(1)
    );
    let left = good.saturating_sub(settled);
    if let (Some(rate), Some(eta)) = (speed.per_second(), speed.eta(left)) {
        // Writing to a string cannot fail; so below.
        write!(text, "  {rate:.0}/s").ok();
        if left > 0 {
            write!(text, "  {} left", when::takes(eta)).ok();
        }
    }
    for (number, word) in
        [(campaign.counts.failed, "failed"), (campaign.counts.uncertain, "uncertain")]
    {
        if number > 0 {
            write!(text, "  {number} {word}").ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::domain::campaign::{Campaign, Counts, Stage};
    use crate::domain::id::{AccountId, CampaignId};
    use crate::domain::time::Timestamp;

    /// It was waited for without an end, and then said to go on by itself.
    #[test]
    fn a_campaign_that_was_never_started_was_followed_for_ever() {
        let draft = Campaign {
            id: CampaignId(4),
            account: AccountId(1),
            file: "vip.csv".to_owned(),
            template: "cupom".to_owned(),
            language: "pt_BR".to_owned(),
            stage: Stage::Draft,
            at: Timestamp::default(),
            rows: 1500,
            good: 1500,
            counts: Counts { unwritten: 1500, ..Counts::default() },
        };
        assert!(judge(&draft, false).is_none(), "it may be being stored");
        let ended = judge(&draft, true).unwrap().unwrap_err().to_string();
        assert!(ended.contains("campaign 4 was never started"), "{ended}");
        assert!(ended.contains("campaigns cancel 4 removes it"), "{ended}");
    }
}
