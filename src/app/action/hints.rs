//! Which keys help most where: the hint row of each context.

use super::{Action, Context};

/// What is done with a request most, the most useful first.
const HOOK_HINTS: &[Action] = &[
    Action::Details,
    Action::Filter,
    Action::NextTab,
    Action::Replay,
    Action::ReplayTo,
    Action::EditBody,
    Action::CopyCurl,
    Action::SaveBody,
    Action::Follow,
    Action::Back,
];

/// What is done with the templates most.
const TEMPLATE_HINTS: &[Action] = &[
    Action::NewTemplate,
    Action::EditTemplate,
    Action::DeleteTemplate,
    Action::DuplicateTemplate,
    Action::SendToMany,
    Action::Sort,
    Action::Filter,
    Action::SyncTemplates,
    Action::Back,
    Action::ShowQueue,
    Action::Jump,
];

/// What is done with a campaign most.
const CAMPAIGN_HINTS: &[Action] = &[
    Action::NewCampaign,
    Action::Pause,
    Action::CancelCampaign,
    Action::SaveResult,
    Action::Down,
    Action::Back,
    Action::ShowTemplates,
];

/// What is done with the set-up most.
const WORKBENCH_HINTS: &[Action] =
    &[Action::NextTab, Action::Refresh, Action::Choose, Action::Copy, Action::Close];

/// What is done most before one is sent.
const DRY_RUN_HINTS: &[Action] = &[
    Action::StartCampaign,
    Action::TryOut,
    Action::MapColumns,
    Action::NextTab,
    Action::SaveSkipped,
    Action::Back,
    Action::Down,
];

/// The actions of the hint row, the most useful first.
#[must_use]
pub const fn hints(context: Context) -> &'static [Action] {
    match context {
        Context::List => &[
            Action::Open,
            Action::Read,
            Action::Filter,
            Action::NextUnread,
            Action::Jump,
            Action::NewConversation,
            Action::Quit,
        ],
        Context::Chat => &[
            Action::OpenFile,
            Action::SaveFile,
            Action::Compose,
            Action::Reply,
            Action::Template,
            Action::Copy,
            Action::Details,
            Action::Back,
            Action::NextUnread,
            Action::Jump,
        ],
        Context::Compose => &[
            Action::Send,
            Action::Newline,
            Action::Leave,
            Action::Template,
            Action::Later,
            Action::Editor,
            Action::Jump,
        ],
        Context::Queue => &[
            Action::Resend,
            Action::Drop,
            Action::Explain,
            Action::Mark,
            Action::MarkAll,
            Action::Pause,
            Action::Back,
            Action::NextTab,
            Action::Read,
            Action::Hold,
        ],
        Context::Hooks => HOOK_HINTS,
        Context::Sure => &[Action::Confirm, Action::Close],
        Context::Picker => &[
            Action::Accept,
            Action::Down,
            Action::NextLanguage,
            Action::Close,
            Action::SyncTemplates,
            Action::HalfDown,
        ],
        Context::Form => &[
            Action::Accept,
            Action::NextField,
            Action::TakeOffer,
            Action::NextOffer,
            Action::Close,
            Action::PutDraft,
            Action::CopyRequest,
            Action::HalfDown,
        ],
        Context::Maker => &[Action::Submit, Action::NextField, Action::Close, Action::HalfDown],
        Context::Campaigns => CAMPAIGN_HINTS,
        Context::DryRun => DRY_RUN_HINTS,
        Context::Templates => TEMPLATE_HINTS,
        Context::Workbench => WORKBENCH_HINTS,
        Context::Prompt => &[Action::Accept, Action::Close, Action::DeleteToStart],
        Context::Jump => &[Action::Accept, Action::Down, Action::Up, Action::Close],
        Context::Page => &[Action::Down, Action::HalfDown, Action::FindText, Action::Close],
        Context::Ask => &[Action::SendAgain, Action::Drop, Action::Reschedule, Action::Close],
        Context::First => &[Action::StartDemo, Action::Quit],
    }
}
