//! Templates on the screen: choosing one for a customer, filling it in, and seeing it as the customer will.

pub mod card;
pub mod form;
pub mod languages;
pub mod maker;
pub mod parts;
pub mod picker;
pub mod shelf;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::action::{Action, Context};
use super::calm::Calm;
use super::model::Model;
use super::rows::Tone;
use super::wait::Wait;
use super::when;
use crate::domain::catalogue::{Catalogue, Entry, Sync};
use crate::domain::id::ConversationId;
use crate::domain::template::{self, Category, Fields, Quality, Status};
use crate::domain::text;
use crate::domain::time::Timestamp;

/// What is known of templates beside the catalogue itself.
#[derive(Debug, Default)]
pub struct Templates {
    /// The pending read of the catalogue.
    pub wait: Wait<()>,
    /// Why it could not be read.
    pub error: Option<String>,
    /// What was typed for a template of this name in a conversation and not sent.
    pub typed: HashMap<(ConversationId, String), Typed>,
    /// The conversations of which it is known what the store kept of an earlier time.
    pub recalled: HashSet<ConversationId>,
    /// Editors that were closed before what is in them was submitted.
    pub unfinished: BTreeMap<maker::Purpose, Box<maker::Maker>>,
    /// What the store kept of those of an earlier time; none until it was read.
    pub stored: Option<template::Unfinished>,
    /// A running sync was asked to stop, and stops when asked again until this time.
    pub stops: Option<Timestamp>,
    /// The screen of the templates.
    pub shelf: shelf::Shelf,
    /// When its numbers are read again.
    pub calm: Calm,
}

/// Values that were typed for a template.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// By their places as text.
    pub values: Fields,
    /// When the store is told of them, if it does not have them.
    pub due: Option<Timestamp>,
}

/// The numbers of the screen are read at most this often, however much is sent.
pub const CALM: Duration = Duration::from_secs(2);

/// Why a template cannot be sent, on one line. Sanitised.
#[must_use]
pub(crate) fn obstacle(entry: &Entry, model: &Model) -> Option<String> {
    let obstacle = template::obstacle(&entry.template)?;
    let until = entry.paused_until.filter(|until| *until > model.now);
    let until = until
        .filter(|_| entry.template.status == Status::Paused)
        .map(|until| format!(", until {}", when::near(until, model.now, &model.settings.timezone)));
    let words = format!("{obstacle}{}", until.unwrap_or_default());
    Some(text::display_safe(&words).into_owned())
}

/// What a template is for, in a word that fits into a column: Meta's, but for codes to log in with. Unsanitised.
#[must_use]
pub(crate) fn category(category: &Category) -> String {
    match category {
        Category::Authentication => "login".to_owned(),
        category => category.name().to_lowercase(),
    }
}

/// Whether whoever the open conversation is with does not want a template like this.
#[must_use]
pub(crate) fn is_unwanted(entry: &Entry, model: &Model) -> bool {
    entry.template.category == Category::Marketing
        && model.shown().is_some_and(|row| row.opted_out.is_some())
}

/// Why a template cannot be sent in the open conversation, on one line. Sanitised.
#[must_use]
pub(crate) fn obstacle_here(entry: &Entry, model: &Model) -> Option<String> {
    let unwanted = || {
        let key = model.keymap.key(Context::Chat, Action::Marketing);
        format!("they do not want marketing messages; {key} in the conversation allows them again")
    };
    obstacle(entry, model).or_else(|| is_unwanted(entry, model).then(unwanted))
}

/// What Meta makes of the answers to a template, where that is worth a word.
#[must_use]
pub(crate) fn quality(entry: &Entry) -> Option<(Tone, &'static str)> {
    match entry.template.quality {
        Quality::Green => Some((Tone::Dim, "green")),
        Quality::Yellow => Some((Tone::Doubt, "yellow")),
        Quality::Red => Some((Tone::Failure, "red")),
        Quality::Unknown | Quality::Other(_) => None,
    }
}

/// How the catalogue stands, in the longest words first, with the key that fetches it in `context`.
#[must_use]
pub(crate) fn standing(model: &Model, context: Context) -> Vec<(Tone, String)> {
    let key = model.keymap.key(context, Action::SyncTemplates);
    match model.account_health().map(|health| &health.sync) {
        Some(Sync::Running { templates }) => vec![
            (Tone::Label, format!("syncing: {templates} so far, {key} stops")),
            (Tone::Label, format!("syncing: {templates}")),
        ],
        Some(Sync::Failed(reason)) => vec![
            (
                Tone::Failure,
                format!("not synced: {}  {key} tries again", text::display_safe(reason)),
            ),
            (Tone::Failure, format!("not synced, {key} tries again")),
        ],
        Some(Sync::Idle) | None => match model.catalogue.as_deref() {
            Some(Catalogue { synced_at: Some(at), .. }) => {
                let at = when::near(*at, model.now, &model.settings.timezone);
                vec![
                    (Tone::Dim, format!("synced {at}, {key} syncs")),
                    (Tone::Dim, format!("{key} syncs")),
                ]
            }
            Some(_) => vec![(Tone::Doubt, format!("never synced, {key} syncs"))],
            None => Vec::new(),
        },
    }
}
