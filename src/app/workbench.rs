//! The workbench: what Meta says of the account, the profile that customers see, every part of the set-up, and
//! the tunnel, each on a tab of one page.

use super::wait::Wait;
use crate::domain::account::Fact;
use crate::domain::checkup::Finding;
use crate::domain::profile::{Part, Profile};
use crate::domain::time::Timestamp;
use crate::domain::tunnel::Kind;

/// How much of the history is read.
pub const HISTORY: u32 = 200;

/// What is said of tunnels while nothing listens.
pub const DEAF: &str = "The listener is off (listener.enabled = false in the config), so a tunnel would lead to nothing.";

/// A tab of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// What Meta says of the account, now and before.
    #[default]
    Account,
    /// What customers see of it.
    Profile,
    /// What is right and what is wrong.
    Doctor,
    /// What brings webhooks here.
    Tunnel,
}

impl Tab {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Account, Self::Profile, Self::Doctor, Self::Tunnel];

    /// The word on it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Profile => "Profile",
            Self::Doctor => "Doctor",
            Self::Tunnel => "Tunnel",
        }
    }

    /// The tab beside it.
    #[must_use]
    pub fn next(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        let to = if forward { at + 1 } else { at + Self::ALL.len() - 1 } % Self::ALL.len();
        Self::ALL.get(to).copied().unwrap_or_default()
    }

    /// How many rows can be chosen on it.
    #[must_use]
    pub const fn rows(self) -> usize {
        match self {
            Self::Account | Self::Doctor => 0,
            // The picture is the last one.
            Self::Profile => Part::ALL.len() + 1,
            Self::Tunnel => Kind::ALL.len(),
        }
    }
}

/// What is known of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How it is.
    pub facts: Vec<Fact>,
    /// What was news, the newest first.
    pub history: Vec<Fact>,
    /// When Meta was last asked.
    pub asked_at: Option<Timestamp>,
}

/// The page.
#[derive(Debug, Default)]
pub struct Workbench {
    /// What is looked at.
    pub tab: Tab,
    /// The row that is chosen, where rows can be.
    pub row: usize,
    /// Lines above the first one shown.
    pub scroll: u16,
    /// What is known of the account, once it is read.
    pub told: Option<Told>,
    /// The pending read of that.
    pub wait: Wait<()>,
    /// The profile, once Meta told it.
    pub profile: Option<Profile>,
    /// Why there is none.
    pub trouble: Option<String>,
    /// What was found out about the set-up.
    pub findings: Option<Vec<Finding>>,
    /// Somebody is being asked: Meta about the account or its profile.
    pub asks: bool,
    /// The set-up is being looked at.
    pub looks: bool,
}

impl Workbench {
    /// The part of the profile that is chosen; none is the picture.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        Part::ALL.get(self.row).copied()
    }

    /// The tunnel that is chosen.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::ALL.get(self.row).map_or(Kind::None, |(_, kind)| *kind)
    }
}
