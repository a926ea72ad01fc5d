//! All that is found out before anything is sent.

use super::{Campaign, Capacity, Estimate, Mapping, Plan, Sheet};
use crate::domain::id::AccountId;
use crate::domain::phone::Country;

/// What is to be done, as a person says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Who sends.
    pub account: AccountId,
    /// The file, as a path.
    pub path: String,
    /// The template's name.
    pub template: String,
    /// The template's language; none when it has one alone.
    pub language: Option<String>,
    /// Columns by what they are for, where their names do not say it.
    pub columns: Vec<(String, String)>,
    /// Values for all, or for those whose cell is empty.
    pub constants: Vec<(String, String)>,
    /// Where numbers without a country code are from; the account's own country when none.
    pub country: Option<Country>,
}

/// A plan with what stands around it.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// What was asked for.
    pub wish: Wish,
    /// The SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The file without its rows.
    pub sheet: Sheet,
    /// What is in which column.
    pub mapping: Mapping,
    /// Where numbers without a country code are from.
    pub country: Option<Country>,
    /// The verdicts.
    pub plan: Plan,
    /// What Meta allows.
    pub capacity: Capacity,
    /// The same template was sent to the people of this file before.
    pub earlier: Option<Campaign>,
}

impl DryRun {
    /// The file's name without its directory.
    #[must_use]
    pub fn file(&self) -> &str {
        self.wish.path.rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// How long it takes.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate::new(self.plan.good(), self.plan.counting(), &self.capacity)
    }

    /// What a person should know before it goes, beside the verdicts.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.sheet.notes.clone();
        warnings.extend(self.plan.warnings());
        warnings
    }
}
