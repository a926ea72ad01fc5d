//! The tabs of the workbench as lines.

use super::{Ink, Line, Page};
use crate::app::action::{Action, Context};
use crate::app::workbench::{DEAF, Tab};
use crate::app::{Model, when};
use crate::domain::account::Fact;
use crate::domain::checkup::Verdict;
use crate::domain::health::Condition;
use crate::domain::profile::Part;
use crate::domain::text;
use crate::domain::tunnel::{Kind, Registration};

/// Columns of the names in here.
const NAMES: usize = 16;

/// The tab that is looked at.
pub(super) fn lines(model: &Model, page: &mut Page) {
    tabs(model, page);
    match model.workbench.tab {
        Tab::Account => account(model, page),
        Tab::Profile => profile(model, page),
        Tab::Doctor => doctor(model, page),
        Tab::Tunnel => tunnel(model, page),
    }
}

/// The line of the row that is chosen, from the top of the page.
pub(super) fn chosen_line(lines: &[Line]) -> usize {
    let is_chosen = |line: &Line| line.0.first().is_some_and(|(_, words)| words.starts_with('>'));
    lines.iter().position(is_chosen).unwrap_or(0)
}

fn tabs(model: &Model, page: &mut Page) {
    let tab = |tab: &Tab| {
        let here = *tab == model.workbench.tab;
        let ink = if here { Ink::Heading } else { Ink::Dim };
        let name = tab.name();
        (ink, if here { format!("[{name}]  ") } else { format!(" {name}   ") })
    };
    page.lines.push(Line(Tab::ALL.iter().map(tab).collect()));
    page.lines.push(Line::default());
}

fn key(model: &Model, action: Action) -> &str {
    model.keymap.key(Context::Workbench, action)
}

fn account(model: &Model, page: &mut Page) {
    let bench = &model.workbench;
    let refresh = key(model, Action::Refresh);
    let Some(told) = &bench.told else { return page.wrapped("loading", Ink::Dim) };
    let near = |at| when::near(at, model.now, &model.settings.timezone);
    let asked = match told.asked_at {
        _ if bench.asks => "Meta is being asked.".to_owned(),
        Some(at) => format!("Meta was asked {}; {refresh} asks now.", near(at)),
        None => format!("Meta was not asked yet; {refresh} asks now."),
    };
    page.wrapped(&asked, Ink::Dim);
    let words = |fact: &Fact| {
        let said = &fact.saying;
        let parts = [&said.subject, &said.value, &said.detail];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let until = said.until.map_or_else(String::new, |until| format!(", until {}", near(until)));
        format!("{}{until}", parts.join("  "))
    };
    let concerns = crate::domain::account::concerns(&told.facts, model.now);
    if !concerns.is_empty() {
        page.heading("Not good");
        for concern in &concerns {
            page.wrapped(&concern.words, if concern.grave { Ink::Bad } else { Ink::Plain });
        }
    }
    page.heading("Now");
    for fact in &told.facts {
        let ink = if fact.concern(model.now).is_some() { Ink::Bad } else { Ink::Plain };
        page.named(fact.saying.kind.title(), NAMES, &words(fact), ink);
    }
    page.heading("History");
    if told.history.is_empty() {
        page.wrapped("Nothing was told yet.", Ink::Dim);
    }
    for fact in &told.history {
        let how = if fact.told { "told by a webhook" } else { "asked" };
        let said = format!("{}  {}", fact.saying.kind.title(), words(fact));
        page.named(&near(fact.at), NAMES, &format!("{said}  ({how})"), Ink::Plain);
    }
}

/// A row that can be chosen.
fn row(page: &mut Page, chosen: bool, name: &str, words: &str, ink: Ink) {
    let mark = if chosen { "> " } else { "  " };
    page.named(&format!("{mark}{name}"), NAMES, words, if chosen { Ink::Heading } else { ink });
}

fn profile(model: &Model, page: &mut Page) {
    let bench = &model.workbench;
    let (edit, refresh) = (key(model, Action::Choose), key(model, Action::Refresh));
    let head = match (&bench.trouble, &bench.profile) {
        _ if bench.asks => "Meta is being asked.".to_owned(),
        (Some(why), _) => format!("{why}; {refresh} asks again."),
        (None, Some(_)) => format!("What customers see. {edit} changes a line."),
        (None, None) => format!("{refresh} asks Meta."),
    };
    let ink = if bench.trouble.is_some() && !bench.asks { Ink::Bad } else { Ink::Dim };
    page.wrapped(&head, ink);
    page.lines.push(Line::default());
    let Some(profile) = &bench.profile else { return };
    for (at, part) in Part::ALL.into_iter().enumerate() {
        let text = profile.text(part);
        let (words, ink) = if text.is_empty() { ("-", Ink::Dim) } else { (text, Ink::Plain) };
        row(page, at == bench.row, part.name(), words, ink);
    }
    let picture = profile.picture_url.as_deref().unwrap_or("-");
    row(page, bench.part().is_none(), "picture", picture, Ink::Dim);
}

