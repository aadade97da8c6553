//! The REST API: servers, clusters, workflows and taskservs. The orchestrator serves it; the
//! command line uses it directly in local mode, so both behave alike.

use crate::http::{Request, Response};
use crate::json::{object, Json};
use crate::store::Store;
use crate::toml::Document;
use crate::{config, log, valid_name};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The API on top of a store.
pub struct Api {
    store: Store,
    taskservs: Option<PathBuf>,
    providers: Option<PathBuf>,
    writing: Mutex<()>,
}

/// A refused call: status and message.
type Refusal = (u16, String);

type Answer = Result<(u16, Json), Refusal>;

fn refuse<T>(status: u16, why: impl Into<String>) -> Result<T, Refusal> {
    Err((status, why.into()))
}

fn internal(why: io::Error) -> Refusal {
    (500, why.to_string())
}

impl Api {
    /// The API on a store. A folder of taskservs or providers that does not exist is not checked.
    pub fn new(store: Store, taskservs: Option<PathBuf>, providers: Option<PathBuf>) -> Api {
        let existing = |dir: Option<PathBuf>| dir.filter(|dir| dir.is_dir());
        let (taskservs, providers) = (existing(taskservs), existing(providers));
        Api { store, taskservs, providers, writing: Mutex::new(()) }
    }

    /// Answers a request.
    pub fn handle(&self, request: &Request) -> Response {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        let Some(allow) = methods(&path) else {
            return Response::error(404, &format!("nothing at {}", request.path));
        };
        if !allow.split(", ").any(|method| method == request.method) {
            return Response::not_allowed(allow);
        }
        let lock = || self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let _guard = (request.method != "GET").then(lock);
        match self.route(request, &path) {
            Ok((status, body)) => Response::json(status, &body),
            Err((status, why)) => {
                if status == 500 {
                    log::log(log::Level::Error, &why);
                }
                Response::error(status, &why)
            }
        }
    }

    fn route(&self, request: &Request, path: &[&str]) -> Answer {
        match (request.method.as_str(), path) {
            (_, ["health"]) => Ok((200, object([("status", "ok".into())]))),
            (_, ["version"]) => Ok((200, version("provisioning-orchestrator"))),
            (_, [_, _, "taskservs"]) => Ok((200, object([("taskservs", self.taskservs().into())]))),
            ("GET", [_, _, kind]) => {
                let records = self.store.list(kind).map_err(internal)?;
                Ok((200, object([(kind, Json::Arr(records))])))
            }
            ("GET", [_, _, kind, name]) => Ok((200, self.find(kind, name)?)),
            ("DELETE", [_, _, kind, name]) => self.delete(kind, name),
            (_, [_, _, "servers"]) => self.create_server(&parse(&request.body)?),
            (_, [_, _, "clusters"]) => self.create_cluster(&parse(&request.body)?),
            _ => self.create_workflow(&parse(&request.body)?),
        }
    }

    fn find(&self, kind: &str, name: &str) -> Result<Json, Refusal> {
        let found =
            if valid_name(name) { self.store.get(kind, name).map_err(internal)? } else { None };
        found.ok_or_else(|| (404, format!("there is no {} '{name}'", singular(kind))))
    }

    fn create_server(&self, body: &Json) -> Answer {
        let name = self.new_name("servers", body)?;
        let provider = optional_name(body, "provider")?.unwrap_or("local");
        let plans = self.plans(provider)?;
        let first = plans.first().map_or("small", String::as_str);
        let plan = optional_name(body, "plan")?.unwrap_or(first);
        if !plans.is_empty() && !plans.iter().any(|known| known == plan) {
            let plans = plans.join(", ");
            return refuse(
                400,
                format!("the provider '{provider}' has no plan '{plan}' (plans: {plans})"),
            );
        }
        let record = object([
            ("name", name.into()),
            ("provider", provider.into()),
            ("plan", plan.into()),
            ("created", log::now().into()),
        ]);
        self.save("servers", name, record)
    }

