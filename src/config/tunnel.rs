//! What brings webhooks here.

use url::Url;

use super::is_loopback;
use super::read::{Document, Place, Section};
use super::settings::{Register, Tunnel};
use crate::domain::tunnel::{Kind, Level};

/// Reads `[tunnel]`.
pub(super) fn read(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Tunnel {
    let table = top.table(document, "tunnel");
    let registers = [("ask", Register::Ask), ("never", Register::Never)].into_iter();
    let registers: Vec<_> =
        registers.chain(Level::ALL.map(|(word, level)| (word, Register::At(level)))).collect();
    let mut section = Section::new("tunnel", table, true);
    let tunnel = Tunnel {
        kind: section.word(document, "kind", &Kind::ALL).unwrap_or(Kind::None),
        public_url: section.parsed(document, "public_url", public_url),
        destination: section.parsed(document, "destination", ssh_destination),
        remote: section
            .parsed(document, "remote", |text| {
                let port = text.rsplit(':').next().unwrap_or_default();
                let plain = |c: char| c.is_ascii_alphanumeric() || ".:-_*[]".contains(c);
                if port.parse::<u16>().is_ok() && text.chars().all(plain) {
                    return Ok(text.to_owned());
                }
                Err("must be a port on the server, or address:port, in quotes".to_owned())
            })
            .unwrap_or_else(|| "80".to_owned()),
        command: section.text(document, "command").map(|found| found.value),
        args: section.texts(document, "args").into_iter().map(|found| found.value).collect(),
        register: section.word(document, "register", &registers).unwrap_or(Register::Ask),
    };
    if let (Some(missing), Some(table)) = (tunnel.missing(), table) {
        let place = table.keys().map(|key| document.line(&key.span())).next();
        let place = place.unwrap_or(Place::Env("TWOTICKS_TUNNEL_KIND".to_owned()));
        document.problem(place, missing);
    }
    section.finish(document);
    tunnel
}

fn public_url(text: &str) -> Result<Url, String> {
    let wanted = "must be the https address that Meta reaches, without the listener's path";
    let url: Url = text.parse().map_err(|error| format!("is no address ({error}); it {wanted}"))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && is_loopback(&url) => Ok(url),
        _ => Err(wanted.to_owned()),
    }
}

/// A host for ssh. One that begins with a dash would be an option.
fn ssh_destination(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@.:-_+%/[]".contains(c);
    if !text.starts_with('-') && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("must be a host as ssh takes it, such as \"me@example.com\"".to_owned())
}
