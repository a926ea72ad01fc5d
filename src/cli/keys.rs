//! `twoticks keys`: the key table, as it is in force with the config.

use clap::Args;
use serde_json::json;

use super::Session;
use super::output::{json_line, line};
use crate::app::action::table;
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, keys: &Keys) -> Result<(), Error> {
    let keymap = session.keymap()?;
    let mut context = None;
    for row in table(&keymap) {
        if keys.json {
            json_line(&json!({
                "context": row.context.mode_word().to_lowercase(),
                "action": row.name,
                "keys": row.keys,
                "doc": row.doc,
            }))?;
            continue;
        }
        if context != Some(row.context) {
            if context.is_some() {
                line("")?;
            }
            line(row.context.title())?;
            context = Some(row.context);
        }
        line(&format!("  {:<22} {:<22} {}", row.keys, row.name, row.doc))?;
    }
    Ok(())
}
