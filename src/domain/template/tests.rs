use super::*;
use crate::domain::message::MediaCopy;

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

/// A template whose slots are the given header, body and buttons.
fn full() -> Template {
    let text = |text: &str| text.to_owned();
    Template {
        category: Category::Marketing,
        header: Some(Header::Text(Text { text: text("For {{1}}"), examples: Vec::new() })),
        footer: Some(text("Bye")),
        buttons: vec![
            Button::QuickReply { text: text("Thanks") },
            Button::Url {
                text: text("Track"),
                url: text("https://a.example/t/{{1}}"),
                example: None,
            },
            Button::CopyCode { text: text("Copy"), example: None },
            Button::Phone { text: text("Call"), number: text("+1555") },
            Button::Flow(Flow { text: text("Book"), target: None, action: None, screen: None }),
            Button::Catalog { text: text("Shop") },
            Button::VoiceCall { text: text("Ring") },
            Button::ContactInfo { text: text("Share") },
        ],
        ..plain("Order {{1}} leaves on {{2}}.")
    }
}

fn filling(values: &[(&str, &str)], template: &Template) -> Filling {
    values
        .iter()
        .map(|(key, value)| {
            let place = place(template, key).unwrap_or_else(|| Place::Body((*key).to_owned()));
            (place, (*value).to_owned())
        })
        .collect()
}

const GOOD: [(&str, &str); 5] = [
    ("header.1", "Ana"),
    ("1", "42"),
    ("2", "Monday"),
    ("button.2", "42?x=1"),
    ("button.3", "25OFF"),
];

