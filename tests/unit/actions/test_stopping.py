"""A run that is being stopped: nothing more is begun, bytes stop moving, and what works beside is waited for."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from release_kit import Kit, folder

from slipway.actions import progress
from slipway.actions.progress import Meter
from slipway.actions.retries import Retries
from slipway.errors import SlipwayError, TransientError


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stopped here goes on elsewhere."""
    monkeypatch.setattr(progress, "_stopping", threading.Event())


def test_bytes_stop_moving_and_those_that_were_lost_are_given_back() -> None:
    meter = Meter(total=10)
    meter.sent(4)
    progress.stop()
    with pytest.raises(SlipwayError, match="stopped"):
        meter.sent(1)
    meter.sent(-4)
    assert meter.done == 0


def test_nobody_waits_to_try_again() -> None:
    def fail() -> None:
        progress.stop()
        raise TransientError("busy", wait=200)

    began = time.monotonic()
    with pytest.raises(SlipwayError, match="stopped"):
        Retries().run("put it", fail)
    assert time.monotonic() - began < 5


def test_nothing_more_is_begun_and_nothing_is_owed(tmp_path: Path) -> None:
    kit = Kit(home=tmp_path, stores={"site": folder(tmp_path / "site")}, optional=("site",))
    progress.stop()
    with pytest.raises(SlipwayError, match="stopped"):
        kit.publish()
    assert not (tmp_path / "site" / kit.tag).exists()
    assert not kit.journal().owed()


def test_what_works_beside_is_waited_for() -> None:
    ended = threading.Event()

    def work() -> None:
        with progress.working():
            begun.set()
            while not progress._stopping.is_set():
                time.sleep(0.01)
            time.sleep(0.1)
            ended.set()

    begun = threading.Event()
    threading.Thread(target=work, daemon=True).start()
    begun.wait(5)
    progress.stop(5)
    assert ended.is_set()
