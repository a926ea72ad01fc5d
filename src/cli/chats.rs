//! `twoticks chats`: the list of conversations, and one of them.

use clap::{Args, Subcommand, ValueEnum};

use super::output::{self, json_line, line};
use super::{Session, failed};
use crate::domain::conversation::{Conversation, Filter};
use crate::domain::id::{ConversationId, WaId};
use crate::domain::message::{Direction, Message};
use crate::domain::page::{ListKey, ListPage, MessagePage};
use crate::domain::text::{self, display_safe, display_safe_multiline};
use crate::error::{Error, Kind};
use crate::store::{ReadConn, list, message};

/// Rows that are read at once.
const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(super) struct Chats {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List conversations, newest activity first.
    List {
        /// Which ones.
        #[arg(long, value_enum, default_value_t = Which::All)]
        filter: Which,
        /// At most this many.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show the messages of a conversation, oldest first.
    Show {
        /// Its id, or the contact's number with its plus.
        #[arg(value_name = "CONVERSATION", allow_hyphen_values = true)]
        conversation: String,
        /// The newest so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    All,
    Unread,
    Waiting,
}

pub(super) fn run(session: &Session, chats: &Chats) -> Result<(), Error> {
    let read = session.read()?;
    match &chats.what {
        What::List { filter, limit, json } => {
            let filter = match filter {
                Which::All => Filter::All,
                Which::Unread => Filter::Unread,
                Which::Waiting => Filter::Waiting,
            };
            list_all(session, &read, filter, limit.unwrap_or(u32::MAX), *json)
        }
        What::Show { conversation, limit, json } => {
            show(session, &read, conversation, *limit, *json)
        }
    }
}

fn list_all(
    session: &Session,
    read: &ReadConn,
    filter: Filter,
    limit: u32,
    json: bool,
) -> Result<(), Error> {
    let account = session.stored_account(read)?;
    let now = session.clock.now();
    let mut page = ListPage::First;
    let mut left = limit;
    while left > 0 {
        let rows = list::conversations(read, account.id, filter, "", page, PAGE.min(left))
            .map_err(failed)?;
        for row in &rows.rows {
            if json {
                json_line(&output::conversation(row, now))?;
            } else {
                line(&list_line(row))?;
            }
        }
        left = left.saturating_sub(u32::try_from(rows.rows.len()).unwrap_or(u32::MAX));
        let Some(last) = rows.rows.last().filter(|_| rows.more_below) else { break };
        page = ListPage::After(ListKey { activity: last.activity, id: last.id });
    }
    Ok(())
}

/// The columns a name is given; a longer one takes what it needs.
const NAME: usize = 32;

/// `  12  2023-11-14T22:13:20.007Z  2 new   Ana (+5511..)   < text`
fn list_line(row: &Conversation) -> String {
    let unread = match (row.unread, row.marked_unread) {
        (0, false) => "-".to_owned(),
        (0, true) => "marked".to_owned(),
        (count, _) => format!("{count} new"),
    };
    let name = output::who(&row.contact);
    let name = display_safe(&name);
    let padding = " ".repeat(NAME.saturating_sub(text::width(&name)));
    let preview = row.preview.as_ref().map_or_else(String::new, |preview| {
        let mark = mark(preview.direction);
        let state = match preview.direction {
            Direction::Inbound => String::new(),
            Direction::Outbound => format!("{}: ", preview.state.name()),
        };
        let group = if preview.in_group { "[group] " } else { "" };
        format!("{mark} {state}{group}{}", display_safe(&preview.text))
    });
    let at = output::time(row.activity);
    let line = format!("{:>5}  {at}  {unread:<7} {name}{padding}  {preview}", row.id.0);
    line.trim_end().to_owned()
}

const fn mark(direction: Direction) -> char {
    match direction {
        Direction::Inbound => '<',
        Direction::Outbound => '>',
    }
}

fn show(
    session: &Session,
    read: &ReadConn,
    wanted: &str,
    limit: u32,
    json: bool,
) -> Result<(), Error> {
    let id = find(session, read, wanted)?;
    let rows = message::messages(read, id, MessagePage::Newest, limit).map_err(failed)?;
    if !json {
        super::say(&display_safe(&output::who(&rows.conversation.contact)));
    }
    for message in &rows.messages {
        if json {
            json_line(&output::message(message))?;
        } else {
            line(&message_line(message))?;
        }
    }
    Ok(())
}

fn find(session: &Session, read: &ReadConn, wanted: &str) -> Result<ConversationId, Error> {
    let nothing = || {
        Error::new(Kind::Partial, format!("there is no conversation {wanted:?}"))
            .hint("twoticks chats list shows their ids and numbers")
    };
    let found = if let Some(number) = wanted.strip_prefix('+') {
        let account = session.stored_account(read)?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        list::find_conversation(read, account.id, &WaId::new(digits)).map_err(failed)?
    } else {
        let id = wanted.parse().map_err(|_no_number: std::num::ParseIntError| nothing())?;
        match list::conversation(read, ConversationId(id)) {
            Ok(found) => Some(found),
            Err(crate::store::Error::NotFound { .. }) => None,
            Err(error) => return Err(failed(error)),
        }
    };
    found.map(|conversation| conversation.id).ok_or_else(nothing)
}

/// `2023-11-14T22:13:20.007Z > delivered  text`; further lines are indented.
fn message_line(message: &Message) -> String {
    let words = output::words(&message.body);
    let group = if message.group.is_some() { "[group] " } else { "" };
    let text = display_safe_multiline(&words).replace('\n', "\n    ");
    let (at, mark) = (output::time(message.at), mark(message.direction));
    let line = format!("{at} {mark} {:<9}  {group}{text}", message.state.name());
    match &message.trouble {
        Some(trouble) => {
            let code = trouble.code.map_or_else(String::new, |code| format!("{code} "));
            format!("{line}\n    {code}{}", display_safe(&trouble.detail))
        }
        None => line,
    }
}
