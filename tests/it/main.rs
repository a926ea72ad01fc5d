//! The program from outside: its command line, its terminal, and the parts joined as a person meets them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails may say so"
)]

#[cfg(target_os = "linux")]
mod accounts;
mod attacks;
#[cfg(target_os = "linux")]
mod batches;
mod campaigns;
mod checkup;
mod cli;
mod clients;
mod conversation;
mod desk;
mod disk;
mod doctor;
mod drafts;
mod faults;
mod hooks;
#[cfg(target_os = "linux")]
mod hostile;
mod init;
#[cfg(target_os = "linux")]
mod keyring;
mod kill;
mod meta;
mod panic;
mod payloads;
mod power;
mod privacy;
mod pty;
mod queue;
mod roles;
mod secure;
mod setup;
mod shop;
mod soak;
mod table;
#[cfg(target_os = "linux")]
mod target;
mod templates;
mod terminal;
mod tunnel;
mod webhook;
mod window;
mod workbench;
