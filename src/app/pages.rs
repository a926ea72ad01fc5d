//! Pages of text in front of the inbox, and the info pane beside it, as lines with a meaning: the help made
//! from the key table, what is known of a contact and a message, what an error means.

mod hook;
mod workbench;

pub use hook::{hook_facts, hook_part};
pub use workbench::copied as workbench_copied;

use super::action::{self, Action, Context};
use super::describe;
use super::layout;
use super::life::Timeline;
use super::model::{Model, Overlay, Screen};
use super::rows::{Mark, charged, reason};
use super::when;
use crate::domain::conversation::Conversation;
use crate::domain::error_code::{self, Conduct};
use crate::domain::health::Condition;
use crate::domain::id::{MessageId, RequestId};
use crate::domain::message::{Direction, Message, TimelineEntry};
use crate::domain::state::State;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::domain::window::Window;

/// What a part of a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Begins a part of the page.
    Heading,
    /// A key, or the name of a fact.
    Name,
    /// Words.
    Plain,
    /// Less important.
    Dim,
    /// Something is wrong.
    Bad,
    /// A sign of the screen, in a slot of two columns; the text is empty.
    Sign(Sign),
}

/// A sign that the help explains. What it looks like depends on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The state of a message.
    Of(Mark),
    /// A conversation with a message that failed.
    Failed,
    /// A conversation with somebody who wants no marketing.
    OptedOut,
    /// A letter in front of a conversation.
    Letter(char),
}

/// A line of a page; sanitised and no wider than asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<(Ink, String)>);

/// Columns of the names of facts.
const NAMES: usize = 10;

/// The page that is open, for the width of its inside.
#[must_use]
pub fn lines(model: &Model) -> Vec<Line> {
    let width = usize::from(layout::page(model.size).width);
    match &model.overlay {
        Some(Overlay::Help { .. }) => help(model, width),
        Some(Overlay::Details { .. }) => {
            let mut page = Page::new(width, model);
            if model.screen == Screen::Hooks {
                hook::whole(model, &mut page);
                return page.lines;
            }
            contact(model, &mut page);
            message(model, &mut page);
            raw(model, &mut page);
            page.lines
        }
        Some(Overlay::Workbench) => workbench_lines(model, width),
        Some(Overlay::Explain { message, .. }) => {
            let mut page = Page::new(width, model);
            match model.held(*message) {
                Some(found) => {
                    about(model, found, &mut page);
                    explain(model, found, &mut page);
                }
                None => page.wrapped("It is not in the queue any more.", Ink::Plain),
            }
            life(model, *message, &mut page);
            page.lines
        }
        Some(
            Overlay::Ask(_)
            | Overlay::Sure(_)
            | Overlay::Prompt(_)
            | Overlay::Jump(_)
            | Overlay::Picker(_)
            | Overlay::Form(_)
            | Overlay::Maker(_),
        )
        | None => Vec::new(),
    }
}

fn workbench_lines(model: &Model, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, model);
    workbench::lines(model, &mut page);
    page.lines
}

/// The line of the workbench that is chosen, counted from the top of its page.
#[must_use]
pub fn workbench_chosen(model: &Model) -> usize {
    workbench::chosen_line(&workbench_lines(model, layout::page(model.size).width.into()))
}

/// The info pane: contact, selected message, services. Of the queue: what there is to know of the selected
/// message.
#[must_use]
pub fn info(model: &Model, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, model);
    if model.screen == Screen::Queue {
        if let Some(row) = model.queue.selected() {
            page.heading(&describe::name(&row.contact));
            page.wrapped(&describe::line(&row.message), Ink::Plain);
            explain(model, &row.message, &mut page);
            life(model, row.message.id, &mut page);
        }
    } else if model.screen == Screen::Hooks {
        hook::whole(model, &mut page);
        return page.lines;
    } else {
        contact(model, &mut page);
        message(model, &mut page);
    }
    services(model, &mut page);
    page.lines
}

struct Page {
    width: usize,
    ellipsis: &'static str,
    lines: Vec<Line>,
}

