//! A verdict for every row of a file: whom it goes to with which values, or why it is left out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::mapping::{Mapping, Wanted, local};
use super::sheet::{Sheet, SheetRow};
use crate::domain::id::{ContactId, WaId};
use crate::domain::phone::{self, Country};
use crate::domain::template::{Category, Filling, Place, SentTemplate, Template, flaws, render};
use crate::domain::text::{display_safe, truncate};

/// Why a row is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// What stands in the column is no phone number; why, and what would be.
    BadNumber(String),
    /// An earlier row goes to the same person.
    Duplicate(u32),
    /// They want no marketing.
    OptedOut,
    /// The business blocked them.
    Blocked,
    /// A value is missing that the template needs.
    Missing(Place),
    /// A value is there that Meta does not take; which, and why.
    BadValue(String),
    /// The row has more cells than there are columns: it is parted wrongly.
    Shape(usize),
}

/// Reasons alike, for counting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// [`Skip::OptedOut`].
    OptedOut,
    /// [`Skip::Blocked`].
    Blocked,
    /// [`Skip::Duplicate`].
    Duplicate,
    /// [`Skip::BadNumber`].
    BadNumber,
    /// [`Skip::Missing`].
    Missing(Place),
    /// [`Skip::BadValue`].
    BadValue,
    /// [`Skip::Shape`].
    Shape,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OptedOut => f.write_str("opted out"),
            Self::Blocked => f.write_str("blocked"),
            Self::Duplicate => f.write_str("duplicate number"),
            Self::BadNumber => f.write_str("bad number"),
            Self::Missing(place) => write!(f, "missing {place}"),
            Self::BadValue => f.write_str("bad value"),
            Self::Shape => f.write_str("too many cells"),
        }
    }
}

impl Skip {
    /// What it is counted under.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::BadNumber(_) => Group::BadNumber,
            Self::Duplicate(_) => Group::Duplicate,
            Self::OptedOut => Group::OptedOut,
            Self::Blocked => Group::Blocked,
            Self::Missing(place) => Group::Missing(place.clone()),
            Self::BadValue(_) => Group::BadValue,
            Self::Shape(_) => Group::Shape,
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadNumber(words) => write!(f, "bad number: {words}"),
            Self::Duplicate(row) => write!(f, "duplicate of row {row}"),
            Self::OptedOut => f.write_str("opted out: they want no marketing"),
            Self::Blocked => f.write_str("blocked: this business blocked them (130403)"),
            Self::Missing(place) => write!(f, "missing {place}: Meta takes no empty variable"),
            Self::BadValue(words) => write!(f, "bad value: {words}"),
            Self::Shape(more) => {
                write!(f, "{more} more cells than columns: a value needs quotes around it")
            }
        }
    }
}

/// A row with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number as a spreadsheet shows it.
    pub number: u32,
    /// What stands in the column of the phone numbers.
    pub typed: String,
    /// The number it goes to, where there is one.
    pub to: Option<WaId>,
    /// The values.
    pub filling: Filling,
    /// The values that were empty and stand in for by what is the same for everybody.
    pub defaults: Vec<Place>,
    /// Why it is left out, if it is.
    pub skip: Option<Skip>,
    /// Whether it counts against the messaging limit: a person outside the window who was not written to within
    /// a day.
    pub counts: bool,
}

/// What the store knows of somebody in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Who it is; none for a stranger.
    pub contact: Option<ContactId>,
    /// They want no marketing.
    pub opted_out: bool,
    /// The newest there is of them is that the business blocked them.
    pub blocked: bool,
    /// Another message to them does not count against the messaging limit now.
    pub free: bool,
}

/// All rows of a file with their verdicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is sent.
    pub template: Template,
    /// In the order of the file.
    pub rows: Vec<Row>,
}

impl Plan {
    /// What the file itself says of every row. Numbers without a country code are `country`'s.
    #[must_use]
    pub fn new(
        template: &Template,
        sheet: &Sheet,
        mapping: &Mapping,
        country: Option<Country>,
    ) -> Self {
        let rows = sheet.rows.iter().map(|cells| {
            let mut row = read(cells, mapping, country);
            if row.skip.is_none() {
                let more = cells.surplus(sheet.columns.len());
                row.skip = (more > 0).then_some(Skip::Shape(more));
            }
            if row.skip.is_none() {
                row.skip = wrong(template, &row.filling, mapping);
            }
            row
        });
        let mut plan = Self { template: template.clone(), rows: rows.collect() };
        plan.part();
        plan
    }

    /// The numbers that are to be asked about, each once, in the order of the file.
    pub fn numbers(&self) -> impl Iterator<Item = &WaId> {
        self.rows.iter().filter(|row| row.skip.is_none()).filter_map(|row| row.to.as_ref())
    }

