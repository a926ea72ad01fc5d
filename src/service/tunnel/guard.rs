//! The guard of a tunnel's tool: a process of our own between us and the tool.
//!
//! Its standard input is a pipe whose other end only we hold. When we are gone, however that came, the pipe
//! ends, and the guard ends the tool and all that it started: it is a process group of its own. Signals of
//! the terminal reach neither of them.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The hidden command of our binary.
pub const COMMAND: &str = "tunnel-guard";

/// How long the tool may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);

enum Heard {
    /// Whoever started us is gone, or wants the end.
    PipeEnded,
    ToolEnded,
}

/// Runs `line`, a program and its arguments, until it ends or the standard input does. Returns the tool's
/// exit code, 0 when it was ended.
///
/// # Errors
/// When the tool cannot be started.
pub fn run(line: &[OsString]) -> io::Result<u8> {
    let (program, args) =
        line.split_first().ok_or_else(|| io::Error::other("no program to run"))?;
    let mut tool = Command::new(program)
        .args(args)
        // Held open until the end: a session that reads its end would log out.
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let id = i32::try_from(tool.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| io::Error::other("the tool has no process id"))?;
    let (told, heard) = channel();
    let told_too = told.clone();
    let pipe = Builder::new().name("pipe".to_owned()).spawn(move || watch_pipe(&told));
    let exit = Builder::new().name("exit".to_owned()).spawn(move || {
        // Left unreaped, so that its id, and with it the group's, is nobody else's yet.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(id), options) {}
        told_too.send(Heard::ToolEnded).ok();
    });
    let watched = pipe.and(exit);
    let ended = match watched {
        Ok(_) => heard.recv().map_or(Heard::PipeEnded, |heard| heard),
        Err(_no_threads) => Heard::PipeEnded,
    };
    if matches!(ended, Heard::PipeEnded) {
        kill_process_group(id, Signal::TERM).ok();
        // Ended within the grace, or not: the rest is the same.
        while let Ok(Heard::PipeEnded) = heard.recv_timeout(GRACE) {}
    }
    // Whatever it started goes with it.
    kill_process_group(id, Signal::KILL).ok();
    let status = tool.wait()?;
    Ok(match ended {
        Heard::PipeEnded => 0,
        Heard::ToolEnded => {
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
            u8::try_from(code.unwrap_or(1)).unwrap_or(1)
        }
    })
}

fn watch_pipe(told: &Sender<Heard>) {
    let mut pipe = io::stdin().lock();
    let mut nothing = [0; 64];
    loop {
        match pipe.read(&mut nothing) {
            Ok(count) if count > 0 => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    told.send(Heard::PipeEnded).ok();
}
