//! `twoticks init`: asks for the token, finds the rest by it, checks each value at once, and writes a config
//! that a person can read. Run again, it changes what it is told to and leaves the rest as it stands.

mod ask;
mod keep;
mod write;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use self::ask::Asker;
use self::write::Written;
use super::{Global, Session, network, output, say};
use crate::api::account::{PhoneNumber, TokenInfo};
use crate::api::callback::app_token;
use crate::api::{CallError, Client};
use crate::config::{self, Account, SecretSource};
use crate::domain::id::{PhoneNumberId, WabaId};
use crate::domain::text::display_safe;
use crate::error::Error;
use crate::service::random;

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the command line")]
pub(super) struct Init {
    /// What you call the account.
    #[arg(long)]
    name: Option<String>,
    /// The access token: `env:NAME`, `file:PATH`, `command:...`, `keyring:NAME`, or - for the next line of
    /// stdin.
    #[arg(long, value_name = "WHERE", value_parser = place)]
    token: Option<String>,
    /// The app secret, in the same ways.
    #[arg(long, value_name = "WHERE", value_parser = place)]
    app_secret: Option<String>,
    /// The verify token, in the same ways; made up when left out.
    #[arg(long, value_name = "WHERE", value_parser = place)]
    verify_token: Option<String>,
    /// The number's id at Meta; found by the token when there is one number.
    #[arg(long, value_name = "ID")]
    phone_number_id: Option<String>,
    /// The WhatsApp Business Account's id; found by the token.
    #[arg(long, value_name = "ID")]
    waba_id: Option<String>,
    /// The app's id; found by the token.
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Where the API answers, if it is not Meta: a simulator, a proxy.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Keep what is typed or made up in the system's keyring, not in files.
    #[arg(long)]
    keyring: bool,
    /// Print a config that explains every key, and do nothing else.
    #[arg(long, exclusive = true)]
    example: bool,
    /// Ask nothing; what is missing is an error.
    #[arg(long)]
    no_questions: bool,
    /// Do not ask Meta whether the values are right.
    #[arg(long)]
    no_check: bool,
}

/// A secret in the arguments would be in the shell's history and in the list of processes.
fn place(text: &str) -> Result<String, String> {
    let named =
        ["env:", "file:", "command:", "keyring:"].iter().any(|scheme| text.starts_with(scheme));
    if named || text == "-" {
        return Ok(text.to_owned());
    }
    Err("must be env:NAME, file:PATH, command:..., keyring:NAME or - (the next line of stdin)"
        .to_owned())
}

/// Whether it can stand in a status bar and on a command line.
fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && display_safe(name) == name
}

/// A secret with the place that the config will name; one that was typed has none yet.
struct Secret {
    value: SecretString,
    place: Option<String>,
}

/// What is asked of a secret, where it is found, and whether it is right.
struct Wanted<'a> {
    key: &'static str,
    flag: &'static str,
    words: &'a str,
    given: Option<&'a String>,
    /// The one of the config, which Enter keeps.
    known: Option<&'a SecretSource>,
}

