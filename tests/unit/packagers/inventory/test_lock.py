"""Cargo.lock in all its versions, and what is said about one that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import ConfigError
from slipway.packagers.inventory.lock import Crate, Lock

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
SUM = "a" * 64
APP = '[[package]]\nname = "app"\nversion = "1.0.0"\ndependencies = [\n "{need}",\n]\n\n'
DEP = f'[[package]]\nname = "dep"\nversion = "0.3.1"\nsource = "{REGISTRY}"\n'
FULL = f"dep 0.3.1 ({REGISTRY})"
FORMS = {
    "1": APP.format(need=FULL) + DEP + f'\n[metadata]\n"checksum {FULL}" = "{SUM}"\n',
    "1 with a root": (
        f'[root]\nname = "app"\nversion = "1.0.0"\ndependencies = ["{FULL}"]\n{DEP}[metadata]\n"checksum {FULL}" = "{SUM}"\n'
    ),
    "2": APP.format(need="dep") + DEP + f'checksum = "{SUM}"\n',
    "3": "version = 3\n\n" + APP.format(need="dep 0.3.1") + DEP + f'checksum = "{SUM}"\n',
    "4": "version = 4\n\n"
    + APP.format(need="dep")
    + DEP
    + f'checksum = "{SUM}"\n\n[[patch.unused]]\nname = "x"\nversion = "1"\n',
}
MALFORMED = [
    ("version = 4\n[[package]\n", 2, "cannot be read"),
    ('[[package]]\nname = "a"\n', 1, "a package has no version"),
    ('[[package]]\nname = 7\nversion = "1"\n', 2, "a package has no name"),
    ('package = "x"\n', 1, "no array of tables"),
    ("package = [1]\n", 1, "is no table"),
    ("root = 1\n", 1, "root is no table"),
    ("metadata = 1\n", 1, "metadata is no table"),
    ('[[package]]\nname = "a"\nversion = "1"\nsource = "r+x"\nchecksum = "12"\n', 5, "not 64 hexadecimal digits"),
    ('[[package]]\nname = "a"\nversion = "1"\ndependencies = 3\n', 4, "dependencies is no array"),
    ('[[package]]\nname = "a"\nversion = "1"\ndependencies = [\n "b",\n]\n', 5, "'b' is none of the packages"),
    ('[[package]]\nname = "a"\nversion = "1"\ndependencies = ["a", 3]\n', 4, "3 is none of the packages"),
    (
        "".join(f'[[package]]\nname = "a"\nversion = "{number}"\n' for number in (1, 2)) + 'dependencies = [\n "a",\n]\n',
        8,
        "'a' is more than one of the packages",
    ),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "Cargo.lock"
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_version_says_the_same(form: str, tmp_path: Path) -> None:
    lock = Lock.read(write(tmp_path, FORMS[form]))
    app, dep = Crate(name="app", version="1.0.0"), Crate(name="dep", version="0.3.1", source=REGISTRY, checksum=SUM)
    assert lock.needs == {app.id: (dep,), dep.id: ()}
    assert lock.member("app") == app


def test_a_path_package_and_a_crate_of_one_name_and_version(tmp_path: Path) -> None:
    own = '[[package]]\nname = "dep"\nversion = "0.3.1"\n\n'
    lock = Lock.read(write(tmp_path, APP.format(need="dep 0.3.1") + own + DEP))
    assert [each.source for each in lock.needs["app", "1.0.0", ""]] == [""]
    lock = Lock.read(write(tmp_path, APP.format(need=FULL) + own + DEP))
    assert [each.source for each in lock.needs["app", "1.0.0", ""]] == [REGISTRY]


def test_a_commit_that_a_need_leaves_out(tmp_path: Path) -> None:
    git = "git+https://git.example/dep?tag=v1"
    crates = "".join(f'[[package]]\nname = "dep"\nversion = "0.3.1"\nsource = "{git}{end}"\n' for end in ("#abc", "2#abc"))
    lock = Lock.read(write(tmp_path, APP.format(need=f"dep 0.3.1 ({git})") + crates))
    assert [each.source for each in lock.needs["app", "1.0.0", ""]] == [f"{git}#abc"]


@pytest.mark.parametrize(("text", "line", "message"), MALFORMED)
def test_a_damaged_lock_is_named_with_its_line(text: str, line: int, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        Lock.read(path)
    assert (caught.value.file, caught.value.line) == (path, line)
    assert message in caught.value.message
    assert caught.value.hint


def test_a_lock_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which crates are linked"):
        Lock.read(tmp_path / "Cargo.lock")
    (tmp_path / "Cargo.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        Lock.read(tmp_path / "Cargo.lock")


def test_a_package_that_the_lock_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not know the package dep"):
        Lock.read(write(tmp_path, FORMS["4"])).member("dep")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(FORMS["4"]) - 1), char=st.sampled_from(['"', "]", "[", "\n", "x", "=", "\0", " "]))
def test_damage_anywhere_is_an_error_or_none(place: int, char: str, tmp_path: Path) -> None:
    text = FORMS["4"]
    try:
        Lock.read(write(tmp_path, text[:place] + char + text[place + 1 :]))
    except ConfigError as error:
        assert error.file == tmp_path / "Cargo.lock"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=st.lists(st.lists(st.integers(0, 11), max_size=4), min_size=1, max_size=12))
def test_what_is_reached_is_closed(graph: list[list[int]], tmp_path: Path) -> None:
    count = len(graph)
    tables = [
        f'[[package]]\nname = "p{number}"\nversion = "1.0.0"\ndependencies = {[f"p{need % count}" for need in needs]!r}\n'
        for number, needs in enumerate(graph)
    ]
    lock = Lock.read(write(tmp_path, "\n".join(tables)))
    found = lock.reached([lock.member("p0")], lambda crate: frozenset({"p1"}) if crate.name == "p0" else frozenset())
    assert lock.member("p0") in found
    assert all(need in found for needs in found.values() for need in needs)
