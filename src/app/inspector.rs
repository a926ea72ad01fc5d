//! The inspector: the requests at the listener, what is looked for among them, and one of them in its parts.

use super::calm::Calm;
use super::list::{List, Listed};
use super::paged::Identified;
use super::wait::Wait;
use crate::domain::hook::{Hook, HookKey};
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::EventId;
use crate::domain::time::Timestamp;

/// At most so many requests are looked at for a page, so that a filter that fits nothing ends.
pub const BUDGET: u32 = 2_000;

/// Lines of a body that are laid out; the rest is saved or shown by the command line.
const LINES: usize = 5_000;

impl Identified for Hook {
    type Id = HookKey;
    fn id(&self) -> HookKey {
        self.key
    }
}

impl Listed for Hook {
    type Key = HookKey;
    type Filter = ();
    type Counts = ();
    const LAST: HookKey = HookKey { event: EventId(i64::MIN), arrival: i64::MIN };
    fn key(&self) -> HookKey {
        self.key
    }
}

/// A part of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The body, laid out.
    #[default]
    Body,
    /// How it came.
    Headers,
    /// What it did, in words.
    Effects,
    /// The rows it changed, before and after.
    Diff,
}

impl Part {
    /// All, in the order of the tabs.
    pub const ALL: [Self; 4] = [Self::Body, Self::Headers, Self::Effects, Self::Diff];

    /// The word on its tab.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Headers => "headers",
            Self::Effects => "effects",
            Self::Diff => "diff",
        }
    }

    /// The tab beside it.
    #[must_use]
    pub fn next(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|part| *part == self).unwrap_or(0);
        let to = if forward { at + 1 } else { at + Self::ALL.len() - 1 } % Self::ALL.len();
        Self::ALL.get(to).copied().unwrap_or_default()
    }
}

/// What is kept of an event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBody {
    /// Which event.
    pub event: EventId,
    /// The body, bytes that are no UTF-8 replaced; unsanitised.
    pub text: String,
    /// The header with the signature.
    pub signature: Option<String>,
    /// The body laid out, sanitised.
    pub lines: Vec<String>,
}

impl KeptBody {
    /// Lays a body out. It may have megabytes: not for the thread of the screen.
    #[must_use]
    pub fn new(event: EventId, text: String, signature: Option<String>) -> Self {
        let laid_out = super::hooks::pretty(&text);
        let safe = crate::domain::text::display_safe_multiline(&laid_out);
        let mut lines: Vec<String> = safe.lines().take(LINES).map(str::to_owned).collect();
        if safe.lines().nth(LINES).is_some() {
            lines.push("(more; save it to see all)".to_owned());
        }
        if text.is_empty() {
            lines = vec!["The body was let go; [events] in the config says how long.".to_owned()];
        }
        Self { event, text, signature, lines }
    }
}

/// The screen.
#[derive(Debug, Default)]
pub struct Inspector {
    /// The requests.
    pub list: List<Hook>,
    /// The filter as it was typed.
    pub sought: String,
    /// And as it is meant.
    pub filter: HookFilter,
    /// The newest is selected whenever something comes.
    pub follow: bool,
    /// The part that is shown.
    pub part: Part,
    /// The body of the selected event.
    pub body: Option<KeptBody>,
    /// The pending body.
    pub wait: Wait<EventId>,
    /// The search for fitting requests ended here, before all were looked at.
    pub given_up: Option<Timestamp>,
    /// When it is read again.
    pub calm: Calm,
    /// The event whose body is in the editor.
    pub editing: Option<EventId>,
    /// The address that one was posted to last.
    pub posted_to: String,
}

impl Inspector {
    /// The request that keys act on.
    #[must_use]
    pub fn selected(&self) -> Option<&Hook> {
        self.list.selected_row()
    }

    /// The body of the selected event, once it is there.
    #[must_use]
    pub fn shown_body(&self) -> Option<&KeptBody> {
        let event = self.selected()?.event()?;
        self.body.as_ref().filter(|body| body.event == event)
    }
}
