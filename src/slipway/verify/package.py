"""Check packages/ and dist/ file by file: what is there, what should be, and whether the bytes are the same.

A reader of a new format is a file beside this one and a row in `_LOOKS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import console
from slipway.binaries import read_binary
from slipway.manifest import Artifact, Manifest
from slipway.model import Release
from slipway.rules import SignRules
from slipway.steps import Step
from slipway.verify import macpkg, sums
from slipway.verify.deb import deb_faults
from slipway.verify.foldered import portable_faults, source_faults, symbols_faults
from slipway.verify.freebsd import XZ, ZSTD, freebsd_faults
from slipway.verify.inspection import By, Inspector, Look
from slipway.verify.inventory import cyclonedx_faults, list_faults, provenance_faults, spdx_faults
from slipway.verify.laid_out import distribution_outcomes
from slipway.verify.listed import ARCHIVES
from slipway.verify.msi import msi_faults
from slipway.verify.outcome import Finding, Inspection
from slipway.verify.packed import archive_faults
from slipway.verify.rpm import rpm_faults
from slipway.verify.scripts import powershell_faults, shell_faults
from slipway.verify.signatures import NO_KEYS, Keyring

STAGE: Final = "validate-package"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateFolder:
    """Check one folder and write a report; `dist` is where the packages' distributions may lie, and need not be there itself."""

    folder: Path
    dist: Path
    root: Path
    rules: SignRules
    report: Path

    def __call__(self) -> None:
        """Raise VerificationError with every fault, GateError when something could not be checked."""
        if self.folder != self.dist or self.folder.is_dir():
            found = inspect(self.folder, dist=self.dist, keys=Keyring.of(self.rules, self.root))
            found.write(self.report)
            for line in found.table():
                console.log(line)
            found.conclude()


def plan_package_validation(release: Release) -> tuple[Step, ...]:
    """Plan the check of packages/ and, where distributions are laid out, of dist/."""
    project, paths = release.project, release.paths
    return tuple(
        Step(
            stage=STAGE,
            key=folder.name,
            doc=f"Check {folder.name}/ file by file",
            run=ValidateFolder(
                folder=folder,
                dist=paths.dist,
                root=project.root,
                rules=project.sign,
                report=paths.state / "reports" / f"validate-{folder.name}.json",
            ),
            always=True,
        )
        for folder in (paths.packages, paths.dist)
    )


def validate(folder: Path, *, dist: Path | None = None) -> tuple[Finding, ...]:
    """Find every fault of a folder of packages or of distributions."""
    return inspect(folder, dist=dist).findings


def inspect(folder: Path, *, dist: Path | None = None, keys: Keyring = NO_KEYS) -> Inspection:
    """Check every file of a folder: of distributions, of packages with their manifest, or of any packages."""
    inspector = Inspector(folder, folder.parent / "dist" if dist is None else dist, _LOOKS, keys)
    if lists := sorted(folder.glob("*.contents.json")):
        found = [one for path in lists for one in distribution_outcomes(folder, path, keys)]
    else:
        found = [*(inspector.listed() if (folder / "manifest.json").exists() else inspector.unlisted())]
    return Inspection(folder=str(folder), files=tuple(sorted(found, key=lambda one: one.path)))


def _program(path: Path, _artifact: Artifact | None, _dist: Path, _manifest: Manifest | None) -> Iterator[str]:
    if read_binary(path) is None:
        yield "it is no program for Windows"


# A reader `x_faults(path, contents or None, manifest or None)` makes a row `Look(("x",), (".x",), By(x_faults), b"magic")`.
_LOOKS: Final = (
    Look(("archive",), ARCHIVES, archive_faults),
    Look(("portable",), ARCHIVES, portable_faults),
    Look(("source",), ARCHIVES, source_faults),
    Look(("symbols",), ARCHIVES, symbols_faults),
    Look(("deb",), (".deb",), By(deb_faults), b"!<arch>\n"),
    Look(("rpm",), (".rpm",), By(rpm_faults), b"\xed\xab\xee\xdb"),
    Look(("freebsd",), (".pkg",), By(freebsd_faults), ZSTD),
    Look(("freebsd",), (".pkg",), By(freebsd_faults), XZ),
    Look(("pkg",), (".pkg",), macpkg.look, b"xar!"),
    Look(("msi",), (".msi",), By(msi_faults)),
    Look(("sbom",), (".cdx.json",), By(cyclonedx_faults)),
    Look(("sbom",), (".spdx.json",), By(spdx_faults)),
    Look(("provenance",), (".provenance.json",), By(provenance_faults)),
    Look(("manifest",), ("-manifest.txt",), By(list_faults)),
    Look(("installer",), (".sh",), shell_faults),
    Look(("installer",), (".ps1",), powershell_faults),
    Look(("program",), (".exe",), _program, b"MZ"),
    Look(("list",), sums.SUFFIXES, sums.sums_faults, check="digests"),
)
