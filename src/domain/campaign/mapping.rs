//! Which column of a file is the phone number, and which is which value of the template.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::sheet::Sheet;
use crate::domain::template::{FileSource, Filling, Place, Slot, Template, file_source, slots};

/// What the column of the phone numbers is called in a mapping.
pub const PHONE: &str = "phone";

/// Names that the column of the phone numbers usually has, in letters and digits alone.
const PHONE_NAMES: &[&str] = &[
    "phone",
    "phonenumber",
    "number",
    "mobile",
    "mobilenumber",
    "cell",
    "tel",
    "telephone",
    "whatsapp",
    "waid",
    "telefone",
    "celular",
    "fone",
    "numero",
    "número",
    "telefono",
    "teléfono",
    "movil",
    "móvil",
    "telefon",
    "handy",
    "téléphone",
    "portable",
    "to",
    "msisdn",
];

/// What a column can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// Whom the message goes to.
    Phone,
    /// A value of the template.
    Value(Place),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone => f.write_str(PHONE),
            Self::Value(place) => place.fmt(f),
        }
    }
}

/// What is in which column, and what is the same for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Columns by their place in the sheet.
    pub columns: BTreeMap<Wanted, usize>,
    /// The value where there is no column, or its cell is empty.
    pub constants: Filling,
    /// What was found where a value names a file of this machine ([`Mapping::paths`]): its whole path, or why it
    /// cannot be sent.
    pub files: BTreeMap<String, Result<String, String>>,
}

/// What is wrong with a mapping; each names what there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The template has no such value.
    #[error("the template has no value {key:?}; {}", there_is("it has", .has))]
    NoSuchValue {
        /// What was named.
        key: String,
        /// What there is.
        has: Vec<String>,
    },
    /// The file has no such column.
    #[error("the file has no column {column:?} for {wanted}; {}", there_is("its columns are", .has))]
    NoSuchColumn {
        /// What was named.
        column: String,
        /// For what.
        wanted: Wanted,
        /// What there is.
        has: Vec<String>,
    },
    /// The file has several columns of that name.
    #[error(
        "the file has {count} columns {column:?}; name {wanted}'s by its place, such as #{place}"
    )]
    Ambiguous {
        /// What was named.
        column: String,
        /// For what.
        wanted: Wanted,
        /// How many.
        count: usize,
        /// The place of the first, from 1.
        place: usize,
    },
    /// No column is named for something that is needed.
    #[error("no column is named for {wanted}: say which, as in {wanted}=COLUMN; {}",
        there_is("the file's columns are", .has))]
    Unmapped {
        /// What is missing.
        wanted: Wanted,
        /// What there is.
        has: Vec<String>,
    },
}

fn there_is(words: &str, names: &[String]) -> String {
    if names.is_empty() {
        return "it has nothing to fill in".to_owned();
    }
    format!("{words}: {}", names.join(", "))
}

impl Mapping {
    /// What the names of the columns say by themselves.
    #[must_use]
    pub fn automatic(template: &Template, sheet: &Sheet) -> Self {
        let mut columns = BTreeMap::new();
        let named = |wanted: &dyn Fn(&str) -> bool| {
            sheet.columns.iter().position(|column| wanted(&plain(column)))
        };
        if let Some(place) = PHONE_NAMES.iter().find_map(|name| named(&|column| column == *name)) {
            columns.insert(Wanted::Phone, place);
        }
        for slot in slots(template) {
            let name = plain(&slot.place.to_string());
            if let Some(place) = named(&|column| column == name) {
                columns.insert(Wanted::Value(slot.place), place);
            }
        }
        Self { columns, ..Self::default() }
    }

