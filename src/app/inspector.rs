//! The inspector: the requests at the listener, what is looked for among them, and one of them in its parts.

use std::collections::HashMap;

use super::Model;
use super::calm::Calm;
use super::list::{Came, List, Listed, Load};
use super::paged::Identified;
use super::wait::Wait;
use crate::domain::hook::{Hook, HookKey, LookedTo};
use crate::domain::hook_filter::HookFilter;
use crate::domain::id::EventId;
use crate::domain::page::Page;

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
    /// So far the search for fitting requests looked above the rows held, where that was a part of them.
    pub above: Option<LookedTo>,
    /// And below them.
    pub below: Option<LookedTo>,
    /// When it is read again.
    pub calm: Calm,
    /// The event whose body is in the editor.
    pub editing: Option<EventId>,
    /// What was made of bodies there and is not applied yet.
    pub typed: HashMap<EventId, String>,
    /// The address that one was posted to last.
    pub posted_to: String,
}

impl Model {
    /// Where webhooks come in: the tunnel's address, or else the listener's own. Unsanitised.
    pub(crate) fn webhook_address(&self) -> Option<String> {
        let local = self.health.listener_address.as_deref();
        let local = local.map(|address| format!("http://{address}{}", self.settings.webhook_path));
        self.health.tunnel.url.clone().or(local)
    }
}

impl Inspector {
    /// The page to read next, if any. A search goes on behind what it looked at, not behind what it found.
    #[must_use]
    pub fn wanted_page(&self, capacity: usize) -> Option<(Page<HookKey>, Load)> {
        let wanted = self.list.wanted_page(capacity);
        match (wanted, self.above, self.below) {
            (Some((_, Load::After)), _, Some(looked)) => {
                Some((Page::After(looked.key), Load::After))
            }
            (Some((_, Load::Before)), Some(looked), _) => {
                Some((Page::Before(looked.key), Load::Before))
            }
            (None, _, Some(looked)) if self.list.is_near_end(capacity) => {
                Some((Page::After(looked.key), Load::After))
            }
            (None, Some(looked), _) if self.list.is_near_start() => {
                Some((Page::Before(looked.key), Load::Before))
            }
            (wanted, ..) => wanted,
        }
    }

    /// Takes a page that came for `load` and how far was looked for it; says whether anything is different.
    pub fn take(
        &mut self,
        load: Load,
        mut came: Came<Hook>,
        looked: Option<LookedTo>,
        capacity: usize,
    ) -> bool {
        let before = (self.above, self.below);
        match load {
            Load::Replace => {
                let further =
                    |known: &LookedTo| looked.is_some_and(|looked| known.key < looked.key);
                let is_whole = self.list.loaded && self.below.is_none();
                if let Some(looked) = looked
                    && (is_whole || self.below.as_ref().is_some_and(further))
                {
                    // What was found further down already is as it was.
                    let held = self.list.page.rows().iter();
                    came.rows.extend(held.filter(|hook| hook.key < looked.key).cloned());
                    came.more_below = self.list.page.more_after();
                } else {
                    (self.above, self.below) = (None, looked);
                }
            }
            Load::Top => (self.above, self.below) = (None, looked),
            Load::After => self.below = looked,
            Load::Before | Load::Bottom => self.above = looked,
        }
        self.list.take(load, came, capacity) || before != (self.above, self.below)
    }

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