    /// The plans of a provider; none when the providers are not known.
    fn plans(&self, provider: &str) -> Result<Vec<String>, Refusal> {
        let Some(folder) = &self.providers else { return Ok(Vec::new()) };
        let file = folder.join(provider).join("provider.toml");
        if !file.is_file() {
            let known: Vec<_> =
                described(folder, "provider.toml").into_iter().map(|p| p.0).collect();
            return refuse(
                400,
                format!("unknown provider '{provider}' (known: {})", known.join(", ")),
            );
        }
        config::load(&file).map(|document| document.list("plans")).map_err(|why| (500, why))
    }

    fn create_cluster(&self, body: &Json) -> Answer {
        let name = self.new_name("clusters", body)?;
        let (servers, taskservs) = (names(body, "servers")?, names(body, "taskservs")?);
        for server in &servers {
            if self.store.get("servers", server).map_err(internal)?.is_none() {
                return refuse(400, format!("there is no server '{server}'; create it first"));
            }
        }
        for taskserv in &taskservs {
            self.check_taskserv(taskserv)?;
        }
        let step = |server: &String, task: &String| format!("install {task} on {server}");
        let steps =
            servers.iter().flat_map(|s| taskservs.iter().map(move |t| step(s, t))).collect();
        let workflow = self.save_workflow(&format!("create-cluster-{name}"), steps)?;
        let record = object([
            ("name", name.into()),
            ("servers", servers.into()),
            ("taskservs", taskservs.into()),
            ("workflow", workflow.text("id").into()),
            ("created", log::now().into()),
        ]);
        self.save("clusters", name, record)
    }

    fn check_taskserv(&self, name: &str) -> Result<(), Refusal> {
        let Some(folder) = &self.taskservs else { return Ok(()) };
        if folder.join(name).is_dir() {
            return Ok(());
        }
        let known: Vec<_> = described(folder, "taskserv.toml").into_iter().map(|t| t.0).collect();
        refuse(400, format!("unknown taskserv '{name}' (known: {})", known.join(", ")))
    }

    fn create_workflow(&self, body: &Json) -> Answer {
        let name = required_name(body)?;
        let steps = match body.get("steps") {
            None => Vec::new(),
            Some(_) => strings(body, "steps")?,
        };
        Ok((201, self.save_workflow(name, steps)?))
    }

    fn save_workflow(&self, name: &str, steps: Vec<String>) -> Result<Json, Refusal> {
        let numbers = self.store.names("workflows").map_err(internal)?;
        let numbers = numbers.iter().filter_map(|id| id.strip_prefix("wf-")?.parse::<u64>().ok());
        let id = format!("wf-{:06}", numbers.max().unwrap_or(0) + 1);
        let record = object([
            ("id", id.as_str().into()),
            ("name", name.into()),
            ("status", "planned".into()),
            ("steps", steps.into()),
            ("created", log::now().into()),
        ]);
        self.store.put("workflows", &id, &record).map_err(internal)?;
        Ok(record)
    }

    fn delete(&self, kind: &str, name: &str) -> Answer {
        self.find(kind, name)?;
        if kind == "servers" {
            let clusters = self.store.list("clusters").map_err(internal)?;
            let uses = |cluster: &&Json| cluster.list("servers").contains(&name.into());
            if let Some(cluster) = clusters.iter().find(uses) {
                let cluster = cluster.text("name");
                return refuse(409, format!("the cluster '{cluster}' uses the server '{name}'"));
            }
        }
        self.store.remove(kind, name).map_err(internal)?;
        Ok((200, object([("deleted", name.into())])))
    }

    fn new_name<'a>(&self, kind: &str, body: &'a Json) -> Result<&'a str, Refusal> {
        let name = required_name(body)?;
        match self.store.get(kind, name).map_err(internal)? {
            Some(_) => refuse(409, format!("the {} '{name}' exists already", singular(kind))),
            None => Ok(name),
        }
    }

    fn save(&self, kind: &str, name: &str, record: Json) -> Answer {
        self.store.put(kind, name, &record).map_err(internal)?;
        Ok((201, record))
    }

    fn taskservs(&self) -> Vec<Json> {
        let found = self.taskservs.as_ref().map(|folder| described(folder, "taskserv.toml"));
        let entry = |(name, document): (String, Document)| {
            object([("name", name.into()), ("summary", document.text("summary").into())])
        };
        found.unwrap_or_default().into_iter().map(entry).collect()
    }
}

/// The answer to GET /version.
pub fn version(name: &str) -> Json {
    object([("name", name.into()), ("version", crate::VERSION.into())])
}

