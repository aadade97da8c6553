"""The places that the tests of releases publish to: a folder, a bucket, a server, three forges; each can be set back."""

from __future__ import annotations

import copy
import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from forge_gitea import gitea
from forge_github import github
from forge_gitlab import gitlab
from polling_client import FolderLook, ForgeLook, Look
from release_kit import public
from s3_server import gateway
from ssh_server import ssh_server

View = dict[str, str]
ENVIRONMENT = """
[environment.trial]
stores = ["there"]
confirm = "none"
tag = "none"
install = false
"""
COPIES = {"install.sh": "install.sh", "index.html": "index.html"}
FORGES = {"github": github, "gitlab": gitlab, "gitea": gitea}
# What of a fake forge is the state of its repository.
_KEPT = ("releases", "latest", "burned", "packages", "_serial")


class RemoteTags(MutableMapping[str, str]):
    """The tags of a repository of git, as the forge that serves it has them."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    def _all(self) -> dict[str, str]:
        words = ["git", "for-each-ref", "--format=%(refname:short) %(objectname) %(*objectname)", "refs/tags"]
        done = subprocess.run(words, cwd=self.repository, check=True, capture_output=True, text=True)
        rows = (line.split() for line in done.stdout.splitlines())
        return {row[0]: row[-1] for row in rows}

    def __getitem__(self, tag: str) -> str:
        return self._all()[tag]

    def __setitem__(self, tag: str, commit: str) -> None:
        subprocess.run(["git", "update-ref", f"refs/tags/{tag}", commit], cwd=self.repository, check=True)

    def __delitem__(self, tag: str) -> None:
        subprocess.run(["git", "update-ref", "-d", f"refs/tags/{tag}"], cwd=self.repository, check=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


@dataclass
class Scene:
    """One place; `state` is a folder for whatever is kept there."""

    kind: ClassVar[str] = ""
    state: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Path | None:
        """The git remote, if there is one."""
        return None

    @property
    def store(self) -> str:
        """What slipway.toml says of the store."""
        raise NotImplementedError

    @property
    def toml(self) -> str:
        """What slipway.toml says of the place."""
        return f'[store.there]\nkind = "{self.kind}"\n{self.store}\n{ENVIRONMENT}'

    def view(self) -> View:
        """What the public sees, in a form that can be compared."""
        raise NotImplementedError

    def look(self, releases: Mapping[str, Mapping[str, str]]) -> Look:
        """What a client has to find there at any time, given the files that each release declares."""
        raise NotImplementedError

    def keep(self) -> None:
        """Keep how things are, for `set_back`."""
        raise NotImplementedError

    def set_back(self) -> None:
        """Let things be as they were kept."""
        raise NotImplementedError

    def declared(self) -> dict[str, dict[str, str]]:
        """The files of each release that lies there now, with their digests."""
        found: dict[str, dict[str, str]] = {}
        for name, digest in self.view().items():
            tag, slash, file = name.partition("/")
            if slash:
                found.setdefault(tag, {})[file] = digest
        return found


@dataclass
class FolderScene(Scene):
    """A folder; with `url`, what the public gets is checked there, too."""

    kind: ClassVar[str] = "dir"
    url: str = ""

    @property
    def root(self) -> Path:
        """The folder that is served."""
        return self.state / "site"

    @property
    def store(self) -> str:
        return f'path = "{self.root}"\n' + (f'url = "{self.url}"\n' if self.url else "")

    def view(self) -> View:
        return public(self.root)

    def look(self, releases: Mapping[str, Mapping[str, str]]) -> Look:
        copies = {"install.sh": "online-install.sh", "index.html": "index.html"} if self.url else COPIES
        return FolderLook(self.root, releases, copies=copies, links=("latest",))

    def keep(self) -> None:
        shutil.rmtree(self.state / "kept", ignore_errors=True)
        shutil.copytree(self.root, self.state / "kept", symlinks=True)

    def set_back(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if (self.state / "kept").exists():
            shutil.copytree(self.state / "kept", self.root, symlinks=True)


@dataclass
class ServerScene(FolderScene):
    """A folder on a server that is reached by SSH."""

    kind: ClassVar[str] = "ssh"
    server: Any = None

    def __post_init__(self) -> None:
        self.root.mkdir()

    @property
    def root(self) -> Path:
        """The folder, as the server has it."""
        return Path(self.server.home) / "site"

    @property
    def store(self) -> str:
        said = {
            "host": "127.0.0.1",
            "user": self.server.user,
            "path": str(self.root),
            "identity": str(self.server.key),
            "known-hosts": str(self.server.known_hosts),
        }
        return "".join(f'{name} = "{value}"\n' for name, value in said.items()) + f"port = {self.server.port}\n"


@dataclass
class BucketScene(Scene):
    """A bucket."""

    kind: ClassVar[str] = "s3"
    server: Any = None
    endpoint: str = ""
    _objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    BUCKET: ClassVar[str] = "releases"

    def __post_init__(self) -> None:
        self.client = self.server.client()
        self.client.create_bucket(Bucket=self.BUCKET)
        self.env |= {
            "AWS_ACCESS_KEY_ID": self.server.key_id,
            "AWS_SECRET_ACCESS_KEY": self.server.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def store(self) -> str:
        endpoint = self.endpoint or self.server.endpoint
        return f'bucket = "{self.BUCKET}"\nendpoint = "{endpoint}"\nregion = "us-east-1"\naddressing = "path"\n'

    def _keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.BUCKET)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def _read(self, key: str) -> str:
        found = self.client.get_object(Bucket=self.BUCKET, Key=key)
        if leads := found.get("WebsiteRedirectLocation"):
            return f"-> {leads}"
        return hashlib.sha256(found["Body"].read()).hexdigest()

    def view(self) -> View:
        return {key: self._read(key) for key in sorted(self._keys()) if not key.startswith(".slipway/")}

    def look(self, releases: Mapping[str, Mapping[str, str]]) -> Look:
        seen: set[str] = set()

        def now() -> Iterator[str]:
            # The pointers first: what they lead to has to be there already.
            led = {name: self._pointer(name) for name in COPIES}
            there = self._listed()
            for name, digest in led.items():
                tags = [tag for tag, files in releases.items() if files.get(COPIES[name]) == digest]
                if digest and not tags:
                    yield f"{name} is no copy of any release"
                if not digest and name in seen:
                    yield f"{name} was there and is gone"
                seen.update([name] if digest else [])
                for tag in tags:
                    missing = [file for file, wanted in releases[tag].items() if there.get(f"{tag}/{file}") != wanted]
                    yield from (f"{name} leads to {tag}, and its {file} is not there" for file in missing)

        return now

    def _pointer(self, name: str) -> str:
        try:
            return self._read(name)
        except self.client.exceptions.NoSuchKey:
            return ""

    def _listed(self) -> View:
        """What the listing names, with digests; an object is read once for each ETag."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.BUCKET)
        rows = [(each["Key"], each["ETag"]) for page in pages for each in page.get("Contents", ())]
        for key, etag in rows:
            if (key, etag) not in self._known and "/" in key and not key.startswith("."):
                self._known[key, etag] = self._read(key)
        return {key: self._known.get((key, etag), "") for key, etag in rows}

    def keep(self) -> None:
        self._objects = {}
        for key in self._keys():
            found = self.client.get_object(Bucket=self.BUCKET, Key=key)
            more = {name: found[name] for name in ("Metadata", "ContentType", "CacheControl") if name in found}
            self._objects[key] = {"Body": found["Body"].read(), **more}

    def set_back(self) -> None:
        for key in self._keys():
            self.client.delete_object(Bucket=self.BUCKET, Key=key)
        for key, said in self._objects.items():
            self.client.put_object(Bucket=self.BUCKET, Key=key, **said)


