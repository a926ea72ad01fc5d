//! What hostile text becomes.

use std::borrow::Cow;

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::{
    EXTENDERS_MAX, display_safe, display_safe_multiline, is_invisible, is_mark, is_pictograph,
    shorten_number,
};

const ENGLAND: &str = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";

#[test]
fn hostile_text_is_inert_and_visible() {
    let cases = [
        // Controls and the sequences they begin.
        ("\u{1b}[2J", "\u{fffd}[2J"),
        ("\u{1b}[31mred\u{1b}[0m", "\u{fffd}[31mred\u{fffd}[0m"),
        ("\u{1b}]0;title\u{7}", "\u{fffd}]0;title\u{fffd}"),
        ("\u{1b}]52;c;c2VjcmV0\u{1b}\\", "\u{fffd}]52;c;c2VjcmV0\u{fffd}\\"),
        (
            "\u{1b}]8;;http://x\u{7}y\u{1b}]8;;\u{7}",
            "\u{fffd}]8;;http://x\u{fffd}y\u{fffd}]8;;\u{fffd}",
        ),
        ("\u{1b}Pq#0\u{1b}\\", "\u{fffd}Pq#0\u{fffd}\\"),
        ("\u{1b}_Ga=T\u{1b}\\", "\u{fffd}_Ga=T\u{fffd}\\"),
        ("\u{1b}c", "\u{fffd}c"),
        ("\u{9b}2J", "\u{fffd}2J"),
        ("\u{9d}0;t\u{9c}", "\u{fffd}0;t\u{fffd}"),
        ("\u{90}q\u{9c}", "\u{fffd}q\u{fffd}"),
        ("a\u{0}b", "a\u{fffd}b"),
        ("a\u{7}\u{8}\u{7f}b", "a\u{fffd}\u{fffd}\u{fffd}b"),
        ("a\u{b}b\u{c}c\u{85}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
        ("\u{e}\u{f}", "\u{fffd}\u{fffd}"),
        // Text that reorders or hides itself.
        ("a\u{202e}b\u{202c}c", "abc"),
        ("\u{202a}\u{202b}\u{202d}x", "x"),
        ("\u{2066}a\u{2067}b\u{2068}c\u{2069}", "abc"),
        ("\u{200e}a\u{200f}b\u{61c}", "ab"),
        ("pay\u{200b}pal", "paypal"),
        ("a\u{2060}b\u{2061}\u{2064}c", "abc"),
        ("\u{feff}a", "a"),
        ("soft\u{ad}hyphen", "softhyphen"),
        ("a\u{180e}b\u{180b}", "ab"),
        ("\u{3164}\u{ffa0}\u{115f}\u{1160}", ""),
        ("a\u{e0041}\u{e0042}\u{e007f}", "a"),
        ("a\u{fff9}b\u{fffa}c\u{fffb}", "abc"),
        ("a\u{200c}b\u{200d}c", "abc"),
        ("\u{fe0f}a\u{fe0f}\u{fe00}\u{e0100}", "a"),
        ("x\u{1d173}y\u{206a}z\u{34f}", "xyz"),
        ("\u{17b4}\u{600}1\u{6dd}", "1"),
        // Marks.
        ("\u{301}\u{302}x", "x"),
        // Lines.
        ("a\nb\r\nc\rd\te\u{2028}f\u{2029}g", "a b c d e f g"),
    ];
    for (text, safe) in cases {
        assert_eq!(display_safe(text), safe, "{text:?}");
    }
}

#[test]
fn bodies_keep_their_lines() {
    let cases = [
        ("a\nb", "a\nb"),
        ("a\r\nb\rc\u{2028}d\u{2029}e", "a\nb\nc\nd\ne"),
        ("\tx\ty", "    x    y"),
        ("a\n\u{301}b", "a\nb"),
        ("a\u{1b}[31m\n\u{202e}b", "a\u{fffd}[31m\nb"),
    ];
    for (text, safe) in cases {
        assert_eq!(display_safe_multiline(text), safe, "{text:?}");
    }
}

#[test]
fn honest_text_is_borrowed_as_it_is() {
    let texts = [
        "",
        "Hello, world! ~{}|",
        "Olá, João — tudo bem? “Sim” … €",
        "مرحبا بك، كيف الحال؟",
        "שָׁלוֹם עוֹלָם",
        "नमस्ते दुनिया क्षत्रिय",
        "สวัสดีครับ ภาษาไทย",
        "你好，世界。",
        "日本語のﾃｽﾄ ｶﾞ か\u{3099}",
        "안녕하세요 \u{1112}\u{1161}\u{11ab}",
        "e\u{301}\u{302} Z\u{351}\u{36b}\u{343}\u{36a}\u{302}\u{36b}\u{307}",
        "👍 👍🏽 ❤\u{fe0f} ❤ ☎\u{fe0e} 1\u{fe0f}\u{20e3} #\u{20e3} 🇧🇷🇩🇪",
        "👨\u{200d}👩\u{200d}👧\u{200d}👦 👩🏽\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏽 🏳\u{fe0f}\u{200d}🌈 🧑\u{200d}⚕\u{fe0f}",
        "👨🏻\u{200d}👩🏼\u{200d}👧🏽\u{200d}👦🏾",
        ENGLAND,
        "🏴\u{200d}☠\u{fe0f} 🐈\u{200d}⬛ 🏴",
    ];
    for text in texts {
        assert!(matches!(display_safe(text), Cow::Borrowed(same) if same == text), "{text:?}");
    }
    assert!(matches!(display_safe_multiline("two\nlines é"), Cow::Borrowed(_)));
}

#[test]
fn joiners_and_selectors_stay_only_inside_emoji() {
    let cases = [
        ("👨\u{200d}", "👨"),
        ("👨\u{200d}a", "👨a"),
        ("a\u{200d}👨", "a👨"),
        ("👨\u{200d}\u{200d}👩", "👨\u{200d}👩"),
        ("👨\u{202e}\u{200d}👩", "👨\u{200d}👩"),
        ("👨\u{200d}\u{202e}👩", "👨👩"),
        ("👨\u{301}\u{200d}👩", "👨\u{301}👩"),
        ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
        ("👍🏽\u{fe0f}", "👍🏽"),
        ("1\u{fe0f}2", "12"),
        ("a\u{fe0f}\u{20e3}", "a\u{20e3}"),
        ("🏴\u{e0067}\u{e0062}\u{e007f}", "🏴"),
        ("🏴\u{e0075}\u{e0073}\u{e0074}\u{e0078}\u{e007f}", "🏴"),
        ("a\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", "a"),
    ];
    for (text, safe) in cases {
        assert_eq!(display_safe(text), safe, "{text:?}");
    }
    let twice = format!("{ENGLAND}\u{301}\u{200d}{ENGLAND}");
    assert_eq!(display_safe(&twice), format!("{ENGLAND}{ENGLAND}"));
}

#[test]
fn marks_do_not_pile_up() {
    let eight = "\u{301}".repeat(8);
    assert_eq!(display_safe(&format!("a{}b", "\u{301}".repeat(1000))), format!("a{eight}b"));
    let vowels = "\u{93e}".repeat(50);
    assert_eq!(display_safe(&format!("क{vowels}")), format!("क{}", "\u{93e}".repeat(8)));
    let chain = vec!["👨"; 40].join("\u{200d}");
    let longest = display_safe(&chain).graphemes(true).map(str::len).max();
    assert_eq!(longest, Some(9 * 4 + 8 * 3));
}

#[test]
fn numbers_in_logs_are_short() {
    let cases = [
        ("5511988881234", "+55…1234"),
        ("+55 11 98888-1234", "+55…1234"),
        ("US.13491208655302741918", "US…1918"),
        ("12345678", "…"),
        ("123456789", "+12…6789"),
        ("", "…"),
    ];
    for (number, short) in cases {
        assert_eq!(shorten_number(number), short, "{number:?}");
    }
}

#[test]
fn every_character_has_one_treatment() {
    for char in '\0'..=char::MAX {
        if is_invisible(char) || char.is_control() {
            continue;
        }
        let alone = char.width();
        if alone == Some(0) && !is_mark(char) {
            assert!(char == '\u{200d}' || matches!(char, '\u{2028}' | '\u{2029}'), "{char:?}");
        }
        let extends = char > '\u{2ff}'
            && char != '\u{200d}'
            && format!("a{char}").graphemes(true).count() == 1;
        assert!(!extends || is_mark(char), "{char:?} extends, but is no mark");
        if is_mark(char) {
            assert!(!is_pictograph(char), "{char:?}");
        }
    }
}

proptest! {
    #[test]
    fn safe_text_has_nothing_hidden_and_stays_as_it_is(text in "(?s).{0,120}") {
        check(&text)?;
    }

    #[test]
    fn safe_text_of_dangerous_pieces(
        text in "([a1# \n\r\t]|\u{1b}|\u{9b}|\u{202e}|\u{200d}|\u{fe0f}|\u{fe0e}|\u{20e3}|👨|❤|🏽|🏴|\u{e0067}|🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}|\u{301}|\u{94d}|क|\u{1100}|\u{1161}|🇧){0,60}"
    ) {
        check(&text)?;
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let line = display_safe(text);
    let body = display_safe_multiline(text);
    prop_assert!(!line.contains(char::is_control));
    prop_assert!(!body.contains(|char: char| char.is_control() && char != '\n'));
    for safe in [&line, &body] {
        let mut outside = safe.to_string();
        for emoji in ["\u{fe0e}", "\u{fe0f}", "\u{200d}"] {
            outside = outside.replace(emoji, "");
        }
        outside = outside.replace(ENGLAND, "");
        prop_assert!(!outside.contains(is_invisible), "{:?}", safe);
        for grapheme in safe.graphemes(true) {
            let marks = grapheme.chars().filter(|char| is_mark(*char)).count();
            prop_assert!(marks <= usize::from(EXTENDERS_MAX) || grapheme.contains(ENGLAND));
        }
    }
    prop_assert_eq!(display_safe(&line), line.clone());
    prop_assert_eq!(display_safe_multiline(&body), body.clone());
    Ok(())
}
