//! `twoticks send`: writes a message to the store and waits for what becomes of it. Whoever holds the sender
//! role sends it; when nobody does, this process takes the role and sends this conversation's messages
//! alone: what waits before this one goes first, and everybody else's is left to the inbox.

mod body;
mod template;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::output::{self, json_line, line};
use super::recipient::{self, To, present};
use super::services::{Backstage, check_secrets, on_panic, store_accounts};
use super::{Session, failed};
use crate::app::moment;
use crate::config;
use crate::domain::error_code;
use crate::domain::health::{Condition, Health};
use crate::domain::id::{AccountId, ConversationId, MessageId, Wamid};
use crate::domain::message::{Message, NewMessage, Priority, TimelineEntry};
use crate::domain::state::{HoldReason, State};
use crate::domain::template::{Filling, Place};
use crate::domain::text::display_safe;
use crate::domain::time::Timestamp;
use crate::domain::window::{Outside, Window};
use crate::error::{Error, Kind};
use crate::service::catalogue;
use crate::service::reader::ReadError;
use crate::service::writer;
use crate::store::account::paused_since;
use crate::store::outbox::Terms;
use crate::store::{self, ReadConn, Tx, conversation, list, message, outbox};
use crate::term::signal;

/// How long a message is waited for when nothing is said of it.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct Send {
    /// The number with its plus, a business-scoped user id, or the id of a conversation.
    #[arg(value_name = "TO", allow_hyphen_values = true,
        add = ArgValueCompleter::new(super::shell::conversations))]
    to: String,
    /// What to say; - reads it from stdin.
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Send a file of this machine, or what is at a link that Meta fetches. The end of its name tells what it
    /// is: jpg, png; mp4, 3gp; aac, amr, mp3, m4a, ogg; webp for a sticker; anything else is a document.
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["text", "template"])]
    media: Option<String>,
    /// Words below an image, a video or a document.
    #[arg(long, value_name = "TEXT", requires = "media")]
    caption: Option<String>,
    #[command(flatten)]
    choice: template::Choice,
    /// The message it answers, by its id or wamid.
    #[arg(long, value_name = "ID")]
    reply_to: Option<String>,
    /// When to send it: 14:30, tomorrow 9:00, +10m or RFC 3339; whoever sends then does. Without --wait this
    /// ends as soon as it is scheduled.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Wait until it got this far. Without this: until it is accepted when no other process sends here, else until
    /// it is queued.
    #[arg(long, value_enum, value_name = "STATE")]
    wait: Option<Wait>,
    /// How long to wait.
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = config::duration)]
    timeout: Duration,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

impl Send {
    /// A template to somebody, as if it had been typed.
    pub(super) fn template(
        to: &str,
        (name, language): (&str, &str),
        filling: &Filling,
        (wait, timeout): (Option<Wait>, Option<Duration>),
        json: bool,
    ) -> Self {
        Self {
            to: to.to_owned(),
            text: None,
            media: None,
            caption: None,
            choice: template::Choice::of(name, language, filling),
            reply_to: None,
            at: None,
            wait,
            timeout: timeout.unwrap_or(DEFAULT_WAIT),
            json,
        }
    }
}

/// How far a message is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wait {
    Accepted,
    Sent,
    Delivered,
    Read,
}

/// Where a message stands, seen from what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Yes,
    NotYet,
    /// It needs evidence or a decision.
    Uncertain,
    Never,
}

const fn reached(state: State, wait: Wait) -> Reached {
    let far = match state {
        State::Accepted => 1,
        State::Sent => 2,
        State::Delivered => 3,
        State::Read | State::Played => 4,
        State::Queued | State::Sending | State::Scheduled => 0,
        State::Uncertain => return Reached::Uncertain,
        State::Failed | State::Cancelled | State::Held | State::Received => return Reached::Never,
    };
    let wanted = match wait {
        Wait::Accepted => 1,
        Wait::Sent => 2,
        Wait::Delivered => 3,
        Wait::Read => 4,
    };
    if far >= wanted { Reached::Yes } else { Reached::NotYet }
}

