mod campaigns;
mod drafts;
mod finding;
mod hooks;
mod keys;
mod maker;
mod queue;
mod templates;
mod window;
mod workbench;

use super::update;
use crate::app::chat::Scroll;
use crate::app::fixture::{
    Stage, World, conversation, message, minutes_ago, now, setup, text, world,
};
use crate::app::msg::{
    Command, Done, Effect, Finished, Input, Key, KeyCode, Looked, Msg, Query, QuitCause, Reply,
    Ticket, Which,
};
use crate::app::{Focus, Mode, Model, Overlay, start};
use crate::domain::change::Changes;
use crate::domain::conversation::{Counts, Draft};
use crate::domain::health::Health;
use crate::domain::id::{ConversationId, MessageId, WaId};
use crate::domain::message::{Author, Body, MediaCopy, MediaKind, SortKey};
use crate::domain::outbox::Decision;

use crate::domain::state::State;
use crate::domain::time::Timestamp;

fn stage() -> Stage {
    Stage::new(world(), (80, 24))
}

/// Presses keys in the inbox of the fixture and looks at the commands that come of it.
#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let mut stage = stage();
    stage.keys(script);
    let commands: Vec<_> = stage.commands().iter().map(short).collect();
    assert_eq!(commands, expected, "{script}");
}

fn short(command: &Command) -> String {
    match command {
        Command::Send { message, at, .. } => {
            let Body::Text { text, .. } = &message.body else { panic!("{message:?}") };
            let reply = message.reply_to.map(|id| format!(" re {id}")).unwrap_or_default();
            let at = at.map(|at| format!(" at {}", at.millis())).unwrap_or_default();
            format!("send {} {text:?}{reply}{at}", message.conversation)
        }
        Command::Begin { number, .. } => format!("begin {number}"),
        Command::SaveDraft(id, edit) => format!("draft {id} {:?}", edit.draft.text),
        Command::MarkRead(id, message) => format!("read {id} {message}"),
        Command::Marketing { conversation, stop } => format!("marketing {conversation} {stop}"),
        Command::MarkUnread(id) => format!("unread {id}"),
        Command::Replay(id) => format!("replay {id}"),
        Command::ReplayEdited(id, body) => format!("replay {id} {body}"),
        Command::Decide(which, decision) => {
            let which = match which {
                Which::These(ids) => {
                    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
                }
                Which::Group { filter, sweep, .. } => {
                    let more = if sweep.is_some() { " more" } else { "" };
                    format!("all {filter:?}{more}")
                }
            };
            match decision {
                Decision::SendAgain => format!("again {which}"),
                Decision::Cancel => format!("drop {which}"),
                other => format!("{other:?} {which}"),
            }
        }
        Command::Campaign(id, course) => format!("{course:?} campaign {id}"),
        Command::Pause(_, pause) => format!("pause {pause}"),
        Command::SyncTemplates(_) => "sync".to_owned(),
        Command::CancelSync(_) => "cancel sync".to_owned(),
        Command::AskAccount(_) => "ask account".to_owned(),
        Command::KeepTemplate(_, purpose, fields) => {
            format!("keep {purpose:?} {:?}", fields.get("body"))
        }
        Command::KeepValues(conversation, name, values) => {
            format!("values {conversation} {name} {}", values.len())
        }
        Command::Profile(_) => "profile".to_owned(),
        Command::SetProfile(_, change) => format!("set {:?}", change.texts),
        Command::SetPicture(_, path) => format!("picture {path}"),
        Command::Post(_, say) => format!("post {say:?}"),
        Command::Tunnel(kind) => format!("tunnel {}", kind.name()),
        Command::Work(_, work) => format!("{work:?}"),
    }
}

#[test]
fn enter_opens_and_composes_and_enter_sends() {
    check("jj<Enter>hello<Enter>", &["send 3 \"hello\""]);
    check(
        "<Enter>one<Ctrl-J>two<Alt-Enter>three<Enter>",
        &["read 1 1009", "send 1 \"one\\ntwo\\nthree\""],
    );
    check("jj<Enter>   <Enter>", &[]);
    check("jji<Enter>", &[]);
}

