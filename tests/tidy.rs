//! The rules that no compiler holds: the layers, the size of files, and what has no place in the code.
//!
//! Each rule is a function from one file to its findings, `path:line: what and why`, and is itself tested
//! on a file that breaks it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "a test crate"
)]

mod tidy {
    pub mod paths;
    pub mod source;
}

use std::path::Path;
use std::sync::LazyLock;

use tidy::paths::paths;
use tidy::source::{Source, read_all};
use unicode_width::UnicodeWidthChar;

/// A layer, what of the crate it may name, and what else it must not.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    must_not_use: &'static [&'static str],
}

/// The map of ARCHITECTURE.md. `term`, `cli` and `lib.rs` stand above all and may name anything.
const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        may_use: &[],
        must_not_use: &[
            "crossterm",
            "getrandom",
            "hyper",
            "jiff",
            "ratatui",
            "reqwest",
            "rusqlite",
            "serde",
            "serde_json",
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::process",
            "std::thread",
            "tiny_http",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        name: "store",
        may_use: &["domain"],
        must_not_use: &["crossterm", "hyper", "ratatui", "reqwest", "tiny_http", "tokio"],
    },
    Layer {
        name: "api",
        may_use: &["domain"],
        must_not_use: &["crossterm", "ratatui", "rusqlite", "tiny_http"],
    },
    Layer {
        name: "app",
        may_use: &["domain"],
        must_not_use: &[
            "crossterm",
            "hyper",
            "ratatui",
            "reqwest",
            "rusqlite",
            "std::fs",
            "std::sync::mpsc",
            "std::thread",
            "tokio",
        ],
    },
    Layer {
        name: "ui",
        may_use: &["app", "domain"],
        must_not_use: &["crossterm", "hyper", "reqwest", "rusqlite", "tokio"],
    },
    Layer {
        name: "service",
        may_use: &["domain", "store", "api", "clock"],
        must_not_use: &["crossterm", "ratatui"],
    },
    Layer {
        name: "sim",
        may_use: &["domain::id", "domain::time", "clock"],
        must_not_use: &["crossterm", "hyper", "ratatui", "reqwest", "rusqlite"],
    },
    Layer { name: "clock", may_use: BASE, must_not_use: &[] },
    Layer { name: "config", may_use: BASE, must_not_use: &[] },
    Layer { name: "error", may_use: BASE, must_not_use: &[] },
    Layer { name: "logging", may_use: BASE, must_not_use: &[] },
    Layer { name: "paths", may_use: BASE, must_not_use: &[] },
];

/// What the files at the top may use: the domain, and each other.
const BASE: &[&str] = &["domain", "clock", "config", "error", "logging", "paths"];

/// The files that wait for a time by design, and for which. Everything else waits for an event.
const TIMERS: &[(&str, &str)] = &[
    ("benches/targets/flight.rs", "the time that a slow server takes"),
    ("benches/targets/peak.rs", "the next portion of webhooks, and the next look of a person"),
    ("benches/targets/stall.rs", "the next group of webhooks"),
    ("src/service/bell.rs", "a flood of rings, each of which is a look"),
    ("src/service/catalogue.rs", "the next time that the templates are fetched"),
    ("src/service/forward.rs", "the next try to pass a webhook on"),
    ("src/service/listener.rs", "the next try to bind the port"),
    (
        "src/service/listener/http.rs",
        "the deadline of a connection; a pause when none can be accepted",
    ),
    ("src/service/listener/ledger.rs", "more notes to write together"),
    ("src/service/listener/probe.rs", "the next request to itself"),
    ("src/service/office.rs", "the next try to learn the accounts when the store fails"),
    (
        "src/service/sender.rs",
        "the next try to begin when the store fails; the next look for files that can go",
    ),
    ("src/service/tunnel.rs", "the next start of the tool, and the next look whether it works"),
    ("src/service/sender/drive.rs", "the time at which the next job is due"),
];

/// Lines of code that a file may have, without its tests, comments and blank lines.
const MAX_CODE_LINES: usize = 500;

