//! What setting up and `doctor` ask of Meta beyond a number's condition: which numbers a WABA has, whether an
//! app secret is the app's, and what time it is there.

use jiff::fmt::rfc2822;
use reqwest::Method;
use reqwest::header::DATE;

use super::account::{PhoneNumber, phone_number};
use super::client::{CallError, Client};
use super::json;
use crate::domain::id::WabaId;
use crate::domain::time::Timestamp;

/// Numbers that are asked for at once; Meta gives a WABA 20 unless it is raised.
const NUMBERS: &str = "100";

impl Client {
    /// The numbers of a WABA, a hundred at most.
    pub async fn numbers(&self, waba: &WabaId) -> Result<Vec<PhoneNumber>, CallError> {
        let query = [("limit", NUMBERS)];
        let answer = self.get(&[waba.as_str(), "phone_numbers"], &query).await?;
        Ok(json::list(&answer, "data").iter().map(phone_number).collect())
    }

    /// What time it is at the server, to the second, if it says so. The answer itself may be a refusal.
    pub async fn server_time(&self) -> Result<Option<Timestamp>, CallError> {
        let call = self.request(Method::GET, self.base().clone());
        let answer = call.send().await.map_err(|error| CallError::from(self.lost(&error)))?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let read = date.and_then(|date| rfc2822::parse(date).ok());
        Ok(read.map(|at| Timestamp::from_secs(at.timestamp().as_second())))
    }
}
