//! What is typed is lost by nothing that happens beside it.

use super::*;
use crate::app::drafts::Edit;
use crate::app::msg::Query;

fn edit(seen: &str, text: &str) -> Edit {
    let draft = |text: &str| Draft { text: text.to_owned(), reply_to: None };
    Edit { seen: draft(seen), draft: draft(text) }
}

fn everything() -> Msg {
    Msg::Changed(Changes { everything: true, ..Changes::default() })
}

impl Stage {
    fn composed(&self) -> String {
        self.model.composer.draft().text
    }

    /// The drafts that are saved; what came of each is told.
    fn saves(&mut self, result: &Result<Done, String>) -> Vec<(i64, Edit)> {
        let mut saves = Vec::new();
        for effect in std::mem::take(&mut self.effects) {
            if let Effect::Do(id, Command::SaveDraft(chat, edit)) = effect {
                if result.is_ok() {
                    self.world.store_draft(chat, &edit.draft);
                }
                saves.push((chat.0, edit));
                self.tell(Msg::Finished(Finished { id, result: result.clone() }));
            }
        }
        saves
    }

    fn saved(&mut self) -> Vec<(i64, Edit)> {
        self.saves(&Ok(Done::Plain))
    }
}

#[test]
fn a_merge_does_not_hide_the_other_draft_from_the_next_key() {
    // The draft of a conversation that is not open, and of the one that is; either id may be the one that stays.
    for (open, gone) in [(1, 2), (2, 1)] {
        let mut stage = stage();
        let (first, second) =
            if open == 1 { ("j<Enter>", "k<Enter>") } else { ("<Enter>", "j<Enter>") };
        stage.keys(&format!("{first}for U<Esc>h{second}for N<Esc>i"));
        let saved = stage.saved();
        assert_eq!(saved, [(gone, edit("", "for U")), (open, edit("", "for N"))]);
        stage.world.merge(2, 1);
        stage.world.store_draft(ConversationId(1), &edit("", "for U\n\nfor N").draft);
        stage.tell(everything());
        assert_eq!(stage.composed(), "for U\n\nfor N");
        stage.keys("x");
        stage.wait(500);
        assert_eq!(stage.saved(), [(1, edit("for U\n\nfor N", "for U\n\nfor Nx"))]);
        assert_eq!(stage.world.row(ConversationId(1)).draft.unwrap().text, "for U\n\nfor Nx");
    }
}

#[test]
fn what_is_typed_while_another_inbox_types_stands_beside_it() {
    let mut stage = stage();
    stage.keys("jj<Enter>mine");
    stage.world.store_draft(ConversationId(3), &edit("", "theirs").draft);
    stage.tell(everything());
    assert_eq!(stage.composed(), "theirs\n\nmine");
    stage.keys("!");
    assert_eq!(stage.composed(), "theirs\n\nmine!", "the cursor stays where it was");
    stage.wait(500);
    assert_eq!(stage.saved(), [(3, edit("theirs", "theirs\n\nmine!"))]);
    // Who typed nothing follows.
    stage.world.store_draft(ConversationId(3), &edit("", "").draft);
    stage.tell(everything());
    assert_eq!(stage.composed(), "");
}

#[test]
fn an_old_answer_does_not_take_back_what_was_typed_since() {
    let mut stage = stage();
    stage.keys("jj<Enter>half");
    let effects = update(&mut stage.model, everything(), stage.now);
    let mut old = None;
    for effect in effects {
        if let Effect::Run(query @ Query::Messages { .. }) = effect {
            old = Some(stage.world.answer(&query));
        }
    }
    stage.wait(500);
    assert_eq!(stage.saved(), [(3, edit("", "half"))]);
    stage.tell(Msg::Loaded(old.unwrap()));
    assert_eq!(stage.composed(), "half");
    // It was read again, and so what another process wrote is seen all the same.
    stage.world.store_draft(ConversationId(3), &edit("", "half a thought").draft);
    stage.tell(everything());
    assert_eq!(stage.composed(), "half a thought");
}

#[test]
fn an_answer_while_a_draft_is_being_saved_is_asked_for_again() {
    let mut stage = stage();
    stage.keys("jj<Enter>half");
    stage.wait(500);
    let Some(Effect::Do(id, Command::SaveDraft(..))) = stage.effects.pop() else { panic!() };
    stage.tell(everything());
    assert_eq!(stage.composed(), "half", "the store did not have it when it was read");
    stage.world.store_draft(ConversationId(3), &edit("", "theirs\n\nhalf").draft);
    stage.tell(Msg::Finished(Finished { id, result: Ok(Done::Plain) }));
    assert_eq!(stage.composed(), "theirs\n\nhalf");
}

#[test]
fn a_draft_that_could_not_be_saved_is_not_lost_by_leaving() {
    let busy = Err("busy".to_owned());
    let mut stage = stage();
    stage.keys("jj<Enter>half<Alt-Down>");
    assert_eq!(stage.saves(&busy), [(3, edit("", "half"))]);
    stage.wait(5_000);
    assert_eq!(stage.saves(&busy), [(3, edit("", "half"))]);
    stage.keys("<Alt-Up>");
    assert_eq!(stage.composed(), "half");
    stage.keys("<Alt-Down>");
    assert_eq!(stage.saves(&busy), [(3, edit("", "half"))]);
    stage.tell(Msg::Quit(QuitCause::Signal));
    assert_eq!(stage.saved(), [(3, edit("", "half"))]);
}

#[test]
fn a_send_that_cannot_be_stored_is_not_lost_by_leaving() {
    let mut stage = stage();
    stage.keys("jj<Enter>hello");
    stage.wait(500);
    assert_eq!(stage.saved().len(), 1);
    stage.keys(" you<Enter>");
    let Some(Effect::Do(id, Command::Send { clears, .. })) = stage.effects.pop() else { panic!() };
    assert_eq!(clears, Some(edit("", "hello").draft), "what the store has is cleared, no more");
    stage.keys("<Alt-Down>");
    stage.tell(Msg::Finished(Finished { id, result: Err("the disk is full".to_owned()) }));
    stage.wait(5_000);
    assert_eq!(stage.saved(), [(3, edit("hello", "hello you"))]);
    stage.keys("<Alt-Up>");
    assert_eq!(stage.composed(), "hello you");
}
