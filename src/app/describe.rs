//! Plain words for everything a message can be, and for people. What comes out is sanitised.

use crate::domain::conversation::{Contact, Conversation};
use crate::domain::message::{
    Body, Card, Media, MediaCopy, MediaKind, Message, OrderItem, ReplyKind,
};
use crate::domain::state::State;
use crate::domain::template::{SentHeader, SentTemplate};
use crate::domain::time::Timestamp;
use crate::domain::window::{CLOSING, Window};
use crate::domain::wish::{How, Wish};
use crate::domain::{phone, text};

/// How a paragraph is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Words of a person, with WhatsApp's markup.
    Said,
    /// The program's words that stand for something it does not show.
    Label,
    /// What goes with a label.
    Aside,
    /// A file that cannot be had: what it is, and after a line break why.
    Lost,
}

/// A paragraph of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph {
    /// Sanitised; may have line breaks.
    pub text: String,
    /// How it is meant.
    pub voice: Voice,
}

/// Cards and order lines shown before "and more".
const SHOWN_PARTS: usize = 5;

/// The name of a contact: profile name, username, number, user id, in this order.
#[must_use]
pub fn name(contact: &Contact) -> String {
    let named = contact
        .name
        .as_deref()
        .map(|name| text::display_safe(name).trim().to_owned())
        .filter(|name| !name.is_empty());
    let username = || contact.username.as_deref().and_then(username);
    named.or_else(username).unwrap_or_else(|| handle(contact))
}

/// A username with the one @ before it, however it came. Sanitised; none when there is nothing of it.
#[must_use]
pub fn username(name: &str) -> Option<String> {
    let safe = text::display_safe(name);
    let bare = safe.trim().trim_start_matches('@');
    (!bare.is_empty()).then(|| format!("@{bare}"))
}

/// The number of a contact as people write it; failing that the username, failing that the user id.
#[must_use]
pub fn handle(contact: &Contact) -> String {
    let number = contact.wa_id.as_ref().map(phone::display);
    let username = || contact.username.as_deref().and_then(username);
    let user = || contact.user_id.as_ref().map(|id| text::display_safe(id.as_str()).into_owned());
    number.or_else(username).or_else(user).unwrap_or_else(|| "unknown".to_owned())
}

fn said(text: &str) -> Paragraph {
    Paragraph { text: text::display_safe_multiline(text).into_owned(), voice: Voice::Said }
}

fn label(text: &str) -> Paragraph {
    Paragraph { text: text::display_safe(text).into_owned(), voice: Voice::Label }
}

fn aside(text: &str) -> Paragraph {
    Paragraph { text: text::display_safe_multiline(text).into_owned(), voice: Voice::Aside }
}

/// A message as one line: for quotes and the reply bar.
#[must_use]
pub fn line(message: &Message) -> String {
    if message.revoked {
        return "[deleted]".to_owned();
    }
    let parts = body(&message.body);
    let words: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
    text::display_safe(&words.join(" ")).into_owned()
}

/// The file of a message that lies in the data directory, as the store names it.
#[must_use]
pub fn stored_file(message: &Message) -> Option<&str> {
    match message.body.file().map(|media| &media.copy) {
        Some(MediaCopy::Stored { path, .. }) if !message.revoked => Some(path),
        _ => None,
    }
}

/// Whether there are words of a person in it.
#[must_use]
pub fn says(message: &Message) -> bool {
    body(&message.body).iter().any(|part| part.voice == Voice::Said && !part.text.is_empty())
}

/// The text to copy: what a person said, or the label where nobody said anything.
#[must_use]
pub fn copied(message: &Message) -> String {
    let parts = body(&message.body);
    let of = |wanted: &dyn Fn(Voice) -> bool| {
        let words: Vec<_> =
            parts.iter().filter(|part| wanted(part.voice)).map(|part| part.text.as_str()).collect();
        words.join("\n")
    };
    let said = of(&|voice| voice == Voice::Said);
    if said.is_empty() { of(&|_| true) } else { said }
}

