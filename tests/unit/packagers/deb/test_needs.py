"""Which Debian packages binaries need."""

from __future__ import annotations

from pathlib import Path

import pes
import pytest
from elves import ARM64, elf

from slipway.binaries import read_binary
from slipway.errors import GateError, VerificationError
from slipway.packagers.deb.needs import needed_packages

C = "libc.so.6"


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("libraries", "versions", "expected"),
    [
        ([C], ["GLIBC_2.17"], ("libc6 (>= 2.17)",)),
        ([C, "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"], ["GLIBC_2.34"], ("libc6 (>= 2.34)", "libgcc-s1")),
        ([C], [], ("libc6",)),
        (["libstdc++.so.6"], [], ("libstdc++6",)),
        ([], [], ()),
    ],
)
def test_the_packages_that_binaries_need(
    tmp_path: Path, libraries: list[str], versions: list[str], expected: tuple[str, ...]
) -> None:
    path = written(tmp_path, elf(libraries, {C: versions} if versions else {}))
    assert needed_packages({"usr/bin/hello": path}, "amd64", told=False) == expected


def test_the_newest_need_of_all_files_counts(tmp_path: Path) -> None:
    old = written(tmp_path, elf([C], {C: ["GLIBC_2.17"]}), "old")
    new = written(tmp_path, elf([C], {C: ["GLIBC_2.28"]}), "new")
    script = written(tmp_path, b"#!/bin/sh\n", "script")
    files = {"usr/bin/new": new, "usr/bin/old": old, "usr/bin/script": script}
    assert needed_packages(files, "amd64", told=False) == ("libc6 (>= 2.28)",)


def test_a_library_that_nobody_knows_asks_for_depends(tmp_path: Path) -> None:
    path = written(tmp_path, elf([C, "libssl.so.3"], {C: ["GLIBC_2.17"]}))
    with pytest.raises(GateError, match=r"libssl\.so\.3 \(needed by /usr/bin/hello\)") as caught:
        needed_packages({"usr/bin/hello": path}, "amd64", told=False)
    assert "[deb] depends" in str(caught.value.hint)
    assert needed_packages({"usr/bin/hello": path}, "amd64", told=True) == ("libc6 (>= 2.17)",)


def test_a_library_of_the_package_itself_is_no_need(tmp_path: Path) -> None:
    program = written(tmp_path, elf(["libown.so.1", "libother.so"]), "program")
    library = written(tmp_path, elf(soname="libown.so.1"), "library")
    files = {"usr/bin/hello": program, "usr/lib/hello/libown.so.1.2": library, "usr/lib/hello/libother.so": library}
    assert needed_packages(files, "amd64", told=False) == ()


def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, elf([C], machine=ARM64))
    with pytest.raises(VerificationError, match="/usr/bin/hello is a program for arm64, but the package is for amd64"):
        needed_packages({"usr/bin/hello": path}, "amd64", told=False)
    assert needed_packages({"usr/share/hello/firmware": path}, "amd64", told=False) == ("libc6",)


def test_a_program_for_another_system_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, pes.pe(["KERNEL32.dll"]))
    with pytest.raises(VerificationError, match="/usr/bin/hello is a program for windows/amd64, but the package is for amd64"):
        needed_packages({"usr/bin/hello": path}, "amd64", told=False)
    assert needed_packages({"usr/share/hello/agent.exe": path}, "amd64", told=False) == ()


def test_what_was_recorded_when_it_was_built_counts(tmp_path: Path) -> None:
    old = written(tmp_path, elf([C], {C: ["GLIBC_2.17"]}), "old")
    new = read_binary(written(tmp_path, elf([C], {C: ["GLIBC_2.28"]}), "new"))
    assert new is not None
    assert needed_packages({"usr/bin/hello": old}, "amd64", told=False, known={old: new}) == ("libc6 (>= 2.28)",)
