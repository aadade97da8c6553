"""What a project says about one of its RPM packages, and how rpm spells it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from slipway.model import Release, Variant
from slipway.packagers.choice import package_name

LESS, GREATER, EQUAL = 2, 4, 8
# rpmlint's limit for a line of the description.
_WIDTH: Final = 79
_RELATION: Final = re.compile(r"(?P<name>\S+)(?: (?P<sign>[<>=]+) (?P<version>\S+))?")
_SIGNS: Final = {"": 0, "<": LESS, "<=": LESS | EQUAL, "=": EQUAL, ">=": GREATER | EQUAL, ">": GREATER}


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """Something that a package needs, provides or cannot stand; `flags` are rpm's (include/rpm/rpmds.h)."""

    name: str
    version: str = ""
    flags: int = 0

    @classmethod
    def parse(cls, text: str) -> Relation:
        """Read what slipway.toml says, such as `openssl-libs >= 1:3.0`."""
        match = _RELATION.fullmatch(text)
        assert match is not None, text
        return cls(match["name"], match["version"] or "", _SIGNS[match["sign"] or ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a project says about one of its RPM packages; `source` is the name of the first variant's."""

    package: str
    source: str
    epoch: int
    version: str
    release: str
    architecture: str
    packager: str
    vendor: str
    url: str
    license: str
    group: str
    summary: str
    description: str
    requires: tuple[Relation, ...]
    recommends: tuple[Relation, ...]
    suggests: tuple[Relation, ...]
    conflicts: tuple[Relation, ...]
    obsoletes: tuple[Relation, ...]
    provides: tuple[Relation, ...]

    @property
    def evr(self) -> str:
        """`1:2.1.0-1`; without an epoch `2.1.0-1`."""
        return f"{self.epoch}:" * bool(self.epoch) + f"{self.version}-{self.release}"

    @property
    def label(self) -> str:
        """`NAME-VERSION-RELEASE`."""
        return f"{self.package}-{self.version}-{self.release}"

    @property
    def file_name(self) -> str:
        """`NAME-VERSION-RELEASE.ARCHITECTURE.rpm`."""
        return f"{self.label}.{self.architecture}.rpm"


def facts_of(release: Release, variant: Variant, architecture: str) -> Facts:
    """Gather the facts; the variants stand in for each other, and only one of them can be there."""
    project, rules = release.project, release.project.rpm
    names = {each: package_name(release, each, rules.package) for each in project.variants}
    others = tuple(name for each, name in names.items() if each != variant)
    evr = f"{rules.epoch}:" * bool(rules.epoch) + f"{release.version.rpm}-{rules.release}"
    summary = " ".join(project.summary.split()).rstrip(".")
    return Facts(
        package=names[variant],
        source=names[project.variants[0]],
        epoch=rules.epoch,
        version=release.version.rpm,
        release=rules.release,
        architecture=architecture,
        packager=project.maintainer,
        vendor=rules.vendor,
        url=project.homepage,
        license=project.license or "Unspecified",
        group=rules.group,
        summary=summary,
        description=_described("\n\n".join(text for text in (project.description, variant.summary) if text)),
        requires=_relations(rules.requires),
        recommends=_relations(rules.recommends),
        suggests=_relations(rules.suggests),
        # Not Obsoletes: an upgrade of all packages would then change the variant.
        conflicts=_relations((*rules.conflicts, *others)),
        obsoletes=_relations(rules.obsoletes),
        provides=_relations((*rules.provides, *(f"{other} = {evr}" for other in others))),
    )


def _relations(texts: Iterable[str]) -> tuple[Relation, ...]:
    return tuple(Relation.parse(text) for text in texts)


def _described(text: str) -> str:
    """Wrap prose; keep the lines of a list or of an example."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text.strip()))


def _paragraph(text: str) -> str:
    if re.search(r"^\s*[-*•]\s|^\s{2,}\S", text, re.MULTILINE):
        return "\n".join(line.rstrip() for line in text.splitlines())
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False)
