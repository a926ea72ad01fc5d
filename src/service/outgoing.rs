//! Files of a person's that are to be sent: copied into the data directory before their message is written,
//! so that they go out as they were, however long the message waits.
//!
//! A copy is named after its content: the same file above ten thousand messages is there once, and is written
//! once. It appears whole or not at all, readable by its owner alone. Once no message can need it any more it goes
//! ([`clean_up`]); a lock keeps it from going while it is being taken for another message.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::domain::media::{self, HEAD, is_animated, too_big};
use crate::domain::message::{Body, Media, MediaCopy, MediaKind};

/// Where files are, in the data directory.
const DIRECTORY: &str = "media";

/// The names of copies that go when they are not needed any more begin with this.
const COPY: &str = "out-";

/// Those of copies that stay do: what was sent to a person can be looked at as long as the message is there.
const SENT: &str = "sent-";

/// The names of copies that are not whole yet do.
const PARTIAL: &str = ".in-";

/// A copy stays for at least this long after it was taken: its message may not be written yet.
const LEAST: Duration = Duration::from_secs(24 * 3600);

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

/// Copies the file of a message, if it has one that is outside the data directory, into it. The copy of what a
/// message consists of stays; that above a template goes some time after it was sent. Blocks: up to 100 MB are read
/// and written.
pub fn take_in_for(data_dir: &Path, body: &mut Body) -> Result<(), NotTaken> {
    let prefix = if matches!(body, Body::Template(_)) { COPY } else { SENT };
    if let Some(media) = body.file_mut() {
        *media = take(data_dir, media.clone(), prefix)?;
    }
    Ok(())
}

/// Copies a file that is outside the data directory into it, until no message needs it. Media that is anything
/// else comes back as it was. Blocks: up to 100 MB are read and written.
pub fn take_in(data_dir: &Path, media: Media) -> Result<Media, NotTaken> {
    take(data_dir, media, COPY)
}

fn take(data_dir: &Path, media: Media, prefix: &str) -> Result<Media, NotTaken> {
    let MediaCopy::Outside { path } = &media.copy else { return Ok(media) };
    let unreadable = |error| NotTaken::Unreadable { path: path.clone(), error };
    let mut file = open_file(Path::new(path)).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if about.len() == 0 {
        return Err(NotTaken::Unfit { path: path.clone(), words: "the file is empty".to_owned() });
    }
    let head = head(&mut file).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let animated = media.kind == MediaKind::Sticker && is_animated(&head);
    let by_name = || media.mime_type.clone();
    let by_bytes = media::picture_type(&head).filter(|_| media.kind == MediaKind::Image);
    let mime_type = by_bytes.map(str::to_owned).or_else(by_name);
    let media = Media { mime_type, animated, ..media.clone() };
    let other = || media::not_of(media.kind, &head).map(str::to_owned);
    if let Some(words) = too_big(media.kind, about.len(), animated).or_else(other) {
        return Err(NotTaken::Unfit { path: path.clone(), words });
    }
    let directory = data_dir.join(DIRECTORY);
    make_directory(&directory)?;
    let (_lock, now) = lock(data_dir, File::lock_shared)?;
    let (sha256, size) = hashed(&mut file, &mut io::sink()).map_err(either(&unreadable))?;
    let name = name(prefix, path, &sha256);
    if has(&directory.join(&name), size, now)? {
        return Ok(kept(media, &name, sha256, size));
    }
    // Read once more, since it may be another by now: what is written is what is named.
    let mut file = open_file(Path::new(path)).map_err(unreadable)?;
    let mut copy = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&directory)?;
    let (sha256, size) = hashed(&mut file, &mut copy).map_err(either(&unreadable))?;
    let name = self::name(prefix, path, &sha256);
    copy.as_file().sync_all()?;
    copy.persist(directory.join(&name)).map_err(|error| error.error)?;
    sync_directory(&directory)?;
    Ok(kept(media, &name, sha256, size))
}

/// The first bytes, which tell what it is; fewer where it ends.
fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(u64::try_from(HEAD).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
    Ok(head)
}

/// What went wrong with the one that is read, or with the one that is written.
enum Trouble {
    Reading(io::Error),
    Writing(io::Error),
}

fn either(unreadable: impl Fn(io::Error) -> NotTaken) -> impl Fn(Trouble) -> NotTaken {
    move |trouble| match trouble {
        Trouble::Reading(error) => unreadable(error),
        Trouble::Writing(error) => NotTaken::NotCopied(error),
    }
}

/// Copies it; gives the SHA-256 of the content in hexadecimal digits, and its bytes.
fn hashed(from: &mut impl Read, to: &mut impl Write) -> Result<(String, u64), Trouble> {
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut chunk).map_err(Trouble::Reading)?;
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        to.write_all(read).map_err(Trouble::Writing)?;
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    let hex = hash.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok((hex, size))
}

