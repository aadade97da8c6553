"""Snapshots of a file system, and what is said about their differences."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from slipway.verify.snapshot import PACKAGE_MANAGER, Snapshot, compare, read_snapshot

BASE: dict[str, dict[str, Any]] = {
    "etc": {"type": tarfile.DIRTYPE, "mode": 0o755},
    "etc/hosts": {"data": b"127.0.0.1"},
    "etc/rc": {"data": b"one"},
    "etc/rc2": {"type": tarfile.SYMTYPE, "linkname": "rc"},
    "usr/bin/tool": {"data": b"#!/bin/sh\n", "mode": 0o755},
    "var/log/apt.log": {"data": b""},
}


def snapshot(folder: Path, members: dict[str, dict[str, Any]]) -> Snapshot:
    path = folder / "root.tar"
    with tarfile.open(path, "w") as archive:
        for name, said in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(said.get("data", b""))
            info.mode = said.get("mode", 0o644)
            for key in ("type", "linkname", "uid", "mtime"):
                if key in said:
                    setattr(info, key, said[key])
            archive.addfile(info, io.BytesIO(said.get("data", b"")))
    return read_snapshot(path)


CHANGES: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    ({}, ()),
    ({"opt/new": {"data": b"x"}}, ("left behind: /opt/new (file)",)),
    ({"etc/rc": None}, ("lost: /etc/rc (file)",)),
    ({"etc/rc": {"data": b"two"}}, ("changed: /etc/rc (contents)",)),
    ({"etc/rc": {"data": b"one", "mode": 0o600}}, ("changed: /etc/rc (mode 0644 became 0600)",)),
    ({"usr/bin/tool": {"data": b"#!/bin/sh\n", "mode": 0o4755}}, ("changed: /usr/bin/tool (mode 0755 became 4755)",)),
    ({"etc/rc": {"data": b"one", "uid": 7}}, ("changed: /etc/rc (owner 0:0 became 7:0)",)),
    ({"etc/rc": {"data": b"one", "mtime": 99}}, ()),
    ({"etc/rc2": {"type": tarfile.SYMTYPE, "linkname": "hosts"}}, ("changed: /etc/rc2 (target)",)),
    ({"etc/rc2": {"data": b"one"}}, ("changed: /etc/rc2 (link became file)",)),
    ({"etc/hosts": {"data": b"other"}, "work/x": {"data": b""}, "proc/1": {"data": b""}}, ()),
    ({"workshop": {"data": b""}}, ("left behind: /workshop (file)",)),
)


@pytest.mark.parametrize(("change", "said"), CHANGES)
@pytest.mark.req("S0-61")
def test_differences(change: dict[str, Any], said: tuple[str, ...], tmp_path: Path) -> None:
    after = {name: data for name, data in (BASE | change).items() if data is not None}
    found = compare(snapshot(tmp_path, BASE), snapshot(tmp_path, after))
    assert found == said


@pytest.mark.req("S0-61")
def test_a_package_manager_may_keep_its_own_books(tmp_path: Path) -> None:
    after = BASE | {"var/log/apt.log": {"data": b"x"}, "var/lib/dpkg/status": {"data": b""}, "var/lib/hello": {"data": b""}}
    found = compare(snapshot(tmp_path, BASE), snapshot(tmp_path, after), PACKAGE_MANAGER)
    assert found == ("left behind: /var/lib/hello (file)",)


def test_names_of_one_file_are_the_same_whichever_comes_first(tmp_path: Path) -> None:
    link = {"type": tarfile.LNKTYPE}
    one = snapshot(tmp_path, {"a": {"data": b"x"}, "b": {**link, "linkname": "a"}})
    other = snapshot(tmp_path, {"b": {"data": b"x"}, "a": {**link, "linkname": "b"}})
    assert compare(one, other) == ()
