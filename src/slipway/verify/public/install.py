"""The check that what was published installs as users install it: by the address of the script, on a clean machine."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from slipway import process
from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import Content
from slipway.download import shown
from slipway.errors import GateError, NetworkError, SlipwayError, TransientError, VerificationError
from slipway.verify.public.files import receipt_of
from slipway.verify.public.serving import reachable

if TYPE_CHECKING:
    from slipway.containers import Container, Engine

LIMIT: Final = 900.0  # seconds that an installation may take
# How install.sh says that the network failed it.
_NETWORK: Final = 42
# What gets a program that downloads, where an image has none; nearly all of those that people use have such a program.
_GET_CURL: Final = """
command -v curl >/dev/null || command -v wget >/dev/null ||
    if command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends curl ca-certificates
    elif command -v apk >/dev/null; then apk add --quiet curl ca-certificates
    elif command -v dnf >/dev/null; then dnf install -y -q curl
    elif command -v microdnf >/dev/null; then microdnf install -y curl
    elif command -v zypper >/dev/null; then zypper --non-interactive --quiet install curl
    elif command -v pacman >/dev/null; then pacman -Sy --noconfirm --quiet curl
    else exit 1
    fi
"""
# Without the words behind it, a download that fails would leave the shell without a script, and so without a complaint.
_PIPE: Final = """
get() { if command -v curl >/dev/null; then curl -fsSL "$1"; else wget -qO- "$1"; fi; }
{ get "$1" || echo "exit 42"; } | sh
"""
_WITHOUT: Final = "publish from a machine that has one, or say install = false for this environment; nothing has been written yet"
_lock: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicInstall(OnStore):
    """Install by the published install.sh in a clean container, and ask the program how it is.

    `architectures` are those that the release has Linux programs for; `health` is the command that says the version.
    """

    KIND: ClassVar[str] = "public-install"
    PHASE: ClassVar[str] = "check"
    script: Content
    version: str
    architectures: tuple[str, ...]
    image: str
    bootstrap: str = ""
    health: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`check/site/install`; no file has this name, which has no folder."""
        return f"check/{self.store}/install"

    def describe(self) -> str:
        """`install v2.1.0/install.sh from site in a clean container`."""
        return f"install by {self.script.name} from {self.store} in a clean container"

    def probe(self, site: Site) -> Probe:
        """Whether this script was tried; where not, whether it can be, which is better known before anything is written."""
        now, done = receipt_of(site, self.store, self.script), site.done.get(self.key)
        if done is not None and now["token"] and dict(done.after) == now:
            return Probe(state=State.SAME, now=now)
        try:
            self._require_machine()
        except (GateError, NetworkError) as error:
            said = f"what is published in {self.store} could not be tried: {error.message}"
            return Probe(state=State.ABSENT, refusal=said, hint=error.hint or _WITHOUT)
        return Probe(state=State.ABSENT)

    def apply(self, site: Site) -> Receipt:
        """Install; raises VerificationError when that fails, or what was installed is not what it should be."""
        url = site.store(self.store).url(self.script.name)
        with reachable(site, self.store), self._clean_machine() as box, _within(box):
            _judge(f"curl -fsSL {shown(url)} | sh", box.exec(["sh", "-c", _PIPE, "sh", url]))
            if self.health:
                self._require_health(box.exec(["sh", "-c", 'PATH=/usr/local/bin:$PATH; exec "$@"', "sh", *self.health]))
        return Receipt(after=receipt_of(site, self.store, self.script), digest=self.script.sha256)

    def revert(self, site: Site, receipt: Receipt) -> str:
        """The container is gone already."""
        del site, receipt
        return "nothing to undo"

    def _require_health(self, done: process.Result) -> None:
        shown_ = shlex.join(self.health)
        if done.code:
            raise VerificationError(
                f"what {self.store} gives out installs, and then {process.failure(shown_, done.code, done.output)}",
                hint="nothing leads to it yet: mend it under a new version",
            )
        if self.version not in done.output:
            raise VerificationError(
                f"what {self.store} gives out as {self.version} says of itself:\n    {done.output.strip()}",
                hint="nothing leads to it yet: was it built from another commit?",
            )

    def _require_machine(self) -> None:
        """Raise GateError when there is no engine here, or none that runs the programs of this release."""
        with _lock:
            engine, arch = self._engine()
            if engine.arch != arch:
                self._image(engine, arch)

    def _engine(self) -> tuple[Engine, str]:
        """The engine, and the architecture to try: this machine's own, if the release has programs for it."""
        from slipway import containers

        found = containers.engine()
        return found, found.arch if found.arch in self.architectures else self.architectures[0]

    def _image(self, engine: Engine, arch: str) -> tuple[Engine, str]:
        """The engine as it runs the image, and the image's id."""
        image = engine.ensure_image(self.image, self.bootstrap, arch)
        if able := engine.able(image):
            return able, image
        raise GateError(f"{engine.program} cannot run {self.image} for linux/{arch} here", hint=_WITHOUT)

    @contextmanager
    def _clean_machine(self) -> Iterator[Container]:
        """A container with the network of this machine, where local addresses mean the same, and something that downloads."""
        from slipway.containers import Container

        # Two that look at the same time would each start an engine and make an image.
        with _lock:
            engine, image = self._image(*self._engine())
            image = _with_curl(engine, image, self.image)
        with Container(engine, image, network="host") as box:
            yield box


def _with_curl(engine: Engine, image: str, name: str) -> str:
    """The id of the image with a program that downloads, made once where it has none."""
    from slipway.containers import Container

    tag = f"localhost/slipway-online:{image.removeprefix('sha256:')[:16]}"
    if found := engine.image_id(tag):
        return found
    with Container(engine, image, network="host") as box:
        if not box.exec("command -v curl || command -v wget").code:
            return image
        done = box.exec(_GET_CURL, env={"DEBIAN_FRONTEND": "noninteractive"})
        if done.code:
            raise NetworkError(
                f"{name} has neither curl nor wget, and none could be installed:\n    {done.output.strip()[-400:]}",
                hint="name an image that has one in [test] image",
            )
        engine.run("commit", box.name, tag)
    return engine.image_id(tag) or tag


@contextmanager
def _within(box: Container) -> Iterator[None]:
    try:
        with process.within(LIMIT):
            yield
    except SlipwayError as error:
        if type(error) is not SlipwayError:
            raise
        # The engine's client was stopped, not what it had started in the container.
        box.quiet()
        raise VerificationError(error.message, hint="an installation may take a quarter of an hour") from error


def _judge(shown_: str, done: process.Result) -> None:
    if done.code == _NETWORK:
        raise TransientError(process.failure(shown_, done.code, done.output), hint="slipway resume tries again")
    if done.code:
        raise VerificationError(
            process.failure(shown_, done.code, done.output), hint="nothing leads to it yet: mend it under a new version"
        )
