//! A table from a file, as spreadsheets and shops write it: with or without a byte order mark, in UTF-8, UTF-16
//! or, where that is certain, Windows-1252; parted by commas, semicolons or tabs.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord};
use sha2::{Digest as _, Sha256};

use crate::domain::text::{display_safe, truncate};

/// The largest file that is read, in bytes: some hundred thousand people. It is held in memory.
pub const MAX_BYTES: u64 = 16 << 20;

/// The most rows: Meta's own limit of people in a day is 100,000 where it has one.
const MAX_ROWS: usize = 100_000;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The names of the columns, without spaces around them.
    pub columns: Vec<String>,
    /// The rows below the names; empty ones are left out.
    pub rows: Vec<SheetRow>,
    /// What was made out about the file that a person should know.
    pub notes: Vec<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// Its number as a spreadsheet shows it: the row with the names is usually 1.
    pub number: u32,
    cells: StringRecord,
}

impl SheetRow {
    /// What stands in a column, without spaces around it; nothing where the row is too short.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }

    /// How many cells it has beyond those that have a name and something in them.
    #[must_use]
    pub fn surplus(&self, columns: usize) -> usize {
        self.cells.iter().skip(columns).filter(|cell| !cell.trim().is_empty()).count()
    }
}

/// Why a file is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has {0} bytes, and at most {MAX_BYTES} are read; split it")]
    TooLarge(u64),
    /// More rows than are taken.
    #[error("the file has more than {MAX_ROWS} rows; split it")]
    TooLong,
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Names and nothing else.
    #[error("the file has the names of its columns and no row below them")]
    NoRows,
    /// An Excel workbook or another archive.
    #[error("the file is an Excel workbook or another archive; save it as \"CSV UTF-8\"")]
    Workbook,
    /// Neither UTF-8 nor surely anything else.
    #[error("row {row}: {shown:?} is not UTF-8 text; save the file as \"CSV UTF-8\"")]
    Encoding {
        /// The row as a spreadsheet counts, as far as that can be said.
        row: usize,
        /// What stands there.
        shown: String,
    },
    /// UTF-16 that is cut off or broken.
    #[error("the file begins as UTF-16 and is not; save it as \"CSV UTF-8\"")]
    Utf16,
    /// A quoted cell that swallows the rest of the file.
    #[error("row {0}: a cell begins with a quote that is never closed")]
    Unclosed(u32),
    /// The names are missing.
    #[error(
        "row {row}: {cell:?} looks like a phone number, and the first row has to name the columns"
    )]
    NoNames {
        /// The row.
        row: u32,
        /// What stands there.
        cell: String,
    },
}

/// The SHA-256 of a file: the same content is the same file whatever its name.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Sheet {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// What keeps the file as a whole from being read; rows that are wrong are the plan's to tell.
    pub fn read(bytes: &[u8]) -> Result<Self, SheetError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_BYTES {
            return Err(SheetError::TooLarge(size));
        }
        let mut notes = Vec::new();
        let text = decoded(bytes, &mut notes)?;
        let mut text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut first_row = 1;
        // Excel's own line about what parts the cells.
        let mut said = None;
        if let Some(rest) = text.strip_prefix("sep=") {
            said = rest.chars().next().and_then(|c| u8::try_from(c).ok()).filter(u8::is_ascii);
            text = rest.split_once('\n').map_or("", |(_, rest)| rest);
            first_row = 2;
        }
        let delimiter = said.unwrap_or_else(|| delimiter(text));
        let mut rows = split(text, delimiter, first_row)?.into_iter();
        let names = rows.next().ok_or(SheetError::Empty)?;
        let columns: Vec<String> = names.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        if let Some(cell) = columns.iter().find(|cell| looks_like_a_number(cell)) {
            let cell = truncate(&display_safe(cell), 30).0.into_owned();
            return Err(SheetError::NoNames { row: names.number, cell });
        }
        let rows: Vec<SheetRow> = rows.collect();
        if rows.is_empty() {
            return Err(SheetError::NoRows);
        }
        Ok(Self { columns, rows, notes })
    }
}

