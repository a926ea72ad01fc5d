//! Names for files that somebody else named.

use unicode_segmentation::UnicodeSegmentation;

use super::safe::display_safe;

/// The longest name given, in bytes; leaves room for an id of ours in front on every file system.
const MAX_BYTES: usize = 120;

/// The longest extension that is kept when a name is cut, in bytes with its dot.
const MAX_EXTENSION_BYTES: usize = 20;

/// Makes a file name out of what the other side calls its file: the last part of a path, visible, not
/// hidden, no device of Windows, at most 120 bytes with its extension kept. Never empty, idempotent.
/// Names are not unique: put an id in front.
#[must_use]
pub fn file_name_safe(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = display_safe(base)
        .chars()
        .map(|char| match char {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | char::REPLACEMENT_CHARACTER => '_',
            _ => char,
        })
        .collect();
    let name = settled(visible);
    if name.is_empty() {
        return "file".to_owned();
    }
    if is_device(&name) {
        return shorten(&format!("_{name}"));
    }
    bare(&shorten(&name)).to_owned()
}

/// Bare at both ends: a combining mark whose base was taken off has nothing to stand on, and goes as well.
fn settled(mut name: String) -> String {
    loop {
        let next = display_safe(bare(&name)).into_owned();
        if next == name {
            return name;
        }
        name = next;
    }
}

/// Without what hides a name in front, and what Windows drops at its end.
fn bare(name: &str) -> &str {
    name.trim_start_matches(|char: char| char == '.' || char.is_whitespace())
        .trim_end_matches(|char: char| char == '.' || char.is_whitespace())
}

fn shorten(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.').and_then(|dot| name.split_at_checked(dot)) {
        Some((stem, extension)) if extension.len() <= MAX_EXTENSION_BYTES => (stem, extension),
        _ => (name, ""),
    };
    let mut short = String::with_capacity(MAX_BYTES);
    for grapheme in stem.graphemes(true) {
        if short.len() + grapheme.len() + extension.len() > MAX_BYTES {
            break;
        }
        short.push_str(grapheme);
    }
    short.push_str(extension);
    short
}

/// Whether Windows takes the name for a device, whatever its extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).is_some_and(|port| {
        matches!(port, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_BYTES, file_name_safe};

    #[test]
    fn hostile_names_become_plain_ones() {
        let cases = [
            ("report.pdf", "report.pdf"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("C:\\Windows\\System32\\evil.dll", "evil.dll"),
            ("/etc/passwd", "passwd"),
            ("..", "file"),
            ("", "file"),
            ("dir/", "file"),
            ("...", "file"),
            (".bashrc", "bashrc"),
            (" . .bashrc. ", "bashrc"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\u{1b}]52;c;aGk=\u{7}.png", "a_]52;c;aGk=_.png"),
            ("line\nbreak.txt", "line break.txt"),
            ("nul\0byte", "nul_byte"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com¹.log", "_com¹.log"),
            ("lpt9 .txt", "_lpt9 .txt"),
            ("console.txt", "console.txt"),
            ("com10", "com10"),
            ("a:stream", "a_stream"),
            ("zero\u{200b}width\u{feff}.txt", "zerowidth.txt"),
            ("фото 📷.jpg", "фото 📷.jpg"),
            (" \u{a66f}", "file"),
            (" \u{a66f}.\u{a66f}x", "x"),
        ];
        for (name, safe) in cases {
            assert_eq!(file_name_safe(name), safe, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = format!("{}.tar.gz", "ж".repeat(200));
        let safe = file_name_safe(&long);
        assert!(safe.len() <= MAX_BYTES && safe.ends_with("жж.gz"), "{safe}");
        let no_extension = format!("a.{}", "b".repeat(200));
        assert_eq!(file_name_safe(&no_extension).len(), MAX_BYTES);
    }

    proptest! {
        #[test]
        fn names_stay_inside_their_directory(name in "(?s)([./\\\\ ]|nul|com1|.){0,90}") {
            let safe = file_name_safe(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= MAX_BYTES);
            prop_assert!(!safe.starts_with(['.', ' ']) && !safe.ends_with(['.', ' ']));
            prop_assert!(!safe.contains(['/', '\\', ':', '\0']));
            prop_assert!(!safe.contains(char::is_control));
            prop_assert_eq!(file_name_safe(&safe), safe);
        }
    }
}
