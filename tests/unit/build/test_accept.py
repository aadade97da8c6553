"""What is built gets its place only when all of it keeps the rule, and then it is recorded what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pes
import pytest
from elves import ARM64, elf

import sample
from slipway.binaries import read_binary
from slipway.build.accept import Delivery, accept
from slipway.build.rule import Rule
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import load_built
from slipway.platforms import PLATFORMS

C = "libc.so.6"


class Bench:
    """A component with some files built for a platform."""

    def __init__(self, root: Path, platform: str, files: dict[str, bytes], **floors: Any) -> None:
        made = sample.release(root)
        row = PLATFORMS[platform]
        self.release, self.row, self.rule = made, row, Rule(platform=row, **floors)
        self.delivery = Delivery.of(made, row, "programs", files)
        self.built = {to: root / "built" / to for to in files}
        for to, data in files.items():
            self.built[to].parent.mkdir(parents=True, exist_ok=True)
            self.built[to].write_bytes(data)

    def accept(self, *paths: str) -> None:
        accept(self.built, (self.delivery,), self.rule, paths=paths)


def test_what_is_right_gets_its_place_and_its_record(tmp_path: Path) -> None:
    program = elf([C], {C: ["GLIBC_2.17"]})
    bench = Bench(tmp_path, "linux-amd64", {"bin/hello": program, "bin/script": b"#!/bin/sh\n", "lib/x.txt": b"x"}, glibc="2.17")
    bench.accept()
    assert bench.release.binary(bench.row, "hello").read_bytes() == program
    assert bench.release.binary(bench.row, "hello").stat().st_mode & 0o777 == 0o755
    record = load_built(bench.delivery.record)
    assert bench.delivery.record in bench.delivery.outputs
    assert record.release == "hello-1.2.3"
    (only,) = record.binaries
    assert (only.path, only.platform, only.component) == ("bin/hello", "linux-amd64", "programs")
    assert (only.size, only.sha256) == (len(program), digest_file(bench.built["bin/hello"]))
    assert only.facts == read_binary(bench.built["bin/hello"])


def test_a_program_for_windows_is_recorded_with_its_suffix(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "windows-amd64", {"bin/hello": pes.pe(["KERNEL32.dll"])})
    bench.accept()
    assert [each.path for each in load_built(bench.delivery.record).binaries] == ["bin/hello.exe"]


def test_all_that_is_wrong_is_told_and_nothing_gets_its_place(tmp_path: Path) -> None:
    files = {
        "bin/good": elf([C], {C: ["GLIBC_2.17"]}),
        "bin/other": elf([C], machine=ARM64),
        "bin/new": elf([C], {C: ["GLIBC_2.34"]}),
    }
    bench = Bench(tmp_path, "linux-amd64", files, glibc="2.28")
    with pytest.raises(VerificationError, match="other is a program for linux/arm64, not for linux/amd64") as refused:
        bench.accept()
    assert refused.value.exit_code == 4
    assert "new needs glibc 2.34 (GLIBC_2.34 of libc.so.6), but it has to run on 2.28" in refused.value.message
    assert "component programs: " in refused.value.message
    assert not any(path.exists() for path in bench.delivery.outputs)


def test_data_may_be_for_any_machine(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "linux-amd64", {"share/hello/agent": elf([C], machine=ARM64)}, glibc="2.17")
    bench.accept()
    with pytest.raises(VerificationError, match="linux/arm64"):
        Bench(tmp_path, "linux-amd64", {"lib/hello/plugin.so": elf([C], machine=ARM64)}).accept()


def test_a_damaged_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"bin/hello is a damaged ELF file"):
        Bench(tmp_path, "linux-amd64", {"bin/hello": elf([C], {C: ["GLIBC_2.17"]})[:100]}).accept()


def test_what_could_be_better_is_only_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(tmp_path, "windows-amd64", {"bin/hello": pes.pe(["libgcc_s_seh-1.dll"], symbols=3) + b"/home/x/work/main.rs"})
    bench.accept("/home/x/work")
    said = " ".join(capsys.readouterr().err.split())
    for part in ("libgcc_s_seh-1.dll, which other machines", "still has its symbols", "contains the path /home/x/work"):
        assert part in said
    assert all(path.is_file() for path in bench.delivery.outputs)


@pytest.mark.parametrize("symbols", ["strip", "separate"])
def test_what_a_certificate_vouches_for_keeps_its_symbols(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], symbols: str
) -> None:
    program = pes.pe(["KERNEL32.dll"], symbols=3, certificate=8)
    bench = Bench(tmp_path, "windows-amd64", {"bin/hello": program}, symbols=symbols)
    bench.accept()
    assert bench.delivery.places["bin/hello"].read_bytes() == program
    assert "still has its symbols" in capsys.readouterr().err


def test_two_components_are_delivered_together_or_not_at_all(tmp_path: Path) -> None:
    good = Bench(tmp_path, "linux-amd64", {"bin/a": elf([C])})
    other = Delivery.of(good.release, good.row, "other", ["bin/b"])
    built = {**good.built, "bin/b": tmp_path / "b"}
    built["bin/b"].write_bytes(elf([C], machine=ARM64))
    with pytest.raises(VerificationError, match="component other: "):
        accept(built, (good.delivery, other), good.rule)
    assert not any(path.exists() for path in (*good.delivery.outputs, *other.outputs))
    built["bin/b"].write_bytes(elf([C]))
    accept(built, (good.delivery, other), good.rule)
    assert [each.component for each in (*load_built(good.delivery.record).binaries, *load_built(other.record).binaries)] == [
        "programs",
        "other",
    ]
