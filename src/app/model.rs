//! Everything the screen knows. It is changed by [`super::update::update`] alone and drawn by `ui::view`
//! alone; it holds no conversation but the one shown, and of that one a window of messages.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::action::{Action, Context};
pub(crate) use super::awaited::Awaited;
use super::campaigns::Campaigns;
use super::chat::Chat;
use super::composer::Composer;
use super::describe;
use super::drafts::Drafts;
use super::inspector::Inspector;
use super::jump::JumpBox;
use super::keymap::Keymap;
use super::layout::{self, Layout, Wants};
use super::life::Life;
use super::list::List;
use super::msg::{CommandId, Effect, Key, Query, RequestForm, Ticket, Wanted};
use super::notice::Notice;
use super::prompt::Prompt;
use super::queue::Queue;
use super::rows::Look;
use super::templates::Templates;
use super::templates::form::Form;
use super::templates::maker::Maker;
use super::templates::picker::Picker;
use super::update::Sure;
use super::wait::Wait;
use super::when;
use super::workbench::Workbench;
use crate::domain::catalogue::{Catalogue, Entry};
use crate::domain::conversation::{Conversation, Draft};
use crate::domain::health::{AccountHealth, Health, Waiting};
use crate::domain::id::{AccountId, ConversationId, MessageId};
use crate::domain::message::Message;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::domain::window::{Outside, Window};

/// The name of the action that sends a template instead of a text.
const TEMPLATE: &str = "template";

/// What the program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The built-in simulator.
    Demo,
    /// Meta.
    Live,
    /// Nothing is set up: the first screen.
    NoAccount,
}

/// How messages are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageStyle {
    /// Time, state and text in columns, all on the left.
    #[default]
    Flat,
    /// The account's messages stand on the right.
    Bubbles,
}

/// What can be chosen in the config.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Ring for a message in a conversation that is not looked at.
    pub bell: bool,
    /// How messages are laid out.
    pub message_style: MessageStyle,
    /// Stands for what was cut off; one column, and the same as the view's.
    pub ellipsis: &'static str,
    /// Times are shown in this zone.
    pub timezone: TimeZone,
    /// What is done with a text while only a template may be sent.
    pub outside: Outside,
    /// The path that webhooks are posted to.
    pub webhook_path: String,
    /// How a shell calls this program with the same config; none where it cannot, as in the demo.
    pub shell: Option<String>,
}

/// What a [`Model`] starts from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The account shown; none with [`Mode::NoAccount`].
    pub account: Option<AccountId>,
    /// Its name and number, as the status bar says them.
    pub account_label: String,
    /// What the program runs on.
    pub mode: Mode,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Where the config is, or would be: for the first screen.
    pub config_path: String,
    /// What can be chosen in the config.
    pub settings: Settings,
    /// The keys in force.
    pub keymap: Keymap,
}

/// What fills the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    #[default]
    Inbox,
    Templates,
    Queue,
    Hooks,
    Campaigns,
}

/// Which part of the inbox takes the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    List,
    Chat,
    Compose,
}

/// Something in front of the inbox that takes the keys until it is closed.
#[derive(Debug)]
pub(crate) enum Overlay {
    Help { scroll: u16 },
    Details { scroll: u16 },
    Explain { message: MessageId, scroll: u16 },
    Ask(MessageId),
    Sure(Sure),
    Prompt(Prompt),
    Jump(JumpBox),
    Picker(Box<Picker>),
    Form(Box<Form>),
    Workbench,
    Maker(Box<Maker>),
}

