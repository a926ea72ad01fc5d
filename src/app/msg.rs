//! What the screen hears and what it asks for. `Msg` goes into `update`, `Effect` comes out; the shell
//! carries effects to the services and brings their answers back. Nothing here knows SQL, HTTP or a
//! terminal library.

use std::sync::Arc;

use super::drafts::Edit;
use super::inspector::KeptBody;
use super::list::Came;
use super::workbench::Told;
use crate::domain::campaign::{Campaign, DryRun, Wish as Intent};
use crate::domain::catalogue::Catalogue;
use crate::domain::change::Changes;
use crate::domain::checkup::Finding;
use crate::domain::conversation::{Conversation, Counts, Draft, Filter};
use crate::domain::event::Tidings;
use crate::domain::health::Health;
use crate::domain::hook::{Budget, Hook, HookKey, LookedTo};
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::{AccountId, CampaignId, ConversationId, EventId, MessageId, WaId};
use crate::domain::message::{Body, Message, NewMessage, TimelineEntry};
use crate::domain::outbox::{Decided, Decision, Recipient};
use crate::domain::page::{ListKey, ListPage, MessagePage, Page, QueuePage};
use crate::domain::profile::{Profile, ProfileChange};
use crate::domain::queue::{QueueFilter, QueueRow, Recent, Sweep};
use crate::domain::template::{
    Begun, Fields, Purpose, Refusal, Template, Unfinished, Work, Worked,
};
use crate::domain::time::Timestamp;
use crate::domain::tunnel::{Kind, Say};
use crate::domain::wish::Wish;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Msg {
    /// The person did something.
    Input(Input),
    /// The answer to a [`Query`].
    Loaded(Reply),
    /// The store changed, here or in another process.
    Changed(Changes),
    /// How the services are doing.
    Health(Box<Health>),
    /// A [`Command`] was carried out, or not.
    Finished(Finished),
    /// Why the text of [`Effect::Copy`] is not on the clipboard.
    NotCopied(String),
    /// What came of [`Effect::Post`] or [`Effect::SaveBody`].
    Told(Result<String, String>),
    /// What `$EDITOR` made of the text of [`Effect::Edit`], or why it could not be run.
    Edited(Result<String, String>),
    /// What [`Effect::Examine`] found out.
    Examined(Vec<Finding>),
    /// What is at the path of [`Effect::Look`].
    Looked(Ticket, Looked),
    /// What the file of [`Effect::Plan`] comes to, or why nothing, in plain words.
    Planned(Ticket, Result<Arc<DryRun>, String>),
    /// What came of [`Effect::Confirm`].
    Begun(Ticket, Result<CampaignId, String>),
    /// The time of `Model::next_deadline` has come.
    Deadline,
    /// The process is asked to end.
    Quit(QuitCause),
}

/// A key, a paste, or a change of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeated.
    Key(Key),
    /// Text was pasted. It never submits and never runs a key action.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// The terminal got or lost the focus.
    Focus(bool),
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// Ctrl held.
    pub ctrl: bool,
    /// Alt held.
    pub alt: bool,
    /// Shift held; letters carry it in their case instead.
    pub shift: bool,
}

