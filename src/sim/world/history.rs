//! `GET /{phone-number-id}/message_history`: which statuses a message got, and whether the webhooks that told of
//! them arrived. No text, no recipient, nothing that came in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::http::Request;
use super::super::refusal::{Refusal, title};
use super::super::stamp::millis;
use super::World;
use super::graph::{Answer, cursor_of, page, select};
use super::status::{Sent, Status};
use crate::domain::time::Timestamp;

/// Digits of a message's number in the id of its history.
const DIGITS: usize = 9;
/// The statuses that can be asked for.
const STATUSES: [&str; 5] = ["SENT", "DELIVERED", "READ", "FAILED", "DELETED"];

/// A status that was told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) status: Status,
    #[serde(with = "millis")]
    pub(super) at: Timestamp,
    /// The webhook that told of it; none when nobody wanted one.
    pub(super) post: Option<u64>,
}

impl World {
    fn history_id(&self, sent: &Sent) -> String {
        format!("{}{:0DIGITS$}", self.config.phone_number_id, sent.number)
    }

    /// The message that an id of a history is about.
    pub(super) fn with_history(&self, id: &str) -> Option<&Sent> {
        let digits = id.strip_prefix(self.config.phone_number_id.as_str())?;
        let number: u64 = digits.parse().ok().filter(|_| digits.len() == DIGITS)?;
        self.sent.values().find(|sent| sent.number == number && number > 0)
    }

    /// One status as the history tells it.
    fn event(&self, sent: &Sent, place: usize, told: &Told) -> Map<String, Value> {
        let mut event = Map::new();
        let mut put = |key: &str, value: Value| event.insert(key.to_owned(), value);
        put("id", json!(format!("{}{place:02}", self.history_id(sent))));
        // A voice message that was played was read before.
        let word = told.status.word().to_uppercase().replace("PLAYED", "READ");
        put("delivery_status", json!(word));
        if let Status::Failed(code) = told.status {
            put("error_description", json!(title(code).0));
        }
        let name = &self.config.verified_name;
        put("application", json!({ "id": self.config.app_id, "name": name }));
        event
    }

    pub(super) fn message_history(&self, request: &Request) -> Answer {
        let wanted = request.query("message_id").filter(|id| !id.is_empty());
        // What the phone app sent before is no message of the API's.
        let of_api = self.sent.iter().filter(|(_, sent)| sent.number > 0);
        let mut found: Vec<(&String, &Sent)> =
            of_api.filter(|(wamid, _)| wanted.is_none_or(|wanted| wanted == *wamid)).collect();
        if found.is_empty() && wanted.is_some() {
            let text = "The requested message_id was not found in the message history";
            return Err(Refusal { status: 422, ..Refusal::graph(100, None, text) });
        }
        found.sort_by_key(|(_, sent)| std::cmp::Reverse(sent.number));
        let uri = self.office.hooks.address("messages");
        let rows = found.into_iter().map(|(wamid, sent)| {
            let events = sent.told.iter().enumerate().map(|(place, told)| {
                let mut event = self.event(sent, place, told);
                event.insert("timestamp".to_owned(), json!(told.at.millis() / 1000));
                event.insert("application".to_owned(), json!({ "id": self.config.app_id }));
                if let Some(post) = told.post {
                    let state = json!(self.posts.state(post));
                    event.insert("webhook_update_state".to_owned(), state);
                    event.insert("webhook_uri".to_owned(), json!(uri));
                }
                Value::Object(event)
            });
            let events: Vec<Value> = events.collect();
            let row = json!({ "id": self.history_id(sent), "message_id": wamid,
                "events": { "data": events } });
            (sent.number, row)
        });
        let rows: Vec<_> = rows.collect();
        page(&rows, request, |row| select(row, request, "id,message_id", &[]))
    }

    /// `GET /{message-history-id}/events`.
    pub(super) fn history_events(&self, request: &Request, id: &str) -> Answer {
        let sent = self.with_history(id).ok_or_else(|| Refusal::unknown_object("get", id))?;
        let wanted = request.query("status_filter").filter(|wanted| !wanted.is_empty());
        if wanted.is_some_and(|wanted| !STATUSES.contains(&wanted)) {
            let known = STATUSES.join(", ");
            let text = format!("Param status_filter must be one of {{{known}}}.");
            return Err(Refusal::parameter(&text));
        }
        let rows = (0_u64..).zip(sent.told.iter().enumerate()).map(|(number, (place, told))| {
            let mut node = self.event(sent, place, told);
            let second = json!(told.at.millis() / 1000);
            node.insert("occurrence_timestamp".to_owned(), second.clone());
            node.insert("status_timestamp".to_owned(), second);
            // Pages go down by number, this list goes on in time.
            let number = u64::MAX - number;
            (number, json!({ "cursor": cursor_of(number), "node": node }))
        });
        let meant = |row: &Value| wanted.is_none_or(|one| row["node"]["delivery_status"] == one);
        let rows: Vec<_> = rows.filter(|(_, row)| meant(row)).collect();
        page(&rows, request, |row| Ok(row.clone()))
    }
}
