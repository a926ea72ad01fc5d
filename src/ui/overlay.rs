//! What stands in front of the inbox: pages, questions, the jump box.

use ratatui::layout::Position;
use ratatui::style::Style;

use super::pages::draw_lines;
use super::paint::Canvas;
use super::{campaigns, glyph, list, templates};
use crate::app::action::{self, Action, Context};
use crate::app::composer::Editor;
use crate::app::jump::{Hit, JumpBox};
use crate::app::layout::{self, Area, Layout};
use crate::app::moment::{self, NoMoment};
use crate::app::prompt::{self, Prompt, Question};
use crate::app::{Model, Overlay, Sure, describe, pages, queue, when};
use crate::domain::id::MessageId;
use crate::domain::profile::{Part, VERTICALS};
use crate::domain::text;

/// Draws it, and says where the cursor is.
pub(super) fn draw(
    model: &Model,
    layout: &Layout,
    screen: Area,
    canvas: &mut Canvas<'_>,
) -> Option<Position> {
    match model.overlay.as_ref()? {
        Overlay::Help { scroll } => page(model, "Keys", *scroll, screen, canvas),
        Overlay::Details { scroll } => page(model, "Details", *scroll, screen, canvas),
        Overlay::Explain { scroll, .. } => page(model, "What went wrong", *scroll, screen, canvas),
        Overlay::Ask(message) => ask(model, *message, screen, canvas),
        Overlay::Sure(asked) => sure(model, asked, screen, canvas),
        Overlay::Prompt(prompt) => return Some(question(model, prompt, layout, screen, canvas)),
        Overlay::Jump(jump) => return Some(jump_box(model, jump, screen, canvas)),
        Overlay::Picker(picker) => return Some(templates::picker(model, picker, screen, canvas)),
        Overlay::Workbench => page(model, "Workbench", model.workbench.scroll, screen, canvas),
        Overlay::Form(form) => return templates::form(model, form, screen, canvas),
        Overlay::Maker(maker) => return templates::maker(model, maker, screen, canvas),
    }
    None
}

/// The frame around the inside of a page, cut to the screen that is really there.
fn framed(inside: Area, screen: Area) -> Area {
    let area = Area {
        x: inside.x.saturating_sub(2),
        y: inside.y.saturating_sub(1),
        width: inside.width + 4,
        height: inside.height + 2,
    };
    Area {
        width: area.width.min(screen.width.saturating_sub(area.x)),
        height: area.height.min(screen.height.saturating_sub(area.y)),
        ..area
    }
}

fn page(model: &Model, title: &str, scroll: u16, screen: Area, canvas: &mut Canvas<'_>) {
    let lines = pages::lines(model);
    let mut inside = layout::page((screen.width, screen.height));
    let most = u16::try_from(lines.len()).unwrap_or(u16::MAX).max(1);
    // The page stands in front of the place where news is usually said.
    let said = model.notice.as_ref().map_or(0, |_| templates::notice_rows(model, inside.width));
    inside.height = inside.height.min(most.saturating_add(said));
    let frame = framed(inside, screen);
    let inside = canvas.frame(frame, title);
    let (inside, foot) = inside.split_bottom(said);
    templates::notice(model, foot, canvas);
    let top = usize::from(scroll).min(lines.len().saturating_sub(inside.height.into()));
    draw_lines(lines.get(top..).unwrap_or_default(), inside, canvas);
    let below = lines.len().saturating_sub(top + usize::from(inside.height));
    if below > 0 {
        let words = format!(" {below} more below ");
        let foot = Area {
            height: 1,
            y: frame.y + frame.height.saturating_sub(1),
            width: frame.width.saturating_sub(2),
            ..frame
        };
        canvas.right(foot, 0, 2, &[(canvas.theme.dim, &words)]);
    }
}

