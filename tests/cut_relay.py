"""A relay of plain TCP to a server of the tests, which can be told to hang up after so many bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from beside import HOST


@dataclass
class Relay:
    """A running relay: where it listens, what it lets through, and what came by from the clients."""

    port: int
    target: int
    cut_after: int = -1  # hang up after so many more bytes, once
    passed: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def cut(self) -> None:
        """Hang up on everybody."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def pump(self, source: socket.socket, target: socket.socket, count: bool) -> None:
        """Hand bytes on until one side hangs up, or the relay does."""
        with suppress(OSError):
            while data := source.recv(65536):
                if count and self._is_due(len(data)):
                    self.cut()
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _is_due(self, size: int) -> bool:
        self.passed += size
        if self.cut_after < 0:
            return False
        self.cut_after -= size
        if self.cut_after > 0:
            return False
        self.cut_after = -1
        return True

    def accept(self, listener: socket.socket) -> None:
        """Relay everybody who comes until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        """Relay one connection."""
        with client, suppress(OSError), socket.create_connection((HOST, self.target)) as server:
            self._open += [client, server]
            back = threading.Thread(target=self.pump, args=(server, client, False), daemon=True)
            back.start()
            self.pump(client, server, count=True)
            back.join()


@contextmanager
def cut_relay(target: int) -> Iterator[Relay]:
    """A relay to a port of this machine, as long as the block runs."""
    with socket.create_server((HOST, 0)) as listener:
        relay = Relay(listener.getsockname()[1], target)
        thread = threading.Thread(target=relay.accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            relay.cut()
