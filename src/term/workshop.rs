//! What the workbench asks for beside the store: Meta about an account, another tunnel, and a look at the whole
//! set-up.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::files::whole;
use super::run::Event;
use crate::app::msg::{Command, CommandId, Done, Finished, Msg};
use crate::domain::checkup::Finding;
use crate::domain::id::AccountId;
use crate::domain::tunnel::Kind;
use crate::service::office::{Came, Office, Wish};
use crate::service::picture::Picture;
use crate::service::tunnel::{Switch, TunnelConfig};

/// Makes the config of a tunnel of this kind, or says what is missing for it.
pub type Tunnels = Arc<dyn Fn(Kind) -> Result<Option<TunnelConfig>, String> + Send + Sync>;

/// Looks at every part of the set-up; may take seconds.
pub type Doctor = Arc<dyn Fn() -> Vec<Finding> + Send + Sync>;

/// The hands of the workbench.
#[derive(Clone)]
pub struct Workshop {
    /// Asks Meta.
    pub office: Office,
    /// Starts and stops the tunnel.
    pub switch: Switch,
    /// What the config says of each kind.
    pub tunnels: Tunnels,
    /// Looks at the set-up.
    pub doctor: Doctor,
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").finish_non_exhaustive()
    }
}

/// Carries out what is not for the store; hands back what is.
pub(super) fn command(
    workshop: Option<&Workshop>,
    id: CommandId,
    command: Command,
    events: &Sender<Event>,
) -> Option<Command> {
    let finish = finish(id, events);
    let wish = match command {
        Command::AskAccount(account) => (account, Wish::Standing),
        Command::Profile(account) => (account, Wish::Profile),
        Command::SetProfile(account, change) => (account, Wish::Change(change)),
        Command::Post(account, say) => (account, Wish::Post(say)),
        Command::Tunnel(kind) => {
            finish(tunnel(workshop, kind));
            return None;
        }
        other => return Some(other),
    };
    ask(workshop, wish, finish);
    None
}

/// Reads the file of a picture, and has it made the profile's. Where that fails, whoever asked is told why.
pub(super) fn picture(
    workshop: Option<&Workshop>,
    id: CommandId,
    (account, path): (AccountId, &str),
    events: &Sender<Event>,
) {
    let finish = finish(id, events);
    match Picture::read(&whole(path)) {
        Ok(picture) => ask(workshop, (account, Wish::Picture(picture)), finish),
        Err(why) => finish(Err(why)),
    }
}

/// Tells the loop what came of a command.
fn finish(
    id: CommandId,
    events: &Sender<Event>,
) -> impl FnOnce(Result<Done, String>) + Send + 'static + use<> {
    let events = events.clone();
    move |result| {
        // A loop that has ended needs no answer.
        events.send(Event::Msg(Msg::Finished(Finished { id, result }))).ok();
    }
}

fn ask(
    workshop: Option<&Workshop>,
    (account, wish): (AccountId, Wish),
    finish: impl FnOnce(Result<Done, String>) + Send + 'static,
) {
    let Some(workshop) = workshop else { return finish(Err(NOT_HERE.to_owned())) };
    let answer = move |result: Result<Came, String>| {
        finish(result.map(|came| match came {
            Came::Done(words) => Done::Said(words),
            Came::Profile(profile) => Done::Profile(profile),
        }));
    };
    workshop.office.wish(account, wish, Box::new(answer));
}

fn tunnel(workshop: Option<&Workshop>, kind: Kind) -> Result<Done, String> {
    let workshop = workshop.ok_or_else(|| NOT_HERE.to_owned())?;
    let config = (workshop.tunnels)(kind)?;
    let words = match (&config, kind) {
        (None, _) => "The tunnel is stopped.".to_owned(),
        (Some(_), Kind::None) => "The proxy of the config is watched.".to_owned(),
        (Some(_), kind) => format!("{} starts; it ends with the inbox.", kind.name()),
    };
    workshop.switch.set(config);
    Ok(Done::Said(words))
}

const NOT_HERE: &str = "nothing here can do that";
