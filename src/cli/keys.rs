//! `twoticks keys`: the key table, as it is in force with the config.

use clap::Args;
use serde_json::json;

use super::Session;
use super::output::{json_line, line};
use crate::app::action::{TableRow, table};
use crate::domain::text::{pad, width};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, keys: &Keys) -> Result<(), Error> {
    let keymap = session.keymap();
    let rows = table(&keymap);
    let widest = |of: fn(&TableRow) -> &str| rows.iter().map(|row| width(of(row))).max();
    let keys_width = widest(|row| &row.keys).unwrap_or_default();
    let name_width = widest(|row| row.name).unwrap_or_default();
    let mut context = None;
    for row in &rows {
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
        let (shown, name) = (pad(&row.keys, keys_width), pad(row.name, name_width));
        line(&format!("  {shown}  {name}  {}", row.doc))?;
    }
    Ok(())
}
