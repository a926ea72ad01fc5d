//! The one table of what a person can do: names, what each does, where, and by which keys.
//!
//! Key bindings, the hint row, the help page, the command box, `twoticks keys` and the README all read
//! [`TABLE`]; nothing else in the program names a key.

mod hints;

pub use hints::hints;

use super::keymap::Keymap;

/// Where keys are being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The list of conversations.
    List,
    /// The messages of a conversation.
    Chat,
    /// The composer.
    Compose,
    /// A one-line question: the filter, a new number.
    Prompt,
    /// The jump and command box.
    Jump,
    /// A page of text: help, details.
    Page,
    /// A question with a few answers: send again or drop.
    Ask,
    /// The messages that wait, failed or are uncertain.
    Queue,
    /// The requests at the listener.
    Hooks,
    /// A question that is answered with yes or by closing it.
    Sure,
    /// Choosing a template.
    Picker,
    /// Filling in a template.
    Form,
    /// Making or changing a template.
    Maker,
    /// The templates of the account.
    Templates,
    /// The templates sent to the people of a file.
    Campaigns,
    /// What a file comes to, before it is sent.
    DryRun,
    /// Account, profile, set-up and tunnel.
    Workbench,
    /// The first screen, without an account.
    First,
}

impl Context {
    /// All contexts, in the order of the help page.
    pub const ALL: [Self; 18] = [
        Self::List,
        Self::Chat,
        Self::Compose,
        Self::Picker,
        Self::Form,
        Self::Maker,
        Self::Templates,
        Self::Queue,
        Self::Hooks,
        Self::Campaigns,
        Self::DryRun,
        Self::Workbench,
        Self::Prompt,
        Self::Jump,
        Self::Page,
        Self::Ask,
        Self::Sure,
        Self::First,
    ];

    /// The word at the left of the hint row.
    #[must_use]
    pub const fn mode_word(self) -> &'static str {
        match self {
            Self::List => "LIST",
            Self::Chat => "CHAT",
            Self::Compose => "INSERT",
            Self::Prompt => "TYPE",
            Self::Jump => "JUMP",
            Self::Page => "READ",
            Self::Ask => "CHOOSE",
            Self::Queue => "QUEUE",
            Self::Hooks => "HOOKS",
            Self::Sure => "SURE?",
            Self::Picker => "TEMPLATE",
            Self::Form => "FILL IN",
            Self::Maker => "MAKE",
            Self::Templates => "TEMPLATES",
            Self::Campaigns => "CAMPAIGNS",
            Self::DryRun => "DRY RUN",
            Self::Workbench => "WORKBENCH",
            Self::First => "START",
        }
    }

    /// How the help page calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::List => "In the list",
            Self::Chat => "In a conversation",
            Self::Compose => "While writing",
            Self::Prompt => "While typing a filter or a number",
            Self::Jump => "In the jump box",
            Self::Page => "On a page",
            Self::Ask => "When asked about a message",
            Self::Queue => "In the queue",
            Self::Hooks => "In the inspector of webhooks",
            Self::Sure => "When asked to be sure",
            Self::Picker => "While choosing a template",
            Self::Form => "While filling in a template",
            Self::Maker => "While making a template",
            Self::Templates => "In the templates",
            Self::Campaigns => "In the campaigns",
            Self::DryRun => "Before a campaign is sent",
            Self::Workbench => "On the workbench",
            Self::First => "On the first screen",
        }
    }

    /// Whether plain characters are text here rather than keys.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Compose | Self::Prompt | Self::Jump | Self::Picker | Self::Form | Self::Maker
        )
    }

    /// Its bit in a set.
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts(u32);

