"""The page of a release, for people, and the same as data, for programs; both are files of the release as all others are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from slipway.actions.store import Content
from slipway.files import write_atomic
from slipway.manifest import Artifact, Manifest
from slipway.plain import to_plain
from slipway.publish.markup import html_of
from slipway.render import render

PAGE: Final = "index.html"
DATA: Final = "release.json"
SCHEMA: Final = 1
# The installers that a page names: the one that is made for its store before the one that is the same everywhere.
_SHELL: Final = ("online-install.sh", "install.sh")
_POWERSHELL: Final = ("online-install.ps1", "install.ps1")
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePage:
    """What is said of a release in one store.

    `contents` are its files there, all in the folder `folder`; `url` is the public address of the store, empty where it has
    none. The page is the same for the same release, whenever it is made.
    """

    manifest: Manifest
    tag: str
    folder: str
    contents: tuple[Content, ...]
    summary: str = ""
    homepage: str = ""
    url: str = ""
    commit: str = ""
    commit_url: str = ""
    notes: str = ""
    prerelease: bool = False


def write_page(page: ReleasePage, target: Path, *, overrides: Path | None = None) -> tuple[Path, ...]:
    """Write `release.json` and then `index.html` into a folder; `overrides` is where a project's own template may be."""
    data, shown = target / DATA, target / PAGE
    text = release_data(page)
    write_atomic(data, text)
    write_atomic(shown, release_html(_with_data(page, text), overrides).encode())
    return data, shown


def release_data(page: ReleasePage) -> bytes:
    """The JSON form: what the release is, where its files are, and all that the manifest says of them."""
    manifest = page.manifest
    whole = {
        "schema": SCHEMA,
        "product": manifest.name,
        "version": manifest.version,
        "tag": page.tag,
        "commit": page.commit,
        "date": _date(manifest.epoch).isoformat().replace("+00:00", "Z"),
        "prerelease": page.prerelease,
        "url": _address(page, f"{page.folder}/") if page.url else "",
        "files": [_file(page, content) for content in _sorted(page)],
        "manifest": to_plain(manifest),
    }
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def release_html(page: ReleasePage, overrides: Path | None = None) -> str:
    """The page as HTML."""
    manifest = page.manifest
    return render(
        "templates/page/index.html.j2",
        overrides=overrides,
        name=manifest.name,
        version=manifest.version,
        summary=page.summary,
        homepage=page.homepage,
        tag=page.tag,
        commit=page.commit,
        commit_url=page.commit_url,
        prerelease=page.prerelease,
        date=_date(manifest.epoch).date().isoformat(),
        notes=html_of(page.notes),
        ways=list(_ways(page)),
        rows=list(_rows(page)),
    )


def _with_data(page: ReleasePage, text: bytes) -> ReleasePage:
    """The page with its own data among the files; it cannot name itself, since its bytes would follow from its bytes."""
    made = Content(
        name=f"{page.folder}/{DATA}",
        path=DATA,
        size=len(text),
        sha256=hashlib.sha256(text).hexdigest(),
        media_type="application/json",
    )
    return replace(page, contents=(*(each for each in page.contents if each.file not in (DATA, PAGE)), made))


def _file(page: ReleasePage, content: Content) -> Mapping[str, Any]:
    artifact = _artifacts(page).get(_own(content))
    return {
        "name": content.name,
        "url": _address(page, content.name) if page.url else "",
        "size": content.size,
        "sha256": content.sha256,
        "media_type": content.media_type,
        "encoding": content.encoding,
        "kind": artifact.kind if artifact else "",
        "platform": artifact.platform if artifact else "",
        "variant": artifact.variant if artifact else "",
        "signs": artifact.signs if artifact else "",
    }


def _rows(page: ReleasePage) -> Iterator[Mapping[str, Any]]:
    """A row of each file; signatures stand in the rows of the files that they sign."""
    artifacts, names = _artifacts(page), {_own(each) for each in page.contents}
    signs = {name: artifacts[name].signs for name in names if name in artifacts}
    for content in _sorted(page):
        if signs.get(_own(content)) in names:
            continue
        artifact = artifacts.get(_own(content))
        mine = [each for each in _sorted(page) if signs.get(_own(each)) == _own(content)]
        yield {
            "file": content.file,
            "href": _address(page, content.name),
            "size": content.size,
            "shown": _shown(content.size),
            "sha256": content.sha256,
            "platform": artifact.platform if artifact else "",
            "signatures": [{"name": Path(_own(each)).suffix[1:], "href": _address(page, each.name)} for each in mine],
        }


def _ways(page: ReleasePage) -> Iterator[Mapping[str, str]]:
    """The lines with which people install this very release."""
    if not page.url:
        return
    there = {_own(each): each for each in page.contents}
    if content := next((there[name] for name in _SHELL if name in there), None):
        address = _address(page, content.name)
        careful = "--proto '=https' --tlsv1.2 " if address.startswith("https://") else ""
        yield {"title": "Linux, macOS, FreeBSD", "line": f"curl {careful}-fsSL {address} | sh"}
        looked = f"curl -fsSLO {address} && echo '{content.sha256}  {content.file}' | sha256sum -c && sh {content.file}"
        yield {"title": "The same, checked before it runs", "line": looked}
    if content := next((there[name] for name in _POWERSHELL if name in there), None):
        yield {"title": "Windows, in PowerShell", "line": f"irm {_address(page, content.name)} | iex"}


def _address(page: ReleasePage, name: str) -> str:
    """Where a file is; without a public address, where it is as seen from the page."""
    return f"{page.url.rstrip('/')}/{quote(name)}" if page.url else quote(name.rpartition("/")[2])


def _artifacts(page: ReleasePage) -> Mapping[str, Artifact]:
    return {each.name: each for each in page.manifest.artifacts}


def _sorted(page: ReleasePage) -> Iterable[Content]:
    """What is for one platform comes first, platform by platform; what is for all comes last."""
    artifacts = _artifacts(page)
    platform = {name: artifacts[name].platform if name in artifacts else "" for name in map(_own, page.contents)}
    return sorted(page.contents, key=lambda each: (not platform[_own(each)], platform[_own(each)], each.name))


def _own(content: Content) -> str:
    """What a file is called here, and in the manifest; some stores serve it under another name."""
    return content.path.rpartition("/")[2]


def _date(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _shown(size: int) -> str:
    """`1.4 MiB`."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{size} {_UNITS[0]}"
