//! What the screen asks of the services, carried over: a query becomes a closure in a slot of the reader, a
//! command a job of the writer. Both come back as messages; nothing here waits on the thread that draws.

mod reads;

use std::io;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::errand::{Errand, Errands};
use super::files::Files;
use super::run::Event;
use super::workshop::{self, Workshop};
use crate::api::request::written;
use crate::api::signature;
use crate::app::inspector::KeptBody;
use crate::app::list::Came;
use crate::app::msg::{
    Command, CommandId, Course, Done, Finished, Msg, Query, Reply, RequestForm, Ticket, Which,
};
use crate::domain::change::Changes;
use crate::domain::conversation::Draft;
use crate::domain::health::Health;
use crate::domain::id::ConversationId;
use crate::domain::message::{Media, MediaCopy, NewMessage};
use crate::domain::time::{Clock, Timestamp};
use crate::service::Nudge;
use crate::service::bus::{Bus, Interest, Subscription};
use crate::service::catalogue::Templates;
use crate::service::hooks;
use crate::service::outgoing::take_in_for;
use crate::service::reader::Reader;
use crate::service::thread::OnPanic;
use crate::service::writer::{Priority, Writer};
use crate::store::ingest::Ingested;
use crate::store::outbox::Terms;
use crate::store::{
    self, ReadConn, Tx, campaign, conversation, event, list, message, outbox, search, unfinished,
    wish,
};

/// The services as the screen sees them.
pub struct Stage {
    reader: Reader,
    writer: Writer,
    nudge: Nudge,
    templates: Templates,
    news: Subscription,
    events: Sender<Event>,
    clock: Arc<dyn Clock>,
    by: By,
    opener: Option<String>,
    base_url: Arc<str>,
    data_dir: Arc<Path>,
    files: Files,
    copying: Copying,
    errands: Option<Errands>,
    workshop: Option<Workshop>,
    on_panic: OnPanic,
}

/// What the person at the keyboard brings along to what they do.
#[derive(Clone, Debug)]
pub struct By {
    /// Their name on this machine, kept with what they decide for others to see.
    pub who: String,
    /// Whether contacts are told that their messages were read.
    pub read_receipts: bool,
    /// The most messages a second that the config allows.
    pub rate: Option<u32>,
}

impl Stage {
    /// Connects the loop behind `events` with the services.
    pub fn new(
        (reader, writer, bus, nudge, templates): (Reader, Writer, &Bus, Nudge, Templates),
        events: Sender<Event>,
        clock: Arc<dyn Clock>,
        by: By,
        on_panic: OnPanic,
    ) -> io::Result<Self> {
        let woken = events.clone();
        // A loop that has ended needs no news.
        let news = bus.subscribe(Interest::Everything, move || drop(woken.send(Event::News)));
        let on_files = Arc::clone(&on_panic);
        let files = Files::start(events.clone(), on_files)?;
        // The health as it is now, and whatever was missed before.
        events.send(Event::Msg(Msg::Health(Box::new(bus.health())))).ok();
        Ok(Self {
            reader,
            writer,
            nudge,
            templates,
            news,
            events,
            clock,
            by,
            opener: None,
            base_url: Arc::from(""),
            data_dir: Arc::from(Path::new("")),
            files,
            copying: Copying::default(),
            errands: None,
            workshop: None,
            on_panic,
        })
    }

    /// Says where the API is, for requests that are written down, and where files that are sent are kept.
    #[must_use]
    pub fn at(mut self, base_url: &str, data_dir: &Path) -> Self {
        self.base_url = Arc::from(base_url);
        self.data_dir = Arc::from(data_dir);
        self
    }

    /// Names the program that opens files, if it is not the system's.
    #[must_use]
    pub fn opening_with(mut self, opener: Option<String>) -> Self {
        self.opener = opener;
        self
    }

    /// Gives the workbench its hands.
    #[must_use]
    pub fn with(mut self, workshop: Workshop) -> Self {
        self.workshop = Some(workshop);
        self
    }

    /// Looks at the whole set-up; what was found comes back as a message.
    pub(super) fn examine(&mut self) -> io::Result<()> {
        match self.workshop.clone() {
            Some(workshop) => self.errand(Errand::Examine(workshop)),
            None => Ok(()),
        }
    }

