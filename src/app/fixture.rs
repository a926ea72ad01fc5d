//! A believable inbox without a store, for the tests of the update and of the view: made-up conversations,
//! a model that was shown them, and a script language for keys.

mod campaigns;
mod hooks;
mod queue;
mod templates;
mod world;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::keymap::{Keymap, SendKey, parse_key};
use super::msg::{Effect, Input, Msg};
use super::{MessageStyle, Mode, Model, Settings, Setup, start, update};
use crate::domain::health::{Condition, Health, Waiting};
use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;
use crate::domain::window::Outside;

pub(crate) use campaigns::{campaigns, dry_run};
pub(crate) use hooks::{BODY, hook_world};
pub(crate) use queue::{long_queue, queue_world, sending_health, waiting};
pub(crate) use templates::{catalogue, never_synced};
pub(crate) use world::{World, conversation, message, nasty, outbound, text, world};

/// The present of the tests: Friday 2026-11-20, 14:32 in São Paulo.
pub(crate) fn now() -> Timestamp {
    at("2026-11-20T17:32:00Z")
}

/// A point in time from its RFC 3339 spelling.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::from_millis(now().millis() - minutes * 60_000)
}

pub(crate) fn setup(mode: Mode, size: (u16, u16)) -> Setup {
    Setup {
        account: (mode != Mode::NoAccount).then_some(AccountId(1)),
        account_label: "Loja Sol  +55 11 5550-0199".to_owned(),
        mode,
        size,
        config_path: "/home/ana/.config/twoticks/config.toml".to_owned(),
        settings: Settings {
            bell: true,
            ellipsis: crate::domain::text::ELLIPSIS,
            message_style: MessageStyle::Flat,
            timezone: TimeZone::get("America/Sao_Paulo").unwrap(),
            outside: Outside::Refuse,
            webhook_path: "/webhook".to_owned(),
            shell: Some("twoticks".to_owned()),
        },
        keymap: Keymap::new(SendKey::Enter, &BTreeMap::new()).unwrap(),
    }
}

pub(crate) fn health() -> Health {
    let mut health = Health {
        listener: Condition::Up,
        listener_address: Some("127.0.0.1:8787".to_owned()),
        last_event: Some(minutes_ago(2)),
        sender: Condition::Up,
        ..Health::default()
    };
    let account = health.account_mut(AccountId(1), "Loja Sol");
    account.waiting = Waiting { queued: 3, failed: 1, ..Waiting::default() };
    health
}

/// A model with the world behind it.
pub(crate) struct Stage {
    pub(crate) model: Model,
    pub(crate) world: World,
    /// Effects other than queries, in order.
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Timestamp,
}

impl Stage {
    pub(crate) fn new(world: World, size: (u16, u16)) -> Self {
        let model = Model::new(setup(Mode::Demo, size), now());
        let mut stage = Self { model, world, effects: Vec::new(), now: now() };
        let effects = start(&mut stage.model);
        stage.run(effects);
        stage.tell(Msg::Health(Box::new(health())));
        stage.effects.clear();
        stage
    }

    /// Hands in a message, and answers every query that comes of it.
    pub(crate) fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.model, msg, self.now);
        self.run(effects);
    }

    fn run(&mut self, effects: Vec<Effect>) {
        let mut queue = std::collections::VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Run(query) => {
                    let reply = self.world.answer(&query);
                    queue.extend(update(&mut self.model, Msg::Loaded(reply), self.now));
                }
                other => self.effects.push(other),
            }
        }
    }

    /// Presses keys: characters stand for themselves, others in angle brackets: `jj<Enter>hi<Ctrl-J>`.
    pub(crate) fn keys(&mut self, script: &str) -> &mut Self {
        let mut rest = script;
        while let Some(c) = rest.chars().next() {
            let bracket = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
            let named = bracket.and_then(|(name, tail)| parse_key(name).map(|key| (key, tail)));
            let (key, tail) = named.unwrap_or_else(|| {
                (
                    super::msg::Key {
                        code: super::msg::KeyCode::Char(c),
                        ctrl: false,
                        alt: false,
                        shift: false,
                    },
                    rest.split_at(c.len_utf8()).1,
                )
            });
            self.tell(Msg::Input(Input::Key(key)));
            rest = tail;
        }
        self
    }

    /// The commands asked for since the start or the last look.
    pub(crate) fn commands(&mut self) -> Vec<super::msg::Command> {
        std::mem::take(&mut self.effects)
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Do(_, command) => Some(command),
                _ => None,
            })
            .collect()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now = Timestamp::from_millis(self.now.millis() + millis);
        self.tell(Msg::Deadline);
    }
}
