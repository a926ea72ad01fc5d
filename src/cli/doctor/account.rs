//! One account: its secrets, and what Meta says of token, number, WABA, app and webhooks.

use std::time::Duration;

use secrecy::SecretString;

use super::{Private, Report};
use crate::api::account::{PhoneNumber, TokenInfo};
use crate::api::callback::app_token;
use crate::api::{CallError, Client};
use crate::cli::output::time;
use crate::cli::{Session, network};
use crate::config::{Account, SecretSource};
use crate::domain::account::{FactKind, concerns};
use crate::domain::id::{PhoneNumberId, WabaId};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::store::ReadConn;
use crate::store::account::{accounts, fact};
use crate::store::callback;

/// What a token must allow (Meta, permissions), and what for.
const SCOPES: [(&str, &str); 2] = [
    ("whatsapp_business_messaging", "to send"),
    ("whatsapp_business_management", "for templates, numbers and webhooks"),
];

/// How far the clock may be off: times are shown in minutes.
const CLOCK: Duration = Duration::from_secs(30);

/// How long before a token ends that is worth a word.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// How a new token is made.
const NEW_TOKEN: &str = "make one in the business settings (System users > Generate token) with both \
     whatsapp_business permissions, and put it where account.token says";

pub(super) fn examine(
    report: &mut Report,
    session: &Session,
    account: &Account,
) -> Result<(), Error> {
    told(report, session, account);
    let token = secrets(report, session, account);
    let Some(token) = token else { return Ok(()) };
    let client = match network::client(session, token) {
        Ok(client) => client,
        Err(error) => {
            report.wrong("token", error.message, NEW_TOKEN);
            return Ok(());
        }
    };
    network::wait(async {
        if !reach(report, session, &client).await {
            return;
        }
        let info = token_info(report, session, account, &client).await;
        let Some(info) = info else { return };
        let there = number(report, account, &client).await;
        waba(report, account, &info, &client, there).await;
        app(report, session, account).await;
    })
}

/// What webhooks told of the account that is not good: asking about the number does not tell it.
fn told(report: &mut Report, session: &Session, account: &Account) {
    let Ok(read) = ReadConn::open(&session.paths.database()) else { return };
    let known = accounts(&read).unwrap_or_default().into_iter();
    let mut known = known.filter(|known| known.phone_number.as_str() == account.phone_number_id);
    let facts = known.next().and_then(|known| fact::facts(&read, known.id).ok());
    for concern in concerns(&facts.unwrap_or_default(), session.clock.now()) {
        let only_told = concern.kind.is_shared() && concern.kind != FactKind::Limit;
        let (says, remedy) = concern.words.split_once("; ").unwrap_or((&concern.words, ""));
        match concern.grave {
            _ if !only_told => {}
            true => report.wrong("account", says, remedy),
            false => report.note("account", &*concern.words),
        }
    }
}

/// Whether each secret can be had. The token is the answer.
fn secrets(report: &mut Report, session: &Session, account: &Account) -> Option<SecretString> {
    let mut fetch = |check: &'static str, sources: &[SecretSource], lack: (&str, &str)| {
        if sources.is_empty() {
            report.wrong(check, lack.0, lack.1);
        }
        let mut found = None;
        for source in sources {
            match source.resolve(&session.env, &*session.clock) {
                Ok(secret) => found = found.or(Some(secret)),
                Err(error) => {
                    // Its second half says what helps.
                    let said = error.to_string();
                    let (says, remedy) = said.split_once("; ").unwrap_or((&said, "put it there"));
                    report.wrong(check, says, remedy);
                }
            }
        }
        found
    };
    fetch(
        "app secret",
        &account.app_secrets,
        (
            "no app_secret is set, so no webhook can be trusted",
            "copy it from the app's dashboard, App settings > Basic, and set account.app_secret",
        ),
    );
    fetch(
        "verify token",
        &account.verify_tokens,
        (
            "no verify_token is set, so Meta cannot prove the webhook's address",
            "set account.verify_token to words of your own, the same as in the webhook set-up",
        ),
    );
    let sources: &[SecretSource] = account.token.as_slice();
    fetch("token", sources, ("no token is set, so nothing can be sent", NEW_TOKEN))
}

