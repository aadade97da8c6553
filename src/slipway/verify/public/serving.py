"""Serving a folder of this machine for as long as a check takes, where its address is here and nobody answers there.

What is published into a folder for a laptop's own use is served later, by whatever web server; the check need not wait for it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from slipway import console
from slipway.actions.site import Site

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1"})
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.05
_lock: Final = threading.Lock()
_running: Final[dict[tuple[str, int], _Served]] = {}


@dataclass(slots=True)
class _Served:
    server: ThreadingHTTPServer
    turn: ExitStack
    users: int = 0


@contextmanager
def reachable(site: Site, store: str) -> Iterator[None]:
    """See that a store's public address answers inside the block, if it is one of this machine's own folders."""
    root = getattr(site.store(store), "root", None)
    url = urlsplit(site.store(store).url("") if isinstance(root, Path) else "")
    if root is None or url.scheme != "http" or url.hostname not in _LOOPBACK:
        yield
        return
    place = ("127.0.0.1", url.port or 80)
    served = _join(place, url, root)
    try:
        yield
    finally:
        if served is not None:
            _leave(place, served)


def _join(place: tuple[str, int], url: SplitResult, root: Path) -> _Served | None:
    """The server of a place that is ours; None when somebody else's answers, or none can be started there."""
    with _lock:
        served = _running.get(place)
        if served is None:
            turn = ExitStack()
            turn.enter_context(_turn(place[1]))
            if _answers(place) or (server := _start(place, url.path, root)) is None:
                turn.close()
                return None
            served = _running[place] = _Served(server, turn)
            console.log(f"nobody serves {url.geturl()}: serving {root} there for the checks")
        served.users += 1
        return served


def _leave(place: tuple[str, int], served: _Served) -> None:
    with _lock:
        served.users -= 1
        if served.users == 0:
            del _running[place]
            served.server.shutdown()
            served.server.server_close()
            served.turn.close()


@contextmanager
def _turn(port: int) -> Iterator[None]:
    """Wait while another slipway of this user serves something else there: it would answer for us, and wrongly."""
    path = Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{port}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        console.log(f"{path}: {error.strerror}, so nobody waits for a turn")
        yield
        return
    try:
        end = time.monotonic() + _PATIENCE
        while not _locked(handle) and time.monotonic() < end:
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _answers(place: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(place, timeout=2):
            return True
    except OSError:
        return False


def _start(place: tuple[str, int], above: str, root: Path) -> ThreadingHTTPServer | None:
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    prefix = above.rstrip("/")

    class Handler(SimpleHTTPRequestHandler):
        """Serves what the folder holds below the path of the address."""

        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(root))

        def translate_path(self, path: str) -> str:
            return super().translate_path(path.removeprefix(prefix))

        def log_message(self, *words: Any) -> None:
            """The one who asks says it already."""

    try:
        server = ThreadingHTTPServer(place, Handler)
    except OSError:
        return None
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
