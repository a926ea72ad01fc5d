//! Carrying out actions.

mod file;
pub(super) mod find;
mod later;
pub(super) mod message;
mod movement;

use super::{
    campaigns, hooks, input, maker, marketing, open, queue, replies, templates, values, workbench,
};
use crate::app::action::{Action, Context};
use crate::app::composer::Editor;
use crate::app::jump::Hit;
use crate::app::layout;
use crate::app::list::Listed;
use crate::app::model::{Awaited, Focus, Mode, Model, Overlay, Screen};
use crate::app::msg::{Command, Effect, Query, Wanted};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::domain::conversation::Filter;
use crate::domain::phone;
use crate::domain::time::Timestamp;

pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let shows_hooks = model.screen == Screen::Hooks && model.overlay.is_none();
    let shows_campaigns = model.screen == Screen::Campaigns && model.overlay.is_none();
    let done = workbench::act(model, action, effects)
        || (shows_campaigns && campaigns::act(model, action, effects))
        || (shows_hooks && hooks::act(model, action, effects))
        || maker::act(model, action, effects)
        || templates::act(model, action, effects)
        || (model.screen == Screen::Queue && queue::act(model, action, effects))
        || movement::act(model, action, effects)
        || message::act(model, action, effects);
    if done {
        return;
    }
    match action {
        Action::NextUnread => next(model, Wanted::Unread, effects),
        Action::NextFailed if message::to_trouble(model) => {}
        Action::NextFailed => next(model, Wanted::Failed, effects),
        Action::MarkUnread => mark_unread(model, effects),
        Action::Marketing => marketing::toggle(model, effects),
        Action::Closing => closing(model, effects),
        Action::NextTab => tab(model, true, effects),
        Action::PreviousTab => tab(model, false, effects),
        Action::Filter if model.screen == Screen::Templates => templates::ask_filter(model),
        Action::Filter => {
            model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Filter, &model.sought)));
        }
        Action::ClearFilter => set_filter(model, model.list.filter, effects),
        Action::Open => enter(model, Focus::Compose, effects),
        Action::Read => enter(model, Focus::Chat, effects),
        Action::Compose if model.focus == Focus::List => enter(model, Focus::Compose, effects),
        Action::Compose => {
            open::focus(model, Focus::Compose);
            message::begin(model, effects);
        }
        Action::Back if model.back_to == Screen::Queue => queue::show(model, effects),
        Action::Back if model.back_to == Screen::Hooks => hooks::show(model, effects),
        Action::Back => {
            model.show_list = true;
            open::focus(model, Focus::List);
        }
        Action::ShowInbox => queue::leave(model),
        Action::ShowQueue => queue::show(model, effects),
        Action::ShowTemplates => templates::show(model, effects),
        Action::ShowHooks => hooks::show(model, effects),
        Action::ShowCampaigns => campaigns::show(model, effects),
        Action::SendToMany => campaigns::ask_file(model),
        Action::Confirm => queue::confirm(model, effects),
        Action::Leave => leave(model, effects),
        Action::Editor => effects.push(Effect::Edit(model.composer.editor.text())),
        Action::ToggleList => model.show_list = !model.show_list,
        Action::ToggleInfo => toggle_info(model),
        Action::NewConversation => {
            model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Number, "")));
        }
        Action::Jump => input::open_jump(model, "", model.context(), effects),
        Action::Palette => input::open_jump(model, ">", model.context(), effects),
        Action::Help => help(model),
        Action::FindText => find::ask(model),
        Action::FindNext => find::next(model, effects),
        Action::FindPrevious => find::previous(model, effects),
        Action::OpenFile => file::open(model, effects),
        Action::SaveFile => file::ask(model),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Suspend => {
            open::save_draft(model, effects);
            effects.push(Effect::Suspend);
        }
        Action::Interrupt => interrupt(model, effects),
        Action::Quit => quit(model, effects),
        Action::Accept => accept(model, effects),
        Action::Close => close(model, effects),
        Action::StartDemo => effects.push(Effect::StartDemo),
        Action::CursorUp if model.composer.editor.is_empty() => {
            open::focus(model, Focus::Chat);
            movement::step(model, -1, effects);
        }
        // Everything else edits what is typed.
        _ => {
            input::edit(model, action, effects);
        }
    }
}

