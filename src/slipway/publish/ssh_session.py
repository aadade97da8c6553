"""One connection to a server by SSH, shared by all that is done there; it never asks, and trusts only a server that is known."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slipway import process
from slipway.environments import SshStore
from slipway.errors import GateError, SlipwayError, TransientError
from slipway.process import Result
from slipway.publish.ssh_scripts import Script

# A server lets ten sessions share a connection, unless it was told otherwise (MaxSessions); one keeps it, two are for the lease
# and the journal.
SESSIONS: Final = 7
LONGEST_SOCKET: Final = 80
FAILED: Final = 255
_REFUSED: Final = {
    "Permission denied": "is the key in the agent, or named by `identity`? slipway never asks for a password",
    "Host key verification failed": "compare the server's key (ssh-keyscan) with what its owner says, then add it to known_hosts",
    "No such file or directory": "check `identity` and `known_hosts` of the store",
    "Bad owner or permissions": "chmod 600 the file",
    "UNPROTECTED PRIVATE KEY": "chmod 600 the key",
}
# What rsync ends with when the connection broke, and when it does not know an option or the other rsync.
_RSYNC_LATER: Final = (10, 12, 30, 35)
_RSYNC_CANNOT: Final = (1, 2)
_SETTINGS: Final = (
    *("BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ConnectTimeout=15", "LogLevel=ERROR"),
    *("ServerAliveInterval=15", "ServerAliveCountMax=4", "ControlMaster=no"),
    *("ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", "RequestTTY=no"),
)


@dataclass(eq=False)
class Session:
    """The connection of one store; opens when it is first used."""

    rules: SshStore
    _folder: str = ""
    _masters: list[process.Background] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(SESSIONS))

    def run(self, script: Script, *arguments: str, stdin: Iterable[bytes] | None = None, allowed: Iterable[int] = ()) -> Result:
        """Run a script there; codes other than 0 and those `allowed` raise an error."""
        done = process.question(self._words(script, arguments), stdin=stdin, shown=self._shown(script, arguments))
        self.judge(done, allowed)
        return done

    def fetch(self, script: Script, *arguments: str, into: int) -> None:
        """Run a script whose answer goes to an open file as it is."""
        words = ["sh", "-c", 'exec "$@" >"/dev/fd/$0"', str(into), *self._words(script, arguments)]
        self.judge(process.question(words, files=(into,), shown=self._shown(script, arguments)), ())

    @contextmanager
    def room(self) -> Iterator[None]:
        """Wait until one more of what takes long may run; what is short, such as keeping the lease, does not wait for that."""
        with self._room:
            yield

    def rsync(self, source: Path, target: str, heard: Callable[[str], str]) -> bool:
        """Bring a file there, without what a run that ended early has brought; False when the two rsyncs cannot do that."""
        limit = (f"--bwlimit={self.rules.bandwidth}",) if self.rules.bandwidth else ()
        options = ("--partial", "--inplace", "--protect-args", "--info=progress2", "--no-human-readable", "--outbuf=L", *limit)
        host = f"[{self._host}]" if ":" in self._host else self._host
        words = ["rsync", *options, "-e", shlex.join(self._ssh()), "--", str(source.absolute()), f"{self._user}{host}:{target}"]
        done = process.question(words, heard=heard)
        if done.code in _RSYNC_LATER:
            raise TransientError(f"{self.rules.name}: {_last(done.output)}")
        if done.code not in _RSYNC_CANNOT:
            self.judge(done, ())
        return done.code == 0

    def judge(self, done: Result, allowed: Iterable[int]) -> None:
        """Raise the error that the end of a command means."""
        if done.code == 0 or done.code in allowed:
            return
        name, said = self.rules.name, _last(done.output)
        if done.code != FAILED:
            raise SlipwayError(f"{name}: {said}", hint="look at the server: is there room, and may the user write there?")
        for words, hint in _REFUSED.items():
            if words in done.output:
                raise GateError(f"{name}: {self.rules.host} cannot be used: {said}", hint=hint)
        said = said if done.output.strip() else "the connection broke off"
        raise TransientError(f"{name}: {self.rules.host} cannot be reached: {said}", hint="does the network work?")

    def _words(self, script: Script, arguments: Iterable[str]) -> list[str]:
        there = shlex.join(("exec", "sh", "-c", script.text, "sh", *arguments))
        return [*self._ssh(), "--", self._login, there]

    def _shown(self, script: Script, arguments: Iterable[str]) -> str:
        return f"ssh {self._login}: {script.name} {shlex.join(arguments)}"

    @property
    def _host(self) -> str:
        """The server as ssh calls it, without the brackets of an IPv6 address."""
        return self.rules.host.strip("[]")

    @property
    def _login(self) -> str:
        return f"{self._user}{self._host}"

    @property
    def _user(self) -> str:
        return f"{self.rules.user}@" if self.rules.user else ""

    def _ssh(self) -> list[str]:
        """The words for one more session on the connection."""
        with self._lock:
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="slw-", dir=_short_folder())
                weakref.finalize(self, _hang_up, self._folder, self._masters)
            socket = Path(self._folder) / "s"
            words = self._plain(socket)
            if not (self._masters and self._masters[-1].alive and socket.exists()):
                self._masters.append(self._open(words, socket))
            return words

    def _open(self, words: list[str], socket: Path) -> process.Background:
        """Connect; the connection lasts as long as `cat` reads there what we write here, which is until we end, however we do."""
        socket.unlink(missing_ok=True)
        errors = socket.with_name("errors")
        errors.write_bytes(b"")
        master = process.start([*words[:1], "-M", *words[1:], "--", self._login, "exec cat >/dev/null"], log=errors)
        while master.alive and not socket.exists():
            time.sleep(0.005)
        if not master.alive:
            master.end()
            self.judge(Result(FAILED, errors.read_text("utf-8", "replace")), ())
        return master

    def _plain(self, socket: Path) -> list[str]:
        rules = self.rules
        settings = [*_SETTINGS, f"ControlPath={socket}"]
        if rules.known_hosts:
            settings.append(f'UserKnownHostsFile="{Path(rules.known_hosts).expanduser()}"')
        if rules.identity:
            settings.append("IdentitiesOnly=yes")
        identity = ["-i", str(Path(rules.identity).expanduser())] if rules.identity else []
        # The usual port may be another one in the user's own configuration.
        port = ["-p", str(rules.port)] if rules.port != 22 else []
        return ["ssh", *identity, *port, *(word for each in settings for word in ("-o", each))]


def _hang_up(folder: str, masters: list[process.Background]) -> None:
    """End the connections, when nobody needs them any more."""
    for master in masters:
        master.end()
    shutil.rmtree(folder, ignore_errors=True)


def _short_folder() -> str | None:
    """Where a socket's path is not too long for the system."""
    return None if len(tempfile.gettempdir()) < LONGEST_SOCKET - 20 else "/tmp"  # noqa: S108 - a folder is made there


def _last(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("@@@")]
    return "; ".join(lines[-2:]) or "it said nothing"
