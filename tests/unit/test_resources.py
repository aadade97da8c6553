from __future__ import annotations

from pathlib import Path

import pytest

from slipway import resources
from slipway.errors import SlipwayError


def test_sources_are_found_in_this_checkout() -> None:
    assert (resources.source_dir("installers") / "unix" / "install.sh.j2").is_file()


def test_a_wheel_wins_over_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package/data/templates").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    (tmp_path / "hatch_build.py").touch()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(resources, "CHECKOUT", tmp_path)
    assert resources.source_dir("templates") == tmp_path / "package/data/templates"


def test_a_broken_wheel_does_not_read_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "templates").mkdir()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(resources, "CHECKOUT", tmp_path)
    with pytest.raises(SlipwayError, match="templates folder is missing"):
        resources.source_dir("templates")
