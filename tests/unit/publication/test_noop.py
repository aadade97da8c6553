"""Publishing what is published: one look at each store, and not a byte written."""

from __future__ import annotations

from pathlib import Path

from many_files import counted, make

from slipway.environments import DirStore
from slipway.publication import verbs
from slipway.publication.wish import Wish
from slipway.publish.dir import Folder


def test_every_store_is_listed_once(tmp_path: Path) -> None:
    stores = DirStore(name="site", path=str(tmp_path / "site")), DirStore(name="mirror", path=str(tmp_path / "mirror"))
    release = make(tmp_path, 20, *stores, state="site")
    with counted(Folder) as first:
        verbs.publish(release, "local", Wish())
    assert first["site put"] == first["site reread"] - 1 == 23  # the manifest, the page and its data, and the pointer's copy
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*")}
    with counted(Folder) as again:
        outcome = verbs.publish(release, "local", Wish())
    assert {name: count for name, count in again.items() if not name.endswith(" reread")} == {
        "site listing": 1,
        "mirror listing": 1,
    }
    assert again["site reread"] == 1  # a copy is known by its bytes
    assert len(outcome.same) == 2 * (2 * 23 + 1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*")} == before
