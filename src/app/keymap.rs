//! From keys to actions: a trie per context, built from the action table and the `[keys]` of the config.
//!
//! A sequence (`g g`) is pending until its last key; Esc or a key that does not go on cancels it. Errors in
//! the config are all reported at once, never silently dropped.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::action::{Action, Context, Entry, TABLE, entry, named, works_in};
use super::msg::{Key, KeyCode};

/// Which key sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendKey {
    /// Enter sends, Ctrl-J begins a line.
    #[default]
    Enter,
    /// Ctrl-S sends, Enter begins a line.
    CtrlS,
}

/// What a key means after those already pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It completes a binding.
    Matched(Action),
    /// It begins or continues one.
    Pending,
    /// It means nothing.
    NotFound,
}

/// An entry of `[keys]` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No such action.
    #[error("[keys] {0}: no action has this name; `twoticks keys` lists them")]
    UnknownAction(String),
    /// The spelling of a key cannot be read.
    #[error("[keys] {action}: {key:?} is no key; write for example \"Ctrl-G\", \"g g\" or \"F5\"")]
    BadKey {
        /// The action it was meant for.
        action: String,
        /// As written.
        key: String,
    },
    /// A plain character where text is typed.
    #[error("[keys] {action}: {key:?} is text in the composer; take Ctrl, Alt or a function key")]
    Text {
        /// The action it was meant for.
        action: String,
        /// As written.
        key: String,
    },
    /// Two actions want the same key, or one key begins the sequence of another.
    #[error("[keys] {action}: {key:?} is also {other}; give one of them another key")]
    Conflict {
        /// The action it was meant for.
        action: String,
        /// As written.
        key: String,
        /// The action that has it.
        other: String,
    },
}

