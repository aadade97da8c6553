"""Where a release comes from: an in-toto statement (Statement v1) with provenance as SLSA defines it (v1.0)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from slipway.files import digest_file
from slipway.git import Repository
from slipway.manifest import Artifact, Manifest, Place
from slipway.model import Release
from slipway.packagers.inventory.document import laid_out, tool_version
from slipway.packagers.inventory.gather import built_elsewhere, described_in, public_url

KIND: Final = "provenance"
SUFFIX: Final = "provenance.json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "urn:slipway:release:1"
LOCAL: Final = "urn:slipway:local"
# DSSE: the type of what is signed (https://github.com/in-toto/attestation, envelope).
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_GITHUB: Final = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions"
# By what each service for continuous integration is known, and what it says about itself: who builds, and in which run.
_SERVICES: Final = (
    ("GITHUB_ACTIONS", "{GITHUB_SERVER_URL}/{GITHUB_WORKFLOW_REF}", f"{_GITHUB}/runs/{{GITHUB_RUN_ID}}"),
    ("GITLAB_CI", "{CI_PROJECT_URL}/-/runners/{CI_RUNNER_ID}", "{CI_JOB_URL}"),
    ("JENKINS_URL", "{JENKINS_URL}", "{BUILD_URL}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that the release is made from: a commit, a file of the project, a file that was built elsewhere."""

    name: str
    uri: str = ""
    digests: Mapping[str, str]
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the provenance says beside the artifacts; `files` are named relative to the project's folder."""

    place: Place
    root: Path
    files: tuple[Path, ...]
    sources: tuple[Source, ...]
    configuration: str
    builder: str
    invocation: str

    def attach(self, manifest: Manifest) -> Manifest:
        """Write the provenance of a manifest's artifacts, and return the manifest with the provenance in it."""
        # Signatures vouch for themselves, and that of the provenance is not there before the provenance is.
        subjects = replace(manifest, artifacts=tuple(each for each in manifest.artifacts if each.kind != KIND and not each.signs))
        if not subjects.artifacts:
            return manifest
        data = payload(self.statement(subjects))
        made = next((each for each in manifest.artifacts if each.kind == KIND), None)
        if made is None or self.place.target.read_bytes() != data:
            made = self._write(data)
        others = (each for each in manifest.artifacts if each.kind != KIND)
        return replace(manifest, artifacts=tuple(sorted((*others, made), key=lambda each: each.path)))

    def _write(self, data: bytes) -> Artifact:
        with self.place.writer() as out:
            out.write(data)
        return self.place.note(out.size, out.digests())

    def statement(self, manifest: Manifest) -> Mapping[str, Any]:
        """The statement about all artifacts of a manifest."""
        return {
            "_type": STATEMENT,
            "subject": [{"name": each.name, "digest": dict(sorted(each.digests.items()))} for each in manifest.artifacts],
            "predicateType": PREDICATE,
            "predicate": {"buildDefinition": self._definition(manifest), "runDetails": self._details()},
        }

    def _definition(self, manifest: Manifest) -> Mapping[str, Any]:
        artifacts = manifest.artifacts
        columns = (
            ("platforms", (each.platform for each in artifacts)),
            ("variants", (each.variant for each in artifacts)),
            ("kinds", (each.kind for each in artifacts)),
        )
        asked = {key: sorted({value for value in values if value}) for key, values in columns}
        return {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "name": manifest.name,
                "version": manifest.version,
                "configuration": self.configuration,
                **asked,
            },
            "internalParameters": {"SOURCE_DATE_EPOCH": manifest.epoch},
            "resolvedDependencies": [_described(each) for each in (*self.sources, *self._files())],
        }

    def _files(self) -> Iterator[Source]:
        for path in self.files:
            if path.is_file():
                name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name
                yield Source(name=name, digests={"sha256": digest_file(path)})

    def _details(self) -> Mapping[str, Any]:
        run = {"invocationId": self.invocation} if self.invocation else {}
        return {
            "builder": {"id": self.builder, "version": {"slipway": tool_version()}},
            "metadata": run,
        }


def payload(statement: Mapping[str, Any]) -> bytes:
    """The exact bytes of a statement, as they lie in the file and as an envelope signs them with `PAYLOAD_TYPE`."""
    return laid_out(statement)


def origin_of(release: Release, environment: Mapping[str, str] | None = None) -> Origin | None:
    """What the provenance of a release says, if the project wants one; asks git, and the environment who builds."""
    rules = release.project.sbom
    if not rules.provenance:
        return None
    builder, invocation = builder_of(os.environ if environment is None else environment)
    name, project = f"{release.base}.{SUFFIX}", release.project
    files = {project.file, *described_in(project.components)}
    return Origin(
        place=Place.of(release, KIND, name, PAYLOAD_TYPE),
        root=project.root,
        files=tuple(sorted(files)),
        sources=(*_commit(project.root, rules.repository), *_prebuilt(release)),
        configuration=project.file.name,
        builder=rules.builder or builder,
        invocation=invocation,
    )


def builder_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """Who builds, and in which run, as a service for continuous integration says it; here nobody says it."""
    for mark, builder, run in _SERVICES:
        if environment.get(mark):
            words = {key: value for key, value in environment.items() if value}
            return _filled(builder, words) or LOCAL, _filled(run, words)
    return LOCAL, ""


def repository_uri(remote: str) -> str:
    """The URL of a repository without names and passwords; empty for a folder of this machine."""
    scp_like = "://" not in remote and ":" in remote.partition("/")[0]
    if scp_like:
        host, _, path = remote.partition(":")
        return f"git+ssh://{host.rpartition('@')[2]}/{path.lstrip('/')}"
    if urlsplit(remote).scheme not in {"https", "http", "ssh", "git"}:
        return ""
    return f"git+{public_url(remote)}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    try:
        return text.format_map(words)
    except KeyError:
        return ""


def _commit(root: Path, repository: str) -> Iterator[Source]:
    """The commit that is checked out, if there is one."""
    here = Repository(root)
    if not (commit := here.commit_of("HEAD")):
        return
    place = repository_uri(repository or here.remote_url())
    yield Source(
        name="source",
        uri=f"{place}@{commit}" if place else "",
        digests={"gitCommit": commit},
        changed=bool(here.dirty(untracked=False)),
    )


def _prebuilt(release: Release) -> Iterator[Source]:
    """The files that were built elsewhere and have a digest."""
    for part in release.project.components:
        for found in built_elsewhere(release, part):
            if found.sha256:
                yield Source(name=found.about, uri=found.download, digests={"sha256": found.sha256})


def _described(source: Source) -> Mapping[str, Any]:
    uri = {"uri": source.uri} if source.uri else {}
    note = {"annotations": {"uncommitted changes": True}} if source.changed else {}
    return {"name": source.name, **uri, "digest": dict(source.digests), **note}