fn layer_of(path: &str) -> Option<&'static Layer> {
    let name = path.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Whether `path` is `prefix` or below it.
fn is_below(path: &[String], prefix: &str) -> bool {
    let mut parts = path.iter();
    prefix.split("::").all(|part| parts.next().is_some_and(|name| name == part))
}

fn layers(source: &Source) -> Vec<String> {
    let Some(layer) = layer_of(&source.path) else { return Vec::new() };
    let mut findings = Vec::new();
    for (line, path) in paths(source) {
        let allowed = match path.split_first() {
            Some((first, inner)) if first == "crate" => {
                is_below(inner, layer.name) || layer.may_use.iter().any(|may| is_below(inner, may))
            }
            _ => !layer.must_not_use.iter().any(|not| is_below(&path, not)),
        };
        // The composer is a text area that people know.
        let textarea = layer.name == "app" && is_below(&path, "ratatui_textarea");
        if !allowed || textarea && !source.path.starts_with("src/app/composer") {
            findings.push(format!(
                "{}:{line}: {} may not use {}; of this crate it may use {:?}",
                source.path,
                layer.name,
                path.join("::"),
                layer.may_use
            ));
        }
    }
    findings
}

fn size(source: &Source) -> Vec<String> {
    let lines = source.lines(false).filter(|(_, line)| !line.trim().is_empty()).count();
    if lines <= MAX_CODE_LINES {
        return Vec::new();
    }
    vec![format!(
        "{}:1: {lines} lines of code; split it, {MAX_CODE_LINES} are allowed",
        source.path
    )]
}

/// Findings for every line of code that has one of `words`, in tests or outside them.
fn banned(source: &Source, test: bool, words: &[&str], why: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in source.lines(test) {
        for word in words {
            let found = line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let inside = word.starts_with(char::is_alphabetic)
                    && before.is_some_and(|char| char.is_alphanumeric() || char == '_');
                !inside
            });
            if found {
                findings.push(format!("{}:{number}: `{word}`: {why}", source.path));
            }
        }
    }
    findings
}

fn clocks(source: &Source) -> Vec<String> {
    if source.path == "src/clock.rs" || !source.path.starts_with("src/") {
        return Vec::new();
    }
    let words = ["SystemTime::now", "Instant::now"];
    let why = "only src/clock.rs reads the clock; take a domain::time::Clock or a time";
    [banned(source, false, &words, why), banned(source, true, &words, why)].concat()
}

fn sleeps(source: &Source) -> Vec<String> {
    let mut findings =
        banned(source, true, &["sleep("], "a test waits for what it needs, not for a time");
    if !TIMERS.iter().any(|(path, _)| *path == source.path) {
        let why = "wait for an event; a timer by design is listed in tests/tidy.rs";
        findings.extend(banned(source, false, &["sleep("], why));
    }
    findings
}

fn prints(source: &Source) -> Vec<String> {
    if source.path.starts_with("src/cli/") || !source.path.starts_with("src/") {
        return Vec::new();
    }
    let mut findings =
        banned(source, false, &["println!", "print!", "dbg!"], "only the command line prints");
    if !source.path.starts_with("src/term/") {
        let why = "only the command line and the terminal's owner talk on stderr";
        findings.extend(banned(source, false, &["eprintln!", "eprint!"], why));
    }
    findings
}

fn panics(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let mut findings = banned(source, false, &[".unwrap()"], "handle it, or make it impossible");
    for (number, line) in source.lines(false).filter(|(_, line)| line.contains(".expect(")) {
        let before = source.code.lines().take(number).skip(number.saturating_sub(4));
        if !before.into_iter().any(|line| line.contains("clippy::expect_used")) {
            let what = line.trim();
            let why = "handle it, or give the reason in #[expect(clippy::expect_used, reason)]";
            findings.push(format!("{}:{number}: `{what}`: {why}", source.path));
        }
    }
    findings
}