pub(super) fn run(session: &Session, send: &Send) -> Result<(), Error> {
    if send.text.is_none() && send.media.is_none() && !send.choice.is_given() {
        return Err(Error::usage("nothing to send is given").hint(
            "a text, - for the standard input, --media FILE, or --template NAME --lang LANG",
        ));
    }
    let written = body::written(session, send)?;
    let recipient = recipient::parse(&send.to)?;
    let at = moment_to_come(session, send.at.as_deref())?;
    let chosen = session.account()?;
    check_secrets(session, chosen)?;
    let _log = session.start_log()?;
    let account = stored_id(session, chosen)?;
    let complain = on_panic(|said| tracing::error!(said, "while sending"));
    let mut backstage = Backstage::prepare(session, Arc::clone(&complain))?;
    let watcher = backstage.bus.watch();
    let quoted = send.reply_to.as_deref().map(|id| find(&backstage, account, id)).transpose()?;
    // Before anything is written: what is refused leaves no empty conversation behind.
    if let Some(quoted) = &quoted {
        let known = known(&backstage, account, &recipient)?;
        refuse_other_conversation(quoted.id, quoted.conversation, known, &send.to)?;
    }
    let conversation = begin(&backstage, session, account, recipient)?;
    let reply_to = quoted.map(|message| message.id);
    let body = if let Some(body) = written {
        refuse_outside_window(&backstage, session, conversation, at)?;
        body
    } else {
        let name = send.choice.template.as_deref().unwrap_or_default();
        let catalogue =
            ask(&backstage, move |read| catalogue::read(read, account, Some(conversation)))?;
        let body = template::body(&catalogue, name, &send.choice)?;
        body::with_file(session, body, &format!("--param {}", Place::HeaderMedia))?
    };
    let new = NewMessage { account, conversation, body, reply_to, priority: Priority::Person };
    let now = session.clock.now();
    let terms = Terms { at };
    let id = write(&backstage, move |tx| outbox::enqueue_on(tx, &new, &terms, now))?;
    if let Some(at) = at.filter(|_| send.wait.is_none()) {
        return scheduled(backstage, session, id, at, send.json);
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    let (asked, wake) = (Arc::clone(&interrupted), watcher.waker());
    let _signals = signal::start(false, complain, move |_| {
        asked.store(true, Ordering::SeqCst);
        wake();
    })
    .map_err(|error| Error::failed("cannot listen for signals").because(&error))?;
    backstage.send_only(conversation);
    backstage.go_live(session)?;
    let result = follow(&backstage, session, &watcher, (account, id), send, &interrupted);
    drop(watcher);
    // A request under way gets some seconds for its answer.
    backstage.stop();
    match result {
        Err(error) if error.kind == Kind::Interrupted => Err(cut_short(session, id)?),
        result => result,
    }
}

/// Where the message stands when a signal ended the wait.
fn cut_short(session: &Session, id: MessageId) -> Result<Error, Error> {
    let message = message::message(&session.read()?, id).map_err(failed)?;
    let state = message.state;
    let error =
        Error::new(Kind::Interrupted, format!("interrupted; message {id} is {}", state.name()));
    Ok(match state {
        State::Queued | State::Held | State::Scheduled => error.hint(format!(
            "the inbox or twoticks listen goes on with it; twoticks outbox cancel {id} takes it back"
        )),
        _ => error,
    })
}

/// The time to send at, if one was given.
fn moment_to_come(session: &Session, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let Some(text) = text else { return Ok(None) };
    moment::parse(text, session.clock.now(), &session.config.timezone)
        .map(Some)
        .map_err(|error| Error::usage(format!("--at {text:?} cannot be used")).because(&error))
}

/// It is in the store, and that is all there is to do for now.
fn scheduled(
    backstage: Backstage,
    session: &Session,
    id: MessageId,
    at: Timestamp,
    json: bool,
) -> Result<(), Error> {
    let steps = ask(&backstage, move |read| message::timeline(read, id))?;
    steps.iter().try_for_each(|step| tell(id, step, json))?;
    let when = moment::spelled(at, &session.config.timezone);
    super::say(&format!(
        "message {id} is scheduled for {when}; the inbox or twoticks listen has to run then"
    ));
    backstage.stop();
    Ok(())
}

fn stored_id(session: &Session, account: &config::Account) -> Result<AccountId, Error> {
    store_accounts(session)?
        .get(&account.phone_number_id)
        .copied()
        .ok_or_else(|| Error::failed(format!("the account {:?} was not stored", account.name)))
}

fn write<T: std::marker::Send + 'static>(
    backstage: &Backstage,
    job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + std::marker::Send + 'static,
) -> Result<T, Error> {
    backstage.writer.run(writer::Priority::Interactive, job).wait().map_err(|error| {
        let refused = store::Error::Forbidden(HoldReason::OptedOut);
        if error == writer::WriteError::Store(store::Error::Unconfirmed) {
            return Error::failed("the message may be stored or not").because(&error).hint(
                "once the disk is well: twoticks outbox list, and twoticks chats show for who it is for",
            );
        }
        let told = Error::failed("the message was not stored").because(&error);
        if error == writer::WriteError::Store(refused) {
            return told
                .hint("when they ask for it again: twoticks chats opt-in, and their number");
        }
        told
    })
}

