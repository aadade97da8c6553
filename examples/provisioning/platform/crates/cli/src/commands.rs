//! The commands on servers, clusters, taskservs and workflows.

use crate::backend::Backend;
use provisioning_shared::args::Args;
use provisioning_shared::config::{self, first};
use provisioning_shared::daemon::Failure;
use provisioning_shared::dirs::Dirs;
use provisioning_shared::json::{object, Json};
use provisioning_shared::toml::Document;
use provisioning_shared::valid_name;

/// A command and what it depends on.
pub struct Command<'a> {
    /// The arguments.
    pub args: &'a Args,
    /// Where files are.
    pub dirs: &'a Dirs,
    /// The settings of provisioning.toml.
    pub settings: &'a Document,
}

/// The answer as JSON, and as text for a person.
type Answer = Result<(Json, String), Failure>;

impl Command<'_> {
    /// Does what the words say.
    pub fn run(&self, words: &[&str]) -> Answer {
        match words {
            ["status"] => self.status(),
            ["server", "create", name @ ..] if name.len() < 2 => self.create_server(name.first()),
            ["cluster", "create", name @ ..] if name.len() < 2 => self.create_cluster(name.first()),
            ["server", "list"] => self.list("servers", &["name", "provider", "plan", "created"]),
            ["cluster", "list"] => {
                self.list("clusters", &["name", "servers", "taskservs", "created"])
            }
            ["taskserv", "list"] => self.list("taskservs", &["name", "summary"]),
            ["workflow", "list"] => self.list("workflows", &["id", "name", "status", "created"]),
            ["workflow", "show", id] => self.show_workflow(id),
            [kind @ ("server" | "cluster"), "delete", name] => self.delete(kind, name),
            [] => Err(Failure::Usage("no command is given".into())),
            words => Err(Failure::Usage(format!("no such command: '{}'", words.join(" ")))),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, Failure> {
        Backend::choose(self.args, self.dirs, self.settings)?.call(method, path, body)
    }

    fn status(&self) -> Answer {
        let health = self.call("GET", "/health", None)?;
        let version = self.call("GET", "/version", None)?;
        let state = health.text("status");
        let text = format!("{} {}: {state}", version.text("name"), version.text("version"));
        let answer = [
            ("status", state),
            ("name", version.text("name")),
            ("version", version.text("version")),
        ];
        Ok((object(answer.map(|(key, value)| (key, value.into()))), text))
    }

    fn list(&self, kind: &str, keys: &[&str]) -> Answer {
        let answer = self.call("GET", &format!("/api/v1/{kind}"), None)?;
        let text = match answer.list(kind) {
            [] => format!("no {kind}"),
            records => table(records, keys),
        };
        Ok((answer, text))
    }

    /// The settings of --file; empty without one.
    fn file(&self, kind: &str) -> Result<Document, Failure> {
        match self.args.value("--file") {
            None => Ok(Document::default()),
            file => Ok(config::find(self.dirs, None, file, kind)?),
        }
    }

    fn create_server(&self, name: Option<&&str>) -> Answer {
        let file = self.file("server.toml")?;
        let mut body = vec![("name".to_string(), needed_name(name, &file)?.into())];
        for key in ["provider", "plan"] {
            let default = self.settings.text(&format!("defaults.{key}"));
            let flag = self.args.value(&format!("--{key}"));
            let value = first([flag, Some(file.text(key)), Some(default)]);
            if !value.is_empty() {
                body.push((key.to_string(), value.into()));
            }
        }
        let server = self.call("POST", "/api/v1/servers", Some(&Json::Obj(body)))?;
        let (name, provider, plan) =
            (server.text("name"), server.text("provider"), server.text("plan"));
        let text = format!("server {name} created (provider {provider}, plan {plan})");
        Ok((server, text))
    }

    fn create_cluster(&self, name: Option<&&str>) -> Answer {
        let file = self.file("cluster.toml")?;
        let either = |flag, key| match self.args.values(flag) {
            given if given.is_empty() => file.list(key),
            given => given,
        };
        let body = object([
            ("name", needed_name(name, &file)?.into()),
            ("servers", either("--server", "servers").into()),
            ("taskservs", either("--taskserv", "taskservs").into()),
        ]);
        let cluster = self.call("POST", "/api/v1/clusters", Some(&body))?;
        let (name, workflow) = (cluster.text("name"), cluster.text("workflow"));
        let text = format!("cluster {name} created (workflow {workflow})");
        Ok((cluster, text))
    }

    fn delete(&self, kind: &str, name: &str) -> Answer {
        let answer = self.call("DELETE", &format!("/api/v1/{kind}s/{}", checked(name)?), None)?;
        Ok((answer, format!("{kind} {name} deleted")))
    }

    fn show_workflow(&self, id: &str) -> Answer {
        let workflow = self.call("GET", &format!("/api/v1/workflows/{}", checked(id)?), None)?;
        let (name, status) = (workflow.text("name"), workflow.text("status"));
        let mut text = format!("workflow {id}: {name} ({status})");
        for step in workflow.list("steps").iter().filter_map(Json::as_str) {
            text.push_str(&format!("\n  {step}"));
        }
        Ok((workflow, text))
    }
}

/// The name of the command line or else of the file.
fn needed_name<'a>(name: Option<&'a &str>, file: &'a Document) -> Result<&'a str, Failure> {
    match first([name.copied(), Some(file.text("name"))]) {
        "" => Err(Failure::Usage("the name is missing".into())),
        name => checked(name),
    }
}

/// Refuses what cannot be a name.
pub fn checked(name: &str) -> Result<&str, Failure> {
    match valid_name(name) {
        true => Ok(name),
        false => Err(Failure::Failed(format!(
            "'{name}' is not a valid name: 1 to 63 characters out of a-z, 0-9 and -"
        ))),
    }
}

/// Records as a table: a column for each key.
fn table(records: &[Json], keys: &[&str]) -> String {
    let cell = |record: &Json, key: &&str| match record.get(key) {
        Some(Json::Arr(_)) => record.joined(key, ","),
        _ => record.text(key).to_string(),
    };
    let mut rows = vec![keys.iter().map(|key| key.to_uppercase()).collect::<Vec<_>>()];
    rows.extend(records.iter().map(|record| keys.iter().map(|key| cell(record, key)).collect()));
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..keys.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> =
            row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        cells.join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let records = Json::parse(r#"[{"a":"x","b":["p","q"]},{"a":"long","b":[]}]"#).unwrap();
        assert_eq!(table(records.items(), &["a", "b"]), "A     B\nx     p,q\nlong");
    }

    #[test]
    fn names_come_from_the_command_or_the_file() {
        let file = Document::parse("name = \"f\"").unwrap();
        assert_eq!(needed_name(Some(&"n"), &file), Ok("n"));
        assert_eq!(needed_name(None, &file), Ok("f"));
        assert!(matches!(needed_name(None, &Document::default()), Err(Failure::Usage(_))));
        assert!(matches!(needed_name(Some(&"A/b"), &file), Err(Failure::Failed(_))));
    }
}
