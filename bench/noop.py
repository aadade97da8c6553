"""Publishing once more what is published already: how long it takes to see that there is nothing to do.

A first publication puts the files into a folder and into a bucket of a real S3 server on this machine. What is measured is the
second one, with the start of Python, as somebody who types `slipway publish` again waits for it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from s3_server import S3

ROOT: Final = Path(__file__).parent.parent
FILES: Final = 500
HEAD: Final = ("what", "wall s", "listings", "other calls")


def compare(pairs: int, files: int = FILES) -> None:
    """Print the table."""
    sys.path.insert(0, str(ROOT / "tests"))
    from s3_server import gateway

    with tempfile.TemporaryDirectory() as name, gateway(Path(name) / "server") as server:
        folder = Path(name)
        print(f"{files} files that are published already, published again; medians of {pairs} runs.\n")
        print(_row(*HEAD), _row(*("---" for _ in HEAD)), sep="\n")
        for kind in ("dir", "s3"):
            words = (sys.executable, "-m", "bench.noop", str(folder / kind), kind, str(files), server.endpoint, server.bucket())
            environment = _environment(server, folder)
            _run(words, environment)
            runs = [_timed(words, environment) for _ in range(pairs)]
            print(_row(kind, f"{statistics.median(wall for wall, _ in runs):.2f}", *runs[-1][1].split("|")), flush=True)


def _environment(server: S3, folder: Path) -> dict[str, str]:
    own = {"AWS_ACCESS_KEY_ID": server.key_id, "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_DEFAULT_REGION": server.region}
    return os.environ | own | {"XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT / "tests")}


def _timed(words: tuple[str, ...], environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    said = _run(words, environment)
    return time.perf_counter() - began, said


def _run(words: tuple[str, ...], environment: dict[str, str]) -> str:
    done = subprocess.run(
        words, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return done.stdout.strip().splitlines()[-1]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(root: str, kind: str, files: str, endpoint: str, bucket: str) -> None:
    """Publish, and print how often the store was listed and what else it was asked for."""
    from many_files import counted, make

    from slipway.environments import DirStore, S3Store
    from slipway.publication import verbs
    from slipway.publication.wish import Wish

    store: Any
    if kind == "dir":
        from slipway.publish.dir import Folder as Kind

        store = DirStore(name="site", path=f"{root}/site")
    else:
        from slipway.publish.s3 import Bucket as Kind  # type: ignore[assignment]

        store = S3Store(name="site", bucket=bucket, endpoint=endpoint)
    release = make(Path(root), int(files), store, state="site")
    with counted(Kind) as found:
        verbs.publish(release, "local", Wish())
    print(_said(found))


def _said(found: Counter[str]) -> str:
    others = ", ".join(f"{count} {name.partition(' ')[2]}" for name, count in sorted(found.items()) if name != "site listing")
    return f"{found['site listing']}|{others or 'none'}"


if __name__ == "__main__":
    main(*sys.argv[1:])
