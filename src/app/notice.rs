//! One line of news above the composer, gone after a while, with the next one, or with the next key once it was
//! read. What Meta tells by itself waits until the answer to what the person did was read, and comes back after
//! one that took its place. Of several, as many stand there together as have room, and the rest after them.

use std::collections::VecDeque;
use std::time::Duration;

use super::action::{Action, Context};
use super::model::Model;
use crate::domain::id::ConversationId;
use crate::domain::text;
use crate::domain::time::Timestamp;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something was done.
    Done,
    /// Something needs the person.
    Warning,
    /// Something could not be done.
    Error,
}

/// A line of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it says, unsanitised.
    pub text: String,
    /// How grave it is.
    pub weight: Weight,
    /// When it was said.
    pub since: Timestamp,
    /// When it goes away.
    pub until: Timestamp,
    /// It is about this conversation, and goes away with it.
    pub about: Option<ConversationId>,
    /// What Meta told by itself, each on a row of its own; nothing where it is about what was done here.
    pub news: Vec<String>,
}

/// Rows of what Meta told that stand there together, at most.
const NEWS_ROWS: usize = 3;

/// From so many on, what Meta told is counted and not read one after the other: all of it is in the inspector.
const MANY: usize = 10;

/// How long each further one stays with the first.
const NEXT: Duration = Duration::from_secs(3);

/// A key takes away what stood there for so long: it was read.
const READ: Duration = Duration::from_millis(1_500);

/// A key that leads elsewhere takes away what stood there for so long: it is about what was left. What came
/// while the key was pressed stays.
const LEFT: Duration = Duration::from_millis(300);

impl Notice {
    /// Reads for a while: long enough to read, longer for what matters.
    #[must_use]
    pub fn new(text: impl Into<String>, weight: Weight, now: Timestamp) -> Self {
        let seconds = match weight {
            Weight::Done => 4,
            Weight::Warning => 6,
            Weight::Error => 10,
        };
        let until = now + Duration::from_secs(seconds);
        Self { text: text.into(), weight, since: now, until, about: None, news: Vec::new() }
    }

    /// What Meta told, as much of it as has room in this width; that is taken from what waits. `again` says
    /// where all of it can be read.
    #[must_use]
    pub fn of_news(
        waits: &mut VecDeque<String>,
        columns: u16,
        again: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let many = waits.len() >= MANY;
        let rows = |words: &String| text::wrap(&text::display_safe(words), columns.into()).len();
        let mut used = 0;
        let fits = |words: &&String| {
            used += rows(words);
            many || used <= NEWS_ROWS
        };
        let count = waits.iter().take_while(fits).count().max(1).min(waits.len());
        let news: Vec<String> = waits.drain(..count).collect();
        let text = match (news.as_slice(), waits.len()) {
            ([], _) => return None,
            ([.., newest], _) if many => {
                format!("{count} notices from Meta, the newest: {newest}\n{again}")
            }
            (news, 0) => news.join("\n"),
            (news, left) => format!("{}  ({left} more)", news.join("\n")),
        };
        let mut notice = Self::new(text, Weight::Warning, now);
        let further = u32::try_from(count.min(NEWS_ROWS)).unwrap_or(1).saturating_sub(1);
        notice.until = notice.until + NEXT * further;
        notice.news = news;
        Some(notice)
    }

    /// Its rows in this width, sanitised.
    #[must_use]
    pub fn lines(&self, columns: usize) -> Vec<String> {
        let mut rows = Vec::new();
        for part in self.text.lines() {
            let safe = text::display_safe(part);
            let lines = text::wrap(&safe, columns.max(text::MIN_COLUMNS));
            rows.extend(
                lines.into_iter().map(|line| safe.get(line.range).unwrap_or_default().to_owned()),
            );
        }
        rows
    }

    /// Whether a key pressed now takes it away. `elsewhere`: the key led to another screen, box or mode.
    #[must_use]
    pub fn has_served(&self, elsewhere: bool, now: Timestamp) -> bool {
        now.since(self.since) >= if elsewhere { LEFT } else { READ }
    }
}

impl Model {
    /// The latest notice, as lines for a screen of this width.
    #[must_use]
    pub(crate) fn notice_lines(&self, columns: u16) -> Vec<String> {
        let room = usize::from(columns).saturating_sub(2);
        let lines = self.notice.as_ref().map_or_else(Vec::new, |notice| notice.lines(room));
        lines.into_iter().map(|line| format!(" {line}")).collect()
    }

    pub(crate) fn say(&mut self, text: impl Into<String>, weight: Weight) {
        self.unsay();
        self.notice = Some(Notice::new(text, weight, self.now));
        self.touch();
    }

    /// Takes the notice away. What Meta told comes back if it could not be read.
    pub(crate) fn unsay(&mut self) {
        let gone = self.notice.take();
        if let Some(unread) = gone.filter(|notice| !notice.has_served(false, self.now)) {
            for words in unread.news.into_iter().rev() {
                self.news.push_front(words);
            }
        }
    }

    /// Says what Meta told, where nothing else is said.
    pub(crate) fn say_news(&mut self) {
        if self.notice.is_some() || self.news.is_empty() {
            return;
        }
        let hooks = self.keymap.key(Context::List, Action::ShowHooks);
        let filter = self.keymap.key(Context::Hooks, Action::Filter);
        let again = format!("{hooks} and {filter} notice lists them.");
        let columns = self.size.0.saturating_sub(2);
        self.notice = Notice::of_news(&mut self.news, columns, &again, self.now);
        self.touch();
    }

    /// Says something about the conversation shown; it does not stay when another one is opened.
    pub(crate) fn say_here(&mut self, text: impl Into<String>, weight: Weight) {
        self.say(text, weight);
        if let Some(notice) = &mut self.notice {
            notice.about = self.chat.as_ref().map(|chat| chat.id);
        }
    }
}
