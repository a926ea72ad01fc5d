//! Making a template, or changing one: a field for each part, checked against Meta's rules as it is typed.

mod fields;
mod flaws;
mod line;

use std::collections::BTreeMap;

pub use line::Line;

pub use crate::domain::template::Purpose;

use super::form::File;
use super::parts::{ButtonKind, HeaderKind, Kept, button, filling, kept};
use crate::app::composer::Editor;
use crate::app::msg::{Looked, Ticket};
use crate::domain::template::rules::Breach;
use crate::domain::template::{
    Authentication, Button, Category, Example, FileSource, Filling, Header, Otp, OtpKind,
    ParameterFormat, Quality, Refusal, Status, Template, Text, file_source, variables,
};
use crate::domain::time::Timestamp;

/// Buttons that Meta takes at most (Meta, template components).
const BUTTONS_MAX: usize = 10;

/// The editor.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices of a person, and flags")]
pub struct Maker {
    /// What is being made.
    pub purpose: Purpose,
    /// What it began as; what no field shows stays as it is here.
    base: Template,
    category: Category,
    named: bool,
    header: HeaderKind,
    advice: bool,
    /// What each button does; those that do nothing are not there for Meta.
    buttons: Vec<(ButtonKind, Option<Kept>)>,
    texts: BTreeMap<Line, Editor>,
    /// The field that is typed into.
    pub at: Line,
    /// The look at the header's example.
    pub file: File,
    /// It was to be submitted: all that is missing is said, not only what is wrong.
    pub insisted: bool,
    /// It is on its way to Meta.
    pub busy: bool,
    /// What Meta said of it.
    pub refused: Option<Refusal>,
    /// The first row of the preview that is shown.
    pub scroll: u16,
    /// Whether anything was typed or chosen.
    pub touched: bool,
    /// When what was typed or chosen since is to be stored.
    pub due: Option<Timestamp>,
}

impl Maker {
    /// Nothing yet.
    #[must_use]
    pub fn empty(language: &str) -> Self {
        let base = Template {
            meta_id: None,
            name: String::new(),
            language: language.to_owned(),
            category: Category::Utility,
            status: Status::Pending,
            quality: Quality::Unknown,
            reason: None,
            parameters: ParameterFormat::Positional,
            header: None,
            body: Text::default(),
            footer: None,
            buttons: Vec::new(),
            authentication: Authentication::default(),
            ttl_seconds: None,
            other: Vec::new(),
        };
        Self::of(Purpose::New, base)
    }

    /// A new one that begins as another is. Its language is to be chosen: with its name it makes it another.
    #[must_use]
    pub fn like(template: &Template) -> Self {
        let purpose = Purpose::Like(template.name.clone(), template.language.clone());
        let mut maker = Self::of(purpose, template.clone());
        maker.base.meta_id = None;
        maker.base.ttl_seconds = template.ttl_seconds;
        maker.texts.insert(Line::Language, Editor::new("", false));
        maker.at = Line::Language;
        maker
    }

    /// A change of this one.
    #[must_use]
    pub fn change(template: &Template) -> Self {
        let purpose = Purpose::Change(template.name.clone(), template.language.clone());
        let mut maker = Self::of(purpose, template.clone());
        maker.at = Line::Body;
        if !maker.lines().contains(&Line::Body) {
            maker.go(0);
        }
        maker
    }