/// The question about a message: sent again, or dropped.
fn ask(model: &Model, id: MessageId, screen: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let Some(message) = model.chat.as_ref().and_then(|chat| chat.page.get(id)) else { return };
    let width = screen.width.saturating_sub(4).min(64);
    let warning = queue::stakes(model, message);
    let wrapped = text::wrap(warning, width.saturating_sub(4).into());
    let rows = u16::try_from(wrapped.len()).unwrap_or(1);
    let area = screen.centred(width, rows + 6);
    let inside = canvas.frame(area, "This message");
    let line = describe::line(message);
    canvas.row(inside, 0, &[(theme.dim, line.as_str())]);
    for (at, line) in (2..).zip(wrapped) {
        canvas.row(inside, at, &[(theme.plain, warning.get(line.range).unwrap_or_default())]);
    }
    answers(model, Context::Ask, &queue::answers(model, message), inside, rows + 3, canvas);
}

/// The keys that answer a question.
fn answers(
    model: &Model,
    context: Context,
    actions: &[(Action, &str)],
    area: Area,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let mut used = 0;
    for (action, word) in actions {
        let key = model.keymap.key(context, *action);
        let words = format!(" {word}   ");
        used += canvas.put(area, used, row, area.width.saturating_sub(used), key, theme.key);
        used += canvas.put(area, used, row, area.width.saturating_sub(used), &words, theme.plain);
    }
}

/// The question before something is sent twice or withdrawn.
fn sure(model: &Model, asked: &Sure, screen: Area, canvas: &mut Canvas<'_>) {
    let style = canvas.theme.plain;
    let width = screen.width.saturating_sub(4).min(64);
    let wrapped = text::wrap(&asked.warning, width.saturating_sub(4).into());
    let rows = u16::try_from(wrapped.len()).unwrap_or(1);
    let inside = canvas.frame(screen.centred(width, rows + 4), &asked.title);
    for (at, line) in (0..).zip(wrapped) {
        canvas.row(inside, at, &[(style, asked.warning.get(line.range).unwrap_or_default())]);
    }
    let actions = [(Action::Confirm, "yes"), (Action::Close, "close")];
    answers(model, Context::Sure, &actions, inside, rows + 1, canvas);
}

/// What can be written for a part of the profile.
fn help_with(part: Part) -> String {
    match part {
        Part::Websites => "One or two addresses, parted by a space".to_owned(),
        Part::Vertical => VERTICALS.join(" "),
        _ => "An empty line takes it away".to_owned(),
    }
}

