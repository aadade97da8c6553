"""How a folder is inspected: which of its files are looked into, how, and what comes of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from slipway.contents import Contents
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.manifest import Artifact, Manifest
from slipway.model import Paths
from slipway.verify.embedded import embedded_faults
from slipway.verify.listed import file_faults, files_below, list_findings, record_faults
from slipway.verify.outcome import Finding, Outcome
from slipway.verify.signatures import SUFFIXES, Keyring, missing_signatures, signature_faults

Faults = Callable[[Path, Artifact | None, Path, Manifest | None], Iterator[str]]
Reader = Callable[[Path, Contents | None, Manifest | None], Iterator[str]]
_Result = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of file is looked into: `look` gets the file, its line of the manifest, dist/ and the manifest.

    The row counts for artifacts of these kinds with one of these suffixes; where nothing says of which kind a file is,
    for the first of the rows that have its suffix and, where they name one, its `magic` at its beginning.
    """

    kinds: tuple[str, ...]
    suffixes: tuple[str, ...]
    look: Faults
    magic: bytes = b""
    check: str = "contents"


@dataclass(frozen=True, slots=True)
class By:
    """A look by the reader of a format, which gets the list of the package's distribution where there is one."""

    reader: Reader

    def __call__(self, path: Path, artifact: Artifact | None, dist: Path, manifest: Manifest | None) -> Iterator[str]:
        """Say what is wrong with a package."""
        return self.reader(path, _distribution_of(artifact, dist), manifest)


@dataclass(frozen=True, slots=True)
class _Signature:
    """A look at a detached signature."""

    keys: Keyring

    def __call__(self, path: Path, artifact: Artifact | None, _dist: Path, _manifest: Manifest | None) -> Iterator[str]:
        """Say what is wrong with it."""
        if artifact is not None and f"{artifact.signs}{path.suffix}" != artifact.name:
            yield f"the manifest says that it signs {artifact.signs or 'nothing'}"
        yield from signature_faults(path, self.keys)