/// A body as paragraphs.
#[must_use]
pub fn body(body: &Body) -> Vec<Paragraph> {
    match body {
        Body::Text { text, .. } => vec![said(text)],
        Body::Media { media, caption } => {
            let mut parts = vec![media_label(media)];
            parts.extend(caption.as_deref().map(said));
            parts
        }
        Body::Location { latitude, longitude, name, address } => {
            place_of(*latitude, *longitude, name.as_deref(), address.as_deref())
        }
        Body::Contacts(cards) => cards_of(cards),
        Body::Reaction { emoji: Some(emoji), .. } => vec![label(&format!("[reaction] {emoji}"))],
        Body::Reaction { emoji: None, .. } => vec![label("[took a reaction back]")],
        Body::Reply { kind, title, detail, .. } => reply_of(*kind, title, detail.as_deref()),
        Body::Interactive { kind, text, options } => {
            let mut parts = vec![label(&format!("[{kind}]")), said(text)];
            if !options.is_empty() {
                parts.push(aside(&format!("( {} )", options.join(" )  ( "))));
            }
            parts
        }
        Body::Template(sent) => template_of(sent),
        Body::Order { text, items } => order_of(text.as_deref(), items),
        Body::System { text, .. } => vec![label(&format!("[WhatsApp] {text}"))],
        Body::Edit { text, .. } => vec![label("[edited an earlier message]"), said(text)],
        Body::Revoke { .. } => vec![label("[deleted an earlier message]")],
        Body::Welcome => vec![label("[opened the chat for the first time]")],
        Body::Unsupported { kind, code, detail } => {
            let kind = kind.as_deref().unwrap_or("message");
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            let mut parts =
                vec![aside(&format!("[{kind}] WhatsApp does not pass this on to programs{code}"))];
            parts.extend(detail.as_deref().map(aside));
            parts
        }
        Body::Unknown { kind } => {
            vec![aside(&format!("[{kind}] not shown by this version; kept as it came"))]
        }
    }
}

fn media_words(media: &Media) -> String {
    let kind = match media.kind {
        MediaKind::Audio if media.voice => "voice message",
        MediaKind::Sticker if media.animated => "animated sticker",
        MediaKind::Image
        | MediaKind::Video
        | MediaKind::Audio
        | MediaKind::Document
        | MediaKind::Sticker => media.kind.name(),
    };
    let mut words = format!("[{kind}]");
    if let Some(name) = &media.file_name {
        words.push(' ');
        words.push_str(name);
    }
    words
}

fn media_label(media: &Media) -> Paragraph {
    let words = media_words(media);
    match &media.copy {
        MediaCopy::Stored { size, .. } => label(&format!("{words}  {}", bytes(*size))),
        MediaCopy::Pending if is_link(media) => label(&format!("{words}  a link")),
        MediaCopy::Pending => label(&format!("{words}  not fetched yet")),
        MediaCopy::Outside { .. } => label(&words),
        MediaCopy::Failed(reason) => {
            let (words, reason) = (text::display_safe(&words), text::display_safe(reason));
            Paragraph { text: format!("{words}\n{reason}"), voice: Voice::Lost }
        }
    }
}

/// Whether it is what lies behind a link of ours: Meta fetches that, not we. What came has an id of Meta's.
#[must_use]
pub const fn is_link(media: &Media) -> bool {
    media.id.is_none() && media.url.is_some()
}

/// Why the file of a message cannot be had, if so. Sanitised.
#[must_use]
pub fn lost_file(message: &Message) -> Option<String> {
    match &message.body {
        Body::Media { media: Media { copy: MediaCopy::Failed(reason), .. }, .. } => {
            Some(text::display_safe(reason).into_owned())
        }
        _ => None,
    }
}

/// Whether something went wrong with the message: it failed, nobody knows what became of it, or its file is lost.
#[must_use]
pub fn is_troubled(message: &Message) -> bool {
    matches!(message.state, State::Failed | State::Uncertain) || lost_file(message).is_some()
}

/// A number for people: `1,180`.
#[must_use]
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `84 KB`, as file managers count: powers of ten.
#[must_use]
pub fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

fn template_of(sent: &SentTemplate) -> Vec<Paragraph> {
    let SentTemplate { name, language, category, .. } = sent;
    let mut words = format!("[template] {name}, {language}");
    if let Some(category) = category {
        words.push_str(", ");
        words.push_str(&category.name().to_lowercase());
    }
    let mut parts = vec![label(&words)];
    match &sent.header {
        None => {}
        Some(SentHeader::Text { text, .. }) => parts.push(said(text)),
        // What was sent by id or link is never fetched.
        Some(SentHeader::Media(media @ Media { copy: MediaCopy::Pending, .. })) => {
            parts.push(label(&media_words(media)));
        }
        Some(SentHeader::Media(media)) => parts.push(media_label(media)),
        Some(SentHeader::Location { latitude, longitude, name, address }) => {
            parts.extend(place_of(*latitude, *longitude, name.as_deref(), address.as_deref()));
        }
    }
    parts.push(said(&sent.text));
    parts.extend(sent.footer.as_deref().map(aside));
    if !sent.buttons.is_empty() {
        let texts: Vec<_> = sent.buttons.iter().map(|button| button.text.as_str()).collect();
        parts.push(aside(&format!("( {} )", texts.join(" )  ( "))));
    }
    parts
}

