"""Which Debian packages binaries need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pes
import pytest
from elves import ARM64, elf

from slipway.binaries import Binary, read_binary
from slipway.errors import GateError, VerificationError
from slipway.packagers.deb.needs import needed_interpreters, needed_packages, read_scripts
from slipway.packagers.entries import Entry
from slipway.packagers.programs import read_binaries

C = "libc.so.6"


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def needs(files: Mapping[str, Path], *, told: bool = False, known: Mapping[str, Binary] | None = None) -> tuple[str, ...]:
    entries = [Entry(path=name, mode=0o755, source=path, sha256=path.name) for name, path in files.items()]
    return needed_packages(read_binaries(entries, known or {}), files, "amd64", told=told)


@pytest.mark.parametrize(
    ("libraries", "versions", "expected"),
    [
        ([C], ["GLIBC_2.17"], ("libc6 (>= 2.17)",)),
        ([C, "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"], ["GLIBC_2.34"], ("libc6 (>= 2.34)", "libgcc-s1")),
        ([C], [], ("libc6",)),
        (["libnsl.so.1"], [], ("libc6",)),
        (["libstdc++.so.6"], [], ("libstdc++6",)),
        ([], [], ()),
    ],
)
def test_the_packages_that_binaries_need(
    tmp_path: Path, libraries: list[str], versions: list[str], expected: tuple[str, ...]
) -> None:
    path = written(tmp_path, elf(libraries, {C: versions} if versions else {}))
    assert needs({"usr/bin/hello": path}) == expected


def test_the_newest_need_of_all_files_counts(tmp_path: Path) -> None:
    old = written(tmp_path, elf([C], {C: ["GLIBC_2.17"]}), "old")
    new = written(tmp_path, elf([C], {C: ["GLIBC_2.28"]}), "new")
    script = written(tmp_path, b"#!/bin/sh\n", "script")
    files = {"usr/bin/new": new, "usr/bin/old": old, "usr/bin/script": script}
    assert needs(files) == ("libc6 (>= 2.28)",)


def test_a_library_that_nobody_knows_asks_for_depends(tmp_path: Path) -> None:
    path = written(tmp_path, elf([C, "libssl.so.3"], {C: ["GLIBC_2.17"]}))
    with pytest.raises(GateError, match=r"libssl\.so\.3 \(needed by /usr/bin/hello\)") as caught:
        needs({"usr/bin/hello": path})
    assert "[deb] depends" in str(caught.value.hint)
    assert needs({"usr/bin/hello": path}, told=True) == ("libc6 (>= 2.17)",)


def test_the_libnsl_that_left_glibc_is_no_part_of_it(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"libnsl\.so\.2 "):
        needs({"usr/bin/hello": written(tmp_path, elf([C, "libnsl.so.2"]))})


def test_a_library_of_the_package_itself_is_no_need(tmp_path: Path) -> None:
    program = written(tmp_path, elf(["libown.so.1", "libother.so"]), "program")
    library = written(tmp_path, elf(soname="libown.so.1"), "library")
    files = {"usr/bin/hello": program, "usr/lib/hello/libown.so.1.2": library, "usr/lib/hello/libother.so": library}
    assert needs(files) == ()


def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, elf([C], machine=ARM64))
    with pytest.raises(VerificationError, match="/usr/bin/hello is a program for arm64, but the package is for amd64"):
        needs({"usr/bin/hello": path})
    assert needs({"usr/share/hello/firmware": path}) == ("libc6",)


def test_a_program_for_another_system_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, pes.pe(["KERNEL32.dll"]))
    with pytest.raises(
        VerificationError, match="/usr/bin/hello is a program for windows/amd64, but the package is for linux/amd64"
    ):
        needs({"usr/bin/hello": path})
    assert needs({"usr/share/hello/agent.exe": path}) == ()


def test_what_was_recorded_when_it_was_built_counts(tmp_path: Path) -> None:
    old = written(tmp_path, elf([C], {C: ["GLIBC_2.17"]}), "old")
    new = read_binary(written(tmp_path, elf([C], {C: ["GLIBC_2.28"]}), "new"))
    assert new is not None
    assert needs({"usr/bin/hello": old}, known={"old": new}) == ("libc6 (>= 2.28)",)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], "libstdc++6"),
        (["CXXABI_1.3"], "libstdc++6"),
        (["GLIBCXX_3.4.9"], "libstdc++6 (>= 5)"),
        (["GLIBCXX_3.4.9", "GLIBCXX_3.4.30"], "libstdc++6 (>= 12)"),
        (["GLIBCXX_3.4.99"], "libstdc++6 (>= 15)"),
    ],
)
def test_a_program_in_c_plus_plus_needs_its_compiler_s_library(tmp_path: Path, versions: list[str], expected: str) -> None:
    path = written(tmp_path, elf(["libstdc++.so.6"], {"libstdc++.so.6": versions} if versions else {}))
    assert needs({"usr/bin/hello": path}) == (expected,)


def test_libraries_of_the_base_system_are_known(tmp_path: Path) -> None:
    path = written(tmp_path, elf(["libz.so.1", "libsystemd.so.0", "libcrypt.so.1"]))
    assert needs({"usr/lib/hello/plugin": path}) == ("libcrypt1", "libsystemd0", "zlib1g")


def test_nothing_for_all_architectures_may_be_for_one(tmp_path: Path) -> None:
    binaries = read_binaries([Entry(path="usr/lib/x", mode=0o644, source=written(tmp_path, elf()))], {})
    with pytest.raises(VerificationError, match="/usr/lib/x is a program for amd64, but the package is for all") as caught:
        needed_packages(binaries, binaries, "all", told=False)
    assert "architecture-all" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("first", "mode", "program", "expected"),
    [
        ("#!/bin/sh", 0o755, "sh", ()),
        ("#! /bin/bash -e", 0o755, "bash", ()),
        ("#!/usr/bin/env python3", 0o755, "python3", ("python3:any",)),
        ("#!/usr/bin/env -S FOO=1 python3 -I", 0o755, "python3", ("python3:any",)),
        ("#!/usr/bin/python3.11", 0o755, "python3.11", ("python3.11:any",)),
        ("#!/usr/bin/python3", 0o644, "python3", ()),
        ("#!/usr/bin/env nu", 0o755, "nu", ()),
        ("#!/usr/bin/env", 0o755, "env", ()),
        ("#!", 0o755, "", ()),
        ("# a text", 0o755, "", ()),
        ("#!/bin/\udcff", 0o755, "\udcff", ()),
    ],
)
def test_scripts_need_what_runs_them(tmp_path: Path, first: str, mode: int, program: str, expected: tuple[str, ...]) -> None:
    path = written(tmp_path, first.encode(errors="surrogateescape") + b"\nexit 0\n")
    files = [Entry(path="usr/bin/hello", mode=mode, source=path)]
    assert read_scripts(files).get("usr/bin/hello", "") == program
    assert needed_interpreters(files, read_scripts(files)) == expected
    assert (
        needed_interpreters([Entry(path="usr/share/doc/x/run", mode=mode, source=path)], {"usr/share/doc/x/run": program}) == ()
    )
