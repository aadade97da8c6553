//! Command-line arguments: options with a value, switches, and words.

use std::ffi::OsString;

/// The parsed arguments of a program.
#[derive(Debug, Default, PartialEq)]
pub struct Args {
    /// The words that are not options, in order.
    pub words: Vec<String>,
    options: Vec<(String, String)>,
    switches: Vec<String>,
}

impl Args {
    /// Parses arguments (without the program's name). `options` take a value, as
    /// `--name value` or `--name=value`; `switches` take none; `--` ends both.
    pub fn parse(
        raw: impl IntoIterator<Item = OsString>,
        options: &[&str],
        switches: &[&str],
    ) -> Result<Args, String> {
        let mut args = Args::default();
        let mut raw = raw.into_iter().map(|arg| {
            arg.into_string().map_err(|arg| format!("the argument {arg:?} is not valid UTF-8"))
        });
        while let Some(arg) = raw.next().transpose()? {
            if arg == "--" {
                args.words.extend(raw.by_ref().collect::<Result<Vec<_>, _>>()?);
                break;
            }
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value.to_string())),
                _ => (arg.as_str(), None),
            };
            if options.contains(&name) {
                let value = match value {
                    Some(value) => value,
                    None => raw.next().transpose()?.ok_or(format!("{name} needs a value"))?,
                };
                args.options.push((name.to_string(), value));
            } else if switches.contains(&name) && value.is_none() {
                args.switches.push(name.to_string());
            } else if name.starts_with('-') {
                return Err(format!("unknown option '{arg}'"));
            } else {
                args.words.push(arg);
            }
        }
        Ok(args)
    }

    /// True when the switch was given.
    pub fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|name| name == switch)
    }

    /// The value of an option; when it was given twice, the last.
    pub fn value(&self, option: &str) -> Option<&str> {
        self.options.iter().rev().find(|o| o.0 == option).map(|o| o.1.as_str())
    }

    /// All values of an option.
    pub fn values(&self, option: &str) -> Vec<String> {
        self.options.iter().filter(|o| o.0 == option).map(|o| o.1.clone()).collect()
    }

    /// The first option given that is not among the allowed ones.
    pub fn not_allowed(&self, allowed: &[&str]) -> Option<&str> {
        self.options.iter().map(|o| o.0.as_str()).find(|name| !allowed.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &[&str]) -> Result<Args, String> {
        Args::parse(raw.iter().map(OsString::from), &["--to", "--from"], &["--json", "-h"])
    }

    #[test]
    fn options_and_words() {
        let args = parse(&["a", "--to", "x", "--json", "--to=y=z", "b", "--", "--to"]).unwrap();
        assert_eq!(args.words, ["a", "b", "--to"]);
        assert_eq!(args.values("--to"), ["x", "y=z"]);
        assert_eq!((args.value("--to"), args.value("--from")), (Some("y=z"), None));
        assert!(args.has("--json") && !args.has("-h"));
        assert_eq!(args.not_allowed(&["--from"]), Some("--to"));
    }

    #[test]
    fn bad_arguments() {
        assert_eq!(parse(&["--to"]).unwrap_err(), "--to needs a value");
        assert_eq!(parse(&["--nope"]).unwrap_err(), "unknown option '--nope'");
        assert_eq!(parse(&["--json=1"]).unwrap_err(), "unknown option '--json=1'");
        assert_eq!(parse(&["-x"]).unwrap_err(), "unknown option '-x'");
    }
}