impl Contexts {
    const fn of(list: &[Context]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < list.len() {
            bits |= list[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// Whether the context is in the set.
    #[must_use]
    pub const fn has(self, context: Context) -> bool {
        self.0 & context.bit() != 0
    }
}

/// Something a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Action {
    Down,
    Up,
    Bottom,
    Top,
    HalfDown,
    HalfUp,
    NextConversation,
    PreviousConversation,
    NextUnread,
    NextFailed,
    MarkUnread,
    Marketing,
    Closing,
    NextTab,
    PreviousTab,
    Filter,
    ClearFilter,
    Open,
    Read,
    Compose,
    Back,
    Reply,
    Copy,
    Resend,
    Explain,
    Details,
    Expand,
    OpenFile,
    SaveFile,
    FindPrevious,
    ToggleList,
    ToggleInfo,
    NewConversation,
    Jump,
    Palette,
    Help,
    Redraw,
    Suspend,
    Interrupt,
    Quit,
    Send,
    Newline,
    Leave,
    Editor,
    Attach,
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    CursorUp,
    CursorDown,
    DeleteBack,
    DeleteForward,
    DeleteWord,
    DeleteWordForward,
    DeleteToStart,
    DeleteToEnd,
    Yank,
    Undo,
    Redo,
    Accept,
    Close,
    SendAgain,
    Drop,
    Reschedule,
    Confirm,
    ShowInbox,
    ShowQueue,
    ShowTemplates,
    Sort,
    ShowHooks,
    Follow,
    Replay,
    ReplayTo,
    EditBody,
    SaveBody,
    CopyCurl,
    Mark,
    MarkAll,
    Hold,
    Pause,
    Later,
    Template,
    SendToMany,
    ShowCampaigns,
    NewCampaign,
    CancelCampaign,
    SaveResult,
    MapColumns,
    TryOut,
    SaveSkipped,
    StartCampaign,
    NextLanguage,
    PreviousLanguage,
    SyncTemplates,
    NextField,
    PreviousField,
    TakeOffer,
    NextOffer,
    PutDraft,
    CopyRequest,
    ShowAccount,
    ShowDoctor,
    ShowTunnel,
    Refresh,
    Choose,
    LetPost,
    LeavePost,
    PutBack,
    FindText,
    FindNext,
    NewTemplate,
    DuplicateTemplate,
    EditTemplate,
    DeleteTemplate,
    Submit,
    StartDemo,
}

/// A row of [`TABLE`].
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What.
    pub action: Action,
    /// Its name in `[keys]` of the config and in the command box.
    pub name: &'static str,
    /// One or two words for the hint row.
    pub short: &'static str,
    /// One sentence for the help page.
    pub doc: &'static str,
    /// The default keys, by where they work. Keys are parted by `, `, the keys of a sequence by a space.
    pub keys: &'static [(Contexts, &'static str)],
}

const LIST: Contexts = Contexts::of(&[Context::List]);
const CHAT: Contexts = Contexts::of(&[Context::Chat]);
const NORMAL: Contexts = Contexts::of(&[Context::List, Context::Chat]);
const COMPOSE: Contexts = Contexts::of(&[Context::Compose]);
const INBOX: Contexts = Contexts::of(&[Context::List, Context::Chat, Context::Compose]);
const LINES: Contexts =
    Contexts::of(&[Context::Compose, Context::Prompt, Context::Jump, Context::Maker]);
const TEXT: Contexts = Contexts::of(&[
    Context::Compose,
    Context::Prompt,
    Context::Jump,
    Context::Picker,
    Context::Form,
    Context::Maker,
]);
const BOXES: Contexts =
    Contexts::of(&[Context::Prompt, Context::Jump, Context::Picker, Context::Form, Context::Maker]);
const CHOOSE: Contexts = Contexts::of(&[Context::Jump, Context::Picker]);
const PICKER: Contexts = Contexts::of(&[Context::Picker]);
const FORM: Contexts = Contexts::of(&[Context::Form]);
const MAKER: Contexts = Contexts::of(&[Context::Maker]);
const FIELDS: Contexts = Contexts::of(&[Context::Picker, Context::Form, Context::Maker]);
const PROMPT: Contexts = Contexts::of(&[Context::Prompt]);
const ASK: Contexts = Contexts::of(&[Context::Ask]);
const PAGE: Contexts = Contexts::of(&[Context::Page]);
const FIRST: Contexts = Contexts::of(&[Context::First]);
const QUEUE: Contexts = Contexts::of(&[Context::Queue]);
const HOOKS: Contexts = Contexts::of(&[Context::Hooks]);
const WORKBENCH: Contexts = Contexts::of(&[Context::Workbench]);
const SURE: Contexts = Contexts::of(&[Context::Sure]);
const TEMPLATES: Contexts = Contexts::of(&[Context::Templates]);
const CAMPAIGNS: Contexts = Contexts::of(&[Context::Campaigns]);
const DRY_RUN: Contexts = Contexts::of(&[Context::DryRun]);
const MANY: Contexts = Contexts::of(&[Context::Campaigns, Context::DryRun]);
const MESSAGES: Contexts = Contexts::of(&[Context::List, Context::Chat, Context::Queue]);
const SCREENS: Contexts = Contexts::of(&[
    Context::List,
    Context::Chat,
    Context::Queue,
    Context::Templates,
    Context::Hooks,
    Context::Campaigns,
    Context::DryRun,
]);
const MOVES: Contexts = Contexts::of(&[
    Context::List,
    Context::Chat,
    Context::Queue,
    Context::Templates,
    Context::Hooks,
    Context::Campaigns,
    Context::DryRun,
    Context::Workbench,
    Context::Page,
]);
const KEYED: Contexts = Contexts::of(&[
    Context::List,
    Context::Chat,
    Context::Queue,
    Context::Templates,
    Context::Hooks,
    Context::Campaigns,
    Context::DryRun,
    Context::Workbench,
    Context::Page,
    Context::First,
]);
const OVERLAYS: Contexts = Contexts::of(&[
    Context::Prompt,
    Context::Jump,
    Context::Page,
    Context::Ask,
    Context::Sure,
    Context::Picker,
    Context::Form,
    Context::Workbench,
    Context::Maker,
]);
const ALL: Contexts = Contexts::of(&Context::ALL);

