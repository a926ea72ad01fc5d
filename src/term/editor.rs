//! Writing a message in `$VISUAL` or `$EDITOR`. The text passes through a file that only the owner may read
//! and that is gone afterwards.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Lets the person edit `text`; what they saved comes back without the editor's last newline. The terminal
/// must be in its usual modes, and nothing else may read from it.
pub(super) fn edit(data: &Path, text: &str) -> Result<String, String> {
    // Editors colour what the name says it is.
    let is_json = text.starts_with('{')
        // One that was laid out and has a slip is JSON all the same.
        && (text.starts_with("{\n") || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let ending = if is_json { "json" } else { "txt" };
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
        .unwrap_or_else(|| "vi".to_owned());
    edit_with(&editor, data, (text, ending))
}

fn edit_with(editor: &str, data: &Path, (text, ending): (&str, &str)) -> Result<String, String> {
    let path = data.join(format!("message-{}.{ending}", std::process::id()));
    // Left behind by a process of this number that was killed in the middle.
    std::fs::remove_file(&path).ok();
    let edited = write_new(&path, text)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
        .and_then(|()| run(editor, &path))
        .and_then(|()| {
            std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read back {}: {error}", path.display()))
        });
    std::fs::remove_file(&path).ok();
    let mut text = edited?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    crate::paths::create_private(path)?.write_all(text.as_bytes())
}

/// Through the shell, as the value may have arguments; the path goes as an argument of its own.
fn run(editor: &str, path: &Path) -> Result<(), String> {
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(path)
        .status()
        .map_err(|error| format!("cannot run {editor}: {error}; set $EDITOR"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{editor} ended with {status}; the text is as it was"))
}

#[cfg(test)]
mod tests {
    use super::edit_with;

    #[test]
    fn what_is_saved_comes_back_and_the_file_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let edited = edit_with("printf 'b\\n' >>", dir.path(), ("a\n", "txt")).unwrap();
        assert_eq!(edited, "a\nb");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_editor_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let error = edit_with("false #", dir.path(), ("a", "txt")).unwrap_err();
        assert!(error.contains("exit status: 1"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let edited = edit_with(
            "sh -c 'stat -c %a \"$1\" > \"$1.x\" && mv \"$1.x\" \"$1\"' sh",
            dir.path(),
            ("", "txt"),
        );
        assert_eq!(edited.unwrap(), "600");
    }
}
