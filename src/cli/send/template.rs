//! The template of `twoticks send --template`: which one is meant, and its values.

use std::path::{Path, absolute};

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::cli::shell;
use crate::cli::templates::find;
use crate::domain::catalogue::{Catalogue, Entry};
use crate::domain::message::Body;
use crate::domain::template::{
    FileSource, Filling, Place, Template, file_source, fill, obstacle, place, slots,
};
use crate::error::Error;
use crate::service::outgoing::open_file;

// What is to be sent in place of a text. Not a doc comment, which clap would print as what `send` does.
#[derive(Debug, Args)]
pub(in crate::cli) struct Choice {
    /// Send this template; templates list shows which there are.
    #[arg(long, value_name = "NAME", conflicts_with = "text",
        add = ArgValueCompleter::new(shell::templates))]
    pub(in crate::cli) template: Option<String>,
    /// Its language; needed when the template has several and none was used with this customer.
    #[arg(long, value_name = "LANGUAGE", requires = "template")]
    lang: Option<String>,
    /// A value of the template: 1=Ana, name=Ana, header.media=photo.jpg, button.1=1182.
    #[arg(long = "param", value_name = "KEY=VALUE", requires = "template")]
    params: Vec<String>,
}

impl Choice {
    /// Whether there is one.
    pub(in crate::cli) const fn is_given(&self) -> bool {
        self.template.is_some()
    }

    /// As if these values had been typed.
    pub(in crate::cli) fn of(name: &str, language: &str, filling: &Filling) -> Self {
        let param = |(place, value): (&Place, &String)| format!("{place}={value}");
        Self {
            template: Some(name.to_owned()),
            lang: Some(language.to_owned()),
            params: filling.iter().map(param).collect(),
        }
    }
}

/// The message, ready to be queued.
pub(in crate::cli) fn body(
    catalogue: &Catalogue,
    name: &str,
    choice: &Choice,
) -> Result<Body, Error> {
    let entry = choose(catalogue, name, choice.lang.as_deref())?;
    let template = &entry.template;
    if let Some(obstacle) = obstacle(template) {
        let words = format!("{name} {} cannot be sent: {obstacle}", template.language);
        return Err(Error::failed(words).hint("twoticks templates list shows which can"));
    }
    let filling = filling(template, &choice.params)?;
    let sent = fill(template, &filling).map_err(|flaws| {
        let lines: Vec<String> = flaws
            .iter()
            .map(|flaw| format!("\n  --param {}=...: {}", flaw.place, flaw.words))
            .collect();
        Error::usage(format!("the values for {name} are not right:{}", lines.concat()))
    })?;
    Ok(Body::Template(Box::new(sent)))
}

/// The one that is meant. Without a word about its language, the one used most with this customer.
fn choose<'a>(
    catalogue: &'a Catalogue,
    name: &str,
    language: Option<&str>,
) -> Result<&'a Entry, Error> {
    let named = catalogue.entries.iter().filter(|entry| entry.template.name == name);
    let used = named.filter(|entry| entry.used_here > 0).max_by_key(|entry| entry.used_here);
    find(catalogue, name, language.or(used.map(|entry| &*entry.template.language)))
}

fn filling(template: &Template, params: &[String]) -> Result<Filling, Error> {
    let mut filling = Filling::new();
    for param in params {
        let (key, value) = param.split_once('=').ok_or_else(|| {
            Error::usage(format!("--param {param:?} has no =; write it as key=value"))
        })?;
        let place = place(template, key).ok_or_else(|| {
            let keys: Vec<String> =
                slots(template).iter().map(|slot| slot.place.to_string()).collect();
            let hint = match keys.as_slice() {
                [] => "it has no values to fill in".to_owned(),
                keys => format!("its values are: {}", keys.join(", ")),
            };
            Error::usage(format!("{} has no value {key:?}", template.name)).hint(hint)
        })?;
        if filling.insert(place.clone(), whole_path(&place, value)?).is_some() {
            return Err(Error::usage(format!("--param {place}=... is there twice"))
                .hint("each value of the template is given once"));
        }
    }
    Ok(filling)
}

/// Another process may send it, from another directory.
fn whole_path(place: &Place, value: &str) -> Result<String, Error> {
    if *place != Place::HeaderMedia {
        return Ok(value.to_owned());
    }
    let FileSource::Path(path) = file_source(value) else { return Ok(value.to_owned()) };
    let unreadable = |error: std::io::Error| {
        Error::usage(format!("--param {place}={value}: the file cannot be read")).because(&error)
    };
    open_file(Path::new(path)).map_err(unreadable)?;
    Ok(absolute(path).map_err(unreadable)?.to_string_lossy().into_owned())
}
