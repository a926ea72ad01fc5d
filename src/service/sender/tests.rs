//! Every error that Meta documents, as it comes back: the simulator gives it in its answer and in a `failed`
//! status, and what the person then sees of the message and of the account is what the table says.

mod loopback;

use std::time::Duration;

use super::core::{Answer, Core, Now, Policy, Reason, Step};
use super::errand;
use crate::api::{request, response, signature, webhook};
use crate::domain::error_code::{self, Conduct, lookup, rows};
use crate::domain::id::{AccountId, MessageId, PhoneNumberId, RequestId, WaId, WabaId};
use crate::domain::message::{Body, Message, NewMessage, Priority};
use crate::domain::outbox::{Job, JobKind};
use crate::domain::state::State;
use crate::domain::time::{Monotonic, Timestamp};
use crate::sim::{Delays, Fault, Method, PostOutcome, Request, Strangers, World, WorldConfig};
use crate::store::account::NewAccount;
use crate::store::ingest::{RawPost, ingest};
use crate::store::{ReadConn, WriteConn, conversation, message, outbox};

const START: Timestamp = Timestamp::from_secs(1_790_000_000);

/// A store with a sender for one account, and a Meta to refuse it.
struct Shop {
    meta: World,
    config: WorldConfig,
    store: WriteConn,
    read: ReadConn,
    account: AccountId,
    core: Core,
    now: Now,
    written: u64,
    _dir: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twoticks.db");
        let config = WorldConfig {
            strangers: Strangers::WindowOpen,
            delays: Delays::none(),
            ..WorldConfig::default()
        };
        let mut store = WriteConn::open(&path, START).unwrap();
        let new = NewAccount {
            name: "shop".to_owned(),
            phone_number: PhoneNumberId::new(&config.phone_number_id),
            waba: Some(WabaId::new(&config.waba_id)),
            display_number: None,
        };
        let ((ids, _), _) =
            store.write(|tx| errand::begin(tx, std::slice::from_ref(&new), START)).unwrap();
        let read = ReadConn::open(&path).unwrap();
        let mut shop = Self {
            meta: World::new(7, config.clone()),
            config,
            store,
            read,
            account: ids[0],
            core: Core::new(ids[0], Policy::default(), &[], Now { wall: START, mono: ZERO }),
            now: Now { wall: START, mono: ZERO },
            written: 0,
            _dir: dir,
        };
        shop.begin_anew();
        shop
    }

    /// A sender that knows of no trouble.
    fn begin_anew(&mut self) {
        self.pass(Duration::from_secs(5));
        self.core = Core::new(self.account, Policy::default(), &[], self.now);
        drop(self.core.next(self.now));
    }

    fn pass(&mut self, span: Duration) {
        self.now = Now { wall: self.now.wall + span, mono: self.now.mono + span };
    }

    /// Writes a message to somebody new and claims it.
    fn write(&mut self) -> (MessageId, Job) {
        self.written += 1;
        let number = WaId::new(format!("1555123{:04}", self.written));
        let (account, now, unique) = (self.account, self.now.wall, self.written);
        let (made, _) = self
            .store
            .write(|tx| {
                let conversation = conversation::begin_conversation(tx, account, &number, now)?;
                let body = Body::Text { text: "hello".to_owned(), preview_url: false };
                let priority = Priority::Person;
                let new = NewMessage { account, conversation, body, reply_to: None, priority };
                let id = outbox::enqueue(tx, &new, now)?;
                let mut request = [0; 16];
                request[..8].copy_from_slice(&unique.to_be_bytes());
                let job = outbox::claim_in(tx, account, conversation, &[RequestId(request)], now)?;
                Ok((id, job.expect("it is due")))
            })
            .unwrap();
        made
    }

    /// The request reaches Meta, and what Meta answers is written down.
    fn send(&mut self, job: Job) {
        let JobKind::Message(send) = &job.kind else { panic!("a message") };
        let body = request::message(send, job.request).unwrap();
        let path = format!("/v25.0/{}/messages", self.config.phone_number_id);
        let request = Request::new(Method::Post, &path, body.to_string())
            .with_header("Authorization", format!("Bearer {}", self.config.token));
        let answer = self.meta.handle(self.now.wall, &request);
        let outcome = response::message_outcome(answer.status, &answer.body);
        self.core.answered(job, Answer::Outcome(outcome), self.now, 7);
        for step in self.core.next(self.now) {
            if let Step::Write(done) = step {
                self.store.write(|tx| errand::write(tx, &done)).unwrap();
                self.core.written(&done);
            }
        }
    }

    /// Webhooks come in, and the sender looks after what they changed.
    fn hear(&mut self) {
        self.pass(Duration::from_secs(2));
        let now = self.now.wall;
        for post in self.meta.advance(now) {
            let items = webhook::parse(&post.body).unwrap();
            let sha256 = signature::sha256(&post.body);
            let raw = RawPost { body: post.body, sha256, received_at: now };
            self.store.write(|tx| ingest(tx, &raw, &items, now)).unwrap();
            self.meta.webhook_answered(now, post.id, PostOutcome::Answered(200));
        }
        let overdue = errand::overdue(&self.read, self.account, true, now).unwrap();
        self.core.tended(Some(&overdue), self.now);
    }

    fn message(&self, id: MessageId) -> Message {
        message::message(&self.read, id).unwrap()
    }
}