/// The methods a path knows; none for an unknown path.
fn methods(path: &[&str]) -> Option<&'static str> {
    match path {
        ["health"] | ["version"] | ["api", "v1", "taskservs"] => Some("GET"),
        ["api", "v1", "servers" | "clusters" | "workflows"] => Some("GET, POST"),
        ["api", "v1", "servers" | "clusters", _] => Some("GET, DELETE"),
        ["api", "v1", "workflows", _] => Some("GET"),
        _ => None,
    }
}

fn singular(kind: &str) -> &str {
    kind.trim_end_matches('s')
}

fn parse(body: &[u8]) -> Result<Json, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| (400, "the body is not UTF-8".to_string()))?;
    match Json::parse(text) {
        Ok(json @ Json::Obj(_)) => Ok(json),
        Ok(_) => refuse(400, "the body must be a JSON object"),
        Err(why) => refuse(400, format!("the body is not JSON: {why}")),
    }
}

fn optional_name<'a>(body: &'a Json, key: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(key) {
        None => Ok(None),
        Some(Json::Str(name)) if valid_name(name) => Ok(Some(name)),
        Some(_) => refuse(
            400,
            format!("'{key}' must be a string of 1 to 63 characters out of a-z, 0-9 and -"),
        ),
    }
}

fn required_name(body: &Json) -> Result<&str, Refusal> {
    optional_name(body, "name")?.ok_or_else(|| (400, "'name' is missing".into()))
}

fn strings(body: &Json, key: &str) -> Result<Vec<String>, Refusal> {
    let wrong = || (400, format!("'{key}' must be an array of strings"));
    let Some(Json::Arr(items)) = body.get(key) else { return Err(wrong()) };
    items.iter().map(|item| item.as_str().map(str::to_string).ok_or_else(wrong)).collect()
}

/// An array of names, which may be missing.
fn names(body: &Json, key: &str) -> Result<Vec<String>, Refusal> {
    if body.get(key).is_none() {
        return Ok(Vec::new());
    }
    let names = strings(body, key)?;
    match names.iter().find(|name| !valid_name(name)) {
        Some(name) => refuse(400, format!("'{key}' has a bad name: '{name}'")),
        None => Ok(names),
    }
}

