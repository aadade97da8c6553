//! The tools: what they are called, what they take, and the call of the orchestrator.

use crate::rpc::{Error, INVALID_PARAMS};
use provisioning_shared::client;
use provisioning_shared::json::{object, Json};

/// What an argument of a tool is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A string that must be there.
    Needed,
    /// A string.
    Text,
    /// An array of strings.
    Texts,
}

struct Tool {
    name: &'static str,
    description: &'static str,
    method: &'static str,
    path: &'static str,
    arguments: &'static [(&'static str, Kind)],
}

const fn tool(
    name: &'static str,
    description: &'static str,
    method: &'static str,
    path: &'static str,
    arguments: &'static [(&'static str, Kind)],
) -> Tool {
    Tool { name, description, method, path, arguments }
}

const NAME: &[(&str, Kind)] = &[("name", Kind::Needed)];
const SERVER: &[(&str, Kind)] =
    &[("name", Kind::Needed), ("provider", Kind::Text), ("plan", Kind::Text)];
const CLUSTER: &[(&str, Kind)] =
    &[("name", Kind::Needed), ("servers", Kind::Texts), ("taskservs", Kind::Texts)];

const TOOLS: &[Tool] = &[
    tool("server_create", "Create a server", "POST", "/api/v1/servers", SERVER),
    tool("server_list", "List the servers", "GET", "/api/v1/servers", &[]),
    tool("server_delete", "Delete a server", "DELETE", "/api/v1/servers", NAME),
    tool("cluster_create", "Create a cluster of servers", "POST", "/api/v1/clusters", CLUSTER),
    tool("cluster_list", "List the clusters", "GET", "/api/v1/clusters", &[]),
    tool("cluster_delete", "Delete a cluster", "DELETE", "/api/v1/clusters", NAME),
    tool("taskserv_list", "List the taskservs a cluster can use", "GET", "/api/v1/taskservs", &[]),
    tool("health", "Tell whether the orchestrator works", "GET", "/health", &[]),
];

/// The answer to tools/list.
pub fn list() -> Json {
    let entry = |tool: &Tool| {
        object([
            ("name", tool.name.into()),
            ("description", tool.description.into()),
            ("inputSchema", schema(tool)),
        ])
    };
    Json::Arr(TOOLS.iter().map(entry).collect())
}

fn schema(tool: &Tool) -> Json {
    let property = |(name, kind): &(&str, Kind)| {
        let text = object([("type", "string".into())]);
        let shape = match kind {
            Kind::Texts => object([("type", "array".into()), ("items", text)]),
            _ => text,
        };
        (name.to_string(), shape)
    };
    let needed = tool.arguments.iter().filter(|argument| argument.1 == Kind::Needed);
    object([
        ("type", "object".into()),
        ("properties", Json::Obj(tool.arguments.iter().map(property).collect())),
        ("required", needed.map(|argument| argument.0).collect::<Vec<_>>().into()),
    ])
}

/// Answers tools/call. A refusal of the orchestrator is a result that says so, not an error.
pub fn call(params: &Json, url: &str) -> Result<Json, Error> {
    let wrong = |why: String| (INVALID_PARAMS, why);
    let name = params.text("name");
    let tool = TOOLS.iter().find(|tool| tool.name == name);
    let tool = tool.ok_or_else(|| wrong(format!("the tool '{name}' is not known")))?;
    let none = object([]);
    let arguments = params.get("arguments").unwrap_or(&none);
    if !matches!(arguments, Json::Obj(_)) {
        return Err(wrong("'arguments' must be an object".into()));
    }
    for (name, kind) in tool.arguments {
        check(*kind, arguments.get(name)).map_err(|why| wrong(format!("'{name}' {why}")))?;
    }
    let (path, body) = match tool.method {
        "DELETE" => (format!("{}/{}", tool.path, path_word(arguments).map_err(wrong)?), None),
        "POST" => (tool.path.to_string(), Some(arguments)),
        _ => (tool.path.to_string(), None),
    };
    let (text, failed) = match client::call(tool.method, url, &path, body) {
        Ok(answer) => (answer.to_string(), false),
        Err(why) => (why.to_string(), true),
    };
    let content = object([("type", "text".into()), ("text", text.into())]);
    Ok(object([("content", Json::Arr(vec![content])), ("isError", failed.into())]))
}

fn check(kind: Kind, value: Option<&Json>) -> Result<(), &'static str> {
    match (kind, value) {
        (Kind::Needed, None) => Err("is missing"),
        (_, None) | (Kind::Needed | Kind::Text, Some(Json::Str(_))) => Ok(()),
        (Kind::Texts, Some(Json::Arr(items))) if items.iter().all(|i| i.as_str().is_some()) => {
            Ok(())
        }
        (Kind::Texts, _) => Err("must be an array of strings"),
        _ => Err("must be a string"),
    }
}

/// The name as a word of a path.
fn path_word(arguments: &Json) -> Result<&str, String> {
    match arguments.text("name") {
        name if provisioning_shared::valid_name(name) => Ok(name),
        name => Err(format!("'{name}' is not a name of 1 to 63 characters out of a-z, 0-9 and -")),
    }
}
