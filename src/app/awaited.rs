//! What an answer of the writer or the network is awaited for.

use super::composer::Sent;
use super::drafts::Edit;
use super::prompt::Question;
use super::templates::maker::Purpose;
use crate::domain::id::{AccountId, ConversationId, EventId};
use crate::domain::outbox::Decision;
use crate::domain::queue::QueueFilter;
use crate::domain::template::Template;

/// What a command was for, so that its failure can be told and undone.
#[derive(Clone, Debug)]
pub(crate) enum Awaited {
    Send {
        conversation: ConversationId,
        draft: Sent,
        /// The file or link that was attached.
        file: Option<String>,
    },
    SaveDraft(ConversationId, Edit),
    Begin {
        number: String,
    },
    Decide {
        decision: Decision,
        /// The rest of the group is decided about next.
        group: Option<(AccountId, QueueFilter)>,
        done: usize,
        /// How many could not be decided about, and why one of them could not.
        refused: Option<(usize, String)>,
    },
    /// A template was sent with the values typed for it, and with the draft if that is in it.
    SendTemplate {
        conversation: ConversationId,
        name: String,
        draft: Option<Sent>,
    },
    Sync,
    /// A template was handed in for review, new or changed.
    Work(Purpose, Box<Template>),
    /// What stands in the editor of templates is kept.
    KeepTemplate(Purpose),
    /// What is filled in for the template of this name is kept.
    KeepValues(ConversationId, String),
    /// This template is deleted.
    Delete(String),
    /// Applying an event again.
    Replay(EventId),
    /// Applying what was made of one in the editor.
    ReplayEdited(EventId),
    /// Something that the workbench asked for.
    Workbench,
    /// The profile is changed to the answer of this question.
    Profile(Question),
    Other(&'static str),
}
