//! T12: a frame against a bare skeleton, and what goes over the line for a key.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::{Terminal, TerminalOptions, Viewport};
use twoticks::app::keymap::{Keymap, SendKey};
use twoticks::app::msg::{Effect, Input, Key, KeyCode, Msg, Query, Reply};
use twoticks::app::{MessageStyle, Mode, Model, Settings, Setup, start, update};
use twoticks::domain::id::AccountId;
use twoticks::domain::time::Timestamp;
use twoticks::domain::window::Outside;
use twoticks::store::{ReadConn, list, message};
use twoticks::ui::{Theme, view};

use crate::fill;
use crate::harness::{Target, figure, in_turn, median, quantile, ratio, timed};
use crate::pty::{COLUMNS, ROWS, inbox, is_full};
use crate::shop::now;

/// Bytes that the skeleton's typed character takes in ratatui.
const SKELETON_BYTES: f64 = 34.0;

pub(crate) fn run(dir: &Path) -> bool {
    let frames = frames(dir);
    let bytes = bytes(dir);
    frames & bytes
}

type Sink = Terminal<CrosstermBackend<std::io::Sink>>;

const AREA: Rect = Rect::new(0, 0, COLUMNS, ROWS);

/// Everything a real terminal costs but the terminal.
fn terminal() -> Sink {
    let options = TerminalOptions { viewport: Viewport::Fixed(AREA) };
    Terminal::with_options(CrosstermBackend::new(std::io::sink()), options).expect("terminal")
}

/// A key to the drawn frame, 200 columns by 50 rows, against the same text already wrapped and laid out.
fn frames(dir: &Path) -> bool {
    let mut inbox = Inbox::open(dir);
    let mut ours = terminal();
    let drawn = ours.draw(|frame| view(&inbox.model, &inbox.theme, frame)).expect("frame");
    let mut skeleton = Skeleton::of(drawn.buffer);
    let mut floor = terminal();
    let mut typed = || {
        let mut times = Vec::new();
        for n in 0..1000 {
            let code = if n % 2 == 0 { KeyCode::Char('x') } else { KeyCode::Backspace };
            let ((), took) = timed(|| {
                inbox.press(code);
                ours.draw(|frame| view(&inbox.model, &inbox.theme, frame)).expect("frame");
            });
            times.push(took.as_secs_f64() * 1e3);
        }
        quantile(&mut times, 0.99)
    };
    let mut bare = || {
        let mut times = Vec::new();
        for n in 0..1000 {
            let ((), took) = timed(|| {
                skeleton.typed = if n % 2 == 0 { "x" } else { " " };
                floor.draw(|frame| skeleton.draw(frame)).expect("frame");
            });
            times.push(took.as_secs_f64() * 1e3);
        }
        quantile(&mut times, 0.99)
    };
    let [ours, floor] = in_turn([&mut typed, &mut bare]);
    ratio("p99 from a key to its frame, 200x50", "ms", ours, floor, Target::AtMost(2.0))
}

/// The inbox as a model that was shown a store, its composer open.
struct Inbox {
    model: Model,
    theme: Theme,
    read: ReadConn,
    now: Timestamp,
}

impl Inbox {
    fn open(dir: &Path) -> Self {
        let read = ReadConn::open(&fill::store(dir, 1_000_000)).expect("store");
        let setup = Setup {
            account: Some(AccountId(1)),
            account_label: "Loja Sol +55 11 5550-0199".to_owned(),
            mode: Mode::Live,
            size: (COLUMNS, ROWS),
            config_path: "config.toml".to_owned(),
            settings: Settings {
                bell: true,
                ellipsis: twoticks::domain::text::ELLIPSIS,
                message_style: MessageStyle::Flat,
                timezone: TimeZone::UTC,
                outside: Outside::Refuse,
                webhook_path: "/webhook".to_owned(),
                shell: Some("twoticks".to_owned()),
            },
            keymap: Keymap::new(SendKey::Enter, &BTreeMap::new()).expect("keys"),
        };
        let now = Timestamp::from_millis(fill::NEWEST);
        let model = Model::new(setup, now);
        let mut inbox = Self { model, theme: Theme::default(), read, now };
        let effects = start(&mut inbox.model);
        inbox.answer(effects);
        inbox.press(KeyCode::Enter);
        inbox
    }

