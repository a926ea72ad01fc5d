//! Reading a request's JSON the way Meta does: a required field that is missing is 131008, a field of
//! the wrong type or an unknown one is 100, a value out of its limits is 100 or 131009.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::super::refusal::Refusal;

/// One JSON object of a request and where it lies, for the error text.
pub(super) struct Field<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Field<'a> {
    /// The request itself.
    pub(super) fn root(body: &'a Value) -> Result<Self, Refusal> {
        let map = body.as_object();
        let map =
            map.ok_or_else(|| Refusal::parameter("The request body must be a JSON object."))?;
        Ok(Self { map, path: String::new() })
    }

    /// How Meta names a field: `text['body']`.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}['{key}']", self.path) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn need(&self, key: &str) -> Result<&'a Value, Refusal> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    pub(super) fn missing(&self, key: &str) -> Refusal {
        Refusal::new(131_008, format!("The parameter {} is required.", self.name(key)))
    }

    pub(super) fn invalid(&self, key: &str, why: &str) -> Refusal {
        Refusal::new(131_009, format!("Param {} {why}", self.name(key)))
    }

    fn wrong_type(&self, key: &str, wanted: &str) -> Refusal {
        Refusal::parameter(&format!("Param {} must be {wanted}.", self.name(key)))
    }

    /// Refuses any key that is not listed: a misspelled one would be lost silently.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) if self.path.is_empty() => {
                Err(Refusal::parameter(&format!("Unexpected key \"{key}\" on the request.")))
            }
            Some(key) => {
                let text = format!("Unexpected key \"{key}\" on param \"{}\".", self.path);
                Err(Refusal::parameter(&text))
            }
        }
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let map = value.as_object().ok_or_else(|| self.wrong_type(key, "a JSON object"))?;
        Ok(Some(Self { map, path: self.name(key) }))
    }

    pub(super) fn need_object(&self, key: &str) -> Result<Self, Refusal> {
        self.object(key)?.ok_or_else(|| self.missing(key))
    }

    /// The objects of an array whose length lies within `count`.
    pub(super) fn objects(
        &self,
        key: &str,
        count: RangeInclusive<usize>,
    ) -> Result<Vec<Self>, Refusal> {
        let value = self.need(key)?;
        let list = value.as_array().ok_or_else(|| self.wrong_type(key, "a JSON array"))?;
        if !count.contains(&list.len()) {
            let why = format!("must have from {} to {} entries.", count.start(), count.end());
            return Err(self.invalid(key, &why));
        }
        let entries = list.iter().enumerate().map(|(index, entry)| {
            let path = format!("{}[{index}]", self.name(key));
            let map = entry.as_object();
            let map = map.ok_or_else(|| {
                Refusal::parameter(&format!("Param {path} must be a JSON object."))
            })?;
            Ok(Self { map, path })
        });
        entries.collect()
    }

    /// A string of at most `limit` characters, if it is there.
    pub(super) fn text(&self, key: &str, limit: usize) -> Result<Option<&'a str>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.wrong_type(key, "a string"))?;
        if text.chars().count() > limit {
            let why = format!("must be at most {limit} characters long");
            return Err(Refusal::parameter(&format!("Param {} {why}.", self.name(key))));
        }
        Ok(Some(text))
    }

    /// A string of 1 to `limit` characters that are not all blank.
    pub(super) fn need_text(&self, key: &str, limit: usize) -> Result<&'a str, Refusal> {
        let text = self.text(key, limit)?.ok_or_else(|| self.missing(key))?;
        if text.trim().is_empty() {
            return Err(self.missing(key));
        }
        Ok(text)
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.get(key) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong_type(key, "a boolean")),
        }
    }

    /// One of the listed strings.
    pub(super) fn one_of(&self, key: &str, known: &[&str]) -> Result<&'a str, Refusal> {
        let text = self.need_text(key, usize::MAX)?;
        if known.contains(&text) {
            return Ok(text);
        }
        let list = known.join(", ").to_uppercase();
        let text = format!("Param {} must be one of {{{list}}} - got \"{text}\".", self.name(key));
        Err(Refusal::parameter(&text))
    }

    /// A number within `range`, given as a number or a string.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<f64, Refusal> {
        let value = self.need(key)?;
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let number = number.ok_or_else(|| self.wrong_type(key, "a number"))?;
        if range.contains(&number) {
            return Ok(number);
        }
        let why = format!("must be from {} to {}.", range.start(), range.end());
        Err(self.invalid(key, &why))
    }

    /// An `http` or `https` address.
    pub(super) fn url(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        let Some(url) = self.text(key, 2_000)? else { return Ok(None) };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_some_and(|rest| !rest.is_empty() && !url.contains(char::is_whitespace)) {
            return Ok(Some(url));
        }
        Err(Refusal::parameter(&format!("Param {} is not a valid URI.", self.name(key))))
    }
}
