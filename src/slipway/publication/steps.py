"""The Steps behind the targets that publish, and the second half of `status`; what they need is loaded when they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from slipway import console
from slipway.environments import GATES, severity_of
from slipway.errors import SlipwayError
from slipway.git import Repository
from slipway.model import Release
from slipway.plain import ASIDE
from slipway.publication.wish import Wish
from slipway.release.evidence import TESTS, evidence_folder, read_evidence
from slipway.steps import Step

_TESTS: Final = next(gate for gate in GATES if gate.name == "tests")
# What the documented cd-deploy does besides, and slipway does not do yet.
LEFT_OUT: Final = ("update-registry", "notify-release")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Publish a release, or a part of that."""

    verb: str
    environment: str
    release: Release = field(metadata=ASIDE)
    wish: Wish = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Do it."""
        _VERBS[self.verb](self.release, self.environment, self.wish)

    def preview(self) -> None:
        """Print what it would do, and write nothing."""
        _VERBS[self.verb](self.release, self.environment, replace(self.wish, dry_run=True))


@dataclass(frozen=True, slots=True)
class SayLeftOut:
    """Say which of the documented parts of a deployment slipway does not do yet."""

    def __call__(self) -> None:
        """Say it."""
        console.say(f"left out, since slipway does not do it yet: {', '.join(LEFT_OUT)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPublished:
    """Print how the project's releases stand in an environment, or in all those that were published to."""

    environment: str
    release: Release = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Print."""
        from slipway.publication.standing import lines

        for line in lines(self.release, self.environment):
            console.out(line)


def plan_publishing(release: Release, environment: str, wish: Wish) -> tuple[Step, ...]:
    """The Steps of release, release-draft and upload-artifacts."""
    return tuple(
        Step(
            stage=verb,
            key=_KEYS[verb],
            doc=_DOCS[verb],
            run=Publish(verb=verb, release=release, environment=environment, wish=wish),
            always=True,
        )
        for verb in _VERBS
    )


def wants_tests(release: Release, environment: str) -> bool:
    """Whether an environment refuses what is not tested, and nothing says that the commit that is checked out has passed."""
    wanted = environment or release.project.release.environment
    rules = next((each for each in release.project.environments if each.name == wanted), None)
    if rules is None or severity_of(_TESTS, rules) != "error":
        return False
    try:
        found = read_evidence(TESTS, evidence_folder(release.paths))
    except SlipwayError:
        return True
    return found is None or not found.clean or found.commit != Repository(release.project.root).commit_of("HEAD")


def plan_left_out() -> tuple[Step, ...]:
    """The Step that says what a deployment does not do yet."""
    return (Step(stage="left-out", key="say", doc="Say what is left to do", run=SayLeftOut(), always=True),)


def plan_standing(release: Release, environment: str) -> tuple[Step, ...]:
    """The Step behind the second half of `status`."""
    show = ShowPublished(release=release, environment=environment)
    return (Step(stage="status", key="published", doc="Show what is published", run=show, after=("status:show",), always=True),)


def _release(release: Release, environment: str, wish: Wish) -> None:
    from slipway.publication import verbs

    verbs.publish(release, environment, wish)


def _draft(release: Release, environment: str, wish: Wish) -> None:
    from slipway.publication import creating

    creating.create(release, environment, wish, creating.Options(draft=True))


def _upload(release: Release, environment: str, wish: Wish) -> None:
    from slipway.publication import verbs

    verbs.publish(release, environment, replace(wish, phases=verbs.UPLOADING))


_VERBS: Final[dict[str, Callable[[Release, str, Wish], None]]] = {
    "release": _release,
    "release-draft": _draft,
    "upload-artifacts": _upload,
}
_KEYS: Final = {"release": "publish", "release-draft": "draft", "upload-artifacts": "upload"}
_DOCS: Final = {
    "release": "Publish what lies in packages/",
    "release-draft": "Make a draft with all files",
    "upload-artifacts": "Upload what is missing",
}
