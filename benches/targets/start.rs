//! T9: from the start of the process to the first full frame.

use std::io::Read;
use std::path::Path;

use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use portable_pty::CommandBuilder;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::text::Line;

use crate::harness::{Target, in_turn, ratio};
use crate::pty::{Screen, inbox, is_full};

/// The argument that makes this program the skeleton.
pub(crate) const SKELETON: &str = "--skeleton";

/// What the skeleton's last row says.
const READY: &str = "the last row of the skeleton";

/// The inbox with five million messages against a program that draws one frame of text. irssi and nchat,
/// whose start is in the target as well, are not on every machine and not measured here.
pub(crate) fn run(dir: &Path) -> bool {
    let mut ours = || inbox(dir, 5_000_000).wait(is_full).as_secs_f64() * 1e3;
    let mut skeleton = || {
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        command.arg(SKELETON);
        command.env("TERM", "xterm-256color");
        Screen::start(command).wait(|text| text.contains(READY)).as_secs_f64() * 1e3
    };
    // The first start reads both programs and the store from the disk.
    ours();
    skeleton();
    let [ours, floor] = in_turn([&mut ours, &mut skeleton]);
    ratio("start to the first full frame, 5M messages", "ms", ours, floor, Target::AtMost(2.0))
}

/// The least that a program of this kind does: one frame, then it waits for its end.
pub(crate) fn skeleton() {
    crossterm::terminal::enable_raw_mode().expect("raw mode");
    crossterm::execute!(std::io::stdout(), EnterAlternateScreen).expect("screen");
    let mut terminal = Terminal::new(CrosstermBackend::new(std::io::stdout())).expect("terminal");
    terminal
        .draw(|frame| {
            let rows = frame.area().rows().enumerate();
            let last = usize::from(frame.area().height) - 1;
            for (row, area) in rows {
                let text =
                    if row == last { READY.to_owned() } else { format!("row {row} of many") };
                frame.render_widget(Line::raw(text), area);
            }
        })
        .expect("frame");
    // Ends with the line it hangs on.
    std::io::stdin().read_exact(&mut [0]).ok();
    crossterm::execute!(std::io::stdout(), LeaveAlternateScreen).ok();
    crossterm::terminal::disable_raw_mode().ok();
}
