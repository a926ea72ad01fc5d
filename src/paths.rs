//! Where the files lie. The config is in the platform's config directory, everything else in the platform's data
//! directory; both can be named on the command line. Directories are made for the owner alone (0700),
//! and so are files (0600), whatever the umask says.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::error::Error;

/// The config file to read: the one named, or else the platform's.
pub fn config_file(named: Option<PathBuf>) -> Result<PathBuf, Error> {
    match named {
        Some(named) => Ok(named),
        None => Ok(platform("config", "--config")?.config_dir().join("config.toml")),
    }
}

fn platform(what: &str, flag: &str) -> Result<ProjectDirs, Error> {
    ProjectDirs::from("", "", "twoticks").ok_or_else(|| {
        Error::usage(format!("there is no home directory to keep the {what} in"))
            .hint(format!("name a place with {flag}"))
    })
}

/// The places below the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The data directory: database, media, logs.
    pub data: PathBuf,
}

impl Paths {
    /// In the directory named, or else in the platform's.
    pub fn resolve(named: Option<PathBuf>) -> Result<Self, Error> {
        match named {
            Some(data) => Ok(Self { data }),
            None => Ok(Self { data: platform("data", "--data-dir")?.data_dir().to_path_buf() }),
        }
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("twoticks.db")
    }

    /// Where received and sent files are kept.
    #[must_use]
    pub fn media(&self) -> PathBuf {
        self.data.join("media")
    }

    /// Where the log files are.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data.join("log")
    }

    /// Makes the data directory and what is in it.
    pub fn create_data(&self) -> Result<(), Error> {
        for dir in [&self.data, &self.media(), &self.log()] {
            create_dir(dir).map_err(|error| {
                Error::failed(format!("cannot make the directory {}", dir.display()))
                    .because(&error)
                    .hint("name another place with --data-dir")
            })?;
        }
        Ok(())
    }
}

/// Makes a directory for the owner alone, with its parents. One that exists is left as it is, but for
/// rights of others on it, which are taken away.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700);
        builder.create(dir)?;
        let mode = std::fs::metadata(dir)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(dir)
}

/// Opens a file for appending that only the owner may read, making it if need be.
pub fn append_private(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().create(true).append(true)).open(path)
}

/// Makes a new file that only the owner may read. It must not exist yet.
pub fn create_private(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().create_new(true).write(true)).open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{Paths, append_private, create_dir, create_private};

    fn mode(path: &std::path::Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn data_is_for_the_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(Some(home.path().join("a/b"))).unwrap();
        paths.create_data().unwrap();
        for dir in [paths.data.clone(), paths.media(), paths.log()] {
            assert_eq!(mode(&dir), 0o700, "{}", dir.display());
        }
        drop(append_private(&paths.data.join("x")).unwrap());
        assert_eq!(mode(&paths.data.join("x")), 0o600);
        drop(create_private(&paths.data.join("y")).unwrap());
        assert_eq!(mode(&paths.data.join("y")), 0o600);
        assert!(create_private(&paths.data.join("y")).is_err(), "an old file is never reused");
    }

    #[test]
    fn rights_of_others_are_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("open");
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        create_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
    }
}
