//! `twoticks keys`: the key table, as it is in force with the config, and what the terminal sends for a key.

use std::io::IsTerminal as _;

use clap::Args;
use serde_json::json;

use super::Session;
use super::output::{json_line, line};
use crate::app::action::{Context, TableRow, entry, table};
use crate::app::keymap::{Keymap, Lookup, normal};
use crate::domain::text::{display_safe, pad, width};
use crate::error::Error;
use crate::term::press::{Pressed, Presses};

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// Tell what this terminal sends for each key that is pressed, and what it does where.
    #[arg(long, conflicts_with = "json")]
    press: bool,
}

pub(super) fn run(session: &Session, keys: &Keys) -> Result<(), Error> {
    let keymap = session.keymap();
    if keys.press {
        return press(&keymap);
    }
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

/// The columns a key is given.
const KEY: usize = 16;
const SENT: usize = 24;

fn press(keymap: &Keymap) -> Result<(), Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage("--press reads keys, and stdin is no terminal"));
    }
    let cannot = |error: std::io::Error| {
        Error::failed("cannot read keys from this terminal").because(&error)
    };
    let presses = Presses::start().map_err(cannot)?;
    // In raw mode the terminal adds no carriage return by itself.
    super::say(
        "Ctrl-C twice ends. Each line: the key's name in [keys], what came, what it does where.\r",
    );
    for key in presses {
        line(&format!("{}\r", pressed_line(keymap, &key.map_err(cannot)?)))?;
    }
    Ok(())
}

/// `Ctrl-Left         control Left              insert: word-left`
fn pressed_line(keymap: &Keymap, pressed: &Pressed) -> String {
    let name = pressed.key.map_or_else(|| "-".to_owned(), |key| key.to_string());
    let mut does: Vec<String> = Vec::new();
    for context in Context::ALL {
        let Some(key) = pressed.key else { continue };
        let action = match keymap.lookup(context, &[normal(key)]) {
            Lookup::Matched(action) => entry(action).map_or("", |entry| entry.name),
            Lookup::Pending => "begins a sequence",
            Lookup::NotFound => continue,
        };
        let words = format!("{}: {action}", context.mode_word().to_lowercase());
        if !does.contains(&words) {
            does.push(words);
        }
    }
    let does = if does.is_empty() { "nothing here".to_owned() } else { does.join(", ") };
    let (name, sent) = (display_safe(&name), display_safe(&pressed.sent));
    format!("{}  {}  {does}", pad(&name, KEY), pad(&sent, SENT))
}

#[cfg(test)]
mod tests {
    use super::{Keymap, Pressed, pressed_line};
    use crate::app::keymap::parse_key;

    #[test]
    fn a_key_is_told_with_its_name_and_what_it_does() {
        let told = |key: Option<&str>| {
            let sent = "what came".to_owned();
            let pressed = Pressed { sent, key: key.and_then(parse_key) };
            pressed_line(&Keymap::default(), &pressed)
        };
        let words = told(Some("Ctrl-Left"));
        assert!(words.starts_with("Ctrl-Left  ") && words.contains("insert: word-left"), "{words}");
        assert!(words.contains("  what came  "), "{words}");
        let words = told(Some("g"));
        assert!(words.contains("begins a sequence"), "{words}");
        let words = told(None);
        assert!(words.starts_with("-  ") && words.ends_with("nothing here"), "{words}");
    }
}
