//! Choosing a template, filling it in and sending it, and keeping the catalogue fresh while it is looked at.

use std::sync::Arc;

use super::{act, input, maker, open, paths, queue, values};
use crate::app::action::{Action, Context};
use crate::app::drafts::Edit;
use crate::app::model::{Awaited, Model, Overlay, Screen};
use crate::app::msg::{Command, Effect, Query, RequestForm, Ticket};
use crate::app::notice::Weight;
use crate::app::prompt::{Prompt, Question};
use crate::app::templates::form::Form;
use crate::app::templates::picker::{Cause, Customer, Picker};
use crate::app::templates::{CALM, obstacle_here};
use crate::domain::catalogue::{Catalogue, Sync};
use crate::domain::change::Changes;
use crate::domain::conversation::{Contact, Draft};
use crate::domain::id::ConversationId;
use crate::domain::message::{Body, NewMessage, Priority};
use crate::domain::outbox::Recipient;
use crate::domain::template::{self, Begun, Unfinished};
use crate::domain::time::Timestamp;

/// Carries out what concerns templates. Says whether it was that.
pub(super) fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match (action, model.context()) {
        (Action::Template, _) => pick(model, effects),
        (Action::SyncTemplates, _) => sync(model, effects),
        (Action::Accept, Context::Picker) => fill_in(model, effects),
        (Action::Accept, Context::Form) => enter(model, effects),
        (Action::Close, Context::Form) => {
            back_to_picker(model);
            values::keep(model, Timestamp::from_millis(i64::MAX), effects);
        }
        (Action::NextLanguage | Action::PreviousLanguage, _) => {
            if let Some(Overlay::Picker(picker)) = &mut model.overlay {
                picker.turn(action == Action::NextLanguage);
            }
        }
        (Action::NextField, Context::Prompt) => paths::complete(model, effects),
        (Action::NextField, _) => next_field(model, effects),
        (Action::PreviousField, _) => with_form(model, |form| form.go(-1)),
        (Action::TakeOffer, _) => take_offer(model, effects),
        (Action::NextOffer, _) => with_form(model, |form| {
            if let Some(field) = form.field_mut() {
                field.turn();
            }
        }),
        (Action::PutDraft, _) => put_draft(model, effects),
        (Action::CopyRequest, _) => copy(model, effects),
        (Action::Sort, _) => {
            let shelf = &mut model.templates.shelf;
            shelf.sort = shelf.sort.next();
            shelf.from_the_top();
        }
        (Action::Back, Context::Templates) => back_to_inbox(model),
        (Action::HalfDown, Context::Form) => {
            with_form(model, |form| form.scroll = form.scroll.saturating_add(SCROLL));
        }
        (Action::HalfUp, Context::Form) => {
            with_form(model, |form| form.scroll = form.scroll.saturating_sub(SCROLL));
        }
        _ => return false,
    }
    true
}

/// Rows of the preview that a page goes on.
const SCROLL: u16 = 4;

fn with_form(model: &mut Model, change: impl FnOnce(&mut Form)) {
    if let Some(Overlay::Form(form)) = &mut model.overlay {
        change(form);
    }
}

/// Opens the picker for the conversation that is open, or else selected.
fn pick(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(conversation) = model.chat.as_ref().map(|chat| chat.id) else {
        model.say("Open a conversation to send a template in it.", Weight::Warning);
        return;
    };
    let picker = Picker::new(conversation, customer(model), model.catalogue.clone());
    model.overlay = Some(Overlay::Picker(Box::new(picker)));
    ask(model, effects);
}

/// Whom the conversation shown is with, as far as templates go.
fn customer(model: &Model) -> Option<Customer> {
    model.shown().map(|row| Customer {
        number: row.contact.wa_id.clone(),
        opted_out: row.opted_out.is_some(),
    })
}

/// The conversation shown was read: the picker may have been waiting for it.
pub(super) fn met(model: &mut Model) {
    let Some(customer) = customer(model) else { return };
    match &mut model.overlay {
        Some(Overlay::Picker(picker)) => picker.meet(customer),
        Some(Overlay::Form(form)) => form.back.meet(customer),
        _ => {}
    }
}

/// Opens the picker by itself, and says why in it. What is written stays in the composer.
pub(super) fn pick_because(model: &mut Model, cause: Cause, effects: &mut Vec<Effect>) {
    pick(model, effects);
    match (&mut model.overlay, cause) {
        (Some(Overlay::Picker(picker)), cause) => {
            picker.cause = Some(cause);
            model.unsay();
        }
        (_, Cause::Shut(reason) | Cause::Refused(reason)) => model.say_here(reason, Weight::Error),
    }
}

