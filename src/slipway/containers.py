"""The one door to container engines: docker, podman, or an engine of our own where neither answers.

Nothing here depends on this process ending well. A container ends when its standard input closes, and an engine of our own ends
when the last process lets go of a lock: the system does both for us, however we end.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from slipway import console, process
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.files import remove_tree, write_atomic

ENGINES: Final = {
    "docker": ("version", "--format", "{{.Server.Version}} {{.Server.Arch}}"),
    "podman": ("info", "--format", "{{.Version.Version}} {{.Host.Arch}}"),
}
_GET_ONE: Final = "start docker (systemctl start docker, or open Docker Desktop), or install podman; SLIPWAY_ENGINE chooses one"
_DRIVERS: Final = ("overlay2", "vfs")
_PATIENCE: Final = 60.0
# The first argument is the folder of the running engine, the second the lock that every process using it shares.
_GUARD: Final = """run=$1 lock=$2; shift 2
(dockerd "$@"; : >"$run/ended") </dev/null &
exec 9>>"$lock"
flock -x 9
[ -e "$run/keep" ] && exit
kill "$(cat "$run/pid")"
wait
rm -rf "$run"
"""
_INIT: Final = (
    *("--cap-add", "SYS_ADMIN", "--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--stop-signal", "SIGRTMIN+3"),
)
_INIT_PACKAGES: Final = "systemd systemd-sysv dbus procps iproute2"
_INIT_MASKED: Final = (
    "getty.target console-getty.service systemd-logind.service systemd-timesyncd.service apt-daily.timer "
    "apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer"
)
_INIT_CHANGES: Final = ('CMD ["/lib/systemd/systemd"]', "ENV container=docker")
# What keeps an engine of our own alive until this process ends.
_held: Final[list[Any]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that answers; `home` is set when it is one of our own."""

    program: str
    version: str
    arch: str
    env: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None

    def run(self, *words: str | Path, check: bool = True, stdin: str | None = None) -> process.Result:
        """Run one of the engine's commands."""
        return process.run([self.program, *words], env=self.env, check=check, stdin=stdin)

    def ask(self, *words: str) -> str | None:
        """Return what one of the engine's commands answers, or None."""
        return process.capture([self.program, *words], env=self.env)

    def start(self, *words: str, log: Path) -> process.Background:
        """Run one of the engine's commands beside this process."""
        return process.start([self.program, *words], env=self.env, log=log)

    def image_id(self, reference: str, arch: str = "") -> str | None:
        """Return the id of an image that is here, for the wanted architecture."""
        answer = self.ask("image", "inspect", "--format", "{{.Id}} {{.Architecture}}", reference)
        found, _, have = (answer or "").partition(" ")
        return found if found and have == (arch or self.arch) else None

    def ensure_image(self, reference: str, bootstrap: str = "", arch: str = "") -> str:
        """Return the id of an image: the one that is here, else pulled, else made from the Debian suite `bootstrap`."""
        arch = arch or self.arch
        if found := self.image_id(reference, arch):
            return found
        pulled = self.run("pull", "--platform", f"linux/{arch}", reference, check=False)
        if pulled.code == 0 and (found := self.image_id(reference, arch)):
            return found
        if bootstrap and process.which("mmdebstrap"):
            return _bootstrap(self, reference, bootstrap, arch)
        raise NetworkError(
            f"the image {reference} for linux/{arch} is not here and cannot be pulled:\n    {pulled.output.strip()[-400:]}",
            hint="check the network and the image's name; a Debian image can also be made: "
            'set bootstrap = "bookworm" in [tests] of slipway.toml and install mmdebstrap',
        )

    def can_run(self, image: str) -> bool:
        """Whether programs of an image run here, natively or emulated."""
        return self.ask("run", "--rm", "--network", "none", image, "true") is not None

    def reach(self, name: str) -> str:
        """The command that opens a shell in a container that was kept."""
        settings = " ".join(f"{key}={value}" for key, value in self.env.items())
        return f"{settings} {self.program} exec -it {name} sh".strip()

    def keep(self) -> None:
        """Let an engine of our own outlive this process."""
        if self.home is not None:
            (self.home / "keep").touch()


@cache
def engine() -> Engine:
    """Find the container engine to use, or start one of our own; one per process."""
    wanted = os.environ.get("SLIPWAY_ENGINE", "")
    if wanted and wanted not in ENGINES:
        raise UsageError(f"SLIPWAY_ENGINE={wanted} is no engine that slipway knows", hint=f"valid are {', '.join(ENGINES)}")
    for program in (wanted,) if wanted else ENGINES:
        if found := _answering(program):
            return found
    if wanted != "podman" and _can_start():
        return _own_engine()
    raise GateError(f"no container engine answers: {wanted or 'neither docker nor podman'}", hint=_GET_ONE)


