//! Making, changing and deleting templates on their screen.

use std::time::Duration;

use super::{Deed, Sure, input};
use crate::app::action::{Action, Context};
use crate::app::composer::SAVE_AFTER;
use crate::app::model::{Awaited, Model, Overlay};
use crate::app::msg::{Command, Effect, Looked, Ticket};
use crate::app::notice::Weight;
use crate::app::templates::maker::{Line, Maker, Purpose};
use crate::domain::catalogue::Entry;
use crate::domain::template::{
    Fields, Refusal, STILL_ARRIVE, Status, Template, Unfinished, Work, Worked, change,
    consequences, unchangeable, undeletable,
};
use crate::domain::text;
use crate::domain::time::Timestamp;

/// Rows of the preview that a page goes on.
const SCROLL: u16 = 4;

/// What could not be stored is tried again after this.
pub(super) const KEEP_AGAIN: Duration = Duration::from_secs(5);

/// Carries out what concerns the making of templates. Says whether it was that.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match (action, model.context()) {
        (Action::NewTemplate, _) => make(model, effects),
        (Action::DuplicateTemplate, _) => duplicate(model, effects),
        (Action::EditTemplate, _) => edit(model, effects),
        (Action::DeleteTemplate, _) => ask_delete(model),
        (Action::Submit, _) => submit(model, effects),
        (Action::NextField, Context::Maker) => next_field(model, effects),
        (Action::PreviousField, Context::Maker) => with(model, |maker| maker.go(-1)),
        (Action::Accept, Context::Maker) => enter(model, effects),
        (Action::Left | Action::Right, Context::Maker) if is_choice(model) => {
            turn(model, action == Action::Right);
        }
        (Action::CursorUp | Action::CursorDown, Context::Maker) => {
            climb(model, action, effects);
        }
        (Action::HalfDown, Context::Maker) => {
            with(model, |maker| maker.scroll = maker.scroll.saturating_add(SCROLL));
        }
        (Action::HalfUp, Context::Maker) => {
            with(model, |maker| maker.scroll = maker.scroll.saturating_sub(SCROLL));
        }
        (Action::Close, Context::Maker) => {
            close(model);
            keep(model, Timestamp::from_millis(i64::MAX), effects);
        }
        _ => return false,
    }
    true
}

fn with(model: &mut Model, change: impl FnOnce(&mut Maker)) {
    if let Some(Overlay::Maker(maker)) = &mut model.overlay {
        change(maker);
    }
}

fn is_choice(model: &Model) -> bool {
    matches!(&model.overlay, Some(Overlay::Maker(maker)) if maker.at.is_choice())
}

/// Opens an editor, or the one of the same purpose that was closed unfinished.
fn open(model: &mut Model, maker: Maker, effects: &mut Vec<Effect>) {
    let kept = model.templates.unfinished.remove(&maker.purpose);
    let maker = kept.unwrap_or_else(|| {
        let mut maker = Box::new(maker);
        let stored = model.templates.stored.as_ref().and_then(|all| all.get(&maker.purpose));
        if let Some(fields) = stored {
            maker.put_back(fields);
        }
        maker
    });
    model.unsay();
    model.overlay = Some(Overlay::Maker(maker));
    look(model, effects);
}

fn make(model: &mut Model, effects: &mut Vec<Effect>) {
    let language = model.catalogue.as_ref().and_then(|catalogue| {
        let languages = catalogue.entries.iter().map(|entry| entry.template.language.as_str());
        let count = |wanted: &str| languages.clone().filter(|language| *language == wanted).count();
        languages.clone().max_by_key(|language| count(language)).map(str::to_owned)
    });
    open(model, Maker::empty(language.as_deref().unwrap_or("en_US")), effects);
}

/// The selected template of the screen.
fn selected(model: &Model) -> Option<Entry> {
    let rows = model.shelf_rows();
    rows.get(model.templates.shelf.at(&rows)).map(|entry| (*entry).clone())
}

fn duplicate(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(entry) = selected(model) else { return };
    open(model, Maker::like(&entry.template), effects);
}

