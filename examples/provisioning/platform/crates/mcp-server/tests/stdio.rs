//! Runs the MCP server against an orchestrator's API.

use provisioning_shared::api::Api;
use provisioning_shared::json::Json;
use provisioning_shared::server::Server;
use provisioning_shared::store::Store;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The answers to calls of tools, as text and whether they failed.
fn call(url: &str, calls: &[(&str, &str)]) -> Vec<(String, bool)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_provisioning-mcp-server"))
        .env("PROVISIONING_ORCHESTRATOR", url)
        .env("PROVISIONING_CONFIG_DIR", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for (name, arguments) in calls {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        writeln!(stdin, r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
            .unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let read = |line: &str| {
        let result = Json::parse(line).unwrap().get("result").cloned().unwrap();
        let text = result.list("content")[0].text("text").to_string();
        (text, result.get("isError") == Some(&Json::Bool(true)))
    };
    String::from_utf8(output.stdout).unwrap().lines().map(read).collect()
}

#[test]
fn tools_reach_the_orchestrator() {
    let data = std::env::temp_dir().join(format!("prov-mcp-{}", std::process::id()));
    let api = Api::new(Store::open(&data).unwrap(), None, None);
    let server = Server::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.address());
    std::thread::spawn(move || server.run(Arc::new(move |request: &_| api.handle(request))));
    let answers = call(
        &url,
        &[
            ("health", "{}"),
            ("server_create", r#"{"name":"web-1"}"#),
            ("server_create", r#"{"name":"web-1"}"#),
            ("cluster_create", r#"{"name":"c","servers":["web-1"],"taskservs":["etcd"]}"#),
            ("server_delete", r#"{"name":"web-1"}"#),
            ("cluster_list", "{}"),
            ("cluster_delete", r#"{"name":"c"}"#),
            ("server_delete", r#"{"name":"web-1"}"#),
            ("server_list", "{}"),
            ("taskserv_list", "{}"),
        ],
    );
    let failed: Vec<bool> = answers.iter().map(|answer| answer.1).collect();
    assert_eq!(failed, [false, false, true, false, true, false, false, false, false, false]);
    assert_eq!(answers[0].0, r#"{"status":"ok"}"#);
    assert!(answers[2].0.contains("exists already") && answers[4].0.contains("uses the server"));
    assert_eq!(answers[8].0, r#"{"servers":[]}"#);
    std::fs::remove_dir_all(&data).unwrap();
}
