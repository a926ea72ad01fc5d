//! The queue screen: reading it, marking in it, and deciding about what is marked.

use super::{maker, marketing, open};
use crate::app::action::{Action, Context};
use crate::app::chat::{self, Anchor, Scroll};
use crate::app::list::{self, Came, Listed as _, Load};
use crate::app::model::{Awaited, Focus, Model, Overlay, Screen};
use crate::app::msg::{Command, Effect, Query, Ticket, Which};
use crate::app::notice::Weight;
use crate::app::queue::{CALM, Mark, Marked, done as done_words};
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::outbox::{Decided, Decision};
use crate::domain::page::{MessagePage, QueueKey, QueuePage};
use crate::domain::queue::{QueueFilter, QueueRow, Recent, Sweep};
use crate::domain::state::State;

/// A deed that waits for a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sure {
    /// What is to be done.
    pub(crate) deed: Deed,
    /// What it is called.
    pub(crate) title: String,
    /// The fact that matters. Sanitised.
    pub(crate) warning: String,
}

/// What a yes sets off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A decision about messages.
    Decide(Which, Decision),
    /// Marketing for the contact of this conversation, who did not want it.
    Allow(ConversationId),
    /// A template goes at Meta.
    Delete {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// Meta's id of it.
        id: String,
    },
}

/// Shows the queue as it is now.
pub(super) fn show(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen == Screen::Queue {
        return;
    }
    open::save_draft(model, effects);
    model.screen = Screen::Queue;
    model.back_to = Screen::Inbox;
    refresh(model, effects);
}

/// Shows the inbox as it was left.
pub(super) fn leave(model: &mut Model) {
    model.screen = Screen::Inbox;
    model.back_to = Screen::Inbox;
}

/// Carries out what means something else here than in the inbox. Says whether it did.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::NextTab => tab(model, true, effects),
        Action::PreviousTab => tab(model, false, effects),
        Action::Read => open_message(model, effects),
        Action::Back => back(model),
        Action::Mark => mark(model),
        Action::MarkAll => mark_all(model),
        Action::Hold => hold(model, effects),
        Action::Pause => pause(model, effects),
        Action::Resend => send_again(model, effects),
        Action::Drop => withdraw(model),
        Action::Explain => explain(model),
        _ => return false,
    }
    true
}

/// How many messages fit.
pub(super) fn capacity(model: &Model) -> usize {
    model.layout().map_or(1, |layout| usize::from(layout.queue_capacity()).max(1))
}

/// Reads the part of the queue that is held again.
pub(super) fn refresh(model: &mut Model, effects: &mut Vec<Effect>) {
    let (page, limit) = model.queue.list.refresh_page(capacity(model));
    ask(model, page, limit, Load::Replace, effects);
}

/// The queue changed: reads it again, but not more often than the eye can follow.
pub(super) fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Queue {
        return;
    }
    model.queue.calm.changed(CALM, model.now);
    expire(model, effects);
}

/// What its time has come for: the queue is read again.
pub(super) fn expire(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Queue {
        return;
    }
    let due = model.queue.calm.take_due(model.now)
        || model.queue.turns().is_some_and(|turns| turns <= model.now);
    if due && model.queue.list.wait.stale() {
        refresh(model, effects);
    }
}

pub(super) fn ask(
    model: &mut Model,
    page: QueuePage,
    limit: u32,
    load: Load,
    effects: &mut Vec<Effect>,
) {
    let Some(account) = model.account else { return };
    let ticket = model.ticket();
    let (filter, now) = (model.queue.list.filter, model.now);
    model.queue.list.wait.start(ticket, load);
    model.queue.calm.read(now);
    effects.push(Effect::Run(Query::Queue { account, filter, page, limit, now, ticket }));
}

pub(super) fn came(
    model: &mut Model,
    ticket: Ticket,
    came: Came<QueueRow>,
    recent: Recent,
    effects: &mut Vec<Effect>,
) {
    let Some(load) = model.queue.list.wait.answered(ticket) else { return };
    let capacity = capacity(model);
    let queue = &mut model.queue;
    let mut different = queue.list.take(load, came, capacity);
    queue.list.close_up(capacity);
    let marks = queue.marked.clone();
    queue.marked.follow(&queue.list);
    different |= queue.marked != marks || queue.recent != recent;
    queue.recent = recent;
    if different && model.screen == Screen::Queue {
        model.touch();
    }
    if model.queue.list.wait.take_again() {
        changed(model, effects);
    }
}

