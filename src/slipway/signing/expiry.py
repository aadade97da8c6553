"""When a key ends, as far as it says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from slipway import process
from slipway.signing.gnupg import GPG, environment, home_with

_TYPE, _STATE, _ENDS, _ABLE = 0, 1, 6, 11
_DAY: Final = 86_400


def openpgp_days(public_key: bytes) -> float | None:
    """How many days more an OpenPGP key can sign; None when it does not end, 0 when it cannot now."""
    home = home_with([public_key])
    said = process.question((*GPG, "--with-colons", "--fixed-list-mode", "--list-keys"), env=environment(home)).answer
    rows = [tuple(line.split(":")) for line in said.splitlines()]
    primary = next((row for row in rows if row[_TYPE] == "pub"), None)
    signers = [row for row in rows if row[_TYPE] in ("pub", "sub") and "s" in row[_ABLE] and row[_STATE] not in "erdi"]
    if primary is None or primary[_STATE] in ("e", "r", "d", "i") or not signers:
        return 0.0
    lasting = max((_seconds(row) for row in signers), default=0.0)
    left = min(_seconds(primary), lasting)
    return None if left == float("inf") else max(left, 0.0) / _DAY


def certificate_lasts(path: Path, days: int) -> bool:
    """Whether the first certificate of a file is good for so many days more."""
    done = process.question(("openssl", "x509", "-in", path, "-noout", "-checkend", str(days * _DAY)))
    return done.code == 0


def _seconds(row: tuple[str, ...]) -> float:
    return int(row[_ENDS]) - time.time() if row[_ENDS].isdecimal() else float("inf")
