//! Keys, pastes, and changes of the terminal.

use super::{act, hooks, maker, open, paths, templates};
use crate::app::action::{Action, Context};
use crate::app::composer::Editor;
use crate::app::jump::JumpBox;
use crate::app::keymap::{Lookup, normal, plain_char};
use crate::app::layout;
use crate::app::model::{Focus, Model, Overlay, Screen};
use crate::app::msg::{Effect, Input, Key, KeyCode, Query};
use crate::app::notice::{Notice, Weight};
use crate::app::prompt::Question;

pub(super) fn input(model: &mut Model, input: Input, effects: &mut Vec<Effect>) {
    match input {
        Input::Key(key) => {
            let place = (model.screen, model.context());
            let said = model.notice.as_ref().map(|notice| notice.since);
            press(model, key, effects);
            let elsewhere = place != (model.screen, model.context());
            let old = |notice: &mut Notice| {
                said == Some(notice.since) && notice.has_served(elsewhere, model.now)
            };
            if model.notice.take_if(old).is_some() {
                model.touch();
            }
        }
        Input::Paste(text) => {
            disarm(model);
            paste(model, &text, effects);
        }
        Input::Resize(columns, rows) => {
            if model.size != (columns, rows) {
                model.size = (columns, rows);
                if let Some(layout) = model.layout() {
                    model.list.settle(layout.list_capacity().into());
                    model.queue.list.settle(layout.queue_capacity().into());
                    model.hooks.list.settle(layout.hook_rows().height.into());
                }
                model.touch();
            }
        }
        Input::Focus(focused) => model.focused = focused,
    }
}

fn press(model: &mut Model, pressed: Key, effects: &mut Vec<Effect>) {
    model.list.filling = false;
    let key = normal(pressed);
    let context = model.context();
    let cancels = !model.pending.is_empty() && key.code == KeyCode::Esc;
    model.pending.push(key);
    let found = model.keymap.lookup(context, &model.pending);
    let alone = model.pending.len() == 1;
    // Only the same key once more quits.
    if !matches!(found, Lookup::Matched(Action::Interrupt)) {
        disarm(model);
    }
    match found {
        Lookup::Pending => model.touch(),
        Lookup::Matched(action) => {
            model.pending.clear();
            model.touch();
            act::act(model, action, effects);
        }
        Lookup::NotFound => {
            model.pending.clear();
            if !alone {
                model.touch();
                // A key that does not go on with the sequence means what it means alone.
                if !cancels {
                    press(model, key, effects);
                }
            } else if let Some(c) = plain_char(key).filter(|_| context.is_text()) {
                type_char(model, c, effects);
            } else if let Some(letter) = after_esc(pressed).filter(|_| context.is_text()) {
                press(model, ESC, effects);
                press(model, letter, effects);
            }
        }
    }
}

/// Takes back that the next Ctrl-C quits, with the line that says so.
pub(super) fn disarm(model: &mut Model) {
    if let Some(armed) = model.quit_armed.take()
        && model.notice.take_if(|notice| notice.until == armed).is_some()
    {
        model.touch();
    }
}

const ESC: Key = Key { code: KeyCode::Esc, ctrl: false, alt: false, shift: false };

/// A terminal sends the same for Alt with a letter as for Esc and the letter. Where text is typed, an Alt
/// key without a meaning of its own is taken for the latter, as Vim does.
const fn after_esc(key: Key) -> Option<Key> {
    match key {
        Key { code: KeyCode::Char(_), ctrl: false, alt: true, .. } => {
            Some(Key { alt: false, ..key })
        }
        _ => None,
    }
}

fn type_char(model: &mut Model, c: char, effects: &mut Vec<Effect>) {
    if c.is_control() {
        return;
    }
    if maker::char_for_choice(model, c) {
        return;
    }
    make_room(model);
    if let Some(editor) = editor(model) {
        editor.insert(c);
        typed(model, effects);
    }
}