/// Everything the screen knows.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not the states of one machine"
)]
pub struct Model {
    pub(crate) now: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) account: Option<AccountId>,
    pub(crate) account_label: String,
    pub(crate) config_path: String,
    /// The words that were last looked for on a page.
    pub(crate) found: String,
    pub(crate) size: (u16, u16),
    pub(crate) settings: Settings,
    pub(crate) keymap: Keymap,
    pub(crate) screen: Screen,
    /// Where the conversation was opened from, and going back leads to.
    pub(crate) back_to: Screen,
    pub(crate) focus: Focus,
    /// The terminal has the focus.
    pub(crate) focused: bool,
    /// Keys of a sequence that is not complete.
    pub(crate) pending: Vec<Key>,
    pub(crate) list: List<Conversation>,
    /// The text that the list is filtered by.
    pub(crate) sought: String,
    pub(crate) chat: Option<Chat>,
    pub(crate) queue: Queue,
    pub(crate) hooks: Inspector,
    pub(crate) life: Life,
    pub(crate) composer: Composer,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) notice: Option<Notice>,
    pub(crate) health: Health,
    pub(crate) show_list: bool,
    pub(crate) show_info: bool,
    /// Drafts as last written here, where they are newer than what the list was told.
    pub(crate) drafts: Drafts,
    /// A read showed another draft while one was on its way to the store.
    pub(crate) draft_missed: bool,
    pub(crate) awaited: BTreeMap<CommandId, Awaited>,
    /// Ctrl-C was pressed and asks to be pressed again, until this time.
    pub(crate) quit_armed: Option<Timestamp>,
    /// Conversations marked unread by hand since they were last opened.
    pub(crate) kept_unread: HashSet<ConversationId>,
    /// The pending search for the next conversation of a kind.
    pub(crate) next: Wait<Wanted>,
    /// The pending look for what Meta told last, and the number of what was heard of it.
    pub(crate) told: (Wait<()>, Option<i64>),
    /// What of it was not said yet, or not long enough to be read; the oldest first.
    pub(crate) news: VecDeque<String>,
    /// The store could not be read; nothing is read by itself until this time, and then everything.
    pub(crate) unreadable_until: Option<Timestamp>,
    /// The account's templates, as last read.
    pub(crate) catalogue: Option<Arc<Catalogue>>,
    pub(crate) templates: Templates,
    pub(crate) campaigns: Campaigns,
    /// What help and questions stand in front of, the nearest last.
    pub(crate) beneath: Vec<Overlay>,
    pub(crate) workbench: Workbench,
    /// The pending request to be copied.
    pub(crate) request: Wait<RequestForm>,
    pub(crate) title: String,
    /// The data directory.
    data_dir: String,
    tickets: u64,
    commands: u64,
    dirty: bool,
}