/// What follows when the picker was closed that opened by itself.
pub(super) fn left(model: &mut Model, picker: &Picker) {
    match &picker.cause {
        Some(Cause::Refused(reason)) => model.say_here(reason, Weight::Error),
        // Who did not look typed a message, and no filter.
        Some(Cause::Shut(_)) if picker.is_loaded() && picker.selected().is_none() => {
            let ours = model.composer.conversation == Some(picker.conversation);
            if ours && !model.composer.has_words() && !picker.editor.is_empty() {
                model.composer.editor.set(&picker.editor.text());
                model.composer.touched(model.now);
                let words = "What you typed is your draft; only a template may be sent.";
                model.say_here(words, Weight::Warning);
            }
        }
        Some(Cause::Shut(_)) | None => {}
    }
}

/// Reads the catalogue, with the uses of the conversation it is picked for.
fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let conversation = match &model.overlay {
        Some(Overlay::Picker(picker)) => Some(picker.conversation),
        Some(Overlay::Form(form)) => Some(form.conversation),
        _ => None,
    };
    let ticket = model.ticket();
    model.templates.wait.start(ticket, ());
    model.templates.calm.read(model.now);
    effects.push(Effect::Run(Query::Templates { account, conversation, ticket }));
}

/// The catalogue came.
pub(super) fn came(
    model: &mut Model,
    ticket: Ticket,
    (catalogue, unfinished, begun): (Arc<Catalogue>, Unfinished, Option<(ConversationId, Begun)>),
    effects: &mut Vec<Effect>,
) {
    if model.templates.wait.answered(ticket).is_none() {
        return;
    }
    model.templates.error = None;
    maker::recall(model, unfinished);
    if let Some((conversation, begun)) = begun {
        values::recall(model, conversation, begun);
    }
    model.catalogue = Some(Arc::clone(&catalogue));
    match &mut model.overlay {
        Some(Overlay::Picker(picker)) => picker.know(catalogue),
        Some(Overlay::Form(form)) => form.back.know(catalogue),
        _ => {}
    }
    judge(model);
    model.touch();
    if model.templates.wait.take_again() {
        ask(model, effects);
    }
}

/// Whether the template that is filled in can still be sent.
fn judge(model: &mut Model) {
    let Some(Overlay::Form(form)) = &model.overlay else { return };
    let (name, language) = (&form.template.name, &form.template.language);
    let found = model.catalogue.as_ref().and_then(|catalogue| {
        catalogue
            .entries
            .iter()
            .find(|entry| entry.template.name == *name && entry.template.language == *language)
    });
    let words = match found {
        Some(entry) => obstacle_here(entry, model),
        None => Some("it is not in the catalogue any more".to_owned()),
    };
    with_form(model, |form| form.obstacle = words);
}

/// Templates changed: what is shown of them is read again.
pub(super) fn changed(model: &mut Model, changes: &Changes, effects: &mut Vec<Effect>) {
    let screen = model.screen == Screen::Templates;
    let shown = screen || matches!(model.overlay, Some(Overlay::Picker(_) | Overlay::Form(_)));
    if shown && (changes.templates || changes.everything) {
        if model.templates.wait.stale() {
            ask(model, effects);
        }
    } else if screen && !changes.conversations.is_empty() {
        model.templates.calm.changed(CALM, model.now);
        expire(model, effects);
    }
}

/// What its time has come for: the numbers are read again.
pub(super) fn expire(model: &mut Model, effects: &mut Vec<Effect>) {
    maker::keep(model, model.now, effects);
    values::keep(model, model.now, effects);
    let due = model.screen == Screen::Templates && model.templates.calm.take_due(model.now);
    if due && model.templates.wait.stale() {
        ask(model, effects);
    }
}

/// Shows the templates.
pub(super) fn show(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.screen == Screen::Templates {
        return;
    }
    open::save_draft(model, effects);
    queue::leave(model);
    model.screen = Screen::Templates;
    ask(model, effects);
}

/// Goes back: from a filter to all of them, then to the inbox.
fn back_to_inbox(model: &mut Model) {
    if model.templates.shelf.sought.is_empty() {
        queue::leave(model);
    } else {
        seek(model, "");
    }
}

/// Asks which templates to show.
pub(super) fn ask_filter(model: &mut Model) {
    let prompt = Prompt::new(Question::Templates, &model.templates.shelf.sought);
    model.overlay = Some(Overlay::Prompt(prompt));
}

