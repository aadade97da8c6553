"""What people see and say: options, JSON, explanations, rights, start files of shells, and what is asked of a system first."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from installer_lab import EVERY_SHELL, SHELLS, Kit, Ran, make, picture, run, shim

from slipway.installers import plan_installers
from slipway.installers.keys import PublicKeys
from slipway.installers.options import EXITS, OPTIONS, options_page
from slipway.installers.unix import WriteInstaller
from slipway.model import InstallRules, PlatformSettings
from slipway.platforms import PLATFORMS

NEW = {"bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.3.0\n"), "lib/hello/greetings.txt": None}
# What would change a system, or ask another one.
CHANGING = (
    *("mkdir", "rmdir", "mv", "rm", "cp", "ln", "chmod", "chown", "touch", "tee", "dd", "install", "truncate", "restorecon"),
    *("tar", "gzip", "curl", "wget", "sudo", "doas", "run0", "su", "launchctl", "rc-update", "rc-service", "service", "sysrc"),
    *("useradd", "adduser", "groupadd", "userdel", "pw", "loginctl", "systemd-sysusers", "systemd-tmpfiles"),
)
OUTSIDER = 65534


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("kit"), install=InstallRules(health=("hello",)))


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("newer"), "1.3.0", NEW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home, 'quoted' & odd"
    made.mkdir()
    (made / ".profile").write_text("umask 022\n")
    return made


def good(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err, ran.err


def document(ran: Ran) -> Any:
    """The one document on standard output."""
    return json.loads(ran.out)


# --- the plan, its reasons, and JSON ---------------------------------------------


@pytest.mark.req("S0-10", "S0-75")
def test_the_steps_of_a_dry_run_are_numbered_and_have_reasons(kit: Kit, home: Path) -> None:
    before = picture(home)
    plain = good(run(kit.install, "--user", "--dry-run", home=home)).out.splitlines()[1:]
    assert [int(line[:3]) for line in plain] == list(range(1, len(plain) + 1))
    told = good(run(kit.install, "--user", "--explain", home=home)).out.splitlines()
    steps = [line for line in told if re.match(r" *[0-9]+\. ", line)]
    assert steps == plain
    assert sum(line.startswith("       because ") for line in told) == len(steps)
    assert "  scope      user, because you said --user" in told
    assert picture(home) == before


def test_the_explanation_names_the_signatures(home: Path, tmp_path: Path) -> None:
    signed = with_keys(make(tmp_path / "kit"))
    told = good(run(signed.install, "--user", "--explain", home=home)).out
    assert "(signature by minisign or ssh)\n       because signatures are required" in told
    assert "skip     the signature" in good(run(signed.install, "--user", "-n", "--signature", "off", home=home)).out


def test_the_document_says_what_was_done(kit: Kit, newer: Kit, home: Path) -> None:
    planned = document(good(run(kit.install, "--user", "--dry-run", "--json", home=home)))
    assert (planned["result"], planned["dryRun"]) == ("planned", True)
    done = document(good(run(kit.install, "--user", "--json", home=home)))
    assert (done["result"], done["dryRun"], done["version"], done["scope"]) == ("done", False, "1.2.3", "user")
    assert done["plan"] == planned["plan"]
    assert {step["what"] for step in done["plan"] if step["do"] == "install"} == {
        name for name, seen in picture(home / ".local", home / ".config").items() if seen[0] == "file"
    }
    assert document(run(kit.install, "--user", "--json", home=home))["result"] == "unchanged"
    upgraded = document(good(run(newer.install, "--user", "--json", home=home)))
    assert (upgraded["installedBefore"], upgraded["version"]) == ("1.2.3", "1.3.0")
    assert f"{home}/.local/lib/hello/greetings.txt" in {step["what"] for step in upgraded["plan"] if step["do"] == "remove"}
    gone = document(good(run(home / ".local/share/hello/uninstall.sh", "--json", home=home)))
    assert (gone["action"], gone["result"]) == ("uninstall", "done")
    assert gone["plan"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--sytem"], 2), (["--user", "--from", "/nowhere"], 6), (["--user", "--variant", "huge"], 2), (["--upgrade"], 3)],
)
def test_a_failure_is_in_the_document_too(kit: Kit, home: Path, arguments: list[str], code: int) -> None:
    ran = run(kit.install, *arguments, "--json", "--quiet", home=home)
    said = document(ran)
    assert (ran.code, said["code"], said["result"]) == (code, code, "failed")
    assert f"error: {said['error']['message']}\n  hint: {said['error']['hint']}\n" in ran.err


def test_a_failure_while_planning_is_one_document(kit: Kit, home: Path) -> None:
    (home / ".local/bin/hello").mkdir(parents=True)
    ran = run(kit.install, "--user", "--json", home=home)
    assert (ran.code, document(ran)["code"]) == (3, 3)


def test_warnings_are_in_the_document(kit: Kit, home: Path, tmp_path: Path) -> None:
    path = shim(tmp_path / "first", "hello", "exit 0")
    said = document(run(kit.install, "--user", "--json", home=home, path=path))
    assert [warning for warning in said["warnings"] if "hides" in warning]


# --- options ---------------------------------------------------------------------


def test_every_option_has_a_twin_in_the_environment(kit: Kit) -> None:
    text = kit.install.read_text()
    assert [option.name for option in OPTIONS if f"HELLO_{option.twin}:-" not in text] == []


def test_what_the_environment_says_is_checked(kit: Kit, home: Path) -> None:
    before = picture(home)
    refused(run(kit.install, "--user", home=home, env={"HELLO_DRY_RUN": "maybe"}), 2, "HELLO_DRY_RUN cannot be maybe")
    refused(run(kit.install, "--user", home=home, env={"HELLO_SIGNATURE": "maybe"}), 2, "auto, require, off")
    good(run(kit.install, "--user", home=home, env={"HELLO_DRY_RUN": "yes"}))
    assert picture(home) == before


@pytest.mark.parametrize(
    "arguments",
    [["--purge"], ["--repair"], ["--uninstall", "--rollback"], ["--upgrade", "--rollback"], ["--prefix="], ["--from"], ["-x"]],
)
def test_what_does_not_go_together_is_refused(kit: Kit, home: Path, arguments: list[str]) -> None:
    before = picture(home)
    refused(run(kit.install, *arguments, home=home), 2)
    assert picture(home) == before


def test_the_help_names_every_exit_code(kit: Kit, home: Path) -> None:
    for script in (kit.install, kit.uninstall):
        shown = good(run(script, "--help", home=home)).out
        assert [code for code, cause in EXITS if f"  {code:<4} {cause}\n" not in shown] == []
        assert max(map(len, shown.splitlines())) <= 140


def test_the_manuals_table_has_every_option() -> None:
    page = options_page()
    assert [option.name for option in OPTIONS if f"| `--{option.name}" not in page or f"`NAME_{option.twin}`" not in page] == []


# --- terminals and pipes ---------------------------------------------------------


def on_terminal(*command: str | Path, env: dict[str, str]) -> str:
    """What a command writes to a terminal."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen([*map(str, command)], stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True)
        os.close(slave)
        text = b""
        while True:
            try:
                read = os.read(master, 4096)
            except OSError:
                break
            if not read:
                break
            text += read
        process.wait(60)
    finally:
        os.close(master)
    return text.decode()


