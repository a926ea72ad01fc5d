//! Full text over every message, newest first.

use rusqlite::{OptionalExtension as _, params};

use super::error::Error;
use super::merge::conversation_now;
use super::read::ReadConn;
use super::row;
use super::words;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::message::Direction;
use crate::domain::time::Timestamp;

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The contact's name, unsanitised.
    pub name: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// When it was written.
    pub at: Timestamp,
    /// Its text around the hit, unsanitised.
    pub excerpt: String,
}

/// The message of a conversation nearest to `from` that has all words of `text`, as [`search`] reads them: the next
/// older one, or else the next newer one. Without a place to go on from, the newest of all.
pub fn in_conversation(
    read: &ReadConn,
    conversation: ConversationId,
    text: &str,
    from: Option<MessageId>,
    older: bool,
) -> Result<Option<MessageId>, Error> {
    let Some(words) = words::question(read, text)? else { return Ok(None) };
    let conversation = conversation_now(&read.conn, conversation)?;
    let (than, sorted) = if older { ("<", "DESC") } else { (">", "ASC") };
    // From the index, which has the order of arrival: it stops at the first one.
    let mut query = read.conn.prepare_cached(&format!(
        "SELECT m.id FROM message_fts f JOIN message m ON m.id = f.rowid
         WHERE message_fts MATCH ?1 AND f.rowid {than} ?2 AND +m.conversation = ?3 AND m.own = 1
             AND m.revoked = 0
         ORDER BY f.rowid {sorted} LIMIT 1"
    ))?;
    let from = from.map_or(i64::MAX, |id| id.0);
    let found = query.query_row(params![words, from, conversation.0], |row| row.get(0));
    Ok(found.optional()?.map(MessageId))
}

/// The newest messages that have all words of `text`, the last one as the beginning of a word. Accents
/// and case do not matter. `before` continues a page.
pub fn search(
    read: &ReadConn,
    text: &str,
    before: Option<MessageId>,
    limit: u32,
) -> Result<Vec<Hit>, Error> {
    let Some(words) = words::question(read, text)? else { return Ok(Vec::new()) };
    let mut query = read.conn.prepare_cached(
        "SELECT m.id, m.conversation, k.name, m.direction, m.at,
             snippet(message_fts, 0, '', '', '…', 16)
         FROM message_fts f JOIN message m ON m.id = f.rowid
             JOIN conversation c ON c.id = m.conversation JOIN contact k ON k.id = c.contact
         WHERE message_fts MATCH ?1 AND f.rowid < ?2 ORDER BY f.rowid DESC LIMIT ?3",
    )?;
    let before = before.map_or(i64::MAX, |id| id.0);
    let rows = query.query_map(params![words, before, limit], |found| {
        Ok(Hit {
            message: MessageId(found.get(0)?),
            conversation: ConversationId(found.get(1)?),
            name: found.get(2)?,
            direction: row::direction(found.get(3)?),
            at: Timestamp::from_millis(found.get(4)?),
            excerpt: found.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