fn ask<T: std::marker::Send + 'static>(
    backstage: &Backstage,
    query: impl FnOnce(&ReadConn) -> Result<T, store::Error> + std::marker::Send + 'static,
) -> Result<T, Error> {
    backstage.reader.ask_and_wait("send", query).map_err(|error| match error {
        ReadError::Store(error) => failed(error),
        ReadError::Dropped => Error::failed(error.to_string()),
    })
}

fn find(backstage: &Backstage, account: AccountId, id: &str) -> Result<Message, Error> {
    let wanted = id.to_owned();
    let found = ask(backstage, move |read| match wanted.parse() {
        Ok(number) => present(message::message(read, MessageId(number))),
        Err(_not_ours) => message::message_by_wamid(read, account, &Wamid::new(wanted)),
    })?;
    found.ok_or_else(|| {
        Error::new(Kind::Partial, format!("there is no message {id:?} to reply to"))
            .hint("twoticks chats show CONVERSATION --json shows the ids of its messages")
    })
}

fn begin(
    backstage: &Backstage,
    session: &Session,
    account: AccountId,
    to: To,
) -> Result<ConversationId, Error> {
    let now = session.clock.now();
    match to {
        To::Conversation(id) => {
            let row = ask(backstage, move |read| present(list::conversation(read, id)))?;
            own_conversation(id, row.map(|row| (row.id, row.account)), account)
        }
        To::Number(number) => {
            write(backstage, move |tx| conversation::begin_conversation(tx, account, &number, now))
        }
        To::User(user) => write(backstage, move |tx| {
            conversation::begin_conversation_with_user(tx, account, &user, now)
        }),
    }
}

/// The conversation with a recipient, if there is one. Writes nothing.
fn known(
    backstage: &Backstage,
    account: AccountId,
    to: &To,
) -> Result<Option<ConversationId>, Error> {
    let to = to.clone();
    let row = ask(backstage, move |read| recipient::find(read, account, &to))?;
    Ok(row.map(|row| row.id))
}

/// The conversation that an id names, if it is one of this account's.
fn own_conversation(
    id: ConversationId,
    found: Option<(ConversationId, AccountId)>,
    account: AccountId,
) -> Result<ConversationId, Error> {
    match found {
        Some((row, owner)) if owner == account => Ok(row),
        Some(_) => Err(Error::usage(format!("conversation {id} is with another account"))
            .hint("name that account with --account")),
        None => Err(Error::new(Kind::Partial, format!("there is no conversation {id}"))
            .hint("a phone number is written with its plus, such as +15551230001")),
    }
}

/// A reply quotes what was said in the same conversation.
fn refuse_other_conversation(
    quoted: MessageId,
    its: ConversationId,
    conversation: Option<ConversationId>,
    to: &str,
) -> Result<(), Error> {
    let other = match conversation {
        Some(conversation) if conversation == its => return Ok(()),
        Some(conversation) => format!("{to} is conversation {conversation}"),
        None => format!("there is no conversation with {to}"),
    };
    Err(Error::usage(format!("message {quoted} is in conversation {its}, and {other}"))
        .hint(format!("a reply goes where its message is: twoticks send {its} ...")))
}

