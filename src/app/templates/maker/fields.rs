//! What stands in the editor as words, so that it outlives the program.

use super::{ButtonKind, Editor, HeaderKind, Line, Maker};
use crate::domain::template::{Category, Fields};

/// What a choice of two is written as.
const YES: &str = "yes";

impl Line {
    /// The field in a word.
    fn word(&self) -> String {
        let word = match self {
            Self::Name => "name",
            Self::Language => "language",
            Self::Category => "category",
            Self::Variables => "named variables",
            Self::Header => "header",
            Self::HeaderText => "header text",
            Self::HeaderExample(variable) => return format!("header example {variable}"),
            Self::HeaderFile => "header file",
            Self::Body => "body",
            Self::Example(variable) => return format!("example {variable}"),
            Self::Footer => "footer",
            Self::Advice => "advice",
            Self::Expires => "expires",
            Self::Button(index) => return format!("button {index}"),
            Self::ButtonText(index) => return format!("button text {index}"),
            Self::ButtonValue(index) => return format!("button value {index}"),
            Self::ButtonExample(index) => return format!("button example {index}"),
        };
        word.to_owned()
    }

    /// The field of a word; none for one of a later version.
    fn of_word(word: &str) -> Option<Self> {
        const PLAIN: [Line; 11] = [
            Line::Name,
            Line::Language,
            Line::Category,
            Line::Variables,
            Line::Header,
            Line::HeaderText,
            Line::HeaderFile,
            Line::Body,
            Line::Footer,
            Line::Advice,
            Line::Expires,
        ];
        if let Some(plain) = PLAIN.into_iter().find(|plain| plain.word() == word) {
            return Some(plain);
        }
        let (of, which) = word.rsplit_once(' ')?;
        let index = || which.parse().ok().filter(|index| *index < super::BUTTONS_MAX);
        match of {
            "header example" => Some(Self::HeaderExample(which.to_owned())),
            "example" => Some(Self::Example(which.to_owned())),
            "button" => index().map(Self::Button),
            "button text" => index().map(Self::ButtonText),
            "button value" => index().map(Self::ButtonValue),
            "button example" => index().map(Self::ButtonExample),
            _ => None,
        }
    }
}

impl Maker {
    /// All that is typed and chosen.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let yes = |chosen| if chosen { YES.to_owned() } else { String::new() };
        let buttons = self.buttons.iter().enumerate();
        let buttons =
            buttons.map(|(index, (kind, _))| (Line::Button(index), kind.name().to_owned()));
        let choices = [
            (Line::Category, self.category.name().to_owned()),
            (Line::Variables, yes(self.named)),
            (Line::Header, self.header.name().to_owned()),
            (Line::Advice, yes(self.advice)),
        ];
        let texts = self.texts.iter().map(|(line, editor)| (line.clone(), editor.text()));
        let all = choices.into_iter().chain(buttons).chain(texts);
        all.map(|(line, text)| (line.word(), text)).collect()
    }

    /// Puts back what was typed and chosen earlier.
    pub fn put_back(&mut self, fields: &Fields) {
        for (line, text) in
            fields.iter().filter_map(|(word, text)| Some((Line::of_word(word)?, text)))
        {
            match line {
                Line::Category => self.category = Category::named(text),
                Line::Variables => self.named = text == YES,
                Line::Header => self.header = HeaderKind::named(text).unwrap_or(self.header),
                Line::Advice => self.advice = text == YES,
                Line::Button(index) => {
                    if index >= self.buttons.len() {
                        self.buttons.resize_with(index + 1, || (ButtonKind::None, None));
                    }
                    if let (Some((kind, _)), Some(named)) =
                        (self.buttons.get_mut(index), ButtonKind::named(text))
                    {
                        *kind = named;
                    }
                }
                line => {
                    let many_lines = line == Line::Body;
                    self.texts.insert(line, Editor::new(text, many_lines));
                }
            }
        }
        self.touched = true;
        self.keep_one_free();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Purpose;
    use super::{Line, Maker};

    #[test]
    fn whatever_is_typed_and_chosen_comes_back() {
        let mut maker = Maker::empty("pt_BR");
        let mut type_into = |line: Line, text: &str| {
            maker.at = line;
            maker.editor_mut().unwrap().set(text);
            maker.changed();
        };
        type_into(Line::Name, "aviso");
        type_into(Line::Body, "Oi {{nome}}\nate logo");
        type_into(Line::Example("nome".to_owned()), "Ana");
        type_into(Line::ButtonText(0), "Ver");
        for (line, turns) in
            [(Line::Category, 1), (Line::Variables, 1), (Line::Header, 4), (Line::Button(0), 2)]
        {
            maker.at = line;
            for _ in 0..turns {
                assert!(maker.turn(true));
            }
        }
        let mut again = Maker::empty("en_US");
        again.put_back(&maker.fields());
        assert_eq!(again.fields(), maker.fields());
        assert_eq!(again.template(), maker.template());
        assert_eq!((again.purpose.clone(), again.touched), (Purpose::New, true));
    }

    #[test]
    fn words_of_a_later_version_are_passed_over() {
        let mut maker = Maker::empty("en_US");
        let before = maker.fields();
        let words = ["button 99", "carousel", "button text x", "card 1"];
        maker.put_back(&words.map(|word| (word.to_owned(), "a".to_owned())).into());
        assert_eq!(maker.fields(), before);
    }
}
