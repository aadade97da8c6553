"""The project's own files are checked, and every fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import sample
from slipway import console
from slipway.build.validate import plan_validation
from slipway.components import TreeComponent
from slipway.errors import VerificationError
from slipway.steps import Step

GOOD = {
    "a.toml": "x = 1\n",
    "b.json": '{"x": [1, 2]}\n',
    "c.k": "schema Server:\n    port: int = 80\nserver = Server { port = 81 }\n",
    "d.nu": "def main [] { 1 }\n",
    "e.txt": "not { checked\n",
}


def steps(root: Path, files: dict[str, str | bytes], **changes: object) -> tuple[Step, ...]:
    folder = root / "config"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    part = TreeComponent(name="settings", path=folder, to="etc/hello", **changes)  # type: ignore[arg-type]
    return plan_validation(sample.release(root, project=sample.project(root / "project", components=(part,))))


@pytest.mark.req("S0-2", "S0-3")
def test_good_files_pass(tmp_path: Path) -> None:
    (step,) = steps(tmp_path, dict(GOOD))
    assert step.name == "validate-config:settings"
    assert [path.name for path in step.inputs] == ["a.toml", "b.json", "c.k", "d.nu"]
    step.run()


@pytest.mark.req("S0-3")
@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("x.toml", "a = 1\nb = \n", r"x\.toml:2: Invalid value"),
        ("x.toml", "a = 1\na = 2\n", r"x\.toml:2: Cannot overwrite"),
        ("x.toml", b"a = '\xff'\n", r"x\.toml: not UTF-8"),
        ("x.json", '{"a": 1,\n "b": }\n', r"x\.json:2: Expecting value"),
        ("x.json", "", r"x\.json:1: Expecting value"),
        ("x.k", 'schema A:\n    x: int\na = A { x = "no" }\n', r"x\.k:3: TypeError: expected int, got str\(no\)"),
        ("x.k", "a = {\n", r"x\.k:1: InvalidSyntax"),
        (
            "x.k",
            "schema A:\n    x: int\n    check:\n        x > 5\na = A { x = 1 }\n",
            r"x\.k:5: EvaluationError: Instance check failed \(Check failed on the condition\)",
        ),
        ("x.k", "import nowhere\n", r"x\.k:1: .*nowhere"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, name: str, text: str | bytes, fault: str) -> None:
    (step,) = steps(tmp_path, {name: text})
    with pytest.raises(VerificationError, match=fault) as found:
        step.run()
    assert found.value.exit_code == 4
    assert "\x1b" not in str(found.value)


def test_all_faults_of_a_component_are_told_at_once(tmp_path: Path) -> None:
    (step,) = steps(tmp_path, {"a.toml": "=", "deep/b.json": "{", "c.k": "x = ", **{f"good{n}.toml": "" for n in range(3)}})
    with pytest.raises(VerificationError, match=r"component settings has [3-9] faults") as found:
        step.run()
    assert all(name in str(found.value) for name in ("a.toml:1", "deep/b.json:1", "c.k:1"))
    assert "good" not in str(found.value)


def test_what_is_excluded_or_holds_nothing_to_check_makes_no_step(tmp_path: Path) -> None:
    assert steps(tmp_path, {"a.toml": "=", "b.md": "#"}, exclude=("*.toml",)) == ()


def test_nushell_files_are_checked_by_nushell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What `nu --ide-check` prints: one JSON object a line, places as byte offsets, and exit code 0 even for errors.
    answer = (
        '{"type":"hint","typename":"int"}\n'
        '{"type":"diagnostic","severity":"Warning","message":"careful","span":{"start":0,"end":1}}\n'
        '{"type":"diagnostic","severity":"Error","message":"Missing argument","span":{"start":9,"end":10}}'
    )
    nu = tmp_path / "bin/nu"
    nu.parent.mkdir()
    nu.write_text(f"#!/bin/sh\ncat <<'E'\n{answer}\nE\n")
    nu.chmod(0o755)
    monkeypatch.setenv("PATH", str(nu.parent), prepend=":")
    (step,) = steps(tmp_path, {"x.nu": "let a =\n\nlet b =\n"})
    with pytest.raises(VerificationError) as found:
        step.run()
    assert found.value.message.splitlines()[1:] == [f"  {tmp_path}/config/x.nu:3: Missing argument"]


def test_without_nushell_the_log_says_what_was_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (step,) = steps(tmp_path, {"x.nu": "let a =\n"})
    with console.logging_to(tmp_path / "log"):
        step.run()
    assert "x.nu: not checked, nu is not installed" in (tmp_path / "log").read_text()
