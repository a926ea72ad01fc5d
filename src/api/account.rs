//! What Meta knows of the account: the phone number's condition and the token's.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::client::{CallError, Client};
use super::json;
use crate::domain::id::PhoneNumberId;
use crate::domain::throttle::{COEXISTENCE_RATE, HIGH_RATE, Limits, PeopleLimit, STANDARD_RATE};
use crate::domain::time::Timestamp;

/// What is asked of a phone number.
const FIELDS: &str = "id,verified_name,display_phone_number,quality_rating,code_verification_status,\
    name_status,platform_type,throughput,status,account_mode,\
    whatsapp_business_manager_messaging_limit,is_on_biz_app,health_status";

/// A business phone number, in Meta's own words. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Its id.
    pub id: Option<String>,
    /// The name that customers see, unsanitised.
    pub verified_name: Option<String>,
    /// The number as Meta displays it.
    pub display_number: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `NA`.
    pub quality: Option<String>,
    /// `VERIFIED`, `NOT_VERIFIED`, `EXPIRED`.
    pub verification: Option<String>,
    /// `APPROVED`, `PENDING_REVIEW`, `DECLINED`, ...
    pub name_status: Option<String>,
    /// `CLOUD_API`, `ON_PREMISE`, `NOT_APPLICABLE`.
    pub platform: Option<String>,
    /// `STANDARD` (80 messages per second) or `HIGH` (1,000).
    pub throughput: Option<String>,
    /// `CONNECTED`, `PENDING`, `FLAGGED`, `RESTRICTED`, ...
    pub status: Option<String>,
    /// `LIVE` or `SANDBOX`.
    pub mode: Option<String>,
    /// `TIER_250`, `TIER_2K`, ...: customers per day outside the window, for the whole portfolio.
    pub messaging_limit: Option<String>,
    /// Whether it is also used in the WhatsApp Business app, which fixes it at 20 messages per second.
    pub on_business_app: bool,
    /// `AVAILABLE`, `LIMITED`, `BLOCKED`.
    pub can_send: Option<String>,
    /// What stands in the way, with Meta's remedy.
    pub problems: Vec<String>,
}

impl PhoneNumber {
    /// What Meta allows it, as far as that can be read.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let rate = match self.throughput.as_deref() {
            _ if self.on_business_app => Some(COEXISTENCE_RATE),
            Some("HIGH") => Some(HIGH_RATE),
            Some("STANDARD") => Some(STANDARD_RATE),
            _ => None,
        };
        Limits { rate, people: self.messaging_limit.as_deref().and_then(people_limit) }
    }
}

/// Reads `TIER_250`, `TIER_2K`, `TIER_UNLIMITED` and the like, and bare numbers, of which -1 is none.
pub(super) fn people_limit(tier: &str) -> Option<PeopleLimit> {
    let size = tier.strip_prefix("TIER_").unwrap_or(tier);
    if matches!(size, "UNLIMITED" | "-1") {
        return Some(PeopleLimit::Unlimited);
    }
    let most = match size.strip_suffix('K') {
        Some(thousands) => thousands.parse::<u32>().ok()?.checked_mul(1000)?,
        None => size.parse().ok()?,
    };
    Some(PeopleLimit::AtMost(most))
}

/// What Meta says of an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenInfo {
    /// Whether it can be used.
    pub is_valid: bool,
    /// The app it was made for.
    pub app_id: Option<String>,
    /// The app's name, unsanitised.
    pub application: Option<String>,
    /// `SYSTEM_USER`, `USER`, ...
    pub kind: Option<String>,
    /// When it ends; `None` is never, or not said.
    pub expires_at: Option<Timestamp>,
    /// When its access to data ends; `None` is never, or not said.
    pub data_access_expires_at: Option<Timestamp>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The WABAs that it is for; none when it is for all of the business.
    pub wabas: Vec<String>,
}

impl Client {
    /// The phone number's condition. Also the simplest proof that token, id and network are right.
    pub async fn phone_number(&self, number: &PhoneNumberId) -> Result<PhoneNumber, CallError> {
        let answer = self.get(&[number.as_str()], &[("fields", FIELDS)]).await?;
        Ok(phone_number(&answer))
    }

    /// What Meta says of this client's own token.
    pub async fn debug_token(&self) -> Result<TokenInfo, CallError> {
        let query = [("input_token", self.token().expose_secret())];
        let answer = self.get(&["debug_token"], &query).await?;
        Ok(token_info(answer.get("data").unwrap_or(&Value::Null)))
    }
}

pub(super) fn phone_number(answer: &Value) -> PhoneNumber {
    let text = |key: &str| json::text(answer, key);
    let health = answer.get("health_status").unwrap_or(&Value::Null);
    PhoneNumber {
        id: text("id"),
        verified_name: text("verified_name"),
        display_number: text("display_phone_number"),
        quality: text("quality_rating"),
        verification: text("code_verification_status"),
        name_status: text("name_status"),
        platform: text("platform_type"),
        throughput: answer.get("throughput").and_then(|level| json::text(level, "level")),
        status: text("status"),
        mode: text("account_mode"),
        messaging_limit: text("whatsapp_business_manager_messaging_limit"),
        on_business_app: json::flag(answer, "is_on_biz_app"),
        can_send: json::text(health, "can_send_message"),
        problems: problems(health),
    }
}

