//! The status bar: whose inbox, demo or live, how the services do, what waits, what failed, the time. And
//! under it what is wrong, in words.

use ratatui::style::Style;

use super::paint::Canvas;
use super::theme::Theme;
use crate::app::action::{Action, Context};
use crate::app::layout::Layout;
use crate::app::{Mode, Model, Screen, when};
use crate::domain::health::Condition;
use crate::domain::text;
use crate::domain::tunnel::TunnelHealth;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let bar = layout.bar;
    let clock = format!(" {} ", when::clock(model.now, &model.settings.timezone));
    let right = facts(model, canvas);
    let word = match model.mode {
        Mode::Demo => (theme.demo, " DEMO "),
        Mode::Live => (theme.live, " LIVE "),
        Mode::NoAccount => (theme.dim, ""),
    };
    let name = " twoticks ";
    let mut taken = canvas.row(bar, 0, &[(theme.bar, name)]);
    // Whom one writes as matters more than the names of the screens, which have their keys.
    let label = text::display_safe(&model.account_label);
    let least = text::width(&label).min(LABEL);
    let others = right.iter().map(|fact| text::width(&fact.words)).sum::<usize>()
        + text::width(&clock)
        + word.1.len()
        + 2;
    let tabs =
        [(true, text::width(&label)), (false, least)].into_iter().find_map(|(named, label)| {
            let tabs = tabs(model, named, theme);
            let width: usize = tabs.iter().map(|(_, words)| text::width(words)).sum();
            let fits = usize::from(taken) + width + 1 + others + label <= usize::from(bar.width);
            (bar.width >= TABS && fits).then_some(tabs)
        });
    if let Some(tabs) = tabs {
        for (style, words) in tabs {
            taken += canvas.put(bar, taken, 0, bar.width.saturating_sub(taken), &words, style);
        }
        taken += 1;
    }
    let room = usize::from(bar.width.saturating_sub(taken))
        .saturating_sub(word.1.len() + 2 + text::width(&clock));
    let mut shown: Vec<(Style, &str)> =
        fitting(&right, room, least).iter().map(|fact| (fact.style, fact.words.as_str())).collect();
    shown.push((theme.plain, &clock));
    let facts_at = canvas.right(bar, 0, taken, &shown);
    let room = facts_at.saturating_sub(taken + u16::try_from(word.1.len()).unwrap_or(0) + 1);
    let mut at = taken;
    if room >= 4 {
        at += canvas.put(bar, at, 0, room, &label, theme.plain);
        at += 1;
    }
    canvas.put(bar, at, 0, facts_at.saturating_sub(at), word.1, word.0);
    for (row, words) in (0..).zip(model.banners(bar.width, model.size.1)) {
        canvas.row(layout.banners, row, &[(theme.banner, &words)]);
    }
}

/// From this width on the bar names the screens.
const TABS: u16 = 100;

/// So much of the account's name the names of the screens leave room for.
const LABEL: usize = 10;

/// The screens in the order of their keys.
const SCREENS: [(Screen, Action, &str); 5] = [
    (Screen::Inbox, Action::ShowInbox, "Inbox"),
    (Screen::Templates, Action::ShowTemplates, "Templates"),
    (Screen::Queue, Action::ShowQueue, "Queue"),
    (Screen::Hooks, Action::ShowHooks, "Hooks"),
    (Screen::Campaigns, Action::ShowCampaigns, "Campaigns"),
];

/// The screens with their keys, the one that is shown in bold; where there is no room for all names, its name
/// alone.
fn tabs(model: &Model, named: bool, theme: &Theme) -> [(Style, String); 5] {
    SCREENS.map(|(screen, action, name)| {
        let key = model.keymap.key(Context::Queue, action);
        if model.screen == screen {
            (theme.accent, format!(" {key} {name} "))
        } else if named {
            (theme.dim, format!(" {key} {name} "))
        } else {
            (theme.dim, format!(" {key} "))
        }
    })
}

/// What gives way where there is no room for all, the last first. Whom one writes as gives way before health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Health,
    Failed,
    Queue,
    Rest,
}

/// A word at the right of the bar.
struct Fact {
    rank: Rank,
    style: Style,
    words: String,
}