@dataclass
class ForgeScene(Scene):
    """A forge; the lease and the journal's copy lie in the git remote."""

    kind: ClassVar[str] = "forge"
    fake: Any = None
    name: str = ""
    _state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.env |= {f"{self.name.upper()}_TOKEN": self.fake.token}
        self.env |= {f"GIT_{who}_{what}": "mara@hello.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", "init", "-q", "--bare", self.origin], check=True)
        self.fake.tags = RemoteTags(self.origin)

    @property
    def toml(self) -> str:
        usual = super().toml.replace('kind = "forge"', f'kind = "{self.name}"')
        return usual.replace('tag = "none"', 'tag = "push"\nstate = "git"')

    @property
    def origin(self) -> Path:
        """The git remote."""
        return self.state / "remote"

    @property
    def store(self) -> str:
        repository = getattr(self.fake, "repository", "") or self.fake.project
        return f'repository = "{repository}"\napi = "{self.fake.api}"\n'

    def view(self) -> View:
        found = {
            f"{tag}/{name}": hashlib.sha256(data).hexdigest()
            for tag, files in self.fake.published().items()
            for name, data in files.items()
        }
        return {**found, "latest": f"-> {self.fake.latest_tag()}"}

    def look(self, releases: Mapping[str, Mapping[str, str]]) -> Look:
        return ForgeLook(self.fake.published, self.fake.latest_tag, releases)

    def keep(self) -> None:
        with self.fake.lock:
            self._state = {name: copy.deepcopy(value) for name, value in vars(self.fake).items() if name in _KEPT}
        shutil.rmtree(self.state / "kept", ignore_errors=True)
        shutil.copytree(self.origin, self.state / "kept")

    def set_back(self) -> None:
        with self.fake.lock:
            for name, value in self._state.items():
                setattr(self.fake, name, copy.deepcopy(value))
        shutil.rmtree(self.origin)
        shutil.copytree(self.state / "kept", self.origin)


@contextmanager
def scene_of(kind: str, folder: Path, **more: Any) -> Iterator[Scene]:
    """A place of a kind, as long as the block runs."""
    folder.mkdir(parents=True)
    if kind == "dir":
        yield FolderScene(folder, **more)
    elif kind == "ssh":
        with ssh_server(folder / "server") as server:
            yield ServerScene(folder, server=server, **more)
    elif kind == "s3":
        with gateway(folder / "server") as server:
            yield BucketScene(folder, server=server, **more)
    else:
        with FORGES[kind]() as fake:
            yield ForgeScene(folder, fake=fake, name=kind, **more)
