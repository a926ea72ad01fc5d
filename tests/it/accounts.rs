//! What Meta says of an account, from the shell: asked, kept, and told with what it was before.

use std::path::Path;

use serde_json::Value;

use crate::cli::{Running, twoticks};

/// Runs a command that has to go well, and reads its JSON.
fn objects(home: &Path, args: &[&str]) -> Vec<Value> {
    let output = twoticks(home, args).output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{args:?}\n{out}\n{err}");
    out.lines()
        .filter(|line| line.starts_with('{'))
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn value<'a>(facts: &'a [Value], kind: &str) -> &'a Value {
    &facts.iter().find(|fact| fact["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))["value"]
}

#[test]
fn what_meta_says_of_an_account_is_fetched_and_kept_with_its_history() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let sim = Running::start(home.path(), &["sim", "--write-config", config]);
    assert!(sim.first_line().contains("http://"), "{}", sim.first_line());
    let with = |args: &[&str]| {
        let mut all = vec!["--config", config];
        all.extend(args);
        objects(home.path(), &all)
    };
    with(&["accounts", "fetch"]);
    let facts = with(&["accounts", "show", "--json"]);
    assert_eq!(value(&facts, "quality"), "GREEN");
    assert_eq!(value(&facts, "status"), "CONNECTED");
    assert_eq!(value(&facts, "messaging_limit"), "TIER_2K");
    assert_eq!(value(&facts, "throughput"), "STANDARD");
    assert_eq!(with(&["accounts", "list", "--json"])[0]["concerns"], serde_json::json!([]));

    with(&["sim", "number", "--quality", "RED"]);
    with(&["accounts", "fetch"]);
    with(&["accounts", "fetch"]);
    let facts = with(&["accounts", "show", "--json"]);
    assert_eq!(value(&facts, "quality"), "RED");
    let history = with(&["accounts", "show", "--history", "--json"]);
    let of = |kind: &str| -> Vec<&Value> {
        history.iter().filter(|fact| fact["kind"] == kind).map(|fact| &fact["value"]).collect()
    };
    assert_eq!(of("quality"), ["RED", "GREEN"], "what was said again is no news");
    assert_eq!(of("messaging_limit"), ["TIER_2K"]);
    let account = &with(&["accounts", "list", "--json"])[0];
    assert_eq!(account["concerns"][0]["kind"], "quality");
    assert_eq!(account["concerns"][0]["grave"], true);
    assert!(account["asked_at"].is_string());
}

#[test]
fn a_number_that_meta_does_not_know_leaves_what_is_known_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let path = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", path]);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("106540352242922", "999")).unwrap();
    let output = twoticks(home.path(), &["--config", path, "accounts", "fetch"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Meta does not say") && said.contains("doctor"), "{said}");
}

#[test]
fn the_profile_is_shown_and_changed_and_what_meta_would_refuse_never_leaves() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let _sim = Running::start(home.path(), &["sim", "--write-config", config]);
    let run = |args: &[&str]| {
        let mut all = vec!["--config", config, "accounts"];
        all.extend(args);
        let output = twoticks(home.path(), &all).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), err)
    };
    let picture = home.path().join("shop.png");
    std::fs::write(&picture, b"\x89PNG\r\n and more").unwrap();
    let (code, _, said) = run(&[
        "edit",
        "--about",
        "Open all day",
        "--email",
        "shop@example.com",
        "--website",
        "https://a.example",
        "--website",
        "https://b.example",
        "--vertical",
        "retail",
        "--picture",
        picture.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{said}");
    let shown = |out: &str| -> Value { serde_json::from_str(out.trim()).unwrap() };
    let profile = shown(&run(&["profile", "--json"]).1);
    assert_eq!(profile["about"], "Open all day");
    assert_eq!(profile["vertical"], "RETAIL");
    assert_eq!(profile["websites"], serde_json::json!(["https://a.example", "https://b.example"]));
    assert!(profile["picture_url"].as_str().unwrap().starts_with("https://"), "{profile}");

    let (code, _, said) = run(&["edit", "--about", "", "--email", "nobody", "--vertical", "SHOP"]);
    assert_eq!(code, Some(2));
    for words in ["about cannot be empty", "\"nobody\"", "RETAIL", "nothing was changed"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let text = home.path().join("shop.txt");
    std::fs::write(&text, "no picture").unwrap();
    let (code, _, said) = run(&["edit", "--picture", text.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(said.contains("shop.txt") && said.contains("JPEG"), "{said}");
    assert_eq!(shown(&run(&["profile", "--json"]).1), profile, "nothing was changed");
}
