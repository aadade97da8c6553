"""The life of an installation: upgraded, taken back, configured, repaired and removed, in homes and on disks of many kinds."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from installer_lab import SHELLS, Kit, Picture, Ran, make, only, picture, run, shim

from slipway.model import InstallRules

pytestmark = pytest.mark.slow
NEW = {
    "bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.3.0\n"),
    "lib/hello/greetings.txt": None,
    "lib/hello/farewells.txt": (0o644, "good bye\n"),
    "etc/hello/hello.toml": (0o644, '# Change me.\nname = "everybody"\n'),
}
FEW_TOOLS = ("cat", "chmod", "cp", "grep", "id", "ls", "ln", "mkdir", "mv", "rm", "rmdir", "sha256sum", "sleep", "tail", "wc")
UTF8 = {"LC_ALL": "C.UTF-8"}
SUMS = 'sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort && find . -type d | sort); }\n'


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("newer"), "1.3.0", NEW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home, 'quoted' & odd"
    made.mkdir()
    (made / ".profile").write_text("umask 022\n")
    (made / ".bashrc").write_bytes(b"alias l='ls \xc3\xa9'\n\nalias ll=ls")
    return made


@pytest.fixture
def plain_home(tmp_path: Path) -> Path:
    """A home whose name every supervisor accepts."""
    made = tmp_path / "home"
    made.mkdir()
    return made


def good(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    assert ran.err == "", ran
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "hint: " in ran.err
    for word in words:
        assert word in ran.err


def hello(home: Path, prefix: str = ".local") -> str:
    return subprocess.run([home / prefix / "bin/hello"], capture_output=True, text=True, check=True).stdout


def receipt(home: Path, key: str) -> str:
    lines = (home / ".local/share/hello/install-receipt").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


def without_notes(seen: Picture) -> Picture:
    """A picture without what tells of the version before."""
    return {
        name: each for name, each in seen.items() if "/share/hello/previous" not in name and not name.endswith("/install-receipt")
    }


# --- going back --------------------------------------------------------------------


@pytest.mark.req("S0-58")
@pytest.mark.parametrize("script", ["install", "uninstall", "installed"])
def test_going_back_and_forth_needs_no_archive_and_no_unpacker(
    kit: Kit, newer: Kit, home: Path, tmp_path: Path, script: str
) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    old = picture(home)
    good(run(newer.install, "--user", home=home))
    new = picture(home)
    back = shutil.copy(newer.install, tmp_path) if script == "install" else newer.uninstall
    if script == "installed":
        back = home / ".local/share/hello/uninstall.sh"
    few = only(tmp_path / "few", *FEW_TOOLS)
    said = good(run(back, "--user", "--rollback", home=home, path=few, shell=("/bin/sh",))).out
    assert "hello 1.2.3 is back" in said
    assert hello(home) == "hello world 1.2.3\n"
    assert without_notes(picture(home)) == without_notes(old)
    assert (receipt(home, "version"), receipt(home, "previous"), receipt(home, "status")) == ("1.2.3", "1.3.0", "complete")
    good(run(newer.uninstall, "--user", "--rollback", home=home))
    assert without_notes(picture(home)) == without_notes(new)
    assert hello(home) == "hello world 1.3.0\n"
    good(run(newer.uninstall, "--user", home=home))
    assert picture(home) == before


def test_going_back_leaves_configuration_as_its_user_made_it(kit: Kit, newer: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    config = home / ".config/hello/hello.toml"
    config.write_text("mine")
    good(run(newer.install, "--user", home=home))
    assert config.with_name("hello.toml.new").exists()
    good(run(newer.install, "--user", "--rollback", home=home))
    assert (config.read_text(), config.with_name("hello.toml.new").exists()) == ("mine", False)
    good(run(newer.install, "--user", "--rollback", home=home))
    assert (config.read_text(), config.with_name("hello.toml.new").exists()) == ("mine", True)


def test_configuration_changed_after_the_upgrade_stays_too(kit: Kit, newer: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--user", home=home))
    config = home / ".config/hello/hello.toml"
    config.write_text("mine")
    good(run(newer.install, "--user", "--rollback", home=home))
    assert config.read_text() == "mine"
    good(run(kit.uninstall, "--user", home=home))
    assert config.read_text() == "mine"


def test_there_is_nothing_to_go_back_to_after_a_first_installation(kit: Kit, home: Path) -> None:
    refused(run(kit.install, "--user", "--rollback", home=home), 3, "not installed")
    good(run(kit.install, "--user", home=home))
    before = picture(home)
    refused(run(kit.install, "--user", "--rollback", home=home), 3, "no version to go back to")
    assert picture(home) == before


def test_a_dry_run_of_going_back_names_its_steps_and_touches_nothing(kit: Kit, newer: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--user", home=home))
    before = picture(home)
    for script in (newer.install, newer.uninstall):
        said = good(run(script, "--user", "--rollback", "--dry-run", home=home)).out
        assert f"{home}/.local/bin/hello" in said
        assert f"{home}/.local/lib/hello/greetings.txt" in said
    assert picture(home) == before


@pytest.mark.parametrize("missing", ["1", "list", "receipt"])
def test_an_incomplete_previous_version_is_refused_before_anything_happens(
    kit: Kit, newer: Kit, home: Path, missing: str
) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--user", home=home))
    kept = home / ".local/share/hello/previous"
    first = min(path.name for path in kept.iterdir() if path.name.isdigit())
    (kept / (first if missing == "1" else missing)).unlink()
    before = picture(home)
    refused(run(newer.install, "--user", "--rollback", home=home), 3)
    assert picture(home) == before


def test_only_one_previous_version_is_kept_and_a_repair_does_not_count(kit: Kit, newer: Kit, home: Path, tmp_path: Path) -> None:
    newest = make(tmp_path / "newest", "1.4.0", {"bin/hello": (0o755, "#!/bin/sh\necho 1.4.0\n")})
    for each in (kit, newer, newest):
        good(run(each.install, "--user", home=home))
    good(run(newest.install, "--user", "--force", home=home))
    good(run(newest.install, "--user", "--rollback", home=home))
    assert hello(home) == "hello world 1.3.0\n"
    assert receipt(home, "previous") == "1.4.0"


def test_a_variant_that_was_left_can_be_gone_back_to(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(kit.install, "--user", "--variant", "minimal", home=home))
    assert not (home / ".local/lib").exists()
    good(run(kit.install, "--user", "--rollback", home=home))
    assert (home / ".local/lib/hello/greetings.txt").exists()
    assert receipt(home, "variant") == "complete"


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_every_shell_goes_back(kit: Kit, newer: Kit, home: Path, shell: tuple[str, ...]) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home, shell=shell, env=UTF8))
    old = picture(home)
    good(run(newer.install, "--user", home=home, shell=shell, env=UTF8))
    good(run(newer.install, "--user", "--rollback", home=home, shell=shell, env=UTF8))
    assert without_notes(picture(home)) == without_notes(old)
    good(run(home / ".local/share/hello/uninstall.sh", "--rollback", home=home, shell=shell, env=UTF8))
    assert hello(home) == "hello world 1.3.0\n"
    good(run(newer.uninstall, "--user", home=home, shell=shell, env=UTF8))
    assert picture(home) == before


# --- upgrades ------------------------------------------------------------------------


def test_an_upgrade_finds_the_installation_and_keeps_its_variant(kit: Kit, newer: Kit, home: Path) -> None:
    refused(run(newer.install, "--upgrade", "--user", home=home), 3, "not installed")
    good(run(kit.install, "--user", "--variant", "minimal", home=home))
    good(run(newer.install, "--upgrade", "--user", home=home))
    assert hello(home) == "hello world 1.3.0\n"
    assert receipt(home, "variant") == "minimal"
    assert "nothing to do" in good(run(newer.install, "--upgrade", "--user", home=home)).out


def test_an_upgrade_of_a_prefix_keeps_its_folders(kit: Kit, newer: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--prefix", home / "opt", home=home))
    good(run(newer.install, "--upgrade", "--prefix", home / "opt", home=home))
    assert hello(home, "opt") == "hello world 1.3.0\n"
    good(run(newer.uninstall, "--prefix", home / "opt", home=home))
    assert picture(home) == before


def test_a_user_upgrades_what_is_in_the_home_without_saying_where(kit: Kit, newer: Kit) -> None:
    uid = 65534 if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name, each in (("old", kit), ("new", newer)):
            shutil.copytree(each.release.paths.packages, home / name)
        if uid:
            subprocess.run(["chown", "-R", f"{uid}:{uid}", home], check=True)
        good(run(home / "old/installers/install.sh", home=home, uid=uid))
        good(run(home / "new/installers/install.sh", "--upgrade", home=home, uid=uid))
        assert hello(home) == "hello world 1.3.0\n"


@pytest.mark.parametrize("option", ["--downgrade", "--force"])
def test_an_older_version_is_refused_unless_it_is_asked_for(kit: Kit, newer: Kit, home: Path, option: str) -> None:
    good(run(newer.install, "--user", home=home))
    refused(run(kit.install, "--user", home=home), 3, "hello 1.3.0 is installed", "1.2.3 is older", "--downgrade")
    refused(run(kit.install, "--user", "--upgrade", home=home), 3, "--downgrade")
    good(run(kit.install, "--user", option, home=home))
    assert hello(home) == "hello world 1.2.3\n"
    good(run(kit.install, "--user", "--rollback", home=home))
    assert hello(home) == "hello world 1.3.0\n"


# --- the check after the swap ----------------------------------------------------------


@pytest.mark.parametrize("limiter", ["timeout", "none"])
def test_a_program_that_hangs_is_taken_back_in_time(kit: Kit, home: Path, tmp_path: Path, limiter: str) -> None:
    hanging = make(tmp_path / "hanging", "1.4.0", {"bin/hello": (0o755, "#!/bin/sh\nexec sleep 30.5\n")})
    good(run(kit.install, "--user", home=home))
    before = picture(home)
    # Its seconds pass faster than those of the program.
    path = shim(tmp_path / "shim", "sleep", 'case $1 in 1) set -- 0.02 ;; esac\nexec /bin/sleep "$@"')
    if limiter == "timeout":
        shim(tmp_path / "shim", "timeout", '[ "$1" != 60 ] || { shift; set -- 1 "$@"; }\nexec /usr/bin/timeout "$@"')
    else:
        shim(tmp_path / "shim", "timeout", "exit 1")
    refused(run(hanging.install, "--user", home=home, path=path), 1, "gave no answer", "hello 1.2.3 is put back")
    assert picture(home) == before


def test_the_check_borrows_no_libraries_and_reads_nothing(home: Path, tmp_path: Path) -> None:
    script = '#!/bin/sh\n[ -z "$LD_LIBRARY_PATH$LD_PRELOAD" ] && [ "$PWD" = / ] && ! read -r line && echo hello\n'
    made = make(tmp_path / "kit", files={"bin/hello": (0o755, script)})
    ran = run(made.install, "--user", home=home, env={"LD_LIBRARY_PATH": "/nowhere"}, stdin=b"a line\n")
    good(ran)


FROM_THEN_ON = '''PATH=$real
case $* in
    *.hello-old*/bin/hello) [ -e {marker} ] || exec mv "$@"; echo "Input/output error" >&2; exit 1 ;;
esac
exec mv "$@"'''


def test_what_cannot_be_undone_at_once_is_undone_by_the_next_run(kit: Kit, newer: Kit, home: Path, tmp_path: Path) -> None:
    """The program of the new version breaks the disk for whoever would put the old one back."""
    marker = tmp_path / "broken"
    script = f"#!/bin/sh\n: >'{marker}'\nexit 1\n"
    bad = make(tmp_path / "bad", "1.4.0", {"bin/hello": (0o755, script)})
    good(run(kit.install, "--user", home=home))
    before = picture(home)
    path = shim(tmp_path / "shim", "mv", FROM_THEN_ON.format(marker=f"'{marker}'"))
    refused(run(bad.install, "--user", home=home, path=path), 1, "could not be put back", "is kept")
    assert (home / ".local/.hello-install/plan").exists()
    refused(run(newer.install, "--user", home=home, path=path), 1, "could not all be undone")
    marker.unlink()
    assert "nothing to do" in good(run(kit.install, "--user", home=home)).out
    assert picture(home) == before


@pytest.mark.parametrize("script", ["install", "uninstall"])
def test_going_back_is_told_as_json_too(kit: Kit, newer: Kit, home: Path, script: str) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--user", home=home))
    for more in (["--dry-run"], []):
        ran = run(getattr(newer, script), "--user", "--rollback", "--json", *more, home=home)
        assert ran.code == 0, ran
        said = json.loads(ran.out)
        assert (said["action"], said["version"], said["installedBefore"]) == ("rollback", "1.2.3", "1.3.0")
        assert ("replace", f"{home}/.local/bin/hello") in {(step["do"], step["what"]) for step in said["plan"]}
    assert hello(home) == "hello world 1.2.3\n"


# --- the first configuration --------------------------------------------------------------

SETUP = """#!/bin/sh
case ${1:-} in
    setup)
        [ ! -e "$2/broken" ] || { echo "no good day for it" >&2; exit 1; }
        echo "$3" >>"$2/made"
        ;;
    *) echo hello ;;
