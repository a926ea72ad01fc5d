mod accounts;
mod campaigns;
mod hooks;
mod queue;
mod templates;
mod window;
mod workbench;

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::{Borders, Colours, Glyphs, Theme, view};
use crate::app::fixture::{
    Stage, World, message, minutes_ago, nasty, now, sending_health, setup, text, world,
};
use crate::app::msg::{Input, Msg};
use crate::app::{Mode, Model};
use crate::domain::account::{Concern, FactKind};
use crate::domain::health::{Condition, Pace, Stop, StopKind, Waiting};
use crate::domain::id::AccountId;

fn draw(model: &Model, (width, height): (u16, u16), theme: &Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(model, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The characters on the screen, a `|` at the end of each row.
fn shown(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                out.push_str(symbol);
                skip = crate::domain::text::width(symbol);
            }
            skip = skip.saturating_sub(1);
        }
        writeln!(out, "|").unwrap();
    }
    out
}

fn screen(stage: &Stage) -> String {
    shown(&draw(&stage.model, stage.model.size(), &Theme::default()))
}

/// The style of the first cell of `words`.
fn style_of(buffer: &Buffer, words: &str) -> (Color, Modifier) {
    let width = usize::from(buffer.area.width);
    let symbols: Vec<_> = buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect();
    let wanted: Vec<_> = words.chars().map(String::from).collect();
    let at = symbols.windows(wanted.len()).position(|window| window == wanted).unwrap();
    let cell = &buffer[(u16::try_from(at % width).unwrap(), u16::try_from(at / width).unwrap())];
    (cell.fg, cell.modifier)
}

