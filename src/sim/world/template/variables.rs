//! The variables of a template's text, `{{1}}` or `{{first_name}}`: found, checked and filled.

/// What stands between the braces, in order of appearance, repeats included.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let inner = text.split("{{").skip(1);
    inner.filter_map(|rest| rest.split_once("}}").map(|(name, _)| name.trim())).collect()
}

/// Each variable once, in the order in which a send fills them.
pub(super) fn distinct(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in variables(text) {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    // Positional ones are filled by number, wherever they stand.
    if found.iter().all(|name| name.parse::<u32>().is_ok()) {
        found.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    }
    found
}

/// Whether the braces are balanced and every name is one that Meta takes in this format.
pub(super) fn well_formed(text: &str, named: bool) -> bool {
    let found = variables(text);
    let braces =
        text.matches("{{").count() == found.len() && text.matches("}}").count() == found.len();
    let word = |name: &&str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
            && letters.all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
    };
    let numbered = || distinct(text).iter().zip(1_u32..).all(|(name, n)| *name == n.to_string());
    braces && if named { found.iter().all(word) } else { numbered() }
}

/// The text with every variable replaced by what `value` gives for it.
pub(super) fn filled(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = text.split("{{");
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        if let Some((name, rest)) = part.split_once("}}") {
            out.push_str(&value(name.trim()));
            out.push_str(rest);
        } else {
            out.push_str("{{");
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{distinct, filled, well_formed};

    #[test]
    fn variables_are_found_and_filled() {
        assert_eq!(distinct("b {{2}} a {{1}} and {{2}}"), ["1", "2"]);
        assert_eq!(distinct("{{zeta}} {{alpha}}"), ["zeta", "alpha"]);
        assert_eq!(filled("Oi {{ 1 }}, {{2}}!", |name| format!("<{name}>")), "Oi <1>, <2>!");
        assert_eq!(filled("a {{ b", |_| String::new()), "a {{ b");
    }

    #[test]
    fn names_are_of_one_format() {
        assert!(well_formed("{{1}} {{2}} {{1}}", false));
        assert!(!well_formed("{{1}} {{3}}", false));
        assert!(!well_formed("{{name}}", false));
        assert!(well_formed("{{first_name}}", true));
        assert!(!well_formed("{{First}}", true));
        assert!(!well_formed("{{1}}", true));
        assert!(!well_formed("{{1}", false));
        assert!(well_formed("plain", true));
    }
}