fn refuse_outside_window(
    backstage: &Backstage,
    session: &Session,
    id: ConversationId,
    later: Option<Timestamp>,
) -> Result<(), Error> {
    let row = ask(backstage, move |read| list::conversation(read, id))?;
    let window = row.window(later.unwrap_or_else(|| session.clock.now()));
    if window.is_shut() && session.config.sender.outside_window == Outside::Send {
        super::say("warning: the customer service window is closed, so WhatsApp may refuse this");
        return Ok(());
    }
    let help = "only a template reaches them until they write again";
    match window {
        Window::Open(_) => Ok(()),
        Window::Unknown => {
            super::say("warning: no message of this contact is known, so the window may be closed");
            Ok(())
        }
        // Until then they may write again, which opens it.
        Window::Closed(at) if later.is_some() => {
            super::say(&format!(
                "warning: the customer service window closes at {} unless they write again; if it is \
                 closed then, the message is held",
                output::time(at)
            ));
            Ok(())
        }
        Window::Refused(_) if later.is_some() => {
            super::say("warning: unless they write again before, the message is held then");
            Ok(())
        }
        Window::Closed(at) => {
            let at = output::time(at);
            Err(Error::failed(format!("the customer service window closed at {at}")).hint(help))
        }
        Window::Refused(at) => {
            let at = output::time(at);
            let why = "Meta holds the customer service window closed (131047)";
            Err(Error::failed(format!("{why}: it refused what was sent at {at}")).hint(help))
        }
    }
}

/// Prints the steps of the message as they come, until it got as far as wanted or will not, or until it is
/// interrupted. Says on stderr
/// what it waits for when that is not only Meta.
fn follow(
    backstage: &Backstage,
    session: &Session,
    watcher: &crate::service::bus::Watcher,
    (account, id): (AccountId, MessageId),
    send: &Send,
    interrupted: &AtomicBool,
) -> Result<(), Error> {
    let end = session.clock.monotonic() + send.timeout;
    let mut told = 0;
    let mut said = None;
    loop {
        let (message, steps, paused, holder) = ask(backstage, move |read| {
            let message = message::message(read, id)?;
            let paused = paused_since(read, account)?.is_some();
            let holder =
                outbox::holder(&outbox::unresolved(read, account)?, message.conversation, id);
            Ok((message, message::timeline(read, id)?, paused, holder))
        })?;
        let health = backstage.bus.health();
        let waits = send.wait.is_some();
        // What another process makes of it meanwhile is chance, and not told.
        let whole = waits || !matches!(health.sender, Condition::Starting | Condition::Elsewhere);
        let shown = if whole { steps.len() } else { steps.len().min(1) };
        for step in steps.iter().take(shown).skip(told) {
            tell(id, step, send.json)?;
        }
        told = shown;
        if !waits && health.sender == Condition::Elsewhere {
            return Ok(());
        }
        if let Some(done) = judge(&message, send.wait) {
            return done;
        }
        if interrupted.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        let why = waits_for(&message, paused, holder, (account, &health));
        let left = end.since(session.clock.monotonic());
        if left.is_zero() {
            return Err(ran_out(&message, send.timeout, why));
        }
        if let Some(why) = why.filter(|why| said.as_ref() != Some(why)) {
            super::say(&format!("waiting: {}", display_safe(&why)));
            said = Some(why);
        }
        drop(watcher.wait(Some(left.min(LOOK_AGAIN))));
    }
}

