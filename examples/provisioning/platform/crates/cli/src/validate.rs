//! `validate config`: checks every TOML file of the configuration folder.

use provisioning_shared::config::{is_known, read};
use provisioning_shared::daemon::Failure;
use provisioning_shared::dirs::Dirs;
use provisioning_shared::json::{object, Json};
use provisioning_shared::out;
use provisioning_shared::toml::Error;
use std::path::{Path, PathBuf};

/// Checks the files and prints what was found.
pub fn config(dirs: &Dirs, flag: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let folder = dirs.config_dir(flag).ok_or_else(|| {
        let looked: Vec<_> =
            dirs.config_candidates().iter().map(|c| c.display().to_string()).collect();
        format!("no configuration folder in {}; give --config-dir DIR", looked.join(", "))
    })?;
    let files = toml_files(&folder)?;
    let checked: Vec<(PathBuf, Vec<Error>)> = files
        .into_iter()
        .map(|file| {
            let errors = read(&file).err().unwrap_or_default();
            (file, errors)
        })
        .collect();
    if as_json {
        let files: Vec<Json> = checked.iter().map(|(file, errors)| shown(file, errors)).collect();
        out(&object([("files", files.into())]).to_string());
    } else {
        checked.iter().for_each(|(file, errors)| print(file, errors));
    }
    match checked.iter().filter(|(_, errors)| !errors.is_empty()).count() {
        0 => Ok(()),
        bad => Err(Failure::Failed(format!("{bad} of {} files have errors", checked.len()))),
    }
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |why: std::io::Error| format!("cannot read {}: {why}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Failure::Failed(format!("there are no *.toml files in {}", folder.display()))),
        false => Ok(files),
    }
}

fn print(file: &Path, errors: &[Error]) {
    let name = file.display();
    for error in errors {
        out(&format!("{name}:{}: error: {}", error.line, error.message));
    }
    match (errors.is_empty(), is_known(file)) {
        (true, true) => out(&format!("{name}: ok")),
        (true, false) => {
            out(&format!("{name}: ok (not a file of the platform; only its syntax was checked)"))
        }
        _ => {}
    }
}

fn shown(file: &Path, errors: &[Error]) -> Json {
    let error = |e: &Error| {
        object([("line", (e.line as i64).into()), ("message", e.message.as_str().into())])
    };
    object([
        ("file", file.display().to_string().into()),
        ("ok", errors.is_empty().into()),
        ("errors", Json::Arr(errors.iter().map(error).collect())),
    ])
}
