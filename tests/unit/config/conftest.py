"""A folder with a small cargo project, for the tests of slipway.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = {
    "Cargo.toml": '[package]\nname = "hello"\nversion = "1.2.3"\nedition = "2021"\n',
    "src/main.rs": "fn main() {}\n",
    "README.md": "# hello\n",
    "config/hello.toml": "name = 1\n",
    "docs/start.md": "# Start\n",
    "tests/day.sh": "true\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the project."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def write(root: Path) -> Callable[[str], Path]:
    """Write slipway.toml."""

    def into(text: str) -> Path:
        file = root / "slipway.toml"
        file.write_text(text)
        return file

    return into
