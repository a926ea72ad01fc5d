use super::short;
use crate::app::fixture::{Stage, long_queue, now, queue_world, sending_health};
use crate::app::msg::{Command, Done, Effect, Finished, Msg, Query, Which};
use crate::app::queue::why;
use crate::app::{Focus, Overlay, Screen};
use crate::domain::change::Changes;
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::message::Author;
use crate::domain::outbox::{Decided, Decision};
use crate::domain::queue::{QueueFilter, Sweep};
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// The queue with its messages, selected from the top: 5001 uncertain, 1011 and 8001 failed, 4001 held,
/// 1010 on its way, 2002 and 2003 queued, 3002 scheduled.
fn queue() -> Stage {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.tell(Msg::Health(Box::new(sending_health())));
    stage.keys("3");
    stage
}

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let mut stage = queue();
    stage.keys(script);
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert_eq!(commands, expected, "{script}");
}

fn said(stage: &Stage) -> &str {
    stage.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn what_surely_failed_goes_again_at_once_and_what_might_arrive_twice_asks_first() {
    check("jR", &["again 1011"]);
    check("R", &[]);
    check("Ry", &["again 5001"]);
    check("Rn", &[]);
    check("R<Esc>", &[]);
    // The question is about the uncertain one alone.
    check("   R", &["again 1011,8001"]);
    check("   Ry", &["again 1011,8001", "again 5001"]);
    let mut stage = queue();
    stage.keys("R");
    let Some(Overlay::Sure(sure)) = &stage.model.overlay else { panic!() };
    assert!(sure.warning.contains("may arrive twice"), "{}", sure.warning);
    assert_eq!(sure.title, "Send again 1 message");
}

#[test]
fn a_held_message_goes_as_soon_as_it_may_and_what_waits_is_left_alone() {
    check("jjjR", &["WhenPossible 4001"]);
    let mut stage = queue();
    stage.keys("jjjjR");
    assert!(stage.commands().is_empty());
    assert!(said(&stage).contains("goes by itself"), "{}", said(&stage));
}

#[test]
fn what_waits_is_held_until_it_is_let_go() {
    check("jjjjjH", &["Hold 2002"]);
    check("GH", &["Hold 3002"]);
    // Of what is marked, only what waits.
    check("<Tab><Tab><Tab><Tab>aH", &["Hold all Waiting"]);
    check("H", &[]);
}

#[test]
fn nothing_is_withdrawn_without_a_yes() {
    check("d", &[]);
    check("dy", &["drop 5001"]);
    check("jjjdy", &["drop 4001"]);
    // On its way already.
    check("jjjjdy", &[]);
    check("     dy", &["drop 1011,4001,5001,8001"]);
}

#[test]
fn a_whole_group_is_marked_with_one_key_and_decided_about_in_steps() {
    let mut stage = queue();
    stage.keys("jaR");
    let Some(Effect::Do(id, command)) = stage.effects.pop() else { panic!() };
    assert_eq!(short(&command), "all Failed".replace("all", "again all"));
    let part = |done: &[i64], refused: &[i64]| Decided {
        done: done.iter().map(|id| MessageId(*id)).collect(),
        refused: refused
            .iter()
            .map(|id| (MessageId(*id), "it is sent already".to_owned()))
            .collect(),
    };
    let rest = Some(Sweep { after: MessageId(1011), last: MessageId(9000) });
    let result = Ok(Done::Decided { decided: part(&[1, 2], &[3]), rest });
    stage.tell(Msg::Finished(Finished { id, result }));
    let Some(Effect::Do(id, Command::Decide(Which::Group { filter, sweep, .. }, decision))) =
        stage.effects.pop()
    else {
        panic!()
    };
    assert_eq!((filter, sweep, decision), (QueueFilter::Failed, rest, Decision::SendAgain));
    let result = Ok(Done::Decided { decided: part(&[4], &[]), rest: None });
    stage.tell(Msg::Finished(Finished { id, result }));
    assert!(stage.effects.iter().all(|effect| !matches!(effect, Effect::Do(..))));
    assert_eq!(said(&stage), "3 messages queued again, 1 not: it is sent already.");
}

#[test]
fn all_that_are_uncertain_ask_once_for_all() {
    check("aRy", &["again all Uncertain"]);
    check("aR", &[]);
    check("<Tab><Tab>ady", &["drop all Failed"]);
    // Marking again, or going back, takes the marks away first.
    check("aaRy", &["again 5001"]);
    let mut stage = queue();
    stage.keys("a<Esc>");
    assert_eq!(stage.model.screen, Screen::Queue);
    stage.keys("<Esc>");
    assert_eq!(stage.model.screen, Screen::Inbox);
}

#[test]
fn tabs_show_one_kind_and_come_round() {
    let mut stage = queue();
    stage.keys("<Tab><Tab>");
    let ids: Vec<_> =
        stage.model.queue.list.page.rows().iter().map(|row| row.message.id.0).collect();
    assert_eq!((stage.model.queue.list.filter, ids), (QueueFilter::Failed, vec![1011, 8001]));
    stage.keys("<Shift-Tab><Shift-Tab><Shift-Tab>");
    assert_eq!(stage.model.queue.list.filter, QueueFilter::Scheduled);
    stage.keys("<Tab>");
    assert_eq!(stage.model.queue.list.filter, QueueFilter::All);
}

#[test]
fn enter_opens_the_message_in_its_conversation_and_esc_comes_back_to_the_same_row() {
    let mut stage = queue();
    stage.keys("j<Enter>");
    assert_eq!((stage.model.screen, stage.model.focus), (Screen::Inbox, Focus::Chat));
    assert_eq!(stage.model.chat.as_ref().unwrap().selected, Some(MessageId(1011)));
    stage.keys("<Esc>");
    assert_eq!(stage.model.screen, Screen::Queue);
    assert_eq!(stage.model.queue.selected().unwrap().message.id, MessageId(1011));
    // From the inbox itself, back means its list.
    stage.keys("1l<Esc>");
    assert_eq!((stage.model.screen, stage.model.focus), (Screen::Inbox, Focus::List));
}

#[test]
fn nothing_is_read_or_typed_into_a_conversation_behind_the_queue() {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.keys("l3");
    stage.commands();
    stage.tell(Msg::Changed(Changes { everything: true, ..Changes::default() }));
    stage.tell(Msg::Input(crate::app::msg::Input::Paste("secret".to_owned())));
    stage.keys("i");
    assert!(stage.commands().is_empty());
    assert!(stage.model.composer.editor.is_empty());
}

#[test]
fn the_selection_takes_the_next_one_when_its_message_leaves() {
    let mut stage = queue();
    stage.keys("j");
    stage.world.queue.retain(|row| row.message.id != MessageId(1011));
    stage.now = Timestamp::from_millis(stage.now.millis() + 1_000);
    stage.tell(Msg::Changed(Changes { outbox: true, ..Changes::default() }));
    assert_eq!(stage.model.queue.selected().unwrap().message.id, MessageId(8001));
}

#[test]
fn a_fast_queue_is_read_a_few_times_a_second() {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.keys("3");
    let changed = || Msg::Changed(Changes { outbox: true, ..Changes::default() });
    let asks = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Run(Query::Queue { .. }))).count()
    };
    let mut asked = 0;
    for step in 0..1_000 {
        let at = Timestamp::from_millis(now().millis() + step);
        let effects = crate::app::update(&mut stage.model, changed(), at);
        asked += asks(&effects);
        for effect in effects {
            if let Effect::Run(query @ Query::Queue { .. }) = effect {
                let reply = stage.world.answer(&query);
                drop(crate::app::update(&mut stage.model, Msg::Loaded(reply), at));
            }
        }
        if stage.model.next_deadline().is_some_and(|due| due <= at) {
            let effects = crate::app::update(&mut stage.model, Msg::Deadline, at);
            asked += asks(&effects);
        }
    }
    assert!((3..=5).contains(&asked), "{asked} reads in a second");
}

