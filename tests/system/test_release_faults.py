"""Releases when things go wrong: stores that stumble, two maintainers at once, somebody who tampers, secrets to be kept.

A maintainer types the command again, and it ends well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from beside import free_port
from crash_driver import Answer, Driver
from fault_proxy import fault_proxy
from polling_client import Client
from release_sample import Machine, Sample
from release_scenes import BucketScene, ForgeScene, Scene, scene_of

pytestmark = pytest.mark.slow
# What a run may end with: done, a refusal, bytes that are not right, the network. Never a traceback.
CLEAN = (0, 1, 3, 4, 42)


@pytest.fixture(scope="module")
def drivers() -> Iterator[list[Driver]]:
    made = [Driver(), Driver()]
    yield made
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def driver(drivers: list[Driver]) -> Driver:
    return drivers[0]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    made = Sample(tmp_path_factory.mktemp("small") / "built", target="create-archives")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        made.build(version)
    return made


class Stage:
    """A place, a machine, and a driver."""

    def __init__(self, scene: Scene, sample: Sample, driver: Driver, home: Path) -> None:
        self.scene, self.sample, self.driver, self.home = scene, sample, driver, home
        self.machine = self.other("one")

    def other(self, name: str) -> Machine:
        return Machine(self.home / name, self.sample, self.scene.toml, self.scene.origin)

    def run(self, verb: str, version: str, *words: str, machine: Machine | None = None, **more: Any) -> Answer:
        there = machine or self.machine
        driver: Driver = more.pop("driver", self.driver)
        return driver.run(
            *(verb, "--version", version, "--environment", "trial", "--backoff-delay", "0", *words),
            cwd=there.checkout(version),
            env={**there.env, **self.scene.env, **more.pop("env", {})},
            **{"host": there.home.name, **more},
        )

    def publish(self, version: str, *words: str, **more: Any) -> Answer:
        answer = self.run("publish", version, *words, **more)
        assert answer.code == 0, answer.output
        return answer


@contextmanager
def staged(kind: str, sample: Sample, driver: Driver, tmp_path: Path, **more: Any) -> Iterator[Stage]:
    """A place of a kind where 1.0.0 is published."""
    with scene_of(kind, tmp_path / "scene", **more) as scene:
        stage = Stage(scene, sample, driver, tmp_path / "machines")
        stage.publish("1.0.0")
        scene.keep()
        yield stage


# One in a hundred calls fails.
def until_done(stage: Stage, first: Answer, **more: Any) -> Answer:
    """What a maintainer does after a run that did not end well: type it again."""
    answer = first
    for _ in range(4):
        if answer.code == 0 and "owed" not in answer.output:
            return answer
        answer = stage.run("resume", "1.1.0", **more)
        if answer.code == 3 and "is unfinished" in answer.output:
            answer = stage.run("publish", "1.1.0", **more)
    return answer


@pytest.mark.parametrize(("kind", "runs", "rate"), [("dir", 125, 0.01), ("dir", 20, 0.1)])
def test_stores_that_stumble_end_well_or_with_a_clean_refusal(
    kind: str, runs: int, rate: float, sample: Sample, drivers: list[Driver], tmp_path: Path
) -> None:
    ends: Counter[str] = Counter()

    def part(number: int) -> None:
        with staged(kind, sample, drivers[number], tmp_path / str(number)) as stage:
            stage.publish("1.1.0")
            end, declared = stage.scene.view(), stage.scene.declared()
            for seed in range(number, runs, 2):
                ends[_stumble(stage, end, declared, rate=rate, seed=seed)] += 1

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(part, (0, 1)))
    assert ends.total() == runs
    assert 0 < ends["again"] < runs or rate > 0.05, f"nothing went wrong, or nothing ended at once: {ends}"


def _stumble(stage: Stage, end: dict[str, str], declared: dict[str, dict[str, str]], **how: Any) -> str:
    """One publication that stumbles; says whether it ended well at once, or after it was typed again."""
    stage.scene.set_back()
    shutil.rmtree(stage.machine.home / "state")
    client = Client(stage.scene.look(declared))
    with client.polling():
        first = stage.run("publish", "1.1.0", **how)
        assert first.code in CLEAN, first.output
        if first.code:
            assert "error: " in first.output
            assert "Traceback" not in first.output
        last = until_done(stage, first)
    told = f"{how}\n{first.output}\n---\n{last.output}"
    assert last.code == 0, told
    assert client.complaints == [], told
    assert stage.scene.view() == end, told
    return "at once" if first.code == 0 else "again"


def test_a_bucket_behind_a_bad_line_ends_well(sample: Sample, driver: Driver, tmp_path: Path) -> None:
    with staged("s3", sample, driver, tmp_path) as stage:
        assert isinstance(stage.scene, BucketScene)
        stage.publish("1.1.0")
        end, declared = stage.scene.view(), stage.scene.declared()
        struck = 0
        with fault_proxy(stage.scene.server.endpoint) as proxy:
            stage.scene.endpoint = proxy.url
            stage.machine = stage.other("two")
            stage.machine.checkout("1.1.0")
            (stage.machine.home / "state").mkdir()
            for seed in range(30):
                proxy.rate, proxy.seed = 0.01, seed
                proxy.forget()
                _stumble(stage, end, declared)
                struck += len(proxy.faults)
        assert struck > 10


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_a_forge_that_stumbles_ends_well(kind: str, sample: Sample, driver: Driver, tmp_path: Path) -> None:
    with staged(kind, sample, driver, tmp_path) as stage:
        assert isinstance(stage.scene, ForgeScene)
        stage.publish("1.1.0")
        end, declared = stage.scene.view(), stage.scene.declared()
        fake = stage.scene.fake
        before = len(fake.calls)
        for seed in range(15):
            shutil.rmtree(stage.machine.home)
            stage.machine.checkout("1.1.0")
            (stage.machine.home / "state").mkdir()
            fake.at_random(0.01, seed)
            _stumble(stage, end, declared)
        fake.at_random(0.0, 0)
        assert any(call.status in (0, 502) for call in fake.calls[before:]), "nothing went wrong: the test proves nothing"


# What may fail.
def test_an_optional_store_that_is_dead_does_not_stop_a_release(sample: Sample, driver: Driver, tmp_path: Path) -> None:
    with staged("dir", sample, driver, tmp_path) as stage:
        mirror = f"""[store.mirror]
