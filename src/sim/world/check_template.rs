//! Whether a template send is one that Meta takes: a known name and language, and parameters of the
//! documented kinds in the number the body has.

use super::super::refusal::Refusal;
use super::check::{Known, check_media};
use super::field::Field;

pub(super) fn check_template(template: &Field<'_>, known: &Known<'_>) -> Result<(), Refusal> {
    template.only(&["name", "language", "components", "namespace"])?;
    let name = template.need_text("name", 512)?;
    let language = template.need_object("language")?;
    language.only(&["code", "policy"])?;
    let code = language.need_text("code", 20)?;
    let found = known.templates.iter().find(|one| one.name == name && one.language == code);
    let found = found.ok_or_else(|| {
        Refusal::new(132_001, format!("template name ({name}) does not exist in {code}"))
    })?;
    let mut body_parameters = 0;
    if template.get("components").is_some() {
        for component in template.objects("components", 0..=20)? {
            body_parameters += check_component(&component, known)?;
        }
    }
    if body_parameters != found.body_parameters {
        let expected = found.body_parameters;
        let text = format!(
            "body: number of localizable_params ({body_parameters}) does not match the expected \
             number of params ({expected})"
        );
        return Err(Refusal::new(132_000, text));
    }
    Ok(())
}

/// Checks one component; answers how many variables of the body it fills.
fn check_component(component: &Field<'_>, known: &Known<'_>) -> Result<usize, Refusal> {
    let kinds = ["header", "body", "button", "carousel", "limited_time_offer"];
    // Meta takes the type in either case.
    let kind = component.need_text("type", 40)?.to_lowercase();
    match kind.as_str() {
        "header" | "body" => {
            component.only(&["type", "parameters"])?;
            let parameters = component.objects("parameters", 0..=100)?;
            parameters.iter().try_for_each(|one| check_parameter(one, known))?;
            Ok(if kind == "body" { parameters.len() } else { 0 })
        }
        "button" => {
            component.only(&["type", "sub_type", "index", "parameters"])?;
            component.need_text("sub_type", 40)?;
            component.number("index", 0.0..=9.0)?;
            let parameters = component.objects("parameters", 0..=10)?;
            parameters.iter().try_for_each(|one| check_parameter(one, known))?;
            Ok(0)
        }
        _ if kinds.contains(&kind.as_str()) => Ok(0),
        _ => {
            Err(component.one_of("type", &kinds).err().unwrap_or_else(|| component.missing("type")))
        }
    }
}

fn check_parameter(parameter: &Field<'_>, known: &Known<'_>) -> Result<(), Refusal> {
    let kind = parameter.one_of(
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
    )?;
    match kind {
        "text" | "payload" | "coupon_code" => {
            let text = parameter.text(kind, 32_768)?.filter(|text| !text.trim().is_empty());
            text.map(drop).ok_or_else(|| wrong_format(parameter, kind))
        }
        "image" | "video" | "document" => {
            let media = parameter.object(kind)?.ok_or_else(|| wrong_format(parameter, kind))?;
            check_media(&media, kind, known.media)
        }
        _ => parameter.object(kind)?.map(drop).ok_or_else(|| wrong_format(parameter, kind)),
    }
}

fn wrong_format(parameter: &Field<'_>, kind: &str) -> Refusal {
    Refusal::new(132_012, format!("Parameter {} is not a {kind}.", parameter.name(kind)))
}
