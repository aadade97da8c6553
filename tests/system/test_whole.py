"""The whole way, as users go it: the sample platform from this checkout, and real projects that know nothing of slipway."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import hello

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
SAMPLE = CHECKOUT / "examples" / "provisioning"


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _run(folder: Path, *words: str, **environment: str) -> str:
    done = hello.run(folder, *words, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample platform, made for this machine."""
    folder = tmp_path_factory.mktemp("one") / "provisioning"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("target"))
    _run(folder, "slipway", "all", "PLATFORMS=linux-amd64")
    return folder


@pytest.mark.req("S0-2", "S0-5", "S0-8", "S0-14")
def test_the_sample_platform_is_made_once_and_then_there_is_nothing_to_do(built: Path) -> None:
    subprocess.run(["sha256sum", "-c", "--quiet", "packages/checksums.sha256"], cwd=built, check=True)
    assert "nothing to do" in _run(built, "slipway", "all", "PLATFORMS=linux-amd64")
    _run(built, "slipway", "validate-package", "packages")
    _run(built, "slipway", "validate-package", "dist")


@pytest.mark.req("S0-3", "S0-4")
def test_each_part_of_the_sample_goes_to_its_variants(built: Path) -> None:
    complete, minimal = (_tree(built / f"dist/provisioning-2.1.0-linux-amd64-{name}") for name in ("complete", "minimal"))
    assert minimal.items() < complete.items()
    assert {path for path in minimal if path.startswith("bin/")} == {"bin/provisioning", "bin/provisioning-orchestrator"}
    for place in ("lib/provisioning/core/", "etc/provisioning/", "share/provisioning/providers/local/"):
        assert any(path.startswith(place) for path in minimal), place
    for place in ("share/provisioning/clusters/", "share/provisioning/schemas/", "share/doc/provisioning/api/"):
        assert any(path.startswith(place) for path in complete), place
        assert not any(path.startswith(place) for path in minimal), place


def test_another_folder_and_another_time_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    other = tmp_path / "a longer way" / "to" / "provisioning"
    shutil.copytree(SAMPLE, other, ignore=shutil.ignore_patterns("target"))
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    _run(other, "slipway", "all", "PLATFORMS=linux-amd64", "PARALLEL=true", TZ="Asia/Tokyo", LANG="C")
    assert _tree(other / "packages") == _tree(built / "packages")


@pytest.mark.req("S0-24")
def test_installing_here_and_removing_leaves_this_machine_as_it_was(built: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".profile").write_text("# mine\n")
    prefix = f"PREFIX={tmp_path / 'tree'}"
    _run(built, "slipway", "install", prefix, HOME=str(home))
    said = subprocess.run([tmp_path / "tree/bin/provisioning", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "provisioning 2.1.0"
    _run(built, "slipway", "uninstall", prefix, HOME=str(home))
    assert not (tmp_path / "tree").exists()
    assert (home / ".profile").read_text() == "# mine\n"
    assert [path.name for path in home.iterdir()] == [".profile"]


@pytest.mark.req("S0-11", "S0-38", "S0-60")
def test_the_sample_passes_its_own_tests_in_clean_containers(built: Path) -> None:
    said = _run(built, "slipway", "test-dist", "PLATFORMS=linux-amd64")
    assert re.search(r"linux-amd64-complete: \d+ checks passed, tested in a clean container", said)
    assert "nothing to do" in _run(built, "slipway", "test-dist", "PLATFORMS=linux-amd64")


@pytest.mark.req("S0-23")
def test_ci_build_runs_cargo_test(built: Path) -> None:
    assert "test result: ok" in _run(built, "slipway", "ci-build", "PLATFORMS=linux-amd64")


@pytest.fixture(scope="module")
def crates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of two well-known programs, as the crate registry has them."""
    scratch = tmp_path_factory.mktemp("crates")
    (scratch / "src").mkdir()
    (scratch / "src/lib.rs").write_text("")
    (scratch / "Cargo.toml").write_text(
        '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n'
        '[dependencies]\nhyperfine = "=1.20.0"\nfd-find = "=10.5.0"\n'
    )
    subprocess.run(["cargo", "vendor", "--quiet", "vendor"], cwd=scratch, check=True, capture_output=True)
    return scratch / "vendor"


@pytest.mark.parametrize(("crate", "program"), [("hyperfine", "hyperfine"), ("fd-find", "fd")])
def test_a_real_project_needs_no_more_than_init(crates: Path, tmp_path: Path, crate: str, program: str) -> None:
    project = Path(shutil.copytree(crates / crate, tmp_path / crate))
    _run(project, "slipway", "init")
    (project / "dodo.py").write_text(hello.DODO)
    _run(project, "doit", "all", "PLATFORMS=host")
    prefix = tmp_path / "tree"
    subprocess.run(
        ["sh", project / "packages/installers/install.sh", "--prefix", prefix, "--no-modify-path", "--quiet"],
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    said = subprocess.run([prefix / "bin" / program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(program)
    assert "nothing to do" in _run(project, "doit", "all", "PLATFORMS=host")
