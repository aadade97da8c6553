//! `new server` and `new cluster`: print a file made from a template.

use crate::commands::checked;
use provisioning_shared::args::Args;
use provisioning_shared::config::first;
use provisioning_shared::daemon::Failure;
use provisioning_shared::dirs::Dirs;
use provisioning_shared::out;
use provisioning_shared::toml::Document;

/// Prints the template of a kind with its places filled in.
pub fn print(
    kind: &str,
    name: &str,
    args: &Args,
    dirs: &Dirs,
    settings: &Document,
) -> Result<(), Failure> {
    checked(name)?;
    let mut values = vec![("name", name.to_string())];
    for (key, default) in [("provider", "local"), ("plan", "small")] {
        let setting =
            settings.text(if key == "plan" { "defaults.plan" } else { "defaults.provider" });
        let value = first([args.value(&format!("--{key}")), Some(setting), Some(default)]);
        values.push((key, checked(value)?.to_string()));
    }
    for (key, option) in [("servers", "--server"), ("taskservs", "--taskserv")] {
        let names = args.values(option);
        names.iter().try_for_each(|name| checked(name).map(|_| ()))?;
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        values.push((key, quoted.join(", ")));
    }
    let folder = dirs.share_dir(settings.text("templates_dir"), "templates");
    let file =
        folder.ok_or("no folder of templates".to_string())?.join(format!("{kind}.toml.tmpl"));
    let text = std::fs::read_to_string(&file).map_err(|why| {
        format!(
            "cannot read the template {}: {why} (set templates_dir in provisioning.toml)",
            file.display()
        )
    })?;
    out(fill(&text, &values).trim_end());
    Ok(())
}

/// Puts the values in the places `{{key}}`.
fn fill(text: &str, values: &[(&str, String)]) -> String {
    let place = |text: String, (key, value): &(&str, String)| {
        text.replace(&format!("{{{{{key}}}}}"), value)
    };
    values.iter().fold(text.to_string(), place)
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_filled() {
        let values = [("name", "web".to_string()), ("plan", "s".to_string())];
        assert_eq!(
            super::fill("{{name}}-{{plan}} {{other}} {name}", &values),
            "web-s {{other}} {name}"
        );
    }
}
