use super::screen;
use crate::app::fixture::{Stage, World, hook_world, world};
use crate::app::pages;
use crate::domain::hook::Fate;

fn hooks(size: (u16, u16)) -> Stage {
    let mut stage = Stage::new(hook_world(), size);
    stage.keys("4");
    stage
}

#[test]
fn hooks_80x24() {
    let mut stage = hooks((80, 24));
    stage.keys("jjj");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn hooks_120x36() {
    let mut stage = hooks((120, 36));
    stage.keys("<Tab><Tab><Tab>");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn hooks_200x50() {
    let mut stage = hooks((200, 50));
    stage.keys("jjj");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn an_inspector_without_requests_says_how_to_make_one() {
    let mut stage = Stage::new(World { hooks: Vec::new(), ..world() }, (80, 12));
    stage.keys("4");
    assert!(screen(&stage).contains("twoticks trigger text"), "{}", screen(&stage));
}

#[test]
fn what_a_stranger_wrote_drives_nothing() {
    let mut stage = hooks((120, 36));
    for keys in ["<Tab>", "<Tab>", "<Tab>", "<Enter>"] {
        stage.keys(keys);
        assert!(!screen(&stage).contains('\u{1b}'));
    }
    assert!(screen(&stage).contains("Ana -> Ana Souza\u{fffd}[2J"), "{}", screen(&stage));
}

/// The page of an event with a thousand messages had 47,000 lines, and took seconds with each key.
#[test]
fn what_a_great_event_did_is_told_up_to_a_bound() {
    let mut stage = hooks((80, 24));
    let newest = &mut stage.world.hooks[0];
    if let Fate::Stored { row, subjects, .. } = &mut newest.fate {
        row.effects = vec![row.effects[0].clone(); 1_000];
        *subjects = vec![subjects[0].clone(); 1_000];
    }
    stage.keys("1");
    stage.keys("4<Enter>");
    let lines = pages::lines(&stage.model);
    assert!(lines.len() < 1_000, "{}", lines.len());
    let said: String =
        lines.iter().flat_map(|line| &line.0).map(|(_, words)| words.as_str()).collect();
    assert!(said.contains("900 more; twoticks events show 815 tells all of them."), "{said}");
}

#[test]
fn no_size_of_the_inspector_panics() {
    for columns in (1..210).step_by(7) {
        for rows in (1..60).step_by(3) {
            screen(&hooks((columns, rows)));
        }
    }
}