#[test]
fn an_unchanged_queue_draws_nothing() {
    let mut stage = queue();
    assert!(stage.model.take_dirty());
    stage.now = Timestamp::from_millis(stage.now.millis() + 1_000);
    stage.tell(Msg::Changed(Changes { outbox: true, ..Changes::default() }));
    assert!(!stage.model.take_dirty());
    stage.wait(5_000);
    assert!(!stage.model.take_dirty(), "the chart did not change");
}

#[test]
fn a_long_queue_is_walked_page_by_page_and_jumped_to_its_end() {
    let mut stage = Stage::new(long_queue(2_000), (80, 24));
    stage.keys("3");
    for _ in 0..1_200 {
        stage.keys("j");
    }
    assert_eq!(stage.model.queue.selected().unwrap().message.id, MessageId(2_200));
    assert!(stage.model.queue.list.page.rows().len() <= 300);
    stage.keys("G");
    assert_eq!(stage.model.queue.selected().unwrap().message.id, MessageId(2_999));
    stage.keys("gg");
    assert_eq!(stage.model.queue.selected().unwrap().message.id, MessageId(1_000));
}

#[test]
fn sending_is_paused_and_resumed_with_one_key() {
    let mut stage = queue();
    stage.keys("p");
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["pause true"]);
    let mut health = sending_health();
    health.accounts[0].paused = Some(now());
    stage.tell(Msg::Health(Box::new(health)));
    stage.keys("p");
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["pause false"]);
}

