use std::fmt::Write;
use std::time::Duration;

use super::{draw, screen, shown};
use crate::app::fixture::{Stage, World, now, queue_world, sending_health, waiting};
use crate::app::msg::Msg;
use crate::app::queue::{Halt, why};
use crate::domain::health::{Stop, StopKind};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::ui::{Borders, Colours, Glyphs, Theme};

fn queue(size: (u16, u16)) -> Stage {
    let mut stage = Stage::new(queue_world(), size);
    stage.tell(Msg::Health(Box::new(sending_health())));
    stage.keys("3");
    stage
}

#[test]
fn queue_80x24() {
    let mut stage = queue((80, 24));
    stage.keys("j ");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn queue_120x36() {
    let mut stage = queue((120, 36));
    stage.keys("jja");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn queue_200x50() {
    let mut stage = queue((200, 50));
    stage.keys("j");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn the_questions_of_the_queue() {
    let mut out = String::new();
    for keys in ["R", "ad", "jx", "Gt", "Gttomorrow 9:00", "1jj<Enter>Oi<Ctrl-R>+10m"] {
        let mut stage = queue((80, 20));
        stage.keys(keys);
        writeln!(out, "{keys}\n{}", screen(&stage)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn why_nothing_goes_out() {
    let mut out = String::new();
    let stop = |kind, words: &str| {
        let until = Timestamp::from_millis(now().millis() + 30_000);
        Some(Stop { kind, words: words.to_owned(), until })
    };
    for (paused, stop) in [
        (Some(now()), None),
        (None, stop(StopKind::Circuit, "too many requests failed")),
        (None, stop(StopKind::Limited, "Meta limits its calls")),
        (None, stop(StopKind::Offline, "cannot connect")),
        (None, stop(StopKind::Trouble, "the token has expired")),
    ] {
        let mut stage = queue((80, 10));
        let mut health = sending_health();
        health.accounts[0].paused = paused;
        let pace = health.accounts[0].pace.as_mut().unwrap();
        pace.stop = stop;
        pace.limited_people = 2;
        stage.tell(Msg::Health(Box::new(health)));
        let drawn = screen(&stage);
        let lines: Vec<_> = drawn.lines().take(5).collect();
        writeln!(out, "{}", lines.join("\n")).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn an_empty_queue_says_so() {
    let mut stage = Stage::new(World::default(), (80, 12));
    stage.keys("3");
    let all = screen(&stage);
    stage.keys("<Tab>");
    insta::assert_snapshot!(format!("{all}\n{}", screen(&stage)));
}

#[test]
fn no_size_breaks_the_queue_and_ascii_has_no_other_character() {
    let theme = Theme::new(Colours::None, Borders::Ascii, Glyphs::Ascii);
    for columns in (0..210).step_by(7) {
        for rows in 0..40 {
            let mut stage = queue((columns, rows));
            stage.model.settings.ellipsis = theme.ellipsis();
            for keys in ["", "x", "<Esc>d"] {
                stage.keys(keys);
                drop(draw(&stage.model, (columns, rows), &theme));
            }
        }
    }
    let mut stage = queue((120, 30));
    stage.model.settings.ellipsis = theme.ellipsis();
    let drawn = shown(&draw(&stage.model, (120, 30), &theme));
    let written = "çãõéíáú";
    let odd: Vec<char> = drawn.chars().filter(|c| !c.is_ascii() && !written.contains(*c)).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn what_waits_because_nothing_of_its_account_goes_says_so() {
    let row = waiting(1, "Ana Souza", 1, "Oi", State::Queued);
    let line = |halt| why(&row, now(), halt).line(|at| at.millis().to_string());
    assert_eq!(line(None), "waits for its turn");
    assert_eq!(line(Some(Halt::PAUSED)), "waits: sending is paused");
    let mut stage = queue((120, 30));
    let mut stopped = |kind, until| {
        let mut health = sending_health();
        let pace = health.accounts[0].pace.as_mut().expect("it sends");
        pace.stop = Some(Stop { kind, words: "whatever".to_owned(), until });
        stage.tell(Msg::Health(Box::new(health)));
        line(Halt::of(&stage.model))
    };
    let soon = now() + Duration::from_secs(30);
    let next = format!("next try {}: too many requests failed", soon.millis());
    assert_eq!(stopped(StopKind::Circuit, soon), next);
    assert_eq!(
        stopped(StopKind::Offline, now()),
        "waits: Meta cannot be reached",
        "the probe is out"
    );
}
