"""Prism, which stands before the GitHub of the tests and holds both sides to GitHub's own description of its API.

What npm installs is pinned with digests in contract/package-lock.json and goes into slipway's cache, outside the checkout.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slipway.files import cache_dir

PINNED = Path(__file__).parent / "contract"
NAMES = ("package.json", "package-lock.json")
RECIPE = 1
PATIENCE = 90.0
# Those of releases, and what gates ask.
PATHS = {
    f"/repos/{{owner}}/{{repo}}{rest}"
    for rest in (
        "",
        "/issues",
        "/milestones",
        "/git/ref/{ref}",
        "/git/tags/{tag_sha}",
        "/commits/{ref}/status",
        "/commits/{ref}/check-runs",
    )
}


def installed() -> Path:
    """The folder with Prism and github.json, made when it is not there."""
    pinned = b"".join((PINNED / name).read_bytes() for name in NAMES)
    folder = cache_dir() / "tests" / f"prism-{RECIPE}-{hashlib.sha256(pinned).hexdigest()[:16]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            _install(Path(made))
            # Whoever comes second finds that it is there.
            if not folder.is_dir():
                (Path(made) / "prism").rename(folder)
    return folder


def _install(folder: Path) -> None:
    place = folder / "prism"
    place.mkdir()
    for name in NAMES:
        shutil.copy(PINNED / name, place)
    command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed\n{done.stderr}"
    described = place / "node_modules" / "@octokit" / "openapi"
    whole = json.loads((described / "generated" / "api.github.com.json").read_bytes())
    (place / "github.json").write_text(json.dumps(pruned(whole)))
    shutil.rmtree(described)


def pruned(described: dict[str, Any]) -> dict[str, Any]:
    """The part of a description of an API that is of use here, with all that it refers to."""
    paths = {path: about for path, about in described["paths"].items() if "/releases" in path or path in PATHS}
    used, open_ends = set[str](), _references(paths)
    while open_ends:
        reference = open_ends.pop()
        if reference not in used:
            used.add(reference)
            open_ends |= _references(_resolved(described, reference))
    components = {
        section: {name: about for name, about in named.items() if f"#/components/{section}/{name}" in used}
        for section, named in described["components"].items()
    }
    rest: dict[str, Any] = {key: described[key] for key in ("openapi", "info", "servers") if key in described}
    return {**rest, "paths": paths, "components": components}


def _references(part: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(part)))


def _resolved(described: dict[str, Any], reference: str) -> Any:
    found: Any = described
    for name in reference.removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return found


@contextmanager
def proxying(upstream: str, log: Path) -> Iterator[str]:
    """Run Prism before a server inside the block; what either side does against the description is an error of the call."""
    folder = installed()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    command = ("node", program, "proxy", "--port", str(port), "--errors", folder / "github.json", upstream)
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as prism:
        try:
            _await(port, prism, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            prism.terminate()


def _await(port: int, prism: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while prism.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Prism does not answer\n{log.read_text()}")
