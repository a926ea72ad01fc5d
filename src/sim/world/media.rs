//! Files: what the business uploaded and what people sent. Ids from an upload live 30 days, ids from a
//! webhook 7, download addresses 5 minutes, as Meta's do.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::super::refusal::Refusal;
use super::super::signed::{hex, sha256};
use super::super::stamp::millis;
use crate::domain::time::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Seconds a download address works.
const ADDRESS_LIFE: i64 = 300;

/// The files built into the program, which people send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sample {
    /// A picture of a parcel.
    Parcel,
    /// A picture of a lamp.
    Lamp,
    /// Two seconds of silence.
    Voice,
    /// An order of one page.
    Invoice,
    /// A sticker.
    Sticker,
}

impl Sample {
    /// The file itself.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Parcel => include_bytes!("../../../assets/sim/box.png"),
            Self::Lamp => include_bytes!("../../../assets/sim/lamp.png"),
            Self::Voice => include_bytes!("../../../assets/sim/voice.ogg"),
            Self::Invoice => include_bytes!("../../../assets/sim/order.pdf"),
            Self::Sticker => include_bytes!("../../../assets/sim/sticker.webp"),
        }
    }

    /// Its type as webhooks name it.
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Parcel | Self::Lamp => "image/png",
            Self::Voice => "audio/ogg; codecs=opus",
            Self::Invoice => "application/pdf",
            Self::Sticker => "image/webp",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Content {
    Sample(Sample),
    /// Base64 of an uploaded file.
    Uploaded(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    mime: String,
    content: Content,
    #[serde(with = "millis")]
    until: Timestamp,
}

impl Stored {
    fn bytes(&self) -> Vec<u8> {
        match &self.content {
            Content::Sample(sample) => sample.bytes().to_vec(),
            // What was encoded here decodes.
            Content::Uploaded(text) => BASE64.decode(text).unwrap_or_default(),
        }
    }
}

/// What `GET /{media-id}` tells.
pub(super) struct MediaInfo {
    pub(super) mime: String,
    pub(super) sha256: String,
    pub(super) size: usize,
    /// Path and query of the download address.
    pub(super) address: String,
}

/// All files by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MediaShelf {
    files: BTreeMap<String, Stored>,
}

impl MediaShelf {
    /// Puts a built-in file on the shelf as somebody's message would.
    pub(super) fn receive(&mut self, id: String, sample: Sample, now: Timestamp) {
        let mime = sample.mime().to_owned();
        let content = Content::Sample(sample);
        self.files.insert(id, Stored { mime, content, until: now + DAY * 7 });
    }

    pub(super) fn upload(
        &mut self,
        id: String,
        mime: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let limit = size_limit(mime).ok_or_else(|| {
            Refusal::parameter(&format!(
                "Param file must be a file with a supported type - got {mime}."
            ))
        })?;
        if bytes.is_empty() || bytes.len() > limit {
            let text = format!("The file has {} bytes; {mime} may have 1 to {limit}.", bytes.len());
            return Err(Refusal::new(131_053, text));
        }
        let content = Content::Uploaded(BASE64.encode(bytes));
        self.files.insert(id, Stored { mime: mime.to_owned(), content, until: now + DAY * 30 });
        Ok(())
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.files.remove(id).is_some()
    }

    pub(super) fn mime(&self, id: &str) -> Option<&str> {
        self.files.get(id).map(|file| file.mime.as_str())
    }

    pub(super) fn info(&self, id: &str, secret: &str, now: Timestamp) -> Option<MediaInfo> {
        let file = self.files.get(id).filter(|file| now < file.until)?;
        let bytes = file.bytes();
        let ext = now.millis() / 1000 + ADDRESS_LIFE;
        let hash = address_hash(id, ext, secret);
        Some(MediaInfo {
            mime: file.mime.clone(),
            sha256: hex(&sha256(&bytes)),
            size: bytes.len(),
            address: format!("/whatsapp_business/attachments/?mid={id}&ext={ext}&hash={hash}"),
        })
    }

    /// The file behind a download address, as long as that works.
    pub(super) fn download(
        &self,
        id: &str,
        ext: &str,
        hash: &str,
        secret: &str,
        now: Timestamp,
    ) -> Option<(String, Vec<u8>)> {
        let until: i64 = ext.parse().ok()?;
        let valid = now.millis() / 1000 < until && hash == address_hash(id, until, secret);
        let file = self.files.get(id).filter(|file| valid && now < file.until)?;
        Some((file.mime.clone(), file.bytes()))
    }
}

fn address_hash(id: &str, ext: i64, secret: &str) -> String {
    let mut hash = hex(&sha256(format!("{id} {ext} {secret}").as_bytes()));
    hash.truncate(32);
    hash
}

/// The most bytes Meta takes of a type; `None` for a type it does not take.
fn size_limit(mime: &str) -> Option<usize> {
    const MIB: usize = 1024 * 1024;
    let plain = mime.split(';').next().unwrap_or(mime).trim();
    match plain {
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "audio/opus"
        | "video/mp4" | "video/3gpp" | "video/3gp" => Some(16 * MIB),
        "image/jpeg" | "image/png" => Some(5 * MIB),
        "image/webp" => Some(MIB / 2),
        _ if plain.starts_with("application/") || plain == "text/plain" => Some(100 * MIB),
        _ => None,
    }
}

/// The base64 of a file's SHA-256, as webhooks spell it (`GET /{media-id}` spells it in hex).
pub(in crate::sim) fn webhook_sha256(bytes: &[u8]) -> String {
    BASE64.encode(sha256(bytes))
}

/// One part of a `multipart/form-data` body.
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) mime: Option<String>,
    pub(super) bytes: &'a [u8],
}

/// The parts of a form, or `None` when the body is none.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut rest = body.get(find(body, delimiter.as_bytes())? + delimiter.len()..)?;
    let next = format!("\r\n{delimiter}");
    let mut found = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, next.as_bytes())?;
        let (part, after) = part.split_at_checked(end)?;
        found.push(read_part(part)?);
        rest = after.get(next.len()..)?;
    }
    Some(found)
}

fn read_part(part: &[u8]) -> Option<Part<'_>> {
    let head_end = find(part, b"\r\n\r\n")?;
    let (head, bytes) = (part.get(..head_end)?, part.get(head_end + 4..)?);
    let head = String::from_utf8_lossy(head);
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let disposition = header("content-disposition")?;
    let mut fields = disposition.split(';').map(str::trim);
    let name = fields.find_map(|field| field.strip_prefix("name="))?.trim_matches('"').to_owned();
    Some(Part { name, mime: header("content-type"), bytes })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_form_falls_into_its_parts() {
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n--xyz\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
            \x89PNG\r\n--xy\r\n--xyz--\r\n";
        let found = parts("multipart/form-data; boundary=xyz", body).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].name.as_str(), found[0].bytes), ("type", &b"image/png"[..]));
        assert_eq!(found[1].mime.as_deref(), Some("image/png"));
        assert_eq!(found[1].bytes, b"\x89PNG\r\n--xy");
        assert!(parts("application/json", body).is_none());
        assert!(parts("multipart/form-data; boundary=zzz", body).is_none());
    }
}