const fn row(
    action: Action,
    name: &'static str,
    short: &'static str,
    doc: &'static str,
    keys: &'static [(Contexts, &'static str)],
) -> Entry {
    Entry { action, name, short, doc, keys }
}

/// Everything a person can do.
#[rustfmt::skip]
pub const TABLE: &[Entry] = &[
    row(Action::Down, "down", "down", "Go down one row or message", &[(MOVES, "j, Down"), (CHOOSE, "Down, Ctrl-N")]),
    row(Action::Up, "up", "up", "Go up one row or message", &[(MOVES, "k, Up"), (CHOOSE, "Up")]),
    row(Action::Bottom, "bottom", "bottom", "Go to the last row or the newest message", &[(MOVES, "G, End")]),
    row(Action::Top, "top", "top", "Go to the first row or the oldest message", &[(MOVES, "g g, Home")]),
    row(Action::HalfDown, "half-down", "scroll", "Go down half a screen", &[(MOVES, "Ctrl-D, PageDown"), (COMPOSE, "PageDown"), (FIELDS, "PageDown")]),
    row(Action::HalfUp, "half-up", "scroll", "Go up half a screen", &[(MOVES, "Ctrl-U, PageUp"), (COMPOSE, "PageUp"), (FIELDS, "PageUp")]),
    row(Action::Open, "open", "open", "Open the conversation and write", &[(LIST, "Enter")]),
    row(Action::Read, "read", "read", "Open the conversation to read", &[(LIST, "l, Right"), (QUEUE, "Enter, l, Right"), (HOOKS, "o")]),
    row(Action::Compose, "compose", "write", "Write a message", &[(LIST, "i"), (CHAT, "i, Enter")]),
    row(Action::Back, "back", "back", "Go back to where you came from", &[(CHAT, "Esc, h, Left, q"), (QUEUE, "Esc, h, Left, q"), (TEMPLATES, "Esc, h, Left, q"), (HOOKS, "Esc, h, Left, q"), (MANY, "Esc, h, Left, q")]),
    row(Action::ShowInbox, "inbox", "inbox", "Show the inbox", &[(SCREENS, "1")]),
    row(Action::ShowTemplates, "templates", "templates", "Show the templates and their numbers", &[(SCREENS, "2")]),
    row(Action::Sort, "sort", "sort", "Sort by the next of name, last use, sent, read, failed and status", &[(TEMPLATES, "s")]),
    row(Action::ShowQueue, "queue", "queue", "Show what waits, what failed and what is uncertain", &[(SCREENS, "3")]),
    row(Action::ShowHooks, "hooks", "hooks", "Show the requests at the listener", &[(SCREENS, "4")]),
    row(Action::ShowCampaigns, "campaigns", "campaigns", "Show the templates sent to many, and how far they are", &[(SCREENS, "5")]),
    row(Action::SendToMany, "send-to-many", "to many", "Send the template to the people of a CSV file", &[(TEMPLATES, "m, Enter")]),
    row(Action::NewCampaign, "new-campaign", "new", "Choose a template for the people of a CSV file", &[(CAMPAIGNS, "n")]),
    row(Action::StartCampaign, "start-campaign", "send", "Send it, once the number of messages was typed", &[(DRY_RUN, "Enter")]),
    row(Action::TryOut, "try-out", "test", "Send the selected row to a number of yours first", &[(DRY_RUN, "t")]),
    row(Action::MapColumns, "map-columns", "columns", "Say which column is what, and what is the same for all", &[(DRY_RUN, "m")]),
    row(Action::SaveSkipped, "save-skipped", "skipped", "Save the rows that are left out, with the reasons", &[(DRY_RUN, "w")]),
    row(Action::CancelCampaign, "cancel-campaign", "cancel", "Send nothing more of the campaign, ever", &[(CAMPAIGNS, "d")]),
    row(Action::SaveResult, "save-result", "result", "Save what became of every row", &[(CAMPAIGNS, "s")]),
    row(Action::ShowAccount, "account", "account", "Show what Meta says of the account, now and before", &[(SCREENS, "A"), (WORKBENCH, "A")]),
    row(Action::ShowDoctor, "doctor", "doctor", "Look at every part of the set-up", &[(SCREENS, "D"), (WORKBENCH, "D")]),
    row(Action::ShowTunnel, "tunnel", "tunnel", "Show the tunnel, to start and stop it", &[(SCREENS, "T"), (WORKBENCH, "T")]),
    row(Action::Refresh, "refresh", "again", "Ask Meta again, or look at everything again", &[(WORKBENCH, "r")]),
    row(Action::Choose, "choose", "choose", "Edit the part of the profile, or start the tunnel", &[(WORKBENCH, "Enter, e")]),
    row(Action::LetPost, "let-post", "let Meta post", "Let Meta post webhooks to the tunnel, now and whenever its address changes", &[(WORKBENCH, "m")]),
    row(Action::LeavePost, "leave-post", "leave", "Leave where Meta posts as it is, and be asked no more", &[(WORKBENCH, "x")]),
    row(Action::PutBack, "put-back", "put back", "Let Meta post again where it did before the tunnel", &[(WORKBENCH, "p")]),
    row(Action::NextConversation, "next-conversation", "next", "Go to the next conversation", &[(NORMAL, "], Alt-Down"), (COMPOSE, "Alt-Down")]),
    row(Action::PreviousConversation, "previous-conversation", "previous", "Go to the previous conversation", &[(NORMAL, "[, Alt-Up"), (COMPOSE, "Alt-Up")]),
    row(Action::NextUnread, "next-unread", "next unread", "Go to the next unread conversation", &[(NORMAL, "u, Alt-A"), (COMPOSE, "Alt-A")]),
    row(Action::NextFailed, "next-failed", "next failed", "Go to what went wrong in the conversation, then to the next with a failed or uncertain message", &[(NORMAL, "F")]),
    row(Action::MarkUnread, "mark-unread", "mark unread", "Mark the conversation as unread", &[(NORMAL, "U")]),
    row(Action::Marketing, "marketing", "marketing", "Stop marketing templates to the contact, or allow them again", &[(NORMAL, "M")]),
    row(Action::Closing, "closing", "closing", "Show who waits for an answer and may get any, the window that closes first on top", &[(LIST, "w")]),
    row(Action::NextTab, "next-tab", "tab", "Show the next tab", &[(LIST, "Tab"), (QUEUE, "Tab"), (HOOKS, "Tab"), (DRY_RUN, "Tab"), (WORKBENCH, "Tab, l, Right")]),
    row(Action::PreviousTab, "previous-tab", "tab", "Show the previous tab", &[(LIST, "Shift-Tab"), (QUEUE, "Shift-Tab"), (HOOKS, "Shift-Tab"), (DRY_RUN, "Shift-Tab"), (WORKBENCH, "Shift-Tab, h, Left")]),
    row(Action::Filter, "filter", "filter", "Show only what has this in its name, number or text", &[(LIST, "/"), (TEMPLATES, "/"), (HOOKS, "/")]),
    row(Action::FindText, "find", "find", "Find words on the page, or the newest message that has them", &[(PAGE, "/"), (CHAT, "/")]),
    row(Action::FindNext, "find-next", "next", "Go to the next place that has them; in a conversation, the next older one", &[(PAGE, "n"), (CHAT, "n")]),
    row(Action::FindPrevious, "find-previous", "previous", "Go back to the next newer message that has them", &[(CHAT, "N")]),
    row(Action::ClearFilter, "clear-filter", "clear", "Show all conversations of the tab again", &[(LIST, "Esc")]),
    row(Action::Jump, "jump", "jump", "Jump to a conversation by name or number", &[(INBOX, "Ctrl-P"), (NORMAL, "Ctrl-K"), (QUEUE, "Ctrl-P, Ctrl-K"), (TEMPLATES, "Ctrl-P, Ctrl-K"), (HOOKS, "Ctrl-P, Ctrl-K"), (MANY, "Ctrl-P, Ctrl-K")]),
    row(Action::Palette, "palette", "commands", "Find a command by name", &[(SCREENS, ":")]),
    row(Action::NewConversation, "new-conversation", "new", "Start a conversation with a new number", &[(NORMAL, "c, Ctrl-N")]),
    row(Action::Reply, "reply", "reply", "Reply to the selected message, quoting it", &[(CHAT, "r")]),
    row(Action::Copy, "copy", "copy", "Copy the text of the selected message or the path of its file, the address of webhooks, or what the workbench shows", &[(CHAT, "y"), (HOOKS, "y"), (WORKBENCH, "y")]),
    row(Action::Resend, "resend", "send again", "Send a failed or uncertain message again, let a held one go, or drop it", &[(MESSAGES, "R")]),
    row(Action::Explain, "explain", "explain", "Explain what went wrong, and what helps", &[(MESSAGES, "x"), (HOOKS, "x")]),
    row(Action::Mark, "mark", "mark", "Mark the message, to decide about several at once", &[(QUEUE, "Space")]),
    row(Action::MarkAll, "mark-all", "mark all", "Mark everything that is like the message, or take all marks away", &[(QUEUE, "a")]),
    row(Action::Hold, "hold", "hold", "Hold what waits until you let it go", &[(QUEUE, "H")]),
    row(Action::Pause, "pause", "pause", "Pause sending, or let it go on", &[(QUEUE, "p"), (CAMPAIGNS, "p")]),
    row(Action::Details, "details", "details", "Show all that is known of the selected message or request", &[(CHAT, "o"), (HOOKS, "Enter, l, Right")]),
    row(Action::Expand, "expand", "more", "Show all of a long message, or less of it", &[(CHAT, "Space")]),
    row(Action::OpenFile, "open-file", "view", "Show the file of the message in the system's program for it", &[(CHAT, "v")]),
    row(Action::SaveFile, "save-file", "save", "Save the file of the message under a name", &[(CHAT, "s")]),
    row(Action::Follow, "follow", "follow", "Go to the newest request whenever one comes", &[(HOOKS, "f")]),
    row(Action::Replay, "replay", "replay", "Apply the event again; what was applied before stays as it is", &[(HOOKS, "r")]),
    row(Action::ReplayTo, "replay-to", "post", "Post the event to an address, signed as it came", &[(HOOKS, "R")]),
    row(Action::EditBody, "edit-body", "edit", "Edit the body in $EDITOR and apply it", &[(HOOKS, "e")]),
    row(Action::SaveBody, "save-body", "save", "Save the body of the event as a file", &[(HOOKS, "b")]),
    row(Action::CopyCurl, "copy-curl", "curl", "Copy the request as a curl command", &[(HOOKS, "c")]),
    row(Action::ToggleList, "toggle-list", "list", "Hide or show the list", &[(INBOX, "F7")]),
    row(Action::ToggleInfo, "toggle-info", "info", "Hide or show the details pane of wide screens", &[(INBOX, "F8"), (QUEUE, "F8"), (HOOKS, "F8")]),
    row(Action::Send, "send", "send", "Send the message", &[(COMPOSE, "Enter")]),
    row(Action::Later, "later", "later", "Send the message at a time to come", &[(COMPOSE, "Ctrl-R, Ctrl-X Ctrl-L")]),
    row(Action::Template, "template", "template", "Choose a template to send", &[(NORMAL, "t"), (COMPOSE, "Ctrl-T"), (ASK, "Ctrl-T")]),
    row(Action::NextLanguage, "next-language", "language", "Choose the next language of the template", &[(PICKER, "Tab, Right")]),
    row(Action::PreviousLanguage, "previous-language", "language", "Choose the previous language of the template", &[(PICKER, "Shift-Tab, Left")]),
    row(Action::NextField, "next-field", "field", "Go to the next field; in a file, complete the path first", &[(FORM, "Tab, Down"), (MAKER, "Tab"), (PROMPT, "Tab")]),
    row(Action::PreviousField, "previous-field", "field", "Go to the previous field", &[(FORM, "Shift-Tab, Up"), (MAKER, "Shift-Tab")]),
    row(Action::TakeOffer, "take-offer", "take", "Take the value that is offered, or else go forward one character", &[(FORM, "Ctrl-F, Right")]),
    row(Action::NextOffer, "next-offer", "other", "Offer another value", &[(FORM, "Ctrl-N")]),
    row(Action::PutDraft, "put-draft", "draft", "Put the text of the composer into the field", &[(FORM, "Ctrl-T")]),
    row(Action::CopyRequest, "copy-request", "copy", "Copy the request as curl, pressed again as JSON", &[(FORM, "Ctrl-Y")]),
    row(Action::NewTemplate, "new-template", "new", "Make a template", &[(TEMPLATES, "n")]),
    row(Action::EditTemplate, "edit-template", "change", "Change what the template says; Meta reviews it again", &[(TEMPLATES, "e")]),
    row(Action::DuplicateTemplate, "duplicate-template", "like it", "Make a template like this one, in another language or with another name", &[(TEMPLATES, "y")]),
    row(Action::DeleteTemplate, "delete-template", "delete", "Delete the template at Meta", &[(TEMPLATES, "d")]),
    row(Action::Submit, "submit", "submit", "Submit the template for Meta's review", &[(MAKER, "Ctrl-S")]),
    row(Action::SyncTemplates, "sync-templates", "sync", "Fetch the templates from Meta; pressed twice while it runs, stop that", &[(PICKER, "Ctrl-R"), (TEMPLATES, "r, Ctrl-R")]),
    row(Action::Newline, "newline", "newline", "Begin a new line", &[(COMPOSE, "Ctrl-J, Alt-Enter, Shift-Enter"), (MAKER, "Ctrl-J, Alt-Enter, Shift-Enter")]),
    row(Action::Leave, "leave", "read", "Drop the reply, then stop writing; the text stays", &[(COMPOSE, "Esc")]),
    row(Action::Editor, "editor", "editor", "Write in $EDITOR", &[(COMPOSE, "Ctrl-G, Ctrl-X Ctrl-E")]),
    row(Action::Attach, "attach", "attach", "Send a file or a link; the text goes with it as its words", &[(COMPOSE, "Ctrl-O")]),
    row(Action::LineStart, "line-start", "start", "Go to the start of the line", &[(TEXT, "Ctrl-A, Home")]),
    row(Action::LineEnd, "line-end", "end", "Go to the end of the line", &[(TEXT, "Ctrl-E, End")]),
    row(Action::Left, "left", "left", "Go back one character", &[(LINES, "Left, Ctrl-B"), (FORM, "Left, Ctrl-B"), (PICKER, "Ctrl-B")]),
    row(Action::Right, "right", "right", "Go forward one character", &[(LINES, "Right, Ctrl-F"), (PICKER, "Ctrl-F")]),
    row(Action::WordLeft, "word-left", "word", "Go back one word", &[(TEXT, "Ctrl-Left, Alt-B, Alt-Left")]),
    row(Action::WordRight, "word-right", "word", "Go forward one word", &[(TEXT, "Ctrl-Right, Alt-F, Alt-Right")]),
    row(Action::CursorUp, "cursor-up", "up", "Go up one line; in an empty composer, to the newest message", &[(COMPOSE, "Up"), (MAKER, "Up")]),
    row(Action::CursorDown, "cursor-down", "down", "Go down one line", &[(COMPOSE, "Down"), (MAKER, "Down")]),
    row(Action::DeleteBack, "delete-back", "delete", "Delete the character before the cursor", &[(TEXT, "Backspace, Ctrl-H, Shift-Backspace")]),
    row(Action::DeleteForward, "delete-forward", "delete", "Delete the character at the cursor", &[(TEXT, "Delete, Ctrl-D")]),
    row(Action::DeleteWord, "delete-word", "delete word", "Delete the word before the cursor", &[(TEXT, "Ctrl-W, Alt-Backspace")]),
    row(Action::DeleteWordForward, "delete-word-forward", "delete word", "Delete the word after the cursor", &[(TEXT, "Alt-D")]),
    row(Action::DeleteToStart, "delete-to-start", "delete line", "Delete to the start of the line", &[(TEXT, "Ctrl-U")]),
    row(Action::DeleteToEnd, "delete-to-end", "delete line", "Delete to the end of the line", &[(TEXT, "Ctrl-K")]),
    row(Action::Yank, "yank", "put back", "Put in what was deleted last", &[(LINES, "Ctrl-Y"), (PICKER, "Ctrl-Y"), (FORM, "Alt-Y")]),
    row(Action::Undo, "undo", "undo", "Undo the last change", &[(TEXT, "Ctrl-Z, Ctrl-_")]),
    row(Action::Redo, "redo", "redo", "Redo what was undone", &[(TEXT, "Alt-Z")]),
    row(Action::Accept, "accept", "go", "Take it", &[(BOXES, "Enter")]),
    row(Action::SendAgain, "send-again", "send again", "Send the message again, with a new request", &[(ASK, "s")]),
    row(Action::Drop, "drop", "drop", "Withdraw the message", &[(ASK, "d"), (QUEUE, "d")]),
    row(Action::Reschedule, "reschedule", "other time", "Give a scheduled message another time", &[(ASK, "t"), (QUEUE, "t")]),
    row(Action::Confirm, "confirm", "yes", "Do it", &[(SURE, "y")]),
    row(Action::Close, "close", "close", "Close", &[(OVERLAYS, "Esc"), (PAGE, "q, Enter, o, x, ?"), (SURE, "n"), (WORKBENCH, "q")]),
    row(Action::StartDemo, "start-demo", "demo", "Open the demo: sample conversations, nothing leaves this machine", &[(FIRST, "d, Enter")]),
    row(Action::Help, "help", "help", "Show the keys", &[(ALL, "F1"), (SCREENS, "?"), (WORKBENCH, "?"), (FIRST, "?")]),
    row(Action::Redraw, "redraw", "redraw", "Draw the screen anew", &[(ALL, "Ctrl-L")]),
    row(Action::Suspend, "suspend", "suspend", "Stop the program until the shell's `fg`", &[(KEYED, "Ctrl-Z")]),
    row(Action::Interrupt, "interrupt", "quit", "Clear the line (Undo brings it back), close what is open, then ask to quit", &[(ALL, "Ctrl-C")]),
    row(Action::Quit, "quit", "quit", "Quit; what is queued stays queued", &[(LIST, "q"), (FIRST, "q, Esc")]),
];

