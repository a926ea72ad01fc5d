//! The file above a template's text: how it is named, and what Meta takes.

use super::MediaFormat;
use crate::domain::id::MediaId;
use crate::domain::message::{Media, MediaCopy, MediaKind};

/// What a person named as the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSource<'a> {
    /// A media id of Meta's: digits alone. A file of such a name is written `./123`.
    Id(&'a str),
    /// A link that Meta fetches.
    Link(&'a str),
    /// A file of this machine.
    Path(&'a str),
}

/// Reads what was typed. Spaces around it do not count.
#[must_use]
pub fn file_source(value: &str) -> FileSource<'_> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return FileSource::Id(value);
    }
    let is_link = ["http://", "https://"].iter().any(|scheme| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if is_link { FileSource::Link(value) } else { FileSource::Path(value) }
}

/// The last part of a path or link, without a query.
pub(super) fn base_name(name: &str) -> &str {
    let name = name.split(['?', '#']).next().unwrap_or_default();
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn extension(name: &str) -> Option<String> {
    let (stem, extension) = base_name(name).rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// The file that `value` names; one that is not named yet is nowhere.
#[must_use]
pub fn named_file(kind: MediaKind, value: &str) -> Media {
    let mut media = Media::new(kind);
    // Without a name the person sees a document as "Untitled".
    let name = |name: &str| Some(base_name(name).to_owned()).filter(|name| name.contains('.'));
    match file_source(value) {
        FileSource::Id(id) => media.id = Some(MediaId::new(id)),
        FileSource::Link(link) => {
            media.url = Some(link.to_owned());
            media.file_name = link.split_once("://").and_then(|(_, rest)| {
                let (_, path) = rest.split_once('/')?;
                name(path)
            });
        }
        FileSource::Path("") => {}
        FileSource::Path(path) => {
            media.mime_type = mime_type(path).map(str::to_owned);
            media.file_name = Some(base_name(path).to_owned());
            media.copy = MediaCopy::Outside { path: path.to_owned() };
        }
    }
    media
}

/// The type of a file by the end of its name. None for one that Meta does not document.
#[must_use]
pub fn mime_type(name: &str) -> Option<&'static str> {
    Some(match extension(name)?.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "mp4" => "video/mp4",
        "3gp" | "3gpp" => "video/3gpp",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

/// Whether Meta takes a file of this name above a template. Documents may be anything (Meta, media).
pub(super) fn is_taken(format: MediaFormat, name: &str) -> bool {
    let mime_type = mime_type(name).unwrap_or_default();
    match format {
        MediaFormat::Image => mime_type.starts_with("image/"),
        MediaFormat::Video => mime_type.starts_with("video/"),
        MediaFormat::Document => true,
    }
}

/// What Meta takes, for a person.
pub(super) const fn takes(format: MediaFormat) -> &'static str {
    match format {
        MediaFormat::Image => "an image is a .jpg or .png file",
        MediaFormat::Video => "a video is a .mp4 or .3gp file",
        MediaFormat::Document => "a document is any file, best a .pdf",
    }
}

/// Why Meta would refuse a file of `size` bytes: images may have 5 MB, videos 16 MB, documents 100 MB
/// (Meta, media).
#[must_use]
pub fn file_too_big(format: MediaFormat, size: u64) -> Option<String> {
    let mega = match format {
        MediaFormat::Image => 5,
        MediaFormat::Video => 16,
        MediaFormat::Document => 100,
    };
    (size > mega * 1024 * 1024).then(|| {
        let tenths = size.saturating_mul(10) / (1024 * 1024);
        format!("the file has {}.{} MB, and Meta takes at most {mega} MB", tenths / 10, tenths % 10)
    })
}

/// The largest file that is uploaded as an example, in bytes: Meta's limit of a video (Meta, media).
pub const EXAMPLE_MAX: u64 = 16 << 20;

/// Why a file of this machine cannot be the example of a header.
#[must_use]
pub fn example_too_big(path: &str, size: u64) -> Option<String> {
    if size > EXAMPLE_MAX {
        let mega = EXAMPLE_MAX >> 20;
        return Some(format!("{path} has {size} bytes, and Meta takes at most {mega} MB"));
    }
    example_type(path, None).err()
}

/// The type of an example by the end of its name, or by what its server says: Meta takes PDF, JPEG, PNG and MP4
/// (Meta, resumable upload).
pub fn example_type(name: &str, said: Option<&str>) -> Result<&'static str, String> {
    let taken = ["application/pdf", "image/jpeg", "image/png", "video/mp4"];
    let by_name = mime_type(name).filter(|mime| taken.contains(mime));
    let essence = said.and_then(|said| said.split(';').next()).unwrap_or_default().trim();
    let by_server = taken.into_iter().find(|mime| mime.eq_ignore_ascii_case(essence));
    by_name.or(by_server).ok_or_else(|| {
        format!("{name} is no file that Meta takes as an example: PDF, JPEG, PNG or MP4")
    })
}