impl Page {
    fn new(width: usize, model: &Model) -> Self {
        let ellipsis = model.settings.ellipsis;
        Self { width: width.max(text::MIN_COLUMNS), ellipsis, lines: Vec::new() }
    }

    fn heading(&mut self, words: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let (cut, _) = text::truncate_with(words, self.width, self.ellipsis);
        self.lines.push(Line(vec![(Ink::Heading, cut.into_owned())]));
    }

    /// A name and what it stands for, wrapped under itself.
    fn fact(&mut self, name: &str, words: &str, ink: Ink) {
        self.named(name, NAMES, words, ink);
    }

    fn named(&mut self, name: &str, columns: usize, words: &str, ink: Ink) {
        let columns = columns.min(self.width / 2).max(text::MIN_COLUMNS);
        let safe = text::display_safe(words);
        let room = self.width.saturating_sub(columns + 1).max(text::MIN_COLUMNS);
        let names = text::wrap(name, columns);
        let facts = text::wrap(&safe, room);
        for at in 0..names.len().max(facts.len()) {
            let part = |lines: &[text::Line], words: &str| {
                let range = lines.get(at).map(|line| line.range.clone());
                range.and_then(|range| words.get(range)).unwrap_or_default().to_owned()
            };
            let name = text::pad(&part(&names, name), columns + 1).into_owned();
            self.lines.push(Line(vec![(Ink::Name, name), (ink, part(&facts, &safe))]));
        }
    }

    /// A sign, what it is called, and what it means.
    fn sign(&mut self, sign: Sign, name: &str, words: &str) {
        const COLUMNS: usize = 3;
        let from = self.lines.len();
        let width = self.width;
        self.width = width.saturating_sub(COLUMNS).max(text::MIN_COLUMNS);
        self.named(name, 24 - COLUMNS, words, Ink::Plain);
        self.width = width;
        for (at, Line(pieces)) in self.lines.iter_mut().skip(from).enumerate() {
            pieces.insert(0, (Ink::Plain, " ".repeat(if at == 0 { 1 } else { COLUMNS })));
            if at == 0 {
                pieces.insert(0, (Ink::Sign(sign), String::new()));
            }
        }
    }

    fn wrapped(&mut self, words: &str, ink: Ink) {
        let safe = text::display_safe_multiline(words);
        for line in text::wrap(&safe, self.width) {
            let words = safe.get(line.range).unwrap_or_default().to_owned();
            self.lines.push(Line(vec![(ink, words)]));
        }
    }
}

fn help(model: &Model, width: usize) -> Vec<Line> {
    let mut page = Page::new(width, model);
    let table = action::table(&model.keymap);
    let here = model.under();
    let others = Context::ALL.into_iter().filter(|context| *context != here);
    for (at, context) in std::iter::once(here).chain(others).enumerate() {
        // After the keys that work now, since the signs are what is seen beside them.
        if at == 1 {
            signs(&mut page);
        }
        page.heading(context.title());
        for row in table.iter().filter(|row| row.context == context) {
            let keys = if row.keys.is_empty() { "(no key)" } else { &row.keys };
            page.named(keys, 24, row.doc, Ink::Plain);
        }
    }
    page.heading("Good to know");
    page.wrapped(
        "While text is typed, Alt with a letter that has no meaning there is Esc and then the letter: a \
         terminal sends the same for both.",
        Ink::Plain,
    );
    page.lines
}

