//! What the programs have in common: the start, the exit code, and serving until a signal.

use crate::args::Args;
use crate::http::{Request, Response};
use crate::log::{log, Level};
use crate::server::Server;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Why a program ends without success.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// It was called in a wrong way: exit code 2.
    Usage(String),
    /// It could not do its work: exit code 1.
    Failed(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Failed(why)
    }
}

/// Runs a program: parses the arguments, answers --help and --version, does the work.
pub fn run(
    name: &str,
    help: &str,
    options: &[&str],
    switches: &[&str],
    work: impl FnOnce(Args) -> Result<(), Failure>,
) -> ExitCode {
    let switches = [&["--help", "-h", "--version", "-V"], switches].concat();
    let result = Args::parse(std::env::args_os().skip(1), options, &switches);
    let result = result.map_err(Failure::Usage).and_then(|args| {
        if args.has("--help") || args.has("-h") {
            crate::out(help.trim());
        } else if args.has("--version") || args.has("-V") {
            crate::out(&format!("{name} {}", crate::VERSION));
        } else {
            return work(args);
        }
        Ok(())
    });
    let (why, code) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => (why, 1),
        Err(Failure::Usage(why)) => (format!("{why} (try {name} --help)"), 2),
    };
    let _ = writeln!(std::io::stderr().lock(), "{name}: error: {why}");
    ExitCode::from(code)
}

/// Refuses words that are not options.
pub fn no_words(args: &Args) -> Result<(), Failure> {
    match args.words.first() {
        Some(word) => Err(Failure::Usage(format!("unexpected argument '{word}'"))),
        None => Ok(()),
    }
}

/// Serves until the program is told to stop.
pub fn serve(
    listen: &str,
    handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> Result<(), String> {
    let server = Server::bind(listen).map_err(|why| format!("cannot listen on {listen}: {why}"))?;
    let stopper = server.stopper();
    let stop = move || {
        log(Level::Info, "stopping");
        stopper.stop();
    };
    crate::signal::on_stop(stop).map_err(|why| format!("cannot handle signals: {why}"))?;
    log(Level::Info, format!("listening on {}", server.address()));
    server.run(Arc::new(handler));
    log(Level::Info, "stopped");
    Ok(())
}