/// Whether Meta, or the simulator, answers, and what time it is there.
async fn reach(report: &mut Report, session: &Session, client: &Client) -> bool {
    let base = &session.config.base_url;
    match client.server_time().await {
        Ok(there) => {
            let what = if session.is_simulated() { "the simulator" } else { "Meta" };
            report.right("network", format!("{what} answers at {base}"));
            clock(report, session.clock.now(), there);
            true
        }
        Err(error) if session.is_simulated() => {
            let says = format!("no simulator answers at {base}: {error}");
            report.wrong(
                "network",
                says,
                "start it: twoticks sim --write-config FILE, and use that config",
            );
            false
        }
        Err(error) => {
            let says = format!("{base} is not reached: {error}");
            report.wrong(
                "network",
                says,
                "is the network up? Is base_url right, or a proxy in the way?",
            );
            false
        }
    }
}

fn clock(report: &mut Report, here: Timestamp, there: Option<Timestamp>) {
    let Some(there) = there else {
        report.note("clock", "the server does not say what time it is");
        return;
    };
    let off = here.since(there).max(there.since(here));
    if off <= CLOCK {
        report.right("clock", format!("within {} s of the server's", off.as_secs().max(1)));
        return;
    }
    let way = if here > there { "ahead of" } else { "behind" };
    report.wrong(
        "clock",
        format!("this machine is {} s {way} the server ({})", off.as_secs(), time(there)),
        "set it: timedatectl set-ntp true, or your system's way",
    );
}

async fn token_info(
    report: &mut Report,
    session: &Session,
    account: &Account,
    client: &Client,
) -> Option<TokenInfo> {
    let info = match client.debug_token().await {
        Ok(info) => info,
        Err(error) => {
            let expired = matches!(&error, CallError::Refused(refused)
                if refused.subcode == Some(463) || refused.message.contains("expired"));
            let says = if expired { "it has expired" } else { "Meta does not take it" };
            report.wrong("token", format!("{says}: {error}"), NEW_TOKEN);
            return None;
        }
    };
    let now = session.clock.now();
    let ended = info.expires_at.filter(|end| *end <= now);
    if let Some(end) = ended {
        report.wrong("token", format!("it expired at {}", time(end)), NEW_TOKEN);
        return None;
    }
    if !info.is_valid {
        report.wrong("token", "Meta says that it is not valid", NEW_TOKEN);
        return None;
    }
    let mut lacks = false;
    for (scope, what) in SCOPES {
        if !info.scopes.iter().any(|has| has == scope) {
            lacks = true;
            report.wrong("token", format!("it lacks {scope}, which is needed {what}"), NEW_TOKEN);
        }
    }
    if let (Some(ours), Some(theirs)) = (&account.app_id, &info.app_id)
        && ours != theirs
    {
        lacks = true;
        let says = format!("it was made for app {theirs}, and the config says {ours}");
        report.wrong(
            "token",
            says,
            format!("set account.app_id = \"{theirs}\", or use a token of {ours}"),
        );
    }
    match info.expires_at.or(info.data_access_expires_at) {
        Some(end) if end.since(now) < SOON => {
            let says = format!("it ends soon, at {}: {NEW_TOKEN}", time(end));
            report.note("token", says);
        }
        Some(end) if !lacks => report.right("token", format!("valid until {}", time(end))),
        None if !lacks => report.right("token", "valid, and it never ends"),
        _ => {}
    }
    Some(info)
}

