//! Log lines on standard error: time, level, message.

use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// What the program does.
    Info,
    /// Every request.
    Debug,
}

/// The level of RUST_LOG or PROVISIONING_DEBUG; `info` when neither says anything.
fn level_of(rust_log: &str, debug: &str) -> Level {
    let level = rust_log.split(',').find_map(|directive| {
        let name = directive.rsplit('=').next().unwrap_or("").trim().to_ascii_lowercase();
        match name.as_str() {
            "error" | "off" => Some(Level::Error),
            "warn" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" | "trace" => Some(Level::Debug),
            _ => None,
        }
    });
    match debug {
        "true" | "1" => Level::Debug,
        _ => level.unwrap_or(Level::Info),
    }
}

/// Writes a line when its level is wanted.
pub fn log(level: Level, message: impl fmt::Display) {
    static WANTED: OnceLock<Level> = OnceLock::new();
    let env = |name| std::env::var(name).unwrap_or_default();
    if level <= *WANTED.get_or_init(|| level_of(&env("RUST_LOG"), &env("PROVISIONING_DEBUG"))) {
        let name = format!("{level:?}").to_uppercase();
        let _ = writeln!(std::io::stderr().lock(), "{} {name} {message}", now());
    }
}

/// The present time as RFC 3339 text in UTC.
pub fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    rfc3339(seconds)
}

/// Seconds since 1970 as RFC 3339 text in UTC.
pub fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The calendar is counted from 1 March of year 0, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_735_689_599), "2024-12-31T23:59:59Z");
    }

    #[test]
    fn levels() {
        assert_eq!(level_of("", ""), Level::Info);
        assert_eq!(level_of("provisioning=warn", ""), Level::Warn);
        assert_eq!(level_of("WARN", "true"), Level::Debug);
        assert_eq!(level_of("nonsense", "false"), Level::Info);
    }
}
