//! The fields of the editor.

use super::Maker;
use crate::domain::template::Category;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Its name.
    Name,
    /// Its language.
    Language,
    /// What it is for.
    Category,
    /// Whether its variables have numbers or names.
    Variables,
    /// What stands above the body.
    Header,
    /// The text of that.
    HeaderText,
    /// An example for a variable in that.
    HeaderExample(String),
    /// The example of a file there.
    HeaderFile,
    /// The body.
    Body,
    /// An example for a variable in it.
    Example(String),
    /// The line below it.
    Footer,
    /// Whether Meta writes that the code is not to be shared.
    Advice,
    /// After how many minutes the code expires.
    Expires,
    /// What a button does.
    Button(usize),
    /// What is on it.
    ButtonText(usize),
    /// Its link, number, code or flow.
    ButtonValue(usize),
    /// An example for the variable of its link.
    ButtonExample(usize),
}

impl Line {
    /// Whether it is chosen from a few and not typed.
    #[must_use]
    pub const fn is_choice(&self) -> bool {
        matches!(
            self,
            Self::Category | Self::Variables | Self::Header | Self::Advice | Self::Button(_)
        )
    }

    /// What it is called.
    #[must_use]
    pub fn label(&self, maker: &Maker) -> String {
        match self {
            Self::Name => "name".to_owned(),
            Self::Language => "language".to_owned(),
            Self::Category => "category".to_owned(),
            Self::Variables => "variables".to_owned(),
            Self::Header => "header".to_owned(),
            Self::HeaderFile => "  example file".to_owned(),
            Self::Body => "body".to_owned(),
            Self::HeaderExample(variable) | Self::Example(variable) => {
                format!("  {{{{{variable}}}}}")
            }
            Self::Footer => "footer".to_owned(),
            Self::Advice => "do not share".to_owned(),
            Self::Expires => "expires".to_owned(),
            Self::Button(index) => format!("button {}", index + 1),
            Self::ButtonText(_) if maker.category == Category::Authentication => {
                "button text".to_owned()
            }
            Self::HeaderText | Self::ButtonText(_) => "  text".to_owned(),
            Self::ButtonValue(index) => {
                format!("  {}", maker.button(*index).map_or("", |kind| kind.value_name()))
            }
            Self::ButtonExample(_) => "  {{1}}".to_owned(),
        }
    }
}
