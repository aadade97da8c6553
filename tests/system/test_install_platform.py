"""Which build install.sh takes, on systems of every kind, and what it says where there is none."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fault_server import TOOLS
from installer_lab import SHELLS, Kit, Ran, machine, make, only, picture, run, shim

import sample
from slipway.binaries import Binary
from slipway.manifest import Built, record_built
from slipway.model import PlatformSettings
from slipway.platforms import PLATFORMS

pytestmark = pytest.mark.slow
HERE = machine()
FUTURE = {HERE: PlatformSettings(glibc="2.99")}


def release(root: Path, *names: str, **changes: Any) -> Kit:
    """A release for some platforms; what is not for this machine's processor has only tar.gz, as all that it needs."""
    settings = {"freebsd-amd64": PlatformSettings(archives=("tar.gz",)), **changes.pop("settings", {})}
    return make(root, platforms=tuple(PLATFORMS[name] for name in names), settings=settings, **changes)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return release(tmp_path_factory.mktemp("usual"), "linux-amd64", "linux-arm64", "macos-arm64", "freebsd-amd64")


@pytest.fixture(scope="module")
def intel(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return release(tmp_path_factory.mktemp("intel"), "macos-amd64")


@pytest.fixture(scope="module")
def future(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A build that needs a glibc which nobody has."""
    return release(tmp_path_factory.mktemp("future"), HERE, settings=FUTURE)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """That build, and one for musl."""
    return release(tmp_path_factory.mktemp("both"), HERE, f"{HERE}-musl", settings=FUTURE)


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A build for glibc whose programs were measured, and need nothing."""
    root = tmp_path_factory.mktemp("static")
    facts = Binary(format="elf", family="linux", arch=HERE.removeprefix("linux-"), kind="executable")
    built = [
        Built(
            path=name,
            platform=HERE,
            component="programs",
            size=1,
            sha256=hashlib.sha256(sample.FILES[name][1].encode()).hexdigest(),
            facts=facts,
        )
        for name in ("bin/hello", "bin/hello-server")
    ]
    record_built(sample.release(root).facts(PLATFORMS[HERE], "programs"), "hello-1.2.3", built)
    return release(root, HERE, settings=FUTURE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "a home"
    made.mkdir()
    return made


def dry(kit: Kit, home: Path, *arguments: str, path: str = "/usr/bin:/bin", shell: str = "dash") -> Ran:
    ran = run(kit.install, "--user", "--dry-run", *arguments, home=home, path=path, shell=SHELLS[shell])
    assert picture(home) == {}
    return ran


def refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err, ran


# uname -s, uname -m, what else answers, exit code, words
SYSTEMS: dict[str, tuple[str, str, dict[str, str], int, tuple[str, ...]]] = {
    "Git Bash": ("MINGW64_NT-10.0-19045", "x86_64", {}, 3, ("this is Windows", "install.ps1")),
    "MSYS2": ("MSYS_NT-10.0-22631", "x86_64", {}, 3, ("this is Windows", "WSL")),
    "Cygwin": ("CYGWIN_NT-10.0", "x86_64", {}, 3, ("this is Windows", "install.ps1")),
    "RISC-V": ("Linux", "riscv64", {}, 3, ("riscv64", "there are builds for linux-amd64, linux-arm64, macos-arm64")),
    "a Raspberry Pi of old": ("Linux", "armv7l", {}, 3, ("armv7l", "there are builds for linux-amd64")),
    "32 bits on 64": ("Linux", "x86_64", {"getconf": "echo 32"}, 3, ("32-bit system on a x86_64 kernel", "linux-amd64")),
    "32 bits of ARM on 64": ("Linux", "aarch64", {"getconf": "echo 32"}, 3, ("32-bit system on a aarch64 kernel",)),
    "OpenBSD": ("OpenBSD", "amd64", {}, 3, ("OpenBSD-amd64", "there are builds for")),
    "FreeBSD on ARM": ("FreeBSD", "arm64", {}, 3, ("freebsd-arm64", "there are builds for")),
    "an Intel Mac": ("Darwin", "x86_64", {}, 3, ("macos-amd64", "there are builds for")),
}


@pytest.mark.req("S0-58")
@pytest.mark.parametrize("shell", [name for name in SHELLS if name != "busybox ash"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_where_there_is_no_build_it_is_said_which_there_are(
    usual: Kit, home: Path, tmp_path: Path, system: str, shell: str
) -> None:
    name, cpu, more, code, words = SYSTEMS[system]
    path = shim(tmp_path / "sys", "uname", f"case $1 in -s) echo {name} ;; -m) echo {cpu} ;; *) echo 14.1-RELEASE ;; esac")
    for program, body in more.items():
        shim(tmp_path / "sys", program, body)
    refused(dry(usual, home, path=path, shell=shell), code, *words)


def test_a_mac_without_rosetta_is_told_how_to_get_it(intel: Kit, home: Path, tmp_path: Path) -> None:
    path = shim(tmp_path / "mac", "uname", "case $1 in -s) echo Darwin ;; *) echo arm64 ;; esac")
    shim(tmp_path / "mac", "arch", "exit 1")
    refused(dry(intel, home, path=path), 3, "Rosetta is not installed", "softwareupdate --install-rosetta")
    shim(tmp_path / "mac", "arch", "exit 0")
    assert "macos-amd64" in dry(intel, home, path=path).out


def test_a_build_that_is_asked_for_must_be_there(usual: Kit, home: Path) -> None:
    refused(dry(usual, home, "--platform", "linux-riscv64"), 2, "linux-riscv64", "there are builds for linux-amd64, linux-arm64")
    refused(dry(usual, home, "--platform", "linux"), 2, "there is no build of hello 1.2.3 for linux")
    assert "freebsd-amd64" in dry(usual, home, "--platform", "freebsd-amd64").out


def measured_glibc() -> str:
    said = subprocess.run(["getconf", "GNU_LIBC_VERSION"], capture_output=True, text=True, check=True).stdout
    return said.removeprefix("glibc ").strip()


@pytest.mark.parametrize("with_getconf", [True, False])
def test_a_glibc_that_is_too_old_is_told_with_both_versions(
    future: Kit, both: Kit, home: Path, tmp_path: Path, with_getconf: bool
) -> None:
    tools = [*(name for name in TOOLS if name != "getconf"), *(["getconf"] if with_getconf else [])]
    path = only(tmp_path / "few", "dash", *tools)
    words = f"this system has glibc {measured_glibc()}; the build for it needs 2.99 or newer"
    refused(dry(future, home, path=path), 3, words, "no build for musl")
    assert f"(complete, {HERE}-musl)" in dry(both, home, path=path).out
    refused(dry(both, home, "--platform", HERE, path=path), 3, words, f"--platform {HERE}-musl")


def test_programs_that_need_no_library_run_on_any_system(static: Kit, home: Path) -> None:
    assert f"(complete, {HERE})" in dry(static, home).out


def installed_without_glibc(kit: Kit, root: Path, *arguments: str) -> Ran:
    """Install in a folder that is a system with BusyBox and nothing else."""
    for name in ("bin", "tmp", "root", "dev"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox
    shutil.copy(busybox, root / "bin/busybox")
    for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    (root / "dev/null").touch(mode=0o666)
    shutil.copytree(kit.release.paths.packages, root / "packages")
    inside = ("unshare", "--map-root-user", "--root", root, "--wd", "/", "/bin/sh", "/packages/installers/install.sh")
    env = {"PATH": "/bin", "HOME": "/root"}
    done = subprocess.run([*inside, "--user", *arguments], capture_output=True, text=True, check=False, env=env)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.req("S0-11")
def test_a_system_without_glibc_takes_what_runs_there(future: Kit, both: Kit, static: Kit, usual: Kit, tmp_path: Path) -> None:
    refused(installed_without_glibc(future, tmp_path / "future"), 3, "no glibc", f"the build {HERE} needs it", "gcompat")
    # Nobody measured the programs of these: whether they run is for the check of the installed program to say.
    for kit, platform in ((both, f"{HERE}-musl"), (static, HERE), (usual, HERE)):
        root = tmp_path / f"{platform} {kit.release.paths.packages.parent.parent.name}"
        ran = installed_without_glibc(kit, root)
        assert ran.code == 0, ran
        assert f"platform={platform}\n" in (root / "root/.local/share/hello/install-receipt").read_text()
