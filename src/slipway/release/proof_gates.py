"""What proves that a release is good: its tests, the trials of its distributions, the checks of its packages, an audit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from slipway import process
from slipway.components import CargoComponent, PythonComponent
from slipway.errors import SlipwayError
from slipway.manifest import Artifact, Manifest
from slipway.release.evidence import TESTS, evidence_folder, read_evidence
from slipway.release.situation import Answer, Situation, absent, failed, passed, unknown

LEVELS: Final = ("basic", "integration", "complete")
# What is installed when a distribution is tried, so that a trial without it proves nothing.
_TRIED: Final = ("archive", "deb")
_AUDIT_SECONDS: Final = 900.0


def tests(situation: Situation) -> Answer:
    """The project's tests passed, with the files of this very commit."""
    if not situation.project.tests.unit:
        return absent("the project has no tests: [test] unit")
    again = "run them: doit unit-tests"
    found = read_evidence(TESTS, evidence_folder(situation.release.paths))
    if found is None:
        return failed("nothing says that the tests have passed", again)
    if found.commit != situation.commit:
        return failed(f"the tests passed for {found.commit[:12]}, and the release is of {situation.commit[:12]}", again)
    if not found.clean:
        return failed("the tests passed with files that were not those of the commit", f"commit them, then {again}")
    return passed(f"passed at {found.at} by {found.by}")


def test_dist(situation: Situation) -> Answer:
    """Every distribution was tried as it lies there now, on every level."""
    release, again = situation.release, "run it again: doit test-dist"
    manifest = _manifest(situation)
    lacks: list[str] = []
    for cell in release.cells:
        mine = [each for each in manifest.artifacts if (each.platform, each.variant) == (cell.platform.id, cell.variant.name)]
        if lack := _untried(situation, release.name_of(cell), mine, manifest):
            lacks.append(f"{cell.id}: {lack}")
    if lacks:
        return failed("; ".join(lacks), again)
    return passed(f"{len(release.cells)} distributions were tried as they are")


def validate_package(situation: Situation) -> Answer:
    """Every package was checked as it lies there now."""
    again = "run it again: doit validate-package"
    path = situation.release.paths.state / "reports" / "validate-packages.json"
    path = path if path.is_file() else path.with_name(f"validate-{situation.release.paths.packages.name}.json")
    if not path.is_file():
        return failed("the packages have not been checked", again)
    report = _json(path)
    if report.get("result") != "passed":
        return failed(f"the last check found faults: {_faults(report)}", "mend them, then doit validate-package")
    checked = {each["path"]: each.get("sha256", "") for each in report["files"] if each["result"] == "passed"}
    artifacts = _manifest(situation).artifacts
    if stale := [each.name for each in artifacts if checked.get(each.path) != each.digests.get("sha256")]:
        return failed(f"{len(stale)} files are not those that were checked, such as {stale[0]}", again)
    return passed(f"{len(artifacts)} files were checked as they are")


def audit(situation: Situation) -> Answer:
    """No dependency has a known weakness, by the project's own commands or by those that fit it."""
    commands = situation.project.release.audit
    wanted: list[tuple[str | Path, ...]] = [("sh", "-c", line) for line in commands]
    wanted = wanted or list(_usual(situation))
    if not wanted:
        return absent("the project has no dependencies that slipway could look up")
    for words in wanted:
        shown = words[-1] if commands else " ".join(map(str, words))
        if not commands and process.which(_program(words)) is None:
            return unknown(f"{_program(words)} is not installed, so nobody knows", _HOW[_program(words)])
        with process.within(_AUDIT_SECONDS):
            done = process.run(words, cwd=situation.project.root, check=False)
        if done.code != 0:
            tail = " / ".join([line.strip() for line in done.output.splitlines() if line.strip()][-3:])
            return failed(f"{shown} ends with {done.code}: {tail}", "raise what has the weakness; the log has all of it")
    return passed(f"{len(wanted)} audits found nothing")


_HOW: Final = {
    "cargo-audit": "cargo install cargo-audit; or name another command in [release] audit",
    "pip-audit": "pip install pip-audit; or name another command in [release] audit",
}


def _usual(situation: Situation) -> Iterator[tuple[str | Path, ...]]:
    parts = situation.project.components
    locks = dict.fromkeys(_lock_of(part.path) for part in parts if isinstance(part, CargoComponent))
    yield from (("cargo-audit", "audit", "--file", lock) for lock in locks)
    for part in parts:
        if isinstance(part, PythonComponent):
            yield ("pip-audit", "--requirement", part.path / part.requirements) if part.requirements else ("pip-audit", part.path)


def _lock_of(folder: Path) -> Path:
    """The lock file of a package, which is that of its workspace."""
    found = (each / "Cargo.lock" for each in (folder, *folder.parents))
    return next((path for path in found if path.is_file()), folder / "Cargo.lock")


def _program(words: tuple[str | Path, ...]) -> str:
    return str(words[0])


def _untried(situation: Situation, name: str, artifacts: list[Artifact], manifest: Manifest) -> str:
    """Why nobody can say that a distribution is good; empty when it was tried."""
    digests = {each.path: each.digests.get("sha256", "") for each in manifest.artifacts}
    needed = {each.path for each in artifacts if each.kind in _TRIED}
    levels: set[str] = set()
    stale = False
    for path in sorted((situation.release.paths.state / "reports").glob(f"test-dist-{name}-*.json")):
        if path.name.endswith(".failed.json"):
            continue
        report = _json(path)
        files: Mapping[str, str] = report.get("files", {})
        if report.get("name") != name:
            continue
        fresh = all(digests.get(file, digest) == digest for file, digest in files.items())
        if not fresh or not needed <= files.keys() or any(each["outcome"] == "failed" for each in report["checks"]):
            stale = True
            continue
        levels |= set(report.get("levels", ()))
    if missing := [level for level in LEVELS if level not in levels]:
        return "what was tried is not what lies there now" if stale else f"was not tried ({', '.join(missing)})"
    return ""


def _manifest(situation: Situation) -> Manifest:
    return Manifest.load(situation.release.paths.packages / "manifest.json")


def _faults(report: Mapping[str, Any]) -> str:
    bad = [each["path"] for each in report.get("files", ()) if each["result"] in ("failed", "unchecked")]
    return ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise SlipwayError(f"{path} cannot be read: {error}", hint="remove it, and run its target again") from error