/// The signs in front of messages and conversations.
fn signs(page: &mut Page) {
    page.heading("Signs in front of a message");
    for (state, words) in [
        (State::Queued, "in the store, not yet sent"),
        (State::Sending, "a request is on its way"),
        (State::Accepted, "WhatsApp took it"),
        (State::Sent, "on its way to them"),
        (State::Delivered, "on their device"),
        (State::Read, "seen, when they let it be known; in colour"),
        (State::Played, "a voice message was listened to"),
        (State::Scheduled, "goes at the time you gave it"),
        (State::Held, "waits for its reason to go, or for you"),
        (State::Failed, "refused; the reason is under the message"),
        (State::Uncertain, "nobody can say yet whether it was accepted"),
        (State::Cancelled, "withdrawn before it was sent"),
    ] {
        page.sign(Sign::Of(Mark::Outbound(state)), state.name(), words);
    }
    page.sign(Sign::Of(Mark::Retry(2)), "retried", "waits for another try, the second here");
    page.sign(Sign::Of(Mark::Inbound), "received", "from them");
    page.heading("Signs in front of a conversation");
    for (sign, name, words) in [
        (Sign::Failed, "failed", "a message to them failed"),
        (Sign::Letter('D'), "draft", "something is written and not sent"),
        (Sign::Letter('!'), "closing", "they wait, and the 24-hour window closes within 4 hours"),
        (Sign::OptedOut, "opted out", "they want no marketing"),
        (Sign::Letter('T'), "template", "the window is closed: templates only"),
    ] {
        page.sign(sign, name, words);
    }
}

fn contact(model: &Model, page: &mut Page) {
    let Some(row) = model.shown() else { return };
    let contact = &row.contact;
    page.heading("Contact");
    page.fact("Name", &describe::name(contact), Ink::Plain);
    if contact.wa_id.is_some() {
        page.fact("Phone", &describe::handle(contact), Ink::Plain);
    } else {
        page.fact("Phone", "hidden by them", Ink::Dim);
    }
    if let Some(username) = contact.username.as_deref().and_then(describe::username) {
        page.fact("Username", &username, Ink::Plain);
    }
    if let Some(id) = &contact.user_id {
        page.fact("User id", id.as_str(), Ink::Dim);
    }
    let (words, ink) = window_words(row, model);
    page.fact("Window", &words, ink);
    marketing(model, row, page);
    for (name, count, ink) in [
        ("Unread", row.unread, Ink::Plain),
        ("Queued", row.waiting, Ink::Plain),
        ("Failed", row.failed, Ink::Bad),
    ] {
        if count > 0 {
            page.fact(name, &count.to_string(), ink);
        }
    }
}

/// What they want of marketing, when anything is known of it.
fn marketing(model: &Model, row: &Conversation, page: &mut Page) {
    let wishes = model.chat.as_ref().map_or(&[][..], |chat| &chat.wishes);
    let key = model.keymap.key(Context::Chat, Action::Marketing);
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    match (row.opted_out, wishes.last()) {
        (Some(since), said) => {
            let said = said.filter(|wish| wish.stop).map(describe::wish);
            let said = said.unwrap_or_else(|| "They opted out".to_owned());
            let words = format!("{said}, {}. {key} allows it again.", near(since));
            page.fact("Marketing", &words, Ink::Bad);
        }
        (None, Some(wish)) => {
            let words = format!("{}, {}", describe::wish(wish), near(wish.at));
            page.fact("Marketing", &words, Ink::Plain);
        }
        (None, None) => {}
    }
}

fn window_words(row: &Conversation, model: &Model) -> (String, Ink) {
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    match row.window(model.now) {
        Window::Open(end) => {
            let left = when::left(end.since(model.now));
            (format!("open until {}, {left} left", near(end)), Ink::Plain)
        }
        Window::Closed(end) => (format!("closed since {}: templates only", near(end)), Ink::Bad),
        Window::Refused(at) => {
            let words = "WhatsApp refused (131047) what was sent";
            (format!("{words} {}: templates only", near(at)), Ink::Bad)
        }
        Window::Unknown => ("unknown: they have not written here".to_owned(), Ink::Dim),
    }
}

