"""What [deb] cannot say: names that Debian does not allow, suites and architectures that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.config.faults import Fault, suggestion
from slipway.config.packages import DebTable
from slipway.version import SUITES


def debian_faults(deb: DebTable, name: str, architectures: tuple[str, ...]) -> Iterator[Fault]:
    """Say what is wrong with the table of a project that has packages for these architectures."""
    if len(deb.package or name) < 2 and architectures:
        yield Fault(("deb", "package"), "a Debian package needs a name of two letters or more", "set package in [deb]")
    yield from _suites(deb)
    for each in deb.architecture:
        # A project for whatever machine it is released on has no platforms that could be known here.
        if architectures and each not in architectures:
            message = f"no platform of the project has Debian's architecture {each}"
            yield Fault(("deb", "architecture", each), message, suggestion(each, architectures))


def _suites(deb: DebTable) -> Iterator[Fault]:
    endings = {name: part.version for name, part in deb.suite.items() if part.version}
    for index, name in enumerate(deb.suites):
        if name not in SUITES and name not in endings:
            hint = f'say what its versions end in: version = "~{name}1" in [deb.suite.{name}]; {suggestion(name, SUITES)}'
            yield Fault(("deb", "suites", index), f"slipway does not know the suite {name}", hint)
    for name in deb.suite:
        if name not in deb.suites:
            yield Fault(("deb", "suite", name), f"{name} is not among the suites", suggestion(name, deb.suites))
    told = [endings.get(name, SUITES.get(name, name)) for name in deb.suites]
    if len(set(told)) < len(told):
        yield Fault(("deb", "suites"), "the versions of two suites end alike", "give one of them another `version`")