esac
"""


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A release that wants to configure itself."""
    rules = InstallRules(health=("hello", "--version"), configure=("hello", "setup", "{config}", "it's & $HOME in {state}"))
    return make(tmp_path_factory.mktemp("eager"), files={"bin/hello": (0o755, SETUP)}, install=rules)


def test_the_first_configuration_is_run_once(eager: Kit, home: Path) -> None:
    before = picture(home)
    assert "hello setup" in good(run(eager.install, "--user", "--dry-run", home=home)).out
    assert picture(home) == before
    good(run(eager.install, "--user", home=home))
    made = home / ".config/hello/made"
    assert made.read_text() == f"it's & $HOME in {home}/.local/state/hello\n"
    assert receipt(home, "configured") == "1"
    good(run(eager.install, "--user", "--force", home=home))
    assert made.read_text().count("\n") == 1
    good(run(eager.uninstall, "--user", home=home))
    assert made.exists()
    good(run(eager.install, "--user", "--no-configure", home=home))
    good(run(eager.uninstall, "--user", "--purge", home=home))
    (home / ".config").rmdir()  # the removal that kept what the program had made there left it
    assert picture(home) == before


def test_a_first_configuration_that_fails_is_tried_again(eager: Kit, home: Path) -> None:
    trouble = home / ".config/hello/broken"
    trouble.parent.mkdir(parents=True)
    trouble.touch()
    ran = run(eager.install, "--user", home=home)
    assert ran.code == 0
    assert "no good day" in ran.err
    assert "first configuration failed" in ran.err
    trouble.unlink()
    good(run(eager.install, "--user", home=home))
    assert (home / ".config/hello/made").exists()
    assert "nothing to do" in good(run(eager.install, "--user", home=home)).out


