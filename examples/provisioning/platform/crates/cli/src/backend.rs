//! Where a command does its work: at an orchestrator, or in a folder of this machine.

use provisioning_shared::api::Api;
use provisioning_shared::args::Args;
use provisioning_shared::client::{self, Error};
use provisioning_shared::config::first;
use provisioning_shared::daemon::Failure;
use provisioning_shared::dirs::Dirs;
use provisioning_shared::http::Request;
use provisioning_shared::json::Json;
use provisioning_shared::store::Store;
use provisioning_shared::toml::Document;
use std::path::Path;

const HINT: &str = "start provisioning-orchestrator, name another one with --orchestrator URL, \
                    or work without one with --local DIR";

/// What answers the calls.
pub enum Backend {
    /// The orchestrator at a URL.
    Remote(String),
    /// The same API on a folder of this machine.
    Local(Box<Api>),
}

impl Backend {
    /// Takes the first that is given: a flag, a variable, a setting.
    pub fn choose(args: &Args, dirs: &Dirs, settings: &Document) -> Result<Backend, Failure> {
        let (url, folder) = (args.value("--orchestrator"), args.value("--local"));
        if url.is_some() && folder.is_some() {
            return Err(Failure::Usage("give --orchestrator or --local, not both".into()));
        }
        let url_env = dirs.env("PROVISIONING_ORCHESTRATOR");
        let folder_env = dirs.env("PROVISIONING_DATA_DIR");
        let sources = [
            (url, folder),
            (url_env.as_deref(), None),
            (None, folder_env.as_deref()),
            (Some(settings.text("orchestrator_url")), Some(settings.text("data_dir"))),
        ];
        for (url, folder) in sources {
            match (first([url]), first([folder])) {
                ("", "") => continue,
                ("", folder) => return Self::local(Path::new(folder), dirs, settings),
                (url, _) => {
                    client::split_url(url).map_err(Failure::Usage)?;
                    return Ok(Backend::Remote(url.to_string()));
                }
            }
        }
        Err(Failure::Failed(format!("no orchestrator is configured; {HINT}")))
    }

    fn local(folder: &Path, dirs: &Dirs, settings: &Document) -> Result<Backend, Failure> {
        let store =
            Store::open(folder).map_err(|why| format!("cannot use {}: {why}", folder.display()))?;
        let taskservs = dirs.share_dir(settings.text("taskservs_dir"), "taskservs");
        let providers = dirs.share_dir(settings.text("providers_dir"), "providers");
        Ok(Backend::Local(Box::new(Api::new(store, taskservs, providers))))
    }

    /// Calls the API.
    pub fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json, Failure> {
        let result = match self {
            Backend::Remote(url) => client::call(method, url, path, body),
            Backend::Local(api) => {
                let body = body.map(Json::to_string).unwrap_or_default().into_bytes();
                let request = Request { method: method.into(), path: path.into(), body };
                let response = api.handle(&request);
                client::decode(response.status, &response.body).unwrap_or(Ok(Json::Null))
            }
        };
        result.map_err(|why| match why {
            Error::Unreachable(_) => Failure::Failed(format!("{why}; {HINT}")),
            Error::Refused(_, why) => Failure::Failed(why),
        })
    }
}
