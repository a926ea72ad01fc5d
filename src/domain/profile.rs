//! The business profile that customers see, and Meta's limits on it (Meta, business profiles). Lengths are in
//! characters.

use super::media;
use super::message::MediaKind;

/// Characters of the line under the name.
const ABOUT_MAX: usize = 139;
/// Characters of the address, of the description, and of each website.
const LONG_MAX: usize = 256;
/// Characters of the e-mail address.
const EMAIL_MAX: usize = 128;
/// Websites.
const WEBSITES_MAX: usize = 2;

/// What businesses can be, in Meta's words.
pub const VERTICALS: [&str; 23] = [
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "MATRIMONY_SERVICE",
    "NONPROFIT",
    "NOT_A_BIZ",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
];

/// The largest picture, in bytes (Meta, media: images).
pub const PICTURE_MAX: u64 = 5 << 20;

/// A part of the profile that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The line under the name.
    About,
    /// Where the business is.
    Address,
    /// What it does.
    Description,
    /// Its e-mail address.
    Email,
    /// Its websites, each on a line or parted by spaces.
    Websites,
    /// What kind of business it is, one of [`VERTICALS`].
    Vertical,
}

impl Part {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::About,
        Self::Address,
        Self::Description,
        Self::Email,
        Self::Websites,
        Self::Vertical,
    ];

    /// Meta's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Address => "address",
            Self::Description => "description",
            Self::Email => "email",
            Self::Websites => "websites",
            Self::Vertical => "vertical",
        }
    }

    /// Why Meta would refuse this text, and what it takes; nothing when it would not. An empty text takes the
    /// part away, but for the line under the name and the kind of business.
    #[must_use]
    pub fn flaw(self, text: &str) -> Option<String> {
        let most = match self {
            Self::About => ABOUT_MAX,
            Self::Address | Self::Description => LONG_MAX,
            Self::Email => EMAIL_MAX,
            Self::Websites => return websites_flaw(text),
            Self::Vertical if VERTICALS.contains(&text) => return None,
            Self::Vertical => {
                return Some(format!("vertical {text:?} is none of {}", VERTICALS.join(", ")));
            }
        };
        let name = self.name();
        let length = text.chars().count();
        if length > most {
            return Some(format!("{name} has {length} characters; Meta takes {most}"));
        }
        match self {
            Self::About if text.trim().is_empty() => {
                Some("about cannot be empty: write at least one character".to_owned())
            }
            Self::Email if !text.is_empty() && !is_email(text) => {
                Some(format!("email {text:?} is no e-mail address, such as shop@example.com"))
            }
            _ => None,
        }
    }
}

fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(char::is_whitespace);
    plain && text.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
}

fn websites_flaw(text: &str) -> Option<String> {
    let sites: Vec<&str> = websites(text).collect();
    if sites.len() > WEBSITES_MAX {
        return Some(format!("there are {} websites; Meta takes {WEBSITES_MAX}", sites.len()));
    }
    sites.into_iter().find_map(|site| {
        let length = site.chars().count();
        if length > LONG_MAX {
            return Some(format!(
                "the website {site} has {length} characters; Meta takes {LONG_MAX}"
            ));
        }
        let rest = site.strip_prefix("https://").or_else(|| site.strip_prefix("http://"));
        let whole = rest.is_some_and(|rest| !rest.is_empty());
        (!whole).then(|| format!("the website {site:?} has to begin with https:// or http://"))
    })
}

/// The websites in a text.
pub fn websites(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// The profile as Meta tells it. Texts are unsanitised; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The parts that are text, in the order of [`Part::ALL`].
    pub texts: [String; Part::ALL.len()],
    /// Where the picture is, for some days.
    pub picture_url: Option<String>,
}

impl Profile {
    /// A part as text; websites are parted by a space.
    #[must_use]
    pub fn text(&self, part: Part) -> &str {
        let at = Part::ALL.iter().position(|known| *known == part);
        at.and_then(|at| self.texts.get(at)).map_or("", String::as_str)
    }
}

/// What is to be changed of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Parts with their new text; an empty one is taken away.
    pub texts: Vec<(Part, String)>,
    /// The handle of an uploaded picture.
    pub picture: Option<String>,
}

impl ProfileChange {
    /// Everything that Meta would refuse.
    #[must_use]
    pub fn flaws(&self) -> Vec<String> {
        self.texts.iter().filter_map(|(part, text)| part.flaw(text)).collect()
    }
}

/// The type of a picture that can be uploaded, by its first bytes.
///
/// # Errors
/// What is wrong with it, and what Meta takes.
pub fn picture_type(bytes: &[u8]) -> Result<&'static str, String> {
    if bytes.len() as u64 > PICTURE_MAX {
        return Err(format!("it is larger than the {} MiB that Meta takes", PICTURE_MAX >> 20));
    }
    let kind = MediaKind::Image;
    media::picture_type(bytes)
        .ok_or_else(|| media::not_of(kind, bytes).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Part, ProfileChange, picture_type};

    #[test]
    fn what_meta_would_refuse_is_named_with_what_it_takes() {
        let long = |count: usize| "é".repeat(count);
        let site = |length: usize| format!("https://{}", "a".repeat(length - 8));
        for (part, text, flaw) in [
            (Part::About, long(139), None),
            (Part::About, long(140), Some("140 characters; Meta takes 139")),
            (Part::About, " ".to_owned(), Some("cannot be empty")),
            (Part::Address, String::new(), None),
            (Part::Address, long(257), Some("Meta takes 256")),
            (Part::Description, long(256), None),
            (Part::Description, long(257), Some("Meta takes 256")),
            (Part::Email, "shop@example.com".to_owned(), None),
            (Part::Email, String::new(), None),
            (Part::Email, "shop".to_owned(), Some("no e-mail address")),
            (Part::Email, format!("{}@example.com", long(120)), Some("Meta takes 128")),
            (Part::Websites, "https://a.example http://b.example".to_owned(), None),
            (Part::Websites, String::new(), None),
            (Part::Websites, "https://a https://b https://c".to_owned(), Some("Meta takes 2")),
            (Part::Websites, "example.com".to_owned(), Some("https://")),
            (Part::Websites, site(256), None),
            (Part::Websites, site(257), Some("Meta takes 256")),
            (Part::Vertical, "RETAIL".to_owned(), None),
            (Part::Vertical, "SHOP".to_owned(), Some("RETAIL")),
        ] {
            let found = part.flaw(&text);
            match flaw {
                None => assert_eq!(found, None, "{part:?} {text}"),
                Some(words) => assert!(found.as_ref().unwrap().contains(words), "{found:?}"),
            }
        }
        let change = ProfileChange {
            texts: vec![(Part::About, String::new()), (Part::Email, "x".to_owned())],
            picture: None,
        };
        assert_eq!(change.flaws().len(), 2, "all at once");
    }

    #[test]
    fn a_picture_is_known_by_its_bytes_and_not_too_big() {
        assert_eq!(picture_type(b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        assert_eq!(picture_type(b"\x89PNG\r\n"), Ok("image/png"));
        assert!(picture_type(b"GIF89a").unwrap_err().contains("JPEG"));
        let mut big = vec![0xff, 0xd8, 0xff];
        big.resize(5 * 1024 * 1024 + 1, 0);
        assert!(picture_type(&big).unwrap_err().contains("5 MiB"));
    }
}
