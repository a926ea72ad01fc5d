//! The pure types and rules that every other layer stands on.
//!
//! Nothing in here does I/O, reads a clock, draws randomness, or knows SQL, JSON, HTTP or a terminal.
//! Time and random bits come in as arguments, so every rule can be tested as a table.

pub mod account;
pub mod campaign;
pub mod catalogue;
pub mod change;
pub mod checkup;
pub mod conversation;
pub mod error_code;
pub mod event;
pub mod graph;
pub mod health;
pub mod hook;
pub mod hook_filter;
pub mod id;
pub mod media;
pub mod message;
pub mod outbox;
pub mod page;
pub mod phone;
pub mod profile;
pub mod queue;
pub mod shell;
pub mod state;
pub mod stats;
pub mod template;
pub mod text;
pub mod throttle;
pub mod time;
pub mod tunnel;
pub mod window;
pub mod wish;
