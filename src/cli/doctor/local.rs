//! What lies on this machine: the config, the directories and their rights, the database.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Report;
use crate::cli::{Global, Session};
use crate::domain::shell::quoted;
use crate::paths;
use crate::store::text_index::DAMAGED;
use crate::store::{self, ReadConn, check};

/// Reads the config. All of its mistakes are findings.
pub(super) fn config(report: &mut Report, global: &Global) -> Option<Session> {
    let file = match paths::config_file(global.config.clone()) {
        Ok(file) => file,
        Err(error) => {
            report.wrong("config", error.message, error.hint.unwrap_or_default());
            return None;
        }
    };
    let session = match Session::read_config(global.clone(), true) {
        Ok(session) => session,
        Err(error) => {
            let remedy = "mend it there; twoticks init --example explains every key".to_owned();
            let mut lines: Vec<&str> = error.message.lines().collect();
            if lines.len() > 1 {
                lines.remove(0);
            }
            // The cause belongs to what could not be done, and is no mistake of its own.
            for said in lines.into_iter().map(str::trim) {
                let causes = error.causes.iter().map(String::as_str);
                let words: Vec<&str> = std::iter::once(said).chain(causes).collect();
                let remedy = error.hint.clone().unwrap_or_else(|| remedy.clone());
                report.wrong("config", words.join(": "), remedy);
            }
            return None;
        }
    };
    let shown = file.display();
    match session.config.accounts.len() {
        0 => report.wrong(
            "config",
            format!("no account is set up in {shown}"),
            "run: twoticks init (or look around with: twoticks demo)",
        ),
        count => report.right("config", format!("{shown}, accounts: {count}")),
    }
    for warning in &session.config.warnings {
        report.note("config", warning.clone());
    }
    if std::fs::metadata(&file).is_ok_and(|found| found.mode() & 0o022 != 0) {
        let says = format!("others may write to {shown}, and so choose the commands it runs");
        report.wrong("permissions", says, format!("run: chmod go-w '{shown}'"));
    }
    Some(session)
}

/// The data directory and its rights.
pub(super) fn data(report: &mut Report, session: &Session) {
    let data = &session.paths.data;
    let shown = data.display();
    let found = match std::fs::metadata(data) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report
                .note("permissions", format!("{shown} is not there yet; the first start makes it"));
            return;
        }
        Err(error) => {
            let says = format!("the data directory {shown} cannot be looked at: {error}");
            report.wrong("permissions", says, "name another with --data-dir or data_dir");
            return;
        }
    };
    if !found.is_dir() {
        let says = format!("{shown} is no directory");
        report.wrong("permissions", says, "name another with --data-dir or data_dir");
    } else if access(data, Access::WRITE_OK).is_err() {
        let says = format!("nothing can be written in {shown}");
        report.wrong(
            "permissions",
            says,
            format!("run: chmod u+rwx '{shown}', or see who owns it"),
        );
    } else if found.mode() & 0o077 != 0 {
        let says = format!("others may look into {shown} (mode {:03o})", found.mode() & 0o777);
        report.wrong("permissions", says, format!("run: chmod 700 '{shown}'"));
    } else {
        report.right("permissions", format!("{shown} is yours alone"));
    }
}

