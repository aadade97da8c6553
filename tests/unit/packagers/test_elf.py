"""The ELF reader: on files made from the specification, and on this system's against readelf."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from elves import ARM64, elf

from slipway.errors import GateError, VerificationError
from slipway.packagers.elf import Elf, read_elf
from slipway.packagers.needs import needed_packages

C = "libc.so.6"


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("bits", [32, 64])
def test_what_a_dynamic_file_says(tmp_path: Path, bits: int) -> None:
    data = elf(
        [C, "libgcc_s.so.1"], {C: ["GLIBC_2.2.5", "GLIBC_2.34"], "libgcc_s.so.1": ["GCC_3.0"]}, soname="libown.so.1", bits=bits
    )
    assert read_elf(written(tmp_path, data)) == Elf(
        machine="amd64",
        soname="libown.so.1",
        needed=(C, "libgcc_s.so.1"),
        versions=("GCC_3.0", "GLIBC_2.2.5", "GLIBC_2.34"),
    )


@pytest.mark.parametrize(
    ("versions", "glibc"),
    [
        (["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.9"], "2.17"),
        (["GLIBC_2.3.4", "GLIBC_2.3"], "2.3.4"),
        (["GLIBC_PRIVATE", "GLIBC_2.5"], "2.5"),
        (["GLIBC_2.5", "GLIBC_ABI_DT_RELR"], "2.36"),
        (["GCC_9.0"], ""),
        ([], ""),
    ],
)
def test_the_oldest_glibc_that_will_do(tmp_path: Path, versions: list[str], glibc: str) -> None:
    found = read_elf(written(tmp_path, elf([C], {C: versions} if versions else {})))
    assert found is not None
    assert found.glibc == glibc


def test_a_version_that_is_only_wanted_weakly_does_not_count(tmp_path: Path) -> None:
    found = read_elf(written(tmp_path, elf([C], {C: ["GLIBC_2.5", "GLIBC_2.38"]}, weak=["GLIBC_2.38"])))
    assert found is not None
    assert found.glibc == "2.5"


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fEL", b"MZ\x90"])
def test_other_files_are_none(tmp_path: Path, data: bytes) -> None:
    assert read_elf(written(tmp_path, data)) is None


def test_a_static_file_needs_nothing(tmp_path: Path) -> None:
    assert read_elf(written(tmp_path, elf())) == Elf(machine="amd64")


def test_damage_is_an_error_and_never_a_crash(tmp_path: Path) -> None:
    whole = elf([C], {C: ["GLIBC_2.34"]})
    chance = random.Random(1)
    with pytest.raises(VerificationError, match="damaged ELF"):
        read_elf(written(tmp_path, whole[:70]))
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            read_elf(written(tmp_path, bytes(data[: chance.randint(5, len(data))])))
        except VerificationError as error:
            assert "damaged ELF" in error.message


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


@pytest.mark.slow
def test_readelf_says_the_same_of_this_system_s_programs() -> None:
    compared = 0
    for path in sorted(Path("/usr/bin").iterdir()):
        if not path.is_file() or (found := read_elf(path)) is None or compared == 150:
            continue
        compared += 1
        said = subprocess.run(["readelf", "-dVW", path], capture_output=True, text=True, check=True).stdout
        assert list(found.needed) == re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", said), path
        needs = said.partition("Version needs section")[2]
        assert set(found.versions) == {
            name for name, flags in re.findall(r"Name: (\S+)\s+Flags: (\S+)", needs) if "WEAK" not in flags
        }, path
    assert compared > 50
