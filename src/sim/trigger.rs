//! Webhooks made to order: one of every kind that Meta sends, from its documentation (webhooks: messages,
//! statuses, the other fields), for whoever develops something that receives them.
//!
//! Well-formed, with fields that can be set by path. Nothing here knows how they are read.

mod account;
mod message;

use serde_json::{Map, Value, json};

use super::rng::Rng;
use super::signed::escaped;
use crate::domain::time::Timestamp;

/// A kind of webhook.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    make: fn(&Scene) -> Change,
}

const fn kind(name: &'static str, about: &'static str, make: fn(&Scene) -> Change) -> Kind {
    Kind { name, about, make }
}

/// Every kind there is.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    message::KINDS.iter().chain(account::KINDS)
}

/// The kind of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    kinds().find(|kind| kind.name == name)
}

/// What a webhook is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The WABA it is posted for.
    pub waba: String,
    /// Meta's id of the business number.
    pub phone_number_id: String,
    /// The business number as Meta displays it.
    pub display_number: String,
    /// Who writes, or was written to: digits.
    pub from: String,
    /// Their profile name.
    pub name: String,
    /// Their business-scoped user id.
    pub user_id: Option<String>,
    /// What they say, in kinds that say something.
    pub body: Option<String>,
    /// The id of the new message.
    pub wamid: String,
    /// A message of the business: statuses and reactions are about it.
    pub sent: String,
    /// An earlier message of theirs: edits and deletions are about it.
    pub received: String,
    /// The error in kinds that tell of one.
    pub code: Option<i64>,
    /// When it happens.
    pub at: Timestamp,
}

/// One change of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    field: &'static str,
    value: Value,
}

impl Scene {
    fn seconds(&self) -> i64 {
        self.at.millis() / 1000
    }

    /// Messages, statuses and echoes tell times as texts.
    fn timestamp(&self) -> String {
        self.seconds().to_string()
    }

    fn body_or(&self, default: &str) -> String {
        self.body.clone().unwrap_or_else(|| default.to_owned())
    }

    fn user_id(&self) -> String {
        self.user_id.clone().unwrap_or_else(|| format!("US.{}00", self.from))
    }

    /// The value of a change that concerns the number.
    fn value(&self, rest: Value) -> Value {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.display_number,
                "phone_number_id": self.phone_number_id,
            },
        });
        extend(&mut value, rest);
        value
    }
}

/// Adds the fields of another object.
fn extend(value: &mut Value, rest: Value) {
    if let (Value::Object(value), Value::Object(rest)) = (value, rest) {
        value.extend(rest);
    }
}

impl Kind {
    /// The change of an entry for a scene, with fields set by path, each `path=value`.
    ///
    /// # Errors
    /// Which setting says nothing, and why.
    pub fn change(&self, scene: &Scene, settings: &[String]) -> Result<Change, String> {
        let mut change = (self.make)(scene);
        settings.iter().try_for_each(|setting| set(&mut change.value, setting))?;
        Ok(change)
    }
}

/// The bytes of a webhook with these changes, as Meta would post them.
#[must_use]
pub fn body(scene: &Scene, changes: &[Change]) -> Vec<u8> {
    let timed = changes.iter().any(|change| change.field != "messages");
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| json!({ "field": change.field, "value": change.value }))
        .collect();
    let mut entry = json!({ "id": scene.waba, "changes": changes });
    // Entries of messages have no time of their own.
    if let Some(entry) = entry.as_object_mut().filter(|_| timed) {
        entry.insert("time".to_owned(), scene.seconds().into());
    }
    escaped(&json!({ "object": "whatsapp_business_account", "entry": [entry] }))
}

/// Puts things into an order that follows from the seed.
pub fn shuffle<T>(things: &mut [T], seed: u64) {
    let mut rng = Rng::new(seed);
    for at in (1..things.len()).rev() {
        let other = usize::try_from(rng.below(at as u64 + 1)).unwrap_or(0);
        things.swap(at, other);
    }
}

/// Lists in which the thing itself is: a path that begins with none of the value's fields is meant within.
const THINGS: [&str; 7] = [
    "messages",
    "statuses",
    "message_echoes",
    "user_preferences",
    "user_id_update",
    "state_sync",
    "history",
];