def cache_dir() -> Path:
    """Where images are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


def systemd_image(engine: Engine, base: str) -> str:
    """Return the id of an image in which systemd runs as the first process, made once from a Debian image's id."""
    tag = f"localhost/slipway-systemd:{base.removeprefix('sha256:')[:16]}"
    if found := engine.image_id(tag):
        return found
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {_INIT_PACKAGES}"
    with Container(engine, base, network="host") as box:
        box.exec(f"{install} && rm -rf /var/lib/apt/lists/* && systemctl mask {_INIT_MASKED}", env=_QUIET, check=True)
        engine.run("commit", *(word for change in _INIT_CHANGES for word in ("--change", change)), box.name, tag)
    return engine.image_id(tag) or tag


_QUIET: Final = {"DEBIAN_FRONTEND": "noninteractive"}


class Container:
    """A container that lasts as long as the block; `init` starts the image's own first process, such as systemd."""

    def __init__(self, engine: Engine, image: str, *, network: str = "none", init: bool = False, cleanup: bool = True) -> None:
        self.engine, self.image, self.network, self.init, self.cleanup = engine, image, network, init, cleanup
        self.name = f"slipway-{secrets.token_hex(6)}"
        self._client: process.Background | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except SlipwayError:
            if self.engine.program != "podman" or self.engine.env:
                raise
            self.engine = replace(self.engine, env=_modest_podman())
            self._start()
        return self

    def exec(
        self,
        command: str | Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: str = "",
        cwd: str = "",
        stdin: str | None = None,
        check: bool = False,
    ) -> process.Result:
        """Run words, or a line in the container's shell."""
        words = ["sh", "-c", command] if isinstance(command, str) else command
        options = [*(("-i",) if stdin is not None else ()), *(("-u", user) if user else ()), *(("-w", cwd) if cwd else ())]
        settings = [word for key, value in (env or {}).items() for word in ("-e", f"{key}={value}")]
        return self.engine.run("exec", *options, *settings, self.name, *words, check=check, stdin=stdin)

    def copy_in(self, path: Path, target: str) -> None:
        """Copy a file, or what a folder holds, to a place in the container; the folders above it are made."""
        folder = target if path.is_dir() else target.rpartition("/")[0]
        self.exec(["mkdir", "-p", folder or "/"], check=True)
        self.engine.run("cp", f"{path}/." if path.is_dir() else str(path), f"{self.name}:{target}")

    def export(self, path: Path) -> None:
        """Write the container's whole file system into a tar file."""
        self.engine.run("export", "-o", path, self.name)

    def remove(self) -> None:
        """Remove the container, whatever it does."""
        self.engine.run("rm", "-f", self.name, check=False)
        if self._client is not None:
            self._client.end()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.cleanup:
            self.remove()
            return
        self.engine.keep()
        console.say(f"      kept the container {self.name}; look into it with: {self.engine.reach(self.name)}")

    def _start(self) -> None:
        options = ["--name", self.name, "--network", self.network, *(_INIT if self.init else ())]
        try:
            if self.init or not self.cleanup:
                first = () if self.init else ("tail", "-f", "/dev/null")
                self.engine.run("run", "-d", *(("--rm",) if self.cleanup else ()), *options, self.image, *first)
                self._wait_for_init()
            else:
                self._start_tied(options)
        except BaseException:
            self.remove()
            raise

    def _start_tied(self, options: Sequence[str]) -> None:
        handle, name = tempfile.mkstemp(prefix="slipway-", suffix=".log")
        os.close(handle)
        try:
            self._client = self.engine.start("run", "--rm", "-i", *options, self.image, "cat", log=Path(name))
            running = ("inspect", "--format", "{{.State.Running}}", self.name)
            _wait(lambda: not self._lives() or self.engine.ask(*running) == "true", f"the container {self.name} does not start")
            if not self._lives():
                raise SlipwayError(f"the container does not start:\n    {Path(name).read_text().strip()}", hint=_GET_ONE)
        finally:
            Path(name).unlink()

    def _lives(self) -> bool:
        return self._client is not None and self._client.alive

    def _wait_for_init(self) -> None:
        if self.init:
            ready = lambda: self.exec(["systemctl", "is-system-running"]).output.strip() in {"running", "degraded"}  # noqa: E731
            _wait(ready, f"systemd does not come up in {self.name}")