    fn press(&mut self, code: KeyCode) {
        let key = Key { code, ctrl: false, alt: false, shift: false };
        let effects = update(&mut self.model, Msg::Input(Input::Key(key)), self.now);
        self.answer(effects);
    }

    fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let reply = match effect {
                Effect::Run(Query::List { account, filter, text, page, limit, now, ticket }) => {
                    let found =
                        list::conversations(&self.read, account, filter, &text, page, limit, now)
                            .expect("list");
                    Reply::List {
                        ticket,
                        rows: found.rows,
                        more_above: found.more_above,
                        more_below: found.more_below,
                        counts: found.counts,
                    }
                }
                Effect::Run(Query::Messages { conversation, page, limit, ticket }) => {
                    let found =
                        message::messages(&self.read, conversation, page, limit).expect("messages");
                    Reply::Messages {
                        ticket,
                        conversation: Box::new(found.conversation),
                        messages: found.messages,
                        more_before: found.more_before,
                        more_after: found.more_after,
                        wishes: found.wishes,
                    }
                }
                // What is written and rung does not change the picture.
                _ => continue,
            };
            let effects = update(&mut self.model, Msg::Loaded(reply), self.now);
            self.answer(effects);
        }
    }
}

/// A frame's text in runs of one style, and a place where a character is typed.
struct Skeleton {
    runs: Vec<(Position, String, Style)>,
    typed: &'static str,
}

impl Skeleton {
    fn of(buffer: &Buffer) -> Self {
        let mut runs: Vec<(Position, String, Style)> = Vec::new();
        for (place, cell) in buffer.area.positions().zip(&buffer.content) {
            match runs.last_mut() {
                Some((start, text, style)) if start.y == place.y && *style == cell.style() => {
                    text.push_str(cell.symbol());
                }
                _ => runs.push((place, cell.symbol().to_owned(), cell.style())),
            }
        }
        let words = runs.iter().filter(|(_, text, _)| text.trim().len() > 1).count();
        assert!(words > 60, "the frame shows next to nothing: {words} pieces of text");
        Self { runs, typed: " " }
    }

    fn draw(&self, frame: &mut ratatui::Frame<'_>) {
        let buffer = frame.buffer_mut();
        for (place, text, style) in &self.runs {
            buffer.set_string(place.x, place.y, text, *style);
        }
        buffer.set_string(60, ROWS - 2, self.typed, Style::default());
        frame.set_cursor_position((61, ROWS - 2));
    }
}

/// The real program on a pseudo-terminal.
fn bytes(dir: &Path) -> bool {
    let silence = Duration::from_millis(300);
    let mut screen = inbox(dir, 1_000_000);
    screen.wait(is_full);
    screen.press(b"i");
    screen.until_silent(Duration::from_secs(2));
    // The status bar's minute would count as a change.
    while now().millis() % 60_000 > 45_000 {
        screen.until_silent(Duration::from_secs(1));
    }
    let (nothing, _) = screen.during(Duration::from_secs(5));
    screen.press(b"the first words of it");
    screen.until_silent(Duration::from_secs(1));
    let mut each: Vec<f64> = b"and more"
        .iter()
        .map(|key| {
            screen.press(&[*key]);
            screen.until_silent(silence) as f64
        })
        .collect();
    // The kept store stays as it was: Ctrl-U takes the draft back, which is saved a moment later.
    screen.press(b"\x15");
    screen.until_silent(Duration::from_secs(3));
    let typed = ratio(
        "bytes for one typed character",
        "B",
        median(&mut each),
        SKELETON_BYTES,
        Target::AtMost(3.0),
    );
    let still = figure("bytes in 5 s without a change", "B", nothing as f64, Target::AtMost(0.0));
    typed & still
}
