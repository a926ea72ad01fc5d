//! The config as init writes it: what a person wrote in it stays, with comments and order.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, RawString, Table, value};

use super::Secret;
use crate::cli::sim::write_private;
use crate::config::{self, Account, Keyring, SecretSource};
use crate::domain::time::Clock;
use crate::error::Error;
use crate::paths;

/// What a new config begins with.
const HEAD: &str = "# twoticks: written by `twoticks init`, yours to change. `twoticks init --example` \
                    explains every key.\n";

/// An account to be written.
pub(super) struct Written {
    pub(super) name: String,
    pub(super) phone_number_id: String,
    pub(super) waba_id: Option<String>,
    pub(super) app_id: Option<String>,
    pub(super) number: Option<String>,
    pub(super) secrets: [(&'static str, Secret); 3],
    /// Where secrets go that were typed; into files when there is none.
    pub(super) keyring: Option<Keyring>,
    pub(super) base_url: Option<String>,
}

/// Where a secret goes that was typed.
enum Keep {
    /// A file that is there.
    Old(PathBuf),
    /// A file that is not there yet.
    New(PathBuf),
    /// An entry of the keyring.
    Entry(Keyring, String),
}

impl Keep {
    /// How the config names it.
    fn place(&self) -> String {
        match self {
            Self::Old(path) | Self::New(path) => format!("file:{}", path.display()),
            Self::Entry(_, name) => format!("keyring:{name}"),
        }
    }

    fn write(&self, secret: &Secret, clock: &dyn Clock) -> Result<(), Error> {
        match self {
            Self::Old(path) => {
                write_private(path, secret.expose()).map_err(|error| failed(path, &error))
            }
            Self::New(path) => paths::create_private(path)
                .and_then(|mut file| file.write_all(secret.expose().as_bytes()))
                .map_err(|error| failed(path, &error)),
            Self::Entry(keyring, name) => keyring
                .store(name, &secret.value, clock)
                .map_err(|error| Error::failed("a secret was not kept").because(&error)),
        }
    }
}

/// Writes it, and the secrets that were typed into files of their own or the keyring; returns the config's
/// file. `accounts` are those of the config as it is. What would make a config that cannot be read is refused before anything
/// is written, and the config is written last: whenever this ends early, the old one and its secrets stand.
pub(super) fn write(
    file: &Path,
    written: &Written,
    accounts: &[Account],
    clock: &dyn Clock,
) -> Result<PathBuf, Error> {
    let base = std::path::absolute(file).unwrap_or_else(|_no_dir| file.to_owned());
    let base = base.parent().unwrap_or_else(|| Path::new("/"));
    // Of a link, what it leads to is changed; places in it are named from where the link is.
    let file = file.canonicalize().unwrap_or_else(|_not_there| file.to_owned());
    let old = match std::fs::read_to_string(&file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(&file, &error)),
    };
    let names = Names { base, id: &written.phone_number_id, accounts };
    let mut places = Vec::new();
    let mut typed = Vec::new();
    for (key, secret) in &written.secrets {
        let place = if let Some(place) = &secret.place {
            relative(place, base)
        } else {
            let keep = match written.keyring {
                Some(keyring) => names.entry(keyring, key, clock)?,
                None => names.file(key),
            };
            let place = relative(&keep.place(), base);
            typed.push((keep, secret));
            place
        };
        places.push((*key, place));
    }
    let mut new = changed(&old, written, &places)?;
    if old.is_empty() {
        // A document that is only a comment would put what is added before it.
        new.insert_str(0, HEAD);
    }
    let none = BTreeMap::new();
    let source = config::Source { text: &new, path: &file, env: &none, private: true };
    config::parse(&source).map_err(|problems| {
        let (file, lines) = (file.display(), config::listed(&problems));
        Error::usage(format!("{file} would not be right, so nothing was written:{lines}"))
    })?;
    if !base.exists() {
        paths::create_dir(base).map_err(|error| failed(base, &error))?;
    }
    for (keep, secret) in typed {
        keep.write(secret, clock)?;
    }
    write_private(&file, &new).map_err(|error| failed(&file, &error))?;
    Ok(file)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::failed(format!("cannot write {}", path.display())).because(error)
}

/// How the secrets of one account are called that were typed.
struct Names<'a> {
    /// The config's directory.
    base: &'a Path,
    /// The account's number at Meta. Names of accounts may differ in nothing that a file's name can hold.
    id: &'a str,
    accounts: &'a [Account],
}