pub(super) fn run(global: &Global, init: &Init) -> Result<(), Error> {
    if init.example {
        return Ok(output::line(include_str!("../../config.example.toml").trim_end())?);
    }
    if let Some(name) = init.name.as_ref().filter(|name| !is_name(name)) {
        return Err(Error::usage(format!("--name {name:?}: a name is one line of visible text")));
    }
    let mut session = Session::read_config(global.clone(), false)?;
    if let Some(url) = &init.base_url {
        config::base_url(url)
            .map_err(|wanted| Error::usage(format!("--base-url {url:?}: {wanted}")))?;
        session.env.insert("TWOTICKS_BASE_URL".to_owned(), url.clone());
        session.config = config::load(&session.config_file, false, &session.env)?;
    }
    let mut asker = Asker::new(!init.no_questions);
    let mut setup = Setup { session: &session, init, known: offered(&session, init) };
    let (token, info) = setup.token(&mut asker)?;
    let client = network::client(&session, token.value.clone())?;
    let waba = setup.waba(&mut asker, &client, &info)?;
    let number = setup.number(&mut asker, &client, waba.as_deref())?;
    let id = number.id.clone().unwrap_or_default();
    // Only the number tells which account it is; until now one was merely offered.
    setup.known = setup.account_of(&id)?;
    let app = init.app_id.clone().or(info.app_id).or_else(|| setup.known?.app_id.clone());
    let app_secret = setup.app_secret(&mut asker, app.as_deref())?;
    let verify_token = setup.verify_token(app.as_deref())?;
    let name = setup.name(&mut asker, &number)?;
    let secrets = [("token", token), ("app_secret", app_secret), ("verify_token", verify_token)];
    let keyring = keep::keyring(&asker, init.keyring, setup.known, &secrets)?;
    let written = Written {
        name,
        phone_number_id: id,
        waba_id: waba,
        app_id: app,
        number: number.display_number.clone(),
        secrets,
        keyring,
        base_url: init.base_url.clone(),
    };
    let file =
        write::write(&session.config_file, &written, &session.config.accounts, &*session.clock)?;
    say(&format!("written: {}", file.display()));
    let call = super::inbox::shell(&session);
    say(&format!("next: {call} doctor          looks at everything"));
    say(&format!("      {call} listen --tunnel cloudflared, and then: {call} webhook set"));
    say(&format!("      {call}                 opens the inbox"));
    Ok(())
}

/// The account whose values are offered before the number is known: the one of that number or name, or else
/// the only one.
fn offered<'s>(session: &'s Session, init: &Init) -> Option<&'s Account> {
    let all = &session.config.accounts;
    if let Some(id) = &init.phone_number_id {
        return all.iter().find(|account| &account.phone_number_id == id);
    }
    let called = [&session.global.account, &init.name];
    let named = |name: &String| all.iter().find(|account| &account.name == name);
    let named = called.into_iter().flatten().find_map(named);
    named.or_else(|| all.first().filter(|_| all.len() == 1))
}

struct Setup<'a> {
    session: &'a Session,
    init: &'a Init,
    known: Option<&'a Account>,
}

