use super::*;
use crate::app::fixture::minutes_ago;
use crate::app::workbench::Told;
use crate::domain::account::{Fact, FactKind, Saying};
use crate::domain::checkup::{Finding, Verdict};

fn account() -> Told {
    let fact = |kind, value: &str, minutes, told| {
        let at = minutes_ago(minutes);
        Fact { saying: Saying::new(kind, value), at, last_at: at, told }
    };
    let facts = vec![
        fact(FactKind::Name, "Loja Sol", 600, false),
        fact(FactKind::Quality, "YELLOW", 30, false),
        fact(FactKind::Limit, "TIER_2K", 600, true),
    ];
    let mut history = facts.clone();
    history.push(fact(FactKind::Quality, "GREEN", 600, false));
    Told { facts, history, asked_at: Some(minutes_ago(30)) }
}

#[test]
fn workbench_account_80x24() {
    let mut stage = Stage::new(World { account: account(), ..world() }, (80, 24));
    stage.keys("A");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn workbench_doctor_80x24() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("D");
    let finding = |check, verdict, says: &str, remedy: Option<&str>| Finding {
        check,
        account: None,
        verdict,
        says: says.to_owned(),
        remedy: remedy.map(str::to_owned),
    };
    stage.tell(Msg::Examined(vec![
        finding("config", Verdict::Right, "/home/ana/c.toml, accounts: 1", None),
        finding("tunnel", Verdict::Note, "none is set", None),
        finding("token", Verdict::Wrong, "it has expired", Some("make another")),
    ]));
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn workbench_tunnel_80x24() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys("Tj");
    insta::assert_snapshot!(screen(&stage));
}

/// What came of a key on the workbench was said behind it.
#[test]
fn news_is_seen_in_front_of_a_page() {
    for size in [(80, 24), (120, 36)] {
        let mut stage = Stage::new(World { account: account(), ..world() }, size);
        stage.keys("Am");
        let shown = screen(&stage);
        assert!(shown.contains("Where Meta posts is decided on the tunnel's tab"), "{shown}");
        assert!(shown.contains("[Account]"), "{shown}");
    }
}

#[test]
fn no_size_breaks_the_workbench() {
    for columns in [0, 1, 19, 20, 40, 80, 200] {
        for rows in [0, 1, 5, 8, 24, 60] {
            let mut stage = Stage::new(World { account: account(), ..world() }, (columns, rows));
            stage.keys("A<Tab><Tab><Tab>jjj<Tab>GG");
            draw(&stage.model, (columns.max(1), rows.max(1)), &Theme::default());
        }
    }
}

/// At the end of a long text once stood only what fitted behind the last full page of it.
#[test]
fn a_text_longer_than_its_field_moves_with_the_cursor() {
    let mut stage = Stage::new(world(), (80, 24));
    let text: String = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    stage.keys("c").keys(&text);
    assert!(screen(&stage).contains("LMNOPQRSTUVWXYZ0123456789"), "{}", screen(&stage));
    stage.keys("<Home>");
    assert!(screen(&stage).contains("> abcdefghijklmnop"), "{}", screen(&stage));
}
