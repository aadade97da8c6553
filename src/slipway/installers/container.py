"""install-NAME-container.sh: the project's image, set up with Docker or Podman."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from slipway.errors import ConfigError
from slipway.installers.options import GET, WHAT, WHERE, Option
from slipway.installers.scripts import Script, asked, rows_of, script_of, script_step, write_scripts
from slipway.installers.unix import TEMPLATES as UNIX
from slipway.manifest import digest_names, load_record, record_path
from slipway.model import Cell, Release
from slipway.render import render, sources
from slipway.rules import ContainerRules, target_port
from slipway.steps import Step

TEMPLATES: Final = "installers/container"
# How an image lies in a file beside the script.
ARCHIVES: Final = ("tar", "tar.gz", "tar.zst", "tar.xz")
SHARED: Final = (
    *("system", "user", "prefix", "downgrade", "uninstall", "purge", "no-start", "force"),
    *("insecure-skip-checksum", "dry-run", "explain", "json", "verbose", "quiet"),
)


def _flag(name: str, doc: str, sets: str, *, to: str = "1", default: str = "0") -> Option:
    return Option(name=name, group=WHAT, doc=doc, sets=sets, to=to, default=default)


def _valued(name: str, group: str, value: str, doc: str, **more: Any) -> Option:
    return Option(name=name, group=group, doc=doc, value=value, sets=more.pop("sets", f"want_{name.replace('-', '_')}"), **more)


OWN: Final = (
    Option(name="system", group=WHERE, doc="for the whole system: its file in /etc", sets="want_mode", to="system"),
    Option(name="user", group=WHERE, doc="for this user: its file in ~/.config", sets="want_mode", to="user"),
    _flag("version", "say which version this is", "want_version", default=""),
    _flag("uninstall", "remove the container and what was written for it; its volumes stay", "uninstall"),
    _flag("purge", "with --uninstall: remove the volumes and all they hold too", "purge"),
    _flag("no-start", "write what is needed, but do not start the container", "want_start", to="0", default="1"),
    _flag("force", "take over a container and a file of that name, whoever made or changed them", "force"),
    _valued("engine", WHAT, "NAME", "docker or podman (else: what answers)", choices=("docker", "podman")),
    _valued(
        "way",
        WHAT,
        "NAME",
        "compose, quadlet (podman and systemd) or engine (its own restart policy)",
        choices=("compose", "quadlet", "engine"),
    ),
    _valued("publish", WHAT, "LIST", "the ports to pass on, such as 80:8080,127.0.0.1:9090:9090"),
    _flag("no-health", "do not wait until the new container works", "want_health", to="0", default="1"),
    _valued("health-timeout", WHAT, "SECONDS", "how long the new container has to become healthy"),
    _valued("from", GET, "PATH", "a file with the image, or its folder (else: beside this script, else pulled)", sets="from"),
    _valued("image", GET, "NAME", "another name for the image, such as one of your own registry"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteContainerInstaller:
    """Render install-NAME-container.sh; `records` are those of image archives, which count as far as they are there."""

    name: str
    version: str
    summary: str
    image: str
    rules: ContainerRules
    records: tuple[Path, ...]
    overrides: Path
    script: Script
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render; raises VerificationError when a record cannot be read."""
        write_scripts(self.text(), (self.script,), self.release, self.digests)

    def text(self) -> str:
        """The text of the script."""
        rules, box = self.rules, self.name.replace(".", "-").replace("+", "-")
        script = self.script.target.name
        purpose = f"Set {self.name} {self.version} up in a container: {self.summary}."
        said = asked(self.name, purpose, rows_of(self.name, SHARED, _with_timeout(rules.health_timeout)))
        return render(
            f"{TEMPLATES}/install.sh.j2",
            overrides=self.overrides,
            name=self.name,
            version=self.version,
            script=script,
            **said,
            image=self.image,
            digest=rules.digest,
            archives=[_archive(path) for path in self.records if path.is_file()],
            service=box,
            network=rules.network,
            ports=[_port(port) for port in rules.ports],
            volumes=[{"key": key, "name": f"{box}-{key}", "place": place} for key, place in sorted(rules.volumes.items())],
            compose=_in_compose(rules),
            quadlet=_in_quadlet(self.summary, rules),
            plain={"environment": _pairs(rules.environment), "command": rules.command},
            health=rules.health,
            health_path=rules.health_path,
            health_port=_health_port(rules),
        )


