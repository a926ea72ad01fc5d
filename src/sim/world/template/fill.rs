//! Whether a template send fits the template: the right components with the right parameters, and not
//! too long once they are filled in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::super::refusal::Refusal;
use super::super::check::check_media;
use super::super::field::Field;
use super::super::media::MediaShelf;
use super::super::status::{Choice, Tap};
use super::Entry;
use super::part::{Parts, is_dynamic, text, word};
use super::variables::{distinct, filled};

/// Characters of a body once it is filled, and of one that has nothing beside it.
const BODY_LIMIT: usize = 1_024;
const BODY_ALONE_LIMIT: usize = 32_768;
/// Characters of a header once it is filled.
const HEADER_LIMIT: usize = 60;
/// Characters of a button's address once it is filled.
const URL_LIMIT: usize = 2_000;
/// Characters of a coupon or one-time code.
const CODE_LIMIT: usize = 15;

/// What the customer gets to see of a template.
pub(in crate::sim::world) struct Filled {
    pub(in crate::sim::world) text: String,
    pub(in crate::sim::world) choices: Vec<Choice>,
}

/// Checks the components of a send against those of its template.
pub(in crate::sim::world) fn fill(
    entry: &Entry,
    given: &[Field<'_>],
    media: &MediaShelf,
) -> Result<Filled, Refusal> {
    let parts = Parts::of(&entry.template.components);
    Filler { named: entry.template.named, media, place: String::new() }.fill(&parts, given)
}

struct Filler<'a> {
    named: bool,
    media: &'a MediaShelf,
    /// Which card is meant: `card 0: `; empty outside of cards.
    place: String,
}

