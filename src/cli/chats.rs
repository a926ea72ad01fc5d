//! `twoticks chats`: the list of conversations, and one of them.

use std::io::BufWriter;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::export::{self, Format};
use super::outbox::hand_over;
use super::output::{self, json_line, line};
use super::recipient::{self, To};
use super::services;
use super::{Session, failed, shell};
use crate::app::describe::{self, window_cell};
use crate::domain::conversation::{Conversation, Filter};
use crate::domain::id::{ConversationId, WaId};
use crate::domain::message::{Direction, Message};
use crate::domain::page::{ListPage, MessagePage};
use crate::domain::text::{self, display_safe, display_safe_multiline};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::store::{ReadConn, WriteConn, list, message, wish};

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
    ///
    /// Each line has the id, the last activity, what is unread, and what is left of the window: 23h, 48m! in
    /// the last hour, tpl for templates only, out for templates without marketing.
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
    /// Send no more marketing templates to a contact.
    OptOut(Whose),
    /// Allow marketing templates to a contact again, who asked for them.
    OptIn(Whose),
    /// Show the messages of a conversation, oldest first.
    Show {
        /// Its id, or the contact's number with its plus or user id.
        #[arg(value_name = "CONVERSATION", allow_hyphen_values = true,
            add = ArgValueCompleter::new(shell::conversations))]
        conversation: String,
        /// The newest so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Write a conversation, or all of the account, to stdout for other programs and people.
    Export {
        /// Its id, or the contact's number with its plus or user id.
        #[arg(value_name = "CONVERSATION", conflicts_with = "all",
            add = ArgValueCompleter::new(shell::conversations))]
        conversation: Option<String>,
        /// Every conversation of the account.
        #[arg(long)]
        all: bool,
        /// What comes out.
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
    },
}

#[derive(Debug, Args)]
struct Whose {
    /// The id of their conversation, or their number with its plus or user id.
    #[arg(value_name = "CONVERSATION", allow_hyphen_values = true,
        add = ArgValueCompleter::new(shell::conversations))]
    conversation: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    All,
    Unread,
    /// Where the contact wrote last.
    Waiting,
    /// Of these, those with an open window, the one that closes first on top.
    Closing,
}

pub(super) fn run(session: &Session, chats: &Chats) -> Result<(), Error> {
    let read = session.read()?;
    match &chats.what {
        What::List { filter, limit, json } => {
            let filter = match filter {
                Which::All => Filter::All,
                Which::Unread => Filter::Unread,
                Which::Waiting => Filter::Waiting,
                Which::Closing => Filter::Closing,
            };
            list_all(session, &read, filter, limit.unwrap_or(u32::MAX), *json)
        }
        What::OptOut(whose) => marketing(session, &read, &whose.conversation, true),
        What::OptIn(whose) => marketing(session, &read, &whose.conversation, false),
        What::Show { conversation, limit, json } => {
            show(session, &read, conversation, *limit, *json)
        }
        What::Export { conversation: None, all: false, .. } => {
            Err(Error::usage("which conversation is not said")
                .hint("give its id or the contact's number, or --all"))
        }
        What::Export { conversation, all: _, format } => {
            let conversations = match conversation {
                Some(wanted) => vec![find(session, &read, wanted)?],
                None => export::all(session, &read)?,
            };
            let out = BufWriter::new(std::io::stdout().lock());
            export::write((&read, &session.paths.data), &conversations, *format, out)
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
        let rows = list::conversations(read, account.id, filter, "", page, PAGE.min(left), now)
            .map_err(failed)?;
        for row in &rows.rows {
            if json {
                json_line(&output::conversation(row, now))?;
            } else {
                line(&list_line(row, now))?;
            }
        }
        left = left.saturating_sub(u32::try_from(rows.rows.len()).unwrap_or(u32::MAX));
        let Some(last) = rows.rows.last().filter(|_| rows.more_below) else { break };
        page = ListPage::After(last.key());
    }
    Ok(())
}

/// The columns a name is given; a longer one takes what it needs.
const NAME: usize = 32;

/// `  12  2023-11-14T22:13:20.007Z  2 new   23h  Ana (+5511..)   < text`
fn list_line(row: &Conversation, now: Timestamp) -> String {
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
    let window = window_cell(row, now);
    let line =
        format!("{:>5}  {at}  {unread:<7} {window:<4}  {name}{padding}  {preview}", row.id.0);
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
        for wish in &rows.wishes {
            super::say(&format!(
                "{} {}",
                output::time(wish.at),
                display_safe(&describe::wish(wish))
            ));
        }
    }
    for message in &rows.messages {
        if json {
            json_line(&output::message_with_file(message, &session.paths.data))?;
        } else {
            line(&message_line(message))?;
        }
    }
    Ok(())
}

/// Stops marketing for a contact or allows it again, and says what that comes to.
fn marketing(session: &Session, read: &ReadConn, whose: &str, stop: bool) -> Result<(), Error> {
    let id = find(session, read, whose)?;
    let now = session.clock.now();
    let path = session.paths.database();
    let mut store =
        WriteConn::open(&path, now).map_err(failed)?.with_rules(services::rules(session));
    store.write(|tx| wish::decide(tx, id, stop, &super::who(), now)).map_err(failed)?;
    hand_over(session, store)?;
    let rows = message::messages(read, id, MessagePage::Newest, 1).map_err(failed)?;
    let name = output::who(&rows.conversation.contact);
    let name = display_safe(&name);
    line(&if stop {
        format!("no more marketing templates to {name}")
    } else {
        format!("marketing templates may go to {name} again")
    })?;
    if !stop && rows.conversation.waiting > 0 {
        super::say("what is held for it goes once you let it: twoticks outbox list");
    }
    Ok(())
}

fn find(session: &Session, read: &ReadConn, wanted: &str) -> Result<ConversationId, Error> {
    let nothing = || {
        Error::new(Kind::Partial, format!("there is no conversation {wanted:?}"))
            .hint("twoticks chats list shows their ids and numbers")
    };
    let to = match (recipient::parse(wanted), wanted.strip_prefix('+')) {
        (Ok(to), _) => to,
        // WhatsApp may know a number that no plan of numbers has.
        (Err(_), Some(number)) => To::Number(WaId::new(digits(number))),
        (Err(_), None) => return Err(nothing()),
    };
    let account = session.stored_account(read)?;
    let found = recipient::find(read, account.id, &to).map_err(failed)?;
    found.map(|conversation| conversation.id).ok_or_else(nothing)
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
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