impl Names<'_> {
    /// The file that this key of the account, and nothing else, names beside the config; or else a new one.
    fn file(&self, key: &str) -> Keep {
        let own = match self.known(key).as_slice() {
            [SecretSource::File(path)] => Some(real(path)),
            _ => None,
        };
        let named: Vec<PathBuf> = self.accounts.iter().flat_map(files).map(real).collect();
        let beside = |path: &PathBuf| path.parent() == Some(&real(self.base));
        let alone = |path: &PathBuf| named.iter().filter(|one| *one == path).count() == 1;
        if let Some(name) = own.filter(beside).filter(alone).as_deref().and_then(Path::file_name) {
            return Keep::Old(self.base.join(name));
        }
        let free = |name: &String| {
            let path = self.base.join(name);
            path.symlink_metadata().is_err() && !named.contains(&real(&path))
        };
        let name = self.candidates(key).find(free);
        Keep::New(self.base.join(name.unwrap_or_default()))
    }

    /// The entry that this key of the account, and nothing else, names; or else a new one.
    fn entry(&self, keyring: Keyring, key: &str, clock: &dyn Clock) -> Result<Keep, Error> {
        let named: Vec<&str> = self.accounts.iter().flat_map(entries).collect();
        let alone = |name: &str| named.iter().filter(|one| **one == name).count() == 1;
        if let [SecretSource::Keyring(name)] = self.known(key).as_slice()
            && alone(name)
        {
            return Ok(Keep::Entry(keyring, name.clone()));
        }
        let mut free = self.candidates(key).filter(|name| !named.contains(&name.as_str()));
        let name = free.find_map(|name| match keyring.has(&name, clock) {
            Ok(true) => None,
            Ok(false) => Some(Ok(name)),
            Err(error) => Some(Err(error)),
        });
        name.unwrap_or_else(|| Ok(String::new()))
            .map(|name| Keep::Entry(keyring, name))
            .map_err(|error| Error::failed("the keyring cannot be used").because(&error))
    }

    /// Where the secrets of a key are now. Of a list, each is still needed.
    fn known(&self, key: &str) -> Vec<&SecretSource> {
        let known = self.accounts.iter().find(|account| account.phone_number_id == self.id);
        known.map_or_else(Vec::new, |known| sources(known, key))
    }

    /// What a new one may be called, best first.
    fn candidates(&self, key: &str) -> impl Iterator<Item = String> {
        let plain = format!("{}.{}", self.id, key.replace('_', "-"));
        let counted = plain.clone();
        std::iter::once(plain).chain((2..).map(move |number: u32| format!("{counted}-{number}")))
    }
}

/// Where the secrets of a key are.
fn sources<'a>(account: &'a Account, key: &str) -> Vec<&'a SecretSource> {
    match key {
        "token" => account.token.iter().collect(),
        "app_secret" => account.app_secrets.iter().collect(),
        _ => account.verify_tokens.iter().collect(),
    }
}

/// Where all secrets of an account are.
fn all(account: &Account) -> impl Iterator<Item = &SecretSource> {
    let keys = ["token", "app_secret", "verify_token"];
    keys.into_iter().flat_map(|key| sources(account, key))
}

/// All files that an account names.
fn files(account: &Account) -> impl Iterator<Item = &Path> {
    all(account).filter_map(|source| match source {
        SecretSource::File(path) => Some(path.as_path()),
        _ => None,
    })
}

/// All entries of the keyring that an account names.
pub(super) fn entries(account: &Account) -> impl Iterator<Item = &str> {
    all(account).filter_map(|source| match source {
        SecretSource::Keyring(name) => Some(name.as_str()),
        _ => None,
    })
}

/// What a path leads to, in one spelling.
fn real(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).ok();
    path.canonicalize().ok().or_else(absolute).unwrap_or_else(|| path.to_owned())
}

/// A place below the config's directory is named from there, so that both can be moved together.
fn relative(place: &str, base: &Path) -> String {
    let below = place.strip_prefix("file:").map(Path::new);
    let below = below.and_then(|path| path.strip_prefix(base).ok());
    below.map_or_else(|| place.to_owned(), |below| format!("file:{}", below.display()))
}

