//! Starts the orchestrator, uses its API, and stops it.
#![cfg(unix)]

use provisioning_shared::client::{call, send, Error};
use provisioning_shared::json::Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_provisioning-orchestrator");

/// A started program; it ends with the test, also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it on a free port; gives its URL and what it logs.
fn start(data: &std::path::Path) -> (Running, String, BufReader<std::process::ChildStderr>) {
    let config = data.with_extension("toml");
    std::fs::write(&config, "listen = \"127.0.0.1:1\" # the flag wins\n").unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap(), "--data-dir"])
        .arg(data)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let child = Running(child);
    let mut line = String::new();
    while !line.contains("listening on ") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
    }
    let url = format!("http://{}", line.trim().rsplit(' ').next().unwrap());
    (child, url, log)
}

fn post(url: &str, path: &str, body: &str) -> Result<Json, Error> {
    call("POST", url, path, Some(&Json::parse(body).unwrap()))
}

#[test]
fn serves_and_stops() {
    let data = std::env::temp_dir().join(format!("prov-orchestrator-{}", std::process::id()));
    let (mut child, url, mut log) = start(&data);
    assert_eq!(call("GET", &url, "/health", None).unwrap().to_string(), r#"{"status":"ok"}"#);
    let version = call("GET", &url, "/version", None).unwrap();
    assert_eq!(version.text("name"), "provisioning-orchestrator");
    assert_eq!(post(&url, "/api/v1/servers", r#"{"name":"web-1"}"#).unwrap().text("name"), "web-1");
    let again = post(&url, "/api/v1/servers", r#"{"name":"web-1"}"#);
    assert!(matches!(again, Err(Error::Refused(409, _))));
    let cluster = r#"{"name":"web","servers":["web-1"],"taskservs":["etcd"]}"#;
    let cluster = post(&url, "/api/v1/clusters", cluster).unwrap();
    let workflow = format!("/api/v1/workflows/{}", cluster.text("workflow"));
    let workflow = call("GET", &url, &workflow, None).unwrap();
    assert_eq!(workflow.joined("steps", ","), "install etcd on web-1");
    assert_eq!(send("GET", &url, "/nowhere", None).unwrap().0, 404);
    assert_eq!(send("PUT", &url, "/health", None).unwrap().0, 405);
    assert_eq!(send("POST", &url, "/api/v1/servers", None).unwrap().0, 400);
    assert_eq!(call("DELETE", &url, "/api/v1/clusters/web", None).unwrap().text("deleted"), "web");

    let mut raw = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    raw.write_all(b"HEAD /health HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");

    let kill = Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    let told = Instant::now();
    assert!(kill.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(1));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("INFO stopped\n"), "{rest}");

    let (child, url, _log) = start(&data);
    let servers = call("GET", &url, "/api/v1/servers", None).unwrap();
    assert_eq!(servers.list("servers").len(), 1, "the data is kept");
    drop(child);
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::remove_file(data.with_extension("toml")).unwrap();
}

#[test]
fn wrong_usage() {
    for (args, code) in [
        (vec!["--nope"], 2),
        (vec!["word"], 2),
        (vec!["--listen", "x"], 2),
        (vec!["--config", "/nonexistent/file"], 1),
        (vec!["--data-dir", "/dev/null/x"], 1),
        (vec!["--help"], 0),
    ] {
        let output = Command::new(PROGRAM).args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}
