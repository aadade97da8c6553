"""Which packages there are, and what is refused before anything is made. Real packages: tests/system/test_msi.py."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway import tools
from slipway.contents import Contents, File
from slipway.errors import ConfigError, GateError, SlipwayError, VerificationError
from slipway.model import Release
from slipway.packagers.msi import PackMsi, msi_names, plan_msis
from slipway.packagers.msi.deterministic import settle
from slipway.rules import MsiRules
from slipway.steps import Step, require_needs
from slipway.verify.compound import streams
from slipway.verify.msitables import SUMMARY, plain_names, summary
from slipway.version import Version

PACKED = Path(__file__).parents[2] / "verify" / "hello-1.2.3-windows-amd64-complete.msi"
PROGRAMS = ("hello.exe", "hello-server.exe")
SERVICE = b"MZ StartServiceCtrlDispatcherA"
Stage = Callable[..., Contents]


def plan(root: Path, rules: MsiRules | None = None, version: Version | None = None) -> tuple[Step, ...]:
    project = sample.project(root / "project", msi=rules or MsiRules())
    return plan_msis(sample.release(root, project=project, version=version or Version("1.2.3")))


@pytest.mark.req("S0-5", "S0-35")
def test_a_package_for_every_variant_and_scope(tmp_path: Path) -> None:
    steps = plan(tmp_path, MsiRules(scopes=("machine", "user")))
    assert [(step.key, step.outputs[0].name) for step in steps] == [
        ("windows-amd64-complete.msi", "hello-1.2.3-windows-amd64-complete.msi"),
        ("windows-amd64-complete.msi-user", "hello-1.2.3-windows-amd64-complete-user.msi"),
        ("windows-amd64-minimal.msi", "hello-1.2.3-windows-amd64-minimal.msi"),
        ("windows-amd64-minimal.msi-user", "hello-1.2.3-windows-amd64-minimal-user.msi"),
    ]
    assert {step.outputs[0].parent.name for step in steps} == {"binaries"}
    assert pickle.loads(pickle.dumps(steps)) == steps


def test_names_are_those_of_the_plan(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    assert msi_names(made) == tuple(step.outputs[0].name for step in plan_msis(made))


def test_only_those_who_want_it_get_it(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", packages=("deb",)))
    assert plan_msis(made) == ()
    assert len(plan_msis(replace(made, formats=("msi",)))) == 2


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any program."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    tools.find.cache_clear()
    yield
    tools.find.cache_clear()


@pytest.mark.usefixtures("bare")
def test_what_makes_packages_is_asked_for_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(GateError) as caught:
        require_needs(plan(tmp_path))
    assert "wixl is not installed" in caught.value.message
    assert "msitools is not installed" in caught.value.message
    assert "install" in str(caught.value.hint)
    assert "PACKAGE_FORMATS" in str(caught.value.hint)


def test_a_version_that_cannot_be_compared_is_refused_before_the_work(tmp_path: Path) -> None:
    need = plan(tmp_path, version=Version("2024.4.1"))[0].needs[-1]
    with pytest.raises(ConfigError, match="cannot hold the version 2024"):
        need()
    plan(tmp_path, MsiRules(version="24.4.1"), Version("2024.4.1"))[0].needs[-1]()


def test_two_names_that_are_one_for_windows(tmp_path: Path, stage_tree: Stage) -> None:
    refused(tmp_path, stage_tree, {"lib/Hello.txt": (0o644, b"1"), "lib/hello.txt": (0o644, b"2")}, "one name for Windows")


@pytest.mark.parametrize("name", ["lib/a:b", "lib/nul", "lib/dot.", "lib/a\nb", "lib/a|b", 'lib/"a"'])
def test_names_that_windows_cannot_hold(tmp_path: Path, stage_tree: Stage, name: str) -> None:
    refused(tmp_path, stage_tree, {name: (0o644, b"1")}, "cannot be packed")


def test_a_distribution_of_nothing(tmp_path: Path, stage_tree: Stage) -> None:
    refused(tmp_path, stage_tree, {}, "no files")


def refused(root: Path, stage_tree: Stage, tree: dict[str, tuple[int, bytes]], words: str) -> None:
    made, step = one(root)
    stage_tree(made, sample.cell(made, "windows-amd64-complete"), tree)
    with pytest.raises(VerificationError, match=words):
        step.run()
    assert not step.outputs[0].exists()


def one(root: Path) -> tuple[Release, Step]:
    made = sample.release(root)
    return made, plan_msis(made)[0]


@pytest.mark.parametrize("sizes", [(1 << 31,), (1 << 30, 1 << 30), (1,) * 32768], ids=["big", "together", "many"])
def test_what_a_cabinet_cannot_hold(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    made, step = one(tmp_path)
    cell = sample.cell(made, "windows-amd64-complete")
    files = tuple(File(path=f"lib/{at}", mode=0o644, size=size, sha256="", md5="") for at, size in enumerate(sizes))
    made.contents(cell).parent.mkdir(parents=True)
    listed = Contents(name=made.name_of(cell), platform=cell.platform.id, variant=cell.variant.name, files=files)
    made.contents(cell).write_bytes(listed.dump())
    with pytest.raises(VerificationError, match="holds at most"):
        step.run()


def test_an_icon_is_an_input(tmp_path: Path) -> None:
    step = plan(tmp_path, MsiRules(icon="hello.ico"))[0]
    assert tmp_path / "project/hello.ico" in step.inputs
    assert isinstance(step.run, PackMsi)


def test_times_and_the_package_code_are_those_of_the_contents(tmp_path: Path) -> None:
    found = []
    for name, epoch in (("one", sample.EPOCH), ("two", sample.EPOCH), ("later", sample.EPOCH + 86_400)):
        path = tmp_path / name
        path.write_bytes(PACKED.read_bytes())
        settle(path, epoch, "{68BE4D82-F339-598F-A39E-4B6F0FCFFC5B}")
        with path.open("rb") as file:
            found.append(summary(plain_names(streams(file))[SUMMARY]))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert found[0] == found[1]
    assert found[0][9] != found[2][9]
    assert int(found[2][12]) - int(found[0][12]) == 86_400 * 10_000_000
    assert found[0][1] == 65001 - 65536


def test_a_folder_that_cannot_be_written(tmp_path: Path, stage_tree: Stage) -> None:
    made, step = one(tmp_path)
    stage_tree(made, sample.cell(made, "windows-amd64-complete"), {f"bin/{name}": (0o755, SERVICE) for name in PROGRAMS})
    made.paths.packages.mkdir(parents=True)
    (made.paths.packages / "binaries").write_bytes(b"in the way")
    with pytest.raises(SlipwayError, match="cannot write"):
        step.run()
