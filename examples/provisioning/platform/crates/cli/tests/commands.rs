//! Runs the built command.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A new folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("prov-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("config")).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Runs the command in local mode; gives the exit code, the output and the errors.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_provisioning"))
            .args(args)
            .current_dir(&self.0)
            .env("PROVISIONING_CONFIG_DIR", self.0.join("config"))
            .env("PROVISIONING_DATA_DIR", self.0.join("data"))
            .env_remove("PROVISIONING_ORCHESTRATOR")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        out
    }

    fn fails(&self, code: i32, args: &[&str]) -> String {
        let (found, _, err) = self.run(args);
        assert_eq!(found, code, "{args:?}: {err}");
        assert!(err.starts_with("provisioning: error: "), "{err}");
        err
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn version_and_help() {
    let folder = Folder::new("version");
    assert_eq!(
        folder.ok(&["--version"]),
        format!("provisioning {}\n", provisioning_shared::VERSION)
    );
    assert!(folder.ok(&["--help"]).contains("validate config"));
}

#[test]
fn servers_and_clusters_in_local_mode() {
    let folder = Folder::new("local");
    assert_eq!(folder.ok(&["server", "list"]), "no servers\n");
    let created = folder.ok(&["server", "create", "web-1", "--plan", "medium"]);
    assert_eq!(created, "server web-1 created (provider local, plan medium)\n");
    assert!(folder.fails(1, &["server", "create", "web-1"]).contains("exists already"));
    assert!(folder.ok(&["server", "list"]).contains("\nweb-1  local     medium  "));
    folder.ok(&["cluster", "create", "c", "--server", "web-1", "--taskserv=etcd"]);
    assert!(folder.ok(&["--json", "workflow", "list"]).contains("\"wf-000001\""));
    assert!(folder.ok(&["workflow", "show", "wf-000001"]).contains("  install etcd on web-1"));
    assert!(folder.fails(1, &["server", "delete", "web-1"]).contains("uses the server"));
    assert_eq!(folder.ok(&["cluster", "delete", "c"]), "cluster c deleted\n");
    assert_eq!(folder.ok(&["server", "delete", "web-1", "--json"]), "{\"deleted\":\"web-1\"}\n");
    assert!(folder.fails(1, &["server", "delete", "web-1"]).contains("there is no server"));
    folder.ok(&["--local", "other", "server", "create", "x"]);
    assert!(folder.0.join("other/servers/x.json").is_file());
}

#[test]
fn files_and_templates() {
    let folder = Folder::new("files");
    folder.write(
        "config/provisioning.toml",
        "templates_dir = \"templates\"\n[defaults]\nplan = \"p\"\n",
    );
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../templates");
    std::fs::create_dir(folder.0.join("templates")).unwrap();
    for name in ["server.toml.tmpl", "cluster.toml.tmpl"] {
        std::fs::copy(templates.join(name), folder.0.join("templates").join(name)).unwrap();
    }
    folder.write("s.toml", &folder.ok(&["new", "server", "a"]));
    assert!(folder.ok(&["server", "create", "--file", "s.toml"]).contains("server a created"));
    folder.write(
        "c.toml",
        &folder.ok(&["new", "cluster", "c", "--server", "a", "--taskserv", "etcd"]),
    );
    assert!(folder.ok(&["cluster", "create", "--file", "c.toml"]).contains("wf-000001"));
    folder.write("bad.toml", "name = \"b\"\nplans = 1\n");
    assert!(folder
        .fails(1, &["server", "create", "--file", "bad.toml"])
        .contains("bad.toml:2: plans"));
}

#[test]
fn validate_config() {
    let folder = Folder::new("validate");
    assert!(folder.fails(1, &["validate", "config"]).contains("no *.toml files"));
    folder.write("config/orchestrator.toml", "listen = \"127.0.0.1:1\"\n");
    assert!(folder.ok(&["validate", "config"]).ends_with("orchestrator.toml: ok\n"));
    folder.write("config/provisioning.toml", "# x\nwrong = 1\n");
    let (code, out, err) = folder.run(&["validate", "config"]);
    assert_eq!((code, err.as_str()), (1, "provisioning: error: 1 of 2 files have errors\n"));
    assert!(out.contains("provisioning.toml:2: error: wrong: this key is not known"), "{out}");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../config");
    folder.ok(&["validate", "config", "--config-dir", shipped.to_str().unwrap()]);
    assert!(folder.fails(1, &["server", "list"]).contains("provisioning.toml:2: wrong"));
}

#[test]
fn wrong_usage() {
    let folder = Folder::new("usage");
    let cases: [&[&str]; 7] = [
        &[],
        &["nope"],
        &["server", "create"],
        &["server", "list", "--plan", "x"],
        &["server", "list", "--local", "x", "--orchestrator", "http://x"],
        &["--orchestrator", "https://x", "server", "list"],
        &["--local"],
    ];
    for args in cases {
        folder.fails(2, args);
    }
    let message = folder.fails(1, &["--orchestrator", "http://127.0.0.1:1", "server", "list"]);
    assert!(message.contains("not reachable") && message.contains("--local DIR"), "{message}");
    folder.fails(1, &["server", "delete", "../x"]);
}