#[test]
fn a_message_is_scheduled_for_the_time_that_was_shown_and_can_be_given_another() {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.keys("jj<Enter>Bom dia!<Ctrl-R>soon<Enter>");
    assert!(stage.commands().is_empty());
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert!(prompt.error.as_ref().unwrap().contains("\"soon\" is no time"));
    stage.keys("<Ctrl-U>tomorrow 9:00<Enter>");
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert_eq!(commands, ["send 3 \"Bom dia!\" at 1795262400000"]);
    assert!(said(&stage).contains("Sat 21 Nov 2026 09:00"), "{}", said(&stage));
    // In the queue, the scheduled one is the last.
    stage.keys("<Esc>3Gt+2h<Enter>");
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    let at = now().millis() + 2 * 3_600_000;
    assert_eq!(commands.last().unwrap(), &format!("Reschedule(Timestamp({at})) 3002"));
    // Others have no time to change.
    stage.keys("ggt");
    assert!(stage.model.overlay.is_none());
}

#[test]
fn a_message_that_will_find_the_window_closed_is_scheduled_with_a_warning() {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.keys("jj<Enter>Oi<Ctrl-R>+5d<Enter>");
    assert_eq!(stage.commands().len(), 1);
    assert!(said(&stage).contains("unless they write, it is held then"), "{}", said(&stage));
}

#[test]
fn cancelling_the_prompt_keeps_the_text() {
    let mut stage = Stage::new(queue_world(), (80, 24));
    stage.keys("jj<Enter>Oi<Ctrl-R>+5m<Esc>");
    assert!(stage.commands().is_empty());
    assert_eq!(stage.model.composer.editor.text(), "Oi");
    assert_eq!(stage.model.focus, Focus::Compose);
}

#[test]
fn marks_follow_a_message_whose_state_changes() {
    let mut stage = queue();
    stage.keys("j ");
    for row in &mut stage.world.queue {
        if row.message.id == MessageId(1011) {
            row.message.state = State::Uncertain;
        }
    }
    stage.now = Timestamp::from_millis(stage.now.millis() + 1_000);
    stage.tell(Msg::Changed(Changes { outbox: true, ..Changes::default() }));
    stage.keys("R");
    assert!(stage.commands().is_empty(), "it may arrive twice now");
    assert!(matches!(stage.model.overlay, Some(Overlay::Sure(_))));
}

#[test]
fn what_changes_elsewhere_takes_no_timeline_off_the_screen() {
    let mut stage = Stage::new(queue_world(), (200, 50));
    stage.keys("lk");
    let message = stage.model.chat.as_ref().unwrap().selected.unwrap();
    assert!(stage.model.life.of(message).is_some());
    let elsewhere = Changes { conversations: [ConversationId(7)].into(), ..Changes::default() };
    let effects = crate::app::update(&mut stage.model, Msg::Changed(elsewhere.clone()), now());
    assert!(stage.model.life.of(message).is_some());
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Run(Query::Timeline { .. }))));

    // One that was looked at in the queue is read anew when it is looked at again.
    stage.keys("<Esc>3jj");
    assert!(stage.model.life.of(MessageId(8001)).is_some());
    stage.keys("1");
    drop(crate::app::update(&mut stage.model, Msg::Changed(elsewhere), now()));
    assert!(stage.model.life.of(MessageId(8001)).is_none());
}

#[test]
fn a_marked_message_that_left_the_queue_is_marked_no_more() {
    let mut stage = queue();
    stage.keys("j  ");
    let marked = |stage: &Stage| stage.model.queue.marked.count(&stage.model.queue.list.counts);
    assert_eq!(marked(&stage), 2);
    stage.world.queue.retain(|row| row.message.id != MessageId(1011));
    stage.wait(1_000);
    stage.tell(Msg::Changed(Changes { outbox: true, ..Changes::default() }));
    assert_eq!(marked(&stage), 1, "one was sent meanwhile");
    stage.keys("R");
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert_eq!(commands, ["again 8001"]);
}

#[test]
fn a_marked_message_keeps_its_mark_out_of_sight() {
    let mut stage = Stage::new(long_queue(2_000), (80, 24));
    stage.keys("3 G");
    stage.wait(1_000);
    stage.tell(Msg::Changed(Changes { outbox: true, ..Changes::default() }));
    assert!(stage.model.queue.list.page.index(MessageId(1_000)).is_none());
    assert_eq!(stage.model.queue.marked.count(&stage.model.queue.list.counts), 1);
    stage.keys("gg<Tab>");
    assert_eq!(stage.model.queue.marked.count(&stage.model.queue.list.counts), 1, "another tab");
}

#[test]
fn what_the_phone_sent_is_not_offered_to_be_sent_again() {
    let mut world = queue_world();
    let failed = world.queue.iter_mut().find(|row| row.message.id == MessageId(1011)).unwrap();
    failed.message.author = Author::PhoneApp;
    let mut stage = Stage::new(world, (80, 24));
    stage.tell(Msg::Health(Box::new(sending_health())));
    stage.keys("3jR");
    assert!(stage.commands().is_empty());
    assert!(said(&stage).contains("Only the phone"), "{}", said(&stage));
    let row = stage.model.queue.selected().unwrap();
    let why = why(row, now(), None);
    assert!(why.words.contains("only the phone can send it again"), "{}", why.words);
    // Of what is marked, the others go.
    stage.keys("  R");
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert_eq!(commands, ["again 8001"]);
}
