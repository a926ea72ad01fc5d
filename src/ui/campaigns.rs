//! The screen of the campaigns: how far each is, and what a file comes to before it is sent.

use ratatui::style::Style;

use super::glyph;
use super::paint::Canvas;
use super::templates::card;
use crate::app::Model;
use crate::app::action::{Action, Context};
use crate::app::campaigns::{Desk, barred, estimate};
use crate::app::describe::count;
use crate::app::layout::{Area, Layout};
use crate::app::prompt::Question;
use crate::app::when;
use crate::domain::campaign::{Campaign, DryRun, Row, Stage, Wanted};
use crate::domain::phone;
use crate::domain::template::{Place, slots};
use crate::domain::text;

/// From this width on a preview stands beside the rows of a dry run.
const BESIDE: u16 = 150;
/// Rows that a preview below the rows takes.
const BELOW: u16 = 5;
/// The same where there are many rows: it is in a frame then.
const BELOW_WHOLE: u16 = 11;
/// Columns in front of the values of a row, of each value, and that the verdict takes at least.
const VALUES: u16 = 30;
const VALUE: u16 = 13;
const VERDICT: u16 = 24;
/// Columns of the words in front of facts.
const LABEL: u16 = 11;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let area = layout.campaigns;
    if area.is_empty() {
        return;
    }
    match &model.campaigns.desk {
        Some(desk) => dry_run(model, desk, area, canvas),
        None => list(model, area, canvas),
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Lines of words, one below the other from a row on. Gives the next row.
fn words(lines: &str, style: Style, area: Area, mut row: u16, canvas: &mut Canvas<'_>) -> u16 {
    let safe = text::display_safe_multiline(lines);
    for part in safe.lines() {
        for line in text::wrap(part, usize::from(area.width.saturating_sub(2)).max(1)) {
            canvas.put(area, 1, row, area.width, part.get(line.range).unwrap_or_default(), style);
            row = row.saturating_add(1);
        }
    }
    row
}

fn list(model: &Model, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let shown = &model.campaigns;
    let (head, rest) = area.split_top(1);
    let total = format!(" Campaigns {}", shown.rows.len());
    canvas.row(head, 0, &[(theme.accent, &total)]);
    if shown.rows.is_empty() {
        let key = model.keymap.key(Context::Campaigns, Action::NewCampaign);
        let said = match &shown.error {
            Some(reason) => format!("The campaigns could not be read: {reason}"),
            None if !shown.loaded => "loading".to_owned(),
            None => format!(
                "Nothing was sent to many yet. {key} begins: choose a template, name a CSV file whose first \
                 row names its columns, and see what would be sent before anything is."
            ),
        };
        words(&said, theme.plain, rest, 1, canvas);
        return;
    }
    let at = shown.at();
    let (rows, detail) =
        if rest.height >= 12 { rest.split_bottom(9) } else { (rest, Area::default()) };
    let capacity = usize::from(rows.height);
    let top = (at + 1).saturating_sub(capacity);
    for (row, (place, campaign)) in
        (0..).zip(shown.rows.iter().enumerate().skip(top).take(capacity))
    {
        line(model, campaign, place == at, rows, row, canvas);
    }
    if let Some(campaign) = shown.current() {
        progress(model, campaign, detail, canvas);
    }
}

fn line(
    model: &Model,
    campaign: &Campaign,
    selected: bool,
    area: Area,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    if selected {
        canvas.put(area, 0, row, 1, glyph::pointer(theme), theme.selected);
    }
    let style = match (campaign.stage, campaign.is_done()) {
        (Stage::Running, false) => theme.good,
        (Stage::Paused, _) => theme.held,
        (Stage::Draft, _) => theme.doubt,
        _ => theme.dim,
    };
    canvas.put(area, 2, row, 4, &campaign.id.to_string(), theme.dim);
    canvas.put(area, 7, row, 10, campaign.state(), style);
    let through = format!("{} of {}", count(size(campaign.settled())), count(size(campaign.good)));
    canvas.put(area, 18, row, 18, &through, theme.plain);
    let zone = &model.settings.timezone;
    let at = when::listed(campaign.at, model.now, zone, area.width >= 100);
    let end = canvas.right(area, row, 40, &[(theme.dim, &at), (theme.dim, " ")]);
    let what = format!("{}  {}", campaign.template, campaign.file);
    let room = end.saturating_sub(38);
    canvas.put(area, 37, row, room, &text::display_safe(&what), theme.plain);
    if selected {
        canvas.tint(area, row, theme.cursor_row);
    }
}

/// How far the selected campaign is.
fn progress(model: &Model, campaign: &Campaign, area: Area, canvas: &mut Canvas<'_>) {
    if area.height < 4 {
        return;
    }
    let theme = canvas.theme;
    let title = format!("{} {}", campaign.template, campaign.language);
    canvas.rule(area, 0, &text::display_safe(&title), theme.separator);
    let (settled, good) = (campaign.settled(), campaign.good.max(1));
    let percent = u64::from(settled) * 100 / u64::from(good);
    let width = area.width.saturating_sub(12).min(60);
    bar(u64::from(settled), u64::from(good), width, (1, 1), area, canvas);
    canvas.put(area, width + 2, 1, 6, &format!("{percent}%"), theme.strong);
    let speed = model.campaigns.speeds.get(&campaign.id);
    let left = campaign.good.saturating_sub(settled);
    let moving = campaign.stage == Stage::Running && !campaign.is_done();
    let pace = speed.filter(|_| moving).and_then(|speed| {
        let (rate, eta) = (speed.per_second()?, speed.eta(left)?);
        Some(format!("{rate:.0}/s   {} left", when::takes(eta)))
    });
    let barred = barred(campaign, model).filter(|_| moving && campaign.counts.sending == 0);
    let stands = match (&pace, campaign.stage) {
        _ if barred.is_some() => format!("waits: {}", barred.unwrap_or_default()),
        (Some(pace), _) => pace.clone(),
        (None, Stage::Paused) => {
            let key = model.keymap.key(Context::Campaigns, Action::Pause);
            format!("paused; {key} lets it go on")
        }
        (None, Stage::Draft) => {
            "it was interrupted before it began; give the file again".to_owned()
        }
        (None, _) if moving && model.is_paused() => "the account is paused".to_owned(),
        (None, _) => campaign.state().to_owned(),
    };
    let through = format!("{} of {}   {stands}", count(size(settled)), count(size(campaign.good)));
    canvas.put(area, 1, 2, area.width, &through, theme.plain);
    let counts = &campaign.counts;
    let facts: [(&str, u32, Style); 9] = [
        ("accepted", counts.accepted, theme.plain),
        ("delivered", counts.delivered, theme.plain),
        ("read", counts.read, theme.plain),
        ("failed", counts.failed, theme.failure),
        ("uncertain", counts.uncertain, theme.doubt),
        ("under way", counts.sending, theme.plain),
        ("held", counts.held, theme.held),
        ("cancelled", counts.cancelled, theme.dim),
        ("left out", campaign.rows.saturating_sub(campaign.good) + counts.dropped, theme.dim),
    ];
    let (mut column, mut row) = (1_u16, 4);
    for (name, number, style) in facts.iter().filter(|(_, number, _)| *number > 0) {
        let fact = format!("{name} {}", count(size(*number)));
        let wide = u16::try_from(text::width(&fact)).unwrap_or(u16::MAX);
        if column > 1 && column.saturating_add(wide) > area.width {
            (column, row) = (1, row + 1);
        }
        canvas.put(area, column, row, wide, &fact, *style);
        column = column.saturating_add(wide + 3);
    }
}

/// A bar with so much of it filled.
fn bar(
    part: u64,
    whole: u64,
    width: u16,
    (column, row): (u16, u16),
    area: Area,
    canvas: &mut Canvas<'_>,
) {
    let theme = canvas.theme;
    let (full, empty) = glyph::gauge(theme);
    let filled = u64::from(width) * part.min(whole) / whole.max(1);
    let filled = u16::try_from(filled).unwrap_or(width);
    canvas.put(area, column, row, filled, &full.repeat(filled.into()), theme.good);
    let rest = width - filled;
    canvas.put(area, column + filled, row, rest, &empty.repeat(rest.into()), theme.dim);
}

/// A fact with its word in front.
fn fact(label: &str, said: &str, style: Style, area: Area, row: u16, canvas: &mut Canvas<'_>) {
    canvas.put(area, 1, row, LABEL, label, canvas.theme.dim);
    let room = area.width.saturating_sub(LABEL);
    canvas.put(area, LABEL, row, room, &text::display_safe(said), style);
}

fn dry_run(model: &Model, desk: &Desk, area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let file = desk.wish.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let rows = desk
        .run()
        .map_or_else(String::new, |run| format!("   {} rows", count(run.plan.rows.len())));
    let crumb = format!("Campaigns > {file}{rows}");
    let used =
        canvas.row(area, 0, &[(theme.accent, " "), (theme.accent, &text::display_safe(&crumb))]);
    let word = if desk.starting.is_busy() { "being stored" } else { "dry run" };
    canvas.right(area, 0, used + 1, &[(theme.held, word), (theme.dim, " ")]);
    let template = &desk.template;
    let head = format!(
        "{} {}  {}",
        template.name,
        template.language,
        template.category.name().to_lowercase()
    );
    fact("template", &head, theme.strong, area, 1, canvas);
    let run = match &desk.found {
        None => {
            words("one moment: the file is read", theme.dim, area, 3, canvas);
            return;
        }
        Some(Err(reason)) => {
            let row = words(reason, theme.failure, area, 3, canvas);
            let key = model.keymap.key(Context::DryRun, Action::MapColumns);
            let help = format!("{key} says which column is what, or reads the file again.");
            words(&help, theme.plain, area, row + 1, canvas);
            return;
        }
        Some(Ok(run)) => run,
    };
    let next = facts(model, run, area, canvas);
    let rest = area.split_top(next).1;
    if rest.height < 3 {
        return;
    }
    let rows = desk.rows();
    let whole = area.width >= BESIDE || rest.height >= BELOW_WHOLE * 2;
    let (table, preview) = if area.width >= BESIDE {
        let (table, preview) = rest.split_left(area.width - 56);
        (table, preview.split_left(1).1)
    } else if whole {
        rest.split_bottom(BELOW_WHOLE)
    } else if rest.height >= BELOW + 4 {
        rest.split_bottom(BELOW)
    } else {
        (rest, Area::default())
    };
    verdicts(desk, run, &rows, table, canvas);
    if let Some(row) = rows.get(desk.at) {
        draw_preview(run, row, preview, whole, canvas);
    }
}

/// What the file comes to as a whole. Gives the row below it.
fn facts(model: &Model, run: &DryRun, area: Area, canvas: &mut Canvas<'_>) -> u16 {
    let theme = canvas.theme;
    let (all, good) = (run.plan.rows.len(), run.plan.good());
    let code =
        run.country.map_or_else(String::new, |country| format!("   default +{}", country.code()));
    let columns = format!("{}{code}", run.mapping.words(&run.sheet));
    let mut row = 2;
    // The key that changes them shows all of them.
    let most = if area.height < 30 { 1 } else { 3 };
    let room = usize::from(area.width.saturating_sub(LABEL + 1)).max(1);
    let lines = text::wrap(&columns, room);
    if lines.len() > most {
        fact("columns", &columns, theme.plain, area, row, canvas);
        row += 1;
    } else {
        let mut label = "columns";
        for line in lines {
            let words = columns.get(line.range).unwrap_or_default();
            fact(label, words, theme.plain, area, row, canvas);
            (label, row) = ("", row + 1);
        }
    }
    let share = |part: usize| {
        let tenths = (part * 1000).checked_div(all).unwrap_or(0);
        format!("{:>9}  {:>3}.{}%", count(part), tenths / 10, tenths % 10)
    };
    fact("will send", &share(good), theme.strong, area, row, canvas);
    let width = area.width.saturating_sub(LABEL + 20).min(50);
    let as_count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    bar(as_count(good), as_count(all), width, (LABEL + 18, row), area, canvas);
    fact("skipped", &share(all - good), theme.plain, area, row + 1, canvas);
    row = groups(run, area, row + 1, canvas);
    let [limit, rate] = estimate(run, model.now, &model.settings.timezone);
    let later = run.estimate().later > 0;
    fact("limit", &limit, if later { theme.doubt } else { theme.plain }, area, row, canvas);
    fact("rate", &rate, theme.plain, area, row + 1, canvas);
    row += 2;
    if let Some(earlier) = &run.earlier {
        let said = format!(
            "sent before: campaign {}, {} of {} accepted",
            earlier.id,
            count(size(earlier.counts.accepted)),
            count(size(earlier.good))
        );
        fact("careful", &said, theme.failure, area, row, canvas);
        row += 1;
    }
    for warning in run.warnings() {
        fact("note", &warning, theme.doubt, area, row, canvas);
        row += 1;
    }
    row
}

/// Why rows are left out, each reason with its number, on as many rows as that takes. Gives the row below.
fn groups(run: &DryRun, area: Area, mut row: u16, canvas: &mut Canvas<'_>) -> u16 {
    let style = canvas.theme.doubt;
    let mut column = LABEL + 18;
    for (group, number) in run.plan.skipped() {
        let words = format!("{group}: {}", count(number));
        let words = text::display_safe(&words);
        let wide = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
        if column > LABEL && column.saturating_add(wide) > area.width {
            (column, row) = (LABEL, row + 1);
        }
        canvas.put(area, column, row, area.width.saturating_sub(column), &words, style);
        column = column.saturating_add(wide + 3);
    }
    row + 1
}

/// The values that have a column of their own, as far as there is room: what differs from row to row first.
fn value_places(run: &DryRun, area: Area) -> Vec<Place> {
    let room = usize::from(area.width.saturating_sub(VALUES + VERDICT) / VALUE);
    let places = slots(&run.plan.template).into_iter().map(|slot| slot.place);
    let differs = |place: &Place| run.mapping.columns.contains_key(&Wanted::Value(place.clone()));
    let (first, rest): (Vec<Place>, Vec<Place>) = places.partition(differs);
    first.into_iter().chain(rest).take(room.min(4)).collect()
}

/// The rows with their verdicts.
fn verdicts(desk: &Desk, run: &DryRun, rows: &[&Row], area: Area, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let label = if desk.problems { "only what is left out" } else { "" };
    canvas.rule(area, 0, label, theme.separator);
    let body = area.split_top(1).1;
    let places = value_places(run, area);
    let column = |index: usize| VALUES + u16::try_from(index).unwrap_or(0) * VALUE;
    let result = column(places.len());
    let header = [(2, "row"), (9, "number"), (result, "result")];
    for (at, name) in header {
        canvas.put(body, at, 0, 12, name, theme.dim);
    }
    for (index, place) in places.iter().enumerate() {
        canvas.put(body, column(index), 0, 12, &text::display_safe(&place.to_string()), theme.dim);
    }
    let body = body.split_top(1).1;
    if rows.is_empty() {
        words("No row is left out.", theme.dim, body, 0, canvas);
    }
    let capacity = usize::from(body.height);
    let top = (desk.at + 1).saturating_sub(capacity);
    for (line, (index, row)) in (0..).zip(rows.iter().enumerate().skip(top).take(capacity)) {
        let selected = index == desk.at;
        if selected {
            canvas.put(body, 0, line, 1, glyph::pointer(theme), theme.selected);
        }
        canvas.put(body, 2, line, 6, &row.number.to_string(), theme.dim);
        let number = row
            .to
            .as_ref()
            .map_or_else(|| text::display_safe(&row.typed).into_owned(), phone::display);
        let plain = if row.skip.is_some() { theme.dim } else { theme.plain };
        canvas.put(body, 9, line, 20, &number, plain);
        for (at, place) in places.iter().enumerate() {
            let value = row.filling.get(place).map_or("(empty)", String::as_str);
            canvas.put(body, column(at), line, 12, &text::display_safe(value), plain);
        }
        let room = body.width.saturating_sub(result);
        let (style, said) = verdict(row, room, canvas);
        canvas.put(body, result, line, room, &text::display_safe(&said), style);
        if selected {
            canvas.tint(body, line, theme.cursor_row);
        }
    }
}

/// What becomes of a row: why it is left out in a few words where all have no room. They stand by its preview.
fn verdict(row: &Row, room: u16, canvas: &Canvas<'_>) -> (Style, String) {
    let theme = canvas.theme;
    match (&row.skip, row.defaults.first()) {
        (Some(skip), _) => {
            let whole = format!("skip: {skip}");
            let fits = text::width(&text::display_safe(&whole)) <= usize::from(room);
            (theme.failure, if fits { whole } else { format!("skip: {}", skip.group()) })
        }
        (None, Some(place)) => (theme.doubt, format!("ok, {place} as for all")),
        (None, None) => (theme.good, "ok".to_owned()),
    }
}

/// The message of the selected row.
fn draw_preview(run: &DryRun, row: &Row, area: Area, framed: bool, canvas: &mut Canvas<'_>) {
    if area.height < 2 {
        return;
    }
    let sent = run.plan.preview(row);
    let title = format!("row {}", row.number);
    if framed {
        let why = row.skip.as_ref().map(ToString::to_string).unwrap_or_default();
        let next =
            if why.is_empty() { 0 } else { words(&why, canvas.theme.failure, area, 0, canvas) };
        let area = area.split_top(next).1;
        card((&sent, run.plan.template.header.as_ref()), &title, 0, area, canvas);
        return;
    }
    let theme = canvas.theme;
    canvas.rule(area, 0, &title, theme.separator);
    let below = area.split_top(1).1;
    let next = match &row.skip {
        Some(skip) => words(&skip.to_string(), theme.failure, below, 0, canvas),
        None => 0,
    };
    words(&sent.text, theme.plain, below, next, canvas);
}

/// The title of a question, and what helps to answer it.
pub(super) fn question(model: &Model, question: Question) -> (String, String) {
    let run = model.campaigns.desk.as_ref().and_then(Desk::run);
    match question {
        Question::Columns => (
            "Columns".to_owned(),
            "What is wanted = a column's name or #place; a value for all in quotes: phone=Telefone, \
             1=Nome, 2=\"SOL10\", country=BR. A value beside a column stands in where the cell is empty."
                .to_owned(),
        ),
        Question::Count => {
            let good = run.map_or(0, |run| run.plan.good());
            let earlier = run.and_then(|run| run.earlier.as_ref()).map_or_else(String::new, |one| {
                format!(" This file was sent with this template before (campaign {}).", one.id)
            });
            ("Send".to_owned(), format!("Type {good} to send {} messages.{earlier}", count(good)))
        }
        Question::TryOn => (
            "Send one row as a test".to_owned(),
            "A number of yours; it gets what the selected row's person would".to_owned(),
        ),
        Question::SkippedAs => {
            ("Save the rows that are left out".to_owned(), "A file that is not there yet".to_owned())
        }
        Question::ResultAs(id) => (
            format!("Save what became of campaign {id}"),
            "A CSV file that is not there yet".to_owned(),
        ),
        _ => (
            "Send to many".to_owned(),
            "The path of a CSV file whose first row names its columns".to_owned(),
        ),
    }
}