fn place_of(
    latitude: f64,
    longitude: f64,
    name: Option<&str>,
    address: Option<&str>,
) -> Vec<Paragraph> {
    let place: Vec<_> = [name, address].into_iter().flatten().collect();
    let mut parts = vec![label(&format!("[location] {latitude:.5}, {longitude:.5}"))];
    if !place.is_empty() {
        parts.push(aside(&place.join(", ")));
    }
    parts
}

fn cards_of(cards: &[Card]) -> Vec<Paragraph> {
    let mut parts: Vec<_> = cards
        .iter()
        .take(SHOWN_PARTS)
        .map(|card| {
            let mut words = vec![card.name.clone().unwrap_or_else(|| "no name".to_owned())];
            words.extend(card.phones.iter().cloned());
            words.extend(card.emails.iter().cloned());
            words.extend(card.company.iter().cloned());
            label(&format!("[contact] {}", words.join(", ")))
        })
        .collect();
    if cards.is_empty() {
        parts.push(label("[contact] an empty card"));
    }
    if let Some(more) = cards.len().checked_sub(SHOWN_PARTS).filter(|more| *more > 0) {
        parts.push(aside(&format!("and {more} more")));
    }
    parts
}

fn reply_of(kind: ReplyKind, title: &str, detail: Option<&str>) -> Vec<Paragraph> {
    let kind = match kind {
        ReplyKind::Button | ReplyKind::TemplateButton => "button",
        ReplyKind::List => "list",
        ReplyKind::Flow => "form",
        ReplyKind::CallPermission => "call permission",
    };
    let mut parts = vec![label(&format!("[{kind}] {title}"))];
    parts.extend(detail.filter(|detail| !detail.is_empty()).map(aside));
    parts
}

fn order_of(text: Option<&str>, items: &[OrderItem]) -> Vec<Paragraph> {
    let mut parts = vec![label(&format!("[order] {}", order_sum(items)))];
    parts.extend(text.filter(|text| !text.is_empty()).map(said));
    parts.extend(items.iter().take(SHOWN_PARTS).map(|item| {
        aside(&format!(
            "{} x {}  {:.2} {}",
            item.quantity, item.retailer_id, item.price, item.currency
        ))
    }));
    if let Some(more) = items.len().checked_sub(SHOWN_PARTS).filter(|more| *more > 0) {
        parts.push(aside(&format!("and {more} more")));
    }
    parts
}

/// `2 articles, 59.80 BRL`; without the sum when the currencies differ.
fn order_sum(items: &[OrderItem]) -> String {
    let articles = match items.len() {
        1 => "1 article".to_owned(),
        count => format!("{count} articles"),
    };
    match items.first() {
        Some(first) if items.iter().all(|item| item.currency == first.currency) => {
            let sum: f64 = items.iter().map(|item| item.quantity * item.price).sum();
            format!("{articles}, {sum:.2} {}", first.currency)
        }
        _ => articles,
    }
}

/// What is left of the window, in at most four columns: `23h`, `48m!`, `tpl` for templates only, `out` when
/// not even marketing templates may go; nothing when it is not known.
#[must_use]
pub fn window_cell(row: &Conversation, now: Timestamp) -> String {
    let out = row.opted_out.is_some();
    match row.window(now) {
        Window::Open(end) => match end.since(now) {
            left if left < CLOSING => format!("{}m!", left.as_secs() / 60),
            left => format!("{}h", left.as_secs() / 3600),
        },
        Window::Closed(_) | Window::Refused(_) | Window::Unknown if out => "out".to_owned(),
        Window::Closed(_) | Window::Refused(_) => "tpl".to_owned(),
        Window::Unknown => String::new(),
    }
}

/// What somebody said about marketing, as a sentence without its end. Unsanitised.
#[must_use]
pub fn wish(wish: &Wish) -> String {
    let (stopped, allowed) = ("They opted out of marketing", "They allow marketing again");
    match (wish.stop, &wish.how) {
        (true, How::Chosen) => format!("{stopped} in WhatsApp"),
        (true, How::Wrote(word)) => format!("{stopped}: they wrote {word:?}"),
        (true, How::Refused) => format!("{stopped}: WhatsApp refused a template (131050)"),
        (true, How::Decided(who)) => format!("Marketing stopped by {who}"),
        (false, How::Wrote(word)) => format!("{allowed}: they wrote {word:?}"),
        (false, How::Decided(who)) => format!("Marketing allowed again by {who}"),
        (false, How::Chosen | How::Refused) => format!("{allowed} in WhatsApp"),
    }
}