/// Those for which there is room, in the order of the bar. `label`: columns of whom one writes as.
fn fitting(facts: &[Fact], room: usize, label: usize) -> Vec<&Fact> {
    let of = |rank| facts.iter().filter(move |fact| fact.rank == rank);
    let health: usize = of(Rank::Health).map(|fact| text::width(&fact.words)).sum();
    let mut left = if health + label <= room { room - label } else { room };
    let mut shown = vec![false; facts.len()];
    for rank in [Rank::Health, Rank::Failed, Rank::Queue, Rank::Rest] {
        for (fact, shown) in facts.iter().zip(&mut shown).filter(|(fact, _)| fact.rank == rank) {
            let width = text::width(&fact.words);
            *shown = width <= left;
            left -= if *shown { width } else { 0 };
        }
    }
    facts.iter().zip(shown).filter_map(|(fact, shown)| shown.then_some(fact)).collect()
}

/// The facts at the right of the bar, each with its distance from the one before.
fn facts(model: &Model, canvas: &Canvas<'_>) -> Vec<Fact> {
    let theme = canvas.theme;
    let health = &model.health;
    let mut facts = Vec::new();
    let mut say = |rank, style, words: &str| {
        facts.push(Fact { rank, style, words: words.to_owned() });
    };
    let age = health.last_event.map(|at| when::age(model.now.since(at)));
    let both = health.listener == Condition::Elsewhere && health.sender == Condition::Elsewhere;
    let (style, words) = match (&health.listener, age) {
        (Condition::Up, Some(age)) => (theme.plain, format!("  hook ok {age}")),
        (Condition::Up, None) => (theme.plain, "  hook ok".to_owned()),
        (Condition::Elsewhere, _) if both => (theme.plain, "  hook, sender elsewhere".to_owned()),
        (Condition::Elsewhere, _) => (theme.plain, "  hook elsewhere".to_owned()),
        (Condition::Starting, _) => (theme.dim, "  hook starts".to_owned()),
        (Condition::Off, _) => (theme.dim, "  hook off".to_owned()),
        (Condition::Down(_), _) => (theme.banner, "  hook down".to_owned()),
    };
    say(Rank::Health, style, &words);
    if let Some((style, words)) = tunnel(&health.tunnel, theme) {
        say(Rank::Rest, style, &words);
    }
    match &health.sender {
        Condition::Up if model.sender_trouble().is_some() => {
            say(Rank::Health, theme.banner, "  sender down");
        }
        Condition::Up => {}
        Condition::Elsewhere if both => {}
        Condition::Elsewhere => say(Rank::Health, theme.plain, "  sender elsewhere"),
        Condition::Starting => say(Rank::Health, theme.dim, "  sender starts"),
        Condition::Off => say(Rank::Health, theme.dim, "  sender off"),
        Condition::Down(_) => say(Rank::Health, theme.banner, "  sender down"),
    }
    let concerns = model.account_health().map_or(&[][..], |health| &health.concerns);
    if let Some((first, more)) = concerns.split_first() {
        let style = if first.grave { theme.banner } else { theme.doubt };
        let more = if more.is_empty() { String::new() } else { format!(" +{}", more.len()) };
        say(Rank::Health, style, &format!("  {}{more}", first.short));
    }
    if model.is_paused() {
        say(Rank::Health, theme.held, "  paused");
    }
    if health.refused.total() > 0 {
        say(Rank::Rest, theme.doubt, &format!("  refused {}", health.refused.total()));
    }
    let waiting = model.waiting();
    say(Rank::Queue, theme.plain, &format!("  queue {}", waiting.queue()));
    let trouble = waiting.trouble();
    let (rank, style) =
        if trouble > 0 { (Rank::Health, theme.failure) } else { (Rank::Failed, theme.dim) };
    say(rank, style, &format!("  fail {trouble} "));
    facts
}

/// What brings webhooks here, if anything of ours does.
fn tunnel(tunnel: &TunnelHealth, theme: &Theme) -> Option<(Style, String)> {
    let kind = tunnel.kind?;
    let (style, word) = match &tunnel.condition {
        Condition::Up => (theme.plain, "ok"),
        Condition::Starting => (theme.dim, "starts"),
        Condition::Elsewhere => (theme.plain, "elsewhere"),
        Condition::Off => (theme.dim, "off"),
        Condition::Down(_) => (theme.banner, "down"),
    };
    Some((style, format!("  tunnel {kind} {word}")))
}
