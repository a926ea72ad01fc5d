//! A tool under its guard: how each is called, and how it is started and ended.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::TunnelConfig;
use super::output::Lines;
use crate::domain::tunnel::Kind;

/// How long the guard may take to end its tool, a little more than it gives the tool.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A running tool.
pub(super) struct Tool {
    guard: Child,
    lines: Option<Lines>,
}

/// Starts the tool, or says in plain words why that cannot be.
pub(super) fn start(config: &TunnelConfig, local: SocketAddr) -> Result<Tool, String> {
    let line = command_line(config, local)?;
    if let Some(missing) = missing(config.kind) {
        return Err(missing);
    }
    spawn(config, &line)
        .map_err(|error| format!("{} cannot be started: {error}", config.kind.name()))
}

/// The program that is not installed, with what installs it.
pub(super) fn missing(kind: Kind) -> Option<String> {
    let (program, install) = kind.program()?;
    (!is_installed(program)).then(|| format!("{program} is not installed: {install}"))
}

fn spawn(config: &TunnelConfig, line: &[OsString]) -> io::Result<Tool> {
    let (read, write) = io::pipe()?;
    let mut command = Command::new(&config.guard);
    command.arg(super::guard::COMMAND).args(line);
    for name in &config.withheld {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::piped())
        .stdout(OwnedFd::from(write.try_clone()?))
        .stderr(OwnedFd::from(write))
        // Signals that the terminal sends are for us; the guard hears of our end by its pipe.
        .process_group(0);
    let guard = command.spawn()?;
    // With the command goes our copy of the pipe's end, so that it ends with the tool.
    drop(command);
    Ok(Tool { guard, lines: Some(Lines::new(OwnedFd::from(read))?) })
}

impl Tool {
    /// What it prints.
    ///
    /// # Panics
    /// Never: it is asked for once.
    pub(super) fn lines(&mut self) -> Lines {
        #[expect(clippy::expect_used, reason = "asked for once, by the one who started it")]
        self.lines.take().expect("the lines are taken once")
    }

    /// Ends it and waits for that; returns how it ended, in words.
    pub(super) async fn end(mut self) -> String {
        drop(self.guard.stdin.take());
        match timeout(END_WITHIN, self.guard.wait()).await {
            Ok(Ok(status)) => match status.code() {
                Some(0) | None => String::new(),
                Some(code) => format!(" with code {code}"),
            },
            Ok(Err(error)) => {
                tracing::warn!(%error, "the guard of the tunnel cannot be waited for");
                String::new()
            }
            Err(_late) => {
                tracing::warn!("the guard of the tunnel takes too long and is left to itself");
                String::new()
            }
        }
    }
}

/// Program and arguments.
pub(super) fn command_line(
    config: &TunnelConfig,
    local: SocketAddr,
) -> Result<Vec<OsString>, String> {
    let port = local.port();
    let own = config.args.iter().map(String::as_str);
    let line: Vec<String> = match config.kind {
        Kind::None => return Err("no tunnel is set".to_owned()),
        Kind::Cloudflared => {
            let url = format!("http://{local}");
            words(
                ["cloudflared", "tunnel", "--no-autoupdate", "--url", &url].into_iter().chain(own),
            )
        }
        Kind::Ngrok => {
            let address = local.to_string();
            let log = ["--log", "stdout", "--log-format", "logfmt"];
            let url = config.public_url.as_ref().map(|url| format!("--url={url}"));
            words(
                ["ngrok", "http", &address].into_iter().chain(log).chain(url.as_deref()).chain(own),
            )
        }
        Kind::Ssh => {
            let destination = config.destination.as_deref().ok_or(
                "tunnel.destination is missing: the host to ssh to, such as \"nokey@localhost.run\"",
            )?;
            let forward = format!("{}:{local}", config.remote);
            // Nobody is there to answer questions. A forward that fails ends it, and a dead connection is
            // noticed within some 15 seconds.
            let options = [
                "-T",
                "-oBatchMode=yes",
                "-oExitOnForwardFailure=yes",
                "-oServerAliveInterval=5",
                "-oServerAliveCountMax=3",
                "-R",
                &forward,
            ];
            // Servers that give an address print it in a session; a host of one's own needs none.
            let bare = config.public_url.is_some().then_some("-N");
            let line = std::iter::once("ssh").chain(options).chain(bare).chain(own);
            words(line.chain(["--", destination]))
        }
        Kind::Command => {
            let command = config.command.as_deref().ok_or("tunnel.command is missing")?;
            words(["sh", "-c", &command.replace("{port}", &port.to_string())].into_iter())
        }
    };
    Ok(line.into_iter().map(OsString::from).collect())
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    words.map(str::to_owned).collect()
}

/// Whether a program is where the shell would find it.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| is_executable(&dir.join(program)))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
