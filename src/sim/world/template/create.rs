//! Whether a template can be created or edited: Meta's rules for name, category and every component.
//! What is answered later differs from what was sent in: authentication templates get their fixed
//! text, and the handle of a header's example becomes an address.

use serde_json::{Value, json};

use super::super::super::refusal::Refusal;
use super::super::upload::Uploads;
use super::example::address;
use super::part::{Parts, text, word};
use super::text::{self as rules, missing, refused, within};
use super::variables::variables;

/// The header of a type that needs a file has no example.
const NO_SAMPLE: u32 = 2_388_273;

/// Languages a template can be written in.
const LANGUAGES: &str = "af,sq,ar,ar_EG,ar_AE,ar_LB,ar_MA,ar_QA,az,be_BY,bn,bn_IN,bg,ca,zh_CN,zh_HK,\
    zh_TW,hr,cs,da,prs_AF,nl,nl_BE,en,en_GB,en_US,en_AE,en_AU,en_CA,en_GH,en_IE,en_IN,en_JM,en_MY,\
    en_NZ,en_QA,en_SG,en_UG,en_ZA,et,fil,fi,fr,fr_BE,fr_CA,fr_CH,fr_CI,fr_MA,ka,de,de_AT,de_CH,el,gu,\
    ha,he,hi,hu,id,ga,it,ja,kn,kk,rw_RW,ko,ky_KG,lo,lv,lt,mk,ms,ml,mr,nb,ps_AF,fa,pl,pt_BR,pt_PT,pa,\
    ro,ru,sr,si_LK,sk,sl,es,es_AR,es_CL,es_CO,es_CR,es_DO,es_EC,es_HN,es_MX,es_PA,es_PE,es_ES,es_UY,\
    sw,sv,ta,te,th,tr,uk,ur,uz,vi,zu";

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let letter = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_';
    if name.is_empty() || name.len() > 512 || !name.bytes().all(letter) {
        let text = "name can only have lowercase letters, digits and underscores, 512 at most";
        return Err(Refusal::parameter(&format!("Param {text}.")));
    }
    Ok(())
}

pub(super) fn check_language(code: &str) -> Result<(), Refusal> {
    if LANGUAGES.split(',').any(|known| known == code) {
        return Ok(());
    }
    let text = format!("Param language must be one of {{{LANGUAGES}}} - got \"{code}\".");
    Err(Refusal::parameter(&text))
}

pub(super) fn check_category(category: &str) -> Result<String, Refusal> {
    let category = category.to_uppercase();
    if ["AUTHENTICATION", "MARKETING", "UTILITY"].contains(&category.as_str()) {
        return Ok(category);
    }
    let known = "AUTHENTICATION, MARKETING, UTILITY";
    let text = format!("Param category must be one of {{{known}}} - got \"{category}\".");
    Err(Refusal::parameter(&text))
}

/// The seconds a message of this category may wait for its delivery.
pub(super) fn check_ttl(seconds: i64, category: &str) -> Result<(), Refusal> {
    let fits = match category {
        "AUTHENTICATION" => seconds == -1 || (30..=900).contains(&seconds),
        "UTILITY" => seconds == -1 || (30..=43_200).contains(&seconds),
        _ => (43_200..=2_592_000).contains(&seconds),
    };
    if fits {
        return Ok(());
    }
    let text = format!("Param message_send_ttl_seconds is out of range for {category}: {seconds}.");
    Err(Refusal::parameter(&text))
}

