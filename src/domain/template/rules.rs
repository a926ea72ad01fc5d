//! What Meta checks when a template is made, so that a person hears of it before Meta is asked.
//!
//! Numbers are Meta's (message templates, components; authentication templates; time-to-live), subcodes in
//! brackets are those it refuses with. What only a reviewer can tell is not in here.

mod button;
mod text;

use std::fmt;

use super::check::URL_MAX;
use super::slot::{BODY_MAX, CODE_MAX, HEADER_MAX, dynamic_url};
use super::{Button, Category, FileSource, Header, OtpKind, Template, file_source};

/// Characters of a name.
const NAME_MAX: usize = 512;
/// Characters of a footer.
const FOOTER_MAX: usize = 60;
/// Seconds that an authentication template may be tried for; -1 stands for 30 days.
const AUTHENTICATION_TTL: (i64, i64) = (30, 900);
/// The same for a utility template.
const UTILITY_TTL: (i64, i64) = (30, 43_200);
/// The same for a marketing template, which has no -1.
const MARKETING_TTL: (i64, i64) = (43_200, 2_592_000);

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Its name.
    Name,
    /// Its language.
    Language,
    /// Its category.
    Category,
    /// What stands above the body.
    Header,
    /// The body.
    Body,
    /// The line below it.
    Footer,
    /// The buttons as a whole.
    Buttons,
    /// The button with this index, from 0. As text it counts from 1.
    Button(usize),
    /// How long Meta tries to deliver it.
    Ttl,
    /// The template as a whole.
    Whole,
}

impl Part {
    /// The part that Meta means by a subcode of its refusal (Meta, template errors).
    #[must_use]
    pub const fn refused_with(subcode: i64) -> Option<Self> {
        Some(match subcode {
            2_388_023 | 2_388_024 => Self::Name,
            2_388_047 | 2_388_273 => Self::Header,
            2_388_072 | 2_388_293 | 2_388_299 => Self::Body,
            2_388_073 => Self::Footer,
            _ => return None,
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Language => "language",
            Self::Category => "category",
            Self::Header => "header",
            Self::Body => "body",
            Self::Footer => "footer",
            Self::Buttons => "buttons",
            Self::Button(index) => return write!(f, "button {}", index + 1),
            Self::Ttl => "ttl",
            Self::Whole => "template",
        })
    }
}

/// What Meta would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Where.
    pub part: Part,
    /// What is wrong and what would be right, without the part's name.
    pub words: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.words)
    }
}

/// The breaches found so far.
#[derive(Default)]
struct Found(Vec<Breach>);

impl Found {
    fn add(&mut self, part: Part, words: impl Into<String>) {
        self.0.push(Breach { part, words: words.into() });
    }

    /// Whether there is something, and not too much of it.
    fn length(&mut self, part: Part, what: &str, text: &str, max: usize) {
        let is = text.chars().count();
        if text.trim().is_empty() {
            // Every template has a name and a body.
            let remedy = match part {
                Part::Name | Part::Body => "write something",
                _ => "write something or leave it out",
            };
            self.add(part, format!("{what} is empty; {remedy}"));
        } else if is > max {
            self.add(
                part,
                format!("{what} has {is} characters, and Meta takes at most {max}; shorten it"),
            );
        }
    }
}

/// Everything in a template that Meta would refuse when it is made, in the order of its parts.
#[must_use]
pub fn breaches(template: &Template) -> Vec<Breach> {
    let mut found = Found::default();
    identity(template, &mut found);
    for kind in &template.other {
        found.add(Part::Whole, format!("a part of type {kind} cannot be made with this version"));
    }
    let has_password = template.buttons.iter().any(|button| matches!(button, Button::Otp(_)));
    if template.category == Category::Authentication {
        authentication(template, &mut found);
    } else {
        if let Some(each) = &template.header {
            header(template, each, &mut found);
        }
        body(template, &mut found);
        if let Some(footer) = &template.footer {
            found.length(Part::Footer, "it", footer, FOOTER_MAX);
            text::single_line(Part::Footer, footer, &mut found);
            text::no_variables(Part::Footer, footer, &mut found);
        }
        if has_password {
            found.add(
                Part::Category,
                "a button for one-time passwords is for AUTHENTICATION templates alone",
            );
        }
        button::all(template, &mut found);
    }
    ttl(template, &mut found);
    found.0
}

