//! `twoticks webhook`: where Meta posts, and the word to let it post to the tunnel. Said once, the address is
//! told to Meta whenever it changes.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{json_line, line, time};
use super::services::{api_config, new_account, store_accounts};
use super::{Session, failed, network, say};
use crate::api::callback::Callbacks;
use crate::config;
use crate::domain::id::AccountId;
use crate::domain::text::display_safe;
use crate::domain::tunnel::Level;
use crate::error::{Error, Kind};
use crate::service::tunnel::register::{self, Registrant};
use crate::store::WriteConn;
use crate::store::callback::{self, Change, Deed};

#[derive(Debug, Args)]
pub(super) struct Webhook {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print where Meta posts, for the number, its WABA and the app.
    Show {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let Meta post to the tunnel, now and whenever its address changes.
    Set {
        /// The address; the running tunnel's when left out.
        #[arg(long)]
        url: Option<String>,
        /// For the `number`, the whole `waba`, or the `app`.
        #[arg(long, default_value = "number", value_parser = level)]
        level: Level,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Put back what stood there before, and leave it.
    PutBack,
    /// Leave it as it is, and be asked no more.
    Leave,
}

fn level(text: &str) -> Result<Level, String> {
    let found = Level::ALL.iter().find(|(word, _)| *word == text).map(|(_, level)| *level);
    found.ok_or_else(|| "must be one of number, waba, app".to_owned())
}

pub(super) fn run(session: &Session, webhook: &Webhook) -> Result<(), Error> {
    let config = session.account()?;
    let registrant = registrant(session, config)?;
    session.paths.create_data()?;
    let ids = store_accounts(session)?;
    let account = ids.get(&config.phone_number_id).copied();
    let account = account.ok_or_else(|| Error::failed("the account is not stored"))?;
    let now = on_network(registrant.current())?;
    match &webhook.what {
        What::Show { json } => show(session, account, &now, *json),
        What::Set { url, level, yes } => {
            let url = match url {
                Some(url) => url.clone(),
                None => running(session)?,
            };
            let old = register::at(&now, *level);
            let words = format!(
                "Meta posts webhooks for the {} to:\n  {}\nfrom now on, and whenever the tunnel's \
                 address changes:\n  {}",
                level.name(),
                display_safe(old.unwrap_or("(nothing of its own)")),
                display_safe(&url)
            );
            if !*yes && !agreed(&words)? {
                return Err(Error::new(Kind::Interrupted, "nothing was changed"));
            }
            on_network(registrant.set(*level, Some(&url)))?;
            let old = old.map(str::to_owned);
            note(session, account, Deed::Set, *level, old, Some(url.clone()))?;
            Ok(line(&format!("Meta posts to {}", display_safe(&url)))?)
        }
        What::PutBack => {
            let changes = callback::changes(&session.read()?, account).map_err(failed)?;
            let Some(first) = callback::before_us(&changes) else {
                return Err(Error::new(Kind::Partial, "nothing of ours stands there"));
            };
            on_network(registrant.set(first.level, first.old.as_deref()))?;
            let set = register::at(&now, first.level).map(str::to_owned);
            note(session, account, Deed::PutBack, first.level, set, first.old.clone())?;
            let old = first.old.as_deref().unwrap_or("what the next level says");
            Ok(line(&format!("Meta posts to {} again", display_safe(old)))?)
        }
        What::Leave => {
            let effective = now.effective().map(str::to_owned);
            note(session, account, Deed::Declined, Level::Number, effective.clone(), effective)
        }
    }
}

fn show(
    session: &Session,
    account: AccountId,
    now: &Callbacks,
    as_json: bool,
) -> Result<(), Error> {
    let read = session.read()?;
    let changes = callback::changes(&read, account).map_err(failed)?;
    let address = callback::address(&read).map_err(failed)?;
    let before = callback::before_us(&changes);
    if as_json {
        return Ok(json_line(&json!({
            "number": now.number,
            "waba": now.waba,
            "app": now.app,
            "tunnel": address.as_ref().map(|address| &address.url),
            "tunnel_proved_at": address.as_ref().map(|address| time(address.proved_at)),
            "before": before.and_then(|change| change.old.as_ref()),
            "before_level": before.map(|change| change.level.name()),
        }))?);
    }
    let shown = |url: Option<&str>| display_safe(url.unwrap_or("-")).into_owned();
    for (_, level) in Level::ALL {
        line(&format!("{:<8}{}", level.name(), shown(register::at(now, level))))?;
    }
    let tunnel = address.as_ref().map(|address| address.url.as_str());
    line(&format!("{:<8}{}", "tunnel", shown(tunnel)))?;
    if let Some(change) = before {
        let old = shown(change.old.as_deref());
        line(&format!(
            "{:<8}{old}  ({}, put back with: twoticks webhook put-back)",
            "before",
            change.level.name()
        ))?;
    }
    Ok(())
}

/// The address of the tunnel that runs, in this process's data directory.
fn running(session: &Session) -> Result<String, Error> {
    let address = callback::address(&session.read()?).map_err(failed)?;
    let address = address.ok_or_else(|| {
        Error::usage("no tunnel runs here, so there is no address to tell")
            .hint("start one (twoticks listen --tunnel cloudflared), or give --url")
    })?;
    Ok(address.url)
}

fn agreed(words: &str) -> Result<bool, Error> {
    say(words);
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage("nobody can be asked on this input").hint("say --yes"));
    }
    // Without a prompt the question above is still there.
    write!(std::io::stderr(), "change it? [y/N] ").ok();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn note(
    session: &Session,
    account: AccountId,
    deed: Deed,
    level: Level,
    old: Option<String>,
    new: Option<String>,
) -> Result<(), Error> {
    let at = session.clock.now();
    let change = Change { deed, level, old, new, at };
    let mut store = WriteConn::open(&session.paths.database(), at).map_err(failed)?;
    store.write(|tx| callback::note_change(tx, account, &change)).map_err(failed)?;
    store.close().map_err(failed)
}

/// What is needed to speak of an account's callback.
pub(super) fn registrant(
    session: &Session,
    account: &config::Account,
) -> Result<Registrant, Error> {
    let fetch = |what: &str, source: Option<&config::SecretSource>| {
        let fetched = source.map(|source| source.resolve(&session.env, &*session.clock));
        fetched.transpose().map_err(|error| {
            Error::usage(format!("the {what} of account {:?} cannot be had", account.name))
                .because(&error)
        })
    };
    let token = fetch("token", account.token.as_ref())?;
    Ok(Registrant {
        account: new_account(account),
        app: account.app_id.clone(),
        token: token.ok_or_else(|| {
            Error::usage(format!("account {:?} has no token", account.name))
                .hint("set account.token in the config")
        })?,
        app_secret: fetch("app_secret", account.app_secrets.first())?,
        verify_token: fetch("verify_token", account.verify_tokens.first())?,
        api: api_config(&session.config),
    })
}

/// Waits for a call to Meta.
fn on_network<T>(call: impl Future<Output = Result<T, String>>) -> Result<T, Error> {
    network::wait(call)?.map_err(|why| {
        Error::failed(display_safe(&why).into_owned())
            .hint("twoticks doctor looks at token, number and app")
    })
}
