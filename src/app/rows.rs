//! A message as rows of the screen: pieces of text with a meaning, which the view gives colours. A row is
//! never wider than asked for. Wrapping happens here and only for what is looked at.

mod status;

use std::ops::Range;

pub(crate) use status::{charged, reason};

use jiff::tz::TimeZone;

use super::describe::{self, Paragraph, Voice};
use super::when;
use crate::domain::message::{Author, Body, Direction, Message};
use crate::domain::state::State;
use crate::domain::text::{self, Markup};
use crate::domain::time::Timestamp;
use crate::domain::wish::Wish;

/// Rows of a message shown before it is expanded.
pub const COLLAPSED: usize = 30;

/// Rows of a message shown when it is expanded: whatever is sent, the screen stays fast.
const EXPANDED: usize = 2_000;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A person's words.
    Said,
    /// The program's words that stand for something it does not show.
    Label,
    /// Less important.
    Dim,
    /// A quoted message.
    Quote,
    /// Something failed.
    Failure,
    /// Something is not certain.
    Doubt,
    /// Something waits for a decision.
    Held,
}

/// Text of one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Sanitised, on one line.
    pub text: String,
    /// What it means.
    pub tone: Tone,
    /// WhatsApp's markup in it.
    pub markup: Markup,
}

/// The state slot of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An inbound message.
    Inbound,
    /// An outbound message that got this far.
    Outbound(State),
    /// Waits for another try, after this many.
    Retry(u32),
}

/// A row of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A new day begins.
    Day(String),
    /// What follows was not read yet.
    New(u32),
    /// Something that happened between messages.
    Note {
        /// When; blank on further rows of the same.
        time: Option<String>,
        /// What. Sanitised.
        text: String,
        /// What it means.
        tone: Tone,
    },
    /// A row of a message.
    Text {
        /// The time, on the first row of a message; blank when it is the minute of the message before.
        time: Option<String>,
        /// The state, on the first row of a message.
        mark: Option<Mark>,
        /// The words.
        pieces: Vec<Piece>,
    },
}

/// What the rows depend on beside the message.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// Now.
    pub now: Timestamp,
    /// Times are shown in this zone.
    pub zone: &'a TimeZone,
    /// The widest a line of text may be.
    pub width: usize,
    /// The name of who the conversation is with. Sanitised.
    pub name: String,
    /// Stands for what was cut off.
    pub ellipsis: &'static str,
    /// The key that sends again.
    pub resend_key: &'a str,
    /// The key that explains.
    pub explain_key: &'a str,
    /// The key that sends a template instead.
    pub template_key: &'a str,
    /// The key that shows all of a long message.
    pub expand_key: &'a str,
}

/// A message with what comes before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Separators above it.
    pub before: Vec<Row>,
    /// The message itself; at least one row.
    pub rows: Vec<Row>,
}

/// What a message stands next to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The message before it, if it is known.
    pub previous: Option<&'a Message>,
    /// The divider of new messages stands above it; over so many.
    pub new: Option<u32>,
    /// All of it is shown, however long.
    pub expanded: bool,
    /// What they said about marketing since the message before.
    pub wishes: &'a [Wish],
    /// What they said about it after this message, when it is the newest.
    pub wishes_after: &'a [Wish],
}

