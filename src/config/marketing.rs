//! The words by which contacts stop and allow marketing.

use super::read::{Document, Section};
use crate::domain::wish::Keywords;

/// What people write to be left alone, in English, Portuguese and Spanish.
const OPT_OUT: [&str; 6] = ["STOP", "UNSUBSCRIBE", "PARAR", "SAIR", "BAJA", "CANCELAR"];
const OPT_IN: [&str; 1] = ["START"];

/// Reads `[marketing]`. No word can mean both.
pub(super) fn read(document: &mut Document<'_>, top: &mut Section<'_, '_>) -> Keywords {
    let table = top.table(document, "marketing");
    let mut section = Section::new("marketing", table, true);
    let stop = section.list(document, "opt_out_keywords");
    let allow = section.list(document, "opt_in_keywords");
    let words = |default: &[&str]| default.iter().map(|word| (*word).to_owned()).collect();
    let place = allow.as_ref().or(stop.as_ref()).map(|found| found.place.clone());
    let keywords = Keywords {
        stop: stop.map_or_else(|| words(&OPT_OUT), |found| found.value),
        allow: allow.map_or_else(|| words(&OPT_IN), |found| found.value),
    };
    let both = keywords.allow.iter().find(|word| keywords.meant(word) == Some(true));
    if let (Some(word), Some(place)) = (both, place) {
        let wanted = "is in both lists: it would stop marketing and allow it";
        document.problem(place, format!("marketing: {word:?} {wanted}"));
    }
    section.finish(document);
    keywords
}
