//! The file of a message: shown by the system's program, or saved under a name.

use super::message::selected;
use crate::app::describe;
use crate::app::model::{Model, Overlay};
use crate::app::msg::Effect;
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::domain::id::MessageId;
use crate::domain::message::{Media, MediaCopy, Message};
use crate::domain::text;

/// A file that can be had.
struct Found {
    message: MessageId,
    /// As the store names it.
    path: String,
    /// What it is saved as, if the person does not say otherwise.
    name: String,
}

/// Shows the file of the selected message in another program.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    match find(model) {
        Ok(found) => {
            model.say(format!("Opening {} ...", found.name), Weight::Done);
            effects.push(Effect::OpenFile(found.path));
        }
        Err(words) => model.say(words, Weight::Warning),
    }
}

/// Asks where the file of the selected message is to be saved.
pub(super) fn ask(model: &mut Model) {
    match find(model) {
        Ok(found) => {
            let prompt = Prompt::offering(Question::SaveFile(found.message), &found.name);
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Err(words) => model.say(words, Weight::Warning),
    }
}

/// Saves it there.
pub(super) fn save(
    model: &mut Model,
    message: MessageId,
    mut prompt: Prompt,
    effects: &mut Vec<Effect>,
) {
    let to = prompt.editor.text().trim().to_owned();
    let held = model.chat.as_ref().and_then(|chat| chat.page.get(message));
    let found = held.ok_or_else(|| "The message is not on the screen any more.".to_owned());
    match found.and_then(of) {
        Ok(_) if to.is_empty() => {
            prompt.error = Some("Type a path".to_owned());
            model.overlay = Some(Overlay::Prompt(prompt));
        }
        Ok(found) => {
            effects.push(Effect::SaveFile { path: found.path, to, name: found.name });
        }
        Err(words) => model.say(words, Weight::Warning),
    }
}

/// The file of the selected message; without one, of the newest that has one.
fn find(model: &Model) -> Result<Found, String> {
    let rows = model.chat.iter().flat_map(|chat| chat.page.rows().iter().rev());
    let newest = || rows.into_iter().find(|message| message.body.file().is_some());
    match selected(model).or_else(newest) {
        Some(message) => of(message),
        None => Err("No message here has a file.".to_owned()),
    }
}

fn of(message: &Message) -> Result<Found, String> {
    let Some(media) = message.body.file().filter(|_| !message.revoked) else {
        return Err("This message has no file.".to_owned());
    };
    match &media.copy {
        MediaCopy::Stored { path, .. } => {
            Ok(Found { message: message.id, path: path.clone(), name: name(media, path) })
        }
        MediaCopy::Pending if describe::is_link(media) => {
            let link = text::display_safe(media.url.as_deref().unwrap_or_default()).into_owned();
            Err(format!("It lies behind a link, where Meta fetches it: {link}"))
        }
        MediaCopy::Pending => Err("The file is not fetched yet.".to_owned()),
        MediaCopy::Outside { path } => {
            Err(format!("The file is being copied from {}.", text::display_safe(path)))
        }
        MediaCopy::Failed(reason) => {
            Err(format!("The file cannot be had: {}.", text::display_safe(reason)))
        }
    }
}

/// What the other side called it, as a name that a file may have; or else how we do.
fn name(media: &Media, path: &str) -> String {
    let ours = || path.rsplit('/').next().unwrap_or_default();
    text::file_name_safe(media.file_name.as_deref().unwrap_or_else(ours))
}
