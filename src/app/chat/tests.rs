use super::Scroll;
use crate::app::fixture::{Stage, World, message, minutes_ago, text, world};
use crate::app::msg::Msg;
use crate::app::rows::Row;
use crate::domain::change::Changes;
use crate::domain::id::{ConversationId, MessageId};

/// A conversation of so many messages of two rows each.
fn long(count: i64) -> World {
    let mut world = world();
    let messages =
        (1..=count).map(|id| message(id, 1, minutes_ago(5_000 - id), text(&format!("m{id}\nx"))));
    world.messages.insert(1, messages.collect());
    world.conversations[0].unread = 0;
    world.conversations[0].first_unread = None;
    world
}

fn lines(stage: &mut Stage) -> Vec<String> {
    let rows = stage.model.with_chat(|chat, look, height| chat.view(look, height).rows).unwrap();
    rows.into_iter()
        .filter_map(|(_, row)| match row {
            Row::Text { pieces, .. } => Some(pieces.into_iter().map(|piece| piece.text).collect()),
            Row::Note { text, .. } => Some(text),
            Row::Day(_) | Row::New(_) => None,
        })
        .collect()
}

fn changed() -> Msg {
    Msg::Changed(Changes { conversations: [ConversationId(1)].into(), ..Changes::default() })
}

#[test]
fn what_is_read_stays_where_it_is_under_insertions() {
    let mut stage = Stage::new(long(1_000), (80, 24));
    stage.keys("l<Ctrl-U><Ctrl-U><Ctrl-U>");
    let before = lines(&mut stage);
    for id in 2_000..2_005 {
        let late = message(id, 1, minutes_ago(4_900), text("came late, sorts early"));
        let messages = stage.world.messages.get_mut(&1).unwrap();
        messages.push(late);
        messages.push(message(id + 100, 1, minutes_ago(0), text("newest")));
        messages.sort_by_key(|message| message.key);
        stage.tell(changed());
    }
    assert_eq!(lines(&mut stage), before);
    assert_eq!(stage.model.chat.as_ref().unwrap().new_below(), (5, false));
}

#[test]
fn the_tail_follows_new_messages() {
    let mut stage = Stage::new(long(50), (80, 24));
    stage.keys("<Enter>");
    stage.world.messages.get_mut(&1).unwrap().push(message(99, 1, minutes_ago(0), text("newest")));
    stage.tell(changed());
    assert_eq!(lines(&mut stage).last().unwrap(), "newest");
}

#[test]
fn a_million_messages_are_scrolled_through_by_pages() {
    let mut stage = Stage::new(long(3_000), (80, 24));
    stage.keys("l");
    for _ in 0..100 {
        stage.keys("<Ctrl-U>");
    }
    let chat = stage.model.chat.as_ref().unwrap();
    assert!(chat.page.rows().len() <= 300);
    assert!(chat.page.more_after() && chat.page.more_before());
    stage.keys("gg");
    assert_eq!(lines(&mut stage)[0], "m1");
    stage.keys("G");
    assert_eq!(lines(&mut stage).last().unwrap(), "x");
    let chat = stage.model.chat.as_ref().unwrap();
    assert_eq!((chat.scroll, chat.page.more_after()), (Scroll::Tail, false));
    assert_eq!(chat.page.rows().last().unwrap().id, MessageId(3_000));
}

#[test]
fn a_message_that_vanishes_under_the_eyes_is_not_asked_for_without_end() {
    let mut stage = Stage::new(long(200), (80, 24));
    stage.keys("l<Ctrl-U><Ctrl-U>");
    stage.world.messages.insert(1, vec![message(999, 1, minutes_ago(0), text("all that is left"))]);
    stage.tell(changed());
    assert_eq!(lines(&mut stage), ["all that is left"]);
}

#[test]
fn scrolling_up_and_down_comes_back_to_the_same_rows() {
    let mut stage = Stage::new(long(400), (80, 24));
    stage.keys("<Enter><PageUp><PageUp>");
    let before = lines(&mut stage);
    for _ in 0..20 {
        stage.keys("<PageUp>");
    }
    for _ in 0..20 {
        stage.keys("<PageDown>");
    }
    assert_eq!(lines(&mut stage), before);
}

#[test]
fn a_conversation_opens_at_what_is_new() {
    let mut world = long(1_000);
    world.conversations[0].unread = 200;
    world.conversations[0].first_unread = Some(MessageId(801));
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("l");
    let rows = stage.model.with_chat(|chat, look, height| chat.view(look, height).rows).unwrap();
    let divider = rows.iter().position(|(_, row)| *row == Row::New(200)).unwrap();
    assert!((1..10).contains(&divider), "{divider}");
    assert!(stage.commands().is_empty(), "what was not seen is not marked as read");
    stage.keys("G");
    assert_eq!(stage.commands().len(), 1);
}

#[test]
fn a_resize_keeps_the_message_at_the_top() {
    let mut stage = Stage::new(long(400), (80, 24));
    stage.keys("<Enter><PageUp><PageUp><PageUp>");
    let before = lines(&mut stage)[0].clone();
    stage.tell(Msg::Input(crate::app::msg::Input::Resize(133, 40)));
    assert_eq!(lines(&mut stage)[0], before);
}
