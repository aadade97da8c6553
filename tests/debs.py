"""Debian packages of the sample project, read with Python alone: members, fields, files, scripts."""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sample
from slipway.contents import Contents, File
from slipway.files import digest_file
from slipway.model import Cell, Release
from slipway.packagers.deb import plan_debs
from slipway.platforms import PLATFORMS


@dataclass(frozen=True)
class Deb:
    """A package taken apart."""

    path: Path
    members: dict[str, bytes]
    control: dict[str, bytes]
    files: dict[str, tuple[int, bytes]]
    fields: dict[str, str]
    times: set[int]

    @classmethod
    def read(cls, path: Path) -> Deb:
        data, members = path.read_bytes(), {}
        assert data[:8] == b"!<arch>\n"
        place = 8
        while place < len(data):
            name, size = data[place : place + 16].decode().strip(), int(data[place + 48 : place + 58])
            assert data[place + 58 : place + 60] == b"`\n"
            members[name] = data[place + 60 : place + 60 + size]
            place += 60 + size + size % 2
        assert place == len(data)
        assert list(members)[:2] == ["debian-binary", "control.tar.gz"]
        assert members["debian-binary"] == b"2.0\n"
        times: set[int] = set()
        control = _tar(members["control.tar.gz"], times)
        files = _tar(members[list(members)[2]], times)
        fields = dict(re.findall(r"^(\S+): (.*)$", control["control"][1].decode(), re.MULTILINE))
        return cls(path, members, {name: value[1] for name, value in control.items()}, files, fields, times)


def _tar(data: bytes, times: set[int]) -> dict[str, tuple[int, bytes]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for each in archive:
            assert each.name == "." or each.name.startswith("./")
            assert (each.uid, each.gid, each.uname, each.gname) == (0, 0, "root", "root")
            times.add(int(each.mtime))
            if each.isreg():
                file = archive.extractfile(each)
                assert file is not None
                found[each.name[2:]] = (each.mode, file.read())
            else:
                assert each.isdir()
                assert each.mode == 0o755
    return found


def linux(root: Path, **changes: Any) -> Release:
    made = sample.release(root, project=sample.project(root / "project", **changes))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],))
    for cell in made.cells:
        sample.stage(made, cell)
    return made


def pack(made: Release, variant: str = "complete") -> Deb:
    step = next(step for step in plan_debs(made) if step.key.startswith(f"linux-amd64-{variant}.deb"))
    step.run()
    return Deb.read(step.outputs[0])


def restage(made: Release, cell: Cell, path: str, data: bytes) -> None:
    """Change a file of a distribution that is laid out."""
    file = made.staged(cell) / path
    file.write_bytes(data)
    contents = Contents.load(made.contents(cell))
    mode, md5 = file.stat().st_mode & 0o7777, digest_file(file, "md5")
    changed = File(path=path, mode=mode, size=len(data), sha256=digest_file(file), md5=md5)
    files = (changed if each.path == path else each for each in contents.files)
    made.contents(cell).write_bytes(replace(contents, files=tuple(files)).dump())