kind = "s3"
bucket = "mirror"
endpoint = "http://127.0.0.1:{free_port()}"
region = "us-east-1"
"""
        toml = stage.scene.toml.replace('stores = ["there"]', 'stores = ["mirror", "there"]\noptional = ["mirror"]')
        machine = Machine(tmp_path / "machines" / "two", sample, f"{mirror}\n{toml}")
        keys = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
        for verb in ("publish", "resume"):
            done = stage.run(verb, "1.1.0", "--retry-count", "1", machine=machine, env=keys)
            assert done.code == 0, done.output
            assert "slipway resume" in done.output
            assert stage.scene.view()["latest"] == "-> v1.1.0"
        owed = [each for each in machine.journal() if each["event"] == "owed"]
        assert {each["action"].split("/")[1] for each in owed} == {"mirror"}


# Two at once.
@pytest.mark.parametrize("kind", ["dir", "s3", "ssh", "github"])
def test_of_two_releases_at_once_one_waits(kind: str, sample: Sample, drivers: list[Driver], tmp_path: Path) -> None:
    with staged(kind, sample, drivers[0], tmp_path) as stage, ThreadPoolExecutor(1) as pool:
        mark = tmp_path / "mark"
        first = pool.submit(stage.publish, "1.1.0", pause=str(mark), pause_after=9)
        _until(mark.exists)
        other = stage.other("two")
        second = stage.run("publish", "1.2.0", machine=other, driver=drivers[1])
        assert second.code == 3, second.output
        who = r"somebody@one is publishing 1\.1\.0 \(process \d+\) and holds the lease until \d\d:\d\d:\d\d UTC"
        assert re.search(who, second.output), second.output
        assert "--take-lease" in second.output
        assert not [call for call in second.writes if "lease.json" not in call]
        assert not [name for name in stage.scene.view() if name.startswith("v1.2.0/")]
        mark.unlink()
        assert first.result().code == 0
        assert {"v1.0.0", "v1.1.0"} == set(stage.scene.declared())
        stage.publish("1.2.0", machine=other, driver=drivers[1])
        assert {"v1.0.0", "v1.1.0", "v1.2.0"} == set(stage.scene.declared())


def test_whoever_loses_the_lease_writes_nothing_more(sample: Sample, drivers: list[Driver], tmp_path: Path) -> None:
    with staged("dir", sample, drivers[0], tmp_path) as stage, ThreadPoolExecutor(1) as pool:
        mark = tmp_path / "mark"
        first = pool.submit(stage.run, "publish", "1.1.0", pause=str(mark), pause_after=9, look_often=True)
        _until(mark.exists)
        other = stage.other("two")
        stage.publish("1.2.0", "--take-lease", machine=other, driver=drivers[1])
        seen = stage.scene.view()
        mark.unlink()
        lost = first.result()
        assert lost.code == 3, lost.output
        assert "somebody@two has taken it for 1.2.0" in lost.output
        now = stage.scene.view()
        assert {name: said for name, said in now.items() if "v1.1.0/" not in name} == {
            name: said for name, said in seen.items() if "v1.1.0/" not in name
        }
        assert now["latest"] == "-> v1.2.0"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_done_and_lets_go_of_the_lease(
    how: signal.Signals, sample: Sample, driver: Driver, tmp_path: Path
) -> None:
    with staged("dir", sample, driver, tmp_path) as stage, ThreadPoolExecutor(1) as pool:
        mark = tmp_path / "mark"
        run = pool.submit(stage.run, "publish", "1.1.0", pause=str(mark), pause_after=9)
        _until(mark.exists)
        lease = tmp_path / "scene" / "site" / ".slipway" / "hello" / "trial" / "lease.json"
        os.kill(json.loads(lease.read_bytes())["pid"], how)
        time.sleep(0.2)
        mark.unlink()
        stopped = run.result()
        assert stopped.code == 130, stopped.output
        assert "interrupted" in stopped.output
        assert json.loads(lease.read_bytes())["released"]
        done = {each["action"] for each in stage.machine.journal() if each["event"] == "done" and "v1.1.0" in each["action"]}
        assert 0 < len(done) < 12
        other = stage.other("two")
        last = stage.run("resume", "1.1.0", machine=other)
        assert last.code == 0, last.output
        assert stage.scene.view()["latest"] == "-> v1.1.0"


def _until(is_so: Any) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


# The order of versions.
@pytest.mark.req("S2-4")
@pytest.mark.parametrize("kind", ["dir", "s3", "github"])
def test_an_older_version_after_a_newer_one_is_refused_and_changes_nothing(
    kind: str, sample: Sample, driver: Driver, tmp_path: Path
) -> None:
    with staged(kind, sample, driver, tmp_path) as stage:
        stage.publish("1.2.0")
        before = stage.scene.view()
        for machine in (stage.machine, stage.other("two")):
            late = stage.run("publish", "1.1.0", machine=machine)
            assert late.code == 3, late.output
            assert "newer than" in late.output
            assert "1.2.0" in late.output
            assert late.writes == []
            assert "1.1.0" not in json.dumps(machine.journal())
        assert stage.scene.view() == before


# The journal.
@pytest.mark.parametrize("kind", ["dir", "s3", "github", "gitlab", "gitea", "ssh"])
def test_without_a_journal_what_is_there_is_found_and_nothing_is_written_twice(
    kind: str, sample: Sample, driver: Driver, tmp_path: Path
) -> None:
    with staged(kind, sample, driver, tmp_path) as stage:
        stage.publish("1.1.0")
        end = stage.scene.view()
        _forget_everything(stage)
        again = stage.publish("1.1.0", machine=stage.other("two"))
        assert again.made("put", "point", "unpoint", "open", "publish", "mark_latest") == []
        assert stage.scene.view() == end
        stage.scene.set_back()
        killed = stage.run("publish", "1.1.0", machine=stage.other("three"), kill=16, when="after")
        assert killed.code == -9, killed.output
        there = set(stage.scene.view()) if kind in ("dir", "s3", "ssh") else set()
        _forget_everything(stage)
        last = stage.publish("1.1.0", machine=stage.other("four"))
        assert stage.scene.view() == end
        assert not {call.rpartition(" ")[2] for call in last.made("put")} & there


def _forget_everything(stage: Stage) -> None:
    """Remove the journals of the place; its lease with them, since who holds it is long dead."""
    scene = stage.scene
    if isinstance(scene, BucketScene):
        for key in scene.client.list_objects_v2(Bucket=scene.BUCKET, Prefix=".slipway/hello/").get("Contents", ()):
            scene.client.delete_object(Bucket=scene.BUCKET, Key=key["Key"])
    elif isinstance(scene, ForgeScene):
        words = ["git", "for-each-ref", "--format=%(refname)", "refs/slipway"]
        listed = subprocess.run(words, cwd=scene.origin, check=True, capture_output=True, text=True)
        for ref in listed.stdout.split():
            subprocess.run(["git", "update-ref", "-d", ref], cwd=scene.origin, check=True)
    else:
        shutil.rmtree(scene.root / ".slipway" / "hello", ignore_errors=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("damage", [b"{\n", b'{"event": "done"}\n', b"\xff\xfe\n"])
def test_a_journal_that_somebody_has_edited_stops_before_anything_is_written(
    damage: bytes, sample: Sample, driver: Driver, tmp_path: Path
) -> None:
    with staged("dir", sample, driver, tmp_path) as stage:
        stage.run("publish", "1.1.0", kill=9)
        path = next((stage.machine.home / "state").rglob("1.1.0/journal.jsonl"))
        path.write_bytes(path.read_bytes() + damage)
        before = stage.scene.view()
        for verb in ("resume", "publish"):
            stopped = stage.run(verb, "1.1.0")
            assert stopped.code == 4, stopped.output
            assert "is no record of a journal" in stopped.output
            assert "move the file away" in stopped.output
        assert stage.scene.view() == before
        path.unlink()
        assert until_done(stage, stage.run("resume", "1.1.0")).code == 0
        assert stage.scene.view()["latest"] == "-> v1.1.0"


# Tampering.
@pytest.mark.parametrize("after", ["upload", "read-back"])
@pytest.mark.parametrize("kind", ["dir", "s3"])
def test_a_store_that_is_tampered_with_stops_before_the_pointers(
    kind: str, after: str, sample: Sample, driver: Driver, tmp_path: Path
) -> None:
    with staged(kind, sample, driver, tmp_path) as stage, ThreadPoolExecutor(1) as pool:
        before = {name: said for name, said in stage.scene.view().items() if "v1.1.0" not in name}
        mark = tmp_path / "mark"
        files = 6
        at = 1 + 2 * files * (1 if after == "upload" else 2)
        run = pool.submit(stage.run, "publish", "1.1.0", pause=str(mark), pause_after=at)
        _until(mark.exists)
        name = next(name for name in stage.scene.view() if name.startswith("v1.1.0/hello"))
        _tamper(stage.scene, name)
        mark.unlink()
        stopped = run.result()
        assert stopped.code == 4, stopped.output
        assert name in stopped.output
        assert {name: said for name, said in stage.scene.view().items() if "v1.1.0" not in name} == before
        again = stage.run("resume", "1.1.0")
        assert again.code in (3, 4), again.output
        assert {name: said for name, said in stage.scene.view().items() if "v1.1.0" not in name} == before


def _tamper(scene: Scene, name: str) -> None:
    if isinstance(scene, BucketScene):
        scene.client.put_object(Bucket=scene.BUCKET, Key=name, Body=b"tampered")
        return
    path: Path = scene.root / name  # type: ignore[attr-defined]
    stat = path.stat()
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


# Looking only.
@pytest.mark.req("S0-75")
def test_a_dry_run_asks_and_writes_nothing(sample: Sample, driver: Driver, tmp_path: Path) -> None:
    with staged("s3", sample, driver, tmp_path) as stage:
        assert isinstance(stage.scene, BucketScene)
        with fault_proxy(stage.scene.server.endpoint) as proxy:
            stage.scene.endpoint = proxy.url
            stage.machine = stage.other("two")
            for verb in ("publish", "upload-artifacts"):
                answer = stage.run(verb, "1.1.0", "--dry-run")
                assert answer.code == 0, answer.output
                assert answer.writes == []
            planned = stage.driver.run(
                *("plan", "--version", "1.1.0", "--environment", "trial"),
                cwd=stage.machine.checkout("1.1.0"),
                env={**stage.machine.env, **stage.scene.env},
            )
            assert planned.code == 0, planned.output
            assert "put v1.1.0/manifest.json into there" in planned.output
        assert len(proxy.seen) > 3
        assert [(each.method, each.path) for each in proxy.writes] == []
        assert stage.machine.journal() == []


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea", "ssh"])
def test_a_dry_run_writes_nothing_anywhere(kind: str, sample: Sample, driver: Driver, tmp_path: Path) -> None:
    with staged(kind, sample, driver, tmp_path) as stage:
        fake = getattr(stage.scene, "fake", None)
        before = stage.scene.view(), len(fake.writes()) if fake else 0
        answer = stage.run("publish", "1.1.0", "--dry-run")
        assert answer.code == 0, answer.output
        assert answer.writes == []
        assert (stage.scene.view(), len(fake.writes()) if fake else 0) == before
        assert "1.1.0" not in json.dumps(stage.machine.journal())


# Secrets.
@pytest.mark.parametrize("source", ["env", "file", "command"])
@pytest.mark.parametrize("how", ["well", "killed", "refused"])
def test_no_secret_gets_into_any_file_or_output(source: str, how: str, sample: Sample, driver: Driver, tmp_path: Path) -> None:
    """The token of a forge, wherever it comes from; and the key that the release was signed with."""
    with scene_of("github", tmp_path / "scene") as scene:
        assert isinstance(scene, ForgeScene)
        token = f"{source}-canary-5c0ffee1deadbeef"
        scene.fake.token = token if how != "refused" else "another"
        scene.env.pop("GITHUB_TOKEN")
        vault = tmp_path / "vault"
        vault.mkdir()
        (vault / "token").write_text(f"{token}\n")
        (vault / "token").chmod(0o600)
        said = {
            "env": '{ env = "HELLO_TOKEN" }',
            "file": f'{{ file = "{vault}/token" }}',
            "command": f'{{ command = ["cat", "{vault}/token"] }}',
        }[source]
        stage = Stage(scene, sample, driver, tmp_path / "machines")
        stage.machine = Machine(
            tmp_path / "machines" / "one",
            sample,
            scene.toml.replace("\n\n[environment", f"\ncredential = {said}\n\n[environment", 1),
            scene.origin,
        )
        assert "credential = " in stage.machine.toml
        env = {"HELLO_TOKEN": token} if source == "env" else {}
        more: dict[str, Any] = {"kill": 17, "when": "half"} if how == "killed" else {}
        answers = [stage.run("publish", "1.0.0", "--verbose", env=env, **more)]
        answers.append(stage.run("publish", "1.0.0", "--verbose", env={**env, "SLIPWAY_DEBUG": "0"}))
        assert answers[-1].code == (0 if how != "refused" else answers[0].code), answers[-1].output
        if how == "refused":
            assert answers[0].code != 0
        secret = (sample.root / "keys" / "minisign.key").read_text().splitlines()[-1]
        for answer in answers:
            assert token not in answer.output
            assert secret not in answer.output
        found = [path for path in _files(tmp_path / "machines", scene.state) if _holds(path, token, secret)]
        assert found == []


def _files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        yield from (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _holds(path: Path, *words: str) -> bool:
    import zlib

    data = path.read_bytes()
    if "objects" in path.parts:  # of git's
        try:
            data = zlib.decompress(data)
        except zlib.error:
            return False
    return any(word.encode() in data for word in words)
