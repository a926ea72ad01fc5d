//! What can be done to templates at Meta, and what Meta answers.

use super::rules::Part;
use super::{Button, Category, Status, Template};

/// Something to be done at Meta. The example of a header is a file of this machine or an https link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Hand a template in for review.
    Create(Box<Template>),
    /// Replace what a template says; Meta reviews it again.
    Edit {
        /// Meta's id of it.
        id: String,
        /// What it is to say.
        template: Box<Template>,
        /// Its category changes too.
        recategorise: bool,
    },
    /// Delete it.
    Delete {
        /// Its name.
        name: String,
        /// This language alone, with Meta's id of it; none for all languages.
        only: Option<(String, String)>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worked {
    /// Meta has it, usually to review it.
    Created {
        /// Meta's id of it.
        id: String,
        /// How far it is.
        status: Status,
        /// Meta may have changed it.
        category: Category,
    },
    /// Meta has the change, and reviews it.
    Changed,
    /// It is gone.
    Deleted,
}

/// Why it was not done, or nobody knows whether it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In plain words.
    pub words: String,
    /// The part that is at fault, where that is known.
    pub part: Option<Part>,
    /// No whole answer came: it may have been done, and a listing tells.
    pub unknown: bool,
}

impl Refusal {
    /// One about no part in particular.
    #[must_use]
    pub fn whole(words: impl Into<String>) -> Self {
        Self { words: words.into(), part: None, unknown: false }
    }

    /// One about this part.
    #[must_use]
    pub fn at(part: Part, words: impl Into<String>) -> Self {
        Self { part: Some(part), ..Self::whole(words) }
    }
}

/// Why Meta would not let a template be changed, whatever is changed in it. It lets those be changed that are
/// approved, rejected or paused (Meta, template management); reinstated is a webhook's word for approved again.
#[must_use]
pub fn unchangeable(template: &Template) -> Option<String> {
    let status = &template.status;
    let changeable =
        matches!(status, Status::Approved | Status::Reinstated | Status::Rejected | Status::Paused);
    if !changeable {
        let status = status.name().to_lowercase();
        return Some(format!("it is {status}, and Meta lets nobody change it so"));
    }
    let is_password = |button: &Button| matches!(button, Button::Otp(_));
    if template.category == Category::Authentication && !template.buttons.iter().any(is_password) {
        return Some(
            "it is an authentication template with words of its own, which Meta takes no more"
                .to_owned(),
        );
    }
    // A change replaces all parts, so those that are not written again would be gone.
    let lost = template.unmakeable().first().map(|kind| (*kind).to_owned())?;
    Some(format!(
        "it has a part of type {lost}, which this version cannot write: the change would take it out"
    ))
}

/// Why Meta would not let a template be deleted (Meta, template management).
#[must_use]
pub fn undeletable(template: &Template) -> Option<&'static str> {
    let disabled = template.status == Status::Disabled;
    disabled.then_some("Meta disabled it, and lets nobody delete it so")
}

/// The change of a known template into another, if Meta allows it. Its name and its language stay.
pub fn change(known: &Template, template: Template) -> Result<Work, Refusal> {
    if let Some(words) = unchangeable(known) {
        return Err(Refusal::whole(words));
    }
    let Some(id) = known.meta_id.clone() else {
        return Err(Refusal::whole("Meta's id of it is not known; sync the templates"));
    };
    let recategorise = template.category != known.category;
    if recategorise && known.status != Status::Rejected {
        let category = known.category.name().to_lowercase();
        return Err(Refusal::at(
            Part::Category,
            format!(
                "it is {category} and stays it: Meta fixes the category of an approved template"
            ),
        ));
    }
    Ok(Work::Edit { id, template: Box::new(template), recategorise })
}

/// What a person has to know before a template is deleted.
#[must_use]
pub fn consequences(name: &str, languages: &str) -> String {
    format!(
        "{name} ({languages}) would be deleted at Meta: nobody can be sent it any more, and the name cannot \
         be used again for 30 days"
    )
}

/// What is under way all the same.
pub const STILL_ARRIVE: &str = "messages that are under way still arrive";
