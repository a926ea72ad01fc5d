//! What is wrong with the account, the store or the way in, above everything else on the screen: the gravest first,
//! in a few rows, so that there is room for the work.

use super::action::{Action, Context};
use super::model::{Model, Screen, wrapped};
use crate::domain::health::{AccountHealth, Condition};
use crate::domain::text;
use crate::domain::tunnel::Registration;

/// Rows of a screen for each that the banners may have, and how many they may have in any case.
const SHARE: (u16, u16) = (8, 2);

impl Model {
    /// What is wrong, in plain words, the gravest first.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        if let Some(trouble) = &self.health.store_trouble {
            troubles.push(format!("Store: {trouble}"));
        }
        if let Some(trouble) = &self.health.search_trouble {
            troubles.push(format!("Search: {trouble}"));
        }
        troubles.extend(self.health.net_trouble.clone());
        if let Some(trouble) = self.health.trouble() {
            troubles.push(format!("Account: {trouble}"));
        }
        if let Condition::Down(reason) = &self.health.listener {
            troubles.push(format!("Nothing can be received: {reason}"));
        }
        if let Some(reason) = &self.health.challenge_trouble {
            troubles.push(format!("The webhook cannot be set up at Meta: {reason}"));
        }
        if let Condition::Down(reason) = &self.health.tunnel.condition {
            troubles.push(format!("Nothing comes through the tunnel: {reason}"));
        }
        match &self.health.tunnel.registration {
            Registration::Asks { old } => {
                let old = old.as_deref().map_or("no address".into(), text::display_safe);
                troubles.push(format!(
                    "Meta posts to {old}, not to the tunnel; to change that: {}, or twoticks webhook set",
                    self.keymap.key(Context::List, Action::ShowTunnel)
                ));
            }
            Registration::Trouble(why) => {
                troubles.push(format!("Meta is not told of the tunnel's address: {why}"));
            }
            Registration::Unknown | Registration::Registered { .. } => {}
        }
        if let Some(reason) = self.sender_trouble() {
            troubles.push(format!("Nothing is being sent: {reason}"));
        }
        // The queue has a place of its own for them.
        if self.screen != Screen::Queue {
            troubles.extend(self.health.accounts.iter().flat_map(AccountHealth::notices));
        }
        troubles
    }

    /// The same as lines for a screen of this size, as many as it has room for.
    pub(crate) fn banners(&self, columns: u16, rows: u16) -> Vec<String> {
        let most = usize::from((rows / SHARE.0).max(SHARE.1));
        let all: Vec<Vec<String>> =
            self.troubles().iter().map(|words| wrapped(words, MARK, columns)).collect();
        let rows_of = |count: usize| -> usize { all.iter().take(count).map(Vec::len).sum() };
        let mut lines = all.concat();
        if lines.len() <= most {
            return lines;
        }
        // What does not fit as a whole is not begun, but for the gravest.
        let whole = (1..all.len()).rev().find(|count| rows_of(*count) < most);
        lines.truncate(whole.map_or(most - 1, rows_of));
        let key = self.keymap.key(Context::List, Action::ShowDoctor);
        lines.push(match all.len() - whole.unwrap_or(1) {
            0 => format!("{MARK}... {key} shows all of it"),
            more => format!("{MARK}{more} more, {key} shows all"),
        });
        lines
    }
}

/// What a banner begins with.
const MARK: &str = " ! ";