/// Shows only the templates with these words.
pub(super) fn seek(model: &mut Model, text: &str) {
    let shelf = &mut model.templates.shelf;
    if shelf.sought != text {
        text.clone_into(&mut shelf.sought);
        shelf.from_the_top();
    }
    model.touch();
}

/// Moves the selection of the screen.
pub(super) fn step(model: &mut Model, by: isize) {
    let Some(catalogue) = model.catalogue.clone() else { return };
    let shelf = &mut model.templates.shelf;
    let rows = shelf.rows(&catalogue);
    shelf.step(by, &rows);
}

/// Fetches the catalogue; while that goes on, pressed twice, stops it.
fn sync(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(account) = model.account else { return };
    let runs =
        model.account_health().is_some_and(|health| matches!(health.sync, Sync::Running { .. }));
    if !runs {
        effects.push(model.command(Command::SyncTemplates(account), Awaited::Sync));
        model.templates.stops = None;
        return;
    }
    if model.templates.stops.is_some_and(|until| until > model.now) {
        let awaited = Awaited::Other("The sync could not be stopped");
        effects.push(model.command(Command::CancelSync(account), awaited));
        model.templates.stops = None;
        return;
    }
    let key = model.keymap.key(model.context(), Action::SyncTemplates).to_owned();
    model.say(
        format!("The templates are being synced. {key} again stops that; what is known stays."),
        Weight::Warning,
    );
    model.templates.stops = model.notice.as_ref().map(|notice| notice.until);
}

/// Opens the form of the selected template.
fn fill_in(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Picker(picker)) = &model.overlay else { return };
    let Some(entry) = picker.selected() else { return };
    if let Some(words) = obstacle_here(entry, model) {
        let name = entry.template.name.clone();
        model.say(format!("{name} cannot be sent: {words}."), Weight::Error);
        return;
    }
    let entry = entry.clone();
    let Some(contact) = model.shown().map(|row| row.contact.clone()) else { return };
    let Some(Overlay::Picker(picker)) = model.overlay.take() else { return };
    let key = (picker.conversation, entry.template.name.clone());
    let typed = model.templates.typed.get(&key).cloned().unwrap_or_default();
    let draft = model.composer.editor.text().trim().to_owned();
    let form = Form::new(picker, &entry, &contact, &typed.values, draft);
    model.unsay();
    model.overlay = Some(Overlay::Form(Box::new(form)));
    paths::look_everywhere(model, effects);
}

/// Back to where it was chosen. What was typed is kept for when it is filled in again.
fn back_to_picker(model: &mut Model) {
    if let Some(Overlay::Form(form)) = model.overlay.take() {
        model.overlay = Some(Overlay::Picker(form.back));
    }
}

/// Something was typed into the form: it is kept, and a path is looked at.
pub(super) fn typed(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    form.copied = None;
    form.sending = false;
    let at = form.at;
    if let Some(field) = form.field_mut() {
        field.insisted = false;
    }
    values::note(model);
    paths::look(model, at, effects);
}

/// Goes on with the path that is typed, or else to the next field.
fn next_field(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    let Some(field) = form.field_mut() else { return };
    let typed = field.editor.text();
    let longer = field.looked().and_then(|looked| paths::common(&looked.ends));
    match longer.filter(|longer| longer.len() > typed.len()) {
        Some(longer) => {
            field.editor.set(&longer);
            input::typed(model, effects);
        }
        None => form.go(1),
    }
}

/// Takes what is offered, or else goes forward one character.
fn take_offer(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    let Some(field) = form.field_mut() else { return };
    let at_end = field.editor.is_at_end();
    match field.offer().filter(|_| at_end).map(|offer| offer.value.clone()) {
        Some(value) => {
            field.editor.set(&value);
            input::typed(model, effects);
        }
        None => {
            field.editor.edit(Action::Right, u16::MAX);
        }
    }
}

/// Puts the text of the composer into the field.
fn put_draft(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    if form.draft.is_empty() {
        model.say("Nothing was typed in the composer.", Weight::Warning);
        return;
    }
    let draft = form.draft.clone();
    if let Some(field) = form.field_mut() {
        field.editor.paste(&draft);
        input::typed(model, effects);
    }
}

