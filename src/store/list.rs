//! The list of conversations: pages, counts, the jump box.

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::account;
use super::body::{self, Columns};
use super::error::Error;
use super::facts::{self, Ident};
use super::merge;
use super::read::ReadConn;
use super::row::{self, Named, Names, get};
use super::words;
use crate::domain::conversation::{Contact, Conversation, Counts, Draft, Filter, Preview};
use crate::domain::id::{AccountId, ContactId, ConversationId, MessageId, UserId, WaId};
use crate::domain::message::Media;
use crate::domain::page::{ListKey, ListPage};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::window::WINDOW;

/// A page of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRows {
    /// In list order.
    pub rows: Vec<Conversation>,
    /// More above these, of what was considered.
    pub more_above: bool,
    /// More below these, of what was considered.
    pub more_below: bool,
    /// Over the whole account.
    pub counts: Counts,
}

/// How many of the newest messages with the words looked for are asked for their conversation.
const NEWEST_HITS: u32 = 1_000;

/// How many contacts with the text looked for are considered.
const MOST_CONTACTS: u32 = 1_000;

const SELECT: &str =
    "SELECT c.id AS id, c.account AS account, c.contact AS contact, k.name AS name,
     k.wa_id AS wa_id, k.user_id AS user_id, k.username AS username, c.activity AS activity,
     c.unread AS unread, c.marked_unread AS marked_unread, c.failed AS failed, c.waiting AS waiting,
     c.last_inbound AS last_inbound, c.refused_at AS refused, c.opted_out AS opted_out,
     c.unanswered AS unanswered, c.first_unread AS first_unread,
     m.id AS message, m.direction AS direction, m.state AS state, m.tries AS tries, m.at AS at,
     m.kind AS kind, coalesce(m.edited_text, m.text) AS text, m.extra AS extra, m.target AS target,
     m.revoked AS revoked, m.group_id IS NOT NULL AS in_group, f.kind AS file_kind, f.file_name AS file_name, d.text AS draft,
     d.reply_to AS draft_reply_to
     FROM conversation c JOIN contact k ON k.id = c.contact
     LEFT JOIN message m ON m.id = c.preview LEFT JOIN media f ON f.message = c.preview
     LEFT JOIN draft d ON d.conversation = c.id";

/// Whose window is open and who waits for an answer, with the words of the partial index. ?3 is a day ago.
const CLOSING: &str = " AND c.unanswered = 1 AND c.last_inbound > ?3
     AND (c.refused_at IS NULL OR c.refused_at < c.last_inbound)";

/// The same for a page that begins no earlier than that: the plus lets its place be looked up in the index,
/// where otherwise everything between a day ago and the place would be walked.
const CLOSING_AFTER: &str = " AND c.unanswered = 1 AND +c.last_inbound > ?3
     AND (c.refused_at IS NULL OR c.refused_at < c.last_inbound)";

/// A page of the list. `text` keeps those whose name, username or number has it, or that have a message
/// with words beginning like it.
///
/// With a text, only so much is considered: the 1,000 conversations of latest activity whose contact has
/// it, and those of the newest 1,000 messages with it. `more_above` and `more_below` speak of these, so that
/// paging on brings every one of them and comes to an end; what is older is [`search`](super::search::search)'s to find.
pub fn conversations(
    read: &ReadConn,
    account: AccountId,
    filter: Filter,
    text: &str,
    page: ListPage,
    limit: u32,
    now: Timestamp,
) -> Result<ListRows, Error> {
    let question = words::question(read, text)?;
    let snapshot = read.snapshot()?;
    let among = if text.trim().is_empty() {
        None
    } else {
        Some(matching(&snapshot, account, text, question.as_deref())?)
    };
    let list = List { conn: &snapshot, account, filter, among, now };
    let (rows, more_above, more_below) = match page {
        ListPage::First => {
            let (rows, more) = list.below(list.top(), false, limit)?;
            (rows, false, more)
        }
        ListPage::After(key) => {
            let (rows, more) = list.below(list.place(key), false, limit)?;
            (rows, true, more)
        }
        ListPage::Before(key) => {
            let (rows, more) = list.above(list.place(key), limit)?;
            (rows, more, true)
        }
        ListPage::Around(key) => {
            let (mut rows, more_above) = list.above(list.place(key), limit / 2)?;
            let (below, more_below) = list.below(list.place(key), true, limit - limit / 2)?;
            rows.extend(below);
            (rows, more_above, more_below)
        }
    };
    Ok(ListRows { rows, more_above, more_below, counts: count(&snapshot, account, now)? })
}

