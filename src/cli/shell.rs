//! What the shell needs: completions, which know the names of accounts, templates and conversations, and the man
//! page.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};

use clap::{Args, Command, CommandFactory as _, Parser as _, ValueEnum};
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use super::{CommandLine, Session};
use crate::domain::catalogue::Catalogue;
use crate::domain::conversation::{Conversation, Filter};
use crate::domain::page::ListPage;
use crate::domain::text::display_safe;
use crate::error::Error;
use crate::service::catalogue;
use crate::store::list;

/// The variable by which a shell asks for what could come next.
pub(super) const VARIABLE: &str = "TWOTICKS_COMPLETE";

/// Conversations that are offered.
const OFFERED: u32 = 50;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// For which shell.
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints what the shell has to read, such as by `eval "$(twoticks completions bash)"`.
pub(super) fn completions(completions: &Completions) -> Result<(), Error> {
    let shell: &dyn EnvCompleter = match completions.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "twoticks", "twoticks", "twoticks", &mut script)?;
    Ok(io::stdout().lock().write_all(&script)?)
}

/// Prints the man page, every command with its options.
pub(super) fn man() -> Result<(), Error> {
    let mut page = Vec::new();
    clap_mangen::Man::new(CommandLine::command()).render(&mut page)?;
    let mut command = CommandLine::command();
    // The arguments of a command are not there before.
    command.build();
    sections(&command, "TWOTICKS", &mut page)?;
    // Every command is in this page; there are none of their own.
    let page = String::from_utf8_lossy(&page).replace("twoticks\\-", "twoticks ");
    let page: String = page.lines().map(|line| own_page(line) + "\n").collect();
    Ok(io::stdout().lock().write_all(page.as_bytes())?)
}

/// A line of the page; one that names a command as a page of its own names it as it is typed.
fn own_page(line: &str) -> String {
    match line.strip_suffix("(1)") {
        Some(name) if name.starts_with("twoticks ") => name.to_owned(),
        _ => line.to_owned(),
    }
}

/// A section for each command below this one, and for those below them.
fn sections(above: &Command, name: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for command in above.get_subcommands() {
        let name = format!("{name} {}", command.get_name().to_uppercase());
        writeln!(page, ".SH \"{name}\"")?;
        // Those of every command stand at the top.
        let own = command.clone().mut_args(|arg| {
            let everywhere = arg.is_global_set();
            arg.hide(everywhere)
        });
        let man = clap_mangen::Man::new(own);
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        sections(command, &name, page)?;
    }
    Ok(())
}

/// With the config, the data directory and the account that were typed before, or that the environment names.
fn session() -> Option<Session> {
    let words = std::iter::once(OsString::from("twoticks")).chain(named(std::env::args_os()));
    let line = CommandLine::try_parse_from(words).ok()?;
    Session::read_config(line.global, true).ok()
}

/// Those of the words that say where names come from. One without its value is what is being typed.
fn named(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    const FLAGS: [&str; 3] = ["--config", "--data-dir", "--account"];
    let mut words = words.peekable();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if FLAGS
            .iter()
            .any(|flag| text.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
        {
            found.push(word);
        } else if FLAGS.contains(&text.as_ref())
            && let Some(value) = words.next_if(|value| !value.is_empty() && *value != "--")
        {
            found.extend([word, value]);
        }
    }
    found
}

/// Names of accounts. A shell is never told of an error.
pub(super) fn accounts(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(session) = session() else { return Vec::new() };
    let names = session.config.accounts.iter().map(|account| (account.name.clone(), None));
    begun(typed, names)
}

/// Numbers of the conversations with the newest activity, with the names of their contacts.
pub(super) fn conversations(typed: &OsStr) -> Vec<CompletionCandidate> {
    let rows = newest().unwrap_or_default().into_iter().map(|row| {
        let name = row.contact.name.as_deref().map(|name| display_safe(name).into_owned());
        let number = row.contact.wa_id.as_ref().map(|number| format!("+{number}"));
        (number.unwrap_or_else(|| row.id.0.to_string()), name)
    });
    begun(typed, rows)
}

/// Names of templates, with what each is for.
pub(super) fn templates(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(catalogue) = catalogue_of() else { return Vec::new() };
    let mut names: Vec<(String, Option<String>)> = Vec::new();
    for entry in catalogue.entries {
        let template = entry.template;
        // One name in several languages is one name.
        if names.last().is_none_or(|(name, _)| *name != template.name) {
            names.push((template.name, Some(template.category.name().to_lowercase())));
        }
    }
    begun(typed, names.into_iter())
}

fn catalogue_of() -> Option<Catalogue> {
    let session = session()?;
    let read = session.read().ok()?;
    let account = session.stored_account(&read).ok()?;
    catalogue::read(&read, account.id, None).ok()
}

fn newest() -> Option<Vec<Conversation>> {
    let session = session()?;
    let read = session.read().ok()?;
    let account = session.stored_account(&read).ok()?;
    let (page, now) = (ListPage::First, session.clock.now());
    let found = list::conversations(&read, account.id, Filter::All, "", page, OFFERED, now);
    Some(found.ok()?.rows)
}

/// Those that begin with what was typed, with what they mean.
fn begun(
    typed: &OsStr,
    all: impl Iterator<Item = (String, Option<String>)>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    all.filter(|(word, _)| word.starts_with(typed.as_ref()))
        .map(|(word, help)| CompletionCandidate::new(word).help(help.map(Into::into)))
        .collect()
}
