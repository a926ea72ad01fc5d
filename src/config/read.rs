//! Walks a TOML document key by key, each key taken from the environment first. Nothing stops at the first
//! mistake: problems are gathered with their lines, and whatever was never asked for is unknown.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::text;

/// One mistake in the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the config file, on this line, counted from one.
    Line(usize),
    /// In this variable of the environment.
    Env(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Env(name) => write!(f, "${name}"),
        }
    }
}

/// A value with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// The document being read, and what was found wrong with it so far.
pub(super) struct Document<'a> {
    input: &'a str,
    env: &'a BTreeMap<String, String>,
    pub(super) problems: Vec<Problem>,
    /// Every key that was asked for, `section.key`.
    pub(super) schema: Vec<String>,
}

impl<'a> Document<'a> {
    pub(super) const fn new(input: &'a str, env: &'a BTreeMap<String, String>) -> Self {
        Self { input, env, problems: Vec::new(), schema: Vec::new() }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> Place {
        let before = self.input.get(..span.start).unwrap_or_default();
        Place::Line(before.matches('\n').count() + 1)
    }

    /// A value as it stands in the file: its first line, not too much of it.
    fn written(&self, value: &Spanned<DeValue<'_>>) -> String {
        let all = self.input.get(value.span()).unwrap_or_default();
        let line = all.lines().next().unwrap_or_default();
        let short: String = text::display_safe(line).chars().take(40).collect();
        if short.len() < all.len() { format!("{short}...") } else { short }
    }

    pub(super) fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem { place, message: message.into() });
    }

    /// Complains about variables that begin like ours and mean nothing: one that is spelled nearly as one of ours
    /// is a mistake, another one may be somebody's own and is told as a warning. One that a secret is read
    /// from has its meaning. `globals` are those of the command line's flags.
    pub(super) fn check_environment(&mut self, globals: &[&str], warnings: &mut Vec<String>) {
        let mut known: Vec<String> = self.schema.iter().map(|key| variable(key)).collect();
        known.extend(globals.iter().map(|&name| name.to_owned()));
        let strangers: Vec<&String> = self
            .env
            .keys()
            .filter(|name| !known.contains(name) && !self.reads_secret_from(name))
            .collect();
        for name in strangers {
            // What all of them begin with makes no two of them alike.
            let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
            let known: Vec<String> = known.iter().map(|name| bare(name)).collect();
            match near(&bare(name), known.iter().map(String::as_str)) {
                Some(meant) => {
                    let words = format!("no such setting; did you mean \"{PREFIX}{meant}\"?");
                    self.problems.push(Problem { place: Place::Env(name.clone()), message: words });
                }
                None => warnings.push(format!("${name} is no setting of twoticks and is not used")),
            }
        }
    }

    /// Whether the file or a variable says `env:` and this name.
    fn reads_secret_from(&self, name: &str) -> bool {
        let said = format!("env:{name}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let within = |text: &str| text.split(&said).skip(1).any(ends);
        within(self.input) || self.env.values().any(|value| within(value))
    }
}

/// What our variables begin with.
const PREFIX: &str = "TWOTICKS_";

/// The variable of the environment that stands for a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// `; did you mean "x"?`, or nothing when nothing is near.
pub(super) fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    near(name, known).map_or_else(String::new, |key| format!("; did you mean {key:?}?"))
}

/// The known name that differs by a slip or two.
fn near<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let close = known
        .map(|key| (strsim::damerau_levenshtein(name, key), key))
        .filter(|(distance, key)| *distance <= 1 + key.chars().count() / 4);
    close.min().map(|(_, key)| key)
}

/// One table of the document.
pub(super) struct Section<'t, 'i> {
    /// Empty for the top level.
    name: &'static str,
    table: Option<&'t DeTable<'i>>,
    asked: Vec<&'static str>,
    environment: bool,
}

enum Raw<'t, 'i> {
    Toml(&'t Spanned<DeValue<'i>>),
    Env(String),
}

