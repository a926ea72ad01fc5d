//! The logical content as text, for tests of "any order gives the same".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::error::Error;
use super::read::ReadConn;

/// What is told of each message, without local ids. Times of arrival are left out.
const MESSAGES: &str = "SELECT m.conversation, m.at, m.wamid, m.own, m.direction, m.author, m.state,
     m.late_proof, m.tries, m.code, m.detail, m.kind, m.text, m.extra, m.target, m.reply_to, m.forwarded,
     m.edited_text, m.edited_by, m.revoked, m.history, m.category, m.price_kind, m.group_id,
     f.kind, f.media_id, f.mime_type, f.sha256, f.file_name, f.copy,
     (SELECT group_concat(r.direction || r.emoji, ',') FROM
          (SELECT * FROM reaction WHERE target = m.wamid AND account = m.account AND emoji IS NOT NULL
           ORDER BY direction) AS r),
     (SELECT group_concat(s.step, ',') FROM
          (SELECT state || '@' || at || '/' || report || member || coalesce(code, '') AS step
           FROM timeline WHERE message = m.id AND report > 0
           ORDER BY at, state, member, code) AS s),
     (SELECT group_concat(o.kind || '/' || o.state, ',') FROM
          (SELECT kind, state FROM outbox WHERE message = m.id ORDER BY kind) AS o)
     FROM message m LEFT JOIN media f ON f.message = m.id
     ORDER BY m.at, m.wamid, m.text";

/// Facts that stand by themselves.
const FACTS: &[(&str, &str)] = &[
    ("reaction", "SELECT target, direction, emoji, at, wamid FROM reaction ORDER BY 1, 2"),
    (
        "pending",
        "SELECT wamid, report, at, member, code, detail FROM pending_status ORDER BY 1, 2, 3, 4",
    ),
    ("link", "SELECT * FROM identity_link ORDER BY 1, 2, 3, 4, 5, 6, 7"),
    ("change", "SELECT * FROM identity_change ORDER BY 1, 2, 3, 4, 5, 6, 7"),
    ("profile", "SELECT * FROM profile ORDER BY 1, 2, 3, 4, 5"),
    (
        "account",
        "SELECT a.phone_number_id, kind, subject, at, told, value, detail, until
         FROM account_fact f JOIN account a ON a.id = f.account ORDER BY 1, 2, 3, 4, 5, 6, 7",
    ),
    (
        "wish",
        "SELECT kind, scope, value, at, stop, how, said FROM wish ORDER BY 1, 2, 3, 4, 5, 6, 7",
    ),
];

/// A canonical text of the content: no local ids, arrival order, receipt times or event references.
pub fn logical_dump(read: &ReadConn) -> Result<String, Error> {
    let snapshot = read.snapshot()?;
    let conn = &*snapshot;
    let contacts = contacts(conn)?;
    let messages = messages(conn)?;
    let mut conversations = Vec::new();
    let mut query = conn.prepare(
        "SELECT c.id, c.contact, a.phone_number_id, c.unread, c.failed, c.waiting, c.last_inbound,
             c.unanswered, c.activity, c.begun_at, d.text, c.first_unread_at, c.opted_out, c.refused_at
         FROM conversation c JOIN account a ON a.id = c.account
             LEFT JOIN draft d ON d.conversation = c.id WHERE c.merged_into IS NULL",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let texts = messages.get(&row.get::<_, i64>(0)?);
        let kept =
            row.get::<_, Option<i64>>(9)?.is_some() || row.get::<_, Option<String>>(10)?.is_some();
        if texts.is_none() && !kept {
            // Made on the way and left empty: nobody sees it.
            continue;
        }
        let contact = contacts.get(&row.get::<_, i64>(1)?).map_or("", String::as_str);
        let mut text = format!("conversation {contact}");
        for column in 2..14 {
            write_value(&mut text, &row.get(column)?);
        }
        for message in texts.into_iter().flatten() {
            text.push_str("\n  ");
            text.push_str(message);
        }
        conversations.push(text);
    }
    conversations.sort();
    let mut all: Vec<&String> = contacts.values().collect();
    all.sort();
    let mut dump = String::new();
    for line in all.into_iter().chain(&conversations) {
        dump.push_str(line);
        dump.push('\n');
    }
    for (name, sql) in FACTS {
        for line in lines(conn, sql)? {
            dump.push_str(name);
            dump.push_str(&line);
            dump.push('\n');
        }
    }
    Ok(dump)
}

/// Each contact by its identities and names.
fn contacts(conn: &Connection) -> Result<BTreeMap<i64, String>, Error> {
    let mut query = conn.prepare(
        "SELECT k.id, k.name, k.username, k.wa_id, k.user_id,
             (SELECT group_concat(i.line, ' ') FROM
                  (SELECT kind || ':' || scope || ':' || value || '[' || valid_from || ',' || valid_to
                       AS line FROM identity WHERE contact = k.id
                   ORDER BY kind, scope, value, valid_from) AS i)
         FROM contact k WHERE k.merged_into IS NULL",
    )?;
    let mut rows = query.query([])?;
    let mut contacts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut text = String::from("contact");
        for column in [5, 1, 2, 3, 4] {
            write_value(&mut text, &row.get(column)?);
        }
        contacts.insert(row.get(0)?, text);
    }
    Ok(contacts)
}

/// The messages of each conversation, in order.
fn messages(conn: &Connection) -> Result<BTreeMap<i64, Vec<String>>, Error> {
    let mut query = conn.prepare(MESSAGES)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    let mut messages: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut text = String::new();
        for column in 1..columns {
            write_value(&mut text, &row.get(column)?);
        }
        messages.entry(row.get(0)?).or_default().push(text);
    }
    Ok(messages)
}

fn lines(conn: &Connection, sql: &str) -> Result<Vec<String>, Error> {
    let mut query = conn.prepare(sql)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let mut text = String::new();
        for column in 0..columns {
            write_value(&mut text, &row.get(column)?);
        }
        lines.push(text);
    }
    Ok(lines)
}

fn write_value(text: &mut String, value: &Value) {
    // Writing to a String cannot fail.
    let _written = match value {
        Value::Null => write!(text, " -"),
        Value::Integer(number) => write!(text, " {number}"),
        Value::Real(number) => write!(text, " {number}"),
        Value::Text(words) => write!(text, " {words:?}"),
        Value::Blob(bytes) => write!(text, " {bytes:02x?}"),
    };
}
