//! Numbers beside each other: those of one account share its templates and its subscription, those of one app
//! where its webhooks go, and all of them the names there are.

use serde_json::Value;

use super::World;
use crate::domain::time::Timestamp;

/// What a number needs to know of another one to answer for both.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub(super) waba_id: String,
    pub(super) username: Option<String>,
    /// What Meta tells of it.
    pub(super) number: Value,
}

impl World {
    fn as_neighbour(&self) -> Neighbour {
        Neighbour {
            waba_id: self.config.waba_id.clone(),
            username: self.office.username.clone(),
            number: self.number(),
        }
    }

    fn number_at(&mut self, index: Option<usize>) -> Option<&mut Self> {
        match index {
            None => Some(self),
            Some(index) => self.others.get_mut(index),
        }
    }

    /// Tells the number that is asked (the first one, or one of the others) what it shares, before it answers.
    pub(super) fn introduce(&mut self, asked: Option<usize>, path: &[&str]) {
        if self.others.is_empty() {
            return;
        }
        if matches!(path.get(1), Some(&("phone_numbers" | "username" | "username_suggestions"))) {
            let first = asked.is_some().then(|| self.as_neighbour());
            let others = self.others.iter().enumerate();
            let others = others.filter(|(index, _)| Some(*index) != asked);
            let beside = first.into_iter().chain(others.map(|(_, other)| other.as_neighbour()));
            let beside: Vec<_> = beside.collect();
            if let Some(world) = self.number_at(asked) {
                world.beside = beside;
            }
        }
        // The first number of an account keeps its templates.
        let Some((index, waba)) =
            asked.and_then(|index| Some((index, self.others.get(index)?.config.waba_id.clone())))
        else {
            return;
        };
        let templates = if self.config.waba_id == waba {
            Some(self.templates.clone())
        } else {
            let before = self.others.get(..index).unwrap_or(&[]);
            let keeper = before.iter().find(|one| one.config.waba_id == waba);
            keeper.map(|keeper| keeper.templates.clone())
        };
        if let (Some(templates), Some(world)) = (templates, self.others.get_mut(index)) {
            world.templates.follow(templates);
        }
    }

    /// Passes on what the number that was asked has changed and the others share.
    pub(super) fn share(&mut self, now: Timestamp, asked: Option<usize>) {
        if self.others.is_empty() {
            return;
        }
        let Some(source) = self.number_at(asked) else { return };
        let (app, waba) = (source.config.app_id.clone(), source.config.waba_id.clone());
        let (hooks, username) = (source.office.hooks.clone(), source.office.username.clone());
        let follow = |world: &mut Self| {
            if world.config.app_id == app {
                world.office.hooks.follow_app(&hooks);
            }
            if world.config.waba_id == waba {
                world.office.hooks.follow_account(&hooks);
            }
            if let Some(name) = &username {
                world.yield_username(now, name);
            }
        };
        if asked.is_some() {
            follow(self);
        }
        let others = self.others.iter_mut().enumerate();
        others.filter(|(index, _)| Some(*index) != asked).for_each(|(_, other)| follow(other));
    }
}