impl<'t, 'i> Section<'t, 'i> {
    /// `environment` says whether variables apply to this table.
    pub(super) const fn new(
        name: &'static str,
        table: Option<&'t DeTable<'i>>,
        environment: bool,
    ) -> Self {
        Self { name, table, asked: Vec::new(), environment }
    }

    /// A table inside this one.
    pub(super) fn table(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
    ) -> Option<&'t DeTable<'i>> {
        self.asked.push(key);
        let value = self.table?.get(key)?;
        if let Some(table) = value.get_ref().as_table() {
            return Some(table);
        }
        let place = document.line(&value.span());
        document.problem(place, format!("{key} is a section: write [{key}] on a line of its own"));
        None
    }

    /// The value of a key whose shape the caller reads.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.asked.push(key);
        self.table?.get(key)
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn raw(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
    ) -> Option<(Raw<'t, 'i>, Place)> {
        self.asked.push(key);
        let path = self.path(key);
        let name = variable(&path);
        document.schema.push(path);
        if self.environment
            && let Some(text) = document.env.get(&name)
        {
            return Some((Raw::Env(text.clone()), Place::Env(name)));
        }
        let value = self.table?.get(key)?;
        Some((Raw::Toml(value), document.line(&value.span())))
    }

    /// Text, not empty.
    pub(super) fn text(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
    ) -> Option<At<String>> {
        let (raw, place) = self.raw(document, key)?;
        let text = match raw {
            Raw::Env(text) => text,
            Raw::Toml(value) => {
                let Some(text) = value.get_ref().as_str() else {
                    let path = self.path(key);
                    // Where the token is named, it may be the token itself that stands there.
                    let shown = if key == "token" {
                        String::new()
                    } else {
                        format!(" = {}", document.written(value))
                    };
                    document.problem(place, format!("{path}{shown}: must be text in quotes"));
                    return None;
                };
                text.to_owned()
            }
        };
        if text.trim().is_empty() {
            document
                .problem(place, format!("{} is empty; fill it in or leave it out", self.path(key)));
            return None;
        }
        Some(At { value: text.trim().to_owned(), place })
    }

    /// Text, or a list of texts, none of them empty. From the environment it is one.
    pub(super) fn texts(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
    ) -> Vec<At<String>> {
        let Some((raw, place)) = self.raw(document, key) else { return Vec::new() };
        let path = self.path(key);
        let written = match raw {
            Raw::Env(text) => Some(vec![At { value: text, place: place.clone() }]),
            Raw::Toml(value) => match value.get_ref() {
                DeValue::String(text) => {
                    Some(vec![At { value: text.to_string(), place: place.clone() }])
                }
                DeValue::Array(list) => list
                    .iter()
                    .map(|one| {
                        let value = one.get_ref().as_str()?.to_owned();
                        Some(At { value, place: document.line(&one.span()) })
                    })
                    .collect(),
                _ => None,
            },
        };
        let Some(written) = written else {
            document.problem(place, format!("{path}: must be text in quotes, or a list of such"));
            return Vec::new();
        };
        if written.is_empty() || written.iter().any(|one| one.value.trim().is_empty()) {
            document.problem(place, format!("{path} is empty; fill it in or leave it out"));
            return Vec::new();
        }
        let trimmed = |one: At<String>| At { value: one.value.trim().to_owned(), ..one };
        written.into_iter().map(trimmed).collect()
    }

