//! Looks at the paths that are typed and copies the files that are sent, on a thread of its own: a disk may
//! be slow, and a person types on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use super::run::Event;
use crate::app::msg::{Looked, Msg, Ticket};
use crate::service::outgoing::{self, resolved};
use crate::service::thread::{OnPanic, Thread};

/// Names that a path can go on to, at most.
const ENDS_MAX: usize = 200;

/// Entries of a folder that are looked at, at most.
const ENTRIES_MAX: usize = 20_000;

/// What is to be done with files.
enum Task {
    /// See what is at a path.
    Look(Ticket, String),
    /// Something of the caller's.
    Other(Box<dyn FnOnce() + Send>),
}

/// The thread that looks.
pub(super) struct Files {
    /// Dropped before the thread that hears it, which ends by that.
    asked: Sender<Task>,
    _thread: Thread,
}

impl Files {
    /// Starts it; what it finds goes to `events`.
    pub(super) fn start(events: Sender<Event>, on_panic: OnPanic) -> io::Result<Self> {
        let (asked, tasks) = channel::<Task>();
        let thread = Thread::start("files", on_panic, move || {
            for task in tasks {
                match task {
                    Task::Look(ticket, path) => {
                        let looked = look(&path, home().as_deref());
                        // A loop that has ended needs no answer.
                        events.send(Event::Msg(Msg::Looked(ticket, looked))).ok();
                    }
                    Task::Other(task) => task(),
                }
            }
        })?;
        Ok(Self { asked, _thread: thread })
    }

    /// Looks at a path.
    pub(super) fn look(&self, ticket: Ticket, path: String) {
        // The thread behind it lives as long as this does.
        self.asked.send(Task::Look(ticket, path)).ok();
    }

    /// Does something with files, after what was asked before.
    pub(super) fn run(&self, task: impl FnOnce() + Send + 'static) {
        self.asked.send(Task::Other(Box::new(task))).ok();
    }
}

fn home() -> Option<PathBuf> {
    directories::UserDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// What is at a path as it was typed.
fn look(typed: &str, home: Option<&Path>) -> Looked {
    let path = resolved(typed, home);
    Looked { typed: typed.to_owned(), file: outgoing::look(&path), ends: ends(typed, &path) }
}

/// What the last part of the path can go on to, spelled as it was begun.
fn ends(typed: &str, path: &Path) -> Vec<String> {
    let (before, begun) = typed
        .rsplit_once('/')
        .map_or(("", typed), |(_, begun)| typed.split_at(typed.len() - begun.len()));
    let folder = if begun.is_empty() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
    let mut ends: Vec<String> = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !begun.starts_with('.');
            let wanted = name.starts_with(begun) && !hidden && !name.contains(char::is_control);
            let slash = if entry.path().is_dir() { "/" } else { "" };
            wanted.then(|| format!("{before}{name}{slash}"))
        })
        .collect();
    ends.sort();
    ends.truncate(ENDS_MAX);
    ends
}

#[cfg(test)]
mod tests {
    use super::look;

    #[test]
    fn a_path_is_completed_and_its_file_is_judged() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("img")).unwrap();
        std::fs::write(dir.path().join("img/caixa.jpg"), b"\xff\xd8\xff").unwrap();
        std::fs::write(dir.path().join("img/.hidden.jpg"), b"abc").unwrap();
        std::fs::write(dir.path().join("img/empty.jpg"), b"").unwrap();
        let see = |typed: &str| look(typed, Some(dir.path()));
        assert_eq!(see("~/im").ends, ["~/img/"]);
        assert!(see("~/im").file.unwrap_err().contains("no such file"));
        assert!(see("~/img").file.unwrap_err().contains("folder"));
        assert_eq!(see("~/img/").ends, ["~/img/caixa.jpg", "~/img/empty.jpg"]);
        let whole = dir.path().join("img/caixa.jpg").to_str().unwrap().to_owned();
        assert_eq!(see("~/img/caixa.jpg").file, Ok((whole.clone(), 3)));
        assert_eq!(see(&whole).file, Ok((whole, 3)));
        assert!(see("~/img/empty.jpg").file.unwrap_err().contains("empty"));
        assert_eq!(see("~/img/.h").ends, ["~/img/.hidden.jpg"]);
    }
}
