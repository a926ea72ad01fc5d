//! Files of a person's that are to be sent: copied into the data directory before their message is written,
//! so that they go out as they were, however long the message waits.
//!
//! A copy is named after its content: the same file above ten thousand messages is there once. It appears
//! whole or not at all, readable by its owner alone.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::domain::media::{is_animated, too_big};
use crate::domain::message::{Media, MediaCopy, MediaKind};

/// Where files are, in the data directory.
const DIRECTORY: &str = "media";

/// So many bytes tell whether a sticker moves.
const HEAD: usize = 32;
/// What the name of a copy begins with while it is being made.
pub(super) const COPY_PREFIX: &str = ".in-";

/// Opens a file to be read. To open anything else may wait for ever: a pipe does for whoever writes to it.
///
/// # Errors
/// The system's, and one for what is no file.
pub fn open_file(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    File::open(path)
}

/// Why a file cannot be sent.
#[derive(Debug, Error)]
pub enum NotTaken {
    /// It is not there, or may not be read.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// As the person named it.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// Meta would refuse it.
    #[error("`{path}`: {words}")]
    Unfit {
        /// As the person named it.
        path: String,
        /// Why: empty, or how big it is and how big it may be.
        words: String,
    },
    /// The copy cannot be made.
    #[error("the file cannot be copied into `{DIRECTORY}` of the data directory: {0}")]
    NotCopied(#[from] io::Error),
}

/// Copies a file that is outside the data directory into it. Media that is anything else comes back as it
/// was. Blocks: up to 100 MB are read and written.
pub fn take_in(data_dir: &Path, media: Media) -> Result<Media, NotTaken> {
    let MediaCopy::Outside { path } = &media.copy else { return Ok(media) };
    let unreadable = |error| NotTaken::Unreadable { path: path.clone(), error };
    let mut file = open_file(Path::new(path)).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if about.len() == 0 {
        return Err(NotTaken::Unfit { path: path.clone(), words: "the file is empty".to_owned() });
    }
    let animated = media.kind == MediaKind::Sticker && {
        let mut head = [0; HEAD];
        let count = file.read(&mut head).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        is_animated(head.get(..count).unwrap_or_default())
    };
    if let Some(words) = too_big(media.kind, about.len(), animated) {
        return Err(NotTaken::Unfit { path: path.clone(), words });
    }
    let directory = data_dir.join(DIRECTORY);
    make_directory(&directory)?;
    let mut copy = tempfile::Builder::new().prefix(COPY_PREFIX).tempfile_in(&directory)?;
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut chunk).map_err(unreadable)?;
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        copy.write_all(read)?;
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    let sha256 = hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    let plain = extension.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let name = match plain {
        Some(extension) => format!("out-{sha256}.{}", extension.to_ascii_lowercase()),
        None => format!("out-{sha256}"),
    };
    copy.as_file().sync_all()?;
    copy.persist(directory.join(&name)).map_err(|error| error.error)?;
    sync_directory(&directory)?;
    let copy = MediaCopy::Stored { path: format!("{DIRECTORY}/{name}"), size };
    Ok(Media { sha256: Some(sha256), animated, copy, ..media })
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A rename lasts through a power cut only once its directory is on the disk.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened as a file, and the file system journals the rename.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::take_in;
    use crate::domain::message::{Media, MediaCopy, MediaKind};

    fn named(kind: MediaKind, path: &Path) -> Media {
        Media {
            kind,
            id: None,
            url: None,
            mime_type: Some("image/png".to_owned()),
            sha256: None,
            file_name: Some("a.png".to_owned()),
            voice: false,
            animated: false,
            copy: MediaCopy::Outside { path: path.to_str().unwrap().to_owned() },
        }
    }

    #[test]
    fn a_file_goes_out_as_it_was_when_it_was_named() {
        let (outside, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = outside.path().join("Férias.PNG");
        std::fs::write(&path, b"hello").unwrap();
        let first = take_in(data.path(), named(MediaKind::Image, &path)).unwrap();
        let again = take_in(data.path(), named(MediaKind::Image, &path)).unwrap();
        assert_eq!(first, again);
        std::fs::write(&path, b"changed").unwrap();
        let MediaCopy::Stored { path: kept, size } = &first.copy else { panic!("{first:?}") };
        assert_eq!(*size, 5);
        let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(*kept, format!("media/out-{hash}.png"));
        assert_eq!(std::fs::read(data.path().join(kept)).unwrap(), b"hello");
        let kept = std::fs::read_dir(data.path().join("media")).unwrap().count();
        assert_eq!(kept, 1, "the same content is there once, and nothing else is left");
        let changed = take_in(data.path(), named(MediaKind::Image, &path)).unwrap();
        assert_ne!(changed.sha256, first.sha256);
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let (outside, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let missing = outside.path().join("no.png");
        let error = take_in(data.path(), named(MediaKind::Image, &missing)).unwrap_err();
        assert!(error.to_string().contains("no.png` cannot be read"), "{error}");
        let error = take_in(data.path(), named(MediaKind::Image, outside.path())).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        let big = outside.path().join("big.png");
        std::fs::File::create(&big).unwrap().set_len(6 * 1024 * 1024).unwrap();
        let error = take_in(data.path(), named(MediaKind::Image, &big)).unwrap_err();
        assert!(error.to_string().contains("6.0 MB, and Meta takes at most 5 MB"), "{error}");
        assert!(take_in(data.path(), named(MediaKind::Document, &big)).is_ok());
        let empty = outside.path().join("empty.png");
        std::fs::File::create(&empty).unwrap();
        let error = take_in(data.path(), named(MediaKind::Image, &empty)).unwrap_err();
        assert!(error.to_string().contains("the file is empty"), "{error}");
        let sticker = outside.path().join("moves.webp");
        let mut bytes = b"RIFF....WEBPVP8X\x0a\0\0\0\x02\0\0\0".to_vec();
        bytes.resize(200 << 10, 0);
        std::fs::write(&sticker, &bytes).unwrap();
        assert!(take_in(data.path(), named(MediaKind::Sticker, &sticker)).unwrap().animated);
        bytes[20] = 0;
        std::fs::write(&sticker, &bytes).unwrap();
        let error = take_in(data.path(), named(MediaKind::Sticker, &sticker)).unwrap_err();
        assert!(error.to_string().contains("at most 100 KB"), "{error}");
    }
}
