//! The words that Meta has for templates.

use crate::domain::message::MediaKind;

/// Declares an enum of Meta's words, with [`name`](Category::name) and `named` from one list.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$what])* $variant,)+
            /// A word that this version does not know, as it came.
            Other(String),
        }

        impl $type {
            /// Meta's word, which is also ours.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// What a word of Meta's says, in whichever case it came.
            #[must_use]
            pub fn named(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })+
                Self::Other(word.to_owned())
            }
        }
    };
}

words! {
    /// What a template is for.
    Category {
        /// Offers and whatever else sells.
        Marketing = "MARKETING",
        /// About something the person ordered or asked for.
        Utility = "UTILITY",
        /// One-time passwords.
        Authentication = "AUTHENTICATION",
    }
}

words! {
    /// Whether Meta lets a template be sent.
    Status {
        /// It may be sent.
        Approved = "APPROVED",
        /// Under review.
        Pending = "PENDING",
        /// Refused by the review.
        Rejected = "REJECTED",
        /// Stopped for some hours because of low quality.
        Paused = "PAUSED",
        /// Stopped for good.
        Disabled = "DISABLED",
        /// The review is being contested.
        InAppeal = "IN_APPEAL",
        /// May be sent again.
        Reinstated = "REINSTATED",
        /// Gone.
        Deleted = "DELETED",
        /// Gone for new messages; kept for those under way, up to 30 days.
        PendingDeletion = "PENDING_DELETION",
        /// It may be sent, and is about to be stopped because of low quality.
        Flagged = "FLAGGED",
        /// The account has too many templates.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// It cannot be edited.
        Locked = "LOCKED",
        /// Put away because nobody used it; deleted after 28 days.
        Archived = "ARCHIVED",
        /// Taken out of the archive.
        Unarchived = "UNARCHIVED",
    }
}

words! {
    /// What Meta makes of the answers to a template.
    Quality {
        /// High.
        Green = "GREEN",
        /// Medium.
        Yellow = "YELLOW",
        /// Low: it may be paused soon.
        Red = "RED",
        /// Too few answers to tell.
        Unknown = "UNKNOWN",
    }
}

/// How the variables of a template are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ParameterFormat {
    /// `{{1}}`, `{{2}}`, in order. What Meta assumes when it says nothing.
    #[default]
    Positional,
    /// `{{first_name}}`.
    Named,
}

impl ParameterFormat {
    /// Meta's word, which is also ours.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Positional => "POSITIONAL",
            Self::Named => "NAMED",
        }
    }

    /// What a word of Meta's says, in whichever case it came.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Positional, Self::Named]
            .into_iter()
            .find(|format| word.eq_ignore_ascii_case(format.name()))
    }
}

/// What kind of file a header holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaFormat {
    /// JPEG or PNG.
    Image,
    /// MP4 or 3GP.
    Video,
    /// A document, PDF above all.
    Document,
}

impl MediaFormat {
    /// Meta's word, which is also ours.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::Document => "DOCUMENT",
        }
    }

    /// What a word of Meta's says, in whichever case it came.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Image, Self::Video, Self::Document]
            .into_iter()
            .find(|format| word.eq_ignore_ascii_case(format.name()))
    }

    /// The kind of file as messages know it.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Image => MediaKind::Image,
            Self::Video => MediaKind::Video,
            Self::Document => MediaKind::Document,
        }
    }
}

/// How a one-time password gets into the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OtpKind {
    /// The person copies it.
    CopyCode,
    /// One tap fills it in, on Android.
    OneTap,
    /// The app is filled in without a tap, on Android.
    ZeroTap,
}

impl OtpKind {
    /// Meta's word, which is also ours.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CopyCode => "COPY_CODE",
            Self::OneTap => "ONE_TAP",
            Self::ZeroTap => "ZERO_TAP",
        }
    }

    /// What a word of Meta's says, in whichever case it came.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::CopyCode, Self::OneTap, Self::ZeroTap]
            .into_iter()
            .find(|kind| word.eq_ignore_ascii_case(kind.name()))
    }
}