/// The database: whether it opens, is whole, and is nobody else's.
pub(super) fn database(report: &mut Report, session: &Session) {
    let path = session.paths.database();
    let shown = path.display();
    let Ok(found) = std::fs::metadata(&path) else {
        report.note("database", "there is none yet; the inbox, listen and send make it");
        return;
    };
    if found.mode() & 0o077 != 0 {
        let says = format!("others may read {shown} (mode {:03o})", found.mode() & 0o777);
        report.wrong("database", says, format!("run: chmod 600 '{shown}'*"));
    }
    match sound(&path) {
        Ok(faults) if faults.is_empty() => {
            report.right("database", format!("sound, {} KiB", found.len() / 1024));
        }
        Ok(faults) if faults.iter().all(|fault| fault.starts_with(DAMAGED)) => {
            let says = format!("no message is lost, but {}", faults.join("; "));
            report.wrong("database", says, "run: twoticks db check --repair-search");
        }
        Ok(faults) => {
            let says = format!("it contradicts itself: {}", faults.join("; "));
            let remedy = "keep a copy of it and of the -wal and -shm beside it, then report this: \
                          twoticks db check";
            report.wrong("database", says, remedy);
        }
        Err(store::Error::Missing(_)) => {
            report
                .note("database", "it is of an older version; the next start brings it up to date");
        }
        Err(error) => report.wrong("database", error.to_string(), remedy(&error, &path)),
    }
}

fn sound(path: &Path) -> Result<Vec<String>, store::Error> {
    check::check(&ReadConn::open(path)?)
}

/// The newest copy that was made beside the database before it was brought up to date.
fn newest_copy(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?.flatten();
    let copies = entries.filter(|entry| {
        let is_copy = entry.path().extension().is_some_and(|ending| ending == "bak");
        is_copy && entry.file_name().to_string_lossy().starts_with(name)
    });
    let made = |entry: &std::fs::DirEntry| entry.metadata().and_then(|found| found.modified()).ok();
    copies.max_by_key(made).map(|entry| entry.path())
}

fn remedy(error: &store::Error, path: &Path) -> String {
    let shown = path.display();
    match error {
        store::Error::Newer { .. } => "install the newest twoticks".to_owned(),
        store::Error::Foreign(_) => "name another place with --data-dir".to_owned(),
        store::Error::Corrupt(_) => damaged(path),
        store::Error::Busy => "see which program writes it for so long".to_owned(),
        _ => format!("see who owns '{shown}', and whether its disk is well and has room"),
    }
}

/// What to do with a damaged database. The log beside it holds what was committed last: SQLite throws it away
/// beside a new file, and writes it over a backup.
fn damaged(path: &Path) -> String {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let quoted = |path: &Path| quoted(&path.to_string_lossy());
    let aside = beside(".damaged");
    let files = [path.to_owned(), beside("-wal"), beside("-shm")];
    let there: Vec<String> =
        files.iter().filter(|file| file.exists()).map(|file| quoted(file)).collect();
    let move_aside =
        format!("mkdir {} && mv {} {}", quoted(&aside), there.join(" "), quoted(&aside));
    match newest_copy(path) {
        Some(copy) => format!(
            "stop every twoticks; this keeps all that belongs to it, and goes back to the newest copy \
             beside it: {move_aside} && cp -p {} {}",
            quoted(&copy),
            quoted(path)
        ),
        None => format!(
            "stop every twoticks; this keeps all that belongs to it, then put a backup in its place if \
             you made one (twoticks db backup), or start anew: {move_aside}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::damaged;

    /// The log holds what was committed last. It was left where SQLite threw it away.
    #[test]
    fn what_is_said_of_a_damaged_database_keeps_its_log() {
        for copy in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let dir = dir.path().join("Ana's data");
            std::fs::create_dir(&dir).unwrap();
            let names = ["twoticks.db", "twoticks.db-wal", "twoticks.db-shm"];
            for name in names {
                std::fs::write(dir.join(name), name).unwrap();
            }
            if copy {
                std::fs::write(dir.join("twoticks.db.7.bak"), "copy").unwrap();
            }
            let words = damaged(&dir.join(names[0]));
            let command = words.split_once(": ").unwrap().1;
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
            for name in names {
                let kept = std::fs::read_to_string(dir.join("twoticks.db.damaged").join(name));
                assert_eq!(kept.unwrap(), name);
            }
            let there = std::fs::read_to_string(dir.join(names[0])).ok();
            assert_eq!(there, copy.then(|| "copy".to_owned()), "{words}");
            assert!(!dir.join(names[1]).exists());
        }
    }
}
