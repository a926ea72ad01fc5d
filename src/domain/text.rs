//! Text as a terminal shows it: made safe, measured, cut, wrapped, and read for WhatsApp's markup.
//!
//! Text is stored as it came. Whatever comes from outside (bodies, names, usernames, file names, error
//! words) passes [`display_safe`] or [`display_safe_multiline`] before it reaches any sink: a widget, the
//! window title, a notification, the clipboard, a log line, the output of a command. This is the only
//! sanitiser, and the only place that knows how many columns a text takes: always by grapheme, never
//! by `char`.

mod file_name;
mod markup;
mod safe;
mod width;
mod wrap;

pub use file_name::file_name_safe;
pub use markup::{Markup, Span, markup};
pub use safe::{cell_safe, display_safe, display_safe_multiline, shorten_number};
pub use width::{
    ELLIPSIS, ELLIPSIS_ASCII, cells, fill, from_column, pad, truncate, truncate_with, width,
};
pub use wrap::{Line, MIN_COLUMNS, wrap};
