//! A template's message as the customer sees it: header, body with WhatsApp's markup, footer, buttons.

use crate::app::rows::{self, Piece, Tone};
use crate::domain::message::Media;
use crate::domain::template::{Header, SentAction, SentHeader, SentTemplate};
use crate::domain::text::{self, Markup};

/// A row of the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Words, as wrapped.
    Words(Vec<Piece>),
    /// A line across.
    Rule,
    /// A button, with what stands on it and a word of what it does.
    Button(String),
}

/// The card for a width. Sanitised, no row is wider. Where the place of its header is still missing, its kind
/// stands for it.
#[must_use]
pub fn rows(sent: &SentTemplate, header: Option<&Header>, width: usize) -> Vec<Row> {
    let width = width.max(text::MIN_COLUMNS);
    let mut rows = Vec::new();
    match &sent.header {
        None if header == Some(&Header::Location) => {
            plain("[location]", Tone::Label, Markup::PLAIN, width, &mut rows);
        }
        None => {}
        Some(SentHeader::Text { text, .. }) => {
            let safe = text::display_safe(text);
            plain(&safe, Tone::Said, Markup::BOLD, width, &mut rows);
        }
        Some(SentHeader::Media(media)) => {
            plain(&file(media), Tone::Label, Markup::PLAIN, width, &mut rows);
        }
        Some(SentHeader::Location { latitude, longitude, name, address }) => {
            let name = name.as_deref().unwrap_or_default();
            let words = format!("[location {latitude:.5}, {longitude:.5}] {name}");
            plain(&text::display_safe(&words), Tone::Label, Markup::PLAIN, width, &mut rows);
            if let Some(address) = address {
                plain(&text::display_safe(address), Tone::Dim, Markup::PLAIN, width, &mut rows);
            }
        }
    }
    if !sent.text.is_empty() {
        let safe = text::display_safe_multiline(&sent.text);
        rows.extend(rows::wrapped_markup(&safe, Tone::Said, width).into_iter().map(Row::Words));
    }
    if let Some(footer) = &sent.footer {
        plain(&text::display_safe(footer), Tone::Dim, Markup::PLAIN, width, &mut rows);
    }
    if !sent.buttons.is_empty() {
        rows.push(Row::Rule);
    }
    for button in &sent.buttons {
        let label = text::display_safe(&button.text);
        let detail = detail(&button.action);
        let words = match detail {
            Some(detail) => format!("( {label} )  {}", text::display_safe(&detail)),
            None => format!("( {label} )"),
        };
        rows.push(Row::Button(words));
    }
    rows
}

/// What a button leads to, where that was filled in or is worth seeing.
fn detail(action: &SentAction) -> Option<String> {
    match action {
        SentAction::Url { url, .. } => Some(url.clone()),
        SentAction::Phone { number } => Some(number.clone()),
        SentAction::CopyCode { code } | SentAction::OneTimePassword { code } => Some(code.clone()),
        _ => None,
    }
}

/// `[image caixa.jpg]`, or the kind alone while it is missing.
fn file(media: &Media) -> String {
    let kind = media.kind.name();
    let id = media.id.as_ref().map(|id| format!("id {}", id.as_str()));
    let name = media.file_name.clone().or_else(|| media.url.clone()).or(id);
    let words = name.map_or_else(|| format!("[{kind}]"), |name| format!("[{kind} {name}]"));
    text::display_safe(&words).into_owned()
}

fn plain(words: &str, tone: Tone, markup: Markup, width: usize, rows: &mut Vec<Row>) {
    for line in text::wrap(words, width) {
        let text = words.get(line.range).unwrap_or_default().to_owned();
        rows.push(Row::Words(vec![Piece { text, tone, markup }]));
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, rows};
    use crate::domain::template::{Header, SentTemplate};

    /// Nothing stood above the body until the place was filled in.
    #[test]
    fn a_header_whose_place_is_missing_stands_there_as_its_kind() {
        let first = |header| match rows(&SentTemplate::default(), header, 40).first() {
            Some(Row::Words(pieces)) => pieces.iter().map(|piece| piece.text.as_str()).collect(),
            _ => String::new(),
        };
        assert_eq!(first(Some(&Header::Location)), "[location]");
        assert_eq!(first(None), "");
    }
}