/// More is read where the selection nears an end.
pub(super) fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen != Screen::Queue || model.queue.list.wait.is_busy() {
        return;
    }
    if let Some((page, load)) = model.queue.list.wanted_page(capacity(model)) {
        ask(model, page, list::PAGE, load, effects);
    }
}

pub(super) fn step(model: &mut Model, by: isize) {
    let capacity = capacity(model);
    model.queue.list.step(by, capacity);
}

/// To the last message of all.
pub(super) fn bottom(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.queue.list.page.more_after() {
        ask(model, QueuePage::Before(QueueRow::LAST), list::PAGE, Load::Bottom, effects);
    } else {
        step(model, isize::MAX);
    }
}

/// To the first message of all.
pub(super) fn top(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.queue.list.page.more_before() {
        model.queue.list.selected = None;
        ask(model, QueuePage::First, list::PAGE, Load::Top, effects);
    } else {
        step(model, isize::MIN);
    }
}

fn tab(model: &mut Model, forward: bool, effects: &mut Vec<Effect>) {
    let all = QueueFilter::ALL;
    let at = all.iter().position(|filter| *filter == model.queue.list.filter).unwrap_or(0);
    let to = if forward { at + 1 } else { at + all.len() - 1 } % all.len();
    model.queue.list.filter = all.get(to).copied().unwrap_or_default();
    ask(model, QueuePage::First, list::PAGE, Load::Top, effects);
}

/// Goes back: from marks to none, then to the inbox.
fn back(model: &mut Model) {
    if model.queue.marked.is_empty() {
        leave(model);
    } else {
        model.queue.marked = Marked::default();
    }
}

/// Marks the selected message, or takes its mark away, and goes on to the next.
fn mark(model: &mut Model) {
    let selected = model.queue.selected().map(|row| (row.message.id, Mark::of(row)));
    let Some((id, mark)) = selected else { return };
    match &mut model.queue.marked {
        Marked::These(ids) => {
            if ids.remove(&id).is_none() {
                ids.insert(id, mark);
            }
        }
        group @ Marked::Group(_) => *group = Marked::default(),
    }
    step(model, 1);
}

/// Marks everything like the selected message, or takes all marks away.
fn mark_all(model: &mut Model) {
    if !model.queue.marked.is_empty() {
        model.queue.marked = Marked::default();
        return;
    }
    let group = match model.queue.list.filter {
        QueueFilter::All => {
            model.queue.selected().and_then(|row| QueueFilter::of(row.message.state))
        }
        filter => Some(filter),
    };
    if let Some(group) = group {
        model.queue.marked = Marked::Group(group);
    }
}

/// What R comes to for a message: sent again, or let go when it is held.
pub(crate) const fn again(state: State) -> Option<Decision> {
    match state {
        State::Failed | State::Uncertain => Some(Decision::SendAgain),
        State::Held => Some(Decision::WhenPossible),
        _ => None,
    }
}

const fn withdraws(state: State) -> Option<Decision> {
    match state {
        State::Scheduled | State::Held | State::Queued | State::Failed | State::Uncertain => {
            Some(Decision::Cancel)
        }
        _ => None,
    }
}

const fn holds(state: State) -> Option<Decision> {
    match state {
        State::Scheduled | State::Queued => Some(Decision::Hold),
        _ => None,
    }
}

/// Holds what is marked, or else the selected message, until the person lets it go.
fn hold(model: &mut Model, effects: &mut Vec<Effect>) {
    for choice in chosen(model, |mark| holds(mark.key.state), "Only what waits can be held.") {
        decide(model, choice.which, choice.decision, effects);
    }
}

