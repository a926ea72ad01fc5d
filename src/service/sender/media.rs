//! Received files: fetched, verified and kept under a name of ours. Files of ours: sent up to Meta.
//!
//! A file appears whole or not at all, readable by its owner alone, and always inside `media/`: the other
//! side's name is made safe and stands behind our id. A planted file or link is replaced, never followed.

use std::io;
use std::path::Path;

use tokio::fs::{self, OpenOptions};

use super::core::Answer;
use crate::api::client::Client;
use crate::api::media::{DownloadError, FILE_MAX};
use crate::domain::id::{MessageId, PhoneNumberId};
use crate::domain::message::Media;
use crate::domain::outbox::{ApiError, Job, Outcome, Upload};
use crate::domain::text::file_name_safe;

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

/// Removes what an earlier sender did not finish.
pub(super) async fn clean_up(data_dir: &Path) -> io::Result<()> {
    let mut entries = match fs::read_dir(data_dir.join(DIRECTORY)).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    while let Some(entry) = entries.next_entry().await? {
        if entry.file_name().to_string_lossy().ends_with(PARTIAL) {
            fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
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
    use super::file_name;
    use crate::domain::id::MessageId;
    use crate::domain::message::{Media, MediaCopy, MediaKind};

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

    #[test]
    fn names_stay_in_the_directory_and_are_ours_first() {
        let id = MessageId(7);
        assert_eq!(file_name(id, &media(None, "audio/ogg; codecs=opus"), None), "7-audio.ogg");
        assert_eq!(file_name(id, &media(None, "x/y"), Some("image/png")), "7-audio.png");
        let hostile = file_name(id, &media(Some("../../.ssh/authorized_keys"), "x/y"), None);
        assert!(hostile.starts_with("7-") && !hostile.contains('/'), "{hostile}");
    }
}
