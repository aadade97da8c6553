"""The copyright file of a Debian package, machine-readable (DEP-5)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from slipway.render import render

# Debian has these texts on every system, so a package refers to them (policy 12.5).
COMMON: Final[Mapping[str, str]] = {
    "Apache-2.0": "Apache-2.0",
    "Artistic-1.0": "Artistic",
    "BSD-3-Clause-UC": "BSD",
    "CC0-1.0": "CC0-1.0",
    "GFDL-1.2": "GFDL-1.2",
    "GFDL-1.3": "GFDL-1.3",
    "GPL-1.0": "GPL-1",
    "GPL-2.0": "GPL-2",
    "GPL-3.0": "GPL-3",
    "LGPL-2.0": "LGPL-2",
    "LGPL-2.1": "LGPL-2.1",
    "LGPL-3.0": "LGPL-3",
    "MPL-1.1": "MPL-1.1",
    "MPL-2.0": "MPL-2.0",
}
_FILES: Final = re.compile(r"(LICEN[CS]E|COPYING)([-_.].*)?", re.IGNORECASE)


def copyright_text(facts: Mapping[str, str], documents: Sequence[Path], epoch: int, overrides: Path) -> bytes:
    """Render the copyright file; `facts` are the project's name, maintainer, homepage and license."""
    names = [part for part in re.split(r"\s+(?:OR|AND|WITH)\s+|[()\s]+", facts["license"]) if part]
    licenses = [{"name": name, "lines": _lines(name, documents)} for name in dict.fromkeys(names)]
    expression = facts["license"].replace("(", "").replace(")", "").replace(" OR ", " or ").replace(" AND ", " and ")
    text = render(
        "templates/deb/copyright.j2",
        overrides=overrides,
        expression=expression,
        licenses=licenses,
        year=time.gmtime(epoch).tm_year,
        **{key: facts[key] for key in ("name", "maintainer", "homepage")},
    )
    return text.encode()


def _lines(name: str, documents: Sequence[Path]) -> list[str]:
    base = name.removesuffix("-only").removesuffix("-or-later").removesuffix("+")
    if common := COMMON.get(base):
        return ["On Debian systems, the full text of this license is in", f"/usr/share/common-licenses/{common}."]
    texts = [path for path in documents if _FILES.fullmatch(path.name)]
    own = [path for path in texts if base.split("-")[0].lower() in path.name.lower()]
    for path in (*own, *texts):
        return [line.rstrip() for line in path.read_text(encoding="utf-8", errors="replace").strip().splitlines()]
    return [f"The terms of the license are those that SPDX lists as {name}."]