fn question(
    model: &Model,
    prompt: &Prompt,
    layout: &Layout,
    screen: Area,
    canvas: &mut Canvas<'_>,
) -> Position {
    let theme = canvas.theme;
    let (title, help): (String, String) = match prompt.question {
        Question::Filter => {
            // The list itself shows what the filter does: only the row of its tabs is taken.
            let row = if layout.list.is_empty() { layout.gauge } else { layout.list };
            let column = list::filter_column(model.list.filter);
            return typed(&prompt.editor, row.split_top(1).0, column, 0, canvas);
        }
        Question::Templates => {
            let row = layout.templates.split_top(1).0;
            let (column, room) = templates::field(model, row.width);
            let row = Area { width: column + room, ..row };
            return typed(&prompt.editor, row, column, 0, canvas);
        }
        Question::Number => (
            "New conversation".to_owned(),
            "Number with country code, like +55 11 98888-1234".to_owned(),
        ),
        Question::Time if !model.composer.has_words() => {
            ("Send later".to_owned(), prompt::WRITE_FIRST.to_owned())
        }
        Question::Time => ("Send later".to_owned(), time_help(model, prompt)),
        Question::OtherTime(_) => ("Another time".to_owned(), time_help(model, prompt)),
        Question::HookFilter => {
            if let Some(error) = &prompt.error {
                let safe = text::display_safe(error);
                canvas.row(layout.gauge, 0, &[(theme.failure, " "), (theme.failure, &safe)]);
            }
            let row = layout.hooks.split_top(1).1.split_top(1).0;
            canvas.row(row, 0, &[(theme.dim, " filter: ")]);
            return typed(&prompt.editor, row, 9, 0, canvas);
        }
        Question::PostTo(event) => {
            (format!("Post #{event}"), "An address: https, or http on this machine".to_owned())
        }
        Question::Profile(part) => (format!("Profile: {}", part.name()), help_with(part)),
        Question::Find => ("Find".to_owned(), find_help(model)),
        Question::SaveFile(_) => ("Save the file".to_owned(), SAVE_HELP.to_owned()),
        Question::Attach => (
            "Send a file".to_owned(),
            "A path or a link; what you wrote goes with it. ~ is your home".to_owned(),
        ),
        Question::Picture => (
            "Profile: picture".to_owned(),
            "The path of a JPEG or PNG of at most 5 MiB; ~ is your home".to_owned(),
        ),
        Question::SaveAs(event) => {
            (format!("Save the body of #{event}"), "A file that is not there yet".to_owned())
        }
        Question::People
        | Question::Columns
        | Question::Count
        | Question::TryOn
        | Question::SkippedAs
        | Question::ResultAs(_) => campaigns::question(model, prompt.question),
    };
    let (columns, rows) = match prompt.question {
        // A line of columns is long, and what is wrong with it too.
        Question::Columns | Question::Count => (100, 9),
        _ => (60, 6),
    };
    let area = screen.centred(screen.width.saturating_sub(4).min(columns), rows);
    let inside = canvas.frame(area, &title);
    // What the path can go on to, until it leads to a file.
    let looked = prompt.looked().filter(|looked| looked.file.is_err());
    let ends = looked.map(|looked| templates::last_parts(&looked.ends)).unwrap_or_default();
    let (style, words) = match (&prompt.error, prompt.busy) {
        (Some(error), _) => (theme.failure, error.as_str()),
        (None, true) => (theme.dim, "one moment"),
        (None, false) if !ends.is_empty() => (theme.dim, ends.as_str()),
        (None, false) => (theme.dim, help.as_str()),
    };
    let safe = text::display_safe(words);
    for (at, line) in (2..inside.height).zip(text::wrap(&safe, inside.width.into())) {
        canvas.row(inside, at, &[(style, safe.get(line.range).unwrap_or_default())]);
    }
    canvas.put(inside, 0, 0, 2, "> ", theme.accent);
    let style = if prompt.offered { theme.strong.reversed() } else { theme.strong };
    written(&prompt.editor, style, (inside, 2, 0), canvas)
}

/// Where a file can be saved.
const SAVE_HELP: &str = "A path, or the folder for it. ~ is your home";

/// What is looked for, on a page or in a conversation, and how it goes on.
fn find_help(model: &Model) -> String {
    let (context, place, on) = if model.beneath.is_empty() {
        (Context::Chat, "in the conversation", "the next older message")
    } else {
        (Context::Page, "on the page", "the next")
    };
    let next = model.keymap.key(context, Action::FindNext);
    format!("Words {place}; {next} goes on to {on}")
}

/// What the time that is typed comes to, or what can be typed.
fn time_help(model: &Model, prompt: &Prompt) -> String {
    let zone = &model.settings.timezone;
    match moment::parse(&prompt.editor.text(), model.now, zone) {
        Ok(at) => {
            let left = when::left(at.since(model.now));
            format!("goes {}, in {left}", moment::spelled(at, zone))
        }
        Err(NoMoment::Unreadable(_)) => moment::FORMS.to_owned(),
        Err(error) => error.to_string(),
    }
}

/// One line of typed text from a column on; gives the place of the cursor.
pub(super) fn typed(
    editor: &Editor,
    area: Area,
    column: u16,
    row: u16,
    canvas: &mut Canvas<'_>,
) -> Position {
    written(editor, canvas.theme.strong, (area, column, row), canvas)
}

/// The same in a style of its own.
fn written(
    editor: &Editor,
    style: Style,
    (area, column, row): (Area, u16, u16),
    canvas: &mut Canvas<'_>,
) -> Position {
    let room = area.width.saturating_sub(column + 1).max(2);
    let rows = editor.rows(u16::MAX);
    let (at, cursor) = editor.cursor(&rows);
    let words = rows.get(at).map(|row| text::display_safe(&row.text)).unwrap_or_default();
    // A line that is too long moves under the cursor, which stays in sight.
    let hidden = cursor.saturating_sub(usize::from(room) - 1);
    let (words, cursor) = (text::from_column(&words, hidden), cursor - hidden);
    let blank = " ".repeat(room.into());
    canvas.put(area, column, row, room, &blank, canvas.theme.plain);
    canvas.put(area, column, row, room, words, style);
    let cursor = u16::try_from(cursor).unwrap_or(u16::MAX);
    let most = (area.x + area.width).saturating_sub(1);
    let last = (area.y + area.height).saturating_sub(1);
    Position { x: (area.x + column).saturating_add(cursor).min(most), y: (area.y + row).min(last) }
}

