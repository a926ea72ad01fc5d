//! What a panic does, by the thread it happens on. The terminal is restored only when the thread that draws
//! it is the one that goes down; a panic elsewhere must not tear down a live screen. Threads of our own
//! are started by `service::thread`, which catches their panics and asks the loop to end in order; a
//! library's thread is only logged.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::thread::{self, ThreadId};

/// Takes over the panic hook. The calling thread is the one that draws.
pub fn install(log: PathBuf) {
    let drawing = thread::current().id();
    std::panic::set_hook(Box::new(move |info| on_panic(info, drawing, &log)));
}

fn on_panic(info: &PanicHookInfo<'_>, drawing: ThreadId, log: &Path) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed");
    // The message may quote anything: it is redacted before it is shown, as the log does by itself.
    let said = crate::logging::redact(&info.to_string());
    tracing::error!(thread = name, "{said}\n{}", Backtrace::force_capture());
    if thread.id() == drawing {
        super::restore();
        #[expect(clippy::print_stderr, reason = "the last word of a process that goes down")]
        {
            eprintln!(
                "twoticks: {said}\nThis is a mistake in twoticks. The log: {}",
                log.display()
            );
        }
    }
}
