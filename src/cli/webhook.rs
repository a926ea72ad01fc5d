//! `twoticks webhook`: where Meta posts, and the word to let it post to the tunnel. Said once, the address is
//! told to Meta whenever it changes.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{json_line, line, time};
use super::services::{api_config, new_account, secret};
use super::{Session, failed, network, say};
use crate::config;
use crate::domain::text::display_safe;
use crate::domain::time::Clock;
use crate::domain::tunnel::Level;
use crate::error::{Error, Kind};
use crate::service::callback::{Book, Callback, Registrant, Trouble, at, in_front};
use crate::store::callback;
use crate::store::{self, Tx, WriteConn};

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
    let callback = account_callback(session, session.account()?)?;
    session.paths.create_data()?;
    network::wait(async {
        match &webhook.what {
            What::Show { json } => show(session, &callback, *json).await,
            What::Set { url, level, yes } => {
                let url = match url {
                    Some(url) => sound(url)?,
                    None => running(session)?,
                };
                set(&callback, &url, *level, *yes).await
            }
            What::PutBack => put_back(&callback).await,
            What::Leave => callback.leave().await.map_err(|why| trouble(&why)),
        }
    })?
}

/// The database, opened for each change: nobody waits for it while Meta or a person is asked.
struct Database {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Book for Database {
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, String> {
        let write = || {
            let mut store = WriteConn::open(&self.path, self.clock.now())?;
            let (made, _) = store.write(job)?;
            store.close()?;
            Ok(made)
        };
        write().map_err(|error: store::Error| error.to_string())
    }
}

async fn set(
    callback: &Callback<Database>,
    url: &str,
    level: Level,
    yes: bool,
) -> Result<(), Error> {
    let now = callback.current().await.map_err(|why| trouble(&why))?;
    let words = format!(
        "Meta posts webhooks for the {} to:\n  {}\nfrom now on, and whenever the tunnel's \
         address changes:\n  {}",
        level.name(),
        display_safe(at(&now, level).unwrap_or("(nothing of its own)")),
        display_safe(url)
    );
    if !yes && !agreed(&words)? {
        return Err(Error::new(Kind::Interrupted, "nothing was changed"));
    }
    let after = callback.set(&now, level, url).await.map_err(|why| trouble(&why))?;
    if let Some(why) = in_front(&after, level, url) {
        let says = format!("it is set for the {}, but {}", level.name(), display_safe(&why));
        return Err(Error::new(Kind::Partial, says)
            .hint("set it for that level too, or take away what stands there"));
    }
    line(&format!("Meta posts to {}", display_safe(url)))?;
    if level != Level::App && after.app.as_deref() != Some(url) {
        let app = display_safe(after.app.as_deref().unwrap_or("no address"));
        say(&format!(
            "That holds for messages. What is about templates, limits and the account goes to the app's \
             address, {app}; --level app changes that"
        ));
    }
    Ok(())
}

async fn put_back(callback: &Callback<Database>) -> Result<(), Error> {
    let all = callback.put_back().await.map_err(|why| trouble(&why))?;
    if all.is_empty() {
        return Err(Error::new(Kind::Partial, "nothing of ours stands there"));
    }
    let mut failed = Ok(());
    for one in all {
        let level = one.level.name();
        match one.done {
            Ok(()) => {
                let old = one.old.as_deref().unwrap_or("what the next level says");
                line(&format!("{level}: Meta posts to {} again", display_safe(old)))?;
            }
            Err(why) => {
                say(&format!("{level}: not put back: {}", display_safe(&why.to_string())));
                failed = Err(trouble(&why));
            }
        }
    }
    failed
}

async fn show(
    session: &Session,
    callback: &Callback<Database>,
    as_json: bool,
) -> Result<(), Error> {
    let now = callback.current().await.map_err(|why| trouble(&why))?;
    let changes = callback.changes().await.map_err(|why| trouble(&why))?;
    let address = callback::running(&session.read()?, session.clock.now()).map_err(failed)?;
    let ours = callback::ours(&changes);
    if as_json {
        let before = ours.first();
        let all: Vec<_> = ours
            .iter()
            .map(|change| json!({ "level": change.level.name(), "url": change.old }))
            .collect();
        return Ok(json_line(&json!({
            "number": now.number,
            "waba": now.waba,
            "app": now.app,
            "tunnel": address.as_ref().map(|address| &address.url),
            "tunnel_proved_at": address.as_ref().map(|address| time(address.proved_at)),
            "before": before.and_then(|change| change.old.as_ref()),
            "before_level": before.map(|change| change.level.name()),
            "before_us": all,
        }))?);
    }
    let shown = |url: Option<&str>| display_safe(url.unwrap_or("-")).into_owned();
    for (_, level) in Level::ALL {
        line(&format!("{:<8}{}", level.name(), shown(at(&now, level))))?;
    }
    let tunnel = address.as_ref().map(|address| address.url.as_str());
    line(&format!("{:<8}{}", "tunnel", shown(tunnel)))?;
    for change in ours {
        let old = shown(change.old.as_deref());
        line(&format!(
            "{:<8}{old}  ({}, put back with: twoticks webhook put-back)",
            "before",
            change.level.name()
        ))?;
    }
    Ok(())
}

/// An address as it was given, unless it is none.
fn sound(url: &str) -> Result<String, Error> {
    let parsed: Result<url::Url, _> = url.parse();
    match parsed {
        Ok(found) if matches!(found.scheme(), "https" | "http") => Ok(url.to_owned()),
        _ => Err(Error::usage(format!("--url {url:?} is no address"))
            .hint("give it whole, such as https://example.com/webhook")),
    }
}

/// The address of the tunnel that runs, in this process's data directory.
fn running(session: &Session) -> Result<String, Error> {
    let address = callback::running(&session.read()?, session.clock.now()).map_err(failed)?;
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

/// What is needed to speak of an account's callback.
fn account_callback(
    session: &Session,
    account: &config::Account,
) -> Result<Callback<Database>, Error> {
    let fetch = |what: &str, source: Option<&config::SecretSource>| {
        source.map(|source| secret(session, account, what, source)).transpose()
    };
    let token = fetch("token", account.token.as_ref())?;
    let registrant = Registrant {
        account: new_account(account),
        app: account.app_id.clone(),
        token: token.ok_or_else(|| {
            Error::usage(format!("account {:?} has no token", account.name))
                .hint("set account.token in the config")
        })?,
        app_secret: fetch("app_secret", account.app_secrets.first())?,
        verify_token: fetch("verify_token", account.verify_tokens.first())?,
        api: api_config(&session.config),
    };
    let database = Database { path: session.paths.database(), clock: Arc::clone(&session.clock) };
    Ok(Callback::new(registrant, database, Arc::clone(&session.clock)))
}

/// Whether the address itself is the trouble: Meta could not verify it (2200), or it is none.
fn is_about_address(says: &str) -> bool {
    says.contains("(#2200)") || says.contains("code 2200")
}

fn trouble(why: &Trouble) -> Error {
    let says = display_safe(&why.to_string()).into_owned();
    match why {
        Trouble::Unknown(_) => {
            Error::new(Kind::Unknown, says).hint("twoticks webhook show says where Meta posts now")
        }
        Trouble::Lasting(_) | Trouble::Passing(_) => {
            let hint = if is_about_address(&says) {
                "Meta asks the address to repeat a challenge: twoticks listen has to run behind it, and \
                 twoticks doctor says whether it can be reached"
            } else {
                "twoticks doctor looks at token, number and app"
            };
            Error::failed(says).hint(hint)
        }
    }
}
