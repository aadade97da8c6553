"""Going back from a bad release, and from servers that fail, by the commands that users type."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import git_hello
import pytest
from git_hello import commit, leads, make, slipway, tag, typed
from git_remote import git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with 1.2.3 tagged, a fix after it, and packages/ of 1.3.0."""
    folder = git_hello.write(tmp_path_factory.mktemp("creating") / "hello", toml=git_hello.RELEASING)
    tag(folder, "v1.2.3")
    commit(folder, "fix: answer quickly")
    make(folder, "1.3.0")
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of it that nobody has published from."""
    return git_hello.copy(built, tmp_path / "work")


@pytest.fixture(scope="module")
def both(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with 1.2.3 and then 1.3.0 published in staging and in production."""
    folder = git_hello.copy(built, tmp_path_factory.mktemp("both") / "work")
    for version in ("1.2.3", "1.3.0"):
        make(folder, version)
        for environment in ("staging", "production"):
            done = slipway(folder, "publish", "--version", version, "--environment", environment)
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def published(both: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return git_hello.copy(both, tmp_path / "work")


@pytest.mark.req("S0-40", "S0-63")
def test_a_release_may_take_the_place_of_a_bad_one(published: Path) -> None:
    make(published, "1.2.4")
    words = ("create-release", "--environment", "production", "--version", "1.2.4", "--auto-upload")
    assert slipway(published, *words).returncode == 3
    done = slipway(published, *words, "--rollback-from", "v1.3.0")
    assert done.returncode == 0, done.stderr
    assert leads(published, "site-production") == "v1.2.4"
    assert "1.3.0 was withdrawn" in (published / "site-production" / "v1.3.0" / "WITHDRAWN.txt").read_text()
    assert "It replaces 1.3.0, which was withdrawn." in (published / "site-production" / "v1.2.4" / "index.html").read_text()
    assert "1.3.0 withdrawn" in slipway(published, "status", "ENVIRONMENT=production").stdout


BACK = ("rollback-release", "--from-version", "1.3.0", "--to-version", "1.2.3", "--environment", "production")


@pytest.mark.req("S0-64", "S0-65", "S0-44")
def test_a_rollback_is_rehearsed_first(published: Path) -> None:
    refused = slipway(published, *BACK)
    assert (refused.returncode, "was not rehearsed in staging" in refused.stderr) == (3, True), refused.stderr
    assert slipway(published, *BACK, "--dry-run").returncode == 0
    dry = slipway(published, *BACK, "--dry-run", "--staging-environment")
    assert (dry.returncode, "in staging" in dry.stdout) == (0, True), dry.stderr
    assert slipway(published, *BACK).returncode == 3
    done = slipway(published, *BACK, "--staging-environment")
    assert done.returncode == 0, done.stderr
    assert (leads(published, "site-staging"), leads(published, "site-production")) == ("v1.2.3", "v1.3.0")
    done = slipway(published, *BACK)
    assert done.returncode == 0, done.stderr
    assert leads(published, "site-production") == "v1.2.3"


@pytest.mark.req("S0-64")
def test_an_emergency_does_without_the_rehearsal(published: Path) -> None:
    done = slipway(published, *BACK, "--emergency")
    assert done.returncode == 0, done.stderr
    assert leads(published, "site-production") == "v1.2.3"


AGAIN = (*BACK, "--reissue", "1.3.1")


@pytest.mark.req("S0-63")
def test_the_good_version_is_built_again_under_a_higher_one(published: Path) -> None:
    commit(published, "feat!: break it")
    (published / "README.md").write_text("# what nobody has committed\n")
    assert "would build 1.3.1 from v1.2.3" in slipway(published, *AGAIN, "--dry-run").stdout
    refused = slipway(published, *AGAIN)
    assert (refused.returncode, "was not rehearsed in staging" in refused.stderr) == (3, True), refused.stderr
    assert slipway(published, *AGAIN, "--staging-environment").returncode == 0
    code, said = typed(published, (*AGAIN, "--steps"), [("? [Y/n] ", "y"), ("? [Y/n] ", "n")])
    assert (code, leads(published, "site-production")) == (3, "v1.3.0"), said
    done = slipway(published, "resume", "--version", "1.3.1", "--environment", "production")
    assert done.returncode == 0, done.stderr
    site = published / "site-production"
    assert leads(published, "site-production") == "v1.3.1"
    assert "Use 1.3.1." in (site / "v1.3.0" / "WITHDRAWN.txt").read_text()
    page = (site / "v1.3.1" / "index.html").read_text()
    assert "It is 1.2.3 once more" in page
    assert "break it" not in page
    archive = site / "v1.3.1" / "hello-1.3.1-linux-amd64-complete.tar.gz"
    readme = subprocess.run(["tar", "-xzOf", archive, "--wildcards", "*/README.md"], capture_output=True, text=True, check=True)
    assert readme.stdout == "# hello\n"


@pytest.mark.req("S0-63", "S0-44")
@pytest.mark.parametrize("words", [(), ("--emergency",)])
def test_what_is_built_again_is_proven_again_unless_it_is_an_emergency(project: Path, words: tuple[str, ...]) -> None:
    done = slipway(project, *BACK[:-2], "--environment", "proven", "--reissue", "1.3.1", *words)
    assert done.returncode == 0, done.stderr
    assert leads(project, "site-proven") == "v1.3.1"
    shown = slipway(project, "status", "ENVIRONMENT=proven").stdout
    passed_by = set(re.findall(r"passed by: ([\w-]+): an emergency: critical-bug in 1.3.0", shown))
    assert passed_by == ({"tests", "validate-package"} if words else set())


def test_what_is_built_again_is_tagged_at_the_good_commit(project: Path) -> None:
    done = slipway(project, *BACK[:-2], "--environment", "code", "--reissue", "1.3.1")
    assert done.returncode == 0, done.stderr
    assert leads(project, "site-code") == "v1.3.1"
    for folder in (project, project.parent / "remote.git"):
        assert git(folder, "rev-parse", "v1.3.1^{commit}") == git(folder, "rev-parse", "v1.2.3^{commit}")
    assert slipway(project, "next-version").stdout == "1.3.2\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--reissue", "1.2.3"), 2, "1.2.3 is not higher than 1.2.3"),
        (("--to-version", "1.0.0", "--reissue", "1.3.1"), 3, "there is no tag v1.0.0"),
        (("--to-version", "1.3.0"), 2, "cannot be rolled back to itself"),
        (("--to-version", "0.9.0"), 3, "0.9.0 cannot be read from main"),
    ],
)
def test_a_rollback_that_makes_no_sense_is_refused(both: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = slipway(both, *BACK, *words, "--emergency")
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def without_packages(folder: Path) -> Path:
    subprocess.run(["rm", "-rf", folder / "packages", folder / "dist", folder / ".slipway"], check=True)
    return folder


@pytest.mark.req("S0-44", "S0-66")
@pytest.mark.parametrize("broken", ["no folder", "emptied"])
def test_when_the_server_fails_the_backup_takes_over(published: Path, broken: str) -> None:
    subprocess.run(["rm", "-rf", published / "site-production"], check=True)
    if broken == "no folder":
        (published / "site-production").write_text("no folder\n")
    make(published, "1.3.0")
    words = ("rollback-release", "--environment", "production", "--infrastructure-failover", "--to-version", "1.3.0")
    assert slipway(published, *words, "--dry-run").returncode == 0
    assert not (published / "site-spare" / "v1.3.0").exists()
    done = slipway(published, *words)
    assert done.returncode == 0, done.stderr
    spare = published / "site-spare"
    assert leads(published, "site-spare") == "v1.3.0"
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=spare / "v1.3.0", check=False)
    assert checked.returncode == 0
    assert not (published / "site-production" / "v1.3.0").exists()


