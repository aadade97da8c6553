"""Which files are signed, what the signatures are called, and where they are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

import sample
from slipway.errors import GateError
from slipway.flow import TARGETS, Flow
from slipway.manifest import Manifest
from slipway.model import Release
from slipway.packagers import planned_names
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.deb import plan_debs
from slipway.packagers.signatures import plan_signatures, signature_names
from slipway.platforms import PLATFORMS, host_platform
from slipway.request import Request
from slipway.rules import SignRules
from slipway.signing.openpgp import Gpg
from slipway.signing.signers import Usable, package_signer, windows_signer
from slipway.steps import Step, require_needs

KEY = "97F6EAD0786F0309DDEC74FABCD82BDAEC0C55DC"
MINISIGN = f"RW{'Q' * 54}"
SSH = f"ssh-ed25519 {'A' * 68} release"
ARCHIVE = "hello-1.2.3-linux-amd64-complete.tar.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Stands in for a key: its signatures say which file they are of."""

    suffixes: ClassVar = (".sig",)
    word: str = "stamp"

    def signatures(self, path: Path) -> Mapping[str, bytes]:
        return {".sig": f"{self.word} {path.name} {len(path.read_bytes())}".encode()}

    def require(self) -> None:
        pass


def release(root: Path, **rules: Any) -> Release:
    made: Release = sample.release(root, project=sample.project(root / "project", sign=SignRules(**rules), packages=("deb",)))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],), variants=made.variants[:1])
    for cell in made.cells:
        sample.stage(made, cell)
    return made


def packing(made: Release) -> tuple[Step, ...]:
    return (*plan_archives(made), *plan_debs(replace(made, project=replace(made.project, sign=SignRules()))))


@pytest.fixture
def stamped(monkeypatch: pytest.MonkeyPatch) -> Stamp:
    stamp = Stamp()
    monkeypatch.setattr("slipway.packagers.signatures.signers", lambda made: (stamp,) if made.project.sign.gpg else ())
    return stamp


@pytest.mark.req("S0-7", "S0-51")
def test_every_artifact_gets_the_signatures_of_every_key(tmp_path: Path) -> None:
    made = release(tmp_path, gpg=KEY, minisign=MINISIGN, ssh=SSH)
    steps = plan_signatures(made, packing(made))
    packages = made.paths.packages
    outputs = {path.relative_to(packages).as_posix() for step in steps for path in step.outputs if path.is_relative_to(packages)}
    names = (ARCHIVE, "binaries/hello_1.2.3_amd64.deb")
    assert outputs == {f"{name}{suffix}" for name in names for suffix in (".sig", ".asc", ".minisig", ".sshsig")}
    assert {step.key.partition(".")[0] for step in steps} == {"linux-amd64-complete"}
    assert {len(step.needs) for step in steps} == {3}


@pytest.mark.parametrize(
    ("what", "artifacts", "lists", "inside"),
    [
        ((), False, False, False),
        (("artifacts",), True, False, False),
        (("checksums",), False, True, False),
        (("packages",), False, False, True),
        (("checksums", "artifacts", "packages"), True, True, True),
    ],
)
def test_a_project_chooses_what_is_signed(
    tmp_path: Path, what: tuple[str, ...], artifacts: bool, lists: bool, inside: bool
) -> None:
    made = release(tmp_path, gpg=KEY, authenticode="chain.pem", what=what)
    packed = packing(made)
    assert bool(plan_signatures(made, packed)) is artifacts
    assert bool(plan_checksums(made, "all", packed).needs) is lists
    assert (package_signer(made) is not None) is inside
    assert (windows_signer(made) is not None) is inside


def test_whoever_asks_for_signatures_without_a_key_is_refused(tmp_path: Path) -> None:
    made = release(tmp_path)
    (step,) = plan_signatures(made, packing(made))
    with pytest.raises(GateError, match="names no key"):
        require_needs([step])
    with pytest.raises(GateError, match="names no key"):
        step.run()


def test_keys_are_those_of_the_project_s_folder(tmp_path: Path) -> None:
    made = release(tmp_path, gpg=KEY, gpg_file="keys/secret.asc")
    assert package_signer(made) == Gpg(key=KEY, epoch=made.epoch, file=str(made.project.root / "keys/secret.asc"))


