"""Detached signatures: files beside the artifacts, and beside the checksum files, that say who made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.errors import GateError
from slipway.files import HashingWriter
from slipway.manifest import Artifact, digest_names, load_record, record, record_path
from slipway.model import Release
from slipway.signing.signers import Key, signers, usable
from slipway.steps import Step

KIND: Final = "signature"
STAGE: Final = "sign"
MEDIA_TYPES: Final = {
    ".sig": "application/pgp-signature",
    ".asc": "application/pgp-signature",
    ".minisig": "application/octet-stream",
    ".sshsig": "application/octet-stream",
}
_KINDS: Final = "gpg, minisign or ssh"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignArtifact:
    """Sign one artifact with every key, and write the records of the signatures beside that of the artifact."""

    target: Path
    record: Path
    release: str
    signers: tuple[Key, ...]
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Sign; raises SlipwayError when a key cannot."""
        signed = load_record(self.record).artifact
        folder = signed.path[: -len(signed.name)]
        for made in sign_file(self.target, self.signers, self.digests, folder=folder, of=signed):
            record(self.record.with_name(f"{made.name}.json"), self.release, made)


@dataclass(frozen=True, slots=True)
class NoKey:
    """The need of signing where slipway.toml names no key."""

    def __call__(self) -> None:
        """Refuse."""
        raise GateError("slipway.toml names no key to sign with", hint=f"say {_KINDS} in [sign]: doit help sign")


def sign_file(
    path: Path, keys: Iterable[Key], digests: tuple[str, ...], *, folder: str = "", of: Artifact | None = None
) -> Iterator[Artifact]:
    """Write the signatures of a file beside it; `folder` is its place below packages/, with a slash at the end."""
    for key in keys:
        for suffix, data in key.signatures(path).items():
            target = path.with_name(f"{path.name}{suffix}")
            with HashingWriter(target, *digests) as out:
                out.write(data)
            yield Artifact(
                kind=KIND,
                name=target.name,
                path=f"{folder}{target.name}",
                size=out.size,
                digests=out.digests(),
                media_type=MEDIA_TYPES[suffix],
                platform=of.platform if of else "",
                variant=of.variant if of else "",
                signs=path.name,
            )


def plan_signatures(release: Release, packed: Iterable[Step]) -> tuple[Step, ...]:
    """Plan the signatures of what some Steps put into packages/; the keys of these Steps begin theirs.

    Without a key there is one Step, which refuses, for whoever asks for signatures alone.
    """
    if not (keys := signers(release)):
        return (Step(stage=STAGE, key="any.nothing", doc="Sign what is packed", run=NoKey(), needs=(NoKey(),), always=True),)
    return tuple(
        _step(release, step, path, keys)
        for step in (packed if artifact_signers(release) else ())
        for path in step.outputs
        if path.is_relative_to(release.paths.packages) and record_path(release, path.name) in step.outputs
    )


def signature_names(release: Release, steps: Iterable[Step]) -> dict[str, tuple[str, ...]]:
    """The file names of the signatures that Steps make, by their kind."""
    outputs = (path for step in steps if step.stage == STAGE for path in step.outputs)
    return {KIND: tuple(path.name for path in outputs if path.is_relative_to(release.paths.packages))}


def artifact_signers(release: Release) -> tuple[Key, ...]:
    """The keys with which artifacts are signed."""
    return signers(release) if "artifacts" in release.project.sign.what else ()


def list_signers(release: Release) -> tuple[Key, ...]:
    """The keys with which checksum files are signed."""
    return signers(release) if "checksums" in release.project.sign.what else ()


def _step(release: Release, step: Step, path: Path, keys: tuple[Key, ...]) -> Step:
    noted = record_path(release, path.name)
    base, cells = step.key.partition(".")[0], {cell.id for cell in release.matrix}
    run = SignArtifact(target=path, record=noted, release=release.base, signers=keys, digests=digest_names(release.project))
    made = tuple(path.with_name(f"{path.name}{suffix}") for key in keys for suffix in key.suffixes)
    return Step(
        stage=STAGE,
        key=f"{base if cells.issuperset(base.split('+')) else 'any'}.{path.name}",
        doc=f"Sign {path.name}",
        run=run,
        inputs=(path, noted),
        outputs=tuple(one for file in made for one in (file, record_path(release, file.name))),
        needs=usable(*keys),
    )