/// What a page is taken from.
struct List<'a> {
    conn: &'a Connection,
    account: AccountId,
    filter: Filter,
    /// Only these, as a JSON list.
    among: Option<String>,
    /// Windows are looked at as of now.
    now: Timestamp,
}

/// A place in the order of the list: the column it is sorted by, then the id.
type Spot = (i64, i64);

impl List<'_> {
    fn condition(&self, upwards: bool) -> String {
        // The words of the partial indices, so that they are used.
        let filter = match self.filter {
            Filter::All => "",
            Filter::Unread => " AND (c.unread > 0 OR c.marked_unread = 1)",
            Filter::Waiting => " AND c.unanswered = 1",
            Filter::Closing if upwards => CLOSING_AFTER,
            Filter::Closing => CLOSING,
        };
        let among = if self.among.is_some() {
            " AND c.id IN (SELECT value FROM json_each(?2))"
        } else {
            " AND ?2 IS NULL"
        };
        format!("c.account = ?1 AND c.shown = 1{filter}{among}")
    }

    /// Windows do not matter for it.
    fn by_activity(
        conn: &Connection,
        account: AccountId,
        filter: Filter,
        among: Option<String>,
    ) -> List<'_> {
        List { conn, account, filter, among, now: Timestamp::default() }
    }

    /// The first place of all.
    const fn top(&self) -> Spot {
        if self.ascends() { (i64::MIN, i64::MIN) } else { (i64::MAX, i64::MAX) }
    }

    /// The place of a row.
    fn place(&self, key: ListKey) -> Spot {
        let at = if self.ascends() {
            key.last_inbound.map_or(i64::MIN, Timestamp::millis)
        } else {
            key.activity.millis()
        };
        (at, key.id.0)
    }

    /// The window of whoever wrote first closes first.
    const fn ascends(&self) -> bool {
        matches!(self.filter, Filter::Closing)
    }

    fn below(
        &self,
        spot: Spot,
        inclusive: bool,
        limit: u32,
    ) -> Result<(Vec<Conversation>, bool), Error> {
        self.rows(spot, self.ascends(), inclusive, limit)
    }

    fn above(&self, spot: Spot, limit: u32) -> Result<(Vec<Conversation>, bool), Error> {
        let (mut rows, more) = self.rows(spot, !self.ascends(), false, limit)?;
        rows.reverse();
        Ok((rows, more))
    }

    /// One row more than wanted tells whether there are more.
    fn rows(
        &self,
        spot: Spot,
        upwards: bool,
        inclusive: bool,
        limit: u32,
    ) -> Result<(Vec<Conversation>, bool), Error> {
        let since = (self.now - WINDOW).millis();
        let spot = if self.ascends() && upwards { spot.max((since, i64::MAX)) } else { spot };
        let column = if self.ascends() { "c.last_inbound" } else { "c.activity" };
        let (than, direction) = if upwards { (">", "ASC") } else { ("<", "DESC") };
        let equal = if inclusive { "=" } else { "" };
        let sql = format!(
            "{SELECT} WHERE {} AND ?3 = ?3 AND ({column}, c.id) {than}{equal} (?4, ?5)
             ORDER BY {column} {direction}, c.id {direction} LIMIT ?6",
            self.condition(upwards)
        );
        let mut rows = read_all(
            self.conn,
            &sql,
            params![self.account.0, self.among, since, spot.0, spot.1, i64::from(limit) + 1],
        )?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Ok((rows, more))
    }
}

