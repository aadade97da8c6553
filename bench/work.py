"""What slipway does for one row of the table, as a process of its own: `python -m bench.work RELEASE KIND`."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from slipway.packagers import FORMATS
from slipway.packagers.checksums import plan_checksums


def main(release_file: str, *kinds: str) -> int:
    """Make the packages of some kinds of a pickled release, and the lists of checksums where `checksums` is among the kinds."""
    release = pickle.loads(Path(release_file).read_bytes())
    steps = tuple(step for each in FORMATS if each.kind in kinds for step in each.plan(release))
    for step in (*steps, *((plan_checksums(release, "bench", steps),) if "checksums" in kinds else ())):
        step.run()
    print(*(step.outputs[0] for step in steps), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