/// Shows the help. What is typed into stays beneath it; what only shows something has served.
fn toggle_info(model: &mut Model) {
    let columns = model.size.0;
    if columns >= layout::THREE_PANES {
        model.show_info = !model.show_info;
        return;
    }
    let words = format!(
        "The details pane needs {} columns; this screen has {columns}.",
        layout::THREE_PANES
    );
    model.say(words, Weight::Warning);
}

fn help(model: &mut Model) {
    let stays = matches!(
        model.overlay,
        Some(
            Overlay::Prompt(_)
                | Overlay::Jump(_)
                | Overlay::Picker(_)
                | Overlay::Form(_)
                | Overlay::Maker(_)
                | Overlay::Workbench
        )
    );
    let beneath = model.overlay.take().filter(|_| stays);
    model.beneath.extend(beneath);
    model.overlay = Some(Overlay::Help { scroll: 0 });
}

/// Opens the selected conversation.
fn enter(model: &mut Model, to: Focus, effects: &mut Vec<Effect>) {
    if let Some(id) = model.list.selected {
        open::open(model, id, None, to, effects);
        if to == Focus::Compose {
            message::begin(model, effects);
        }
        find::opened(model, effects);
    } else {
        let key = model.keymap.key(Context::List, Action::NewConversation).to_owned();
        model.say(format!("No conversation is selected. {key} starts one."), Weight::Warning);
    }
}

fn leave(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.composer.reply_to.take().is_some() {
        model.composer.touched(model.now);
        return;
    }
    open::save_draft(model, effects);
    open::focus(model, Focus::Chat);
}

fn next(model: &mut Model, wanted: Wanted, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let from = model.list.selected_row().or_else(|| model.shown()).map(Listed::key);
    let ticket = model.ticket();
    model.next.start(ticket, wanted);
    effects.push(Effect::Run(Query::Next { account, wanted, from, ticket }));
}

fn mark_unread(model: &mut Model, effects: &mut Vec<Effect>) {
    let selected = if model.focus == Focus::List {
        model.list.selected
    } else {
        model.chat.as_ref().map(|chat| chat.id)
    };
    let Some(id) = selected else { return };
    let command = Command::MarkUnread(id);
    effects.push(model.command(command, Awaited::Other("Could not be marked as unread")));
    model.kept_unread.insert(id);
    open::save_draft(model, effects);
    model.focus = Focus::List;
    model.say("Marked as unread.", Weight::Done);
}

fn tab(model: &mut Model, forward: bool, effects: &mut Vec<Effect>) {
    let filter = match (model.list.filter, forward) {
        (Filter::All, true) | (Filter::Waiting, false) => Filter::Unread,
        (Filter::Unread, true) | (Filter::Closing, false) => Filter::Waiting,
        (Filter::Waiting, true) | (Filter::All, false) => Filter::Closing,
        (Filter::Closing, true) | (Filter::Unread, false) => Filter::All,
    };
    model.list.filter = filter;
    open::reload_list(model, effects);
}

/// Shows who waits and whose window closes first, or all again.
fn closing(model: &mut Model, effects: &mut Vec<Effect>) {
    model.list.filter = match model.list.filter {
        Filter::Closing => Filter::All,
        Filter::All | Filter::Unread | Filter::Waiting => Filter::Closing,
    };
    // The one to answer first is what is wanted, not the one that was looked at.
    model.list.selected = None;
    open::focus(model, Focus::List);
    open::reload_list(model, effects);
}

/// Shows a tab without a text to filter by.
fn set_filter(model: &mut Model, filter: Filter, effects: &mut Vec<Effect>) {
    if model.list.filter != filter || !model.sought.is_empty() {
        model.list.filter = filter;
        model.sought.clear();
        open::reload_list(model, effects);
    }
}

fn accept(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.overlay.take() {
        Some(Overlay::Prompt(prompt)) => match prompt.question {
            Question::Number => begin(model, prompt, effects),
            Question::Time | Question::OtherTime(_) => later::accept(model, prompt, effects),
            Question::PostTo(_) | Question::SaveAs(_) => hooks::accept(model, prompt, effects),
            Question::People
            | Question::Columns
            | Question::Count
            | Question::TryOn
            | Question::SkippedAs
            | Question::ResultAs(_) => campaigns::accept(model, prompt, effects),
            Question::Profile(part) => workbench::accept(model, part, prompt, effects),
            Question::Picture => workbench::accept_picture(model, prompt, effects),
            Question::Attach => message::attach(model, prompt, effects),
            Question::SaveFile(id) => file::save(model, id, prompt, effects),
            Question::Find => find::accept(model, &prompt, effects),
            Question::Filter | Question::Templates | Question::HookFilter => {}
        },
        Some(Overlay::Jump(mut jump)) => {
            if jump.selected >= jump.hits.len() {
                model.overlay = Some(Overlay::Jump(jump));
                return;
            }
            match jump.hits.swap_remove(jump.selected) {
                Hit::Conversation(row) => replies::show_row(model, *row, Focus::Compose, effects),
                Hit::Begin(number) => {
                    begin(model, Prompt::new(Question::Number, &number), effects);
                }
                Hit::Command(action) => act(model, action, effects),
            }
        }
        other => model.overlay = other,
    }
}