/// Sends what is marked again, or else the selected message. Asks first when it might arrive twice.
fn send_again(model: &mut Model, effects: &mut Vec<Effect>) {
    let mut words =
        "Nothing here failed, is uncertain or is held: it goes by itself when its turn comes.";
    if picked(model).iter().any(|(_, mark)| mark.by_phone) {
        words = "Only the phone that it was sent from can send it again.";
    }
    let chosen = chosen(model, |mark| again(mark.key.state).filter(|_| !mark.by_phone), words);
    let mut asked = None;
    for choice in chosen {
        if choice.uncertain {
            asked = Some(choice);
        } else {
            decide(model, choice.which, choice.decision, effects);
        }
    }
    if let Some(choice) = asked {
        let warning = "Nobody can say whether this was accepted. Sent again, it may arrive twice. A status \
                       may still come and settle it.";
        sure(model, choice, "Send again", warning);
    }
}

/// Withdraws what is marked, or else the selected message, once the person is sure.
fn withdraw(model: &mut Model) {
    let words = "This is on its way already: nothing can be withdrawn.";
    let chosen = chosen(model, |mark| withdraws(mark.key.state), words);
    let Some(choice) = chosen.into_iter().next() else { return };
    let warning = if choice.uncertain {
        "Nobody can say whether this was accepted. Withdrawn, it is not sent again; if proof comes, it is shown."
    } else if choice.count == 1 {
        "Withdrawn, it is not sent, and stays in its conversation as withdrawn."
    } else {
        "Withdrawn, they are not sent, and stay in their conversations as withdrawn."
    };
    sure(model, choice, "Withdraw", warning);
}

/// A decision with the messages it is about.
struct Choice {
    decision: Decision,
    which: Which,
    count: u32,
    uncertain: bool,
}

/// What is marked one by one, or else the selected message.
fn picked(model: &Model) -> Vec<(MessageId, Mark)> {
    match &model.queue.marked {
        Marked::These(ids) if !ids.is_empty() => {
            ids.iter().map(|(id, mark)| (*id, *mark)).collect()
        }
        Marked::These(_) => {
            let selected = model.queue.selected();
            selected.map(|row| (row.message.id, Mark::of(row))).into_iter().collect()
        }
        Marked::Group(_) => Vec::new(),
    }
}

/// What is marked, or else the selected message, by what is to be done about it; what is uncertain stands
/// alone. Says so when there is nothing.
fn chosen(model: &mut Model, of: impl Fn(Mark) -> Option<Decision>, nothing: &str) -> Vec<Choice> {
    let Some(account) = model.account else { return Vec::new() };
    let mut choices = Vec::new();
    if let Marked::Group(filter) = model.queue.marked {
        // What the phone sent is told apart where it is decided about.
        let any = |state: &State| {
            let key = QueueKey { state: *state, due: 0, id: MessageId(0) };
            of(Mark { key, by_phone: false })
        };
        let decision = filter.states().iter().find_map(any);
        choices.extend(decision.map(|decision| Choice {
            decision,
            which: Which::Group { account, filter, sweep: None },
            count: filter.count(&model.queue.list.counts),
            uncertain: filter.states().contains(&State::Uncertain),
        }));
    } else {
        let picked = picked(model);
        let alone = |mark: Mark| {
            mark.key.state == State::Uncertain && of(mark) == Some(Decision::SendAgain)
        };
        for decision in
            [Decision::SendAgain, Decision::WhenPossible, Decision::Cancel, Decision::Hold]
        {
            for uncertain in [false, true] {
                let ids: Vec<MessageId> = picked
                    .iter()
                    .filter(|(_, mark)| of(*mark) == Some(decision) && alone(*mark) == uncertain)
                    .map(|(id, _)| *id)
                    .collect();
                if !ids.is_empty() {
                    let doubt = picked
                        .iter()
                        .any(|(id, mark)| mark.key.state == State::Uncertain && ids.contains(id));
                    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                    choices.push(Choice {
                        decision,
                        which: Which::These(ids),
                        count,
                        uncertain: doubt,
                    });
                }
            }
        }
    }
    if choices.is_empty() {
        model.say(nothing, Weight::Warning);
    }
    choices
}

fn sure(model: &mut Model, choice: Choice, what: &str, warning: &'static str) {
    let title = match choice.count {
        1 => format!("{what} 1 message"),
        count => format!("{what} {count} messages"),
    };
    let deed = Deed::Decide(choice.which, choice.decision);
    model.overlay = Some(Overlay::Sure(Sure { deed, title, warning: warning.to_owned() }));
}

