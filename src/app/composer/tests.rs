use super::{Composer, Editor, LIMIT};
use crate::app::action::Action;
use crate::app::drafts::Edit;
use crate::domain::conversation::Draft;
use crate::domain::id::ConversationId;
use crate::domain::time::Timestamp;

fn edited(text: &str, actions: &[Action]) -> String {
    let mut editor = Editor::new(text, true);
    for action in actions {
        assert!(editor.edit(*action, 20), "{action:?}");
    }
    editor.insert('|');
    editor.text()
}

fn wrapped(text: &str, width: u16) -> Vec<String> {
    Editor::new(text, true).rows(width).into_iter().map(|row| row.text).collect()
}

#[test]
fn readline_edits() {
    assert_eq!(edited("one two", &[Action::DeleteWord]), "one |");
    assert_eq!(edited("one two", &[Action::WordLeft, Action::DeleteToEnd]), "one |");
    assert_eq!(edited("one two", &[Action::LineStart, Action::DeleteWordForward]), "| two");
    assert_eq!(
        edited("one two", &[Action::DeleteToStart, Action::Yank, Action::Yank]),
        "one twoone two|"
    );
    assert_eq!(edited("one two", &[Action::DeleteToStart, Action::Undo]), "one two|");
    assert_eq!(edited("a\nb", &[Action::CursorUp, Action::LineStart]), "|a\nb");
}

#[test]
fn a_family_is_one_character_to_the_hands() {
    let family = "a👨‍👩‍👧‍👦";
    assert_eq!(edited(family, &[Action::Left]), "a|👨‍👩‍👧‍👦");
    assert_eq!(edited(family, &[Action::DeleteBack]), "a|");
    assert_eq!(edited(family, &[Action::LineStart, Action::Right, Action::DeleteForward]), "a|");
}

#[test]
fn wraps_at_spaces_and_breaks_long_words() {
    assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
    assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    assert_eq!(wrapped("日本語です", 4), ["日本", "語で", "す"]);
    assert_eq!(wrapped("", 4), [""]);
    assert_eq!(wrapped("a\n\nb", 4), ["a", "", "b"]);
}

#[test]
fn up_and_down_follow_the_wrapped_rows() {
    let mut editor = Editor::new("one two three", true);
    editor.edit(Action::CursorUp, 8);
    editor.insert('|');
    assert_eq!(editor.text(), "one t|wo three");
    editor.edit(Action::CursorDown, 8);
    editor.edit(Action::CursorDown, 8);
    editor.insert('.');
    assert_eq!(editor.text(), "one t|wo three.");
}

#[test]
fn a_paste_brings_text_and_nothing_else() {
    let mut editor = Editor::new("", true);
    editor.paste("one\r\ntwo\rthree\x1b[31m\u{7}");
    assert_eq!(editor.text(), "one\ntwo\nthree[31m");
    let mut line = Editor::new("", false);
    line.paste("+55\n11");
    assert_eq!(line.text(), "+55 11");
}

#[test]
fn clearing_can_be_undone() {
    let mut editor = Editor::new("one\ntwo", true);
    editor.clear();
    assert!(editor.is_empty());
    editor.edit(Action::Undo, 20);
    assert_eq!(editor.text(), "one\ntwo");
}

#[test]
fn characters_are_counted_as_sent() {
    assert_eq!(Editor::new("ab\ncd", true).characters(), 5);
    assert_eq!(Editor::new(&"é".repeat(LIMIT), true).characters(), LIMIT);
}

#[test]
fn a_draft_is_saved_once_per_change() {
    let now = Timestamp::from_secs(1);
    let mut composer = Composer::new(ConversationId(1), Draft::default());
    assert_eq!(composer.take_unsaved(), None);
    composer.editor.insert('a');
    composer.touched(now);
    assert!(composer.due().is_some());
    assert_eq!(composer.take_unsaved().map(|(_, edit)| edit.draft.text), Some("a".to_owned()));
    assert_eq!((composer.take_unsaved(), composer.due()), (None, None));
    composer.not_saved(Edit { seen: Draft::default(), draft: composer.draft() }, now);
    assert!(composer.take_unsaved().is_some());
}

#[test]
fn a_text_that_could_not_be_sent_comes_back_before_the_next() {
    let now = Timestamp::from_secs(1);
    let mut composer =
        Composer::new(ConversationId(1), Draft { text: "first".into(), reply_to: None });
    let sent = composer.take();
    composer.editor.insert('x');
    composer.put_back(sent, now);
    assert_eq!(composer.draft().text, "first\nx");
}

/// The second of two stood before the first.
#[test]
fn texts_that_could_not_be_sent_come_back_in_their_order() {
    let now = Timestamp::from_secs(1);
    let mut composer = Composer::new(ConversationId(1), Draft::default());
    let sent = ["first", "second", "third"].map(|text| {
        text.chars().for_each(|c| composer.editor.insert(c));
        composer.take()
    });
    composer.editor.insert('x');
    for sent in sent {
        composer.put_back(sent, now);
    }
    assert_eq!(composer.draft().text, "first\nsecond\nthird\nx");
    // What comes back once they went is another matter.
    let all = composer.take();
    composer.editor.insert('y');
    composer.put_back(all, now);
    assert_eq!(composer.draft().text, "first\nsecond\nthird\nx\ny");
}
