//! `twoticks chats export`: whole conversations for other programs and for people.

use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use super::output::{self, time, who, words};
use super::{Session, failed};
use crate::domain::conversation::{Conversation, Filter};
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::message::{Direction, Message, SortKey};
use crate::domain::page::{ListPage, MessagePage};
use crate::domain::text::{cell_safe, display_safe, display_safe_multiline};
use crate::error::Error;
use crate::store::{ReadConn, list, message};

/// Rows that are read at once.
const PAGE: u32 = 500;

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object per message, as other commands print it.
    Jsonl,
    /// A table, one message per row.
    Csv,
    /// Markdown.
    Md,
    /// A page that needs nothing else.
    Html,
}

/// Every conversation of the account, the newest first.
pub(super) fn all(session: &Session, read: &ReadConn) -> Result<Vec<ConversationId>, Error> {
    let account = session.stored_account(read)?;
    let now = session.clock.now();
    let (mut page, mut ids) = (ListPage::First, Vec::new());
    loop {
        let rows = list::conversations(read, account.id, Filter::All, "", page, PAGE, now)
            .map_err(failed)?;
        ids.extend(rows.rows.iter().map(|row| row.id));
        let Some(last) = rows.rows.last().filter(|_| rows.more_below) else { return Ok(ids) };
        page = ListPage::After(last.key());
    }
}

/// Writes these conversations, the messages of each from the oldest on.
pub(super) fn write(
    (read, data): (&ReadConn, &Path),
    conversations: &[ConversationId],
    format: Format,
    out: impl Write,
) -> Result<(), Error> {
    let mut sheet = Sheet::begin(format, out)?;
    for id in conversations {
        let mut from = None;
        loop {
            let key = from.unwrap_or(SortKey { at: i64::MIN, id: MessageId(i64::MIN) });
            let rows =
                message::messages(read, *id, MessagePage::After(key), PAGE).map_err(failed)?;
            if from.is_none() {
                sheet.head(&rows.conversation)?;
            }
            for message in &rows.messages {
                sheet.message(&rows.conversation, message, data)?;
            }
            from = rows.messages.last().map(|message| message.key);
            if from.is_none() || !rows.more_after {
                break;
            }
        }
    }
    Ok(sheet.end()?)
}

/// The columns of a table.
const COLUMNS: [&str; 10] = [
    "conversation",
    "name",
    "wa_id",
    "message",
    "at",
    "direction",
    "state",
    "type",
    "text",
    "file",
];

enum Sheet<W: Write> {
    Lines(W),
    Table(Box<csv::Writer<W>>),
    Markdown(W),
    Page(W),
}

impl<W: Write> Sheet<W> {
    fn begin(format: Format, mut out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Jsonl => Self::Lines(out),
            Format::Csv => {
                let mut table = csv::Writer::from_writer(out);
                table.write_record(COLUMNS)?;
                Self::Table(Box::new(table))
            }
            Format::Md => Self::Markdown(out),
            Format::Html => {
                out.write_all(PAGE_HEAD.as_bytes())?;
                Self::Page(out)
            }
        })
    }

    fn head(&mut self, conversation: &Conversation) -> io::Result<()> {
        let name = who(&conversation.contact);
        let name = display_safe(&name);
        match self {
            Self::Lines(_) | Self::Table(_) => Ok(()),
            Self::Markdown(out) => write!(out, "## {}\n\n", escaped_md(&name)),
            Self::Page(out) => writeln!(out, "<h2>{}</h2>", escaped_html(&name)),
        }
    }

    fn message(
        &mut self,
        conversation: &Conversation,
        message: &Message,
        data: &Path,
    ) -> io::Result<()> {
        let file = output::file(message, data);
        let contact = &conversation.contact;
        let (at, state) = (time(message.at), message.state.name());
        let inbound = message.direction == Direction::Inbound;
        let author = if inbound { contact.name.as_deref().unwrap_or("?") } else { "us" };
        let author = display_safe(author);
        match self {
            Self::Lines(out) => {
                let mut row = output::message_with_file(message, data);
                if let Value::Object(row) = &mut row {
                    row.insert("contact".to_owned(), output::contact(contact));
                }
                writeln!(out, "{}", output::json_text(&row))
            }
            Self::Table(table) => {
                let row = output::message(message);
                let number = contact.wa_id.as_ref().map(ToString::to_string).unwrap_or_default();
                let record = [
                    conversation.id.0.to_string(),
                    cell_safe(contact.name.as_deref().unwrap_or_default()),
                    cell_safe(&number),
                    message.id.0.to_string(),
                    at,
                    output::direction(message.direction).to_owned(),
                    state.to_owned(),
                    cell_safe(row["type"].as_str().unwrap_or_default()),
                    cell_safe(&words(&message.body)),
                    cell_safe(file.as_deref().unwrap_or_default()),
                ];
                Ok(table.write_record(record)?)
            }
            Self::Markdown(out) => {
                let text = escaped_md(&display_safe_multiline(&words(&message.body)));
                let file =
                    file.map(|file| format!("  \n`{}`", display_safe(&file).replace('`', "'")));
                let text = text.replace('\n', "  \n") + file.as_deref().unwrap_or_default();
                write!(out, "**{}** {at} ({state})  \n{text}\n\n", escaped_md(&author))
            }
            Self::Page(out) => {
                let text = escaped_html(&display_safe_multiline(&words(&message.body)));
                let shown = |file: String| {
                    format!("<br><code>{}</code>", escaped_html(&display_safe(&file)))
                };
                let text = text.replace('\n', "<br>") + &file.map(shown).unwrap_or_default();
                let side = if inbound { "in" } else { "out" };
                let author = escaped_html(&author);
                writeln!(
                    out,
                    "<p class=\"{side}\"><b>{author}</b> <time>{at}</time> <i>{state}</i><br>{text}</p>"
                )
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Lines(mut out) | Self::Markdown(mut out) => out.flush(),
            Self::Table(mut table) => table.flush(),
            Self::Page(mut out) => {
                out.write_all(b"</body></html>\n")?;
                out.flush()
            }
        }
    }
}

/// No scripts, no pictures, nothing from elsewhere.
const PAGE_HEAD: &str = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
    <title>twoticks</title><style>body{font-family:sans-serif;max-width:50em;margin:auto}\
    p{border-left:.3em solid #ccc;padding-left:.6em}p.out{border-color:#6a9}time,i{color:#777}</style>\
    </head><body>\n";

/// Some characters mean something where a line begins: those of lists, also after a number, and of headings.
fn escaped_md(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if "\\`*_{}[]<>#|!~&".contains(c) || begins && "-+=.)".contains(c) {
            safe.push('\\');
        }
        begins = c == '\n' || begins && (c == ' ' || c.is_ascii_digit());
        safe.push(c);
    }
    safe
}

fn escaped_html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use crate::domain::text::cell_safe;

    use super::{escaped_html, escaped_md};

    #[test]
    fn what_a_customer_wrote_is_text_in_every_format() {
        assert_eq!(cell_safe("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(cell_safe("a=b"), "a=b");
        assert_eq!(escaped_html("<script>'&\""), "&lt;script&gt;&#39;&amp;&quot;");
        assert_eq!(escaped_md("[x](y) *b*"), "\\[x\\](y) \\*b\\*");
        assert_eq!(escaped_md("a-1.\n---\n 1. &lt;"), "a-1.\n\\---\n 1\\. \\&lt;");
    }
}