#[test]
fn a_filled_template_is_what_the_customer_sees() {
    let template = full();
    let sent = fill(&template, &filling(&GOOD, &template)).unwrap();
    let Some(SentHeader::Text { text, value }) = &sent.header else { panic!("{:?}", sent.header) };
    assert_eq!((text.as_str(), value.as_ref().unwrap().text.as_str()), ("For Ana", "Ana"));
    assert_eq!(sent.text, "Order 42 leaves on Monday.");
    let values: Vec<_> = sent.values.iter().map(|value| value.text.as_str()).collect();
    assert_eq!(values, ["42", "Monday"]);
    assert!(sent.values.iter().all(|value| value.name.is_none()));
    assert_eq!(sent.footer.as_deref(), Some("Bye"));
    let actions: Vec<_> = sent.buttons.into_iter().map(|button| button.action).collect();
    let expected = [
        SentAction::Reply { payload: None },
        SentAction::Url {
            url: "https://a.example/t/42?x=1".to_owned(),
            suffix: Some("42?x=1".to_owned()),
        },
        SentAction::CopyCode { code: "25OFF".to_owned() },
        SentAction::Phone { number: "+1555".to_owned() },
        SentAction::Flow { token: None },
        SentAction::Catalog { product: None },
        SentAction::VoiceCall,
        SentAction::ContactInfo,
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_preview_shows_what_is_missing_in_its_braces() {
    let template = full();
    let sent = render(&template, &filling(&[("1", " 42 "), ("2", " ")], &template));
    assert_eq!(sent.text, "Order 42 leaves on {{2}}.");
    assert_eq!(sent.values.len(), 1);
    let SentAction::Url { url, suffix } = &sent.buttons[1].action else { panic!() };
    assert_eq!((url.as_str(), suffix), ("https://a.example/t/{{1}}", &None));
}

#[test]
fn a_value_is_not_filled_in_twice() {
    let template = plain("{{1}} and {{2}} go");
    let sent = fill(&template, &filling(&[("1", "{{2}}"), ("2", "b")], &template)).unwrap();
    assert_eq!(sent.text, "{{2}} and b go");
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let template = full();
    let long = "x".repeat(61);
    let longer = "x".repeat(1025);
    let link = "x".repeat(2000);
    let cases: [(&str, &str, &str); 21] = [
        ("header.1", "", "is missing: Meta takes no empty variable"),
        ("header.1", " \n ", "is missing: Meta takes no empty variable"),
        ("header.1", &long, "has 61 characters, and Meta takes at most 60"),
        (
            "header.1",
            "x234567890123456789012345678901234567890123456789012345678",
            "the header has 62 characters with it, and Meta takes at most 60; shorten it by 2",
        ),
        ("1", &longer, "has 1025 characters, and Meta takes at most 1024"),
        (
            "1",
            &"x".repeat(1010),
            "the body has 1034 characters with it, and Meta takes at most 1024; shorten it by 10",
        ),
        ("1", "a\nb", "has a line break in it, which Meta does not take in a variable"),
        ("1", "a\r\nb", "has a line break in it, which Meta does not take in a variable"),
        ("1", "a\tb", "has a tab in it, which Meta does not take in a variable"),
        ("1", "a     b", "has 5 spaces in a row, and Meta takes at most 4 in a variable"),
        ("button.2", "", "is missing: what stands at the end of the link"),
        ("button.2", "https://a.example/t/42", "is the whole link; only its end is wanted: `42`"),
        (
            "button.2",
            "a b",
            "has a space or another sign that no link may have; write it with %, as in %20 for a \
             space",
        ),
        (
            "button.2",
            "a%2",
            "has a space or another sign that no link may have; write it with %, as in %20 for a \
             space",
        ),
        ("button.2", &link, "makes a link of 2020 characters, and Meta takes at most 2000"),
        ("button.3", "", "is missing: the code to copy"),
        ("button.3", "25 OFF", "may have letters a to z and digits alone"),
        ("button.3", "ABCDEFGHIJKLMNOP", "has 16 characters, and Meta takes at most 15"),
        ("button.1", "a\nb", "has a line break or another control character in it"),
        ("button.6", "a\u{0}b", "has a line break or another control character in it"),
        (
            "3",
            "x",
            "the template has no such place; it has header.1, 1, 2, button.1, button.2, button.3, \
             button.5, button.6",
        ),
    ];
    for (key, value, words) in cases {
        let mut values = filling(&GOOD, &template);
        values.extend(filling(&[(key, value)], &template));
        let flaws = fill(&template, &values).unwrap_err();
        assert_eq!(flaws.len(), 1, "{key} {value}: {flaws:?}");
        assert_eq!(flaws[0].to_string(), format!("{key}: {words}"));
    }
}

#[test]
fn what_meta_takes_is_not_refused() {
    let template = full();
    for (key, value) in [
        ("1", "a    b"),
        ("1", "*bold* 🎉 שלום"),
        ("2", "https://a.example/"),
        ("button.1", "any payload, {\"a\": 1}"),
        ("button.2", "pfad/größe?a=b&c=%20#x"),
        ("button.3", "ABCDEFGHIJKLMNO"),
        ("button.5", "token"),
        ("button.6", "2lc20305pt"),
    ] {
        let mut values = filling(&GOOD, &template);
        values.extend(filling(&[(key, value)], &template));
        assert!(fill(&template, &values).is_ok(), "{key} {value}");
    }
    // A body that stands alone may be much longer.
    let alone = plain("Hi {{1}}!");
    assert!(fill(&alone, &filling(&[("1", &"é".repeat(32_764))], &alone)).is_ok());
    assert!(fill(&alone, &filling(&[("1", &"é".repeat(32_766))], &alone)).is_err());
}

fn with_media(format: MediaFormat) -> Template {
    Template { header: Some(Header::Media { format, example: None }), ..plain("Hi") }
}

#[test]
fn a_file_is_a_path_a_link_or_an_id() {
    let media = |format, value: &str| {
        let template = with_media(format);
        let values = filling(&[("header.media", value)], &template);
        fill(&template, &values).map(|sent| match sent.header {
            Some(SentHeader::Media(media)) => media,
            other => panic!("{other:?}"),
        })
    };
    let id = media(MediaFormat::Image, " 1003383421387256 ").unwrap();
    assert_eq!(id.id.unwrap().as_str(), "1003383421387256");
    let link = media(MediaFormat::Document, "https://a.example/d/menu.pdf?v=1").unwrap();
    assert_eq!(link.url.as_deref(), Some("https://a.example/d/menu.pdf?v=1"));
    assert_eq!(link.file_name.as_deref(), Some("menu.pdf"));
    assert_eq!(media(MediaFormat::Image, "https://a.example/").unwrap().file_name, None);
    let path = media(MediaFormat::Image, "/home/ana/Férias.JPG").unwrap();
    assert_eq!(path.copy, MediaCopy::Outside { path: "/home/ana/Férias.JPG".to_owned() });
    assert_eq!(path.mime_type.as_deref(), Some("image/jpeg"));
    assert_eq!(path.file_name.as_deref(), Some("Férias.JPG"));
    for (format, value, words) in [
        (MediaFormat::Image, "", "is missing: a file, an https link or a media id"),
        (MediaFormat::Image, "a.gif", "is of another kind: an image is a .jpg or .png file"),
        (MediaFormat::Image, ".png", "is of another kind: an image is a .jpg or .png file"),
        (MediaFormat::Video, "a.mov", "is of another kind: a video is a .mp4 or .3gp file"),
        (MediaFormat::Image, "https://", "is no link that Meta could fetch the file from"),
        (MediaFormat::Image, "https://a b/", "is no link that Meta could fetch the file from"),
    ] {
        let flaws = media(format, value).unwrap_err();
        assert_eq!(flaws[0].words, words, "{value}");
    }
}

#[test]
fn a_file_may_be_as_big_as_meta_takes() {
    let mega = 1024 * 1024;
    for (format, most) in
        [(MediaFormat::Image, 5), (MediaFormat::Video, 16), (MediaFormat::Document, 100)]
    {
        assert_eq!(file_too_big(format, most * mega), None);
        let words = file_too_big(format, most * mega + mega / 2).unwrap();
        assert_eq!(words, format!("the file has {most}.5 MB, and Meta takes at most {most} MB"));
    }
}

#[test]
fn a_place_is_four_parts() {
    let template = Template { header: Some(Header::Location), ..plain("Hi") };
    let place = |value: &str| fill(&template, &filling(&[("header.location", value)], &template));
    let sent = place("-23.5614, -46.6559, MASP, Av. Paulista, 1578").unwrap();
    let there = SentHeader::Location {
        latitude: -23.5614,
        longitude: -46.6559,
        name: Some("MASP".to_owned()),
        address: Some("Av. Paulista, 1578".to_owned()),
    };
    assert_eq!(sent.header, Some(there));
    for (value, words) in [
        (
            "1, 2, here",
            "write it as latitude, longitude, name, address, as in `-23.5614, -46.6559, MASP, \
             Av. Paulista 1578`",
        ),
        ("91, 0, a, b", "`91` is no latitude: that is a number from -90 to 90"),
        ("0, 181, a, b", "`181` is no longitude: that is a number from -180 to 180"),
        ("NaN, 0, a, b", "`NaN` is no latitude: that is a number from -90 to 90"),
        ("x, 0, a, b", "`x` is no latitude: that is a number from -90 to 90"),
    ] {
        assert_eq!(place(value).unwrap_err()[0].words, words, "{value}");
    }
}

#[test]
fn a_one_time_password_goes_to_the_body_and_the_button() {
    let otp = Otp {
        kind: OtpKind::CopyCode,
        text: String::new(),
        autofill_text: None,
        apps: Vec::new(),
        zero_tap_terms: false,
    };
    let template = Template {
        category: Category::Authentication,
        buttons: vec![Button::Otp(otp)],
        authentication: Authentication { security_recommendation: true, expires_minutes: Some(5) },
        ..plain("")
    };
    let sent = fill(&template, &filling(&[("1", "J$FpnYnP")], &template)).unwrap();
    assert_eq!(
        sent.text,
        "*J$FpnYnP* is your verification code. For your security, do not share this code."
    );
    assert_eq!(sent.footer.as_deref(), Some("This code expires in 5 minutes."));
    assert_eq!(sent.values[0].text, "J$FpnYnP");
    let code = SentAction::OneTimePassword { code: "J$FpnYnP".to_owned() };
    assert_eq!((&sent.buttons[0].action, sent.buttons[0].text.as_str()), (&code, "Copy code"));
    for (value, words) in [
        ("12 34", "may have letters, digits and signs alone, without spaces"),
        ("1234🎉", "may have letters, digits and signs alone, without spaces"),
        ("1234567890123456", "has 16 characters, and Meta takes at most 15"),
    ] {
        let flaws = fill(&template, &filling(&[("1", value)], &template)).unwrap_err();
        assert_eq!(flaws[0].words, words);
    }
}

#[test]
fn what_cannot_be_sent_says_why() {
    let status = |status, reason: Option<&str>| Template {
        status,
        reason: reason.map(str::to_owned),
        ..plain("Hi")
    };
    let other = |kind: &str| Template { other: vec![kind.to_owned()], ..plain("Hi") };
    let button = |kind: &str| {
        let button = Button::Other { kind: kind.to_owned(), text: "View".to_owned() };
        Template { buttons: vec![button], ..plain("Hi") }
    };
    let cases = [
        (status(Status::Paused, None), "paused by Meta because of low quality"),
        (status(Status::Rejected, Some("SCAM")), "Meta rejected it (SCAM)"),
        (status(Status::Pending, Some("SCAM")), "Meta is still reviewing it"),
        (other("CAROUSEL"), "it has a carousel, which this version cannot send yet"),
        (
            other("LIMITED_TIME_OFFER"),
            "it is a limited-time offer, which this version cannot send yet",
        ),
        (other("TAP_TARGET"), "it has a part of type TAP_TARGET, which this version does not know"),
        (button("MPM"), "it has a button that shows products, which this version cannot fill"),
        (button("X"), "it has a button of type X, which this version cannot fill"),
        (
            Template { header: Some(Header::Other("GIF".to_owned())), ..plain("Hi") },
            "it has a header of type GIF, which this version cannot fill",
        ),
    ];
    for (template, words) in cases {
        assert_eq!(obstacle(&template).unwrap().to_string(), words);
    }
    for sendable in [Status::Approved, Status::Flagged, Status::Other("NEW".to_owned())] {
        assert_eq!(obstacle(&status(sendable, None)), None);
    }
}
