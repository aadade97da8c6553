from __future__ import annotations

import hashlib
import pickle
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import installer_lab
import pytest
from golden_files import assert_golden

import sample
from slipway.contents import Contents, File
from slipway.errors import ConfigError, UsageError, VerificationError
from slipway.installers import Wish, plan_for_distribution, plan_installers, planned_names
from slipway.installers.origin import NOWHERE
from slipway.installers.unix import install_script, source_of, uninstall_script
from slipway.layout import ROLES
from slipway.manifest import load_record
from slipway.model import InstallRules, PlatformSettings, Release
from slipway.platforms import PLATFORMS
from slipway.steps import unique


def staged(root: Path, **changes: Any) -> Release:
    """A release whose distributions are staged and have records of archives that do not exist."""
    release = sample.release(root, project=sample.project(root / "project", **changes))
    for cell in release.cells:
        sample.stage(release, cell)
        suffix = cell.platform.archive
        name = f"{release.name_of(cell)}.{suffix}"
        installer_lab.put_record(release, cell, name, size=1000, sha256=hashlib.sha256(name.encode()).hexdigest())
    return release


@pytest.mark.req("S0-10")
def test_the_scripts_are_made_under_their_documented_names(tmp_path: Path) -> None:
    release = staged(tmp_path)
    steps = unique(plan_installers(release, ("shell",)))
    assert [step.name for step in steps] == ["create-installers:install.sh", "create-installers:uninstall-hello.sh"]
    for step in steps:
        step.run()
        assert all(path.is_file() for path in step.outputs)
    scripts = release.paths.packages / "installers"
    assert {path.name: path.stat().st_mode & 0o777 for path in scripts.iterdir()} == {
        "install.sh": 0o755,
        "install-hello-1.2.3.sh": 0o755,
        "uninstall-hello.sh": 0o755,
    }
    assert (scripts / "install.sh").read_bytes() == (scripts / "install-hello-1.2.3.sh").read_bytes()


def test_the_scripts_have_records(tmp_path: Path) -> None:
    release = staged(tmp_path, checksums=("sha256", "md5"))
    for step in plan_installers(release):
        step.run()
    made = load_record(release.paths.state / "artifacts" / "install.sh.json")
    script = release.paths.installers / "install.sh"
    assert (made.release, made.artifact.kind, made.artifact.path) == ("hello-1.2.3", "installer", "installers/install.sh")
    assert made.artifact.size == script.stat().st_size
    assert made.artifact.digests["md5"] == hashlib.md5(script.read_bytes()).hexdigest()
    assert {path.name for path in release.paths.installers.iterdir()} <= set(planned_names(release)["installer"])


def test_the_scripts_as_they_are(tmp_path: Path) -> None:
    release = staged(tmp_path, install=InstallRules(health=("hello", "--version"), download_url="https://hello.example/{tag}"))
    for step in plan_installers(release):
        step.run()
    assert_golden("install.sh", (release.paths.installers / "install.sh").read_text())
    assert_golden("uninstall.sh", (release.paths.installers / "uninstall-hello.sh").read_text())


