//! Templates for many on the screen: the campaigns there are, and the one that is being prepared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::templates::obstacle;
use super::wait::Wait;
use super::{Model, describe, when};
use crate::domain::campaign::{Campaign, DryRun, Row, Speed, Wish};
use crate::domain::catalogue::Entry;
use crate::domain::id::CampaignId;
use crate::domain::phone::Country;
use crate::domain::template::{Template, slots};
use crate::domain::text::display_safe;
use crate::domain::time::Timestamp;

/// The numbers are read again at most this often, however much is sent.
pub const CALM: Duration = Duration::from_millis(500);

/// How many campaigns are shown.
pub const SHOWN: u32 = 200;

/// The word for the country in a line of columns.
const COUNTRY: &str = "country";

/// The screen of the campaigns.
#[derive(Debug, Default)]
pub struct Campaigns {
    /// The pending read.
    pub wait: Wait<()>,
    /// Why they could not be read.
    pub error: Option<String>,
    /// The newest first.
    pub rows: Vec<Campaign>,
    /// They were read at least once.
    pub loaded: bool,
    /// The selected one.
    pub selected: Option<CampaignId>,
    /// How fast each goes.
    pub speeds: BTreeMap<CampaignId, Speed>,
    /// When they were read last.
    pub read_at: Option<Timestamp>,
    /// They changed since, and are read again at this time.
    pub due: Option<Timestamp>,
    /// Cancelling one was asked for, and is done when asked again until this time.
    pub cancels: Option<(CampaignId, Timestamp)>,
    /// The one that is being prepared.
    pub desk: Option<Desk>,
    /// The number that a row was sent to last as a test, as it was typed.
    pub tester: String,
}

impl Campaigns {
    /// Where the selection is.
    #[must_use]
    pub fn at(&self) -> usize {
        let selected = |row: &Campaign| Some(row.id) == self.selected;
        self.rows.iter().position(selected).unwrap_or(0)
    }

    /// The selected one.
    #[must_use]
    pub fn current(&self) -> Option<&Campaign> {
        self.rows.get(self.at())
    }
}

/// A campaign that is being prepared.
#[derive(Debug)]
pub struct Desk {
    /// The template.
    pub template: Template,
    /// What was said so far.
    pub wish: Wish,
    /// What it comes to, or why nothing; none while it is found out.
    pub found: Option<Result<Arc<DryRun>, String>>,
    /// The pending dry run.
    pub planning: Wait<()>,
    /// The pending start.
    pub starting: Wait<()>,
    /// The selected row among those shown.
    pub at: usize,
    /// Only rows that are left out are shown.
    pub problems: bool,
}

impl Desk {
    /// For a template, with nothing found out yet.
    #[must_use]
    pub fn new(template: Template, wish: Wish) -> Self {
        Self {
            template,
            wish,
            found: None,
            planning: Wait::default(),
            starting: Wait::default(),
            at: 0,
            problems: false,
        }
    }

    /// The dry run, once it is there.
    #[must_use]
    pub fn run(&self) -> Option<&Arc<DryRun>> {
        self.found.as_ref().and_then(|found| found.as_ref().ok())
    }

    /// The rows that are shown.
    #[must_use]
    pub fn rows(&self) -> Vec<&Row> {
        let rows = self.run().map_or(&[][..], |run| run.plan.rows.as_slice());
        rows.iter().filter(|row| !self.problems || row.skip.is_some()).collect()
    }

    /// The place in the plan of the row that a test sends: the selected one, or the first that can be sent where
    /// that one is left out.
    #[must_use]
    pub fn tried(&self) -> Option<usize> {
        let all = &self.run()?.plan.rows;
        let selected = self.rows().get(self.at).map(|row| row.number);
        let good = |row: &&Row| row.skip.is_none();
        let row = all.iter().filter(good).find(|row| Some(row.number) == selected);
        let number = row.or_else(|| all.iter().find(good))?.number;
        all.iter().position(|row| row.number == number)
    }

    /// The columns as a line that can be changed: `phone=telefone, 1=nome, 2="SOL10", country=+55`.
    #[must_use]
    pub fn columns_line(&self) -> String {
        let Some(run) = self.run() else {
            let said = self.wish.columns.iter().map(|(key, column)| format!("{key}={column}"));
            let mut words: Vec<String> = said.collect();
            if words.is_empty() {
                words.push("phone=".to_owned());
                words.extend(slots(&self.template).iter().map(|slot| format!("{}=", slot.place)));
            }
            return words.join(", ");
        };
        let mut words: Vec<String> = Vec::new();
        for (wanted, column) in &run.mapping.columns {
            let name = run.sheet.columns.get(*column).map_or("", String::as_str);
            let twice = run.sheet.columns.iter().filter(|other| *other == name).count() > 1;
            let awkward = twice || name.is_empty() || name.contains([',', '"', '=']);
            let name = if awkward { format!("#{}", column + 1) } else { name.to_owned() };
            words.push(format!("{wanted}={name}"));
        }
        let values = run.mapping.constants.iter();
        words.extend(values.map(|(place, value)| format!("{place}=\"{value}\"")));
        words.extend(run.country.map(|country| format!("{COUNTRY}=+{}", country.code())));
        words.join(", ")
    }

