//! Stopping marketing for a contact, and allowing it again.

use super::{Deed, Sure};
use crate::app::action::{Action, Context};
use crate::app::model::{Awaited, Focus, Model, Overlay};
use crate::app::msg::{Command, Effect};
use crate::app::notice::Weight;
use crate::app::{describe, when};
use crate::domain::conversation::Conversation;
use crate::domain::id::ConversationId;
use crate::domain::text;

/// Stops it for the contact that is looked at, or asks whether it is to be allowed again.
pub(super) fn toggle(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(row) = subject(model) else { return };
    let (id, name) = (row.id, describe::name(&row.contact));
    let Some(since) = row.opted_out else { return decide(model, id, true, effects) };
    let since = when::near(since, model.now, &model.settings.timezone);
    let chat = model.chat.as_ref().filter(|chat| chat.id == id);
    let said = chat.and_then(|chat| chat.wishes.last()).filter(|wish| wish.stop);
    let said = said.map_or_else(|| "They opted out of marketing".to_owned(), describe::wish);
    let warning = format!(
        "{said}, {since}. Allow it only if they asked for it: WhatsApp and the law hold you to it. The \
         conversation shows that you did."
    );
    model.overlay = Some(Overlay::Sure(Sure {
        deed: Deed::Allow(id),
        title: format!("Allow marketing to {name}"),
        warning: text::display_safe(&warning).into_owned(),
    }));
}

/// Who it is about: the selected row of the list, or whoever the conversation is with.
fn subject(model: &Model) -> Option<&Conversation> {
    let selected = model.list.selected_row().filter(|_| model.focus == Focus::List);
    selected.or_else(|| model.shown())
}

/// Carries it out.
pub(super) fn decide(
    model: &mut Model,
    conversation: ConversationId,
    stop: bool,
    effects: &mut Vec<Effect>,
) {
    let awaited = Awaited::Other("Could not be noted");
    effects.push(model.command(Command::Marketing { conversation, stop }, awaited));
    let key = model.keymap.key(Context::Chat, Action::Marketing).to_owned();
    let words = if stop {
        format!("No more marketing templates to them; {key} allows them again.")
    } else {
        let waits = model.shown().is_some_and(|row| row.id == conversation && row.waiting > 0);
        let queue = model.keymap.key(Context::Chat, Action::ShowQueue);
        let held = if waits {
            format!(" What was held for it waits for you: {queue} shows the queue.")
        } else {
            String::new()
        };
        format!("Marketing templates may go to them again.{held}")
    };
    model.say_here(words, Weight::Done);
}
