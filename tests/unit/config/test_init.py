"""The first slipway.toml of a project: it works as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.components import CargoComponent
from slipway.config.init import starting_file
from slipway.config.load import load_project
from slipway.config.source import read_version
from slipway.errors import ConfigError
from slipway.model import Project

# As the crate registry has it: the package is fd-find, the binary fd.
FD = """\
[package]
edition = "2024"
name = "fd-find"
version = "10.5.0"
authors = ["David Peter <mail@david-peter.de>"]
description = "fd is a simple, fast and user-friendly alternative to find."
homepage = "https://github.com/sharkdp/fd"
license = "MIT OR Apache-2.0"
repository = "https://github.com/sharkdp/fd"

[[bin]]
name = "fd"
path = "src/main.rs"
"""


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def started(root: Path) -> Project:
    (root / "slipway.toml").write_text(starting_file(root))
    return load_project(root / "slipway.toml")


def binaries(root: Path) -> dict[str, tuple[str, ...]]:
    return {part.package: part.binaries for part in started(root).components if isinstance(part, CargoComponent)}


def test_a_package_whose_binary_has_another_name(tmp_path: Path) -> None:
    files = {"Cargo.toml": FD, "src/main.rs": "", "LICENSE-MIT": "", "README.md": "", "CHANGELOG.md": "", "news.d/x": ""}
    project = started(put(tmp_path, files))
    assert project.components == (CargoComponent(name="fd-find", path=tmp_path, package="fd-find", binaries=("fd",)),)
    assert (project.name, project.license, project.homepage) == ("fd-find", "MIT OR Apache-2.0", "https://github.com/sharkdp/fd")
    assert project.summary == "fd is a simple, fast and user-friendly alternative to find"
    assert project.maintainer == "David Peter <mail@david-peter.de>"
    assert [path.name for path in project.documents] == ["README.md", "CHANGELOG.md", "LICENSE-MIT"]
    assert project.install.health == ("fd", "--version")
    assert str(read_version(project.version, project.root, None)) == "10.5.0"


def test_the_file_is_short_and_commented(tmp_path: Path) -> None:
    text = starting_file(put(tmp_path, {"Cargo.toml": FD, "src/main.rs": "", "README.md": ""}))
    assert len(text.splitlines()) < 30
    assert text.startswith("# ")
    assert "docs/reference/slipway.toml.md" in text


def test_a_package_that_says_almost_nothing(tmp_path: Path) -> None:
    project = started(put(tmp_path, {"Cargo.toml": '[package]\nname = "My_Tool"\n', "src/main.rs": ""}))
    assert (project.name, project.summary) == ("my-tool", "my-tool")
    assert project.components == (CargoComponent(name="my-tool", path=tmp_path, package="My_Tool", binaries=("My_Tool",)),)
    assert project.version.source == "git"


def test_texts_with_quotes_and_breaks_stay_what_they_are(tmp_path: Path) -> None:
    text = '[package]\nname = "ab"\nversion = "1.0.0"\ndescription = """Say \\"hi\\"\n  to C:\\\\."""\nhomepage = "none"\n'
    project = started(put(tmp_path, {"Cargo.toml": text, "src/main.rs": ""}))
    assert (project.summary, project.homepage) == ('Say "hi" to C:\\', "")


@pytest.mark.parametrize(
    ("manifest", "files", "found"),
    [
        ('edition = "2021"', ["src/main.rs"], ("ab",)),
        (
            'edition = "2021"',
            ["src/main.rs", "src/bin/one.rs", "src/bin/two/main.rs", "src/bin/two/part.rs"],
            ("ab", "one", "two"),
        ),
        ('edition = "2021"\ndefault-run = "two"', ["src/main.rs", "src/bin/two.rs"], ("two", "ab")),
        ('edition = "2021"\nautobins = false\n[[bin]]\nname = "x"', ["src/main.rs", "src/bin/y.rs"], ("x",)),
        ('edition = "2021"\n[[bin]]\nname = "x"\npath = "src/x.rs"', ["src/main.rs"], ("ab", "x")),
        ('[[bin]]\nname = "x"\npath = "src/x.rs"', ["src/main.rs"], ("x",)),
        (
            (
                'edition = "2021"\n[[bin]]\nname = "x"\nrequired-features = ["f"]\n'
                '[[bin]]\nname = "y"\nrequired-features = ["d"]\n'
                '[features]\ndefault = ["c"]\nc = ["d"]\nd = []\nf = []'
            ),
            ["src/bin/x.rs", "src/bin/y.rs"],
            ("y",),
        ),
    ],
)
def test_binaries_as_cargo_finds_them(tmp_path: Path, manifest: str, files: list[str], found: tuple[str, ...]) -> None:
    head = f'[package]\nname = "ab"\nversion = "1.0.0"\n{manifest}\n'
    put(tmp_path, {"Cargo.toml": head, **dict.fromkeys(files, "fn main() {}\n")})
    assert binaries(tmp_path) == {"ab": found}


@pytest.mark.slow
@pytest.mark.parametrize("edition", ["2015", "2021"])
def test_cargo_agrees_about_the_binaries(tmp_path: Path, edition: str) -> None:
    head = f'[package]\nname = "ab"\nversion = "1.0.0"\nedition = "{edition}"\n'
    text = head + '[[bin]]\nname = "x"\npath = "src/main.rs"\n[workspace]\n'
    put(tmp_path, {"Cargo.toml": text} | dict.fromkeys(["src/main.rs", "src/bin/y.rs", "src/bin/z/main.rs"], "fn main() {}\n"))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CARGO_")}
    command = ["cargo", "build", "--offline", "--target-dir", str(tmp_path / "out")]
    subprocess.run(command, cwd=tmp_path, env=plain, check=True, capture_output=True)
    made = {
        path.name for path in (tmp_path / "out/debug").iterdir() if path.is_file() and not path.suffix and path.name[0] != "."
    }
    assert made == set(binaries(tmp_path)["ab"])


def test_a_workspace(tmp_path: Path) -> None:
    shared = (
        '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/out"]\n[workspace.package]\nversion = "2.1.0"\nlicense = "MIT"\n'
    )
    member = '[package]\nname = "{}"\nversion.workspace = true\nlicense.workspace = true\n'
    files = {"Cargo.toml": shared}
    for name, source in {"a": "src/main.rs", "b": "src/bin/b-tool.rs", "c": "src/lib.rs", "out": "src/main.rs"}.items():
        files |= {f"crates/{name}/Cargo.toml": member.format(name), f"crates/{name}/{source}": ""}
    root = put(tmp_path / "product", files)
    assert binaries(root) == {"a": ("a",), "b": ("b-tool",)}
    project = load_project(root / "slipway.toml")
    assert (project.name, project.license) == ("product", "MIT")
    assert str(read_version(project.version, root, None)) == "2.1.0"


def test_a_workspace_whose_members_have_their_own_versions(tmp_path: Path) -> None:
    member = '[package]\nname = "tool"\nversion = "0.3.0"\n'
    root = put(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["tool"]\n', "tool/Cargo.toml": member, "tool/src/main.rs": ""})
    project = started(root)
    assert (project.name, project.version.path) == ("tool", root / "tool/Cargo.toml")
    assert str(read_version(project.version, root, None)) == "0.3.0"


def test_what_is_there_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    root = put(tmp_path, {"Cargo.toml": FD, "src/main.rs": "", "slipway.toml": "mine"})
    with pytest.raises(ConfigError, match="exists already"):
        starting_file(root)
    assert "fd-find" in starting_file(root, replace=True)
    assert (root / "slipway.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "there is no such file"),
        ({"Cargo.toml": "[package"}, "cannot be read"),
        ({"Cargo.toml": '[package]\nname = "a"\n', "src/lib.rs": ""}, "no package in it has a binary"),
    ],
)
def test_a_folder_that_gives_nothing_to_start_from(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        starting_file(put(tmp_path, files))
    assert str(tmp_path / "Cargo.toml") in caught.value.message
    assert caught.value.hint


@pytest.mark.slow
@pytest.mark.parametrize(("crate", "version", "binary"), [("hyperfine", "1.20.0", "hyperfine"), ("fd-find", "10.5.0", "fd")])
def test_crates_that_people_use(tmp_path: Path, crate: str, version: str, binary: str) -> None:
    head = '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n'
    manifest = f'{head}[dependencies]\n{crate} = "={version}"\n'
    scratch = put(tmp_path / "scratch", {"Cargo.toml": manifest, "src/lib.rs": ""})
    subprocess.run(["cargo", "vendor", "-q", "vendor"], cwd=scratch, check=True, capture_output=True)
    root = Path(shutil.copytree(scratch / "vendor" / crate, tmp_path / crate))
    assert binaries(root) == {crate: (binary,)}
