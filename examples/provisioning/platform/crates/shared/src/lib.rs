//! Code shared by the provisioning programs. It uses the standard library only.

pub mod api;
pub mod args;
pub mod client;
pub mod config;
pub mod daemon;
pub mod dirs;
pub mod http;
pub mod json;
pub mod log;
pub mod server;
pub mod signal;
pub mod store;
pub mod toml;

/// The version of the platform: a release may stamp it with PROVISIONING_VERSION at compile time.
pub const VERSION: &str = match option_env!("PROVISIONING_VERSION") {
    Some(stamp) if !stamp.is_empty() => stamp,
    _ => env!("CARGO_PKG_VERSION"),
};

/// True for a name of 1 to 63 characters out of a-z, 0-9 and the hyphen.
pub fn valid_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Writes a line to standard output; a reader that went away is not an error.
pub fn out(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::valid_name;

    #[test]
    fn names() {
        assert!(valid_name("web-1") && valid_name(&"a".repeat(63)));
        for bad in ["", "Web", "a.b", "../x", "a b", "é", &"a".repeat(64)] {
            assert!(!valid_name(bad), "{bad:?}");
        }
    }
}