/// The name of the copy of a file with this content.
fn name(prefix: &str, path: &str, sha256: &str) -> String {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    let plain = extension.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match plain {
        Some(extension) => format!("{prefix}{sha256}.{}", extension.to_ascii_lowercase()),
        None => format!("{prefix}{sha256}"),
    }
}

/// Whether the copy is there already. From now on it is as if it had just been made.
fn has(copy: &Path, size: u64, now: SystemTime) -> io::Result<bool> {
    // A planted link is replaced, never followed.
    let is_whole =
        fs::symlink_metadata(copy).is_ok_and(|about| about.is_file() && about.len() == size);
    if is_whole {
        OpenOptions::new().append(true).open(copy)?.set_modified(now)?;
    }
    Ok(is_whole)
}

fn kept(media: Media, name: &str, sha256: String, size: u64) -> Media {
    let copy = MediaCopy::Stored { path: format!("{DIRECTORY}/{name}"), size };
    Media { sha256: Some(sha256), copy, ..media }
}

/// The lock that is shared by those who take copies; who removes some has it alone. Gone with the file. With it
/// comes the time that the file system stamps what is written now with.
fn lock(data_dir: &Path, how: impl Fn(&File) -> io::Result<()>) -> io::Result<(File, SystemTime)> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(data_dir.join("media.lock"))?;
    how(&file)?;
    // Not of the locked one: some systems let nobody write to that.
    let now = tempfile::tempfile_in(data_dir)?.metadata()?.modified()?;
    Ok((file, now))
}

