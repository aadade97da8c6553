"""Debian packages as Debian sees them: dpkg-deb, lintian, dpkg with a root of its own, and a system that runs systemd."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import sample
from slipway.components import CommandComponent
from slipway.containers import Container, Engine, systemd_image
from slipway.contents import Contents
from slipway.files import digest_file
from slipway.model import Release, Service, Variant
from slipway.packagers.deb import plan_debs
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules
from slipway.version import Version

pytestmark = pytest.mark.slow
UNIT = "lib/systemd/system/hello-server.service"
LINK = "etc/systemd/system/multi-user.target.wants/hello-server.service"


def say(*words: str | Path, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run([*words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pack(root: Path, version: str = "1.2.3", program: Path | None = None, **changes: Any) -> dict[str, Path]:
    """The packages of both variants, by variant."""
    made: Release = sample.release(root, project=sample.project(root / "project", **changes), version=Version(version))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],))
    for cell in made.cells:
        contents = sample.stage(made, cell)
        if program is not None:
            replace_program(made.staged(cell) / "bin/hello", program, made.contents(cell), contents)
    for step in plan_debs(made):
        step.run()
    return {step.key.removesuffix(".deb").rpartition("-")[2]: step.outputs[0] for step in plan_debs(made)}


def replace_program(path: Path, program: Path, listed: Path, contents: Contents) -> None:
    path.write_bytes(program.read_bytes())
    files = tuple(
        replace(file, size=path.stat().st_size, sha256=digest_file(path), md5=digest_file(path, "md5"))
        if file.path == "bin/hello"
        else file
        for file in contents.files
    )
    listed.write_bytes(replace(contents, files=files).dump())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Rust program."""
    folder = tmp_path_factory.mktemp("rust")
    (folder / "hello.rs").write_text('fn main() { println!("hello 1.2.3"); }\n')
    say("rustc", "-O", "-C", "strip=symbols", "-o", folder / "hello", folder / "hello.rs")
    return folder / "hello"


@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd"])
def test_dpkg_deb_reads_it(tmp_path: Path, compression: str) -> None:
    path = pack(tmp_path, "2.0.0-rc.1", deb=DebRules(compression=compression, depends=("git",)))["complete"]
    assert say("dpkg-deb", "-f", path, "Package", "Version", "Depends") == "Package: hello\nVersion: 2.0.0~rc.1\nDepends: git\n"
    names = [line.split(None, 5)[5] for line in say("dpkg-deb", "-c", path).splitlines()]
    assert {"./usr/bin/hello", f"./{UNIT}", "./etc/hello/hello.toml"} < set(names)
    assert "postinst" in say("dpkg-deb", "-I", path)
    say("dpkg-deb", "-R", path, tmp_path / "raw")
    say("md5sum", "-c", "--strict", "DEBIAN/md5sums", cwd=tmp_path / "raw")
    assert (tmp_path / "raw/usr/bin/hello").stat().st_mode & 0o777 == 0o755


def test_versions_sort_as_releases_do(tmp_path: Path) -> None:
    order = ["2.0.0-alpha", "2.0.0-rc.1", "2.0.0", "2.0.1"]
    spelled = [say("dpkg-deb", "-f", pack(tmp_path / text, text)["complete"], "Version").strip() for text in order]
    for older, newer in pairwise(spelled):
        say("dpkg", "--compare-versions", older, "lt", newer)


@pytest.mark.parametrize("variant", ["complete", "minimal"])
def test_lintian_finds_no_error_in_a_package_of_real_programs(tmp_path: Path, program: Path, variant: str) -> None:
    path = pack(tmp_path, program=program)[variant]
    assert "libc6 (>= 2." in say("dpkg-deb", "-f", path, "Depends")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    tags = {line.split()[2] for line in done.stdout.splitlines() if line.startswith("W:")}
    assert tags <= {"no-manual-page"}


def test_shellcheck_finds_nothing_in_the_scripts(tmp_path: Path) -> None:
    services = tuple(
        replace(sample.project(tmp_path / "p").services[0], name=name, enable=name == "one") for name in ("one", "two")
    )
    path = pack(tmp_path, services=services)["complete"]
    say("dpkg-deb", "-e", path, tmp_path / "control")
    say("shellcheck", *(tmp_path / "control" / name for name in ("postinst", "prerm", "postrm")))
    for shell in ("dash", "busybox sh", "mksh", "posh"):
        for name in ("postinst", "prerm", "postrm"):
            say(*shell.split(), "-n", tmp_path / "control" / name)