#[test]
fn reading_marks_as_read_once_and_looking_at_the_list_does_not() {
    check("jk", &[]);
    check("ljkjk", &["read 1 1009"]);
    check("lU", &["read 1 1009", "unread 1"]);
    check("U", &["unread 1"]);
}

#[test]
fn nothing_is_read_while_the_terminal_has_no_focus() {
    let mut stage = stage();
    stage.tell(Msg::Input(Input::Focus(false)));
    stage.keys("l");
    assert!(stage.commands().is_empty());
    stage.tell(Msg::Input(Input::Focus(true)));
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["read 1 1009"]);
}

#[test]
fn a_reply_quotes_the_selected_message_and_esc_takes_back_the_reply_first() {
    check("lkkkkkkrok<Enter>", &["read 1 1009", "send 1 \"ok\" re 1006"]);
    let mut stage = stage();
    stage.keys("lkrtext<Esc>");
    assert_eq!(stage.model.composer.draft(), Draft { text: "text".into(), reply_to: None });
    assert_eq!(stage.model.focus, Focus::Compose);
    stage.keys("<Esc>");
    assert_eq!(stage.model.focus, Focus::Chat);
    assert_eq!(stage.model.composer.draft().text, "text");
}

#[test]
fn a_closed_window_is_refused_with_the_reason_and_the_text_stays() {
    let mut stage = stage();
    stage.keys("jjj<Enter><Esc>hello<Enter><Esc>");
    assert!(stage.commands().is_empty());
    assert!(stage.model.notice.as_ref().unwrap().text.contains("template"));
    assert_eq!(stage.model.composer.draft().text, "hello");
}

#[test]
fn a_refusal_does_not_stand_over_another_conversation() {
    let mut stage = stage();
    stage.keys("jjj<Enter><Esc>hello<Enter><Esc>");
    assert!(stage.model.notice.is_some());
    stage.keys("<Alt-Down>");
    assert_eq!(stage.model.notice, None);
}

#[test]
fn too_long_a_text_is_refused_and_stays() {
    let mut stage = stage();
    stage.keys("jj<Enter>");
    stage.tell(Msg::Input(Input::Paste("x".repeat(4_100))));
    stage.keys("<Enter>");
    assert!(stage.commands().is_empty());
    assert!(stage.model.notice.as_ref().unwrap().text.contains("4 more"));
    assert_eq!(stage.model.composer.editor.characters(), 4_100);
}

#[test]
fn a_paste_of_three_lines_sends_nothing_wherever_it_lands() {
    for keys in ["", "l", "<Enter>"] {
        let mut stage = stage();
        stage.keys("jj").keys(keys);
        stage.tell(Msg::Input(Input::Paste("one\ntwo\r\nthree\n".to_owned())));
        assert!(stage.commands().is_empty(), "{keys}");
        assert_eq!(stage.model.composer.draft().text, "one\ntwo\nthree\n");
    }
}

#[test]
fn drafts_are_saved_after_a_pause_and_at_once_on_leaving() {
    let mut stage = stage();
    stage.keys("jj<Enter>half");
    assert!(stage.commands().is_empty());
    stage.wait(499);
    assert!(stage.commands().is_empty());
    stage.wait(1);
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["draft 3 \"half\""]);
    stage.wait(10_000);
    assert!(stage.commands().is_empty());
    check("jj<Enter>half<Esc>", &["draft 3 \"half\""]);
    check("jj<Enter>half<Alt-Down>", &["draft 3 \"half\""]);
    let mut stage = self::stage();
    stage.keys("jj<Enter>half");
    stage.tell(Msg::Quit(QuitCause::Signal));
    assert!(matches!(
        stage.effects.as_slice(),
        [.., Effect::Do(_, Command::SaveDraft(..)), Effect::Quit]
    ));
}

#[test]
fn drafts_come_back_with_their_conversation() {
    let mut stage = stage();
    stage.keys("jj<Enter>half<Alt-Down><Alt-Up>");
    assert_eq!(stage.model.composer.draft().text, "half");
    stage.keys("<Esc>hjjjjj");
    assert_eq!(stage.model.composer.draft().text, "Oi Gabi, conseguimos", "the store's");
}

