//! How far the core has come with asking the store.

use crate::domain::time::Monotonic;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    Looking,
    Claiming,
}

/// When to claim next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Now: something changed.
    Now,
    /// The store has to be asked.
    Unknown,
    /// Then, or never without a change.
    At(Option<Monotonic>),
}

/// What the store has been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Not even what earlier senders left.
    Never,
    /// All of it.
    Fully,
    /// And it named something due that the claim before had not found.
    InDoubt,
}