/// The keys that have a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the keys")]
pub enum KeyCode {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// Counts queries, so that a late answer never overwrites a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A read from the store. One slot per kind: a newer query of a kind replaces one that still waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Rows of the list, and the counts above it.
    List {
        /// The account shown.
        account: AccountId,
        /// Which conversations.
        filter: Filter,
        /// Only those whose name, number or text has this; empty for all.
        text: String,
        /// Which part.
        page: ListPage,
        /// At most this many rows.
        limit: u32,
        /// As of when windows are looked at.
        now: Timestamp,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// Messages of a conversation, with its row.
    Messages {
        /// Which conversation.
        conversation: ConversationId,
        /// Which part.
        page: MessagePage,
        /// At most this many.
        limit: u32,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// Everything known about one message.
    Timeline {
        /// Which.
        message: MessageId,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// Conversations whose name or number matches, for the jump box.
    Jump {
        /// The account shown.
        account: AccountId,
        /// What was typed.
        text: String,
        /// At most this many.
        limit: u32,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// Messages of the queue, and the numbers above it.
    Queue {
        /// The account shown.
        account: AccountId,
        /// Which messages.
        filter: QueueFilter,
        /// Which part.
        page: QueuePage,
        /// At most this many rows.
        limit: u32,
        /// Up to when requests are counted for the chart.
        now: Timestamp,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// All templates of the account.
    Templates {
        /// The account shown.
        account: AccountId,
        /// Which were used with this conversation, and how; none for the account as a whole.
        conversation: Option<ConversationId>,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// The request that would send a message, as text.
    Request {
        /// Who sends it.
        account: AccountId,
        /// Who it goes to.
        recipient: Recipient,
        /// What it says.
        body: Box<Body>,
        /// As what.
        form: RequestForm,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// The campaigns of the account, the newest first.
    Campaigns {
        /// The account shown.
        account: AccountId,
        /// At most this many.
        limit: u32,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// What Meta told that a person should hear of.
    Told {
        /// After this one; none for the newest alone.
        after: Option<i64>,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// What Meta says of the account, now and before.
    Account {
        /// The account shown.
        account: AccountId,
        /// How much of the history.
        limit: u32,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// Requests at the listener.
    Hooks {
        /// Which ones.
        filter: HookFilter,
        /// Which part.
        page: Page<HookKey>,
        /// At most this many rows.
        limit: u32,
        /// No more is looked at for them.
        budget: Budget,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// An event as it came.
    HookBody {
        /// Which.
        event: EventId,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// The next conversation of a kind after this place in the list, wrapping round.
    Next {
        /// The account shown.
        account: AccountId,
        /// Which kind.
        wanted: Wanted,
        /// Where the selection is.
        from: Option<ListKey>,
        /// Echoed in the answer.
        ticket: Ticket,
    },
    /// The nearest message of a conversation that has all words of a text.
    Find {
        /// Which conversation.
        conversation: ConversationId,
        /// The words.
        text: String,
        /// Where to go on from; the newest one is meant when none.
        from: Option<MessageId>,
        /// To older ones, else to newer ones.
        older: bool,
        /// Echoed in the answer.
        ticket: Ticket,
    },
}

impl Query {
    /// What is echoed in its answer.
    #[must_use]
    pub const fn ticket(&self) -> Ticket {
        match self {
            Self::List { ticket, .. }
            | Self::Messages { ticket, .. }
            | Self::Timeline { ticket, .. }
            | Self::Jump { ticket, .. }
            | Self::Queue { ticket, .. }
            | Self::Hooks { ticket, .. }
            | Self::HookBody { ticket, .. }
            | Self::Next { ticket, .. }
            | Self::Find { ticket, .. }
            | Self::Templates { ticket, .. }
            | Self::Campaigns { ticket, .. }
            | Self::Request { ticket, .. }
            | Self::Account { ticket, .. }
            | Self::Told { ticket, .. } => *ticket,
        }
    }
}

/// How a request is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestForm {
    /// A command of the shell, with `$TOKEN` for the token.
    Curl,
    /// The body alone.
    Json,
}

/// What was found at a path that is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The path, as it was typed.
    pub typed: String,
    /// Where the file is and its bytes, or why it cannot be sent, in plain words.
    pub file: Result<(String, u64), String>,
    /// What the path can go on to, each whole and spelled as it was begun; folders end in `/`.
    pub ends: Vec<String>,
}

/// What [`Query::Next`] looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A conversation with something unread.
    Unread,
    /// A conversation with a message that failed or is uncertain.
    Failed,
}

/// The answer to a [`Query`].
#[derive(Clone, Debug)]
pub enum Reply {
    /// To [`Query::List`].
    List {
        /// Which query.
        ticket: Ticket,
        /// In list order.
        rows: Vec<Conversation>,
        /// More rows above these.
        more_above: bool,
        /// More rows below these.
        more_below: bool,
        /// Over the whole account.
        counts: Counts,
    },
    /// To [`Query::Messages`].
    Messages {
        /// Which query.
        ticket: Ticket,
        /// The row of the conversation, as of the same snapshot.
        conversation: Box<Conversation>,
        /// Oldest first.
        messages: Vec<Message>,
        /// More before these.
        more_before: bool,
        /// More after these.
        more_after: bool,
        /// What they said about marketing lately, oldest first.
        wishes: Vec<Wish>,
    },
    /// To [`Query::Timeline`].
    Timeline {
        /// Which query.
        ticket: Ticket,
        /// The message.
        message: MessageId,
        /// Oldest first.
        entries: Vec<TimelineEntry>,
        /// The raw JSON as it came or went, if any.
        raw: Option<String>,
    },
    /// To [`Query::Jump`].
    Jump {
        /// Which query.
        ticket: Ticket,
        /// Best first.
        rows: Vec<Conversation>,
    },
    /// To [`Query::Queue`].
    Queue {
        /// Which query.
        ticket: Ticket,
        /// The page.
        came: Came<QueueRow>,
        /// How many requests went out lately.
        recent: Recent,
    },
    /// To [`Query::Templates`].
    Templates {
        /// Which query.
        ticket: Ticket,
        /// By name and language.
        catalogue: Arc<Catalogue>,
        /// What was begun in the editor and not handed in.
        unfinished: Unfinished,
        /// The conversation that was asked for, and the values filled in there and not sent.
        begun: Option<(ConversationId, Begun)>,
    },
    /// To [`Query::Request`].
    Request {
        /// Which query.
        ticket: Ticket,
        /// The text, or why there is no such request.
        text: Result<String, String>,
    },
    /// To [`Query::Campaigns`].
    Campaigns {
        /// Which query.
        ticket: Ticket,
        /// The newest first.
        rows: Vec<Campaign>,
    },
    /// To [`Query::Told`].
    Told {
        /// Which query.
        ticket: Ticket,
        /// The oldest first.
        tidings: Vec<Tidings>,
    },
    /// To [`Query::Account`].
    Account {
        /// Which query.
        ticket: Ticket,
        /// What is known.
        told: Told,
    },
    /// To [`Query::Hooks`].
    Hooks {
        /// Which query.
        ticket: Ticket,
        /// The page.
        came: Came<Hook>,
        /// The search ended here, before all were looked at.
        looked: Option<LookedTo>,
    },
    /// To [`Query::HookBody`].
    HookBody {
        /// Which query.
        ticket: Ticket,
        /// What is kept of it.
        body: KeptBody,
    },
    /// To [`Query::Next`].
    Next {
        /// Which query.
        ticket: Ticket,
        /// None when there is no such conversation.
        row: Option<Box<Conversation>>,
    },
    /// To [`Query::Find`].
    Find {
        /// Which query.
        ticket: Ticket,
        /// None when there is no such message.
        message: Option<MessageId>,
    },
    /// A query failed; what is shown stays.
    Failed {
        /// Which query.
        ticket: Ticket,
        /// Why, in plain words.
        reason: String,
    },
}

/// A write to the store, carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Write a message and queue it, or schedule it for a time.
    Send {
        /// What to send.
        message: NewMessage,
        /// Not before this time.
        at: Option<Timestamp>,
        /// The draft that the message is made of, as the store has it: it is cleared in the same step.
        clears: Option<Draft>,
    },
    /// Begin a conversation with a number, or find the one there is.
    Begin {
        /// The account it is with.
        account: AccountId,
        /// As it was read from what was typed.
        number: WaId,
    },
    /// Keep what is typed. An empty draft is removed.
    SaveDraft(ConversationId, Edit),
    /// Everything up to this message has been seen.
    MarkRead(ConversationId, MessageId),
    /// Show the conversation as unread.
    MarkUnread(ConversationId),
    /// Decide about messages that wait, failed or are uncertain.
    Decide(Which, Decision),
    /// Stop marketing for the contact of a conversation, or allow it again.
    Marketing {
        /// Which conversation.
        conversation: ConversationId,
        /// Whether it is stopped.
        stop: bool,
    },
    /// Let the account send nothing any more, or let it send again.
    Pause(AccountId, bool),
    /// Pause a campaign, let it go on, or cancel it.
    Campaign(CampaignId, Course),
    /// Fetch all templates from Meta.
    SyncTemplates(AccountId),
    /// Give up fetching them.
    CancelSync(AccountId),
    /// Ask Meta how an account is, and keep it.
    AskAccount(AccountId),
    /// Ask Meta for the profile of an account.
    Profile(AccountId),
    /// Change the profile of an account.
    SetProfile(AccountId, ProfileChange),
    /// Change the picture of the profile to that in the file at this path, as it was typed.
    SetPicture(AccountId, String),
    /// Say where Meta is to post webhooks.
    Post(AccountId, Say),
    /// Start this tunnel in place of what runs.
    Tunnel(Kind),
    /// Keep what stands in the editor of templates; without fields, keep it no longer.
    KeepTemplate(AccountId, Purpose, Fields),
    /// Keep what is filled in for the template of this name in a conversation; without values, no longer.
    KeepValues(ConversationId, String, Fields),
    /// Make, change or delete a template at Meta.
    Work(AccountId, Box<Work>),
    /// Apply an event again.
    Replay(EventId),
    /// Apply what a person made of the body of an event.
    ReplayEdited(EventId, String),
}

/// What is decided about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Nothing more of it goes for now.
    Pause,
    /// It goes on.
    Resume,
    /// Nothing more of it goes, ever.
    Cancel,
}

/// Which messages a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These.
    These(Vec<MessageId>),
    /// All that a filter of the queue shows, some at a time.
    Group {
        /// The account shown.
        account: AccountId,
        /// Which ones.
        filter: QueueFilter,
        /// Where to go on; none at the start.
        sweep: Option<Sweep>,
    },
}

/// Counts commands, so that their results find back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What came of a [`Command`].
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which.
    pub id: CommandId,
    /// What it made, or why it could not be done, in plain words.
    pub result: Result<Done, String>,
}

/// What a [`Command`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing to tell beyond success.
    Plain,
    /// The message that was written.
    Message(MessageId),
    /// The conversation that was begun or found.
    Conversation(ConversationId),
    /// Something to tell.
    Said(String),
    /// The profile of the account.
    Profile(Box<Profile>),
    /// So many templates were fetched.
    Synced(u32),
    /// What became of work on a template.
    Worked(Result<Worked, Refusal>),
    /// An event was applied again.
    Replayed {
        /// New messages.
        messages: usize,
        /// Items that could not be applied.
        unknown: u32,
    },
    /// What became of a decision.
    Decided {
        /// What was done and what was not.
        decided: Decided,
        /// How to go on with the rest of a group, if there is any.
        rest: Option<Sweep>,
    },
}

/// Why the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuitCause {
    /// SIGTERM, SIGINT or SIGHUP.
    Signal,
    /// A thread panicked; the log has it.
    Panic(String),
}

/// What the screen wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read from the store.
    Run(Query),
    /// Write to the store.
    Do(CommandId, Command),
    /// Put text on the clipboard.
    Copy(String),
    /// Post an event to an address; what came of it comes back as [`Msg::Told`].
    Post {
        /// Which.
        event: EventId,
        /// As it was typed.
        url: String,
    },
    /// Save the body of an event; what came of it comes back as [`Msg::Told`].
    SaveBody {
        /// Which.
        event: EventId,
        /// As it was typed.
        path: String,
    },
    /// Show a file that the store names in another program; what came of it comes back as [`Msg::Told`].
    OpenFile(String),
    /// Copy it; what came of it comes back as [`Msg::Told`].
    SaveFile {
        /// The file, as the store names it.
        path: String,
        /// Where, as it was typed.
        to: String,
        /// What it is called, where that is a folder.
        name: String,
    },
    /// Look at every part of the set-up; what is found comes back as [`Msg::Examined`].
    Examine,
    /// Edit this text in `$EDITOR`; it comes back as [`Msg::Edited`].
    Edit(String),
    /// See what is at a path that is typed; comes back as [`Msg::Looked`].
    Look(Ticket, String),
    /// Find out what a file comes to; comes back as [`Msg::Planned`].
    Plan(Ticket, Box<Intent>, Box<Template>),
    /// Store a campaign and let it run; comes back as [`Msg::Begun`].
    Confirm {
        /// Echoed in the answer.
        ticket: Ticket,
        /// What was confirmed.
        run: Arc<DryRun>,
        /// Although the same file was given before.
        again: bool,
    },
    /// Send one row of a dry run to another number; what came of it comes back as [`Msg::Told`].
    TryOut {
        /// Of what.
        run: Arc<DryRun>,
        /// The row's place in the plan.
        row: usize,
        /// Whom it goes to.
        number: WaId,
    },
    /// Save the rows that are left out; what came of it comes back as [`Msg::Told`].
    SaveSkipped {
        /// Of what.
        run: Arc<DryRun>,
        /// As it was typed.
        path: String,
    },
    /// Save what became of every row; what came of it comes back as [`Msg::Told`].
    SaveResult {
        /// Of which campaign.
        campaign: CampaignId,
        /// As it was typed.
        path: String,
    },
    /// Remove a campaign that was never started; what came of it comes back as [`Msg::Told`].
    RemoveDraft(CampaignId),
    /// Ring the bell.
    Bell,
    /// Set the terminal's title. Sanitised text.
    Title(String),
    /// Clear and draw everything again.
    Redraw,
    /// Stop the process (Ctrl-Z) until it is continued.
    Suspend,
    /// Leave to the demo from the first screen.
    StartDemo,
    /// End.
    Quit,
}
