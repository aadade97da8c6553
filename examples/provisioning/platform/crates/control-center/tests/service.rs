//! Starts the control center without an orchestrator, and with a made-up one.

use provisioning_shared::client::send;
use provisioning_shared::http::{Request, Response};
use provisioning_shared::json::Json;
use provisioning_shared::server::Server;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_provisioning-control-center");

/// A started program; it ends with the test, also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(orchestrator: &str) -> (Running, String) {
    let mut child = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--orchestrator", orchestrator])
        .env("PROVISIONING_CONFIG_DIR", "/nonexistent")
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let child = Running(child);
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).unwrap();
    let url = format!("http://{}", line.trim().rsplit(' ').next().unwrap());
    (child, url)
}

/// An orchestrator with one server.
fn orchestrator(request: &Request) -> Response {
    let body = match request.path.as_str() {
        "/health" => r#"{"status":"ok"}"#,
        "/version" => r#"{"version":"9.9"}"#,
        "/api/v1/servers" => r#"{"servers":[{"name":"<web>"}]}"#,
        _ => "{}",
    };
    Response::json(200, &Json::parse(body).unwrap())
}

#[test]
fn shows_an_orchestrator() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.address());
    std::thread::spawn(move || server.run(Arc::new(orchestrator)));
    let (_child, url) = start(&address);
    let (status, page) = send("GET", &url, "/", None).unwrap();
    assert!(
        status == 200 && page.contains("<td>&lt;web&gt;</td>") && page.contains("9.9"),
        "{page}"
    );
    let (_, state) = send("GET", &url, "/api/status", None).unwrap();
    let state = Json::parse(&state).unwrap();
    assert_eq!((state.text("version"), state.list("servers").len()), ("9.9", 1));
}

#[test]
fn works_without_an_orchestrator() {
    let (_child, url) = start("http://127.0.0.1:1");
    let (status, page) = send("GET", &url, "/", None).unwrap();
    assert!(status == 200 && page.contains("orchestrator not reachable"), "{page}");
    let (status, state) = send("GET", &url, "/api/status", None).unwrap();
    let state = Json::parse(&state).unwrap();
    assert_eq!((status, state.get("reachable")), (200, Some(&Json::Bool(false))));
    assert_eq!(send("GET", &url, "/health", None).unwrap().0, 200);
    assert_eq!(send("GET", &url, "/x", None).unwrap().0, 404);
    assert_eq!(send("POST", &url, "/", None).unwrap().0, 405);
}
