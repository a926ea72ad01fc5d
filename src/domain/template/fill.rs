//! A template with its values in place.

use super::check::{Flaw, flaws, location};
use super::file::named_file;
use super::slot::{dynamic_url, is_one_time_password};
use super::variable::{Piece, pieces, variables};
use super::{
    Button, Filling, Header, ParameterFormat, Place, SentAction, SentButton, SentHeader,
    SentTemplate, Template, TextParameter,
};

/// What goes out, or everything that is wrong with the values. Whether Meta lets the template be sent at all
/// is [`super::obstacle`]'s to say.
pub fn fill(template: &Template, filling: &Filling) -> Result<SentTemplate, Vec<Flaw>> {
    let flaws = flaws(template, filling);
    if flaws.is_empty() { Ok(render(template, filling)) } else { Err(flaws) }
}

/// What the customer will see, as far as there are values: what is missing stands there in its braces. For
/// a preview; what goes out comes from [`fill`].
#[must_use]
pub fn render(template: &Template, filling: &Filling) -> SentTemplate {
    let value = |place: &Place| {
        filling.get(place).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let body = |variable: &str| value(&Place::Body(variable.to_owned()));
    let mut sent = SentTemplate {
        name: template.name.clone(),
        language: template.language.clone(),
        category: Some(template.category.clone()),
        header: template.header.as_ref().and_then(|header| with_header(template, header, value)),
        text: with_values(&template.body.text, body),
        values: parameters(template.parameters, &template.body.text, body),
        footer: template.footer.clone(),
        buttons: Vec::new(),
    };
    if is_one_time_password(template) {
        one_time_password(template, &mut sent, body);
    } else {
        let buttons = template.buttons.iter().enumerate();
        sent.buttons =
            buttons.map(|(index, button)| filled(button, value(&Place::Button(index)))).collect();
    }
    sent
}

/// The one value goes to the body and to the button. Templates that were not read from Meta have none of
/// the words that Meta writes: the English ones stand for them.
fn one_time_password(
    template: &Template,
    sent: &mut SentTemplate,
    value: impl Fn(&str) -> Option<String>,
) {
    let mut text = template.body.text.clone();
    if text.is_empty() {
        "*{{1}}* is your verification code.".clone_into(&mut text);
        if template.authentication.security_recommendation {
            text.push_str(" For your security, do not share this code.");
        }
    }
    let variable = variables(&text, template.parameters).first().map_or("1", |first| *first);
    let code = value(variable);
    sent.text = with_values(&text, |_| code.clone());
    sent.footer = template.footer.clone().or_else(|| {
        let minutes = template.authentication.expires_minutes?;
        Some(format!("This code expires in {minutes} minutes."))
    });
    let named = template.parameters == ParameterFormat::Named;
    sent.values = code
        .iter()
        .map(|code| TextParameter { name: named.then(|| variable.to_owned()), text: code.clone() })
        .collect();
    sent.buttons = template
        .buttons
        .iter()
        .map(|button| match button {
            Button::Otp(otp) => SentButton {
                text: if otp.text.is_empty() { "Copy code".to_owned() } else { otp.text.clone() },
                action: SentAction::OneTimePassword { code: code.clone().unwrap_or_default() },
            },
            other => filled(other, None),
        })
        .collect();
}

fn with_values(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Variable(variable) => match value(variable) {
                Some(value) => filled.push_str(&value),
                None => filled.extend(["{{", variable, "}}"]),
            },
        }
    }
    filled
}

fn parameters(
    format: ParameterFormat,
    text: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Vec<TextParameter> {
    let parameter = |variable: &str| {
        let name = (format == ParameterFormat::Named).then(|| variable.to_owned());
        Some(TextParameter { name, text: value(variable)? })
    };
    variables(text, format).into_iter().filter_map(parameter).collect()
}

fn with_header(
    template: &Template,
    header: &Header,
    value: impl Fn(&Place) -> Option<String>,
) -> Option<SentHeader> {
    match header {
        Header::Text(text) => {
            let value = |variable: &str| value(&Place::HeaderText(variable.to_owned()));
            let parameter = parameters(template.parameters, &text.text, value).into_iter().next();
            Some(SentHeader::Text { text: with_values(&text.text, value), value: parameter })
        }
        Header::Media { format, .. } => Some(SentHeader::Media(named_file(
            format.kind(),
            &value(&Place::HeaderMedia).unwrap_or_default(),
        ))),
        Header::Location => {
            let (latitude, longitude, name, address) =
                location(&value(&Place::HeaderLocation)?).ok()?;
            let (name, address) = (Some(name), Some(address));
            Some(SentHeader::Location { latitude, longitude, name, address })
        }
        Header::Other(_) => None,
    }
}

fn filled(button: &Button, value: Option<String>) -> SentButton {
    let missing = |name: &str| format!("{{{{{name}}}}}");
    let action = match button {
        Button::QuickReply { .. } | Button::Other { .. } => SentAction::Reply { payload: value },
        Button::Url { url, .. } => match dynamic_url(url) {
            None => SentAction::Url { url: url.clone(), suffix: None },
            Some((base, variable)) => SentAction::Url {
                url: format!("{base}{}", value.as_deref().unwrap_or(variable)),
                suffix: value,
            },
        },
        Button::Phone { number, .. } => SentAction::Phone { number: number.clone() },
        Button::CopyCode { .. } => {
            SentAction::CopyCode { code: value.unwrap_or_else(|| missing("code")) }
        }
        Button::Otp(_) => {
            SentAction::OneTimePassword { code: value.unwrap_or_else(|| missing("code")) }
        }
        Button::Flow(_) => SentAction::Flow { token: value },
        Button::Catalog { .. } => SentAction::Catalog { product: value },
        Button::VoiceCall { .. } => SentAction::VoiceCall,
        Button::ContactInfo { .. } => SentAction::ContactInfo,
    };
    SentButton { text: button.text().to_owned(), action }
}