/// The folders of a folder, sorted, each with what its TOML file says.
fn described(folder: &Path, file: &str) -> Vec<(String, Document)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if valid_name(&name) && entry.path().is_dir() {
            found.push((name, config::load(&entry.path().join(file)).unwrap_or_default()));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// An API on a new folder, which is removed at the end.
    struct Sample(Api, PathBuf);

    impl Sample {
        fn new(name: &str) -> Sample {
            let root = std::env::temp_dir().join(format!("prov-api-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(root.join("providers/local")).unwrap();
            fs::create_dir_all(root.join("taskservs/etcd")).unwrap();
            fs::write(root.join("providers/local/provider.toml"), "plans = [\"s\", \"m\"]")
                .unwrap();
            let dir = |name: &str| Some(root.join(name));
            let store = Store::open(&root.join("data")).unwrap();
            Sample(Api::new(store, dir("taskservs"), dir("providers")), root)
        }

        fn call(&self, method: &str, path: &str, body: &str) -> (u16, Json) {
            let (method, path) = (method.to_string(), path.to_string());
            let response = self.0.handle(&Request { method, path, body: body.into() });
            (response.status, Json::parse(&response.body).unwrap())
        }

        fn status(&self, method: &str, path: &str, body: &str) -> u16 {
            self.call(method, path, body).0
        }
    }

    impl Drop for Sample {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.1);
        }
    }

    const SERVERS: &str = "/api/v1/servers";
    const CLUSTERS: &str = "/api/v1/clusters";

    #[test]
    fn servers() {
        let api = Sample::new("servers");
        assert_eq!(api.call("GET", SERVERS, "").1.to_string(), r#"{"servers":[]}"#);
        let (status, server) = api.call("POST", SERVERS, r#"{"name":"web-1"}"#);
        assert_eq!((status, server.text("provider"), server.text("plan")), (201, "local", "s"));
        assert_eq!(api.status("POST", SERVERS, r#"{"name":"web-1"}"#), 409);
        assert_eq!(api.call("GET", "/api/v1/servers/web-1", ""), (200, server));
        assert_eq!(api.call("GET", SERVERS, "").1.list("servers").len(), 1);
        assert_eq!(api.status("DELETE", "/api/v1/servers/web-1", ""), 200);
        assert_eq!(api.status("DELETE", "/api/v1/servers/web-1", ""), 404);
        assert_eq!(api.status("GET", "/api/v1/servers/..", ""), 404);
    }

    #[test]
    fn bad_requests() {
        let api = Sample::new("bad");
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"name":1}"#,
            r#"{"name":"A"}"#,
            r#"{"name":"../x"}"#,
            r#"{"name":"a","provider":"moon"}"#,
            r#"{"name":"a","plan":"xxl"}"#,
        ] {
            assert_eq!(api.status("POST", SERVERS, body), 400, "{body}");
        }
        let cases = [
            (r#"{"name":"a","servers":"x"}"#, "array of strings"),
            (r#"{"name":"a","servers":["x"]}"#, "no server 'x'"),
            (r#"{"name":"a","taskservs":["x"]}"#, "unknown taskserv 'x' (known: etcd)"),
            (r#"{"name":"a","taskservs":["../x"]}"#, "bad name"),
        ];
        for (body, message) in cases {
            let (status, answer) = api.call("POST", CLUSTERS, body);
            assert!(status == 400 && answer.text("error").contains(message), "{answer}");
        }
        for path in
            ["/", "/api", "/api/v1/x", "/api/v1/servers/", "/api/v1/servers/a/b", "/healthz"]
        {
            assert_eq!(api.status("GET", path, ""), 404, "{path}");
        }
        for (method, path) in
            [("PUT", SERVERS), ("DELETE", "/health"), ("POST", "/api/v1/servers/a")]
        {
            assert_eq!(api.status(method, path, ""), 405, "{method} {path}");
        }
    }

    #[test]
    fn clusters_and_workflows() {
        let api = Sample::new("clusters");
        api.call("POST", SERVERS, r#"{"name":"a"}"#);
        let body = r#"{"name":"c","servers":["a"],"taskservs":["etcd"]}"#;
        let (status, cluster) = api.call("POST", CLUSTERS, body);
        assert_eq!((status, cluster.text("workflow")), (201, "wf-000001"));
        let (_, workflow) = api.call("GET", "/api/v1/workflows/wf-000001", "");
        assert_eq!(workflow.joined("steps", "|"), "install etcd on a");
        assert_eq!(workflow.text("status"), "planned");
        assert_eq!(api.status("DELETE", "/api/v1/servers/a", ""), 409);
        assert_eq!(api.status("DELETE", "/api/v1/clusters/c", ""), 200);
        assert_eq!(api.status("DELETE", "/api/v1/servers/a", ""), 200);
        let (status, second) =
            api.call("POST", "/api/v1/workflows", r#"{"name":"x","steps":["y"]}"#);
        assert_eq!((status, second.text("id")), (201, "wf-000002"));
        assert_eq!(api.status("POST", "/api/v1/workflows", r#"{"name":"x","steps":[1]}"#), 400);
        assert_eq!(api.status("GET", "/api/v1/workflows/wf-9", ""), 404);
        assert_eq!(api.call("GET", "/api/v1/workflows", "").1.list("workflows").len(), 2);
    }

    #[test]
    fn the_store_survives_damage() {
        let api = Sample::new("damage");
        api.call("POST", SERVERS, r#"{"name":"a"}"#);
        let folder = api.1.join("data/servers");
        fs::write(folder.join("b.json"), "{").unwrap();
        fs::write(folder.join(".c.1.tmp"), "{").unwrap();
        assert_eq!(api.call("GET", SERVERS, "").1.list("servers").len(), 1);
        assert_eq!(api.status("GET", "/api/v1/servers/b", ""), 500);
    }

    #[test]
    fn health_version_and_taskservs() {
        let api = Sample::new("health");
        assert_eq!(api.call("GET", "/health", "").1.text("status"), "ok");
        assert_eq!(api.call("GET", "/version", "").1.text("version"), crate::VERSION);
        assert_eq!(api.call("GET", "/api/v1/taskservs", "").1.list("taskservs").len(), 1);
    }
}
