//! The composer and the list, by what the window and the contact allow.

use std::fmt::Write as _;

use super::*;
use crate::app::fixture::outbound;
use crate::domain::message::Trouble;
use crate::domain::state::State;
use crate::domain::wish::{How, Wish};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 50)];

/// Bruno's window closes in 48 minutes, Carla's in two hours. Davi opted out of marketing, was allowed it again
/// and opted out once more. To Elisa, Meta refused what was sent.
fn shop() -> World {
    let mut world = world();
    let [_, _, carla, davi, elisa, ..] = world.conversations.as_mut_slice() else { panic!() };
    carla.last_inbound = Some(minutes_ago(22 * 60));
    carla.unanswered = true;
    davi.opted_out = Some(minutes_ago(165));
    elisa.last_inbound = Some(minutes_ago(300));
    elisa.refused = Some(minutes_ago(10));
    elisa.failed = 1;
    let wish = |minutes, stop, how| Wish { at: minutes_ago(minutes), stop, how };
    let wishes = vec![
        wish(4000, true, How::Wrote("PARAR".to_owned())),
        wish(3990, true, How::Refused),
        wish(3000, false, How::Decided("ana".to_owned())),
        wish(165, true, How::Chosen),
    ];
    world.wishes.insert(4, wishes);
    let said = |id: i64, minutes: i64, body| message(id, 4, minutes_ago(minutes), body);
    let messages = vec![
        said(4001, 4000, text("PARAR")),
        outbound(said(4002, 3500, text("Tudo bem, Davi.")), State::Read),
        said(4003, 200, text("Obrigado")),
    ];
    world.messages.insert(4, messages);
    let mut refused =
        outbound(message(5001, 5, minutes_ago(10), text("Olá Elisa!")), State::Failed);
    refused.trouble = Some(Trouble { code: Some(131_047), detail: "Re-engagement".to_owned() });
    world.messages.insert(5, vec![refused]);
    world
}

fn at_sizes(keys: &str) -> String {
    let mut out = String::new();
    for size in SIZES {
        let mut stage = Stage::new(shop(), size);
        stage.keys(keys);
        writeln!(out, "{}x{}\n{}", size.0, size.1, screen(&stage)).unwrap();
    }
    out
}

#[test]
fn free_text() {
    insta::assert_snapshot!(at_sizes("<Enter>Oi Ana"));
}

#[test]
fn closing() {
    insta::assert_snapshot!(at_sizes("j<Enter>Sim, temos"));
}

#[test]
fn template_only_for_one_who_opted_out() {
    insta::assert_snapshot!(at_sizes("jjj<Enter><Esc>Oi Davi, tudo certo?"));
}

#[test]
fn template_only_because_whatsapp_said_so() {
    insta::assert_snapshot!(at_sizes("jjjj<Enter><Esc>Oi de novo<Enter><Esc>"));
}

#[test]
fn who_waits_by_window() {
    insta::assert_snapshot!(at_sizes("w"));
}

#[test]
fn the_window_is_green_amber_red_and_grey() {
    for (minutes_left, colour) in [(241, Color::Green), (239, Color::Yellow), (59, Color::Red)] {
        let mut world = shop();
        world.conversations[0].last_inbound = Some(minutes_ago(24 * 60 - minutes_left));
        let mut stage = Stage::new(world, (120, 36));
        stage.keys("l");
        let buffer = draw(&stage.model, (120, 36), &Theme::default());
        assert_eq!(style_of(&buffer, " window ").0, colour, "{minutes_left} minutes left");
    }
    let mut stage = Stage::new(shop(), (120, 36));
    stage.keys("jjjl");
    let buffer = draw(&stage.model, (120, 36), &Theme::default());
    assert_eq!(style_of(&buffer, " window closed").0, Color::DarkGray);
}

#[test]
fn to_allow_marketing_again_asks_with_the_facts() {
    let mut stage = Stage::new(shop(), (80, 24));
    stage.keys("jjjlM");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn a_long_row_of_tabs_keeps_its_numbers() {
    // A tab has one name; where that does not fit, its beginning stands for it.
    let narrow = [(42, " All 42 Unread 3 Wait 6 C5"), (4200, " All 4200 Unr 3 Wait 6 C5")];
    for (all, tabs) in narrow {
        let mut stage = Stage::new(shop(), (80, 24));
        stage.model.list.counts.all = all;
        stage.model.list.counts.closing = 5;
        let shown = screen(&stage);
        assert!(shown.contains(tabs), "{shown}");
    }
}
