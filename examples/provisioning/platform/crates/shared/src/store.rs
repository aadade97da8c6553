//! Records kept as JSON files: ROOT/KIND/NAME.json.

use crate::json::Json;
use crate::log::{log, Level};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A folder of records. Names must be checked by the caller ([`crate::valid_name`]).
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Uses a folder; makes it when it is missing.
    pub fn open(root: &Path) -> io::Result<Store> {
        fs::create_dir_all(root)?;
        Ok(Store { root: root.to_path_buf() })
    }

    /// Fails when no file can be written.
    pub fn check_writable(&self) -> io::Result<()> {
        let probe = self.root.join(format!(".probe.{}", std::process::id()));
        fs::write(&probe, "").and_then(|()| fs::remove_file(&probe))
    }

    fn file(&self, kind: &str, name: &str) -> PathBuf {
        self.root.join(kind).join(format!("{name}.json"))
    }

    /// The record of a name.
    pub fn get(&self, kind: &str, name: &str) -> io::Result<Option<Json>> {
        let file = self.file(kind, name);
        let text = match fs::read_to_string(&file) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let damaged = |why| format!("{} is damaged: {why}", file.display());
        Json::parse(&text)
            .map(Some)
            .map_err(|why| io::Error::new(ErrorKind::InvalidData, damaged(why)))
    }

    /// The names of a kind, sorted.
    pub fn names(&self, kind: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(kind)) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file_name = entry?.file_name();
            let name = file_name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(name.filter(|name| crate::valid_name(name)).map(str::to_string));
        }
        names.sort();
        Ok(names)
    }

    /// The records of a kind, sorted by name; damaged ones are left out and logged.
    pub fn list(&self, kind: &str) -> io::Result<Vec<Json>> {
        let mut records = Vec::new();
        for name in self.names(kind)? {
            match self.get(kind, &name) {
                Ok(record) => records.extend(record),
                Err(why) => log(Level::Warn, why),
            }
        }
        Ok(records)
    }

    /// Writes a record: to a new file first, which then takes the place of the old one.
    pub fn put(&self, kind: &str, name: &str, record: &Json) -> io::Result<()> {
        let folder = self.root.join(kind);
        fs::create_dir_all(&folder)?;
        let draft = folder.join(format!(".{name}.{}.tmp", std::process::id()));
        let mut file = fs::File::create(&draft)?;
        let written =
            file.write_all(format!("{record}\n").as_bytes()).and_then(|()| file.sync_all());
        drop(file);
        let done = written.and_then(|()| fs::rename(&draft, self.file(kind, name)));
        if done.is_err() {
            let _ = fs::remove_file(&draft);
        }
        done
    }

    /// Removes a record; false when there is none.
    pub fn remove(&self, kind: &str, name: &str) -> io::Result<bool> {
        match fs::remove_file(self.file(kind, name)) {
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(false),
            done => done.map(|()| true),
        }
    }
}