#[cfg(test)]
std::thread_local! {
    static WRAPPED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many messages were wrapped while `work` ran.
#[cfg(test)]
pub(crate) fn counted(work: impl FnOnce()) -> usize {
    WRAPPED.set(0);
    work();
    WRAPPED.get()
}

/// The rows of a message.
#[must_use]
pub fn block(message: &Message, place: Place<'_>, look: &Look<'_>) -> Block {
    #[cfg(test)]
    WRAPPED.set(WRAPPED.get() + 1);
    let mut before = Vec::new();
    let mut last = place.previous.map(|previous| previous.at);
    for wish in place.wishes {
        day(&mut last, wish.at, look, &mut before);
        note(wish, look, &mut before);
    }
    day(&mut last, message.at, look, &mut before);
    if let Some(count) = place.new {
        before.push(Row::New(count));
    }
    let mut lines = Lines { width: look.width.max(text::MIN_COLUMNS), rows: Vec::new() };
    quote(message, look, &mut lines);
    content(message, place, look, &mut lines);
    reactions(message, look, &mut lines);
    status::lines(message, look, &mut lines);
    let same_minute = before.is_empty()
        && place.previous.is_some_and(|previous| {
            when::clock(previous.at, look.zone) == when::clock(message.at, look.zone)
        });
    if let Some(Row::Text { time, mark, .. }) = lines.rows.first_mut() {
        *time = (!same_minute).then(|| when::clock(message.at, look.zone));
        *mark = Some(mark_of(message));
    }
    for wish in place.wishes_after {
        day(&mut last, wish.at, look, &mut lines.rows);
        note(wish, look, &mut lines.rows);
    }
    Block { before, rows: lines.rows }
}

/// Begins a new day where `at` is of another one than what came last.
fn day(last: &mut Option<Timestamp>, at: Timestamp, look: &Look<'_>, rows: &mut Vec<Row>) {
    let same = last.is_some_and(|last| when::day(last, look.zone) == when::day(at, look.zone));
    if !same {
        rows.push(Row::Day(when::day_label(at, look.now, look.zone)));
    }
    *last = Some(at);
}

/// What they said about marketing, as rows of its own.
fn note(wish: &Wish, look: &Look<'_>, rows: &mut Vec<Row>) {
    let tone = if wish.stop { Tone::Held } else { Tone::Dim };
    let safe = text::display_safe(&describe::wish(wish)).into_owned();
    let mut time = Some(when::clock(wish.at, look.zone));
    for line in text::wrap(&safe, look.width.max(text::MIN_COLUMNS)) {
        let text = safe.get(line.range).unwrap_or_default().to_owned();
        rows.push(Row::Note { time: time.take(), text, tone });
    }
}

/// The state slot of a message.
#[must_use]
pub const fn mark_of(message: &Message) -> Mark {
    match (message.direction, message.state) {
        (Direction::Inbound, _) => Mark::Inbound,
        (Direction::Outbound, State::Queued) if message.tries > 0 => Mark::Retry(message.tries + 1),
        (Direction::Outbound, state) => Mark::Outbound(state),
    }
}

/// Rows being put together.
struct Lines {
    width: usize,
    rows: Vec<Row>,
}

impl Lines {
    fn push(&mut self, pieces: Vec<Piece>) {
        self.rows.push(Row::Text { time: None, mark: None, pieces });
    }

    /// One row, cut to the width.
    fn cut(&mut self, words: &str, tone: Tone, look: &Look<'_>) {
        let safe = text::display_safe(words);
        let (cut, _) = text::truncate_with(&safe, self.width, look.ellipsis);
        self.push(vec![Piece { text: cut.into_owned(), tone, markup: Markup::PLAIN }]);
    }

    /// As many rows as it takes.
    fn wrapped(&mut self, words: &str, tone: Tone) {
        let safe = text::display_safe(words);
        for line in text::wrap(&safe, self.width) {
            let words = safe.get(line.range).unwrap_or_default().to_owned();
            self.push(vec![Piece { text: words, tone, markup: Markup::PLAIN }]);
        }
    }
}

fn quote(message: &Message, look: &Look<'_>, lines: &mut Lines) {
    if message.context.frequently_forwarded {
        lines.cut("forwarded many times", Tone::Dim, look);
    } else if message.context.forwarded {
        lines.cut("forwarded", Tone::Dim, look);
    }
    let Some(quote) = &message.quote else { return };
    let who = match quote.direction {
        Some(Direction::Inbound) => look.name.clone(),
        Some(Direction::Outbound) => "you".to_owned(),
        None => "an earlier message".to_owned(),
    };
    let words = if quote.preview.is_empty() {
        format!("| {who}")
    } else {
        format!("| {who}: {}", quote.preview)
    };
    lines.cut(&words, Tone::Quote, look);
}

fn content(message: &Message, place: Place<'_>, look: &Look<'_>, lines: &mut Lines) {
    if message.revoked {
        lines.cut("[deleted]", Tone::Label, look);
        return;
    }
    let expanded = place.expanded;
    let first = lines.rows.len();
    let most = if expanded { EXPANDED } else { COLLAPSED };
    let mut origin = origin(message, place);
    let parts = describe::body(&message.body);
    for (at, part) in parts.iter().enumerate() {
        let origin = std::mem::take(&mut origin);
        let inset = at > 0 && matches!(message.body, Body::Template(_));
        if inset {
            inset_paragraph(part, first + most + 1, look, lines);
        } else {
            paragraph(origin, part, first + most + 1, look, lines);
        }
    }
    if lines.rows.len() > first + most {
        lines.rows.truncate(first + most);
        let words = if expanded {
            "... more than can be shown".to_owned()
        } else {
            format!("... more: {} shows all", look.expand_key)
        };
        lines.cut(&words, Tone::Dim, look);
    } else if expanded && lines.rows.len() > first + COLLAPSED {
        lines.cut(&format!("{} shows less", look.expand_key), Tone::Dim, look);
    }
    if message.edited {
        append("(edited)", look, lines);
    }
    if let (Body::Template(_), Some(charge)) = (&message.body, &message.charge) {
        append(&format!(" {}", charged(charge)), look, lines);
    }
}

/// What stands before the words when they were written elsewhere: said once for messages in a row.
fn origin(message: &Message, place: Place<'_>) -> &'static str {
    let of = |message: &Message| match (&message.group, message.author) {
        (Some(_), _) => "[group] ",
        (None, Author::PhoneApp) => "[phone] ",
        (None, _) => "",
    };
    let same = |previous: &Message| of(previous) == of(message) && previous.group == message.group;
    if place.previous.is_some_and(same) { "" } else { of(message) }
}

/// Puts a word behind the last row, or below it when there is no room.
fn append(word: &str, look: &Look<'_>, lines: &mut Lines) {
    let width = lines.width;
    if let Some(Row::Text { pieces, .. }) = lines.rows.last_mut() {
        let used: usize = pieces.iter().map(|piece| text::width(&piece.text)).sum();
        let safe = text::display_safe(word);
        if used + 1 + text::width(&safe) <= width {
            pieces.push(Piece { text: format!(" {safe}"), tone: Tone::Dim, markup: Markup::PLAIN });
            return;
        }
    }
    lines.cut(word, Tone::Dim, look);
}

/// Wraps a paragraph behind what is said of its origin, stopping once there are `most` rows.
fn paragraph(origin: &str, part: &Paragraph, most: usize, look: &Look<'_>, lines: &mut Lines) {
    let room = most.saturating_sub(lines.rows.len());
    if room == 0 {
        return;
    }
    let head = head(&part.text, room * lines.width * 2);
    let tone = match part.voice {
        Voice::Said => Tone::Said,
        Voice::Label => Tone::Label,
        Voice::Aside => Tone::Dim,
        Voice::Lost => return lost(origin, part, look, lines),
    };
    let mut words = origin.to_owned();
    let mut spans = vec![(words.len(), Tone::Dim, Markup::PLAIN)];
    match part.voice {
        Voice::Said => unmarked(head, tone, &mut words, &mut spans),
        Voice::Label | Voice::Aside | Voice::Lost => {
            words.push_str(head);
            spans.push((words.len(), tone, Markup::PLAIN));
        }
    }
    for line in text::wrap(&words, lines.width).into_iter().take(room) {
        lines.push(cut(&words, &spans, line.range));
    }
}

/// A paragraph of what was put together elsewhere, with a bar in front of each row.
fn inset_paragraph(part: &Paragraph, most: usize, look: &Look<'_>, lines: &mut Lines) {
    const BAR: &str = "| ";
    let from = lines.rows.len();
    let width = lines.width;
    lines.width = width.saturating_sub(BAR.len()).max(text::MIN_COLUMNS);
    paragraph("", part, most, look, lines);
    lines.width = width;
    for row in lines.rows.iter_mut().skip(from) {
        if let Row::Text { pieces, .. } = row {
            let bar = Piece { text: BAR.to_owned(), tone: Tone::Dim, markup: Markup::PLAIN };
            pieces.insert(0, bar);
        }
    }
}

/// A file that cannot be had: one row, whose end says why and how to learn more. The name gives way first.
fn lost(origin: &str, part: &Paragraph, look: &Look<'_>, lines: &mut Lines) {
    let (what, why) = part.text.split_once('\n').unwrap_or((&part.text, ""));
    let what = format!("{origin}{what}");
    let key = format!("  {} why", look.explain_key);
    let taken = text::width(&what) + text::width(why) + 2;
    let key = if look.explain_key.is_empty() || taken + text::width(&key) > lines.width {
        ""
    } else {
        &key
    };
    let end = format!("  {why}{key}");
    let room = lines.width.saturating_sub(text::width(&end));
    if room < text::MIN_COLUMNS.max(lines.width / 4) {
        return lines.cut(&format!("{what}{end}"), Tone::Dim, look);
    }
    let (what, _) = text::truncate_with(&what, room, look.ellipsis);
    let piece = |text: String, tone| Piece { text, tone, markup: Markup::PLAIN };
    lines.push(vec![piece(what.into_owned(), Tone::Label), piece(end, Tone::Dim)]);
}

/// The first `characters` of a text, so that wrapping never costs more than what can be shown.
fn head(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// Sanitised text with its markup read, as rows of at most `width` columns.
#[must_use]
pub(crate) fn wrapped_markup(marked: &str, tone: Tone, width: usize) -> Vec<Vec<Piece>> {
    let (mut words, mut spans) = (String::new(), Vec::new());
    unmarked(marked, tone, &mut words, &mut spans);
    let lines = text::wrap(&words, width.max(text::MIN_COLUMNS));
    lines.into_iter().map(|line| cut(&words, &spans, line.range)).collect()
}

/// The pieces of a part of the words, by where each look ends.
fn cut(words: &str, spans: &[(usize, Tone, Markup)], range: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    for (end, tone, markup) in spans {
        let end = (*end).min(range.end);
        if end > at {
            let text = words.get(at..end).unwrap_or_default().to_owned();
            pieces.push(Piece { text, tone: *tone, markup: *markup });
            at = end;
        }
    }
    pieces
}

/// Adds the text without its marks, and where each look ends.
fn unmarked(marked: &str, tone: Tone, words: &mut String, spans: &mut Vec<(usize, Tone, Markup)>) {
    for span in text::markup(marked) {
        if span.markup.contains(Markup::MARK) {
            continue;
        }
        words.push_str(marked.get(span.range).unwrap_or_default());
        spans.push((words.len(), tone, span.markup));
    }
}

fn reactions(message: &Message, look: &Look<'_>, lines: &mut Lines) {
    if message.reactions.is_empty() {
        return;
    }
    let shown: Vec<_> = message
        .reactions
        .iter()
        .map(|reaction| {
            let who = match reaction.direction {
                Direction::Inbound => look.name.clone(),
                Direction::Outbound => "you".to_owned(),
            };
            format!("{who} {}", reaction.emoji)
        })
        .collect();
    lines.cut(&format!("+ {}", shown.join("  ")), Tone::Dim, look);
}

#[cfg(test)]
mod tests;
