//! Received files: fetched, verified and kept under a name of ours. Files of ours: sent up to Meta.
//!
//! A file appears whole or not at all, readable by its owner alone, and always inside `media/`: the other
//! side's name is made safe and stands behind our id. A planted file or link is replaced, never followed.

use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tokio::fs::{self, OpenOptions};

use super::core::Answer;
use crate::api::client::Client;
use crate::api::media::{DownloadError, FILE_MAX};
use crate::domain::id::{MessageId, PhoneNumberId};
use crate::domain::message::Media;
use crate::domain::outbox::{ApiError, Job, Outcome, Upload};
use crate::domain::text::file_name_safe;
use crate::domain::time::Timestamp;
use crate::service::outgoing::COPY_PREFIX;

/// Where files are, in the data directory.
const DIRECTORY: &str = "media";

/// What is not whole yet ends in this.
const PARTIAL: &str = ".part";

pub(super) async fn fetch(
    client: &Client,
    data_dir: &Path,
    job: &Job,
    message: MessageId,
    media: &Media,
) -> Answer {
    let Some(id) = &media.id else {
        let error = ApiError { message: "the file has no id".to_owned(), ..ApiError::default() };
        return Answer::Outcome(Outcome::RefusedForGood(error));
    };
    // Asked for even when the webhook gave an address: that one is good for five minutes only.
    let info = match client.media_info(&job.phone_number, id).await {
        Ok(info) => info,
        Err(error) => return Answer::Outcome(error.into_media_outcome()),
    };
    let announced = info.sha256.as_deref().or(media.sha256.as_deref());
    let directory = data_dir.join(DIRECTORY);
    let partial = directory.join(format!("{}{PARTIAL}", job.request));
    let name = file_name(message, media, info.mime_type.as_deref());
    let stored = async {
        make_directory(&directory).await?;
        let mut file = create(&partial).await?;
        let downloaded = client.download(&info.url, announced, FILE_MAX, &mut file).await?;
        file.sync_all().await?;
        fs::rename(&partial, directory.join(&name)).await?;
        sync_directory(&directory).await?;
        Ok::<_, DownloadError>(downloaded.size)
    };
    match stored.await {
        Ok(size) => Answer::Stored { path: format!("{DIRECTORY}/{name}"), size },
        Err(error) => {
            if let Err(error) = fs::remove_file(&partial).await
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "a partial file stays behind");
            }
            Answer::Outcome(error.into_outcome())
        }
    }
}

/// Sends a file of ours up to Meta. One that cannot be read will not come back by itself.
pub(super) async fn upload(
    client: &Client,
    data_dir: &Path,
    number: &PhoneNumberId,
    upload: &Upload,
) -> Answer {
    let opened = async {
        let file = fs::File::open(data_dir.join(&upload.path)).await?;
        let size = file.metadata().await?.len();
        Ok::<_, io::Error>((file, size))
    };
    let (file, size) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            let message = format!("`{}` cannot be read: {error}", upload.path);
            let error = ApiError { message, ..ApiError::default() };
            return Answer::Outcome(Outcome::RefusedForGood(error));
        }
    };
    let going = client.upload_media(number, &upload.file_name, &upload.mime_type, file, size);
    match going.await {
        Ok(id) => Answer::Uploaded(id),
        Err(error) => Answer::Outcome(error.into_media_outcome()),
    }
}

/// A copy of a file that is to be sent, while it is being made, takes no longer.
const COPYING: Duration = Duration::from_secs(24 * 3600);

/// Removes what an earlier sender did not finish, and copies of files whose making was cut off.
pub(super) async fn clean_up(data_dir: &Path, now: Timestamp) -> io::Result<()> {
    let mut entries = match fs::read_dir(data_dir.join(DIRECTORY)).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Another process may be making one at this moment.
        let abandoned = name.starts_with(COPY_PREFIX) && is_old(&entry, now).await?;
        if abandoned || name.ends_with(PARTIAL) {
            fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}

async fn is_old(entry: &fs::DirEntry, now: Timestamp) -> io::Result<bool> {
    let modified = entry.metadata().await?.modified()?.duration_since(UNIX_EPOCH);
    let millis = modified.ok().and_then(|span| i64::try_from(span.as_millis()).ok());
    Ok(now.since(Timestamp::from_millis(millis.unwrap_or(0))) > COPYING)
}

fn file_name(message: MessageId, media: &Media, mime_type: Option<&str>) -> String {
    let given = media.file_name.as_deref().map(file_name_safe);
    let name = given.unwrap_or_else(|| {
        let mime_type = mime_type.or(media.mime_type.as_deref()).unwrap_or_default();
        format!("{}{}", media.kind.name(), extension(mime_type))
    });
    format!("{message}-{name}")
}

/// For the types that Meta documents; others go without.
fn extension(mime_type: &str) -> &'static str {
    let essence = mime_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/webp" => ".webp",
        "video/mp4" => ".mp4",
        "video/3gpp" => ".3gp",
        "audio/aac" => ".aac",
        "audio/amr" => ".amr",
        "audio/mpeg" => ".mp3",
        "audio/mp4" => ".m4a",
        "audio/ogg" => ".ogg",
        "application/pdf" => ".pdf",
        "text/plain" => ".txt",
        _ => "",
    }
}

async fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path).await
}

/// A rename lasts through a power cut only once its directory is on the disk, and the store says from then
/// on that the file is there.
#[cfg(unix)]
async fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path).await?.sync_all().await
}

/// Elsewhere a directory cannot be opened as a file, and the file system journals the rename.
#[cfg(not(unix))]
async fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

async fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{clean_up, file_name};
    use crate::domain::id::MessageId;
    use crate::domain::message::{Media, MediaCopy, MediaKind};
    use crate::domain::time::Timestamp;

    fn media(file_name: Option<&str>, mime_type: &str) -> Media {
        Media {
            kind: MediaKind::Audio,
            id: None,
            url: None,
            mime_type: Some(mime_type.to_owned()),
            sha256: None,
            file_name: file_name.map(str::to_owned),
            voice: true,
            animated: false,
            copy: MediaCopy::Pending,
        }
    }

    /// Up to 100 MB stayed for ever.
    #[test]
    fn a_copy_whose_making_was_cut_off_was_never_taken_away() {
        let data = tempfile::tempdir().unwrap();
        let media = data.path().join("media");
        std::fs::create_dir(&media).unwrap();
        let day = 24 * 3600;
        for (name, age) in
            [(".in-old", 2 * day), (".in-new", day / 2), ("out-old", 9 * day), ("r.part", 0)]
        {
            let file = std::fs::File::create(media.join(name)).unwrap();
            let age = Duration::from_secs(20 * day - age);
            file.set_modified(std::time::UNIX_EPOCH + age).unwrap();
        }
        let now = Timestamp::from_secs(20 * 24 * 3600);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(clean_up(data.path(), now)).unwrap();
        let left = std::fs::read_dir(&media).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".in-new", "out-old"]);
    }

    #[test]
    fn names_stay_in_the_directory_and_are_ours_first() {
        let id = MessageId(7);
        assert_eq!(file_name(id, &media(None, "audio/ogg; codecs=opus"), None), "7-audio.ogg");
        assert_eq!(file_name(id, &media(None, "x/y"), Some("image/png")), "7-audio.png");
        let hostile = file_name(id, &media(Some("../../.ssh/authorized_keys"), "x/y"), None);
        assert!(hostile.starts_with("7-") && !hostile.contains('/'), "{hostile}");
    }
}
