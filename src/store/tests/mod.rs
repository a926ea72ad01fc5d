//! Tests through the store's own questions, always on a file.

mod accounts;
mod browse;
mod callbacks;
mod campaigns;
mod catalogue;
mod claims;
mod closing;
mod drafts;
mod hooks;
mod identities;
mod ingests;
mod log;
mod migrations;
mod orders;
mod plans;
mod poison;
mod reading;
mod resent;
mod stalls;
mod states;
mod stats;
mod unfinished;
mod uploads;
mod waits;
mod wishes;
mod writing;

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::account::{NewAccount, upsert_account};
use super::conversation::begin_conversation;
use super::error::Error;
use super::ingest::{Ingested, RawPost, ingest};
use super::outbox::{Room, claim, enqueue, record};
use super::read::ReadConn;
use super::write::{Rules, Tx, WriteConn};
use super::{check, message};
use crate::domain::change::Changes;
use crate::domain::event::{InboundMessage, Item, ItemKind, Peer, StatusUpdate};
use crate::domain::id::{
    AccountId, ConversationId, MessageId, PhoneNumberId, RequestId, UserId, WaId, WabaId, Wamid,
};
use crate::domain::message::{Body, Context, Message, NewMessage, Priority};
use crate::domain::outbox::{Acceptance, ApiError, Job, JobKind, Verdict};
use crate::domain::state::{Report, State};
use crate::domain::time::Timestamp;
use crate::domain::wish::Keywords;

/// A store in a directory of its own with one account.
pub(super) struct World {
    dir: TempDir,
    pub(super) write: WriteConn,
    pub(super) read: ReadConn,
    pub(super) account: AccountId,
    requests: u8,
    posts: u64,
}

pub(super) fn t(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

impl World {
    /// Writes so many incoming messages in one commit, a millisecond after one another.
    pub(super) fn fill(&mut self, chat: ConversationId, count: i64, text: &str) {
        let account = self.account;
        self.do_it(|tx| {
            tx.conn.execute(
                "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
                 INSERT INTO message (account, conversation, own, direction, author, kind, text,
                     stored_at, at, state)
                 SELECT ?1, ?2, 1, 1, 1, 1, ?4, i, i, 12 FROM n",
                (account.0, chat.0, count, text),
            )?;
            Ok(())
        });
    }

    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twoticks.db");
        let mut write = WriteConn::open(&path, t(0)).unwrap();
        let new = NewAccount {
            name: "shop".to_owned(),
            phone_number: PhoneNumberId::new("1065"),
            waba: Some(WabaId::new("waba")),
            display_number: None,
        };
        let (account, _) = write.write(|tx| upsert_account(tx, &new, t(0))).unwrap();
        let read = ReadConn::open(&path).unwrap();
        Self { dir, write, read, account, requests: 0, posts: 0 }
    }

    /// The same under what the config says.
    pub(super) fn under(self, rules: Rules) -> Self {
        Self { write: self.write.with_rules(rules), ..self }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("twoticks.db")
    }

    pub(super) fn do_it<T>(&mut self, job: impl FnMut(&mut Tx<'_>) -> Result<T, Error>) -> T {
        self.write.write(job).unwrap().0
    }

    pub(super) fn begin(&mut self, number: &str) -> ConversationId {
        let account = self.account;
        self.do_it(|tx| begin_conversation(tx, account, &WaId::new(number), t(0)))
    }

    pub(super) fn say(
        &mut self,
        conversation: ConversationId,
        text: &str,
        at: Timestamp,
    ) -> MessageId {
        self.queue(conversation, text, Priority::Person, at)
    }

    pub(super) fn queue(
        &mut self,
        conversation: ConversationId,
        text: &str,
        priority: Priority,
        at: Timestamp,
    ) -> MessageId {
        let new = NewMessage {
            account: self.account,
            conversation,
            body: Body::Text { text: text.to_owned(), preview_url: false },
            reply_to: None,
            priority,
        };
        self.do_it(|tx| enqueue(tx, &new, at))
    }

    pub(super) fn claim(&mut self, limit: usize, at: Timestamp) -> Vec<Job> {
        self.claim_without(limit, &BTreeSet::new(), at)
    }

    pub(super) fn claim_without(
        &mut self,
        limit: usize,
        excluded: &BTreeSet<ConversationId>,
        at: Timestamp,
    ) -> Vec<Job> {
        let account = self.account;
        let first = self.requests;
        self.requests += u8::try_from(limit).unwrap();
        let requests: Vec<RequestId> = (first..self.requests).map(|n| RequestId([n; 16])).collect();
        let room = Room { messages: limit, receipts: limit, files: limit };
        self.do_it(|tx| claim(tx, account, &requests, room, excluded, at))
    }

    pub(super) fn record(&mut self, job: &Job, verdict: &Verdict, at: Timestamp) {
        self.do_it(|tx| record(tx, job, verdict, at));
    }

    pub(super) fn state(&self, id: MessageId) -> State {
        self.message(id).state
    }

    pub(super) fn message(&self, id: MessageId) -> Message {
        message::message(&self.read, id).unwrap()
    }

    pub(super) fn post(&mut self, items: &[Item]) -> (Ingested, Changes) {
        self.posts += 1;
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&self.posts.to_be_bytes());
        let post = RawPost { body: b"{}".to_vec(), sha256, received_at: t(0) };
        self.write.write(|tx| ingest(tx, &post, items, t(0))).unwrap()
    }

    /// Nothing contradicts anything.
    pub(super) fn sound(&self) {
        assert_eq!(check::check(&self.read).unwrap(), Vec::<String>::new());
        assert_eq!(self.write.check_search().unwrap(), None);
    }
}

