//! Where the programs look for their configuration, data and shared files.

use std::path::{Path, PathBuf};

type Env = dyn Fn(&str) -> Option<String>;

/// What the search depends on: the environment and the place of the program.
pub struct Dirs {
    env: Box<Env>,
    exe_dir: Option<PathBuf>,
}

impl Default for Dirs {
    /// The environment and the place of this program.
    fn default() -> Self {
        let real = |exe: PathBuf| if cfg!(unix) { exe.canonicalize() } else { Ok(exe) };
        let exe = std::env::current_exe().and_then(real).ok();
        let exe_dir = exe.and_then(|exe| exe.parent().map(Path::to_path_buf));
        Dirs { env: Box::new(|name| std::env::var(name).ok()), exe_dir }
    }
}

impl Dirs {
    /// A variable of the environment; none when it is empty.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    fn home(&self, below: &str) -> Option<PathBuf> {
        let home = self.env("HOME").or_else(|| self.env("USERPROFILE"))?;
        Some(Path::new(&home).join(below))
    }

    /// `<dir of exe>/..` and a path below it.
    fn prefix(&self, below: &str) -> Option<PathBuf> {
        Some(self.exe_dir.as_ref()?.parent()?.join(below))
    }

    /// A folder named by an XDG variable, or its default in the home folder.
    fn xdg(&self, name: &str, default: &str) -> Option<PathBuf> {
        let base = self.env(name).map(PathBuf::from).filter(|path| path.is_absolute());
        base.or_else(|| self.home(default)).map(|base| base.join("provisioning"))
    }

    /// The folders that may hold the configuration when nobody names one, best first.
    pub fn config_candidates(&self) -> Vec<PathBuf> {
        let freebsd = cfg!(target_os = "freebsd").then(|| "/usr/local/etc/provisioning".into());
        let places = [
            self.xdg("XDG_CONFIG_HOME", ".config"),
            self.prefix("etc/provisioning"),
            freebsd,
            Some("/etc/provisioning".into()),
        ];
        places.into_iter().flatten().collect()
    }

    /// The configuration folder: the one named by a flag or PROVISIONING_CONFIG_DIR, or the
    /// first candidate there is.
    pub fn config_dir(&self, flag: Option<&str>) -> Option<PathBuf> {
        let named = flag.map(str::to_string).or_else(|| self.env("PROVISIONING_CONFIG_DIR"));
        let found = || self.config_candidates().into_iter().find(|path| path.is_dir());
        named.map(PathBuf::from).or_else(found)
    }

    /// The data folder: the configured one, or systemd's, or the user's.
    pub fn data_dir(&self, configured: &str) -> Option<PathBuf> {
        if !configured.is_empty() {
            return Some(configured.into());
        }
        let systemd = self.env("STATE_DIRECTORY");
        let systemd = systemd.and_then(|list| list.split(':').next().map(PathBuf::from));
        systemd.or_else(|| self.xdg("XDG_STATE_HOME", ".local/state"))
    }

    /// A folder of shared files: the configured one, or `<dir of exe>/../share/provisioning/NAME`.
    pub fn share_dir(&self, configured: &str, name: &str) -> Option<PathBuf> {
        if !configured.is_empty() {
            return Some(configured.into());
        }
        self.prefix("share/provisioning").map(|share| share.join(name))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn dirs(env: &'static [(&str, &str)]) -> Dirs {
        let get = |name: &str| env.iter().find(|var| var.0 == name).map(|var| var.1.to_string());
        Dirs { env: Box::new(get), exe_dir: Some("/opt/p/bin".into()) }
    }

    fn path(text: &str) -> Option<PathBuf> {
        Some(text.into())
    }

    #[test]
    fn configuration() {
        let mut expected = vec!["/h/.config/provisioning", "/opt/p/etc/provisioning"];
        if cfg!(target_os = "freebsd") {
            expected.push("/usr/local/etc/provisioning");
        }
        expected.push("/etc/provisioning");
        let found = dirs(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "")]).config_candidates();
        assert_eq!(found, expected.into_iter().map(PathBuf::from).collect::<Vec<_>>());
        let found = dirs(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]).config_candidates();
        assert_eq!(found[0], Path::new("/x/provisioning"));
        let named = dirs(&[("PROVISIONING_CONFIG_DIR", "/env")]);
        assert_eq!(named.config_dir(None), path("/env"));
        assert_eq!(named.config_dir(Some("/flag")), path("/flag"));
    }

    #[test]
    fn data_and_shared_files() {
        let env = dirs(&[("HOME", "/h"), ("STATE_DIRECTORY", "/s:/t")]);
        assert_eq!(env.data_dir("/conf"), path("/conf"));
        assert_eq!(env.data_dir(""), path("/s"));
        assert_eq!(dirs(&[("HOME", "/h")]).data_dir(""), path("/h/.local/state/provisioning"));
        let xdg = dirs(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")]);
        assert_eq!(xdg.data_dir(""), path("/x/provisioning"));
        assert_eq!(dirs(&[]).data_dir(""), None);
        assert_eq!(env.share_dir("", "taskservs"), path("/opt/p/share/provisioning/taskservs"));
        assert_eq!(env.share_dir("/t", "taskservs"), path("/t"));
    }
}