fn identity(template: &Template, found: &mut Found) {
    let name = &template.name;
    found.length(Part::Name, "it", name, NAME_MAX);
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(is_plain) {
        found.add(
            Part::Name,
            format!("`{name}` may have small letters a to z, digits and underscores alone"),
        );
    }
    if !is_language(&template.language) {
        found.add(
            Part::Language,
            format!(
                "`{}` is no language code of Meta's; write it as `en` or `pt_BR`",
                template.language
            ),
        );
    }
    if let Category::Other(word) = &template.category {
        found.add(
            Part::Category,
            format!("`{word}` is none; there are MARKETING, UTILITY and AUTHENTICATION"),
        );
    }
}

/// Two or three small letters, and perhaps a region or script.
fn is_language(code: &str) -> bool {
    let (language, region) = code.split_once('_').map_or((code, None), |(a, b)| (a, Some(b)));
    let is_region = |region: &str| {
        (2..=4).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(is_region)
}

fn header(template: &Template, header: &Header, found: &mut Found) {
    let part = Part::Header;
    match header {
        Header::Text(text) => {
            found.length(part, "it", &text.text, HEADER_MAX);
            text::single_line(part, &text.text, found);
            text::no_decoration(part, &text.text, found);
            let variables = text::variables_of(part, text, template.parameters, found);
            if variables > 1 {
                found.add(part, format!("it has {variables} variables, and Meta takes one"));
            }
        }
        Header::Media { format, example } => match example.as_deref() {
            None | Some("") => found.add(
                part,
                format!("it has no example; name {} or a link to one", example_of(*format)),
            ),
            Some(example) => {
                if let FileSource::Link(link) = file_source(example)
                    && !link.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
                    && !is_of_this_machine(link)
                {
                    found.add(part, format!("`{link}` is no https link"));
                }
            }
        },
        Header::Location => {}
        Header::Other(kind) => {
            found.add(part, format!("one of type {kind} cannot be made with this version"));
        }
    }
}

/// Whether a link leads to this machine, such as one of the simulator: it is fetched here and goes to Meta as a file.
fn is_of_this_machine(link: &str) -> bool {
    let rest = link.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["127.0.0.1", "localhost"].contains(&host)
}

const fn example_of(format: super::MediaFormat) -> &'static str {
    match format {
        super::MediaFormat::Image => "a .jpg or .png file",
        super::MediaFormat::Video => "an .mp4 file",
        super::MediaFormat::Document => "a .pdf file",
    }
}

fn body(template: &Template, found: &mut Found) {
    let (part, body) = (Part::Body, &template.body);
    found.length(part, "it", &body.text, BODY_MAX);
    let variables = text::variables_of(part, body, template.parameters, found);
    text::places(&body.text, found);
    text::density(&body.text, variables, found);
    if body.text.contains("\n\n\n") {
        found.add(part, "it has more than two line breaks in a row; take the others out");
    }
}

/// Meta writes the body and the footer itself, and takes one button.
fn authentication(template: &Template, found: &mut Found) {
    if template.header.is_some() {
        found.add(Part::Header, "an AUTHENTICATION template has none; leave it out");
    }
    if !template.body.text.is_empty() {
        found.add(
            Part::Body,
            "Meta writes the text of an AUTHENTICATION template itself; leave it out, and say \
             whether it ends with the advice not to share the code",
        );
    }
    if template.footer.is_some() {
        found.add(
            Part::Footer,
            "Meta writes the footer of an AUTHENTICATION template itself; leave it out, and say \
             after how many minutes the code expires",
        );
    }
    if let Some(minutes) =
        template.authentication.expires_minutes.filter(|minutes| !(1..=90).contains(minutes))
    {
        found.add(Part::Footer, format!("a code expires after 1 to 90 minutes, not {minutes}"));
    }
    match &template.buttons[..] {
        [Button::Otp(otp)] => button::one_time_password(otp, found),
        _ => found.add(
            Part::Buttons,
            "an AUTHENTICATION template has one button, for the one-time password",
        ),
    }
}

fn ttl(template: &Template, found: &mut Found) {
    let Some(seconds) = template.ttl_seconds else { return };
    let ((least, most), month) = match &template.category {
        Category::Authentication => (AUTHENTICATION_TTL, true),
        Category::Utility => (UTILITY_TTL, true),
        Category::Marketing => (MARKETING_TTL, false),
        Category::Other(_) => return,
    };
    if (month && seconds == -1) || (least..=most).contains(&seconds) {
        return;
    }
    let or_month = if month { ", or -1 for 30 days" } else { "" };
    found.add(
        Part::Ttl,
        format!(
            "{seconds} s is not possible: a {} template takes {least} to {most} s{or_month}",
            template.category.name()
        ),
    );
}

#[cfg(test)]
mod tests;
