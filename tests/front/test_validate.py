"""validate-package on the command line: any folder, with or without a project, its keys, its report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

import hello
from slipway.verify.outcome import inspection_schema

SCRIPT = "#!/bin/sh\necho hello\n"


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A folder of somebody's, far from any project."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "install.sh").write_text(SCRIPT)
    (folder / "install.sh").chmod(0o755)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(SCRIPT.encode()).hexdigest()}  install.sh\n")
    return folder


@pytest.mark.req("S0-39")
def test_a_folder_is_checked_without_a_project_and_reported(strangers: Path, tmp_path: Path) -> None:
    done = hello.run(tmp_path, "slipway", "validate-package", "downloads", "--report", "report.json")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["file", "SHA256SUMS", "install.sh"]
    report = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(report, inspection_schema())
    assert {each["path"]: each["checks"] for each in report["files"]} == {"SHA256SUMS": ["digests"], "install.sh": ["contents"]}
    (strangers / "install.sh").write_text("exit 1\n")
    done = hello.run(tmp_path, "slipway", "validate-package", "downloads", "--report", "report.json")
    assert done.returncode == 4
    assert "install.sh has another sha256 digest than it says" in done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["result"] == "failed"


@pytest.mark.req("S0-39")
def test_a_signature_that_nobody_can_check_is_refused(strangers: Path, tmp_path: Path) -> None:
    (strangers / "SHA256SUMS.sshsig").write_text("-----BEGIN SSH SIGNATURE-----\n")
    done = hello.run(tmp_path, "slipway", "validate-package", "downloads")
    assert done.returncode == 3
    assert "SHA256SUMS.sshsig: no public SSH key is given" in done.stderr
    assert "unchecked" in done.stdout


def test_a_key_that_is_none_is_told(strangers: Path, tmp_path: Path) -> None:
    done = hello.run(tmp_path, "slipway", "validate-package", str(strangers), "--key", str(strangers / "install.sh"))
    assert done.returncode == 2
    assert "there is no public key in" in done.stderr
