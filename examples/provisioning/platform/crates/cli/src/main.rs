//! The command line of the provisioning platform.

mod backend;
mod commands;
mod templates;
mod validate;

use provisioning_shared::args::Args;
use provisioning_shared::daemon::{run, Failure};
use provisioning_shared::dirs::Dirs;
use provisioning_shared::{config, json::Json, out};
use std::process::ExitCode;

const HELP: &str = "
Manages servers and clusters of the provisioning platform.

Usage: provisioning [OPTIONS] COMMAND

Commands:
  validate config                    check the *.toml files of the configuration folder
  status                             tell whether the orchestrator works
  server create NAME [--provider P] [--plan X] [--file F]
  server list
  server delete NAME
  cluster create NAME [--server S]... [--taskserv T]... [--file F]
  cluster list
  cluster delete NAME
  taskserv list
  workflow list
  workflow show ID
  new server NAME [--provider P] [--plan X]              print a file for server create --file
  new cluster NAME [--server S]... [--taskserv T]...     print a file for cluster create --file

Options:
  --orchestrator URL   talk to this orchestrator (or set PROVISIONING_ORCHESTRATOR)
  --local DIR          work without an orchestrator; keep the state in DIR
                       (or set PROVISIONING_DATA_DIR)
  --config-dir DIR     the configuration folder (or set PROVISIONING_CONFIG_DIR)
  --json               print JSON
  -V, --version        print the version
  -h, --help           print this help

Exit codes: 0 success, 1 failure, 2 wrong usage.
";

const GLOBAL: [&str; 3] = ["--orchestrator", "--local", "--config-dir"];
const SERVER: [&str; 3] = ["--provider", "--plan", "--file"];
const CLUSTER: [&str; 3] = ["--server", "--taskserv", "--file"];

fn main() -> ExitCode {
    let options = [GLOBAL, SERVER, CLUSTER].concat();
    run("provisioning", HELP, &options, &["--json"], dispatch)
}

fn dispatch(args: Args) -> Result<(), Failure> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let specific: &[&str] = match words.as_slice() {
        ["server", "create", ..] => &SERVER,
        ["cluster", "create", ..] => &CLUSTER,
        ["new", "server", ..] => &SERVER[..2],
        ["new", "cluster", ..] => &CLUSTER[..2],
        _ => &[],
    };
    if let Some(option) = args.not_allowed(&[&GLOBAL[..], specific].concat()) {
        return Err(Failure::Usage(format!("{option} has no meaning for '{}'", words.join(" "))));
    }
    let dirs = Dirs::default();
    if words == ["validate", "config"] {
        return validate::config(&dirs, args.value("--config-dir"), args.has("--json"));
    }
    let settings = config::find(&dirs, args.value("--config-dir"), None, "provisioning.toml")?;
    if let ["new", kind @ ("server" | "cluster"), name] = words.as_slice() {
        return templates::print(kind, name, &args, &dirs, &settings);
    }
    let command = commands::Command { args: &args, dirs: &dirs, settings: &settings };
    let (answer, text) = command.run(&words)?;
    out(&if args.has("--json") { Json::to_string(&answer) } else { text });
    Ok(())
}