impl KeyError {
    /// The actions it is about: the one whose key cannot be had, and the one that has it.
    #[must_use]
    pub fn actions(&self) -> Vec<&str> {
        match self {
            Self::UnknownAction(action)
            | Self::BadKey { action, .. }
            | Self::Text { action, .. } => {
                vec![action]
            }
            Self::Conflict { action, other, .. } => vec![action, other],
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Node {
    action: Option<Action>,
    next: HashMap<Key, Self>,
}

/// The keys in force.
#[derive(Clone, Debug)]
pub struct Keymap {
    tries: BTreeMap<Context, Node>,
    spelled: HashMap<(Context, Action), Vec<String>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(SendKey::Enter, &BTreeMap::new()).unwrap_or_else(|_| Self::empty())
    }
}

impl Keymap {
    fn empty() -> Self {
        Self { tries: BTreeMap::new(), spelled: HashMap::new() }
    }

    /// The keys of the table, except for the actions named in `own`, whose keys are exactly those given.
    /// An empty list takes all keys from an action; it stays in the command box.
    pub fn new(
        send_key: SendKey,
        own: &BTreeMap<String, Vec<String>>,
    ) -> Result<Self, Vec<KeyError>> {
        let mut map = Self::empty();
        let mut errors: Vec<_> = own
            .keys()
            .filter(|name| named(name).is_none())
            .map(|name| KeyError::UnknownAction(name.clone()))
            .collect();
        for entry in TABLE {
            for context in Context::ALL.into_iter().filter(|context| works_in(entry, *context)) {
                for key in wanted(entry, context, send_key, own) {
                    if let Err(error) = map.bind(context, entry, &key)
                        && !errors.contains(&error)
                    {
                        errors.push(error);
                    }
                }
            }
        }
        if errors.is_empty() { Ok(map) } else { Err(errors) }
    }

    fn bind(&mut self, context: Context, entry: &Entry, spelling: &str) -> Result<(), KeyError> {
        let action = entry.name.to_owned();
        let key = spelling.to_owned();
        let Some(sequence) = parse_sequence(spelling) else {
            return Err(KeyError::BadKey { action, key });
        };
        let first = sequence.first();
        if context.is_text() && first.is_some_and(|key| plain_char(*key).is_some()) {
            return Err(KeyError::Text { action, key });
        }
        let mut node = self.tries.entry(context).or_default();
        for step in &sequence {
            if let Some(other) = node.action {
                return Err(KeyError::Conflict { action, key, other: name_of(other) });
            }
            node = node.next.entry(*step).or_default();
        }
        if let Some(other) = node.action.or_else(|| first_action(node)) {
            if other == entry.action {
                return Ok(());
            }
            return Err(KeyError::Conflict { action, key, other: name_of(other) });
        }
        node.action = Some(entry.action);
        let shown = sequence.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
        self.spelled.entry((context, entry.action)).or_default().push(shown);
        Ok(())
    }

    /// What these keys, in order, mean.
    #[must_use]
    pub fn lookup(&self, context: Context, keys: &[Key]) -> Lookup {
        let mut node = self.tries.get(&context);
        for key in keys {
            node = node.and_then(|node| node.next.get(key));
        }
        match node {
            Some(Node { action: Some(action), .. }) => Lookup::Matched(*action),
            Some(node) if !node.next.is_empty() => Lookup::Pending,
            _ => Lookup::NotFound,
        }
    }

    /// The keys of an action, as they are written in the config, the best first.
    #[must_use]
    pub fn keys(&self, context: Context, action: Action) -> &[String] {
        self.spelled.get(&(context, action)).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action in a context, or an empty text.
    #[must_use]
    pub fn key(&self, context: Context, action: Action) -> &str {
        self.keys(context, action).first().map_or("", String::as_str)
    }

    /// The same by the action's name; empty too when there is no such action.
    #[must_use]
    pub fn key_named(&self, context: Context, name: &str) -> &str {
        named(name).map_or("", |entry| self.key(context, entry.action))
    }
}

fn wanted(
    entry: &Entry,
    context: Context,
    send_key: SendKey,
    own: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    if let Some(keys) = own.get(entry.name) {
        return keys.clone();
    }
    let mut keys: Vec<String> = entry
        .keys
        .iter()
        .filter(|(contexts, _)| contexts.has(context))
        .flat_map(|(_, keys)| keys.split(", "))
        .map(str::to_owned)
        .collect();
    match (send_key, entry.action) {
        (SendKey::CtrlS, Action::Send) => keys = vec!["Ctrl-S".to_owned()],
        (SendKey::CtrlS, Action::Newline) if context == Context::Compose => {
            keys.insert(0, "Enter".to_owned());
        }
        _ => {}
    }
    keys
}

fn first_action(node: &Node) -> Option<Action> {
    node.next.values().find_map(|next| next.action.or_else(|| first_action(next)))
}

fn name_of(action: Action) -> String {
    entry(action).map_or_else(String::new, |entry| entry.name.to_owned())
}

/// The character that a key types, if it types one.
#[must_use]
pub const fn plain_char(key: Key) -> Option<char> {
    match key {
        Key { code: KeyCode::Char(c), ctrl: false, alt: false, .. } => Some(c),
        _ => None,
    }
}

/// The same key however a terminal reports it: letters carry Shift in their case, letters with Ctrl or Alt
/// are lower case, and Shift-Tab has a code of its own.
#[must_use]
pub const fn normal(key: Key) -> Key {
    match key.code {
        KeyCode::Char(c) if key.ctrl || key.alt => {
            Key { code: KeyCode::Char(c.to_ascii_lowercase()), shift: false, ..key }
        }
        KeyCode::Char(_) | KeyCode::BackTab => Key { shift: false, ..key },
        KeyCode::Tab if key.shift => Key { code: KeyCode::BackTab, shift: false, ..key },
        _ => key,
    }
}

fn parse_sequence(text: &str) -> Option<Vec<Key>> {
    let keys: Option<Vec<_>> = text.split_whitespace().map(parse_key).collect();
    keys.filter(|keys| !keys.is_empty())
}

/// Reads a key as [`Key`]'s `Display` writes it; modifiers and names in any case.
#[must_use]
pub fn parse_key(text: &str) -> Option<Key> {
    let mut key = Key { code: KeyCode::Esc, ctrl: false, alt: false, shift: false };
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('-') {
        match head.to_ascii_lowercase().as_str() {
            _ if tail.is_empty() => break,
            "ctrl" | "c" => key.ctrl = true,
            "alt" | "a" => key.alt = true,
            "shift" | "s" => key.shift = true,
            _ => return None,
        }
        rest = tail;
    }
    let mut chars = rest.chars();
    key.code = match (chars.next(), chars.next()) {
        (Some(c), None) => KeyCode::Char(c),
        _ => named_code(&rest.to_ascii_lowercase())?,
    };
    Some(normal(key))
}

fn named_code(name: &str) -> Option<KeyCode> {
    Some(match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "insert" => KeyCode::Insert,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "space" => KeyCode::Char(' '),
        _ => {
            let number = name.strip_prefix('f')?.parse().ok()?;
            (1..=24).contains(&number).then_some(KeyCode::F(number))?
        }
    })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if self.shift {
            f.write_str("Shift-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.ctrl || self.alt => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::Enter => f.write_str("Enter"),
            KeyCode::Esc => f.write_str("Esc"),
            KeyCode::Tab => f.write_str("Tab"),
            KeyCode::Backspace => f.write_str("Backspace"),
            KeyCode::Delete => f.write_str("Delete"),
            KeyCode::Insert => f.write_str("Insert"),
            KeyCode::Up => f.write_str("Up"),
            KeyCode::Down => f.write_str("Down"),
            KeyCode::Left => f.write_str("Left"),
            KeyCode::Right => f.write_str("Right"),
            KeyCode::Home => f.write_str("Home"),
            KeyCode::End => f.write_str("End"),
            KeyCode::PageUp => f.write_str("PageUp"),
            KeyCode::PageDown => f.write_str("PageDown"),
        }
    }
}

#[cfg(test)]
mod tests;
