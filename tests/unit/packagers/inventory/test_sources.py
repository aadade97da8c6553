"""Licences: what crates say, wherever their sources are, and what happens where they are not."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from slipway.errors import ConfigError, SlipwayError
from slipway.licenses import normalised
from slipway.packagers.inventory import plan_sboms
from slipway.packagers.inventory.gather import inventory_path
from slipway.packagers.inventory.lock import Crate
from slipway.packagers.inventory.parts import Inventory, License
from slipway.packagers.inventory.requirements import required
from slipway.packagers.inventory.sources import Sources

from .conftest import CRATES_IO, Ground, Releasing

EXPRESSIONS = {
    "MIT": "MIT",
    "MIT/Apache-2.0": "MIT OR Apache-2.0",
    "mit / apache-2.0": "MIT OR Apache-2.0",
    "(MIT OR Apache-2.0) and Unicode-3.0": "(MIT OR Apache-2.0) AND Unicode-3.0",
    "Apache-2.0 WITH LLVM-exception OR Apache-2.0": "Apache-2.0 WITH LLVM-exception OR Apache-2.0",
    "GPL-2.0+": "GPL-2.0+",
    "Apache-2.0+": "Apache-2.0+",
    "LicenseRef-Own OR MIT": "LicenseRef-Own OR MIT",
    "((MIT))": "((MIT))",
    "": "",
    "non-standard": "",
    "Apache 2.0": "",
    "MIT OR": "",
    "OR MIT": "",
    "MIT AND (Zlib": "",
    "MIT)": "",
    "MIT WITH Zlib": "",
    "MIT WITH": "",
    "()": "",
}


@pytest.mark.parametrize(("said", "meant"), EXPRESSIONS.items())
def test_expressions(said: str, meant: str) -> None:
    assert normalised(said) == meant


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["MIT", "zlib", "AND", "or", "with", "LLVM-exception", "(", ")", "Nope", "/"]), max_size=7))
def test_what_is_accepted_another_reader_accepts(words: list[str]) -> None:
    found = normalised(" ".join(words))
    assert found == normalised(found)
    if found:
        assert get_spdx_licensing().validate(found).errors == []


def license_of(ground: Ground, name: str, checksum: str = "a" * 64) -> License | None:
    crate = Crate(name=name.rpartition("-")[0], version=name.rpartition("-")[2], source=CRATES_IO, checksum=checksum)
    return Sources.of(ground.root).licenses([crate]).get(crate)


def test_unpacked_sources(ground: Ground) -> None:
    texts = ("LICENSE-APACHE", "LICENSE-MIT")
    assert license_of(ground, "serde-1.0.138+note") == License(expression="MIT OR Apache-2.0", texts=texts)
    assert license_of(ground, "own-0.1.0") == License(file="TERMS", texts=("TERMS",))
    assert license_of(ground, "own-0.2.0") == License(said="Some terms of our own")
    assert license_of(ground, "own-0.3.0") is None


def test_packed_sources_say_the_same(ground: Ground) -> None:
    unpacked = license_of(ground, "serde-1.0.138+note")
    shutil.rmtree(ground.home / "registry" / "src")
    digest = ground.pack("serde-1.0.138+note")
    assert license_of(ground, "serde-1.0.138+note", digest) == unpacked
    assert license_of(ground, "serde-1.0.138+note", "0" * 64) is None


def test_of_two_registries_the_one_that_the_lock_means(ground: Ground) -> None:
    ground.unpack("wincon-3.0.0", "crates.example-2")
    other = ground.home / "registry/src/crates.example-2/wincon-3.0.0/Cargo.toml"
    other.write_text(other.read_text().replace("Zlib OR LicenseRef-Wincon", "ISC"))
    first, second = ground.pack("wincon-3.0.0"), ground.pack("wincon-3.0.0", "crates.example-2", 'license = "ISC"')
    assert license_of(ground, "wincon-3.0.0", first) == License(expression="Zlib OR LicenseRef-Wincon", texts=("COPYING",))
    assert license_of(ground, "wincon-3.0.0", second) == License(expression="ISC", texts=("COPYING",))


@pytest.mark.parametrize("folder", ["serde", "serde-1.0.138+note"])
def test_vendored_sources(ground: Ground, folder: str) -> None:
    vendored = shutil.move(ground.home / "registry/src/index.example-1/serde-1.0.138+note", ground.root / "third" / folder)
    assert license_of(ground, "serde-1.0.138+note") is None
    (ground.root / ".cargo").mkdir()
    (ground.root / ".cargo/config.toml").write_text('[source.vendored-sources]\ndirectory = "third"\n')
    found = license_of(ground, "serde-1.0.138+note")
    assert found is not None
    assert found.expression == "MIT OR Apache-2.0"
    Path(vendored, "Cargo.toml").write_text('[package]\nname = "serde"\nversion = "9.0.0"\nlicense = "MIT"\n')
    assert license_of(ground, "serde-1.0.138+note") is None


def test_a_table_that_only_the_whole_file_explains(ground: Ground) -> None:
    path = ground.home / "registry/src/index.example-1/serde-1.0.138+note/Cargo.toml"
    for text in (
        "[features]\n[package]\nlicense = 'MIT/Zlib'\n",
        '[package]\nlicense = """MIT/Zlib"""\n',
        "[package]\ndescription = '''\nlicense = \"ISC\"\n'''\nlicense = \"MIT/Zlib\"\n",
        '[package]\r\n"license" = "MIT/Zlib"\r\n',
        'package.license = "MIT/Zlib"\n',
    ):
        path.write_text(text, newline="")
        found = license_of(ground, "serde-1.0.138+note")
        assert found is not None
        assert found.expression == "MIT OR Zlib", text


def gathered(releasing: Releasing, **rules: object) -> Inventory:
    made = releasing(**rules)
    plan_sboms(made)[0].run()
    return Inventory.load(inventory_path(made))


def test_missing_sources_are_an_error_that_names_the_ways_out(ground: Ground, releasing: Releasing) -> None:
    shutil.rmtree(ground.home / "registry")
    with pytest.raises(SlipwayError) as caught:
        gathered(releasing)
    for text in ("own 0.1.0, serde 1.0.138+note, wincon 3.0.0", "cargo, which would fetch them, is not installed"):
        assert text in caught.value.message
    assert "licenses = false" in str(caught.value.hint)


def test_without_licenses_nothing_is_looked_up(ground: Ground, releasing: Releasing) -> None:
    whole = gathered(releasing, licenses=False)
    shutil.rmtree(ground.home)
    assert gathered(releasing, licenses=False) == whole
    said = {part.name: part.license.expression for part in whole.parts}
    assert (said["serde"], said["app"], said["core"]) == ("", "Apache-2.0", "MIT")


@pytest.mark.parametrize("fetches", [True, False])
def test_cargo_fetches_what_is_missing(
    fetches: bool, ground: Ground, releasing: Releasing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gathered(releasing)
    source = ground.home / "registry/src/index.example-1/serde-1.0.138+note"
    aside = shutil.move(source, tmp_path / "aside")
    program = tmp_path / "bin" / "cargo"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" > said\n[ {"1" if fetches else "0"} = 1 ] && /bin/cp -r "{aside}" "{source}"\necho no network\n'
        f"exit {0 if fetches else 101}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    if fetches:
        assert gathered(releasing) == whole
        assert (ground.root / "said").read_text() == "fetch --locked\n"
    else:
        with pytest.raises(SlipwayError, match="no network"):
            gathered(releasing)


def test_a_fetch_that_does_not_help(
    ground: Ground, releasing: Releasing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(ground.home / "git")
    (tmp_path / "cargo-0").mkdir()
    (tmp_path / "cargo-0/cargo").write_text("#!/bin/sh\n")
    (tmp_path / "cargo-0/cargo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "cargo-0"))
    with pytest.raises(SlipwayError, match=r"gitty 0\.5\.0\ncargo fetch --locked does not bring them"):
        gathered(releasing)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Cargo.toml", "workspace = 3\n"),
        ("Cargo.toml", "[workspace\n"),
        ("Cargo.toml", "[workspace]\nmembers = [1]\n"),
        ("app/Cargo.toml", '[package]\nname = "app"\n[target]\nx = 1\n'),
        ("app/Cargo.toml", "package = 1\n"),
        (".cargo/config.toml", "[source\n"),
        (".cargo/config.toml", '[source.x]\ndirectory = "third"\n'),
    ],
)
def test_what_cargo_would_refuse(name: str, text: str, ground: Ground, releasing: Releasing) -> None:
    (ground.root / "third/serde").mkdir(parents=True)
    (ground.root / "third/serde/Cargo.toml").write_text("[package\n")
    (ground.root / ".cargo").mkdir()
    (ground.root / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        gathered(releasing)
    assert caught.value.file is not None


def test_a_crate_file_that_is_none(ground: Ground) -> None:
    shutil.rmtree(ground.home / "registry" / "src")
    ground.pack("wincon-3.0.0")
    path = ground.home / "registry/cache/index.example-1/wincon-3.0.0.crate"
    for data in (b"no archive", path.read_bytes()[:60], gzip.compress(b"")):
        path.write_bytes(data)
        assert license_of(ground, "wincon-3.0.0", hashlib.sha256(data).hexdigest()) is None


def test_requirements_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        list(required(tmp_path / "requirements.txt"))
