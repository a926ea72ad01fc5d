//! The config as a person meets it: whole, wrong in every way at once, and without its secrets showing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use crate::clock::SystemClock;
use crate::domain::tunnel::Kind;
use crate::domain::window::Outside;

use super::{
    Colour, Config, META, Place, Register, SecretError, SecretSource, Source, load, parse, schema,
};

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str, pairs: &[(&str, &str)], private: bool) -> Result<Config, Vec<String>> {
    let env = env(pairs);
    let source = Source { text, path: Path::new("/etc/t/c.toml"), env: &env, private };
    parse(&source).map_err(|problems| {
        problems.iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect()
    })
}

#[test]
fn an_empty_config_is_whole() {
    let config = read("", &[], false).unwrap();
    assert!(config.accounts.is_empty() && config.warnings.is_empty());
    assert_eq!(config.base_url.as_str().trim_end_matches('/'), META);
    assert_eq!((config.sender.rate, config.sender.attempts), (None, 5));
    assert_eq!(config.sender.base_delay, Duration::from_secs(2));
    assert!(config.listener.address.is_loopback());
}

#[test]
fn the_example_holds_every_key_and_its_default() {
    let config = read(EXAMPLE, &[], false).unwrap();
    let default = read("", &[], false).unwrap();
    assert_eq!(config.listener, default.listener);
    assert_eq!(config.sender, default.sender);
    assert_eq!(config.marketing, default.marketing);
    assert_eq!(config.ui, default.ui);
    assert_eq!((config.log.level, config.log.days), (default.log.level, default.log.days));
    assert_eq!(config.base_url, default.base_url);
    assert_eq!(config.api_version, default.api_version);
    let mut section = String::new();
    let mut mentioned = Vec::new();
    for line in EXAMPLE.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = format!("{}.", header.trim_matches(['[', ']']));
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") {
            mentioned.push(format!("{section}{key}"));
        }
    }
    for key in schema() {
        assert!(mentioned.contains(&key), "config.example.toml does not explain {key}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = r#"
base_url = "http://example.com"
api_version = "25"
timezone = "Mars/Olympus"
[[account]]
nmae = "shop"
phone_number_id = "12a"
token = "keyrng:whatsapp"
[listener]
prot = 8787
port = 99999
path = "no slash"
enabled = "yes"
[sender]
rate = 0
base_delay = "soon"
timeout = "1h"
[ui]
colour = "tru"
[sendr]
[keys]
quit = 3
"#;
    let problems = read(text, &[("TWOTICKS_LISTENER_PROT", "1")], false).unwrap_err();
    let expected = [
        "line 2: base_url = \"http://example.com\": must be https: the token would travel in the clear",
        "line 3: api_version = \"25\": must look like \"v25.0\"",
        "line 4: timezone = \"Mars/Olympus\": must be a zone of the tz database, such as \"Europe/Berlin\"",
        "line 6: no such key: account.nmae; did you mean \"name\"?",
        "line 7: account.phone_number_id = \"12a\": must be Meta's id: digits only, in quotes",
        "line 8: account.token: unknown place \"keyrng\" for a secret; did you mean \"keyring\"?",
        "line 10: no such key: listener.prot; did you mean \"port\"?",
        "line 11: listener.port = 99999: must be a number from 0 to 65535",
        "line 12: listener.path = \"no slash\": must begin with a slash and hold letters, digits and - _ . ~ only",
        "line 13: listener.enabled = \"yes\": must be true or false",
        "line 15: sender.rate = 0: must be a number from 1 to 1000",
        "line 16: sender.base_delay = \"soon\": must be a span of time such as \"2s\", \"500ms\" or \"1m 30s\"",
        "line 17: sender.timeout = \"1h\": must be from 100ms to 600s",
        "line 19: ui.colour = \"tru\": must be one of auto, true, 16, none; did you mean \"true\"?",
        "line 20: no such key: sendr; did you mean \"sender\"?",
        "line 22: keys.quit: must be a key in quotes or a list of them, [] for none",
        "$TWOTICKS_LISTENER_PROT: no such setting; did you mean \"TWOTICKS_LISTENER_PORT\"?",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_variable_of_ones_own_stops_no_command() {
    let token = [("TWOTICKS_TOKEN", "EAAsecret")];
    let config = read("", &token, true).unwrap();
    assert_eq!(config.warnings, ["$TWOTICKS_TOKEN is no setting of twoticks and is not used"]);
    let text = "[[account]]\nphone_number_id = \"7\"\ntoken = \"env:TWOTICKS_TOKEN\"\n";
    assert_eq!(read(text, &token, true).unwrap().warnings, Vec::<String>::new());
    let other = read(&text.replace("TOKEN", "TOKENS"), &token, true).unwrap();
    assert_eq!(other.warnings.len(), 1, "only the name as it stands: {:?}", other.warnings);
}

#[test]
fn a_value_of_the_wrong_type_is_named_unless_it_may_be_a_secret() {
    let text = "[listener]\nport = \"x\"\nenabled = 1\npath = [\n  2]\n[sender]\nrate = 1.5\nbase_delay = 3\n\
                [[account]]\nphone_number_id = 7\ntoken = 12345\n";
    let problems = read(text, &[("TWOTICKS_LOG_DAYS", "abc")], true).unwrap_err();
    let expected = [
        "line 2: listener.port = \"x\": must be a number from 0 to 65535",
        "line 3: listener.enabled = 1: must be true or false",
        "line 4: listener.path = [...: must be text in quotes",
        "line 7: sender.rate = 1.5: must be a number from 1 to 1000",
        "line 8: sender.base_delay = 3: must be text in quotes",
        "line 10: account.phone_number_id = 7: must be text in quotes",
        "line 11: account.token: must be text in quotes",
        "$TWOTICKS_LOG_DAYS: log.days = \"abc\": must be a number from 1 to 365",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn several_syntax_errors_are_told_without_the_text_around_them() {
    let text = "token = EAAsecret\nrate == 3\n[ui\nbell = true\n";
    let problems = read(text, &[], true).unwrap_err();
    assert!(problems.len() >= 3, "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.contains("EAAsecret")), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.starts_with("line 2:")), "{problems:?}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "[listener]\nport = 1\n[[account]]\nphone_number_id = \"1\"\n";
    let pairs = [
        ("TWOTICKS_LISTENER_PORT", "2"),
        ("TWOTICKS_UI_BELL", "false"),
        ("TWOTICKS_UI_COLOUR", "none"),
        ("TWOTICKS_ACCOUNT_TOKEN", "env:T"),
        ("TWOTICKS_DATA_DIR", "x"),
        ("TWOTICKS_CONFIG", "/y"),
    ];
    let config = read(text, &pairs, false).unwrap();
    assert_eq!(config.listener.port, 2);
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("x")));
    let in_file = read("data_dir = \"x\"", &[], false).unwrap();
    assert_eq!(in_file.data_dir.as_deref(), Some(Path::new("/etc/t/x")));
    assert!(!config.ui.bell);
    assert_eq!(config.ui.colour, Colour::None);
    assert!(matches!(config.accounts[0].token, Some(SecretSource::Env(_))));
    let lone = read("", &[("TWOTICKS_ACCOUNT_PHONE_NUMBER_ID", "77")], false).unwrap();
    assert_eq!(lone.accounts[0].phone_number_id, "77");
}

#[test]
fn an_account_needs_its_number_id_and_a_name_of_its_own() {
    let text = "[[account]]\nname = \"a\"\n[[account]]\nname = \"a\"\nphone_number_id = \"2\"\n";
    let problems = read(text, &[], false).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("line 1: account.phone_number_id is missing"), "{problems:?}");
    assert_eq!(problems[1], "line 3: two accounts are called \"a\"");
}

#[test]
fn plain_http_is_for_loopback_alone() {
    for good in ["http://127.0.0.1:9", "http://[::1]:9/x", "http://localhost:1", "https://a.b/c/"] {
        assert!(read(&format!("base_url = {good:?}"), &[], false).is_ok(), "{good}");
    }
    for bad in
        ["http://127.0.0.1.evil.com", "ftp://127.0.0.1", "graph.facebook.com", "http://10.0.0.1"]
    {
        assert!(read(&format!("base_url = {bad:?}"), &[], false).is_err(), "{bad}");
    }
}

#[test]
fn a_literal_secret_needs_a_private_file_and_never_shows() {
    let text = "[[account]]\nphone_number_id = \"1\"\ntoken = \"EAAcanary\"\n";
    let problems = read(text, &[], false).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("chmod 600") && !problems[0].contains("canary"), "{problems:?}");
    let config = read(text, &[], true).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(!format!("{config:?}").contains("canary"));
    let token = config.accounts[0].token.as_ref().unwrap();
    assert_eq!(token.resolve(&env(&[]), &SystemClock::new()).unwrap().expose_secret(), "EAAcanary");
}

#[test]
fn a_secret_of_the_app_may_be_a_list_while_one_replaces_another() {
    let account = "[[account]]\nphone_number_id = \"1\"\n";
    let text =
        format!("{account}app_secret = [\"env:NEW\", \"env:OLD\"]\nverify_token = \"env:V\"");
    let account_of = |config: Config| config.accounts.into_iter().next().unwrap();
    let read_account = account_of(read(&text, &[], false).unwrap());
    let shown = format!("{:?} {:?}", read_account.app_secrets, read_account.verify_tokens);
    assert_eq!(shown, "[env:NEW, env:OLD] [env:V]");
    let from_env = [("TWOTICKS_ACCOUNT_APP_SECRET", "env:ONE")];
    let replaced = account_of(read(&text, &from_env, false).unwrap());
    assert_eq!(format!("{:?}", replaced.app_secrets), "[env:ONE]");
    let wrong = [
        ("app_secret = []", "line 3: account.app_secret is empty"),
        ("app_secret = [\"env:A\",\n\"\"]", "line 3: account.app_secret is empty"),
        ("app_secret = [1]", "line 3: account.app_secret: must be text in quotes, or a list"),
        ("verify_token = 7", "line 3: account.verify_token: must be text in quotes, or a list"),
        ("app_secret = [\"env:A\",\n\"keyring:-b\"]", "line 4: account.app_secret: "),
        ("token = [\"env:A\"]", "line 3: account.token: must be text in quotes"),
    ];
    for (line, told) in wrong {
        let problems = read(&format!("{account}{line}"), &[], false).unwrap_err();
        assert!(problems.len() == 1 && problems[0].starts_with(told), "{line}: {problems:?}");
    }
}

#[test]
fn an_account_whose_app_has_no_secret_is_warned_of_beside_others() {
    let with = |first: &str, second: &str| {
        let text = format!(
            "[[account]]\nname = \"one\"\nphone_number_id = \"1\"\n{first}\n\
             [[account]]\nname = \"two\"\nphone_number_id = \"2\"\n{second}"
        );
        read(&text, &[], false).unwrap().warnings
    };
    let secret = "app_secret = \"env:A\"\n";
    assert!(with("", "").is_empty(), "the listener says that one");
    assert!(with(&format!("{secret}app_id = \"7\""), "app_id = \"7\"").is_empty());
    assert!(with(secret, secret).is_empty());
    let warnings = with(&format!("{secret}app_id = \"7\""), "app_id = \"8\"");
    assert!(warnings.len() == 1 && warnings[0].starts_with("account \"two\" has no app_secret"));
}

#[test]
fn secrets_come_from_where_they_are_named() {
    let none = env(&[]);
    let from_env = SecretSource::Env("TWOTICKS_TEST_X".into());
    assert_eq!(
        from_env
            .resolve(&env(&[("TWOTICKS_TEST_X", " s \n")]), &SystemClock::new())
            .unwrap()
            .expose_secret(),
        "s"
    );
    assert!(matches!(from_env.resolve(&none, &SystemClock::new()), Err(SecretError::Unset(_))));
    let command = SecretSource::Command("printf 'one\\ntwo\\n'".into());
    assert_eq!(command.resolve(&none, &SystemClock::new()).unwrap().expose_secret(), "one");
    let broken = SecretSource::Command("echo canary; exit 3".into());
    let error = broken.resolve(&none, &SystemClock::new()).unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && !error.contains("canary"), "{error}");
    assert!(!format!("{broken:?}").contains("canary"));
}

#[cfg(unix)]
#[test]
fn a_secret_file_is_refused_when_others_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "canary\n").unwrap();
    let source = SecretSource::File(path.clone());
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = source.resolve(&env(&[]), &SystemClock::new()).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && !error.contains("canary"), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(source.resolve(&env(&[]), &SystemClock::new()).unwrap().expose_secret(), "canary");
}

