//! Why a template cannot be sent, whatever its values.

use std::fmt;

use super::{Button, Header, Status, Template};

/// What stands in the way. Its text is for a person, as in "cannot be sent: paused by Meta ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Meta does not let it be sent, and why it was rejected, in Meta's word.
    Status(Status, Option<String>),
    /// It has a component that this version cannot fill, by Meta's word.
    Component(String),
    /// It has a header that this version cannot fill, by Meta's word.
    Header(String),
    /// It has a button that this version cannot fill, by Meta's word.
    Button(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, reason) => {
                f.write_str(status.refusal().unwrap_or("Meta does not let it be sent"))?;
                match reason {
                    Some(reason) => write!(f, " ({reason})"),
                    None => Ok(()),
                }
            }
            Self::Component(kind) => match kind.as_str() {
                "CAROUSEL" => f.write_str("it has a carousel, which this version cannot send yet"),
                "LIMITED_TIME_OFFER" => {
                    f.write_str("it is a limited-time offer, which this version cannot send yet")
                }
                _ => write!(f, "it has a part of type {kind}, which this version does not know"),
            },
            Self::Header(kind) => {
                write!(f, "it has a header of type {kind}, which this version cannot fill")
            }
            Self::Button(kind) => match kind.as_str() {
                "MPM" | "SPM" => f.write_str(
                    "it has a button that shows products, which this version cannot fill",
                ),
                _ => write!(f, "it has a button of type {kind}, which this version cannot fill"),
            },
        }
    }
}

impl Status {
    /// Why Meta surely refuses a message with a template in this status, if so. What an unknown word means,
    /// Meta's answer tells.
    #[must_use]
    pub const fn refusal(&self) -> Option<&'static str> {
        Some(match self {
            Self::Pending => "Meta is still reviewing it",
            Self::Rejected => "Meta rejected it",
            Self::Paused => "paused by Meta because of low quality",
            Self::Disabled => "disabled by Meta because of low quality",
            Self::InAppeal => "its rejection is being contested",
            Self::Deleted | Self::PendingDeletion => "it was deleted",
            Self::LimitExceeded => "the account has more templates than Meta allows",
            Self::Archived => "Meta archived it because nobody used it",
            Self::Approved
            | Self::Reinstated
            | Self::Flagged
            | Self::Locked
            | Self::Unarchived
            | Self::Other(_) => return None,
        })
    }
}

/// The first thing that keeps a template from being sent, whatever its values.
#[must_use]
pub fn obstacle(template: &Template) -> Option<Obstacle> {
    if template.status.refusal().is_some() {
        let reason = template.reason.clone().filter(|_| template.status == Status::Rejected);
        return Some(Obstacle::Status(template.status.clone(), reason));
    }
    if let Some(kind) = template.other.first() {
        return Some(Obstacle::Component(kind.clone()));
    }
    if let Some(Header::Other(kind)) = &template.header {
        return Some(Obstacle::Header(kind.clone()));
    }
    template.buttons.iter().find_map(|button| match button {
        Button::Other { kind, .. } => Some(Obstacle::Button(kind.clone())),
        _ => None,
    })
}
