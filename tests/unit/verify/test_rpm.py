"""The reader of RPMs: it finds no fault in what slipway writes, and every damage."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.packagers.rpm import plan_rpms
from slipway.platforms import PLATFORMS
from slipway.rules import RpmRules
from slipway.verify.distribution import CheckDistribution, plan_tests
from slipway.verify.report import Report
from slipway.verify.rpm import rpm_faults
from slipway.verify.static import check_statically

Tree = dict[str, tuple[int, bytes]]
MANIFEST = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())


def packed(root: Path, tree: Tree | None = None, codec: str = "gzip") -> Release:
    project = sample.project(
        root / "project", rpm=RpmRules(compression=codec), variants=(sample.project(root / "project").variants[0],)
    )
    made = replace(sample.release(root, project=project), platforms=(PLATFORMS["linux-amd64"],))
    (cell,) = made.cells
    sample.stage(made, cell) if tree is None else lay_out(made, tree)
    (step,) = plan_rpms(made)
    step.run()
    return made


def lay_out(made: Release, tree: Tree) -> None:
    (cell,), files = made.cells, []
    for name, (mode, data) in sorted(tree.items()):
        path = made.staged(cell) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        files.append(File(path=name, mode=mode, size=len(data), sha256=sha256, md5=md5))
    contents = Contents(name=made.name_of(cell), platform=cell.platform.id, variant=cell.variant.name, files=tuple(files))
    made.contents(cell).parent.mkdir(parents=True, exist_ok=True)
    made.contents(cell).write_bytes(contents.dump())


def path_of(made: Release) -> Path:
    (step,) = plan_rpms(made)
    return step.outputs[0]


def contents_of(made: Release) -> Contents:
    return Contents.load(made.contents(made.cells[0]))


def faults(made: Release, *, contents: bool = True) -> list[str]:
    return found(path_of(made), contents_of(made) if contents else None, MANIFEST)


def found(path: Path, contents: Contents | None = None, manifest: Manifest | None = MANIFEST) -> list[str]:
    try:
        return list(rpm_faults(path, contents, manifest))
    except VerificationError as error:
        return [error.message]


@pytest.mark.req("S0-61")
@pytest.mark.parametrize("codec", ["gzip", "xz", "zstd"])
def test_what_slipway_packs_has_no_faults(tmp_path: Path, codec: str) -> None:
    made = packed(tmp_path, codec=codec)
    assert faults(made) == []
    assert found(path_of(made), None, None) == []


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)
PLACES = st.sampled_from(["share/hello/", "lib/hello/", "etc/hello/", "share/man/man1/", "share/doc/hello/", ""])
# What begins as a program has to be one.
BYTES = st.binary(max_size=40).map(lambda data: b"." + data)
TREES = st.dictionaries(
    st.tuples(PLACES, NAMES).map("".join),
    st.tuples(st.sampled_from([0o644, 0o755, 0o4755, 0o600]), BYTES),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(tree=TREES)
@example(tree={"LICENSE": (0o644, b"x"), "share/man/man1/a.1": (0o644, b""), "share/hello/" + "n" * 255: (0o755, b"")})
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, tree: Tree) -> None:
    made = packed(tmp_path_factory.mktemp("rpm"), tree)
    assert faults(made) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return path_of(packed(tmp_path_factory.mktemp("whole")))


def test_every_flipped_bit_is_found(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    path = tmp_path / whole.name
    for place in [*range(330), *range(330, len(data), 41)]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert found(path), f"a flipped bit in byte {place}"


def test_every_truncation_is_found(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    path = tmp_path / whole.name
    for size in [*range(0, 330, 3), *range(330, len(data), 31), len(data) - 1]:
        path.write_bytes(data[:size])
        assert found(path), f"cut off at {size}"
        assert found(path, None, None), f"cut off at {size}, by whomever it is"
    path.write_bytes(data + b"\0")
    assert found(path)


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300), start=st.integers(0, 6000))
def test_no_bytes_make_the_reader_stumble(whole: Path, tmp_path_factory: pytest.TempPathFactory, data: bytes, start: int) -> None:
    path = tmp_path_factory.mktemp("odd") / whole.name
    good = whole.read_bytes()
    # Odd bytes instead of an end that was longer.
    kept = good[: start % (len(good) - 301)]
    path.write_bytes(kept + data)
    assert found(path)


def test_a_package_of_another_name_or_version_is_a_fault(whole: Path, tmp_path: Path) -> None:
    other = tmp_path / "hullo-1.2.3-1.x86_64.rpm"
    other.write_bytes(whole.read_bytes())
    assert found(other) == ["its header calls it hello-1.2.3-1.x86_64.rpm"]
    assert found(other, None, None) == [], "somebody else may call a file as he likes"
    assert found(whole, None, replace(MANIFEST, version="1.2.4")) == ["its version is 1.2.3, not 1.2.4"]
    assert found(whole, None, replace(MANIFEST, epoch=1)) == ["the times in it are not the release's"]


def test_a_package_is_held_against_the_distribution(tmp_path: Path) -> None:
    made = packed(tmp_path)
    contents = contents_of(made)
    readme = next(file for file in contents.files if file.path == "README.md")
    for changed, fault in (
        (replace(readme, sha256="0" * 64), "README.md of the distribution is not in it"),
        (replace(readme, mode=0o755), "/usr/share/doc/hello/README.md has the mode 0644, not 0755"),
        (replace(readme, path="NEWS.md"), "NEWS.md of the distribution is not in it"),
    ):
        files = tuple(changed if file is readme else file for file in contents.files)
        assert fault in found(path_of(made), replace(contents, files=files))
    fewer = replace(contents, files=tuple(file for file in contents.files if file is not readme))
    assert found(path_of(made), fewer) == ["/usr/share/doc/hello/README.md is not among the distribution's files"]


def test_a_scriptlet_that_no_shell_reads_is_a_fault(tmp_path: Path) -> None:
    project = sample.project(tmp_path / "project")
    for name, text in (("post", "if true; then\n"), ("postun", "exit 0\n")):
        own = project.root / "templates" / "rpm" / f"{name}.j2"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(text)
    made = packed(tmp_path)
    assert [fault.split(":")[0] for fault in faults(made)] == ["a shell cannot read its %post"]


def test_a_package_whose_list_of_configuration_is_incomplete_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.packagers.rpm.items._flags", lambda path: 0)
    marked = "is not marked as what it is: configuration, a license or documentation"
    assert sum(fault.endswith(marked) for fault in faults(packed(tmp_path))) == 4


def test_a_test_of_the_distribution_reads_its_rpm(tmp_path: Path) -> None:
    made = packed(tmp_path)
    (step,) = plan_tests(made)
    assert isinstance(step.run, CheckDistribution)
    path, outcomes = path_of(made), []
    for data in (path.read_bytes(), path.read_bytes()[:-1]):
        path.write_bytes(data)
        report = Report(name="hello")
        check_statically(replace(step.run.subject, packages=(path,)), report)
        outcomes += [check.outcome for check in report.checks if check.name == f"package {path.name}"]
    assert outcomes == ["passed", "failed"]