/// Goes to the next field that has to be filled in; when all is right, sends.
fn enter(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(Overlay::Form(form)) = &mut model.overlay else { return };
    let flaws = form.flaws();
    let here = form.field().is_some_and(|field| {
        !field.is_empty() && flaws.iter().any(|flaw| flaw.place == field.slot.place)
    });
    if here {
        if let Some(field) = form.field_mut() {
            field.insisted = true;
        }
        // A file may be there again.
        return paths::look_everywhere(model, effects);
    }
    match form.next_missing().filter(|at| *at != form.at) {
        Some(at) => form.at = at,
        None if !flaws.is_empty() => {
            form.insisted = true;
            form.at = form.first_flawed(&flaws).unwrap_or(form.at);
        }
        // What was there when it was typed may be gone.
        None if form.fields.iter().any(|field| field.path().is_some()) => {
            form.sending = true;
            paths::look_everywhere(model, effects);
        }
        None => send(model, effects),
    }
}

/// Sends what is filled in.
pub(super) fn send(model: &mut Model, effects: &mut Vec<Effect>) {
    let (Some(Overlay::Form(form)), Some(account)) = (&mut model.overlay, model.account) else {
        return;
    };
    if let Some(words) = &form.obstacle {
        let words = format!("{} cannot be sent: {words}.", form.template.name);
        model.say(words, Weight::Error);
        return;
    }
    let Ok(sent) = template::fill(&form.template, &form.filling()) else {
        form.insisted = true;
        return;
    };
    let (conversation, name) = (form.conversation, form.template.name.clone());
    // A draft that goes out as a value has served.
    let used = form.fields.iter().any(|field| {
        let value = field.editor.text();
        !form.draft.is_empty() && value.trim() == one_line(&form.draft)
    });
    model.overlay = None;
    let ours = model.composer.conversation == Some(conversation);
    let draft = (used && ours).then(|| model.composer.take());
    let message = NewMessage {
        account,
        conversation,
        body: Body::Template(Box::new(sent)),
        reply_to: None,
        priority: Priority::Person,
    };
    let clears = draft.as_ref().map(|sent| sent.seen.clone());
    if let Some(seen) = clears.clone() {
        model.drafts.under_way(conversation, Edit { seen, draft: Draft::default() });
    }
    let awaited = Awaited::SendTemplate { conversation, name: name.clone(), draft };
    effects.push(model.command(Command::Send { message, at: None, clears }, awaited));
    model.say_here(format!("{name} is on its way."), Weight::Done);
    act::message::show_newest(model, effects);
    open::save_draft(model, effects);
}

/// A text as a field of one line takes it.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

/// Where a contact is written to.
fn recipient(contact: &Contact) -> Option<Recipient> {
    let phone = contact.wa_id.clone().map(Recipient::Phone);
    phone.or_else(|| contact.user_id.clone().map(Recipient::User))
}

/// Asks for the request as text: as curl, and pressed again as JSON.
fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let (Some(Overlay::Form(form)), Some(account)) = (&mut model.overlay, model.account) else {
        return;
    };
    let flaws = form.flaws();
    if !flaws.is_empty() {
        form.insisted = true;
        form.at = form.first_flawed(&flaws).unwrap_or(form.at);
        let words = format!("Not copied yet. {}.", form.told(&flaws));
        model.say(words, Weight::Warning);
        return;
    }
    let written = match form.copied {
        Some(RequestForm::Curl) => RequestForm::Json,
        Some(RequestForm::Json) | None => RequestForm::Curl,
    };
    form.copied = Some(written);
    let body = Box::new(Body::Template(Box::new(form.sees())));
    let Some(recipient) = model.shown().and_then(|row| recipient(&row.contact)) else { return };
    let ticket = model.ticket();
    model.request.start(ticket, written);
    effects.push(Effect::Run(Query::Request { account, recipient, body, form: written, ticket }));
}

/// The request came as text.
pub(super) fn written(
    model: &mut Model,
    ticket: Ticket,
    text: Result<String, String>,
    effects: &mut Vec<Effect>,
) {
    let Some(written) = model.request.answered(ticket) else { return };
    let key = model.keymap.key(Context::Form, Action::CopyRequest).to_owned();
    match (text, written) {
        (Ok(text), RequestForm::Curl) => {
            effects.push(Effect::Copy(text));
            let words =
                format!("Copied as curl, with $TOKEN for the token. {key} again copies JSON.");
            model.say(words, Weight::Done);
        }
        (Ok(text), RequestForm::Json) => {
            effects.push(Effect::Copy(text));
            model.say(format!("Copied as JSON. {key} again copies curl."), Weight::Done);
        }
        (Err(reason), _) => model.say(format!("Not copied: {reason}."), Weight::Error),
    }
}