fn leftovers(source: &Source) -> Vec<String> {
    // Put together, or this file would be a finding itself.
    let words = [["FIX", "ME"], ["XX", "X"], ["TO", "DO"], ["to", "do!"], ["unimpl", "emented!"]]
        .map(|word| word.concat());
    let mut findings = Vec::new();
    for (number, line) in source.raw.lines().enumerate() {
        let mut parts = line.split(|char: char| !(char.is_alphanumeric() || "_!".contains(char)));
        if let Some(word) = parts.find(|part| words.iter().any(|word| word == part)) {
            let number = number + 1;
            findings.push(format!("{}:{number}: `{word}`: finish it or leave it out", source.path));
        }
    }
    findings
}

fn beginnings(source: &Source) -> Vec<String> {
    // A file of tests says it by its name.
    if source.raw.starts_with("//!") || source.test.iter().all(|test| *test) {
        return Vec::new();
    }
    vec![format!(
        "{}:1: begin with `//!`: what it is for, and what does not belong here",
        source.path
    )]
}

/// Every character of the screen's own glyphs takes one column, everywhere.
fn glyphs(source: &Source) -> Vec<String> {
    if source.path != "src/ui/glyph.rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for ((number, line), test) in source.raw.lines().enumerate().zip(&source.test) {
        let number = number + 1;
        let written = line.split("//").next().unwrap_or_default();
        for char in written.chars().filter(|char| !char.is_ascii() && !test) {
            // Lines, blocks and shapes are ambiguous on paper; terminals draw them in one column.
            let drawn = matches!(char, '\u{2500}'..='\u{25ff}');
            let wide = char.width() != Some(1) || char.width_cjk() != Some(1) && !drawn;
            if wide {
                let code = u32::from(char);
                let name = format!("U+{code:04X} `{char}`");
                findings.push(format!(
                    "{}:{number}: {name} is not one column wide everywhere",
                    source.path
                ));
            }
        }
    }
    findings
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let sources = read_all(Path::new(env!("CARGO_MANIFEST_DIR")), &["src", "tests", "benches"]);
    assert!(sources.len() > 30, "the sources were not found");
    sources
});

fn hold(rule: fn(&Source) -> Vec<String>) {
    let findings: Vec<String> = SOURCES.iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// That `rule` finds what is wrong on exactly these lines of `raw`.
fn finds(rule: fn(&Source) -> Vec<String>, path: &str, raw: &str, lines: &[usize]) {
    let findings = rule(&Source::new(path, raw));
    let found: Vec<usize> = findings
        .iter()
        .map(|finding| finding.split(':').nth(1).unwrap().parse().unwrap())
        .collect();
    assert_eq!(found, lines, "{findings:#?}");
}

#[test]
fn layers_are_one_way() {
    hold(layers);
}

#[test]
fn layers_are_checked() {
    let ui = "use crate::app::Model;\nuse crate::{domain::id, store::Store};\nuse super::super::service;\nfn f() { crate::api::send(); }\nuse super::theme;\n";
    finds(layers, "src/ui/chat.rs", ui, &[2, 3, 4]);
    finds(layers, "src/ui/chat/rows.rs", "use super::super::super::store::x;\n", &[1]);
    finds(layers, "src/ui/mod.rs", "use super::store::x;\nuse super::app::y;\n", &[1]);
    let domain = "use std::{fmt, fs};\nuse tokio::sync;\nlet x = serde_json::json!(1);\nuse std::time::Duration;\n";
    finds(layers, "src/domain/x.rs", domain, &[1, 2, 3]);
    let sim = "use crate::domain::id::WaId;\nuse crate::domain::{time::Clock, outbox};\nuse crate::api::x;\n";
    finds(layers, "src/sim/world.rs", sim, &[2, 3]);
    finds(layers, "src/paths.rs", "use crate::error::E;\nuse crate::store::S;\n", &[2]);
    finds(layers, "src/app/list.rs", "use ratatui_textarea::TextArea;\n", &[1]);
    finds(layers, "src/app/composer.rs", "use ratatui_textarea::TextArea;\n", &[]);
    finds(layers, "src/term/run.rs", "use crate::store::x;\nuse crate::ui::y;\n", &[]);
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::sim::x;\n}\n";
    finds(layers, "src/service/sender.rs", tests, &[]);
}