@pytest.mark.req("S0-8")
def test_signatures_are_listed_where_a_list_can_know_them(tmp_path: Path, stamped: Stamp) -> None:
    made = release(tmp_path, gpg=KEY)
    packed = packing(made)
    steps = (*packed, *plan_signatures(made, packed))
    for step in (*steps, plan_checksums(made, "all", steps)):
        step.run()
    packages = made.paths.packages
    assert (packages / f"{ARCHIVE}.sig").read_text().startswith(f"{stamped.word} {ARCHIVE} ")
    listed = (packages / "SHA256SUMS").read_text()
    assert f"  {ARCHIVE}.sig\n" in listed
    assert "SUMS" not in listed
    assert (packages / "SHA256SUMS.sig").read_text() == f"stamp SHA256SUMS {len(listed)}"
    assert not (packages / "checksums.sha256.sig").exists()
    found = {each.name: each for each in Manifest.load(packages / "manifest.json").artifacts}
    assert {each.signs for each in found.values() if each.kind == "signature"} == {ARCHIVE, "hello_1.2.3_amd64.deb", "SHA256SUMS"}
    assert found["hello_1.2.3_amd64.deb.sig"].path == "binaries/hello_1.2.3_amd64.deb.sig"
    assert found[f"{ARCHIVE}.sig"].platform == "linux-amd64"


def test_signatures_of_a_key_that_is_no_longer_named_leave_the_lists(tmp_path: Path, stamped: Stamp) -> None:
    del stamped
    made = release(tmp_path, gpg=KEY)
    packed = packing(made)
    steps = (*packed, *plan_signatures(made, packed))
    for step in (*steps, plan_checksums(made, "all", steps)):
        step.run()
    plain = replace(made, project=replace(made.project, sign=SignRules()))
    names = {**planned_names(plain), **signature_names(plain, plan_signatures(plain, packed))}
    plan_checksums(plain, "all", packed, planned=names).run()
    assert not (made.paths.packages / "SHA256SUMS.sig").exists()
    assert "signature" not in {each.kind for each in Manifest.load(made.paths.packages / "manifest.json").artifacts}


def flow(made: Release) -> Flow:
    return Flow(Request(release=made, tested=made, rust_target=host_platform(), levels=(), prefix=""))


@pytest.mark.parametrize("name", ["all", "package-all", "create-archives", "package-binaries", "linux", "sign"])
def test_every_target_that_packs_signs_what_it_packs(tmp_path: Path, name: str) -> None:
    made = release(tmp_path, gpg=KEY)
    steps = flow(made).of(next(target for target in TARGETS if target.name == name))
    signed = {path for step in steps if step.stage == "sign" for path in step.inputs}
    packed = {path for step in steps if step.stage in {"create-archives", "package-binaries"} for path in step.outputs}
    files = {path for path in packed if path.is_relative_to(made.paths.packages)}
    assert files <= signed
    assert made.paths.packages / (ARCHIVE if name != "package-binaries" else "binaries/hello_1.2.3_amd64.deb") in signed
    assert steps[-1].key == "checksums"
    assert {path for step in steps if step.stage == "sign" for path in step.outputs if path.suffix == ".json"} <= set(
        steps[-1].inputs
    )


def test_nothing_is_signed_without_a_key(tmp_path: Path) -> None:
    steps = flow(release(tmp_path)).of(next(target for target in TARGETS if target.name == "all"))
    assert not [step for step in steps if step.stage == "sign"]


def test_whoever_asks_for_signatures_alone_hears_that_there_is_no_key(tmp_path: Path) -> None:
    steps = flow(release(tmp_path)).of(next(target for target in TARGETS if target.name == "sign"))
    assert "Sign what is packed" in {step.doc for step in steps}


def test_only_packages_that_are_asked_for_are_signed(tmp_path: Path) -> None:
    made = release(tmp_path, gpg=KEY)
    made = replace(made, formats=("rpm",), project=replace(made.project, packages=("deb", "rpm")))
    steps = flow(made).of(next(target for target in TARGETS if target.name == "sign"))
    suffixes = {step.inputs[0].suffix for step in steps if step.stage == "sign" and step.key != "checksums"}
    assert suffixes >= {".gz", ".rpm", ".sh"}
    assert ".deb" not in suffixes


@pytest.mark.req("S0-51")
def test_what_is_built_for_windows_needs_the_certificate(tmp_path: Path) -> None:
    made = release(tmp_path, authenticode="chain.pem")
    made = replace(made, platforms=(PLATFORMS["linux-amd64"], PLATFORMS["windows-amd64"]))
    needs = {step.key.partition(".")[0]: step.needs for step in flow(made).steps["compile-platform"]}
    certificate = windows_signer(made)
    assert certificate is not None
    assert Usable(certificate) in needs["windows-amd64"]
    assert Usable(certificate) not in needs["linux-amd64"]
