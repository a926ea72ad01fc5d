//! A template for many: what a file says about whom it goes to, found out before anything is sent.
//!
//! A file becomes a [`Sheet`], a [`Mapping`] says which column is what, and a [`Plan`] has a verdict for each
//! row. What the store knows of the people in it is asked in between. From the plan come the estimate and
//! what is queued. Text in here is as it came: sinks sanitise it.

mod dry_run;
mod estimate;
mod mapping;
mod plan;
mod progress;
mod sheet;

pub use dry_run::{DryRun, Wish};
pub use estimate::{Capacity, Estimate};
pub use mapping::{MapError, Mapping, PHONE, Wanted};
pub use plan::{Group, Known, Plan, Row, Skip};
pub use progress::{Campaign, Counts, Outcome, Speed, Stage};
pub use sheet::{MAX_BYTES, Sheet, SheetError, SheetRow, fingerprint};

#[cfg(test)]
mod tests;
