//! Filling in a template: a field for each value, what is offered for it, and what is wrong with it.

use super::picker::Picker;
use crate::app::composer::Editor;
use crate::app::describe;
use crate::app::msg::{Looked, RequestForm, Ticket};
use crate::domain::catalogue::Entry;
use crate::domain::conversation::Contact;
use crate::domain::id::ConversationId;
use crate::domain::template::{
    self, Fields, FileSource, Filling, Flaw, Place, Rule, SentTemplate, Slot, Template, file_source,
};
use crate::domain::text;

/// A value that can be taken into a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The value.
    pub value: String,
    /// Where it comes from, in a word or two.
    pub source: &'static str,
}

/// One value of the form.
#[derive(Debug)]
pub struct Field {
    /// What it is.
    pub slot: Slot,
    /// What was typed.
    pub editor: Editor,
    /// What can be taken instead of typing it, the best first.
    pub offers: Vec<Offer>,
    /// The first of them that is looked at.
    turned: usize,
    /// What is at the path that is typed, and the look that is under way.
    pub file: File,
    /// It was to be taken as it is: what is wrong with it is said, and not only what it could go on to.
    pub insisted: bool,
}

/// What is known of the file of a field.
#[derive(Debug, Default)]
pub struct File {
    /// The pending look.
    pub ticket: Option<Ticket>,
    /// What it found last.
    pub looked: Option<Looked>,
}

impl Field {
    fn new(slot: Slot, entry: &Entry, contact: &Contact, typed: Option<&String>) -> Self {
        let offers = offers(&slot, entry, contact);
        let editor = Editor::new(typed.map_or("", String::as_str), false);
        Self { slot, editor, offers, turned: 0, file: File::default(), insisted: false }
    }

    /// The offer that goes on with what is typed.
    #[must_use]
    pub fn offer(&self) -> Option<&Offer> {
        let typed = self.editor.text();
        let fits = |offer: &&Offer| offer.value.starts_with(&typed) && offer.value != typed;
        let (before, after) = self.offers.split_at_checked(self.turned)?;
        after.iter().chain(before).find(fits)
    }

    /// Looks at the next offer.
    pub fn turn(&mut self) {
        let current = self.offer().cloned();
        let at = current.and_then(|offer| self.offers.iter().position(|other| *other == offer));
        let next = at.map_or(0, |at| at + 1);
        self.turned = if next >= self.offers.len() { 0 } else { next };
    }

    /// The path that is typed, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let typed = self.editor.text();
        match (self.slot.rule, file_source(&typed)) {
            (Rule::Media(_), FileSource::Path(path)) => Some(path.to_owned()),
            _ => None,
        }
    }

    /// What was found at the path that is typed.
    #[must_use]
    pub fn looked(&self) -> Option<&Looked> {
        let path = self.path()?;
        self.file.looked.as_ref().filter(|looked| looked.typed == path)
    }

    /// Why the file cannot be sent, if so.
    fn file_flaw(&self) -> Option<String> {
        let Rule::Media(format) = self.slot.rule else { return None };
        match &self.looked()?.file {
            Ok((_, size)) => template::file_too_big(format, *size),
            Err(reason) => Some(reason.clone()),
        }
    }

    /// Whether nothing is typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.editor.text().trim().is_empty()
    }
}

/// The form.
#[derive(Debug)]
pub struct Form {
    /// Who it is sent to.
    pub conversation: ConversationId,
    /// What is filled in.
    pub template: Template,
    /// Why it cannot be sent as it is, whatever is filled in. Sanitised.
    pub obstacle: Option<String>,
    /// A field for each value, in order.
    pub fields: Vec<Field>,
    /// The field that is typed into.
    pub at: usize,
    /// What stood in the composer; it stays there.
    pub draft: String,
    /// Sending was asked for: all that is missing is said, not only what is wrong.
    pub insisted: bool,
    /// It is sent as soon as its files were looked at once more.
    pub sending: bool,
    /// As what the request was copied last.
    pub copied: Option<RequestForm>,
    /// The first row of the preview that is shown.
    pub scroll: u16,
    /// Where it was chosen, to go back there.
    pub back: Box<Picker>,
}

