//! Showing a file of a message in the program that the system has for it, or in the one that the config names.
//!
//! What a customer sent is never run: the file must be a plain one of ours, and of a kind that is only looked at.
//! The program gets nothing of the terminal, so that the screen stays whole; what it says goes to the log.

use std::io::{PipeReader, Read as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::domain::media::is_only_looked_at;
use crate::service::outgoing::stored;

/// The program that the system has for this.
pub(super) const SYSTEM: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// A program that is still there after this shows the file; one that cannot says so before.
const SOON: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// What the shell says of a program that is not there.
const NOT_FOUND: &str = "127";

/// Opens files.
#[derive(Debug)]
pub(super) struct Opener {
    /// The program, with its arguments.
    program: String,
    /// Those that may still be there, to be asked about when the next one starts.
    started: Vec<Child>,
}

impl Opener {
    /// With the program that the config names, if it does.
    pub(super) fn new(program: Option<String>) -> Self {
        Self { program: program.unwrap_or_else(|| SYSTEM.to_owned()), started: Vec::new() }
    }

    /// Opens a file that the store names; says what was done, or why nothing could be.
    pub(super) fn open(&mut self, data_dir: &Path, name: &str) -> Result<String, String> {
        let path = stored(data_dir, name)?;
        if !is_only_looked_at(name) {
            let end = path
                .extension()
                .map_or("name without an end".into(), |end| format!(".{}", end.to_string_lossy()));
            return Err(format!(
                "Not opened: what a {end} is might be run, or tell others that you look. Save it and look at it \
                 with care."
            ));
        }
        // Those that have ended are forgotten; one that cannot be asked any more has.
        self.started.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let (ended, child) = self
            .start(&path)
            .map_err(|error| format!("{} cannot be started: {error}", self.program))?;
        self.started.push(child);
        let program = &self.program;
        match said(ended).as_deref() {
            None | Some("0") => Ok(format!("Opened with {program}: {}", path.display())),
            Some(NOT_FOUND) => Err(format!(
                "{program} is not there: name the program that opens files as opener in [ui] of the config."
            )),
            Some(code) => Err(format!(
                "{program} could not open it and ended with {code}; log/stderr.log has its words. It lies at {}",
                path.display()
            )),
        }
    }

    /// Starts the program in a group of its own. The shell tells how it ended through what would be its input.
    fn start(&self, path: &Path) -> std::io::Result<(PipeReader, Child)> {
        let (ended, tells) = pipe()?;
        let line = format!("{} \"$1\" </dev/null\necho $? >&0 2>/dev/null", self.program);
        let child = Command::new("sh")
            .args(["-c", &line, "sh"])
            .arg(path)
            // One that would draw on the terminal is told that it cannot.
            .env("TERM", "dumb")
            .stdin(Stdio::from(tells))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok((ended, child))
    }
}

/// How the program ended, if it did so soon.
fn said(mut ended: PipeReader) -> Option<String> {
    let mut fds = [PollFd::new(&ended, PollFlags::IN)];
    match poll(&mut fds, Some(&SOON)) {
        Ok(0) | Err(_) => None,
        Ok(_) => {
            let mut code = String::new();
            ended.read_to_string(&mut code).ok()?;
            Some(code.trim().to_owned())
        }
    }
}

/// Copies a file that the store names to a place that a person names; into a folder, under its name. Gives the path.
pub(super) fn save(
    data_dir: &Path,
    name: &str,
    to: PathBuf,
    called: &str,
) -> Result<String, String> {
    let from = stored(data_dir, name)?;
    let to = if to.is_dir() { to.join(called) } else { to };
    let told = |error: std::io::Error| super::errand::not_written(&to, &error);
    let mut file = std::fs::File::create_new(&to).map_err(told)?;
    let mut source = crate::service::outgoing::open_file(&from).map_err(told)?;
    std::io::copy(&mut source, &mut file).map_err(told)?;
    Ok(format!("Saved as {}.", to.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Opener, save};

    fn data() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("media")).unwrap();
        std::fs::write(dir.path().join("media/7-photo.png"), "pixels").unwrap();
        dir
    }

    fn open(program: &str, dir: &Path, name: &str) -> Result<String, String> {
        Opener::new(Some(program.to_owned())).open(dir, name)
    }

    #[test]
    fn the_program_gets_the_whole_path_of_the_file() {
        let dir = data();
        let seen = dir.path().join("seen");
        let program = format!("printf %s > {} \"$1\"; true", seen.display());
        let said = open(&program, dir.path(), "media/7-photo.png").unwrap();
        let path = dir.path().join("media/7-photo.png");
        assert_eq!(std::fs::read_to_string(seen).unwrap(), path.to_str().unwrap());
        assert!(said.contains("7-photo.png"), "{said}");
    }

    #[test]
    fn a_program_that_cannot_open_it_is_named_with_what_helps() {
        let dir = data();
        let error = open("no-such-viewer", dir.path(), "media/7-photo.png").unwrap_err();
        assert!(error.contains("no-such-viewer is not there") && error.contains("[ui]"), "{error}");
        let error = open("(exit 4) #", dir.path(), "media/7-photo.png").unwrap_err();
        assert!(error.contains("ended with 4") && error.contains("7-photo.png"), "{error}");
    }

    #[test]
    fn nothing_but_a_plain_file_of_ours_is_opened_and_nothing_that_runs() {
        let dir = data();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("secret.png"), "x").unwrap();
        std::fs::write(at("media/8-prize.desktop"), "[Desktop Entry]").unwrap();
        std::fs::write(at("media/9-plain"), "x").unwrap();
        std::fs::create_dir(at("media/10-folder.png")).unwrap();
        std::os::unix::fs::symlink(at("secret.png"), at("media/11-link.png")).unwrap();
        let secret = at("secret.png").to_str().unwrap().to_owned();
        for name in [
            "media/../secret.png",
            "../secret.png",
            "secret.png",
            &secret,
            "media/8-prize.desktop",
            "media/9-plain",
            "media/10-folder.png",
            "media/11-link.png",
            "media/gone.png",
        ] {
            let seen = at("seen");
            let error = open(&format!("touch {}", seen.display()), dir.path(), name);
            assert!(error.is_err() && !seen.exists(), "{name}: {error:?}");
        }
    }

    #[test]
    fn what_is_saved_is_a_copy_and_nothing_is_overwritten() {
        let (dir, to) = (data(), tempfile::tempdir().unwrap());
        let put = |to: &Path| save(dir.path(), "media/7-photo.png", to.to_owned(), "photo.png");
        put(to.path()).unwrap();
        assert_eq!(std::fs::read_to_string(to.path().join("photo.png")).unwrap(), "pixels");
        std::fs::write(to.path().join("other.png"), "mine").unwrap();
        let error = put(&to.path().join("other.png")).unwrap_err();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(std::fs::read_to_string(to.path().join("other.png")).unwrap(), "mine");
    }
}