/// What keeps a message from getting further, besides Meta, and what helps.
fn waits_for(
    message: &Message,
    paused: bool,
    holder: Option<MessageId>,
    (account, health): (AccountId, &Health),
) -> Option<String> {
    let deaf = match &health.listener {
        Condition::Down(why) => Some(why.as_str()),
        Condition::Off => Some("the listener is off"),
        Condition::Starting | Condition::Up | Condition::Elsewhere => None,
    };
    match message.state {
        State::Queued | State::Sending => {
            let trouble = health.trouble_of(account);
            if let Some(trouble) = trouble.or_else(|| health.sender_trouble(account)) {
                return Some(trouble);
            }
            if paused && message.state == State::Queued {
                return Some("sending is paused; twoticks outbox resume lets it go on".to_owned());
            }
            let holder = holder.filter(|_| message.state == State::Queued)?;
            let held = format!(
                "message {holder} of this conversation is uncertain, and this one stays behind it \
                 for a while so that the order is kept; R in the inbox or twoticks outbox resolve \
                 {holder} settles it"
            );
            Some(match deaf {
                Some(why) => format!("{held}. No proof can come in: {why}"),
                None => held,
            })
        }
        State::Uncertain => deaf.map(|why| format!("no proof can come in: {why}")),
        state if state.is_accepted() => deaf.map(|why| format!("no status can come in: {why}")),
        _ => None,
    }
}

/// What a code means, and Meta's own words about it; without a code the words alone.
fn meaning(code: Option<i64>, detail: &str) -> String {
    let detail = display_safe(detail);
    let Some(code) = code else { return format!(": {detail}") };
    let plain = error_code::lookup(Some(code), 0, None).plain;
    if detail.is_empty() || detail == plain {
        return format!(" {code}: {plain}");
    }
    format!(" {code}: {plain} (Meta: {detail})")
}

/// The role may be given up elsewhere without the store changing; then this process has its turn.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

fn judge(message: &Message, wait: Option<Wait>) -> Option<Result<(), Error>> {
    let trouble = || {
        let trouble = message.trouble.clone().unwrap_or_default();
        meaning(trouble.code, &trouble.detail)
    };
    match reached(message.state, wait.unwrap_or(Wait::Accepted)) {
        Reached::Yes => Some(Ok(())),
        Reached::NotYet => None,
        // Evidence may still come while somebody waits for it.
        Reached::Uncertain if wait.is_some() => None,
        Reached::Uncertain => Some(Err(Error::new(
            Kind::Unknown,
            format!("nobody can say whether message {} was accepted{}", message.id, trouble()),
        )
        .hint("its status will show in the inbox if it was; sending again may send it twice"))),
        Reached::Never => {
            let state = message.state.name();
            let error = Error::failed(format!("message {} {state}{}", message.id, trouble()));
            let code = message.trouble.as_ref().and_then(|trouble| trouble.code);
            Some(Err(match code {
                Some(code) => error.hint(error_code::lookup(Some(code), 0, None).remedy),
                None => error,
            }))
        }
    }
}

fn ran_out(message: &Message, timeout: Duration, why: Option<String>) -> Error {
    let state = message.state.name();
    let still = if timeout.is_zero() {
        format!("is {state}, and --timeout 0 waits for nothing")
    } else {
        format!("is still {state} after {timeout:?}")
    };
    let error =
        Error::new(Kind::Unknown, format!("message {} {still}; it stays in the store", message.id));
    error.hint(why.unwrap_or_else(|| match message.state {
        State::Uncertain => format!(
            "its status settles it if it comes; else twoticks outbox resolve {} does",
            message.id
        ),
        _ => "twoticks listen, or the inbox, goes on with it".to_owned(),
    }))
}

fn tell(id: MessageId, step: &TimelineEntry, json: bool) -> Result<(), Error> {
    if json {
        return Ok(json_line(&output::step(id, step))?);
    }
    let detail = step.detail.as_deref().unwrap_or_default();
    let words = match step.code {
        Some(_) => meaning(step.code, detail),
        None => format!(" {}", display_safe(detail)),
    };
    let text = format!("{} {}{words}", output::time(step.at), step.state.name());
    Ok(line(text.trim_end())?)
}

#[cfg(test)]
mod tests {
    use super::{
        Condition, Health, Reached, State, Wait, own_conversation, reached,
        refuse_other_conversation, waits_for,
    };
    use super::{Duration, Timestamp, outbox};
    use crate::domain::id::{AccountId, ConversationId, MessageId};
    use crate::domain::message::Body;