    /// A list of texts, which may have nothing in it. From the environment they are parted by commas.
    pub(super) fn list(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
    ) -> Option<At<Vec<String>>> {
        let (raw, place) = self.raw(document, key)?;
        let written: Option<Vec<String>> = match raw {
            Raw::Env(text) => Some(text.split(',').map(str::to_owned).collect()),
            Raw::Toml(value) => value.get_ref().as_array().and_then(|list| {
                list.iter().map(|one| Some(one.get_ref().as_str()?.to_owned())).collect()
            }),
        };
        let Some(written) = written else {
            let wanted = "must be a list of texts in quotes, [] for none";
            document.problem(place, format!("{}: {wanted}", self.path(key)));
            return None;
        };
        if written.len() > 1 && written.iter().any(|one| one.trim().is_empty()) {
            let wanted = "one of the texts is empty; take it out";
            document.problem(place, format!("{}: {wanted}", self.path(key)));
            return None;
        }
        let texts = written.iter().map(|one| one.trim().to_owned());
        Some(At { value: texts.filter(|one| !one.is_empty()).collect(), place })
    }

    /// Text that `parse` makes something of, or says what it wants instead.
    pub(super) fn parsed<T>(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let At { value, place } = self.text(document, key)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(wanted) => {
                document.problem(place, format!("{} = {value:?}: {wanted}", self.path(key)));
                None
            }
        }
    }

    /// One word out of `words`.
    pub(super) fn word<T: Copy>(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        self.parsed(document, key, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(
                || {
                    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    let hint = suggestion(text, all.iter().copied());
                    format!("must be one of {}{hint}", all.join(", "))
                },
            )
        })
    }

    /// A whole number in a range.
    pub(super) fn integer<T: TryFrom<i64>>(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
        range: &RangeInclusive<i64>,
    ) -> Option<T> {
        let (raw, place) = self.raw(document, key)?;
        let (written, number) = match raw {
            Raw::Env(text) => {
                let parsed = text.trim().parse().ok();
                (format!("{text:?}"), parsed)
            }
            Raw::Toml(value) => match value.get_ref().as_integer() {
                Some(number) => (
                    number.as_str().to_owned(),
                    i64::from_str_radix(number.as_str(), number.radix()).ok(),
                ),
                None => (document.written(value), None),
            },
        };
        let fitting = number.filter(|number| range.contains(number));
        if let Some(fitting) = fitting.and_then(|number| T::try_from(number).ok()) {
            return Some(fitting);
        }
        let (low, high) = (range.start(), range.end());
        let path = self.path(key);
        document
            .problem(place, format!("{path} = {written}: must be a number from {low} to {high}"));
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, document: &mut Document<'_>, key: &'static str) -> Option<bool> {
        let (raw, place) = self.raw(document, key)?;
        let (written, flag) = match raw {
            Raw::Env(text) => {
                let parsed = text.trim().parse().ok();
                (format!("{text:?}"), parsed)
            }
            Raw::Toml(value) => (document.written(value), value.get_ref().as_bool()),
        };
        if flag.is_none() {
            let path = self.path(key);
            document.problem(place, format!("{path} = {written}: must be true or false"));
        }
        flag
    }

    /// A span of time such as `"2s"`, `"1m 30s"`, `"500ms"`.
    pub(super) fn span(
        &mut self,
        document: &mut Document<'_>,
        key: &'static str,
        range: &RangeInclusive<Duration>,
    ) -> Option<Duration> {
        self.parsed(document, key, |text| {
            let span = duration(text)?;
            if range.contains(&span) {
                return Ok(span);
            }
            Err(format!("must be from {:?} to {:?}", range.start(), range.end()))
        })
    }

    /// Complains about every key that was never asked for.
    pub(super) fn finish(self, document: &mut Document<'_>) {
        let Some(table) = self.table else { return };
        for (key, _) in table {
            let name = key.get_ref();
            if !self.asked.contains(&name.as_ref()) {
                let mut hint = suggestion(name, self.asked.iter().copied());
                if hint.is_empty() {
                    hint = format!("; there are: {}", self.asked.join(", "));
                }
                let place = document.line(&key.span());
                document.problem(place, format!("no such key: {}{hint}", self.path(name)));
            }
        }
    }
}

/// Reads a span of time such as `2s`, `1m 30s` or `500ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| "must be a span of time such as \"2s\", \"500ms\" or \"1m 30s\"".to_owned())
}
