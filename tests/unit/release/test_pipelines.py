"""The pipelines of GitHub, GitLab and Jenkins: read back by readers of their formats, and compared with stored texts."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_groovy
import yaml
from golden_files import assert_golden

import sample
from slipway.components import CargoComponent, PythonComponent, TreeComponent
from slipway.config.load import load_project
from slipway.environments import Credential, Environment, GithubStore, S3Store
from slipway.errors import GateError, UsageError
from slipway.model import PlatformSettings, Project, VersionRule
from slipway.platforms import PLATFORMS
from slipway.release.pipelines import FILES, Tags, Wish, plan_pipelines, repository
from slipway.release.pipelines.machines import read_choices
from slipway.release.pipelines.stored import MARK, require_current, write
from slipway.rules import ReleaseRules, SignRules

EXAMPLE = Path(__file__).parents[3] / "examples/provisioning/slipway.toml"
TARGETS = ("ci-build", "ci-test")
TWO = {"platforms": (PLATFORMS["linux-amd64"], PLATFORMS["windows-amd64"]), "packages": ("deb", "msi")}


def rendered(project: Project, service: str, *, root: Path | None = None, **wish: Any) -> dict[str, str]:
    """The files of a service by their last name."""
    wanted = Wish(service=service, **{"targets": TARGETS, **wish})
    return {each.path.name: each.text for each in plan_pipelines(project, wanted, root=root or project.root)}


def github(project: Project, name: str, **wish: Any) -> dict[Any, Any]:
    """A workflow of GitHub as its YAML says it; `on` is read as true by YAML 1.1, and is put right."""
    found: dict[Any, Any] = yaml.safe_load(rendered(project, "github", **wish)[name])
    found["on"] = found.pop(True)
    return found


def gitlab(project: Project, **wish: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(rendered(project, "gitlab", **wish)[".gitlab-ci.yml"])
    return found


def rows(workflow: dict[Any, Any], job: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = workflow["jobs"][job]["strategy"]["matrix"]["include"]
    return found


def said(workflow: dict[Any, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, body in workflow["jobs"].items():
        yield from ((job, step) for step in body["steps"])


@pytest.fixture
def hello(tmp_path: Path) -> Project:
    return sample.project(tmp_path)


@pytest.fixture(scope="module")
def provisioning() -> Project:
    return load_project(EXAMPLE)


@pytest.mark.req("S0-67", "S0-68", "S0-69", "S0-70")
@pytest.mark.parametrize("service", FILES)
def test_what_is_written_is_what_was_read_by_people(service: str, provisioning: Project, tmp_path: Path) -> None:
    tiny = sample.project(
        tmp_path, **TWO, version=VersionRule(tag="{version}"), sign=SignRules(gpg="A" * 40, minisign="RW" + "x" * 54)
    )
    for name, project in (("provisioning", provisioning), ("tiny", tiny)):
        # The version of slipway changes more often than what is written for it.
        for file, text in rendered(project, service, requirement="slipway").items():
            assert_golden(f"ci-{name}-{file.removeprefix('.')}", text)


@pytest.mark.req("S0-67")
def test_github_builds_every_platform_by_its_name(provisioning: Project) -> None:
    build = github(provisioning, "build.yml")
    assert [row["platform"] for row in rows(build, "build")] == [row.id for row in provisioning.platforms]
    job = build["jobs"]["build"]
    assert job["env"] == {"PLATFORMS": "${{ matrix.platform }}"}
    assert job["runs-on"] == "${{ matrix.machine }}"
    assert build["on"] == {"push": {"branches": ["main"]}, "pull_request": {"branches": ["main"]}}
    assert build["env"]["VARIANTS"] == "complete,minimal"
    (kept,) = [step["with"] for _, step in said(build) if "upload-artifact" in step.get("uses", "")]
    assert (kept["name"], kept["path"]) == ("build-${{ matrix.platform }}", "dist/")
    assert "slipway ci-build" in [step.get("run") for _, step in said(build)]


@pytest.mark.req("S0-67")
def test_what_is_built_anywhere_is_tested_on_machines_that_are_the_platform(provisioning: Project) -> None:
    build = github(provisioning, "build.yml")
    assert {row["machine"] for row in rows(build, "build")} == {"ubuntu-24.04"}
    tested = {row["platform"]: row["machine"] for row in rows(build, "test")}
    assert tested == {"linux-amd64": "ubuntu-24.04", "linux-arm64": "ubuntu-24.04-arm"}


@pytest.mark.req("S0-68", "S4-26")
def test_github_releases_by_tag_in_the_order_of_the_stages(provisioning: Project) -> None:
    release = github(provisioning, "release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    runs = [step["run"] for job, step in said(release) if job == "release" and "VERSION=" in step.get("run", "")]
    assert runs == [f'slipway {target} "VERSION=$GITHUB_REF_NAME"' for target in ("ci-release", "ci-test", "release")]
    assert release["concurrency"] == {"group": "release", "cancel-in-progress": False, "queue": "max"}
    assert release["jobs"]["release"]["environment"] == "production"
    text = rendered(provisioning, "github", targets=(*TARGETS, "update-registry"))["release.yml"]
    assert 'slipway update-registry "VERSION=$GITHUB_REF_NAME"' in text
    assert "follows" not in text


@pytest.mark.parametrize("name", ["build.yml", "release.yml"])
def test_no_job_of_github_may_do_more_than_it_has_to(name: str, hello: Project) -> None:
    workflow = github(hello, name)
    assert workflow["permissions"] == {}
    may_write = {job for job, body in workflow["jobs"].items() if body["permissions"] != {"contents": "read"}}
    assert may_write == ({"release"} if name == "release.yml" else set())
    assert all(body["timeout-minutes"] <= 180 for body in workflow["jobs"].values())
    for job, step in said(workflow):
        if "checkout" in step.get("uses", ""):
            assert step["with"] == {"fetch-depth": 0, "persist-credentials": job == "release"}
        if "upload-artifact" in step.get("uses", ""):
            assert step["with"]["retention-days"] <= 90


def test_actions_are_named_by_commit_and_say_which_version_that_is(hello: Project) -> None:
    for text in rendered(hello, "github").values():
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert [line for line in uses if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_secrets_reach_only_the_steps_that_release(tmp_path: Path) -> None:
    project = sample.project(tmp_path, sign=SignRules(gpg="A" * 40, ssh="ssh-ed25519 AAAA"))
    names = [f"SLIPWAY_{kind}_{what}" for kind in ("GPG", "SSH") for what in ("KEY", "PASSPHRASE")]
    release = github(project, "release.yml")
    for job, step in said(release):
        given = {name for name in step.get("env", {}) if name.startswith("SLIPWAY_")}
        assert given == (set(names) if job == "release" and "VERSION=" in step.get("run", "") else set())
    # Where there are no keys nothing is signed, and nobody stops for it.
    assert github(project, "build.yml")["env"]["SIGN"] == release["jobs"]["programs"]["env"]["SIGN"] == "false"
    assert (gitlab(project)["variables"]["SIGN"], gitlab(project)["release"]["variables"]["SIGN"]) == ("false", "true")
    assert "secrets." not in rendered(project, "github")["build.yml"]
    jenkins = rendered(project, "jenkins")["Jenkinsfile"]
    assert [f"{name} = credentials('{name.lower().replace('_', '-')}')" in jenkins for name in names] == [True] * 4
    assert ", ".join(names) in rendered(project, "gitlab")[".gitlab-ci.yml"]


@pytest.mark.req("S0-69")
def test_gitlab_goes_through_its_stages_and_releases_tags_only(provisioning: Project) -> None:
    said = gitlab(provisioning)
    assert said["stages"] == ["build", "package", "test", "release"]
    assert said["build"]["artifacts"] == {"name": "build-$PLATFORMS", "paths": ["dist/"], "expire_in": "1 hour"}
    assert said["build"]["parallel"]["matrix"] == [{"PLATFORMS": [row.id for row in provisioning.platforms]}]
    assert said["package"]["artifacts"] == {"paths": ["packages/"], "expire_in": "1 day"}
    assert said["release"]["rules"] == [{"if": "$CI_COMMIT_TAG"}]
    assert said["release"]["script"][-1] == 'slipway cd-deploy "VERSION=$CI_COMMIT_TAG"'
    assert (said["release"]["resource_group"], said["release"]["interruptible"]) == ("release", False)
    assert said["variables"]["GIT_DEPTH"] == "0"
    assert {said[stage]["stage"] for stage in said["stages"]} == set(said["stages"])


def _live(root: Path, tag: str = "v{version}", **more: Any) -> Project:
    """A project that releases into an environment of its own, with a bucket and GitHub."""
    stores = (
        GithubStore(name="github", repository="hello/hello"),
        S3Store(name="cdn", bucket="hello", credential=Credential(env="CDN")),
        S3Store(name="old", bucket="hello", credential=Credential(profile="old")),
    )
    live = Environment(name="live", stores=stores, confirm="phrase", phrase='"{name}" {version} ({tag}) to {environment}, $5')
    local = Environment(name="local")
    rules = ReleaseRules(environment="live", branch="trunk")
    return sample.project(
        root, environments=(local, live), release=rules, version=VersionRule(tag=tag), **{"sign": SignRules(ssh="x"), **more}
    )


def test_a_release_goes_into_the_environment_of_the_project(tmp_path: Path) -> None:
    project = _live(tmp_path)
    release = github(project, "release.yml")
    job = release["jobs"]["release"]
    assert (job["environment"], job["env"]) == ("live", {"ENVIRONMENT": "live"})
    assert job["permissions"] == {"contents": "write", "checks": "read", "issues": "read", "statuses": "read"}
    steps = {step.get("run"): step.get("env", {}) for step in job["steps"]}
    given = steps['slipway release "VERSION=$GITHUB_REF_NAME"']
    logins = {"GITHUB_TOKEN": "${{ github.token }}"} | {
        name: f"${{{{ secrets.{name} }}}}" for name in ("CDN_ACCESS_KEY_ID", "CDN_SECRET_ACCESS_KEY")
    }
    assert logins.items() <= given.items()
    assert not logins.keys() & steps['slipway ci-release "VERSION=$GITHUB_REF_NAME"'].keys()
    assert github(project, "build.yml")["on"]["push"] == {"branches": ["trunk"]}
    said = gitlab(project)["release"]
    assert (said["environment"], said["variables"]["ENVIRONMENT"]) == ("live", "live")
    jenkins = rendered(project, "jenkins")["Jenkinsfile"]
    assert "ENVIRONMENT = 'live'" in jenkins
    assert "CDN_ACCESS_KEY_ID = credentials('cdn-access-key-id')" in jenkins
    with pytest.raises(UsageError, match=r"no environment 'lvie'[\s\S]*did you mean live"):
        rendered(project, "github", environment="lvie")


@pytest.mark.parametrize("tag", ["v{version}", "{version}", "hello-{version}-final", '$1}{version}"`'])
def test_what_an_environment_wants_to_hear_is_said(tag: str, tmp_path: Path) -> None:
    project, name = _live(tmp_path, tag), tag.replace("{version}", "2.1.0")
    wanted = f'"hello" 2.1.0 ({name}) to live, $5'
    (told,) = [step["run"] for _, step in said(github(project, "release.yml")) if step["name"] == "Confirm"]
    assert (
        _run(f'{told}\ncat "$GITHUB_ENV"', tmp_path, GITHUB_REF_NAME=name, GITHUB_ENV=str(tmp_path / "env"))
        == f"CONFIRM={wanted}"
    )
    (told,) = [line for line in gitlab(project)["release"]["script"] if "CONFIRM" in line]
    assert _run(f'{told}\necho "$CONFIRM"', tmp_path, CI_COMMIT_TAG=name) == wanted
    jenkins = scripts("jenkins", rendered(project, "jenkins")["Jenkinsfile"])[-1]
    told = jenkins[jenkins.index("tag=") : jenkins.index("slipway cd-deploy")]
    assert _run(f'{told}\necho "$CONFIRM"', tmp_path, TAG_NAME=name) == wanted


def _run(script: str, folder: Path, **variables: str) -> str:
    done = subprocess.run(["sh", "-euc", script], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def groovy(text: str) -> tree_sitter.Node:
    """A Jenkinsfile as a parser of Groovy reads it; what it cannot read fails the test."""
    root = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language())).parse(text.encode()).root_node
    broken = [node for node in walk(root) if node.type == "ERROR" or node.is_missing]
    assert broken == [], f"line {broken[0].start_point[0] + 1}"
    return root


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from walk(child)


@pytest.mark.req("S0-70")
def test_jenkins_builds_packs_and_releases(provisioning: Project) -> None:
    text = rendered(provisioning, "jenkins")["Jenkinsfile"]
    groovy(text)
    stages = re.findall(r"^ {8}stage\('(\w+)'\) \{\n(.*?)^ {8}\}$", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in stages] == ["Build", "Package", "Release"]
    body = dict(stages)
    assert [re.search(r"agent \{ label 'linux' \}", part) is not None for part in body.values()] == [True] * 3
    assert ["when {" in part for part in body.values()] == [False, False, True]
    assert 'slipway cd-deploy "VERSION=$TAG_NAME"' in body["Release"]
    assert f"PLATFORMS = '{','.join(row.id for row in provisioning.platforms)}'" in body["Build"]


# What each service makes of its pattern, by its own documentation.
def _by_github(pattern: str, tag: str) -> bool:
    """`*` is anything but a slash, `**` is anything; `[]` is a set, `\\` protects."""
    parts = re.findall(r"\\.|\[[^]]*\]|\*\*|\*|.", pattern)
    table = {"*": "[^/]*", "**": ".*"}
    regex = "".join(table.get(part, part if part[0] in "[\\" else re.escape(part)) for part in parts)
    return re.fullmatch(regex, tag) is not None


def _by_gitlab(rule: str, tag: str) -> bool:
    (regex,) = re.findall(r"=~ /(.*)/$", rule)
    return re.search(regex.replace("\\/", "/"), tag) is not None


def _by_jenkins(text: str, tag: str) -> bool:
    (glob, regex) = re.findall(r"^ +tag (?:'(.*)'|pattern: '(.*)', comparator: 'REGEXP')$", text, re.MULTILINE)[0]
    # Ant's `*` ends at a slash, too.
    return re.fullmatch(regex or re.escape(glob).replace("\\*", "[^/]*"), tag) is not None


@pytest.mark.req("S4-26")
@pytest.mark.parametrize(
    ("template", "wanted", "others"),
    [
        ("v{version}", ["v2.1.0", "v2.1.0-rc.1"], ["debian/2020.05-1", "2.1.0", "upstream/v2.1.0", "v2/1", "debian/v1"]),
        ("{version}", ["2.90.0", "2020.05", "2.90-beta.1"], ["debian/2020.05-1", "v2", "latest", "upstream/2020.05"]),
        ("release/{version}", ["release/1.0"], ["release/debian/1.0", "1.0", "debian/release/1.0"]),
        ("c++-{version}", ["c++-1.0"], ["ccc-1.0", "c-1.0", "debian/c++-1.0"]),
        ("baserock-{version}-final", ["baserock-15.1-final"], ["baserock-15.1", "debian/baserock-15.1-final"]),
    ],
)
def test_the_tags_of_packagers_release_nothing(template: str, wanted: list[str], others: list[str], tmp_path: Path) -> None:
    project = sample.project(tmp_path, version=VersionRule(tag=template))
    (pattern,) = github(project, "release.yml")["on"]["push"]["tags"]
    rule = gitlab(project)["workflow"]["rules"][-1]["if"]
    jenkins = rendered(project, "jenkins")["Jenkinsfile"]
    for tag in (*wanted, *others):
        verdicts = {_by_github(pattern, tag), _by_gitlab(rule, tag), _by_jenkins(jenkins, tag)}
        assert verdicts == {tag in wanted}, tag


def test_a_version_without_a_prefix_is_told_by_its_digit() -> None:
    assert (Tags("{version}").filter, Tags("{version}").regex) == ("[0-9]*", "[0-9][^/]*")


def _python(root: Path, **more: Any) -> PythonComponent:
    return PythonComponent(name="greet", path=root, script="greet", **more)


def test_a_python_program_is_made_on_the_machine_that_it_is_for(tmp_path: Path) -> None:
    platforms = tuple(PLATFORMS[name] for name in ("linux-amd64", "linux-arm64", "macos-arm64", "windows-amd64"))
    project = sample.project(tmp_path, components=(_python(tmp_path),), platforms=platforms)
    machines = {row["platform"]: row["machine"] for row in rows(github(project, "build.yml"), "build")}
    assert machines == {
        "linux-amd64": "ubuntu-24.04",
        "linux-arm64": "ubuntu-24.04-arm",
        "macos-arm64": "macos-15",
        "windows-amd64": "windows-2025",
    }
    with pytest.raises(UsageError, match=r"linux-arm64 cannot be built on Linux [\s\S]* --runner linux-arm64=NAME") as told:
        gitlab(project)
    assert "greet" in str(told.value)
    chosen = gitlab(project, machines={"linux-arm64": "arm", "macos-arm64": "mac", "windows-amd64": "win"})
    tags = {name: job["tags"] for name, job in chosen.items() if isinstance(job, dict) and job.get("tags")}
    assert tags == {"build:2": ["arm"], "build:3": ["mac"], "build:4": ["win"], "test:2": ["arm"]}


def test_a_program_that_is_a_folder_cannot_be_collected_from_several_machines(tmp_path: Path) -> None:
    platforms = (PLATFORMS["linux-amd64"], PLATFORMS["linux-arm64"])
    project = sample.project(tmp_path, components=(_python(tmp_path, form="onedir"),), platforms=platforms)
    with pytest.raises(UsageError, match=r"form = onedir.*[\s\S]*onefile"):
        github(project, "release.yml")
    alone = sample.project(tmp_path, components=(_python(tmp_path, form="onedir"),), platforms=platforms[:1])
    assert len(rows(github(alone, "release.yml"), "programs")) == 1


def test_cargo_alone_is_for_its_own_machine(tmp_path: Path) -> None:
    part = CargoComponent(name="hello", path=tmp_path, package="hello", binaries=("hello",))
    project = sample.project(tmp_path, components=(part,), settings={"macos-arm64": PlatformSettings(tool="cargo")})
    machines = {row["platform"]: row["machine"] for row in rows(github(project, "build.yml"), "build")}
    assert {name for name, machine in machines.items() if machine != "ubuntu-24.04"} == {"macos-arm64"}
    assert "mingw" in next(row for row in rows(github(project, "build.yml"), "build") if "windows" in row["platform"])["packages"]


def test_machines_can_be_chosen_for_platforms_and_families(hello: Project) -> None:
    chosen = read_choices(["macos=macos-15", "linux-arm64=my arm", "macos-amd64=macos-15-intel"], hello)
    assert chosen == {"macos-amd64": "macos-15-intel", "macos-arm64": "macos-15", "linux-arm64": "my arm"}
    release = github(hello, "release.yml", machines=chosen)
    assert {row["machine"]: row["platforms"] for row in rows(release, "programs")} == {
        "ubuntu-24.04": "linux-amd64,windows-amd64,freebsd-amd64",
        "my arm": "linux-arm64",
        "macos-15-intel": "macos-amd64",
        "macos-15": "macos-arm64",
    }
    command = rendered(hello, "github", machines=chosen)["release.yml"].splitlines()[0].removeprefix("# Made by: ")
    assert shlex.split(command)[3:] == [f"--runner={name}={machine}" for name, machine in chosen.items()]
    for wrong in ("linux-arm64", "linux-arm64="):
        with pytest.raises(UsageError, match="PLATFORM=NAME"):
            read_choices([wrong], hello)


def test_a_project_of_files_alone_hands_over_no_programs(tmp_path: Path) -> None:
    project = sample.project(tmp_path, components=(TreeComponent(name="docs", path=tmp_path, to="share"),), services=())
    assert set(github(project, "release.yml")["jobs"]) == {"release"}
    assert "SOURCE_DIR" not in "".join(text for name in FILES for text in rendered(project, name).values())
    groovy(rendered(project, "jenkins")["Jenkinsfile"])


def test_a_project_below_the_repository_is_built_there(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = sample.project(tmp_path / "tools/hello", file=tmp_path / "tools/hello/other.toml")
    root = repository(project)
    assert root == tmp_path
    build = yaml.safe_load(rendered(project, "github", root=root)["build.yml"])
    assert build["defaults"]["run"]["working-directory"] == "tools/hello"
    assert "slipway --project other.toml ci-build" in [step.get("run") for _, step in said(build)]
    assert yaml.safe_load(rendered(project, "gitlab", root=root)[".gitlab-ci.yml"])["build"]["artifacts"]["paths"] == [
        "tools/hello/dist/"
    ]
    assert "includes: 'tools/hello/dist/platform/**'" in rendered(project, "jenkins", root=root)["Jenkinsfile"]
    with pytest.raises(UsageError, match="--output-dir"):
        rendered(project, "github", root=tmp_path / "elsewhere")


@pytest.mark.parametrize("service", FILES)
def test_what_the_user_says_stays_one_word(service: str, hello: Project) -> None:
    odd = """slipway @ file:///it's "$HOME" \\ #1"""
    (text,) = [text for text in rendered(hello, service, requirement=odd).values() if "SLIPWAY" in text][:1]
    if service == "jenkins":
        groovy(text)
        assert r"""SLIPWAY = 'slipway @ file:///it\'s "$HOME" \\ #1'""" in text
    else:
        said = yaml.safe_load(text)
        assert (said.get("env") or said["variables"])["SLIPWAY"] == odd
    for wrong in ("a\nb", "${{ secrets.X }}"):
        with pytest.raises(UsageError, match="cannot stand in a pipeline"):
            rendered(hello, service, requirement=wrong)


