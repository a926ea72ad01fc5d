//! What may be sent, who waits by their window, and who wants no marketing.

use super::*;
use crate::app::action::Context;
use crate::app::fixture::{message, minutes_ago, outbound, text};
use crate::app::templates::picker::Cause;
use crate::domain::conversation::Filter;
use crate::domain::state::State;
use crate::domain::window::{Outside, WINDOW};
use crate::domain::wish::{How, Wish};

fn said(stage: &Stage) -> String {
    stage.model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

fn commands(stage: &mut Stage) -> Vec<String> {
    stage.commands().iter().map(short).collect()
}

#[test]
fn what_whatsapp_refused_is_not_tried_again_until_they_write() {
    let mut world = world();
    world.conversations[1].refused = Some(minutes_ago(1));
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("j<Enter><Esc>hello<Enter>");
    assert_eq!(commands(&mut stage), ["read 2 2001"]);
    let Some(Cause::Refused(reason)) = cause(&stage) else { panic!("{}", said(&stage)) };
    assert!(reason.contains("131047") && reason.contains("kept"), "{reason}");
    stage.wait(60_000);
    stage.keys("<Enter><Esc><Esc>");
    assert_eq!(said(&stage), reason, "it is said on, and nothing is lost");
    assert_eq!(stage.model.composer.draft().text, "hello");
    stage.keys("<Enter>");
    assert!(matches!(stage.model.overlay, Some(Overlay::Picker(_))));
}

fn cause(stage: &Stage) -> Option<Cause> {
    match &stage.model.overlay {
        Some(Overlay::Picker(picker)) => picker.cause.clone(),
        _ => None,
    }
}

/// Enter in an empty composer said that there was nothing to send, and opened nothing.
#[test]
fn who_begins_to_write_where_the_window_is_closed_chooses_a_template() {
    for keys in ["jjj<Enter>", "jjji", "jjjli", "jjjl<Enter>", "<Ctrl-P>Davi<Enter><Enter>"] {
        let mut stage = stage();
        stage.keys(keys);
        let Some(Cause::Shut(why)) = cause(&stage) else { panic!("{keys}: {}", said(&stage)) };
        assert!(why.starts_with("The 24-hour window closed "), "{why}");
        stage.keys("<Esc>");
        assert_eq!(stage.model.context(), Context::Compose, "a draft can be written");
        stage.keys("<Enter>");
        assert!(matches!(cause(&stage), Some(Cause::Shut(_))), "{keys}");
        stage.keys("<Esc>oi<Enter>");
        assert!(matches!(cause(&stage), Some(Cause::Refused(_))), "{keys}");
        // The draft is what the person came for, the next time.
        stage.keys("<Esc><Esc><Esc><Enter>");
        assert_eq!((cause(&stage), stage.model.composer.draft().text), (None, "oi".to_owned()));
        assert!(commands(&mut stage).iter().all(|command| !command.starts_with("send ")));
    }
    let mut stage = stage();
    stage.keys("jjjl");
    assert_eq!(cause(&stage), None, "reading needs no template");
    stage.model.settings.outside = Outside::Send;
    stage.keys("i");
    assert_eq!(cause(&stage), None);
}

#[test]
fn a_message_that_was_typed_into_the_picker_becomes_the_draft() {
    let mut stage = stage();
    stage.keys("jjj<Enter>Oi, chegou bem?<Esc>");
    assert_eq!(stage.model.composer.draft().text, "Oi, chegou bem?");
    stage.keys("<Ctrl-U><Enter>atr<Esc>");
    assert_eq!(stage.model.composer.draft().text, "", "that found a template");
}

#[test]
fn a_refused_text_is_offered_as_the_value_of_a_template() {
    let mut stage = stage();
    stage.keys("jjj<Enter><Esc>sexta<Enter>atr<Enter><Ctrl-T>");
    let Some(Overlay::Form(form)) = &stage.model.overlay else { panic!("{}", said(&stage)) };
    assert_eq!(form.fields[0].editor.text(), "sexta");
}

#[test]
fn the_config_sends_outside_the_window_with_a_warning() {
    let mut stage = stage();
    stage.model.settings.outside = Outside::Send;
    stage.keys("jjj<Enter>hello<Enter>");
    assert_eq!(commands(&mut stage), ["send 4 \"hello\""]);
    assert!(said(&stage).contains("WhatsApp may refuse it"), "{}", said(&stage));
}

#[test]
fn an_unknown_window_sends_with_a_warning() {
    let mut world = world();
    world.conversations[3].last_inbound = None;
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("jjj<Enter>hello<Enter>");
    assert_eq!(commands(&mut stage), ["send 4 \"hello\""]);
    assert!(said(&stage).contains("WhatsApp refuses this"), "{}", said(&stage));
}

#[test]
fn one_key_shows_who_waits_by_window_and_goes_back() {
    let mut stage = stage();
    stage.keys("jjw");
    let ids = |stage: &Stage| -> Vec<i64> {
        stage.model.list.page.rows().iter().map(|row| row.id.0).collect()
    };
    assert_eq!(ids(&stage), [2, 6], "the one that closes first is on top");
    assert_eq!(stage.model.list.selected, Some(ConversationId(2)));
    stage.keys("w");
    assert_eq!((stage.model.list.filter, ids(&stage).len()), (Filter::All, 12));
    stage.keys("<Tab><Tab><Tab>");
    assert_eq!(stage.model.list.filter, Filter::Closing);
    stage.keys("<Tab>");
    assert_eq!(stage.model.list.filter, Filter::All);
    stage.keys("<Shift-Tab>");
    assert_eq!(stage.model.list.filter, Filter::Closing);
}

#[test]
fn a_window_that_closes_leaves_the_list_without_a_key() {
    let mut stage = stage();
    stage.keys("w");
    let closes = stage.model.list.counts.closes.unwrap();
    assert_eq!(closes, minutes_ago(24 * 60 - 48) + WINDOW);
    assert!(stage.model.next_deadline().unwrap() <= closes);
    stage.wait(48 * 60_000);
    assert_eq!(stage.model.list.page.rows().len(), 1);
    assert_eq!(stage.model.list.counts.closing, 1);
    assert!(stage.model.list.counts.closes.unwrap() > stage.now, "and it is not read for ever");
}

#[test]
fn marketing_is_stopped_at_once_and_allowed_again_only_when_sure() {
    let mut stage = stage();
    stage.keys("jM");
    assert_eq!(commands(&mut stage), ["marketing 2 true"]);
    assert!(said(&stage).contains("M allows"), "{}", said(&stage));
    let mut world = world();
    world.conversations[1].opted_out = Some(minutes_ago(60));
    let how = How::Wrote("PARAR".to_owned());
    world.wishes.insert(2, vec![Wish { at: minutes_ago(60), stop: true, how }]);
    for (answer, done) in [("n", None), ("<Esc>", None), ("y", Some("marketing 2 false"))] {
        let mut stage = Stage::new(world.clone(), (80, 24));
        stage.keys("jM");
        assert!(commands(&mut stage).is_empty(), "it asks first");
        let Some(Overlay::Sure(sure)) = &stage.model.overlay else { panic!() };
        assert!(sure.warning.contains("wrote \"PARAR\""), "{}", sure.warning);
        stage.keys(answer);
        assert_eq!(commands(&mut stage).first().map(String::as_str), done);
    }
}

/// The key stood below a held message and did nothing, once something newer had come.
#[test]
fn the_key_below_a_held_message_finds_it_under_newer_ones() {
    let mut world = world();
    let held = outbound(message(2000, 2, minutes_ago(20), text("later")), State::Held);
    world.messages.get_mut(&2).unwrap().insert(0, held);
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("jlR");
    assert!(matches!(stage.model.overlay, Some(Overlay::Ask(MessageId(2000)))));
}