/// Asks for a conversation with the number typed. The text stays until there is one.
fn begin(model: &mut Model, mut prompt: Prompt, effects: &mut Vec<Effect>) {
    if let Some(account) = model.account.filter(|_| !prompt.busy) {
        let typed = prompt.editor.text();
        match phone::parse(&typed) {
            Ok(number) => {
                prompt.busy = true;
                prompt.error = None;
                let command = Command::Begin { account, number };
                effects.push(model.command(command, Awaited::Begin { number: typed }));
            }
            Err(error) => prompt.error = Some(error.to_string()),
        }
    }
    model.overlay = Some(Overlay::Prompt(prompt));
}

fn close(model: &mut Model, effects: &mut Vec<Effect>) {
    let question = match &model.overlay {
        Some(Overlay::Prompt(prompt)) => Some(prompt.question),
        _ => None,
    };
    let beneath = model.beneath.pop();
    if let Some(Overlay::Picker(picker)) = std::mem::replace(&mut model.overlay, beneath) {
        templates::left(model, &picker);
    }
    match question {
        Some(Question::Templates) => templates::seek(model, ""),
        Some(Question::HookFilter) => hooks::seek(model, String::new(), effects),
        Some(Question::Filter) => set_filter(model, model.list.filter, effects),
        _ => {}
    }
}

/// Ctrl-C: what it takes away comes back with undo, and it ends the program only when pressed again.
fn interrupt(model: &mut Model, effects: &mut Vec<Effect>) {
    let clear = |editor: &mut Editor| {
        let typed = !editor.is_empty();
        editor.clear();
        typed
    };
    let cleared = match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => clear(&mut prompt.editor),
        Some(Overlay::Jump(jump)) => clear(&mut jump.editor),
        Some(Overlay::Picker(picker)) => clear(&mut picker.editor),
        Some(Overlay::Form(form)) => form.field_mut().is_some_and(|field| clear(&mut field.editor)),
        Some(Overlay::Maker(maker)) => maker.editor_mut().is_some_and(clear),
        Some(_) => false,
        None => model.focus == Focus::Compose && clear(&mut model.composer.editor),
    };
    if cleared {
        input::disarm(model);
        input::typed(model, effects);
        if model.overlay.is_none() {
            let undo = model.keymap.key(Context::Compose, Action::Undo).to_owned();
            model.say(format!("Cleared. {undo} brings it back."), Weight::Done);
        }
        return;
    }
    if model.overlay.is_some() {
        input::disarm(model);
        act(model, Action::Close, effects);
        return;
    }
    if model.quit_armed.is_some() {
        quit(model, effects);
        return;
    }
    // A demo may be thrown away with all that it has.
    let (goes, go) = match (model.is_paused(), model.mode) {
        (true, _) | (_, Mode::Demo) => ("", ""),
        _ => (" and goes out on the next start", " and go out on the next start"),
    };
    let queued = match model.health.queue() {
        0 => String::new(),
        1 => format!(" 1 message is still queued{goes}."),
        count => format!(" {count} messages are still queued{go}."),
    };
    let key = model.keymap.key(model.context(), Action::Interrupt).to_owned();
    model.say(format!("{key} again quits.{queued}"), Weight::Warning);
    model.quit_armed = model.notice.as_ref().map(|notice| notice.until);
}

/// Ends the program. What is typed is saved first.
pub(super) fn quit(model: &mut Model, effects: &mut Vec<Effect>) {
    open::save_draft(model, effects);
    open::save_kept(model, Timestamp::from_millis(i64::MAX), effects);
    maker::keep(model, Timestamp::from_millis(i64::MAX), effects);
    values::keep(model, Timestamp::from_millis(i64::MAX), effects);
    effects.push(Effect::Quit);
}