/// The person is sure.
pub(super) fn confirm(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.overlay.take() {
        Some(Overlay::Sure(Sure { deed: Deed::Decide(which, decision), .. })) => {
            decide(model, which, decision, effects);
        }
        Some(Overlay::Sure(Sure { deed: Deed::Allow(conversation), .. })) => {
            marketing::decide(model, conversation, false, effects);
        }
        Some(Overlay::Sure(Sure { deed: Deed::Delete { name, language, id }, .. })) => {
            maker::delete(model, (name, language, id), effects);
        }
        other => model.overlay = other,
    }
}

/// Carries out a decision; the marks have served.
pub(super) fn decide(
    model: &mut Model,
    which: Which,
    decision: Decision,
    effects: &mut Vec<Effect>,
) {
    model.queue.marked = Marked::default();
    let group = match &which {
        Which::These(_) => None,
        Which::Group { account, filter, .. } => Some((*account, *filter)),
    };
    let awaited = Awaited::Decide { decision, group, done: 0, refused: None };
    effects.push(model.command(Command::Decide(which, decision), awaited));
}

/// A part of a decision was carried out: goes on with the rest, or says what came of it all.
pub(super) fn decided(
    model: &mut Model,
    awaited: Awaited,
    (decided, rest): (Decided, Option<Sweep>),
    effects: &mut Vec<Effect>,
) {
    let Awaited::Decide { decision, group, done, refused } = awaited else { return };
    let done = done + decided.done.len();
    let (refusals, reason) = refused.unwrap_or_default();
    let refusals = refusals + decided.refused.len();
    let reason = decided.refused.into_iter().next().map_or(reason, |(_, reason)| reason);
    let refused = (refusals > 0).then_some((refusals, reason));
    if let (Some((account, filter)), Some(rest)) = (group, rest) {
        let which = Which::Group { account, filter, sweep: Some(rest) };
        let awaited = Awaited::Decide { decision, group, done, refused };
        effects.push(model.command(Command::Decide(which, decision), awaited));
        return;
    }
    let words = done_words(decision);
    let count = |count: usize| match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    match (done, refused) {
        (0, None) => model.say("Nothing was left to be decided.", Weight::Done),
        (done, None) => model.say(format!("{} {words}.", count(done)), Weight::Done),
        (0, Some((_, reason))) => model.say(format!("Not {words}: {reason}."), Weight::Error),
        (done, Some((refusals, reason))) => {
            let words = format!("{} {words}, {refusals} not: {reason}.", count(done));
            model.say(words, Weight::Warning);
        }
    }
}

/// Pauses the sending of the account, or lets it go on.
fn pause(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let pauses = !model.is_paused();
    let (what, said) = if pauses {
        let key = model.keymap.key(Context::Queue, Action::Pause);
        ("Could not be paused", format!("Sending is paused; {key} resumes it. Nothing is lost."))
    } else {
        ("Could not be resumed", "Sending goes on.".to_owned())
    };
    effects.push(model.command(Command::Pause(account, pauses), Awaited::Other(what)));
    model.say(said, Weight::Done);
}

/// Shows the selected message in its conversation; going back from there leads here again.
fn open_message(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(row) = model.queue.selected() else { return };
    let (conversation, message) = (row.message.conversation, row.message.id);
    leave(model);
    model.back_to = Screen::Queue;
    open::open(model, conversation, None, Focus::Chat, effects);
    let Some(chat) = &mut model.chat else { return };
    chat.selected = Some(message);
    if chat.page.index(message).is_none() {
        chat.scroll = Scroll::At(Anchor { message, row: 0 });
        let load = chat::Load::Refresh(Some(message));
        open::ask_messages(model, MessagePage::Around(message), chat::PAGE, load, effects);
    }
}

/// Explains the selected message.
fn explain(model: &mut Model) {
    if let Some(message) = model.queue.selected().map(|row| row.message.id) {
        model.overlay = Some(Overlay::Explain { message, scroll: 0 });
    }
}
