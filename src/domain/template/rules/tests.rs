use super::{Breach, Part, breaches};
use crate::domain::template::tests::{example, plain};
use crate::domain::template::{
    Authentication, Button, Category, Flow, Header, MediaFormat, Otp, OtpKind, ParameterFormat,
    Template, Text,
};

fn words(template: &Template) -> Vec<String> {
    breaches(template).iter().map(Breach::to_string).collect()
}

fn one(template: &Template) -> String {
    let found = words(template);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// A text whose variables all have an example.
fn text(text: &str) -> Text {
    let variables = crate::domain::template::variables(text, ParameterFormat::Named);
    Text {
        text: text.to_owned(),
        examples: variables.into_iter().map(|name| example(name, "x")).collect(),
    }
}

fn body(of: &str) -> Template {
    Template { body: text(of), ..plain("") }
}

fn named(of: &str) -> Template {
    Template { parameters: ParameterFormat::Named, ..body(of) }
}

fn header(of: Header) -> Template {
    Template { header: Some(of), ..plain("Your order is here.") }
}

fn buttons(buttons: Vec<Button>) -> Template {
    Template { buttons, ..plain("Your order is here.") }
}

fn reply(text: &str) -> Button {
    Button::QuickReply { text: text.to_owned() }
}

fn link(text: &str, url: &str, example: Option<&str>) -> Button {
    Button::Url { text: text.to_owned(), url: url.to_owned(), example: example.map(str::to_owned) }
}

fn phone(number: &str) -> Button {
    Button::Phone { text: "Call".to_owned(), number: number.to_owned() }
}

fn copy(example: Option<&str>) -> Button {
    Button::CopyCode { text: String::new(), example: example.map(str::to_owned) }
}

fn otp(kind: OtpKind, apps: &[(&str, &str)]) -> Otp {
    let app = |(package, hash): &(&str, &str)| ((*package).to_owned(), (*hash).to_owned());
    Otp {
        kind,
        text: "Copy code".to_owned(),
        autofill_text: None,
        apps: apps.iter().map(app).collect(),
        zero_tap_terms: false,
    }
}

fn password(otp: Otp) -> Template {
    Template {
        category: Category::Authentication,
        authentication: Authentication { security_recommendation: true, expires_minutes: Some(10) },
        buttons: vec![Button::Otp(otp)],
        ..plain("")
    }
}

#[test]
fn what_meta_takes_is_not_refused() {
    let handle = |format| Header::Media { format, example: Some("4::aW1".to_owned()) };
    let good = [
        plain("Hello World"),
        body("Hi {{1}}! Your order number is {{2}}, thank you."),
        named("Hi {{first_name}}! Your order number is {{order_2}}, thank you."),
        body(&format!("{}x", "é ".repeat(511))),
        plain("{1} is no variable"),
        body("ご注文{{1}}を発送しました。"),
        body("a\n\nb"),
        header(Header::Text(text("Our {{1}} is on!"))),
        header(Header::Text(text("Order_id {{1}}"))),
        header(handle(MediaFormat::Image)),
        header(Header::Location),
        buttons(vec![
            reply("Yes"),
            reply("No"),
            link("Site", "https://a.example", None),
            link("Yours", "https://a.example/?a={{1}}", Some("https://a.example/?a=1")),
            phone("+5511912345678"),
            copy(Some("25OFF")),
        ]),
        buttons(vec![phone("16467043595"), reply("Yes"), reply("No")]),
        password(otp(OtpKind::CopyCode, &[])),
        password(otp(OtpKind::OneTap, &[("com.example.luckyshrub", "K8a/AINcGX7")])),
        Template { footer: Some("Bye".to_owned()), ..plain("Hi there") },
        Template { ttl_seconds: Some(-1), ..plain("Hi there") },
        Template { language: "zh_HK".to_owned(), ..plain("Hi there") },
        Template { language: "fil".to_owned(), ..plain("Hi there") },
    ];
    for template in good {
        assert_eq!(words(&template), Vec::<String>::new(), "{template:?}");
    }
}

#[test]
fn names_and_words_of_meta_are_checked() {
    let cases = [
        (
            Template { name: "Order-Sent".to_owned(), ..plain("Hi") },
            "name: `Order-Sent` may have small letters a to z, digits and underscores alone",
        ),
        (Template { name: String::new(), ..plain("Hi") }, "name: it is empty; write something"),
        (
            Template { name: "x".repeat(513), ..plain("Hi") },
            "name: it has 513 characters, and Meta takes at most 512; shorten it",
        ),
        (
            Template { language: "pt-BR".to_owned(), ..plain("Hi") },
            "language: `pt-BR` is no language code of Meta's; write it as `en` or `pt_BR`",
        ),
        (
            Template { category: Category::Other("PROMO".to_owned()), ..plain("Hi") },
            "category: `PROMO` is none; there are MARKETING, UTILITY and AUTHENTICATION",
        ),
        (
            Template { other: vec!["CAROUSEL".to_owned()], ..plain("Hi") },
            "template: a part of type CAROUSEL cannot be made with this version",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn bodies_and_their_variables_are_checked() {
    let bare = |of: &str| plain(of);
    let cases = [
        (bare(""), "body: it is empty; write something"),
        (
            bare(&"x".repeat(1025)),
            "body: it has 1025 characters, and Meta takes at most 1024; shorten it",
        ),
        (
            body("{{1}}, your order is here."),
            "body: it begins with a variable; put a word in front of it",
        ),
        (
            body(" \n{{1}}, your order is here."),
            "body: it begins with a variable; put a word in front of it",
        ),
        (
            body("Your order is here, {{1}}"),
            "body: it ends with a variable; put a word or a full stop after it",
        ),
        (
            body("Your order is here, {{1}} {{2}} and thank you."),
            "body: `{{1}}` and `{{2}}` stand side by side; put a word between them",
        ),
        (
            body("Hi {{1}}, {{2}} today."),
            "body: it has 2 words for 2 variables, and Meta wants at least 5; write more or fill \
             in less",
        ),
        (
            body("Your order {{2}} is here now."),
            "body: `{{2}}` is out of turn: variables are numbered from 1 without a gap, so that \
             one is `{{1}}`",
        ),
        (
            body("Your order {{1}} with {{3}} is here now, many thanks."),
            "body: `{{3}}` is out of turn: variables are numbered from 1 without a gap, so that \
             one is `{{2}}`",
        ),
        (
            body("Your order {{name}} is here now."),
            "body: `{{name}}` is no number; number the variables, or set their format to NAMED",
        ),
        (
            named("Your order {{Name}} is here now."),
            "body: `{{Name}}` begins with a small letter and has small letters a to z, digits and \
             underscores alone",
        ),
        (
            named("Your order {{1}} is here now."),
            "body: `{{1}}` begins with a small letter and has small letters a to z, digits and \
             underscores alone",
        ),
        (bare("Your order {{1}} is here now."), "body: `{{1}}` has no example; give one"),
        (
            bare("Your order {{first name}} is here now."),
            "body: it has double braces that hold no variable; write a variable as {{1}}",
        ),
        (
            Template {
                body: Text { text: "Hello there".to_owned(), examples: vec![example("1", "x")] },
                ..plain("")
            },
            "body: there is an example for `{{1}}`, which is not in it",
        ),
        (bare("a\n\n\nb"), "body: it has more than two line breaks in a row; take the others out"),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn headers_and_footers_are_checked() {
    let line = |of: &str| header(Header::Text(Text { text: of.to_owned(), examples: vec![] }));
    let media = |example: Option<&str>| {
        let example = example.map(str::to_owned);
        header(Header::Media { format: MediaFormat::Image, example })
    };
    let footer = |of: &str| Template { footer: Some(of.to_owned()), ..plain("Hi there") };
    let cases = [
        (line(""), "header: it is empty; write something or leave it out"),
        (
            line(&"x".repeat(61)),
            "header: it has 61 characters, and Meta takes at most 60; shorten it",
        ),
        (
            line("a\nb"),
            "header: it has a line break or a tab in it, which Meta takes in a body alone",
        ),
        (
            line("*Sale*"),
            "header: it has marks such as *bold* in it, which Meta does not take here",
        ),
        (
            line("_Sale_ now"),
            "header: it has marks such as *bold* in it, which Meta does not take here",
        ),
        (line("Sale 🎉"), "header: it has an emoji in it, which Meta does not take here"),
        (
            header(Header::Text(text("{{1}} and {{2}}"))),
            "header: it has 2 variables, and Meta takes one",
        ),
        (line("For {{1}}"), "header: `{{1}}` has no example; give one"),
        (media(None), "header: it has no example; name a .jpg or .png file or a link to one"),
        (
            media(Some("http://127.0.0.1@example.org/1.jpg")),
            "header: `http://127.0.0.1@example.org/1.jpg` is no https link",
        ),
        (
            media(Some("http://example.org/1.jpg")),
            "header: `http://example.org/1.jpg` is no https link",
        ),
        (
            header(Header::Other("GIF".to_owned())),
            "header: one of type GIF cannot be made with this version",
        ),
        (footer(""), "footer: it is empty; write something or leave it out"),
        (
            footer(&"x".repeat(61)),
            "footer: it has 61 characters, and Meta takes at most 60; shorten it",
        ),
        (footer("For {{1}}"), "footer: it has a variable in it, which Meta does not take here"),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn buttons_are_counted_grouped_and_checked() {
    let many = |count: usize| (0..count).map(|number| reply(&number.to_string())).collect();
    let site = || link("Site", "https://a.example", None);
    let cases = [
        (buttons(many(11)), "buttons: there are 11, and Meta takes at most 10; take some out"),
        (
            buttons(vec![
                site(),
                link("B", "https://b.example", None),
                link("C", "https://c.example", None),
            ]),
            "buttons: there are 3 links, and Meta takes at most 2",
        ),
        (
            buttons(vec![copy(Some("A")), copy(Some("B"))]),
            "buttons: there are 2 offer codes, and Meta takes at most 1",
        ),
        (
            buttons(vec![reply("Yes"), site(), reply("No")]),
            "buttons: quick replies stand among the others; put them together, before or after \
             the others",
        ),
        (
            buttons(vec![reply("Yes"), reply("Yes")]),
            "button 2: another one says `Yes` too; Meta wants different texts",
        ),
        (buttons(vec![reply("")]), "button 1: its text is empty; write something or leave it out"),
        (
            buttons(vec![reply("Yes"), reply(&"x".repeat(26))]),
            "button 2: its text has 26 characters, and Meta takes at most 25; shorten it",
        ),
        (
            buttons(vec![reply("For {{1}}")]),
            "button 1: it has a variable in it, which Meta does not take here",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn each_kind_of_button_has_its_own_rules() {
    let cases = [
        (
            buttons(vec![link("Site", "a.example", None)]),
            "button 1: `a.example` is no link; write it as https://example.com/",
        ),
        (
            buttons(vec![link("Site", "https://a.example/{{1}}/x", Some("x"))]),
            "button 1: its link takes one variable, {{1}}, at its very end, whatever the format of \
             the others",
        ),
        (
            buttons(vec![link("Site", "https://a.example/{{name}}", Some("x"))]),
            "button 1: its link takes one variable, {{1}}, at its very end, whatever the format of \
             the others",
        ),
        (
            buttons(vec![link("Site", "https://a.example/{{1}}", None)]),
            "button 1: its variable has no example; give one",
        ),
        (
            buttons(vec![link("Site", "https://a.example/", Some("x"))]),
            "button 1: it has an example and no variable; write {{1}} at the end",
        ),
        (
            buttons(vec![phone("011 91234")]),
            "button 1: `011 91234` is no number; write it with its country code, as in \
             +5511912345678",
        ),
        (buttons(vec![copy(None)]), "button 1: it has no example of a code; give one"),
        (
            buttons(vec![copy(Some("25 OFF"))]),
            "button 1: `25 OFF` may have letters a to z and digits alone",
        ),
        (
            buttons(vec![copy(Some("ABCDEFGHIJKLMNOP"))]),
            "button 1: its example has 16 characters, and Meta takes at most 15; shorten it",
        ),
        (
            buttons(vec![Button::Flow(Flow {
                text: "Open".to_owned(),
                target: None,
                action: None,
                screen: None,
            })]),
            "button 1: it names no flow; give its id or its name",
        ),
        (
            buttons(vec![Button::Other { kind: "MPM".to_owned(), text: "View".to_owned() }]),
            "button 1: one of type MPM cannot be made with this version",
        ),
        (
            buttons(vec![Button::Otp(otp(OtpKind::CopyCode, &[]))]),
            "category: a button for one-time passwords is for AUTHENTICATION templates alone",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn authentication_has_a_shape_of_its_own() {
    let plainly = || password(otp(OtpKind::CopyCode, &[]));
    let minutes = |minutes| Template {
        authentication: Authentication {
            security_recommendation: false,
            expires_minutes: Some(minutes),
        },
        ..plainly()
    };
    let app = ("com.example.app", "K8a/AINcGX7");
    let cases = [
        (
            Template { header: Some(Header::Location), ..plainly() },
            "header: an AUTHENTICATION template has none; leave it out",
        ),
        (
            Template { body: text("Your code is here"), ..plainly() },
            "body: Meta writes the text of an AUTHENTICATION template itself; leave it out, and \
             say whether it ends with the advice not to share the code",
        ),
        (
            Template { footer: Some("Bye".to_owned()), ..plainly() },
            "footer: Meta writes the footer of an AUTHENTICATION template itself; leave it out, \
             and say after how many minutes the code expires",
        ),
        (minutes(0), "footer: a code expires after 1 to 90 minutes, not 0"),
        (minutes(91), "footer: a code expires after 1 to 90 minutes, not 91"),
        (
            Template { buttons: vec![reply("Yes")], ..plainly() },
            "buttons: an AUTHENTICATION template has one button, for the one-time password",
        ),
        (
            password(otp(OtpKind::OneTap, &[])),
            "button 1: it names no app to fill the code into; give its package and hash",
        ),
        (
            password(otp(OtpKind::OneTap, &[app; 6])),
            "button 1: it names 6 apps, and Meta takes at most 5",
        ),
        (
            password(otp(OtpKind::OneTap, &[("example", "K8a/AINcGX7")])),
            "button 1: `example` is no package; write it as com.example.app",
        ),
        (
            password(otp(OtpKind::OneTap, &[("com.example.app", "short")])),
            "button 1: `short` is no hash of a signing key: that has 11 characters",
        ),
        (
            password(otp(OtpKind::ZeroTap, &[app])),
            "button 1: Meta's terms of zero-tap are not accepted; say that they are",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(one(&template), expected);
    }
}

#[test]
fn each_category_has_its_times_to_live() {
    let lives = |category: Category, seconds| {
        let made =
            Template { category: category.clone(), ttl_seconds: Some(seconds), ..plain("Hi") };
        breaches(&made).iter().all(|breach| breach.part != Part::Ttl)
    };
    for (category, good, bad) in [
        (Category::Authentication, [30, 900, -1], [29, 901, 0]),
        (Category::Utility, [30, 43_200, -1], [29, 43_201, -2]),
        (Category::Marketing, [43_200, 2_592_000, 86_400], [43_199, 2_592_001, -1]),
    ] {
        for seconds in good {
            assert!(lives(category.clone(), seconds), "{} {seconds}", category.name());
        }
        for seconds in bad {
            assert!(!lives(category.clone(), seconds), "{} {seconds}", category.name());
        }
    }
    let template = Template { ttl_seconds: Some(5), ..plain("Hi") };
    assert_eq!(
        one(&template),
        "ttl: 5 s is not possible: a UTILITY template takes 30 to 43200 s, or -1 for 30 days"
    );
}