fn edit(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(entry) = selected(model) else { return };
    if let Some(words) = unchangeable(&entry.template) {
        let name = &entry.template.name;
        model.say(format!("{name} cannot be changed: {words}."), Weight::Error);
        return;
    }
    open(model, Maker::change(&entry.template), effects);
}

/// Says what a deletion does, and asks.
fn ask_delete(model: &mut Model) {
    let Some(Entry { template, .. }) = selected(model) else { return };
    if let Some(words) = undeletable(&template) {
        return model.say(format!("{} cannot be deleted: {words}.", template.name), Weight::Error);
    }
    let Some(id) = template.meta_id else {
        let words = format!("Meta's id of {} is not known; sync the templates.", template.name);
        model.say(words, Weight::Error);
        return;
    };
    let consequences = consequences(&template.name, &template.language);
    let safe = |words: String| text::display_safe(&words).into_owned();
    model.overlay = Some(Overlay::Sure(Sure {
        title: safe(format!("Delete {}, {}", template.name, template.language)),
        warning: safe(format!("{consequences}; {STILL_ARRIVE}.")),
        deed: Deed::Delete { name: template.name, language: template.language, id },
    }));
}

/// The person is sure.
pub(super) fn delete(
    model: &mut Model,
    (name, language, id): (String, String, String),
    effects: &mut Vec<Effect>,
) {
    let Some(account) = model.account else { return };
    let work = Work::Delete { name: name.clone(), only: Some((language.clone(), id)) };
    let awaited = Awaited::Delete(format!("{name}, {language}"));
    effects.push(model.command(Command::Work(account, Box::new(work)), awaited));
    model.say(format!("{name}, {language} is being deleted at Meta."), Weight::Done);
}

/// Chooses the next or the one before.
fn turn(model: &mut Model, forward: bool) {
    let by = model.now + SAVE_AFTER;
    with(model, |maker| {
        if maker.turn(forward) {
            maker.due.get_or_insert(by);
        }
    });
    model.touch();
}

/// A character was typed. A space chooses where nothing is typed. Says whether it was for a choice.
pub(super) fn char_for_choice(model: &mut Model, c: char) -> bool {
    let choice = is_choice(model);
    if choice && c == ' ' {
        turn(model, true);
    }
    choice
}

/// Something was typed.
pub(super) fn typed(model: &mut Model, effects: &mut Vec<Effect>) {
    let by = model.now + SAVE_AFTER;
    with(model, |maker| {
        maker.changed();
        maker.due.get_or_insert(by);
    });
    look(model, effects);
}

/// What the store kept of an earlier time came: it is put back when its editor is opened.
pub(super) fn recall(model: &mut Model, stored: Unfinished) {
    if model.templates.stored.is_some() {
        // Newer is what stands here.
        return;
    }
    if let Some(Overlay::Maker(maker)) = &mut model.overlay
        && let Some(fields) = stored.get(&maker.purpose).filter(|_| !maker.touched)
    {
        maker.put_back(fields);
    }
    model.templates.stored = Some(stored);
}

/// Stores what was typed until `by` and is not stored.
pub(super) fn keep(model: &mut Model, by: Timestamp, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let open = match &mut model.overlay {
        Some(Overlay::Maker(maker)) => Some(&mut **maker),
        _ => None,
    };
    let makers = model.templates.unfinished.values_mut().map(|maker| &mut **maker).chain(open);
    let typed: Vec<(Purpose, Fields)> = makers
        .filter_map(|maker| {
            maker.due.take_if(|due| *due <= by)?;
            Some((maker.purpose.clone(), maker.fields()))
        })
        .collect();
    for (purpose, fields) in typed {
        let awaited = Awaited::KeepTemplate(purpose.clone());
        effects.push(model.command(Command::KeepTemplate(account, purpose, fields), awaited));
    }
}