pub(super) fn sends(jobs: &[Job]) -> Vec<MessageId> {
    jobs.iter()
        .filter_map(|job| match &job.kind {
            JobKind::Message(send) => Some(send.message),
            JobKind::ReadReceipt { .. }
            | JobKind::MediaDownload { .. }
            | JobKind::MediaUpload(_) => None,
        })
        .collect()
}

pub(super) fn item(kind: ItemKind) -> Item {
    Item {
        waba: Some(WabaId::new("waba")),
        phone_number: Some(PhoneNumberId::new("1065")),
        display_number: None,
        field: "messages".to_owned(),
        kind,
        raw: "{}".to_owned(),
    }
}

pub(super) fn phone(number: &str) -> Peer {
    Peer { wa_id: Some(WaId::new(number)), ..Peer::default() }
}

pub(super) fn user(id: &str) -> Peer {
    Peer { user_id: Some(UserId::new(id)), ..Peer::default() }
}

pub(super) fn both(number: &str, id: &str) -> Peer {
    Peer { wa_id: Some(WaId::new(number)), ..user(id) }
}

pub(super) fn text(words: &str) -> Body {
    Body::Text { text: words.to_owned(), preview_url: false }
}

pub(super) fn inbound(wamid: &str, from: Peer, at: Timestamp, body: Body) -> InboundMessage {
    InboundMessage {
        wamid: Wamid::new(wamid),
        from,
        at,
        body,
        context: Context::default(),
        group: None,
        change: None,
    }
}

pub(super) fn heard(wamid: &str, from: Peer, at: Timestamp, words: &str) -> Item {
    item(ItemKind::Message(inbound(wamid, from, at, text(words))))
}

/// The words of a config.
pub(super) fn keywords() -> Rules {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let keywords = Keywords { stop: words(&["STOP", "PARAR"]), allow: words(&["START"]) };
    Rules { keywords, ..Rules::default() }
}

pub(super) fn status(
    wamid: &str,
    report: Report,
    at: Timestamp,
    request: Option<RequestId>,
) -> Item {
    item(ItemKind::Status(StatusUpdate {
        wamid: Wamid::new(wamid),
        report,
        at,
        recipient: Peer::default(),
        participant: None,
        request,
        error: None,
        pricing: None,
    }))
}

pub(super) fn accepted(wamid: &str) -> Verdict {
    Verdict::Accepted(Acceptance { wamid: Some(Wamid::new(wamid)), ..Acceptance::default() })
}

pub(super) fn refused(code: i64) -> Verdict {
    Verdict::Failed(ApiError { code: Some(code), message: "no".to_owned(), ..ApiError::default() })
}

pub(super) fn unknown() -> Verdict {
    Verdict::Uncertain(ApiError { message: "time-out".to_owned(), ..ApiError::default() })
}
