"""Versions as pkg-version(8) of FreeBSD sorts them."""

from __future__ import annotations

import re
from typing import Final

from slipway.errors import UsageError
from slipway.version import Version

# pkg looks at the first letter of a word alone, so each letter may stand for one word.
LABELS: Final = ("alpha", "beta", "dev", "pre", "rc")
_PRE: Final = re.compile(rf"(?P<label>{'|'.join(LABELS)})(?P<number>\.?\d+)?(?:\.dev\.(?P<dev>\d+))?", re.ASCII)
_DIGITS: Final = 18  # pkg reads numbers into 64 bits, and does not look whether they fit


def freebsd_version(version: Version) -> str:
    """Spell a version for pkg: `1.2.0-rc.1` is `1.2.0.r.1`, as the ports tree has it; raises UsageError when it has no spelling.

    A component that begins with a letter comes before the end (pkg-version(8)), so what follows a pre-release or a `+` begins
    with a digit here.
    """
    text, _, build = version.text.partition("+")
    core, _, pre = text.partition("-")
    found = core + (_before(version, pre) if pre else "") + (_behind(build) if build else "")
    if any(len(number) > _DIGITS for number in re.findall(r"\d+", found)):
        raise UsageError(f"pkg cannot count as far as the version {version}", hint=f"numbers may have {_DIGITS} digits")
    return found


def _before(version: Version, pre: str) -> str:
    if (match := _PRE.fullmatch(pre)) is None:
        raise UsageError(
            f"FreeBSD's pkg has no spelling for the version {version}",
            hint=f"pre-releases of a project with FreeBSD packages are {', '.join(f'{label}.N' for label in LABELS)}; "
            "or leave freebsd out of the packages: PACKAGE_FORMATS",
        )
    dev = f".0d{match['dev']}" if match["dev"] else ""
    return f".{match['label'][0]}{match['number'] or ''}{dev}"


def _behind(build: str) -> str:
    plain = build.lower().replace("-", ".")
    return f"+{plain}" if plain[0].isdigit() else f"+0{plain}"