fn problems(health: &Value) -> Vec<String> {
    json::list(health, "entities")
        .iter()
        .flat_map(|entity| json::list(entity, "errors"))
        .filter_map(|error| {
            let what = json::text(error, "error_description")?;
            Some(match json::text(error, "possible_solution") {
                Some(remedy) => format!("{what} {remedy}"),
                None => what,
            })
        })
        .collect()
}

fn token_info(data: &Value) -> TokenInfo {
    TokenInfo {
        is_valid: json::flag(data, "is_valid"),
        app_id: json::text(data, "app_id"),
        application: json::text(data, "application"),
        kind: json::text(data, "type"),
        expires_at: json::timestamp(data, "expires_at"),
        data_access_expires_at: json::timestamp(data, "data_access_expires_at"),
        scopes: json::list(data, "scopes").iter().filter_map(json::scalar).collect(),
        wabas: wabas(data),
    }
}

/// Management is granted for WABAs alone, so its targets are such.
fn wabas(data: &Value) -> Vec<String> {
    json::list(data, "granular_scopes")
        .iter()
        .filter(|scope| {
            let name = json::text(scope, "scope");
            name.is_some_and(|name| name.starts_with("whatsapp_business_"))
        })
        .flat_map(|scope| json::list(scope, "target_ids"))
        .filter_map(json::scalar)
        .fold(Vec::new(), |mut wabas, id| {
            if !wabas.contains(&id) {
                wabas.push(id);
            }
            wabas
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PhoneNumber, TokenInfo, phone_number, token_info};
    use crate::domain::throttle::{Limits, PeopleLimit};
    use crate::domain::time::Timestamp;

    #[test]
    fn a_phone_number_is_read_whole() {
        let number = phone_number(&json!({
            "id": "106853218861309", "display_phone_number": "+1 555-555-5555",
            "verified_name": "Jaspers Market", "quality_rating": "GREEN",
            "throughput": {"level": "STANDARD"}, "is_on_biz_app": true,
            "health_status": {"can_send_message": "LIMITED", "entities": [
                {"entity_type": "PHONE_NUMBER", "id": "1", "can_send_message": "AVAILABLE"},
                {"entity_type": "WABA", "id": "2", "can_send_message": "LIMITED", "errors": [
                    {"error_code": 141_006, "error_description": "No payment method.",
                     "possible_solution": "Add one."}]}]}
        }));
        assert_eq!(
            number,
            PhoneNumber {
                id: Some("106853218861309".to_owned()),
                display_number: Some("+1 555-555-5555".to_owned()),
                verified_name: Some("Jaspers Market".to_owned()),
                quality: Some("GREEN".to_owned()),
                throughput: Some("STANDARD".to_owned()),
                on_business_app: true,
                can_send: Some("LIMITED".to_owned()),
                problems: vec!["No payment method. Add one.".to_owned()],
                ..PhoneNumber::default()
            }
        );
        assert_eq!(phone_number(&json!({})), PhoneNumber::default());
    }

    #[test]
    fn limits_are_read_from_metas_words() {
        let limits = |level: &str, tier: &str, on_app: bool| {
            phone_number(&json!({"throughput": {"level": level}, "is_on_biz_app": on_app,
                "whatsapp_business_manager_messaging_limit": tier}))
            .limits()
        };
        let at_most =
            |rate, people| Limits { rate: Some(rate), people: Some(PeopleLimit::AtMost(people)) };
        assert_eq!(limits("STANDARD", "TIER_250", false), at_most(80, 250));
        assert_eq!(limits("STANDARD", "TIER_2K", true), at_most(20, 2000));
        assert_eq!(limits("HIGH", "TIER_100K", false), at_most(1000, 100_000));
        let unlimited = limits("HIGH", "TIER_UNLIMITED", false).people;
        assert_eq!(unlimited, Some(PeopleLimit::Unlimited));
        for (level, tier) in [("", ""), ("NOT_APPLICABLE", "NOT_SET"), ("X", "TIER_9999999K")] {
            assert_eq!(limits(level, tier, false), Limits::default(), "{level} {tier}");
        }
    }

    #[test]
    fn a_token_without_end_has_none() {
        let info = token_info(&json!({"app_id": "1", "type": "SYSTEM_USER", "is_valid": true,
            "expires_at": 0, "data_access_expires_at": 1_800_000_000,
            "scopes": ["whatsapp_business_messaging"]}));
        assert_eq!(
            info,
            TokenInfo {
                is_valid: true,
                app_id: Some("1".to_owned()),
                kind: Some("SYSTEM_USER".to_owned()),
                data_access_expires_at: Some(Timestamp::from_secs(1_800_000_000)),
                scopes: vec!["whatsapp_business_messaging".to_owned()],
                ..TokenInfo::default()
            }
        );
    }
}