#[cfg(unix)]
#[test]
fn a_folder_in_the_place_of_a_secret_is_not_to_be_made_unreadable() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let source = SecretSource::File(dir.path().to_owned());
    let error = source.resolve(&env(&[]), &SystemClock::new()).unwrap_err().to_string();
    assert!(!error.contains("chmod") && error.contains("directory"), "{error}");
}

#[test]
fn a_key_that_is_like_none_lists_those_there_are() {
    let problems = read("[ui]\nascii = true\n", &[], false).unwrap_err();
    assert!(problems[0].starts_with("line 2: no such key: ui.ascii; there are: "), "{problems:?}");
    assert!(problems[0].contains("glyphs") && problems[0].contains("borders"), "{problems:?}");
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let missing = Path::new("/nonexistent/config.toml");
    assert!(load(missing, false, &env(&[])).is_ok());
    let error = load(missing, true, &env(&[])).unwrap_err();
    assert!(error.message.contains("/nonexistent/config.toml"), "{error}");
    assert!(error.to_string().contains("check the name"), "{error}");
}

#[test]
fn places_sort_by_line() {
    let mut places = [Place::Env("A".into()), Place::Line(10), Place::Line(9)];
    places.sort();
    assert_eq!(places, [Place::Line(9), Place::Line(10), Place::Env("A".into())]);
}

