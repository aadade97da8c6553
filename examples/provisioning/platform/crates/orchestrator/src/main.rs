//! The orchestrator: keeps servers, clusters and workflows and serves them over HTTP.

use provisioning_shared::api::Api;
use provisioning_shared::config::{check_listen, find, first};
use provisioning_shared::daemon::{no_words, run, serve, Failure};
use provisioning_shared::log::{log, Level};
use provisioning_shared::{args::Args, dirs::Dirs, store::Store};
use std::process::ExitCode;

const HELP: &str = "
Keeps servers, clusters and workflows and serves them over HTTP.

Usage: provisioning-orchestrator [OPTIONS]

Options:
  --config FILE        read this file instead of orchestrator.toml of the configuration folder
  --listen ADDR:PORT   listen here (default 127.0.0.1:9080; port 0 takes a free one)
  --data-dir DIR       keep the data here
  -V, --version        print the version
  -h, --help           print this help

RUST_LOG sets the level of the log: error, warn, info or debug; PROVISIONING_DEBUG=true means debug.
";

fn main() -> ExitCode {
    run("provisioning-orchestrator", HELP, &["--config", "--listen", "--data-dir"], &[], start)
}

fn start(args: Args) -> Result<(), Failure> {
    no_words(&args)?;
    let dirs = Dirs::default();
    let settings = find(&dirs, None, args.value("--config"), "orchestrator.toml")?;
    let configured = Some(settings.text("listen"));
    let listen = first([args.value("--listen"), configured, Some("127.0.0.1:9080")]);
    check_listen(listen).map_err(Failure::Usage)?;
    let data_dir = first([args.value("--data-dir"), Some(settings.text("data_dir"))]);
    let data_dir = dirs.data_dir(data_dir);
    let data_dir = data_dir.ok_or("no data folder: give --data-dir DIR or set HOME".to_string())?;
    let store = Store::open(&data_dir).and_then(|store| store.check_writable().map(|()| store));
    let store = store.map_err(|why| format!("cannot use {}: {why}", data_dir.display()))?;
    log(Level::Info, format!("keeping data in {}", data_dir.display()));
    let taskservs = dirs.share_dir(settings.text("taskservs_dir"), "taskservs");
    let providers = dirs.share_dir(settings.text("providers_dir"), "providers");
    let api = Api::new(store, taskservs, providers);
    Ok(serve(listen, move |request| api.handle(request))?)
}