/// What was only offered makes room for what is typed.
fn make_room(model: &mut Model) {
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        prompt.make_room();
    }
}

/// What is typed into.
fn editor(model: &mut Model) -> Option<&mut Editor> {
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => Some(&mut prompt.editor),
        Some(Overlay::Jump(jump)) => Some(&mut jump.editor),
        Some(Overlay::Picker(picker)) => Some(&mut picker.editor),
        Some(Overlay::Form(form)) => form.field_mut().map(|field| &mut field.editor),
        Some(Overlay::Maker(maker)) => maker.editor_mut(),
        _ => Some(&mut model.composer.editor),
    }
}

fn paste(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => {
            prompt.make_room();
            prompt.editor.paste(text);
        }
        Some(Overlay::Jump(jump)) => jump.editor.paste(text),
        Some(Overlay::Picker(picker)) => picker.editor.paste(text),
        Some(Overlay::Form(form)) => match form.field_mut() {
            Some(field) => field.editor.paste(text),
            None => return,
        },
        Some(Overlay::Maker(maker)) => match maker.editor_mut() {
            Some(editor) => editor.paste(text),
            None => return,
        },
        Some(_) => return,
        None if model.chat.is_none() || model.screen != Screen::Inbox => {
            model.say("Open a conversation to paste into it.", Weight::Warning);
            return;
        }
        None => {
            if model.focus != Focus::Compose {
                open::focus(model, Focus::Compose);
            }
            model.composer.editor.paste(text);
        }
    }
    typed(model, effects);
}

/// Carries out an edit of whatever is typed into. Says whether it was one.
pub(super) fn edit(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let width = layout::draft_width(model.size.0);
    let deletes =
        [Action::DeleteBack, Action::DeleteForward, Action::DeleteWord, Action::DeleteWordForward];
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay
        && std::mem::take(&mut prompt.offered)
        && deletes.contains(&action)
    {
        prompt.editor.clear();
        typed(model, effects);
        return true;
    }
    if !editor(model).is_some_and(|editor| editor.edit(action, width)) {
        return false;
    }
    typed(model, effects);
    true
}

/// What follows from a change of the text that is typed.
pub(super) fn typed(model: &mut Model, effects: &mut Vec<Effect>) {
    model.touch();
    match &mut model.overlay {
        Some(Overlay::Prompt(prompt)) => {
            prompt.error = None;
            prompt.busy = false;
            if prompt.path().is_some() {
                return paths::look_at_answer(model, effects);
            }
            if prompt.question == Question::Templates {
                let text = prompt.editor.text();
                templates::seek(model, text.trim());
                return;
            }
            if prompt.question == Question::HookFilter {
                let text = prompt.editor.text().trim().to_owned();
                return hooks::seek(model, text, effects);
            }
            if prompt.question == Question::Filter {
                let text = prompt.editor.text().trim().to_owned();
                if text != model.sought {
                    model.sought = text;
                    open::reload_list(model, effects);
                }
            }
        }
        Some(Overlay::Jump(jump)) => {
            jump.rank();
            ask_jump(model, effects);
        }
        Some(Overlay::Picker(picker)) => picker.rank(),
        Some(Overlay::Form(_)) => templates::typed(model, effects),
        Some(Overlay::Maker(_)) => maker::typed(model, effects),
        _ => model.composer.touched(model.now),
    }
}

/// Opens the jump box.
pub(super) fn open_jump(model: &mut Model, text: &str, under: Context, effects: &mut Vec<Effect>) {
    let jump = JumpBox::new(text, under, model.list.page.rows());
    model.overlay = Some(Overlay::Jump(jump));
    ask_jump(model, effects);
}

fn ask_jump(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let ticket = model.ticket();
    let Some(Overlay::Jump(jump)) = &mut model.overlay else { return };
    let Some(text) = jump.wanted() else { return };
    jump.wait.start(ticket, ());
    let limit = crate::app::jump::LIMIT;
    effects.push(Effect::Run(Query::Jump { account, text, limit, ticket }));
}