#[test]
fn a_send_that_cannot_be_stored_brings_the_text_back() {
    let mut stage = stage();
    stage.keys("jj<Enter>hello<Enter>");
    let Some(Effect::Do(id, Command::Send { .. })) = stage.effects.pop() else { panic!() };
    stage.keys("more");
    stage.tell(Msg::Finished(Finished { id, result: Err("the disk is full".to_owned()) }));
    assert_eq!(stage.model.composer.draft().text, "hello\nmore");
    assert!(stage.model.notice.as_ref().unwrap().text.contains("disk is full"));
}

#[test]
fn a_draft_that_cannot_be_saved_is_tried_again() {
    let mut stage = stage();
    stage.keys("jj<Enter>half");
    stage.wait(500);
    let Some(Effect::Do(id, Command::SaveDraft(..))) = stage.effects.pop() else { panic!() };
    stage.tell(Msg::Finished(Finished { id, result: Err("busy".to_owned()) }));
    stage.wait(5_000);
    assert_eq!(stage.commands().len(), 1);
}

#[test]
fn failed_messages_are_sent_again_or_dropped_on_the_persons_word() {
    check("lRs", &["read 1 1009", "again 1011"]);
    check("lRd", &["read 1 1009", "drop 1011"]);
    check("lR<Esc>", &["read 1 1009"]);
    check("lkRd", &["read 1 1009", "drop 1011"]);
    check("jjlR", &[]);
}

#[test]
fn a_new_number_begins_a_conversation_and_an_error_keeps_the_text() {
    let mut stage = stage();
    stage.keys("c11 98888<Enter>");
    assert!(stage.commands().is_empty(), "no country code");
    stage.keys("<Ctrl-U>+15551230001<Enter>");
    let Some(Effect::Do(id, Command::Begin { number, .. })) = stage.effects.pop() else { panic!() };
    assert_eq!(number, WaId::new("15551230001"));
    stage.tell(Msg::Finished(Finished { id, result: Err("not a number".to_owned()) }));
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert_eq!(
        (prompt.editor.text().as_str(), prompt.error.as_deref()),
        ("+15551230001", Some("not a number"))
    );
    stage.keys("<Enter>");
    let Some(Effect::Do(id, Command::Begin { .. })) = stage.effects.pop() else { panic!() };
    let done = Done::Conversation(ConversationId(12));
    stage.tell(Msg::Finished(Finished { id, result: Ok(done) }));
    assert_eq!(stage.model.chat.as_ref().unwrap().id, ConversationId(12));
    assert_eq!(stage.model.focus, Focus::Compose);
}

#[test]
fn what_only_begins_with_a_plus_begins_no_conversation() {
    for wrong in ["+", "+abc", "+12", "+999 555 123 0001", "+1 555 123 0001 0001 0001"] {
        let mut stage = stage();
        stage.keys(&format!("c{wrong}<Enter>"));
        assert!(stage.commands().is_empty(), "{wrong}");
        let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!("{wrong}") };
        assert_eq!(prompt.editor.text(), wrong);
        assert!(prompt.error.as_ref().unwrap().contains(wrong), "{:?}", prompt.error);
    }
}

#[test]
fn jumping_finds_by_a_few_letters() {
    let mut stage = stage();
    stage.keys("<Ctrl-P>elpra<Enter>");
    assert_eq!(stage.model.chat.as_ref().unwrap().id, ConversationId(5));
    stage.keys("<Ctrl-P>+1 555 123 0009<Enter>");
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["begin 15551230009"]);
}

#[test]
fn the_command_box_carries_out_actions() {
    check("jj:mark unread<Enter>", &["unread 3"]);
}

#[test]
fn next_unread_goes_round() {
    let mut stage = stage();
    let mut seen = Vec::new();
    for _ in 0..4 {
        stage.keys("u");
        seen.push(stage.model.chat.as_ref().unwrap().id.0);
    }
    assert_eq!(seen, [2, 6, 1, 2]);
}

