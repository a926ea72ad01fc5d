//! What the environment says about the characters that the terminal shows.

/// The locale in force for characters (POSIX, "Environment Variables"); empty when none is named.
pub(super) fn named() -> String {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default()
}

/// Whether a locale has UTF-8.
pub(super) fn is_utf8(locale: &str) -> bool {
    locale.to_lowercase().replace('-', "").contains("utf8")
}

/// Whether a locale was named that has no more than ASCII and perhaps a few letters. Where none is named, most
/// terminals show UTF-8 all the same.
pub(super) fn is_plain(locale: &str) -> bool {
    !locale.is_empty() && !is_utf8(locale)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_a_locale_that_is_named_takes_the_ticks_away() {
        for locale in ["C", "POSIX", "pt_BR.ISO-8859-1", "de_DE"] {
            assert!(is_plain(locale), "{locale}");
        }
        for locale in ["", "C.UTF-8", "pt_BR.utf8", "en_US.UTF-8"] {
            assert!(!is_plain(locale), "{locale}");
        }
    }
}
