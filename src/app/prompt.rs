//! A question that is answered with one line of text.

use super::composer::Editor;
use super::msg::Looked;
use super::templates::form::File;
use crate::domain::id::{CampaignId, EventId, MessageId};
use crate::domain::profile::Part;
use crate::domain::template::{FileSource, file_source};

/// What is said to somebody who gives the time before the message.
pub const WRITE_FIRST: &str = "There is no message yet: close this, write it, then give the time.";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which conversations the list shows. Takes effect while it is typed.
    Filter,
    /// Which templates their screen shows. Takes effect while it is typed.
    Templates,
    /// The number of somebody to write to.
    Number,
    /// When the message that is written is to go.
    Time,
    /// When a scheduled message is to go instead.
    OtherTime(MessageId),
    /// Which requests the inspector shows. Takes effect while it is typed.
    HookFilter,
    /// The address that an event is posted to.
    PostTo(EventId),
    /// The file that the body of an event is saved as.
    SaveAs(EventId),
    /// The CSV file of the people that a template goes to.
    People,
    /// Which column of it is what.
    Columns,
    /// The number of messages, before they are sent.
    Count,
    /// The number that one row is sent to first, to see how it looks.
    TryOn,
    /// The file that rows which are left out are saved as.
    SkippedAs,
    /// The file that the result of a campaign is saved as.
    ResultAs(CampaignId),
    /// Another text for a part of the business profile.
    Profile(Part),
    /// The file of another picture for it.
    Picture,
    /// The file that is sent with what is written, or a link to it.
    Attach,
    /// Where the file of a message is saved.
    SaveFile(MessageId),
    /// Words to find on a page or in the conversation.
    Find,
}

/// The question with what was typed so far.
#[derive(Debug)]
pub struct Prompt {
    /// What is asked.
    pub question: Question,
    /// What was typed.
    pub editor: Editor,
    /// Why the answer was not taken; the text stays.
    pub error: Option<String>,
    /// The answer is being worked on.
    pub busy: bool,
    /// The text is only offered: the first thing that is typed takes its place.
    pub offered: bool,
    /// What is at the path that is typed, where a file is asked for.
    pub file: File,
}

impl Prompt {
    /// The question with a text to begin with.
    #[must_use]
    pub fn new(question: Question, text: &str) -> Self {
        let (editor, file) = (Editor::new(text, false), File::default());
        Self { question, editor, error: None, busy: false, offered: false, file }
    }

    /// The question with an answer that is taken as it is, or replaced by what is typed.
    #[must_use]
    pub fn offering(question: Question, text: &str) -> Self {
        Self { offered: true, ..Self::new(question, text) }
    }

    /// Somebody types: what was only offered makes room for it.
    pub fn make_room(&mut self) {
        if std::mem::take(&mut self.offered) {
            self.editor.clear();
        }
    }

    /// The path that is typed, where a file that is there is asked for.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let typed = self.editor.text().trim().to_owned();
        match self.question {
            Question::People | Question::Picture => Some(typed),
            Question::Attach => match file_source(&typed) {
                FileSource::Path(path) => Some(path.to_owned()),
                FileSource::Link(_) | FileSource::Id(_) => None,
            },
            _ => None,
        }
    }

    /// What was found at it.
    #[must_use]
    pub fn looked(&self) -> Option<&Looked> {
        let path = self.path()?;
        self.file.looked.as_ref().filter(|looked| looked.typed == path)
    }
}