#[test]
fn inbox_80x24_composing() {
    let mut stage = Stage::new(world(), (80, 24));
    stage.keys(
        "<Enter>Pode me mandar uma foto da etiqueta? Assim adianto a troca pra voce hoje ainda.",
    );
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn inbox_120x36_list() {
    let mut stage = Stage::new(world(), (120, 36));
    stage.keys("j");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn inbox_200x50_selected_message() {
    let mut stage = Stage::new(world(), (200, 50));
    stage.keys("lkkkkk");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn narrow_40x12_list_and_conversation() {
    let mut stage = Stage::new(world(), (40, 12));
    let list = screen(&stage);
    stage.keys("l");
    insta::assert_snapshot!(format!("{list}\n{}", screen(&stage)));
}

#[test]
fn bubbles_stand_on_the_right() {
    let mut stage = Stage::new(world(), (100, 24));
    stage.model.settings.message_style = crate::app::MessageStyle::Bubbles;
    stage.keys("l");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn nasty_texts() {
    let mut stage = Stage::new(nasty(), (100, 60));
    stage.keys("l");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn nasty_texts_from_their_start() {
    let mut stage = Stage::new(nasty(), (80, 40));
    stage.keys("lgg");
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn reply_bar_and_closed_window() {
    let mut stage = Stage::new(world(), (80, 16));
    stage.keys("<Enter><Esc>kkkkr");
    let reply = screen(&stage);
    stage.keys("<Esc><Esc>hjjj");
    insta::assert_snapshot!(format!("{reply}\n{}", screen(&stage)));
}

#[test]
fn overlays() {
    let mut out = String::new();
    for keys in ["?", "c12<Enter>", "<Ctrl-P>li", ":mark", "lRx", "lx", "lo"] {
        let mut stage = Stage::new(world(), (80, 20));
        stage.keys(keys);
        writeln!(out, "{keys}\n{}", screen(&stage)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn first_screen() {
    let model = Model::new(setup(Mode::NoAccount, (80, 24)), now());
    insta::assert_snapshot!(shown(&draw(&model, (80, 24), &Theme::default())));
}

#[test]
fn trouble_is_said_in_words() {
    let mut stage = Stage::new(world(), (80, 14));
    let mut health = crate::app::fixture::health();
    health.listener = Condition::Down("port 8787 is taken".to_owned());
    health.account_trouble =
        Some("the token has expired; put a new one into the config".to_owned());
    stage.tell(Msg::Health(Box::new(health)));
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn a_full_disk_is_said_until_there_is_room() {
    let mut stage = Stage::new(world(), (80, 14));
    let full = crate::store::Error::Full.to_string();
    let mut health = crate::app::fixture::health();
    health.store_trouble = Some(full.clone());
    stage.tell(Msg::Health(Box::new(health)));
    assert!(screen(&stage).contains(&format!(" ! Store: {full}")), "{}", screen(&stage));
    stage.tell(Msg::Health(Box::new(crate::app::fixture::health())));
    assert!(!screen(&stage).contains("Store:"), "{}", screen(&stage));
}

/// Three troubles took six of 24 rows, and the conversation was not to be read any more.
#[test]
fn many_troubles_leave_room_for_the_conversation() {
    let mut stage = Stage::new(world(), (80, 24));
    let mut health = crate::app::fixture::health();
    let long = "port 8787 of 127.0.0.1 is taken by another program; close it, or put another port \
                into [listener] of the config";
    health.net_trouble = Some("the network part does not start".to_owned());
    health.listener = Condition::Down(long.to_owned());
    health.challenge_trouble = Some("no verify_token is set".to_owned());
    stage.tell(Msg::Health(Box::new(health.clone())));
    let shown = screen(&stage);
    let below = shown.lines().position(|line| line.starts_with(" All 12"));
    assert_eq!(below, Some(3), "{shown}");
    assert!(
        shown.contains("does not start") && shown.contains(" ! 2 more, D shows all"),
        "{shown}"
    );
    stage.keys("D");
    let shown = screen(&stage);
    assert!(shown.contains("into [listener] of the config"), "{shown}");
    assert!(shown.contains("no verify_token is set"), "{shown}");

    // A single one that is too long begins at least.
    let mut stage = Stage::new(world(), (80, 24));
    health.net_trouble = Some(long.repeat(3));
    stage.tell(Msg::Health(Box::new(health)));
    let shown = screen(&stage);
    assert!(shown.contains(" ! port 8787") && shown.contains(" ! 2 more, D shows all"), "{shown}");
    stage.model.size = (120, 48);
    let shown = screen(&stage);
    assert!(shown.contains("into [listener] of the config"), "{shown}");
}

/// The reason of a refusal is never cut, and the last row of the messages gives way to it.
#[test]
fn long_notices_and_troubles_wrap() {
    let mut stage = Stage::new(world(), (80, 14));
    stage.keys("<Ctrl-P>davi<Enter>Oi Davi!<Enter><Esc>");
    let refused = screen(&stage);
    let mut health = crate::app::fixture::health();
    let words = "port 8787 of 127.0.0.1 is taken by another program; close it, or put another port \
                 into [listener] of the config";
    health.listener = Condition::Down(words.to_owned());
    stage.tell(Msg::Health(Box::new(health)));
    stage.wait(60_000);
    insta::assert_snapshot!(format!("{refused}\n{}", screen(&stage)));
}

#[test]
fn the_window_in_words_that_fit() {
    let mut world = World { conversations: world().conversations, ..World::default() };
    world.conversations.truncate(4);
    world.conversations[1].last_inbound = Some(minutes_ago(24 * 60 - 30));
    world.conversations[2].last_inbound = Some(minutes_ago(3_000));
    world.conversations[3].last_inbound = None;
    let mut out = String::new();
    for columns in [120, 80, 40, 30] {
        let mut stage = Stage::new(world.clone(), (columns, 8));
        for keys in ["l", "]", "]", "]"] {
            stage.keys(keys);
            let drawn = screen(&stage);
            writeln!(out, "{}", drawn.lines().rev().nth(2).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn too_small_a_window_says_so_whole() {
    let stage = Stage::new(world(), (12, 4));
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn whom_one_writes_as_is_said_before_the_names_of_the_screens() {
    let mut health = crate::app::fixture::health();
    health.listener = Condition::Elsewhere;
    health.sender = Condition::Elsewhere;
    for width in [80, 90, 100, 120, 140, 200] {
        let mut stage = Stage::new(world(), (width, 30));
        stage.tell(Msg::Health(Box::new(health.clone())));
        let bar = screen(&stage).lines().next().unwrap().to_owned();
        assert!(bar.contains("Loja Sol"), "{width}: {bar}");
        assert_eq!(bar.contains("4 Hooks"), width >= 200, "{width}: {bar}");
    }
}

#[test]
fn the_health_stays_in_the_bar_whatever_else_is_there() {
    let banned = Concern {
        kind: FactKind::Status,
        grave: true,
        short: "banned".to_owned(),
        words: "Meta has banned it".to_owned(),
    };
    for (listener, sender, wanted) in [
        (Condition::Up, Condition::Elsewhere, &["hook ok", "sender elsewhere"][..]),
        (Condition::Elsewhere, Condition::Elsewhere, &["hook, sender elsewhere"]),
        (
            Condition::Down("why".to_owned()),
            Condition::Down("why".to_owned()),
            &["hook down", "sender down"],
        ),
    ] {
        let mut stage = Stage::new(world(), (80, 24));
        let mut health = sending_health();
        (health.listener, health.sender) = (listener, sender);
        health.refused.path = 6;
        health.accounts[0].waiting =
            Waiting { queued: 123, failed: 40, uncertain: 5, ..Waiting::default() };
        health.accounts[0].concerns = vec![banned.clone()];
        stage.model.account = Some(health.accounts[0].account);
        stage.tell(Msg::Health(Box::new(health)));
        let bar = screen(&stage).lines().next().unwrap().to_owned();
        for words in wanted.iter().chain(&["banned", "fail 45"]) {
            assert!(bar.contains(words), "{words}: {bar}");
        }
    }
}

#[test]
fn what_stops_another_account_is_not_told_as_the_shown_ones() {
    let health = sending_health();
    let shown = health.accounts[0].account;
    for (stopped, told) in [(shown, true), (AccountId(99), false)] {
        let mut stage = Stage::new(world(), (100, 24));
        stage.model.account = Some(shown);
        let mut health = health.clone();
        let words = "Meta limits its calls for a while".to_owned();
        let stop = Stop { kind: StopKind::Limited, words, until: now() };
        health.account_mut(stopped, "Loja Sol").pace =
            Some(Pace { stop: Some(stop), ..Pace::default() });
        stage.tell(Msg::Health(Box::new(health)));
        let drawn = screen(&stage);
        assert_eq!(drawn.contains("Nothing is being sent"), told, "{drawn}");
        assert_eq!(drawn.contains("sender down"), told, "{drawn}");
    }
}

#[test]
fn the_help_explains_the_signs_of_the_screen() {
    let mut stage = Stage::new(world(), (80, 200));
    stage.keys("?");
    let help = screen(&stage);
    for (sign, name) in [
        ("⋯", "queued"),
        ("◌", "accepted"),
        ("✓✓", "read"),
        ("✗", "failed"),
        ("@", "scheduled"),
        ("||", "held"),
        ("?", "uncertain"),
        ("⊘", "withdrawn"),
        ("D", "draft"),
        ("!", "closing"),
        ("T", "template"),
        ("⊘", "opted out"),
        ("↻2", "retried"),
    ] {
        let explained = |line: &str| {
            let words: Vec<&str> =
                line.split_whitespace().skip_while(|word| *word != sign).collect();
            words.get(1).is_some_and(|word| name.starts_with(word) || words.contains(&name))
        };
        assert!(help.lines().any(explained), "{sign} {name}\n{help}");
    }
}

#[test]
fn an_empty_inbox_teaches() {
    let stage = Stage::new(World::default(), (80, 14));
    insta::assert_snapshot!(screen(&stage));
}

#[test]
fn ascii_has_no_other_character() {
    let mut world = world();
    world.conversations.truncate(1);
    world.conversations[0].preview = None;
    world.messages.insert(1, vec![message(1, 1, minutes_ago(3), text("plain"))]);
    let mut stage = Stage::new(world, (170, 30));
    let theme = Theme::new(Colours::None, Borders::Ascii, Glyphs::Ascii);
    stage.model.settings.ellipsis = theme.ellipsis();
    stage.keys("lk");
    for keys in ["", "o", "?", "x", ":", "R"] {
        stage.keys(keys);
        for size in [(170, 30), (60, 12), (30, 8)] {
            stage.tell(Msg::Input(Input::Resize(size.0, size.1)));
            let drawn = shown(&draw(&stage.model, size, &theme));
            assert!(drawn.is_ascii(), "{drawn}");
        }
        stage.keys("<Esc>l");
    }
}

/// A family is one cell's content, whatever a terminal makes of it.
#[test]
fn no_grapheme_is_split_between_cells() {
    let mut world = world();
    world.conversations[0].contact.name = Some("Família Nunes 👨‍👩‍👧‍👦".to_owned());
    for columns in 60..130 {
        let mut stage = Stage::new(world.clone(), (columns, 24));
        stage.keys("l");
        let buffer = draw(&stage.model, (columns, 24), &Theme::default());
        for cell in &buffer.content {
            let parts = cell.symbol().contains(['\u{200d}', '👨', '👩', '👧', '👦']);
            assert!(!parts || cell.symbol() == "👨‍👩‍👧‍👦", "{:?} at {columns}", cell.symbol());
        }
    }
}

/// A terminal that hears what changes from frame to frame shows the same as one that hears all at once.
/// It keeps the parts of an Indic syllable apart, and does not clear the others when the first goes.
#[test]
fn nothing_stays_behind_in_a_terminal() {
    #[derive(Clone)]
    struct Screen(Rc<RefCell<vt100::Parser>>);
    impl Screen {
        fn open() -> (Self, Terminal<CrosstermBackend<Self>>) {
            let screen = Self(Rc::new(RefCell::new(vt100::Parser::new(24, 80, 0))));
            let viewport = Viewport::Fixed(Rect::new(0, 0, 80, 24));
            let backend = CrosstermBackend::new(screen.clone());
            let options = TerminalOptions { viewport };
            (screen, Terminal::with_options(backend, options).unwrap())
        }
    }
    impl std::io::Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().process(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut world = world();
    let names = ["प्रिया शर्मा", "நிலா கௌரி", "山田 太郎", "Zoë"];
    for (row, name) in world.conversations.iter_mut().zip(names) {
        row.contact.name = Some(name.to_owned());
    }
    let mut stage = Stage::new(world, (80, 24));
    let (screen, mut terminal) = Screen::open();
    let scripts =
        ["", "j", "<Ctrl-P>", "jo", "<Esc>:", "<Esc>", "?", "<Esc>l", "k", "h", "/a", "<Esc>"];
    for keys in scripts {
        stage.keys(keys);
        let theme = Theme::default();
        terminal.draw(|frame| view(&stage.model, &theme, frame)).unwrap();
        let (fresh, mut anew) = Screen::open();
        anew.draw(|frame| view(&stage.model, &theme, frame)).unwrap();
        let shown = |screen: &Screen| {
            let contents = screen.0.borrow().screen().contents();
            contents.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown(&screen), shown(&fresh), "after {keys}");
    }
}

#[test]
fn an_empty_conversation_says_what_can_be_done() {
    let mut world = World { conversations: world().conversations, ..World::default() };
    world.conversations.truncate(3);
    world.conversations[1].last_inbound = Some(minutes_ago(3_000));
    world.conversations[2].last_inbound = None;
    let mut stage = Stage::new(world, (60, 8));
    let mut out = String::new();
    for keys in ["l", "]", "]"] {
        stage.keys(keys);
        writeln!(out, "{}", screen(&stage)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn styles_say_what_words_say() {
    let mut stage = Stage::new(world(), (120, 36));
    stage.keys("l");
    let buffer = draw(&stage.model, (120, 36), &Theme::default());
    assert_eq!(style_of(&buffer, "131053"), (Color::Red, Modifier::empty()));
    assert_eq!(style_of(&buffer, "até 18h"), (Color::Reset, Modifier::BOLD));
    assert_eq!(style_of(&buffer, "DEMO").1, Modifier::REVERSED | Modifier::BOLD);
    assert_eq!(style_of(&buffer, "✓✓ Oi Ana").1, Modifier::BOLD, "read is bold");
    assert_eq!(style_of(&buffer, "✓✓ [template]").1, Modifier::empty(), "delivered is not");
    let plain = Theme::new(Colours::None, Borders::Lines, Glyphs::Unicode);
    let buffer = draw(&stage.model, (120, 36), &plain);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

/// It was written over the name of the first conversation.
#[test]
fn the_filter_stands_in_the_row_of_the_tabs_and_covers_no_name() {
    for size in [(40, 12), (80, 24), (120, 36), (200, 50)] {
        for (tab, before) in [("", " / "), ("<Tab>", " / unread ")] {
            let mut stage = Stage::new(world(), size);
            let mut health = crate::app::fixture::health();
            health.account_trouble = Some("the token has expired".to_owned());
            stage.tell(Msg::Health(Box::new(health)));
            stage.keys(tab).keys("/ana");
            let drawn = screen(&stage);
            let rows: Vec<&str> = drawn.lines().collect();
            assert!(rows[2].starts_with(&format!("{before}ana ")), "{drawn}");
            assert!(rows[3].contains("Ana Souza"), "{drawn}");
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
            terminal.draw(|frame| view(&stage.model, &Theme::default(), frame)).unwrap();
            let cursor = terminal.get_cursor_position().unwrap();
            assert_eq!((usize::from(cursor.x), cursor.y), (before.len() + 3, 2));
        }
    }
}

#[test]
fn what_is_not_shown_is_dim_in_the_list_too() {
    let mut world = world();
    for (row, words) in [(1, "[poll] not shown by this version"), (2, "said to all")] {
        let row = &mut world.conversations[row];
        row.unread = 1;
        let preview = row.preview.as_mut().unwrap();
        preview.text = words.to_owned();
        (preview.aside, preview.in_group) = (words.starts_with('['), words == "said to all");
    }
    let stage = Stage::new(world, (120, 36));
    let buffer = draw(&stage.model, (120, 36), &Theme::default());
    assert_eq!(style_of(&buffer, "[poll]").0, Color::DarkGray);
    assert_eq!(style_of(&buffer, "[group]").0, Color::DarkGray);
    assert_eq!(style_of(&buffer, "said to all").0, Color::Reset);
    assert!(screen(&stage).contains("[group] said to all"));
}

#[test]
fn keys_that_do_nothing_are_not_offered_in_an_empty_conversation() {
    let empty = World { conversations: world().conversations, ..World::default() };
    for (world, offered) in [(world(), true), (empty, false)] {
        let mut stage = Stage::new(world, (120, 24));
        stage.keys("l");
        let hints = screen(&stage).lines().last().unwrap().to_owned();
        assert_eq!(hints.contains("r reply"), offered, "{hints}");
        assert_eq!(hints.contains("y copy"), offered, "{hints}");
        assert!(hints.contains("write"), "{hints}");
    }
    let hints = screen(&Stage::new(World::default(), (80, 24)));
    assert!(hints.contains("LIST   Ctrl-P jump  c new  q quit"), "{hints}");
}

/// No size and no state makes the view panic, and nothing hostile reaches a cell.
#[test]
fn every_state_at_every_size() {
    let sizes = [
        (0, 0),
        (1, 1),
        (10, 3),
        (20, 5),
        (27, 8),
        (40, 12),
        (59, 24),
        (60, 6),
        (99, 30),
        (160, 9),
        (300, 100),
    ];
    let scripts = [
        "",
        "l",
        "lkkk",
        "<Enter>abc",
        "lr",
        "?",
        "l?GG",
        ":x",
        "c+55",
        "/an",
        "lR",
        "lx",
        "lo",
        "F7",
        "lgg<Space>",
        "<Enter><Ctrl-J><Ctrl-J><Ctrl-J><Ctrl-J>",
    ];
    for script in scripts {
        for (at, size) in sizes.into_iter().enumerate() {
            let mut stage = Stage::new(nasty(), size);
            stage.keys(script);
            let (width, height) = sizes[(at + 4) % sizes.len()];
            for resized in [false, true] {
                if resized {
                    stage.tell(Msg::Input(Input::Resize(width, height)));
                    stage.keys("jk");
                }
                // The frame may already have another size than the model was told.
                for size in [size, (width, height)] {
                    assert_harmless(&draw(&stage.model, size, &Theme::default()));
                }
            }
        }
    }
}

fn assert_harmless(buffer: &Buffer) {
    for cell in &buffer.content {
        let hostile = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!cell.symbol().chars().any(hostile), "{:?}", cell.symbol());
    }
}

#[test]
fn three_hundred_messages_are_quick() {
    let mut world = world();
    let body = "Uma mensagem de tamanho médio com *negrito* e uma família 👨‍👩‍👧‍👦, que ocupa mais de uma linha quando a tela é estreita.";
    let messages = (0..5_000).map(|id| message(id, 1, minutes_ago(6_000 - id), text(body)));
    world.messages.insert(1, messages.collect());
    let mut stage = Stage::new(world, (200, 50));
    stage.keys("l<Ctrl-U><Ctrl-U><Ctrl-U>");
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    let blocks = crate::app::rows::counted(|| {
        terminal.draw(|frame| view(&stage.model, &Theme::default(), frame)).unwrap();
    });
    assert!(blocks < 60, "{blocks} messages were wrapped for one frame of 50 rows");
}
