//! The calls about templates: list, get, create, edit, delete, and the upload of a header's example.
//!
//! None is repeated. After [`CallError::NoAnswer`] a call that changes something may have been carried out;
//! a listing tells.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{template, write};
use crate::api::client::{CallError, Client};
use crate::api::json;
use crate::domain::id::WabaId;
use crate::domain::template::{Category, Status, Template};

/// What is asked of a template (Meta, message templates).
const FIELDS: &str = "id,name,status,category,sub_category,previous_category,language,components,\
    parameter_format,quality_score,rejected_reason,message_send_ttl_seconds";

/// Templates of one page. Meta gives 25 unless told; one is some KiB.
const PAGE: u32 = 100;

/// A template of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As far as it was understood.
    pub template: Template,
    /// Meta's JSON.
    pub raw: String,
}

/// One page of an account's templates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplatePage {
    /// All languages of all names, each for itself.
    pub templates: Vec<Listed>,
    /// Meta's JSON of what has no name or no language.
    pub unreadable: Vec<String>,
    /// Where the next page begins; none after the last one.
    pub after: Option<String>,
}

/// A template that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Meta's id of it.
    pub id: String,
    /// Usually `PENDING`.
    pub status: Status,
    /// Meta may have changed it.
    pub category: Category,
}

impl Client {
    /// One page of an account's templates, from `after` on.
    pub async fn template_page(
        &self,
        waba: &WabaId,
        after: Option<&str>,
    ) -> Result<TemplatePage, CallError> {
        let limit = PAGE.to_string();
        let mut query = vec![("fields", FIELDS), ("limit", &limit)];
        query.extend(after.map(|after| ("after", after)));
        let answer = self.get_long(&[waba.as_str(), "message_templates"], &query).await?;
        if answer.get("data").and_then(Value::as_array).is_none() {
            return Err(CallError::NoAnswer("the answer has no list of templates".to_owned()));
        }
        Ok(page(&answer))
    }

    /// All templates of an account. `progress` hears how many there are so far after each page. Dropping
    /// the call cancels it.
    pub async fn templates(
        &self,
        waba: &WabaId,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<TemplatePage, CallError> {
        let mut all = TemplatePage::default();
        let mut seen = BTreeSet::new();
        loop {
            let page = self.template_page(waba, all.after.as_deref()).await?;
            all.templates.extend(page.templates);
            all.unreadable.extend(page.unreadable);
            progress(all.templates.len());
            all.after = page.after;
            let Some(after) = &all.after else { return Ok(all) };
            if !seen.insert(after.clone()) {
                let detail = "Meta's list of templates goes in circles; try again later";
                return Err(CallError::NoAnswer(detail.to_owned()));
            }
        }
    }

    /// One template, by Meta's id.
    pub async fn template(&self, id: &str) -> Result<Listed, CallError> {
        let answer = self.get_long(&[id], &[("fields", FIELDS)]).await?;
        listed(&answer).ok_or_else(|| CallError::NoAnswer(format!("`{id}` is no template")))
    }

    /// Hands a template in for review.
    pub async fn create_template(
        &self,
        waba: &WabaId,
        template: &Template,
    ) -> Result<Created, CallError> {
        let path = [waba.as_str(), "message_templates"];
        let answer = self.post(&path, &write::create(template)).await?;
        Ok(Created {
            id: json::text(&answer, "id")
                .ok_or_else(|| CallError::NoAnswer("the answer names no template".to_owned()))?,
            status: json::text(&answer, "status")
                .map_or(Status::Pending, |word| Status::named(&word)),
            category: json::text(&answer, "category")
                .map_or_else(|| template.category.clone(), |word| Category::named(&word)),
        })
    }

    /// Replaces the components of the template with Meta's `id`, and its category if `category` says so.
    pub async fn edit_template(
        &self,
        id: &str,
        template: &Template,
        category: bool,
    ) -> Result<(), CallError> {
        let edit = write::edit(template, category);
        succeeded(&self.post(&[id], &edit).await?)
    }

    /// Deletes all languages of a name, or with Meta's `id` that one alone. The name cannot be used again
    /// for 30 days.
    pub async fn delete_template(
        &self,
        waba: &WabaId,
        name: &str,
        id: Option<&str>,
    ) -> Result<(), CallError> {
        let mut query = vec![("name", name)];
        query.extend(id.map(|id| ("hsm_id", id)));
        succeeded(&self.delete(&[waba.as_str(), "message_templates"], &query).await?)
    }

    /// Uploads a header's example, and returns the handle that creating a template takes. Meta takes PDF,
    /// JPEG, PNG and MP4. `app` is the app's id.
    pub async fn upload_example(
        &self,
        app: &str,
        file_name: &str,
        mime_type: &str,
        bytes: Vec<u8>,
    ) -> Result<String, CallError> {
        let length = bytes.len().to_string();
        let query = [("file_name", file_name), ("file_length", &length), ("file_type", mime_type)];
        let session = self.post_query(&[app, "uploads"], &query).await?;
        let session = json::text(&session, "id")
            .ok_or_else(|| CallError::NoAnswer("the answer names no upload".to_owned()))?;
        let answer = self.upload_to(&session, bytes).await?;
        json::text(&answer, "h")
            .ok_or_else(|| CallError::NoAnswer("the answer has no handle of the file".to_owned()))
    }
}

fn succeeded(answer: &Value) -> Result<(), CallError> {
    if json::succeeded(answer) {
        return Ok(());
    }
    Err(CallError::NoAnswer("the answer does not say that it succeeded".to_owned()))
}

fn page(answer: &Value) -> TemplatePage {
    let mut page = TemplatePage::default();
    for value in json::list(answer, "data") {
        match listed(value) {
            Some(listed) => page.templates.push(listed),
            None => page.unreadable.push(value.to_string()),
        }
    }
    let paging = answer.get("paging").unwrap_or(&Value::Null);
    let cursors = paging.get("cursors").unwrap_or(&Value::Null);
    // The last page has a cursor too, and no `next`.
    page.after = json::text(paging, "next").and_then(|_| json::text(cursors, "after"));
    page
}

fn listed(value: &Value) -> Option<Listed> {
    Some(Listed { template: template(value)?, raw: value.to_string() })
}

#[cfg(test)]
mod tests;