fn message(model: &Model, page: &mut Page) {
    let Some(found) = model.chat.as_ref().and_then(|chat| chat.selected_message()) else { return };
    page.heading("Selected message");
    page.fact("Time", &when::full(found.at, &model.settings.timezone), Ink::Plain);
    page.fact("State", found.state.name(), Ink::Plain);
    if found.group.is_some() {
        page.fact("Group", "Written in a group; an answer goes to its author alone.", Ink::Plain);
    }
    if let Some(wamid) = &found.wamid {
        let safe = text::display_safe(wamid.as_str());
        let room = page.width.saturating_sub(NAMES + 1);
        let (cut, _) = text::truncate_with(&safe, room, page.ellipsis);
        page.fact("Id", &cut, Ink::Dim);
    }
    if let Some(charge) = &found.charge {
        let kind = charge.kind.as_deref().map(|kind| format!(" (type {kind})")).unwrap_or_default();
        page.fact("Billing", &format!("{}{kind}", charged(charge)), Ink::Plain);
    }
    if let Some(path) = describe::stored_file(found) {
        page.fact("File", &model.file_path(path), Ink::Plain);
        let key = |action| model.keymap.key(Context::Chat, action);
        let (open, save) = (key(Action::OpenFile), key(Action::SaveFile));
        page.fact("", &format!("{open} opens it, {save} saves it under a name"), Ink::Dim);
    }
    if found.trouble.is_some() {
        page.fact("Reason", &reason(found.state, found.trouble.as_ref()), Ink::Bad);
    }
    life(model, found.id, page);
}

/// Whom a message is for, and what it says.
fn about(model: &Model, found: &Message, page: &mut Page) {
    let queued = model.queue.list.page.rows().iter().find(|row| row.message.id == found.id);
    let contact = match queued.filter(|_| model.screen == Screen::Queue) {
        Some(row) => Some(&row.contact),
        None => model.shown().map(|row| &row.contact),
    };
    if let Some(contact) = contact {
        page.heading(&describe::name(contact));
    }
    page.wrapped(&describe::line(found), Ink::Plain);
}

fn explain(model: &Model, found: &Message, page: &mut Page) {
    page.heading(&format!("Message {}", found.state.name()));
    if let Some(reason) = describe::lost_file(found) {
        page.fact("File", &format!("It cannot be had: {reason}."), Ink::Bad);
        page.fact("Helps", "Ask them to send it again.", Ink::Plain);
        return;
    }
    let Some(trouble) = &found.trouble else {
        let words = match found.direction {
            Direction::Inbound => "This is a message from the contact; nothing went wrong.",
            Direction::Outbound => "Nothing went wrong with this message.",
        };
        page.wrapped(words, Ink::Plain);
        let rows = model.chat.iter().flat_map(|chat| chat.page.rows());
        if rows.into_iter().any(describe::is_troubled) && model.screen == Screen::Inbox {
            let key = model.keymap.key(Context::Chat, Action::NextFailed);
            let words = format!("{key} goes to the one of this conversation that did go wrong.");
            page.wrapped(&words, Ink::Plain);
        }
        return;
    };
    if let Some(code) = trouble.code {
        let entry = error_code::shown(code, found.state);
        page.fact("Code", &code.to_string(), Ink::Bad);
        page.fact("Means", &format!("{}.", entry.plain), Ink::Plain);
        page.fact("Retried", retried(found, entry.class.conduct()), Ink::Plain);
        page.fact("Helps", &format!("{}.", entry.remedy), Ink::Plain);
    } else {
        page.fact("Retried", retried(found, Conduct::Retries), Ink::Plain);
    }
    if found.state == State::Uncertain {
        let key = model.keymap.key(Context::Chat, Action::Resend);
        let words = format!(
            "Look on a phone, or ask them, whether it arrived. {key} then sends it again or drops it."
        );
        page.fact("Settle it", &words, Ink::Plain);
    }
    if !trouble.detail.is_empty() {
        let name = if trouble.code.is_some() { "In Meta's words" } else { "What is known" };
        page.lines.push(Line::default());
        page.wrapped(&format!("{name}: {}", trouble.detail), Ink::Dim);
    }
}

/// Whether a message is tried again by itself, from where it stands and what went wrong.
const fn retried(message: &Message, conduct: Conduct) -> &'static str {
    match message.state {
        State::Queued | State::Sending => match conduct {
            Conduct::Waits => "Yes, by itself as soon as the limit allows; that uses up no try.",
            Conduct::StopsAccount => {
                "Yes, by itself as soon as the account works again; that uses up no try."
            }
            _ => "Yes, by itself; each try is listed below.",
        },
        State::Failed => match conduct {
            Conduct::Retries => "Not any more: all tries are used up.",
            _ => "No: the same message would be refused again until the reason is gone.",
        },
        State::Uncertain => {
            "Never by itself, since it might arrive twice. A status from WhatsApp settles it, or you do."
        }
        State::Held => "Not while it is held: until its reason is gone, or you let it go.",
        _ => "No.",
    }
}