    /// Sees what is at a path; it comes back as a message.
    pub fn look(&self, ticket: Ticket, path: String) {
        self.files.look(ticket, path);
    }

    /// Does something that takes its time; what came of it comes back as a message.
    pub(super) fn errand(&mut self, errand: Errand) -> io::Result<()> {
        let errands = match &mut self.errands {
            Some(errands) => errands,
            none => none.insert(Errands::start(
                (self.reader.clone(), self.writer.clone()),
                Arc::clone(&self.data_dir),
                (self.by.rate, self.opener.clone()),
                self.events.clone(),
                Arc::clone(&self.clock),
                Arc::clone(&self.on_panic),
            )?),
        };
        errands.give(errand);
        Ok(())
    }

    /// Takes the news.
    pub fn news(&self) -> (Changes, Option<Health>) {
        let news = self.news.take();
        (news.changes, news.health)
    }

    /// Hands a query to the reader.
    pub fn query(&self, query: Query) {
        let events = self.events.clone();
        let base_url = Arc::clone(&self.base_url);
        self.reader.submit(slot(&query), move |read| {
            let reply = answer(read, query, &base_url);
            // A loop that has ended needs no answer.
            events.send(Event::Msg(Msg::Loaded(reply))).ok();
        });
    }

    /// Hands a command to the writer; its result comes back as a message.
    pub fn command(&self, id: CommandId, command: Command) {
        if let Command::SetPicture(account, path) = command {
            let (workshop, events) = (self.workshop.clone(), self.events.clone());
            return self.files.run(move || {
                workshop::picture(workshop.as_ref(), id, (account, &path), &events);
            });
        }
        let command = workshop::command(self.workshop.as_ref(), id, command, &self.events);
        let Some(command) = command else { return };
        match command {
            Command::SyncTemplates(account) => {
                let tell = finished(id, &self.events);
                let answer = move |result: Result<u32, String>| tell(result.map(Done::Synced));
                return self.templates.sync(account, Box::new(answer));
            }
            Command::CancelSync(account) => self.templates.cancel(account),
            Command::Work(account, work) => {
                let tell = finished::<String>(id, &self.events);
                let answer = move |result| tell(Ok(Done::Worked(result)));
                return self.templates.work(account, *work, Box::new(answer));
            }
            _ => {}
        }
        let clock = Arc::clone(&self.clock);
        let by = self.by.clone();
        // Who sends something wants to know now whether the trouble is over.
        if matches!(command, Command::Send { .. } | Command::Decide(..) | Command::Pause(_, false))
        {
            self.nudge.try_now();
        }
        if let Command::Send { message, at, clears } = command {
            let outside = message.body.file().is_some_and(is_outside);
            let behind = self.copying.all().contains(&message.conversation);
            let outgoing = Outgoing { message, terms: Terms { at }, clears };
            if outside || behind {
                return self.send_in_turn(id, outgoing);
            }
            return send(&self.writer, &self.events, id, outgoing, &self.clock);
        }
        self.writer.run_and_tell(
            Priority::Interactive,
            move |tx| execute(tx, &command, &by, clock.now()),
            finished(id, &self.events),
        );
    }
}

impl Stage {
    /// Copies the file of a message, if it has one, into the data directory before the message is written. One
    /// that is gone meanwhile, or too big, is told as the end of the command. What is sent in the same
    /// conversation meanwhile comes here too, so that the store gets it in the order it was written.
    fn send_in_turn(&self, id: CommandId, mut outgoing: Outgoing) {
        let (writer, events) = (self.writer.clone(), self.events.clone());
        let clock = Arc::clone(&self.clock);
        let data_dir = Arc::clone(&self.data_dir);
        let (copying, conversation) = (self.copying.clone(), outgoing.message.conversation);
        copying.all().push(conversation);
        self.files.run(move || {
            match take_in_for(&data_dir, &mut outgoing.message.body) {
                Ok(()) => send(&writer, &events, id, outgoing, &clock),
                Err(error) => finished(id, &events)(Err(error)),
            }
            let mut all = copying.all();
            if let Some(at) = all.iter().position(|one| *one == conversation) {
                all.swap_remove(at);
            }
        });
    }
}

/// The conversations of messages whose files are being copied, and of those sent after them: one entry for each
/// message.
#[derive(Clone, Default)]
struct Copying(Arc<Mutex<Vec<ConversationId>>>);

