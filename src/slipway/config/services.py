"""What is wrong with the services in slipway.toml, and with the command that an installation begins its life with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.schema import SlipwayFile
from slipway.layout import PLACES


def service_faults(tables: SlipwayFile, binaries: Sequence[str] | None) -> Iterator[Fault]:
    """Check the services; `binaries` are the programs of all components, None when not all of these could be read."""
    if binaries is not None:
        yield from _programs(tables, binaries)
    yield from _states(tables)
    yield from _daemons(tables)
    yield from _folders(tables)


def _programs(tables: SlipwayFile, binaries: Sequence[str]) -> Iterator[Fault]:
    for name, service in tables.service.items():
        if (binary := service.binary or name) not in binaries:
            path = ("service", name, "binary") if service.binary else ("service", name)
            yield Fault(path, f"no component makes the binary {binary!r}", suggestion(binary, binaries))


def _states(tables: SlipwayFile) -> Iterator[Fault]:
    """systemd keeps the state of services without a user elsewhere, and gives one folder to both kinds never."""
    with_state = {name: service for name, service in tables.service.items() if service.state}
    owned = [name for name, service in with_state.items() if service.user]
    for name in sorted(with_state.keys() - set(owned)) if owned else ():
        message = f"keeps state without a user, and {owned[0]} with one: they cannot share the project's folder of state"
        yield Fault(("service", name), message, "give every service that keeps state a user, or none of them")


def _daemons(tables: SlipwayFile) -> Iterator[Fault]:
    """What runs at certain times ends by itself: nobody waits for it, and nobody calls it."""
    for name, service in tables.service.items():
        for key in ("notify", "sockets") if service.schedule else ():
            if getattr(service, key):
                yield Fault(("service", name, key), "is for daemons, not for what runs on a schedule", "leave one of them out")


def _folders(tables: SlipwayFile) -> Iterator[Fault]:
    texts: dict[lines.Path, str] = {}
    for name, service in tables.service.items():
        for key in ("arguments", "sockets", "writes"):
            texts |= {("service", name, key, index): text for index, text in enumerate(getattr(service, key))}
        texts |= {("service", name, "environment", key): text for key, text in service.environment.items()}
    texts |= {("install", "configure", index): text for index, text in enumerate(tables.install.configure)}
    yield from _stand_for(texts)


def _stand_for(texts: Mapping[lines.Path, str]) -> Iterator[Fault]:
    for where, text in texts.items():
        for word in re.findall(r"\{(\w*)\}", text):
            if word not in PLACES:
                yield Fault(where, f"{{{word}}} stands for nothing", suggestion(word, PLACES))
