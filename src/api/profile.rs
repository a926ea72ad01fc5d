//! The business profile that customers see: read, changed, and its picture uploaded.

use serde_json::{Map, Value};

use super::client::{CallError, Client};
use super::json;
use crate::domain::id::PhoneNumberId;
use crate::domain::profile::{Part, Profile, ProfileChange, websites};

/// What is asked of a profile.
const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";

/// Below the number.
const EDGE: &str = "whatsapp_business_profile";

impl Client {
    /// The profile as it is.
    pub async fn profile(&self, number: &PhoneNumberId) -> Result<Profile, CallError> {
        let answer = self.get(&[number.as_str(), EDGE], &[("fields", FIELDS)]).await?;
        json::list(&answer, "data")
            .first()
            .map(profile)
            .ok_or_else(|| CallError::NoAnswer("the answer has no profile".to_owned()))
    }

    /// Changes the parts that are named; the others stay. Safe to repeat.
    pub async fn set_profile(
        &self,
        number: &PhoneNumberId,
        change: &ProfileChange,
    ) -> Result<(), CallError> {
        let answer = self.post(&[number.as_str(), EDGE], &body(change)).await?;
        if json::succeeded(&answer) {
            return Ok(());
        }
        Err(CallError::NoAnswer("the answer does not say that it succeeded".to_owned()))
    }
}

fn profile(value: &Value) -> Profile {
    let text = |part: Part| match part {
        Part::Websites => {
            let sites = json::list(value, part.name()).iter().filter_map(json::scalar);
            sites.collect::<Vec<_>>().join(" ")
        }
        _ => json::text(value, part.name()).unwrap_or_default(),
    };
    Profile { texts: Part::ALL.map(text), picture_url: json::text(value, "profile_picture_url") }
}

fn body(change: &ProfileChange) -> Value {
    let mut body = Map::new();
    body.insert("messaging_product".to_owned(), Value::from("whatsapp"));
    for (part, text) in &change.texts {
        let value = match part {
            Part::Websites => Value::from(websites(text).collect::<Vec<_>>()),
            _ => Value::from(text.as_str()),
        };
        body.insert(part.name().to_owned(), value);
    }
    if let Some(handle) = &change.picture {
        body.insert("profile_picture_handle".to_owned(), Value::from(handle.as_str()));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Part, Profile, ProfileChange, body, profile};

    #[test]
    fn a_profile_is_read_with_what_is_not_set_empty() {
        let found = profile(&json!({
            "messaging_product": "whatsapp", "about": "Open", "websites": ["https://a", "https://b"],
            "email": null, "profile_picture_url": "https://pps.whatsapp.net/x"
        }));
        assert_eq!(found.text(Part::About), "Open");
        assert_eq!(found.text(Part::Websites), "https://a https://b");
        assert_eq!(found.text(Part::Email), "");
        assert_eq!(found.picture_url.as_deref(), Some("https://pps.whatsapp.net/x"));
        assert_eq!(profile(&json!({})), Profile::default());
    }

    #[test]
    fn a_change_names_only_what_it_changes() {
        let change = ProfileChange {
            texts: vec![
                (Part::Websites, "https://a  https://b".to_owned()),
                (Part::Address, String::new()),
            ],
            picture: Some("4::aW".to_owned()),
        };
        assert_eq!(
            body(&change),
            json!({"messaging_product": "whatsapp", "websites": ["https://a", "https://b"],
                "address": "", "profile_picture_handle": "4::aW"})
        );
    }
}
