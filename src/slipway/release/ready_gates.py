"""What this machine, the keys and the people have to be ready for: room, signatures, logins, notes, approvals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from slipway import credentials
from slipway.errors import GateError
from slipway.release.approvals import approvers_of, granted
from slipway.release.situation import Answer, Situation, absent, failed, passed, unknown
from slipway.release.tag_keys import TagKey, tag_key
from slipway.signing.expiry import certificate_lasts, openpgp_days


def notes(situation: Situation) -> Answer:
    """There is something in the release notes besides headings."""
    lines = [line.strip() for line in situation.notes.splitlines()]
    if not any(line and not line.startswith("#") for line in lines):
        return failed(f"there are no release notes for {situation.release.version}", "write them: docs/changelog.md says where")
    return passed(f"{len(lines)} lines of release notes")


def disk(situation: Situation) -> Answer:
    """There is as much room on this machine as [release] disk wants, in GiB."""
    paths = situation.release.paths
    folder = next(each for each in (paths.root, *paths.root.parents) if each.is_dir())
    wanted, free = situation.project.release.disk, shutil.disk_usage(folder).free / 2**30
    if free < wanted:
        return failed(f"{free:.1f} GiB are free at {folder}, and {wanted} are wanted", "make room, or lower [release] disk")
    return passed(f"{free:.0f} GiB are free")


def keys(situation: Situation) -> Answer:
    """The key that signs the tag can be used, and no key and no login is about to end."""
    faults, days = list(_faults(situation)), situation.project.release.key_days
    if faults:
        return failed("; ".join(faults), "renew what ends, and publish the new public key before the next release")
    return passed(f"every key is good for {days} days more at least")


def approvals(situation: Situation) -> Answer:
    """As many people have signed this very plan as the environment wants."""
    environment, wanted = situation.environment, situation.environment.approvals
    if not wanted:
        return absent(f"{environment.name} wants no approvals")
    if situation.state is None or not situation.digest:
        return unknown("nobody knows which plan was approved, nor where approvals are kept")
    known = approvers_of(situation.repository, situation.commit, environment.approvers)
    if len(known) < wanted:
        return unknown(
            f"{environment.name} wants {wanted} approvals, and {environment.approvers or 'no file'} names {len(known)} people",
            'name them in the file of [environment.NAME] approvers = "…", and commit it',
        )
    request = (situation.digest, environment.name, situation.release.version.text)
    people = granted(known, situation.state, situation.approvals, *request)
    who = ", ".join(people) or "nobody"
    if len(people) < wanted:
        return failed(
            f"{len(people)} of {wanted} people have approved the plan {situation.digest[:12]} ({who})",
            "let others read the plan and sign it: slipway approve",
        )
    return passed(f"approved by {who}")


def _faults(situation: Situation) -> Iterator[str]:
    project, root, days = situation.project, situation.project.root, situation.project.release.key_days
    key = tag_key(project) if situation.environment.tag != "none" else None
    if key is not None and not situation.repository.commit_of(f"refs/tags/{situation.tag}"):
        key.require(root)
    if project.sign.gpg:
        gpg = TagKey(form="gpg", key=project.sign.gpg, file=project.sign.gpg_file, public=project.sign.public_keys)
        left = openpgp_days(gpg.public_key(root))
        if left is not None and left <= days:
            how = f"is good for {left:.0f} days more" if left else "cannot sign any more"
            yield f"the OpenPGP key {project.sign.gpg} {how}"
    if project.sign.authenticode and not certificate_lasts(root / project.sign.authenticode, days):
        yield f"the certificate {project.sign.authenticode} ends within {days} days"
    yield from _login_faults(situation)


def _login_faults(situation: Situation) -> Iterator[str]:
    for store in situation.environment.stores:
        # A command may mint keys that are good for this one run: the store asks for them itself, and says when they end.
        credential = getattr(store, "credential", None)
        if credential is None or credential.command:
            continue
        try:
            if login := credentials.ask(credential):
                login.require_lasting()
        except GateError as error:
            yield f"{store.name}: {error.message}"
