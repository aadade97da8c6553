from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from installer_lab import SHELLS, Kit, machine, make

from slipway.errors import VerificationError
from slipway.installers import TYPES, Wish, plan_for_distribution, sandbox, validate
from slipway.installers.sandbox import Trial
from slipway.installers.validate import check_powershell, check_shell_script, table
from slipway.variables import INSTALLERS


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("kit"))


def trial(kit: Kit, **changes: Path) -> Trial:
    cell = next(cell for cell in kit.release.cells if cell.id == f"{machine()}-complete")
    values = {
        "name": "hello",
        "script": kit.install,
        "uninstaller": kit.uninstall,
        "packages": kit.release.paths.packages,
        "contents": kit.release.contents(cell),
        "variant": "complete",
    }
    return Trial(**{**values, **changes})  # type: ignore[arg-type]


def script(folder: Path, text: str) -> Path:
    path = folder / "some.sh"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_all_shells_of_the_tests_are_asked() -> None:
    assert set(SHELLS) <= {" ".join(words) for words in validate.SHELLS} | {"busybox ash", "zsh --emulate sh"}


@pytest.mark.req("S0-57")
def test_the_variable_names_every_kind_of_installer() -> None:
    assert set(INSTALLERS) == set(TYPES)


@pytest.mark.req("S0-37")
def test_a_sound_script_is_read_by_every_shell_that_is_here(tmp_path: Path) -> None:
    found = {one.check: one for one in check_shell_script(script(tmp_path, "#!/bin/sh\nprintf '%s\\n' hello\n"))}
    assert (found["syntax"].outcome, found["shellcheck"].outcome) == ("passed", "passed")
    asked = found["syntax"].detail.split(", ")
    assert asked == [" ".join(words) for words in validate.SHELLS if shutil.which(words[0])]
    assert len(asked) > 8


@pytest.mark.parametrize(
    ("text", "check", "says"),
    [
        ("if true; then\n", "syntax", "dash"),
        ("f() { for x in 1; do echo $x; }\n", "syntax", "bash --posix"),
        ("#!/bin/sh\nrm -r $1\n", "shellcheck", "SC2086"),
    ],
)
def test_a_fault_is_found_and_named(text: str, check: str, says: str, tmp_path: Path) -> None:
    found = next(one for one in check_shell_script(script(tmp_path, text)) if one.check == check)
    assert found.outcome == "failed"
    assert says in found.detail


def test_what_is_not_installed_is_said_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    found = {one.check: one for one in check_shell_script(script(tmp_path, "#!/bin/sh\n:\n"))}
    assert (found["syntax"].outcome, found["syntax"].detail) == ("passed", "sh")
    assert found["shellcheck"].outcome == found["checkbashisms"].outcome == "not run"
    assert "apt-get install devscripts" in found["checkbashisms"].detail
    (powershell,) = check_powershell(tmp_path / "install.ps1")
    assert (powershell.outcome, powershell.detail) == ("not run", "PowerShell is not installed here")
    lines = table((*found.values(), powershell))
    assert lines[0].split() == ["some.sh", "syntax", "passed", "sh"]
    assert len({line.index("not run") for line in lines if "not run" in line}) == 1


@pytest.mark.parametrize(("code", "outcome"), [(0, "passed"), (1, "failed")])
def test_powershells_own_parser_is_asked_where_it_is(
    code: int, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pwsh"
    program.write_text(f'#!/bin/sh\necho "3: $SLIPWAY_SCRIPT lacks a brace"\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (found,) = check_powershell(tmp_path / "install.ps1")
    assert (found.script, found.check, found.outcome) == ("install.ps1", "syntax", outcome)
    assert ("install.ps1 lacks a brace" in found.detail) == bool(code)


@pytest.mark.req("S0-24", "S0-37")
def test_a_trial_installs_and_removes_without_the_network(kit: Kit) -> None:
    said = trial(kit)()
    assert f"7 files of hello-1.2.3-{machine()}-complete installed and removed" in said
    assert said.endswith("network off" if sandbox.cut() else "the network could not be switched off")


def test_what_takes_the_network_away_does() -> None:
    assert sandbox.cut()
    done = subprocess.run([*sandbox.cut(), "cat", "/proc/net/dev"], capture_output=True, text=True, check=True)
    assert [line.split(":")[0].strip() for line in done.stdout.splitlines() if ":" in line] == ["lo"]


def _swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


FAULTS = {
    "a dry run that writes": (_swap("set -u\n", 'set -u\nmkdir -p "$HOME/seen"\n'), "left behind by a dry run: .*/home/seen"),
    "a script that does nothing": (_swap("set -u\n", "set -u\nexit 0\n"), "was not installed"),
    "a script that fails": (_swap("set -u\n", "set -u\nexit 7\n"), "exit code 7"),
    "an uninstaller that does nothing": (None, "left behind by installing and removing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_trial_finds_what_is_wrong(fault: str, kit: Kit, tmp_path: Path) -> None:
    change, says = FAULTS[fault]
    spoiled = tmp_path / "install.sh"
    text = kit.install.read_text()
    spoiled.write_text(change(text) if change else text)
    idle = script(tmp_path, "#!/bin/sh\n:\n")
    with pytest.raises(VerificationError, match=says):
        trial(kit, script=spoiled, **({} if change else {"uninstaller": idle}))()


def test_the_trial_is_for_the_distribution_of_this_machine(kit: Kit) -> None:
    folder = kit.release.paths.dist
    steps = plan_for_distribution(kit.release, folder, Wish(validate=True))
    check = steps[-1].run
    assert isinstance(check, validate.ValidateInstallers)
    assert check.trial == trial(kit)
    assert [path.name for path in check.scripts] == ["install.sh", "uninstall-hello.sh"]
    other = {"linux-amd64": "linux-arm64", "linux-arm64": "linux-amd64"}[machine()]
    away = plan_for_distribution(kit.release, folder / f"hello-1.2.3-{other}-complete", Wish(validate=True))[-1].run
    assert isinstance(away, validate.ValidateInstallers)
    assert away.trial is None
    assert "no shell installer with a distribution for this machine" in away.untried