/// Removes the copies that no message needs: those not in `needed` (paths relative to the data directory) that
/// were taken at least a day ago. Returns how many; none while a copy is being taken.
///
/// # Errors
/// When the directory cannot be read, or a file not be removed.
pub fn clean_up(data_dir: &Path, needed: &BTreeSet<String>) -> io::Result<usize> {
    let directory = data_dir.join(DIRECTORY);
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let (_lock, now) = match lock(data_dir, |file| Ok(file.try_lock()?)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
        lock => lock?,
    };
    let mut gone = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(COPY) || name.starts_with(PARTIAL);
        if !ours || needed.contains(&format!("{DIRECTORY}/{name}")) {
            continue;
        }
        let about = entry.metadata()?;
        // A time in the future is a wrong clock's.
        let fresh = now.duration_since(about.modified()?).is_ok_and(|age| age < LEAST);
        if about.is_file() && !fresh {
            fs::remove_file(entry.path())?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Where the file of a message lies, as the store names it. Nothing but a plain file in our own directory is one.
///
/// # Errors
/// Why there is no such file, in plain words.
pub fn stored(data_dir: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = Path::new(name).strip_prefix(DIRECTORY).ok().and_then(Path::file_name);
    let path = plain.map(|plain| data_dir.join(DIRECTORY).join(plain));
    let path = path.filter(|path| data_dir.join(name) == *path);
    let Some(path) = path else { return Err("The file is not one of ours.".to_owned()) };
    match fs::symlink_metadata(&path) {
        Ok(about) if about.is_file() => {
            std::path::absolute(path).map_err(|error| error.to_string())
        }
        Ok(_) => Err(format!("{} is no plain file.", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("{} is not there any more.", path.display()))
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Where a path that a person typed leads: the home of the person stands in place of `~`.
#[must_use]
pub fn whole(typed: &str) -> PathBuf {
    let home = directories::UserDirs::new().map(|dirs| dirs.home_dir().to_owned());
    resolved(typed, home.as_deref())
}

/// The path with the home of the person in place of `~`.
#[must_use]
pub fn resolved(typed: &str, home: Option<&Path>) -> PathBuf {
    match (typed.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    }
}

/// The whole path of a file that could be sent, and its bytes; or why it could not, in words that stand behind
/// its name.
pub fn look(path: &Path) -> Result<(String, u64), String> {
    if path.as_os_str().is_empty() {
        return Err("is missing".to_owned());
    }
    let data = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    if !data.is_file() {
        return Err("is a folder; go on to a file in it".to_owned());
    }
    if data.len() == 0 {
        return Err("the file is empty".to_owned());
    }
    let unreadable = |error| format!("cannot be read: {error}");
    let head = head(&mut File::open(path).map_err(unreadable)?).map_err(unreadable)?;
    if let Some(words) = path.to_str().and_then(|name| media::belied(name, &head)) {
        return Err(words.to_owned());
    }
    let whole = std::path::absolute(path).map_err(|error| format!("cannot be found: {error}"))?;
    let whole = whole.to_str().ok_or("its path is no text that can be kept")?;
    Ok((whole.to_owned(), data.len()))
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
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{LEAST, clean_up, lock, look, take_in, take_in_for};
    use crate::domain::message::{Body, Media, MediaCopy, MediaKind};

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
        let first = take_in(data.path(), named(MediaKind::Document, &path)).unwrap();
        let entry = |media: &Media| {
            let MediaCopy::Stored { path, .. } = &media.copy else { panic!("{media:?}") };
            data.path().join(path)
        };
        #[cfg(unix)]
        let inode = |media: &Media| {
            std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(entry(media)).unwrap())
        };
        #[cfg(unix)]
        let before = inode(&first);
        let again = take_in(data.path(), named(MediaKind::Document, &path)).unwrap();
        assert_eq!(first, again);
        #[cfg(unix)]
        assert_eq!(inode(&again), before, "it is not written once more");
        std::fs::write(&path, b"changed").unwrap();
        let MediaCopy::Stored { path: kept, size } = &first.copy else { panic!("{first:?}") };
        assert_eq!(*size, 5);
        let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(*kept, format!("media/out-{hash}.png"));
        assert_eq!(std::fs::read(data.path().join(kept)).unwrap(), b"hello");
        let kept = std::fs::read_dir(data.path().join("media")).unwrap().count();
        assert_eq!(kept, 1, "the same content is there once, and nothing else is left");
        let changed = take_in(data.path(), named(MediaKind::Document, &path)).unwrap();
        assert_ne!(changed.sha256, first.sha256);
    }

    #[test]
    fn the_picture_that_was_sent_stays_for_whoever_looks_at_it_later() {
        let (outside, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = outside.path().join("a.png");
        std::fs::write(&path, "picture").unwrap();
        let media = named(MediaKind::Document, &path);
        let mut body = Body::Media { media, caption: None };
        take_in_for(data.path(), &mut body).unwrap();
        let MediaCopy::Stored { path, .. } = &body.file().unwrap().copy else { panic!("not kept") };
        let kept = data.path().join(path);
        let file = std::fs::File::options().append(true).open(&kept).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - LEAST * 9).unwrap();
        assert_eq!(clean_up(data.path(), &BTreeSet::new()).unwrap(), 0);
        assert!(kept.exists());
    }

    #[test]
    fn a_copy_goes_once_no_message_needs_it_and_not_while_it_is_being_taken() {
        let (outside, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = |name: &str| outside.path().join(name);
        let take = |name: &str| {
            std::fs::write(path(name), name).unwrap();
            let taken = take_in(data.path(), named(MediaKind::Document, &path(name))).unwrap();
            let MediaCopy::Stored { path, .. } = taken.copy else { panic!("not kept") };
            path
        };
        let age = |kept: &str| {
            let file = std::fs::File::options().append(true).open(data.path().join(kept)).unwrap();
            let then = file.metadata().unwrap().modified().unwrap() - LEAST;
            file.set_modified(then).unwrap();
        };
        let is_there = |kept: &str| data.path().join(kept).exists();
        assert_eq!(clean_up(data.path(), &BTreeSet::new()).unwrap(), 0, "there is no directory");
        let [waits, through, new, again] = ["a.png", "b.png", "c.png", "d.png"].map(take);
        let received = "media/7-photo.png";
        std::fs::write(data.path().join(received), "hers").unwrap();
        std::fs::write(data.path().join("media/.in-killed"), "half").unwrap();
        [&waits, &through, &again, "media/.in-killed", received].into_iter().for_each(age);
        assert_eq!(take("d.png"), again, "it is sent once more");
        let needed = BTreeSet::from([waits.clone()]);
        let (taking, _) = lock(data.path(), std::fs::File::lock_shared).unwrap();
        assert_eq!(clean_up(data.path(), &needed).unwrap(), 0, "another message is being sent");
        drop(taking);
        assert_eq!(clean_up(data.path(), &needed).unwrap(), 2);
        assert!(!is_there(&through) && !is_there("media/.in-killed"));
        for kept in [&waits, &new, &again, received] {
            assert!(is_there(kept), "{kept}");
        }
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
        let fake = outside.path().join("fake.png");
        std::fs::write(&fake, "some text").unwrap();
        let error = take_in(data.path(), named(MediaKind::Image, &fake)).unwrap_err();
        assert!(error.to_string().contains("neither a JPEG nor a PNG"), "{error}");
        assert!(look(&fake).unwrap_err().contains("neither a JPEG nor a PNG"));
        std::fs::write(&fake, b"\xff\xd8\xff\xe0").unwrap();
        let taken = take_in(data.path(), named(MediaKind::Image, &fake)).unwrap();
        assert_eq!(taken.mime_type.as_deref(), Some("image/jpeg"), "it goes as what it is");
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
