//! Files of campaigns: read before one is sent, written with what became of it.

use std::io::{self, Read as _, Write};
use std::path::Path;
use std::sync::Arc;

use csv::Writer as Table;

use super::files::whole;
use crate::app::when::rfc3339;
use crate::domain::campaign::{DryRun, MAX_BYTES, Outcome, Wish};
use crate::domain::id::CampaignId;
use crate::domain::template::Template;
use crate::domain::text::cell_safe;
use crate::domain::time::Timestamp;
use crate::service::campaign::{Asked, dry_run};
use crate::service::outgoing::open_file;
use crate::store::Error;
use crate::store::campaign::outcomes;

/// Rows that are read at once.
const PAGE: u32 = 500;

/// The columns of a result.
const RESULT: [&str; 8] = ["row", "phone", "wa_id", "message", "state", "at", "code", "reason"];

/// The bytes of a file, which is not read further than is taken.
pub fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the file of a wish comes to, or why nothing, in plain words.
pub(super) fn plan(
    asked: &impl Asked,
    wish: Wish,
    template: &Template,
    rate: Option<u32>,
    now: Timestamp,
) -> Result<Arc<DryRun>, String> {
    let path = whole(&wish.path);
    let bytes = contents(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let run = dry_run(asked, wish, template, &bytes, rate, now);
    run.map(Arc::new).map_err(|error| error.to_string())
}

/// Writes the rows that are left out, with the reasons.
pub fn write_skipped(run: &DryRun, out: impl Write) -> io::Result<()> {
    let mut table = Table::from_writer(out);
    table.write_record(["row", "phone", "reason"])?;
    let left_out = run.plan.rows.iter().filter_map(|row| Some((row, row.skip.as_ref()?)));
    for (row, skip) in left_out {
        let reason = skip.to_string();
        table.write_record([row.number.to_string(), cell_safe(&row.typed), cell_safe(&reason)])?;
    }
    table.flush()
}

/// Why a result was not written.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file does.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// Writes what became of every row of a campaign.
pub fn write_result(
    asked: &impl Asked,
    id: CampaignId,
    out: impl Write,
) -> Result<(), ResultError> {
    let mut table = Table::from_writer(out);
    table.write_record(RESULT).map_err(io::Error::from)?;
    let mut after = 0;
    loop {
        let page = asked.ask(move |read| outcomes(read, id, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(table.flush()?) };
        after = last.row;
        for outcome in &page {
            table.write_record(record(outcome)).map_err(io::Error::from)?;
        }
    }
}

/// A row of the result. What others wrote is no formula for a spreadsheet.
fn record(outcome: &Outcome) -> [String; 8] {
    let text = |id: Option<String>| id.unwrap_or_default();
    [
        outcome.row.to_string(),
        cell_safe(&outcome.typed),
        text(outcome.to.as_ref().map(ToString::to_string)),
        text(outcome.message.map(|id| id.to_string())),
        outcome.state.to_owned(),
        text(outcome.at.map(rfc3339)),
        text(outcome.code.map(|code| code.to_string())),
        cell_safe(outcome.reason.as_deref().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::{contents, record};
    use crate::domain::campaign::Outcome;

    /// It waited for whoever would write to it, and with it all that the thread had to do.
    #[test]
    #[cfg(unix)]
    fn a_pipe_named_as_a_file_hung_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("list.csv");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert_eq!(contents(&pipe).unwrap_err().to_string(), "it is no file");
    }

    #[test]
    fn no_cell_of_the_result_is_a_formula() {
        let outcome = Outcome {
            row: 7,
            typed: "=HYPERLINK(\"http://x\")".to_owned(),
            to: None,
            message: None,
            state: "skipped",
            code: None,
            reason: Some("@SUM(A1)".to_owned()),
            at: None,
        };
        let cells = record(&outcome);
        assert_eq!(cells[1], "'=HYPERLINK(\"http://x\")");
        assert_eq!(cells[7], "'@SUM(A1)");
    }
}