/// The text of a file.
fn decoded<'a>(bytes: &'a [u8], notes: &mut Vec<String>) -> Result<Cow<'a, str>, SheetError> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(SheetError::Workbook);
    }
    for (mark, unit) in [
        (b"\xff\xfe", u16::from_le_bytes as fn([u8; 2]) -> u16),
        (b"\xfe\xff", u16::from_be_bytes as fn([u8; 2]) -> u16),
    ] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            let (pairs, odd) = rest.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
            return match String::from_utf16(&units) {
                Ok(text) if odd.is_empty() => Ok(Cow::Owned(text)),
                _ => Err(SheetError::Utf16),
            };
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(SheetError::Workbook),
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let text = windows_1252(bytes).ok_or_else(|| not_utf8(bytes, error.valid_up_to()))?;
            notes.push(
                "the file is not UTF-8; it was read as Windows-1252, as Excel writes it".to_owned(),
            );
            Ok(Cow::Owned(text))
        }
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> SheetError {
    let before = bytes.get(..at).unwrap_or_default();
    let row = before.split(|byte| *byte == b'\n').count();
    let line = bytes.split(|byte| *byte == b'\n').nth(row - 1).unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    SheetError::Encoding { row, shown: truncate(&display_safe(text.trim()), 60).0.into_owned() }
}

/// Windows-1252, if every byte that is not ASCII is a letter of the languages written in it and stands in a
/// word: broken UTF-8 never looks like that.
fn windows_1252(bytes: &[u8]) -> Option<String> {
    let letter = |byte: u8| matches!(byte, 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0xff);
    let in_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let certain = bytes.iter().enumerate().all(|(at, byte)| {
        let neighbours =
            || [at.checked_sub(1), Some(at + 1)].map(|at| at.and_then(|at| bytes.get(at)));
        byte.is_ascii()
            || letter(*byte)
                && neighbours().into_iter().any(in_word)
                && !neighbours().into_iter().flatten().any(|byte| matches!(byte, 0x80..=0xbf))
    });
    certain.then(|| bytes.iter().copied().map(char::from).collect())
}

/// What parts the cells: whichever of the usual signs the first line has most of, outside quotes.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |sign: char| {
        let mut quoted = false;
        first
            .chars()
            .filter(|c| {
                quoted ^= *c == '"';
                !quoted && *c == sign
            })
            .count()
    };
    // Of the same number of both the comma wins, being last.
    let most = ['\t', ';', ','].into_iter().max_by_key(|sign| count(*sign)).unwrap_or(',');
    u8::try_from(most).unwrap_or(b',')
}

/// The rows of a text with their numbers. Empty rows count and are left out; a cell may span lines.
fn split(text: &str, delimiter: u8, first_row: u32) -> Result<Vec<SheetRow>, SheetError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut rows: Vec<SheetRow> = Vec::new();
    let mut cells = StringRecord::new();
    let (mut number, mut line) = (first_row, reader.position().line());
    // What was valid text stays it, and nothing else can go wrong in memory.
    while reader.read_record(&mut cells).unwrap_or(false) {
        let within: u64 = cells.iter().map(breaks).sum();
        let read = reader.position().line() - line;
        // Empty lines in front of it are not told of by the reader; the last line may lack its end.
        let empty = read.saturating_sub(1 + within);
        number = number.saturating_add(u32::try_from(empty).unwrap_or(u32::MAX));
        line = reader.position().line();
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            if rows.len() > MAX_ROWS {
                return Err(SheetError::TooLong);
            }
            rows.push(SheetRow { number, cells: cells.clone() });
        }
        number = number.saturating_add(1);
    }
    if let Some(last) = rows.last()
        && last.cells.iter().any(|cell| cell.contains('\n'))
        && text.matches('"').count() % 2 == 1
    {
        return Err(SheetError::Unclosed(last.number));
    }
    Ok(rows)
}

fn breaks(cell: &str) -> u64 {
    u64::try_from(cell.matches('\n').count()).unwrap_or(u64::MAX)
}

fn looks_like_a_number(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    digits >= 8 && cell.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c))
}
