"""Archives of bare programs: what `--strip` leaves as it is."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pes
import pytest

import sample
from slipway.packagers.binaries import ARCHIVE, BinariesWish, plan_binaries
from slipway.platforms import PLATFORMS

LIBRARIES = ("KERNEL32.dll",)


@pytest.mark.req("S0-35")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pes.pe(LIBRARIES, symbols=3, certificate=8), id="somebody has signed it with its symbols"),
        pytest.param(pes.pe(LIBRARIES), id="it has no symbols"),
        pytest.param(pes.pe(LIBRARIES) + b"more behind the program", id="it unpacks what lies behind it"),
        pytest.param(b"#!/bin/sh\n", id="it is no program"),
    ],
)
def test_stripping_leaves_what_would_lose_more_than_symbols(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "bare/windows-amd64/hello.exe"
    source.parent.mkdir(parents=True)
    source.write_bytes(data)
    made = replace(sample.release(tmp_path), platforms=(PLATFORMS["windows-amd64"],))
    (step,) = plan_binaries(made, BinariesWish(kind=ARCHIVE, source=tmp_path / "bare", output=tmp_path / "out", strip=True))
    step.run()
    with zipfile.ZipFile(step.outputs[0]) as archive:
        assert archive.read("hello-1.2.3-windows-amd64/hello.exe") == data
