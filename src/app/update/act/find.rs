//! Finding words on a page: the keys, the life of a message, what went wrong.

use crate::app::model::{Model, Overlay};
use crate::app::notice::Weight;
use crate::app::pages;
use crate::app::prompt::{Prompt, Question};

/// Asks what is looked for.
pub(super) fn ask(model: &mut Model) {
    let Some(page) = model.overlay.take() else { return };
    model.beneath.push(page);
    let prompt = Prompt::offering(Question::Find, &model.found);
    model.overlay = Some(Overlay::Prompt(prompt));
}

/// Goes to the first line that has it.
pub(super) fn accept(model: &mut Model, prompt: &Prompt) {
    model.overlay = model.beneath.pop();
    prompt.editor.text().trim().clone_into(&mut model.found);
    go(model, 0);
}

/// Goes to the next line that has it.
pub(super) fn next(model: &mut Model) {
    if model.found.is_empty() {
        return ask(model);
    }
    let top = scroll(model).map_or(0, |scroll| usize::from(*scroll));
    go(model, top + 1);
}

fn scroll(model: &mut Model) -> Option<&mut u16> {
    match &mut model.overlay {
        Some(
            Overlay::Help { scroll }
            | Overlay::Details { scroll }
            | Overlay::Explain { scroll, .. },
        ) => Some(scroll),
        _ => None,
    }
}

/// Puts the first line from `from` on that has the words at the top; the lines go round.
fn go(model: &mut Model, from: usize) {
    let wanted = model.found.to_lowercase();
    let has = |line: &pages::Line| {
        let words: String = line.0.iter().map(|(_, words)| words.as_str()).collect();
        words.to_lowercase().contains(&wanted)
    };
    let lines = pages::lines(model);
    let places: Vec<usize> =
        (0..lines.len()).filter(|at| lines.get(*at).is_some_and(has)).collect();
    let place = places.iter().find(|at| **at >= from).or(places.first()).copied();
    match place.and_then(|place| u16::try_from(place).ok()).filter(|_| !wanted.is_empty()) {
        Some(place) => {
            if let Some(scroll) = scroll(model) {
                *scroll = place;
            }
            model.touch();
        }
        None if wanted.is_empty() => {}
        None => model.say(format!("Nothing on this page has {:?}.", model.found), Weight::Warning),
    }
}
