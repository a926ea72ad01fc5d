//! Meta's Graph API as the config and the client both name it.

/// Where it answers.
pub const ADDRESS: &str = "https://graph.facebook.com";

/// The version that requests name: released 2026-02-18, usable until 2028-07-29 (Meta,
/// changelog/versions).
pub const VERSION: &str = "v25.0";
