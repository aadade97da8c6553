"""The rule of what was built, row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.binaries import Binary
from slipway.build.rule import Finding, Rule, Subject, judge, paths_of
from slipway.model import PlatformSettings
from slipway.platforms import DOCUMENTED, PLATFORMS

ELF = Binary(
    format="elf",
    family="linux",
    arch="amd64",
    kind="executable",
    libraries=("libc.so.6",),
    versions={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.28")},
    glibc="2.28",
    interpreter="/lib64/ld-linux-x86-64.so.2",
)
STATIC = replace(ELF, libraries=(), versions={}, glibc="", interpreter="")
ARM_MAC = Binary(
    format="macho",
    family="macos",
    arch="arm64",
    kind="executable",
    libraries=("/usr/lib/libSystem.B.dylib", "/System/Library/Frameworks/Security.framework/Versions/A/Security"),
    interpreter="/usr/lib/dyld",
    minimum="11.0",
    signed="adhoc",
)
INTEL_MAC = replace(ARM_MAC, arch="amd64", signed="none")
BOTH = replace(ARM_MAC, arch="universal", signed="", slices=(INTEL_MAC, ARM_MAC))
EXE = Binary(
    format="pe",
    family="windows",
    arch="amd64",
    kind="executable",
    libraries=("KERNEL32.dll", "libgit2.dll"),
    minimum="6.0",
    signed="none",
)
FREEBSD = Binary(
    format="elf",
    family="freebsd",
    arch="amd64",
    kind="executable",
    libraries=("libthr.so.3", "libc.so.7"),
    interpreter="/libexec/ld-elf.so.1",
)
GOOD = {
    "linux-amd64": ELF,
    "linux-arm64": replace(ELF, arch="arm64", interpreter="/lib/ld-linux-aarch64.so.1"),
    "linux-amd64-musl": STATIC,
    "linux-arm64-musl": replace(
        STATIC, arch="arm64", libraries=("libc.musl-aarch64.so.1",), interpreter="/lib/ld-musl-aarch64.so.1"
    ),
    "macos-amd64": INTEL_MAC,
    "macos-arm64": ARM_MAC,
    "macos-universal": BOTH,
    "windows-amd64": EXE,
    "freebsd-amd64": FREEBSD,
}


def findings(
    platform: str, binary: Binary, data: bytes = b"", *, own: frozenset[str] = frozenset(), **floors: Any
) -> list[Finding]:
    rule = Rule(platform=PLATFORMS[platform], **floors)
    return list(judge(Subject(binary=binary, data=data, rule=rule, own=own, paths=("/home/x/work",))))


@pytest.mark.parametrize("platform", GOOD)
def test_what_is_right_passes(platform: str) -> None:
    assert findings(platform, GOOD[platform], glibc="2.28", macos="11.0") == []


@pytest.mark.req("S0-53")
@pytest.mark.parametrize("made", GOOD)
@pytest.mark.parametrize("wanted", DOCUMENTED)
def test_a_program_passes_on_its_own_platform_alone(made: str, wanted: str) -> None:
    row, other = PLATFORMS[made], PLATFORMS[wanted]
    found = [each.message for each in findings(wanted, GOOD[made]) if each.stops and "is a program for" in each.message]
    if row.family == other.family and row.arch in {other.arch, "universal"}:
        assert found == []
    else:
        arch = "amd64+arm64" if row.arch == "universal" else row.arch
        assert found == [f"is a program for {row.family}/{arch}, not for {other.family}/{other.arch}"]


STOPS = {
    "too new a glibc": ("linux-amd64", ELF, "needs glibc 2.28 (GLIBC_2.28 of libc.so.6), but it has to run on 2.17"),
    "an ability of glibc": (
        "linux-amd64",
        replace(ELF, versions={"libc.so.6": ("GLIBC_ABI_DT_RELR",)}, glibc="2.36"),
        "needs glibc 2.36 (GLIBC_2.36), but it has to run on 2.17",
    ),
    "glibc on musl": ("linux-amd64-musl", ELF, "needs the C library of glibc, not that of musl"),
    "musl on glibc": ("linux-arm64", GOOD["linux-arm64-musl"], "needs the C library of musl, not that of glibc"),
    "half a universal file": ("macos-universal", ARM_MAC, "is a program for macos/arm64, not for macos/universal"),
    "too new a macOS": ("macos-arm64", replace(ARM_MAC, minimum="12.3"), "needs macOS 12.3, but it has to run on 11.0"),
    "no signature": ("macos-arm64", replace(ARM_MAC, signed="none"), "has no signature"),
    "a broken signature": ("macos-arm64", replace(ARM_MAC, signed="invalid"), "has a signature that is not of its bytes (arm64)"),
    "a broken signature for Intel": ("macos-amd64", replace(INTEL_MAC, signed="invalid"), "has a signature that is not of its"),
    "a slice without one": ("macos-universal", replace(BOTH, slices=(INTEL_MAC, replace(ARM_MAC, signed="none"))), "has no sign"),
}
WARNS = {
    "symbols": ("linux-amd64", replace(STATIC, stripped=False), "still has its symbols"),
    "a fixed address": ("windows-amd64", replace(EXE, pie=False), "is not position independent"),
    "MinGW's libraries": (
        "windows-amd64",
        replace(EXE, libraries=("KERNEL32.dll", "libgcc_s_seh-1.dll", "libwinpthread-1.dll")),
        "needs libgcc_s_seh-1.dll, libwinpthread-1.dll, which other machines may not have",
    ),
    "Homebrew's": ("macos-arm64", replace(ARM_MAC, libraries=("/opt/homebrew/opt/x/lib/x.dylib",)), "needs /opt/homebrew/opt/x"),
    "Homebrew's for Intel": ("macos-amd64", replace(INTEL_MAC, libraries=("/usr/local/opt/x.dylib",)), "needs /usr/local/opt/x"),
    "Nix's loader": (
        "linux-amd64",
        replace(ELF, glibc="", interpreter="/nix/store/1-glibc/lib/ld-linux-x86-64.so.2"),
        "needs /nix",
    ),
    "a library on musl": ("linux-amd64-musl", replace(STATIC, libraries=("libz.so.1",)), "needs libz.so.1, which"),
}


@pytest.mark.parametrize(("platform", "binary", "said"), STOPS.values(), ids=STOPS)
def test_what_could_not_run_stops(platform: str, binary: Binary, said: str) -> None:
    glibc = "2.17" if PLATFORMS[platform].libc == "gnu" else ""
    (found,) = [each for each in findings(platform, binary, glibc=glibc, macos="11.0") if each.stops]
    assert found.message.startswith(said)
    assert found.hint


@pytest.mark.parametrize(("platform", "binary", "said"), WARNS.values(), ids=WARNS)
def test_what_could_be_better_warns(platform: str, binary: Binary, said: str) -> None:
    (found,) = findings(platform, binary)
    assert (found.stops, found.message[: len(said)]) == (False, said)


def test_libraries_that_come_with_it_are_no_fault() -> None:
    needy = replace(EXE, libraries=("libwinpthread-1.dll",))
    assert findings("windows-amd64", needy, own=frozenset({"libwinpthread-1.dll"})) == []


def test_a_path_of_this_machine_is_told() -> None:
    (found,) = findings("linux-amd64", ELF, b"\0/home/x/work/src/main.rs\0")
    assert "contains the path /home/x/work, so it will differ" in found.message
    assert findings("linux-amd64", ELF, b"\0/home/x/worker\0") == []
    assert paths_of((Path("/root"), Path("/"), Path("/home/x"), Path("/home/x"))) == ("/home/x",)


def test_the_hint_names_the_setting_that_would_accept_it() -> None:
    (found,) = findings("linux-amd64", ELF, glibc="2.17")
    assert '[platform.linux-amd64] glibc = "2.28"' in found.hint
    (found,) = findings("macos-arm64", replace(ARM_MAC, minimum="13.0"), macos="11.0")
    assert '[platform.macos-arm64] macos = "13.0"' in found.hint


def test_the_floors_are_those_of_the_project(tmp_path: Path) -> None:
    said = {"linux-amd64": PlatformSettings(glibc="2.17"), "macos-arm64": PlatformSettings(macos="12.0")}
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", settings=said))
    floors = {name: Rule.of(made, PLATFORMS[name]) for name in GOOD}
    assert {name: rule.glibc for name, rule in floors.items() if rule.glibc} == {"linux-amd64": "2.17"}
    assert {name: rule.macos for name, rule in floors.items() if rule.macos} == {
        "macos-amd64": "11.0",
        "macos-arm64": "12.0",
        "macos-universal": "12.0",
    }