/// The states of a message, each with its time and what proved it. A request is named where it first is.
fn life(model: &Model, message: MessageId, page: &mut Page) {
    let known = model.life.of(message).filter(|life| !life.entries.is_empty());
    let Some(Timeline { entries, .. }) = known else {
        return;
    };
    page.heading("What happened");
    let zone = &model.settings.timezone;
    let mut day = when::day(model.now, zone);
    let mut before: Option<Timestamp> = None;
    let mut named: Option<RequestId> = None;
    for entry in entries {
        let since = before.map(|before| when::step(entry.at.since(before))).unwrap_or_default();
        before = Some(entry.at);
        // Times alone are of today, or of the day that was last named.
        if std::mem::replace(&mut day, when::day(entry.at, zone)) != day {
            page.wrapped(&when::day_label(entry.at, model.now, zone), Ink::Dim);
        }
        let at = when::clock_seconds(entry.at, zone);
        let request = entry.request.filter(|request| named != Some(*request));
        named = entry.request.or(named);
        let words = format!("{at}  {since:<8} {}", proof(entry, request));
        let ink = if entry.code.is_some() { Ink::Bad } else { Ink::Plain };
        page.fact(entry.state.name(), words.trim_end(), ink);
    }
}

fn proof(entry: &TimelineEntry, request: Option<RequestId>) -> String {
    let mut words = Vec::new();
    words.extend(request.map(|request| format!("request {request}")));
    words.extend(entry.event.map(|event| format!("webhook #{event}")));
    words.extend(entry.code.map(|code| format!("error {code}")));
    words.extend(entry.detail.clone());
    words.join(", ")
}

fn raw(model: &Model, page: &mut Page) {
    let chat = model.chat.as_ref();
    let selected = chat.and_then(|chat| chat.selected);
    let timeline = selected.and_then(|selected| model.life.of(selected));
    let Some(raw) = timeline.and_then(|life| life.raw.as_deref()) else {
        return;
    };
    page.heading("As it came");
    page.wrapped(raw, Ink::Dim);
}

fn services(model: &Model, page: &mut Page) {
    let health = &model.health;
    page.heading("Services");
    let (listener, ink) = condition(&health.listener);
    let address = health.listener_address.as_deref().unwrap_or_default();
    page.fact("Listener", format!("{listener} {address}").trim_end(), ink);
    if health.listener_rebuilt > 0 {
        let times = format!("{} times, it did not answer itself", health.listener_rebuilt);
        page.fact("Built anew", &times, Ink::Bad);
    }
    if let Some(at) = health.last_event {
        let age = when::age(model.now.since(at));
        page.fact(
            "Last event",
            &format!("{} ({age})", when::near(at, model.now, &model.settings.timezone)),
            Ink::Plain,
        );
    }
    if let Some(number) = &health.unknown_number {
        let words = format!("kept: {number}; add it as an [[account]]");
        page.fact("Webhooks", &words, Ink::Bad);
    }
    let (sender, ink) = condition(&health.sender);
    page.fact("Sender", &sender, ink);
    for (account, stop) in health.stops() {
        page.fact("Stopped", &format!("{}: {}", account.name, stop.words), Ink::Bad);
    }
    page.fact("Queue", &model.waiting().queue().to_string(), Ink::Plain);
}

fn condition(condition: &Condition) -> (String, Ink) {
    match condition {
        Condition::Starting => ("starting".to_owned(), Ink::Dim),
        Condition::Up => ("works".to_owned(), Ink::Plain),
        Condition::Elsewhere => ("in another process".to_owned(), Ink::Plain),
        Condition::Off => ("off".to_owned(), Ink::Dim),
        Condition::Down(reason) => (format!("down: {reason}"), Ink::Bad),
    }
}
