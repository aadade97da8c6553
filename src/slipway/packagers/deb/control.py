"""The fields of a Debian package, as Debian policy chapter 5 spells them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from slipway.compress import parse
from slipway.model import Release, Variant
from slipway.packagers.choice import package_name
from slipway.rules import DebSuite
from slipway.version import SUITES, debian_version

_WIDTH: Final = 79
_ARTICLE: Final = re.compile(r"^(?:an?|the) +(?=\S)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a project says about one of its Debian packages."""

    package: str
    version: str
    architecture: str
    maintainer: str
    homepage: str
    section: str
    priority: str
    summary: str
    description: str
    depends: tuple[str, ...]
    pre_depends: tuple[str, ...]
    recommends: tuple[str, ...]
    suggests: tuple[str, ...]
    enhances: tuple[str, ...]
    breaks: tuple[str, ...]
    conflicts: tuple[str, ...]
    replaces: tuple[str, ...]
    provides: tuple[str, ...]
    multi_arch: str
    upstream: str
    codec: str
    suite: str = ""
    triggers: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_native(self) -> bool:
        """Whether the version has no Debian revision."""
        return "-" not in self.version

    @property
    def file_name(self) -> str:
        """`PACKAGE_VERSION_ARCHITECTURE.deb`."""
        return f"{self.package}_{self.version}_{self.architecture}.deb"

    @property
    def doc(self) -> str:
        """The folder of the package's documents."""
        return f"/usr/share/doc/{self.package}"


def facts_of(release: Release, variant: Variant, architecture: str, suite: str = "") -> Facts:
    """Gather the facts; the variants take each other's place."""
    project, rules = release.project, release.project.deb
    package, special = package_name(release, variant, rules.package), rules.suite.get(suite, DebSuite())
    version = debian_version(release.version, rules.revision, special.version or SUITES.get(suite, "") if suite else None)
    others = tuple(package_name(release, other, rules.package) for other in project.variants if other != variant)
    return Facts(
        package=package,
        version=version,
        architecture=architecture,
        maintainer=project.maintainer,
        homepage=project.homepage,
        section=rules.section,
        priority=rules.priority,
        summary=project.summary,
        description="\n\n".join(text for text in (project.description, variant.summary) if text),
        depends=(*rules.depends, *special.depends, *rules.architecture.get(architecture, ())),
        pre_depends=rules.pre_depends,
        recommends=rules.recommends,
        suggests=rules.suggests,
        enhances=rules.enhances,
        breaks=rules.breaks,
        conflicts=(*rules.conflicts, *others),
        replaces=(*rules.replaces, *others),
        provides=(*rules.provides, *(f"{other} (= {version})" for other in others)),
        multi_arch=rules.multi_arch,
        upstream=release.version.deb,
        codec=parse(rules.compression)[0],
        suite=suite,
        triggers=rules.triggers,
        overrides=rules.overrides,
    )


def control(facts: Facts, *, size: int, needs: Iterable[str]) -> str:
    """The control file of a package of `size` KiB that needs these packages besides those that the project names."""
    fields = {
        "Package": facts.package,
        "Version": facts.version,
        "Architecture": facts.architecture,
        "Maintainer": facts.maintainer,
        "Installed-Size": str(size),
        "Pre-Depends": _list(facts.pre_depends),
        "Depends": _list((*needs, *facts.depends)),
        "Recommends": _list(facts.recommends),
        "Suggests": _list(facts.suggests),
        "Enhances": _list(facts.enhances),
        "Breaks": _list(facts.breaks),
        "Conflicts": _list(facts.conflicts),
        "Replaces": _list(facts.replaces),
        "Provides": _list(facts.provides),
        "Section": facts.section,
        "Priority": facts.priority,
        "Multi-Arch": facts.multi_arch,
        "Homepage": facts.homepage,
        "Description": _described(facts),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _list(items: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(items))


def _described(facts: Facts) -> str:
    """The synopsis, and a description that says more than it."""
    said = " ".join(facts.summary.split()).rstrip(".")
    paragraphs = [text for text in re.split(r"\n\s*\n", facts.description.strip()) if _words(text) not in {"", _words(said)}]
    body = "\n .\n".join("\n".join(_paragraph(text)) for text in paragraphs or [f"This package holds {facts.package}."])
    return f"{_synopsis(said, facts.package)}\n{body}"


def _synopsis(said: str, package: str) -> str:
    """What a package is, without its name and an article before it, as policy 3.4.1 wants."""
    name = re.escape(package)
    short = re.sub(rf"^{name}(?:\s*[:\u2013\u2014]\s*|\s+-+\s+|\s+is\s+)", "", said, flags=re.IGNORECASE)
    plain = _ARTICLE.sub("", short)
    # An article is the lesser fault.
    found = short if re.match(rf"{name}\b", plain, re.IGNORECASE) else plain
    return found[:1].upper() + found[1:] if said[:1].isupper() else found


def _words(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()


def _paragraph(text: str) -> list[str]:
    """Wrap prose; keep the lines of a list or of an example, which policy 5.6.13 marks by a second space."""
    if re.search(r"^\s*[-*•]\s|^\s{2,}\S", text, re.MULTILINE):
        return [f"  {line.rstrip()}" for line in text.splitlines() if line.strip()]
    return [f" {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH - 1, break_long_words=False)]
