//! A Rust file as the rules see it: without comments and literals, and with its test code marked.

use std::path::Path;

/// One file.
pub struct Source {
    /// Relative to the crate, with `/`.
    pub path: String,
    /// As it is.
    pub raw: String,
    /// Comments and what literals hold are blanked; every byte that is left is where it was.
    pub code: String,
    /// Per line, whether it is test code.
    pub test: Vec<bool>,
}

impl Source {
    /// Reads `raw`.
    pub fn new(path: &str, raw: &str) -> Self {
        let code = blank(raw);
        let lines = raw.lines().count() + 1;
        let test = if is_test_path(path) { vec![true; lines] } else { test_lines(&code, lines) };
        Self { path: path.to_owned(), raw: raw.to_owned(), code, test }
    }

    /// Lines of code with their numbers, from 1; `test` picks test code or the rest.
    pub fn lines(&self, test: bool) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.lines().zip(&self.test).enumerate();
        lines
            .filter(move |(_, (_, is_test))| **is_test == test)
            .map(|(at, (line, _))| (at + 1, line))
    }

    /// Names of the modules that exist for tests only and have a file of their own.
    pub fn test_modules(&self) -> Vec<String> {
        let lines = self.lines(true).filter_map(|(_, line)| {
            line.trim().strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
        });
        lines.collect()
    }
}

/// All Rust files below `folders`, relative to `root`.
pub fn read_all(root: &Path, folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        walk(root, &root.join(folder), &mut sources);
    }
    let modules: Vec<String> = sources.iter().flat_map(test_only_files).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        if modules.iter().any(|module| stem == module || stem.starts_with(&format!("{module}/"))) {
            source.test.fill(true);
        }
    }
    sources
}

fn test_only_files(source: &Source) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    source.test_modules().into_iter().map(|name| format!("{folder}/{name}")).collect()
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            sources.push(Source::new(&name, &std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn is_test_path(path: &str) -> bool {
    let tests = ["tests", "tests.rs", "fixture", "fixture.rs"];
    path.starts_with("tests/") || path.split('/').any(|part| tests.contains(&part))
}

fn blank(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &raw[at..];
        let previous = raw[..at].bytes().next_back();
        let in_word = previous.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let (keep, end) = if rest.starts_with("//") {
            (0, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (0, block_comment(rest))
        } else if rest.starts_with('"') {
            (1, quoted(rest, '"'))
        } else if !in_word && let Some(length) = raw_string(rest) {
            (1, length)
        } else if rest.starts_with('\'') && is_char(rest) {
            (1, quoted(rest, '\''))
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        for byte in code[at + keep..at + end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at += end;
    }
    String::from_utf8(code).unwrap()
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The bytes of a literal from its first quote to behind its last.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').or_else(|| rest.strip_prefix('c')).unwrap_or(rest);
    let body = body.strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let text = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text.find(&end).map_or(text.len(), |found| found + end.len());
    Some(rest.len() - text.len() + length)
}

/// A character, not a lifetime.
fn is_char(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

/// Marks every item under `#[test]` or a `cfg` that wants tests.
fn test_lines(code: &str, lines: usize) -> Vec<bool> {
    let mut test = vec![false; lines];
    for (start, _) in code.match_indices("#[") {
        let attribute = &code[start..start + attribute_length(&code[start..])];
        let content: String = attribute.split_whitespace().collect();
        if content != "#[test]"
            && content != "#[cfg(test)]"
            && !content.starts_with("#[cfg(all(test")
        {
            continue;
        }
        let end = start + item_length(&code[start..]);
        let first = code[..start].matches('\n').count();
        let last = code[..end].matches('\n').count();
        test[first..=last].fill(true);
    }
    test
}

fn attribute_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, char) in code.char_indices() {
        match char {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The bytes of an item with the attributes in front of it.
fn item_length(code: &str) -> usize {
    let mut start = 0;
    loop {
        start += code[start..].len() - code[start..].trim_start().len();
        if !code[start..].starts_with("#[") {
            break;
        }
        start += attribute_length(&code[start..]);
    }
    let (mut braces, mut others) = (0, 0);
    for (at, char) in code[start..].char_indices() {
        match char {
            '{' => braces += 1,
            '}' => braces -= 1,
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            _ => {}
        }
        if braces == 0 && (char == '}' || char == ';' && others == 0) {
            return start + at + 1;
        }
    }
    code.len()
}

#[test]
fn comments_and_literals_are_blank() {
    let source = Source::new(
        "src/x.rs",
        "let a = \"x.unwrap()\"; // y.unwrap()\nlet b = r#\"z\"unwrap\"#; /* a /* b */ c */ d\n'\\'' 'ж' &'a str b\"q\"",
    );
    assert_eq!(
        source.code.split_whitespace().collect::<Vec<_>>().join(" "),
        "let a = \" ; let b = r ; d ' ' &'a str b\""
    );
    assert_eq!(source.code.len(), source.raw.len());
}

#[test]
fn test_items_are_test_code() {
    let source = Source::new(
        "src/x.rs",
        "fn a() {}\n#[cfg(test)]\n#[expect(x, reason = \"y\")]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n",
    );
    let plain: Vec<usize> = source.lines(false).map(|(line, _)| line).collect();
    assert_eq!(plain, [1, 7, 10]);
    assert_eq!(source.test_modules(), ["more"]);
    assert!(Source::new("src/x/tests.rs", "fn a() {}").test[0]);
    assert!(Source::new("tests/it/x.rs", "fn a() {}").test[0]);
}
