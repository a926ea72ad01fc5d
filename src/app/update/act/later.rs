//! Sending at a time to come: asking for it, and giving a scheduled message another one.

use super::message;
use crate::app::model::{Model, Overlay, Screen};
use crate::app::moment;
use crate::app::msg::{Effect, Which};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::app::update::queue;
use crate::domain::id::MessageId;
use crate::domain::message::Message;
use crate::domain::outbox::Decision;
use crate::domain::state::State;

/// Asks when the message that is written is to go.
pub(super) fn ask(model: &mut Model) {
    if model.composer.editor.text().trim().is_empty() {
        model.say("There is nothing to send yet.", Weight::Warning);
        return;
    }
    model.overlay = Some(Overlay::Prompt(Prompt::new(Question::Time, "")));
}

/// Asks for another time for the message that is asked about, or that is selected in the queue.
pub(super) fn reschedule(model: &mut Model) {
    let found = match (&model.overlay, model.screen) {
        (Some(Overlay::Ask(id)), _) => model.chat.as_ref().and_then(|chat| chat.page.get(*id)),
        (_, Screen::Queue) => model.queue.selected().map(|row| &row.message),
        (_, Screen::Inbox | Screen::Templates | Screen::Hooks | Screen::Campaigns) => None,
    };
    let scheduled = |message: &&Message| message.state == State::Scheduled;
    match found.filter(scheduled).map(|message| message.id) {
        Some(id) => other_time(model, id),
        None => model.say("This message is not scheduled.", Weight::Warning),
    }
}

fn other_time(model: &mut Model, id: MessageId) {
    model.overlay = Some(Overlay::Prompt(Prompt::new(Question::OtherTime(id), "")));
}

/// Takes the time that was typed. One that cannot be taken stays, with the reason.
pub(super) fn accept(model: &mut Model, mut prompt: Prompt, effects: &mut Vec<Effect>) {
    let typed = prompt.editor.text();
    let at = match moment::parse(&typed, model.now, &model.settings.timezone) {
        Ok(at) => at,
        Err(error) => {
            prompt.error = Some(error.to_string());
            model.overlay = Some(Overlay::Prompt(prompt));
            return;
        }
    };
    match prompt.question {
        Question::OtherTime(id) => {
            queue::decide(model, Which::These(vec![id]), Decision::Reschedule(at), effects);
        }
        _ => {
            message::send_at(model, Some(at), effects);
        }
    }
}