impl Form {
    /// The form of a template, with what was typed in it before.
    #[must_use]
    pub fn new(
        back: Box<Picker>,
        entry: &Entry,
        contact: &Contact,
        typed: &Fields,
        draft: String,
    ) -> Self {
        let template = entry.template.clone();
        let fields: Vec<Field> = template::slots(&template)
            .into_iter()
            .map(|slot| {
                let typed = typed.get(&slot.place.to_string());
                Field::new(slot, entry, contact, typed)
            })
            .collect();
        let mut form = Self {
            conversation: back.conversation,
            template,
            obstacle: None,
            fields,
            at: 0,
            draft,
            insisted: false,
            sending: false,
            copied: None,
            scroll: 0,
            back,
        };
        form.at = form.next_missing().unwrap_or(0);
        form
    }

    /// The field that is typed into.
    #[must_use]
    pub fn field(&self) -> Option<&Field> {
        self.fields.get(self.at)
    }

    /// The same, to be changed.
    pub fn field_mut(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.at)
    }

    /// What is typed, as it is.
    #[must_use]
    pub fn typed(&self) -> Filling {
        let typed = self.fields.iter().filter(|field| !field.editor.is_empty());
        typed.map(|field| (field.slot.place.clone(), field.editor.text())).collect()
    }

    /// The same, by the places as text.
    #[must_use]
    pub fn typed_by_place(&self) -> Fields {
        self.typed().into_iter().map(|(place, value)| (place.to_string(), value)).collect()
    }

    /// Puts back what was typed earlier.
    pub fn put_back(&mut self, values: &Fields) {
        for field in &mut self.fields {
            if let Some(value) = values.get(&field.slot.place.to_string()) {
                field.editor.set(value);
            }
        }
        self.at = self.next_missing().unwrap_or(self.at);
    }

    /// The values to be sent: a path is where the file is, wherever it was typed from.
    #[must_use]
    pub fn filling(&self) -> Filling {
        let mut filling = self.typed();
        for field in &self.fields {
            if let Some(Looked { file: Ok((path, _)), .. }) = field.looked() {
                filling.insert(field.slot.place.clone(), path.clone());
            }
        }
        filling.retain(|_, value| !value.trim().is_empty());
        filling
    }

    /// Everything that is wrong, what is missing included.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = template::flaws(&self.template, &self.filling());
        for field in &self.fields {
            let place = &field.slot.place;
            let Some(words) = field.file_flaw() else { continue };
            // Of a path that leads nowhere, what kind of file it names says little.
            if field.looked().is_some_and(|looked| looked.file.is_err()) {
                flaws.retain(|flaw| flaw.place != *place);
            }
            if flaws.iter().all(|flaw| flaw.place != *place) {
                flaws.push(Flaw { place: place.clone(), words });
            }
        }
        flaws
    }

    /// The flaws in a sentence, by the names of their fields. Unsanitised.
    #[must_use]
    pub fn told(&self, flaws: &[Flaw]) -> String {
        let of = |empty: bool, words: &str| {
            let is = |field: &&Field| {
                field.is_empty() == empty && flaws.iter().any(|flaw| flaw.place == field.slot.place)
            };
            let labels: Vec<&str> =
                self.fields.iter().filter(is).map(|field| field.slot.label.as_str()).collect();
            (!labels.is_empty()).then(|| format!("{words}: {}", labels.join(", ")))
        };
        let parts = [of(true, "Missing"), of(false, "Not right")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(". ")
    }

    /// The message as the customer will see it; what is missing stands there in its braces.
    #[must_use]
    pub fn sees(&self) -> SentTemplate {
        template::render(&self.template, &self.filling())
    }

    /// Goes to another field, round and round.
    pub fn go(&mut self, by: isize) {
        let count = self.fields.len();
        if count > 0 {
            let by = by.rem_euclid(count.cast_signed()).cast_unsigned();
            self.at = (self.at + by) % count;
        }
    }

    /// The next field after this one that has to be filled in and is not.
    #[must_use]
    pub fn next_missing(&self) -> Option<usize> {
        let missing = |at: &usize| {
            let field = self.fields.get(*at);
            field.is_some_and(|field| field.slot.rule.is_required() && field.is_empty())
        };
        let count = self.fields.len();
        (self.at..count).chain(0..self.at.min(count)).find(missing)
    }

    /// The first field with a flaw.
    #[must_use]
    pub fn first_flawed(&self, flaws: &[Flaw]) -> Option<usize> {
        let flawed = |field: &Field| flaws.iter().any(|flaw| flaw.place == field.slot.place);
        self.fields.iter().position(flawed)
    }

    /// Whether a look at a file is under way.
    #[must_use]
    pub fn looks(&self) -> bool {
        self.fields.iter().any(|field| field.file.ticket.is_some())
    }

    /// Takes what a look at a path found.
    pub fn looked(&mut self, ticket: Ticket, looked: Looked) -> bool {
        let field = self.fields.iter_mut().find(|field| field.file.ticket == Some(ticket));
        let Some(field) = field else { return false };
        field.file.ticket = None;
        field.file.looked = Some(looked);
        true
    }
}