#[test]
fn the_bell_rings_for_what_is_not_looked_at() {
    let arrival = |id| {
        let id = ConversationId(id);
        Msg::Changed(Changes {
            conversations: [id].into(),
            arrivals: [id].into(),
            ..Changes::default()
        })
    };
    let rings = |stage: &mut Stage, id| {
        stage.effects.clear();
        stage.tell(arrival(id));
        stage.effects.contains(&Effect::Bell)
    };
    let mut stage = stage();
    stage.keys("l");
    assert!(rings(&mut stage, 2));
    assert!(!rings(&mut stage, 1));
    stage.tell(Msg::Input(Input::Focus(false)));
    assert!(rings(&mut stage, 1));
    stage.model.settings.bell = false;
    assert!(!rings(&mut stage, 2));
}

#[test]
fn a_list_filtered_by_text_is_read_again_when_more_words_can_be_found() {
    let mut stage = stage();
    let asks = |stage: &mut Stage| {
        let words = Msg::Changed(Changes { words: true, ..Changes::default() });
        let effects = update(&mut stage.model, words, now());
        effects.iter().any(|effect| matches!(effect, Effect::Run(Query::List { .. })))
    };
    assert!(!asks(&mut stage));
    stage.keys("/parcel");
    assert!(asks(&mut stage));
}

#[test]
fn what_is_waited_for_first_fills_the_screen_and_a_larger_screen_gets_more() {
    let conversations = (1..=300).map(|id| conversation(id, "Somebody", id, "Hi")).collect();
    let messages = (1..=300).map(|id| message(id, 1, minutes_ago(400 - id), text("Hi"))).collect();
    let world = World { conversations, messages: [(1, messages)].into(), ..World::default() };
    let asked = start(&mut Model::new(setup(Mode::Live, (80, 24)), now()));
    let first = asked.iter().find_map(|effect| match effect {
        Effect::Run(Query::List { limit, .. }) => Some(*limit),
        _ => None,
    });
    assert!(first.is_some_and(|limit| limit < 60), "more than is looked at: {first:?}");
    let mut stage = Stage::new(world, (80, 24));
    stage.tell(Msg::Input(Input::Resize(200, 120)));
    assert!(stage.model.list.page.rows().len() >= 110, "rows of the screen stay empty");
    stage.keys("l");
    let chat = stage.model.chat.as_ref().unwrap();
    assert!(chat.page.rows().len() >= 110, "lines of the screen stay empty");
}

/// The look that was asked for last, answered.
fn look_finds(stage: &mut Stage, file: Result<(&str, u64), &str>) {
    let asked = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Look(ticket, path) => Some((*ticket, path.clone())),
        _ => None,
    });
    let (ticket, typed) = asked.expect("a look");
    let file = file.map(|(path, size)| (path.to_owned(), size)).map_err(str::to_owned);
    stage.tell(Msg::Looked(ticket, Looked { typed, file, ends: Vec::new() }));
}

#[test]
fn a_file_goes_with_what_is_written_as_its_words() {
    let mut stage = stage();
    stage.keys("iLook at this<Ctrl-O>~/menu.pdf<Enter>");
    assert!(matches!(&stage.model.overlay, Some(Overlay::Prompt(prompt)) if prompt.busy));
    look_finds(&mut stage, Ok(("/home/ana/menu.pdf", 7)));
    assert!(stage.model.overlay.is_none());
    let commands = stage.commands();
    let [.., Command::Send { message, clears: Some(_), .. }] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    let Body::Media { media, caption } = &message.body else { panic!("{message:?}") };
    let outside = MediaCopy::Outside { path: "/home/ana/menu.pdf".to_owned() };
    assert_eq!((media.kind, &media.copy), (MediaKind::Document, &outside));
    assert_eq!(caption.as_deref(), Some("Look at this"));
    assert!(stage.model.composer.editor.text().is_empty());
    // A link is not looked at.
    stage.keys("<Ctrl-O>https://example.com/a.png<Enter>");
    let commands = stage.commands();
    assert!(
        matches!(&commands[..], [.., Command::Send { message, .. }]
        if message.body.file().is_some_and(|media| media.url.is_some())),
        "{commands:?}"
    );
}

