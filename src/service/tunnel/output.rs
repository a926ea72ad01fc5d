//! What a tool prints, line by line, whatever it prints: long lines are cut, broken characters replaced.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

/// Bytes of a line that are kept.
const LINE_MAX: usize = 4096;

/// The lines of a pipe.
pub(super) struct Lines {
    pipe: Receiver,
    buffer: Vec<u8>,
    over: bool,
}

impl Lines {
    pub(super) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self { pipe: Receiver::from_owned_fd(pipe)?, buffer: Vec::new(), over: false })
    }

    /// The next line that is not empty; none at the end. Nothing is lost when it is dropped half-way.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            let end = self.buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            // Where the line ends, and where the next one begins.
            let cut = end.map(|end| (end, end + 1)).or_else(|| {
                let length = self.buffer.len();
                let whole = length >= LINE_MAX || self.over;
                whole.then_some((length.min(LINE_MAX), length.min(LINE_MAX)))
            });
            if let Some((end, next)) = cut {
                let rest = self.buffer.split_off(next);
                let line = std::mem::replace(&mut self.buffer, rest);
                let line = String::from_utf8_lossy(line.get(..end).unwrap_or(&line)).into_owned();
                if !line.trim().is_empty() {
                    return Some(line);
                }
                if self.over && self.buffer.is_empty() {
                    return None;
                }
                continue;
            }
            match self.pipe.read_buf(&mut self.buffer).await {
                Ok(count) if count > 0 => {}
                // What cannot be read any more has ended.
                _ => self.over = true,
            }
        }
    }
}