/// `text.body=hello` or `metadata.phone_number_id=1`: a path of names and places, and a value that is JSON or
/// else text.
fn set(value: &mut Value, setting: &str) -> Result<(), String> {
    let (path, new) = setting
        .split_once('=')
        .ok_or_else(|| format!("{setting:?} sets nothing: write path=value, as in text.body=hi"))?;
    let new = serde_json::from_str(new).unwrap_or_else(|_text| Value::from(new));
    let first = path.split('.').next().unwrap_or_default();
    let within =
        THINGS.into_iter().find(|list| value.get(*list).is_some_and(|list| list[0].is_object()));
    let mut place = value;
    if let Some(list) = within.filter(|_| place.get(first).is_none()) {
        place = &mut place[list][0];
    }
    for step in path.split('.') {
        place = into(place, step).map_err(|why| format!("{setting:?}: {why}"))?;
    }
    *place = new;
    Ok(())
}

/// The place of this name or number in a place, made when it is not there.
fn into<'a>(place: &'a mut Value, step: &str) -> Result<&'a mut Value, String> {
    if step.is_empty() {
        return Err("a part of the path is empty".to_owned());
    }
    if let Value::Array(list) = place {
        let length = list.len();
        let at = step.parse::<usize>().ok().filter(|at| *at <= length).ok_or_else(|| {
            format!("{step} is no place in a list of {length}; write 0 for the first")
        })?;
        if at == length {
            list.push(Value::Null);
        }
        return list.get_mut(at).ok_or_else(|| format!("there is no place {at}"));
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    Ok(&mut place[step])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::{Scene, body, kinds, named, set, shuffle};
    use crate::domain::time::Timestamp;

    fn scene() -> Scene {
        Scene {
            waba: "2".to_owned(),
            phone_number_id: "1".to_owned(),
            display_number: "15550100".to_owned(),
            from: "15551230001".to_owned(),
            name: "Sheena".to_owned(),
            user_id: None,
            body: None,
            wamid: "wamid.new".to_owned(),
            sent: "wamid.sent".to_owned(),
            received: "wamid.received".to_owned(),
            code: None,
            at: Timestamp::from_secs(1_750_000_000),
        }
    }

    #[test]
    fn every_kind_has_a_name_of_its_own_and_the_envelope() {
        let mut names = HashSet::new();
        for kind in kinds() {
            assert!(names.insert(kind.name), "{} twice", kind.name);
            let change = kind.change(&scene(), &[]).unwrap();
            let bytes = body(&scene(), &[change]);
            assert!(bytes.is_ascii(), "{}: signed as it travels", kind.name);
            let whole: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(whole["entry"][0]["id"], "2");
            let field = &whole["entry"][0]["changes"][0]["field"];
            assert_eq!(whole["entry"][0]["time"].is_i64(), field != "messages", "{}", kind.name);
        }
        assert!(names.len() > 60, "{}", names.len());
    }

    #[test]
    fn fields_are_set_by_path() {
        let text = named("text").unwrap();
        let settings =
            ["text.body=hi", "metadata.phone_number_id=\"9\"", "referral.source_type=ad"];
        let settings: Vec<String> = settings.map(str::to_owned).to_vec();
        let value = text.change(&scene(), &settings).unwrap().value;
        assert_eq!(value["messages"][0]["text"]["body"], "hi");
        assert_eq!(value["metadata"]["phone_number_id"], "9");
        assert_eq!(value["messages"][0]["referral"]["source_type"], "ad");
        let mut value = json!({ "messages": [{ "n": 1 }] });
        set(&mut value, "messages.1.n=2").unwrap();
        assert_eq!(value, json!({ "messages": [{ "n": 1 }, { "n": 2 }] }));
        for wrong in ["text.body", "messages.7=1", "messages.x=1", "a..b=1", "=1"] {
            assert!(set(&mut value, wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn one_seed_is_one_order() {
        let order = |seed| {
            let mut things: Vec<u32> = (0..50).collect();
            shuffle(&mut things, seed);
            things
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        let mut sorted = order(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
