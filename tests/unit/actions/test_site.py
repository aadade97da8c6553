"""What Actions work on: stores that are listed once, files that are the planned ones, and how far it is."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from release_kit import Kit, Wrapped, folder

from slipway.actions.progress import Meter
from slipway.actions.store import Found
from slipway.errors import GateError, VerificationError


@pytest.fixture
def made(tmp_path: Path) -> Kit:
    return Kit(home=tmp_path / "machine", stores={"site": Wrapped(folder(tmp_path / "site"))}, pointers=())


def test_a_folder_is_listed_once_until_it_is_to_be_looked_at_anew(made: Kit) -> None:
    site, store = made.site(), made.stores["site"]
    content = made.contents()[0]
    for _ in range(3):
        assert site.listed("site", "v2.1.0") == {}
    site.note("site", content, Found(size=1, token="t"))
    assert site.listed("site", "v2.1.0") == {content.name: Found(size=1, token="t")}
    assert len(store.made("listing")) == 1
    for forget in (partial(site.forget, "site", "v2.1.0"), site.refresh):
        forget()
        assert site.listed("site", "v2.1.0") == {}
    assert store.made("listing") == [("v2.1.0",)] * 3


def test_what_was_put_into_a_folder_that_nobody_has_listed_is_seen_by_listing_it(made: Kit) -> None:
    site, content = made.site(), made.contents()[0]
    site.note("site", content, Found(size=1, token="not what is there"))
    assert site.listed("site", "v2.1.0") == {}


def test_many_threads_list_a_folder_once(made: Kit) -> None:
    site, store = made.site(), made.stores["site"]
    threads = [threading.Thread(target=site.listed, args=("site", "v2.1.0")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for waiting in threads:
        waiting.join()
    assert len(store.made("listing")) == 1


@pytest.mark.parametrize("how", ["gone", "longer", "other bytes", "a folder"])
def test_only_the_planned_file_is_given(how: str, made: Kit) -> None:
    content = made.contents()[0]
    path = made.outputs / content.path
    assert made.site().file(content) == path
    data = path.read_bytes()
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how != "gone":
        path.write_bytes(data + b"!" if how == "longer" else data.swapcase())
    said = "is not here, and it is to be published" if how in ("gone", "a folder") else "is not the file that was planned"
    with pytest.raises(VerificationError, match=said):
        made.site().file(content)


def test_a_store_without_pointers_is_told(made: Kit) -> None:
    plain: Any = type("Plain", (), {"name": "site"})()
    with pytest.raises(GateError, match="site has no pointers"):
        replace(made, stores={"site": plain}).site().pointing("site")


def test_the_meter_counts_and_tells() -> None:
    told: list[int] = []

    class Watcher:
        def moved(self, meter: Meter) -> None:
            told.append(meter.done)

    meter: Any = Meter(total=100, watcher=Watcher())  # type: ignore[arg-type]
    assert meter.left is None
    for count in (30, 30, -30, 70):
        meter.sent(count)
    assert told == [30, 60, 30, 100]
    assert meter.left == 0
    assert meter.rate > 0
