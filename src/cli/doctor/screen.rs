//! The terminal: what the environment says of it, and what it answers when it is asked.
//!
//! It is asked in one go: where the cursor is after each of our glyphs, whether it knows bracketed paste and
//! the keyboard protocol, and last what every terminal answers, which ends the waiting.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Report;
use crate::cli::locale;

/// How long a terminal may take to answer, over a slow line too.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What is drawn with more than ASCII; each takes one column.
const GLYPHS: &str = "✓✗⋯↻«▸⊘◌│─█";

/// Looks at the terminal on which the report is printed, if there is one.
pub(super) fn terminal(report: &mut Report) {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !std::io::stdout().is_terminal() {
        report.note("terminal", "stdout is no terminal, so none was looked at");
        return;
    }
    match set("TERM").as_deref() {
        None | Some("dumb") => report.wrong(
            "terminal",
            "TERM is not set, or dumb: the inbox cannot be drawn",
            "use another terminal, or set TERM to its name, such as xterm-256color",
        ),
        Some(term) => report.right("terminal", format!("TERM {term}")),
    }
    let locale = locale::named();
    if locale::is_utf8(&locale) {
        report.right("locale", locale);
    } else {
        report.wrong(
            "locale",
            format!("it is {locale:?}, not UTF-8: ticks and other scripts come out wrong"),
            "set LANG=C.UTF-8, or [ui] glyphs = \"ascii\" and borders = \"ascii\"",
        );
    }
    let colours = match set("COLORTERM").as_deref() {
        _ if set("NO_COLOR").is_some() => "none, as NO_COLOR says",
        Some("truecolor" | "24bit") => "24 bits",
        _ => "16; a terminal with more says so in COLORTERM",
    };
    report.right("colours", colours);
    match ask() {
        Some(answers) => answered(report, &answers),
        None => {
            report.note("terminal", "it does not answer questions; widths and keys are not known");
        }
    }
}

fn answered(report: &mut Report, answers: &Answers) {
    let wide: String = GLYPHS
        .chars()
        .zip(&answers.columns)
        .filter(|(_, columns)| **columns != 1)
        .map(|(glyph, _)| glyph)
        .collect();
    if wide.is_empty() {
        report.right("glyphs", "each takes one column");
    } else {
        report.wrong(
            "glyphs",
            format!("these do not take one column: {wide}"),
            "set [ui] glyphs = \"ascii\" and borders = \"ascii\", or let the terminal draw ambiguous \
             characters narrow",
        );
    }
    if answers.paste {
        report.right("paste", "told apart from keys");
    } else {
        report.note(
            "paste",
            "not told apart from keys: a pasted line break may send; paste into Ctrl-G",
        );
    }
    if answers.keyboard {
        report.right("keyboard", "all keys are told apart");
    } else {
        report.note("keyboard", "plain: Ctrl-J begins a line, Shift-Enter does not");
    }
}

/// What a terminal answered.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answers {
    /// Columns that each glyph took.
    columns: Vec<u16>,
    paste: bool,
    keyboard: bool,
}

/// Asks the terminal. None when it does not answer.
fn ask() -> Option<Answers> {
    let mut tty = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    crossterm::terminal::enable_raw_mode().ok()?;
    let mut question = String::new();
    for glyph in GLYPHS.chars() {
        question.push('\r');
        question.push(glyph);
        question.push_str("\x1b[6n");
    }
    question.push_str("\r\x1b[K\x1b[?2004$p\x1b[?u\x1b[c");
    let asked = tty.write_all(question.as_bytes()).and_then(|()| tty.flush());
    let mut heard = Vec::new();
    let wait = Timespec::try_from(PATIENCE).ok();
    while asked.is_ok() && !is_whole(&heard) {
        let mut ready = [PollFd::new(&tty, PollFlags::IN)];
        if !matches!(poll(&mut ready, wait.as_ref()), Ok(1..)) {
            break;
        }
        let mut buffer = [0; 512];
        match tty.read(&mut buffer) {
            Ok(count) if count > 0 => heard.extend_from_slice(buffer.get(..count).unwrap_or(&[])),
            _ => break,
        }
    }
    // The report is printed either way.
    crossterm::terminal::disable_raw_mode().ok();
    is_whole(&heard).then(|| read(&String::from_utf8_lossy(&heard)))
}

/// Whether the last answer, `ESC [ ? ... c`, came.
fn is_whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    text.split("\x1b[?").skip(1).any(|part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic() || c == '$');
        end.and_then(|end| part.get(end..)).is_some_and(|rest| rest.starts_with('c'))
    })
}

fn read(text: &str) -> Answers {
    let mut answers = Answers::default();
    for part in text.split("\x1b[").skip(1) {
        if let Some(place) = part.split_once('R').map(|(place, _)| place) {
            // The cursor is in the column after the glyph, counted from one.
            let column = place.split_once(';').and_then(|(_, column)| column.parse::<u16>().ok());
            answers.columns.extend(column.map(|column| column.saturating_sub(1)));
        } else if let Some(mode) = part.strip_prefix("?2004;") {
            // 0 is unknown, 4 never.
            answers.paste = mode.starts_with(['1', '2', '3']);
        } else if part.starts_with('?')
            && part.split_once('u').is_some_and(|(flags, _)| {
                flags.trim_start_matches('?').bytes().all(|byte| byte.is_ascii_digit())
            })
        {
            answers.keyboard = true;
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::{Answers, is_whole, read};

    #[test]
    fn what_terminals_answer_is_read() {
        let kitty = "\x1b[1;2R\x1b[1;2R\x1b[?2004;2$y\x1b[?0u\x1b[?62;c";
        assert!(is_whole(kitty.as_bytes()) && !is_whole(b"\x1b[1;2R\x1b[?2004;2$y\x1b[?0u"));
        let wanted = Answers { columns: vec![1, 1], paste: true, keyboard: true };
        assert_eq!(read(kitty), wanted);
        let old = "\x1b[3;3R\x1b[?2004;0$y\x1b[?1;2c";
        assert_eq!(read(old), Answers { columns: vec![2], paste: false, keyboard: false });
    }
}
