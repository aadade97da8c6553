"""The table of slipway.toml for the container image and how it is run, and what can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.forms import ONE_LINE, Matches, Table, TableName, Word, unique
from slipway.rules import target_port

WORDS: Final = ("version", "tag")
_NUMBER: Final = r"[1-9]\d{0,4}"
_PORT: Final = Matches(
    rf"(?:\d+(?:\.\d+){{3}}:|\[[0-9a-fA-F:]+\]:)?(?:{_NUMBER}:)?{_NUMBER}(?:/(?:tcp|udp))?",
    "a port such as '8080', '80:8080', '127.0.0.1:80:8080' or '53/udp'",
)
_NAME: Final = r"[a-z0-9{][a-z0-9._{}-]*"
_IMAGE: Final = Matches(
    rf"|(?:[A-Za-z0-9.-]+(?::\d+)?/)?(?:{_NAME}/)*{_NAME}(?::[A-Za-z0-9_{{][A-Za-z0-9._{{}}-]*)?",
    "the name of an image, such as 'registry.example/hello:{version}'",
)
_PLACE: Final = Matches(r"/[^\s:,;\"'\\$%`]*[^\s:,;\"'\\$%`/]", "a folder in the container, such as '/var/lib/hello'")
_PAGE: Final = Matches(r"|/[A-Za-z0-9._~!()*+,=:@/?&-]*", "a path that starts with '/', such as '/health'")
_VARIABLE: Final = Matches(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable: letters, digits and '_'")


class ContainerTable(Table):
    """The project's container image, and how the container installer runs it. Without `image` there is no such installer."""

    image: Annotated[str, _IMAGE] = ""
    """The image, such as `registry.example/hello:{version}`; `{version}` and `{tag}` are replaced."""
    digest: Annotated[str, Matches(r"|sha256:[0-9a-f]{64}", "'sha256:' and 64 hexadecimal digits")] = ""
    """The digest by which the image is pulled, when it is made elsewhere; otherwise the registry is trusted for its tag."""
    command: list[Annotated[Word, ONE_LINE]] = []
    """The command that runs in the container; the image's own when empty."""
    environment: dict[Annotated[str, _VARIABLE], Annotated[str, ONE_LINE]] = {}
    """Environment variables for the container."""
    ports: Annotated[list[Annotated[str, _PORT]], AfterValidator(unique)] = []
    """The ports that the host passes on: `8080`, `80:8080` (the host's first), `127.0.0.1:80:8080`, `53/udp`."""
    volumes: dict[TableName, Annotated[str, _PLACE]] = {}
    """What outlives the container: names, such as `state`, and folders in the container. The volume is called `PROJECT-NAME`."""
    network: Literal["bridge", "host", "none"] = "bridge"
    """The container's network: one of its own, the host's, or none."""
    health: list[Annotated[Word, ONE_LINE]] = []
    """The command in the container that shows that it works."""
    health_path: Annotated[str, _PAGE] = ""
    """The page, such as `/health`, that the container answers with over HTTP when it works."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """The port in the container that is asked; the first of `ports` when 0."""
    health_timeout: Annotated[int, Field(ge=1, le=3600)] = 60
    """How many seconds a new container has to become healthy before the one from before comes back."""


def container_faults(table: ContainerTable) -> Iterator[Fault]:
    """Check the container and what its keys have to agree on."""
    if not table.image:
        for key in sorted(table.model_fields_set):
            path = ("container", key.replace("_", "-"))
            yield Fault(path, "is not read without image", "name the image, or leave the table out")
        return
    yield from _words(table)
    yield from _ports(table)
    yield from _volumes(table.volumes)
    yield from _health(table)


def _words(table: ContainerTable) -> Iterator[Fault]:
    for word in re.findall(r"\{(\w*)\}", table.image):
        if word not in WORDS:
            yield Fault(("container", "image"), f"{{{word}}} stands for nothing", suggestion(word, WORDS))
    if "/" in table.image and table.image != table.image.lower() and not re.search(r"[.:]", table.image.partition("/")[0]):
        yield Fault(("container", "image"), "the name of an image has lower-case letters only", "only its tag may have others")


def _ports(table: ContainerTable) -> Iterator[Fault]:
    for index, port in enumerate(table.ports):
        where: lines.Path = ("container", "ports", index)
        if max(int(number) for number in re.findall(r"\d+", port.rpartition("]")[2])) > 65535:
            yield Fault(where, f"{port} is no port", "ports go up to 65535")
    if table.ports and table.network != "bridge":
        said = f"are not passed on when network is {table.network!r}"
        yield Fault(("container", "ports"), said, "leave one of them out")


def _volumes(volumes: Mapping[str, str]) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for name, place in volumes.items():
        if (other := owners.setdefault(place, name)) != name:
            yield Fault(("container", "volumes", name), f"{place} is the volume {other} already", "leave one of them out")


def _health(table: ContainerTable) -> Iterator[Fault]:
    if table.health and (table.health_path or table.health_port):
        yield Fault(("container", "health"), "is a second way to ask whether the container works", "leave one of them out")
    asks = table.health_path or table.health_port
    if asks and table.network == "none":
        yield Fault(("container", "network"), "without a network nothing answers at a port", "use health, a command, instead")
    known = [target_port(port) for port in table.ports if not port.endswith("/udp")]
    if table.health_path and not (table.health_port or known):
        yield Fault(("container", "health-path"), "there is no port to ask for it", "name it: health-port = 8080")
    if table.health_path and table.network == "bridge" and table.health_port and table.health_port not in known:
        yield Fault(("container", "health-port"), f"{table.health_port} is not among the ports", "pass it on in ports")