/// Checks the components and answers them as they will be listed.
pub(super) fn check_components(
    components: &Value,
    category: &str,
    named: bool,
    uploads: &Uploads,
) -> Result<Vec<Value>, Refusal> {
    let Some(list) = components.as_array().filter(|list| !list.is_empty()) else {
        return Err(Refusal::parameter("The parameter components must be a list of components."));
    };
    let known = [
        "HEADER",
        "BODY",
        "FOOTER",
        "BUTTONS",
        "CAROUSEL",
        "LIMITED_TIME_OFFER",
        "CALL_PERMISSION_REQUEST",
    ];
    let mut seen = Vec::new();
    for component in list {
        let kind = word(component, "type");
        if !known.contains(&kind.as_str()) {
            let known = known.join(", ");
            let text =
                format!("Param components type must be one of {{{known}}} - got \"{kind}\".");
            return Err(Refusal::parameter(&text));
        }
        if seen.contains(&kind) {
            return Err(invalid(&format!("There are two components of type {kind}.")));
        }
        seen.push(kind);
    }
    if category == "AUTHENTICATION" {
        return authentication(list);
    }
    let rules = Rules { category, named, uploads };
    rules.check(list, &Parts::of(list))?;
    Ok(list.iter().map(listed).collect())
}

struct Rules<'a> {
    category: &'a str,
    named: bool,
    uploads: &'a Uploads,
}

