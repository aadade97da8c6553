"""Where the sources that slipway ships are found: in the installed wheel, or in a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from slipway.errors import SlipwayError

PACKAGE: Final = Path(__file__).resolve().parent
CHECKOUT: Final = PACKAGE.parents[1]


def program() -> Path | None:
    """The file that slipway is, where it is a standalone program and no Python package."""
    return Path(sys.executable) if getattr(sys, "frozen", False) else None


def source_dir(name: str) -> Path:
    """Return the folder of shipped sources, such as `templates` or `installers`.

    A checkout counts only when it holds slipway's own build hook, so that a broken wheel never reads a stranger's folder.
    """
    roots: tuple[Path, ...] = (PACKAGE / "data", *((CHECKOUT,) if (CHECKOUT / "hatch_build.py").is_file() else ()))
    for root in roots:
        if (found := root / name).is_dir():
            return found
    raise SlipwayError(
        f"slipway's own {name} folder is missing from {PACKAGE}", hint="the installation is damaged: install slipway again"
    )
