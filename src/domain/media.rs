//! A file that is sent as a message of its own: which kind of message it makes, and what Meta takes of it.

use super::message::{Body, Media, MediaKind};
use super::template::{FileSource, MediaFormat, file_source, file_too_big, mime_type, named_file};

/// Meta's limit of a caption, in characters (send-messages).
pub const CAPTION_MAX: usize = 1024;

/// Meta's limit of a sound, in bytes (media).
const AUDIO_MAX: u64 = 16 << 20;

/// Meta's limits of a sticker that stands still and of one that moves, in bytes (media).
const STICKER_MAX: (u64, u64) = (100 << 10, 500 << 10);

/// The message that a file or link makes, by the end of its name: what Meta does not know as an image, a video,
/// a sound or a sticker is a document.
///
/// # Errors
/// What Meta would refuse, in plain words.
pub fn attachment(named: &str, caption: Option<String>) -> Result<Body, String> {
    match file_source(named) {
        FileSource::Path("") => return Err("no file is named".to_owned()),
        FileSource::Id(id) => {
            return Err(format!(
                "{id} is a media id, which does not tell what the file is; name the file or a link (a \
                 file of that name is ./{id})"
            ));
        }
        FileSource::Link(_) | FileSource::Path(_) => {}
    }
    let (kind, mime) = kind_of(named);
    let caption = caption.filter(|caption| !caption.trim().is_empty());
    if let Some(caption) = &caption {
        if matches!(kind, MediaKind::Audio | MediaKind::Sticker) {
            let kind = kind.name();
            return Err(format!(
                "Meta takes no caption on type {kind}; send the words as a message of their own"
            ));
        }
        let length = caption.chars().count();
        if length > CAPTION_MAX {
            return Err(format!(
                "the caption has {length} characters; WhatsApp takes {CAPTION_MAX}"
            ));
        }
    }
    let media = named_file(kind, named);
    // Meta tells the type of what it fetches by itself.
    let mime_type = media.url.is_none().then_some(mime).flatten().map(str::to_owned);
    Ok(Body::Media { media: Media { mime_type, ..media }, caption })
}

/// The kind of message that a file of this name makes, and its type.
fn kind_of(name: &str) -> (MediaKind, Option<&'static str>) {
    let mime = mime_type(name).or_else(|| {
        let name = name.split(['?', '#']).next().unwrap_or_default();
        let (_, end) = name.rsplit_once('.')?;
        Some(match end.to_ascii_lowercase().as_str() {
            "aac" => "audio/aac",
            "amr" => "audio/amr",
            "mp3" => "audio/mpeg",
            "m4a" => "audio/mp4",
            "ogg" | "oga" | "opus" => "audio/ogg",
            "webp" => "image/webp",
            _ => return None,
        })
    });
    let kind = match mime {
        Some("image/webp") => MediaKind::Sticker,
        Some(mime) if mime.starts_with("image/") => MediaKind::Image,
        Some(mime) if mime.starts_with("video/") => MediaKind::Video,
        Some(mime) if mime.starts_with("audio/") => MediaKind::Audio,
        _ => MediaKind::Document,
    };
    (kind, mime)
}

/// Why Meta would refuse a file of `size` bytes as a message of this kind. `animated`: a sticker that moves.
#[must_use]
pub fn too_big(kind: MediaKind, size: u64, animated: bool) -> Option<String> {
    let over = |most: u64| {
        let kibi = |bytes: u64| bytes.div_ceil(1024);
        let words =
            || format!("the file has {} KB, and Meta takes at most {} KB", kibi(size), kibi(most));
        (size > most).then(words)
    };
    match kind {
        MediaKind::Image => file_too_big(MediaFormat::Image, size),
        MediaKind::Video => file_too_big(MediaFormat::Video, size),
        MediaKind::Document => file_too_big(MediaFormat::Document, size),
        MediaKind::Audio => over(AUDIO_MAX),
        MediaKind::Sticker => over(if animated { STICKER_MAX.1 } else { STICKER_MAX.0 }),
    }
}

/// So many bytes at the start of a file tell what it is.
pub const HEAD: usize = 32;

/// The type of a picture that Meta takes, by its first bytes.
#[must_use]
pub const fn picture_type(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        _ => None,
    }
}

/// The ends of names of what is only looked at or listened to. What is run, or opened with scripts in it, is not
/// among them.
const LOOKED_AT: [&str; 35] = [
    "jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "mp4", "3gp", "mov", "webm",
    "mkv", "aac", "amr", "mp3", "m4a", "ogg", "oga", "opus", "wav", "flac", "pdf", "txt", "csv",
    "md", "log", "json", "doc", "docx", "xls", "xlsx", "odt", "ods",
];

/// Whether a file of this name can be handed to the system to be shown, whoever sent it.
#[must_use]
pub fn is_only_looked_at(name: &str) -> bool {
    let end = name.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
    end.is_some_and(|(_, end)| LOOKED_AT.contains(&end.to_ascii_lowercase().as_str()))
}

/// Why a file is not what its name says, by its first bytes: Meta looks at them too, after it has taken the message.
/// A document may hold anything.
#[must_use]
pub fn belied(name: &str, head: &[u8]) -> Option<&'static str> {
    not_of(kind_of(name).0, head)
}