/// Whether the number is there at all.
async fn number(report: &mut Report, account: &Account, client: &Client) -> bool {
    let id = &account.phone_number_id;
    let number = match client.phone_number(&PhoneNumberId::new(id)).await {
        Ok(number) => number,
        Err(error) => {
            let there = other_numbers(report, account, client).await;
            report.wrong(
                "number",
                format!("phone_number_id {id} is not there, or the token may not see it: {error}"),
                format!("copy the id from WhatsApp > API Setup in the app's dashboard{there}"),
            );
            return false;
        }
    };
    learn(report, &number);
    let mut fine = true;
    let mut wrong = |says: String, remedy: &str| {
        fine = false;
        report.wrong("number", says, remedy);
    };
    let is = |field: &Option<String>, words: &[&str]| {
        field.as_deref().is_some_and(|field| words.contains(&field))
    };
    // Meta flags a number for its quality: that is one thing to do something about, not two.
    let flagged = is(&number.status, &["FLAGGED"]);
    if number.status.is_some() && !flagged && !is(&number.status, &["CONNECTED"]) {
        let status = number.status.as_deref().unwrap_or_default();
        wrong(
            format!("its status is {status}"),
            "see WhatsApp Manager > Phone numbers; a PENDING one has to be registered with its PIN",
        );
    }
    if flagged || is(&number.quality, &["RED"]) {
        let quality = number.quality.as_deref().unwrap_or("low");
        let flag = if flagged { ", and Meta has flagged it" } else { "" };
        wrong(
            format!("its quality is {quality}: people block or report it{flag}"),
            "send less marketing, to people who asked for it; it recovers within days",
        );
    }
    if is(&number.can_send, &["BLOCKED", "LIMITED"]) {
        let word = number.can_send.as_deref().unwrap_or_default();
        let why = number.problems.join(" ");
        wrong(format!("sending is {word}: {why}"), "do what Meta says there, in WhatsApp Manager");
    }
    if is(&number.platform, &["ON_PREMISE"]) {
        wrong(
            "it is not on the Cloud API".to_owned(),
            "move it: register it for the Cloud API in WhatsApp Manager",
        );
    }
    if fine {
        report.right("number", words(&number));
    }
    true
}

/// Has hidden from others who the number is.
fn learn(report: &mut Report, number: &PhoneNumber) {
    report.hides(number.verified_name.clone().map(Private::Name));
    report.hides(number.display_number.clone().map(Private::Number));
}