impl Model {
    /// An empty inbox; nothing is asked for before the first [`start`](super::update::start).
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        Self {
            now,
            mode: setup.mode,
            account: setup.account,
            account_label: setup.account_label,
            config_path: setup.config_path,
            found: String::new(),
            size: setup.size,
            settings: setup.settings,
            keymap: setup.keymap,
            screen: Screen::Inbox,
            back_to: Screen::Inbox,
            focus: Focus::List,
            focused: true,
            pending: Vec::new(),
            list: List::default(),
            sought: String::new(),
            chat: None,
            queue: Queue::default(),
            hooks: Inspector::default(),
            life: Life::default(),
            composer: Composer::default(),
            overlay: None,
            notice: None,
            health: Health::default(),
            show_list: true,
            show_info: true,
            drafts: Drafts::default(),
            draft_missed: false,
            awaited: BTreeMap::new(),
            quit_armed: None,
            unreadable_until: None,
            kept_unread: HashSet::new(),
            next: Wait::default(),
            told: (Wait::default(), None),
            news: VecDeque::new(),
            catalogue: None,
            templates: Templates::default(),
            campaigns: Campaigns::default(),
            beneath: Vec::new(),
            workbench: Workbench::default(),
            request: Wait::default(),
            title: String::new(),
            data_dir: String::new(),
            tickets: 0,
            commands: 0,
            dirty: true,
        }
    }

    /// Says where files are kept, for their paths on the screen.
    #[must_use]
    pub fn kept_in(mut self, data_dir: String) -> Self {
        self.data_dir = data_dir;
        self
    }

    /// The whole path of a file that the store names.
    #[must_use]
    pub(crate) fn file_path(&self, name: &str) -> String {
        if self.data_dir.is_empty() { name.to_owned() } else { format!("{}/{name}", self.data_dir) }
    }

    /// Columns and rows the screen is laid out for.
    #[must_use]
    pub const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Whether anything that is shown changed since the last call.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    pub(crate) const fn touch(&mut self) {
        self.dirty = true;
    }

    /// Whether a part of the screen still waits for what it shows.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.list.wait.is_busy() || self.chat.as_ref().is_some_and(|chat| chat.wait.is_busy())
    }

    /// When [`Msg::Deadline`](super::msg::Msg::Deadline) is due: a notice goes, a draft is saved, a window
    /// closes, or the minute turns.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        [
            self.notice.as_ref().map(|notice| notice.until),
            self.quit_armed,
            self.unreadable_until,
            self.composer.due(),
            self.drafts.due(),
            self.window_end(),
            self.list_closes(),
            self.queue_due(),
            self.templates_due(),
            self.campaigns_due(),
            self.hooks
                .calm
                .due()
                .filter(|_| self.screen == Screen::Hooks && !self.hooks.list.wait.is_busy()),
            Some(when::next_minute(self.now)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When the queue is read again without a change to hear of.
    fn queue_due(&self) -> Option<Timestamp> {
        let shown = self.screen == Screen::Queue && !self.queue.list.wait.is_busy();
        let due = [self.queue.calm.due(), self.queue.turns()].into_iter().flatten().min();
        due.filter(|_| shown)
    }

    /// When the numbers of the templates are read again.
    fn templates_due(&self) -> Option<Timestamp> {
        let shown = self.screen == Screen::Templates && !self.templates.wait.is_busy();
        let open = match &self.overlay {
            Some(Overlay::Maker(maker)) => maker.due,
            _ => None,
        };
        let closed = self.templates.unfinished.values().filter_map(|maker| maker.due);
        let typed = self.templates.typed.values().filter_map(|typed| typed.due);
        let kept = open.into_iter().chain(closed).chain(typed);
        self.templates.calm.due().filter(|_| shown).into_iter().chain(kept).min()
    }

    /// When the numbers of the campaigns are read again.
    fn campaigns_due(&self) -> Option<Timestamp> {
        let shown = self.screen == Screen::Campaigns && !self.campaigns.wait.is_busy();
        self.campaigns.due.filter(|_| shown)
    }

    /// The templates that the screen of templates shows, in order.
    #[must_use]
    pub(crate) fn shelf_rows(&self) -> Vec<&Entry> {
        let known = self.catalogue.as_deref();
        known.map_or_else(Vec::new, |known| self.templates.shelf.rows(known))
    }

    /// How sending goes for the account shown.
    #[must_use]
    pub(crate) fn account_health(&self) -> Option<&AccountHealth> {
        let account = self.account?;
        self.health.accounts.iter().find(|known| known.account == account)
    }

    /// The messages of the account shown that are not done.
    #[must_use]
    pub(crate) fn waiting(&self) -> Waiting {
        self.account_health().map(|health| health.waiting).unwrap_or_default()
    }

    /// Why nothing of the account shown is sent although all is well with it.
    #[must_use]
    pub(crate) fn sender_trouble(&self) -> Option<String> {
        self.health.sender_trouble(self.account?)
    }

    /// Whether the person has paused the account shown.
    #[must_use]
    pub(crate) fn is_paused(&self) -> bool {
        self.account_health().is_some_and(|health| health.paused.is_some())
    }

    fn window_end(&self) -> Option<Timestamp> {
        match self.chat.as_ref()?.row.as_ref()?.window(self.now) {
            Window::Open(end) => Some(end),
            Window::Closed(_) | Window::Refused(_) | Window::Unknown => None,
        }
    }

    /// When the first window closes of those that are counted: then the list is read again.
    pub(crate) fn list_closes(&self) -> Option<Timestamp> {
        self.list.counts.closes.filter(|_| !self.list.wait.is_busy())
    }

    /// Where keys are being typed.
    #[must_use]
    pub fn context(&self) -> Context {
        match &self.overlay {
            Some(Overlay::Help { .. } | Overlay::Details { .. } | Overlay::Explain { .. }) => {
                Context::Page
            }
            Some(Overlay::Ask(_)) => Context::Ask,
            Some(Overlay::Sure(_)) => Context::Sure,
            Some(Overlay::Prompt(_)) => Context::Prompt,
            Some(Overlay::Jump(_)) => Context::Jump,
            Some(Overlay::Picker(_)) => Context::Picker,
            Some(Overlay::Form(_)) => Context::Form,
            Some(Overlay::Workbench) => Context::Workbench,
            Some(Overlay::Maker(_)) => Context::Maker,
            None => self.under(),
        }
    }

    /// The context that is there when nothing stands in front of it.
    #[must_use]
    pub(crate) fn under(&self) -> Context {
        match (self.screen, self.focus) {
            _ if self.mode == Mode::NoAccount => Context::First,
            (Screen::Templates, _) => Context::Templates,
            (Screen::Queue, _) => Context::Queue,
            (Screen::Hooks, _) => Context::Hooks,
            (Screen::Campaigns, _) if self.campaigns.desk.is_some() => Context::DryRun,
            (Screen::Campaigns, _) => Context::Campaigns,
            (Screen::Inbox, Focus::List) => Context::List,
            (Screen::Inbox, Focus::Chat) => Context::Chat,
            (Screen::Inbox, Focus::Compose) => Context::Compose,
        }
    }

    /// Where things are; `None` when the screen is too small.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        self.layout_at(self.size.0, self.size.1)
    }

    /// Where things would be on a screen of this size.
    #[must_use]
    pub(crate) fn layout_at(&self, columns: u16, rows: u16) -> Option<Layout> {
        let draft_rows = self.composer.editor.rows(layout::draft_width(columns)).len();
        let wants = Wants {
            queue: self.screen == Screen::Queue,
            templates: self.screen == Screen::Templates,
            hooks: self.screen == Screen::Hooks,
            campaigns: self.screen == Screen::Campaigns,
            list: self.show_list,
            info: self.show_info,
            conversation: self.focus != Focus::List || !self.show_list,
            draft_rows: u16::try_from(draft_rows).unwrap_or(u16::MAX),
            reply: self.composer.reply_to.is_some(),
            banners: u16::try_from(self.banners(columns, rows).len()).unwrap_or(u16::MAX),
            notice: u16::try_from(self.notice_lines(columns).len()).unwrap_or(u16::MAX),
        };
        layout::lay_out(columns, rows, &wants)
    }

    /// The key that sends a template instead of a text, where keys are being typed; empty when there is none.
    #[must_use]
    pub(crate) fn template_key(&self) -> &str {
        self.keymap.key_named(self.under(), TEMPLATE)
    }

    /// The conversation shown, as far as it is known.
    #[must_use]
    pub(crate) fn shown(&self) -> Option<&Conversation> {
        self.chat.as_ref().and_then(|chat| chat.row.as_ref())
    }

    /// A message that the screen has at hand.
    #[must_use]
    pub(crate) fn held(&self, id: MessageId) -> Option<&Message> {
        match self.screen {
            Screen::Queue => self.queue.list.page.get(id).map(|row| &row.message),
            Screen::Templates | Screen::Hooks | Screen::Campaigns => None,
            Screen::Inbox => self.chat.as_ref()?.page.get(id),
        }
    }

    /// A new ticket for a query.
    pub(crate) const fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// A command, remembered until it is finished.
    pub(crate) fn command(&mut self, command: super::msg::Command, awaited: Awaited) -> Effect {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.awaited.insert(id, awaited);
        Effect::Do(id, command)
    }

    /// The draft of a conversation: as written here, or else as the store had it.
    pub(crate) fn draft_of(&self, row: &Conversation) -> Draft {
        self.drafts.get(row.id).or(row.draft.as_ref()).cloned().unwrap_or_default()
    }

    /// Whether a draft is on its way to the store, alone or as a message.
    pub(crate) fn writes_draft(&self) -> bool {
        self.awaited.values().any(|awaited| match awaited {
            Awaited::SaveDraft(..) | Awaited::Send { .. } => true,
            Awaited::SendTemplate { draft, .. } => draft.is_some(),
            _ => false,
        })
    }

    /// The newest read that was asked for.
    pub(crate) const fn newest_ticket(&self) -> Ticket {
        Ticket(self.tickets)
    }

    /// A query of the list, for the account shown.
    pub(crate) fn list_query(
        &mut self,
        page: crate::domain::page::ListPage,
        limit: u32,
    ) -> Option<(Ticket, Effect)> {
        let account = self.account?;
        let ticket = self.ticket();
        let query = Query::List {
            account,
            filter: self.list.filter,
            text: self.sought.clone(),
            page,
            limit,
            now: self.now,
            ticket,
        };
        Some((ticket, Effect::Run(query)))
    }

    /// What rows of messages depend on, at this width of the conversation.
    pub(crate) fn look(&self, width: u16) -> Look<'_> {
        Look {
            now: self.now,
            zone: &self.settings.timezone,
            width: width.into(),
            name: self.shown().map_or_else(String::new, |row| describe::name(&row.contact)),
            ellipsis: self.settings.ellipsis,
            resend_key: self.keymap.key(Context::Chat, Action::Resend),
            explain_key: self.keymap.key(Context::Chat, Action::Explain),
            template_key: self.keymap.key_named(Context::Chat, TEMPLATE),
            expand_key: self.keymap.key(Context::Chat, Action::Expand),
        }
    }

    /// Changes the conversation shown with what its rows depend on and the height of their area. Nothing
    /// happens while it is not on the screen.
    pub(crate) fn with_chat<T>(
        &mut self,
        change: impl FnOnce(&mut Chat, &Look<'_>, usize) -> T,
    ) -> Option<T> {
        let layout = self.layout()?;
        let height = usize::from(layout.messages().height);
        if layout.chat.is_empty() || height == 0 {
            return None;
        }
        let name = self.shown().map_or_else(String::new, |row| describe::name(&row.contact));
        let mut chat = self.chat.take()?;
        let look = Look { name, ..self.look(layout.text_width()) };
        let result = change(&mut chat, &look, height);
        self.chat = Some(chat);
        Some(result)
    }
}

/// Words as lines that begin below each other, the first with a mark.
pub(super) fn wrapped(words: &str, mark: &str, columns: u16) -> Vec<String> {
    let safe = text::display_safe(words);
    let room = usize::from(columns).saturating_sub(mark.len() + 1).max(text::MIN_COLUMNS);
    let mut mark = mark.to_owned();
    let mut lines = Vec::new();
    for line in text::wrap(&safe, room) {
        lines.push(format!("{mark}{}", safe.get(line.range).unwrap_or_default()));
        mark = " ".repeat(mark.len());
    }
    lines
}
