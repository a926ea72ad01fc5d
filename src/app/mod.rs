//! The screen as data: a [`Model`], one [`update`] function, effects, and nothing that does anything.
//!
//! `update(model, msg, now)` is the only way the model changes; what has to be done elsewhere comes back as
//! [`msg::Effect`]s for the shell. No query, clock, channel, thread or terminal in here: everything is
//! tested by handing in keys and answers and looking at effects. Widths come from `domain::text` alone.

pub mod action;
mod awaited;
mod banner;
pub mod calm;
pub mod campaigns;
pub mod chat;
pub mod composer;
pub mod describe;
pub mod drafts;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hooks;
pub mod inspector;
pub mod jump;
pub mod keymap;
pub mod layout;
pub mod life;
pub mod list;
mod model;
pub mod moment;
pub mod msg;
pub mod notice;
pub mod paged;
pub mod pages;
pub mod prompt;
pub mod queue;
pub mod rows;
pub mod templates;
mod update;
pub mod wait;
pub mod when;
pub mod workbench;

pub(crate) use model::{Focus, Overlay, Screen};
pub use model::{MessageStyle, Mode, Model, Settings, Setup};
pub(crate) use update::Sure;
pub use update::{start, update};
