"""The documented scripts, each a command with the same flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from slipway import console
from slipway.cli.front import Front, common
from slipway.executor import run_steps
from slipway.rules import PACKAGES, SignRules
from slipway.variables import INSTALLERS

if TYPE_CHECKING:
    from slipway.packagers.binaries import BinariesWish

_FOLDER: Final = click.Path(path_type=Path)
_KINDS: Final = ("archive", *PACKAGES, "all")


@click.command("generate-distribution")
@click.option("--verbose", is_flag=True, help="Show the commands.")
@click.option("--dry-run", is_flag=True, help="Print the distributions that would be laid out and write nothing.")
@click.argument("variables", nargs=-1)
@click.pass_obj
def generate_distribution(front: Front, verbose: bool, dry_run: bool, variables: tuple[str, ...]) -> None:
    """Lay out the distributions in dist/; VARIABLES are NAME=value."""
    from slipway.doit import main

    words = ["run", *(["--dry-run"] if dry_run else []), "dist-generate", *variables, *(["VERBOSE=true"] if verbose else [])]
    raise SystemExit(main.run(words, front))


@click.command("package-binaries")
@click.option("--source-dir", type=_FOLDER, help="Where the programs lie, in a folder per platform (default: dist/platform).")
@click.option("--output-dir", type=_FOLDER, help="Where the packages go too (default: packages/binaries).")
@click.option("--platforms", default="", help="Comma list of platforms (default: all of the project's).")
@click.option("--format", "kind", type=click.Choice(_KINDS), default="archive", show_default=True, help="What to make.")
@click.option("--compress/--no-compress", default=True, help="Compress archives (default) or not.")
@click.option("--strip", is_flag=True, help="Remove debug symbols from what is packed.")
@click.option("--checksum", is_flag=True, help="Write SHA256SUMS beside the packages.")
@common
@click.pass_obj
def package_binaries(  # noqa: PLR0913, PLR0917 - the documented flags
    front: Front,
    source_dir: Path | None,
    output_dir: Path | None,
    platforms: str,
    kind: str,
    compress: bool,
    strip: bool,
    checksum: bool,
    dry_run: bool,
) -> None:
    """Pack programs that are compiled already, as they are (archive) or as the packages of the platforms."""
    from slipway.packagers.binaries import BinariesWish, plan_binaries, require_wish

    release = front.request(PLATFORMS=platforms, PACKAGE_FORMATS="" if kind == "archive" else kind).release
    wish = BinariesWish(
        kind=kind,
        source=(source_dir or release.paths.dist / "platform").absolute(),
        output=None if output_dir is None else output_dir.absolute(),
        compress=compress,
        strip=strip,
        checksum=checksum,
    )
    require_wish(release, wish)
    if wish.packages:
        # Symbols that are kept apart are out of the programs already.
        symbols = "strip" if strip and release.project.symbols != "separate" else ""
        _make_packages(front, wish, {"PLATFORMS": platforms, "SYMBOLS": symbols}, dry_run=dry_run)
    run_steps(plan_binaries(release, wish), dry_run=dry_run)


def _make_packages(front: Front, wish: BinariesWish, variables: Mapping[str, str], *, dry_run: bool) -> None:
    """Take the programs, lay them out and pack them, by the target of the same name."""
    from slipway.doit import main

    said = {"PACKAGE_FORMATS": ",".join(wish.packages), **variables}
    if wish.source.is_dir():
        said["SOURCE_DIR"] = str(wish.source)
    words = ["run", *(["--dry-run"] if dry_run else []), "package-binaries"]
    if code := main.run([*words, *(f"{name}={value}" for name, value in said.items() if value)], front):
        raise SystemExit(code)


@click.command("create-installer")
@click.argument("dist_dir", type=_FOLDER)
@click.option("--output-dir", type=_FOLDER, help="Where the installers go (default: packages/installers).")
@click.option(
    "--installer-types",
    default="",
    help=f"Comma list of {', '.join(INSTALLERS)} (default: shell, and powershell for Windows).",
)
@click.option("--platforms", default="", help="Comma list of families: linux, macos, windows, freebsd.")
@click.option("--include-services/--no-include-services", default=True, help="Install the services too (default) or not.")
@click.option("--create-uninstaller/--no-create-uninstaller", default=True, help="Make an uninstaller too (default) or not.")
@click.option("--validate-installer", is_flag=True, help="Check what is made, and try install.sh in a sandbox.")
@common
@click.pass_obj
def create_installer(  # noqa: PLR0913, PLR0917 - the documented flags
    front: Front,
    dist_dir: Path,
    output_dir: Path | None,
    installer_types: str,
    platforms: str,
    include_services: bool,
    create_uninstaller: bool,
    validate_installer: bool,
    dry_run: bool,
) -> None:
    """Make the installers of the distribution in DIST_DIR, or of all that lie in dist/."""
    from slipway.cli.making import plan_making
    from slipway.installers import Wish

    wish = Wish(
        types=_words(installer_types),
        families=_words(platforms),
        output=None if output_dir is None else output_dir.absolute(),
        services=include_services,
        uninstaller=create_uninstaller,
        validate=validate_installer,
    )
    run_steps(plan_making(front.request(), dist_dir.absolute(), wish), dry_run=dry_run)


@click.command("test-distribution")
@click.option("--dist-dir", type=_FOLDER, help="Where the distributions lie (default: dist).")
@click.option("--test-types", default="", help="Comma list of basic, integration, complete (default: all).")
@click.option("--platform", default="", help="A platform or a family (default: all of the project's).")
@click.option("--cleanup/--no-cleanup", default=True, help="Remove the containers afterwards (default) or keep them.")
@common
@click.pass_obj
def test_distribution(front: Front, dist_dir: Path | None, test_types: str, platform: str, cleanup: bool, dry_run: bool) -> None:
    """Install, run and remove the distributions in clean containers."""
    from slipway.verify.distribution import plan_tests

    request = front.request(PLATFORMS=platform, TEST_TYPES=test_types)
    release = request.tested
    if dist_dir is not None:
        release = replace(release, paths=replace(release.paths, dist=dist_dir.absolute()))
    run_steps(plan_tests(release, levels=request.levels, cleanup=cleanup), dry_run=dry_run)


@click.command("validate-package")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option(
    "--key",
    "keys",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A file of public keys to trust; may be given more than once.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write what was found to this file, as JSON.")
@common
@click.pass_obj
def validate_package(front: Front, folder: Path | None, keys: tuple[Path, ...], report: Path | None, dry_run: bool) -> None:
    """Check a folder of packages or of distributions: structure, contents, checksums, signatures.

    Without FOLDER, packages/ and dist/ of the project are checked.
    """
    if folder is None and not keys and report is None:
        from slipway.doit import main

        raise SystemExit(main.run(["run", *(["--dry-run"] if dry_run else []), "validate-package"], front))
    from slipway.verify.package import inspect
    from slipway.verify.signatures import Keyring

    release = front.request().release if folder is None or front.has_project else None
    place = folder or (release.paths.packages if release else Path("packages"))
    if dry_run:
        console.out(f"would check {place}")
        return
    rules, root = (release.project.sign, release.project.root) if release else (SignRules(), Path())
    found = inspect(place.absolute(), keys=Keyring.of(rules, root, keys))
    if report is not None:
        found.write(report.absolute())
    for line in found.table():
        console.out(line)
    found.conclude()
    console.out(f"{place}: everything is as it should be")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


COMMANDS: Final = (generate_distribution, package_binaries, create_installer, test_distribution, validate_package)
