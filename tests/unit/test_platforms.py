"""The table of platforms and how platforms are asked for."""

from __future__ import annotations

import platform as host
import sys

import pytest

from slipway.errors import UsageError
from slipway.platforms import DOCUMENTED, FAMILIES, PLATFORMS, find_platform, host_platform, parts_of, select_platforms

SIX = tuple(PLATFORMS[name] for name in DOCUMENTED)


@pytest.mark.req("S0-53")
def test_the_six_documented_platforms_and_their_triples() -> None:
    assert {row.id: row.triple for row in SIX} == {
        "linux-amd64": "x86_64-unknown-linux-gnu",
        "linux-arm64": "aarch64-unknown-linux-gnu",
        "macos-amd64": "x86_64-apple-darwin",
        "macos-arm64": "aarch64-apple-darwin",
        "windows-amd64": "x86_64-pc-windows-gnu",
        "freebsd-amd64": "x86_64-unknown-freebsd",
    }


def test_no_name_means_two_platforms() -> None:
    names = [name for row in PLATFORMS.values() for name in row.names]
    assert len(names) == len(set(names))
    assert not {*FAMILIES, "all", "host"} & set(names)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("linux-amd64", "linux-amd64"),
        ("x86_64-unknown-linux-gnu", "linux-amd64"),
        ("linux/arm64", "linux-arm64"),
        ("linux-x86_64", "linux-amd64"),
        ("aarch64-linux-gnu", "linux-arm64"),
        ("x86_64-unknown-linux-musl", "linux-amd64-musl"),
        ("darwin-arm64", "macos-arm64"),
        ("macos-x86_64", "macos-amd64"),
        ("windows-x86_64", "windows-amd64"),
        ("freebsd/amd64", "freebsd-amd64"),
        ("universal2-apple-darwin", "macos-universal"),
        ("darwin-universal", "macos-universal"),
        ("macos-universal2", "macos-universal"),
    ],
)
def test_a_platform_has_several_names(asked: str, found: str) -> None:
    assert find_platform(asked) is PLATFORMS[found]


def test_a_universal_platform_is_made_of_both_and_of_no_documented_set() -> None:
    row = PLATFORMS["macos-universal"]
    assert [part.id for part in parts_of(row)] == ["macos-amd64", "macos-arm64"]
    assert row.id not in DOCUMENTED
    assert (row.deb, row.oci, row.archive) == ("", "", "tar.gz")
    assert all(parts_of(other) == (other,) for other in SIX)
    own = (PLATFORMS["linux-amd64"], PLATFORMS["macos-arm64"], row)
    assert [found.id for found in select_platforms("macos", own)] == ["macos-arm64", "macos-universal"]


@pytest.mark.req("S0-31")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("all", DOCUMENTED),
        ("linux", ("linux-amd64", "linux-arm64")),
        ("macos", ("macos-amd64", "macos-arm64")),
        ("windows,freebsd", ("windows-amd64", "freebsd-amd64")),
        ("macos-amd64,linux-amd64", ("linux-amd64", "macos-amd64")),
        (" linux-amd64 , ,linux-amd64", ("linux-amd64",)),
        ("linux/amd64,linux/arm64", ("linux-amd64", "linux-arm64")),
    ],
)
def test_a_list_of_platforms(text: str, found: tuple[str, ...]) -> None:
    assert tuple(row.id for row in select_platforms(text, SIX)) == found


@pytest.mark.req("S0-31")
@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("linux-amd46", "unknown platform 'linux-amd46'", "did you mean linux-amd64?"),
        ("widnows", "unknown platform 'widnows'", "did you mean windows?"),
        ("plan9", "unknown platform 'plan9'", "valid are linux-amd64, "),
        (",", "names no platform", "valid are linux-amd64, "),
        ("linux-amd64-musl", "does not release linux-amd64-musl", "valid are linux-amd64, "),
    ],
)
def test_an_unknown_platform_is_refused_with_the_valid_ones(text: str, told: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_platforms(text, SIX)
    assert told in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code == 2


def test_a_family_without_a_platform_is_refused() -> None:
    with pytest.raises(UsageError, match="no windows platform"):
        select_platforms("windows", [PLATFORMS["linux-amd64"]])


@pytest.mark.parametrize(
    ("system", "machine", "found"),
    [
        ("linux", "x86_64", "linux-amd64"),
        ("linux", "aarch64", "linux-arm64"),
        ("darwin", "arm64", "macos-arm64"),
        ("win32", "AMD64", "windows-amd64"),
        ("freebsd14", "amd64", "freebsd-amd64"),
    ],
)
def test_the_platform_of_this_machine(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, found: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(host, "machine", lambda: machine)
    row = host_platform()
    assert row.id.removesuffix("-musl") == found
    assert find_platform("host") == row
    assert select_platforms("host", []) == (row,)


def test_an_unknown_machine_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "machine", lambda: "vax")
    with pytest.raises(UsageError, match="PLATFORMS="):
        host_platform()


@pytest.mark.req("S0-52")
def test_windows_files_differ_and_all_others_do_not() -> None:
    assert {row.id: (row.exe, row.newline, row.archive) for row in SIX if row.exe or row.newline != "\n"} == {
        "windows-amd64": (".exe", "\r\n", "zip")
    }
    assert {row.archive for row in SIX if row.family in {"linux", "macos"}} == {"tar.gz"}
