//! The first screen, while no account is set up.

use super::paint::Canvas;
use crate::app::Model;
use crate::app::action::{Action, Context};
use crate::app::layout::{Area, Layout};
use crate::domain::text;

pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let theme = canvas.theme;
    let key = |action| model.keymap.key(Context::First, action);
    let demo = format!("{} opens the demo", key(Action::StartDemo));
    let path = text::display_safe(&model.config_path);
    let paragraphs = [
        (theme.accent, "twoticks".to_owned()),
        (theme.plain, "Your WhatsApp Business inbox in the terminal.".to_owned()),
        (theme.plain, String::new()),
        (theme.plain, "No account is set up yet.".to_owned()),
        (theme.plain, String::new()),
        (theme.strong, demo),
        (
            theme.dim,
            "Sample conversations that answer what you type. Nothing leaves this machine."
                .to_owned(),
        ),
        (theme.plain, String::new()),
        (theme.strong, "To connect your number".to_owned()),
        (theme.dim, "run twoticks init: it asks, checks and writes the config:".to_owned()),
        (theme.plain, path.into_owned()),
        (
            theme.dim,
            "The README goes through it step by step; twoticks init --example explains every key."
                .to_owned(),
        ),
        (theme.plain, String::new()),
        (theme.plain, format!("{} quits", key(Action::Quit))),
    ];
    let whole = Area {
        x: 0,
        y: layout.bar.y,
        width: layout.hints.width,
        height: layout.hints.y.saturating_sub(layout.bar.y),
    };
    let width = whole.width.saturating_sub(4).min(64);
    let mut lines = Vec::new();
    for (style, words) in &paragraphs {
        for line in text::wrap(words, width.into()) {
            lines.push((*style, words.get(line.range).unwrap_or_default()));
        }
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let place = whole.centred(width, height);
    for (at, (style, words)) in (0..place.height).zip(lines) {
        canvas.row(place, at, &[(style, words)]);
    }
}
