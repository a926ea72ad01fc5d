//! Other programs that are asked for a secret, or are given one to keep.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::domain::time::{Clock, Monotonic};

/// How long one may take: a keyring's tool answers at once, and one that asks a person cannot be answered
/// behind the screen.
pub(super) const TIME: Duration = Duration::from_secs(10);

/// Why nothing was had of a program.
#[derive(Debug)]
pub(super) enum Failure {
    /// It cannot be started or spoken to.
    Io(io::Error),
    /// It took longer than this, and was ended.
    Slow(Duration),
    /// It ended by saying so: its exit status in words.
    Status(String),
    /// What it printed is no text.
    NoText,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs a program, writes `input` to it, and returns the first line that it prints. What it complains of is
/// not read: the secret may be in it.
pub(super) fn first_line(
    command: &mut Command,
    input: &str,
    time: Duration,
    clock: &dyn Clock,
) -> Result<String, Failure> {
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // What it starts is ended with it.
        .process_group(0)
        .spawn()?;
    let group = Pid::from_child(&child);
    let end = clock.monotonic() + time;
    // A secret is shorter than any pipe, so that this does not wait. Dropped, it is the end of the input.
    let told = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let printed = child.stdout.take().map(|out| read_until(out, end, clock)).transpose()?.flatten();
    let left = printed.as_ref().map_or(Duration::ZERO, |_| end.since(clock.monotonic()));
    let ended = wait_within(&mut child, group, left)?;
    let (Some(text), Some(status)) = (printed, ended) else {
        return Err(Failure::Slow(time));
    };
    if !status.success() {
        return Err(Failure::Status(status.to_string()));
    }
    told?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8(line.to_vec()).map_err(|_secret| Failure::NoText)
}

/// Waits until it ends; nothing when that does not come in time, and then it is ended. It may have closed its output
/// long before.
fn wait_within(child: &mut Child, group: Pid, time: Duration) -> io::Result<Option<ExitStatus>> {
    let (ended, end) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || ended.send(child.wait()));
        end.recv_timeout(time).map_or_else(
            |_late| {
                // One that is gone by now needs no end.
                kill_process_group(group, Signal::KILL).ok();
                Ok(None)
            },
            |status| status.map(Some),
        )
    })
}

/// Reads to the end; nothing when that does not come in time.
fn read_until(
    mut out: ChildStdout,
    end: Monotonic,
    clock: &dyn Clock,
) -> io::Result<Option<Vec<u8>>> {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let left = end.since(clock.monotonic());
        let wait = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut ready = [PollFd::new(&out, PollFlags::IN)];
        match poll(&mut ready, Some(&wait)) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match out.read(&mut buffer)? {
            0 => return Ok(Some(text)),
            // More than that is no secret; it is taken off the pipe all the same.
            read if text.len() < 64 * 1024 => {
                text.extend_from_slice(buffer.get(..read).unwrap_or_default());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{Failure, TIME, first_line};
    use crate::clock::SystemClock;

    fn shell(script: &str, input: &str, time: Duration) -> Result<String, Failure> {
        first_line(Command::new("sh").args(["-c", script]), input, time, &SystemClock::new())
    }

    #[test]
    fn a_command_that_does_not_answer_is_ended() {
        let time = Duration::from_millis(50);
        for script in [
            "exec cat /dev/zero",
            "echo half; tail -f /dev/null",
            // Its output ends, and it does not.
            "echo secret; exec >/dev/null; tail -f /dev/null",
        ] {
            let answer = shell(script, "", time);
            assert!(matches!(answer, Err(Failure::Slow(_))), "{script}: {answer:?}");
        }
    }

    #[test]
    fn what_is_written_to_it_ends() {
        assert_eq!(shell("cat; echo; echo more", "the secret", TIME * 3).unwrap(), "the secret");
        let deaf = shell("exit 3", "the secret", TIME * 3);
        assert!(matches!(deaf, Err(Failure::Status(_))), "{deaf:?}");
    }
}
