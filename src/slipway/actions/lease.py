"""The lease: one release of a product into an environment at a time, with an owner and an end."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from slipway import console
from slipway.actions.journal import whoami
from slipway.actions.retries import Retries
from slipway.actions.store import StateFiles
from slipway.errors import ChangedError, GateError, SlipwayError, VerificationError

NAME: Final = "lease.json"
SECONDS: Final = 600
SECONDS_BETWEEN_LOOKS: Final = 15
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may publish, until when (seconds since 1970); `epoch` counts the owners."""

    owner: str
    id: str
    pid: int
    version: str
    expires: float
    epoch: int
    released: bool = False
    machine: str = ""

    def dump(self) -> bytes:
        """The JSON form."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"

    def holds(self, now: float) -> bool:
        """Whether nobody else may publish."""
        return not self.released and now < self.expires and not self._is_dead()

    def _is_dead(self) -> bool:
        """Whether the owner was a process of this user on this machine that is gone."""
        # On Windows the question itself would end the process.
        if sys.platform == "win32" or (self.owner, self.machine) != (whoami(), machine()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False


def machine() -> str:
    """Where a process number means the same: containers have names like other machines, and processes of their own."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    return ""


def load_lease(data: bytes) -> Lease:
    """Read a lease; raises VerificationError when it is none."""
    try:
        lease = Lease(**json.loads(data))
        float(lease.expires), int(lease.pid), int(lease.epoch)
    except (ValueError, TypeError) as error:
        raise VerificationError(
            f"the lease in the store cannot be read: {error}", hint="see who publishes; then take it over: --take-lease"
        ) from error
    return lease


@dataclass(slots=True)
class Holder:
    """Keeps a lease alive beside the work, and knows when it was lost."""

    state: StateFiles
    name: str
    clock: Clock
    lease: Lease
    token: str
    retries: Retries = field(default_factory=Retries)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _looked: float = 0.0
    _lost: str = ""

    def require(self) -> None:
        """Raise GateError when the lease is no longer ours: whoever has it now publishes."""
        with self._lock:
            if abs(self.clock() - self._looked) > SECONDS_BETWEEN_LOOKS:
                self._look()
            if not self._lost and self.clock() >= self.lease.expires:
                # A machine that slept finds it ended; it is still ours if nobody has taken it meanwhile.
                self.renew()
            if self._lost or self.clock() >= self.lease.expires:
                raise GateError(
                    f"the lease was lost while publishing: {self._lost or 'it could not be renewed in time'}",
                    hint="nothing more is written; see how it stands: slipway status, then slipway resume",
                )

    def renew(self) -> None:
        """Move the end of the lease; a failure is only fatal when the lease ends before a renewal works."""
        with self._lock:
            for _ in range(2):
                longer = replace(self.lease, expires=self.clock() + SECONDS)
                try:
                    self.token = self.state.save(self.name, longer.dump(), self.token)
                    self.lease, self._looked = longer, self.clock()
                except ChangedError:
                    # Perhaps by ourselves, when the answer to the last renewal did not arrive: then once more, from there.
                    self._look()
                except SlipwayError as error:
                    console.log(f"the lease was not renewed: {error}")
                if self._lost or self.lease is longer:
                    return

    def keep(self) -> None:
        """Renew until stopped."""
        while not self._stop.wait(SECONDS / 4):
            self.renew()

    def release(self) -> None:
        """Let others publish."""
        self._stop.set()
        with self._lock, suppress(SlipwayError):
            data = replace(self.lease, released=True).dump()
            self.retries.run("release the lease", lambda: self.state.save(self.name, data, self.token))

    def _look(self) -> None:
        """See whose the lease is now; a store that does not answer says nothing about it."""
        try:
            found = self.state.load(self.name)
        except SlipwayError as error:
            console.log(f"the lease was not looked at: {error}")
            return
        self._looked = self.clock()
        try:
            now = load_lease(found[0]) if found else None
        except VerificationError as error:
            self._lost = error.message
            return
        if found is None or now is None:
            self._lost = "somebody has removed it"
        elif now.id != self.lease.id:
            self._lost = f"{now.owner} has taken it for {now.version}"
        else:
            self.lease, self.token = now, found[1]


@contextmanager
def held(
    state: StateFiles, name: str, version: str, *, clock: Clock | None = None, take: bool = False, retries: Retries | None = None
) -> Iterator[Holder]:
    """Hold the lease inside the block; raises GateError when somebody else has it, unless it is to be taken (`take`)."""
    holder = acquire(state, name, version, clock=clock or _now, take=take, retries=retries)
    threading.Thread(target=holder.keep, daemon=True).start()
    try:
        yield holder
    finally:
        holder.release()


def acquire(
    state: StateFiles, name: str, version: str, *, clock: Clock, take: bool = False, retries: Retries | None = None
) -> Holder:
    """Get the lease, or raise GateError with who has it."""
    wanted = Lease(owner=whoami(), id=uuid4().hex, pid=os.getpid(), version=version, expires=0, epoch=0, machine=machine())
    again = retries or Retries()
    lease, token = again.run("get the lease", lambda: _get(state, name, wanted, clock, take=take))
    return Holder(state=state, name=name, clock=clock, lease=lease, token=token, retries=again, _looked=clock())


def _get(state: StateFiles, name: str, wanted: Lease, clock: Clock, *, take: bool) -> tuple[Lease, str]:
    """Write the lease if nobody holds it; gives it with the token that stands for it."""
    found = state.load(name)
    before = _before(found[0], take=take) if found else None
    if found and before is not None and before.id == wanted.id:
        return before, found[1]  # the answer to an earlier try did not arrive
    if before is not None and before.holds(clock()) and not take:
        raise _held_by(before)
    lease = replace(wanted, expires=clock() + SECONDS, epoch=before.epoch + 1 if before else 1)
    try:
        return lease, state.save(name, lease.dump(), found[1] if found else None)
    except ChangedError as error:
        now = state.load(name)
        raise (_held_by(load_lease(now[0])) if now else error) from error


def _before(data: bytes, *, take: bool) -> Lease | None:
    """The lease that is there; one that cannot be read only counts for nothing when it is to be taken."""
    try:
        return load_lease(data)
    except VerificationError:
        if take:
            return None
        raise


def _held_by(lease: Lease) -> GateError:
    until = datetime.fromtimestamp(lease.expires, UTC).strftime("%H:%M:%S UTC")
    return GateError(
        f"{lease.owner} is publishing {lease.version} (process {lease.pid}) and holds the lease until {until}",
        hint="wait for it to end; if it is dead, wait for that time, or run again with --take-lease",
    )


def _now() -> float:
    return datetime.now(UTC).timestamp()