#[test]
fn files_are_short() {
    hold(size);
}

#[test]
fn size_is_checked() {
    let long = "let x = 1;\n// a comment\n\n".repeat(501);
    finds(size, "src/x.rs", &long, &[1]);
    finds(size, "src/x.rs", &long["let x = 1;\n".len()..], &[]);
    finds(size, "src/x/tests.rs", &long, &[]);
}

#[test]
fn only_the_clock_reads_the_time() {
    hold(clocks);
}

#[test]
fn clocks_are_checked() {
    let raw = "let a = std::time::Instant::now();\n// Instant::now\n#[test]\nfn f() { SystemTime::now(); }\n";
    finds(clocks, "src/store/x.rs", raw, &[1, 4]);
    finds(clocks, "src/clock.rs", raw, &[]);
}

#[test]
fn nothing_sleeps() {
    hold(sleeps);
}

#[test]
fn every_listed_timer_is_one() {
    for (path, _) in TIMERS {
        let source = SOURCES.iter().find(|source| source.path == *path).expect(path);
        assert!(!banned(source, false, &["sleep("], "").is_empty(), "{path} waits for no time");
    }
}

#[test]
fn sleeps_are_checked() {
    let raw = "thread::sleep(x);\nfn oversleep() {}\n#[cfg(test)]\nmod tests { tokio::time::sleep(x).await }\n";
    finds(sleeps, "src/store/x.rs", raw, &[4, 1]);
    finds(sleeps, "src/service/sender/drive.rs", raw, &[4]);
    finds(sleeps, "tests/it/x.rs", "sleep(1);\nlet t = \"sleep(\";\n", &[1]);
}

#[test]
fn only_the_command_line_prints() {
    hold(prints);
}

#[test]
fn prints_are_checked() {
    let raw = "println!(x);\neprintln!(x);\ndbg!(x);\n";
    finds(prints, "src/store/x.rs", raw, &[1, 3, 2]);
    finds(prints, "src/term/panic.rs", raw, &[1, 3]);
    finds(prints, "src/cli/x.rs", raw, &[]);
}

#[test]
fn nothing_panics_on_purpose() {
    hold(panics);
}

#[test]
fn panics_are_checked() {
    let raw = "a.unwrap();\nb.expect(\"x\");\n\n\n\n#[expect(clippy::expect_used, reason = \"x\")]\nc.expect(\"y\");\nd.unwrap_or(1);\n#[test]\nfn t() { e.unwrap(); }\n";
    finds(panics, "src/store/x.rs", raw, &[1, 2]);
}

#[test]
fn nothing_is_left_for_later() {
    hold(leftovers);
}

#[test]
fn leftovers_are_checked() {
    let raw = ["// FIX", "ME: x\nfn a() { to", "do!() }\nlet xxx = \"\\u{XXXX}\";\n// XX", "X\n"]
        .concat();
    finds(leftovers, "src/x.rs", &raw, &[1, 2, 4]);
}

#[test]
fn every_file_says_what_it_is() {
    hold(beginnings);
}

#[test]
fn beginnings_are_checked() {
    finds(beginnings, "src/x.rs", "use a::b;\n", &[1]);
    finds(beginnings, "src/x.rs", "//! What it is.\n", &[]);
    finds(beginnings, "src/x/tests.rs", "use a::b;\n", &[]);
}

#[test]
fn glyphs_take_one_column() {
    hold(glyphs);
}

#[test]
fn glyphs_are_checked() {
    let raw = "// ✔\u{fe0f}\n\"✓\"\n\"✔\u{fe0f}\"\n\"─█\"\n\"中\"\n\"①\"\n#[cfg(test)]\nmod t { \"中\" }\n";
    finds(glyphs, "src/ui/glyph.rs", raw, &[3, 5, 6]);
}