/// It could not be stored: it is tried again.
pub(super) fn not_kept(model: &mut Model, purpose: &Purpose, reason: &str) {
    let again = model.now + KEEP_AGAIN;
    if let Some(maker) = of(model, purpose) {
        maker.due = Some(again);
    }
    model.say(format!("The template cannot be stored: {reason}"), Weight::Error);
}

/// It is done with.
fn forget(model: &mut Model, purpose: &Purpose, effects: &mut Vec<Effect>) {
    model.templates.unfinished.remove(purpose);
    if let Some(stored) = &mut model.templates.stored {
        stored.remove(purpose);
    }
    if let Some(account) = model.account {
        let done = Command::KeepTemplate(account, purpose.clone(), Fields::new());
        effects.push(model.command(done, Awaited::KeepTemplate(purpose.clone())));
    }
}

/// Sees what is at the path of the header's example, if one is typed.
fn look(model: &mut Model, effects: &mut Vec<Effect>) {
    let ticket = model.ticket();
    let Some(Overlay::Maker(maker)) = &mut model.overlay else { return };
    let known = maker.looked().is_some() && maker.at != Line::HeaderFile;
    if let Some(path) = maker.path().filter(|_| !known) {
        maker.file.ticket = Some(ticket);
        effects.push(Effect::Look(ticket, path));
    }
}

/// What is at the path came. Says whether it was asked for here.
pub(super) fn looked(model: &mut Model, ticket: Ticket, looked: Looked) {
    if let Some(Overlay::Maker(maker)) = &mut model.overlay
        && maker.found(ticket, looked)
    {
        model.touch();
    }
}

/// Goes on with the path that is typed, or else to the next field.
fn next_field(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Maker(maker)) = &mut model.overlay else { return };
    let typed = maker.text(&maker.at);
    let longer = maker
        .looked()
        .filter(|_| maker.at == Line::HeaderFile)
        .and_then(|looked| super::paths::common(&looked.ends));
    match longer.filter(|longer| longer.len() > typed.len()) {
        Some(longer) => {
            if let Some(editor) = maker.editor_mut() {
                editor.set(&longer);
            }
            input::typed(model, effects);
        }
        None => maker.go(1),
    }
}

/// A new line in the body; elsewhere the next field.
fn enter(model: &mut Model, effects: &mut Vec<Effect>) {
    let body = matches!(&model.overlay, Some(Overlay::Maker(maker)) if maker.at == Line::Body);
    if body {
        input::edit(model, Action::Newline, effects);
    } else {
        with(model, |maker| maker.go(1));
    }
}

/// Up and down go through the lines of the body, and from field to field.
fn climb(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let down = action == Action::CursorDown;
    let Some(Overlay::Maker(maker)) = &mut model.overlay else { return };
    let rows = maker.editor().filter(|_| maker.at == Line::Body).map(|editor| {
        // The rows of the text itself: how it is wrapped is the screen's matter.
        let rows = editor.rows(u16::MAX);
        (editor.cursor(&rows).0, rows.len())
    });
    let inside = rows.is_some_and(|(at, count)| if down { at + 1 < count } else { at > 0 });
    if inside {
        input::edit(model, action, effects);
    } else {
        maker.go(if down { 1 } else { -1 });
    }
}

/// Closes the editor. What was typed is there when it is opened again.
fn close(model: &mut Model) {
    let Some(Overlay::Maker(maker)) = model.overlay.take() else { return };
    if maker.touched || maker.busy {
        let key = match maker.purpose {
            Purpose::New => Action::NewTemplate,
            Purpose::Like(..) => Action::DuplicateTemplate,
            Purpose::Change(..) => Action::EditTemplate,
        };
        let key = model.keymap.key(Context::Templates, key).to_owned();
        if !maker.busy {
            model.say(format!("What you wrote is kept: {key} goes on with it."), Weight::Done);
        }
        model.templates.unfinished.insert(maker.purpose.clone(), maker);
    }
}