def test_a_first_configuration_that_was_declined_is_made_up_for(eager: Kit, home: Path) -> None:
    good(run(eager.install, "--user", "--no-configure", home=home))
    assert not (home / ".config/hello/made").exists()
    assert "nothing to do" in good(run(eager.install, "--user", "--no-configure", home=home)).out
    good(run(eager.install, "--user", home=home))
    assert (home / ".config/hello/made").exists()


# --- the receipt and the removal --------------------------------------------------------------


def systemctl(folder: Path, calls: Path, trouble: str = "") -> str:
    body = f"""echo "$@" >>{calls}
case $* in {trouble or "nothing"}) exit 1 ;; esac
case $* in *disable*) ls "$HOME/.config/systemd/user" >>{calls} ;; *is-active*) exit 0 ;; esac"""
    return shim(folder, "systemctl", body)


@pytest.mark.req("S0-54")
def test_a_service_that_did_not_start_is_started_by_the_next_run(kit: Kit, plain_home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    path = systemctl(tmp_path / "shim", calls, "*start*")
    refused(run(kit.install, "--user", home=plain_home, path=path), 1, "not all services started")
    assert receipt(plain_home, "status") == "partial"
    assert hello(plain_home) == "hello world 1.2.3\n"
    calls.unlink()
    systemctl(tmp_path / "shim", calls)
    run(kit.install, "--user", home=plain_home, path=path)
    assert "--user start hello-server.service" in calls.read_text().splitlines()
    assert receipt(plain_home, "status") == "complete"
    calls.unlink()
    assert "nothing to do" in good(run(kit.install, "--user", home=plain_home, path=path)).out


@pytest.mark.req("S0-54")
def test_a_service_is_stopped_before_its_file_goes(kit: Kit, plain_home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    path = systemctl(tmp_path / "shim", calls)
    before = picture(plain_home)
    assert run(kit.install, "--user", home=plain_home, path=path).code == 0
    calls.unlink()
    good(run(kit.uninstall, "--user", home=plain_home, path=path))
    said = calls.read_text().splitlines()
    assert said[said.index("--user disable --now hello-server.service") + 1] == "hello-server.service"
    assert picture(plain_home) == before


@pytest.mark.req("S0-54")
def test_going_back_restarts_a_service_and_brings_back_the_one_that_was_dropped(
    kit: Kit, plain_home: Path, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    path = systemctl(tmp_path / "shim", calls)
    alone = make(tmp_path / "alone", "1.3.0", NEW, services=())
    assert run(kit.install, "--user", home=plain_home, path=path).code == 0
    unit = plain_home / ".config/systemd/user/hello-server.service"
    shipped = unit.read_text()
    calls.unlink()
    assert run(alone.install, "--user", home=plain_home, path=path).code == 0
    assert not unit.exists()
    calls.unlink()
    good(run(alone.install, "--user", "--rollback", home=plain_home, path=path))
    assert unit.read_text() == shipped
    assert "--user enable hello-server.service" in calls.read_text().splitlines()
    assert "--user start hello-server.service" in calls.read_text().splitlines()


def test_what_cannot_be_removed_does_not_stop_the_rest_and_can_be_tried_again(kit: Kit, home: Path, tmp_path: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    path = shim(
        tmp_path / "shim", "rm", 'case $* in */bin/hello*) echo "not permitted" >&2; exit 1 ;; esac\nPATH=$real\nexec rm "$@"'
    )
    refused(run(kit.uninstall, "--user", home=home, path=path), 1, "could not be removed")
    left = {Path(name).name for name, seen in picture(home).items() if name not in before and seen[0] == "file"}
    assert left == {"hello", "hello-server", "install-receipt"}
    assert (home / ".bashrc").read_bytes().endswith(b"alias ll=ls")
    good(run(kit.uninstall, "--user", home=home))
    assert picture(home) == before


NEW_KEYS = ("logs=", "previous=", "configured=", "unstarted=", "status=", "health\t")


def test_a_receipt_of_the_first_installers_goes_on_being_understood(
    kit: Kit, newer: Kit, plain_home: Path, tmp_path: Path
) -> None:
    home, calls = plain_home, tmp_path / "calls"
    before = picture(home)
    path = systemctl(tmp_path / "shim", calls)
    assert run(kit.install, "--user", home=home, path=path).code == 0
    paper = home / ".local/share/hello/install-receipt"
    lines = [line for line in paper.read_text().splitlines() if not line.startswith(NEW_KEYS)]
    old = [line.replace("service\tsystemd\tuser\thello-server", "unit\tuser\thello-server.service") for line in lines]
    assert old != lines
    paper.write_text("".join(f"{line}\n" for line in old))
    assert "nothing to do" in good(run(kit.install, "--user", home=home, path=path)).out
    calls.unlink()
    assert run(newer.install, "--user", home=home, path=path).code == 0
    assert "enable" not in calls.read_text()
    good(run(newer.install, "--user", "--rollback", home=home, path=path))
    assert hello(home) == "hello world 1.2.3\n"
    calls.unlink()
    good(run(newer.uninstall, "--user", home=home, path=path))
    assert "--user disable --now hello-server.service" in calls.read_text().splitlines()
    assert picture(home) == before


def test_state_logs_and_configuration_go_with_purge_alone(kit: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    written = [home / ".local/state/hello/data", home / ".local/state/hello/log/today", home / ".config/hello/more.toml"]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
    good(run(kit.uninstall, "--user", home=home))
    assert [path.read_text() for path in written] == ["precious"] * 3
    good(run(kit.install, "--user", home=home))
    good(run(kit.uninstall, "--user", "--purge", home=home))
    shutil.rmtree(home / ".local", ignore_errors=True)
    (home / ".config").rmdir()
    assert picture(home) == before


def test_start_files_edited_since_keep_the_edits_alone(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home, env={"SHELL": "/bin/zsh"}))
    zshrc = home / ".zshrc"
    zshrc.write_text(f"first\n{zshrc.read_text()}last")
    good(run(kit.uninstall, "--user", home=home))
    assert zshrc.read_text() == "first\nlast"


# --- without a receipt ----------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_the_installer_repairs_what_has_no_receipt(kit: Kit, plain_home: Path, tmp_path: Path, damage: str) -> None:
    home, calls = plain_home, tmp_path / "calls"
    (home / ".profile").write_text("umask 022\n")
    before = picture(home)
    path = systemctl(tmp_path / "shim", calls)
    assert run(kit.install, "--user", home=home, path=path).code == 0
    spoiled = home / ".local/share/hello/install-receipt"
    if damage == "gone":
        spoiled.unlink()
    else:
        spoiled.write_text({"cut": "# What", "other": "format=9\n"}[damage])
    (home / ".local/bin/hello-server").write_text("somebody else's")
    installed = picture(home)
    asked = ("--uninstall", "--repair", "--user")
    good(run(kit.install, *asked, "--dry-run", home=home, path=path))
    assert picture(home) == installed
    said = good(run(kit.install, *asked, home=home, path=path)).out
    assert "--user disable --now hello-server.service" in calls.read_text().splitlines()
    left = {Path(name) for name, seen in picture(home).items() if name not in before and seen[0] == "file"}
    assert left == {home / ".local/bin/hello-server"}
    assert (home / ".profile").read_text() == "umask 022\n"
    assert "removed" in said
    good(run(kit.install, *asked, home=home, path=path))


def test_the_uninstaller_repairs_what_it_knows_and_names_the_rest(kit: Kit, plain_home: Path, tmp_path: Path) -> None:
    home = plain_home
    (home / ".profile").write_text("umask 022")
    path = systemctl(tmp_path / "shim", tmp_path / "calls")
    assert run(kit.install, "--user", home=home, path=path).code == 0
    (home / ".local/share/hello/install-receipt").unlink()
    said = good(run(kit.uninstall, "--repair", "--user", home=home, path=path)).out
    assert not (home / ".local/share/hello").exists()
    assert not (home / ".config/systemd/user/hello-server.service").exists()
    assert "hello" not in (home / ".profile").read_text()
    for name in (".local/bin/hello", ".local/lib/hello/greetings.txt", ".config/hello/hello.toml"):
        assert f"{home}/{name}\n" in said
        assert (home / name).exists()


def test_a_readable_receipt_counts_more_than_a_repair(kit: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    good(run(kit.uninstall, "--repair", "--user", home=home))
    assert picture(home) == before


def test_notes_of_another_user_are_not_carried_out(kit: Kit, home: Path) -> None:
    if os.getuid() != 0:
        pytest.fail("this test gives a folder to another user, which root alone may")
    victim = home / "victim"
    victim.write_text("precious")
    notes = home / ".local/.hello-install"
    notes.mkdir(parents=True)
    (notes / "plan").write_text(f"file\tnew\tbin\t-\t-\t-\t{victim}\n")
    (notes / "pid").write_text("999999999\n")
    shutil.chown(notes, 65534)
    refused(run(kit.install, "--user", home=home), 3, "another user")
    assert victim.read_text() == "precious"


# --- disks, rights and names ------------------------------------------------------------------


def secluded(script: str, home: Path, *arguments: Path, path: str = "/usr/bin:/bin") -> Ran:
    """Run a shell script in a mount namespace of its own, where it may mount what it likes."""
    apart = ("unshare", "--mount", "sh") if os.getuid() == 0 else ("unshare", "--map-root-user", "--mount", "sh")
    return run("-c", script, "sh", *arguments, home=home, shell=apart, path=path)


@pytest.mark.parametrize("space", [96, 160, 240, 320, 420, 560])
def test_a_disk_that_fills_up_anywhere_leaves_what_was_there(kit: Kit, home: Path, tmp_path: Path, space: int) -> None:
    noise = random.Random(1).randbytes(90_000).hex()
    big = make(tmp_path / "big", "1.3.0", {"lib/hello/big": (0o644, noise)})
    script = f"""{SUMS}
mount -t tmpfs -o size=1m tmpfs "$HOME" && cd /
sh "$1" --user --quiet --no-services || exit 10
df() {{ echo; }}
free=$(command df -k "$HOME" | tail -n 1 | {{ read -r a b c d e; echo "$d"; }})
dd if=/dev/zero of="$HOME/ballast" bs=1k count=$((free - {space})) 2>/dev/null
before=$(sums "$HOME")
sh "$2" --user --quiet --no-services; echo "code $?"
[ "$before" = "$(sums "$HOME")" ] && echo as before
"$HOME/.local/bin/hello"
rm "$HOME/ballast" && sh "$2" --user --quiet --no-services && "$HOME/.local/bin/hello" """
    blind = shim(tmp_path / "shim", "df", "exit 1")
    ran = secluded(
        script.replace("command df", "/usr/bin/df" if Path("/usr/bin/df").exists() else "/bin/df"),
        home,
        kit.install,
        big.install,
        path=blind,
    )
    assert ran.out.endswith("hello world 1.2.3\n"), ran
    if "code 0" not in ran.out:
        assert "code 1\nas before\n" in ran.out, ran
        assert "df -h" in ran.err


def test_a_read_only_disk_and_one_that_runs_no_programs_are_told_of(kit: Kit, home: Path) -> None:
    script = f"""{SUMS}
mount -t tmpfs tmpfs "$HOME" && mkdir "$HOME/opt" && mount -t tmpfs -o ro tmpfs "$HOME/opt" && cd /
sh "$1" --prefix "$HOME/opt"; echo "code $?"
mount -t tmpfs -o noexec tmpfs "$HOME/opt"
sh "$1" --prefix "$HOME/opt"; echo "code $?"
sh "$1" --prefix "$HOME/opt" --force; echo "code $?"
find "$HOME" -type f"""
    ran = secluded(script, home, kit.install)
    assert ran.code == 0, ran
    assert ran.out.split("code ")[1:] == ["5\n", "3\n", "1\n"], ran
    assert "may not be run here; nothing is installed" in ran.err


def test_a_home_that_cannot_be_written_stays_as_it_is(kit: Kit, newer: Kit, home: Path) -> None:
    script = f"""{SUMS}
mount --bind "$HOME" "$HOME" && mkdir -p "$HOME/opt" && mount -t tmpfs tmpfs "$HOME/opt" || exit 9
mount -o remount,ro,bind "$HOME" && cd /
sh "$1" --user --prefix "$HOME/opt" --no-services || exit 10
sh "$2" --user --prefix "$HOME/opt" --no-services || exit 11
sh "$2" --user --prefix "$HOME/opt" --rollback || exit 12
sh "$HOME/opt/share/hello/uninstall.sh" || exit 13
find "$HOME/opt" -mindepth 1"""
    before = picture(home)
    ran = secluded(script, home, kit.install, newer.install)
    assert ran.code == 0, ran
    assert ".profile is left alone" in ran.err
    assert ran.out.endswith("is removed from " + str(home / "opt") + "\n"), ran
    (home / "opt").rmdir()
    assert picture(home) == before


def test_configuration_may_lie_on_another_disk(kit: Kit, newer: Kit, home: Path) -> None:
    script = f"""{SUMS}
mkdir "$HOME/.config" && mount -t tmpfs tmpfs "$HOME/.config" && cd /
sh "$1" --user --quiet --no-services && before=$(sums "$HOME/.config") || exit 10
sh "$2" --user --quiet --no-services || exit 11
[ "$before" != "$(sums "$HOME/.config")" ] || exit 12
sh "$2" --user --quiet --rollback && "$HOME/.local/bin/hello" || exit 13
[ "$before" = "$(sums "$HOME/.config")" ] && sh "$1" --user --quiet --uninstall && find "$HOME/.config" "$HOME/.local" -type f"""
    ran = secluded(script, home, kit.install, newer.install)
    assert (ran.code, ran.out) == (1, "hello world 1.2.3\n"), ran  # find misses .local, which went


def test_a_private_umask_makes_no_private_installation(kit: Kit, home: Path) -> None:
    good(run("-c", 'umask 077 && exec sh "$0" --user', kit.install, home=home))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home / ".local").rglob("*")}
    assert modes["hello"] == 0o755
    assert modes["greetings.txt"] == 0o644
    assert {mode & 0o055 for mode in modes.values()} <= {0o055, 0o044}


@pytest.mark.parametrize(
    "name", ["with space", "it's", 'say "hi"', "a&b,c", "per%cent", "dollar$HOME", "back\\slash", "[x]*?", "-dash"]
)
def test_any_name_will_do_for_a_folder(kit: Kit, newer: Kit, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    (home / ".profile").write_text("umask 022")
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--upgrade", "--user", home=home))
    good(run(newer.install, "--rollback", "--user", home=home))
    assert hello(home) == "hello world 1.2.3\n"
    good(run(home / ".local/share/hello/uninstall.sh", home=home))
    assert picture(home) == before
