use crate::app::fixture::{BODY, Stage, hook_world};
use crate::app::msg::{Command, Done, Effect, Finished, Msg, Reply, Ticket};
use crate::app::{Overlay, Screen};
use crate::domain::change::Changes;
use crate::domain::event::Tidings;
use crate::domain::hook::{Hook, HookKey};
use crate::domain::id::EventId;

/// From the top: 815 a text, a refused request, 814 a duplicate, 813 a failed status, 810 not understood.
fn hooks() -> Stage {
    let mut stage = Stage::new(hook_world(), (80, 24));
    stage.keys("4");
    stage
}

fn selected(stage: &Stage) -> Option<HookKey> {
    stage.model.hooks.selected().map(|hook| hook.key)
}

fn said(stage: &Stage) -> &str {
    stage.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn an_event_is_replayed_and_what_came_of_it_is_told() {
    let mut stage = hooks();
    stage.keys("jjjr");
    let Some(Effect::Do(id, Command::Replay(EventId(813)))) = stage.effects.last().cloned() else {
        panic!("{:?}", stage.effects)
    };
    let result = Ok(Done::Replayed { messages: 1, unknown: 0 });
    stage.tell(Msg::Finished(Finished { id, result }));
    assert_eq!(said(&stage), "#813 was applied again: 1 new message.");
}

#[test]
fn nothing_is_done_with_a_refused_request() {
    for key in ["r", "R", "e", "b", "c"] {
        let mut stage = hooks();
        stage.keys("j");
        stage.effects.clear();
        stage.keys(key);
        assert!(stage.effects.is_empty() && stage.model.overlay.is_none(), "{key}");
        assert!(said(&stage).contains("refused"), "{key}: {}", said(&stage));
    }
}

#[test]
fn an_edited_body_is_applied_only_when_something_was_changed() {
    let mut stage = hooks();
    stage.keys("e");
    let Some(Effect::Edit(text)) = stage.effects.last().cloned() else {
        panic!("{:?}", stage.effects)
    };
    stage.tell(Msg::Edited(Ok(format!("{text}\n"))));
    assert!(stage.commands().is_empty());
    assert!(said(&stage).contains("Nothing was changed"), "{}", said(&stage));
    stage.keys("e");
    stage.tell(Msg::Edited(Ok(text.replace("131047", "131026"))));
    let commands = stage.commands();
    let Some(Command::ReplayEdited(EventId(815), body)) = commands.last() else {
        panic!("{commands:?}")
    };
    assert!(body.contains("131026"));
    assert!(stage.model.composer.editor.is_empty(), "the draft is left alone");
}

/// A slip in the editor was stored as an event that nobody understands, and the typing was lost.
#[test]
fn a_slip_in_an_edited_body_is_named_and_what_was_typed_stays() {
    let mut stage = hooks();
    stage.keys("e");
    let in_editor = |stage: &Stage| match stage.effects.last() {
        Some(Effect::Edit(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    let slip = in_editor(&stage).replacen("131047,", "131026", 1);
    let line = slip.lines().position(|line| line.contains("131026")).unwrap() + 2;
    stage.tell(Msg::Edited(Ok(format!("{slip}\n"))));
    assert!(stage.commands().is_empty());
    let words = said(&stage);
    assert!(
        words.contains(&format!("line {line}, column ")) && words.contains("expected `,`"),
        "{words}"
    );
    stage.keys("e");
    assert_eq!(in_editor(&stage), slip);

    // One that could not be applied is not lost either; one that was is over.
    let mended = slip.replacen("131026", "131026,", 1);
    stage.tell(Msg::Edited(Ok(mended.clone())));
    let asked = |stage: &Stage| match stage.effects.last() {
        Some(Effect::Do(id, Command::ReplayEdited(..))) => *id,
        other => panic!("{other:?}"),
    };
    let id = asked(&stage);
    stage.tell(Msg::Finished(Finished { id, result: Err("the disk is full".to_owned()) }));
    assert!(said(&stage).contains("the disk is full"));
    stage.keys("e");
    assert_eq!(in_editor(&stage), mended);
    stage.tell(Msg::Edited(Ok(mended.clone())));
    let (id, result) = (asked(&stage), Ok(Done::Replayed { messages: 0, unknown: 0 }));
    stage.tell(Msg::Finished(Finished { id, result }));
    stage.keys("e");
    assert_ne!(in_editor(&stage), mended);
}

#[test]
fn an_event_goes_to_an_address_and_into_a_file() {
    let mut stage = hooks();
    stage.keys("R<Enter>");
    let url = "http://127.0.0.1:3000/hook".to_owned();
    assert_eq!(stage.effects.last(), Some(&Effect::Post { event: EventId(815), url }));
    stage.tell(Msg::Told(Err("cannot connect".to_owned())));
    assert_eq!(said(&stage), "cannot connect");
    stage.keys("b<Enter>");
    let path = "event-815.json".to_owned();
    assert_eq!(stage.effects.last(), Some(&Effect::SaveBody { event: EventId(815), path }));
    stage.keys("y");
    let address = "http://127.0.0.1:8787/webhook".to_owned();
    assert_eq!(stage.effects.last(), Some(&Effect::Copy(address)));
    stage.keys("c");
    let Some(Effect::Copy(command)) = stage.effects.last() else { panic!("{:?}", stage.effects) };
    assert!(command.contains("'http://127.0.0.1:8787/webhook'"), "{command}");
    assert!(command.contains(BODY) && command.contains("sha256=ab"), "{command}");
}

#[test]
fn a_filter_is_live_names_what_is_wrong_and_is_taken_away() {
    let mut stage = hooks();
    let rows = |stage: &Stage| stage.model.hooks.list.page.rows().len();
    stage.keys("/type:failed");
    assert_eq!(rows(&stage), 1);
    stage.keys("<Ctrl-U>code:x");
    assert_eq!(rows(&stage), 5, "the last one that means something stays");
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!("no question") };
    assert!(prompt.error.as_ref().is_some_and(|error| error.contains("code:x")));
    stage.keys("<Ctrl-U>code:401<Enter>");
    assert_eq!(rows(&stage), 1);
    assert_eq!(selected(&stage).map(|key| key.arrival), Some(3));
    stage.keys("<Esc>");
    assert_eq!((rows(&stage), stage.model.screen), (5, Screen::Hooks));
    stage.keys("<Esc>");
    assert_eq!(stage.model.screen, Screen::Inbox);
}

/// Looking ended after 2,000 requests, and what fitted further down was never shown.
#[test]
fn a_search_goes_on_to_the_oldest_step_by_step() {
    let mut stage = hooks();
    // One that fits at both ends, and many between that do not.
    let like = |event: i64, id: i64| {
        let found = stage.world.hooks.iter().find(|hook| hook.event() == Some(EventId(event)));
        Hook { key: HookKey::of(EventId(id)), ..found.unwrap().clone() }
    };
    let more: Vec<Hook> = (2..800).rev().map(|id| like(814, id)).chain([like(815, 1)]).collect();
    stage.world.hooks.extend(more);
    stage.world.hook_step = 100;
    let events = |stage: &Stage| -> Vec<i64> {
        stage.model.hooks.list.page.rows().iter().map(|hook| hook.key.event.0).collect()
    };
    stage.keys("/type:text<Enter>");
    let found = events(&stage);
    assert_eq!(found, [815, 1]);
    assert_eq!(stage.model.hooks.below, None);

    // What comes in meanwhile does not begin it anew.
    let mut newer: Hook = stage.world.hooks[0].clone();
    newer.key = HookKey::of(EventId(900));
    stage.world.hooks.insert(0, newer);
    stage.wait(1_000);
    stage.tell(Msg::Changed(Changes { events: true, ..Changes::default() }));
    assert_eq!(events(&stage), [&[900], found.as_slice()].concat());
    assert_eq!(stage.model.hooks.below, None);

    stage.keys("<Ctrl-U>/nowhere<Enter>");
    assert_eq!(events(&stage), [0; 0]);
}

#[test]
fn the_newest_is_followed_until_somebody_looks_at_another() {
    let mut stage = hooks();
    let newer = |stage: &mut Stage, id: i64| {
        let mut hook: Hook = stage.world.hooks[0].clone();
        hook.key = HookKey::of(EventId(id));
        stage.world.hooks.insert(0, hook);
        stage.wait(1_000);
        stage.tell(Msg::Changed(Changes { events: true, ..Changes::default() }));
    };
    newer(&mut stage, 900);
    assert_eq!(selected(&stage), Some(HookKey::of(EventId(900))));
    stage.keys("j");
    let looked_at = selected(&stage);
    newer(&mut stage, 901);
    assert_eq!(selected(&stage), looked_at);
    stage.keys("f");
    assert_eq!(selected(&stage), Some(HookKey::of(EventId(901))));
}

#[test]
fn the_message_of_an_event_is_shown_in_its_conversation() {
    let mut stage = hooks();
    stage.keys("o");
    assert_eq!(stage.model.screen, Screen::Inbox);
    assert!(stage.model.chat.is_some());
    let mut stage = hooks();
    stage.keys("jjo");
    assert!(said(&stage).contains("no message"), "a duplicate changed none");
}

/// The command had other bytes than those that were signed, and was refused.
#[test]
fn a_body_that_is_no_text_is_not_copied_as_a_command() {
    let mut stage = hooks();
    let body = stage.model.hooks.body.as_mut().unwrap();
    body.text = String::from_utf8_lossy(b"{\"a\":\"caf\xe9\"}").into_owned();
    stage.keys("c");
    assert!(stage.effects.iter().all(|effect| !matches!(effect, Effect::Copy(_))));
    assert!(said(&stage).contains("b saves it as it came"), "{}", said(&stage));
}

/// A body that could not be read was once asked for again in the same turn, without an end.
#[test]
fn what_cannot_be_read_is_asked_for_again_a_second_later_and_not_at_once() {
    let mut stage = hooks();
    let ticket = Ticket(1_000_000);
    stage.model.hooks.body = None;
    stage.model.hooks.wait.start(ticket, EventId(815));
    let failed = Reply::Failed { ticket, reason: "disk I/O error".to_owned() };
    stage.tell(Msg::Loaded(failed));
    assert!(stage.model.hooks.shown_body().is_none());
    assert!(said(&stage).contains("disk I/O error"), "{}", said(&stage));
    stage.wait(1_000);
    assert!(stage.model.hooks.shown_body().is_some(), "it recovers by itself");
}

/// One failed look for what Meta told once was the last one.
#[test]
fn what_meta_tells_is_heard_again_after_a_read_that_failed() {
    let mut stage = hooks();
    let ticket = Ticket(1_000_000);
    stage.model.told.0.start(ticket, ());
    stage.tell(Msg::Loaded(Reply::Failed { ticket, reason: "busy".to_owned() }));
    let words = "pedido_cupom pt_BR paused by Meta".to_owned();
    stage.world.tidings.push(Tidings { number: 7, words, until: None });
    stage.wait(1_000);
    assert_eq!(stage.model.told.1, Some(7));
}

/// What was typed once went behind the address that was there.
#[test]
fn an_address_that_is_offered_makes_room_for_the_one_that_is_typed() {
    let typed = |stage: &Stage| match &stage.model.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.editor.text(),
        other => panic!("{other:?}"),
    };
    let mut stage = hooks();
    stage.keys("R");
    let offered = typed(&stage);
    assert!(offered.starts_with("http://127.0.0.1:"), "{offered}");
    stage.keys("http://127.0.0.1:1/x");
    assert_eq!(typed(&stage), "http://127.0.0.1:1/x");
    stage.keys("<Esc>R<End>y");
    assert_eq!(typed(&stage), format!("{offered}y"), "who moves in it means to change it");
    stage.keys("<Esc>R<Backspace>");
    assert_eq!(typed(&stage), "");
}