/// Hands it in, when nothing is wrong with it.
fn submit(model: &mut Model, effects: &mut Vec<Effect>) {
    let (Some(Overlay::Maker(maker)), Some(account)) = (&mut model.overlay, model.account) else {
        return;
    };
    if maker.busy {
        return;
    }
    let breaches = maker.breaches();
    if let Some(line) = maker.first_wrong(&breaches) {
        maker.insisted = true;
        maker.at = line;
        return look(model, effects);
    }
    let template = maker.template();
    let work = match &maker.purpose {
        Purpose::New | Purpose::Like(..) => Ok(Work::Create(Box::new(template.clone()))),
        Purpose::Change(..) => change(maker.base(), template.clone()),
    };
    match work {
        Ok(work) => {
            maker.busy = true;
            maker.refused = None;
            let awaited = Awaited::Work(maker.purpose.clone(), Box::new(template));
            effects.push(model.command(Command::Work(account, Box::new(work)), awaited));
        }
        Err(refusal) => maker.refuse(refusal),
    }
}

/// A deletion was refused, or nobody knows.
fn kept(model: &mut Model, what: &str, refusal: &Refusal) {
    let words = &refusal.words;
    let told = if refusal.unknown {
        format!(
            "It is not known whether {what} is deleted: {words}. The list will show it, once fetched."
        )
    } else {
        format!("{what} is not deleted: {words}")
    };
    model.say(told, Weight::Error);
}

/// Whether the editor of a purpose is on the screen.
fn is_open(model: &Model, purpose: &Purpose) -> bool {
    matches!(&model.overlay, Some(Overlay::Maker(maker)) if maker.purpose == *purpose)
}

/// The editor of a purpose, open or closed unfinished.
fn of<'a>(model: &'a mut Model, purpose: &Purpose) -> Option<&'a mut Maker> {
    match &mut model.overlay {
        Some(Overlay::Maker(maker)) if maker.purpose == *purpose => Some(maker),
        _ => model.templates.unfinished.get_mut(purpose).map(|maker| &mut **maker),
    }
}

/// What became of work on a template.
pub(super) fn answered(
    model: &mut Model,
    awaited: Awaited,
    result: Result<Worked, Refusal>,
    effects: &mut Vec<Effect>,
) {
    match (awaited, result) {
        (Awaited::Work(purpose, template), result) => {
            worked(model, &purpose, &template, result, effects);
        }
        (Awaited::Delete(what), Ok(_)) => model.say(format!("{what} is deleted."), Weight::Done),
        (Awaited::Delete(what), Err(refusal)) => kept(model, &what, &refusal),
        _ => {}
    }
}

/// What became of a submission.
fn worked(
    model: &mut Model,
    purpose: &Purpose,
    template: &Template,
    result: Result<Worked, Refusal>,
    effects: &mut Vec<Effect>,
) {
    let what = format!("{}, {}", template.name, template.language);
    let worked = match result {
        Ok(worked) => worked,
        Err(refusal) => {
            if !is_open(model, purpose) {
                let words = if refusal.unknown {
                    format!(
                        "It is not known whether Meta took {what}: {}. The list will show it, once fetched.",
                        refusal.words
                    )
                } else {
                    format!("{what} was not taken: {}. It is kept.", refusal.words)
                };
                model.say(words, Weight::Error);
            }
            if let Some(maker) = of(model, purpose) {
                maker.refuse(refusal);
            }
            return;
        }
    };
    if is_open(model, purpose) {
        model.overlay = None;
    }
    forget(model, purpose, effects);
    model.templates.shelf.select(&template.name, &template.language);
    let words = match worked {
        Worked::Created { status: Status::Approved, .. } => format!("{what} is approved."),
        Worked::Created { status: Status::Rejected, .. } => {
            return model.say(format!("Meta rejected {what} at once."), Weight::Error);
        }
        Worked::Created { category, .. } => {
            let other = if category == template.category {
                String::new()
            } else {
                format!(" as {}", category.name().to_lowercase())
            };
            format!("Meta reviews {what}{other}; the list shows what becomes of it.")
        }
        Worked::Changed => format!("{what} is changed; Meta reviews it again."),
        Worked::Deleted => format!("{what} is deleted."),
    };
    model.say(words, Weight::Done);
}
