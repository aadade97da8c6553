"""The inventory of a workspace, held against what cargo itself says about it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import CargoComponent
from slipway.packagers.inventory import plan_sboms
from slipway.packagers.inventory.gather import inventory_path
from slipway.packagers.inventory.parts import Inventory
from slipway.rules import SbomRules

pytestmark = pytest.mark.slow

VENDORED = {
    ("alpha", "1.0.0"): ("MIT/Apache-2.0", '[dependencies]\nbeta = "1"\n[dev-dependencies]\ndelta = "1"\n'),
    ("beta", "1.2.0"): ("Zlib", ""),
    ("beta", "2.0.0"): ("ISC", ""),
    ("delta", "1.0.0"): ("MIT", ""),
    ("made", "0.1.0"): ("0BSD", ""),
    ("onwindows", "0.3.0"): ("MIT OR Unlicense", ""),
}
WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["app", "lib"]\nresolver = "2"\n[workspace.dependencies]\nalpha = "1"\n',
    "app/Cargo.toml": """\
[package]
name = "app"
version = "1.2.3"
edition = "2021"
[dependencies]
alpha.workspace = true
lib = { path = "../lib" }
[target.'cfg(windows)'.dependencies]
onwindows = "0.3"
[build-dependencies]
made = "0.1"
[dev-dependencies]
delta = "1"
""",
    "app/src/main.rs": "fn main() {}\n",
    "lib/Cargo.toml": """\
[package]
name = "lib"
version = "0.9.0"
edition = "2021"
[dependencies]
new = { package = "beta", version = "2" }
""",
    "lib/src/lib.rs": "",
    ".cargo/config.toml": '[source.crates-io]\nreplace-with = "third"\n[source.third]\ndirectory = "third"\n',
}


def write(root: Path) -> None:
    """A workspace whose crates are all vendored, so that cargo needs no network."""
    files = dict(WORKSPACE)
    for (name, version), (said, needs) in VENDORED.items():
        folder = f"third/{name}-{version}"
        files[f"{folder}/Cargo.toml"] = f'[package]\nname = "{name}"\nversion = "{version}"\nlicense = "{said}"\n{needs}'
        files[f"{folder}/src/lib.rs"] = ""
        digest = hashlib.sha256(folder.encode()).hexdigest()
        files[f"{folder}/.cargo-checksum.json"] = json.dumps({"files": {}, "package": digest})
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def cargo(root: Path, *words: str) -> str:
    return subprocess.run(["cargo", *words], cwd=root, check=True, capture_output=True, text=True).stdout


def needed(said: dict[str, Any], package: str) -> dict[tuple[str, str], str | None]:
    """The packages that one needs for anything but its tests, and the licence of each, as cargo has it."""
    packages = {each["id"]: each for each in said["packages"]}
    nodes = {each["id"]: each["deps"] for each in said["resolve"]["nodes"]}
    waiting, seen = [next(key for key, each in packages.items() if each["name"] == package)], set()
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += [each["pkg"] for each in nodes[one] if any(kind["kind"] != "dev" for kind in each["dep_kinds"])]
    return {(packages[one]["name"], packages[one]["version"]): packages[one]["license"] for one in seen}


@pytest.mark.req("S0-13", "S3-14")
@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_the_same_crates_that_cargo_names(version: str, tmp_path: Path) -> None:
    root = tmp_path / "work space"
    write(root)
    cargo(root, "generate-lockfile", "--offline")
    lock = root / "Cargo.lock"
    # Before version 3 a lock does not say its version; apart from that, all three are alike here.
    said = {"2": "", "3": "version = 3\n", "4": "version = 4\n"}[version]
    lock.write_text(lock.read_text().replace("version = 4\n", said))
    app = CargoComponent(name="app", path=root, package="app", binaries=("app",))
    project = sample.project(tmp_path / "project", components=(app,), services=(), sbom=SbomRules(formats=("spdx",)))
    made = sample.release(tmp_path, project=project)
    plan_sboms(made)[0].run()
    crates = [part for part in Inventory.load(inventory_path(made)).parts if part.kind == "crate"]
    known = needed(json.loads(cargo(root, "metadata", "--offline", "--locked", "--format-version=1")), "app")
    wanted = {crate: (license_ or "").replace("/", " OR ") for crate, license_ in known.items()}
    assert {(part.name, part.version): part.license.expression for part in crates} == wanted
    assert ("delta", "1.0.0") not in wanted
    sums = {part.sha256 for part in crates if part.purl}
    assert sums == {hashlib.sha256(f"third/{part.name}-{part.version}".encode()).hexdigest() for part in crates if part.purl}
