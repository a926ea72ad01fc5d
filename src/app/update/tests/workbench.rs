use crate::app::fixture::{Stage, World, now, world};
use crate::app::msg::{Command, Done, Effect, Finished, Msg};
use crate::app::workbench::{Tab, Told};
use crate::app::{Overlay, pages};
use crate::domain::account::{Fact, FactKind, Saying};
use crate::domain::change::Changes;
use crate::domain::checkup::{Finding, Verdict};
use crate::domain::health::{Condition, Health};
use crate::domain::profile::{Part, Profile};
use crate::domain::tunnel::{Kind, Registration, Say, TunnelHealth};

fn said(stage: &Stage) -> &str {
    stage.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

/// Everything on the page.
fn page(stage: &Stage) -> String {
    let line = |line: &pages::Line| {
        line.0.iter().map(|(_, words)| words.as_str()).collect::<String>() + "\n"
    };
    pages::lines(&stage.model).iter().map(line).collect()
}

fn finish(stage: &mut Stage, done: Result<Done, String>) {
    let effects = std::mem::take(&mut stage.effects);
    let id = effects.iter().rev().find_map(|effect| match effect {
        Effect::Do(id, _) => Some(*id),
        _ => None,
    });
    stage.tell(Msg::Finished(Finished { id: id.unwrap(), result: done }));
}

fn profile() -> Profile {
    let mut profile = Profile::default();
    profile.texts[0] = "Open all day".to_owned();
    profile
}

#[test]
fn what_meta_says_of_the_account_is_shown_with_its_history_and_asked_for_by_key() {
    let fact = |value: &str, minutes: i64, told| {
        let at = crate::app::fixture::minutes_ago(minutes);
        Fact { saying: Saying::new(FactKind::Quality, value), at, last_at: at, told }
    };
    let account = Told {
        facts: vec![fact("RED", 3, true)],
        history: vec![fact("RED", 3, true), fact("GREEN", 90, false)],
        asked_at: Some(now()),
    };
    let mut stage = Stage::new(World { account, ..world() }, (100, 40));
    stage.keys("A");
    let shown = page(&stage);
    for words in ["[Account]", "Quality is RED", "people block", "told by a webhook", "GREEN"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    stage.keys("r");
    assert!(matches!(stage.commands()[..], [Command::AskAccount(_)]));
    assert!(page(&stage).contains("Meta is being asked"));
    stage.keys("r");
    assert!(stage.commands().is_empty(), "it is being asked already");
}

#[test]
fn news_of_the_account_are_read_again_while_they_are_looked_at() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("A");
    stage.model.workbench.told = None;
    stage.tell(Msg::Changed(Changes { accounts: true, ..Changes::default() }));
    assert!(stage.model.workbench.told.is_some());
}

#[test]
fn a_line_of_the_profile_is_changed_and_what_meta_would_refuse_stays_typed() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("A<Tab>");
    finish(&mut stage, Ok(Done::Profile(Box::new(profile()))));
    assert!(page(&stage).contains("Open all day"), "{}", page(&stage));
    stage.keys("jjje<Ctrl-U>nobody<Enter>");
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!("no question") };
    assert!(prompt.error.as_deref().unwrap().contains("no e-mail address"));
    // Help does not lose what is typed.
    stage.keys("<F1><Esc>");
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!("no question") };
    assert_eq!(prompt.editor.text(), "nobody");
    stage.keys("@example.com<Enter>");
    let commands = stage.commands();
    let [.., Command::SetProfile(_, change)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(change.texts, [(Part::Email, "nobody@example.com".to_owned())]);
    assert!(
        matches!(&stage.model.overlay, Some(Overlay::Prompt(prompt)) if prompt.busy),
        "it waits for Meta"
    );
}

#[test]
fn what_was_typed_for_the_profile_stays_until_meta_takes_it() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("A<Tab>");
    finish(&mut stage, Ok(Done::Profile(Box::new(profile()))));
    stage.keys("e<Ctrl-U>Open at night<Enter>");
    finish(&mut stage, Err("Meta cannot be reached".to_owned()));
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert_eq!(prompt.editor.text(), "Open at night");
    assert_eq!(prompt.error.as_deref(), Some("Meta cannot be reached"));
    stage.keys("<Enter>");
    finish(
        &mut stage,
        Ok(Done::Said("It is changed; how it stands now cannot be read".to_owned())),
    );
    assert!(matches!(stage.model.overlay, Some(Overlay::Workbench)));
    assert!(said(&stage).contains("It is changed"), "{}", said(&stage));
}

