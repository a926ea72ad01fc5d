//! The people of the demo. Numbers are made up; the names repeat in the scripts.

use super::super::config::{Language, Persona};

/// Somebody with a number.
fn with_number(name: &str, number: &str, country: &str, language: Language) -> Persona {
    Persona {
        name: name.to_owned(),
        username: None,
        number: Some(number.to_owned()),
        user_id: format!("{country}.1349{number:0>16}"),
        language,
        answers: true,
        reads: true,
        window_open: false,
    }
}

/// Everybody, in no order that matters.
pub(super) fn people() -> Vec<Persona> {
    use Language::{
        Arabic, Chinese, English, French, German, Hebrew, Hindi, Japanese, Korean, Portuguese,
        Spanish,
    };
    vec![
        with_number("Ana Souza", "5511988881234", "BR", Portuguese),
        with_number("Bruno Lima", "553199990002", "BR", Portuguese),
        Persona { reads: false, ..with_number("Carla Dias", "5511999990003", "BR", Portuguese) },
        Persona { answers: false, ..with_number("Davi Rocha", "5521999990404", "BR", Portuguese) },
        Persona { answers: false, ..with_number("Elisa Prado", "554199990005", "BR", Portuguese) },
        with_number("Família Nunes 👨‍👩‍👧‍👦", "5511999990006", "BR", Portuguese),
        with_number("John Carter", "12025550117", "US", English),
        Persona {
            username: Some("@kim.moves".to_owned()),
            number: None,
            ..with_number("Kim Moves", "0000000000", "US", English)
        },
        with_number("Lucía Gómez", "5215555550108", "MX", Spanish),
        with_number("ليلى حداد", "971505550109", "AE", Arabic),
        with_number("נועה לוי", "972505550110", "IL", Hebrew),
        with_number("田中 美咲", "819055500111", "JP", Japanese),
        with_number("陳怡君", "886905550112", "TW", Chinese),
        with_number("김지우", "821055500113", "KR", Korean),
        with_number("प्रिया शर्मा", "919055500114", "IN", Hindi),
        with_number("Camille Bernard", "33655500115", "FR", French),
        with_number("Jürgen Groß", "4915155500116", "DE", German),
    ]
}
