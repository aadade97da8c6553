"""`rollback-release`: from a bad version back to a good one, in one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from slipway import console, process
from slipway.actions.perform import Outcome
from slipway.errors import GateError, UsageError
from slipway.model import Release
from slipway.publication import confirming, mirroring, publishing, register, reissuing
from slipway.publication.opening import Opened
from slipway.publication.published import at_version
from slipway.publication.rollback import Retreat, plan_rollback, retreat_of
from slipway.publication.verbs import open_environment
from slipway.publication.wish import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The flags of rollback-release besides those of all commands that publish."""

    from_version: str = ""
    to_version: str = ""
    reason: str = "critical-bug"
    notice: str = ""
    reissue: str = ""
    emergency: bool = False
    security_issue: bool = False
    staging_environment: bool = False
    update_registries: bool = False
    notify_users: bool = False
    immediate_notify: bool = False
    infrastructure_failover: bool = False
    backup_registry: bool = False
    mirror_sync: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The options that the values of the flags say."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})

    @property
    def is_failover(self) -> bool:
        """Whether it is the servers that are bad, and not a release."""
        return self.infrastructure_failover or self.backup_registry or self.mirror_sync


def roll_back(release: Release, environment: str, wish: Wish, options: Options) -> Outcome:
    """Roll back; with the flags of a failover, users are led to the backup stores instead."""
    opened = open_environment(release, _where(release, environment, options))
    _say_left_out(options)
    if options.is_failover:
        switch = options.infrastructure_failover or options.backup_registry
        chosen = mirroring.chosen(opened, release, options.to_version or options.from_version)
        return mirroring.fail_over(chosen, opened, wish, switch=switch, sync=options.mirror_sync)
    if not options.from_version:
        raise UsageError("which version is bad is not said", hint="name it: rollback-release --from-version 2.2.0")
    retreat = _retreat(opened, release, options)
    if not options.emergency and not wish.dry_run:
        require_rehearsed(opened, release, retreat, options.reissue)
        require_told(opened, retreat)
        require_compatible(release, retreat)
    if options.reissue:
        return reissuing.reissue(release, opened, wish, retreat, options.reissue, emergency=options.emergency)
    return run(opened, release, retreat, wish)


def run(opened: Opened, release: Release, retreat: Retreat, wish: Wish) -> Outcome:
    """Do a rollback once it is confirmed."""
    plan = plan_rollback(opened, release, retreat)
    # Where a phrase is wanted, it names the version that users get.
    good = at_version(release, str(retreat.good))
    outcome = publishing.publish(plan, opened, wish, confirm=confirming.asking(good, opened, wish), anew=True)
    if not wish.dry_run:
        opened.note(str(retreat.bad), register.WITHDRAWN)
        console.say(retreat.text.rstrip())
        console.say(f"test it as users get it: slipway verify --version {retreat.good}")
    return outcome


def require_rehearsed(opened: Opened, release: Release, retreat: Retreat, reissue: str = "") -> None:
    """Raise GateError when the environment wants its rollbacks rehearsed elsewhere, and this one was not.

    What is reissued was rehearsed when it was published there, under the same version.
    """
    where = opened.environment.rehearsal
    if not where:
        return
    name = str(at_version(release, reissue).version) if reissue else retreat.name
    journal = open_environment(release, where).journal(name)
    if journal.last is None or journal.unfinished:
        again = f" --reissue {reissue}" if reissue else ""
        raise GateError(
            f"the rollback from {retreat.bad} to {retreat.good} was not rehearsed in {where}",
            hint=f"rehearse it: slipway rollback-release --from-version {retreat.bad} --to-version {retreat.good}{again} "
            "--staging-environment; or, when there is no time, --emergency",
        )


def require_told(opened: Opened, retreat: Retreat) -> None:
    """Raise GateError when nobody has said what users are told, where a release is taken so seriously that it wants a phrase."""
    if opened.environment.confirm == "phrase" and not retreat.notice:
        raise GateError(
            f"nobody has said what users of {retreat.bad} are told",
            hint='say it: --notice "…"; or, when there is no time, --emergency',
        )


def require_compatible(release: Release, retreat: Retreat) -> None:
    """Raise GateError when a command of [release] rollback-checks says that users cannot go back."""
    versions = {"SLIPWAY_FROM": str(retreat.bad), "SLIPWAY_TO": str(retreat.good)}
    for line in release.project.release.rollback_checks:
        done = process.run(["sh", "-c", line], cwd=release.project.root, env=versions, check=False)
        if done.code != 0:
            said = " / ".join([each.strip() for each in done.output.splitlines() if each.strip()][-3:])
            raise GateError(
                f"users cannot go back from {retreat.bad} to {retreat.good}: {said or f'{line} ends with {done.code}'}",
                hint="go back to another version (--to-version), reissue one (--reissue), or --emergency",
            )


def _where(release: Release, environment: str, options: Options) -> str:
    """The environment; with --staging-environment, the one in which its rollbacks are rehearsed."""
    if not options.staging_environment:
        return environment
    named = {each.name: each for each in release.project.environments}
    asked = named.get(environment or release.project.release.environment)
    where = (asked.rehearsal if asked else "") or "staging"
    if where not in named:
        raise UsageError(
            f"there is no environment {where!r} to rehearse in", hint='name one: [environment.production] rehearsal = "…"'
        )
    return where


def _retreat(opened: Opened, release: Release, options: Options) -> Retreat:
    reason = "vulnerability" if options.security_issue else options.reason
    return retreat_of(
        opened,
        release,
        bad=options.from_version,
        good=options.to_version,
        reason=reason,
        notice=options.notice,
        urgent=options.emergency or options.security_issue,
    )


def _say_left_out(options: Options) -> None:
    wanted = {
        "package registries are not updated": options.update_registries,
        "users are not told by slipway": options.notify_users or options.immediate_notify,
    }
    for what, asked in wanted.items():
        if asked:
            console.warn(f"{what}, since slipway does not do it yet; the notice below says what to tell")
