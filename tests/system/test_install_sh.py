"""install.sh and uninstall.sh, run for real in homes of their own."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from installer_lab import EVERY_SHELL, SHELLS, Kit, Ran, make, only, picture, run, shim

import sample
from slipway.model import InstallRules

NEW = {
    "bin/hello": (0o755, "#!/bin/sh\necho hello ${1:-world} 1.3.0\n"),
    "lib/hello/greetings.txt": None,
    "lib/hello/farewells.txt": (0o644, "good bye\n"),
    "etc/hello/hello.toml": (0o644, '# Change me.\nname = "everybody"\n'),
}
TOOLS = (
    "cat",
    "chmod",
    "cp",
    "cut",
    "expr",
    "getconf",
    "grep",
    "gzip",
    "id",
    "ls",
    "ln",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "sleep",
    "tail",
    "tar",
    "uname",
    "wc",
)

UTF8 = {"LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("newer"), "1.3.0", NEW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with start files; one of them does not end with a line break."""
    made = tmp_path / "a home, 'quoted' & odd"
    made.mkdir()
    (made / ".profile").write_text("umask 022\n")
    (made / ".bashrc").write_bytes(b"alias l='ls \xc3\xa9'\n\nalias ll=ls")
    return made


@pytest.fixture
def plain_home(home: Path) -> Path:
    """A home whose name systemd accepts, with a space and a percent sign."""
    return home.rename(home.parent / "100% home")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into, unlike pytest's own."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def good(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    assert ran.err == "", ran
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err