fn read_all(
    conn: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
) -> Result<Vec<Conversation>, Error> {
    let mut query = conn.prepare_cached(sql)?;
    let names = Names::of(&query);
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_row(&names.on(row))?);
    }
    Ok(found)
}

/// Whom a conversation of this very id is with.
pub(super) fn contact_of(conn: &Connection, id: ConversationId) -> Result<Contact, Error> {
    let mut query = conn.prepare_cached(
        "SELECT k.id AS contact, k.name AS name, k.wa_id AS wa_id, k.user_id AS user_id,
             k.username AS username
         FROM conversation c JOIN contact k ON k.id = c.contact WHERE c.id = ?1",
    )?;
    let mut rows = query.query([id.0])?;
    let found = rows.next()?.map(contact).transpose()?;
    found.ok_or_else(|| Error::not_found("conversation", id.to_string()))
}

fn contact(row: &impl row::Columns) -> Result<Contact, Error> {
    Ok(Contact {
        id: ContactId(get(row, "contact")?),
        name: get(row, "name")?,
        wa_id: get::<Option<String>>(row, "wa_id")?.map(WaId::new),
        user_id: get::<Option<String>>(row, "user_id")?.map(UserId::new),
        username: get(row, "username")?,
    })
}

/// A conversation of this very id, merged or not.
pub(super) fn row(conn: &Connection, id: ConversationId) -> Result<Conversation, Error> {
    read_all(conn, &format!("{SELECT} WHERE c.id = ?1"), params![id.0])?
        .pop()
        .ok_or_else(|| Error::not_found("conversation", id.to_string()))
}

fn read_row(row: &Named<'_>) -> Result<Conversation, Error> {
    let time = |column: &str| -> Result<Option<Timestamp>, Error> {
        Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
    };
    Ok(Conversation {
        id: ConversationId(get(row, "id")?),
        account: AccountId(get(row, "account")?),
        contact: contact(row)?,
        preview: preview(row)?,
        activity: Timestamp::from_millis(get(row, "activity")?),
        unread: row::count(get(row, "unread")?),
        marked_unread: get(row, "marked_unread")?,
        failed: row::count(get(row, "failed")?),
        waiting: row::count(get(row, "waiting")?),
        last_inbound: time("last_inbound")?,
        refused: time("refused")?,
        opted_out: time("opted_out")?,
        unanswered: get(row, "unanswered")?,
        first_unread: get::<Option<i64>>(row, "first_unread")?.map(MessageId),
        draft: get::<Option<String>>(row, "draft")?
            .map(|text| -> Result<Draft, Error> {
                let reply_to = get::<Option<i64>>(row, "draft_reply_to")?.map(MessageId);
                Ok(Draft { text, reply_to })
            })
            .transpose()?,
    })
}

fn preview(row: &Named<'_>) -> Result<Option<Preview>, Error> {
    let Some(message) = get::<Option<i64>>(row, "message")? else { return Ok(None) };
    let columns = Columns {
        kind: get(row, "kind")?,
        text: get(row, "text")?,
        extra: get(row, "extra")?,
        target: get(row, "target")?,
    };
    let media = get::<Option<i64>>(row, "file_kind")?
        .map(|kind| -> Result<Media, Error> {
            let file_name = get(row, "file_name")?;
            Ok(Media { file_name, ..Media::new(row::media_kind(kind)?) })
        })
        .transpose()?;
    let revoked: bool = get(row, "revoked")?;
    let (text, aside) = match body::body(columns, media) {
        _ if revoked => ("deleted".to_owned(), true),
        Ok(body) => (body::line(&body), !body.is_shown()),
        Err(_) => ("unreadable".to_owned(), true),
    };
    Ok(Some(Preview {
        message: MessageId(message),
        direction: row::direction(get(row, "direction")?),
        state: row::state_in(row, "state")?,
        tries: get(row, "tries")?,
        text,
        aside,
        in_group: get(row, "in_group")?,
        at: Timestamp::from_millis(get(row, "at")?),
    }))
}

