"""Gates: each opens only for what it can prove, all of them are asked, and one error tells all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import forge_github
import git_remote
import keys
import packed
import pytest
from git_remote import git

import sample
from slipway.actions.retries import Retries
from slipway.components import CargoComponent, PythonComponent
from slipway.environments import GATE_NAMES, GATES, LOCAL, Credential, DirStore, Environment, GithubStore, Severity
from slipway.errors import GateError, TransientError, UsageError
from slipway.files import digest_file
from slipway.forges import Checks
from slipway.forges.kinds import open_forge
from slipway.manifest import Artifact, Manifest, load_record, record, record_path
from slipway.model import Paths, Release, TestRules
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.platforms import PLATFORMS
from slipway.release import gates, proof_gates
from slipway.release.evidence import TESTS, evidence_folder, record_evidence
from slipway.release.gates import CHECKS, Findings, ask_gates, parse_bypass, severities
from slipway.release.situation import Answer, Situation, failed, passed
from slipway.release.worktree import WorkTree
from slipway.rules import SignRules, Stamp
from slipway.verify.distribution import plan_tests
from slipway.verify.package import plan_package_validation
from slipway.version import Version

PRODUCTION = Environment(name="production", confirm="phrase")
ONCE = Retries(count=0)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return git_remote.remote(tmp_path / "origin.git")


@pytest.fixture
def now(tmp_path: Path, origin: Path) -> Situation:
    project = git_remote.project(tmp_path / "here", origin)
    project = replace(project, tests=replace(project.tests, unit=("true",)))
    release = replace(sample.release(tmp_path, project=project), paths=Paths.under(project.root), version=Version("2.1.0"))
    release = replace(release, platforms=project.platforms[:1], variants=project.variants[:1])
    return Situation(
        release=release,
        environment=PRODUCTION,
        commit=git(project.root, "rev-parse", "HEAD"),
        retries=ONCE,
        sleep=lambda _: None,
    )


def only(*asked: str, severity: Severity = "error") -> dict[str, Severity]:
    """The rules by which these gates alone are asked."""
    return {gate: severity if gate in asked else "off" for gate in GATE_NAMES}


def answer(situation: Situation, gate: str) -> Answer:
    """What a gate finds out."""
    named = replace(
        situation, environment=replace(situation.environment, gates={**dict.fromkeys(GATE_NAMES, "off"), gate: "error"})
    )
    (found,) = ask_gates(named).found
    return found.answer


def with_project(situation: Situation, **changes: Any) -> Situation:
    project = replace(situation.project, **changes)
    return replace(situation, release=replace(situation.release, project=project))


def with_rules(situation: Situation, **changes: Any) -> Situation:
    return with_project(situation, release=replace(situation.project.release, **changes))


def prove(situation: Situation) -> None:
    tree = WorkTree.of(situation.project, situation.release.paths)
    record_evidence(TESTS, tree, evidence_folder(situation.release.paths))


def root(situation: Situation) -> Path:
    return situation.project.root


class TestAsking:
    def test_every_gate_is_described_and_can_be_asked(self) -> None:
        assert set(CHECKS) == set(GATE_NAMES)
        assert all(gate.doc and gate.doc == gate.doc.strip() for gate in GATES)

    def test_the_manual_lists_them(self) -> None:
        manual = (Path(__file__).parents[3] / "docs" / "gates.md").read_text()
        rows = [f"| `{gate.name}` | {gate.doc} | {gate.free} | {gate.asked} | {gate.phrased} |" for gate in GATES]
        assert [line for line in manual.splitlines() if line.startswith("| `") and line.count("|") == 6] == rows

    @pytest.mark.parametrize(
        ("confirm", "gate", "expected"),
        [("none", "tests", "off"), ("yes", "audit", "warn"), ("phrase", "audit", "error"), ("none", "disk", "error")],
    )
    def test_how_much_a_gate_counts_follows_from_the_environment(self, confirm: Any, gate: str, expected: Severity) -> None:
        environment = Environment(name=LOCAL, confirm=confirm)
        assert severities(environment)[gate] == expected
        assert severities(replace(environment, gates={gate: "warn"}))[gate] == "warn"

    @pytest.mark.req("S1-23")
    def test_all_failures_are_told_at_once(self, now: Situation) -> None:
        (root(now) / "new").write_text("")
        found = ask_gates(now)
        with pytest.raises(GateError) as caught:
            found.conclude()
        for gate in ("clean", "tests", "test-dist", "validate-package", "notes"):
            assert f"\n  {gate}: " in caught.value.message
        assert caught.value.message.startswith("5 gates refuse the release:")
        assert caught.value.exit_code == 3 and "tests: run them: doit unit-tests" in (caught.value.hint or "")

    def test_what_counts_as_a_warning_stops_nothing(self, now: Situation, capsys: pytest.CaptureFixture[str]) -> None:
        situation = replace(now, environment=Environment(name="x", gates=only("notes", severity="warn")))
        found = ask_gates(situation)
        found.conclude()
        found.tell()
        assert "warning: notes: there are no release notes for 2.1.0" in capsys.readouterr().err

    def test_a_bypass_has_a_reason_and_is_told(self, now: Situation, capsys: pytest.CaptureFixture[str]) -> None:
        situation = replace(now, environment=Environment(name="x", gates=only("notes")))
        found = ask_gates(situation, {"notes": "they come later", "disk": "does not matter"})
        found.conclude()
        found.tell()
        assert found.bypassed == {"notes": "they come later (it had found: there are no release notes for 2.1.0)"}
        assert "passed by: they come later" in capsys.readouterr().err
        assert ask_gates(replace(situation, notes="Better."), {"notes": "they come later"}).bypassed == {}

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (["nots=x"], "did you mean notes"),
            (["notes"], "only passed by with a reason"),
            (["notes= "], "only passed by with a reason"),
            (["approvals=I am in a hurry"], "cannot be passed by"),
            (["tag-free=x"], "cannot be passed by"),
        ],
    )
    def test_bypasses_that_make_no_sense(self, given: list[str], says: str) -> None:
        with pytest.raises(UsageError, match=r".*") as caught:
            parse_bypass(given)
        assert says in str(caught.value)
        assert parse_bypass(["ci=a=b"]) == {"ci": "a=b"}

    def test_a_gate_that_cannot_find_out_stays_shut(self, now: Situation, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(_: Situation) -> Answer:
            raise TransientError("the server is away")

        monkeypatch.setattr(gates, "CHECKS", {**CHECKS, "notes": broken})
        found = answer(now, "notes")
        assert found.state == "unknown" and "the server is away" in found.text

    def test_what_there_is_nothing_to_ask_about_only_counts_when_the_gate_was_made_to_count(self, now: Situation) -> None:
        def refuses(environment: Environment) -> bool:
            return next(each.refuses for each in ask_gates(replace(now, environment=environment)).found if each.gate == "issues")

        assert not refuses(PRODUCTION)
        assert not refuses(replace(PRODUCTION, gates=severities(PRODUCTION)))
        assert refuses(replace(PRODUCTION, confirm="yes", gates={"issues": "error"}))

    def test_nobody_waits_for_ci_when_something_else_is_wrong(self, now: Situation) -> None:
        slept: list[float] = []
        clock = iter(range(0, 10_000, 60))
        situation = replace(now, forge=Hub(checks=Checks(pending=("build",))), sleep=slept.append, clock=lambda: next(clock))
        situation = replace(situation, environment=replace(PRODUCTION, gates=only("ci", "notes")))
        assert [each.gate for each in ask_gates(situation).found if each.refuses] == ["ci", "notes"] and slept == []
        assert [each.gate for each in ask_gates(replace(situation, notes="x")).found if each.refuses] == ["ci"] and slept


class TestGit:
    @pytest.mark.req("S1-29")
    def test_clean(self, now: Situation) -> None:
        assert answer(now, "clean").state == "passed"
        (root(now) / "packages").mkdir()
        (root(now) / ".gitignore").write_text("")
        found = answer(now, "clean")
        assert (found.state, found.text) == ("failed", "changed or new: .gitignore")
        git(root(now), "checkout", ".gitignore")
        git_remote.commit(root(now), "newer")
        assert "is checked out" in answer(now, "clean").text
        assert answer(replace(now, commit=""), "clean").state == "unknown"

    def test_outputs_in_the_tree_are_no_changes(self, now: Situation) -> None:
        git(root(now), "rm", "--quiet", ".gitignore")
        git(root(now), "commit", "--quiet", "--message", "x")
        (root(now) / "packages").mkdir()
        (root(now) / "packages" / "a.deb").write_text("")
        (root(now) / "www").mkdir()
        (root(now) / "www" / "install.sh").write_text("")
        bare = replace(now, commit=git(root(now), "rev-parse", "HEAD"))
        assert answer(bare, "clean").text == "changed or new: www/"
        local = Environment(name=LOCAL, stores=(DirStore(name="site", path="www"),))
        assert answer(with_project(bare, environments=(local,)), "clean").state == "passed"

    def test_a_folder_without_git(self, now: Situation, tmp_path: Path) -> None:
        project = sample.project(tmp_path / "plain")
        plain = with_project(now, root=project.root)
        assert {answer(plain, gate).state for gate in ("clean", "on-branch", "tag-free")} == {"unknown"}

    def test_tag_free(self, now: Situation, origin: Path) -> None:
        assert answer(now, "tag-free").text == "v2.1.0 is free"
        git(root(now), "tag", "--annotate", "--message", "x", "v2.1.0")
        git(root(now), "push", "--quiet", "origin", "v2.1.0")
        assert answer(now, "tag-free").text == "v2.1.0 is at this commit here and on origin"
        newer = replace(now, commit=git_remote.commit(root(now), "newer"))
        assert "v2.1.0 is here at" in answer(newer, "tag-free").text
        git(root(now), "tag", "--delete", "v2.1.0")
        assert "v2.1.0 is on origin at" in answer(newer, "tag-free").text
        local = replace(newer, environment=replace(PRODUCTION, tag="local"))
        assert answer(local, "tag-free").state == "passed"
        git(root(now), "remote", "set-url", "origin", str(origin / "nowhere"))
        assert answer(newer, "tag-free").state == "unknown"

    def test_on_branch(self, now: Situation, origin: Path, tmp_path: Path) -> None:
        assert answer(now, "on-branch").state == "passed"
        ahead = replace(now, commit=git_remote.commit(root(now), "ahead"))
        assert answer(ahead, "on-branch").state == "passed"
        git(root(now), "switch", "--quiet", "--create", "topic")
        topic = replace(now, commit=git_remote.commit(root(now), "topic"))
        assert "is not on main" in answer(topic, "on-branch").text
        assert answer(with_rules(topic, release_branch="topic"), "on-branch").state == "passed"
        there = git_remote.clone(origin, tmp_path / "there")
        git_remote.commit(there, "theirs")
        git(there, "push", "--quiet")
        assert "main on origin has commits" in answer(ahead, "on-branch").text
        assert answer(now, "on-branch").state == "passed"

    def test_on_branch_where_only_a_commit_is_checked_out(self, now: Situation, origin: Path, tmp_path: Path) -> None:
        there = git_remote.clone(origin, tmp_path / "there")
        git(there, "switch", "--quiet", "--detach")
        git(there, "branch", "--quiet", "--delete", "--force", "main")
        situation = with_project(now, root=there)
        assert answer(situation, "on-branch").state == "passed"
        assert answer(replace(situation, environment=Environment(name="x", tag="none")), "on-branch").state == "passed"

    def test_a_commit_beside_its_branch_belongs_to_it(self, now: Situation) -> None:
        git(root(now), "switch", "--quiet", "--detach")
        beside = replace(now, commit=git_remote.commit(root(now), "version.json", "{}"))
        assert answer(beside, "on-branch").state == "failed"
        stamped = with_rules(beside, flow="detached", stamps=(Stamp(file="version.json", text="{}"),))
        assert answer(stamped, "on-branch").state == "passed"

    def test_a_shallow_history_cannot_tell(self, now: Situation, origin: Path, tmp_path: Path) -> None:
        git_remote.commit(root(now), "second")
        git(root(now), "push", "--quiet")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "shallow")
        assert "unshallow" in answer(with_project(now, root=tmp_path / "shallow"), "on-branch").hint


class TestProofs:
    @pytest.mark.req("S0-49")
    def test_tests_have_to_have_passed_for_this_commit(self, now: Situation) -> None:
        assert answer(now, "tests").text == "nothing says that the tests have passed"
        prove(now)
        assert answer(now, "tests").state == "passed"
        newer = replace(now, commit=git_remote.commit(root(now), "newer"))
        assert f"passed for {now.commit[:12]}" in answer(newer, "tests").text
        (root(now) / "version.json").write_text("changed")
        prove(now)
        assert "were not those of the commit" in answer(newer, "tests").text
        (evidence_folder(now.release.paths) / "tests.json").write_text("{")
        assert answer(now, "tests").state == "unknown"
        assert answer(with_project(now, tests=TestRules()), "tests").state == "absent"

    def packed(self, now: Situation) -> tuple[Release, dict[str, Artifact]]:
        """Two artifacts and their manifest."""
        packages, cell = now.release.paths.packages, now.release.cells[0]
        packages.mkdir()
        found = {}
        for name, kind in ((f"{now.release.name_of(cell)}.tar.gz", "archive"), ("install.sh", "installer")):
            (packages / name).write_text(name)
            found[kind] = Artifact(
                kind=kind,
                name=name,
                path=name,
                size=len(name),
                digests={"sha256": digest_file(packages / name)},
                media_type="",
                platform=cell.platform.id if kind == "archive" else "",
                variant=cell.variant.name if kind == "archive" else "",
            )
        manifest = Manifest(name="hello", version="2.1.0", epoch=0, artifacts=tuple(found.values()))
        (packages / "manifest.json").write_bytes(manifest.dump())
        return now.release, found

    def tried(self, release: Release, files: dict[str, str], levels: str = "basic integration complete", **more: Any) -> Path:
        name = release.name_of(release.cells[0])
        path = release.paths.state / "reports" / f"test-dist-{name}-{levels.replace(' ', '+')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        report = {"name": name, "files": files, "levels": levels.split(), "checks": [{"outcome": "passed"}], **more}
        path.write_text(json.dumps(report))
        return path

    def test_distributions_have_to_have_been_tried_as_they_are(self, now: Situation) -> None:
        assert answer(now, "test-dist").state == "unknown"
        release, made = self.packed(now)
        archive = made["archive"]
        fresh = {archive.path: archive.digests["sha256"]}
        assert "was not tried (basic, integration, complete)" in answer(now, "test-dist").text
        self.tried(release, fresh, "basic")
        assert "was not tried (integration, complete)" in answer(now, "test-dist").text
        whole = self.tried(release, fresh, "integration complete")
        assert answer(now, "test-dist").state == "passed"
        whole.unlink()
        for files in ({}, {archive.path: "0" * 64}, {**fresh, "install.sh": "0" * 64}):
            self.tried(release, files)
            assert "is not what lies there now" in answer(now, "test-dist").text
        self.tried(release, fresh, checks=[{"outcome": "failed"}])
        assert answer(now, "test-dist").state == "failed"
        self.tried(release, fresh).write_text("[")
        assert answer(now, "test-dist").state == "unknown"

    def test_packages_have_to_have_been_checked_as_they_are(self, now: Situation) -> None:
        assert answer(now, "validate-package").text == "the packages have not been checked"
        release, made = self.packed(now)
        path = release.paths.state / "reports" / "validate-packages.json"
        path.parent.mkdir(parents=True)
        rows = [{"path": each.path, "result": "passed", "sha256": each.digests["sha256"]} for each in made.values()]
        path.write_text(json.dumps({"result": "passed", "files": rows}))
        assert answer(now, "validate-package").state == "passed"
        path.write_text(json.dumps({"result": "passed", "files": rows[:1]}))
        assert "1 files are not those that were checked, such as install.sh" in answer(now, "validate-package").text
        path.write_text(json.dumps({"result": "failed", "files": [rows[0] | {"result": "failed"}]}))
        assert "found faults: hello-2.1.0" in answer(now, "validate-package").text

    @pytest.mark.req("S0-28", "S0-49")
    def test_the_reports_of_slipway_itself_are_proof_until_a_byte_changes(self, tmp_path: Path) -> None:
        made = packed.release(tmp_path)
        made = replace(made, platforms=(PLATFORMS["macos-arm64"],))
        steps = plan_archives(made)
        for cell in made.cells:
            sample.stage(made, cell)
        for step in (*steps, plan_checksums(made, "all", steps), *plan_tests(made), *plan_package_validation(made)):
            step.run()
        situation = Situation(release=made, environment=PRODUCTION, commit="", retries=ONCE)
        gates_asked = ("test-dist", "validate-package")
        assert {gate: answer(situation, gate).text for gate in gates_asked} == {
            "test-dist": "2 distributions were tried as they are",
            "validate-package": "2 files were checked as they are",
        }
        archive = next(made.paths.packages.glob("*.tar.gz"))
        archive.write_bytes(archive.read_bytes() + b"\0")
        place = record_path(made, archive.name)
        noted = load_record(place).artifact
        digests = {"sha256": digest_file(archive)}
        record(place, made.base, replace(noted, size=archive.stat().st_size, digests=digests))
        plan_checksums(made, "all", steps).run()
        assert {answer(situation, gate).state for gate in gates_asked} == {"failed"}

    @pytest.mark.parametrize(
        ("commands", "state"), [(("true", "exit 0"), "passed"), (("true", "echo RUSTSEC-1; exit 3"), "failed")]
    )
    def test_audits_that_the_project_names(self, now: Situation, commands: tuple[str, ...], state: str) -> None:
        found = answer(with_rules(now, audit=commands), "audit")
        assert found.state == state
        assert state == "passed" or "ends with 3: RUSTSEC-1" in found.text

    def test_audits_that_fit_the_project(self, now: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert answer(now, "audit").state == "absent"
        (root(now) / "crates" / "a").mkdir(parents=True)
        (root(now) / "Cargo.lock").write_text("")
        part = CargoComponent(name="a", path=root(now) / "crates" / "a", package="a", binaries=("a",))
        python = PythonComponent(name="b", path=root(now), script="b", requirements="requirements.txt")
        situation = with_project(now, components=(part, replace(part, name="c"), python))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert "cargo-audit is not installed" in answer(situation, "audit").text
        for name in ("cargo-audit", "pip-audit"):
            (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $@" >> {tmp_path}/calls\n')
            (tmp_path / name).chmod(0o755)
        assert answer(situation, "audit").state == "passed"
        lock, requirements = root(now) / "Cargo.lock", root(now) / "requirements.txt"
        assert (tmp_path / "calls").read_text().splitlines() == [
            f"cargo-audit audit --file {lock}",
            f"pip-audit --requirement {requirements}",
        ]


class Hub:
    """A forge that answers the same always."""

    def __init__(self, checks: Checks | None = None) -> None:
        self.found = checks or Checks()
        self.asked = 0

    def checks(self, commit: str) -> Checks:
        self.asked += 1
        return self.found

    def issues(self, label: str) -> tuple[Any, ...]:
        return ()

    def milestone(self, title: str) -> tuple[Any, ...]:
        return ()

    def tag_commit(self, tag: str) -> str:
        return ""


class TestForge:
    @pytest.fixture
    def hub(self) -> Iterator[forge_github.GitHub]:
        with forge_github.github() as fake:
            yield fake

    @pytest.fixture
    def there(self, now: Situation, hub: forge_github.GitHub) -> Situation:
        return replace(now, forge=open_forge("github", api=hub.api, repository=hub.repository, token=hub.token), wait=False)

    @pytest.mark.req("S1-24")
    def test_issues_that_block(self, there: Situation, hub: forge_github.GitHub) -> None:
        hub.issues = [{"number": 7, "title": "It burns", "labels": ["release-blocker"]}]
        assert answer(there, "issues").text == "1 issues with the label release-blocker are open: #7 It burns"
        assert answer(with_rules(there, blocker="other"), "issues").state == "passed"
        hub.issues[0]["state"] = "closed"
        assert answer(there, "issues").state == "passed"
        assert answer(replace(there, forge=None), "issues").state == "absent"

    @pytest.mark.req("S4-5")
    def test_milestones(self, there: Situation, hub: forge_github.GitHub) -> None:
        assert answer(there, "milestone").state == "unknown"
        hub.milestones = [{"title": "2.1.0"}]
        assert answer(there, "milestone").state == "passed"
        hub.issues = [{"number": n, "title": "x", "milestone": 1, "labels": []} for n in range(1, 6)]
        assert "5 items of the milestone 2.1.0 are open: #" in answer(there, "milestone").text
        assert "and 2 more" in answer(there, "milestone").text

    @pytest.mark.req("S4-6")
    @pytest.mark.parametrize(
        ("runs", "wanted", "state"),
        [
            ({"build": "success", "test": "success"}, (), "passed"),
            ({"build": "success", "test": ""}, (), "unknown"),
            ({"build": "success", "test": "failure"}, (), "failed"),
            ({}, (), "unknown"),
            ({"build": "success", "nightly": "failure"}, ("build",), "passed"),
            ({"build": "success"}, ("build", "test"), "unknown"),
            ({"build": "failure", "test": ""}, ("build", "test"), "failed"),
        ],
    )
    def test_ci(
        self, there: Situation, hub: forge_github.GitHub, runs: dict[str, str], wanted: tuple[str, ...], state: str
    ) -> None:
        hub.check_runs = {there.commit: runs}
        assert answer(with_rules(there, ci_checks=wanted), "ci").state == state

    def test_ci_is_waited_for_until_it_has_ended(self, now: Situation) -> None:
        hub, time = Hub(Checks(pending=("build",))), [0.0]

        def sleep(seconds: float) -> None:
            time[0] += seconds
            if hub.asked == 4:
                hub.found = Checks(passed=("build",))

        waiting = replace(now, forge=hub, sleep=sleep, clock=lambda: time[0])
        assert answer(waiting, "ci").state == "passed" and hub.asked == 5
        hub.found, hub.asked = Checks(pending=("build",)), 5
        assert answer(with_rules(waiting, ci_patience=1), "ci").text == f"CI has not ended for {now.commit[:12]}: build"
        assert hub.asked == 9


class TestReady:
    @pytest.mark.parametrize(
        ("notes", "state"), [("", "failed"), ("# 2.1.0\n\n## Changes\n", "failed"), ("# 2\nBetter.", "passed")]
    )
    def test_notes(self, now: Situation, notes: str, state: str) -> None:
        assert answer(replace(now, notes=notes), "notes").state == state

    @pytest.mark.req("S3-3")
    def test_disk(self, now: Situation) -> None:
        assert answer(now, "disk").state == "passed"
        found = answer(with_rules(now, disk=10**9), "disk")
        assert found.state == "failed" and "1000000000 are wanted" in found.text

    def test_keys_of_tags_have_to_sign(self, now: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert answer(now, "keys").state == "passed"
        public, secret = keys.ssh(tmp_path)
        signing = with_project(now, sign=SignRules(ssh=public, ssh_file=str(secret)))
        assert answer(signing, "keys").state == "unknown"
        monkeypatch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)
        assert answer(signing, "keys").state == "passed"

    def test_certificates_and_logins_that_end(self, now: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "5")
        keys.say(*words, "-keyout", tmp_path / "key", "-out", tmp_path / "crt")
        situation = with_project(now, sign=SignRules(authenticode=str(tmp_path / "crt")))
        assert "ends within 14 days" in answer(situation, "keys").text
        assert answer(with_rules(situation, key_days=3), "keys").state == "passed"
        store = GithubStore(name="hub", repository="a/b", credential=Credential(env="HUB_TOKEN"))
        situation = replace(now, environment=replace(PRODUCTION, stores=(store,)))
        assert "hub: there is no login: HUB_TOKEN is not set" in answer(situation, "keys").text


def test_answers_are_plain() -> None:
    assert passed("x").hint == "" and failed("x", "y").hint == "y"
    assert Findings(()).bypassed == {}
    assert proof_gates.test_dist.__doc__ and set(proof_gates.LEVELS) == {"basic", "integration", "complete"}
