"""Debian packages of any files that a distribution can hold: what is read back is what was packed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from debs import linux, pack
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slipway.contents import Contents
from slipway.manifest import Manifest
from slipway.rules import DebRules
from slipway.verify.deb import deb_faults

StageTree = Callable[..., Contents]
_LETTERS = st.characters(exclude_characters="/\\\x7f", exclude_categories=("Cc", "Cs"))
_NAMES = st.text(_LETTERS, min_size=1, max_size=60).filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 255)
_MODES = st.sampled_from([0o644, 0o755, 0o600, 0o4755, 0o1644])
# What begins as a program and is none is refused; hypothesis finds such beginnings in the sources.
_PROGRAMS = (b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba")
_DATA = st.one_of(
    st.binary(max_size=600).filter(lambda data: not data.startswith(_PROGRAMS)),
    st.sampled_from([b"", b"#!/bin/sh\n", b"#!/usr/bin/env nu\n", bytes(512), bytes(1025)]),
)
_FOLDERS = ("bin/", "etc/hello/", "lib/hello/", "share/hello/", "share/man/man1/")
_TREES = st.dictionaries(
    st.builds("{}{}".format, st.sampled_from(_FOLDERS), st.lists(_NAMES, min_size=1, max_size=4).map("/".join)),
    st.tuples(_MODES, _DATA),
    max_size=6,
)


def _is_free(tree: dict[str, tuple[int, bytes]]) -> bool:
    """Whether no file stands where another one needs a folder."""
    return not any(f"{other}/".startswith(f"{name}/") for name in tree for other in tree if name != other)


@settings(max_examples=12, phases=(Phase.generate,), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=_TREES.filter(_is_free), codec=st.sampled_from(["gzip", "xz:1"]))
def test_any_files_come_back(stage_tree: StageTree, tree: dict[str, tuple[int, bytes]], codec: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = linux(Path(folder), services=(), deb=DebRules(compression=codec))
        cell = made.cells[0]
        contents = stage_tree(made, cell, tree)
        deb = pack(made)
        places = {("" if name.startswith("etc/") else "usr/") + name: file for name, file in tree.items()}
        assert {name: file for name, file in deb.files.items() if name in places} == {
            name: file for name, file in places.items() if name in deb.files
        }
        assert {f"{name}.gz" for name in places.keys() - deb.files.keys()} <= deb.files.keys()
        manifest = Manifest(name="hello", version="1.2.3", epoch=0, artifacts=())
        dull = {f"usr/bin: {name} cannot be run" for name, (mode, _) in places.items() if not mode & 0o111}
        assert {fault for fault in deb_faults(deb.path, contents, manifest) if fault not in dull} == set()
