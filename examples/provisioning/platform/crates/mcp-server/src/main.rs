//! The MCP server: JSON-RPC 2.0 over standard input and output, one message on each line.

mod rpc;
mod tools;

use provisioning_shared::config::{find, first};
use provisioning_shared::daemon::{no_words, run, Failure};
use provisioning_shared::{args::Args, client, dirs::Dirs};
use std::io;
use std::process::ExitCode;

const HELP: &str = "
Offers an orchestrator to MCP clients: JSON-RPC 2.0 over standard input and output.

Usage: provisioning-mcp-server [OPTIONS]

Options:
  --config FILE        read this file instead of provisioning.toml of the configuration folder
  --orchestrator URL   the orchestrator (default http://127.0.0.1:9080)
  -V, --version        print the version
  -h, --help           print this help

PROVISIONING_ORCHESTRATOR names the orchestrator as well. The end of the input ends the program.
";

fn main() -> ExitCode {
    run("provisioning-mcp-server", HELP, &["--config", "--orchestrator"], &[], start)
}

fn start(args: Args) -> Result<(), Failure> {
    no_words(&args)?;
    let dirs = Dirs::default();
    let settings = find(&dirs, None, args.value("--config"), "provisioning.toml")?;
    let env = dirs.env("PROVISIONING_ORCHESTRATOR");
    let configured = Some(settings.text("orchestrator_url"));
    let default = Some("http://127.0.0.1:9080");
    let url =
        first([args.value("--orchestrator"), env.as_deref(), configured, default]).to_string();
    client::split_url(&url).map_err(Failure::Usage)?;
    let result = rpc::serve(&mut io::stdin().lock(), &mut io::stdout(), &url);
    match result {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(why.to_string()))
        }
        _ => Ok(()),
    }
}
