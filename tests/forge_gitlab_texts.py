"""What the GitLab of the tests keeps and says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forge_routes import Reply

if TYPE_CHECKING:
    from forge_gitlab import GitLab


@dataclass
class PackageFile:
    """A file of a package."""

    id: int
    name: str
    data: bytes


@dataclass
class Package:
    """All files of one version."""

    id: int
    name: str
    version: str
    files: list[PackageFile] = field(default_factory=list)


@dataclass
class Release:
    """A release; it is public from the moment it is there."""

    tag: str
    name: str
    description: str
    released_at: str
    created_at: str
    links: list[dict[str, Any]] = field(default_factory=list)


def file(package: Package, found: PackageFile) -> dict[str, Any]:
    """A file of a package."""
    digests = {f"file_{name}": hashlib.new(name, found.data).hexdigest() for name in ("md5", "sha1", "sha256")}
    return {"id": found.id, "package_id": package.id, "file_name": found.name, "size": len(found.data), **digests}


def link(forge: GitLab, release: Release, found: dict[str, Any]) -> dict[str, Any]:
    """A link of a release."""
    direct = f"{forge.url}/{forge.project}/-/releases/{release.tag}/downloads{found['direct_asset_path']}"
    return {**{key: found[key] for key in ("id", "name", "url", "link_type")}, "direct_asset_url": direct}


def release(forge: GitLab, found: Release) -> dict[str, Any]:
    """A release."""
    links = [link(forge, found, each) for each in found.links]
    return {
        "tag_name": found.tag,
        "name": found.name,
        "description": found.description,
        "released_at": found.released_at,
        "created_at": found.created_at,
        "upcoming_release": found.released_at > utc(datetime.now(UTC).isoformat()),
        "commit": {"id": forge.tags.get(found.tag, "")},
        "assets": {"count": len(links) + 4, "sources": [], "links": links},
        "_links": {"self": f"{forge.url}/{forge.project}/-/releases/{found.tag}"},
    }


def utc(when: str) -> str:
    """A time as GitLab writes it."""
    return datetime.fromisoformat(when).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def missing(what: str = "") -> Reply:
    """The answer to what is not there."""
    return Reply(404, {"message": f"404 {what} Not Found".replace("  ", " ")})
