//! What is filled in for templates and not sent: kept like a draft, and put back when the form is opened again.

use super::maker::KEEP_AGAIN;
use crate::app::composer::SAVE_AFTER;
use crate::app::model::{Awaited, Model, Overlay};
use crate::app::msg::{Command, Effect};
use crate::app::notice::Weight;
use crate::app::templates::Typed;
use crate::domain::id::ConversationId;
use crate::domain::template::{Begun, Fields};
use crate::domain::time::Timestamp;

/// Takes what is typed in the form; the store is told of it soon.
pub(super) fn note(model: &mut Model) {
    let Some(Overlay::Form(form)) = &model.overlay else { return };
    let key = (form.conversation, form.template.name.clone());
    let values = form.typed_by_place();
    let soon = model.now + SAVE_AFTER;
    let typed = model.templates.typed.entry(key).or_default();
    typed.values = values;
    typed.due.get_or_insert(soon);
}

/// What the store kept of an earlier time came. Newer is what was typed here since.
pub(super) fn recall(model: &mut Model, conversation: ConversationId, begun: Begun) {
    if !model.templates.recalled.insert(conversation) {
        return;
    }
    for (name, values) in begun {
        let key = (conversation, name);
        if model.templates.typed.contains_key(&key) {
            continue;
        }
        if let Some(Overlay::Form(form)) = &mut model.overlay
            && (form.conversation, &form.template.name) == (key.0, &key.1)
        {
            form.put_back(&values);
        }
        model.templates.typed.insert(key, Typed { values, due: None });
    }
}

/// Tells the store what was typed until `by` and is not told.
pub(super) fn keep(model: &mut Model, by: Timestamp, effects: &mut Vec<Effect>) {
    let typed = model.templates.typed.iter_mut();
    let due: Vec<(ConversationId, String, Fields)> = typed
        .filter_map(|((conversation, name), typed)| {
            typed.due.take_if(|due| *due <= by)?;
            Some((*conversation, name.clone(), typed.values.clone()))
        })
        .collect();
    model.templates.typed.retain(|_, typed| typed.due.is_some() || !typed.values.is_empty());
    for (conversation, name, values) in due {
        tell(model, conversation, name, values, effects);
    }
}

fn tell(
    model: &mut Model,
    conversation: ConversationId,
    name: String,
    values: Fields,
    effects: &mut Vec<Effect>,
) {
    let awaited = Awaited::KeepValues(conversation, name.clone());
    effects.push(model.command(Command::KeepValues(conversation, name, values), awaited));
}

/// They are sent.
pub(super) fn forget(
    model: &mut Model,
    conversation: ConversationId,
    name: String,
    effects: &mut Vec<Effect>,
) {
    if model.templates.typed.remove(&(conversation, name.clone())).is_some() {
        tell(model, conversation, name, Fields::new(), effects);
    }
}

/// They could not be stored: it is tried again.
pub(super) fn not_kept(
    model: &mut Model,
    conversation: ConversationId,
    name: String,
    reason: &str,
) {
    let again = model.now + KEEP_AGAIN;
    model.templates.typed.entry((conversation, name)).or_default().due = Some(again);
    model.say(format!("What you filled in cannot be stored: {reason}"), Weight::Error);
}