impl<'a> Setup<'a> {
    /// The account of the config that has this number. No other one is ever changed, so a name that belongs to
    /// another one is refused.
    fn account_of(&self, id: &str) -> Result<Option<&'a Account>, Error> {
        let all = &self.session.config.accounts;
        let called = [&self.session.global.account, &self.init.name];
        let others = |name: &String| {
            let is_other = |one: &&Account| &one.name == name && one.phone_number_id != id;
            all.iter().find(is_other)
        };
        if let Some(other) = called.into_iter().flatten().find_map(others) {
            let (name, has) = (&other.name, &other.phone_number_id);
            return Err(Error::usage(format!("account {name:?} is number {has}, not {id}"))
                .hint("give a --name that no account has, or change that account in the config"));
        }
        Ok(all.iter().find(|account| account.phone_number_id == id))
    }

    /// Whose app secret and verify token are offered: the account's own, or those of one of the same app.
    fn of_app(&self, app: Option<&str>) -> Option<&'a Account> {
        let mut all = self.session.config.accounts.iter();
        self.known.or_else(|| all.find(|one| app.is_some() && one.app_id.as_deref() == app))
    }

    /// A secret from a flag, from the config, or typed; until `check` takes it.
    fn secret<T>(
        &self,
        asker: &mut Asker,
        wanted: &Wanted<'_>,
        check: impl Fn(&SecretString) -> Result<T, No>,
    ) -> Result<(Secret, T), Error> {
        loop {
            let given = match wanted.given {
                Some(given) if given == "-" => ask::line()?,
                Some(given) => given.clone(),
                None => {
                    let keep = wanted.known.map(|known| format!(" (Enter keeps {known:?})"));
                    let words = format!("{}{}", wanted.words, keep.unwrap_or_default());
                    asker.hidden(&words, wanted.flag, wanted.known.is_some())?
                }
            };
            let checked = self.found(wanted, &given).map_err(No::Wrong).and_then(|secret| {
                let checked = check(&secret.value)?;
                Ok((secret, checked))
            });
            match checked {
                Ok(checked) => return Ok(checked),
                Err(No::Wrong(error)) if wanted.given.is_none() && asker.asks() => {
                    say(&format!("  {}", error.to_string().replace('\n', "\n  ")));
                }
                Err(No::Wrong(error) | No::NotAsked(error)) => return Err(error),
            }
        }
    }

    fn found(&self, wanted: &Wanted<'_>, given: &str) -> Result<Secret, Error> {
        let cannot = |error: &config::SecretError| {
            Error::usage(format!("the {} cannot be had", wanted.key)).because(error)
        };
        if given.is_empty()
            && let Some(known) = wanted.known
        {
            let value = known.resolve(&self.session.env, &*self.session.clock);
            let place = written_as(known);
            return Ok(Secret { value: value.map_err(|error| cannot(&error))?, place });
        }
        if place(given).is_err() {
            return Ok(Secret { value: given.to_owned().into(), place: None });
        }
        let base = std::env::current_dir().unwrap_or_default();
        let source = SecretSource::parse(given, &base).map_err(Error::usage)?;
        let value = source.resolve(&self.session.env, &*self.session.clock);
        let place = written_as(&source);
        Ok(Secret { value: value.map_err(|error| cannot(&error))?, place })
    }

    fn token(&self, asker: &mut Asker) -> Result<(Secret, TokenInfo), Error> {
        let wanted = Wanted {
            key: "token",
            flag: "--token",
            words: "The access token. In the business settings: System users > Generate token, with \
                    whatsapp_business_messaging and whatsapp_business_management.\nPaste it (it is \
                    not shown), or name its place: env:NAME, file:PATH, command:... or \
                    keyring:NAME",
            given: self.init.token.as_ref(),
            known: self.known.and_then(|known| known.token.as_ref()),
        };
        self.secret(asker, &wanted, |token| {
            if self.init.no_check {
                return Ok(TokenInfo::default());
            }
            let client = network::client(self.session, token.clone())?;
            let info = network::wait(client.debug_token())?.map_err(|error| {
                no(&error, "the token is not taken", "make a new one, and copy it whole")
            })?;
            if !info.is_valid {
                return Err(No::Wrong(Error::failed("Meta says that the token is not valid")));
            }
            let app = info.application.as_deref().or(info.app_id.as_deref()).unwrap_or("?");
            say(&format!("  token: valid, of the app {}", display_safe(app)));
            let needed = ["whatsapp_business_messaging", "whatsapp_business_management"];
            for scope in needed {
                if !info.scopes.iter().any(|has| has == scope) {
                    let lacks = Error::failed(format!("the token lacks {scope}"));
                    let hint = "generate it anew and tick that permission";
                    return Err(No::Wrong(lacks.hint(hint)));
                }
            }
            Ok(info)
        })
    }

    fn waba(
        &self,
        asker: &mut Asker,
        client: &Client,
        info: &TokenInfo,
    ) -> Result<Option<String>, Error> {
        let known = self.known.and_then(|known| known.waba_id.as_deref());
        if let Some(id) = &self.init.waba_id {
            return Ok(Some(id.clone()));
        }
        if self.init.no_check {
            return Ok(known.map(str::to_owned));
        }
        let known =
            known.filter(|known| info.wabas.is_empty() || info.wabas.iter().any(|id| id == known));
        match (known, info.wabas.as_slice()) {
            (Some(known), []) => return Ok(Some(known.to_owned())),
            (_, [only]) => return Ok(Some(only.clone())),
            _ => {}
        }
        let rows: Vec<String> = info
            .wabas
            .iter()
            .map(|waba| {
                let numbers = network::wait(client.numbers(&WabaId::new(waba)));
                let numbers = numbers.ok().and_then(Result::ok).unwrap_or_default();
                let named = numbers.iter().filter_map(|number| number.display_number.clone());
                format!("{waba}  {}", named.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let words =
            "The WhatsApp Business Account ID (WhatsApp > API Setup in the app's dashboard)";
        let chosen = asker.choose(words, "--waba-id", &rows, known)?;
        Ok(Some(info.wabas.get(chosen.place).cloned().unwrap_or(chosen.text)))
    }

    fn number(
        &self,
        asker: &mut Asker,
        client: &Client,
        waba: Option<&str>,
    ) -> Result<PhoneNumber, Error> {
        let known = self.known.map(|known| known.phone_number_id.clone());
        let given = self.init.phone_number_id.clone();
        if self.init.no_check {
            let id = given.or(known).ok_or_else(|| missing("--phone-number-id"))?;
            return Ok(PhoneNumber { id: Some(id), ..PhoneNumber::default() });
        }
        let numbers = match waba {
            Some(waba) => network::wait(client.numbers(&WabaId::new(waba)))?.map_err(|error| {
                no(&error, &format!("WABA {waba} cannot be looked at"), SEEN).error()
            })?,
            None => Vec::new(),
        };
        let id = match (given, numbers.as_slice()) {
            (Some(id), []) => id,
            (Some(id), numbers) if numbers.iter().any(|number| number.id.as_ref() == Some(&id)) => {
                id
            }
            (Some(id), numbers) => {
                let there: Vec<&str> =
                    numbers.iter().filter_map(|number| number.id.as_deref()).collect();
                return Err(Error::failed(format!("number {id} is not in this WABA"))
                    .hint(format!("it has {}", there.join(", "))));
            }
            (None, [only]) => only.id.clone().unwrap_or_default(),
            (None, several) => {
                let rows: Vec<String> = several.iter().map(row).collect();
                let words = "The phone number ID (WhatsApp > API Setup in the app's dashboard)";
                let is_there = |known: &String| {
                    several.is_empty() || several.iter().any(|one| one.id.as_ref() == Some(known))
                };
                let kept = known.filter(is_there);
                let chosen = asker.choose(words, "--phone-number-id", &rows, kept.as_deref())?;
                let listed = several.get(chosen.place).and_then(|number| number.id.clone());
                listed.unwrap_or(chosen.text)
            }
        };
        let number =
            network::wait(client.phone_number(&PhoneNumberId::new(&id)))?.map_err(|error| {
                no(&error, &format!("number {id} cannot be looked at"), SEEN).error()
            })?;
        say(&format!("  number: {}", row(&number)));
        Ok(PhoneNumber { id: Some(id), ..number })
    }

    fn app_secret(&self, asker: &mut Asker, app: Option<&str>) -> Result<Secret, Error> {
        let wanted = Wanted {
            key: "app_secret",
            flag: "--app-secret",
            words: "The app secret. In the app's dashboard: App settings > Basic > App secret > Show.",
            given: self.init.app_secret.as_ref(),
            known: self.of_app(app).and_then(|known| known.app_secrets.first()),
        };
        let (secret, ()) = self.secret(asker, &wanted, |secret| {
            let (Some(app), false) = (app, self.init.no_check) else { return Ok(()) };
            let client = network::client(self.session, app_token(app, secret))?;
            network::wait(client.app_callback(app))?.map_err(|error| {
                let what = format!("it is not the secret of app {app}");
                no(&error, &what, "copy it anew from App settings > Basic")
            })?;
            say("  app secret: it is the app's");
            Ok(())
        })?;
        Ok(secret)
    }

    /// One of the person's own, the one there is, or one that is made up.
    fn verify_token(&self, app: Option<&str>) -> Result<Secret, Error> {
        let known = self.of_app(app).and_then(|known| known.verify_tokens.first());
        let given = self.init.verify_token.as_ref();
        if given.is_none() && known.is_none() {
            let value =
                random::word().map_err(|error| Error::failed("no random bits").because(&error))?;
            say("  verify token: made up");
            return Ok(Secret { value: value.into(), place: None });
        }
        let wanted =
            Wanted { key: "verify_token", flag: "--verify-token", words: "", given, known };
        let given = match given {
            Some(given) if given == "-" => ask::line()?,
            Some(given) => given.clone(),
            None => String::new(),
        };
        self.found(&wanted, &given)
    }

    fn name(&self, asker: &mut Asker, number: &PhoneNumber) -> Result<String, Error> {
        if let Some(name) = &self.init.name {
            return Ok(name.clone());
        }
        if let Some(known) = self.known {
            return Ok(known.name.clone());
        }
        let verified = number.verified_name.as_deref().unwrap_or("shop");
        let plain: String = verified
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("-");
        let plain = if plain.is_empty() { "shop".to_owned() } else { plain };
        let is_taken =
            |name: &str| self.session.config.accounts.iter().any(|account| account.name == name);
        let counted = (2..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(counted).find(|name| !is_taken(name));
        let usual = free.unwrap_or(plain);
        if !asker.asks() {
            return Ok(usual);
        }
        loop {
            let typed = asker.shown(&format!("What you call it [{usual}]"))?;
            match typed.as_str() {
                "" => return Ok(usual),
                name if !is_name(name) => say("a name is one line of visible text"),
                taken if is_taken(taken) => say(&format!("another account is called {taken:?}")),
                _ => return Ok(typed),
            }
        }
    }
}

/// `106540352242922  +55 11 5550-0199  Loja Sol  quality GREEN`
fn row(number: &PhoneNumber) -> String {
    let quality = number.quality.as_ref().map(|quality| format!("quality {quality}"));
    let parts =
        [number.id.clone(), number.display_number.clone(), number.verified_name.clone(), quality];
    let words = parts.into_iter().flatten().collect::<Vec<_>>().join("  ");
    display_safe(&words).into_owned()
}

/// Why a value is not taken.
enum No {
    /// Meta says that it is wrong; another one may be right.
    Wrong(Error),
    /// Nobody could be asked.
    NotAsked(Error),
}

impl No {
    fn error(self) -> Error {
        match self {
            Self::Wrong(error) | Self::NotAsked(error) => error,
        }
    }
}

impl From<Error> for No {
    fn from(error: Error) -> Self {
        Self::NotAsked(error)
    }
}

/// What may be seen with a token.
const SEEN: &str = "the token may have to be given access to it (System users > Assign assets)";

/// What Meta says of a value, and what helps if it is wrong. Where nobody answers, nothing is said of the value.
fn no(error: &CallError, what: &str, hint: &str) -> No {
    let words = error.to_string();
    let words = display_safe(&words);
    match error {
        CallError::Refused(_) => No::Wrong(Error::failed(format!("{what}: {words}")).hint(hint)),
        CallError::NeverReached(_) | CallError::NoAnswer(_) => No::NotAsked(
            Error::failed(format!("Meta cannot be asked, so nothing was checked: {words}")).hint(
                "look at the network, a proxy, and --base-url; --no-check writes the config unchecked",
            ),
        ),
    }
}

fn missing(flag: &str) -> Error {
    Error::usage(format!("{flag} is missing")).hint("give it, or run twoticks init in a terminal")
}

/// How the config names the place of a secret; none for one that stands in it.
fn written_as(source: &SecretSource) -> Option<String> {
    match source {
        SecretSource::Env(name) => Some(format!("env:{name}")),
        SecretSource::File(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Some(format!("file:{}", path.display()))
        }
        SecretSource::Command(command) => Some(format!("command:{command}")),
        SecretSource::Keyring(name) => Some(format!("keyring:{name}")),
        SecretSource::Literal(_) => None,
    }
}

impl Secret {
    fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}