def _answering(program: str, env: Mapping[str, str] | None = None, home: Path | None = None) -> Engine | None:
    answer = process.capture([program, *ENGINES[program]], env=env)
    version, _, arch = (answer or "").partition(" ")
    return Engine(program=program, version=version, arch=arch, env=env or {}, home=home) if arch else None


def _can_start() -> bool:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return root and all(process.which(name) for name in ("dockerd", "docker", "flock"))


def _own_engine() -> Engine:
    import fcntl  # only where Unix is

    home = cache_dir() / "docker"
    home.mkdir(parents=True, exist_ok=True)
    # Shared by all who use the engine. An engine that is just being stopped holds it alone: we wait, then start anew.
    users = (home / "users.lock").open("a")
    fcntl.flock(users, fcntl.LOCK_SH)
    _held.append(users)
    with (home / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _running_engine(home) or _start_engine(home)


def _running_engine(home: Path) -> Engine | None:
    noted = home / "running"
    run = Path(noted.read_text()) if noted.is_file() else None
    return None if run is None or not run.is_dir() else _answering("docker", {"DOCKER_HOST": f"unix://{run}/sock"}, run)


def _start_engine(home: Path) -> Engine:
    for driver in _DRIVERS:
        run = Path(tempfile.mkdtemp(prefix="slipway-docker-"))
        console.log(f"no container engine answers: starting dockerd with {driver} in {run}, images in {home}")
        if found := _start_with(driver, home, run):
            write_atomic(home / "running", str(run).encode())
            return found
        remove_tree(run)
    said = (home / "dockerd.log").read_text(errors="replace")[-1000:]
    raise GateError(f"no container engine answers, and dockerd cannot be started here:\n{said}", hint=_GET_ONE)


def _start_with(driver: str, home: Path, run: Path) -> Engine | None:
    sock = f"unix://{run}/sock"
    places = (f"--data-root={home}/{driver}", f"--exec-root={run}/exec", f"--pidfile={run}/pid", "-H", sock)
    words = (f"--storage-driver={driver}", *places, "--bridge=none", "--iptables=false")
    _held.append(process.start(["sh", "-c", _GUARD, "sh", run, home / "users.lock", *words], log=home / "dockerd.log"))
    found: list[Engine] = []

    def settled() -> bool:
        found.extend(filter(None, (_answering("docker", {"DOCKER_HOST": sock}, run),)))
        return bool(found) or (run / "ended").exists()

    _wait(settled, "dockerd does not answer")
    return found[0] if found else None


def _wait(ready: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise SlipwayError(f"{complaint} within {_PATIENCE:.0f} seconds", hint="is the machine very busy? Run again")
        time.sleep(0.05)


def _bootstrap(engine: Engine, reference: str, suite: str, arch: str) -> str:
    tag = f"localhost/slipway-base:{suite}-{arch}"
    console.say(f"      {reference} cannot be pulled: using a Debian {suite} made by mmdebstrap")
    if found := engine.image_id(tag, arch):
        return found
    tar = cache_dir() / "images" / f"{suite}-{arch}.tar"
    if not tar.is_file():
        tar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tar.parent) as aside:
            made = Path(aside) / "root.tar"
            process.run(["mmdebstrap", "--variant=apt", f"--architectures={arch}", suite, made])
            made.replace(tar)
    engine.run("import", *((f"--platform=linux/{arch}",) if arch != engine.arch else ()), tar, tag)
    return engine.image_id(tag, arch) or tag


def _modest_podman() -> Mapping[str, str]:
    """Ask podman for no more than this machine allows: its own limits are above the hard ones of restricted machines."""
    import resource

    limits = [
        f'"{name}={top}:{top}"'
        for name, top in (("nofile", _hard(resource.RLIMIT_NOFILE)), ("nproc", _hard(resource.RLIMIT_NPROC)))
    ]
    runtime = 'runtime = "runc"\n' if process.which("runc") else ""
    engine = f'[engine]\n{runtime}cgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    text = f"[containers]\ndefault_ulimits = [{', '.join(limits)}]\n{engine}"
    conf = cache_dir() / "containers.conf"
    write_atomic(conf, text.encode())
    console.log(f"podman does not start containers by itself here: trying again with {conf}")
    return {"CONTAINERS_CONF": str(conf)}


def _hard(which: int) -> int:
    import resource

    top = resource.getrlimit(which)[1]
    return 32768 if top == resource.RLIM_INFINITY else min(top, 32768)