fn doctor(model: &Model, page: &mut Page) {
    let bench = &model.workbench;
    let troubles = model.troubles();
    for words in &troubles {
        page.wrapped(words, Ink::Bad);
    }
    if !troubles.is_empty() {
        page.lines.push(Line::default());
    }
    let refresh = key(model, Action::Refresh);
    let Some(findings) = bench.findings.as_ref().filter(|_| !bench.looks) else {
        let words = if bench.looks {
            "Every part of the set-up is being looked at; this takes some seconds.".to_owned()
        } else {
            format!("{refresh} looks at every part of the set-up.")
        };
        return page.wrapped(&words, Ink::Dim);
    };
    let wrong = findings.iter().filter(|found| found.verdict == Verdict::Wrong).count();
    let copy = key(model, Action::Copy);
    let head = match wrong {
        0 => "Nothing is wrong.".to_owned(),
        1 => "1 thing is wrong.".to_owned(),
        more => format!("{more} things are wrong."),
    };
    page.wrapped(&format!("{head} {refresh} looks again, {copy} copies."), Ink::Dim);
    page.lines.push(Line::default());
    for found in findings {
        let ink = match found.verdict {
            Verdict::Wrong => Ink::Bad,
            Verdict::Note => Ink::Plain,
            Verdict::Right => Ink::Dim,
        };
        let name = format!("{} {}", found.verdict.word(), found.check);
        page.named(&name, NAMES + 6, &found.words(), ink);
        if let Some(remedy) = &found.remedy {
            page.named("   do", NAMES + 6, remedy, Ink::Plain);
        }
    }
}

fn tunnel(model: &Model, page: &mut Page) {
    let health = &model.health.tunnel;
    let running = health.kind.unwrap_or("none");
    let leads_here = health.condition == Condition::Up && health.kind.is_some();
    if model.health.listener == Condition::Off {
        page.wrapped(DEAF, Ink::Bad);
    }
    let (words, ink) = match &health.condition {
        _ if health.kind.is_none() => ("Nothing brings webhooks here.".to_owned(), Ink::Dim),
        Condition::Up => {
            let took = health.round_trip.map_or(0, |took| took.as_millis());
            (format!("{running} works: an event came through and back in {took} ms."), Ink::Plain)
        }
        Condition::Starting => (format!("{running} starts."), Ink::Dim),
        Condition::Elsewhere => (format!("{running} runs in another process."), Ink::Dim),
        Condition::Off => (format!("{running} is off."), Ink::Dim),
        Condition::Down(why) => (format!("{running} is down: {why}"), Ink::Bad),
    };
    page.wrapped(&words, ink);
    if let Some(url) = &health.url {
        page.named("URL", NAMES, url, Ink::Plain);
    }
    match &health.registration {
        Registration::Unknown if leads_here => {
            let yes = key(model, Action::LetPost);
            page.wrapped(
                &format!("Where Meta posts is left alone; {yes} lets it post there."),
                Ink::Dim,
            );
        }
        Registration::Unknown => {}
        Registration::Registered { before: None } => page.wrapped("Meta posts there.", Ink::Plain),
        Registration::Registered { before: Some(before) } => {
            page.wrapped("Meta posts there.", Ink::Plain);
            page.named("before", NAMES, before, Ink::Plain);
            let back = key(model, Action::PutBack);
            page.wrapped(&format!("{back} puts the address from before back."), Ink::Dim);
        }
        Registration::Trouble(why) => {
            page.wrapped(&format!("Meta is not told of it: {why}"), Ink::Bad);
        }
        Registration::Asks { old } => {
            let old = old.as_deref().unwrap_or("no address");
            page.wrapped(&format!("Meta posts to {old}."), Ink::Bad);
            let (yes, no) = (key(model, Action::LetPost), key(model, Action::LeavePost));
            let back = key(model, Action::PutBack);
            page.wrapped(
                &format!(
                    "{yes} lets it post to the tunnel, now and whenever that address changes; \
                     {back} brings the old one back. {no} leaves it."
                ),
                Ink::Plain,
            );
        }
    }
    page.lines.push(Line::default());
    for (at, (name, kind)) in Kind::ALL.into_iter().enumerate() {
        let what = match kind {
            Kind::None => "stop the tunnel",
            Kind::Cloudflared => "Cloudflare's tool; no account",
            Kind::Ngrok => "ngrok with an authtoken",
            Kind::Ssh => "ssh -R to tunnel.destination of the config",
            Kind::Command => "tunnel.command of the config",
        };
        let here = if name == running { "  (chosen)" } else { "" };
        row(page, at == model.workbench.row, name, &format!("{what}{here}"), Ink::Plain);
    }
    page.lines.push(Line::default());
    let choose = key(model, Action::Choose);
    page.wrapped(
        &format!("{choose} starts it until you leave; [tunnel] in the config for good."),
        Ink::Dim,
    );
}

/// What is copied: the findings, or everything on the tab.
#[must_use]
pub fn copied(model: &Model) -> Option<String> {
    let bench = &model.workbench;
    match bench.tab {
        Tab::Doctor => {
            let lines =
                bench.findings.as_ref()?.iter().flat_map(crate::domain::checkup::Finding::lines);
            let safe: Vec<String> =
                lines.map(|line| text::display_safe(&line).into_owned()).collect();
            Some(safe.join("\n"))
        }
        Tab::Tunnel => model.health.tunnel.url.clone(),
        Tab::Profile => {
            let profile = bench.profile.as_ref()?;
            bench.part().map_or_else(
                || profile.picture_url.clone(),
                |part| Some(profile.text(part).to_owned()),
            )
        }
        Tab::Account => {
            let mut page = Page::new(100, model);
            account(model, &mut page);
            let line = |line: &Line| {
                let words: String = line.0.iter().map(|(_, words)| words.as_str()).collect();
                words.trim_end().to_owned()
            };
            Some(page.lines.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
    }
}
