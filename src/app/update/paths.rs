//! Paths of files that are typed, into the form of a template or as the answer to a question: what is there, and how
//! they go on.

use super::{act, input, maker, templates};
use crate::app::action::Action;
use crate::app::model::{Model, Overlay};
use crate::app::msg::{Effect, Looked, Ticket};
use crate::app::prompt::Question;
use crate::app::templates::form::File;

/// Sees what is at the path of a field, if there is one.
pub(super) fn look(model: &mut Model, at: usize, effects: &mut Vec<Effect>) {
    let ticket = model.ticket();
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    let Some(field) = form.fields.get_mut(at) else { return };
    let Some(path) = field.path() else { return };
    field.file.ticket = Some(ticket);
    effects.push(Effect::Look(ticket, path));
}

pub(super) fn look_everywhere(model: &mut Model, effects: &mut Vec<Effect>) {
    let count = match &model.overlay {
        Some(Overlay::Form(form)) => form.fields.len(),
        _ => 0,
    };
    for at in 0..count {
        look(model, at, effects);
    }
}

/// What is at a path came.
pub(super) fn looked(model: &mut Model, ticket: Ticket, looked: Looked, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Prompt(prompt)) = &mut model.overlay {
        if prompt.file.ticket == Some(ticket) {
            prompt.file = File { ticket: None, looked: Some(looked) };
            // Enter was pressed before it was known.
            let waits = matches!(prompt.question, Question::Attach | Question::People);
            let awaited = waits && prompt.busy;
            model.touch();
            if awaited {
                act::act(model, Action::Accept, effects);
            }
        }
        return;
    }
    let Some(Overlay::Form(form)) = &mut model.overlay else {
        return maker::looked(model, ticket, looked);
    };
    if !form.looked(ticket, looked) {
        return;
    }
    if form.sending && !form.looks() {
        form.sending = false;
        if let Some(at) = form.first_flawed(&form.flaws()) {
            form.at = at;
        } else {
            templates::send(model, effects);
        }
    }
    model.touch();
}

/// Goes on with the path that is typed as the answer to a question.
pub(super) fn complete(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else { return };
    let typed = prompt.editor.text();
    let longer = prompt.looked().and_then(|looked| common(&looked.ends));
    if let Some(longer) = longer.filter(|longer| longer.len() > typed.len()) {
        prompt.editor.set(&longer);
        input::typed(model, effects);
    }
}

/// Sees what is at the path that is typed as the answer to a question.
pub(super) fn look_at_answer(model: &mut Model, effects: &mut Vec<Effect>) {
    let ticket = model.ticket();
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else { return };
    if let Some(path) = prompt.path() {
        prompt.file.ticket = Some(ticket);
        effects.push(Effect::Look(ticket, path));
    }
}

/// What all of them begin with.
pub(super) fn common(ends: &[String]) -> Option<String> {
    let (first, rest) = ends.split_first()?;
    let shared = rest.iter().fold(first.as_str(), |shared, end| {
        let same = shared.char_indices().zip(end.chars()).find(|((_, a), b)| a != b);
        let most = end.len().min(shared.len());
        let until = same.map_or(most, |((at, _), _)| at);
        shared.get(..until).unwrap_or_default()
    });
    Some(shared.to_owned())
}