    fn of(purpose: Purpose, base: Template) -> Self {
        let mut texts = BTreeMap::new();
        let mut put = |line: Line, text: &str| {
            let many_lines = line == Line::Body;
            texts.insert(line, Editor::new(text, many_lines));
        };
        put(Line::Name, &base.name);
        put(Line::Language, &base.language);
        put(Line::Body, &base.body.text);
        for example in &base.body.examples {
            put(Line::Example(example.variable.clone()), &example.value);
        }
        put(Line::Footer, base.footer.as_deref().unwrap_or_default());
        let minutes = base.authentication.expires_minutes.map(|minutes| minutes.to_string());
        put(Line::Expires, minutes.as_deref().unwrap_or_default());
        match &base.header {
            Some(Header::Text(text)) => {
                put(Line::HeaderText, &text.text);
                for example in &text.examples {
                    put(Line::HeaderExample(example.variable.clone()), &example.value);
                }
            }
            Some(Header::Media { example, .. }) => {
                put(Line::HeaderFile, example.as_deref().unwrap_or_default());
            }
            Some(Header::Location | Header::Other(_)) | None => {}
        }
        let mut buttons = Vec::new();
        for (index, button) in base.buttons.iter().enumerate() {
            let (kind, value, example) = kept(button);
            put(Line::ButtonText(index), button.text());
            put(Line::ButtonValue(index), value);
            put(Line::ButtonExample(index), example);
            buttons.push((kind, Some(Kept(button.clone()))));
        }
        let mut maker = Self {
            purpose,
            category: base.category.clone(),
            named: base.parameters == ParameterFormat::Named,
            header: HeaderKind::of(base.header.as_ref()),
            advice: base.authentication.security_recommendation,
            buttons,
            base,
            texts,
            at: Line::Name,
            file: File::default(),
            insisted: false,
            busy: false,
            refused: None,
            scroll: 0,
            touched: false,
            due: None,
        };
        maker.keep_one_free();
        maker
    }

    /// A button that does nothing yet stands at the end, as long as Meta takes more.
    fn keep_one_free(&mut self) {
        let free = self.buttons.last().is_some_and(|(kind, _)| *kind == ButtonKind::None);
        if !free && self.buttons.len() < BUTTONS_MAX {
            self.buttons.push((ButtonKind::None, None));
        }
    }

    /// What a button does.
    #[must_use]
    pub fn button(&self, index: usize) -> Option<ButtonKind> {
        self.buttons.get(index).map(|(kind, _)| *kind)
    }

