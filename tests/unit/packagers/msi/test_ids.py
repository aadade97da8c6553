"""By which names Windows Installer knows the parts of a package."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.packagers.msi.ids import derived, file_names, identifier, upgrade_code

SAID = "2B3B1A4C-8B9E-4E62-9F57-0E0C4C6B5A11"
NAMES = st.text(st.characters(blacklist_characters='\\/:*?"<>|', blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def test_codes_never_change() -> None:
    # A code that changed would leave the old release of every user installed beside the new one.
    code = upgrade_code("hello", "x64", "machine")
    assert code == "{4E7425AF-E536-528F-A587-C49C4C23DFEB}"
    assert derived(code, "component", "bin/hello.exe") == "{DFB5CBEB-CC14-5441-AA12-596A9B2C5E80}"


def test_what_may_be_installed_side_by_side_has_its_own_code() -> None:
    codes = {upgrade_code(*words) for words in [("a", "x64", "machine"), ("a", "x64", "user"), ("b", "x64", "machine")]}
    assert len(codes) == 3


def test_a_project_can_bring_its_code() -> None:
    assert upgrade_code("hello", "x64", "machine", SAID.lower()) == f"{{{SAID}}}"
    assert upgrade_code("hello", "x64", "user", SAID) not in {f"{{{SAID}}}", upgrade_code("hello", "x64", "user")}


@given(st.lists(NAMES, min_size=2, max_size=20, unique=True))
def test_identifiers_are_short_and_apart(paths: list[str]) -> None:
    found = [identifier("c", path) for path in paths]
    assert len(set(found)) == len(paths)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,71}", each) for each in found)


@given(st.sets(NAMES, max_size=30))
def test_short_names_are_short_and_apart(names: set[str]) -> None:
    distinct = {name.casefold(): name for name in names}.values()
    found = file_names(distinct)
    assert {name: spelled.rpartition("|")[2] for name, spelled in found.items()} == {name: name for name in distinct}
    short = [spelled.partition("|")[0].upper() for spelled in found.values()]
    assert len(set(short)) == len(short)
    assert all(re.fullmatch(r"[A-Z0-9_~-]{1,8}(\.[A-Z0-9_-]{1,3})?", each) for each in short)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("LICENSE", "LICENSE"),
        ("hello.exe", "hello.exe"),
        ("hello-server.exe", "HELLO-~1.EXE|hello-server.exe"),
        (".hidden", "HIDDEN~1|.hidden"),
        ("日本", "FILE~1|日本"),
    ],
)
def test_short_names(name: str, spelled: str) -> None:
    assert file_names([name]) == {name: spelled}


def test_many_names_with_one_beginning() -> None:
    found = file_names(f"a long name {number}.txt" for number in range(2000))
    assert found["a long name 0.txt"] == "ALONGN~1.TXT|a long name 0.txt"
    assert len({each.partition("|")[0] for each in found.values()}) == 2000