impl Filler<'_> {
    fn fill(&self, parts: &Parts<'_>, given: &[Field<'_>]) -> Result<Filled, Refusal> {
        let given = self.sort(given)?;
        self.header(parts.header, given.header)?;
        let stored = parts.body.map_or("", |body| text(body, "text"));
        let alone = parts.header.is_none()
            && parts.footer.is_none()
            && parts.buttons.is_empty()
            && parts.cards.is_empty()
            && parts.offer.is_none();
        let limit = if alone { BODY_ALONE_LIMIT } else { BODY_LIMIT };
        let text = self.texts("body", stored, given.body, limit)?;
        let choices = self.buttons(&parts.buttons, given.buttons)?;
        self.offer(parts.offer, given.offer)?;
        self.cards(&parts.cards, given.cards)?;
        Ok(Filled { text, choices })
    }

    /// The components of a send by kind, each at most once.
    fn sort<'a, 'b>(&self, given: &'b [Field<'a>]) -> Result<Given<'a, 'b>, Refusal> {
        let mut sorted = Given::default();
        for component in given {
            // Meta takes the type in either case.
            let kind = component.need_text("type", 40)?.to_lowercase();
            let twice = || self.wrong(&format!("{kind}: the component is given twice"));
            let free = match kind.as_str() {
                "header" => sorted.header.replace(component).is_none(),
                "body" => sorted.body.replace(component).is_none(),
                "limited_time_offer" => sorted.offer.replace(component).is_none(),
                "carousel" => sorted.cards.replace(component).is_none(),
                "button" => {
                    component.only(&["type", "sub_type", "index", "parameters"])?;
                    let index = component.number("index", 0.0..=9.0)?;
                    // Within 0 to 9, so nothing is lost; a fraction fits no button.
                    let index = (0_u8..10).find(|one| (f64::from(*one) - index).abs() < 1e-9);
                    let index = index.map(usize::from);
                    let index =
                        index.ok_or_else(|| component.invalid("index", "must be whole."))?;
                    sorted.buttons.insert(index, component).is_none()
                }
                _ => {
                    let kinds = ["header", "body", "button", "carousel", "limited_time_offer"];
                    component.one_of("type", &kinds)?;
                    true
                }
            };
            if !free {
                return Err(twice());
            }
        }
        Ok(sorted)
    }

    fn header(&self, stored: Option<&Value>, given: Option<&Field<'_>>) -> Result<(), Refusal> {
        let format = stored.map_or_else(|| "TEXT".to_owned(), |stored| word(stored, "format"));
        if format == "TEXT" {
            let pattern = stored.map_or("", |stored| text(stored, "text"));
            return self.texts("header", pattern, given, HEADER_LIMIT).map(drop);
        }
        let mismatch = |received: &str| {
            let text = format!("header: Format mismatch, expected {format}, received {received}");
            self.format(&text)
        };
        let given = given.ok_or_else(|| mismatch("UNKNOWN"))?;
        let parameters = parameters(given)?;
        let [parameter] = parameters.as_slice() else {
            return Err(if parameters.is_empty() {
                mismatch("UNKNOWN")
            } else {
                self.count("header", parameters.len(), 1)
            });
        };
        let kind = kind(parameter)?;
        // A looping GIF is sent as a video.
        let wanted = if format == "GIF" { "video".to_owned() } else { format.to_lowercase() };
        if kind != wanted {
            return Err(mismatch(&kind.to_uppercase()));
        }
        let object = parameter.object(kind)?.ok_or_else(|| mismatch("UNKNOWN"))?;
        if kind == "location" {
            object.only(&["latitude", "longitude", "name", "address"])?;
            object.number("latitude", -90.0..=90.0)?;
            object.number("longitude", -180.0..=180.0)?;
            object.need_text("name", 1_000)?;
            return object.need_text("address", 1_000).map(drop);
        }
        check_media(&object, kind, self.media)?;
        let mime = object.text("id", 200)?.and_then(|id| self.media.mime(id));
        let fits = |mime: &str| kind == "document" || mime.starts_with(kind);
        match mime.filter(|mime| !fits(mime)) {
            Some(mime) => {
                let text = format!("{}header: the file is {mime}, not {kind}", self.place);
                Err(Refusal::new(131_053, text))
            }
            None => Ok(()),
        }
    }

    /// Checks the parameters of a text and answers it filled.
    fn texts(
        &self,
        part: &str,
        pattern: &str,
        given: Option<&Field<'_>>,
        limit: usize,
    ) -> Result<String, Refusal> {
        let wanted = distinct(pattern);
        let given = given.map(parameters).transpose()?.unwrap_or_default();
        if given.len() != wanted.len() {
            return Err(self.count(part, given.len(), wanted.len()));
        }
        let mut values = BTreeMap::new();
        for (parameter, place) in given.iter().zip(&wanted) {
            let value = self.text_value(part, parameter)?;
            let name = parameter.text("parameter_name", 512)?.filter(|name| !name.is_empty());
            let key = match (self.named, name) {
                (false, None) => place.as_str(),
                (true, Some(name)) if wanted.iter().any(|known| known == name) => name,
                (true, Some(name)) => {
                    return Err(self.wrong(&format!("{part}: there is no variable {name}")));
                }
                (true, None) => {
                    return Err(self.format(&format!("{part}: parameter_name is missing or empty")));
                }
                (false, Some(_)) => {
                    let text = "parameter_name is for templates with named parameters";
                    return Err(self.format(&format!("{part}: {text}")));
                }
            };
            if values.insert(key.to_owned(), value).is_some() {
                return Err(self.wrong(&format!("{part}: {key} is given twice")));
            }
        }
        let text = filled(pattern, |name| values.get(name).cloned().unwrap_or_default());
        self.fits(part, &text, limit)?;
        Ok(text)
    }

    /// What stands in for a variable of a text.
    fn text_value(&self, part: &str, parameter: &Field<'_>) -> Result<String, Refusal> {
        let kind = kind(parameter)?;
        let value = match kind {
            "text" => parameter.text("text", 32_768)?,
            "currency" => {
                let money = self.object(part, parameter, "currency")?;
                money.need_text("code", 3)?;
                money.number("amount_1000", -9e15..=9e15)?;
                Some(money.need_text("fallback_value", 1_024)?)
            }
            "date_time" => {
                let time = self.object(part, parameter, "date_time")?;
                Some(time.need_text("fallback_value", 1_024)?)
            }
            _ => {
                let received = kind.to_uppercase();
                let text = format!("{part}: Format mismatch, expected TEXT, received {received}");
                return Err(self.format(&text));
            }
        };
        let value = value.filter(|value| !value.trim().is_empty());
        let value = value
            .ok_or_else(|| self.format(&format!("{part}: a parameter of type text has no text")))?;
        if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
            let text = "Param text cannot have new-line/tab characters or more than 4 consecutive \
                        spaces";
            return Err(self.wrong(&format!("{part}: {text}")));
        }
        Ok(value.to_owned())
    }

    fn object<'a>(
        &self,
        part: &str,
        parameter: &Field<'a>,
        key: &str,
    ) -> Result<Field<'a>, Refusal> {
        let object = parameter.object(key)?;
        object.ok_or_else(|| self.format(&format!("{part}: the parameter has no {key}")))
    }

    fn buttons(
        &self,
        stored: &[&Value],
        mut given: BTreeMap<usize, &Field<'_>>,
    ) -> Result<Vec<Choice>, Refusal> {
        let mut choices = Vec::new();
        for (index, button) in stored.iter().enumerate() {
            let value = match given.remove(&index) {
                Some(component) => self.button(index, button, component)?,
                None if is_dynamic(button)
                    || matches!(word(button, "type").as_str(), "COPY_CODE" | "MPM") =>
                {
                    let kind = title_case(&word(button, "type"));
                    let text = format!(
                        "buttons: Button at index {index} of type {kind} requires a parameter"
                    );
                    return Err(Refusal::new(131_008, format!("{}{text}", self.place)));
                }
                None => None,
            };
            if word(button, "type") == "QUICK_REPLY" {
                let title = text(button, "text").to_owned();
                let id = value.unwrap_or_else(|| title.clone());
                choices.push(Choice { id, title, tap: Tap::QuickReply });
            }
        }
        match given.into_keys().next() {
            Some(index) => {
                Err(self.wrong(&format!("buttons: there is no button at index {index}")))
            }
            None => Ok(choices),
        }
    }

    /// Checks what is given for one button; answers the payload of a quick reply.
    fn button(
        &self,
        index: usize,
        button: &Value,
        component: &Field<'_>,
    ) -> Result<Option<String>, Refusal> {
        let kind = word(button, "type");
        // A one-time code button takes its code the way an address takes its end.
        let wanted = if kind == "OTP" { "url".to_owned() } else { kind.to_lowercase() };
        let sub_type = component.need_text("sub_type", 40)?.to_lowercase();
        if sub_type != wanted {
            let kind = title_case(&kind);
            let text =
                format!("buttons: Button at index {index} is of type {kind}, not {sub_type}");
            return Err(self.wrong(&text));
        }
        let parameters = parameters(component)?;
        let takes = match kind.as_str() {
            "URL" if !is_dynamic(button) => {
                return match parameters.first() {
                    None => Ok(None),
                    Some(_) => Err(self.wrong(&format!(
                        "buttons: Button at index {index} of type Url has no variable"
                    ))),
                };
            }
            "URL" | "OTP" => "text",
            "QUICK_REPLY" => "payload",
            "COPY_CODE" => "coupon_code",
            "FLOW" | "CATALOG" | "MPM" | "SPM" => "action",
            // What else there is takes no value that is checked here.
            _ => return Ok(None),
        };
        let [parameter] = parameters.as_slice() else {
            let optional =
                parameters.is_empty() && matches!(takes, "payload" | "action") && kind != "MPM";
            return if optional {
                Ok(None)
            } else {
                Err(self.count("buttons", parameters.len(), 1))
            };
        };
        let received = self::kind(parameter)?;
        if received != takes {
            let (takes, received) = (takes.to_uppercase(), received.to_uppercase());
            let text = format!("buttons: Format mismatch, expected {takes}, received {received}");
            return Err(self.format(&text));
        }
        if takes == "action" {
            let action = self.object("buttons", parameter, "action")?;
            action.only(&[
                "flow_token",
                "flow_action_data",
                "thumbnail_product_retailer_id",
                "sections",
            ])?;
            return Ok(None);
        }
        let value = parameter.text(takes, 32_768)?.filter(|value| !value.trim().is_empty());
        let value =
            value.ok_or_else(|| self.format(&format!("buttons: the {takes} is missing")))?;
        match kind.as_str() {
            "URL" => {
                if value.chars().any(|one| one.is_whitespace() || one.is_control()) {
                    return Err(self.wrong("buttons: the end of an address cannot have spaces"));
                }
                let url = filled(text(button, "url"), |_| value.to_owned());
                self.fits("buttons", &url, URL_LIMIT)?;
                Ok(None)
            }
            "OTP" | "COPY_CODE" if value.chars().count() > CODE_LIMIT => {
                Err(self.wrong(&format!("buttons: a code has at most {CODE_LIMIT} characters")))
            }
            "QUICK_REPLY" => Ok(Some(value.to_owned())),
            _ => Ok(None),
        }
    }

    fn offer(&self, stored: Option<&Value>, given: Option<&Field<'_>>) -> Result<(), Refusal> {
        let expires =
            stored.is_some_and(|offer| offer.get("has_expiration") == Some(&Value::Bool(true)));
        let Some(given) = given else {
            return if expires {
                let text = "limited_time_offer: expiration_time_ms is required";
                Err(Refusal::new(131_008, text))
            } else {
                Ok(())
            };
        };
        if stored.is_none() {
            return Err(self.count("limited_time_offer", 1, 0));
        }
        for parameter in parameters(given)? {
            let offer = self.object("limited_time_offer", &parameter, "limited_time_offer")?;
            offer.number("expiration_time_ms", 0.0..=9e15)?;
        }
        Ok(())
    }

    fn cards(&self, stored: &[&[Value]], given: Option<&Field<'_>>) -> Result<(), Refusal> {
        let cards = match given {
            Some(given) => given.objects("cards", 0..=10)?,
            None => Vec::new(),
        };
        if cards.len() != stored.len() {
            return Err(self.count("carousel", cards.len(), stored.len()));
        }
        for (index, (card, components)) in cards.iter().zip(stored).enumerate() {
            card.only(&["card_index", "components"])?;
            // A card is filled in its place; Meta refuses those out of order.
            if card.need("card_index")?.as_u64() != u64::try_from(index).ok() {
                return Err(card.invalid("card_index", "must count up from 0."));
            }
            let given = card.objects("components", 0..=10)?;
            let inside = Self { place: format!("card {index}: "), ..*self };
            inside.fill(&Parts::of(components), &given)?;
        }
        Ok(())
    }

    fn fits(&self, part: &str, text: &str, limit: usize) -> Result<(), Refusal> {
        let length = text.chars().count();
        if length <= limit {
            return Ok(());
        }
        let place = &self.place;
        let text = format!("{place}{part}: the text has {length} characters, {limit} are allowed");
        Err(Refusal::new(132_005, text))
    }

    fn count(&self, part: &str, given: usize, wanted: usize) -> Refusal {
        let place = &self.place;
        let text = format!(
            "{place}{part}: number of localizable_params ({given}) does not match the expected \
             number of params ({wanted})"
        );
        Refusal::new(132_000, text)
    }

    fn format(&self, text: &str) -> Refusal {
        Refusal::new(132_012, format!("{}{text}", self.place))
    }

    fn wrong(&self, text: &str) -> Refusal {
        Refusal::new(132_018, format!("{}{text}", self.place))
    }
}

/// The components of a send.
#[derive(Default)]
struct Given<'a, 'b> {
    header: Option<&'b Field<'a>>,
    body: Option<&'b Field<'a>>,
    buttons: BTreeMap<usize, &'b Field<'a>>,
    offer: Option<&'b Field<'a>>,
    cards: Option<&'b Field<'a>>,
}

fn parameters<'a>(component: &Field<'a>) -> Result<Vec<Field<'a>>, Refusal> {
    match component.get("parameters") {
        Some(_) => component.objects("parameters", 0..=100),
        None => Ok(Vec::new()),
    }
}

fn kind<'a>(parameter: &Field<'a>) -> Result<&'a str, Refusal> {
    parameter.one_of(
        "type",
        &[
            "text",
            "currency",
            "date_time",
            "image",
            "video",
            "document",
            "location",
            "payload",
            "coupon_code",
            "action",
            "limited_time_offer",
        ],
    )
}

/// `COPY_CODE` as error texts spell it: `CopyCode`.
fn title_case(kind: &str) -> String {
    let words = kind.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_lowercase())
    });
    words.collect()
}