/// Why a file with these first bytes cannot be sent as a message of this kind.
#[must_use]
pub fn not_of(kind: MediaKind, head: &[u8]) -> Option<&'static str> {
    let base = head.get(4..8) == Some(b"ftyp");
    let (is_one, words) = match kind {
        MediaKind::Document => return None,
        MediaKind::Image => {
            (picture_type(head).is_some(), "it is neither a JPEG nor a PNG, which Meta takes")
        }
        MediaKind::Video => (base, "it is neither an MP4 nor a 3GP video, which Meta takes"),
        MediaKind::Sticker => (
            head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"),
            "it is no WebP, which Meta takes as a sticker",
        ),
        // MPEG frames, which MP3 and AAC are made of, begin with eleven bits that are set.
        MediaKind::Audio => (
            base || [&b"OggS"[..], b"ID3", b"#!AMR", b"ADIF"].iter().any(|of| head.starts_with(of))
                || matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0),
            "it is no sound that Meta takes (AAC, AMR, MP3, M4A or Ogg)",
        ),
    };
    (!is_one).then_some(words)
}

/// Whether the first bytes of a WebP file say that it moves (WebP container, VP8X chunk: the bit of animation).
#[must_use]
pub fn is_animated(head: &[u8]) -> bool {
    head.get(8..16) == Some(b"WEBPVP8X") && head.get(20).is_some_and(|flags| flags & 0x02 != 0)
}

#[cfg(test)]
mod tests {
    use super::{attachment, belied, is_animated, too_big};
    use crate::domain::message::{Body, MediaCopy, MediaKind};

    #[test]
    fn the_end_of_a_name_decides_the_kind() {
        for (name, kind, mime) in [
            ("a.JPG", MediaKind::Image, Some("image/jpeg")),
            ("b.c/d.png", MediaKind::Image, Some("image/png")),
            ("a.mp4", MediaKind::Video, Some("video/mp4")),
            ("a.3gp", MediaKind::Video, Some("video/3gpp")),
            ("a.ogg", MediaKind::Audio, Some("audio/ogg")),
            ("a.mp3", MediaKind::Audio, Some("audio/mpeg")),
            ("a.webp", MediaKind::Sticker, Some("image/webp")),
            ("a.pdf", MediaKind::Document, Some("application/pdf")),
            ("notes", MediaKind::Document, None),
            ("a.zip", MediaKind::Document, None),
            ("./123", MediaKind::Document, None),
        ] {
            let Body::Media { media, .. } = attachment(name, None).unwrap() else { panic!() };
            assert_eq!((media.kind, media.mime_type.as_deref()), (kind, mime), "{name}");
            assert_eq!(media.copy, MediaCopy::Outside { path: name.to_owned() });
        }
        let link = "https://a.example/f/menu.png?size=2";
        let Body::Media { media, caption } = attachment(link, Some("Menu".to_owned())).unwrap()
        else {
            panic!()
        };
        assert_eq!((media.kind, media.url.as_deref()), (MediaKind::Image, Some(link)));
        assert_eq!((media.mime_type, media.copy), (None, MediaCopy::Pending));
        assert_eq!(caption.as_deref(), Some("Menu"));
    }

    #[test]
    fn what_meta_would_refuse_is_said() {
        let words = |caption: &str| Some(caption.to_owned());
        for (name, caption, wanted) in [
            ("", None, "no file is named"),
            ("1003383421387256", None, "is a media id"),
            ("a.ogg", words("hear"), "no caption on type audio"),
            ("a.webp", words("look"), "no caption on type sticker"),
            ("a.png", Some("x".repeat(1025)), "1025 characters"),
        ] {
            let refused = attachment(name, caption).unwrap_err();
            assert!(refused.contains(wanted), "{name}: {refused}");
        }
        assert!(attachment("a.ogg", words("  ")).is_ok(), "an empty caption is none");
    }

    #[test]
    fn a_text_that_is_called_a_picture_is_none() {
        for (name, head) in [
            ("a.png", &b"\x89PNG\r\n\x1a\n"[..]),
            ("really-a-jpeg.png", b"\xff\xd8\xff\xe0"),
            ("a.mp4", b"\0\0\0\x18ftypmp42"),
            ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 "),
            ("a.ogg", b"OggS\0"),
            ("a.mp3", b"ID3\x04"),
            ("b.mp3", b"\xff\xfb\x90\x64"),
            ("a.aac", b"\xff\xf1\x50\x80"),
            ("a.m4a", b"\0\0\0\x1cftypM4A "),
            ("a.amr", b"#!AMR\n"),
            ("a.pdf", b"no pdf"),
            ("notes", b""),
        ] {
            assert_eq!(belied(name, head), None, "{name}");
        }
        for (name, words) in [
            ("fake.png", "neither a JPEG nor a PNG"),
            ("a.mp4", "neither an MP4 nor a 3GP"),
            ("a.webp", "no WebP"),
            ("a.ogg", "no sound"),
        ] {
            for head in [&b"some text"[..], b"", b"GIF89a\x01\0\x01\0\x80\0\0"] {
                assert!(belied(name, head).is_some_and(|said| said.contains(words)), "{name}");
            }
        }
    }

    #[test]
    fn each_kind_has_its_limit() {
        for (kind, animated, most) in [
            (MediaKind::Image, false, 5 << 20),
            (MediaKind::Video, false, 16 << 20),
            (MediaKind::Audio, false, 16 << 20),
            (MediaKind::Document, false, 100 << 20),
            (MediaKind::Sticker, false, 100 << 10),
            (MediaKind::Sticker, true, 500 << 10),
        ] {
            assert_eq!(too_big(kind, most, animated), None, "{kind:?}");
            assert!(too_big(kind, most + 1, animated).is_some(), "{kind:?}");
        }
        let said = too_big(MediaKind::Sticker, 102_401, false).unwrap();
        assert_eq!(said, "the file has 101 KB, and Meta takes at most 100 KB");
        let mut head = *b"RIFF....WEBPVP8X\x0a\0\0\0\x02\0\0\0";
        assert!(is_animated(&head));
        head[20] = 0x10;
        assert!(!is_animated(&head) && !is_animated(b"RIFF") && !is_animated(b""));
    }
}
