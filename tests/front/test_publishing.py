"""Publishing a small project into the folder that every project has, and taking a release back, as users type it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest
from beside import free_port

import hello

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "plan.schema.json"
# What is published here is looked at through this address, where nobody else is.
URL = f"http://127.0.0.1:{free_port()}"
TOML = (
    hello.TOML.replace('"linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64"', '"linux-amd64"').replace(
        'packages = ["deb", "rpm", "freebsd", "pkg"]', "packages = []"
    )
    + f'[environment.local.store.site]\nurl = "{URL}"\n'
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose packages/ hold version 1.2.3."""
    folder = hello.write(tmp_path_factory.mktemp("publishing"), toml=TOML)
    done = hello.run(folder, "doit", "all")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of it that nobody has published from."""
    folder = tmp_path / "hello"
    subprocess.run(["cp", "-a", built, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def both(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with 1.2.3 and then 1.3.0 published."""
    folder = tmp_path_factory.mktemp("both") / "hello"
    subprocess.run(["cp", "-a", built, folder], check=True)
    for version in ("1.2.3", "1.3.0"):
        make(folder, version)
        done = slipway(folder, "publish", "--version", version)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def published(both: Path, tmp_path: Path) -> Path:
    """A copy of it, as on another machine: what it knows of the publications is what lies in the store."""
    folder = tmp_path / "hello"
    subprocess.run(["cp", "-a", both, folder], check=True)
    return folder


def make(folder: Path, version: str) -> None:
    done = hello.run(folder, "doit", "all", f"VERSION={version}")
    assert done.returncode == 0, done.stderr


