//! The program from outside: its command line, its terminal, and the parts joined as a person meets them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails may say so"
)]

mod cli;
mod conversation;
mod desk;
mod kill;
mod panic;
mod payloads;
mod pty;
mod soak;
mod terminal;
