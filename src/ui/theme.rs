//! Named styles. The default uses the terminal's own sixteen colours, so it suits light and dark ones;
//! without colour, everything that matters is still told apart by words, glyphs, bold and reverse.

use ratatui::style::{Color, Modifier, Style};

use crate::app::rows::Tone;
use crate::domain::text;

/// How many colours there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// None: `NO_COLOR` is set.
    None,
    /// The sixteen of the terminal.
    #[default]
    Sixteen,
    /// 24 bits.
    True,
}

/// What lines are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Borders {
    /// Box-drawing characters.
    #[default]
    Lines,
    /// `|`, `-` and `+`, for terminals that draw the others two cells wide.
    Ascii,
}

/// What states are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Ticks and the like, all one cell wide.
    #[default]
    Unicode,
    /// Letters.
    Ascii,
}

/// The look of the screen.
#[derive(Clone, Debug)]
pub struct Theme {
    pub(super) borders: Borders,
    pub(super) glyphs: Glyphs,
    pub(super) plain: Style,
    pub(super) dim: Style,
    pub(super) strong: Style,
    pub(super) accent: Style,
    pub(super) bar: Style,
    pub(super) demo: Style,
    pub(super) live: Style,
    pub(super) border: Style,
    pub(super) separator: Style,
    pub(super) new: Style,
    pub(super) unread: Style,
    pub(super) cursor_row: Style,
    pub(super) open_row: Style,
    pub(super) selected: Style,
    pub(super) label: Style,
    pub(super) quote: Style,
    pub(super) failure: Style,
    pub(super) doubt: Style,
    pub(super) held: Style,
    pub(super) read: Style,
    pub(super) good: Style,
    pub(super) mono: Style,
    pub(super) key: Style,
    pub(super) mode: Style,
    pub(super) banner: Style,
}

impl Theme {
    /// The look for a terminal with these abilities.
    #[must_use]
    pub fn new(colours: Colours, borders: Borders, glyphs: Glyphs) -> Self {
        let paint = |sixteen: Color, (red, green, blue): (u8, u8, u8)| match colours {
            Colours::None => Style::new(),
            Colours::Sixteen => Style::new().fg(sixteen),
            Colours::True => Style::new().fg(Color::Rgb(red, green, blue)),
        };
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        let dim = match colours {
            Colours::None => Style::new().add_modifier(Modifier::DIM),
            _ => paint(Color::DarkGray, (127, 132, 142)),
        };
        let red = paint(Color::Red, (224, 96, 96));
        let yellow = paint(Color::Yellow, (214, 168, 84));
        let green = paint(Color::Green, (110, 178, 120));
        let cyan = paint(Color::Cyan, (86, 182, 194));
        let magenta = paint(Color::Magenta, (190, 120, 200));
        Self {
            borders,
            glyphs,
            plain: Style::new(),
            dim,
            strong: bold,
            accent: cyan.add_modifier(Modifier::BOLD),
            bar: bold,
            demo: yellow.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            live: green.add_modifier(Modifier::BOLD),
            border: dim,
            separator: dim,
            new: yellow.add_modifier(Modifier::BOLD),
            unread: green.add_modifier(Modifier::BOLD),
            cursor_row: reversed,
            open_row: bold,
            selected: cyan.add_modifier(Modifier::BOLD),
            label: cyan,
            quote: dim.add_modifier(Modifier::ITALIC),
            failure: red,
            doubt: yellow,
            held: magenta,
            read: cyan.add_modifier(Modifier::BOLD),
            good: green,
            mono: yellow,
            key: bold,
            mode: reversed.add_modifier(Modifier::BOLD),
            banner: red.add_modifier(Modifier::BOLD),
        }
    }
}

impl Theme {
    /// The style of words by what they mean.
    pub(super) const fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Said => self.plain,
            Tone::Label => self.label,
            Tone::Dim => self.dim,
            Tone::Quote => self.quote,
            Tone::Failure => self.failure,
            Tone::Doubt => self.doubt,
            Tone::Held => self.held,
        }
    }

    /// Stands for what was cut off. The usual one is two columns wide where box-drawing characters are.
    #[must_use]
    pub const fn ellipsis(&self) -> &'static str {
        match (self.glyphs, self.borders) {
            (Glyphs::Unicode, Borders::Lines) => text::ELLIPSIS,
            _ => text::ELLIPSIS_ASCII,
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(Colours::default(), Borders::default(), Glyphs::default())
    }
}