@pytest.mark.parametrize("service", FILES)
def test_shell_lines_are_clean(service: str, tmp_path: Path) -> None:
    project = sample.project(tmp_path, sign=SignRules(gpg="A" * 40))
    for text in rendered(project, service, machines={"macos-arm64": "mac"}).values():
        for number, script in enumerate(scripts(service, text)):
            path = tmp_path / f"{number}.sh"
            path.write_text(f"#!/bin/{'bash' if service == 'github' else 'sh'}\n{script}\n")
            done = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def scripts(service: str, text: str) -> list[str]:
    """The scripts as a runner puts them together."""
    if service == "jenkins":
        (ready,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
        (taken,) = re.findall(r"shell\('''\n(.*?)'''", text, re.DOTALL)
        own = re.findall(r"shell '''\n(.*?)'''", text, re.DOTALL)
        lines = [long or short for long, short in re.findall(r" taken\((?:'''\n(.*?)'''|'(.*?)')\)", text, re.DOTALL)]
        assert own
        assert len(lines) == 2
        found = [ready + script for script in own] + [ready + taken + line for line in lines]
        # What stands between three quotes is read by Groovy first.
        return [re.sub(r"\\(.)", r"\1", script) for script in found]
    said = yaml.safe_load(text)
    if service == "github":
        runs = (step["run"] for body in said["jobs"].values() for step in body["steps"] if "run" in step)
        return [re.sub(r"\$\{\{ [\w.]+ \}\}", "word", run) for run in runs]
    before = said["default"]["before_script"]
    return ["\n".join((*before, *job["script"])) for job in said.values() if isinstance(job, dict) and "script" in job]


def plan(project: Project, **wish: Any) -> Any:
    return plan_pipelines(project, Wish(service="github", **{"targets": TARGETS, **wish}), root=project.root)


def test_files_are_written_once_and_then_current(hello: Project) -> None:
    with pytest.raises(GateError, match=r"build.yml is missing\n.*release.yml is missing\n  hint: slipway ci github writes"):
        require_current(plan(hello), hello.root)
    written = write(plan(hello), hello.root, force=False)
    assert [path.name for path in written] == ["build.yml", "release.yml"]
    assert write(plan(hello), hello.root, force=False) == ()
    assert [path.name for path in require_current(plan(hello), hello.root)] == ["build.yml", "release.yml"]


def test_a_project_that_changed_makes_its_files_stale(hello: Project) -> None:
    write(plan(hello), hello.root, force=False)
    fewer = sample.project(hello.root, platforms=hello.platforms[:1])
    with pytest.raises(GateError) as told:
        require_current(plan(fewer), hello.root)
    assert told.value.exit_code == 3
    assert ".github/workflows/build.yml is stale" in str(told.value)
    assert '    -          - platform: "linux-arm64"' in str(told.value)
    assert len(str(told.value).splitlines()) < 70
    assert len(write(plan(fewer), hello.root, force=False)) == 2


def test_what_was_changed_by_hand_is_left_alone(hello: Project) -> None:
    build, release = write(plan(hello), hello.root, force=False)
    edited = build.read_text().replace("timeout-minutes: 60", "timeout-minutes: 90")
    build.write_text(edited)
    release.unlink()
    with pytest.raises(GateError, match=r"^\.github/workflows/build.yml: changed by hand"):
        write(plan(hello), hello.root, force=False)
    assert (build.read_text(), release.exists()) == (edited, False)
    with pytest.raises(GateError, match=r"build.yml is changed by hand[\s\S]*slipway ci github --force"):
        require_current(plan(hello), hello.root)
    assert len(write(plan(hello), hello.root, force=True)) == 2
    assert require_current(plan(hello), hello.root) == (build, release)


@pytest.mark.parametrize("text", ["name: build\n", f"# {MARK}{'0' * 64}\nname: build\n", ""])
def test_the_file_of_somebody_else_is_left_alone(text: str, hello: Project) -> None:
    path = hello.root / ".github/workflows/build.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(GateError, match="left alone"):
        write(plan(hello), hello.root, force=False)
    assert path.read_text() == text


def test_a_project_can_pin_its_own_versions(hello: Project) -> None:
    pins = Path(__file__).parents[3] / "templates/ci/pins.j2"
    own = hello.root / "templates/ci/pins.j2"
    own.parent.mkdir(parents=True)
    own.write_text(
        re.sub(r'"checkout": \("[0-9a-f]{40}", "v[0-9.]+"\)', f'"checkout": ("{"1" * 40}", "v99.0.0")', pins.read_text())
    )
    assert f"uses: actions/checkout@{'1' * 40} # v99.0.0" in rendered(hello, "github")["build.yml"]