#[test]
fn what_cannot_be_attached_says_why_and_nothing_typed_is_lost() {
    let mut stage = stage();
    stage.keys("ilisten<Ctrl-O><Enter>");
    let error = |stage: &Stage| match &stage.model.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.error.clone().unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&stage), "Type the path of a file, or a link");
    stage.keys("gone.mp3");
    look_finds(&mut stage, Err("there is no such file"));
    stage.keys("<Enter>");
    assert_eq!(error(&stage), "gone.mp3: there is no such file");
    stage.keys("<Ctrl-U>song.mp3");
    look_finds(&mut stage, Ok(("/song.mp3", 9)));
    stage.keys("<Enter>");
    assert!(error(&stage).contains("no caption on type audio"), "{}", error(&stage));
    stage.keys("<Esc>");
    assert_eq!(stage.model.composer.editor.text(), "listen");
    assert!(stage.commands().iter().all(|command| !matches!(command, Command::Send { .. })));
}

#[test]
fn the_path_after_one_that_was_refused_is_no_message() {
    let mut stage = stage();
    stage.keys("iLook<Ctrl-O>big.png");
    look_finds(&mut stage, Ok(("/big.png", 6 << 20)));
    stage.keys("<Enter>");
    let error = |stage: &Stage| match &stage.model.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.error.clone().unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert!(error(&stage).contains("6.0 MB, and Meta takes at most 5 MB"), "{}", error(&stage));
    // What is seen only while the file is copied.
    stage.keys("<Ctrl-U>full.png");
    look_finds(&mut stage, Ok(("/full.png", 9)));
    stage.keys("<Enter>");
    assert!(stage.model.overlay.is_none());
    let sent = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Do(id, Command::Send { .. }) => Some(*id),
        _ => None,
    });
    let result = Err("the disk is full".to_owned());
    stage.tell(Msg::Finished(Finished { id: sent.unwrap(), result }));
    assert_eq!(error(&stage), "not sent: the disk is full");
    assert_eq!(stage.model.composer.editor.text(), "Look");
    stage.keys("/other.pdf<Enter>");
    look_finds(&mut stage, Ok(("/other.pdf", 9)));
    let commands = stage.commands();
    let [.., Command::Send { message, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(
        message.body.file().unwrap().copy,
        MediaCopy::Outside { path: "/other.pdf".to_owned() }
    );
}

#[test]
fn answers_in_the_wrong_order_change_nothing() {
    let mut model = Model::new(setup(Mode::Live, (80, 24)), now());
    let mut asked: Vec<_> = start(&mut model).iter().filter_map(ticket).collect();
    let typed = |c| Msg::Input(Input::Key(crate::app::keymap::parse_key(c).unwrap()));
    for key in ["/", "b"] {
        asked.extend(update(&mut model, typed(key), now()).iter().filter_map(ticket));
    }
    let reply = |ticket, name: &str| {
        let rows = vec![conversation(1, name, 1, "")];
        let counts = Counts::default();
        Msg::Loaded(Reply::List { ticket, rows, more_above: false, more_below: false, counts })
    };
    drop(update(&mut model, reply(asked[1], "newer"), now()));
    drop(update(&mut model, reply(asked[0], "older"), now()));
    assert_eq!(model.list.page.rows()[0].contact.name.as_deref(), Some("newer"));
}

fn ticket(effect: &Effect) -> Option<Ticket> {
    match effect {
        Effect::Run(Query::List { ticket, .. }) => Some(*ticket),
        _ => None,
    }
}

#[test]
fn an_idle_screen_draws_nothing() {
    let mut stage = stage();
    stage.keys("l");
    stage.model.take_dirty();
    stage.tell(Msg::Changed(Changes { everything: true, ..Changes::default() }));
    stage.tell(Msg::Health(Box::new(crate::app::fixture::health())));
    stage.wait(30_000);
    assert!(!stage.model.take_dirty(), "nothing that is shown changed");
    let due = stage.model.next_deadline().unwrap();
    assert_eq!(due.since(stage.now).as_secs(), 30, "only the minute turns");
    stage.wait(30_000);
    assert!(stage.model.take_dirty());
}

#[test]
fn ctrl_c_clears_then_asks_then_quits() {
    let mut stage = stage();
    stage.keys("jj<Enter>words<Ctrl-C>");
    assert!(stage.model.composer.editor.is_empty());
    stage.keys("<Ctrl-Z>");
    assert_eq!(stage.model.composer.draft().text, "words");
    stage.keys("<Ctrl-C>");
    stage.effects.clear();
    stage.keys("<Ctrl-C>");
    assert!(!stage.effects.contains(&Effect::Quit));
    stage.keys("<Ctrl-C>");
    assert!(stage.effects.contains(&Effect::Quit));
}

#[test]
fn a_pending_sequence_is_cancelled_by_esc() {
    let mut stage = stage();
    stage.keys("jjg");
    assert_eq!(stage.model.pending.len(), 1);
    stage.keys("<Esc>g");
    assert_eq!(stage.model.list.selected, Some(ConversationId(3)));
    stage.keys("g");
    assert_eq!(stage.model.list.selected, Some(ConversationId(1)));
}

#[test]
fn hundreds_of_thousands_of_conversations_scroll() {
    let rows = (0..5_000).map(|id| conversation(id, &format!("c{id}"), id, "x"));
    let world = World { conversations: rows.collect(), ..World::default() };
    let mut stage = Stage::new(world, (80, 24));
    for _ in 0..700 {
        stage.keys("j");
    }
    assert_eq!(stage.model.list.selected, Some(ConversationId(700)));
    assert!(stage.model.list.page.rows().len() <= 300);
    for _ in 0..650 {
        stage.keys("k");
    }
    assert_eq!(stage.model.list.selected, Some(ConversationId(50)));
    stage.keys("G");
    assert_eq!(stage.model.list.selected, Some(ConversationId(4_999)));
    stage.keys("gg");
    assert_eq!(stage.model.list.selected, Some(ConversationId(0)));
}

#[test]
fn the_filter_works_while_it_is_typed_and_esc_clears_it() {
    let mut stage = stage();
    stage.keys("/gab");
    assert_eq!(stage.model.list.page.rows().len(), 1);
    stage.keys("<Enter>");
    assert_eq!(stage.model.chat.as_ref().unwrap().id, ConversationId(8));
    stage.keys("<Esc>");
    assert_eq!(stage.model.list.page.rows().len(), 12);
    assert_eq!(stage.model.list.selected, Some(ConversationId(8)));
}

#[test]
fn the_editor_gets_the_text_and_gives_it_back() {
    let mut stage = stage();
    stage.keys("jj<Enter>draft<Ctrl-X><Ctrl-E>");
    assert!(stage.effects.contains(&Effect::Edit("draft".to_owned())));
    stage.tell(Msg::Edited(Ok("better\n".to_owned())));
    assert_eq!(stage.model.composer.draft().text, "better");
    stage.tell(Msg::Edited(Err("no editor".to_owned())));
    assert_eq!(stage.model.composer.draft().text, "better");
}

#[test]
fn copying_takes_the_words_without_labels() {
    let mut stage = stage();
    stage.keys("lkkkky");
    assert!(stage.effects.contains(&Effect::Copy("Chegou com a caixa aberta".to_owned())));
    assert_eq!(stage.model.chat.as_ref().unwrap().selected, Some(MessageId(1008)));
}

#[test]
fn the_first_screen_offers_the_demo() {
    let mut model = Model::new(setup(Mode::NoAccount, (80, 24)), now());
    assert!(start(&mut model).iter().all(|effect| matches!(effect, Effect::Title(_))));
    let key = Msg::Input(Input::Key(crate::app::keymap::parse_key("d").unwrap()));
    assert_eq!(update(&mut model, key, now()), [Effect::StartDemo]);
}

#[test]
fn next_failed_leads_to_what_the_bar_counts() {
    let mut stage = stage();
    stage.world.conversations[4].failed = 1;
    let mut seen = Vec::new();
    for _ in 0..3 {
        stage.keys("F");
        seen.push(stage.model.chat.as_ref().unwrap().id.0);
    }
    assert_eq!(seen, [5, 1, 5]);
    for row in &mut stage.world.conversations {
        row.failed = 0;
    }
    stage.keys("F");
    assert_eq!(stage.model.notice.as_ref().unwrap().text, "No message failed or is uncertain.");
}

#[test]
fn the_failed_message_that_f_leads_to_can_be_decided_at_once() {
    let mut stage = stage();
    stage.keys("jjFR");
    assert_eq!(stage.model.chat.as_ref().unwrap().selected, Some(MessageId(1011)));
    assert!(matches!(stage.model.overlay, Some(Overlay::Ask(MessageId(1011)))));
}

#[test]
fn f_loads_a_failed_message_that_is_further_up_than_what_is_loaded() {
    let mut stage = stage();
    let messages = stage.world.messages.get_mut(&1).unwrap();
    let last = messages.last().unwrap().clone();
    for n in 1..=400 {
        let mut message = last.clone();
        message.id = MessageId(9_000 + n);
        message.key = SortKey { at: last.key.at + n, id: message.id };
        message.state = State::Read;
        message.trouble = None;
        messages.push(message);
    }
    stage.keys("jjFR");
    let chat = stage.model.chat.as_ref().unwrap();
    assert_eq!((chat.id, chat.selected), (ConversationId(1), Some(MessageId(1011))));
    assert!(matches!(stage.model.overlay, Some(Overlay::Ask(MessageId(1011)))));
}

#[test]
fn the_keys_named_below_a_failure_work_in_the_list_too() {
    check("Rs", &["again 1011", "read 1 1009"]);
    let mut stage = stage();
    stage.keys("x");
    let explained = Some(MessageId(1011));
    assert_eq!(stage.model.chat.as_ref().unwrap().selected, explained);
    assert!(matches!(stage.model.overlay, Some(Overlay::Explain { .. })));
}

#[test]
fn the_selected_message_is_explained_and_no_other() {
    let mut stage = stage();
    let shown = |stage: &Stage| stage.model.chat.as_ref().unwrap().selected.unwrap().0;
    stage.keys("lkkkk");
    let inbound = shown(&stage);
    assert_ne!(inbound, 1011, "the failed one is another");
    stage.keys("x");
    assert_eq!(shown(&stage), inbound);
    let page: String = crate::app::pages::lines(&stage.model)
        .iter()
        .flat_map(|line| line.0.iter().map(|(_, words)| format!("{words}\n")))
        .collect();
    assert!(page.contains("nothing went wrong") && page.contains("F goes to the one"), "{page}");
    stage.keys("<Esc>R");
    assert!(stage.model.overlay.is_none(), "another one would be asked about");
    let said = stage.model.notice.as_ref().unwrap().text.clone();
    assert!(said.contains("nothing to decide") && said.contains("F goes to the one"), "{said}");
    stage.keys("Fx");
    assert_eq!(shown(&stage), 1011);
}

#[test]
fn what_waits_below_the_selected_message_is_named() {
    let mut world = world();
    for row in world.messages.get_mut(&1).unwrap() {
        if row.id == MessageId(1011) {
            row.state = State::Read;
            row.trouble = None;
        }
    }
    let mut stage = Stage::new(world, (80, 24));
    stage.keys("lkkkkR");
    let said = &stage.model.notice.as_ref().unwrap().text;
    assert!(said.ends_with("One below waits: j goes to it."), "{said}");
}

#[test]
fn a_failure_of_the_phone_is_not_sent_again_from_here() {
    let mut stage = stage();
    for message in stage.world.messages.get_mut(&1).unwrap() {
        if message.id == MessageId(1011) {
            message.author = Author::PhoneApp;
        }
    }
    stage.keys("]]FRs");
    assert!(stage.commands().iter().all(|command| matches!(command, Command::MarkRead(..))));
    assert!(stage.model.notice.as_ref().unwrap().text.starts_with("Only the phone"));
}

/// Keys may come faster than the store answers: the page asked for on opening leads to what is unread,
/// and must not take the view away from what was just sent.
#[test]
fn what_was_just_sent_is_in_view_even_when_the_first_page_comes_after_it() {
    let mut stage = Stage::new(world(), (80, 12));
    let chat = stage.model.chat.take().unwrap();
    stage.model.focus = Focus::List;
    let mut late = Vec::new();
    for key in ["Enter", "h", "i", "Enter"] {
        let key = crate::app::keymap::parse_key(key).unwrap();
        let effects = update(&mut stage.model, Msg::Input(Input::Key(key)), stage.now);
        late.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Run(query) => Some(query),
            _ => None,
        }));
    }
    assert!(late.iter().filter(|query| matches!(query, Query::Messages { .. })).count() > 1);
    for query in late {
        let reply = stage.world.answer(&query);
        stage.tell(Msg::Loaded(reply));
    }
    let found = stage.model.chat.as_ref().unwrap();
    assert_eq!((found.id, found.scroll), (chat.id, Scroll::Tail));
}

