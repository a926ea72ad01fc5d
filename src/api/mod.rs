//! Meta's Cloud API: its wire format, its signatures, and the HTTP client.
//!
//! This layer turns domain types into Meta's JSON and Meta's JSON into domain types; no JSON leaves it.
//! It sends once and says what became of it: it never waits, retries, stores or decides.

pub mod account;
mod advice;
pub mod callback;
pub mod client;
mod json;
pub mod media;
pub mod profile;
pub mod relay;
pub mod request;
pub mod response;
pub mod setup;
pub mod signature;
pub mod template;
pub mod webhook;

pub use client::{CallError, Client, Settings, SetupError};