class Root:
    """A root folder with a dpkg database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("info", "updates", "triggers"):
            (folder / "var/lib/dpkg" / name).mkdir(parents=True)
        for name in ("status", "available"):
            (folder / "var/lib/dpkg" / name).touch()
        self.before = self.files()

    def dpkg(self, *words: str | Path) -> str:
        options = ("--force-script-chrootless", "--force-not-root", "--force-depends", "--force-confold")
        return say(
            "dpkg",
            f"--root={self.folder}",
            "--log=/dev/null",
            *options,
            *words,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )

    def files(self) -> set[str]:
        paths = (path.relative_to(self.folder) for path in self.folder.rglob("*") if not path.is_dir() or path.is_symlink())
        return {str(path) for path in paths if path.parts[:3] != ("var", "lib", "dpkg")}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root")


@pytest.mark.req("S0-58", "S0-61")
def test_install_remove_and_purge(tmp_path: Path, root: Root) -> None:
    path = pack(tmp_path)["complete"]
    root.dpkg("-i", path)
    installed = root.files()
    assert {"usr/bin/hello", UNIT, LINK, "usr/lib/hello/greetings.txt"} < installed
    assert say(root.folder / "usr/bin/hello") == "hello world 1.2.3\n"
    root.dpkg("--verify", "hello")
    state = root.folder / "var/lib/hello"
    state.mkdir()
    (state / "data").write_text("mine")
    (root.folder / "etc/hello/hello.toml").write_text("changed = true\n")
    root.dpkg("-r", "hello")
    assert (root.folder / "etc/hello/hello.toml").read_text() == "changed = true\n"
    assert (state / "data").exists()
    assert not (root.folder / "usr/bin/hello").exists()
    root.dpkg("-P", "hello")
    assert root.files() == root.before


def test_an_upgrade_keeps_what_the_administrator_changed(tmp_path: Path, root: Root) -> None:
    root.dpkg("-i", pack(tmp_path / "one")["complete"])
    config = root.folder / "etc/hello/hello.toml"
    config.write_text("changed = true\n")
    (root.folder / LINK).unlink()
    root.dpkg("-i", pack(tmp_path / "two", "1.3.0")["complete"])
    assert config.read_text() == "changed = true\n"
    assert not (root.folder / LINK).is_symlink(), "a service that was disabled stays disabled"
    assert "Version: 1.3.0" in root.dpkg("-s", "hello")


def test_one_variant_takes_the_place_of_the_other(tmp_path: Path, root: Root) -> None:
    packages = pack(tmp_path)
    root.dpkg("-i", packages["complete"])
    root.dpkg("-B", "-i", packages["minimal"])
    assert (root.folder / "usr/bin/hello").exists()
    assert not (root.folder / "usr/lib/hello/greetings.txt").exists()
    root.dpkg("-P", "hello")
    assert {"usr/bin/hello", UNIT, LINK, "etc/hello/hello.toml"} < root.files()
    assert (root.folder / LINK).is_symlink()
    root.dpkg("-P", "hello-minimal")
    assert root.files() == root.before


def test_a_purged_variant_takes_its_own_services_along_and_leaves_the_others(tmp_path: Path, root: Root) -> None:
    services = tuple(Service(name=name, binary=name, summary="Serves") for name in ("hello-server", "more"))
    base = sample.project(tmp_path / "project").components
    extra = CommandComponent(name="extra", path=tmp_path, command=("true",), outputs={"bin/more": "more"})
    variants = (Variant(name="complete", components=("programs", "extra")), Variant(name="minimal", components=("programs",)))
    packages = pack(tmp_path, services=services, components=(*base, extra), variants=variants)
    root.dpkg("-i", packages["complete"])
    more = str(Path(LINK).with_name("more.service"))
    assert {LINK, more} < root.files()
    (root.folder / "var/lib/hello").mkdir()
    root.dpkg("-B", "-i", packages["minimal"])
    root.dpkg("-P", "hello")
    assert LINK in root.files()
    assert more not in root.files(), "no link may lead to a unit that nobody has"
    assert (root.folder / "var/lib/hello").is_dir(), "the state is the other variant's now"
    root.dpkg("-P", "hello-minimal")
    assert root.files() == root.before
    assert not (root.folder / "var/lib/hello").exists()


@pytest.fixture(scope="module")
def system(engine: Engine, base_image: str) -> Iterator[Container]:
    """A Debian in which systemd runs."""
    with Container(engine, systemd_image(engine, base_image), init=True) as container:
        yield container


def test_the_service_runs_after_an_install_and_is_gone_after_a_purge(tmp_path: Path, system: Container) -> None:
    for version in ("1.2.3", "1.3.0"):
        system.copy_in(pack(tmp_path / version, version)["complete"], f"/root/{version}.deb")
    for words, expected in (
        ("dpkg -i /root/1.2.3.deb", 0),
        ("systemctl is-active hello-server", 0),
        ("systemctl is-enabled hello-server", 0),
        ("touch /var/lib/hello/data", 0),
        ("systemctl show -P MainPID hello-server >/root/before && dpkg -i /root/1.3.0.deb", 0),
        ("systemctl show -P MainPID hello-server | cmp - /root/before", 1),
        ("systemctl stop hello-server && dpkg -i /root/1.2.3.deb && systemctl is-active hello-server", 3),
        ("dpkg -r hello && systemctl is-active hello-server", 3),
        ("test -e /var/lib/hello/data && test -e /etc/hello/hello.toml", 0),
        ("dpkg -P hello", 0),
        ("find / -xdev -name '*hello*' -not -path '/root/*' -not -path '/proc/*' -not -path '/var/log/*' | grep .", 1),
    ):
        done = system.exec(["sh", "-c", words], check=False)
        assert done.code == expected or (expected == 3 and done.code == 4), f"{words}: {done.output}"
