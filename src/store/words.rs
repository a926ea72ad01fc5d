//! What a person typed as a question to the text index, put so that the index answers newest first without
//! reading all that fits.
//!
//! The last word is the beginning of a word. FTS5 keeps beginnings of two and three letters and walks them
//! from the newest message on; for any other it would first collect every message of every word that begins so.
//! So those words are looked up in the index's vocabulary, a step in its tree each, and asked for by name.

use std::cell::{Cell, OnceCell, RefCell};

use rusqlite::{Connection, OptionalExtension as _};

use super::error::Error;
use super::read::ReadConn;

/// So many words that begin like the last one typed are asked for by name. Of more, each is rare.
const MOST: usize = 128;

/// Sorts after every character that follows the same beginning.
const LAST: char = char::MAX;

/// Sorts after a word and before every longer one: no word of the index has a control character.
const FIRST: char = '\u{1}';

/// What a connection needs to know words as the text index does. Made with the first question.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Takes text apart as the text index does: the tokenizer can be had only through a table.
    tokens: OnceCell<Connection>,
    /// Whether the index's words can be read.
    is_open: Cell<bool>,
    /// The last beginning asked for and what came of it, in this version of the database: the same is asked for
    /// each page, and to step over a word that stands in many messages takes a while.
    known: RefCell<Option<(i64, String, Option<String>)>>,
}

/// An FTS5 question for the messages that have all words of `text`, the last one as the beginning of a word.
/// `None` without a letter or digit.
pub(super) fn question(read: &ReadConn, text: &str) -> Result<Option<String>, Error> {
    let mut words: Vec<&str> =
        text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
    let Some(last) = words.pop() else { return Ok(None) };
    let last = beginning(read, last)?.unwrap_or_else(|| format!("{}*", quoted(last)));
    let all: Vec<String> = words.into_iter().map(quoted).chain([last]).collect();
    Ok(Some(all.join(" AND ")))
}

/// A string in an FTS5 query, so that none of it is syntax. NUL would end it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\0', " ").replace('"', "\"\""))
}

/// The words of the index that begin like `typed`, as alternatives; `None` when FTS5 does as well by itself.
fn beginning(read: &ReadConn, typed: &str) -> Result<Option<String>, Error> {
    let version = read.data_version()?;
    if let Some((at, start, known)) = &*read.vocabulary.known.borrow()
        && *at == version
        && start == typed
    {
        return Ok(known.clone());
    }
    let found = look_up(read, typed)?;
    read.vocabulary.known.replace(Some((version, typed.to_owned(), found.clone())));
    Ok(found)
}

fn look_up(read: &ReadConn, typed: &str) -> Result<Option<String>, Error> {
    let mut tokens = read.vocabulary.tokens(typed)?;
    let Some(start) = tokens.pop() else { return Ok(None) };
    let letters = start.chars().count();
    if matches!(letters, 2 | 3) {
        return Ok(None);
    }
    read.vocabulary.open(&read.conn)?;
    let mut alternatives = Vec::new();
    let mut from = start.clone();
    while let Some(word) = word_from(&read.conn, &from)?.filter(|word| word.starts_with(&start)) {
        if alternatives.len() == MOST {
            return Ok(None);
        }
        // Of one letter, the beginnings of two that FTS5 keeps.
        let stem: String = word.chars().take(2).collect();
        let (word, is_stem) =
            if letters == 1 && word != start { (stem, true) } else { (word, false) };
        from = format!("{word}{}", if is_stem { LAST } else { FIRST });
        tokens.push(word);
        alternatives.push(quoted(&tokens.join(" ")) + if is_stem { "*" } else { "" });
        tokens.pop();
    }
    Ok((!alternatives.is_empty()).then(|| format!("({})", alternatives.join(" OR "))))
}

/// The first word of the index that does not sort before `from`.
fn word_from(conn: &Connection, from: &str) -> Result<Option<String>, Error> {
    let mut query =
        conn.prepare_cached("SELECT term FROM temp.message_word WHERE term >= ?1 LIMIT 1")?;
    Ok(query.query_row([from], |row| row.get(0)).optional()?)
}