/// The config with this account in it.
fn changed(old: &str, written: &Written, places: &[(&str, String)]) -> Result<String, Error> {
    let mut document: DocumentMut = old.parse().map_err(|_wrong| {
        Error::usage("the config cannot be read").hint("twoticks doctor says why")
    })?;
    if let Some(url) = &written.base_url {
        set(document.as_table_mut(), "base_url", url);
    }
    let accounts = document
        .entry("account")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| Error::usage("account in the config is no [[account]]"))?;
    let id = &written.phone_number_id;
    let is_ours = |table: &Table| table.get("phone_number_id").and_then(Item::as_str) == Some(id);
    if !accounts.iter().any(is_ours) {
        accounts.push(Table::new());
    }
    let count = accounts.len();
    let ours = accounts.iter().position(is_ours).unwrap_or(count - 1);
    let Some(table) = accounts.get_mut(ours) else {
        return Err(Error::failed("the account cannot be written"));
    };
    set(table, "name", &written.name);
    set(table, "phone_number_id", id);
    let optional =
        [("waba_id", &written.waba_id), ("app_id", &written.app_id), ("number", &written.number)];
    for (key, text) in optional {
        if let Some(text) = text {
            set(table, key, text);
        }
    }
    for (key, place) in places {
        // A list is for two secrets at a time; the new one joins it.
        match table.get_mut(key).and_then(Item::as_array_mut) {
            Some(list) if list.iter().any(|one| one.as_str() == Some(place)) => {}
            Some(list) => {
                list.insert(0, place.as_str());
                // The one that was the first had nothing before it.
                if let Some(second) = list.get_mut(1) {
                    let beside = second.decor_mut();
                    if beside.prefix().and_then(RawString::as_str).is_none_or(str::is_empty) {
                        beside.set_prefix(" ");
                    }
                }
            }
            None => set(table, key, place),
        }
    }
    Ok(document.to_string())
}

