//! The resumable upload: a session is opened for a file, its bytes come in one or more pieces, and what
//! comes out is a handle that names the file as a template's example or a profile picture.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::http::{Method, Request};
use super::super::refusal::Refusal;
use super::super::signed::{hex, sha256};
use super::World;
use crate::domain::time::Timestamp;

/// The types that can be uploaded this way.
const TYPES: [&str; 5] = ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"];
/// The largest file.
const LIMIT: u64 = 100 * 1024 * 1024;

/// A file on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    mime: String,
    length: u64,
    offset: u64,
    /// A hash of what came so far; the bytes themselves are of no further use.
    hash: String,
}

/// The sessions by id, and the files that arrived by handle.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Uploads {
    sessions: BTreeMap<String, Session>,
    handles: BTreeMap<String, String>,
}

impl Uploads {
    /// Whether a session has this name, with or without its signature.
    pub(super) fn knows(&self, name: &str) -> bool {
        name.starts_with("upload:") && self.sessions.keys().any(|id| id.starts_with(name))
    }

    /// The type of the file that a handle names.
    pub(super) fn mime(&self, handle: &str) -> Option<&str> {
        self.handles.get(handle).map(String::as_str)
    }
}

impl World {
    /// `POST /{app-id}/uploads`: opens a session.
    pub(super) fn open_upload(&mut self, request: &Request) -> Result<Value, Refusal> {
        let need = |key: &str| {
            let missing = || Refusal::parameter(&format!("The parameter {key} is required."));
            request.parameter(key).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        let (mime, length) = (need("file_type")?, need("file_length")?);
        if !TYPES.contains(&mime.as_str()) {
            let known = TYPES.join(", ");
            let text = format!("Param file_type must be one of {{{known}}} - got \"{mime}\".");
            return Err(Refusal::parameter(&text));
        }
        let length: u64 =
            length.parse().ok().filter(|length| (1..=LIMIT).contains(length)).ok_or_else(|| {
                Refusal::parameter(&format!("Param file_length must be from 1 to {LIMIT}."))
            })?;
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let name = format!("upload:MTphdHRhY2htZW50Oj{}", self.rng.letters(alphabet, 24));
        let id = format!("{name}?sig=ARY{}", self.rng.letters(alphabet, 20));
        let session = Session { mime, length, offset: 0, hash: String::new() };
        self.uploads.sessions.insert(id.clone(), session);
        Ok(json!({ "id": id }))
    }

    /// `GET` and `POST /{upload id}`: how far it is, and the next piece of it.
    pub(super) fn upload_piece(
        &mut self,
        now: Timestamp,
        request: &Request,
        name: &str,
    ) -> Result<Value, Refusal> {
        let id = format!("{name}?sig={}", request.query("sig").unwrap_or(""));
        let verb = if request.method == Method::Get { "get" } else { "post" };
        let session = self.uploads.sessions.get_mut(&id);
        let session = session.ok_or_else(|| Refusal::unknown_object(verb, name))?;
        if request.method == Method::Get {
            return Ok(json!({ "id": id, "file_offset": session.offset }));
        }
        let offset = request.header("file_offset").and_then(|offset| offset.trim().parse().ok());
        if offset != Some(session.offset) {
            let text = format!("The header file_offset must be {}.", session.offset);
            return Err(Refusal::parameter(&text));
        }
        let came = request.body.len() as u64;
        if session.offset + came > session.length || came == 0 {
            let text = format!(
                "The file has {} bytes, {} more were expected and {came} came.",
                session.length,
                session.length - session.offset
            );
            return Err(Refusal::parameter(&text));
        }
        session.offset += came;
        session.hash = hex(&sha256(&[session.hash.as_bytes(), &request.body].concat()));
        if session.offset < session.length {
            return Ok(json!({ "id": id, "file_offset": session.offset }));
        }
        let handle = format!(
            "4::{}:AR{}:e:{}:{}",
            super::base64(session.mime.as_bytes()),
            session.hash,
            now.millis() / 1000 + 30 * 24 * 3600,
            self.config.app_id,
        );
        self.uploads.handles.insert(handle.clone(), session.mime.clone());
        self.uploads.sessions.remove(&id);
        Ok(json!({ "h": handle }))
    }
}