/// What can be taken into a field: what this customer got last, what is known of them, what others got, and
/// Meta's example.
fn offers(slot: &Slot, entry: &Entry, contact: &Contact) -> Vec<Offer> {
    let last = entry.last_values.get(&slot.place).cloned();
    let theirs = entry.used_here > 0;
    let last = last
        .map(|value| Offer { value, source: if theirs { "sent last" } else { "sent to another" } });
    let mut offers = Vec::new();
    if theirs {
        offers.extend(last.clone());
    }
    if matches!(slot.rule, Rule::BodyText | Rule::HeaderText) {
        let known = known(contact);
        let fits = |offer: &Offer| match hint(&slot.place) {
            Some(Hint::Number) => offer.source == "number",
            Some(Hint::FirstName) => offer.source == "first name",
            Some(Hint::Name) | None => offer.source != "number",
        };
        let (first, rest): (Vec<_>, Vec<_>) = known.into_iter().partition(fits);
        let example = example(slot);
        if hint(&slot.place).is_some() {
            offers.extend(first);
            offers.extend(example);
        } else {
            offers.extend(example);
            offers.extend(first);
        }
        offers.extend(rest);
    } else {
        offers.extend(example(slot));
    }
    if !theirs {
        offers.extend(last);
    }
    let mut seen: Vec<String> = Vec::new();
    offers.retain(|offer| {
        let new = !offer.value.trim().is_empty() && !seen.contains(&offer.value);
        seen.push(offer.value.clone());
        new
    });
    offers
}

/// Meta's example. Of a file it is a link to Meta's own copy, which is no value.
fn example(slot: &Slot) -> Option<Offer> {
    let example = slot.example.clone().filter(|_| !matches!(slot.rule, Rule::Media(_)))?;
    Some(Offer { value: example, source: "example" })
}

/// What is known of a contact that a template may say.
fn known(contact: &Contact) -> Vec<Offer> {
    let mut known = Vec::new();
    if let Some(name) = &contact.name {
        let name = text::display_safe(name).trim().to_owned();
        if let Some(first) = name.split_whitespace().next() {
            known.push(Offer { value: first.to_owned(), source: "first name" });
        }
        known.push(Offer { value: name, source: "name" });
    }
    if contact.wa_id.is_some() {
        known.push(Offer { value: describe::handle(contact), source: "number" });
    }
    known
}

/// What the name of a variable says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    FirstName,
    Name,
    Number,
}

/// Read off a variable's name; the first numbered one greets, more often than not.
fn hint(place: &Place) -> Option<Hint> {
    let (Place::Body(variable) | Place::HeaderText(variable)) = place else { return None };
    let variable = variable.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| variable.contains(word));
    if variable == "1" {
        return Some(Hint::FirstName);
    }
    if has(&["phone", "telefon", "celular", "whatsapp", "mobile"]) {
        return Some(Hint::Number);
    }
    if has(&["first", "primeiro", "vorname", "prenom", "nombre", "nome"]) {
        return Some(Hint::FirstName);
    }
    has(&["name", "cliente", "customer", "kunde"]).then_some(Hint::Name)
}
