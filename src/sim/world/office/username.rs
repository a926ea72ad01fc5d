//! The user name of the business, and the numbers it knows of people who have one.

use serde_json::{Value, json};

use super::super::super::http::Request;
use super::super::super::refusal::Refusal;
use super::super::World;
use super::super::field::Field;
use super::super::graph::Answer;
use super::{need, success};
use crate::domain::time::Timestamp;

/// Endings that look like an address of the web.
const DOMAINS: [&str; 8] = [".com", ".org", ".net", ".io", ".ai", ".in", ".co", ".html"];

impl World {
    pub(super) fn show_username(&self) -> Value {
        let name = self.office.username.as_ref();
        name.map_or_else(|| json!({}), |name| json!({ "username": name, "status": "approved" }))
    }

    /// Names that follow from the one customers see, which this account may have.
    pub(super) fn username_suggestions(&self) -> Value {
        let words = self.config.verified_name.to_ascii_lowercase();
        let words: Vec<String> = words
            .split_whitespace()
            .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
            .filter(|word| !word.is_empty())
            .collect();
        let names = ["_", ".", ""].map(|joint| words.join(joint));
        let mut free: Vec<String> =
            names.into_iter().filter(|name| flaw(name).is_none() && !self.is_taken(name)).collect();
        free.dedup();
        json!({ "data": [{ "username_suggestions": free }] })
    }

    fn is_taken(&self, name: &str) -> bool {
        name.contains("taken")
            || self.beside.iter().any(|one| one.username.as_deref() == Some(name))
    }

    pub(super) fn claim_username(&mut self, now: Timestamp, request: &Request) -> Answer {
        let said = request.parameters()?;
        let root = Field::root(&said)?;
        root.only(&["username", "transfer_action", "messaging_product"])?;
        let name = need(&said, "username")?.to_ascii_lowercase();
        let force = root.get("transfer_action").is_some()
            && root.one_of("transfer_action", &["none", "force_transfer"])? == "force_transfer";
        if let Some(why) = flaw(&name) {
            return Err(Refusal::parameter(&format!("Param username {why} - got \"{name}\".")));
        }
        if !self.office.registered {
            return Err(Refusal::new(133_010, "The phone number is not registered."));
        }
        let holder = self.beside.iter().find(|one| one.username.as_deref() == Some(&name));
        match holder.map(|one| one.waba_id == self.config.waba_id) {
            Some(true) if !force => {
                let text = "Another number of the same business has this user name. Send \
                            transfer_action force_transfer to move it.";
                return Err(Refusal::new(147_005, text));
            }
            Some(true) => {}
            None if !name.contains("taken") => {}
            Some(false) | None => {
                return Err(Refusal::new(147_001, "Choose another user name."));
            }
        }
        self.office.username = Some(name.clone());
        self.tell_username(now, &name, "approved");
        Ok(json!({ "status": "approved" }))
    }

    pub(super) fn drop_username(&mut self, now: Timestamp) -> Answer {
        let Some(name) = self.office.username.take() else {
            return Err(Refusal::parameter("The phone number has no username."));
        };
        self.tell_username(now, &name, "deleted");
        Ok(success())
    }

    /// Gives a name up that another number took over.
    pub(in crate::sim::world) fn yield_username(&mut self, now: Timestamp, taken: &str) {
        if self.office.username.take_if(|name| name == taken).is_some() {
            self.tell_username(now, taken, "deleted");
        }
    }

    fn tell_username(&mut self, now: Timestamp, name: &str, status: &str) {
        let number = self.config.business_wa_id();
        let value = json!({ "display_phone_number": number, "username": name, "status": status });
        let value = value.as_object().cloned().unwrap_or_default();
        self.post_account("business_username_update", value, now);
    }

    /// `DELETE /{phone-number-id}/contact_book?bsuid=`: the number of this person is told no longer, once they
    /// have not written for 30 days. A message to the number puts it back.
    pub(super) fn forget_number(&mut self, request: &Request) -> Answer {
        let said = request.parameters()?;
        let user_id = need(&said, "bsuid")?;
        let person = self.people.with_user_id(&user_id);
        let Some(person) = person.and_then(|index| self.people.get_mut(index)) else {
            return Err(Refusal::parameter("Param bsuid is no user id of this business."));
        };
        person.forgotten = true;
        Ok(success())
    }
}

/// What a user name may not be.
fn flaw(name: &str) -> Option<&'static str> {
    let known = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || b"._".contains(&one);
    match () {
        () if !(3..=35).contains(&name.len()) => Some("must have from 3 to 35 characters"),
        () if !name.bytes().all(known) => {
            Some("can only have letters, digits, periods and underscores")
        }
        () if !name.bytes().any(|one| one.is_ascii_lowercase()) => Some("must have a letter"),
        () if name.starts_with('.') || name.ends_with('.') || name.contains("..") => {
            Some("cannot start or end with a period, nor have two in a row")
        }
        () if name.starts_with("www") => Some("cannot start with www"),
        () if DOMAINS.iter().any(|end| name.ends_with(end)) => Some("cannot end as a domain does"),
        () => None,
    }
}
