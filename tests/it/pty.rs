//! The inbox in a real terminal: it draws, takes keys, and leaves the terminal as it found it, however it
//! is made to leave.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::terminal::Terminal;

/// The demo, once its past has come in.
fn demo(home: &tempfile::TempDir, env: &[(&str, &str)]) -> Terminal {
    let terminal = Terminal::start(home.path(), &["demo"], env);
    terminal.until("the demo", is_demo);
    terminal
}

/// A dozen conversations and more: nothing new comes in for the next minute.
fn is_demo(screen: &vt100::Screen) -> bool {
    let shown = screen.contents();
    let (_, after) = shown.split_once(" All ").unwrap_or_default();
    let count = after.split(' ').next().and_then(|word| word.parse().ok());
    shown.contains("DEMO") && shown.contains("Ana") && count.is_some_and(|count: u32| count > 16)
}

#[test]
fn a_message_is_typed_and_the_terminal_is_left_clean() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demo(&home, &[]);
    terminal.send("\r");
    terminal.until_text("INSERT");
    terminal.send("hello from a test");
    terminal.until_text("hello from a test");
    terminal.send("\r");
    terminal.until("the message in the conversation", |screen| {
        let shown = screen.contents();
        let sent = shown.lines().any(|line| line.contains('✓') && line.contains("hello from"));
        sent && !shown.contains("> hello from a test")
    });
    terminal.resize(120, 36);
    terminal.until("the wide screen", |screen| {
        screen.rows(0, 120).last().is_some_and(|row| !row.is_empty())
    });
    terminal.send("\x1b");
    terminal.until("normal mode", |screen| !screen.contents().contains("INSERT"));
    terminal.send("\x03\x03");
    assert_eq!(terminal.end(), 0);
    terminal.assert_restored();
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = tempfile::tempdir().unwrap();
        let terminal = demo(&home, &[]);
        terminal.signal(signal);
        assert_eq!(terminal.end(), 130, "{signal:?}");
        terminal.assert_restored();
    }
}

#[test]
fn it_stops_and_goes_on_like_any_job() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demo(&home, &[]);
    for by_key in [false, true] {
        if by_key {
            terminal.send("\x1a");
        } else {
            terminal.signal(Signal::TSTP);
        }
        terminal.until("the usual screen", |screen| {
            !screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor()
        });
        terminal.until_stopped();
        terminal.signal(Signal::CONT);
        terminal.until("the inbox again", |screen| {
            screen.alternate_screen()
                && screen.bracketed_paste()
                && screen.contents().contains("DEMO")
        });
    }
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    terminal.assert_restored();
}

#[test]
fn an_editor_has_the_keyboard_to_itself() {
    let home = tempfile::tempdir().unwrap();
    let editor = home.path().join("editor");
    std::fs::write(&editor, "#!/bin/sh\necho READY\nread -r line\necho \"$line\" > \"$1\"\n")
        .unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut terminal = demo(&home, &[("EDITOR", editor.to_str().unwrap())]);
    terminal.send("\r");
    terminal.until_text("INSERT");
    terminal.send("\x07");
    terminal.until("the editor", |screen| {
        !screen.alternate_screen() && screen.contents().contains("READY")
    });
    terminal.send("every key of this line\n");
    terminal.until("the text in the composer", |screen| {
        screen.alternate_screen() && screen.contents().contains("every key of this line")
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    terminal.assert_restored();
}

#[test]
fn a_pasted_text_is_not_sent() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demo(&home, &[]);
    terminal.send("\r");
    terminal.until_text("INSERT");
    terminal.send("\x1b[200~first pasted\rsecond pasted\r\x1b[201~");
    terminal.until_text("second pasted");
    terminal.until("both lines in the composer", |screen| {
        screen.contents().contains("first pasted") && screen.contents().contains("INSERT")
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
}

#[test]
fn the_first_screen_opens_without_anything_and_leaves_clean() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = tempfile::tempdir().unwrap();
        let terminal = Terminal::start(home.path(), &[], &[]);
        terminal.until_text("START");
        terminal.signal(signal);
        assert_eq!(terminal.end(), 130, "{signal:?}");
        terminal.assert_restored();
    }
}

#[test]
fn the_first_screen_stops_and_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(home.path(), &[], &[]);
    terminal.until_text("START");
    terminal.signal(Signal::TSTP);
    terminal.until("the usual screen", |screen| !screen.alternate_screen());
    terminal.until_stopped();
    terminal.signal(Signal::CONT);
    terminal.until("the inbox again", |screen| {
        screen.alternate_screen() && screen.contents().contains("START")
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    terminal.assert_restored();
}

#[test]
fn the_first_screen_leads_to_the_demo() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(home.path(), &[], &[]);
    terminal.until_text("START");
    terminal.send("d");
    terminal.until("the demo", is_demo);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    terminal.assert_restored();
}

#[test]
fn a_kept_demo_is_there_again() {
    let home = tempfile::tempdir().unwrap();
    let is_at = |screen: &vt100::Screen, tick: &str| {
        let shown = screen.contents();
        let mut lines = shown.lines();
        lines.any(|line| line.contains(tick) && line.contains("kept for tomorrow"))
    };
    for written in [false, true] {
        let mut terminal = Terminal::start(home.path(), &["demo", "--keep"], &[]);
        terminal.until("the demo", is_demo);
        if written {
            // The world goes on with a message that it took before.
            terminal.until("the message, delivered", |screen| is_at(screen, "✓✓"));
        } else {
            terminal.send("\r");
            terminal.until_text("INSERT");
            terminal.send("kept for tomorrow\r");
            terminal.until("the message, accepted", |screen| {
                ["◌", "✓"].into_iter().any(|tick| is_at(screen, tick))
            });
        }
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end(), 130);
    }
}

