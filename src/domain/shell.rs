//! What is written down to be pasted into a shell.

/// One word of the shell, whatever is in it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The curl command that posts JSON. The headers are words of the shell already, so that one may name a
/// variable. The body goes as it is, also when it begins with an `@`, which would name a file.
#[must_use]
pub fn curl(url: &str, headers: &[String], body: &str) -> String {
    let mut words = vec![format!("curl -sS -X POST {}", quoted(url))];
    words.extend(headers.iter().map(|header| format!("-H {header}")));
    words.push("-H 'Content-Type: application/json'".to_owned());
    words.push(format!("--data-raw {}", quoted(body)));
    words.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use super::{curl, quoted};

    #[test]
    fn a_word_survives_the_shell_whatever_is_in_it() {
        assert_eq!(quoted("it's $HOME `now`"), r"'it'\''s $HOME `now`'");
    }

    #[test]
    fn a_body_that_begins_with_an_at_sign_named_a_file() {
        let command = curl("http://127.0.0.1:1/x", &["\"A: $T\"".to_owned()], "@/etc/passwd");
        assert_eq!(
            command,
            "curl -sS -X POST 'http://127.0.0.1:1/x' \\\n  -H \"A: $T\" \\\n  \
             -H 'Content-Type: application/json' \\\n  --data-raw '@/etc/passwd'"
        );
    }
}