def plan_container_installers(release: Release, *, cells: tuple[Cell, ...] | None = None) -> tuple[Step, ...]:
    """Plan install-NAME-container.sh, when a distribution for Linux was asked for; raises ConfigError without an image."""
    chosen = release.cells if cells is None else cells
    if not any(cell.platform.family == "linux" for cell in chosen):
        return ()
    project, rules = release.project, release.project.container
    if not rules.image:
        raise ConfigError(
            "there is no image for a container installer",
            file=project.file,
            key="container.image",
            hint='name it: [container] image = "registry.example/NAME:{version}"',
        )
    (name,) = container_script_names(release)
    run = WriteContainerInstaller(
        name=project.name,
        version=str(release.version),
        summary=project.summary,
        image=_image(release),
        rules=rules,
        records=tuple(record_path(release, archive) for archive in image_archives(release)),
        overrides=project.root,
        script=script_of(release, name),
        release=release.base,
        digests=digest_names(project),
    )
    templates = (path for folder in (TEMPLATES, UNIX) for path in sources(folder, overrides=project.root))
    return (script_step(name, run, (run.script,), templates),)


def container_script_names(release: Release) -> tuple[str, ...]:
    """The file names of the container installers that the project can have."""
    return (f"install-{release.project.name}-container.sh",)


def image_archives(release: Release) -> tuple[str, ...]:
    """The names under which the container installer looks for the image beside itself."""
    rows = {cell.platform.id for cell in release.matrix if cell.platform.oci.startswith("linux/")}
    return tuple(f"{release.base}-{platform}-image.{suffix}" for platform in sorted(rows) for suffix in ARCHIVES)


def _image(release: Release) -> str:
    version = str(release.version)
    # What stands behind a plus sign, a tag cannot hold.
    tag = release.project.version.tag_of(version).replace("+", "-")
    return release.project.container.image.replace("{tag}", tag).replace("{version}", version.replace("+", "-"))


def _with_timeout(seconds: int) -> tuple[Option, ...]:
    return tuple(replace(option, default=str(seconds)) if option.name == "health-timeout" else option for option in OWN)


def _archive(path: Path) -> Mapping[str, str]:
    made = load_record(path).artifact
    return {"sha256": made.digests["sha256"], "name": made.name}


def _port(port: str) -> str:
    """A port with its host's: `8080` is passed on as itself."""
    bare, mark, protocol = port.partition("/")
    address, _, number = bare.rpartition(":")
    if address.endswith("]") or (address.count(".") == 3 and ":" not in address):
        return f"{address}:{number}:{number}{mark}{protocol}"
    return port if address else f"{number}:{number}{mark}{protocol}"


def _health_port(rules: ContainerRules) -> int:
    known = [target_port(port) for port in rules.ports if not port.endswith("/udp")]
    return rules.health_port or next(iter(known), 0)


def _pairs(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(environment.items())]


def _in_compose(rules: ContainerRules) -> Mapping[str, object]:
    """JSON is YAML; compose reads `$$` as a dollar sign."""
    return {
        "environment": [_json(pair) for pair in _pairs(rules.environment)],
        "command": _json(rules.command) if rules.command else "",
        "health": _json(("CMD", *rules.health)) if rules.health else "",
    }


def _json(value: str | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _in_quadlet(summary: str, rules: ContainerRules) -> Mapping[str, object]:
    return {
        "summary": summary.replace("%", "%%"),
        "environment": [_systemd_word(pair) for pair in _pairs(rules.environment)],
        "command": " ".join(_systemd_word(word) for word in rules.command),
    }


def _systemd_word(text: str) -> str:
    """One word as systemd reads it in a command: percent and dollar signs mean something else there."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
