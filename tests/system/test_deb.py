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
from debs import restage

import sample
from slipway.components import CommandComponent
from slipway.containers import Container, Engine, systemd_image
from slipway.model import InstallRules, Release, Service, Variant
from slipway.packagers.deb import PackDeb, plan_debs
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules
from slipway.signing.openpgp import Gpg
from slipway.version import Version

pytestmark = pytest.mark.slow
UNIT = "usr/lib/systemd/system/hello-server.service"
LINK = "etc/systemd/system/multi-user.target.wants/hello-server.service"


def say(*words: str | Path, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run([*words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def staged(root: Path, version: str = "1.2.3", program: Path | None = None, **changes: Any) -> Release:
    """A release for Linux whose distributions are laid out."""
    made: Release = sample.release(root, project=sample.project(root / "project", **changes), version=Version(version))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],))
    for cell in made.cells:
        sample.stage(made, cell)
        if program is not None:
            restage(made, cell, "bin/hello", program.read_bytes())
    return made


def pack(root: Path, version: str = "1.2.3", program: Path | None = None, **changes: Any) -> dict[str, Path]:
    """The packages of both variants, by variant."""
    steps = plan_debs(staged(root, version, program, **changes))
    for step in steps:
        step.run()
    return {step.key.partition(".")[0].rpartition("-")[2]: step.outputs[0] for step in steps}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Rust program."""
    folder = tmp_path_factory.mktemp("rust")
    (folder / "hello.rs").write_text('fn main() { println!("hello 1.2.3"); }\n')
    say("rustc", "-O", "-C", "strip=symbols", "-o", folder / "hello", folder / "hello.rs")
    return folder / "hello"


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


@pytest.fixture(scope="module")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real C program, hardened as Debian's own."""
    folder = tmp_path_factory.mktemp("c")
    (folder / "hello.c").write_text(
        "#include <stdio.h>\n"
        "int main(int argc, char **argv) {\n"
        '    char text[64]; snprintf(text, sizeof text, "hello %s", argv[argc - 1]); puts(text); return 0;\n}\n'
    )
    hardened = ("-O2", "-fPIE", "-pie", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now", "-s")
    say("gcc", *hardened, "-o", folder / "hello", folder / "hello.c")
    return folder / "hello"


def lint(path: Path) -> list[str]:
    """What lintian says at the level of a warning or above; unused overrides count too."""
    words = ("lintian", "--allow-root", "--display-info", "--fail-on", "none", path)
    lines = say(*words).splitlines()
    return [line for line in lines if line.startswith(("E:", "W:")) or "override" in line]


WAITING = (
    Service(name="hello-caller", binary="hello-server", summary="Answers", user="hello", sockets=("8080",), logs=True),
    Service(name="hello-sweeper", binary="hello-server", summary="Sweeps", user="hello", schedule="daily", enable=False),
)


@pytest.mark.parametrize("variant", ["complete", "minimal"])
def test_lintian_has_nothing_to_say(tmp_path: Path, program: Path, variant: str) -> None:
    path = pack(tmp_path, program=program)[variant]
    assert "libc6 (>= 2." in say("dpkg-deb", "-f", path, "Depends")
    assert lint(path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"services": (Service(name="hello-server", binary="hello-server", summary="Serves", user="hello"),)},
        {"services": WAITING, "install": InstallRules(configure=("hello", "it's", "{config}"))},
        {"deb": DebRules(compression="zstd", revision="1", triggers=("interest-noawait /usr/share/hello",))},
        {"deb": DebRules(compression="xz", suites=("bookworm",)), "license": "MIT AND (GPL-2.0-or-later OR Zlib)"},
    ],
    ids=["account", "waiting", "revision", "suite"],
)
def test_lintian_has_nothing_to_say_whatever_the_settings(tmp_path: Path, c_program: Path, changes: dict[str, Any]) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text("## [1.2.3]\n\n### Added\n\n- Greetings in [more](https://hello.example) languages.\n")
    changes = {"documents": (changelog,), **changes}
    assert lint(pack(tmp_path, program=c_program, **changes)["complete"]) == []


