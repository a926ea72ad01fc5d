//! What Meta knows of the account: the phone number's condition and the token's.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::client::{CallError, Client};
use super::json;
use crate::domain::account::{FactKind, Saying, Standing};
use crate::domain::id::PhoneNumberId;
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
    /// What of it is kept.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let said = [
            (FactKind::Name, &self.verified_name),
            (FactKind::NameReview, &self.name_status),
            (FactKind::Quality, &self.quality),
            (FactKind::Status, &self.status),
            (FactKind::Sending, &self.can_send),
            (FactKind::Limit, &self.messaging_limit),
            (FactKind::Throughput, &self.throughput),
            (FactKind::Verification, &self.verification),
            (FactKind::Mode, &self.mode),
        ];
        let phone_app = if self.on_business_app { "yes" } else { "no" };
        let mut sayings = vec![Saying::new(FactKind::PhoneApp, phone_app)];
        for (kind, value) in said {
            let Some(value) = value else { continue };
            let about_sending = kind == FactKind::Sending;
            let detail = if about_sending { self.problems.join(" ") } else { String::new() };
            sayings.push(Saying { detail, ..Saying::new(kind, value) });
        }
        Standing { display_number: self.display_number.clone(), sayings }
    }
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
    use crate::domain::account::{FactKind, Saying};
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
    fn what_meta_says_of_a_number_is_kept_and_what_it_does_not_say_is_not() {
        let number = phone_number(&json!({
            "display_phone_number": "+1 555-555-5555", "quality_rating": "RED",
            "throughput": {"level": "HIGH"}, "is_on_biz_app": true,
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "health_status": {"can_send_message": "BLOCKED", "entities": [
                {"errors": [{"error_description": "No payment method."}]}]}
        }));
        let standing = number.standing();
        assert_eq!(standing.display_number.as_deref(), Some("+1 555-555-5555"));
        let detail = "No payment method.".to_owned();
        assert_eq!(
            standing.sayings,
            [
                Saying::new(FactKind::PhoneApp, "yes"),
                Saying::new(FactKind::Quality, "RED"),
                Saying { detail, ..Saying::new(FactKind::Sending, "BLOCKED") },
                Saying::new(FactKind::Limit, "TIER_2K"),
                Saying::new(FactKind::Throughput, "HIGH"),
            ]
        );
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
