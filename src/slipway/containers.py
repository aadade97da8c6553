"""The one door to container engines: docker, podman, or an engine of our own where neither answers.

Nothing here depends on this process ending well: a container ends when its standard input closes, which the system does for
us, however we end.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from slipway import console, dockerd, process
from slipway.dockerd import HOW_TO_GET_ONE, wait_until
from slipway.errors import GateError, NetworkError, SlipwayError, UsageError
from slipway.files import cache_dir, write_atomic

ENGINES: Final = {
    "docker": ("version", "--format", "{{.Server.Version}} {{.Server.Arch}}"),
    "podman": ("info", "--format", "{{.Version.Version}} {{.Host.Arch}}"),
}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A container engine that answers; `home` is set when it is one of our own."""

    program: str
    version: str
    arch: str
    env: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """The words that every command of the engine begins with."""
        # On restricted machines podman warns at each command, amid the output of what it runs.
        return ("podman", "--log-level=error") if self.program == "podman" else (self.program,)

    def run(self, *words: str | Path, check: bool = True, stdin: str | None = None) -> process.Result:
        """Run one of the engine's commands."""
        return process.run([*self.command, *words], env=self.env, check=check, stdin=stdin)

    def ask(self, *words: str) -> str | None:
        """Return what one of the engine's commands answers, or None."""
        return process.capture([*self.command, *words], env=self.env)

    def start(self, *words: str, log: Path) -> process.Background:
        """Run one of the engine's commands beside this process."""
        return process.start([*self.command, *words], env=self.env, log=log)

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
            'set bootstrap = "bookworm" in [test] of slipway.toml and install mmdebstrap',
        )

    def ensure_tag(self, reference: str, bootstrap: str = "") -> str:
        """As `ensure_image`, but return the name under which the image is here."""
        found = self.ensure_image(reference, bootstrap)
        return reference if self.image_id(reference) == found else _base_tag(bootstrap, self.arch)

    def able(self, image: str) -> Engine | None:
        """Return the engine with the settings under which programs of an image run here, natively or emulated."""
        for engine in (self, *self._modest()):
            if engine.ask("run", "--rm", "--network", "none", image, "true") is not None:
                return engine
        return None

    def _modest(self) -> Iterator[Engine]:
        if self.program == "podman" and not self.env:
            yield replace(self, env=_modest_podman())

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
    if wanted != "podman" and dockerd.can_start():
        run = dockerd.join(cache_dir() / "docker")
        if found := _answering("docker", {"DOCKER_HOST": dockerd.address(run)}, run):
            return found
    raise _silent(wanted)


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
        if self.engine.program == "podman":
            self.engine = self.engine.able(self.image) or self.engine
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

    def quiet(self) -> None:
        """Kill everything in the container but its first process."""
        self.exec("kill -KILL -1")

    def question(self, words: Sequence[str]) -> process.Result:
        """Run a program whose standard output is data, which stays out of the build log."""
        return process.question([*self.engine.command, "exec", self.name, *words], env=self.engine.env)

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
        options = [
            "--name",
            self.name,
            "--label",
            f"slipway.pid={os.getpid()}",
            "--network",
            self.network,
            *(_INIT if self.init else ()),
        ]
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
            self._client = self.engine.start(
                "run", "--rm", "-i", "--stop-signal", "SIGKILL", *options, self.image, "cat", log=Path(name)
            )
            running = ("inspect", "--format", "{{.State.Running}}", self.name)
            wait_until(
                lambda: not self._lives() or self.engine.ask(*running) == "true", f"the container {self.name} does not start"
            )
            if not self._lives():
                raise SlipwayError(f"the container does not start:\n    {Path(name).read_text().strip()}", hint=HOW_TO_GET_ONE)
        finally:
            Path(name).unlink()

    def _lives(self) -> bool:
        return self._client is not None and self._client.alive

    def _wait_for_init(self) -> None:
        if self.init:
            ready = lambda: self.exec(["systemctl", "is-system-running"]).output.strip() in {"running", "degraded"}  # noqa: E731
            wait_until(ready, f"systemd does not come up in {self.name}")


def _answering(program: str, env: Mapping[str, str] | None = None, home: Path | None = None) -> Engine | None:
    answer = process.capture([program, *ENGINES[program]], env=env)
    version, _, arch = (answer or "").partition(" ")
    return Engine(program=program, version=version, arch=arch, env=env or {}, home=home) if arch else None


def _silent(wanted: str) -> GateError:
    """Say why no engine answers, in the engine's own words, and what to do about the first reason that is known."""
    said = {name: answer for name in ((wanted,) if wanted else ENGINES) if (answer := _complaint(name))}
    reasons = "".join(f"; {name} says: {answer}" for name, answer in said.items())
    known = (hint for answer in said.values() for sign, hint in _KNOWN.items() if sign in answer)
    return GateError(
        f"no container engine answers: {wanted or 'neither docker nor podman'}{reasons}", hint=next(known, HOW_TO_GET_ONE)
    )


def _complaint(program: str) -> str:
    if process.which(program) is None:
        return ""
    lines = process.question([program, *ENGINES[program]]).output.strip().splitlines()
    return next((line for line in lines if any(sign in line for sign in _KNOWN)), lines[-1] if lines else "").strip()


_OTHERWISE: Final = "; SLIPWAY_ENGINE chooses another engine"
_KNOWN: Final = {
    "permission denied": "this user may not talk to the engine: sudo usermod -aG docker $USER, then log in again" + _OTHERWISE,
    "docker daemon running": "systemctl start docker, or open Docker Desktop" + _OTHERWISE,
    "Cannot connect to Podman": "podman machine start (before its first start: podman machine init)" + _OTHERWISE,
    "podman machine": "podman machine start (before its first start: podman machine init)" + _OTHERWISE,
    "no such host": "check DOCKER_HOST and docker context ls: the engine's machine is not found" + _OTHERWISE,
}


def _base_tag(suite: str, arch: str) -> str:
    return f"localhost/slipway-base:{suite}-{arch}"


def _bootstrap(engine: Engine, reference: str, suite: str, arch: str) -> str:
    tag = _base_tag(suite, arch)
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