#[test]
fn a_key_is_told_as_the_terminal_sends_it() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(home.path(), &["keys", "--press"], &[]);
    terminal.until_text("Ctrl-C twice ends");
    terminal.send("\x1b[1;5D");
    terminal.until_text("Ctrl-Left");
    assert!(terminal.screen().contains("insert: word-left"), "{}", terminal.screen());
    // Once is a key like any other.
    terminal.send("\x03");
    terminal.until_text("Ctrl-C  ");
    terminal.send("\x1b[A");
    terminal.until_text("Up ");
    terminal.send("\x03\x03");
    assert_eq!(terminal.end(), 0);
}

/// No network, no token, and the port taken: the inbox opens, says what is wrong, and keeps what is typed.
#[test]
fn it_opens_whatever_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = home.path().join("c.toml");
    let text = format!(
        "data_dir = \"data\"\nbase_url = \"https://nowhere.invalid\"\n[[account]]\n\
         phone_number_id = \"1\"\ntoken = \"env:NOT_SET\"\napp_secret = \"command:echo s\"\n\
         verify_token = \"file:not-there\"\n[listener]\nport = {port}\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let mut terminal = Terminal::start(home.path(), &["--config", config], &[]);
    let gravest = "the token cannot be had: the variable NOT_SET is not set";
    terminal.until("the gravest trouble", |screen| {
        let shown = screen.contents();
        shown.contains("LIVE") && shown.contains(gravest) && shown.contains("2 more, D shows all")
    });
    terminal.send("D");
    terminal.until("the troubles", |screen| {
        let shown = screen.contents();
        shown.contains(&format!("port {port} is taken"))
            && shown.contains("verify_token cannot be had")
    });
    terminal.send("q");
    terminal.until("the inbox", |screen| !screen.contents().contains("[Doctor]"));
    terminal.send("c");
    terminal.until_text("number");
    terminal.send("+15551230001\r");
    terminal.until_text("INSERT");
    // Other things are drawn meanwhile; the smallest frame is the one with the character alone.
    let typed = [("f", "f"), ("o", "fo"), ("r", "for"), (" ", "for "), ("l", "for l")];
    let frames = typed.map(|(character, typed)| {
        let before = terminal.bytes().len();
        terminal.send(character);
        terminal.until("the character", |screen| {
            let shown = screen.contents();
            shown.lines().any(|line| line.trim_end() == format!("> {typed}").trim_end())
                && screen.cursor_position().1 == u16::try_from(2 + typed.len()).unwrap()
        });
        terminal.bytes().len() - before
    });
    assert!(frames.iter().any(|bytes| *bytes < 200), "bytes for a character: {frames:?}");
    terminal.send("ater\r");
    terminal.until("the message in the queue", |screen| {
        screen.contents().lines().any(|line| line.contains("for later") && line.contains('⋯'))
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
    terminal.until_text("1 message is still queued");
    terminal.assert_restored();
}

#[test]
fn a_terminal_that_cannot_be_drawn_on_is_told_so_and_a_plain_locale_gets_ascii() {
    let home = tempfile::tempdir().unwrap();
    let dumb = Terminal::start(home.path(), &["demo"], &[("TERM", "dumb")]);
    dumb.until_text("place the cursor");
    assert_eq!(dumb.end(), 2);
    let mut plain = Terminal::start(home.path(), &["demo"], &[("LC_ALL", "C")]);
    plain.until("the list", |screen| screen.contents().contains("Ana Souza"));
    plain.until("lines of ASCII", |screen| {
        let shown = screen.contents();
        shown.contains('|') && !shown.contains(['│', '─', '✓', '▸'])
    });
    plain.send("q");
    assert_eq!(plain.end(), 0);
}

/// It once waited for a key before it said so, on an empty screen.
#[test]
fn a_database_that_cannot_be_opened_is_said_at_once() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    std::fs::write(&config, "data_dir = \"data\"\n[[account]]\nphone_number_id = \"1\"\n").unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("twoticks.db"), [b'x'; 8192]).unwrap();
    let terminal = Terminal::start(home.path(), &["--config", config.to_str().unwrap()], &[]);
    assert_eq!(terminal.end(), 1);
    terminal.assert_restored();
    let said = terminal.screen();
    assert!(said.contains("cannot open the database") && said.contains("damaged"), "{said}");
}

/// The terminal shows `^C`; whatever comes after it begins on a new line.
#[test]
fn a_command_that_is_interrupted_leaves_no_half_line() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("c.toml");
    let config = config.to_str().unwrap();
    let mut terminal = Terminal::start(home.path(), &["sim", "--write-config", config], &[]);
    terminal.until_text("http://127.0.0.1:");
    terminal.send("\x03");
    assert_eq!(terminal.end(), 130);
    terminal.until("the end", |screen| screen.cursor_position().1 == 0);
    terminal.until_text("^C");
}

/// Its config says port 0, and the doctor once said that this one is free.
#[test]
fn the_doctor_of_the_demo_names_the_port_that_is_listened_on() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = demo(&home, &[]);
    terminal.resize(120, 40);
    terminal.until("the conversations and the listener", |screen| {
        let shown = screen.contents();
        let last = screen.rows(0, 120).last().unwrap_or_default();
        shown.contains("hook ok") && shown.contains("Ana Souza") && last.contains(" LIST ")
    });
    terminal.send("D");
    terminal.until_text("twoticks answers in");
    assert!(!terminal.screen().contains("127.0.0.1:0"), "{}", terminal.screen());
    terminal.send("\x1b");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 130);
}
