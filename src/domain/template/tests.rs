use super::*;

pub(super) fn example(variable: &str, value: &str) -> Example {
    Example { variable: variable.to_owned(), value: value.to_owned() }
}

/// A utility template with nothing but a body.
pub(super) fn plain(text: &str) -> Template {
    Template {
        meta_id: Some("1".to_owned()),
        name: "order_sent".to_owned(),
        language: "en_US".to_owned(),
        category: Category::Utility,
        status: Status::Approved,
        quality: Quality::Green,
        reason: None,
        parameters: ParameterFormat::Positional,
        header: None,
        body: Text { text: text.to_owned(), examples: Vec::new() },
        footer: None,
        buttons: Vec::new(),
        authentication: Authentication::default(),
        ttl_seconds: None,
        other: Vec::new(),
    }
}

fn places(template: &Template) -> Vec<String> {
    slots(template).iter().map(|slot| slot.place.to_string()).collect()
}

#[test]
fn variables_are_what_stands_in_double_braces() {
    use Piece::{Plain, Variable};
    let cases: [(&str, &[Piece<'_>]); 9] = [
        ("", &[]),
        ("Hi", &[Plain("Hi")]),
        ("Hi {{1}}!", &[Plain("Hi "), Variable("1"), Plain("!")]),
        ("{{first_name}}{{2}}", &[Variable("first_name"), Variable("2")]),
        ("{{ 1 }}", &[Variable("1")]),
        ("{{{1}}}", &[Plain("{"), Variable("1"), Plain("}")]),
        ("{{a b}} {{}} {{1", &[Plain("{{a b}} {{}} {{1")]),
        ("{{ {{1}}", &[Plain("{{ "), Variable("1")]),
        ("é{{1}}é", &[Plain("é"), Variable("1"), Plain("é")]),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(text), expected, "{text}");
    }
}

#[test]
fn numbered_values_go_by_number_and_named_ones_as_they_stand() {
    let numbered = variables("{{2}} {{10}} {{1}} {{2}}", ParameterFormat::Positional);
    assert_eq!(numbered, ["1", "2", "10"]);
    let named = variables("{{name}} {{day}} {{name}}", ParameterFormat::Named);
    assert_eq!(named, ["name", "day"]);
}

#[test]
fn slots_stand_in_the_order_of_the_form() {
    let text = |text: &str| text.to_owned();
    let template = Template {
        header: Some(Header::Text(Text {
            text: text("For {{1}}"),
            examples: vec![example("1", "Ana")],
        })),
        body: Text {
            text: text("Order {{1}} leaves on {{2}}."),
            examples: vec![example("1", "42"), example("2", "Monday")],
        },
        buttons: vec![
            Button::QuickReply { text: text("Thanks") },
            Button::Url { text: text("Site"), url: text("https://a.example/"), example: None },
            Button::Url {
                text: text("Track"),
                url: text("https://a.example/{{1}}"),
                example: Some(text("https://a.example/42")),
            },
            Button::Phone { text: text("Call"), number: text("+15550001") },
            Button::CopyCode { text: text("Copy"), example: Some(text("25OFF")) },
        ],
        ..plain("")
    };
    let found: Vec<(String, Option<String>, Rule)> = slots(&template)
        .into_iter()
        .map(|slot| (format!("{} {}", slot.place, slot.label), slot.example, slot.rule))
        .collect();
    let expected = [
        ("header.1 Header {{1}}", Some("Ana"), Rule::HeaderText),
        ("1 {{1}}", Some("42"), Rule::BodyText),
        ("2 {{2}}", Some("Monday"), Rule::BodyText),
        ("button.1 [Thanks] payload", None, Rule::Payload),
        ("button.3 [Track] end of the link", Some("42"), Rule::UrlSuffix),
        ("button.5 [Copy] offer code", Some("25OFF"), Rule::OfferCode),
    ];
    let expected: Vec<(String, Option<String>, Rule)> = expected
        .into_iter()
        .map(|(words, example, rule)| (words.to_owned(), example.map(str::to_owned), rule))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_one_time_password_is_asked_for_once() {
    let otp = Otp {
        kind: OtpKind::OneTap,
        text: "Copy".to_owned(),
        autofill_text: None,
        apps: Vec::new(),
        zero_tap_terms: false,
    };
    let template = Template {
        category: Category::Authentication,
        buttons: vec![Button::Otp(otp)],
        ..plain("*{{1}}* is your verification code.")
    };
    assert_eq!(places(&template), ["1"]);
    assert_eq!(slots(&template)[0].rule, Rule::OneTimePassword);
}

#[test]
fn words_come_in_any_case_and_unknown_ones_stay() {
    assert_eq!(Category::named("marketing"), Category::Marketing);
    assert_eq!(Status::named("PENDING_DELETION"), Status::PendingDeletion);
    let odd = Status::named("Resting");
    assert_eq!((odd.name(), odd == Status::Other("Resting".to_owned())), ("Resting", true));
    assert_eq!(ParameterFormat::named("named"), Some(ParameterFormat::Named));
    assert_eq!(MediaFormat::named("GIF"), None);
}