#[test]
fn a_refusal_of_meta_is_told_and_leaves_what_is_shown() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("A<Tab>");
    finish(&mut stage, Ok(Done::Profile(Box::new(profile()))));
    stage.keys("e<Enter>");
    finish(&mut stage, Err("Param about (code 100)".to_owned()));
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert_eq!(prompt.error.as_deref(), Some("Param about (code 100)"));
    stage.keys("<Esc>");
    assert!(page(&stage).contains("Open all day"), "{}", page(&stage));
}

#[test]
fn the_set_up_is_looked_at_once_shown_with_its_remedies_and_copied() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("D");
    assert!(matches!(stage.effects.last(), Some(Effect::Examine)), "{:?}", stage.effects);
    stage.effects.clear();
    stage.keys("r");
    assert!(stage.effects.is_empty(), "one look at a time");
    stage.tell(Msg::Examined(vec![Finding {
        check: "token",
        account: Some("shop".to_owned()),
        verdict: Verdict::Wrong,
        says: "it has \u{1b}expired".to_owned(),
        remedy: Some("make a new one".to_owned()),
    }]));
    let shown = page(&stage);
    for words in ["1 thing is wrong", "WRONG token", "shop: it has", "make a new one"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'));
    stage.keys("y");
    let Some(Effect::Copy(words)) = stage.effects.last() else { panic!("{:?}", stage.effects) };
    assert!(words.contains("WRONG  shop: it has") && !words.contains('\u{1b}'), "{words}");
    stage.keys("<Esc>D");
    assert!(!matches!(stage.effects.last(), Some(Effect::Examine)), "what is known is shown");
    stage.keys("r");
    assert!(matches!(stage.effects.last(), Some(Effect::Examine)));
}

#[test]
fn a_tunnel_is_started_and_stopped_by_key_and_what_is_missing_for_it_is_told() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("T");
    assert!(page(&stage).contains("Nothing brings webhooks here."), "{}", page(&stage));
    stage.keys("j<Enter>");
    assert_eq!(stage.commands(), [Command::Tunnel(Kind::Cloudflared)]);
    stage.keys("k<Enter>");
    finish(&mut stage, Err("cloudflared is not installed".to_owned()));
    assert_eq!(said(&stage), "cloudflared is not installed");
}

#[test]
fn the_question_about_the_new_address_is_answered_by_a_key() {
    for (key, say, idle) in
        [("m", Say::Here, "No tunnel works"), ("x", Say::Stay, "Nothing is asked")]
    {
        let mut stage = Stage::new(world(), (80, 24));
        stage.keys("T");
        stage.keys(key);
        assert!(stage.commands().is_empty() && said(&stage).contains(idle), "{}", said(&stage));
        let old = Some("https://old.example/webhook".to_owned());
        let tunnel = TunnelHealth {
            kind: Some("ssh"),
            url: Some("https://new.example/webhook".to_owned()),
            registration: Registration::Asks { old },
            ..TunnelHealth::default()
        };
        stage.tell(Msg::Health(Box::new(Health { tunnel, ..Health::default() })));
        let shown = page(&stage);
        assert!(shown.contains("https://old.example") && shown.contains("https://new.example"));
        stage.keys(key);
        let commands = stage.commands();
        let [Command::Post(_, said)] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!(*said, say);
    }
}

/// `m`, `x` and `p` changed where Meta posts from whatever was shown, and `T` did nothing here.
#[test]
fn where_meta_posts_is_decided_on_the_tunnels_tab_alone() {
    let mut stage = Stage::new(world(), (80, 24));
    let tunnel = TunnelHealth {
        kind: Some("ssh"),
        url: Some("https://new.example/webhook".to_owned()),
        registration: Registration::Asks { old: None },
        ..TunnelHealth::default()
    };
    stage.tell(Msg::Health(Box::new(Health { tunnel, ..Health::default() })));
    for (tab, key) in [("A", "m"), ("D", "x"), ("D", "p"), ("A<Tab>", "m")] {
        stage.keys(tab);
        stage.commands();
        stage.keys(key);
        assert!(stage.commands().is_empty() && said(&stage).contains("T shows it"), "{tab}{key}");
        stage.keys("T");
        assert_eq!(stage.model.workbench.tab, Tab::Tunnel, "{tab}");
    }
    stage.keys("m");
    assert!(matches!(stage.commands()[..], [Command::Post(_, Say::Here)]));
    stage.keys("D");
    assert_eq!(stage.model.workbench.tab, Tab::Doctor);
    stage.keys("A?");
    assert!(page(&stage).contains("On the workbench"), "{}", page(&stage));
}

