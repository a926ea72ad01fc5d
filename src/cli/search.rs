//! `twoticks search`: full text over every message.

use clap::Args;
use serde_json::json;

use super::output::{direction, json_line, line, time};
use super::{Session, failed};
use crate::domain::message::Direction;
use crate::domain::text::display_safe;
use crate::error::{Error, Kind};
use crate::store::search::search;

/// Hits that are read at once.
const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(super) struct Search {
    /// All of these words, the last one as the beginning of a word. Case and accents do not matter.
    #[arg(value_name = "QUERY", required = true, num_args = 1..)]
    query: Vec<String>,
    /// At most this many, the newest first.
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, wanted: &Search) -> Result<(), Error> {
    let read = session.read()?;
    session.check_account(&read)?;
    let query = wanted.query.join(" ");
    if query.trim().is_empty() {
        return Err(Error::usage("there is nothing to look for").hint("give a word or several"));
    }
    let (mut before, mut left, mut found) = (None, wanted.limit, false);
    while left > 0 {
        let asked = PAGE.min(left);
        let hits = search(&read, &query, before, asked).map_err(failed)?;
        let count = u32::try_from(hits.len()).unwrap_or(u32::MAX);
        for hit in &hits {
            found = true;
            if wanted.json {
                json_line(&json!({
                    "message": hit.message.0,
                    "conversation": hit.conversation.0,
                    "name": hit.name,
                    "direction": direction(hit.direction),
                    "at": time(hit.at),
                    "excerpt": hit.excerpt,
                }))?;
                continue;
            }
            let mark = if hit.direction == Direction::Inbound { '<' } else { '>' };
            let name = display_safe(hit.name.as_deref().unwrap_or("?"));
            let (message, conversation) = (hit.message.0, hit.conversation.0);
            let (at, excerpt) = (time(hit.at), display_safe(&hit.excerpt));
            line(&format!("{message:>7}  {at}  {conversation:>5}  {mark} {name}: {excerpt}"))?;
        }
        left = left.saturating_sub(count);
        before = hits.last().map(|hit| hit.message).filter(|_| count == asked);
        if before.is_none() {
            break;
        }
    }
    if found {
        return Ok(());
    }
    let safe = display_safe(&query);
    Err(Error::new(Kind::Partial, format!("nothing has \"{safe}\"")))
}