class Inspector:
    """Looks into the files of one folder by the rows of a table; `dist` is where distributions may lie."""

    def __init__(self, folder: Path, dist: Path, looks: Iterable[Look], keys: Keyring) -> None:
        self._folder, self._dist, self._keys = folder, dist, keys
        self._looks = (*looks, Look(("signature",), SUFFIXES, _Signature(keys), check="signature"))

    def listed(self) -> Iterator[Outcome]:
        """Check what the manifest of a folder lists, and the lists themselves."""
        try:
            manifest = Manifest.load(self._folder / "manifest.json")
        except VerificationError as error:
            yield Outcome(path="manifest.json", kind="manifest", faults=(error.message,))
            return
        unsigned: dict[str, tuple[str, ...]] = {}
        for path, fault in missing_signatures(manifest, self._keys):
            unsigned[path] = (*unsigned.get(path, ()), fault)
        records = Paths.under(self._folder.parent).state / "artifacts"
        for artifact in manifest.artifacts:
            noted = tuple(record_faults(records, artifact, manifest))
            yield self._artifact(artifact, manifest, (*noted, *unsigned.pop(artifact.path, ())))
        left = (Finding(path=path, message=fault) for path, faults in unsigned.items() for fault in faults)
        yield from _grouped((*list_findings(self._folder, manifest), *left))
        yield from self._further_signatures({artifact.path for artifact in manifest.artifacts})

    def _further_signatures(self, known: Collection[str]) -> Iterator[Outcome]:
        """Check signatures that no manifest tells of, since somebody made them by hand, of what it lists and of the lists."""
        for path in files_below(self._folder):
            signed, suffix = path.rpartition(".")[::2]
            is_list = "/" not in signed and (signed.startswith(("checksums.", "manifest.json")) or signed.endswith("SUMS"))
            if f".{suffix}" in SUFFIXES and path not in known and (signed in known or is_list):
                yield self._stranger(path)

    def unlisted(self) -> Iterator[Outcome]:
        """Check files of which no manifest tells, whoever made them, each by what it says that it is."""
        found = [self._stranger(path) for path in files_below(self._folder)]
        yield from found
        if not any(one.kind for one in found):
            fault = "it holds neither a manifest.json nor distributions nor packages: nothing has been made"
            yield Outcome(path=self._folder.name, faults=(fault,))

    def _artifact(self, artifact: Artifact, manifest: Manifest, noted: tuple[str, ...]) -> Outcome:
        faults = tuple(file_faults(self._folder, artifact))
        checks, inner, lacks = ((), (), ()) if faults else self._inside(artifact.path, artifact, manifest)
        checks = checks if faults else ("bytes", *checks)
        whole = (*faults, *noted, *inner)
        head = Outcome(path=artifact.path, kind=artifact.kind, size=artifact.size)
        sha256 = "" if faults else artifact.digests.get("sha256", "")
        return replace(head, sha256=sha256, checks=checks, faults=whole, lacks=lacks)

    def _stranger(self, name: str) -> Outcome:
        path = self._folder / name
        rows = self._rows(name, None)
        if path.is_symlink() or not path.is_file():
            return Outcome(path=name, kind=rows[0].kinds[0] if rows else "", faults=("it is no plain file",) if rows else ())
        size = path.stat().st_size
        if not rows:
            return Outcome(path=name, size=size)
        kind = (_chosen(path, rows) or rows[0]).kinds[0]
        checks, faults, lacks = self._inside(name, None, None)
        return Outcome(path=name, kind=kind, size=size, checks=checks, faults=faults, lacks=lacks)

    def _rows(self, name: str, artifact: Artifact | None) -> list[Look]:
        mine = (row for row in self._looks if name.endswith(row.suffixes))
        return [row for row in mine if artifact is None or artifact.kind in row.kinds]

    def _inside(self, name: str, artifact: Artifact | None, manifest: Manifest | None) -> _Result:
        """Look into a file: the checks that it passed, its faults, and what could not be checked."""
        path, rows = self._folder / name, self._rows(name, artifact)
        if not rows:
            return (), (), ()
        if (row := _chosen(path, rows)) is None:
            return (
                (),
                (f"it does not begin as a file of the kind {' or '.join(dict.fromkeys(row.kinds[0] for row in rows))}",),
                (),
            )
        faults: list[str] = []
        try:
            # One by one: what was found before something breaks off is kept.
            for fault in chain(row.look(path, artifact, self._dist, manifest), embedded_faults(path, self._keys)):
                faults.append(fault)  # noqa: PERF402
        except GateError as error:
            return (), tuple(faults), (error.message,)
        except SlipwayError as error:
            faults.append(error.message)
        except Exception as error:  # noqa: BLE001 - damage that nobody foresaw is damage, and the other files are checked
            faults.append(f"it is damaged: {type(error).__name__}: {error}")
        return (() if faults else (row.check,)), tuple(faults), ()


def _grouped(findings: Iterable[Finding]) -> Iterator[Outcome]:
    found: dict[str, tuple[str, ...]] = {}
    for each in findings:
        found[each.path] = (*found.get(each.path, ()), each.message)
    yield from (Outcome(path=path, kind="list", faults=faults) for path, faults in found.items())


def _chosen(path: Path, rows: Iterable[Look]) -> Look | None:
    with path.open("rb") as file:
        head = file.read(16)
    return next((row for row in rows if head.startswith(row.magic)), None)


def _distribution_of(artifact: Artifact | None, dist: Path) -> Contents | None:
    """The list of the one distribution for the platform and the variant of a package."""
    if artifact is None:
        return None
    lists = (Contents.load(path) for path in sorted(dist.glob("*.contents.json")))
    mine = [each for each in lists if (each.platform, each.variant) == (artifact.platform, artifact.variant)]
    return mine[0] if len(mine) == 1 else None