@pytest.mark.parametrize(
    ("env", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_colours_are_for_terminals(kit: Kit, home: Path, env: dict[str, str], coloured: bool) -> None:
    said = on_terminal("sh", kit.install, "--nonsense", env={"HOME": str(home), "PATH": "/usr/bin:/bin", **env})
    assert ("\033[31merror:\033[0m" in said) is coloured
    assert "error:" in said.replace("\033[31m", "")


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-", "</dev/null >/dev/null"])
@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_closed_streams_are_no_hindrance(kit: Kit, home: Path, closed: str, option: str) -> None:
    good(run("-c", f'exec sh "$1" --user {option} {closed}', "sh", kit.install, home=home))
    assert (home / ".local/bin/hello").exists()


# --- the rights of root ----------------------------------------------------------

SUDO = """printf '%s\\n' "$*" >>{calls}
case $1 in -*) shift ;; esac
[ "$1" != true ] || exit {answer}
exit 0"""


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder of the system's, as an ordinary user finds it."""
    for folder in (tmp_path, *tmp_path.parents):
        if os.access(folder, os.W_OK) and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    made = tmp_path / "opt"
    made.mkdir()
    made.chmod(0o555)
    return made


def as_outsider(script: Path, *arguments: str | Path, home: Path, **more: Any) -> Ran:
    """Run a script as somebody who is not root."""
    uid = OUTSIDER if os.getuid() == 0 else None
    return run(script, *arguments, home=home, uid=uid, **more)


@pytest.fixture
def readable(kit: Kit) -> Kit:
    """The kit, where an outsider can reach it."""
    for folder in (kit.install, *kit.install.parents):
        if folder == Path("/tmp"):
            break
        if folder.is_dir():
            folder.chmod(folder.stat().st_mode | 0o055)
    return kit


@pytest.mark.parametrize("tool", ["sudo", "doas"])
def test_root_is_asked_for_when_only_root_may(readable: Kit, closed: Path, home: Path, tmp_path: Path, tool: str) -> None:
    calls = tmp_path / "calls"
    calls.touch()
    calls.chmod(0o666)
    for name in ("sudo", "doas", "run0"):
        shim(tmp_path / "shim", name, SUDO.format(calls=calls, answer=0) if name == tool else "exit 1")
    path = f"{tmp_path}/shim:/usr/bin:/bin"
    env = {"HELLO_NO_SERVICES": "1", "HELLO_PREFIX": str(closed / "hello")}
    ran = good(as_outsider(readable.install, "--system", "--variant=minimal", home=home, path=path, env=env))
    line = f"sh {readable.install} --no-sudo --system --prefix {closed}/hello --variant minimal --no-services"
    assert calls.read_text().splitlines() == ["-n true", f"-n {line}"]
    assert f"{tool} -n sh {readable.install}" in ran.out
    calls.write_text("")
    assert "for the rights of root" in good(as_outsider(readable.install, "--system", "-n", home=home, path=path, env=env)).out
    assert calls.read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-sudo"], ["sudo is not to be asked"]),
        ([], ["run as root: sh ", " --system --prefix "]),
        (["--user"], ["may not be written by this user"]),
    ],
)
def test_without_rights_the_command_to_use_is_said(
    readable: Kit, closed: Path, home: Path, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    for name in ("sudo", "doas", "run0"):
        shim(tmp_path / "shim", name, SUDO.format(calls="/dev/null", answer=1))
    path = f"{tmp_path}/shim:/usr/bin:/bin"
    refused(as_outsider(readable.install, "--prefix", closed / "hello", *arguments, home=home, path=path), 5, str(closed), *words)
    piped = as_outsider(None, "-s", "--", "--prefix", closed / "hello", home=home, path=path, stdin=readable.install.read_bytes())  # type: ignore[arg-type]
    refused(piped, 5, "from a pipe", f"sudo sh -s -- --system --prefix {closed}/hello")


def test_the_home_of_another_user_is_not_edited(kit: Kit, home: Path, tmp_path: Path) -> None:
    before = picture(home)
    path = "/usr/local/bin:/usr/bin:/bin"
    if os.getuid() == 0:
        os.chown(home, OUTSIDER, OUTSIDER)
    else:
        path = shim(tmp_path / "shim", "id", 'if [ "$1" = -u ]; then echo 0; else PATH=$real exec id "$@"; fi')
    ran = good(run(kit.install, "--user", home=home, path=path))
    assert "of another user" in ran.err
    assert {name: seen for name, seen in picture(home).items() if name in before} == before


# --- what is asked of the system first ----------------------------------------------


def test_too_little_space_is_said_in_numbers(kit: Kit, home: Path, tmp_path: Path) -> None:
    before = picture(home)
    table = "Filesystem 1024-blocks Used Available Capacity Mounted on"
    path = shim(tmp_path / "shim", "df", f'echo "{table}"; echo "my disk 4000 3990 10 99% /"')
    refused(run(kit.install, "--user", home=home, path=path), 7, "10 KiB free", "df -h", "--prefix")
    assert picture(home) == before
    shim(tmp_path / "shim", "df", "exit 1")
    good(run(kit.install, "--user", home=home, path=path))


def test_a_home_that_is_not_there_is_no_place(kit: Kit, tmp_path: Path) -> None:
    refused(run(kit.install, "--user", home=tmp_path, env={"HOME": "/nonexistent"}), 2, "/nonexistent", "--prefix")
    refused(run(kit.install, "--user", home=tmp_path, env={"HOME": ""}), 2, "HOME is not set")
    assert not Path("/nonexistent").exists()


@pytest.mark.parametrize(
    ("program", "answer", "words"),
    [
        ("dpkg", '[ "$1" = -S ] && echo "hello-tools: $2"', ["hello-tools (dpkg)", "apt-get remove hello-tools"]),
        ("pacman", '[ "$1" = -Qqo ] && echo hello-tools', ["hello-tools (pacman)", "pacman -R hello-tools"]),
        ("apk", '[ "$1 $2" = "info -W" ] && echo hello-tools-1.0-r2', ["(apk)", "apk del hello-tools"]),
        ("pkg", '[ "$1 $2" = "which -q" ] && echo hello-tools-1.0', ["(pkg)", "pkg delete hello-tools-1.0"]),
    ],
)
def test_copies_of_package_managers_are_named(
    kit: Kit, home: Path, tmp_path: Path, program: str, answer: str, words: list[str]
) -> None:
    for name in ("dpkg", "pacman", "apk", "pkg"):
        shim(tmp_path / "shim", name, f"{answer if name == program else 'false'} || exit 1")
    path = f"{shim(tmp_path / 'copy', 'hello', 'exit 0')}".replace(str(tmp_path / "copy"), f"{tmp_path}/shim:{tmp_path}/copy")
    ran = good(run(kit.install, "--user", home=home, path=path))
    assert f"{tmp_path}/copy/hello is there too" in ran.err
    for word in words:
        assert word in ran.err
    good(run(kit.uninstall, "--user", home=home))
    mine = home / ".local/bin/hello"
    mine.parent.mkdir(parents=True)
    mine.write_text("packaged")
    refused(run(kit.install, "--user", home=home, path=path), 3, str(mine), *words)


def test_a_copy_of_homebrew_is_known_by_its_link(kit: Kit, home: Path, tmp_path: Path) -> None:
    cellar = tmp_path / "Cellar/hello/1.0/bin"
    shim(cellar, "hello", "exit 0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/hello").symlink_to("../Cellar/hello/1.0/bin/hello")
    ran = good(run(kit.install, "--user", home=home, path=f"{tmp_path}/bin:/usr/bin:/bin"))
    assert "brew uninstall hello" in ran.err


@pytest.mark.slow
def test_a_file_system_that_runs_no_programs_is_refused(kit: Kit, home: Path) -> None:
    apart = ("unshare", "--mount", "sh") if os.getuid() == 0 else ("unshare", "--map-root-user", "--mount", "sh")
    script = 'mount -t tmpfs -o noexec tmpfs "$HOME" && cd / && sh "$1" --user; echo "code $?"; ls -A "$HOME"'
    ran = run("-c", script, "sh", kit.install, home=home, shell=apart)
    assert ran.out == "code 3\n", ran
    assert "mounted noexec" in ran.err


# --- the dry run touches nothing ---------------------------------------------------


# Busybox has most of these programs inside, and prefers them.
@pytest.mark.parametrize("shell", [each for each in EVERY_SHELL if each.id != "busybox ash"])
def test_a_dry_run_calls_nothing_that_changes_anything(
    kit: Kit, newer: Kit, home: Path, tmp_path: Path, shell: tuple[str, ...]
) -> None:
    calls = tmp_path / "calls"
    for name in CHANGING:
        shim(tmp_path / "shim", name, f'PATH=$real\necho "{name} $*" >>{calls}\nexec {name} "$@"')
    shim(tmp_path / "shim", "systemctl", f'echo "systemctl $*" >>{calls}.asked')
    path = f"{tmp_path}/shim:/usr/bin:/bin"
    how: dict[str, Any] = {"home": home, "path": path, "shell": shell}
    before = picture(home)
    good(run(kit.install, "--user", "--dry-run", **how))
    good(run(kit.install, "--user", "--no-services", home=home))
    good(run(newer.install, "--user", "--no-services", home=home))
    for options in (
        ["--dry-run", "--force"],
        ["--explain", "--rollback"],
        ["--dry-run", "--uninstall"],
        ["--explain", "--uninstall", "--purge"],
    ):
        good(run(newer.install, "--user", *options, **how))
    good(run(home / ".local/share/hello/uninstall.sh", "--dry-run", "--purge", **how))
    assert not calls.exists(), calls.read_text()
    asked = Path(f"{calls}.asked").read_text().splitlines() if Path(f"{calls}.asked").exists() else []
    assert [call for call in asked if not re.search(r" (show-environment|is-[a-z]+|show|cat)\b", call)] == []
    good(run(newer.uninstall, "--user", home=home))
    assert picture(home) == before


# --- start files -------------------------------------------------------------------

STARTS = {
    "bash": (".bashrc", ("bash", "-i", "-c")),
    "zsh": (".zshrc", ("zsh", "-i", "-c")),
    "fish": (".config/fish/conf.d/hello.fish", ("fish", "-c")),
    "tcsh": (".tcshrc", ("tcsh", "-c")),
    "elvish": (".config/elvish/rc.elv", ("elvish", "-norc", "-c")),
    "xonsh": (".xonshrc", ("xonsh", "-i", "-c")),
    "sh": (".profile", ("sh", "-l", "-c")),
}
HERE = "/usr/local/bin:/usr/bin:/bin"


def found_by(shell: str, home: Path, command: str) -> Ran:
    """Let an interactive shell with these start files run a command."""
    start, argv = STARTS[shell]
    if shell == "elvish":  # it reads its start file only on a terminal
        command = f"{(home / start).read_text()}\n{command}"
    done = subprocess.run(
        [*argv, command],
        env={"HOME": str(home), "PATH": HERE, "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        cwd=home,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", 'it\'s odd & ("much") $so!\\'])
@pytest.mark.parametrize("shell", STARTS)
def test_every_shell_finds_the_commands_and_gets_its_files_back(kit: Kit, tmp_path: Path, shell: str, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    start = home / STARTS[shell][0]
    if shell != "fish":
        start.parent.mkdir(parents=True, exist_ok=True)
        start.write_bytes(b"# mine, without an end")
    before = picture(home)
    good(run(kit.install, "--user", home=home, env={"SHELL": f"/bin/{shell}"}))
    ran = found_by(shell, home, "hello you")
    assert "hello you 1.2.3" in ran.out, ran
    good(run(kit.uninstall, "--user", home=home))
    after = picture(home)  # fish and xonsh keep files of their own
    assert {name: seen for name, seen in after.items() if name in before} == before
    assert [path for path in after if "hello" in path] == []


@pytest.mark.slow
@pytest.mark.parametrize("shell", STARTS)
def test_the_line_to_type_works_in_the_shell_that_it_is_for(kit: Kit, home: Path, shell: str) -> None:
    said = good(run(kit.install, "--user", "--no-modify-path", home=home, env={"SHELL": f"/bin/{shell}"})).out
    line = said.split("to have it there now: ", 1)[1].rstrip("\n")
    argv = {"elvish": ("elvish", "-c"), "xonsh": ("xonsh", "--no-rc", "-c")}.get(shell, (shell, "-c"))
    done = subprocess.run(
        [*argv, f"{line}\nhello you"],
        env={"HOME": str(home), "PATH": HERE, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "hello you 1.2.3\n", done


@pytest.mark.slow
def test_zsh_gets_its_completions(home: Path, tmp_path: Path) -> None:
    files = {"share/zsh/site-functions/_hello": (0o644, "#compdef hello\n_arguments '--loud[shout]'\n")}
    made = make(tmp_path / "kit", files=files)
    good(run(made.install, "--user", home=home, env={"SHELL": "/bin/zsh"}))
    ran = found_by("zsh", home, 'print -r -- $fpath; autoload -Uz compinit && compinit -u && print -r -- "$_comps[hello]"')
    assert ran.out.split("\n")[-2] == "_hello", ran
    assert f"{home}/.local/share/zsh/site-functions" in ran.out


@pytest.mark.parametrize("where", ["environment", "folder"])
def test_nushell_gets_a_file_that_it_reads_by_itself(kit: Kit, home: Path, where: str) -> None:
    if where == "folder":
        (home / ".config/nushell").mkdir(parents=True)
    before = picture(home)
    good(run(kit.install, "--user", home=home, env={"SHELL": "/usr/bin/nu"} if where == "environment" else {}))
    text = (home / ".local/share/nushell/vendor/autoload/hello.nu").read_text()
    assert f'prepend "{home}/.local/bin"' in text
    good(run(kit.uninstall, "--user", home=home))
    assert picture(home) == before


def test_the_folders_of_xdg_are_respected(kit: Kit, home: Path) -> None:
    env = {"SHELL": "/bin/fish", "XDG_CONFIG_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d")}
    good(run(kit.install, "--user", home=home, env=env))
    assert (home / "c/fish/conf.d/hello.fish").exists()
    assert (home / "c/hello/hello.toml").exists()


def test_a_workflow_on_github_has_it_on_path(kit: Kit, home: Path) -> None:
    paths = home / "paths"
    paths.write_text("")
    good(run(kit.install, "--user", home=home, env={"GITHUB_PATH": str(paths)}))
    assert paths.read_text() == ""
    good(run(kit.install, "--user", "--force", home=home, env={"GITHUB_PATH": str(paths), "GITHUB_ACTIONS": "true"}))
    assert paths.read_text() == f"{home}/.local/bin\n"


@pytest.mark.slow
def test_an_installation_for_everybody_speaks_to_everybodys_shells(kit: Kit, home: Path) -> None:
    apart = ("unshare", "--mount", "sh") if os.getuid() == 0 else ("unshare", "--map-root-user", "--mount", "sh")
    script = """mount -t tmpfs tmpfs /opt && mount -t tmpfs tmpfs /etc/profile.d && cd / || exit 9
sh "$1" --system --prefix /opt/hello --no-services >/dev/null || exit 10
cat "$HOME/.profile" && . /etc/profile.d/hello.sh && command -v hello
sh /opt/hello/share/hello/uninstall.sh >/dev/null && ls -A /opt /etc/profile.d"""
    ran = good(run("-c", script, "sh", kit.install, home=home, shell=apart))
    assert ran.out.splitlines() == ["umask 022", "/opt/hello/bin/hello", "/etc/profile.d:", "", "/opt:"]


# --- the scripts themselves ----------------------------------------------------------


def with_keys(kit: Kit) -> Kit:
    """Render its installer again, with public keys in it."""
    minisign = base64.b64encode(b"Ed" + bytes(range(40))).decode()
    ssh = base64.b64encode(struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + bytes(32)).decode()
    keys = PublicKeys(minisign=minisign, ssh=f"ssh-ed25519 {ssh}", archives=True, lists=True)
    writer = plan_installers(kit.release)[0].run
    assert isinstance(writer, WriteInstaller)
    replace(writer, origin=replace(writer.origin, keys=keys, policy="require"))()
    return kit


def renderings(root: Path) -> dict[str, Kit]:
    """Releases that decide every branch of the templates."""
    everything = ("linux-amd64", "linux-arm64", "macos-arm64", "freebsd-amd64")
    rules = InstallRules(
        health=("hello", "--version"),
        download_url="https://hello.example/{tag}",
        mirrors=("https://mirror.example/{version}",),
        configure=("hello", "init", "--state", "{state}"),
    )
    odd = {f"lib/hello/{name}": (0o644, "odd\n") for name in ("a b", "it's", "$(touch x)", "`x`", 'a"b', "ü", "*")}
    unpackable = {"freebsd-amd64": PlatformSettings(archives=("tar.gz",))}
    zsh = {"share/zsh/site-functions/_hello": (0o644, "#compdef hello\n")}
    return {
        "rich": make(
            root / "rich",
            install=rules,
            files={**odd, **zsh},
            platforms=tuple(PLATFORMS[name] for name in everything),
            settings=unpackable,
        ),
        "keys": with_keys(make(root / "keys", install=rules)),
        "bare": make(root / "bare", services=(), install=InstallRules(download_url="https://hello.example/{version}/{file}")),
    }


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    return renderings(tmp_path_factory.mktemp("rendered"))


def body_of(text: str) -> str:
    """What stands between the outer braces, which shfmt would have everything moved to the right for."""
    lines = text.splitlines()
    assert lines[-1] == "}"
    return "\n".join(["#!/bin/sh", *lines[lines.index("{") + 1 : -1], ""])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "script"), [("rich", "install"), ("keys", "install"), ("bare", "install"), ("bare", "uninstall")]
)
def test_no_judge_finds_fault(rendered: dict[str, Kit], tmp_path: Path, which: str, script: str) -> None:
    path: Path = getattr(rendered[which], script)
    body = tmp_path / "body.sh"
    body.write_text(body_of(path.read_text()))
    judges = [
        ["shellcheck", "--shell=sh", str(path)],
        ["checkbashisms", str(path)],
        ["shfmt", "-d", "-ln", "posix", "-i", "4", "-ci", str(body)],
        *([*shell, "-n", str(path)] for name, shell in SHELLS.items() if name != "ksh93"),  # it gives advice on style
    ]
    for judge in judges:
        done = subprocess.run(judge, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), judge