/// Sets a key, with what stands beside it left alone, and nothing at all when it is the same.
fn set(table: &mut Table, key: &str, text: &str) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str() == Some(text) => {}
        Some(old) => {
            let beside = old.decor().clone();
            *old = text.into();
            *old.decor_mut() = beside;
        }
        None => {
            table.insert(key, value(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::super::Secret;
    use super::{HEAD, Written, changed, write, write_private};
    use crate::clock::SystemClock;
    use crate::config;

    /// An account whose token and verify token were typed.
    fn typed(name: &str, id: &str, value: &str) -> Written {
        let secret = |place: Option<&str>| Secret {
            value: value.to_owned().into(),
            place: place.map(str::to_owned),
        };
        Written {
            name: name.to_owned(),
            phone_number_id: id.to_owned(),
            waba_id: Some("2".to_owned()),
            app_id: None,
            number: None,
            secrets: [
                ("token", secret(None)),
                ("app_secret", secret(Some("env:APP_SECRET"))),
                ("verify_token", secret(None)),
            ],
            keyring: None,
            base_url: None,
        }
    }

    fn written(id: &str) -> Written {
        typed("Loja Sol", id, "s3cret")
    }

    #[test]
    fn running_it_again_changes_what_is_told_and_keeps_what_a_person_wrote() {
        let mine = "# mine\n[listener]\nport = 9 # not 8787\n\n[[account]]\nname = \"old\" # a name\n\
                    phone_number_id = \"1\"\ntoken = \"env:OLD\"\napp_secret = [\"env:A\", \"env:B\"]\n\
                    [[account]]\nname = \"other\"\nphone_number_id = \"7\"\n";
        let places = [("token", "env:NEW".to_owned()), ("app_secret", "env:C".to_owned())];
        let new = changed(mine, &written("1"), &places).unwrap();
        let wanted = mine
            .replace("\"old\"", "\"Loja Sol\"")
            .replace("env:OLD", "env:NEW")
            .replace("[\"env:A\"", "[\"env:C\", \"env:A\"")
            .replacen("\"env:B\"]\n", "\"env:B\"]\nwaba_id = \"2\"\n", 1);
        assert_eq!(new, wanted);
        assert_eq!(changed(&new, &written("1"), &places).unwrap(), new, "the same once more");
        let added = changed(mine, &written("3"), &places).unwrap();
        assert!(added.starts_with(mine) && added.matches("[[account]]").count() == 3, "{added}");
    }

    /// Writes an account into the config of this directory, as it is by then.
    #[track_caller]
    fn write_into(dir: &Path, written: &Written) -> PathBuf {
        let file = dir.join("config.toml");
        let known = config::load(&file, false, &BTreeMap::new()).unwrap();
        write(&file, written, &known.accounts, &SystemClock::new()).unwrap()
    }

    fn read(dir: &Path, name: &str) -> String {
        std::fs::read_to_string(dir.join(name)).unwrap()
    }

    #[test]
    fn a_new_config_names_its_secrets_and_holds_none() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = write_into(&dir.path().join("new"), &written("1"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(HEAD) && !text.contains("s3cret"), "{text}");
        assert!(text.contains("token = \"file:1.token\""), "{text}");
        assert!(text.contains("app_secret = \"env:APP_SECRET\""), "{text}");
        let secret = file.with_file_name("1.token");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "s3cret");
        for file in [&file, &secret] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }

    #[test]
    fn accounts_whose_names_no_file_can_hold_do_not_share_their_secrets() {
        let dir = tempfile::tempdir().unwrap();
        write_into(dir.path(), &typed("商店", "1", "one"));
        write_into(dir.path(), &typed("餐厅", "2", "two"));
        for (name, secret) in [("1.token", "one"), ("1.verify-token", "one"), ("2.token", "two")] {
            assert_eq!(read(dir.path(), name), secret, "{name}");
        }
    }

    #[test]
    fn a_secret_is_written_over_only_where_its_own_key_alone_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        std::fs::write(dir.join("1.token"), "left by somebody").unwrap();
        write_into(dir, &typed("a", "1", "first"));
        assert_eq!(read(dir, "1.token"), "left by somebody");
        assert_eq!(read(dir, "1.token-2"), "first");
        write_into(dir, &typed("a", "1", "second"));
        assert_eq!(read(dir, "1.token-2"), "second", "its own");
        // A second number of the same token, and a list of two verify tokens.
        let shared = read(dir, "config.toml").replace(
            "verify_token = \"file:1.verify-token\"",
            "verify_token = [\"file:1.verify-token\"]",
        ) + "\n[[account]]\nname = \"b\"\nphone_number_id = \"2\"\ntoken = \"file:1.token-2\"\n";
        write_private(&dir.join("config.toml"), &shared).unwrap();
        write_into(dir, &typed("b", "2", "of b"));
        assert_eq!(
            (read(dir, "1.token-2"), read(dir, "2.token")),
            ("second".into(), "of b".into())
        );
        write_into(dir, &typed("a", "1", "third"));
        assert_eq!(read(dir, "1.token-2"), "third", "nobody else's any more");
    }

    #[test]
    fn a_config_that_would_not_be_right_is_not_written_and_no_secret_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let file = write_into(dir.path(), &typed("shop", "1", "first"));
        let before = std::fs::read_to_string(&file).unwrap();
        let known = config::load(&file, true, &BTreeMap::new()).unwrap().accounts;
        for wrong in [typed("shop", "2", "second"), typed("new", "no id", "second")] {
            let error = write(&file, &wrong, &known, &SystemClock::new()).unwrap_err().to_string();
            assert!(error.contains("nothing was written"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
        assert_eq!(read(dir.path(), "1.token"), "first");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "no file more");
    }

    #[test]
    fn secrets_of_a_config_that_is_a_link_lie_where_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (link, kept) = (dir.path().join("link"), dir.path().join("kept"));
        for one in [&link, &kept] {
            std::fs::create_dir(one).unwrap();
        }
        write_private(&kept.join("mine.toml"), "# mine\n").unwrap();
        std::os::unix::fs::symlink(kept.join("mine.toml"), link.join("config.toml")).unwrap();
        write_into(&link, &typed("shop", "1", "first"));
        assert!(std::fs::read_to_string(kept.join("mine.toml")).unwrap().contains("file:1.token"));
        assert_eq!(read(&link, "1.token"), "first");
    }
}
