//! The TOML files of the platform: their known keys, checking and loading.

use crate::dirs::Dirs;
use crate::toml::{Document, Error, Value};
use std::path::{Path, PathBuf};

/// What a setting must look like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Texts,
    Name,
    Names,
    Listen,
    Url,
}

type Keys = &'static [(&'static str, Kind)];

/// The known keys of each known file.
const FILES: &[(&str, Keys)] = &[
    (
        "orchestrator.toml",
        &[
            ("listen", Kind::Listen),
            ("data_dir", Kind::Text),
            ("taskservs_dir", Kind::Text),
            ("providers_dir", Kind::Text),
        ],
    ),
    ("control-center.toml", &[("listen", Kind::Listen), ("orchestrator_url", Kind::Url)]),
    (
        "provisioning.toml",
        &[
            ("orchestrator_url", Kind::Url),
            ("data_dir", Kind::Text),
            ("taskservs_dir", Kind::Text),
            ("providers_dir", Kind::Text),
            ("templates_dir", Kind::Text),
            ("defaults.provider", Kind::Name),
            ("defaults.plan", Kind::Name),
        ],
    ),
    ("provider.toml", &[("name", Kind::Name), ("summary", Kind::Text), ("plans", Kind::Texts)]),
    ("taskserv.toml", &[("name", Kind::Name), ("summary", Kind::Text), ("group", Kind::Text)]),
    ("server.toml", &[("name", Kind::Name), ("provider", Kind::Name), ("plan", Kind::Name)]),
    ("cluster.toml", &[("name", Kind::Name), ("servers", Kind::Names), ("taskservs", Kind::Names)]),
];

/// Checks a setting; the error says what it must be. An empty string stands for "not set".
fn check_value(kind: Kind, value: &Value) -> Result<(), String> {
    let name = |text: &str| match crate::valid_name(text) {
        true => Ok(()),
        false => Err(format!("'{text}' is not a name of 1 to 63 characters out of a-z, 0-9 and -")),
    };
    match (kind, value) {
        (Kind::Text | Kind::Name | Kind::Listen | Kind::Url, Value::Str(text))
            if text.is_empty() =>
        {
            Ok(())
        }
        (Kind::Text, Value::Str(_)) => Ok(()),
        (Kind::Name, Value::Str(text)) => name(text),
        (Kind::Listen, Value::Str(text)) => check_listen(text),
        (Kind::Url, Value::Str(text)) => crate::client::split_url(text).map(|_| ()),
        (Kind::Texts | Kind::Names, Value::List(items)) => {
            items.iter().try_for_each(|item| match item {
                Value::Str(text) if kind == Kind::Names => name(text),
                Value::Str(_) => Ok(()),
                _ => Err("it must be an array of strings".into()),
            })
        }
        (Kind::Texts | Kind::Names, _) => Err("it must be an array of strings".into()),
        _ => Err("it must be a string".into()),
    }
}

/// Checks an address to listen on: ADDR:PORT.
pub fn check_listen(text: &str) -> Result<(), String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err(format!("'{text}' is not an address of the form ADDR:PORT")),
    }
}

/// True for the name of a file the platform reads.
pub fn is_known(file: &Path) -> bool {
    FILES.iter().any(|known| file.ends_with(known.0))
}

/// Parses the text of a file and checks its keys; gives all that is wrong.
fn check(file: &Path, text: &str) -> Result<Document, Vec<Error>> {
    let document = Document::parse(text).map_err(|error| vec![error])?;
    let Some((_, keys)) = FILES.iter().find(|known| file.ends_with(known.0)) else {
        return Ok(document);
    };
    let mut errors = Vec::new();
    for entry in &document.entries {
        let result = match keys.iter().find(|key| key.0 == entry.key) {
            Some((_, kind)) => check_value(*kind, &entry.value),
            None => Err("this key is not known".into()),
        };
        if let Err(why) = result {
            errors.push(Error { line: entry.line, message: format!("{}: {why}", entry.key) });
        }
    }
    if errors.is_empty() {
        Ok(document)
    } else {
        Err(errors)
    }
}

/// Reads a file and checks it; gives all that is wrong, each with its line.
pub fn read(file: &Path) -> Result<Document, Vec<Error>> {
    match std::fs::read_to_string(file) {
        Ok(text) => check(file, &text),
        Err(why) => Err(vec![Error { line: 1, message: format!("cannot read the file: {why}") }]),
    }
}

/// Reads a file and checks it; the error names the file and the line.
pub fn load(file: &Path) -> Result<Document, String> {
    let shown = |errors: Vec<Error>| {
        let lines: Vec<_> = errors.iter().map(|e| format!("{}:{e}", file.display())).collect();
        lines.join("; ")
    };
    read(file).map_err(shown)
}

/// Loads the file of that name from the configuration folder, or the file given by a flag.
/// Without a file, every setting has its default.
pub fn find(
    dirs: &Dirs,
    folder: Option<&str>,
    file: Option<&str>,
    name: &str,
) -> Result<Document, String> {
    if let Some(file) = file {
        // A file given by hand may have any name; its keys are those of the known one.
        let path = PathBuf::from(file);
        let text =
            std::fs::read_to_string(&path).map_err(|why| format!("cannot read {file}: {why}"))?;
        let first = |errors: Vec<Error>| format!("{file}:{}", errors[0]);
        return check(Path::new(name), &text).map_err(first);
    }
    match dirs.config_dir(folder).map(|dir| dir.join(name)) {
        Some(path) if path.exists() => load(&path),
        _ => Ok(Document::default()),
    }
}

/// The first of the texts that is not empty.
pub fn first<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> &'a str {
    texts.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(name: &str, text: &str) -> Vec<String> {
        let result = check(&Path::new("dir").join(name), text);
        result.err().unwrap_or_default().iter().map(Error::to_string).collect()
    }

    #[test]
    fn accepts_known_keys() {
        let text = "listen = \"[::1]:80\"\ndata_dir = \"\"\ntaskservs_dir = \"/x\"";
        assert!(errors("orchestrator.toml", text).is_empty());
        assert!(errors("provisioning.toml", "orchestrator_url = \"\"\n[defaults]\nplan = \"s\"")
            .is_empty());
        assert!(errors("cluster.toml", "servers = [\"a\"]").is_empty());
        assert!(errors("other.toml", "anything = 1").is_empty());
    }

    #[test]
    fn finds_every_error() {
        let found = errors("orchestrator.toml", "listen = \"x\"\nlisten_on = 1\ndata_dir = true");
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], "2: listen_on: this key is not known");
        assert_eq!(found[2], "3: data_dir: it must be a string");
        let cases = [
            ("control-center.toml", "orchestrator_url = \"https://x\"", "must start with http://"),
            (
                "provisioning.toml",
                "[defaults]\nprovider = \"A\"",
                "2: defaults.provider: 'A' is not",
            ),
            ("provider.toml", "plans = [1]", "array of strings"),
            ("cluster.toml", "servers = \"a\"", "array of strings"),
            ("cluster.toml", "servers = [\"A\"]", "is not a name"),
            ("other.toml", "x =", "1: expected a value"),
        ];
        for (name, text, message) in cases {
            assert!(errors(name, text).join("").contains(message), "{name}: {text}");
        }
    }
}
