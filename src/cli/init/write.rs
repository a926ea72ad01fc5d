//! The config as init writes it: what a person wrote in it stays, with comments and order.

use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, RawString, Table, value};

use super::Secret;
use crate::cli::sim::write_private;
use crate::error::Error;
use crate::paths;

/// What a new config begins with.
const HEAD: &str = "# twoticks: written by `twoticks init`, yours to change. config.example.toml explains \
                    every key.\n";

/// An account to be written.
pub(super) struct Written {
    pub(super) name: String,
    pub(super) phone_number_id: String,
    pub(super) waba_id: Option<String>,
    pub(super) app_id: Option<String>,
    pub(super) number: Option<String>,
    pub(super) secrets: [(&'static str, Secret); 3],
    pub(super) base_url: Option<String>,
}

/// Writes it, and the secrets that were typed into files of their own; returns the config's file.
pub(super) fn write(file: &Path, written: &Written) -> Result<PathBuf, Error> {
    let failed = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", file.display())).because(&error)
    };
    // Of a link, what it leads to is changed.
    let file = file.canonicalize().unwrap_or_else(|_not_there| file.to_owned());
    let old = match std::fs::read_to_string(&file) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let base = file.parent().unwrap_or_else(|| Path::new(""));
    if !base.as_os_str().is_empty() && !base.exists() {
        paths::create_dir(base).map_err(failed)?;
    }
    let mut places = Vec::new();
    for (key, secret) in &written.secrets {
        let place = if let Some(place) = &secret.place {
            relative(place, base)
        } else {
            let name = format!("{}.{}", plain(&written.name), key.replace('_', "-"));
            write_private(&base.join(&name), secret.expose()).map_err(failed)?;
            format!("file:{name}")
        };
        places.push((*key, place));
    }
    let mut new = changed(&old, written, &places)?;
    if old.is_empty() {
        // A document that is only a comment would put what is added before it.
        new.insert_str(0, HEAD);
    }
    write_private(&file, &new).map_err(failed)?;
    Ok(file)
}

/// A place below the config's directory is named from there, so that both can be moved together.
fn relative(place: &str, base: &Path) -> String {
    let below = place.strip_prefix("file:").map(Path::new);
    let below = below.and_then(|path| path.strip_prefix(base).ok());
    below.map_or_else(|| place.to_owned(), |below| format!("file:{}", below.display()))
}

/// A name that is good for a file.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    name.chars().map(kept).collect()
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
    use super::super::Secret;
    use super::{HEAD, Written, changed, write};

    fn written(id: &str) -> Written {
        let secret = |place: Option<&str>| Secret {
            value: "s3cret".to_owned().into(),
            place: place.map(str::to_owned),
        };
        Written {
            name: "Loja Sol".to_owned(),
            phone_number_id: id.to_owned(),
            waba_id: Some("2".to_owned()),
            app_id: None,
            number: None,
            secrets: [
                ("token", secret(None)),
                ("app_secret", secret(Some("env:APP_SECRET"))),
                ("verify_token", secret(None)),
            ],
            base_url: None,
        }
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

    #[test]
    fn a_new_config_names_its_secrets_and_holds_none() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = write(&dir.path().join("new/config.toml"), &written("1")).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(HEAD) && !text.contains("s3cret"), "{text}");
        assert!(text.contains("token = \"file:Loja-Sol.token\""), "{text}");
        assert!(text.contains("app_secret = \"env:APP_SECRET\""), "{text}");
        let secret = file.with_file_name("Loja-Sol.token");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "s3cret");
        for file in [&file, &secret] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }
}