    /// Takes a line as [`Desk::columns_line`] writes it.
    ///
    /// # Errors
    /// What in it cannot be read.
    pub fn take_columns(&mut self, line: &str) -> Result<(), String> {
        let (mut columns, mut constants, mut country) = (Vec::new(), Vec::new(), None);
        for part in parts(line) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{}` has no =", display_safe(&part)))?;
            let (key, value) = (key.trim().to_owned(), value.trim());
            let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            match quoted {
                Some(value) => constants.push((key, value.to_owned())),
                None if key == COUNTRY => {
                    let found = Country::named(value).ok_or_else(|| {
                        format!("`{}` is no country: write BR or +55", display_safe(value))
                    })?;
                    country = Some(found);
                }
                None if value.is_empty() => {}
                None => columns.push((key, value.to_owned())),
            }
        }
        self.wish.columns = columns;
        self.wish.constants = constants;
        self.wish.country = country;
        Ok(())
    }
}

/// What commas outside quotes part.
fn parts(line: &str) -> Vec<String> {
    let (mut all, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        quoted ^= c == '"';
        if c == ',' && !quoted {
            all.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    all.push(part);
    all.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// Why the rest of a campaign waits, when Meta lets nobody be sent its template. Sanitised.
#[must_use]
pub(crate) fn barred(campaign: &Campaign, model: &Model) -> Option<String> {
    let known = model.catalogue.as_deref()?;
    let is_its = |entry: &&Entry| {
        entry.template.name == campaign.template && entry.template.language == campaign.language
    };
    obstacle(known.entries.iter().find(is_its)?, model)
}

/// How long it takes and what the limit lets through, each on a line. Sanitised.
#[must_use]
pub(crate) fn estimate(run: &DryRun, now: Timestamp, zone: &jiff::tz::TimeZone) -> [String; 2] {
    let (estimate, people) = (run.estimate(), run.capacity.people);
    let limit = people.limit.map_or_else(
        || "no messaging limit is known".to_owned(),
        |limit| {
            let size = usize::try_from(limit).unwrap_or(usize::MAX);
            let used = usize::try_from(people.reached).unwrap_or(usize::MAX);
            let from =
                estimate.frees_at.map_or("tomorrow".to_owned(), |at| when::near(at, now, zone));
            let later = match estimate.later {
                0 => String::new(),
                later => format!(", {} from {from}", describe::count(later)),
            };
            format!(
                "{} / 24 h, {} used: {} now{later}",
                describe::count(size),
                describe::count(used),
                describe::count(estimate.now)
            )
        },
    );
    let days = match estimate.days {
        0 => String::new(),
        1 => ", the rest a day later".to_owned(),
        days => format!(", the rest within {days} days"),
    };
    let rate = format!("{}/s, about {}{days}", run.capacity.rate, when::takes(estimate.takes));
    [limit, rate]
}

#[cfg(test)]
mod tests {
    use super::Desk;
    use crate::app::fixture::catalogue;
    use crate::domain::campaign::Wish;
    use crate::domain::id::AccountId;

    #[test]
    fn columns_are_said_in_one_line() {
        let template = catalogue().entries[0].template.clone();
        let wish = Wish {
            account: AccountId(1),
            path: "x.csv".to_owned(),
            template: template.name.clone(),
            language: None,
            columns: Vec::new(),
            constants: Vec::new(),
            country: None,
        };
        let mut desk = Desk::new(template, wish);
        desk.take_columns("phone=Tel, 1 = nome ,2=\"a, b\",country=+55").unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(desk.wish.columns, [pair("phone", "Tel"), pair("1", "nome")]);
        assert_eq!(desk.wish.constants, [pair("2", "a, b")]);
        assert_eq!(desk.wish.country.map(crate::domain::phone::Country::code), Some(55));
        assert_eq!(desk.columns_line(), "phone=Tel, 1=nome");
        assert!(desk.take_columns("phone").unwrap_err().contains("has no ="));
        assert!(desk.take_columns("country=Brazil").unwrap_err().contains("+55"));
    }
}
