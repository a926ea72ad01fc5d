//! Finding words in a conversation, and the files of its messages.

use super::*;
use crate::domain::message::Media;

fn long() -> World {
    let mut world = world();
    let messages = (1..=400).map(|id| {
        let words = if id % 100 == 50 { "ainda tem o modelo azul?" } else { "Oi" };
        message(id, 1, minutes_ago(500 - id), text(words))
    });
    world.messages.insert(1, messages.collect());
    world.conversations.retain(|row| row.id.0 == 1);
    let row = &mut world.conversations[0];
    (row.failed, row.unread, row.first_unread) = (0, 0, None);
    world
}

fn selected(stage: &Stage) -> Option<i64> {
    stage.model.chat.as_ref()?.selected.map(|id| id.0)
}

fn on_screen(stage: &mut Stage, id: i64) -> bool {
    let seen = stage.model.with_chat(|chat, look, height| {
        chat.view(look, height).rows.iter().any(|(message, _)| message.0 == id)
    });
    seen.unwrap()
}

#[test]
fn words_are_found_in_the_conversation_however_far_up_they_are() {
    let mut stage = Stage::new(long(), (80, 24));
    stage.keys("l/azul<Enter>");
    assert_eq!(selected(&stage), Some(350));
    assert!(on_screen(&mut stage, 350));
    stage.keys("nn");
    assert_eq!(selected(&stage), Some(150), "far above what was loaded");
    assert!(on_screen(&mut stage, 150));
    stage.keys("N");
    assert_eq!(selected(&stage), Some(250));
    stage.keys("nnn");
    assert_eq!(selected(&stage), Some(50));
    let said = stage.model.notice.as_ref().unwrap().text.clone();
    assert!(said.contains("has \"azul\""), "{said}");
}

#[test]
fn a_conversation_that_the_filter_found_opens_at_what_it_found() {
    let mut world = long();
    // The fixture's list is filtered by names alone.
    world.conversations[0].contact.name = Some("azul".to_owned());
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("/azul<Enter>l");
    assert_eq!(selected(&stage), Some(350));
    assert!(on_screen(&mut stage, 350));
    // Who writes at once sees it too, and no message is selected.
    let mut stage = Stage::new(stage.world, (80, 24));
    stage.keys("/azul<Enter><Enter>");
    assert!(on_screen(&mut stage, 350));
    // Of somebody whose name fits and no word, nothing is said.
    let mut world = long();
    world.messages.insert(1, vec![message(1, 1, minutes_ago(1), text("Oi"))]);
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("/ana<Enter>l");
    assert!(stage.model.notice.is_none());
}

fn with_file(copy: MediaCopy) -> Stage {
    let mut world = long();
    let media = Media {
        copy,
        file_name: Some("../nota fiscal.pdf".to_owned()),
        ..Media::new(MediaKind::Document)
    };
    let body = Body::Media { media, caption: None };
    world.messages.insert(1, vec![message(7, 1, minutes_ago(2), body)]);
    Stage::new(world, (80, 24))
}

#[test]
fn the_file_of_a_message_is_shown_and_saved_by_key() {
    let path = "media/7-nota.pdf".to_owned();
    let mut stage = with_file(MediaCopy::Stored { path: path.clone(), size: 9 });
    stage.keys("lkv");
    assert_eq!(stage.effects.last(), Some(&Effect::OpenFile(path.clone())));
    stage.keys("s");
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert_eq!(prompt.editor.text(), "nota fiscal.pdf", "no path of the sender's");
    stage.keys("~/notas/<Enter>");
    let name = "nota fiscal.pdf".to_owned();
    let saved = Effect::SaveFile { path: path.clone(), to: "~/notas/".to_owned(), name };
    assert_eq!(stage.effects.last(), Some(&saved));
    stage.keys("y");
    assert_eq!(stage.effects.last(), Some(&Effect::Copy(path)));
}

#[test]
fn a_message_without_a_file_says_so() {
    let mut stage = Stage::new(long(), (80, 24));
    for (mut stage, words) in [
        (with_file(MediaCopy::Pending), "not fetched yet"),
        (with_file(MediaCopy::Failed("no longer at Meta".to_owned())), "no longer at Meta"),
    ] {
        stage.keys("lkv");
        let said = &stage.model.notice.as_ref().unwrap().text;
        assert!(said.contains(words), "{said}");
        assert!(!stage.effects.iter().any(|effect| matches!(effect, Effect::OpenFile(_))));
    }
    stage.keys("lks");
    assert_eq!(stage.model.notice.as_ref().unwrap().text, "This message has no file.");
}
