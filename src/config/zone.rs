//! Time zones by name, without jiff's own search: that walks the system's whole tz database before it answers,
//! which takes longer than everything else before the first frame.

use std::path::{Component, Path, PathBuf};

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where systems keep their tz database, unless `TZDIR` names another place.
const DATABASE: &str = "/usr/share/zoneinfo";

/// The zone of this name: by the system's file, which may be newer than this program, else by the bundled one.
pub(super) fn named(name: &str) -> Option<TimeZone> {
    let dir = std::env::var_os("TZDIR").map_or_else(|| PathBuf::from(DATABASE), PathBuf::from);
    // A name is never a way out of the directory.
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let file = inside.then(|| std::fs::read(dir.join(name)).ok()).flatten();
    file.and_then(|data| TimeZone::tzif(name, &data).ok())
        .or_else(|| TimeZoneDatabase::bundled().get(name).ok())
}

/// The zone this machine is in.
pub(super) fn local() -> TimeZone {
    let known = match std::env::var_os("TZ") {
        Some(name) => name.to_str().and_then(|name| named(name.trim_start_matches(':'))),
        None => std::fs::read("/etc/localtime")
            .ok()
            .and_then(|data| TimeZone::tzif("local", &data).ok()),
    };
    // jiff knows the other ways to say it.
    known.unwrap_or_else(TimeZone::system)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::named;

    #[test]
    fn a_zone_is_found_by_name_and_nothing_outside_the_database_is_read() {
        let berlin = named("Europe/Berlin").unwrap();
        let summer: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(berlin.to_offset(summer).seconds(), 7200);
        assert_eq!(named("europe/berlin").unwrap().to_offset(summer).seconds(), 7200);
        assert!(named("UTC").is_some());
        for name in ["", "Mars/Olympus", "../zoneinfo/Europe/Berlin", "/etc/localtime", "Europe"] {
            assert!(named(name).is_none(), "{name:?}");
        }
    }
}
