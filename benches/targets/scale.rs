//! T6: questions to a store of five million messages, against one million.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use twoticks::domain::conversation::Filter;
use twoticks::domain::id::{AccountId, ConversationId, MessageId, Wamid};
use twoticks::domain::message::SortKey;
use twoticks::domain::page::{ListKey, ListPage, MessagePage};
use twoticks::store::{ReadConn, list, message, search};

use crate::fill;
use crate::harness::{Target, in_turn, ratio, timed};
use crate::shop::now;

const ACCOUNT: AccountId = AccountId(1);
const BIGGEST: ConversationId = ConversationId(1);

/// A store and places in it.
struct Filled {
    read: ReadConn,
    middle_of_list: ListKey,
    middle_of_biggest: SortKey,
    wamids: Vec<Wamid>,
    next: usize,
}

impl Filled {
    fn open(dir: &Path, messages: u32) -> Self {
        let path = fill::store(dir, messages);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let conn = Connection::open_with_flags(&path, flags).expect("store");
        let conversation = ConversationId(i64::from(fill::CONVERSATIONS / 2));
        let read = ReadConn::open(&path).expect("store");
        let activity = list::conversation(&read, conversation).expect("conversation").activity;
        let middle = fill::biggest(messages) / 2;
        let (at, id) = conn
            .query_row(
                "SELECT at, id FROM message WHERE conversation = 1 AND own = 1
                 ORDER BY at LIMIT 1 OFFSET ?1",
                [middle],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("middle");
        let mut query = conn.prepare("SELECT wamid FROM message WHERE id = ?1").expect("wamid");
        let wamids = (0..1000_i64).map(|n| {
            // A prime step, so that neighbours lie far apart.
            let id = 1 + n * 7_368_787 % i64::from(messages);
            Wamid::new(query.query_row([id], |row| row.get::<_, String>(0)).expect("wamid"))
        });
        Self {
            wamids: wamids.collect(),
            read,
            middle_of_list: ListKey { activity, last_inbound: None, id: conversation },
            middle_of_biggest: SortKey { at, id: MessageId(id) },
            next: 0,
        }
    }

    fn list(&self, page: ListPage) {
        let rows = list::conversations(&self.read, ACCOUNT, Filter::All, "", page, 50, now())
            .expect("list");
        assert_eq!(rows.rows.len(), 50);
    }

    fn page(&self, page: MessagePage) {
        let rows = message::messages(&self.read, BIGGEST, page, 100).expect("page");
        assert_eq!(rows.messages.len(), 100);
    }

    fn search(&self, text: &str) {
        let hits = search::search(&self.read, text, None, 50).expect("search");
        assert_eq!(hits.len(), 50, "{text}");
    }

    fn look_up(&mut self) {
        self.next = (self.next + 1) % self.wamids.len();
        let found = message::message_by_wamid(&self.read, ACCOUNT, &self.wamids[self.next]);
        assert!(found.expect("look-up").is_some());
    }
}

type Question = (&'static str, u32, fn(&mut Filled));

const QUESTIONS: [Question; 7] = [
    ("the list's first 50", 50, |store| store.list(ListPage::First)),
    ("50 from the middle of the list", 50, |store| {
        store.list(ListPage::After(store.middle_of_list));
    }),
    ("the newest 100 of the largest", 50, |store| store.page(MessagePage::Newest)),
    ("100 from its middle", 50, |store| store.page(MessagePage::Before(store.middle_of_biggest))),
    ("search, newest 50 of a common word", 50, |store| store.search(fill::COMMON)),
    ("search, newest 50 of the first letters", 50, |store| store.search("ba")),
    ("a message by its wamid", 500, Filled::look_up),
];

pub(crate) fn run(dir: &Path) -> bool {
    let mut small = Filled::open(dir, 1_000_000);
    let mut large = Filled::open(dir, 5_000_000);
    let mut all = true;
    for (name, calls, ask) in QUESTIONS {
        // The first call reads from the disk; it is the same question for a cold store of any size.
        ask(&mut small);
        ask(&mut large);
        let time = |store: &mut Filled| {
            let ((), took) = timed(|| (0..calls).for_each(|_| ask(store)));
            took.as_secs_f64() * 1e3 / f64::from(calls)
        };
        let [ours, floor] = in_turn([&mut || time(&mut large), &mut || time(&mut small)]);
        all &= ratio(name, "ms", ours, floor, Target::AtMost(1.5));
    }
    all
}
