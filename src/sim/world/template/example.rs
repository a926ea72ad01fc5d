//! The files behind the examples of headers. Meta shows them at addresses that anybody can fetch; here the simulator
//! serves them itself, a stand-in for each type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::super::media::Sample;
use super::{hex, sha256};

/// Where the files are at Meta, and the folder of their paths.
const META: &str = "https://scontent.whatsapp.net";
const FOLDER: [&str; 2] = ["v", "t61.29466-34"];

/// A film of no length.
const FILM: &[u8] = include_bytes!("../../../../assets/sim/film.mp4");

/// The address of what was uploaded under this handle.
pub(super) fn address(handle: &str) -> String {
    let mime = handle.split(':').nth(2).and_then(|mime| BASE64.decode(mime).ok());
    let ending = match mime.as_deref() {
        Some(b"application/pdf") => "pdf",
        Some(b"video/mp4") => "mp4",
        _ => "png",
    };
    let hash = hex(&sha256(handle.as_bytes()));
    format!("{META}/{}/{hash}_n.{ending}", FOLDER.join("/"))
}

/// Puts the simulator, as the client calls it, in place of Meta's host in the addresses of a template.
pub(super) fn at_host(template: &mut Value, host: &str) {
    match template {
        Value::Array(all) => all.iter_mut().for_each(|one| at_host(one, host)),
        Value::Object(all) => {
            for (key, value) in all {
                let handle = value.pointer("/0").and_then(Value::as_str);
                match handle.and_then(|handle| handle.strip_prefix(META)) {
                    Some(path) if key == "header_handle" => {
                        *value = json!([format!("http://{host}{path}")]);
                    }
                    _ => at_host(value, host),
                }
            }
        }
        _ => {}
    }
}

/// The file at a path, with its type.
pub(in crate::sim::world) fn file(path: &[&str]) -> Option<(&'static str, &'static [u8])> {
    let [folder @ .., name] = path else { return None };
    if folder != FOLDER {
        return None;
    }
    match name.rsplit_once('.')?.1 {
        "png" => Some((Sample::Lamp.mime(), Sample::Lamp.bytes())),
        "pdf" => Some((Sample::Invoice.mime(), Sample::Invoice.bytes())),
        "mp4" => Some(("video/mp4", FILM)),
        _ => None,
    }
}
