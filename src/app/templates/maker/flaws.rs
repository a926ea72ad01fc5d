//! What is wrong in the editor, and at which field.

use super::super::parts::{ButtonKind, HeaderKind};
use super::{Line, Maker};
use crate::domain::template::rules::{Breach, Part, breaches};
use crate::domain::template::{Category, example_too_big};

impl Maker {
    /// Everything that Meta would refuse, what is missing included.
    #[must_use]
    pub fn breaches(&self) -> Vec<Breach> {
        let mut found = breaches(&self.template());
        if self.category == Category::Authentication {
            if let Err(words) = self.minutes() {
                found.push(Breach { part: Part::Footer, words });
            }
            return found;
        }
        if let HeaderKind::Media(_) = self.header
            && let Some(looked) = self.looked()
        {
            let words = match &looked.file {
                Ok((path, size)) => example_too_big(path, *size),
                Err(words) => Some(words.clone()),
            };
            found.extend(words.map(|words| Breach { part: Part::Header, words }));
        }
        found
    }

    /// The part that a field belongs to.
    #[must_use]
    pub fn part(&self, line: &Line) -> Part {
        match line {
            Line::Name => Part::Name,
            Line::Language => Part::Language,
            Line::Category => Part::Category,
            Line::Header | Line::HeaderText | Line::HeaderExample(_) | Line::HeaderFile => {
                Part::Header
            }
            Line::Variables | Line::Body | Line::Example(_) | Line::Advice => Part::Body,
            Line::Footer | Line::Expires => Part::Footer,
            Line::Button(index)
            | Line::ButtonText(index)
            | Line::ButtonValue(index)
            | Line::ButtonExample(index) => Part::Button(self.place(*index)),
        }
    }

    /// The index at Meta of a button of the editor: those that do nothing do not count.
    fn place(&self, index: usize) -> usize {
        if self.category == Category::Authentication {
            return 0;
        }
        self.buttons.iter().take(index).filter(|(kind, _)| *kind != ButtonKind::None).count()
    }

    /// What is wrong at a field: what is said of its part stands at the field that it is about.
    #[must_use]
    pub fn wrong<'a>(&self, line: &Line, breaches: &'a [Breach]) -> Vec<&'a Breach> {
        let lines = self.lines();
        let here = |breach: &&Breach| self.field_of(&lines, breach).as_ref() == Some(line);
        breaches.iter().filter(here).collect()
    }

    /// The field that a breach is about.
    pub(super) fn field_of(&self, lines: &[Line], breach: &Breach) -> Option<Line> {
        let of_part: Vec<&Line> = match breach.part {
            Part::Buttons => lines
                .iter()
                .filter(|line| matches!(line, Line::Button(_) | Line::ButtonText(_)))
                .collect(),
            part => lines
                .iter()
                .filter(|line| {
                    // One that does nothing has the index of the next that does.
                    let idle = matches!(line, Line::Button(index)
                        if self.button(*index) == Some(ButtonKind::None));
                    !idle && self.part(line) == part && **line != Line::Variables
                })
                .collect(),
        };
        let fits = |line: &&&Line| match line {
            Line::Example(variable) | Line::HeaderExample(variable) => {
                breach.words.starts_with(&format!("`{{{{{variable}}}}}` has no example"))
            }
            Line::HeaderText => !breach.words.contains("has no example"),
            Line::HeaderFile => true,
            Line::ButtonExample(_) => breach.words.contains("has no example"),
            Line::ButtonValue(_) => {
                ["its link", "its number", "`", "it names no flow", "it has no example of a code"]
                    .iter()
                    .any(|start| breach.words.starts_with(start))
            }
            Line::ButtonText(_) => {
                breach.words.starts_with("its text") || breach.words.starts_with("another")
            }
            _ => false,
        };
        let found = of_part.iter().find(|line| fits(line)).or(of_part.first());
        found.map(|line| (**line).clone()).or_else(|| lines.first().cloned())
    }

    /// The first field with something wrong.
    #[must_use]
    pub fn first_wrong(&self, breaches: &[Breach]) -> Option<Line> {
        let lines = self.lines();
        let wrong: Vec<Line> =
            breaches.iter().filter_map(|breach| self.field_of(&lines, breach)).collect();
        lines.into_iter().find(|line| wrong.contains(line))
    }
}