def test_the_size_is_what_dpkg_gencontrol_counts(tmp_path: Path, program: Path) -> None:
    path = pack(tmp_path, program=program)["complete"]
    say("dpkg-deb", "-x", path, tmp_path / "raw")
    (tmp_path / "debian").mkdir()
    control = "Source: hello\nMaintainer: Me <me@hello.example>\n\nPackage: hello\nArchitecture: any\nDescription: greet\n"
    (tmp_path / "debian/control").write_text(control)
    (tmp_path / "debian/changelog").write_text(
        "hello (1) unstable; urgency=low\n\n  * x\n\n -- Me <me@hello.example>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    )
    counted = say("dpkg-gencontrol", "-O", f"-P{tmp_path / 'raw'}", f"-f{tmp_path / 'files'}", cwd=tmp_path)
    size = next(line for line in counted.splitlines() if line.startswith("Installed-Size"))
    assert size == f"Installed-Size: {say('dpkg-deb', '-f', path, 'Installed-Size').strip()}"


POLICY = """<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="hello" id="{key}" Description="hello"/>
  <Selection><Required Type="origin" File="hello.gpg" id="{key}"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="hello.gpg" id="{key}"/></Verification>
</Policy>
"""


def test_debsig_verify_trusts_a_signed_package_and_no_changed_one(tmp_path: Path, root: Root) -> None:
    home = tmp_path / "keys"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--batch", "--homedir", home)
    say(*gpg, "--passphrase", "", "--quick-generate-key", "Hello <makers@hello.example>", "ed25519", "sign", "never")
    listed = say(*gpg, "--with-colons", "--list-keys")
    key = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    step = next(step for step in plan_debs(staged(tmp_path)) if step.key.endswith("-complete.deb"))
    assert isinstance(step.run, PackDeb)
    replace(step.run, signer=Gpg(key=key, epoch=sample.EPOCH, home=str(home)))()
    path, short = step.outputs[0], key[-16:]
    for folder in (place := tmp_path / "debsig") / "policies" / short, place / "keyrings" / short:
        folder.mkdir(parents=True)
    (place / "policies" / short / "hello.pol").write_text(POLICY.format(key=short))
    say(*gpg, "--output", place / "keyrings" / short / "hello.gpg", "--export", key)
    verify = ("debsig-verify", "--policies-dir", place / "policies", "--keyrings-dir", place / "keyrings")
    assert "Verified package from" in say(*verify, path)
    assert say("ar", "t", path).split() == ["debian-binary", "control.tar.gz", "data.tar.gz", "_gpgorigin"]
    assert lint(path) == []
    root.dpkg("-i", path)
    spoiled = path.with_name("spoiled.deb")
    data = bytearray(path.read_bytes())
    data[data.index(b"data.tar.gz") + 200] ^= 1
    spoiled.write_bytes(data)
    assert subprocess.run([*verify, spoiled], capture_output=True, check=False).returncode != 0
    say("gpgconf", "--homedir", home, "--kill", "all")


def test_shellcheck_finds_nothing_in_the_scripts(tmp_path: Path) -> None:
    services = tuple(
        replace(sample.project(tmp_path / "p").services[0], name=name, enable=name == "one") for name in ("one", "two")
    )
    configure = InstallRules(configure=("hello", "it's", "{config}"))
    cases: list[dict[str, Any]] = [
        {"services": services},
        {"services": WAITING, "install": configure},
        {"services": (), "install": configure},
    ]
    for number, changes in enumerate(cases):
        control = tmp_path / f"control{number}"
        say("dpkg-deb", "-e", pack(tmp_path / str(number), **changes)["complete"], control)
        scripts = [control / name for name in ("postinst", "prerm", "postrm") if (control / name).exists()]
        assert len(scripts) == (3 if changes["services"] else 2)
        say("shellcheck", *scripts)
        for shell in ("dash", "busybox sh", "mksh", "posh"):
            for script in scripts:
                say(*shell.split(), "-n", script)


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