/// Name, number and limits in one line.
fn words(number: &PhoneNumber) -> String {
    let parts = [
        number.verified_name.clone(),
        number.display_number.clone(),
        number.quality.as_ref().map(|quality| format!("quality {quality}")),
        number.messaging_limit.as_ref().map(|limit| format!("limit {limit}")),
        number.throughput.as_ref().map(|level| format!("throughput {level}")),
        number.name_status.as_ref().map(|status| format!("name {status}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `; this WABA has 123 (+55 ...)`, for whoever mistook one number for another.
async fn other_numbers(report: &mut Report, account: &Account, client: &Client) -> String {
    let Some(waba) = &account.waba_id else { return String::new() };
    let numbers = client.numbers(&WabaId::new(waba)).await.unwrap_or_default();
    for number in &numbers {
        learn(report, number);
    }
    let listed = numbers.iter().filter_map(|number| {
        Some(format!("{} ({})", number.id.as_ref()?, number.display_number.as_deref()?))
    });
    let listed: Vec<String> = listed.collect();
    if listed.is_empty() { String::new() } else { format!("; this WABA has {}", listed.join(", ")) }
}

async fn waba(
    report: &mut Report,
    account: &Account,
    info: &TokenInfo,
    client: &Client,
    there: bool,
) {
    let Some(waba) = &account.waba_id else {
        report.wrong(
            "waba",
            "no waba_id is set, so templates and webhooks cannot be looked at",
            "run: twoticks init, which finds it, or copy it from WhatsApp > API Setup",
        );
        return;
    };
    let id = WabaId::new(waba);
    match client.numbers(&id).await {
        Ok(numbers) => {
            let ours = Some(account.phone_number_id.as_str());
            if !there {
                report.right("waba", format!("{waba} is there"));
            } else if numbers.iter().any(|number| number.id.as_deref() == ours) {
                report.right("waba", format!("{waba} has the number"));
            } else {
                report.wrong(
                    "waba",
                    format!("the number is none of WABA {waba}"),
                    "copy the WhatsApp Business Account ID from WhatsApp > API Setup",
                );
                return;
            }
        }
        // What it lacks is a scope, which is told already.
        Err(error) if info.wabas.iter().any(|known| known == waba) => {
            report
                .note("waba", format!("the token is for {waba}, and may not look at it: {error}"));
            return;
        }
        Err(error) => {
            let known = info.wabas.join(", ");
            let remedy = if known.is_empty() {
                "copy the WhatsApp Business Account ID from WhatsApp > API Setup".to_owned()
            } else {
                format!("set account.waba_id to one that the token is for: {known}")
            };
            let says = format!("waba_id {waba} is not there, or the token may not see it: {error}");
            report.wrong("waba", says, remedy);
            return;
        }
    }
    match client.subscribers(&id).await {
        Ok(apps) => {
            let ours = [&info.app_id, &account.app_id];
            let is_ours = |id: &Option<String>| ours.contains(&id) || ours == [&None, &None];
            if apps.iter().any(|app| is_ours(&app.app_id)) {
                report.right("subscription", "the app gets the webhooks of the WABA");
            } else {
                report.wrong(
                    "subscription",
                    "the app is not subscribed to the WABA, so no webhook is sent",
                    "run: twoticks webhook set --level waba",
                );
            }
        }
        Err(error) => report.note("subscription", format!("not known: {error}")),
    }
}

async fn app(report: &mut Report, session: &Session, account: &Account) {
    let secret = account
        .app_secrets
        .iter()
        .find_map(|source| source.resolve(&session.env, &*session.clock).ok());
    if let (Some(app), Some(secret)) = (&account.app_id, secret) {
        let asked = match network::client(session, app_token(app, &secret)) {
            Ok(client) => client.app_callback(app).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.message),
        };
        match asked {
            Ok(_) => report.right("app secret", "it is the app's"),
            Err(error) => report.wrong(
                "app secret",
                format!("it is not that of app {app}: {error}"),
                "copy it anew from App settings > Basic in the app's dashboard",
            ),
        }
    }
    let token = account
        .token
        .as_ref()
        .and_then(|source| source.resolve(&session.env, &*session.clock).ok());
    let Some(client) = token.and_then(|token| network::client(session, token).ok()) else { return };
    let callbacks = client.callbacks(&PhoneNumberId::new(&account.phone_number_id)).await;
    if let Ok(set) = &callbacks {
        let all = [&set.number, &set.waba, &set.app].into_iter().flatten();
        all.for_each(|url| report.hides(Some(Private::Host(url.clone()))));
    }
    let tunnel = ReadConn::open(&session.paths.database())
        .ok()
        .and_then(|read| callback::running(&read, session.clock.now()).ok().flatten());
    report.hides(tunnel.as_ref().map(|address| Private::Host(address.url.clone())));
    match (callbacks, tunnel) {
        (Err(error), _) => {
            report.note("webhook", format!("where Meta posts is not known: {error}"));
        }
        (Ok(set), _) if set.effective().is_none() => report.wrong(
            "webhook",
            "Meta has no address to post webhooks to",
            "start a tunnel (twoticks listen --tunnel cloudflared), then: twoticks webhook set",
        ),
        (Ok(set), Some(address)) if set.effective() != Some(&address.url) => report.wrong(
            "webhook",
            format!(
                "Meta posts to {}, not to {}",
                set.effective().unwrap_or_default(),
                address.url
            ),
            "run: twoticks webhook set",
        ),
        (Ok(set), _) => {
            report
                .right("webhook", format!("Meta posts to {}", set.effective().unwrap_or_default()));
        }
    }
}