    /// Whether a template of this name and language is changed, and not made.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        matches!(self.purpose, Purpose::Change(..))
    }

    /// What it began as.
    #[must_use]
    pub const fn base(&self) -> &Template {
        &self.base
    }

    /// The fields, in order. What cannot be changed any more has none.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if !self.is_change() {
            lines.extend([Line::Name, Line::Language]);
        }
        // Meta fixes the category of one that it approved.
        if !self.is_change() || self.base.status == Status::Rejected {
            lines.push(Line::Category);
        }
        if self.category == Category::Authentication {
            lines.extend([Line::Advice, Line::Expires, Line::ButtonText(0)]);
            return lines;
        }
        if !self.is_change() {
            lines.push(Line::Variables);
        }
        lines.push(Line::Header);
        match self.header {
            HeaderKind::Text => {
                lines.push(Line::HeaderText);
                let text = self.text(&Line::HeaderText);
                lines.extend(self.variables(&text).into_iter().map(Line::HeaderExample));
            }
            HeaderKind::Media(_) => lines.push(Line::HeaderFile),
            HeaderKind::None | HeaderKind::Location | HeaderKind::Other => {}
        }
        lines.push(Line::Body);
        let body = self.text(&Line::Body);
        lines.extend(self.variables(&body).into_iter().map(Line::Example));
        lines.push(Line::Footer);
        for (index, (kind, _)) in self.buttons.iter().enumerate() {
            lines.push(Line::Button(index));
            if kind.has_text() {
                lines.push(Line::ButtonText(index));
            }
            if !kind.value_name().is_empty() {
                lines.push(Line::ButtonValue(index));
            }
            if *kind == ButtonKind::Link && self.text(&Line::ButtonValue(index)).contains("{{") {
                lines.push(Line::ButtonExample(index));
            }
        }
        lines
    }

    fn format(&self) -> ParameterFormat {
        if self.named { ParameterFormat::Named } else { ParameterFormat::Positional }
    }

    fn variables(&self, text: &str) -> Vec<String> {
        variables(text, self.format()).into_iter().map(str::to_owned).collect()
    }

    /// What is typed into a field.
    #[must_use]
    pub fn text(&self, line: &Line) -> String {
        self.texts.get(line).map(Editor::text).unwrap_or_default()
    }

    /// What a field shows when it is not typed into.
    #[must_use]
    pub fn shown(&self, line: &Line) -> String {
        match line {
            Line::Category => self.category.name().to_lowercase(),
            Line::Variables if self.named => "by name, {{first_name}}".to_owned(),
            Line::Variables => "by number, {{1}}".to_owned(),
            Line::Header => self.header.name().to_owned(),
            Line::Advice if self.advice => "yes, Meta adds the advice".to_owned(),
            Line::Advice => "no".to_owned(),
            Line::Button(index) => {
                let more =
                    self.buttons.iter().take(*index).all(|(kind, _)| *kind != ButtonKind::None);
                match self.button(*index).unwrap_or(ButtonKind::None) {
                    ButtonKind::None if more => "none; choose one".to_owned(),
                    kind => kind.name().to_owned(),
                }
            }
            line => self.text(line),
        }
    }

    /// The text that is typed into.
    #[must_use]
    pub fn editor(&self) -> Option<&Editor> {
        self.texts.get(&self.at).filter(|_| !self.at.is_choice())
    }

    /// The same, to be changed.
    pub fn editor_mut(&mut self) -> Option<&mut Editor> {
        if self.at.is_choice() {
            return None;
        }
        Some(self.texts.entry(self.at.clone()).or_insert_with(|| Editor::new("", false)))
    }

    /// What follows from a change.
    pub fn changed(&mut self) {
        self.touched = true;
        self.refused = None;
        self.keep_one_free();
    }

    /// Chooses the next or the one before in a field of a few.
    pub fn turn(&mut self, forward: bool) -> bool {
        match self.at {
            Line::Category => {
                let all = [Category::Utility, Category::Marketing, Category::Authentication];
                self.category = next(&all, &self.category, forward);
            }
            Line::Variables => self.named = !self.named,
            Line::Header => self.header = next(&HeaderKind::ALL, &self.header, forward),
            Line::Advice => self.advice = !self.advice,
            Line::Button(index) => {
                let Some((kind, _)) = self.buttons.get_mut(index) else { return false };
                *kind = next(&ButtonKind::ALL, kind, forward);
            }
            _ => return false,
        }
        self.changed();
        true
    }

    /// Goes to another field, round and round.
    pub fn go(&mut self, by: isize) {
        let lines = self.lines();
        let at = lines.iter().position(|line| *line == self.at).unwrap_or(0);
        let count = lines.len().max(1);
        let by = by.rem_euclid(count.cast_signed()).cast_unsigned();
        if let Some(line) = lines.get((at + by) % count) {
            self.at = line.clone();
        }
    }

    /// The template as it stands.
    #[must_use]
    pub fn template(&self) -> Template {
        let mut template = Template {
            name: self.text(&Line::Name).trim().to_owned(),
            language: self.text(&Line::Language).trim().to_owned(),
            category: self.category.clone(),
            parameters: self.format(),
            header: None,
            body: Text::default(),
            footer: None,
            buttons: Vec::new(),
            authentication: Authentication::default(),
            ..self.base.clone()
        };
        if template.category == Category::Authentication {
            template.authentication = Authentication {
                security_recommendation: self.advice,
                expires_minutes: self.minutes().unwrap_or_default(),
            };
            template.buttons = vec![self.password()];
            return template;
        }
        template.header = self.header();
        template.body = self.with_examples(&Line::Body, Line::Example);
        let footer = self.text(&Line::Footer).trim().to_owned();
        template.footer = Some(footer).filter(|footer| !footer.is_empty());
        let buttons = self.buttons.iter().enumerate();
        template.buttons = buttons
            .filter_map(|(index, (kind, kept))| {
                let of = |line: Line| self.text(&line).trim().to_owned();
                let texts = (
                    of(Line::ButtonText(index)),
                    of(Line::ButtonValue(index)),
                    of(Line::ButtonExample(index)),
                );
                button(*kind, kept.as_ref(), texts)
            })
            .collect();
        template
    }

    fn header(&self) -> Option<Header> {
        match self.header {
            HeaderKind::None => None,
            HeaderKind::Text => {
                Some(Header::Text(self.with_examples(&Line::HeaderText, Line::HeaderExample)))
            }
            HeaderKind::Media(format) => {
                let typed = self.text(&Line::HeaderFile).trim().to_owned();
                // A path is where the file is, wherever it was typed from.
                let path = self.looked().and_then(|looked| looked.file.as_ref().ok());
                let example = path.map_or(typed, |(path, _)| path.clone());
                Some(Header::Media {
                    format,
                    example: Some(example).filter(|text| !text.is_empty()),
                })
            }
            HeaderKind::Location => Some(Header::Location),
            HeaderKind::Other => self.base.header.clone(),
        }
    }

    fn with_examples(&self, line: &Line, example: fn(String) -> Line) -> Text {
        let text = self.text(line).trim().to_owned();
        let examples = self
            .variables(&text)
            .into_iter()
            .map(|variable| {
                let value = self.text(&example(variable.clone())).trim().to_owned();
                Example { variable, value }
            })
            .filter(|example| !example.value.is_empty())
            .collect();
        Text { text, examples }
    }

    /// After how many minutes the code expires; `Err` for what is no number.
    fn minutes(&self) -> Result<Option<u32>, String> {
        let typed = self.text(&Line::Expires);
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        let wrong = || format!("`{typed}` is no number of minutes; write 1 to 90, or nothing");
        typed.parse().map(Some).map_err(|_not_a_number| wrong())
    }

    /// The button of an authentication template.
    fn password(&self) -> Button {
        let text = self.text(&Line::ButtonText(0)).trim().to_owned();
        let kept = self.base.buttons.first();
        match kept {
            Some(Button::Otp(otp)) => Button::Otp(Otp { text, ..otp.clone() }),
            _ => Button::Otp(Otp {
                kind: OtpKind::CopyCode,
                text,
                autofill_text: None,
                apps: Vec::new(),
                zero_tap_terms: false,
            }),
        }
    }

    /// What stands in the preview in place of the variables: their examples.
    #[must_use]
    pub fn filling(&self) -> Filling {
        filling(&self.template())
    }

    /// The path that is typed as the header's example, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let typed = self.text(&Line::HeaderFile);
        match (self.header, file_source(&typed)) {
            (HeaderKind::Media(_), FileSource::Path(path)) if !path.is_empty() => {
                Some(path.to_owned())
            }
            _ => None,
        }
    }

    /// What was found at it.
    #[must_use]
    pub fn looked(&self) -> Option<&Looked> {
        let path = self.path()?;
        self.file.looked.as_ref().filter(|looked| looked.typed == path)
    }

    /// Takes what a look at a path found.
    pub fn found(&mut self, ticket: Ticket, looked: Looked) -> bool {
        let ours = self.file.ticket == Some(ticket);
        if ours {
            self.file = File { ticket: None, looked: Some(looked) };
        }
        ours
    }

    /// Meta refused it: the field that is at fault is gone to.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.busy = false;
        if let Some(part) = refusal.part {
            let breach = Breach { part, words: refusal.words.clone() };
            if let Some(line) = self.field_of(&self.lines(), &breach) {
                self.at = line;
            }
        }
        self.refused = Some(refusal);
    }
}

/// The one after or before, round and round.
fn next<T: Clone + PartialEq>(all: &[T], current: &T, forward: bool) -> T {
    let at = all.iter().position(|one| one == current);
    let to = match (at, forward) {
        (None, _) => 0,
        (Some(at), true) => (at + 1) % all.len().max(1),
        (Some(at), false) => at.checked_sub(1).unwrap_or(all.len().saturating_sub(1)),
    };
    all.get(to).cloned().unwrap_or_else(|| current.clone())
}