    /// The automatic mapping, changed by what the person says: `said` are pairs of what is wanted (`phone`, or a
    /// value as `--param` names it) and a column, by its name or by `#` and its place; `constants` are values for
    /// all.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(
        template: &Template,
        sheet: &Sheet,
        said: &[(String, String)],
        constants: &[(String, String)],
    ) -> Result<Self, Vec<MapError>> {
        let mut mapping = Self::automatic(template, sheet);
        let mut errors = Vec::new();
        let places: Vec<Place> = slots(template).into_iter().map(|slot| slot.place).collect();
        let place_of = |key: &str| {
            let bare = key.trim().trim_start_matches("{{").trim_end_matches("}}");
            places.iter().find(|place| place.to_string() == bare).cloned().ok_or_else(|| {
                let has = places.iter().map(ToString::to_string).collect();
                MapError::NoSuchValue { key: key.to_owned(), has }
            })
        };
        for (key, column) in said {
            let wanted = if key.trim() == PHONE {
                Ok(Wanted::Phone)
            } else {
                place_of(key).map(Wanted::Value)
            };
            match wanted.and_then(|wanted| Ok((column_of(sheet, column, &wanted)?, wanted))) {
                Ok((place, wanted)) => drop(mapping.columns.insert(wanted, place)),
                Err(error) => errors.push(error),
            }
        }
        for (key, value) in constants {
            match place_of(key) {
                Ok(place) => drop(mapping.constants.insert(place, value.clone())),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            errors.extend(mapping.missing(template, sheet));
        }
        if errors.is_empty() { Ok(mapping) } else { Err(errors) }
    }

    /// What is needed and has neither a column nor a constant.
    #[must_use]
    pub fn missing(&self, template: &Template, sheet: &Sheet) -> Vec<MapError> {
        let unmapped = |wanted: Wanted| MapError::Unmapped { wanted, has: sheet.columns.clone() };
        let mut errors = Vec::new();
        if !self.columns.contains_key(&Wanted::Phone) {
            errors.push(unmapped(Wanted::Phone));
        }
        let needed = |slot: &Slot| {
            slot.rule.is_required()
                && !self.constants.contains_key(&slot.place)
                && !self.columns.contains_key(&Wanted::Value(slot.place.clone()))
        };
        let slots = slots(template);
        errors.extend(
            slots
                .iter()
                .filter(|slot| needed(slot))
                .map(|slot| unmapped(Wanted::Value(slot.place.clone()))),
        );
        errors
    }

    /// The files of this machine that the cells of a file name, each once.
    #[must_use]
    pub fn paths(&self, sheet: &Sheet) -> BTreeSet<String> {
        let Some(at) = self.columns.get(&Wanted::Value(Place::HeaderMedia)) else {
            return BTreeSet::new();
        };
        let cells = sheet.rows.iter().map(|row| row.cell(*at));
        cells.filter_map(local).map(str::to_owned).collect()
    }

    /// The file of this machine that all are sent whose cell is empty.
    #[must_use]
    pub fn common_path(&self) -> Option<&str> {
        self.constants.get(&Place::HeaderMedia).and_then(|value| local(value))
    }

    /// Takes in what was found at [`Mapping::common_path`].
    pub fn found(&mut self, whole: String) {
        self.constants.insert(Place::HeaderMedia, whole.clone());
        self.files.insert(whole.clone(), Ok(whole));
    }

    /// What it says, for a person: `phone <- telefone, 1 <- nome`.
    #[must_use]
    pub fn words(&self, sheet: &Sheet) -> String {
        let columns = self.columns.iter().map(|(wanted, column)| {
            let name = sheet.columns.get(*column).map_or("", String::as_str);
            format!("{wanted} <- {name}")
        });
        let constants = self.constants.iter().map(|(place, value)| {
            let or = self.columns.contains_key(&Wanted::Value(place.clone()));
            format!("{place} = {value:?}{}", if or { " where empty" } else { "" })
        });
        columns.chain(constants).collect::<Vec<_>>().join(", ")
    }
}

/// The path, where a value names a file of this machine.
pub(super) fn local(value: &str) -> Option<&str> {
    match file_source(value) {
        FileSource::Path(path) => Some(path).filter(|path| !path.is_empty()),
        FileSource::Id(_) | FileSource::Link(_) => None,
    }
}

fn column_of(sheet: &Sheet, column: &str, wanted: &Wanted) -> Result<usize, MapError> {
    let missing = || MapError::NoSuchColumn {
        column: column.to_owned(),
        wanted: wanted.clone(),
        has: sheet.columns.clone(),
    };
    let by_place = column.strip_prefix('#').and_then(|place| place.parse::<usize>().ok());
    if let Some(place) = by_place {
        let index = place.checked_sub(1).filter(|index| *index < sheet.columns.len());
        return index.ok_or_else(missing);
    }
    let fitting = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let columns = sheet.columns.iter().enumerate();
        columns.filter(|(_, name)| fits(name)).map(|(index, _)| index).collect()
    };
    let mut found = fitting(&|name| name == column.trim());
    if found.is_empty() {
        let lower = column.trim().to_lowercase();
        found = fitting(&|name| name.to_lowercase() == lower);
    }
    match found.as_slice() {
        [] => Err(missing()),
        [one] => Ok(*one),
        [first, ..] => Err(MapError::Ambiguous {
            column: column.to_owned(),
            wanted: wanted.clone(),
            count: found.len(),
            place: first + 1,
        }),
    }
}

/// A name in small letters and digits alone.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