impl Vocabulary {
    /// The words of a text as the text index has them, in order.
    fn tokens(&self, text: &str) -> Result<Vec<String>, Error> {
        let conn = if let Some(conn) = self.tokens.get() {
            conn
        } else {
            let conn = Connection::open_in_memory()?;
            // As `message_fts` in the schema, which a test compares.
            conn.execute_batch(
                "CREATE VIRTUAL TABLE typed USING fts5 (
                     text, content = '', tokenize = 'unicode61 remove_diacritics 2');
                 CREATE VIRTUAL TABLE token USING fts5vocab (typed, instance);",
            )?;
            self.tokens.get_or_init(|| conn)
        };
        conn.prepare_cached("INSERT INTO typed (typed) VALUES ('delete-all')")?.execute([])?;
        conn.prepare_cached("INSERT INTO typed (rowid, text) VALUES (1, ?1)")?.execute([text])?;
        let mut query = conn.prepare_cached("SELECT term FROM token ORDER BY \"offset\"")?;
        let tokens = query.query_map([], |row| row.get(0))?;
        Ok(tokens.collect::<Result<_, _>>()?)
    }

    /// Makes `temp.message_word` show the words of the index. Nothing is stored.
    fn open(&self, conn: &Connection) -> Result<(), Error> {
        if self.is_open.get() {
            return Ok(());
        }
        conn.pragma_update(None, "query_only", false)?;
        let made = conn.execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_word
             USING fts5vocab (main, message_fts, instance)",
        );
        conn.pragma_update(None, "query_only", true)?;
        made?;
        self.is_open.set(true);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::search::search;
    use crate::store::tests::{World, t};

    const TEXTS: [&str; 9] = [
        "Amanhã às nove, amanhecer",
        "amanha amanhar 2026-11-21",
        "Übung macht den Meister, übungen",
        "привет приветствие ПРИВЕТ",
        "مرحبا مرحبتين",
        "你好世界 你好",
        "naïve na\u{308}ive 5511900000001 don't stop",
        "👨‍👩‍👧 ok 👍🏽 o",
        "x amazon amazing amber",
    ];

    fn world() -> World {
        let mut world = World::new();
        let chat = world.begin("4915200001");
        for (second, text) in (1..).zip(TEXTS) {
            world.say(chat, text, t(second));
        }
        world.write.index().unwrap();
        world
    }

    /// What FTS5 itself finds for words of which the last is a beginning.
    fn by_prefix(world: &World, words: &str) -> Vec<i64> {
        let quoted: Vec<String> = words.split(' ').map(super::quoted).collect();
        let sql = "SELECT rowid FROM message_fts WHERE message_fts MATCH ?1 ORDER BY rowid DESC";
        let mut query = world.read.conn.prepare(sql).unwrap();
        let rows = query.query_map([format!("{}*", quoted.join(" "))], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_beginning_of_a_word_finds_what_the_index_has() {
        let world = world();
        for text in TEXTS {
            let words: Vec<&str> = text.split(' ').collect();
            let words = words.iter().copied().chain(words.windows(2).map(|_| "ama"));
            for word in words.filter(|word| word.chars().any(char::is_alphanumeric)) {
                for (end, letter) in word.char_indices() {
                    let start = word.get(..end + letter.len_utf8()).unwrap();
                    let found = search(&world.read, start, None, 50).unwrap();
                    let found: Vec<i64> = found.into_iter().map(|hit| hit.message.0).collect();
                    assert_eq!(found, by_prefix(&world, start), "{start:?}");
                    let both = format!("amanha {start}");
                    let found = search(&world.read, &both, None, 50).unwrap();
                    assert_eq!(found.len(), by_prefix(&world, &both).len(), "{both:?}");
                }
            }
        }
    }

    /// It took a hundred milliseconds among five million messages, since FTS5 collects all of a beginning.
    #[test]
    fn a_beginning_is_never_collected_but_asked_for_newest_first() {
        let world = world();
        let question = |text: &str| super::question(&world.read, text).unwrap().unwrap();
        assert_eq!(question("stop AMANHÃ"), "\"stop\" AND (\"amanha\" OR \"amanhar\")");
        assert_eq!(question("2026-11-2"), "(\"2026 11 20\"* OR \"2026 11 21\"*)");
        assert_eq!(question("ама"), "\"ама\"*", "the index keeps beginnings of three letters");
        assert_eq!(question("o"), "(\"o\" OR \"ok\"*)");
        assert_eq!(question("nothing"), "\"nothing\"*");
    }

    #[test]
    fn a_word_that_is_new_is_found_at_once() {
        let mut world = world();
        assert_eq!(search(&world.read, "amaz", None, 50).unwrap().len(), 1);
        let chat = world.begin("4915200001");
        world.say(chat, "amazed", t(99));
        world.write.index().unwrap();
        assert_eq!(search(&world.read, "amaz", None, 50).unwrap().len(), 2);
    }

    #[test]
    fn words_are_taken_apart_as_in_the_index() {
        let schema = include_str!("schema/0001_start.sql");
        assert!(schema.contains("tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'"));
    }

    #[test]
    fn words_that_begin_alike_without_end_are_left_to_the_index() {
        let mut world = World::new();
        let chat = world.begin("4915200001");
        for n in 0..=super::MOST {
            world.say(chat, &format!("order{n:04}"), t(i64::try_from(n).unwrap()));
        }
        world.write.index().unwrap();
        assert_eq!(super::question(&world.read, "order").unwrap().unwrap(), "\"order\"*");
        assert_eq!(search(&world.read, "order", None, 1000).unwrap().len(), super::MOST + 1);
        assert_eq!(search(&world.read, "order000", None, 1000).unwrap().len(), 10);
    }
}