/// The row of an action.
#[must_use]
pub fn entry(action: Action) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.action == action)
}

/// The action of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// The contexts in which an action can be taken.
#[must_use]
pub fn works_in(entry: &Entry, context: Context) -> bool {
    entry.keys.iter().any(|(contexts, _)| contexts.has(context))
}

/// A row of the key table as text, for `twoticks keys`, the help page and the README.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Where.
    pub context: Context,
    /// The name in `[keys]`.
    pub name: &'static str,
    /// The keys, parted by spaces and commas.
    pub keys: String,
    /// What it does.
    pub doc: &'static str,
}

/// The whole key table by context, with the keys of this map.
#[must_use]
pub fn table(keymap: &Keymap) -> Vec<TableRow> {
    let mut rows = Vec::new();
    for context in Context::ALL {
        for entry in TABLE.iter().filter(|entry| works_in(entry, context)) {
            let keys = keymap.keys(context, entry.action).join(", ");
            rows.push(TableRow { context, name: entry.name, keys, doc: entry.doc });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Context, TABLE, hints, works_in};

    #[test]
    fn names_are_kebab_case_and_unique() {
        let mut seen = HashSet::new();
        for entry in TABLE {
            assert!(seen.insert(entry.name), "{} twice", entry.name);
            assert!(
                entry.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{}",
                entry.name
            );
            assert!(!entry.keys.is_empty(), "{} has no key", entry.name);
            assert!(!entry.doc.ends_with('.'), "{}", entry.name);
        }
    }

    #[test]
    fn hints_are_of_their_context() {
        for context in Context::ALL {
            for action in hints(context) {
                let entry = super::entry(*action).unwrap();
                assert!(works_in(entry, context), "{} in {context:?}", entry.name);
            }
        }
    }
}
