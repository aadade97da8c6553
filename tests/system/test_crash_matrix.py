"""Publications that are killed at any record of their journal, on any kind of store: resuming ends as if nothing had happened.

Meanwhile a client looks every 10 ms and never sees a pointer to something absent, a release without a file that it declares, or
one without its signature.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from beside import free_port
from crash_driver import Answer, Driver
from polling_client import Client
from release_sample import Machine, Sample
from release_scenes import Scene, View, scene_of

pytestmark = pytest.mark.slow
OLD, NEW = "1.0.0", "1.1.0"
SIDE_BY_SIDE = ("stage", "read-back", "check")
# One of so many records is a place to be killed at: in phases whose Actions are done side by side and resemble each other, and in
# the others. EVERY_RECORD=1 tries them all, everywhere, which takes ten minutes.
STRIDES = {"dir": (1, 1), "s3": (4, 1), "github": (5, 1), "gitlab": (5, 2), "gitea": (5, 2), "ssh": (8, 2)}
if os.environ.get("EVERY_RECORD"):
    STRIDES = dict.fromkeys(STRIDES, (1, 1))


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A release with installers and pages."""
    return Sample(tmp_path_factory.mktemp("full") / "built")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A release with few files."""
    return Sample(tmp_path_factory.mktemp("small") / "built", target="create-archives")


@dataclass(frozen=True)
class Kill:
    """At which record of which phase a run is killed, and how; `elsewhere` goes on on another machine."""

    record: int
    when: str
    elsewhere: bool
    phase: str = ""


class Stage:
    """A place where 1.0.0 is published and 1.1.0 is to be, and what it looks like when that went well."""

    def __init__(self, scene: Scene, sample: Sample, driver: Driver, home: Path) -> None:
        self.scene, self.sample, self.driver, self.home = scene, sample, driver, home
        self.one = self.machine("one")
        self.require(self.run(self.one, "publish", OLD))
        scene.keep()
        self.start = scene.view()
        self.require(self.run(self.one, "publish", NEW))
        self.end, self.declared = scene.view(), scene.declared()
        self.records = [each for each in self.one.journal() if f"-{NEW}" not in each and self._is_new(each)]

    def _is_new(self, record: dict[str, str]) -> bool:
        return record["plan"] == self.one.journal()[-1]["plan"]

    def machine(self, name: str) -> Machine:
        return Machine(self.home / name, self.sample, self.scene.toml, self.scene.origin)

    def run(self, machine: Machine, verb: str, version: str, *words: str, **more: Any) -> Answer:
        return self.driver.run(
            *(verb, "--version", version, "--environment", "trial", "--backoff-delay", "0", *words),
            cwd=machine.checkout(version),
            env={**machine.env, **self.scene.env},
            host=machine.home.name,
            **more,
        )

    @staticmethod
    def require(answer: Answer) -> Answer:
        assert answer.code == 0, answer.output
        return answer

    def begin(self) -> Client:
        """Set everything back; what comes then is watched by the client."""
        self.scene.set_back()
        assert self.scene.view() == self.start
        shutil.rmtree(self.one.home)
        return Client(self.scene.look(self.declared))

    def kills(self, strides: tuple[int, int] = (1, 1)) -> Iterator[Kill]:
        """Records to be killed at: before, in the middle and after, and each on the same machine and on another by turns."""
        ways = itertools.product(("before", "after", "half", "after", "before"), (True, False))
        turns = itertools.cycle(ways)
        for number, record in enumerate(self.records, start=1):
            phase = record.get("action", "").partition("/")[0]
            if number % strides[phase not in SIDE_BY_SIDE] == 0:
                # Where nobody else is at work, what there is before a record and after it is seen both ways.
                for _ in range(2 if strides == (1, 1) and phase not in SIDE_BY_SIDE else 1):
                    when, elsewhere = next(turns)
                    yield Kill(number, when, elsewhere=elsewhere, phase=phase)

    def go_on(self, machine: Machine) -> tuple[Answer, list[Answer]]:
        """What a maintainer types: resume; publish where nothing had begun; and the lease of the dead is taken."""
        answers = []
        words: tuple[str, ...] = ()
        for verb in ("resume", "publish"):
            answers.append(self.run(machine, verb, NEW, *words))
            if answers[-1].code == 3 and "is publishing" in answers[-1].output:
                assert "somebody@one is publishing 1.1.0" in answers[-1].output
                assert machine.home.name != "one", "the lease of a process that is gone here is free"
                words = ("--take-lease",)
                answers.append(self.run(machine, verb, NEW, *words))
            if answers[-1].code == 3 and "is unfinished" in answers[-1].output:
                continue
            break
        return answers[-1], answers

    def check(self, kill: Kill, number: int) -> None:
        client, machine = self.begin(), self.one
        with client.polling():
            killed = self.run(self.one, "publish", NEW, kill=kill.record, when=kill.when)
            assert killed.code == -9, (kill, killed.output)
            seen = self.scene.view()
            if kill.elsewhere:
                machine = self.machine(f"other-{number}")
            last, answers = self.go_on(machine)
        told = f"{kill}\n" + "\n---\n".join(each.output for each in (killed, *answers))
        assert last.code == 0, told
        assert client.complaints == [], told
        assert _changed(self.end, self.scene.view()) == {}, told
        assert self._kept(seen), told
        assert client.looks > 1
        self._require_ended(machine, told)
        if machine is not self.one:
            shutil.rmtree(machine.home)

    def _kept(self, seen: View) -> bool:
        """Whether what was public when the run was killed is still there: nothing is taken away and done anew."""
        now = self.scene.view()
        return all(now.get(name) == said for name, said in seen.items() if "/" in name and "/." not in name)

    def _require_ended(self, machine: Machine, told: str) -> None:
        records = [each for each in machine.journal() if each["plan"] == machine.journal()[-1]["plan"]]
        assert records[-1]["event"] == "ended", told
        done = {each["action"] for each in machine.journal() if each["event"] == "done"}
        # What was done without a record that lived is found by looking; only having read something leaves no trace.
        wanted = {each["action"] for each in self.records if each["event"] == "done"}
        assert {each for each in wanted if each.startswith(("read-back", "check"))} <= done, told


def _changed(one: View, other: View) -> dict[str, tuple[str | None, str | None]]:
    return {name: (one.get(name), other.get(name)) for name in sorted({*one, *other}) if one.get(name) != other.get(name)}


def walk(stage: Stage, kills: list[Kill]) -> None:
    for number, kill in enumerate(kills):
        stage.check(kill, number)


@pytest.mark.parametrize("kind", ["dir", "s3", "github", "gitlab", "gitea", "ssh"])
def test_a_killed_publication_ends_like_one_that_was_not(
    kind: str, driver: Driver, full: Sample, small: Sample, tmp_path: Path
) -> None:
    with scene_of(kind, tmp_path / "scene") as scene:
        stage = Stage(scene, full if kind == "dir" else small, driver, tmp_path / "machines")
        kills = list(stage.kills(STRIDES[kind]))
        assert {kill.phase for kill in kills} >= {"", "stage", "read-back", "point"}
        assert {(kill.when, kill.elsewhere) for kill in kills} >= {(w, e) for w in ("before", "after") for e in (True, False)}
        walk(stage, kills)


def test_a_killed_check_of_what_the_public_gets_is_done_again(driver: Driver, small: Sample, tmp_path: Path) -> None:
    with scene_of("dir", tmp_path / "scene", url=f"http://127.0.0.1:{free_port()}") as scene:
        stage = Stage(scene, small, driver, tmp_path / "machines")
        kills = [each for each in stage.kills() if each.phase in ("check", "point")]
        assert len(kills) > 15
        walk(stage, [replace(each, elsewhere=bool(number % 2)) for number, each in enumerate(kills[::3])])


def test_two_kills_one_after_the_other_are_no_worse_than_one(driver: Driver, small: Sample, tmp_path: Path) -> None:
    with scene_of("dir", tmp_path / "scene") as scene:
        stage = Stage(scene, small, driver, tmp_path / "machines")
        for first in range(3, len(stage.records), 6):
            client = stage.begin()
            with client.polling():
                for verb, record in (("publish", first), ("resume", 2), ("resume", 3), ("resume", 1)):
                    killed = stage.run(stage.one, verb, NEW, kill=record, when="after")
                    assert killed.code == -9, killed.output
                stage.require(stage.go_on(stage.one)[0])
            assert (client.complaints, scene.view()) == ([], stage.end)


def test_a_killed_run_says_what_was_done_already(driver: Driver, small: Sample, tmp_path: Path) -> None:
    with scene_of("dir", tmp_path / "scene") as scene:
        stage = Stage(scene, small, driver, tmp_path / "machines")
        stage.begin()
        stage.run(stage.one, "publish", NEW, kill=len(stage.records) - 3, when="after")
        words = ("status", "ENVIRONMENT=trial", f"VERSION={NEW}")
        status = driver.run(*words, cwd=stage.one.checkout(NEW), env={**stage.one.env, **scene.env})
        assert f"{NEW} began and did not end: slipway resume --version {NEW}" in status.output, status.output
        said = stage.require(stage.go_on(stage.one)[0])
        assert "were done already" in said.output
        assert scene.view() == stage.end


@pytest.mark.parametrize("kind", ["dir", "github"])
def test_a_killed_rollback_is_typed_again(kind: str, driver: Driver, small: Sample, tmp_path: Path) -> None:
    with scene_of(kind, tmp_path / "scene") as scene:
        stage = Stage(scene, small, driver, tmp_path / "machines")
        scene.keep()
        machines = iter(range(1000))

        def roll_back(machine: Machine, *words: str, **more: Any) -> Answer:
            return driver.run(
                *("rollback-release", "--from-version", NEW, "--to-version", OLD, "--environment", "trial", "--emergency"),
                *("--backoff-delay", "0", "--reason", "regression", *words),
                cwd=machine.checkout(NEW),
                env={**machine.env, **scene.env},
                host=machine.home.name,
                **more,
            )

        before = len(stage.one.journal())
        stage.require(roll_back(stage.one))
        end, records = scene.view(), len(stage.one.journal()) - before
        assert end["latest"] == f"-> {f'v{OLD}'}"
        assert end != stage.end
        for number in range(1, records + 1, 1 if kind == "dir" else 3):
            scene.set_back()
            first = stage.machine(f"rolls-{next(machines)}")
            client = Client(scene.look(stage.declared))
            with client.polling():
                killed = roll_back(first, kill=number, when=("before", "after", "half")[number % 3])
                assert killed.code == -9, killed.output
                second = first if number % 2 else stage.machine(f"rolls-{next(machines)}")
                again = roll_back(second)
                if second is not first and again.code == 3 and "is publishing" in again.output:
                    again = roll_back(second, "--take-lease")
            told = f"{number}\n{killed.output}\n---\n{again.output}"
            assert again.code == 0, told
            assert client.complaints == [], told
            assert _changed(end, scene.view()) == {}, told
            for machine in {first.home, second.home}:
                shutil.rmtree(machine)