def slipway(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return hello.run(folder, "slipway", *words)


def leads(folder: Path) -> str:
    return str((folder / "published" / "latest").readlink())


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its number and its time, which tell when anything was written."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in found}


@pytest.mark.req("S0-25", "S0-26")
def test_release_puts_everything_in_place_and_then_leads_there(project: Path) -> None:
    done = hello.run(project, "doit", "release")
    assert done.returncode == 0, done.stderr
    site = project / "published"
    manifest = json.loads((project / "packages" / "manifest.json").read_bytes())
    names = {path.name for path in (site / "v1.2.3").iterdir()}
    assert {each["name"] for each in manifest["artifacts"]} <= names
    assert {"SHA256SUMS", "manifest.json", "index.html", "release.json"} <= names
    assert leads(project) == "v1.2.3"
    assert URL in (site / "install.sh").read_text()
    assert (site / "index.html").read_bytes() == (site / "v1.2.3" / "index.html").read_bytes()
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=site / "v1.2.3", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.req("S0-41")
def test_what_is_published_is_not_touched_again(project: Path) -> None:
    assert slipway(project, "publish").returncode == 0
    before = tree(project / "published")
    for words in (("publish",), ("upload-artifacts",)):
        again = slipway(project, *words)
        assert (again.returncode, "nothing to do" in again.stderr) == (0, True), again.stderr
    assert tree(project / "published") == before


@pytest.mark.req("S0-75", "S2-2")
def test_a_dry_run_says_what_would_be_done_and_writes_nothing(project: Path) -> None:
    done = slipway(project, "publish", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "let latest in site lead to v1.2.3/" in done.stdout
    assert not (project / "published").exists()


def test_a_plan_is_data_with_a_digest(project: Path) -> None:
    plan = json.loads(slipway(project, "plan", "--json").stdout)
    jsonschema.validate(plan, json.loads(SCHEMA.read_bytes()))
    spoiled = {**plan, "actions": [{**plan["actions"][0], "key": ""}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoiled, json.loads(SCHEMA.read_bytes()))
    assert (plan["verb"], plan["product"], plan["version"], plan["environment"]) == ("publish", "hello", "1.2.3", "local")
    assert len(plan["digest"]) == 64
    phases = [action["phase"] for action in plan["actions"]]
    assert phases.index("point") > max(index for index, phase in enumerate(phases) if phase == "check")
    assert plan == json.loads(slipway(project, "plan", "--json").stdout)


@pytest.mark.req("S0-26")
def test_upload_artifacts_shows_nothing(project: Path) -> None:
    done = slipway(project, "upload-artifacts")
    assert done.returncode == 0, done.stderr
    assert (project / "published" / "v1.2.3" / "manifest.json").is_file()
    assert not os.path.lexists(project / "published" / "latest")


@pytest.mark.req("S2-4", "S4-27")
def test_an_older_version_does_not_take_the_place_of_a_newer_one(published: Path) -> None:
    make(published, "1.2.9")
    before = tree(published / "published").keys()
    done = slipway(published, "publish", "--version", "1.2.9")
    assert done.returncode == 3
    assert "leads to 1.3.0, which is newer than 1.2.9" in done.stderr
    # What it may have written are the lease, and that there was such a try.
    assert {Path(name).name for name in tree(published / "published").keys() - before} <= {"lease.json", "versions.json"}
    assert leads(published) == "v1.3.0"


@pytest.mark.req("S0-46")
def test_a_pre_release_is_nobodys_latest(project: Path) -> None:
    assert slipway(project, "publish").returncode == 0
    make(project, "1.3.0-rc.1")
    assert slipway(project, "publish", "--version", "1.3.0-rc.1").returncode == 0
    assert (project / "published" / "v1.3.0-rc.1" / "manifest.json").is_file()
    assert leads(project) == "v1.2.3"


def test_other_bytes_under_a_published_version_are_refused(project: Path) -> None:
    assert slipway(project, "publish").returncode == 0
    (project / "lib" / "greetings.txt").write_text("good night\n")
    make(project, "1.2.3")
    done = slipway(project, "publish")
    assert done.returncode in {3, 4}
    assert "with other bytes" in done.stderr


@pytest.mark.req("S0-44", "S0-62", "S0-63")
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("slipway", ("--from-version", "1.3.0", "--to-version", "1.2.3")),
        ("slipway", ("--version", "v1.3.0", "--target-version", "v1.2.3", "--reason", "regression")),
        ("slipway", ("--version", "1.3.0", "--emergency", "--security-issue", "--immediate-notify")),
        ("doit", ("--from-version", "1.3.0", "--to-version", "1.2.3")),
    ],
    ids=["from-to", "target", "emergency", "doit"],
)
def test_a_rollback_leads_everybody_back(published: Path, program: str, words: tuple[str, ...]) -> None:
    done = hello.run(published, program, "rollback-release", *words)
    assert done.returncode == 0, done.stderr
    assert leads(published) == "v1.2.3"
    assert "# Install hello 1.2.3:" in (published / "published" / "install.sh").read_text()
    notice = (published / "published" / "v1.3.0" / "WITHDRAWN.txt").read_text()
    assert "Use 1.2.3." in notice
    assert ("URGENT" in notice) == ("--emergency" in words)
    assert (published / "published" / "v1.3.0" / "manifest.json").is_file()


@pytest.mark.req("S0-64", "S0-65")
def test_a_rollback_goes_to_nothing_that_is_not_whole(published: Path) -> None:
    archive = next((published / "published" / "v1.2.3").glob("*.tar.gz"))
    archive.write_bytes(b"x" * archive.stat().st_size)
    done = slipway(published, "rollback-release", "--from-version", "1.3.0", "--to-version", "1.2.3", "--emergency")
    assert done.returncode == 4
    assert f"{archive.name} in site is not what was put there" in done.stderr
    assert leads(published) == "v1.3.0"
    assert not (published / "published" / "v1.3.0" / "WITHDRAWN.txt").exists()


@pytest.mark.req("S0-64")
def test_a_rollback_asks_whether_users_can_go_back(published: Path) -> None:
    check = 'test "$SLIPWAY_FROM $SLIPWAY_TO" != "1.3.0 1.2.3" || { echo 1.2.3 cannot read what 1.3.0 has written; exit 1; }'
    (published / "slipway.toml").write_text(f"{TOML}[release]\nrollback-checks = ['{check}']\n")
    words = ("rollback-release", "--from-version", "1.3.0", "--to-version", "1.2.3")
    done = slipway(published, *words)
    assert (done.returncode, "1.2.3 cannot read what 1.3.0 has written" in done.stderr) == (3, True), done.stderr
    assert leads(published) == "v1.3.0"
    assert slipway(published, *words, "--emergency").returncode == 0
    assert leads(published) == "v1.2.3"


@pytest.mark.req("S0-64")
def test_where_a_phrase_is_wanted_users_are_told_something(published: Path) -> None:
    (published / "slipway.toml").write_text(f'{TOML}[environment.local]\nconfirm = "phrase"\n')
    phrase = "I want to release 1.2.3 to local"
    words = ("rollback-release", "--from-version", "1.3.0", "--to-version", "1.2.3", "--confirm", phrase)
    done = slipway(published, *words)
    assert (done.returncode, "nobody has said what users of 1.3.0 are told" in done.stderr) == (3, True), done.stderr
    done = slipway(published, *words, "--notice", "It forgot names.")
    assert done.returncode == 0, done.stderr
    assert "It forgot names." in (published / "published" / "v1.3.0" / "WITHDRAWN.txt").read_text()


def test_a_withdrawn_version_is_not_published_again(published: Path) -> None:
    assert slipway(published, "rollback-release", "--from-version", "1.3.0").returncode == 0
    done = slipway(published, "publish", "--version", "1.3.0")
    assert done.returncode == 3
    assert "1.3.0 was withdrawn" in done.stderr
    assert leads(published) == "v1.2.3"


@pytest.mark.req("S0-27")
def test_status_says_where_the_pointers_lead_and_what_did_not_end(published: Path) -> None:
    done = slipway(published, "status")
    assert "latest in site leads to v1.3.0/" in done.stdout
    assert "1.3.0 published" in done.stdout


def test_a_pointer_that_is_not_ours_is_left_alone(project: Path) -> None:
    (project / "published").mkdir()
    (project / "published" / "latest").write_text("mine\n")
    done = slipway(project, "publish")
    assert done.returncode == 3
    assert "latest is there and is no symlink" in done.stderr
    assert not (project / "published" / "v1.2.3").exists()


def test_an_unknown_environment_is_an_error_of_usage(project: Path) -> None:
    done = slipway(project, "publish", "--environment", "lokal")
    assert (done.returncode, "did you mean local?" in done.stderr) == (2, True)


def test_what_is_not_made_is_not_published(project: Path) -> None:
    done = slipway(project, "publish", "--version", "9.9.9")
    assert done.returncode == 4
    assert "doit all VERSION=9.9.9" in done.stderr