fn jump_box(model: &Model, jump: &JumpBox, screen: Area, canvas: &mut Canvas<'_>) -> Position {
    let theme = canvas.theme;
    let height = screen.height.saturating_sub(4).min(14);
    let area = screen.centred(screen.width.saturating_sub(4).min(70), height);
    let commands = jump.editor.text().starts_with('>');
    let title = if commands { "Command" } else { "Jump to" };
    let inside = canvas.frame(area, title);
    // The mark of the command box is typed, so that deleting it leads back to the names.
    let column = if commands { 0 } else { 2 };
    canvas.put(inside, 0, 0, 1, ">", theme.accent);
    let cursor = typed(&jump.editor, inside, column, 0, canvas);
    let (_, mut rows) = inside.split_top(2);
    if let Some(Hit::Command(action)) = jump.hits.get(jump.selected)
        && let Some(entry) = action::entry(*action)
        && rows.height > 4
    {
        let foot;
        (rows, foot) = rows.split_bottom(3);
        for (at, line) in (1..foot.height).zip(text::wrap(entry.doc, foot.width.into())) {
            let words = entry.doc.get(line.range).unwrap_or_default();
            canvas.row(foot, at, &[(theme.plain, words)]);
        }
    }
    if jump.hits.is_empty() {
        let words = if commands {
            "No command is called that."
        } else {
            "Nobody matches. A number with + starts a conversation; > finds commands."
        };
        for (at, line) in (0..rows.height).zip(text::wrap(words, rows.width.into())) {
            canvas.row(rows, at, &[(theme.dim, words.get(line.range).unwrap_or_default())]);
        }
        return cursor;
    }
    let shown = usize::from(rows.height);
    let top = (jump.selected + 1).saturating_sub(shown);
    for (at, (index, hit)) in (0..).zip(jump.hits.iter().enumerate().skip(top).take(shown)) {
        let selected = index == jump.selected;
        let pointer = if selected { glyph::pointer(theme) } else { " " };
        canvas.put(rows, 0, at, 1, pointer, theme.selected);
        hit_row(model, jump, hit, rows, at, canvas);
        if selected {
            canvas.tint(rows, at, theme.cursor_row);
        }
    }
    cursor
}

fn hit_row(
    model: &Model,
    jump: &JumpBox,
    hit: &Hit,
    area: Area,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    match hit {
        Hit::Conversation(found) => {
            let zone = &model.settings.timezone;
            let time = when::listed(found.activity, model.now, zone, false);
            let unread =
                if found.unread > 0 { format!("{}  ", found.unread) } else { String::new() };
            let right = [(theme.unread, unread.as_str()), (theme.dim, time.as_str())];
            let end = canvas.right(area, row, 10, &right);
            let name = describe::name(&found.contact);
            let handle = describe::handle(&found.contact);
            let used = canvas.put(area, 2, row, end.saturating_sub(3), &name, theme.plain) + 2;
            if handle != name {
                let room = end.saturating_sub(used + 3);
                canvas.put(area, used + 2, row, room, &handle, theme.dim);
            }
        }
        Hit::Begin(number) => {
            let words = format!("start a conversation with {}", text::display_safe(number));
            canvas.put(area, 2, row, area.width.saturating_sub(2), &words, theme.good);
        }
        Hit::Command(action) => {
            let Some(entry) = action::entry(*action) else { return };
            let key = model.keymap.key(jump.under, *action);
            let end = canvas.right(area, row, 10, &[(theme.key, key)]);
            canvas.put(area, 2, row, 22, entry.name, theme.plain);
            canvas.put(area, 25, row, end.saturating_sub(26), entry.doc, theme.dim);
        }
    }
}