impl Copying {
    fn all(&self) -> MutexGuard<'_, Vec<ConversationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_outside(media: &Media) -> bool {
    matches!(media.copy, MediaCopy::Outside { .. })
}

/// A message on its way into the outbox.
struct Outgoing {
    message: NewMessage,
    terms: Terms,
    /// The draft that it was, which goes in the same step.
    clears: Option<Draft>,
}

/// Puts a message into the outbox.
fn send(
    writer: &Writer,
    events: &Sender<Event>,
    id: CommandId,
    outgoing: Outgoing,
    clock: &Arc<dyn Clock>,
) {
    let clock = Arc::clone(clock);
    let job = move |tx: &mut Tx<'_>| {
        let (Outgoing { message, terms, clears }, now) = (&outgoing, clock.now());
        let id = outbox::enqueue_on(tx, message, terms, now)?;
        if let Some(seen) = clears {
            conversation::save_draft(tx, message.conversation, &Draft::default(), seen, now)?;
        }
        Ok(Done::Message(id))
    };
    writer.run_and_tell(Priority::Interactive, job, finished(id, events));
}

/// Tells the loop what came of a command.
fn finished<E: std::fmt::Display>(
    id: CommandId,
    events: &Sender<Event>,
) -> impl FnOnce(Result<Done, E>) + Send + 'static + use<E> {
    let events = events.clone();
    move |result| {
        let result = result.map_err(|error| error.to_string());
        // A loop that has ended needs no answer.
        events.send(Event::Msg(Msg::Finished(Finished { id, result }))).ok();
    }
}

const fn replayed(done: &Ingested) -> Done {
    Done::Replayed { messages: done.messages.len(), unknown: done.unknown }
}

const fn slot(query: &Query) -> &'static str {
    match query {
        Query::List { .. } => "list",
        Query::Messages { .. } => "messages",
        Query::Timeline { .. } => "timeline",
        Query::Jump { .. } => "jump",
        Query::Queue { .. } => "queue",
        Query::Hooks { .. } => "hooks",
        Query::HookBody { .. } => "hook body",
        Query::Next { .. } => "next",
        Query::Find { .. } => "find",
        Query::Templates { .. } => "templates",
        Query::Campaigns { .. } => "campaigns shown",
        Query::Told { .. } => "told",
        Query::Account { .. } => "account",
        Query::Request { .. } => "request",
    }
}

fn answer(read: Result<&ReadConn, store::Error>, query: Query, base_url: &str) -> Reply {
    let ticket = query.ticket();
    read.and_then(|read| ask(read, query, base_url))
        .unwrap_or_else(|error| Reply::Failed { ticket, reason: error.to_string() })
}

fn ask(read: &ReadConn, query: Query, base_url: &str) -> Result<Reply, store::Error> {
    Ok(match query {
        Query::List { account, filter, text, page, limit, now, ticket } => {
            let found = list::conversations(read, account, filter, &text, page, limit, now)?;
            Reply::List {
                ticket,
                rows: found.rows,
                more_above: found.more_above,
                more_below: found.more_below,
                counts: found.counts,
            }
        }
        Query::Messages { conversation, page, limit, ticket } => {
            let found = message::messages(read, conversation, page, limit)?;
            Reply::Messages {
                ticket,
                conversation: Box::new(found.conversation),
                messages: found.messages,
                more_before: found.more_before,
                more_after: found.more_after,
                wishes: found.wishes,
            }
        }
        Query::Timeline { message: id, ticket } => Reply::Timeline {
            ticket,
            message: id,
            entries: message::timeline(read, id)?,
            raw: message::raw(read, id)?,
        },
        Query::Jump { account, text, limit, ticket } => {
            reads::jumps(read, account, &text, limit, ticket)?
        }
        Query::Queue { account, filter, page, limit, now, ticket } => {
            let found = outbox::browse(read, account, filter, page, limit)?;
            let came = Came {
                rows: found.rows,
                more_above: found.more_above,
                more_below: found.more_below,
                counts: found.counts,
            };
            Reply::Queue { ticket, came, recent: outbox::recent(read, account, now)? }
        }
        Query::Templates { account, conversation, ticket } => {
            reads::templates(read, account, conversation, ticket)?
        }
        Query::Campaigns { account, limit, ticket } => reads::many(read, account, limit, ticket)?,
        Query::Request { account, recipient, body, form, ticket } => {
            let json = written::json(&recipient, &body).map_err(|error| error.to_string());
            let text = match (json, form) {
                (Ok(json), RequestForm::Curl) => Ok(reads::curl(read, account, &json, base_url)?),
                (json, _) => json,
            };
            Reply::Request { ticket, text }
        }
        Query::Account { account, limit, ticket } => reads::told(read, account, limit, ticket)?,
        Query::Told { after, ticket } => reads::news(read, after, ticket)?,
        Query::Hooks { filter, page, limit, budget, ticket } => {
            let found = hooks::hooks(read, &filter, page, limit, budget)?;
            let came = Came {
                rows: found.rows,
                more_above: found.more_above,
                more_below: found.more_below,
                counts: (),
            };
            Reply::Hooks { ticket, came, looked: found.looked }
        }
        Query::HookBody { event, ticket } => {
            let kept = event::kept(read, event)?;
            let text = String::from_utf8_lossy(&kept.body).into_owned();
            let signature = kept.signature.as_ref().map(signature::header);
            Reply::HookBody { ticket, body: KeptBody::new(event, text, signature) }
        }
        Query::Find { conversation, text, from, older, ticket } => {
            let message = search::in_conversation(read, conversation, &text, from, older)?;
            Reply::Find { ticket, message }
        }
        Query::Next { account, wanted, from, ticket } => {
            reads::next(read, (account, wanted, from), ticket)?
        }
    })
}