    #[test]
    fn the_conversation_of_another_account_is_refused() {
        let (id, account) = (ConversationId(7), AccountId(1));
        let merged = ConversationId(9);
        assert_eq!(own_conversation(id, Some((merged, account)), account).unwrap(), merged);
        let other = own_conversation(id, Some((id, AccountId(2))), account).unwrap_err();
        assert!(other.to_string().contains("conversation 7 is with another account"), "{other}");
        let none = own_conversation(id, None, account).unwrap_err();
        assert!(none.to_string().contains("there is no conversation 7"), "{none}");
    }

    #[test]
    fn a_reply_to_a_message_of_another_conversation_is_refused() {
        let refused = |its, known: Option<i64>| {
            let known = known.map(ConversationId);
            refuse_other_conversation(MessageId(5), ConversationId(its), known, "+1555").is_err()
        };
        assert!(!refused(7, Some(7)));
        assert!(refused(8, Some(7)));
        assert!(refused(8, None));
    }

    #[test]
    fn a_wait_ends_when_the_state_is_reached_or_out_of_reach() {
        let cases = [
            (State::Queued, Wait::Accepted, Reached::NotYet),
            (State::Sending, Wait::Accepted, Reached::NotYet),
            (State::Accepted, Wait::Accepted, Reached::Yes),
            (State::Sent, Wait::Delivered, Reached::NotYet),
            (State::Read, Wait::Delivered, Reached::Yes),
            (State::Played, Wait::Read, Reached::Yes),
            (State::Failed, Wait::Accepted, Reached::Never),
            (State::Held, Wait::Sent, Reached::Never),
            (State::Uncertain, Wait::Sent, Reached::Uncertain),
        ];
        for (state, wait, wanted) in cases {
            assert_eq!(reached(state, wait), wanted, "{state:?} {wait:?}");
        }
    }

    #[test]
    fn what_a_message_waits_for_is_named() {
        let of = |state| {
            let at = Timestamp::from_secs(1);
            let body = Body::Text { text: "hi".to_owned(), preview_url: false };
            crate::app::fixture::outbound(crate::app::fixture::message(12, 7, at, body), state)
        };
        let uncertain = |message: i64, conversation: i64| outbox::Unresolved {
            message: MessageId(message),
            conversation: ConversationId(conversation),
            heard: Duration::ZERO,
            since: Timestamp::from_secs(1),
        };
        let queued = of(State::Queued);
        let holder = |known: &[_]| outbox::holder(known, queued.conversation, queued.id);
        assert_eq!(holder(&[uncertain(3, 8), uncertain(13, 7)]), None);
        let before = holder(&[uncertain(3, 8), uncertain(4, 7)]);
        assert_eq!(before, Some(MessageId(4)));

        let mut health = Health::default();
        assert_eq!(waits_for(&queued, false, None, (AccountId(1), &health)), None);
        let said = waits_for(&queued, true, before, (AccountId(1), &health)).unwrap();
        assert!(said.ends_with("twoticks outbox resume lets it go on"), "{said}");
        assert_eq!(waits_for(&of(State::Sending), true, None, (AccountId(1), &health)), None);
        let said = waits_for(&queued, false, before, (AccountId(1), &health)).unwrap();
        assert!(said.starts_with("message 4 of this conversation is uncertain"), "{said}");
        assert!(said.ends_with("twoticks outbox resolve 4 settles it"), "{said}");
        assert!(!said.contains("No proof"), "{said}");
        health.listener = Condition::Down("port 8787 is taken".to_owned());
        let said = waits_for(&queued, false, before, (AccountId(1), &health)).unwrap();
        assert!(said.ends_with("No proof can come in: port 8787 is taken"), "{said}");
        let said = waits_for(&of(State::Sent), false, None, (AccountId(1), &health)).unwrap();
        assert_eq!(said, "no status can come in: port 8787 is taken");
        assert!(waits_for(&of(State::Uncertain), false, None, (AccountId(1), &health)).is_some());
        health.account_trouble = Some("shop: no access token".to_owned());
        let said = waits_for(&queued, false, before, (AccountId(1), &health));
        assert_eq!(said.as_deref(), Some("shop: no access token"));
    }
}