@pytest.mark.req("S0-44", "S0-66")
@pytest.mark.parametrize("copied", [True, False])
def test_a_backup_that_was_failed_over_to_goes_back_too(published: Path, copied: bool) -> None:
    fill = ("rollback-release", "--environment", "production", "--mirror-sync", "--backup-registry", "--to-version")
    for version in ("1.2.3", "1.3.0")[0 if copied else 1 :]:
        assert slipway(published, *fill, version).returncode == 0
    assert leads(published, "site-spare") == "v1.3.0"
    done = slipway(published, *BACK, "--emergency")
    assert done.returncode == 0, done.stderr
    assert leads(published, "site-production") == "v1.2.3"
    assert (published / "site-spare" / "v1.3.0" / "WITHDRAWN.txt").is_file()
    assert (leads(published, "site-spare"), "the pointers of spare stay" in done.stderr) == (
        ("v1.2.3", False) if copied else ("v1.3.0", True)
    )
    again = slipway(published, *fill, "1.3.0")
    assert (again.returncode, "1.3.0 was withdrawn from main" in again.stderr) == (3, True), again.stderr


@pytest.mark.req("S0-66")
def test_a_store_that_lost_its_files_gets_them_from_another(published: Path) -> None:
    without_packages(published)
    sync = ("rollback-release", "--environment", "production", "--mirror-sync")
    done = slipway(published, *sync, "--backup-registry")
    assert done.returncode == 0, done.stderr
    spare, site = published / "site-spare", published / "site-production"
    assert leads(published, "site-spare") == "v1.3.0"
    names = {path.name for path in (site / "v1.3.0").iterdir()}
    assert names == {path.name for path in (spare / "v1.3.0").iterdir()}
    subprocess.run(["rm", "-rf", site / "v1.3.0"], check=True)
    done = slipway(published, *sync, "--to-version", "1.3.0")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (site / "v1.3.0").iterdir()} == names
    before = {path: path.lstat().st_ino for path in site.glob("v*/*")}
    assert slipway(published, *sync, "--to-version", "1.3.0").returncode == 0
    assert {path: path.lstat().st_ino for path in site.glob("v*/*")} == before


@pytest.mark.req("S0-66")
def test_a_release_that_is_whole_nowhere_is_copied_nowhere(published: Path) -> None:
    without_packages(published)
    next((published / "site-production" / "v1.3.0").glob("*.tar.gz")).unlink()
    done = slipway(published, "rollback-release", "--environment", "production", "--mirror-sync")
    assert (done.returncode, "1.3.0 is whole in no store of production" in done.stderr) == (3, True), done.stderr
    assert not (published / "site-spare" / "v1.3.0").exists()
    done = slipway(published, "rollback-release", "--environment", "staging", "--infrastructure-failover")
    assert (done.returncode, "staging has no backup stores" in done.stderr) == (3, True), done.stderr
