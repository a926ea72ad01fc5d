//! Keys that did something else than the person meant.

use super::{short, stage};
use crate::app::fixture::{Stage, hook_world, minutes_ago, world};
use crate::app::model::Overlay;
use crate::app::msg::{Effect, Input, Msg};
use crate::app::{Focus, Screen, pages};
use crate::domain::id::MessageId;
use crate::domain::state::State;

fn quits(stage: &Stage) -> bool {
    stage.effects.iter().any(|effect| matches!(effect, Effect::Quit))
}

fn said(stage: &Stage) -> &str {
    stage.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn clearing_a_text_twice_does_not_quit() {
    let mut stage = stage();
    stage.keys("jj<Enter><Ctrl-C>");
    assert!(said(&stage).contains("again quits"), "{}", said(&stage));
    stage.keys("abc");
    assert_eq!(said(&stage), "", "typing takes the question back");
    stage.keys("<Ctrl-C>");
    assert!(said(&stage).starts_with("Cleared."), "{}", said(&stage));
    stage.keys("<Ctrl-C>");
    assert!(!quits(&stage));
    assert!(said(&stage).contains("again quits"), "{}", said(&stage));
    stage.tell(Msg::Input(Input::Paste("x".to_owned())));
    stage.keys("<Ctrl-C><Ctrl-C>");
    assert!(!quits(&stage), "a paste is no second press either");
    stage.keys("<Ctrl-C>");
    assert!(quits(&stage));
}

#[test]
fn a_time_given_before_the_message_is_not_sent_as_one() {
    let mut stage = stage();
    stage.keys("jj<Enter><Ctrl-R>+1h<Enter>");
    assert!(stage.commands().is_empty());
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert!(prompt.error.as_ref().unwrap().contains("There is no message yet"));
    stage.keys("<Esc>");
    assert_eq!(stage.model.composer.editor.text(), "");
    stage.keys("later<Ctrl-R>+1h<Enter>");
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert!(
        matches!(&commands[..], [one] if one.starts_with("send 3 \"later\" at ")),
        "{commands:?}"
    );
}

#[test]
fn a_notice_does_not_outlive_what_it_is_about() {
    let mut stage = stage();
    stage.keys("jj<Enter><Enter>");
    assert_eq!(said(&stage), "There is nothing to send yet.");
    stage.keys("a");
    assert_ne!(said(&stage), "", "nobody has read it yet");
    stage.wait(1_600);
    stage.keys("b");
    assert_eq!(said(&stage), "");
    stage.keys("<Ctrl-C>");
    assert!(said(&stage).starts_with("Cleared."), "{}", said(&stage));
    stage.wait(400);
    stage.keys("<Esc>");
    assert_eq!(said(&stage), "", "the mode is another one");
}

#[test]
fn back_from_a_message_of_a_webhook_leads_to_the_webhooks() {
    let mut stage = Stage::new(hook_world(), (80, 24));
    stage.keys("4o");
    assert_eq!((stage.model.screen, stage.model.focus), (Screen::Inbox, Focus::Chat));
    stage.keys("<Esc>");
    assert_eq!(stage.model.screen, Screen::Hooks);
    stage.keys("<Esc>");
    assert_eq!(stage.model.screen, Screen::Inbox);
    stage.keys("jl<Esc>");
    assert_eq!(stage.model.screen, Screen::Inbox, "from the list it leads to the list");
}

#[test]
fn the_question_about_a_message_offers_what_can_be_done_with_it() {
    let ask = |state: State, accepted: bool| {
        let mut world = world();
        for message in world.messages.get_mut(&1).unwrap() {
            if message.id == MessageId(1011) {
                message.state = state;
                message.wamid = message.wamid.clone().filter(|_| accepted);
            }
        }
        let mut stage = Stage::new(world, (80, 24));
        stage.keys("lkR");
        let Some(Overlay::Ask(id)) = stage.model.overlay else { panic!("{state:?}") };
        let message = stage.model.chat.as_ref().unwrap().page.get(id).unwrap();
        let words = crate::app::queue::answers(&stage.model, message);
        let words: Vec<_> = words.into_iter().map(|(_, word)| word).collect();
        (words.join(", "), crate::app::queue::stakes(&stage.model, message))
    };
    assert_eq!(ask(State::Failed, true).0, "send again, drop, close");
    assert!(ask(State::Failed, true).1.starts_with("It was accepted and failed"));
    assert!(ask(State::Failed, false).1.starts_with("It was not accepted"));
    assert_eq!(ask(State::Held, false).0, "let go, drop, close");
    assert_eq!(ask(State::Scheduled, false).0, "drop, other time, close");
}

#[test]
fn what_only_a_template_can_follow_offers_the_template() {
    let mut world = world();
    let row = &mut world.conversations[0];
    row.last_inbound = Some(minutes_ago(300));
    row.refused = Some(minutes_ago(10));
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("lkR");
    let Some(Overlay::Ask(id)) = stage.model.overlay else { panic!() };
    let message = stage.model.chat.as_ref().unwrap().page.get(id).unwrap();
    let stakes = crate::app::queue::stakes(&stage.model, message);
    assert!(stakes.contains("a template reaches them now"), "{stakes}");
    stage.keys("<Ctrl-T>");
    assert!(matches!(stage.model.overlay, Some(Overlay::Picker(_))));
}

/// The keys are four hundred lines, and `/` did nothing there.
#[test]
fn words_are_found_on_the_page_of_the_keys() {
    let mut stage = stage();
    let at = |stage: &Stage| match &stage.model.overlay {
        Some(Overlay::Help { scroll }) => usize::from(*scroll),
        other => panic!("{other:?}"),
    };
    let line = |stage: &Stage| {
        let lines = pages::lines(&stage.model);
        let words: String = lines[at(stage)].0.iter().map(|(_, words)| words.as_str()).collect();
        words.to_lowercase()
    };
    stage.keys("?/withdraw<Enter>");
    let first = at(&stage);
    assert!(line(&stage).contains("withdraw"), "{}", line(&stage));
    stage.keys("n");
    assert!(at(&stage) != first && line(&stage).contains("withdraw"), "{}", line(&stage));
    stage.keys("/no such words<Enter>");
    assert!(said(&stage).contains("Nothing on this page"), "{}", said(&stage));
    stage.keys("/<Esc><Esc>");
    assert!(stage.model.overlay.is_none());
}
