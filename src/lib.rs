//! twoticks: a WhatsApp Business inbox in the terminal.
//!
//! One crate in one-way layers. `domain` holds the pure types and rules. Two branches stand on it that
//! never see each other: the services (`store`, `api`, `service`) and the screen (`app`, `ui`). A shell
//! (`term`, `cli`) joins them. `sim` speaks Meta's protocol from the other side and shares no type
//! with the client. ARCHITECTURE.md draws the map; `tests/tidy.rs` holds the borders.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod error;
pub mod logging;
pub mod paths;
pub mod service;
pub mod sim;
pub mod store;
pub mod term;
pub mod ui;

pub use cli::run;
