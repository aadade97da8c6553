"""What was built is held to the rule before it gets its place, whoever built it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from slipway import console
from slipway.binaries import Binary, carrying, read_binary
from slipway.build.parting import keep_symbols, parting
from slipway.build.rule import Finding, Rule, Subject, judge
from slipway.build.sealing import sealing
from slipway.errors import VerificationError
from slipway.files import copy_hashed
from slipway.manifest import Built, record_built
from slipway.model import Release
from slipway.platforms import Platform

# Data: what lies there is not started on the platform, so it may be for any.
_DATA: Final = ("share/", "etc/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one component makes for one platform.

    `places` says where each file goes, by its place in a distribution such as `bin/hello`, without the platform's
    suffix. What its programs are is written to `record`, for a release such as `hello-1.2.3`; `symbols` lists what was
    taken out of them, where that is kept.
    """

    component: str
    places: Mapping[str, Path]
    record: Path
    release: str
    symbols: Path | None = None

    @classmethod
    def of(cls, release: Release, platform: Platform, component: str, places: Iterable[str]) -> Delivery:
        """The delivery of a component that makes the files for some places in a distribution."""
        return cls(
            component=component,
            places={to: release.made(platform, to) for to in places},
            record=release.facts(platform, component),
            release=release.base,
            symbols=release.symbols(platform, component) if release.project.symbols == "separate" else None,
        )

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All that is written: outputs of the Step that delivers."""
        return (*self.places.values(), self.record, *((self.symbols,) if self.symbols else ()))


def accept(
    built: Mapping[str, Path],
    deliveries: Sequence[Delivery],
    rule: Rule,
    *,
    paths: Collection[str] = (),
    carried: Mapping[str, Collection[Path]] | None = None,
) -> None:
    """Part every file from its symbols as the rule says, seal it, hold it to the rule, and only when all are right put each in
    its place and write the records.

    `built` has the file for each place of the deliveries; `paths` are folders that should not be named inside. `carried` has the
    libraries that a program unpacks when it starts: it asks for what they ask for.
    Raises VerificationError with all that is wrong. Scripts and data pass.
    """
    with parting(built, rule, whole=carried or ()) as parted, sealing(parted.files, rule.platform, rule.certificate) as files:
        programs = {to: found for each in deliveries for to in each.places if (found := read_binary(files[to])) is not None}
        for to, libraries in (carried or {}).items():
            programs[to] = carrying(programs[to], filter(None, map(read_binary, libraries)))
        judged = (_judged(each, built, programs, parted.files, rule, tuple(paths)) for each in deliveries)
        _require([finding for findings in judged for finding in findings])
        for each in deliveries:
            _deliver(each, files, programs, rule.platform)
            _keep_symbols(each, built, parted.symbols, rule.platform)


def _keep_symbols(
    delivery: Delivery, built: Mapping[str, Path], symbols: Mapping[str, tuple[str, Path]], platform: Platform
) -> None:
    found = {to: each for to, each in symbols.items() if to in delivery.places}
    # Programs that lie at their place already lost their symbols when they got there.
    stay = not found and any(built[to] == place for to, place in delivery.places.items())
    if delivery.symbols is not None and not (stay and delivery.symbols.is_file()):
        keep_symbols(delivery.symbols, platform, delivery.component, found)


def _judged(
    delivery: Delivery,
    built: Mapping[str, Path],
    programs: Mapping[str, Binary],
    parted: Mapping[str, Path],
    rule: Rule,
    paths: tuple[str, ...],
) -> Iterator[Finding]:
    own = frozenset({built[to].name for to in programs} | {each.soname.rpartition("/")[2] for each in programs.values()})
    for to in delivery.places:
        if to in programs and not to.startswith(_DATA):
            subject = Subject(binary=programs[to], data=parted[to].read_bytes(), rule=rule, own=own, paths=paths)
            for found in judge(subject):
                message = f"component {delivery.component}: {built[to]} {found.message}"
                yield Finding(message=message, hint=found.hint, stops=found.stops)


def _require(findings: Sequence[Finding]) -> None:
    wrong = [each for each in findings if each.stops]
    if wrong:
        hints = dict.fromkeys(each.hint for each in wrong)
        raise VerificationError("\n".join(each.message for each in wrong), hint="\n        ".join(hints))
    for each in findings:
        console.warn(each.message)


def _deliver(delivery: Delivery, built: Mapping[str, Path], programs: Mapping[str, Binary], platform: Platform) -> None:
    found = []
    for to, place in delivery.places.items():
        size, digests = copy_hashed(built[to], place, mode=_mode(to, built[to]))
        if to in programs:
            name = to + platform.exe if to.startswith("bin/") else to
            found.append(
                Built(
                    path=PurePosixPath(name).as_posix(),
                    platform=platform.id,
                    component=delivery.component,
                    size=size,
                    sha256=digests["sha256"],
                    facts=programs[to],
                )
            )
    record_built(delivery.record, delivery.release, found)


def _mode(to: str, made: Path) -> int:
    return 0o755 if to.startswith("bin/") or made.stat().st_mode & 0o100 else 0o644