impl Rules<'_> {
    fn check(&self, list: &[Value], parts: &Parts<'_>) -> Result<(), Refusal> {
        if let Some(header) = parts.header {
            self.header(header, &["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "GIF"])?;
        }
        let Some(body) = parts.body else { return missing("BODY", "text") };
        // A body above an offer is a shorter one.
        let limit = if parts.offer.is_some() { 600 } else { 1_024 };
        rules::body(body, self.named, limit)?;
        if let Some(footer) = parts.footer {
            rules::footer(footer)?;
        }
        self.buttons(&parts.buttons, list)?;
        if let Some(offer) = parts.offer {
            self.marketing_only("LIMITED_TIME_OFFER")?;
            let found = text(offer, "text");
            if found.is_empty() {
                return missing("LIMITED_TIME_OFFER", "text");
            }
            within(found, "LIMITED_TIME_OFFER", 16)?;
            if parts.footer.is_some() {
                return Err(invalid("A limited-time offer can't have a footer."));
            }
        }
        let is_carousel = list.iter().any(|one| word(one, "type") == "CAROUSEL");
        if is_carousel { self.carousel(parts) } else { Ok(()) }
    }

    fn marketing_only(&self, what: &str) -> Result<(), Refusal> {
        if self.category == "MARKETING" {
            return Ok(());
        }
        Err(invalid(&format!("{what} is for templates of the category MARKETING.")))
    }

    fn header(&self, header: &Value, formats: &[&str]) -> Result<(), Refusal> {
        let format = word(header, "format");
        if !formats.contains(&format.as_str()) {
            let known = formats.join(", ");
            let text = format!("Param format must be one of {{{known}}} - got \"{format}\".");
            return Err(Refusal::parameter(&text));
        }
        let mime = match format.as_str() {
            "TEXT" => return rules::header(header, self.named),
            "LOCATION" | "PRODUCT" => return Ok(()),
            "IMAGE" => "image/",
            "DOCUMENT" => "application/pdf",
            _ => "video/",
        };
        let sample = || {
            let text = format!(
                "Templates with the header type {format} need an example/sample, but none was provided. \
                 Edit the component of type HEADER and provide one."
            );
            refused(NO_SAMPLE, "Missing sample parameter for title type", &text)
        };
        let handles = header.get("example").and_then(|example| example.get("header_handle"));
        let handle = handles.and_then(Value::as_array).and_then(|list| list.first()?.as_str());
        let Some(handle) = handle else { return sample() };
        match self.uploads.mime(handle.lines().next().unwrap_or(handle)) {
            None => Err(invalid("The header_handle is not one that an upload gave.")),
            Some(found) if !found.starts_with(mime) => {
                Err(invalid(&format!("The header is of type {format}, the file is {found}.")))
            }
            Some(_) => Ok(()),
        }
    }

    fn buttons(&self, buttons: &[&Value], list: &[Value]) -> Result<(), Refusal> {
        let given = list.iter().any(|one| word(one, "type") == "BUTTONS");
        if given && !(1..=10).contains(&buttons.len()) {
            return Err(invalid("There can be from 1 to 10 buttons."));
        }
        let kinds: Vec<String> = buttons.iter().map(|one| word(one, "type")).collect();
        let count = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
        for (kind, most) in [
            ("URL", 2),
            ("PHONE_NUMBER", 1),
            ("COPY_CODE", 1),
            ("FLOW", 1),
            ("CATALOG", 1),
            ("MPM", 1),
            ("SPM", 1),
            ("VOICE_CALL", 1),
            ("REQUEST_CONTACT_INFO", 1),
        ] {
            if count(kind) > most {
                return Err(invalid(&format!(
                    "There can be {most} buttons of type {kind} at most."
                )));
            }
        }
        let replies: Vec<bool> = kinds.iter().map(|kind| kind == "QUICK_REPLY").collect();
        let turns = replies.windows(2).filter(|pair| pair.first() != pair.get(1)).count();
        if turns > 1 {
            return Err(invalid("Quick replies must stand together, before or after all others."));
        }
        buttons.iter().zip(&kinds).try_for_each(|(button, kind)| self.button(button, kind))
    }

    fn button(&self, button: &Value, kind: &str) -> Result<(), Refusal> {
        let needs_text = !matches!(kind, "COPY_CODE" | "REQUEST_CONTACT_INFO");
        let label = text(button, "text");
        if needs_text && label.trim().is_empty() {
            return missing("BUTTONS", "text");
        }
        within(label, "the text of a button", 25)?;
        let example = button.get("example");
        let example = example.and_then(|one| one.as_str().or_else(|| one.get(0)?.as_str()));
        match kind {
            "PHONE_NUMBER" => {
                let number = text(button, "phone_number");
                let digits = number.chars().filter(char::is_ascii_digit).count();
                let shape = number.chars().all(|one| one.is_ascii_digit() || "+-() ".contains(one));
                if shape && (5..=20).contains(&digits) {
                    return Ok(());
                }
                Err(invalid(&format!("phone_number {number:?} is not a phone number.")))
            }
            "URL" => {
                let url = within(text(button, "url"), "the url of a button", 2_000)?;
                let web = url.starts_with("https://") || url.starts_with("http://");
                if !web || url.contains(char::is_whitespace) {
                    return Err(invalid(&format!("url {url:?} is not a web address.")));
                }
                match variables(url).as_slice() {
                    [_] if !url.ends_with("}}") => {
                        Err(invalid("The variable of an url must stand at its end."))
                    }
                    [name] if !self.named && *name != "1" => {
                        Err(invalid("The variable of an url is {{1}}."))
                    }
                    [_] if example.is_none_or(str::is_empty) => missing("BUTTONS", "example"),
                    [] | [_] => Ok(()),
                    _ => Err(invalid("An url can have one variable.")),
                }
            }
            "COPY_CODE" => match example.filter(|code| !code.is_empty()) {
                None => missing("BUTTONS", "example"),
                Some(code) => within(code, "the example of a code", 15).map(drop),
            },
            "FLOW" => {
                let ways = ["flow_id", "flow_name", "flow_json"];
                let given = ways.iter().filter(|key| !text(button, key).is_empty()).count();
                if given == 1 {
                    Ok(())
                } else {
                    missing("BUTTONS", "flow_id, flow_name or flow_json")
                }
            }
            "CATALOG" | "MPM" | "SPM" => self.marketing_only(kind),
            "QUICK_REPLY" | "VOICE_CALL" | "REQUEST_CONTACT_INFO" => Ok(()),
            "OTP" => Err(invalid("OTP is for templates of the category AUTHENTICATION.")),
            _ => {
                let text = format!("Param type of a button is not a known one - got \"{kind}\".");
                Err(Refusal::parameter(&text))
            }
        }
    }

    fn carousel(&self, parts: &Parts<'_>) -> Result<(), Refusal> {
        self.marketing_only("CAROUSEL")?;
        if !(2..=10).contains(&parts.cards.len()) {
            return Err(invalid("A carousel has from 2 to 10 cards."));
        }
        let mut first: Option<Vec<String>> = None;
        for card in &parts.cards {
            let inside = Parts::of(card);
            let Some(header) = inside.header else { return missing("CAROUSEL", "header") };
            self.header(header, &["IMAGE", "VIDEO", "PRODUCT"])?;
            if let Some(body) = inside.body {
                rules::body(body, self.named, 160)?;
            }
            if !(1..=2).contains(&inside.buttons.len()) {
                return Err(invalid("A card has one or two buttons."));
            }
            self.buttons(&inside.buttons, &[])?;
            let mut shape: Vec<String> =
                inside.buttons.iter().map(|one| word(one, "type")).collect();
            shape.push(word(header, "format"));
            if first.get_or_insert_with(|| shape.clone()) != &shape {
                return Err(invalid("All cards must have the same header and buttons."));
            }
        }
        Ok(())
    }
}

/// Meta words the text of an authentication template itself.
fn authentication(list: &[Value]) -> Result<Vec<Value>, Refusal> {
    let parts = Parts::of(list);
    if parts.header.is_some() || !parts.cards.is_empty() || parts.offer.is_some() {
        return Err(invalid("An authentication template has a body, a footer and one button."));
    }
    let Some(body) = parts.body else { return missing("BODY", "add_security_recommendation") };
    if body.get("text").is_some() {
        return Err(invalid("The body of an authentication template has no text of its own."));
    }
    let mut words = "*{{1}}* is your verification code.".to_owned();
    if body.get("add_security_recommendation") == Some(&Value::Bool(true)) {
        words.push_str(" For your security, do not share this code.");
    }
    let example = json!({ "body_text": [["123456"]] });
    let mut out = vec![json!({ "type": "BODY", "text": words, "example": example })];
    let minutes =
        parts.footer.map(|footer| footer.get("code_expiration_minutes").and_then(Value::as_u64));
    match minutes {
        None => {}
        Some(Some(minutes @ 1..=90)) => {
            let text = format!("This code expires in {minutes} minutes.");
            out.push(json!({ "type": "FOOTER", "text": text }));
        }
        Some(_) => return Err(invalid("code_expiration_minutes must be from 1 to 90.")),
    }
    let [button] = parts.buttons.as_slice() else { return missing("BUTTONS", "one OTP button") };
    if word(button, "type") != "OTP" {
        return Err(invalid("The button of an authentication template is of type OTP."));
    }
    let kind = word(button, "otp_type");
    if !["COPY_CODE", "ONE_TAP", "ZERO_TAP"].contains(&kind.as_str()) {
        let text = format!("otp_type must be COPY_CODE, ONE_TAP or ZERO_TAP - got \"{kind}\".");
        return Err(Refusal::parameter(&format!("Param {text}")));
    }
    let app = button.get("supported_apps").is_some() || button.get("package_name").is_some();
    if kind != "COPY_CODE" && !app {
        return missing("BUTTONS", "supported_apps");
    }
    let label = text(button, "text");
    within(label, "the text of a button", 25)?;
    let label = if label.is_empty() { "Copy code" } else { label };
    let url = format!("https://www.whatsapp.com/otp/code/?otp_type={kind}&code=otp{{{{1}}}}");
    let example = url.replace("{{1}}", "123456");
    let button = json!({ "type": "URL", "text": label, "url": url, "example": [example] });
    out.push(json!({ "type": "BUTTONS", "buttons": [button] }));
    Ok(out)
}

/// A component as the list shows it: its type in capitals, files at an address.
fn listed(component: &Value) -> Value {
    let mut out = component.clone();
    for key in ["type", "format"] {
        if out.get(key).is_some() {
            out[key] = json!(word(component, key));
        }
    }
    if let Some(handles) = out.pointer_mut("/example/header_handle") {
        let handle = handles.pointer("/0").and_then(Value::as_str).unwrap_or_default();
        *handles = json!([address(handle)]);
    }
    for key in ["buttons", "cards", "components"] {
        if let Some(list) = out.get_mut(key).and_then(Value::as_array_mut) {
            for one in list {
                *one = listed(one);
            }
        }
    }
    out
}

/// Code 100 without a subcode of its own.
fn invalid(text: &str) -> Refusal {
    Refusal::template(None, "Invalid parameter", text)
}
