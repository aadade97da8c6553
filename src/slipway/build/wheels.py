"""The programs that come as Python wheels: pinned versions, in slipway's cache, whose digests pip checks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from slipway import process
from slipway.build.venv import find_python
from slipway.errors import GateError, NetworkError, SlipwayError
from slipway.files import cache_dir, explained, remove_tree, write_atomic

# version, and the SHA-256 of the wheel for each system that it is made for
PINS: Final = {
    "cargo-zigbuild": (
        "0.24.0",
        (
            "484412e39e4c6039474535ce97ee75a22bab22d58233056f8ec8a8f9034bb957",  # Linux x86_64
            "6942e4320f7b05d8fb29e0a8ce5670bcbb3d254275100b85b5b7c86552f9a744",  # Linux aarch64
            "b576e8b95ff199eedee0e57afcdbaff7579744916261483280d350b9a35711fd",  # macOS
        ),
    ),
    "ziglang": (
        "0.17.0",
        (
            "97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b",  # Linux x86_64
            "d2804f94f54f7fcf8169f4b212a619ad688a4e2e6592e976f0cf2e58e2cd8af3",  # Linux aarch64
            "4d910f0e363ddb60a6b8ddb55235617797a8ccbcb6c5c7132a949d9f833eea42",  # macOS x86_64
            "87274af689c4128051b26c80f6f676757e0a81c2fdc137fd8b5679e928e4bc4f",  # macOS arm64
        ),
    ),
}


def place() -> Path:
    """Where they lie: `bin/cargo-zigbuild` and `ziglang/zig`."""
    return cache_dir() / "tools/zigbuild"


def requirements() -> str:
    """The pins, as pip reads them."""
    return "".join(
        f"{name}=={version} {' '.join(f'--hash=sha256:{digest}' for digest in digests)}\n"
        for name, (version, digests) in PINS.items()
    )


def install() -> None:
    """Fetch the wheels with pip, which refuses every file whose digest is not one of the pinned ones."""
    with explained(place()):
        place().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=place().parent) as name:
            aside = Path(name)
            write_atomic(aside / "requirements.txt", requirements().encode())
            pip = [
                find_python("", "zig and cargo-zigbuild"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--no-compile",
            ]
            words: list[str | Path] = [
                *pip,
                "--require-hashes",
                "--target",
                aside / "made",
                "--requirement",
                aside / "requirements.txt",
            ]
            done = process.run(words, check=False)
            if done.code != 0:
                raise _failed(done)
            remove_tree(place())
            (aside / "made").rename(place())


def _failed(done: process.Result) -> SlipwayError:
    said = process.failure("pip", done.code, done.output)
    if "No module named pip" in done.output:
        return GateError("this Python has no pip to fetch zig with", hint=f"{find_python('', 'pip')} -m ensurepip, then again")
    if "DO NOT MATCH" in done.output:
        return SlipwayError(said, hint="a file that the package index gave is not the pinned one; which index does pip use?")
    return NetworkError(said, hint="check the network and pip's settings, or install cargo-zigbuild and ziglang yourself")
