"""What went wrong when cargo failed: its own words, and what to do about them."""

from __future__ import annotations

import re
from typing import Final

from slipway import console, process
from slipway.errors import NetworkError, SlipwayError

# What cargo says when another machine did not answer.
_NETWORK: Final = re.compile(
    r"network failure|Could(?:n't| not) (?:resolve host|connect)|failed to (?:download|fetch|query replaced source)"
    r"|download of \S+ failed|Timeout was reached|Connection (?:refused|timed out)|Operation timed out"
    r"|attempting to make an HTTP request|Unable to update"
)
_SHOWN: Final = 60


def explain(platform: str, done: process.Result) -> SlipwayError:
    """The error that tells how compiling for a platform failed."""
    lines = done.output.splitlines()
    first = next((index for index, line in enumerate(lines) if line.startswith("error")), max(0, len(lines) - _SHOWN))
    text = "\n".join(f"    {line}" for line in lines[first : first + _SHOWN])
    if _NETWORK.search(done.output):
        return NetworkError(
            f"cargo could not fetch what {platform} needs\n{text}",
            hint="check the network and the proxy settings, or run cargo fetch where there is a network",
        )
    hint = f"the whole output is in {console.log_name()}"
    if "--locked" in text:
        hint = "bring Cargo.lock up to date (cargo update --workspace) and commit it"
    return SlipwayError(f"compiling for {platform} failed with exit code {done.code}\n{text}", hint=hint)