#[test]
fn the_address_from_before_is_shown_and_put_back_by_a_key() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("T");
    let mut stands = |before: Option<&str>| {
        let tunnel = TunnelHealth {
            kind: Some("ssh"),
            url: Some("https://new.example/webhook".to_owned()),
            registration: Registration::Registered { before: before.map(str::to_owned) },
            ..TunnelHealth::default()
        };
        stage.tell(Msg::Health(Box::new(Health { tunnel, ..Health::default() })));
        stage.keys("p");
        (page(&stage), stage.commands(), said(&stage).to_owned())
    };
    let (shown, commands, words) = stands(None);
    assert!(commands.is_empty() && words.contains("nothing to put back"), "{words}");
    assert!(shown.contains("Meta posts there") && !shown.contains("before"));
    let (shown, commands, _) = stands(Some("https://old.example/webhook"));
    assert!(shown.contains("https://old.example/webhook"), "{shown}");
    assert!(matches!(commands.as_slice(), [Command::Post(_, Say::Back)]), "{commands:?}");
}

/// It said that the tunnel starts, and then for ever that it is down.
#[test]
fn no_tunnel_is_started_while_nothing_listens() {
    let mut stage = Stage::new(world(), (80, 24));
    let health = Health { listener: Condition::Off, ..Health::default() };
    stage.tell(Msg::Health(Box::new(health)));
    stage.keys("Tj<Enter>");
    assert!(stage.commands().is_empty());
    assert!(said(&stage).contains("listener.enabled") && page(&stage).contains("listener.enabled"));
}

#[test]
fn a_picture_that_is_refused_leaves_its_path_to_be_mended() {
    let mut stage = Stage::new(world(), (100, 30));
    stage.keys("A<Tab>");
    finish(&mut stage, Ok(Done::Profile(Box::new(profile()))));
    stage.keys("jjjjjje");
    stage.keys("<Enter>");
    assert!(stage.commands().is_empty(), "nothing was typed");
    stage.keys("~/pic.gif<Enter><Enter>");
    let asked = stage.effects.iter().filter(|effect| matches!(effect, Effect::Do(..))).count();
    assert_eq!(asked, 1, "while it is uploaded, Enter does nothing");
    let typed = |stage: &Stage| match &stage.model.overlay {
        Some(Overlay::Prompt(prompt)) => (prompt.editor.text(), prompt.error.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(typed(&stage), ("~/pic.gif".to_owned(), None));
    finish(&mut stage, Err("it is neither a JPEG nor a PNG".to_owned()));
    let (path, error) = typed(&stage);
    assert!(path == "~/pic.gif" && error.unwrap().contains("JPEG"));
    stage.keys("<Enter>");
    finish(&mut stage, Ok(Done::Profile(Box::new(profile()))));
    assert!(matches!(stage.model.overlay, Some(Overlay::Workbench)));
    assert!(said(&stage).contains("new picture"));
}

#[test]
fn tabs_go_round_and_escape_closes() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("A");
    for tab in [Tab::Profile, Tab::Doctor, Tab::Tunnel, Tab::Account] {
        stage.keys("<Tab>");
        assert_eq!(stage.model.workbench.tab, tab);
    }
    stage.keys("<Shift-Tab>");
    assert_eq!(stage.model.workbench.tab, Tab::Tunnel);
    stage.keys("<Esc>");
    assert!(stage.model.overlay.is_none());
}

/// Help once took the place of what was typed.
#[test]
fn help_loses_neither_a_number_nor_a_filter() {
    let mut stage = Stage::new(world(), (80, 24));
    for open in ["c", "/"] {
        stage.keys(open).keys("12<F1><Esc>");
        let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!("{open}") };
        assert_eq!(prompt.editor.text(), "12", "{open}");
        stage.keys("<Esc>");
        assert!(stage.model.overlay.is_none(), "{open}");
    }
}
