//! The business profile customers see, and the people who are blocked.

use serde_json::{Value, json};

use super::super::super::http::{Method, Request};
use super::super::super::refusal::{Refusal, title};
use super::super::World;
use super::super::check::product;
use super::super::field::Field;
use super::super::graph::{Answer, page};
use super::super::recipient;
use super::success;
use crate::domain::time::Timestamp;

const KEYS: [&str; 8] = [
    "about",
    "address",
    "description",
    "email",
    "profile_picture_url",
    "websites",
    "vertical",
    "messaging_product",
];

const VERTICALS: [&str; 23] = [
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "MATRIMONY_SERVICE",
    "NONPROFIT",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
    "NOT_A_BIZ",
];

impl World {
    pub(super) fn show_profile(&self, request: &Request) -> Answer {
        let asked = request.query("fields").unwrap_or("");
        let mut shown = json!({ "messaging_product": "whatsapp" });
        for field in asked.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            if !KEYS.contains(&field) {
                let text = format!("Tried accessing nonexisting field ({field})");
                return Err(Refusal::parameter(&text));
            }
        }
        for (key, value) in &self.office.profile {
            if asked.is_empty() || asked.split(',').any(|field| field.trim() == key) {
                shown[key] = value.clone();
            }
        }
        Ok(json!({ "data": [shown] }))
    }

    pub(super) fn change_profile(&mut self, request: &Request) -> Answer {
        let said = request.parameters()?;
        let root = Field::root(&said)?;
        product(&root)?;
        root.only(&[
            "messaging_product",
            "about",
            "address",
            "description",
            "email",
            "websites",
            "vertical",
            "profile_picture_handle",
        ])?;
        for (key, limit) in [("about", 139), ("address", 256), ("description", 256), ("email", 128)]
        {
            root.text(key, limit)?;
        }
        let about = root.text("about", 139)?;
        if about.is_some_and(|about| about.trim().is_empty()) {
            return Err(Refusal::parameter("Param about cannot be empty."));
        }
        let email = root.text("email", 128)?.filter(|email| !email.is_empty());
        if email.is_some_and(|email| !email.contains('@')) {
            return Err(Refusal::parameter("Param email must be a valid email address."));
        }
        if root.get("vertical").is_some() {
            root.one_of("vertical", &VERTICALS)?;
        }
        if let Some(sites) = root.get("websites") {
            let list = sites.as_array().filter(|list| list.len() <= 2);
            let fits = |site: &Value| {
                site.as_str().is_some_and(|site| site.len() <= 256 && site.starts_with("http"))
            };
            if !list.is_some_and(|list| list.iter().all(fits)) {
                let text = "Param websites must be a list of at most 2 URLs of 256 characters.";
                return Err(Refusal::parameter(text));
            }
        }
        if let Some(handle) = root.text("profile_picture_handle", 2_000)? {
            if !self.uploads.mime(handle).is_some_and(|mime| mime.starts_with("image/")) {
                let text = "Param profile_picture_handle is not the handle of an uploaded picture.";
                return Err(Refusal::parameter(text));
            }
            let hash = super::super::super::signed::sha256(handle.as_bytes());
            let hash = super::super::super::signed::hex(&hash);
            let url = format!("https://pps.whatsapp.net/v/t61.24694-24/{hash}_n.jpg");
            self.office.profile.insert("profile_picture_url".to_owned(), json!(url));
        }
        let given = said.as_object().into_iter().flatten();
        let kept =
            given.filter(|(key, _)| KEYS.contains(&key.as_str()) && *key != "messaging_product");
        let kept: Vec<_> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.office.profile.extend(kept);
        Ok(success())
    }

    pub(super) fn blocked_users(&self, request: &Request) -> Answer {
        let blocked = self.office.blocked.iter().rev();
        let rows = blocked.filter_map(|index| {
            let persona = &self.people.get(*index)?.persona;
            let row = json!({ "messaging_product": "whatsapp", "wa_id": persona.number,
                "user_id": persona.user_id });
            Some((u64::try_from(*index).ok()?, row))
        });
        let rows: Vec<_> = rows.collect();
        page(&rows, request, |row| Ok(row.clone()))
    }

    /// Blocks or unblocks. When some could not be, the answer holds both lists and an error.
    pub(super) fn block_users(&mut self, now: Timestamp, request: &Request) -> Answer {
        let said = request.parameters()?;
        let root = Field::root(&said)?;
        product(&root)?;
        let block = request.method == Method::Post;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for entry in root.objects("block_users", 1..=1_000)? {
            entry.only(&["user", "user_id"])?;
            let (number, user_id) = (entry.text("user", 64)?, entry.text("user_id", 200)?);
            let Some(input) = number.or(user_id) else { return Err(entry.missing("user")) };
            match self.block(now, input, block) {
                Ok(index) => {
                    let mut one = json!({ "input": input });
                    let person = self.people.get(index);
                    if let Some(number) = person.and_then(|one| one.persona.number.as_ref()) {
                        one["wa_id"] = json!(number);
                    }
                    if let Some(person) = person.filter(|_| entry.get("user").is_none()) {
                        one["user_id"] = json!(person.persona.user_id);
                    }
                    done.push(one);
                }
                Err((code, details)) => {
                    let error = json!({ "message": title(code).0, "code": code,
                        "error_data": { "details": details } });
                    let digits: String = input.chars().filter(char::is_ascii_digit).collect();
                    failed.push(json!({ "input": input, "wa_id": digits, "errors": [error] }));
                }
            }
        }
        let list = if block { "added_users" } else { "removed_users" };
        let mut lists = json!({ list: done });
        if !failed.is_empty() {
            lists["failed_users"] = json!(failed);
        }
        let body = json!({ "messaging_product": "whatsapp", "block_users": lists });
        if failed.is_empty() {
            return Ok(body);
        }
        let details = "Some of the users could not be blocked or unblocked.";
        Err(Refusal { beside: Some(Box::new(body)), ..Refusal::new(139_100, details) })
    }

    fn block(
        &mut self,
        now: Timestamp,
        who: &str,
        block: bool,
    ) -> Result<usize, (u32, &'static str)> {
        let unknown = (131_009, "There is no such user.");
        let index = self.people.with_user_id(who);
        let index = index.or_else(|| {
            let digits = recipient::read_number(who, &self.config.country_code).ok()?;
            self.people.find(&format!("+{digits}"))
        });
        let index = index.ok_or(unknown)?;
        if !block {
            return if self.office.blocked.remove(&index) {
                Ok(index)
            } else {
                Err((131_009, "The user is not blocked."))
            };
        }
        if !self.people.get(index).is_some_and(|person| person.window_open(now)) {
            return Err((131_047, "Only users who wrote within the last 24 hours can be blocked."));
        }
        self.office.blocked.insert(index);
        Ok(index)
    }
}