#[test]
fn a_proxy_on_loopback_is_no_simulator_unless_it_is_said() {
    let proxy = "base_url = \"http://127.0.0.1:9\"\n";
    assert!(!read(proxy, &[], false).unwrap().simulator);
    assert!(read(&format!("{proxy}simulator = true\n"), &[], false).unwrap().simulator);
}

#[test]
fn uncertain_messages_are_asked_about_unless_the_config_lets_them_go_again() {
    let after = |text: &str| read(text, &[], false).map(|config| config.sender.resend_after);
    assert_eq!(after("").unwrap(), None);
    assert_eq!(after("[sender]\nuncertain = \"ask\"").unwrap(), None);
    for (text, seconds) in [("resend-after 10m", 600), ("resend-after 1h 30s", 3630)] {
        let found = after(&format!("[sender]\nuncertain = \"{text}\"")).unwrap();
        assert_eq!(found, Some(Duration::from_secs(seconds)));
    }
    for wrong in ["resend", "resend-after", "resend-after soon", "resend-after 1s", "never"] {
        let problems = after(&format!("[sender]\nuncertain = \"{wrong}\"")).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let told = format!("line 2: sender.uncertain = \"{wrong}\": must");
        assert!(problems[0].starts_with(&told), "{problems:?}");
    }
}

