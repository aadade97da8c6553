//! The control center: a page and a status API that show the state of an orchestrator.

mod page;

use provisioning_shared::config::{check_listen, find, first};
use provisioning_shared::daemon::{no_words, run, serve, Failure};
use provisioning_shared::http::{Request, Response};
use provisioning_shared::json::{object, Json};
use provisioning_shared::{api, args::Args, client, dirs::Dirs};
use std::process::ExitCode;

const HELP: &str = "
Shows the state of an orchestrator as a web page.

Usage: provisioning-control-center [OPTIONS]

Options:
  --config FILE        read this file instead of control-center.toml of the configuration folder
  --listen ADDR:PORT   listen here (default 127.0.0.1:9081; port 0 takes a free one)
  --orchestrator URL   the orchestrator (default http://127.0.0.1:9080)
  -V, --version        print the version
  -h, --help           print this help

PROVISIONING_ORCHESTRATOR names the orchestrator as well. RUST_LOG sets the level of the log.
";

fn main() -> ExitCode {
    let options = ["--config", "--listen", "--orchestrator"];
    run("provisioning-control-center", HELP, &options, &[], start)
}

fn start(args: Args) -> Result<(), Failure> {
    no_words(&args)?;
    let dirs = Dirs::default();
    let settings = find(&dirs, None, args.value("--config"), "control-center.toml")?;
    let configured = Some(settings.text("listen"));
    let listen = first([args.value("--listen"), configured, Some("127.0.0.1:9081")]);
    check_listen(listen).map_err(Failure::Usage)?;
    let env = dirs.env("PROVISIONING_ORCHESTRATOR");
    let configured = Some(settings.text("orchestrator_url"));
    let default = Some("http://127.0.0.1:9080");
    let url =
        first([args.value("--orchestrator"), env.as_deref(), configured, default]).to_string();
    client::split_url(&url).map_err(Failure::Usage)?;
    Ok(serve(listen, move |request| answer(request, &url))?)
}

fn answer(request: &Request, url: &str) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => Response::html(page::render(&status(url))),
        ("GET", "/api/status") => Response::json(200, &status(url)),
        ("GET", "/health") => Response::json(200, &object([("status", "ok".into())])),
        ("GET", "/version") => Response::json(200, &api::version("provisioning-control-center")),
        (_, "/" | "/api/status" | "/health" | "/version") => Response::not_allowed("GET"),
        (_, path) => Response::error(404, &format!("nothing at {path}")),
    }
}

/// The state of the orchestrator; when it cannot be reached, `error` says why.
fn status(url: &str) -> Json {
    let shown = |reachable: bool, members: Vec<(String, Json)>| {
        let head = [("orchestrator", url.into()), ("reachable", reachable.into())];
        let head = head.map(|(key, value): (&str, Json)| (key.to_string(), value));
        Json::Obj(head.into_iter().chain(members).collect())
    };
    match collect(url) {
        Ok(members) => shown(true, members),
        Err(why) => shown(false, vec![("error".into(), why.to_string().into())]),
    }
}

fn collect(url: &str) -> Result<Vec<(String, Json)>, client::Error> {
    let health = client::call("GET", url, "/health", None)?.text("status").into();
    let version = client::call("GET", url, "/version", None)?.text("version").into();
    let mut members = vec![("health".to_string(), health), ("version".to_string(), version)];
    for kind in ["servers", "clusters", "workflows"] {
        let answer = client::call("GET", url, &format!("/api/v1/{kind}"), None)?;
        members.push((kind.to_string(), answer.list(kind).to_vec().into()));
    }
    Ok(members)
}
