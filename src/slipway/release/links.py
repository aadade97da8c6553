"""Where a forge shows a commit, a comparison or a tag: pages of GitHub, GitLab and Gitea."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

_SCP: Final = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>(?!/).+)")
# commit, comparison, tag: {0} is the page of the repository
_FORMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "github": ("{0}/commit/", "{0}/compare/{1}...{2}", "{0}/releases/tag/{1}"),
    "gitlab": ("{0}/-/commit/", "{0}/-/compare/{1}...{2}", "{0}/-/tags/{1}"),
    "gitea": ("{0}/commit/", "{0}/compare/{1}...{2}", "{0}/releases/tag/{1}"),
}
_SAFE: Final = re.compile(r"[\w./-]*", re.ASCII).fullmatch
_GITEA_HOSTS: Final = ("codeberg.org", "gitea.com")


@dataclass(frozen=True, slots=True)
class Links:
    """The pages of one repository; without a page of its own, all of them are empty."""

    page: str = ""
    forge: str = "github"

    @property
    def commit(self) -> str:
        """What the page of a commit begins with."""
        return _FORMS[self.forge][0].format(self.page) if self.page else ""

    def compare(self, old: str, new: str) -> str:
        """The page that shows what lies between two tags."""
        return self._of(1, old, new)

    def tag(self, name: str) -> str:
        """The page of a tag."""
        return self._of(2, name)

    def _of(self, which: int, *names: str) -> str:
        if not self.page or not all(names):
            return ""
        return _FORMS[self.forge][which].format(self.page, *[name if _SAFE(name) else quote(name, safe="/") for name in names])


def links_of(url: str, forge: str = "") -> Links:
    """The pages of a repository, by the URL of its page or of its remote; none for a folder of this machine."""
    url = url.strip()
    if "://" in url:
        parts = urlsplit(url)
        host, path, port = parts.hostname or "", parts.path, parts.port if parts.scheme in {"http", "https"} else None
        scheme = "http" if parts.scheme == "http" else "https"
        if parts.scheme not in {"http", "https", "ssh", "git", "git+ssh"}:
            return Links()
    elif match := _SCP.fullmatch(url):
        host, path, port, scheme = match["host"], match["path"], None, "https"
    else:
        return Links()
    place = f"{host}:{port}" if port else host
    page = f"{scheme}://{place}/{path.strip('/').removesuffix('.git')}"
    return Links(page, forge or _forge(host)) if host else Links()


def _forge(host: str) -> str:
    if host in _GITEA_HOSTS or host.startswith(("gitea.", "forgejo.", "codeberg.")):
        return "gitea"
    return "gitlab" if "gitlab" in host else "github"