#[test]
fn a_tunnel_says_what_its_kind_lacks_and_takes_no_option_for_a_host() {
    let tunnel = |text: &str| read(&format!("[tunnel]\n{text}"), &[], false);
    let set = tunnel("kind = \"ssh\"\ndestination = \"me@a.example\"\nremote = \"127.0.0.1:90\"")
        .unwrap()
        .tunnel;
    assert_eq!((set.kind, set.register), (Kind::Ssh, Register::Ask));
    for (text, told) in [
        ("kind = \"shh\"", "did you mean \"ssh\"?"),
        ("kind = \"ssh\"", "needs tunnel.destination"),
        ("kind = \"command\"", "needs tunnel.command"),
        ("destination = \"-oProxyCommand=x\"", "must be a host"),
        ("remote = \"http\"", "must be a port"),
        ("public_url = \"http://a.example\"", "must be the https address"),
        ("public_url = \"https://a.example/?x=1\"", "must be the https address"),
        ("register = \"yes\"", "must be one of ask, never, number, waba, app"),
    ] {
        let problems = tunnel(text).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(told), "{text}: {problems:?}");
    }
}

#[test]
fn keywords_are_a_list_that_may_be_empty_and_none_means_both() {
    let words = |text: &str| read(text, &[], false).map(|config| config.marketing);
    let default = words("").unwrap();
    assert_eq!(default.meant("parar"), Some(true));
    assert_eq!(default.meant("start"), Some(false));
    let none = words("[marketing]\nopt_out_keywords = []").unwrap();
    assert_eq!((none.stop.len(), none.allow.len()), (0, 1));
    let own = words("[marketing]\nopt_out_keywords = [\" Sair da lista \"]").unwrap();
    assert_eq!(own.meant("SAIR DA LISTA"), Some(true));
    assert_eq!(own.meant("stop"), None);
    for (wrong, told) in [
        ("opt_out_keywords = \"STOP\"", "must be a list"),
        ("opt_out_keywords = [\"STOP\", 1]", "must be a list"),
        ("opt_out_keywords = [\"STOP\", \" \"]", "one of the texts is empty"),
        ("opt_in_keywords = [\"Stop\"]", "\"Stop\" is in both lists"),
    ] {
        let problems = words(&format!("[marketing]\n{wrong}")).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.starts_with("line 2: ") && problem.contains(told), "{problem}");
    }
}

#[test]
fn a_text_outside_the_window_is_refused_unless_the_config_sends_it() {
    let outside = |text: &str| read(text, &[], false).map(|config| config.sender.outside_window);
    assert_eq!(outside("").unwrap(), Outside::Refuse);
    assert_eq!(outside("[sender]\noutside_window = \"send\"").unwrap(), Outside::Send);
    let problems = outside("[sender]\noutside_window = \"always\"").unwrap_err();
    assert!(problems[0].contains("sender.outside_window = \"always\""), "{problems:?}");
}