    /// Takes in what the store knows of [`Plan::numbers`], in their order.
    pub fn learn(&mut self, known: &[Known]) {
        let marketing = self.template.category == Category::Marketing;
        let mut people: HashMap<ContactId, u32> = HashMap::new();
        let rows = self.rows.iter_mut().filter(|row| row.skip.is_none());
        for (row, known) in rows.zip(known) {
            row.counts = !known.free;
            if known.blocked {
                row.skip = Some(Skip::Blocked);
            } else if known.opted_out && marketing {
                row.skip = Some(Skip::OptedOut);
            } else if let Some(contact) = known.contact {
                let first = *people.entry(contact).or_insert(row.number);
                row.skip = (first != row.number).then_some(Skip::Duplicate(first));
            }
        }
    }

    /// Marks what goes to somebody who has it from an earlier row already.
    fn part(&mut self) {
        let mut seen: HashMap<String, u32> = HashMap::new();
        for row in self.rows.iter_mut().filter(|row| row.skip.is_none()) {
            let Some(to) = &row.to else { continue };
            let first = *seen.entry(phone::same_person(to)).or_insert(row.number);
            row.skip = (first != row.number).then_some(Skip::Duplicate(first));
        }
    }

    /// How many are sent.
    #[must_use]
    pub fn good(&self) -> usize {
        self.rows.iter().filter(|row| row.skip.is_none()).count()
    }

    /// How many of them count against the messaging limit.
    #[must_use]
    pub fn counting(&self) -> usize {
        self.rows.iter().filter(|row| row.skip.is_none() && row.counts).count()
    }

    /// How many are left out, by reason, the most frequent first.
    #[must_use]
    pub fn skipped(&self) -> Vec<(Group, usize)> {
        let mut groups: BTreeMap<Group, usize> = BTreeMap::new();
        for skip in self.rows.iter().filter_map(|row| row.skip.as_ref()) {
            *groups.entry(skip.group()).or_default() += 1;
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        groups
    }

    /// What the person of a row will see; values that are missing stand there in their braces.
    #[must_use]
    pub fn preview(&self, row: &Row) -> SentTemplate {
        render(&self.template, &row.filling)
    }

    /// What a person should know before it goes that is wrong with no single row.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let american = self
            .rows
            .iter()
            .filter(|row| row.skip.is_none())
            .filter(|row| row.to.as_ref().is_some_and(|to| to.as_str().starts_with('1')))
            .count();
        let mut warnings = Vec::new();
        if american > 0 && self.template.category == Category::Marketing {
            warnings.push(format!(
                "{american} numbers begin with +1, and Meta delivers no marketing to the United States"
            ));
        }
        warnings
    }
}

/// A row's number and values.
fn read(cells: &SheetRow, mapping: &Mapping, country: Option<Country>) -> Row {
    let cell = |wanted: &Wanted| mapping.columns.get(wanted).map_or("", |at| cells.cell(*at));
    let typed = cell(&Wanted::Phone).to_owned();
    let mut row = Row {
        number: cells.number,
        typed: String::new(),
        to: None,
        filling: mapping.constants.clone(),
        defaults: Vec::new(),
        skip: None,
        counts: true,
    };
    for (wanted, at) in &mapping.columns {
        let Wanted::Value(place) = wanted else { continue };
        let value = cells.cell(*at);
        if !value.is_empty() {
            row.filling.insert(place.clone(), value.to_owned());
        } else if row.filling.contains_key(place) {
            row.defaults.push(place.clone());
        }
    }
    match number(&typed, country) {
        Ok(number) => row.to = Some(number),
        Err(words) => row.skip = Some(Skip::BadNumber(words)),
    }
    row.typed = typed;
    row
}

/// The number in a cell, rid of what spreadsheets put around it.
fn number(cell: &str, country: Option<Country>) -> Result<WaId, String> {
    let bare = cell.trim_start_matches('=').trim_matches('"').trim_start_matches('\'').trim();
    if bare.is_empty() {
        return Err("there is none".to_owned());
    }
    if let Some((digits, exponent)) = bare.split_once(['e', 'E']) {
        let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "+-.,".contains(c));
        if is_number(digits) && is_number(exponent) && !digits.is_empty() {
            return Err(format!(
                "{} was rounded by the spreadsheet, and its last digits are lost: format the column as \
                 text and export it again",
                truncate(&display_safe(bare), 30).0
            ));
        }
    }
    // A column of numbers, one of which is missing, is exported with a fraction by many tools.
    let whole = bare.strip_suffix(".0").filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    phone::parse_in(whole.unwrap_or(bare), country).map_err(|error| error.to_string())
}

/// The first thing that is wrong with the values of a row.
fn wrong(template: &Template, filling: &Filling, mapping: &Mapping) -> Option<Skip> {
    if let Some(flaw) = flaws(template, filling).into_iter().next() {
        let empty = filling.get(&flaw.place).is_none_or(|value| value.trim().is_empty());
        let place = flaw.place.clone();
        return Some(if empty { Skip::Missing(place) } else { Skip::BadValue(flaw.to_string()) });
    }
    let path = filling.get(&Place::HeaderMedia).and_then(|value| local(value))?;
    let words = match mapping.files.get(path) {
        Some(Ok(_)) => return None,
        Some(Err(words)) => words,
        None => "there is no such file",
    };
    let path = truncate(&display_safe(path), 60).0.into_owned();
    Some(Skip::BadValue(format!("{}: {path}: {words}", Place::HeaderMedia)))
}