fn execute(
    tx: &mut Tx<'_>,
    command: &Command,
    by: &By,
    now: Timestamp,
) -> Result<Done, store::Error> {
    Ok(match command {
        Command::Begin { account, number } => {
            Done::Conversation(conversation::begin_conversation(tx, *account, number, now)?)
        }
        Command::SaveDraft(id, edit) => {
            conversation::save_draft(tx, *id, &edit.draft, &edit.seen, now)?;
            Done::Plain
        }
        Command::MarkRead(id, up_to) => {
            conversation::mark_read(tx, *id, *up_to, by.read_receipts, now)?;
            Done::Plain
        }
        Command::MarkUnread(id) => {
            conversation::mark_unread(tx, *id)?;
            Done::Plain
        }
        Command::Decide(Which::These(ids), decision) => {
            Done::Decided { decided: outbox::decide(tx, ids, *decision, now)?, rest: None }
        }
        Command::Decide(Which::Group { account, filter, sweep }, decision) => {
            let (decided, rest) =
                outbox::decide_some(tx, (*account, *filter), *decision, *sweep, now)?;
            Done::Decided { decided, rest }
        }
        Command::Marketing { conversation, stop } => {
            wish::decide(tx, *conversation, *stop, &by.who, now)?;
            Done::Plain
        }
        Command::Replay(event) => replayed(&hooks::replay(tx, *event, now)?),
        Command::ReplayEdited(event, body) => {
            replayed(&hooks::replay_edited(tx, *event, body.as_bytes(), now)?)
        }
        Command::Pause(account, true) => {
            outbox::pause_account(tx, *account, now)?;
            Done::Plain
        }
        Command::Pause(account, false) => {
            outbox::resume_account(tx, *account)?;
            Done::Plain
        }
        Command::KeepTemplate(account, purpose, fields) => {
            unfinished::keep(tx, *account, purpose, fields)?;
            Done::Plain
        }
        Command::KeepValues(conversation, name, values) => {
            unfinished::keep_values(tx, *conversation, name, values)?;
            Done::Plain
        }
        Command::Campaign(id, course) => {
            match course {
                Course::Pause => campaign::pause(tx, *id, now)?,
                Course::Resume => campaign::resume(tx, *id, now)?,
                Course::Cancel => campaign::cancel_campaign(tx, *id, now)?,
            }
            Done::Plain
        }
        // Carried out beside the store.
        Command::Send { .. }
        | Command::SyncTemplates(_)
        | Command::CancelSync(_)
        | Command::AskAccount(_)
        | Command::Profile(_)
        | Command::SetProfile(..)
        | Command::SetPicture(..)
        | Command::Post(..)
        | Command::Tunnel(_)
        | Command::Work(..) => Done::Plain,
    })
}