def say(command: Path, *arguments: str) -> str:
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.req("S0-10", "S0-24", "S0-58")
def test_round_trip_of_a_user_install_leaves_every_byte_as_it_was(kit: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    assert say(home / ".local/bin/hello", "you") == "hello you 1.2.3\n"
    assert (home / ".config/hello/hello.toml").stat().st_mode & 0o777 == 0o644
    good(run(home / ".local/share/hello/uninstall.sh", home=home))
    assert picture(home) == before


@pytest.mark.req("S0-58")
def test_a_login_shell_finds_the_command(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    for start in (".profile", ".bashrc"):
        found = run("-c", f'. "$HOME/{start}" && command -v hello', home=home)
        assert found.out == f"{home}/.local/bin/hello\n"


@pytest.mark.req("S0-10", "S0-75")
def test_dry_run_names_what_it_would_do_and_touches_nothing(kit: Kit, home: Path) -> None:
    before = picture(home)
    said = good(run(kit.install, "--user", "--dry-run", home=home)).out
    assert picture(home) == before
    good(run(kit.install, "--user", home=home))
    made = set(picture(home)) - set(before)
    assert {name for name in made if f" {name} (" not in said and f" {name}/\n" not in said} == set()
    installed = picture(home)
    gone = good(run(kit.uninstall, "--user", "--dry-run", home=home)).out
    assert picture(home) == installed
    assert {name for name in made if Path(name).is_file() and f" {name}\n" not in gone} == set()


@pytest.mark.req("S0-11")
def test_root_installs_beside_the_archive_with_few_tools_and_no_network(kit: Kit, home: Path, tmp_path: Path) -> None:
    few = only(tmp_path / "few", *TOOLS, "sha256sum")
    good(run(kit.install, "--system", "--prefix", home / "usr", home=home, path=few, shell=("/bin/sh",)))
    assert say(home / "usr/bin/hello") == "hello world 1.2.3\n"


@pytest.mark.req("S0-10")
def test_installing_again_changes_nothing(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    before = picture(home)
    assert "nothing to do" in good(run(kit.install, "--user", home=home)).out
    assert picture(home) == before


def test_a_damaged_file_is_repaired(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    whole = picture(home)
    (home / ".local/bin/hello").write_text("damaged")
    good(run(kit.install, "--user", home=home))
    assert picture(home).keys() == whole.keys()
    assert say(home / ".local/bin/hello") == "hello world 1.2.3\n"


@pytest.mark.req("S0-58")
def test_upgrade_removes_what_the_new_version_lacks_and_keeps_changed_configuration(kit: Kit, newer: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    config = home / ".config/hello/hello.toml"
    config.write_text("name = 'me'\n")
    good(run(newer.install, "--user", home=home))
    assert say(home / ".local/bin/hello") == "hello world 1.3.0\n"
    assert sorted(path.name for path in (home / ".local/lib/hello").iterdir()) == ["farewells.txt"]
    assert config.read_text() == "name = 'me'\n"
    assert "everybody" in (home / ".config/hello/hello.toml.new").read_text()
    good(run(newer.uninstall, "--user", home=home))
    after = picture(home)
    assert after.pop(str(config))[2] == b"name = 'me'\n"
    assert {name: seen for name, seen in after.items() if seen[0] == "file"} == {
        name: seen for name, seen in before.items() if seen[0] == "file"
    }


def test_upgrade_replaces_configuration_that_nobody_changed(kit: Kit, newer: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home))
    good(run(newer.install, "--user", home=home))
    assert "everybody" in (home / ".config/hello/hello.toml").read_text()
    assert not (home / ".config/hello/hello.toml.new").exists()
    good(run(newer.uninstall, "--user", home=home))
    assert picture(home) == before


def test_a_changed_configuration_survives_two_upgrades_without_repeating_itself(kit: Kit, newer: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    config = home / ".config/hello/hello.toml"
    config.write_text("mine")
    good(run(newer.install, "--user", home=home))
    good(run(newer.install, "--user", "--force", home=home))
    assert config.read_text() == "mine"
    assert sorted(path.name for path in config.parent.iterdir()) == ["hello.toml"]


def test_purge_removes_changed_configuration_and_state(kit: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--prefix", home / "opt", home=home))
    (home / "opt/etc/hello/hello.toml").write_text("mine")
    (home / "opt/var/lib/hello").mkdir(parents=True)
    (home / "opt/var/lib/hello/data").write_text("precious")
    good(run(kit.install, "--uninstall", "--prefix", home / "opt", home=home))
    assert (home / "opt/etc/hello/hello.toml").read_text() == "mine"
    assert (home / "opt/var/lib/hello/data").read_text() == "precious"
    good(run(kit.install, "--prefix", home / "opt", home=home))
    good(run(kit.uninstall, "--purge", "--prefix", home / "opt", home=home))
    shutil.rmtree(home / "opt", ignore_errors=False)
    assert picture(home) == before


@pytest.mark.req("S0-24")
def test_uninstalling_twice_is_fine(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    good(run(kit.uninstall, "--user", home=home))
    assert "nothing to do" in good(run(kit.uninstall, "--user", home=home)).out


def test_downgrade_needs_force(kit: Kit, newer: Kit, home: Path) -> None:
    good(run(newer.install, "--user", home=home))
    before = picture(home)
    refused(run(kit.install, "--user", home=home), 3, "1.2.3 is older", "--force")
    assert picture(home) == before
    good(run(kit.install, "--user", "--force", home=home))
    assert say(home / ".local/bin/hello") == "hello world 1.2.3\n"


@pytest.mark.req("S0-4")
def test_variant_is_chosen_remembered_and_changed(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", "--variant", "minimal", home=home))
    assert not (home / ".local/lib").exists()
    good(run(kit.install, "--user", "--force", home=home))
    assert not (home / ".local/lib").exists()
    good(run(kit.install, "--user", "--variant=complete", home=home))
    assert (home / ".local/lib/hello/greetings.txt").exists()
    good(run(kit.install, "--user", home=home, env={"HELLO_VARIANT": "minimal"}))
    assert not (home / ".local/lib").exists()
    refused(run(kit.install, "--user", "--variant", "huge", home=home), 2, "complete minimal")


def test_an_archive_can_be_named_and_names_its_variant(kit: Kit, home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    shutil.copy(kit.archive("minimal"), elsewhere)
    alone = shutil.copy(kit.install, tmp_path / "install.sh")
    refused(run(alone, "--user", home=home), 6, "hello-1.2.3-")
    good(run(alone, "--user", "--from", elsewhere / kit.archive("minimal").name, home=home))
    assert not (home / ".local/lib").exists()
    refused(run(alone, "--user", "--variant=complete", "--from", elsewhere, home=home), 6)


def test_a_piped_script_takes_its_options_and_the_archive_from_the_current_folder(kit: Kit, home: Path) -> None:
    ran = run("-s", "--", "--user", home=home, stdin=kit.install.read_bytes(), cwd=kit.archive().parent)
    good(ran)
    assert say(home / ".local/bin/hello") == "hello world 1.2.3\n"


def test_a_wrong_checksum_stops_before_anything_is_made(kit: Kit, home: Path, tmp_path: Path) -> None:
    bad = tmp_path / kit.archive().name
    bad.write_bytes(kit.archive().read_bytes() + b"x")
    before = picture(home)
    refused(run(kit.install, "--user", "--from", bad, home=home), 4, "sha256")
    assert picture(home) == before


def test_no_checksum_program_is_an_error_unless_the_risk_is_named(kit: Kit, home: Path, tmp_path: Path) -> None:
    few = only(tmp_path / "few", *TOOLS)
    before = picture(home)
    refused(run(kit.install, "--user", home=home, path=few, shell=("/bin/sh",)), 4, "openssl", "--insecure-skip-checksum")
    assert picture(home) == before
    ran = run(kit.install, "--user", "--insecure-skip-checksum", home=home, path=few, shell=("/bin/sh",))
    assert ran.code == 0, ran
    assert "not checked" in ran.err


@pytest.mark.parametrize("tool", ["shasum", "sha256", "cksum", "digest", "openssl"])
def test_every_checksum_program_is_enough(kit: Kit, home: Path, tmp_path: Path, tool: str) -> None:
    answers = {
        "shasum": "sha256sum",
        "sha256": "sha256sum | { read -r sum rest; echo $sum; }",
        "cksum": '[ "$1 $2" = "-a sha256" ] && sha256sum | { read -r sum rest; echo "SHA256 (-) = $sum"; }',
        "digest": '[ "$1 $2" = "-a sha256" ] && sha256sum | { read -r sum rest; echo $sum; }',
        "openssl": '[ "$1 $2" = "dgst -sha256" ] && sha256sum | { read -r sum rest; echo "SHA2-256(stdin)= $sum"; }',
    }
    few = only(tmp_path / "few", *TOOLS)
    shim(tmp_path / "few", tool, f"PATH=/usr/bin:/bin\n{answers[tool]}")
    good(run(kit.install, "--user", home=home, path=few, shell=("/bin/sh",)))
    bad = tmp_path / kit.archive().name
    bad.write_bytes(b"x")
    refused(run(kit.install, "--user", "--force", "--from", bad, home=home, path=few, shell=("/bin/sh",)), 4)


def test_a_program_that_does_not_start_is_taken_back(kit: Kit, newer: Kit, home: Path, tmp_path: Path) -> None:
    broken = make(tmp_path / "broken", "1.4.0", {**NEW, "bin/hello": (0o755, "#!/bin/sh\necho no such library\nexit 1\n")})
    before = picture(home)
    refused(run(broken.install, "--user", home=home), 1, "no such library")
    assert picture(home) == before
    good(run(kit.install, "--user", home=home))
    (home / ".config/hello/hello.toml").write_text("mine")
    installed = picture(home)
    refused(run(broken.install, "--user", home=home), 1, "no such library")
    assert picture(home) == installed


@pytest.mark.parametrize("how", ["a", "b"])
def test_files_of_others_are_not_overwritten(kit: Kit, home: Path, how: str) -> None:
    place = home / ".local/bin/hello"
    place.parent.mkdir(parents=True)
    if how == "a":
        place.write_text("a program of somebody else")
    else:
        place.mkdir()
    before = picture(home)
    refused(run(kit.install, "--user", home=home), 3, str(place))
    assert picture(home) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--prefix"], 2),
        (["--prefix", "/"], 2),
        (["--prefix", "a\tb"], 2),
        (["--sytem"], 2),
        (["surprise"], 2),
        (["--user", "--from", "/nowhere"], 6),
    ],
)
def test_wrong_usage_has_its_code_and_a_hint(kit: Kit, home: Path, arguments: list[str], code: int) -> None:
    refused(run(kit.install, *arguments, home=home), code)


def test_quiet_still_shows_errors_and_help_lists_every_option(kit: Kit, home: Path) -> None:
    refused(run(kit.install, "--quiet", "--user", "--from", "/nowhere", home=home), 6, "error:")
    assert good(run(kit.install, "--user", "--quiet", home=home)).out == ""
    assert good(run(kit.install, "--version", home=home)).out == "hello 1.2.3\n"
    for script in (kit.install, kit.uninstall):
        shown = good(run(script, "--help", home=home)).out
        parsed = set(re.findall(r"^ {12}(--[a-z-]+)[^)\n]*\) ", script.read_text(), re.MULTILINE))
        assert len(parsed) >= 9
        assert {option for option in parsed if f"{option} " not in shown and f"{option}\n" not in shown} == set()


@pytest.mark.parametrize(
    ("system", "machine", "said"),
    [("Linux", "riscv64", "linux-riscv64"), ("SunOS", "i86pc", "SunOS-i86pc"), ("Darwin", "arm64", "macos-arm64")],
)
def test_a_machine_without_a_build_is_told_which_builds_there_are(
    kit: Kit, home: Path, tmp_path: Path, system: str, machine: str, said: str
) -> None:
    path = shim(tmp_path / "shim", "uname", f"case $1 in -s) echo {system} ;; *) echo {machine} ;; esac")
    refused(run(kit.install, "--user", home=home, path=path), 3, said, "linux-amd64, linux-arm64")


def test_rosetta_and_old_glibc_are_seen(home: Path, tmp_path: Path) -> None:
    from slipway.model import PlatformSettings
    from slipway.platforms import PLATFORMS

    names = ("linux-amd64", "linux-arm64", "macos-amd64", "macos-arm64")
    settings = {name: PlatformSettings(glibc="2.100") for name in names[:2]}
    made = make(tmp_path / "kit", platforms=tuple(PLATFORMS[name] for name in names), settings=settings)
    refused(run(made.install, "--user", home=home), 3, "2.100 or newer")
    path = shim(tmp_path / "mac", "uname", "case $1 in -s) echo Darwin ;; *) echo x86_64 ;; esac")
    shim(tmp_path / "mac", "sysctl", '[ "$2" = sysctl.proc_translated ] && echo 1')
    assert "macos-arm64" in good(run(made.install, "--user", "--dry-run", home=home, path=path)).out
    shim(tmp_path / "mac", "sysctl", "echo 0")
    assert "macos-amd64" in good(run(made.install, "--user", "--dry-run", home=home, path=path)).out


@pytest.mark.parametrize(
    ("names", "cpu", "chosen"),
    [
        (("macos-arm64", "macos-universal"), "arm64", "macos-arm64"),
        (("macos-amd64", "macos-universal"), "arm64", "macos-universal"),
        (("macos-arm64", "macos-universal"), "x86_64", "macos-universal"),
        (("linux-amd64", "macos-universal"), "x86_64", "macos-universal"),
    ],
)
def test_a_mac_takes_its_own_build_before_the_one_for_all_macs(
    home: Path, tmp_path: Path, names: tuple[str, ...], cpu: str, chosen: str
) -> None:
    from slipway.platforms import PLATFORMS

    made = make(tmp_path / "kit", platforms=tuple(PLATFORMS[name] for name in names))
    path = shim(tmp_path / "mac", "uname", f"case $1 in -s) echo Darwin ;; *) echo {cpu} ;; esac")
    shim(tmp_path / "mac", "arch", "exit 0")
    assert f"(complete, {chosen})" in good(run(made.install, "--user", "--dry-run", home=home, path=path)).out


# Busybox prefers its own uname to ours.
@pytest.mark.parametrize("shell", [each for each in EVERY_SHELL if each.id != "busybox ash"])
@pytest.mark.parametrize(
    ("says", "version", "refusal"),
    [
        ("Darwin", "11.7.10", "this system has macOS 11.7.10; the build for it needs 12.0 or newer"),
        ("Darwin", "12.0", ""),
        ("Darwin", "", ""),
        ("FreeBSD", "12.4-RELEASE-p9", "this system has FreeBSD 12.4; the build for it needs 13.0 or newer"),
        ("FreeBSD", "14.1-STABLE", ""),
    ],
)
def test_a_system_older_than_the_programs_need_is_refused(
    measured: Kit, home: Path, tmp_path: Path, shell: tuple[str, ...], says: str, version: str, refusal: str
) -> None:
    cpu = "arm64" if says == "Darwin" else "amd64"
    path = shim(tmp_path / "sys", "uname", f"case $1 in -s) echo {says} ;; -r) echo {version} ;; *) echo {cpu} ;; esac")
    shim(tmp_path / "sys", "sw_vers", f'[ "$SYSTEM_VERSION_COMPAT$1" = 0-productVersion ] && echo {version}')
    before = picture(home)
    ran = run(measured.install, "--user", "--dry-run", home=home, path=path, shell=shell)
    if refusal:
        refused(ran, 3, refusal)
    else:
        good(ran)
    assert picture(home) == before


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A release for macOS, of which is known what the project promises, and for FreeBSD, whose programs were measured."""
    from slipway.binaries import Binary
    from slipway.manifest import Built, record_built
    from slipway.model import PlatformSettings
    from slipway.platforms import PLATFORMS

    root = tmp_path_factory.mktemp("measured")
    rows = tuple(PLATFORMS[name] for name in ("macos-arm64", "freebsd-amd64"))
    facts = Binary(format="elf", family="freebsd", arch="amd64", kind="executable", versions={"libc.so.7": ("FBSD_1.6",)})
    built = Built(
        path="bin/hello",
        platform="freebsd-amd64",
        component="programs",
        size=1,
        sha256=hashlib.sha256(sample.FILES["bin/hello"][1].encode()).hexdigest(),
        facts=facts,
    )
    record_built(sample.release(root).facts(rows[1], "programs"), "hello-1.2.3", [built])
    settings = {"macos-arm64": PlatformSettings(macos="12.0"), "freebsd-amd64": PlatformSettings(archives=("tar.gz",))}
    return make(root, platforms=rows, settings=settings)


def test_download_is_https_checked_and_failures_have_their_own_code(home: Path, tmp_path: Path) -> None:
    rules = InstallRules(download_url="https://hello.example/{tag}")
    made = make(tmp_path / "kit", install=rules)
    store, alone = tmp_path / "store", tmp_path / "install.sh"
    shutil.move(made.release.paths.packages, store)
    shutil.copy(store / "installers/install.sh", alone)
    body = f"""echo "$@" >>{tmp_path}/calls
case $* in *-V*) exit 0 ;; esac
for url; do :; done
while [ "$1" != -o ]; do shift; done
exec /bin/cp {store}/"${{url##*/}}" "$2" """
    path = shim(tmp_path / "shim", "curl", body)
    before = picture(home)
    said = good(run(alone, "--user", "--dry-run", home=home, path=path)).out
    assert "https://hello.example/v1.2.3" in said
    assert not (tmp_path / "calls").exists()
    good(run(alone, "--user", home=home, path=path))
    asked = (tmp_path / "calls").read_text()
    assert f"https://hello.example/v1.2.3/{made.archive().name}" in asked
    assert "--proto =https" in asked
    good(run(alone, "--user", "--uninstall", home=home))
    (store / made.archive().name).write_bytes(b"something else")
    refused(run(alone, "--user", home=home, path=path), 4)
    (store / made.archive().name).unlink()
    refused(run(alone, "--user", home=home, path=path), 42, "hello.example")
    assert picture(home) == before


def test_start_files_that_are_links_or_read_only_are_left_alone(kit: Kit, home: Path, open_folder: Path) -> None:
    (home / "real").write_text("mine\n")
    (home / ".bashrc").unlink()
    (home / ".bashrc").symlink_to("real")
    ran = run(kit.install, "--user", home=home)
    assert ran.code == 0
    assert ".bashrc is left alone" in ran.err
    assert (home / "real").read_text() == "mine\n"


@pytest.mark.parametrize("declined", ["option", "environment", "already on PATH"])
def test_start_files_stay_when_there_is_no_need(kit: Kit, home: Path, declined: str) -> None:
    before = (home / ".profile").read_bytes(), (home / ".bashrc").read_bytes()
    options = ["--no-modify-path"] if declined == "option" else []
    env = {"HELLO_NO_MODIFY_PATH": "1"} if declined == "environment" else {}
    path = f"{home}/.local/bin:/usr/bin:/bin" if declined == "already on PATH" else "/usr/bin:/bin"
    good(run(kit.install, "--user", *options, home=home, path=path, env=env))
    assert ((home / ".profile").read_bytes(), (home / ".bashrc").read_bytes()) == before


def test_zsh_and_fish_get_their_own_start_files(kit: Kit, home: Path) -> None:
    before = picture(home)
    good(run(kit.install, "--user", home=home, env={"SHELL": "/usr/bin/fish"}))
    assert "set -gx PATH" in (home / ".config/fish/conf.d/hello.fish").read_text()
    good(run(kit.uninstall, "--user", home=home))
    assert picture(home) == before
    good(run(kit.install, "--user", home=home, env={"SHELL": "/bin/zsh"}))
    assert (home / ".zshrc").exists()
    good(run(kit.uninstall, "--user", home=home))
    assert picture(home) == before


@pytest.mark.parametrize("tail", [b"", b"\n", b"export A=1", b"export A=1\n", b"\n\nexport A=1\n\n"])
@pytest.mark.parametrize("head", [b"", b"\n", b"export B=2", b"export B=2\n\n", b"a\\b\n  c"])
def test_the_block_is_cut_out_byte_by_byte(kit: Kit, tmp_path: Path, head: bytes, tail: bytes) -> None:
    home = tmp_path
    (home / ".profile").write_bytes(head)
    good(run(kit.install, "--user", home=home))
    with (home / ".profile").open("ab") as file:
        file.write(tail)
    good(run(kit.uninstall, "--user", home=home))
    joined = b"\n" if head and not head.endswith(b"\n") and tail else b""
    assert (home / ".profile").read_bytes() == head + joined + tail


def test_a_shadowed_command_is_pointed_out(kit: Kit, home: Path, tmp_path: Path) -> None:
    path = shim(tmp_path / "first", "hello", "exit 0")
    ran = run(kit.install, "--user", home=home, path=path)
    assert ran.code == 0
    assert f"{tmp_path}/first/hello hides {home}/.local/bin/hello" in ran.err


def test_an_unwritable_prefix_has_its_code(kit: Kit, open_folder: Path) -> None:
    shutil.copytree(kit.release.paths.packages, open_folder / "packages")
    home = open_folder / "home"
    home.mkdir(mode=0o555)
    home.chmod(0o555)
    uid = 65534 if os.getuid() == 0 else None
    script = open_folder / "packages/installers/install.sh"
    refused(run(script, home=home, uid=uid), 5, str(home), "--prefix")
    refused(run(script, "--dry-run", home=home, uid=uid), 5, str(home))
    refused(run(script, "--system", home=home, uid=uid), 5, "/usr/local", "root")
    assert picture(home) == {}


# What is only asked is not kept.
SYSTEMCTL = """case $* in *is-active*) exit 0 ;; esac
echo "$@" >>{calls}
exit 0"""


@pytest.mark.req("S0-54", "S0-58")
def test_user_services_are_set_up_restarted_and_removed(kit: Kit, newer: Kit, plain_home: Path, tmp_path: Path) -> None:
    before = picture(plain_home)
    calls = tmp_path / "calls"
    path = shim(tmp_path / "shim", "systemctl", SYSTEMCTL.format(calls=calls))
    good(run(kit.install, "--user", "--dry-run", home=plain_home, path=path))
    assert calls.read_text().splitlines() == ["--user show-environment"]
    calls.unlink()
    good(run(kit.install, "--user", home=plain_home, path=path))
    spelled = str(plain_home).replace("%", "%%")
    unit = plain_home / ".config/systemd/user/hello-server.service"
    assert f'ExecStart="{spelled}/.local/bin/hello-server" --config "{spelled}/.config/hello/hello.toml"\n' in unit.read_text()
    assert calls.read_text().splitlines()[1:] == [
        "--user daemon-reload",
        "--user enable hello-server.service",
        "--user start hello-server.service",
    ]
    calls.unlink()
    good(run(newer.install, "--user", home=plain_home, path=path))
    assert calls.read_text().splitlines()[1:] == ["--user daemon-reload", "--user try-restart hello-server.service"]
    calls.unlink()
    good(run(newer.uninstall, "--user", home=plain_home, path=path))
    assert calls.read_text().splitlines()[0] == "--user disable --now hello-server.service"
    assert picture(plain_home) == before


def test_services_can_be_declined_and_without_systemd_are_explained(kit: Kit, plain_home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    path = shim(tmp_path / "shim", "systemctl", SYSTEMCTL.format(calls=calls))
    said = good(run(kit.install, "--user", "--no-services", home=plain_home, path=path)).out
    assert f'"{plain_home}/.local/bin/hello-server" --config' in said
    assert not calls.exists()
    shim(tmp_path / "shim", "systemctl", "exit 1")
    assert "systemd does not answer" in good(run(kit.install, "--user", "--force", home=plain_home, path=path)).out


def test_no_start_enables_without_starting(kit: Kit, plain_home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    path = shim(tmp_path / "shim", "systemctl", SYSTEMCTL.format(calls=calls))
    good(run(kit.install, "--user", "--no-start", home=plain_home, path=path))
    assert calls.read_text().splitlines()[1:] == ["--user daemon-reload", "--user enable hello-server.service"]


def test_two_at_once_are_refused(kit: Kit, home: Path) -> None:
    lock = home / ".local/.hello-install"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(f"{os.getpid()}\n")
    refused(run(kit.install, "--user", home=home), 3, str(os.getpid()))
    assert lock.exists()


@pytest.mark.parametrize("program", ["mv", "mkdir", "tar", "cp", "chmod", "gzip"])
def test_a_failing_program_leaves_the_old_version(kit: Kit, newer: Kit, home: Path, tmp_path: Path, program: str) -> None:
    good(run(kit.install, "--user", home=home))
    installed = picture(home)
    full = f"""PATH=$real
for last; do :; done
case $PWD$last in *.local*) echo "No space left" >&2; exit 1 ;; esac
exec {program} "$@" """
    path = shim(tmp_path / "shim", program, full if program != "gzip" else "echo corrupt >&2\nexit 1")
    if program == "cp":
        shim(tmp_path / "shim", "ln", "exit 1")
    refused(run(newer.install, "--user", home=home, path=path), 1)
    assert picture(home) == installed


# A run for each byte takes hours: SLIPWAY_NIGHTLY=1 asks for it.
NIGHTLY = bool(os.environ.get("SLIPWAY_NIGHTLY"))


def pieces(script: bytes, shell: tuple[str, ...], amount: int | None) -> list[int]:
    """Cut points: some line ends and some bytes anywhere; or else every line end, in dash every byte."""
    last = len(script) - 2
    ends = [place for place in range(last) if script[place] == 10]
    if amount is None:
        return list(range(last)) if shell == SHELLS["dash"] else [*ends, *range(last - 500, last)]
    dice = random.Random(20)
    return sorted({*dice.sample(ends, amount), *(dice.randrange(last) for _ in range(amount)), last - 1})


def truncated(kit: Kit, home: Path, shell: tuple[str, ...], amount: int | None) -> None:
    for script in (kit.install, kit.uninstall):
        whole = script.read_bytes()
        before = picture(home)
        for cut in pieces(whole, shell, amount):
            run(None, home=home, shell=shell, stdin=whole[:cut], cwd=kit.archive().parent, env={"HELLO_USER": "1"})
            assert set(home.rglob("*")) == set(map(Path, before)), f"cut after byte {cut}"
        run(None, home=home, shell=shell, stdin=whole, cwd=kit.archive().parent, env={"HELLO_USER": "1"})
        assert picture(home) != before


def test_a_part_of_the_script_does_nothing(kit: Kit, home: Path) -> None:
    truncated(kit, home, ("sh",), 15)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_a_part_of_the_script_does_nothing_in_any_shell(kit: Kit, home: Path, shell: tuple[str, ...]) -> None:
    truncated(kit, home, shell, None if NIGHTLY else 40)


def secluded(script: str, home: Path, *arguments: Path, path: str = "/usr/bin:/bin") -> Ran:
    """Run a shell script in a mount namespace of its own, where it may mount what it likes."""
    apart = ("unshare", "--mount", "sh") if os.getuid() == 0 else ("unshare", "--map-root-user", "--mount", "sh")
    return run("-c", script, "sh", *arguments, home=home, shell=apart, path=path)


@pytest.mark.slow
def test_a_shell_that_cannot_read_a_start_file_does_not_spoil_it(kit: Kit, home: Path) -> None:
    good(run(kit.install, "--user", home=home))
    installed = (home / ".bashrc").read_bytes()
    ran = run(kit.uninstall, "--user", home=home, shell=("yash",), env={"LC_ALL": "C"})
    assert (ran.code, (home / ".bashrc").read_bytes()) == (1, installed)
    assert ".bashrc could not be restored" in ran.err
    good(run(kit.uninstall, "--user", home=home))
    assert b"hello" not in (home / ".bashrc").read_bytes()


@pytest.mark.slow
@pytest.mark.req("S0-11")
def test_root_installs_in_a_system_of_nothing_but_busybox(kit: Kit, home: Path, open_folder: Path) -> None:
    root = open_folder / "root"
    for name in ("bin", "lib64", "lib", "root", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    shutil.copytree(kit.release.paths.packages, root / "work/packages")
    for loader in ("lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"):
        (root / loader).touch()
    (root / "dev").mkdir()
    (root / "dev/null").touch()
    script = """mount --bind /dev/null "$1/dev/null" && chroot "$1" /bin/busybox --install -s /bin || exit 9
chroot "$1" /work/packages/installers/install.sh --verbose || exit 10
chroot "$1" /usr/local/bin/hello && find "$1/etc" -type f && chroot "$1" /bin/sh /usr/local/share/hello/uninstall.sh
[ ! -e "$1/etc" ] && [ ! -e "$1/usr" ] && echo nothing left"""
    ran = good(secluded(script, home, root, path="/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
    assert f"hello world 1.2.3\n{root}/etc/hello/hello.toml\n" in ran.out
    assert ran.out.endswith("hello 1.2.3 is removed from /usr/local\nnothing left\n")