#[test]
fn a_webhook_that_changes_no_word_draws_nothing() {
    let mut stage = stage();
    let mut health = crate::app::fixture::health();
    let mut redraws = |stage: &mut Stage, change: &dyn Fn(&mut Health)| {
        change(&mut health);
        stage.model.take_dirty();
        stage.tell(Msg::Health(Box::new(health.clone())));
        stage.model.take_dirty()
    };
    let later = |millis| {
        move |health: &mut Health| {
            health.last_event = Some(Timestamp::from_millis(now().millis() - 30_000 + millis));
        }
    };
    assert!(redraws(&mut stage, &later(0)), "two minutes ago became now");
    assert!(!redraws(&mut stage, &later(1_000)));
    assert!(!redraws(&mut stage, &later(2_000)));
    assert!(redraws(&mut stage, &|health| health.accounts[0].waiting.queued += 1));
}

#[test]
fn an_alt_letter_without_a_meaning_is_esc_and_the_letter() {
    let mut stage = stage();
    stage.keys("jj<Enter>hello<Alt-k>");
    assert_eq!(stage.model.focus, Focus::Chat);
    assert_eq!(stage.commands().iter().map(short).collect::<Vec<_>>(), ["draft 3 \"hello\""]);
    stage.keys("i<Alt-b>X");
    assert_eq!(stage.model.composer.editor.text(), "Xhello", "Alt-B has a meaning");
    let alt_g = Key { code: KeyCode::Char('G'), ctrl: false, alt: true, shift: true };
    stage.tell(Msg::Input(Input::Key(alt_g)));
    assert_eq!(stage.model.focus, Focus::Chat);
    assert!(stage.model.pending.is_empty(), "G, not the beginning of g g");
    stage.keys("h<Ctrl-P>an<Alt-j>");
    assert!(stage.model.overlay.is_none());
}

/// The demo's past, or the first webhooks of a new number: the top of the list is what a person sees first.
#[test]
fn an_inbox_that_fills_shows_the_newest_until_a_key_is_pressed() {
    let mut stage = Stage::new(World::default(), (80, 24));
    let arrives = |stage: &mut Stage, id: i64, minutes: i64| {
        stage.world.conversations.push(conversation(id, "Ana", minutes, "hi"));
        stage.tell(Msg::Changed(Changes { everything: true, ..Changes::default() }));
        let shown = stage.model.chat.as_ref().map(|chat| chat.id);
        assert_eq!(shown, stage.model.list.selected);
        stage.model.list.selected
    };
    assert_eq!(arrives(&mut stage, 1, 90), Some(ConversationId(1)));
    assert_eq!(arrives(&mut stage, 2, 60), Some(ConversationId(2)));
    assert_eq!(arrives(&mut stage, 3, 70), Some(ConversationId(2)));
    stage.keys("j");
    assert_eq!(arrives(&mut stage, 4, 5), Some(ConversationId(3)), "it stays where the person is");
}
