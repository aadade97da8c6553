"""Measure slipway beside other tools: `habit` is tar, gzip and dpkg-deb, `packages` the release tools that are on PATH.

`release` is the changelog of a long history beside git-cliff, many files into a bucket beside aws, rclone and s5cmd, and
publishing what is published already; `release changelog`, `release upload` and `release noop` are one of these alone.
"""

from __future__ import annotations

import argparse
import sys

from bench import habit, packages, release


def main() -> int:
    """Run the pairs and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "table", nargs="?", choices=("habit", "packages", "release"), default="habit", help="which table (default: habit)"
    )
    parser.add_argument("part", nargs="?", choices=("", *release.PARTS), default="", help="of release, only this part")
    parser.add_argument("--pairs", type=count, default=5, help="how often each is measured, in turns (default 5)")
    parser.add_argument(
        "--size",
        type=count,
        default=0,
        help="MiB: of all programs (habit, default 48), of each (packages, 12), of a file (release, 1)",
    )
    asked = parser.parse_args()
    if asked.table == "habit":
        habit.compare(asked.pairs, asked.size or 48)
    elif asked.table == "packages":
        packages.compare(asked.pairs, asked.size or 12)
    else:
        release.compare(asked.pairs, asked.size or 1, asked.part)
    return 0


def count(text: str) -> int:
    """Read a number that is at least 1."""
    if (number := int(text)) < 1:
        raise ValueError(f"{text} is not at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
