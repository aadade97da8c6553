"""Slipway beside aws, rclone and s5cmd: many files into a bucket of a real S3 server on this machine.

`python -m bench.upload ENDPOINT BUCKET FOLDER` is slipway's part, as a process of its own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.timing import Cost, measured

if TYPE_CHECKING:
    from s3_server import S3

ROOT: Final = Path(__file__).parent.parent
HEAD: Final = ("what", "tool", "CPU s", "wall s", "CPU: to slipway's", "wall: to slipway's")
FILES: Final = 200


def compare(pairs: int, size: int) -> None:
    """Print the table for files of `size` MiB."""
    sys.path.insert(0, str(ROOT / "tests"))
    from s3_server import gateway

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = folder / "files"
        files.mkdir()
        for number in range(FILES):
            (files / f"file-{number:04}.bin").write_bytes(os.urandom(size << 20))
        print(f"{FILES} files of {size} MiB into a bucket of a local S3 server; medians of {pairs} rounds, in turns.\n")
        print(_row(*HEAD), _row(*("---" for _ in HEAD)), sep="\n")
        with gateway(folder / "server") as server:
            for line in _measure(server, files, pairs):
                print(line, flush=True)


def _measure(server: S3, files: Path, pairs: int) -> Iterator[str]:
    tools = _tools(server.endpoint, files)
    costs: dict[str, list[Cost]] = {name: [] for name, words in tools.items() if name == "slipway" or shutil.which(words[0])}
    for turn in range(pairs + 1):
        for name, found in costs.items():
            bucket = server.bucket()
            words = [word.replace("BUCKET", bucket) for word in tools[name]]
            cost = measured(partial(_upload, words, _environment(server)))
            if turn:
                found.append(cost)
            if server.folder is not None:
                shutil.rmtree(server.folder / bucket)
    for name in tools:
        yield _line(name, costs.get(name, []), costs["slipway"])


def _tools(endpoint: str, files: Path) -> Mapping[str, Sequence[str]]:
    place = f':s3,provider=Other,env_auth=true,endpoint="{endpoint}",region=us-east-1:BUCKET/v1'
    return {
        "slipway": (sys.executable, "-m", "bench.upload", endpoint, "BUCKET", str(files)),
        "aws": (
            "aws",
            "--endpoint-url",
            endpoint,
            "s3",
            "cp",
            "--recursive",
            "--only-show-errors",
            str(files),
            "s3://BUCKET/v1/",
        ),
        "rclone": ("rclone", "copy", "--config", os.devnull, "--transfers", "8", str(files), place),
        "s5cmd": ("s5cmd", "--endpoint-url", endpoint, "cp", f"{files}/*", "s3://BUCKET/v1/"),
    }


def _environment(server: S3) -> dict[str, str]:
    own = {"AWS_ACCESS_KEY_ID": server.key_id, "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_DEFAULT_REGION": server.region}
    return {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"} | own


def _upload(words: Sequence[str], environment: Mapping[str, str]) -> Sequence[Path]:
    subprocess.run(words, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return ()


def _line(name: str, costs: Sequence[Cost], own: Sequence[Cost]) -> str:
    what = f"{FILES} files"
    if not costs:
        return _row(what, f"{name}: not installed", *("" for _ in HEAD[2:]))
    cells = []
    for column in ("cpu", "wall"):
        ratios = [getattr(theirs, column) / getattr(ours, column) for theirs, ours in zip(costs, own, strict=True)]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return _row(
        what, name, *(f"{statistics.median(getattr(each, column) for each in costs):.2f}" for column in ("cpu", "wall")), *cells
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(endpoint: str, bucket: str, folder: str) -> int:
    """Upload a folder as a publication does: each file hashed, then put where there is none."""
    from slipway.actions.perform import WORKERS
    from slipway.actions.store import Content
    from slipway.environments import S3Store
    from slipway.files import digest_file
    from slipway.publish.s3 import Bucket

    store = Bucket(S3Store(name="bench", bucket=bucket, endpoint=endpoint))

    def put(path: Path) -> None:
        size, digest = path.stat().st_size, digest_file(path)
        content = Content(name=f"v1/{path.name}", path="", size=size, sha256=digest, media_type="application/octet-stream")
        store.put(content, path, lambda _: None)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(put, sorted(Path(folder).iterdir())))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