/// The conversations of an account that have the text in a name, username or number, or a message that answers
/// the question, as a JSON list of ids.
fn matching(
    conn: &Connection,
    account: AccountId,
    text: &str,
    question: Option<&str>,
) -> Result<String, Error> {
    let mut ids = by_contact(conn, account, text)?;
    if let Some(question) = question {
        let mut query = conn.prepare_cached(
            "SELECT DISTINCT m.conversation FROM (
                 SELECT rowid FROM message_fts WHERE message_fts MATCH ?1
                 ORDER BY rowid DESC LIMIT ?2) AS hit
             JOIN message m ON m.id = hit.rowid WHERE m.account = ?3",
        )?;
        let rows = query.query_map(params![question, NEWEST_HITS, account.0], |row| row.get(0))?;
        for id in rows {
            ids.push(id?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(row::json_list(ids))
}

/// Conversations whose contact has the text in name, username or number, the latest activity first.
fn by_contact(conn: &Connection, account: AccountId, text: &str) -> Result<Vec<i64>, Error> {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    // A number is looked for by its digits, however they were grouped.
    let is_number = !digits.is_empty() && !text.chars().any(char::is_alphabetic);
    let wanted = if is_number { digits.as_str() } else { text.trim_start_matches('@') };
    let sql = if wanted.chars().count() >= 3 {
        "SELECT c.id FROM contact_fts f JOIN conversation c ON c.contact = f.rowid
         WHERE contact_fts MATCH ?1 AND c.account = ?2 AND c.shown = 1
         ORDER BY c.activity DESC LIMIT ?3"
    } else {
        "SELECT c.id FROM conversation c JOIN contact k ON k.id = c.contact
         WHERE c.account = ?2 AND c.shown = 1 AND (instr(lower(k.name), lower(?1)) > 0
             OR instr(lower(k.username), lower(?1)) > 0 OR instr(k.wa_id, ?1) > 0)
         ORDER BY c.activity DESC, c.id DESC LIMIT ?3"
    };
    let pattern =
        if wanted.chars().count() >= 3 { words::quoted(wanted) } else { wanted.to_owned() };
    let mut query = conn.prepare_cached(sql)?;
    let rows = query.query_map(params![pattern, account.0, MOST_CONTACTS], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The numbers above the list.
pub fn counts(read: &ReadConn, account: AccountId, now: Timestamp) -> Result<Counts, Error> {
    count(&read.conn, account, now)
}

fn count(conn: &Connection, account: AccountId, now: Timestamp) -> Result<Counts, Error> {
    let mut query =
        conn.prepare_cached("SELECT shown, unread, unanswered FROM list_count WHERE account = ?1")?;
    let counts = query.query_row([account.0], |row| {
        Ok(Counts {
            all: row::count(row.get(0)?),
            unread: row::count(row.get(1)?),
            waiting: row::count(row.get(2)?),
            ..Counts::default()
        })
    });
    let counts = counts.optional()?.unwrap_or_default();
    let mut query = conn.prepare_cached(&format!(
        "SELECT count(*), min(w.last_inbound) FROM (SELECT c.last_inbound FROM conversation c
             WHERE c.account = ?1 AND c.shown = 1{CLOSING} ORDER BY c.last_inbound LIMIT ?2) AS w"
    ))?;
    let found = query
        .query_row(params![account.0, Counts::MOST_CLOSING, (now - WINDOW).millis()], |row| {
            Ok((row::count(row.get(0)?), row.get::<_, Option<i64>>(1)?))
        })?;
    let closes = found.1.map(|at| Timestamp::from_millis(at) + WINDOW);
    Ok(Counts { closing: found.0, closes, ..counts })
}

/// Conversations whose name, username or number matches, those that begin with the text first, then by
/// activity. An empty text gives the top of the list.
pub fn jump(
    read: &ReadConn,
    account: AccountId,
    text: &str,
    limit: u32,
) -> Result<Vec<Conversation>, Error> {
    if text.trim().is_empty() {
        let snapshot = read.snapshot()?;
        let list = List::by_activity(&snapshot, account, Filter::All, None);
        return Ok(list.below(list.top(), false, limit)?.0);
    }
    let snapshot = read.snapshot()?;
    let mut ids = by_contact(&snapshot, account, text)?;
    let wanted = text.trim().trim_start_matches(['@', '+']).to_lowercase();
    let begins = |found: &Conversation| {
        let contact = &found.contact;
        let names = [contact.name.as_deref(), contact.username.as_deref()];
        let number = contact.wa_id.as_ref().map(WaId::as_str);
        names
            .into_iter()
            .chain([number])
            .flatten()
            .any(|name| name.trim_start_matches('@').to_lowercase().starts_with(&wanted))
    };
    ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(4));
    let mut rows = read_all(
        &snapshot,
        &format!(
            "{SELECT} WHERE c.id IN (SELECT value FROM json_each(?1))
             ORDER BY c.activity DESC, c.id DESC"
        ),
        params![row::json_list(ids)],
    )?;
    rows.sort_by_key(|row| !begins(row));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// The next unread conversation below `from`, wrapping round to the top.
pub fn next_unread(
    read: &ReadConn,
    account: AccountId,
    from: Option<ListKey>,
) -> Result<Option<Conversation>, Error> {
    let snapshot = read.snapshot()?;
    next(&List::by_activity(&snapshot, account, Filter::Unread, None), from)
}

/// The next conversation below `from` with a message that failed or is uncertain, wrapping round to the
/// top.
pub fn next_failed(
    read: &ReadConn,
    account: AccountId,
    from: Option<ListKey>,
) -> Result<Option<Conversation>, Error> {
    let snapshot = read.snapshot()?;
    let mut query = snapshot.prepare_cached(
        // The repeated states let the index over unfinished messages serve.
        "SELECT DISTINCT conversation FROM message
         WHERE account = ?1 AND state IN (?2, ?3) AND (state < 4 OR state IN (9, 10))",
    )?;
    let [failed, uncertain] = [State::Failed, State::Uncertain].map(row::state_number);
    let rows = query.query_map([account.0, failed, uncertain], |row| row.get(0))?;
    let ids: Vec<i64> = rows.collect::<Result<_, _>>()?;
    let among = Some(row::json_list(ids));
    next(&List::by_activity(&snapshot, account, Filter::All, among), from)
}

fn next(list: &List<'_>, from: Option<ListKey>) -> Result<Option<Conversation>, Error> {
    if let Some(from) = from
        && let Some(next) = list.below(list.place(from), false, 1)?.0.pop()
    {
        return Ok(Some(next));
    }
    Ok(list.below(list.top(), false, 1)?.0.pop())
}

/// A conversation by id; an id that was merged away resolves.
pub fn conversation(read: &ReadConn, id: ConversationId) -> Result<Conversation, Error> {
    let snapshot = read.snapshot()?;
    let id = merge::conversation_now(&snapshot, id)?;
    row(&snapshot, id)
}

/// The conversation with a number at present, however it is spelled.
pub fn find_conversation(
    read: &ReadConn,
    account: AccountId,
    number: &WaId,
) -> Result<Option<Conversation>, Error> {
    find_by(read, account, |conn| facts::owners(conn, number))
}

/// The conversation with a business-scoped user id at present.
pub fn find_conversation_with_user(
    read: &ReadConn,
    account: AccountId,
    user: &UserId,
) -> Result<Option<Conversation>, Error> {
    find_by(read, account, |conn| {
        let ident = Ident::user(&account::scope(conn, account)?, user);
        Ok(facts::owner(conn, &ident, i64::MAX)?.into_iter().collect())
    })
}

fn find_by(
    read: &ReadConn,
    account: AccountId,
    owners: impl FnOnce(&Connection) -> Result<Vec<ContactId>, Error>,
) -> Result<Option<Conversation>, Error> {
    let snapshot = read.snapshot()?;
    let mut query = snapshot
        .prepare_cached("SELECT id FROM conversation WHERE account = ?1 AND contact = ?2")?;
    for contact in owners(&snapshot)? {
        let id = query.query_row([account.0, contact.0], |row| row.get(0)).optional()?;
        if let Some(id) = id {
            return row(&snapshot, ConversationId(id)).map(Some);
        }
    }
    Ok(None)
}