const ZERO: Monotonic = Monotonic(Duration::ZERO);

/// The codes that come as codes: those from 460 to 467 are subcodes of 190.
fn codes() -> Vec<u32> {
    let mut codes: Vec<u32> = rows()
        .flat_map(|(first, last, _)| [first, last])
        .filter(|code| ![460, 463, 467].contains(code))
        .map(|code| u32::try_from(code).unwrap())
        .collect();
    codes.dedup();
    assert!(codes.len() > 100, "{}", codes.len());
    // And two that nobody knows.
    codes.extend([999_999, 131_999]);
    codes
}

fn trouble_words(reason: Option<&Reason>) -> Option<String> {
    match reason {
        Some(Reason::Trouble(words)) => Some(words.clone()),
        _ => None,
    }
}

#[test]
fn every_error_in_an_answer_is_shown_as_the_table_says() {
    let mut shop = Shop::new();
    for code in codes() {
        shop.begin_anew();
        shop.meta.fail_next(&Fault::Refuse(code), 1);
        let (id, job) = shop.write();
        shop.send(job);
        let (message, pause) = (shop.message(id), shop.core.paused().cloned());
        let trouble = message.trouble.unwrap_or_else(|| panic!("{code} is not told"));
        assert_eq!(trouble.code, Some(i64::from(code)));
        // The screen explains by the code alone.
        let entry = lookup(trouble.code, 0, None);
        let conduct = lookup(trouble.code, 400, None).class.conduct();
        let (state, tries) = match conduct {
            Conduct::Retries => (State::Queued, 1),
            Conduct::Waits | Conduct::StopsAccount => (State::Queued, 0),
            Conduct::Asks => (State::Uncertain, 1),
            Conduct::Final => (State::Failed, 1),
        };
        assert_eq!((message.state, message.tries), (state, tries), "{code}: {conduct:?}");
        let words = trouble_words(pause.as_ref());
        assert_eq!(words.is_some(), conduct == Conduct::StopsAccount, "{code}: {pause:?}");
        if let Some(words) = words {
            assert_eq!(words, format!("{}; {}", entry.plain, entry.remedy), "{code}");
        }
        let limited = matches!(pause, Some(Reason::Limited(_)));
        assert_eq!(limited, [4, 613, 80_007, 131_057].contains(&code), "{code}: {pause:?}");
        let unknown = entry.plain.contains("does not know");
        assert_eq!(unknown, [999_999, 131_999].contains(&code), "{code}: {}", entry.plain);
    }
}

#[test]
fn every_error_in_a_failed_status_is_shown_as_the_table_says() {
    let mut shop = Shop::new();
    for code in codes() {
        shop.begin_anew();
        shop.meta.fail_next(&Fault::Fail(code), 1);
        let (id, job) = shop.write();
        shop.send(job);
        assert!(shop.message(id).state.is_accepted(), "{code}");
        shop.hear();
        let message = shop.message(id);
        assert_eq!(message.state, State::Failed, "{code}: accepted and then failed is final");
        assert_eq!(message.trouble.and_then(|trouble| trouble.code), Some(i64::from(code)));
        let entry = lookup(Some(i64::from(code)), 0, None);
        let words = trouble_words(shop.core.paused());
        let stops = entry.class == error_code::Class::Account;
        let wanted = stops.then(|| format!("{}; {}", entry.plain, entry.remedy));
        assert_eq!(words, wanted, "{code}");
    }
}