def test_the_bytes_do_not_depend_on_the_folder(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b b"):
        release = staged(tmp_path / name)
        for step in plan_installers(release):
            step.run()
        texts.append((release.paths.installers / "install.sh").read_bytes())
    assert texts[0] == texts[1]


def test_steps_can_be_pickled_and_depend_on_what_decides_the_text(tmp_path: Path) -> None:
    release = staged(tmp_path)
    install = plan_installers(release)[0]
    assert pickle.loads(pickle.dumps(install)) == install
    names = {path.name for path in install.inputs}
    assert {"install.sh.j2", "_plan.sh.j2", "service.j2", "hello-1.2.3-linux-amd64-complete.contents.json"} <= names
    assert "hello-1.2.3-freebsd-amd64-minimal.tar.xz.json" in names
    assert not any("windows" in name for name in names)
    other = replace(release, project=replace(release.project, summary="Something else"))
    assert plan_installers(other)[0].settings != install.settings


def test_a_release_for_windows_alone_has_no_shell_script(tmp_path: Path) -> None:
    release = replace(sample.release(tmp_path), platforms=(PLATFORMS["windows-amd64"],))
    assert plan_installers(release, ("shell",)) == ()


def test_each_file_stands_in_the_script_once(tmp_path: Path) -> None:
    release = staged(tmp_path)
    plan_installers(release)[0].run()
    text = (release.paths.installers / "install.sh").read_text()
    assert text.count("\tlib/hello/greetings.txt\n") == 1
    assert text.index("\tlib/hello/greetings.txt\n") < text.index("\tbin/hello\n")


def test_the_places_are_those_of_the_layout(tmp_path: Path) -> None:
    release = staged(tmp_path)
    plan_installers(release)[0].run()
    text = (release.paths.installers / "install.sh").read_text()
    for pattern, role in ROLES:
        assert f"        {pattern.format(name='hello')}*) role={role} dest=$d_{role}/" in text


@pytest.mark.parametrize(
    ("archives", "chosen"),
    [
        ((), "tar.gz"),
        (("zip", "tar.xz", "tar.gz"), "tar.gz"),
        (("tar.zst", "tar.xz"), "tar.xz"),
        (("tar.zst",), "tar.zst"),
    ],
)
def test_the_archive_that_most_systems_can_unpack_is_chosen(tmp_path: Path, archives: tuple[str, ...], chosen: str) -> None:
    said = sample.project(tmp_path, settings={"linux-amd64": PlatformSettings(archives=archives)})
    release = sample.release(tmp_path, project=said)
    record = source_of(release, sample.cell(release, "linux-amd64-complete")).record
    assert record.name == f"hello-1.2.3-linux-amd64-complete.{chosen}.json"


def test_an_archive_that_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    said = sample.project(tmp_path, settings={"linux-amd64": PlatformSettings(archives=("zip",))})
    with pytest.raises(ConfigError, match=re.escape("platforms.linux-amd64.archives")):
        plan_installers(sample.release(tmp_path, project=said))


def test_a_download_must_be_https(tmp_path: Path) -> None:
    said = sample.project(tmp_path, install=InstallRules(download_url="http://hello.example"))
    with pytest.raises(ConfigError, match=re.escape("install.download-url")):
        plan_installers(sample.release(tmp_path, project=said))


@pytest.mark.parametrize("path", ["lib/a\nb", "lib/a\tb", "lib/../../etc/passwd", " lib/a", "/lib/a"])
def test_a_file_name_that_the_shell_could_misread_is_refused(tmp_path: Path, path: str) -> None:
    release = staged(tmp_path)
    cell = sample.cell(release, "linux-amd64-complete")
    bad = File(path=path, mode=0o644, size=1, sha256="0" * 64, md5="0" * 32)
    contents = Contents(name="x", platform=cell.platform.id, variant=cell.variant.name, files=(bad,))
    release.contents(cell).write_bytes(contents.dump())
    with pytest.raises(VerificationError, match=re.escape("install.sh cannot install")):
        install_script((source_of(release, cell),), NOWHERE, None)


@pytest.mark.parametrize("name", ["a b", "it's", "a&b", "$(touch x)", "`x`", "a,b", 'a"b', "ü", "-n", "*"])
def test_odd_file_names_are_installed(tmp_path: Path, name: str) -> None:
    kit = installer_lab.make(tmp_path / "kit", files={f"lib/hello/{name}": (0o644, "odd\n")})
    home = tmp_path / "home"
    home.mkdir()
    ran = installer_lab.run(kit.install, "--user", home=home)
    assert (ran.code, ran.err) == (0, "")
    assert (home / ".local/lib/hello" / name).read_text() == "odd\n"
    assert installer_lab.run(kit.uninstall, "--user", home=home).code == 0
    assert list(home.rglob("*")) == []


def test_a_projects_own_fragment_is_used(tmp_path: Path) -> None:
    release = staged(tmp_path)
    own = release.project.root / "installers" / "unix" / "_usage.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("usage() { echo ours; }\n")
    step = plan_installers(release)[0]
    assert own in step.inputs
    step.run()
    done = subprocess.run([release.paths.installers / "install.sh", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\n"


def test_the_uninstaller_depends_on_the_name_alone() -> None:
    assert uninstall_script("hello", None).replace("hello", "tool").replace("HELLO", "TOOL") == uninstall_script("tool", None)


@pytest.mark.req("S0-37")
def test_create_installer_takes_a_distribution_and_its_flags(tmp_path: Path) -> None:
    release = staged(tmp_path)
    cell = sample.cell(release, "linux-amd64-complete")
    wish = Wish(output=tmp_path / "elsewhere", services=False, uninstaller=False)
    steps = plan_for_distribution(release, release.staged(cell), wish)
    assert [step.key for step in steps] == ["install.sh"]
    for step in steps:
        step.run()
    text = (tmp_path / "elsewhere/install.sh").read_text()
    assert "linux-amd64-complete.tar.gz" in text
    assert "linux-arm64" not in text
    assert "hello-server.service" not in text


@pytest.mark.req("S0-37")
def test_create_installer_takes_the_dist_folder_and_families(tmp_path: Path) -> None:
    release = staged(tmp_path)
    steps = plan_for_distribution(release, release.paths.dist, Wish(types=("shell", "package"), families=("macos",)))
    assert {path.name for path in steps[0].inputs if path.name.endswith(".tar.gz.json")} == {
        f"hello-1.2.3-macos-{arch}-{variant}.tar.gz.json" for arch in ("amd64", "arm64") for variant in ("complete", "minimal")
    }


@pytest.mark.parametrize(
    ("folder", "wish", "said"),
    [
        ("hello-9.9.9-linux-amd64-complete", Wish(), "not a distribution"),
        ("", Wish(families=("linus",)), "did you mean linux"),
        ("", Wish(types=("shel",)), "did you mean shell"),
    ],
)
def test_create_installer_refuses_what_it_does_not_know(tmp_path: Path, folder: str, wish: Wish, said: str) -> None:
    release = staged(tmp_path)
    with pytest.raises(UsageError, match=said):
        plan_for_distribution(release, release.paths.dist / folder, wish)


@pytest.mark.slow
def test_a_faulty_script_does_not_pass_the_check(tmp_path: Path) -> None:
    release = staged(tmp_path)
    own = release.project.root / "installers" / "unix" / "_usage.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("usage() { if; }\n")
    steps = plan_for_distribution(release, release.paths.dist, Wish(validate=True))
    steps[0].run()
    with pytest.raises(VerificationError, match=re.escape("install.sh")):
        next(step for step in steps if step.key == "validate").run()
